/**
 * Factorizations: Cholesky, LU, QR, and products of Householder reflections.
 *
 * @module
 */

import {
  formatShape,
  formatType,
  int32,
  NotImplementedError,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../../args.ts";
import { bind } from "../../bind.ts";
import { requireTensor } from "../../coerce.ts";
import { relabel } from "../../label.ts";
import { namedTuple } from "../../named_tuple.ts";
import { temporaries } from "../../temporaries.ts";
import type { Tensor } from "../../tensor.ts";
import { onPlain } from "../../transform.ts";
import { indexValues } from "../bounds.ts";
import { sliceDim, viewAsShape } from "../building.ts";
import { fromData } from "../data.ts";
import { tril, triu } from "../triangle.ts";
import {
  batchOf,
  checkInfo,
  corner,
  flipped,
  identity,
  requireMatrix,
  requireSquare,
  sameBatches,
  triangularSolve,
  zeros,
} from "./shared.ts";

/** Options of {@linkcode cholesky}. */
export interface CholeskyOptions {
  /** Give U of A = Uᵀ U, instead of L of A = L Lᵀ. Default false. */
  readonly upper?: boolean;
}

/** `[L, info]`, also by these names. */
export type CholeskyEx = readonly [L: Tensor, info: Tensor] & {
  /** The factor. */
  readonly L: Tensor;
  /** 0, or the order of the leading minor that is not positive definite → int32. */
  readonly info: Tensor;
};

/** Options of the functions whose name ends in `Ex`. */
export interface ExOptions {
  /** Throw like the function without `Ex`, instead of only reporting in `info`. Default false. */
  readonly checkErrors?: boolean;
}

function notPositive(order: number): string {
  return `it must be positive-definite, got a leading minor of order ${order} that is not`;
}

function factorCholesky(op: string, x: Tensor, upper: boolean): readonly [factor: Tensor, info: Tensor] {
  requireSquare(op, x);
  if (numelOf(x.shape) === 0) return [bind("copy", [x], null), zeros(x, batchOf(x), int32)];
  const [lower, info] = bind("cholesky", [upper ? flipped(x) : x], null);
  return [relabel(upper ? bind("copy", [flipped(lower)], null) : lower, "LinalgCholeskyExBackward0"), info];
}

/**
 * The Cholesky factor L of symmetric positive definite matrices A = L Lᵀ. Only one triangle of A is read.
 *
 * @throws {ValueError} If a matrix is not positive definite.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cholesky.html
 */
export function cholesky(x: Tensor, options: CholeskyOptions = {}): Tensor {
  return temporaries(() => {
    const [factor, info] = factorCholesky("cholesky", x, options.upper ?? false);
    checkInfo("cholesky", x, info, notPositive);
    return factor;
  });
}

/** {@linkcode cholesky} that reports failure in `info` instead of throwing. */
export function choleskyEx(x: Tensor, options: CholeskyOptions & ExOptions = {}): CholeskyEx {
  const parts = temporaries(() => {
    const [factor, info] = factorCholesky("choleskyEx", x, options.upper ?? false);
    if (options.checkErrors === true) checkInfo("choleskyEx", x, info, notPositive);
    return [factor, info] as const;
  });
  return namedTuple(["L", "info"], parts) as unknown as CholeskyEx;
}

function upperOf(upper: boolean | CholeskyOptions | undefined): boolean {
  return typeof upper === "object" ? upper.upper ?? false : upper ?? false;
}

/**
 * X of A X = B, where A = L Lᵀ (or Uᵀ U) is given by its Cholesky factor.
 *
 * Shapes: b `[…, N, K]`, factor `[…, N, N]` → `[…, N, K]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_solve.html
 */
export function choleskySolve(b: Tensor, factor: Tensor, upper?: boolean | CholeskyOptions): Tensor {
  requireMatrix("choleskySolve", b, "B");
  requireSquare("choleskySolve", factor, "L");
  return temporaries(() =>
    relabel(solveByCholesky("choleskySolve", b, factor, upperOf(upper)), "CholeskySolveBackward0")
  );
}

function solveByCholesky(op: string, b: Tensor, factor: Tensor, upper: boolean): Tensor {
  const half = triangularSolve(op, upper ? flipped(factor) : factor, b, false);
  return triangularSolve(op, upper ? factor : flipped(factor), half, true);
}

/**
 * The inverse of A = L Lᵀ (or Uᵀ U), given by its Cholesky factor.
 *
 * @throws {ShapeError} If the factor is not square.
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_inverse.html
 */
export function choleskyInverse(factor: Tensor, upper?: boolean | CholeskyOptions): Tensor {
  requireSquare("choleskyInverse", factor, "L");
  const n = factor.shape[factor.shape.length - 1]!;
  return temporaries(() => {
    const inverse = solveByCholesky(
      "choleskyInverse",
      identity(factor, batchOf(factor), n),
      factor,
      upperOf(upper),
    );
    return relabel(inverse, "CholeskyInverseBackward0");
  });
}

/** Options of {@linkcode luFactor} and {@linkcode lu}. */
export interface LuOptions {
  /** Whether rows are exchanged; must be true. Default true. */
  readonly pivot?: boolean;
}

/** `[LU, pivots]`, also by these names. */
export type LuFactor = readonly [LU: Tensor, pivots: Tensor] & {
  /** L below the diagonal, U on and above it. */
  readonly LU: Tensor;
  /** Row exchanges, 1-based, as LAPACK → int32. */
  readonly pivots: Tensor;
};

/** `[LU, pivots, info]`, also by these names. */
export type LuFactorEx = readonly [LU: Tensor, pivots: Tensor, info: Tensor] & {
  /** L below the diagonal, U on and above it. */
  readonly LU: Tensor;
  /** Row exchanges, 1-based, as LAPACK → int32. */
  readonly pivots: Tensor;
  /** 0, or the order of the first pivot that is 0 → int32. */
  readonly info: Tensor;
};

/** LU with row exchanges, for any size. */
export function factorLu(
  op: string,
  x: Tensor,
  pivot: boolean = true,
): readonly [lu: Tensor, pivots: Tensor, info: Tensor] {
  requireMatrix(op, x);
  if (!pivot) throw new NotImplementedError(`Cannot ${op} ${formatType(x)}: pivot must be true, got false`);
  const k = Math.min(...x.shape.slice(-2));
  if (numelOf(x.shape) > 0) {
    const [lu, pivots, info] = bind("luFactor", [x], null);
    return [relabel(lu, "LinalgLuFactorExBackward0"), pivots, info];
  }
  return [bind("copy", [x], null), zeros(x, [...batchOf(x), k], int32), zeros(x, batchOf(x), int32)];
}

/**
 * L and U of A = P L U in one matrix, with the row exchanges.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html
 */
export function luFactor(x: Tensor, options: LuOptions = {}): LuFactor {
  const parts = temporaries(() => {
    const [lu, pivots] = factorLu("luFactor", x, options.pivot);
    return [lu, pivots] as const;
  });
  return namedTuple(["LU", "pivots"], parts) as unknown as LuFactor;
}

/** {@linkcode luFactor} with a report on singular matrices. */
export function luFactorEx(x: Tensor, options: LuOptions & ExOptions = {}): LuFactorEx {
  const parts = temporaries(() => {
    const [lu, pivots, info] = factorLu("luFactorEx", x, options.pivot);
    if (options.checkErrors === true) {
      checkInfo("luFactorEx", x, info, (order) => `it must have full rank, got a zero pivot at ${order}`);
    }
    return [lu, pivots, info] as const;
  });
  return namedTuple(["LU", "pivots", "info"], parts) as unknown as LuFactorEx;
}

/** `[P, L, U]`, also by these names. */
export type Plu = readonly [P: Tensor, L: Tensor, U: Tensor] & {
  /** The permutation matrix. */
  readonly P: Tensor;
  /** Lower triangle with ones on the diagonal. */
  readonly L: Tensor;
  /** Upper triangle. */
  readonly U: Tensor;
};

/**
 * For each matrix of a batch, which row of P L U each row of L U is: the exchanges carried out, `[…, rows]`. Read on the host.
 *
 * @param inverted Which row of L U each row of P L U is, instead.
 */
export function rowOrder(pivots: Tensor, rows: number, inverted: boolean): Tensor {
  return onPlain(pivots, (plain) => {
    const order = exchanged(plain, rows);
    return fromData(
      inverted ? invertOrder(order, rows) : order,
      [...plain.shape.slice(0, -1), rows],
      int32,
      plain.device,
    );
  });
}

function exchanged(pivots: Tensor, rows: number): Int32Array {
  const k = pivots.shape[pivots.shape.length - 1]!;
  const count = numelOf(pivots.shape.slice(0, -1));
  // Reading without a host would throw: name the way out there.
  const list = indexValues(pivots) ?? pivots.dataSync();
  const order = new Int32Array(count * rows);
  for (let b = 0; b < count; b++) {
    const own = order.subarray(b * rows, (b + 1) * rows);
    for (let i = 0; i < rows; i++) own[i] = i;
    for (let i = 0; i < k; i++) {
      const other = Number(list[b * k + i]) - 1;
      [own[i], own[other]] = [own[other]!, own[i]!];
    }
  }
  return order;
}

/** Rows of `x` in the order of `places`, `[…, rows]`. */
export function orderRows(x: Tensor, places: Tensor): Tensor {
  const index = bind("view", [places], { shape: [...places.shape, 1] });
  return bind("gather", [x, bind("expand", [index], { shape: x.shape })], { dim: x.shape.length - 2 });
}

/** The permutation for each batch element turned around. */
function invertOrder(order: Int32Array, rows: number): Int32Array {
  const inverse = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) inverse[i - i % rows + order[i]!] = i % rows;
  return inverse;
}

