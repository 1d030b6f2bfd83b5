import { float16, float16ToBits, int32, int8 } from "@flambeau/core";
import { expect, test } from "vitest";
import {
  describeGpu,
  device,
  expectSame,
  integers,
  noise,
  operand,
  oracle,
  results,
  valuesOf,
} from "./test_support.ts";
import { run } from "./test_support.ts";

const close = { rtol: 1e-5, atol: 1e-5 };

describeGpu("gemm", () => {
  for (
    const [m, k, n] of [[1, 1, 1], [3, 5, 7], [17, 33, 18], [64, 40, 70], [1, 100, 65], [90, 70, 2], [
      2,
      1500,
      3,
    ]]
  ) {
    test(`matmul: [${m}, ${k}] times [${k}, ${n}], straight and transposed`, async () => {
      const [x, y] = [noise(m! * k!, 1), noise(k! * n!, 2)];
      const close = { rtol: 1e-5, atol: 1e-5 * Math.max(1, k! / 100) };
      await expectSame(
        "matmul",
        [{ values: x, shape: [m!, k!] }, { values: y, shape: [k!, n!] }],
        null,
        close,
      );
      await expectSame(
        "matmul",
        [
          { values: x, shape: [m!, k!], strides: [1, m!], offset: 1 },
          { values: y, shape: [k!, n!], strides: [1, k!], offset: 3 },
        ],
        null,
        { ...close, layouts: [{ strides: [1, m!], offset: 2 }] },
      );
    });
  }
  test("matmul: batches broadcast", async () => {
    const x = { values: noise(2 * 3 * 4 * 5, 1), shape: [2, 3, 4, 5] };
    await expectSame("matmul", [x, { values: noise(3 * 5 * 2, 2), shape: [3, 5, 2] }], null, close);
    await expectSame("matmul", [x, { values: noise(5 * 2, 2), shape: [5, 2] }], null, close);
    await expectSame(
      "matmul",
      [{ values: noise(4 * 5, 2), shape: [4, 5] }, { values: noise(6 * 5 * 3, 2), shape: [6, 5, 3] }],
      null,
      close,
    );
    await expectSame(
      "matmul",
      [x, { values: noise(2 * 3 * 5 * 6), shape: [2, 3, 5, 6], strides: [90, 30, 1, 5] }],
      null,
      close,
    );
  });
  test("matmul: large tiles", async () => {
    const [x, y] = [noise(520 * 40, 3), noise(40 * 530, 4)];
    await expectSame(
      "matmul",
      [{ values: x, shape: [520, 40] }, { values: y, shape: [40, 530] }],
      null,
      close,
    );
    await expectSame(
      "matmul",
      [{ values: x, shape: [130, 160] }, { values: y.slice(0, 160 * 130), shape: [160, 130] }],
      null,
      close,
    );
  });
  test("matmul: integers wrap, halves round once, no depth gives zeros, infinities and NaN pass", async () => {
    for (const dtype of [int32, int8]) {
      const values = integers(36, -128, 127).map((x) => dtype === int32 ? x * 12345678 | 0 : x);
      await expectSame("matmul", [{ values, shape: [6, 6], dtype }, { values, shape: [6, 6], dtype }], null);
    }
    const bits = noise(16).map(float16ToBits);
    const half = { values: bits, shape: [4, 4], dtype: float16 };
    const got = await results(device, "matmul", [half, half], null);
    const want = await results(oracle, "matmul", [half, half], null);
    got.values[0]!.forEach((x, i) => expect(Math.abs(x - want.values[0]![i]!)).toBeLessThanOrEqual(1));
    await expectSame("matmul", [{ values: [], shape: [2, 0] }, { values: [], shape: [0, 3] }], null);
    await expectSame("matmul", [{ values: [1, NaN, Infinity, 2], shape: [2, 2] }, {
      values: [1, 2, 3, 4],
      shape: [2, 2],
    }], null);
  });
  test.each([3, 40])("linear: adds the bias to twice %i rows", async (rows) => {
    const [x, w, b] = [noise(2 * rows * 5, 1), noise(7 * 5, 2), noise(7, 3)];
    const inputs = [
      { values: x, shape: [2, rows, 5] },
      { values: w, shape: [7, 5] },
      { values: b, shape: [7] },
    ];
    const out = operand(device, { values: new Array(14 * rows).fill(0), shape: [2, rows, 7] });
    expect(run(device, "linear", inputs.map((spec) => operand(device, spec)), [out], null)).toBe(true);
    (await valuesOf(device, out)).forEach((value, i) => {
      const [row, column] = [Math.floor(i / 7), i % 7];
      let sum = b[column]!;
      for (let k = 0; k < 5; k++) sum += x[row * 5 + k]! * w[column * 5 + k]!;
      expect(value).toBeCloseTo(sum, 5);
    });
  });
});
