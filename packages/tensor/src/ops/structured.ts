/**
 * Tensors with a structure: grids, diagonals, lists of places, powers.
 *
 * @module
 */

import { ArgumentTypeError, formatType, int32, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { type Args, isOptions, named } from "../args.ts";
import { bind } from "../bind.ts";
import { castTo, dtypeOption, requireInteger, requireTensor } from "../coerce.ts";
import { executeOn } from "../immediate.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { type CreationOptions, fromNumbers } from "./making.ts";
import { diagEmbed } from "./triangle.ts";
import { diagonal, flatten } from "./view.ts";

/** Options of {@linkcode meshgrid}. */
export interface MeshgridOptions {
  /** `"ij"` (default): the first tensor runs along dimension 0; `"xy"`: along dimension 1. */
  readonly indexing?: "ij" | "xy";
}

/**
 * The coordinates of a grid: each tensor, of rank 1 or a scalar, repeated along the dimensions of the others. The results
 * are views of the inputs.
 *
 * Shapes: `[n₀], [n₁], …` → as many times `[n₀, n₁, …]`; with `"xy"` the first two are exchanged.
 *
 * @param tensors The tensors as arguments or as one array, then options.
 * @see https://pytorch.org/docs/stable/generated/torch.meshgrid.html
 */
export function meshgrid(
  ...tensors:
    | readonly Tensor[]
    | readonly [...tensors: (Tensor | readonly Tensor[])[], options: MeshgridOptions]
    | readonly [
      readonly Tensor[],
    ]
): Tensor[] {
  const last = tensors[tensors.length - 1];
  const options = isOptions(last) ? last as MeshgridOptions : {};
  const given = (isOptions(last) ? tensors.slice(0, -1) : tensors) as readonly unknown[];
  const list = (Array.isArray(given[0]) ? given[0] : given).map((x: unknown) =>
    requireTensor("meshgrid", "tensors", x)
  );
  const indexing = options.indexing ?? "ij";
  if (indexing !== "ij" && indexing !== "xy") {
    throw new ValueError(`Cannot meshgrid: indexing must be "ij" or "xy", got ${JSON.stringify(indexing)}`);
  }
  checkGrid(list);
  const places = list.map((_, i) => indexing === "xy" && list.length > 1 && i < 2 ? 1 - i : i);
  const shape = places.map((place) => list[place]!.shape[0] ?? 1); // exchanging two is its own inverse
  return list.map((x, i) => {
    const upright = shape.map((size, dim) => dim === places[i] ? size : 1);
    return relabel(bind("expand", [bind("view", [x], { shape: upright })], { shape }), "ExpandBackward0");
  });
}

function checkGrid(list: readonly Tensor[]): void {
  if (list.length === 0) throw new ValueError("Cannot meshgrid nothing: there must be a tensor, got none");
  for (const x of list) {
    if (x.shape.length > 1) {
      throw new ShapeError(
        `Cannot meshgrid ${formatType(x)}: tensors must have rank 0 or 1, got rank ${x.shape.length}`,
      );
    }
    if (x.dtype !== list[0]!.dtype) {
      throw new ArgumentTypeError(
        `Cannot meshgrid ${list.map(formatType).join(" and ")}: dtypes must match, got ${
          list[0]!.dtype.name
        } and ${x.dtype.name}`,
      );
    }
  }
}

/**
 * A matrix with `x` on a diagonal if `x` has rank 1; the diagonal of `x`, as a copy, if it has rank 2.
 *
 * @param diagonal Which one: 0 is the main diagonal, positive ones are above. Default 0.
 * @throws {ShapeError} If `x` has another rank.
 * @see https://pytorch.org/docs/stable/generated/torch.diag.html
 */
export function diag(x: Tensor, diagonalOption: number | { readonly diagonal?: number } = 0): Tensor {
  requireTensor("diag", "input", x);
  const given = isOptions(diagonalOption) ? diagonalOption.diagonal ?? 0 : diagonalOption;
  const offset = requireInteger("diag", "diagonal", given);
  if (x.shape.length === 1) return relabel(diagEmbed(x, offset), "DiagBackward0");
  if (x.shape.length === 2) {
    return temporaries(() => relabel(bind("copy", [diagonal(x, offset)], null), "DiagBackward0"));
  }
  throw new ShapeError(`Cannot diag ${formatType(x)}: it must have rank 1 or 2, got rank ${x.shape.length}`);
}

/**
 * A matrix with the elements of `x` on a diagonal.
 *
 * @param offset Which one: 0 is the main diagonal, positive ones are above. Default 0.
 * @see https://pytorch.org/docs/stable/generated/torch.diagflat.html
 */
export function diagflat(x: Tensor, offset: number | { readonly offset?: number } = 0): Tensor {
  requireTensor("diagflat", "input", x);
  const given = isOptions(offset) ? offset.offset ?? 0 : offset;
  return diagEmbed(flatten(x), requireInteger("diagflat", "offset", given));
}

/** Options of {@linkcode trilIndices} and {@linkcode triuIndices}. */
export interface TriangleIndicesOptions extends CreationOptions {
  /** The diagonal that bounds the triangle: 0 is the main one, positive ones are above. Default 0. */
  readonly offset?: number;
}

function triangle(
  op: string,
  row: number,
  col: number,
  args: readonly unknown[],
  inside: (i: number, j: number) => boolean,
): Tensor {
  const options = named<TriangleIndicesOptions>(op, args, ["offset"], ["dtype", "device", "requiresGrad"]);
  const offset = requireInteger(op, "offset", options.offset ?? 0);
  const [rows, columns] = [requireInteger(op, "row", row), requireInteger(op, "col", col)];
  if (rows < 0 || columns < 0) {
    throw new ValueError(
      `Cannot ${op} of [${rows}, ${columns}]: row and col must be >= 0, got ${rows} and ${columns}`,
    );
  }
  const found: [number[], number[]] = [[], []];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (!inside(j - i, offset)) continue;
      found[0].push(i);
      found[1].push(j);
    }
  }
  return fromNumbers(
    [...found[0], ...found[1]],
    [2, found[0].length],
    dtypeOption(options.dtype) ?? int32,
    options,
  );
}

