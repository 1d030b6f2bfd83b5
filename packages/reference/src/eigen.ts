/**
 * Eigenvalues and eigenvectors of a symmetric matrix: reflections to tridiagonal form, then QR steps with shifts.
 *
 * @see Golub and Van Loan, Matrix Computations, 4th edition, section 8.3
 *
 * @module
 */

import { TorchError } from "@flambeau/core";
import { identity, type Matrix, zeros } from "./dense.ts";

/** QR steps allowed for each eigenvalue; two are usual. */
const STEPS = 60;

/** A = Vᵀ T V: the diagonal and the subdiagonal of T, and the orthogonal V. */
interface Tridiagonal {
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly v: Float64Array;
}

/** Reflections from both sides, one column after another. Reads the lower triangle of `matrix`. */
function tridiagonalize({ rows: n, data }: Matrix): Tridiagonal {
  const a = data.slice();
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) a[i * n + j] = a[j * n + i]!;
  const v = identity(n).data;
  const u = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k + 2 < n; k++) {
    // H = I − τ u uᵀ with u[k + 1] = 1 turns column k below the diagonal into (β, 0, …, 0).
    let squares = 0;
    for (let i = k + 2; i < n; i++) squares += a[i * n + k]! ** 2;
    if (squares === 0) continue;
    const head = a[(k + 1) * n + k]!;
    const beta = (head < 0 ? 1 : -1) * Math.sqrt(head * head + squares);
    const tau = (beta - head) / beta;
    u.fill(0);
    u[k + 1] = 1;
    for (let i = k + 2; i < n; i++) u[i] = a[i * n + k]! / (head - beta);
    // A ← H A H = A − u wᵀ − w uᵀ with p = τ A u and w = p − (τ/2)(pᵀu) u.
    let pu = 0;
    for (let i = k; i < n; i++) {
      let dot = 0;
      for (let j = k + 1; j < n; j++) dot += a[i * n + j]! * u[j]!;
      w[i] = tau * dot;
      pu += w[i]! * u[i]!;
    }
    for (let i = k; i < n; i++) w[i]! -= tau / 2 * pu * u[i]!;
    for (let i = k; i < n; i++) {
      for (let j = k; j < n; j++) a[i * n + j]! -= u[i]! * w[j]! + w[i]! * u[j]!;
    }
    // V ← H V
    for (let j = 0; j < n; j++) {
      let dot = 0;
      for (let i = k + 1; i < n; i++) dot += u[i]! * v[i * n + j]!;
      for (let i = k + 1; i < n; i++) v[i * n + j]! -= tau * dot * u[i]!;
    }
  }
  const d = new Float64Array(n).map((_, i) => a[i * n + i]!);
  const e = new Float64Array(Math.max(n - 1, 0)).map((_, i) => a[(i + 1) * n + i]!);
  return { d, e, v };
}

/** One implicit QR step with Wilkinson's shift on rows `low` to `high` of T; V takes the rotations. */
function qrStep({ d, e, v }: Tridiagonal, low: number, high: number): void {
  const n = d.length;
  const half = (d[high - 1]! - d[high]!) / 2;
  const last = e[high - 1]!;
  const shift = d[high]! - last * (last / (half + (half < 0 ? -1 : 1) * Math.hypot(half, last)));
  let [x, z] = [d[low]! - shift, e[low]!];
  for (let k = low; k < high; k++) {
    const r = Math.hypot(x, z);
    const [c, s] = r === 0 ? [1, 0] : [x / r, z / r];
    if (k > low) e[k - 1] = r;
    const [a, b, g] = [d[k]!, e[k]!, d[k + 1]!];
    d[k] = c * c * a + 2 * c * s * b + s * s * g;
    d[k + 1] = s * s * a - 2 * c * s * b + c * c * g;
    e[k] = c * s * (g - a) + (c * c - s * s) * b;
    if (k + 1 < high) {
      x = e[k]!;
      z = s * e[k + 1]!;
      e[k + 1]! *= c;
    }
    for (let j = 0; j < n; j++) {
      const [p, q] = [v[k * n + j]!, v[(k + 1) * n + j]!];
      v[k * n + j] = c * p + s * q;
      v[(k + 1) * n + j] = c * q - s * p;
    }
  }
}

/** Makes T diagonal: from the bottom, splits where the subdiagonal is negligible, and steps on what hangs together. */
function diagonalize(t: Tridiagonal): void {
  const { d, e } = t;
  let budget = STEPS * d.length;
  for (let high = d.length - 1; high > 0;) {
    for (let i = 0; i < high; i++) {
      if (Math.abs(e[i]!) <= Number.EPSILON * (Math.abs(d[i]!) + Math.abs(d[i + 1]!))) e[i] = 0;
    }
    if (e[high - 1] === 0) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && e[low - 1] !== 0) low--;
    if (budget-- === 0) {
      throw new TorchError("Cannot eigh: the iteration must converge, got a matrix where it does not");
    }
    qrStep(t, low, high);
  }
}

/** Eigenvalues in ascending order, and eigenvectors in columns, from the lower triangle of `matrix`. */
export function symmetricEigen(matrix: Matrix): { values: Float64Array; vectors: Matrix } {
  const n = matrix.rows;
  // Squares of scaled elements neither overflow nor vanish.
  const scale = matrix.data.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0) || 1;
  const t = tridiagonalize({ ...matrix, data: matrix.data.map((x) => x / scale) });
  diagonalize(t);
  const order = Array.from(t.d.keys()).sort((i, j) => t.d[i]! - t.d[j]!);
  const vectors = zeros(n, n);
  order.forEach((row, j) => {
    for (let i = 0; i < n; i++) vectors.data[i * n + j] = t.v[row * n + i]!;
  });
  return { values: Float64Array.from(order, (i) => t.d[i]! * scale), vectors };
}
