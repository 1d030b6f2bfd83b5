import { type DType, float32, float64, int32, int64, type Shape, uint8 } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, oracle, run, values } from "./test_support.ts";

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Numbers with many that are equal, of both signs. */
function data(n: number, dtype: DType, seed: number, coarse: boolean): number[] {
  const isFloat = dtype.kind === "float";
  const by = isFloat ? (coarse ? 0 : 1e3) : coarse ? 20 : dtype === int64 ? 2 ** 52 : 2 ** 31 - 1;
  return Array.from(noise(n, seed), (v) => {
    if (!isFloat) return Math.round(v * by);
    return by === 0 ? Math.round(v * 20) / 4 : dtype === float64 ? v * by / 3 : Math.fround(v * by);
  });
}

/** −0 stays −0 and NaN is equal to itself. */
function bitsOf(numbers: readonly number[]): (number | string)[] {
  return numbers.map((v) => Object.is(v, -0) ? "-0" : v);
}

function expectAsOracle(x: readonly number[], shape: Shape, dim: number, dtype: DType, k: number): void {
  for (const descending of [false, true]) {
    for (const name of ["sort", "topk"] as const) {
      const kept = name === "sort" ? shape : shape.map((n, d) => d === dim ? k : n);
      const attrs = { dim, descending, k, largest: descending };
      const results = [oracle, ...devices.map(([, device]) => device)].map((device) => {
        const outputs = [empty(device, kept, dtype), empty(device, kept, int32)] as const;
        expect(run(device, name as "sort", [operand(device, x, shape, dtype)], outputs, attrs)).toBe(true);
        return outputs.map((y) => bitsOf(values(device, y)));
      });
      for (const got of results.slice(1)) {
        expect(got, `${name} ${dtype.name} ${shape} along ${dim}, ${descending}`).toEqual(results[0]);
      }
    }
  }
}

test("sort, topk: every dim and way to sort, equal elements keep their order", () => {
  const cases: readonly [shape: Shape, dim: number, k: number][] = [
    [[1], 0, 1],
    [[48], 0, 48],
    [[49], 0, 49],
    [[3, 7], 1, 3],
    [[7, 3], 0, 0],
    [[2, 300, 3], 1, 5],
    [[3, 300], 1, 200],
    [[5, 1027], 1, 48],
    [[5, 1027], 1, 1],
    [[4095], 0, 10],
    [[4097], 0, 4000],
    [[2, 900], 1, 100],
    [[9000], 0, 1000],
    [[2, 0], 1, 0],
    [[0, 4], 1, 2],
  ];
  for (const [shape, dim, k] of cases) {
    for (const dtype of [float32, int32, float64, int64]) {
      for (const coarse of [false, true]) {
        expectAsOracle(data(size(shape), dtype, 3, coarse), shape, dim, dtype, k);
      }
    }
  }
});

test("sort, topk: rows in order, in reverse, and all alike", () => {
  for (const n of [40, 500, 5000]) {
    for (const make of [(i: number) => i, (i: number) => -i, () => 7]) {
      for (const dtype of [float32, int32, float64, int64]) {
        expectAsOracle(Array.from({ length: n }, (_, i) => make(i)), [n], 0, dtype, Math.min(n, 30));
      }
    }
  }
});

test("sort, topk: NaN of either sign is largest, −0 is 0, infinities and denormals have their places", () => {
  const special = [NaN, -Infinity, -0, 0, 1e-45, -1e-45, Infinity, 3.4028234663852886e38, 1e-40, -1, 1];
  for (const n of [30, 600, 6000]) {
    for (const seed of [1, 5]) {
      const x = Array.from(noise(n, seed), (v) => special[Math.floor((v + 1) * special.length / 2)]!);
      for (const k of [4, n >> 4, n >> 1]) {
        for (const dtype of [float32, float64]) expectAsOracle(x, [n], 0, dtype, k);
      }
    }
  }
  // More NaN than are kept, and then none.
  expectAsOracle([...new Array(100).fill(NaN), ...noise(500)], [600], 0, float32, 10);
  for (const [, device] of devices) {
    const x = operand(device, new Float32Array(600), [600]);
    const bits = new Int32Array(600).map((_, i) => i % 3 === 0 ? -1 : i % 3 === 1 ? 0x7fffffff : 0);
    device.write(x.buffer, 0, new Uint8Array(bits.buffer));
    for (const k of [5, 600]) {
      const outputs = [empty(device, [k]), empty(device, [k], int32)] as const;
      run(device, "topk", [x], outputs, { dim: 0, k, largest: true });
      const nan = [...bits.keys()].filter((i) => bits[i] !== 0);
      const places = [...nan, ...[...bits.keys()].filter((i) => bits[i] === 0)];
      expect(values(device, outputs[1])).toEqual(places.slice(0, k));
    }
  }
});

