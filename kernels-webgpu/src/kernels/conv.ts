/**
 * Convolution and its gradients: products of matrices that are gathered while they are read.
 *
 * With N images, C channels in and O out of a group, and taps of the window counted row-major:
 *
 * - conv: rows are places of the result (N, place), columns O, depth (C, tap).
 * - gradient for the input: rows are places of the input (N, place), columns C, depth (O, tap).
 * - gradient for the weight: rows O, columns (C, tap), depth (N, place of the result).
 *
 * @module
 */

import type { ConvAttrs, KernelTable, Operand, Shape } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { Draft, GpuLimits } from "../draft.ts";
import { count, isInPlace } from "../geometry.ts";
import { wgsl } from "../wgsl.ts";
import { gemm, written } from "./gemm.ts";

type ConvName = "conv" | "convInputGrad" | "convWeightGrad";

/** Sizes of a convolution, whichever of its three tensors is asked for. */
interface Geometry {
  readonly images: number;
  readonly groups: number;
  /** Channels of a group, in and out. */
  readonly inside: number;
  readonly outside: number;
  readonly inputSize: Shape;
  readonly outputSize: Shape;
  readonly kernelSize: Shape;
  readonly attrs: ConvAttrs;
}

/** Takes a row-major number apart: `let <to>0 … = …` for each spatial dimension, and `let <to> = …` for what is left. */
function unpack(rank: number, from: string, size: string, to: string): string {
  const lines: string[] = [];
  let rest = from;
  for (let d = rank - 1; d >= 0; d--) {
    lines.push(`let ${to}${d} = ${rest} % P.${size}${d};`);
    lines.push(`let ${to}r${d} = ${rest} / P.${size}${d};`);
    rest = `${to}r${d}`;
  }
  lines.push(`let ${to} = ${rest};`);
  return lines.join("\n");
}

/** A sum of products of indices and the strides `P.<name>2`, `P.<name>3` … of the spatial dimensions. */
function along(rank: number, name: string, index: (d: number) => string): string {
  return Array.from({ length: rank }, (_, d) => `${index(d)} * P.${name}${d + 2}`).join(" + ");
}

function bindAll(
  draft: Draft,
  { inside, outside, inputSize, outputSize, kernelSize, attrs }: Geometry,
  operands: Readonly<Record<string, Operand>>,
  into: Operand,
): void {
  for (const [name, x] of Object.entries(operands)) {
    if (name === "o") draft.bind(name, into, { as: written(into) }).list(name, x.strides);
    else draft.bind(name, x, { as: "read" }).list(name, x.strides);
  }
  draft.u32("inside", inside).u32("outside", outside)
    .list("in", inputSize).list("out", outputSize).list("tap", kernelSize)
    .list("step", attrs.stride).list("pad", attrs.padding).list("dil", attrs.dilation);
}

/** Text that reads x at a tap of a window, 0 outside: from the window's place `o<d>` and the tap `t<d>`. */
function readInput(rank: number, image: string, channel: string): string {
  const dims = Array.from({ length: rank }, (_, d) => d);
  return wgsl`
    ${dims.map((d) => `let y${d} = o${d} * P.step${d} + t${d} * P.dil${d} - P.pad${d};`)}
    if (${dims.map((d) => `y${d} >= P.in${d}`).join(" || ")}) { return 0.0; }
    return get_x(${image} * P.x0 + ${channel} * P.x1 + ${along(rank, "x", (d) => `y${d}`)});
  `;
}

const SETUP = wgsl`
  let pa = batch;
  let pb = batch;
  let po = batch;`;

function conv(limits: GpuLimits, x: Operand, w: Operand, o: Operand, g: Geometry): GpuDispatch | null {
  const rank = g.kernelSize.length;
  return gemm(limits, {
    op: "conv",
    key: `${rank}d`,
    m: g.images * count(g.outputSize),
    n: g.outside,
    k: g.inside * count(g.kernelSize),
    batch: g.groups,
    type: "f32",
    along: { a: "m", b: "k" },
    output: o,
    mayPart: false,
    bind: (draft, into) => bindAll(draft, g, { x, w, o }, into),
    setup: SETUP,
    loadA: wgsl`
      ${unpack(rank, "m", "out", "o")}
      ${unpack(rank, "k", "tap", "t")}
      ${readInput(rank, "o", "(pa * P.inside + t)")}`,
    loadB: wgsl`
      ${unpack(rank, "k", "tap", "t")}
      return get_w((pb * P.outside + n) * P.w0 + t * P.w1 + ${along(rank, "w", (d) => `t${d}`)});`,
    store: wgsl`
      ${unpack(rank, "m", "out", "o")}
      put_o(o * P.o0 + (po * P.outside + n) * P.o1 + ${along(rank, "o", (d) => `o${d}`)}, v);`,
  });
}

