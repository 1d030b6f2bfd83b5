/**
 * Pooling in one to three dimensions: the largest, the mean or the p-norm of windows, and back from the largest.
 *
 * @module
 */

import {
  formatShape,
  formatType,
  IndexError,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, needsGrad } from "../bind.ts";
import { constant, requireNumber, requireTensor } from "../coerce.ts";
import { gradMode } from "../grad_mode.ts";
import { executeOn } from "../immediate.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { pow } from "./arithmetic.ts";
import { allIndexValues, areInside, indexTensor } from "./bounds.ts";
import { owned, reshapeTo, viewAsShape } from "./building.ts";
import { required } from "./lists.ts";
import { batched, type PerDim, perDim, throughFloats, unbatched } from "./spatial.ts";

/** Options of {@linkcode maxPool2d} and its kin. */
export interface MaxPoolOptions {
  /** Size of the window. */
  readonly kernelSize: PerDim;
  /** Step of the window. Default: its size. */
  readonly stride: PerDim | null;
  /** Minus infinity around the input, at most half of the window. Default 0. */
  readonly padding: PerDim;
  /** Distance between the taps of the window. Default 1. */
  readonly dilation: PerDim;
  /** Round the output size up instead of down. Default false. */
  readonly ceilMode: boolean;
  /** Also give the place of each value in its plane. Default false. */
  readonly returnIndices: boolean;
}

/** Positional options of {@linkcode maxPool2d} and its kin. */
export type MaxPoolArgs = Args<
  MaxPoolOptions,
  ["kernelSize", "stride", "padding", "dilation", "ceilMode", "returnIndices"]
>;

/** Options that ask for the places too. */
export type WithIndices<O> = Partial<O> & { readonly returnIndices: true };

/** Values and their row-major places (int32) in the spatial dimensions of the input. */
export type PoolWithIndices = [values: Tensor, indices: Tensor];

const maxNames = ["kernelSize", "stride", "padding", "dilation", "ceilMode", "returnIndices"] as const;