/** L and U of a packed matrix. */
function unpackFactors(lu: Tensor): [l: Tensor, u: Tensor] {
  const [m, n] = lu.shape.slice(-2) as [number, number];
  const k = Math.min(m, n);
  const below = tril(corner(lu, m, k), -1);
  const l = bind("add", [below, identity(lu, [], m, k)], null);
  return [relabel(l, "LinalgLuBackward0"), relabel(triu(corner(lu, k, n)), "LinalgLuBackward0")];
}

function permutation(lu: Tensor, pivots: Tensor): Tensor {
  const rows = lu.shape[lu.shape.length - 2]!;
  const eye = bind("copy", [identity(lu, batchOf(lu), rows)], null);
  if (numelOf(eye.shape) === 0) return eye;
  // Row i of L U is row order[i] of A: P has its ones at [order[i], i].
  return orderRows(eye, rowOrder(pivots, rows, true));
}

/** Options of {@linkcode luUnpack}. */
export interface LuUnpackOptions {
  /** Whether L and U are wanted; else they are empty. Default true. */
  readonly unpackData: boolean;
  /** Whether P is wanted; else it is empty. Default true. */
  readonly unpackPivots: boolean;
}

/**
 * P, L and U from the results of {@linkcode luFactor}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.lu_unpack.html
 */
