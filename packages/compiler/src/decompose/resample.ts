/**
 * Sums by weight of elements at places, and the adjoint: one choice or one addition at places for each row of the table.
 *
 * @module
 */

import type { Aval } from "@flambeau/core";
import { type Decomposition, Formula } from "./formula.ts";

/** Σₖ weight[k] · x at index[k], along `dim`; with a size, Σₖ weight[k] · x added to index[k]. */
export const resample: Decomposition<"resample"> = <T extends Aval>(
  bind: Formula<T>["bind"],
  [x, index, weight]: readonly [T, T, T],
  { dim, size }: { readonly dim: number; readonly size: number | null },
): T => {
  const f = new Formula(bind);
  const [taps, n] = index.shape as [number, number];
  const rowOf = (table: T, k: number, shape: readonly number[]): T =>
    f.reshape(bind("slice", [table], { starts: [k, 0], stops: [k + 1, n], steps: [1, 1] }), shape);
  const along = x.shape.slice(dim).map((_, d) => d === 0 ? n : 1);
  let total: T | null = size === null
    ? null
    : f.full(x.shape.map((length, d) => d === dim ? size : length), 0, x.dtype);
  for (let k = 0; k < taps; k++) {
    const places = rowOf(index, k, [n]);
    const weights = rowOf(weight, k, along);
    if (size !== null) {
      total = bind("indexReduce", [total!, places, f.mul(x, weights)], { dim, reduce: "sum" });
      continue;
    }
    const part = f.mul(bind("indexSelect", [x, places], { dim }), weights);
    total = total === null ? part : f.add(total, part);
  }
  return total!;
};
