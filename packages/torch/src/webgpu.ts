/**
 * The GPU device, on request: importing the library asks for no adapter and loads no kernels of the GPU.
 *
 * @module
 */

import { registerBackend, registeredDevices } from "@flambeau/tensor";

let starting: Promise<boolean> | null = null;

/**
 * Makes the device `"webgpu"` known, if this runtime has WebGPU and an adapter. Later calls give the same answer.
 *
 * Afterwards tensors and modules move there by `.to("webgpu")`, and `setDefaultDevice("webgpu")` makes new ones there.
 *
 * @returns True when the device is there.
 * @throws {DeviceError} If there is an adapter that gives no device.
 */
export function enableWebGpu(): Promise<boolean> {
  starting ??= start().catch((error) => {
    starting = null; // the next call may try again
    throw error;
  });
  return starting;
}

async function start(): Promise<boolean> {
  if (registeredDevices().includes("webgpu")) return true;
  const { createWebGpuBackend, isWebGpuAvailable } = await import("@flambeau/kernels-webgpu");
  if (!await isWebGpuAvailable()) return false;
  registerBackend(await createWebGpuBackend());
  return true;
}
