/**
 * Facts of the fused pointwise primitives, softmax and linear.
 *
 * @module
 */

import type { Attrs, FusedPrimitives, Shape } from "@flambeau/core";
import { elementsOf, type HostTensor, numbersOf } from "../host_tensor.ts";
import { epsilonOf, type Make } from "../make.ts";
import { tolerances } from "../tolerance.ts";
import { badDType, badIndex, badShape, badValue, type InfosOf, type OpInfo, type Sample } from "./facts.ts";
import { eachLine } from "./reduction.ts";

const { elementary, cancelling, accumulated, exact } = tolerances;

/** Shapes at which a pointwise primitive is called; the small ones with gradients. */
const shapes: readonly (readonly [title: string, shape: Shape, smooth: boolean])[] = [
  ["matrix", [2, 3], true],
  ["rank 0", [], true],
  ["odd length", [37], false],
  ["four dimensions", [2, 1, 3, 2], false],
  ["no elements", [2, 0], false],
];

const approximations = ["none", "tanh"] as const;

/** Any float values, or such that are away from 0. */
const values = (make: Make, shape: Shape): HostTensor => make.values(shape, -3, 3);
const awayFrom0 = (make: Make, shape: Shape): HostTensor => make.signed(shape, 0.25, 3);

const mixedShapes = [badShape(["float32[2, 3]", "float32[3]"], null, "got [2, 3] and [3]")];

function softmaxOf(logarithm: boolean): OpInfo<"softmax" | "logSoftmax"> {
  return {
    tolerance: logarithm ? cancelling : elementary,
    differentiable: [0],
    errors: [
      badIndex(["float32[2, 3]"], { dim: 2 }, "got 2"),
      badIndex(["float32[2, 3]"], { dim: -1 }, "got -1"),
      badIndex(["float32[]"], { dim: 0 }, "got 0"),
    ],
    samples: (make) => {
      const call = (title: string, x: HostTensor, dim: number, smooth = false): Sample<"softmax"> => ({
        title,
        inputs: [x],
        attrs: { dim },
        smooth,
      });
      return [
        call("rows", values(make, [2, 3]), 1, true),
        call("columns", values(make, [3, 2]), 0, true),
        call("middle", values(make, [2, 3, 2]), 1, true),
        call("one element", values(make, [2, 1]), 1, true),
        call("long rows", values(make, [3, 70]), 1),
        call("long columns", values(make, [70, 3]), 0),
        call("far apart", make.of([0, 80, -80, 1, 60, 60], [2, 3]), 1),
        call("large values", make.of([1000, 1001, 999, -1000, -1001, -1002], [2, 3]), 1),
        call("no lines", values(make, [0, 3]), 1),
        call("empty lines", values(make, [2, 0]), 1),
        {
          ...call(
            "edges",
            make.of([-Infinity, 1, 2, -Infinity, -Infinity, -Infinity, Infinity, 1, 2, NaN, 1, 2], [4, 3]),
            1,
          ),
          edge: true,
        },
      ];
    },
    check([x], [y], { dim }) {
      if (!numbersOf(x).every(Number.isFinite)) return;
      const slack = 100 * epsilonOf(x.dtype); // each value of a line is rounded
      eachLine(y!, dim, (line, n) => {
        const total = line.map(Number).reduce((sum, value) => sum + (logarithm ? Math.exp(value) : value), 0);
        if (!(Math.abs(total - 1) < slack)) throw new Error(`line ${n} sums to ${total}`);
      });
    },
  };
}

function softmaxGradient(make: Make, forward: (line: number[]) => number[]): Sample<"softmaxBackward">[] {
  const calls: readonly (readonly [title: string, shape: Shape, dim: number, smooth: boolean])[] = [
    ["rows", [2, 3], 1, true],
    ["columns", [3, 2], 0, true],
    ["middle", [2, 3, 2], 1, true],
    ["long rows", [3, 70], 1, false],
    ["no lines", [0, 3], 1, false],
    ["empty lines", [2, 0], 1, false],
  ];
  return calls.map(([title, shape, dim, smooth]) => ({
    title,
    // Any y will do: the primitive is a formula of it.
    inputs: [values(make, shape), make.of(forward(numbersOf(make.values(shape, 0, 1))), shape)],
    attrs: { dim },
    smooth,
  }));
}

type ActivationName =
  | "softmax"
  | "logSoftmax"
  | "softmaxBackward"
  | "logSoftmaxBackward"
  | "gelu"
  | "geluBackward"
  | "silu"
  | "reluBackward"
  | "clamp"
  | "dropout"
  | "addScaled"
  | "linear";

