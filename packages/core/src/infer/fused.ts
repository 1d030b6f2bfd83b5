/**
 * Shape rules of the fused primitives but convolution, pooling and recurrent layers.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { bool } from "../dtype.ts";
import type { CrossEntropyAttrs, FusedPrimitives, Name } from "../primitives.ts";
import { formatShape, type Shape, shapesEqual, tryBroadcast } from "../shape.ts";
import {
  checkDim,
  checkIndex,
  checkRank,
  checkShapeIs,
  checkValues,
  type InferenceRule,
  type RulesOf,
  shapeError,
  valueError,
  withSize,
} from "./checks.ts";
import { checkStream } from "./data.ts";
import { binary, unary } from "./pointwise.ts";
import { recurrentRules } from "./recurrent.ts";
import { along } from "./reduction.ts";
import { windowRules } from "./windows.ts";

const addAny = binary("addScaled");

/** Rules of the fused primitives. */
export const fusedRules: RulesOf<FusedPrimitives<unknown>> = {
  softmax: along("softmax"),
  logSoftmax: along("logSoftmax"),
  softmaxBackward: rowGradient("softmaxBackward"),
  logSoftmaxBackward: rowGradient("logSoftmaxBackward"),

  gelu: unary("gelu"),
  geluBackward: (inputs) => alike("geluBackward", inputs),
  silu: unary("silu"),
  reluBackward: (inputs) => alike("reluBackward", inputs),

  clamp(inputs, { min, max }) {
    checkValues("clamp", inputs);
    if (inputs[0].dtype.kind === "int") {
      checkIntegers("clamp", inputs, "limits must be integers", [min ?? 0, max ?? 0]);
    }
    return inputs[0];
  },

  dropout(inputs, attrs) {
    checkValues("dropout", inputs);
    checkStream("dropout", attrs);
    const [x] = inputs;
    const { p, scale } = attrs;
    if (!(p >= 0 && p <= 1) || !Number.isFinite(scale)) {
      throw valueError("dropout", inputs, "p must be from 0 to 1 and scale finite", `${p} and ${scale}`);
    }
    return [x, { shape: x.shape, dtype: bool }];
  },

  addScaled(inputs, { alpha }) {
    if (inputs[0].dtype.kind === "int") {
      checkIntegers("addScaled", inputs, "alpha must be an integer", [alpha]);
    }
    return addAny(inputs);
  },

  linear(inputs) {
    const [x, weight, bias] = inputs;
    checkValues("linear", inputs);
    checkRank("linear", x, 1);
    const [n, k] = weight.shape;
    if (weight.shape.length !== 2 || k === undefined || n === undefined) {
      throw shapeError("linear", inputs, "weight must have rank 2", `rank ${weight.shape.length}`);
    }
    const last = x.shape.length - 1;
    if (x.shape[last] !== k) {
      throw shapeError("linear", inputs, "inner sizes must match", `${x.shape[last]} and ${k}`);
    }
    checkShapeIs("linear", inputs, "bias", bias, [n]);
    return n === k ? x : { shape: withSize(x.shape, last, n), dtype: x.dtype };
  },

  groupNorm(inputs) {
    const [x, weight, bias] = inputs;
    checkValues("groupNorm", inputs);
    const statistics = groupStatistics("groupNorm", inputs, x, weight);
    checkShapeIs("groupNorm", inputs, "bias", bias, weight.shape);
    return [x, statistics, statistics];
  },

  groupNormBackward(inputs) {
    const [g, x, weight, mean, rstd] = inputs;
    checkValues("groupNormBackward", inputs);
    const statistics = groupStatistics("groupNormBackward", inputs, x, weight);
    checkShapeIs("groupNormBackward", inputs, "g", g, x.shape);
    checkShapeIs("groupNormBackward", inputs, "mean", mean, statistics.shape);
    checkShapeIs("groupNormBackward", inputs, "rstd", rstd, statistics.shape);
    return [x, weight, weight];
  },

  layerNorm(inputs) {
    const [x, weight, bias] = inputs;
    checkValues("layerNorm", inputs);
    const statistics = layerStatistics("layerNorm", inputs, x, weight);
    checkShapeIs("layerNorm", inputs, "bias", bias, weight.shape);
    return [x, statistics, statistics];
  },

  layerNormBackward(inputs) {
    const [g, x, weight, mean, rstd] = inputs;
    checkValues("layerNormBackward", inputs);
    const statistics = layerStatistics("layerNormBackward", inputs, x, weight);
    checkShapeIs("layerNormBackward", inputs, "g", g, x.shape);
    checkShapeIs("layerNormBackward", inputs, "mean", mean, statistics.shape);
    checkShapeIs("layerNormBackward", inputs, "rstd", rstd, statistics.shape);
    return [x, weight, weight];
  },

  batchNorm(inputs) {
    const [x, weight, bias] = inputs;
    checkValues("batchNorm", inputs);
    const channels = channelsOf("batchNorm", inputs, x);
    checkShapeIs("batchNorm", inputs, "weight", weight, channels);
    checkShapeIs("batchNorm", inputs, "bias", bias, channels);
    return [x, weight, weight];
  },

  batchNormBackward(inputs) {
    const [g, x, weight, mean, rstd] = inputs;
    checkValues("batchNormBackward", inputs);
    const channels = channelsOf("batchNormBackward", inputs, x);
    checkShapeIs("batchNormBackward", inputs, "g", g, x.shape);
    checkShapeIs("batchNormBackward", inputs, "weight", weight, channels);
    checkShapeIs("batchNormBackward", inputs, "mean", mean, channels);
    checkShapeIs("batchNormBackward", inputs, "rstd", rstd, channels);
    return [x, weight, weight];
  },

  ...windowRules,

  attention(inputs) {
    const [q, k, v, bias] = inputs;
    checkValues("attention", inputs);
    const [rows, sums] = attentionShapes("attention", inputs, q, k, v, bias);
    return [{ shape: rows, dtype: q.dtype }, { shape: sums, dtype: q.dtype }];
  },

  attentionBackward(inputs) {
    const [g, q, k, v, logsumexp, delta, bias] = inputs;
    checkValues("attentionBackward", inputs);
    const [rows, sums] = attentionShapes("attentionBackward", inputs, q, k, v, bias);
    checkShapeIs("attentionBackward", inputs, "g", g, rows);
    checkShapeIs("attentionBackward", inputs, "logsumexp", logsumexp, sums);
    checkShapeIs("attentionBackward", inputs, "delta", delta, sums);
    return [q, k, v].map(({ shape, dtype }) => ({ shape, dtype })) as [Aval, Aval, Aval];
  },

  ...recurrentRules,

  nllLoss(inputs) {
    const [logp, target, weight] = inputs;
    checkValues("nllLoss", [logp, weight]);
    checkIndex("nllLoss", target, "target");
    const [n, c] = logp.shape;
    if (logp.shape.length !== 2 || n === undefined || c === undefined) {
      throw shapeError("nllLoss", inputs, "logp must be [N, C]", formatShape(logp.shape));
    }
    checkShapeIs("nllLoss", inputs, "target", target, [n]);
    checkShapeIs("nllLoss", inputs, "weight", weight, [c]);
    const scalar: Aval = { shape: [], dtype: logp.dtype };
    return [scalar, scalar];
  },

  crossEntropy(inputs, attrs) {
    const [x, target, weight] = inputs;
    checkValues("crossEntropy", weight === undefined ? [x] : [x, weight]);
    const [loss, row, total] = crossEntropyTypes("crossEntropy", inputs, x, target, weight, attrs);
    return [loss, row, row, total];
  },

  crossEntropyBackward(inputs, attrs) {
    const [g, x, target, largest, logs, total, weight] = inputs;
    const values = [g, x, largest, logs, total];
    checkValues("crossEntropyBackward", weight === undefined ? values : [...values, weight]);
    const op = "crossEntropyBackward";
    const [loss, row, scalar] = crossEntropyTypes(op, inputs, x, target, weight, attrs);
    checkShapeIs(op, inputs, "g", g, loss.shape);
    checkShapeIs(op, inputs, "largest", largest, row.shape);
    checkShapeIs(op, inputs, "logs", logs, row.shape);
    checkShapeIs(op, inputs, "totalWeight", total, scalar.shape);
    return { shape: x.shape, dtype: x.dtype };
  },

  sgdStep(inputs) {
    const param = alike("sgdStep", inputs);
    return [param, param];
  },

  adamStep(inputs, { step }) {
    const param = alike("adamStep", inputs);
    if (!Number.isInteger(step) || step < 1) {
      throw valueError("adamStep", inputs, "step must be an integer >= 1", `${step}`);
    }
    return [param, param, param];
  },
};

