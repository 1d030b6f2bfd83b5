/**
 * Pooling: MaxPool, AvgPool, AdaptiveAvgPool, AdaptiveMaxPool, LPPool, MaxUnpool, each in one to three dimensions.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import * as F from "../functional.ts";
import { Module } from "../module.ts";
import { pythonRepr } from "../python.ts";
import { type ModuleArgs, repeated, settingsOf, type SizePerDim } from "./factory.ts";

/** Size of a pooling window. */
export interface PoolSize {
  /** Size of the window: one for all dimensions, or one for each. */
  readonly kernelSize: SizePerDim;
}

/** Options of {@linkcode MaxPool2d} and its kin. */
export interface MaxPoolModuleOptions {
  /** Step of the window. Default: its size. */
  readonly stride?: SizePerDim | null;
  /** Minus infinity around the input, at most half of the window. Default 0. */
  readonly padding?: SizePerDim;
  /** Distance between the taps of the window. Default 1. */
  readonly dilation?: SizePerDim;
  /** Also give the place of each value. Default false. */
  readonly returnIndices?: boolean;
  /** Round the output size up instead of down. Default false. */
  readonly ceilMode?: boolean;
}

/** Positional options of {@linkcode MaxPool2d} and its kin. */
export type MaxPoolModuleArgs = ModuleArgs<
  [kernelSize: SizePerDim],
  PoolSize,
  MaxPoolModuleOptions,
  ["stride", "padding", "dilation", "returnIndices", "ceilMode"]
>;

/** What all max poolings are: a window. */
export abstract class MaxPoolNd extends Module {
  /** Size of the window. */
  kernelSize: SizePerDim;
  /** Step of the window. */
  stride: SizePerDim;
  /** Minus infinity around the input. */
  padding: SizePerDim;
  /** Distance between the taps of the window. */
  dilation: SizePerDim;
  /** Also give the place of each value: the result is `[values, indices]` then. */
  returnIndices: boolean;
  /** Round the output size up instead of down. */
  ceilMode: boolean;

  /** Reads the options. */
  constructor(name: string, args: readonly unknown[]) {
    super();
    const names = ["stride", "padding", "dilation", "returnIndices", "ceilMode"] as const;
    const settings = settingsOf<PoolSize, MaxPoolModuleOptions>(name, args, ["kernelSize"], names);
    const { kernelSize, stride, padding = 0, dilation = 1, returnIndices = false, ceilMode = false } =
      settings;
    this.kernelSize = kernelSize;
    this.stride = stride ?? kernelSize;
    this.padding = padding;
    this.dilation = dilation;
    this.returnIndices = returnIndices;
    this.ceilMode = ceilMode;
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return `kernel_size=${pythonRepr(kernelSize)}, stride=${pythonRepr(stride)}, padding=${
      pythonRepr(padding)
    }, ` +
      `dilation=${pythonRepr(dilation)}, ceil_mode=${pythonRepr(ceilMode)}`;
  }
}

function maxPool(pool: typeof F.maxPool2d, layer: MaxPoolNd, input: Tensor): Tensor {
  const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = layer;
  return pool(input, kernelSize, stride, padding, dilation, ceilMode, returnIndices);
}

/**
 * Largest values of windows along one dimension; with `returnIndices` and their places.
 *
 * Shapes: input `[N, C, L]` (or without N) → `[N, C, L′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
 */
export class MaxPool1d extends MaxPoolNd {
  /** Makes the module. */
  constructor(...args: MaxPoolModuleArgs) {
    super("MaxPool1d", args);
  }

  /** Pools. */
  override forward(input: Tensor): Tensor {
    return maxPool(F.maxPool1d, this, input);
  }
}

/**
 * Largest values of windows of images; with `returnIndices` and their places.
 *
 * Shapes: input `[N, C, H, W]` (or without N) → `[N, C, H′, W′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export class MaxPool2d extends MaxPoolNd {
  /** Makes the module. */
  constructor(...args: MaxPoolModuleArgs) {
    super("MaxPool2d", args);
  }

  /** Pools. */
  override forward(input: Tensor): Tensor {
    return maxPool(F.maxPool2d, this, input);
  }
}

/**
 * Largest values of windows of volumes; with `returnIndices` and their places.
 *
 * Shapes: input `[N, C, D, H, W]` (or without N) → `[N, C, D′, H′, W′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
 */
export class MaxPool3d extends MaxPoolNd {
  /** Makes the module. */
  constructor(...args: MaxPoolModuleArgs) {
    super("MaxPool3d", args);
  }

  /** Pools. */
  override forward(input: Tensor): Tensor {
    return maxPool(F.maxPool3d, this, input);
  }
}

