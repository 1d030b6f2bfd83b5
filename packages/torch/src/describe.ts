/**
 * `torch.backends`: which devices there are, what each turned out to have, and which one `"auto"` stands for and why.
 *
 * @module
 */

import type { MemoryStats } from "@flambeau/core";
import type { WasmBackend } from "@flambeau/kernels-wasm";
import { backendOf, getDefaultDevice, registeredDevices } from "@flambeau/tensor";
import { automatic } from "@flambeau/tensor/internal";
import { missingCpu } from "./backends.ts";
import { enableWebGpu, gpu } from "./enable.ts";

/** What is known of one device. */
export interface BackendDescription {
  /** Its name: `"cpu"`, `"webgpu"`, `"reference"`, or that of a device registered by the program. */
  readonly name: string;
  /** True when tensors can be made on it. */
  readonly isRegistered: boolean;
  /** True when `"auto"` stands for it. */
  readonly isChosen: boolean;
  /** Why `"auto"` stands for it, or does not. */
  readonly reason: string;
  /** What it turned out to have, by name. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** Its memory; null when it is not registered. */
  readonly memory: MemoryStats | null;
}

/** What is known of all devices; `String(report)` is a text to read. */
export interface BackendsReport {
  /** The device that `"auto"` stands for at this moment. */
  readonly auto: string;
  /** The device that new tensors go to. */
  readonly default: string;
  /** The devices, the best first. */
  readonly backends: readonly BackendDescription[];
  /** The report as text: a line for each device and for each fact. */
  toString(): string;
}

/** The CPU device, also one of a module that the program handed in; null where there is none. */
function cpuDevice(): WasmBackend | null {
  return registeredDevices().includes("cpu") ? backendOf("cpu") as WasmBackend : null;
}

/** Why the GPU device is not what `"auto"` stands for; null when it is. */
function refusalOfGpu(): string | null {
  const { backend, refusal } = gpu;
  if (backend === null) return refusal;
  const { lost, facts } = backend;
  if (lost !== null) return `the device was lost (${lost}); await torch.webgpu.recover()`;
  if (facts.isFallback) {
    return `its adapter, ${facts.adapter}, computes on the CPU; there the device "cpu" is faster`;
  }
  if (facts.maxBindingBytes < 2 ** 27) {
    return `its shaders must see 128 MiB at once, got ${inMiB(facts.maxBindingBytes)}`;
  }
  return null;
}

automatic.choose = () => {
  if (gpu.backend !== null && refusalOfGpu() === null) return gpu.backend;
  return cpuDevice() ?? backendOf("reference");
};

/**
 * Asks for a GPU, once, so that {@linkcode describe} and `"auto"` know of it: then `torch.setDefaultDevice("auto")` chooses
 * among all that this machine has. Never throws: what went wrong is the reason in the report.
 */
export async function probe(): Promise<BackendsReport> {
  await enableWebGpu().catch(() => {});
  return describe();
}

/**
 * What is known of all devices at this moment, without asking for anything: {@linkcode probe} asks.
 *
 * @example
 * ```ts
 * console.log(String(torch.backends.describe()));
 * ```
 */
export function describe(): BackendsReport {
  const auto = automatic.choose().name;
  const known = ["webgpu", "cpu", "reference"];
  const others = registeredDevices().filter((name) => !known.includes(name));
  const report = {
    auto,
    default: getDefaultDevice().type,
    backends: [...known, ...others].map((name) => describeOne(name, auto)),
  };
  return Object.defineProperty(report, "toString", { value: () => format(report) });
}

function describeOne(name: string, auto: string): BackendDescription {
  const isRegistered = registeredDevices().includes(name);
  return {
    name,
    isRegistered,
    isChosen: name === auto,
    reason: reasonOf(name, auto),
    facts: factsOf(name),
    memory: isRegistered ? backendOf(name).memory() : null,
  };
}

function reasonOf(name: string, auto: string): string {
  switch (name) {
    case "webgpu":
      return refusalOfGpu() ?? "its adapter is no software, and has the limits that kernels want";
    case "cpu":
      if (cpuDevice() === null) return missingCpu.reason;
      return auto === "cpu"
        ? "this engine has WebAssembly with SIMD, and there is no better device"
        : `"${auto}" is there`;
    case "reference":
      return auto === "reference" ? "there is no other device" : "it is slow, and exact: for comparisons";
    default:
      return "the program registered it, and chooses it by name";
  }
}

function factsOf(name: string): BackendDescription["facts"] {
  if (name === "webgpu" && gpu.backend !== null) {
    return { ...gpu.backend.facts, canReadSync: gpu.backend.canReadSync };
  }
  const cpu = name === "cpu" ? cpuDevice() : null;
  if (cpu === null) return {};
  const { build, isShared } = cpu.facts;
  const simd = build === null ? "a module of the program" : build === "relaxed" ? "relaxed SIMD" : "SIMD";
  return {
    build: `${simd}${isShared ? ", shared memory" : ""}`,
    threads: cpu.numThreads,
    whyNotMoreThreads: threadLimit(cpu),
  };
}

/** Why the CPU device has as many threads as it has. */
function threadLimit({ facts: { isShared, canShare, concurrency }, numThreads }: WasmBackend): string {
  if (concurrency === 1) return "the machine runs one at once";
  if (!canShare) {
    return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false
      ? "memory can be shared with workers in pages only that are cross-origin isolated (headers COOP and COEP)"
      : "this runtime has no workers that share memory";
  }
  if (!isShared) return "its memory is not shared with workers";
  if (numThreads >= concurrency) return `the machine runs ${concurrency} at once`;
  return `the machine runs ${concurrency} at once; torch.setNumThreads() takes more`;
}

const inMiB = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes % 2 ** 20 === 0 ? 0 : 1)} MiB`;

/** A name in camelCase as words. */
const inWords = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function format({ auto, default: current, backends }: Omit<BackendsReport, "toString">): string {
  const lines = [`device "auto": ${auto}, default: ${current}`];
  for (const { name, isRegistered, isChosen, reason, facts, memory } of backends) {
    const state = isChosen ? "chosen" : isRegistered ? "there" : "not there";
    lines.push(`${name}: ${state}; ${reason}`);
    for (const [fact, value] of Object.entries(facts)) {
      const text = fact.endsWith("Bytes")
        ? inMiB(value as number)
        : typeof value === "boolean"
        ? value ? "yes" : "no"
        : value;
      lines.push(`  ${inWords(fact.replace(/Bytes$/, ""))}: ${text}`);
    }
    if (memory !== null) {
      lines.push(`  memory: ${inMiB(memory.liveBytes)} in use, ${inMiB(memory.reservedBytes)} taken`);
    }
  }
  return lines.join("\n");
}
