import { bool, float32, int32, int8 } from "@flambeau/core";
import { test } from "vitest";
import { describeGpu, expectSame, integers, noise } from "./test_support.ts";

const NAMES = ["sum", "prod", "amax", "amin", "any", "all"] as const;

describeGpu("reduce", () => {
  for (const name of NAMES) {
    test(`${name}: rows, columns, middle, all, with and without keepdim`, async () => {
      const x = { values: noise(3 * 5 * 40), shape: [3, 5, 40] };
      for (const dims of [[2], [0], [1], [0, 2], [0, 1, 2], [1, 2]]) {
        for (const keepdim of [false, true]) {
          await expectSame(name, [x], { dims, keepdim }, { rtol: 1e-5, atol: 1e-6 });
        }
      }
    });
    test(`${name}: strides on both sides`, async () => {
      const x = { values: noise(60), shape: [3, 4, 5], strides: [1, 15, 3], offset: 2 };
      await expectSame(name, [x], { dims: [1], keepdim: false }, {
        layouts: [{ strides: [1, 3], offset: 1 }],
        rtol: 1e-5,
        atol: 1e-6,
      });
    });
    test(`${name}: NaN, infinities, no elements, integers, bools`, async () => {
      const x = { values: [1, NaN, 2, Infinity, -1, -Infinity, 0, -0, 3], shape: [3, 3] };
      await expectSame(name, [x], { dims: [1], keepdim: false });
      if (name !== "amax" && name !== "amin") {
        await expectSame(name, [{ values: [], shape: [2, 0] }], { dims: [1], keepdim: false });
      }
      for (const dtype of [int32, int8]) {
        await expectSame(name, [{ values: integers(70, -128, 127), shape: [7, 10], dtype }], {
          dims: [1],
          keepdim: false,
        });
      }
      if (name === "sum" || name === "prod") return;
      const truths = { values: [1, 1, 0, 1, 1, 1, 0, 0, 0], shape: [3, 3], dtype: bool };
      await expectSame(name, [truths], { dims: [1], keepdim: false });
    });
  }
  test("sum: two stages where one result takes many elements", async () => {
    await expectSame("sum", [{ values: noise(100_003), shape: [100_003] }], { dims: [0], keepdim: false }, {
      rtol: 1e-4,
      atol: 1e-3,
    });
    await expectSame("sum", [{ values: noise(4000 * 24), shape: [4000, 24] }], { dims: [0], keepdim: true }, {
      rtol: 1e-4,
      atol: 1e-4,
    });
    const ints = integers(70_000, -(2 ** 31), 2 ** 31 - 1);
    await expectSame("sum", [{ values: ints, shape: [70_000], dtype: int32 }], { dims: [0], keepdim: false });
    const truths = ints.map((x, i) => x !== 0 && i !== 4321 ? 1 : 0);
    await expectSame("all", [{ values: truths, shape: [70_000], dtype: bool }], {
      dims: [0],
      keepdim: false,
    });
  });
  for (const name of ["argmax", "argmin"] as const) {
    test(`${name}: first of equals, first NaN, strides`, async () => {
      for (const shape of [[4, 6], [2, 300]]) {
        const values = integers(shape[0]! * shape[1]!, -3, 3);
        for (const dtype of [float32, int32, int8]) {
          for (const dim of [0, 1]) {
            await expectSame(name, [{ values, shape, dtype }], { dim, keepdim: dim === 0 });
          }
        }
        await expectSame(name, [{ values, shape, strides: [1, shape[0]!] }], { dim: 1, keepdim: false });
      }
      await expectSame(name, [{ values: [1, NaN, 3, NaN, -Infinity, Infinity], shape: [2, 3] }], {
        dim: 1,
        keepdim: false,
      });
      await expectSame(name, [{ values: [5], shape: [1] }], { dim: 0, keepdim: false });
    });
  }
});
