/**
 * Steps in scopes: a device may let some wait, to run them as one with those that follow, until the outermost scope ends.
 *
 * Outside of scopes every step runs at the call, so who measures a call measures its work.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import { scopes, type StorageScope } from "./storage.ts";

/** Devices that may have let steps wait. */
const waiting: Set<Backend> = new Set();

/** Runs a step: soon in a scope, at once outside of all. */
export function runSoon(backend: Backend, dispatch: unknown): void {
  const { top } = scopes;
  if (top === null || backend.runSoon === undefined || top.isLoose) backend.run(dispatch);
  else if (backend.runSoon(dispatch)) waiting.add(backend);
}

/** Runs all that waits when `scope`, which ends or lets others take their turn, is the outermost. */
export function settleAfter(scope: StorageScope): void {
  if (waiting.size === 0 || scope.parent !== null && !scope.parent.isLoose) return;
  for (const backend of waiting) backend.settle!();
  waiting.clear();
}
