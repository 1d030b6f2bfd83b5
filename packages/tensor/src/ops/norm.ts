/**
 * Normalization: `layerNorm`, `batchNorm`, `groupNorm`, `instanceNorm`, `rmsNorm`, `localResponseNorm`, `normalize`.
 *
 * @module
 */

import {
  bfloat16,
  type DType,
  float16,
  float64,
  formatShape,
  formatType,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import { castTo, constant, requireInteger, requireNumber, requireTensor } from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { expandTo, owned, reshapeTo, viewAsShape } from "./building.ts";
import { integers, required } from "./lists.ts";
import { norm } from "./norms.ts";
import { inWide, like, meanOf } from "./reducing.ts";

/** `x` or, when there is none, `value` in `shape`; in the dtype of `of`. */
function orConstant(
  op: string,
  x: Tensor | null | undefined,
  value: number,
  shape: Shape,
  of: Tensor,
): Tensor {
  if (x === null || x === undefined) return expandTo(op, constant(value, of.dtype, of.backend), shape);
  return castTo(x, of.dtype);
}

function requireShape(
  op: string,
  x: Tensor,
  role: string,
  value: Tensor | null | undefined,
  shape: Shape,
): void {
  if (value === null || value === undefined) return;
  requireTensor(op, role, value);
  if (!shapesEqual(value.shape, shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: ${role} must have shape ${formatShape(shape)}, got ${
        formatShape(value.shape)
      }`,
    );
  }
}

/** Checks that `x` ends in `normalizedShape`. */
function requireEnd(op: string, x: Tensor, given: readonly number[] | number): Shape {
  requireTensor(op, "input", x);
  const shape = integers(op, "normalizedShape", given);
  const kept = x.shape.length - shape.length;
  if (shape.length === 0 || kept < 0 || !shapesEqual(x.shape.slice(kept), shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: it must end in the sizes of normalizedShape ${
        formatShape(shape)
      }, got ${formatShape(x.shape)}`,
    );
  }
  return shape;
}

/** Options of {@linkcode layerNorm}. */
export interface LayerNormOptions {
  /** The last sizes of the input, over which it is normalized. */
  readonly normalizedShape: readonly number[] | number;
  /** Factor of each place. */
  readonly weight: Tensor | null;
  /** Added to each place. */
  readonly bias: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  readonly eps: number;
}

/**
 * Normalizes over the last dimensions: `(x − mean) / √(var + eps) · weight + bias`, with the biased variance.
 *
 * Shapes: x `[…, …S]`, weight and bias `S` → the shape of x.
 *
 * @throws {ShapeError} If x does not end in `normalizedShape`, or weight or bias have another shape.
 * @see Ba et al. 2016, https://arxiv.org/abs/1607.06450
 */
export function layerNorm(
  x: Tensor,
  ...args: Args<LayerNormOptions, ["normalizedShape", "weight", "bias", "eps"]>
): Tensor {
  const options = named<LayerNormOptions>("layerNorm", args, ["normalizedShape", "weight", "bias", "eps"]);
  const shape = requireEnd("layerNorm", x, required("layerNorm", "normalizedShape", options.normalizedShape));
  const { weight, bias, eps = 1e-5 } = options;
  requireShape("layerNorm", x, "weight", weight, shape);
  requireShape("layerNorm", x, "bias", bias, shape);
  requireNumber("layerNorm", "eps", eps);
  return temporaries(() => {
    const scale = orConstant("layerNorm", weight, 1, shape, x);
    const shift = orConstant("layerNorm", bias, 0, shape, x);
    const [y] = bind("layerNorm", [x, scale, shift], { eps });
    return relabel(y, "NativeLayerNormBackward0");
  });
}

/** Options of {@linkcode rmsNorm}. */
export interface RmsNormOptions {
  /** The last sizes of the input, over which it is normalized. */
  readonly normalizedShape: readonly number[] | number;
  /** Factor of each place. */
  readonly weight: Tensor | null;
  /** Added to the mean square. Default: the distance from 1 to the next number of the dtype. */
  readonly eps: number | null;
}

/** The distance from 1 to the next larger number. */
function epsilonOf(dtype: DType): number {
  return dtype === float64
    ? 2 ** -52
    : dtype === float16
    ? 2 ** -10
    : dtype === bfloat16
    ? 2 ** -7
    : 2 ** -23;
}

/**
 * Divides by the root of the mean square over the last dimensions: `x / √(mean(x²) + eps) · weight`.
 *
 * @throws {ShapeError} If x does not end in `normalizedShape`, or weight has another shape.
 * @see Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467
 */
export function rmsNorm(
  x: Tensor,
  ...args: Args<RmsNormOptions, ["normalizedShape", "weight", "eps"]>
): Tensor {
  const options = named<RmsNormOptions>("rmsNorm", args, ["normalizedShape", "weight", "eps"]);
  const shape = requireEnd("rmsNorm", x, required("rmsNorm", "normalizedShape", options.normalizedShape));
  const { weight } = options;
  requireShape("rmsNorm", x, "weight", weight, shape);
  const eps = requireNumber("rmsNorm", "eps", options.eps ?? epsilonOf(x.dtype));
  const dims = shape.map((_, i) => x.shape.length - shape.length + i);
  return temporaries(() => {
    const y = inWide(x, (wide) => {
      const square = meanOf(bind("mul", [wide, wide], null), { dims, keepdim: true });
      return bind("mul", [wide, bind("rsqrt", [bind("add", [square, like(wide, eps)], null)], null)], null);
    });
    const out = weight === null || weight === undefined ? y : bind("mul", [y, castTo(weight, x.dtype)], null);
    return relabel(out, "FusedRmsNormBackward0");
  });
}

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Running means, `[C]`; updated in training. */
  readonly runningMean: Tensor | null;
  /** Running unbiased variances, `[C]`; updated in training. */
  readonly runningVar: Tensor | null;
  /** Factor of each channel, `[C]`. */
  readonly weight: Tensor | null;
  /** Added to each channel, `[C]`. */
  readonly bias: Tensor | null;
  /** Normalize by the statistics of this batch, and update the running ones. Default false. */
  readonly training: boolean;
  /** How much of a running statistic is replaced. Default 0.1. */
  readonly momentum: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps: number;
}