/** `x` with a batch; nothing but the batch may be empty. */
function pooled(op: string, x: Tensor, n: number): Tensor {
  const source = batched(op, x, n);
  if (source.shape.slice(1).includes(0)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: only the batch may be empty, got ${formatShape(x.shape)}`,
    );
  }
  return source;
}

/** The step of a window: that given, else its size. */
function strideOf(op: string, stride: PerDim | null | undefined, kernel: Shape, n: number): Shape {
  const none = stride === null || stride === undefined || (Array.isArray(stride) && stride.length === 0);
  return none ? kernel : perDim(op, "stride", stride as PerDim, n, 1);
}

function maxPool(op: string, n: number, x: Tensor, args: readonly unknown[]): Tensor | PoolWithIndices {
  requireTensor(op, "input", x);
  const options = named<MaxPoolOptions>(op, args, maxNames);
  const kernelSize = perDim(op, "kernelSize", required(op, "kernelSize", options.kernelSize), n, 1);
  const attrs = {
    kernelSize,
    stride: strideOf(op, options.stride, kernelSize, n),
    padding: perDim(op, "padding", options.padding ?? 0, n, 0),
    dilation: perDim(op, "dilation", options.dilation ?? 1, n, 1),
    ceilMode: options.ceilMode ?? false,
  };
  const both = options.returnIndices ?? false;
  // The places serve whoever asks for them, and the backward pass.
  if (!both && !(gradMode.enabled && needsGrad([x]))) {
    return temporaries(() => unbatched(x, bind("maxPoolValues", [pooled(op, x, n)], attrs)));
  }
  return withPlaces(both, () => {
    const [values, indices] = bind("maxPool", [pooled(op, x, n)], attrs);
    const name = n === 1 ? "SqueezeBackward1" : `MaxPool${n}DWithIndicesBackward0`;
    return [unbatched(x, relabel(values, name)), unbatched(x, indices)];
  });
}

/** Both results, or the values alone. */
function withPlaces(both: boolean, compute: () => PoolWithIndices): Tensor | PoolWithIndices {
  return both ? temporaries(compute) : temporaries(() => compute()[0]);
}

/** Largest values of windows, with their places. */
export function maxPool1d(
  x: Tensor,
  kernelSize: PerDim,
  options: WithIndices<Omit<MaxPoolOptions, "kernelSize">>,
): PoolWithIndices;
/**
 * Largest values of windows along one dimension: `[N, C, L]` (or without N) → `[N, C, L′]`.
 *
 * @throws {ShapeError} If the window does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool1d.html
 */
export function maxPool1d(x: Tensor, ...args: MaxPoolArgs): Tensor;
/** Implementation of both forms. */
export function maxPool1d(x: Tensor, ...args: readonly unknown[]): Tensor | PoolWithIndices {
  return maxPool("maxPool1d", 1, x, args);
}

/** Largest values of windows, with their places. */
export function maxPool2d(
  x: Tensor,
  kernelSize: PerDim,
  options: WithIndices<Omit<MaxPoolOptions, "kernelSize">>,
): PoolWithIndices;
/**
 * Largest values of windows of images: `[N, C, H, W]` (or without N) → `[N, C, H′, W′]`.
 *
 * @throws {ShapeError} If the window does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
 */
export function maxPool2d(x: Tensor, ...args: MaxPoolArgs): Tensor;
/** Implementation of both forms. */
export function maxPool2d(x: Tensor, ...args: readonly unknown[]): Tensor | PoolWithIndices {
  return maxPool("maxPool2d", 2, x, args);
}

/** Largest values of windows, with their places. */
export function maxPool3d(
  x: Tensor,
  kernelSize: PerDim,
  options: WithIndices<Omit<MaxPoolOptions, "kernelSize">>,
): PoolWithIndices;
/**
 * Largest values of windows of volumes: `[N, C, D, H, W]` (or without N) → `[N, C, D′, H′, W′]`.
 *
 * @throws {ShapeError} If the window does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool3d.html
 */
export function maxPool3d(x: Tensor, ...args: MaxPoolArgs): Tensor;
/** Implementation of both forms. */
export function maxPool3d(x: Tensor, ...args: readonly unknown[]): Tensor | PoolWithIndices {
  return maxPool("maxPool3d", 3, x, args);
}

/** Options of {@linkcode avgPool1d}. */
export interface AvgPool1dOptions {
  /** Size of the window. */
  readonly kernelSize: PerDim;
  /** Step of the window. Default: its size. */
  readonly stride: PerDim | null;
  /** Zeros around the input, at most half of the window. Default 0. */
  readonly padding: PerDim;
  /** Round the output size up instead of down. Default false. */
  readonly ceilMode: boolean;
  /** Whether the zeros around count as elements of the window. Default true. */
  readonly countIncludePad: boolean;
}

/** Options of {@linkcode avgPool2d} and {@linkcode avgPool3d}. */
export interface AvgPoolOptions extends AvgPool1dOptions {
  /** Divide by this instead of the number of elements. */
  readonly divisorOverride: number | null;
}

/** Positional options of {@linkcode avgPool2d} and {@linkcode avgPool3d}. */
export type AvgPoolArgs = Args<
  AvgPoolOptions,
  ["kernelSize", "stride", "padding", "ceilMode", "countIncludePad", "divisorOverride"]
>;

const avgNames = [
  "kernelSize",
  "stride",
  "padding",
  "ceilMode",
  "countIncludePad",
  "divisorOverride",
] as const;

function avgPool(op: string, n: number, x: Tensor, options: Partial<AvgPoolOptions>): Tensor {
  requireTensor(op, "input", x);
  const kernelSize = perDim(op, "kernelSize", required(op, "kernelSize", options.kernelSize), n, 1);
  const divisor = options.divisorOverride ?? null;
  if (divisor === 0) throw new ValueError(`Cannot ${op}: divisorOverride must not be zero, got 0`);
  const attrs = {
    kernelSize,
    stride: strideOf(op, options.stride, kernelSize, n),
    padding: perDim(op, "padding", options.padding ?? 0, n, 0),
    dilation: kernelSize.map(() => 1),
    ceilMode: options.ceilMode ?? false,
    countIncludePad: options.countIncludePad ?? true,
    divisor,
  };
  return temporaries(() => {
    const y = throughFloats(pooled(op, x, n), (source) => bind("avgPool", [source!], attrs));
    return unbatched(x, relabel(y, n === 1 ? "SqueezeBackward1" : `AvgPool${n}DBackward0`));
  });
}

/**
 * Means of windows along one dimension: `[N, C, L]` (or without N) → `[N, C, L′]`.
 *
 * @throws {ShapeError} If the window does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html
 */
export function avgPool1d(
  x: Tensor,
  ...args: Args<AvgPool1dOptions, ["kernelSize", "stride", "padding", "ceilMode", "countIncludePad"]>
): Tensor {
  return avgPool("avgPool1d", 1, x, named<AvgPoolOptions>("avgPool1d", args, avgNames.slice(0, 5)));
}

/**
 * Means of windows of images: `[N, C, H, W]` (or without N) → `[N, C, H′, W′]`.
 *
 * @throws {ShapeError} If the window does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
 */
export function avgPool2d(x: Tensor, ...args: AvgPoolArgs): Tensor {
  return avgPool("avgPool2d", 2, x, named<AvgPoolOptions>("avgPool2d", args, avgNames));
}

/**
 * Means of windows of volumes: `[N, C, D, H, W]` (or without N) → `[N, C, D′, H′, W′]`.
 *
 * @throws {ShapeError} If the window does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool3d.html
 */
export function avgPool3d(x: Tensor, ...args: AvgPoolArgs): Tensor {
  return avgPool("avgPool3d", 3, x, named<AvgPoolOptions>("avgPool3d", args, avgNames));
}

/** Options of {@linkcode lpPool2d} and its kin. */
export interface LpPoolOptions {
  /** The p of the norm. */
  readonly normType: number;
  /** Size of the window. */
  readonly kernelSize: PerDim;
  /** Step of the window. Default: its size. */
  readonly stride: PerDim | null;
  /** Round the output size up instead of down. Default false. */
  readonly ceilMode: boolean;
}

/** Positional options of {@linkcode lpPool2d} and its kin. */
export type LpPoolArgs = Args<LpPoolOptions, ["normType", "kernelSize", "stride", "ceilMode"]>;

function lpPool(op: string, n: number, x: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  const options = named<LpPoolOptions>(op, args, ["normType", "kernelSize", "stride", "ceilMode"]);
  const p = requireNumber(op, "normType", required(op, "normType", options.normType));
  const kernel = perDim(op, "kernelSize", required(op, "kernelSize", options.kernelSize), n, 1);
  return temporaries(() => {
    const number = (value: number) => constant(value, x.dtype, x.backend);
    const means = avgPool(op, n, pow(x, p), {
      kernelSize: kernel,
      stride: options.stride ?? null,
      ceilMode: options.ceilMode ?? false,
    });
    // As PyTorch: odd powers may sum to less than 0, whose root is that of 0.
    const positive = bind("mul", [
      bind("sign", [means], null),
      bind("relu", [bind("abs", [means], null)], null),
    ], null);
    const sums = bind("mul", [positive, number(numelOf(kernel))], null);
    return relabel(pow(sums, 1 / p), "PowBackward0");
  });
}

/** `(Σ xᵖ)^(1/p)` of windows along one dimension: `[N, C, L]` (or without N) → `[N, C, L′]`. */
export function lpPool1d(x: Tensor, ...args: LpPoolArgs): Tensor {
  return lpPool("lpPool1d", 1, x, args);
}

/** `(Σ xᵖ)^(1/p)` of windows of images: `[N, C, H, W]` (or without N) → `[N, C, H′, W′]`. */
export function lpPool2d(x: Tensor, ...args: LpPoolArgs): Tensor {
  return lpPool("lpPool2d", 2, x, args);
}

/** `(Σ xᵖ)^(1/p)` of windows of volumes: `[N, C, D, H, W]` (or without N) → `[N, C, D′, H′, W′]`. */
export function lpPool3d(x: Tensor, ...args: LpPoolArgs): Tensor {
  return lpPool("lpPool3d", 3, x, args);
}

/** Options of {@linkcode maxUnpool2d} and its kin. */
export interface MaxUnpoolOptions {
  /** Size of the window that was pooled. */
  readonly kernelSize: PerDim;
  /** Step of the window. Default: its size. */
  readonly stride: PerDim | null;
  /** What was put around the input. Default 0. */
  readonly padding: PerDim;
  /** Sizes of the result, with or without `[N, C]`. Default: the smallest that the window allows. */
  readonly outputSize: Shape | null;
}

/** Positional options of {@linkcode maxUnpool2d} and its kin. */
export type MaxUnpoolArgs = Args<MaxUnpoolOptions, ["kernelSize", "stride", "padding", "outputSize"]>;

function maxUnpool(op: string, n: number, x: Tensor, indices: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "indices", indices);
  const options = named<MaxUnpoolOptions>(op, args, ["kernelSize", "stride", "padding", "outputSize"]);
  const kernel = perDim(op, "kernelSize", required(op, "kernelSize", options.kernelSize), n, 1);
  const stride = strideOf(op, options.stride, kernel, n);
  const padding = perDim(op, "padding", options.padding ?? 0, n, 0);
  if (String(indices.shape) !== String(x.shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: indices must have its shape, got ${formatShape(indices.shape)}`,
    );
  }
  return temporaries(() => {
    const source = batched(op, x, n);
    const least = source.shape.slice(2).map((size, i) =>
      (size - 1) * stride[i]! - 2 * padding[i]! + kernel[i]!
    );
    const size = unpooledSize(op, x, options.outputSize ?? null, least, stride);
    const plane = numelOf(size);
    const values = areInside(indices, plane) ? null : allIndexValues(indices);
    const wrong = values?.find((place) => place < 0 || place >= plane);
    if (wrong !== undefined) {
      throw new IndexError(
        `Cannot ${op} ${formatType(x)} to ${formatShape(size)}: indices must be from 0 to ${
          plane - 1
        }, got ${wrong}`,
      );
    }
    const [batch, channels] = source.shape as readonly [number, number];
    const flat = (y: Tensor) => reshapeTo(y, [batch, channels, numelOf(source.shape.slice(2))]);
    const shape = [batch, channels, plane];
    const zeros = executeOn(x.backend, "full", { shape, value: 0, dtype: x.dtype });
    const inputs = [zeros, flat(batched(op, indexTensor(op, indices), n)), flat(source)] as const;
    const y = bind("scatter", inputs, { dim: 2, reduce: "set" });
    const name = n === 1 ? "SqueezeBackward1" : `MaxUnpool${n}DBackward0`;
    return unbatched(x, owned(viewAsShape(y, [batch, channels, ...size], name)));
  });
}

