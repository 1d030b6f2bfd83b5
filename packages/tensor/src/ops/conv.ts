/**
 * Convolution and transposed convolution in one to three dimensions.
 *
 * @module
 */

import { formatShape, formatType, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindOver } from "../bind.ts";
import { requireInteger, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { viewAsShape } from "./building.ts";
import { batched, type PerDim, perDim, throughFloats, unbatched } from "./spatial.ts";

/** Options of {@linkcode conv2d} and its kin. */
export interface ConvOptions {
  /** Added to each output channel, `[O]`. */
  readonly bias: Tensor | null;
  /** Step of the window. Default 1. */
  readonly stride: PerDim;
  /** Zeros around the input; `"valid"` for none, `"same"` for as many as keep its size. Default 0. */
  readonly padding: PerDim | "same" | "valid";
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation: PerDim;
  /** Number of independent groups of channels. Default 1. */
  readonly groups: number;
}

/** Positional options of {@linkcode conv2d} and its kin. */
export type ConvArgs = Args<ConvOptions, ["bias", "stride", "padding", "dilation", "groups"]>;

/** Options of {@linkcode convTranspose2d} and its kin. */
export interface ConvTransposeOptions {
  /** Added to each output channel, `[O]`. */
  readonly bias: Tensor | null;
  /** Step of the window in the output. Default 1. */
  readonly stride: PerDim;
  /** How much is cut from each side of the output. Default 0. */
  readonly padding: PerDim;
  /** Added to one side of the output's size. Default 0. */
  readonly outputPadding: PerDim;
  /** Number of independent groups of channels. Default 1. */
  readonly groups: number;
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation: PerDim;
}

/** Positional options of {@linkcode convTranspose2d} and its kin. */
export type ConvTransposeArgs = Args<
  ConvTransposeOptions,
  ["bias", "stride", "padding", "outputPadding", "groups", "dilation"]
>;

/** Checks the ranks of input and weight, and that the bias has one element for each of `channels`. */
function requireConv(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  n: number,
  channels: number,
): void {
  if (weight.shape.length !== n + 2) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)} with weight ${formatType(weight)}: weight must have ${
        n + 2
      } dimensions, got rank ${weight.shape.length}`,
    );
  }
  if (bias === null) return;
  requireTensor(op, "bias", bias);
  if (bias.shape.length !== 1 || bias.shape[0] !== channels) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)} with weight ${
        formatType(weight)
      }: bias must have shape [${channels}], got ${formatShape(bias.shape)}`,
    );
  }
}

function addBias(y: Tensor, bias: Tensor | null): Tensor {
  const name = "ConvolutionBackward0";
  if (bias === null) return relabel(y, name);
  const column = viewAsShape(bias, [bias.shape[0]!, ...y.shape.slice(2).map(() => 1)]);
  return relabel(bindOver("add", [y, column], null), name);
}

function convolve(op: string, n: number, x: Tensor, weight: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "weight", weight);
  const options = named<ConvOptions>(op, args, ["bias", "stride", "padding", "dilation", "groups"]);
  const bias = options.bias ?? null;
  requireConv(op, x, weight, bias, n, weight.shape[0]!);
  const stride = perDim(op, "stride", options.stride ?? 1, n, 1);
  const dilation = perDim(op, "dilation", options.dilation ?? 1, n, 1);
  const groups = requireInteger(op, "groups", options.groups ?? 1);
  const given = options.padding ?? 0;
  return temporaries(() => {
    let source = batched(op, x, n);
    let padding: Shape;
    if (typeof given !== "string") padding = perDim(op, "padding", given, n, 0);
    else {
      const total = sidesOf(op, given, weight.shape.slice(2), stride, dilation);
      padding = total.map((sum) => Math.floor(sum / 2));
      const odd = total.map((sum) => sum % 2);
      // An odd sum puts one more zero behind than before.
      if (odd.includes(1)) {
        source = bind("pad", [source], { low: [0, 0, ...odd.map(() => 0)], high: [0, 0, ...odd], value: 0 });
      }
    }
    const attrs = { stride, padding, dilation, groups };
    const y = throughFloats(source, (a, b) => bind("conv", [a!, b!], attrs), weight);
    return unbatched(x, addBias(y, bias));
  });
}

/** How many zeros `"same"` or `"valid"` add to each dimension, both sides together. */
function sidesOf(op: string, padding: string, kernel: Shape, stride: Shape, dilation: Shape): Shape {
  if (padding === "valid") return kernel.map(() => 0);
  if (padding !== "same") {
    throw new ValueError(
      `Cannot ${op}: padding must be integers, "same" or "valid", got ${JSON.stringify(padding)}`,
    );
  }
  if (stride.some((step) => step !== 1)) {
    throw new ValueError(
      `Cannot ${op} with padding "same": the stride must be 1, got ${formatShape(stride)}`,
    );
  }
  return kernel.map((size, i) => dilation[i]! * (size - 1));
}

/**
 * Cross-correlation along one dimension.
 *
 * Shapes: x `[N, C, L]` (or without N), weight `[O, C / groups, K]`, bias `[O]` → `[N, O, L′]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html
 */
