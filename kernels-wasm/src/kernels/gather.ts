/**
 * Choosing elements by index and combining elements into places given by index, of dense operands.
 *
 * An index out of range throws when the step runs; nothing is read or written with it.
 *
 * @module
 */

import { formatType, IndexError, int64, type KernelTable, type Operand } from "@flambeau/core";
import { Call, CheckedCall, type Entry, Sequence, type WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Sizes before, at and after `dim`. */
function around(x: Operand, dim: number): [outer: number, n: number, inner: number] {
  if (x.shape.length === 0) return [1, 1, 1];
  return [count(x.shape.slice(0, dim)), x.shape[dim]!, count(x.shape.slice(dim + 1))];
}

/** True when the sizes are equal everywhere but at `dim`. */
function alikeBut(a: Operand, b: Operand, dim: number): boolean {
  return a.shape.every((size, d) => d === dim || size === b.shape[d]);
}

/** Choosing and combining by index. */
export function gatherKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const bySize = (prefix: string): Map<number, Entry> =>
    new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`${prefix}_${bytes * 8}`)]));
  const select = kernels.entry("index_select");
  const set = kernels.entry("index_set");
  const add = byDType(kernels, "index_add");
  const gather = bySize("gather");
  const scatterSet = bySize("scatter_set");
  const scatterAdd = byDType(kernels, "scatter_add");
  const copy = kernels.entry("copy_8");

  /** Throws the error of the index at place `at`. */
  const outside = (op: string, x: Operand, index: Operand, dim: number) => (at: number): never => {
    throw new IndexError(
      `Cannot ${op} ${formatType(x)}: index ${
        kernels.indexAt(pointer(index), at, index.dtype === int64)
      } is out of bounds for dimension ${dim} with size ${x.shape[dim] ?? 1}`,
    );
  };
  const checked = (
    op: string,
    entry: Entry,
    args: readonly number[],
    x: Operand,
    index: Operand,
    dim: number,
  ): CheckedCall => {
    const wide = index.dtype === int64 ? 1 : 0;
    return new CheckedCall(entry, [...args, wide], outside(op, x, index, dim));
  };
  /** A combining step after a copy of `x`, unless it is there already. */
  const onto = (x: Operand, output: Operand, step: WasmDispatch): WasmDispatch => {
    if (pointer(x) === pointer(output)) return step;
    const bytes = count(x.shape) * x.dtype.itemsize;
    return new Sequence([new Call(copy, [pointer(x), pointer(output), bytes, 1, 1]), step]);
  };

  return {
    indexSelect([x, index], output, { dim }) {
      if (!isDense(output, output.shape) || !isDense(index, index.shape)) return null;
      if (!isDense(x, x.shape)) return null;
      const [outer, size, inner] = around(x, dim);
      const bytes = inner * x.dtype.itemsize;
      const args = [pointer(x), pointer(index), pointer(output), outer, size, index.shape[0]!];
      return checked("indexSelect", select, [...args, bytes, size * bytes], x, index, dim);
    },
    indexReduce([x, index, source], output, { dim, reduce }) {
      const operands = [x, index, source, output];
      if (!operands.every((z) => isDense(z, z.shape))) return null;
      const [outer, size, inner] = around(x, dim);
      const args = [pointer(index), pointer(source), pointer(output), outer, size, index.shape[0]!];
      if (reduce === "set") {
        const bytes = inner * x.dtype.itemsize;
        return onto(x, output, checked("indexReduce", set, [...args, bytes], x, index, dim));
      }
      const entry = add[x.dtype.code];
      if (reduce !== "sum" || !entry) return null;
      return onto(x, output, checked("indexReduce", entry, [...args, inner], x, index, dim));
    },
    gather([x, index], output, { dim }) {
      if (![x, index, output].every((z) => isDense(z, z.shape)) || !alikeBut(x, index, dim)) return null;
      const [outer, size, inner] = around(x, dim);
      const n = index.shape[dim] ?? 1;
      const wide = index.dtype === int64 ? 1 : 0;
      const { itemsize } = x.dtype;
      return kernels.cutChecked(
        gather.get(itemsize)!,
        [pointer(x), pointer(index), pointer(output), outer, size, n, inner, wide],
        {
          units: outer,
          at: 3,
          cost: count(index.shape) * 0.7,
          moves: [[0, size * inner * itemsize], [1, n * inner * (wide ? 8 : 4)], [2, n * inner * itemsize]],
        },
        n * inner,
        outside("gather", x, index, dim),
      );
    },
    scatter([x, index, source], output, { dim, reduce }) {
      if (![x, index, source, output].every((z) => isDense(z, z.shape))) return null;
      if (!alikeBut(x, index, dim) || !alikeBut(index, source, -1)) return null;
      const entry = reduce === "set"
        ? scatterSet.get(x.dtype.itemsize)
        : reduce === "sum"
        ? scatterAdd[x.dtype.code]
        : null;
      if (!entry) return null;
      const [outer, size, inner] = around(x, dim);
      const n = index.shape[dim] ?? 1;
      const args = [pointer(index), pointer(source), pointer(output), outer, size, n, inner];
      return onto(x, output, checked("scatter", entry, args, x, index, dim));
    },
  };
}
