/**
 * Polynomials, and the constants that several special functions share.
 *
 * @module
 */

/** `coefficients[0] xⁿ + … + coefficients[n]`, by Horner's rule. */
export function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = coefficients[0]!;
  for (let k = 1; k < coefficients.length; k++) sum = sum * x + coefficients[k]!;
  return sum;
}

/** The Bernoulli numbers B₂, B₄, …, B₂₄: DLMF table 24.2.1. */
export const BERNOULLI: readonly number[] = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
  854513 / 138,
  -236364091 / 2730,
];
