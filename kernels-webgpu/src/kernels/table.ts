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
import { fftKernels } from "./fft.ts";
import { gatherKernels } from "./gather.ts";
import { gemmKernels } from "./gemm.ts";
import { linalgKernels } from "./linalg.ts";
import { optimKernels } from "./optim.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { poolKernels } from "./pool.ts";
import { randomKernels } from "./random.ts";
import { reduceKernels } from "./reduce.ts";
import { rowKernels } from "./rows.ts";
import { scanKernels } from "./scan.ts";
import { sortKernels } from "./sort.ts";

/** Core primitives that have no kernel on this device. */
export const missingNames = ["eigh", "svd"] as const;

/** The kernels of a device. */
export function ownKernels(limits: GpuLimits): KernelTable<GpuDispatch> {
  const missing = Object.fromEntries(missingNames.map((name) => [name, () => null])) as Record<
    typeof missingNames[number],
    () => null
  >;
  return {
    ...missing,
    ...convKernels(limits),
    ...dataKernels(limits),
    ...fftKernels(limits),
    ...gatherKernels(limits),
    ...gemmKernels(limits),
    ...linalgKernels(limits),
    ...optimKernels(limits),
    ...pointwiseKernels(limits),
    ...poolKernels(limits),
    ...randomKernels(limits),
    ...reduceKernels(limits),
    ...rowKernels(limits),
    ...scanKernels(limits),
    ...sortKernels(limits),
  };
}
