/**
 * Geometry of operands for kernels: addresses, dense ones, and the loops over strided ones.
 *
 * @module
 */

import type { DType, Operand, Shape } from "@flambeau/core";
import { Call, type Entry, Job, LoopCall, META, type WasmDispatch } from "./dispatch.ts";
import type { WasmBuffer } from "./heap.ts";
import type { Kernels } from "./module.ts";

/** Address of the first element. */
export function pointer(x: Operand): number {
  return (x.buffer as WasmBuffer).ptr + x.offset * x.dtype.itemsize;
}

/** True when the elements of `x` lie in row-major order without gaps and its sizes are `shape`. */
export function isDense(x: Operand, shape: Shape): boolean {
  const { shape: sizes, strides } = x;
  const rank = shape.length;
  if (sizes.length !== rank) return false;
  let step = 1;
  for (let i = rank - 1; i >= 0; i--) {
    const size = sizes[i]!;
    if (size !== shape[i]) return false;
    if (size !== 1 && strides[i] !== step) return false;
    step *= size;
  }
  return true;
}

/** Number of elements. */
export function count(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i]!;
  return n;
}

/** What a kernel's name ends in for a dtype, by code; undefined where no kernel computes in it. */
const suffixes: readonly (string | undefined)[] = [
  undefined,
  "u8",
  "i8",
  "i16",
  "i32",
  "i64",
  undefined,
  undefined,
  "f32",
  "f64",
];

/** What a kernel's name ends in for `dtype`, such as `f32`; undefined where no kernel computes in it. */
export function suffix(dtype: DType): string | undefined {
  return suffixes[dtype.code];
}

/** The kernels of a family by the code of their dtype: those of `prefix_f32`, `prefix_i64` … that exist. */
export function byDType(kernels: Kernels, prefix: string): (Entry | null)[] {
  return suffixes.map((name) => name === undefined ? null : kernels.find(`${prefix}_${name}`));
}

/** Sizes and, for each operand, steps: dimensions of size 1 are gone and neighbours that run on are one. */
export interface Loops {
  /** Sizes, outermost first; at least one. */
  readonly sizes: number[];
  /** Steps in elements, for each operand, for each dimension. */
  readonly steps: number[][];
}

/** The loops over `shape` for operands that broadcast to it, in the order of its dimensions. */
export function loopsInOrder(shape: Shape, operands: readonly Operand[]): Loops {
  const rank = shape.length;
  const sizes: number[] = [];
  const steps: number[][] = operands.map(() => []);
  for (let d = 0; d < rank; d++) {
    const size = shape[d]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    let joins = last >= 0;
    const here: number[] = [];
    for (let q = 0; q < operands.length; q++) {
      const x = operands[q]!;
      const at = d - rank + x.shape.length;
      const step = at < 0 || x.shape[at] === 1 ? 0 : x.strides[at]!;
      here.push(step);
      if (joins && steps[q]![last] !== step * size) joins = false;
    }
    if (joins) {
      sizes[last]! *= size;
      for (let q = 0; q < here.length; q++) steps[q]![last] = here[q]!;
    } else {
      sizes.push(size);
      for (let q = 0; q < here.length; q++) steps[q]!.push(here[q]!);
    }
  }
  if (sizes.length === 0) {
    sizes.push(1);
    for (const list of steps) list.push(1);
  }
  return { sizes, steps };
}

/**
 * The loops over `shape` for operands that broadcast to it.
 *
 * When the last loop is short and another is long, they change places: rows pay only when they are long.
 */
export function loopsOf(shape: Shape, operands: readonly Operand[]): Loops {
  const { sizes, steps } = loopsInOrder(shape, operands);
  const inner = sizes.length - 1;
  if (sizes[inner]! < 8 && inner > 0) {
    let longest = inner;
    for (let d = 0; d < inner; d++) if (sizes[d]! > 4 * sizes[longest]!) longest = d;
    if (longest !== inner) {
      for (const list of [sizes, ...steps]) [list[longest], list[inner]] = [list[inner]!, list[longest]!];
    }
  }
  return { sizes, steps };
}

/**
 * Rows of `row` over the loops of operands that broadcast to `shape`: one call where one row is all, else a call of the
 * loop kernel that runs rows through the table.
 *
 * @param operands Inputs, then the output.
 * @param cost Nanoseconds that an element of four bytes takes.
 */
export function rows(
  kernels: Kernels,
  row: Entry,
  shape: Shape,
  operands: readonly Operand[],
  cost = 0.15,
): WasmDispatch {
  const { sizes, steps } = loopsOf(shape, operands);
  const itemsizes = operands.map((x) => x.dtype.itemsize);
  return rowsOf(kernels, row, sizes, steps, operands.map(pointer), itemsizes, cost);
}

/** As {@linkcode rows}, with loops, addresses and element sizes given. The outermost loop is shared among threads. */
export function rowsOf(
  kernels: Kernels,
  row: Entry,
  sizes: readonly number[],
  steps: readonly (readonly number[])[],
  pointers: readonly number[],
  itemsizes: readonly number[],
  cost = 0.15,
): WasmDispatch {
  const inner = sizes.length - 1;
  const args = [...pointers, sizes[inner]!, ...steps.map((list) => list[inner]!)];
  const elements = count(sizes);
  const { pool } = kernels;
  const starts = pool === null || elements < SMALL
    ? NO_CUTS
    : kernels.cuts(sizes[0]!, inner === 0 ? 256 : 1, elements * cost * (itemsizes.at(-1)! / 4));
  if (inner === 0) {
    if (starts.length <= 2) return new Call(row, args);
    return kernels.cut(row, args, {
      units: elements,
      at: pointers.length,
      grain: 256,
      cost: elements * cost,
      moves: pointers.map((_, q) => [q, steps[q]![0]! * itemsizes[q]!] as const),
    });
  }
  const meta = [inner, ...sizes.slice(0, inner)];
  steps.forEach((list, q) => {
    for (let d = 0; d < inner; d++) meta.push(list[d]! * itemsizes[q]!);
  });
  const loop = kernels.entry(`nd_${pointers.length}`);
  const slot = kernels.slot(row);
  if (starts.length <= 2 || meta.length + inner > MOST_META) {
    return new LoopCall(loop, [META, slot, ...args], meta, kernels.heap);
  }
  const parts: Call[] = [];
  for (let i = 0; i + 1 < starts.length; i++) {
    const own = [...meta];
    own[1] = starts[i + 1]! - starts[i]!;
    const moved = args.map((value, q) =>
      q < pointers.length ? value + starts[i]! * steps[q]![0]! * itemsizes[q]! : value
    );
    parts.push(new LoopCall(loop, [META, slot, ...moved], own, kernels.heap));
  }
  return new Job(pool!, parts);
}

/** Elements below which no call is cut. */
const SMALL = 16384;
/** Integers that a slot of a part holds. */
export const MOST_META: number = 64;
const NO_CUTS: readonly number[] = [];
