/**
 * Conversions between element types. A row has a step for each operand, in elements; rows with the steps 1 go by eight.
 */

import { scratch } from "./memory";
import { move as moveBy, start, turn } from "./nd";

/** Eight int16 of eight int32 each, their low bits. */
// @ts-ignore: decorator
@inline
function lowHalves(a: v128, b: v128): v128 {
  const mask = i32x4.splat(0xffff);
  return i16x8.narrow_i32x4_u(v128.and(a, mask), v128.and(b, mask));
}

/** The low bytes of eight int16, where a vector of 64 bits lies. */
// @ts-ignore: decorator
@inline
function lowBytes(x: v128): v128 {
  const y = v128.and(x, i16x8.splat(255));
  return i8x16.narrow_i16x8_u(y, y);
}

/** Lanes 2 and 3, where 0 and 1 were. */
// @ts-ignore: decorator
@inline
function upper(x: v128): v128 {
  return i64x2.shuffle(x, x, 1, 1);
}

/** Stores eight int32 as integers of T: their low bits, or with their signs. */
// @ts-ignore: decorator
@inline
function storeIntegers<T>(o: usize, low: v128, high: v128): void {
  if (sizeof<T>() === 1) v128.store64_lane(o, lowBytes(lowHalves(low, high)), 0);
  else if (sizeof<T>() === 2) v128.store(o, lowHalves(low, high));
  else if (sizeof<T>() === 4) {
    v128.store(o, low);
    v128.store(o, high, 16);
  } else {
    v128.store(o, i64x2.extend_low_i32x4_s(low));
    v128.store(o, i64x2.extend_high_i32x4_s(low), 16);
    v128.store(o, i64x2.extend_low_i32x4_s(high), 32);
    v128.store(o, i64x2.extend_high_i32x4_s(high), 48);
  }
}

/** Two int64, of their upper and lower words, as float64: rounded once, in the sum. */
// @ts-ignore: decorator
@inline
function wholes(above: v128, below: v128): v128 {
  return f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(above), f64x2.splat(4294967296)), f64x2.convert_low_i32x4_u(below));
}

/** Four int64 to float64; to float32, where all are so small that float64 holds them. Answers whether it did. */
// @ts-ignore: decorator
@inline
function longsToFloat<U>(a: usize, o: usize): bool {
  const x = v128.load(a);
  const y = v128.load(a, 16);
  const below = i32x4.shuffle(x, y, 0, 2, 4, 6);
  const above = i32x4.shuffle(x, y, 1, 3, 5, 7);
  if (sizeof<U>() === 4) {
    const near = i32x4.lt_u(i32x4.add(above, i32x4.splat(1 << 20)), i32x4.splat(1 << 21));
    if (!i32x4.all_true(near)) return false;
  }
  const low = wholes(above, below);
  const high = wholes(upper(above), upper(below));
  if (sizeof<U>() === 4) v128.store(o, i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2));
  else {
    v128.store(o, low);
    v128.store(o, high, 16);
  }
  return true;
}

