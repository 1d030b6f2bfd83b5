/**
 * Facts of the normalizations, attention and the losses.
 *
 * @module
 */

import {
  type Attrs,
  type CrossEntropyAttrs,
  type DType,
  type FusedPrimitives,
  int32,
  int64,
  type Shape,
} from "@flambeau/core";
import { type HostTensor, numbersOf } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import { tolerances } from "../tolerance.ts";
import { badDType, badShape, badValue, type InfosOf, type Sample } from "./facts.ts";

const { composed, accumulated } = tolerances;

type NormName =
  | "groupNorm"
  | "groupNormBackward"
  | "layerNorm"
  | "layerNormBackward"
  | "batchNorm"
  | "batchNormBackward"
  | "attention"
  | "attentionBackward"
  | "nllLoss"
  | "crossEntropy"
  | "crossEntropyBackward";

/** Throws unless each group of `x`'s elements that share `groupOf` has mean 0 and variance 1. */
function checkNormal(x: HostTensor, groupOf: (i: number) => number, eps: number): void {
  const groups = new Map<number, number[]>();
  numbersOf(x).forEach((value, i) => {
    const key = groupOf(i);
    groups.set(key, [...groups.get(key) ?? [], value]);
  });
  const slack = x.dtype.itemsize === 2 ? 0.05 : 1e-4;
  for (const [key, values] of groups) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    if (Math.abs(mean) > slack) throw new Error(`the mean of group ${key} is ${mean}`);
    if (Math.abs(square - 1) > slack + 10 * eps) throw new Error(`the variance of group ${key} is ${square}`);
  }
}

const ones = (make: Make, shape: Shape): HostTensor =>
  make.of(new Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape);
const zeros = (make: Make, shape: Shape): HostTensor =>
  make.of(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape);

/** Values spread out enough that the variance of a few is far from 0. */
const spread = (make: Make, shape: Shape): HostTensor => make.distinct(shape, 0.375);

const layerShapes: readonly (readonly [title: string, x: Shape, weight: Shape, smooth: boolean])[] = [
  ["rows", [2, 3], [3], true],
  ["two dimensions", [2, 2, 2], [2, 2], true],
  ["long rows", [5, 67], [67], false],
  ["batches of rows", [2, 3, 16], [16], false],
  ["no rows", [0, 3], [3], false],
];

/** The shape of mean and 1/σ. */
function statistics(x: Shape, weight: Shape): number[] {
  return x.map((size, d) => d < x.length - weight.length ? size : 1);
}

const groupShapes: readonly (readonly [title: string, x: Shape, smooth: boolean])[] = [
  ["groups", [2, 2, 1, 3], true],
  ["channels alone", [2, 1, 4, 1], true],
  ["images", [2, 3, 4, 35], false],
  ["one group", [3, 1, 5, 16], false],
  ["long", [2, 2, 3, 67], false],
  ["no samples", [0, 2, 2, 3], false],
];

const batchShapes: readonly (readonly [title: string, x: Shape, smooth: boolean])[] = [
  ["rows", [4, 2], true],
  ["signals", [2, 2, 2], true],
  ["images", [3, 5, 4, 3], false],
  ["long", [2, 3, 67], false],
  ["no channels", [2, 0], false],
];

interface AttentionCall {
  readonly title: string;
  readonly q: Shape;
  readonly k: Shape;
  readonly v: Shape;
  readonly bias: Shape | null;
  readonly causal: boolean;
  readonly smooth: boolean;
}

function attentionCall(
  title: string,
  [q, k, v]: readonly [q: Shape, k: Shape, v: Shape],
  { bias = null, causal = false, smooth = false }: Partial<AttentionCall> = {},
): AttentionCall {
  return { title, q, k, v, bias, causal, smooth };
}

