import { expect, test } from "vitest";
import { IndexError, ValueError } from "@flambeau/core";
import { parseSlice, resolveSlice, slice } from "./slice.ts";

test("slice: what is left out is null", () => {
  expect({ ...slice() }).toEqual({ start: null, stop: null, step: null });
  expect({ ...slice(2) }).toEqual({ start: 2, stop: null, step: null });
  expect({ ...slice(null, -1, 2) }).toEqual({ start: null, stop: -1, step: 2 });
});

test("slice: refuses fractions and steps that do not go forward", () => {
  expect(() => slice(1.5)).toThrow(IndexError);
  expect(() => slice(0, NaN)).toThrow("its bounds must be integers or null, got NaN");
  expect(() => slice(0, 1, 0)).toThrow(ValueError);
  expect(() => slice(0, 1, -1)).toThrow("step must be greater than zero, got -1");
});

test("slice: prints as the text that reads back", () => {
  for (const text of [":", "1:", ":-1", "1:3", "::2", "-5:-1:3"]) expect(String(parseSlice(text))).toBe(text);
});

test("parseSlice: spaces and signs are free, anything else is no slice", () => {
  expect(parseSlice(" 1 : +3 ")).toEqual(slice(1, 3));
  expect(parseSlice("::")).toEqual(slice());
  for (const text of ["", "1", "a:b", "1:2:3:4", "1.5:", "--1:", "...", "1 2:"]) {
    expect(parseSlice(text)).toBe(null);
  }
  expect(() => parseSlice("::-1")).toThrow(ValueError);
});

test("resolveSlice: bounds are those of Python", () => {
  for (let size = 0; size <= 4; size++) {
    for (const start of [null, -6, -2, 0, 1, 3, 6]) {
      for (const stop of [null, -6, -1, 0, 2, 4, 6]) {
        for (const step of [null, 1, 2, 3]) {
          const range = resolveSlice(slice(start, stop, step), size);
          const indices: number[] = [];
          for (let i = range.start; i < range.stop; i += range.step) indices.push(i);
          // Array.prototype.slice cuts bounds as Python does.
          const all = Array.from({ length: size }, (_, i) => i).slice(start ?? 0, stop ?? size);
          expect(indices).toEqual(all.filter((_, i) => i % (step ?? 1) === 0));
          expect(range.length).toBe(indices.length);
        }
      }
    }
  }
});
