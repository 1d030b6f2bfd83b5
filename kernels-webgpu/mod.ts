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
export type { GpuDispatch, Runner, StepBinding, StepParts } from "./src/dispatch.ts";
export type { BufferPool, GpuBuffer, Memory, PoolHost, PoolLimits } from "./src/memory.ts";
export type { Access, Binding, Counters, Layout, Pipeline, Recorder } from "./src/recorder.ts";
