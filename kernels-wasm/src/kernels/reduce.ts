/**
 * Reductions: sum, product, extremes and their places, any and all; running sums.
 *
 * @module
 */

import { bool, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import type { Entry, WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** A loop of a reduction: its size and its step in elements. */
type Loop = [size: number, step: number];

/**
 * The loops over kept and over reduced dimensions, outermost first, neighbours melted. Kept ones stay in order, because
 * the result has theirs; the order of reduced ones is free, so they are melted among themselves.
 */
function loops(x: Operand, dims: ReadonlySet<number>): [kept: Loop[], reduced: Loop[]] {
  const kept: Loop[] = [];
  const reduced: Loop[] = [];
  x.shape.forEach((size, d) => {
    if (size === 1) return;
    const list = dims.has(d) ? reduced : kept;
    const step = x.strides[d]!;
    const last = list.at(-1);
    if (last !== undefined && last[1] === step * size) {
      last[0] *= size;
      last[1] = step;
    } else list.push([size, step]);
  });
  return [kept, reduced];
}

/** Numbers of a reduction: sizes and steps of outer, r, n and inner; null when there are more loops than that. */
function plan(x: Operand, dims: Shape): { sizes: number[]; steps: number[] } | null {
  const [kept, reduced] = loops(x, new Set(dims));
  if (kept.length > 2 || reduced.length > 2) return null;
  if (reduced.length === 2 && reduced[0]![1] === 1) reduced.reverse();
  const [r, n] = reduced.length === 2
    ? reduced as [Loop, Loop]
    : [[1, 0] as Loop, reduced[0] ?? [1, 1] as Loop];
  let outer: Loop = [1, 0];
  let inner: Loop = [1, 1];
  if (kept.length === 2) [outer, inner] = kept as [Loop, Loop];
  else if (kept.length === 1) {
    if (kept[0]![1] === 1) inner = kept[0]!;
    else outer = kept[0]!;
  }
  return {
    sizes: [outer[0], r[0], n[0], inner[0]],
    steps: [outer[1], r[1], n[1], inner[1]],
  };
}

/** The kept loops of a reduction, outer and inner, as threads share them. */
interface SharedLoop {
  readonly sizes: readonly [outer: number, inner: number];
  /** Arguments that hold the sizes. */
  readonly places: readonly [outer: number, inner: number];
  readonly steps: readonly [outer: number, inner: number];
  readonly itemsize: number;
  readonly cost: number;
  /** Bytes of an element of the result. Default: those of the input. */
  readonly outBytes?: number;
}

/** The reductions. */
export function reduceKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const bytes = kernels.entry("reduce_scratch").fn();
  /** The call cut along outer, or along inner where there is one outer. */
  const shared = (entry: Entry, args: readonly number[], loop: SharedLoop): WasmDispatch => {
    const { sizes: [outer, inner], places, steps, itemsize, cost, outBytes = itemsize } = loop;
    const along = outer > 1 ? 0 : 1;
    const step = along === 0 ? inner * outBytes : outBytes;
    return kernels.cut(entry, args, {
      units: along === 0 ? outer : inner,
      at: places[along],
      grain: along === 0 ? 1 : 64,
      cost,
      moves: [[0, steps[along] * itemsize], [1, step]],
    });
  };
  const reduction = (entries: readonly (Entry | null | undefined)[]) =>
  (
    [x]: readonly [x: Operand],
    output: Operand,
    attrs: { readonly dims: Shape },
  ): WasmDispatch | null => {
    const entry = entries[x.dtype.code];
    if (!entry || x.dtype !== output.dtype || !isDense(output, output.shape)) return null;
    const found = plan(x, attrs.dims);
    if (found === null) return null;
    kernels.needScratch(bytes);
    return shared(entry, [pointer(x), pointer(output), ...found.sizes, ...found.steps], {
      sizes: [found.sizes[0]!, found.sizes[3]!],
      places: [2, 5],
      steps: [found.steps[0]!, found.steps[3]!],
      itemsize: x.dtype.itemsize,
      cost: count(x.shape) * 0.08 * (x.dtype.itemsize / 4),
    });
  };
  const truth = (prefix: string): (Entry | undefined)[] => {
    const entries: (Entry | undefined)[] = [];
    entries[bool.code] = kernels.entry(`${prefix}_u8`);
    return entries;
  };
  const least = reduction(truth("amin"));
  const placing = (entries: readonly (Entry | null)[]) =>
  (
    [x]: readonly [x: Operand],
    output: Operand,
    attrs: { readonly dim: number },
  ): WasmDispatch | null => {
    const entry = entries[x.dtype.code];
    if (!entry || !isDense(output, output.shape)) return null;
    const found = plan(x, x.shape.length === 0 ? [] : [attrs.dim]);
    if (found === null) return null;
    const [outer, , n, inner] = found.sizes;
    const [so, , sn, si] = found.steps;
    kernels.needScratch(bytes);
    return shared(entry, [pointer(x), pointer(output), outer!, n!, inner!, so!, sn!, si!], {
      sizes: [outer!, inner!],
      places: [2, 4],
      steps: [so!, si!],
      itemsize: x.dtype.itemsize,
      cost: count(x.shape) * 0.3 * (x.dtype.itemsize / 4),
      outBytes: 4,
    });
  };
  const sums = byDType(kernels, "cumsum");
  return {
    sum: reduction(byDType(kernels, "sum")),
    prod: reduction(byDType(kernels, "prod")),
    amax: reduction(byDType(kernels, "amax")),
    amin: reduction(byDType(kernels, "amin")),
    any: reduction(truth("amax")),
    // The least of no bytes is the largest byte, which is no truth value: the host answers that.
    all: ([x], output, attrs) => x.shape.includes(0) ? null : least([x], output, attrs),
    cumsum([x], output, { dim }) {
      const entry = sums[x.dtype.code];
      if (!entry || x.dtype !== output.dtype) return null;
      if (!isDense(x, x.shape) || !isDense(output, output.shape)) return null;
      kernels.needScratch(bytes);
      const n = x.shape[dim] ?? 1;
      const outer = count(x.shape.slice(0, dim));
      const inner = count(x.shape.slice(dim + 1));
      const step = n * inner * x.dtype.itemsize;
      return kernels.cut(entry, [pointer(x), pointer(output), outer, n, inner], {
        units: outer,
        at: 2,
        cost: count(x.shape),
        moves: [[0, step], [1, step]],
      });
    },
    argmax: placing(byDType(kernels, "argmax")),
    argmin: placing(byDType(kernels, "argmin")),
  };
}
