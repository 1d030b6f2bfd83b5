/**
 * `where`: one of two values, by a condition.
 *
 * @module
 */

import { bool, DTypeError, formatType, uint8 } from "@flambeau/core";
import { bind } from "../bind.ts";
import { castTo, commonDType, constant, isScalar, requireTensor, type Scalar } from "../coerce.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { nonzero } from "./nonzero.ts";

/**
 * `x` where the condition holds, else `y`. Shapes broadcast, dtypes promote; both may be numbers. With the condition
 * alone: where it holds, one int32 tensor of places per dimension.
 *
 * @throws {DTypeError} If the condition is not bool (uint8 is taken as such).
 * @see https://pytorch.org/docs/stable/generated/torch.where.html
 */
export function where(condition: Tensor): Tensor[];
/** The form with values to choose from. */
export function where(condition: Tensor, x: Tensor | Scalar, y: Tensor | Scalar): Tensor;
/** Implementation of both forms. */
export function where(condition: Tensor, x?: Tensor | Scalar, y?: Tensor | Scalar): Tensor | Tensor[] {
  requireTensor("where", "condition", condition);
  if (x === undefined && y === undefined) return nonzero(condition, { asTuple: true });
  if (condition.dtype !== bool && condition.dtype !== uint8) {
    throw new DTypeError(
      `Cannot where ${formatType(condition)}: condition must have dtype bool, got ${condition.dtype.name}`,
    );
  }
  const operands = [checked("input", x), checked("other", y)] as const;
  const dtype = commonDType(...operands);
  return temporaries(() => {
    const [a, b] = operands.map((value) =>
      isScalar(value) ? constant(value, dtype, condition.backend) : castTo(value, dtype)
    );
    return bind("where", [castTo(condition, bool), a!, b!], null);
  });
}

function checked(name: string, value: Tensor | Scalar | undefined): Tensor | Scalar {
  return isScalar(value) ? value : requireTensor("where", name, value);
}
