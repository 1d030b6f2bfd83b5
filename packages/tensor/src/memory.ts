/**
 * What is allocated, and who gives it back when nobody says so.
 *
 * Every storage owns one {@linkcode Allocation}. A FinalizationRegistry frees the allocations of storages that were
 * dropped; it costs more than a small kernel, so it hears of a storage when that leaves the scopes that will free it
 * (`storage.ts`). V8 sees only the small handles, not the memory behind them, so it is told about the pressure: whenever tensors
 * have grown by {@linkcode PRESSURE_BYTES} one throwaway ArrayBuffer of that size is made (it is never touched, so it
 * costs no memory), and awaiting reads take one macrotask turn, in which the registry's callbacks run. What is given back
 * explicitly does not count as growth: a loop that frees what it makes never waits for a collection.
 *
 * @module
 */

import {
  type Attrs,
  type Backend,
  type Buffer,
  type DType,
  formatType,
  type KernelName,
  OutOfMemoryError,
  type Shape,
} from "@flambeau/core";

/** Bytes by which tensors grow, beyond what was given back, before the garbage collector gets a hint. */
export const PRESSURE_BYTES: number = 256 * 1024 * 1024;

/** A value with its memory, or with what makes it, in a list of all that live. */
export interface Allocation {
  /** The backend that owns the buffer. */
  readonly backend: Backend;
  /** The memory, or null after it was given back, and while nothing but the expression is there. */
  buffer: Buffer | null;
  /** What makes the value, while it has no memory. */
  expression: Expression | null;
  /** The number that all elements are, as far as that is known: it saves whoever reads the value from reading memory. */
  scalar: number | bigint | boolean | null;
  /** Values that wait for their memory and read this one. */
  readers: Set<Allocation> | null;
  /** Places in autograd graphs and running passes that still need the value. */
  holds: number;
  /** True when its owner needs it no more: memory and expression go with the last reader. */
  released: boolean;
  /** What was first stored: for messages, and the geometry of an expression. */
  readonly shape: Shape;
  /** Its dtype. */
  readonly dtype: DType;
  /** Bytes asked for. */
  readonly bytes: number;
  /** The one made before, among those that live. */
  previous: Allocation | null;
  /** The one made after. */
  next: Allocation | null;
}

/** One application of a primitive that waits: its result is contiguous and has the shape of the allocation. */
export interface Expression {
  /** The primitive. */
  readonly name: KernelName;
  /** Its attributes. */
  readonly attrs: unknown;
  /** Its operands. */
  readonly sources: readonly Source[];
  /** Values that it needs, itself included; an upper bound. */
  readonly size: number;
  /** Buffers that it reads; an upper bound. */
  readonly buffers: number;
  /** True once it was computed inside a kernel without being written. */
  inlined: boolean;
}

/** An operand of an expression: a geometry over a value, or one number. */
export interface Source {
  /** The value; null for a number. */
  allocation: Allocation | null;
  /** The number, where there is no value. */
  readonly scalar: number | bigint | boolean;
  /** Element type. */
  readonly dtype: DType;
  /** Sizes. */
  readonly shape: Shape;
  /** Elements to step. */
  readonly strides: Shape;
  /** Elements before the first. */
  readonly offset: number;
}

let newest: Allocation | null = null;
let sinceHint = 0;
let sinceTurn = 0;

// Some old edge runtimes have no FinalizationRegistry: there only dispose() and scopes free.
const registry: FinalizationRegistry<Allocation> | null = typeof FinalizationRegistry === "function"
  ? new FinalizationRegistry<Allocation>(release)
  : null;

/** Gives an allocation back when its owner was dropped. */
export function watch(owner: object, allocation: Allocation): void {
  registry?.register(owner, allocation);
}

/**
 * Takes memory for `shape` elements of `dtype`.
 *
 * @throws {OutOfMemoryError} If the backend has no more; the message names the largest live tensors.
 */
export function allocate(
  backend: Backend,
  bytes: number,
  shape: Shape,
  dtype: DType,
): Allocation {
  return note(backend, takeBuffer(backend, bytes), bytes, shape, dtype);
}

/** As {@linkcode allocate}, without memory: `expression` is what makes the value when somebody needs it. */
export function defer(
  backend: Backend,
  bytes: number,
  shape: Shape,
  dtype: DType,
  expression: Expression,
): Allocation {
  const allocation = note(backend, null, bytes, shape, dtype);
  express(allocation, expression);
  return allocation;
}

