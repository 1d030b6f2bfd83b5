/**
 * Mathematical functions of four float32 lanes.
 *
 * The hot ones (exp, log, tanh, sigmoid, erf) stay in float32. The others widen to float64, where short polynomials
 * and plain formulas are accurate far beyond float32, and round once.
 */

import * as c from "./constants";
import { k } from "./constants";

/** a · b + c, fused where the build allows. */
// @ts-ignore: decorator
@inline
export function mad(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a · b, fused where the build allows. */
// @ts-ignore: decorator
@inline
export function nmad(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  else return f32x4.sub(c, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline
function madD(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  else return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function nmadD(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_nmadd(a, b, c);
  else return f64x2.sub(c, f64x2.mul(a, b));
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

/** 2ⁿ of integer lanes in −126 … 127. */
// @ts-ignore: decorator
@inline
function power2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** (eʳ − 1 − r) / r² for |r| up to ln(2)/2. */
// @ts-ignore: decorator
@inline
function expTail(r: v128): v128 {
  return mad(r, mad(r, mad(r, mad(r, k(c.EXP_P4), k(c.EXP_P3)), k(c.EXP_P2)), k(c.EXP_P1)), k(c.EXP_P0));
}

/** eˣ: n = ⌊x log₂e⌉, eʳ of the rest by a polynomial, scaled in two steps so that denormals and infinity come out. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, k(c.EXP_MAX)), k(c.EXP_MIN));
  const n = f32x4.nearest(f32x4.mul(x, k(c.EXP_LOG2E)));
  const r = nmad(n, k(c.EXP_LN2_LO), nmad(n, k(c.EXP_LN2_HI), x));
  const y = f32x4.add(mad(expTail(r), f32x4.mul(r, r), r), splat(1));
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  return f32x4.mul(f32x4.mul(y, power2(half)), power2(i32x4.sub(i, half)));
}

/** eˣ for x in −87 … 88 or NaN: what rows use, where the argument is x − max. Below, 0 or a value near it. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  const low = f32x4.lt(x, splat(-87));
  x = f32x4.pmax(x, splat(-87));
  const n = f32x4.nearest(f32x4.mul(x, k(c.EXP_LOG2E)));
  const r = nmad(n, k(c.EXP_LN2_LO), nmad(n, k(c.EXP_LN2_HI), x));
  const y = f32x4.add(mad(expTail(r), f32x4.mul(r, r), r), splat(1));
  return v128.andnot(f32x4.mul(y, power2(i32x4.trunc_sat_f32x4_s(n))), low);
}

/** Natural logarithm: x = 2ᵉ · (1 + f) with 1 + f in √½ … √2. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, k(c.LOG_TINY));
  const y = v128.bitselect(f32x4.mul(x, k(c.LOG_SCALE)), x, tiny);
  // Counts from √½ up, so that the mantissa lands in √½ … √2.
  const shifted = i32x4.sub(y, i32x4.splat(0x3f3504f3));
  const e = f32x4.sub(
    f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23)),
    v128.and(tiny, splat(23)),
  );
  const f = f32x4.sub(
    i32x4.add(v128.and(shifted, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3)),
    splat(1),
  );
  const f2 = f32x4.mul(f, f);
  let p = mad(f, k(c.LOG_P8), k(c.LOG_P7));
  p = mad(f, p, k(c.LOG_P6));
  p = mad(f, p, k(c.LOG_P5));
  p = mad(f, p, k(c.LOG_P4));
  p = mad(f, p, k(c.LOG_P3));
  p = mad(f, p, k(c.LOG_P2));
  p = mad(f, p, k(c.LOG_P1));
  p = mad(f, p, k(c.LOG_P0));
  p = f32x4.mul(f32x4.mul(p, f), f2);
  p = mad(e, k(c.LOG_LN2_LO), p);
  p = nmad(f2, splat(0.5), p);
  const finite = mad(e, k(c.LOG_LN2_HI), f32x4.add(f, p));
  // 0 → −∞, negative → NaN, ∞ and NaN stay.
  const special = f32x4.add(x, f32x4.sub(x, x));
  let out = v128.bitselect(finite, v128.bitselect(x, special, f32x4.gt(x, splat(0))), v128.and(f32x4.gt(x, splat(0)), f32x4.lt(x, splat(Infinity))));
  out = v128.bitselect(splat(-Infinity), out, f32x4.eq(x, splat(0)));
  return v128.or(out, v128.and(f32x4.lt(x, splat(0)), i32x4.splat(0x7fc00000)));
}

/** tanh x: odd polynomial near 0, else 1 − 2 / (e²ˣ + 1). */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = mad(z, k(c.TANH_P5), k(c.TANH_P4));
  p = mad(z, p, k(c.TANH_P3));
  p = mad(z, p, k(c.TANH_P2));
  p = mad(z, p, k(c.TANH_P1));
  p = mad(z, p, k(c.TANH_P0));
  const small = mad(f32x4.mul(p, z), x, x);
  const e = expNegative(f32x4.mul(f32x4.pmin(a, k(c.TANH_MAX)), splat(-2)));
  // (1 − e⁻²ᵃ) / (1 + e⁻²ᵃ)
  const large = f32x4.sub(splat(1), f32x4.div(f32x4.add(e, e), f32x4.add(splat(1), e)));
  return copysign(v128.bitselect(large, small, f32x4.gt(a, k(c.TANH_SMALL))), x);
}

/** |x| with the sign of y. */
// @ts-ignore: decorator
@inline
export function copysign(x: v128, y: v128): v128 {
  return v128.bitselect(x, y, i32x4.splat(0x7fffffff));
}

/** 1 / (1 + e⁻ˣ), from e^−|x| so that nothing overflows. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const q = f32x4.div(splat(1), f32x4.add(splat(1), e));
  return v128.bitselect(f32x4.mul(e, q), q, f32x4.lt(x, splat(0)));
}

/** erf x: x · P(x²) up to 1, then 1 − e^−Q(x). */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = mad(z, k(c.ERF_P7), k(c.ERF_P6));
  p = mad(z, p, k(c.ERF_P5));
  p = mad(z, p, k(c.ERF_P4));
  p = mad(z, p, k(c.ERF_P3));
  p = mad(z, p, k(c.ERF_P2));
  p = mad(z, p, k(c.ERF_P1));
  p = mad(z, p, k(c.ERF_P0));
  const small = mad(p, x, x);
  const b = f32x4.pmin(a, k(c.ERF_MAX));
  let q = mad(b, k(c.ERF_Q9), k(c.ERF_Q8));
  q = mad(b, q, k(c.ERF_Q7));
  q = mad(b, q, k(c.ERF_Q6));
  q = mad(b, q, k(c.ERF_Q5));
  q = mad(b, q, k(c.ERF_Q4));
  q = mad(b, q, k(c.ERF_Q3));
  q = mad(b, q, k(c.ERF_Q2));
  q = mad(b, q, k(c.ERF_Q1));
  q = mad(b, q, k(c.ERF_Q0));
  const large = f32x4.sub(splat(1), expNegative(f32x4.neg(q)));
  return copysign(v128.bitselect(large, small, f32x4.gt(a, splat(1))), x);
}

/** x · Φ(x). */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(splat(1), erf(f32x4.mul(x, k(c.SQRT_HALF)))));
}

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))). */
// @ts-ignore: decorator
@inline
export function geluTanh(x: v128): v128 {
  const u = f32x4.mul(k(c.GELU_K), mad(f32x4.mul(f32x4.mul(x, x), x), k(c.GELU_C), x));
  return f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(splat(1), tanh(u)));
}

