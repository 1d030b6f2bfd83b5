/**
 * Activations and other pointwise formulas.
 *
 * @module
 */

import { type Decomposition, Formula } from "./formula.ts";
import { type Aval, float32 } from "@flambeau/core";

/** √(2/π) and the cubic coefficient of the tanh form of gelu (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415). */
const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;

/** x · Φ(x) with Φ(x) = erfc(−x / √2) / 2, which keeps its digits far below 0; or x · (1 + tanh(√(2/π)(x + 0.044715 x³))) / 2. */
export const gelu: Decomposition<"gelu"> = (bind, [x], { approximate }) => {
  const f = new Formula(bind);
  if (approximate === "none") return f.mul(x, normalCdf(f, x));
  return f.mul(f.mul(x, 0.5), f.add(tanhInner(f, x), 1));
};

/** g · (Φ(x) + x · φ(x)), or the derivative of the tanh form. */
export const geluBackward: Decomposition<"geluBackward"> = (bind, [g, x], { approximate }) => {
  const f = new Formula(bind);
  if (approximate === "none") {
    const density = f.mul(f.exp(f.mul(f.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return f.mul(g, f.add(normalCdf(f, x), f.mul(x, density)));
  }
  const t = tanhInner(f, x);
  const slope = f.add(f.mul(f.mul(x, x), 3 * TANH_CUBIC * TANH_SCALE), TANH_SCALE); // of tanh's argument
  const sech2 = f.add(f.neg(f.mul(t, t)), 1);
  const right = f.mul(f.mul(f.mul(x, 0.5), sech2), slope);
  return f.mul(g, f.add(f.mul(f.add(t, 1), 0.5), right));
};

/** x · sigmoid(x). */
export const silu: Decomposition<"silu"> = (bind, [x]) => bind("mul", [x, bind("sigmoid", [x], null)], null);

/** 0 where x <= 0, else g: NaN lets the gradient pass, as in PyTorch. */
export const reluBackward: Decomposition<"reluBackward"> = (bind, [g, x]) => {
  const f = new Formula(bind);
  return f.where(f.le(x, 0), 0, g);
};

/** min(max(x, min), max): the upper limit wins when the limits cross, as in PyTorch. */
export const clamp: Decomposition<"clamp"> = (bind, [x], { min, max }) => {
  const f = new Formula(bind);
  if (min === null && max === null) return f.copy(x);
  const raised = min === null ? x : f.maximum(x, min);
  return max === null ? raised : f.minimum(raised, max);
};

/** x · scale where a uniform random number is `p` or above, else 0 → y, and where. */
export const dropout: Decomposition<"dropout"> = (bind, [x], { key, counter, p, scale }) => {
  const f = new Formula(bind);
  const noise = f.bind("randomUniform", [], { shape: x.shape, dtype: float32, key, counter });
  const kept = f.bind("ge", [noise, f.scalar(p, float32)], null);
  return [f.where(kept, f.mul(x, scale), 0), kept];
};

/** x + alpha · y. */
export const addScaled: Decomposition<"addScaled"> = (bind, [x, y], { alpha }) => {
  const f = new Formula(bind);
  return f.add(x, scaled(f, y, alpha));
};

/** y · alpha, without a step for 1. */
export function scaled<T extends Aval>(f: Formula<T>, y: T, alpha: number): T {
  return alpha === 1 ? y : f.mul(y, alpha);
}

function normalCdf<T extends Aval>(f: Formula<T>, x: T): T {
  return f.mul(f.bind("erfc", [f.mul(x, -Math.SQRT1_2)], null), 0.5);
}

function tanhInner<T extends Aval>(f: Formula<T>, x: T): T {
  const cubic = f.add(f.mul(f.mul(f.mul(x, x), x), TANH_CUBIC), x);
  return f.bind("tanh", [f.mul(cubic, TANH_SCALE)], null);
}
