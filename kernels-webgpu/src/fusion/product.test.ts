import {
  bfloat16,
  bool,
  contiguousStrides,
  type DType,
  float16,
  float32,
  type FusedExpression,
  type FusedOutput,
  type FusedValue,
  type KernelName,
  type Operand,
  type ProductName,
  type Shape,
} from "@flambeau/core";
import { expect, test } from "vitest";
import type { GpuDispatch } from "../dispatch.ts";
import { type Choice, wayNames } from "../kernels/gemm/tiles.ts";
import { bytesOf, describeGpu, device, noise, operand, run } from "../test_support.ts";
import { textsToTry, tuned, tunedLimits, type Tuning } from "../tuned_support.ts";
import { GpuFusion } from "./fusion.ts";

const MOST_BUFFERS = 8;

const random = (shape: Shape, seed: number, dtype: DType = float32, strides?: Shape): Operand => {
  const n = shape.reduce((a, b) => a * b, 1);
  const x = operand(device, { values: noise(n, seed), shape, strides: strides ?? contiguousStrides(shape) });
  return dtype === float32 ? x : cast(x, dtype);
};

const empty = (shape: Shape, dtype: DType): Operand =>
  operand(device, { values: new Float64Array(shape.reduce((a, b) => a * b, 1)), shape, dtype });

function cast(x: Operand, dtype: DType): Operand {
  const o = empty(x.shape, dtype);
  run(device, "cast", [x], [o], { dtype });
  return o;
}

/** A product, and what follows: its value plus a row, the tanh of that, twice that plus a tensor, and where that is positive. */
interface Case {
  readonly name: ProductName;
  readonly inputs: readonly Operand[];
  readonly shape: Shape;
  readonly attrs?: unknown;
}

const step = (name: KernelName, inputs: readonly number[], dtype: DType): FusedValue => ({
  kind: "step",
  name,
  inputs,
  attrs: null,
  dtype,
});

/** Expects of fused steps the bits of the same steps after the product was stored. */
async function expectAlike(
  forced: Partial<Choice>,
  tuning: Tuning,
  { name, inputs, shape, attrs = null }: Case,
): Promise<void> {
  const { dtype } = inputs[0]!;
  const fusion = new GpuFusion(tunedLimits(forced, tuning), MOST_BUFFERS);
  const row = random([shape.at(-1)!], 8, dtype);
  const beside = random(shape, 9, dtype);
  const broadcast = { ...row, shape, strides: shape.map((_, d) => d === shape.length - 1 ? 1 : 0) };
  const steps = (first: FusedValue): FusedExpression => ({
    shape,
    values: [
      first,
      { kind: "operand", operand: broadcast },
      step("add", [0, 1], dtype),
      step("tanh", [2], dtype),
      { kind: "scalar", value: 2, dtype },
      step("mul", [3, 4], dtype),
      { kind: "operand", operand: beside },
      step("add", [5, 6], dtype),
      { kind: "scalar", value: 0, dtype },
      step("gt", [7, 8], bool),
    ],
  });
  const outputs = (): FusedOutput[] => [
    { value: 7, target: empty(shape, dtype) },
    { value: 0, target: empty(shape, dtype) },
    { value: 9, target: empty(shape, bool) },
  ];
  const stored = empty(shape, dtype);
  expect(run(tuned(forced, tuning), name, inputs, [stored], attrs)).toBe(true);
  const [want, got] = [outputs(), outputs()];
  const apart = fusion.fuse(steps({ kind: "operand", operand: stored }), want);
  const together = fusion.fuse(steps({ kind: "product", name, inputs, attrs, shape, dtype }), got);
  expect(together).not.toBeNull();
  for (const dispatch of [apart, together]) device.run(dispatch as GpuDispatch);
  for (const [i, { target }] of want.entries()) {
    expect(await bytesOf(device, got[i]!.target)).toEqual(await bytesOf(device, target));
  }
  for (const { target } of [...want, ...got]) device.free(target.buffer);
  for (const { buffer } of [...inputs, row, beside, stored]) device.free(buffer);
}

const matmul = (m: number, k: number, n: number, dtype: DType = float32): Case => ({
  name: "matmul",
  inputs: [random([m, k], 1, dtype), random([k, n], 2, dtype)],
  shape: [m, n],
});

const SLOW = 120_000;

