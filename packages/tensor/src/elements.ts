/**
 * Between JavaScript values and the typed arrays that store them: checked conversion in, reading out.
 *
 * The rules are those of `torch.tensor(data, dtype=…)`: fractions are cut toward zero, what does not fit an integer
 * type is an error, floats round to the nearest value of their type and overflow to infinity.
 *
 * @module
 */

import {
  allocateData,
  bfloat16,
  bfloat16FromBits,
  bfloat16ToBits,
  bool,
  type DataArray,
  type DType,
  float16,
  float16FromBits,
  float16ToBits,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
  ValueError,
} from "@flambeau/core";

/** One element in JavaScript. */
export type ElementValue = number | bigint | boolean;

/** Least and largest value of each integer type. */
const intRanges: ReadonlyMap<DType, readonly [least: bigint, largest: bigint]> = new Map([
  [uint8, [0n, 255n]],
  [int8, [-128n, 127n]],
  [int16, [-32768n, 32767n]],
  [int32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [int64, [-(2n ** 63n), 2n ** 63n - 1n]],
]);

/**
 * Stores `values` as `dtype` in a new typed array. Whole negative numbers down to −255 wrap in `uint8`, as in PyTorch.
 *
 * @throws {ValueError} If a value does not fit an integer type: out of range, NaN or infinite.
 */
export function convertValues(values: ArrayLike<ElementValue>, dtype: DType): DataArray {
  const out = allocateData(dtype, values.length);
  if (
    ArrayBuffer.isView(values) && values.constructor === out.constructor &&
    (dtype.kind === "int" || dtype.itemsize >= 4)
  ) {
    out.set(values as never);
  } else if (dtype === bool) {
    const bytes = out as Uint8Array;
    for (let i = 0; i < bytes.length; i++) bytes[i] = values[i] || Number.isNaN(values[i]) ? 1 : 0; // NaN is not 0
  } else if (dtype === int64) {
    const longs = out as BigInt64Array;
    for (let i = 0; i < longs.length; i++) longs[i] = toInteger(values, i, dtype);
  } else if (dtype.kind === "int") {
    const ints = out as Int32Array;
    for (let i = 0; i < ints.length; i++) {
      const value = values[i]!;
      if (typeof value === "number" && (ints[i] = value) === ints[i]) continue; // most values fit as they are
      ints[i] = Number(toInteger(values, i, dtype));
    }
  } else if (dtype === float32 || dtype === float64) {
    const floats = out as Float32Array;
    if (values instanceof Float64Array || values instanceof Float32Array) floats.set(values);
    else for (let i = 0; i < floats.length; i++) floats[i] = Number(values[i]);
  } else {
    const halves = out as Uint16Array;
    const encode = dtype === float16 ? float16ToBits : bfloat16ToBits;
    for (let i = 0; i < halves.length; i++) halves[i] = encode(Number(values[i]));
  }
  return out;
}

/** Reads elements of storage in the form that users see: booleans of `bool`, bigints of `int64`, else numbers. */
export function elementReader(data: DataArray, dtype: DType): (index: number) => ElementValue {
  if (dtype === bool) return (index) => data[index] !== 0;
  if (dtype === float16) return (index) => float16FromBits(data[index] as number);
  if (dtype === bfloat16) return (index) => bfloat16FromBits(data[index] as number);
  return (index) => data[index]!;
}

/** The value at `index` as an integer that fits `dtype`, before it wraps. */
function toInteger(values: ArrayLike<ElementValue>, index: number, dtype: DType): bigint {
  const value = values[index]!;
  const [least, largest] = intRanges.get(dtype)!;
  if (typeof value !== "number") {
    const whole = BigInt(value);
    if (whole >= (least === 0n ? -largest : least) && whole <= largest) return whole;
  } else if (Number.isInteger(value)) {
    if (value >= (least === 0n ? -largest : least) && value <= largest) return BigInt(value);
  } else if (value >= least && value <= largest) { // as PyTorch, before the fraction is cut: 127.5 is no int8
    return BigInt(Math.trunc(value));
  }
  throw new ValueError(
    `Cannot convert element ${index} to ${dtype.name}: value cannot be converted to type ${dtype.name} without overflow ` +
      `(${least} … ${largest}), got ${value}`,
  );
}
