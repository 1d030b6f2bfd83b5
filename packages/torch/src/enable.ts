/**
 * Starts the GPU device, on request: importing the library asks for no adapter and loads no kernels of the GPU.
 *
 * @module
 */

import type { TileTable, WebGpuBackend } from "@flambeau/kernels-webgpu";
import { backendOf, registerBackend, registeredDevices } from "@flambeau/tensor";

/** Options of {@linkcode enableWebGpu}. */
export interface WebGpuOptions {
  /** All memory that the device may take, in bytes. Default 64 GiB: until the driver has no more. */
  readonly maxBytes?: number;
  /** Memory that is kept for reuse, in bytes. Default 1 GiB. */
  readonly maxIdleBytes?: number;
  /** What `torch.webgpu.autotune` gave on this adapter before: how products of matrices are computed best. */
  readonly tiles?: TileTable;
}

/** The GPU device, and why there is none. */
export const gpu: {
  /** The device, once it was started. */
  backend: WebGpuBackend | null;
  /** Why there is none. */
  refusal: string;
  /** Called when it is lost; gives what fills a new device, for it to be asked for at once. */
  onLost: (backend: WebGpuBackend) => (() => void) | null;
} = {
  backend: null,
  refusal: "nobody has asked for it: await torch.enableWebGpu() or torch.backends.probe()",
  onLost: () => null,
};

let starting: Promise<boolean> | null = null;

/**
 * Makes the device `"webgpu"` known, if this runtime has WebGPU and an adapter. Later calls give the same answer.
 *
 * Afterwards tensors and modules move there by `.to("webgpu")`, and `setDefaultDevice("webgpu")` makes new ones there.
 *
 * @param options They count at the call that starts the device.
 * @returns True when the device is there.
 * @throws {DeviceError} If there is an adapter that gives no device.
 * @throws {ValueError} If `tiles` is not what autotuning gives.
 */
export function enableWebGpu(options: WebGpuOptions = {}): Promise<boolean> {
  starting ??= start(options).catch((error) => {
    starting = null; // the next call may try again
    gpu.refusal = error instanceof Error ? error.message : String(error);
    throw error;
  });
  return starting;
}

async function start(options: WebGpuOptions): Promise<boolean> {
  const { createWebGpuBackend, isWebGpuAvailable } = await import("@flambeau/kernels-webgpu");
  if (!registeredDevices().includes("webgpu")) {
    if (!await isWebGpuAvailable()) {
      const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
      gpu.refusal = navigator?.gpu === undefined
        ? "this runtime has no WebGPU (navigator.gpu)"
        : "this runtime has WebGPU, and no adapter for it";
      return false;
    }
    registerBackend(await createWebGpuBackend(options));
  }
  const backend = backendOf("webgpu") as WebGpuBackend;
  backend.onLost = () => gpu.onLost(backend);
  gpu.backend = backend;
  return true;
}
