/**
 * How `scatterReduce` and `indexReduce` combine values.
 *
 * @module
 */

import { type DType, type ScatterReduce, ValueError } from "@flambeau/core";
import { bind } from "../bind.ts";
import { constant, type Scalar } from "../coerce.ts";
import type { Tensor } from "../tensor.ts";

/** How values of one place are combined. */
export type ReduceName = "sum" | "prod" | "mean" | "amax" | "amin";

/**
 * Checks the name of a way to combine.
 *
 * @throws {ValueError} If it is none of `accepted`.
 */
export function requireReduce(op: string, reduce: ReduceName, accepted: readonly ReduceName[]): void {
  if (accepted.includes(reduce)) return;
  throw new ValueError(`Cannot ${op}: reduce must be ${accepted.join(", ")}, got ${JSON.stringify(reduce)}`);
}

/** Least and largest value of an integer dtype. */
export function integerLimits(dtype: DType): readonly [least: Scalar, largest: Scalar] {
  if (dtype.name === "int64") return [-(2n ** 63n), 2n ** 63n - 1n];
  const bits = dtype.itemsize * 8;
  return dtype.isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/** The value that changes nothing when combined, in the dtype of `x`. */
export function neutral(reduce: ReduceName, x: Tensor): Tensor {
  const made = (value: Scalar) => constant(value, x.dtype, x.backend);
  const [least, largest] = x.dtype.kind === "float" ? [-Infinity, Infinity] : integerLimits(x.dtype);
  switch (reduce) {
    case "sum":
    case "mean":
      return made(0);
    case "prod":
      return made(1);
    case "amax":
      return made(least);
    case "amin":
      return made(largest);
    default:
      return reduce satisfies never;
  }
}

/** How truth values, as 0 and 1, are combined: a sum is an or, a product an and. */
export function truthReduce(reduce: ScatterReduce): ScatterReduce {
  return reduce === "sum" ? "amax" : reduce === "prod" ? "amin" : reduce;
}

/** `total / counts` where something was counted; integers round down. */
export function averaged(total: Tensor, counts: Tensor): Tensor {
  const some = bind("maximum", [counts, constant(1, counts.dtype, counts.backend)], null);
  return bind(total.dtype.kind === "float" ? "div" : "floorDivide", [total, some], null);
}
