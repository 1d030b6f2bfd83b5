/**
 * The next value of a floating-point format, by stepping its bits.
 *
 * In IEEE 754 formats the bits of a positive value, read as an integer, count the values up from 0: the next larger
 * value has the next larger integer. Negative values count down from −0.
 *
 * @module
 */

import { type DType, float32 } from "@flambeau/core";

const scratch = new DataView(new ArrayBuffer(8));

/** The value of float64 whose bits come `steps` after those of `magnitude`. */
function step64(magnitude: number, steps: bigint): number {
  scratch.setFloat64(0, magnitude);
  scratch.setBigUint64(0, scratch.getBigUint64(0) + steps);
  return scratch.getFloat64(0);
}

/** The value of float32 whose bits come `steps` after those of `magnitude`. */
function step32(magnitude: number, steps: bigint): number {
  scratch.setFloat32(0, magnitude);
  scratch.setUint32(0, scratch.getUint32(0) + Number(steps));
  return scratch.getFloat32(0);
}

/** The function `(x, y)` → next value of `dtype` (float32 or float64) after `x` toward `y`; C's `nextafter`. */
export function nextAfter(dtype: DType): (x: number, y: number) => number {
  const step = dtype === float32 ? step32 : step64;
  return (x, y) => {
    if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
    if (x === y) return y;
    if (x === 0) return y > 0 ? step(0, 1n) : -step(0, 1n);
    const grows = (y > x) === (x > 0);
    const next = step(Math.abs(x), grows ? 1n : -1n);
    return x > 0 ? next : -next;
  };
}
