/**
 * Losses between probabilities: binaryCrossEntropy, binaryCrossEntropyWithLogits, klDiv.
 *
 * @module
 */

import { formatType, ShapeError, shapesEqual, tryBroadcast, ValueError } from "@flambeau/core";
import {
  abs,
  add,
  any,
  type Args,
  clampMin,
  detach,
  div,
  exp,
  ge,
  gt,
  itemSync,
  le,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  lt,
  minimum,
  mul,
  neg,
  sigmoid,
  sub,
  sum,
  type Tensor,
  where,
} from "@flambeau/tensor";
import {
  constant,
  named,
  relabel,
  requireTensor,
  temporaries,
  withGradient,
} from "@flambeau/tensor/internal";
import { plainOf } from "@flambeau/tensor/internal";
import {
  isPlain,
  reduceLoss,
  type Reduction,
  reductionOf,
  type ReductionOptions,
  requireSameShape,
} from "./reduction.ts";

/** Options of {@linkcode binaryCrossEntropy}. */
export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** A factor for each element; broadcasts to the input. */
  readonly weight?: Tensor | null;
}

/** Least p · (1 − p) that the gradient divides by. */
const EPSILON = 1e-12;

/**
 * Cross entropy of probabilities: `-(target · ln input + (1 - target) · ln(1 - input))`, each logarithm at least -100.
 *
 * @throws {ShapeError} If target does not have the shape of input, or weight does not broadcast to it.
 * @throws {ValueError} If an input is outside [0, 1] or NaN, on devices that can be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Args<BinaryCrossEntropyOptions, ["weight", "sizeAverage", "reduce", "reduction"]>
): Tensor {
  const options = named<BinaryCrossEntropyOptions>("binaryCrossEntropy", args, [
    "weight",
    "sizeAverage",
    "reduce",
    "reduction",
  ]);
  requireSameShape("binaryCrossEntropy", input, target);
  const reduction = reductionOf("binaryCrossEntropy", options);
  requireWeight("binaryCrossEntropy", input, options.weight);
  requireProbabilities(input);
  const label = "BinaryCrossEntropyBackward0";
  const lowest = (x: Tensor) => clampMin(x, -100);
  const logs = (p: Tensor) => [lowest(log(p)), lowest(log1p(neg(p)))] as const;
  const formula = () => {
    const mixed = (zero: Tensor, one: Tensor) => neg(add(mul(target, one), mul(sub(1, target), zero)));
    if (isPlain()) {
      const [one, zero] = logs(input);
      return mixed(zero, one);
    }
    // At 0 and 1 the logarithms have no gradient. The value there is that of the limited logarithms, the gradient
    // PyTorch's (p − target) / max(p (1 − p), ε), as a line through the point.
    const edge = lt(mul(input, sub(1, input)), EPSILON);
    const inside = where(edge, 0.5, input);
    const p = detach(input);
    const [one, zero] = logs(p);
    const outside = add(
      mixed(zero, one),
      mul(div(sub(p, detach(target)), EPSILON), sub(input, p)),
    );
    return where(edge, outside, mixed(log1p(neg(inside)), log(inside)));
  };
  return temporaries(() => {
    const each = () =>
      withGradient(label, [input, target], formula, (g, [p, t], needs) => {
        const gp = () => mul(div(sub(p!, t!), clampMin(mul(p!, sub(1, p!)), EPSILON)), g);
        const gt = () => {
          const [one, zero] = logs(p!);
          return mul(sub(zero, one), g);
        };
        return [needs[0] ? gp() : null, needs[1] ? gt() : null];
      });
    return finish(each, options.weight, reduction, label);
  });
}

/** Options of {@linkcode binaryCrossEntropyWithLogits}. */
export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** A factor for the positive class; broadcasts to the input. */
  readonly posWeight?: Tensor | null;
}

