/**
 * Normalization: BatchNorm, InstanceNorm, LayerNorm, GroupNorm, RMSNorm, LocalResponseNorm, CrossMapLRN2d.
 *
 * @module
 */

import { formatType, int32, type Shape, ShapeError, ValueError } from "@flambeau/core";
import {
  add,
  add_,
  detach,
  div,
  isGradEnabled,
  itemSync,
  matmul,
  mul,
  noGrad,
  pow,
  reshape,
  square,
  sub,
  type Tensor,
  tensor,
  zeros,
} from "@flambeau/tensor";
import { needsGrad, temporaries } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { ones_, zeros_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { pythonFloat, pythonRepr, pythonTuple } from "../python.ts";
import type { StateDict } from "../state_dict.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeEmpty,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";

/** Sizes of {@linkcode BatchNorm2d} and {@linkcode InstanceNorm2d} and their kin. */
export interface NormSizes {
  /** Number of channels. */
  readonly numFeatures: number;
}

/** Options of {@linkcode BatchNorm2d} and {@linkcode InstanceNorm2d} and their kin. */
export interface NormModuleOptions extends FactoryOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** How much of a running statistic is replaced by that of a batch; null: they are plain averages. Default 0.1. */
  readonly momentum?: number | null;
  /** Whether it has weight and bias. Default true for BatchNorm, false for InstanceNorm. */
  readonly affine?: boolean;
  /** Whether it has running statistics. Default true for BatchNorm, false for InstanceNorm. */
  readonly trackRunningStats?: boolean;
}

/** Positional options of {@linkcode BatchNorm2d} and its kin. */
export type NormModuleArgs = ModuleArgs<
  [numFeatures: number],
  NormSizes,
  NormModuleOptions,
  ["eps", "momentum", "affine", "trackRunningStats", "device", "dtype"]
>;

const NORM_NAMES = ["eps", "momentum", "affine", "trackRunningStats", ...FACTORY_NAMES] as const;

/** What normalizations with running statistics are. */
export abstract class NormBase extends Module {
  /** Number of channels. */
  numFeatures: number;
  /** Added to the variance. */
  eps: number;
  /** How much of a running statistic is replaced by that of a batch. */
  momentum: number | null;
  /** Whether it has weight and bias. */
  affine: boolean;
  /** Whether it has running statistics. */
  trackRunningStats: boolean;
  /** Factor of each channel. */
  weight: Parameter | null;
  /** Added to each channel. */
  bias: Parameter | null;
  /** Running means, under the name of the state dict. */
  declare running_mean: Tensor | null;
  /** Running variances, under the name of the state dict. */
  declare running_var: Tensor | null;
  /** Batches seen so far, under the name of the state dict. */
  declare num_batches_tracked: Tensor | null;

  /** Makes a layer with weight 1, bias 0, running mean 0 and variance 1. */
  constructor(name: string, args: readonly unknown[], on: boolean) {
    super();
    const settings = settingsOf<NormSizes, NormModuleOptions>(name, args, ["numFeatures"], NORM_NAMES);
    const { numFeatures, eps = 1e-5, momentum = 0.1, affine = on, trackRunningStats = on, ...factory } =
      settings;
    this.numFeatures = requireSize(name, "numFeatures", numFeatures);
    this.eps = eps;
    this.momentum = momentum;
    this.affine = affine;
    this.trackRunningStats = trackRunningStats;
    this.weight = affine ? makeParameter([numFeatures], factory) : null;
    this.bias = affine ? makeParameter([numFeatures], factory) : null;
    this.registerBuffer("running_mean", trackRunningStats ? makeEmpty([numFeatures], factory) : null);
    this.registerBuffer("running_var", trackRunningStats ? makeEmpty([numFeatures], factory) : null);
    const { device = null } = factory;
    const count = { dtype: int32, ...(device === null ? {} : { device }) };
    this.registerBuffer("num_batches_tracked", trackRunningStats ? zeros([], count) : null);
    this.resetParameters();
  }

  /** Running means. */
  get runningMean(): Tensor | null {
    return this.running_mean;
  }

  /** Running variances. */
  get runningVar(): Tensor | null {
    return this.running_var;
  }

  /** Batches seen so far. */
  get numBatchesTracked(): Tensor | null {
    return this.num_batches_tracked;
  }

