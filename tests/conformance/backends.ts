/**
 * The devices that conform: a new one is one line here.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import { createWasmBackend, isWasmSupported } from "@flambeau/kernels-wasm";
import { createReferenceBackend, hostKernels } from "@flambeau/reference";

/** One row of the matrix. */
export interface Row {
  /** Name of the row in test titles. */
  readonly name: string;
  /** Makes the device. */
  readonly create: () => Backend;
  /** True where this runtime has the device. */
  readonly available: boolean;
  /** Widens the tolerances of the op facts: one number for a device with weaker elementary functions. */
  readonly factor: number;
  /** False where infinities, NaN and subnormal numbers may be lost: samples of edges are left out. */
  readonly edges: boolean;
}

/** The oracle: its results are what the others must give. */
export const oracle: Backend = createReferenceBackend() as Backend;

/** The matrix. */
export const rows: readonly Row[] = [
  { name: "reference", create: () => oracle, available: true, factor: 1, edges: true },
  {
    name: "cpu",
    create: () => createWasmBackend({ fallback: hostKernels }) as Backend,
    available: isWasmSupported(),
    factor: 1,
    edges: true,
  },
];
