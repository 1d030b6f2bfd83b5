/**
 * Sums by weight of elements at places, and the adjoint.
 *
 * @module
 */

import type { Aval } from "@flambeau/core";
import { type Decomposition, Formula } from "./formula.ts";

/** Rows of the table up to which each has a choice of its own, instead of one large choice for all. */
const FEW = 8;

/** Σₖ weight[k] · x at index[k], along `dim`; with a size, Σₖ weight[k] · x added to index[k]. */
export const resample: Decomposition<"resample"> = <T extends Aval>(
  bind: Formula<T>["bind"],
  [x, index, weight]: readonly [T, T, T],
  { dim, size }: { readonly dim: number; readonly size: number | null },
): T => {
  const f = new Formula(bind);
  const [taps, n] = index.shape as [number, number];
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + 1)];
  const ones = after.map(() => 1);
  if (size !== null) {
    const parts = f.mul(f.reshape(x, [...before, 1, n, ...after]), f.reshape(weight, [taps, n, ...ones]));
    const inputs = [
      f.full([...before, size, ...after], 0, x.dtype),
      f.reshape(index, [taps * n]),
      f.view(parts, [...before, taps * n, ...after]),
    ] as const;
    return bind("indexReduce", inputs, { dim, reduce: "sum" });
  }
  if (taps > FEW) {
    const all = bind("indexSelect", [x, f.reshape(index, [taps * n])], { dim });
    const parts = f.view(all, [...before, taps, n, ...after]);
    return f.sum(f.mul(parts, f.reshape(weight, [taps, n, ...ones])), [dim], false);
  }
  const rowOf = (table: T, k: number, shape: readonly number[]): T =>
    f.reshape(bind("slice", [table], { starts: [k, 0], stops: [k + 1, n], steps: [1, 1] }), shape);
  const partOf = (k: number): T =>
    f.mul(bind("indexSelect", [x, rowOf(index, k, [n])], { dim }), rowOf(weight, k, [n, ...ones]));
  let total = partOf(0);
  for (let k = 1; k < taps; k++) total = f.add(total, partOf(k));
  return total;
};
