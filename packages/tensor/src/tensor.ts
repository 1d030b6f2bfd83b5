/**
 * The Tensor class: the last of the method families, with what belongs to all of them.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import { tensorClass } from "./handle.ts";
import { keep } from "./temporaries.ts";
import { TextMethods } from "./methods/text.ts";

/**
 * An n-dimensional array of one dtype: PyTorch's `torch.Tensor`.
 *
 * A tensor is a handle on a storage; views share it. Tensors are made by functions such as `tensor`, `zeros` and
 * `randn`, not by `new`.
 *
 * @see https://pytorch.org/docs/stable/tensors.html
 */
export class Tensor extends TextMethods {
  /** The sizes, or the size of one dimension. */
  size(): Shape;
  /** The size of dimension `dim`. */
  size(dim: number): number;
  /** Implementation of both forms. */
  size(dim?: number): Shape | number {
    return dim === undefined ? this.shape : this.shape.at(dim)!;
  }

  /** Elements to step in the storage, by dimension. */
  stride(): Shape;
  /** Elements to step in the storage for dimension `dim`. */
  stride(dim: number): number;
  /** Implementation of both forms. */
  stride(dim?: number): Shape | number {
    return dim === undefined ? this.strides : this.strides.at(dim)!;
  }

  /** Elements of the storage before the first, as PyTorch's `storage_offset()`. */
  storageOffset(): number {
    return this.offset;
  }

  /** Gives the memory back now; every view of it becomes unusable. */
  dispose(): void {
    this.storage.dispose();
  }

  /** As `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.storage.dispose();
  }

  /** True once the memory was given back. */
  get isDisposed(): boolean {
    return this.storage.isDisposed;
  }

  /** Takes the tensor out of the scopes around: it lives on. */
  keep(): this {
    return keep(this);
  }
}

tensorClass.current = Tensor;