/** `[C]` seen so that it broadcasts over `[N, C, …]`. */
function channelColumn(x: Tensor, like: Tensor): Tensor {
  return viewAsShape(x, [x.shape[0]!, ...like.shape.slice(2).map(() => 1)]);
}

/** Replaces a share of a running statistic, in place and unrecorded. */
function moveTowards(running: Tensor, value: Tensor, momentum: number): void {
  noGrad(() =>
    replaceValue("update the running statistics of", running, (before) => {
      const kept = bind("mul", [before, like(before, 1 - momentum)], null);
      return bind(
        "add",
        [kept, bind("mul", [castTo(value, before.dtype), like(before, momentum)], null)],
        null,
      );
    })
  );
}

/** The unbiased variance behind `rstd = 1 / √(var + eps)` of `count` elements each. */
function unbiasedVariance(rstd: Tensor, eps: number, count: number): Tensor {
  const biased = bind(
    "sub",
    [bind("reciprocal", [bind("mul", [rstd, rstd], null)], null), like(rstd, eps)],
    null,
  );
  return bind("mul", [biased, like(rstd, count / (count - 1))], null);
}

/** Normalization by known statistics: one factor and one shift for each channel. */
function byRunning(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  weight: Tensor,
  bias: Tensor,
  eps: number,
): Tensor {
  const rstd = bind("rsqrt", [bind("add", [variance, like(variance, eps)], null)], null);
  const scale = bind("mul", [rstd, weight], null);
  const shift = bind("sub", [bias, bind("mul", [mean, scale], null)], null);
  const [factor, term] = [channelColumn(scale, x), channelColumn(shift, x)];
  // The product goes before factors and terms do: a device may then make the sum without writing it.
  return temporaries(() => bind("add", [bind("mul", [x, factor], null), term], null));
}

