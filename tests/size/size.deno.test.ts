/**
 * Sizes do not grow unnoticed.
 *
 * @module
 */

import { describe, expect, test } from "vitest";
import { knownSizes, measureSizes, ROOM } from "./measure.ts";

describe.skipIf(!("Deno" in globalThis))("size", async () => {
  const known = knownSizes();
  const sizes = await measureSizes();

  test("what is measured is written down", () => {
    expect(Object.keys(known)).toEqual(Object.keys(sizes));
  });

  for (const [name, { gzip }] of Object.entries(sizes)) {
    test(`${name}: at most 5 % more than written down, else \`deno task size --write\` and a reason`, () => {
      expect(gzip).toBeLessThanOrEqual(known[name]!.gzip * ROOM);
    });
  }

  test("everything fits into a third of what an edge runtime takes", () => {
    expect(sizes["everything"]!.gzip).toBeLessThan(1e6);
  });
});
