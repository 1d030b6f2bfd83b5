/**
 * Kernels that move and make elements: copy, cast, concat, pad, flip, full, iota.
 *
 * @module
 */

import {
  bfloat16,
  bool,
  type DType,
  dtypes,
  float16,
  type Kernel,
  type KernelTable,
  type Operand,
  viewData,
} from "@flambeau/core";
import { Call, type Entry, Job, Sequence, type WasmDispatch } from "../dispatch.ts";
import { byDType, count, isDense, loopsOf, pointer, rowsOf, suffix } from "../geometry.ts";
import type { Kernels } from "../module.ts";
import { MAX_PARTS } from "../worker_source.ts";

/** Copies `x` to `output`, of one shape and element size, any strides. */
type Copier = (x: Operand, output: Operand) => WasmDispatch;

function copier(kernels: Kernels): Copier {
  const bySize = new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`copy_${bytes * 8}`)]));
  const transposes = new Map([4, 8].map((bytes) => [bytes, kernels.entry(`transpose_${bytes * 8}`)]));
  const tile = kernels.entry("transpose_scratch").fn();
  return (x, output) => {
    const bytes = output.dtype.itemsize;
    const entry = bySize.get(bytes)!;
    const shape = output.shape;
    if (isDense(output, shape) && isDense(x, shape)) {
      return rowsOf(kernels, entry, [count(shape)], [[1], [1]], [pointer(x), pointer(output)], [
        bytes,
        bytes,
      ]);
    }
    const { sizes, steps } = loopsOf(shape, [x, output]);
    const pointers = [pointer(x), pointer(output)];
    const [from, to] = steps as [number[], number[]];
    const inner = sizes.length - 1;
    const transpose = transposes.get(bytes);
    if (transpose !== undefined && to[inner] === 1 && sizes[inner]! >= 4) {
      // Where the source runs on along another dimension, the last two loops are a transpose.
      const along = from.findIndex((step, d) => step === 1 && d !== inner && sizes[d]! >= 4);
      if (along >= 0 && from[inner] !== 1 && from[inner] !== 0) {
        const one: Call[] = [];
        const outer = sizes.map((_, d) => d).filter((d) => d !== along && d !== inner);
        const total = outer.reduce((n, d) => n * sizes[d]!, 1);
        if (total <= 4096) {
          kernels.needScratch(tile);
          for (let i = 0; i < total; i++) {
            let [a, o, rest] = [pointers[0]!, pointers[1]!, i];
            for (let j = outer.length - 1; j >= 0; j--) {
              const d = outer[j]!;
              const at = rest % sizes[d]!;
              rest = (rest - at) / sizes[d]!;
              a += at * from[d]! * bytes;
              o += at * to[d]! * bytes;
            }
            one.push(new Call(transpose, [a, o, sizes[inner]!, sizes[along]!, from[inner]!, to[along]!]));
          }
          if (one.length > 1) return spreadCalls(kernels, one, count(shape) * 0.4);
          // Parts write bands of rows of the output.
          return kernels.cut(transpose, one[0]!.args, {
            units: sizes[along]!,
            at: 3,
            grain: 16,
            cost: count(shape) * 1.1,
            moves: [[0, bytes], [1, to[along]! * bytes]],
          });
        }
      }
    }
    return rowsOf(kernels, entry, sizes, steps, pointers, [bytes, bytes]);
  };
}

/** Calls one after another, shared among threads when they are as many as parts of a job may be. */
function spreadCalls(kernels: Kernels, calls: readonly Call[], cost: number): WasmDispatch {
  if (calls.length > MAX_PARTS || kernels.cuts(calls.length, 1, cost).length <= 2) return new Sequence(calls);
  return new Job(kernels.pool!, calls);
}

/** What names of conversions call the halves, in which nothing computes. */
const HALVES: ReadonlyMap<DType, string> = new Map([[float16, "f16"], [bfloat16, "bf16"]]);

/** The kernels that convert, by the codes of both dtypes. */
function castEntries(kernels: Kernels): (Entry | null)[][] {
  return dtypes.map((from) =>
    dtypes.map((to) => {
      const a = from === bool ? "u8" : suffix(from) ?? HALVES.get(from);
      if (to === bool && a !== undefined) return kernels.find(`truth_${a}`);
      const b = suffix(to) ?? HALVES.get(to);
      return a === undefined || b === undefined ? null : kernels.find(`cast_${a}_${b}`);
    })
  );
}

