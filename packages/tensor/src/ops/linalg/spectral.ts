/**
 * Eigenvalues and singular values, and what follows from them: norms of matrices, rank, condition.
 *
 * @module
 */

import {
  type DType,
  formatType,
  int32,
  normalizeDim,
  normalizeDims,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../../args.ts";
import { bind } from "../../bind.ts";
import { castTo, dtypeOption, requireTensor } from "../../coerce.ts";
import { relabel } from "../../label.ts";
import { namedTuple } from "../../named_tuple.ts";
import { temporaries } from "../../temporaries.ts";
import type { Tensor } from "../../tensor.ts";
import { owned, permuteTo, reshapeTo, viewAsShape } from "../building.ts";
import { integers } from "../lists.ts";
import { vectorNorm } from "../norms.ts";
import { batchOf, flipped, identity, requireMatrix, requireSquare, scalar, zeros } from "./shared.ts";
import { invEx, rankBound, type RankTolerance } from "./solve.ts";

/** Options of {@linkcode eigh}. */
export interface EighOptions {
  /** Which triangle of A is read: lower or upper. Default `"L"`. */
  readonly UPLO?: "L" | "U";
}

/** `[eigenvalues, eigenvectors]`, also by these names. */
export type Eigh = readonly [eigenvalues: Tensor, eigenvectors: Tensor] & {
  /** Ascending. */
  readonly eigenvalues: Tensor;
  /** In columns. */
  readonly eigenvectors: Tensor;
};

function symmetricEigen(
  op: string,
  x: Tensor,
  uplo: EighOptions | "L" | "U" | undefined,
): readonly [Tensor, Tensor] {
  requireSquare(op, x, "A");
  const triangle = (typeof uplo === "object" ? uplo.UPLO : uplo) ?? "L";
  if (!["L", "U"].includes(triangle.toUpperCase())) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: UPLO must be L or U, got ${JSON.stringify(triangle)}`,
    );
  }
  const [values, vectors] = bind("eigh", [triangle.toUpperCase() === "U" ? flipped(x) : x], null);
  return [relabel(values, "LinalgEighBackward0"), relabel(vectors, "LinalgEighBackward0")];
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigh.html
 */
export function eigh(x: Tensor, uplo?: "L" | "U" | EighOptions): Eigh {
  const parts = temporaries(() => symmetricEigen("eigh", x, uplo));
  return namedTuple(["eigenvalues", "eigenvectors"], parts) as unknown as Eigh;
}

/** The eigenvalues of symmetric matrices, ascending. */
export function eigvalsh(x: Tensor, uplo?: "L" | "U" | EighOptions): Tensor {
  return temporaries(() => symmetricEigen("eigvalsh", x, uplo)[0]);
}

/** Options of {@linkcode svd}. */
export interface SvdOptions {
  /** Square U and Vh, else only as many columns and rows as there are singular values. Default true. */
  readonly fullMatrices?: boolean;
}

/** `[U, S, Vh]`, also by these names. */
export type Svd = readonly [U: Tensor, S: Tensor, Vh: Tensor] & {
  /** Left singular vectors in columns. */
  readonly U: Tensor;
  /** Singular values, descending. */
  readonly S: Tensor;
  /** Right singular vectors in rows. */
  readonly Vh: Tensor;
};

/**
 * The singular value decomposition A = U diag(S) Vh.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svd.html
 */
export function svd(x: Tensor, fullMatrices: boolean | SvdOptions = true): Svd {
  requireMatrix("svd", x, "A");
  const full = typeof fullMatrices === "object" ? fullMatrices.fullMatrices ?? true : fullMatrices;
  const parts = temporaries(() => {
    const [m, n] = x.shape.slice(-2) as [number, number];
    if (numelOf(x.shape) === 0 && full && m !== n) {
      const square = (size: number) => bind("copy", [identity(x, batchOf(x), size)], null);
      return [square(m), zeros(x, [...batchOf(x), 0]), square(n)] as const;
    }
    const [u, s, vh] = bind("svd", [x], { full });
    for (const part of [u, s, vh]) relabel(part, "LinalgSvdBackward0");
    return [u, s, vh] as const;
  });
  return namedTuple(["U", "S", "Vh"], parts) as unknown as Svd;
}

/** The singular values, descending. */
export function svdvals(x: Tensor): Tensor {
  requireMatrix("svdvals", x, "A");
  return temporaries(() => singularValues(x));
}

function singularValues(x: Tensor): Tensor {
  return relabel(bind("svd", [x], { full: false })[1], "LinalgSvdBackward0");
}

/**
 * The number of singular values above the tolerance → int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_rank.html
 */
export function matrixRank(
  x: Tensor,
  tol?: number | Tensor | (RankTolerance & { readonly tol?: number | Tensor }),
): Tensor {
  requireMatrix("matrixRank", x);
  const isOptions = typeof tol === "object" && tol !== null && !("storage" in tol);
  const given = isOptions
    ? tol as RankTolerance & { readonly tol?: number | Tensor }
    : { tol: tol as number | Tensor | undefined };
  const tolerance: RankTolerance = given.tol === undefined
    ? given as RankTolerance
    : { ...(given as RankTolerance), atol: given.tol, rtol: 0 };
  return temporaries(() => {
    if (numelOf(x.shape) === 0) return zeros(x, batchOf(x), int32);
    const values = tolerance.hermitian === true
      ? bind("abs", [bind("eigh", [x], null)[0]], null)
      : bind("svd", [x], { full: false })[1];
    const kept = castTo(bind("gt", [values, rankBound(x, values, tolerance)], null), int32);
    return bind("sum", [kept], { dims: [kept.shape.length - 1], keepdim: false });
  });
}

/** The order of a norm of matrices: Frobenius, nuclear, by columns (±1), by rows (±∞), by singular values (±2). */
export type MatrixNormOrder = "fro" | "nuc" | 1 | -1 | 2 | -2 | number;

/** Options of {@linkcode matrixNorm}. */
export interface MatrixNormOptions {
  /** The order. Default `"fro"`. */
  readonly ord: MatrixNormOrder;
  /** The two dimensions of the matrices. Default the last two. */
  readonly dim: Shape;
  /** Whether they stay, with size 1. Default false. */
  readonly keepdim: boolean;
  /** Convert to this dtype first. */
  readonly dtype: DType | string | null;
}

/**
 * Norms of matrices.
 *
 * @throws {ValueError} If there is no norm of that order.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
 */
export function matrixNorm(x: Tensor, ...args: Args<MatrixNormOptions, ["ord", "dim", "keepdim"]>): Tensor {
  const { ord = "fro", dim = [-2, -1], keepdim = false, dtype } = named<MatrixNormOptions>(
    "matrixNorm",
    args,
    ["ord", "dim", "keepdim"],
    ["dtype"],
  );
  requireMatrix("matrixNorm", requireTensor("matrixNorm", "A", x));
  return temporaries(() =>
    normOfMatrices(castTo(x, dtypeOption(dtype) ?? x.dtype), ord, integers("matrixNorm", "dim", dim), keepdim)
  );
}

function normOfMatrices(x: Tensor, ord: MatrixNormOrder, dim: Shape, keepdim: boolean): Tensor {
  const rank = x.shape.length;
  if (dim.length !== 2) {
    throw new ValueError(
      `Cannot matrixNorm ${formatType(x)}: dim must name two dimensions, got ${dim.length}`,
    );
  }
  const [rows, columns] = dim.map((d) => normalizeDim("matrixNorm", d, rank)) as [number, number];
  if (rows === columns) {
    throw new ValueError(
      `Cannot matrixNorm ${formatType(x)}: dim must name two dimensions, got ${rows} twice`,
    );
  }
  if (ord === "fro") return vectorNorm(x, 2, normalizeDims("matrixNorm", dim, rank), keepdim);
  const kept = x.shape.map((size, d) => d === rows || d === columns ? 1 : size);
  const shape = keepdim ? kept : kept.filter((_, d) => d !== rows && d !== columns);
  if (ord === "nuc" || ord === 2 || ord === -2) {
    const others = x.shape.map((_, d) => d).filter((d) => d !== rows && d !== columns);
    const values = singularValues(permuteTo(x, [...others, rows, columns]));
    const along = { dims: [values.shape.length - 1], keepdim: false };
    return owned(
      reshapeTo(bind(ord === "nuc" ? "sum" : ord === 2 ? "amax" : "amin", [values], along), shape),
    );
  }
  if (![1, -1, Infinity, -Infinity].includes(ord as number)) {
    throw new ValueError(
      `Cannot matrixNorm ${formatType(x)}: ord must be fro, nuc, 1, 2 or inf with either sign, got ${ord}`,
    );
  }
  const byColumn = Math.abs(ord as number) === 1;
  const [summed, compared] = byColumn ? [rows, columns] : [columns, rows];
  const sums = bind("sum", [bind("abs", [x], null)], { dims: [summed], keepdim: true });
  const best = bind((ord as number) > 0 ? "amax" : "amin", [sums], { dims: [compared], keepdim: true });
  return relabel(owned(viewAsShape(best, shape)), "LinalgVectorNormBackward0");
}

/** Options of {@linkcode norm}. */
export interface NormOptions {
  /** The order; of vectors a number, of matrices as in {@linkcode matrixNorm}. */
  readonly ord: MatrixNormOrder | null;
  /** One dimension for vectors, two for matrices. */
  readonly dim: number | Shape | null;
  /** Whether they stay, with size 1. Default false. */
  readonly keepdim: boolean;
  /** Convert to this dtype first. */
  readonly dtype: DType | string | null;
}

/**
 * Norms of vectors or matrices: of vectors for one dimension, of matrices for two. Without an order, the 2-norm of all
 * elements of the dimensions.
 *
 * @throws {ShapeError} If an order is given without dimensions for other than vectors and matrices.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.norm.html
 */
export function norm(x: Tensor, ...args: Args<NormOptions, ["ord", "dim", "keepdim"]>): Tensor {
  const { ord = null, dim = null, keepdim = false, dtype } = named<NormOptions>("norm", args, [
    "ord",
    "dim",
    "keepdim",
  ], ["dtype"]);
  requireTensor("norm", "A", x);
  const rank = x.shape.length;
  const dims = dim === null ? null : integers("norm", "dim", dim);
  const extra = { keepdim, ...(dtype === undefined ? {} : { dtype }) };
  if (ord === null) return vectorNorm(x, { ...extra, ord: 2, ...(dims === null ? {} : { dim: dims }) });
  const count = dims?.length ?? rank;
  if (dims === null && rank !== 1 && rank !== 2) {
    throw new ShapeError(
      `Cannot norm ${formatType(x)} of order ${ord}: without dim it must have 1 or 2 dimensions, got ${rank}`,
    );
  }
  if (count === 2) return matrixNorm(x, { ord, dim: dims ?? [0, 1], ...extra });
  if (typeof ord === "string") {
    throw new ValueError(
      `Cannot norm ${formatType(x)} of order ${ord}: dim must name two dimensions, got ${count}`,
    );
  }
  return vectorNorm(x, { ord, ...extra, ...(dims === null ? {} : { dim: dims }) });
}

/**
 * The condition number: ‖A‖ ‖A⁻¹‖; ∞ for singular matrices.
 *
 * @param p The order of the norm, as in {@linkcode matrixNorm}. Default 2.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cond.html
 */
export function cond(
  x: Tensor,
  p?: MatrixNormOrder | null | { readonly p?: MatrixNormOrder | null },
): Tensor {
  requireMatrix("cond", x, "A");
  const ord = (typeof p === "object" && p !== null ? p.p : p) ?? 2;
  return temporaries(() => {
    if (numelOf(x.shape) === 0) return zeros(x, batchOf(x));
    if (ord === 2 || ord === -2) {
      const values = singularValues(x);
      const along = { dims: [values.shape.length - 1], keepdim: false };
      const [large, small] = [bind("amax", [values], along), bind("amin", [values], along)];
      return relabel(bind("div", ord === 2 ? [large, small] : [small, large], null), "SqueezeBackward1");
    }
    requireSquare("cond", x, "A");
    const { inverse, info } = invEx(x);
    const product = bind("mul", [matrixNorm(x, { ord }), matrixNorm(inverse, { ord })], null);
    const regular = bind("eq", [info, bind("sub", [info, info], null)], null);
    return bind("where", [regular, product, scalar(x, Infinity)], null);
  });
}
