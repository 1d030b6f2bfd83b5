/**
 * Reductions: sum, product, extremes and their places, any and all.
 *
 * A workgroup makes `width` neighbouring results, `256 / width` invocations each: they walk their share of the elements,
 * then fold in workgroup memory. Where there are few results and many elements, a first stage makes partial results.
 *
 * @module
 */

import {
  float32,
  int32,
  type KernelTable,
  type Operand,
  type ReductionPrimitives,
  type Shape,
} from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { computed, perWord, storageOf } from "../element.ts";
import { count, isInPlace, type Loops, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { allBut, inOrder, inParts, isTooLarge, middleOf, sliceOf, widestOf } from "../split.ts";
import { wgsl } from "../wgsl.ts";

type FoldName = "sum" | "prod" | "amax" | "amin" | "any" | "all";

/** How two values of a type fold, where it starts, and what an element contributes. */
interface Fold {
  readonly start: string;
  readonly join: (a: string, b: string) => string;
  readonly from: string;
}

const truth = (type: "f32" | "i32"): string =>
  type === "f32" ? "select(0, 1, x != 0.0 || m_isnan(x))" : "select(0, 1, x != 0)";

const folds: { readonly [P in FoldName]: (type: "f32" | "i32") => Fold } = {
  sum: (type) => ({ start: type === "f32" ? "0.0" : "0", join: (a, b) => `${a} + ${b}`, from: "x" }),
  prod: (type) => ({ start: type === "f32" ? "1.0" : "1", join: (a, b) => `${a} * ${b}`, from: "x" }),
  amax: (type) => ({
    start: type === "f32" ? "-m_inf()" : "i32(-0x7fffffff - 1)",
    join: (a, b) => type === "f32" ? `m_max(${a}, ${b})` : `max(${a}, ${b})`,
    from: "x",
  }),
  amin: (type) => ({
    start: type === "f32" ? "m_inf()" : "0x7fffffff",
    join: (a, b) => type === "f32" ? `m_min(${a}, ${b})` : `min(${a}, ${b})`,
    from: "x",
  }),
  any: (type) => ({ start: "0", join: (a, b) => `${a} | ${b}`, from: truth(type) }),
  all: (type) => ({ start: "1", join: (a, b) => `${a} & ${b}`, from: truth(type) }),
};

/** The kept dimensions with the strides of input and result, and the folded ones with those of the input. */
function split(x: Operand, o: Operand, dims: Shape, keepdim: boolean): { kept: Loops; folded: Loops } {
  const keptDims = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const outStrides = keepdim ? keptDims.map((d) => o.strides[d]!) : o.strides;
  return {
    kept: melt(keptDims.map((d) => x.shape[d]!), [keptDims.map((d) => x.strides[d]!), outStrides]),
    folded: melt(dims.map((d) => x.shape[d]!), [dims.map((d) => x.strides[d]!)]),
  };
}

/** Results of a workgroup: neighbours in memory side by side where rows are far apart, else one; all, when rows are short. */
function widthOf(kept: Loops, folded: Loops, length: number): number {
  if (length <= 16) return WORKGROUP;
  const side = kept.steps[0]!.at(-1) ?? 0;
  const along = folded.steps[0]!.at(-1) ?? 0;
  return side === 1 && along !== 1 && kept.sizes.at(-1)! >= 8 ? 32 : 1;
}

/** Elements that one invocation walks before a second stage pays. */
const LONG = 64;

/** What is folded: operands, and text that makes an element `x` of them. */
interface Folded {
  /** Names of the operands in the text. */
  readonly names: readonly string[];
  /** The operands. */
  readonly operands: readonly Operand[];
  /** The kept dimensions, with steps for each operand. */
  readonly kept: Loops;
  /** The folded dimensions, with steps for each operand. */
  readonly folded: Loops;
  /** What the element is computed in. */
  readonly type: "f32" | "i32";
  /** Statements from the operands, variables of their names, to `let x = …;`; none when there is only `x`. */
  readonly text: string;
}

/** Where the results of a fold go. */
export interface Sink {
  /** Part of the key. */
  readonly key: string;
  /** Adds operands. */
  readonly bind: (draft: Draft) => void;
  /** Steps of a result in the kept dimensions, when it is walked with what is folded. */
  readonly steps: number[] | null;
  /** Adds uniforms. */
  readonly uniforms: (draft: Draft) => void;
  /** Writes `total`, the result number `o`. */
  readonly text: string;
}

/** The sink of one operand. */
function sinkOf(o: Operand, steps: number[], pieces: number): Sink {
  const packed = perWord(storageOf(o.dtype, false)) > 1;
  return {
    key: "",
    bind: (draft) => void draft.bind("o", o, { as: packed ? "atomic" : "write" }),
    steps,
    uniforms: () => {},
    text: `put_o(${pieces > 1 ? "i" : "p_o"}, total);`,
  };
}

/** Text before and after the fold: places, the walk, and the tree in workgroup memory. */
function walkText(width: number, source: Folded, sink: Sink, parts: {
  readonly setup: string;
  readonly visit: string;
  readonly share: string;
  readonly merge: string;
  readonly finish: string;
}): string {
  const depth = WORKGROUP / width;
  const { names, kept, folded, text } = source;
  return wgsl`
    let column = lane % ${width}u;
    let row = lane / ${width}u;
    let i = group * ${width}u + column;
    let o = min(i % P.n, P.n - 1u);
    let piece = i / P.n;
    ${placesText(kept.sizes.length, "k_", sink.steps === null ? names : [...names, "o"], "o")}
    ${parts.setup}
    let last = min(P.length, (piece + 1u) * P.piece);
    if (i < P.n * P.pieces) {
      for (var r = piece * P.piece + row; r < last; r += ${depth}u) {
        ${placesText(folded.sizes.length, "f_", names, "r", (name) => `q_${name}`)}
        ${names.map((name) => `let ${name} = get_${name}(p_${name} + q_${name});`)}
        ${text !== "" && text}
        ${parts.visit}
      }
    }
    ${
    depth > 1 && wgsl`
      ${parts.share}
      for (var step = ${depth / 2}u; step > 0u; step >>= 1u) {
        workgroupBarrier();
        if (row < step) {
          let other = lane + step * ${width}u;
          ${parts.merge}
        }
      }`
  }
    if (row == 0u && i < P.n * P.pieces) {
      ${parts.finish}
    }
  `;
}

function fold(
  limits: GpuLimits,
  op: FoldName,
  x: Operand,
  o: Operand,
  dims: Shape,
  keepdim: boolean,
): GpuDispatch | null {
  const { kept, folded } = split(x, o, dims, keepdim);
  const [steps, outSteps] = kept.steps as [number[], number[]];
  const source: Folded = {
    names: ["x"],
    operands: [x],
    kept: { sizes: kept.sizes, steps: [steps] },
    folded,
    type: computed(x.dtype),
    text: "",
  };
  const length = count(dims.map((d) => x.shape[d]!));
  return stages(
    limits,
    op,
    op,
    source,
    sinkOf(o, outSteps, 1),
    count(o.shape),
    length,
    widthOf(kept, folded, length),
  );
}

/** The operand with dimensions of size 1 where `dims` were folded. */
function kept(o: Operand, dims: Shape, rank: number): Operand {
  if (o.shape.length === rank) return o;
  const [shape, strides] = [[...o.shape], [...o.strides]];
  for (const d of dims) {
    shape.splice(d, 0, 1);
    strides.splice(d, 0, 0);
  }
  return { buffer: o.buffer, dtype: o.dtype, offset: o.offset, shape, strides };
}

/** As {@linkcode fold}, in as many parts as the binding limit asks for; `o` has size 1 where it is folded. */
function foldInParts(
  limits: GpuLimits,
  op: FoldName,
  x: Operand,
  o: Operand,
  dims: Shape,
): GpuDispatch | null {
  const all = [x, o];
  const large = all.find((one) => isTooLarge(limits, one, all));
  const dim = large === undefined ? -1 : widestOf(large, large.shape.map((_, d) => d));
  if (dim < 0) return fold(limits, op, x, o, dims, true);
  const size = x.shape[dim]!;
  const cut = middleOf(size);
  const halves = [[0, cut], [cut, size]] as const;
  if (!dims.includes(dim)) {
    return inOrder(
      halves.map(([start, stop]) =>
        foldInParts(limits, op, sliceOf(x, dim, start, stop), sliceOf(o, dim, start, stop), dims)
      ),
    );
  }
  const n = count(o.shape);
  const scratch = new Scratch(2 * n * 4);
  const dtype = op === "any" || op === "all" || computed(x.dtype) === "i32" ? int32 : float32;
  const strides = contiguous(o.shape);
  const parts = halves.map(([start, stop], i) => {
    const target = { buffer: scratch, dtype, shape: o.shape, strides, offset: i * n };
    return foldInParts(limits, op, sliceOf(x, dim, start, stop), target, dims);
  });
  const both = { buffer: scratch, dtype, shape: [2, ...o.shape], strides: [n, ...strides], offset: 0 };
  const steps = [...parts, fold(limits, op, both, o, [0], false)];
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], [scratch]);
}

