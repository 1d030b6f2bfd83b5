/**
 * What becomes of tensors whose device is lost: those of which there is a copy on the host get their memory filled again,
 * all others are given up, with an error in words for whoever uses them.
 *
 * @module
 */

import { type Backend, DeviceLostError, formatType } from "@flambeau/core";
import { type Allocation, dismiss, liveAllocations, release, takeBuffer } from "./memory.ts";
import type { Storage } from "./storage.ts";

const given = new WeakSet<Allocation>();

/**
 * Gives up all memory of a device that is lost, but that of `kept`, which must be filled by {@linkcode refill} before anybody
 * uses it. What waits to be computed there is given up, too.
 */
export function abandon(backend: Backend, kept: Iterable<Storage>): void {
  const stays = new Set<Allocation>();
  for (const storage of kept) if (!storage.isDisposed) stays.add(storage.allocation);
  const mine = [...liveAllocations()].filter((allocation) => allocation.backend === backend);
  for (const allocation of mine) dismiss(allocation);
  for (const allocation of mine) {
    if (stays.has(allocation)) continue;
    given.add(allocation);
    release(allocation);
  }
}

/** Writes all bytes of a storage anew, as they lie in memory. */
export function refill(storage: Storage, bytes: Uint8Array): void {
  const { allocation, backend } = storage;
  dismiss(allocation);
  allocation.buffer ??= takeBuffer(backend, allocation.bytes);
  backend.write(allocation.buffer, 0, bytes);
  storage.version++;
}

/** The error of using a tensor that was given up; null if it was not. */
export function lossOf(allocation: Allocation): DeviceLostError | null {
  if (!given.has(allocation)) return null;
  return new DeviceLostError(
    `Cannot use ${
      formatType(allocation)
    }: it was on ${allocation.backend.name} when the device was lost, and no copy of it ` +
      "was kept on the host; make it anew",
  );
}
