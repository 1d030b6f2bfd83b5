/**
 * Random numbers from a counter: Philox 4x32-10, and how its words become elements.
 *
 * Every backend makes the same bits, whatever the order or the number of threads. The recipe, exactly:
 *
 * - **Stream.** Block `b` is Philox 4x32-10 with key words `(key[0], key[1])` of the counter words
 *   `(b mod 2^32, ⌊b / 2^32⌋, 0, 0)`, for `b = counter, counter + 1, …`. Word `s` of the stream is word `s mod 4` of block
 *   `counter + ⌊s / 4⌋`; words are unsigned 32-bit integers.
 * - **Draw.** Element `i` draws word `i`. Elements that need 64 bits (float64; integers whose span is over 2^32) draw
 *   words `2i` and `2i + 1` as `w = word[2i] + 2^32 · word[2i + 1]`: the first word is the low half.
 * - **Uniform** is the top bits of the draw as a fraction: float32 `(w >>> 8) · 2^-24`, float64 `(w >>> 11) · 2^-53`,
 *   float16 `(w >>> 21) · 2^-11`, bfloat16 `(w >>> 24) · 2^-8`. All are exact and below 1: a float32 rounded to a half could be 1.
 * - **Normal** takes elements in pairs. With the draws `a` of element `2k` and `b` of element `2k + 1`:
 *   `u1 = ((a >>> 8) + 1) · 2^-24` in (0, 1], `u2 = (b >>> 8) · 2^-24` in [0, 1) (float64: `>>> 11` and `2^-53`),
 *   `r = √(−2 ln u1)`; element `2k` is `r cos(2π u2)`, element `2k + 1` is `r sin(2π u2)`. When the count is odd, the last
 *   sine is left out. Halves are made as float32 and rounded. `u1` and `u2` are exact; the rest is as accurate as the
 *   dtype, so that backends agree up to rounding and not in every bit.
 * - **Integers** are `low + w mod (high − low)`, exact; float dtypes hold the rounded integer.
 *
 * @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", https://doi.org/10.1145/2063384.2063405
 *
 * @module
 */

import { bfloat16, float16, float64 } from "./dtype.ts";
import type { RandomAttrs } from "./primitives.ts";
import { numelOf } from "./shape.ts";

// Multipliers and key increments of Philox 4x32, from the paper.
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/** What the fill functions need of the attributes: the number of elements is that of the array. */
export type RandomSource = Pick<RandomAttrs, "dtype" | "key" | "counter">;

/**
 * Philox 4x32-10 of a 128-bit counter and a 64-bit key, as words with the low one first.
 *
 * @param out Takes the four words of the block.
 */
