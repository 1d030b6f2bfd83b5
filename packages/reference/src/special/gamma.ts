/**
 * The logarithm of the gamma function, and its derivative.
 *
 * @module
 */

import { BERNOULLI } from "./polynomial.ts";
import { zeta } from "./zeta.ts";

/** Euler's constant γ. */
const EULER = 0.5772156649015329;

/** From here on the asymptotic series of twelve terms are exact to float64. */
const ASYMPTOTIC = 10;

/** (ζ(k) − 1) / k with alternating signs, for k = 2, 3, …: ζ(k) − 1 = ζ(k, 2) is below 2^(1−k). */
const SERIES: readonly number[] = Array.from(
  { length: 28 },
  (_, i) => (i % 2 === 0 ? 1 : -1) * zeta(i + 2, 2) / (i + 2),
);

/** ln Γ(2 + w) for |w| ≤ ½: Abramowitz and Stegun 6.1.33 with ln(1 + w) added on both sides. */
function lgammaNear2(w: number): number {
  let sum = 0;
  for (let k = SERIES.length - 1; k >= 0; k--) sum = (sum + SERIES[k]!) * w;
  return w * (1 - EULER + sum);
}

/** ln Γ(1 + z) for |z| ≤ ½, accurate near 0, where it is 0. */
export function lgamma1p(z: number): number {
  return lgammaNear2(z) - Math.log1p(z);
}

/** What Stirling's formula leaves: ln Γ(x) − ((x − ½) ln x − x + ½ ln 2π), for x ≥ 10. DLMF 5.11.1. */
export function stirlingRest(x: number): number {
  const square = x * x;
  let sum = 0;
  for (let k = BERNOULLI.length; k >= 1; k--) sum = sum / square + BERNOULLI[k - 1]! / (2 * k * (2 * k - 1));
  return sum / x;
}

/** ln |Γ(x)|; ∞ at 0, −1, −2, … */
export function lgamma(x: number): number {
  if (x >= ASYMPTOTIC) {
    if (x === Infinity) return x;
    return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + stirlingRest(x);
  }
  if (x <= 0) {
    const sine = sinPi(x);
    if (sine === 0 || x === -Infinity) return Infinity;
    return Math.log(Math.PI / Math.abs(sine)) - lgamma(1 - x); // DLMF 5.5.3
  }
  if (x < 0.5) return lgamma1p(x) - Math.log(x);
  if (x < 1.5) return lgamma1p(x - 1);
  let product = 1; // Γ(x) = (x − 1)(x − 2) … Γ(x − n)
  let rest = x;
  while (rest > 2.5) product *= --rest;
  return Math.log(product) + lgammaNear2(rest - 2);
}

/** sin(πx), exactly 0 for whole x. */
function sinPi(x: number): number {
  const rest = x - 2 * Math.round(x / 2); // in [−1, 1]
  const near = Math.abs(rest) > 0.5 ? Math.sign(rest) - rest : rest;
  return near === 0 ? 0 : Math.sin(Math.PI * near);
}

/** ψ(x) = Γ′(x) / Γ(x); ∓∞ at ±0 and NaN at −1, −2, … */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity;
  if (x < 0) {
    if (x === Math.floor(x)) return NaN;
    return digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x - Math.round(x))); // DLMF 5.5.4
  }
  let shift = 0; // ψ(x) = ψ(x + 1) − 1/x
  let rest = x;
  for (; rest < ASYMPTOTIC; rest++) shift += 1 / rest;
  if (rest === Infinity) return rest;
  const square = rest * rest;
  let sum = 0; // DLMF 5.11.2
  for (let k = BERNOULLI.length; k >= 1; k--) sum = (sum + BERNOULLI[k - 1]! / (2 * k)) / square;
  return Math.log(rest) - 0.5 / rest - sum - shift;
}
