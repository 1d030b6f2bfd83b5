/**
 * A tensor with one part replaced: `selectScatter`, `sliceScatter`, `diagonalScatter`, `fillDiagonal_`.
 *
 * @module
 */

import {
  DTypeError,
  formatShape,
  formatType,
  IndexError,
  int32,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import { constant, requireInteger, requireNumber, requireTensor } from "../coerce.ts";
import { slice } from "../indexing/slice.ts";
import { resolveSlice } from "../indexing/slice.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { permuteTo, reshapeTo, viewAsShape } from "./building.ts";
import { fromData } from "./data.ts";
import { required } from "./lists.ts";
import type { DiagonalOptions } from "./view.ts";

/** Checks that `src` has the shape and the dtype of the part that it replaces. */
function requirePart(op: string, x: Tensor, src: Tensor, shape: Shape): void {
  requireTensor(op, "src", src);
  if (!shapesEqual(src.shape, shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(src)} into ${formatType(x)}: src must have shape ${
        formatShape(shape)
      }, got ` +
        formatShape(src.shape),
    );
  }
  if (src.dtype !== x.dtype) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(src)} into ${
        formatType(x)
      }: dtypes must match, got ${src.dtype.name} and ${x.dtype.name}`,
    );
  }
}

/** `x` with `src` at the places `places` of dimension `dim`. */
function replaced(x: Tensor, dim: number, places: readonly number[], src: Tensor): Tensor {
  const index = fromData(Int32Array.from(places), [places.length], int32, x.device);
  return bind("indexReduce", [x, index, src], { dim, reduce: "set" });
}

/**
 * A copy of `x` with `src` in place of `x.select(dim, index)`.
 *
 * @throws {ShapeError} If `src` does not have the shape of that part.
 * @throws {IndexError} If the index is out of range.
 */
export function selectScatter(x: Tensor, src: Tensor, dim: number, index: number): Tensor {
  requireTensor("selectScatter", "input", x);
  const d = normalizeDim("selectScatter", dim, x.shape.length);
  const size = x.shape[d] ?? 0;
  requireInteger("selectScatter", "index", index);
  if (index < -size || index >= size) {
    throw new IndexError(
      `Cannot selectScatter into ${formatType(x)} along dimension ${dim}: index must be from ${-size} to ${
        size - 1
      }, got ${index}`,
    );
  }
  requirePart("selectScatter", x, src, x.shape.filter((_, i) => i !== d));
  return temporaries(() => {
    const part = viewAsShape(src, x.shape.map((n, i) => i === d ? 1 : n));
    return relabel(replaced(x, d, [index < 0 ? index + size : index], part), "SelectScatterBackward0");
  });
}

/** Options of {@linkcode sliceScatter}. */
export interface SliceScatterOptions {
  /** Along which dimension. Default 0. */
  readonly dim: number;
  /** First index. Default: the start. */
  readonly start: number | null;
  /** Index to stop before. Default: the end. */
  readonly end: number | null;
  /** Distance between indices. Default 1. */
  readonly step: number;
}

/**
 * A copy of `x` with `src` in place of the slice `start:end:step` of dimension `dim`.
 *
 * @throws {ShapeError} If `src` does not have the shape of that part.
 */
export function sliceScatter(
  x: Tensor,
  src: Tensor,
  ...args: Args<SliceScatterOptions, ["dim", "start", "end", "step"]>
): Tensor {
  requireTensor("sliceScatter", "input", x);
  const names = ["dim", "start", "end", "step"] as const;
  const { dim = 0, start = null, end = null, step = 1 } = named<SliceScatterOptions>(
    "sliceScatter",
    args,
    names,
  );
  const d = normalizeDim("sliceScatter", dim, x.shape.length);
  const range = resolveSlice(slice(start, end, step), x.shape[d] ?? 1);
  requirePart("sliceScatter", x, src, x.shape.map((size, i) => i === d ? range.length : size));
  return temporaries(() => {
    const places = Array.from({ length: range.length }, (_, i) => range.start + i * range.step);
    return relabel(replaced(x, d, places, src), "SliceScatterBackward0");
  });
}

