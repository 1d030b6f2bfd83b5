/**
 * Convolutions: Conv1d to Conv3d, ConvTranspose1d to ConvTranspose3d.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import * as F from "../functional.ts";
import { kaimingUniform_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { pythonTuple } from "../python.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  repeated,
  requireSize,
  settingsOf,
  type SizePerDim,
} from "./factory.ts";
import { resetBias } from "./linear.ts";

/** What stands around the input of a convolution. */
export type ConvPaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Sizes of a convolution. */
export interface ConvSizes {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Size of the window: one for all dimensions, or one for each. */
  readonly kernelSize: SizePerDim;
}

const SIZES = ["inChannels", "outChannels", "kernelSize"] as const;

/** Options of {@linkcode Conv2d} and its kin. */
export interface ConvModuleOptions extends FactoryOptions {
  /** Step of the window. Default 1. */
  readonly stride?: SizePerDim;
  /** Elements around the input; `"valid"` for none, `"same"` for as many as keep its size. Default 0. */
  readonly padding?: SizePerDim | "same" | "valid";
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation?: SizePerDim;
  /** Number of independent groups of channels. Default 1. */
  readonly groups?: number;
  /** Whether it adds a learned number to each output channel. Default true. */
  readonly bias?: boolean;
  /** What the elements around the input are. Default `"zeros"`. */
  readonly paddingMode?: ConvPaddingMode;
}

/** Positional options of {@linkcode Conv2d} and its kin. */
export type ConvModuleArgs = ModuleArgs<
  [inChannels: number, outChannels: number, kernelSize: SizePerDim],
  ConvSizes,
  ConvModuleOptions,
  ["stride", "padding", "dilation", "groups", "bias", "paddingMode", "device", "dtype"]
>;

/** Options of {@linkcode ConvTranspose2d} and its kin. */
export interface ConvTransposeModuleOptions extends FactoryOptions {
  /** Step of the window in the output. Default 1. */
  readonly stride?: SizePerDim;
  /** How much is cut from each side of the output. Default 0. */
  readonly padding?: SizePerDim;
  /** Added to one side of the output's size. Default 0. */
  readonly outputPadding?: SizePerDim;
  /** Number of independent groups of channels. Default 1. */
  readonly groups?: number;
  /** Whether it adds a learned number to each output channel. Default true. */
  readonly bias?: boolean;
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation?: SizePerDim;
  /** Only `"zeros"`. */
  readonly paddingMode?: "zeros";
}

/** Positional options of {@linkcode ConvTranspose2d} and its kin. */
export type ConvTransposeModuleArgs = ModuleArgs<
  [inChannels: number, outChannels: number, kernelSize: SizePerDim],
  ConvSizes,
  ConvTransposeModuleOptions,
  ["stride", "padding", "outputPadding", "groups", "bias", "dilation", "paddingMode", "device", "dtype"]
>;

/** All settings of a convolution, for {@linkcode ConvNd}. */
export interface ConvSettings extends ConvSizes, ConvModuleOptions {
  /** Added to one side of the output's size. Default 0. */
  readonly outputPadding?: SizePerDim;
}

const PADDING_MODES: readonly string[] = ["zeros", "reflect", "replicate", "circular"];

/** What all convolutions are: settings, weight and bias. */
export abstract class ConvNd<A extends readonly unknown[] = [input: Tensor]> extends Module<A, Tensor> {
  /** Channels of the input. */
  inChannels: number;
  /** Channels of the output. */
  outChannels: number;
  /** Size of the window by dimension. */
  kernelSize: readonly number[];
  /** Step of the window by dimension. */
  stride: readonly number[];
  /** Elements around the input by dimension, or a name. */
  padding: readonly number[] | "same" | "valid";
  /** Distance between the taps by dimension. */
  dilation: readonly number[];
  /** Whether it is a transposed convolution. */
  transposed: boolean;
  /** Added to one side of the output's size by dimension. */
  outputPadding: readonly number[];
  /** Number of independent groups of channels. */
  groups: number;
  /** What stands around the input. */
  paddingMode: ConvPaddingMode;
  /** The kernels, `[outChannels, inChannels / groups, …]`, with the first two swapped when transposed. */
  weight: Parameter;
  /** What is added, `[outChannels]`. */
  bias: Parameter | null;

