/**
 * Methods of activations.
 *
 * @module
 */

import type { Args } from "../args.ts";
import * as ops from "../ops/activation.ts";
import type { Tensor } from "../tensor.ts";
import { SpecialMethods } from "./special.ts";

/** `relu`, `softmax`, `prelu` … */
export class ActivationMethods extends SpecialMethods {
  /** See {@linkcode ops.relu}. */
  relu(this: Tensor, ...args: Args<ops.InplaceOptions, ["inplace"]>): Tensor {
    return ops.relu(this, ...args);
  }
  /** See {@linkcode ops.relu_}. */
  relu_(this: Tensor): Tensor {
    return ops.relu_(this);
  }
  /** See {@linkcode ops.prelu}. */
  prelu(this: Tensor, weight: Tensor | { readonly weight: Tensor }): Tensor {
    return ops.prelu(this, weight);
  }
  /** See {@linkcode ops.hardshrink}. */
  hardshrink(this: Tensor, ...args: Args<ops.ShrinkOptions, ["lambd"]>): Tensor {
    return ops.hardshrink(this, ...args);
  }
  /** See {@linkcode ops.softmax}. */
  softmax(this: Tensor, ...args: Args<ops.SoftmaxOptions, ["dim", "dtype"]>): Tensor {
    return ops.softmax(this, ...args);
  }
  /** See {@linkcode ops.logSoftmax}. */
  logSoftmax(this: Tensor, ...args: Args<ops.SoftmaxOptions, ["dim", "dtype"]>): Tensor {
    return ops.logSoftmax(this, ...args);
  }
}
