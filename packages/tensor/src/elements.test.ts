import { describe, expect, test } from "vitest";
import {
  bfloat16,
  bool,
  dtypes,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
  ValueError,
} from "@flambeau/core";
import { convertValues, elementReader, type ElementValue } from "./elements.ts";

const converted = (values: ArrayLike<ElementValue>, dtype: (typeof dtypes)[number]): ElementValue[] => {
  const data = convertValues(values, dtype);
  const read = elementReader(data, dtype);
  return Array.from({ length: data.length }, (_, i) => read(i));
};

describe("convertValues: what torch.tensor gives", () => {
  test.each<[ElementValue[], (typeof dtypes)[number], ElementValue[]]>([
    [[1.9, -1.9, true, 7n], int32, [1, -1, 1, 7]],
    [[255, -1, -255, 0.9], uint8, [255, 255, 1, 0]],
    [[127, -128, -127.9], int8, [127, -128, -127]],
    [[1.5, -(2 ** 63), 2 ** 53, true, -9n], int64, [1n, -(2n ** 63n), 2n ** 53n, 1n, -9n]],
    [[2, 0, -0, NaN, 0.1, 0n, 5n, false], bool, [true, false, false, true, true, false, true, false]],
    [[1e40, 0.1, true, 3n, -0], float32, [Infinity, Math.fround(0.1), 1, 3, -0]],
    [[0.1, 2n ** 60n], float64, [0.1, 2 ** 60]],
    [[65504, 65519, 65520, 0.1, -1e10], float16, [65504, 65504, Infinity, 0.0999755859375, -Infinity]],
    [[1e40, 0.1, 1.00390625], bfloat16, [Infinity, 0.10009765625, 1]],
  ])("%o as %s", (values, dtype, expected) => expect(converted(values, dtype)).toEqual(expected));
});

describe("convertValues: refuses", () => {
  test.each<[ElementValue, (typeof dtypes)[number]]>([
    [300, uint8],
    [-256, uint8],
    [255.5, uint8],
    [-0.5, uint8],
    [128, int8],
    [-129, int8],
    [127.9, int8],
    [-128.9, int8],
    [-32769, int16],
    [3e9, int32],
    [2147483647.5, int32],
    [2n ** 31n, int32],
    [NaN, int32],
    [Infinity, int64],
    [2 ** 63, int64],
    [-(2n ** 63n) - 1n, int64],
  ])("%o as %s", (value, dtype) => {
    expect(() => convertValues([1, value], dtype)).toThrow(ValueError);
    expect(() => convertValues([1, value], dtype)).toThrow(
      `Cannot convert element 1 to ${dtype.name}: value cannot be converted to type ${dtype.name} without overflow`,
    );
  });
});

test("convertValues: copies storage of the same type and converts other storage", () => {
  for (const dtype of dtypes) {
    const source = convertValues([0, 1, 2, 3], dtype);
    expect(source.length).toBe(4);
    expect(source.byteLength).toBe(4 * dtype.itemsize);
  }
  const floats = new Float32Array([1, 2.5]);
  const copy = convertValues(floats, float32);
  expect(copy).toEqual(floats);
  expect(copy).not.toBe(floats);
  expect(converted(new Uint8Array([0, 5]), bool)).toEqual([false, true]);
  expect(converted(new Uint16Array([1, 65535]), float16)).toEqual([1, Infinity]);
  expect(converted(new BigUint64Array([3n]), int64)).toEqual([3n]);
  expect(() => convertValues(new BigUint64Array([2n ** 63n]), int64)).toThrow(ValueError);
});
