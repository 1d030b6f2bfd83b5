/**
 * Other shapes over the same elements: `view`, `reshape`, `squeeze`, `unsqueeze`, `expand` and what is made of them.
 *
 * All results alias their input, but for `reshape` (and its kin) where the strides do not allow it.
 *
 * @module
 */

import {
  broadcastShapes as broadcastOf,
  DType,
  dtypeOf,
  formatShape,
  formatType,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { requireInteger, requireTensor } from "../coerce.ts";
import { makeTensor } from "../handle.ts";
import { relabel } from "../label.ts";
import type { Tensor } from "../tensor.ts";
import { distinctDims, integers, type ListArgs, listOf } from "./lists.ts";
import {
  expandTo,
  inferSizes,
  owned,
  reshapeTo,
  tensorsOf,
  toRank1,
  toRank2,
  toRank3,
  viewAsShape,
} from "./building.ts";

/**
 * The same elements in the same order in another shape; aliases `x`. One size may be -1. With a dtype instead of sizes
 * the bytes are read as that dtype (the last dimension scales with the element size).
 *
 * @throws {ShapeError} If the number of elements differs, or the strides do not allow it: use {@linkcode reshape} then.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.view.html
 */
export function view(x: Tensor, ...sizes: ListArgs<"size"> | readonly [dtype: DType | string]): Tensor {
  const first = sizes[0];
  if (sizes.length === 1 && (first instanceof DType || typeof first === "string")) {
    return viewDType(x, dtypeOf(first));
  }
  const shape = listOf("view", "size", sizes);
  return viewAsShape(x, inferSizes("view", () => formatType(x), numelOf(x.shape), shape));
}

/** The bytes of `x` as elements of another type. */
function viewDType(x: Tensor, dtype: DType): Tensor {
  if (dtype === x.dtype) return relabel(bind("alias", [x], null), "AliasBackward0");
  const [from, to] = [x.dtype.itemsize, dtype.itemsize];
  const wrong = (must: string, got: string) =>
    new ShapeError(`Cannot view ${formatType(x)} as ${dtype.name}: ${must}, got ${got}`);
  const out = (shape: Shape, strides: Shape, offset: number) => {
    const made = makeTensor(x.storage, shape, strides, offset, dtype);
    made.base = x.base ?? x;
    return made;
  };
  if (from === to) return out(x.shape, x.strides, x.offset);
  const last = x.shape.length - 1;
  if (last < 0) throw wrong("it must have a dimension to scale, because the element sizes differ", "rank 0");
  if (x.strides[last] !== 1) throw wrong("the last dimension must have stride 1", `${x.strides[last]}`);
  const scale = (value: number) => value * from / to;
  const strides = x.strides.map((stride, i) => i === last ? 1 : scale(stride));
  const bytes = x.shape[last]! * from;
  if (bytes % to !== 0 || !Number.isInteger(scale(x.offset)) || !strides.every(Number.isInteger)) {
    throw wrong(
      `sizes, strides and offset must be divisible by ${to / from}`,
      `strides ${formatShape(x.strides)}`,
    );
  }
  return out([...x.shape.slice(0, last), bytes / to], strides, scale(x.offset));
}

/**
 * The same elements in the same order in another shape: a view where the strides allow it, else a copy. One size may
 * be -1.
 *
 * @throws {ShapeError} If the number of elements differs.
 * @see https://pytorch.org/docs/stable/generated/torch.reshape.html
 */
export function reshape(x: Tensor, ...shape: ListArgs<"shape">): Tensor {
  requireTensor("reshape", "input", x);
  const sizes = listOf("reshape", "shape", shape);
  return reshapeTo(x, inferSizes("reshape", () => formatType(x), numelOf(x.shape), sizes));
}

/** {@linkcode view} in the shape of `other`. */
export function viewAs(x: Tensor, other: Tensor): Tensor {
  return view(x, requireTensor("viewAs", "other", other).shape);
}

/** {@linkcode reshape} to the shape of `other`. */
export function reshapeAs(x: Tensor, other: Tensor): Tensor {
  return reshape(x, requireTensor("reshapeAs", "other", other).shape);
}

/** All elements in one dimension: a view of a contiguous tensor, else of a copy. */
export function ravel(x: Tensor): Tensor {
  const shape = [numelOf(requireTensor("ravel", "input", x).shape)];
  return x.isContiguous() ? viewAsShape(x, shape) : owned(viewAsShape(bind("copy", [x], null), shape));
}

/** Options of {@linkcode flatten}. */
export interface FlattenOptions {
  /** First dimension to merge. Default 0. */
  readonly startDim: number;
  /** Last dimension to merge. Default -1. */
  readonly endDim: number;
}

/**
 * Dimensions `startDim` to `endDim` merged into one; `x` itself when there is nothing to merge.
 *
 * @throws {ShapeError} If `startDim` comes after `endDim`.
 * @see https://pytorch.org/docs/stable/generated/torch.flatten.html
 */
export function flatten(x: Tensor, ...args: Args<FlattenOptions, ["startDim", "endDim"]>): Tensor {
  requireTensor("flatten", "input", x);
  const { startDim = 0, endDim = -1 } = named<FlattenOptions>("flatten", args, ["startDim", "endDim"]);
  const rank = x.shape.length;
  const start = normalizeDim("flatten", startDim, rank);
  const end = normalizeDim("flatten", endDim, rank);
  if (start > end) {
    throw new ShapeError(
      `Cannot flatten ${formatType(x)}: startDim must not come after endDim, got ${startDim} and ${endDim}`,
    );
  }
  if (rank === 0) return viewAsShape(x, [1]);
  if (start === end) return x;
  const merged = numelOf(x.shape.slice(start, end + 1));
  return reshapeTo(x, [...x.shape.slice(0, start), merged, ...x.shape.slice(end + 1)]);
}

/**
 * Dimension `dim` split into `sizes`, of which one may be -1.
 *
 * @throws {ShapeError} If the sizes do not multiply to the size of the dimension.
 * @see https://pytorch.org/docs/stable/generated/torch.unflatten.html
 */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  requireTensor("unflatten", "input", x);
  const d = normalizeDim("unflatten", dim, x.shape.length);
  const list = integers("unflatten", "sizes", sizes);
  if (list.length === 0) {
    throw new ShapeError(`Cannot unflatten ${formatType(x)}: sizes must be non-empty, got []`);
  }
  const inner = inferSizes("unflatten", () => `dimension ${d} of ${formatType(x)}`, x.shape[d] ?? 1, list);
  return viewAsShape(x, [...x.shape.slice(0, d), ...inner, ...x.shape.slice(d + 1)]);
}

