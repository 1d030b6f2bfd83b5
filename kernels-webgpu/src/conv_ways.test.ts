import {
  type Backend,
  bfloat16,
  bfloat16ToBits,
  contiguousStrides,
  type ConvAttrs,
  convOutputSize,
  float16,
  float16ToBits,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { expect, test } from "vitest";
import type { Choice } from "./kernels/gemm/tiles.ts";
import { ownKernels } from "./kernels/table.ts";
import {
  bindOracle,
  describeGpu,
  integers,
  operand,
  oracle,
  results,
  type Spec,
  valuesOf,
} from "./test_support.ts";
import {
  expectValid,
  textsToTry,
  tuned as tunedDevice,
  tunedLimits,
  type Tuning,
  unfilled,
} from "./tuned_support.ts";

/** Whole numbers, whose sums are exact in any order. */
const tensor = (shape: Shape, seed: number): Spec => ({
  values: integers(shape.reduce((a, b) => a * b, 1), -4, 4, seed),
  shape,
});

/** The same elements with channels next to one another in memory. */
function channelsLast(spec: Spec): Spec {
  const order = [0, ...spec.shape.slice(2).map((_, d) => d + 2), 1];
  const steps = contiguousStrides(order.map((d) => spec.shape[d]!));
  return { ...spec, strides: spec.shape.map((_, d) => steps[order.indexOf(d)]!) };
}

async function expectEqual(
  on: Backend,
  name: "conv" | "convInputGrad" | "convWeightGrad",
  specs: readonly Spec[],
  attrs: never,
  where: { layouts?: { strides: Shape; offset: number }[] } = {},
): Promise<void> {
  const want = bindOracle(
    name as "exp",
    specs.map((spec) => operand(oracle, spec)) as [Operand],
    attrs as null,
  ) as Operand;
  const exact = await valuesOf(oracle, want);
  const got = (await results(on, name, specs, attrs, where)).values[0]!;
  expect(got.length).toBe(exact.length);
  const wrong = got.findIndex((value, i) => value !== exact[i]);
  if (wrong >= 0) expect.fail(`${name}: element ${wrong} must be ${exact[wrong]}, got ${got[wrong]}`);
}

interface Case {
  readonly x: Shape;
  readonly w: Shape;
  readonly stride?: Shape;
  readonly padding?: Shape;
  readonly dilation?: Shape;
  readonly groups?: number;
}

/** The attributes of a case, and the shape of its result. */
function attrsOf({ x, w, groups = 1, ...rest }: Case): { attrs: ConvAttrs; out: Shape } {
  const same = (value: number): number[] => x.slice(2).map(() => value);
  const { stride = same(1), padding = same(0), dilation = same(1) } = rest;
  const out = x.slice(2).map((size, d) =>
    convOutputSize(size, w[d + 2]!, stride[d]!, padding[d]!, dilation[d]!)
  );
  return { attrs: { stride, padding, dilation, groups }, out: [x[0]!, w[0]!, ...out] };
}

/** All three convolutions of a case. */
async function expectAll(
  on: Backend,
  sizes: Case,
  layout: (spec: Spec) => Spec = (spec) => spec,
): Promise<void> {
  const { x, w } = sizes;
  const { attrs, out } = attrsOf(sizes);
  const g = tensor(out, 3);
  const [tx, tw, tg] = [tensor(x, 1), tensor(w, 2), g].map(layout) as [Spec, Spec, Spec];
  const where = (spec: Spec) =>
    spec.strides === undefined ? {} : { layouts: [{ strides: spec.strides, offset: 5 }] };
  await expectEqual(on, "conv", [tx, tw], attrs as never, where(tg));
  await expectEqual(on, "convInputGrad", [tg, tw], { ...attrs, inputSize: x.slice(2) } as never, where(tx));
  await expectEqual(on, "convWeightGrad", [tg, tx], { ...attrs, kernelSize: w.slice(2) } as never, where(tw));
}

const CASES: Readonly<Record<string, Case>> = {
  "3 × 3 with padding": { x: [2, 8, 12, 12], w: [20, 8, 3, 3], padding: [1, 1] },
  "few channels of the input": { x: [2, 1, 10, 9], w: [24, 1, 3, 3] },
  "many channels of a small input": { x: [3, 36, 2, 2], w: [40, 36, 2, 2], padding: [1, 0] },
  "stride 2 and dilation 2": {
    x: [2, 5, 11, 13],
    w: [18, 5, 3, 3],
    stride: [2, 2],
    padding: [2, 1],
    dilation: [2, 2],
  },
  "1 × 1, images one by one": { x: [2, 12, 8, 8], w: [20, 12, 1, 1] },
  "1 × 1, images in a row": { x: [3, 12, 3, 3], w: [20, 12, 1, 1] },
  "1 × 1 in groups": { x: [2, 40, 9, 8], w: [36, 20, 1, 1], groups: 2 },
  "1 × 1 with stride": { x: [2, 6, 7, 7], w: [17, 6, 1, 1], stride: [2, 2] },
  "depthwise": { x: [2, 6, 9, 9], w: [6, 1, 3, 3], padding: [1, 1], groups: 6 },
  "depthwise with two results, stride 2": {
    x: [2, 5, 12, 10],
    w: [10, 1, 5, 3],
    stride: [2, 2],
    padding: [2, 1],
    groups: 5,
  },
  "depthwise in one dimension, seven taps": { x: [3, 4, 70], w: [4, 1, 7], padding: [6], groups: 4 },
  "depthwise in one dimension with many results": {
    x: [2, 3, 40],
    w: [51, 1, 11],
    stride: [2],
    padding: [3],
    dilation: [2],
    groups: 3,
  },
  "depthwise in three dimensions": {
    x: [2, 3, 5, 6, 7],
    w: [6, 1, 2, 3, 2],
    stride: [2, 1, 1],
    padding: [1, 0, 1],
    dilation: [1, 2, 1],
    groups: 3,
  },
  "depthwise in three dimensions without stride": { x: [1, 2, 4, 5, 6], w: [2, 1, 3, 3, 3], groups: 2 },
  "depthwise of tall windows": { x: [2, 2, 30, 12], w: [2, 1, 27, 1], padding: [13, 0], groups: 2 },
  "depthwise of wide windows": { x: [2, 2, 6, 30], w: [4, 1, 2, 17], padding: [1, 8], groups: 2 },
  "depthwise, far dilated, beyond the image": {
    x: [1, 3, 9, 9],
    w: [3, 1, 3, 3],
    padding: [8, 9],
    dilation: [8, 9],
    groups: 3,
  },
  "depthwise, one place": { x: [2, 20, 3, 3], w: [20, 1, 3, 3], groups: 20 },
  "depthwise, 1 × 1": { x: [2, 20, 5, 3], w: [40, 1, 1, 1], groups: 20 },
  "depthwise, stride beyond the window": { x: [2, 3, 13, 14], w: [3, 1, 2, 2], stride: [3, 4], groups: 3 },
  "depthwise, sums in parts": { x: [4, 2, 40, 40], w: [2, 1, 3, 3], padding: [1, 1], groups: 2 },
  "large groups": { x: [1, 36, 6, 6], w: [40, 18, 3, 3], padding: [1, 1], groups: 2 },
  "one dimension": { x: [2, 4, 100], w: [18, 4, 7], stride: [3], padding: [3] },
  "three dimensions": { x: [1, 3, 5, 6, 7], w: [18, 3, 2, 3, 2], stride: [1, 2, 1], padding: [1, 0, 1] },
};

/** Software drivers take long to compile. */
const SLOW = 120_000;

for (const brief of textsToTry) {
  describeGpu(`convolutions, ${brief ? "short texts" : "texts for hardware"}`, () => convTests(brief));
}

function convTests(brief: boolean): void {
  const tuned = (forced: Partial<Choice>, tuning: Tuning = {}): Backend =>
    tunedDevice(forced, { ...tuning, brief });
  for (const [name, sizes] of Object.entries(CASES)) {
    test(`${name}: result and gradients`, async () => {
      await expectAll(tuned({}), sizes);
    }, SLOW);
  }
  for (
    const choice of [{ way: "64x64x16", parts: 1 }, { way: "32x64x32", parts: 3 }, { parts: 2 }] as Partial<
      Choice
    >[]
  ) {
    test(`in the way ${choice.way ?? "of the rules"}, in ${choice.parts} parts`, async () => {
      const on = tuned(choice);
      await expectAll(on, CASES["3 × 3 with padding"]!);
      await expectAll(on, { x: [2, 80, 8, 8], w: [20, 80, 1, 1] });
      await expectAll(on, CASES[choice.way === "64x64x16" ? "1 × 1 in groups" : "depthwise"]!);
    }, SLOW);
  }
  test("channels next to one another in memory", async () => {
    for (
      const name of [
        "stride 2 and dilation 2",
        "1 × 1, images one by one",
        "depthwise",
        "depthwise with two results, stride 2",
      ]
    ) {
      await expectAll(tuned({}), CASES[name]!, channelsLast);
    }
  }, SLOW);
  test("halves are rounded once", async () => {
    const half = (spec: Spec): Spec => ({
      ...spec,
      dtype: float16,
      values: Array.from(spec.values, float16ToBits),
    });
    const brain = (spec: Spec): Spec => ({
      ...spec,
      dtype: bfloat16,
      values: Array.from(spec.values, bfloat16ToBits),
    });
    for (const name of ["depthwise", "depthwise, sums in parts", "depthwise with two results, stride 2"]) {
      await expectAll(tuned({}), CASES[name]!, half);
      await expectAll(tuned({}), CASES[name]!, brain);
    }
    await expectAll(tuned({}), CASES["3 × 3 with padding"]!, half);
    await expectAll(tuned({}), CASES["1 × 1, images one by one"]!, half);
  }, SLOW);
  test("images beyond the binding limit are done in pieces", async () => {
    await expectAll(tuned({}, { maxBindingBytes: 4096 }), {
      x: [5, 3, 10, 10],
      w: [5, 3, 3, 3],
      padding: [1, 1],
    });
    await expectAll(tuned({}, { maxBindingBytes: 4096 }), { x: [4, 4, 9, 9], w: [6, 4, 1, 1] });
    await expectAll(tuned({}, { maxBindingBytes: 4096 }), {
      x: [5, 4, 11, 9],
      w: [8, 1, 3, 3],
      stride: [1, 2],
      groups: 4,
    });
  }, SLOW);
}

describeGpu("convolutions", () => {
  test("texts for hardware pass the checks of this runtime", async () => {
    const { conv, convInputGrad, convWeightGrad } = ownKernels(tunedLimits({}, { brief: false }));
    const dispatches = Object.values(CASES).flatMap((sizes) => {
      const { attrs, out } = attrsOf(sizes);
      const [x, w, g] = [unfilled(sizes.x), unfilled(sizes.w), unfilled(out)];
      return [
        conv!([x, w], g, attrs),
        convInputGrad!([g, w], x, { ...attrs, inputSize: sizes.x.slice(2) }),
        convWeightGrad!([g, x], w, { ...attrs, kernelSize: sizes.w.slice(2) }),
      ];
    });
    await expectValid(dispatches);
  });
});
