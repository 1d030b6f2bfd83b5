/**
 * Kernels that choose elements by index, or combine elements into places given by index.
 *
 * An index out of range is reported and read as 0: nothing is read or written outside.
 *
 * @module
 */

import {
  formatType,
  IndexError,
  int32,
  type KernelTable,
  type Operand,
  type ScatterReduce,
  type Shape,
  type TorchError,
} from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "../draft.ts";
import { computed, perWord, storageOf } from "../element.ts";
import { elementwise } from "../elementwise.ts";
import { count, isInPlace, type Loops, loopsOf, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { inOrder, isTooLarge, middleOf, sliceOf, widestOf } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { copyOf, fillOf, sequence } from "./data.ts";
import { written } from "./gemm.ts";
import { scanKernels } from "./scan.ts";

type IndexName = "indexSelect" | "indexReduce" | "gather" | "scatter" | "nonzero";

/** The error about an index that is out of range. */
function outOfRange(op: string, x: Operand, dim: number): (index: number) => TorchError {
  const [type, size] = [formatType(x), x.shape[dim]!];
  return (index) =>
    new IndexError(
      `Cannot ${op} ${type} along dimension ${dim}: indices must be in the range [0, ${
        size - 1
      }], got ${index}`,
    );
}

/** An operand seen through other sizes and strides. */
function seen(x: Operand, shape: Shape, strides: Shape): Operand {
  return { buffer: x.buffer, dtype: x.dtype, offset: x.offset, shape, strides };
}

/** Strides with 0 at `dim`: where lines along it start. */
function lineStrides(strides: Shape, dim: number): number[] {
  return strides.map((step, d) => d === dim ? 0 : step);
}

/** Indices from `low` on, as many as `x` has, of `whole` that there are: an operand beyond the binding limit comes in parts. */
interface Range {
  readonly low: number;
  readonly whole: number;
}

/** `o[…] = x[… index[…] …]`, with `index` seen as large as `o`. */
function choose(
  limits: GpuLimits,
  op: "gather" | "indexSelect",
  x: Operand,
  index: Operand,
  o: Operand,
  dim: number,
): GpuDispatch | null {
  if (isInPlace([o], [x, index])) return null;
  const errorOf = outOfRange(op === "gather" ? "gather from" : "indexSelect", x, dim);
  // x has more than o in other dimensions than `dim` only where it is not looked at.
  const seenPart = seen(x, o.shape.map((size, d) => d === dim ? x.shape[d]! : size), x.strides);
  return choosePart(limits, op, seenPart, index, o, dim, { low: 0, whole: x.shape[dim]! }, errorOf);
}

function choosePart(
  limits: GpuLimits,
  op: "gather" | "indexSelect",
  x: Operand,
  index: Operand,
  o: Operand,
  dim: number,
  range: Range,
  errorOf: (index: number) => TorchError,
): GpuDispatch | null {
  const all = [x, index, o];
  const large = all.find((one) => isTooLarge(limits, one, all));
  const cutDim = large === undefined ? -1 : widestOf(large, large.shape.map((_, d) => d));
  if (cutDim >= 0) {
    const size = large!.shape[cutDim]!;
    const cut = middleOf(size);
    return inOrder(([[0, cut], [cut, size]] as const).map(([start, stop]) => {
      const part = (one: Operand): Operand => sliceOf(one, cutDim, start, stop);
      if (cutDim !== dim) return choosePart(limits, op, part(x), part(index), part(o), dim, range, errorOf);
      return large === x
        ? choosePart(limits, op, part(x), index, o, dim, { ...range, low: range.low + start }, errorOf)
        : choosePart(limits, op, x, part(index), part(o), dim, range, errorOf);
    }));
  }
  const partial = x.shape[dim] !== range.whole;
  const line = seen(x, o.shape, lineStrides(x.strides, dim));
  return elementwise(limits, {
    op,
    key: partial ? "part" : "",
    inputs: partial ? { x: line, index, kept: o } : { x: line, index },
    outputs: { o },
    whole: { x },
    body: partial
      ? wgsl`
        if (index >= P.whole) { report(bitcast<i32>(index)); }
        let at = index - P.low;
        var o = kept;
        if (at < P.size) { o = get_x(p_x + at * P.step); }`
      : wgsl`
        var at = index;
        if (at >= P.size) {
          report(bitcast<i32>(at));
          at = 0u;
        }
        let o = get_x(p_x + at * P.step);`,
    raw: true,
    uniforms: (draft) => {
      draft.u32("size", x.shape[dim]!).u32("step", x.strides[dim]!);
      if (partial) draft.u32("low", range.low).u32("whole", range.whole);
      draft.reports(errorOf);
    },
  });
}

/** `let at`: where an index leads in this part; one that is out of range is reported, and one of another part left to it. */
function placeText(index: string, otherwise: string): string {
  return wgsl`
    let number_given = ${index};
    let at = number_given - P.low;
    if (number_given >= P.whole) { report(bitcast<i32>(number_given)); }
    if (number_given >= P.whole || at >= P.size) { ${otherwise} }`;
}

/** How a value joins what is there. */
function combined(reduce: ScatterReduce, type: "f32" | "i32"): string {
  switch (reduce) {
    case "set":
      return "value";
    case "sum":
      return "there + value";
    case "prod":
      return "there * value";
    case "amax":
      return type === "f32" ? "m_max(there, value)" : "max(there, value)";
    case "amin":
      return type === "f32" ? "m_min(there, value)" : "min(there, value)";
  }
}

/** Lines of at most so many elements are combined by one invocation each, in order. */
const SHORT = 256;
/** As are lines of any length, when there are so many that the device is busy with them. */
const MANY = 4096;

/**
 * Combines `source` into `o`, which holds `x` already, at the places `index`, which is seen as large as `source`.
 *
 * Repeats combine in order where one invocation does a line. Where lines are few and long, sums and the like are atomic,
 * in any order; of several values that are set the last one wins.
 */
function combine(
  limits: GpuLimits,
  op: "scatter" | "indexReduce",
  index: Operand,
  source: Operand,
  o: Operand,
  dim: number,
  reduce: ScatterReduce,
  range: Range,
  errorOf: (index: number) => TorchError,
): GpuDispatch | null {
  const all = [index, source, o];
  const large = all.find((one) => isTooLarge(limits, one, all));
  const cutDim = large === undefined ? -1 : widestOf(large, large.shape.map((_, d) => d));
  if (cutDim >= 0) {
    const size = large!.shape[cutDim]!;
    const cut = middleOf(size);
    // The order of what is combined stays.
    return inOrder(([[0, cut], [cut, size]] as const).map(([start, stop]) => {
      const part = (one: Operand): Operand => sliceOf(one, cutDim, start, stop);
      if (cutDim !== dim) {
        return combine(limits, op, part(index), part(source), part(o), dim, reduce, range, errorOf);
      }
      return large === o
        ? combine(limits, op, index, source, part(o), dim, reduce, {
          ...range,
          low: range.low + start,
        }, errorOf)
        : combine(limits, op, part(index), part(source), o, dim, reduce, range, errorOf);
    }));
  }
  const { shape } = index;
  const n = count(shape);
  const length = shape[dim]!;
  const lines = n / length;
  const packed = perWord(storageOf(o.dtype, false)) > 1;
  const target = seen(o, shape, lineStrides(o.strides, dim));
  if (packed || length <= SHORT || lines >= MANY) {
    return ordered(limits, op, index, source, o, dim, reduce, range, errorOf);
  }
  if (reduce === "set") return lastOf(limits, op, index, source, o, dim, range, errorOf);
  const type = computed(o.dtype);
  const names = ["index", "source", "o"];
  const loops = melt(shape, [index.strides, source.strides, target.strides]);
  const draft = new Draft(op, limits).u32("n", n).u32("size", o.shape[dim]!).u32("step", o.strides[dim]!)
    .u32("low", range.low).u32("whole", range.whole).bind("index", index, { as: "read", raw: true }).bind(
      "source",
      source,
      { as: "read" },
    )
    .bind("o", o, { as: "atomic" }).reports(errorOf);
  loopUniforms(draft, "", names, loops);
  return draft.step(
    `atomic|${reduce}|${loops.sizes.length}`,
    grid(Math.ceil(n / WORKGROUP)),
    () =>
      mainOver(wgsl`
      ${placesText(loops.sizes.length, "", names, "i")}
      ${placeText("get_index(p_index)", "return;")}
      let value: ${type} = get_source(p_source);
      let place = p_o + at * P.step;
      loop {
        let there = get_o(place);
        if (swap_o(place, there, ${combined(reduce, type)})) { break; }
      }
    `),
  );
}

/** One invocation a line, element after element. */
function ordered(
  limits: GpuLimits,
  op: "scatter" | "indexReduce",
  index: Operand,
  source: Operand,
  o: Operand,
  dim: number,
  reduce: ScatterReduce,
  range: Range,
  errorOf: (index: number) => TorchError,
): GpuDispatch | null {
  const type = computed(o.dtype);
  const others = index.shape.map((_, d) => d).filter((d) => d !== dim);
  const names = ["index", "source", "o"];
  const operands = [index, source, o];
  const loops: Loops = melt(
    others.map((d) => index.shape[d]!),
    operands.map((x) => others.map((d) => x.strides[d]!)),
  );
  const lines = count(loops.sizes);
  const draft = new Draft(op, limits).u32("n", lines).u32("length", index.shape[dim]!).u32(
    "size",
    o.shape[dim]!,
  )
    .u32("low", range.low).u32("whole", range.whole).bind("index", index, { as: "read", raw: true }).bind(
      "source",
      source,
      { as: "read" },
    )
    .bind("o", o, { as: written(o) }).reports(errorOf);
  operands.forEach((x, q) => draft.u32(`${names[q]}_step`, x.strides[dim]!));
  loopUniforms(draft, "", names, loops);
  return draft.step(
    `ordered|${reduce}|${loops.sizes.length}`,
    grid(Math.ceil(lines / WORKGROUP)),
    () =>
      mainOver(wgsl`
      ${placesText(loops.sizes.length, "", names, "i")}
      for (var e = 0u; e < P.length; e++) {
        ${placeText("get_index(p_index + e * P.index_step)", "continue;")}
        let value: ${type} = get_source(p_source + e * P.source_step);
        let place = p_o + at * P.o_step;
        ${reduce !== "set" && "let there = get_o(place);"}
        put_o(place, ${combined(reduce, type)});
      }
    `),
  );
}

/** Each place gets the last of its values: first the largest number of a value for each place is found. */
function lastOf(
  limits: GpuLimits,
  op: "scatter" | "indexReduce",
  index: Operand,
  source: Operand,
  o: Operand,
  dim: number,
  range: Range,
  errorOf: (index: number) => TorchError,
): GpuDispatch | null {
  const n = count(index.shape);
  const scratch = new Scratch(count(o.shape) * 4);
  const strides = o.shape.map((_, d) => count(o.shape.slice(d + 1)));
  const winner: Operand = { buffer: scratch, dtype: int32, shape: o.shape, strides, offset: 0 };
  const names = ["index", "source", "o", "winner"];
  const loops = melt(index.shape, [
    index.strides,
    source.strides,
    lineStrides(o.strides, dim),
    lineStrides(strides, dim),
  ]);
  const pass = (second: boolean): GpuDispatch | null => {
    const draft = new Draft(op, limits).u32("n", n).u32("size", o.shape[dim]!).u32("step", o.strides[dim]!)
      .u32("winner_step", strides[dim]!)
      .u32("low", range.low).u32("whole", range.whole).bind("index", index, { as: "read", raw: true }).bind(
        "source",
        source,
        { as: "read", raw: true },
      )
      .bind("o", o, { as: "write", raw: true }).bind("winner", winner, { as: "atomic" }).reports(errorOf);
    loopUniforms(draft, "", names, loops);
    return draft.step(
      `last${second ? 2 : 1}|${loops.sizes.length}`,
      grid(Math.ceil(n / WORKGROUP)),
      () =>
        mainOver(wgsl`
        ${placesText(loops.sizes.length, "", names, "i")}
        ${placeText("get_index(p_index)", "return;")}
        let place = p_winner + at * P.winner_step;
        let number = bitcast<i32>(i + 1u);
        ${
          second
            ? "if (get_winner(place) == number) { put_o(p_o + at * P.step, get_source(p_source)); }"
            : wgsl`
              loop {
                let there = get_winner(place);
                if (there >= number || swap_winner(place, there, number)) { break; }
              }`
        }
      `),
    );
  };
  const steps = [fillOf(limits, op, winner, 0), pass(false), pass(true)];
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], [scratch]);
}