/** Eight elements as eight others; false where they need to be converted one by one. */
// @ts-ignore: decorator
@inline
function castEight<T, U>(a: usize, o: usize): bool {
  if (isFloat<T>()) {
    if (sizeof<T>() === 4) {
      v128.store(o, f64x2.promote_low_f32x4(v128.load64_zero(a)));
      v128.store(o, f64x2.promote_low_f32x4(v128.load64_zero(a, 8)), 16);
      v128.store(o, f64x2.promote_low_f32x4(v128.load64_zero(a, 16)), 32);
      v128.store(o, f64x2.promote_low_f32x4(v128.load64_zero(a, 24)), 48);
    } else {
      const x0 = f32x4.demote_f64x2_zero(v128.load(a));
      const x1 = f32x4.demote_f64x2_zero(v128.load(a, 16));
      const x2 = f32x4.demote_f64x2_zero(v128.load(a, 32));
      const x3 = f32x4.demote_f64x2_zero(v128.load(a, 48));
      v128.store(o, i64x2.shuffle(x0, x1, 0, 2));
      v128.store(o, i64x2.shuffle(x2, x3, 0, 2), 16);
    }
    return true;
  }
  if (isFloat<U>() && sizeof<T>() === 8) {
    return longsToFloat<U>(a, o) && longsToFloat<U>(a + 32, o + 4 * sizeof<U>());
  }
  let low: v128;
  let high: v128;
  if (sizeof<T>() === 8) {
    low = i32x4.shuffle(v128.load(a), v128.load(a, 16), 0, 2, 4, 6);
    high = i32x4.shuffle(v128.load(a, 32), v128.load(a, 48), 0, 2, 4, 6);
  } else if (sizeof<T>() === 4) {
    low = v128.load(a);
    high = v128.load(a, 16);
  } else if (sizeof<T>() === 2) {
    if (sizeof<U>() === 1) {
      v128.store64_lane(o, lowBytes(v128.load(a)), 0);
      return true;
    }
    low = v128.load_ext<T>(a);
    high = v128.load_ext<T>(a, 8);
  } else {
    const x = v128.load_ext<T>(a);
    if (sizeof<U>() === 2) {
      v128.store(o, x);
      return true;
    }
    low = i32x4.extend_low_i16x8_s(x);
    high = i32x4.extend_high_i16x8_s(x);
  }
  if (isInteger<U>()) storeIntegers<U>(o, low, high);
  else if (sizeof<U>() === 4) {
    v128.store(o, f32x4.convert_i32x4_s(low));
    v128.store(o, f32x4.convert_i32x4_s(high), 16);
  } else {
    v128.store(o, f64x2.convert_low_i32x4_s(low));
    v128.store(o, f64x2.convert_low_i32x4_s(upper(low)), 16);
    v128.store(o, f64x2.convert_low_i32x4_s(high), 32);
    v128.store(o, f64x2.convert_low_i32x4_s(upper(high)), 48);
  }
  return true;
}

/** A row of a conversion, T → U, but floats to integers. */
// @ts-ignore: decorator
@inline
export function cast<T, U>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  if (sa === 1 && so === 1) {
    for (; n >= 8; n -= 8) {
      if (!castEight<T, U>(a, o)) {
        for (let i: usize = 0; i < 8; i++) store<U>(o + i * sizeof<U>(), <U>load<T>(a + i * sizeof<T>()));
      }
      a += 8 * sizeof<T>();
      o += 8 * sizeof<U>();
    }
  }
  const da = <usize>sa * sizeof<T>();
  const dq = <usize>so * sizeof<U>();
  for (; n > 0; n--) {
    store<U>(o, <U>load<T>(a));
    a += da;
    o += dq;
  }
}

/** Whether one of four numbers, of which these are the words with the exponents, is not below 2³¹ in magnitude: NaN is not. */
// @ts-ignore: decorator
@inline
function isFar<T>(x: v128): bool {
  return v128.any_true(i32x4.gt_s(x, i32x4.splat(sizeof<T>() === 4 ? 0x4effffff : 0x41dfffff)));
}

/** Words without the bit of the sign. */
// @ts-ignore: decorator
@inline
function magnitude(x: v128): v128 {
  return v128.and(x, i32x4.splat(0x7fffffff));
}

/** Integer parts of four float64 below 2³¹: with 1.5 · 2⁵² added they are the lower words. */
// @ts-ignore: decorator
@inline
function integersOf(x: v128, y: v128): v128 {
  const magic = f64x2.splat(6755399441055744);
  return i32x4.shuffle(f64x2.add(f64x2.trunc(x), magic), f64x2.add(f64x2.trunc(y), magic), 0, 2, 4, 6);
}

