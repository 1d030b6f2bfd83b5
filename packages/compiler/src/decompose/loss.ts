/**
 * Negative log likelihood of classes, of log probabilities or of scores.
 *
 * @module
 */

import type { Aval, Bind, CrossEntropyAttrs, Inputs } from "@flambeau/core";
import { type Decomposition, Formula, product } from "./formula.ts";

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

/**
 * Σ (1 − s) · weight[target] · −ln p[target] + s / C · Σ −ln p with ln p = (x − largest) − logs, divided by the total weight
 * for `"mean"`.
 */
export const crossEntropy: Decomposition<"crossEntropy"> = <T extends Aval>(
  bind: Bind<T>,
  [x, target, weight]: Inputs<"crossEntropy", T>,
  { reduction, ignoreIndex, smoothing }: CrossEntropyAttrs,
) => {
  const f = new Formula(bind);
  const classes = x.shape[1]!;
  const row = (y: T): T => f.view(y, target.shape);
  const largest = f.amax(x, [1]);
  const below = f.sub(x, largest);
  const logs = f.log(f.sum(f.exp(below), [1]));
  const { ignored, safe, factor } = targetWeights(f, target, ignoreIndex, weight);
  const places = f.view(safe, logs.shape);
  const picked = row(f.sub(bind("gather", [below, places], { dim: 1 }), logs));
  let each = factor === null ? picked : f.mul(picked, factor);
  if (smoothing > 0) {
    const all = row(f.sub(f.sum(below, [1]), f.mul(logs, classes)));
    each = f.add(f.mul(each, 1 - smoothing), f.mul(all, smoothing / classes));
  }
  const losses = f.where(ignored, 0, f.neg(each));
  if (reduction === "none") return [losses, row(largest), row(logs), f.scalar(0, x.dtype)];
  const dims = target.shape.map((_, d) => d);
  const total = f.sum(f.where(ignored, 0, factor ?? f.full(target.shape, 1, x.dtype)), dims, false);
  const sum = f.sum(losses, dims, false);
  return [reduction === "mean" ? f.div(sum, total) : sum, row(largest), row(logs), total];
};

/**
 * p · (a + C b) − b − (a at the target), with p = e^((x − largest) − logs), a = g · (1 − s) · weight[target] and b = g · s / C;
 * g divided by the total weight for `"mean"`.
 */
export const crossEntropyBackward: Decomposition<"crossEntropyBackward"> = <T extends Aval>(
  bind: Bind<T>,
  [g, x, target, largest, logs, totalWeight, weight]: Inputs<"crossEntropyBackward", T>,
  { reduction, ignoreIndex, smoothing }: CrossEntropyAttrs,
) => {
  const f = new Formula(bind);
  const classes = x.shape[1]!;
  const [n, ...rest] = target.shape as [number, ...number[]];
  const column = (y: T): T => f.view(y, [n, 1, ...rest]);
  const { ignored, safe, factor } = targetWeights(f, target, ignoreIndex, weight);
  const share = reduction === "mean" ? f.div(g, totalWeight) : g;
  // Chosen last: when nothing counts, 1 / 0 must not meet 0.
  const part = (slope: T): T => column(f.where(ignored, 0, slope));
  const whole = factor === null ? share : f.mul(factor, share);
  const own = part(smoothing === 0 ? whole : f.mul(whole, 1 - smoothing));
  const p = f.exp(f.sub(f.sub(x, column(f.copy(largest))), column(f.copy(logs))));
  const places = f.view(f.iota(0, 1, classes, target.dtype), [classes, ...rest.map(() => 1)]);
  const hit = f.where(f.eq(places, column(safe)), own, 0);
  if (smoothing === 0) return f.sub(f.mul(p, own), hit);
  const spread = part(f.mul(share, smoothing / classes));
  return f.sub(f.sub(f.mul(p, f.add(own, f.mul(spread, classes))), spread), hit);
};

/** Which targets do not count, targets with class 0 for those (they may be no class at all), and the weights of all. */
function targetWeights<T extends Aval>(
  f: Formula<T>,
  target: T,
  ignoreIndex: number,
  weight: T | undefined,
): { ignored: T; safe: T; factor: T | null } {
  const ignored = f.eq(target, ignoreIndex);
  const safe = f.where(ignored, 0, target);
  if (weight === undefined) return { ignored, safe, factor: null };
  const picked = f.bind("indexSelect", [weight, f.view(safe, [product(target.shape)])], { dim: 0 });
  return { ignored, safe, factor: f.view(picked, target.shape) };
}
