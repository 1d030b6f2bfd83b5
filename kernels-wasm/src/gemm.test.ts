import { type DType, float32, float64, int32, int64, type Operand, type Shape } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, type Layout, noise, operand, run, values } from "./test_support.ts";

/** A matrix of small whole numbers times 1/8, so that float32 sums are exact and any order gives the same. */
function numbers(n: number, seed: number, dtype: DType): number[] {
  return Array.from(
    noise(n, seed),
    (v) => dtype.isFloatingPoint ? Math.round(v * 16) / 8 : Math.round(v * 9),
  );
}

/** The product by its definition. */
function multiply(a: number[], b: number[], m: number, n: number, k: number): number[] {
  const out = new Array<number>(m * n).fill(0);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      for (let j = 0; j < n; j++) out[i * n + j]! += a[i * k + p]! * b[p * n + j]!;
    }
  }
  return out;
}

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

function check(
  m: number,
  n: number,
  k: number,
  dtype: DType,
  la: Layout = {},
  lb: Layout = {},
  lc: Layout = {},
): void {
  const [a, b] = [numbers(m * k, 3, dtype), numbers(k * n, 5, dtype)];
  const expected = multiply(a, b, m, n, k);
  for (const [build, device] of devices) {
    const inputs = [operand(device, a, [m, k], dtype, la), operand(device, b, [k, n], dtype, lb)] as const;
    const out = empty(device, [m, n], dtype, lc);
    expect(run(device, "matmul", inputs, out, null)).toBe(true);
    expect(values(device, out), `${build} ${dtype.name} ${m} × ${n} × ${k}`).toEqual(expected);
    for (const x of [...inputs, out]) device.free(x.buffer);
  }
}

test("matmul: every remainder of tiles and steps, every order of memory", () => {
  for (const dtype of [float32, float64, int32, int64]) {
    for (const m of [1, 2, 4, 5, 7, 11]) {
      for (const n of [1, 3, 8, 9, 17]) {
        for (const k of [0, 1, 3, 4, 9]) {
          check(m, n, k, dtype);
          check(m, n, k, dtype, { strides: [1, m] }, { strides: [1, k] });
        }
      }
    }
  }
});

test("matmul: large enough for packing, with odd strides and offsets", () => {
  for (const dtype of [float32, float64]) {
    for (
      const [m, n, k] of [[37, 70, 83], [6, 200, 300], [3, 200, 300], [1, 130, 270], [170, 20, 515], [
        64,
        1040,
        20,
      ], [66, 1, 129]] as const
    ) {
      check(m, n, k, dtype, { offset: 3 }, { offset: 1 });
      check(m, n, k, dtype, { strides: [1, m] }, {});
      check(m, n, k, dtype, {}, { strides: [1, k] });
      check(m, n, k, dtype, { strides: [1, m + 2], offset: 1 }, { strides: [1, k + 3] });
      check(m, n, k, dtype, { strides: [2 * k, 2] }, { strides: [3 * n, 3] });
      check(m, n, k, dtype, {}, {}, { strides: [n + 5, 1], offset: 2 });
      check(m, n, k, dtype, {}, {}, { strides: [1, m] });
    }
  }
});

