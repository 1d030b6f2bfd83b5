/**
 * The pool of threads: a job is a list of calls, and every thread takes the next one that nobody has.
 *
 * The calling thread takes part and never waits for a worker that has not taken anything, so workers that have not
 * started yet, sleep or have failed cost nothing but their share. Which thread runs a part does not change its
 * result; how a job is cut depends on the number of threads only.
 *
 * @module
 */

import { DeviceError, OutOfMemoryError } from "@flambeau/core";
import { type Call, writeInts } from "./dispatch.ts";
import type { Block } from "./heap.ts";
import type { Kernels } from "./module.ts";
import {
  ACTIVE,
  canShareMemory,
  concurrency,
  DONE,
  FAILED,
  MAX_PARTS,
  MAX_THREADS,
  SCRATCH,
  SLEEPERS,
  SLOT,
  SLOT_META,
  SLOTS,
  startWorker,
  TICKET,
} from "./worker_source.ts";

/** When workers start. */
export const starting: { after: number } = {
  /** Milliseconds of shared jobs that the calling thread does alone first: starting a worker holds it up for 10 or 20. */
  after: 50,
};

/** Looks at the count of finished parts before the calling thread sleeps. */
const SPINS = 20000;

/** One in so many quick jobs wakes the threads that sleep: if more follow, they are awake for these. */
const QUICK = 16;

/** Threads that run parts of jobs over one shared memory. */
export class Pool {
  readonly #kernels: Kernels;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #numbers: Map<string, number> = new Map();
  #threads = 1;
  #started = 1;
  #lost = 0;
  #scratchBytes = 0;
  #scratchThreads = 1;
  #scratch: Block | null = null;
  #generation = 0;
  #alone = 0;
  #quick = 0;
  #mayWait = true;

  /** @param kernels The running kernels, whose memory is shared. */
  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#words = new Int32Array(kernels.heap.memory.buffer, 0, 16384);
    this.#floats = new Float64Array(kernels.heap.memory.buffer, 0, 8192);
    kernels.names.forEach((name, i) => this.#numbers.set(name, i));
  }

  /** Threads that jobs are cut for, the calling one among them. */
  get threads(): number {
    return this.#threads - this.#lost;
  }

