/**
 * Mathematical functions of four float32 lanes.
 *
 * The hot ones (exponentials, logarithms, tanh, sigmoid, erf, sin, cos, asin, acos, atan) stay in float32. The others widen to float64, where short polynomials
 * and plain formulas are accurate far beyond float32, and round once.
 */

import * as c from "./constants";
import { k } from "./constants";
import { mad, madD, nmad, nmadD, pick } from "./fused";

/**
 * c0 + c1 x + c2 x² + c3 x³ in pairs. A polynomial in one chain of products waits for each of them; in pairs (Estrin
 * 1960) the chain is half as long.
 */
// @ts-ignore: decorator
@inline
function four(x: v128, x2: v128, c0: usize, c1: usize, c2: usize, c3: usize): v128 {
  return mad(x2, mad(x, k(c3), k(c2)), mad(x, k(c1), k(c0)));
}

/** {@linkcode four} of float64 lanes. */
// @ts-ignore: decorator
@inline
function fourD(x: v128, x2: v128, c0: usize, c1: usize, c2: usize, c3: usize): v128 {
  return madD(x2, madD(x, k(c3), k(c2)), madD(x, k(c1), k(c0)));
}

// @ts-ignore: decorator
@inline
function splat(x: f32): v128 {
  return f32x4.splat(x);
}

// @ts-ignore: decorator
@inline
function splatD(x: f64): v128 {
  return f64x2.splat(x);
}

/** y >= 0 with the sign of x. */
// @ts-ignore: decorator
@inline
function signed(y: v128, x: v128): v128 {
  return v128.or(y, v128.and(x, k(c.SIGN)));
}

/** 2ⁿ of integer lanes in −126 … 127. */
// @ts-ignore: decorator
@inline
function power2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, k(c.BIAS)), 23);
}

/** (eʳ − 1 − r) / r² for |r| up to ln(2)/2. */
// @ts-ignore: decorator
@inline
function expTail(r: v128, r2: v128): v128 {
  return mad(r2, mad(r2, k(c.EXP_P4), mad(r, k(c.EXP_P3), k(c.EXP_P2))), mad(r, k(c.EXP_P1), k(c.EXP_P0)));
}

/** {@linkcode expTail} of −r. */
// @ts-ignore: decorator
@inline
function expTailMinus(r: v128, r2: v128): v128 {
  return mad(r2, mad(r2, k(c.EXP_P4), mad(r, k(c.EXP_M3), k(c.EXP_P2))), mad(r, k(c.EXP_M1), k(c.EXP_P0)));
}

/** x − n ln 2. */
// @ts-ignore: decorator
@inline
function expRest(x: v128, n: v128): v128 {
  return nmad(n, k(c.EXP_LN2_LO), nmad(n, k(c.EXP_LN2_HI), x));
}

/** −(−x − n ln 2). */
// @ts-ignore: decorator
@inline
function expRestMinus(x: v128, n: v128): v128 {
  return mad(n, k(c.EXP_LN2_LO), mad(n, k(c.EXP_LN2_HI), x));
}

/** eʳ − 1. */
// @ts-ignore: decorator
@inline
function expLess1(r: v128): v128 {
  const r2 = f32x4.mul(r, r);
  return mad(expTail(r, r2), r2, r);
}

/** The larger of two absolute values, as integers: NaN is the largest. */
// @ts-ignore: decorator
@inline
function largerBits(x: v128, y: v128): v128 {
  return i32x4.max_s(v128.and(x, k(c.NOT_SIGN)), v128.and(y, k(c.NOT_SIGN)));
}

/** True when a lane is beyond −87 … 87 or NaN. */
// @ts-ignore: decorator
@inline
function isBeyond(x: v128): bool {
  return v128.any_true(i32x4.gt_s(v128.and(x, k(c.NOT_SIGN)), k(c.EXP_FAST)));
}

/** {@linkcode isBeyond} of eight lanes. */
// @ts-ignore: decorator
@inline
export function isBeyond2(x: v128, y: v128): bool {
  return v128.any_true(i32x4.gt_s(largerBits(x, y), k(c.EXP_FAST)));
}

/** eˣ: n = ⌊x log₂e⌉, eʳ of the rest by a polynomial, scaled by 2ⁿ. Lanes beyond ±87 take a second way. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  return isBeyond(x) ? expFar(x) : expNear(x);
}

/** eˣ for x in −88 … 87. The sum with 1.5 · 2²³ + 127 rounds to an integer and leaves n + 127 in the low bits. */
// @ts-ignore: decorator
@inline
export function expNear(x: v128): v128 {
  const t = mad(x, k(c.EXP_LOG2E), k(c.EXP_MAGIC));
  const q = expLess1(expRest(x, f32x4.sub(t, k(c.EXP_MAGIC))));
  const s = i32x4.shl(t, 23);
  return mad(q, s, s);
}

/** {@linkcode exp} scaled in two steps, so that denormals and infinity come out. */
function expFar(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, k(c.EXP_MAX)), k(c.EXP_MIN));
  const n = f32x4.nearest(f32x4.mul(x, k(c.EXP_LOG2E)));
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  const y = f32x4.add(expLess1(expRest(x, n)), k(c.ONE));
  return f32x4.mul(f32x4.mul(y, power2(half)), power2(i32x4.sub(i, half)));
}

/** eˣ for x up to 87, or NaN: what rows use, where the argument is x − max. Below −88 it is 0. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  // At −88 the rounded exponent is −127, whose power is 0.
  return expNear(f32x4.pmax(x, k(c.EXP_ZERO)));
}

/** {@linkcode expNegative} with its constants given, for loops that keep them in registers. */
// @ts-ignore: decorator
@inline
export function expNegativeBy(
  x: v128,
  zero: v128,
  log2e: v128,
  magic: v128,
  high: v128,
  low: v128,
  p0: v128,
  p1: v128,
  p2: v128,
  p3: v128,
  p4: v128,
): v128 {
  x = f32x4.pmax(x, zero);
  const t = mad(x, log2e, magic);
  const n = f32x4.sub(t, magic);
  const r = nmad(n, low, nmad(n, high, x));
  const r2 = f32x4.mul(r, r);
  const q = mad(mad(r2, mad(r2, p4, mad(r, p3, p2)), mad(r, p1, p0)), r2, r);
  const s = i32x4.shl(t, 23);
  return mad(q, s, s);
}

/** 2ˣ: as {@linkcode exp}, with a rest that is exact. */
// @ts-ignore: decorator
@inline
export function exp2(x: v128): v128 {
  return isBeyond(x) ? exp2Far(x) : exp2Near(x);
}

// @ts-ignore: decorator
@inline
function exp2Less1(r: v128): v128 {
  const r2 = f32x4.mul(r, r);
  const p = mad(f32x4.mul(r2, r2), mad(r, k(c.EXP2_P5), k(c.EXP2_P4)), four(r, r2, c.EXP2_P0, c.EXP2_P1, c.EXP2_P2, c.EXP2_P3));
  return f32x4.mul(p, r);
}

