/**
 * Powers and exponentials of matrices, and products along one dimension.
 *
 * @module
 */

import { numelOf } from "@flambeau/core";
import { bind } from "../../bind.ts";
import { castTo, commonDType, requireInteger, requireTensor } from "../../coerce.ts";
import { noGrad } from "../../grad_mode.ts";
import { relabel } from "../../label.ts";
import { temporaries } from "../../temporaries.ts";
import type { Tensor } from "../../tensor.ts";
import { plainOf } from "../../transform.ts";
import { itemSync } from "../data.ts";
import { vander as powersOf } from "../structured.ts";
import { diagonal as diagonalOf, type DiagonalOptions } from "../view.ts";
import { crossAlong } from "../products.ts";
import { sum } from "../reduction.ts";
import { batchOf, identity, requireSquare, scalar } from "./shared.ts";
import { inv } from "./solve.ts";

/**
 * The `n`-th power of square matrices, by repeated squaring; of the inverse for negative `n`.
 *
 * @throws {ValueError} If `n` is negative and a matrix is singular.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_power.html
 */
export function matrixPower(x: Tensor, n: number | { readonly n: number }): Tensor {
  requireSquare("matrixPower", x, "A");
  const given = requireInteger("matrixPower", "n", typeof n === "object" ? n.n : n);
  return temporaries(() => {
    if (given === 0) {
      // The gradient is zero, not absent.
      const eye = identity(x, batchOf(x), x.shape[x.shape.length - 1]!);
      return bind("add", [bind("mul", [x, scalar(x, 0)], null), eye], null);
    }
    let base = given < 0 ? inv(x) : x;
    let out: Tensor | null = null;
    for (let rest = Math.abs(given); rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) out = out === null ? base : bind("matmul", [out, base], null);
      if (rest > 1) base = bind("matmul", [base, base], null);
    }
    return out === x ? bind("copy", [x], null) : relabel(out!, "MmBackward0");
  });
}

/** 1-norm below which the series is used as it is: 16 terms are then exact in float64. */
const SERIES_BOUND = 0.5;

/**
 * The exponential of square matrices, by scaling and squaring of the Taylor series to order 16.
 *
 * The number of squarings depends on the values, which are read on the host.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 * @see Moler and Van Loan 2003, https://doi.org/10.1137/S00361445024180
 */
export function matrixExp(x: Tensor): Tensor {
  requireSquare("matrixExp", x);
  return temporaries(() => {
    if (numelOf(x.shape) === 0) return bind("copy", [x], null);
    const n = x.shape.length;
    const size = noGrad(() => {
      const columns = bind("sum", [bind("abs", [x], null)], { dims: [n - 2], keepdim: false });
      const norms = plainOf(columns); // one number of squarings serves all batches
      return Number(itemSync(bind("amax", [norms], { dims: norms.shape.map((_, d) => d), keepdim: false })));
    });
    const squarings = Number.isFinite(size) && size > SERIES_BOUND
      ? Math.ceil(Math.log2(size / SERIES_BOUND))
      : 0;
    let y = exponentialSeries(bind("mul", [x, scalar(x, 2 ** -squarings)], null));
    for (let i = 0; i < squarings; i++) y = bind("matmul", [y, y], null);
    return relabel(y, "LinalgMatrixExpBackward0");
  });
}

/** Σ Aᵏ / k! for k ≤ 16, as a polynomial of degree 4 in A⁴ whose coefficients are polynomials of degree 3 in A. */
function exponentialSeries(a: Tensor): Tensor {
  const times = (x: Tensor, y: Tensor) => bind("matmul", [x, y], null);
  const a2 = times(a, a);
  const powers = [identity(a, [], a.shape[a.shape.length - 1]!), a, a2, times(a2, a)];
  const a4 = times(a2, a2);
  const factorial = (k: number): number => k < 2 ? 1 : k * factorial(k - 1);
  const block = (first: number) =>
    powers.map((power, i) => bind("mul", [power, scalar(a, 1 / factorial(first + i))], null))
      .reduce((x, y) => bind("add", [x, y], null));
  let out = bind("mul", [powers[0]!, scalar(a, 1 / factorial(16))], null);
  for (let first = 12; first >= 0; first -= 4) {
    const higher = first === 12 ? bind("mul", [a4, scalar(a, 1 / factorial(16))], null) : times(out, a4);
    out = bind("add", [block(first), higher], null);
  }
  return out;
}

/**
 * The cross product of vectors of three elements along `dim` (default -1); shapes broadcast.
 *
 * @throws {ShapeError} If the size of the dimension is not 3.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cross.html
 */
export function cross(x: Tensor, other: Tensor, dim: number | { readonly dim?: number } = -1): Tensor {
  requireTensor("cross", "input", x);
  requireTensor("cross", "other", other);
  return crossAlong("cross", x, other, typeof dim === "object" ? dim.dim ?? -1 : dim);
}

/**
 * Dot products along `dim` (default -1); shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vecdot.html
 */
export function vecdot(x: Tensor, y: Tensor, dim: number | { readonly dim?: number } = -1): Tensor {
  requireTensor("vecdot", "x", x);
  requireTensor("vecdot", "y", y);
  return temporaries(() => {
    const dtype = commonDType(x, y);
    const products = bind("mul", [castTo(x, dtype), castTo(y, dtype)], null);
    return sum(products, typeof dim === "object" ? dim.dim ?? -1 : dim);
  });
}

/**
 * Powers of the elements of vectors in columns: `x[i]⁰ … x[i]^(N − 1)`.
 *
 * Shapes: x `[…, n]` → `[…, n, N]`, with N = n by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vander.html
 */
export function vander(x: Tensor, options: { readonly N?: number | null } = {}): Tensor {
  const { N } = options;
  return powersOf(x, N === null || N === undefined ? { increasing: true } : { N, increasing: true });
}

/**
 * A diagonal of matrices, as a new last dimension; aliases `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.diagonal.html
 */
export function diagonal(x: Tensor, options: Partial<DiagonalOptions> = {}): Tensor {
  return diagonalOf(x, { dim1: -2, dim2: -1, ...options });
}
