/**
 * Remainders and rounded quotients of floats, exact as in C.
 *
 * Four float32 go through float64: where the quotient is below 2²⁹, its integer part times the divisor is exact there, and
 * a quotient that is no integer is too far from one to be rounded to it. Other lanes are computed one by one.
 */

import { high, join, low } from "./vector_math";

/** x − y · trunc(x / y). */
export function rest(x: f64, y: f64): f64 {
  return x % y;
}

/** x − y · ⌊x / y⌋. */
export function remainder(x: f64, y: f64): f64 {
  const r = x % y;
  return r != 0 && (y < 0) != (r < 0) ? r + y : r;
}

/** ⌊x / y⌋ from the exact remainder: `x / y` may be rounded up to the next integer. */
export function floorDivide(x: f64, y: f64): f64 {
  if (y == 0) return x / y;
  const r = x % y;
  let quotient = (x - r) / y;
  if (r != 0 && (y < 0) != (r < 0)) quotient -= 1;
  if (quotient == 0) return copysign<f64>(0, x / y);
  const below = floor<f64>(quotient);
  return quotient - below > 0.5 ? below + 1 : below;
}

/** All lanes where quotients and rests of two float64 are known: the rest is NaN where the divisor is infinite. */
// @ts-ignore: decorator
@inline
function known(quotient: v128, r: v128): v128 {
  return v128.and(f64x2.lt(f64x2.abs(quotient), f64x2.splat(536870912)), f64x2.eq(r, r));
}

/** Lanes of `r` that are not 0 and whose sign is not that of `y`. */
// @ts-ignore: decorator
@inline
function crossed(r: v128, y: v128): v128 {
  return v128.and(f32x4.ne(r, f32x4.splat(0)), i32x4.shr_s(v128.xor(r, y), 31));
}

/** Lanes one by one: 0 the rest, 1 the remainder, 2 the quotient. */
function eachLane(x: v128, y: v128, kind: i32): v128 {
  let out = x;
  for (let i = 0; i < 4; i++) {
    const a = <f64>f32x4.extract_lane(x, 0);
    const b = <f64>f32x4.extract_lane(y, 0);
    const z = kind === 0 ? rest(a, b) : kind === 1 ? remainder(a, b) : floorDivide(a, b);
    // What is done goes to the end: four turns later it stands in its place.
    out = f32x4.replace_lane(i32x4.shuffle(out, out, 1, 2, 3, 0), 3, <f32>z);
    x = i32x4.shuffle(x, x, 1, 2, 3, 0);
    y = i32x4.shuffle(y, y, 1, 2, 3, 0);
  }
  return out;
}

/** {@linkcode rest} or {@linkcode remainder} of four. */
// @ts-ignore: decorator
@inline
function both(x: v128, y: v128, ofDivisor: bool): v128 {
  const a = low(x);
  const b = high(x);
  const c = low(y);
  const e = high(y);
  const q = f64x2.trunc(f64x2.div(a, c));
  const p = f64x2.trunc(f64x2.div(b, e));
  const r = f64x2.sub(a, f64x2.mul(q, c));
  const s = f64x2.sub(b, f64x2.mul(p, e));
  if (!i64x2.all_true(v128.and(known(q, r), known(p, s)))) return eachLane(x, y, ofDivisor ? 1 : 0);
  // A rest of 0 has the sign of x too.
  const z = v128.bitselect(x, join(r, s), f32x4.splat(-0.0));
  return ofDivisor ? v128.bitselect(f32x4.add(z, y), z, crossed(z, y)) : z;
}

/** {@linkcode rest} of four float32. */
export function rests(x: v128, y: v128): v128 {
  return both(x, y, false);
}

/** {@linkcode remainder} of four float32. */
export function remainders(x: v128, y: v128): v128 {
  return both(x, y, true);
}

/** {@linkcode floorDivide} of four float32. */
export function floors(x: v128, y: v128): v128 {
  const a = low(x);
  const b = high(x);
  const c = low(y);
  const e = high(y);
  const q = f64x2.trunc(f64x2.div(a, c));
  const p = f64x2.trunc(f64x2.div(b, e));
  const r = f64x2.sub(a, f64x2.mul(q, c));
  const s = f64x2.sub(b, f64x2.mul(p, e));
  if (!i64x2.all_true(v128.and(known(q, r), known(p, s)))) return eachLane(x, y, 2);
  return f32x4.sub(join(q, p), v128.and(f32x4.splat(1), crossed(join(r, s), y)));
}