function inputGrad(
  limits: GpuLimits,
  g: Operand,
  w: Operand,
  o: Operand,
  sizes: Geometry,
): GpuDispatch | null {
  const rank = sizes.kernelSize.length;
  const dims = Array.from({ length: rank }, (_, d) => d);
  return gemm(limits, {
    op: "convInputGrad",
    key: `${rank}d`,
    m: sizes.images * count(sizes.inputSize),
    n: sizes.inside,
    k: sizes.outside * count(sizes.kernelSize),
    batch: sizes.groups,
    type: "f32",
    along: { a: "m", b: "k" },
    output: o,
    mayPart: false,
    bind: (draft, into) => bindAll(draft, sizes, { g, w, o }, into),
    setup: SETUP,
    // The windows that reach an input place by a tap start at (place + padding − tap · dilation) / stride.
    loadA: wgsl`
      ${unpack(rank, "m", "in", "i")}
      ${unpack(rank, "k", "tap", "t")}
      ${dims.map((d) => `let y${d} = i${d} + P.pad${d} - t${d} * P.dil${d};`)}
      if (${
      dims.map((d) => `bitcast<i32>(y${d}) < 0 || y${d} % P.step${d} != 0u`).join(" || ")
    }) { return 0.0; }
      ${dims.map((d) => `let z${d} = y${d} / P.step${d};`)}
      if (${dims.map((d) => `z${d} >= P.out${d}`).join(" || ")}) { return 0.0; }
      return get_g(i * P.g0 + (pa * P.outside + t) * P.g1 + ${along(rank, "g", (d) => `z${d}`)});`,
    loadB: wgsl`
      ${unpack(rank, "k", "tap", "t")}
      return get_w((pb * P.outside + t) * P.w0 + n * P.w1 + ${along(rank, "w", (d) => `t${d}`)});`,
    store: wgsl`
      ${unpack(rank, "m", "in", "i")}
      put_o(i * P.o0 + (po * P.inside + n) * P.o1 + ${along(rank, "o", (d) => `i${d}`)}, v);`,
  });
}

function weightGrad(
  limits: GpuLimits,
  g: Operand,
  x: Operand,
  o: Operand,
  sizes: Geometry,
): GpuDispatch | null {
  const rank = sizes.kernelSize.length;
  return gemm(limits, {
    op: "convWeightGrad",
    key: `${rank}d`,
    m: sizes.outside,
    n: sizes.inside * count(sizes.kernelSize),
    k: sizes.images * count(sizes.outputSize),
    batch: sizes.groups,
    type: "f32",
    along: { a: "k", b: "k" },
    output: o,
    mayPart: true,
    bind: (draft, into) => bindAll(draft, sizes, { g, x, o }, into),
    setup: SETUP,
    loadA: wgsl`
      ${unpack(rank, "k", "out", "o")}
      return get_g(o * P.g0 + (pa * P.outside + m) * P.g1 + ${along(rank, "g", (d) => `o${d}`)});`,
    loadB: wgsl`
      ${unpack(rank, "k", "out", "o")}
      ${unpack(rank, "n", "tap", "t")}
      ${readInput(rank, "o", "(pb * P.inside + t)")}`,
    store: wgsl`
      ${unpack(rank, "n", "tap", "t")}
      put_o((po * P.outside + m) * P.o0 + t * P.o1 + ${along(rank, "o", (d) => `t${d}`)}, v);`,
  });
}

/** The convolutions. */
export function convKernels(limits: GpuLimits): Pick<Required<KernelTable<GpuDispatch>>, ConvName> {
  return {
    conv: ([x, w], o, attrs) =>
      isInPlace([o], [x, w]) ? null : conv(limits, x, w, o, {
        images: x.shape[0]!,
        groups: attrs.groups,
        inside: w.shape[1]!,
        outside: w.shape[0]! / attrs.groups,
        inputSize: x.shape.slice(2),
        outputSize: o.shape.slice(2),
        kernelSize: w.shape.slice(2),
        attrs,
      }),
    convInputGrad: ([g, w], o, attrs) =>
      isInPlace([o], [g, w]) ? null : inputGrad(limits, g, w, o, {
        images: g.shape[0]!,
        groups: attrs.groups,
        inside: w.shape[1]!,
        outside: w.shape[0]! / attrs.groups,
        inputSize: attrs.inputSize,
        outputSize: g.shape.slice(2),
        kernelSize: w.shape.slice(2),
        attrs,
      }),
    convWeightGrad: ([g, x], o, attrs) =>
      isInPlace([o], [g, x]) ? null : weightGrad(limits, g, x, o, {
        images: g.shape[0]!,
        groups: attrs.groups,
        inside: o.shape[1]!,
        outside: o.shape[0]! / attrs.groups,
        inputSize: x.shape.slice(2),
        outputSize: g.shape.slice(2),
        kernelSize: attrs.kernelSize,
        attrs,
      }),
  };
}
