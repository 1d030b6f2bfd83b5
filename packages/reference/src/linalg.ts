/**
 * Kernels of direct factorizations and triangular systems, in float64, as LAPACK defines their results.
 *
 * @see Golub and Van Loan, Matrix Computations, 4th edition, sections 3.1, 3.4, 4.2 and 5.2
 *
 * @module
 */

import type { KernelTable } from "@flambeau/core";
import { checkFinite, eachMatrix, type Matrix, zeros } from "./dense.ts";
import { symmetricEigen } from "./eigen.ts";
import { householder } from "./householder.ts";
import type { HostDispatch, View } from "./iterate.ts";
import { singularValues } from "./singular.ts";

type LinalgName = "cholesky" | "luFactor" | "qr" | "eigh" | "svd" | "solveTriangular";

/** L with A = L Lᵀ from the lower triangle of A, and 0 or the 1-based order of the first minor that is not positive. */
function cholesky({ rows: n, data }: Matrix): { factor: Float64Array; info: number } {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) l[i * n + j] = data[i * n + j]!;
  for (let j = 0; j < n; j++) {
    let pivot = l[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= l[j * n + k]! ** 2;
    l[j * n + j] = pivot;
    if (!(pivot > 0)) return { factor: l, info: j + 1 };
    const root = Math.sqrt(pivot);
    l[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let rest = l[i * n + j]!;
      for (let k = 0; k < j; k++) rest -= l[i * n + k]! * l[j * n + k]!;
      l[i * n + j] = rest / root;
    }
  }
  return { factor: l, info: 0 };
}

/** P A = L U with the largest pivot of each column; `pivots[j]` is the 1-based row that row `j` was swapped with. */
function luFactor(
  { rows: m, columns: n, data }: Matrix,
): { lu: Float64Array; pivots: number[]; info: number } {
  const lu = data.slice();
  const pivots: number[] = [];
  let info = 0;
  for (let j = 0; j < Math.min(m, n); j++) {
    let best = j;
    for (let i = j + 1; i < m; i++) {
      if (Math.abs(lu[i * n + j]!) > Math.abs(lu[best * n + j]!)) best = i;
    }
    pivots.push(best + 1);
    const pivot = lu[best * n + j]!;
    if (pivot === 0) {
      if (info === 0) info = j + 1;
      continue;
    }
    if (best !== j) swapRows(lu, n, best, j);
    for (let i = j + 1; i < m; i++) {
      const factor = lu[i * n + j]! / pivot;
      lu[i * n + j] = factor;
      for (let k = j + 1; k < n; k++) lu[i * n + k]! -= factor * lu[j * n + k]!;
    }
  }
  return { lu, pivots, info };
}

function swapRows(data: Float64Array, n: number, i: number, j: number): void {
  for (let k = 0; k < n; k++) {
    const kept = data[i * n + k]!;
    data[i * n + k] = data[j * n + k]!;
    data[j * n + k] = kept;
  }
}

function qr(a: Matrix, complete: boolean): readonly Float64Array[] {
  const count = complete ? a.rows : Math.min(a.rows, a.columns);
  const { q, r } = householder(a, count);
  return [q.data, r.data.subarray(0, count * a.columns)];
}

/** X of A X = B by substitution, from the last row up for an upper triangle, from the first down for a lower one. */
function solveTriangular(a: Matrix, b: Matrix, upper: boolean, unitriangular: boolean): Float64Array {
  const { rows: n, columns } = b;
  const x = zeros(n, columns).data;
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step;
    const [from, to] = upper ? [i + 1, n] : [0, i];
    for (let c = 0; c < columns; c++) x[i * columns + c] = b.data[i * columns + c]!;
    for (let k = from; k < to; k++) {
      const factor = a.data[i * n + k]!;
      for (let c = 0; c < columns; c++) x[i * columns + c]! -= factor * x[k * columns + c]!;
    }
    if (unitriangular) continue;
    for (let c = 0; c < columns; c++) x[i * columns + c]! /= a.data[i * n + i]!;
  }
  return x;
}

/** Kernels of the factorizations over the memory that `view` shows. */
export function linalgKernels(view: View): Pick<KernelTable<HostDispatch>, LinalgName> {
  return {
    cholesky: (inputs, outputs) => () =>
      eachMatrix(view, inputs, outputs, [2, 0], (a) => {
        const { factor, info } = cholesky(a!);
        return [factor, [info]];
      }),
    luFactor: (inputs, outputs) => () =>
      eachMatrix(view, inputs, outputs, [2, 1, 0], (a) => {
        const { lu, pivots, info } = luFactor(a!);
        return [lu, pivots, [info]];
      }),
    qr: (inputs, outputs, { complete }) => () =>
      eachMatrix(view, inputs, outputs, [2, 2], (a) => qr(a!, complete)),
    eigh: (inputs, outputs) => () =>
      eachMatrix(view, inputs, outputs, [1, 2], (a) => {
        checkFinite("eigh", inputs[0], a!);
        const { values, vectors } = symmetricEigen(a!);
        return [values, vectors.data];
      }),
    svd: (inputs, outputs, { full }) => () =>
      eachMatrix(view, inputs, outputs, [2, 1, 2], (a) => {
        checkFinite("svd", inputs[0], a!);
        const { u, s, vh } = singularValues(a!, full);
        return [u.data, s, vh.data];
      }),
    solveTriangular: (inputs, output, { upper, unitriangular }) => () =>
      eachMatrix(view, inputs, [output], [2], (a, b) => [solveTriangular(a!, b!, upper, unitriangular)]),
  };
}
