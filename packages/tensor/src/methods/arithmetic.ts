/**
 * Arithmetic methods.
 *
 * @module
 */

import type { Scalar } from "../coerce.ts";
import * as ops from "../ops/arithmetic.ts";
import type { Tensor } from "../tensor.ts";
import { DataMethods } from "./data.ts";

/** `add`, `sub`, `mul`, `div`, `pow` … and their in-place forms. */
export class ArithmeticMethods extends DataMethods {
  /** See {@linkcode ops.add}. */
  add(this: Tensor, other: Tensor | Scalar, options?: ops.AlphaOptions): Tensor {
    return ops.add(this, other, options);
  }
  /** See {@linkcode ops.add_}. */
  add_(this: Tensor, other: Tensor | Scalar, options?: ops.AlphaOptions): Tensor {
    return ops.add_(this, other, options);
  }
  /** See {@linkcode ops.div}. */
  div(this: Tensor, other: Tensor | Scalar): Tensor {
    return ops.div(this, other);
  }
}
