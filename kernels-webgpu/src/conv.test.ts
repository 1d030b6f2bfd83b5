import { contiguousStrides, convOutputSize, float16, float16ToBits, int32, type Shape } from "@flambeau/core";
import { test } from "vitest";
import {
  bindOracle,
  describeGpu,
  expectFused,
  integers,
  noise,
  operand,
  oracle,
  valuesOf,
} from "./test_support.ts";

const close = { rtol: 1e-5, atol: 2e-5 };
const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const tensor = (shape: Shape, seed: number): { values: number[]; shape: Shape } => ({
  values: noise(sizeOf(shape), seed),
  shape,
});

const CASES: { x: Shape; w: Shape; stride: Shape; padding: Shape; dilation: Shape; groups: number }[] = [
  { x: [2, 3, 8], w: [4, 3, 3], stride: [2], padding: [1], dilation: [1], groups: 1 },
  { x: [2, 4, 7, 6], w: [6, 2, 3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 },
  { x: [1, 3, 9, 9], w: [5, 3, 3, 3], stride: [3, 2], padding: [2, 2], dilation: [2, 1], groups: 1 },
  { x: [2, 4, 5, 5], w: [4, 1, 3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 4 },
  {
    x: [1, 2, 4, 5, 6],
    w: [3, 2, 2, 3, 2],
    stride: [1, 2, 2],
    padding: [1, 1, 0],
    dilation: [1, 1, 2],
    groups: 1,
  },
];

describeGpu("conv", () => {
  for (const { x, w, stride, padding, dilation, groups } of CASES) {
    const attrs = { stride, padding, dilation, groups };
    const out = [
      x[0]!,
      w[0]!,
      ...x.slice(2).map((size, d) => convOutputSize(size, w[d + 2]!, stride[d]!, padding[d]!, dilation[d]!)),
    ];
    test(`[${x}] with [${w}], stride ${stride}, padding ${padding}, dilation ${dilation}, ${groups} groups`, async () => {
      await expectFused("conv", [tensor(x, 1), tensor(w, 2)], attrs, close);
      await expectFused(
        "convInputGrad",
        [tensor(out, 3), tensor(w, 2)],
        { ...attrs, inputSize: x.slice(2) },
        close,
      );
      await expectFused("convWeightGrad", [tensor(out, 3), tensor(x, 1)], {
        ...attrs,
        kernelSize: w.slice(2),
      }, close);
    });
  }
  test("gradient for the weight in parts, where the depth is long", async () => {
    const attrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1, kernelSize: [3, 3] };
    await expectFused("convWeightGrad", [tensor([3, 4, 24, 24], 1), tensor([3, 2, 24, 24], 2)], attrs, {
      rtol: 1e-4,
      atol: 1e-3,
    });
  });
  test("strided inputs", async () => {
    const x = { ...tensor([2, 3, 5, 5], 1), strides: [75, 1, 15, 3] };
    await expectFused("conv", [x, tensor([2, 3, 3, 3], 2)], {
      stride: [1, 1],
      padding: [1, 1],
      dilation: [1, 1],
      groups: 1,
    }, close);
  });
});

describeGpu("pool", () => {
  for (
    const [x, kernelSize, stride, padding, dilation, ceilMode] of [
      [[2, 3, 9], [3], [2], [1], [1], false],
      [[2, 3, 9], [3], [2], [1], [2], true],
      [[1, 2, 7, 8], [3, 2], [2, 3], [1, 1], [1, 2], true],
      [[1, 2, 5, 4, 6], [2, 2, 3], [2, 1, 2], [0, 1, 1], [1, 1, 1], false],
    ] as [Shape, Shape, Shape, Shape, Shape, boolean][]
  ) {
    test(`[${x}] by ${kernelSize}, stride ${stride}, padding ${padding}, dilation ${dilation}, ceil ${ceilMode}`, async () => {
      const attrs = { kernelSize, stride, padding, dilation, ceilMode };
      await expectFused("maxPool", [tensor(x, 1)], attrs, { rtol: 0, atol: 0 });
      await expectFused("maxPoolValues", [tensor(x, 1)], attrs, { rtol: 0, atol: 0 });
      const odd = tensor(x, 1);
      odd.values.forEach((_, i) => odd.values[i] = i % 3 === 0 ? -Infinity : i % 7 === 0 ? NaN : -Infinity);
      await expectFused("maxPool", [odd], attrs, { rtol: 0, atol: 0 });
      for (const input of [tensor(x, 1), odd]) {
        const [values, places] = bindOracle("maxPool", [operand(oracle, input)], attrs);
        const { shape } = values;
        const at = { values: await valuesOf(oracle, places), shape, dtype: int32 };
        const back = { ...attrs, inputSize: x.slice(2) };
        await expectFused("maxPoolBackward", [tensor(shape, 2), at], back, close);
        const steps = contiguousStrides(shape).map((step) => 2 * step);
        const turned = contiguousStrides([...x].reverse()).reverse();
        await expectFused("maxPoolBackward", [{ ...tensor(shape, 2), strides: steps }, at], back, {
          ...close,
          layouts: [{ strides: turned, offset: 3 }],
        });
        const half = {
          values: integers(sizeOf(shape), -9, 9, 4).map(float16ToBits),
          shape,
          dtype: float16,
        };
        await expectFused("maxPoolBackward", [half, at], back, { rtol: 0, atol: 0 });
      }
      await expectFused("maxPoolValues", [odd], attrs, { rtol: 0, atol: 0 });
      if (dilation.some((d) => d !== 1)) return;
      for (const countIncludePad of [false, true]) {
        for (const divisor of [null, 5]) {
          const mean = { ...attrs, countIncludePad, divisor };
          await expectFused("avgPool", [tensor(x, 1)], mean, close);
          const out = x.slice(0, 2).concat(
            x.slice(2).map((size, d) =>
              Math.floor((size + 2 * padding[d]! - kernelSize[d]!) / stride[d]!) + 1
            ),
          );
          if (!ceilMode) {
            await expectFused("avgPoolBackward", [tensor(out, 2)], { ...mean, inputSize: x.slice(2) }, close);
          }
        }
      }
    });
  }
});
