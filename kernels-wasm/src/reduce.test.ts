import {
  bool,
  type DType,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  type Shape,
  uint8,
} from "@flambeau/core";
import { hostKernels } from "@flambeau/reference";
import { expect, test, vi } from "vitest";
import { createWasmBackend } from "./backend.ts";
import { devices, empty, type Layout, noise, operand, oracle, run, ulps, values } from "./test_support.ts";
import { Pool, starting } from "./threads.ts";

const CASES: readonly (readonly [shape: Shape, dims: Shape, layout?: Layout])[] = [
  ...[1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 100, 1025, 2100].map((n) => [[n], [0]] as const),
  [[], []],
  [[3, 37], [1]],
  [[3, 37], [0]],
  [[3, 37], [0, 1]],
  [[130, 9], [0]],
  [[130, 600], [0]],
  [[2, 5, 7], [1]],
  [[2, 5, 70], [1]],
  [[4, 3, 35], [0, 2]],
  [[4, 3, 5, 6], [0, 2, 3]],
  [[4, 3, 5, 6], [1, 3]],
  [[4, 3, 5, 6], [0, 2]],
  [[3, 37], [1], { strides: [1, 3], offset: 2 }],
  [[3, 37], [0], { strides: [1, 3] }],
  [[4, 3, 5], [1], { strides: [1, 20, 4] }],
  [[4, 3, 5], [0, 2], { strides: [30, 10, 2] }],
  [[5, 1, 6], [1]],
];

function same(
  name: "sum" | "argmax",
  dtype: DType,
  outType: DType,
  spread: number,
  tolerance: number,
  nan: boolean,
): void {
  for (const [shape, dims, layout] of CASES) {
    if (name.startsWith("arg") && dims.length > 1) continue;
    // Places in bytes are for the host, which wants contiguous operands.
    if (name.startsWith("arg") && dtype.itemsize === 1 && layout !== undefined) continue;
    const n = shape.reduce((a, b) => a * b, 1);
    const x = Array.from(noise(n, 9), (v, i) => {
      if (nan && i % 23 === 11) return NaN;
      if (dtype === bool) return v > 0.9 ? 1 : 0;
      return dtype.isFloatingPoint
        ? Math.fround(v * spread)
        : Math.abs(Math.round(v * spread)) * (dtype.isSigned && v < 0 ? -1 : 1);
    });
    const outShape = shape.filter((_, d) => !dims.includes(d));
    const attrs = name.startsWith("arg") ? { dim: dims[0] ?? 0, keepdim: false } : { dims, keepdim: false };
    const [exact, exactOut] = dtype === float32
      ? [float64, outType === float32 ? float64 : outType]
      : [dtype, outType];
    const want = empty(oracle, outShape, exactOut);
    run(
      oracle,
      name as "sum",
      [operand(oracle, x, shape, exact)],
      want,
      attrs as { dims: Shape; keepdim: boolean },
    );
    for (const [build, device] of devices) {
      const out = empty(device, outShape, outType);
      expect(
        run(
          device,
          name as "sum",
          [operand(device, x, shape, dtype, layout)],
          out,
          attrs as { dims: Shape; keepdim: boolean },
        ),
      ).toBe(true);
      const [got, exactly] = [values(device, out), values(oracle, want)];
      got.forEach((v, i) => {
        const e = exactly[i]!;
        if (Object.is(v, e)) return;
        expect(
          Math.abs(v - e),
          `${name} ${build} ${dtype.name} ${JSON.stringify([shape, dims, layout])} at ${i}: ${v}, ${e}`,
        )
          .toBeLessThanOrEqual(
            tolerance * Math.max(1, Math.abs(e), name === "sum" ? spread * n / got.length : 0),
          );
      });
    }
  }
}

for (const name of ["sum", "amax", "amin", "prod", "argmax", "argmin"]) {
  test(`${name}: as the reference for every dtype, pattern of dims and stride`, () => {
    const places = name.startsWith("arg");
    for (const dtype of [float32, float64, int32, int64, int16, int8, uint8]) {
      if ((name === "sum" || name === "prod") && dtype.itemsize <= 2) continue;
      if (places && dtype === int16) continue;
      const tolerance = name === "sum" || name === "prod"
        ? (dtype === float32 ? (name === "sum" ? 1.2e-7 : 1e-6) : dtype === float64 ? 1e-13 : 0)
        : 0;
      const spread = name === "prod" ? 1.5 : 50;
      same(name as "sum", dtype, places ? int32 : dtype, spread, tolerance, false);
      if (dtype.isFloatingPoint && name !== "prod") {
        same(name as "sum", dtype, places ? int32 : dtype, 3, tolerance, true);
      }
    }
  });
}

