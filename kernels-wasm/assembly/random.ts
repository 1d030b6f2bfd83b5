/**
 * Random numbers from Philox 4x32-10 counters, four blocks of four words at a time.
 *
 * Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405
 */

import { scratch } from "./memory";
import { cosNear, leftAngle, log, quarters, sinNear } from "./vector_math";

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

/** The 16 words of the blocks `counter` … `counter` + 3, in order, at `o`. */
function words(k0: i32, k1: i32, counter: u64, o: usize): void {
  let c0 = i32x4.splat(<i32>counter);
  let c1 = i32x4.splat(<i32>(counter >> 32));
  c0 = i32x4.replace_lane(c0, 1, <i32>(counter + 1));
  c1 = i32x4.replace_lane(c1, 1, <i32>((counter + 1) >> 32));
  c0 = i32x4.replace_lane(c0, 2, <i32>(counter + 2));
  c1 = i32x4.replace_lane(c1, 2, <i32>((counter + 2) >> 32));
  c0 = i32x4.replace_lane(c0, 3, <i32>(counter + 3));
  c1 = i32x4.replace_lane(c1, 3, <i32>((counter + 3) >> 32));
  let c2 = i32x4.splat(0);
  let c3 = i32x4.splat(0);
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
  for (let round = 0; round < 10; round++) {
    const p0 = i64x2.extmul_low_i32x4_u(c0, m0);
    const p1 = i64x2.extmul_high_i32x4_u(c0, m0);
    const q0 = i64x2.extmul_low_i32x4_u(c2, m1);
    const q1 = i64x2.extmul_high_i32x4_u(c2, m1);
    c0 = v128.xor(v128.xor(highs(q0, q1), c1), i32x4.splat(k0));
    c1 = lows(q0, q1);
    c2 = v128.xor(v128.xor(highs(p0, p1), c3), i32x4.splat(k1));
    c3 = lows(p0, p1);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  const t0 = i32x4.shuffle(c0, c1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(c2, c3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(c0, c1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(c2, c3, 2, 6, 3, 7);
  v128.store(o, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(o, i64x2.shuffle(t0, t1, 1, 3), 16);
  v128.store(o, i64x2.shuffle(t2, t3, 0, 2), 32);
  v128.store(o, i64x2.shuffle(t2, t3, 1, 3), 48);
}

/** Words to fractions of 2⁻²⁴ on [0, 1). */
// @ts-ignore: decorator
@inline
function uniform4(p: usize): void {
  const v = f32x4.convert_i32x4_u(i32x4.shr_u(v128.load(p), 8));
  v128.store(p, f32x4.mul(v, f32x4.splat(5.9604644775390625e-8)));
}

/** Eight words to four pairs of normal numbers: a cosine and a sine of each pair. */
// @ts-ignore: decorator
@inline
function normal8(p: usize): void {
  const x = v128.load(p);
  const y = v128.load(p, 16);
  const a = i32x4.shr_u(i32x4.shuffle(x, y, 0, 2, 4, 6), 8);
  const b = i32x4.shr_u(i32x4.shuffle(x, y, 1, 3, 5, 7), 8);
  const unit = f32x4.splat(5.9604644775390625e-8);
  const u1 = f32x4.mul(f32x4.convert_i32x4_u(i32x4.add(a, i32x4.splat(1))), unit);
  const u2 = f32x4.mul(f32x4.convert_i32x4_u(b), unit);
  const r = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), log(u1)));
  // Quarters change the places and the signs of sine and cosine: 1 → (−s, c), 2 → (−c, −s), 3 → (s, −c).
  const q = quarters(u2);
  const n = i32x4.trunc_sat_f32x4_s(q);
  const t = leftAngle(u2, q);
  const t2 = f32x4.mul(t, t);
  const s = sinNear(t, t2);
  const c = cosNear(t2);
  const odd = i32x4.shr_s(i32x4.shl(n, 31), 31);
  const half = i32x4.shl(i32x4.shr_u(n, 1), 31);
  const flip = i32x4.shl(v128.xor(n, i32x4.shr_u(n, 1)), 31);
  const co = f32x4.mul(r, v128.xor(v128.bitselect(s, c, odd), flip));
  const si = f32x4.mul(r, v128.xor(v128.bitselect(c, s, odd), half));
  v128.store(p, i32x4.shuffle(co, si, 0, 4, 1, 5));
  v128.store(p, i32x4.shuffle(co, si, 2, 6, 3, 7), 16);
}

/** Fills 16 elements: kind 0 uniform, 1 normal. */
// @ts-ignore: decorator
@inline
function fill16(o: usize, k0: i32, k1: i32, counter: u64, kind: i32): void {
  words(k0, k1, counter, o);
  if (kind) {
    normal8(o);
    normal8(o + 32);
  } else {
    uniform4(o);
    uniform4(o + 16);
    uniform4(o + 32);
    uniform4(o + 48);
  }
}

// @ts-ignore: decorator
@inline
function fill(o: usize, n: i32, k0: i32, k1: i32, counter: f64, kind: i32): void {
  let c = <u64>counter;
  for (; n >= 16; n -= 16) {
    fill16(o, k0, k1, c, kind);
    c += 4;
    o += 64;
  }
  if (n > 0) {
    fill16(scratch, k0, k1, c, kind);
    memory.copy(o, scratch, <usize>n << 2);
  }
}

/** Uniform on [0, 1): `n` elements from block `counter` on. Needs 64 bytes of working memory. */
export function random_uniform_f32(o: usize, n: i32, k0: i32, k1: i32, counter: f64): void {
  fill(o, n, k0, k1, counter, 0);
}

/** Standard normal by Box–Muller. */
export function random_normal_f32(o: usize, n: i32, k0: i32, k1: i32, counter: f64): void {
  fill(o, n, k0, k1, counter, 1);
}

// @ts-ignore: decorator
@inline
function integers<T>(o: usize, n: i32, k0: i32, k1: i32, counter: f64, low: f64, span: f64): void {
  let c = <u64>counter;
  const by = <u64>span;
  const base = <i64>low;
  while (n > 0) {
    words(k0, k1, c, scratch);
    const count = min(n, 16);
    for (let i = 0; i < count; i++) {
      store<T>(o, <T>(base + <i64>(<u64>load<u32>(scratch + (<usize>i << 2)) % by)));
      o += sizeof<T>();
    }
    n -= 16;
    c += 4;
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
