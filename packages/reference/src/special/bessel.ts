/**
 * Modified Bessel functions of the first kind, I₀ and I₁, also times exp(−|x|).
 *
 * @module
 */

/** From here on the asymptotic expansion reaches float64: its smallest term is about e^(−2x). */
const ASYMPTOTIC = 20;

/** Iν(x) = (x/2)^ν Σ (x²/4)ᵏ / (k! (ν + k)!): Abramowitz and Stegun 9.6.10. All terms have one sign. */
function series(order: 0 | 1, x: number): number {
  const quarter = x * x / 4;
  let [sum, term] = [1, 1];
  for (let k = 1; term > Number.EPSILON / 4 * sum; k++) {
    term *= quarter / (k * (k + order));
    sum += term;
  }
  return order === 0 ? sum : sum * x / 2;
}

/** e⁻ˣ Iν(x) = Σ … / √(2πx) for large x > 0: Abramowitz and Stegun 9.7.1. */
function scaledAsymptotic(order: 0 | 1, x: number): number {
  const mu = 4 * order * order;
  let [sum, term] = [1, 1];
  for (let k = 1; Math.abs(term) > Number.EPSILON / 4; k++) {
    term *= ((2 * k - 1) ** 2 - mu) / (8 * k * x);
    sum += term;
  }
  return sum / Math.sqrt(2 * Math.PI * x);
}

/** Half of the exponent at a time: e^x alone overflows before Iν does. */
function large(order: 0 | 1, x: number): number {
  if (x === Infinity) return x;
  const half = Math.exp(x / 2);
  return half * (half * scaledAsymptotic(order, x));
}

/** I₀(x). */
export function i0(x: number): number {
  const magnitude = Math.abs(x);
  return magnitude < ASYMPTOTIC ? series(0, x) : large(0, magnitude);
}

/** exp(−|x|) I₀(x). */
export function i0e(x: number): number {
  const magnitude = Math.abs(x);
  return magnitude < ASYMPTOTIC ? Math.exp(-magnitude) * series(0, x) : scaledAsymptotic(0, magnitude);
}

/** I₁(x). */
export function i1(x: number): number {
  const magnitude = Math.abs(x);
  return magnitude < ASYMPTOTIC ? series(1, x) : Math.sign(x) * large(1, magnitude);
}

/** exp(−|x|) I₁(x). */
export function i1e(x: number): number {
  const magnitude = Math.abs(x);
  return magnitude < ASYMPTOTIC
    ? Math.exp(-magnitude) * series(1, x)
    : Math.sign(x) * scaledAsymptotic(1, magnitude);
}
