/**
 * Softmax, normalization, likelihood and their gradients, of dense float32 operands.
 *
 * @module
 */

import { float32, IndexError, int64, type KernelTable, type Operand } from "@flambeau/core";
import { Call, CheckedCall, type WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** True when all are float32 and dense. */
function areDense(...operands: Operand[]): boolean {
  return operands.every((x) => x.dtype === float32 && isDense(x, x.shape));
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

/** Softmax, normalization and likelihood. */
export function rowKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const softmax = kernels.entry("softmax_f32");
  const softmaxBackward = kernels.entry("softmax_backward_f32");
  const layerNorm = kernels.entry("layer_norm_f32");
  const layerNormBackward = kernels.entry("layer_norm_backward_f32");
  const batchNorm = kernels.entry("batch_norm_f32");
  const batchNormBackward = kernels.entry("batch_norm_backward_f32");
  const nllLoss = kernels.entry("nll_loss_f32");
  const softmaxBytes = kernels.entry("softmax_scratch").fn();
  const forward = (logarithm: number) =>
  (
    [x]: readonly [x: Operand],
    output: Operand,
    { dim }: { readonly dim: number },
  ): WasmDispatch | null => {
    if (!areDense(x, output)) return null;
    kernels.needScratch(softmaxBytes);
    return new Call(softmax, [pointer(x), pointer(output), ...around(x, dim), logarithm]);
  };
  const backward = (logarithm: number) =>
  (
    [g, y]: readonly [g: Operand, y: Operand],
    output: Operand,
    { dim }: { readonly dim: number },
  ): WasmDispatch | null => {
    if (!areDense(g, y, output)) return null;
    kernels.needScratch(softmaxBytes);
    const args = [g, y, output].map(pointer);
    return new Call(softmaxBackward, [...args, ...around(y, dim), logarithm]);
  };
  return {
    softmax: forward(0),
    logSoftmax: forward(1),
    softmaxBackward: backward(0),
    logSoftmaxBackward: backward(1),
    layerNorm(inputs, outputs, { eps }) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 1)) return null;
      const n = count(inputs[1].shape);
      const rows = count(inputs[0].shape) / n;
      return new Call(layerNorm, [...[...inputs, ...outputs].map(pointer), rows, n, eps]);
    },
    layerNormBackward(inputs, outputs) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 2)) return null;
      const n = count(inputs[2].shape);
      const rows = count(inputs[1].shape) / n;
      kernels.needScratch(n * 8);
      return new Call(layerNormBackward, [...[...inputs, ...outputs].map(pointer), rows, n]);
    },
    batchNorm(inputs, outputs, { eps }) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 1)) return null;
      return new Call(batchNorm, [...[...inputs, ...outputs].map(pointer), ...byChannels(inputs[0]), eps]);
    },
    batchNormBackward(inputs, outputs) {
      if (!areDense(...inputs, ...outputs) || !areApart(inputs, outputs, 2)) return null;
      const args = [...inputs, ...outputs].map(pointer);
      return new Call(batchNormBackward, [...args, ...byChannels(inputs[1])]);
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
