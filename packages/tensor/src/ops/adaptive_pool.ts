/**
 * Pooling to a given size: window `i` of `out` covers the elements from ⌊i · size / out⌋ to before ⌈(i + 1) · size / out⌉.
 *
 * Where all windows are of one size, these are the ordinary poolings; else windows are gathered by places known beforehand.
 *
 * @module
 */

import {
  float32,
  formatShape,
  formatType,
  int32,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { castTo, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { expandTo, owned, reshapeTo, viewAsShape } from "./building.ts";
import { fromData } from "./data.ts";
import { required } from "./lists.ts";
import type { PoolWithIndices } from "./pool.ts";
import { batched, unbatched } from "./spatial.ts";

/** Sizes of the result: one for all spatial dimensions, or one for each; null keeps a size. */
export type AdaptiveSize = number | null | readonly (number | null)[];

/** Options of {@linkcode adaptiveAvgPool2d} and its kin. */
export interface AdaptiveOptions {
  /** Sizes of the result. */
  readonly outputSize: AdaptiveSize;
}

/** Options of {@linkcode adaptiveMaxPool2d} and its kin. */
export interface AdaptiveMaxOptions extends AdaptiveOptions {
  /** Also give the place of each value in its plane. Default false. */
  readonly returnIndices: boolean;
}

/** Positional options of {@linkcode adaptiveMaxPool2d} and its kin. */
export type AdaptiveMaxArgs = Args<AdaptiveMaxOptions, ["outputSize", "returnIndices"]>;

/** One window along one dimension. */
interface Window {
  readonly start: number;
  readonly size: number;
}

function windowsOf(size: number, out: number): Window[] {
  return Array.from({ length: out }, (_, i) => {
    const start = Math.floor(i * size / out);
    return { start, size: Math.ceil((i + 1) * size / out) - start };
  });
}

function sizeOf(op: string, x: Tensor, n: number, given: AdaptiveSize | undefined): number[] {
  const value = required(op, "outputSize", given);
  const list = Array.isArray(value)
    ? value as readonly (number | null)[]
    : new Array<number | null>(n).fill(value as number | null);
  const wide = list.length === 1 ? new Array<number | null>(n).fill(list[0]!) : list;
  const spatial = x.shape.slice(-n);
  const sizes = wide.map((size, i) => size ?? spatial[i]!);
  if (sizes.length !== n || !sizes.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: outputSize must be ${n} integers >= 0, got ${formatShape(sizes)}`,
    );
  }
  if (x.shape.length < n + 1 || x.shape.slice(-n - 1).includes(0)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: it must have ${n + 2} dimensions, or ${
        n + 1
      } without a batch, none but the batch empty, got ${formatShape(x.shape)}`,
    );
  }
  return sizes;
}

/** The window that all places have in common, or null. */
function evenWindow(spatial: Shape, out: Shape): Shape | null {
  const even = out.every((size, i) => size > 0 && spatial[i]! % size === 0);
  return even ? out.map((size, i) => spatial[i]! / size) : null;
}

function adaptiveAvg(op: string, n: number, x: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  const out = sizeOf(op, x, n, named<AdaptiveOptions>(op, args, ["outputSize"]).outputSize);
  return temporaries(() => {
    const source = batched(op, x, n);
    const spatial = source.shape.slice(2);
    const even = evenWindow(spatial, out);
    const y = even === null ? unevenMeans(source, out) : bind("avgPool", [source], {
      kernelSize: even,
      stride: even,
      padding: even.map(() => 0),
      dilation: even.map(() => 1),
      ceilMode: false,
      countIncludePad: true,
      divisor: null,
    });
    const name = n === 1 ? "SqueezeBackward1" : `AdaptiveAvgPool${n}DBackward0`;
    return unbatched(x, relabel(y, name));
  });
}

/**
 * Means of windows, one dimension after the other: a window is the product of one of each. All are as long as the longest:
 * the last element of shorter ones is taken several times, by a half, a quarter … and the rest of it, which is exact.
 */
function unevenMeans(x: Tensor, out: Shape): Tensor {
  return out.reduce((y, size, i) => {
    const dim = i + 2;
    const windows = windowsOf(y.shape[dim]!, size);
    const most = windows.reduce((m, window) => Math.max(m, window.size), 1);
    const index = new Int32Array(most * size);
    const weight = new Float32Array(most * size);
    windows.forEach((window, w) => {
      const last = window.size - 1;
      for (let k = 0; k < most; k++) {
        index[k * size + w] = window.start + Math.min(k, last);
        weight[k * size + w] = k < last ? 1 : 2 ** (last - Math.min(k + 1, most - 1));
      }
    });
    const table = [
      fromData(index, [most, size], int32, y.device),
      castTo(fromData(weight, [most, size], float32, y.device), y.dtype),
    ] as const;
    const sums = bind("resample", [y, ...table], { dim, size: null });
    const counts = fromData(
      Int32Array.from(windows, (window) => window.size),
      [size, ...y.shape.slice(dim + 1).map(() => 1)],
      int32,
      y.device,
    );
    return bind("div", [sums, castTo(counts, y.dtype)], null);
  }, x);
}

/**
 * Means of windows to a given size: `[N, C, L]` (or without N) → `[N, C, out]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool1d.html
 */
export function adaptiveAvgPool1d(x: Tensor, ...args: Args<AdaptiveOptions, ["outputSize"]>): Tensor {
  return adaptiveAvg("adaptiveAvgPool1d", 1, x, args);
}

/**
 * Means of windows to a given size: `[N, C, H, W]` (or without N) → `[N, C, …out]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
 */
export function adaptiveAvgPool2d(x: Tensor, ...args: Args<AdaptiveOptions, ["outputSize"]>): Tensor {
  return adaptiveAvg("adaptiveAvgPool2d", 2, x, args);
}

/**
 * Means of windows to a given size: `[N, C, D, H, W]` (or without N) → `[N, C, …out]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool3d.html
 */
export function adaptiveAvgPool3d(x: Tensor, ...args: Args<AdaptiveOptions, ["outputSize"]>): Tensor {
  return adaptiveAvg("adaptiveAvgPool3d", 3, x, args);
}

function adaptiveMax(op: string, n: number, x: Tensor, args: readonly unknown[]): Tensor | PoolWithIndices {
  requireTensor(op, "input", x);
  const { outputSize, returnIndices = false } = named<AdaptiveMaxOptions>(op, args, [
    "outputSize",
    "returnIndices",
  ]);
  const out = sizeOf(op, x, n, outputSize);
  const compute = (): PoolWithIndices => {
    const source = batched(op, x, n);
    const even = evenWindow(source.shape.slice(2), out);
    const isOne = out.every((size) => size === 1);
    const [values, indices] = isOne
      ? maxima(source)
      : even === null
      ? unevenMaxima(source, out)
      : bind("maxPool", [source], {
        kernelSize: even,
        stride: even,
        padding: even.map(() => 0),
        dilation: even.map(() => 1),
        ceilMode: false,
      });
    const name = n === 1 ? "SqueezeBackward1" : `AdaptiveMaxPool${n}DBackward0`;
    return [unbatched(x, relabel(values, name)), unbatched(x, indices)];
  };
  return returnIndices ? temporaries(compute) : temporaries(() => compute()[0]);
}

/** The largest value of each plane. */
function maxima(x: Tensor): PoolWithIndices {
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const flat = reshapeTo(x, [batch, channels, numelOf(spatial)]);
  const places = bind("argmax", [flat], { dim: 2, keepdim: true });
  const shape = [batch, channels, ...spatial.map(() => 1)];
  const values = bind("gather", [flat, places], { dim: 2 });
  return [owned(viewAsShape(values, shape)), owned(viewAsShape(places, shape))];
}

/** Largest values of windows: all elements of each gathered, short windows filled up with their last element. */
function unevenMaxima(x: Tensor, out: Shape): PoolWithIndices {
  const spatial = x.shape.slice(2);
  let windows: number[][] = [[0]];
  out.forEach((size, i) => {
    const along = windowsOf(spatial[i]!, size);
    windows = windows.flatMap((places) =>
      along.map(({ start, size }) =>
        places.flatMap((place) => Array.from({ length: size }, (_, k) => place * spatial[i]! + start + k))
      )
    );
  });
  const most = windows.reduce((m, places) => Math.max(m, places.length), 1);
  const filled = windows.flatMap((places) =>
    Array.from({ length: most }, (_, k) => places[Math.min(k, places.length - 1)]!)
  );
  const [batch, channels] = x.shape as readonly [number, number];
  const count = windows.length;
  const index = fromData(Int32Array.from(filled), [filled.length], int32, x.device);
  const flat = reshapeTo(x, [batch, channels, numelOf(spatial)]);
  const gathered = viewAsShape(bind("indexSelect", [flat, index], { dim: 2 }), [
    batch,
    channels,
    count,
    most,
  ]);
  const best = bind("argmax", [gathered], { dim: 3, keepdim: true });
  const table = expandTo("adaptiveMaxPool", viewAsShape(index, [count, most]), [
    batch,
    channels,
    count,
    most,
  ]);
  const places = bind("gather", [table, best], { dim: 3 });
  // The values are read from x itself, so that their gradient goes to the places at once.
  const values = bind("gather", [flat, viewAsShape(places, [batch, channels, count])], { dim: 2 });
  const shape = [batch, channels, ...out];
  return [owned(viewAsShape(values, shape)), owned(viewAsShape(places, shape))];
}

/** Largest values of windows to a given size, with their places. */
export function adaptiveMaxPool1d(
  x: Tensor,
  outputSize: AdaptiveSize,
  returnIndices: true | { readonly returnIndices: true },
): PoolWithIndices;
/**
 * Largest values of windows to a given size: `[N, C, L]` (or without N) → `[N, C, out]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool1d.html
 */
export function adaptiveMaxPool1d(x: Tensor, ...args: AdaptiveMaxArgs): Tensor;
/** Implementation of both forms. */
export function adaptiveMaxPool1d(x: Tensor, ...args: readonly unknown[]): Tensor | PoolWithIndices {
  return adaptiveMax("adaptiveMaxPool1d", 1, x, args);
}

/** Largest values of windows to a given size, with their places. */
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: AdaptiveSize,
  returnIndices: true | { readonly returnIndices: true },
): PoolWithIndices;
/**
 * Largest values of windows to a given size: `[N, C, H, W]` (or without N) → `[N, C, …out]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html
 */
export function adaptiveMaxPool2d(x: Tensor, ...args: AdaptiveMaxArgs): Tensor;
/** Implementation of both forms. */
export function adaptiveMaxPool2d(x: Tensor, ...args: readonly unknown[]): Tensor | PoolWithIndices {
  return adaptiveMax("adaptiveMaxPool2d", 2, x, args);
}

/** Largest values of windows to a given size, with their places. */
export function adaptiveMaxPool3d(
  x: Tensor,
  outputSize: AdaptiveSize,
  returnIndices: true | { readonly returnIndices: true },
): PoolWithIndices;
/**
 * Largest values of windows to a given size: `[N, C, D, H, W]` (or without N) → `[N, C, …out]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool3d.html
 */
export function adaptiveMaxPool3d(x: Tensor, ...args: AdaptiveMaxArgs): Tensor;
/** Implementation of both forms. */
export function adaptiveMaxPool3d(x: Tensor, ...args: readonly unknown[]): Tensor | PoolWithIndices {
  return adaptiveMax("adaptiveMaxPool3d", 3, x, args);
}
