/**
 * Losses of classes. Negative log likelihood is one step: a workgroup walks over the rows and folds what they give. Cross
 * entropy of scores has a step for all rows before that; its gradient is one step.
 *
 * @module
 */

import {
  contiguousStrides,
  type CrossEntropyAttrs,
  float32,
  IndexError,
  int32,
  type KernelTable,
  type Operand,
} from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { count, isInPlace, loopUniforms, melt, placesText } from "../geometry.ts";
import { Scratch } from "../memory.ts";
import { allBut, inParts, isTooLarge } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { each, eachLive, folds, teamAlong, teamText } from "./rows.ts";

/** Rows beyond which one workgroup would walk for too long. */
const MOST = 1 << 20;

function nllLoss(
  limits: GpuLimits,
  [logp, target, weight]: readonly [Operand, Operand, Operand],
  [loss, total]: readonly [Operand, Operand],
  mean: boolean,
  ignoreIndex: number,
): GpuDispatch | null {
  const [rows, classes] = logp.shape as [number, number];
  return new Draft("nllLoss", limits).u32("rows", rows).u32("classes", classes).u32("ignored", ignoreIndex)
    .bind("x", logp, { as: "read" }).u32("x_row", logp.strides[0]!).u32("x_column", logp.strides[1]!)
    .bind("t", target, { as: "read", raw: true }).u32("t_step", target.strides[0]!)
    .bind("w", weight, { as: "read" }).u32("w_step", weight.strides[0]!)
    .bind("loss", loss, { as: "write" }).bind("total", total, { as: "write" })
    .reports(noClass("nllLoss", classes, ignoreIndex))
    .step(mean ? "mean" : "sum", [1, 1, 1], () =>
      wgsl`
        ${foldMemory}

        ${
        mainOf(
          WORKGROUP,
          wgsl`
            var loss = 0.0;
            var weight = 0.0;
            for (var row = lane; row < P.rows; row += ${WORKGROUP}u) {
              let at = get_t(row * P.t_step);
              if (at == P.ignored) { continue; }
              if (at >= P.classes) {
                report(bitcast<i32>(at));
                continue;
              }
              let w = get_w(at * P.w_step);
              loss -= get_x(row * P.x_row + at * P.x_column) * w;
              weight += w;
            }
            ${foldLosses(mean)}
          `,
        )
      }
      `);
}

/** The error of a target that a kernel reports. */
function noClass(op: string, classes: number, ignoreIndex: number): (index: number) => IndexError {
  return (index) =>
    new IndexError(
      `Cannot ${op} ${classes} classes: targets must be in the range [0, ${
        classes - 1
      }] or ${ignoreIndex}, got ${index}`,
    );
}

const foldMemory = wgsl`
  var<workgroup> losses: array<f32, ${WORKGROUP}>;
  var<workgroup> weights: array<f32, ${WORKGROUP}>;
`;

/** Folds `loss` and `weight` of the invocations of a workgroup, and writes both results. */
function foldLosses(mean: boolean): string {
  return wgsl`
    losses[lane] = loss;
    weights[lane] = weight;
    for (var step = ${WORKGROUP / 2}u; step > 0u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step) {
        losses[lane] += losses[lane + step];
        weights[lane] += weights[lane + step];
      }
    }
    if (lane == 0u) {
      put_loss(0u, ${mean ? "m_div(losses[0], weights[0])" : "losses[0]"});
      put_total(0u, weights[0]);
    }
  `;
}

/** What a row has once, beside the scores [N, C, …]: as [N, 1, …]. */
function column(x: Operand): Operand {
  const { buffer, dtype, offset, shape: [n = 1, ...sizes], strides: [by = 0, ...strides] } = x;
  return { buffer, dtype, offset, shape: [n, 1, ...sizes], strides: [by, 0, ...strides] };
}

/** Binds operands of rows along dimension 1 and the loops over all rows; answers the number of loops. */
function rowsOf(
  draft: Draft,
  names: readonly string[],
  operands: readonly Operand[],
  inputs: number,
): number {
  const [x] = operands as [Operand];
  const others = allBut(x, 1);
  const loops = melt(others.map((d) => x.shape[d]!), operands.map((y) => others.map((d) => y.strides[d]!)));
  draft.u32("rows", count(loops.sizes)).u32("length", x.shape[1]!);
  names.forEach((name, q) => {
    draft.bind(name, operands[q]!, { as: q < inputs ? "read" : "write", raw: name === "t" });
    draft.u32(`${name}_step`, operands[q]!.strides[1]!);
  });
  loopUniforms(draft, "", names, loops);
  return loops.sizes.length;
}