/**
 * Normalizes each channel over batch and space: `(x − mean) / √(var + eps) · weight + bias`. In training by the mean and
 * biased variance of this batch, else by the running ones.
 *
 * Shapes: x `[N, C, …]`, all others `[C]` → the shape of x.
 *
 * @throws {ValueError} If a channel has only one element in training, or there are no statistics outside of it.
 * @see Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
 */
export function batchNorm(
  x: Tensor,
  ...args: Args<
    BatchNormOptions,
    ["runningMean", "runningVar", "weight", "bias", "training", "momentum", "eps"]
  >
): Tensor {
  requireTensor("batchNorm", "input", x);
  const { runningMean, runningVar, weight, bias, training = false, momentum = 0.1, eps = 1e-5 } = named<
    BatchNormOptions
  >(
    "batchNorm",
    args,
    ["runningMean", "runningVar", "weight", "bias", "training", "momentum", "eps"],
  );
  if (x.shape.length === 1 && x.shape[0] === 0) {
    return relabel(bind("copy", [x], null), "NativeBatchNormBackward0");
  }
  if (x.shape.length < 2) {
    throw new ShapeError(
      `Cannot batchNorm ${formatType(x)}: it must be [N, C, …], got rank ${x.shape.length}`,
    );
  }
  const channels = [x.shape[1]!];
  const parts = { runningMean, runningVar, weight, bias };
  for (const [role, value] of Object.entries(parts)) requireShape("batchNorm", x, role, value, channels);
  const count = numelOf(x.shape) / Math.max(channels[0]!, 1);
  if (training && count === 1) {
    throw new ValueError(
      `Cannot batchNorm ${formatType(x)} in training: there must be more than 1 value per channel, got 1`,
    );
  }
  return temporaries(() => {
    const scale = orConstant("batchNorm", weight, 1, channels, x);
    const shift = orConstant("batchNorm", bias, 0, channels, x);
    if (!training) {
      const mean = required("batchNorm outside of training", "runningMean", runningMean ?? undefined);
      const variance = required("batchNorm outside of training", "runningVar", runningVar ?? undefined);
      const y = byRunning(x, castTo(mean, x.dtype), castTo(variance, x.dtype), scale, shift, eps);
      return relabel(y, "NativeBatchNormBackward0");
    }
    const [y, mean, rstd] = bind("batchNorm", [x, scale, shift], { eps });
    if (runningMean !== null && runningMean !== undefined) moveTowards(runningMean, mean, momentum);
    if (runningVar !== null && runningVar !== undefined) {
      moveTowards(runningVar, noGrad(() => unbiasedVariance(rstd, eps, count)), momentum);
    }
    return relabel(y, "NativeBatchNormBackward0");
  });
}

/** Options of {@linkcode groupNorm}. */
export interface GroupNormOptions {
  /** Factor of each channel, `[C]`. */
  readonly weight: Tensor | null;
  /** Added to each channel, `[C]`. */
  readonly bias: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  readonly eps: number;
}

