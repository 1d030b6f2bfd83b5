/**
 * Equations and inverses: `solve`, `inv`, `solveTriangular`, `lstsq`, `pinv`, `tensorsolve`; determinants.
 *
 * @module
 */

import {
  DTypeError,
  formatShape,
  formatType,
  int32,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
  ValueError,
} from "@flambeau/core";
import { bind, needsGrad } from "../../bind.ts";
import { castTo, requireInteger, requireTensor } from "../../coerce.ts";
import { gradMode, noGrad } from "../../grad_mode.ts";
import { TensorHandle } from "../../handle.ts";
import { executeOn } from "../../immediate.ts";
import { relabel } from "../../label.ts";
import { namedTuple } from "../../named_tuple.ts";
import { temporaries } from "../../temporaries.ts";
import type { Tensor } from "../../tensor.ts";
import { indexValues } from "../bounds.ts";
import { owned, permuteTo, reshapeTo, viewAsShape } from "../building.ts";
import { detach } from "../data.ts";
import { integers } from "../lists.ts";
import { type ExOptions, factorLu, solveByLu } from "./factor.ts";
import {
  batchOf,
  checkInfo,
  epsilon,
  flipped,
  identity,
  requireMatrix,
  requireSquare,
  rightSide,
  scalar,
  triangularSolve,
  zeros,
} from "./shared.ts";

/** Options of {@linkcode solve}. */
export interface SolveOptions {
  /** Solve A X = B, else X A = B. Default true. */
  readonly left?: boolean;
}

function singular(order: number): string {
  return `it must be invertible, got a singular matrix (pivot ${order} is 0)`;
}

