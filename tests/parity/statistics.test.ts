import { expect, test } from "vitest";
import type { Raw } from "./safetensors.ts";
import { expectProperties } from "./statistics.ts";

const raw = (data: number[], shape = [data.length]): Raw => ({ dtype: "float32", shape, data });
const eye = [1, 0, 0, 1];

/** Property, a result that has it, one that does not. */
const table: [string, Record<string, unknown>, Raw, Raw][] = [
  ["shape", { shape: [2] }, raw([1, 2]), raw([1])],
  ["dtype", { dtype: "float32" }, raw([1]), { ...raw([1]), dtype: "int32" }],
  ["min", { min: 0 }, raw([0, 1]), raw([-0.1, 1])],
  ["max", { max: 1 }, raw([0, 1]), raw([0, 1.1])],
  ["max_exclusive", { max: 1, max_exclusive: true }, raw([0, 0.9]), raw([0, 1])],
  ["max_abs", { max_abs: 2 }, raw([-2, 1]), raw([-3, 1])],
  ["mean", { mean: [1, 0.1] }, raw([0, 2]), raw([0, 3])],
  ["std", { std: [1, 0.1] }, raw([0, 2]), raw([0, 3])],
  ["std_nonzero", { std_nonzero: [1, 0.1] }, raw([1, 0, 3, 0]), raw([1, 0, 4])],
  ["near_bounds", { min: 0, max: 1, near_bounds: 0.1 }, raw([0.05, 0.95]), raw([0.05, 0.8])],
  ["quantiles", { quantiles: [[0.5, 2, 0.1]] }, raw([3, 2, 1]), raw([1, 1, 3])],
  ["integer", { integer: true }, raw([1, 2]), raw([1.5])],
  ["all_values", { min: 0, max: 2, all_values: true }, raw([2, 0, 1, 1]), raw([0, 2])],
  ["values_in", { values_in: [0, 10 / 9] }, raw([0, Math.fround(10 / 9)]), raw([1])],
  ["zero_fraction", { zero_fraction: [0.5, 0.1] }, raw([0, 1]), raw([1, 1])],
  ["permutation_of", { permutation_of: 3 }, raw([2, 0, 1]), raw([2, 2, 1])],
  ["frequencies", { frequencies: [0, 1], frequency_tol: 0.1 }, raw([1, 1]), raw([0, ...Array(99).fill(1)])],
  ["distinct_values", { distinct_values: [0, 2, 3] }, raw([3, 0]), raw([3, 3])],
  ["distinct_in_rows", { distinct_in_rows: true }, raw([0, 1, 0, 1], [2, 2]), raw([0, 0, 1, 2], [2, 2])],
  [
    "constant_over_last_dims",
    { constant_over_last_dims: 1 },
    raw([2, 2, 0, 0], [2, 2]),
    raw([2, 2, 0, 2], [2, 2]),
  ],
  ["equal", { equal: 0.3 }, raw([Math.fround(0.3)]), raw([0.31])],
  ["orthogonal", { orthogonal: 2 }, raw([0, 2, 2, 0], [2, 2]), raw([2, 0, 2, 0], [2, 2])],
  ["orthogonal", { orthogonal: 1 }, raw([1, 0, 0, 1, 0, 0], [3, 2]), raw([1, 0, 1, 1, 0, 0], [3, 2])],
  ["eye", { eye: true }, raw([1, 0, 0, 0, 1, 0], [2, 3]), raw([1, 0, 0, 0, 1, 1], [2, 3])],
  [
    "dirac",
    { dirac: true },
    raw([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], [2, 2, 3]),
    raw(Array(12).fill(0), [2, 2, 3]),
  ],
  ["zero_row", { zero_row: 1 }, raw([1, 0, 0, 0], [2, 2]), raw([0, 0, 0, 0], [2, 2])],
  [
    "zero_fraction_per_column",
    { zero_fraction_per_column: 0.5 },
    raw([...eye], [2, 2]),
    raw(Array(8).fill(1), [4, 2]),
  ],
];

test.each(table)("expectProperties: %s holds and does not hold", (_name, checks, good, bad) => {
  expectProperties(good, checks);
  expect(() => expectProperties(bad, checks)).toThrow("must be");
});

test("expectProperties: groups of dirac", () => {
  const grouped = raw([1, 0, 0, 1, 1, 0, 0, 1], [4, 2, 1]);
  expectProperties(grouped, { dirac: true }, { groups: 2 });
  expect(() => expectProperties(grouped, { dirac: true })).toThrow("dirac");
});

test("expectProperties: an unknown property is an error, not a pass", () => {
  expect(() => expectProperties(raw([1]), { skewness: 0 })).toThrow("skewness");
});
