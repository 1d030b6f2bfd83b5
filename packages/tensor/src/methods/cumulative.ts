/**
 * Methods that run along a dimension.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { ValuesIndices } from "../named_tuple.ts";
import * as ops from "../ops/cumulative.ts";
import type { Tensor } from "../tensor.ts";
import { ReductionMethods } from "./reduction.ts";

/** `cumsum`, `cumprod`, `diff` … */
export class CumulativeMethods extends ReductionMethods {
  /** See {@linkcode ops.cumsum}. */
  cumsum(this: Tensor, ...args: Args<ops.CumulativeOptions, ["dim"]>): Tensor {
    return ops.cumsum(this, ...args);
  }
  /** See {@linkcode ops.cumsum_}. */
  cumsum_(this: Tensor, ...args: Args<ops.CumulativeOptions, ["dim"]>): Tensor {
    return ops.cumsum_(this, ...args);
  }
  /** See {@linkcode ops.cumprod}. */
  cumprod(this: Tensor, ...args: Args<ops.CumulativeOptions, ["dim"]>): Tensor {
    return ops.cumprod(this, ...args);
  }
  /** See {@linkcode ops.cumprod_}. */
  cumprod_(this: Tensor, ...args: Args<ops.CumulativeOptions, ["dim"]>): Tensor {
    return ops.cumprod_(this, ...args);
  }
  /** See {@linkcode ops.logcumsumexp}. */
  logcumsumexp(this: Tensor, dim: number | { readonly dim: number }): Tensor {
    return ops.logcumsumexp(this, dim);
  }
  /** See {@linkcode ops.cummax}. */
  cummax(this: Tensor, dim: number | { readonly dim: number }): ValuesIndices {
    return ops.cummax(this, dim);
  }
  /** See {@linkcode ops.cummin}. */
  cummin(this: Tensor, dim: number | { readonly dim: number }): ValuesIndices {
    return ops.cummin(this, dim);
  }
  /** See {@linkcode ops.diff}. */
  diff(this: Tensor, ...args: Args<ops.DiffOptions, ["n", "dim", "prepend", "append"]>): Tensor {
    return ops.diff(this, ...args);
  }
}
