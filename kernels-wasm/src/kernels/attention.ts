/**
 * Attention and its gradients, of float32 operands with dense rows and any steps between rows and heads.
 *
 * @module
 */

import { float32, type KernelTable, type Operand } from "@flambeau/core";
import { MetaCall, type WasmDispatch } from "../dispatch.ts";
import { count, loopsOf, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** True when rows of the last dimension are dense; a single column may have any step. */
function hasDenseRows(x: Operand): boolean {
  const last = x.shape.length - 1;
  return x.dtype === float32 && (x.strides[last] === 1 || x.shape[last] === 1);
}

/** `x` without its last two dimensions: where its heads begin. */
function headsOf(x: Operand): Operand {
  const at = x.shape.length - 2;
  const { buffer, dtype, offset } = x;
  return { buffer, dtype, offset, shape: x.shape.slice(0, at), strides: x.strides.slice(0, at) };
}

/** Attention and its gradients. */
export function attentionKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const forward = kernels.entry("attention_f32");
  const backward = kernels.entry("attention_backward_f32");
  const scratch = kernels.entry("attention_scratch").fn;
  const backwardScratch = kernels.entry("attention_backward_scratch").fn;

  /**
   * The numbers that kernels read: sizes, then steps from outer to outer, inner to inner and row to row of q, k, v, bias,
   * g, the row sums and the results. Null when leading dimensions are more than two loops.
   */
  const metaOf = (
    [q, k, v]: readonly [Operand, Operand, Operand],
    bias: Operand | undefined,
    g: Operand,
    sums: readonly Operand[],
    results: readonly Operand[],
    causal: boolean,
  ): { meta: number[]; heads: number } | null => {
    const operands = [q, k, v, bias ?? q, g, ...sums, ...results];
    const [l, e] = q.shape.slice(-2) as [number, number];
    const [s, f] = v.shape.slice(-2) as [number, number];
    if (s === 0 || e === 0 || !operands.every(hasDenseRows)) return null;
    // A bias of one column for all is no row of scores.
    if (bias !== undefined && bias.shape.at(-1) !== s) return null;
    if (bias !== undefined && bias.shape.length < 2) return null;
    const lead = q.shape.slice(0, -2);
    const { sizes, steps } = loopsOf(lead, operands.map(headsOf));
    if (sizes.length > 2) return null;
    const inner = sizes.at(-1)!;
    const stepsOf = (i: number): number[] => {
      const x = operands[i]!;
      const row = x.shape.at(-2) === 1 && l !== 1 && i === 3 ? 0 : x.strides.at(-2)!;
      return [sizes.length === 2 ? steps[i]![0]! : 0, steps[i]!.at(-1)!, row];
    };
    // Row sums lie alike: one set of steps stands for all of them.
    const first = 5;
    for (let i = first + 1; i < first + sums.length; i++) {
      if (String(stepsOf(i)) !== String(stepsOf(first))) return null;
    }
    const made = results.map((_, i) => stepsOf(first + sums.length + i));
    const meta = [
      inner,
      l,
      s,
      e,
      f,
      causal ? 1 : 0,
      ...[0, 1, 2, 3, 4, first].flatMap(stepsOf),
      ...made.flat(),
    ];
    return { meta, heads: count(sizes) };
  };

  return {
    attention([q, k, v, bias], [y, logs], { scale, causal }) {
      const found = metaOf([q, k, v], bias, q, [logs], [y], causal);
      if (found === null) return null;
      const { meta, heads } = found;
      const [, l, s, e, f] = meta as [number, number, number, number, number];
      kernels.needScratch(scratch(l, s, e, f));
      const pointers = [q, k, v].map(pointer);
      const args = [
        ...pointers,
        bias === undefined ? 0 : pointer(bias),
        pointer(y),
        pointer(logs),
        0,
        heads,
        scale,
      ];
      const cost = heads * l * s * (causal ? 0.5 : 1) * ((e + f) * 0.05 + 1);
      return new MetaCall(
        kernels.cut(forward, args, { units: heads, at: 7, cost, moves: [[6, 1]] }),
        meta,
        kernels.heap,
      );
    },
    attentionBackward([g, q, k, v, logs, delta, bias], results, { scale, causal }) {
      const found = metaOf([q, k, v], bias, g, [logs, delta], results, causal);
      if (found === null) return null;
      const { meta, heads } = found;
      const [, l, s, e, f] = meta as [number, number, number, number, number];
      kernels.needScratch(backwardScratch(s, e, f));
      const pointers = [...[g, q, k, v, logs, delta].map(pointer), bias === undefined ? 0 : pointer(bias)];
      const args = [...pointers, ...results.map(pointer), 0, heads, scale];
      const cost = heads * l * s * (causal ? 0.5 : 1) * ((e + f) * 0.12 + 1.5);
      return new MetaCall(
        kernels.cut(backward, args, { units: heads, at: 11, cost, moves: [[10, 1]] }),
        meta,
        kernels.heap,
      );
    },
  };
}