/** Losses, largest scores and logarithms of all rows; the weights of the targets beside them, or 0 for the total of none. */
function crossEntropyRows(
  limits: GpuLimits,
  operands: readonly Operand[],
  weight: Operand | undefined,
  total: Operand | null,
  { ignoreIndex, smoothing }: CrossEntropyAttrs,
): GpuDispatch | null {
  const [x] = operands as [Operand];
  const classes = x.shape[1]!;
  const names = total === null ? ["x", "t", "o", "top", "l", "f"] : ["x", "t", "o", "top", "l"];
  const draft = new Draft("crossEntropy", limits).u32("ignored", ignoreIndex)
    .f32("keep", 1 - smoothing).f32("part", smoothing / classes);
  const rank = rowsOf(draft, names, operands, 2);
  if (weight !== undefined) draft.bind("w", weight, { as: "read" }).u32("w_step", weight.strides[0]!);
  if (total !== null) draft.bind("total", total, { as: "write" });
  const team = teamAlong(x, 1);
  const get = "get_x(p_x + i * P.x_step)";
  const smooth = smoothing > 0;
  const key = [
    team.lanes,
    team.side,
    rank,
    smooth ? "smooth" : "plain",
    weight === undefined ? "even" : "weighted",
    total === null ? "folded" : "each",
  ];
  return draft.reports(noClass("crossEntropy", classes, ignoreIndex)).step(
    key.join("|"),
    grid(Math.ceil(count(x.shape) / classes / team.rows)),
    () =>
      wgsl`
      ${folds(team, ["sum", "max"])}

      ${
        mainOf(
          WORKGROUP,
          wgsl`
          ${teamText(team)}
          ${placesText(rank, "", names, "row")}
          var most = -m_inf();
          ${each(team, `most = m_max(most, ${get});`)}
          most = fold_max(lane, most);
          var powers = 0.0;
          ${smooth && "var below = 0.0;"}
          ${
            each(
              team,
              wgsl`
              let d = ${get} - most;
              powers += m_exp(d);
              ${smooth && "below += d;"}`,
            )
          }
          powers = fold_sum(lane, powers);
          ${smooth && "below = fold_sum(lane, below);"}
          if (live && mine == 0u) {
            let shift = m_log(powers);
            put_top(p_top, most);
            put_l(p_l, shift);
            let at = get_t(p_t);
            var loss = 0.0;
            var factor = 0.0;
            if (at != P.ignored) {
              if (at < P.length) {
                factor = ${weight === undefined ? "1.0" : "get_w(at * P.w_step)"};
                loss = factor * (shift - (get_x(p_x + at * P.x_step) - most));
                ${smooth && "loss = P.keep * loss + P.part * (f32(P.length) * shift - below);"}
              } else {
                report(bitcast<i32>(at));
              }
            }
            put_o(p_o, loss);
            ${total === null ? "put_f(p_f, factor);" : "if (row == 0u) { put_total(0u, 0.0); }"}
          }
        `,
        )
      }
    `,
  );
}

/** The sum or mean of the losses of rows, and their total weight. */
function sumOfLosses(
  limits: GpuLimits,
  losses: Operand,
  weights: Operand,
  loss: Operand,
  total: Operand,
  mean: boolean,
): GpuDispatch | null {
  return new Draft("crossEntropy", limits).u32("rows", count(losses.shape))
    .bind("x", losses, { as: "read" }).bind("w", weights, { as: "read" })
    .bind("loss", loss, { as: "write" }).bind("total", total, { as: "write" })
    .step(mean ? "mean" : "sum", [1, 1, 1], () =>
      wgsl`
        ${foldMemory}

        ${
        mainOf(
          WORKGROUP,
          wgsl`
            var loss = 0.0;
            var weight = 0.0;
            for (var row = lane; row < P.rows; row += ${WORKGROUP}u) {
              loss += get_x(row);
              weight += get_w(row);
            }
            ${foldLosses(mean)}
          `,
        )
      }
      `);
}

