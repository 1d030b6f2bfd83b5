/**
 * Putting lines in order, and searching in them, of dense operands of 32 and 64 bits.
 *
 * @module
 */

import { int32, type KernelTable, type Operand } from "@flambeau/core";
import type { WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Sorting, searching, and the first elements in order. */
export function sortKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const sort = byDType(kernels, "sort");
  const search = byDType(kernels, "search");
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
    const bytes = x.dtype.itemsize;
    kernels.needScratch(scratchBytes(n, inner, kept, bytes));
    const args = [x, values, places].map(pointer);
    return kernels.cut(entry, [...args, outer, n, inner, kept, descending ? 1 : 0], {
      units: outer,
      at: 3,
      cost: count(x.shape) * (kept * 8 <= n ? 2 : 10),
      moves: [[0, n * inner * bytes], [1, kept * inner * bytes], [2, kept * inner * 4]],
    });
  };
  return {
    sort: ([x], [values, places], { dim, descending }) => first(x, values, places, dim, descending),
    searchsorted([sorted, wanted], output, { right }) {
      const entry = search[wanted.dtype.code];
      if (!entry || output.dtype !== int32 || sorted.dtype !== wanted.dtype) return null;
      if (![sorted, wanted, output].every((y) => isDense(y, y.shape))) return null;
      const n = sorted.shape.at(-1)!;
      const shared = sorted.shape.length === 1;
      const lines = shared ? 1 : count(wanted.shape.slice(0, -1));
      const k = shared ? count(wanted.shape) : wanted.shape.at(-1)!;
      const args = [...[sorted, wanted, output].map(pointer), lines, k, n, n, right ? 1 : 0];
      const bytes = wanted.dtype.itemsize;
      const cost = lines * k * (4 + 2 * Math.log2(n + 1));
      return kernels.cut(
        entry,
        args,
        shared
          ? { units: k, at: 4, grain: 16, cost, moves: [[1, bytes], [2, 4]] }
          : { units: lines, at: 3, cost, moves: [[0, n * bytes], [1, k * bytes], [2, k * 4]] },
      );
    },
    topk: ([x], [values, places], { dim, largest }) => first(x, values, places, dim, largest),
  };
}
