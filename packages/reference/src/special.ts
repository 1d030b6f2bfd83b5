/**
 * Special functions of float64, to about 1e-14 of their value.
 *
 * @module
 */

export { i0, i0e, i1, i1e } from "./special/bessel.ts";
export { erf, erfc, erfcx, erfinv } from "./special/erf.ts";
export { digamma, lgamma } from "./special/gamma.ts";
export { igamma, igammac } from "./special/incomplete_gamma.ts";
export { logNdtr, ndtri } from "./special/normal.ts";
export { zeta } from "./special/zeta.ts";
