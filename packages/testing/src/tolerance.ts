/**
 * How far a backend may be from the reference: classes of primitives, in units of the last place of each dtype.
 *
 * The reference computes floats in float64 and rounds once. A kernel that computes in the dtype itself is off by its own
 * rounding steps; half precision is computed in float32 everywhere, so that one rounding remains.
 *
 * @module
 */

import { type DType, float64 } from "@flambeau/core";
import { elementOf, type HostTensor } from "./host_tensor.ts";
import { epsilonOf } from "./make.ts";

/** What may differ: `|got − want| <= atol + rtol · |want|`. */
export interface Bound {
  /** Relative part. */
  readonly rtol: number;
  /** Absolute part. */
  readonly atol: number;
}

/** The bound of every dtype. Integers and bool are exact. */
export type Tolerance = (dtype: DType) => Bound;

const EXACT: Bound = { rtol: 0, atol: 0 };

/**
 * A class.
 *
 * @param single Units of the last place in float32.
 * @param double The same in float64, where the reference itself is not exact.
 * @param half The same in float16 and bfloat16.
 * @param scale Size of the terms that may cancel: the absolute part is that many units at 1 times `scale`.
 */
function units(single: number, double: number, half: number, scale: number = 0): Tolerance {
  return (dtype) => {
    if (dtype.kind !== "float") return EXACT;
    const count = dtype === float64 ? double : dtype.itemsize === 2 ? half : single;
    const rtol = count * epsilonOf(dtype);
    return { rtol, atol: rtol * scale };
  };
}

/** Name of a class. */
export type ToleranceName =
  | "exact"
  | "rounded"
  | "elementary"
  | "cancelling"
  | "accumulated"
  | "composed"
  | "factorized";

/** The classes, from strict to wide. */
export const tolerances: {
  readonly [name in ToleranceName]: Tolerance;
} = {
  /** Copies, comparisons, choices: every bit. */
  exact: (): Bound => EXACT,
  /** One correctly rounded step: + − · / √. */
  rounded: units(0.5, 0.5, 0.5),
  /** A few steps, or an elementary function near its best. */
  elementary: units(4, 4, 1),
  /** Functions with an argument reduction or a zero that cancels; the absolute part counts in units at 1. */
  cancelling: units(4, 4, 1, 1),
  /** Sums and products of some hundred terms of size 1. */
  accumulated: units(16, 16, 1, 4),
  /** Several accumulations after one another. */
  composed: units(32, 32, 2, 8),
  /** Factorizations, whose error grows with the condition of the matrix. */
  factorized: units(256, 256, 1, 4),
};

/** True when `got` is within `bound` of `want`. NaN equals NaN, infinities match with their sign, −0 equals 0. */
export function within(got: number, want: number, { rtol, atol }: Bound): boolean {
  if (got === want || (got !== got && want !== want)) return true;
  return Number.isFinite(want) && Math.abs(got - want) <= atol + rtol * Math.abs(want);
}

/**
 * The first difference beyond `bound`, in words; null when there is none. Shapes and dtypes count.
 *
 * @param factor Widens the bound of floats: one number for a backend with weaker elementary functions.
 */
export function difference(
  got: HostTensor,
  want: HostTensor,
  bound: Bound,
  factor: number = 1,
): string | null {
  if (got.dtype !== want.dtype || String(got.shape) !== String(want.shape)) {
    return `got ${got.dtype.name}[${got.shape}] for ${want.dtype.name}[${want.shape}]`;
  }
  const wide = factor === 1 ? bound : { rtol: bound.rtol * factor, atol: bound.atol * factor };
  const isFloat = want.dtype.kind === "float";
  for (let i = 0; i < want.data.length; i++) {
    if (got.data[i] === want.data[i]) continue;
    const [a, b] = [elementOf(got, i), elementOf(want, i)];
    if (isFloat && within(a as number, b as number, wide)) continue;
    return `element ${i} of ${want.data.length} is ${a}, expected ${b}`;
  }
  return null;
}
