import { describe, expect, test } from "vitest";
import {
  ArgumentTypeError,
  bool,
  float16,
  float32,
  float64,
  int32,
  int64,
  uint8,
  ValueError,
} from "@flambeau/core";
import { type FlatData, type NestedData, parseNested, toNested } from "./nested.ts";

/** Stands for a tensor. */
class Box implements FlatData {
  constructor(readonly shape: number[], readonly dtype: FlatData["dtype"], readonly values: number[]) {}
}

const readTensor = (value: object): FlatData | null => value instanceof Box ? value : null;

function parse(data: NestedData<Box>): [shape: readonly number[], dtype: string, values: unknown[]] {
  const { shape, dtype, values } = parseNested(data, { readTensor });
  return [shape, dtype.name, Array.from(values)];
}

describe("parseNested: shapes", () => {
  test.each<[NestedData, number[]]>([
    [3, []],
    [[], [0]],
    [[1, 2, 3], [3]],
    [[[1, 2], [3, 4], [5, 6]], [3, 2]],
    [[[[1]], [[2]]], [2, 1, 1]],
    [[[], []], [2, 0]],
    [[[[]]], [1, 1, 0]],
    [new Float32Array(4), [4]],
    [[new Float32Array(2), [1, 2], new Int8Array(2)], [3, 2]],
    [[[new Uint8Array(3)]], [1, 1, 3]],
  ])("%o", (data, shape) => expect(parse(data)[0]).toEqual(shape));
});

describe("parseNested: dtypes", () => {
  test.each<[NestedData, string]>([
    [true, "bool"],
    [[true, false], "bool"],
    [[true, 2], "int32"],
    [[true, 1.5], "float32"],
    [[1, -0, 2147483647, -2147483648], "int32"],
    [[1, 2147483648], "int64"],
    [[1, 2 ** 60], "float32"],
    [[1, 2n], "int64"],
    [[1.5, 2n], "float32"],
    [[NaN], "float32"],
    [[Infinity, 1], "float32"],
    [[], "float32"],
    [new Uint8ClampedArray(1), "uint8"],
    [new Uint16Array(1), "int32"],
    [new Uint32Array(1), "int64"],
    [new BigInt64Array(1), "int64"],
    [new Float64Array(1), "float64"],
    [new Int16Array(0), "int16"],
    [[new Uint8Array(1), new Int8Array(1)], "int16"],
    [[new Uint8Array(1), [1]], "int32"],
    [[new Float64Array(1), [1]], "float64"],
    [[new Int32Array(1), [0.5]], "float32"],
    [[new Int32Array(1), [true]], "int32"],
  ])("%o", (data, dtype) => expect(parse(data)[1]).toBe(dtype));

  test("fractions take the default float", () => {
    expect(parseNested([1.5], { defaultDtype: float64 }).dtype).toBe(float64);
    expect(parseNested([], { defaultDtype: float16 }).dtype).toBe(float16);
    expect(parseNested([1], { defaultDtype: float64 }).dtype).toBe(int32);
  });
});

test("parseNested: elements keep their order and their kind", () => {
  expect(parse([[1, true], [2n, 0.5]])[2]).toEqual([1, true, 2n, 0.5]);
  expect(parse([new Int8Array([1, 2]), [3, 4]])[2]).toEqual([1, 2, 3, 4]);
});

test("parseNested: a flat array is not copied", () => {
  const data = [1, 2, 3];
  expect(parseNested(data).values).toBe(data);
  const bytes = new Uint8Array(3);
  expect(parseNested(bytes)).toEqual({ shape: [3], dtype: uint8, values: bytes });
});

