/**
 * Which build of the kernels runs here, and its instance: exports by name over one memory.
 *
 * @module
 */

import { DeviceError } from "@flambeau/core";
import { type Entry, RESERVED, type WasmFunction } from "./dispatch.ts";
import { relaxedBase64 } from "./generated/relaxed_b64.ts";
import { simdBase64 } from "./generated/simd_b64.ts";
import { Heap } from "./heap.ts";

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

/** Turns base64 into bytes, with the engine's decoder where there is one. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native !== undefined) return native.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

const compiled = new Map<WasmBuild, WebAssembly.Module>();

/** Compiles a build once. */
function moduleOf(build: WasmBuild): WebAssembly.Module {
  let module = compiled.get(build);
  if (module === undefined) {
    module = new WebAssembly.Module(decodeBase64(build === "relaxed" ? relaxedBase64 : simdBase64));
    compiled.set(build, module);
  }
  return module;
}

/** The running kernels: their exports, their memory and its allocator. */
export class Kernels {
  /** The allocator over the memory. */
  readonly heap: Heap;
  readonly #exports: WebAssembly.Exports;
  readonly #table: WebAssembly.Table;
  readonly #slots: Map<string, number> = new Map();
  #scratch = 0;

  /**
   * Instantiates at once, with no permission and no wait.
   *
   * @param source A build by name, or a module compiled elsewhere (edge runtimes import the `.wasm` file).
   * @throws {DeviceError} If this engine has no WebAssembly SIMD, or does not let code be compiled here.
   */
  constructor(source: WasmBuild | WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536 });
    this.#table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
    try {
      const module = typeof source === "string" ? moduleOf(source as WasmBuild) : source;
      this.#exports = new WebAssembly.Instance(module, { env: { memory, table: this.#table } }).exports;
    } catch (error) {
      throw new DeviceError(
        `Cannot start the "cpu" kernels: a WebAssembly module must compile here, got ${error}`,
        { cause: error },
      );
    }
    this.heap = new Heap(memory, RESERVED);
    this.entry("init_constants").fn();
  }

  /** An exported kernel by name. */
  entry(name: string): Entry {
    const found = this.find(name);
    if (found === null) throw new DeviceError(`Cannot find the kernel ${name} in this WebAssembly module`);
    return found;
  }

  /** An exported kernel by name, or null. */
  find(name: string): Entry | null {
    const fn = this.#exports[name];
    return typeof fn === "function" ? { name, fn: fn as WasmFunction } : null;
  }

  /** A kernel's place in the table through which the loops over strided operands call it. */
  slot(entry: Entry): number {
    let slot = this.#slots.get(entry.name);
    if (slot === undefined) {
      slot = this.#table.grow(1);
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
    const ptr = this.heap.scratch(bytes);
    if (ptr === this.#scratch) return;
    this.#scratch = ptr;
    this.entry("set_scratch").fn(ptr);
  }
}
