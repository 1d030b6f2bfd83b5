/**
 * What the tests of this package share: operands over plain memory, and one call of a kernel.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Buffer,
  contiguousStrides,
  type DataArray,
  type DType,
  float64,
  infer,
  type Inputs,
  type KernelName,
  numelOf,
  type Operand,
  type Shape,
  viewData,
} from "@flambeau/core";
import type { HostDispatch } from "./iterate.ts";
import { hostKernels } from "./kernels.ts";

/** A value of an element. */
export type Value = number | bigint | boolean;

interface Memory extends Buffer {
  readonly data: ArrayBuffer;
}

const viewOf = (buffer: Memory, dtype: DType): DataArray =>
  viewData(dtype, buffer.data, 0, Math.floor(buffer.bytes / dtype.itemsize));

const kernels = hostKernels<Memory>(viewOf);

/** How the elements of an operand lie in its memory: in order, or mixed up with gaps filled with `GAP` bytes. */
export type Layout = "contiguous" | "strided";

/** The byte that lies where no element is; it must still be there after a kernel has run. */
export const GAP = 0x5a;

/** An operand over new memory. `strided`: dimensions in reverse order, every second place, an offset of 3. */
export function allocate({ shape, dtype }: Aval, layout: Layout = "contiguous"): Operand {
  const reversed = contiguousStrides([...shape].reverse()).reverse().map((step) => 2 * step);
  const strides = layout === "contiguous" ? contiguousStrides(shape) : reversed;
  const offset = layout === "contiguous" ? 0 : 3;
  const bytes = (layout === "contiguous" ? numelOf(shape) : 2 * numelOf(shape) + 4) * dtype.itemsize;
  const buffer: Memory = { bytes, data: new ArrayBuffer(bytes) };
  new Uint8Array(buffer.data).fill(GAP);
  return { shape, dtype, strides, offset, buffer };
}

/** An operand that holds `values`, in row-major order. */
export function operand(
  values: readonly Value[],
  dtype: DType = float64,
  shape: Shape = [values.length],
  layout: Layout = "contiguous",
): Operand {
  const out = allocate({ shape, dtype }, layout);
  const wide = allocate({ shape, dtype: float64 });
  const data = viewOf(wide.buffer as Memory, float64);
  if (dtype.name === "int64") {
    const exact = { ...allocate({ shape, dtype }) };
    (viewOf(exact.buffer as Memory, dtype) as BigInt64Array).set(values.map((v) => BigInt(v)));
    kernels.copy([exact], out, null)!();
    return out;
  }
  (data as Float64Array).set(values.map(Number));
  kernels.cast([wide], out, { dtype })!();
  return out;
}

/** The elements of `x` in row-major order: bigints for int64, else numbers. */
export function valuesOf(x: Operand): (number | bigint)[] {
  if (x.dtype.name === "int64") {
    const exact = allocate(x);
    kernels.copy([x], exact, null)!();
    return [...viewOf(exact.buffer as Memory, x.dtype)];
  }
  const wide = allocate({ shape: x.shape, dtype: float64 });
  kernels.cast([x], wide, { dtype: float64 })!();
  return [...viewOf(wide.buffer as Memory, float64)];
}

/** The bytes of the buffer of `x`. */
export function bytesOf(x: Operand): Uint8Array {
  return new Uint8Array((x.buffer as Memory).data);
}

/** Infers the outputs of a primitive, runs its kernel, and answers the outputs. */
export function run<P extends KernelName>(
  name: P,
  inputs: Inputs<P, Operand>,
  attrs: Attrs<P>,
  layout: Layout = "contiguous",
): Operand[] {
  const avals = infer(name, inputs as never, attrs as never) as Aval | readonly Aval[];
  const outputs = (avals instanceof Array ? avals : [avals]).map((aval) => allocate(aval, layout));
  runInto(name, inputs, outputs, attrs);
  return outputs;
}

/** Runs the kernel of a primitive into `outputs`, one even if there is only one. */
export function runInto<P extends KernelName>(
  name: P,
  inputs: Inputs<P, Operand>,
  outputs: readonly Operand[],
  attrs: Attrs<P>,
): void {
  const kernel = kernels[name as "copy"] as unknown as (
    inputs: unknown,
    outputs: unknown,
    attrs: unknown,
  ) => HostDispatch | null;
  const dispatch = kernel(inputs, outputs.length === 1 ? outputs[0] : outputs, attrs);
  if (dispatch === null) throw new Error(`no kernel of ${name} for these operands`);
  dispatch();
}

/** The values of the only output of a primitive. */
export function result<P extends KernelName>(
  name: P,
  inputs: Inputs<P, Operand>,
  attrs: Attrs<P>,
): (number | bigint)[] {
  return valuesOf(run(name, inputs, attrs)[0]!);
}