test("parseNested: tensors stand among arrays", () => {
  const scalar = new Box([], float64, [7]);
  const matrix = new Box([2, 2], int32, [1, 2, 3, 4]);
  expect(parse(matrix)).toEqual([[2, 2], "int32", [1, 2, 3, 4]]);
  expect(parse([1, scalar])).toEqual([[2], "float64", [1, 7]]);
  expect(parse([scalar, true])).toEqual([[2], "float64", [7, true]]);
  expect(parse([matrix, matrix])).toEqual([[2, 2, 2], "int32", [1, 2, 3, 4, 1, 2, 3, 4]]);
  expect(parse([[[5, 6], [7, 8]], matrix])[2]).toEqual([5, 6, 7, 8, 1, 2, 3, 4]);
  expect(parse([new Box([0, 3], float32, [])])).toEqual([[1, 0, 3], "float32", []]);
  expect(parse([matrix, [new Box([2], bool, [1, 0]), [1, 1]]])[0]).toEqual([2, 2, 2]);
});

describe("parseNested: refuses", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  test.each<[unknown, new (message: string) => Error, string]>([
    [[[1, 2], [1, 2, 3]], ValueError, "expected a sequence of length 2 at dim 1, got 3 at [1]"],
    [[[], [1]], ValueError, "expected a sequence of length 0 at dim 1, got 1 at [1]"],
    [[[[1], [2]], [[1], [2, 3]]], ValueError, "expected a sequence of length 1 at dim 2, got 2 at [1][1]"],
    [[[1, 2], 3], ArgumentTypeError, "expected a sequence of length 2 at dim 1, got the number 3 at [1]"],
    [
      [1, [2]],
      ArgumentTypeError,
      "must be numbers, bigints, booleans or tensors, got an array of length 1 at [1]",
    ],
    [[[1, 2], "ab"], ArgumentTypeError, 'got the string "ab" at [1]'],
    [[[1, "a"]], ArgumentTypeError, 'got the string "a" at [0][1]'],
    [
      "a",
      ArgumentTypeError,
      'Cannot make a tensor from a value: elements must be numbers, bigints, booleans or tensors, got the string "a"',
    ],
    [undefined, ArgumentTypeError, "got undefined"],
    [[1, null], ArgumentTypeError, "got null at [1]"],
    [new Array(2), ArgumentTypeError, "got undefined at [0]"],
    [[{}], ArgumentTypeError, "got an object of class Object at [0]"],
    [[Object.create(null)], ArgumentTypeError, "got an object of class null at [0]"],
    [new Set([1]), ArgumentTypeError, "got an object of class Set"],
    [new DataView(new ArrayBuffer(4)), ArgumentTypeError, "got an object of class DataView"],
    [[Symbol("s")], ArgumentTypeError, "got the symbol Symbol(s) at [0]"],
    [[[1, 2], new Float32Array(3)], ValueError, "expected a tensor of shape [2], got [3] at [1]"],
    [
      [new Box([2, 2], int32, [1, 2, 3, 4]), new Box([2], int32, [1, 2])],
      ValueError,
      "of shape [2, 2], got [2] at [1]",
    ],
    [[1, new Box([1], int32, [1])], ValueError, "expected a tensor of shape [], got [1] at [1]"],
    [circle, ValueError, "at most 64 dimensions"],
  ])("%o", (data, kind, message) => {
    expect(() => parse(data as NestedData<Box>)).toThrow(kind);
    expect(() => parse(data as NestedData<Box>)).toThrow(message);
  });
});

test("parseNested: a tensor is refused where nothing reads it", () => {
  expect(() => parseNested([new Box([], int64, [1])])).toThrow("got an object of class Box at [0]");
});

test("toNested: is the inverse of parseNested", () => {
  for (
    const data of [5, [], [1, 2], [[1, 2, 3], [4, 5, 6]], [[[true], [false]]], [[], []], [[
      [],
    ]]] as NestedData[]
  ) {
    const { shape, values } = parseNested(data);
    expect(toNested(shape, (i) => values[i]!)).toEqual(data);
  }
  expect(toNested([0, 3], () => 0)).toEqual([]);
});
