/**
 * Parts of operands, for work that is done in pieces.
 *
 * @module
 */

import { contiguousStrides, float32, int32, type Operand, type Shape } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../../dispatch.ts";
import type { GpuLimits } from "../../draft.ts";
import { computed } from "../../element.ts";
import { count } from "../../geometry.ts";
import { Scratch } from "../../memory.ts";
import { sumOfParts } from "../reduce.ts";

/** Bytes that an operand may reach over when its window begins at a multiple of 256 bytes. */
export function room({ maxBindingBytes }: GpuLimits): number {
  return maxBindingBytes - 256;
}

/** The same memory with another geometry. */
export function seen({ buffer, dtype, offset }: Operand, shape: Shape, strides: Shape, skip = 0): Operand {
  return { buffer, dtype, shape, strides, offset: offset + skip };
}

/** `size` places of a dimension from `start` on. */
export function narrow(x: Operand, dim: number, start: number, size: number): Operand {
  return seen(x, x.shape.with(dim, size), x.strides, start * x.strides[dim]!);
}

/** Bytes from the first place of an operand to behind the last. */
export function span({ shape, strides, dtype }: Operand): number {
  return shape.reduce((sum, size, d) => sum + (size - 1) * Math.abs(strides[d]!), 1) * dtype.itemsize;
}

/** Start and size of the halves of a dimension; large ones keep their fours whole. */
export function halves(size: number): readonly [start: number, size: number][] {
  const half = size > 128 ? Math.ceil(size / 128) * 64 : Math.ceil(size / 2);
  return [[0, half], [half, size - half]];
}

/** Two halves of a sum, each of which `make` computes, in memory of their own; then their sum. */
export function sumOfHalves(
  limits: GpuLimits,
  o: Operand,
  make: (half: 0 | 1, into: Operand) => GpuDispatch | null,
): GpuDispatch | null {
  const shape = [2, ...o.shape];
  const scratch = new Scratch(count(shape) * 4);
  const dtype = computed(o.dtype) === "f32" ? float32 : int32;
  const partial: Operand = { buffer: scratch, dtype, shape, strides: contiguousStrides(shape), offset: 0 };
  const into = (half: 0 | 1): Operand =>
    seen(partial, o.shape, partial.strides.slice(1), half * partial.strides[0]!);
  return sequence([make(0, into(0)), make(1, into(1)), sumOfParts(limits, partial, o)], [scratch]);
}

/** All steps, or nothing where one of them cannot be had. */
export function sequence(
  steps: readonly (GpuDispatch | null)[],
  scratch: Scratch[] = [],
): GpuDispatch | null {
  return steps.some((step) => step === null) ? null : new Sequence(steps as GpuDispatch[], scratch);
}