test("matmul: batches, with broadcast and strided leading dimensions", () => {
  const cases: [Shape, Layout, Shape, Layout][] = [
    [[3, 5, 7], {}, [3, 7, 9], {}],
    [[3, 5, 7], {}, [7, 9], {}],
    [[5, 1, 7], {}, [7, 9], {}],
    [[5, 7], {}, [3, 7, 9], {}],
    [[2, 3, 5, 7], {}, [3, 7, 9], {}],
    [[2, 1, 5, 7], {}, [3, 7, 9], {}],
    [[2, 3, 5, 7], { strides: [105, 7, 21, 1] }, [2, 3, 7, 9], { strides: [189, 9, 27, 1] }],
    [[2, 3, 33, 20], {}, [2, 3, 20, 40], {}],
  ];
  for (const dtype of [float32, float64, int32]) {
    for (const [xs, xl, ys, yl] of cases) {
      const [x, y] = [numbers(size(xs), 3, dtype), numbers(size(ys), 5, dtype)];
      const [m, k] = xs.slice(-2) as [number, number];
      const n = ys.at(-1)!;
      const rank = Math.max(xs.length, ys.length) - 2;
      const lead = Array.from(
        { length: rank },
        (_, d) => Math.max(xs[xs.length - 2 - rank + d] ?? 1, ys[ys.length - 2 - rank + d] ?? 1),
      );
      const expected: number[] = [];
      for (let i = 0; i < size(lead); i++) {
        let [ax, ay, rest, stepX, stepY] = [0, 0, i, 1, 1];
        for (let d = rank - 1; d >= 0; d--) {
          const at = rest % lead[d]!;
          rest = (rest - at) / lead[d]!;
          const [sx, sy] = [xs[xs.length - 2 - rank + d] ?? 1, ys[ys.length - 2 - rank + d] ?? 1];
          if (sx !== 1) ax += at * stepX;
          if (sy !== 1) ay += at * stepY;
          stepX *= sx;
          stepY *= sy;
        }
        expected.push(
          ...multiply(x.slice(ax * m * k, (ax + 1) * m * k), y.slice(ay * k * n, (ay + 1) * k * n), m, n, k),
        );
      }
      for (const [, device] of devices) {
        const out = empty(device, [...lead, m, n], dtype);
        const inputs = [operand(device, x, xs, dtype, xl), operand(device, y, ys, dtype, yl)] as const;
        expect(run(device, "matmul", inputs, out, null)).toBe(true);
        expect(values(device, out), JSON.stringify([xs, ys])).toEqual(expected);
      }
    }
  }
});

test("matmul: NaN and infinity reach only their rows and columns", () => {
  for (const [, device] of devices) {
    const a = new Float32Array(64 * 64).fill(1);
    a[5 * 64 + 7] = NaN;
    a[9 * 64 + 1] = Infinity;
    const x = operand(device, a, [64, 64]);
    const out = empty(device, [64, 64]);
    run(device, "matmul", [x, operand(device, new Float32Array(64 * 64).fill(1), [64, 64])], out, null);
    const got = values(device, out);
    got.forEach((v, i) => {
      const row = Math.floor(i / 64);
      expect(v).toBe(row === 5 ? NaN : row === 9 ? Infinity : 64);
    });
  }
});

test("linear: x Wᵀ + b for one row and many, and any leading dimensions", () => {
  for (const shape of [[7], [1, 7], [5, 7], [2, 3, 7], [40, 130], [1, 513], [3, 130]] as Shape[]) {
    const k = shape.at(-1)!;
    const m = size(shape) / k;
    for (const n of [1, 4, 10, 33]) {
      const [x, w, b] = [numbers(m * k, 1, float32), numbers(n * k, 2, float32), numbers(n, 3, float32)];
      const wt = Array.from({ length: k * n }, (_, i) => w[(i % n) * k + Math.floor(i / n)]!);
      const expected = multiply(x, wt, m, n, k).map((v, i) => v + b[i % n]!);
      for (const [, device] of devices) {
        const out = empty(device, [...shape.slice(0, -1), n]);
        const inputs = [
          operand(device, x, shape),
          operand(device, w, [n, k]),
          operand(device, b, [n]),
        ] as const;
        expect(run(device, "linear", inputs, out, null)).toBe(true);
        expect(values(device, out), JSON.stringify([shape, n])).toEqual(expected);
        const weight: Operand = operand(device, w, [n, k], float32, { strides: [1, n] });
        expect(run(device, "linear", [inputs[0], weight, inputs[2]], out, null)).toBe(true);
        expect(values(device, out)).toEqual(expected);
      }
    }
  }
});
