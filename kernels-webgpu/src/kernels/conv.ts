/**
 * Convolution and its gradients: products of matrices that are gathered while they are read.
 *
 * With N images, C channels in and O out of a group, and taps of the window counted row-major:
 *
 * - conv: rows O, columns are places of the result (N, place), depth (C, tap).
 * - gradient for the input: rows C, columns are places of the input (N, place), depth (O, tap).
 * - gradient for the weight: rows O, columns (C, tap), depth (N, place of the result).
 *
 * Groups are a batch; groups of one input channel have kernels of their own. Windows of one tap that do not move are products
 * of the tensors as they lie.
 *
 * @module
 */

import { contiguousStrides, type ConvAttrs, type KernelTable, type Operand } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { count, isInPlace } from "../geometry.ts";
import { agree, type Candidate, isWhole } from "../quads.ts";
import { wgsl } from "../wgsl.ts";
import { depthwise, depthwiseInputGrad, depthwiseWeightGrad, isDepthwise } from "./conv/depthwise.ts";
import { type Geometry, sizes } from "./conv/geometry.ts";
import { along, segments, sources, unpack, windows, windowsAlongDepth } from "./conv/loaders.ts";
import {
  bindResult,
  type Epilogue,
  isSwapped,
  type Loader,
  type Product,
  type Storer,
} from "./gemm/product.ts";
import { halves, narrow, room, sequence, span, sumOfHalves } from "./gemm/pieces.ts";
import { gemm } from "./gemm/run.ts";
import { strided } from "./gemm/strided.ts";

type ConvName = "conv" | "convInputGrad" | "convWeightGrad";

/** Columns of one image from which images are multiplied one by one rather than in a row. */
const MANY = 64;

/** True when windows have one tap, and result and input the same places. */
function isPlain({ kernelSize, attrs }: Geometry): boolean {
  return kernelSize.every((size) => size === 1) && attrs.stride.every((step) => step === 1) &&
    attrs.padding.every((pad) => pad === 0);
}

/** True when the dimensions from `from` on lie row-major without gaps. */
function isFlat({ shape, strides }: Operand, from: number): boolean {
  let step = 1;
  for (let d = shape.length - 1; d >= from; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return false;
    step *= shape[d]!;
  }
  return true;
}

/** Steps that matter: those of sizes other than 1. */
function stepsOf(x: Operand, ...dims: readonly number[]): number[] {
  return dims.map((d) => x.shape[d] === 1 ? 0 : x.strides[d]!);
}

/** What differs between the three. */
interface Parts {
  readonly op: ConvName;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Loader;
  readonly b: Loader;
  readonly store: Storer;
  readonly dense: readonly number[];
  readonly setup: string;
  readonly inputs: Readonly<Record<string, Operand>>;
  readonly quads: Readonly<Record<string, boolean>>;
  readonly output: Operand;
  /** Products of one size; the groups, unless images are multiplied one by one. */
  readonly batch?: number;
  readonly epilogue: Epilogue | null;
}

function product(geometry: Geometry, parts: Parts): Product {
  const { op, m, n, k, a, b, store, dense, setup, inputs, quads, output, epilogue } = parts;
  return {
    op,
    key: `${geometry.kernelSize.length}d${parts.batch === undefined ? "" : " plain"}`,
    m,
    n,
    k,
    batch: parts.batch ?? geometry.groups,
    type: "f32",
    a,
    b,
    store,
    bias: null,
    output,
    dense,
    setup,
    inputs: (draft) => {
      for (const [name, x] of Object.entries(inputs)) {
        draft.bind(name, x, { as: "read", quads: quads[name]! }).list(name, x.strides);
      }
      if (parts.batch !== undefined) draft.u32("divided", geometry.groups);
      draft.list("o", output.strides);
      sizes(draft, geometry);
    },
    result: (draft) => void bindResult(draft, output, quads["o"]!, epilogue),
    epilogue,
  };
}

/** Writes places of images: rows are channels, `channels` of a group. */
function imageStore(
  rank: number,
  size: "in" | "out",
  channels: string,
  flat: boolean,
  quads: boolean,
): Storer {
  const count = `P.${size}s`;
  const at = `(po * ${channels} + m) * P.o1`;
  return {
    key: `images ${rank}${flat ? " flat" : ""}`,
    one: flat ? `put_o(n / ${count} * P.o0 + ${at} + n % ${count}, v);` : wgsl`
        ${unpack(rank, "n", size, "i")}
        put_o(i * P.o0 + ${at} + ${along(rank, "o", (d) => `i${d}`)}, v);`,
    four: quads ? `put_quad_o(n / ${count} * P.o0 + ${at} + n % ${count}, v);` : null,
  };
}

