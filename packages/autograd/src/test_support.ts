/**
 * What the tests of this package share: the reference device, and short ways to make tensors.
 *
 * @module
 */

import { float64 } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { registerBackend, setDefaultDevice, type Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";
import "./install.ts";

/** The device of the tests. */
export const backend: ReturnType<typeof createReferenceBackend> = createReferenceBackend();
registerBackend(backend);
setDefaultDevice(backend);

/** A float64 tensor. */
export function t(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return fromData(Float64Array.from(values), shape, float64);
}

/** A float64 leaf that requires grad. */
export function leaf(values: readonly number[], shape?: readonly number[]): Tensor {
  const x = t(values, shape);
  x.requiresGrad = true;
  return x;
}

/** All elements in row-major order. */
export function values(x: Tensor | null): number[] {
  if (x === null) throw new Error("expected a tensor, got null");
  return Array.from(x.dataSync() as Float64Array);
}
