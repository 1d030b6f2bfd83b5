/**
 * Facts of the optimizer steps.
 *
 * @module
 */

import type { Attrs, FusedPrimitives, Shape } from "@flambeau/core";
import { tolerances } from "../tolerance.ts";
import { badShape, badValue, type InfosOf, type Sample } from "./facts.ts";

const sgd: Attrs<"sgdStep"> = {
  lr: 0.1,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};
const adam: Attrs<"adamStep"> = {
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  decoupled: false,
  maximize: false,
  step: 1,
};

const sgdCalls: readonly (readonly [title: string, attrs: Partial<Attrs<"sgdStep">>])[] = [
  ["plain", {}],
  ["weight decay", { weightDecay: 0.1 }],
  ["momentum", { momentum: 0.9 }],
  ["momentum with dampening", { momentum: 0.9, dampening: 0.5, weightDecay: 0.1 }],
  ["nesterov", { momentum: 0.9, nesterov: true }],
  ["maximize", { maximize: true, momentum: 0.5 }],
];
const adamCalls: readonly (readonly [title: string, attrs: Partial<Attrs<"adamStep">>])[] = [
  ["first step", {}],
  ["hundredth step", { step: 100 }],
  ["weight decay", { weightDecay: 0.1, step: 3 }],
  ["decoupled weight decay", { weightDecay: 0.1, decoupled: true, step: 3 }],
  ["maximize", { maximize: true, step: 2 }],
  ["other constants", { beta1: 0.5, beta2: 0.9, eps: 1e-3, lr: 1, step: 5 }],
];

const shapes: readonly (readonly [title: string, shape: Shape])[] = [
  ["matrix", [2, 3]],
  ["rank 0", []],
  ["odd length", [37]],
  ["no elements", [0]],
];

/** Facts of the optimizer steps. */
export const optimInfos: InfosOf<Pick<FusedPrimitives<unknown>, "sgdStep" | "adamStep">> = {
  sgdStep: {
    tolerance: tolerances.cancelling,
    differentiable: [],
    errors: [
      badShape(["float32[2, 3]", "float32[3]", "float32[2, 3]"], sgd, "got [2, 3] and [3]"),
      badShape(["float32[2, 3]", "float32[2, 3]", "float32[6]"], sgd, "got [2, 3] and [6]"),
    ],
    samples: (make) =>
      sgdCalls.flatMap(([title, attrs]) =>
        shapes.map(([shapeTitle, shape]): Sample<"sgdStep"> => ({
          title: `${title}, ${shapeTitle}`,
          inputs: [make.values(shape), make.values(shape), make.values(shape)],
          attrs: { ...sgd, ...attrs },
        }))
      ),
  },

  adamStep: {
    tolerance: tolerances.cancelling,
    differentiable: [],
    errors: [
      badShape(["float32[2]", "float32[2]", "float32[2]", "float32[3]"], adam, "got [2] and [3]"),
      badValue(["float32[2]", "float32[2]", "float32[2]", "float32[2]"], { ...adam, step: 0 }, "got 0"),
      badValue(["float32[2]", "float32[2]", "float32[2]", "float32[2]"], { ...adam, step: 1.5 }, "got 1.5"),
    ],
    samples: (make) =>
      adamCalls.flatMap(([title, attrs]) =>
        shapes.map(([shapeTitle, shape]): Sample<"adamStep"> => ({
          title: `${title}, ${shapeTitle}`,
          inputs: [make.values(shape), make.values(shape), make.values(shape), make.values(shape, 0.125, 2)],
          attrs: { ...adam, ...attrs },
        }))
      ),
  },
};