/** Steps of images [N, channels, …] in memory that is ordered by channel, image, place. */
function channelsFirst({ shape }: Operand): number[] {
  const places = count(shape.slice(2));
  return [places, shape[0]! * places, ...contiguousStrides(shape.slice(2))];
}

/** x or g or the result as images: bound in fours where places of one image are whole. */
function images(x: Operand): Candidate {
  return { x, whole: isFlat(x, 2) && isWhole(x, count(x.shape.slice(2)), stepsOf(x, 0, 1)) };
}

/** A weight whose taps are flat, as the product of its outer step: bound in fours along (channel, tap). */
function filters(w: Operand): Candidate {
  return { x: w, whole: isFlat(w, 1) && isWhole(w, count(w.shape.slice(1)), stepsOf(w, 0)) };
}

const never = (x: Operand): Candidate => ({ x, whole: false });

/** Text of variables of the batch: the group, and where a group begins. */
function groupSetup(pa: string, pb: string): string {
  return wgsl`
    let pa = batch * ${pa};
    let pb = batch * ${pb};
    let po = batch;`;
}

/**
 * Convolution with windows of one tap, or its gradient for the input: for each image the weight times the image.
 *
 * @param turned True for the gradient: the weight is transposed.
 */
function plain(
  limits: GpuLimits,
  op: ConvName,
  x: Operand,
  w: Operand,
  o: Operand,
  g: Geometry,
  turned: boolean,
  epilogue: Epilogue | null,
): GpuDispatch | null {
  const [m, k] = turned ? [g.inside, g.outside] : [g.outside, g.inside];
  const n = count(g.outputSize);
  const swapped = isSwapped({ m, n });
  const quads = agree({
    w: {
      x: w,
      whole: turned
        ? w.strides[1] === 1 && isWhole(w, m, stepsOf(w, 0))
        : w.strides[1] === 1 && isWhole(w, k, stepsOf(w, 0)),
    },
    x: images(x),
    o: { ...(swapped || epilogue?.fours === false ? never(o) : images(o)), written: true },
  });
  const isAlong = w.strides[1] === 1;
  return gemm(
    limits,
    product(g, {
      op,
      m,
      n,
      k,
      a: strided({
        name: "w",
        free: turned ? "P.w1" : "P.w0",
        depth: turned ? "P.w0" : "P.w1",
        along: turned && isAlong ? "free" : "k",
        quads: quads.w,
        type: "f32",
      }),
      b: strided({ name: "x", free: "1u", depth: "P.x1", along: "free", quads: quads.x, type: "f32" }),
      store: {
        key: "images",
        one: "put_o(po + m * P.o1 + n, v);",
        four: quads.o ? "put_quad_o(po + m * P.o1 + n, v);" : null,
      },
      dense: contiguousStrides(o.shape),
      setup: wgsl`
        let group_number = batch % P.divided;
        let image = batch / P.divided;
        let pa = group_number * P.outside * P.w0;
        let pb = image * P.x0 + group_number * ${turned ? "P.outside" : "P.inside"} * P.x1;
        let po = image * P.o0 + group_number * ${turned ? "P.inside" : "P.outside"} * P.o1;`,
      inputs: { x, w },
      quads,
      output: o,
      batch: g.images * g.groups,
      epilogue,
    }),
  );
}