/** What a fused kernel folds. */
export interface FusedFold {
  /** Operands by name, over `shape`. */
  readonly operands: Readonly<Record<string, Operand>>;
  /** Sizes of what is folded. */
  readonly shape: Shape;
  /** Where the elements would lie if they were in memory: it decides about the order of folding. */
  readonly strides: Shape;
  /** The dimensions that are folded. */
  readonly dims: Shape;
  /** What an element is computed in. */
  readonly type: "f32" | "i32";
  /** Statements to `let x = …;`. */
  readonly text: string;
  /** What the text depends on. */
  readonly key: string;
  /** Adds uniforms. */
  readonly uniforms: (draft: Draft) => void;
}

/** Folds what text makes of operands, and hands the results on to other text. */
export function foldInto(
  limits: GpuLimits,
  label: string,
  op: FoldName,
  { operands, shape, strides, dims, type, text, key, uniforms }: FusedFold,
  sink: Sink,
): GpuDispatch | null {
  const list = Object.values(operands);
  const keptDims = shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const loops = (over: readonly number[], steps: readonly Shape[]): Loops =>
    melt(over.map((d) => shape[d]!), steps.map((all) => over.map((d) => all[d]!)));
  const all = list.map((x) => x.strides);
  const source: Folded = {
    names: Object.keys(operands),
    operands: list,
    kept: loops(keptDims, all),
    folded: loops(dims, all),
    type,
    text,
  };
  const length = count(dims.map((d) => shape[d]!));
  const width = widthOf(loops(keptDims, [strides, strides]), loops(dims, [strides]), length);
  const n = count(keptDims.map((d) => shape[d]!));
  return stages(limits, label, op, source, sink, n, length, width, uniforms, key);
}

