/**
 * What convolution and pooling have in common: sizes by spatial dimension, and inputs without a batch.
 *
 * @module
 */

import {
  float32,
  float64,
  formatShape,
  formatType,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { castTo } from "../coerce.ts";
import type { Tensor } from "../tensor.ts";
import { owned, viewAsShape } from "./building.ts";
import { integers } from "./lists.ts";

/** A number for all spatial dimensions, or one for each. */
export type PerDim = number | Shape;

/**
 * One integer for each of `n` spatial dimensions.
 *
 * @throws {ValueError} If there are neither 1 nor `n`, or one is below `least`.
 */
export function perDim(op: string, name: string, value: PerDim, n: number, least: number): Shape {
  const list = integers(op, name, value);
  const all = list.length === 1 ? new Array<number>(n).fill(list[0]!) : list;
  if (all.length !== n || all.some((size) => size < least)) {
    throw new ValueError(
      `Cannot ${op}: ${name} must be 1 or ${n} integers >= ${least}, got ${formatShape(list)}`,
    );
  }
  return all;
}

/**
 * `x` with a batch: `[N, C, …]` as it is, `[C, …]` with N = 1.
 *
 * @throws {ShapeError} If its rank is neither.
 */
export function batched(op: string, x: Tensor, n: number): Tensor {
  if (x.shape.length === n + 2) return x;
  if (x.shape.length === n + 1) return viewAsShape(x, [1, ...x.shape], "UnsqueezeBackward0");
  throw new ShapeError(
    `Cannot ${op} ${formatType(x)}: it must have ${n + 2} dimensions, or ${
      n + 1
    } without a batch, got rank ${x.shape.length}`,
  );
}

/** `y`, fresh, without the batch that {@linkcode batched} gave to `x`. */
export function unbatched(x: Tensor, y: Tensor): Tensor {
  return y.shape.length === x.shape.length ? y : owned(viewAsShape(y, y.shape.slice(1), "SqueezeBackward1"));
}

/** Runs `compute`, which takes floats, on integers: in the widest float that the device has, cut to integers again. */
export function throughFloats(
  x: Tensor,
  compute: (...xs: Tensor[]) => Tensor,
  ...others: readonly Tensor[]
): Tensor {
  if (x.dtype.kind !== "int") return compute(x, ...others);
  const wide = x.backend.dtypes.has(float64) ? float64 : float32;
  return castTo(compute(...[x, ...others].map((y) => castTo(y, wide))), x.dtype);
}