function unpooledSize(op: string, x: Tensor, given: Shape | null, least: Shape, stride: Shape): Shape {
  if (given === null) return least;
  const n = least.length;
  const size = given.length > n ? given.slice(-n) : given;
  const fits = size.length === n &&
    size.every((s, i) => s > least[i]! - stride[i]! && s < least[i]! + stride[i]!);
  if (!fits) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: outputSize must be within one step of ${formatShape(least)}, got ${
        formatShape(given)
      }`,
    );
  }
  return size;
}

/**
 * Zeros with the values of a max pooling at their places: `[N, C, L]` (or without N) → `[N, C, L′]`.
 *
 * @throws {IndexError} If a place is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool1d.html
 */
export function maxUnpool1d(x: Tensor, indices: Tensor, ...args: MaxUnpoolArgs): Tensor {
  return maxUnpool("maxUnpool1d", 1, x, indices, args);
}

/**
 * Zeros with the values of a max pooling at their places: `[N, C, H, W]` (or without N) → `[N, C, H′, W′]`.
 *
 * @throws {IndexError} If a place is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool2d.html
 */
export function maxUnpool2d(x: Tensor, indices: Tensor, ...args: MaxUnpoolArgs): Tensor {
  return maxUnpool("maxUnpool2d", 2, x, indices, args);
}

/**
 * Zeros with the values of a max pooling at their places: `[N, C, D, H, W]` (or without N) → `[N, C, D′, H′, W′]`.
 *
 * @throws {IndexError} If a place is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool3d.html
 */
export function maxUnpool3d(x: Tensor, indices: Tensor, ...args: MaxUnpoolArgs): Tensor {
  return maxUnpool("maxUnpool3d", 3, x, indices, args);
}
