/**
 * What the tests of this package share: the reference backend with autograd, and short ways to make and read tensors.
 *
 * @module
 */

import "@flambeau/autograd";
import { createReferenceBackend } from "@flambeau/reference";
import { numelOf, type Shape } from "@flambeau/core";
import { type Nested, onesLike, registerBackend, type Tensor, tensor } from "@flambeau/tensor";

/** Makes the reference backend the one that tensors are on. */
export function useReference(): void {
  registerBackend(createReferenceBackend());
}

/** A float32 tensor of nested arrays. */
export function t(values: Nested): Tensor {
  return tensor(values, { dtype: "float32" });
}

/** A float32 tensor with the numbers `start`, `start + step`, … */
export function ramp(shape: Shape, start: number = 0, step: number = 1): Tensor {
  const values = Array.from({ length: numelOf(shape) }, (_, i) => start + i * step);
  return t(values).reshape(shape);
}

/** The elements in one list. */
export function flat(x: Tensor): number[] {
  return Array.from(x.dataSync() as ArrayLike<number>);
}

/** Runs the backward pass of the sum of `x`. */
export function backwardSum(x: Tensor): void {
  x.backward(onesLike(x));
}