/**
 * Places of the lower triangle of a matrix, row by row: `[2, count]`, rows and columns.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.tril_indices.html
 */
export function trilIndices(
  row: number,
  col: number,
  ...args: Args<TriangleIndicesOptions, ["offset"]>
): Tensor {
  return triangle("trilIndices", row, col, args, (above, offset) => above <= offset);
}

/**
 * Places of the upper triangle of a matrix, row by row: `[2, count]`, rows and columns.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.triu_indices.html
 */
export function triuIndices(
  row: number,
  col: number,
  ...args: Args<TriangleIndicesOptions, ["offset"]>
): Tensor {
  return triangle("triuIndices", row, col, args, (above, offset) => above >= offset);
}

/** Options of {@linkcode vander}. */
export interface VanderOptions {
  /** Number of columns. Default: as many as elements. */
  readonly N?: number;
  /** Whether powers rise from left to right. Default false. */
  readonly increasing?: boolean;
}

/**
 * Powers of the elements of a vector in columns: `x[i]^(N − 1) … x[i]⁰`. Leading dimensions are batches; a scalar is a vector of
 * one.
 *
 * Shapes: x `[…, n]` → `[…, n, N]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.vander.html
 */
export function vander(x: Tensor, ...args: Args<VanderOptions, ["N", "increasing"]>): Tensor {
  requireTensor("vander", "x", x);
  const options = named<VanderOptions>("vander", args, ["N", "increasing"]);
  const shape: Shape = x.shape.length === 0 ? [1] : x.shape;
  const count = requireInteger("vander", "N", options.N ?? shape[shape.length - 1]!);
  if (count < 0) throw new ValueError(`Cannot vander ${formatType(x)}: N must be >= 0, got ${count}`);
  return temporaries(() => {
    const base = x.dtype.kind === "bool" ? castTo(x, int32) : x;
    const [start, step] = options.increasing === true ? [0, 1] : [count - 1, -1];
    const powers = executeOn(x.backend, "iota", { start, step, size: count, dtype: base.dtype });
    return bind("pow", [bind("view", [base], { shape: [...shape, 1] }), powers], null);
  });
}
