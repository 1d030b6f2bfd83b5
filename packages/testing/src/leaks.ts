/**
 * The leak check: tensors that nobody dropped although nobody needs them any more.
 *
 * A check notes what lives at its start. At its end, if more lives than is allowed, it forces a collection, lets the
 * event loop turn so that dropped storages are freed, and counts again. Whatever is reachable counts as leaked: also what
 * the code under test has put into a variable of its own since the start.
 *
 * @module
 */

import { formatType } from "@flambeau/core";
import type { Allocation } from "@flambeau/tensor/internal";

/** What may live beside the baseline without being a leak. */
export interface LeakAllowance {
  /** Bytes of all tensors together. */
  readonly bytes: number;
}

/**
 * What a test file may leave behind: 64 KiB.
 *
 * The library itself keeps constants of rank 0 for the next use, a few kilobytes at most. The rest is for the small
 * tensors that a test file keeps in variables of its own.
 */
export const FILE_ALLOWANCE: LeakAllowance = { bytes: 65536 };

/** How often a collection is tried before what lives counts as held. */
const MOST_TRIES = 8;

/** What was found at the end of a check. */
export interface LeakReport {
  /** Bytes of the tensors that live beside the baseline. */
  readonly bytes: number;
  /** Number of these tensors. */
  readonly count: number;
  /** The largest of them by type: `3 × float32[256, 256] (768 KiB)`. */
  readonly largest: readonly string[];
}

/** Watches what lives from its making on. */
export class LeakCheck {
  readonly #allocations: () => Iterable<Allocation>;
  readonly #baseline: ReadonlySet<Allocation>;

  /**
   * Notes what lives now.
   *
   * @param allocations Lists what lives: `liveAllocations` of the tensor package.
   */
  constructor(allocations: () => Iterable<Allocation>) {
    this.#allocations = allocations;
    this.#baseline = new Set(allocations());
  }

  /** What lives now beside the baseline, dropped tensors included that nobody has collected yet. */
  report(): LeakReport {
    const groups = new Map<string, { count: number; bytes: number }>();
    let [bytes, count] = [0, 0];
    for (const allocation of this.#allocations()) {
      if (this.#baseline.has(allocation)) continue;
      const type = formatType(allocation);
      const group = groups.get(type) ?? { count: 0, bytes: 0 };
      groups.set(type, { count: group.count + 1, bytes: group.bytes + allocation.bytes });
      bytes += allocation.bytes;
      count++;
    }
    const largest = [...groups].sort(([, a], [, b]) => b.bytes - a.bytes).slice(0, 5)
      .map(([type, group]) => `${group.count} × ${type} (${(group.bytes / 1024).toFixed(1)} KiB)`);
    return { bytes, count, largest };
  }

  /**
   * Ends the check. Where no collection can be forced it passes.
   *
   * @throws {Error} If more lives beside the baseline than `allowance`; the message names the largest.
   */
  async finish(allowance: LeakAllowance = FILE_ALLOWANCE): Promise<void> {
    if (this.report().bytes <= allowance.bytes) return; // most often: no need to collect
    // A busy engine takes its time to call finalizers: what is held is still there after the last try.
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (!await collectGarbage()) return; // nobody can tell here
      if (this.report().bytes <= allowance.bytes) return;
      await new Promise((resolve) => setTimeout(resolve, 10 * tries));
    }
    const { bytes, count, largest } = this.report();
    throw new Error(
      `Cannot end without a leak: at most ${allowance.bytes} bytes of tensors may be held after all tests, got ${bytes} ` +
        `in ${count} tensors: ${largest.join(", ")}`,
    );
  }
}

/** Functions of `node:v8` and `node:vm` that the collection needs. */
interface Process {
  getBuiltinModule?(name: "node:v8"): { setFlagsFromString(flags: string): void };
  getBuiltinModule?(name: "node:vm"): { runInNewContext(code: string): unknown };
}

let collector: (() => void) | null | undefined;

/** V8's own collection, which Deno and Node hand out without a flag; null where there is none, as in browsers. */
function findCollector(): (() => void) | null {
  const { process } = globalThis as { process?: Process };
  if (process?.getBuiltinModule === undefined) return null;
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  return process.getBuiltinModule("node:vm").runInNewContext("gc") as () => void;
}

/**
 * Collects what nobody can reach and lets its finalizers run, which takes a turn of the event loop. Twice, because a
 * finalizer may drop what held something else.
 *
 * @returns False where this runtime cannot be told to collect: then nothing happened.
 */
export async function collectGarbage(): Promise<boolean> {
  if (collector === undefined) collector = findCollector();
  if (collector === null) return false;
  for (let round = 0; round < 2; round++) {
    collector();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return true;
}
