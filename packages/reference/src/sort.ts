/**
 * Kernels that put elements in order, and search in what is in order. NaN is larger than every number.
 *
 * @module
 */

import type { Kernel, KernelTable, Operand } from "@flambeau/core";
import {
  allocateWide,
  broadcastStrides,
  eachPlace,
  type HostDispatch,
  lineStarts,
  load,
  store,
  type View,
  type Wide,
} from "./iterate.ts";
import { lineOf } from "./scan.ts";

type SortName = "sort" | "topk" | "searchsorted";

/** −1, 0 or 1 in ascending order, NaN last. */
function compare(x: number | bigint, y: number | bigint): number {
  if (x < y) return -1;
  if (x > y) return 1;
  if (x === y) return 0;
  return (x !== x ? 1 : 0) - (y !== y ? 1 : 0);
}

/** The places of the values of `line` in order; equal values keep their order. */
function orderOf(line: Wide, descending: boolean): Int32Array {
  const order = new Int32Array(line.length).map((_, i) => i);
  const sign = descending ? -1 : 1;
  return order.sort((i, j) => sign * compare(line[i]!, line[j]!) || i - j);
}

/** Stores the first values of each line of `x` in order, and their places, as many as the outputs hold. */
function sortLines(
  view: View,
  x: Operand,
  values: Operand,
  indices: Operand,
  dim: number,
  descending: boolean,
): void {
  const [from, toValues, toIndices] = [view(x), view(values), view(indices)];
  const { size, step } = lineOf(x, dim);
  const { size: kept, step: valueStep } = lineOf(values, dim);
  const line = allocateWide(x.dtype, size);
  const sorted = allocateWide(x.dtype, kept);
  const places = new Float64Array(kept);
  const starts = [lineStarts(x, dim), lineStarts(values, dim), lineStarts(indices, dim)];
  eachPlace(starts[0]!.shape, starts, ([source, valueTarget, indexTarget]) => {
    load(x.dtype, from, source!, step, line, size);
    const order = orderOf(line, descending);
    for (let i = 0; i < kept; i++) {
      places[i] = order[i]!;
      sorted[i] = line[order[i]!]!;
    }
    store(values.dtype, toValues, valueTarget!, valueStep, sorted, kept);
    store(indices.dtype, toIndices, indexTarget!, lineOf(indices, dim).step, places, kept);
  });
}

/** Number of leading elements of `line` that come before `value`: those below it, with `right` also those equal to it. */
function placeIn(line: Wide, value: number | bigint, right: boolean): number {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const stays = right ? line[middle]! > value : line[middle]! >= value;
    if (stays) high = middle;
    else low = middle + 1; // also for NaN, which fits behind all numbers
  }
  return low;
}

function searchsortedKernel(view: View): Kernel<"searchsorted", HostDispatch> {
  return ([sorted, values], output, { right }) => () => {
    const [fromSorted, from, to] = [view(sorted), view(values), view(output)];
    const dim = sorted.shape.length - 1;
    const { size, step } = lineOf(sorted, dim);
    const line = allocateWide(sorted.dtype, size);
    const place = new Float64Array(1);
    const value = allocateWide(values.dtype, 1);
    // One line for all values when `sorted` has rank 1, else one line for each line of values.
    const starts = { strides: valueLines(sorted, values), offset: sorted.offset };
    let loaded = -1;
    eachPlace(output.shape, [starts, values, output], ([source, at, target]) => {
      if (loaded !== source) load(sorted.dtype, fromSorted, source!, step, line, size);
      loaded = source!;
      load(values.dtype, from, at!, 0, value, 1);
      place[0] = placeIn(line, value[0]!, right);
      store(output.dtype, to, target!, 0, place, 1);
    });
  };
}

/** The strides that lead from a place in `values` to the start of its line in `sorted`. */
function valueLines(sorted: Operand, values: Operand): number[] {
  const lines = lineStarts(sorted, sorted.shape.length - 1);
  if (lines.shape.length === 0) return values.shape.map(() => 0);
  return [...broadcastStrides(lines, values.shape.slice(0, -1)), 0];
}

/** Kernels of sorting and searching over the memory that `view` shows. */
export function sortKernels(view: View): Pick<KernelTable<HostDispatch>, SortName> {
  return {
    sort: ([x], [values, indices], { dim, descending }) => () =>
      sortLines(view, x, values, indices, dim, descending),
    topk: ([x], [values, indices], { dim, largest }) => () =>
      sortLines(view, x, values, indices, dim, largest),
    searchsorted: searchsortedKernel(view),
  };
}
