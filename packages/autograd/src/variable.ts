/**
 * The old name of a tensor that takes part in differentiation.
 *
 * @module
 */

import { GradError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { newGradMeta, volatility } from "@flambeau/tensor/internal";

/** Options of {@linkcode Variable}. */
export interface VariableOptions {
  /** Record operations on it. Default false. */
  readonly requiresGrad?: boolean;
  /** The old word for inference: nothing made from it is recorded, whatever else requires grad. It cannot be combined with `requiresGrad`. */
  readonly volatile?: boolean;
}

/**
 * A leaf that shares the memory of `data`, as PyTorch's old `torch.autograd.Variable`. Tensors do all that it did, so new
 * code sets `requiresGrad` on the tensor itself.
 *
 * @throws {GradError} If both `volatile` and `requiresGrad` are set.
 */
export function Variable(data: Tensor, options: VariableOptions = {}): Tensor {
  if (options.volatile === true && options.requiresGrad === true) {
    throw new GradError("Cannot make a Variable: it can't be volatile and require grad at the same time");
  }
  const leaf = data.detach();
  leaf.requiresGrad = options.requiresGrad ?? false;
  if (options.volatile === true) {
    volatility.used = true;
    (leaf.gradMeta ??= newGradMeta()).volatile = true;
  }
  return leaf;
}