export function luUnpack(
  lu: Tensor,
  pivots: Tensor,
  ...args: Args<LuUnpackOptions, ["unpackData", "unpackPivots"]>
): Plu {
  requireMatrix("luUnpack", lu, "LU_data");
  requireTensor("luUnpack", "LU_pivots", pivots);
  const { unpackData = true, unpackPivots = true } = named<LuUnpackOptions>("luUnpack", args, [
    "unpackData",
    "unpackPivots",
  ]);
  const parts = temporaries(() => {
    const [l, u] = unpackData ? unpackFactors(lu) : [zeros(lu, [0]), zeros(lu, [0])];
    return [unpackPivots ? permutation(lu, pivots) : zeros(lu, [0]), l, u] as const;
  });
  return namedTuple(["P", "L", "U"], parts) as unknown as Plu;
}

/**
 * P, L and U of A = P L U.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu.html
 */
export function lu(x: Tensor, options: LuOptions = {}): Plu {
  const parts = temporaries(() => {
    const [packed, pivots] = factorLu("lu", x, options.pivot);
    return [...luUnpack(packed, pivots)] as const;
  });
  return namedTuple(["P", "L", "U"], parts) as unknown as Plu;
}

/** Options of {@linkcode luSolve}. */
export interface LuSolveOptions {
  /** Solve A X = B, else X A = B. Default true. */
  readonly left?: boolean;
  /** Solve with Aᵀ instead of A. Default false. */
  readonly adjoint?: boolean;
}

/** X of A X = B (or Aᵀ X = B) for packed LU; batches broadcast. */
export function solveByLu(op: string, lu: Tensor, pivots: Tensor, b: Tensor, adjoint: boolean): Tensor {
  const n = lu.shape[lu.shape.length - 1]!;
  const [a, right] = sameBatches(op, lu, b);
  if (numelOf(right.shape) === 0) {
    return bind("add", [
      right,
      bind("sum", [a], { dims: [a.shape.length - 2, a.shape.length - 1], keepdim: true }),
    ], null);
  }
  const batch = batchOf(a);
  const wide = bind("expand", [pivots], { shape: [...batch, n] });
  if (!adjoint) {
    const half = triangularSolve(op, a, orderRows(right, rowOrder(wide, n, false)), false, true);
    return triangularSolve(op, a, half, true);
  }
  const half = triangularSolve(op, flipped(a), right, false);
  return orderRows(triangularSolve(op, flipped(a), half, true, true), rowOrder(wide, n, true));
}

