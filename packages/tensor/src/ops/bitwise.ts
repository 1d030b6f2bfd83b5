/**
 * Bit by bit on integers, truth by truth on bools; shifts.
 *
 * @module
 */

import type { Scalar } from "../coerce.ts";
import { binary, binaryInPlace, unary, unaryInPlace } from "../pointwise.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Bits inverted; truth inverted on bools.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_not.html
 */
export function bitwiseNot(x: Tensor): Tensor {
  return unary("bitwiseNot", x);
}

/** In-place {@linkcode bitwiseNot}. */
export function bitwiseNot_(x: Tensor): Tensor {
  return unaryInPlace("bitwiseNot", x);
}

/**
 * Bits set in both.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_and.html
 */
export function bitwiseAnd(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("bitwiseAnd", x, y);
}

/** In-place {@linkcode bitwiseAnd}. */
export function bitwiseAnd_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("bitwiseAnd", x, y);
}

/**
 * Bits set in either.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_or.html
 */
export function bitwiseOr(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("bitwiseOr", x, y);
}

/** In-place {@linkcode bitwiseOr}. */
export function bitwiseOr_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("bitwiseOr", x, y);
}

/**
 * Bits set in one of both.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_xor.html
 */
export function bitwiseXor(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("bitwiseXor", x, y);
}

/** In-place {@linkcode bitwiseXor}. */
export function bitwiseXor_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("bitwiseXor", x, y);
}

/**
 * `x · 2ʸ` on integers; shifts by the width or more give 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_left_shift.html
 */
export function bitwiseLeftShift(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("leftShift", x, y);
}

/** In-place {@linkcode bitwiseLeftShift}. */
export function bitwiseLeftShift_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("leftShift", x, y);
}

/**
 * `⌊x / 2ʸ⌋` on integers: an arithmetic shift.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_right_shift.html
 */
export function bitwiseRightShift(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("rightShift", x, y);
}

/** In-place {@linkcode bitwiseRightShift}. */
export function bitwiseRightShift_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("rightShift", x, y);
}
