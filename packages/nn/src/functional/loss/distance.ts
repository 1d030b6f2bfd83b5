/**
 * Losses of distances: cosineEmbeddingLoss, tripletMarginLoss, tripletMarginWithDistanceLoss.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import {
  add,
  type Args,
  clampMin,
  div,
  eq,
  minimum,
  mul,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "@flambeau/tensor";
import { named, requireTensor, temporaries } from "@flambeau/tensor/internal";
import { pairwiseDistance } from "../distance.ts";
import type { MarginOptions } from "./margin.ts";
import {
  reduceLoss,
  REDUCTION_NAMES,
  type ReductionNames,
  reductionOf,
  type ReductionOptions,
} from "./reduction.ts";

/** Keeps the norm of a zero vector positive. */
const EPSILON = 1e-12;

/**
 * `1 - cos(input1, input2)` where target is 1, `max(0, cos(input1, input2) - margin)` where it is -1. The margin is 0 by
 * default.
 *
 * Shapes: inputs `[N, D]` and target `[N]`, or inputs `[D]` and a scalar.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_embedding_loss.html
 */
export function cosineEmbeddingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: Args<MarginOptions, ["margin", ...ReductionNames]>
): Tensor {
  const op = "cosineEmbeddingLoss";
  requireTensor(op, "input1", input1);
  requireTensor(op, "input2", input2);
  requireTensor(op, "target", target);
  const options = named<MarginOptions>(op, args, ["margin", ...REDUCTION_NAMES]);
  const { margin = 0 } = options;
  const reduction = reductionOf(op, options);
  const rank = target.ndim + 1;
  if (target.ndim > 1 || input1.ndim !== rank || input2.ndim !== rank) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(input1)}, ${formatType(input2)} and ${
        formatType(target)
      }: inputs must be [N, D] with ` +
        "target [N], or [D] with a scalar target",
    );
  }
  return temporaries(() => {
    const dim = target.ndim;
    const length = (x: Tensor) => add(sum(square(x), dim), EPSILON);
    const cosine = div(sum(mul(input1, input2), dim), sqrt(mul(length(input1), length(input2))));
    const together = where(eq(target, 1), sub(1, cosine), 0);
    const apart = where(eq(target, -1), clampMin(sub(cosine, margin), 0), 0);
    return reduceLoss(add(together, apart), reduction);
  });
}

/** Options of {@linkcode tripletMarginLoss}. */
export interface TripletMarginLossOptions extends MarginOptions {
  /** Degree of the norm. Default 2. */
  readonly p?: number;
  /** Added to the differences. Default 1e-6. */
  readonly eps?: number;
  /** Whether the negative's distance is that to the nearer of anchor and positive. Default false. */
  readonly swap?: boolean;
}

/**
 * `max(0, distance(anchor, positive) - distance(anchor, negative) + margin)`. The margin is 1 by default.
 *
 * @throws {ShapeError} If ranks differ.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_loss.html
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  ...args: Args<TripletMarginLossOptions, ["margin", "p", "eps", "swap", ...ReductionNames]>
): Tensor {
  const options = named<TripletMarginLossOptions>("tripletMarginLoss", args, [
    "margin",
    "p",
    "eps",
    "swap",
    ...REDUCTION_NAMES,
  ]);
  const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
  const reduction = reductionOf("tripletMarginLoss", options);
  return triplet("tripletMarginLoss", [anchor, positive, negative], {
    distance: (x, y) => pairwiseDistance(x, y, { p, eps }),
    margin,
    swap,
    reduction,
  });
}

/** Options of {@linkcode tripletMarginWithDistanceLoss}. */
export interface TripletMarginWithDistanceLossOptions {
  /** The distance of two batches. Default {@linkcode pairwiseDistance}. */
  readonly distanceFunction?: ((x: Tensor, y: Tensor) => Tensor) | null;
  /** The margin. Default 1. */
  readonly margin?: number;
  /** Whether the negative's distance is that to the nearer of anchor and positive. Default false. */
  readonly swap?: boolean;
  /** Default `"mean"`. */
  readonly reduction?: ReductionOptions["reduction"];
}

/**
 * {@linkcode tripletMarginLoss} with any distance.
 *
 * @throws {ShapeError} If ranks differ.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_with_distance_loss.html
 */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginWithDistanceLossOptions = {},
): Tensor {
  const op = "tripletMarginWithDistanceLoss";
  const names = ["distanceFunction", "margin", "swap", "reduction"] as const;
  const { distanceFunction, margin = 1, swap = false, reduction } = named<
    TripletMarginWithDistanceLossOptions
  >(
    op,
    [options],
    [],
    names,
  );
  return triplet(op, [anchor, positive, negative], {
    distance: distanceFunction ?? ((x, y) => pairwiseDistance(x, y)),
    margin,
    swap,
    reduction: reductionOf(op, reduction === undefined ? {} : { reduction }),
  });
}

function triplet(
  op: string,
  [anchor, positive, negative]: readonly [Tensor, Tensor, Tensor],
  { distance, margin, swap, reduction }: {
    distance: (x: Tensor, y: Tensor) => Tensor;
    margin: number;
    swap: boolean;
    reduction: "none" | "mean" | "sum";
  },
): Tensor {
  requireTensor(op, "anchor", anchor);
  requireTensor(op, "positive", positive);
  requireTensor(op, "negative", negative);
  if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(anchor)}, ${formatType(positive)} and ${
        formatType(negative)
      }: all must have the same ` +
        `number of dimensions, got ${anchor.ndim}, ${positive.ndim} and ${negative.ndim}`,
    );
  }
  if (!(margin > 0)) throw new ValueError(`Cannot ${op}: margin must be greater than 0, got ${margin}`);
  return temporaries(() => {
    const near = distance(anchor, positive);
    const far = distance(anchor, negative);
    const apart = swap ? minimum(far, distance(positive, negative)) : far;
    return reduceLoss(clampMin(add(sub(near, apart), margin), 0), reduction);
  });
}