/** One stage, or two when few workgroups would walk for long. */
function stages(
  limits: GpuLimits,
  label: string,
  op: FoldName,
  source: Folded,
  sink: Sink,
  n: number,
  length: number,
  width: number,
  uniforms: (draft: Draft) => void = () => {},
  key = "",
): GpuDispatch | null {
  const share = Math.ceil(length / (WORKGROUP / width));
  const groups = Math.ceil(n / width);
  const pieces = share > LONG && groups < 256
    ? Math.min(Math.ceil(share / LONG), Math.ceil(512 / groups))
    : 1;
  if (pieces === 1) return stage(limits, label, op, source, sink, n, length, width, 1, uniforms, key);
  const partType = op === "any" || op === "all" || source.type === "i32" ? int32 : float32;
  const scratch = new Scratch(pieces * n * 4);
  const partial: Operand = {
    buffer: scratch,
    dtype: partType,
    shape: [pieces, n],
    strides: [n, 1],
    offset: 0,
  };
  const nowhere = source.kept.sizes.map(() => 0);
  const part = sinkOf(partial, nowhere, pieces);
  const first = stage(limits, label, op, source, part, n, length, width, pieces, uniforms, key);
  const rest: Loops = { sizes: [pieces], steps: [[n]] };
  const out = sink.steps === null
    ? { sizes: [n], steps: [[1]] }
    : melt(source.kept.sizes, [contiguous(source.kept.sizes), sink.steps]);
  const again: Folded = {
    names: ["x"],
    operands: [partial],
    kept: { sizes: out.sizes, steps: [out.steps[0]!] },
    folded: rest,
    type: computed(partType),
    text: "",
  };
  const last = sink.steps === null ? sink : { ...sink, steps: out.steps[1]! };
  const second = stage(
    limits,
    label,
    op,
    again,
    last,
    n,
    pieces,
    widthOf(out, rest, pieces),
    1,
    () => {},
    "",
  );
  return first === null || second === null ? null : new Sequence([first, second], [scratch]);
}

