import { describe, expect, test } from "vitest";
import * as special from "./special.ts";
import { SPECIAL_VALUES } from "./testdata/special.ts";

/** Relative error allowed: 1e-14, but that of an exponent of this size where the value is far out in a tail. */
function tolerance(name: string, value: number): number {
  return name.startsWith("igamma") ? 2e-14 - 5e-16 * Math.log(value) : 1e-14;
}

describe.each(Object.entries(SPECIAL_VALUES))("%s", (name, rows) => {
  const compute = special[name as keyof typeof special] as (...values: number[]) => number;
  test.each(rows.map((row) => [row.slice(0, -1), row.at(-1)!] as const))("of %o is %f", (inputs, want) => {
    const error = Math.abs(compute(...inputs) - want) / Math.abs(want);
    expect(error).toBeLessThan(tolerance(name, want));
  });
});

const [inf, nan] = [Infinity, NaN];

/** What `torch.special` gives on the CPU in float64; where it gives NaN for a limit that exists, the limit. */
const edges: Record<string, readonly (readonly number[])[]> = {
  erf: [[0, 0], [-0, -0], [inf, 1], [-inf, -1], [700, 1], [-40, -1], [nan, nan]],
  erfc: [[0, 1], [inf, 0], [-inf, 2], [700, 0], [-40, 2], [nan, nan]],
  erfcx: [[0, 1], [inf, 0], [-inf, inf], [-40, inf], [nan, nan]],
  erfinv: [[0, 0], [-0, -0], [1, inf], [-1, -inf], [2, nan], [-2, nan], [inf, nan], [nan, nan]],
  lgamma: [[0, inf], [-0, inf], [1, 0], [2, 0], [-1, inf], [-2, inf], [inf, inf], [-inf, inf], [nan, nan]],
  digamma: [[0, -inf], [-0, inf], [-1, nan], [-2, nan], [inf, inf], [-inf, nan], [nan, nan]],
  i0: [[0, 1], [inf, inf], [-inf, inf], [720, inf], [nan, nan]],
  i0e: [[0, 1], [inf, 0], [-inf, 0], [nan, nan]],
  i1: [[0, 0], [-0, -0], [inf, inf], [-inf, -inf], [-720, -inf], [nan, nan]],
  i1e: [[0, 0], [-0, -0], [inf, 0], [-inf, -0], [nan, nan]],
  ndtri: [[0, -inf], [-0, -inf], [0.5, 0], [1, inf], [-1, nan], [2, nan], [inf, nan], [-inf, nan], [
    nan,
    nan,
  ]],
  logNdtr: [[inf, -0], [-inf, -inf], [700, -0], [nan, nan]],
  igamma: [
    [-1, 1, nan],
    [1, -1, nan],
    [0, 0, nan],
    [0, 1, 1],
    [0, inf, 1],
    [1, 0, 0],
    [1, inf, 1],
    [inf, 1, 0],
    [inf, inf, nan],
    [inf, 0, 0],
    [nan, 1, nan],
    [1, nan, nan],
    [1e300, 1, 0],
    [1e300, 1e305, 1],
  ],
  igammac: [[-1, 1, nan], [0, 1, 0], [1, 0, 1], [1, inf, 0], [inf, 1, 1], [1e300, 1, 1], [1e300, 1e305, 0]],
  zeta: [
    [1, 2, inf],
    [1, nan, inf],
    [0.5, 2, nan],
    [2, 0, inf],
    [2, -1, inf],
    [1.5, -0.5, nan],
    [inf, 1, 1],
    [inf, 2, 0],
    [nan, 1, nan],
    [2, nan, nan],
    [1e300, 20, 0],
  ],
};

describe.each(Object.entries(edges))("%s", (name, rows) => {
  const compute = special[name as keyof typeof special] as (...values: number[]) => number;
  test.each(rows.map((row) => [row.slice(0, -1), row.at(-1)!] as const))(
    "of %o is exactly %f",
    (inputs, want) => {
      expect(compute(...inputs)).toBe(want);
    },
  );
});

test("lgamma, digamma: the parts of their definitions meet without a step", () => {
  for (const border of [0.5, 1.5, 2.5, 10]) {
    for (const compute of [special.lgamma, special.digamma]) {
      const [below, above] = [compute(border * (1 - Number.EPSILON)), compute(border)];
      expect(Math.abs(above - below)).toBeLessThan(1e-14);
    }
  }
});
