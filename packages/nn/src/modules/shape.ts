/**
 * Modules that move elements around: Flatten, Unflatten, PixelShuffle, PixelUnshuffle, ChannelShuffle, Fold, Unfold.
 *
 * @module
 */

import { ArgumentTypeError, type Shape } from "@flambeau/core";
import { type Args, flatten, type Tensor, unflatten } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { Module } from "../module.ts";
import { pythonRepr } from "../python.ts";
import { type ModuleArgs, settingsOf, type SizePerDim } from "./factory.ts";

/** Options of {@linkcode Flatten}. */
export interface FlattenModuleOptions {
  /** First dimension to merge. Default 1. */
  readonly startDim?: number;
  /** Last dimension to merge. Default -1. */
  readonly endDim?: number;
}

/**
 * Merges dimensions into one; by default all but the batch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Module {
  /** First dimension to merge. */
  startDim: number;
  /** Last dimension to merge. */
  endDim: number;

  /** Makes the module. */
  constructor(...args: Args<FlattenModuleOptions, ["startDim", "endDim"]>) {
    super();
    const { startDim = 1, endDim = -1 } = named<FlattenModuleOptions>("make Flatten", args, [
      "startDim",
      "endDim",
    ]);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  /** Merges the dimensions. */
  override forward(input: Tensor): Tensor {
    return flatten(input, this.startDim, this.endDim);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/**
 * Splits a dimension into several.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
 */
export class Unflatten extends Module {
  /** The dimension to split. */
  dim: number;
  /** Its new sizes; one may be -1. */
  unflattenedSize: Shape;

  /** Makes the module. */
  constructor(dim: number, unflattenedSize: Shape | { readonly unflattenedSize: Shape }) {
    super();
    const sizes = Array.isArray(unflattenedSize)
      ? unflattenedSize as Shape
      : (unflattenedSize as { unflattenedSize: Shape }).unflattenedSize;
    if (!Array.isArray(sizes)) {
      throw new ArgumentTypeError("Cannot make Unflatten: unflattenedSize must be a list of sizes");
    }
    this.dim = dim;
    this.unflattenedSize = sizes;
  }

  /** Splits the dimension. */
  override forward(input: Tensor): Tensor {
    return unflatten(input, this.dim, this.unflattenedSize);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${pythonRepr(this.unflattenedSize)}`;
  }
}

/**
 * Channels become pixels: `[…, C · r², H, W]` → `[…, C, H · r, W · r]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
 */
export class PixelShuffle extends Module {
  /** The factor r. */
  upscaleFactor: number;

  /** Makes the module. */
  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = upscaleFactor;
  }

  /** Moves the elements. */
  override forward(input: Tensor): Tensor {
    return F.pixelShuffle(input, this.upscaleFactor);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/**
 * Pixels become channels: `[…, C, H · r, W · r]` → `[…, C · r², H, W]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html
 */
export class PixelUnshuffle extends Module {
  /** The factor r. */
  downscaleFactor: number;

  /** Makes the module. */
  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = downscaleFactor;
  }

  /** Moves the elements. */
  override forward(input: Tensor): Tensor {
    return F.pixelUnshuffle(input, this.downscaleFactor);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/**
 * Channels of all groups in turn: `[N, g · n, …]` → the same with channels `n · g`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
 */
export class ChannelShuffle extends Module {
  /** Number of groups. */
  groups: number;

  /** Makes the module. */
  constructor(groups: number) {
    super();
    this.groups = groups;
  }

  /** Moves the channels. */
  override forward(input: Tensor): Tensor {
    return F.channelShuffle(input, this.groups);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}

/** Size of the blocks of {@linkcode Unfold}. */
export interface BlockSize {
  /** Size of a block. */
  readonly kernelSize: SizePerDim;
}

/** Sizes of {@linkcode Fold}. */
export interface FoldSizes extends BlockSize {
  /** Height and width of the image. */
  readonly outputSize: SizePerDim;
}

/** Options of {@linkcode Unfold} and {@linkcode Fold}. */
export interface UnfoldModuleOptions {
  /** Distance between the elements of a block. Default 1. */
  readonly dilation?: SizePerDim;
  /** Zeros around the input. Default 0. */
  readonly padding?: SizePerDim;
  /** Step between blocks. Default 1. */
  readonly stride?: SizePerDim;
}

const UNFOLD_NAMES = ["dilation", "padding", "stride"] as const;

/**
 * Blocks of an image as columns: `[N, C, H, W]` → `[N, C · k · k, L]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unfold.html
 */
export class Unfold extends Module {
  /** Size of a block. */
  kernelSize: SizePerDim;
  /** Distance between the elements of a block. */
  dilation: SizePerDim;
  /** Zeros around the input. */
  padding: SizePerDim;
  /** Step between blocks. */
  stride: SizePerDim;

  /** Makes the module. */
  constructor(
    ...args: ModuleArgs<
      [kernelSize: SizePerDim],
      BlockSize,
      UnfoldModuleOptions,
      ["dilation", "padding", "stride"]
    >
  ) {
    super();
    const settings = settingsOf<BlockSize, UnfoldModuleOptions>("Unfold", args, ["kernelSize"], UNFOLD_NAMES);
    const { kernelSize, dilation = 1, padding = 0, stride = 1 } = settings;
    this.kernelSize = kernelSize;
    this.dilation = dilation;
    this.padding = padding;
    this.stride = stride;
  }

  /** Takes the blocks. */
  override forward(input: Tensor): Tensor {
    return F.unfold(input, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { kernelSize, dilation, padding, stride } = this;
    return `kernel_size=${pythonRepr(kernelSize)}, dilation=${pythonRepr(dilation)}, ` +
      `padding=${pythonRepr(padding)}, stride=${pythonRepr(stride)}`;
  }
}

/**
 * Columns summed into the blocks of an image: `[N, C · k · k, L]` → `[N, C, H, W]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Fold.html
 */
export class Fold extends Module {
  /** Height and width of the image. */
  outputSize: SizePerDim;
  /** Size of a block. */
  kernelSize: SizePerDim;
  /** Distance between the elements of a block. */
  dilation: SizePerDim;
  /** Zeros around the image. */
  padding: SizePerDim;
  /** Step between blocks. */
  stride: SizePerDim;

  /** Makes the module. */
  constructor(
    ...args: ModuleArgs<
      [outputSize: SizePerDim, kernelSize: SizePerDim],
      FoldSizes,
      UnfoldModuleOptions,
      ["dilation", "padding", "stride"]
    >
  ) {
    super();
    const sizes = ["outputSize", "kernelSize"] as const;
    const settings = settingsOf<FoldSizes, UnfoldModuleOptions>("Fold", args, sizes, UNFOLD_NAMES);
    const { outputSize, kernelSize, dilation = 1, padding = 0, stride = 1 } = settings;
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.dilation = dilation;
    this.padding = padding;
    this.stride = stride;
  }

  /** Sums the blocks. */
  override forward(input: Tensor): Tensor {
    return F.fold(input, this.outputSize, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { outputSize, kernelSize, dilation, padding, stride } = this;
    return `output_size=${pythonRepr(outputSize)}, kernel_size=${pythonRepr(kernelSize)}, ` +
      `dilation=${pythonRepr(dilation)}, padding=${pythonRepr(padding)}, stride=${pythonRepr(stride)}`;
  }
}
