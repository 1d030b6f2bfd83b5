/**
 * Distances that PyTorch has in `torch` as well as in `torch.nn.functional`.
 *
 * @module
 */

import { functional } from "@flambeau/nn";
import type { Args, Tensor } from "@flambeau/tensor";

/**
 * The cosine of the angle between `x1` and `x2` along `dim`, as `nn.functional.cosineSimilarity`.
 *
 * @param args `dim` (default 1) and `eps` (default 1e-8), by position or by name.
 * @throws {ShapeError} If the shapes do not broadcast or have no dimension `dim`.
 */
export function cosineSimilarity(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<{ readonly dim: number; readonly eps: number }, ["dim", "eps"]>
): Tensor {
  return functional.cosineSimilarity(x1, x2, ...args);
}

/**
 * The p-norm of `x1 - x2` over the last dimension, as `nn.functional.pairwiseDistance`.
 *
 * @param args `p` (default 2), `eps` (default 1e-6) and `keepdim` (default false), by position or by name.
 * @throws {ShapeError} If the shapes do not broadcast or there is no dimension.
 */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<
    { readonly p: number; readonly eps: number; readonly keepdim: boolean },
    ["p", "eps", "keepdim"]
  >
): Tensor {
  return functional.pairwiseDistance(x1, x2, ...args);
}
