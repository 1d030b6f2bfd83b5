/**
 * Slices: `"1:5:2"` and `slice(1, 5, 2)`, and which elements of a dimension they name.
 *
 * @module
 */

import { IndexError, ValueError } from "@flambeau/core";

/** Every `step`-th index from `start` up to but without `stop`. Made by {@linkcode slice}. */
export class Slice {
  /** First index; negative counts from the end; null is 0. */
  readonly start: number | null;
  /** Index to stop before; negative counts from the end; null is the size. */
  readonly stop: number | null;
  /** Distance between indices, at least 1; null is 1. */
  readonly step: number | null;

  /** Not for users: {@linkcode slice} makes slices. */
  constructor(start: number | null, stop: number | null, step: number | null) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    Object.freeze(this);
  }

  /** As a string index: `"1:5:2"`. */
  toString(): string {
    return `${this.start ?? ""}:${this.stop ?? ""}${this.step === null ? "" : `:${this.step}`}`;
  }
}

/** A slice of a dimension of known size: `0 <= start <= stop <= size`. */
export interface SliceRange {
  /** First index. */
  readonly start: number;
  /** Index to stop before. */
  readonly stop: number;
  /** Distance between indices. */
  readonly step: number;
  /** Number of indices. */
  readonly length: number;
}

/**
 * The index `start:stop:step`. What is left out or null means what it means in `"::"`.
 *
 * Unlike Python's `slice(n)`, one argument is the start: `slice(2)` is `"2:"`.
 *
 * @throws {IndexError} If an argument is not an integer.
 * @throws {ValueError} If `step` is not positive.
 *
 * @example
 * ```ts
 * import { slice } from "@flambeau/tensor";
 * String(slice(1, -1)); // "1:-1"
 * ```
 */
export function slice(start?: number | null, stop?: number | null, step?: number | null): Slice {
  for (const value of [start, stop, step]) {
    if (value !== null && value !== undefined && !Number.isInteger(value)) {
      throw new IndexError(`Cannot make a slice: its bounds must be integers or null, got ${String(value)}`);
    }
  }
  if (step !== null && step !== undefined && step < 1) {
    throw new ValueError(`Cannot make a slice: step must be greater than zero, got ${step}`);
  }
  return new Slice(start ?? null, stop ?? null, step ?? null);
}

/**
 * Reads `"1:3"`, `"::2"`, `":"`, `"-3:"`; null for a text that is no slice.
 *
 * @throws {ValueError} If the step is not positive.
 */
export function parseSlice(text: string): Slice | null {
  const parts = text.split(":").map((part) => part.trim());
  if (parts.length < 2 || parts.length > 3) return null;
  if (!parts.every((part) => /^([+-]?\d+)?$/.test(part))) return null;
  const [start, stop, step] = parts.map((part) => part === "" ? null : Number(part));
  return slice(start, stop, step);
}

/** Resolves a slice for a dimension of `size` elements; bounds beyond it are cut, as in Python. */
export function resolveSlice({ start, stop, step }: Slice, size: number): SliceRange {
  const bound = (value: number) => Math.min(Math.max(value < 0 ? value + size : value, 0), size);
  const first = bound(start ?? 0);
  const end = Math.max(bound(stop ?? size), first);
  const stride = step ?? 1;
  return { start: first, stop: end, step: stride, length: Math.ceil((end - first) / stride) };
}
