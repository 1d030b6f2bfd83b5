import {
  bfloat16,
  type BinaryPrimitives,
  bool,
  type DType,
  dtypeOf,
  dtypes,
  float16,
  float32,
  float64,
  inputDTypes,
  int32,
  int64,
  type Operand,
  type UnaryPrimitives,
} from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { bytesOf, GAP, operand, result, run, runInto, type Value, valuesOf } from "./test_support.ts";
import {
  BINARY_POINTS,
  BINARY_VALUES,
  INTEGER_POINTS,
  INTEGER_VALUES,
  UNARY_POINTS,
  UNARY_VALUES,
} from "./testdata/pointwise.ts";

type UnaryName = keyof UnaryPrimitives<unknown>;
type BinaryName = keyof BinaryPrimitives<unknown>;

/** Values agree but for the last bits, where elementary functions of two runtimes differ. */
function expectSame(got: readonly (number | bigint)[], want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  got.forEach((value, i) => {
    const [x, y] = [Number(value), want[i]!];
    const near = Math.abs(x - y) <= 1e-14 * Math.abs(y);
    if (!near && x !== y) expect(x).toBe(y); // NaN and infinities
  });
}

describe("float64 is what PyTorch gives", () => {
  test.each(Object.entries(UNARY_VALUES))("%s", (name, want) => {
    expectSame(result(name as UnaryName, [operand(UNARY_POINTS)], null), want);
  });

  test.each(Object.entries(BINARY_VALUES))("%s", (name, want) => {
    const n = BINARY_POINTS.length;
    const [x, y] = [operand(BINARY_POINTS, float64, [n, 1]), operand(BINARY_POINTS)];
    expectSame(result(name as BinaryName, [x, y], null), want.flat());
  });

  test("signs of zero", () => {
    const zeros = (name: UnaryName, x: number) => Object.is(result(name, [operand([x])], null)[0], -0);
    for (const name of ["round", "ceil", "trunc"] as const) {
      expect(zeros(name, -0.3)).toBe(true);
      expect(zeros(name, 0.3 - (name === "ceil" ? 0.3 : 0))).toBe(false);
    }
    expect(zeros("round", -0.5)).toBe(true);
    expect(Object.is(result("floorDivide", [operand([0]), operand([-2])], null)[0], -0)).toBe(true);
  });
});

describe.each(Object.entries(INTEGER_VALUES))("%s is what PyTorch gives", (name, rows) => {
  const dtype = dtypeOf(name);
  const points = INTEGER_POINTS[name]!.map(BigInt);
  test.each(Object.entries(rows))("%s", (primitive, want) => {
    const columns = want[0]!.length;
    const seconds = primitive.endsWith("Shift")
      ? points.filter((y) => y >= 0n && y < 8n * BigInt(dtype.itemsize))
      : columns < points.length
      ? points.filter((y) => y !== 0n)
      : points;
    const inputs = [operand(points, dtype, [points.length, 1]), operand(seconds, dtype)] as const;
    const got = result(primitive as BinaryName, inputs, null);
    expect(got.map(BigInt)).toEqual(want.flat().map((value) => BigInt(value)));
  });
});

test.each(dtypes.filter((dtype) => dtype.kind === "int"))("%s: division by zero throws", (dtype) => {
  for (const name of ["floorDivide", "truncDivide", "remainder", "fmod"] as const) {
    expect(() => run(name, [operand([1, 2], dtype), operand([1, 0], dtype)], null))
      .toThrow(`Cannot divide ${dtype.name}[2] by zero`);
  }
});

test("leftShift, rightShift: by the width and more, and by less than nothing", () => {
  const x = [1, -1, -8, 127];
  for (const dtype of [int32, int64]) {
    const y = [8 * dtype.itemsize, 8 * dtype.itemsize + 1, -1, 1];
    expect(result("leftShift", [operand(x, dtype), operand(y, dtype)], null).map(Number)).toEqual([
      0,
      0,
      0,
      254,
    ]);
    expect(result("rightShift", [operand(x, dtype), operand(y, dtype)], null).map(Number)).toEqual([
      0,
      -1,
      -1,
      63,
    ]);
  }
});

test("bool: add is or, mul is and, bitwiseNot inverts", () => {
  const [x, y] = [operand([0, 0, 1, 1], bool), operand([0, 1, 0, 1], bool)];
  expect(result("add", [x, y], null)).toEqual([0, 1, 1, 1]);
  expect(result("mul", [x, y], null)).toEqual([0, 0, 0, 1]);
  expect(result("maximum", [x, y], null)).toEqual([0, 1, 1, 1]);
  expect(result("bitwiseXor", [x, y], null)).toEqual([0, 1, 1, 0]);
  expect(result("bitwiseNot", [x], null)).toEqual([1, 1, 0, 0]);
  expect(result("logicalNot", [x], null)).toEqual([1, 1, 0, 0]);
  expect(result("lt", [x, y], null)).toEqual([0, 1, 0, 0]);
});

