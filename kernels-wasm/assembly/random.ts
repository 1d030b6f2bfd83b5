/**
 * Random numbers from Philox 4x32-10 counters, eight blocks of four words at a time.
 *
 * Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405
 */

import * as c from "./constants";
import { k } from "./constants";
import { scratch } from "./memory";
import { cosNear, leftAngle, logUnit, quarters, sinNear } from "./vector_math";

/** Low halves of the products of four pairs of words, given the products of the first and of the last two. */
// @ts-ignore: decorator
@inline
function lows(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function highs(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 1, 3, 5, 7);
}

/** Round keys, all lanes alike, in pairs. */
// @ts-ignore: decorator
@inline
const KEYS: usize = 128;

/** Bytes of working memory: the words of eight blocks, and the keys of ten rounds. */
export function random_scratch(): i32 {
  return 128 + 320;
}

/** Writes the keys of the ten rounds into working memory. */
function keys(k0: i32, k1: i32): void {
  for (let t: usize = KEYS; t < KEYS + 320; t += 32) {
    v128.store(scratch + t, i32x4.splat(k0));
    v128.store(scratch + t, i32x4.splat(k1), 16);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
}

/** The low words of the counters `counter` … `counter` + 3. */
// @ts-ignore: decorator
@inline
function counterLow(counter: u64): v128 {
  return i32x4.add(i32x4.splat(<i32>counter), i32x4(0, 1, 2, 3));
}

/** The high words that belong to {@linkcode counterLow}. */
// @ts-ignore: decorator
@inline
function counterHigh(counter: u64, low: v128): v128 {
  // The low word overflows in lanes that are below the first.
  return i32x4.sub(i32x4.splat(<i32>(counter >> 32)), i32x4.lt_u(low, i32x4.splat(<i32>counter)));
}

/** Stores four words of four blocks in the order of blocks. */
// @ts-ignore: decorator
@inline
function storeWords(o: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  const t0 = i32x4.shuffle(c0, c1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(c2, c3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(c0, c1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(c2, c3, 2, 6, 3, 7);
  v128.store(o, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(o, i64x2.shuffle(t0, t1, 1, 3), 16);
  v128.store(o, i64x2.shuffle(t2, t3, 0, 2), 32);
  v128.store(o, i64x2.shuffle(t2, t3, 1, 3), 48);
}

/**
 * The 32 words of the blocks `counter` … `counter` + 7, in order, at `o`. {@linkcode keys} have been written.
 *
 * Every round waits for the one before it, so two groups of four blocks go side by side.
 */
// @ts-ignore: decorator
@inline
function words(counter: u64, o: usize): void {
  let c0 = counterLow(counter);
  let c1 = counterHigh(counter, c0);
  let d0 = counterLow(counter + 4);
  let d1 = counterHigh(counter + 4, d0);
  let c2 = i32x4.splat(0);
  let c3 = c2;
  let d2 = c2;
  let d3 = c2;
  const m0 = k(c.PHILOX_M0);
  const m1 = k(c.PHILOX_M1);
  const end = scratch + KEYS + 320;
  for (let at = scratch + KEYS; at < end; at += 32) {
    const k0 = v128.load(at);
    const k1 = v128.load(at, 16);
    let q0 = i64x2.extmul_low_i32x4_u(c2, m1);
    let q1 = i64x2.extmul_high_i32x4_u(c2, m1);
    let p0 = i64x2.extmul_low_i32x4_u(c0, m0);
    let p1 = i64x2.extmul_high_i32x4_u(c0, m0);
    c0 = v128.xor(highs(q0, q1), v128.xor(c1, k0));
    c1 = lows(q0, q1);
    c2 = v128.xor(highs(p0, p1), v128.xor(c3, k1));
    c3 = lows(p0, p1);
    q0 = i64x2.extmul_low_i32x4_u(d2, m1);
    q1 = i64x2.extmul_high_i32x4_u(d2, m1);
    p0 = i64x2.extmul_low_i32x4_u(d0, m0);
    p1 = i64x2.extmul_high_i32x4_u(d0, m0);
    d0 = v128.xor(highs(q0, q1), v128.xor(d1, k0));
    d1 = lows(q0, q1);
    d2 = v128.xor(highs(p0, p1), v128.xor(d3, k1));
    d3 = lows(p0, p1);
  }
  storeWords(o, c0, c1, c2, c3);
  storeWords(o + 64, d0, d1, d2, d3);
}

/** Words to fractions of 2⁻²⁴ on [0, 1). */
// @ts-ignore: decorator
@inline
function uniform4(p: usize): void {
  const v = f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(p), 8));
  v128.store(p, f32x4.mul(v, k(c.UNIT_24)));
}

/** Eight words to four pairs of normal numbers: a cosine and a sine of each pair. */
// @ts-ignore: decorator
@inline
function normal8(p: usize): void {
  const x = v128.load(p);
  const y = v128.load(p, 16);
  const a = i32x4.shr_u(i32x4.shuffle(x, y, 0, 2, 4, 6), 8);
  const b = i32x4.shr_u(i32x4.shuffle(x, y, 1, 3, 5, 7), 8);
  const unit = k(c.UNIT_24);
  const u1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(a, k(c.INT_ONE))), unit);
  const u2 = f32x4.mul(f32x4.convert_i32x4_s(b), unit);
  const r = f32x4.sqrt(f32x4.mul(k(c.MINUS_TWO), logUnit(u1)));
  // Quarters change the places and the signs of sine and cosine: 1 → (−s, c), 2 → (−c, −s), 3 → (s, −c).
  const q = quarters(u2);
  const n = i32x4.trunc_sat_f32x4_s(q);
  const t = leftAngle(u2, q);
  const t2 = f32x4.mul(t, t);
  const s = sinNear(t, t2);
  const co = cosNear(t2);
  const odd = i32x4.shr_s(i32x4.shl(n, 31), 31);
  const half = i32x4.shl(i32x4.shr_u(n, 1), 31);
  const flip = i32x4.shl(v128.xor(n, i32x4.shr_u(n, 1)), 31);
  const first = f32x4.mul(r, v128.xor(v128.bitselect(s, co, odd), flip));
  const second = f32x4.mul(r, v128.xor(v128.bitselect(co, s, odd), half));
  v128.store(p, i32x4.shuffle(first, second, 0, 4, 1, 5));
  v128.store(p, i32x4.shuffle(first, second, 2, 6, 3, 7), 16);
}

/** Fills 32 elements: kind 0 uniform, 1 normal. */
// @ts-ignore: decorator
@inline
function fill32(o: usize, counter: u64, kind: i32): void {
  words(counter, o);
  const end = o + 128;
  if (kind) {
    for (; o < end; o += 32) normal8(o);
  } else {
    for (; o < end; o += 32) {
      uniform4(o);
      uniform4(o + 16);
    }
  }
}

// @ts-ignore: decorator
@inline
function fill(o: usize, n: i32, k0: i32, k1: i32, counter: f64, kind: i32): void {
  let block = <u64>counter;
  keys(k0, k1);
  for (; n >= 32; n -= 32) {
    fill32(o, block, kind);
    block += 8;
    o += 128;
  }
  if (n > 0) {
    fill32(scratch, block, kind);
    memory.copy(o, scratch, <usize>n << 2);
  }
}

/** Uniform on [0, 1): `n` elements from block `counter` on. Needs {@linkcode random_scratch} bytes of working memory. */
export function random_uniform_f32(o: usize, n: i32, k0: i32, k1: i32, counter: f64): void {
  fill(o, n, k0, k1, counter, 0);
}

/** Standard normal by Box–Muller. */
export function random_normal_f32(o: usize, n: i32, k0: i32, k1: i32, counter: f64): void {
  fill(o, n, k0, k1, counter, 1);
}

/** Sixteen lanes of four masks as bytes 0 and 1. */
// @ts-ignore: decorator
@inline
function truths(a: v128, b: v128, c: v128, d: v128): v128 {
  const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
  return v128.and(bytes, i8x16.splat(1));
}

/** Dropout of 32 elements whose words lie in working memory. */
// @ts-ignore: decorator
@inline
function drop32(x: usize, y: usize, kept: usize, least: v128, scale: v128): void {
  for (let i: usize = 0; i < 2; i++) {
    const p = scratch + (i << 6);
    const a = i32x4.ge_s(i32x4.shr_u(v128.load(p), 8), least);
    const b = i32x4.ge_s(i32x4.shr_u(v128.load(p, 16), 8), least);
    const c = i32x4.ge_s(i32x4.shr_u(v128.load(p, 32), 8), least);
    const d = i32x4.ge_s(i32x4.shr_u(v128.load(p, 48), 8), least);
    const q = x + (i << 6);
    const o = y + (i << 6);
    v128.store(o, v128.and(a, f32x4.mul(v128.load(q), scale)));
    v128.store(o, v128.and(b, f32x4.mul(v128.load(q, 16), scale)), 16);
    v128.store(o, v128.and(c, f32x4.mul(v128.load(q, 32), scale)), 32);
    v128.store(o, v128.and(d, f32x4.mul(v128.load(q, 48), scale)), 48);
    v128.store(kept + (i << 4), truths(a, b, c, d));
  }
}

/**
 * y = x · scale where the number that {@linkcode random_uniform_f32} gives here is `p` or above, else 0 → y, and there as
 * bytes 0 and 1.
 */
export function dropout_f32(
  x: usize,
  y: usize,
  kept: usize,
  n: i32,
  k0: i32,
  k1: i32,
  counter: f64,
  p: f64,
  scale: f64,
): void {
  let block = <u64>counter;
  // The numbers are multiples of 2⁻²⁴.
  const least = i32x4.splat(<i32>ceil<f64>(<f64><f32>p * 16777216));
  const by = f32x4.splat(<f32>scale);
  keys(k0, k1);
  for (; n >= 32; n -= 32) {
    words(block, scratch);
    drop32(x, y, kept, least, by);
    block += 8;
    x += 128;
    y += 128;
    kept += 32;
  }
  if (n > 0) {
    words(block, scratch);
    for (let i: usize = 0; i < <usize>n; i++) {
      const keep = <i32>(load<u32>(scratch + (i << 2)) >> 8) >= i32x4.extract_lane(least, 0);
      store<f32>(y + (i << 2), keep ? load<f32>(x + (i << 2)) * <f32>scale : 0);
      store<u8>(kept + i, <u8>keep);
    }
  }
}

// @ts-ignore: decorator
@inline
function integers<T>(o: usize, n: i32, k0: i32, k1: i32, counter: f64, low: f64, span: f64): void {
  let block = <u64>counter;
  const by = <u64>span;
  const base = <i64>low;
  keys(k0, k1);
  while (n > 0) {
    words(block, scratch);
    const count = min(n, 32);
    for (let i = 0; i < count; i++) {
      store<T>(o, <T>(base + <i64>(<u64>load<u32>(scratch + (<usize>i << 2)) % by)));
      o += sizeof<T>();
    }
    n -= 32;
    block += 8;
  }
}

/** low + word mod span, span up to 2³². */
export function random_int_i32(o: usize, n: i32, k0: i32, k1: i32, counter: f64, low: f64, span: f64): void {
  integers<i32>(o, n, k0, k1, counter, low, span);
}

/** As {@linkcode random_int_i32}. */
export function random_int_i64(o: usize, n: i32, k0: i32, k1: i32, counter: f64, low: f64, span: f64): void {
  integers<i64>(o, n, k0, k1, counter, low, span);
}
