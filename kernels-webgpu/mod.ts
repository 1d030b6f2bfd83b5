/**
 * The GPU backend: WebGPU kernels written in WGSL.
 *
 * @module
 */

export {
  type BufferPart,
  createWebGpuBackend,
  isWebGpuAvailable,
  type WebGpuBackend,
  type WebGpuBackendOptions,
  type WebGpuFacts,
} from "./src/backend.ts";
export type { AutotuneOptions } from "./src/autotune.ts";
export type { ProductShape, TileName, TileRow, TileTable, Way } from "./src/kernels/gemm/tiles.ts";
export type { Counters } from "./src/recorder.ts";
