import {
  bfloat16,
  bool,
  type DType,
  dtypes,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  type Operand,
  type Shape,
  uint8,
} from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { type Layout, operand, result, run, runInto, type Value, valuesOf } from "./test_support.ts";

const pad = (low: Shape, high: Shape, value = 0) => ({ low, high, value });

describe.each(["contiguous", "strided"] as const)("%s", (layout) => {
  describe.each(dtypes)("%s", (dtype) => {
    const bits = [1, 0, 0, 1, 1, 0];
    const x = operand(bits, dtype, [2, 3], layout);
    const numbers = (outputs: readonly Operand[]) => valuesOf(outputs[0]!).map(Number);

    test("copy, flip", () => {
      expect(numbers(run("copy", [x], null, layout))).toEqual(bits);
      expect(numbers(run("flip", [x], { dims: [1] }, layout))).toEqual([0, 0, 1, 0, 1, 1]);
      expect(numbers(run("flip", [x], { dims: [0, 1] }, layout))).toEqual([...bits].reverse());
    });

    test("where: broadcasts", () => {
      const cond = operand([1, 0, 1], bool, [3], layout);
      const y = operand([1, 0], dtype, [2, 1], layout);
      expect(numbers(run("where", [cond, x, y], null, layout))).toEqual([1, 1, 0, 1, 0, 0]);
    });

    test("concat: also of empty tensors", () => {
      const y = operand([1, 1], dtype, [2, 1], layout);
      const empty = operand([], dtype, [2, 0], layout);
      expect(numbers(run("concat", [x, empty, y], { dim: 1 }, layout))).toEqual([1, 0, 0, 1, 1, 1, 0, 1]);
    });

    test("pad: adds and cuts", () => {
      expect(numbers(run("pad", [x], pad([1, 0], [0, 1], 1), layout)))
        .toEqual([1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1]);
      expect(numbers(run("pad", [x], pad([0, -1], [0, -1]), layout))).toEqual([0, 1]);
      expect(numbers(run("pad", [x], pad([-1, 2], [1, -3], 1), layout))).toEqual([1, 1, 1, 1]);
    });

    test("full, iota", () => {
      expect(numbers(run("full", [], { shape: [2, 2], value: 1, dtype }, layout))).toEqual([1, 1, 1, 1]);
      if (dtype === bool) return;
      expect(numbers(run("iota", [], { start: 1, step: 2, size: 3, dtype }, layout))).toEqual([1, 3, 5]);
    });

    test.each(dtypes)("cast to %s", (to) => {
      const [out] = run("cast", [x], { dtype: to }, layout) as [Operand];
      expect(out.dtype).toBe(to);
      expect(numbers([out])).toEqual(bits);
    });
  });

  test("copy, cast: long runs and broadcast inputs", () => {
    const row = operand(Array.from({ length: 3000 }, (_, i) => i), float64, [3000], layout);
    const repeated = { ...row, shape: [2, 3000], strides: [0, row.strides[0]!] };
    for (
      const outputs of [
        run("copy", [repeated], null, layout),
        run("cast", [repeated], { dtype: int32 }, layout),
      ]
    ) {
      const got = valuesOf(outputs[0]!);
      expect(got.length).toBe(6000);
      expect(got.every((value, i) => value === i % 3000)).toBe(true);
    }
  });
});

const cast = (values: readonly Value[], from: DType, to: DType) =>
  result("cast", [operand(values, from)], { dtype: to });

test("cast: floats to integers toward zero; what does not fit is what PyTorch gives", () => {
  const x = [300.7, -1.5, 3000000001, -3000000001, 5000000003, NaN, Infinity, 1e20];
  const least = -2147483648;
  const least64 = -(2n ** 63n);
  expect(cast(x, float64, uint8)).toEqual([44, 255, 1, 255, 3, 0, 0, 0]);
  expect(cast(x, float64, int8)).toEqual([44, -1, 0, 0, 0, 0, 0, 0]);
  expect(cast(x, float64, int16)).toEqual([300, -1, 0, 0, 0, 0, 0, 0]);
  expect(cast(x, float64, int32)).toEqual([300, -1, least, least, least, least, least, least]);
  expect(cast(x, float64, int64))
    .toEqual([300n, -1n, 3000000001n, -3000000001n, 5000000003n, least64, least64, least64]);
  expect(cast([0.3, -0, NaN, 0], float32, bool)).toEqual([1, 0, 1, 0]);
});

