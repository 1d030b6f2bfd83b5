/**
 * Facts of convolution and pooling.
 *
 * @module
 */

import {
  type Attrs,
  type ConvAttrs,
  convOutputSize,
  type FusedPrimitives,
  int32,
  int64,
  numelOf,
  type PoolAttrs,
  poolOutputSize,
  type Shape,
} from "@flambeau/core";
import { tolerances } from "../tolerance.ts";
import type { Make } from "../make.ts";
import { badDType, badShape, badValue, type InfosOf, type Sample } from "./facts.ts";

const { accumulated, exact } = tolerances;

type WindowName =
  | "conv"
  | "convInputGrad"
  | "convWeightGrad"
  | "maxPool"
  | "maxPoolValues"
  | "maxPoolBackward"
  | "avgPool"
  | "avgPoolBackward"
  | "resample";

interface ConvCall {
  readonly title: string;
  readonly x: Shape;
  readonly weight: Shape;
  readonly attrs: ConvAttrs;
  readonly smooth: boolean;
}

/** Attributes for as many spatial dimensions as `kernel` has, from one number each. */
function geometry(rank: number, stride = 1, padding = 0, dilation = 1, groups = 1): ConvAttrs {
  const all = (value: number): number[] => new Array(rank).fill(value);
  return { stride: all(stride), padding: all(padding), dilation: all(dilation), groups };
}

const convCalls: readonly ConvCall[] = [
  { title: "signal", x: [1, 2, 4], weight: [2, 2, 3], attrs: geometry(1), smooth: true },
  {
    title: "signal with stride and padding",
    x: [1, 1, 5],
    weight: [2, 1, 3],
    attrs: geometry(1, 2, 1),
    smooth: true,
  },
  {
    title: "signal with dilation",
    x: [1, 1, 6],
    weight: [1, 1, 2],
    attrs: geometry(1, 1, 0, 3),
    smooth: true,
  },
  {
    title: "signal in groups",
    x: [1, 4, 3],
    weight: [2, 2, 2],
    attrs: geometry(1, 1, 0, 1, 2),
    smooth: true,
  },
  { title: "image", x: [1, 1, 3, 3], weight: [1, 1, 2, 2], attrs: geometry(2), smooth: true },
  {
    title: "image with everything",
    x: [1, 2, 4, 3],
    weight: [2, 1, 2, 2],
    attrs: { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 },
    smooth: true,
  },
  {
    title: "rows that no window reaches",
    x: [1, 1, 6],
    weight: [1, 1, 2],
    attrs: geometry(1, 3),
    smooth: true,
  },
  { title: "1 by 1", x: [2, 5, 4, 4], weight: [3, 5, 1, 1], attrs: geometry(2), smooth: false },
  { title: "3 by 3", x: [2, 3, 9, 10], weight: [8, 3, 3, 3], attrs: geometry(2, 1, 1), smooth: false },
  {
    title: "3 by 3 with stride",
    x: [1, 4, 9, 9],
    weight: [5, 4, 3, 3],
    attrs: geometry(2, 2, 1),
    smooth: false,
  },
  {
    title: "depthwise",
    x: [2, 6, 7, 5],
    weight: [6, 1, 3, 3],
    attrs: geometry(2, 1, 1, 1, 6),
    smooth: false,
  },
  {
    title: "dilated image",
    x: [1, 2, 9, 9],
    weight: [3, 2, 3, 3],
    attrs: geometry(2, 1, 2, 2),
    smooth: false,
  },
  { title: "volume", x: [1, 2, 3, 4, 3], weight: [2, 2, 2, 2, 2], attrs: geometry(3, 1, 1), smooth: false },
  { title: "no batches", x: [0, 2, 4], weight: [3, 2, 3], attrs: geometry(1), smooth: false },
  { title: "no channels", x: [2, 0, 4], weight: [3, 0, 3], attrs: geometry(1), smooth: false },
];

function outputOf({ x, weight, attrs }: ConvCall): number[] {
  const sizes = x.slice(2).map((size, i) =>
    convOutputSize(size, weight[i + 2]!, attrs.stride[i]!, attrs.padding[i]!, attrs.dilation[i]!)
  );
  return [x[0]!, weight[0]!, ...sizes];
}

interface PoolCall {
  readonly title: string;
  readonly x: Shape;
  readonly attrs: PoolAttrs;
  readonly smooth: boolean;
}

function pool(kernel: Shape, stride: Shape, padding = 0, dilation = 1, ceilMode = false): PoolAttrs {
  return {
    kernelSize: kernel,
    stride,
    padding: kernel.map(() => padding),
    dilation: kernel.map(() => dilation),
    ceilMode,
  };
}