function conv(
  limits: GpuLimits,
  x: Operand,
  w: Operand,
  o: Operand,
  g: Geometry,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const rank = g.kernelSize.length;
  const places = count(g.outputSize);
  const flat = isFlat(o, 2);
  if (isPlain(g) && flat && isFlat(x, 2) && (g.images === 1 || places >= MANY)) {
    return plain(limits, "conv", x, w, o, g, false, epilogue);
  }
  const [m, n, k] = [g.outside, g.images * places, g.inside * count(g.kernelSize)];
  const swapped = isSwapped({ m, n });
  const quads = agree({
    x: never(x),
    w: filters(w),
    o: { ...(swapped || epilogue?.fours === false ? never(o) : images(o)), written: true },
  });
  return gemm(
    limits,
    product(g, {
      op: "conv",
      m,
      n,
      k,
      a: isFlat(w, 1)
        ? strided({ name: "w", free: "P.w0", depth: "1u", along: "k", quads: quads.w, type: "f32" })
        : segments({
          name: "w",
          free: "P.w0",
          outer: "P.w1",
          size: "tap",
          count: "taps",
          rank,
          flat: isFlat(w, 2),
          quads: false,
        }),
      b: windows(rank),
      store: imageStore(rank, "out", "P.outside", flat, quads.o),
      dense: channelsFirst(o),
      setup: groupSetup("P.outside * P.w0", "P.inside * P.x1"),
      inputs: { x, w },
      quads,
      output: o,
      epilogue,
    }),
  );
}

function inputGrad(
  limits: GpuLimits,
  g: Operand,
  w: Operand,
  o: Operand,
  size: Geometry,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const rank = size.kernelSize.length;
  const places = count(size.inputSize);
  const flat = isFlat(o, 2);
  if (isPlain(size) && flat && isFlat(g, 2) && (size.images === 1 || places >= MANY)) {
    return plain(limits, "convInputGrad", g, w, o, size, true, epilogue);
  }
  const [m, n, k] = [size.inside, size.images * places, size.outside * count(size.kernelSize)];
  const swapped = isSwapped({ m, n });
  const quads = agree({
    g: never(g),
    w: never(w),
    o: { ...(swapped || epilogue?.fours === false ? never(o) : images(o)), written: true },
  });
  return gemm(
    limits,
    product(size, {
      op: "convInputGrad",
      m,
      n,
      k,
      a: segments({
        name: "w",
        free: "P.w1",
        outer: "P.w0",
        size: "tap",
        count: "taps",
        rank,
        flat: isFlat(w, 2),
        quads: false,
      }),
      b: sources(rank, size.attrs.stride.every((step) => step === 1)),
      store: imageStore(rank, "in", "P.inside", flat, quads.o),
      dense: channelsFirst(o),
      setup: groupSetup("P.outside * P.w0", "P.outside * P.g1"),
      inputs: { g, w },
      quads,
      output: o,
      epilogue,
    }),
  );
}

function weightGrad(
  limits: GpuLimits,
  g: Operand,
  x: Operand,
  o: Operand,
  size: Geometry,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const rank = size.kernelSize.length;
  const plainX = isPlain(size) && isFlat(x, 2);
  const flat = isFlat(o, 1);
  const [m, n, k] = [
    size.outside,
    size.inside * count(size.kernelSize),
    size.images * count(size.outputSize),
  ];
  const swapped = isSwapped({ m, n });
  const quads = agree({
    g: images(g),
    x: plainX ? images(x) : never(x),
    o: { ...(swapped || epilogue?.fours === false ? never(o) : filters(o)), written: true },
  });
  const places = { outer: "", size: "out", count: "outs", rank };
  return gemm(
    limits,
    product(size, {
      op: "convWeightGrad",
      m,
      n,
      k,
      a: segments({ ...places, name: "g", free: "P.g1", outer: "P.g0", flat: isFlat(g, 2), quads: quads.g }),
      b: plainX
        ? segments({ ...places, name: "x", free: "P.x1", outer: "P.x0", flat: true, quads: quads.x })
        : windowsAlongDepth(rank),
      store: {
        key: flat ? "filters flat" : `filters ${rank}`,
        one: flat ? "put_o((po * P.outside + m) * P.o0 + n, v);" : wgsl`
          ${unpack(rank, "n", "tap", "t")}
          put_o((po * P.outside + m) * P.o0 + t * P.o1 + ${along(rank, "o", (d) => `t${d}`)}, v);`,
        four: quads.o ? "put_quad_o((po * P.outside + m) * P.o0 + n, v);" : null,
      },
      dense: contiguousStrides(o.shape),
      setup: groupSetup("P.outside * P.g1", "P.inside * P.x1"),
      inputs: { g, x },
      quads,
      output: o,
      epilogue,
    }),
  );
}

/** Images in two halves, and each of them again, until every operand is within `most` bytes; null where one image is not. */
function halvesOf(most: number, operands: readonly Operand[]): readonly (readonly [number, number])[] | null {
  const images = operands[0]!.shape[0]!;
  return images > 1 && operands.some((x) => span(x) > most) ? halves(images) : null;
}