/** `x` in `o`, then `source` combined into it. */
function scatter(
  limits: GpuLimits,
  op: "scatter" | "indexReduce",
  x: Operand,
  index: Operand,
  source: Operand,
  o: Operand,
  dim: number,
  reduce: ScatterReduce,
): GpuDispatch | null {
  if (isInPlace([o], [index, source])) return null;
  const inPlace = isInPlace([o], [x]);
  const steps: (GpuDispatch | null)[] = inPlace ? [] : [copyOf(limits, op, x, o)];
  if (!index.shape.includes(0)) {
    const range = { low: 0, whole: x.shape[dim]! };
    const target = seen(o, index.shape.map((size, d) => d === dim ? o.shape[d]! : size), o.strides);
    steps.push(
      combine(limits, op, index, source, target, dim, reduce, range, outOfRange(`${op} into`, x, dim)),
    );
  }
  return sequence(steps);
}

/** Counts of chunks, their running sum, then each element that is not 0 to its place. */
function nonzero(limits: GpuLimits, x: Operand, o: Operand): GpuDispatch | null {
  if (isInPlace([o], [x])) return null;
  const n = count(x.shape);
  const chunks = Math.ceil(n / WORKGROUP);
  const scratch = [new Scratch(chunks * 4), new Scratch(chunks * 4)];
  const [counts, ends] = scratch.map((buffer): Operand => ({
    buffer,
    dtype: int32,
    shape: [chunks],
    strides: [1],
    offset: 0,
  }));
  const loops = loopsOf(x.shape, [x]);
  const type = computed(x.dtype);
  const flag = type === "f32" ? "(v != 0.0 || m_isnan(v))" : "(v != 0)";
  const marked = wgsl`
    let i = group * ${WORKGROUP}u + lane;
    var mark = 0;
    if (i < P.n) {
      ${placesText(loops.sizes.length, "", ["x"], "i")}
      let v = get_x(p_x);
      mark = select(0, 1, ${flag});
    }`;
  const first = new Draft("nonzero", limits).u32("n", n).bind("x", x, { as: "read" }).bind("o", counts!, {
    as: "write",
  });
  loopUniforms(first, "", ["x"], loops);
  const counting = first.step(`count|${loops.sizes.length}`, grid(chunks), () =>
    wgsl`
      var<workgroup> shared_count: atomic<i32>;

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          ${marked}
          if (mark == 1) { atomicAdd(&shared_count, 1); }
          workgroupBarrier();
          if (lane == 0u && group * ${WORKGROUP}u < P.n) { put_o(group, atomicLoad(&shared_count)); }
        `,
      )
    }
    `);
  const summing = scanKernels(limits).cumsum([counts!], ends!, { dim: 0 });
  const rank = x.shape.length;
  const last = new Draft("nonzero", limits).u32("n", n).u32("count", o.shape[0]!)
    .bind("x", x, { as: "read" }).bind("ends", ends!, { as: "read" }).bind("o", o, { as: "write" })
    .u32("row", o.strides[0]!).u32("column", o.strides[1]!).list("dim", x.shape);
  loopUniforms(last, "", ["x"], loops);
  const columns: string[] = [];
  let rest = "i";
  for (let d = rank - 1; d >= 0; d--) {
    columns.push(`put_o(place * P.row + ${d}u * P.column, bitcast<i32>(${rest} % P.dim${d}));`);
    columns.push(`let rest${d} = ${rest} / P.dim${d};`);
    rest = `rest${d}`;
  }
  const placing = last.step(`place|${loops.sizes.length}|${rank}`, grid(chunks), () =>
    wgsl`
      var<workgroup> shared_mark: array<i32, ${WORKGROUP}>;

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          ${marked}
          var before = mark;
          shared_mark[lane] = mark;
          for (var step = 1u; step < ${WORKGROUP}u; step <<= 1u) {
            workgroupBarrier();
            var other = 0;
            if (lane >= step) { other = shared_mark[lane - step]; }
            workgroupBarrier();
            before += other;
            shared_mark[lane] = before;
          }
          if (mark == 0) { return; }
          var start = 0;
          if (group > 0u) { start = get_ends(group - 1u); }
          let place = bitcast<u32>(start + before - 1);
          if (place >= P.count) { return; }
          ${columns}
        `,
      )
    }
    `);
  if (counting === null || summing === null || placing === null) return null;
  return new Sequence([counting, summing, placing], scratch);
}

/** The kernels of indexing. */
export function gatherKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, IndexName> {
  const along = (index: Operand, shape: Shape, dim: number): Operand =>
    seen(index, shape, shape.map((_, d) => d === dim ? index.strides[0]! : 0));
  return {
    indexSelect: ([x, index], o, { dim }) =>
      choose(limits, "indexSelect", x, along(index, o.shape, dim), o, dim),
    gather: ([x, index], o, { dim }) => choose(limits, "gather", x, index, o, dim),
    indexReduce: ([x, index, source], o, { dim, reduce }) =>
      scatter(limits, "indexReduce", x, along(index, source.shape, dim), source, o, dim, reduce),
    scatter: ([x, index, source], o, { dim, reduce }) =>
      scatter(limits, "scatter", x, index, seen(source, index.shape, source.strides), o, dim, reduce),
    nonzero: ([x], o) => nonzero(limits, x, o),
  };
}
