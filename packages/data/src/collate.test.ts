import { bool, float32, float64, int32, int64, int8 } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { defaults } from "@flambeau/tensor/internal";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type Collated, defaultCollate } from "../mod.ts";
import { plain, rows } from "./test_support.ts";

describe("defaultCollate", () => {
  it("stacks tensors along a new first dimension", () => {
    const batch = defaultCollate([rows(2), rows(2)]);
    expect(batch.shape).toEqual([2, 2, 2]);
    expect(plain(batch)).toEqual([[[0, 0], [1, 0.5]], [[0, 0], [1, 0.5]]]);
  });

  it("whole numbers become int32, others the default float dtype", () => {
    expect(defaultCollate([1, -2, 3]).dtype).toBe(int32);
    expect(defaultCollate([1, 2.5]).dtype).toBe(float32);
    expect(defaultCollate([2 ** 40, 1]).dtype).toBe(float32);
    expect(defaultCollate([-0, 1]).dtype).toBe(int32);
    expect(plain(defaultCollate([1, 2.5]))).toEqual([1, 2.5]);
    defaults.dtype = float64;
    try {
      expect(defaultCollate([0.1]).dtype).toBe(float64);
      expect(plain(defaultCollate([0.1]))).toEqual([0.1]);
    } finally {
      defaults.dtype = float32;
    }
  });

  it("booleans, bigints, strings and typed arrays", () => {
    expect(defaultCollate([true, false]).dtype).toBe(bool);
    expect(plain(defaultCollate([true, false]))).toEqual([true, false]);
    expect(defaultCollate([1n, 2n ** 40n]).dtype).toBe(int64);
    expect(defaultCollate(["a", "b"])).toEqual(["a", "b"]);
    const bytes = defaultCollate([Int8Array.of(1, -1), Int8Array.of(2, -2)]);
    expect(bytes.dtype).toBe(int8);
    expect(plain(bytes)).toEqual([[1, -1], [2, -2]]);
  });

  it("keeps the form of arrays, objects and maps, however nested", () => {
    const batch = defaultCollate([
      { x: [1, "a"] as [number, string], m: new Map([["k", 0.5]]) },
      { x: [2, "b"] as [number, string], m: new Map([["k", 1.5]]) },
    ]);
    expect(plain(batch)).toEqual({ x: [[1, 2], ["a", "b"]], m: new Map([["k", [0.5, 1.5]]]) });
    expectTypeOf(batch).toEqualTypeOf<{ x: [Tensor, string[]]; m: Map<string, Tensor> }>();
  });

  it("a key __proto__ is a key", () => {
    const sample = JSON.parse('{"__proto__": 1}') as Record<string, number>;
    expect(Object.keys(defaultCollate([sample]))).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
  });

  it("the types of batches follow those of samples", () => {
    expectTypeOf<Collated<number>>().toEqualTypeOf<Tensor>();
    expectTypeOf<Collated<boolean>>().toEqualTypeOf<Tensor>();
    expectTypeOf<Collated<readonly [Tensor, number]>>().toEqualTypeOf<[Tensor, Tensor]>();
    expectTypeOf<Collated<{ readonly text: string; image: Tensor }>>().toEqualTypeOf<
      { text: string[]; image: Tensor }
    >();
  });

  it.each<[string, unknown[], string]>([
    ["no samples", [], "must have samples, got none"],
    ["kinds that differ", [1, "a"], "sample must be a number in all samples, got a string in sample 1"],
    ["undefined", [undefined], "got undefined; give the loader a collateFn"],
    ["null inside", [{ label: null }], "sample.label must be a tensor, number,"],
    ["instances of classes", [new Date(0)], "got a Date"],
    ["functions", [() => 1], "got a function"],
    ["lengths", [[1, 2], [1]], "sample must have 2 elements in all samples, got 1 in sample 1"],
    ["keys", [{ a: 1 }, { b: 1 }], "sample must have the keys a in all samples, got b in sample 1"],
    [
      "typed arrays",
      [[Int8Array.of(1)], [Int8Array.of(1, 2)]],
      "sample[0] must be Int8Array[1] in all samples",
    ],
    ["tensors of other shapes", [rows(1), rows(2)], "float32[2, 2]"],
  ])("refuses %s, and says where", (_, samples, message) => {
    expect(() => defaultCollate(samples)).toThrow(message);
  });
});
