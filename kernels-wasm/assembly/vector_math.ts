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

/** 2ⁿ of integer lanes in −126 … 127. */
// @ts-ignore: decorator
@inline
function power2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, k(c.BIAS)), 23);
}

/** (eʳ − 1 − r) / r² for |r| up to ln(2)/2. */
// @ts-ignore: decorator
@inline
function expTail(r: v128): v128 {
  const r2 = f32x4.mul(r, r);
  return mad(r2, mad(r2, k(c.EXP_P4), mad(r, k(c.EXP_P3), k(c.EXP_P2))), mad(r, k(c.EXP_P1), k(c.EXP_P0)));
}

/** eˣ: n = ⌊x log₂e⌉, eʳ of the rest by a polynomial, scaled by 2ⁿ. Lanes beyond ±87 take a second way. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  if (!i32x4.all_true(f32x4.lt(f32x4.abs(x), k(c.EXP_FAST)))) return expFar(x);
  return expNear(x);
}

/** eˣ for x in −87 … 88. The sum with 1.5 · 2²³ rounds to an integer and leaves it in the low bits. */
// @ts-ignore: decorator
@inline
function expNear(x: v128): v128 {
  const t = mad(x, k(c.EXP_LOG2E), k(c.MAGIC));
  return i32x4.add(expRest(x, f32x4.sub(t, k(c.MAGIC))), i32x4.shl(t, 23));
}

/** e^(x − n ln 2). */
// @ts-ignore: decorator
@inline
function expRest(x: v128, n: v128): v128 {
  const r = nmad(n, k(c.EXP_LN2_LO), nmad(n, k(c.EXP_LN2_HI), x));
  return f32x4.add(mad(expTail(r), f32x4.mul(r, r), r), k(c.ONE));
}

/** {@linkcode exp} scaled in two steps, so that denormals and infinity come out. */
function expFar(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, k(c.EXP_MAX)), k(c.EXP_MIN));
  const n = f32x4.nearest(f32x4.mul(x, k(c.EXP_LOG2E)));
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  return f32x4.mul(f32x4.mul(expRest(x, n), power2(half)), power2(i32x4.sub(i, half)));
}

/** eˣ for x in −87 … 88 or NaN: what rows use, where the argument is x − max. Below, 0 or a value near it. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  const e = v128.andnot(expNear(f32x4.pmax(x, k(c.MINUS_87))), f32x4.lt(x, k(c.MINUS_87)));
  // Adding to the exponent may turn a NaN with a payload into a number.
  return v128.or(e, f32x4.ne(x, x));
}

/** ln x of normal finite lanes: x = 2ᵉ · (1 + f) with 1 + f in √½ … √2; `e` is added to the exponent. */
// @ts-ignore: decorator
@inline
function logNormal(x: v128, e: v128): v128 {
  // Counts from √½ up, so that the mantissa lands in √½ … √2.
  const shifted = i32x4.sub(x, k(c.SQRTHF_BITS));
  e = f32x4.add(e, f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23)));
  const f = f32x4.sub(i32x4.add(v128.and(shifted, k(c.MANTISSA)), k(c.SQRTHF_BITS)), k(c.ONE));
  const f2 = f32x4.mul(f, f);
  const f4 = f32x4.mul(f2, f2);
  const f8 = f32x4.mul(f4, f4);
  let p = k(c.LOG_P8);
  p = mad(f8, p, mad(f4, four(f, f2, c.LOG_P4, c.LOG_P5, c.LOG_P6, c.LOG_P7), four(f, f2, c.LOG_P0, c.LOG_P1, c.LOG_P2, c.LOG_P3)));
  p = f32x4.mul(f32x4.mul(p, f), f2);
  p = mad(e, k(c.LOG_LN2_LO), p);
  p = nmad(f2, k(c.HALF), p);
  return mad(e, k(c.LOG_LN2_HI), f32x4.add(f, p));
}

/** Natural logarithm. Lanes that are not normal and positive take a second way, which ordinary data never does. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const special = i32x4.ge_u(i32x4.sub(x, k(c.NORMAL_BITS)), k(c.FINITE_SPAN));
  return v128.any_true(special) ? logSpecial(x) : logNormal(x, f32x4.splat(0));
}

/** {@linkcode log} with denormals, 0 → −∞, negative → NaN, ∞ and NaN as they are. */
function logSpecial(x: v128): v128 {
  const tiny = f32x4.lt(x, k(c.LOG_TINY));
  const y = v128.bitselect(f32x4.mul(x, k(c.LOG_SCALE)), x, tiny);
  let out = logNormal(y, v128.and(tiny, splat(-23)));
  const passes = v128.or(f32x4.ne(x, x), f32x4.eq(x, splat(Infinity)));
  out = v128.bitselect(x, out, passes);
  out = v128.bitselect(splat(-Infinity), out, f32x4.eq(x, splat(0)));
  return v128.or(out, v128.and(f32x4.lt(x, splat(0)), k(c.NAN_BITS)));
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
  const e = expNear(f32x4.mul(f32x4.pmin(a, k(c.TANH_MAX)), k(c.MINUS_TWO)));
  // (1 − e⁻²ᵃ) / (1 + e⁻²ᵃ)
  const large = f32x4.sub(k(c.ONE), f32x4.div(f32x4.add(e, e), f32x4.add(k(c.ONE), e)));
  return copysign(v128.bitselect(large, small, f32x4.gt(a, k(c.TANH_SMALL))), x);
}

