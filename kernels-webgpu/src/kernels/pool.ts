/**
 * Pooling over windows: one invocation per element of the result.
 *
 * @module
 */

import type { KernelTable, Operand, PoolAttrs, Shape } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOver, WORKGROUP } from "../draft.ts";
import { count, isInPlace } from "../geometry.ts";
import { inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { written } from "./gemm.ts";

type PoolName = "maxPool" | "maxPoolValues" | "maxPoolBackward" | "avgPool" | "avgPoolBackward";

const dimsOf = (rank: number): number[] => Array.from({ length: rank }, (_, d) => d);

/** Takes `i` apart into image, channel and place: `let image`, `let channel`, `let o0` … of sizes `P.<size>0` … */
function unpack(rank: number, size: string, to: string): string {
  const lines: string[] = [];
  let rest = "i";
  for (let d = rank - 1; d >= 0; d--) {
    lines.push(`let ${to}${d} = ${rest} % P.${size}${d};`);
    lines.push(`let ${to}r${d} = ${rest} / P.${size}${d};`);
    rest = `${to}r${d}`;
  }
  lines.push(`let channel = ${rest} % P.channels;`, `let image = ${rest} / P.channels;`);
  return lines.join("\n");
}

function place(rank: number, name: string, index: (d: number) => string): string {
  const along = dimsOf(rank).map((d) => `${index(d)} * P.${name}${d + 2}`).join(" + ");
  return `image * P.${name}0 + channel * P.${name}1 + ${along}`;
}

/** The row-major number of the place `y0`, `y1` … of the input. */
function numberOf(rank: number): string {
  return dimsOf(rank).reduce((sum, d) => d === 0 ? "y0" : `(${sum}) * P.in${d} + y${d}`, "");
}

/** Nested loops over the taps of a window: `t0`, `t1` … */
function overTaps(rank: number, body: string): string {
  return dimsOf(rank).reverse().reduce(
    (inner, d) =>
      wgsl`
      for (var t${d} = 0u; t${d} < P.taps${d}; t${d}++) {
        ${inner}
      }`,
    body,
  );
}

function draftOf(
  limits: GpuLimits,
  op: PoolName,
  n: number,
  channels: number,
  inputSize: Shape,
  outputSize: Shape,
  attrs: PoolAttrs,
): Draft {
  return new Draft(op, limits).u32("n", n).u32("channels", channels).list("in", inputSize).list(
    "out",
    outputSize,
  )
    .list("taps", attrs.kernelSize).list("step", attrs.stride).list("pad", attrs.padding).list(
      "dil",
      attrs.dilation,
    );
}

function bind(draft: Draft, name: string, x: Operand, isOutput: boolean): void {
  draft.bind(name, x, { as: isOutput ? written(x) : "read" }).list(name, x.strides);
}

/** Largest values, with their places where `indices` are given. */
function maxPool(
  limits: GpuLimits,
  x: Operand,
  values: Operand,
  indices: Operand | null,
  attrs: PoolAttrs,
): GpuDispatch | null {
  const rank = attrs.kernelSize.length;
  const n = count(values.shape);
  const op = indices === null ? "maxPoolValues" : "maxPool";
  const draft = draftOf(limits, op, n, x.shape[1]!, x.shape.slice(2), values.shape.slice(2), attrs);
  bind(draft, "x", x, false);
  bind(draft, "v", values, true);
  if (indices !== null) bind(draft, "p", indices, true);
  return draft.step(`${rank}d`, grid(Math.ceil(n / WORKGROUP)), () =>
    mainOver(wgsl`
      ${unpack(rank, "out", "o")}
      var best = -m_inf();
      ${indices === null ? "" : "var at = 0u;"}
      var found = false;
      ${
      overTaps(
        rank,
        wgsl`
          ${dimsOf(rank).map((d) => `let y${d} = o${d} * P.step${d} + t${d} * P.dil${d} - P.pad${d};`)}
          if (${dimsOf(rank).map((d) => `y${d} < P.in${d}`).join(" && ")}) {
            let value = get_x(${place(rank, "x", (d) => `y${d}`)});
            if (!found || m_lt(best, value) || (m_isnan(value) && !m_isnan(best))) {
              best = value;
              ${indices === null ? "" : `at = ${numberOf(rank)};`}
              found = true;
            }
          }`,
      )
    }
      put_v(${place(rank, "v", (d) => `o${d}`)}, best);
      ${indices === null ? "" : `put_p(${place(rank, "p", (d) => `o${d}`)}, bitcast<i32>(at));`}
    `));
}

/**
 * Each place of the input adds up the gradients of the windows that chose it, always in the same order. Of the windows that
 * reach it, the first starts after place + padding − dilation · (taps − 1), and the last at place + padding, or before.
 */
function maxPoolBackward(
  limits: GpuLimits,
  g: Operand,
  indices: Operand,
  o: Operand,
  attrs: PoolAttrs & { readonly inputSize: Shape },
): GpuDispatch | null {
  const rank = attrs.kernelSize.length;
  const n = count(o.shape);
  const draft = draftOf(limits, "maxPoolBackward", n, g.shape[1]!, attrs.inputSize, g.shape.slice(2), attrs);
  bind(draft, "g", g, false);
  bind(draft, "p", indices, false);
  bind(draft, "o", o, true);
  const chosen = wgsl`
    if (get_p(${place(rank, "p", (d) => `o${d}`)}) == at) { total += get_g(${
    place(rank, "g", (d) => `o${d}`)
  }); }`;
  return draft.step(`${rank}d`, grid(Math.ceil(n / WORKGROUP)), () =>
    mainOver(wgsl`
      ${unpack(rank, "in", "y")}
      ${
      dimsOf(rank).map((d) =>
        wgsl`
          let e${d} = y${d} + P.pad${d};
          let before${d} = (P.taps${d} - 1u) * P.dil${d};
          let first${d} = (max(e${d}, before${d}) - before${d} + P.step${d} - 1u) / P.step${d};
          let end${d} = min(e${d} / P.step${d} + 1u, P.out${d});`
      )
    }
      let at = bitcast<i32>(${numberOf(rank)});
      var total = 0.0;
      ${
      dimsOf(rank).reverse().reduce(
        (inner, d) =>
          wgsl`
          for (var o${d} = first${d}; o${d} < end${d}; o${d}++) {
            ${inner}
          }`,
        chosen,
      )
    }
      put_o(${place(rank, "o", (d) => `y${d}`)}, total);
    `));
}

type AvgAttrs = PoolAttrs & { readonly countIncludePad: boolean; readonly divisor: number | null };

/** `let share = …;`: what a window at `o0`, `o1` … divides by. */
function divisorText(rank: number, { countIncludePad, divisor }: AvgAttrs): string {
  if (divisor !== null) return "let share = P.divisor;";
  const factors = dimsOf(rank).map((d) => {
    const start = `o${d} * P.step${d}`; // counted in the padded input
    return countIncludePad
      ? `(min(${start} + P.taps${d}, P.in${d} + 2u * P.pad${d}) - ${start})`
      : `(min(${start} + P.taps${d}, P.in${d} + P.pad${d}) - max(${start}, P.pad${d}))`;
  });
  return `let share = f32(${factors.join(" * ")});`;
}

function avgPool(limits: GpuLimits, x: Operand, o: Operand, attrs: AvgAttrs): GpuDispatch | null {
  const rank = attrs.kernelSize.length;
  const n = count(o.shape);
  const draft = draftOf(limits, "avgPool", n, x.shape[1]!, x.shape.slice(2), o.shape.slice(2), attrs);
  bind(draft, "x", x, false);
  bind(draft, "o", o, true);
  if (attrs.divisor !== null) draft.f32("divisor", attrs.divisor);
  const key = `${rank}d|${attrs.divisor !== null}|${attrs.countIncludePad}`;
  return draft.step(key, grid(Math.ceil(n / WORKGROUP)), () =>
    mainOver(wgsl`
      ${unpack(rank, "out", "o")}
      var total = 0.0;
      ${
      overTaps(
        rank,
        wgsl`
          ${dimsOf(rank).map((d) => `let y${d} = o${d} * P.step${d} + t${d} - P.pad${d};`)}
          if (${dimsOf(rank).map((d) => `y${d} < P.in${d}`).join(" && ")}) {
            total += get_x(${place(rank, "x", (d) => `y${d}`)});
          }`,
      )
    }
      ${divisorText(rank, attrs)}
      put_o(${place(rank, "o", (d) => `o${d}`)}, total / share);
    `));
}

/** Each place of the input adds up what its windows give it. */
function avgPoolBackward(
  limits: GpuLimits,
  g: Operand,
  o: Operand,
  attrs: AvgAttrs & { readonly inputSize: Shape },
): GpuDispatch | null {
  const rank = attrs.kernelSize.length;
  const n = count(o.shape);
  const draft = draftOf(limits, "avgPoolBackward", n, g.shape[1]!, attrs.inputSize, g.shape.slice(2), attrs);
  bind(draft, "g", g, false);
  bind(draft, "o", o, true);
  if (attrs.divisor !== null) draft.f32("divisor", attrs.divisor);
  const key = `${rank}d|${attrs.divisor !== null}|${attrs.countIncludePad}`;
  return draft.step(key, grid(Math.ceil(n / WORKGROUP)), () =>
    mainOver(wgsl`
      ${unpack(rank, "in", "y")}
      var total = 0.0;
      ${
      overTaps(
        rank,
        wgsl`
          ${dimsOf(rank).map((d) => `let s${d} = y${d} + P.pad${d} - t${d};`)}
          ${dimsOf(rank).map((d) => `let o${d} = s${d} / P.step${d};`)}
          if (${
          dimsOf(rank).map((d) => `bitcast<i32>(s${d}) >= 0 && s${d} % P.step${d} == 0u && o${d} < P.out${d}`)
            .join(" && ")
        }) {
            ${divisorText(rank, attrs)}
            total += get_g(${place(rank, "g", (d) => `o${d}`)}) / share;
          }`,
      )
    }
      put_o(${place(rank, "o", (d) => `y${d}`)}, total);
    `));
}

/** The dimensions of images and channels, which do not see one another. */
const IMAGES = [0, 1];

/** The kernels of pooling. */
export function poolKernels(limits: GpuLimits): Pick<Required<KernelTable<GpuDispatch>>, PoolName> {
  return {
    maxPool: ([x], [values, indices], attrs) =>
      isInPlace([values, indices], [x]) ? null : inParts(
        limits,
        [x, values, indices],
        IMAGES,
        ([x, values, indices]) => maxPool(limits, x!, values!, indices!, attrs),
      ),
    maxPoolValues: ([x], o, attrs) =>
      isInPlace([o], [x])
        ? null
        : inParts(limits, [x, o], IMAGES, ([x, o]) => maxPool(limits, x!, o!, null, attrs)),
    maxPoolBackward: ([g, indices], o, attrs) =>
      !("kernelSize" in attrs) || isInPlace([o], [g, indices]) ? null : inParts(
        limits,
        [g, indices, o],
        IMAGES,
        ([g, indices, o]) => maxPoolBackward(limits, g!, indices!, o!, attrs),
      ),
    avgPool: ([x], o, attrs) =>
      isInPlace([o], [x])
        ? null
        : inParts(limits, [x, o], IMAGES, ([x, o]) => avgPool(limits, x!, o!, attrs)),
    avgPoolBackward: ([g], o, attrs) =>
      isInPlace([o], [g])
        ? null
        : inParts(limits, [g, o], IMAGES, ([g, o]) => avgPoolBackward(limits, g!, o!, attrs)),
  };
}
