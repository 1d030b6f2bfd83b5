import { test } from "vitest";
import { describeGpu, expectSame, noise } from "./test_support.ts";

const close = { rtol: 1e-4, atol: 2e-5 };
const matrices = (shape: number[], seed = 1): { values: number[]; shape: number[] } => ({
  values: noise(shape.reduce((a, b) => a * b, 1), seed),
  shape,
});

/** A symmetric positive definite batch. */
function positive(batch: number, n: number): { values: number[]; shape: number[] } {
  const { values: a } = matrices([batch, n, n], 7);
  const values: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = i === j ? 1 : 0;
        for (let k = 0; k < n; k++) sum += a[(b * n + i) * n + k]! * a[(b * n + j) * n + k]!;
        values.push(Math.fround(sum));
      }
    }
  }
  return { values, shape: [batch, n, n] };
}

describeGpu("linalg", () => {
  test("cholesky: factors, and where a minor is not positive", async () => {
    for (const n of [1, 4, 70]) await expectSame("cholesky", [positive(2, n)], null, close);
    await expectSame("cholesky", [{ values: [4, 2, 2, -1], shape: [2, 2] }], null, close);
  });
  test("luFactor: pivots, tall, wide, singular", async () => {
    for (const shape of [[1, 1], [3, 5, 5], [6, 4], [4, 6], [70, 66]]) {
      await expectSame("luFactor", [matrices(shape)], null, { rtol: 1e-3, atol: 1e-4 });
    }
    await expectSame("luFactor", [{ values: [0, 1, 0, 2], shape: [2, 2] }], null, close);
  });
  test("qr: reduced and complete, tall and wide", async () => {
    for (const shape of [[1, 1], [2, 5, 3], [3, 5], [70, 20]]) {
      for (const complete of [false, true]) {
        await expectSame("qr", [matrices(shape)], { complete }, { rtol: 1e-3, atol: 1e-4 });
      }
    }
    await expectSame("qr", [{ values: [2, 1, 0, 3], shape: [2, 2] }], { complete: false }, close);
  });
  test("solveTriangular: both triangles, with and without the diagonal", async () => {
    const a = positive(2, 5);
    for (const upper of [false, true]) {
      for (const unitriangular of [false, true]) {
        await expectSame("solveTriangular", [a, matrices([2, 5, 3], 4)], { upper, unitriangular }, close);
      }
    }
  });
  test("matrices that take several dispatches", { timeout: 60_000 }, async () => {
    const n = 260;
    const a = positive(1, n);
    await expectSame("cholesky", [a], null, { rtol: 1e-3, atol: 1e-3 });
    const mixed = { ...matrices([n, n]), values: noise(n * n).map((v, e) => e % (n + 1) === 0 ? v + 20 : v) };
    await expectSame("luFactor", [mixed], null, { rtol: 1e-3, atol: 1e-3 });
    await expectSame("qr", [mixed], { complete: false }, { rtol: 1e-2, atol: 1e-3 });
    const upper = { ...a, values: a.values.map((v, e) => e % (n + 1) === 0 ? v + 50 : v / 50) };
    for (const side of [false, true]) {
      await expectSame("solveTriangular", [upper, matrices([1, n, 3], 4)], {
        upper: side,
        unitriangular: false,
      }, close);
    }
  });
});
