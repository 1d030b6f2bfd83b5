/**
 * Kernels of the reductions: each output element folds the elements of `x` that share its place.
 *
 * Floats accumulate in float64 and round once. Integers up to 32 bits wrap at 32 bits, int64 at 64.
 *
 * @module
 */

import {
  int64,
  type Kernel,
  type KernelTable,
  type Operand,
  type ReductionPrimitives,
  type Shape,
} from "@flambeau/core";
import {
  allocateWide,
  BLOCK,
  eachPlace,
  type HostDispatch,
  lineStarts,
  load,
  planWalk,
  store,
  type View,
  type Wide,
} from "./iterate.ts";

type DimsName = "sum" | "prod" | "amax" | "amin" | "any" | "all";
type DimName = "argmax" | "argmin";

/** A fold over blocks: where it starts, and one step over the first `count` values of a block. */
interface Fold<N extends number | bigint, W extends Wide> {
  readonly start: N;
  readonly step: (result: N, block: W, count: number) => N;
}

type NumberFold = Fold<number, Float64Array>;
type BigFold = Fold<bigint, BigInt64Array>;

interface FoldRow {
  /** On floats; also on bool and integers up to 32 bits unless `int` says otherwise. */
  readonly number: NumberFold;
  /** On integers up to 32 bits. */
  readonly int?: NumberFold;
  /** On int64; where it is missing, int64 comes as the nearest number, which keeps whether it is 0. */
  readonly big?: BigFold;
}

const sum: NumberFold = {
  start: 0,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result += block[k]!;
    return result;
  },
};

const sumInt: NumberFold = {
  start: 0,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result = (result + block[k]!) | 0;
    return result;
  },
};

const sumBig: BigFold = {
  start: 0n,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result = BigInt.asIntN(64, result + block[k]!);
    return result;
  },
};

const prod: NumberFold = {
  start: 1,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result *= block[k]!;
    return result;
  },
};

const prodInt: NumberFold = {
  start: 1,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result = Math.imul(result, block[k]!);
    return result;
  },
};

const prodBig: BigFold = {
  start: 1n,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result = BigInt.asIntN(64, result * block[k]!);
    return result;
  },
};

// Math.max and Math.min give NaN when an argument is NaN, as amax and amin must.
const amax: NumberFold = {
  start: -Infinity,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result = Math.max(result, block[k]!);
    return result;
  },
};

const amaxBig: BigFold = {
  start: -(2n ** 63n),
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) if (block[k]! > result) result = block[k]!;
    return result;
  },
};

const amin: NumberFold = {
  start: Infinity,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) result = Math.min(result, block[k]!);
    return result;
  },
};

const aminBig: BigFold = {
  start: 2n ** 63n - 1n,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) if (block[k]! < result) result = block[k]!;
    return result;
  },
};

const any: NumberFold = {
  start: 0,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) if (block[k] !== 0) return 1;
    return result;
  },
};

const all: NumberFold = {
  start: 1,
  step: (result, block, count) => {
    for (let k = 0; k < count; k++) if (block[k] === 0) return 0;
    return result;
  },
};

const foldRows: { readonly [P in DimsName]: FoldRow } = {
  sum: { number: sum, int: sumInt, big: sumBig },
  prod: { number: prod, int: prodInt, big: prodBig },
  amax: { number: amax, big: amaxBig },
  amin: { number: amin, big: aminBig },
  any: { number: any },
  all: { number: all },
};

/** The dimensions of `x` split into those that stay and those in `dims`, as two geometries. */
function split(x: Operand, dims: Shape): { kept: number[]; folded: number[] } {
  const all = x.shape.map((_, d) => d);
  return { kept: all.filter((d) => !dims.includes(d)), folded: all.filter((d) => dims.includes(d)) };
}

/** The strides of the output at the dimensions that stay, with or without `keepdim`. */
function keptStrides(output: Operand, kept: readonly number[], keepdim: boolean): number[] {
  return keepdim ? kept.map((d) => output.strides[d]!) : [...output.strides];
}

function runFold<N extends number | bigint, W extends Wide>(
  view: View,
  fold: Fold<N, W>,
  block: W,
  result: W,
  x: Operand,
  output: Operand,
  dims: Shape,
  keepdim: boolean,
): void {
  const [from, to] = [view(x), view(output)];
  const { kept, folded } = split(x, dims);
  const walk = planWalk(folded.map((d) => x.shape[d]!), [folded.map((d) => x.strides[d]!)], BLOCK);
  const sources = { strides: kept.map((d) => x.strides[d]!), offset: x.offset };
  const targets = { strides: keptStrides(output, kept, keepdim), offset: output.offset };
  eachPlace(kept.map((d) => x.shape[d]!), [sources, targets], ([source, target]) => {
    let value = fold.start;
    walk.run([source!], (count, [start]) => {
      load(x.dtype, from, start!, walk.steps[0]!, block, count);
      value = fold.step(value, block, count);
    });
    result[0] = value;
    store(output.dtype, to, target!, 0, result, 1);
  });
}

function foldKernel(view: View, row: FoldRow): Kernel<DimsName, HostDispatch> {
  return ([x], output, { dims, keepdim }) => () => {
    if (x.dtype === int64 && row.big !== undefined) {
      const [block, result] = [new BigInt64Array(BLOCK), new BigInt64Array(1)];
      return runFold(view, row.big, block, result, x, output, dims, keepdim);
    }
    const fold = (x.dtype.kind === "int" ? row.int : undefined) ?? row.number;
    return runFold(view, fold, new Float64Array(BLOCK), new Float64Array(1), x, output, dims, keepdim);
  };
}

/** Place of the first value for which `better` holds against all before it; the first NaN wins. */
function argKernel(
  view: View,
  better: (x: number | bigint, best: number | bigint) => boolean,
): Kernel<DimName, HostDispatch> {
  return ([x], output, { dim, keepdim }) => () => {
    const [from, to] = [view(x), view(output)];
    const place = new Float64Array(1);
    const [count, step] = [x.shape[dim]!, x.strides[dim]!];
    const line = allocateWide(x.dtype, count);
    const sources = lineStarts(x, dim);
    const targets = keepdim ? lineStarts(output, dim) : output;
    eachPlace(sources.shape, [sources, targets], ([source, target]) => {
      load(x.dtype, from, source!, step, line, count);
      place[0] = 0;
      let best = line[0]!;
      for (let i = 1; i < count && best === best; i++) {
        const value = line[i]!;
        if (better(value, best) || value !== value) {
          best = value;
          place[0] = i;
        }
      }
      store(output.dtype, to, target!, 0, place, 1);
    });
  };
}

/** Kernels of the reductions over the memory that `view` shows. */
export function reduceKernels(
  view: View,
): Pick<KernelTable<HostDispatch>, keyof ReductionPrimitives<unknown>> {
  return {
    sum: foldKernel(view, foldRows.sum),
    prod: foldKernel(view, foldRows.prod),
    amax: foldKernel(view, foldRows.amax),
    amin: foldKernel(view, foldRows.amin),
    any: foldKernel(view, foldRows.any),
    all: foldKernel(view, foldRows.all),
    argmax: argKernel(view, (x, best) => x > best),
    argmin: argKernel(view, (x, best) => x < best),
  };
}