/** `x` with other sizes, strides and offset. */
function reshaped(
  x: Operand,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): Operand {
  return { buffer: x.buffer, dtype: x.dtype, shape, strides, offset };
}

/** Nanoseconds that a byte takes to fill. */
const FILLING = 0.02;

/** Fills all of a dense output with one value. */
function filler(
  kernels: Kernels,
): (output: Operand, value: number | bigint | boolean) => WasmDispatch | null {
  const entries = new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`fill_${bytes * 8}`)]));
  const scratch = new ArrayBuffer(8);
  const ints = new Int32Array(scratch);
  return (output, value) => {
    const { dtype, shape } = output;
    if (dtype.itemsize === 2 && dtype.isFloatingPoint) return null;
    if (!isDense(output, shape)) return null;
    ints.fill(0);
    const data = viewData(dtype, scratch, 0, 1);
    if (data instanceof BigInt64Array) {
      data[0] = BigInt(typeof value === "number" ? Math.trunc(value) : value);
    } else data[0] = dtype === bool ? (value ? 1 : 0) : Number(value);
    const args = [pointer(output), ints[0]!];
    if (dtype.itemsize === 8) args.push(ints[1]!);
    const n = count(shape);
    const cost = n * dtype.itemsize * FILLING;
    const moves = [[0, dtype.itemsize]] as const;
    return kernels.cut(entries.get(dtype.itemsize)!, [...args, n], {
      units: n,
      at: args.length,
      grain: 256,
      cost,
      moves,
    });
  };
}

/** The kernels that move and make elements. */
export function dataKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const copy = copier(kernels);
  const casts = castEntries(kernels);
  const fill = filler(kernels);
  const iotas = byDType(kernels, "iota");
  const cast: Kernel<"cast", WasmDispatch> = ([x], output) => {
    if (x.dtype === output.dtype) return copy(x, output);
    if (x.dtype === bool && output.dtype.itemsize === 1) return copy(x, output);
    const entry: Entry | null | undefined = casts[x.dtype.code]![output.dtype.code];
    if (!entry) return null;
    const { sizes, steps } = loopsOf(output.shape, [x, output]);
    return rowsOf(kernels, entry, sizes, steps, [pointer(x), pointer(output)], [
      x.dtype.itemsize,
      output.dtype.itemsize,
    ]);
  };
  return {
    copy: ([x], output) => copy(x, output),
    cast,
    concat(inputs, output, { dim }) {
      const steps: WasmDispatch[] = [];
      let at = 0;
      for (const x of inputs) {
        const size = x.shape[dim]!;
        if (count(x.shape) > 0) {
          steps.push(
            copy(x, reshaped(output, x.shape, output.strides, output.offset + at * output.strides[dim]!)),
          );
        }
        at += size;
      }
      return steps.length === 1 ? steps[0]! : new Sequence(steps);
    },
    flip([x], output, { dims }) {
      let offset = x.offset;
      const strides = x.strides.map((step, d) => {
        if (!dims.includes(d)) return step;
        offset += (x.shape[d]! - 1) * step;
        return -step;
      });
      return copy(reshaped(x, x.shape, strides, offset), output);
    },
    pad([x], output, { low, high, value }) {
      const filled = fill(output, x.dtype === bool ? value !== 0 : value);
      if (filled === null) return null;
      let [from, to] = [x.offset, output.offset];
      const shape = x.shape.map((size, d) => {
        from += Math.max(0, -low[d]!) * x.strides[d]!;
        to += Math.max(0, low[d]!) * output.strides[d]!;
        return size + Math.min(0, low[d]!) + Math.min(0, high[d]!);
      });
      if (shape.some((size) => size <= 0)) return filled;
      return new Sequence([
        filled,
        copy(reshaped(x, shape, x.strides, from), reshaped(output, shape, output.strides, to)),
      ]);
    },
    iota(_, output, { start, step, size }) {
      const entry = iotas[output.dtype.code];
      if (!entry || !isDense(output, output.shape)) return null;
      return new Call(entry, [pointer(output), size, start, step]);
    },
    full: (_, output, { value }) => fill(output, value),
  };
}
