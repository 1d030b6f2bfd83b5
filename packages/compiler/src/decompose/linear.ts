/**
 * The linear layer.
 *
 * @module
 */

import { type Decomposition, Formula } from "./formula.ts";

/** x @ weightᵀ + bias: x […, K], weight [N, K], bias [N] → […, N]. */
export const linear: Decomposition<"linear"> = (bind, [x, weight, bias]) => {
  const f = new Formula(bind);
  const rows = x.shape.length === 1 ? f.view(x, [1, x.shape[0]!]) : x;
  const y = f.add(f.matmul(rows, f.transpose(weight)), bias);
  return x.shape.length === 1 ? f.view(y, [weight.shape[0]!]) : y;
};
