/**
 * The error function, its complement and its inverse.
 *
 * @see Cody 1969, Rational Chebyshev approximations for the error function,
 * https://doi.org/10.1090/S0025-5718-1969-0247736-4 (the coefficients)
 *
 * @module
 */

import { polynomial } from "./polynomial.ts";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);
const ONE_OVER_SQRT_PI = 1 / Math.sqrt(Math.PI);

/** Up to here erf is x P(x²) / Q(x²). */
const SMALL = 0.46875;
const SMALL_P = [
  1.85777706184603153e-1,
  3.16112374387056560,
  1.13864154151050156e2,
  3.77485237685302021e2,
  3.20937758913846947e3,
];
const SMALL_Q = [
  1,
  2.36012909523441209e1,
  2.44024637934444173e2,
  1.28261652607737228e3,
  2.84423683343917062e3,
];

/** Up to here exp(x²) erfc(x) is P(x) / Q(x). */
const MIDDLE = 4;
const MIDDLE_P = [
  2.15311535474403846e-8,
  5.64188496988670089e-1,
  8.88314979438837594,
  6.61191906371416295e1,
  2.98635138197400131e2,
  8.81952221241769090e2,
  1.71204761263407058e3,
  2.05107837782607147e3,
  1.23033935479799725e3,
];
const MIDDLE_Q = [
  1,
  1.57449261107098347e1,
  1.17693950891312499e2,
  5.37181101862009858e2,
  1.62138957456669019e3,
  3.29079923573345963e3,
  4.36261909014324716e3,
  3.43936767414372164e3,
  1.23033935480374942e3,
];

/** Beyond, exp(x²) erfc(x) is (1/√π − y P(y) / Q(y)) / x, with y = 1/x². */
const LARGE_P = [
  1.63153871373020978e-2,
  3.05326634961232344e-1,
  3.60344899949804439e-1,
  1.25781726111229246e-1,
  1.60837851487422766e-2,
  6.58749161529837803e-4,
];
const LARGE_Q = [
  1,
  2.56852019228982242,
  1.87295284992346047,
  5.27905102951428412e-1,
  6.05183413124413191e-2,
  2.33520497626869185e-3,
];

/** exp(sign · x²). The square of the leading bits of x is exact, so the error of x² does not enter the exponent. */
function expOfSquare(x: number, sign: 1 | -1): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(sign * head * head) * Math.exp(sign * (x - head) * (x + head));
}

/** erf(x) for |x| up to `SMALL`. */
function erfSmall(x: number): number {
  return x * polynomial(x * x, SMALL_P) / polynomial(x * x, SMALL_Q);
}

/** exp(x²) erfc(x) for x above `SMALL`. */
function erfcxLarge(x: number): number {
  if (x <= MIDDLE) return polynomial(x, MIDDLE_P) / polynomial(x, MIDDLE_Q);
  const y = 1 / (x * x);
  return (ONE_OVER_SQRT_PI - y * polynomial(y, LARGE_P) / polynomial(y, LARGE_Q)) / x;
}

/** erf(x) = 2/√π ∫₀ˣ exp(−t²) dt. */
export function erf(x: number): number {
  if (!(Math.abs(x) > SMALL)) return erfSmall(x);
  const magnitude = 1 - erfc(Math.abs(x));
  return x < 0 ? -magnitude : magnitude;
}

/** 1 − erf(x), accurate where it is small. */
export function erfc(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude > SMALL)) return 1 - erfSmall(x);
  // exp(−x²) is 0 in float64 from 27.3 on; the limit keeps infinities out of the split.
  const tail = magnitude > 28 ? 0 : expOfSquare(magnitude, -1) * erfcxLarge(magnitude);
  return x < 0 ? 2 - tail : tail;
}

/** exp(x²) erfc(x), which neither overflows nor vanishes for large x. */
export function erfcx(x: number): number {
  if (!(Math.abs(x) > SMALL)) return Math.exp(x * x) * (1 - erfSmall(x));
  if (x > 0) return erfcxLarge(x);
  return x < -27 ? Infinity : 2 * expOfSquare(x, 1) - erfcxLarge(-x);
}

/**
 * The y in (0, ∞) with erfc(y) = q, for q in (0, 0.5]: Newton's method on ln erfc, whose slope is −2/√π / erfcx.
 * It starts from Abramowitz and Stegun 26.2.23, which is right to 5e-4.
 */
export function inverseErfc(q: number): number {
  const t = Math.sqrt(-2 * Math.log(q / 2));
  const start = polynomial(t, [0.010328, 0.802853, 2.515517]) /
    polynomial(t, [0.001308, 0.189269, 1.432788, 1]);
  let y = (t - start) / Math.SQRT2;
  for (let i = 0; i < 3; i++) {
    const scaled = erfcx(y);
    y += (Math.log(scaled) - y * y - Math.log(q)) * scaled / TWO_OVER_SQRT_PI;
  }
  return y;
}

/** The inverse of erf on (−1, 1); ±∞ at ±1, NaN outside. */
export function erfinv(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude > 0.5) {
    if (magnitude >= 1) return magnitude === 1 ? x * Infinity : NaN;
    return Math.sign(x) * inverseErfc(1 - magnitude); // 1 − |x| is exact
  }
  // The Taylor series of Carlitz 1963 gives three digits; each of Halley's steps triples them.
  const square = Math.PI * x * x;
  let y = x / TWO_OVER_SQRT_PI * (1 + square * (1 / 12 + square * (7 / 480 + square * (127 / 40320))));
  for (let i = 0; i < 2; i++) {
    const step = (erf(y) - x) / (TWO_OVER_SQRT_PI * Math.exp(-y * y));
    y -= step / (1 + y * step);
  }
  return y;
}
