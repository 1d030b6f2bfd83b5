/**
 * Which build of the kernels runs here, and its instance: exports by name over one memory.
 *
 * @module
 */

import { DeviceError } from "@flambeau/core";
import {
  Call,
  CheckedCall,
  type Entry,
  Job,
  RESERVED,
  type WasmDispatch,
  type WasmFunction,
} from "./dispatch.ts";
import { Finishing } from "./finish.ts";
import { kernels } from "./generated/kernels.ts";
import { Heap } from "./heap.ts";
import { unpack } from "./packed.ts";
import { Pool } from "./threads.ts";
import { MAX_PARTS } from "./worker_source.ts";

/** A build of the kernels: plain 128-bit SIMD, or with the relaxed instructions (fused multiply-add). */
export type WasmBuild = "simd" | "relaxed";

// (func (result v128) i32.const 0, i8x16.splat)
const SIMD_PROBE = [
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  8,
  1,
  6,
  0,
  65,
  0,
  253,
  15,
  11,
];
// The same with two splats and i8x16.relaxed_swizzle.
const RELAXED_PROBE = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
  ...[65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
];

/** The best build that this engine takes, or null where WebAssembly or its SIMD is missing. */
export function bestBuild(): WasmBuild | null {
  if (typeof WebAssembly !== "object") return null;
  if (!WebAssembly.validate(new Uint8Array(SIMD_PROBE))) return null;
  return WebAssembly.validate(new Uint8Array(RELAXED_PROBE)) ? "relaxed" : "simd";
}

const compiled = new Map<string, WebAssembly.Module>();

/** Compiles a build once. */
function moduleOf(build: WasmBuild, shared: boolean): WebAssembly.Module {
  const key = shared ? `${build}-threads` : build;
  let module = compiled.get(key);
  if (module === undefined) {
    const bytes = unpack(kernels, build === "relaxed");
    module = new WebAssembly.Module(shared ? withSharedMemory(bytes) : bytes);
    compiled.set(key, module);
  }
  return module;
}

/** How the import of memory begins in a module's bytes: "env", "memory", kind, and the flag of a memory with a maximum. */
const MEMORY_IMPORT = [3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 1];

/**
 * The build for shared memory. Kernels use no atomic instructions, so it differs in one byte, the flag of the memory that
 * is imported: there is no need to ship it.
 */
export function withSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = bytes.findIndex((_, i) => MEMORY_IMPORT.every((byte, j) => bytes[i + j] === byte));
  if (at < 0) throw new DeviceError(`Cannot share the memory of the "cpu" kernels: they must import it`);
  bytes[at + MEMORY_IMPORT.length - 1] = 3;
  return bytes;
}

/** How a call may be cut into parts that run on several threads. */
export interface Cut {
  /** Units of the loop that is cut. */
  readonly units: number;
  /** Which argument holds their number. */
  readonly at: number;
  /** Arguments that go on by so much a unit. */
  readonly moves: readonly (readonly [argument: number, step: number])[];
  /** Parts begin at multiples of so many units. Default 1. */
  readonly grain?: number;
  /** Nanoseconds that the whole call takes on one thread, roughly. */
  readonly cost: number;
  /** Whether short parts pay too, where a thread is awake to take them: the operands mostly lie in caches. */
  readonly quick?: boolean;
}

/** When calls are cut. */
export const cutting: { least: number; quick: number } = {
  /** What a part must cost to be worth handing over, in nanoseconds. */
  least: 30_000,
  /** The same for threads that are awake: no thread is woken for less than `least`. */
  quick: 4_000,
};

/** The running kernels: their exports, their memory and its allocator. */
export class Kernels {
  /** The allocator over the memory. */
  readonly heap: Heap;
  /** The compiled module. */
  readonly module: WebAssembly.Module;
  /** Names of the functions it exports, in order. */
  readonly names: readonly string[];
  /** The product that waits for what follows it. */
  readonly finishing: Finishing = new Finishing(this);
  /** Threads that share the memory; null where there is one only. */
  readonly pool: Pool | null;
  /**
   * Whether products run kernels that are not unrolled: engines before the relaxed instructions move the loads of several
   * steps to their beginning and run out of registers.
   */
  readonly rolled: boolean = bestBuild() !== "relaxed";
  readonly #exports: WebAssembly.Exports;
  readonly #table: WebAssembly.Table;
  readonly #entries: Map<string, Entry> = new Map();
  readonly #slots: Map<string, number> = new Map();
  #scratch = 0;
  #scratchBytes = 0;

