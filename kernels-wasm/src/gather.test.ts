import {
  bool,
  type DType,
  float32,
  float64,
  IndexError,
  int16,
  int32,
  int64,
  type Operand,
  type Shape,
  uint8,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, oracle, run, values } from "./test_support.ts";

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const DTYPES = [float32, float64, int32, int64, int16, bool];

function data(shape: Shape, dtype: DType, seed: number): number[] {
  return Array.from(noise(size(shape), seed), (v) => dtype === bool ? (v > 0 ? 1 : 0) : Math.round(v * 100));
}

function indices(n: number, below: number): number[] {
  return Array.from({ length: n }, (_, i) => (i * 7 + 3) % below);
}

test("indexSelect, gather: every dim, element size and index dtype", () => {
  for (const dtype of DTYPES) {
    for (const wide of [int32, int64]) {
      for (
        const [shape, dim] of [[[5], 0], [[5, 3], 0], [[5, 3], 1], [[2, 4, 3], 1], [[4, 33], 0], [
          [3, 2, 700],
          1,
        ]] as [
          Shape,
          number,
        ][]
      ) {
        const outShape = shape.map((n, d) => d === dim ? 6 : n);
        const make = (device: typeof oracle, index: Shape): [Operand, Operand] => [
          operand(device, data(shape, dtype, 1), shape, dtype),
          operand(device, indices(size(index), shape[dim]!), index, wide),
        ];
        for (const [name, index] of [["indexSelect", [6]], ["gather", outShape]] as ["gather", Shape][]) {
          const want = empty(oracle, outShape, dtype);
          run(oracle, name, make(oracle, index), want, { dim });
          for (const [, device] of devices) {
            const out = empty(device, outShape, dtype);
            expect(run(device, name, make(device, index), out, { dim })).toBe(true);
            expect(values(device, out)).toEqual(values(oracle, want));
          }
        }
      }
    }
  }
});

test("indexReduce, scatter: every way to combine, repeats in order, in place too", () => {
  for (const dtype of DTYPES) {
    for (const reduce of ["set", "sum", "prod", "amax", "amin"] as const) {
      if (dtype === bool && reduce !== "set") continue;
      for (
        const [shape, dim] of [[[5], 0], [[5, 3], 0], [[3, 5], 1], [[2, 4, 9], 1], [[9, 5], 1]] as [
          Shape,
          number,
        ][]
      ) {
        const sourceShape = shape.map((n, d) => d === dim ? 6 : n);
        const make = (device: typeof oracle, index: Shape): [Operand, Operand, Operand] => [
          operand(device, data(shape, dtype, 1).map((v) => v % 11), shape, dtype),
          operand(device, indices(size(index), shape[dim]!), index, int32),
          operand(device, data(sourceShape, dtype, 2).map((v) => v % 7), sourceShape, dtype),
        ];
        for (
          const [name, index] of [["indexReduce", [6]], ["scatter", sourceShape]] as ["scatter", Shape][]
        ) {
          const want = empty(oracle, shape, dtype);
          run(oracle, name, make(oracle, index), want, { dim, reduce });
          for (const [, device] of devices) {
            const out = empty(device, shape, dtype);
            const inputs = make(device, index);
            expect(run(device, name, inputs, out, { dim, reduce })).toBe(true);
            expect(values(device, out), `${name} ${reduce} ${dtype.name}`).toEqual(values(oracle, want));
            run(device, name, inputs, inputs[0], { dim, reduce });
            expect(values(device, inputs[0])).toEqual(values(oracle, want));
          }
        }
      }
    }
  }
});

test("gather, scatter: an index smaller than x runs on the host", () => {
  const make = (
    device: typeof oracle,
  ): [Operand, Operand] => [
    operand(device, data([5, 4], float32, 1), [5, 4]),
    operand(device, [0, 4, 2, 1], [2, 2], int32),
  ];
  const want = empty(oracle, [2, 2]);
  run(oracle, "gather", make(oracle), want, { dim: 0 });
  for (const [, device] of devices) {
    const out = empty(device, [2, 2]);
    expect(run(device, "gather", make(device), out, { dim: 0 })).toBe(true);
    expect(values(device, out)).toEqual(values(oracle, want));
  }
});

