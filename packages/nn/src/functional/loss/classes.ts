/**
 * Losses of class scores: nllLoss and crossEntropy.
 *
 * @module
 */

import {
  DTypeError,
  formatShape,
  formatType,
  IndexError,
  int32,
  int64,
  numelOf,
  ShapeError,
  shapesEqual,
  ValueError,
} from "@flambeau/core";
import {
  add,
  type Args,
  div,
  eq,
  logicalNot,
  movedim,
  mul,
  neg,
  reshape,
  squeeze,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "@flambeau/tensor";
import {
  areInside,
  bind,
  castTo,
  constant,
  named,
  plainOf,
  relabel,
  requireTensor,
  temporaries,
} from "@flambeau/tensor/internal";
import { reduceLoss, type Reduction, reductionOf, type ReductionOptions } from "./reduction.ts";

/** Options of {@linkcode nllLoss}. */
export interface NllLossOptions extends ReductionOptions {
  /** A factor for each class `[C]`. */
  readonly weight?: Tensor | null;
  /** The class that does not count. Default -100. */
  readonly ignoreIndex?: number;
}

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** Share of each target that is spread over all classes, in [0, 1]. Default 0. */
  readonly labelSmoothing?: number;
}

/** A call of nllLoss or crossEntropy with class indices, in words for messages. */
interface Classes {
  readonly op: string;
  readonly input: Tensor;
  readonly target: Tensor;
  readonly weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
}

/**
 * Negative log likelihood of class `target`, given log probabilities.
 *
 * Shapes: input `[N, C, d1, …]` or `[C]`, target `[N, d1, …]` or a scalar, of integers. The mean is weighted: it divides by
 * the sum of the weights of the targets that count.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @throws {DTypeError} If the target is not of integers.
 * @throws {IndexError} If a target is no class; on the GPU at the next read.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
 */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<NllLossOptions, ["weight", "sizeAverage", "ignoreIndex", "reduce", "reduction"]>
): Tensor {
  const options = named<NllLossOptions>("nllLoss", args, [
    "weight",
    "sizeAverage",
    "ignoreIndex",
    "reduce",
    "reduction",
  ]);
  return temporaries(() => pickedLoss(classesOf("nllLoss", input, target, options), input));
}

/**
 * Cross entropy of class scores: {@linkcode nllLoss} of `logSoftmax(input)` along the dimension of classes.
 *
 * Shapes: input `[N, C, d1, …]` or `[C]`; target of integers `[N, d1, …]` or a scalar, or probabilities of floats of the
 * shape of input.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @throws {DTypeError} If class indices are not integers.
 * @throws {IndexError} If a class index is no class; on the GPU at the next read.
 * @throws {ValueError} If `labelSmoothing` is not in [0, 1].
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
 *
 * @example
 * ```ts
 * const loss = crossEntropy(net(x), labels); // scores [64, 10], labels int32 [64]
 * ```
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    CrossEntropyOptions,
    ["weight", "sizeAverage", "ignoreIndex", "reduce", "reduction", "labelSmoothing"]
  >
): Tensor {
  const options = named<CrossEntropyOptions>("crossEntropy", args, [
    "weight",
    "sizeAverage",
    "ignoreIndex",
    "reduce",
    "reduction",
    "labelSmoothing",
  ]);
  const { labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ValueError(`Cannot crossEntropy: labelSmoothing must be in [0, 1], got ${labelSmoothing}`);
  }
  requireTensor("crossEntropy", "input", input);
  requireTensor("crossEntropy", "target", target);
  if (target.dtype.kind === "float" && shapesEqual(input.shape, target.shape)) {
    return probabilityLoss(input, target, options, labelSmoothing);
  }
  return temporaries(() => {
    const call = classesOf("crossEntropy", input, target, options);
    if (labelSmoothing === 0 || call.weight === null) return scoresLoss(call, labelSmoothing);
    // What is spread is weighted too, and has a gradient for the weights.
    const logp = bind("logSoftmax", [input], { dim: classDim(input) });
    return smoothed(call, logp, pickedLoss(call, logp), labelSmoothing);
  });
}

/** The loss of scores, which may be those of one target `[C]`. */
function scoresLoss({ input, target, weight, ignoreIndex, reduction }: Classes, smoothing: number): Tensor {
  const attrs = { reduction, ignoreIndex, smoothing };
  const one = input.shape.length === 1;
  const [x, classes] = one ? [unsqueeze(input, 0), unsqueeze(target, 0)] : [input, target];
  const [all] = bind("crossEntropy", weight === null ? [x, classes] : [x, classes, weight], attrs);
  const loss = one && reduction === "none" ? squeeze(all, 0) : all;
  if (smoothing > 0) return relabel(loss, "AddBackward0");
  return relabel(loss, input.shape.length > 2 ? "NllLoss2DBackward0" : "NllLossBackward0");
}

