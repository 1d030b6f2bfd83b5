/**
 * Forward-mode rules of views and of primitives that move, choose or make elements: linear maps, most of them.
 *
 * @module
 */

import { type DataPrimitives, int32, numelOf, type Shape, type ViewPrimitives } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, fromData } from "@flambeau/tensor/internal";
import { placesOf } from "../../derivatives/data.ts";
import { keepWhere, reshape } from "../../math.ts";
import { linearIn, tangent, type TangentContext, type TangentRulesOf, transposed } from "./rule.ts";

/** Rules of views: the same views of the tangent. */
export const viewTangents: TangentRulesOf<ViewPrimitives<unknown>> = {
  alias: linearIn("alias"),
  // The tangent may lie in memory in another way.
  view: ({ tangents, attrs }) => reshape(tangents[0]!, attrs.shape),
  permute: linearIn("permute"),
  expand: linearIn("expand"),
  slice: linearIn("slice"),
  diagonal: linearIn("diagonal"),
  asStrided: ({ inputs: [x], tangents, attrs }) => restrided(tangents[0]!, x, attrs),
};

/** A geometry over some memory. */
interface Strided {
  readonly shape: Shape;
  readonly strides: Shape;
  readonly offset: number;
}

/** The elements of `t`, which belong to those of `x`, at the places that a geometry over the memory of `x` sees. */
export function restrided(t: Tensor, x: Strided, attrs: Strided): Tensor {
  const elementAt = new Map<number, number>();
  placesOf(x).forEach((place, i) => elementAt.set(place, i));
  const wanted = Array.from(placesOf(attrs), (place) => elementAt.get(place) ?? -1);
  const index = (values: Int32Array) => fromData(values, [wanted.length], int32, t.device);
  const flat = reshape(t, [numelOf(t.shape)]);
  const list = bind("indexSelect", [flat, index(Int32Array.from(wanted, (i) => Math.max(i, 0)))], { dim: 0 });
  if (wanted.every((i) => i >= 0)) return reshape(list, attrs.shape);
  // Memory that x does not see has no tangent.
  const seen = bind(
    "ne",
    [index(Int32Array.from(wanted)), index(new Int32Array(wanted.length).fill(-1))],
    null,
  );
  return reshape(keepWhere(seen, list), attrs.shape);
}

/** Writing and adding at places is linear; products and extremes are not. */
function combined<P extends "indexReduce" | "scatter">(name: P) {
  const general = transposed(name);
  return (context: TangentContext<P>) => {
    const { reduce } = context.attrs;
    if (reduce !== "set" && reduce !== "sum") return general(context);
    const inputs = [tangent(context, 0), context.inputs[1], tangent(context, 2)] as const;
    return bind(name as "scatter", inputs, context.attrs);
  };
}

/** Rules of data movement. */
export const dataTangents: TangentRulesOf<DataPrimitives<unknown>> = {
  copy: linearIn("copy"),
  cast: ({ tangents, attrs }) => attrs.dtype.kind === "float" ? bind("cast", [tangents[0]!], attrs) : null,
  where: (context) => bind("where", [context.inputs[0], tangent(context, 1), tangent(context, 2)], null),
  concat: (context) => bind("concat", context.inputs.map((_, i) => tangent(context, i)), context.attrs),
  pad: ({ tangents, attrs }) => bind("pad", [tangents[0]!], { ...attrs, value: 0 }),
  flip: linearIn("flip"),
  indexSelect: ({ inputs: [, index], tangents, attrs }) => bind("indexSelect", [tangents[0]!, index], attrs),
  indexReduce: combined("indexReduce"),
  gather: ({ inputs: [, index], tangents, attrs }) => bind("gather", [tangents[0]!, index], attrs),
  scatter: combined("scatter"),
  nonzero: null,
  searchsorted: null,
  full: null,
  iota: null,
  randomUniform: null,
  randomNormal: null,
  randomInt: null,
};
