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
  /** The device; null where this runtime does not have it. */
  readonly backend: Backend | null;
  /** Widens the tolerances of the op facts: one number for a device with weaker elementary functions. */
  readonly factor: number;
  /** False where infinities, NaN and subnormal numbers may be lost: samples of edges are left out. */
  readonly edges: boolean;
}

/** A row whose device is there. */
export interface LiveRow extends Row {
  /** The device. */
  readonly backend: Backend;
}

/** The oracle: its results are what the others must give. */
export const oracle: Backend = createReferenceBackend() as Backend;

const all: readonly Row[] = [
  { name: "reference", backend: oracle, factor: 1, edges: true },
  {
    name: "cpu",
    backend: isWasmSupported() ? createWasmBackend({ fallback: hostKernels }) as Backend : null,
    factor: 1,
    edges: true,
  },
];

/** The matrix, as far as this runtime has it. */
export const rows: readonly LiveRow[] = all.filter((row): row is LiveRow => row.backend !== null);
