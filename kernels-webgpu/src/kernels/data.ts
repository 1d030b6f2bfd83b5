/**
 * Kernels that copy, convert, join, pad, reverse and make elements.
 *
 * @module
 */

import {
  bfloat16ToBits,
  type DType,
  float16ToBits,
  type KernelTable,
  type Operand,
  type Shape,
  viewData,
} from "@flambeau/core";
import { type GpuDispatch, Sequence, Upload } from "../dispatch.ts";
import { floatBits, type GpuLimits } from "../draft.ts";
import { elementwise } from "../elementwise.ts";
import { isInPlace, stepsIn } from "../geometry.ts";
import { inParts } from "../split.ts";
import { converted } from "./pointwise.ts";

type DataName = "copy" | "cast" | "where" | "concat" | "pad" | "flip" | "full" | "iota";

/** A float as an integer of `dtype`, where it does not fit as PyTorch gives it on x86: the low bits of the smallest value. */
export function wholeNumber(dtype: DType, value: number): number {
  const whole = Math.trunc(value);
  const limit = 2 ** (dtype.name === "uint8" ? 63 : 31);
  return whole >= -limit && whole < limit ? whole : -limit;
}

/** A value as the bits that the computed type of `dtype` has. */
export function scalarBits(dtype: DType, value: number | bigint | boolean): number {
  if (dtype.kind === "float") return floatBits(Number(value));
  if (dtype.kind === "bool") return Number(value) !== 0 || Number.isNaN(value) ? 1 : 0;
  if (typeof value === "bigint") return Number(BigInt.asIntN(32, value));
  const whole = wholeNumber(dtype, Number(value));
  return Number(BigInt.asIntN(32, BigInt(whole)));
}

/** Moves elements from one geometry to another of the same shape and dtype. */
export function copyOf(limits: GpuLimits, op: string, x: Operand, o: Operand): GpuDispatch | null {
  return elementwise(limits, { op, inputs: { x }, outputs: { o }, body: "let o = x;", raw: true });
}

/** Writes one value to all elements. */
export function fillOf(
  limits: GpuLimits,
  op: string,
  o: Operand,
  value: number | bigint | boolean,
): GpuDispatch | null {
  return elementwise(limits, {
    op,
    inputs: {},
    outputs: { o },
    body: `let o = bitcast<${o.dtype.kind === "float" ? "f32" : "i32"}>(P.value);`,
    uniforms: (draft) => void draft.u32("value", scalarBits(o.dtype, value)),
  });
}

/** Part of an operand: elements `start` … `start + size` of each dimension. */
function part(x: Operand, start: Shape, shape: Shape): Operand {
  const offset = start.reduce((sum, first, d) => sum + first * x.strides[d]!, x.offset);
  return { buffer: x.buffer, dtype: x.dtype, shape, strides: x.strides, offset };
}

/** The operand seen from its other end along `dims`. */
function reversed(x: Operand, dims: Shape): Operand {
  const strides = [...x.strides];
  let offset = x.offset;
  for (const d of dims) {
    offset += (x.shape[d]! - 1) * strides[d]!;
    strides[d] = -strides[d]!;
  }
  return { buffer: x.buffer, dtype: x.dtype, shape: x.shape, strides, offset };
}

/** Runs all steps, or none if one of them cannot be had. */
export function sequence(steps: readonly (GpuDispatch | null)[]): GpuDispatch | null {
  if (steps.some((step) => step === null)) return null;
  return steps.length === 1 ? steps[0]! : new Sequence(steps as readonly GpuDispatch[]);
}

function concat(limits: GpuLimits, inputs: readonly Operand[], o: Operand, dim: number): GpuDispatch | null {
  if (isInPlace([o], inputs)) return null;
  const steps: (GpuDispatch | null)[] = [];
  let done = 0;
  for (const x of inputs) {
    const start = x.shape.map((_, d) => d === dim ? done : 0);
    if (!x.shape.includes(0)) steps.push(copyOf(limits, "concat", x, part(o, start, x.shape)));
    done += x.shape[dim]!;
  }
  return sequence(steps);
}