/**
 * `x` with a dimension of size 1 inserted before `dim`; aliases `x`.
 *
 * @param dim From `-rank - 1` to `rank`.
 * @throws {IndexError} If it is out of range.
 */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  requireTensor("unsqueeze", "input", x);
  const d = normalizeDim("unsqueeze", dim, x.shape.length + 1);
  return viewAsShape(x, [...x.shape.slice(0, d), 1, ...x.shape.slice(d)], "UnsqueezeBackward0");
}

/**
 * `x` without its dimensions of size 1, or without those of `dim` that have size 1; aliases `x`.
 *
 * @throws {IndexError} If a dimension is out of range.
 */
export function squeeze(x: Tensor, dim?: number | Shape | { readonly dim: number | Shape }): Tensor {
  requireTensor("squeeze", "input", x);
  const wanted = typeof dim === "object" && !Array.isArray(dim) ? (dim as { dim: number | Shape }).dim : dim;
  if (wanted === undefined) return viewAsShape(x, x.shape.filter((size) => size !== 1), "SqueezeBackward0");
  const dims = distinctDims("squeeze", integers("squeeze", "dim", wanted), x.shape.length);
  const shape = x.shape.filter((size, i) => size !== 1 || !dims.includes(i));
  return viewAsShape(x, shape, "SqueezeBackward1");
}

/**
 * `x` with its dimensions of size 1 repeated by stride 0; aliases `x`. New dimensions may stand in front; -1 keeps a size.
 *
 * @throws {ShapeError} If a size other than 1 would change.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.expand.html
 */
export function expand(x: Tensor, ...sizes: ListArgs<"size">): Tensor {
  return expandTo("expand", requireTensor("expand", "input", x), listOf("expand", "size", sizes));
}

/** {@linkcode expand} to the shape of `other`. */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  return expandTo("expandAs", x, requireTensor("expandAs", "other", other).shape);
}

/** `x` broadcast to `shape`; aliases `x`. */
export function broadcastTo(x: Tensor, ...shape: ListArgs<"size">): Tensor {
  return expandTo(
    "broadcastTo",
    requireTensor("broadcastTo", "input", x),
    listOf("broadcastTo", "size", shape),
  );
}

/**
 * The tensors, each {@linkcode expand}ed to the shape that all broadcast to.
 *
 * @throws {ShapeError} If they do not broadcast.
 */
