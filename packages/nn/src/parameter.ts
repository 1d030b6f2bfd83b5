/**
 * The tensors that belong to a module: parameters, which are trained, and buffers, which are not.
 *
 * @module
 */

import { type DType, DTypeError } from "@flambeau/core";
import { keep, Tensor } from "@flambeau/tensor";
import { requireTensor } from "@flambeau/tensor/internal";

/** Options of {@linkcode Parameter}. */
export interface ParameterOptions {
  /** Whether operations on it are recorded. Default true. */
  readonly requiresGrad?: boolean;
}

/**
 * A tensor that is trained: assigned to a field of a module it is among its `parameters()`.
 *
 * It shares the memory of the tensor it is made of, has no history, requires grad by default, and is never freed by a scope.
 *
 * @throws {ArgumentTypeError} If `data` is not a Tensor.
 * @throws {GradError} If it requires grad and is not of a float dtype.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
 *
 * @example
 * ```ts
 * class Scale extends nn.Module {
 *   weight = new nn.Parameter(torch.ones([3]));
 *   override forward(x: torch.Tensor): torch.Tensor {
 *     return x.mul(this.weight);
 *   }
 * }
 * ```
 */
export class Parameter extends Tensor {
  /**
   * Makes a parameter over the memory of a tensor.
   *
   * @param data The first value.
   * @param requiresGrad Whether operations on it are recorded; also as an object.
   */
  constructor(data: Tensor, requiresGrad: boolean | ParameterOptions = true) {
    const { storage, shape, strides, offset, dtype } = requireTensor("make a Parameter", "data", data);
    super(storage, shape, strides, offset, dtype);
    keep<Tensor>(this);
    const wanted = typeof requiresGrad === "boolean" ? requiresGrad : requiresGrad.requiresGrad ?? true;
    if (wanted) this.requiresGrad = true;
  }

  /** The text of the tensor behind a line that says what it is, as PyTorch prints it. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }
}

/** Options of {@linkcode Buffer}. */
export interface BufferOptions {
  /** Whether it is part of the state dict. Default true. */
  readonly persistent?: boolean;
}

/**
 * A tensor that belongs to a module and is not trained, such as a running mean: assigned to a field of a module it is
 * among its `buffers()`. The same as `registerBuffer`.
 *
 * @throws {ArgumentTypeError} If `data` is not a Tensor.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
 */
export class Buffer extends Tensor {
  /** Whether it is part of the state dict. */
  readonly persistent: boolean;

  /**
   * Makes a buffer over the memory of a tensor.
   *
   * @param data The first value, whose memory it shares.
   * @param persistent Whether it is part of the state dict; also as an object.
   */
  constructor(data: Tensor, persistent: boolean | BufferOptions = true) {
    const { storage, shape, strides, offset, dtype } = requireTensor("make a Buffer", "data", data);
    super(storage, shape, strides, offset, dtype);
    keep<Tensor>(this);
    this.persistent = typeof persistent === "boolean" ? persistent : persistent.persistent ?? true;
  }
}

/** The fields of a tensor that {@linkcode setData} replaces. */
interface Mutable {
  dtype: DType;
}

/**
 * Gives `target` the memory, shape and dtype of `value`, without history and without notice to autograd, as assigning
 * `x.data` does in PyTorch. Its gradient stays as it is. The result lives outside of all scopes.
 *
 * @throws {DTypeError} If `target` requires grad and `value` is not of a float dtype.
 */
export function setData(target: Tensor, value: Tensor): void {
  if (target.requiresGrad && value.dtype.kind !== "float") {
    throw new DTypeError(
      `Cannot set the data of a tensor that requires grad: it must be of a float dtype, got ${value.dtype.name}`,
    );
  }
  keep(value);
  target.storage = value.storage;
  target.shape = value.shape;
  target.strides = value.strides;
  target.offset = value.offset;
  (target as Mutable).dtype = value.dtype;
}
