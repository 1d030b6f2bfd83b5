/**
 * Batch normalization and its gradients: statistics of channels, then one elementwise step.
 *
 * A workgroup takes a channel, or a part of one where channels are few and long: parts give their mean and the sum of their
 * squared deviations, which are joined without cancellation.
 *
 * @see Chan, Golub and LeVeque 1979, Updating formulae and a pairwise algorithm for computing sample variances
 *
 * @module
 */

import { float32, type KernelTable, type Operand } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "../draft.ts";
import { elementwise } from "../elementwise.ts";
import { count, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { isTooLarge } from "../split.ts";
import { wgsl } from "../wgsl.ts";

type NormName = "batchNorm" | "batchNormBackward";

/** Elements that an invocation walks before a channel is done in parts. */
const LONG = 16;
/** Workgroups beyond which parts do not pay. */
const ENOUGH = 256;

const FOLD = wgsl`
  var<workgroup> shared_fold: array<f32, ${WORKGROUP}>;

  fn fold_sum(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    shared_fold[lane] = v;
    for (var step = ${WORKGROUP / 2}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step) { shared_fold[lane] += shared_fold[lane + step]; }
    }
    workgroupBarrier();
    return shared_fold[0];
  }`;

/** The elements of a channel of x [N, C, …], in how many parts they are done. */
interface Channels {
  readonly channels: number;
  readonly length: number;
  readonly parts: number;
  readonly piece: number;
}

function channelsOf(x: Operand): Channels {
  const channels = x.shape[1]!;
  const length = count(x.shape) / channels;
  const most = channels >= ENOUGH ? 1 : Math.ceil(ENOUGH / channels);
  const parts = Math.max(1, Math.min(most, Math.floor(length / (LONG * WORKGROUP))));
  const piece = Math.ceil(length / parts);
  return { channels, length, parts: Math.ceil(length / piece), piece };
}

/** A vector [C] as wide as x [N, C, …]. */
function wide(vector: Operand, x: Operand): Operand {
  const strides = x.shape.map((_, d) => d === 1 ? vector.strides[0]! : 0);
  return { buffer: vector.buffer, dtype: vector.dtype, shape: x.shape, strides, offset: vector.offset };
}

function vectorIn(buffer: Scratch, size: number, offset = 0): Operand {
  return { buffer, dtype: float32, shape: [size], strides: [1], offset };
}

/** Uniforms and text for a walk over the elements of a channel: `visit` sees `p_<name>` of each. */
function walker(
  draft: Draft,
  names: readonly string[],
  operands: readonly Operand[],
  { piece, length }: Channels,
): (
  visit: string,
) => string {
  const x = operands[0]!;
  const others = x.shape.map((_, d) => d).filter((d) => d !== 1);
  const loops = melt(others.map((d) => x.shape[d]!), operands.map((o) => others.map((d) => o.strides[d]!)));
  draft.u32("length", length).u32("piece", piece);
  operands.forEach((o, i) =>
    draft.bind(names[i]!, o, { as: "read" }).u32(`${names[i]}_channel`, o.strides[1]!)
  );
  loopUniforms(draft, "", names, loops);
  const rank = loops.sizes.length;
  return (visit) =>
    wgsl`
      for (var e = first + lane; e < last; e += ${WORKGROUP}u) {
        ${placesText(rank, "", names, "e", (name) => `q_${name}`)}
        ${names.map((name) => `let p_${name} = channel * P.${name}_channel + q_${name};`)}
        ${visit}
      }`;
}

/** The number of loops that {@linkcode walker} walks. */
function rankOf(operands: readonly Operand[]): number {
  const x = operands[0]!;
  const others = x.shape.map((_, d) => d).filter((d) => d !== 1);
  return melt(others.map((d) => x.shape[d]!), operands.map((o) => others.map((d) => o.strides[d]!))).sizes
    .length;
}

const CHANNEL_TEXT = wgsl`
  if (group >= P.groups) { return; }
  let channel = group / P.parts;
  let first = group % P.parts * P.piece;
  let last = min(P.length, first + P.piece);`;

function batchNorm(
  limits: GpuLimits,
  [x, weight, bias]: readonly [Operand, Operand, Operand],
  [y, mean, rstd]: readonly [Operand, Operand, Operand],
  eps: number,
): GpuDispatch | null {
  const shared = channelsOf(x);
  const { channels, length, parts, piece } = shared;
  const scratch = parts === 1 ? [] : [new Scratch(8 * channels * parts)];
  const [a, b] = parts === 1
    ? [mean, rstd]
    : [vectorIn(scratch[0]!, channels * parts), vectorIn(scratch[0]!, channels * parts, channels * parts)];
  const draft = new Draft("batchNorm", limits).u32("groups", channels * parts).u32("parts", parts)
    .f32("inverse", 1 / length).f32("eps", eps);
  const walk = walker(draft, ["x"], [x], shared);
  draft.bind("a", a, { as: "write" }).u32("a_step", a.strides[0]!)
    .bind("b", b, { as: "write" }).u32("b_step", b.strides[0]!);
  const statistics = draft.step(
    `statistics|${rankOf([x])}|${parts > 1 ? "part" : "all"}`,
    grid(channels * parts),
    () =>
      wgsl`
        ${FOLD}

        ${
        mainOf(
          WORKGROUP,
          wgsl`
            ${CHANNEL_TEXT}
            var total = 0.0;
            ${walk("total += get_x(p_x);")}
            let mean = fold_sum(lane, total) / f32(last - first);
            var squares = 0.0;
            ${
            walk(wgsl`
              let d = get_x(p_x) - mean;
              squares += d * d;`)
          }
            squares = fold_sum(lane, squares);
            if (lane == 0u) {
              put_a(group * P.a_step, mean);
              put_b(group * P.b_step, ${parts > 1 ? "squares" : "m_rsqrt(squares * P.inverse + P.eps)"});
            }
          `,
        )
      }
      `,
  );
  const joined = parts === 1
    ? null
    : new Draft("batchNorm", limits).u32("n", channels).u32("parts", parts).u32("length", length)
      .u32("piece", piece).f32("inverse", 1 / length).f32("eps", eps)
      .bind("a", a, { as: "read" }).bind("b", b, { as: "read" })
      .bind("mean", mean, { as: "write" }).u32("mean_step", mean.strides[0]!)
      .bind("rstd", rstd, { as: "write" }).u32("rstd_step", rstd.strides[0]!)
      .step("join", grid(Math.ceil(channels / WORKGROUP)), () =>
        mainOver(wgsl`
          var mean = 0.0;
          for (var p = 0u; p < P.parts; p++) {
            let size = f32(min(P.piece, P.length - p * P.piece));
            mean += get_a(i * P.parts + p) * size * P.inverse;
          }
          var squares = 0.0;
          for (var p = 0u; p < P.parts; p++) {
            let size = f32(min(P.piece, P.length - p * P.piece));
            let d = get_a(i * P.parts + p) - mean;
            squares += get_b(i * P.parts + p) + size * d * d;
          }
          put_mean(i * P.mean_step, mean);
          put_rstd(i * P.rstd_step, m_rsqrt(squares * P.inverse + P.eps));
        `));
  const last = elementwise(limits, {
    op: "batchNorm",
    inputs: { x, mean: wide(mean, x), rstd: wide(rstd, x), w: wide(weight, x), b: wide(bias, x) },
    outputs: { y },
    body: "let y = (x - mean) * rstd * w + b;",
  });
  const steps = [statistics, ...(parts === 1 ? [] : [joined]), last];
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], scratch);
}

