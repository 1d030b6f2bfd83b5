/**
 * Optimizer steps, each one dispatch over all elements.
 *
 * @module
 */

import type { KernelTable } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { elementwise } from "../elementwise.ts";
import { wgsl } from "../wgsl.ts";

/** The optimizer steps. They compute in float32; halves go through their decompositions. */
export function optimKernels(
  limits: GpuLimits,
): Pick<Required<KernelTable<GpuDispatch>>, "sgdStep" | "adamStep"> {
  return {
    sgdStep: ([p, g, b], [newP, newB], { lr, momentum, dampening, weightDecay, nesterov, maximize }) =>
      p.dtype.itemsize !== 4 ? null : elementwise(limits, {
        op: "sgdStep",
        key: `${momentum === 0 ? "plain" : nesterov}|${weightDecay !== 0}`,
        inputs: { p, g, b },
        outputs: { new_p: newP, new_b: newB },
        body: wgsl`
          let d = P.sign * g${weightDecay !== 0 && " + P.decay * p"};
          let new_b = ${momentum === 0 ? "b" : "P.momentum * b + P.share * d"};
          let new_p = p - P.lr * ${momentum === 0 ? "d" : nesterov ? "(d + P.momentum * new_b)" : "new_b"};`,
        uniforms: (draft) => {
          draft.f32("lr", lr).f32("momentum", momentum).f32("share", 1 - dampening).f32(
            "sign",
            maximize ? -1 : 1,
          );
          if (weightDecay !== 0) draft.f32("decay", weightDecay);
        },
      }),
    adamStep: (
      [p, g, m, v],
      [newP, newM, newV],
      { lr, beta1, beta2, eps, weightDecay, decoupled, maximize, step },
    ) =>
      p.dtype.itemsize !== 4 ? null : elementwise(limits, {
        op: "adamStep",
        key: weightDecay === 0 ? "plain" : decoupled ? "decoupled" : "coupled",
        inputs: { p, g, avg: m, square: v },
        outputs: { new_p: newP, new_m: newM, new_v: newV },
        body: wgsl`
          let d = P.sign * g${weightDecay !== 0 && !decoupled && " + P.decay * p"};
          let new_m = P.beta1 * avg + P.rest1 * d;
          let new_v = P.beta2 * square + P.rest2 * d * d;
          let start = ${weightDecay !== 0 && decoupled ? "p * P.decay" : "p"};
          let new_p = start - P.size * new_m / (sqrt(new_v) * P.root + P.eps);`,
        uniforms: (draft) => {
          draft.f32("beta1", beta1).f32("rest1", 1 - beta1).f32("beta2", beta2).f32("rest2", 1 - beta2)
            .f32("size", lr / (1 - beta1 ** step)).f32("root", 1 / Math.sqrt(1 - beta2 ** step)).f32(
              "eps",
              eps,
            )
            .f32("sign", maximize ? -1 : 1);
          if (weightDecay !== 0) draft.f32("decay", decoupled ? 1 - lr * weightDecay : weightDecay);
        },
      }),
  };
}
