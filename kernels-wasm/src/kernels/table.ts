/**
 * All kernels that run in WebAssembly, family by family.
 *
 * @module
 */

import type { KernelTable } from "@flambeau/core";
import type { WasmDispatch } from "../dispatch.ts";
import type { Kernels } from "../module.ts";
import { convKernels } from "./conv.ts";
import { dataKernels } from "./data.ts";
import { gemmKernels } from "./gemm.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { reduceKernels } from "./reduce.ts";

/** The kernels that run in WebAssembly; core primitives that are missing here run on the host. */
export function ownKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  return {
    ...convKernels(kernels),
    ...dataKernels(kernels),
    ...gemmKernels(kernels),
    ...pointwiseKernels(kernels),
    ...reduceKernels(kernels),
  };
}
