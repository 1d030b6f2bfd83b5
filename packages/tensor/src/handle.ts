/**
 * The fields of a tensor: a geometry over a storage, and what autograd knows of it.
 *
 * The methods come in families, each a class that extends the one before (`methods/*.ts`); `Tensor` is the last. The
 * functions behind them construct tensors through {@linkcode makeTensor}, so nothing here imports upwards.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  contiguousStrides,
  type DType,
  GradError,
  isContiguous,
  numelOf,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { Device } from "./device.ts";
import { gradMode } from "./grad_mode.ts";
import { Storage } from "./storage.ts";
import { forgetGrad, type GradMeta, type GradNode, newGradMeta, tape } from "./tape.ts";
import type { Tensor } from "./tensor.ts";
import type { Lifted } from "./transform.ts";

/** The state of a tensor, without its operations. */
export class TensorHandle implements Operand {
  /** Sizes by dimension. A copy may be had by `size()`. */
  shape: Shape;
  /** Elements to step in the storage, by dimension. */
  strides: Shape;
  /** Elements of the storage before the first. */
  offset: number;
  /** Element type. */
  readonly dtype: DType;
  /** The memory, shared with views. Not for users. */
  storage: Storage;
  /** What autograd knows. Not for users: see `requiresGrad`, `grad`, `gradFn`. */
  gradMeta: GradMeta | null = null;
  /** The tensor that this one is a view of, as far as autograd is concerned. Not for users. */
  base: Tensor | null = null;
  /** What it stands for inside a function transform; null for plain tensors. Not for users. */
  lifted: Lifted | null = null;
  /** Made in inference mode: it can never be part of a graph. */
  readonly isInference: boolean;

  /** Not for users: tensors are made by functions such as `tensor` and `zeros`. */
  constructor(storage: Storage, shape: Shape, strides: Shape, offset: number, dtype: DType) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.dtype = dtype;
    this.isInference = gradMode.inference;
  }

  /** The memory behind the tensor. Not for users. */
  get buffer(): Buffer {
    return this.storage.buffer;
  }

  /** The backend that computes with this tensor. Not for users. */
  get backend(): Backend {
    return this.storage.backend;
  }

  /** Where the tensor lives. */
  get device(): Device {
    return new Device(this.storage.backend.name);
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  numel(): number {
    return numelOf(this.shape);
  }

  /** Number of dimensions, as PyTorch's `dim()`. */
  dim(): number {
    return this.shape.length;
  }

  /** True when elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /** Writes to the storage so far, as PyTorch's `_version`. */
  get version(): number {
    return this.storage.version;
  }

  /** True when operations on this tensor are recorded. Assigning is for leaves of a float dtype. */
  get requiresGrad(): boolean {
    const meta = this.gradMeta;
    if (meta !== null && (meta.requiresGrad || meta.node !== null)) return true;
    return this.base !== null && tape.current !== null && this.gradFn !== null;
  }

  /** @throws {GradError} If the tensor is no leaf, or not of a float dtype. */
  set requiresGrad(value: boolean) {
    if (value === this.requiresGrad) return;
    if (!this.isLeaf) {
      throw new GradError(
        "Cannot change requiresGrad of a tensor that an operation made: you can only change requiresGrad flags of leaf " +
          `variables${value ? "" : "; to use a value without its graph, call detach()"}`,
      );
    }
    if (value && this.dtype.kind !== "float") {
      throw new GradError(
        `Cannot set requiresGrad of ${this.dtype.name}[${
          this.shape.join(", ")
        }]: only tensors of floating point dtype can ` +
          `require gradients, got ${this.dtype.name}`,
      );
    }
    if (value && this.isInference && !gradMode.inference) {
      throw new GradError(
        "Cannot set requiresGrad of an inference tensor outside inferenceMode: clone() it first",
      );
    }
    (this.gradMeta ??= newGradMeta()).requiresGrad = value;
  }

  /** The step that made this tensor; null for leaves. */
  get gradFn(): GradNode | null {
    if (this.base !== null && tape.current !== null) return tape.current.gradFn(this as unknown as Tensor);
    return this.gradMeta === null ? null : this.gradMeta.node;
  }

  /** True for tensors that no recorded operation made. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }

  /** The accumulated gradient of a leaf, or of a tensor with `retainGrad()`. */
  get grad(): Tensor | null {
    if (this.gradMeta === null) return null;
    this.gradMeta.gradShown = true;
    return this.gradMeta.grad;
  }

  /** @throws {GradError} If shape or dtype differ. */
  set grad(value: Tensor | null | undefined) {
    if (value === null || value === undefined) {
      forgetGrad(this as unknown as Tensor);
      return;
    }
    if (
      !(value instanceof TensorHandle) || value.dtype !== this.dtype ||
      String(value.shape) !== String(this.shape)
    ) {
      throw new GradError(
        `Cannot assign grad of ${this.dtype.name}[${
          this.shape.join(", ")
        }]: it must have the same dtype and shape, got ${
          value instanceof TensorHandle ? `${value.dtype.name}[${value.shape.join(", ")}]` : typeof value
        }`,
      );
    }
    const meta = this.gradMeta ??= newGradMeta();
    meta.grad = value;
    meta.gradShown = true;
  }

  /** True after `retainGrad()` on a tensor that is no leaf. */
  get retainsGrad(): boolean {
    return this.gradMeta !== null && this.gradMeta.retainsGrad;
  }
}

/** The constructor of {@linkcode Tensor}, put here when its module loads. */
export const tensorClass: { current: typeof TensorHandle } = { current: TensorHandle };

/** A tensor over a storage. */
export function makeTensor(
  storage: Storage,
  shape: Shape,
  strides: Shape,
  offset: number,
  dtype: DType,
): Tensor {
  return new tensorClass.current(storage, shape, strides, offset, dtype) as Tensor;
}

/** A contiguous tensor over new memory; its contents are not defined. */
export function makeEmpty(backend: Backend, shape: Shape, dtype: DType): Tensor {
  return makeTensor(new Storage(backend, shape, dtype), shape, contiguousStrides(shape), 0, dtype);
}
