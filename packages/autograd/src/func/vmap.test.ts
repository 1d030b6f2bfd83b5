import { describe, expect, it } from "vitest";
import { t, values } from "../test_support.ts";
import { vmap } from "./vmap.ts";

describe("vmap", () => {
  it("hides the batch dimension", () => {
    const x = t([1, 2, 3, 4, 5, 6], [3, 2]);
    const seen: number[][] = [];
    const y = vmap((row: typeof x) => {
      seen.push([...row.shape]);
      return row.mul(2).sum();
    })(x);
    expect(seen).toEqual([[2]]);
    expect(values(y)).toEqual([6, 14, 22]);
  });
});