function contiguous(sizes: readonly number[]): number[] {
  let step = 1;
  return [...sizes].reverse().map((size) => {
    const here = step;
    step *= size;
    return here;
  }).reverse();
}

function stage(
  limits: GpuLimits,
  label: string,
  op: FoldName,
  source: Folded,
  sink: Sink,
  n: number,
  length: number,
  width: number,
  pieces: number,
  uniforms: (draft: Draft) => void,
  sourceKey: string,
): GpuDispatch | null {
  const { names, operands, kept, folded, type } = source;
  const { start, join, from } = folds[op](type);
  const draft = new Draft(label, limits)
    .u32("n", n).u32("length", length).u32("pieces", pieces).u32("piece", Math.ceil(length / pieces));
  operands.forEach((x, q) => draft.bind(names[q]!, x, { as: "read" }));
  sink.bind(draft);
  const walked = sink.steps === null ? kept : { sizes: kept.sizes, steps: [...kept.steps, sink.steps] };
  loopUniforms(draft, "k_", sink.steps === null ? names : [...names, "o"], walked);
  loopUniforms(draft, "f_", names, folded);
  uniforms(draft);
  sink.uniforms(draft);
  const kind = op === "any" || op === "all" ? "i32" : type;
  const key = `w${width}|${kept.sizes.length}|${folded.sizes.length}|${pieces > 1 ? "part" : "all"}${
    sourceKey || sink.key ? `|${op}|${sourceKey}|${sink.key}` : ""
  }`;
  return draft.step(key, grid(Math.ceil(n * pieces / width)), () =>
    wgsl`
      var<workgroup> shared_value: array<${kind}, ${WORKGROUP}>;

      ${
      mainOf(
        WORKGROUP,
        walkText(width, source, sink, {
          setup: `var total = ${start};`,
          visit: wgsl`
            let value = ${from};
            total = ${join("total", "value")};`,
          share: "shared_value[lane] = total;",
          merge: `shared_value[lane] = ${join("shared_value[lane]", "shared_value[other]")};`,
          finish: wgsl`
            ${width < WORKGROUP && "total = shared_value[lane];"}
            ${sink.text}`,
        }),
      )
    }
    `);
}

