/**
 * Reductions: sum, product, extremes and their places, any and all; running sums.
 *
 * @module
 */

import { bool, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import { Call, type Entry, Job, Sequence, type WasmDispatch } from "../dispatch.ts";
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

/** Elements from which a reduction to one number goes by parts, the same for any number of threads. */
const MANY = 2 ** 18;
const PARTS = 8;
/** Where parts leave their results, of up to eight bytes: after the words of threads. */
const PARTIALS = 29184;
/** Parts begin at multiples of so many elements. */
const PART_GRAIN = 1024;

/** Where each of the parts of `n` elements begins, and the end. */
function partsOf(n: number): number[] {
  return Array.from(
    { length: PARTS + 1 },
    (_, i) => i === PARTS ? n : Math.floor(i * n / PARTS / PART_GRAIN) * PART_GRAIN,
  );
}

/**
 * A reduction of `n` elements in a row to one: each part's result goes to {@linkcode PARTIALS}, then these are reduced.
 * Which thread computes a part does not matter, so the result is the same for any number of them.
 */
function toOne(kernels: Kernels, entry: Entry, x: Operand, output: Operand, n: number): WasmDispatch {
  const { itemsize } = x.dtype;
  const isSum = entry.name === "sum_f32";
  const starts = partsOf(n);
  const parts = starts.slice(1).map((end, i) => {
    const [from, count] = [pointer(x) + starts[i]! * itemsize, end - starts[i]!];
    return isSum
      ? new Call(kernels.entry("sum_part_f32"), [from, count, PARTIALS + i * 8])
      : new Call(entry, [from, PARTIALS + i * itemsize, 1, 1, count, 1, 0, 0, 1, 1]);
  });
  const last = isSum
    ? new Call(kernels.entry("sum_parts_f32"), [PARTIALS, pointer(output), PARTS])
    : new Call(entry, [PARTIALS, pointer(output), 1, 1, PARTS, 1, 0, 0, 1, 1]);
  const isShared = kernels.cuts(n, PART_GRAIN, n * REDUCING * (itemsize / 4)).length > 2;
  return new Sequence(isShared ? [new Job(kernels.pool!, parts), last] : [...parts, last]);
}

/** Nanoseconds that four bytes take to reduce. */
const REDUCING = 0.08;

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
    const [outer, r, n, inner] = found.sizes as [number, number, number, number];
    if (outer * r * inner === 1 && n >= MANY && found.steps[2] === 1) {
      return toOne(kernels, entry, x, output, n);
    }
    kernels.needScratch(bytes);
    return shared(entry, [pointer(x), pointer(output), ...found.sizes, ...found.steps], {
      sizes: [found.sizes[0]!, found.sizes[3]!],
      places: [2, 5],
      steps: [found.steps[0]!, found.steps[3]!],
      itemsize: x.dtype.itemsize,
      cost: count(x.shape) * REDUCING * (x.dtype.itemsize / 4),
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
      const along = outer < inner ? 5 : 2;
      const step = (along === 5 ? 1 : n * inner) * x.dtype.itemsize;
      return kernels.cut(entry, [pointer(x), pointer(output), outer, n, inner, inner], {
        units: along === 5 ? inner : outer,
        at: along,
        grain: along === 5 ? 16 : 1,
        cost: count(x.shape),
        moves: [[0, step], [1, step]],
      });
    },
    argmax: placing(byDType(kernels, "argmax")),
    argmin: placing(byDType(kernels, "argmin")),
  };
}
