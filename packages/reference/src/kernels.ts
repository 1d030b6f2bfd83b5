/**
 * The table of all core kernels over memory that JavaScript can see.
 *
 * @module
 */

import type { Buffer, DataArray, DType, KernelTable } from "@flambeau/core";
import { dataKernels } from "./data.ts";
import { fftKernels } from "./fft.ts";
import { indexKernels } from "./index.ts";
import type { HostDispatch, View } from "./iterate.ts";
import { linalgKernels } from "./linalg.ts";
import { matmulKernels } from "./matmul.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { randomKernels } from "./random.ts";
import { reduceKernels } from "./reduce.ts";
import { scanKernels } from "./scan.ts";
import { sortKernels } from "./sort.ts";

/**
 * Kernels of every core primitive, for any strides, over memory that `viewOf` shows as a typed array.
 *
 * Fused primitives have no kernels here: they run through their decompositions.
 *
 * @param viewOf The whole memory of a buffer as elements of a dtype; element 0 is the start of the buffer. It is called
 * when a dispatch runs.
 */
export function hostKernels<B extends Buffer>(
  viewOf: (buffer: B, dtype: DType) => DataArray,
): KernelTable<HostDispatch> {
  const view: View = ({ buffer, dtype }) => viewOf(buffer as B, dtype);
  return {
    ...pointwiseKernels(view),
    ...reduceKernels(view),
    ...scanKernels(view),
    ...sortKernels(view),
    ...dataKernels(view),
    ...indexKernels(view),
    ...randomKernels(view),
    ...matmulKernels(view),
    ...linalgKernels(view),
    ...fftKernels(view),
  };
}