function requireSameDType(op: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(a)} and ${
        formatType(b)
      }: dtypes must match, got ${a.dtype.name} and ${b.dtype.name}`,
    );
  }
}

function solveWithInfo(op: string, a: Tensor, b: Tensor, left: boolean): [x: Tensor, info: Tensor] {
  requireSquare(op, a, "A");
  const { matrix, isVector } = rightSide(op, a, b);
  requireSameDType(op, a, b);
  const n = a.shape[a.shape.length - 1]!;
  const size = matrix.shape[matrix.shape.length - (left ? 2 : 1)];
  if (isVector && !left) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(a)} and ${formatType(b)}: vectors go with left: true, got false`,
    );
  }
  if (size !== n) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(a)} and ${formatType(b)}: B must have ${n} ${
        left ? "rows" : "columns"
      }, got ${size ?? "none"}`,
    );
  }
  const [lu, pivots, info] = factorLu(op, a);
  const name = "LinalgSolveExBackward0";
  if (!left) {
    const turned = solveByLu(op, lu, pivots, flipped(matrix), true);
    return [relabel(bind("copy", [flipped(turned)], null), name), info];
  }
  const x = solveByLu(op, lu, pivots, matrix, false);
  return [isVector ? owned(viewAsShape(x, x.shape.slice(0, -1), name)) : relabel(x, name), info];
}

/**
 * X of A X = B for square A. Batches broadcast; B holds vectors when it has one dimension, or the shape of A without its
 * last size.
 *
 * @throws {ValueError} If a matrix is singular.
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve.html
 */
export function solve(a: Tensor, b: Tensor, options: SolveOptions = {}): Tensor {
  return temporaries(() => {
    const [x, info] = solveWithInfo("solve", a, b, options.left ?? true);
    checkInfo("solve", a, info, singular);
    return x;
  });
}

/** `[result, info]`, also by these names. */
export type SolveEx = readonly [result: Tensor, info: Tensor] & {
  /** The solution. */
  readonly result: Tensor;
  /** 0, or the order of the first pivot that is 0 → int32. */
  readonly info: Tensor;
};

/** {@linkcode solve} that reports failure in `info` instead of throwing. */
export function solveEx(a: Tensor, b: Tensor, options: SolveOptions & ExOptions = {}): SolveEx {
  const parts = temporaries(() => {
    const [x, info] = solveWithInfo("solveEx", a, b, options.left ?? true);
    if (options.checkErrors === true) checkInfo("solveEx", a, info, singular);
    return [x, info] as const;
  });
  return namedTuple(["result", "info"], parts) as unknown as SolveEx;
}

function inverseWithInfo(op: string, x: Tensor): [inverse: Tensor, info: Tensor] {
  requireSquare(op, x, "A");
  const [inverse, info] = solveWithInfo(op, x, identity(x, batchOf(x), x.shape[x.shape.length - 1]!), true);
  return [relabel(inverse, "LinalgInvExBackward0"), info];
}

/**
 * The inverse of square matrices.
 *
 * @throws {ValueError} If a matrix is singular.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.inv.html
 */
export function inv(x: Tensor): Tensor {
  return temporaries(() => {
    const [inverse, info] = inverseWithInfo("inv", x);
    checkInfo("inv", x, info, singular);
    return inverse;
  });
}

/** `[inverse, info]`, also by these names. */
export type InvEx = readonly [inverse: Tensor, info: Tensor] & {
  /** The inverse. */
  readonly inverse: Tensor;
  /** 0, or the order of the first pivot that is 0 → int32. */
  readonly info: Tensor;
};

/** {@linkcode inv} that reports failure in `info` instead of throwing. */
export function invEx(x: Tensor, options: ExOptions = {}): InvEx {
  const parts = temporaries(() => {
    const [inverse, info] = inverseWithInfo("invEx", x);
    if (options.checkErrors === true) checkInfo("invEx", x, info, singular);
    return [inverse, info] as const;
  });
  return namedTuple(["inverse", "info"], parts) as unknown as InvEx;
}

/** Options of {@linkcode solveTriangular}. */
export interface SolveTriangularOptions extends SolveOptions {
  /** Which triangle of A is read. */
  readonly upper: boolean;
  /** Take the diagonal of A as ones. Default false. */
  readonly unitriangular?: boolean;
}

/**
 * X of A X = B for triangular A; the other triangle is not read. Batches broadcast.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html
 */
export function solveTriangular(a: Tensor, b: Tensor, options: SolveTriangularOptions): Tensor {
  requireSquare("solveTriangular", a, "A");
  requireMatrix("solveTriangular", b, "B");
  requireSameDType("solveTriangular", a, b);
  const { upper, left = true, unitriangular = false } = options;
  const n = a.shape[a.shape.length - 1]!;
  const size = b.shape[b.shape.length - (left ? 2 : 1)];
  if (size !== n) {
    throw new ShapeError(
      `Cannot solveTriangular ${formatType(a)} and ${formatType(b)}: B must have ${n} ${
        left ? "rows" : "columns"
      }, got ${size}`,
    );
  }
  return temporaries(() => {
    const name = "LinalgSolveTriangularBackward0";
    if (left) return relabel(triangularSolve("solveTriangular", a, b, upper, unitriangular), name);
    const turned = triangularSolve("solveTriangular", flipped(a), flipped(b), !upper, unitriangular);
    return relabel(bind("copy", [flipped(turned)], null), name);
  });
}

/** The diagonal of U, and the sign of the permutation, of A = P L U. */
function pivotDiagonal(op: string, x: Tensor): [diagonal: Tensor, sign: Tensor] {
  requireSquare(op, x, "A");
  const [lu, pivots] = factorLu(op, x);
  const n = x.shape.length;
  const diagonal = bind("diagonal", [lu], { offset: 0, dim1: n - 2, dim2: n - 1 });
  const size = x.shape[n - 1]!;
  const places = executeOn(x.backend, "iota", { start: 1, step: 1, size, dtype: int32 });
  const exchanged = castTo(bind("ne", [pivots, places], null), int32);
  const count = bind("sum", [exchanged], { dims: [n - 2], keepdim: false });
  const odd = bind("remainder", [castTo(count, x.dtype), scalar(x, 2)], null);
  return [diagonal, bind("sub", [scalar(x, 1), bind("mul", [odd, scalar(x, 2)], null)], null)];
}

/**
 * The determinant of square matrices.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.det.html
 */
export function det(x: Tensor): Tensor {
  return temporaries(() => {
    const [diagonal, sign] = pivotDiagonal("det", x);
    const product = bind("prod", [diagonal], { dims: [diagonal.shape.length - 1], keepdim: false });
    return relabel(bind("mul", [product, sign], null), "LinalgDetBackward0");
  });
}

/** `[sign, logabsdet]`, also by these names. */
export type Slogdet = readonly [sign: Tensor, logabsdet: Tensor] & {
  /** 1, −1, or 0 for a singular matrix. */
  readonly sign: Tensor;
  /** ln |det A|; −∞ for a singular matrix. */
  readonly logabsdet: Tensor;
};

function signAndLog(op: string, x: Tensor): [sign: Tensor, logabsdet: Tensor] {
  const [diagonal, turns] = pivotDiagonal(op, x);
  const along = { dims: [diagonal.shape.length - 1], keepdim: false };
  const signs = bind("prod", [bind("sign", [diagonal], null)], along);
  const logs = bind("sum", [bind("log", [bind("abs", [diagonal], null)], null)], along);
  return [bind("mul", [signs, turns], null), relabel(logs, "LinalgSlogdetBackward0")];
}

/**
 * The sign and the logarithm of the size of determinants, without overflow.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.slogdet.html
 */
export function slogdet(x: Tensor): Slogdet {
  const parts = temporaries(() => signAndLog("slogdet", x));
  return namedTuple(["sign", "logabsdet"], parts) as unknown as Slogdet;
}

/**
 * ln det A; −∞ for a singular matrix, NaN for a negative determinant.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logdet.html
 */
export function logdet(x: Tensor): Tensor {
  return temporaries(() => {
    const [sign, logs] = signAndLog("logdet", x);
    const negative = bind("lt", [sign, scalar(x, 0)], null);
    return relabel(bind("where", [negative, scalar(x, NaN), logs], null), "WhereBackward0");
  });
}

/** How small a singular value must be to count as 0. */
export interface RankTolerance {
  /** An absolute bound. Default 0. */
  readonly atol?: number | Tensor | null;
  /** A bound in units of the largest. Default: the larger size times the precision of the dtype, if `atol` is not given. */
  readonly rtol?: number | Tensor | null;
  /** Whether A is symmetric: eigenvalues are taken, of its lower triangle. Default false. */
  readonly hermitian?: boolean;
}

/** A bound as a tensor that broadcasts against singular values `[…, K]`. */
function boundOf(x: Tensor, value: number | Tensor): Tensor {
  if (!(value instanceof TensorHandle)) return scalar(x, value);
  const bound = castTo(value as Tensor, x.dtype);
  return viewAsShape(bound, [...bound.shape, 1]);
}

/** The bound below which singular values `[…, K]`, descending or not, count as 0: `[…, 1]`. */
export function rankBound(x: Tensor, values: Tensor, { atol = null, rtol = null }: RankTolerance): Tensor {
  const last = values.shape.length - 1;
  const largest = bind("amax", [values], { dims: [last], keepdim: true });
  const standard = epsilon(x) * Math.max(...x.shape.slice(-2));
  const relative = rtol ?? (atol === null || atol === 0 ? standard : 0);
  let factor = boundOf(x, relative);
  if (rtol === null && atol instanceof TensorHandle) {
    // Where the absolute bound is 0, the standard relative one holds.
    const given = bind("gt", [boundOf(x, atol as Tensor), scalar(x, 0)], null);
    factor = bind("where", [given, scalar(x, 0), scalar(x, standard)], null);
  }
  return bind("maximum", [boundOf(x, atol ?? 0), bind("mul", [factor, largest], null)], null);
}

/**
 * The Moore–Penrose inverse, by singular values; those below the tolerance count as 0.
 *
 * Shapes: `[…, M, N]` → `[…, N, M]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.pinv.html
 */
