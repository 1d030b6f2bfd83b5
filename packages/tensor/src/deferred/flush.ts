/**
 * Computes all that waits, for those who wait until a device is done.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import { liveAllocations } from "../memory.ts";
import { materialize } from "./materialize.ts";

/**
 * Gives memory to all values that wait on `backend` and that somebody may still ask for; the latest first, with what they
 * need. Numbers are no work, and what was computed for the sake of another value is done.
 */
export function computeWaiting(backend: Backend): void {
  for (const allocation of [...liveAllocations()]) {
    const { expression, released, scalar } = allocation;
    if (allocation.backend !== backend || expression === null) continue;
    if (!released && scalar === null && !expression.inlined) materialize(allocation);
  }
}
