import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eachPlace, planWalk } from "./iterate.ts";

/** Every place of a shape by its definition: offset plus index times stride. */
function places(shape: readonly number[], strides: readonly number[], offset: number): number[] {
  return shape.reduceRight<(base: number) => number[]>(
    (rest, size, d) => (base) => Array.from({ length: size }, (_, i) => rest(base + i * strides[d]!)).flat(),
    (base) => [base],
  )(offset);
}

describe("planWalk", () => {
  test("visits all elements in row-major order, in runs no longer than the limit", () => {
    const dims = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -6, max: 6 }), fc.nat(6)),
      {
        maxLength: 4,
      },
    );
    fc.assert(fc.property(dims, fc.integer({ min: 1, max: 5 }), (list, limit) => {
      const [shape, a, b] = [0, 1, 2].map((k) => list.map((entry) => entry[k]!)) as [
        number[],
        number[],
        number[],
      ];
      const walk = planWalk(shape, [a, b], limit);
      const seen: [number[], number[]] = [[], []];
      walk.run([100, 7], (count, starts) => {
        expect(count).toBeLessThanOrEqual(limit);
        seen.forEach((list, k) => {
          for (let i = 0; i < count; i++) list.push(starts[k]! + i * walk.steps[k]!);
        });
      });
      expect(seen).toEqual([places(shape, a, 100), places(shape, b, 7)]);
      const single: number[] = [];
      eachPlace(shape, [{ strides: a, offset: 100 }], ([place]) => single.push(place!));
      expect(single).toEqual(seen[0]);
    }));
  });

  test("contiguous dimensions are one run", () => {
    const counts: number[] = [];
    planWalk([2, 3, 4], [[12, 4, 1], [24, 8, 2]]).run([0, 0], (count) => counts.push(count));
    expect(counts).toEqual([24]);
  });
});