// @ts-ignore: decorator
@inline
export function exp2Near(x: v128): v128 {
  const t = f32x4.add(x, k(c.EXP_MAGIC));
  const s = i32x4.shl(t, 23);
  return mad(exp2Less1(f32x4.sub(x, f32x4.sub(t, k(c.EXP_MAGIC)))), s, s);
}

function exp2Far(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, splat(129)), splat(-151));
  const n = f32x4.nearest(x);
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  const y = f32x4.add(exp2Less1(f32x4.sub(x, n)), k(c.ONE));
  return f32x4.mul(f32x4.mul(y, power2(half)), power2(i32x4.sub(i, half)));
}

/** eˣ − 1 as s (eʳ − 1) + (s − 1) with s = 2ⁿ, which does not cancel. */
// @ts-ignore: decorator
@inline
export function expm1(x: v128): v128 {
  const y = expm1Near(x);
  return isBeyond(x) ? expm1Far(x) : y;
}

// @ts-ignore: decorator
@inline
function expm1Near(x: v128): v128 {
  const t = mad(x, k(c.EXP_LOG2E), k(c.EXP_MAGIC));
  const q = expLess1(expRest(x, f32x4.sub(t, k(c.EXP_MAGIC))));
  const s = i32x4.shl(t, 23);
  // −0 stays: the sum made it 0.
  return signed(mad(q, s, f32x4.sub(s, k(c.ONE))), x);
}

function expm1Far(x: v128): v128 {
  const near = expm1Near(f32x4.pmax(f32x4.pmin(x, k(c.EXP_FAST)), f32x4.neg(k(c.EXP_FAST))));
  return pick(expFar(x), near, f32x4.gt(x, k(c.EXP_FAST)));
}

/** The exponent of normal finite lanes, as floats: x = 2ᵉ · (1 + f) with 1 + f in √½ … √2. */
// @ts-ignore: decorator
@inline
function exponentOf(x: v128): v128 {
  // Counts from √½ up, so that the mantissa lands in √½ … √2.
  return f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.sub(x, k(c.SQRTHF_BITS)), 23));
}

/** f of {@linkcode exponentOf}. */
// @ts-ignore: decorator
@inline
function fractionOf(x: v128): v128 {
  const shifted = i32x4.sub(x, k(c.SQRTHF_BITS));
  return f32x4.sub(i32x4.add(v128.and(shifted, k(c.MANTISSA)), k(c.SQRTHF_BITS)), k(c.ONE));
}

/** ln(1 + f) − f + f²/2. */
// @ts-ignore: decorator
@inline
function logTail(f: v128, f2: v128): v128 {
  const high = four(f, f2, c.LOG_P4, c.LOG_P5, c.LOG_P6, c.LOG_P7);
  const p = mad(f32x4.mul(f2, f2), high, four(f, f2, c.LOG_P0, c.LOG_P1, c.LOG_P2, c.LOG_P3));
  return f32x4.mul(p, f32x4.mul(f, f2));
}

/** ln x of normal finite lanes; `e` is added to the exponent. */
// @ts-ignore: decorator
@inline
function logNormal(x: v128, e: v128): v128 {
  e = f32x4.add(e, exponentOf(x));
  const f = fractionOf(x);
  const f2 = f32x4.mul(f, f);
  const p = nmad(f2, k(c.HALF), mad(e, k(c.LOG_LN2_LO), logTail(f, f2)));
  return mad(e, k(c.LOG_LN2_HI), f32x4.add(f, p));
}

/** True when a lane is not normal, finite and positive. */
// @ts-ignore: decorator
@inline
function isSpecial(x: v128): bool {
  return v128.any_true(i32x4.ge_u(i32x4.sub(x, k(c.NORMAL_BITS)), k(c.FINITE_SPAN)));
}

/** {@linkcode isSpecial} of eight lanes. */
// @ts-ignore: decorator
@inline
export function isSpecial2(x: v128, y: v128): bool {
  const from = k(c.NORMAL_BITS);
  return v128.any_true(i32x4.ge_u(i32x4.max_u(i32x4.sub(x, from), i32x4.sub(y, from)), k(c.FINITE_SPAN)));
}

/** ln x of lanes that are not {@linkcode isSpecial}. */
// @ts-ignore: decorator
@inline
export function logNear(x: v128): v128 {
  return logNormal(x, f32x4.splat(0));
}

/** log₂ x of lanes that are not {@linkcode isSpecial}. */
// @ts-ignore: decorator
@inline
export function log2Near(x: v128): v128 {
  return log2Normal(x, f32x4.splat(0));
}

/** log₁₀ x of lanes that are not {@linkcode isSpecial}. */
// @ts-ignore: decorator
@inline
export function log10Near(x: v128): v128 {
  return log10Normal(x, f32x4.splat(0));
}

/** Natural logarithm. Lanes that are not normal and positive take a second way, which ordinary data never does. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  return isSpecial(x) ? logSpecial(x) : logNormal(x, f32x4.splat(0));
}

/** x with denormals scaled to normal numbers. */
// @ts-ignore: decorator
@inline
function upscaled(x: v128, tiny: v128): v128 {
  return v128.bitselect(f32x4.mul(x, k(c.LOG_SCALE)), x, tiny);
}

/** A logarithm with 0 → −∞, negative → NaN, ∞ and NaN as they are. */
// @ts-ignore: decorator
@inline
function logOfAny(x: v128, out: v128): v128 {
  const passes = v128.or(f32x4.ne(x, x), f32x4.eq(x, splat(Infinity)));
  out = v128.bitselect(x, out, passes);
  out = v128.bitselect(splat(-Infinity), out, f32x4.eq(x, splat(0)));
  return v128.or(out, v128.and(f32x4.lt(x, splat(0)), k(c.NAN_BITS)));
}

/** {@linkcode log} with denormals and what has no logarithm. */
function logSpecial(x: v128): v128 {
  const tiny = f32x4.lt(x, k(c.LOG_TINY));
  return logOfAny(x, logNormal(upscaled(x, tiny), v128.and(tiny, splat(-23))));
}

/** log₂ x of normal finite lanes; the exponent is exact. */
// @ts-ignore: decorator
@inline
function log2Normal(x: v128, e: v128): v128 {
  e = f32x4.add(e, exponentOf(x));
  const f = fractionOf(x);
  const f2 = f32x4.mul(f, f);
  // (f + p) log₂ e = f + (f (log₂ e − 1) + p log₂ e): what is rounded is small beside f.
  const p = f32x4.mul(nmad(f2, k(c.HALF), logTail(f, f2)), k(c.EXP_LOG2E));
  return f32x4.add(e, f32x4.add(f, mad(f, k(c.LOG2E_LESS), p)));
}

/** Logarithm to base 2. */
// @ts-ignore: decorator
@inline
export function log2(x: v128): v128 {
  return isSpecial(x) ? log2Special(x) : log2Normal(x, f32x4.splat(0));
}

function log2Special(x: v128): v128 {
  const tiny = f32x4.lt(x, k(c.LOG_TINY));
  return logOfAny(x, log2Normal(upscaled(x, tiny), v128.and(tiny, splat(-23))));
}

