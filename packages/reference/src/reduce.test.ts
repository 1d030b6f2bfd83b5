import {
  bool,
  type DType,
  dtypes,
  float16,
  float32,
  float64,
  inputDTypes,
  int32,
  int64,
  int8,
  uint8,
} from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { operand, result, run, valuesOf } from "./test_support.ts";

const over = (...dims: number[]) => ({ dims, keepdim: false });
const reductions = ["sum", "prod", "amax", "amin", "any", "all"] as const;

describe.each(["contiguous", "strided"] as const)("%s", (layout) => {
  // [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]]
  const x = (dtype: DType) => operand([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], dtype, [3, 2, 2], layout);

  test.each(dtypes.filter((dtype) => dtype !== bool))("sum, amax, amin: any dimensions, %s", (dtype) => {
    const of = (name: "sum" | "amax" | "amin", ...dims: number[]) =>
      valuesOf(run(name, [x(dtype)], over(...dims), layout)[0]!).map(Number);
    expect(of("sum", 0)).toEqual([15, 18, 21, 24]);
    expect(of("sum", 1)).toEqual([4, 6, 12, 14, 20, 22]);
    expect(of("sum", 2)).toEqual([3, 7, 11, 15, 19, 23]);
    expect(of("sum", 0, 2)).toEqual([33, 45]);
    expect(of("sum", 0, 1, 2)).toEqual([78]);
    expect(of("amax", 0, 1)).toEqual([11, 12]);
    expect(of("amin", 1, 2)).toEqual([1, 5, 9]);
  });

  test("keepdim: sizes 1 stay", () => {
    const [out] = run("prod", [x(float64)], { dims: [0, 2], keepdim: true }, layout);
    expect(out!.shape).toEqual([1, 2, 1]);
    expect(valuesOf(out!)).toEqual([1 * 2 * 5 * 6 * 9 * 10, 3 * 4 * 7 * 8 * 11 * 12]);
  });

  test("argmax, argmin: along each dimension, the first among equals", () => {
    const y = operand([1, 3, 3, 0, 2, 0], int32, [2, 3], layout);
    const of = (name: "argmax" | "argmin", dim: number, keepdim = false) =>
      run(name, [y], { dim, keepdim }, layout)[0]!;
    expect(valuesOf(of("argmax", 1))).toEqual([1, 1]);
    expect(valuesOf(of("argmax", 0))).toEqual([0, 0, 0]);
    expect(valuesOf(of("argmin", 1))).toEqual([0, 0]);
    expect(of("argmin", 0, true).shape).toEqual([1, 3]);
    expect(valuesOf(of("argmin", 0, true))).toEqual([1, 1, 1]);
    expect(of("argmin", 0).dtype).toBe(int32);
  });
});

test.each(dtypes)("any, all: %s", (dtype) => {
  const x = operand([0, 0, 0, 1, 1, 1], dtype, [3, 2]);
  expect(result("any", [x], over(1))).toEqual([0, 1, 1]);
  expect(result("all", [x], over(1))).toEqual([0, 0, 1]);
  expect(run("any", [x], over(0))[0]!.dtype).toBe(bool);
});

test("NaN: is the largest and the smallest, the first of it wins, and it counts as true", () => {
  const x = operand([1, NaN, 3, NaN]);
  expect(result("amax", [x], over(0))).toEqual([NaN]);
  expect(result("amin", [x], over(0))).toEqual([NaN]);
  expect(result("argmax", [x], { dim: 0, keepdim: false })).toEqual([1]);
  expect(result("argmin", [x], { dim: 0, keepdim: false })).toEqual([1]);
  expect(result("any", [operand([0, NaN])], over(0))).toEqual([1]);
  expect(result("all", [operand([0, NaN])], over(0))).toEqual([0]);
});

test("of nothing: sum is 0, prod 1, any false, all true", () => {
  for (const dtype of [float32, float16, int32, int64, uint8]) {
    const x = operand([], dtype, [0, 2]);
    expect(result("sum", [x], over(0)).map(Number)).toEqual([0, 0]);
    expect(result("prod", [x], over(0)).map(Number)).toEqual([1, 1]);
    expect(result("any", [x], over(0))).toEqual([0, 0]);
    expect(result("all", [x], over(0))).toEqual([1, 1]);
    expect(result("sum", [x], over(0, 1)).map(Number)).toEqual([0]);
  }
});

test("a scalar reduces to itself", () => {
  for (const name of reductions) {
    if (!inputDTypes[name].dtypes.includes(float64)) continue;
    expect(result(name, [operand([1], float64, [])], over())).toEqual([1]);
  }
});

test("float32: accumulates in float64 and rounds once", () => {
  const x = operand([2 ** 24, 1, 1, -(2 ** 24)], float32);
  expect(result("sum", [x], over(0))).toEqual([2]);
  expect(result("prod", [operand([1e30, 1e30, 1e-30], float32)], over(0))[0]).toBeCloseTo(1e30, -24);
});

test("integers wrap to their width", () => {
  expect(result("sum", [operand([2147483647, 1], int32)], over(0))).toEqual([-2147483648]);
  expect(result("prod", [operand([65536, 65536, 3], int32)], over(0))).toEqual([0]);
  expect(result("prod", [operand([123456789, 987654321], int32)], over(0))).toEqual([
    Math.imul(123456789, 987654321),
  ]);
  expect(result("sum", [operand([127, 1], int8)], over(0))).toEqual([-128]);
  const big = 9007199254740993n;
  expect(result("sum", [operand([big, 1n], int64)], over(0))).toEqual([big + 1n]);
  expect(result("prod", [operand([2n ** 62n, 6n], int64)], over(0))).toEqual([-(2n ** 63n)]);
  expect(result("amax", [operand([-big, -big - 1n], int64)], over(0))).toEqual([-big]);
  expect(result("argmin", [operand([-big, -big - 1n], int64)], { dim: 0, keepdim: false })).toEqual([1]);
});

test("many elements: more than one block", () => {
  const x = operand(Array.from({ length: 5000 }, (_, i) => i), float64, [2500, 2]);
  expect(result("sum", [x], over(0, 1))).toEqual([12497500]);
  expect(result("sum", [x], over(0))).toEqual([6247500 - 0, 6250000]);
  expect(result("amax", [x], over(0))).toEqual([4998, 4999]);
});
