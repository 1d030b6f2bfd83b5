/**
 * LDLᵀ of symmetric matrices that may be indefinite, with Bunch–Kaufman pivoting. Computed on the host, without gradient.
 *
 * @module
 * @see Bunch and Kaufman 1977, https://doi.org/10.1090/S0025-5718-1977-0428694-0
 */

import { formatShape, formatType, int32, numelOf, ShapeError } from "@flambeau/core";
import { castTo, requireTensor } from "../../coerce.ts";
import { noGrad } from "../../grad_mode.ts";
import { namedTuple } from "../../named_tuple.ts";
import { temporaries } from "../../temporaries.ts";
import type { Tensor } from "../../tensor.ts";
import { indexValues } from "../bounds.ts";
import { dataSync, fromData } from "../data.ts";
import { batchOf, checkInfo, requireMatrix, requireSquare, sameBatches } from "./shared.ts";
import type { ExOptions } from "./factor.ts";
import { float64 } from "@flambeau/core";

/** Options of {@linkcode ldlFactor}. */
export interface LdlOptions {
  /** For complex matrices; changes nothing here. Default false. */
  readonly hermitian?: boolean;
}

/** `[LD, pivots]`, also by these names. */
export type LdlFactor = readonly [LD: Tensor, pivots: Tensor] & {
  /** D on the diagonal and in blocks of two, L below. */
  readonly LD: Tensor;
  /** Row exchanges, 1-based, negative for blocks of two, as LAPACK's `sytrf` → int32. */
  readonly pivots: Tensor;
};

/** `[LD, pivots, info]`, also by these names. */
export type LdlFactorEx = readonly [LD: Tensor, pivots: Tensor, info: Tensor] & {
  /** D on the diagonal and in blocks of two, L below. */
  readonly LD: Tensor;
  /** Row exchanges, 1-based, negative for blocks of two, as LAPACK's `sytrf` → int32. */
  readonly pivots: Tensor;
  /** 0, or the order of the first block of D that is 0 → int32. */
  readonly info: Tensor;
};

/** Decides between pivots of one and of two rows so that the elements grow least. */
const ALPHA = (1 + Math.sqrt(17)) / 8;

/** Factors the lower triangle of the n by n matrix at `a` in place; gives `info`. */
function factorLower(a: Float64Array, n: number, pivots: Int32Array): number {
  const at = (i: number, j: number) => a[i * n + j]!;
  const swap = (i: number, j: number, k: number, l: number) => {
    const value = at(i, j);
    a[i * n + j] = at(k, l);
    a[k * n + l] = value;
  };
  /** Row of the largest element of column j below row `from`, by size. */
  const largest = (from: number, j: number) => {
    let best = from;
    for (let i = from + 1; i < n; i++) if (Math.abs(at(i, j)) > Math.abs(at(best, j))) best = i;
    return best;
  };
  let info = 0;
  for (let k = 0; k < n;) {
    let step = 1;
    let pivot = k;
    const diagonal = Math.abs(at(k, k));
    const worst = k + 1 < n ? largest(k + 1, k) : k;
    const column = k + 1 < n ? Math.abs(at(worst, k)) : 0;
    if (Math.max(diagonal, column) === 0) {
      if (info === 0) info = k + 1;
      pivots[k] = k + 1;
      k++;
      continue;
    }
    if (diagonal < ALPHA * column) {
      let row = 0;
      for (let j = k; j < worst; j++) row = Math.max(row, Math.abs(at(worst, j)));
      for (let i = worst + 1; i < n; i++) row = Math.max(row, Math.abs(at(i, worst)));
      if (diagonal < ALPHA * column * (column / row)) {
        pivot = worst;
        if (Math.abs(at(worst, worst)) < ALPHA * row) step = 2;
      }
    }
    const moved = k + step - 1;
    if (pivot !== moved) {
      for (let i = pivot + 1; i < n; i++) swap(i, moved, i, pivot);
      for (let j = moved + 1; j < pivot; j++) swap(j, moved, pivot, j);
      swap(moved, moved, pivot, pivot);
      if (step === 2) swap(k + 1, k, pivot, k);
    }
    if (step === 1) eliminateOne(a, n, k);
    else eliminateTwo(a, n, k);
    pivots[k] = step === 1 ? pivot + 1 : -(pivot + 1);
    if (step === 2) pivots[k + 1] = -(pivot + 1);
    k += step;
  }
  return info;
}

