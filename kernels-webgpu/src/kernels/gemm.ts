/**
 * Products of matrices. Transposed, strided and broadcast operands need no copies; operands beyond what a shader sees of a
 * buffer are multiplied in pieces.
 *
 * @module
 */

import { contiguousStrides, type KernelTable, type Operand, type Shape } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { computed, perWord, storageOf } from "../element.ts";
import { count, isInPlace, loopUniforms, melt, placesText, stepsIn } from "../geometry.ts";
import { agree, type Candidate, isWhole } from "../quads.ts";
import { halves, narrow, room, seen, sequence, span, sumOfHalves } from "./gemm/pieces.ts";
import { gemm } from "./gemm/run.ts";
import { bindResult, type Epilogue, type Loader } from "./gemm/product.ts";
import { strided, stridedStore } from "./gemm/strided.ts";
import { SKINNY } from "./gemm/tiles.ts";

/** How a result is written: packed ones a part of a word at a time. */
export function written(o: Operand): "atomic" | "write" {
  return perWord(storageOf(o.dtype, false)) > 1 ? "atomic" : "write";
}

/** The matrices of an operand, transposed. */
function transposed(x: Operand): Operand {
  const turn = (list: Shape): number[] => [...list.slice(0, -2), list.at(-1)!, list.at(-2)!];
  return seen(x, turn(x.shape), turn(x.strides));
}

/** x [..., m, k] · y [..., k, n] + bias [n] → o [..., m, n]. */
interface Call {
  readonly op: string;
  readonly x: Operand;
  readonly y: Operand;
  readonly bias: Operand | null;
  readonly o: Operand;
  /** Steps that follow, in place of `o`, of which then only the shape counts. */
  readonly epilogue?: Epilogue | null;
}

/** An operand as the matrix that a product reads. */
interface Matrix {
  readonly name: "x" | "y";
  /** Steps along its free index and along the depth; 0 where that has one element. */
  readonly free: number;
  readonly depth: number;
  /** Which of them walks along memory. */
  readonly along: "free" | "k";
  /** True where fours of neighbours are whole. */
  readonly whole: boolean;
}

/** Multiplies, in pieces where an operand reaches further than a binding may. */
function multiply(limits: GpuLimits, call: Call): GpuDispatch | null {
  const { x, y, o } = call;
  const most = room(limits);
  const large = [x, y, o].find((operand) => span(operand) > most);
  if (large === undefined || x.shape.at(-1) === 0) return once(limits, call);
  if (call.epilogue) return null;
  const back = widest(large);
  const isDepth = large === x && back === 1 || large === y && back === 2;
  if (isDepth && 8 * count(o.shape) <= most) return inDepth(limits, call);
  const at = isDepth ? widest(o) : back;
  return o.shape.at(-at) === 1 ? once(limits, call) : inHalves(limits, call, at);
}

/** The dimension in which an operand reaches furthest, counted from the end: batches have one number in all operands. */
function widest({ shape, strides }: Operand): number {
  const widths = shape.map((size, d) => (size - 1) * Math.abs(strides[d]!));
  return shape.length - widths.indexOf(Math.max(...widths));
}

/** One half of the result after the other. */
function inHalves(limits: GpuLimits, { op, x, y, bias, o }: Call, back: number): GpuDispatch | null {
  const cut = (operand: Operand, [start, size]: readonly [number, number]): Operand => {
    const d = operand.shape.length - back;
    return d < 0 || back > 2 && operand.shape[d] === 1 ? operand : narrow(operand, d, start, size);
  };
  return sequence(
    halves(o.shape.at(-back)!).map((part) =>
      multiply(limits, {
        op,
        x: back === 1 ? x : cut(x, part),
        y: back === 2 ? y : cut(y, part),
        bias: back === 1 && bias !== null ? narrow(bias, 0, ...part) : bias,
        o: cut(o, part),
      })
    ),
  );
}

/** One half of the depth after the other; the bias belongs to the first. */
function inDepth(limits: GpuLimits, { op, x, y, bias, o }: Call): GpuDispatch | null {
  const parts = halves(x.shape.at(-1)!);
  return sumOfHalves(limits, o, (half, into) =>
    multiply(limits, {
      op,
      x: narrow(x, x.shape.length - 1, ...parts[half]!),
      y: narrow(y, y.shape.length - 2, ...parts[half]!),
      bias: half === 0 ? bias : null,
      o: into,
    }));
}

