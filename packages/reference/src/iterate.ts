/**
 * Walks over strided memory, and moves runs of elements between it and dense blocks of numbers.
 *
 * Kernels compute on dense blocks of float64 (bigint for int64), which hold every value of every dtype exactly. So each
 * loop over memory is written once per dtype here, with one kind of typed array each: a loop that meets several kinds
 * is many times slower.
 *
 * @module
 */

import {
  bfloat16FromBits,
  bfloat16ToBits,
  type DataArray,
  type DType,
  float16FromBits,
  float16ToBits,
  numelOf,
  type Operand,
  type Shape,
} from "@flambeau/core";

/** A closure that computes into the memory of the outputs: what a host kernel answers. */
export type HostDispatch = () => void;

/**
 * The memory of an operand's buffer as elements of its dtype; element 0 is the start of the buffer.
 * It is asked for when a dispatch runs, because a WebAssembly memory moves when it grows.
 */
export type View = (operand: Pick<Operand, "buffer" | "dtype">) => DataArray;

/** Dense values to compute on: `BigInt64Array` for int64, `Float64Array` for all other dtypes. */
export type Wide = Float64Array | BigInt64Array;

/** Sees one run: `count` elements, from `starts[k]` on for operand `k`. `starts` is reused. */
export type Visit = (count: number, starts: readonly number[]) => void;

/** A way over the elements of a shape in row-major order, run by run. */
export interface Walk {
  /** Elements to step inside a run, for each operand. */
  readonly steps: readonly number[];
  /** Visits all runs, where `offsets` are the places of the first element in each operand. */
  run(offsets: readonly number[], visit: Visit): void;
}

/** Elements in one block: three blocks of float64 fit the first level of cache. */
export const BLOCK = 1024;

/**
 * Plans a walk over `shape` for operands with these strides. Neighbouring dimensions that lie behind one another in all
 * operands become one, so contiguous operands give a single run.
 *
 * @param limit Largest number of elements in a run.
 */
export function planWalk(shape: Shape, strides: readonly Shape[], limit: number = Infinity): Walk {
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => merged[k]![last] === s[d]! * size)) {
      sizes[last]! *= size;
      strides.forEach((s, k) => merged[k]![last] = s[d]!);
    } else {
      sizes.push(size);
      strides.forEach((s, k) => merged[k]!.push(s[d]!));
    }
  }
  const empty = sizes.includes(0);
  const inner = sizes.pop() ?? 1;
  const steps = merged.map((s) => s.pop() ?? 0);

  const runs = (at: number[], visit: Visit) => {
    if (inner <= limit) return visit(inner, at);
    const back = at.slice();
    for (let done = 0; done < inner; done += limit) {
      for (let k = 0; k < at.length; k++) at[k] = back[k]! + done * steps[k]!;
      visit(Math.min(limit, inner - done), at);
    }
    for (let k = 0; k < at.length; k++) at[k] = back[k]!;
  };

  const run = (offsets: readonly number[], visit: Visit) => {
    if (empty) return;
    const at = offsets.slice();
    const index = new Array<number>(sizes.length).fill(0);
    while (true) {
      runs(at, visit);
      let d = sizes.length - 1;
      for (; d >= 0; d--) {
        if (++index[d]! < sizes[d]!) {
          for (let k = 0; k < at.length; k++) at[k]! += merged[k]![d]!;
          break;
        }
        index[d] = 0;
        for (let k = 0; k < at.length; k++) at[k]! -= merged[k]![d]! * (sizes[d]! - 1);
      }
      if (d < 0) return;
    }
  };
  return { steps, run };
}

/** Visits every element of `shape` on its own, in row-major order, with its place in each operand. */
export function eachPlace(
  shape: Shape,
  operands: readonly { readonly strides: Shape; readonly offset: number }[],
  visit: (places: readonly number[]) => void,
): void {
  const walk = planWalk(shape, operands.map((o) => o.strides));
  const places = operands.map(() => 0);
  walk.run(operands.map((o) => o.offset), (count, starts) => {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < places.length; k++) places[k] = starts[k]! + i * walk.steps[k]!;
      visit(places);
    }
  });
}

/** The strides of `operand` seen with `shape`, to which it broadcasts: 0 where it repeats. */
export function broadcastStrides(operand: Pick<Operand, "shape" | "strides">, shape: Shape): number[] {
  const missing = shape.length - operand.shape.length;
  return shape.map((size, d) => {
    if (d < missing) return 0;
    return operand.shape[d - missing] === 1 && size !== 1 ? 0 : operand.strides[d - missing]!;
  });
}

/** `list` without entry `dim`. */
export function without(list: Shape, dim: number): number[] {
  return list.filter((_, d) => d !== dim);
}

/** `operand` without dimension `dim`: the geometry of the first elements of its lines along `dim`. */
export function lineStarts(
  operand: Operand,
  dim: number,
): { shape: number[]; strides: number[]; offset: number } {
  return {
    shape: without(operand.shape, dim),
    strides: without(operand.strides, dim),
    offset: operand.offset,
  };
}

/** Dense zeros to compute on values of `dtype`. */
export function allocateWide(dtype: DType, length: number): Wide {
  return dtype.name === "int64" ? new BigInt64Array(length) : new Float64Array(length);
}

/** Copies `count` elements of memory, `step` apart, to the front of a dense block. */
export function load(
  dtype: DType,
  data: DataArray,
  start: number,
  step: number,
  into: Wide,
  count: number,
): void {
  if (into instanceof BigInt64Array) loadBigints(data as BigInt64Array, start, step, into, count);
  else loadNumbers(dtype, data, start, step, into, count);
}