test("any, all: as the reference", () => {
  same("any" as "sum", bool, bool, 1, 0, false);
  same("all" as "sum", bool, bool, 1, 0, false);
});

test("any, all: one element that differs, wherever it stands in a row", () => {
  for (const n of [64, 70, 150]) {
    for (const [name, value] of [["any", 1], ["all", 0]] as const) {
      const rows = Array.from(
        { length: n + 1 },
        (_, at) => Array.from({ length: n }, (_, i) => i === at ? value : 1 - value),
      );
      for (const [build, device] of devices) {
        const out = empty(device, [n + 1], bool);
        const x = operand(device, rows.flat(), [n + 1, n], bool);
        expect(run(device, name, [x], out, { dims: [1], keepdim: false }), build).toBe(true);
        expect(values(device, out), `${build} ${name} of ${n}`).toEqual(
          rows.map((_, at) => at < n ? value : 1 - value),
        );
      }
    }
  }
});

test("amax of nothing but −∞, amin of nothing but ∞; argmax takes the first among equals", () => {
  for (const [, device] of devices) {
    const out = empty(device, []);
    run(device, "amax", [operand(device, Array(40).fill(-Infinity), [40])], out, {
      dims: [0],
      keepdim: false,
    });
    expect(values(device, out)).toEqual([-Infinity]);
    run(device, "amin", [operand(device, Array(40).fill(Infinity), [40])], out, {
      dims: [0],
      keepdim: false,
    });
    expect(values(device, out)).toEqual([Infinity]);
    const place = empty(device, [], int32);
    run(device, "argmax", [operand(device, [1, 5, 2, 5, 5, 0, 1, 1, 5], [9])], place, {
      dim: 0,
      keepdim: false,
    });
    expect(values(device, place)).toEqual([1]);
    run(device, "argmax", [operand(device, [1, 5, 2, NaN, 5, NaN, 1, 1, 5], [9])], place, {
      dim: 0,
      keepdim: false,
    });
    expect(values(device, place)).toEqual([3]);
  }
});

test("sum: a million of 0.1 in float32 is right to the last place, along and across", () => {
  const n = 1 << 20;
  const exact = Math.fround(0.1) * n;
  for (const [, device] of devices) {
    const x = operand(device, new Float32Array(n).fill(0.1), [n]);
    const out = empty(device, []);
    run(device, "sum", [x], out, { dims: [0], keepdim: false });
    expect(Math.abs(values(device, out)[0]! - exact) / exact).toBeLessThan(3e-7);
    const across = empty(device, [4]);
    run(device, "sum", [{ ...x, shape: [n / 4, 4], strides: [4, 1] }], across, { dims: [0], keepdim: false });
    for (const v of values(device, across)) expect(Math.abs(v - exact / 4) / exact).toBeLessThan(3e-7);
    device.free(x.buffer);
  }
});

test("cumsum: every dim and dtype, in place too", () => {
  for (const dtype of [float32, float64, int32, int64]) {
    for (
      const [shape, dim] of [[[7], 0], [[3, 5], 0], [[3, 5], 1], [[2, 3, 4], 1], [[2, 40], 0]] as [
        Shape,
        number,
      ][]
    ) {
      const x = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37) % 23 - 11);
      const want = empty(oracle, shape, dtype);
      run(oracle, "cumsum", [operand(oracle, x, shape, dtype)], want, { dim });
      for (const [, device] of devices) {
        const y = operand(device, x, shape, dtype);
        expect(run(device, "cumsum", [y], y, { dim })).toBe(true);
        expect(values(device, y)).toEqual(values(oracle, want));
      }
    }
  }
});

