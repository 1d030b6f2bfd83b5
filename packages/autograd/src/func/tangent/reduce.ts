/**
 * Forward-mode rules of reductions, scans and sorts.
 *
 * @module
 */

import type { ReductionPrimitives, ScanPrimitives } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { linearIn, reducing, type TangentContext, type TangentRulesOf, transposed } from "./rule.ts";

/** Rules of reductions. */
export const reductionTangents: TangentRulesOf<ReductionPrimitives<unknown>> = {
  sum: linearIn("sum"),
  prod: reducing("prod"),
  amax: reducing("amax"),
  amin: reducing("amin"),
  any: null,
  all: null,
  argmax: null,
  argmin: null,
};

/** The tangents of the elements that were chosen. */
function chosen(
  { tangents, output, attrs }: TangentContext<"cummax" | "cummin" | "sort" | "topk">,
): readonly (Tensor | null)[] {
  return [bind("gather", [tangents[0]!, output[1]], { dim: attrs.dim }), null];
}

/** Rules of scans and sorts. */
export const scanTangents: TangentRulesOf<ScanPrimitives<unknown>> = {
  cumsum: linearIn("cumsum"),
  cumprod: transposed("cumprod"),
  cummax: chosen,
  cummin: chosen,
  logcumsumexp: transposed("logcumsumexp"),
  sort: chosen,
  topk: chosen,
};