/** Options of {@linkcode AvgPool1d}. */
export interface AvgPool1dModuleOptions {
  /** Step of the window. Default: its size. */
  readonly stride?: SizePerDim | null;
  /** Zeros around the input, at most half of the window. Default 0. */
  readonly padding?: SizePerDim;
  /** Round the output size up instead of down. Default false. */
  readonly ceilMode?: boolean;
  /** Whether the zeros around count as elements of the window. Default true. */
  readonly countIncludePad?: boolean;
}

/** Options of {@linkcode AvgPool2d} and {@linkcode AvgPool3d}. */
export interface AvgPoolModuleOptions extends AvgPool1dModuleOptions {
  /** Divide by this instead of the number of elements. */
  readonly divisorOverride?: number | null;
}

/** Positional options of {@linkcode AvgPool2d} and {@linkcode AvgPool3d}. */
export type AvgPoolModuleArgs = ModuleArgs<
  [kernelSize: SizePerDim],
  PoolSize,
  AvgPoolModuleOptions,
  ["stride", "padding", "ceilMode", "countIncludePad", "divisorOverride"]
>;

/** What all average poolings are: a window. */
export abstract class AvgPoolNd extends Module {
  /** Size of the window. */
  kernelSize: SizePerDim;
  /** Step of the window. */
  stride: SizePerDim;
  /** Zeros around the input. */
  padding: SizePerDim;
  /** Round the output size up instead of down. */
  ceilMode: boolean;
  /** Whether the zeros around count as elements of the window. */
  countIncludePad: boolean;
  /** Divide by this instead of the number of elements. */
  divisorOverride: number | null;

  /** Reads the options. */
  constructor(settings: PoolSize & AvgPoolModuleOptions) {
    super();
    const {
      kernelSize,
      stride,
      padding = 0,
      ceilMode = false,
      countIncludePad = true,
      divisorOverride = null,
    } = settings;
    this.kernelSize = kernelSize;
    this.stride = stride ?? kernelSize;
    this.padding = padding;
    this.ceilMode = ceilMode;
    this.countIncludePad = countIncludePad;
    this.divisorOverride = divisorOverride;
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return `kernel_size=${pythonRepr(kernelSize)}, stride=${pythonRepr(stride)}, padding=${
      pythonRepr(padding)
    }`;
  }
}

const AVG_NAMES = ["stride", "padding", "ceilMode", "countIncludePad"] as const;
const AVG_POOL_NAMES = [...AVG_NAMES, "divisorOverride"] as const;

/**
 * Means of windows along one dimension.
 *
 * Shapes: input `[N, C, L]` (or without N) → `[N, C, L′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
 */
export class AvgPool1d extends AvgPoolNd {
  /** Makes the module. */
  constructor(
    ...args: ModuleArgs<
      [kernelSize: SizePerDim],
      PoolSize,
      AvgPool1dModuleOptions,
      ["stride", "padding", "ceilMode", "countIncludePad"]
    >
  ) {
    const settings = settingsOf<PoolSize, AvgPool1dModuleOptions>(
      "AvgPool1d",
      args,
      ["kernelSize"],
      AVG_NAMES,
    );
    const { kernelSize } = settings;
    super({
      ...settings,
      kernelSize: repeated("AvgPool1d", "kernelSize", kernelSize, 1, 1),
      stride: repeated("AvgPool1d", "stride", settings.stride ?? kernelSize, 1, 1),
      padding: repeated("AvgPool1d", "padding", settings.padding ?? 0, 1),
    });
  }

  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.avgPool1d(
      input,
      this.kernelSize,
      this.stride,
      this.padding,
      this.ceilMode,
      this.countIncludePad,
    );
  }
}

