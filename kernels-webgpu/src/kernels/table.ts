/**
 * All kernels, family by family.
 *
 * @module
 */

import type { KernelTable } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { convKernels } from "./conv.ts";
import { dataKernels } from "./data.ts";
import { gemmKernels } from "./gemm.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { randomKernels } from "./random.ts";
import { reduceKernels } from "./reduce.ts";

/** The kernels of a device. */
export function ownKernels(limits: GpuLimits): KernelTable<GpuDispatch> {
  return {
    ...convKernels(limits),
    ...dataKernels(limits),
    ...gemmKernels(limits),
    ...pointwiseKernels(limits),
    ...randomKernels(limits),
    ...reduceKernels(limits),
  } as unknown as KernelTable<GpuDispatch>;
}
