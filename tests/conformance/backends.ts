/**
 * The devices that conform: a new one is one line here.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Backend,
  type DType,
  float32,
  inferAll,
  int16,
  int32,
  type Name,
  uint8,
} from "@flambeau/core";
import { createWasmBackend, isWasmSupported } from "@flambeau/kernels-wasm";
import { createWebGpuBackend, isWebGpuAvailable } from "@flambeau/kernels-webgpu";
import { createReferenceBackend, hostKernels } from "@flambeau/reference";
import { type Layout, layouts } from "@flambeau/testing";

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
  /** The layouts in which operands are tried. */
  readonly layoutsOf: (dtype: DType) => readonly Layout[];
  /** Why some dtypes are skipped; null where the device holds all. */
  readonly omits: string | null;
}

/** A row whose device is there. */
export interface LiveRow extends Row {
  /** The device. */
  readonly backend: Backend;
}

/** The oracle: its results are what the others must give. */
export const oracle: Backend = createReferenceBackend() as Backend;

/** Each form of a call costs the GPU a shader: these dtypes, one for each width and kind, stand for all in the other layouts. */
const wide: ReadonlySet<DType> = new Set([float32, int32, int16, uint8]);

const all: readonly Row[] = [
  { name: "reference", backend: oracle, factor: 1, edges: true, layoutsOf: () => layouts, omits: null },
  {
    name: "cpu",
    backend: isWasmSupported() ? createWasmBackend({ fallback: hostKernels }) as Backend : null,
    factor: 1,
    edges: true,
    layoutsOf: () => layouts,
    omits: null,
  },
  {
    name: "webgpu",
    backend: await isWebGpuAvailable() ? await createWebGpuBackend() : null,
    factor: 1,
    edges: true,
    layoutsOf: (dtype) => wide.has(dtype) ? layouts : ["contiguous"],
    omits: "webgpu holds no 64-bit types",
  },
];

/** The matrix, as far as this runtime has it. */
export const rows: readonly LiveRow[] = all.filter((row): row is LiveRow => row.backend !== null);

/** The rows whose devices have their kernels ready. The others compile a shader for each form of a call. */
export const hostRows: readonly LiveRow[] = rows.filter(({ name }) => name !== "webgpu");

/** The row of the GPU; null where there is no adapter. */
export const gpuRow: LiveRow | null = rows.find(({ name }) => name === "webgpu") ?? null;

/** False for a call with inputs or results in dtypes that the device of a row does not hold. */
export function holds(
  { backend }: LiveRow,
  name: Name,
  { inputs, attrs }: { readonly inputs: readonly Aval[]; readonly attrs: Attrs<Name> },
): boolean {
  return [...inputs, ...inferAll(name, inputs, attrs)].every(({ dtype }) => backend.dtypes.has(dtype));
}