function avgPool(pool: typeof F.avgPool2d, layer: AvgPoolNd, input: Tensor): Tensor {
  const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = layer;
  return pool(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
}

/**
 * Means of windows of images.
 *
 * Shapes: input `[N, C, H, W]` (or without N) → `[N, C, H′, W′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
 */
export class AvgPool2d extends AvgPoolNd {
  /** Makes the module. */
  constructor(...args: AvgPoolModuleArgs) {
    super(settingsOf<PoolSize, AvgPoolModuleOptions>("AvgPool2d", args, ["kernelSize"], AVG_POOL_NAMES));
  }

  /** Pools. */
  override forward(input: Tensor): Tensor {
    return avgPool(F.avgPool2d, this, input);
  }
}

/**
 * Means of windows of volumes.
 *
 * Shapes: input `[N, C, D, H, W]` (or without N) → `[N, C, D′, H′, W′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
 */
export class AvgPool3d extends AvgPoolNd {
  /** Makes the module. */
  constructor(...args: AvgPoolModuleArgs) {
    super(settingsOf<PoolSize, AvgPoolModuleOptions>("AvgPool3d", args, ["kernelSize"], AVG_POOL_NAMES));
  }

  /** Pools. */
  override forward(input: Tensor): Tensor {
    return avgPool(F.avgPool3d, this, input);
  }
}

/** A size of the output for all dimensions, or one for each; null keeps the size of the input. */
export type AdaptiveOutputSize = number | null | readonly (number | null)[];

/** Size of an adaptive pooling. */
export interface AdaptiveSize {
  /** Sizes of the output. */
  readonly outputSize: AdaptiveOutputSize;
}

/** What all adaptive poolings are: a size of the output. */
export abstract class AdaptivePoolNd extends Module {
  /** Sizes of the output. */
  outputSize: AdaptiveOutputSize;

  /** Keeps the size. */
  constructor(outputSize: AdaptiveOutputSize | AdaptiveSize) {
    super();
    const named = typeof outputSize === "object" && outputSize !== null && "outputSize" in outputSize;
    this.outputSize = named ? outputSize.outputSize : outputSize;
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `output_size=${pythonRepr(this.outputSize)}`;
  }
}

/**
 * Means of windows to a given size: `[N, C, L]` (or without N) → `[N, C, outputSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
 */
export class AdaptiveAvgPool1d extends AdaptivePoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.adaptiveAvgPool1d(input, this.outputSize);
  }
}

/**
 * Means of windows to a given size: `[N, C, H, W]` (or without N) → `[N, C, …outputSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 */
export class AdaptiveAvgPool2d extends AdaptivePoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.adaptiveAvgPool2d(input, this.outputSize);
  }
}

/**
 * Means of windows to a given size: `[N, C, D, H, W]` (or without N) → `[N, C, …outputSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
 */
export class AdaptiveAvgPool3d extends AdaptivePoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.adaptiveAvgPool3d(input, this.outputSize);
  }
}

/** What all adaptive max poolings are. */
export abstract class AdaptiveMaxPoolNd extends AdaptivePoolNd {
  /** Also give the place of each value: the result is `[values, indices]` then. */
  returnIndices: boolean;

  /** Makes the module. */
  constructor(
    outputSize: AdaptiveOutputSize,
    returnIndices: boolean | { readonly returnIndices?: boolean } = false,
  ) {
    super(outputSize);
    this.returnIndices = typeof returnIndices === "boolean"
      ? returnIndices
      : returnIndices.returnIndices ?? false;
  }
}

/**
 * Largest values of windows to a given size: `[N, C, L]` (or without N) → `[N, C, outputSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
 */
export class AdaptiveMaxPool1d extends AdaptiveMaxPoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.adaptiveMaxPool1d(input, this.outputSize, this.returnIndices);
  }
}

/**
 * Largest values of windows to a given size: `[N, C, H, W]` (or without N) → `[N, C, …outputSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
 */
export class AdaptiveMaxPool2d extends AdaptiveMaxPoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.adaptiveMaxPool2d(input, this.outputSize, this.returnIndices);
  }
}

/**
 * Largest values of windows to a given size: `[N, C, D, H, W]` (or without N) → `[N, C, …outputSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html
 */
export class AdaptiveMaxPool3d extends AdaptiveMaxPoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.adaptiveMaxPool3d(input, this.outputSize, this.returnIndices);
  }
}

/** Norm and window of {@linkcode LPPool2d} and its kin. */
export interface LPPoolSize extends PoolSize {
  /** The p of the norm. */
  readonly normType: number;
}

/** Options of {@linkcode LPPool2d} and its kin. */
export interface LPPoolModuleOptions {
  /** Step of the window. Default: its size. */
  readonly stride?: SizePerDim | null;
  /** Round the output size up instead of down. Default false. */
  readonly ceilMode?: boolean;
}

/** Positional options of {@linkcode LPPool2d} and its kin. */
export type LPPoolModuleArgs = ModuleArgs<
  [normType: number, kernelSize: SizePerDim],
  LPPoolSize,
  LPPoolModuleOptions,
  ["stride", "ceilMode"]
>;

/** What all p-norm poolings are: a window. */
export abstract class LPPoolNd extends Module {
  /** The p of the norm. */
  normType: number;
  /** Size of the window. */
  kernelSize: SizePerDim;
  /** Step of the window; null for its size. */
  stride: SizePerDim | null;
  /** Round the output size up instead of down. */
  ceilMode: boolean;