/** d/dx of {@linkcode gelu}: Φ(x) + x · φ(x). */
// @ts-ignore: decorator
@inline
export function geluSlope(x: v128): v128 {
  const cdf = f32x4.mul(splat(0.5), f32x4.add(splat(1), erf(f32x4.mul(x, k(c.SQRT_HALF)))));
  const pdf = f32x4.mul(k(c.INV_SQRT_2PI), exp(f32x4.mul(f32x4.mul(x, x), splat(-0.5))));
  return mad(x, pdf, cdf);
}

/** d/dx of {@linkcode geluTanh}. */
// @ts-ignore: decorator
@inline
export function geluTanhSlope(x: v128): v128 {
  const x2 = f32x4.mul(x, x);
  const t = tanh(f32x4.mul(k(c.GELU_K), mad(f32x4.mul(x2, x), k(c.GELU_C), x)));
  const du = f32x4.mul(k(c.GELU_K), mad(f32x4.mul(x2, splat(3)), k(c.GELU_C), splat(1)));
  const left = f32x4.add(splat(1), t);
  return f32x4.mul(splat(0.5), mad(f32x4.mul(x, nmad(t, t, splat(1))), du, left));
}

// ---- two float64 lanes -----------------------------------------------------------------------------------------

/** eˣ of float64 lanes with |x| < 700. */
// @ts-ignore: decorator
@inline
function expD(x: v128): v128 {
  const t = madD(x, k(c.D_LOG2E), k(c.D_MAGIC));
  const n = f64x2.sub(t, k(c.D_MAGIC));
  const r = nmadD(n, k(c.D_LN2), x);
  let p = madD(r, k(c.D_EXP9), k(c.D_EXP8));
  p = madD(r, p, k(c.D_EXP7));
  p = madD(r, p, k(c.D_EXP6));
  p = madD(r, p, k(c.D_EXP5));
  p = madD(r, p, k(c.D_EXP4));
  p = madD(r, p, k(c.D_EXP3));
  p = madD(r, p, k(c.D_EXP2));
  p = madD(r, p, k(c.D_EXP1));
  p = madD(r, p, k(c.D_EXP0));
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
  const s = f64x2.div(f64x2.sub(m, splatD(1)), f64x2.add(m, splatD(1)));
  const z = f64x2.mul(s, s);
  let p = madD(z, k(c.D_LOG6), k(c.D_LOG5));
  p = madD(z, p, k(c.D_LOG4));
  p = madD(z, p, k(c.D_LOG3));
  p = madD(z, p, k(c.D_LOG2));
  p = madD(z, p, k(c.D_LOG1));
  p = madD(z, p, k(c.D_LOG0));
  const finite = madD(e, k(c.D_LN2), f64x2.mul(p, s));
  const regular = v128.and(f64x2.gt(x, splatD(0)), f64x2.lt(x, splatD(Infinity)));
  const special = v128.bitselect(splatD(-Infinity), v128.bitselect(x, splatD(NaN), f64x2.gt(x, splatD(0))), f64x2.eq(x, splatD(0)));
  return v128.bitselect(finite, special, regular);
}