  /**
   * Instantiates at once, with no permission and no wait.
   *
   * @param source A build by name, or a module compiled elsewhere (edge runtimes import the `.wasm` file).
   * @param shared Whether the memory can be shared with workers. A module must have been compiled for the same.
   * @throws {DeviceError} If this engine has no WebAssembly SIMD, or does not let code be compiled here.
   */
  constructor(source: WasmBuild | WebAssembly.Module, shared: boolean) {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared });
    this.#table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
    try {
      this.module = typeof source === "string" ? moduleOf(source as WasmBuild, shared) : source;
      this.#exports = new WebAssembly.Instance(this.module, { env: { memory, table: this.#table } }).exports;
    } catch (error) {
      throw new DeviceError(
        `Cannot start the "cpu" kernels: a WebAssembly module must compile here, got ${error}`,
        { cause: error },
      );
    }
    this.names = Object.keys(this.#exports).filter((name) => typeof this.#exports[name] === "function");
    this.#table.grow(this.names.length);
    this.heap = new Heap(memory, RESERVED);
    this.entry("init_constants").fn();
    this.entry("set_rolled").fn(Number(this.rolled));
    this.pool = shared ? new Pool(this) : null;
  }

  /** Bytes of working memory that kernels have asked for so far. */
  get scratchBytes(): number {
    return this.#scratchBytes;
  }

  /** The parts that a loop over `units` is cut into: where each begins, and the end. */
  cuts(units: number, grain: number, cost: number, quick: boolean = false): readonly number[] {
    const threads = this.pool === null ? 1 : this.pool.threads;
    const least = quick ? cutting.quick : cutting.least;
    if (threads === 1 || cost < 2 * least) return [0, units];
    // Long jobs in more parts than threads: one that is held up leaves its share to the others.
    const wish = threads * (cost > 100 * cutting.least ? 4 : cost > 20 * cutting.least ? 2 : 1);
    const grains = Math.ceil(units / grain);
    const parts = Math.min(wish, Math.floor(cost / least), grains, MAX_PARTS);
    const starts: number[] = [];
    for (let i = 0; i <= parts; i++) starts.push(Math.min(units, Math.floor(i * grains / parts) * grain));
    return starts;
  }

  /** A call, on several threads where it is long enough. */
  cut(entry: Entry, args: readonly number[], cut: Cut): WasmDispatch {
    const least = cut.quick === true ? cutting.quick : cutting.least;
    if (this.pool === null || cut.cost < 2 * least) return new Call(entry, args);
    const parts = this.partsOf(entry, args, cut);
    return parts.length === 1 ? parts[0]! : new Job(this.pool!, parts, null, cut.cost < 2 * cutting.least);
  }

  /** As {@linkcode cut} for a call that answers −1 or a status; a unit stands for `statuses` of these. */
  cutChecked(
    entry: Entry,
    args: readonly number[],
    cut: Cut,
    statuses: number,
    fail: (status: number) => never,
  ): WasmDispatch {
    const starts = this.cuts(cut.units, cut.grain ?? 1, cut.cost);
    if (starts.length === 2) return new CheckedCall(entry, args, fail);
    return new Job(this.pool!, this.partsOf(entry, args, cut), (results) => {
      const at = results.findIndex((status) => status !== -1);
      if (at >= 0) fail(starts[at]! * statuses + results[at]!);
    });
  }

  /** The parts of a call. */
  partsOf(entry: Entry, args: readonly number[], { units, at, moves, grain = 1, cost, quick }: Cut): Call[] {
    const starts = this.cuts(units, grain, cost, quick);
    const parts: Call[] = [];
    for (let i = 0; i + 1 < starts.length; i++) {
      const list = [...args];
      list[at] = starts[i + 1]! - starts[i]!;
      for (const [argument, step] of moves) list[argument]! += starts[i]! * step;
      parts.push(new Call(entry, list));
    }
    return parts;
  }

  /** An exported kernel by name. */
  entry(name: string): Entry {
    const found = this.find(name);
    if (found === null) throw new DeviceError(`Cannot find the kernel ${name} in this WebAssembly module`);
    return found;
  }

  /** An exported kernel by name, or null. */
  find(name: string): Entry | null {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const fn = this.#exports[name];
    if (typeof fn !== "function") return null;
    const entry = { name, fn: fn as WasmFunction };
    this.#entries.set(name, entry);
    return entry;
  }

  /** A kernel's place in the table through which the loops over strided operands call it, the same on all threads. */
  slot(entry: Entry): number {
    let slot = this.#slots.get(entry.name);
    if (slot === undefined) {
      slot = this.names.indexOf(entry.name) + 1;
      this.#table.set(slot, entry.fn);
      this.#slots.set(entry.name, slot);
    }
    return slot;
  }

  /** The index number `i` of those at `ptr`: int64 where `wide`, else int32. */
  indexAt(ptr: number, i: number, wide: boolean): bigint | number {
    const ints = this.heap.ints;
    if (!wide) return ints[(ptr >>> 2) + i]!;
    const at = (ptr >>> 2) + 2 * i;
    return (BigInt(ints[at + 1]!) << 32n) | BigInt(ints[at]! >>> 0);
  }

  /** Makes sure that kernels have `bytes` of working memory at their global `scratch`. */
  needScratch(bytes: number): void {
    if (bytes <= this.#scratchBytes) return;
    const ptr = this.heap.scratch(bytes);
    this.#scratchBytes = bytes;
    if (ptr === this.#scratch) return;
    this.#scratch = ptr;
    this.entry("set_scratch").fn(ptr);
  }
}