/** log₁₀ x of normal finite lanes. */
// @ts-ignore: decorator
@inline
function log10Normal(x: v128, e: v128): v128 {
  e = f32x4.add(e, exponentOf(x));
  const f = fractionOf(x);
  const f2 = f32x4.mul(f, f);
  // (f + p) log₁₀ e = f/2 + (f (log₁₀ e − ½) + p log₁₀ e): what is rounded is small beside f/2.
  const p = f32x4.mul(nmad(f2, k(c.HALF), logTail(f, f2)), k(c.LOG10_E));
  const small = mad(e, k(c.LOG10_2_LO), mad(f, k(c.LOG10_E_LESS), p));
  return mad(e, k(c.LOG10_2_HI), mad(f, k(c.HALF), small));
}

/** Logarithm to base 10. */
// @ts-ignore: decorator
@inline
export function log10(x: v128): v128 {
  return isSpecial(x) ? log10Special(x) : log10Normal(x, f32x4.splat(0));
}

function log10Special(x: v128): v128 {
  const tiny = f32x4.lt(x, k(c.LOG_TINY));
  return logOfAny(x, log10Normal(upscaled(x, tiny), v128.and(tiny, splat(-23))));
}

/** ln(1 + x): ln u with u = 1 + x, and what the rounding of u lost, divided by u. */
// @ts-ignore: decorator
@inline
export function log1p(x: v128): v128 {
  const u = f32x4.add(x, k(c.ONE));
  if (isSpecial(u)) return log1pSpecial(x);
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, k(c.ONE))), u);
  const e = exponentOf(u);
  const f = fractionOf(u);
  const f2 = f32x4.mul(f, f);
  const p = nmad(f2, k(c.HALF), mad(e, k(c.LOG_LN2_LO), f32x4.add(logTail(f, f2), lost)));
  return signed(mad(e, k(c.LOG_LN2_HI), f32x4.add(f, p)), x);
}

/** {@linkcode log1p} by way of float64, for −1 and below, ∞ and NaN. */
function log1pSpecial(x: v128): v128 {
  return join(log1pD(low(x)), log1pD(high(x)));
}

/**
 * ln x for x in (0, 1], as the normal random numbers have it. Apart from {@linkcode log}: what a seed gives stays the same
 * bits when logarithms get faster.
 */
// @ts-ignore: decorator
@inline
export function logUnit(x: v128): v128 {
  const e = exponentOf(x);
  const f = fractionOf(x);
  const f2 = f32x4.mul(f, f);
  const f4 = f32x4.mul(f2, f2);
  const f8 = f32x4.mul(f4, f4);
  let p = k(c.UNIT_P8);
  p = mad(f8, p, mad(f4, four(f, f2, c.UNIT_P4, c.UNIT_P5, c.UNIT_P6, c.UNIT_P7), four(f, f2, c.UNIT_P0, c.UNIT_P1, c.UNIT_P2, c.UNIT_P3)));
  p = f32x4.mul(f32x4.mul(p, f), f2);
  p = nmad(f2, k(c.HALF), mad(e, k(c.LOG_LN2_LO), p));
  return mad(e, k(c.LOG_LN2_HI), f32x4.add(f, p));
}

/**
 * tanh x: |x| = n ln(2)/2 + r, z = tanh r by an odd polynomial, and with s = 2ⁿ the quotient of
 * N = (s − 1) + z (s + 1) by D = (s + 1) + z (s − 1). Near 0, where s = 1, that is z.
 *
 * From s = 4 on D comes from N, so that the rounding of N goes into both. n grows a little late, behind ¼ and ½: an error
 * of the quotient weighs least above a power of two.
 */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), k(c.TANH_MAX));
  const t = f32x4.add(mad(a, k(c.TANH_LOG2E), k(c.TANH_SHIFT)), k(c.EXP_MAGIC));
  const n = f32x4.sub(t, k(c.EXP_MAGIC));
  const r = nmad(n, k(c.TANH_LN2_LO), nmad(n, k(c.TANH_LN2_HI), a));
  const r2 = f32x4.mul(r, r);
  const z = mad(f32x4.mul(r, r2), mad(r2, mad(r2, k(c.TANH_P2), k(c.TANH_P1)), k(c.TANH_P0)), r);
  const s = i32x4.shl(t, 23);
  const more = f32x4.add(s, k(c.ONE));
  const less = f32x4.sub(s, k(c.ONE));
  const top = mad(z, more, less);
  const two = k(c.TWO);
  const bottom = pick(f32x4.add(top, nmad(z, two, two)), mad(z, less, more), f32x4.gt(s, two));
  return signed(f32x4.div(top, bottom), x);
}

/** |x| with the sign of y. */
// @ts-ignore: decorator
@inline
export function copysign(x: v128, y: v128): v128 {
  return v128.bitselect(x, y, k(c.NOT_SIGN));
}

/** 1 + s eʳ = s + (1 + s (eʳ − 1)) with s = 2ⁿ, the exponent of t, for the rest −r. */
// @ts-ignore: decorator
@inline
function onePlusScaled(t: v128, r: v128): v128 {
  const r2 = f32x4.mul(r, r);
  const q = nmad(expTailMinus(r, r2), r2, r);
  const s = i32x4.shl(t, 23);
  return f32x4.add(s, nmad(q, s, k(c.ONE)));
}

/** 1 + e⁻ˣ for |x| up to 87. */
// @ts-ignore: decorator
@inline
function onePlusExpMinus(x: v128): v128 {
  const t = mad(x, k(c.EXP_MINUS_LOG2E), k(c.EXP_MAGIC));
  return onePlusScaled(t, expRestMinus(x, f32x4.sub(t, k(c.EXP_MAGIC))));
}

/** 1 / (1 + e⁻ˣ) for |x| up to 87. */
// @ts-ignore: decorator
@inline
export function sigmoidNear(x: v128): v128 {
  return f32x4.div(k(c.ONE), onePlusExpMinus(x));
}

/** x / (1 + e⁻ˣ) for |x| up to 87. */
// @ts-ignore: decorator
@inline
export function siluNear(x: v128): v128 {
  return f32x4.div(x, onePlusExpMinus(x));
}

/** 1 / (1 + e⁻ˣ). */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return isBeyond(x) ? sigmoidFar(x) : sigmoidNear(x);
}

/** {@linkcode sigmoid} from e^−|x|, so that nothing overflows and denormals come out. */
function sigmoidFar(x: v128): v128 {
  const e = expFar(f32x4.neg(f32x4.abs(x)));
  const q = f32x4.div(k(c.ONE), f32x4.add(k(c.ONE), e));
  return v128.bitselect(f32x4.mul(e, q), q, f32x4.lt(x, splat(0)));
}

/** x / (1 + e⁻ˣ). */
// @ts-ignore: decorator
@inline
export function silu(x: v128): v128 {
  return isBeyond(x) ? siluFar(x) : siluNear(x);
}

