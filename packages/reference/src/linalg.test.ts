import { float32, float64, type Operand } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { allocate, operand, run, valuesOf } from "./test_support.ts";

/** Numbers that look random and repeat: the fraction of a multiple of the golden ratio, in (−1, 1). */
function noise(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 2 * (((i + 1) * 0.6180339887498949) % 1) - 1);
}

type Rows = number[][];

function rowsOf(x: Operand): Rows {
  const values = valuesOf(x) as number[];
  const columns = x.shape.at(-1)!;
  return Array.from({ length: x.shape.at(-2)! }, (_, i) => values.slice(i * columns, (i + 1) * columns));
}

function times(a: Rows, b: Rows): Rows {
  return a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
}

const transposed = (a: Rows): Rows => (a[0] ?? []).map((_, j) => a.map((row) => row[j]!));
const diagonal = (values: readonly number[]): Rows =>
  values.map((x, i) => values.map((_, j) => i === j ? x : 0));
const unit = (n: number): Rows => diagonal(new Array<number>(n).fill(1));

function expectClose(got: Rows, want: Rows, tolerance = 1e-13): void {
  expect(got.length).toBe(want.length);
  got.forEach((row, i) => row.forEach((x, j) => expect(Math.abs(x - want[i]![j]!)).toBeLessThan(tolerance)));
}

const layouts = ["contiguous", "strided"] as const;
const sizes = [[1, 1], [3, 3], [7, 4], [4, 7], [20, 20]] as const;

describe.each(layouts)("%s", (layout) => {
  test.each(sizes)("qr: Q R is the matrix and Q is orthonormal, %i by %i", (m, n) => {
    const a = operand(noise(m * n), float64, [m, n], layout);
    for (const complete of [true, false]) {
      const [q, r] = run("qr", [a], { complete }, layout).map(rowsOf) as [Rows, Rows];
      expectClose(times(q, r), rowsOf(a));
      expectClose(times(transposed(q), q), unit(complete ? m : Math.min(m, n)));
      r.forEach((row, i) => row.forEach((x, j) => j < i && expect(x).toBe(0)));
    }
  });

  test.each(sizes)("svd: U diag(s) Vh is the matrix, %i by %i", (m, n) => {
    const a = operand(noise(m * n), float64, [m, n], layout);
    const k = Math.min(m, n);
    for (const full of [true, false]) {
      const [u, s, vh] = run("svd", [a], { full }, layout) as [Operand, Operand, Operand];
      const values = valuesOf(s) as number[];
      expectClose(times(transposed(rowsOf(u)), rowsOf(u)), unit(full ? m : k));
      expectClose(times(rowsOf(vh), transposed(rowsOf(vh))), unit(full ? n : k));
      expect(values).toEqual([...values].sort((x, y) => y - x));
      const thinU = rowsOf(u).map((row) => row.slice(0, k));
      expectClose(times(times(thinU, diagonal(values)), rowsOf(vh).slice(0, k)), rowsOf(a));
    }
  });

  test.each([1, 2, 3, 8, 25])("eigh: V diag(w) Vᵀ is the matrix of the lower triangle, %i", (n) => {
    const a = operand(noise(n * n), float64, [n, n], layout);
    const lower = rowsOf(a);
    const symmetric = lower.map((row, i) => row.map((_, j) => i >= j ? lower[i]![j]! : lower[j]![i]!));
    const [w, v] = run("eigh", [a], null, layout) as [Operand, Operand];
    const values = valuesOf(w) as number[];
    expect(values).toEqual([...values].sort((x, y) => x - y));
    expectClose(times(times(rowsOf(v), diagonal(values)), transposed(rowsOf(v))), symmetric);
    expectClose(times(transposed(rowsOf(v)), rowsOf(v)), unit(n));
  });

  test("cholesky: L Lᵀ is the matrix, for each of a batch", () => {
    const b = rowsOf(operand(noise(25), float64, [5, 5]));
    const a = times(b, transposed(b)).map((row, i) => row.map((x, j) => i === j ? x + 1 : x));
    const batch = operand([...a.flat(), ...a.flat().map((x) => 4 * x)], float64, [2, 5, 5], layout);
    const [l, info] = run("cholesky", [batch], null, layout) as [Operand, Operand];
    const factors = rowsOf({ ...l, shape: [5, 5], strides: l.strides.slice(1) });
    expectClose(times(factors, transposed(factors)), a);
    factors.forEach((row, i) => row.forEach((x, j) => j > i && expect(x).toBe(0)));
    const [first, second] = [valuesOf(l).slice(0, 25), valuesOf(l).slice(25)] as [number[], number[]];
    expectClose([second], [first.map((x) => 2 * x)]);
    expect(valuesOf(info)).toEqual([0, 0]);
  });

  test.each(sizes)("luFactor: row swaps of L U give the matrix, %i by %i", (m, n) => {
    const a = operand(noise(m * n), float64, [m, n], layout);
    const [packed, pivots, info] = run("luFactor", [a], null, layout) as [Operand, Operand, Operand];
    const k = Math.min(m, n);
    const lu = rowsOf(packed);
    const l = lu.map((row, i) => row.slice(0, k).map((x, j) => i === j ? 1 : i > j ? x : 0));
    const u = lu.slice(0, k).map((row, i) => row.map((x, j) => i <= j ? x : 0));
    const rows = times(l, u);
    (valuesOf(pivots) as number[]).map((p, i) => [p - 1, i] as const).reverse().forEach(([p, i]) => {
      [rows[p], rows[i]] = [rows[i]!, rows[p]!];
    });
    expectClose(rows, rowsOf(a));
    l.forEach((row) => row.forEach((x) => expect(Math.abs(x)).toBeLessThanOrEqual(1)));
    expect(valuesOf(info)).toEqual([0]);
  });

  test.each([[true, true], [true, false], [false, true], [false, false]])(
    "solveTriangular: A X is B, upper %s, unitriangular %s",
    (upper, unitriangular) => {
      const a = operand(noise(36).map((x) => x + Math.sign(x)), float64, [6, 6], layout);
      const b = operand(noise(18), float64, [6, 3], layout);
      const triangle = rowsOf(a).map((row, i) =>
        row.map((x, j) => i === j ? (unitriangular ? 1 : x) : (upper ? i < j : i > j) ? x : 0)
      );
      const [x] = run("solveTriangular", [a, b], { upper, unitriangular }, layout) as [Operand];
      expectClose(times(triangle, rowsOf(x)), rowsOf(b), 1e-11);
    },
  );
});

