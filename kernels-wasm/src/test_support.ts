/**
 * What the tests of kernels share: both builds, operands from numbers, running a kernel by name, reading results.
 *
 * @module
 */

import {
  type Attrs,
  type Backend,
  contiguousStrides,
  type DType,
  float32,
  type Inputs,
  type KernelName,
  numelOf,
  type Operand,
  type Outputs,
  type Shape,
  viewData,
} from "@flambeau/core";
import { createReferenceBackend, hostKernels } from "@flambeau/reference";
import { createWasmBackend, type WasmBackend } from "./backend.ts";
import { bestBuild, type WasmBuild } from "./module.ts";

/** The builds that this engine runs, each with a device. */
export const devices: readonly (readonly [build: WasmBuild, device: WasmBackend])[] =
  (["simd", "relaxed"] as const)
    .filter((build) => build === "simd" || bestBuild() === "relaxed")
    .map((build) => [build, createWasmBackend({ fallback: hostKernels, build })]);

/** The reference device: the oracle. */
export const oracle: Backend = createReferenceBackend() as Backend;

/** Where the elements of an operand lie. */
export interface Layout {
  /** Steps in elements; row-major by default. */
  readonly strides?: Shape;
  /** Elements before the first one. */
  readonly offset?: number;
}

/** An operand of `shape` with `values` in row-major order of its logical elements, laid out as asked; halves as their bits. */
export function operand(
  device: Backend,
  values: ArrayLike<number>,
  shape: Shape,
  dtype: DType = float32,
  layout: Layout = {},
): Operand {
  const strides = layout.strides ?? contiguousStrides(shape);
  const offset = layout.offset ?? 0;
  let low = 0;
  let high = 0;
  shape.forEach((size, d) => {
    const by = Math.max(size - 1, 0) * strides[d]!;
    if (by < 0) low += by;
    else high += by;
  });
  const length = offset + high + 1;
  if (offset + low < 0) throw new RangeError("the layout starts before its buffer");
  const bytes = new Uint8Array(length * dtype.itemsize).fill(0x7b);
  const data = viewData(dtype, bytes.buffer, 0, length);
  eachPlace(shape, strides, offset, (place, i) => {
    if (data instanceof BigInt64Array) data[place] = BigInt(values[i]!);
    else data[place] = values[i]!;
  });
  const buffer = device.allocate(bytes.length);
  device.write(buffer, 0, bytes);
  return { buffer, shape, dtype, strides, offset };
}

/** An operand with undefined contents. */
export function empty(device: Backend, shape: Shape, dtype: DType = float32, layout: Layout = {}): Operand {
  return operand(device, new Float64Array(numelOf(shape)).fill(77), shape, dtype, layout);
}

/** The logical elements in row-major order. */
export function values(device: Backend, x: Operand): number[] {
  const bytes = device.readSync(x.buffer, 0, x.buffer.bytes);
  const data = viewData(x.dtype, bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / x.dtype.itemsize));
  const out: number[] = [];
  eachPlace(x.shape, x.strides, x.offset, (place) => out.push(Number(data[place])));
  return out;
}

/** Calls `visit` with the place of every logical element, in row-major order. */
export function eachPlace(
  shape: Shape,
  strides: Shape,
  offset: number,
  visit: (place: number, i: number) => void,
): void {
  const n = numelOf(shape);
  for (let i = 0; i < n; i++) {
    let [place, rest] = [offset, i];
    for (let d = shape.length - 1; d >= 0; d--) {
      place += (rest % shape[d]!) * strides[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    visit(place, i);
  }
}

/** Runs a kernel; answers false when it does not take these operands. */
export function run<P extends KernelName>(
  device: Backend,
  name: P,
  inputs: Inputs<P, Operand>,
  outputs: Outputs<P, Operand>,
  attrs: Attrs<P>,
): boolean {
  const kernel = device.kernels[name] as
    | ((inputs: unknown, outputs: unknown, attrs: unknown) => unknown)
    | undefined;
  const dispatch = kernel?.(inputs, outputs, attrs) ?? null;
  if (dispatch === null) return false;
  device.run(dispatch);
  return true;
}

/** Distance of a float32 from an exact value, in units of its last place. */
export function ulps(got: number, want: number): number {
  if (Number.isNaN(want)) return Number.isNaN(got) ? 0 : Infinity;
  const rounded = Math.fround(want);
  if (!Number.isFinite(rounded)) return got === rounded ? 0 : Infinity;
  if (!Number.isFinite(got)) return Infinity;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(rounded) || 1e-45)), -126);
  return Math.abs(got - want) / 2 ** (exponent - 23);
}

/** A repeatable sequence of numbers in [−1, 1). */
export function noise(length: number, seed: number = 1): Float32Array {
  const out = new Float32Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = (state >>> 8) / 2 ** 23 - 1;
  }
  return out;
}
