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
        const [shape, dim] of [[[5], 0], [[5, 3], 0], [[5, 3], 1], [[2, 4, 3], 1], [[4, 33], 0]] as [
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
      for (const [shape, dim] of [[[5], 0], [[5, 3], 0], [[3, 5], 1], [[2, 4, 9], 1]] as [Shape, number][]) {
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
