/**
 * Arithmetic in place, with as little new memory as the formulas allow. Numbers become scalars that are freed with the
 * temporaries around: learning rates and corrections change every step, so nothing would be gained by keeping them.
 *
 * @module
 */

import { keep, type Tensor } from "@flambeau/tensor";
import { bind, bindInto, executeOn, temporaries } from "@flambeau/tensor/internal";

/** A tensor like `x`, all `value`, that outlives the scopes around: the state of an optimizer. */
export function stateLike(x: Tensor, value = 0): Tensor {
  return keep(executeOn(x.backend, "full", { shape: x.shape, value, dtype: x.dtype }));
}

/** A contiguous copy of `x` that outlives the scopes around. */
export function stateCopy(x: Tensor): Tensor {
  return keep(bind("copy", [x], null));
}

/** A scalar of the dtype and device of `x`. */
export function scalar(value: number, x: Tensor): Tensor {
  return executeOn(x.backend, "full", { shape: [], value, dtype: x.dtype });
}

/** x + alpha · y, in new memory. */
export function plus(x: Tensor, y: Tensor, alpha = 1): Tensor {
  return bind("addScaled", [x, y], { alpha });
}

/** x ← x + alpha · y. */
export function add_(x: Tensor, y: Tensor, alpha = 1): void {
  bindInto([x], "addScaled", [x, y], { alpha });
}

/** x ← factor · x. */
export function scale_(x: Tensor, factor: number): void {
  if (factor !== 1) bindInto([x], "mul", [x, scalar(factor, x)], null);
}

/** x ← x + number. */
export function shift_(x: Tensor, number: number): void {
  if (number !== 0) bindInto([x], "add", [x, scalar(number, x)], null);
}

/** x ← decay · x + (1 − decay) · y: a running average. */
export function average_(x: Tensor, y: Tensor, decay: number): void {
  scale_(x, decay);
  add_(x, y, 1 - decay);
}

/** x ← decay · x + (1 − decay) · y²: a running average of squares. */
export function averageSquare_(x: Tensor, y: Tensor, decay: number): void {
  temporaries(() => {
    average_(x, bind("mul", [y, y], null), decay);
    return null;
  });
}

/** √x / divisor + eps, in new memory. */
export function root(x: Tensor, divisor: number, eps: number): Tensor {
  const out = bind("sqrt", [x], null);
  if (divisor !== 1) bindInto([out], "div", [out, scalar(divisor, x)], null);
  shift_(out, eps);
  return out;
}

/** `divisor` ← x / divisor, for a divisor that nobody needs any more. Gives it. */
export function quotientInto(x: Tensor, divisor: Tensor): Tensor {
  bindInto([divisor], "div", [x, divisor], null);
  return divisor;
}

/** Options that bend a gradient before an update sees it. */
export interface Bend {
  /** Climb instead of descending. */
  readonly maximize: boolean;
  /** L2 penalty: this times the parameter is added to the gradient. */
  readonly weightDecay: number;
}

/** The gradient that an update follows: negated for `maximize`, with the L2 penalty. `grad` itself where neither holds. */
export function bent(param: Tensor, grad: Tensor, { maximize, weightDecay }: Bend): Tensor {
  const descent = maximize ? bind("neg", [grad], null) : grad;
  return weightDecay === 0 ? descent : plus(descent, param, weightDecay);
}