const poolCalls: readonly PoolCall[] = [
  { title: "signal", x: [1, 2, 4], attrs: pool([2], [2]), smooth: true },
  { title: "signal that overlaps", x: [1, 1, 5], attrs: pool([3], [1]), smooth: true },
  { title: "signal with padding", x: [1, 1, 5], attrs: pool([3], [2], 1), smooth: true },
  { title: "signal, rounded up", x: [1, 1, 5], attrs: pool([2], [2], 0, 1, true), smooth: true },
  { title: "padded and rounded up", x: [1, 1, 6], attrs: pool([3], [2], 1, 1, true), smooth: true },
  { title: "image", x: [1, 1, 4, 4], attrs: pool([2, 2], [2, 2]), smooth: true },
  { title: "image of other sides", x: [2, 3, 7, 9], attrs: pool([3, 2], [2, 3], 1), smooth: false },
  { title: "large image", x: [1, 2, 17, 19], attrs: pool([2, 2], [2, 2]), smooth: false },
  { title: "volume", x: [1, 2, 4, 3, 4], attrs: pool([2, 2, 2], [2, 1, 2]), smooth: false },
  { title: "no batches", x: [0, 2, 4], attrs: pool([2], [2]), smooth: false },
];

function pooledOf({ x, attrs }: PoolCall): number[] {
  const { kernelSize, stride, padding, dilation, ceilMode } = attrs;
  const sizes = x.slice(2).map((size, i) =>
    poolOutputSize(size, kernelSize[i]!, stride[i]!, padding[i]!, dilation[i]!, ceilMode)
  );
  return [x[0]!, x[1]!, ...sizes];
}

const means:
  readonly (readonly [title: string, attrs: Pick<Attrs<"avgPool">, "countIncludePad" | "divisor">])[] = [
    ["with the padding", { countIncludePad: true, divisor: null }],
    ["without the padding", { countIncludePad: false, divisor: null }],
    ["by a divisor", { countIncludePad: true, divisor: 3 }],
  ];

const signal = "float32[1, 2, 5]";
const mean = { countIncludePad: true, divisor: null };

/** Samples of the largest values of windows, with their places and without. */
function maxPoolSamples(make: Make): Sample<"maxPool" | "maxPoolValues">[] {
  return [
    ...poolCalls.map((call): Sample<"maxPool" | "maxPoolValues"> => ({
      title: call.title,
      inputs: [make.distinct(call.x)],
      attrs: call.attrs,
      smooth: call.smooth,
    })),
    { title: "dilated", inputs: [make.distinct([1, 1, 7])], attrs: pool([2], [2], 1, 3), smooth: true },
    { title: "ties", inputs: [make.of([1, 1, 0, 2, 2, 2], [1, 1, 6])], attrs: pool([3], [3]) },
    {
      title: "edges",
      inputs: [make.of([-Infinity, -Infinity, 1, NaN, 3, Infinity, 2, -Infinity, -Infinity], [1, 1, 9])],
      attrs: pool([3], [2], 1),
      edge: true,
    },
  ];
}

