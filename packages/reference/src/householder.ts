/**
 * QR by Householder reflections.
 *
 * @see Golub and Van Loan, Matrix Computations, 4th edition, section 5.2
 *
 * @module
 */

import { type Matrix, zeros } from "./dense.ts";

/**
 * A = Q R by Householder reflections H = I − τ v vᵀ, v₀ = 1, each of which turns a column into β e₀ with
 * β = −sign(a₀)‖a‖. A column that is 0 below its head needs none (H = I), so its β is a₀, as in LAPACK.
 *
 * @param count How many columns of Q to form: min(M, N) to M.
 * @returns The first columns of Q, and R with the shape of A.
 */
export function householder(a: Matrix, count: number): { q: Matrix; r: Matrix } {
  const { rows: m, columns: n } = a;
  const r = a.data.slice();
  const reflections: { v: Float64Array; tau: number }[] = [];
  for (let j = 0; j < Math.min(m, n); j++) {
    const v = new Float64Array(m);
    v[j] = 1;
    let largest = 0;
    for (let i = j + 1; i < m; i++) largest = Math.max(largest, Math.abs(r[i * n + j]!));
    if (largest === 0) {
      reflections.push({ v, tau: 0 });
      continue;
    }
    const head = r[j * n + j]!;
    const scale = Math.max(largest, Math.abs(head)); // squares of scaled numbers neither overflow nor vanish
    let squares = 0;
    for (let i = j; i < m; i++) squares += (r[i * n + j]! / scale) ** 2;
    const beta = (head < 0 ? 1 : -1) * scale * Math.sqrt(squares);
    for (let i = j + 1; i < m; i++) v[i] = r[i * n + j]! / (head - beta);
    const tau = (beta - head) / beta;
    reflect(r, n, j, v, tau);
    for (let i = j + 1; i < m; i++) r[i * n + j] = 0; // exactly
    reflections.push({ v, tau });
  }
  const q = zeros(m, count);
  for (let i = 0; i < count; i++) q.data[i * count + i] = 1;
  for (let j = reflections.length - 1; j >= 0; j--) {
    reflect(q.data, count, j, reflections[j]!.v, reflections[j]!.tau);
  }
  return { q, r: { rows: m, columns: n, data: r } };
}

/** Applies I − τ v vᵀ from the left to the columns from `first` on; v is 0 before place `first`. */
function reflect(data: Float64Array, columns: number, first: number, v: Float64Array, tau: number): void {
  const dots = new Float64Array(columns);
  for (let i = first; i < v.length; i++) {
    for (let k = first; k < columns; k++) dots[k]! += v[i]! * data[i * columns + k]!;
  }
  for (let i = first; i < v.length; i++) {
    for (let k = first; k < columns; k++) data[i * columns + k]! -= tau * v[i]! * dots[k]!;
  }
}