/** ln(1 + x): ln(u) · x / (u − 1) with u = 1 + x, which corrects the rounding of u. */
// @ts-ignore: decorator
@inline
function log1pD(x: v128): v128 {
  const u = f64x2.add(splatD(1), x);
  const du = f64x2.sub(u, splatD(1));
  const exact = f64x2.eq(du, splatD(0));
  const l = logD(u);
  const plain = v128.or(exact, f64x2.gt(f64x2.abs(x), splatD(0.5)));
  const corrected = f64x2.mul(l, f64x2.div(x, v128.bitselect(splatD(1), du, plain)));
  return v128.bitselect(x, v128.bitselect(l, corrected, plain), exact);
}

/** eˣ − 1 for |x| < 700. */
// @ts-ignore: decorator
@inline
function expm1D(x: v128): v128 {
  const small = f64x2.mul(x, madD(x, madD(x, splatD(1.0 / 6.0), splatD(0.5)), splatD(1)));
  return v128.bitselect(small, f64x2.sub(expD(x), splatD(1)), f64x2.lt(f64x2.abs(x), splatD(1e-4)));
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

/** atan of x >= 0, ∞ included. */
// @ts-ignore: decorator
@inline
function atanD(x: v128): v128 {
  const big = f64x2.gt(x, splatD(1));
  const y = v128.bitselect(f64x2.div(splatD(1), x), x, big);
  const z = f64x2.mul(y, y);
  let p = madD(z, k(c.D_ATAN16), k(c.D_ATAN15));
  p = madD(z, p, k(c.D_ATAN14));
  p = madD(z, p, k(c.D_ATAN13));
  p = madD(z, p, k(c.D_ATAN12));
  p = madD(z, p, k(c.D_ATAN11));
  p = madD(z, p, k(c.D_ATAN10));
  p = madD(z, p, k(c.D_ATAN9));
  p = madD(z, p, k(c.D_ATAN8));
  p = madD(z, p, k(c.D_ATAN7));
  p = madD(z, p, k(c.D_ATAN6));
  p = madD(z, p, k(c.D_ATAN5));
  p = madD(z, p, k(c.D_ATAN4));
  p = madD(z, p, k(c.D_ATAN3));
  p = madD(z, p, k(c.D_ATAN2));
  p = madD(z, p, k(c.D_ATAN1));
  p = madD(z, p, k(c.D_ATAN0));
  const a = f64x2.mul(p, y);
  return v128.bitselect(f64x2.sub(k(c.D_PIO2), a), a, big);
}

// @ts-ignore: decorator
@inline
function copysignD(x: v128, y: v128): v128 {
  return v128.bitselect(x, y, i64x2.splat(0x7fffffffffffffff));
}

/** erfc x = e^(−x²) · erfcx(x) for x >= 0, 2 − erfc(−x) below. */
// @ts-ignore: decorator
@inline
function erfcD(x: v128): v128 {
  const a = f64x2.pmin(f64x2.abs(x), splatD(11));
  const t = f64x2.div(f64x2.sub(a, splatD(2)), f64x2.add(a, splatD(2)));
  let p = madD(t, k(c.D_ERFCX16), k(c.D_ERFCX15));
  p = madD(t, p, k(c.D_ERFCX14));
  p = madD(t, p, k(c.D_ERFCX13));
  p = madD(t, p, k(c.D_ERFCX12));
  p = madD(t, p, k(c.D_ERFCX11));
  p = madD(t, p, k(c.D_ERFCX10));
  p = madD(t, p, k(c.D_ERFCX9));
  p = madD(t, p, k(c.D_ERFCX8));
  p = madD(t, p, k(c.D_ERFCX7));
  p = madD(t, p, k(c.D_ERFCX6));
  p = madD(t, p, k(c.D_ERFCX5));
  p = madD(t, p, k(c.D_ERFCX4));
  p = madD(t, p, k(c.D_ERFCX3));
  p = madD(t, p, k(c.D_ERFCX2));
  p = madD(t, p, k(c.D_ERFCX1));
  p = madD(t, p, k(c.D_ERFCX0));
  const y = f64x2.mul(f64x2.div(p, madD(a, splatD(2), splatD(1))), expD(f64x2.neg(f64x2.mul(a, a))));
  return v128.bitselect(f64x2.sub(splatD(2), y), y, f64x2.lt(x, splatD(0)));
}

// ---- float32 functions by way of float64 -----------------------------------------------------------------------

// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1));
}