test("nextafter: float32 steps in float32", () => {
  const next = (x: number, y: number) =>
    result("nextafter", [operand([x], float32), operand([y], float32)], null)[0];
  expect(next(1, 2)).toBe(1 + 2 ** -23);
  expect(next(1, 0)).toBe(1 - 2 ** -24);
  expect(next(0, -1)).toBe(-(2 ** -149));
  expect(next(2 ** -149, 0)).toBe(0);
  expect(next(3.4028234663852886e38, Infinity)).toBe(Infinity);
  expect(next(Infinity, 0)).toBe(3.4028234663852886e38);
});

test("float32: computed in float64 and rounded once", () => {
  const [x, y] = [[1, 1 / 3, 1e30], [3, 3, 1e30]].map((values) => operand(values, float32)) as [
    Operand,
    Operand,
  ];
  const third = Math.fround(1 / 3);
  expect(result("div", [x, y], null)).toEqual([third, Math.fround(third / 3), 1]);
  expect(result("mul", [x, y], null)).toEqual([3, Math.fround(third * 3), Infinity]);
});

test("float16, bfloat16: rounded on store", () => {
  const x = [1, 2048, 65504];
  expect(result("add", [operand(x, float16), operand([2 ** -11 * 3, 1, 100], float16)], null))
    .toEqual([1 + 2 ** -9, 2048, Infinity]);
  expect(result("add", [operand([1, 256], bfloat16), operand([2 ** -8 * 3, 1], bfloat16)], null))
    .toEqual([1 + 2 ** -6, 256]);
});

test("a quotient is rounded to its dtype before it is cut to an integer", () => {
  // What torch.div(x, y, rounding_mode="trunc") gives: float32 holds a little more than 0.1, so 1 / 0.1 is less than 10.
  for (const dtype of [float16, bfloat16, float32]) {
    const y = operand([0.1, 0.1, 0.7], dtype);
    expect(result("truncDivide", [operand([1, -1, 7], dtype), y], null), dtype.name).toEqual([10, -10, 10]);
  }
});

/** Small whole numbers, which every dtype holds, and results that stay small. */
const smallValues = (dtype: DType): Value[] => dtype === bool ? [1, 0, 1, 1, 0, 1] : [1, 2, 3, 1, 2, 3];

describe("every dtype, strides and offsets on both sides", () => {
  const binary = ["add", "mul", "maximum", "eq", "lt", "sub", "pow", "remainder"] as const;
  const unary = ["abs", "sign", "logicalNot", "neg", "signbit"] as const;
  test.each(dtypes)("%s", (dtype) => {
    for (const name of [...binary, ...unary]) {
      if (!inputDTypes[name].dtypes.includes(dtype)) continue;
      const x = operand(smallValues(dtype), dtype, [2, 3]);
      const strided = operand(smallValues(dtype), dtype, [2, 3], "strided");
      const row = operand([1, 1, 1], dtype, [3]);
      const isUnary = (unary as readonly string[]).includes(name);
      const want = isUnary
        ? result(name as UnaryName, [x], null)
        : result(name as BinaryName, [x, row], null);
      const [out] = (isUnary
        ? run(name as UnaryName, [strided], null, "strided")
        : run(name as BinaryName, [strided, row], null, "strided")) as [Operand];
      expect(valuesOf(out)).toEqual(want);
      expect(
        bytesOf(out).filter((byte) =>
          byte === GAP
        ).length,
      ).toBeGreaterThanOrEqual(
        bytesOf(out).length - 6 * out.dtype.itemsize,
      );
    }
  });
});

test("broadcasting: repeated dimensions on either side, long runs in blocks", () => {
  const n = 3000;
  const x = operand(Array.from({ length: n }, (_, i) => i), float64, [1, n]);
  const y = operand([0, 10000], float64, [2, 1]);
  const got = result("add", [x, y], null) as number[];
  expect(got.length).toBe(2 * n);
  expect(got.every((value, i) => value === (i % n) + (i < n ? 0 : 10000))).toBe(true);
});

test("an output may be an input", () => {
  const x = operand([1, 2, 3, 4], float32, [2, 2], "strided");
  const y = operand([10, 20], float32, [2, 1]);
  runInto("add", [x, y], [x], null);
  expect(valuesOf(x)).toEqual([11, 12, 23, 24]);
  runInto("mul", [x, x], [x], null);
  expect(valuesOf(x)).toEqual([121, 144, 529, 576]);
});
