/**
 * Sliding blocks of images as columns and back: `unfold`, `fold`.
 *
 * Both are one gather or scatter along the padded plane, with places that are known beforehand.
 *
 * @module
 */

import {
  convOutputSize,
  formatShape,
  formatType,
  int32,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { constant, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { expandTo, owned, reshapeTo, viewAsShape } from "./building.ts";
import { fromData } from "./data.ts";
import { integers, required } from "./lists.ts";

/** A number for both dimensions of an image, or one for each. */
export type Pair = number | readonly [height: number, width: number] | readonly number[];

/** Options of {@linkcode unfold}. */
export interface UnfoldOptions {
  /** Size of a block. */
  readonly kernelSize: Pair;
  /** Distance between the elements of a block. Default 1. */
  readonly dilation: Pair;
  /** Zeros around the image. Default 0. */
  readonly padding: Pair;
  /** Step from block to block. Default 1. */
  readonly stride: Pair;
}

/** Options of {@linkcode fold}. */
export interface FoldOptions extends UnfoldOptions {
  /** Size of the image. */
  readonly outputSize: Pair;
}

/** Height and width of everything. */
interface Geometry {
  readonly kernel: Shape;
  readonly dilation: Shape;
  readonly padding: Shape;
  readonly stride: Shape;
}

function pair(op: string, name: string, value: Pair, least: number): Shape {
  const list = integers(op, name, value);
  const both = list.length === 1 ? [list[0]!, list[0]!] : list;
  if (both.length !== 2 || both.some((n) => n < least)) {
    throw new ValueError(
      `Cannot ${op}: ${name} must be one or two integers >= ${least}, got ${formatShape(list)}`,
    );
  }
  return both;
}

function geometryOf(op: string, options: Partial<UnfoldOptions>): Geometry {
  return {
    kernel: pair(op, "kernelSize", required(op, "kernelSize", options.kernelSize), 1),
    dilation: pair(op, "dilation", options.dilation ?? 1, 1),
    padding: pair(op, "padding", options.padding ?? 0, 0),
    stride: pair(op, "stride", options.stride ?? 1, 1),
  };
}

/** Number of blocks in each dimension of an image. */
function blockCounts(
  op: string,
  what: string,
  size: Shape,
  { kernel, dilation, padding, stride }: Geometry,
): Shape {
  const counts = size.map((n, d) => convOutputSize(n, kernel[d]!, stride[d]!, padding[d]!, dilation[d]!));
  if (counts.some((n) => n < 1)) {
    throw new ShapeError(
      `Cannot ${op} ${what}: the blocks of ${formatShape(kernel)} must fit into the padded image, got ${
        formatShape(size)
      } ` +
        `with padding ${formatShape(padding)}`,
    );
  }
  return counts;
}

/** The place in the padded plane of each element of each block: `[kernel · kernel, blocks · blocks]`, row-major. */
function placesOf(size: Shape, counts: Shape, { kernel, dilation, padding, stride }: Geometry): Int32Array {
  const width = size[1]! + 2 * padding[1]!;
  const places = new Int32Array(kernel[0]! * kernel[1]! * counts[0]! * counts[1]!);
  let next = 0;
  for (let i = 0; i < kernel[0]!; i++) {
    for (let k = 0; k < kernel[1]!; k++) {
      for (let y = 0; y < counts[0]!; y++) {
        const row = (y * stride[0]! + i * dilation[0]!) * width + k * dilation[1]!;
        for (let x = 0; x < counts[1]!; x++) places[next++] = row + x * stride[1]!;
      }
    }
  }
  return places;
}

/**
 * All blocks of an image that a convolution sees, as columns (`im2col`).
 *
 * Shapes: `[N, C, H, W]` → `[N, C · kH · kW, L]` with L blocks in row-major order; without N likewise.
 *
 * @throws {ShapeError} If the rank is not 3 or 4, or the blocks do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unfold.html
 */
export function unfold(
  x: Tensor,
  ...args: Args<UnfoldOptions, ["kernelSize", "dilation", "padding", "stride"]>
): Tensor {
  requireTensor("unfold", "input", x);
  const names = ["kernelSize", "dilation", "padding", "stride"] as const;
  const geometry = geometryOf("unfold", named<UnfoldOptions>("unfold", args, names));
  const rank = x.shape.length;
  if ((rank !== 3 && rank !== 4) || x.shape.slice(-3).includes(0)) {
    throw new ShapeError(
      `Cannot unfold ${formatType(x)}: it must be [N, C, H, W] or [C, H, W], not empty, got rank ${rank}`,
    );
  }
  const size = x.shape.slice(-2);
  const counts = blockCounts("unfold", formatType(x), size, geometry);
  const leading = x.shape.slice(0, -2);
  const { kernel, padding } = geometry;
  return temporaries(() => {
    const around = [...leading.map(() => 0), ...padding];
    const padded = bind("pad", [x], { low: around, high: around, value: 0 });
    const plane = size.reduce((n, s, d) => n * (s + 2 * padding[d]!), 1);
    const flat = viewAsShape(padded, [...leading, plane]);
    const places = placesOf(size, counts, geometry);
    const index = fromData(places, [places.length], int32, x.device);
    const columns = bind("indexSelect", [flat, index], { dim: leading.length });
    const channels = leading[leading.length - 1]! * kernel[0]! * kernel[1]!;
    return owned(
      viewAsShape(columns, [...leading.slice(0, -1), channels, counts[0]! * counts[1]!], "Im2ColBackward0"),
    );
  });
}

/**
 * The sum of blocks at their places in an image: the transpose of {@linkcode unfold} (`col2im`).
 *
 * Shapes: `[N, C · kH · kW, L]` → `[N, C, H, W]`; without N likewise.
 *
 * @throws {ShapeError} If the channels are not divisible by the block, or L is not the number of blocks.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Fold.html
 */
export function fold(
  x: Tensor,
  ...args: Args<FoldOptions, ["outputSize", "kernelSize", "dilation", "padding", "stride"]>
): Tensor {
  requireTensor("fold", "input", x);
  const names = ["outputSize", "kernelSize", "dilation", "padding", "stride"] as const;
  const options = named<FoldOptions>("fold", args, names);
  const size = pair("fold", "outputSize", required("fold", "outputSize", options.outputSize), 1);
  const geometry = geometryOf("fold", options);
  const { kernel, padding } = geometry;
  const taps = kernel[0]! * kernel[1]!;
  const rank = x.shape.length;
  const [rows, blocks] = x.shape.slice(-2) as [number, number];
  if ((rank !== 2 && rank !== 3) || rows % taps !== 0 || rows === 0) {
    throw new ShapeError(
      `Cannot fold ${formatType(x)}: it must be [N, C · ${taps}, L] or [C · ${taps}, L] for blocks of ${
        formatShape(kernel)
      }, ` +
        `got ${rank === 2 || rank === 3 ? `${rows} rows` : `rank ${rank}`}`,
    );
  }
  const counts = blockCounts("fold", formatType(x), size, geometry);
  if (blocks !== counts[0]! * counts[1]!) {
    throw new ShapeError(
      `Cannot fold ${formatType(x)} to ${formatShape(size)}: the last size must be ${counts[0]} · ${
        counts[1]
      } blocks, got ${blocks}`,
    );
  }
  const leading = [...x.shape.slice(0, -2), rows / taps];
  return temporaries(() => {
    const places = placesOf(size, counts, geometry);
    const index = fromData(places, [places.length], int32, x.device);
    const wide = size.map((s, d) => s + 2 * padding[d]!);
    const zeros = expandTo("fold", constant(0, x.dtype, x.backend), [...leading, wide[0]! * wide[1]!]);
    const parts = reshapeTo(x, [...leading, taps * blocks]);
    const sums = bind("indexReduce", [zeros, index, parts], { dim: leading.length, reduce: "sum" });
    const image = viewAsShape(sums, [...leading, ...wide]);
    const cut = [...leading.map(() => 0), ...padding.map((p) => -p)];
    return relabel(bind("pad", [image], { low: cut, high: cut, value: 0 }), "Col2ImBackward0");
  });
}