test("argmax, argmin along columns: ties, NaN and infinities in any column", () => {
  const [rows, cols] = [13, 38];
  for (const name of ["argmax", "argmin"] as const) {
    for (let seed = 0; seed < 8; seed++) {
      const x = Array.from({ length: rows * cols }, (_, i) => {
        const pick = (i * 7919 + seed * 104729) % 97;
        if (pick === 0 && seed > 3) return NaN;
        return pick < 4 ? (pick & 1 ? Infinity : -Infinity) : pick % 5;
      });
      const want = empty(oracle, [cols], int32);
      run(oracle, name, [operand(oracle, x, [rows, cols])], want, { dim: 0, keepdim: false });
      for (const [, device] of devices) {
        const out = empty(device, [cols], int32);
        expect(run(device, name, [operand(device, x, [rows, cols])], out, { dim: 0, keepdim: false })).toBe(
          true,
        );
        expect(values(device, out)).toEqual(values(oracle, want));
      }
    }
  }
});

test("many elements to one: the same bits for any number of threads, as accurate as few", () => {
  const { after } = starting;
  starting.after = 0;
  const shared = vi.spyOn(Pool.prototype, "run");
  try {
    for (const n of [2 ** 18 - 1, 2 ** 18, 2 ** 18 + 4097, 2 ** 20 + 3]) {
      const device = createWasmBackend({ fallback: hostKernels, threads: 1 });
      const x = noise(n, 7);
      for (const [dtype, spread] of [[float32, 1], [float64, 1], [int32, 1000]] as const) {
        const data = dtype === int32 ? x.map((v) => Math.round(v * spread)) : x;
        const y = operand(device, data, [n], dtype);
        for (const name of ["sum", "amax", "amin"] as const) {
          const results = [1, 2, 3].map((threads) => {
            device.numThreads = threads;
            const out = empty(device, [], dtype);
            expect(run(device, name, [y], out, { dims: [0], keepdim: false })).toBe(true);
            return values(device, out)[0]!;
          });
          expect(results[1]).toBe(results[0]);
          expect(results[2]).toBe(results[0]);
          const want = data.reduce(
            (a, b) => name === "sum" ? a + b : name === "amax" ? Math.max(a, b) : Math.min(a, b),
            name === "sum" ? 0 : data[0]!,
          );
          if (name === "sum" && dtype !== int32) expect(Math.abs(results[0]! - want)).toBeLessThan(1e-6 * n);
          else expect(results[0]).toBe(want);
        }
      }
    }
    expect(shared).toHaveBeenCalled();
  } finally {
    shared.mockRestore();
    starting.after = after;
  }
});

test("many elements to one: sums of numbers of one sign are within an ulp, NaN and infinities pass", () => {
  const n = 2 ** 19 + 1027;
  const x = noise(n, 3).map((v) => v + 1.5);
  const exact = x.reduce((a, b) => a + b, 0);
  for (const [, device] of devices) {
    const out = empty(device, []);
    run(device, "sum", [operand(device, x, [n])], out, { dims: [0], keepdim: false });
    expect(ulps(values(device, out)[0]!, exact)).toBeLessThanOrEqual(1);
    for (const [at, value] of [[5, NaN], [n - 1, Infinity], [n >> 1, -Infinity]] as const) {
      const y = x.slice();
      y[at] = value;
      for (const name of ["sum", "amax", "amin"] as const) {
        run(device, name, [operand(device, y, [n])], out, { dims: [0], keepdim: false });
        const want = name === "sum" || Number.isNaN(value) || (value > 0) === (name === "amax")
          ? value
          : null;
        if (want === null) expect(Number.isFinite(values(device, out)[0])).toBe(true);
        else expect(values(device, out)[0]).toBe(want);
      }
    }
  }
});

test("amax, amin of long rows: NaN wherever it stands, infinities beside zeros, products that overflow", () => {
  for (const dtype of [float32, float64]) {
    for (const n of [128, 131, 300]) {
      const plain = Array.from(noise(n, n), Math.fround);
      const places = Array.from({ length: n }, (_, i) => i).filter((i) =>
        i < 40 || i % 17 === 0 || i > n - 20
      );
      const rows = [
        ...places.map((at) => plain.map((v, i) => i === at ? NaN : v)),
        ...places.map((at) => plain.map((v, i) => i === at ? -Infinity : i % 2 ? 0 : v)),
        plain.map((v, i) => Math.fround(i % 3 ? v * 1e30 : -v * 1e30)),
        plain.map((_, i) => i % 2 ? Infinity : -Infinity),
        plain.map(() => NaN),
      ];
      for (const name of ["amax", "amin"] as const) {
        const attrs = { dims: [1], keepdim: false };
        const want = empty(oracle, [rows.length], dtype);
        run(oracle, name, [operand(oracle, rows.flat(), [rows.length, n], dtype)], want, attrs);
        for (const [build, device] of devices) {
          const out = empty(device, [rows.length], dtype);
          run(device, name, [operand(device, rows.flat(), [rows.length, n], dtype)], out, attrs);
          expect(values(device, out), `${build} ${name} ${dtype.name} ${n}`).toEqual(values(oracle, want));
        }
      }
    }
  }
});

