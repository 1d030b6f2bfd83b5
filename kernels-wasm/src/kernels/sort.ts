/**
 * Putting lines in order, of dense float32 and int32 operands.
 *
 * @module
 */

import { int32, type KernelTable, type Operand } from "@flambeau/core";
import type { WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Sorting, and the first elements in order. */
export function sortKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const sort = byDType(kernels, "sort");
  const scratchBytes = kernels.entry("sort_scratch").fn;

  /** As many elements of each line, in order, as the outputs hold. */
  const first = (
    x: Operand,
    values: Operand,
    places: Operand,
    dim: number,
    descending: boolean,
  ): WasmDispatch | null => {
    const entry = sort[x.dtype.code];
    if (!entry || places.dtype !== int32) return null;
    if (![x, values, places].every((y) => isDense(y, y.shape))) return null;
    const outer = count(x.shape.slice(0, dim));
    const n = x.shape[dim] ?? 1;
    const inner = count(x.shape.slice(dim + 1));
    const kept = values.shape[dim] ?? 1;
    kernels.needScratch(scratchBytes(n, inner, kept));
    const args = [x, values, places].map(pointer);
    return kernels.cut(entry, [...args, outer, n, inner, kept, descending ? 1 : 0], {
      units: outer,
      at: 3,
      cost: count(x.shape) * (kept * 8 <= n ? 2 : 10),
      moves: [[0, n * inner * 4], [1, kept * inner * 4], [2, kept * inner * 4]],
    });
  };
  return {
    sort: ([x], [values, places], { dim, descending }) => first(x, values, places, dim, descending),
    topk: ([x], [values, places], { dim, largest }) => first(x, values, places, dim, largest),
  };
}
