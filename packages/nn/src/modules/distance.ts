/**
 * How far or how alike vectors are: CosineSimilarity, PairwiseDistance.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { Module } from "../module.ts";

/**
 * Cosine of the angle between vectors.
 *
 * See {@linkcode F.cosineSimilarity}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
 */
export class CosineSimilarity extends Module<[x1: Tensor, x2: Tensor], Tensor> {
  /** The dimension of the vectors. */
  dim: number;
  /** Least length that is divided by. */
  eps: number;

  /** Makes the module. */
  constructor(...args: Args<F.CosineSimilarityOptions, ["dim", "eps"]>) {
    super();
    const options = named<F.CosineSimilarityOptions>("make CosineSimilarity", args, ["dim", "eps"]);
    const { dim = 1, eps = 1e-8 } = options;
    this.dim = dim;
    this.eps = eps;
  }

  /** Compares. */
  override forward(x1: Tensor, x2: Tensor): Tensor {
    return F.cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

/**
 * Norm of differences.
 *
 * See {@linkcode F.pairwiseDistance}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
 */
export class PairwiseDistance extends Module<[x1: Tensor, x2: Tensor], Tensor> {
  /** Degree of the norm. */
  norm: number;
  /** Added to the differences. */
  eps: number;
  /** Whether the last dimension stays, with size 1. */
  keepdim: boolean;

  /** Makes the module. */
  constructor(...args: Args<F.PairwiseDistanceOptions, ["p", "eps", "keepdim"]>) {
    super();
    const options = named<F.PairwiseDistanceOptions>("make PairwiseDistance", args, ["p", "eps", "keepdim"]);
    const { p = 2, eps = 1e-6, keepdim = false } = options;
    this.norm = p;
    this.eps = eps;
    this.keepdim = keepdim;
  }

  /** Measures. */
  override forward(x1: Tensor, x2: Tensor): Tensor {
    return F.pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim);
  }
}
