/**
 * Folding batch normalization into the layer before it, for evaluation.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { add, mul, noGrad, reshape, rsqrt, sub, type Tensor, zerosLike } from "@flambeau/tensor";
import { deepcopy } from "../copy.ts";
import type { AnyModule } from "../module.ts";
import type { Linear } from "../modules/linear.ts";
import type { NormBase } from "../modules/norm.ts";
import { Parameter } from "../parameter.ts";

/** The running statistics and parameters of a normalization, as factor and term of each channel. */
function lineOf(norm: NormBase): { factor: Tensor; mean: Tensor; term: Tensor | null } {
  const { running_mean: mean, running_var: variance } = norm;
  if (mean === null || variance === null) {
    throw new ValueError("Cannot fuse a normalization without running statistics: it must track them");
  }
  const scale = rsqrt(add(variance, norm.eps));
  return { factor: norm.weight === null ? scale : mul(scale, norm.weight), mean, term: norm.bias };
}

/** Weight and bias of one layer that does what a layer and a normalization do, in evaluation. */
function fused(
  layer: { weight: Tensor; bias: Tensor | null },
  norm: NormBase,
  dim: number,
): [Parameter, Parameter] {
  return noGrad(() => {
    const { factor, mean, term } = lineOf(norm);
    const column = reshape(factor, layer.weight.shape.map((_, d) => d === dim ? -1 : 1));
    const shifted = mul(sub(layer.bias ?? zerosLike(mean), mean), factor);
    const bias = term === null ? shifted : add(shifted, term);
    return [new Parameter(mul(layer.weight, column)), new Parameter(bias)];
  });
}

/** What {@linkcode fuseConvBnEval} sees of a convolution. */
export interface FusableConv {
  /** The kernels. */
  weight: Parameter;
  /** What is added. */
  bias: Parameter | null;
  /** Whether it is a transposed convolution. */
  readonly transposed: boolean;
}

/** A copy of a convolution that also does what the normalization after it does. Both must be in evaluation. */
export function fuseConvBnEval<C extends AnyModule & FusableConv>(conv: C, norm: NormBase): C {
  requireEval(conv.training || norm.training);
  const copy = deepcopy(conv);
  [copy.weight, copy.bias] = fused(conv, norm, conv.transposed ? 1 : 0);
  return copy;
}

/** A copy of a linear layer that also does what the normalization after it does. Both must be in evaluation. */
export function fuseLinearBnEval<L extends Linear>(linear: L, norm: NormBase): L {
  requireEval(linear.training || norm.training);
  const copy = deepcopy(linear);
  [copy.weight, copy.bias] = fused(linear, norm, 0);
  return copy;
}

function requireEval(training: boolean): void {
  if (training) throw new ValueError("Cannot fuse layers in training: both must be in evaluation, by eval()");
}