/** Multiplies in one go. */
function once(limits: GpuLimits, { op, x, y, bias, o, epilogue = null }: Call): GpuDispatch | null {
  const batch = o.shape.slice(0, -2);
  const steps = [x, y, o].map(({ shape, strides }) =>
    stepsIn({ shape: shape.slice(0, -2), strides: strides.slice(0, -2) }, batch)
  );
  const k = x.shape.at(-1)!;
  const rows = [...batch, o.shape.at(-2)!];
  const columns = o.shape.at(-1)!;
  // A batch of rows over one right matrix is one larger product.
  const joined = steps[1]!.every((step, d) => step === 0 || batch[d] === 1)
    ? melt(rows, [[...steps[0]!, x.strides.at(-2)!], [...steps[2]!, o.strides.at(-2)!]])
    : null;
  const one = joined !== null && joined.sizes.length <= 1;
  const loops = one ? { sizes: [], steps: [[], [], []] } : melt(batch, steps);
  const high = one ? count(rows) : o.shape.at(-2)!;
  // Few columns, or columns that walk along memory, are made as rows of the transposed product.
  const [om, on] = [one ? joined.steps[1]![0] ?? 0 : o.strides.at(-2)!, o.strides.at(-1)!];
  const turned = high > SKINNY && (columns <= SKINNY || on !== 1 && om === 1);
  const matrix = (
    name: "x" | "y",
    operand: Operand,
    size: number,
    [free, depth]: readonly [number, number],
    steps: Shape,
  ): Matrix => {
    const [f, d] = [size === 1 ? 0 : free, k === 1 ? 0 : depth];
    const along = d === 1 || f !== 1 ? "k" : "free";
    const whole = along === "k"
      ? d === 1 && isWhole(operand, k, [f, ...steps])
      : f === 1 && isWhole(operand, size, [d, ...steps]);
    return { name, free: f, depth: d, along, whole };
  };
  const xm = one ? joined.steps[0]![0] ?? 0 : x.strides.at(-2)!;
  const left = matrix("x", x, high, [xm, x.strides.at(-1)!], loops.steps[0]!);
  const right = matrix("y", y, columns, [y.strides.at(-1)!, y.strides.at(-2)!], loops.steps[1]!);
  const [a, b] = turned ? [right, left] : [left, right];
  const [m, n] = turned ? [columns, high] : [high, columns];
  const [stepM, stepN] = turned ? [on, om] : [om, on];
  const whole = stepN === 1 && isWhole(o, n, [m === 1 ? 0 : stepM, ...loops.steps[2]!]);
  const candidates: Record<string, Candidate> = {
    x: { x, whole: left.whole },
    y: { x: y, whole: right.whole },
    o: { x: o, whole: whole && epilogue?.fours !== false, written: true },
  };
  if (bias !== null) candidates["bias"] = { x: bias, whole: false };
  const quads = agree(candidates) as Record<"x" | "y" | "o", boolean>;
  const type = computed(x.dtype);
  const load = ({ name, along }: Matrix, free: string, depth: string): Loader =>
    strided({ name, free, depth, along, quads: quads[name], type });
  const inRows = contiguousStrides(rows);
  const inBatches = contiguousStrides(o.shape);
  return gemm(limits, {
    op,
    key: `b${loops.sizes.length}`,
    m,
    n,
    k,
    batch: count(loops.sizes),
    type,
    a: load(a, "P.af", "P.ak"),
    b: load(b, "P.bf", "P.bk"),
    store: stridedStore(quads.o),
    bias: bias === null ? null : `return get_bias(${turned ? "m" : "n"} * P.bias);`,
    output: o,
    dense: !turned ? inBatches : one ? [...inRows, high] : [...inBatches.slice(0, -2), 1, high],
    inputs: (draft) => {
      draft.bind("x", x, { as: "read", quads: quads.x }).bind("y", y, { as: "read", quads: quads.y });
      if (bias !== null) draft.bind("bias", bias, { as: "read" }).u32("bias", bias.strides[0]!);
      draft.u32("af", a.free).u32("ak", a.depth).u32("bf", b.free).u32("bk", b.depth);
      loopUniforms(draft, "", ["x", "y", "o"], loops);
    },
    result: (draft) => void bindResult(draft, o, quads.o, epilogue).u32("om", stepM).u32("on", stepN),
    setup: placesText(
      loops.sizes.length,
      "",
      [a.name, b.name, "o"],
      "batch",
      (name) => name === a.name ? "pa" : name === b.name ? "pb" : "po",
    ),
    epilogue,
  });
}

function linear(
  limits: GpuLimits,
  x: Operand,
  weight: Operand,
  bias: Operand,
  o: Operand,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const rows = (operand: Operand): Operand =>
    operand.shape.length > 1 ? operand : seen(operand, [1, ...operand.shape], [0, ...operand.strides]);
  return multiply(limits, { op: "linear", x: rows(x), y: transposed(weight), bias, o: rows(o), epilogue });
}

/**
 * A product whose result is not stored but goes through steps that follow; null where it would be made in pieces.
 *
 * @param o The result, as if it were stored: contiguous, in a buffer that nothing else is in.
 */
export function gemmWith(
  limits: GpuLimits,
  name: "matmul" | "linear",
  inputs: readonly Operand[],
  o: Operand,
  epilogue: Epilogue,
): GpuDispatch | null {
  const [x, y, bias] = inputs as [Operand, Operand, Operand];
  if (name === "linear") return linear(limits, x, y, bias, o, epilogue);
  return multiply(limits, { op: "matmul", x, y, bias: null, o, epilogue });
}

/** The products of matrices. */
export function gemmKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, "matmul" | "linear"> {
  return {
    matmul: ([x, y], o) =>
      isInPlace([o], [x, y]) ? null : multiply(limits, { op: "matmul", x, y, bias: null, o }),
    linear: ([x, weight, bias], o) =>
      isInPlace([o], [x, weight, bias]) ? null : linear(limits, x, weight, bias, o),
  };
}
