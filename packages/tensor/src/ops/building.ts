/**
 * What shape operations are built of: views in known shapes, slices, dtypes in common. Not for users: checks are left to
 * the callers.
 *
 * @module
 */

import {
  ArgumentTypeError,
  type DType,
  formatShape,
  formatType,
  normalizeDim,
  numelOf,
  promoteTypes,
  type Shape,
  ShapeError,
  viewStrides,
} from "@flambeau/core";
import { bind } from "../bind.ts";
import { castTo, requireInteger, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import type { Tensor } from "../tensor.ts";

/**
 * `sizes` with a -1 replaced by the size that makes `numel` elements.
 *
 * @param what Says what the message names, such as `float32[6]`.
 * @throws {ShapeError} If there is no such size, or the number of elements differs.
 */
export function inferSizes(op: string, what: () => string, numel: number, sizes: Shape): number[] {
  const unknown = sizes.indexOf(-1);
  const wrong = (why: string) => new ShapeError(`Cannot ${op} ${what()} to ${formatShape(sizes)}: ${why}`);
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i]! < -1) throw wrong(`sizes must be >= 0, or -1 to infer one, got ${sizes[i]}`);
    if (sizes[i] === -1 && i !== unknown) {
      throw wrong("only one dimension can be inferred, got more than one -1");
    }
  }
  if (unknown < 0) {
    if (numelOf(sizes) !== numel) {
      throw wrong(`the number of elements must be ${numel}, got ${numelOf(sizes)}`);
    }
    return [...sizes];
  }
  const known = -numelOf(sizes);
  if (known === 0) throw wrong("the size for -1 is ambiguous, because the others hold no elements");
  if (numel % known !== 0) throw wrong(`${numel} is not divisible by ${known}`);
  return sizes.map((size) => size === -1 ? numel / known : size);
}

/** A view in a shape that is known to be possible. */
export function viewAsShape(x: Tensor, shape: Shape, name: string = "ViewBackward0"): Tensor {
  return relabel(bind("view", [x], { shape }), name);
}

/** `view`, seen over memory that nobody else can hold: no view as far as a user can tell. */
export function owned(view: Tensor): Tensor {
  view.base = null;
  return view;
}

/** In `shape`, as a view where the strides allow it, else of a copy. */
export function reshapeTo(x: Tensor, shape: Shape, name?: string): Tensor {
  if (viewStrides(x.shape, x.strides, shape) !== null) return viewAsShape(x, shape, name);
  return owned(viewAsShape(bind("copy", [x], null), shape, name ?? "UnsafeViewBackward0"));
}

