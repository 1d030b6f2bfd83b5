/**
 * Batching rules of primitives that move, choose or make elements.
 *
 * Where every element of the batch has places of its own, the batch becomes part of the dimension that is indexed, and
 * the places of element `b` move on by `b` times its size.
 *
 * @module
 */

import { type DataPrimitives, type Name, type Shape, TorchError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, executeOn } from "@flambeau/tensor/internal";
import {
  type BatchRule,
  type BatchRulesOf,
  full,
  type Lowered,
  merge,
  move,
  ranked,
  reshape,
  split,
} from "./lowered.ts";
import { broadcasting } from "./pointwise.ts";

/** `index [B, k]` as places in a dimension in which the batch of `n` places each is the slower part, `[B · k]`. */
function spreadPlaces(index: Tensor, n: number, size: number): Tensor {
  const { dtype, backend } = index;
  const starts = executeOn(backend, "iota", { start: 0, step: n, size, dtype });
  const moved = bind("add", [index, reshape(starts, [size, 1])], null);
  return merge(moved, 0);
}

/** A batch with `dim` of its elements merged into the batch: `[B · n, …]`. */
function mergedAt(x: Tensor, dim: number): Tensor {
  return merge(move(x, dim + 1, 1), 0);
}

/** Undoes {@linkcode mergedAt}. */
function splitAt(x: Tensor, dim: number, size: number): Tensor {
  return move(split(x, 0, size), 1, dim + 1);
}

function indexSelect(
  [x, index]: readonly [Lowered, Lowered],
  { dim }: { readonly dim: number },
  size: number,
): Tensor {
  if (!index.batched) return bind("indexSelect", [x.x, index.x], { dim: dim + 1 });
  if (!x.batched) {
    const rows = bind("indexSelect", [x.x, merge(index.x, 0)], { dim });
    return move(split(rows, dim, size), dim, 0);
  }
  const places = spreadPlaces(index.x, x.x.shape[dim + 1]!, size);
  return splitAt(bind("indexSelect", [mergedAt(x.x, dim), places], { dim: 0 }), dim, size);
}

const indexReduce: BatchRule<"indexReduce"> = ([x, index, source], { dim, reduce }, size) => {
  const [into, from] = [full(x, size), full(source, size)];
  if (!index.batched) return bind("indexReduce", [into, index.x, from], { dim: dim + 1, reduce });
  const places = spreadPlaces(index.x, into.shape[dim + 1]!, size);
  const merged = [mergedAt(into, dim), places, mergedAt(from, dim)] as const;
  return splitAt(bind("indexReduce", merged, { dim: 0, reduce }), dim, size);
};

/** Sorted rows stand beside the rows of the values, unless one row serves for all. */
const searchsorted: BatchRule<"searchsorted"> = ([sorted, values], attrs, size) => {
  const wanted = full(values, size);
  if (!sorted.batched && sorted.rank === 1) return bind("searchsorted", [sorted.x, wanted], attrs);
  const isScalar = values.rank === 0;
  const rows = isScalar ? reshape(wanted, [size, 1]) : wanted;
  const n = sorted.x.shape.at(-1)!;
  const lines: Shape = [...rows.shape.slice(0, -1), n];
  const all = sorted.rank === 1
    ? bind("expand", [ranked(sorted, values.rank === 0 ? 1 : values.rank)], { shape: lines })
    : full(sorted, size);
  const places = bind("searchsorted", [all, rows], attrs);
  return isScalar ? reshape(places, [size]) : places;
};

/** The rule of a primitive without inputs, which is never asked for. */
function without(name: Name): () => never {
  return () => {
    throw new TorchError(`Cannot batch ${name}: it must have inputs, got none`);
  };
}

/** Rules of data movement. */
export const dataBatchRules: BatchRulesOf<DataPrimitives<unknown>> = {
  copy: ([{ x }]) => bind("copy", [x], null),
  cast: ([{ x }], attrs) => bind("cast", [x], attrs),
  where: broadcasting("where") as BatchRule<"where">,
  concat: (inputs, { dim }, size) => bind("concat", inputs.map((x) => full(x, size)), { dim: dim + 1 }),
  pad: ([{ x }], { low, high, value }) => bind("pad", [x], { low: [0, ...low], high: [0, ...high], value }),
  flip: ([{ x }], { dims }) => bind("flip", [x], { dims: dims.map((d) => d + 1) }),
  indexSelect,
  indexReduce,
  gather: ([x, index], { dim }, size) => bind("gather", [full(x, size), full(index, size)], { dim: dim + 1 }),
  scatter: ([x, index, source], { dim, reduce }, size) =>
    bind("scatter", [full(x, size), full(index, size), full(source, size)], { dim: dim + 1, reduce }),
  nonzero: () => {
    throw new TorchError(
      "Cannot nonzero inside vmap: the number of places depends on the values of each element of the batch",
    );
  },
  searchsorted,
  full: without("full"),
  iota: without("iota"),
  randomUniform: without("randomUniform"),
  randomNormal: without("randomNormal"),
  randomInt: without("randomInt"),
};