function classDim(input: Tensor): number {
  return input.shape.length === 1 ? 0 : 1;
}

/** Checks a call with class indices. */
function classesOf(op: string, input: Tensor, target: Tensor, options: NllLossOptions): Classes {
  requireTensor(op, "input", input);
  requireTensor(op, "target", target);
  const { weight = null, ignoreIndex = -100 } = options;
  const reduction = reductionOf(op, options);
  const what = `Cannot ${op} ${formatType(input)} and ${formatType(target)}`;
  if (input.shape.length === 0) {
    throw new ShapeError(`${what}: input must have a dimension of classes, got rank 0`);
  }
  if (input.dtype.kind !== "float") {
    throw new DTypeError(`${what}: input must be of a float dtype, got ${input.dtype.name}`);
  }
  const dim = classDim(input);
  const wanted = input.shape.filter((_, i) => i !== dim);
  if (!shapesEqual(wanted, target.shape)) {
    throw new ShapeError(
      `${what}: target must have the shape of input without its dimension of classes, ${
        formatShape(wanted)
      }, ` +
        `got ${formatShape(target.shape)}`,
    );
  }
  if (target.dtype.kind !== "int") {
    throw new DTypeError(
      `${what}: class indices must be integers, got ${target.dtype.name}; ` +
        "make them with { dtype: torch.int32 }, or convert them by target.int()",
    );
  }
  const classes = input.shape[dim]!;
  checkWeight(what, weight, classes);
  checkClasses(what, target, classes, ignoreIndex);
  const wide = target.dtype === int32 || target.dtype === int64 ? target : castTo(target, int32);
  return { op, input, target: wide, weight, ignoreIndex, reduction };
}

function checkWeight(what: string, weight: Tensor | null, classes: number): void {
  if (weight === null) return;
  requireTensor("use a weight", "weight", weight);
  if (!shapesEqual(weight.shape, [classes])) {
    throw new ShapeError(
      `${what}: weight must have one factor for each class, [${classes}], got ${formatShape(weight.shape)}`,
    );
  }
}

function checkClasses(what: string, target: Tensor, classes: number, ignoreIndex: number): void {
  const { canReadSync, reportsIndices = false } = target.backend;
  if (!canReadSync || reportsIndices || numelOf(target.shape) === 0 || areInside(target, classes)) return;
  const data = plainOf(target).dataSync();
  // The low halves of int64 first: a bigint for each element takes ten times as long.
  const halves = data instanceof BigInt64Array ? new Int32Array(data.buffer, data.byteOffset) : null;
  for (let i = 0; i < data.length; i++) {
    const low = halves === null ? data[i] as number : halves[2 * i + 1] === 0 ? halves[2 * i]! : -1;
    if (low >= 0 && low < classes) continue;
    const index = Number(data[i]);
    if (index !== ignoreIndex && !(index >= 0 && index < classes)) {
      throw new IndexError(
        `${what}: class indices must be in [0, ${classes}) or be ignoreIndex ${ignoreIndex}, got ${index}`,
      );
    }
  }
}

function ones(classes: number, like: Tensor): Tensor {
  return bind("expand", [constant(1, like.dtype, like.backend)], { shape: [classes] });
}

