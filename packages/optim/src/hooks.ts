/**
 * Hooks: functions of the user that run around a step.
 *
 * @module
 */

/** Ends a registration. */
export interface HookHandle {
  /** Takes the hook out. */
  remove(): void;
  /** As `remove`, for `using`. */
  [Symbol.dispose](): void;
}

/** Functions in the order in which they were registered. */
export type HookTable<H> = Map<number, H>;

let nextId = 0;

/** Adds a hook behind those that are there. */
export function addHook<H>(table: HookTable<H>, hook: H): HookHandle {
  const id = nextId++;
  table.set(id, hook);
  const remove = () => void table.delete(id);
  return { remove, [Symbol.dispose]: remove };
}
