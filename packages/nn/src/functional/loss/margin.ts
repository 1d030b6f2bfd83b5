/**
 * Losses of margins: marginRankingLoss, hingeEmbeddingLoss, softMarginLoss, multiMarginLoss, multilabelMarginLoss,
 * multilabelSoftMarginLoss.
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
  ShapeError,
  shapesEqual,
  ValueError,
} from "@flambeau/core";
import {
  add,
  any,
  arange,
  type Args,
  clampMin,
  cumprod,
  div,
  eq,
  le,
  logicalAnd,
  logicalNot,
  mul,
  narrow,
  ne,
  neg,
  reshape,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "@flambeau/tensor";
import {
  areInside,
  bind,
  castTo,
  named,
  plainOf,
  requireTensor,
  temporaries,
  toFloat,
} from "@flambeau/tensor/internal";
import { logSigmoidOf } from "./binary.ts";
import {
  lossOf,
  reduceLoss,
  REDUCTION_NAMES,
  type ReductionNames,
  reductionOf,
  type ReductionOptions,
  requireSameShape,
} from "./reduction.ts";

/** Options of losses with a margin. */
export interface MarginOptions extends ReductionOptions {
  /** The margin. */
  readonly margin?: number;
}

const MARGIN_NAMES = ["margin", ...REDUCTION_NAMES] as const;

/**
 * `max(0, -target · (input1 - input2) + margin)`: with target 1 the first should rank higher, with -1 the second. Shapes
 * broadcast; the margin is 0 by default.
 *
 * @throws {ShapeError} If ranks differ.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html
 */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: Args<MarginOptions, ["margin", ...ReductionNames]>
): Tensor {
  requireTensor("marginRankingLoss", "input1", input1);
  requireTensor("marginRankingLoss", "input2", input2);
  requireTensor("marginRankingLoss", "target", target);
  const options = named<MarginOptions>("marginRankingLoss", args, MARGIN_NAMES);
  const { margin = 0 } = options;
  const reduction = reductionOf("marginRankingLoss", options);
  if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim) {
    throw new ShapeError(
      `Cannot marginRankingLoss ${formatType(input1)}, ${formatType(input2)} and ${formatType(target)}: ` +
        `all must have the same number of dimensions, got ${input1.ndim}, ${input2.ndim} and ${target.ndim}`,
    );
  }
  return lossOf(
    reduction,
    "ClampMinBackward0",
    [input1, input2, target],
    () => clampMin(add(toFloat(mul(neg(target), sub(input1, input2))), margin), 0),
    (g, [x, y, t], needs) => {
      const difference = sub(x!, y!);
      const violates = le(mul(t!, difference), margin);
      const slope = where(violates, g, 0);
      const toSecond = needs[0] || needs[1] ? mul(slope, t!) : null;
      return [needs[0] ? neg(toSecond!) : null, toSecond, needs[2] ? neg(mul(slope, difference)) : null];
    },
  );
}

/**
 * `input` where target is 1, `max(0, margin - input)` where it is -1. Shapes broadcast; the margin is 1 by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html
 */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<MarginOptions, ["margin", ...ReductionNames]>
): Tensor {
  requireTensor("hingeEmbeddingLoss", "input", input);
  requireTensor("hingeEmbeddingLoss", "target", target);
  const options = named<MarginOptions>("hingeEmbeddingLoss", args, MARGIN_NAMES);
  const { margin = 1 } = options;
  const reduction = reductionOf("hingeEmbeddingLoss", options);
  return temporaries(() => {
    const losses = temporaries(() => {
      const apart = where(ne(target, 1), clampMin(sub(margin, input), 0), 0);
      return add(apart, where(ne(target, -1), input, 0));
    });
    return reduceLoss(losses, reduction);
  });
}

/**
 * `ln(1 + exp(-target · input))`, without overflow. Shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.soft_margin_loss.html
 */
