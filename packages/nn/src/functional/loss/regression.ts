/**
 * Losses between numbers: mseLoss, l1Loss, smoothL1Loss, huberLoss, poissonNllLoss, gaussianNllLoss.
 *
 * @module
 */

import { formatType, ShapeError, shapesEqual, ValueError } from "@flambeau/core";
import {
  abs,
  add,
  any,
  type Args,
  clamp,
  clampMax,
  clampMin,
  detach,
  div,
  exp,
  gt,
  itemSync,
  log,
  lt,
  mul,
  sign,
  square,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from "@flambeau/tensor";
import { named, requireTensor, temporaries } from "@flambeau/tensor/internal";
import { plainOf } from "@flambeau/tensor/internal";
import {
  isPlain,
  lossOf,
  ofDifference,
  reduceLoss,
  REDUCTION_NAMES,
  type ReductionNames,
  reductionOf,
  type ReductionOptions,
} from "./reduction.ts";

/** Checks that both are tensors. Shapes broadcast. */
function requirePair(op: string, input: Tensor, target: Tensor): void {
  requireTensor(op, "input", input);
  requireTensor(op, "target", target);
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : mul(x, factor);
}

/**
 * Squared differences: `(input - target)²`. Shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
 */
export function mseLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<ReductionOptions, ReductionNames>
): Tensor {
  requirePair("mseLoss", input, target);
  const reduction = reductionOf("mseLoss", named<ReductionOptions>("mseLoss", args, REDUCTION_NAMES));
  return lossOf(
    reduction,
    "MseLossBackward0",
    [input, target],
    () => square(sub(input, target)),
    (g, [x, y], needs) => ofDifference(mul(mul(sub(x!, y!), 2), g), needs),
  );
}

/**
 * Absolute differences: `|input - target|`. Shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html
 */
export function l1Loss(
  input: Tensor,
  target: Tensor,
  ...args: Args<ReductionOptions, ReductionNames>
): Tensor {
  requirePair("l1Loss", input, target);
  const reduction = reductionOf("l1Loss", named<ReductionOptions>("l1Loss", args, REDUCTION_NAMES));
  const label = reduction === "none"
    ? "AbsBackward0"
    : reduction === "mean"
    ? "MeanBackward0"
    : "SumBackward0";
  return lossOf(
    reduction,
    label,
    [input, target],
    () => abs(sub(input, target)),
    (g, [x, y], needs) => ofDifference(mul(sign(sub(x!, y!)), g), needs),
  );
}

/** Options of {@linkcode smoothL1Loss}. */
export interface SmoothL1LossOptions extends ReductionOptions {
  /** Where the square becomes a line. Default 1. */
  readonly beta?: number;
}

/**
 * Half the squared difference over `beta` where the difference `d` is below `beta`, else `d - beta / 2`. Shapes broadcast.
 *
 * @throws {ValueError} If `beta` is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html
 */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  ...args: Args<SmoothL1LossOptions, [...ReductionNames, "beta"]>
): Tensor {
  requirePair("smoothL1Loss", input, target);
  const options = named<SmoothL1LossOptions>("smoothL1Loss", args, [...REDUCTION_NAMES, "beta"]);
  const { beta = 1 } = options;
  const reduction = reductionOf("smoothL1Loss", options);
  if (!(beta >= 0)) throw new ValueError(`Cannot smoothL1Loss: beta must not be negative, got ${beta}`);
  if (beta === 0) return l1Loss(input, target, { reduction });
  return lossOf(reduction, "SmoothL1LossBackward0", [input, target], () => {
    const distance = abs(sub(input, target));
    const near = clampMax(distance, beta);
    if (isPlain()) return scaled(mul(add(distance, near, { alpha: -0.5 }), near), 1 / beta);
    // m²/2β + (d − m) with m = min(d, β): both branches at once, and no ∞ · 0 in its gradient.
    return add(mul(square(near), 0.5 / beta), sub(distance, near));
  }, (g, [x, y], needs) => ofDifference(mul(scaled(clamp(sub(x!, y!), -beta, beta), 1 / beta), g), needs));
}

/** Options of {@linkcode huberLoss}. */
export interface HuberLossOptions {
  /** Default `"mean"`. */
  readonly reduction?: ReductionOptions["reduction"];
  /** Where the square becomes a line. Default 1. */
  readonly delta?: number;
}

