/**
 * Linear algebra under PyTorch's names: the namespace `torch.linalg`.
 *
 * Matrices are the last two dimensions, batches stand in front. float32 and float64 only, as in PyTorch.
 *
 * @module
 */

export {
  cholesky,
  type CholeskyEx,
  choleskyEx,
  choleskyInverse,
  type CholeskyOptions,
  choleskySolve,
  type ExOptions,
  householderProduct,
  lu,
  type LuFactor,
  luFactor,
  type LuFactorEx,
  luFactorEx,
  type LuOptions,
  luSolve,
  type LuSolveOptions,
  type Plu,
  type Qr,
  qr,
} from "./linalg/factor.ts";
export {
  type LdlFactor,
  ldlFactor,
  type LdlFactorEx,
  ldlFactorEx,
  type LdlOptions,
  ldlSolve,
} from "./linalg/ldl.ts";
export { cross, diagonal, matrixExp, matrixPower, vander, vecdot } from "./linalg/powers.ts";
export {
  det,
  inv,
  type InvEx,
  invEx,
  logdet,
  type Lstsq,
  lstsq,
  type LstsqDriver,
  type LstsqOptions,
  pinv,
  type RankTolerance,
  type Slogdet,
  slogdet,
  solve,
  type SolveEx,
  solveEx,
  type SolveOptions,
  solveTriangular,
  type SolveTriangularOptions,
  tensorinv,
  tensorsolve,
} from "./linalg/solve.ts";
export {
  cond,
  type Eigh,
  eigh,
  type EighOptions,
  eigvalsh,
  matrixNorm,
  type MatrixNormOptions,
  type MatrixNormOrder,
  matrixRank,
  norm,
  type NormOptions,
  type Svd,
  svd,
  type SvdOptions,
  svdvals,
} from "./linalg/spectral.ts";
export { matmul } from "./matmul.ts";
export { vectorNorm } from "./norms.ts";
export { multiDot } from "./products.ts";