function eliminateOne(a: Float64Array, n: number, k: number): void {
  const d = 1 / a[k * n + k]!;
  for (let j = k + 1; j < n; j++) {
    const factor = a[j * n + k]! * d;
    for (let i = j; i < n; i++) a[i * n + j]! -= a[i * n + k]! * factor;
  }
  for (let i = k + 1; i < n; i++) a[i * n + k]! *= d;
}

function eliminateTwo(a: Float64Array, n: number, k: number): void {
  const off = a[(k + 1) * n + k]!;
  const d11 = a[(k + 1) * n + k + 1]! / off;
  const d22 = a[k * n + k]! / off;
  const scale = 1 / (d11 * d22 - 1) / off;
  for (let j = k + 2; j < n; j++) {
    const first = scale * (d11 * a[j * n + k]! - a[j * n + k + 1]!);
    const second = scale * (d22 * a[j * n + k + 1]! - a[j * n + k]!);
    for (let i = j; i < n; i++) a[i * n + j]! -= a[i * n + k]! * first + a[i * n + k + 1]! * second;
    a[j * n + k] = first;
    a[j * n + k + 1] = second;
  }
}

/** Elements on the host in float64. */
function hostMatrix(x: Tensor): Float64Array {
  return Float64Array.from(dataSync(x) as ArrayLike<number>);
}

/** A tensor of host elements like `x`. */
function onDevice(x: Tensor, values: Float64Array, shape: readonly number[]): Tensor {
  const array = x.dtype === float64 ? values : Float32Array.from(values);
  return fromData(array, shape, x.dtype, x.device);
}

function factorAll(op: string, x: Tensor): readonly [Tensor, Tensor, Tensor] {
  requireSquare(op, x, "A");
  const n = x.shape[x.shape.length - 1]!;
  const batch = batchOf(x);
  const count = numelOf(batch);
  const values = hostMatrix(x);
  const pivots = new Int32Array(count * n);
  const info = new Int32Array(count);
  for (let b = 0; b < count; b++) {
    const matrix = values.subarray(b * n * n, (b + 1) * n * n);
    for (let i = 0; i < n; i++) matrix.fill(0, i * n + i + 1, (i + 1) * n); // only the lower triangle is read
    info[b] = factorLower(matrix, n, pivots.subarray(b * n, (b + 1) * n));
  }
  return [
    onDevice(x, values, x.shape),
    fromData(pivots, [...batch, n], int32, x.device),
    fromData(info, batch, int32, x.device),
  ];
}

/**
 * The packed LDLᵀ of symmetric matrices, whose lower triangle is read.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.ldl_factor.html
 */
export function ldlFactor(x: Tensor, _options: LdlOptions = {}): LdlFactor {
  const parts = temporaries(() => {
    const [factor, pivots, info] = factorAll("ldlFactor", x);
    checkInfo("ldlFactor", x, info, (order) => `it must have no zero block in D, got one at ${order}`);
    return [factor, pivots] as const;
  });
  return namedTuple(["LD", "pivots"], parts) as unknown as LdlFactor;
}

/** {@linkcode ldlFactor} that reports failure in `info` instead of throwing. */
export function ldlFactorEx(x: Tensor, options: LdlOptions & ExOptions = {}): LdlFactorEx {
  const parts = temporaries(() => {
    const [factor, pivots, info] = factorAll("ldlFactorEx", x);
    if (options.checkErrors === true) {
      checkInfo("ldlFactorEx", x, info, (order) => `it must have no zero block in D, got one at ${order}`);
    }
    return [factor, pivots, info] as const;
  });
  return namedTuple(["LD", "pivots", "info"], parts) as unknown as LdlFactorEx;
}

