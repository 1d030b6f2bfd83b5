/**
 * Batching rules of views: they are views of the batch.
 *
 * @module
 */

import type { ViewPrimitives } from "@flambeau/core";
import { bind } from "@flambeau/tensor/internal";
import { type BatchRulesOf, ranked } from "./lowered.ts";

/** Rules of the view primitives. */
export const viewBatchRules: BatchRulesOf<ViewPrimitives<unknown>> = {
  alias: ([{ x }]) => bind("alias", [x], null),
  view: ([{ x }], { shape }, size) => bind("view", [x], { shape: [size, ...shape] }),
  permute: ([{ x }], { dims }) => bind("permute", [x], { dims: [0, ...dims.map((d) => d + 1)] }),
  expand: ([input], { shape }, size) =>
    bind("expand", [ranked(input, shape.length)], { shape: [size, ...shape] }),
  slice: ([{ x }], { starts, stops, steps }, size) =>
    bind("slice", [x], { starts: [0, ...starts], stops: [size, ...stops], steps: [1, ...steps] }),
  diagonal: ([{ x }], { offset, dim1, dim2 }) =>
    bind("diagonal", [x], { offset, dim1: dim1 + 1, dim2: dim2 + 1 }),
  // The geometry of an element is that of the first: the others lie one stride of the batch further each.
  asStrided: ([{ x }], { shape, strides, offset }, size) =>
    bind("asStrided", [x], { shape: [size, ...shape], strides: [x.strides[0]!, ...strides], offset }),
};
