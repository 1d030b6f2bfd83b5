/**
 * float16 and bfloat16 as bits: how they are made from numbers and read back.
 *
 * Numbers are rounded to float32 first and then to the half, to nearest with ties to even both times, as PyTorch does.
 *
 * @module
 */

import type { DType } from "./dtype.ts";
import { float16 } from "./dtype.ts";

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/**
 * The 16 bits of the float16 nearest to `value`: 1 sign, 5 exponent, 10 mantissa.
 *
 * From 65520 on it is infinity; NaN becomes the quiet NaN `0x7e00` with its sign.
 */
export function float16ToBits(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and more
  if (magnitude >= 0x38800000) { // 2^-14 and more: normal
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  // One unit of a subnormal float16 is one unit of the float32 numbers from 0.5 to 1: this sum rounds as needed.
  float[0] = Math.abs(float[0]) + 0.5;
  return sign | (word[0]! - 0x3f000000);
}

/** The number that the 16 bits of a float16 stand for. */
export function float16FromBits(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000;
  if (exponent === 0) return (sign === 0 ? mantissa : -mantissa) * 2 ** -24;
  word[0] = (sign << 16) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
  return float[0]!;
}

/** The 16 bits of the bfloat16 nearest to `value`: the upper half of a float32. NaN becomes `0x7fc0`. */
export function bfloat16ToBits(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The number that the 16 bits of a bfloat16 stand for. */
export function bfloat16FromBits(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}

/**
 * Rounds `values` to halves, bit for bit.
 *
 * @param dtype `float16` or `bfloat16`.
 * @param out Takes the bits; as long as `values` when not given.
 * @returns `out`.
 */
export function packHalf(
  dtype: DType,
  values: ArrayLike<number>,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  const toBits = dtype === float16 ? float16ToBits : bfloat16ToBits;
  for (let i = 0; i < values.length; i++) out[i] = toBits(values[i]!);
  return out;
}

/**
 * Reads halves as float32 numbers; every half is one, so nothing is lost.
 *
 * @param dtype `float16` or `bfloat16`.
 * @param out Takes the numbers; as long as `bits` when not given.
 * @returns `out`.
 */
export function unpackHalf(
  dtype: DType,
  bits: Uint16Array,
  out: Float32Array = new Float32Array(bits.length),
): Float32Array {
  const fromBits = dtype === float16 ? float16FromBits : bfloat16FromBits;
  for (let i = 0; i < bits.length; i++) out[i] = fromBits(bits[i]!);
  return out;
}