/** Copies the front of a dense block to `count` elements of memory, `step` apart. */
export function store(
  dtype: DType,
  data: DataArray,
  start: number,
  step: number,
  from: Wide,
  count: number,
): void {
  if (from instanceof BigInt64Array) storeBigints(data as BigInt64Array, start, step, from, count);
  else storeNumbers(dtype, data, start, step, from, count);
}

/** Copies int64 elements of memory to a dense block. */
export function loadBigints(
  data: BigInt64Array,
  start: number,
  step: number,
  into: BigInt64Array,
  count: number,
): void {
  for (let k = 0, i = start; k < count; k++, i += step) into[k] = data[i]!;
}

/** Copies a dense block of bigints to int64 elements of memory. */
export function storeBigints(
  data: BigInt64Array,
  start: number,
  step: number,
  from: BigInt64Array,
  count: number,
): void {
  for (let k = 0, i = start; k < count; k++, i += step) data[i] = from[k]!;
}

/** Copies elements of memory to a dense block as numbers; int64 rounds to the nearest. */
export function loadNumbers(
  dtype: DType,
  data: DataArray,
  start: number,
  step: number,
  into: Float64Array,
  count: number,
): void {
  switch (dtype.name) {
    case "bool":
    case "uint8": {
      const from = data as Uint8Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = from[i]!;
      return;
    }
    case "int8": {
      const from = data as Int8Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = from[i]!;
      return;
    }
    case "int16": {
      const from = data as Int16Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = from[i]!;
      return;
    }
    case "int32": {
      const from = data as Int32Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = from[i]!;
      return;
    }
    case "int64": {
      const from = data as BigInt64Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = Number(from[i]!);
      return;
    }
    case "float16": {
      const from = data as Uint16Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = float16FromBits(from[i]!);
      return;
    }
    case "bfloat16": {
      const from = data as Uint16Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = bfloat16FromBits(from[i]!);
      return;
    }
    case "float32": {
      const from = data as Float32Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = from[i]!;
      return;
    }
    case "float64": {
      const from = data as Float64Array;
      for (let k = 0, i = start; k < count; k++, i += step) into[k] = from[i]!;
      return;
    }
    default:
      return dtype.name satisfies never;
  }
}

/**
 * Copies a dense block of numbers to memory: floats round once, integers keep their low bits, bool is `≠ 0`.
 * Numbers for integer dtypes must be whole.
 */
export function storeNumbers(
  dtype: DType,
  data: DataArray,
  start: number,
  step: number,
  from: Float64Array,
  count: number,
): void {
  switch (dtype.name) {
    case "bool": {
      const to = data as Uint8Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k] !== 0 ? 1 : 0;
      return;
    }
    case "uint8": {
      const to = data as Uint8Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k]!;
      return;
    }
    case "int8": {
      const to = data as Int8Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k]!;
      return;
    }
    case "int16": {
      const to = data as Int16Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k]!;
      return;
    }
    case "int32": {
      const to = data as Int32Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k]!;
      return;
    }
    case "int64": {
      const to = data as BigInt64Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = BigInt(from[k]!);
      return;
    }
    case "float16": {
      const to = data as Uint16Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = float16ToBits(from[k]!);
      return;
    }
    case "bfloat16": {
      const to = data as Uint16Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = bfloat16ToBits(from[k]!);
      return;
    }
    case "float32": {
      const to = data as Float32Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k]!;
      return;
    }
    case "float64": {
      const to = data as Float64Array;
      for (let k = 0, i = start; k < count; k++, i += step) to[i] = from[k]!;
      return;
    }
    default:
      return dtype.name satisfies never;
  }
}

/**
 * Block by block: loads the inputs, which broadcast to the output, calls `compute`, and stores the block `result`.
 *
 * @param blocks Where each input is loaded; `BLOCK` elements each.
 * @param result Where `compute` leaves its results.
 */
export function eachBlock(
  view: View,
  inputs: readonly Operand[],
  output: Operand,
  blocks: readonly Wide[],
  result: Wide,
  compute: (count: number) => void,
): void {
  const data = inputs.map(view);
  const to = view(output);
  const strides = inputs.map((x) => broadcastStrides(x, output.shape));
  const walk = planWalk(output.shape, [output.strides, ...strides], BLOCK);
  walk.run([output.offset, ...inputs.map((x) => x.offset)], (count, starts) => {
    for (let k = 0; k < inputs.length; k++) {
      load(inputs[k]!.dtype, data[k]!, starts[k + 1]!, walk.steps[k + 1]!, blocks[k]!, count);
    }
    compute(count);
    store(output.dtype, to, starts[0]!, walk.steps[0]!, result, count);
  });
}

/** All elements of `operand` in row-major order. */
export function toDense(view: View, operand: Operand): Wide {
  return loadAll(view, operand, allocateWide(operand.dtype, numelOf(operand.shape)));
}

/** All elements of `operand` in row-major order, as numbers. */
export function toDenseNumbers(view: View, operand: Operand): Float64Array {
  return loadAll(view, operand, new Float64Array(numelOf(operand.shape)));
}

function loadAll<W extends Wide>(view: View, operand: Operand, into: W): W {
  const data = view(operand);
  const walk = planWalk(operand.shape, [operand.strides]);
  let done = 0;
  walk.run([operand.offset], (count, [start]) => {
    load(operand.dtype, data, start!, walk.steps[0]!, into.subarray(done), count);
    done += count;
  });
  return into;
}

/** Writes `values`, in row-major order, to the elements of `operand`. */
export function fromDense(view: View, operand: Operand, values: Wide): void {
  const data = view(operand);
  const walk = planWalk(operand.shape, [operand.strides]);
  let done = 0;
  walk.run([operand.offset], (count, [start]) => {
    store(operand.dtype, data, start!, walk.steps[0]!, values.subarray(done), count);
    done += count;
  });
}
