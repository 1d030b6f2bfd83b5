/**
 * Kernels of whole rows: softmax and its gradients, layer normalization and its gradients. A workgroup does a long row or
 * several short ones.
 *
 * @module
 */

import type { KernelTable, Operand, Shape } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { count, isDense, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { allBut, inOrder, inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { written } from "./gemm.ts";
import { sumOfParts } from "./reduce.ts";

type RowName =
  | "softmax"
  | "logSoftmax"
  | "softmaxBackward"
  | "logSoftmaxBackward"
  | "layerNorm"
  | "layerNormBackward";

/** How the invocations of a workgroup share rows. */
export interface Team {
  /** Invocations of a row. */
  readonly lanes: number;
  /** Rows of a workgroup. */
  readonly rows: number;
  /** True when neighbours in memory are the same element of different rows: neighbouring invocations then take these. */
  readonly side: boolean;
}

/** Four elements or more for each invocation; at least 32 rows side by side where these lie side by side. */
export function teamFor(length: number, side = false): Team {
  const lanes = Math.min(side ? 8 : WORKGROUP, Math.max(8, 2 ** Math.ceil(Math.log2(length / 4))));
  return { lanes, rows: WORKGROUP / lanes, side };
}

/** The team for rows of `x` along `dim`. */
export function teamAlong({ shape, strides }: Operand, dim: number): Team {
  const length = shape[dim]!;
  const side = strides[dim] !== 1 && count(shape) / length >= 32 &&
    strides.some((step, d) => d !== dim && step === 1 && shape[d]! >= 8);
  return teamFor(length, side);
}

/** `row`: the row of an invocation; `mine`: its number in that row; `live`: false beyond the last row. */
export function teamText({ lanes, rows, side }: Team): string {
  return wgsl`
    if (group * ${rows}u >= P.rows) { return; }
    let mine = ${side ? `lane / ${rows}u` : `lane % ${lanes}u`};
    let row_number = group * ${rows}u + ${side ? `lane % ${rows}u` : `lane / ${lanes}u`};
    let live = row_number < P.rows;
    let row = min(row_number, P.rows - 1u);
  `;
}

/** `fold_sum(lane, v)` and `fold_max(lane, v)`: over the invocations of a row, the result for all of them. */
export function folds({ lanes, rows, side }: Team, names: readonly ("sum" | "max")[]): string {
  const step = side ? rows : 1;
  return wgsl`
    var<workgroup> shared_fold: array<f32, ${WORKGROUP}>;

    ${
    names.map((name) =>
      wgsl`
        fn fold_${name}(lane: u32, v: f32) -> f32 {
          let mine = ${side ? `lane / ${rows}u` : `lane % ${lanes}u`};
          workgroupBarrier();
          shared_fold[lane] = v;
          for (var step = ${lanes / 2}u; step > 0u; step >>= 1u) {
            workgroupBarrier();
            if (mine < step) {
              let other = shared_fold[lane + step * ${step}u];
              shared_fold[lane] = ${
        name === "sum" ? "shared_fold[lane] + other" : "m_max(shared_fold[lane], other)"
      };
            }
          }
          workgroupBarrier();
          return shared_fold[lane - mine * ${step}u];
        }`
    )
  }`;
}

/** Operands whose rows run along `dim`, with the loops over all rows. */
function alongRows(
  draft: Draft,
  names: readonly string[],
  operands: readonly Operand[],
  outputs: number,
  dim: number,
): number {
  const shape = operands[0]!.shape;
  const others = shape.map((_, d) => d).filter((d) => d !== dim);
  const loops = melt(others.map((d) => shape[d]!), operands.map((x) => others.map((d) => x.strides[d]!)));
  draft.u32("rows", count(loops.sizes)).u32("length", shape[dim]!);
  operands.forEach((x, q) => {
    draft.bind(names[q]!, x, { as: q < operands.length - outputs ? "read" : written(x) });
    draft.u32(`${names[q]}_step`, x.strides[dim]!);
  });
  loopUniforms(draft, "", names, loops);
  return loops.sizes.length;
}

/** A kernel over rows along a dimension. Reads of an element come before its write, so it may run in place. */
function rowKernel(
  limits: GpuLimits,
  op: RowName,
  names: readonly string[],
  operands: readonly Operand[],
  dim: number,
  fold: readonly ("sum" | "max")[],
  body: (team: Team) => string,
): GpuDispatch | null {
  return inParts(
    limits,
    operands,
    allBut(operands[0]!, dim),
    (parts) => rowStep(limits, op, names, parts, dim, fold, body),
  );
}

function rowStep(
  limits: GpuLimits,
  op: RowName,
  names: readonly string[],
  operands: readonly Operand[],
  dim: number,
  fold: readonly ("sum" | "max")[],
  body: (team: Team) => string,
): GpuDispatch | null {
  const team = teamAlong(operands[0]!, dim);
  const rows = count(operands[0]!.shape) / operands[0]!.shape[dim]!;
  const draft = new Draft(op, limits);
  const rank = alongRows(draft, names, operands, 1, dim);
  return draft.step(
    `${team.lanes}|${team.side ? "side" : "along"}|${rank}`,
    grid(Math.ceil(rows / team.rows)),
    () =>
      wgsl`
      ${folds(team, fold)}

      ${
        mainOf(
          WORKGROUP,
          wgsl`
          ${teamText(team)}
          ${placesText(rank, "", names, "row")}
          ${body(team)}
        `,
        )
      }
    `,
  );
}

/** A loop of the invocations over a row. */
export function each({ lanes }: Team, body: string): string {
  return wgsl`
    for (var i = mine; i < P.length; i += ${lanes}u) {
      ${body}
    }`;
}

/** As {@linkcode each}, where the body writes. */
export function eachLive(team: Team, body: string): string {
  return wgsl`
    if (live) {
      ${each(team, body)}
    }`;
}

function softmax(limits: GpuLimits, x: Operand, o: Operand, dim: number, log: boolean): GpuDispatch | null {
  const get = "get_x(p_x + i * P.x_step)";
  return rowKernel(
    limits,
    log ? "logSoftmax" : "softmax",
    ["x", "o"],
    [x, o],
    dim,
    ["sum", "max"],
    (team) =>
      wgsl`
    var most = -m_inf();
    ${each(team, `most = m_max(most, ${get});`)}
    most = fold_max(lane, most);
    var total = 0.0;
    ${each(team, `total += m_exp(${get} - most);`)}
    total = fold_sum(lane, total);
    ${log ? "let shift = m_log(total);" : "let scale = 1.0 / total;"}
    ${
        eachLive(
          team,
          log
            ? `put_o(p_o + i * P.o_step, (${get} - most) - shift);`
            : `put_o(p_o + i * P.o_step, m_exp(${get} - most) * scale);`,
        )
      }`,
  );
}

function softmaxBackward(
  limits: GpuLimits,
  g: Operand,
  y: Operand,
  o: Operand,
  dim: number,
  log: boolean,
): GpuDispatch | null {
  const [get, out] = ["get_g(p_g + i * P.g_step)", "get_y(p_y + i * P.y_step)"];
  return rowKernel(
    limits,
    log ? "logSoftmaxBackward" : "softmaxBackward",
    ["g", "y", "o"],
    [g, y, o],
    dim,
    ["sum"],
    (team) =>
      wgsl`
    var total = 0.0;
    ${each(team, `total += ${get}${log ? "" : ` * ${out}`};`)}
    total = fold_sum(lane, total);
    ${
        eachLive(
          team,
          log
            ? `put_o(p_o + i * P.o_step, ${get} - m_exp(${out}) * total);`
            : `put_o(p_o + i * P.o_step, ${out} * (${get} - total));`,
        )
      }`,
  );
}

/** Dimensions of x that are not normalized: along them its rows can be cut from one another. */
function leading(x: Operand, weight: Operand): number[] {
  return x.shape.slice(0, x.shape.length - weight.shape.length).map((_, d) => d);
}

function layerNorm(
  limits: GpuLimits,
  [x, weight, bias]: readonly [Operand, Operand, Operand],
  [y, mean, rstd]: readonly [Operand, Operand, Operand],
  eps: number,
): GpuDispatch | null {
  if (![x, weight, bias, y, mean, rstd].every(isDense)) return null;
  return inRows(
    limits,
    [x, y, mean, rstd],
    weight,
    ([x, y, mean, rstd]) => layerNormStep(limits, [x!, weight, bias], [y!, mean!, rstd!], eps),
  );
}

/** A step on dense operands of the same rows, in parts; the first has rows as long as `weight`. */
function inRows(
  limits: GpuLimits,
  operands: readonly Operand[],
  weight: Operand,
  make: (operands: readonly Operand[]) => GpuDispatch | null,
): GpuDispatch | null {
  const [x] = operands;
  const length = count(weight.shape);
  const rows = count(leading(x!, weight).map((d) => x!.shape[d]!));
  const flat = operands.map(({ buffer, dtype, offset, shape }): Operand => {
    const width = count(shape) / rows;
    return { buffer, dtype, offset, shape: [rows, width], strides: [width, 1] };
  });
  return length === 0 || rows === 0 ? make(operands) : inParts(limits, flat, [0], make);
}

function layerNormStep(
  limits: GpuLimits,
  [x, weight, bias]: readonly [Operand, Operand, Operand],
  [y, mean, rstd]: readonly [Operand, Operand, Operand],
  eps: number,
): GpuDispatch | null {
  const all = [x, weight, bias, y, mean, rstd];
  const length = count(weight.shape);
  const rows = count(x.shape) / length;
  const team = teamFor(length);
  const draft = new Draft("layerNorm", limits).u32("rows", rows).u32("length", length).f32("eps", eps)
    .f32("inverse", 1 / length);
  for (const [i, name] of ["x", "w", "b"].entries()) draft.bind(name, all[i]!, { as: "read" });
  for (const [i, name] of ["y", "mean", "rstd"].entries()) {
    draft.bind(name, all[i + 3]!, { as: written(all[i + 3]!) });
  }
  const get = "get_x(start + i)";
  return draft.step(`${team.lanes}`, grid(Math.ceil(rows / team.rows)), () =>
    wgsl`
      ${folds(team, ["sum"])}

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          ${teamText(team)}
          let start = row * P.length;
          var total = 0.0;
          ${each(team, `total += ${get};`)}
          let mean = fold_sum(lane, total) * P.inverse;
          var squares = 0.0;
          ${
          each(
            team,
            wgsl`
            let d = ${get} - mean;
            squares += d * d;`,
          )
        }
          let rstd = 1.0 / sqrt(fold_sum(lane, squares) * P.inverse + P.eps);
          ${eachLive(team, `put_y(start + i, (${get} - mean) * rstd * get_w(i) + get_b(i));`)}
          if (live && mine == 0u) {
            put_mean(row, mean);
            put_rstd(row, rstd);
          }
        `,
      )
    }
    `);
}

/** Rows of which one invocation adds the gradients of weight and bias, before these sums are added. */
const ROWS_OF_A_PART = 64;

function layerNormBackward(
  limits: GpuLimits,
  [g, x, weight, mean, rstd]: readonly [Operand, Operand, Operand, Operand, Operand],
  [gx, gweight, gbias]: readonly [Operand, Operand, Operand],
): GpuDispatch | null {
  const inputs = [g, x, weight, mean, rstd];
  if (![...inputs, gx, gweight, gbias].every(isDense) || isInPlace([gweight, gbias], inputs)) return null;
  const length = count(weight.shape);
  const rows = count(x.shape) / length;
  const first = inRows(
    limits,
    [x, g, mean, rstd, gx],
    weight,
    ([x, g, mean, rstd, gx]) => slopeStep(limits, [g!, x!, weight, mean!, rstd!], gx!),
  );
  const parts = Math.ceil(rows / ROWS_OF_A_PART);
  const scratch = [new Scratch(parts * length * 4), new Scratch(parts * length * 4)] as const;
  const shape: Shape = [parts, ...weight.shape];
  const strides = shape.map((_, d) => count(shape.slice(d + 1)));
  const [partWeight, partBias] = scratch.map((buffer): Operand => ({
    buffer,
    dtype: mean.dtype,
    shape,
    strides,
    offset: 0,
  }));
  // Cut where the rows of a part end: one part of the operands makes whole rows of the partial sums.
  const bytes = 4 * length * ROWS_OF_A_PART;
  const most = Math.max(1, Math.floor((limits.maxBindingBytes / 2 - 1024) / bytes)); // x and g may share a buffer
  const cuts = Array.from({ length: Math.ceil(parts / most) }, (_, i) => i * most);
  const second = inOrder(cuts.map((cut) => {
    const [from, to] = [cut * ROWS_OF_A_PART, Math.min(rows, (cut + most) * ROWS_OF_A_PART)];
    const rowsOf = (operand: Operand): Operand => {
      const width = count(operand.shape) / rows;
      const { buffer, dtype, offset } = operand;
      return { buffer, dtype, offset: offset + from * width, shape: [to - from, width], strides: [width, 1] };
    };
    const made = [partWeight!, partBias!].map((operand) => ({
      ...operand,
      offset: cut * length,
      shape: [Math.min(parts, cut + most) - cut, length],
    }));
    return sumsStep(limits, [g, x, mean, rstd].map(rowsOf), made, length);
  }));
  const third = sumOfParts(limits, partWeight!, gweight);
  const fourth = sumOfParts(limits, partBias!, gbias);
  if (first === null || second === null || third === null || fourth === null) return null;
  return new Sequence([second, third, fourth, first], scratch); // gx last: it may lie over g or x
}

function slopeStep(
  limits: GpuLimits,
  inputs: readonly [Operand, Operand, Operand, Operand, Operand],
  gx: Operand,
): GpuDispatch | null {
  const length = count(inputs[2].shape);
  const rows = count(inputs[1].shape) / length;
  const team = teamFor(length);
  const names = ["g", "x", "w", "mean", "rstd"];
  const draft = new Draft("layerNormBackward", limits).u32("rows", rows).u32("length", length)
    .f32("inverse", 1 / length);
  names.forEach((name, i) => draft.bind(name, inputs[i]!, { as: "read" }));
  draft.bind("o", gx, { as: written(gx) });
  return draft.step(`x|${team.lanes}`, grid(Math.ceil(rows / team.rows)), () =>
    wgsl`
      ${folds(team, ["sum"])}

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          ${teamText(team)}
          let start = row * P.length;
          let mean = get_mean(row);
          let rstd = get_rstd(row);
          var plain = 0.0;
          var scaled = 0.0;
          ${
          each(
            team,
            wgsl`
            let d = get_g(start + i) * get_w(i);
            plain += d;
            scaled += d * (get_x(start + i) - mean) * rstd;`,
          )
        }
          plain = fold_sum(lane, plain) * P.inverse;
          scaled = fold_sum(lane, scaled) * P.inverse;
          ${
          eachLive(
            team,
            wgsl`
            let h = (get_x(start + i) - mean) * rstd;
            put_o(start + i, rstd * (get_g(start + i) * get_w(i) - plain - h * scaled));`,
          )
        }
        `,
      )
    }
    `);
}