  /** Makes a layer of `n` spatial dimensions with random parameters. */
  constructor(
    name: string,
    n: number,
    transposed: boolean,
    settings: ConvSettings,
  ) {
    super();
    const { inChannels, outChannels, kernelSize } = settings;
    const { stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0 } = settings;
    const { bias = true, paddingMode = "zeros", ...factory } = settings;
    this.inChannels = requireSize(name, "inChannels", inChannels);
    this.outChannels = requireSize(name, "outChannels", outChannels);
    this.groups = requireSize(name, "groups", groups, 1);
    for (const [role, channels] of [["inChannels", inChannels], ["outChannels", outChannels]] as const) {
      if (channels % groups !== 0) {
        throw new ValueError(
          `Cannot make ${name}: ${role} must be divisible by groups, got ${channels} and ${groups}`,
        );
      }
    }
    this.kernelSize = repeated(name, "kernelSize", kernelSize, n, 1);
    this.stride = repeated(name, "stride", stride, n, 1);
    this.padding = typeof padding === "string"
      ? requireNamedPadding(name, padding, this.stride)
      : repeated(name, "padding", padding, n);
    this.dilation = repeated(name, "dilation", dilation, n, 1);
    this.transposed = transposed;
    this.outputPadding = repeated(name, "outputPadding", outputPadding, n);
    if (!PADDING_MODES.includes(paddingMode) || transposed && paddingMode !== "zeros") {
      throw new ValueError(
        `Cannot make ${name} with paddingMode ${JSON.stringify(paddingMode)}: it must be ${
          transposed ? '"zeros"' : `one of ${PADDING_MODES.join(", ")}`
        }`,
      );
    }
    this.paddingMode = paddingMode;
    const [first, second] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    this.weight = makeParameter([first, second / groups, ...this.kernelSize], factory);
    this.bias = bias ? makeParameter([outChannels], factory) : null;
    this.resetParameters();
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    if (this.weight.numel() === 0) return;
    kaimingUniform_(this.weight, Math.sqrt(5));
    resetBias(this.bias, this.weight);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { padding } = this;
    const parts = [
      `${this.inChannels}`,
      `${this.outChannels}`,
      `kernel_size=${pythonTuple(this.kernelSize)}`,
      `stride=${pythonTuple(this.stride)}`,
    ];
    if (typeof padding === "string") parts.push(`padding=${padding}`);
    else if (padding.some((size) => size !== 0)) parts.push(`padding=${pythonTuple(padding)}`);
    if (this.dilation.some((size) => size !== 1)) parts.push(`dilation=${pythonTuple(this.dilation)}`);
    if (this.outputPadding.some((size) => size !== 0)) {
      parts.push(`output_padding=${pythonTuple(this.outputPadding)}`);
    }
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push("bias=False");
    if (this.paddingMode !== "zeros") parts.push(`padding_mode=${this.paddingMode}`);
    return parts.join(", ");
  }
}

function requireNamedPadding(name: string, padding: string, stride: readonly number[]): "same" | "valid" {
  if (padding === "valid") return padding;
  if (padding !== "same") {
    throw new ValueError(
      `Cannot make ${name} with padding ${JSON.stringify(padding)}: it must be integers, "same" or "valid"`,
    );
  }
  if (stride.some((step) => step !== 1)) {
    throw new ValueError(
      `Cannot make ${name} with padding "same": the stride must be 1, got [${stride.join(", ")}]`,
    );
  }
  return padding;
}

type ConvFunction = typeof F.conv2d;

function convolve(conv: ConvFunction, layer: ConvNd, input: Tensor): Tensor {
  const { weight, bias, stride, dilation, groups } = layer;
  if (layer.paddingMode === "zeros") {
    return conv(input, weight, { bias, stride, padding: layer.padding, dilation, groups });
  }
  const padded = F.pad(input, { pad: sides(layer), mode: layer.paddingMode });
  return conv(padded, weight, { bias, stride, padding: 0, dilation, groups });
}

/** How much `pad` adds on each side, from the last dimension to the first. */
function sides({ padding, dilation, kernelSize }: ConvNd): number[] {
  const out: number[] = [];
  for (let d = kernelSize.length - 1; d >= 0; d--) {
    if (typeof padding !== "string") out.push(padding[d]!, padding[d]!);
    else {
      const total = padding === "valid" ? 0 : dilation[d]! * (kernelSize[d]! - 1);
      const low = Math.floor(total / 2);
      out.push(low, total - low);
    }
  }
  return out;
}

const CONV_NAMES = [
  "stride",
  "padding",
  "dilation",
  "groups",
  "bias",
  "paddingMode",
  ...FACTORY_NAMES,
] as const;

/**
 * Convolution along one dimension.
 *
 * Shapes: input `[N, inChannels, L]` (or without N) → `[N, outChannels, L′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
 */
export class Conv1d extends ConvNd {
  /** Makes the layer with random parameters. */
  constructor(...args: ConvModuleArgs) {
    super("Conv1d", 1, false, settingsOf<ConvSizes, ConvModuleOptions>("Conv1d", args, SIZES, CONV_NAMES));
  }

  /** Convolves. */
  override forward(input: Tensor): Tensor {
    return convolve(F.conv1d, this, input);
  }
}

/**
 * Convolution of images.
 *
 * Shapes: input `[N, inChannels, H, W]` (or without N) → `[N, outChannels, H′, W′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 *
 * @example
 * ```ts
 * const layer = new nn.Conv2d(1, 32, 3, { padding: 1 });
 * const y = layer(torch.randn([64, 1, 28, 28])); // float32[64, 32, 28, 28]
 * ```
 */
export class Conv2d extends ConvNd {
  /** Makes the layer with random parameters. */
  constructor(...args: ConvModuleArgs) {
    super("Conv2d", 2, false, settingsOf<ConvSizes, ConvModuleOptions>("Conv2d", args, SIZES, CONV_NAMES));
  }

