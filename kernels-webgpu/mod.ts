/**
 * The GPU backend: WebGPU kernels written in WGSL.
 *
 * @module
 */

export {
  createWebGpuBackend,
  isWebGpuAvailable,
  type WebGpuBackend,
  type WebGpuBackendOptions,
  type WebGpuFacts,
} from "./src/backend.ts";
export type { Counters } from "./src/recorder.ts";
