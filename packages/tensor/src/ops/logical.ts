/**
 * Truth: `and`, `or`, `xor`, `not` of values that count as true where they are not 0. Results are bool.
 *
 * @module
 */

import { bool } from "@flambeau/core";
import { bind, replaceValue } from "../bind.ts";
import { castTo, requireTensor } from "../coerce.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";

function logical(op: string, name: "bitwiseAnd" | "bitwiseOr" | "bitwiseXor", x: Tensor, y: Tensor): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "other", y);
  if (x.dtype === bool && y.dtype === bool) return bind(name, [x, y], null);
  return temporaries(() => bind(name, [castTo(x, bool), castTo(y, bool)], null));
}

/**
 * True where x is 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logical_not.html
 */
export function logicalNot(x: Tensor): Tensor {
  return bind("logicalNot", [requireTensor("logicalNot", "input", x)], null);
}

/** In-place {@linkcode logicalNot}: `x` takes 0 and 1 in its own dtype. */
export function logicalNot_(x: Tensor): Tensor {
  return replaceValue("logicalNot_", requireTensor("logicalNot_", "input", x), logicalNot);
}

/**
 * True where both are not 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logical_and.html
 */
export function logicalAnd(x: Tensor, y: Tensor): Tensor {
  return logical("logicalAnd", "bitwiseAnd", x, y);
}

/** In-place {@linkcode logicalAnd}: `x` takes 0 and 1 in its own dtype. */
export function logicalAnd_(x: Tensor, y: Tensor): Tensor {
  return replaceValue(
    "logicalAnd_",
    requireTensor("logicalAnd_", "input", x),
    (before) => logicalAnd(before, y),
  );
}

/**
 * True where either is not 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logical_or.html
 */
export function logicalOr(x: Tensor, y: Tensor): Tensor {
  return logical("logicalOr", "bitwiseOr", x, y);
}

/** In-place {@linkcode logicalOr}: `x` takes 0 and 1 in its own dtype. */
export function logicalOr_(x: Tensor, y: Tensor): Tensor {
  return replaceValue(
    "logicalOr_",
    requireTensor("logicalOr_", "input", x),
    (before) => logicalOr(before, y),
  );
}

/**
 * True where one of both is not 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logical_xor.html
 */
export function logicalXor(x: Tensor, y: Tensor): Tensor {
  return logical("logicalXor", "bitwiseXor", x, y);
}

/** In-place {@linkcode logicalXor}: `x` takes 0 and 1 in its own dtype. */
export function logicalXor_(x: Tensor, y: Tensor): Tensor {
  return replaceValue(
    "logicalXor_",
    requireTensor("logicalXor_", "input", x),
    (before) => logicalXor(before, y),
  );
}