export function softMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<ReductionOptions, ReductionNames>
): Tensor {
  requireTensor("softMarginLoss", "input", input);
  requireTensor("softMarginLoss", "target", target);
  const reduction = reductionOf(
    "softMarginLoss",
    named<ReductionOptions>("softMarginLoss", args, REDUCTION_NAMES),
  );
  const label = "SoftMarginLossBackward0";
  return lossOf(
    reduction,
    label,
    [input, target],
    () => neg(logSigmoidOf(mul(target, input))),
    (g, pair, needs) => {
      const [x, t] = pair as readonly [Tensor, Tensor];
      const slope = mul(sigmoid(neg(mul(t, x))), neg(g));
      return [needs[0] ? mul(t, slope) : null, needs[1] ? mul(x, slope) : null];
    },
  );
}

/** Options of {@linkcode multiMarginLoss}. */
export interface MultiMarginLossOptions extends MarginOptions {
  /** Power of the violations, 1 or 2. Default 1. */
  readonly p?: number;
  /** A factor for each class `[C]`. */
  readonly weight?: Tensor | null;
}

/**
 * Sum over the other classes of `max(0, margin - input[target] + input[class])^p`, divided by the number of classes. The
 * margin is 1 by default.
 *
 * Shapes: input `[N, C]` or `[C]`, target `[N]` or a scalar, of integers.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @throws {ValueError} If `p` is neither 1 nor 2.
 * @throws {IndexError} If a target is no class, on devices that can be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html
 */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<MultiMarginLossOptions, ["p", "margin", "weight", ...ReductionNames]>
): Tensor {
  const options = named<MultiMarginLossOptions>("multiMarginLoss", args, [
    "p",
    "margin",
    "weight",
    ...REDUCTION_NAMES,
  ]);
  const { p = 1, margin = 1, weight = null } = options;
  const reduction = reductionOf("multiMarginLoss", options);
  if (p !== 1 && p !== 2) throw new ValueError(`Cannot multiMarginLoss: p must be 1 or 2, got ${p}`);
  const scores = rowsOf("multiMarginLoss", input);
  const [rows, classes] = scores.shape as [number, number];
  requireTensor("multiMarginLoss", "target", target);
  if (target.numel() !== rows || target.ndim > 1) {
    throw new ShapeError(
      `Cannot multiMarginLoss ${formatType(input)} and ${
        formatType(target)
      }: target must have one class for each row, ` +
        `[${rows}], got ${formatShape(target.shape)}`,
    );
  }
  checkClasses("multiMarginLoss", input, target, classes, 0);
  return temporaries(() => {
    const places = asIndex(reshape(target, [rows, 1]));
    const violation = clampMin(add(sub(scores, bind("gather", [scores, places], { dim: 1 })), margin), 0);
    const powered = p === 1 ? violation : square(violation);
    const weighted = weight === null
      ? powered
      : mul(powered, reshape(bind("indexSelect", [weight, reshape(places, [-1])], { dim: 0 }), [rows, 1]));
    const own = eq(places, classNumbers(classes, places));
    const losses = div(sum(where(own, 0, weighted), 1), classes);
    return reduceLoss(
      input.ndim < 2 ? reshape(losses, target.shape.length === 0 ? [] : [1]) : losses,
      reduction,
    );
  });
}

/**
 * Sum over the target classes and all others of `max(0, 1 - (input[target] - input[other]))`, divided by the number of
 * classes.
 *
 * Shapes: input `[N, C]` or `[C]`; target of that shape, of integers: classes up to the first -1.
 *
 * @throws {ShapeError} If shapes differ.
 * @throws {IndexError} If a target is no class, on devices that can be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html
 */
