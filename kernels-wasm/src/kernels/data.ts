/**
 * Kernels that move and make elements: copy, cast, concat, pad, flip, full, iota.
 *
 * @module
 */

import {
  bfloat16,
  bfloat16ToBits,
  bool,
  type DType,
  dtypes,
  float16,
  float16ToBits,
  float32,
  int8,
  type Kernel,
  type KernelTable,
  type Operand,
  uint8,
  viewData,
} from "@flambeau/core";
import { Call, type Entry, Job, LoopCall, META, Sequence, type WasmDispatch } from "../dispatch.ts";
import {
  byDType,
  count,
  isDense,
  type Loops,
  loopsInOrder,
  loopsOf,
  MOST_META,
  pointer,
  rowsOf,
  suffix,
} from "../geometry.ts";
import type { Kernels } from "../module.ts";
import { MAX_PARTS } from "../worker_source.ts";

/** What is around the rows of each output plane: so many elements in all, the rows so many bytes in, and the pattern. */
interface Frame {
  readonly whole: number;
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

const NO_FRAME: Frame = { whole: 0, at: 0, low: 0, high: 0 };

/** A call over loops, or several that share the outermost one among threads. */
function byOutermost(
  kernels: Kernels,
  sizes: readonly number[],
  cost: number,
  call: (begin: number, end: number) => LoopCall,
): WasmDispatch {
  const whole = call(0, sizes[0]!);
  const starts = kernels.cuts(sizes[0]!, sizes.length === 1 ? 256 : 1, cost);
  if (starts.length <= 2 || whole.meta.length + sizes.length > MOST_META) return whole;
  return new Job(kernels.pool!, starts.slice(1).map((end, i) => call(starts[i]!, end)));
}

/** Copies planes: the last two loops, over those before them. The outermost loop is shared among threads. */
function planesOf(
  kernels: Kernels,
  { sizes, steps }: Loops,
  pointers: readonly [from: number, to: number],
  bytes: number,
  frame: Frame = NO_FRAME,
): WasmDispatch {
  const entry = kernels.entry(`planes_${bytes * 8}`);
  const [from, to] = steps.map((list) => list.map((step) => step * bytes)) as [number[], number[]];
  const inner = sizes.length - 1;
  const d = inner - 1;
  const meta = [d, ...sizes.slice(0, d), ...from.slice(0, d), ...to.slice(0, d)];
  const { whole, at, low, high } = frame;
  const call = (begin: number, end: number): LoopCall => {
    const own = [...meta];
    if (d > 0) own[1] = end - begin;
    const rows = d > 0 ? sizes[d]! : end - begin;
    const [a, o] = [pointers[0] + begin * from[0]!, pointers[1] + begin * to[0]!];
    const tail = [from[d]!, to[d]!, steps[0]![inner]!, steps[1]![inner]!, whole, at, low, high];
    return new LoopCall(entry, [META, a, o, rows, sizes[inner]!, ...tail], own, kernels.heap);
  };
  const elements = count(sizes);
  const starts = d === 0 && whole > 0 ? [] : kernels.cuts(sizes[0]!, 1, elements * (0.1 + bytes * 0.03));
  if (starts.length <= 2 || meta.length + d > MOST_META) return call(0, sizes[0]!);
  return new Job(kernels.pool!, starts.slice(1).map((end, i) => call(starts[i]!, end)));
}

/**
 * Loops of a copy whose rows do not run on: the smallest steps innermost, but short rows outside of long ones. Where rows of
 * the source go to every second place, the two that share places come before them.
 */
function inward({ sizes, steps }: Loops): Loops {
  const [from, to] = steps as [number[], number[]];
  const reach = sizes.map((_, d) => Math.abs(from[d]!) + Math.abs(to[d]!));
  const order = sizes.map((_, d) => d).sort((a, b) => reach[b]! - reach[a]!);
  const last = order.length - 1;
  const [m, n] = [order[last - 1]!, order[last]!];
  if (sizes[n]! < 8 && sizes[m]! > sizes[n]!) [order[last - 1], order[last]] = [n, m];
  const row = order[last]!;
  const pair = order.findIndex((d) => sizes[d] === 2 && to[d] === 1);
  if (pair >= 0 && from[row] === 1 && to[row] === 2) order.splice(last - 1, 0, ...order.splice(pair, 1));
  const ordered = (list: readonly number[]) => order.map((d) => list[d]!);
  return { sizes: ordered(sizes), steps: steps.map(ordered) };
}

/** Copies `x` to `output`, of one shape and element size, any strides. */
type Copier = (x: Operand, output: Operand) => WasmDispatch;

function copier(kernels: Kernels): Copier {
  const bySize = new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`copy_${bytes * 8}`)]));
  const transposes = new Map([2, 4, 8].map((bytes) => [bytes, kernels.entry(`transpose_${bytes * 8}`)]));
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
    const loops = loopsInOrder(shape, [x, output]);
    const { sizes, steps } = loops;
    const pointers = [pointer(x), pointer(output)] as const;
    const [from, to] = steps as [number[], number[]];
    const inner = sizes.length - 1;
    const transpose = transposes.get(bytes);
    if (transpose !== undefined && to[inner] === 1 && sizes[inner]! >= 4) {
      // Where the source runs on along another dimension, there or back, the last two loops are a transpose.
      const along = from.findIndex((step, d) => Math.abs(step) === 1 && d !== inner && sizes[d]! >= 4);
      if (along >= 0 && from[inner] !== 1 && from[inner] !== 0) {
        // What runs back is read from its other end on, into rows from the last one on.
        const back = from[along] === -1 ? sizes[along]! - 1 : 0;
        const down = (back > 0 ? -1 : 1) * to[along]!;
        const base = [pointers[0] - back * bytes, pointers[1] + back * to[along]! * bytes] as const;
        const one: Call[] = [];
        const outer = sizes.map((_, d) => d).filter((d) => d !== along && d !== inner);
        const total = outer.reduce((n, d) => n * sizes[d]!, 1);
        if (total <= 4096) {
          kernels.needScratch(tile);
          for (let i = 0; i < total; i++) {
            let [a, o, rest] = [base[0], base[1], i];
            for (let j = outer.length - 1; j >= 0; j--) {
              const d = outer[j]!;
              const at = rest % sizes[d]!;
              rest = (rest - at) / sizes[d]!;
              a += at * from[d]! * bytes;
              o += at * to[d]! * bytes;
            }
            one.push(new Call(transpose, [a, o, sizes[inner]!, sizes[along]!, from[inner]!, down]));
          }
          if (one.length > 1) return spreadCalls(kernels, one, count(shape) * 0.4);
          // Parts write bands of rows of the output.
          return kernels.cut(transpose, one[0]!.args, {
            units: sizes[along]!,
            at: 3,
            grain: 16,
            cost: count(shape) * 1.1,
            moves: [[0, bytes], [1, down * bytes]],
          });
        }
      }
    }
    if (inner === 0) return rowsOf(kernels, entry, sizes, steps, pointers, [bytes, bytes]);
    const runs = to[inner] === 1 && Math.abs(from[inner]!) === 1;
    return planesOf(kernels, runs ? loops : inward(loops), pointers, bytes);
  };
}