/**
 * Half the squared difference where the difference `d` is below `delta`, else `delta · (d - delta / 2)`. Shapes broadcast.
 *
 * @throws {ValueError} If `delta` is not positive.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html
 */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<HuberLossOptions, ["reduction", "delta"]>
): Tensor {
  requirePair("huberLoss", input, target);
  const options = named<HuberLossOptions>("huberLoss", args, ["reduction", "delta"]);
  const { delta = 1 } = options;
  const reduction = reductionOf("huberLoss", options as ReductionOptions);
  if (!(delta > 0)) throw new ValueError(`Cannot huberLoss: delta must be greater than 0, got ${delta}`);
  return lossOf(reduction, "HuberLossBackward0", [input, target], () => {
    const distance = abs(sub(input, target));
    const near = clampMax(distance, delta);
    if (isPlain()) return mul(add(distance, near, { alpha: -0.5 }), near);
    return add(mul(square(near), 0.5), mul(sub(distance, near), delta));
  }, (g, [x, y], needs) => ofDifference(mul(clamp(sub(x!, y!), -delta, delta), g), needs));
}

/** Options of {@linkcode poissonNllLoss}. */
export interface PoissonNllLossOptions extends ReductionOptions {
  /** Whether `input` is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** Whether Stirling's approximation of `ln target!` is added where `target > 1`. Default false. */
  readonly full?: boolean;
  /** Keeps the logarithm of a rate of 0 finite. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Negative log likelihood of counts: `exp(input) - target · input`, or `input - target · ln(input + eps)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.poisson_nll_loss.html
 */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<PoissonNllLossOptions, ["logInput", "full", "sizeAverage", "eps", "reduce", "reduction"]>
): Tensor {
  requirePair("poissonNllLoss", input, target);
  const options = named<PoissonNllLossOptions>("poissonNllLoss", args, [
    "logInput",
    "full",
    "sizeAverage",
    "eps",
    "reduce",
    "reduction",
  ]);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  const reduction = reductionOf("poissonNllLoss", options);
  const lossesOf = () => {
    let loss = logInput ? sub(exp(input), mul(target, input)) : sub(input, mul(target, log(add(input, eps))));
    if (full) {
      // The logarithm is taken of 1 where it does not count: no NaN in its gradient.
      const counts = gt(target, 1);
      const n = where(counts, target, 1);
      const stirling = add(sub(mul(n, log(n)), n), mul(log(mul(n, 2 * Math.PI)), 0.5));
      loss = add(loss, where(counts, stirling, 0));
    }
    return loss;
  };
  return temporaries(() => reduceLoss(temporaries(lossesOf), reduction));
}

/** Options of {@linkcode gaussianNllLoss}. */
export interface GaussianNllLossOptions {
  /** Whether the constant `ln(2π) / 2` is added. Default false. */
  readonly full?: boolean;
  /** Least variance that is used. Default 1e-6. */
  readonly eps?: number;
  /** Default `"mean"`. */
  readonly reduction?: ReductionOptions["reduction"];
}

/**
 * Negative log likelihood of normally distributed numbers: `(ln var + (input - target)² / var) / 2`, with `var` at least
 * `eps`; the limit passes gradients as if it were not there.
 *
 * @param variance Of the shape of `input`, or without the last dimension, or with size 1 there.
 * @throws {ShapeError} If the shape of the variance does not fit.
 * @throws {ValueError} If a variance is negative, on devices that can be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  ...args: Args<GaussianNllLossOptions, ["full", "eps", "reduction"]>
): Tensor {
  requirePair("gaussianNllLoss", input, target);
  requireTensor("gaussianNllLoss", "var", variance);
  const options = named<GaussianNllLossOptions>("gaussianNllLoss", args, ["full", "eps", "reduction"]);
  const { full = false, eps = 1e-6 } = options;
  const reduction = reductionOf("gaussianNllLoss", options as ReductionOptions);
  return temporaries(() => {
    const spread = fitVariance(input, variance);
    if (spread.backend.canReadSync && spread.numel() > 0 && itemSync(any(plainOf(lt(spread, 0))))) {
      throw new ValueError(
        `Cannot gaussianNllLoss ${formatType(input)}: the variances must not be negative, got one that is`,
      );
    }
    // Limited in value only: max(v, eps) with the gradient of v.
    const limited = add(spread, detach(sub(clampMin(detach(spread), eps), spread)));
    const loss = mul(add(log(limited), div(square(sub(input, target)), limited)), 0.5);
    return reduceLoss(full ? add(loss, 0.5 * Math.log(2 * Math.PI)) : loss, reduction);
  });
}

/** The variance with the rank of the input. */
function fitVariance(input: Tensor, variance: Tensor): Tensor {
  const [a, b] = [input.shape, variance.shape];
  if (shapesEqual(a, b)) return variance;
  if (shapesEqual(a.slice(0, -1), b)) return unsqueeze(variance, -1);
  if (a.length === b.length && b.at(-1) === 1 && shapesEqual(a.slice(0, -1), b.slice(0, -1))) return variance;
  throw new ShapeError(
    `Cannot gaussianNllLoss ${formatType(input)} with var ${
      formatType(variance)
    }: var must have the shape of input, ` +
      `or miss its last dimension, or have size 1 there`,
  );
}
