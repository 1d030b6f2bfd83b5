/**
 * Computes all that waits, for those who wait until a device is done.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import { liveAllocations } from "../memory.ts";
import { materialize } from "./materialize.ts";

/** Gives memory to all values that wait on `backend` and that somebody may still ask for; the latest first, with what they need. */
export function computeWaiting(backend: Backend): void {
  for (const allocation of [...liveAllocations()]) {
    if (allocation.backend !== backend || allocation.released || allocation.expression === null) continue;
    materialize(allocation);
  }
}
