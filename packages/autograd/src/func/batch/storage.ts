/**
 * The memory of a batch, as one element of the batch has it: it can be counted and kept, but not reached.
 *
 * @module
 */

import { type Backend, TorchError } from "@flambeau/core";
import type { Storage } from "@flambeau/tensor/internal";

/** A storage that hands everything on to that of the batch, but its memory. */
class BatchedStorage {
  readonly #whole: Storage;

  constructor(whole: Storage) {
    this.#whole = whole;
  }

  get backend(): Backend {
    return this.#whole.backend;
  }

  get serial(): number {
    return this.#whole.serial;
  }

  get version(): number {
    return this.#whole.version;
  }

  set version(value: number) {
    this.#whole.version = value;
  }

  get holds(): number {
    return this.#whole.holds;
  }

  get orphan(): boolean {
    return this.#whole.orphan;
  }

  set orphan(value: boolean) {
    this.#whole.orphan = value;
  }

  get bytes(): number {
    return this.#whole.bytes;
  }

  get isDisposed(): boolean {
    return this.#whole.isDisposed;
  }

  get allocation(): never {
    return this.buffer;
  }

  get buffer(): never {
    throw new TorchError(
      "Cannot use the memory of a tensor inside vmap, which is that of all elements of the batch: a tensor that comes " +
        "from inside a vmap that has ended must be returned from the function that was transformed",
    );
  }

  dispose(): void {
    this.#whole.dispose();
  }

  hold(): void {
    this.#whole.hold();
  }

  drop(): void {
    this.#whole.drop();
  }
}

const made = new WeakMap<Storage, Storage>();

/** The memory of a batch as its elements have it: the same object for the same memory. */
export function batchedStorage(whole: Storage): Storage {
  let found = made.get(whole);
  if (found === undefined) made.set(whole, found = new BatchedStorage(whole) as unknown as Storage);
  return found;
}