function pad(limits: GpuLimits, x: Operand, o: Operand, low: Shape, value: number): GpuDispatch | null {
  if (isInPlace([o], [x])) return null;
  const from = low.map((n) => Math.max(0, -n));
  const to = low.map((n) => Math.max(0, n));
  const shape = x.shape.map((size, d) => Math.max(0, Math.min(size - from[d]!, o.shape[d]! - to[d]!)));
  const fill = fillOf(limits, "pad", o, value);
  if (shape.includes(0)) return fill;
  return sequence([fill, copyOf(limits, "pad", part(x, from, shape), part(o, to, shape))]);
}

/** `start + i · step` in float64, rounded once: on the host, unless integers are enough. */
function iota(limits: GpuLimits, o: Operand, start: number, step: number): GpuDispatch | null {
  const size = o.shape[0]!;
  const last = start + step * (size - 1);
  const exact = Number.isInteger(start) && Number.isInteger(step) && !Object.is(start, -0) &&
    Math.max(Math.abs(start), Math.abs(last)) < 2 ** 31;
  if (exact) {
    const index: Operand = { ...geometry(o), shape: [size] };
    return inParts(limits, [index], [0], ([part]) => {
      const done = size > 1 ? (part!.offset - index.offset) / index.strides[0]! : 0;
      return elementwise(limits, {
        op: "iota",
        inputs: {},
        outputs: { o: part! },
        body: `let whole = bitcast<i32>(P.start + i * P.step);
               let o = ${o.dtype.kind === "float" ? "f32(whole)" : "whole"};`,
        uniforms: (draft) => void draft.u32("start", start + done * step).u32("step", step),
      });
    });
  }
  if (o.strides[0] !== 1 && size > 1) return null;
  return new Upload(o.buffer, o.offset * o.dtype.itemsize, () => iotaBytes(o.dtype, size, start, step));
}

function geometry({ buffer, dtype, shape, strides, offset }: Operand): Operand {
  return { buffer, dtype, shape, strides, offset };
}

function iotaBytes(dtype: DType, size: number, start: number, step: number): Uint8Array {
  const bytes = new Uint8Array(size * dtype.itemsize);
  const data = viewData(dtype, bytes.buffer, 0, size) as Float32Array;
  for (let i = 0; i < size; i++) {
    const value = start + i * step;
    if (dtype.kind === "int") data[i] = wholeNumber(dtype, value);
    else if (dtype.name === "float16") data[i] = float16ToBits(value);
    else if (dtype.name === "bfloat16") data[i] = bfloat16ToBits(value);
    else data[i] = value;
  }
  return bytes;
}

/** Kernels that move and make elements. */
export function dataKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, DataName> {
  return {
    copy: ([x], o) => copyOf(limits, "copy", wide(x, o), o),
    cast: ([x], o) =>
      x.dtype === o.dtype ? copyOf(limits, "cast", wide(x, o), o) : elementwise(limits, {
        op: "cast",
        key: `${x.dtype.name}>${o.dtype.name}`,
        inputs: { x },
        outputs: { o },
        body: `let o = ${converted(x.dtype, o.dtype)};`,
      }),
    where: ([cond, x, y], o) =>
      elementwise(limits, {
        op: "where",
        inputs: { cond, x, y },
        outputs: { o },
        body: "let o = select(y, x, cond != 0u);",
        raw: true,
      }),
    concat: (inputs, o, { dim }) => concat(limits, inputs, o, dim),
    pad: ([x], o, { low, value }) => pad(limits, x, o, low, value),
    flip: ([x], o, { dims }) => isInPlace([o], [x]) ? null : copyOf(limits, "flip", reversed(x, dims), o),
    full: (_, o, { value }) => fillOf(limits, "full", o, value),
    iota: (_, o, { start, step }) => iota(limits, o, start, step),
  };
}

/** The operand with the shape of the result. */
function wide(x: Operand, o: Operand): Operand {
  return { buffer: x.buffer, dtype: x.dtype, shape: o.shape, strides: stepsIn(x, o.shape), offset: x.offset };
}
