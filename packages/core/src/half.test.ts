import { describe, expect, test } from "vitest";
import { bfloat16, float16 } from "./dtype.ts";
import {
  bfloat16FromBits,
  bfloat16ToBits,
  float16FromBits,
  float16ToBits,
  packHalf,
  unpackHalf,
} from "./half.ts";

const formats = [
  {
    dtype: float16,
    toBits: float16ToBits,
    fromBits: float16FromBits,
    exponentBits: 5,
    mantissaBits: 10,
    nan: 0x7e00,
  },
  {
    dtype: bfloat16,
    toBits: bfloat16ToBits,
    fromBits: bfloat16FromBits,
    exponentBits: 8,
    mantissaBits: 7,
    nan: 0x7fc0,
  },
];

for (const { dtype, toBits, fromBits, exponentBits, mantissaBits, nan } of formats) {
  describe(dtype.name, () => {
    const infinity = ((1 << exponentBits) - 1) << mantissaBits;

    /** What IEEE 754 says of the bits. */
    function meaning(bits: number): number {
      const sign = bits & 0x8000 ? -1 : 1;
      const exponent = (bits & 0x7fff) >>> mantissaBits;
      const fraction = (bits & ((1 << mantissaBits) - 1)) / (1 << mantissaBits);
      const bias = (1 << (exponentBits - 1)) - 1;
      if (exponent === (1 << exponentBits) - 1) return fraction === 0 ? sign * Infinity : NaN;
      return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
    }

    test("from bits: all 2^16 mean what IEEE 754 says", () => {
      for (let bits = 0; bits < 2 ** 16; bits++) {
        if (!Object.is(fromBits(bits), meaning(bits))) {
          expect([bits, fromBits(bits)]).toEqual([bits, meaning(bits)]);
        }
      }
    });

    test("to bits: all 2^16 come back", () => {
      for (let bits = 0; bits < 2 ** 16; bits++) {
        const value = meaning(bits);
        const back = toBits(value);
        const expected = Number.isNaN(value) ? nan : bits;
        if (back !== expected) expect([bits, back]).toEqual([bits, expected]);
      }
    });

    test("to bits: between any two neighbours the nearer, in the middle the even", () => {
      const ulp = (x: number): number => Math.max(2 ** (Math.floor(Math.log2(x)) - 23), 2 ** -149);
      for (let bits = 0; bits + 1 < infinity; bits++) {
        const middle = (meaning(bits) + meaning(bits + 1)) / 2;
        if (Math.fround(middle) !== middle) throw new Error(`${middle} is no float32`);
        const even = bits & 1 ? bits + 1 : bits;
        const got = [
          toBits(middle - ulp(middle)),
          toBits(middle),
          toBits(middle + ulp(middle)),
          toBits(-middle),
        ];
        const expected = [bits, even, bits + 1, even | 0x8000];
        if (got.join() !== expected.join()) expect([bits, ...got]).toEqual([bits, ...expected]);
      }
    });

    test("to bits: overflow, NaN and tiny numbers", () => {
      const largest = meaning(infinity - 1);
      const half = (largest - meaning(infinity - 2)) / 2;
      expect(toBits(largest)).toBe(infinity - 1);
      expect(toBits(largest + half * (1 - 2 ** -10))).toBe(infinity - 1);
      expect(toBits(largest + half)).toBe(infinity);
      expect([toBits(Infinity), toBits(-Infinity), toBits(1e300)]).toEqual([
        infinity,
        infinity | 0x8000,
        infinity,
      ]);
      expect([toBits(0), toBits(-0), toBits(1e-45), toBits(-1e-300)]).toEqual([0, 0x8000, 0, 0x8000]);
      expect(toBits(NaN)).toBe(nan);
    });

    test("packHalf and unpackHalf: whole arrays, also into given ones", () => {
      const values = new Float32Array([1, -2.5, 0.1, 3e38]);
      const bits = packHalf(dtype, values);
      expect([...bits]).toEqual([...values].map(toBits));
      expect([...unpackHalf(dtype, bits)]).toEqual([...bits].map(fromBits));
      const [outBits, out] = [new Uint16Array(4), new Float32Array(4)];
      expect(packHalf(dtype, values, outBits)).toBe(outBits);
      expect(unpackHalf(dtype, outBits, out)).toBe(out);
      expect(out).toEqual(unpackHalf(dtype, bits));
    });
  });
}

test("float16ToBits: 65520 is the first infinity", () => {
  expect([float16ToBits(65519.99), float16ToBits(65520)]).toEqual([0x7bff, 0x7c00]);
});
