import {
  type Attrs,
  type Bind,
  convOutputSize,
  float64,
  numelOf,
  type Operand,
  poolOutputSize,
  type Shape,
} from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { Evaluator } from "@flambeau/testing";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { decompositions } from "../decompose.ts";

/*
 * Convolution is linear in x and in its weight, and average pooling in x: a gradient is the transposed map, so
 * ⟨conv(x, w), g⟩ = ⟨x, convInputGrad(g, w)⟩ = ⟨w, convWeightGrad(g, x)⟩. On small integers that holds exactly.
 */

const evaluator = new Evaluator(createReferenceBackend(), { decomposeAll: true });
const bind: Bind<Operand> = evaluator.bind;
afterEach(() => evaluator.dispose());

function integers(shape: Shape, key: number): Operand {
  return bind("randomInt", [], { shape, dtype: float64, key: [key, 1], counter: 0, low: -4, high: 5 });
}

async function dot(x: Operand, y: Operand): Promise<number> {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [await evaluator.get(x), await evaluator.get(y)] as [Float64Array, Float64Array];
  return a.reduce((total, value, i) => total + value * b[i]!, 0);
}

const dimension = fc.record({
  size: fc.integer({ min: 1, max: 6 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 4 }),
  padding: fc.integer({ min: 0, max: 3 }),
  dilation: fc.integer({ min: 1, max: 3 }),
});

describe("convolution and its gradients", () => {
  const geometry = fc.record({
    dims: fc.array(
      dimension.filter(({ size, kernel, padding, dilation }) =>
        convOutputSize(size, kernel, 1, padding, dilation) >= 1
      ),
      { minLength: 1, maxLength: 3 },
    ),
    batch: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 2 }),
    channelsIn: fc.integer({ min: 1, max: 2 }),
    channelsOut: fc.integer({ min: 1, max: 2 }),
  });

  it("are transposed maps of one another for every geometry", async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ dims, batch, groups, channelsIn, channelsOut }) => {
        const attrs = {
          stride: dims.map((d) => d.stride),
          padding: dims.map((d) => d.padding),
          dilation: dims.map((d) => d.dilation),
          groups,
        };
        const inputSize = dims.map((d) => d.size);
        const kernelSize = dims.map((d) => d.kernel);
        const x = integers([batch, groups * channelsIn, ...inputSize], 1);
        const w = integers([groups * channelsOut, channelsIn, ...kernelSize], 2);
        const y = decompositions.conv(bind, [x, w], attrs);
        const g = integers(y.shape, 3);
        const expected = await dot(y, g);
        expect(await dot(x, decompositions.convInputGrad(bind, [g, w], { ...attrs, inputSize }))).toBe(
          expected,
        );
        expect(await dot(w, decompositions.convWeightGrad(bind, [g, x], { ...attrs, kernelSize }))).toBe(
          expected,
        );
        evaluator.dispose();
      }),
    );
  });
});

describe("pooling and its gradients", () => {
  const geometry = fc.record({
    dims: fc.array(
      dimension.filter(({ size, kernel, padding }) => padding <= kernel / 2 && size + 2 * padding >= kernel),
      { minLength: 1, maxLength: 3 },
    ),
    ceilMode: fc.boolean(),
    countIncludePad: fc.boolean(),
    divisor: fc.constantFrom(null, 2),
  });

  it("are transposed maps of one another for every geometry", async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ dims, ceilMode, countIncludePad, divisor }) => {
        const inputSize = dims.map((d) => d.size);
        const attrs: Attrs<"maxPool"> = {
          kernelSize: dims.map((d) => d.kernel),
          stride: dims.map((d) => d.stride),
          padding: dims.map((d) => d.padding),
          dilation: dims.map(() => 1),
          ceilMode,
        };
        const outSize = dims.map((d) => poolOutputSize(d.size, d.kernel, d.stride, d.padding, 1, ceilMode));
        const x = integers([2, 1, ...inputSize], 1);
        const g = integers([2, 1, ...outSize], 2);

        const mean = { ...attrs, countIncludePad, divisor };
        const y = decompositions.avgPool(bind, [x], mean);
        const gx = decompositions.avgPoolBackward(bind, [g], { ...mean, inputSize });
        expect(await dot(x, gx)).toBeCloseTo(await dot(y, g), 10);

        const [values, places] = decompositions.maxPool(bind, [x], attrs);
        const flat = bind("view", [x], { shape: [2, 1, numelOf(inputSize)] });
        const index = bind("view", [places], { shape: [2, 1, numelOf(outSize)] });
        const found = bind("view", [bind("gather", [flat, index], { dim: 2 })], { shape: values.shape });
        expect(await evaluator.get(found)).toEqual(await evaluator.get(values));
        const spread = decompositions.maxPoolBackward(bind, [g, places], { inputSize });
        expect(await dot(x, spread)).toBe(await dot(values, g));
        evaluator.dispose();
      }),
    );
  });
});