/** {@linkcode silu} beyond ±87: x, or x eˣ whose last product makes it denormal. */
function siluFar(x: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(x, splat(0)), splat(-112));
  const n = f32x4.nearest(f32x4.mul(y, k(c.EXP_LOG2E)));
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  const e = f32x4.mul(f32x4.add(expLess1(expRest(y, n)), k(c.ONE)), power2(half));
  // −∞ · 0 is NaN, as in PyTorch.
  const none = v128.and(f32x4.eq(x, splat(-Infinity)), k(c.NAN_BITS));
  const left = v128.or(f32x4.mul(f32x4.mul(y, e), power2(i32x4.sub(i, half))), none);
  const far = v128.bitselect(left, x, f32x4.lt(x, splat(0)));
  const near = f32x4.div(x, onePlusExpMinus(f32x4.pmax(f32x4.pmin(x, k(c.EXP_FAST)), f32x4.neg(k(c.EXP_FAST)))));
  return v128.bitselect(far, near, f32x4.gt(f32x4.abs(x), k(c.EXP_FAST)));
}

/**
 * erf x = 1 − e^−Q with Q = −ln erfc|x| = a + a G(a), as (1 − s) + s (1 − eʳ). The rest r is kept in two parts, so that
 * the rounding of Q does not show.
 */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), k(c.ERF_MAX));
  const a2 = f32x4.mul(a, a);
  const a4 = f32x4.mul(a2, a2);
  const high = mad(a4, k(c.ERF_G8), four(a, a2, c.ERF_G4, c.ERF_G5, c.ERF_G6, c.ERF_G7));
  const ag = f32x4.mul(a, mad(a4, high, four(a, a2, c.ERF_G0, c.ERF_G1, c.ERF_G2, c.ERF_G3)));
  const t = mad(f32x4.add(a, ag), k(c.EXP_MINUS_LOG2E), k(c.EXP_MAGIC));
  const n = f32x4.sub(t, k(c.EXP_MAGIC));
  const u = mad(n, k(c.EXP_LN2_HI), a);
  const v = mad(n, k(c.EXP_LN2_LO), ag);
  const r = f32x4.add(u, v);
  const r2 = f32x4.mul(r, r);
  const q = f32x4.add(u, nmad(expTailMinus(r, r2), r2, v));
  const s = i32x4.shl(t, 23);
  return signed(mad(q, s, f32x4.sub(k(c.ONE), s)), x);
}

/** 2⁶⁴ e^(−a²/2) for a in 0 … 14.5. The leading bits of a have an exact square; the scale keeps off denormals. */
// @ts-ignore: decorator
@inline
function bell(a: v128): v128 {
  const h = v128.and(a, k(c.HIGH_BITS));
  const rest = f32x4.mul(f32x4.sub(a, h), f32x4.add(a, h));
  const x = f32x4.mul(f32x4.mul(h, h), k(c.MINUS_HALF));
  const t = mad(x, k(c.EXP_LOG2E), k(c.BELL_MAGIC));
  const r = nmad(rest, k(c.HALF), expRest(x, f32x4.sub(t, k(c.BELL_MAGIC))));
  const s = i32x4.shl(t, 23);
  return mad(expLess1(r), s, s);
}

/** Φ(−a) e^(a²/2) = P(a) / Q(a): P, and Q times 2⁶⁴. */
// @ts-ignore: decorator
@inline
function phiTop(a: v128, a2: v128, a4: v128): v128 {
  return mad(a4, k(c.PHI_P4), four(a, a2, c.PHI_P0, c.PHI_P1, c.PHI_P2, c.PHI_P3));
}

// @ts-ignore: decorator
@inline
function phiBottom(a: v128, a2: v128, a4: v128): v128 {
  return mad(a4, mad(a, k(c.PHI_Q5), k(c.PHI_Q4)), four(a, a2, c.PHI_Q0, c.PHI_Q1, c.PHI_Q2, c.PHI_Q3));
}

/** True when a lane is beyond what {@linkcode geluNear} takes, or NaN. */
// @ts-ignore: decorator
@inline
export function isGeluFar2(x: v128, y: v128): bool {
  return v128.any_true(i32x4.gt_s(largerBits(x, y), k(c.GELU_NEAR)));
}

/** x · Φ(x) for |x| up to 3.5: Φ(x) = ½ + x S(x²). It cancels on the left, which float64 has digits for. */
// @ts-ignore: decorator
@inline
function geluNearD(x: v128): v128 {
  const z = f64x2.mul(x, x);
  const z2 = f64x2.mul(z, z);
  const z4 = f64x2.mul(z2, z2);
  let p = madD(z4, k(c.D_GELU12), fourD(z, z2, c.D_GELU8, c.D_GELU9, c.D_GELU10, c.D_GELU11));
  p = madD(f64x2.mul(z4, z4), p, madD(z4, fourD(z, z2, c.D_GELU4, c.D_GELU5, c.D_GELU6, c.D_GELU7), fourD(z, z2, c.D_GELU0, c.D_GELU1, c.D_GELU2, c.D_GELU3)));
  return f64x2.mul(x, madD(x, p, k(c.D_HALF)));
}

/** {@linkcode gelu} of lanes that are not {@linkcode isGeluFar2}. */
// @ts-ignore: decorator
@inline
export function geluNear(x: v128): v128 {
  return join(geluNearD(low(x)), geluNearD(high(x)));
}

/**
 * x · Φ(x) for |x| from 3.5 on: max(x, 0) − |x| Φ(−|x|), and |x| Φ(−|x|) e^(x²/2) in 1/x². As in PyTorch, −∞ gives NaN:
 * −∞ · 0.
 */
function geluFarD(x: v128): v128 {
  const a = f64x2.pmin(f64x2.abs(x), splatD(15));
  const z = f64x2.mul(a, a);
  const w = f64x2.div(k(c.D_ONE), z);
  const w2 = f64x2.mul(w, w);
  const p = madD(f64x2.mul(w2, w2), fourD(w, w2, c.D_TAIL4, c.D_TAIL5, c.D_TAIL6, c.D_TAIL7), fourD(w, w2, c.D_TAIL0, c.D_TAIL1, c.D_TAIL2, c.D_TAIL3));
  const y = f64x2.mul(p, expD(f64x2.mul(z, splatD(-0.5))));
  const none = splatD(0);
  return f64x2.sub(madD(f64x2.pmin(x, none), none, f64x2.pmax(x, none)), y);
}

/** {@linkcode gelu} where some lanes are far. */
function geluFar(x: v128): v128 {
  const far = join(geluFarD(low(x)), geluFarD(high(x)));
  return v128.bitselect(geluNear(x), far, f32x4.le(f32x4.abs(x), k(c.GELU_NEAR)));
}

/** x · Φ(x), in float64, so that the tail on the left keeps its digits. */
export function gelu(x: v128): v128 {
  return isGeluFar2(x, x) ? geluFar(x) : geluNear(x);
}

/** 2u with u = √(2/π) · (x + 0.044715 x³). */
// @ts-ignore: decorator
@inline
function geluExponent(x: v128): v128 {
  return f32x4.mul(k(c.GELU_2K), mad(f32x4.mul(f32x4.mul(x, x), x), k(c.GELU_C), x));
}

