/**
 * What PyTorch calls the backward nodes of primitives.
 *
 * @module
 */

import type { Name } from "@flambeau/core";

/** Names that are not the primitive's own with `Backward0` behind it. */
const irregular: Partial<Record<Name, string>> = {
  concat: "CatBackward0",
  copy: "CloneBackward0",
  cast: "ToCopyBackward0",
  matmul: "MmBackward0",
  conv: "ConvolutionBackward0",
  convInputGrad: "ConvolutionBackwardBackward0",
  convWeightGrad: "ConvolutionBackwardBackward0",
  pad: "ConstantPadNdBackward0",
  addScaled: "AddBackward0",
  linear: "AddmmBackward0",
  dropout: "MulBackward0",
  groupNorm: "NativeGroupNormBackward0",
  layerNorm: "NativeLayerNormBackward0",
  batchNorm: "NativeBatchNormBackward0",
  maxPool: "MaxPool2DWithIndicesBackward0",
  maxPoolValues: "MaxPool2DBackward0",
  avgPool: "AvgPool2DBackward0",
  nllLoss: "NllLossBackward0",
  crossEntropy: "NllLossBackward0",
  attention: "ScaledDotProductAttentionBackward0",
  indexReduce: "IndexAddBackward0",
  truncDivide: "DivBackward0",
  fft: "FftC2CBackward0",
  svd: "LinalgSvdBackward0",
  qr: "LinalgQrBackward0",
  eigh: "LinalgEighBackward0",
  cholesky: "LinalgCholeskyExBackward0",
  luFactor: "LinalgLuFactorExBackward0",
  solveTriangular: "LinalgSolveTriangularBackward0",
};

const names = new Map<Name, string>();

/** `exp` → `ExpBackward0`. */
export function nodeName(name: Name): string {
  let found = names.get(name);
  if (found === undefined) {
    found = irregular[name] ?? `${name[0]!.toUpperCase()}${name.slice(1)}Backward0`;
    names.set(name, found);
  }
  return found;
}