test("an index out of range throws in words, and nothing is read or written with it", () => {
  for (const [, device] of devices) {
    const x = operand(device, data([5, 3], float32, 1), [5, 3]);
    const out = empty(device, [2, 3]);
    for (
      const [dtype, bad] of [[int32, 7], [int32, -1], [int64, 7], [int64, -1], [int64, 2 ** 40]] as const
    ) {
      const index = operand(device, [0, bad], [2], dtype);
      expect(() => run(device, "indexSelect", [x, index], out, { dim: 0 })).toThrow(IndexError);
      expect(() => run(device, "indexSelect", [x, index], out, { dim: 0 })).toThrow(
        `Cannot indexSelect float32[5, 3]: index ${bad} is out of bounds for dimension 0 with size 5`,
      );
    }
    const before = values(device, x);
    const wide = operand(device, [0, 1, 2, 3, 4, 0, 0, 9, 0], [3, 3], int32);
    const source = operand(device, data([3, 3], float32, 2), [3, 3]);
    expect(() => run(device, "gather", [x, wide], empty(device, [3, 3]), { dim: 0 })).toThrow(
      "Cannot gather float32[5, 3]: index 9 is",
    );
    expect(() => run(device, "scatter", [x, wide, source], x, { dim: 0, reduce: "sum" })).toThrow(
      "index 9 is",
    );
    const list = operand(device, [0, 5, 1], [3], int32);
    expect(() => run(device, "indexReduce", [x, list, source], x, { dim: 0, reduce: "set" })).toThrow(
      "index 5 is",
    );
    expect(values(device, x)).toEqual(before);
  }
});

test("gather, indexSelect: rows of indices longer than those looked at together", () => {
  for (const wide of [int32, int64]) {
    for (const [, device] of devices) {
      const list = indices(1300, 900);
      const from = operand(device, data([2, 900], float32, 1), [2, 900]);
      const out = empty(device, [2, 1300]);
      run(device, "gather", [from, operand(device, [...list, ...list], [2, 1300], wide)], out, { dim: 1 });
      const at = data([2, 900], float32, 1);
      const want = [0, 1].flatMap((row) => list.map((i) => at[row * 900 + i]!));
      expect(values(device, out)).toEqual(want);
      run(device, "indexSelect", [from, operand(device, list, [1300], wide)], out, { dim: 1 });
      expect(values(device, out)).toEqual(want);
      for (const bad of [900, -1, 2 ** 31 - 1]) {
        for (const place of [3, 511, 512, 1299, 1300, 2599]) {
          const wrong = [...list, ...list];
          wrong[place] = bad;
          const index = operand(device, wrong, [2, 1300], wide);
          expect(() => run(device, "gather", [from, index], out, { dim: 1 })).toThrow(`index ${bad} is`);
          expect(device.areInside!(index, 900)).toBe(false);
        }
      }
    }
  }
});

test("nonzero: places of every dtype, of one to four dimensions, as many as asked for", () => {
  for (const dtype of [...DTYPES, uint8]) {
    for (const shape of [[0], [5], [200], [3, 67], [2, 3, 41], [2, 1, 3, 17]]) {
      const x = data(shape, dtype, 7).map((v, i) =>
        i % 5 < 3 && (i < 40 || i > 120) ? 0 : dtype === bool ? 1 : Math.abs(v) % 100 + 1
      );
      if (dtype.isFloatingPoint && x.length > 3) [x[0], x[1], x[2]] = [-0, NaN, 1e-40];
      const all = x.filter((v) => v !== 0).length;
      for (const total of new Set([0, Math.min(all, 3), Math.min(all, 61), all])) {
        const want = empty(oracle, [total, shape.length], int32);
        run(oracle, "nonzero", [operand(oracle, x, shape, dtype)], want, { count: total });
        for (const [, device] of devices) {
          const out = empty(device, [total, shape.length], int32);
          expect(run(device, "nonzero", [operand(device, x, shape, dtype)], out, { count: total })).toBe(
            true,
          );
          expect(values(device, out), `${dtype.name} ${shape}`).toEqual(values(oracle, want));
        }
      }
    }
  }
});