export function philox4x32(
  key: readonly [low: number, high: number],
  counter: readonly [c0: number, c1: number, c2: number, c3: number],
  out: Uint32Array,
): void {
  let [k0, k1] = key;
  let [c0, c1, c2, c3] = counter;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(M0, c0);
    const high1 = multiplyHigh(M1, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/**
 * The block of four words at a 64-bit counter; the upper half of Philox's 128-bit counter is 0.
 *
 * @param out Takes the four words.
 */
export function philoxBlock(
  keyLow: number,
  keyHigh: number,
  counterLow: number,
  counterHigh: number,
  out: Uint32Array,
): void {
  philox4x32([keyLow, keyHigh], [counterLow, counterHigh, 0, 0], out);
}

/**
 * The number of blocks that a random primitive uses: by so much a generator moves its counter on.
 *
 * @param attrs Attributes of `randomUniform`, `randomNormal` or, with `low` and `high`, `randomInt`.
 */
export function randomBlocks(
  attrs: Pick<RandomAttrs, "shape" | "dtype"> & { readonly low?: number; readonly high?: number },
): number {
  const { low, high, dtype } = attrs;
  const two = low !== undefined && high !== undefined ? high - low > 2 ** 32 : dtype === float64;
  return Math.ceil(numelOf(attrs.shape) * (two ? 2 : 1) / 4);
}

/**
 * Fills `out` with the elements of `randomUniform`.
 *
 * @param out A Float64Array for `float64`, either for the other dtypes: their values are numbers that they hold exactly.
 */
export function fillUniform(out: Float32Array | Float64Array, source: RandomSource): void {
  const { dtype } = source;
  if (dtype === float64) {
    eachPair(out.length, source, (i, low, high) => {
      out[i] = fraction53(low, high);
    });
    return;
  }
  const bits = dtype === float16 ? 11 : dtype === bfloat16 ? 8 : 24;
  eachWord(out.length, source, (i, word) => {
    out[i] = (word >>> (32 - bits)) * 2 ** -bits;
  });
}

/**
 * Fills `out` with the elements of `randomNormal`, computed in float64.
 *
 * @param out A Float64Array for `float64`, a Float32Array for the other dtypes; halves are still to be rounded, as is
 * float32 in a Float64Array.
 */
export function fillNormal(out: Float32Array | Float64Array, source: RandomSource): void {
  const count = out.length + (out.length & 1);
  let first = 0;
  const put = (i: number, u: number, unit: number): void => {
    if ((i & 1) === 0) {
      first = u + unit;
      return;
    }
    const radius = Math.sqrt(-2 * Math.log(first));
    const angle = 2 * Math.PI * u;
    out[i - 1] = radius * Math.cos(angle);
    if (i < out.length) out[i] = radius * Math.sin(angle);
  };
  if (source.dtype === float64) {
    eachPair(count, source, (i, low, high) => put(i, fraction53(low, high), 2 ** -53));
  } else {
    eachWord(count, source, (i, word) => put(i, (word >>> 8) * 2 ** -24, 2 ** -24));
  }
}

/**
 * Fills `out` with the elements of `randomInt`.
 *
 * @param out The storage form of the dtype; for halves a Float32Array, whose numbers are still to be rounded.
 */
export function fillInt(
  out:
    | Uint8Array
    | Int8Array
    | Int16Array
    | Int32Array
    | BigInt64Array
    | Float32Array
    | Float64Array,
  source: RandomSource & { readonly low: number; readonly high: number },
): void {
  const { low, high } = source;
  const span = high - low;
  const put = (i: number, value: number): void => {
    if (out instanceof BigInt64Array) out[i] = BigInt(value);
    else out[i] = value;
  };
  if (span > 2 ** 32) {
    const modulus = BigInt(span);
    eachPair(out.length, source, (i, lowWord, highWord) => {
      const draw = (BigInt(highWord) << 32n) | BigInt(lowWord);
      put(i, low + Number(draw % modulus));
    });
  } else {
    eachWord(out.length, source, (i, word) => put(i, low + word % span));
  }
}

/** The upper 32 bits of the product of two unsigned 32-bit integers, as every step stays below 2^53. */
function multiplyHigh(a: number, b: number): number {
  const low = a * (b & 0xffff);
  const high = a * (b >>> 16);
  return Math.floor((high + Math.floor(low / 0x10000)) / 0x10000);
}

/** The top 53 of 64 bits as a fraction. */
function fraction53(low: number, high: number): number {
  return (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
}

function eachWord(
  count: number,
  { key, counter }: RandomSource,
  put: (i: number, word: number) => void,
): void {
  const block = new Uint32Array(4);
  for (let i = 0; i < count; i++) {
    if ((i & 3) === 0) {
      const b = counter + i / 4;
      philoxBlock(key[0], key[1], b >>> 0, Math.floor(b / 2 ** 32), block);
    }
    put(i, block[i & 3]!);
  }
}

function eachPair(
  count: number,
  source: RandomSource,
  put: (i: number, low: number, high: number) => void,
): void {
  let low = 0;
  eachWord(2 * count, source, (s, word) => {
    if ((s & 1) === 0) low = word;
    else put((s - 1) / 2, low, word);
  });
}