/**
 * Gives an allocation that waits a new value. What it had goes to an allocation without an owner, with all its readers.
 *
 * @param make Makes the expression of the new value; gets the allocation of the old one.
 */
export function revalue(allocation: Allocation, make: (old: Allocation) => Expression): void {
  const { backend, bytes, shape, dtype, readers, expression } = allocation;
  const old = note(backend, null, bytes, shape, dtype);
  old.released = true;
  old.expression = expression;
  old.scalar = allocation.scalar;
  for (const { allocation: source } of expression!.sources) {
    if (source?.readers?.delete(allocation)) source.readers.add(old);
  }
  old.readers = readers;
  allocation.readers = null;
  for (const reader of readers ?? []) {
    for (const source of reader.expression!.sources) {
      if (source.allocation === allocation) source.allocation = old;
    }
  }
  express(allocation, make(old));
  if (old.readers === null || old.readers.size === 0) reclaim(old);
}

/** Lets an allocation wait for the value of `expression`. */
export function express(allocation: Allocation, expression: Expression): void {
  allocation.expression = expression;
  allocation.scalar = expression.name === "full" ? (expression.attrs as Attrs<"full">).value : null;
  for (const source of expression.sources) {
    if (source.allocation !== null) (source.allocation.readers ??= new Set()).add(allocation);
  }
}

/** Takes the expression away from an allocation, and frees what only that needed. */
export function dismiss(allocation: Allocation): void {
  const { expression } = allocation;
  if (expression === null) return;
  allocation.expression = null;
  for (const { allocation: source } of expression.sources) {
    if (source === null || source.readers?.delete(allocation) !== true) continue;
    if (source.released && source.readers.size === 0) reclaim(source);
  }
}

/** Takes memory, and counts it for the collector. */
export function takeBuffer(backend: Backend, bytes: number): Buffer {
  sinceHint += bytes;
  sinceTurn += bytes;
  if (sinceHint > PRESSURE_BYTES) hint();
  return take(backend, bytes);
}

/** Gives an allocation back, now or when the last value that reads it has its memory. Does nothing the second time. */
export function release(allocation: Allocation): void {
  if (allocation.released) return;
  allocation.released = true;
  if (allocation.readers === null || allocation.readers.size === 0) reclaim(allocation);
}

function note(
  backend: Backend,
  buffer: Buffer | null,
  bytes: number,
  shape: Shape,
  dtype: DType,
): Allocation {
  const allocation: Allocation = {
    backend,
    buffer,
    expression: null,
    scalar: null,
    readers: null,
    holds: 0,
    released: false,
    shape,
    dtype,
    bytes,
    previous: newest,
    next: null,
  };
  if (newest !== null) newest.next = allocation;
  newest = allocation;
  return allocation;
}

function reclaim(allocation: Allocation): void {
  if (allocation.buffer !== null) {
    allocation.backend.free(allocation.buffer);
    sinceHint = Math.max(0, sinceHint - allocation.bytes);
    sinceTurn = Math.max(0, sinceTurn - allocation.bytes);
  }
  allocation.buffer = null;
  if (allocation.expression !== null) dismiss(allocation);
  unlink(allocation);
}

function unlink(allocation: Allocation): void {
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
    if (a.buffer === null) continue;
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

/** Milliseconds after which the event loop turns in any case: workers start, timers and pages wait for that. */
const LONGEST_TURN = 50;
let lastTurn = -LONGEST_TURN;

/**
 * Lets the event loop turn when tensors have grown enough since the last turn, so that dropped ones are freed, or when
 * that is long ago. Awaiting reads and data loaders call it; long loops without either may call it themselves.
 */
export async function breathe(): Promise<void> {
  const now = performance.now();
  if (sinceTurn < PRESSURE_BYTES / 4 && now - lastTurn < LONGEST_TURN) return;
  sinceTurn = 0;
  lastTurn = now;
  await new Promise<void>(laterTurn);
}

/** Allocations that live now, newest first, those included that wait for their memory. For leak checks and reports. */
export function* liveAllocations(): Generator<Allocation> {
  for (let a = newest; a !== null; a = a.previous) yield a;
}
