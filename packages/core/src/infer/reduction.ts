/**
 * Shape rules of primitives that run along dimensions: reductions, scans, sorting.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { bool, type DType, int32 } from "../dtype.ts";
import { IndexError } from "../errors.ts";
import type { Attrs, Name, ReductionPrimitives, ScanPrimitives } from "../primitives.ts";
import { formatType, reducedShape, type Shape } from "../shape.ts";
import {
  checkDim,
  checkDims,
  checkDType,
  checkValues,
  type RulesOf,
  shapeError,
  withSize,
} from "./checks.ts";
import { inputDTypes } from "./dtypes.ts";

/** Rules of the reductions. Those without a neutral element refuse to reduce a size of 0. */
export const reductionRules: RulesOf<ReductionPrimitives<unknown>> = {
  sum: reduce("sum"),
  prod: reduce("prod"),
  amax: reduce("amax", { neutral: false }),
  amin: reduce("amin", { neutral: false }),
  any: reduce("any", { result: bool }),
  all: reduce("all", { result: bool }),
  argmax: place("argmax"),
  argmin: place("argmin"),
};

/** Rules of the primitives along one dimension that keep it. */
export const scanRules: RulesOf<ScanPrimitives<unknown>> = {
  cumsum: along("cumsum"),
  cumprod: along("cumprod"),
  cummax: alongWithPlaces("cummax"),
  cummin: alongWithPlaces("cummin"),
  logcumsumexp: along("logcumsumexp"),
  sort: alongWithPlaces("sort"),

  topk(inputs, { dim, k }) {
    const x = inputs[0];
    checkValues("topk", inputs);
    checkDim("topk", x, dim);
    if (!Number.isInteger(k) || k < 0 || k > x.shape[dim]!) {
      throw new IndexError(
        `Cannot topk ${formatType(x)} along dimension ${dim}: ` +
          `k must be an integer from 0 to ${x.shape[dim]}, got ${k}`,
      );
    }
    return withPlaces({ shape: withSize(x.shape, dim, k), dtype: x.dtype });
  },
};

/** The rule of a primitive along `dim` whose result has the type of its input. */
export function along(op: Name): (inputs: readonly [x: Aval], attrs: { readonly dim: number }) => Aval {
  const accepted = inputDTypes[op];
  return (inputs, { dim }) => {
    checkDType(op, inputs[0], accepted);
    checkDim(op, inputs[0], dim);
    return inputs[0];
  };
}

function alongWithPlaces(op: "cummax" | "cummin" | "sort"): (
  inputs: readonly [x: Aval],
  attrs: { readonly dim: number },
) => readonly [values: Aval, indices: Aval] {
  const rule = along(op);
  return (inputs, attrs) => withPlaces(rule(inputs, attrs));
}

function withPlaces(values: Aval): readonly [values: Aval, indices: Aval] {
  return [values, { shape: values.shape, dtype: int32 }];
}

function reduce(
  op: "sum" | "prod" | "amax" | "amin" | "any" | "all",
  { result, neutral = true }: { result?: DType; neutral?: boolean } = {},
): (inputs: readonly [x: Aval], attrs: Attrs<"sum">) => Aval {
  const accepted = inputDTypes[op];
  return (inputs, { dims, keepdim }) => {
    const x = inputs[0];
    checkDType(op, x, accepted);
    checkDims(op, x, dims);
    if (dims.length === 0 && x.shape.length > 0) {
      throw shapeError(op, [x], "dims may be empty only for a scalar", `rank ${x.shape.length}`);
    }
    if (!neutral) checkNotEmpty(op, x, dims);
    return { shape: reducedShape(x.shape, dims, keepdim), dtype: result ?? x.dtype };
  };
}

function place(op: "argmax" | "argmin"): (inputs: readonly [x: Aval], attrs: Attrs<"argmax">) => Aval {
  const accepted = inputDTypes[op];
  return (inputs, { dim, keepdim }) => {
    const x = inputs[0];
    checkDType(op, x, accepted);
    checkDim(op, x, dim);
    checkNotEmpty(op, x, [dim]);
    return { shape: reducedShape(x.shape, [dim], keepdim), dtype: int32 };
  };
}

function checkNotEmpty(op: string, x: Aval, dims: Shape): void {
  for (const dim of dims) {
    if (x.shape[dim] === 0) {
      throw new IndexError(
        `Cannot ${op} ${formatType(x)} along dimension ${dim}: its size must not be 0, got 0`,
      );
    }
  }
}
