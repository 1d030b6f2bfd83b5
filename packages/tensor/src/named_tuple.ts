/**
 * Results of several parts, as PyTorch's named tuples: arrays whose items also have names.
 *
 * @module
 */

import type { Tensor } from "./tensor.ts";

/** `[values, indices]`, also as `.values` and `.indices`. */
export type ValuesIndices = readonly [values: Tensor, indices: Tensor] & {
  /** The values that were chosen. */
  readonly values: Tensor;
  /** Their places along the dimension. */
  readonly indices: Tensor;
};

/** A tuple `T` whose items also go by the names `K`, in order. */
export type NamedTuple<K extends readonly string[], T extends readonly unknown[]> =
  & T
  & { readonly [I in Extract<keyof K, `${number}`> as K[I] & string]: T[I & keyof T] };

/**
 * The items with their names.
 *
 * @example
 * ```ts
 * const result = namedTuple(["mantissa", "exponent"], [m, e]);
 * const [mantissa] = result; // result.mantissa is the same
 * ```
 */
export function namedTuple<const K extends readonly string[], T extends readonly unknown[]>(
  names: K,
  items: readonly [...T],
): NamedTuple<K, readonly [...T]> {
  const out = [...items];
  // `values` is a method of arrays: a property of the object itself hides it.
  names.forEach((name, i) => Object.defineProperty(out, name, { value: items[i], enumerable: false }));
  return out as unknown as NamedTuple<K, readonly [...T]>;
}

/** `[values, indices]` with their names. */
export function valuesIndices(values: Tensor, indices: Tensor): ValuesIndices {
  return namedTuple(["values", "indices"], [values, indices]) as ValuesIndices;
}
