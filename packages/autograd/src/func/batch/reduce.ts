/**
 * Batching rules of what runs along dimensions: reductions, scans, sorting. The dimensions stand one further back.
 *
 * @module
 */

import { type Attrs, bool, type Name, type ReductionPrimitives, type ScanPrimitives } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { apply } from "../level.ts";
import type { AnyBatchRule, BatchRule, BatchRulesOf } from "./lowered.ts";

type Reduction = "sum" | "prod" | "amax" | "amin" | "any" | "all";

/** The rule of a reduction; `ofScalar` is what it makes of tensors of rank 0, where there is nothing to reduce. */
function reduction(name: Reduction, ofScalar: (x: Tensor) => Tensor): BatchRule<Reduction> {
  return ([{ x, rank }], { dims, keepdim }) =>
    rank === 0 ? ofScalar(x) : bind(name, [x], { dims: dims.map((d) => d + 1), keepdim });
}

const itself = (x: Tensor): Tensor => bind("copy", [x], null);
const truth = (x: Tensor): Tensor => bind("cast", [x], { dtype: bool });

/** The rule of a primitive along `dim`. */
export function along(name: Name): AnyBatchRule {
  return ([input], attrs) => {
    const own = attrs as { readonly dim: number };
    return apply(name, [input!.x], { ...own, dim: own.dim + 1 });
  };
}

/** The same for a primitive that is known. */
function onAxis<P extends Name>(
  name: P & (Attrs<P> extends { readonly dim: number } ? P : never),
): BatchRule<P> {
  return along(name) as unknown as BatchRule<P>;
}

/** Rules of reductions. */
export const reductionBatchRules: BatchRulesOf<ReductionPrimitives<unknown>> = {
  sum: reduction("sum", itself),
  prod: reduction("prod", itself),
  amax: reduction("amax", itself),
  amin: reduction("amin", itself),
  any: reduction("any", truth),
  all: reduction("all", truth),
  argmax: onAxis("argmax"),
  argmin: onAxis("argmin"),
};

/** Rules of scans and sorts. */
export const scanBatchRules: BatchRulesOf<ScanPrimitives<unknown>> = {
  cumsum: onAxis("cumsum"),
  cumprod: onAxis("cumprod"),
  cummax: onAxis("cummax"),
  cummin: onAxis("cummin"),
  logcumsumexp: onAxis("logcumsumexp"),
  sort: onAxis("sort"),
  topk: onAxis("topk"),
};