function crossEntropy(
  limits: GpuLimits,
  [x, target, weight]: readonly [Operand, Operand] | readonly [Operand, Operand, Operand],
  [loss, largest, logs, total]: readonly [Operand, Operand, Operand, Operand],
  attrs: CrossEntropyAttrs,
): GpuDispatch | null {
  const rows = count(target.shape);
  const all = [x, ...[target, loss, largest, logs].map(column)];
  if (attrs.reduction === "none") {
    return inParts(
      limits,
      all,
      allBut(x, 1),
      (parts) => crossEntropyRows(limits, parts, weight, total, attrs),
    );
  }
  const scratch = [new Scratch(rows * 4), new Scratch(rows * 4)] as const;
  const { shape } = target;
  const strides = contiguousStrides(shape);
  const made = scratch.map((buffer): Operand => ({ buffer, dtype: x.dtype, shape, strides, offset: 0 }));
  const [losses, weights] = made as [Operand, Operand];
  all[2] = column(losses);
  all.push(column(weights));
  const first = inParts(
    limits,
    all,
    allBut(x, 1),
    (parts) => crossEntropyRows(limits, parts, weight, null, attrs),
  );
  const second = sumOfLosses(limits, losses, weights, loss, total, attrs.reduction === "mean");
  return first === null || second === null ? null : new Sequence([first, second], scratch);
}

function crossEntropyBackward(
  limits: GpuLimits,
  operands: readonly Operand[],
  g: Operand | null,
  total: Operand,
  weight: Operand | undefined,
  { reduction, ignoreIndex, smoothing }: CrossEntropyAttrs,
): GpuDispatch | null {
  const [x] = operands as [Operand];
  const classes = x.shape[1]!;
  const names = g === null ? ["x", "t", "top", "l", "g", "o"] : ["x", "t", "top", "l", "o"];
  const draft = new Draft("crossEntropyBackward", limits).u32("ignored", ignoreIndex)
    .f32("keep", 1 - smoothing).f32("part", smoothing / classes);
  const rank = rowsOf(draft, names, operands, names.length - 1);
  if (g !== null) draft.bind("g", g, { as: "read" });
  if (reduction === "mean") draft.bind("total", total, { as: "read" });
  if (weight !== undefined) draft.bind("w", weight, { as: "read" }).u32("w_step", weight.strides[0]!);
  const team = teamAlong(x, 1);
  const share = { none: "get_g(p_g)", sum: "get_g(0u)", mean: "m_div(get_g(0u), get_total(0u))" }[reduction];
  return draft.step(
    [team.lanes, team.side, rank, reduction, weight === undefined ? "even" : "weighted"].join("|"),
    grid(Math.ceil(count(x.shape) / classes / team.rows)),
    () =>
      mainOf(
        WORKGROUP,
        wgsl`
        ${teamText(team)}
        ${placesText(rank, "", names, "row")}
        let at = get_t(p_t);
        var own = 0.0;
        var spread = 0.0;
        if (at != P.ignored && at < P.length) {
          let share = ${share};
          own = P.keep * share${weight === undefined ? "" : " * get_w(at * P.w_step)"};
          spread = P.part * share;
        }
        let whole = own + f32(P.length) * spread;
        let most = get_top(p_top);
        let shift = get_l(p_l);
        ${
          eachLive(
            team,
            wgsl`
            let p = m_exp((get_x(p_x + i * P.x_step) - most) - shift);
            put_o(p_o + i * P.o_step, p * whole - spread - select(0.0, own, i == at));`,
          )
        }
      `,
      ),
  );
}

/** The losses of float32 rows; others go through their decompositions. */
export function lossKernels(
  limits: GpuLimits,
): Pick<Required<KernelTable<GpuDispatch>>, "nllLoss" | "crossEntropy" | "crossEntropyBackward"> {
  const takes = (x: Operand, target: Operand): boolean => x.dtype === float32 && target.dtype === int32;
  return {
    nllLoss: (inputs, outputs, { reduction, ignoreIndex }) =>
      !takes(inputs[0], inputs[1]) || inputs[0].shape[0]! > MOST || isTooLarge(limits, inputs[0], inputs)
        ? null
        : nllLoss(limits, inputs, outputs, reduction === "mean", ignoreIndex),
    crossEntropy(inputs, outputs, attrs) {
      const [x, target] = inputs;
      if (!takes(x, target) || isInPlace(outputs, inputs)) return null;
      const rows = count(target.shape);
      if (rows === 0 || (attrs.reduction !== "none" && rows > MOST)) return null;
      return crossEntropy(limits, inputs, outputs, attrs);
    },
    crossEntropyBackward([g, x, target, largest, logs, total, weight], o, attrs) {
      const others = [g, target, largest, logs, total, ...weight === undefined ? [] : [weight]];
      if (!takes(x, target) || isInPlace([o], others)) return null;
      const rows = [x, ...[target, largest, logs].map(column)];
      if (attrs.reduction === "none") rows.push(column(g));
      rows.push(o);
      const scalar = attrs.reduction === "none" ? null : g;
      return inParts(
        limits,
        rows,
        allBut(x, 1),
        (parts) => crossEntropyBackward(limits, parts, scalar, total, weight, attrs),
      );
    },
  };
}