test("sum, amax, amin of rows of any length: what stands in other rows has no part in a row", () => {
  for (const n of [...Array.from({ length: 36 }, (_, i) => i + 1), 63, 64, 100, 255, 256, 257, 300, 1061]) {
    for (const [rows, gap] of [[1, 0], [2, 3], [3, 0], [4, 1], [7, 0], [10, 5]] as const) {
      const plain = Array.from(noise(rows * n, n + rows), Math.fround);
      const lie = { strides: [n + gap, 1] };
      for (const special of [null, NaN, Infinity, -Infinity]) {
        const x = plain.slice();
        // At the edges of every second row, so that neighbours would be spoilt.
        if (special !== null) {
          for (let i = 1; i < rows; i += 2) x[i * n + (i % 4 === 1 ? 0 : n - 1)] = special;
        }
        for (const name of ["sum", "amax", "amin"] as const) {
          const attrs = { dims: [1], keepdim: false };
          const want = empty(oracle, [rows], float64);
          run(oracle, name, [operand(oracle, x, [rows, n], float64)], want, attrs);
          for (const [build, device] of devices) {
            const out = empty(device, [rows]);
            const y = operand(device, x, [rows, n], float32, lie);
            expect(run(device, name, [y], out, attrs)).toBe(true);
            const got = values(device, out);
            values(oracle, want).forEach((e, i) => {
              const where = `${build} ${name} of ${rows} rows of ${n} with ${special}, row ${i}`;
              if (name !== "sum" || !Number.isFinite(e)) return expect(got[i], where).toBe(e);
              const size = x.slice(i * n, i * n + n).reduce((sum, v) => sum + Math.abs(v), 0);
              expect(Math.abs(got[i]! - e), where).toBeLessThanOrEqual(4 * 2 ** -24 * size);
            });
            device.free(y.buffer);
            device.free(out.buffer);
          }
        }
      }
    }
  }
});

test("sums of rows are the same bits wherever a row stands", () => {
  for (const n of [3, 18, 47, 130, 300]) {
    const row = Array.from(noise(n, n), Math.fround);
    for (const [, device] of devices) {
      const alone = empty(device, [1]);
      run(device, "sum", [operand(device, row, [1, n])], alone, { dims: [1], keepdim: false });
      const out = empty(device, [7]);
      const x = operand(device, Array.from({ length: 7 }, () => row).flat(), [7, n]);
      run(device, "sum", [x], out, { dims: [1], keepdim: false });
      expect(values(device, out)).toEqual(Array(7).fill(values(device, alone)[0]));
    }
  }
});

test("amax, amin along columns: NaN and infinities in any column, of one block of rows or of several", () => {
  for (const [shape, dims] of [[[9, 13], [0]], [[3, 2, 6, 13], [0, 2]], [[8, 2060], [0]]] as const) {
    const n = shape.reduce((a, b) => a * b, 1);
    const outShape = shape.length === 4 ? [2, 13] : [shape[1]];
    for (const every of [0, 5, 301]) {
      const x = Array.from(noise(n, n + every), (v, i) => {
        if (every === 0 || i % every !== 3) return Math.fround(v);
        return [NaN, Infinity, -Infinity][i % 3]!;
      });
      for (const name of ["amax", "amin"] as const) {
        const attrs = { dims, keepdim: false };
        const want = empty(oracle, outShape);
        run(oracle, name, [operand(oracle, x, shape)], want, attrs);
        for (const [build, device] of devices) {
          const out = empty(device, outShape);
          expect(run(device, name, [operand(device, x, shape)], out, attrs)).toBe(true);
          expect(values(device, out), `${build} ${name} of ${shape}`).toEqual(values(oracle, want));
        }
      }
    }
  }
});