test("cast: integers keep their low bits, int64 is exact", () => {
  const big = 2n ** 40n + 5n;
  expect(cast([big, -1n, -(2n ** 63n)], int64, int8)).toEqual([5, -1, 0]);
  expect(cast([big, 2n ** 32n, 2n ** 31n], int64, int32)).toEqual([5, 0, -2147483648]);
  expect(cast([2n ** 32n, 0n], int64, bool)).toEqual([1, 0]);
  expect(cast([-1, 300], int32, uint8)).toEqual([255, 44]);
  expect(cast([-5], int8, int64)).toEqual([-5n]);
  expect(result("copy", [operand([2n ** 53n + 1n], int64)], null)).toEqual([2n ** 53n + 1n]);
});

test("cast: floats round once, to nearest even", () => {
  expect(cast([1 / 3], float64, float32)).toEqual([Math.fround(1 / 3)]);
  expect(cast([2049, 65520, 2 ** -25, 3 * 2 ** -25], float64, float16)).toEqual([
    2048,
    Infinity,
    0,
    2 ** -23,
  ]);
  expect(cast([257, 259, 3.4e38], float64, bfloat16)).toEqual([256, 260, Infinity]);
  expect(cast([16777217], int32, float32)).toEqual([16777216]);
});

test("full: of any dtype, from numbers, bigints and booleans", () => {
  const of = (dtype: DType, value: Value) => result("full", [], { shape: [1], value, dtype })[0];
  expect(of(int64, 2n ** 60n + 1n)).toBe(2n ** 60n + 1n);
  expect(of(int64, true)).toBe(1n);
  expect(of(int64, -2.5)).toBe(-2n);
  expect(of(int32, 2.9)).toBe(2);
  expect(of(uint8, -1)).toBe(255);
  expect(of(int32, 7n)).toBe(7);
  expect(of(bool, 0.5)).toBe(1);
  expect(of(float32, NaN)).toBe(NaN);
  expect(of(float32, 1n)).toBe(1);
  expect(of(float64, false)).toBe(0);
});

test("full: a scalar, and more than a block", () => {
  expect(result("full", [], { shape: [], value: 3, dtype: int32 })).toEqual([3]);
  const many = result("full", [], { shape: [3, 1000], value: 2, dtype: float32 });
  expect(many.length === 3000 && many.every((value) => value === 2)).toBe(true);
});

test("iota: in float64, rounded once", () => {
  expect(result("iota", [], { start: 0, step: 0.1, size: 4, dtype: float32 }))
    .toEqual([0, 0.1, 0.2, 3 * 0.1].map(Math.fround));
  expect(result("iota", [], { start: 5, step: -2, size: 3, dtype: int64 })).toEqual([5n, 3n, 1n]);
  expect(result("iota", [], { start: 0.5, step: 0.5, size: 4, dtype: int32 })).toEqual([0, 1, 1, 2]);
});

test.each(["contiguous", "strided"] as Layout[])("the output may be the input, %s", (layout) => {
  const x = operand([1, 2, 3, 4, 5], int16, [5], layout);
  runInto("flip", [x], [x], { dims: [0] });
  expect(valuesOf(x)).toEqual([5, 4, 3, 2, 1]);
  runInto("pad", [x], [x], pad([1], [-1], 9));
  expect(valuesOf(x)).toEqual([9, 5, 4, 3, 2]);
  runInto("where", [operand([1, 0, 1, 0, 1], bool), operand([0], int16), x], [x], null);
  expect(valuesOf(x)).toEqual([0, 5, 0, 3, 0]);
});
