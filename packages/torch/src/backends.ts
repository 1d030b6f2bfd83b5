/**
 * The devices that come with the umbrella: `cpu` on WASM SIMD where the engine has it, and `reference`.
 *
 * @module
 */

import { DeviceError, ValueError } from "@flambeau/core";
import { createReferenceBackend, hostKernels } from "@flambeau/reference";
import { createWasmBackend, isWasmSupported, type WasmBackend } from "@flambeau/kernels-wasm";
import { registerBackend } from "@flambeau/tensor";

/** Why there is no CPU device. */
export const missingCpu: { reason: string } = { reason: "this engine has no WebAssembly with SIMD" };

/** The CPU device. Null where there is no WASM SIMD, or no permission to compile: edge runtimes hand a module in later. */
function createCpu(): WasmBackend | null {
  if (!isWasmSupported()) return null;
  try {
    return createWasmBackend({ fallback: hostKernels });
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    missingCpu.reason = error.message;
    return null;
  }
}

/** Registers the devices; the first becomes the default. Needs no permission and reads no environment. */
function registerDevices(): WasmBackend | null {
  const wasm = createCpu();
  if (wasm !== null) registerBackend(wasm);
  registerBackend(createReferenceBackend());
  return wasm;
}

const cpu = registerDevices();

/**
 * Sets how many threads large operations on the CPU share, as `torch.set_num_threads`.
 *
 * The default is what the machine runs at once, at most 8, where memory can be shared (Deno, Node, Bun, and pages that are
 * cross-origin isolated), else 1, which no call changes. Threads start after some 50 ms of large operations and
 * never keep a program from ending. For one number of threads results are the same in every run.
 *
 * @throws {ValueError} If `count` is no positive integer.
 * @see https://pytorch.org/docs/stable/generated/torch.set_num_threads.html
 */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new ValueError(`Cannot setNumThreads: count must be a positive integer, got ${count}`);
  }
  if (cpu !== null) cpu.numThreads = count;
}

/**
 * How many threads large operations on the CPU share, as `torch.get_num_threads`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.get_num_threads.html
 */
export function getNumThreads(): number {
  return cpu === null ? 1 : cpu.numThreads;
}
