import { describe, expect, test } from "vitest";
import { bfloat16, type DType, float16, float32, float64, int32, int64 } from "./dtype.ts";
import { bfloat16FromBits, bfloat16ToBits, float16FromBits, float16ToBits } from "./half.ts";
import { fillInt, fillNormal, fillUniform, philox4x32, philoxBlock, randomBlocks } from "./philox.ts";

const key: readonly [number, number] = [0xa4093822, 0x299f31d0];

/** The first `count` words of the stream. */
function wordsOf(count: number, counter: number): number[] {
  const words: number[] = [];
  const block = new Uint32Array(4);
  for (let b = counter; words.length < count; b++) {
    philoxBlock(key[0], key[1], Number(BigInt(b) & 0xffffffffn), Number(BigInt(b) >> 32n), block);
    words.push(...block);
  }
  return words.slice(0, count);
}

function uniform(dtype: DType, length: number, counter: number): Float32Array | Float64Array {
  const out = dtype === float64 ? new Float64Array(length) : new Float32Array(length);
  fillUniform(out, { dtype, key, counter });
  return out;
}

function normal(dtype: DType, length: number, counter: number): Float32Array | Float64Array {
  const out = dtype === float64 ? new Float64Array(length) : new Float32Array(length);
  fillNormal(out, { dtype, key, counter });
  return out;
}

describe("Philox 4x32-10", () => {
  // Known answers of the authors' Random123 library (kat_vectors).
  const max = 0xffffffff;
  const vectors: [counter: [number, number, number, number], key: [number, number], expected: string][] = [
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[max, max, max, max], [max, max], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ];

  test.each(vectors)("philox4x32: counter %j, key %j", (counter, keyWords, expected) => {
    const out = new Uint32Array(4);
    philox4x32(keyWords, counter, out);
    expect([...out].map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
  });

  test("philoxBlock: the upper half of the counter is 0", () => {
    const [a, b] = [new Uint32Array(4), new Uint32Array(4)];
    philoxBlock(key[0], key[1], 7, 9, a);
    philox4x32(key, [7, 9, 0, 0], b);
    expect(a).toEqual(b);
  });
});

describe("uniform", () => {
  test("float32: top 24 bits of word i", () => {
    expect([...uniform(float32, 11, 5)]).toEqual(
      wordsOf(11, 5).map((word) => Math.floor(word / 2 ** 8) / 2 ** 24),
    );
  });

  test("float64: top 53 bits of words 2i, the low half, and 2i + 1", () => {
    const words = wordsOf(14, 5).map(BigInt);
    const expected = Array.from({ length: 7 }, (_, i) => {
      const draw = words[2 * i]! + (words[2 * i + 1]! << 32n);
      return Number(draw >> 11n) / 2 ** 53;
    });
    expect([...uniform(float64, 7, 5)]).toEqual(expected);
  });

  test("halves: as many top bits as they hold, so that none rounds to 1", () => {
    const words = wordsOf(20_000, 0);
    const halves = uniform(float16, 20_000, 0);
    const brains = uniform(bfloat16, 20_000, 0);
    expect([...halves]).toEqual(words.map((word) => Math.floor(word / 2 ** 21) / 2 ** 11));
    expect([...brains]).toEqual(words.map((word) => Math.floor(word / 2 ** 24) / 2 ** 8));
    expect([...halves].every((x) => float16FromBits(float16ToBits(x)) === x && x < 1)).toBe(true);
    expect([...brains].every((x) => bfloat16FromBits(bfloat16ToBits(x)) === x && x < 1)).toBe(true);
  });

  test("a later counter continues the stream, over 2^32 too", () => {
    for (const counter of [0, 2 ** 32 - 2, 2 ** 40 - 1]) {
      expect(uniform(float32, 16, counter).subarray(8)).toEqual(uniform(float32, 8, counter + 2));
    }
    expect(uniform(float32, 4, 0)).not.toEqual(uniform(float32, 4, 2 ** 32));
  });

  test("moments and range", () => {
    const x = [...uniform(float32, 100_000, 0)];
    const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
    // Five standard errors: of the mean √(1/12 n), of the variance √(1/180 n).
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / x.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / x.length));
    expect(x.every((v) => v >= 0 && v < 1)).toBe(true);
  });
});

