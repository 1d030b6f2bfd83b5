import { type DType, float32, float64, int32, int64, type Operand, type Shape } from "@flambeau/core";
import { expect, test } from "vitest";
import type { WasmBuffer } from "./heap.ts";
import { Kernels } from "./module.ts";
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

test("matmul: sizes around every threshold, in every order of memory", () => {
  const cases = [
    // Few rows and rows of B as streams: four streams, six, pairs of rows, what is left over.
    ...[[1, 9, 7], [1, 33, 64], [2, 35, 65], [3, 40, 67], [3, 5, 4]],
    // B large enough for more rows to be few, and one row more.
    ...[[8, 130, 260], [9, 130, 260], [8, 129, 253], [22, 420, 500], [23, 420, 500], [21, 421, 499]],
    // x Wᵀ by scalar products up to 4, 16 and 32 rows.
    ...[[4, 50, 66], [5, 50, 66], [16, 45, 129], [17, 45, 129], [32, 43, 258], [33, 43, 258]],
    // Heights of tiles, rows of a block, steps of a block.
    ...[[6, 24, 40], [7, 24, 40], [13, 16, 44], [119, 10, 24], [120, 10, 24], [121, 17, 24], [127, 9, 385]],
    ...[[12, 16, 384], [12, 16, 388], [12, 20, 771], [40, 1025, 12], [130, 1025, 12]],
  ] as [number, number, number][];
  for (const [m, n, k] of cases) {
    check(m, n, k, float32);
    check(m, n, k, float32, {}, { strides: [1, k] });
    check(m, n, k, float32, { strides: [1, m] }, {});
    check(m, n, k, float32, { strides: [1, m] }, { strides: [1, k + 1] });
    check(m, n, k, float32, { strides: [2 * k + 1, 2] }, { strides: [3 * n, 3], offset: 2 });
    check(m, n, k, float32, { strides: [k + 3, 1] }, { strides: [n + 3, 1] }, {
      strides: [n + 2, 1],
      offset: 1,
    });
  }
});

test("matmul: operands that repeat or run backwards", () => {
  for (const [m, n, k] of [[3, 20, 30], [5, 17, 40], [64, 40, 48], [20, 300, 700], [20, 300, 256]] as const) {
    const row = numbers(k, 3, float32);
    const column = numbers(k, 5, float32);
    const rows = Array.from({ length: m * k }, (_, i) => row[i % k]!);
    const columns = Array.from({ length: k * n }, (_, i) => column[Math.floor(i / n)]!);
    const backwards = (x: number[]): number[] => [...x].reverse();
    for (const [build, device] of devices) {
      const out = empty(device, [m, n]);
      const repeated = operand(device, row, [k]);
      const spread = operand(device, column, [k]);
      // Rows are all the same row, columns all the same column.
      const a = { ...repeated, shape: [m, k], strides: [0, 1] };
      const b = { ...spread, shape: [k, n], strides: [1, 0] };
      expect(run(device, "matmul", [a, b], out, null)).toBe(true);
      expect(values(device, out), `${build} ${m} × ${n} × ${k}`).toEqual(multiply(rows, columns, m, n, k));
      const [x, y] = [numbers(m * k, 7, float32), numbers(k * n, 9, float32)];
      const expected = multiply(backwards(x), backwards(y), m, n, k);
      const c = { ...operand(device, x, [m, k]), strides: [-k, -1], offset: m * k - 1 };
      const d = { ...operand(device, y, [k, n]), strides: [-n, -1], offset: k * n - 1 };
      expect(run(device, "matmul", [c, d], out, null)).toBe(true);
      expect(values(device, out), `${build} ${m} × ${n} × ${k}, backwards`).toEqual(expected);
      for (const { buffer } of [out, repeated, spread, c, d]) device.free(buffer);
    }
  }
});

test("matmul: kernels that are not unrolled give the same bits as unrolled ones", () => {
  const [, device] = devices.find(([build]) => build === "simd")!;
  const kernels = new Kernels("simd", false);
  const gemm = kernels.entry("gemm_f32").fn;
  const bytes = kernels.entry("gemm_scratch").fn(4);
  kernels.needScratch(bytes);
  for (const [m, n, k] of [[64, 40, 100], [13, 24, 388], [7, 9, 31], [121, 30, 50]] as const) {
    const [a, b, c] = [m * k, k * n, m * n].map((size) => kernels.heap.allocate(4 * size)) as [
      ...[WasmBuffer, WasmBuffer, WasmBuffer],
    ];
    const [x, y] = [noise(m * k, 1), noise(k * n, 2)].map((list) => Float32Array.from(list));
    kernels.heap.bytes.set(new Uint8Array(x!.buffer), a.ptr);
    kernels.heap.bytes.set(new Uint8Array(y!.buffer), b.ptr);
    const results = [0, 1].map((rolled) => {
      kernels.entry("set_rolled").fn(rolled);
      gemm(a.ptr, b.ptr, c.ptr, m, n, k, k, 1, n, 1, n, 1, 0, 0, 0, 0);
      return Array.from(new Float32Array(kernels.heap.bytes.slice(c.ptr, c.ptr + 4 * m * n).buffer));
    });
    expect(results[1]).toEqual(results[0]);
    const out = empty(device, [m, n]);
    run(device, "matmul", [operand(device, x!, [m, k]), operand(device, y!, [k, n])], out, null);
    expect(values(device, out)).toEqual(results[0]);
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
  const shapes: Shape[] = [[7], [1, 7], [5, 7], [2, 3, 7], [40, 130], [1, 513], [3, 130], [17, 260], [
    130,
    40,
  ]];
  for (const shape of shapes) {
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
        const bias = operand(device, b, [n], float32, { strides: [2], offset: 1 });
        expect(run(device, "linear", [inputs[0], inputs[1], bias], out, null)).toBe(true);
        expect(values(device, out)).toEqual(expected);
      }
    }
  }
});