/** Normalizes groups of channels of x [N, C, …] → y, means and 1/σ [N, groups, 1, 1]. */
function inGroups(
  op: string,
  x: Tensor,
  groups: number,
  { weight, bias, eps }: { weight: Tensor | null | undefined; bias: Tensor | null | undefined; eps: number },
): readonly [y: Tensor, mean: Tensor, rstd: Tensor] {
  const [n, channels, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const each = [groups, channels / groups];
  const perChannel = (value: Tensor | null | undefined, other: number) =>
    value === null || value === undefined
      ? orConstant(op, null, other, each, x)
      : reshapeTo(castTo(value, x.dtype), each);
  const [y, mean, rstd] = bind(
    "groupNorm",
    [reshapeTo(x, [n, ...each, numelOf(spatial)]), perChannel(weight, 1), perChannel(bias, 0)],
    { eps },
  );
  return [owned(viewAsShape(y, x.shape)), mean, rstd];
}

/**
 * Normalizes groups of channels of each sample, over channels and space; then one factor and term for each channel.
 *
 * Shapes: x `[N, C, …]`, weight and bias `[C]` → the shape of x.
 *
 * @throws {ShapeError} If the channels are not divisible by the groups.
 * @throws {ValueError} If a group has only one element.
 * @see Wu and He 2018, https://arxiv.org/abs/1803.08494
 */
export function groupNorm(
  x: Tensor,
  numGroups: number,
  ...args: Args<GroupNormOptions, ["weight", "bias", "eps"]>
): Tensor {
  requireTensor("groupNorm", "input", x);
  const { weight, bias, eps = 1e-5 } = named<GroupNormOptions>("groupNorm", args, ["weight", "bias", "eps"]);
  const groups = requireInteger("groupNorm", "numGroups", numGroups);
  const [n, channels] = x.shape as readonly [number, number];
  if (x.shape.length < 2 || groups < 1 || channels % groups !== 0) {
    throw new ShapeError(
      `Cannot groupNorm ${
        formatType(x)
      }: it must be [N, C, …] with channels divisible by the number of groups, got ${groups} groups`,
    );
  }
  requireShape("groupNorm", x, "weight", weight, [channels]);
  requireShape("groupNorm", x, "bias", bias, [channels]);
  const size = numelOf(x.shape.slice(2)) * channels / groups;
  if (n * size === 1) {
    throw new ValueError(
      `Cannot groupNorm ${formatType(x)}: there must be more than 1 value per group, got 1`,
    );
  }
  return temporaries(() => {
    const [y] = inGroups("groupNorm", x, groups, { weight, bias, eps });
    return relabel(y, "NativeGroupNormBackward0");
  });
}

/** Options of {@linkcode instanceNorm}. */
export interface InstanceNormOptions {
  /** Running means, `[C]`; updated from the input's statistics. */
  readonly runningMean: Tensor | null;
  /** Running unbiased variances, `[C]`; updated likewise. */
  readonly runningVar: Tensor | null;
  /** Factor of each channel, `[C]`. */
  readonly weight: Tensor | null;
  /** Added to each channel, `[C]`. */
  readonly bias: Tensor | null;
  /** Normalize by the statistics of the input, else by the running ones. Default true. */
  readonly useInputStats: boolean;
  /** How much of a running statistic is replaced. Default 0.1. */
  readonly momentum: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps: number;
}

/**
 * Normalizes each channel of each sample over space; then one factor and term for each channel.
 *
 * Shapes: x `[N, C, …]`, all others `[C]` → the shape of x.
 *
 * @throws {ValueError} If a channel has only one element.
 * @see Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022
 */
export function instanceNorm(
  x: Tensor,
  ...args: Args<
    InstanceNormOptions,
    ["runningMean", "runningVar", "weight", "bias", "useInputStats", "momentum", "eps"]
  >
): Tensor {
  requireTensor("instanceNorm", "input", x);
  const { runningMean, runningVar, weight, bias, useInputStats = true, momentum = 0.1, eps = 1e-5 } = named<
    InstanceNormOptions
  >("instanceNorm", args, [
    "runningMean",
    "runningVar",
    "weight",
    "bias",
    "useInputStats",
    "momentum",
    "eps",
  ]);
  if (x.shape.length < 3) {
    throw new ShapeError(
      `Cannot instanceNorm ${
        formatType(x)
      }: it must be [N, C, …] with spatial sizes, got rank ${x.shape.length}`,
    );
  }
  if (!useInputStats) {
    return batchNorm(x, {
      runningMean: runningMean ?? null,
      runningVar: runningVar ?? null,
      weight: weight ?? null,
      bias: bias ?? null,
      eps,
    });
  }
  const [, channels, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const parts = { runningMean, runningVar, weight, bias };
  for (const [role, value] of Object.entries(parts)) requireShape("instanceNorm", x, role, value, [channels]);
  const size = numelOf(spatial);
  if (size === 1) {
    throw new ValueError(
      `Cannot instanceNorm ${formatType(x)}: there must be more than 1 spatial element, got ${
        formatShape(x.shape)
      }`,
    );
  }
  return temporaries(() => {
    const [y, mean, rstd] = inGroups("instanceNorm", x, channels, { weight, bias, eps });
    const average = (value: Tensor) => viewAsShape(meanOf(value, { dims: [0], keepdim: false }), [channels]);
    noGrad(() => {
      if (runningMean !== null && runningMean !== undefined) {
        moveTowards(runningMean, average(mean), momentum);
      }
      if (runningVar !== null && runningVar !== undefined) {
        moveTowards(runningVar, average(unbiasedVariance(rstd, eps, size)), momentum);
      }
      return null;
    });
    return relabel(y, "ViewBackward0");
  });
}

/** Options of {@linkcode localResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Factor of the sum of squares. Default 1e-4. */
  readonly alpha: number;
  /** Exponent. Default 0.75. */
  readonly beta: number;
  /** Added to the sum. Default 1. */
  readonly k: number;
}

/**
 * Divides by the neighbouring channels: `x / (k + alpha · mean of x² over size channels)^beta`, zeros beyond the ends.
 *
 * Shapes: x `[N, C, …]` → the same.
 *
 * @throws {ShapeError} If the rank is below 3.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.local_response_norm.html
 */
export function localResponseNorm(
  x: Tensor,
  size: number,
  ...args: Args<LocalResponseNormOptions, ["alpha", "beta", "k"]>
): Tensor {
  requireTensor("localResponseNorm", "input", x);
  const { alpha = 1e-4, beta = 0.75, k = 1 } = named<LocalResponseNormOptions>("localResponseNorm", args, [
    "alpha",
    "beta",
    "k",
  ]);
  requireInteger("localResponseNorm", "size", size);
  if (x.shape.length < 3 || size < 1) {
    throw new ShapeError(
      `Cannot localResponseNorm ${
        formatType(x)
      } by ${size} channels: it must have 3 dimensions or more, and size be positive, got rank ${x.shape.length}`,
    );
  }
  if (numelOf(x.shape) === 0) return x;
  const [n, channels] = x.shape as readonly [number, number];
  return temporaries(() => {
    const squares = reshapeTo(bind("mul", [x, x], null), [n, 1, channels, numelOf(x.shape.slice(2))]);
    const low = [0, 0, Math.floor(size / 2), 0];
    const padded = bind("pad", [squares], { low, high: [0, 0, Math.floor((size - 1) / 2), 0], value: 0 });
    const means = bind("avgPool", [padded], {
      kernelSize: [size, 1],
      stride: [1, 1],
      padding: [0, 0],
      dilation: [1, 1],
      ceilMode: false,
      countIncludePad: true,
      divisor: null,
    });
    const base = bind("add", [bind("mul", [means, like(x, alpha)], null), like(x, k)], null);
    const divisor = viewAsShape(bind("pow", [base, like(x, beta)], null), x.shape);
    return relabel(bind("div", [x, divisor], null), "DivBackward0");
  });
}

/** Options of {@linkcode normalize}. */
export interface NormalizeOptions {
  /** The order of the norm. Default 2. */
  readonly p: number;
  /** Along which dimensions. Default 1. */
  readonly dim: number | Shape;
  /** Smallest divisor. Default 1e-12. */
  readonly eps: number;
}

/**
 * Divides by the norm along `dim`: `x / max(‖x‖ₚ, eps)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
 */
export function normalize(x: Tensor, ...args: Args<NormalizeOptions, ["p", "dim", "eps"]>): Tensor {
  requireTensor("normalize", "input", x);
  const { p = 2, dim = 1, eps = 1e-12 } = named<NormalizeOptions>("normalize", args, ["p", "dim", "eps"]);
  return temporaries(() => {
    const length = norm(x, p, dim, true);
    const divisor = bind("clamp", [length], { min: requireNumber("normalize", "eps", eps), max: null });
    return relabel(bind("div", [x, divisor], null), "DivBackward0");
  });
}