/** Facts of the activations and their like. */
export const activationInfos: InfosOf<Pick<FusedPrimitives<unknown>, ActivationName>> = {
  softmax: softmaxOf(false),
  logSoftmax: softmaxOf(true),

  softmaxBackward: {
    tolerance: cancelling,
    differentiable: [0, 1],
    errors: [
      badShape(["float32[2, 3]", "float32[3]"], { dim: 0 }, "got [2, 3] and [3]"),
      badIndex(["float32[2, 3]", "float32[2, 3]"], { dim: 2 }, "got 2"),
    ],
    samples: (make) => softmaxGradient(make, (line) => line.map((value) => value / 4)),
  },
  logSoftmaxBackward: {
    tolerance: cancelling,
    differentiable: [0, 1],
    errors: [
      badShape(["float32[2, 3]", "float32[3]"], { dim: 0 }, "got [2, 3] and [3]"),
      badIndex(["float32[2, 3]", "float32[2, 3]"], { dim: 2 }, "got 2"),
    ],
    samples: (make) => softmaxGradient(make, (line) => line.map((value) => Math.log(value / 4 + 0.125))),
  },

  gelu: {
    tolerance: cancelling,
    differentiable: [0],
    errors: [],
    samples: (make) =>
      approximations.flatMap((approximate): Sample<"gelu">[] => [
        ...shapes.map(([title, shape, smooth]): Sample<"gelu"> => ({
          title: `${title}, ${approximate}`,
          inputs: [values(make, shape)],
          attrs: { approximate },
          smooth,
        })),
        {
          title: `far from 0, ${approximate}`,
          inputs: [make.of([0, -6, 6, -12, 12, 40, -40])],
          attrs: { approximate },
        },
      ]),
  },

  geluBackward: {
    tolerance: cancelling,
    differentiable: [0, 1],
    errors: [
      badShape(["float32[2, 3]", "float32[3]"], { approximate: "none" }, "got [2, 3] and [3]"),
    ],
    samples: (make) =>
      approximations.flatMap((approximate) =>
        shapes.map(([title, shape, smooth]): Sample<"geluBackward"> => ({
          title: `${title}, ${approximate}`,
          inputs: [values(make, shape), values(make, shape)],
          attrs: { approximate },
          smooth,
        }))
      ),
  },

  silu: {
    tolerance: elementary,
    differentiable: [0],
    errors: [],
    samples: (make) => [
      ...shapes.map(([title, shape, smooth]): Sample<"silu"> => ({
        title,
        inputs: [values(make, shape)],
        attrs: null,
        smooth,
      })),
      { title: "far from 0", inputs: [make.of([0, -20, 20, -80, 80])], attrs: null },
    ],
  },

  reluBackward: {
    tolerance: exact,
    differentiable: [0],
    errors: mixedShapes,
    samples: (make) => [
      ...shapes.map(([title, shape, smooth]): Sample<"reluBackward"> => ({
        title,
        inputs: [values(make, shape), awayFrom0(make, shape)],
        attrs: null,
        smooth,
      })),
      {
        title: "edges",
        inputs: [make.of([1, 2, 3, 4, 5, NaN, Infinity]), make.of([0, -0, NaN, Infinity, -Infinity, 1, -1])],
        attrs: null,
        edge: true,
      },
    ],
  },

  clamp: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badValue(["int32[2, 3]"], { min: 0.5, max: null }, "got 0.5"),
      badValue(["int32[2, 3]"], { min: null, max: NaN }, "NaN"),
    ],
    samples: (make) => {
      const limits: (readonly [title: string, attrs: Attrs<"clamp">])[] = [
        // A negative limit wraps in an unsigned dtype, as in PyTorch: the backends agree, the wide dtype does not.
        ["both", { min: make.dtype.isSigned ? -1 : 0, max: 1 }],
        ["least", { min: 1, max: null }],
        ["largest", { min: null, max: 1 }],
        ["none", { min: null, max: null }],
        ["crossed", { min: 2, max: 1 }],
      ];
      return [
        ...limits.flatMap(([title, attrs]) =>
          shapes.map(([shapeTitle, shape, smooth]): Sample<"clamp"> => ({
            title: `${title}, ${shapeTitle}`,
            inputs: [insideAndOutside(make, shape)],
            attrs,
            smooth,
          }))
        ),
        { title: "edges", inputs: [make.of(make.edges())], attrs: { min: 0, max: 2 }, edge: true },
      ];
    },
  },

  dropout: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badValue(["float32[2, 3]"], { key: [1, -2], counter: 0, p: 0.5, scale: 2 }, "got [1, -2]"),
      badValue(["float32[2, 3]"], { key: [1, 2], counter: -1, p: 0.5, scale: 2 }, "got -1"),
      badValue(["float32[2, 3]"], { key: [1, 2], counter: 0, p: 1.5, scale: 2 }, "got 1.5 and 2"),
      badDType(["int32[2, 3]"], { key: [1, 2], counter: 0, p: 0.5, scale: 2 }, "got int32"),
    ],
    samples: (make) => [
      ...shapes.map(([title, shape, smooth]): Sample<"dropout"> => ({
        title,
        inputs: [values(make, shape)],
        attrs: { key: [1, 2], counter: 3, p: 0.5, scale: 2 },
        smooth,
      })),
      {
        title: "few go, late counter",
        inputs: [values(make, [7, 33])],
        attrs: { key: [0xffffffff, 9], counter: 2 ** 40, p: 0.1, scale: 1.25 },
      },
      { title: "all go", inputs: [values(make, [40])], attrs: { key: [3, 4], counter: 0, p: 1, scale: 0 } },
      { title: "none go", inputs: [values(make, [40])], attrs: { key: [3, 4], counter: 0, p: 0, scale: 1 } },
    ],
    check([x], [y, kept], { scale }) {
      const truths = numbersOf(kept!);
      const got = numbersOf(y!);
      numbersOf(x).forEach((value, i) => {
        if (truths[i] === 0 ? got[i] !== 0 : value * scale !== 0 && Math.sign(got[i]!) !== Math.sign(value)) {
          throw new Error(`element ${i} is ${got[i]} for ${value}, kept ${truths[i]}`);
        }
      });
    },
  },

  addScaled: {
    tolerance: elementary,
    differentiable: [0, 1],
    errors: [
      badValue(["int32[2]", "int32[2]"], { alpha: 0.5 }, "got 0.5"),
      badShape(["float32[2, 3]", "float32[4]"], { alpha: 1 }, "got 3 and 4 at dimension 1"),
    ],
    samples: (make) => {
      const pairs: readonly (readonly [title: string, x: Shape, y: Shape, smooth: boolean])[] = [
        ["matrices", [2, 3], [2, 3], true],
        ["row broadcasts", [2, 3], [3], true],
        ["rank 0", [], [], true],
        ["odd length", [37], [37], false],
        ["no elements", [0, 3], [3], false],
      ];
      const alphas = make.dtype.kind === "float"
        ? [2, 1, -0.5]
        : make.dtype.isSigned
        ? [2, 1, -3]
        : [2, 1, 3];
      return alphas.flatMap((alpha) =>
        pairs.map(([title, x, y, smooth]): Sample<"addScaled"> => ({
          title: `${title}, alpha ${alpha}`,
          inputs: [values(make, x), values(make, y)],
          attrs: { alpha },
          smooth,
        }))
      );
    },
  },

  linear: {
    tolerance: accumulated,
    differentiable: [0, 1, 2],
    errors: [
      badShape(["float32[2, 3]", "float32[4, 5]", "float32[4]"], null, "got 3 and 5"),
      badShape(["float32[2, 3]", "float32[3]", "float32[3]"], null, "got rank 1"),
      badShape(["float32[2, 3]", "float32[4, 3]", "float32[3]"], null, "got [3]"),
      badShape(["float32[]", "float32[4, 3]", "float32[4]"], null, "got rank 0"),
    ],
    samples: (make) => {
      const calls: readonly (readonly [title: string, x: Shape, weight: Shape, smooth: boolean])[] = [
        ["rows", [2, 3], [2, 3], true],
        ["a vector", [3], [2, 3], true],
        ["batches", [2, 2, 2], [1, 2], true],
        ["square", [3, 3], [3, 3], true],
        ["beyond a block", [17, 19], [33, 19], false],
        ["no rows", [0, 3], [2, 3], false],
        ["empty sums", [2, 0], [3, 0], false],
        ["no outputs", [2, 3], [0, 3], false],
      ];
      return calls.map(([title, x, weight, smooth]): Sample<"linear"> => ({
        title,
        inputs: [make.values(x), make.values(weight), make.values([weight[0]!])],
        attrs: null,
        smooth,
      }));
    },
  },
};

/** Values clear of the limits −1, 1 and 2: multiples of 1/2 plus 1/4. */
function insideAndOutside(make: Make, shape: Shape): HostTensor {
  const x = make.values(shape, -3, 3);
  if (make.dtype.kind !== "float") return x;
  return make.of(elementsOf(x).map((value) => Math.floor(2 * Number(value)) / 2 + 0.25), shape);
}