/** True when a lane is beyond what {@linkcode geluTanhNear} takes, or NaN. */
// @ts-ignore: decorator
@inline
export function isGeluTanhFar2(x: v128, y: v128): bool {
  return v128.any_true(i32x4.gt_s(largerBits(x, y), k(c.GELU_TANH_NEAR)));
}

/** {@linkcode geluExponent} in float64: the tail on the left shows its every error. */
// @ts-ignore: decorator
@inline
function geluExponentD(x: v128): v128 {
  return f64x2.mul(x, madD(f64x2.mul(x, x), k(c.D_GELU_CUBE), k(c.D_GELU_2K)));
}

/** {@linkcode geluTanh} of lanes that are not {@linkcode isGeluTanhFar2}. Only the reduction of the exponential is in float64. */
// @ts-ignore: decorator
@inline
export function geluTanhNear(x: v128): v128 {
  const w0 = geluExponentD(low(x));
  const w1 = geluExponentD(high(x));
  const t0 = nmadD(w0, k(c.D_LOG2E), k(c.D_BIASED_MAGIC));
  const t1 = nmadD(w1, k(c.D_LOG2E), k(c.D_BIASED_MAGIC));
  const r0 = madD(f64x2.sub(t0, k(c.D_BIASED_MAGIC)), k(c.D_LN2), w0);
  const r1 = madD(f64x2.sub(t1, k(c.D_BIASED_MAGIC)), k(c.D_LN2), w1);
  return f32x4.div(x, onePlusScaled(i32x4.shuffle(t0, t1, 0, 2, 4, 6), join(r0, r1)));
}

/** x / (1 + e^−w) of any x; −∞ gives NaN as in PyTorch. */
function geluTanhFarD(x: v128): v128 {
  const y = f64x2.div(f64x2.pmax(x, splatD(-100)), f64x2.add(k(c.D_ONE), expD(within(f64x2.neg(geluExponentD(x)), 600))));
  return v128.bitselect(splatD(NaN), y, f64x2.eq(x, splatD(-Infinity)));
}

/** {@linkcode geluTanh} where some lanes are far. */
function geluTanhFar(x: v128): v128 {
  const far = join(geluTanhFarD(low(x)), geluTanhFarD(high(x)));
  return v128.bitselect(geluTanhNear(x), far, f32x4.le(f32x4.abs(x), k(c.GELU_TANH_NEAR)));
}

/** x/2 · (1 + tanh u) = x / (1 + e^−2u) with u = √(2/π) · (x + 0.044715 x³). */
export function geluTanh(x: v128): v128 {
  return isGeluTanhFar2(x, x) ? geluTanhFar(x) : geluTanhNear(x);
}

/** d/dx of {@linkcode gelu}: Φ(x) + x · φ(x); beyond PHI_MAX φ is 0, and NaN at ±∞ as in PyTorch. */
// @ts-ignore: decorator
@inline
export function geluSlope(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), k(c.PHI_MAX));
  const a2 = f32x4.mul(a, a);
  const a4 = f32x4.mul(a2, a2);
  const e = bell(a);
  const below = f32x4.div(f32x4.mul(e, phiTop(a, a2, a4)), phiBottom(a, a2, a4));
  const phi = pick(below, f32x4.sub(k(c.ONE), below), f32x4.lt(x, splat(0)));
  return mad(x, f32x4.mul(e, k(c.BELL_PDF)), phi);
}

/**
 * d/dx of {@linkcode geluTanh}: with the gate s, s + x · 2 s (1 − s) · u'. Both s and s (1 − s) come from e^−|2u|, so that
 * nothing cancels.
 */
// @ts-ignore: decorator
@inline
export function geluTanhSlope(x: v128): v128 {
  const w = geluExponent(x);
  const e = expNegative(f32x4.neg(f32x4.abs(w)));
  const q = f32x4.div(k(c.ONE), f32x4.add(k(c.ONE), e));
  const eq = f32x4.mul(e, q);
  const du = f32x4.mul(k(c.GELU_K), mad(f32x4.mul(f32x4.mul(x, x), k(c.THREE)), k(c.GELU_C), k(c.ONE)));
  const bend = f32x4.mul(f32x4.mul(eq, q), f32x4.add(du, du));
  return mad(x, bend, pick(eq, q, f32x4.lt(w, splat(0))));
}

// ---- two float64 lanes -----------------------------------------------------------------------------------------

/** eˣ of float64 lanes with |x| < 700. */
// @ts-ignore: decorator
@inline
function expD(x: v128): v128 {
  const t = madD(x, k(c.D_LOG2E), k(c.D_MAGIC));
  const n = f64x2.sub(t, k(c.D_MAGIC));
  const r = nmadD(n, k(c.D_LN2), x);
  const r2 = f64x2.mul(r, r);
  const r4 = f64x2.mul(r2, r2);
  const r8 = f64x2.mul(r4, r4);
  let p = madD(r, k(c.D_EXP9), k(c.D_EXP8));
  p = madD(r8, p, madD(r4, fourD(r, r2, c.D_EXP4, c.D_EXP5, c.D_EXP6, c.D_EXP7), fourD(r, r2, c.D_EXP0, c.D_EXP1, c.D_EXP2, c.D_EXP3)));
  return f64x2.mul(p, i64x2.shl(i64x2.add(t, i64x2.splat(1023)), 52));
}

/** ln x of normal float64 lanes; 0 → −∞, negative → NaN, ∞ and NaN stay. */
// @ts-ignore: decorator
@inline
function logD(x: v128): v128 {
  const base = i64x2.splat(0x3fe6a09e667f3bcd);
  const shifted = i64x2.sub(x, base);
  const e = f64x2.sub(
    v128.or(i64x2.shr_u(i64x2.add(shifted, i64x2.splat(0x3ff0000000000000)), 52), i64x2.splat(0x4330000000000000)),
    splatD(4503599627370496.0 + 1023.0),
  );
  const m = i64x2.add(v128.and(shifted, i64x2.splat(0xfffffffffffff)), base);
  const s = f64x2.div(f64x2.sub(m, k(c.D_ONE)), f64x2.add(m, k(c.D_ONE)));
  const z = f64x2.mul(s, s);
  const z2 = f64x2.mul(z, z);
  const z4 = f64x2.mul(z2, z2);
  let p = madD(z2, k(c.D_LOG6), madD(z, k(c.D_LOG5), k(c.D_LOG4)));
  p = madD(z4, p, fourD(z, z2, c.D_LOG0, c.D_LOG1, c.D_LOG2, c.D_LOG3));
  const finite = madD(e, k(c.D_LN2), f64x2.mul(p, s));
  const regular = v128.and(f64x2.gt(x, splatD(0)), f64x2.lt(x, splatD(Infinity)));
  const special = v128.bitselect(splatD(-Infinity), v128.bitselect(x, splatD(NaN), f64x2.gt(x, splatD(0))), f64x2.eq(x, splatD(0)));
  return v128.bitselect(finite, special, regular);
}