/** Solves with one factored matrix, in place in the n by k matrix `b`. */
function solveLower(a: Float64Array, n: number, pivots: ArrayLike<number>, b: Float64Array, k: number): void {
  const exchange = (i: number, j: number) => {
    if (i === j) return;
    for (let c = 0; c < k; c++) [b[i * k + c], b[j * k + c]] = [b[j * k + c]!, b[i * k + c]!];
  };
  const subtract = (target: number, source: number, factor: number) => {
    for (let c = 0; c < k; c++) b[target * k + c]! -= factor * b[source * k + c]!;
  };
  for (let i = 0; i < n;) {
    if (pivots[i]! > 0) {
      exchange(i, pivots[i]! - 1);
      for (let r = i + 1; r < n; r++) subtract(r, i, a[r * n + i]!);
      for (let c = 0; c < k; c++) b[i * k + c]! /= a[i * n + i]!;
      i++;
      continue;
    }
    exchange(i + 1, -pivots[i]! - 1);
    for (let r = i + 2; r < n; r++) {
      subtract(r, i, a[r * n + i]!);
      subtract(r, i + 1, a[r * n + i + 1]!);
    }
    const [p, q, s] = [a[i * n + i]!, a[(i + 1) * n + i]!, a[(i + 1) * n + i + 1]!];
    const determinant = p * s - q * q;
    for (let c = 0; c < k; c++) {
      const [x, y] = [b[i * k + c]!, b[(i + 1) * k + c]!];
      b[i * k + c] = (s * x - q * y) / determinant;
      b[(i + 1) * k + c] = (p * y - q * x) / determinant;
    }
    i += 2;
  }
  for (let i = n - 1; i >= 0;) {
    if (pivots[i]! > 0) {
      for (let r = i + 1; r < n; r++) subtract(i, r, a[r * n + i]!);
      exchange(i, pivots[i]! - 1);
      i--;
      continue;
    }
    for (let r = i + 1; r < n; r++) {
      subtract(i, r, a[r * n + i]!);
      subtract(i - 1, r, a[r * n + i - 1]!);
    }
    exchange(i, -pivots[i]! - 1);
    i -= 2;
  }
}

/**
 * X of A X = B for A given by {@linkcode ldlFactor}. Batches broadcast.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @throws {DeviceError} If the device cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.ldl_solve.html
 */
export function ldlSolve(ld: Tensor, pivots: Tensor, b: Tensor, _options: LdlOptions = {}): Tensor {
  requireSquare("ldlSolve", ld, "LD");
  requireTensor("ldlSolve", "pivots", pivots);
  requireMatrix("ldlSolve", b, "B");
  const n = ld.shape[ld.shape.length - 1]!;
  const [rows, k] = b.shape.slice(-2) as [number, number];
  if (rows !== n || pivots.shape[pivots.shape.length - 1] !== n) {
    throw new ShapeError(
      `Cannot ldlSolve ${formatType(ld)} and ${
        formatType(b)
      }: B must have ${n} rows and there be ${n} pivots, got ${rows} and ` +
        formatShape(pivots.shape),
    );
  }
  return temporaries(() =>
    noGrad(() => {
      const [a, right] = sameBatches("ldlSolve", ld, b);
      const shape = right.shape;
      const factors = hostMatrix(a);
      const values = hostMatrix(right);
      const batch = batchOf(right);
      const places = castTo(pivots, int32).expand([...batch, n]);
      const list = indexValues(places) ?? dataSync(places);
      for (let i = 0; i < numelOf(batch); i++) {
        const own = Array.from({ length: n }, (_, r) => Number(list[i * n + r]));
        solveLower(
          factors.subarray(i * n * n, (i + 1) * n * n),
          n,
          own,
          values.subarray(i * n * k, (i + 1) * n * k),
          k,
        );
      }
      return onDevice(right, values, shape);
    })
  );
}
