/**
 * Shape rules of views. Strides are not known here: whether `view` needs a copy is settled by `viewLayouts`.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import type { ViewPrimitives } from "../primitives.ts";
import { type Shape, shapesEqual } from "../shape.ts";
import {
  diagonalShape,
  expandedShape,
  permutedShape,
  slicedShape,
  stridedShape,
  viewedShape,
} from "../views.ts";
import type { RulesOf } from "./checks.ts";

/** Rules of the view primitives. */
export const viewRules: RulesOf<ViewPrimitives<unknown>> = {
  alias: ([x]) => x,
  view: ([x], { shape }) => reshaped(x, viewedShape(x.shape, shape)),
  permute: ([x], { dims }) => reshaped(x, permutedShape(x.shape, dims)),
  expand: ([x], { shape }) => reshaped(x, expandedShape(x.shape, shape)),
  slice: ([x], attrs) => reshaped(x, slicedShape(x.shape, attrs)),
  diagonal: ([x], attrs) => reshaped(x, diagonalShape(x.shape, attrs)),
  asStrided: ([x], attrs) => reshaped(x, stridedShape(attrs)),
};

function reshaped(x: Aval, shape: Shape): Aval {
  return shapesEqual(x.shape, shape) ? x : { shape, dtype: x.dtype };
}