/** ln(1 + x): ln(u) · x / (u − 1) with u = 1 + x, which corrects the rounding of u. */
// @ts-ignore: decorator
@inline
function log1pD(x: v128): v128 {
  const u = f64x2.add(k(c.D_ONE), x);
  const du = f64x2.sub(u, k(c.D_ONE));
  const exact = f64x2.eq(du, splatD(0));
  const l = logD(u);
  const plain = v128.or(exact, f64x2.gt(f64x2.abs(x), k(c.D_HALF)));
  const corrected = f64x2.mul(l, f64x2.div(x, v128.bitselect(k(c.D_ONE), du, plain)));
  return v128.bitselect(x, v128.bitselect(l, corrected, plain), exact);
}

/** eˣ − 1 for |x| < 700. */
// @ts-ignore: decorator
@inline
function expm1D(x: v128): v128 {
  const small = f64x2.mul(x, madD(x, madD(x, splatD(1.0 / 6.0), k(c.D_HALF)), k(c.D_ONE)));
  return v128.bitselect(small, f64x2.sub(expD(x), k(c.D_ONE)), f64x2.lt(f64x2.abs(x), splatD(1e-4)));
}

/** n = ⌊x · 2/π⌉ as a float64; the quadrant is its low bits. */
// @ts-ignore: decorator
@inline
function quadrantD(x: v128): v128 {
  return madD(x, k(c.D_TWO_PI), k(c.D_MAGIC));
}

/** x − n · π/2. */
// @ts-ignore: decorator
@inline
function restD(x: v128, t: v128): v128 {
  const n = f64x2.sub(t, k(c.D_MAGIC));
  return f64x2.sub(f64x2.sub(x, f64x2.mul(n, k(c.D_PIO2_HI))), f64x2.mul(n, k(c.D_PIO2_LO)));
}

// @ts-ignore: decorator
@inline
function sinTaylorD(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let p = madD(z, k(c.D_SIN4), k(c.D_SIN3));
  p = madD(z, p, k(c.D_SIN2));
  p = madD(z, p, k(c.D_SIN1));
  p = madD(z, p, k(c.D_SIN0));
  return madD(f64x2.mul(p, z), r, r);
}

// @ts-ignore: decorator
@inline
function cosTaylorD(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let p = madD(z, k(c.D_COS5), k(c.D_COS4));
  p = madD(z, p, k(c.D_COS3));
  p = madD(z, p, k(c.D_COS2));
  p = madD(z, p, k(c.D_COS1));
  return madD(z, p, k(c.D_COS0));
}

/** Sine `shift` = 0, cosine `shift` = 1, of a reduced argument with its quadrant. */
// @ts-ignore: decorator
@inline
function waveD(x: v128, shift: i64): v128 {
  const t = quadrantD(x);
  const r = restD(x, t);
  const q = i64x2.add(t, i64x2.splat(shift));
  const odd = i64x2.sub(i64x2.splat(0), v128.and(q, i64x2.splat(1)));
  const y = v128.bitselect(cosTaylorD(r), sinTaylorD(r), odd);
  return v128.xor(y, i64x2.shl(i64x2.shr_u(v128.and(q, i64x2.splat(2)), 1), 63));
}

// @ts-ignore: decorator
@inline
function tanD(x: v128): v128 {
  const t = quadrantD(x);
  const r = restD(x, t);
  const odd = i64x2.sub(i64x2.splat(0), v128.and(t, i64x2.splat(1)));
  const s = sinTaylorD(r);
  const co = cosTaylorD(r);
  return f64x2.div(v128.bitselect(f64x2.neg(co), s, odd), v128.bitselect(s, co, odd));
}

/** erfc x = e^(−x²) · erfcx(x) for x >= 0, 2 − erfc(−x) below. */
// @ts-ignore: decorator
@inline
function erfcD(x: v128): v128 {
  const a = f64x2.pmin(f64x2.abs(x), splatD(11));
  const t = f64x2.div(f64x2.sub(a, splatD(2)), f64x2.add(a, splatD(2)));
  const t2 = f64x2.mul(t, t);
  const t4 = f64x2.mul(t2, t2);
  const t8 = f64x2.mul(t4, t4);
  let p = k(c.D_ERFCX16);
  p = madD(t8, p, madD(t4, fourD(t, t2, c.D_ERFCX12, c.D_ERFCX13, c.D_ERFCX14, c.D_ERFCX15), fourD(t, t2, c.D_ERFCX8, c.D_ERFCX9, c.D_ERFCX10, c.D_ERFCX11)));
  p = madD(t8, p, madD(t4, fourD(t, t2, c.D_ERFCX4, c.D_ERFCX5, c.D_ERFCX6, c.D_ERFCX7), fourD(t, t2, c.D_ERFCX0, c.D_ERFCX1, c.D_ERFCX2, c.D_ERFCX3)));
  const y = f64x2.mul(f64x2.div(p, madD(a, splatD(2), k(c.D_ONE))), expD(f64x2.neg(f64x2.mul(a, a))));
  return v128.bitselect(f64x2.sub(splatD(2), y), y, f64x2.lt(x, splatD(0)));
}

// ---- float32 functions by way of float64 -----------------------------------------------------------------------

/** The first two lanes as float64. */
// @ts-ignore: decorator
@inline
export function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** The last two lanes as float64. */
// @ts-ignore: decorator
@inline
export function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1));
}

