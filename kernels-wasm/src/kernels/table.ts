/**
 * All kernels that run in WebAssembly, family by family.
 *
 * @module
 */

import type { KernelName, KernelTable, Operand } from "@flambeau/core";
import type { WasmDispatch } from "../dispatch.ts";
import { type AnyKernel, widening } from "../halves.ts";
import type { Kernels } from "../module.ts";
import { attentionKernels } from "./attention.ts";
import { convKernels } from "./conv.ts";
import { dataKernels } from "./data.ts";
import { gatherKernels } from "./gather.ts";
import { gemmKernels } from "./gemm.ts";
import { lossKernels } from "./loss.ts";
import { optimKernels } from "./optim.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { randomKernels } from "./random.ts";
import { recurrentKernels } from "./recurrent.ts";
import { reduceKernels } from "./reduce.ts";
import { resampleKernels } from "./resample.ts";
import { rowKernels } from "./rows.ts";
import { runningKernels } from "./running.ts";
import { sortKernels } from "./sort.ts";

/** Kernels that read inputs after they wrote some of the output: they must not run in place. */
const APART: readonly KernelName[] = [
  ...["matmul", "linear", "conv", "convInputGrad", "convWeightGrad", "maxPool", "maxPoolValues"] as const,
  ...[
    "avgPool",
    "maxPoolBackward",
    "avgPoolBackward",
    "resample",
    "flip",
    "concat",
    "pad",
    "indexSelect",
    "gather",
  ] as const,
  ...["attention", "attentionBackward", "crossEntropy", "crossEntropyBackward", "sort", "topk"] as const,
  ...[
    "rnnLayer",
    "rnnLayerBackward",
    "lstmLayer",
    "lstmLayerBackward",
    "gruLayer",
    "gruLayerBackward",
  ] as const,
];
/** As {@linkcode APART}, but for their first input. */
const APART_BUT_FIRST: readonly KernelName[] = ["indexReduce", "scatter"];

/**
 * Kernels that take halves as float32. Where a step rounds once, to round it again gives the half next to the exact result;
 * functions such as `exp`, whose float32 is not always the nearest one, are left to the host.
 */
const WIDENED: readonly KernelName[] = [
  ...["neg", "abs", "sign", "sqrt", "reciprocal", "floor", "ceil", "round", "trunc", "relu"] as const,
  ...["add", "sub", "mul", "div", "remainder", "fmod", "maximum", "minimum", "where", "clamp"] as const,
  ...["eq", "ne", "lt", "le", "gt", "ge", "logicalNot", "isnan", "isinf"] as const,
  ...["sum", "prod", "amax", "amin", "any", "all", "argmax", "argmin"] as const,
  ...["cumsum", "cumprod", "cummax", "cummin", "matmul", "linear"] as const,
];

/** Answers null where an output is one of the inputs from number `first` on. */
function apart(kernel: AnyKernel, first: number): AnyKernel {
  return (inputs, outputs, attrs) => {
    for (const output of Array.isArray(outputs) ? outputs as Operand[] : [outputs as Operand]) {
      for (let i = first; i < inputs.length; i++) {
        if (inputs[i]!.buffer === output.buffer && inputs[i]!.offset === output.offset) return null;
      }
    }
    return kernel(inputs, outputs, attrs);
  };
}

/** The kernels that run in WebAssembly; core primitives that are missing here run on the host. */
export function ownKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const table = {
    ...attentionKernels(kernels),
    ...convKernels(kernels),
    ...dataKernels(kernels),
    ...gatherKernels(kernels),
    ...gemmKernels(kernels),
    ...lossKernels(kernels),
    ...optimKernels(kernels),
    ...pointwiseKernels(kernels),
    ...randomKernels(kernels),
    ...recurrentKernels(kernels),
    ...reduceKernels(kernels),
    ...resampleKernels(kernels),
    ...rowKernels(kernels),
    ...runningKernels(kernels),
    ...sortKernels(kernels),
  } as Record<string, AnyKernel>;
  for (const name of APART) table[name] = apart(table[name]!, 0);
  for (const name of APART_BUT_FIRST) table[name] = apart(table[name]!, 1);
  for (const name of WIDENED) table[name] = widening(kernels, table[name]!, table.cast!);
  return table as unknown as Partial<KernelTable<WasmDispatch>>;
}