/** Calls one after another, shared among threads when they are as many as parts of a job may be. */
function spreadCalls(kernels: Kernels, calls: readonly Call[], cost: number): WasmDispatch {
  if (calls.length > MAX_PARTS || kernels.cuts(calls.length, 1, cost).length <= 2) return new Sequence(calls);
  return new Job(kernels.pool!, calls);
}

/** What names of conversions call a dtype. */
function castName(dtype: DType): string {
  return dtype === bool ? "u8" : dtype === float16 ? "f16" : dtype === bfloat16 ? "bf16" : suffix(dtype)!;
}

/** A kernel that converts, or two: to float32 and from it. */
type Conversion = readonly [Entry] | readonly [Entry, Entry];

/** What converts, by the codes of both dtypes. Between halves and all but float32 it goes by float32, as in PyTorch. */
function conversions(kernels: Kernels): Conversion[][] {
  const find = (from: DType, to: DType) => {
    if (to === bool) return kernels.find(`truth_${castName(from)}`);
    // Low bytes of integers are the same for both signs.
    const bytes = to === int8 && from.kind !== "float";
    return kernels.find(`cast_${castName(from)}_${castName(bytes ? uint8 : to)}`);
  };
  return dtypes.map((from) =>
    dtypes.map((to): Conversion => {
      const one = find(from, to);
      if (one !== null) return [one];
      return [find(from, float32)!, find(float32, to)!];
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

const scratch = new ArrayBuffer(8);
const ints = new Int32Array(scratch);

/** The bits of a value, as two words. */
function patternOf(dtype: DType, value: number | bigint | boolean): readonly [low: number, high: number] {
  ints.fill(0);
  const data = viewData(dtype, scratch, 0, 1);
  if (data instanceof BigInt64Array) {
    data[0] = BigInt(typeof value === "number" ? Math.trunc(value) : value);
  } else if (dtype === float16) data[0] = float16ToBits(Number(value));
  else if (dtype === bfloat16) data[0] = bfloat16ToBits(Number(value));
  else data[0] = dtype === bool ? (value ? 1 : 0) : Number(value);
  return [ints[0]!, ints[1]!];
}

/** Fills all of a dense output with one value. */
function filler(
  kernels: Kernels,
): (output: Operand, value: number | bigint | boolean) => WasmDispatch | null {
  const entries = new Map([1, 2, 4, 8].map((bytes) => [bytes, kernels.entry(`fill_${bytes * 8}`)]));
  return (output, value) => {
    const { dtype, shape } = output;
    if (!isDense(output, shape)) return null;
    const [low, high] = patternOf(dtype, value);
    const args = [pointer(output), low];
    if (dtype.itemsize === 8) args.push(high);
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

/** Bytes up to which a plane is filled before rows are copied into it: it stays in a cache. */
const PLANE = 131072;

/**
 * Copies `x` into a part of `output`, of the same shape, with `pattern` around it, plane by plane; null where there is
 * something around more than the last two dimensions, and where planes are large.
 */
function framed(
  kernels: Kernels,
  x: Operand,
  part: Operand,
  output: Operand,
  [low, high]: readonly [low: number, high: number],
): WasmDispatch | null {
  const rank = x.shape.length;
  if (rank < 2) return null;
  const outer = rank - 2;
  if (x.shape.slice(0, outer).some((size, d) => size !== output.shape[d])) return null;
  const whole = output.shape[outer]! * output.shape[outer + 1]!;
  const bytes = x.dtype.itemsize;
  if (whole * bytes > PLANE) return null;
  const before = (y: Operand) => reshaped(y, x.shape.slice(0, outer), y.strides.slice(0, outer), y.offset);
  const { sizes, steps } = loopsInOrder(x.shape.slice(0, outer), [before(x), before(part)]);
  const loops = {
    sizes: [...sizes, ...x.shape.slice(outer)],
    steps: [[...steps[0]!, ...x.strides.slice(outer)], [...steps[1]!, ...part.strides.slice(outer)]],
  };
  const at = (part.offset - output.offset) * bytes;
  return planesOf(kernels, loops, [pointer(x), pointer(output)], bytes, { whole, at, low, high });
}

/** Parts up to which each is copied by a call of its own. */
const FEW_PARTS = 8;
/** Sources of one call of `join_rows`. */
const MOST_PARTS = 1000;

/** Joins many dense parts row by row; null where rows are short or parts are not dense. */
function joiner(
  kernels: Kernels,
): (inputs: readonly Operand[], output: Operand, dim: number) => WasmDispatch | null {
  const entry = kernels.entry("join_rows");
  return (inputs, output, dim) => {
    const bytes = output.dtype.itemsize;
    const outer = count(output.shape.slice(0, dim));
    const inner = count(output.shape.slice(dim + 1)) * bytes;
    const row = output.shape[dim]! * inner;
    if (outer > 1 && row < SHORT * inputs.length) return null;
    const steps: WasmDispatch[] = [];
    let to = pointer(output);
    for (let i = 0; i < inputs.length; i += MOST_PARTS) {
      const meta: number[] = [];
      const begin = to;
      for (const x of inputs.slice(i, i + MOST_PARTS)) {
        if (!isDense(x, x.shape)) return null;
        const size = x.shape[dim]! * inner;
        meta.push(pointer(x), size);
        to += size;
      }
      steps.push(new LoopCall(entry, [META, meta.length / 2, begin, outer, row], meta, kernels.heap));
    }
    return steps.length === 1 ? steps[0]! : new Sequence(steps);
  };
}

/** Mean bytes of rows of parts below which they are not worth a call. */
const SHORT = 32;

/** The kernels that move and make elements. */
export function dataKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const copy = copier(kernels);
  const casts = conversions(kernels);
  const castBy = kernels.entry("cast_by");
  const castScratch = kernels.entry("cast_by_scratch").fn();
  const fill = filler(kernels);
  const join = joiner(kernels);
  const iotas = byDType(kernels, "iota");
  const cast: Kernel<"cast", WasmDispatch> = ([x], output) => {
    if (x.dtype === output.dtype) return copy(x, output);
    // Bytes that keep their bits, where a truth stays one.
    if (x.dtype.itemsize === 1 && output.dtype.itemsize === 1 && output.dtype !== bool) {
      return copy(x, output);
    }
    const { sizes, steps } = loopsOf(output.shape, [x, output]);
    const itemsizes = [x.dtype.itemsize, output.dtype.itemsize];
    const pointers = [pointer(x), pointer(output)] as const;
    const [first, second] = casts[x.dtype.code]![output.dtype.code]!;
    if (second === undefined) return rowsOf(kernels, first, sizes, steps, pointers, itemsizes);
    kernels.needScratch(castScratch);
    const inner = sizes.length - 1;
    const outer = steps.map((list, q) => list.slice(0, inner).map((step) => step * itemsizes[q]!));
    const slots = [kernels.slot(first), kernels.slot(second)];
    return byOutermost(kernels, sizes, count(sizes) * 0.4, (begin, end) => {
      const own = sizes.slice(0, inner);
      if (inner > 0) own[0] = end - begin;
      const [a, o] = pointers.map((at, q) => at + begin * steps[q]![0]! * itemsizes[q]!);
      const n = inner > 0 ? sizes[inner]! : end - begin;
      const args = [META, ...slots, a!, o!, n, steps[0]![inner]!, steps[1]![inner]!, ...itemsizes];
      return new LoopCall(castBy, args, [inner, ...own, ...outer.flat()], kernels.heap);
    });
  };
  return {
    copy: ([x], output) => copy(x, output),
    cast,
    concat(inputs, output, { dim }) {
      if (inputs.length > FEW_PARTS && isDense(output, output.shape)) {
        const joined = join(inputs, output, dim);
        if (joined !== null) return joined;
      }
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
      const pattern = x.dtype === bool ? value !== 0 : value;
      const filled = fill(output, pattern);
      if (filled === null) return null;
      let [from, to] = [x.offset, output.offset];
      const shape = x.shape.map((size, d) => {
        from += Math.max(0, -low[d]!) * x.strides[d]!;
        to += Math.max(0, low[d]!) * output.strides[d]!;
        return size + Math.min(0, low[d]!) + Math.min(0, high[d]!);
      });
      if (shape.some((size) => size <= 0)) return filled;
      const [inside, place] = [
        reshaped(x, shape, x.strides, from),
        reshaped(output, shape, output.strides, to),
      ];
      return framed(kernels, inside, place, output, patternOf(x.dtype, pattern)) ??
        new Sequence([filled, copy(inside, place)]);
    },
    iota(_, output, { start, step, size }) {
      const entry = iotas[output.dtype.code];
      if (!entry || !isDense(output, output.shape)) return null;
      return new Call(entry, [pointer(output), size, start, step]);
    },
    full: (_, output, { value }) => fill(output, value),
  };
}