function convInPieces(
  limits: GpuLimits,
  x: Operand,
  w: Operand,
  o: Operand,
  attrs: ConvAttrs,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const parts = halvesOf(room(limits), [x, o]);
  if (parts !== null && epilogue !== null) return null;
  if (parts !== null) {
    return sequence(
      parts.map((part) => convInPieces(limits, narrow(x, 0, ...part), w, narrow(o, 0, ...part), attrs)),
    );
  }
  const geometry: Geometry = {
    images: x.shape[0]!,
    groups: attrs.groups,
    inside: w.shape[1]!,
    outside: w.shape[0]! / attrs.groups,
    inputSize: x.shape.slice(2),
    outputSize: o.shape.slice(2),
    kernelSize: w.shape.slice(2),
    attrs,
  };
  return (isDepthwise(geometry) ? depthwise : conv)(limits, x, w, o, geometry, epilogue);
}

function inputGradInPieces(
  limits: GpuLimits,
  g: Operand,
  w: Operand,
  o: Operand,
  attrs: ConvAttrs,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const parts = halvesOf(room(limits), [g, o]);
  if (parts !== null && epilogue !== null) return null;
  if (parts !== null) {
    return sequence(
      parts.map((part) => inputGradInPieces(limits, narrow(g, 0, ...part), w, narrow(o, 0, ...part), attrs)),
    );
  }
  const geometry: Geometry = {
    images: g.shape[0]!,
    groups: attrs.groups,
    inside: w.shape[1]!,
    outside: w.shape[0]! / attrs.groups,
    inputSize: o.shape.slice(2),
    outputSize: g.shape.slice(2),
    kernelSize: w.shape.slice(2),
    attrs,
  };
  return (isDepthwise(geometry) ? depthwiseInputGrad : inputGrad)(limits, g, w, o, geometry, epilogue);
}

function weightGradInPieces(
  limits: GpuLimits,
  g: Operand,
  x: Operand,
  o: Operand,
  attrs: ConvAttrs,
  epilogue: Epilogue | null = null,
): GpuDispatch | null {
  const parts = halvesOf(room(limits), [g, x]);
  if (parts !== null && epilogue !== null) return null;
  if (parts !== null) {
    return sumOfHalves(
      limits,
      o,
      (half, into) =>
        weightGradInPieces(limits, narrow(g, 0, ...parts[half]!), narrow(x, 0, ...parts[half]!), into, attrs),
    );
  }
  const geometry: Geometry = {
    images: g.shape[0]!,
    groups: attrs.groups,
    inside: o.shape[1]!,
    outside: o.shape[0]! / attrs.groups,
    inputSize: x.shape.slice(2),
    outputSize: g.shape.slice(2),
    kernelSize: o.shape.slice(2),
    attrs,
  };
  return (isDepthwise(geometry) ? depthwiseWeightGrad : weightGrad)(limits, g, x, o, geometry, epilogue);
}

const ways = { conv: convInPieces, convInputGrad: inputGradInPieces, convWeightGrad: weightGradInPieces };

/**
 * A convolution whose result is not stored but goes through steps that follow; null where that cannot be done in one go.
 *
 * @param o The result, as if it were stored: contiguous, in a buffer that nothing else is in.
 */
export function convWith(
  limits: GpuLimits,
  name: ConvName,
  inputs: readonly Operand[],
  o: Operand,
  attrs: ConvAttrs,
  epilogue: Epilogue,
): GpuDispatch | null {
  return ways[name](limits, inputs[0]!, inputs[1]!, o, attrs, epilogue);
}

/** The convolutions; images are done in pieces where an operand reaches further than a binding may. */
export function convKernels(limits: GpuLimits): Pick<Required<KernelTable<GpuDispatch>>, ConvName> {
  return {
    conv: ([x, w], o, attrs) => isInPlace([o], [x, w]) ? null : convInPieces(limits, x, w, o, attrs),
    convInputGrad: ([g, w], o, attrs) =>
      isInPlace([o], [g, w]) ? null : inputGradInPieces(limits, g, w, o, attrs),
    convWeightGrad: ([g, x], o, attrs) =>
      isInPlace([o], [g, x]) ? null : weightGradInPieces(limits, g, x, o, attrs),
  };
}
