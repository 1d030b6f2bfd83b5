/**
 * Kernels along one dimension that keep its size: running sums, products, maxima, and logarithms of sums.
 *
 * Each line is loaded whole before it is stored, so the output may be the input.
 *
 * @module
 */

import { int64, type Kernel, type KernelTable, type Operand } from "@flambeau/core";
import {
  allocateWide,
  eachPlace,
  type HostDispatch,
  lineStarts,
  load,
  store,
  type View,
  type Wide,
} from "./iterate.ts";

type SimpleName = "cumsum" | "cumprod" | "logcumsumexp";
type ExtremeName = "cummax" | "cummin";

/** Changes a line into its running result. */
interface ScanRow {
  /** On floats. */
  readonly number: (line: Float64Array) => void;
  /** On integers up to 32 bits; also on bool. */
  readonly int?: (line: Float64Array) => void;
  /** On int64. */
  readonly big?: (line: BigInt64Array) => void;
}

function running(next: (total: number, x: number) => number): (line: Float64Array) => void {
  return (line) => {
    for (let i = 1; i < line.length; i++) line[i] = next(line[i - 1]!, line[i]!);
  };
}

function runningBig(next: (total: bigint, x: bigint) => bigint): (line: BigInt64Array) => void {
  return (line) => {
    for (let i = 1; i < line.length; i++) line[i] = next(line[i - 1]!, line[i]!); // the store wraps to 64 bits
  };
}

/** ln(eˣ + eʸ); two equal infinities stay what they are. */
function logAddExp(x: number, y: number): number {
  if (x === y && !Number.isFinite(x)) return x;
  return Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
}

const scanRows: { readonly [P in SimpleName]: ScanRow } = {
  cumsum: {
    number: running((total, x) => total + x),
    int: running((total, x) => (total + x) | 0),
    big: runningBig((total, x) => total + x),
  },
  cumprod: {
    number: running((total, x) => total * x),
    int: running(Math.imul),
    big: runningBig((total, x) => total * x),
  },
  logcumsumexp: { number: running(logAddExp) },
};

/** Size and step of the lines of `x` along `dim`. */
export function lineOf(x: Operand, dim: number): { size: number; step: number } {
  return { size: x.shape[dim]!, step: x.strides[dim]! };
}

function scanLines<W extends Wide>(
  view: View,
  x: Operand,
  output: Operand,
  dim: number,
  line: W,
  scan: (line: W) => void,
): void {
  const [from, to] = [view(x), view(output)];
  const [xStep, outStep] = [lineOf(x, dim).step, lineOf(output, dim).step];
  const [sources, targets] = [lineStarts(x, dim), lineStarts(output, dim)];
  eachPlace(sources.shape, [sources, targets], ([source, target]) => {
    load(x.dtype, from, source!, xStep, line, line.length);
    scan(line);
    store(output.dtype, to, target!, outStep, line, line.length);
  });
}

function scanKernel(view: View, row: ScanRow): Kernel<SimpleName, HostDispatch> {
  return ([x], output, { dim }) => {
    const { size } = lineOf(x, dim);
    if (x.dtype === int64) {
      const scan = row.big;
      return scan === undefined ? null : () => scanLines(view, x, output, dim, new BigInt64Array(size), scan);
    }
    const scan = (x.dtype.kind === "float" ? undefined : row.int) ?? row.number;
    return () => scanLines(view, x, output, dim, new Float64Array(size), scan);
  };
}

/** Running extreme and its place: the last among equals; a NaN replaces all but is not replaced by numbers. */
function extremeKernel(
  view: View,
  reaches: (x: number | bigint, best: number | bigint) => boolean,
): Kernel<ExtremeName, HostDispatch> {
  return ([x], [values, indices], { dim }) => () => {
    const [from, toValues, toIndices] = [view(x), view(values), view(indices)];
    const { size, step } = lineOf(x, dim);
    const line = allocateWide(x.dtype, size);
    const places = new Float64Array(size);
    const starts = [lineStarts(x, dim), lineStarts(values, dim), lineStarts(indices, dim)];
    eachPlace(starts[0]!.shape, starts, ([source, valueTarget, indexTarget]) => {
      load(x.dtype, from, source!, step, line, size);
      for (let i = 1, place = 0; i < size; i++) {
        const [value, best] = [line[i]!, line[i - 1]!];
        if (value !== value || reaches(value, best)) place = i;
        else line[i] = best;
        places[i] = place;
      }
      store(values.dtype, toValues, valueTarget!, lineOf(values, dim).step, line, size);
      store(indices.dtype, toIndices, indexTarget!, lineOf(indices, dim).step, places, size);
    });
  };
}

/** Kernels of the scans over the memory that `view` shows. */
export function scanKernels(view: View): Pick<KernelTable<HostDispatch>, SimpleName | ExtremeName> {
  return {
    cumsum: scanKernel(view, scanRows.cumsum),
    cumprod: scanKernel(view, scanRows.cumprod),
    logcumsumexp: scanKernel(view, scanRows.logcumsumexp),
    cummax: extremeKernel(view, (x, best) => x >= best),
    cummin: extremeKernel(view, (x, best) => x <= best),
  };
}
