/**
 * `torch.webgpu`: the GPU device. Waiting, memory, and going on after a loss. What it has in common with `torch.cuda` has
 * the names from there.
 *
 * @module
 */

import { DeviceError, type MemoryStats } from "@flambeau/core";
import type { AutotuneOptions, TileTable, WebGpuBackend } from "@flambeau/kernels-webgpu";
import { abandon, computeWaiting } from "@flambeau/tensor/internal";
import { gpu } from "./enable.ts";
import { Shadow, type Shadowable, shadows } from "./shadow.ts";

export type { AutotuneOptions, TileTable } from "@flambeau/kernels-webgpu";
export type { Shadow, Shadowable, Stateful } from "./shadow.ts";

/** The device, for what needs it. */
function device(op: string): WebGpuBackend {
  if (gpu.backend !== null) return gpu.backend;
  throw new DeviceError(`Cannot ${op} webgpu: the device must be there, but ${gpu.refusal}`);
}

// What was on the device is gone at the moment of the loss; what has a copy is filled again when there is a new one.
gpu.onLost = (backend) => {
  abandon(backend, [...shadows].flatMap((shadow) => [...shadow.storages]));
  return [...shadows].some(({ isReady }) => isReady) ? restore : null;
};

function restore(): void {
  for (const shadow of shadows) shadow.restore();
}

/** True when this runtime has WebGPU and an adapter for it. Asks, and starts nothing. */
export async function isAvailable(): Promise<boolean> {
  if (gpu.backend !== null) return true;
  const { isWebGpuAvailable } = await import("@flambeau/kernels-webgpu");
  return await isWebGpuAvailable();
}

/**
 * True while the device is lost and no new one is there.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function isLost(): boolean {
  return device("ask for").lost !== null;
}

/**
 * Waits until all that was asked of the device is done, what waits to be computed included, as `torch.cuda.synchronize`, and throws what went wrong in it.
 *
 * @throws {DeviceError} If the device was not started.
 * @throws {DeviceLostError} If it is lost.
 * @see https://pytorch.org/docs/stable/generated/torch.cuda.synchronize.html
 */
export async function synchronize(): Promise<void> {
  const backend = device("synchronize");
  if (backend.lost === null) computeWaiting(backend);
  await backend.sync();
}

/**
 * Keeps copies on the host of what a program cannot do without when the GPU is lost: tensors, modules, optimizers,
 * schedules, generators. Resolves when the first copy is there; `await shadow.sync(step)` makes the next.
 *
 * A driver may be restarted at any time, and takes along all that was on the device. With a shadow the library then asks for a
 * new device by itself and puts everything back as it was at the last `sync`. A `DeviceLostError` says so: by the read that
 * waited, or by the first call afterwards. All tensors without a copy are gone, and say so when they are used.
 *
 * @throws {DeviceError} If the device was not started.
 * @throws {ArgumentTypeError} If one of \`things\` has no state that could be copied.
 *
 * @example
 * \`\`\`ts
 * const shadow = await torch.webgpu.shadow(net, optimizer);
 * await shadow.sync(0);
 * for (let step = 0; step < 1000; step++) {
 *   try {
 *     await trainOn(batches[step]);
 *     if (step % 50 === 49) await shadow.sync(step + 1);
 *   } catch (error) {
 *     if (!(error instanceof torch.DeviceLostError)) throw error;
 *     await torch.webgpu.recover();
 *     step = shadow.mark! - 1; // the loop adds 1
 *   }
 * }
 * \`\`\`
 */
export async function shadow<M = number>(...things: Shadowable[]): Promise<Shadow<M>> {
  device("shadow what is on");
  const made = new Shadow<M>(things);
  try {
    await made.sync();
  } catch (error) {
    made.dispose();
    throw error;
  }
  return made;
}

/**
 * Asks for a new device after a loss, and puts back what is in shadows. Where that has happened by itself it only waits for
 * it, and while the device is there it does nothing: call it wherever a `DeviceLostError` is caught.
 *
 * @throws {DeviceError} If the device was not started.
 * @throws {DeviceLostError} If there is no adapter any more, or no device of it.
 */
export async function recover(): Promise<void> {
  await device("recover").recover(restore);
}

/**
 * Bytes in tensors on the device, as `torch.cuda.memory_allocated`.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function memoryAllocated(): number {
  return memoryStats().liveBytes;
}

/**
 * The most bytes in tensors on the device at a time, as `torch.cuda.max_memory_allocated`.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function maxMemoryAllocated(): number {
  return memoryStats().peakBytes;
}

/**
 * Bytes taken from the driver, what is kept for reuse included, as `torch.cuda.memory_reserved`.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function memoryReserved(): number {
  return memoryStats().reservedBytes;
}

/**
 * All numbers of the memory of the device.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function memoryStats(): MemoryStats {
  return device("ask for the memory of").memory();
}

/**
 * Starts {@linkcode maxMemoryAllocated} anew, as `torch.cuda.reset_peak_memory_stats`.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function resetPeakMemoryStats(): void {
  device("ask for the memory of").resetPeak();
}

/**
 * Gives memory that is kept for reuse to the driver, as `torch.cuda.empty_cache`.
 *
 * @throws {DeviceError} If the device was not started.
 */
export function emptyCache(): void {
  device("empty the cache of").trim();
}

/**
 * Measures which tiles are best for products of matrices on this adapter, and uses them from then on. What it gives is plain
 * data: store it as JSON, and give it back by `enableWebGpu({ tiles })`.
 *
 * @throws {DeviceError} If the device was not started.
 * @throws {ValueError} If a size or the budget is not a positive number.
 *
 * @example
 * ```ts
 * const tiles = await torch.webgpu.autotune({ budgetMs: 3000 });
 * localStorage.setItem("tiles", JSON.stringify(tiles));
 * ```
 */
export async function autotune(options?: AutotuneOptions): Promise<TileTable> {
  return await device("autotune").autotune(options);
}
