/**
 * All kernels, family by family.
 *
 * @module
 */

import {
  bfloat16,
  bool,
  DeviceError,
  type DType,
  float16,
  float32,
  formatType,
  int16,
  int32,
  int8,
  type KernelName,
  type KernelTable,
  type Operand,
  uint8,
} from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { attentionKernels } from "./attention.ts";
import { convKernels } from "./conv.ts";
import { dataKernels } from "./data.ts";
import { fftKernels } from "./fft.ts";
import { gatherKernels } from "./gather.ts";
import { gemmKernels } from "./gemm.ts";
import { linalgKernels } from "./linalg.ts";
import { lossKernels } from "./loss.ts";
import { normKernels } from "./norm.ts";
import { optimKernels } from "./optim.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { poolKernels } from "./pool.ts";
import { randomKernels } from "./random.ts";
import { recurrentKernels } from "./recurrent.ts";
import { reduceKernels } from "./reduce.ts";
import { rowKernels } from "./rows.ts";
import { scanKernels } from "./scan.ts";
import { sortKernels } from "./sort.ts";
import { spectralKernels } from "./spectral.ts";

/** Element types that shaders can hold: there are no 64-bit ones. */
export const gpuDTypes: ReadonlySet<DType> = new Set([
  bool,
  uint8,
  int8,
  int16,
  int32,
  float16,
  bfloat16,
  float32,
]);

type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => GpuDispatch | null;

/** A kernel that refuses what shaders cannot hold, in words. */
function checked(op: string, kernel: AnyKernel): AnyKernel {
  const check = (x: Operand): void => {
    if (gpuDTypes.has(x.dtype)) return;
    const instead = x.dtype.kind === "float" ? "float32" : "int32";
    throw new DeviceError(
      `Cannot ${op} with ${
        formatType(x)
      } on webgpu: it has no ${x.dtype.name}; use ${instead}, as in x.to("${instead}"), ` +
        `or compute on the CPU, as in x.to("cpu")`,
    );
  };
  return (inputs, outputs, attrs) => {
    for (let i = 0; i < inputs.length; i++) check(inputs[i]!);
    if (!Array.isArray(outputs)) check(outputs as Operand);
    else for (const output of outputs as Operand[]) check(output);
    return kernel(inputs, outputs, attrs);
  };
}

/** The kernels of a device. */
export function ownKernels(limits: GpuLimits): KernelTable<GpuDispatch> {
  const table = allKernels(limits) as unknown as Record<KernelName, AnyKernel>;
  const names = Object.keys(table) as KernelName[];
  return Object.fromEntries(
    names.map((name) => [name, checked(name, table[name])]),
  ) as unknown as KernelTable<
    GpuDispatch
  >;
}

function allKernels(limits: GpuLimits): KernelTable<GpuDispatch> {
  return {
    ...attentionKernels(limits),
    ...convKernels(limits),
    ...dataKernels(limits),
    ...fftKernels(limits),
    ...gatherKernels(limits),
    ...gemmKernels(limits),
    ...linalgKernels(limits),
    ...lossKernels(limits),
    ...normKernels(limits),
    ...optimKernels(limits),
    ...pointwiseKernels(limits),
    ...poolKernels(limits),
    ...randomKernels(limits),
    ...recurrentKernels(limits),
    ...reduceKernels(limits),
    ...rowKernels(limits),
    ...scanKernels(limits),
    ...sortKernels(limits),
    ...spectralKernels(limits),
  };
}
