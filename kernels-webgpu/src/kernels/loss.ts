/**
 * Negative log likelihood in one step: a workgroup walks over the rows and folds what they give.
 *
 * @module
 */

import { float32, IndexError, int32, type KernelTable, type Operand } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import { Draft, type GpuLimits, mainOf, WORKGROUP } from "../draft.ts";
import { isTooLarge } from "../split.ts";
import { wgsl } from "../wgsl.ts";

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
    .reports((index) =>
      new IndexError(
        `Cannot nllLoss ${classes} classes: targets must be in the range [0, ${
          classes - 1
        }] or ${ignoreIndex}, got ${index}`,
      )
    )
    .step(mean ? "mean" : "sum", [1, 1, 1], () =>
      wgsl`
        var<workgroup> losses: array<f32, ${WORKGROUP}>;
        var<workgroup> weights: array<f32, ${WORKGROUP}>;

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
              loss += get_x(row * P.x_row + at * P.x_column) * w;
              weight += w;
            }
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
              put_loss(0u, m_neg(${mean ? "m_div(losses[0], weights[0])" : "losses[0]"}));
              put_total(0u, weights[0]);
            }
          `,
        )
      }
      `);
}

/** The likelihood of float32 rows; others go through their decompositions. */
export function lossKernels(limits: GpuLimits): Pick<Required<KernelTable<GpuDispatch>>, "nllLoss"> {
  return {
    nllLoss: (inputs, outputs, { reduction, ignoreIndex }) =>
      inputs[0].dtype !== float32 || inputs[1].dtype !== int32 || inputs[0].shape[0]! > MOST ||
        isTooLarge(limits, inputs[0], inputs)
        ? null
        : nllLoss(limits, inputs, outputs, reduction === "mean", ignoreIndex),
  };
}
