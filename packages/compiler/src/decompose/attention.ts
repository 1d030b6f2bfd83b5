/**
 * Scaled dot-product attention.
 *
 * @module
 */

import { type Aval, int32 } from "@flambeau/core";
import { type Decomposition, Formula } from "./formula.ts";

/**
 * softmax(q kᵀ · scale + bias) v and the logarithm of the row sums: q […, L, E], k […, S, E], v […, S, F].
 *
 * A row whose scores are all −∞, or that has no keys, sees nothing: its result is 0 and its logarithm −∞.
 */
export const attention: Decomposition<"attention"> = (bind, inputs, { scale, causal }) => {
  const [q, k, v, bias] = inputs;
  const f = new Formula(bind);
  const last = q.shape.length - 1;
  if (k.shape[last - 1] === 0) {
    const rows = q.shape.slice(0, last);
    return [f.full([...rows, v.shape[last]!], 0, q.dtype), f.full([...rows, 1], -Infinity, q.dtype)];
  }
  const scores = scoresOf(f, q, k, bias, scale, causal);
  const max = f.amax(scores, [last]);
  const finite = f.where(f.eq(max, -Infinity), 0, max); // −∞ − (−∞) would be NaN
  const weights = f.exp(f.sub(scores, finite));
  const total = f.sum(weights, [last]);
  const divisor = f.where(f.eq(total, 0), 1, total);
  return [f.div(f.matmul(weights, v), divisor), f.add(finite, f.log(total))];
};

/**
 * Gradients of attention: with the weights p = exp(scores − logsumexp), gv = pᵀ g; the slope of scores is
 * p · (g vᵀ − delta), from which gq and gk follow.
 */
export const attentionBackward: Decomposition<"attentionBackward"> = (bind, inputs, { scale, causal }) => {
  const [g, q, k, v, logsumexp, delta, bias] = inputs;
  const f = new Formula(bind);
  const scores = scoresOf(f, q, k, bias, scale, causal);
  // A row that sees nothing has the logarithm −∞: its weights are 0, not NaN.
  const finite = f.where(f.eq(logsumexp, -Infinity), 0, logsumexp);
  const weights = f.exp(f.sub(scores, finite));
  const slope = f.mul(weights, f.sub(f.matmul(g, f.transpose(v)), delta));
  const kept = f.mul(causal ? f.where(seen(f, slope), slope, 0) : slope, scale);
  return [f.matmul(kept, k), f.matmul(f.transpose(kept), q), f.matmul(f.transpose(weights), g)];
};

/** q kᵀ · scale + bias, −∞ where it is causal and not seen. */
function scoresOf<T extends Aval>(
  f: Formula<T>,
  q: T,
  k: T,
  bias: T | undefined,
  scale: number,
  causal: boolean,
): T {
  const products = f.mul(f.matmul(q, f.transpose(k)), scale);
  const biased = bias === undefined ? products : f.add(products, bias);
  return causal ? f.where(seen(f, biased), biased, -Infinity) : biased;
}

/** bool[L, S]: true where row i sees column j, j <= i. */
function seen<T extends Aval>(f: Formula<T>, scores: T): T {
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  const row = f.view(f.iota(0, 1, rows, int32), [rows, 1]);
  return f.bind("ge", [row, f.iota(0, 1, columns, int32)], null);
}
