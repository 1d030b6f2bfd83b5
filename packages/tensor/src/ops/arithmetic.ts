/**
 * Arithmetic of two operands: `add`, `sub`, `mul`, `div`, `pow` and their in-place forms.
 *
 * @module
 */

import { DTypeError, formatType } from "@flambeau/core";
import { bind, bindInto, replaceValue } from "../bind.ts";
import { promote, promoteFloat, requireNumber, type Scalar } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import type { Tensor } from "../tensor.ts";

/** Options of {@linkcode add} and {@linkcode sub}. */
export interface AlphaOptions {
  /** Factor of the second operand. Default 1. */
  readonly alpha?: number;
}

/**
 * `x + alpha · y`. Shapes broadcast, dtypes promote; a number keeps the tensor's dtype where its kind allows.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.add.html
 */
export function add(x: Tensor | Scalar, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  if (x instanceof TensorHandle && y instanceof TensorHandle && x.dtype === y.dtype && options === undefined) {
    return bind("add", [x as Tensor, y as Tensor], null);
  }
  const [a, b] = promote("add", x, y);
  const alpha = options?.alpha ?? 1;
  if (alpha === 1) return bind("add", [a, b], null);
  requireNumber("add", "alpha", alpha);
  if (a.dtype.kind !== "float" && !Number.isInteger(alpha)) {
    throw new DTypeError(`Cannot add ${formatType(a)} and ${formatType(b)} with alpha ${alpha}: for integers it must be an integer`);
  }
  return relabel(bind("addScaled", [a, b], { alpha }), "AddBackward0");
}

/** In-place {@linkcode add}: `x` takes the result, in its own dtype. */
export function add_(x: Tensor, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  if (y instanceof TensorHandle && x.dtype === y.dtype && options === undefined) {
    bindInto([x], "add", [x, y as Tensor], null);
    return x;
  }
  return inPlace("add_", x, (before) => add(before, y, options));
}

/**
 * `x / y`, rounded as asked; integers become floats without rounding.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.div.html
 */
export function div(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  const [a, b] = promoteFloat("div", x, y);
  return bind("div", [a, b], null);
}

/**
 * Runs `compute` on the value of `x` and writes the result back in place.
 *
 * @throws {ShapeError} If the result does not have the shape of `x`.
 * @throws {DTypeError} If the result cannot be converted to the dtype of `x` (float into integer).
 */
export function inPlace(op: string, x: Tensor, compute: (before: Tensor) => Tensor): Tensor {
  return replaceValue(op, x, compute);
}
