/**
 * What kernels answer and the backend runs: one WASM call with its numbers, several in a row, or work on the host.
 *
 * @module
 */

import type { Heap } from "./heap.ts";
import type { Pool } from "./threads.ts";

/** Where kernels find sizes and strides that do not fit their parameters. */
export const META = 16384;
/** Bytes at the start of memory that are not given out: constants, metadata, the words and slots of threads. */
export const RESERVED = 65536;

/** A step of the CPU device, ready to run as often as its buffers live. */
export interface WasmDispatch {
  /** Runs the step. */
  run(): void;
}

/** A function that the WASM module exports: numbers in, a status or nothing out. */
export type WasmFunction = (...args: number[]) => number;

/** An exported kernel. */
export interface Entry {
  /** Its export name, such as `add_f32`. */
  readonly name: string;
  /** The function. */
  readonly fn: WasmFunction;
}

/** Calls with a fixed number of arguments: a spread costs more than a small kernel. */
function invoke(fn: WasmFunction, a: readonly number[]): number {
  switch (a.length) {
    case 5:
      return fn(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!);
    case 7:
      return fn(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!);
    case 16:
      return fn(
        a[0]!,
        a[1]!,
        a[2]!,
        a[3]!,
        a[4]!,
        a[5]!,
        a[6]!,
        a[7]!,
        a[8]!,
        a[9]!,
        a[10]!,
        a[11]!,
        a[12]!,
        a[13]!,
        a[14]!,
        a[15]!,
      );
    default:
      return fn(...a);
  }
}

/** One call of a kernel with numbers only. */
export class Call implements WasmDispatch {
  /** What is called. */
  readonly entry: Entry;
  /** Pointers, sizes and scalars, in the order of the kernel's parameters. */
  readonly args: readonly number[];
  /** Signed 32-bit integers that the kernel reads at the address in its first argument; null for most kernels. */
  readonly meta: readonly number[] | null = null;

  /** @param args In the order of the kernel's parameters. */
  constructor(entry: Entry, args: readonly number[]) {
    this.entry = entry;
    this.args = args;
  }

  /** Runs the step. */
  run(): void {
    invoke(this.entry.fn, this.args);
  }

  /** Runs the step and answers what the kernel returns. */
  call(): number {
    return invoke(this.entry.fn, this.args);
  }
}

/** A call over strided operands: its first argument is where sizes and steps lie, {@linkcode META} when it runs alone. */
export class LoopCall extends Call {
  override readonly meta: readonly number[];
  readonly #heap: Heap;

  /** @param meta Signed 32-bit integers that the kernel reads at the address in its first argument. */
  constructor(entry: Entry, args: readonly number[], meta: readonly number[], heap: Heap) {
    super(entry, args);
    this.meta = meta;
    this.#heap = heap;
  }

  override run(): void {
    this.call();
  }

  override call(): number {
    writeInts(this.#heap, META, this.meta);
    return invoke(this.entry.fn, this.args);
  }
}

/** Writes integers into memory. */
export function writeInts(heap: Heap, address: number, values: readonly number[]): void {
  const ints = heap.ints;
  for (let i = 0; i < values.length; i++) ints[(address >> 2) + i] = values[i]!;
}

/** A call whose sizes and strides travel in a block of memory, written before each run. */
export class MetaCall implements WasmDispatch {
  /** What is called. */
  readonly step: WasmDispatch;
  /** Signed 32-bit integers that the kernel reads at {@linkcode META}. */
  readonly meta: readonly number[];
  readonly #heap: Heap;

  /** @param meta Signed 32-bit integers that the kernel reads at {@linkcode META}. */
  constructor(step: WasmDispatch, meta: readonly number[], heap: Heap) {
    this.step = step;
    this.meta = meta;
    this.#heap = heap;
  }

  /** Runs the step. */
  run(): void {
    writeInts(this.#heap, META, this.meta);
    this.step.run();
  }
}

/** A call that answers −1 when all went well, else a status that becomes an error. */
export class CheckedCall extends Call {
  readonly #fail: (status: number) => never;

  /** @param fail Throws the error that belongs to a status. */
  constructor(entry: Entry, args: readonly number[], fail: (status: number) => never) {
    super(entry, args);
    this.#fail = fail;
  }

  override run(): void {
    const status = this.call();
    if (status !== -1) this.#fail(status);
  }
}

/** Calls that do not depend on one another, shared among threads. */
export class Job implements WasmDispatch {
  /** The calls. */
  readonly parts: readonly Call[];
  readonly #pool: Pool;
  readonly #finish: ((results: readonly number[]) => void) | null;
  readonly #isQuick: boolean;

  /**
   * @param finish Gets what the calls returned.
   * @param isQuick Whether it takes less than waking a thread.
   */
  constructor(
    pool: Pool,
    parts: readonly Call[],
    finish: ((results: readonly number[]) => void) | null = null,
    isQuick: boolean = false,
  ) {
    this.#pool = pool;
    this.parts = parts;
    this.#finish = finish;
    this.#isQuick = isQuick;
  }

  /** Runs the calls. */
  run(): void {
    const results = this.#pool.run(this.parts, this.#isQuick);
    this.#finish?.(results);
  }
}

/** Steps that run one after another. */
export class Sequence implements WasmDispatch {
  /** The steps, in order. */
  readonly steps: readonly WasmDispatch[];

  /** @param steps In order. */
  constructor(steps: readonly WasmDispatch[]) {
    this.steps = steps;
  }

  /** Runs the steps. */
  run(): void {
    for (const step of this.steps) step.run();
  }
}

/** A step that JavaScript does. */
export class HostStep implements WasmDispatch {
  /** Does it. */
  readonly run: () => void;

  /** @param run Does it. */
  constructor(run: () => void) {
    this.run = run;
  }
}
