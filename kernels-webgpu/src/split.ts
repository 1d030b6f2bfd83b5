/**
 * Steps on operands beyond the binding limit: the same step on parts of them, one after another.
 *
 * @module
 */

import type { Operand, Shape } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "./dispatch.ts";
import type { GpuLimits } from "./draft.ts";

/** Windows start at multiples of 256 bytes and end at whole words: so much of the limit may be lost. */
const SLACK = 512;

/** Bytes from the first to the last place that an operand reaches. */
export function reachOf({ shape, strides, dtype }: Pick<Operand, "shape" | "strides" | "dtype">): number {
  let elements = 1;
  for (let d = 0; d < shape.length; d++) elements += (shape[d]! - 1) * Math.abs(strides[d]!);
  return elements * dtype.itemsize;
}

/** True when an operand reaches more than a binding may have; operands that share a buffer share the binding. */
export function isTooLarge(limits: GpuLimits, x: Operand, all: readonly Operand[]): boolean {
  const others = all.filter(({ buffer }) => buffer === x.buffer).length;
  return reachOf(x) > limits.maxBindingBytes / Math.max(1, others) - SLACK;
}

/** All dimensions but one: those along which lines can be cut from one another. */
export function allBut({ shape }: { readonly shape: Shape }, dim: number): number[] {
  return shape.map((_, d) => d).filter((d) => d !== dim);
}

/** Elements `start` to `stop` of dimension `dim`. */
export function sliceOf(x: Operand, dim: number, start: number, stop: number): Operand {
  const shape = x.shape.map((size, d) => d === dim ? stop - start : size);
  const { buffer, dtype, strides, offset } = x;
  return { buffer, dtype, shape, strides, offset: offset + start * strides[dim]! };
}

/** The dimension along which an operand reaches farthest, of those that may be cut; −1 when none has two elements. */
export function widestOf(x: Operand, dims: Shape): number {
  let [best, most] = [-1, 0];
  for (const d of dims) {
    const far = (x.shape[d]! - 1) * Math.abs(x.strides[d]!);
    if (far > most) [best, most] = [d, far];
  }
  return best;
}

/** Where to cut a dimension in two: at a multiple of four, so that packed elements seldom share a word across the cut. */
export function middleOf(size: number): number {
  const half = Math.ceil(size / 2);
  return size > 8 ? Math.ceil(half / 4) * 4 : half;
}

/** Runs all steps in order, or none if one of them cannot be had. */
export function inOrder(steps: readonly (GpuDispatch | null)[]): GpuDispatch | null {
  if (steps.some((step) => step === null)) return null;
  return steps.length === 1 ? steps[0]! : new Sequence(steps as readonly GpuDispatch[]);
}

/** Parts of operands that fit in bindings, in the order of the elements of the dimensions that are cut. */
function partsOf(limits: GpuLimits, operands: readonly Operand[], dims: Shape): (readonly Operand[])[] {
  const large = operands.find((x) => isTooLarge(limits, x, operands) && widestOf(x, dims) >= 0);
  if (large === undefined) return [operands];
  const dim = widestOf(large, dims);
  const size = large.shape[dim]!;
  const cut = middleOf(size);
  return ([[0, cut], [cut, size]] as const).flatMap(([start, stop]) => {
    const parts = operands.map((x) => x.shape[dim] === size ? sliceOf(x, dim, start, stop) : x);
    return partsOf(limits, parts, dims);
  });
}

/**
 * The step on `operands`, in as many parts as the binding limit asks for.
 *
 * @param dims Dimensions that may be cut. Operands have them in common; where an operand has size 1, it is the same in all
 * parts.
 * @param make The step on parts of the operands.
 */
export function inParts(
  limits: GpuLimits,
  operands: readonly Operand[],
  dims: Shape,
  make: (operands: readonly Operand[]) => GpuDispatch | null,
): GpuDispatch | null {
  return inOrder(partsOf(limits, operands, dims).map(make));
}