/** Checks scores, classes and weights; answers the types of the loss, of what each row has and of the total weight. */
function crossEntropyTypes(
  op: "crossEntropy" | "crossEntropyBackward",
  inputs: readonly Aval[],
  x: Aval,
  target: Aval,
  weight: Aval | undefined,
  { reduction, smoothing }: CrossEntropyAttrs,
): [loss: Aval, row: Aval, total: Aval] {
  checkIndex(op, target, "target");
  const [n, classes, ...rest] = x.shape;
  if (n === undefined || classes === undefined || classes === 0) {
    throw shapeError(op, inputs, "x must be [N, C, …] with a class or more", formatShape(x.shape));
  }
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw valueError(op, inputs, "smoothing must be in [0, 1]", `${smoothing}`);
  }
  const shape = [n, ...rest];
  checkShapeIs(op, inputs, "target", target, shape);
  if (weight !== undefined) checkShapeIs(op, inputs, "weight", weight, [classes]);
  const { dtype } = x;
  return [{ shape: reduction === "none" ? shape : [], dtype }, { shape, dtype }, { shape: [], dtype }];
}

/** Checks q, k, v and bias; answers the shapes of y […, L, F] and of the row sums […, L, 1]. */
function attentionShapes(
  op: "attention" | "attentionBackward",
  inputs: readonly Aval[],
  q: Aval,
  k: Aval,
  v: Aval,
  bias: Aval | undefined,
): [rows: Shape, sums: Shape] {
  for (const x of [q, k, v]) checkRank(op, x, 2);
  const batch = q.shape.slice(0, -2);
  const [l, e] = q.shape.slice(-2) as [number, number];
  const [s, f] = v.shape.slice(-2) as [number, number];
  if (!shapesEqual(k.shape, [...batch, s, e]) || !shapesEqual(v.shape, [...batch, s, f])) {
    throw shapeError(
      op,
      inputs,
      "q, k and v must be […, L, E], […, S, E] and […, S, F] with equal leading sizes",
      `${formatShape(q.shape)}, ${formatShape(k.shape)} and ${formatShape(v.shape)}`,
    );
  }
  if (bias !== undefined) {
    const scores = [...batch, l, s];
    const shape = tryBroadcast(scores, bias.shape);
    if (shape === null || !shapesEqual(shape, scores)) {
      throw shapeError(
        op,
        inputs,
        `bias must broadcast to ${formatShape(scores)}`,
        formatShape(bias.shape),
      );
    }
  }
  return [withSize(q.shape, batch.length + 1, f), withSize(q.shape, batch.length + 1, 1)];
}