const attentionCalls: readonly AttentionCall[] = [
  attentionCall("square", [[2, 2], [2, 2], [2, 2]], { smooth: true }),
  attentionCall("causal", [[2, 2], [2, 2], [2, 2]], { causal: true, smooth: true }),
  attentionCall("other lengths and widths", [[2, 1], [3, 1], [3, 2]], { smooth: true }),
  attentionCall("bias", [[2, 1], [2, 1], [2, 1]], { bias: [2, 2], smooth: true }),
  attentionCall("causal with a bias that broadcasts", [[2, 1], [3, 1], [3, 1]], {
    bias: [1, 3],
    causal: true,
    smooth: true,
  }),
  attentionCall("heads", [[2, 3, 5, 4], [2, 3, 7, 4], [2, 3, 7, 6]]),
  attentionCall("heads, causal", [[2, 2, 9, 8], [2, 2, 9, 8], [2, 2, 9, 8]], { causal: true }),
  attentionCall("heads with a bias for all", [[2, 2, 5, 4], [2, 2, 5, 4], [2, 2, 5, 4]], { bias: [5, 5] }),
  attentionCall("beyond a block", [[1, 70, 32], [1, 70, 32], [1, 70, 32]], { causal: true }),
  attentionCall("no keys", [[2, 3], [0, 3], [0, 4]]),
  attentionCall("no queries", [[0, 3], [2, 3], [2, 4]]),
  attentionCall("no batches", [[0, 2, 3], [0, 2, 3], [0, 2, 3]]),
];

/** A call of crossEntropy: the shape of the scores, a class for each target, and whether classes have weights. */
interface ClassesCall {
  readonly title: string;
  readonly x: Shape;
  readonly target: readonly number[] | "many";
  readonly dtype?: DType;
  readonly weighted?: boolean;
  readonly attrs: CrossEntropyAttrs;
  readonly smooth: boolean;
}

const classesCalls: readonly ClassesCall[] = (["mean", "sum", "none"] as const).flatMap(
  (reduction): ClassesCall[] => {
    const attrs = { reduction, ignoreIndex: -100, smoothing: 0 };
    return [
      { title: `${reduction}`, x: [3, 2], target: [1, 0, 1], attrs, smooth: true },
      {
        title: `${reduction}, weights and int64 with an ignored row`,
        x: [3, 3],
        target: [2, -100, 0],
        dtype: int64,
        weighted: true,
        attrs,
        smooth: true,
      },
      {
        title: `${reduction}, smoothing and an ignored class`,
        x: [4, 3],
        target: [2, 1, 0, 1],
        attrs: { reduction, ignoreIndex: 1, smoothing: 0.3 },
        smooth: true,
      },
      {
        title: `${reduction}, images`,
        x: [2, 2, 1, 2],
        target: [1, 0, -100, 1],
        weighted: true,
        attrs: { ...attrs, smoothing: 0.1 },
        smooth: true,
      },
      { title: `${reduction}, many`, x: [60, 11], target: "many", weighted: true, attrs, smooth: false },
      {
        title: `${reduction}, many of an image`,
        x: [2, 19, 6, 5],
        target: "many",
        attrs: { ...attrs, smoothing: 0.2 },
        smooth: false,
      },
      { title: `${reduction}, long rows`, x: [3, 531], target: "many", attrs, smooth: false },
      {
        title: `${reduction}, all ignored`,
        x: [2, 3],
        target: [-1, -1],
        attrs: { ...attrs, ignoreIndex: -1 },
        smooth: false,
      },
      { title: `${reduction}, no rows`, x: [0, 3], target: [], attrs, smooth: false },
    ];
  },
);

/** Scores, classes and weights of a call. */
function classesOf(
  make: Make,
  { x, target, dtype = int32, weighted = false }: ClassesCall,
): [x: HostTensor, target: HostTensor, weight: HostTensor | null] {
  const shape = [x[0]!, ...x.slice(2)];
  const classes = target === "many" ? make.places(shape, x[1]!) : make.of(target, shape, dtype);
  return [make.distinct(x, 0.375), classes, weighted ? make.values([x[1]!], 0.5, 2) : null];
}