/** `x` with its dimensions of size 1 repeated without copying, to `shape`; new dimensions may stand in front. */
export function expandTo(op: string, x: Tensor, shape: Shape): Tensor {
  const added = shape.length - x.shape.length;
  const sizes = shape.map((size, i) => {
    if (size !== -1) return size;
    if (i >= added) return x.shape[i - added]!;
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)} to ${
        formatShape(shape)
      }: -1 is for dimensions that it has, got -1 for new dimension ${i}`,
    );
  });
  return relabel(bind("expand", [x], { shape: sizes }), "ExpandBackward0");
}

/** A scalar as one element of rank 1; others as they are. */
export function toRank1(x: Tensor): Tensor {
  return x.shape.length === 0 ? viewAsShape(x, [1]) : x;
}

/** Vectors as one row; scalars as one element; others as they are. */
export function toRank2(x: Tensor): Tensor {
  return x.shape.length === 0
    ? viewAsShape(x, [1, 1])
    : x.shape.length === 1
    ? viewAsShape(x, [1, ...x.shape], "UnsqueezeBackward0")
    : x;
}

/** Vectors as `[1, N, 1]`, matrices as `[M, N, 1]`; others as they are. */
export function toRank3(x: Tensor): Tensor {
  const rank = x.shape.length;
  if (rank === 0) return viewAsShape(x, [1, 1, 1]);
  if (rank === 1) return viewAsShape(x, [1, x.shape[0]!, 1], "UnsqueezeBackward0");
  return rank === 2 ? viewAsShape(x, [...x.shape, 1], "UnsqueezeBackward0") : x;
}

/** Dimensions in the order `dims`. */
export function permuteTo(x: Tensor, dims: Shape, name: string = "PermuteBackward0"): Tensor {
  return relabel(bind("permute", [x], { dims }), name);
}

/** `x` with its dimensions in reverse order; aliases `x`. */
export function reverseDims(x: Tensor): Tensor {
  const dims = x.shape.map((_, i) => x.shape.length - 1 - i);
  return permuteTo(x, dims, "PermuteBackward0");
}

/**
 * `x` with its last two dimensions swapped; aliases `x`.
 *
 * @throws {ShapeError} If the rank is 1.
 */
export function matrixTranspose(x: Tensor): Tensor {
  if (x.shape.length === 1) {
    throw new ShapeError(
      `Cannot take mT of ${formatType(x)}: it must be a matrix or a batch of matrices, got a vector`,
    );
  }
  return x.shape.length === 0 ? permuteTo(x, [], "TransposeBackward0") : permuteTo(
    x,
    [...x.shape.keys()].map((d, _, all) => d < all.length - 2 ? d : 2 * all.length - 3 - d),
    "TransposeBackward0",
  );
}

/** Elements `start, start + step, …` before `stop` of dimension `dim`; all in range. Aliases `x`. */
export function sliceDim(
  x: Tensor,
  dim: number,
  start: number,
  stop: number,
  step: number = 1,
  name: string = "SliceBackward0",
): Tensor {
  const starts = x.shape.map((_, i) => i === dim ? start : 0);
  const stops = x.shape.map((size, i) => i === dim ? stop : size);
  const steps = x.shape.map((_, i) => i === dim ? step : 1);
  return relabel(bind("slice", [x], { starts, stops, steps }), name);
}

/** Element `index`, in range, of dimension `dim`, without that dimension. Aliases `x`. */
export function selectDim(x: Tensor, dim: number, index: number, name: string = "SelectBackward0"): Tensor {
  const part = sliceDim(x, dim, index, index + 1);
  return viewAsShape(part, x.shape.filter((_, i) => i !== dim), name);
}

/**
 * All windows of `size` elements along `dimension`, every `step` of them, as a new last dimension; aliases `x`.
 *
 * @throws {ShapeError} If the window is larger than the dimension.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
 */
export function unfoldDim(x: Tensor, dimension: number, size: number, step: number): Tensor {
  requireTensor("unfold", "input", x);
  const dim = normalizeDim("unfold", dimension, x.shape.length);
  const [n, stride] = x.shape.length === 0 ? [1, 1] : [x.shape[dim]!, x.strides[dim]!];
  requireInteger("unfold", "size", size);
  requireInteger("unfold", "step", step);
  if (size < 0 || size > n || step <= 0) {
    throw new ShapeError(
      `Cannot unfold ${
        formatType(x)
      } along dimension ${dimension}: size must be from 0 to ${n} and step at least 1, ` +
        `got size ${size} and step ${step}`,
    );
  }
  const shape = [...x.shape, size];
  const strides = [...x.strides, stride];
  if (x.shape.length > 0) {
    shape[dim] = Math.floor((n - size) / step) + 1;
    strides[dim] = stride * step;
  }
  return relabel(bind("asStrided", [x], { shape, strides, offset: x.offset }), "UnfoldBackward0");
}

/** The tensors in the dtype that all promote to. */
export function promoteAll(tensors: readonly Tensor[]): Tensor[] {
  const dtype = tensors.reduce<DType | null>((d, x) => d === null ? x.dtype : promoteTypes(d, x.dtype), null);
  return dtype === null ? [] : tensors.map((x) => castTo(x, dtype));
}

/**
 * Several tensors, given one by one or as one array.
 *
 * @throws {ArgumentTypeError} If one is not a Tensor.
 */
export function tensorsOf(op: string, tensors: readonly unknown[]): Tensor[] {
  const list = tensors.length === 1 && Array.isArray(tensors[0]) ? tensors[0] as readonly unknown[] : tensors;
  return list.map((x, i) => requireTensor(op, `tensors[${i}]`, x));
}

/** One dimension number by position or by name. */
export function dimArgument(
  op: string,
  value: number | { readonly dim?: number } | undefined,
  fallback: number,
): number {
  const dim = typeof value === "object" ? value.dim : value;
  if (dim === undefined) return fallback;
  if (typeof dim === "number") return dim;
  throw new ArgumentTypeError(`Cannot ${op}: argument dim must be an integer, got ${typeof dim}`);
}
