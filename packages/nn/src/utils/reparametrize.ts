/**
 * The formulas of weight normalization and spectral normalization.
 *
 * @module
 */

import {
  clampMin,
  copy_,
  div,
  dot,
  movedim,
  mul,
  mv,
  noGrad,
  randn,
  reshape,
  type Tensor,
  transpose,
  vectorNorm,
} from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";

/** The norm over all dimensions but `dim`, which keep size 1; over all where `dim` is -1. */
export function normExcept(v: Tensor, dim: number): Tensor {
  if (dim === -1) return vectorNorm(v);
  const others = v.shape.map((_, d) => d).filter((d) => d !== dim);
  return others.length === 0 ? v.abs() : vectorNorm(v, { dim: others, keepdim: true });
}

/** v · g / ‖v‖, with the norm over all dimensions but `dim`. */
export function weightOf(v: Tensor, g: Tensor, dim: number): Tensor {
  return temporaries(() => mul(v, div(g, normExcept(v, dim))));
}

/** A weight as a matrix whose rows are dimension `dim`. */
export function asMatrix(weight: Tensor, dim: number): Tensor {
  const front = dim === 0 ? weight : movedim(weight, dim, 0);
  return reshape(front, [front.shape[0]!, -1]);
}

/** x / max(‖x‖, eps). */
export function unit(x: Tensor, eps: number): Tensor {
  return div(x, clampMin(vectorNorm(x), eps));
}

/** Random first estimates of the singular vectors of the largest singular value. */
export function firstVectors(matrix: Tensor, eps: number): [u: Tensor, v: Tensor] {
  const options = { dtype: matrix.dtype, device: matrix.device };
  return noGrad(() => [
    temporaries(() => unit(randn([matrix.shape[0]!], options), eps)),
    temporaries(() => unit(randn([matrix.shape[1]!], options), eps)),
  ]);
}

/** Improves the estimates in place. */
export function iterate(matrix: Tensor, u: Tensor, v: Tensor, count: number, eps: number): void {
  noGrad(() =>
    temporaries(() => {
      for (let i = 0; i < count; i++) {
        copy_(v, unit(mv(transpose(matrix, 0, 1), u), eps));
        copy_(u, unit(mv(matrix, v), eps));
      }
      return null;
    })
  );
}

/** The largest singular value by its vectors, differentiable for the matrix. */
export function sigmaOf(matrix: Tensor, u: Tensor, v: Tensor): Tensor {
  // Copies: the next step improves the vectors in place, and the gradient needs these.
  return dot(u.clone(), mv(matrix, v.clone()));
}