/** Sums over so many rows a part: of g times the normalized x, and of g. */
function sumsStep(
  limits: GpuLimits,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  length: number,
): GpuDispatch | null {
  const rows = inputs[0]!.shape[0]!;
  const n = outputs[0]!.shape[0]! * length;
  const sums = new Draft("layerNormBackward", limits).u32("n", n).u32("rows", rows).u32("length", length);
  ["g", "x", "mean", "rstd"].forEach((name, i) => sums.bind(name, inputs[i]!, { as: "read" }));
  ["a", "b"].forEach((name, i) => sums.bind(name, outputs[i]!, { as: "write" }));
  return sums.step("w", grid(Math.ceil(n / WORKGROUP)), () =>
    mainOf(
      WORKGROUP,
      wgsl`
        let i = group * ${WORKGROUP}u + lane;
        if (i >= P.n) { return; }
        let column = i % P.length;
        let first = i / P.length * ${ROWS_OF_A_PART}u;
        let last = min(P.rows, first + ${ROWS_OF_A_PART}u);
        var a = 0.0;
        var b = 0.0;
        for (var row = first; row < last; row++) {
          let d = get_g(row * P.length + column);
          a += d * (get_x(row * P.length + column) - get_mean(row)) * get_rstd(row);
          b += d;
        }
        put_a(i, a);
        put_b(i, b);
      `,
    ));
}

/** The kernels of rows. They compute in float32; halves go through their decompositions. */
export function rowKernels(limits: GpuLimits): Pick<Required<KernelTable<GpuDispatch>>, RowName> {
  const wide = (x: Operand): boolean => x.dtype.itemsize === 4;
  return {
    softmax: ([x], o, { dim }) => wide(x) ? softmax(limits, x, o, dim, false) : null,
    logSoftmax: ([x], o, { dim }) => wide(x) ? softmax(limits, x, o, dim, true) : null,
    softmaxBackward: ([g, y], o, { dim }) => wide(g) ? softmaxBackward(limits, g, y, o, dim, false) : null,
    logSoftmaxBackward: ([g, y], o, { dim }) => wide(g) ? softmaxBackward(limits, g, y, o, dim, true) : null,
    layerNorm: (inputs, outputs, { eps }) => wide(inputs[0]) ? layerNorm(limits, inputs, outputs, eps) : null,
    layerNormBackward: (inputs, outputs) =>
      wide(inputs[0]) ? layerNormBackward(limits, inputs, outputs) : null,
  };
}