export function pinv(x: Tensor, options: RankTolerance | number | Tensor = {}): Tensor {
  requireMatrix("pinv", x);
  const tolerance: RankTolerance = typeof options === "number" || options instanceof TensorHandle
    ? { rtol: options as number | Tensor }
    : options as RankTolerance;
  const name = "LinalgPinvBackward0";
  const [m, n] = x.shape.slice(-2) as [number, number];
  return temporaries(() => {
    if (numelOf(x.shape) === 0) {
      const empty = bind("sum", [x], { dims: [x.shape.length - 2, x.shape.length - 1], keepdim: true });
      return relabel(bind("add", [zeros(x, [...batchOf(x), n, m]), empty], null), name);
    }
    if (!gradMode.enabled || !needsGrad([x])) return inverseBySvd(x, tolerance)[0];
    const [value, ranks] = noGrad(() => inverseBySvd(detach(x), tolerance));
    const full = indexValues(ranks)?.every((rank) => rank === Math.min(m, n)) ?? false;
    // Singular vectors of equal singular values have no derivative, though the inverse has one: so not through the SVD.
    return relabel(full && tolerance.hermitian !== true ? inverseByQr(x) : withFirstOrder(x, value), name);
  });
}

/** The inverse, and the ranks as int32. */
function inverseBySvd(x: Tensor, tolerance: RankTolerance): [inverse: Tensor, ranks: Tensor] {
  const [u, s, vh] = tolerance.hermitian === true ? symmetricSvd(x) : bind("svd", [x], { full: false });
  const last = s.shape.length - 1;
  const kept = bind("gt", [s, rankBound(x, s, tolerance)], null);
  const reciprocal = bind("where", [kept, bind("reciprocal", [s], null), scalar(x, 0)], null);
  const scaled = bind(
    "mul",
    [flipped(vh), viewAsShape(reciprocal, [...batchOf(x), 1, s.shape[last]!])],
    null,
  );
  const ranks = bind("sum", [castTo(kept, int32)], { dims: [last], keepdim: false });
  return [bind("matmul", [scaled, flipped(u)], null), ranks];
}

