/**
 * Methods that compare.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { Scalar } from "../coerce.ts";
import * as comparison from "../ops/comparison.ts";
import * as logical from "../ops/logical.ts";
import * as choose from "../ops/where.ts";
import type { Tensor } from "../tensor.ts";
import { UnaryMethods } from "./unary.ts";

/** `eq`, `lt`, `isclose`, `logicalAnd` … and their in-place forms. */
export class ComparisonMethods extends UnaryMethods {
  /** See {@linkcode choose.where}: this tensor where the condition holds, else `other`. */
  where(this: Tensor, condition: Tensor, other: Tensor | Scalar): Tensor {
    return choose.where(condition, this, other);
  }
  /** See {@linkcode comparison.eq}. */
  eq(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.eq(this, y);
  }
  /** See {@linkcode comparison.eq_}. */
  eq_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.eq_(this, y);
  }
  /** See {@linkcode comparison.ne}. */
  ne(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.ne(this, y);
  }
  /** See {@linkcode comparison.notEqual}. */
  notEqual(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.notEqual(this, y);
  }
  /** See {@linkcode comparison.ne_}. */
  ne_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.ne_(this, y);
  }
  /** See {@linkcode comparison.notEqual_}. */
  notEqual_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.notEqual_(this, y);
  }
  /** See {@linkcode comparison.lt}. */
  lt(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.lt(this, y);
  }
  /** See {@linkcode comparison.less}. */
  less(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.less(this, y);
  }
  /** See {@linkcode comparison.lt_}. */
  lt_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.lt_(this, y);
  }
  /** See {@linkcode comparison.less_}. */
  less_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.less_(this, y);
  }
  /** See {@linkcode comparison.le}. */
  le(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.le(this, y);
  }
  /** See {@linkcode comparison.lessEqual}. */
  lessEqual(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.lessEqual(this, y);
  }
  /** See {@linkcode comparison.le_}. */
  le_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.le_(this, y);
  }
  /** See {@linkcode comparison.lessEqual_}. */
  lessEqual_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.lessEqual_(this, y);
  }
  /** See {@linkcode comparison.gt}. */
  gt(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.gt(this, y);
  }
  /** See {@linkcode comparison.greater}. */
  greater(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.greater(this, y);
  }
  /** See {@linkcode comparison.gt_}. */
  gt_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.gt_(this, y);
  }
  /** See {@linkcode comparison.greater_}. */
  greater_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.greater_(this, y);
  }
  /** See {@linkcode comparison.ge}. */
  ge(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.ge(this, y);
  }
  /** See {@linkcode comparison.greaterEqual}. */
  greaterEqual(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.greaterEqual(this, y);
  }
  /** See {@linkcode comparison.ge_}. */
  ge_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.ge_(this, y);
  }
  /** See {@linkcode comparison.greaterEqual_}. */
  greaterEqual_(this: Tensor, y: Tensor | Scalar): Tensor {
    return comparison.greaterEqual_(this, y);
  }
  /** See {@linkcode comparison.isclose}. */
  isclose(
    this: Tensor,
    y: Tensor,
    ...args: Args<comparison.ToleranceOptions, ["rtol", "atol", "equalNan"]>
  ): Tensor {
    return comparison.isclose(this, y, ...args);
  }
  /** See {@linkcode comparison.allclose}. */
  allclose(
    this: Tensor,
    y: Tensor,
    ...args: Args<comparison.ToleranceOptions, ["rtol", "atol", "equalNan"]>
  ): boolean {
    return comparison.allclose(this, y, ...args);
  }
  /** See {@linkcode comparison.equal}. */
  equal(this: Tensor, y: Tensor): boolean {
    return comparison.equal(this, y);
  }
  /** See {@linkcode logical.logicalNot}. */
  logicalNot(this: Tensor): Tensor {
    return logical.logicalNot(this);
  }
  /** See {@linkcode logical.logicalNot_}. */
  logicalNot_(this: Tensor): Tensor {
    return logical.logicalNot_(this);
  }
  /** See {@linkcode logical.logicalAnd}. */
  logicalAnd(this: Tensor, y: Tensor): Tensor {
    return logical.logicalAnd(this, y);
  }
  /** See {@linkcode logical.logicalAnd_}. */
  logicalAnd_(this: Tensor, y: Tensor): Tensor {
    return logical.logicalAnd_(this, y);
  }
  /** See {@linkcode logical.logicalOr}. */
  logicalOr(this: Tensor, y: Tensor): Tensor {
    return logical.logicalOr(this, y);
  }
  /** See {@linkcode logical.logicalOr_}. */
  logicalOr_(this: Tensor, y: Tensor): Tensor {
    return logical.logicalOr_(this, y);
  }
  /** See {@linkcode logical.logicalXor}. */
  logicalXor(this: Tensor, y: Tensor): Tensor {
    return logical.logicalXor(this, y);
  }
  /** See {@linkcode logical.logicalXor_}. */
  logicalXor_(this: Tensor, y: Tensor): Tensor {
    return logical.logicalXor_(this, y);
  }
}