/** All inputs have one type, which is the answer. */
function alike(op: Name, inputs: readonly [Aval, ...Aval[]]): Aval {
  const [first] = inputs;
  checkValues(op, inputs);
  for (const x of inputs) {
    if (!shapesEqual(x.shape, first.shape)) {
      throw shapeError(
        op,
        inputs,
        "shapes must match",
        `${formatShape(first.shape)} and ${formatShape(x.shape)}`,
      );
    }
  }
  return first;
}

function rowGradient<P extends "softmaxBackward" | "logSoftmaxBackward">(op: P): InferenceRule<P>;
function rowGradient(op: Name): InferenceRule<"softmaxBackward"> {
  return (inputs, { dim }) => {
    checkDim(op, inputs[0], dim);
    return alike(op, inputs);
  };
}

/** The type of mean and 1/σ: sizes 1 at the normalized dimensions. */
function layerStatistics(op: Name, inputs: readonly Aval[], x: Aval, weight: Aval): Aval {
  const kept = x.shape.length - weight.shape.length;
  checkRank(op, weight, 1, "weight");
  if (kept < 0 || !shapesEqual(x.shape.slice(kept), weight.shape)) {
    throw shapeError(op, inputs, "x must end in the sizes of weight", formatShape(x.shape));
  }
  return { shape: x.shape.map((size, i) => i < kept ? size : 1), dtype: x.dtype };
}

/** Mean or 1/σ of groups: x [N, G, C, L] and weight [G, C] → [N, G, 1, 1]. */
function groupStatistics(op: Name, inputs: readonly Aval[], x: Aval, weight: Aval): Aval {
  const [n, g, c] = x.shape;
  if (x.shape.length !== 4 || n === undefined || g === undefined || c === undefined) {
    throw shapeError(op, inputs, "x must be [N, G, C, L]", formatShape(x.shape));
  }
  checkShapeIs(op, inputs, "weight", weight, [g, c]);
  return { shape: [n, g, 1, 1], dtype: x.dtype };
}

function channelsOf(op: Name, inputs: readonly Aval[], x: Aval): Shape {
  if (x.shape.length < 2) throw shapeError(op, inputs, "x must be [N, C, …]", formatShape(x.shape));
  return [x.shape[1]!];
}

function checkIntegers(op: Name, inputs: readonly Aval[], must: string, values: Shape): void {
  if (!values.every(Number.isInteger)) {
    throw valueError(op, inputs, `${must} for an integer dtype`, values.join(" and "));
  }
}
