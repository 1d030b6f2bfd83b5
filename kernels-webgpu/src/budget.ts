/**
 * Work of one invocation, cut into dispatches.
 *
 * @module
 */

/**
 * Turns of all loops together that an invocation takes in a dispatch: it then ends soon on any device, and stays below the
 * 65535 after which the software adapter of Mesa leaves loops in silence.
 */
export const BUDGET = 30_000;

/** Ranges of `count` things that cost so many turns each, as many at a time as a dispatch may take. */
export function ranges(count: number, cost: number): (readonly [first: number, last: number])[] {
  const step = Math.max(1, Math.floor(BUDGET / cost));
  return Array.from(
    { length: Math.ceil(count / step) },
    (_, i) => [i * step, Math.min(count, (i + 1) * step)] as const,
  );
}