  /** Makes the module. */
  constructor(...args: LPPoolModuleArgs) {
    super();
    const sizes = ["normType", "kernelSize"] as const;
    const settings = settingsOf<LPPoolSize, LPPoolModuleOptions>("LPPool", args, sizes, [
      "stride",
      "ceilMode",
    ]);
    const { normType, kernelSize, stride = null, ceilMode = false } = settings;
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.ceilMode = ceilMode;
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { normType, kernelSize, stride, ceilMode } = this;
    return `norm_type=${pythonRepr(normType)}, kernel_size=${pythonRepr(kernelSize)}, ` +
      `stride=${pythonRepr(stride)}, ceil_mode=${pythonRepr(ceilMode)}`;
  }
}

/**
 * p-norms of windows along one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool1d.html
 */
export class LPPool1d extends LPPoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.lpPool1d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}

/**
 * p-norms of windows of images.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html
 */
export class LPPool2d extends LPPoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.lpPool2d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}

/**
 * p-norms of windows of volumes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool3d.html
 */
export class LPPool3d extends LPPoolNd {
  /** Pools. */
  override forward(input: Tensor): Tensor {
    return F.lpPool3d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}

/** Options of {@linkcode MaxUnpool2d} and its kin. */
export interface MaxUnpoolModuleOptions {
  /** Step of the window. Default: its size. */
  readonly stride?: SizePerDim | null;
  /** What was put around the input. Default 0. */
  readonly padding?: SizePerDim;
}

/** Positional options of {@linkcode MaxUnpool2d} and its kin. */
export type MaxUnpoolModuleArgs = ModuleArgs<
  [kernelSize: SizePerDim],
  PoolSize,
  MaxUnpoolModuleOptions,
  ["stride", "padding"]
>;

/** Arguments of the call of {@linkcode MaxUnpool2d} and its kin. */
export type MaxUnpoolInputs = [
  input: Tensor,
  indices: Tensor,
  outputSize?: Shape | { readonly outputSize?: Shape | null } | null,
];

/** What all unpoolings are: a window. */
export abstract class MaxUnpoolNd extends Module<MaxUnpoolInputs, Tensor> {
  /** Size of the window that was pooled. */
  kernelSize: readonly number[];
  /** Step of the window. */
  stride: readonly number[];
  /** What was put around the input. */
  padding: readonly number[];

  /** Reads the options. */
  constructor(name: string, n: number, args: readonly unknown[]) {
    super();
    const names = ["stride", "padding"] as const;
    const settings = settingsOf<PoolSize, MaxUnpoolModuleOptions>(name, args, ["kernelSize"], names);
    const { kernelSize, stride, padding = 0 } = settings;
    this.kernelSize = repeated(name, "kernelSize", kernelSize, n, 1);
    this.stride = repeated(name, "stride", stride ?? kernelSize, n, 1);
    this.padding = repeated(name, "padding", padding, n);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return `kernel_size=${pythonRepr(kernelSize)}, stride=${pythonRepr(stride)}, padding=${
      pythonRepr(padding)
    }`;
  }
}

function maxUnpool(
  pool: typeof F.maxUnpool2d,
  layer: MaxUnpoolNd,
  [input, indices, size]: MaxUnpoolInputs,
): Tensor {
  const outputSize = Array.isArray(size)
    ? size as Shape
    : (size as { outputSize?: Shape } | null)?.outputSize ?? null;
  return pool(input, indices, layer.kernelSize, layer.stride, layer.padding, outputSize);
}

/**
 * Puts pooled values back to their places along one dimension, with zeros elsewhere.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html
 */
export class MaxUnpool1d extends MaxUnpoolNd {
  /** Makes the module. */
  constructor(...args: MaxUnpoolModuleArgs) {
    super("MaxUnpool1d", 1, args);
  }

  /** Unpools; `outputSize` chooses among the possible sizes of the output. */
  override forward(...args: MaxUnpoolInputs): Tensor {
    return maxUnpool(F.maxUnpool1d, this, args);
  }
}

/**
 * Puts pooled values back to their places in images, with zeros elsewhere.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
 */
export class MaxUnpool2d extends MaxUnpoolNd {
  /** Makes the module. */
  constructor(...args: MaxUnpoolModuleArgs) {
    super("MaxUnpool2d", 2, args);
  }

  /** Unpools; `outputSize` chooses among the possible sizes of the output. */
  override forward(...args: MaxUnpoolInputs): Tensor {
    return maxUnpool(F.maxUnpool2d, this, args);
  }
}

/**
 * Puts pooled values back to their places in volumes, with zeros elsewhere.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html
 */
export class MaxUnpool3d extends MaxUnpoolNd {
  /** Makes the module. */
  constructor(...args: MaxUnpoolModuleArgs) {
    super("MaxUnpool3d", 3, args);
  }

  /** Unpools; `outputSize` chooses among the possible sizes of the output. */
  override forward(...args: MaxUnpoolInputs): Tensor {
    return maxUnpool(F.maxUnpool3d, this, args);
  }
}