/**
 * {@linkcode binaryCrossEntropy} of `sigmoid(input)`, without overflow.
 *
 * @throws {ShapeError} If target does not have the shape of input, or a weight does not broadcast to it.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    BinaryCrossEntropyWithLogitsOptions,
    ["weight", "sizeAverage", "reduce", "reduction", "posWeight"]
  >
): Tensor {
  const op = "binaryCrossEntropyWithLogits";
  const options = named<BinaryCrossEntropyWithLogitsOptions>(op, args, [
    "weight",
    "sizeAverage",
    "reduce",
    "reduction",
    "posWeight",
  ]);
  requireSameShape(op, input, target);
  const reduction = reductionOf(op, options);
  requireWeight(op, input, options.weight);
  requireWeight(op, input, options.posWeight);
  const label = "BinaryCrossEntropyWithLogitsBackward0";
  const { posWeight = null } = options;
  const factor = (weight: Tensor, t: Tensor) => add(mul(sub(weight, 1), t), 1);
  const inputs = posWeight === null ? [input, target] : [input, target, posWeight];
  return temporaries(() => {
    const each = () =>
      withGradient(label, inputs, () => {
        // (1 − t) x − w ln σ(x)
        const logSigmoid = logSigmoidOf(input);
        const positive = posWeight === null ? logSigmoid : mul(logSigmoid, factor(posWeight, target));
        return sub(mul(sub(1, target), input), positive);
      }, (g, [x, t, weight], needs) => {
        const gx = () =>
          weight === undefined
            ? sub(sigmoid(x!), t!)
            : sub(mul(sigmoid(x!), factor(weight, t!)), mul(weight, t!));
        const gt = () => weight === undefined ? neg(x!) : neg(add(x!, mul(logSigmoidOf(x!), sub(weight, 1))));
        const gw = () => neg(mul(logSigmoidOf(x!), t!));
        return [gx, gt, gw].slice(0, needs.length).map((slope, i) => needs[i] ? mul(slope(), g) : null);
      });
    return finish(each, options.weight, reduction, label);
  });
}

/** ln σ(x) = min(x, 0) − ln(1 + e^{−|x|}): no overflow, and the gradient is 1/2 at 0. */
export function logSigmoidOf(x: Tensor): Tensor {
  const zero = constant(0, x.dtype, x.backend);
  return sub(minimum(x, zero), log1p(exp(neg(abs(x)))));
}

/** Options of {@linkcode klDiv}. */
export interface KlDivOptions extends Omit<ReductionOptions, "reduction"> {
  /** Default `"mean"`, over all elements; `"batchmean"` is the mathematical mean over the batch. */
  readonly reduction?: Reduction | "batchmean";
  /** Whether the target comes as logarithms. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback–Leibler divergence of log probabilities from a target distribution: `target · (ln target - input)`, 0 where the
 * target is 0. Shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  ...args: Args<KlDivOptions, ["sizeAverage", "reduce", "reduction", "logTarget"]>
): Tensor {
  const { reduction: wanted, logTarget = false, ...old } = named<KlDivOptions>("klDiv", args, [
    "sizeAverage",
    "reduce",
    "reduction",
    "logTarget",
  ]);
  requireTensor("klDiv", "input", input);
  requireTensor("klDiv", "target", target);
  const batch = wanted === "batchmean";
  const reduction = batch
    ? "sum"
    : reductionOf("klDiv", wanted === undefined ? old : { ...old, reduction: wanted });
  return temporaries(() => {
    const loss = temporaries(() =>
      logTarget ? mul(exp(target), sub(target, input)) : divergence(input, target)
    );
    if (batch) return div(sum(loss), input.shape[0] ?? 1);
    return relabel(reduceLoss(loss, reduction), "KlDivBackward0");
  });
}

function divergence(input: Tensor, target: Tensor): Tensor {
  const counts = gt(target, 0);
  const safe = where(counts, target, 1);
  return where(counts, mul(target, sub(log(safe), input)), 0);
}

/** Weighs and reduces losses; what they are made of goes before. */
function finish(
  losses: () => Tensor,
  weight: Tensor | null | undefined,
  reduction: Reduction,
  label: string,
): Tensor {
  const weighted = temporaries(() => {
    const loss = losses();
    return weight === null || weight === undefined ? loss : mul(loss, weight);
  });
  return relabel(reduceLoss(weighted, reduction), label);
}

function requireWeight(op: string, input: Tensor, weight: Tensor | null | undefined): void {
  if (weight === null || weight === undefined) return;
  requireTensor(op, "weight", weight);
  const shape = tryBroadcast(input.shape, weight.shape);
  if (shape === null || !shapesEqual(shape, input.shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(input)} with weight ${
        formatType(weight)
      }: it must broadcast to the shape of input`,
    );
  }
}

function requireProbabilities(input: Tensor): void {
  if (!input.backend.canReadSync || input.numel() === 0) return;
  temporaries(() => {
    const outside = temporaries(() => logicalNot(logicalAnd(ge(input, 0), le(input, 1))));
    if (itemSync(any(plainOf(outside)))) {
      throw new ValueError(
        `Cannot binaryCrossEntropy ${
          formatType(input)
        }: all elements of input must be in [0, 1], got one that is not`,
      );
    }
    return null;
  });
}