/** Facts of the normalizations, attention and the losses. */
export const normInfos: InfosOf<Pick<FusedPrimitives<unknown>, NormName>> = {
  groupNorm: {
    tolerance: composed,
    differentiable: [0, 1, 2],
    errors: [
      badShape(["float32[2, 3]", "float32[3]", "float32[3]"], { eps: 1e-5 }, "got [2, 3]"),
      badShape(["float32[2, 3, 4, 5]", "float32[4]", "float32[4]"], { eps: 1e-5 }, "got [4]"),
      badShape(["float32[2, 3, 4, 5]", "float32[3, 4]", "float32[12]"], { eps: 1e-5 }, "got [12]"),
    ],
    samples: (make) => [
      ...groupShapes.map(([title, x, smooth]): Sample<"groupNorm"> => ({
        title,
        inputs: [spread(make, x), make.values(x.slice(1, 3)), make.values(x.slice(1, 3))],
        attrs: { eps: 1e-5 },
        smooth,
      })),
      {
        title: "without weight and bias",
        inputs: [spread(make, [3, 2, 2, 8]), ones(make, [2, 2]), zeros(make, [2, 2])],
        attrs: { eps: 1e-5 },
      },
    ],
    check([x, weight, bias], [y], { eps }) {
      if (!numbersOf(weight).every((w) => w === 1) || !numbersOf(bias).every((b) => b === 0)) return;
      const size = x.shape[2]! * x.shape[3]!;
      if (numbersOf(x).every((value, i, all) => i % size === 0 || value === all[i - 1])) return;
      checkNormal(y!, (i) => Math.floor(i / size), eps);
    },
  },

  groupNormBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4],
    errors: [
      badShape(
        ["float32[3]", "float32[2, 3, 4, 5]", "float32[3, 4]", "float32[2, 3, 1, 1]", "float32[2, 3, 1, 1]"],
        null,
        "got [3]",
      ),
      badShape(
        [
          "float32[2, 3, 4, 5]",
          "float32[2, 3, 4, 5]",
          "float32[3, 4]",
          "float32[2, 3]",
          "float32[2, 3, 1, 1]",
        ],
        null,
        "got [2, 3]",
      ),
      badShape(
        ["float32[2, 3, 4, 5]", "float32[2, 3, 4, 5]", "float32[3, 4]", "float32[2, 3, 1, 1]", "float32[3]"],
        null,
        "got [3]",
      ),
    ],
    samples: (make) =>
      groupShapes.map(([title, x, smooth]): Sample<"groupNormBackward"> => ({
        title,
        inputs: [
          make.values(x),
          make.values(x),
          make.values(x.slice(1, 3)),
          make.values([x[0]!, x[1]!, 1, 1], -0.5, 0.5),
          make.values([x[0]!, x[1]!, 1, 1], 0.5, 1.5),
        ],
        attrs: null,
        smooth,
      })),
  },

  layerNorm: {
    tolerance: composed,
    differentiable: [0, 1, 2],
    errors: [
      badShape(["float32[2, 3]", "float32[4]", "float32[4]"], { eps: 1e-5 }, "got [2, 3]"),
      badShape(["float32[3]", "float32[2, 3]", "float32[2, 3]"], { eps: 1e-5 }, "got [3]"),
      badShape(["float32[2, 3]", "float32[3]", "float32[2]"], { eps: 1e-5 }, "got [2]"),
      badShape(["float32[2, 3]", "float32[]", "float32[]"], { eps: 1e-5 }, "got rank 0"),
    ],
    samples: (make) => [
      ...layerShapes.map(([title, x, weight, smooth]): Sample<"layerNorm"> => ({
        title,
        inputs: [spread(make, x), make.values(weight), make.values(weight)],
        attrs: { eps: 1e-5 },
        smooth,
      })),
      {
        title: "large eps",
        inputs: [spread(make, [2, 3]), make.values([3]), make.values([3])],
        attrs: { eps: 0.5 },
        smooth: true,
      },
      {
        title: "without weight and bias",
        inputs: [spread(make, [3, 8]), ones(make, [8]), zeros(make, [8])],
        attrs: { eps: 1e-5 },
      },
      {
        title: "far from 0",
        inputs: [
          make.of([100, 101, 102, 103, -50, -51, -50, -49], [2, 4]),
          ones(make, [4]),
          zeros(make, [4]),
        ],
        attrs: { eps: 1e-5 },
      },
    ],
    check([x, weight, bias], [y], { eps }) {
      if (!numbersOf(weight).every((w) => w === 1) || !numbersOf(bias).every((b) => b === 0)) return;
      const size = weight.data.length;
      if (numbersOf(x).every((value, i, all) => i % size === 0 || value === all[i - 1])) return;
      checkNormal(y!, (i) => Math.floor(i / size), eps);
    },
  },

  layerNormBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4],
    errors: [
      badShape(
        ["float32[3]", "float32[2, 3]", "float32[3]", "float32[2, 1]", "float32[2, 1]"],
        null,
        "got [3]",
      ),
      badShape(
        ["float32[2, 3]", "float32[2, 3]", "float32[3]", "float32[2]", "float32[2, 1]"],
        null,
        "got [2]",
      ),
      badShape(
        ["float32[2, 3]", "float32[2, 3]", "float32[3]", "float32[2, 1]", "float32[2, 3]"],
        null,
        "got [2, 3]",
      ),
    ],
    samples: (make) =>
      layerShapes.map(([title, x, weight, smooth]): Sample<"layerNormBackward"> => ({
        title,
        inputs: [
          make.values(x),
          make.values(x),
          make.values(weight),
          make.values(statistics(x, weight), -0.5, 0.5),
          make.values(statistics(x, weight), 0.5, 1.5),
        ],
        attrs: null,
        smooth,
      })),
  },

  batchNorm: {
    tolerance: composed,
    differentiable: [0, 1, 2],
    expand: 1, // a batch that repeats one row has no variance
    errors: [
      badShape(["float32[3]", "float32[3]", "float32[3]"], { eps: 1e-5 }, "got [3]"),
      badShape(["float32[2, 3]", "float32[2]", "float32[3]"], { eps: 1e-5 }, "got [2]"),
      badShape(["float32[2, 3]", "float32[3]", "float32[2]"], { eps: 1e-5 }, "got [2]"),
    ],
    samples: (make) => [
      ...batchShapes.map(([title, x, smooth]): Sample<"batchNorm"> => ({
        title,
        inputs: [spread(make, x), make.values([x[1]!]), make.values([x[1]!])],
        attrs: { eps: 1e-5 },
        smooth,
      })),
      {
        title: "without weight and bias",
        inputs: [spread(make, [4, 3, 2]), ones(make, [3]), zeros(make, [3])],
        attrs: { eps: 1e-5 },
      },
    ],
    check([x, weight, bias], [y], { eps }) {
      if (!numbersOf(weight).every((w) => w === 1) || !numbersOf(bias).every((b) => b === 0)) return;
      const [, channels, ...spatial] = x.shape as [number, number, ...number[]];
      const area = spatial.reduce((a, b) => a * b, 1);
      checkNormal(y!, (i) => Math.floor(i / area) % channels, eps);
    },
  },

  batchNormBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4],
    expand: 1,
    errors: [
      badShape(["float32[3]", "float32[2, 3]", "float32[3]", "float32[3]", "float32[3]"], null, "got [3]"),
      badShape(["float32[2, 3]", "float32[2, 3]", "float32[2]", "float32[3]", "float32[3]"], null, "got [2]"),
      badShape(["float32[2, 3]", "float32[2, 3]", "float32[3]", "float32[2]", "float32[3]"], null, "got [2]"),
      badShape(["float32[2, 3]", "float32[2, 3]", "float32[3]", "float32[3]", "float32[1]"], null, "got [1]"),
    ],
    samples: (make) =>
      batchShapes.map(([title, x, smooth]): Sample<"batchNormBackward"> => ({
        title,
        inputs: [
          make.values(x),
          make.values(x),
          make.values([x[1]!]),
          make.values([x[1]!], -0.5, 0.5),
          make.values([x[1]!], 0.5, 1.5),
        ],
        attrs: null,
        smooth,
      })),
  },

  attention: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3],
    errors: [
      badShape(
        ["float32[2, 3]", "float32[4, 5]", "float32[4, 3]"],
        { scale: 1, causal: false },
        "got [2, 3], [4, 5] and [4, 3]",
      ),
      badShape(["float32[3]", "float32[3]", "float32[3]"], { scale: 1, causal: false }, "got rank 1"),
      badShape(
        ["float32[2, 3]", "float32[4, 3]", "float32[5, 3]"],
        { scale: 1, causal: false },
        "got [2, 3], [4, 3] and [5, 3]",
      ),
      badShape(
        ["float32[2, 3]", "float32[4, 3]", "float32[4, 3]", "float32[3, 4]"],
        { scale: 1, causal: false },
        "got [3, 4]",
      ),
    ],
    samples: (make) =>
      attentionCalls.map(({ title, q, k, v, bias, causal, smooth }): Sample<"attention"> => {
        const operands = [make.values(q, -1, 1), make.values(k, -1, 1), make.values(v)] as const;
        return {
          title,
          inputs: bias === null ? operands : [...operands, make.values(bias)],
          attrs: { scale: 0.5, causal },
          smooth,
        };
      }),
  },

  attentionBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4, 5, 6],
    errors: [
      badShape(
        [
          "float32[2, 4]",
          "float32[2, 3]",
          "float32[4, 3]",
          "float32[4, 3]",
          "float32[2, 1]",
          "float32[2, 1]",
        ],
        { scale: 1, causal: false },
        "got [2, 4]",
      ),
      badShape(
        ["float32[2, 3]", "float32[2, 3]", "float32[4, 3]", "float32[4, 3]", "float32[2]", "float32[2, 1]"],
        { scale: 1, causal: false },
        "got [2]",
      ),
      badShape(
        [
          "float32[2, 3]",
          "float32[2, 3]",
          "float32[4, 3]",
          "float32[4, 3]",
          "float32[2, 1]",
          "float32[2, 4]",
        ],
        { scale: 1, causal: false },
        "got [2, 4]",
      ),
    ],
    samples: (make) =>
      attentionCalls.map(({ title, q, k, v, bias, causal, smooth }): Sample<"attentionBackward"> => {
        const rows = [...q.slice(0, -1), v[v.length - 1]!];
        const sums = [...q.slice(0, -1), 1];
        const operands = [
          make.values(rows),
          make.values(q, -1, 1),
          make.values(k, -1, 1),
          make.values(v),
          // Any logarithms will do: the primitive is a formula of them. These keep the weights near 1.
          make.values(sums, 0, 2),
          make.values(sums, -1, 1),
        ] as const;
        return {
          title,
          inputs: bias === null ? operands : [...operands, make.values(bias)],
          attrs: { scale: 0.5, causal },
          smooth,
        };
      }),
  },

  nllLoss: {
    tolerance: accumulated,
    differentiable: [0],
    errors: [
      badShape(["float32[3]", "int32[3]", "float32[3]"], mean(-100), "got [3]"),
      badShape(["float32[2, 3]", "int32[3]", "float32[3]"], mean(-100), "got [3]"),
      badShape(["float32[2, 3]", "int32[2]", "float32[2]"], mean(-100), "got [2]"),
      badDType(["float32[2, 3]", "float32[2]", "float32[3]"], mean(-100), "got float32"),
    ],
    samples: (make) => {
      const weights = (n: number): HostTensor => make.values([n], 0.5, 2);
      return (["mean", "sum"] as const).flatMap((reduction): Sample<"nllLoss">[] => [
        {
          title: `${reduction}`,
          inputs: [make.values([3, 2]), make.of([1, 0, 1], [3], int32), weights(2)],
          attrs: { reduction, ignoreIndex: -100 },
          smooth: true,
        },
        {
          title: `${reduction}, int64 with an ignored row`,
          inputs: [make.values([3, 3]), make.of([2, -100, 0], [3], int64), weights(3)],
          attrs: { reduction, ignoreIndex: -100 },
          smooth: true,
        },
        {
          title: `${reduction}, an ignored class`,
          inputs: [make.values([4, 3]), make.of([2, 1, 0, 1], [4], int32), weights(3)],
          attrs: { reduction, ignoreIndex: 1 },
          smooth: true,
        },
        {
          title: `${reduction}, many`,
          inputs: [make.values([60, 11]), make.places([60], 11), weights(11)],
          attrs: { reduction, ignoreIndex: -100 },
        },
        {
          title: `${reduction}, all ignored`,
          inputs: [make.values([2, 3]), make.of([-1, -1], [2], int32), weights(3)],
          attrs: { reduction, ignoreIndex: -1 },
        },
        {
          title: `${reduction}, no rows`,
          inputs: [make.of([], [0, 3]), make.of([], [0], int32), weights(3)],
          attrs: { reduction, ignoreIndex: -100 },
        },
      ]);
    },
  },

  crossEntropy: {
    tolerance: composed,
    differentiable: [0],
    errors: [
      badShape(["float32[3]", "int32[3]"], entropy(), "got [3]"),
      badShape(["float32[3, 0]", "int32[3]"], entropy(), "got [3, 0]"),
      badShape(["float32[2, 3, 4]", "int32[2, 3]"], entropy(), "got [2, 3]"),
      badShape(["float32[2, 3]", "int32[2]", "float32[2]"], entropy(), "got [2]"),
      badDType(["float32[2, 3]", "float32[2]"], entropy(), "got float32"),
      badValue(["float32[2, 3]", "int32[2]"], { ...entropy(), smoothing: -0.1 }, "got -0.1"),
    ],
    samples: (make) =>
      classesCalls.map((call): Sample<"crossEntropy"> => {
        const [x, target, weight] = classesOf(make, call);
        const { title, attrs, smooth } = call;
        return { title, inputs: weight === null ? [x, target] : [x, target, weight], attrs, smooth };
      }),
  },

  crossEntropyBackward: {
    tolerance: composed,
    differentiable: [0, 1, 3, 4, 6], // and the total weight, which is one number in all samples
    errors: [
      badShape(
        ["float32[2]", "float32[2, 3]", "int32[2]", "float32[2]", "float32[2]", "float32[]"],
        entropy(),
        "got [2]",
      ),
      badShape(
        ["float32[]", "float32[2, 3]", "int32[2]", "float32[2]", "float32[2]", "float32[1]"],
        entropy(),
        "got [1]",
      ),
      badShape(
        ["float32[]", "float32[2, 3]", "int32[2]", "float32[2]", "float32[2, 1]", "float32[]"],
        entropy(),
        "got [2, 1]",
      ),
    ],
    samples: (make) =>
      classesCalls.map((call): Sample<"crossEntropyBackward"> => {
        const [x, target, weight] = classesOf(make, call);
        const { title, attrs, smooth } = call;
        const g = make.values(attrs.reduction === "none" ? target.shape : []);
        // Any largest scores and logarithms will do: the primitive is a formula of them. These keep p near 1.
        const rows = [make.values(target.shape, 0, 2), make.values(target.shape, 0, 1)] as const;
        const inputs = [g, make.values(x.shape), target, ...rows, make.values([], 1, 2)] as const;
        return { title, inputs: weight === null ? inputs : [...inputs, weight], attrs, smooth };
      }),
  },
};

function mean(ignoreIndex: number): Attrs<"nllLoss"> {
  return { reduction: "mean", ignoreIndex };
}

function entropy(): CrossEntropyAttrs {
  return { reduction: "mean", ignoreIndex: -100, smoothing: 0 };
}