/** Facts of convolution and pooling. */
export const windowInfos: InfosOf<Pick<FusedPrimitives<unknown>, WindowName>> = {
  conv: {
    tolerance: accumulated,
    differentiable: [0, 1],
    errors: [
      badShape([signal, "float32[3, 4, 2]"], geometry(1), "got 2"),
      badShape([signal, "float32[3, 2, 6]"], geometry(1), "got 6 over 5 at spatial dimension 0"),
      badShape([signal, "float32[3, 2]"], geometry(1), "got rank 2"),
      badShape(["float32[2, 5]", "float32[3, 2]"], geometry(0), "got [2, 5]"),
      badShape([signal, "float32[3, 1, 2]"], geometry(1, 1, 0, 1, 2), "got 3"),
      badShape([signal, "float32[3, 2, 2]"], geometry(2), "got [1, 1]"),
      badValue([signal, "float32[3, 2, 2]"], geometry(1, 0), "got [0]"),
      badValue([signal, "float32[3, 2, 2]"], geometry(1, 1, -1), "got [-1]"),
      badValue([signal, "float32[3, 2, 2]"], geometry(1, 1, 0, 0), "got [0]"),
    ],
    samples: (make) =>
      convCalls.map((call): Sample<"conv"> => ({
        title: call.title,
        inputs: [make.values(call.x, -1, 1), make.values(call.weight, -1, 1)],
        attrs: call.attrs,
        smooth: call.smooth,
      })),
  },

  convInputGrad: {
    tolerance: accumulated,
    differentiable: [0, 1],
    errors: [
      badShape(["float32[1, 3, 4]", "float32[3, 2, 3]"], { ...geometry(1), inputSize: [5] }, "got [1, 3, 4]"),
      badShape(["float32[1, 3, 4]", "float32[3, 2, 3]"], { ...geometry(1), inputSize: [6, 1] }, "got [6, 1]"),
      badValue(["float32[1, 3, 4]", "float32[3, 2, 3]"], { ...geometry(1), inputSize: [-6] }, "got [-6]"),
    ],
    samples: (make) =>
      convCalls.map((call): Sample<"convInputGrad"> => ({
        title: call.title,
        inputs: [make.values(outputOf(call), -1, 1), make.values(call.weight, -1, 1)],
        attrs: { ...call.attrs, inputSize: call.x.slice(2) },
        smooth: call.smooth,
      })),
  },

  convWeightGrad: {
    tolerance: accumulated,
    differentiable: [0, 1],
    errors: [
      badShape(["float32[1, 3, 4]", signal], { ...geometry(1), kernelSize: [3] }, "got [1, 3, 4]"),
      badShape(["float32[1, 3, 3]", signal], { ...geometry(1), kernelSize: [3, 1] }, "got [3, 1]"),
      badShape(["float32[1, 3, 3]", signal], { ...geometry(1, 1, 0, 1, 2), kernelSize: [3] }, "got 3 and 2"),
      badValue(["float32[1, 3, 3]", signal], { ...geometry(1), kernelSize: [0] }, "got [0]"),
    ],
    samples: (make) =>
      convCalls.map((call): Sample<"convWeightGrad"> => ({
        title: call.title,
        inputs: [make.values(outputOf(call), -1, 1), make.values(call.x, -1, 1)],
        attrs: { ...call.attrs, kernelSize: call.weight.slice(2) },
        smooth: call.smooth,
      })),
  },

  maxPool: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badShape(["float32[2, 5]"], pool([], []), "got [2, 5]"),
      badShape([signal], pool([6], [1]), "output size [0]"),
      badShape([signal], pool([2, 2], [1, 1]), "got [2, 2]"),
      badValue([signal], pool([2], [0]), "got [0]"),
      badValue([signal], pool([2], [1], 2), "got [2]"),
    ],
    samples: maxPoolSamples,
  },

  maxPoolValues: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badShape(["float32[2, 5]"], pool([], []), "got [2, 5]"),
      badShape([signal], pool([6], [1]), "output size [0]"),
      badShape([signal], pool([2, 2], [1, 1]), "got [2, 2]"),
      badValue([signal], pool([2], [0]), "got [0]"),
      badValue([signal], pool([2], [1], 2), "got [2]"),
    ],
    samples: maxPoolSamples,
  },

  maxPoolBackward: {
    tolerance: accumulated,
    differentiable: [0],
    errors: [
      badShape(["float32[1, 2, 3]", "int32[1, 2, 2]"], { inputSize: [5] }, "got [1, 2, 2]"),
      badDType(["float32[1, 2, 3]", "float32[1, 2, 3]"], { inputSize: [5] }, "got float32"),
      badShape(["float32[1, 2, 3]", "int32[1, 2, 3]"], { inputSize: [5, 1] }, "got [5, 1]"),
      badValue(["float32[1, 2, 3]", "int32[1, 2, 3]"], { inputSize: [-5] }, "got [-5]"),
      badShape(
        ["float32[1, 2, 3]", "int32[1, 2, 3]"],
        { ...pool([2], [2]), inputSize: [4] },
        "got [1, 2, 3]",
      ),
    ],
    samples: (make) => [
      ...poolCalls.map((call): Sample<"maxPoolBackward"> => {
        const shape = pooledOf(call);
        const inputSize = call.x.slice(2);
        return {
          title: call.title,
          inputs: [make.values(shape), make.places(shape, numelOf(inputSize))],
          attrs: { inputSize },
          smooth: call.smooth,
        };
      }),
      {
        title: "places by int64 that repeat",
        inputs: [make.values([1, 2, 3]), make.of([1, 1, 1, 0, 3, 0], [1, 2, 3], int64)],
        attrs: { inputSize: [4] },
        smooth: true,
      },
      {
        title: "of an image",
        inputs: [make.values([1, 1, 2, 2]), make.of([0, 3, 3, 5], [1, 1, 2, 2], int32)],
        attrs: { inputSize: [2, 3] },
        smooth: true,
      },
      {
        title: "of windows",
        inputs: [make.values([1, 1, 2, 2]), make.of([4, 5, 12, 5], [1, 1, 2, 2], int32)],
        attrs: { ...pool([3, 3], [2, 2], 1), inputSize: [4, 4] },
        smooth: true,
      },
    ],
  },

  avgPool: {
    tolerance: accumulated,
    differentiable: [0],
    errors: [
      badShape([signal], { ...pool([2], [1], 0, 2), ...mean }, "got [2]"),
      badShape([signal], { ...pool([6], [1]), ...mean }, "output size [0]"),
      badValue([signal], { ...pool([2], [1]), ...mean, divisor: 0 }, "got 0"),
      badValue([signal], { ...pool([2], [1], 2), ...mean }, "got [2]"),
    ],
    samples: (make) =>
      means.flatMap(([meanTitle, by]) =>
        poolCalls.map((call): Sample<"avgPool"> => ({
          title: `${call.title}, ${meanTitle}`,
          inputs: [make.values(call.x)],
          attrs: { ...call.attrs, ...by },
          smooth: call.smooth,
        }))
      ),
  },

  avgPoolBackward: {
    tolerance: accumulated,
    differentiable: [0],
    errors: [
      badShape(["float32[1, 2, 3]"], { ...pool([2], [1]), ...mean, inputSize: [5] }, "got [1, 2, 3]"),
      badShape(["float32[1, 2, 4]"], { ...pool([2], [1]), ...mean, inputSize: [5, 1] }, "got [5, 1]"),
      badValue(["float32[1, 2, 4]"], { ...pool([2], [1]), ...mean, inputSize: [5], divisor: 0 }, "got 0"),
    ],
    samples: (make) =>
      means.flatMap(([meanTitle, by]) =>
        poolCalls.map((call): Sample<"avgPoolBackward"> => ({
          title: `${call.title}, ${meanTitle}`,
          inputs: [make.values(pooledOf(call))],
          attrs: { ...call.attrs, ...by, inputSize: call.x.slice(2) },
          smooth: call.smooth,
        }))
      ),
  },

  resample: {
    tolerance: accumulated,
    differentiable: [0],
    errors: [
      badDType(["float32[2, 3]", "float32[2, 3]", "float32[2, 3]"], { dim: 1, size: null }, "got float32"),
      badShape(["float32[2, 3]", "int32[3]", "float32[3]"], { dim: 1, size: null }, "got [3]"),
      badShape(["float32[2, 3]", "int32[2, 4]", "float32[2, 3]"], { dim: 1, size: null }, "got [2, 3]"),
      badShape(["float32[2, 3]", "int32[2, 4]", "float32[2, 4]"], { dim: 1, size: 5 }, "got 3"),
      badValue(["float32[2, 3]", "int32[2, 3]", "float32[2, 3]"], { dim: 1, size: -1 }, "got -1"),
    ],
    samples: (make) => {
      const table = [make.of([0, 1, 1, 2, 1, 2, 0, 2], [2, 4], int32), make.values([2, 4])] as const;
      const back = [make.of([0, 1, 4, 4, 1, 3], [2, 3], int32), make.values([2, 3])] as const;
      return [
        {
          title: "rows",
          inputs: [make.values([3, 2]), ...table],
          attrs: { dim: 0, size: null },
          smooth: [0],
        },
        {
          title: "columns",
          inputs: [make.values([2, 3]), ...table],
          attrs: { dim: 1, size: null },
          smooth: [0],
        },
        {
          title: "added to columns",
          inputs: [make.values([2, 3]), ...back],
          attrs: { dim: 1, size: 5 },
          smooth: [0],
        },
        { title: "added to planes", inputs: [make.values([2, 3, 4]), ...back], attrs: { dim: 1, size: 5 } },
        {
          title: "many sums of nine",
          inputs: [
            make.values([2, 4]),
            make.of(Array.from({ length: 18 }, (_, i) => (3 * i) % 4), [9, 2], int32),
            make.values([9, 2]),
          ],
          attrs: { dim: 1, size: null },
          smooth: [0],
        },
        { title: "no rows", inputs: [make.values([0, 3]), ...table], attrs: { dim: 1, size: null } },
        { title: "no rows to add", inputs: [make.values([0, 3]), ...back], attrs: { dim: 1, size: 5 } },
        { title: "many rows", inputs: [make.values([11, 3]), ...table], attrs: { dim: 1, size: null } },
        {
          title: "eight rows and three, turned",
          inputs: [
            make.values([11, 5]),
            make.of([0, 1, 4, 4, 2, 3, 1, 3, 0, 2, 4, 4], [2, 6], int32),
            make.values([2, 6]),
          ],
          attrs: { dim: 1, size: null },
        },
        {
          title: "eight rows and three added, turned",
          inputs: [
            make.values([11, 6]),
            make.of([0, 1, 4, 4, 2, 3, 1, 3, 0, 2, 4, 4], [2, 6], int32),
            make.values([2, 6]),
          ],
          attrs: { dim: 1, size: 5 },
        },
      ];
    },
  },
};
