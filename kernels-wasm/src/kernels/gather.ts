/**
 * Choosing elements by index and combining elements into places given by index, of dense operands.
 *
 * An index out of range throws when the step runs; nothing is read or written with it.
 *
 * @module
 */

import {
  bool,
  formatType,
  IndexError,
  int64,
  type KernelTable,
  type Operand,
  type ScatterReduce,
} from "@flambeau/core";
import { type Entry, LoopCall, META, Sequence, type WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, pointer } from "../geometry.ts";
import type { Cut, Kernels } from "../module.ts";

/** Sizes before, at and after `dim`. */
function around(x: Operand, dim: number): [outer: number, n: number, inner: number] {
  if (x.shape.length === 0) return [1, 1, 1];
  return [count(x.shape.slice(0, dim)), x.shape[dim]!, count(x.shape.slice(dim + 1))];
}

/**
 * True when the elements of `index` before `dim`, and those after it, lie in `x` in one run: of each group of dimensions
 * only the first may be smaller.
 */
function lieInRuns(x: Operand, index: Operand, dim: number): boolean {
  return x.shape.every((size, d) => d === 0 || d === dim || d === dim + 1 || size === index.shape[d]);
}

/** How values join what is there, as the kernels number it. */
const WAYS: { readonly [R in ScatterReduce]: number } = { set: 0, sum: 1, prod: 2, amax: 3, amin: 4 };

