/**
 * The Hurwitz zeta function.
 *
 * @module
 */

import { BERNOULLI } from "./polynomial.ts";

/**
 * ζ(s, q) = Σ (q + k)⁻ˢ, k = 0, 1, …: ∞ for s = 1 and where a term is infinite; NaN for s < 1, and for a power that is
 * not real.
 *
 * The first terms are summed, the rest follows from the Euler–Maclaurin formula: DLMF 25.11.5.
 */
export function zeta(s: number, q: number): number {
  if (s === 1) return Infinity;
  if (!(s > 1) || Number.isNaN(q)) return NaN;
  if (q <= 0) {
    if (q === Math.floor(q)) return Infinity;
    if (s !== Math.floor(s)) return NaN;
  }
  if (s === Infinity) return q === 1 ? 1 : q > 1 ? 0 : Infinity;
  // Each correction is ((s + 2j) / 2πa)² times the one before: from here on, a tenth or less.
  const enough = 10 + s / 2;
  let sum = 0;
  let a = q;
  for (; a < enough; a++) {
    const term = Math.pow(a, -s);
    sum += term;
    if (a > 0 && term * (1 + a / (s - 1)) <= Number.EPSILON / 8 * sum) return sum;
  }
  const power = Math.pow(a, -s);
  sum += a / (s - 1) * power + power / 2;
  let factor = power * s / a; // becomes s (s + 1) … (s + 2j − 2) a^(−s−2j+1) / (2j)!
  for (let j = 1; j <= BERNOULLI.length; j++) {
    factor /= 2 * j;
    if (j > 1) factor /= 2 * j - 1;
    sum += BERNOULLI[j - 1]! * factor;
    factor *= (s + 2 * j - 1) * (s + 2 * j) / (a * a);
  }
  return sum;
}