test("gather, scatter: an index smaller than x, a source larger than the index, one source for all, many short rows", () => {
  const cases: [shape: Shape, index: Shape, source: Shape, dim: number][] = [
    [[7, 5], [3, 9], [4, 9], 1],
    [[7, 5], [9, 3], [9, 4], 0],
    [[7, 5], [9, 1], [9, 1], 0],
    [[4, 3, 6], [2, 5, 4], [3, 6, 5], 1],
    [[2000, 3], [2000, 1], [2000, 2], 1],
    [[500, 9], [500, 10], [500, 10], 1],
    [[2, 40, 3], [2, 700, 3], [2, 700, 3], 1],
  ];
  for (const dtype of DTYPES) {
    for (const wide of [int32, int64]) {
      for (const [shape, sizes, sourceShape, dim] of cases) {
        const x = data(shape, dtype, 1).map((v) => v % 11);
        const list = indices(size(sizes), shape[dim]!);
        for (const [, device] of devices) {
          const make = (on: typeof oracle): [Operand, Operand] => [
            operand(on, x, shape, dtype),
            operand(on, list, sizes, wide),
          ];
          const [want, out] = [empty(oracle, sizes, dtype), empty(device, sizes, dtype)];
          run(oracle, "gather", make(oracle), want, { dim });
          run(device, "gather", make(device), out, { dim });
          expect(values(device, out)).toEqual(values(oracle, want));
          for (const reduce of ["set", "sum", "prod", "amax", "amin"] as const) {
            if (dtype === bool && reduce !== "set") continue;
            for (const isOne of [false, true]) {
              const from = data(sourceShape, dtype, 2).map((v) => v % 7);
              const source = (on: typeof oracle): Operand =>
                isOne
                  ? { ...operand(on, from, sourceShape, dtype), strides: sourceShape.map(() => 0) }
                  : operand(on, from, sourceShape, dtype);
              const [expected, made] = [empty(oracle, shape, dtype), empty(device, shape, dtype)];
              run(oracle, "scatter", [...make(oracle), source(oracle)], expected, { dim, reduce });
              const taken = run(device, "scatter", [...make(device), source(device)], made, { dim, reduce });
              // Steps on the host want dense operands.
              expect(taken).toBe(dtype !== int16 || reduce === "set" || !isOne);
              if (taken) expect(values(device, made)).toEqual(values(oracle, expected));
            }
          }
        }
      }
    }
  }
});

test("scatter: an index out of range is found, and in place nothing is written", () => {
  for (const [, device] of devices) {
    for (const [sizes, at] of [[[6, 4], 23], [[600, 1], 599], [[2, 900], 1700]] as [Shape, number][]) {
      const shape = [sizes[0]!, 5];
      const list = indices(size(sizes), 5);
      list[at] = 5;
      const x = operand(device, data(shape, float32, 1), shape, float32);
      const before = values(device, x);
      const index = operand(device, list, sizes, int32);
      const source = operand(device, data(sizes, float32, 2), sizes, float32);
      const out = empty(device, shape, float32);
      for (const target of [out, x]) {
        const step = () => run(device, "scatter", [x, index, source], target, { dim: 1, reduce: "amax" });
        expect(step).toThrow("index 5 is out of bounds for dimension 1 with size 5");
      }
      expect(values(device, x)).toEqual(before);
    }
  }
});
