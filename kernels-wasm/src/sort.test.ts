import { type DType, float32, float64, int32, type Shape } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, oracle, run, values } from "./test_support.ts";

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Numbers with many that are equal, of both signs. */
function data(n: number, dtype: DType, seed: number, coarse: boolean): number[] {
  const by = dtype === int32 ? (coarse ? 20 : 2 ** 31 - 1) : coarse ? 0 : 1e3;
  return Array.from(
    noise(n, seed),
    (v) => dtype === int32 ? Math.round(v * by) : by === 0 ? Math.round(v * 20) / 4 : Math.fround(v * by),
  );
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
    [[2, 0], 1, 0],
    [[0, 4], 1, 2],
  ];
  for (const [shape, dim, k] of cases) {
    for (const dtype of [float32, int32]) {
      for (const coarse of [false, true]) {
        expectAsOracle(data(size(shape), dtype, 3, coarse), shape, dim, dtype, k);
      }
    }
  }
});

test("sort, topk: rows in order, in reverse, and all alike", () => {
  for (const n of [40, 500, 5000]) {
    for (const make of [(i: number) => i, (i: number) => -i, () => 7]) {
      for (const dtype of [float32, int32]) {
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
      for (const k of [4, n >> 1]) expectAsOracle(x, [n], 0, float32, k);
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

test("sort: other dtypes and sorting in place run too", () => {
  for (const [, device] of devices) {
    const x = operand(device, [3, 1, 2], [3], float64);
    const outputs = [empty(device, [3], float64), empty(device, [3], int32)] as const;
    expect(run(device, "sort", [x], outputs, { dim: 0, descending: false })).toBe(true);
    expect(outputs.map((y) => values(device, y))).toEqual([[1, 2, 3], [1, 2, 0]]);
    const y = operand(device, [3, 1, 2], [3]);
    const places = empty(device, [3], int32);
    expect(run(device, "sort", [y], [y, places], { dim: 0, descending: true })).toBe(true);
    expect([values(device, y), values(device, places)]).toEqual([[3, 2, 1], [0, 2, 1]]);
  }
});