  /** Forgets the running statistics. */
  resetRunningStats(): void {
    if (this.running_mean !== null) zeros_(this.running_mean);
    if (this.running_var !== null) ones_(this.running_var);
    if (this.num_batches_tracked !== null) zeros_(this.num_batches_tracked);
  }

  /** Forgets the running statistics, and sets weight to 1 and bias to 0. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  /** Files written before PyTorch 0.4.1 do not count batches. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    const name = `${prefix}num_batches_tracked`;
    if (this.num_batches_tracked !== null && !state.has(name)) state.set(name, zeros([], { dtype: int32 }));
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${this.numFeatures}, eps=${pythonFloat(this.eps)}, ` +
      `momentum=${this.momentum === null ? "None" : pythonFloat(this.momentum)}, ` +
      `affine=${pythonRepr(this.affine)}, track_running_stats=${pythonRepr(this.trackRunningStats)}`;
  }
}

function requireRank(name: string, input: Tensor, ranks: readonly number[]): void {
  if (ranks.includes(input.ndim)) return;
  throw new ShapeError(
    `Cannot ${name} ${formatType(input)}: it must have ${ranks.join(" or ")} dimensions, got ${input.ndim}`,
  );
}

function normalizeBatch(layer: NormBase): (input: Tensor) => Tensor {
  return (input) => {
    const { running_mean: mean, running_var: variance, num_batches_tracked: count } = layer;
    let momentum = layer.momentum ?? 0;
    if (layer.training && layer.trackRunningStats && count !== null) {
      noGrad(() => add_(count, 1));
      if (layer.momentum === null) momentum = 1 / itemSync(count);
    }
    const known = mean !== null && variance !== null;
    const tracked = !layer.training || layer.trackRunningStats;
    return F.batchNorm(input, {
      runningMean: tracked ? mean : null,
      runningVar: tracked ? variance : null,
      weight: layer.weight,
      bias: layer.bias,
      training: layer.training || !known,
      momentum,
      eps: layer.eps,
    });
  };
}

/**
 * Normalizes each channel over the batch (and the length).
 *
 * Shapes: input `[N, C]` or `[N, C, L]` → the same.
 *
 * @see Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
 */
export class BatchNorm1d extends NormBase {
  /** Makes a layer with weight 1, bias 0, running mean 0 and variance 1. */
  constructor(...args: NormModuleArgs) {
    super("BatchNorm1d", args, true);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    requireRank("BatchNorm1d", input, [2, 3]);
    return normalizeBatch(this)(input);
  }
}

/**
 * Normalizes each channel over batch and image.
 *
 * Shapes: input `[N, C, H, W]` → the same.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
 */
export class BatchNorm2d extends NormBase {
  /** Makes a layer with weight 1, bias 0, running mean 0 and variance 1. */
  constructor(...args: NormModuleArgs) {
    super("BatchNorm2d", args, true);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    requireRank("BatchNorm2d", input, [4]);
    return normalizeBatch(this)(input);
  }
}

/**
 * Normalizes each channel over batch and volume.
 *
 * Shapes: input `[N, C, D, H, W]` → the same.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
 */
export class BatchNorm3d extends NormBase {
  /** Makes a layer with weight 1, bias 0, running mean 0 and variance 1. */
  constructor(...args: NormModuleArgs) {
    super("BatchNorm3d", args, true);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    requireRank("BatchNorm3d", input, [5]);
    return normalizeBatch(this)(input);
  }
}

/** Normalizes each channel of each sample; without a batch in a batch of one. */
function normalizeInstance(name: string, layer: NormBase, input: Tensor, n: number): Tensor {
  requireRank(name, input, [n + 1, n + 2]);
  const channels = input.shape[input.ndim - n - 1]!;
  if (layer.affine && channels !== layer.numFeatures) {
    throw new ValueError(
      `Cannot ${name} ${formatType(input)}: it must have ${layer.numFeatures} channels, got ${channels}`,
    );
  }
  const normalized = F.instanceNorm(input.ndim === n + 1 ? input.unsqueeze(0) : input, {
    runningMean: layer.running_mean,
    runningVar: layer.running_var,
    weight: layer.weight,
    bias: layer.bias,
    useInputStats: layer.training || !layer.trackRunningStats,
    momentum: layer.momentum ?? 0,
    eps: layer.eps,
  });
  return input.ndim === n + 1 ? normalized.squeeze(0) : normalized;
}

/**
 * Normalizes each channel of each sample over its length.
 *
 * Shapes: input `[N, C, L]` (or without N) → the same.
 *
 * @see Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
 */
export class InstanceNorm1d extends NormBase {
  /** Makes a layer, by default without parameters. */
  constructor(...args: NormModuleArgs) {
    super("InstanceNorm1d", args, false);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return normalizeInstance("InstanceNorm1d", this, input, 1);
  }
}

/**
 * Normalizes each channel of each image.
 *
 * Shapes: input `[N, C, H, W]` (or without N) → the same.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
 */
export class InstanceNorm2d extends NormBase {
  /** Makes a layer, by default without parameters. */
  constructor(...args: NormModuleArgs) {
    super("InstanceNorm2d", args, false);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return normalizeInstance("InstanceNorm2d", this, input, 2);
  }
}

/**
 * Normalizes each channel of each volume.
 *
 * Shapes: input `[N, C, D, H, W]` (or without N) → the same.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
 */
export class InstanceNorm3d extends NormBase {
  /** Makes a layer, by default without parameters. */
  constructor(...args: NormModuleArgs) {
    super("InstanceNorm3d", args, false);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return normalizeInstance("InstanceNorm3d", this, input, 3);
  }
}

/** Sizes of {@linkcode LayerNorm} and {@linkcode RMSNorm}. */
export interface NormalizedShape {
  /** The last sizes of the input. */
  readonly normalizedShape: number | Shape;
}

/** Options of {@linkcode LayerNorm}. */
export interface LayerNormModuleOptions extends FactoryOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether it has weight and bias. Default true. */
  readonly elementwiseAffine?: boolean;
  /** Whether it has a bias, when it has a weight. Default true. */
  readonly bias?: boolean;
}

