import { expect, test } from "vitest";
import {
  describeGpu,
  device,
  noise,
  operand,
  oracle,
  results,
  run,
  type Spec,
  valuesOf,
} from "./test_support.ts";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function random(shape: number[], seed = 1, scale = 1): Spec & { readonly values: number[] } {
  return { values: noise(product(shape), seed, scale), shape };
}

/** A symmetric batch from the lower triangles of a random one. */
function symmetric(batch: number, n: number, seed = 1, scale = 1): Spec & { readonly values: number[] } {
  const { values } = random([batch, n, n], seed, scale);
  return {
    values: values.map((_, e) => {
      const [b, i, j] = [Math.floor(e / n / n), Math.floor(e / n) % n, e % n];
      return values[b * n * n + Math.max(i, j) * n + Math.min(i, j)]!;
    }),
    shape: [batch, n, n],
  };
}

/** The largest difference between A and what its factors give, and of Qᵀ Q from the identity. */
function worst(
  a: (i: number, j: number) => number,
  b: (i: number, j: number) => number,
  rows: number,
  columns: number,
): number {
  let most = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const off = Math.abs(a(i, j) - b(i, j));
      if (!(off <= most)) most = off; // NaN stays
    }
  }
  return most;
}

const identity = (i: number, j: number): number => i === j ? 1 : 0;

/** (QᵀQ)ᵢⱼ of the columns of q [rows, columns]. */
function gram(q: readonly number[], rows: number, columns: number): (i: number, j: number) => number {
  return (i, j) => {
    let sum = 0;
    for (let k = 0; k < rows; k++) sum += q[k * columns + i]! * q[k * columns + j]!;
    return sum;
  };
}

async function checkEigh(x: Spec & { readonly values: number[] }, tolerance: number): Promise<void> {
  const n = x.shape.at(-1)!;
  const { values: [values, vectors] } = await results(device, "eigh", [x], null);
  const exact = await results(oracle, "eigh", [x], null);
  const norm = Math.max(1e-30, ...exact.values[0]!.map(Math.abs));
  for (let b = 0; b < product(x.shape) / n / n; b++) {
    const d = values!.slice(b * n, b * n + n);
    const v = vectors!.slice(b * n * n, (b + 1) * n * n);
    const a = x.values.slice(b * n * n, (b + 1) * n * n);
    d.forEach((value, i) => {
      expect(Math.abs(value - exact.values[0]![b * n + i]!)).toBeLessThanOrEqual(tolerance * norm);
      if (i > 0) expect(value).toBeGreaterThanOrEqual(d[i - 1]!);
    });
    expect(worst(gram(v, n, n), identity, n, n)).toBeLessThan(tolerance * 4);
    const made = (i: number, j: number): number => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += v[i * n + k]! * d[k]! * v[j * n + k]!;
      return sum;
    };
    const lower = (i: number, j: number): number => a[Math.max(i, j) * n + Math.min(i, j)]!;
    expect(worst(made, lower, n, n)).toBeLessThan(tolerance * 4 * norm);
  }
}

async function checkSvd(
  x: Spec & { readonly values: number[] },
  full: boolean,
  tolerance: number,
): Promise<void> {
  const [m, n] = x.shape.slice(-2) as [number, number];
  const k = Math.min(m, n);
  const [columns, rows] = full ? [m, n] : [k, k];
  const { values: [u, s, vh] } = await results(device, "svd", [x], { full });
  const exact = await results(oracle, "svd", [x], { full });
  const norm = Math.max(1e-30, ...exact.values[1]!);
  for (let b = 0; b < product(x.shape) / m / n; b++) {
    const a = x.values.slice(b * m * n, (b + 1) * m * n);
    const left = u!.slice(b * m * columns, (b + 1) * m * columns);
    const right = vh!.slice(b * rows * n, (b + 1) * rows * n);
    const sizes = s!.slice(b * k, b * k + k);
    sizes.forEach((value, i) => {
      expect(Math.abs(value - exact.values[1]![b * k + i]!)).toBeLessThanOrEqual(tolerance * norm);
      expect(value).toBeGreaterThanOrEqual(0);
      if (i > 0) expect(value).toBeLessThanOrEqual(sizes[i - 1]!);
    });
    expect(worst(gram(left, m, columns), identity, columns, columns)).toBeLessThan(tolerance * 4);
    const turned = right.map((_, e) => right[(e % rows) * n + Math.floor(e / rows)]!);
    expect(worst(gram(turned, n, rows), identity, rows, rows)).toBeLessThan(tolerance * 4);
    const made = (i: number, j: number): number => {
      let sum = 0;
      for (let e = 0; e < k; e++) sum += left[i * columns + e]! * sizes[e]! * right[e * n + j]!;
      return sum;
    };
    expect(worst(made, (i, j) => a[i * n + j]!, m, n)).toBeLessThan(tolerance * 4 * norm);
  }
}

