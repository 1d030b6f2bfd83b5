/**
 * What the tests of kernels share: a device where there is an adapter, operands from numbers, and the same step on the
 * reference device as the oracle.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Backend,
  type Bind,
  contiguousStrides,
  type DType,
  float32,
  type FusedName,
  infer,
  type Inputs,
  type KernelName,
  type Name,
  numelOf,
  type Operand,
  type Shape,
  viewData,
  viewLayouts,
  type ViewName,
  viewNames,
} from "@flambeau/core";
import { decompositions } from "@flambeau/compiler";
import { createReferenceBackend } from "@flambeau/reference";
import { describe, expect } from "vitest";
import { createWebGpuBackend, isWebGpuAvailable, type WebGpuBackend } from "./backend.ts";

const available = await isWebGpuAvailable();

/** Why tests of kernels do not run here; null where they do. */
export const skipReason: string | null = available ? null : "this runtime has no WebGPU adapter";

/** The device; only where there is an adapter. */
export const device: WebGpuBackend = available
  ? await createWebGpuBackend()
  : undefined as unknown as WebGpuBackend;

/** The reference device. */
export const oracle: Backend = createReferenceBackend() as Backend;

/** `describe` that is skipped, with the reason in its name, where there is no adapter. */
export function describeGpu(name: string, body: () => void): void {
  if (skipReason === null) describe(name, body);
  else describe.skip(`${name} (skipped: ${skipReason})`, body);
}

/** An operand by its values in row-major order of its logical elements. */
export interface Spec {
  readonly values: ArrayLike<number>;
  readonly shape: Shape;
  readonly dtype?: DType;
  /** Steps in elements; row-major by default. */
  readonly strides?: Shape;
  /** Elements before the first one. */
  readonly offset?: number;
}

/** Calls `visit` with the place of every logical element, in row-major order. */
function eachPlace(x: Operand, visit: (place: number, i: number) => void): void {
  const n = numelOf(x.shape);
  for (let i = 0; i < n; i++) {
    let [place, rest] = [x.offset, i];
    for (let d = x.shape.length - 1; d >= 0; d--) {
      place += (rest % x.shape[d]!) * x.strides[d]!;
      rest = Math.floor(rest / x.shape[d]!);
    }
    visit(place, i);
  }
}

/** An operand on a device; what lies between its elements is 0x7b bytes. */
export function operand(on: Backend, { values, shape, dtype = float32, strides, offset = 0 }: Spec): Operand {
  const steps = strides ?? contiguousStrides(shape);
  const length = shape.includes(0)
    ? offset
    : shape.reduce((end, n, d) => end + (n - 1) * steps[d]!, offset + 1);
  const bytes = new Uint8Array(length * dtype.itemsize).fill(0x7b);
  const data = viewData(dtype, bytes.buffer, 0, length);
  const x: Operand = { buffer: on.allocate(bytes.length), shape, dtype, strides: steps, offset };
  eachPlace(x, (place, i) => (data as Float32Array)[place] = values[i]!);
  on.write(x.buffer, 0, bytes);
  return x;
}

/** All bytes of the buffer of an operand. */
export function bytesOf(on: Backend, x: Operand): Promise<Uint8Array> {
  return on.read(x.buffer, 0, x.buffer.bytes);
}

/** The logical elements in row-major order; halves as their bits. */
export async function valuesOf(on: Backend, x: Operand): Promise<number[]> {
  const bytes = await on.read(x.buffer, 0, x.buffer.bytes);
  const length = Math.floor(bytes.length / x.dtype.itemsize);
  const data = viewData(x.dtype, bytes.buffer, bytes.byteOffset, length);
  const out: number[] = [];
  eachPlace(x, (place) => out.push(Number(data[place])));
  return out;
}

type AnyKernel = (inputs: readonly Operand[], outputs: unknown, attrs: unknown) => unknown;

/** Runs a kernel; false when it does not take these operands. */
export function run(
  on: Backend,
  name: KernelName,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  attrs: unknown,
): boolean {
  const kernel = on.kernels[name] as AnyKernel | undefined;
  const dispatch = kernel?.(inputs, outputs.length > 1 ? outputs : outputs[0]!, attrs) ?? null;
  if (dispatch === null) return false;
  on.run(dispatch);
  return true;
}

/** Where results go, in place of contiguous memory of their own. */
export interface Where {
  /** Strides and offset of each result. */
  readonly layouts?: readonly ({ readonly strides: Shape; readonly offset: number } | null)[];
  /** The input whose memory the first result takes. */
  readonly inPlace?: number;
}