function sizesOf(name: string, shape: number | Shape): readonly number[] {
  const sizes = typeof shape === "number" ? [shape] : [...shape];
  if (sizes.length === 0) {
    throw new ValueError(`Cannot make ${name}: normalizedShape must have a size, got []`);
  }
  return sizes.map((size) => requireSize(name, "normalizedShape", size));
}

/**
 * Normalizes over the last dimensions.
 *
 * Shapes: input `[…, …normalizedShape]` → the same.
 *
 * @see Ba et al. 2016, https://arxiv.org/abs/1607.06450
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
 */
export class LayerNorm extends Module {
  /** The last sizes of the input. */
  normalizedShape: readonly number[];
  /** Added to the variance. */
  eps: number;
  /** Whether it has weight and bias. */
  elementwiseAffine: boolean;
  /** Factor of each element. */
  weight: Parameter | null;
  /** Added to each element. */
  bias: Parameter | null;

  /** Makes a layer with weight 1 and bias 0. */
  constructor(
    ...args: ModuleArgs<
      [normalizedShape: number | Shape],
      NormalizedShape,
      LayerNormModuleOptions,
      ["eps", "elementwiseAffine", "bias", "device", "dtype"]
    >
  ) {
    super();
    const names = ["eps", "elementwiseAffine", "bias", ...FACTORY_NAMES] as const;
    const settings = settingsOf<NormalizedShape, LayerNormModuleOptions>("LayerNorm", args, [
      "normalizedShape",
    ], names);
    const { normalizedShape, eps = 1e-5, elementwiseAffine = true, bias = true, ...factory } = settings;
    this.normalizedShape = sizesOf("LayerNorm", normalizedShape);
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? makeParameter(this.normalizedShape, factory) : null;
    this.bias = elementwiseAffine && bias ? makeParameter(this.normalizedShape, factory) : null;
    this.resetParameters();
  }

  /** Sets weight to 1 and bias to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return F.layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${pythonTuple(this.normalizedShape)}, eps=${pythonFloat(this.eps)}, ` +
      `elementwise_affine=${pythonRepr(this.elementwiseAffine)}`;
  }
}

/** Sizes of {@linkcode GroupNorm}. */
export interface GroupNormSizes {
  /** Number of groups. */
  readonly numGroups: number;
  /** Number of channels. */
  readonly numChannels: number;
}

/** Options of {@linkcode GroupNorm}. */
export interface GroupNormModuleOptions extends FactoryOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether it has weight and bias. Default true. */
  readonly affine?: boolean;
}

/**
 * Normalizes groups of channels of each sample.
 *
 * Shapes: input `[N, C, …]` → the same.
 *
 * @see Wu and He 2018, https://arxiv.org/abs/1803.08494
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
 */
