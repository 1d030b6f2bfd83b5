import { bool, float32, int32, int8 } from "@flambeau/core";
import { expect, test } from "vitest";
import { describeGpu, device, expectSame, integers, noise, results } from "./test_support.ts";

const REDUCES = ["set", "sum", "prod", "amax", "amin"] as const;

describeGpu("gather", () => {
  test("indexSelect and gather: every dim, strides, bytes", async () => {
    const x = { values: noise(60), shape: [3, 4, 5], strides: [1, 15, 3], offset: 1 };
    const bytes = { values: integers(60, 0, 1), shape: [3, 4, 5], dtype: bool };
    for (const dim of [0, 1, 2]) {
      const size = x.shape[dim]!;
      const index = {
        values: integers(7, 0, size - 1, dim + 1),
        shape: [7],
        dtype: int32,
        strides: [2],
        offset: 1,
      };
      await expectSame("indexSelect", [x, index], { dim });
      await expectSame("indexSelect", [bytes, index], { dim });
      const at = { values: integers(24, 0, size - 1, dim + 5), shape: [2, 3, 4], dtype: int32 };
      await expectSame("gather", [x, at], { dim });
      await expectSame("gather", [bytes, at], { dim }, { layouts: [{ strides: [1, 2, 6], offset: 3 }] });
    }
  });
  for (const reduce of REDUCES) {
    test(`scatter and indexReduce, ${reduce}: repeats combine in order`, async () => {
      for (const dtype of reduce === "set" ? [float32, int32, int8, bool] : [float32, int32, int8]) {
        const some = (n: number, seed: number): number[] =>
          dtype === float32 ? noise(n, seed) : integers(n, 0, dtype === bool ? 1 : 9, seed);
        const x = { values: some(60, 1), shape: [3, 4, 5], dtype };
        for (const dim of [0, 1, 2]) {
          const size = x.shape[dim]!;
          const shape = [2, 3, 4];
          const at = { values: integers(24, 0, size - 1, dim + 5), shape, dtype: int32 };
          const source = { values: some(36, 3), shape: [3, 3, 4], dtype };
          const close = { rtol: 1e-6, atol: 1e-7 };
          await expectSame("scatter", [x, at, source], { dim, reduce }, dtype === float32 ? close : {});
          await expectSame("scatter", [x, at, source], { dim, reduce }, {
            inPlace: 0,
            ...(dtype === float32 ? close : {}),
          });
          const wide = x.shape.map((n, d) => d === dim ? 7 : n);
          const index = { values: integers(7, 0, size - 1, dim + 2), shape: [7], dtype: int32 };
          const n = wide.reduce((a, b) => a * b, 1);
          await expectSame("indexReduce", [x, index, { values: some(n, 4), shape: wide, dtype }], {
            dim,
            reduce,
          }, dtype === float32 ? close : {});
        }
      }
    });
    test(`scatter, ${reduce}: few long lines`, async () => {
      for (const dtype of [float32, int32]) {
        const x = { values: integers(40, 1, 3, 1), shape: [40], dtype };
        const at = { values: integers(700, 0, 39, 2), shape: [700], dtype: int32 };
        const values = reduce === "prod" ? integers(700, 1, 1, 3) : integers(700, -9, 9, 3); // exact in any order
        await expectSame("scatter", [x, at, { values, shape: [700], dtype }], { dim: 0, reduce });
      }
    });
  }
  test("an index out of range is an IndexError at the next read, and only there", async () => {
    const x = { values: [1, 2, 3], shape: [3] };
    const bad = { values: [0, 7], shape: [2], dtype: int32 };
    await expect(results(device, "gather", [x, bad], { dim: 0 })).rejects.toThrow(
      "Cannot gather from float32[3] along dimension 0: indices must be in the range [0, 2], got 7",
    );
    const negative = { values: [0, -1], shape: [2], dtype: int32 };
    await expect(
      results(device, "scatter", [x, negative, { values: [5, 6], shape: [2] }], { dim: 0, reduce: "sum" }),
    )
      .rejects.toThrow(
        "Cannot scatter into float32[3] along dimension 0: indices must be in the range [0, 2], got -1",
      );
    await expectSame("gather", [x, { values: [2, 0], shape: [2], dtype: int32 }], { dim: 0 });
    await device.sync();
  });
  test("nonzero: places in row-major order, over several chunks", async () => {
    const values = integers(1200, 0, 1, 9);
    const count = values.filter((v) => v !== 0).length;
    await expectSame("nonzero", [{ values, shape: [6, 10, 20], dtype: bool }], { count });
    await expectSame("nonzero", [{ values, shape: [30, 40], strides: [1, 30] }], { count });
    await expectSame("nonzero", [{ values: [0, NaN, -0, 3], shape: [4] }], { count: 2 });
  });
});

describeGpu("sort", () => {
  for (const dtype of [float32, int32, int8]) {
    test(`${dtype.name}: stable both ways, along every dim, topk`, async () => {
      for (const shape of [[4, 6], [3, 130], [1, 1]]) {
        const n = shape[0]! * shape[1]!;
        const x = { values: integers(n, -9, 9, n), shape, dtype };
        for (const dim of [0, 1]) {
          for (const descending of [false, true]) {
            await expectSame("sort", [x], { dim, descending });
            await expectSame("topk", [x], { dim, k: Math.ceil(shape[dim]! / 2), largest: descending });
          }
        }
        await expectSame("sort", [{ ...x, strides: [1, shape[0]!] }], { dim: 1, descending: true });
      }
    });
  }
  test("NaN is largest, zeros are equal, infinities and the least integer are in their places", async () => {
    const x = { values: [0, NaN, -0, Infinity, -Infinity, 1, NaN, -0, 0, -1], shape: [10] };
    for (const descending of [false, true]) {
      await expectSame("sort", [x], { dim: 0, descending });
      const ints = { values: [0, 2 ** 31 - 1, -(2 ** 31), 5, -1], shape: [5], dtype: int32 };
      await expectSame("sort", [ints], { dim: 0, descending });
    }
  });
  test("long lines: blocks are merged", async () => {
    for (const n of [1025, 5000]) {
      await expectSame("sort", [{ values: integers(2 * n, -999, 999, n), shape: [2, n] }], {
        dim: 1,
        descending: n === 5000,
      });
    }
    await expectSame("topk", [{ values: noise(3000), shape: [3000] }], { dim: 0, k: 17, largest: true });
  });
  test("searchsorted: both sides, one line for all or a line each, NaN last", async () => {
    const sorted = { values: [1, 2, 2, 3, 5, 8], shape: [6] };
    const values = { values: [0, 1, 2, 2.5, 3, 9, NaN, -Infinity], shape: [2, 4] };
    for (const right of [false, true]) {
      await expectSame("searchsorted", [sorted, values], { right });
      await expectSame("searchsorted", [{ values: [1, 2, 3, 1, 5, 5], shape: [2, 3] }, values], { right });
    }
  });
});
