/**
 * Hooks: functions of the user that see what a module gets and gives.
 *
 * @module
 */

import type { Tensor } from "@flambeau/tensor";
import type { AnyModule } from "./module.ts";
import type { StateDict } from "./state_dict.ts";

/** Ends a registration. */
export interface HookHandle {
  /** Takes the hook out. */
  remove(): void;
  /** As `remove`, for `using`. */
  [Symbol.dispose](): void;
}

/** A hook that sees the arguments of a call and may return others: a list, or the only one. */
export type ForwardPreHook<M = AnyModule, A extends readonly unknown[] = readonly unknown[]> = (
  module: M,
  args: A,
) => unknown;

/** A hook that sees the arguments and the result of a call and may return another result. */
export type ForwardHook<M = AnyModule, A extends readonly unknown[] = readonly unknown[], R = unknown> = (
  module: M,
  args: A,
  output: R,
) => R | void;

/** A hook that sees the gradients of the tensors that went in and came out, and may return others for those that went in. */
export type BackwardHook<M = AnyModule> = (
  module: M,
  gradInput: readonly (Tensor | null)[],
  gradOutput: readonly (Tensor | null)[],
) => readonly (Tensor | null)[] | Tensor | void;

/** A hook that sees a state dict before it is loaded and may change it: names under `prefix` are the module's. */
export type LoadPreHook<M = AnyModule> = (module: M, state: StateDict, prefix: string) => void;

let nextId = 0;

/** Adds a hook to a table, after those that are there. */
export function addHook<H>(table: Map<number, H>, hook: H, changed: () => void = () => {}): HookHandle {
  const id = nextId++;
  table.set(id, hook);
  changed();
  const remove = () => {
    table.delete(id);
    changed();
  };
  return { remove, [Symbol.dispose]: remove };
}
