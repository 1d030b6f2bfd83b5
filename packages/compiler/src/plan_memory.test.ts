import { ARENA_ALIGNMENT } from "@flambeau/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Interval, planMemory } from "./plan_memory.ts";

describe("planMemory", () => {
  it("reuses what is no longer read", () => {
    const chain = [0, 1, 2, 3].map((i) => ({ bytes: 1000, first: i, last: i + 1 }));
    expect(planMemory(chain)).toEqual({ offsets: [0, 1024, 0, 1024], arenaBytes: 2048 });
  });

  it("takes the smallest gap that fits", () => {
    const plan = planMemory([
      { bytes: 1024, first: 0, last: 1 }, // leaves a gap of 1024 at 0
      { bytes: 768, first: 0, last: 9 },
      { bytes: 512, first: 0, last: 1 }, // leaves a gap of 512 at 1792
      { bytes: 500, first: 0, last: 9 },
      { bytes: 400, first: 2, last: 9 },
    ]);
    expect(plan.offsets).toEqual([0, 1024, 1792, 2304, 1792]);
    expect(plan.arenaBytes).toBe(2816);
  });

  it("plans nothing", () => {
    expect(planMemory([])).toEqual({ offsets: [], arenaBytes: 0 });
  });

  const intervals = fc.array(
    fc.record({ bytes: fc.nat(5000), first: fc.nat(20), length: fc.nat(8) })
      .map(({ bytes, first, length }): Interval => ({ bytes, first, last: first + length })),
    { maxLength: 40 },
  );

  it("buffers in use at the same time never overlap, and lie aligned within the arena", () => {
    fc.assert(fc.property(intervals, (buffers) => {
      const { offsets, arenaBytes } = planMemory(buffers);
      const ends = buffers.map(({ bytes }, i) => offsets[i]! + bytes);
      buffers.forEach((a, i) => {
        expect(offsets[i]! % ARENA_ALIGNMENT).toBe(0);
        expect(ends[i]).toBeLessThanOrEqual(arenaBytes);
        buffers.slice(0, i).forEach((b, k) => {
          const sameTime = a.first <= b.last && b.first <= a.last;
          if (sameTime) expect(ends[i]! <= offsets[k]! || ends[k]! <= offsets[i]!).toBe(true);
        });
      });
    }));
  });

  it("is never worse than a buffer for each", () => {
    fc.assert(fc.property(intervals, (buffers) => {
      const sum = buffers.reduce(
        (n, { bytes }) => n + Math.ceil(bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT,
        0,
      );
      expect(planMemory(buffers).arenaBytes).toBeLessThanOrEqual(sum);
    }));
  });
});