/**
 * X of A X = B for A given by {@linkcode luFactor}.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html
 */
export function luSolve(lu: Tensor, pivots: Tensor, b: Tensor, options: LuSolveOptions = {}): Tensor {
  requireSquare("luSolve", lu, "LU");
  requireTensor("luSolve", "pivots", pivots);
  requireMatrix("luSolve", b, "B");
  const { left = true, adjoint = false } = options;
  return temporaries(() => {
    if (left) return relabel(solveByLu("luSolve", lu, pivots, b, adjoint), "LinalgLuSolveBackward0");
    const turned = solveByLu("luSolve", lu, pivots, flipped(b), !adjoint);
    return relabel(bind("copy", [flipped(turned)], null), "LinalgLuSolveBackward0");
  });
}

/** `[Q, R]`, also by these names. */
export type Qr = readonly [Q: Tensor, R: Tensor] & {
  /** Orthonormal columns. */
  readonly Q: Tensor;
  /** Upper triangle. */
  readonly R: Tensor;
};

/**
 * Q and R of A = Q R with orthonormal columns in Q and an upper triangle R.
 *
 * @param mode `"reduced"`: Q is `[…, M, min(M, N)]`; `"complete"`: Q is square; `"r"`: only R, and Q is empty.
 * @throws {ValueError} If there is no such mode.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.qr.html
 */
export function qr(
  x: Tensor,
  mode: "reduced" | "complete" | "r" | { readonly mode?: "reduced" | "complete" | "r" } = "reduced",
): Qr {
  requireMatrix("qr", x, "A");
  const given = typeof mode === "object" ? mode.mode ?? "reduced" : mode;
  if (!["reduced", "complete", "r"].includes(given)) {
    throw new ValueError(
      `Cannot qr ${formatType(x)}: mode must be reduced, complete or r, got ${JSON.stringify(given)}`,
    );
  }
  const [m, n] = x.shape.slice(-2) as [number, number];
  const parts = temporaries(() => {
    if (m > 0 && n === 0 && given === "complete") {
      return [bind("copy", [identity(x, batchOf(x), m)], null), bind("copy", [x], null)] as const;
    }
    const [q, r] = bind("qr", [x], { complete: given === "complete" });
    const name = "LinalgQrBackward0";
    return [given === "r" ? zeros(x, [0]) : relabel(q, name), relabel(r, name)] as const;
  });
  return namedTuple(["Q", "R"], parts) as unknown as Qr;
}

/**
 * The first N columns of H₁ H₂ … H_K, where Hᵢ = I − τᵢ vᵢ vᵢᵀ, and vᵢ has zeros, a 1 at i, and below it column i of `x`:
 * what LAPACK's `orgqr` gives.
 *
 * Shapes: x `[…, M, N]` with M ≥ N, tau `[…, K]` with K ≤ N → `[…, M, N]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.householder_product.html
 */
export function householderProduct(x: Tensor, tau: Tensor): Tensor {
  requireMatrix("householderProduct", x);
  requireTensor("householderProduct", "tau", tau);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const k = tau.shape[tau.shape.length - 1] ?? 0;
  const batch: Shape = batchOf(x);
  if (
    tau.shape.length !== x.shape.length - 1 || m < n || k > n ||
    String(tau.shape.slice(0, -1)) !== String(batch)
  ) {
    throw new ShapeError(
      `Cannot householderProduct ${formatType(x)} with tau ${
        formatType(tau)
      }: shapes must be […, M, N] and […, K] with M >= N >= K, ` +
        `got ${formatShape(x.shape)} and ${formatShape(tau.shape)}`,
    );
  }
  return temporaries(() => {
    const vectors = bind("add", [tril(x, -1), identity(x, [], m, n)], null);
    let q: Tensor = identity(x, batch, m, n);
    const last = x.shape.length - 1;
    for (let i = k - 1; i >= 0; i--) {
      const v = sliceDim(vectors, last, i, i + 1); // […, M, 1]
      const t = viewAsShape(sliceDim(tau, last - 1, i, i + 1), [...batch, 1, 1]);
      const along = bind("matmul", [flipped(v), q], null);
      q = bind("sub", [q, bind("mul", [bind("matmul", [v, along], null), t], null)], null);
    }
    return relabel(k === 0 ? bind("copy", [q], null) : q, "LinalgHouseholderProductBackward0");
  });
}