export class GroupNorm extends Module {
  /** Number of groups. */
  numGroups: number;
  /** Number of channels. */
  numChannels: number;
  /** Added to the variance. */
  eps: number;
  /** Whether it has weight and bias. */
  affine: boolean;
  /** Factor of each channel. */
  weight: Parameter | null;
  /** Added to each channel. */
  bias: Parameter | null;

  /** Makes a layer with weight 1 and bias 0. */
  constructor(
    ...args: ModuleArgs<
      [numGroups: number, numChannels: number],
      GroupNormSizes,
      GroupNormModuleOptions,
      ["eps", "affine", "device", "dtype"]
    >
  ) {
    super();
    const names = ["eps", "affine", ...FACTORY_NAMES] as const;
    const sizes = ["numGroups", "numChannels"] as const;
    const settings = settingsOf<GroupNormSizes, GroupNormModuleOptions>("GroupNorm", args, sizes, names);
    const { numGroups, numChannels, eps = 1e-5, affine = true, ...factory } = settings;
    this.numGroups = requireSize("GroupNorm", "numGroups", numGroups, 1);
    this.numChannels = requireSize("GroupNorm", "numChannels", numChannels);
    if (numChannels % numGroups !== 0) {
      throw new ValueError(
        `Cannot make GroupNorm: numChannels must be divisible by numGroups, got ${numChannels} and ${numGroups}`,
      );
    }
    this.eps = eps;
    this.affine = affine;
    this.weight = affine ? makeParameter([numChannels], factory) : null;
    this.bias = affine ? makeParameter([numChannels], factory) : null;
    this.resetParameters();
  }

  /** Sets weight to 1 and bias to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return F.groupNorm(input, this.numGroups, this.weight, this.bias, this.eps);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${pythonFloat(this.eps)}, affine=${
      pythonRepr(this.affine)
    }`;
  }
}

/** Options of {@linkcode RMSNorm}. */
export interface RMSNormModuleOptions extends FactoryOptions {
  /** Added to the mean square; null for the machine epsilon. Default null. */
  readonly eps?: number | null;
  /** Whether it has a weight. Default true. */
  readonly elementwiseAffine?: boolean;
}

/**
 * Divides by the root of the mean square over the last dimensions.
 *
 * Shapes: input `[…, …normalizedShape]` → the same.
 *
 * @see Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
 */
export class RMSNorm extends Module {
  /** The last sizes of the input. */
  normalizedShape: readonly number[];
  /** Added to the mean square. */
  eps: number | null;
  /** Whether it has a weight. */
  elementwiseAffine: boolean;
  /** Factor of each element. */
  weight: Parameter | null;

  /** Makes a layer with weight 1. */
  constructor(
    ...args: ModuleArgs<
      [normalizedShape: number | Shape],
      NormalizedShape,
      RMSNormModuleOptions,
      ["eps", "elementwiseAffine", "device", "dtype"]
    >
  ) {
    super();
    const names = ["eps", "elementwiseAffine", ...FACTORY_NAMES] as const;
    const settings = settingsOf<NormalizedShape, RMSNormModuleOptions>(
      "RMSNorm",
      args,
      ["normalizedShape"],
      names,
    );
    const { normalizedShape, eps = null, elementwiseAffine = true, ...factory } = settings;
    this.normalizedShape = sizesOf("RMSNorm", normalizedShape);
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? makeParameter(this.normalizedShape, factory) : null;
    this.resetParameters();
  }

  /** Sets the weight to 1. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return F.rmsNorm(input, this.normalizedShape, this.weight, this.eps);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${pythonTuple(this.normalizedShape)}, eps=${
      this.eps === null ? "None" : pythonFloat(this.eps)
    }, ` +
      `elementwise_affine=${pythonRepr(this.elementwiseAffine)}`;
  }
}

/** Options of {@linkcode LocalResponseNorm} and {@linkcode CrossMapLRN2d}. */
export interface LocalResponseNormModuleOptions {
  /** Factor of the mean square. Default 1e-4. */
  readonly alpha?: number;
  /** The exponent. Default 0.75. */
  readonly beta?: number;
  /** Added to the mean square. Default 1. */
  readonly k?: number;
}

/** Size of {@linkcode LocalResponseNorm} and {@linkcode CrossMapLRN2d}. */
export interface WindowSize {
  /** Number of neighbouring channels. */
  readonly size: number;
}

/** Positional options of {@linkcode LocalResponseNorm} and {@linkcode CrossMapLRN2d}. */
export type LocalResponseNormModuleArgs = ModuleArgs<
  [size: number],
  WindowSize,
  LocalResponseNormModuleOptions,
  ["alpha", "beta", "k"]
>;

const LRN_NAMES = ["alpha", "beta", "k"] as const;

/**
 * Divides by a power of the mean square of neighbouring channels.
 *
 * Shapes: input `[N, C, …]` → the same.
 *
 * @see Krizhevsky et al. 2012, https://papers.nips.cc/paper/4824
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
 */
export class LocalResponseNorm extends Module {
  /** Number of neighbouring channels. */
  size: number;
  /** Factor of the mean square. */
  alpha: number;
  /** The exponent. */
  beta: number;
  /** Added to the mean square. */
  k: number;