  /** Workers start with the first job that is cut for them. */
  set threads(count: number) {
    this.#threads = Math.max(1, Math.min(MAX_THREADS, Math.floor(count)));
    this.#lost = 0;
    Atomics.store(this.#words, ACTIVE >> 2, this.#threads);
  }

  /**
   * Runs all calls, which must not depend on one another, and answers what they returned.
   *
   * @param isQuick Whether they take less than waking a thread: then only threads take part that are awake.
   * @throws {DeviceError} If a call trapped on a worker.
   */
  run(calls: readonly Call[], isQuick: boolean = false): readonly number[] {
    const count = calls.length;
    if (count > MAX_PARTS) throw new DeviceError(`Cannot run ${count} parts at once: at most ${MAX_PARTS}`);
    if (this.#started === 1 && this.#alone < starting.after) {
      const start = performance.now();
      const results = runAlone(calls);
      this.#alone += performance.now() - start;
      return results;
    }
    if (!this.#prepare()) return runAlone(calls);
    const words = this.#words;
    const floats = this.#floats;
    for (let i = 0; i < count; i++) this.#fill(i, calls[i]!);
    Atomics.store(words, DONE >> 2, 0);
    this.#generation = (this.#generation + 1) & 0x7fff;
    Atomics.store(words, TICKET >> 2, (this.#generation << 16) | (count << 8));
    if (Atomics.load(words, SLEEPERS >> 2) > 0 && (!isQuick || this.#quick++ % QUICK === 0)) {
      Atomics.notify(words, TICKET >> 2);
    }
    let own = 0;
    try {
      for (let i = this.#take(count); i < count; i = this.#take(count)) {
        own++;
        floats[resultOf(i)] = calls[i]!.call() ?? -1;
      }
    } finally {
      // After an error nobody shall take what is left.
      const left = count - this.#close();
      this.#await(count - own - left);
    }
    const results: number[] = [];
    for (let i = 0; i < count; i++) results.push(floats[resultOf(i)]!);
    if (results.some(Number.isNaN)) {
      throw new DeviceError(`Cannot run ${calls[0]!.entry.name}: a part of it must not fail on a thread`);
    }
    return results;
  }

  #fill(part: number, call: Call): void {
    const at = (SLOTS + part * SLOT) >> 3;
    const floats = this.#floats;
    const { args } = call;
    floats[at] = this.#numbers.get(call.entry.name)!;
    floats[at + 1] = args.length;
    for (let i = 0; i < args.length; i++) floats[at + 3 + i] = args[i]!;
    if (call.meta === null) return;
    const meta = metaOf(part);
    writeInts(this.#kernels.heap, meta, call.meta);
    floats[at + 3] = meta;
  }

  /** Takes the next part; `count` when none is left. */
  #take(count: number): number {
    const words = this.#words;
    for (;;) {
      const ticket = Atomics.load(words, TICKET >> 2);
      const part = ticket & 255;
      if (part >= count) return count;
      if (Atomics.compareExchange(words, TICKET >> 2, ticket, ticket + 1) === ticket) return part;
    }
  }

  /** Ends the taking of parts; answers how many were taken. */
  #close(): number {
    const closed = this.#generation << 16;
    return Atomics.exchange(this.#words, TICKET >> 2, closed) & 255;
  }

  /** Waits until workers have finished `parts`: a short while looking, then asleep where this thread may sleep. */
  #await(parts: number): void {
    const words = this.#words;
    let spins = SPINS;
    for (;;) {
      const done = Atomics.load(words, DONE >> 2);
      if (done >= parts) return;
      if (--spins > 0 || !this.#mayWait) continue;
      try {
        Atomics.wait(words, DONE >> 2, done, 100);
      } catch {
        this.#mayWait = false; // the main thread of a page
      }
    }
  }

  /**
   * Starts workers that are missing and gives all as much working memory as the calling thread has; false when there is
   * not enough memory for that.
   */
  #prepare(): boolean {
    while (this.#started < this.#threads) this.#start(this.#started++);
    const failed = Atomics.exchange(this.#words, FAILED >> 2, 0);
    if (failed > 0) this.#lose("it could not start", failed);
    const bytes = this.#kernels.scratchBytes;
    const threads = this.#threads;
    if (bytes === 0 || (bytes <= this.#scratchBytes && threads <= this.#scratchThreads)) return true;
    const { heap } = this.#kernels;
    const step = (bytes + 4095) & ~4095;
    let block: Block;
    try {
      block = heap.reserve(step * (threads - 1));
    } catch (error) {
      if (error instanceof OutOfMemoryError) return false;
      throw error;
    }
    if (this.#scratch !== null) heap.unreserve(this.#scratch);
    this.#scratch = block;
    this.#scratchBytes = step;
    this.#scratchThreads = threads;
    for (let i = 1; i < threads; i++) {
      Atomics.store(this.#words, (SCRATCH >> 2) + i * 16, block.start + (i - 1) * step);
    }
    return true;
  }

  #start(index: number): void {
    try {
      const { module, heap, rolled } = this.#kernels;
      startWorker({ module, memory: heap.memory, index, rolled }, (reason) => this.#lose(reason));
    } catch (error) {
      this.#lose(error);
    }
  }

  #lose(reason: unknown, workers = 1): void {
    if (this.#lost === 0) {
      console.warn(`flambeau: a thread of the "cpu" device failed, it goes on with fewer: ${String(reason)}`);
    }
    this.#lost = Math.min(this.#lost + workers, this.#threads - 1);
  }
}

/** Runs all calls on this thread. */
function runAlone(calls: readonly Call[]): number[] {
  return calls.map((call) => call.call() ?? -1);
}

function resultOf(part: number): number {
  return ((SLOTS + part * SLOT) >> 3) + 2;
}

/** Where the sizes and steps of a part are written. */
function metaOf(part: number): number {
  return SLOTS + part * SLOT + SLOT_META;
}

/** Threads that this machine runs at once, at most 8; 1 where memory cannot be shared. */
export function defaultThreads(): number {
  if (!canShareMemory()) return 1;
  return Math.max(1, Math.min(8, concurrency()));
}
