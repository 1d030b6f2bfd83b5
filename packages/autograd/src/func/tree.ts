/**
 * Nested structures of tensors, as function transforms take and give them: arrays, plain objects and maps.
 *
 * @module
 */

import type { Tensor } from "@flambeau/tensor";
import { TensorHandle } from "@flambeau/tensor/internal";

/** A tensor, or arrays, plain objects and maps of them, nested to any depth. */
export type TensorTree =
  | Tensor
  | readonly TensorTree[]
  | { readonly [name: string]: TensorTree }
  | ReadonlyMap<
    string,
    TensorTree
  >;

/** True for a tensor. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof TensorHandle;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || isTensor(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The parts of a structure with the words that lead to them; null for leaves. */
export function childrenOf(value: unknown): [key: string | number, child: unknown][] | null {
  if (Array.isArray(value)) return value.map((child, i) => [i, child]);
  if (value instanceof Map) return [...value] as [string, unknown][];
  return isRecord(value) ? Object.entries(value) : null;
}

/** A structure with `f` applied to its leaves, tensors or not. */
export function mapLeaves(value: unknown, f: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((child) => mapLeaves(child, f));
  if (value instanceof Map) return new Map([...value].map(([key, child]) => [key, mapLeaves(child, f)]));
  if (!isRecord(value)) return f(value);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapLeaves(child, f)]));
}

/** A structure with `f` applied to its tensors; other leaves stay. */
export function mapTensors<V>(value: V, f: (x: Tensor) => unknown): V {
  return mapLeaves(value, (leaf) => isTensor(leaf) ? f(leaf) : leaf) as V;
}

/** All leaves, in order. */
export function leavesOf(value: unknown): unknown[] {
  const found: unknown[] = [];
  mapLeaves(value, (leaf) => found.push(leaf));
  return found;
}

/** All tensors, in order. */
export function tensorsOf(value: unknown): Tensor[] {
  return leavesOf(value).filter(isTensor);
}

/** True when two structures have leaves at the same places. */
export function sameStructure(one: unknown, other: unknown): boolean {
  const [a, b] = [childrenOf(one), childrenOf(other)];
  if (a === null || b === null) return a === b;
  return a.length === b.length &&
    a.every(([key, child], i) => {
      const match = Array.isArray(one) || Array.isArray(other) ? b[i] : b.find(([name]) => name === key);
      return match !== undefined && sameStructure(child, match[1]);
    });
}