/** Sixteen float32 or eight float64 toward zero, where an int32 holds all of them. Answers whether it did. */
// @ts-ignore: decorator
@inline
function truncateSome<T, U>(a: usize, o: usize): bool {
  const x0 = v128.load(a);
  const x1 = v128.load(a, 16);
  const x2 = v128.load(a, 32);
  const x3 = v128.load(a, 48);
  if (sizeof<T>() === 4) {
    const largest = i32x4.max_s(i32x4.max_s(magnitude(x0), magnitude(x1)), i32x4.max_s(magnitude(x2), magnitude(x3)));
    if (isFar<T>(largest)) return false;
    storeIntegers<U>(o, i32x4.relaxed_trunc_f32x4_s(x0), i32x4.relaxed_trunc_f32x4_s(x1));
    storeIntegers<U>(o + 8 * sizeof<U>(), i32x4.relaxed_trunc_f32x4_s(x2), i32x4.relaxed_trunc_f32x4_s(x3));
  } else {
    const low = magnitude(i32x4.shuffle(x0, x1, 1, 3, 5, 7));
    const high = magnitude(i32x4.shuffle(x2, x3, 1, 3, 5, 7));
    if (isFar<T>(i32x4.max_s(low, high))) return false;
    storeIntegers<U>(o, integersOf(x0, x1), integersOf(x2, x3));
  }
  return true;
}

/**
 * A row of a conversion from floats to integers, toward zero. What does not fit becomes what PyTorch gives on x86: the
 * smallest int32 or int64, whose low bits are the 8- and 16-bit integers; uint8 goes through int64.
 */
// @ts-ignore: decorator
@inline
export function truncate<T, U>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  const da = <usize>sa * sizeof<T>();
  const dq = <usize>so * sizeof<U>();
  const wide = sizeof<U>() === 8 || !isSigned<U>();
  const limit = <T>(wide ? 9223372036854775808.0 : 2147483648.0);
  const least: i64 = wide ? i64.MIN_VALUE : -2147483648;
  const dense = sa === 1 && so === 1;
  const some: i32 = 64 / sizeof<T>();
  while (n > 0) {
    let m = n;
    if (dense && n >= some) {
      m = some;
      if (truncateSome<T, U>(a, o)) {
        a += 64;
        o += some * sizeof<U>();
        n -= some;
        continue;
      }
    }
    n -= m;
    for (; m > 0; m--) {
      const x = trunc<T>(load<T>(a));
      store<U>(o, <U>(x >= -limit && x < limit ? <i64>x : least));
      a += da;
      o += dq;
    }
  }
}

/** Elements that are float32 meanwhile. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 2048;

/** Bytes of working memory for {@linkcode cast_by}. */
export function cast_by_scratch(): i32 {
  return BLOCK << 2;
}

/**
 * Rows of a conversion by float32: rows of the functions `to` and `from` of the table, over the outer dimensions that `meta`
 * describes (as in nd.ts). Elements have `ea` and `eo` bytes.
 */
export function cast_by(meta: usize, to: i32, from: i32, a: usize, o: usize, n: i32, sa: i32, so: i32, ea: i32, eo: i32): void {
  const d = load<i32>(meta);
  const count = start(meta, d, 2);
  for (;;) {
    for (let i = 0; i < n; i += BLOCK) {
      const m = min(BLOCK, n - i);
      call_indirect<void>(to, a + <usize>(i * sa * ea), scratch, m, sa, 1);
      call_indirect<void>(from, scratch, o + <usize>(i * so * eo), m, 1, so);
    }
    const i = turn(meta, count, d);
    if (i < 0) return;
    a += moveBy(meta, d, i, 0);
    o += moveBy(meta, d, i, 1);
  }
}

// ---- halves ------------------------------------------------------------------------------------------------------

/** Four bfloat16 in the low halves of lanes to float32. */
// @ts-ignore: decorator
@inline
function fromBfloat(x: v128): v128 {
  return i32x4.shl(x, 16);
}

/** Four float16 with their signs extended to float32: the exponent is corrected by a product, which takes denormals along. */
// @ts-ignore: decorator
@inline
function fromHalf(x: v128): v128 {
  const v = v128.and(i32x4.shl(x, 13), i32x4.splat(0x8fffffff));
  const top = i32x4.splat(0x0f800000);
  const open = i32x4.eq(v128.and(v, top), top);
  const y = f32x4.mul(v, f32x4.splat(5.192296858534828e33));
  return v128.or(y, v128.and(open, i32x4.splat(0x7f800000)));
}