/**
 * A copy of `x` with `src` in place of `x.diagonal(offset, dim1, dim2)`.
 *
 * @throws {ShapeError} If `src` does not have the shape of that diagonal.
 */
export function diagonalScatter(
  x: Tensor,
  src: Tensor,
  ...args: Args<DiagonalOptions, ["offset", "dim1", "dim2"]>
): Tensor {
  requireTensor("diagonalScatter", "input", x);
  const { offset = 0, dim1 = 0, dim2 = 1 } = named<DiagonalOptions>("diagonalScatter", args, [
    "offset",
    "dim1",
    "dim2",
  ]);
  const rank = x.shape.length;
  const a = normalizeDim("diagonalScatter", dim1, rank);
  const b = normalizeDim("diagonalScatter", dim2, rank);
  if (a === b) {
    throw new ShapeError(
      `Cannot diagonalScatter into ${
        formatType(x)
      }: diagonal dimensions must differ, got ${dim1} and ${dim2}`,
    );
  }
  const [rows, columns] = [x.shape[a]!, x.shape[b]!];
  const first = Math.max(-offset, 0);
  const length = Math.max(Math.min(rows - first, columns - Math.max(offset, 0)), 0);
  const rest = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  const batch = rest.map((i) => x.shape[i]!);
  requirePart("diagonalScatter", x, src, [...batch, length]);
  return temporaries(() => {
    const order = [...rest, a, b];
    const flat = reshapeTo(permuteTo(x, order), [...batch, rows * columns]);
    const places = Array.from({ length }, (_, i) => (first + i) * columns + first + i + offset);
    const matrices = viewAsShape(replaced(flat, rest.length, places, src), [...batch, rows, columns]);
    const back = x.shape.map((_, i) => order.indexOf(i));
    return relabel(bind("copy", [permuteTo(matrices, back)], null), "DiagonalScatterBackward0");
  });
}

/** Options of {@linkcode fillDiagonal_}. */
export interface FillDiagonalOptions {
  /** The value. */
  readonly fillValue: number;
  /** In a tall matrix: begin anew after one free row below the square. Default false. */
  readonly wrap: boolean;
}

/**
 * Sets the main diagonal of `x`, all of whose sizes are equal if it has more than two dimensions. Gives `x`.
 *
 * @throws {ShapeError} If `x` has fewer than two dimensions, or more of different sizes.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.fill_diagonal_.html
 */
export function fillDiagonal_(x: Tensor, ...args: Args<FillDiagonalOptions, ["fillValue", "wrap"]>): Tensor {
  requireTensor("fillDiagonal_", "input", x);
  const { fillValue, wrap = false } = named<FillDiagonalOptions>("fillDiagonal_", args, [
    "fillValue",
    "wrap",
  ]);
  const value = requireNumber(
    "fillDiagonal_",
    "fillValue",
    required("fillDiagonal_", "fillValue", fillValue),
  );
  const rank = x.shape.length;
  if (rank < 2 || (rank > 2 && x.shape.some((size) => size !== x.shape[0]))) {
    throw new ShapeError(
      `Cannot fillDiagonal_ ${formatType(x)}: it must be a matrix, or have only equal sizes, got ${
        formatShape(x.shape)
      }`,
    );
  }
  return replaceValue("fillDiagonal_", x, (before) => {
    const numel = numelOf(x.shape);
    const last = x.shape[rank - 1]!;
    // Row-major places on the diagonal: from one to the next is one step in every dimension.
    const step = rank === 2 ? last + 1 : x.shape.reduce((sum, _, i) => sum + last ** i, 0);
    const limit = rank === 2 && !wrap ? Math.min(numel, last * last) : numel;
    const places: number[] = [];
    for (let at = 0; at < limit; at += step) places.push(at);
    const flat = reshapeTo(before, [numel]);
    const filled = bind("expand", [constant(value, x.dtype, x.backend)], { shape: [places.length] });
    return viewAsShape(replaced(flat, 0, places, filled), x.shape);
  });
}
