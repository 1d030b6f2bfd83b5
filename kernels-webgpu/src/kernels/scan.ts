/**
 * Scans along one dimension. A workgroup walks a line, as many elements at a time as it has invocations: it scans them in
 * workgroup memory (Hillis and Steele 1986) and carries the total on.
 *
 * @module
 */

import type { KernelTable, Operand } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf } from "../draft.ts";
import { computed } from "../element.ts";
import { count, loopUniforms, melt, placesText } from "../geometry.ts";
import { allBut, inParts } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { written } from "./gemm.ts";

type ScanName = "cumsum" | "cumprod" | "cummax" | "cummin" | "logcumsumexp";

const LANES = 64;

/** How two neighbours join, the earlier one first, and what leaves the other as it is. */
function joinOf(op: ScanName, type: "f32" | "i32"): { readonly start: string; readonly join: string } {
  switch (op) {
    case "cumsum":
      return { start: `${type}(0)`, join: "return a + b;" };
    case "cumprod":
      return { start: `${type}(1)`, join: "return a * b;" };
    case "logcumsumexp":
      return { start: "-m_inf()", join: "return m_logaddexp(a, b);" };
    default:
      return { start: `${type}(0)`, join: "" };
  }
}

function lines(draft: Draft, names: readonly string[], operands: readonly Operand[], dim: number): number {
  const shape = operands[0]!.shape;
  const others = shape.map((_, d) => d).filter((d) => d !== dim);
  const loops = melt(others.map((d) => shape[d]!), operands.map((x) => others.map((d) => x.strides[d]!)));
  draft.u32("lines", count(loops.sizes)).u32("length", shape[dim]!);
  operands.forEach((x, q) => {
    draft.bind(names[q]!, x, { as: q === 0 ? "read" : written(x) }).u32(`${names[q]}_step`, x.strides[dim]!);
  });
  loopUniforms(draft, "", names, loops);
  return loops.sizes.length;
}

function scan(limits: GpuLimits, op: ScanName, x: Operand, o: Operand, dim: number): GpuDispatch | null {
  const type = computed(x.dtype);
  const { start, join } = joinOf(op, type);
  const draft = new Draft(op, limits);
  const rank = lines(draft, ["x", "o"], [x, o], dim);
  const steps = Array.from({ length: Math.log2(LANES) }, (_, i) => 2 ** i);
  return draft.step(`${rank}`, grid(count(x.shape) / x.shape[dim]!), () =>
    wgsl`
      var<workgroup> shared_value: array<${type}, ${LANES}>;

      fn join_values(a: ${type}, b: ${type}) -> ${type} { ${join} }

      ${
      mainOf(
        LANES,
        wgsl`
          if (group >= P.lines) { return; }
          ${placesText(rank, "", ["x", "o"], "group")}
          var carry = ${start};
          for (var first = 0u; first < P.length; first += ${LANES}u) {
            let i = first + lane;
            var value = ${start};
            if (i < P.length) { value = get_x(p_x + i * P.x_step); }
            if (lane == 0u && first > 0u) { value = join_values(carry, value); }
            shared_value[lane] = value;
            workgroupBarrier();
            ${
          steps.map((step) =>
            wgsl`
              if (lane >= ${step}u) { value = join_values(shared_value[lane - ${step}u], value); }
              workgroupBarrier();
              shared_value[lane] = value;
              workgroupBarrier();`
          )
        }
            if (i < P.length) { put_o(p_o + i * P.o_step, value); }
            carry = shared_value[${LANES - 1}];
            workgroupBarrier();
          }
        `,
      )
    }
    `);
}

/** Running extremes with their places: of equals the last; a NaN replaces all but is only replaced by a NaN. */
function extreme(
  limits: GpuLimits,
  op: "cummax" | "cummin",
  x: Operand,
  values: Operand,
  indices: Operand,
  dim: number,
): GpuDispatch | null {
  const type = computed(x.dtype);
  const draft = new Draft(op, limits);
  const names = ["x", "o", "p"];
  const rank = lines(draft, names, [x, values, indices], dim);
  const steps = Array.from({ length: Math.log2(LANES) }, (_, i) => 2 ** i);
  const sign = op === "cummax" ? ">=" : "<=";
  const later = type === "f32" ? `m_isnan(b) || (!m_isnan(a) && b ${sign} a)` : `b ${sign} a`;
  return draft.step(`${rank}`, grid(count(x.shape) / x.shape[dim]!), () =>
    wgsl`
      var<workgroup> shared_value: array<${type}, ${LANES}>;
      var<workgroup> shared_place: array<u32, ${LANES}>;

      // True when b, which comes later, takes the place of a.
      fn takes(a: ${type}, b: ${type}) -> bool { return ${later}; }

      ${
      mainOf(
        LANES,
        wgsl`
          if (group >= P.lines) { return; }
          ${placesText(rank, "", names, "group")}
          var carry = ${type}(0);
          var carry_place = 0u;
          for (var first = 0u; first < P.length; first += ${LANES}u) {
            let i = first + lane;
            var value = ${type}(0);
            var place = i;
            if (i < P.length) { value = get_x(p_x + i * P.x_step); }
            if (lane == 0u && first > 0u && !takes(carry, value)) {
              value = carry;
              place = carry_place;
            }
            shared_value[lane] = value;
            shared_place[lane] = place;
            workgroupBarrier();
            ${
          steps.map((step) =>
            wgsl`
              if (lane >= ${step}u && !takes(shared_value[lane - ${step}u], value)) {
                value = shared_value[lane - ${step}u];
                place = shared_place[lane - ${step}u];
              }
              workgroupBarrier();
              shared_value[lane] = value;
              shared_place[lane] = place;
              workgroupBarrier();`
          )
        }
            if (i < P.length) {
              put_o(p_o + i * P.o_step, value);
              put_p(p_p + i * P.p_step, bitcast<i32>(place));
            }
            carry = shared_value[${LANES - 1}];
            carry_place = shared_place[${LANES - 1}];
            workgroupBarrier();
          }
        `,
      )
    }
    `);
}

/** The scans. */
export function scanKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, ScanName> {
  const one = (op: ScanName) =>
  (
    [x]: readonly [x: Operand],
    o: Operand,
    { dim }: { readonly dim: number },
  ): GpuDispatch | null => inParts(limits, [x, o], allBut(x, dim), ([x, o]) => scan(limits, op, x!, o!, dim));
  const both = (op: "cummax" | "cummin") =>
  (
    [x]: readonly [x: Operand],
    outputs: readonly [values: Operand, indices: Operand],
    { dim }: { readonly dim: number },
  ): GpuDispatch | null =>
    inParts(
      limits,
      [x, ...outputs],
      allBut(x, dim),
      ([x, values, indices]) => extreme(limits, op, x!, values!, indices!, dim),
    );
  return {
    cumsum: one("cumsum"),
    cumprod: one("cumprod"),
    logcumsumexp: one("logcumsumexp"),
    cummax: both("cummax"),
    cummin: both("cummin"),
  };
}
