/**
 * Kernel of the matrix product.
 *
 * Rows of the result are sums of rows of `y`: the loops run i, k, j, so that the innermost one walks along memory.
 *
 * @module
 */

import { int64, type KernelTable, type Operand } from "@flambeau/core";
import { broadcastStrides, eachPlace, fromDense, type HostDispatch, toDense, type View } from "./iterate.ts";

/** Adds `x` [M, K] times `y` [K, N] to `out` [M, N], in float64. */
function multiply(
  x: Float64Array,
  y: Float64Array,
  out: Float64Array,
  m: number,
  k: number,
  n: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const factor = x[i * k + p]!;
      for (let j = 0, o = i * n, q = p * n; j < n; j++, o++, q++) out[o]! += factor * y[q]!;
    }
  }
}

/** As `multiply`, modulo 2^32. */
function multiplyInt(
  x: Float64Array,
  y: Float64Array,
  out: Float64Array,
  m: number,
  k: number,
  n: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const factor = x[i * k + p]!;
      for (let j = 0, o = i * n, q = p * n; j < n; j++, o++, q++) {
        out[o] = (out[o]! + Math.imul(factor, y[q]!)) | 0;
      }
    }
  }
}

/** As `multiply`, modulo 2^64. */
function multiplyBig(
  x: BigInt64Array,
  y: BigInt64Array,
  out: BigInt64Array,
  m: number,
  k: number,
  n: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const factor = x[i * k + p]!;
      for (let j = 0, o = i * n, q = p * n; j < n; j++, o++, q++) out[o]! += factor * y[q]!;
    }
  }
}

/** The matrix that starts at `offset` in the batch `x`. */
function matrixAt(x: Operand, offset: number): Operand {
  return { buffer: x.buffer, dtype: x.dtype, shape: x.shape.slice(-2), strides: x.strides.slice(-2), offset };
}

function matmul(view: View, x: Operand, y: Operand, output: Operand): void {
  const [m, k] = x.shape.slice(-2) as [number, number];
  const n = y.shape.at(-1)!;
  const batch = output.shape.slice(0, -2);
  const starts = [x, y, output].map(({ shape, strides, offset }) => ({
    strides: broadcastStrides({ shape: shape.slice(0, -2), strides: strides.slice(0, -2) }, batch),
    offset,
  }));
  eachPlace(batch, starts, ([xStart, yStart, start]) => {
    const a = toDense(view, matrixAt(x, xStart!));
    const b = toDense(view, matrixAt(y, yStart!));
    if (x.dtype === int64) {
      const out = new BigInt64Array(m * n);
      multiplyBig(a as BigInt64Array, b as BigInt64Array, out, m, k, n);
      fromDense(view, matrixAt(output, start!), out);
    } else {
      const out = new Float64Array(m * n);
      const product = x.dtype.kind === "float" ? multiply : multiplyInt;
      product(a as Float64Array, b as Float64Array, out, m, k, n);
      fromDense(view, matrixAt(output, start!), out);
    }
  });
}

/** Kernel of the matrix product over the memory that `view` shows. */
export function matmulKernels(view: View): Pick<KernelTable<HostDispatch>, "matmul"> {
  return { matmul: ([x, y], output) => () => matmul(view, x, y, output) };
}
