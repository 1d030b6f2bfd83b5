/**
 * Storage: the memory that a tensor and all of its views share.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  DisposedError,
  type DType,
  formatType,
  numelOf,
  type Shape,
} from "@flambeau/core";
import { materialize } from "./deferred/materialize.ts";
import { lossOf } from "./loss.ts";
import { allocate, type Allocation, defer, type Expression, release, watch } from "./memory.ts";

/** The serial number of the next storage. */
export const storageCount: { next: number } = { next: 0 };

/** One piece of a backend's memory with a count of the writes to it. */
export class Storage {
  /** The backend whose memory this is. */
  readonly backend: Backend;
  /** Writes so far; the tape compares it to find values that were overwritten. */
  version = 0;
  /** True when no user can have a handle on it: the memory goes back when the last hold does. */
  orphan = false;
  /** Later storages have higher numbers. */
  readonly serial: number = storageCount.next++;
  #allocation: Allocation;
  #watched = false;

  /**
   * Takes memory for a tensor of `shape` and `dtype`; its contents are not defined.
   *
   * @param expression What makes the contents: then memory is taken when somebody asks for it.
   */
  constructor(backend: Backend, shape: Shape, dtype: DType, expression: Expression | null = null) {
    this.backend = backend;
    const bytes = numelOf(shape) * dtype.itemsize;
    this.#allocation = expression === null
      ? allocate(backend, bytes, shape, dtype)
      : defer(backend, bytes, shape, dtype, expression);
    if (scopes.top === null) this.watch();
    else scopes.top.add(this);
  }

  /** Places in autograd graphs and running passes that still need the memory. */
  get holds(): number {
    return this.#allocation.holds;
  }

  /** Size in bytes. */
  get bytes(): number {
    return this.#allocation.bytes;
  }

  /** True once the memory was given back. */
  get isDisposed(): boolean {
    return this.#allocation.released;
  }

  /**
   * The memory. A value that waits for its memory is computed.
   *
   * @throws {DisposedError} If it was given back.
   */
  get buffer(): Buffer {
    const allocation = this.#allocation;
    if (allocation.buffer === null || allocation.released) return materialize(this.allocation);
    return allocation.buffer;
  }

  /**
   * The value, which may wait for its memory.
   *
   * @throws {DisposedError} If it was given back.
   */
  get allocation(): Allocation {
    if (this.#allocation.released) {
      throw lossOf(this.#allocation) ?? new DisposedError(
        `Cannot use a tensor over the storage of ${
          formatType(this.#allocation)
        }: its memory was given back by ` +
          "dispose(), `using` or the end of a scope; keep it by returning it from the scope or by keep()",
      );
    }
    return this.#allocation;
  }

  /** Gives the memory back now. Every tensor over this storage becomes unusable. */
  dispose(): void {
    release(this.#allocation);
  }

  /**
   * From now on the memory goes back when the storage is dropped. Until then a scope has it, which will free it or hand it
   * on: most storages never come this far.
   */
  watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    watch(this, this.#allocation);
  }

  /** No user can have a handle on it any more: the memory goes back with the last hold, or with who holds it. */
  leaveToHolders(): void {
    this.orphan = true;
    this.watch();
  }

  /** Keeps the memory until a matching {@linkcode drop}. */
  hold(): void {
    this.#allocation.holds++;
  }

  /** Ends one {@linkcode hold}; gives the memory back if it was the last and no user has a handle. */
  drop(): void {
    if (--this.#allocation.holds === 0 && this.orphan) this.dispose();
  }
}

/** A set of storages that were made while it was the innermost. */
export class StorageScope {
  /** The scope around this one. */
  readonly parent: StorageScope | null;
  #storages: Set<Storage> = new Set();
  #isLoose = false;

  /**
   * Opens a scope.
   *
   * @param parent The scope around this one.
   */
  constructor(parent: StorageScope | null) {
    this.parent = parent;
  }

  /** Notes a storage that was made inside. */
  add(storage: Storage): void {
    this.#storages.add(storage);
    if (this.#isLoose) storage.watch();
  }

  /** Hands a storage on to the scope around when this one ends, or out of all. */
  handOn(storage: Storage): void {
    if (this.parent === null) storage.watch();
    else this.parent.add(storage);
  }

  /** True when the scope waits for a promise. */
  get isLoose(): boolean {
    return this.#isLoose;
  }

  /** The scope may never end: it waits for a promise. */
  loosen(): void {
    this.#isLoose = true;
    for (const storage of this.#storages) storage.watch();
  }

  /** Takes a storage out: this scope will not free it. Whoever takes it frees it, hands it on or has it watched. */
  remove(storage: Storage): void {
    this.#storages.delete(storage);
  }

  /** True when the storage was made inside and not taken out. */
  has(storage: Storage): boolean {
    return this.#storages.has(storage);
  }

  /** The storages made inside. */
  get storages(): Iterable<Storage> {
    return this.#storages;
  }
}

/** The innermost scope, where new storages are noted; null outside of all. */
export const scopes: { top: StorageScope | null } = { top: null };
