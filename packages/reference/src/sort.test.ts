import { bool, dtypes, float64, int32, int64, type Operand } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { operand, result, run, runInto, valuesOf } from "./test_support.ts";

describe.each(["contiguous", "strided"] as const)("%s", (layout) => {
  test.each(dtypes)("sort: along each dimension, stable, %s", (dtype) => {
    const x = operand([1, 0, 1, 0, 1, 1], dtype, [2, 3], layout);
    const of = (dim: number, descending: boolean) =>
      run("sort", [x], { dim, descending }, layout).map((out) => valuesOf(out).map(Number));
    expect(of(1, false)).toEqual([[0, 1, 1, 0, 1, 1], [1, 0, 2, 0, 1, 2]]);
    expect(of(1, true)).toEqual([[1, 1, 0, 1, 1, 0], [0, 2, 1, 1, 2, 0]]);
    expect(of(0, false)).toEqual([[0, 0, 1, 1, 1, 1], [1, 0, 0, 0, 1, 1]]);
  });

  test.each(dtypes.filter((dtype) => dtype !== bool))("topk: the first of the sorted, %s", (dtype) => {
    const x = operand([5, 1, 4, 2, 3, 7, 6, 9], dtype, [2, 4], layout);
    const of = (k: number, largest: boolean, dim = 1) =>
      run("topk", [x], { dim, k, largest }, layout).map((out) => valuesOf(out).map(Number));
    expect(of(2, true)).toEqual([[5, 4, 9, 7], [0, 2, 3, 1]]);
    expect(of(3, false)).toEqual([[1, 2, 4, 3, 6, 7], [1, 3, 2, 0, 2, 1]]);
    expect(of(1, true, 0)).toEqual([[5, 7, 6, 9], [0, 1, 1, 1]]);
  });

  test.each(dtypes.filter((dtype) => dtype !== bool))(
    "searchsorted: one line for each line of values, %s",
    (dtype) => {
      const sorted = operand([1, 3, 3, 7, 2, 4, 6, 8], dtype, [2, 4], layout);
      const values = operand([0, 3, 9, 2, 5, 8], dtype, [2, 3], layout);
      const of = (right: boolean) => valuesOf(run("searchsorted", [sorted, values], { right }, layout)[0]!);
      expect(of(false)).toEqual([0, 1, 4, 0, 2, 3]);
      expect(of(true)).toEqual([0, 3, 4, 1, 2, 4]);
    },
  );
});

test("sort: NaN is largest, equal values and zeros of both signs keep their order", () => {
  const x = operand([3, NaN, 1, Infinity, -0, 0, NaN, -Infinity, 3]);
  const [up, upPlaces] = run("sort", [x], { dim: 0, descending: false }) as [Operand, Operand];
  expect(valuesOf(up)).toEqual([-Infinity, -0, 0, 1, 3, 3, Infinity, NaN, NaN]);
  expect(valuesOf(upPlaces)).toEqual([7, 4, 5, 2, 0, 8, 3, 1, 6]);
  expect(valuesOf(run("sort", [x], { dim: 0, descending: true })[1]!)).toEqual([1, 6, 3, 0, 8, 2, 4, 5, 7]);
});

test("topk: NaN is largest", () => {
  const x = operand([1, NaN, 3, 2]);
  expect(run("topk", [x], { dim: 0, k: 2, largest: true }).map(valuesOf)).toEqual([[NaN, 3], [1, 2]]);
  expect(run("topk", [x], { dim: 0, k: 3, largest: false }).map(valuesOf)).toEqual([[1, 2, 3], [0, 3, 2]]);
});

test("searchsorted: one line for all values; infinities and NaN", () => {
  const sorted = operand([1, 2, 2, 4]);
  const values = operand([0, 1, 2, 3, 4, 5, NaN, Infinity, -Infinity], float64, [3, 3]);
  expect(result("searchsorted", [sorted, values], { right: false })).toEqual([0, 0, 1, 3, 3, 4, 4, 4, 0]);
  expect(result("searchsorted", [sorted, values], { right: true })).toEqual([0, 1, 3, 3, 4, 4, 4, 4, 0]);
  expect(result("searchsorted", [operand([]), operand([1, 2])], { right: false })).toEqual([0, 0]);
  expect(result("searchsorted", [sorted, operand([2], float64, [])], { right: true })).toEqual([3]);
});

test("int64: compares beyond 2^53", () => {
  const big = 2n ** 53n;
  expect(
    run("sort", [operand([big + 1n, big, big + 2n], int64)], { dim: 0, descending: false }).map(valuesOf),
  )
    .toEqual([[big, big + 1n, big + 2n], [1, 0, 2]]);
  expect(
    result("searchsorted", [operand([big, big + 1n], int64), operand([big + 1n], int64)], { right: false }),
  )
    .toEqual([1]);
});

test("sort: the values may be the input", () => {
  const x = operand([3, 1, 2]);
  const places = operand([0, 0, 0], int32);
  runInto("sort", [x], [x, places], { dim: 0, descending: false });
  expect([valuesOf(x), valuesOf(places)]).toEqual([[1, 2, 3], [1, 2, 0]]);
});
