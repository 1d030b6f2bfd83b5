/**
 * The functions of `torch.special`, by the names that they have there.
 *
 * @module
 */

export { logSoftmax, softmax } from "./activation.ts";
export { logit, mvlgamma as multigammaln, sinc } from "./formulas.ts";
export { logsumexp } from "./reduction.ts";
export { round } from "./rounding.ts";
export {
  digamma,
  digamma as psi,
  entr,
  erfcx,
  i0,
  i0e,
  i1,
  i1e,
  igamma as gammainc,
  igammac as gammaincc,
  lgamma as gammaln,
  logNdtr,
  ndtr,
  ndtri,
  polygamma,
  xlog1py,
  xlogy,
  zeta,
} from "./special_functions.ts";
export { erf, erfc, erfinv, exp2, expm1, log1p, sigmoid as expit } from "./unary.ts";
