/**
 * What every fused primitive means in terms of core and view primitives: total over the fused rows.
 *
 * A backend that has no kernel for a fused primitive, or whose kernel declines the operands, runs this instead.
 *
 * @module
 */

import type { FusedName } from "@flambeau/core";
import { attention, attentionBackward } from "./decompose/attention.ts";
import { conv, convInputGrad, convWeightGrad } from "./decompose/conv.ts";
import type { Decomposition } from "./decompose/formula.ts";
import { inFloat32 } from "./decompose/in_float32.ts";
import { linear } from "./decompose/linear.ts";
import { crossEntropy, crossEntropyBackward, nllLoss } from "./decompose/loss.ts";
import {
  batchNorm,
  batchNormBackward,
  groupNorm,
  groupNormBackward,
  layerNorm,
  layerNormBackward,
} from "./decompose/norm.ts";
import { adamStep, sgdStep } from "./decompose/optim.ts";
import { addScaled, clamp, dropout, gelu, geluBackward, reluBackward, silu } from "./decompose/pointwise.ts";
import { avgPool, avgPoolBackward, maxPool, maxPoolBackward, maxPoolValues } from "./decompose/pool.ts";
import { resample } from "./decompose/resample.ts";
import {
  gruLayer,
  gruLayerBackward,
  lstmLayer,
  lstmLayerBackward,
  rnnLayer,
  rnnLayerBackward,
} from "./decompose/recurrent.ts";
import { logSoftmax, logSoftmaxBackward, softmax, softmaxBackward } from "./decompose/softmax.ts";

export type { Decomposition } from "./decompose/formula.ts";

/** A decomposition for every fused primitive. */
export type Decompositions = { readonly [P in FusedName]: Decomposition<P> };

/**
 * The decompositions. Half-precision inputs are computed in float32 and rounded once, except where a row is one
 * rounding step anyway: choices, and one matrix product, which accumulates in float32 itself.
 */
export const decompositions: Decompositions = {
  softmax: inFloat32(softmax),
  logSoftmax: inFloat32(logSoftmax),
  softmaxBackward: inFloat32(softmaxBackward),
  logSoftmaxBackward: inFloat32(logSoftmaxBackward),
  gelu: inFloat32(gelu),
  geluBackward: inFloat32(geluBackward),
  silu: inFloat32(silu),
  reluBackward,
  clamp,
  dropout: inFloat32(dropout),
  addScaled: inFloat32(addScaled),
  linear: inFloat32(linear),
  groupNorm: inFloat32(groupNorm),
  groupNormBackward: inFloat32(groupNormBackward),
  layerNorm: inFloat32(layerNorm),
  layerNormBackward: inFloat32(layerNormBackward),
  batchNorm: inFloat32(batchNorm),
  batchNormBackward: inFloat32(batchNormBackward),
  conv,
  convInputGrad,
  convWeightGrad,
  maxPool,
  maxPoolValues,
  maxPoolBackward: inFloat32(maxPoolBackward),
  avgPool: inFloat32(avgPool),
  avgPoolBackward: inFloat32(avgPoolBackward),
  resample: inFloat32(resample),
  attention: inFloat32(attention),
  attentionBackward: inFloat32(attentionBackward),
  rnnLayer: inFloat32(rnnLayer),
  rnnLayerBackward: inFloat32(rnnLayerBackward),
  lstmLayer: inFloat32(lstmLayer),
  lstmLayerBackward: inFloat32(lstmLayerBackward),
  gruLayer: inFloat32(gruLayer),
  gruLayerBackward: inFloat32(gruLayerBackward),
  nllLoss: inFloat32(nllLoss),
  crossEntropy: inFloat32(crossEntropy),
  crossEntropyBackward: inFloat32(crossEntropyBackward),
  sgdStep: inFloat32(sgdStep),
  adamStep: inFloat32(adamStep),
};