/** The SVD of symmetric matrices by their eigenvalues; not in order of size. */
function symmetricSvd(x: Tensor): [u: Tensor, s: Tensor, vh: Tensor] {
  const [values, vectors] = bind("eigh", [x], null);
  const signs = viewAsShape(bind("sign", [values], null), [
    ...batchOf(x),
    1,
    values.shape[values.shape.length - 1]!,
  ]);
  return [bind("mul", [vectors, signs], null), bind("abs", [values], null), flipped(vectors)];
}

/** The inverse of matrices of full rank: A = Q R gives R⁻¹ Qᵀ; wide ones by their transpose. */
function inverseByQr(x: Tensor): Tensor {
  const [m, n] = x.shape.slice(-2) as [number, number];
  const [q, r] = bind("qr", [m >= n ? x : flipped(x)], { complete: false });
  const inverse = triangularSolve("pinv", r, flipped(q), true);
  return m >= n ? inverse : bind("copy", [flipped(inverse)], null);
}

/**
 * `p`, the inverse of `x`, with the first derivative of the inverse at constant rank:
 * dP = −P dA P + P Pᵀ dAᵀ (I − A P) + (I − P A) dAᵀ Pᵀ P.
 *
 * @see Golub and Pereyra 1973, https://doi.org/10.1137/0710036
 */
function withFirstOrder(x: Tensor, p: Tensor): Tensor {
  const [m, n] = x.shape.slice(-2) as [number, number];
  const a = detach(x);
  const change = bind("sub", [x, a], null); // zero, with the gradient of x
  const times = (...factors: Tensor[]) => factors.reduce((y, z) => bind("matmul", [y, z], null));
  const minus = (y: Tensor, size: number) => bind("sub", [identity(x, [], size), y], null);
  const left = times(p, flipped(p), flipped(change), minus(times(a, p), m));
  const right = times(minus(times(p, a), n), flipped(change), flipped(p), p);
  const inner = bind("sub", [bind("add", [left, right], null), times(p, change, p)], null);
  return bind("add", [p, inner], null);
}

/** Ways to solve least squares: by QR for full rank, or by singular values for any. */
export type LstsqDriver = "gels" | "gelsy" | "gelsd" | "gelss";

/** Options of {@linkcode lstsq}. */
export interface LstsqOptions {
  /** Singular values below this times the largest count as 0. Default: the precision of the dtype times the larger size. */
  readonly rcond?: number | null;
  /** Default `"gelsy"`. */
  readonly driver?: LstsqDriver | null;
}

/** `[solution, residuals, rank, singularValues]`, also by these names. */
export type Lstsq = readonly [solution: Tensor, residuals: Tensor, rank: Tensor, singularValues: Tensor] & {
  /** X that makes ‖A X − B‖ least; the smallest where there are several. */
  readonly solution: Tensor;
  /** Squared distances by column, where M > N and all ranks are N; else, and for driver `gelsy`, empty. */
  readonly residuals: Tensor;
  /** Ranks of A → int32; empty for driver `gels`. */
  readonly rank: Tensor;
  /** Singular values of A; empty but for drivers `gelsd` and `gelss`. */
  readonly singularValues: Tensor;
};

/**
 * X that makes ‖A X − B‖ least.
 *
 * Shapes: a `[…, M, N]`, b `[…, M, K]` or `[…, M]` → solution `[…, N, K]` or `[…, N]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lstsq.html
 */
