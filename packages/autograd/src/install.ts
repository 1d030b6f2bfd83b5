/**
 * Puts autograd into the slot that the tensor floor keeps for it. Runs when the package is imported.
 *
 * @module
 */

import { moveHook, tape } from "@flambeau/tensor/internal";
import { replay } from "./derivatives.ts";
import { grad } from "./engine.ts";
import { dispatcher } from "./func/dispatch.ts";
import { stack } from "./func/level.ts";
import { recordingTape, recordMove } from "./tape.ts";

/** Installs the tape. Importing the package does it; calling it again does nothing new. */
export function installAutograd(): void {
  tape.current = recordingTape;
  moveHook.record = recordMove;
  stack.dispatcher = dispatcher;
  replay.grad = (outputs, inputs, grads, create) =>
    grad(outputs, inputs, { gradOutputs: grads, createGraph: create, allowUnused: true });
}

installAutograd();
