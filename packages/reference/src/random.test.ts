import {
  type DType,
  fillInt,
  fillNormal,
  fillUniform,
  float16,
  float32,
  float64,
  int32,
  int64,
  type Operand,
  packHalf,
  unpackHalf,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { run, valuesOf } from "./test_support.ts";

const attrs = (dtype: DType) => ({ shape: [3, 5], dtype, key: [123, 456] as const, counter: 7 });

test.each(["contiguous", "strided"] as const)("elements are those of core's Philox, %s", (layout) => {
  const of = (...parameters: Parameters<typeof run>) => valuesOf((run(...parameters) as [Operand])[0]);
  const [single, double] = [new Float32Array(15), new Float64Array(15)];
  fillUniform(single, attrs(float32));
  expect(of("randomUniform", [], attrs(float32), layout)).toEqual([...single]);
  fillUniform(double, attrs(float64));
  expect(of("randomUniform", [], attrs(float64), layout)).toEqual([...double]);
  fillNormal(double, attrs(float64));
  expect(of("randomNormal", [], attrs(float64), layout)).toEqual([...double]);
  fillNormal(single, attrs(float16));
  expect(of("randomNormal", [], attrs(float16), layout)).toEqual([
    ...unpackHalf(float16, packHalf(float16, single)),
  ]);
  const [ints, bigs] = [new Int32Array(15), new BigInt64Array(15)];
  fillInt(ints, { ...attrs(int32), low: -5, high: 100 });
  expect(of("randomInt", [], { ...attrs(int32), low: -5, high: 100 }, layout)).toEqual([...ints]);
  fillInt(bigs, { ...attrs(int64), low: -5, high: 2 ** 50 });
  expect(of("randomInt", [], { ...attrs(int64), low: -5, high: 2 ** 50 }, layout)).toEqual([...bigs]);
});
