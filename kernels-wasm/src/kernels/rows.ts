/**
 * Softmax, normalization, likelihood and their gradients, of dense float32 operands.
 *
 * @module
 */

import { float32, IndexError, int64, type KernelTable, type Operand } from "@flambeau/core";
import { CheckedCall, type Entry, type WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";
import { withSums } from "../partial_sums.ts";

/** True when all are float32 and dense. */
function areDense(...operands: Operand[]): boolean {
  for (const x of operands) if (x.dtype !== float32 || !isDense(x, x.shape)) return false;
  return true;
}

/**
 * True when outputs lie over inputs in no other way than the first over one of the first `own` inputs: rows of these are
 * read before they are written, while all other inputs are read to the end.
 */
function areApart(inputs: readonly Operand[], outputs: readonly Operand[], own: number): boolean {
  return outputs.every((y, o) =>
    inputs.every((x, i) => x.buffer !== y.buffer || pointer(x) !== pointer(y) || (o === 0 && i < own))
  );
}

/** Sizes before, at and after `dim`. */
function around(x: Operand, dim: number): [outer: number, n: number, inner: number] {
  if (x.shape.length === 0) return [1, 1, 1];
  return [count(x.shape.slice(0, dim)), x.shape[dim]!, count(x.shape.slice(dim + 1))];
}

/** The sizes of x [N, C, …] as batch, channels and the rest. */
function byChannels(x: Operand): [batch: number, channels: number, n: number] {
  return [x.shape[0]!, x.shape[1]!, count(x.shape.slice(2))];
}

/** Outer dimensions below which a loop over rows is shared by columns. */
const FEW = 16;

/** Softmax, normalization and likelihood. */
export function rowKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const softmax = kernels.entry("softmax_f32");
  const softmaxBackward = kernels.entry("softmax_backward_f32");
  const layerNorm = kernels.entry("layer_norm_f32");
  const layerNormBackward = kernels.entry("layer_norm_backward_f32");
  const batchNorm = kernels.entry("batch_norm_f32");
  const batchNormBackward = kernels.entry("batch_norm_backward_f32");
  const nllLoss = kernels.entry("nll_loss_f32");
  const groupNorm = kernels.entry("group_norm_f32");
  const groupNormBackward = kernels.entry("group_norm_backward_f32");
  const groupNormBytes = kernels.entry("group_norm_scratch").fn;
  const rowsBytes = kernels.entry("rows_scratch").fn();
  /** A call over [outer, n, inner], cut along outer, or along inner where there are few outer. */
  const alongDim = (
    entry: Entry,
    operands: readonly Operand[],
    dim: number,
    logarithm: number,
    each: number,
  ): WasmDispatch => {
    kernels.needScratch(rowsBytes);
    const [outer, n, inner] = around(operands[0]!, dim);
    const args = [...operands.map(pointer), outer, n, inner, logarithm, inner];
    const byColumns = outer < FEW && inner > outer;
    const step = byColumns ? 4 : n * inner * 4;
    return kernels.cut(entry, args, {
      units: byColumns ? inner : outer,
      at: byColumns ? args.length - 1 : operands.length,
      grain: byColumns ? 16 : 1,
      cost: outer * n * inner * each,
      moves: operands.map((_, i) => [i, step] as const),
    });
  };
  const forward = (logarithm: number) =>
  (
    [x]: readonly [x: Operand],
    output: Operand,
    { dim }: { readonly dim: number },
  ): WasmDispatch | null => {
    if (!areDense(x, output)) return null;
    return alongDim(softmax, [x, output], dim, logarithm, 0.7);
  };
  const backward = (logarithm: number) =>
  (
    [g, y]: readonly [g: Operand, y: Operand],
    output: Operand,
    { dim }: { readonly dim: number },
  ): WasmDispatch | null => {
    if (!areDense(g, y, output)) return null;
    return alongDim(softmaxBackward, [g, y, output], dim, logarithm, logarithm ? 0.7 : 0.3);
  };
  return {
    softmax: forward(0),
    logSoftmax: forward(1),
    softmaxBackward: backward(0),
    logSoftmaxBackward: backward(1),
    groupNorm(inputs, outputs, { eps }) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 1)) return null;
      const [batch, groups, deep, n] = inputs[0].shape as [number, number, number, number];
      const size = deep * n;
      const rows = batch * groups;
      return kernels.cut(
        groupNorm,
        [...[...inputs, ...outputs].map(pointer), rows, 0, groups, deep, n, eps],
        {
          units: rows,
          at: 6,
          cost: rows * size * 0.3,
          moves: [[0, size * 4], [3, size * 4], [4, 4], [5, 4], [7, 1]],
        },
      );
    },
    groupNormBackward(inputs, outputs) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 2)) return null;
      const [batch, groups, deep, n] = inputs[1].shape as [number, number, number, number];
      const size = deep * n;
      const channels = groups * deep;
      const rows = batch * groups;
      kernels.needScratch(groupNormBytes(channels));
      const args = [...[...inputs, ...outputs].map(pointer), rows, 0, groups, deep, n];
      const parts = kernels.partsOf(groupNormBackward, args, {
        units: rows,
        at: 8,
        cost: rows * size * 0.5,
        moves: [[0, size * 4], [1, size * 4], [3, 4], [4, 4], [5, size * 4], [9, 1]],
      });
      return withSums(kernels, parts, [[6, channels], [7, channels]]);
    },
    layerNorm(inputs, outputs, { eps }) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 1)) return null;
      const n = count(inputs[1].shape);
      const rows = count(inputs[0].shape) / n;
      return kernels.cut(layerNorm, [...[...inputs, ...outputs].map(pointer), rows, n, eps], {
        units: rows,
        at: 6,
        cost: rows * n * 0.4,
        moves: [[0, n * 4], [3, n * 4], [4, 4], [5, 4]],
      });
    },
    layerNormBackward(inputs, outputs) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 2)) return null;
      const n = count(inputs[2].shape);
      const rows = count(inputs[1].shape) / n;
      kernels.needScratch(n * 8);
      const parts = kernels.partsOf(layerNormBackward, [...[...inputs, ...outputs].map(pointer), rows, n], {
        units: rows,
        at: 8,
        cost: rows * n * 0.8,
        moves: [[0, n * 4], [1, n * 4], [3, 4], [4, 4], [5, n * 4]],
      });
      return withSums(kernels, parts, [[6, n], [7, n]]);
    },
    batchNorm(inputs, outputs, { eps }) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 1)) return null;
      const [batch, channels, n] = byChannels(inputs[0]);
      const args = [...[...inputs, ...outputs].map(pointer), batch, channels, n, channels, eps];
      kernels.needScratch(rowsBytes);
      return kernels.cut(batchNorm, args, {
        units: channels,
        at: 7,
        grain: n === 1 ? 16 : 1,
        cost: batch * channels * n * 0.5,
        moves: [[0, n * 4], [1, 4], [2, 4], [3, n * 4], [4, 4], [5, 4]],
      });
    },
    batchNormBackward(inputs, outputs) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 2)) return null;
      const args = [...inputs, ...outputs].map(pointer);
      const [batch, channels, n] = byChannels(inputs[1]);
      kernels.needScratch(rowsBytes);
      return kernels.cut(batchNormBackward, [...args, batch, channels, n, channels], {
        units: channels,
        at: 9,
        grain: n === 1 ? 16 : 1,
        cost: batch * channels * n * 0.8,
        moves: [[0, n * 4], [1, n * 4], [2, 4], [3, 4], [4, 4], [5, n * 4], [6, 4], [7, 4]],
      });
    },
    nllLoss([logp, target, weight], [loss, total], { reduction, ignoreIndex }) {
      if (!areDense(logp, weight, loss, total) || !isDense(target, target.shape)) return null;
      const [rows, classes] = logp.shape as [number, number];
      const wide = target.dtype === int64;
      const args = [logp, target, weight, loss, total].map(pointer);
      return new CheckedCall(
        nllLoss,
        [...args, rows, classes, wide ? 1 : 0, ignoreIndex, reduction === "mean" ? 1 : 0],
        (row) => {
          throw new IndexError(
            `Cannot nllLoss ${classes} classes: targets must be in the range [0, ${
              classes - 1
            }] or ${ignoreIndex}, got ${kernels.indexAt(pointer(target), row, wide)} in row ${row}`,
          );
        },
      );
    },
  };
}