export function lstsq(a: Tensor, b: Tensor, options: LstsqOptions | number | null = {}): Lstsq {
  requireMatrix("lstsq", a);
  const { matrix, isVector } = rightSide("lstsq", a, b);
  requireSameDType("lstsq", a, b);
  const given: LstsqOptions = typeof options === "object" && options !== null ? options : { rcond: options };
  const driver = given.driver ?? "gelsy";
  if (!["gels", "gelsy", "gelsd", "gelss"].includes(driver)) {
    throw new ValueError(
      `Cannot lstsq: driver must be gels, gelsy, gelsd or gelss, got ${JSON.stringify(driver)}`,
    );
  }
  const [m, n] = a.shape.slice(-2) as [number, number];
  if (matrix.shape[matrix.shape.length - 2] !== m) {
    throw new ShapeError(
      `Cannot lstsq ${formatType(a)} and ${formatType(b)}: B must have ${m} rows, got ${
        formatShape(b.shape)
      }`,
    );
  }
  const parts = temporaries(() => {
    const name = "LinalgLstsqBackward0";
    const empty = (dtype: Tensor["dtype"]) => zeros(a, [0], dtype);
    let [rank, values] = [empty(int32), empty(a.dtype)];
    let inverse: Tensor;
    let full = true;
    if (driver === "gels") inverse = inverseByQr(a);
    else {
      inverse = pinv(a, { rtol: given.rcond ?? epsilon(a) * Math.max(m, n) });
      const s = noGrad(() => bind("svd", [detach(a)], { full: false }))[1];
      const bound = rankBound(a, s, { rtol: given.rcond ?? epsilon(a) * Math.max(m, n) });
      rank = bind("sum", [castTo(bind("gt", [s, bound], null), int32)], {
        dims: [s.shape.length - 1],
        keepdim: false,
      });
      if (driver !== "gelsy") values = s;
      full = indexValues(rank)?.every((r) => r === n) ?? false;
    }
    const x = bind("matmul", [inverse, matrix], null);
    const solution = isVector ? owned(viewAsShape(x, x.shape.slice(0, -1), name)) : relabel(x, name);
    const residuals = m > n && full && driver !== "gelsy"
      ? noGrad(() => squaredDistances(a, x, matrix, isVector))
      : empty(a.dtype);
    return [solution, residuals, rank, values] as const;
  });
  return namedTuple(["solution", "residuals", "rank", "singularValues"], parts) as unknown as Lstsq;
}

function squaredDistances(a: Tensor, x: Tensor, b: Tensor, isVector: boolean): Tensor {
  const difference = bind("sub", [bind("matmul", [a, x], null), b], null);
  const squares = bind("mul", [difference, difference], null);
  const sums = bind("sum", [squares], { dims: [squares.shape.length - 2], keepdim: false });
  return isVector ? owned(viewAsShape(sums, sums.shape.slice(0, -1))) : sums;
}

/**
 * The inverse for {@linkcode tensordot} over the first `ind` dimensions, whose sizes multiply to those of the others.
 *
 * @throws {ShapeError} If they do not.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorinv.html
 */
export function tensorinv(x: Tensor, ind: number | { readonly ind?: number } = 2): Tensor {
  requireTensor("tensorinv", "A", x);
  const count = requireInteger("tensorinv", "ind", typeof ind === "object" ? ind.ind ?? 2 : ind);
  if (count <= 0) {
    throw new ValueError(`Cannot tensorinv ${formatType(x)}: ind must be positive, got ${count}`);
  }
  const [first, rest] = [x.shape.slice(0, count), x.shape.slice(count)];
  if (numelOf(first) !== numelOf(rest)) {
    throw new ShapeError(
      `Cannot tensorinv ${formatType(x)} with ind ${count}: both groups of sizes must have one product, got ${
        numelOf(first)
      } and ${numelOf(rest)}`,
    );
  }
  return temporaries(() => {
    const inverse = inv(reshapeTo(x, [numelOf(first), numelOf(rest)]));
    return owned(viewAsShape(inverse, [...rest, ...first]));
  });
}

/**
 * X of tensordot(A, X) = B: the first dimensions of A, after those in `dims` are moved to its end, are those of B.
 *
 * @throws {ShapeError} If the sizes do not make A square.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorsolve.html
 */
export function tensorsolve(
  a: Tensor,
  b: Tensor,
  dims?: Shape | null | { readonly dims?: Shape | null },
): Tensor {
  requireTensor("tensorsolve", "A", a);
  requireTensor("tensorsolve", "B", b);
  const given = Array.isArray(dims)
    ? dims as Shape
    : dims === null || dims === undefined
    ? null
    : (dims as { dims?: Shape | null }).dims ?? null;
  return temporaries(() => {
    let moved = a;
    if (given !== null) {
      const last = integers("tensorsolve", "dims", given).map((dim) =>
        normalizeDim("tensorsolve", dim, a.shape.length)
      );
      const order = [...a.shape.map((_, i) => i).filter((i) => !last.includes(i)), ...last];
      moved = permuteTo(a, order);
    }
    const out = moved.shape.slice(b.shape.length);
    const size = numelOf(b.shape);
    if (
      !shapesEqual(moved.shape.slice(0, b.shape.length), b.shape) && numelOf(moved.shape) !== size * size ||
      numelOf(out) !== size
    ) {
      throw new ShapeError(
        `Cannot tensorsolve ${formatType(a)} and ${
          formatType(b)
        }: the sizes of A but those of B must multiply to ${size}, got ${formatShape(out)}`,
      );
    }
    const x = solve(reshapeTo(moved, [size, size]), reshapeTo(b, [size]));
    return owned(viewAsShape(x, out));
  });
}