/** The loss of picking the target's entry of `logp`. */
function pickedLoss({ target, weight, ignoreIndex, reduction }: Classes, logp: Tensor): Tensor {
  const dim = classDim(logp);
  const classes = logp.shape[dim]!;
  if (reduction !== "none" && logp.shape.length > 2 && weight === null) {
    // Few elements count: they are picked where they are.
    const { ignored, safe } = targetWeights(target, null, ignoreIndex);
    const picked = squeeze(bind("gather", [logp, unsqueeze(safe, dim)], { dim }), dim);
    const total = neg(sum(where(ignored, 0, picked)));
    const loss = reduction === "sum" ? total : div(total, sum(castTo(logicalNot(ignored), logp.dtype)));
    return relabel(loss, "NllLoss2DBackward0");
  }
  if (reduction !== "none") {
    const rows = logp.shape.length === 2 ? logp : reshape(movedim(logp, dim, -1), [-1, classes]);
    const factor = weight ?? ones(classes, logp);
    const [loss] = bind("nllLoss", [rows, reshape(target, [-1]), factor], { reduction, ignoreIndex });
    return relabel(loss, logp.shape.length > 2 ? "NllLoss2DBackward0" : "NllLossBackward0");
  }
  const { ignored, safe, factor } = targetWeights(target, weight, ignoreIndex);
  const picked = squeeze(bind("gather", [logp, unsqueeze(safe, dim)], { dim }), dim);
  const loss = neg(factor === null ? picked : mul(picked, factor));
  return relabel(where(ignored, 0, loss), logp.shape.length > 2 ? "NllLoss2DBackward0" : "NllLossBackward0");
}

/** Which targets do not count, targets with class 0 for those, and the weights of the targets. */
function targetWeights(
  target: Tensor,
  weight: Tensor | null,
  ignoreIndex: number,
): { ignored: Tensor; safe: Tensor; factor: Tensor | null } {
  const ignored = eq(target, ignoreIndex);
  const safe = where(ignored, 0, target);
  const factor = weight === null
    ? null
    : reshape(bind("indexSelect", [weight, reshape(safe, [-1])], { dim: 0 }), target.shape);
  return { ignored, safe, factor };
}

/** Mixes the loss of the targets with that of all classes. */
function smoothed(call: Classes, logp: Tensor, loss: Tensor, smoothing: number): Tensor {
  const { target, weight, ignoreIndex, reduction } = call;
  const dim = classDim(logp);
  const classes = logp.shape[dim]!;
  const { ignored, factor } = targetWeights(target, weight, ignoreIndex);
  const all = neg(sum(weight === null ? logp : mul(logp, alongClasses(weight, logp)), dim));
  const counted = where(ignored, 0, all);
  let spread = reduceLoss(counted, reduction === "none" ? "none" : "sum");
  if (reduction === "mean") {
    const weights = factor ?? castTo(bind("logicalNot", [ignored], null), logp.dtype);
    spread = div(spread, sum(where(ignored, 0, weights)));
  }
  return add(mul(loss, 1 - smoothing), mul(spread, smoothing / classes));
}

/** Weights of classes in the shape that broadcasts to the scores. */
function alongClasses(weight: Tensor, scores: Tensor): Tensor {
  const dim = classDim(scores);
  return reshape(weight, scores.shape.map((_, i) => i === dim ? -1 : 1));
}

/** Cross entropy of a distribution over classes. */
function probabilityLoss(
  input: Tensor,
  target: Tensor,
  options: CrossEntropyOptions,
  smoothing: number,
): Tensor {
  const what = `Cannot crossEntropy ${formatType(input)} and ${formatType(target)}`;
  const { weight = null, ignoreIndex = -100 } = options;
  const reduction = reductionOf("crossEntropy", options);
  if (input.shape.length === 0) {
    throw new ShapeError(`${what}: input must have a dimension of classes, got rank 0`);
  }
  if (ignoreIndex >= 0) {
    throw new ValueError(`${what}: ignoreIndex must be left out for probabilities, got ${ignoreIndex}`);
  }
  const dim = classDim(input);
  const classes = input.shape[dim]!;
  checkWeight(what, weight, classes);
  return temporaries(() => {
    const logp = bind("logSoftmax", [input], { dim });
    const wanted = smoothing === 0 ? target : add(mul(target, 1 - smoothing), smoothing / classes);
    const terms = mul(logp, wanted);
    const losses = neg(sum(weight === null ? terms : mul(terms, alongClasses(weight, logp)), dim));
    if (reduction !== "mean") return reduceLoss(losses, reduction);
    return div(sum(losses), numelOf(losses.shape));
  });
}