test("sort: int64 by all of its bits", () => {
  const longs = [
    2n ** 62n,
    -1n,
    2n ** 32n,
    1n,
    -(2n ** 63n),
    2n ** 63n - 1n,
    2n ** 32n + 1n,
    0n,
    -(2n ** 32n),
  ];
  const ascending = longs.map((_, i) => i).sort((i, j) => longs[i]! < longs[j]! ? -1 : 1);
  for (const [, device] of devices) {
    for (const times of [1, 100]) {
      const n = longs.length * times;
      const x = empty(device, [n], int64);
      device.write(
        x.buffer,
        0,
        new Uint8Array(BigInt64Array.from({ length: n }, (_, i) => longs[i % 9]!).buffer),
      );
      const outputs = [empty(device, [n], int64), empty(device, [n], int32)] as const;
      run(device, "sort", [x], outputs, { dim: 0, descending: false });
      const places = ascending.flatMap((i) => Array.from({ length: times }, (_, k) => 9 * k + i));
      expect(values(device, outputs[1])).toEqual(places);
      expect([...device.view(outputs[0].buffer, int64)].slice(0, n)).toEqual(places.map((i) => longs[i % 9]));
    }
  }
});

test("searchsorted: one line for all values or one each, both sides, NaN, no elements", () => {
  const line = (n: number, seed: number) =>
    Array.from(noise(n, seed), (v) => Math.round(v * 40)).sort((a, b) => a - b);
  const cases: readonly [sorted: Shape, wanted: Shape][] = [
    [[1], [3]],
    [[37], [103]],
    [[1000], [2, 501]],
    [[0], [5]],
    [[4], [0]],
    [[3, 20], [3, 9]],
    [[2, 2, 33], [2, 2, 1]],
  ];
  for (const dtype of [float32, float64, int32, int64]) {
    for (const [sorted, wanted] of cases) {
      const n = sorted.at(-1)!;
      const lines = n === 0 ? [] : Array.from({ length: size(sorted) / n }, (_, i) => line(n, i + 1)).flat();
      const list = Array.from(noise(size(wanted), 9), (v) => Math.round(v * 45));
      if (dtype.kind === "float") {
        list.fill(NaN, 1, 2).fill(Infinity, 2, 3).fill(-Infinity, 3, 4).fill(-0, 4, 5);
        if (n > 30) lines.fill(NaN, n - 3, n);
      }
      for (const right of [false, true]) {
        const results = [oracle, ...devices.map(([, device]) => device)].map((device) => {
          const output = empty(device, wanted, int32);
          const inputs = [
            operand(device, lines, sorted, dtype),
            operand(device, list, wanted, dtype),
          ] as const;
          expect(run(device, "searchsorted", inputs, output, { right })).toBe(true);
          return values(device, output);
        });
        for (const got of results.slice(1)) {
          expect(got, `${dtype.name} ${sorted} ${wanted} ${right}`).toEqual(results[0]);
        }
      }
    }
  }
});

test("sort: other dtypes and sorting in place run too", () => {
  for (const [, device] of devices) {
    const x = operand(device, [3, 1, 2], [3], uint8);
    const outputs = [empty(device, [3], uint8), empty(device, [3], int32)] as const;
    expect(run(device, "sort", [x], outputs, { dim: 0, descending: false })).toBe(true);
    expect(outputs.map((y) => values(device, y))).toEqual([[1, 2, 3], [1, 2, 0]]);
    const y = operand(device, [3, 1, 2], [3]);
    const places = empty(device, [3], int32);
    expect(run(device, "sort", [y], [y, places], { dim: 0, descending: true })).toBe(true);
    expect([values(device, y), values(device, places)]).toEqual([[3, 2, 1], [0, 2, 1]]);
  }
});