/** Two pairs of float64 as four float32. */
// @ts-ignore: decorator
@inline
export function join(a: v128, b: v128): v128 {
  return i64x2.shuffle(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/** Arguments of expD in its range: beyond ±`limit` float32 is 0 or ∞ anyway. NaN passes. */
// @ts-ignore: decorator
@inline
function within(x: v128, limit: f64): v128 {
  return f64x2.pmax(f64x2.pmin(x, splatD(limit)), splatD(-limit));
}

/** True when a lane is beyond what {@linkcode waveD} reduces exactly enough; ∞ and NaN are not. */
// @ts-ignore: decorator
@inline
function isFar(x: v128): bool {
  const a = f32x4.abs(x);
  return v128.any_true(v128.and(f32x4.gt(a, splat(1048576)), f32x4.lt(a, splat(Infinity))));
}

/**
 * Sine (`shift` = 0) or cosine (`shift` = 1) of |x| up to 500: x − n π/2 with π/2 in three parts of 12 bits, whose
 * products with n are exact, and a fourth; then the polynomial of the quadrant.
 */
// @ts-ignore: decorator
@inline
function wave(x: v128, shift: i32): v128 {
  const t = mad(x, k(c.WAVE_2_PI), k(c.MAGIC));
  const n = f32x4.sub(t, k(c.MAGIC));
  const r = nmad(n, k(c.WAVE_PIO2_3), nmad(n, k(c.WAVE_PIO2_2), nmad(n, k(c.WAVE_PIO2_1), nmad(n, k(c.WAVE_PIO2_0), x))));
  const z = f32x4.mul(r, r);
  const s = mad(f32x4.mul(r, z), mad(z, mad(z, k(c.WAVE_S2), k(c.WAVE_S1)), k(c.WAVE_S0)), r);
  const co = mad(f32x4.mul(z, z), mad(z, mad(z, k(c.WAVE_C2), k(c.WAVE_C1)), k(c.WAVE_C0)), nmad(z, k(c.HALF), k(c.ONE)));
  const q = shift ? i32x4.add(t, k(c.INT_ONE)) : t;
  const odd = i32x4.shr_s(i32x4.shl(q, 31), 31);
  return v128.xor(pick(co, s, odd), i32x4.shl(i32x4.shr_u(q, 1), 31));
}

/** True when a lane is beyond what {@linkcode wave} takes. */
// @ts-ignore: decorator
@inline
function isWide(x: v128): bool {
  return v128.any_true(i32x4.gt_s(v128.and(x, k(c.NOT_SIGN)), k(c.WAVE_MAX)));
}

/** {@linkcode isWide} of eight lanes. */
// @ts-ignore: decorator
@inline
export function isWide2(x: v128, y: v128): bool {
  return v128.any_true(i32x4.gt_s(largerBits(x, y), k(c.WAVE_MAX)));
}

/** {@linkcode isWide2}, or true when there is a −0, whose sine {@linkcode wave} makes 0. */
// @ts-ignore: decorator
@inline
export function isWideOrMinusZero2(x: v128, y: v128): bool {
  const least = i32x4.eq(i32x4.min_s(x, y), k(c.SIGN));
  return v128.any_true(v128.or(i32x4.gt_s(largerBits(x, y), k(c.WAVE_MAX)), least));
}

/** sin x of lanes that are not {@linkcode isWide}. */
// @ts-ignore: decorator
@inline
export function sinNear4(x: v128): v128 {
  return wave(x, 0);
}

/** cos x of lanes that are not {@linkcode isWide}. */
// @ts-ignore: decorator
@inline
export function cosNear4(x: v128): v128 {
  return wave(x, 1);
}

// @ts-ignore: decorator
@inline
function nearSin(x: v128): v128 {
  return signedZero(join(waveD(low(x), 0), waveD(high(x), 0)), x);
}

// @ts-ignore: decorator
@inline
function nearCos(x: v128): v128 {
  return nanOfInfinity(join(waveD(low(x), 1), waveD(high(x), 1)), x);
}

// @ts-ignore: decorator
@inline
export function sin(x: v128): v128 {
  return isWideOrMinusZero2(x, x) ? wideSin(x) : wave(x, 0);
}

function wideSin(x: v128): v128 {
  return isFar(x) ? farWaves(x, 0) : nearSin(x);
}

// @ts-ignore: decorator
@inline
export function cos(x: v128): v128 {
  return isWide(x) ? wideCos(x) : wave(x, 1);
}

function wideCos(x: v128): v128 {
  return isFar(x) ? farWaves(x, 1) : nearCos(x);
}

// @ts-ignore: decorator
@inline
export function tan(x: v128): v128 {
  if (isFar(x)) return f32x4.div(farWaves(x, 0), farWaves(x, 1));
  return signedZero(join(tanD(low(x)), tanD(high(x))), x);
}

/** The quarters of u turns, rounded. */
// @ts-ignore: decorator
@inline
export function quarters(u: v128): v128 {
  return f32x4.nearest(f32x4.mul(u, k(c.FOUR)));
}

/** What is left of u turns without `q` quarters, as an angle of up to π/4. */
// @ts-ignore: decorator
@inline
export function leftAngle(u: v128, q: v128): v128 {
  return f32x4.mul(nmad(q, k(c.QUARTER), u), k(c.TURN));
}

/** sin t of |t| up to π/4, within 1e-7. */
// @ts-ignore: decorator
@inline
export function sinNear(t: v128, t2: v128): v128 {
  const p = mad(t2, mad(t2, k(c.TURN_S9), k(c.TURN_S7)), k(c.TURN_S5));
  return mad(f32x4.mul(t, t2), mad(t2, p, k(c.TURN_S3)), t);
}

/** cos t of |t| up to π/4, within 1e-7. */
// @ts-ignore: decorator
@inline
export function cosNear(t2: v128): v128 {
  const t4 = f32x4.mul(t2, t2);
  return mad(t4, mad(t2, mad(t2, k(c.TURN_C8), k(c.TURN_C6)), k(c.TURN_C4)), nmad(t2, k(c.HALF), k(c.ONE)));
}

/** Odd functions keep −0 and denormals; sin ∞ is NaN. */
// @ts-ignore: decorator
@inline
function signedZero(y: v128, x: v128): v128 {
  return nanOfInfinity(v128.bitselect(x, y, f32x4.lt(f32x4.abs(x), splat(1e-30))), x);
}

// @ts-ignore: decorator
@inline
function nanOfInfinity(y: v128, x: v128): v128 {
  return v128.or(y, v128.and(f32x4.eq(f32x4.abs(x), splat(Infinity)), k(c.NAN_BITS)));
}

/** asin s − s for s up to ½, with z = s². */
// @ts-ignore: decorator
@inline
function asinTail(s: v128, z: v128): v128 {
  const p = mad(f32x4.mul(z, z), mad(z, k(c.ASIN_P4), k(c.ASIN_P3)), mad(z, k(c.ASIN_P2), k(c.ASIN_P1)));
  return f32x4.mul(f32x4.mul(s, z), mad(z, p, k(c.ASIN_P0)));
}

/** π/2 − (x + less), where x is the larger part. */
// @ts-ignore: decorator
@inline
function complement(x: v128, less: v128): v128 {
  return f32x4.sub(k(c.PIO2), f32x4.add(x, f32x4.sub(less, k(c.PIO2_LOW))));
}

/** asin x; above ½ that of the half angle, π/2 − 2 asin √((1 − x) / 2). */
// @ts-ignore: decorator
@inline
export function asin(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, k(c.HALF));
  const z = pick(f32x4.mul(f32x4.sub(k(c.ONE), a), k(c.HALF)), f32x4.mul(a, a), far);
  const s = pick(f32x4.sqrt(z), a, far);
  const tail = asinTail(s, z);
  return copysign(pick(complement(f32x4.add(s, s), f32x4.add(tail, tail)), f32x4.add(s, tail), far), x);
}

/** acos x by the parts of {@linkcode asin}. */
// @ts-ignore: decorator
@inline
export function acos(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, k(c.HALF));
  const z = pick(f32x4.mul(f32x4.sub(k(c.ONE), a), k(c.HALF)), f32x4.mul(a, a), far);
  const s = pick(f32x4.sqrt(z), a, far);
  const tail = asinTail(s, z);
  // Far on the left π − 2 (s + tail), of which half is computed.
  const half = pick(complement(s, tail), f32x4.add(s, tail), f32x4.lt(x, splat(0)));
  return pick(f32x4.add(half, half), complement(x, copysign(tail, x)), far);
}

