/**
 * Softmax, its logarithm, and their gradients. The largest value of a row is subtracted first, so nothing
 * overflows; a row that is −∞ everywhere, or holds +∞ or NaN, is NaN everywhere, as in PyTorch.
 *
 * @module
 */

import type { Aval } from "@flambeau/core";
import { type Decomposition, Formula } from "./formula.ts";

/** softmax(x) = e^(x − max x) / Σ e^(x − max x). */
export const softmax: Decomposition<"softmax"> = (bind, [x], { dim }) => {
  const f = new Formula(bind);
  if (x.shape[dim] === 0) return f.copy(x);
  const e = f.exp(belowMax(f, x, dim));
  return f.div(e, f.sum(e, [dim]));
};

/** logSoftmax(x) = (x − max x) − ln Σ e^(x − max x). */
export const logSoftmax: Decomposition<"logSoftmax"> = (bind, [x], { dim }) => {
  const f = new Formula(bind);
  if (x.shape[dim] === 0) return f.copy(x);
  const below = belowMax(f, x, dim);
  return f.sub(below, f.log(f.sum(f.exp(below), [dim])));
};

/** y · (g − Σ g·y). */
export const softmaxBackward: Decomposition<"softmaxBackward"> = (bind, [g, y], { dim }) => {
  const f = new Formula(bind);
  return f.mul(y, f.sub(g, f.sum(f.mul(g, y), [dim])));
};

/** g − eʸ · Σ g. */
export const logSoftmaxBackward: Decomposition<"logSoftmaxBackward"> = (bind, [g, y], { dim }) => {
  const f = new Formula(bind);
  return f.sub(g, f.mul(f.exp(y), f.sum(g, [dim])));
};

function belowMax<T extends Aval>(f: Formula<T>, x: T, dim: number): T {
  return f.sub(x, f.amax(x, [dim]));
}
