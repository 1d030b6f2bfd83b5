/**
 * The standard normal distribution function Φ(x) = erfc(−x/√2) / 2: its inverse and its logarithm.
 *
 * @module
 */

import { erfc, erfcx, erfinv, inverseErfc } from "./erf.ts";

/** The x with Φ(x) = p; ∓∞ at 0 and 1, NaN outside. */
export function ndtri(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  if (p < 0.25) return -Math.SQRT2 * inverseErfc(2 * p);
  if (p > 0.75) return Math.SQRT2 * inverseErfc(2 * (1 - p));
  return Math.SQRT2 * erfinv(2 * p - 1);
}

/** ln Φ(x), also where Φ(x) is too small for float64. */
export function logNdtr(x: number): number {
  if (x < -1) return Math.log(erfcx(-x * Math.SQRT1_2) / 2) - x * x / 2;
  return Math.log1p(-erfc(x * Math.SQRT1_2) / 2);
}
