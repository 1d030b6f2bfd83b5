/**
 * Triangles and diagonals of matrices: `triu`, `tril`, `diagEmbed`, `blockDiag`.
 *
 * @module
 */

import { formatType, int32, normalizeDim, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import { constant, requireInteger, requireTensor } from "../coerce.ts";
import { executeOn } from "../immediate.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { movedim } from "./transpose.ts";
import type { DiagonalOptions } from "./view.ts";
import { owned, promoteAll, tensorsOf, toRank2, viewAsShape } from "./building.ts";

/** `start, start + 1, …` as a column `[size, 1]` or a row `[1, size]`, on the device of `like`. */
function ramp(like: Tensor, start: number, size: number, as: "column" | "row"): Tensor {
  const values = executeOn(like.backend, "iota", { start, step: 1, size, dtype: int32 });
  return bind("view", [values], { shape: as === "column" ? [size, 1] : [1, size] });
}

function triangle(op: "triu" | "tril", x: Tensor, diagonal: number): Tensor {
  requireInteger(op, "diagonal", diagonal);
  const rank = x.shape.length;
  if (rank < 2) {
    throw new ShapeError(`Cannot ${op} ${formatType(x)}: it must have at least 2 dimensions, got ${rank}`);
  }
  return temporaries(() => {
    const rows = ramp(x, diagonal, x.shape[rank - 2]!, "column");
    const columns = ramp(x, 0, x.shape[rank - 1]!, "row");
    const kept = bind(op === "triu" ? "ge" : "le", [columns, rows], null);
    const out = bind(
      "where",
      [kept, x, constant(x.dtype.kind === "bool" ? false : 0, x.dtype, x.backend)],
      null,
    );
    return relabel(out, op === "triu" ? "TriuBackward0" : "TrilBackward0");
  });
}

/** Options of {@linkcode triu} and {@linkcode tril}. */
export interface TriangleOptions {
  /** The last diagonal that is kept: 0 is the main one, positive ones lie above it. Default 0. */
  readonly diagonal?: number;
}

function diagonalOf(diagonal: number | TriangleOptions): number {
  return typeof diagonal === "object" ? diagonal.diagonal ?? 0 : diagonal;
}

/**
 * The upper triangle of each matrix: elements on and above `diagonal`; 0 elsewhere.
 *
 * @throws {ShapeError} If the rank is below 2.
 * @see https://pytorch.org/docs/stable/generated/torch.triu.html
 */
export function triu(x: Tensor, diagonal: number | TriangleOptions = 0): Tensor {
  return triangle("triu", requireTensor("triu", "input", x), diagonalOf(diagonal));
}

/** In-place {@linkcode triu}. */
export function triu_(x: Tensor, diagonal: number | TriangleOptions = 0): Tensor {
  return replaceValue("triu_", x, (before) => triu(before, diagonal));
}

/**
 * The lower triangle of each matrix: elements on and below `diagonal`; 0 elsewhere.
 *
 * @throws {ShapeError} If the rank is below 2.
 * @see https://pytorch.org/docs/stable/generated/torch.tril.html
 */
export function tril(x: Tensor, diagonal: number | TriangleOptions = 0): Tensor {
  return triangle("tril", requireTensor("tril", "input", x), diagonalOf(diagonal));
}

/** In-place {@linkcode tril}. */
export function tril_(x: Tensor, diagonal: number | TriangleOptions = 0): Tensor {
  return replaceValue("tril_", x, (before) => tril(before, diagonal));
}

/**
 * Matrices with the last dimension of `x` on a diagonal and 0 elsewhere, in dimensions `dim1` and `dim2` of the result
 * (default: the last two).
 *
 * @throws {ValueError} If both dimensions are one.
 * @see https://pytorch.org/docs/stable/generated/torch.diag_embed.html
 */
export function diagEmbed(x: Tensor, ...args: Args<DiagonalOptions, ["offset", "dim1", "dim2"]>): Tensor {
  requireTensor("diagEmbed", "input", x);
  const { offset = 0, dim1 = -2, dim2 = -1 } = named<DiagonalOptions>("diagEmbed", args, [
    "offset",
    "dim1",
    "dim2",
  ]);
  requireInteger("diagEmbed", "offset", offset);
  const rank = x.shape.length + 1;
  if (rank < 2) {
    throw new ShapeError(`Cannot diagEmbed ${formatType(x)}: it must have at least 1 dimension, got rank 0`);
  }
  const [a, b] = [normalizeDim("diagEmbed", dim1, rank), normalizeDim("diagEmbed", dim2, rank)];
  if (a === b) {
    throw new ValueError(
      `Cannot diagEmbed ${formatType(x)}: diagonal dimensions cannot be identical, got ${dim1} and ${dim2}`,
    );
  }
  const size = x.shape[rank - 2]! + Math.abs(offset);
  return temporaries(() => {
    // Of the flat matrix, every (size + 1)th element.
    const count = x.shape[rank - 2]!;
    const start = offset >= 0 ? offset : -offset * size;
    const places = executeOn(x.backend, "iota", { start, step: size + 1, size: count, dtype: int32 });
    const shape = [...x.shape.slice(0, -1), size * size];
    const value = x.dtype.kind === "bool" ? false : 0;
    const zeros = executeOn(x.backend, "full", { shape, value, dtype: x.dtype });
    const flat = bind("indexReduce", [zeros, places, x], { dim: rank - 2, reduce: "set" });
    const matrix = owned(viewAsShape(flat, [...x.shape.slice(0, -1), size, size]));
    return relabel(
      movedim(matrix, [-2, -1], [a, b]),
      "DiagEmbedBackward0",
    );
  });
}

/**
 * The matrix with these matrices along its diagonal and 0 elsewhere; vectors count as rows, scalars as one element.
 * Dtypes promote.
 *
 * @throws {ShapeError} If one has more than two dimensions.
 * @see https://pytorch.org/docs/stable/generated/torch.block_diag.html
 */
export function blockDiag(...tensors: readonly Tensor[]): Tensor {
  const list = tensorsOf("blockDiag", tensors);
  for (const x of list) {
    if (x.shape.length > 2) {
      throw new ShapeError(
        `Cannot blockDiag ${formatType(x)}: tensors must have 2 or fewer dimensions, got ${x.shape.length}`,
      );
    }
  }
  if (list.length === 0) throw new ValueError("Cannot blockDiag nothing: there must be a tensor, got none");
  return temporaries(() => {
    const blocks = promoteAll(list).map(toRank2);
    const width = blocks.reduce((sum, x) => sum + x.shape[1]!, 0);
    let at = 0;
    const bands = blocks.map((x) => {
      const before = at;
      at += x.shape[1]!;
      return bind("pad", [x], { low: [0, before], high: [0, width - at], value: 0 });
    });
    return relabel(bind("concat", bands, { dim: 0 }), "BlockDiagBackward0");
  });
}