export function conv1d(x: Tensor, weight: Tensor, ...args: ConvArgs): Tensor {
  return convolve("conv1d", 1, x, weight, args);
}

/**
 * Cross-correlation of images.
 *
 * Shapes: x `[N, C, H, W]` (or without N), weight `[O, C / groups, kH, kW]`, bias `[O]` → `[N, O, H′, W′]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
 *
 * @example
 * ```ts
 * const y = conv2d(x, weight, bias, { stride: 2, padding: 1 });
 * ```
 */
export function conv2d(x: Tensor, weight: Tensor, ...args: ConvArgs): Tensor {
  return convolve("conv2d", 2, x, weight, args);
}

/**
 * Cross-correlation of volumes.
 *
 * Shapes: x `[N, C, D, H, W]` (or without N), weight `[O, C / groups, kD, kH, kW]`, bias `[O]` → `[N, O, D′, H′, W′]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html
 */
export function conv3d(x: Tensor, weight: Tensor, ...args: ConvArgs): Tensor {
  return convolve("conv3d", 3, x, weight, args);
}

function transposed(op: string, n: number, x: Tensor, weight: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "weight", weight);
  const options = named<ConvTransposeOptions>(op, args, [
    "bias",
    "stride",
    "padding",
    "outputPadding",
    "groups",
    "dilation",
  ]);
  const bias = options.bias ?? null;
  const groups = requireInteger(op, "groups", options.groups ?? 1);
  requireConv(op, x, weight, bias, n, weight.shape[1]! * groups);
  const stride = perDim(op, "stride", options.stride ?? 1, n, 1);
  const padding = perDim(op, "padding", options.padding ?? 0, n, 0);
  const dilation = perDim(op, "dilation", options.dilation ?? 1, n, 1);
  const extra = perDim(op, "outputPadding", options.outputPadding ?? 0, n, 0);
  if (extra.some((size, i) => size >= stride[i]! && size >= dilation[i]!)) {
    throw new ValueError(
      `Cannot ${op}: outputPadding must be smaller than either stride or dilation, got ${
        formatShape(extra)
      } for stride ` +
        `${formatShape(stride)} and dilation ${formatShape(dilation)}`,
    );
  }
  return temporaries(() => {
    const source = batched(op, x, n);
    if (source.shape[1] !== weight.shape[0]) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(x)} with weight ${formatType(weight)}: x must have ${
          weight.shape[0]
        } channels, got ${source.shape[1]}`,
      );
    }
    const kernel = weight.shape.slice(2);
    const inputSize = source.shape.slice(2).map((size, i) =>
      (size - 1) * stride[i]! - 2 * padding[i]! + dilation[i]! * (kernel[i]! - 1) + extra[i]! + 1
    );
    if (inputSize.some((size) => size < 1)) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(x)} with weight ${formatType(weight)}: the output must not be empty, got ${
          formatShape(inputSize)
        }`,
      );
    }
    // A step may not pass over a whole element added: then all is computed, and the ends are cut.
    const whole = extra.some((size, i) => size >= stride[i]!);
    const none = padding.map(() => 0);
    const reach = inputSize.map((size, i) => size + 2 * padding[i]! - extra[i]!);
    const attrs = {
      stride,
      padding: whole ? none : padding,
      dilation,
      groups,
      inputSize: whole ? reach : inputSize,
    };
    const full = throughFloats(source, (a, b) => bind("convInputGrad", [a!, b!], attrs), weight);
    const y = !whole ? full : bind("pad", [full], {
      low: [0, 0, ...padding.map((size) => -size)],
      high: [0, 0, ...padding.map((size, i) => extra[i]! - size)],
      value: 0,
    });
    return unbatched(x, addBias(y, bias));
  });
}

/**
 * Transposed convolution along one dimension: the gradient of {@linkcode conv1d} for its input.
 *
 * Shapes: x `[N, C, L]` (or without N), weight `[C, O / groups, K]`, bias `[O]` → `[N, O, L′]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html
 */
export function convTranspose1d(x: Tensor, weight: Tensor, ...args: ConvTransposeArgs): Tensor {
  return transposed("convTranspose1d", 1, x, weight, args);
}

/**
 * Transposed convolution of images: the gradient of {@linkcode conv2d} for its input.
 *
 * Shapes: x `[N, C, H, W]` (or without N), weight `[C, O / groups, kH, kW]`, bias `[O]` → `[N, O, H′, W′]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
 */
export function convTranspose2d(x: Tensor, weight: Tensor, ...args: ConvTransposeArgs): Tensor {
  return transposed("convTranspose2d", 2, x, weight, args);
}

/**
 * Transposed convolution of volumes: the gradient of {@linkcode conv3d} for its input.
 *
 * Shapes: x `[N, C, D, H, W]` (or without N), weight `[C, O / groups, kD, kH, kW]`, bias `[O]` → `[N, O, D′, H′, W′]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html
 */
export function convTranspose3d(x: Tensor, weight: Tensor, ...args: ConvTransposeArgs): Tensor {
  return transposed("convTranspose3d", 3, x, weight, args);
}