/** The results of a step on a device, and the bytes of the buffers in which they lie. */
export async function results<P extends KernelName>(
  on: Backend,
  name: P,
  specs: readonly Spec[],
  attrs: Attrs<P>,
  where: Where = {},
): Promise<{ values: number[][]; avals: readonly Aval[] }> {
  const inputs = specs.map((spec) => operand(on, spec));
  const inferred = infer(name, inputs as unknown as Inputs<P, Aval>, attrs) as Aval | readonly Aval[];
  const avals = (Array.isArray(inferred) ? inferred : [inferred]) as readonly Aval[];
  const outputs = avals.map(({ shape, dtype }, i) => {
    if (i === 0 && where.inPlace !== undefined) return inputs[where.inPlace]!;
    const values = new Float64Array(numelOf(shape)).fill(77);
    return operand(on, { values, shape, dtype, ...(where.layouts?.[i] ?? {}) });
  });
  if (!run(on, name, inputs, outputs, attrs)) throw new Error(`${on.name} has no kernel of ${name} for this`);
  const values: number[][] = [];
  for (const output of outputs) values.push(await valuesOf(on, output));
  for (const x of new Set([...inputs, ...outputs])) on.free(x.buffer);
  return { values, avals };
}

/**
 * Expects that the device computes what the reference does, within a relative and an absolute tolerance; `on` is another
 * device to try.
 */
export async function expectSame<P extends KernelName>(
  name: P,
  specs: readonly Spec[],
  attrs: Attrs<P>,
  { rtol = 0, atol = 0, on = device, ...where }: Where & {
    readonly rtol?: number;
    readonly atol?: number;
    readonly on?: Backend;
  } = {},
): Promise<void> {
  const want = await results(oracle, name, specs, attrs, where);
  const got = await results(on, name, specs, attrs, where);
  want.values.forEach((list, k) => {
    list.forEach((value, i) => {
      const mine = got.values[k]![i]!;
      const near = Object.is(mine, value) || (Number.isNaN(mine) && Number.isNaN(value)) ||
        (rtol + atol > 0 && mine === value) || Math.abs(mine - value) <= atol + rtol * Math.abs(value);
      if (!near) {
        expect.fail(
          `${name}: result ${k}, element ${i} must be ${value} within ${rtol} and ${atol}, got ${mine}`,
        );
      }
    });
  });
  expect(got.values.map((list) => list.length)).toEqual(want.values.map((list) => list.length));
}

/** A repeatable sequence of numbers in [−1, 1) times `scale`. */
export function noise(length: number, seed = 1, scale = 1): number[] {
  const out: number[] = [];
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out.push(Math.fround(((state >>> 8) / 2 ** 23 - 1) * scale));
  }
  return out;
}

/** A repeatable sequence of whole numbers from `low` to `high`, both included. */
export function integers(length: number, low: number, high: number, seed = 1): number[] {
  return noise(length, seed).map((x) => Math.min(high, low + Math.floor((x + 1) / 2 * (high - low + 1))));
}

/** Applies a primitive to operands of the reference device: views as geometries, fused ones by their decomposition. */
export const bindOracle: Bind<Operand> =
  ((name: Name, inputs: readonly Operand[], attrs: unknown): Operand | readonly Operand[] => {
    if (viewNames.has(name as ViewName)) {
      const layout = viewLayouts[name as ViewName] as unknown as (x: Operand, attrs: unknown) => Operand;
      const { shape, strides, offset } = layout(inputs[0]!, attrs);
      return { buffer: inputs[0]!.buffer, dtype: inputs[0]!.dtype, shape, strides, offset };
    }
    const rule = decompositions[name as FusedName] as unknown as AnyRule | undefined;
    if (rule !== undefined) return rule(bindOracle, inputs, attrs);
    const inferred = infer(name as "exp", inputs as [Operand], attrs as null) as Aval | readonly Aval[];
    const outputs = (Array.isArray(inferred) ? inferred as Aval[] : [inferred as Aval]).map((
      { shape, dtype },
    ) => operand(oracle, { values: new Float64Array(numelOf(shape)), shape, dtype }));
    if (!outputs.every(({ shape }) => shape.includes(0))) {
      run(oracle, name as KernelName, inputs, outputs, attrs);
    }
    return Array.isArray(inferred) ? outputs : outputs[0]!;
  }) as Bind<Operand>;

type AnyRule = (
  bind: Bind<Operand>,
  inputs: readonly Operand[],
  attrs: unknown,
) => Operand | readonly Operand[];

/** Expects that a fused kernel gives what the decomposition gives on the reference device; `on` is another device to try. */
export async function expectFused<P extends FusedName>(
  name: P,
  specs: readonly Spec[],
  attrs: Attrs<P>,
  { rtol, atol, on = device, ...where }: Where & {
    readonly rtol: number;
    readonly atol: number;
    readonly on?: Backend;
  },
): Promise<void> {
  const made = bindOracle(
    name as "exp",
    specs.map((spec) => operand(oracle, spec)) as [Operand],
    attrs as null,
  );
  const want = Array.isArray(made) ? made as Operand[] : [made as Operand];
  const got = await results(on, name, specs, attrs, where);
  for (const [k, x] of want.entries()) {
    const exact = await valuesOf(oracle, x);
    expect(got.values[k]!.length).toBe(exact.length);
    exact.forEach((value, i) => {
      const mine = got.values[k]![i]!;
      const near = mine === value || (Number.isNaN(mine) && Number.isNaN(value)) ||
        Math.abs(mine - value) <= atol + rtol * Math.abs(value);
      if (!near) {
        expect.fail(
          `${name}: result ${k}, element ${i} must be ${value} within ${rtol} and ${atol}, got ${mine}`,
        );
      }
    });
  }
}
