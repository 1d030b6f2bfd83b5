/**
 * Recurrent layers and their gradients, of dense float32 operands: one call for all steps of one size.
 *
 * @module
 */

import { float32, type KernelTable, type Operand, type RecurrentAttrs } from "@flambeau/core";
import { type Entry, Sequence, type WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer, rowsOf } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Bytes of packed weight beyond which a layer goes step by step. */
const MOST_BYTES = 1 << 28;

/** Up to so many samples the weight is read where it is: packing it would cost more than it saves. */
const FEW = 4;

/** Steps of one size that follow one another in the order of the run. */
interface Segment {
  readonly size: number;
  readonly steps: number;
  /** The first row of the step that runs first. */
  readonly row: number;
}

/** The segments in the order in which the layer runs, or in which its gradient does. */
function segmentsOf(sizes: readonly number[], descending: boolean): Segment[] {
  const segments: Segment[] = [];
  let row = 0;
  for (let t = 0; t < sizes.length;) {
    const size = sizes[t]!;
    let steps = 1;
    while (sizes[t + steps] === size) steps++;
    segments.push({ size, steps, row: descending ? row + (steps - 1) * size : row });
    row += steps * size;
    t += steps;
  }
  return descending ? segments.reverse() : segments;
}

/** An operand of a kernel: with the parts of H elements that a row of a step has in it, or with what else it is. */
type Argument = readonly [x: Operand, role: number | "weight" | "bias" | "state"];

/** RNN, LSTM and GRU layers. */
export function recurrentKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const copy = kernels.entry("copy_32");
  const scratch = kernels.entry("recurrent_scratch").fn;

  /**
   * Copies the first states over those that the kernel replaces, then calls it for each size of steps.
   *
   * @param states What the states begin as, and where they are.
   * @param tail Further numbers of the kernel.
   */
  const layer = (
    entry: Entry,
    args: readonly Argument[],
    states: readonly (readonly [from: Operand, to: Operand])[],
    { sizes, reverse }: RecurrentAttrs,
    backward: boolean,
    tail: readonly number[] = [],
  ): WasmDispatch | null => {
    const operands = [...args.map(([x]) => x), ...states.flat()];
    if (!operands.every((x) => x.dtype === float32 && isDense(x, x.shape))) return null;
    const [rows, h] = args.find(([, role]) => role === "weight")![0].shape as [number, number];
    if (rows * h * 4 > MOST_BYTES) return null;
    kernels.needScratch(backward ? scratch(rows, h) : scratch(h, rows));
    const threads = kernels.pool?.threads ?? 1;
    const descending = reverse !== backward;
    const list = states.map(([from, to]): WasmDispatch =>
      rowsOf(kernels, copy, [count(to.shape)], [[1], [1]], [pointer(from), pointer(to)], [4, 4])
    );
    for (const { size, steps, row } of segmentsOf(sizes, descending)) {
      const bytes = args.map(([, role]) =>
        (typeof role === "number" ? role : role === "state" ? 1 : 0) * h * 4
      );
      const starts = args.map(([x, role], i) =>
        pointer(x) + (typeof role === "number" ? row * bytes[i]! : 0)
      );
      const numbers = [size, steps, descending ? -size : size, h, size > FEW ? 1 : 0, ...tail];
      list.push(kernels.cut(entry, [...starts, ...numbers], {
        units: size,
        at: args.length,
        // Every part packs the weight. Products of few rows sum in an order that depends on their number.
        grain: size > FEW ? Math.ceil(size / threads) : size,
        cost: size * steps * rows * h * 0.04,
        moves: bytes.map((step, i) => [i, step] as const),
      }));
    }
    return new Sequence(list);
  };

  const rnn = kernels.entry("rnn_layer_f32");
  const rnnBackward = kernels.entry("rnn_layer_backward_f32");
  const lstm = kernels.entry("lstm_layer_f32");
  const lstmBackward = kernels.entry("lstm_layer_backward_f32");
  const gru = kernels.entry("gru_layer_f32");
  const gruBackward = kernels.entry("gru_layer_backward_f32");
  return {
    rnnLayer([gates, weight, h], [y, hn, hiddens], attrs) {
      const args = [[gates, 1], [weight, "weight"], [y, 1], [hn, "state"], [hiddens, 1]] as const;
      return layer(rnn, args, [[h, hn]], attrs, false, [attrs.nonlinearity === "relu" ? 1 : 0]);
    },
    rnnLayerBackward([gy, ghn, weight, y, ghiddens], [ggates, gh], attrs) {
      if (ghiddens !== undefined) return null;
      const args = [[gy, 1], [weight, "weight"], [y, 1], [ggates, 1], [gh, "state"]] as const;
      return layer(rnnBackward, args, [[ghn, gh]], attrs, true, [attrs.nonlinearity === "relu" ? 1 : 0]);
    },
    lstmLayer([gates, weight, h, c], [y, hn, cn, activations, hiddens, cells], attrs) {
      const args = [
        ...[[gates, 4], [weight, "weight"], [y, 1], [hn, "state"], [cn, "state"]] as const,
        ...[[activations, 4], [hiddens, 1], [cells, 1]] as const,
      ];
      return layer(lstm, args, [[h, hn], [c, cn]], attrs, false);
    },
    lstmLayerBackward(inputs, [ggates, gh, gc], attrs) {
      if (inputs.length > 6) return null;
      const [gy, ghn, gcn, weight, activations, cells] = inputs;
      const args = [
        ...[[gy, 1], [weight, "weight"], [activations, 4], [cells, 1]] as const,
        ...[[ggates, 4], [gh, "state"], [gc, "state"]] as const,
      ];
      return layer(lstmBackward, args, [[ghn, gh], [gcn, gc]], attrs, true);
    },
    gruLayer([gates, weight, bias, h], [y, hn, activations, hiddens], attrs) {
      const args = [
        ...[[gates, 3], [weight, "weight"], [bias, "bias"], [y, 1], [hn, "state"]] as const,
        ...[[activations, 4], [hiddens, 1]] as const,
      ];
      return layer(gru, args, [[h, hn]], attrs, false);
    },
    gruLayerBackward(inputs, [ga, gb, gh], attrs) {
      if (inputs.length > 5) return null;
      const [gy, ghn, weight, activations, hiddens] = inputs;
      const args = [
        ...[[gy, 1], [weight, "weight"], [activations, 4], [hiddens, 1]] as const,
        ...[[ga, 3], [gb, 3], [gh, "state"]] as const,
      ];
      return layer(gruBackward, args, [[ghn, gh]], attrs, true);
    },
  };
}
