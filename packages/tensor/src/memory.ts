/**
 * What is allocated, and who gives it back when nobody says so.
 *
 * Every storage owns one {@linkcode Allocation}. A FinalizationRegistry frees the allocations of storages that were
 * dropped. V8 sees only the small handles, not the memory behind them, so it is told about the pressure: whenever tensors
 * have grown by {@linkcode PRESSURE_BYTES} one throwaway ArrayBuffer of that size is made (it is never touched, so it
 * costs no memory), and awaiting reads take one macrotask turn, in which the registry's callbacks run. What is given back
 * explicitly does not count as growth: a loop that frees what it makes never waits for a collection.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  type DType,
  formatType,
  OutOfMemoryError,
  type Shape,
} from "@flambeau/core";

/** Bytes by which tensors grow, beyond what was given back, before the garbage collector gets a hint. */
export const PRESSURE_BYTES: number = 256 * 1024 * 1024;

/** A buffer with its backend, in a list of all that live. `buffer` is null once it was freed. */
export interface Allocation {
  /** The backend that owns the buffer. */
  readonly backend: Backend;
  /** The memory, or null after it was given back. */
  buffer: Buffer | null;
  /** What was first stored, for messages. */
  readonly shape: Shape;
  /** Its dtype, for messages. */
  readonly dtype: DType;
  /** Bytes asked for. */
  readonly bytes: number;
  /** The one made before, among those that live. */
  previous: Allocation | null;
  /** The one made after. */
  next: Allocation | null;
}

let newest: Allocation | null = null;
let sinceHint = 0;
let sinceTurn = 0;

// Some old edge runtimes have no FinalizationRegistry: there only dispose() and scopes free.
const registry: FinalizationRegistry<Allocation> | null = typeof FinalizationRegistry === "function"
  ? new FinalizationRegistry<Allocation>(release)
  : null;

/**
 * Takes memory for `shape` elements of `dtype` and ties it to the life of `owner`.
 *
 * @throws {OutOfMemoryError} If the backend has no more; the message names the largest live tensors.
 */
export function allocate(
  owner: object,
  backend: Backend,
  bytes: number,
  shape: Shape,
  dtype: DType,
): Allocation {
  sinceHint += bytes;
  sinceTurn += bytes;
  if (sinceHint > PRESSURE_BYTES) hint();
  const allocation: Allocation = {
    backend,
    buffer: take(backend, bytes),
    shape,
    dtype,
    bytes,
    previous: newest,
    next: null,
  };
  if (newest !== null) newest.next = allocation;
  newest = allocation;
  registry?.register(owner, allocation);
  return allocation;
}

/** Gives the memory of an allocation back. Does nothing the second time. */
export function release(allocation: Allocation): void {
  if (allocation.buffer === null) return;
  allocation.backend.free(allocation.buffer);
  allocation.buffer = null;
  sinceHint = Math.max(0, sinceHint - allocation.bytes);
  sinceTurn = Math.max(0, sinceTurn - allocation.bytes);
  const { previous, next } = allocation;
  if (previous !== null) previous.next = next;
  if (next !== null) next.previous = previous;
  else newest = previous;
  allocation.previous = null;
  allocation.next = null;
}

function take(backend: Backend, bytes: number): Buffer {
  try {
    return backend.allocate(bytes);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    throw new OutOfMemoryError(
      `${error.message}. The largest live tensors are ${
        largest(5)
      }. A loop that never awaits keeps every tensor it ` +
        "makes: await a read (`await loss.item()`) or the data loader in each step, or free by `scope(() => …)` or `dispose()`",
      bytes,
    );
  }
}

function largest(count: number): string {
  const groups = new Map<string, { bytes: number; count: number }>();
  for (let a = newest; a !== null; a = a.previous) {
    const group = groups.get(formatType(a)) ?? { bytes: 0, count: 0 };
    group.bytes += a.bytes;
    group.count++;
    groups.set(formatType(a), group);
  }
  return [...groups].sort((a, b) => b[1].bytes - a[1].bytes).slice(0, count)
    .map(([type, group]) => `${group.count} × ${type} (${(group.bytes / 2 ** 20).toFixed(1)} MiB)`).join(
      ", ",
    );
}

function hint(): void {
  sinceHint = 0;
  try {
    new ArrayBuffer(PRESSURE_BYTES);
  } catch {
    // No address space for the hint: the collector is under pressure already.
  }
}

/** Calls back in another turn of the event loop; timers of 0 ms wait for 1 ms or more where there is something faster. */
const laterTurn: (then: () => void) => unknown =
  (globalThis as { setImmediate?: (then: () => void) => unknown }).setImmediate ??
    ((then) => setTimeout(then, 0));

/**
 * Lets the event loop turn when tensors have grown enough since the last turn, so that dropped ones are freed.
 * Awaiting reads and data loaders call it; long loops without either may call it themselves.
 */
export async function breathe(): Promise<void> {
  if (sinceTurn < PRESSURE_BYTES / 4) return;
  sinceTurn = 0;
  await new Promise<void>(laterTurn);
}

/** Allocations that live now, newest first. For leak checks and reports. */
export function* liveAllocations(): Generator<Allocation> {
  for (let a = newest; a !== null; a = a.previous) yield a;
}
