/**
 * Shape rules of dense linear algebra: matrices in the last two dimensions, batches in front.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { int32 } from "../dtype.ts";
import type { LinalgPrimitives, Name } from "../primitives.ts";
import { formatShape, type Shape, shapesEqual, tryBroadcast } from "../shape.ts";
import { checkDim, checkRank, checkValues, type RulesOf, shapeError } from "./checks.ts";

/** Rules of the linear algebra primitives. */
export const linalgRules: RulesOf<LinalgPrimitives<unknown>> = {
  matmul(inputs) {
    const [x, y] = inputs;
    checkValues("matmul", inputs);
    const [batchX, m, k] = matrixOf("matmul", x);
    const [batchY, rows, n] = matrixOf("matmul", y);
    if (k !== rows) throw shapeError("matmul", inputs, "inner sizes must match", `${k} and ${rows}`);
    const batch = tryBroadcast(batchX, batchY);
    if (batch === null) {
      throw shapeError(
        "matmul",
        inputs,
        "batch sizes must match or be 1",
        `${formatShape(batchX)} and ${formatShape(batchY)}`,
      );
    }
    return { shape: [...batch, m, n], dtype: x.dtype };
  },

  cholesky(inputs) {
    const [x] = inputs;
    const [batch] = squareOf("cholesky", inputs, x);
    return [x, { shape: batch, dtype: int32 }];
  },

  luFactor(inputs) {
    const [x] = inputs;
    checkValues("luFactor", inputs);
    const [batch, m, n] = matrixOf("luFactor", x);
    return [x, { shape: [...batch, Math.min(m, n)], dtype: int32 }, { shape: batch, dtype: int32 }];
  },

  qr(inputs, { complete }) {
    const [x] = inputs;
    checkValues("qr", inputs);
    const [batch, m, n] = matrixOf("qr", x);
    const k = complete ? m : Math.min(m, n);
    return [{ shape: [...batch, m, k], dtype: x.dtype }, { shape: [...batch, k, n], dtype: x.dtype }];
  },

  eigh(inputs) {
    const [x] = inputs;
    const [batch, n] = squareOf("eigh", inputs, x);
    return [{ shape: [...batch, n], dtype: x.dtype }, x];
  },

  svd(inputs, { full }) {
    const [x] = inputs;
    const { dtype } = x;
    checkValues("svd", inputs);
    const [batch, m, n] = matrixOf("svd", x);
    const k = Math.min(m, n);
    return [
      { shape: [...batch, m, full ? m : k], dtype },
      { shape: [...batch, k], dtype },
      { shape: [...batch, full ? n : k, n], dtype },
    ];
  },

  solveTriangular(inputs) {
    const [a, b] = inputs;
    const [batchA, n] = squareOf("solveTriangular", inputs, a);
    const [batchB, rows] = matrixOf("solveTriangular", b);
    if (n !== rows) throw shapeError("solveTriangular", inputs, "rows must match", `${n} and ${rows}`);
    if (!shapesEqual(batchA, batchB)) {
      throw shapeError(
        "solveTriangular",
        inputs,
        "batch sizes must match",
        `${formatShape(batchA)} and ${formatShape(batchB)}`,
      );
    }
    return b;
  },

  fft(inputs, { dim }) {
    const [x] = inputs;
    checkValues("fft", inputs);
    checkDim("fft", x, dim);
    const last = x.shape.length - 1;
    if (x.shape[last] !== 2) {
      throw shapeError("fft", inputs, "the last size must be 2, for complex pairs", `${x.shape[last]}`);
    }
    if (dim === last) {
      throw shapeError(
        "fft",
        inputs,
        "dim must not be the last dimension, which holds complex pairs",
        `${dim}`,
      );
    }
    if (x.shape[dim] === 0) {
      throw shapeError("fft", inputs, `the size at dimension ${dim} must be 1 or more`, "0");
    }
    return x;
  },
};

function matrixOf(op: Name, x: Aval): [batch: Shape, rows: number, columns: number] {
  checkRank(op, x, 2);
  const rank = x.shape.length;
  return [x.shape.slice(0, -2), x.shape[rank - 2]!, x.shape[rank - 1]!];
}

function squareOf(op: Name, inputs: readonly Aval[], x: Aval): [batch: Shape, size: number] {
  checkValues(op, inputs);
  const [batch, rows, columns] = matrixOf(op, x);
  if (rows !== columns) throw shapeError(op, inputs, "the matrix must be square", `${rows} by ${columns}`);
  return [batch, rows];
}
