import { expect, test } from "vitest";
import { decode, fromBfloat16, fromFloat16, parseSafetensors } from "./safetensors.ts";
import { safetensors } from "./testdata/folder.ts";

test("parseSafetensors: gives dtype, shape and the values of every tensor", () => {
  const file = parseSafetensors(safetensors({ a: Float32Array.of(1.5, -2), b: Int32Array.of(7) }));
  expect([...file.keys()]).toEqual(["a", "b"]);
  expect(decode(file.get("a")!)).toEqual({ dtype: "float32", shape: [2], data: Float32Array.of(1.5, -2) });
  expect(decode(file.get("b")!)).toEqual({ dtype: "int32", shape: [1], data: Int32Array.of(7) });
});

test("decode: reads int64 as numbers and widens half types", () => {
  const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer);
  expect(decode({ dtype: "I64", shape: [2], bytes: bytes(BigInt64Array.of(-3n, 5n)) }).data)
    .toEqual(Float64Array.of(-3, 5));
  expect(decode({ dtype: "F16", shape: [1], bytes: bytes(Uint16Array.of(0x3e00)) }))
    .toEqual({ dtype: "float16", shape: [1], data: Float32Array.of(1.5) });
  expect(() => decode({ dtype: "F8", shape: [], bytes: new Uint8Array(1) })).toThrow("F8");
});

test("fromFloat16: one, least subnormal, infinity, NaN", () => {
  expect([0x3c00, 0xc000, 1, 0x7c00, 0xfc00, 0x7e00].map(fromFloat16))
    .toEqual([1, -2, 2 ** -24, Infinity, -Infinity, NaN]);
});

test("fromBfloat16: the upper half of a float32", () => {
  expect([0x3f80, 0xc040, 0x7f80].map(fromBfloat16)).toEqual([1, -3, Infinity]);
});
