/**
 * Kernels that choose elements by index, or combine elements into places given by index.
 *
 * @module
 */

import {
  contiguousStrides,
  type DType,
  formatType,
  IndexError,
  type KernelTable,
  type Operand,
  type ScatterReduce,
} from "@flambeau/core";
import {
  eachPlace,
  fromDense,
  type HostDispatch,
  lineStarts,
  planWalk,
  toDense,
  toDenseNumbers,
  type View,
  without,
} from "./iterate.ts";
import { moveRun, placeOf, sourceOf } from "./move.ts";

type IndexName = "indexSelect" | "indexReduce" | "gather" | "scatter" | "nonzero";

/** How a value joins what is there. Typed as numbers; the rows of int64 get and give bigints. */
type Combine = (there: number, value: number) => number;

const combineFloats: { readonly [R in ScatterReduce]: Combine } = {
  set: (_, value) => value,
  sum: (there, value) => there + value,
  prod: (there, value) => there * value,
  amax: Math.max, // NaN if either is NaN
  amin: Math.min,
};

const combineInts: { readonly [R in ScatterReduce]: Combine } = {
  ...combineFloats,
  sum: (there, value) => (there + value) | 0,
  prod: Math.imul,
};

/** The stores wrap to 64 bits. */
const combineBigs: { readonly [R in ScatterReduce]: (there: bigint, value: bigint) => bigint } = {
  set: (_, value) => value,
  sum: (there, value) => there + value,
  prod: (there, value) => there * value,
  amax: (there, value) => value > there ? value : there,
  amin: (there, value) => value < there ? value : there,
};

function combineOf(dtype: DType, reduce: ScatterReduce): Combine {
  if (dtype.name === "int64") return combineBigs[reduce] as unknown as Combine;
  return dtype.kind === "int" ? combineInts[reduce] : combineFloats[reduce];
}

/** The indices of `index` in row-major order, checked against the size of `x` at `dim`. */
function checkedIndices(view: View, op: string, index: Operand, x: Operand, dim: number): Float64Array {
  const size = x.shape[dim]!;
  const values = toDenseNumbers(view, index);
  for (let k = 0; k < values.length; k++) {
    const i = values[k]!;
    if (i >= 0 && i < size) continue;
    throw new IndexError(
      `Cannot ${op} ${formatType(x)} along dimension ${dim}: indices must be in the range [0, ${
        size - 1
      }], got ${i}`,
    );
  }
  return values;
}

/** `strides` with 0 at `dim`: where lines along `dim` start. */
function lineStrides(strides: readonly number[], dim: number): number[] {
  return strides.map((step, d) => d === dim ? 0 : step);
}

function indexSelect(view: View, x: Operand, index: Operand, output: Operand, dim: number): void {
  const indices = checkedIndices(view, "indexSelect", index, x, dim);
  const [from, to] = [sourceOf(view, x, output), placeOf(view, output)];
  const [fromStep, toStep] = [from.strides[dim]!, to.strides[dim]!];
  const walk = planWalk(without(output.shape, dim), [without(from.strides, dim), without(to.strides, dim)]);
  for (let i = 0; i < indices.length; i++) {
    walk.run([from.offset + indices[i]! * fromStep, to.offset + i * toStep], (count, [source, target]) => {
      moveRun(from.data, source!, walk.steps[0]!, to.data, target!, walk.steps[1]!, count);
    });
  }
}

function gather(view: View, x: Operand, index: Operand, output: Operand, dim: number): void {
  const indices = checkedIndices(view, "gather from", index, x, dim);
  const [from, to] = [sourceOf(view, x, output), placeOf(view, output)];
  const step = from.strides[dim]!;
  const walk = planWalk(index.shape, [lineStrides(from.strides, dim), to.strides]);
  const [lineStep, toStep] = walk.steps as [number, number];
  let i = 0;
  walk.run([from.offset, to.offset], (count, [line, target]) => {
    for (let k = 0; k < count; k++) {
      to.data[target! + k * toStep] = from.data[line! + k * lineStep + indices[i++]! * step]!;
    }
  });
}

function scatter(
  view: View,
  x: Operand,
  index: Operand,
  source: Operand,
  output: Operand,
  dim: number,
  combine: Combine,
): void {
  const indices = checkedIndices(view, "scatter into", index, x, dim);
  const result = toDense(view, x) as Float64Array;
  const values = toDense(view, source) as Float64Array;
  const strides = contiguousStrides(x.shape);
  const step = strides[dim]!;
  const walk = planWalk(index.shape, [lineStrides(strides, dim), contiguousStrides(source.shape)]);
  const [lineStep, sourceStep] = walk.steps as [number, number];
  let i = 0;
  walk.run([0, 0], (count, [line, at]) => {
    for (let k = 0; k < count; k++) {
      const target = line! + k * lineStep + indices[i++]! * step;
      result[target] = combine(result[target]!, values[at! + k * sourceStep]!);
    }
  });
  fromDense(view, output, result);
}

function indexReduce(
  view: View,
  x: Operand,
  index: Operand,
  source: Operand,
  output: Operand,
  dim: number,
  combine: Combine,
): void {
  const indices = checkedIndices(view, "indexReduce into", index, x, dim);
  const result = toDense(view, x) as Float64Array;
  const values = toDense(view, source) as Float64Array;
  const strides = contiguousStrides(x.shape);
  const sourceStrides = contiguousStrides(source.shape);
  const targets = lineStarts({ buffer: x.buffer, dtype: x.dtype, shape: x.shape, strides, offset: 0 }, dim);
  const sources = lineStarts({ ...source, strides: sourceStrides, offset: 0 }, dim);
  eachPlace(targets.shape, [targets, sources], ([line, sourceLine]) => {
    for (let i = 0; i < indices.length; i++) {
      const target = line! + indices[i]! * strides[dim]!;
      result[target] = combine(result[target]!, values[sourceLine! + i * sourceStrides[dim]!]!);
    }
  });
  fromDense(view, output, result);
}

function nonzero(view: View, x: Operand, output: Operand): void {
  const values = toDense(view, x);
  const places = new Float64Array(output.shape[0]! * output.shape[1]!);
  const strides = contiguousStrides(x.shape);
  let done = 0;
  for (let i = 0; i < values.length && done < places.length; i++) {
    if (Number(values[i]) === 0) continue;
    for (let d = 0; d < strides.length; d++) places[done++] = Math.floor(i / strides[d]!) % x.shape[d]!;
  }
  fromDense(view, output, places);
}

/** Kernels of indexing over the memory that `view` shows. */
export function indexKernels(view: View): Pick<KernelTable<HostDispatch>, IndexName> {
  return {
    indexSelect: ([x, index], output, { dim }) => () => indexSelect(view, x, index, output, dim),
    indexReduce: ([x, index, source], output, { dim, reduce }) => () =>
      indexReduce(view, x, index, source, output, dim, combineOf(x.dtype, reduce)),
    gather: ([x, index], output, { dim }) => () => gather(view, x, index, output, dim),
    scatter: ([x, index, source], output, { dim, reduce }) => () =>
      scatter(view, x, index, source, output, dim, combineOf(x.dtype, reduce)),
    nonzero: ([x], output) => () => nonzero(view, x, output),
  };
}
