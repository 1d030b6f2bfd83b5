/**
 * Kernels that copy, convert, join, pad, reverse and make elements.
 *
 * @module
 */

import { type DType, int64, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import {
  allocateWide,
  BLOCK,
  broadcastStrides,
  eachBlock,
  type HostDispatch,
  planWalk,
  store,
  type View,
} from "./iterate.ts";
import { move, type Place, placeOf, sourceOf } from "./move.ts";

type DataName = "copy" | "cast" | "where" | "concat" | "pad" | "flip" | "full" | "iota";

/**
 * A float as an integer of `dtype`: the part before the point. What does not fit becomes what PyTorch gives on x86:
 * the smallest int32 or int64, whose low bits are the 8- and 16-bit integers; uint8 goes through int64.
 */
export function wholeNumber(dtype: DType, value: number): number {
  const whole = Math.trunc(value);
  const bits = dtype.name === "int64" || dtype.name === "uint8" ? 63 : 31;
  const limit = 2 ** bits;
  return whole >= -limit && whole < limit ? whole : -limit;
}

function cast(view: View, x: Operand, output: Operand): void {
  if (x.dtype === output.dtype) return move(output.shape, placeOf(view, x), placeOf(view, output));
  const numbers = new Float64Array(BLOCK);
  if (x.dtype === int64 && output.dtype.kind === "int") {
    const bigs = new BigInt64Array(BLOCK);
    return eachBlock(view, [x], output, [bigs], numbers, (count) => {
      for (let k = 0; k < count; k++) numbers[k] = Number(BigInt.asIntN(32, bigs[k]!));
    });
  }
  const toWhole = x.dtype.kind === "float" && output.dtype.kind === "int";
  eachBlock(view, [x], output, [numbers], numbers, (count) => {
    if (!toWhole) return;
    for (let k = 0; k < count; k++) numbers[k] = wholeNumber(output.dtype, numbers[k]!);
  });
}

function where(view: View, cond: Operand, x: Operand, y: Operand, output: Operand): void {
  const [test, from, other, to] = [cond, x, y, output].map((o) => placeOf(view, o)) as [
    Place,
    Place,
    Place,
    Place,
  ];
  const strides = [cond, x, y].map((o) => broadcastStrides(o, output.shape));
  const walk = planWalk(output.shape, [...strides, output.strides]);
  const [cStep, xStep, yStep, outStep] = walk.steps as [number, number, number, number];
  walk.run([test.offset, from.offset, other.offset, to.offset], (count, [c, i, j, o]) => {
    for (let k = 0; k < count; k++) {
      to.data[o! + k * outStep] = test.data[c! + k * cStep] !== 0
        ? from.data[i! + k * xStep]!
        : other.data[j! + k * yStep]!;
    }
  });
}

function concat(view: View, inputs: readonly Operand[], output: Operand, dim: number): void {
  const to = placeOf(view, output);
  let done = 0;
  for (const x of inputs) {
    move(x.shape, placeOf(view, x), { ...to, offset: to.offset + done * to.strides[dim]! });
    done += x.shape[dim]!;
  }
}

function pad(view: View, x: Operand, output: Operand, low: Shape, value: number): void {
  const from = sourceOf(view, x, output);
  fill(view, output, value);
  const to = placeOf(view, output);
  let [source, target] = [from.offset, to.offset];
  const shape = x.shape.map((size, d) => {
    const first = Math.max(0, -low[d]!); // elements of x that are cut in front
    const start = Math.max(0, low[d]!);
    source += first * from.strides[d]!;
    target += start * to.strides[d]!;
    return Math.max(0, Math.min(size - first, output.shape[d]! - start));
  });
  move(shape, { ...from, offset: source }, { ...to, offset: target });
}

function flip(view: View, x: Operand, output: Operand, dims: Shape): void {
  const from = sourceOf(view, x, output);
  const strides = [...from.strides];
  let offset = from.offset;
  for (const d of dims) {
    offset += (x.shape[d]! - 1) * strides[d]!;
    strides[d] = -strides[d]!;
  }
  move(x.shape, { data: from.data, strides, offset }, placeOf(view, output));
}

/** Writes one value to all elements. */
function fill(view: View, output: Operand, value: number | bigint | boolean): void {
  const { dtype } = output;
  const block = allocateWide(dtype, BLOCK);
  if (block instanceof BigInt64Array) {
    block.fill(typeof value === "number" ? BigInt(wholeNumber(dtype, value)) : BigInt(value));
  } else if (typeof value === "bigint" && dtype.kind === "int") {
    block.fill(Number(BigInt.asIntN(32, value)));
  } else {
    block.fill(dtype.kind === "int" ? wholeNumber(dtype, Number(value)) : Number(value));
  }
  const to = view(output);
  const walk = planWalk(output.shape, [output.strides], BLOCK);
  walk.run([output.offset], (count, [start]) => store(dtype, to, start!, walk.steps[0]!, block, count));
}

function iota(view: View, output: Operand, start: number, step: number): void {
  const { dtype } = output;
  const to = view(output);
  const value = allocateWide(dtype, 1);
  const outStep = output.strides[0]!;
  for (let i = 0; i < output.shape[0]!; i++) {
    const number = start + i * step;
    const whole = dtype.kind === "int" ? wholeNumber(dtype, number) : number;
    if (value instanceof BigInt64Array) value[0] = BigInt(whole);
    else value[0] = whole;
    store(dtype, to, output.offset + i * outStep, 0, value, 1);
  }
}

/** Kernels that move and make elements over the memory that `view` shows. */
export function dataKernels(view: View): Pick<KernelTable<HostDispatch>, DataName> {
  return {
    copy: ([x], output) => () => move(output.shape, placeOf(view, x), placeOf(view, output)),
    cast: ([x], output) => () => cast(view, x, output),
    where: ([cond, x, y], output) => () => where(view, cond, x, y, output),
    concat: (inputs, output, { dim }) => () => concat(view, inputs, output, dim),
    pad: ([x], output, { low, value }) => () => pad(view, x, output, low, value),
    flip: ([x], output, { dims }) => () => flip(view, x, output, dims),
    full: (_, output, { value }) => () => fill(view, output, value),
    iota: (_, output, { start, step }) => () => iota(view, output, start, step),
  };
}
