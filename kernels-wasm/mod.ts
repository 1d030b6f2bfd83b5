/**
 * The CPU backend: WASM SIMD kernels compiled from AssemblyScript.
 *
 * @module
 */

export {
  createWasmBackend,
  type FallbackFactory,
  isWasmSupported,
  type WasmBackend,
  type WasmBackendOptions,
  type WasmFacts,
} from "./src/backend.ts";
export type { WasmDispatch } from "./src/dispatch.ts";
export { bestBuild, type WasmBuild } from "./src/module.ts";