function batchNormBackward(
  limits: GpuLimits,
  [g, x, weight, mean, rstd]: readonly [Operand, Operand, Operand, Operand, Operand],
  [gx, gweight, gbias]: readonly [Operand, Operand, Operand],
): GpuDispatch | null {
  const shared = channelsOf(x);
  const { channels, length, parts } = shared;
  const scratch = parts === 1 ? [] : [new Scratch(8 * channels * parts)];
  const [a, b] = parts === 1
    ? [gweight, gbias]
    : [vectorIn(scratch[0]!, channels * parts), vectorIn(scratch[0]!, channels * parts, channels * parts)];
  const draft = new Draft("batchNormBackward", limits).u32("groups", channels * parts).u32("parts", parts);
  const walk = walker(draft, ["x", "g"], [x, g], shared);
  draft.bind("mean", mean, { as: "read" }).u32("mean_step", mean.strides[0]!)
    .bind("rstd", rstd, { as: "read" }).u32("rstd_step", rstd.strides[0]!)
    .bind("a", a, { as: "write" }).u32("a_step", a.strides[0]!)
    .bind("b", b, { as: "write" }).u32("b_step", b.strides[0]!);
  const sums = draft.step(`sums|${rankOf([x, g])}`, grid(channels * parts), () =>
    wgsl`
      ${FOLD}

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          ${CHANNEL_TEXT}
          let mean = get_mean(channel * P.mean_step);
          let rstd = get_rstd(channel * P.rstd_step);
          var scaled = 0.0;
          var plain = 0.0;
          ${
          walk(wgsl`
            let d = get_g(p_g);
            scaled += d * ((get_x(p_x) - mean) * rstd);
            plain += d;`)
        }
          scaled = fold_sum(lane, scaled);
          plain = fold_sum(lane, plain);
          if (lane == 0u) {
            put_a(group * P.a_step, scaled);
            put_b(group * P.b_step, plain);
          }
        `,
      )
    }
    `);
  const joined = parts === 1
    ? null
    : new Draft("batchNormBackward", limits).u32("n", channels).u32("parts", parts)
      .bind("a", a, { as: "read" }).bind("b", b, { as: "read" })
      .bind("gw", gweight, { as: "write" }).u32("gw_step", gweight.strides[0]!)
      .bind("gb", gbias, { as: "write" }).u32("gb_step", gbias.strides[0]!)
      .step("join", grid(Math.ceil(channels / WORKGROUP)), () =>
        mainOver(wgsl`
          var scaled = 0.0;
          var plain = 0.0;
          for (var p = 0u; p < P.parts; p++) {
            scaled += get_a(i * P.parts + p);
            plain += get_b(i * P.parts + p);
          }
          put_gw(i * P.gw_step, scaled);
          put_gb(i * P.gb_step, plain);
        `));
  const last = elementwise(limits, {
    op: "batchNormBackward",
    inputs: {
      g,
      x,
      w: wide(weight, x),
      mean: wide(mean, x),
      rstd: wide(rstd, x),
      gw: wide(gweight, x),
      gb: wide(gbias, x),
    },
    outputs: { gx },
    body: wgsl`
      let normal = (x - mean) * rstd;
      let gx = w * rstd * (g - gb * P.inverse - normal * (gw * P.inverse));`,
    uniforms: (draft) => void draft.f32("inverse", 1 / length),
  });
  const steps = [sums, ...(parts === 1 ? [] : [joined]), last];
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[], scratch);
}

/** Batch normalization of float32; halves go through their decompositions. */
export function normKernels(limits: GpuLimits): Pick<Required<KernelTable<GpuDispatch>>, NormName> {
  // Channels lie across all images: what is too large for a binding is left to reductions, which can be cut.
  const fits = (inputs: readonly Operand[], outputs: readonly Operand[]): boolean => {
    const all = [...inputs, ...outputs];
    return inputs[0]!.dtype === float32 && !isInPlace(outputs, inputs) &&
      !all.some((x) => isTooLarge(limits, x, all));
  };
  return {
    batchNorm: (inputs, outputs, { eps }) =>
      fits(inputs, outputs) ? batchNorm(limits, inputs, outputs, eps) : null,
    batchNormBackward: (inputs, outputs) =>
      fits(inputs, outputs) ? batchNormBackward(limits, inputs, outputs) : null,
  };
}
