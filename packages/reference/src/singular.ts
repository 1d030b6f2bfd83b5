/**
 * The singular value decomposition: Householder QR, then one-sided Jacobi rotations on the triangle.
 *
 * Rotations make the columns of R orthogonal: R V = W; the lengths of the columns of W are the singular values.
 *
 * @see Hestenes 1958, Inversion of matrices by biorthogonalization, https://doi.org/10.1137/0106005
 * @see Golub and Van Loan, Matrix Computations, 4th edition, section 8.6.3
 *
 * @module
 */

import { TorchError } from "@flambeau/core";
import { identity, type Matrix, product, transpose, zeros } from "./dense.ts";
import { householder } from "./householder.ts";

/** Sweeps over all pairs of columns; ten are usual. */
const SWEEPS = 60;

/** A = U diag(s) Vh. */
export interface SingularValues {
  /** Orthonormal columns. */
  readonly u: Matrix;
  /** Descending. */
  readonly s: Float64Array;
  /** Orthonormal rows. */
  readonly vh: Matrix;
}

function dot(data: Float64Array, n: number, i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += data[i * n + k]! * data[j * n + k]!;
  return sum;
}

function rotateRows(data: Float64Array, n: number, i: number, j: number, c: number, s: number): void {
  for (let k = 0; k < n; k++) {
    const [x, y] = [data[i * n + k]!, data[j * n + k]!];
    data[i * n + k] = c * x - s * y;
    data[j * n + k] = s * x + c * y;
  }
}

/** Rotates the rows of `w`, and those of `v` with them, until they are orthogonal. Both are square. */
function orthogonalize(w: Matrix, v: Matrix): void {
  const n = w.rows;
  const { data } = w;
  let total = 0;
  for (const x of data) total += x * x;
  // Rows below rounding errors of the whole have no direction of their own.
  const negligible = total * Number.EPSILON ** 2;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let done = true;
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        const [alpha, beta, gamma] = [dot(data, n, i, i), dot(data, n, j, j), dot(data, n, i, j)];
        if (Math.min(alpha, beta) <= negligible) continue;
        if (Math.abs(gamma) <= n * Number.EPSILON * Math.sqrt(alpha) * Math.sqrt(beta)) continue;
        done = false;
        const zeta = (beta - alpha) / (2 * gamma);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        rotateRows(data, n, i, j, c, c * t);
        rotateRows(v.data, n, i, j, c, c * t);
      }
    }
    if (done) return;
  }
  throw new TorchError("Cannot svd: the iteration must converge, got a matrix where it does not");
}

/** Replaces row `i` of `u` by a unit row orthogonal to the rows before it. */
function complete(u: Matrix, i: number): void {
  const n = u.columns;
  const { data } = u;
  const row = data.subarray(i * n, (i + 1) * n);
  // Of the unit vectors, the one that the rows before hold least of.
  const held = new Float64Array(n);
  for (let j = 0; j < i; j++) for (let k = 0; k < n; k++) held[k]! += data[j * n + k]! ** 2;
  row.fill(0);
  row[held.indexOf(held.reduce((least, x) => Math.min(least, x), Infinity))] = 1;
  for (let pass = 0; pass < 2; pass++) { // the second pass takes away what the first one left by rounding
    for (let j = 0; j < i; j++) {
      const part = dot(data, n, i, j);
      for (let k = 0; k < n; k++) row[k]! -= part * data[j * n + k]!;
    }
  }
  const length = Math.sqrt(dot(data, n, i, i));
  for (let k = 0; k < n; k++) row[k]! /= length;
}

/** The decomposition of a square matrix, with Uᵀ in place of U. */
function squareSvd(r: Matrix): { ut: Matrix; s: Float64Array; vh: Matrix } {
  const n = r.rows;
  const scale = r.data.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0) || 1;
  const w = transpose({ ...r, data: r.data.map((x) => x / scale) });
  const v = identity(n);
  orthogonalize(w, v);
  const lengths = new Float64Array(n).map((_, i) => Math.sqrt(dot(w.data, n, i, i)));
  const order = Array.from(lengths.keys()).sort((i, j) => lengths[j]! - lengths[i]!);
  const [ut, vh] = [zeros(n, n), zeros(n, n)];
  const largest = lengths[order[0] ?? 0] ?? 0;
  order.forEach((from, i) => {
    vh.data.set(v.data.subarray(from * n, (from + 1) * n), i * n);
    const length = lengths[from]!;
    if (length <= n * Number.EPSILON * largest) return complete(ut, i);
    for (let k = 0; k < n; k++) ut.data[i * n + k] = w.data[from * n + k]! / length;
  });
  return { ut, s: Float64Array.from(order, (i) => lengths[i]! * scale), vh };
}

/**
 * Singular values and vectors of an M by N matrix, K = min(M, N).
 *
 * @param full U is M by M and Vh N by N; else M by K and K by N.
 */
export function singularValues(a: Matrix, full: boolean): SingularValues {
  if (a.rows < a.columns) {
    const { u, s, vh } = singularValues(transpose(a), full);
    return { u: transpose(vh), s, vh: transpose(u) };
  }
  const n = a.columns;
  const { q, r } = householder(a, full ? a.rows : n);
  const { ut, s, vh } = squareSvd({ rows: n, columns: n, data: r.data.subarray(0, n * n) });
  // U = Q diag(U of R, I)
  const inner = identity(q.columns);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) inner.data[i * q.columns + j] = ut.data[j * n + i]!;
  return { u: product(q, inner), s, vh };
}
