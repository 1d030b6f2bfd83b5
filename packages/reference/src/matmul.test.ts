import { bool, dtypes, float32, float64, int32, int64, int8, type Operand } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { operand, result, run, valuesOf } from "./test_support.ts";

describe.each(["contiguous", "strided"] as const)("%s", (layout) => {
  test.each(dtypes.filter((dtype) => dtype !== bool))("%s", (dtype) => {
    const x = operand([1, 2, 3, 4, 5, 6], dtype, [2, 3], layout);
    const y = operand([1, 0, 2, 1, 0, 3], dtype, [3, 2], layout);
    const [out] = run("matmul", [x, y], null, layout) as [Operand];
    expect(out.dtype).toBe(dtype);
    expect(valuesOf(out).map(Number)).toEqual([5, 11, 14, 23]);
  });

  test("batches broadcast on both sides", () => {
    const x = operand([1, 2, 3, 4, 5, 6, 7, 8], float64, [2, 1, 2, 2], layout);
    const y = operand([1, 1, 1, 0, 0, 2], float64, [3, 2, 1], layout);
    const [out] = run("matmul", [x, y], null, layout) as [Operand];
    expect(out.shape).toEqual([2, 3, 2, 1]);
    expect(valuesOf(out)).toEqual([3, 7, 1, 3, 4, 8, 11, 15, 5, 7, 12, 16]);
  });
});

test("a sum of nothing is 0", () => {
  expect(result("matmul", [operand([], float32, [2, 0]), operand([], float32, [0, 2])], null)).toEqual([
    0,
    0,
    0,
    0,
  ]);
});

test("float32 accumulates in float64, NaN and infinity spread", () => {
  const x = operand([2 ** 24, 1, -(2 ** 24)], float32, [1, 3]);
  expect(result("matmul", [x, operand([1, 1, 1], float32, [3, 1])], null)).toEqual([1]);
  const zero = operand([0, 1], float64, [1, 2]);
  expect(result("matmul", [zero, operand([NaN, 1], float64, [2, 1])], null)).toEqual([NaN]);
  expect(result("matmul", [zero, operand([Infinity, 1], float64, [2, 1])], null)).toEqual([NaN]);
});

test("integers wrap to their width", () => {
  const of = (dtype: typeof int32, x: number | bigint, y: number | bigint) =>
    result("matmul", [operand([x, 1], dtype, [1, 2]), operand([y, 1], dtype, [2, 1])], null)[0];
  expect(of(int8, 100, 2)).toBe(-55);
  expect(of(int32, 123456789, 987654321)).toBe(Math.imul(123456789, 987654321) + 1);
  expect(of(int64, 2n ** 53n + 1n, 3n)).toBe(3n * 2n ** 53n + 4n);
  expect(of(int64, 2n ** 62n, 2n)).toBe(-(2n ** 63n) + 1n);
});
