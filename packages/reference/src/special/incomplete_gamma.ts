/**
 * The regularized incomplete gamma functions P(a, x) = γ(a, x) / Γ(a) and Q = 1 − P.
 *
 * @module
 */

import { erfc } from "./erf.ts";
import { lgamma, lgamma1p, stirlingRest } from "./gamma.ts";

/** From here on the expansion for large a is exact to float64. */
const LARGE = 1e8;

/** ln(1 + x) − x, accurate near 0: with t = x / (2 + x), ln(1 + x) = 2 artanh t, and 2t − x = −t x. */
function log1pMinus(x: number): number {
  if (Math.abs(x) > 0.4) return Math.log1p(x) - x;
  const t = x / (2 + x);
  let sum = 0;
  for (let k = 25; k >= 3; k -= 2) sum = (sum + 1 / k) * t * t;
  return t * (2 * sum - x);
}

/** xᵃ e⁻ˣ / Γ(a + 1). For large a the large parts of the exponents cancel in Stirling's formula. */
function prefactor(a: number, x: number): number {
  if (a < 10) return Math.exp(a * Math.log(x) - x - lgamma(a + 1));
  return Math.exp(a * log1pMinus((x - a) / a) - stirlingRest(a)) / Math.sqrt(2 * Math.PI * a);
}

/** P by its series: DLMF 8.7.1. All terms are positive; for x up to a they get smaller. */
function lowerSeries(a: number, x: number): number {
  let [sum, term] = [1, 1];
  for (let n = 1; term > Number.EPSILON / 4 * sum; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return prefactor(a, x) * sum;
}

/** Q by the series of γ with alternating signs, DLMF 8.7.1: for small x, where Q = 1 − P would lose digits. */
function upperSeries(a: number, x: number): number {
  let [sum, power] = [0, 1];
  for (let n = 1; Math.abs(power) > Number.EPSILON / 8; n++) {
    power *= -x / n;
    sum += power / (a + n);
  }
  const exponent = a * Math.log(x) - (a <= 0.5 ? lgamma1p(a) : lgamma(1 + a));
  return -Math.expm1(exponent) - Math.exp(exponent) * a * sum;
}

/** Q by its continued fraction, DLMF 8.9.2, from front to back by Lentz's method; for x above 1 and a. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  let factor = 0;
  for (let n = 1; Math.abs(factor - 1) > 2 * Number.EPSILON; n++) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (b + numerator * d);
    c = b + numerator / c;
    factor = c * d;
    fraction *= factor;
  }
  return prefactor(a, x) * a * fraction;
}

/**
 * P (side −1) or Q (side 1) for large a: ½ erfc(side · η √(a/2)) + side · e^(−aη²/2) / √(2πa) · (c₀(η) + c₁(η) / a),
 * with ½ η² = x/a − 1 − ln(x/a). DLMF 8.12.3, 8.12.4 and 8.12.8; where the exponential is not 0, |η| is below 0.004.
 */
function expansion(a: number, x: number, side: 1 | -1): number {
  const mu = (x - a) / a;
  const exponent = -a * log1pMinus(mu);
  const eta = Math.sign(mu) * Math.sqrt(2 * exponent / a);
  const correction = -1 / 3 + eta * (1 / 12 + eta * (-2 / 135 + eta * (1 / 864))) - 1 / (540 * a);
  const rest = exponent > 750 ? 0 : Math.exp(-exponent) / Math.sqrt(2 * Math.PI * a) * correction;
  return erfc(side * Math.sign(mu) * Math.sqrt(exponent)) / 2 + side * rest;
}

/** What P is at the edges of its domain, or null inside: a and x positive and finite. */
function edge(a: number, x: number): number | null {
  if (a < 0 || x < 0) return NaN;
  if (a === 0) return x > 0 ? 1 : NaN;
  if (x === 0) return 0;
  if (a === Infinity) return x === Infinity ? NaN : 0;
  if (x === Infinity) return 1;
  return Number.isNaN(a) || Number.isNaN(x) ? NaN : null;
}

/** P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt. */
export function igamma(a: number, x: number): number {
  const known = edge(a, x);
  if (known !== null) return known;
  if (a >= LARGE) return expansion(a, x, -1);
  return x > 1 && x > a ? 1 - upperFraction(a, x) : lowerSeries(a, x);
}

/** Q(a, x) = 1 − P(a, x), accurate where it is small. */
export function igammac(a: number, x: number): number {
  const known = edge(a, x);
  if (known !== null) return 1 - known;
  if (a >= LARGE) return expansion(a, x, 1);
  if (x > 1.1) return x > a ? upperFraction(a, x) : 1 - lowerSeries(a, x);
  // P is about xᵃ: near 1, so that 1 − P loses digits, where a |ln x| is small.
  const small = x <= 0.5 ? -a * Math.log(x) < 0.4 : a < 1.1 * x;
  return small ? upperSeries(a, x) : 1 - lowerSeries(a, x);
}
