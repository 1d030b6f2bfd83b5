/**
 * Kernels of whole rows: softmax and its gradients, layer normalization and its gradients. A workgroup does a row.
 *
 * @module
 */

import type { KernelTable, Operand, Shape } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { count, isDense, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
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

/** Invocations of a row: fewer for short ones. */
function lanesFor(length: number): number {
  return length <= 32 ? 32 : length <= 64 ? 64 : length <= 128 ? 128 : WORKGROUP;
}

/** `fold_sum(lane, v)` and `fold_max(lane, v)`: over the workgroup, the result for all. */
function folds(lanes: number, names: readonly ("sum" | "max")[]): string {
  return wgsl`
    var<workgroup> shared_fold: array<f32, ${lanes}>;

    ${
    names.map((name) =>
      wgsl`
        fn fold_${name}(lane: u32, v: f32) -> f32 {
          workgroupBarrier();
          shared_fold[lane] = v;
          for (var step = ${lanes / 2}u; step > 0u; step >>= 1u) {
            workgroupBarrier();
            if (lane < step) {
              let other = shared_fold[lane + step];
              shared_fold[lane] = ${
        name === "sum" ? "shared_fold[lane] + other" : "m_max(shared_fold[lane], other)"
      };
            }
          }
          workgroupBarrier();
          return shared_fold[0];
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
  body: string,
): GpuDispatch | null {
  const lanes = lanesFor(operands[0]!.shape[dim]!);
  const draft = new Draft(op, limits);
  const rank = alongRows(draft, names, operands, 1, dim);
  const rows = count(operands[0]!.shape) / operands[0]!.shape[dim]!;
  return draft.step(`${lanes}|${rank}`, grid(rows), () =>
    wgsl`
      ${folds(lanes, fold)}

      ${
      mainOf(
        lanes,
        wgsl`
          if (group >= P.rows) { return; }
          ${placesText(rank, "", names, "group")}
          ${body}
        `,
      )
    }
    `);
}

/** A loop of the invocations over a row. */
function each(lanes: string, body: string): string {
  return wgsl`
    for (var i = lane; i < P.length; i += ${lanes}u) {
      ${body}
    }`;
}

function softmax(limits: GpuLimits, x: Operand, o: Operand, dim: number, log: boolean): GpuDispatch | null {
  const lanes = String(lanesFor(x.shape[dim]!));
  const get = "get_x(p_x + i * P.x_step)";
  return rowKernel(
    limits,
    log ? "logSoftmax" : "softmax",
    ["x", "o"],
    [x, o],
    dim,
    ["sum", "max"],
    wgsl`
    var most = -m_inf();
    ${each(lanes, `most = m_max(most, ${get});`)}
    most = fold_max(lane, most);
    var total = 0.0;
    ${each(lanes, `total += m_exp(${get} - most);`)}
    total = fold_sum(lane, total);
    ${log ? "let shift = m_log(total);" : "let scale = 1.0 / total;"}
    ${
      each(
        lanes,
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
  const lanes = String(lanesFor(g.shape[dim]!));
  const [get, out] = ["get_g(p_g + i * P.g_step)", "get_y(p_y + i * P.y_step)"];
  return rowKernel(
    limits,
    log ? "logSoftmaxBackward" : "softmaxBackward",
    ["g", "y", "o"],
    [g, y, o],
    dim,
    ["sum"],
    wgsl`
    var total = 0.0;
    ${each(lanes, `total += ${get}${log ? "" : ` * ${out}`};`)}
    total = fold_sum(lane, total);
    ${
      each(
        lanes,
        log
          ? `put_o(p_o + i * P.o_step, ${get} - m_exp(${out}) * total);`
          : `put_o(p_o + i * P.o_step, ${out} * (${get} - total));`,
      )
    }`,
  );
}

function layerNorm(
  limits: GpuLimits,
  [x, weight, bias]: readonly [Operand, Operand, Operand],
  [y, mean, rstd]: readonly [Operand, Operand, Operand],
  eps: number,
): GpuDispatch | null {
  const all = [x, weight, bias, y, mean, rstd];
  if (!all.every(isDense)) return null;
  const length = count(weight.shape);
  const rows = count(x.shape) / length;
  const lanes = lanesFor(length);
  const draft = new Draft("layerNorm", limits).u32("rows", rows).u32("length", length).f32("eps", eps)
    .f32("inverse", 1 / length);
  for (const [i, name] of ["x", "w", "b"].entries()) draft.bind(name, all[i]!, { as: "read" });
  for (const [i, name] of ["y", "mean", "rstd"].entries()) {
    draft.bind(name, all[i + 3]!, { as: written(all[i + 3]!) });
  }
  const get = "get_x(start + i)";
  return draft.step(`${lanes}`, grid(rows), () =>
    wgsl`
      ${folds(lanes, ["sum"])}

      ${
      mainOf(
        lanes,
        wgsl`
          if (group >= P.rows) { return; }
          let start = group * P.length;
          var total = 0.0;
          ${each(String(lanes), `total += ${get};`)}
          let mean = fold_sum(lane, total) * P.inverse;
          var squares = 0.0;
          ${
          each(
            String(lanes),
            wgsl`
            let d = ${get} - mean;
            squares += d * d;`,
          )
        }
          let rstd = 1.0 / sqrt(fold_sum(lane, squares) * P.inverse + P.eps);
          ${each(String(lanes), `put_y(start + i, (${get} - mean) * rstd * get_w(i) + get_b(i));`)}
          if (lane == 0u) {
            put_mean(group, mean);
            put_rstd(group, rstd);
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
  const lanes = lanesFor(length);
  const names = ["g", "x", "w", "mean", "rstd"];
  const draft = new Draft("layerNormBackward", limits).u32("rows", rows).u32("length", length)
    .f32("inverse", 1 / length);
  names.forEach((name, i) => draft.bind(name, inputs[i]!, { as: "read" }));
  draft.bind("o", gx, { as: written(gx) });
  const first = draft.step(`x|${lanes}`, grid(rows), () =>
    wgsl`
      ${folds(lanes, ["sum"])}

      ${
      mainOf(
        lanes,
        wgsl`
          if (group >= P.rows) { return; }
          let start = group * P.length;
          let mean = get_mean(group);
          let rstd = get_rstd(group);
          var plain = 0.0;
          var scaled = 0.0;
          ${
          each(
            String(lanes),
            wgsl`
            let d = get_g(start + i) * get_w(i);
            plain += d;
            scaled += d * (get_x(start + i) - mean) * rstd;`,
          )
        }
          plain = fold_sum(lane, plain) * P.inverse;
          scaled = fold_sum(lane, scaled) * P.inverse;
          ${
          each(
            String(lanes),
            wgsl`
            let h = (get_x(start + i) - mean) * rstd;
            put_o(start + i, rstd * (get_g(start + i) * get_w(i) - plain - h * scaled));`,
          )
        }
        `,
      )
    }
    `);
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
  const sums = new Draft("layerNormBackward", limits).u32("n", parts * length).u32("rows", rows)
    .u32("length", length);
  ["g", "x", "mean", "rstd"].forEach((name, i) => sums.bind(name, [g, x, mean, rstd][i]!, { as: "read" }));
  sums.bind("a", partWeight!, { as: written(partWeight!) }).bind("b", partBias!, { as: written(partBias!) });
  const second = sums.step("w", grid(Math.ceil(parts * length / WORKGROUP)), () =>
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
  const third = sumOfParts(limits, partWeight!, gweight);
  const fourth = sumOfParts(limits, partBias!, gbias);
  if (first === null || second === null || third === null || fourth === null) return null;
  return new Sequence([second, third, fourth, first], scratch); // gx last: it may lie over g or x
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