test("qr: signs of the diagonal of R are those of LAPACK", () => {
  // torch.linalg.qr of the same matrix, float64
  const a = operand([2, 1, 0, 0, -3, 1, 0, 4, 5], float64, [3, 3]);
  const [q, r] = run("qr", [a], { complete: false }).map(rowsOf) as [Rows, Rows];
  expectClose(r, [[2, 1, 0], [0, 5, 3.4], [0, 0, 3.8]]);
  expectClose(q, [[1, 0, 0], [0, -0.6, 0.8], [0, 0.8, 0.6]]);
  const [, positive] = run("qr", [operand([3, 4], float64, [2, 1])], { complete: false }).map(rowsOf) as [
    Rows,
    Rows,
  ];
  expectClose(positive, [[-5]]);
});

test("cholesky: info is the order of the first minor that is not positive definite", () => {
  const [l, info] = run("cholesky", [operand([4, 2, 2, -3], float64, [2, 2])], null) as [Operand, Operand];
  expect(valuesOf(info)).toEqual([2]);
  expect(valuesOf(l)).toEqual([2, 0, 1, -4]);
});

test("luFactor: info is the first pivot that is zero, and the rest is factored", () => {
  // torch.linalg.lu_factor_ex of the same matrix
  const a = operand([0, 1, 0, 2, 0, 3], float64, [2, 3]);
  const [lu, pivots, info] = run("luFactor", [a], null) as [Operand, Operand, Operand];
  expect(valuesOf(lu)).toEqual([2, 0, 3, 0, 1, 0]);
  expect(valuesOf(pivots)).toEqual([2, 2]);
  expect(valuesOf(info)).toEqual([0]);
  const singular = run("luFactor", [operand([0, 1, 0, 2], float64, [2, 2])], null);
  expect(valuesOf(singular[2]!)).toEqual([1]);
});

test("svd: vectors stay orthonormal when the rank is deficient", () => {
  const cases = [[1, 2, 2, 4, 3, 6], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1 + 1e-15]];
  for (const values of cases) {
    const [u, s, vh] = run("svd", [operand(values, float64, [3, 2])], { full: true }) as [
      Operand,
      Operand,
      Operand,
    ];
    expectClose(times(transposed(rowsOf(u)), rowsOf(u)), unit(3));
    expectClose(times(rowsOf(vh), transposed(rowsOf(vh))), unit(2));
    const thin = times(rowsOf(u).map((row) => row.slice(0, 2)), diagonal(valuesOf(s) as number[]));
    expectClose(times(thin, rowsOf(vh)), rowsOf(operand(values, float64, [3, 2])));
  }
});

test("svd, eigh: scale from the smallest to the largest numbers", () => {
  for (const scale of [1e-300, 1e300]) {
    const a = operand([2 * scale, scale, scale, 2 * scale], float64, [2, 2]);
    expectClose([(valuesOf(run("svd", [a], { full: false })[1]!) as number[]).map((x) => x / scale)], [[
      3,
      1,
    ]]);
    expectClose([(valuesOf(run("eigh", [a], null)[0]!) as number[]).map((x) => x / scale)], [[1, 3]]);
  }
});

test("eigh: repeated eigenvalues", () => {
  const [w, v] = run("eigh", [operand(new Array(36).fill(1), float64, [6, 6])], null) as [Operand, Operand];
  expectClose([valuesOf(w) as number[]], [[0, 0, 0, 0, 0, 6]]);
  expectClose(times(transposed(rowsOf(v)), rowsOf(v)), unit(6));
});

test("svd, eigh: a matrix that is not finite throws", () => {
  const a = operand([1, NaN, NaN, 1], float32, [2, 2]);
  expect(() => run("svd", [a], { full: false })).toThrow(
    "Cannot svd float32[2, 2]: all elements must be finite, got NaN",
  );
  expect(() => run("eigh", [a], null)).toThrow(
    "Cannot eigh float32[2, 2]: all elements must be finite, got NaN",
  );
});

test("svd: of no rows, the full vectors are the identity", () => {
  const a = operand([], float64, [0, 3]);
  const outputs = run("svd", [a], { full: true });
  expect(valuesOf(outputs[2]!)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
});

test("float32: results are rounded once", () => {
  const a = operand([4, 2, 2, 3], float32, [2, 2]);
  const l = run("cholesky", [a], null)[0]!;
  expect(valuesOf(l)).toEqual([2, 0, 1, Math.fround(Math.sqrt(2))]);
  expect(allocate(l).dtype).toBe(float32);
});