for (const brief of textsToTry) {
  describeGpu(`steps after products, ${brief ? "short texts" : "texts for hardware"}`, () => {
    for (const way of wayNames) {
      test(`${way}: the numbers of a product that is stored`, async () => {
        const few = way === "skinny";
        // In parts the steps follow the sum of these, whatever the way.
        for (const parts of few || way === "32x32x32" ? [1, 3] : [1]) {
          await expectAlike({ way, parts }, { brief }, matmul(few ? 5 : 68, 200, 72));
          await expectAlike({ way, parts }, { brief }, matmul(few ? 1 : 37, 130, 50));
        }
      }, SLOW);
    }
    test("packed elements, turned products, batches", async () => {
      for (const dtype of [float16, bfloat16]) {
        await expectAlike({}, { brief }, matmul(20, 30, 24, dtype));
        await expectAlike({}, { brief }, matmul(21, 30, 23, dtype));
      }
      await expectAlike({}, { brief }, matmul(50, 30, 5));
      await expectAlike({}, { brief }, matmul(50, 3000, 8));
      const [x, y] = [random([3, 20, 30], 1), random([3, 30, 20], 2)];
      await expectAlike({}, { brief }, { name: "matmul", inputs: [x, y], shape: [3, 20, 20] });
      const w = random([30, 20], 3, float32, [1, 30]);
      await expectAlike({}, { brief }, {
        name: "matmul",
        inputs: [random([2, 9, 30], 1), w],
        shape: [2, 9, 20],
      });
      const linear = [random([3, 7, 30], 1), random([22, 30], 2), random([22], 3)];
      await expectAlike({}, { brief }, { name: "linear", inputs: linear, shape: [3, 7, 22] });
    }, SLOW);
    test("convolutions and their gradients", async () => {
      const cases = [
        { x: [2, 3, 9, 8], w: [20, 3, 3, 3], o: [2, 20, 9, 8], padding: [1, 1], groups: 1 },
        { x: [2, 24, 9, 8], w: [20, 24, 1, 1], o: [2, 20, 9, 8], padding: [0, 0], groups: 1 },
        { x: [2, 8, 7, 7], w: [36, 4, 3, 3], o: [2, 36, 5, 5], padding: [0, 0], groups: 2 },
        { x: [2, 6, 9, 8], w: [12, 1, 3, 3], o: [2, 12, 9, 8], padding: [1, 1], groups: 6 },
      ];
      for (const { x, w, o, padding, groups } of cases) {
        const attrs = { stride: [1, 1], dilation: [1, 1], padding, groups };
        for (const dtype of groups === 6 ? [float32, float16] : [float32]) {
          const make = (shape: Shape, seed: number): Operand => random(shape, seed, dtype);
          const [inputSize, kernelSize] = [x.slice(2), w.slice(2)];
          for (const parts of groups === 1 ? [1, 2] : [1]) {
            const all: Case[] = [
              { name: "conv", inputs: [make(x, 1), make(w, 2)], shape: o, attrs },
              {
                name: "convInputGrad",
                inputs: [make(o, 3), make(w, 2)],
                shape: x,
                attrs: { ...attrs, inputSize },
              },
              {
                name: "convWeightGrad",
                inputs: [make(o, 3), make(x, 1)],
                shape: w,
                attrs: { ...attrs, kernelSize },
              },
            ];
            for (const each of all) await expectAlike({ parts }, { brief }, each);
          }
        }
      }
    }, SLOW);
  });
}

describeGpu("steps after products", () => {
  test("what is made in pieces, or needs too many buffers, is refused", () => {
    const { inputs, shape } = matmul(40, 40, 40);
    const expression: FusedExpression = {
      shape,
      values: [
        { kind: "product", name: "matmul", inputs, attrs: null, shape, dtype: float32 },
        step("exp", [0], float32),
      ],
    };
    const target = empty(shape, float32);
    const outputs = [{ value: 1, target }];
    expect(new GpuFusion({ maxBindingBytes: 2 ** 27 }, 3).fuse(expression, outputs)).not.toBeNull();
    expect(new GpuFusion({ maxBindingBytes: 2 ** 27 }, 2).fuse(expression, outputs)).toBeNull();
    expect(new GpuFusion({ maxBindingBytes: 6000 }, 8).fuse(expression, outputs)).toBeNull();
    for (const { buffer } of [...inputs, target]) device.free(buffer);
  });
  test("a result that is added to memory that is there", async () => {
    const { inputs, shape } = matmul(40, 30, 36);
    const [target, want, stored] = [random(shape, 5), random(shape, 5), empty(shape, float32)];
    const product: FusedValue = {
      kind: "product",
      name: "matmul",
      inputs,
      attrs: null,
      shape,
      dtype: float32,
    };
    const values = [product, { kind: "operand", operand: target } as const, step("sub", [1, 0], float32)];
    const fusion = new GpuFusion({ maxBindingBytes: 2 ** 27 }, 8);
    device.run(fusion.fuse({ shape, values }, [{ value: 2, target }]) as GpuDispatch);
    run(device, "matmul", inputs, [stored], null);
    run(device, "sub", [want, stored], [want], null);
    expect(await bytesOf(device, target)).toEqual(await bytesOf(device, want));
    for (const { buffer } of [...inputs, target, want, stored]) device.free(buffer);
  });
});
