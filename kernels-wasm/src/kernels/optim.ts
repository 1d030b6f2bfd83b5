/**
 * Fused optimizer steps, of dense float32 operands; outputs may be the inputs.
 *
 * @module
 */

import { float32, type KernelTable, type Operand } from "@flambeau/core";
import { Call, type WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

function areDense(operands: readonly Operand[]): boolean {
  return operands.every((x) => x.dtype === float32 && isDense(x, x.shape));
}

/** Steps of SGD and Adam. */
export function optimKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const sgd = kernels.entry("sgd_step_f32");
  const adam = kernels.entry("adam_step_f32");
  return {
    sgdStep(inputs, outputs, { lr, momentum, dampening, weightDecay, nesterov, maximize }) {
      const all = [...inputs, ...outputs];
      if (!areDense(all)) return null;
      return new Call(sgd, [
        ...[...all.map(pointer), count(inputs[0].shape)],
        ...[lr, momentum, 1 - dampening, weightDecay, nesterov ? 1 : 0, maximize ? -1 : 1],
      ]);
    },
    adamStep(inputs, outputs, { lr, beta1, beta2, eps, weightDecay, decoupled, maximize, step }) {
      const all = [...inputs, ...outputs];
      if (!areDense(all)) return null;
      return new Call(adam, [
        ...[...all.map(pointer), count(inputs[0].shape)],
        ...[beta1, 1 - beta1, beta2, 1 - beta2, eps],
        ...[decoupled ? 0 : weightDecay, decoupled ? 1 - lr * weightDecay : 1],
        ...[lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step), maximize ? -1 : 1],
      ]);
    },
  };
}
