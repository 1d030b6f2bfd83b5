/**
 * Moves elements without looking at what they mean: by size, so that few kinds of typed arrays meet in one loop.
 *
 * @module
 */

import {
  contiguousStrides,
  type DType,
  float16,
  float64,
  int32,
  int64,
  numelOf,
  type Operand,
  type Shape,
  uint8,
} from "@flambeau/core";
import { planWalk, type View } from "./iterate.ts";

/**
 * Elements as they lie in memory. They may be bigints (int64) or 16-bit patterns: code that only moves them from place
 * to place is written as if they were numbers.
 */
export type Raw = Float64Array;

/** Where elements lie in memory. */
export interface Place {
  readonly data: Raw;
  readonly strides: Shape;
  readonly offset: number;
}

/** The dtype whose typed array stands for all dtypes of this size. */
function rawDType(dtype: DType): DType {
  switch (dtype.itemsize) {
    case 1:
      return uint8;
    case 2:
      return float16;
    case 4:
      return int32;
    default:
      return dtype === int64 ? int64 : float64;
  }
}

/** The elements of `operand` as they lie in memory. */
export function placeOf(view: View, operand: Operand): Place {
  const data = view({ buffer: operand.buffer, dtype: rawDType(operand.dtype) }) as Raw;
  return { data, strides: operand.strides, offset: operand.offset };
}

/** As {@linkcode placeOf}, but a copy when `x` is where the output is: for kernels that read after they write. */
export function sourceOf(view: View, x: Operand, output: Operand): Place {
  const place = placeOf(view, x);
  const { data: target, offset } = placeOf(view, output);
  const byte = (data: Raw, element: number) => data.byteOffset + element * data.BYTES_PER_ELEMENT;
  const together = place.data.buffer === target.buffer &&
    byte(place.data, place.offset) === byte(target, offset);
  if (!together) return place;
  const strides = contiguousStrides(x.shape);
  const data = new (place.data.constructor as typeof Float64Array)(numelOf(x.shape));
  const copy = { data, strides, offset: 0 };
  move(x.shape, place, copy);
  return copy;
}

/** Copies the elements of a shape from one place to another. */
export function move(shape: Shape, from: Place, to: Place): void {
  const walk = planWalk(shape, [from.strides, to.strides]);
  const [fromStep, toStep] = walk.steps as [number, number];
  walk.run([from.offset, to.offset], (count, [source, target]) => {
    moveRun(from.data, source!, fromStep, to.data, target!, toStep, count);
  });
}

/** Copies `count` elements. */
export function moveRun(
  from: Raw,
  source: number,
  fromStep: number,
  to: Raw,
  target: number,
  toStep: number,
  count: number,
): void {
  if (fromStep === 1 && toStep === 1 && count > 32) {
    to.set(from.subarray(source, source + count), target);
    return;
  }
  for (let k = 0, i = source, o = target; k < count; k++, i += fromStep, o += toStep) to[o] = from[i]!;
}
