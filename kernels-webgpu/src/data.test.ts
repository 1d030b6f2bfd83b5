import { bool, type DType, float16, float32, int16, int32, int8, uint8 } from "@flambeau/core";
import { expect, test } from "vitest";
import { describeGpu, device, expectSame, integers, noise, operand, valuesOf } from "./test_support.ts";

const DTYPES: DType[] = [bool, uint8, int8, int16, int32, float16, float32];
const some = (dtype: DType, n: number, seed = 1): number[] =>
  dtype === float32
    ? noise(n, seed, 50)
    : integers(n, dtype === int8 ? -50 : 0, dtype === bool ? 1 : 50, seed);

describeGpu("data", () => {
  for (const dtype of DTYPES) {
    test(`${dtype.name}: copy, where, concat, pad, flip, full over strides`, async () => {
      const x = { values: some(dtype, 24), shape: [2, 3, 4], dtype, strides: [1, 8, 2], offset: 1 };
      const y = { values: some(dtype, 12, 2), shape: [3, 4], dtype };
      await expectSame("copy", [x], null);
      await expectSame("copy", [x], null, { layouts: [{ strides: [3, 7, 23], offset: 5 }] });
      const cond = { values: integers(8, 0, 1, 7), shape: [2, 1, 4], dtype: bool };
      await expectSame("where", [cond, x, y], null);
      await expectSame("concat", [x, x, { ...x, values: x.values, shape: [2, 3, 4] }], { dim: 1 });
      await expectSame("concat", [{ values: [], shape: [0, 4], dtype }, y, y], { dim: 0 });
      await expectSame("pad", [x], { low: [0, 1, -2], high: [1, -1, 3], value: 1 });
      await expectSame("pad", [y], { low: [-3, 0], high: [1, 0], value: 0 });
      await expectSame("flip", [x], { dims: [0, 2] });
      await expectSame("full", [], { shape: [3, 5], value: 1, dtype }, {
        layouts: [{ strides: [7, 1], offset: 3 }],
      });
    });
    test(`${dtype.name}: cast to every dtype`, async () => {
      const values = dtype === float32
        ? [...noise(40, 1, 300), NaN, Infinity, -Infinity, -0, 1e20, -3e9]
        : some(dtype, 46);
      for (const to of DTYPES) {
        await expectSame("cast", [{ values, shape: [values.length], dtype }], { dtype: to });
      }
    });
  }
  test("iota: in float64 and rounded once, integers exactly", async () => {
    await expectSame("iota", [], { start: 3, step: -2, size: 100, dtype: int32 });
    await expectSame("iota", [], { start: 0, step: 1, size: 300, dtype: float32 });
    await expectSame("iota", [], { start: 0.1, step: 0.3, size: 100, dtype: float32 });
    await expectSame("iota", [], { start: 0.5, step: 0.75, size: 9, dtype: int8 });
  });
  test("random: the bits of core, over the 32-bit carry of the counter", async () => {
    for (const counter of [0, 5, 2 ** 32 - 3]) {
      const attrs = { shape: [37], dtype: float32, key: [0x12345678, 0x9abcdef0] as const, counter };
      await expectSame("randomUniform", [], attrs);
      await expectSame("randomUniform", [], { ...attrs, dtype: float16 });
      await expectSame("randomInt", [], { ...attrs, dtype: int32, low: -5, high: 1000 });
      await expectSame("randomInt", [], { ...attrs, dtype: int32, low: -(2 ** 31), high: 2 ** 31 });
      await expectSame("randomInt", [], { ...attrs, dtype: uint8, low: 0, high: 256 });
      await expectSame("randomNormal", [], attrs, { rtol: 2e-6, atol: 1e-7 });
    }
  });
  test("write and read: bytes at any place and of any length", async () => {
    for (
      const [offset, length] of [[0, 3], [1, 1], [1, 2], [2, 6], [3, 9], [5, 4], [0, 16], [1, 15], [4, 12]]
    ) {
      const x = operand(device, { values: new Array(16).fill(9), shape: [16], dtype: uint8 });
      const bytes = Uint8Array.from({ length: length! }, (_, i) => i + 100);
      device.write(x.buffer, offset!, bytes);
      const want = new Uint8Array(16).fill(9);
      want.set(bytes, offset);
      expect(await valuesOf(device, x)).toEqual([...want]);
      expect([...await device.read(x.buffer, offset!, length!)]).toEqual([...bytes]);
      device.free(x.buffer);
    }
  });
});
