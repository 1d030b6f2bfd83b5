import { bool, float16, float32, int16, int32, int8, numelOf, uint8 } from "@flambeau/core";
import { expect, test } from "vitest";
import {
  describeGpu,
  device,
  expectFused,
  expectSame,
  integers,
  noise,
  operand,
  run,
  type Spec,
  valuesOf,
} from "./test_support.ts";

// What families do at the edges of numbers and of geometry; the pointwise ones are in pointwise.test.ts.

const close = { rtol: 1e-5, atol: 1e-6 };
/** NaN, infinities, zeros of both signs, large and small numbers; 15 of them. */
const ODD = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 3e38, -3e38, 1e-30, -1e-30, 2, -2, 100, -100];
const odd = (shape: number[], from = 0): Spec & { readonly values: number[] } => ({
  values: Array.from({ length: numelOf(shape) }, (_, i) => ODD[(i * 7 + from) % ODD.length]!),
  shape,
});
const random = (shape: number[], seed = 1, scale = 1): Spec & { readonly values: number[] } => ({
  values: noise(numelOf(shape), seed, scale),
  shape,
});

describeGpu("edges", () => {
  test("moves keep every bit: NaN, infinities, −0 and the smallest numbers", async () => {
    const bits = [
      0x7fc00000,
      0x7f800001,
      0xffc12345,
      0x7f800000,
      0xff800000,
      0x80000000,
      1,
      0x807fffff,
      0x00800000,
    ];
    const x = operand(device, { values: bits.map((b) => b | 0), shape: [9], dtype: int32 });
    const as = (buffer: typeof x.buffer) => ({ buffer, shape: [9], dtype: float32, strides: [1], offset: 0 });
    const index = operand(device, { values: [8, 7, 6, 5, 4, 3, 2, 1, 0], shape: [9], dtype: int32 });
    const read = async (buffer: typeof x.buffer): Promise<number[]> => [
      ...new Uint32Array((await device.read(buffer, 0, 36)).slice().buffer),
    ];
    const o = device.allocate(36);
    run(device, "copy", [as(x.buffer)], [as(o)], null);
    expect(await read(o)).toEqual(bits);
    run(device, "flip", [as(x.buffer)], [as(o)], { dims: [0] });
    expect(await read(o)).toEqual([...bits].reverse());
    run(device, "gather", [as(x.buffer), index], [as(o)], { dim: 0 });
    expect(await read(o)).toEqual([...bits].reverse());
    run(device, "pad", [as(x.buffer)], [as(o)], { low: [0], high: [0], value: 0 });
    expect(await read(o)).toEqual(bits);
    [x.buffer, index.buffer, o].forEach((buffer) => device.free(buffer));
  });
  test("reductions, scans and sorting of odd numbers", async () => {
    for (const shape of [[4, 15], [15, 4]]) {
      for (const dim of [0, 1]) {
        for (const name of ["amax", "amin", "any", "all"] as const) {
          await expectSame(name, [odd(shape)], { dims: [dim], keepdim: false });
        }
        for (const name of ["argmax", "argmin"] as const) {
          await expectSame(name, [odd(shape)], { dim, keepdim: true });
        }
        for (const name of ["cummax", "cummin"] as const) await expectSame(name, [odd(shape)], { dim });
        await expectSame("sort", [odd(shape)], { dim, descending: dim === 0 });
        await expectSame("topk", [odd(shape)], { dim, k: 3, largest: dim === 0 });
      }
    }
    const finite = [3e38, 3e38, -3e38, 1, Infinity, 2, -Infinity, 1, NaN, 1];
    await expectSame("sum", [{ values: finite, shape: [5, 2] }], { dims: [1], keepdim: false }, close);
    await expectSame("prod", [{ values: finite, shape: [5, 2] }], { dims: [1], keepdim: false }, close);
    await expectSame("cumsum", [{ values: finite, shape: [5, 2] }], { dim: 0 }, close);
  });
  test("rows of odd numbers: softmax, normalization, likelihood", async () => {
    const rows = [
      NaN,
      1,
      2,
      Infinity,
      1,
      2,
      -Infinity,
      1,
      2,
      -Infinity,
      -Infinity,
      -Infinity,
      3e38,
      -3e38,
      0,
    ];
    const x = { values: rows, shape: [5, 3] };
    for (const name of ["softmax", "logSoftmax"] as const) {
      await expectFused(name, [x], { dim: 1 }, close);
      await expectFused(name, [{ ...x, strides: [1, 5] }], { dim: 1 }, close);
    }
    const calm = { values: rows.map((v) => Math.abs(v) > 1e30 ? NaN : v), shape: [5, 3] };
    await expectFused("layerNorm", [calm, random([3], 2), random([3], 3)], { eps: 1e-5 }, close);
    await expectFused("batchNorm", [calm, random([3], 2), random([3], 3)], { eps: 1e-5 }, close);
    const equal = { values: new Array(12).fill(7), shape: [4, 3] };
    await expectFused("batchNorm", [equal, random([3], 2), random([3], 3)], { eps: 0.5 }, close);
    await expectFused("layerNorm", [equal, random([3], 2), random([3], 3)], { eps: 0.5 }, close);
    const target = { values: [0, 1, 2, 0, 1], shape: [5], dtype: int32 };
    const weight = { values: [1, 0, 2], shape: [3] };
    const finite = {
      values: rows.map((v) => Number.isFinite(v) && Math.abs(v) < 1e30 ? v : -Infinity),
      shape: [5, 3],
    };
    for (const reduction of ["mean", "sum"] as const) {
      await expectFused("nllLoss", [x, target, weight], { reduction, ignoreIndex: 0 }, close);
      await expectFused("nllLoss", [finite, target, weight], { reduction, ignoreIndex: -1 }, close);
    }
  });
  test("windows of odd numbers", async () => {
    const window = { kernelSize: [2], stride: [1], padding: [1], dilation: [1], ceilMode: false };
    await expectFused("maxPool", [odd([1, 3, 15])], window, close);
    const average = { ...window, countIncludePad: false, divisor: null };
    const calm = {
      ...odd([1, 3, 15]),
      values: odd([1, 3, 15]).values.map((v) => Math.abs(v) > 1e30 ? Infinity : v),
    };
    await expectFused("avgPool", [calm], average, close);
  });
  test("integers wrap: sums, products, running sums, combined by index", async () => {
    const limits = [[int32, 2 ** 31 - 1], [int16, 32767], [int8, 127], [uint8, 255]] as const;
    for (const [dtype, most] of limits) {
      const x = { values: [most, most, 3, 2, most, 1], shape: [2, 3], dtype };
      for (const name of ["sum", "prod"] as const) {
        await expectSame(name, [x], { dims: [1], keepdim: false });
        await expectSame(name, [x], { dims: [0], keepdim: false });
      }
      for (const name of ["cumsum", "cumprod"] as const) await expectSame(name, [x], { dim: 1 });
      const at = { values: [0, 0, 0, 1, 1, 1], shape: [2, 3], dtype: int32 };
      for (const reduce of ["sum", "prod"] as const) {
        await expectSame("scatter", [x, at, { ...x, values: [1, 2, 3, 4, 5, 6] }], { dim: 1, reduce });
      }
    }
    const long = { values: integers(3000, -(2 ** 31), 2 ** 31 - 1), shape: [3000], dtype: int32 };
    await expectSame("sum", [long], { dims: [0], keepdim: false });
    await expectSame("cumsum", [long], { dim: 0 });
  });
  test("nothing: sizes of 0 in inputs that give something", async () => {
    for (const name of ["sum", "prod", "any", "all"] as const) {
      await expectSame(name, [{ values: [], shape: [3, 0] }], { dims: [1], keepdim: true });
    }
    await expectSame("concat", [{ values: [], shape: [0, 3] }, random([2, 3])], { dim: 0 });
    await expectSame("pad", [{ values: [], shape: [2, 0] }], { low: [0, 1], high: [1, 2], value: 5 });
    const none = { values: [], shape: [0], dtype: int32 };
    await expectSame("indexReduce", [random([3, 2]), none, { values: [], shape: [0, 2] }], {
      dim: 0,
      reduce: "sum",
    });
    await expectSame("scatter", [random([3, 2]), { ...none, shape: [0, 2] }, { values: [], shape: [0, 2] }], {
      dim: 0,
      reduce: "set",
    });
    await expectSame("searchsorted", [{ values: [], shape: [0] }, random([4])], { right: false });
    await expectSame("matmul", [{ values: [], shape: [2, 0] }, { values: [], shape: [0, 3] }], null);
  });
  test("expanded operands: every family reads one element many times", async () => {
    const column = { values: [1, 1, 1, 1, -2, -2, -2, -2, 5, 5, 5, 5], shape: [3, 4], strides: [1, 0] };
    await expectSame("sum", [column], { dims: [1], keepdim: false }, close);
    await expectSame("cumsum", [column], { dim: 1 }, close);
    await expectSame("sort", [column], { dim: 1, descending: false });
    await expectSame("copy", [column], null);
    await expectFused("softmax", [column], { dim: 1 }, close);
    await expectFused("softmax", [column], { dim: 0 }, close);
    await expectSame("matmul", [column, random([4, 2])], null, close);
    const index = { values: [1, 1, 1], shape: [3], strides: [0], dtype: int32 };
    await expectSame("indexSelect", [column, index], { dim: 0 });
    const same = { values: [2, 2, 2, 2], shape: [4], strides: [0] };
    await expectSame("indexReduce", [random([4]), { ...index, values: [1, 1, 1, 1], shape: [4] }, same], {
      dim: 0,
      reduce: "sum",
    }, close);
  });
  test("operands that share a buffer in one step", async () => {
    const n = 16;
    const arena = operand(device, { values: noise(6 * n), shape: [6 * n] });
    const part = (i: number, shape: number[], strides: number[]) => ({
      ...arena,
      shape,
      strides,
      offset: i * n,
    });
    const whole = await valuesOf(device, arena);
    const at = (i: number): number[] => whole.slice(i * n, (i + 1) * n);
    const [a, b, o] = [part(0, [4, 4], [4, 1]), part(1, [4, 4], [1, 4]), part(2, [4, 4], [4, 1])];
    run(device, "add", [a, b], [o], null);
    run(device, "cumsum", [a], [part(3, [4, 4], [4, 1])], { dim: 1 });
    run(device, "matmul", [a, b], [part(4, [4, 4], [4, 1])], null);
    run(device, "softmax", [a], [part(5, [4, 4], [4, 1])], { dim: 1 });
    const after = await valuesOf(device, arena);
    const got = (i: number): number[] => after.slice(i * n, (i + 1) * n);
    expect([got(0), got(1)]).toEqual([at(0), at(1)]);
    const cell = (i: number, j: number): [number, number] => [at(0)[i * 4 + j]!, at(1)[j * 4 + i]!];
    for (let i = 0; i < 4; i++) {
      let [sum, total] = [0, 0];
      for (let j = 0; j < 4; j++) total += Math.exp(cell(i, j)[0]);
      for (let j = 0; j < 4; j++) {
        const [x, y] = cell(i, j);
        sum += x;
        expect(got(2)[i * 4 + j]).toBeCloseTo(x + y, 5);
        expect(got(3)[i * 4 + j]).toBeCloseTo(sum, 5);
        expect(got(5)[i * 4 + j]).toBeCloseTo(Math.exp(x) / total, 5);
        let product = 0;
        for (let k = 0; k < 4; k++) product += at(0)[i * 4 + k]! * at(1)[j * 4 + k]!;
        expect(got(4)[i * 4 + j]).toBeCloseTo(product, 5);
      }
    }
    device.free(arena.buffer);
  });
  test("one operand as several inputs", async () => {
    const x = operand(device, { values: noise(9), shape: [3, 3] });
    const o = operand(device, { values: new Array(9).fill(0), shape: [3, 3] });
    const values = await valuesOf(device, x);
    run(device, "mul", [x, x], [o], null);
    (await valuesOf(device, o)).forEach((value, i) => expect(value).toBe(Math.fround(values[i]! ** 2)));
    run(device, "sgdStep", [x, x, x], [x, o], {
      lr: 0.5,
      momentum: 0.9,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
    });
    const stepped = await valuesOf(device, x);
    stepped.forEach((value, i) => expect(value).toBeCloseTo(values[i]! - 0.5 * 1.9 * values[i]!, 5));
    [x, o].forEach(({ buffer }) => device.free(buffer));
  });
  test("more than 65535 workgroups of lines", { timeout: 60_000 }, async () => {
    const rows = 70_001;
    const buffer = device.allocate(rows * 2 * 4);
    const x = { buffer, shape: [rows, 2], dtype: float32, strides: [2, 1], offset: 0 };
    const flat = { ...x, shape: [2 * rows], strides: [1] };
    run(device, "iota", [], [flat], { start: 0, step: 1, size: 2 * rows, dtype: float32 });
    run(device, "cumsum", [x], [x], { dim: 1 });
    const last = async (): Promise<number[]> => [
      ...new Float32Array((await device.read(buffer, (2 * rows - 2) * 4, 8)).slice().buffer),
    ];
    const first = 2 * (rows - 1);
    expect(await last()).toEqual([first, 2 * first + 1]);
    const places = operand(device, { values: [0], shape: [1], dtype: int32 });
    const index = { ...places, buffer: device.allocate(rows * 8), shape: [rows, 2], strides: [2, 1] };
    const sorted = { ...x, buffer: device.allocate(rows * 8) };
    run(device, "sort", [x], [sorted, index], { dim: 1, descending: true });
    run(device, "softmax", [sorted], [x], { dim: 1 });
    expect(await last()).toEqual([1, 0]);
    for (const one of [buffer, places.buffer, index.buffer, sorted.buffer]) device.free(one);
  });
  test("packed elements at the ends of rows are left alone by their neighbours", async () => {
    for (const dtype of [bool, int8, int16, float16]) {
      const x = { values: integers(15, 0, 1, 4), shape: [3, 5], dtype, strides: [7, 1], offset: 1 };
      const where = { layouts: [{ strides: [9, 1], offset: 3 }] };
      await expectSame("copy", [x], null, where);
      await expectSame("flip", [x], { dims: [1] }, where);
      if (dtype !== bool && dtype !== float16) await expectSame("cumsum", [x], { dim: 1 }, where);
    }
  });
});
