import { expect, test } from "vitest";
import { compareTensor, contiguousStride, gatherStrided, isClose, mayOverlap } from "./compare.ts";
import type { Entry } from "./fixtures.ts";
import type { Raw } from "./safetensors.ts";

const rules = { tolerance: { exact: { rtol: 0, atol: 0 }, func: { rtol: 0.01, atol: 0.001 } }, factor: 1 };
const raw = (data: number[], shape = [data.length], dtype = "float32"): Raw => ({ dtype, shape, data });
const entry = (compare: NonNullable<Entry["compare"]>, more: Partial<Entry> = {}): Entry => (
  { dtype: "float32", shape: [], compare, tol: "func", ...more }
);

test("isClose: NaN matches NaN, infinities match with their sign, -0 equals 0", () => {
  const exact = { rtol: 0, atol: 0 };
  expect(isClose(NaN, NaN, exact)).toBe(true);
  expect(isClose(Infinity, Infinity, exact)).toBe(true);
  expect(isClose(-0, 0, exact)).toBe(true);
  const loose = { rtol: 1, atol: 1e9 };
  expect(isClose(1, NaN, loose)).toBe(false);
  expect(isClose(NaN, 1, loose)).toBe(false);
  expect(isClose(-Infinity, Infinity, loose)).toBe(false);
  expect(isClose(1e30, Infinity, loose)).toBe(false);
  expect(isClose(Infinity, 1e30, loose)).toBe(false);
});

test("compareTensor: dtype and shape come first", () => {
  expect(() => compareTensor("o0", raw([1], [1], "int32"), raw([1]), entry("meta"), rules))
    .toThrow("o0: dtype must be float32, got int32");
  expect(() => compareTensor("o0", raw([1, 2], [2, 1]), raw([1, 2]), entry("meta"), rules))
    .toThrow("o0: shape must be [2], got [2, 1]");
  expect(() => compareTensor("o0", raw([], [2]), raw([1, 2]), entry("meta"), rules)).toThrow(
    "2 elements expected",
  );
});

test("compareTensor: int64 and int32 are equal, other integers are not", () => {
  compareTensor("o0", raw([3], [1], "int32"), raw([3], [1], "int64"), entry("exact"), rules);
  expect(() => compareTensor("o0", raw([3], [1], "int16"), raw([3], [1], "int64"), entry("exact"), rules))
    .toThrow();
});

test("compareTensor: meta looks at nothing more", () => {
  compareTensor("o0", raw([1]), raw([2]), entry("meta"), rules);
});

test("compareTensor: close, exact and abs", () => {
  compareTensor("o0", raw([1.005, NaN]), raw([1, NaN]), entry("close"), rules);
  expect(() => compareTensor("o0", raw([1, 1.02]), raw([1, 1]), entry("close"), rules))
    .toThrow("o0[1]: must be 1, got 1.02; 1 of 2 elements differ");
  expect(() => compareTensor("o0", raw([1.005]), raw([1]), entry("exact"), rules)).toThrow();
  compareTensor("o0", raw([-1]), raw([1]), entry("abs"), rules);
  expect(() => compareTensor("o0", raw([-1]), raw([1]), entry("close"), rules)).toThrow();
});

test("compareTensor: the factor of a backend widens close only", () => {
  const wide = { ...rules, factor: 3 };
  compareTensor("o0", raw([1.03]), raw([1]), entry("close"), wide);
  expect(() => compareTensor("o0", raw([1.03]), raw([1]), entry("exact"), wide)).toThrow();
});

test("compareTensor: an index may name any of several equal elements", () => {
  const indexed = raw([5, 7, 7, 1, 2, 2], [2, 3]);
  const kept = { ...rules, indexed };
  const want = raw([1, 1], [2, 1], "int64");
  compareTensor("o1", raw([2, 2], [2, 1], "int32"), want, entry("index", { dim: -1 }), kept);
  expect(() => compareTensor("o1", raw([0, 2], [2, 1], "int32"), want, entry("index", { dim: 1 }), kept))
    .toThrow();
  // The reduced dim is missing from the result.
  compareTensor("o1", raw([2, 1], [2], "int32"), raw([1, 2], [2], "int64"), entry("index", { dim: 1 }), kept);
});

test("compareTensor: a complex result is compared as pairs", () => {
  compareTensor("o0", raw([1, 2, 3, 4], [2, 2]), raw([1, 2, 3, 4], [2], "complex64"), entry("exact"), rules);
});

test("gatherStrided: transposed, expanded, overlapping", () => {
  expect(gatherStrided([1, 2, 3, 4, 5, 6], [3, 2], [1, 3])).toEqual([1, 4, 2, 5, 3, 6]);
  expect(gatherStrided([1, 2], [2, 2], [1, 0])).toEqual([1, 1, 2, 2]);
  expect(gatherStrided([1, 2, 3], [2, 2], [1, 1])).toEqual([1, 2, 2, 3]);
});

test("mayOverlap: expanded and windowed views do, others do not", () => {
  expect(mayOverlap([2, 3], [3, 1])).toBe(false);
  expect(mayOverlap([3, 2], [1, 3])).toBe(false);
  expect(mayOverlap([2, 3], [0, 1])).toBe(true);
  expect(mayOverlap([1, 3], [0, 1])).toBe(false);
  expect(mayOverlap([4, 3], [2, 1])).toBe(true);
});

test("contiguousStride: row-major", () => {
  expect(contiguousStride([2, 3, 4])).toEqual([12, 4, 1]);
});