/** |x| with the sign of y. */
// @ts-ignore: decorator
@inline
export function copysign(x: v128, y: v128): v128 {
  return v128.bitselect(x, y, k(c.NOT_SIGN));
}

/** 1 / (1 + e⁻ˣ), from e^−|x| so that nothing overflows. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const q = f32x4.div(k(c.ONE), f32x4.add(k(c.ONE), e));
  return v128.bitselect(f32x4.mul(e, q), q, f32x4.lt(x, splat(0)));
}

/** erf x: x · P(x²) up to 1, then 1 − e^−Q(x). */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  const z2 = f32x4.mul(z, z);
  const z4 = f32x4.mul(z2, z2);
  let p = four(z, z2, c.ERF_P4, c.ERF_P5, c.ERF_P6, c.ERF_P7);
  p = mad(z4, p, four(z, z2, c.ERF_P0, c.ERF_P1, c.ERF_P2, c.ERF_P3));
  const small = mad(p, x, x);
  const b = f32x4.pmin(a, k(c.ERF_MAX));
  const b2 = f32x4.mul(b, b);
  const b4 = f32x4.mul(b2, b2);
  const b8 = f32x4.mul(b4, b4);
  let q = mad(b, k(c.ERF_Q9), k(c.ERF_Q8));
  q = mad(b8, q, mad(b4, four(b, b2, c.ERF_Q4, c.ERF_Q5, c.ERF_Q6, c.ERF_Q7), four(b, b2, c.ERF_Q0, c.ERF_Q1, c.ERF_Q2, c.ERF_Q3)));
  const large = f32x4.sub(k(c.ONE), expNear(f32x4.neg(q)));
  return copysign(v128.bitselect(large, small, f32x4.gt(a, k(c.ONE))), x);
}

/** Φ(x), the standard normal distribution function, with an error of 3e-8; relative 3e-6 down to Φ(−6). */
// @ts-ignore: decorator
@inline
function phi(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), k(c.PHI_MAX));
  const a2 = f32x4.mul(a, a);
  const a4 = f32x4.mul(a2, a2);
  const a8 = f32x4.mul(a4, a4);
  let q = mad(a4, k(c.PHI_Q12), four(a, a2, c.PHI_Q8, c.PHI_Q9, c.PHI_Q10, c.PHI_Q11));
  q = mad(a8, q, mad(a4, four(a, a2, c.PHI_Q4, c.PHI_Q5, c.PHI_Q6, c.PHI_Q7), four(a, a2, c.PHI_Q0, c.PHI_Q1, c.PHI_Q2, c.PHI_Q3)));
  const below = expNear(f32x4.neg(q));
  return v128.bitselect(below, f32x4.sub(k(c.ONE), below), f32x4.lt(x, f32x4.splat(0)));
}

/** x · Φ(x). */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  return f32x4.mul(x, phi(x));
}

/** 1 / (1 + e^(−2u)) with u = √(2/π) · (x + 0.044715 x³): what (1 + tanh u) / 2 is. */
// @ts-ignore: decorator
@inline
function geluGate(x: v128): v128 {
  const u = f32x4.mul(k(c.GELU_MINUS_2K), mad(f32x4.mul(f32x4.mul(x, x), x), k(c.GELU_C), x));
  return f32x4.div(k(c.ONE), f32x4.add(k(c.ONE), exp(u)));
}

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))). */
// @ts-ignore: decorator
@inline
export function geluTanh(x: v128): v128 {
  return f32x4.mul(x, geluGate(x));
}

/** d/dx of {@linkcode gelu}: Φ(x) + x · φ(x). */
// @ts-ignore: decorator
@inline
export function geluSlope(x: v128): v128 {
  const pdf = f32x4.mul(k(c.INV_SQRT_2PI), exp(f32x4.mul(f32x4.mul(x, x), k(c.MINUS_HALF))));
  return mad(x, pdf, phi(x));
}

/** d/dx of {@linkcode geluTanh}: with the gate s, s + x · 2 s (1 − s) · u'. */
// @ts-ignore: decorator
@inline
export function geluTanhSlope(x: v128): v128 {
  const s = geluGate(x);
  const du = f32x4.mul(k(c.GELU_K), mad(f32x4.mul(f32x4.mul(x, x), k(c.THREE)), k(c.GELU_C), k(c.ONE)));
  const bend = f32x4.mul(f32x4.mul(s, f32x4.sub(k(c.ONE), s)), f32x4.add(du, du));
  return mad(x, bend, s);
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

/** atan of x >= 0, ∞ included. */
// @ts-ignore: decorator
@inline
function atanD(x: v128): v128 {
  const big = f64x2.gt(x, k(c.D_ONE));
  const y = v128.bitselect(f64x2.div(k(c.D_ONE), x), x, big);
  const z = f64x2.mul(y, y);
  const z2 = f64x2.mul(z, z);
  const z4 = f64x2.mul(z2, z2);
  const z8 = f64x2.mul(z4, z4);
  let p = k(c.D_ATAN16);
  p = madD(z8, p, madD(z4, fourD(z, z2, c.D_ATAN12, c.D_ATAN13, c.D_ATAN14, c.D_ATAN15), fourD(z, z2, c.D_ATAN8, c.D_ATAN9, c.D_ATAN10, c.D_ATAN11)));
  p = madD(z8, p, madD(z4, fourD(z, z2, c.D_ATAN4, c.D_ATAN5, c.D_ATAN6, c.D_ATAN7), fourD(z, z2, c.D_ATAN0, c.D_ATAN1, c.D_ATAN2, c.D_ATAN3)));
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
