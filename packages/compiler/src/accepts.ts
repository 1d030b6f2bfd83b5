/**
 * Which fused primitives a backend runs itself.
 *
 * @module
 */

import {
  type Aval,
  type Backend,
  type Buffer,
  contiguousStrides,
  endOf,
  isContiguous,
  type Layout,
  type Operand,
} from "@flambeau/core";
import type { Accepts } from "./lower.ts";

type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => unknown;

/**
 * Asks the kernels of `backend`: a fused primitive stays when its kernel takes the operands as they are, or contiguous
 * copies of them. Nothing runs; buffers are taken for the question and given back at once.
 */
export function acceptedBy(backend: Backend): Accepts {
  return (name, inputs, outputs, attrs) => {
    const kernel = backend.kernels[name] as AnyKernel | undefined;
    if (kernel === undefined) return false;
    const taken: Buffer[] = [];
    const operand = (x: Layout & Aval): Operand => {
      const buffer = backend.allocate(endOf(x) * x.dtype.itemsize);
      taken.push(buffer);
      const { shape, strides, offset, dtype } = x;
      return { shape, strides, offset, dtype, buffer };
    };
    try {
      const results = outputs.map(operand);
      const answer = results.length > 1 ? results : results[0]!;
      if (kernel(inputs.map(operand), answer, attrs) !== null) return true;
      if (inputs.every((x) => isContiguous(x.shape, x.strides))) return false;
      const packed = inputs.map((x) => ({ ...x, strides: contiguousStrides(x.shape), offset: 0 }));
      return kernel(packed.map(operand), answer, attrs) !== null;
    } finally {
      taken.forEach((buffer) => backend.free(buffer));
    }
  };
}
