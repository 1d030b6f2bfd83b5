/**
 * Optimizer steps, as PyTorch's `_single_tensor_sgd` and `_single_tensor_adam` compute them.
 *
 * @module
 */

import type { Aval } from "@flambeau/core";
import { type Decomposition, Formula } from "./formula.ts";
import { scaled } from "./pointwise.ts";

/**
 * One step of stochastic gradient descent → the new parameter and momentum buffer.
 *
 * PyTorch starts the buffer as the first gradient, undamped. That is this step over a buffer of zeros with `dampening`
 * 0, so an optimizer passes both on its first step. With momentum 0 the buffer returns unchanged.
 */
export const sgdStep: Decomposition<"sgdStep"> = (bind, [param, grad, buffer], attrs) => {
  const { lr, momentum, dampening, weightDecay, nesterov, maximize } = attrs;
  const f = new Formula(bind);
  const d = decayed(f, maximize ? f.neg(grad) : grad, param, weightDecay);
  if (momentum === 0) return [f.add(param, f.mul(d, -lr)), f.copy(buffer)];
  const velocity = f.add(f.mul(buffer, momentum), scaled(f, d, 1 - dampening));
  const step = nesterov ? f.add(d, f.mul(velocity, momentum)) : velocity;
  return [f.add(param, f.mul(step, -lr)), velocity];
};

/**
 * One step of Adam (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980), or of AdamW (`decoupled`: Loshchilov and
 * Hutter 2019, https://arxiv.org/abs/1711.05101) → the new parameter, first and second moment.
 */
export const adamStep: Decomposition<"adamStep"> = (bind, [param, grad, expAvg, expAvgSq], attrs) => {
  const { lr, beta1, beta2, eps, weightDecay, decoupled, maximize, step } = attrs;
  const f = new Formula(bind);
  const ascent = maximize ? f.neg(grad) : grad;
  const g = decoupled ? ascent : decayed(f, ascent, param, weightDecay);
  const shrunk = decoupled && weightDecay !== 0 ? f.mul(param, 1 - lr * weightDecay) : param;
  const m = f.add(f.mul(expAvg, beta1), f.mul(g, 1 - beta1));
  const v = f.add(f.mul(expAvgSq, beta2), f.mul(f.mul(g, g), 1 - beta2));
  const correction1 = 1 - beta1 ** step;
  const correction2 = Math.sqrt(1 - beta2 ** step);
  const denominator = f.add(f.div(f.bind("sqrt", [v], null), correction2), eps);
  return [f.add(shrunk, f.mul(f.div(m, denominator), -lr / correction1)), m, v];
};

function decayed<T extends Aval>(f: Formula<T>, g: T, param: T, weightDecay: number): T {
  return weightDecay === 0 ? g : f.add(g, f.mul(param, weightDecay));
}
