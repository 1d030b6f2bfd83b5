import { bool, dtypes, float32, float64, int32, int64, int8, type Operand } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { operand, result, run, runInto, valuesOf } from "./test_support.ts";

describe.each(["contiguous", "strided"] as const)("%s", (layout) => {
  test.each(dtypes.filter((dtype) => dtype !== bool))(
    "cumsum, cumprod: along each dimension, %s",
    (dtype) => {
      const x = operand([1, 2, 3, 4, 5, 6], dtype, [2, 3], layout);
      const of = (name: "cumsum" | "cumprod", dim: number) =>
        valuesOf(run(name, [x], { dim }, layout)[0]!).map(Number);
      expect(of("cumsum", 0)).toEqual([1, 2, 3, 5, 7, 9]);
      expect(of("cumsum", 1)).toEqual([1, 3, 6, 4, 9, 15]);
      expect(of("cumprod", 1)).toEqual([1, 2, 6, 4, 20, 120]);
    },
  );

  test.each(dtypes)("cummax, cummin: values and places, the last among equals, %s", (dtype) => {
    const x = operand([0, 1, 1, 0, 1, 0], dtype, [2, 3], layout);
    const [high, highPlaces] = run("cummax", [x], { dim: 1 }, layout) as [Operand, Operand];
    expect(valuesOf(high).map(Number)).toEqual([0, 1, 1, 0, 1, 1]);
    expect(valuesOf(highPlaces)).toEqual([0, 1, 2, 0, 1, 1]);
    expect(high.dtype).toBe(dtype);
    expect(highPlaces.dtype).toBe(int32);
    const [low, lowPlaces] = run("cummin", [x], { dim: 0 }, layout) as [Operand, Operand];
    expect(valuesOf(low).map(Number)).toEqual([0, 1, 1, 0, 1, 0]);
    expect(valuesOf(lowPlaces)).toEqual([0, 0, 0, 1, 1, 1]);
  });
});

test("cummax, cummin: after a NaN only NaN, at the place of the last one", () => {
  const [values, places] = run("cummax", [operand([1, 3, 3, 2, NaN, 5, NaN, 0])], { dim: 0 }) as [
    Operand,
    Operand,
  ];
  expect(valuesOf(values)).toEqual([1, 3, 3, 3, NaN, NaN, NaN, NaN]);
  expect(valuesOf(places)).toEqual([0, 1, 2, 2, 4, 4, 6, 6]);
  const [low, lowPlaces] = run("cummin", [operand([3, 1, 2, 1, 0])], { dim: 0 }) as [Operand, Operand];
  expect(valuesOf(low)).toEqual([3, 1, 1, 1, 0]);
  expect(valuesOf(lowPlaces)).toEqual([0, 1, 1, 3, 4]);
});

test("logcumsumexp: neither overflows nor loses infinities", () => {
  const x = operand([-Infinity, -Infinity, 0, 1, -1, 800, Infinity, -Infinity]);
  const got = result("logcumsumexp", [x], { dim: 0 }) as number[];
  const want = [
    -Infinity,
    -Infinity,
    0,
    Math.log(1 + Math.E),
    Math.log(1 + Math.E + 1 / Math.E),
    800,
    Infinity,
  ];
  want.forEach((value, i) => {
    if (Number.isFinite(value)) expect(got[i]).toBeCloseTo(value, 14);
    else expect(got[i]).toBe(value);
  });
  expect(got[7]).toBe(Infinity);
  expect(result("logcumsumexp", [operand([1, NaN, 2])], { dim: 0 })).toEqual([1, NaN, NaN]);
});

test("cumsum: float32 accumulates in float64, integers wrap", () => {
  expect(result("cumsum", [operand([2 ** 24, 1, 1], float32)], { dim: 0 })).toEqual([
    2 ** 24,
    2 ** 24,
    2 ** 24 + 2,
  ]);
  expect(result("cumsum", [operand([100, 100, 100], int8)], { dim: 0 })).toEqual([100, -56, 44]);
  expect(result("cumsum", [operand([2147483647, 2147483647, 2], int32)], { dim: 0 })).toEqual([
    2147483647,
    -2,
    0,
  ]);
  expect(result("cumprod", [operand([2n ** 62n, 2n, 2n], int64)], { dim: 0 })).toEqual([
    2n ** 62n,
    -(2n ** 63n),
    0n,
  ]);
});

test("cumsum: the output may be the input", () => {
  const x = operand([1, 2, 3, 4], float64, [2, 2], "strided");
  runInto("cumsum", [x], [x], { dim: 0 });
  expect(valuesOf(x)).toEqual([1, 2, 4, 6]);
});