/** Choosing and combining by index. */
export function gatherKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const bySize = (prefix: string): Map<number, Entry> =>
    new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`${prefix}_${bytes * 8}`)]));
  const select = kernels.entry("index_select");
  const set = kernels.entry("index_set");
  const add = byDType(kernels, "index_add");
  const joined = byDType(kernels, "index_join");
  const gather = bySize("gather");
  const scatterSet = bySize("scatter_set");
  const scatterAdd = byDType(kernels, "scatter_add");
  const scatterJoin = byDType(kernels, "scatter_join");
  const copy = kernels.entry("copy_8");
  const nonzero = byDType(kernels, "nonzero");
  nonzero[bool.code] = kernels.entry("nonzero_u8");

  /** Throws the error of the index at place `at`. */
  const outside = (op: string, x: Operand, index: Operand, dim: number) => (at: number): never => {
    throw new IndexError(
      `Cannot ${op} ${formatType(x)}: index ${
        kernels.indexAt(pointer(index), at, index.dtype === int64)
      } is out of bounds for dimension ${dim} with size ${x.shape[dim] ?? 1}`,
    );
  };
  /** A look at all indices. */
  const look = (op: string, x: Operand, index: Operand, dim: number): WasmDispatch => {
    const n = count(index.shape);
    const wide = index.dtype === int64 ? 1 : 0;
    return kernels.cutChecked(
      kernels.entry("index_outside"),
      [pointer(index), n, x.shape[dim] ?? 1, wide],
      lookAt(n, wide),
      1,
      outside(op, x, index, dim),
    );
  };
  /** A copy of `x` where the result will be. */
  const begin = (x: Operand, output: Operand): WasmDispatch => {
    const bytes = count(x.shape) * x.dtype.itemsize;
    return kernels.cut(copy, [pointer(x), pointer(output), bytes, 1, 1], {
      units: bytes,
      at: 2,
      grain: 4096,
      cost: bytes * 0.03,
      moves: [[0, 1], [1, 1]],
    });
  };

  return {
    indexSelect([x, index], output, { dim }) {
      if (!isDense(output, output.shape) || !isDense(index, index.shape)) return null;
      if (!isDense(x, x.shape)) return null;
      const [outer, size, inner] = around(x, dim);
      const n = index.shape[0]!;
      const bytes = inner * x.dtype.itemsize;
      const wide = index.dtype === int64 ? 1 : 0;
      const [step, to] = [size * bytes, n * bytes];
      const along: Pick<Cut, "units" | "at" | "moves"> = outer > 1
        ? { units: outer, at: 3, moves: [[0, step], [2, to]] }
        : { units: n, at: 5, moves: [[1, wide ? 8 : 4], [2, bytes]] };
      return kernels.cutChecked(
        select,
        [pointer(x), pointer(index), pointer(output), outer, size, n, bytes, step, to, wide],
        { ...along, cost: outer * n * (0.5 + bytes * 0.02) },
        // Parts of outer look at all indices.
        outer > 1 ? 0 : 1,
        outside("indexSelect", x, index, dim),
      );
    },
    indexReduce([x, index, source], output, { dim, reduce }) {
      if (![x, index, output].every((z) => isDense(z, z.shape))) return null;
      const code = x.dtype.code;
      const way = WAYS[reduce];
      const entry = reduce === "set" ? set : reduce === "sum" ? add[code] : joined[code];
      if (!entry) return null;
      const [outer, size, inner] = around(x, dim);
      const n = index.shape[0]!;
      const wide = index.dtype === int64 ? 1 : 0;
      const { itemsize } = x.dtype;
      const one = reduce !== "set" && inner === 1 && isOne(source);
      if (!one && !isDense(source, source.shape)) return null;
      const step = one ? 0 : itemsize;
      // Lengths are in bytes for what is moved, in elements for what is combined.
      const unit = reduce === "set" ? itemsize : 1;
      const each = itemsize / unit;
      const row = inner * unit;
      const args = [pointer(index), pointer(source), pointer(output), outer, size, n, row, row, wide];
      if (reduce !== "set") args.push(step);
      if (way > WAYS.sum) args.push(way);
      const along: Pick<Cut, "units" | "at" | "moves" | "grain"> = outer > 1
        ? { units: outer, at: 3, moves: [[1, n * inner * step], [2, size * inner * itemsize]] }
        : { units: row, at: 6, grain: 64 / each, moves: [[1, each], [2, each]] };
      const cost = outer * n * (1 + inner * itemsize * 0.03);
      const steps = [look("indexReduce", x, index, dim), kernels.cut(entry, args, { ...along, cost })];
      if (pointer(x) !== pointer(output)) steps.splice(1, 0, begin(x, output));
      return new Sequence(steps);
    },
    nonzero([x], output) {
      const entry = nonzero[x.dtype.code];
      if (!entry || !isDense(x, x.shape) || !isDense(output, output.shape)) return null;
      const rank = x.shape.length;
      if (rank === 0 || count(output.shape) === 0) return null;
      const n = x.shape[rank - 1]!;
      const meta = [...x.shape];
      const args = [META, pointer(x), pointer(output), output.shape[0]!, count(x.shape) / n, n, rank];
      return new LoopCall(entry, args, meta, kernels.heap);
    },
    gather([x, index], output, { dim }) {
      if (![x, index, output].every((z) => isDense(z, z.shape)) || !lieInRuns(x, index, dim)) return null;
      const [, size, row] = around(x, dim);
      const [outer, n, inner] = around(index, dim);
      const wide = index.dtype === int64 ? 1 : 0;
      const { itemsize } = x.dtype;
      const step = size * row * itemsize;
      const along: Pick<Cut, "units" | "at" | "moves"> = outer > 1
        ? {
          units: outer,
          at: 3,
          moves: [[0, step], [1, n * inner * (wide ? 8 : 4)], [2, n * inner * itemsize]],
        }
        : { units: n, at: 5, moves: [[1, inner * (wide ? 8 : 4)], [2, inner * itemsize]] };
      return kernels.cutChecked(
        gather.get(itemsize)!,
        [pointer(x), pointer(index), pointer(output), outer, size, n, inner, row, step, wide],
        { ...along, cost: count(index.shape) * (inner === 1 ? 0.4 : 0.9) },
        outer > 1 ? n * inner : inner,
        outside("gather", x, index, dim),
      );
    },
    scatter([x, index, source], output, { dim, reduce }) {
      if (![x, index, output].every((z) => isDense(z, z.shape))) return null;
      if (!lieInRuns(x, index, dim) || !lieInRuns(source, index, dim)) return null;
      const one = isOne(source);
      if (!one && !isDense(source, source.shape)) return null;
      const { itemsize, code } = x.dtype;
      const way = WAYS[reduce];
      const entry = reduce === "set"
        ? scatterSet.get(itemsize)
        : reduce === "sum"
        ? scatterAdd[code]
        : scatterJoin[code];
      if (!entry) return null;
      const [, size, row] = around(x, dim);
      const [outer, n, inner] = around(index, dim);
      const [, sourceSize, sourceInner] = around(source, dim);
      const wide = index.dtype === int64 ? 1 : 0;
      const step = size * row * itemsize;
      const unit = one ? 0 : itemsize;
      const sourceStep = sourceSize * sourceInner * unit;
      const args = [
        pointer(index),
        pointer(source),
        pointer(output),
        outer,
        size,
        n,
        inner,
        inner,
        row,
        step,
      ];
      args.push(unit, sourceInner * unit, sourceStep, wide);
      if (way > WAYS.sum) args.push(way);
      const along: Pick<Cut, "units" | "at" | "moves" | "grain"> = outer > 1
        ? { units: outer, at: 3, moves: [[0, n * inner * (wide ? 8 : 4)], [1, sourceStep], [2, step]] }
        : { units: inner, at: 6, grain: 16, moves: [[0, wide ? 8 : 4], [1, unit], [2, itemsize]] };
      const into = kernels.cutChecked(
        entry,
        args,
        { ...along, cost: count(index.shape) * (inner === 1 ? 0.6 : 1) },
        outer > 1 ? n * inner : 1,
        outside("scatter", x, index, dim),
      );
      // Nothing of a tensor that is written in place changes where an index is out of range.
      return new Sequence(
        pointer(x) === pointer(output) ? [look("scatter", x, index, dim), into] : [begin(x, output), into],
      );
    },
  };
}

/** True when all elements are the one at its address. */
function isOne(x: Operand): boolean {
  return x.strides.every((step, d) => step === 0 || x.shape[d] === 1);
}

/** How a look at `n` indices is cut. */
function lookAt(n: number, wide: number): Cut {
  const bytes = wide ? 8 : 4;
  return { units: n, at: 1, grain: 64, moves: [[0, bytes]], cost: n * bytes * 0.02 };
}

/** Whether a dense list of indices lies in 0 … `size` − 1. */
export function areInside(kernels: Kernels, index: Operand, size: number): boolean {
  const n = count(index.shape);
  const wide = index.dtype === int64 ? 1 : 0;
  const args = [pointer(index), n, size, wide];
  const parts = kernels.partsOf(kernels.entry("index_outside"), args, lookAt(n, wide));
  const results = parts.length === 1 ? [parts[0]!.call()] : kernels.pool!.run(parts);
  return results.every((status) => status === -1);
}