  /** Convolves. */
  override forward(input: Tensor): Tensor {
    return convolve(F.conv2d, this, input);
  }
}

/**
 * Convolution of volumes.
 *
 * Shapes: input `[N, inChannels, D, H, W]` (or without N) → `[N, outChannels, D′, H′, W′]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
 */
export class Conv3d extends ConvNd {
  /** Makes the layer with random parameters. */
  constructor(...args: ConvModuleArgs) {
    super("Conv3d", 3, false, settingsOf<ConvSizes, ConvModuleOptions>("Conv3d", args, SIZES, CONV_NAMES));
  }

  /** Convolves. */
  override forward(input: Tensor): Tensor {
    return convolve(F.conv3d, this, input);
  }
}

const TRANSPOSE_NAMES = [
  "stride",
  "padding",
  "outputPadding",
  "groups",
  "bias",
  "dilation",
  "paddingMode",
  ...FACTORY_NAMES,
] as const;

/** The sizes that the output of a transposed convolution shall have. */
export type OutputSize = readonly number[] | { readonly outputSize?: readonly number[] | null } | null;

/** Arguments of the call of {@linkcode ConvTranspose2d} and its kin. */
export type TransposeArgs = [input: Tensor, outputSize?: OutputSize];

function transposed(
  conv: typeof F.convTranspose2d,
  layer: ConvNd<TransposeArgs>,
  [input, size]: TransposeArgs,
): Tensor {
  const { weight, bias, stride, padding, groups, dilation } = layer;
  const wanted = Array.isArray(size)
    ? size as readonly number[]
    : (size as { outputSize?: readonly number[] })?.outputSize;
  const outputPadding = wanted === undefined || wanted === null
    ? layer.outputPadding
    : paddingFor(layer, input, wanted);
  return conv(input, weight, {
    bias,
    stride,
    padding: padding as readonly number[],
    outputPadding,
    groups,
    dilation,
  });
}

/** The output padding that gives the wanted sizes. */
function paddingFor(layer: ConvNd<TransposeArgs>, input: Tensor, wanted: readonly number[]): number[] {
  const n = layer.kernelSize.length;
  const what = `Cannot convolve ${formatType(input)} to size [${wanted.join(", ")}]`;
  const leading = input.ndim - n;
  if (wanted.length !== n && wanted.length !== input.ndim) {
    throw new ShapeError(`${what}: outputSize must have ${n} or ${input.ndim} sizes, got ${wanted.length}`);
  }
  return wanted.slice(wanted.length - n).map((size, d) => {
    const step = layer.stride[d]!;
    const least = (input.shape[leading + d]! - 1) * step - 2 * (layer.padding[d] as number) +
      layer.dilation[d]! * (layer.kernelSize[d]! - 1) + 1;
    if (size < least || size >= least + step) {
      throw new ShapeError(`${what}: size ${d} must be in [${least}, ${least + step - 1}], got ${size}`);
    }
    return size - least;
  });
}

/**
 * Transposed convolution along one dimension: the gradient of {@linkcode Conv1d} for its input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
 */
export class ConvTranspose1d extends ConvNd<TransposeArgs> {
  /** Makes the layer with random parameters. */
  constructor(...args: ConvTransposeModuleArgs) {
    super(
      "ConvTranspose1d",
      1,
      true,
      settingsOf<ConvSizes, ConvTransposeModuleOptions>("ConvTranspose1d", args, SIZES, TRANSPOSE_NAMES),
    );
  }

  /** Convolves; `outputSize` chooses among the possible sizes of the output. */
  override forward(input: Tensor, outputSize: OutputSize = null): Tensor {
    return transposed(F.convTranspose1d, this, [input, outputSize]);
  }
}

/**
 * Transposed convolution of images: the gradient of {@linkcode Conv2d} for its input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
 */
export class ConvTranspose2d extends ConvNd<TransposeArgs> {
  /** Makes the layer with random parameters. */
  constructor(...args: ConvTransposeModuleArgs) {
    super(
      "ConvTranspose2d",
      2,
      true,
      settingsOf<ConvSizes, ConvTransposeModuleOptions>("ConvTranspose2d", args, SIZES, TRANSPOSE_NAMES),
    );
  }

  /** Convolves; `outputSize` chooses among the possible sizes of the output. */
  override forward(input: Tensor, outputSize: OutputSize = null): Tensor {
    return transposed(F.convTranspose2d, this, [input, outputSize]);
  }
}

/**
 * Transposed convolution of volumes: the gradient of {@linkcode Conv3d} for its input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
 */
export class ConvTranspose3d extends ConvNd<TransposeArgs> {
  /** Makes the layer with random parameters. */
  constructor(...args: ConvTransposeModuleArgs) {
    super(
      "ConvTranspose3d",
      3,
      true,
      settingsOf<ConvSizes, ConvTransposeModuleOptions>("ConvTranspose3d", args, SIZES, TRANSPOSE_NAMES),
    );
  }

  /** Convolves; `outputSize` chooses among the possible sizes of the output. */
  override forward(input: Tensor, outputSize: OutputSize = null): Tensor {
    return transposed(F.convTranspose3d, this, [input, outputSize]);
  }
}
