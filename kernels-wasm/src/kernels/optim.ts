/**
 * Fused optimizer steps, of dense float32 operands; outputs may be the inputs.
 *
 * @module
 */

import { float32, type KernelTable, type Operand } from "@flambeau/core";
import type { Entry, WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

function areDense(operands: readonly Operand[]): boolean {
  for (const x of operands) if (x.dtype !== float32 || !isDense(x, x.shape)) return false;
  return true;
}

/** Steps of SGD and Adam. */
export function optimKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const sgd = kernels.entry("sgd_step_f32");
  const adam = kernels.entry("adam_step_f32");
  /** A call with the operands' addresses, their size and `tail`, cut along the elements. */
  const cut = (entry: Entry, operands: readonly Operand[], tail: readonly number[]): WasmDispatch => {
    const n = count(operands[0]!.shape);
    return kernels.cut(entry, [...operands.map(pointer), n, ...tail], {
      units: n,
      at: operands.length,
      grain: 256,
      cost: n * 0.5,
      moves: operands.map((_, i) => [i, 4] as const),
    });
  };
  return {
    sgdStep(inputs, outputs, { lr, momentum, dampening, weightDecay, nesterov, maximize }) {
      const all = [...inputs, ...outputs];
      if (!areDense(all)) return null;
      return cut(sgd, all, [lr, momentum, 1 - dampening, weightDecay, nesterov ? 1 : 0, maximize ? -1 : 1]);
    },
    adamStep(inputs, outputs, { lr, beta1, beta2, eps, weightDecay, decoupled, maximize, step }) {
      const all = [...inputs, ...outputs];
      if (!areDense(all)) return null;
      return cut(adam, all, [
        ...[beta1, 1 - beta1, beta2, 1 - beta2, eps],
        ...[decoupled ? 0 : weightDecay, decoupled ? 1 - lr * weightDecay : 1],
        ...[lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step), maximize ? -1 : 1],
      ]);
    },
  };
}
