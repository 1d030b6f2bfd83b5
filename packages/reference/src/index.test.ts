import {
  dtypes,
  float32,
  float64,
  IndexError,
  int32,
  int64,
  int8,
  type Operand,
  type ScatterReduce,
} from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { operand, result, run, runInto, valuesOf } from "./test_support.ts";

describe.each(["contiguous", "strided"] as const)("%s", (layout) => {
  describe.each(dtypes)("%s", (dtype) => {
    const bits = [1, 0, 0, 1, 1, 0];
    const x = operand(bits, dtype, [2, 3], layout);

    test.each([int32, int64])("indexSelect: along each dimension, index %s", (indexDType) => {
      const of = (dim: number, ...index: number[]) =>
        valuesOf(
          run("indexSelect", [x, operand(index, indexDType, [index.length], layout)], { dim }, layout)[0]!,
        )
          .map(Number);
      expect(of(0, 1, 0, 1)).toEqual([1, 1, 0, 1, 0, 0, 1, 1, 0]);
      expect(of(1, 2, 0)).toEqual([0, 1, 0, 1]);
    });

    test.each([int32, int64])("gather: along each dimension, index %s", (indexDType) => {
      const rows = operand([1, 0, 1], indexDType, [1, 3], layout);
      expect(valuesOf(run("gather", [x, rows], { dim: 0 }, layout)[0]!).map(Number)).toEqual([1, 0, 0]);
      const columns = operand([0, 2, 1, 1, 0, 0, 2, 2], indexDType, [2, 4], layout);
      expect(valuesOf(run("gather", [x, columns], { dim: 1 }, layout)[0]!).map(Number))
        .toEqual([1, 0, 0, 0, 1, 1, 0, 0]);
    });

    test("scatter, indexReduce: set", () => {
      const index = operand([0, 2], int32, [2, 1], layout);
      const source = operand([0, 1, 1, 1], dtype, [2, 2], layout);
      const set = { dim: 1, reduce: "set" } as const;
      expect(valuesOf(run("scatter", [x, index, source], set, layout)[0]!).map(Number)).toEqual([
        0,
        0,
        0,
        1,
        1,
        1,
      ]);
      const list = operand([2, 0], int32, [2], layout);
      expect(valuesOf(run("indexReduce", [x, list, source], set, layout)[0]!).map(Number))
        .toEqual([1, 0, 0, 1, 1, 1]);
    });

    test("nonzero: places in row-major order", () => {
      const [places] = run("nonzero", [x], { count: 3 }, layout) as [Operand];
      expect(valuesOf(places)).toEqual([0, 0, 1, 0, 1, 1]);
      expect(places.dtype).toBe(int32);
    });
  });

  test.each(
    [
      ["sum", [6, 2, 8]],
      ["prod", [0, 2, 15]],
      ["amax", [5, 2, 5]],
      ["amin", [0, 2, 3]],
      ["set", [0, 2, 5]],
    ] as [ScatterReduce, number[]][],
  )("scatter, indexReduce: %s combines repeats in order", (reduce, want) => {
    const kinds = dtypes.filter((dtype) => dtype.kind !== "bool");
    for (const dtype of kinds) {
      const x = operand([1, 2, 3], dtype, [3], layout);
      const index = operand([0, 2, 0], int32, [3], layout);
      const source = operand([5, 5, 0], dtype, [3], layout);
      for (const name of ["scatter", "indexReduce"] as const) {
        const got = valuesOf(run(name, [x, index, source], { dim: 0, reduce }, layout)[0]!).map(Number);
        expect(got).toEqual(want);
      }
    }
  });
});

test("scatter: index may be smaller than the source, and sums in float64", () => {
  const source = operand([1, 2, 3, 4], float64, [2, 2]);
  const index = operand([1], int32, [1, 1]);
  const x = operand([0, 0, 0, 0], float64, [2, 2]);
  expect(result("scatter", [x, index, source], { dim: 0, reduce: "sum" })).toEqual([0, 0, 1, 0]);
  const small = operand([2 ** 24, 0], float32);
  const twice = operand([0, 0], int32);
  expect(result("scatter", [small, twice, operand([1, 1], float32)], { dim: 0, reduce: "sum" }))
    .toEqual([2 ** 24 + 2, 0]);
});

test("scatter: NaN wins amax and amin, integers wrap", () => {
  const index = operand([0], int32);
  for (const reduce of ["amax", "amin"] as const) {
    expect(result("scatter", [operand([NaN, 1]), index, operand([2])], { dim: 0, reduce })).toEqual([NaN, 1]);
    expect(result("scatter", [operand([0, 1]), index, operand([NaN])], { dim: 0, reduce })).toEqual([NaN, 1]);
  }
  const sum = { dim: 0, reduce: "sum" } as const;
  expect(result("scatter", [operand([100], int8), index, operand([100], int8)], sum)).toEqual([-56]);
  const big = 2n ** 53n + 1n;
  expect(result("scatter", [operand([big], int64), index, operand([1n], int64)], sum)).toEqual([big + 1n]);
});

test("indices out of range throw", () => {
  const x = operand([1, 2, 3, 4], float32, [2, 2]);
  const index = (value: number) => operand([value], int64, [1, 1]);
  const throws = (run: () => void, op: string, got: number) => {
    expect(run).toThrow(IndexError);
    expect(run).toThrow(
      `Cannot ${op} float32[2, 2] along dimension 1: indices must be in the range [0, 1], got ${got}`,
    );
  };
  throws(() => run("gather", [x, index(2)], { dim: 1 }), "gather from", 2);
  throws(() => run("gather", [x, index(-1)], { dim: 1 }), "gather from", -1);
  const source = operand([1], float32, [1, 1]);
  throws(() => run("scatter", [x, index(5), source], { dim: 1, reduce: "set" }), "scatter into", 5);
  const list = operand([2], int32);
  throws(() => run("indexSelect", [x, list], { dim: 1 }), "indexSelect", 2);
  const column = operand([1, 2], float32, [2, 1]);
  throws(() => run("indexReduce", [x, list, column], { dim: 1, reduce: "sum" }), "indexReduce into", 2);
});

test("the output may be an input", () => {
  const x = operand([1, 2, 3, 4], float32, [2, 2], "strided");
  runInto("indexSelect", [x, operand([1, 0], int32)], [x], { dim: 0 });
  expect(valuesOf(x)).toEqual([3, 4, 1, 2]);
  runInto("gather", [x, operand([1, 1, 0, 0], int32, [2, 2])], [x], { dim: 0 });
  expect(valuesOf(x)).toEqual([1, 2, 3, 4]);
  runInto("scatter", [x, operand([1, 0], int32, [1, 2]), x], [x], { dim: 0, reduce: "sum" });
  expect(valuesOf(x)).toEqual([1, 4, 4, 4]);
});
