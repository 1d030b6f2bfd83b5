/**
 * Cross entropy of dense float32 scores, and its gradient.
 *
 * @module
 */

import {
  type CrossEntropyAttrs,
  float32,
  IndexError,
  int64,
  type KernelTable,
  type Operand,
} from "@flambeau/core";
import { Call, CheckedCall, Job, type WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Cut, Kernels } from "../module.ts";

/** Batches below which what lies behind the classes is shared, in place of the batches. */
const FEW = 16;

/** The numbers of a call over scores [outer, n, inner] and targets [outer, inner], and how it is cut. */
interface Plan {
  /** outer, n, inner, the part of it that a call takes, and what the attributes say. */
  readonly numbers: readonly number[];
  /** True when parts take some of inner, not of outer. */
  readonly byColumns: boolean;
  /** Of which there are so many. */
  readonly units: number;
  /** Bytes from unit to unit: of scores, of classes, and of what each target has. */
  readonly steps: readonly [scores: number, classes: number, each: number];
}

function planOf(x: Operand, target: Operand, { reduction, ignoreIndex, smoothing }: CrossEntropyAttrs): Plan {
  const [outer, n] = x.shape as [number, number];
  const inner = count(x.shape.slice(2));
  const wide = target.dtype === int64 ? 1 : 0;
  const byColumns = outer < FEW && inner > outer;
  const targets = byColumns ? 1 : inner;
  return {
    numbers: [
      ...[outer, n, inner, inner, wide, ignoreIndex, smoothing],
      ...[reduction === "none" ? 1 : 0, reduction === "mean" ? 1 : 0],
    ],
    byColumns,
    units: byColumns ? inner : outer,
    steps: [byColumns ? 4 : n * inner * 4, targets * (wide ? 8 : 4), targets * 4],
  };
}

function areDense(x: Operand, target: Operand, others: readonly Operand[]): boolean {
  return [x, ...others].every((y) => y.dtype === float32 && isDense(y, y.shape)) &&
    isDense(target, target.shape);
}

/** Losses of classes from their scores. */
export function lossKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const forward = kernels.entry("cross_entropy_f32");
  const backward = kernels.entry("cross_entropy_backward_f32");
  const total = kernels.entry("cross_entropy_total_f32");
  const scratchBytes = kernels.entry("rows_scratch").fn();

  /** How a call is cut whose first size is argument number `at`. */
  const cutOf = ({ byColumns, units }: Plan, x: Operand, at: number, moves: Cut["moves"]): Cut => ({
    units,
    at: byColumns ? at + 3 : at,
    grain: byColumns ? 16 : 1,
    cost: count(x.shape) * 0.5,
    moves,
  });

  /** Parts that leave their sums to be added when all are done. */
  const summed = (parts: readonly Call[], finish: (results: readonly number[]) => void): WasmDispatch => ({
    run(): void {
      const block = kernels.heap.reserve(16 * parts.length);
      try {
        const calls = parts.map(({ entry, args }, i) =>
          new Call(entry, [...args.slice(0, -1), block.start + 16 * i])
        );
        new Job(kernels.pool!, calls, finish).run();
        const [, , , loss, sum] = parts[0]!.args;
        total.fn(block.start, parts.length, loss!, sum!, parts[0]!.args.at(-2)!);
      } finally {
        kernels.heap.unreserve(block);
      }
    },
  });

  return {
    crossEntropy([x, target, weight], outputs, attrs) {
      const [loss, largest, logs, totalWeight] = outputs;
      if (!areDense(x, target, [...outputs, ...weight === undefined ? [] : [weight]])) return null;
      kernels.needScratch(scratchBytes);
      const plan = planOf(x, target, attrs);
      const [scores, classes, each] = plan.steps;
      const places = [x, target, weight, loss, totalWeight, largest, logs];
      const args = [...places.map((y) => y === undefined ? 0 : pointer(y)), ...plan.numbers, 0];
      const one = attrs.reduction === "none" ? [[3, each] as const] : [];
      const cut = cutOf(plan, x, 7, [[0, scores], [1, classes], [5, each], [6, each], ...one]);
      const fail = (at: number): never => {
        const n = x.shape[1]!;
        const found = kernels.indexAt(pointer(target), at, target.dtype === int64);
        throw new IndexError(
          `Cannot crossEntropy ${n} classes: targets must be in the range [0, ${
            n - 1
          }] or ${attrs.ignoreIndex}, got ${found}`,
        );
      };
      const starts = kernels.cuts(cut.units, cut.grain!, cut.cost);
      if (starts.length === 2) return new CheckedCall(forward, args, fail);
      const parts = kernels.partsOf(forward, args, cut);
      const check = (results: readonly number[]): void => {
        const at = results.findIndex((status) => status !== -1);
        if (at >= 0) fail(starts[at]! * each / 4 + results[at]!);
      };
      return attrs.reduction === "none" ? new Job(kernels.pool!, parts, check) : summed(parts, check);
    },
    crossEntropyBackward([g, x, target, largest, logs, totalWeight, weight], output, attrs) {
      const others = [g, largest, logs, totalWeight, output, ...weight === undefined ? [] : [weight]];
      if (!areDense(x, target, others)) return null;
      kernels.needScratch(scratchBytes);
      const plan = planOf(x, target, attrs);
      const [scores, classes, each] = plan.steps;
      const places = [g, x, target, totalWeight, largest, logs, weight, output];
      const args = [...places.map((y) => y === undefined ? 0 : pointer(y)), ...plan.numbers];
      const one = attrs.reduction === "none" ? [[0, each] as const] : [];
      const moves: Cut["moves"] = [[1, scores], [2, classes], [4, each], [5, each], [7, scores], ...one];
      return kernels.cut(backward, args, cutOf(plan, x, 8, moves));
    },
  };
}
