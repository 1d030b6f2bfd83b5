/**
 * Running products and extremes of dense operands.
 *
 * @module
 */

import { int32, type KernelTable, type Operand } from "@flambeau/core";
import type { Entry, WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Running products and extremes. */
export function runningKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  /** A call with the addresses of all operands and their sizes before, at and after `dim`; threads share the first. */
  const along = (entry: Entry, operands: readonly Operand[], dim: number, cost: number): WasmDispatch => {
    const { shape } = operands[0]!;
    const n = shape[dim] ?? 1;
    const [outer, inner] = [count(shape.slice(0, dim)), count(shape.slice(dim + 1))];
    return kernels.cut(entry, [...operands.map(pointer), outer, n, inner], {
      units: outer,
      at: operands.length,
      cost: count(shape) * cost,
      moves: operands.map((x, q) => [q, n * inner * x.dtype.itemsize] as const),
    });
  };
  const products = byDType(kernels, "cumprod");
  const extreme = (entries: readonly (Entry | null)[]) =>
  (
    [x]: readonly [x: Operand],
    [values, indices]: readonly [values: Operand, indices: Operand],
    { dim }: { readonly dim: number },
  ): WasmDispatch | null => {
    const entry = entries[x.dtype.code];
    if (!entry || indices.dtype !== int32 || count(x.shape) === 0) return null;
    if (![x, values, indices].every((z) => isDense(z, z.shape))) return null;
    return along(entry, [x, values, indices], dim, 1.2);
  };
  return {
    cumprod([x], output, { dim }) {
      const entry = products[x.dtype.code];
      if (!entry || x.dtype !== output.dtype) return null;
      if (!isDense(x, x.shape) || !isDense(output, output.shape)) return null;
      return along(entry, [x, output], dim, 0.8);
    },
    cummax: extreme(byDType(kernels, "cummax")),
    cummin: extreme(byDType(kernels, "cummin")),
  };
}
