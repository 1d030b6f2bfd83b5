/**
 * The devices that come with the umbrella: `cpu` on WASM SIMD where the engine has it, and `reference`.
 *
 * @module
 */

import { createReferenceBackend, hostKernels } from "@flambeau/reference";
import { createWasmBackend, isWasmSupported } from "@flambeau/kernels-wasm";
import { registerBackend } from "@flambeau/tensor";

/** Registers the devices; the first becomes the default. Needs no permission and reads no environment. */
function registerDevices(): void {
  if (isWasmSupported()) registerBackend(createWasmBackend({ fallback: hostKernels }));
  registerBackend(createReferenceBackend());
}

registerDevices();