/** Four float32 to bfloat16 in the low halves of lanes, to nearest with ties to even. */
// @ts-ignore: decorator
@inline
function toBfloat(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  const y = i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd), 16);
  return v128.bitselect(i32x4.splat(0x7fc0), y, f32x4.ne(x, x));
}

/**
 * The magnitudes of four float32 as float16 in the low halves of lanes, to nearest with ties to even; NaN as infinity.
 *
 * Added to 2¹³ times its power of two (of the least normal float16 at least), a number is rounded where a float16 ends. The
 * sum counts its units.
 */
// @ts-ignore: decorator
@inline
function halfMagnitude(x: v128): v128 {
  const m = i32x4.min_u(v128.and(x, i32x4.splat(0x7fffffff)), i32x4.splat(0x47800000));
  const e = i32x4.max_u(v128.and(m, i32x4.splat(0x7f800000)), i32x4.splat(0x38800000));
  const magic = i32x4.add(e, i32x4.splat(13 << 23));
  const units = i32x4.sub(f32x4.add(m, magic), magic);
  return i32x4.add(units, i32x4.shr_u(i32x4.sub(e, i32x4.splat(0x38800000)), 13));
}

/** Eight float32 to float16. */
// @ts-ignore: decorator
@inline
function toHalf(x: v128, y: v128): v128 {
  const magnitude = i16x8.narrow_i32x4_u(halfMagnitude(x), halfMagnitude(y));
  const nan = i16x8.narrow_i32x4_s(f32x4.ne(x, x), f32x4.ne(y, y));
  const sign = v128.and(i16x8.shuffle(x, y, 1, 3, 5, 7, 9, 11, 13, 15), i16x8.splat(<i16>0x8000));
  return v128.or(v128.or(magnitude, v128.and(nan, i16x8.splat(0x0200))), sign);
}

// @ts-ignore: decorator
@inline
function widen(a: usize, o: usize, n: i32, sa: i32, so: i32, brain: bool): void {
  if (sa === 1 && so === 1) {
    for (; n >= 8; n -= 8) {
      const x = v128.load(a);
      const low = i32x4.extend_low_i16x8_s(x);
      const high = i32x4.extend_high_i16x8_s(x);
      v128.store(o, brain ? fromBfloat(low) : fromHalf(low));
      v128.store(o, brain ? fromBfloat(high) : fromHalf(high), 16);
      a += 16;
      o += 32;
    }
  }
  for (; n > 0; n--) {
    const x = i32x4.splat(<i32>load<i16>(a));
    store<f32>(o, f32x4.extract_lane(brain ? fromBfloat(x) : fromHalf(x), 0));
    a += <usize>sa << 1;
    o += <usize>so << 2;
  }
}

// @ts-ignore: decorator
@inline
function narrow(a: usize, o: usize, n: i32, sa: i32, so: i32, brain: bool): void {
  if (sa === 1 && so === 1) {
    for (; n >= 8; n -= 8) {
      const x = v128.load(a);
      const y = v128.load(a, 16);
      v128.store(o, brain ? i16x8.narrow_i32x4_u(toBfloat(x), toBfloat(y)) : toHalf(x, y));
      a += 32;
      o += 16;
    }
  }
  for (; n > 0; n--) {
    const x = f32x4.splat(load<f32>(a));
    store<u16>(o, i16x8.extract_lane_u(brain ? toBfloat(x) : toHalf(x, x), 0));
    a += <usize>sa << 2;
    o += <usize>so << 1;
  }
}

export function cast_f16_f32(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  widen(a, o, n, sa, so, false);
}
export function cast_bf16_f32(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  widen(a, o, n, sa, so, true);
}
export function cast_f32_f16(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  narrow(a, o, n, sa, so, false);
}
export function cast_f32_bf16(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  narrow(a, o, n, sa, so, true);
}