  /** Makes the module. */
  constructor(...args: LocalResponseNormModuleArgs) {
    super();
    const settings = settingsOf<WindowSize, LocalResponseNormModuleOptions>("LocalResponseNorm", args, [
      "size",
    ], LRN_NAMES);
    const { size, alpha = 1e-4, beta = 0.75, k = 1 } = settings;
    this.size = requireSize("LocalResponseNorm", "size", size, 1);
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    return F.localResponseNorm(input, this.size, this.alpha, this.beta, this.k);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${this.size}, alpha=${pythonFloat(this.alpha)}, beta=${pythonFloat(this.beta)}, k=${
      pythonFloat(this.k)
    }`;
  }
}

/** Sums over those channels `i` of `[N, C, H, W]` for which `sees(c, i)`. */
function acrossChannels(x: Tensor, sees: (c: number, i: number) => boolean): Tensor {
  const [batch, channels] = x.shape as [number, number];
  const numbers = Array.from({ length: channels }, (_, i) => i);
  const mask = tensor(numbers.map((c) => numbers.map((i) => sees(c, i) ? 1 : 0)), {
    dtype: x.dtype,
    device: x.device,
  });
  return reshape(matmul(mask, reshape(x, [batch, channels, -1])), x.shape);
}

/**
 * Divides by a power of the mean square of neighbouring channels, as PyTorch's legacy layer computes it: the first channel
 * never leaves the window, and the gradient is that of a window over the channels before. New networks use
 * {@linkcode LocalResponseNorm}.
 *
 * Shapes: input `[N, C, H, W]` → the same.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossMapLRN2d.html
 */
export class CrossMapLRN2d extends Module {
  /** Number of neighbouring channels. */
  size: number;
  /** Factor of the mean square. */
  alpha: number;
  /** The exponent. */
  beta: number;
  /** Added to the mean square. */
  k: number;

  /** Makes the module. */
  constructor(...args: LocalResponseNormModuleArgs) {
    super();
    const settings = settingsOf<WindowSize, LocalResponseNormModuleOptions>(
      "CrossMapLRN2d",
      args,
      ["size"],
      LRN_NAMES,
    );
    const { size, alpha = 1e-4, beta = 0.75, k = 1 } = settings;
    this.size = requireSize("CrossMapLRN2d", "size", size, 1);
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  /** Normalizes. */
  override forward(input: Tensor): Tensor {
    requireRank("CrossMapLRN2d", input, [4]);
    const { size, alpha, beta, k } = this;
    return temporaries(() => {
      const x = detach(input);
      const half = Math.trunc((size - 1) / 2 + 1);
      const sees = (c: number, i: number) => i === 0 || i > c - half && i < c + half;
      const scale = add(mul(acrossChannels(square(x), sees), alpha / size), k);
      const factor = pow(scale, -beta);
      const value = mul(x, factor);
      if (!isGradEnabled() || !needsGrad([input])) return value;
      // A form with PyTorch's gradient: x s^{−β} − αβ/n · y/s · Σ x², with all but x fixed.
      const behind = Math.trunc(size - (size - 1) / 2);
      const squares = acrossChannels(square(input), (c, i) => i > c + behind - size && i <= c + behind);
      const form = sub(mul(input, factor), mul(mul(div(value, scale), squares), alpha * beta / size));
      return add(value, sub(form, detach(form)));
    });
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${this.size}, alpha=${pythonFloat(this.alpha)}, beta=${pythonFloat(this.beta)}, k=${
      pythonRepr(this.k)
    }`;
  }
}
