/**
 * Dense matrices of float64 in row-major order: what the factorizations compute on.
 *
 * @module
 */

import { formatType, type Operand, ValueError } from "@flambeau/core";
import { eachPlace, fromDense, toDenseNumbers, type View } from "./iterate.ts";

/** `rows` by `columns` numbers; element (i, j) is `data[i * columns + j]`. */
export interface Matrix {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly columns: number;
  /** The elements, row by row. */
  readonly data: Float64Array;
}

/** A matrix of zeros. */
export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/** The identity of size `n`. */
export function identity(n: number): Matrix {
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) out.data[i * n + i] = 1;
  return out;
}

/** The matrix with rows and columns exchanged. */
export function transpose({ rows, columns, data }: Matrix): Matrix {
  const out = zeros(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j]!;
  }
  return out;
}

/** The product `x y`. */
export function product(x: Matrix, y: Matrix): Matrix {
  const out = zeros(x.rows, y.columns);
  for (let i = 0; i < x.rows; i++) {
    for (let k = 0; k < x.columns; k++) {
      const factor = x.data[i * x.columns + k]!;
      for (let j = 0; j < y.columns; j++) out.data[i * y.columns + j]! += factor * y.data[k * y.columns + j]!;
    }
  }
  return out;
}

/** The first `operand.shape.length - rank` dimensions: one entry for each batch. */
function batchOf(operand: Operand, rank: number): { shape: number[]; strides: number[]; offset: number } {
  const end = operand.shape.length - rank;
  return {
    shape: operand.shape.slice(0, end),
    strides: operand.strides.slice(0, end),
    offset: operand.offset,
  };
}

/** The last `rank` dimensions, from `offset` on. */
function cellAt(operand: Operand, rank: number, offset: number): Operand {
  const start = operand.shape.length - rank;
  return {
    buffer: operand.buffer,
    dtype: operand.dtype,
    shape: operand.shape.slice(start),
    strides: operand.strides.slice(start),
    offset,
  };
}

/**
 * For each batch: loads the input matrices, calls `compute`, and stores the arrays it answers, in row-major order.
 *
 * @param ranks How many trailing dimensions of each output belong to one batch: 2 a matrix, 1 a vector, 0 a number.
 */
export function eachMatrix(
  view: View,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  ranks: readonly number[],
  compute: (...matrices: Matrix[]) => readonly ArrayLike<number>[],
): void {
  const starts = [...inputs.map((x) => batchOf(x, 2)), ...outputs.map((y, k) => batchOf(y, ranks[k]!))];
  eachPlace(starts[0]!.shape, starts, (places) => {
    const matrices = inputs.map((x, k) => {
      const [rows, columns] = x.shape.slice(-2) as [number, number];
      return { rows, columns, data: toDenseNumbers(view, cellAt(x, 2, places[k]!)) };
    });
    compute(...matrices).forEach((values, k) => {
      const cell = cellAt(outputs[k]!, ranks[k]!, places[inputs.length + k]!);
      fromDense(view, cell, Float64Array.from(values));
    });
  });
}

/** Throws unless all elements of `matrix`, a batch of `x`, are finite: iterations would not end. */
export function checkFinite(op: string, x: Operand, matrix: Matrix): void {
  const bad = matrix.data.find((value) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw new ValueError(`Cannot ${op} ${formatType(x)}: all elements must be finite, got ${bad}`);
}