export function broadcastTensors(...tensors: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor[] {
  const list = tensorsOf("broadcastTensors", tensors);
  const shape = broadcastOf("broadcast", ...list.map((x) => x.shape));
  return list.map((x) => shapesEqual(x.shape, shape) ? x : expandTo("broadcast", x, shape));
}

/**
 * The shape that tensors of these shapes broadcast to; a number stands for a shape of rank 1.
 *
 * @throws {ShapeError} If they do not broadcast.
 */
export function broadcastShapes(...shapes: readonly (Shape | number)[]): number[] {
  return [
    ...broadcastOf("broadcast", ...shapes.map((shape) => integers("broadcastShapes", "shapes", shape))),
  ];
}

function atLeast(
  op: string,
  tensors: readonly unknown[],
  raise: (x: Tensor) => Tensor,
): Tensor | Tensor[] {
  if (tensors.length === 1 && !Array.isArray(tensors[0])) {
    return raise(requireTensor(op, "input", tensors[0]));
  }
  return tensorsOf(op, tensors).map(raise);
}

/** `x` with at least one dimension. */
export function atleast1d(x: Tensor): Tensor;
/** Each tensor with at least one dimension. */
export function atleast1d(...tensors: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor[];
/** Implementation of both forms. */
export function atleast1d(...tensors: readonly unknown[]): Tensor | Tensor[] {
  return atLeast("atleast1d", tensors, toRank1);
}

/** `x` with at least two dimensions, new ones in front. */
export function atleast2d(x: Tensor): Tensor;
/** Each tensor with at least two dimensions. */
export function atleast2d(...tensors: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor[];
/** Implementation of both forms. */
export function atleast2d(...tensors: readonly unknown[]): Tensor | Tensor[] {
  return atLeast("atleast2d", tensors, toRank2);
}

/** `x` with at least three dimensions: `[N]` becomes `[1, N, 1]`, `[M, N]` becomes `[M, N, 1]`. */
export function atleast3d(x: Tensor): Tensor;
/** Each tensor with at least three dimensions. */
export function atleast3d(...tensors: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor[];
/** Implementation of both forms. */
export function atleast3d(...tensors: readonly unknown[]): Tensor | Tensor[] {
  return atLeast("atleast3d", tensors, toRank3);
}

/**
 * Any geometry over the memory of `x`; aliases it. `storageOffset` is absolute and defaults to that of `x`.
 *
 * @throws {ShapeError} If it would reach behind the memory.
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided.html
 */
export function asStrided(
  x: Tensor,
  size: Shape,
  stride: Shape,
  storageOffset?: number | null | { readonly storageOffset?: number | null },
): Tensor {
  requireTensor("asStrided", "input", x);
  const given = typeof storageOffset === "object" && storageOffset !== null
    ? storageOffset.storageOffset
    : storageOffset;
  const offset = given === null || given === undefined
    ? x.offset
    : requireInteger("asStrided", "storageOffset", given);
  const shape = integers("asStrided", "size", size);
  const strides = integers("asStrided", "stride", stride);
  if (!shape.includes(0) && strides.length === shape.length) {
    const last = shape.reduce((sum, n, i) => sum + (n - 1) * strides[i]!, offset);
    const held = x.storage.bytes / x.dtype.itemsize;
    if (last >= held) {
      throw new ShapeError(
        `Cannot view ${formatType(x)} as strided ${formatShape(shape)} with strides ${
          formatShape(strides)
        } and offset ` +
          `${offset}: the last element must lie within the ${held} elements of its storage, got place ${last}`,
      );
    }
  }
  return relabel(bind("asStrided", [x], { shape, strides, offset }), "AsStridedBackward0");
}

/** Options of {@linkcode diagonal}. */
export interface DiagonalOptions {
  /** Which diagonal: 0 is the main one, positive ones lie above it. Default 0. */
  readonly offset: number;
  /** First dimension of the matrices. Default 0. */
  readonly dim1: number;
  /** Second dimension of the matrices. Default 1. */
  readonly dim2: number;
}

/**
 * A diagonal of dimensions `dim1` and `dim2`, as a new last dimension; aliases `x`.
 *
 * @throws {IndexError} If a dimension is out of range.
 * @throws {ValueError} If both dimensions are one.
 * @see https://pytorch.org/docs/stable/generated/torch.diagonal.html
 */
export function diagonal(x: Tensor, ...args: Args<DiagonalOptions, ["offset", "dim1", "dim2"]>): Tensor {
  requireTensor("diagonal", "input", x);
  const { offset = 0, dim1 = 0, dim2 = 1 } = named<DiagonalOptions>("diagonal", args, [
    "offset",
    "dim1",
    "dim2",
  ]);
  const rank = x.shape.length;
  const attrs = {
    offset: requireInteger("diagonal", "offset", offset),
    dim1: normalizeDim("take the diagonal", dim1, rank),
    dim2: normalizeDim("take the diagonal", dim2, rank),
  };
  return relabel(bind("diagonal", [x], attrs), "DiagonalBackward0");
}
