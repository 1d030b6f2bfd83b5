/**
 * The inputs of batching rules, and what the rules are written with.
 *
 * @module
 */

import {
  type Attrs,
  type Inputs,
  type Name,
  type Outputs,
  type Shape,
  shapesEqual,
  viewStrides,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";

/** An input one level further out: with the batch in its first dimension, or the same for all elements of the batch. */
export interface Lowered {
  /** The tensor. */
  readonly x: Tensor;
  /** Whether it has the batch. */
  readonly batched: boolean;
  /** Its rank without the batch. */
  readonly rank: number;
}

/**
 * What a primitive does to batches of `size` elements: all results have the batch in their first dimension. At least one of the
 * inputs is a batch.
 */
export type BatchRule<P extends Name> = (
  inputs: Inputs<P, Lowered>,
  attrs: Attrs<P>,
  size: number,
) => Outputs<P, Tensor>;

/** The rule of a primitive that is not known. */
export type AnyBatchRule = (
  inputs: readonly Lowered[],
  attrs: unknown,
  size: number,
) => Tensor | readonly Tensor[];

/** The rules of a family; null where the decomposition is batched in its place. */
export type BatchRulesOf<Family> = { readonly [P in keyof Family & Name]: BatchRule<P> | null };

/** The same rule for each name of a table. */
export function sameRule<Table extends object>(
  table: Table,
  rule: (name: keyof Table & Name) => AnyBatchRule,
): { readonly [P in keyof Table & Name]: BatchRule<P> } {
  return Object.fromEntries(
    Object.keys(table).map((name) => [name, rule(name as keyof Table & Name)]),
  ) as unknown as { readonly [P in keyof Table & Name]: BatchRule<P> };
}

/** The input with the batch in front: repeated, when all elements share it. */
export function full({ x, batched }: Lowered, size: number): Tensor {
  return batched ? x : bind("expand", [x], { shape: [size, ...x.shape] });
}

/** The input with dimensions of size 1 behind the batch until it has `rank` others, so that it broadcasts as an element does. */
export function ranked({ x, batched, rank }: Lowered, wanted: number): Tensor {
  if (!batched || rank === wanted) return x;
  return reshape(x, [x.shape[0]!, ...new Array<number>(wanted - rank).fill(1), ...x.shape.slice(1)]);
}

/** The largest rank among the inputs, batches apart. */
export function commonRank(inputs: readonly Lowered[]): number {
  return Math.max(...inputs.map(({ rank }) => rank));
}

/** Another shape; a view where the strides allow it. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (shapesEqual(x.shape, shape)) return x;
  const views = viewStrides(x.shape, x.strides, shape) !== null;
  return bind("view", [views ? x : bind("copy", [x], null)], { shape });
}

/** Dimension `from` moved to `to`. */
export function move(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const dims = x.shape.map((_, d) => d).filter((d) => d !== from);
  dims.splice(to, 0, from);
  return bind("permute", [x], { dims });
}

/** Dimensions `dim` and `dim + 1` as one. */
export function merge(x: Tensor, dim: number): Tensor {
  const { shape } = x;
  return reshape(x, [...shape.slice(0, dim), shape[dim]! * shape[dim + 1]!, ...shape.slice(dim + 2)]);
}

/** Dimension `dim` as two, of `size` and the rest. */
export function split(x: Tensor, dim: number, size: number): Tensor {
  const { shape } = x;
  return reshape(x, [...shape.slice(0, dim), size, shape[dim]! / size, ...shape.slice(dim + 1)]);
}

/** The batch of an input folded into dimension `dim` of its elements, as the slower part of it. */
export function fold(input: Lowered, dim: number, size: number): Tensor {
  return merge(move(full(input, size), 0, dim), dim);
}

/** Undoes {@linkcode fold}. */
export function unfold(x: Tensor, dim: number, size: number): Tensor {
  return move(split(x, dim, size), dim, 0);
}
