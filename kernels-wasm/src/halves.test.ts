import {
  bfloat16,
  bfloat16FromBits,
  bfloat16ToBits,
  bool,
  type DType,
  float16,
  float16FromBits,
  float16ToBits,
  int32,
  type KernelName,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, type Layout, noise, operand, oracle, run, values } from "./test_support.ts";

type Output = readonly [shape: Shape, dtype: DType | null];

const matrix: Shape = [6, 40];
const row: Shape = [40];
const one = { dims: [1], keepdim: false };

/** What each takes, and its results, in the dtype that is tested where there is none. */
const CASES: readonly (readonly [KernelName, readonly Shape[], readonly Output[], unknown])[] = [
  ["add", [matrix, row], [[matrix, null]], null],
  ["mul", [matrix, matrix], [[matrix, null]], null],
  ["div", [matrix, row], [[matrix, null]], null],
  ["maximum", [matrix, row], [[matrix, null]], null],
  ["lt", [matrix, row], [[matrix, bool]], null],
  ["neg", [matrix], [[matrix, null]], null],
  ["sqrt", [matrix], [[matrix, null]], null],
  ["sum", [matrix], [[[6], null]], one],
  ["amax", [matrix], [[[6], null]], one],
  ["argmax", [matrix], [[[6], int32]], { dim: 1, keepdim: false }],
  ["cummax", [matrix], [[matrix, null], [matrix, int32]], { dim: 1 }],
  ["matmul", [matrix, [40, 7]], [[[6, 7], null]], null],
];

const half = (n: number, seed: number): number[] =>
  Array.from(noise(n, seed), (v) => Math.round(v * 64) / 32);
type Device = typeof oracle;

/** An operand of halves: test_support writes and reads their bits. */
const halves = (
  device: Device,
  data: readonly number[],
  shape: Shape,
  dtype: DType,
  layout: Layout = {},
): Operand =>
  operand(device, data.map(dtype === float16 ? float16ToBits : bfloat16ToBits), shape, dtype, layout);
const numbersOf = (device: Device, x: Operand): number[] => {
  const bits = values(device, x) as number[];
  return x.dtype === float16
    ? bits.map(float16FromBits)
    : x.dtype === bfloat16
    ? bits.map(bfloat16FromBits)
    : bits;
};
const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const TURNED: Layout = { strides: [1, 6] };

test.each([float16, bfloat16])("halves: as the reference, rounded once, strided too, %s", (dtype) => {
  for (const [name, inputs, outputs, attrs] of CASES) {
    for (const layout of [{}, TURNED]) {
      const results = [oracle, ...devices.map(([, device]) => device)].map((device) => {
        const made = outputs.map(([shape, own]) => empty(device, shape, own ?? dtype));
        const x = inputs.map((shape, i) =>
          operand(
            device,
            half(size(shape), i + 3),
            shape,
            dtype,
            shape === matrix && device !== oracle ? layout : {},
          )
        );
        const before = device.memory();
        const into = made.length === 1 ? made[0]! : made;
        const isRun = run(
          device,
          name as "add",
          x as unknown as [Operand, Operand],
          into as Operand,
          attrs as null,
        );
        // Kernels may ask for copies of strided operands.
        if (device === oracle || layout !== TURNED) expect(isRun, name).toBe(true);
        expect(device.memory().liveBytes).toBe(before.liveBytes);
        return isRun ? made.map((y) => numbersOf(device, y)) : null;
      });
      for (const got of results.slice(1)) if (got !== null) expect(got, name).toEqual(results[0]);
    }
  }
});

test.each([float16, bfloat16])("halves: in place, one operand twice, no elements, %s", (dtype) => {
  for (const [, device] of devices) {
    const x = halves(device, [1.5, -2, NaN, Infinity, 0.25], [5], dtype);
    run(device, "mul", [x, x], x, null);
    expect(numbersOf(device, x)).toEqual([2.25, 4, NaN, Infinity, 0.0625]);
    const none = empty(device, [0, 3], dtype);
    expect(run(device, "add", [none, none], empty(device, [0, 3], dtype), null)).toBe(true);
    const total = empty(device, [3], dtype);
    run(device, "sum", [none], total, { dims: [0], keepdim: false });
    expect(numbersOf(device, total)).toEqual([0, 0, 0]);
  }
});

test("halves: sums are not limited to the range of float16 on the way", () => {
  for (const [, device] of devices) {
    const x = halves(device, [60000, 60000, -60000, 4], [4], float16);
    const total = empty(device, [], float16);
    run(device, "sum", [x], total, { dims: [0], keepdim: false });
    expect(numbersOf(device, total)).toEqual([60000]);
    const large = empty(device, [4], float16);
    run(device, "add", [x, x], large, null);
    expect(numbersOf(device, large)).toEqual([Infinity, Infinity, -Infinity, 8]);
  }
});
