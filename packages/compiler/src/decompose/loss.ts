/**
 * Negative log likelihood.
 *
 * @module
 */

import { type Decomposition, Formula } from "./formula.ts";

/**
 * −Σ weight[target] · logp[i, target] over the rows that count, divided by their total weight for `"mean"`
 * → loss and total weight. Rows whose target is `ignoreIndex` count nothing, whatever they hold; when none counts,
 * the mean is 0 / 0 = NaN, as in PyTorch.
 */
export const nllLoss: Decomposition<"nllLoss"> = (
  bind,
  [logp, target, weight],
  { reduction, ignoreIndex },
) => {
  const f = new Formula(bind);
  const rows = target.shape[0]!;
  const ignored = f.eq(target, ignoreIndex);
  const safe = f.where(ignored, 0, target); // ignoreIndex may be no class at all
  const picked = f.view(bind("gather", [logp, f.view(safe, [rows, 1])], { dim: 1 }), [rows]);
  const weights = bind("indexSelect", [weight, safe], { dim: 0 });
  const totalWeight = f.sum(f.where(ignored, 0, weights), [0], false);
  const total = f.sum(f.where(ignored, 0, f.mul(picked, weights)), [0], false);
  const loss = f.neg(reduction === "mean" ? f.div(total, totalWeight) : total);
  return [loss, totalWeight];
};
