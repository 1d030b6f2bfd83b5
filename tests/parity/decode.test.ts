import { expect, test } from "vitest";
import { callArguments, decode, indexItems, sliceText } from "./decode.ts";
import { Library } from "./library.ts";

const dtype = { name: "int32" };
const library = new Library({ int32: dtype, float32: { name: "float32" } });
const sources = { library, tensor: (name: string) => ({ name }), variable: (name: string) => name };

test("decode: plain values, floats, tuples, tensors, variables, dtypes", () => {
  expect(decode([null, true, "a", 3], sources)).toEqual([null, true, "a", 3]);
  expect(decode([{ $float: 2 }, { $float: "-inf" }, { $float: "nan" }], sources)).toEqual([
    2,
    -Infinity,
    NaN,
  ]);
  expect(decode({ $tuple: [1, { $tuple: [2] }] }, sources)).toEqual([1, [2]]);
  expect(decode({ $tensor: "i0" }, sources)).toEqual({ name: "i0" });
  expect(decode({ $var: "x" }, sources)).toBe("x");
  expect(decode({ $dtype: "int64" }, sources)).toBe(dtype); // integers are int32
});

test("decode: functions of epoch or x", () => {
  expect((decode({ $fn: "0.5 ** epoch" }, sources) as (epoch: number) => number)(3)).toBe(0.125);
  expect((decode({ $fn: "x * 2" }, sources) as (x: number) => number)(3)).toBe(6);
});

test("decode: refuses what it does not know", () => {
  expect(() => decode({ $tensor: "i0" }, { library })).toThrow("$tensor");
  expect(() => decode({ $new: 1 }, sources)).toThrow("$new");
});

test("callArguments: named arguments go into one trailing object in camelCase", () => {
  expect(callArguments([1, { $float: 2 }], { kernel_size: { $tuple: [2, 2] }, ceil_mode: true }, sources))
    .toEqual([1, 2, { kernelSize: [2, 2], ceilMode: true }]);
  expect(callArguments([1], {}, sources)).toEqual([1]);
});

test("sliceText: left-out parts", () => {
  expect(sliceText([null, null, null])).toBe(":");
  expect(sliceText([1, null, null])).toBe("1:");
  expect(sliceText([null, -1, 2])).toBe(":-1:2");
});

test("indexItems: a tuple is one index per dimension, a list of numbers is one index list", () => {
  expect(indexItems({ $tuple: [0, null, { $slice: [1, 3, null] }, { $ellipsis: true }] }, sources))
    .toEqual([0, null, "1:3", "..."]);
  expect(indexItems([0, 2], sources)).toEqual([[0, 2]]);
  expect(indexItems({ $tuple: [[0, 2]] }, sources)).toEqual([[0, 2]]);
  expect(indexItems(true, sources)).toEqual([true]);
  expect(indexItems({ $tensor: "i1" }, sources)).toEqual([{ name: "i1" }]);
});

test("indexItems: a list with more than numbers in it counts as a tuple, as PyTorch reads it", () => {
  expect(indexItems([[0, 2], [1, 3]], sources)).toEqual([[0, 2], [1, 3]]);
  expect(indexItems([{ $slice: [null, null, null] }, [0, 3]], sources)).toEqual([":", [0, 3]]);
});