describe("normal", () => {
  /** Box–Muller as the recipe has it, from fractions in [0, 1). */
  function boxMuller(fractions: ArrayLike<number>, unit: number): number[] {
    const out: number[] = [];
    for (let k = 0; k < fractions.length; k += 2) {
      const r = Math.sqrt(-2 * Math.log(fractions[k]! + unit));
      out.push(r * Math.cos(2 * Math.PI * fractions[k + 1]!), r * Math.sin(2 * Math.PI * fractions[k + 1]!));
    }
    return out;
  }

  test("float32 and float64: pairs of draws", () => {
    expect(normal(float32, 10, 3)).toEqual(new Float32Array(boxMuller(uniform(float32, 10, 3), 2 ** -24)));
    expect(normal(float64, 10, 3)).toEqual(new Float64Array(boxMuller(uniform(float64, 10, 3), 2 ** -53)));
    expect(normal(float16, 10, 3)).toEqual(normal(float32, 10, 3));
  });

  test("an odd count leaves out the last sine", () => {
    for (const dtype of [float32, float64]) {
      expect(normal(dtype, 7, 3)).toEqual(normal(dtype, 8, 3).subarray(0, 7));
      expect(normal(dtype, 1, 3)).toEqual(normal(dtype, 8, 3).subarray(0, 1));
    }
  });

  test("moments of a standard normal", () => {
    for (const dtype of [float32, float64]) {
      const x = [...normal(dtype, 100_000, 0)];
      const moment = (power: number): number => x.reduce((sum, v) => sum + v ** power, 0) / x.length;
      // Five standard errors: the moments of powers 1 to 4 have variances 1, 2, 15 and 96 over n.
      [[0, 1], [1, 2], [0, 15], [3, 96]].forEach(([expected, variance], i) => {
        expect(Math.abs(moment(i + 1) - expected!)).toBeLessThan(5 * Math.sqrt(variance! / x.length));
      });
      expect(x.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("integers", () => {
  test("a span up to 2^32 takes one word", () => {
    const words = wordsOf(9, 5);
    const out = new Int32Array(9);
    fillInt(out, { dtype: int32, key, counter: 5, low: -3, high: 4 });
    expect([...out]).toEqual(words.map((word) => -3 + word % 7));
    const wide = new BigInt64Array(9);
    fillInt(wide, { dtype: int64, key, counter: 5, low: 0, high: 2 ** 32 });
    expect([...wide]).toEqual(words.map(BigInt));
  });

  test("a larger span takes two", () => {
    const words = wordsOf(10, 5).map(BigInt);
    const [low, high] = [-5, 2 ** 52];
    const out = new BigInt64Array(5);
    fillInt(out, { dtype: int64, key, counter: 5, low, high });
    const expected = Array.from({ length: 5 }, (_, i) => {
      const draw = words[2 * i]! + (words[2 * i + 1]! << 32n);
      return BigInt(low) + draw % BigInt(high - low);
    });
    expect([...out]).toEqual(expected);
    const floats = new Float64Array(5);
    fillInt(floats, { dtype: float64, key, counter: 5, low, high });
    expect([...floats]).toEqual(expected.map(Number));
  });
});

describe("randomBlocks", () => {
  test("four words a block", () => {
    const blocks = (dtype: DType, n: number): number => randomBlocks({ shape: [n], dtype });
    expect([0, 1, 4, 5].map((n) => blocks(float32, n))).toEqual([0, 1, 1, 2]);
    expect([0, 1, 2, 3].map((n) => blocks(float64, n))).toEqual([0, 1, 1, 2]);
    expect([0, 1, 4, 5].map((n) => blocks(bfloat16, n))).toEqual([0, 1, 1, 2]);
    expect(randomBlocks({ shape: [2, 3], dtype: float64, low: 0, high: 10 })).toBe(2);
    expect(randomBlocks({ shape: [2, 3], dtype: int64, low: 0, high: 2 ** 33 })).toBe(3);
  });

  test("what is drawn after them is new", () => {
    for (const dtype of [float32, float64]) {
      const used = randomBlocks({ shape: [5], dtype });
      const before = new Set(normal(dtype, 6, 0)); // with the sine that 5 elements leave out
      expect(normal(dtype, 4, used).some((x) => before.has(x))).toBe(false);
    }
  });
});