export function multilabelMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<ReductionOptions, ReductionNames>
): Tensor {
  const op = "multilabelMarginLoss";
  requireSameShape(op, input, target);
  const reduction = reductionOf(op, named<ReductionOptions>(op, args, REDUCTION_NAMES));
  const scores = rowsOf(op, input);
  const [rows, classes] = scores.shape as [number, number];
  checkClasses(op, input, target, classes, -1);
  const most = mostLabels(target, rows, classes);
  return temporaries(() => {
    const labels = asIndex(narrow(reshape(target, [rows, classes]), 1, 0, most));
    const counts = ne(cumprod(ne(labels, -1), 1), 0);
    const safe = where(counts, labels, 0);
    // [rows, label, class]
    const labelled = unsqueeze(counts, 2);
    const isLabel = any(logicalAnd(labelled, eq(unsqueeze(safe, 2), classNumbers(classes, labels))), 1, true);
    const difference = sub(unsqueeze(scores, 1), unsqueeze(bind("gather", [scores, safe], { dim: 1 }), 2));
    const violation = clampMin(add(difference, 1), 0);
    const total = sum(where(logicalAnd(labelled, logicalNot(isLabel)), violation, 0), [1, 2]);
    const losses = div(total, classes);
    return reduceLoss(input.ndim < 2 ? reshape(losses, []) : losses, reduction);
  });
}

/** How many classes a row of `target` has at most before its first -1; all where that cannot be read. */
function mostLabels(target: Tensor, rows: number, classes: number): number {
  if (!target.backend.canReadSync) return classes;
  const plain = plainOf(target);
  if (plain.numel() !== rows * classes) return classes; // a batch of calls, which may differ
  const data = plain.dataSync();
  let most = 0;
  for (let row = 0; row < data.length; row += classes) {
    let count = 0;
    while (count < classes && Number(data[row + count]) >= 0) count++;
    most = Math.max(most, count);
  }
  return most;
}

/** Options of {@linkcode multilabelSoftMarginLoss}. */
export interface MultilabelSoftMarginLossOptions extends ReductionOptions {
  /** A factor for each class; broadcasts. */
  readonly weight?: Tensor | null;
}

/**
 * Mean over classes of the binary cross entropy of `sigmoid(input)`.
 *
 * Shapes: input and target `[N, C]` or `[C]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html
 */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<MultilabelSoftMarginLossOptions, ["weight", ...ReductionNames]>
): Tensor {
  const op = "multilabelSoftMarginLoss";
  requireTensor(op, "input", input);
  requireTensor(op, "target", target);
  const options = named<MultilabelSoftMarginLossOptions>(op, args, ["weight", ...REDUCTION_NAMES]);
  const { weight = null } = options;
  const reduction = reductionOf(op, options);
  return temporaries(() => {
    const terms = neg(
      add(mul(target, logSigmoidOf(input)), mul(sub(1, target), logSigmoidOf(neg(input)))),
    );
    const weighted = weight === null ? terms : mul(terms, weight);
    if (weighted.ndim === 0) return reduceLoss(weighted, reduction);
    return reduceLoss(div(sum(weighted, -1), weighted.shape.at(-1)!), reduction);
  });
}

/** Scores as `[N, C]`. */
function rowsOf(op: string, input: Tensor): Tensor {
  requireTensor(op, "input", input);
  if (input.ndim > 2 || input.shape.at(-1) === 0) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(input)}: input must be [N, C] or [C] with at least one class`,
    );
  }
  return input.ndim === 2 ? input : reshape(input, [1, -1]);
}

/** Classes in a dtype that primitives take as an index. */
function asIndex(classes: Tensor): Tensor {
  return classes.dtype === int32 || classes.dtype === int64 ? classes : castTo(classes, int32);
}

/** The numbers of the classes, on the device of `like`. */
function classNumbers(classes: number, like: Tensor): Tensor {
  return arange(classes, { dtype: like.dtype, device: like.device });
}

function checkClasses(op: string, input: Tensor, target: Tensor, classes: number, least: number): void {
  if (target.dtype.kind !== "int") {
    throw new DTypeError(
      `Cannot ${op} ${formatType(input)} and ${
        formatType(target)
      }: classes must be integers, got ${target.dtype.name}`,
    );
  }
  if (!target.backend.canReadSync || shapesEqual(target.shape, [0])) return;
  if (least === 0 && areInside(target, classes)) return;
  for (const value of plainOf(target).dataSync()) {
    if (!(Number(value) >= least && Number(value) < classes)) {
      throw new IndexError(
        `Cannot ${op} ${formatType(input)} and ${
          formatType(target)
        }: classes must be in [${least}, ${classes}), ` +
          `got ${value}`,
      );
    }
  }
}
