/**
 * Plans where the buffers of a program live: one arena, offsets by liveness.
 *
 * Greedy best fit over intervals, largest buffers first; optimal packing is NP-hard and not attempted.
 *
 * @module
 */

import { ARENA_ALIGNMENT } from "@flambeau/core";

/** A buffer and the steps between which it holds something, both counted. */
export interface Interval {
  /** Size. */
  readonly bytes: number;
  /** The step that writes it first. */
  readonly first: number;
  /** The last step that reads or writes it. */
  readonly last: number;
}

/** Where the buffers of {@linkcode planMemory} lie, in their order, and how large the arena is; in bytes. */
export interface MemoryPlan {
  /** Start of each buffer: a multiple of the alignment of arenas. */
  readonly offsets: readonly number[];
  /** Size of the arena. */
  readonly arenaBytes: number;
}

/** Places every interval so that buffers whose steps overlap do not overlap in memory. */
export function planMemory(intervals: readonly Interval[]): MemoryPlan {
  const offsets = new Array<number>(intervals.length);
  const order = intervals.map((_, i) => i).sort((a, b) => intervals[b]!.bytes - intervals[a]!.bytes || a - b);
  const placed: number[] = []; // in order of their offsets
  let arenaBytes = 0;
  for (const i of order) {
    const interval = intervals[i]!;
    const neighbours = placed.filter((k) => overlap(interval, intervals[k]!));
    const offset = bestFit(align(interval.bytes), neighbours, intervals, offsets);
    offsets[i] = offset;
    const at = placed.findIndex((k) => offsets[k]! > offset);
    placed.splice(at < 0 ? placed.length : at, 0, i);
    arenaBytes = Math.max(arenaBytes, offset + align(interval.bytes));
  }
  return { offsets, arenaBytes };
}

/** Start of the smallest gap between `taken` (in order of offset) that holds `bytes`, or of the room behind them. */
function bestFit(
  bytes: number,
  taken: readonly number[],
  intervals: readonly Interval[],
  offsets: readonly number[],
): number {
  let best = -1;
  let bestGap = Infinity;
  let end = 0;
  for (const k of taken) {
    const gap = offsets[k]! - end;
    if (gap >= bytes && gap < bestGap) [best, bestGap] = [end, gap];
    end = Math.max(end, offsets[k]! + align(intervals[k]!.bytes));
  }
  return best < 0 ? end : best;
}

function overlap(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
}
