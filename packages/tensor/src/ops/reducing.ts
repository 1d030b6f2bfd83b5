/**
 * What reductions are built of: dimensions, lines, sums in a wider dtype. Not for users, but for the types.
 *
 * @module
 */

import {
  bfloat16,
  type DType,
  float16,
  float32,
  normalizeDim,
  normalizeDims,
  type Shape,
  uint8,
} from "@flambeau/core";
import { bind, needsGrad } from "../bind.ts";
import { castTo, constant, requireTensor } from "../coerce.ts";
import { gradMode } from "../grad_mode.ts";
import { type ValuesIndices, valuesIndices } from "../named_tuple.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { transforms } from "../transform.ts";
import { owned, reshapeTo } from "./building.ts";

/** What a reduction runs over. */
export interface ReduceOptions {
  /** One dimension or several; null or none: all. */
  readonly dim?: number | Shape | null;
  /** Whether reduced dimensions stay, with size 1. Default false. */
  readonly keepdim?: boolean;
}

/** What a reduction along one dimension runs over. */
export interface LineOptions {
  /** The dimension. */
  readonly dim?: number | null;
  /** Whether it stays, with size 1. Default false. */
  readonly keepdim?: boolean;
}

/** Sorted dimensions without repeats, and whether they stay. */
export interface Dims {
  readonly dims: number[];
  readonly keepdim: boolean;
}

/** The dimensions of options. */
export function dimsOf(op: string, x: Tensor, options: ReduceOptions): Dims {
  return { dims: normalizeDims(op, options.dim, x.shape.length), keepdim: options.keepdim === true };
}

/** Primitives that reduce several dimensions. */
export type FoldName = "sum" | "prod" | "amax" | "amin" | "any" | "all";

/** Applies a reduction. */
export function fold(name: FoldName, x: Tensor, at: Dims): Tensor {
  return bind(name, [x], at);
}

/** Number of elements that go into each result. */
export function foldedCount(x: Tensor, { dims }: Dims): number {
  return dims.reduce((count, dim) => count * x.shape[dim]!, 1);
}

/** True for the dtypes whose sums need a wider one. */
export function isHalf(dtype: DType): boolean {
  return dtype === float16 || dtype === bfloat16;
}

/** Runs `compute` in float32 when `x` is of a 16-bit float, and gives the result in the dtype of `x`. */
export function inWide(x: Tensor, compute: (x: Tensor) => Tensor): Tensor {
  return isHalf(x.dtype) ? castTo(compute(castTo(x, float32)), x.dtype) : compute(x);
}

/** A scalar of the dtype and device of `x`. */
export function like(x: Tensor, value: number | boolean): Tensor {
  return constant(value, x.dtype, x.backend);
}

/** `x` with at least one dimension, and a dimension number of it. */
export function lineOf(op: string, x: Tensor, dim: number): { line: Tensor; dim: number } {
  requireTensor(op, "input", x);
  const place = normalizeDim(op, dim, x.shape.length);
  return { line: x.shape.length === 0 ? bind("view", [x], { shape: [1] }) : x, dim: place };
}

/** Bools as uint8, for primitives that take numbers only. */
export function orderable(x: Tensor): Tensor {
  return x.dtype.kind === "bool" ? castTo(x, uint8) : x;
}

/** A result along `dim` of a line: without that dimension unless it is kept, and a scalar for a scalar. */
export function closeLine(x: Tensor, result: Tensor, dim: number, keepdim: boolean): Tensor {
  if (x.shape.length === 0) return owned(reshapeTo(result, []));
  if (keepdim) return result;
  return owned(reshapeTo(result, result.shape.filter((_, d) => d !== dim)));
}

/** A result of the size of the line: a scalar for a scalar. */
export function asInput(x: Tensor, result: Tensor): Tensor {
  return x.shape.length === 0 ? owned(reshapeTo(result, [])) : result;
}

/**
 * The element of each line at the place that `choose` gives (int32, size 1 at `dim`), and that place. The gradient goes to
 * that element.
 */
export function chosen(
  op: string,
  x: Tensor,
  options: { readonly dim: number; readonly keepdim: boolean },
  choose: (line: Tensor, dim: number) => Tensor,
): ValuesIndices {
  return temporaries(() => {
    const { line, dim } = lineOf(op, x, options.dim);
    const places = choose(line, dim);
    const values = bind("gather", [line, places], { dim });
    return valuesIndices(
      closeLine(x, values, dim, options.keepdim),
      closeLine(x, places, dim, options.keepdim),
    );
  });
}

/** `x^(1 / power)` of values >= 0, with gradient 0 where x is 0. */
export function root(x: Tensor, power: number = 2): Tensor {
  const isPlain = transforms.active === null && x.lifted === null && !(gradMode.enabled && needsGrad([x]));
  if (isPlain && power === 2) return bind("sqrt", [x], null);
  const zero = bind("eq", [x, like(x, 0)], null);
  const safe = bind("where", [zero, like(x, 1), x], null);
  const y = power === 2 ? bind("sqrt", [safe], null) : bind("pow", [safe, like(x, 1 / power)], null);
  return bind("where", [zero, x, y], null);
}

/** Mean of floats. 16-bit floats are summed in float32. */
export function meanOf(x: Tensor, at: Dims): Tensor {
  return inWide(x, (wide) => bind("div", [fold("sum", wide, at), like(wide, foldedCount(x, at))], null));
}
