/**
 * How far or how alike vectors are: pairwiseDistance, cosineSimilarity.
 *
 * @module
 */

import { formatType, ShapeError } from "@flambeau/core";
import {
  add,
  type Args,
  clampMin,
  detach,
  div,
  mul,
  sub,
  sum,
  type Tensor,
  vectorNorm,
} from "@flambeau/tensor";
import { named, relabel, requireTensor, temporaries } from "@flambeau/tensor/internal";

/** Options of {@linkcode pairwiseDistance}. */
export interface PairwiseDistanceOptions {
  /** Degree of the norm. Default 2. */
  readonly p: number;
  /** Added to the differences, so that the norm is differentiable. Default 1e-6. */
  readonly eps: number;
  /** Whether the last dimension stays, with size 1. Default false. */
  readonly keepdim: boolean;
}

/**
 * Norm of `x1 - x2 + eps` along the last dimension. Shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html
 */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<PairwiseDistanceOptions, ["p", "eps", "keepdim"]>
): Tensor {
  requireTensor("pairwiseDistance", "x1", x1);
  requireTensor("pairwiseDistance", "x2", x2);
  const { p = 2, eps = 1e-6, keepdim = false } = named<PairwiseDistanceOptions>("pairwiseDistance", args, [
    "p",
    "eps",
    "keepdim",
  ]);
  if (x1.ndim === 0 && x2.ndim === 0) {
    throw new ShapeError(
      `Cannot pairwiseDistance ${formatType(x1)} and ${
        formatType(x2)
      }: one must have a dimension, got rank 0`,
    );
  }
  return temporaries(() => {
    const difference = add(sub(x1, x2), eps);
    return relabel(vectorNorm(difference, { ord: p, dim: -1, keepdim }), "NormBackward1");
  });
}

/** Options of {@linkcode cosineSimilarity}. */
export interface CosineSimilarityOptions {
  /** The dimension of the vectors. Default 1. */
  readonly dim: number;
  /** Least length that is divided by. Default 1e-8. */
  readonly eps: number;
}

/**
 * Cosine of the angle between vectors along `dim`: their product over the product of their lengths. Shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html
 */
export function cosineSimilarity(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<CosineSimilarityOptions, ["dim", "eps"]>
): Tensor {
  requireTensor("cosineSimilarity", "x1", x1);
  requireTensor("cosineSimilarity", "x2", x2);
  const { dim = 1, eps = 1e-8 } = named<CosineSimilarityOptions>("cosineSimilarity", args, ["dim", "eps"]);
  // A dimension counted from the front is one of the broadcast shape.
  const rank = Math.max(x1.ndim, x2.ndim);
  const along = dim < 0 ? dim : dim - rank;
  return temporaries(() => {
    const unit = (x: Tensor) => {
      if (along + x.ndim < 0) return x;
      const length = vectorNorm(x, { ord: 2, dim: along, keepdim: true });
      // Limited in value only: the gradient is that of the length.
      return div(x, add(length, detach(sub(clampMin(detach(length), eps), length))));
    };
    return relabel(sum(mul(unit(x1), unit(x2)), along), "SumBackward1");
  });
}