/** atan x; above 1 it is π/2 − atan(1 / x). */
// @ts-ignore: decorator
@inline
export function atan(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, k(c.ONE));
  const y = pick(f32x4.div(k(c.ONE), a), a, far);
  const z = f32x4.mul(y, y);
  const z2 = f32x4.mul(z, z);
  const high = mad(z2, k(c.ATAN_P8), mad(z, k(c.ATAN_P7), k(c.ATAN_P6)));
  const p = mad(f32x4.mul(z2, z), mad(f32x4.mul(z2, z), high, mad(z2, k(c.ATAN_P5), mad(z, k(c.ATAN_P4), k(c.ATAN_P3)))), mad(z2, k(c.ATAN_P2), mad(z, k(c.ATAN_P1), k(c.ATAN_P0))));
  const tail = f32x4.mul(f32x4.mul(y, z), p);
  return copysign(pick(complement(y, tail), f32x4.add(y, tail), far), x);
}

// @ts-ignore: decorator
@inline
function sinhD(x: v128): v128 {
  const e = expm1D(within(f64x2.abs(x), 600));
  return f64x2.mul(splatD(0.5), f64x2.add(e, f64x2.div(e, f64x2.add(e, splatD(1)))));
}

// @ts-ignore: decorator
@inline
export function sinh(x: v128): v128 {
  return copysign(join(sinhD(low(x)), sinhD(high(x))), x);
}

// @ts-ignore: decorator
@inline
function coshD(x: v128): v128 {
  const e = expD(within(x, 600));
  return f64x2.mul(splatD(0.5), f64x2.add(e, f64x2.div(splatD(1), e)));
}

// @ts-ignore: decorator
@inline
export function cosh(x: v128): v128 {
  return join(coshD(low(x)), coshD(high(x)));
}

// @ts-ignore: decorator
@inline
function asinhD(x: v128): v128 {
  const a = f64x2.abs(x);
  const a2 = f64x2.mul(a, a);
  const y = f64x2.add(a, f64x2.div(a2, f64x2.add(splatD(1), f64x2.sqrt(f64x2.add(a2, splatD(1))))));
  return v128.bitselect(log1pD(y), a, f64x2.lt(a, splatD(Infinity)));
}

// @ts-ignore: decorator
@inline
export function asinh(x: v128): v128 {
  return copysign(join(asinhD(low(x)), asinhD(high(x))), x);
}

// @ts-ignore: decorator
@inline
function acoshD(x: v128): v128 {
  const t = f64x2.sub(x, splatD(1));
  const y = log1pD(f64x2.add(t, f64x2.sqrt(f64x2.mul(t, f64x2.add(x, splatD(1))))));
  return v128.or(y, f64x2.lt(x, splatD(1)));
}

// @ts-ignore: decorator
@inline
export function acosh(x: v128): v128 {
  return join(acoshD(low(x)), acoshD(high(x)));
}

// @ts-ignore: decorator
@inline
function atanhD(x: v128): v128 {
  const a = f64x2.abs(x);
  return f64x2.mul(splatD(0.5), log1pD(f64x2.div(f64x2.add(a, a), f64x2.sub(splatD(1), a))));
}

// @ts-ignore: decorator
@inline
export function atanh(x: v128): v128 {
  return copysign(join(atanhD(low(x)), atanhD(high(x))), x);
}

// @ts-ignore: decorator
@inline
export function erfc(x: v128): v128 {
  return join(erfcD(low(x)), erfcD(high(x)));
}

/**
 * Sine (`shift` = 0) or cosine (`shift` = 1) of one float32 of any size: x · 2/π mod 4 in fixed point.
 *
 * x = m · 2ᵉ with a 24-bit m, so only 96 bits of 2/π from bit e − 1 on matter; what stands before them adds multiples of 4.
 *
 * See Payne and Hanek 1983, "Radian reduction for trigonometric functions".
 */
function farWave(x: f32, shift: u64): f32 {
  const bits = reinterpret<u32>(x);
  const m = <u64>((bits & 0x7fffff) | 0x800000);
  const at = <i32>((bits >> 23) & 255) - 120;
  const word = c.TWO_OVER_PI + ((<usize>at >> 5) << 2);
  const by = <u64>(at & 31);
  const a = (<u64>load<u32>(word) << 32) | <u64>load<u32>(word, 4);
  const b = (<u64>load<u32>(word, 8) << 32) | <u64>load<u32>(word, 12);
  const top = by === 0 ? a : (a << by) | (b >> (64 - by));
  const next = (b << by) >> 32;
  const product = m * top + ((m * next) >> 32);
  const q = (product + (<u64>1 << 61)) >> 62;
  const rest = <f64>(<i64>(product - (q << 62)));
  const r = f64x2.splat(rest * (1.5707963267948966 / 4611686018427387904.0));
  const turn = q + shift;
  let y = f64x2.extract_lane(turn & 1 ? cosTaylorD(r) : sinTaylorD(r), 0);
  if (turn & 2) y = -y;
  return <f32>(x < 0 && shift === 0 ? -y : y);
}

/** {@linkcode farWave} on four lanes: rare, so lane by lane. */
function farWaves(x: v128, shift: u64): v128 {
  let y = v128.splat<f32>(one(f32x4.extract_lane(x, 0), shift));
  y = f32x4.replace_lane(y, 1, one(f32x4.extract_lane(x, 1), shift));
  y = f32x4.replace_lane(y, 2, one(f32x4.extract_lane(x, 2), shift));
  return f32x4.replace_lane(y, 3, one(f32x4.extract_lane(x, 3), shift));
}

function one(x: f32, shift: u64): f32 {
  const a = abs<f32>(x);
  if (a > 1048576 && a < Infinity) return farWave(x, shift);
  return f32x4.extract_lane(shift === 0 ? nearSin(f32x4.splat(x)) : nearCos(f32x4.splat(x)), 0);
}

/** |x|ʸ of float64 lanes that came from float32. */
// @ts-ignore: decorator
@inline
function powD(x: v128, y: v128): v128 {
  return expD(within(f64x2.mul(y, logD(f64x2.abs(x))), 200));
}

/** xʸ as C has it: a negative base only with whole exponents; 1 for y = 0 and for |x| = 1 with infinite y. */
export function pow(x: v128, y: v128): v128 {
  let p = join(powD(low(x), low(y)), powD(high(x), high(y)));
  const whole = f32x4.eq(f32x4.trunc(y), y);
  const half = f32x4.mul(y, k(c.HALF));
  const odd = v128.and(whole, f32x4.ne(f32x4.trunc(half), half));
  p = v128.xor(p, v128.and(odd, v128.andnot(x, k(c.NOT_SIGN))));
  const root = v128.and(v128.andnot(f32x4.lt(x, splat(0)), whole), f32x4.gt(x, splat(-Infinity)));
  p = v128.or(p, v128.and(root, k(c.NAN_BITS)));
  const even = v128.and(f32x4.eq(f32x4.abs(x), k(c.ONE)), f32x4.eq(f32x4.abs(y), splat(Infinity)));
  const one = v128.or(v128.or(f32x4.eq(y, splat(0)), f32x4.eq(x, k(c.ONE))), even);
  return v128.bitselect(k(c.ONE), p, one);
}