// @ts-ignore: decorator
@inline
function join(a: v128, b: v128): v128 {
  return i64x2.shuffle(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/** Arguments of expD in its range: beyond ±`limit` float32 is 0 or ∞ anyway. NaN passes. */
// @ts-ignore: decorator
@inline
function within(x: v128, limit: f64): v128 {
  return f64x2.pmax(f64x2.pmin(x, splatD(limit)), splatD(-limit));
}

// @ts-ignore: decorator
@inline
export function exp2(x: v128): v128 {
  return join(
    expD(f64x2.mul(within(low(x), 900), k(c.D_LN2))),
    expD(f64x2.mul(within(high(x), 900), k(c.D_LN2))),
  );
}

// @ts-ignore: decorator
@inline
export function expm1(x: v128): v128 {
  return join(expm1D(within(low(x), 600)), expm1D(within(high(x), 600)));
}

// @ts-ignore: decorator
@inline
export function log2(x: v128): v128 {
  return join(f64x2.mul(logD(low(x)), k(c.D_LOG2E)), f64x2.mul(logD(high(x)), k(c.D_LOG2E)));
}

// @ts-ignore: decorator
@inline
export function log10(x: v128): v128 {
  return join(f64x2.mul(logD(low(x)), k(c.D_LOG10E)), f64x2.mul(logD(high(x)), k(c.D_LOG10E)));
}

// @ts-ignore: decorator
@inline
export function log1p(x: v128): v128 {
  return join(log1pD(low(x)), log1pD(high(x)));
}

/** True when a lane is beyond what {@linkcode waveD} reduces exactly enough; ∞ and NaN are not. */
// @ts-ignore: decorator
@inline
function isFar(x: v128): bool {
  const a = f32x4.abs(x);
  return v128.any_true(v128.and(f32x4.gt(a, splat(1048576)), f32x4.lt(a, splat(Infinity))));
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
  return isFar(x) ? farWaves(x, 0) : nearSin(x);
}

// @ts-ignore: decorator
@inline
export function cos(x: v128): v128 {
  return isFar(x) ? farWaves(x, 1) : nearCos(x);
}

// @ts-ignore: decorator
@inline
export function tan(x: v128): v128 {
  if (isFar(x)) return f32x4.div(farWaves(x, 0), farWaves(x, 1));
  return signedZero(join(tanD(low(x)), tanD(high(x))), x);
}

/** cos 2πu of u in [0, 1]. */
// @ts-ignore: decorator
@inline
export function cosTurns(u: v128): v128 {
  const turn = splatD(6.283185307179586);
  return join(waveD(f64x2.mul(low(u), turn), 1), waveD(f64x2.mul(high(u), turn), 1));
}

/** sin 2πu of u in [0, 1]. */
// @ts-ignore: decorator
@inline
export function sinTurns(u: v128): v128 {
  const turn = splatD(6.283185307179586);
  return join(waveD(f64x2.mul(low(u), turn), 0), waveD(f64x2.mul(high(u), turn), 0));
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
  return v128.or(y, v128.and(f32x4.eq(f32x4.abs(x), splat(Infinity)), i32x4.splat(0x7fc00000)));
}

// @ts-ignore: decorator
@inline
function asinD(x: v128): v128 {
  const a = f64x2.abs(x);
  return copysignD(atanD(f64x2.div(a, f64x2.sqrt(f64x2.mul(f64x2.sub(splatD(1), a), f64x2.add(splatD(1), a))))), x);
}

// @ts-ignore: decorator
@inline
export function asin(x: v128): v128 {
  return join(asinD(low(x)), asinD(high(x)));
}

// @ts-ignore: decorator
@inline
function acosD(x: v128): v128 {
  const a = f64x2.abs(x);
  const y = atanD(f64x2.div(f64x2.sqrt(f64x2.mul(f64x2.sub(splatD(1), a), f64x2.add(splatD(1), a))), a));
  return v128.bitselect(f64x2.sub(k(c.D_PI), y), y, f64x2.lt(x, splatD(0)));
}

// @ts-ignore: decorator
@inline
export function acos(x: v128): v128 {
  return join(acosD(low(x)), acosD(high(x)));
}

// @ts-ignore: decorator
@inline
export function atan(x: v128): v128 {
  return copysign(join(atanD(f64x2.abs(low(x))), atanD(f64x2.abs(high(x)))), x);
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
