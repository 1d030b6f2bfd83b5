/**
 * Which device computes: the GPU where the browser has a real one, else the CPU on WASM.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import type { DeviceChoice } from "./messages.ts";

/** The device in use, and those that can be chosen. */
export interface Device {
  readonly name: string;
  readonly inWords: string;
  readonly choices: readonly DeviceChoice[];
}

/** What of WebGPU matters here. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info?: { readonly isFallbackAdapter?: boolean } } | null>;
}

/**
 * Makes a device the default one.
 *
 * @throws {torch.DeviceError} If it was asked for by name and cannot be had.
 */
export async function useDevice(choice: DeviceChoice): Promise<Device> {
  const gpu = await findGpu();
  if (choice === "webgpu" || (choice === "auto" && gpu === "hardware")) {
    const there = await torch.enableWebGpu();
    if (there) torch.setDefaultDevice("webgpu");
    else if (choice === "webgpu") throw new torch.DeviceError("Cannot use the GPU: this browser gives none");
  } else if (choice === "cpu") {
    torch.setDefaultDevice("cpu");
  }
  // One thread less than the machine runs at once, so that the page never waits for its own training.
  torch.setNumThreads(Math.max(1, torch.getNumThreads() - 1));
  const name = String(torch.getDefaultDevice());
  const choices: DeviceChoice[] = gpu === null ? ["cpu"] : ["cpu", "webgpu"];
  return { name, inWords: describe(name), choices };
}

function describe(name: string): string {
  if (name === "webgpu") return "GPU, WebGPU";
  if (name !== "cpu") return `${name}, plain JavaScript (this browser has no WASM SIMD)`;
  const threads = torch.getNumThreads();
  return `CPU, WASM SIMD, ${threads} thread${threads === 1 ? "" : "s"}`;
}

/** A GPU in hardware, one that a program plays (slower than WASM), or null. */
async function findGpu(): Promise<"hardware" | "software" | null> {
  const gpu = (navigator as { readonly gpu?: Gpu }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (adapter === null || adapter === undefined) return null;
  return adapter.info?.isFallbackAdapter === true ? "software" : "hardware";
}