/** The first among equals and the first NaN: `a` beats what comes later unless that is better. */
function arg(
  limits: GpuLimits,
  op: "argmax" | "argmin",
  x: Operand,
  o: Operand,
  dim: number,
  keepdim: boolean,
): GpuDispatch | null {
  const type = computed(x.dtype);
  const { kept, folded } = split(x, o, [dim], keepdim);
  const n = count(o.shape);
  const length = x.shape[dim]!;
  const width = widthOf(kept, folded, length);
  const draft = new Draft(op, limits)
    .u32("n", n).u32("length", length).u32("pieces", 1).u32("piece", length)
    .bind("x", x, { as: "read" })
    .bind("o", o, { as: "write" });
  loopUniforms(draft, "k_", ["x", "o"], kept);
  loopUniforms(draft, "f_", ["x"], folded);
  const source: Folded = {
    names: ["x"],
    operands: [x],
    kept: { sizes: kept.sizes, steps: [kept.steps[0]!] },
    folded,
    type,
    text: "",
  };
  const sink: Sink = { ...sinkOf(o, kept.steps[1]!, 1), text: "put_o(p_o, bitcast<i32>(place));" };
  const sign = op === "argmax" ? ">" : "<";
  // NaN is better than every number; of two equally good ones the first place wins.
  const better = type === "f32"
    ? wgsl`
      fn better(a: f32, place: u32, b: f32, other: u32) -> bool {
        let nan_a = m_isnan(a);
        let nan_b = m_isnan(b);
        if (other == 0xffffffffu) { return true; }
        if (nan_a != nan_b) { return nan_a; }
        if (nan_a || a == b) { return place < other; }
        return a ${sign} b;
      }`
    : wgsl`
      fn better(a: i32, place: u32, b: i32, other: u32) -> bool {
        if (other == 0xffffffffu) { return true; }
        if (a == b) { return place < other; }
        return a ${sign} b;
      }`;
  return draft.step(
    `w${width}|${kept.sizes.length}|${folded.sizes.length}`,
    grid(Math.ceil(n / width)),
    () =>
      wgsl`
      var<workgroup> shared_value: array<${type}, ${WORKGROUP}>;
      var<workgroup> shared_place: array<u32, ${WORKGROUP}>;

      ${better}

      ${
        mainOf(
          WORKGROUP,
          walkText(width, source, sink, {
            setup: wgsl`
            var best = ${type}(0);
            var place = 0xffffffffu;`,
            visit: wgsl`
            if (better(x, r, best, place)) {
              best = x;
              place = r;
            }`,
            share: wgsl`
            shared_value[lane] = best;
            shared_place[lane] = place;`,
            merge: wgsl`
            if (shared_place[other] != 0xffffffffu &&
              better(shared_value[other], shared_place[other], shared_value[lane], shared_place[lane])) {
              shared_value[lane] = shared_value[other];
              shared_place[lane] = shared_place[other];
            }`,
            finish: wgsl`
            ${width < WORKGROUP && "place = shared_place[lane];"}
            ${sink.text}`,
          }),
        )
      }
    `,
  );
}

/** Adds up the first dimension of `x` into `o`: the second stage of kernels that make partial sums. */
export function sumOfParts(limits: GpuLimits, x: Operand, o: Operand): GpuDispatch | null {
  return fold(limits, "sum", x, o, [0], false);
}

/** The reductions. */
export function reduceKernels(
  limits: GpuLimits,
): Pick<KernelTable<GpuDispatch>, keyof ReductionPrimitives<unknown>> {
  const kernel = (op: FoldName) =>
  (
    [x]: readonly [x: Operand],
    o: Operand,
    { dims }: { readonly dims: Shape; readonly keepdim: boolean },
  ): GpuDispatch | null =>
    isInPlace([o], [x]) ? null : foldInParts(limits, op, x, kept(o, dims, x.shape.length), dims);
  const placing = (op: "argmax" | "argmin") =>
  (
    [x]: readonly [x: Operand],
    o: Operand,
    { dim }: { readonly dim: number; readonly keepdim: boolean },
  ): GpuDispatch | null =>
    isInPlace([o], [x]) ? null : inParts(
      limits,
      [x, kept(o, [dim], x.shape.length)],
      allBut(x, dim),
      ([x, o]) => arg(limits, op, x!, o!, dim, true),
    );
  return {
    sum: kernel("sum"),
    prod: kernel("prod"),
    amax: kernel("amax"),
    amin: kernel("amin"),
    any: kernel("any"),
    all: kernel("all"),
    argmax: placing("argmax"),
    argmin: placing("argmin"),
  };
}