describeGpu("spectral", () => {
  test("eigh: ascending values, orthonormal vectors, batches, in workgroup memory", async () => {
    for (const n of [1, 2, 3, 5, 8, 17, 38]) await checkEigh(symmetric(n === 3 ? 70 : 2, n, n), 4e-6);
  });
  test("eigh: in storage memory", async () => {
    await checkEigh(symmetric(2, 39, 5), 4e-6);
    await checkEigh(symmetric(1, 100, 6), 1e-5);
  });
  test("eigh: only the lower triangle counts", async () => {
    const x = symmetric(1, 6, 3);
    const upper = x.values.map((v, e) => e % 6 > Math.floor(e / 6) ? 99 : v);
    const want = await results(device, "eigh", [x], null);
    expect((await results(device, "eigh", [{ ...x, values: upper }], null)).values[0]).toEqual(
      want.values[0],
    );
  });
  test("eigh: zeros, diagonals, equal and tiny and huge eigenvalues, low rank", async () => {
    const n = 9;
    const diagonal = (of: (i: number) => number): Spec & { readonly values: number[] } => ({
      values: Array.from({ length: n * n }, (_, e) => e % (n + 1) === 0 ? Math.fround(of(e / (n + 1))) : 0),
      shape: [n, n],
    });
    await checkEigh(diagonal(() => 0), 4e-6);
    await checkEigh(diagonal((i) => 3 - i), 4e-6);
    await checkEigh(diagonal((i) => 10 ** (i - 4)), 4e-6);
    await checkEigh(symmetric(1, n, 2, 1e30), 4e-6);
    await checkEigh(symmetric(1, n, 2, 1e-30), 4e-6);
    const v = noise(n, 8);
    const outer = Array.from({ length: n * n }, (_, e) => Math.fround(v[Math.floor(e / n)]! * v[e % n]!));
    await checkEigh({ values: outer, shape: [n, n] }, 4e-6);
    await checkEigh({ values: new Array(n * n).fill(1), shape: [n, n] }, 4e-6);
  });
  test("svd: tall, wide and square, reduced and full, batches, in workgroup memory", async () => {
    for (
      const shape of [[1, 1], [2, 2], [3, 1], [1, 4], [5, 3], [3, 5], [12, 12], [30, 17], [17, 30], [300, 4]]
    ) {
      for (const full of shape[0]! < 100 ? [false, true] : [false]) {
        await checkSvd(random([2, ...shape], shape[0]! + shape[1]!), full, 6e-6);
      }
    }
    await checkSvd(random([70, 3, 3], 9), true, 6e-6);
  });
  test("svd: in storage memory", async () => {
    await checkSvd(random([2, 45, 40], 3), true, 1e-5);
    await checkSvd(random([60, 100], 4), false, 1e-5);
  });
  test("256 rows", { timeout: 120_000 }, async () => {
    await checkEigh(symmetric(1, 256, 6), 1e-5);
    await checkSvd(random([256, 256], 4), false, 2e-5);
  });
  test("svd: zeros, low rank, equal and tiny and huge values", async () => {
    const zeros = { values: new Array(20).fill(0), shape: [5, 4] };
    await checkSvd(zeros, true, 6e-6);
    const [a, b] = [noise(12, 3), noise(10, 4)];
    const low = Array.from({ length: 30 }, (_, e) => {
      const [i, j] = [Math.floor(e / 5), e % 5];
      return Math.fround(a[i]! * b[j]! + a[i + 6]! * b[j + 5]!);
    });
    await checkSvd({ values: low, shape: [6, 5] }, true, 6e-6);
    await checkSvd({ values: low, shape: [5, 6] }, false, 6e-6);
    await checkSvd({ values: new Array(42).fill(1), shape: [7, 6] }, true, 6e-6);
    const unit = Array.from({ length: 36 }, (_, e) => e % 7 === 0 ? 1 : 0);
    await checkSvd({ values: unit, shape: [6, 6] }, true, 6e-6);
    await checkSvd(random([6, 4], 2, 1e30), false, 6e-6);
    await checkSvd(random([6, 4], 2, 1e-30), false, 6e-6);
    const graded = noise(64, 5).map((v, e) => Math.fround(v * 10 ** -(e % 8)));
    await checkSvd({ values: graded, shape: [8, 8] }, false, 6e-6);
  });
  test("transposed operands and results with strides need no copies", async () => {
    const x = random([2, 5, 3], 3);
    const turned = { ...x, strides: [15, 1, 5], offset: 2 };
    const input = operand(device, turned);
    const [u, s, vh] = [
      operand(device, { values: new Array(30).fill(7), shape: [2, 5, 3], strides: [1, 2, 10] }),
      operand(device, { values: new Array(6).fill(7), shape: [2, 3] }),
      operand(device, { values: new Array(18).fill(7), shape: [2, 3, 3], strides: [9, 1, 3], offset: 1 }),
    ];
    expect(run(device, "svd", [input], [u, s, vh], { full: false })).toBe(true);
    const want = await results(device, "svd", [x], { full: false });
    expect(await valuesOf(device, u)).toEqual(want.values[0]);
    expect(await valuesOf(device, s)).toEqual(want.values[1]);
    expect(await valuesOf(device, vh)).toEqual(want.values[2]);
    for (const { buffer } of [input, u, s, vh]) device.free(buffer);
  });
  test("what is not finite is a ValueError, what is too large a DeviceError", async () => {
    for (const [value, name] of [[NaN, "NaN"], [-Infinity, "Infinity"]] as const) {
      const x = { values: [1, 2, 2, value], shape: [2, 2] };
      await expect(results(device, "eigh", [x], null)).rejects.toThrow(
        `Cannot eigh float32[2, 2]: all elements must be finite, got ${name}`,
      );
      await expect(results(device, "svd", [x], { full: false })).rejects.toThrow(
        `Cannot svd float32[2, 2]: all elements must be finite, got ${name}`,
      );
    }
    const wide = operand(device, { values: [], shape: [0] });
    const x = { ...wide, shape: [1025, 1025], strides: [1025, 1] };
    const other = { ...x, offset: 1 };
    expect(() => device.kernels.eigh([x], [{ ...other, shape: [1025] }, other], null)).toThrow(
      "the smaller size of a matrix must be at most 1024, got 1025; compute on the CPU",
    );
    device.free(wide.buffer);
  });
});
