/**
 * Functions of float32 for shaders, in WGSL. A text that names one of them gets it, and whatever that one needs.
 *
 * The built-in exp, log, sin, pow … of a driver may be off by thousands of units of the last place, and may do anything with
 * infinities and NaN. These are computed from plain arithmetic. NaN is tested on its bits: compilers may fold `x != x`.
 *
 * @module
 */

import { float, wgsl } from "./wgsl.ts";

/** `coefficients[0] xⁿ + … + coefficients[n]` as an expression, by Horner's rule. */
function poly(x: string, coefficients: readonly number[]): string {
  return coefficients.slice(1).reduce((sum, c) => `(${sum} * ${x} + ${float(c)})`, float(coefficients[0]!));
}

/** The Bernoulli numbers B₂, B₄, …, B₁₂: DLMF table 24.2.1. */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730];

/** (ζ(k) − 1) / k with alternating signs, for k = 2, 3, …: the series of ln Γ about 2, Abramowitz and Stegun 6.1.33. */
const LGAMMA_SERIES = Array.from({ length: 16 }, (_, i) => {
  const k = i + 2;
  let sum = 0;
  const last = 400;
  for (let m = last; m >= 2; m--) sum += m ** -k;
  sum += last ** (1 - k) / (k - 1) - last ** -k / 2; // the tail, by the Euler–Maclaurin formula
  return (i % 2 === 0 ? 1 : -1) * sum / k;
});

const EULER = 0.5772156649015329;

// Cody 1969, https://doi.org/10.1090/S0025-5718-1969-0247736-4, the forms for single precision.
const ERF_P = [
  1.85777706184603153e-1,
  3.16112374387056560,
  1.13864154151050156e2,
  3.77485237685302021e2,
  3.20937758913846947e3,
];
const ERF_Q = [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3];
const ERFC_P = [
  ...[
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594,
    6.61191906371416295e1,
    2.98635138197400131e2,
  ],
  ...[8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3],
];
const ERFC_Q = [
  ...[1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3],
  ...[3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
];
const ERFCX_P = [
  ...[1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1],
  ...[1.60837851487422766e-2, 6.58749161529837803e-4],
];
const ERFCX_Q = [
  ...[1, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2],
  2.33520497626869185e-3,
];

const FUNCTIONS: Readonly<Record<string, string>> = {
  // A variable keeps the compiler from rejecting the constant.
  m_inf: `fn m_inf() -> f32 { var bits = 0x7f800000u; return bitcast<f32>(bits); }`,
  m_nan: `fn m_nan() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }`,
  m_isnan: `fn m_isnan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  m_isinf: `fn m_isinf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }`,
  m_signbit: `fn m_signbit(x: f32) -> bool { return (bitcast<u32>(x) >> 31u) == 1u; }`,
  m_abs: `fn m_abs(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }`,
  m_neg: `fn m_neg(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }`,
  m_copysign: wgsl`
    fn m_copysign(x: f32, y: f32) -> f32 {
      return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(y) & 0x80000000u));
    }`,
  m_sign: `fn m_sign(x: f32) -> f32 { return select(0.0, 1.0, x > 0.0) - select(0.0, 1.0, x < 0.0); }`,
  m_max: wgsl`
    fn m_max(x: f32, y: f32) -> f32 {
      return select(select(select(y, x, x > y), y, m_isnan(y)), x, m_isnan(x));
    }`,
  m_min: wgsl`
    fn m_min(x: f32, y: f32) -> f32 {
      return select(select(select(y, x, x < y), y, m_isnan(y)), x, m_isnan(x));
    }`,
  // Comparisons with NaN are written out: a compiler may turn !(x < y) into x >= y.
  m_eq: `fn m_eq(x: f32, y: f32) -> bool { return x == y && !m_isnan(x) && !m_isnan(y); }`,
  m_lt: `fn m_lt(x: f32, y: f32) -> bool { return x < y && !m_isnan(x) && !m_isnan(y); }`,
  m_le: `fn m_le(x: f32, y: f32) -> bool { return x <= y && !m_isnan(x) && !m_isnan(y); }`,
  // Rounds to 11 bits of precision, half to even, as IEEE 754 binary16.
  m_half_bits: wgsl`
    fn m_half_bits(x: f32) -> u32 {
      let bits = bitcast<u32>(x);
      let sign = (bits >> 16u) & 0x8000u;
      let magnitude = bits & 0x7fffffffu;
      if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
      if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
      if (magnitude < 0x38800000u) {
        if (magnitude < 0x33000000u) { return sign; }
        let shift = 126u - (magnitude >> 23u);
        let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
        let kept = mantissa >> shift;
        let rest = mantissa & ((1u << shift) - 1u);
        let tie = 1u << (shift - 1u);
        let up = rest > tie || (rest == tie && (kept & 1u) == 1u);
        return sign | (kept + select(0u, 1u, up));
      }
      let kept = (magnitude - 0x38000000u) >> 13u;
      let rest = magnitude & 0x1fffu;
      let up = rest > 0x1000u || (rest == 0x1000u && (kept & 1u) == 1u);
      return sign | (kept + select(0u, 1u, up));
    }`,
  m_bfloat_bits: wgsl`
    fn m_bfloat_bits(x: f32) -> u32 {
      let bits = bitcast<u32>(x);
      if ((bits & 0x7fffffffu) > 0x7f800000u) { return (bits >> 16u) | 0x40u; }
      return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
    }`,
  // Truncates; what does not fit becomes the smallest value.
  m_to_int: wgsl`
    fn m_to_int(x: f32) -> i32 {
      if (x >= -2147483648.0 && x < 2147483648.0 && !m_isnan(x)) { return i32(x); }
      return i32(-0x7fffffff - 1);
    }`,
  // As for 64-bit integers, of which the low bits are kept.
  m_to_byte: wgsl`
    fn m_to_byte(x: f32) -> i32 {
      let bits = bitcast<u32>(x);
      let e = i32((bits >> 23u) & 0xffu) - 127;
      if (e < 0 || e >= 32 + 23 || m_isnan(x)) { return 0; }
      let m = (bits & 0x7fffffu) | 0x800000u;
      let whole = select(m >> u32(23 - min(e, 23)), m << u32(max(e - 23, 0)), e > 23);
      return bitcast<i32>(select(whole, 0u - whole, (bits >> 31u) == 1u));
    }`,
  m_scale: wgsl`
    fn m_scale(x: f32, n: i32) -> f32 {
      let half = n >> 1u;
      return x * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(n - half + 127) << 23u);
    }`,
  // e^r − 1 for |r| up to ln(2) / 2.
  m_exp_tail: wgsl`
    fn m_exp_tail(r: f32) -> f32 {
      return r + r * r * ${
    poly("r", [
      1.9875691500e-4,
      1.3981999507e-3,
      8.3334519073e-3,
      4.1665795894e-2,
      1.6666665459e-1,
      5.0000001201e-1,
    ])
  };
    }`,
  m_exp_rest: `fn m_exp_rest(x: f32, n: f32) -> f32 { return (x - n * 0.693359375) + n * 2.12194440e-4; }`,
  m_exp: wgsl`
    fn m_exp(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (x > 88.722835) { return m_inf(); }
      if (x < -103.98) { return 0.0; }
      let n = round(x * 1.44269504);
      return m_scale(1.0 + m_exp_tail(m_exp_rest(x, n)), i32(n));
    }`,
  m_exp2: wgsl`
    fn m_exp2(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (x >= 128.0) { return m_inf(); }
      if (x < -150.0) { return 0.0; }
      let n = round(x);
      return m_scale(1.0 + m_exp_tail((x - n) * 0.69314718), i32(n));
    }`,
  m_expm1: wgsl`
    fn m_expm1(x: f32) -> f32 {
      if (m_isnan(x) || x == 0.0) { return x; }
      if (x > 88.0) { return m_exp(x); }
      if (x < -18.0) { return -1.0; }
      let n = round(x * 1.44269504);
      let scale = m_scale(1.0, i32(n));
      return scale * m_exp_tail(m_exp_rest(x, n)) + (scale - 1.0);
    }`,
  // x = 2^e (1 + f) with 1 + f in √½ … √2, for positive finite x: (e, f). Integers turn denormals into normal numbers.
  m_split: wgsl`
    fn m_split(x: f32) -> vec2<f32> {
      var bits = bitcast<u32>(x);
      var e = 0.0;
      if (bits < 0x00800000u) {
        bits = bitcast<u32>(f32(bits));
        e = -149.0;
      }
      let shifted = bitcast<i32>(bits) - 0x3f3504f3;
      e += f32(shifted >> 23u);
      let f = bitcast<f32>((shifted & 0x7fffff) + 0x3f3504f3) - 1.0;
      return vec2<f32>(e, f);
    }`,
  // ln(1 + f) − f.
  m_log_tail: wgsl`
    fn m_log_tail(f: f32) -> f32 {
      let z = f * f;
      return f * z * ${
    poly("f", [
      ...[
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
      ],
      ...[2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1],
    ])
  } - 0.5 * z;
    }`,
  m_log: wgsl`
    fn m_log(x: f32) -> f32 {
      if (m_isnan(x) || x < 0.0) { return m_nan(); }
      if (x == 0.0 && (bitcast<u32>(x) & 0x7fffffffu) == 0u) { return -m_inf(); }
      if (m_isinf(x)) { return x; }
      let s = m_split(x);
      return (s.y + (m_log_tail(s.y) - s.x * 2.12194440e-4)) + s.x * 0.693359375;
    }`,
  m_log2: wgsl`
    fn m_log2(x: f32) -> f32 {
      if (m_isnan(x) || x < 0.0) { return m_nan(); }
      if (x == 0.0 && (bitcast<u32>(x) & 0x7fffffffu) == 0u) { return -m_inf(); }
      if (m_isinf(x)) { return x; }
      let s = m_split(x);
      let tail = m_log_tail(s.y);
      return (s.y + (tail * 1.44269504 + s.y * 0.44269504)) + s.x;
    }`,
  m_log10: wgsl`
    fn m_log10(x: f32) -> f32 {
      if (m_isnan(x) || x < 0.0) { return m_nan(); }
      if (x == 0.0 && (bitcast<u32>(x) & 0x7fffffffu) == 0u) { return -m_inf(); }
      if (m_isinf(x)) { return x; }
      let s = m_split(x);
      return ((s.y + m_log_tail(s.y)) * 0.434294482 + s.x * 4.6050390e-6) + s.x * 0.301025390625;
    }`,
  // Near 0 by 2 artanh(x / (2 + x)), whose terms no compiler can cancel.
  m_log1p: wgsl`
    fn m_log1p(x: f32) -> f32 {
      if (m_isnan(x) || x == 0.0) { return x; }
      if (x > -0.29 && x < 0.41) {
        let s = x / (2.0 + x);
        let z = s * s;
        return 2.0 * s + 2.0 * s * z * ${poly("z", [1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3])};
      }
      return m_log(1.0 + x);
    }`,
  m_sqrt: wgsl`
    fn m_sqrt(x: f32) -> f32 {
      if (m_isnan(x) || x == 0.0 || (x > 0.0 && m_isinf(x))) { return x; }
      if (x < 0.0) { return m_nan(); }
      let y = sqrt(x);
      return y;
    }`,
  m_rsqrt: wgsl`
    fn m_rsqrt(x: f32) -> f32 {
      if (m_isnan(x) || x < 0.0) { return m_nan(); }
      if (x == 0.0) { return m_copysign(m_inf(), x); }
      if (m_isinf(x)) { return 0.0; }
      return 1.0 / sqrt(x);
    }`,
  m_div: wgsl`
    fn m_div(x: f32, y: f32) -> f32 {
      if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
      let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
      let ax = m_abs(x);
      let ay = m_abs(y);
      if (m_isinf(ax)) {
        if (m_isinf(ay)) { return m_nan(); }
        return bitcast<f32>(0x7f800000u | sign);
      }
      if (m_isinf(ay)) { return bitcast<f32>(sign); }
      if (ay == 0.0) {
        if (ax == 0.0) { return m_nan(); }
        return bitcast<f32>(0x7f800000u | sign);
      }
      return x / y;
    }`,
  // x mod π/2 in −π/4 … π/4, and how many quarters were taken off.
  m_quadrant: wgsl`
    fn m_quadrant(x: f32) -> vec2<f32> {
      if (abs(x) > 10000.0) { return m_quadrant_far(x); }
      let n = round(x * 0.636619772);
      let r = ((x - n * 1.5703125) - n * 4.83751296997e-4) - n * 7.54978995489e-8;
      return vec2<f32>(r, n - 4.0 * floor(n * 0.25));
    }`,
  // Payne and Hanek 1983: the bits of 2/π that matter, times the mantissa, modulo 4.
  m_quadrant_far: wgsl`
    fn m_quadrant_far(x: f32) -> vec2<f32> {
      var table = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
      let bits = bitcast<u32>(x);
      let mantissa = (bits & 0x7fffffu) | 0x800000u;
      let start = ((bits >> 23u) & 0xffu) - 120u;
      let word = start >> 5u;
      let by = start & 31u;
      var w: array<u32, 3>;
      for (var k = 0u; k < 3u; k++) {
        let low = select(table[word + k + 1u] >> (32u - by), 0u, by == 0u);
        w[k] = (table[word + k] << by) | low;
      }
      let p2 = m_mul_high(w[2], mantissa);
      let l1 = w[1] * mantissa + p2;
      let p1 = m_mul_high(w[1], mantissa) + select(0u, 1u, l1 < p2);
      let top = w[0] * mantissa + p1;
      // top holds x · 2/π modulo 4 in its upper 2 bits and the fraction below; l1 goes on.
      var n = top >> 30u;
      var high = (top << 2u) | (l1 >> 30u);
      var low = l1 << 2u;
      var negative = false;
      if ((high >> 31u) == 1u) {
        n += 1u;
        negative = true;
        low = ~low + 1u;
        high = ~high + select(0u, 1u, low == 0u);
      }
      let fraction = f32(high) * 2.3283064365e-10 + f32(low) * 5.4210108624e-20;
      var r = fraction * 1.57079632679;
      if (negative) { r = -r; }
      if (x < 0.0) { return vec2<f32>(-r, f32((4u - (n & 3u)) & 3u)); }
      return vec2<f32>(r, f32(n & 3u));
    }`,
  m_mul_high: wgsl`
    fn m_mul_high(a: u32, b: u32) -> u32 {
      let al = a & 0xffffu;
      let ah = a >> 16u;
      let bl = b & 0xffffu;
      let bh = b >> 16u;
      let ll = al * bl;
      let lh = al * bh;
      let hl = ah * bl;
      let middle = (ll >> 16u) + (lh & 0xffffu) + (hl & 0xffffu);
      return ah * bh + (lh >> 16u) + (hl >> 16u) + (middle >> 16u);
    }`,
  m_sin_near: wgsl`
    fn m_sin_near(r: f32) -> f32 {
      let z = r * r;
      return r + r * z * ${poly("z", [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1])};
    }`,
  m_cos_near: wgsl`
    fn m_cos_near(r: f32) -> f32 {
      let z = r * r;
      return (1.0 - 0.5 * z) + z * z * ${
    poly("z", [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2])
  };
    }`,
  m_sin: wgsl`
    fn m_sin(x: f32) -> f32 {
      if (m_isnan(x) || m_isinf(x)) { return m_nan(); }
      if (x == 0.0) { return x; }
      let q = m_quadrant(x);
      let v = select(m_sin_near(q.x), m_cos_near(q.x), q.y == 1.0 || q.y == 3.0);
      return select(v, -v, q.y >= 2.0);
    }`,
  m_cos: wgsl`
    fn m_cos(x: f32) -> f32 {
      if (m_isnan(x) || m_isinf(x)) { return m_nan(); }
      let q = m_quadrant(x);
      let v = select(m_cos_near(q.x), m_sin_near(q.x), q.y == 1.0 || q.y == 3.0);
      return select(v, -v, q.y == 1.0 || q.y == 2.0);
    }`,
  m_tan: wgsl`
    fn m_tan(x: f32) -> f32 {
      if (m_isnan(x) || m_isinf(x)) { return m_nan(); }
      if (x == 0.0) { return x; }
      let q = m_quadrant(x);
      let s = m_sin_near(q.x);
      let c = m_cos_near(q.x);
      return select(s / c, -c / s, q.y == 1.0 || q.y == 3.0);
    }`,
  m_asin_near: wgsl`
    fn m_asin_near(x: f32) -> f32 {
      let z = x * x;
      return x + x * z * ${
    poly("z", [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1])
  };
    }`,
  m_asin: wgsl`
    fn m_asin(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x) || a > 1.0) { return m_nan(); }
      if (a <= 0.5) { return m_asin_near(x); }
      return m_copysign(1.57079632679 - 2.0 * m_asin_near(sqrt(0.5 * (1.0 - a))), x);
    }`,
  m_acos: wgsl`
    fn m_acos(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x) || a > 1.0) { return m_nan(); }
      if (a <= 0.5) { return 1.57079632679 - m_asin_near(x); }
      let y = 2.0 * m_asin_near(sqrt(0.5 * (1.0 - a)));
      return select(y, 3.14159265359 - y, x < 0.0);
    }`,
  m_atan: wgsl`
    fn m_atan(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      var a = m_abs(x);
      var y = 0.0;
      if (a > 1e9) { return m_copysign(1.57079632679, x); }
      if (a > 2.414213562) {
        y = 1.57079632679;
        a = -1.0 / a;
      } else if (a > 0.4142135624) {
        y = 0.785398163397;
        a = (a - 1.0) / (a + 1.0);
      }
      let z = a * a;
      let v = y + (a + a * z * ${
    poly("z", [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1])
  });
      return m_copysign(v, x);
    }`,
  m_atan2: wgsl`
    fn m_atan2(y: f32, x: f32) -> f32 {
      if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
      let ax = m_abs(x);
      let ay = m_abs(y);
      var v = 0.0;
      if (ay == 0.0) { v = 0.0; }
      else if (ax == 0.0) { v = 1.57079632679; }
      else if (m_isinf(ax)) { v = select(0.0, 0.785398163397, m_isinf(ay)); }
      else if (m_isinf(ay)) { v = 1.57079632679; }
      else if (ay > ax) { v = 1.57079632679 - m_atan(ax / ay); }
      else { v = m_atan(ay / ax); }
      if (m_signbit(x)) { v = 3.14159265359 - v; }
      return m_copysign(v, y);
    }`,
  // √½ eˣ, twice: eˣ / 2 where eˣ overflows.
  m_half_exp: `fn m_half_exp(x: f32) -> f32 { let h = m_exp(0.5 * x); return 0.5 * h * h; }`,
  m_sinh: wgsl`
    fn m_sinh(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x)) { return x; }
      if (a > 90.0) { return m_copysign(m_inf(), x); }
      if (a > 80.0) { return m_copysign(m_half_exp(a), x); }
      if (a > 1.0) {
        let e = m_exp(a);
        return m_copysign(0.5 * (e - 1.0 / e), x);
      }
      let z = x * x;
      return x + x * z * ${poly("z", [2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1])};
    }`,
  m_cosh: wgsl`
    fn m_cosh(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x)) { return x; }
      if (a > 90.0) { return m_inf(); }
      if (a > 80.0) { return m_half_exp(a); }
      let e = m_exp(a);
      return 0.5 * (e + 1.0 / e);
    }`,
  m_tanh: wgsl`
    fn m_tanh(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x)) { return x; }
      if (a > 9.2) { return m_copysign(1.0, x); }
      if (a > 0.625) { return m_copysign(1.0 - 2.0 / (m_exp(2.0 * a) + 1.0), x); }
      let z = x * x;
      return x + x * z * ${
    poly("z", [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1])
  };
    }`,
  m_asinh: wgsl`
    fn m_asinh(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x) || m_isinf(x) || x == 0.0) { return x; }
      if (a > 1e9) { return m_copysign(m_log(a) + 0.69314718, x); }
      return m_copysign(m_log1p(a + a * a / (1.0 + sqrt(a * a + 1.0))), x);
    }`,
  m_acosh: wgsl`
    fn m_acosh(x: f32) -> f32 {
      if (m_isnan(x) || x < 1.0) { return m_nan(); }
      if (x > 1e9) { return m_log(x) + 0.69314718; }
      let t = x - 1.0;
      return m_log1p(t + sqrt(2.0 * t + t * t));
    }`,
  m_atanh: wgsl`
    fn m_atanh(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x) || a > 1.0) { return m_nan(); }
      if (a == 1.0) { return m_copysign(m_inf(), x); }
      if (a == 0.0) { return x; }
      return m_copysign(0.5 * m_log1p(2.0 * a / (1.0 - a)), x);
    }`,
  m_sigmoid: wgsl`
    fn m_sigmoid(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (x >= 0.0) { return 1.0 / (1.0 + m_exp(-x)); }
      if (x < -87.0) { return m_exp(x); }
      let e = m_exp(x);
      return e / (1.0 + e);
    }`,
  m_erf_small: wgsl`
    fn m_erf_small(x: f32) -> f32 {
      let z = x * x;
      return x * (${poly("z", ERF_P)} / ${poly("z", ERF_Q)});
    }`,
  m_erfcx_large: wgsl`
    fn m_erfcx_large(x: f32) -> f32 {
      if (x <= 4.0) { return ${poly("x", ERFC_P)} / ${poly("x", ERFC_Q)}; }
      if (x > 1e9) { return 0.564189583548 / x; }
      let y = 1.0 / (x * x);
      return (0.564189583548 - y * ${poly("y", ERFCX_P)} / ${poly("y", ERFCX_Q)}) / x;
    }`,
  // exp(sign x²); the square of the leading bits of x is exact.
  m_exp_square: wgsl`
    fn m_exp_square(x: f32, s: f32) -> f32 {
      let head = trunc(x * 16.0) * 0.0625;
      return m_exp(s * head * head) * m_exp(s * (x - head) * (x + head));
    }`,
  m_erfc: wgsl`
    fn m_erfc(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      let a = m_abs(x);
      if (a <= 0.46875) { return 1.0 - m_erf_small(x); }
      var tail = 0.0;
      if (a < 10.5) { tail = m_exp_square(a, -1.0) * m_erfcx_large(a); }
      return select(tail, 2.0 - tail, x < 0.0);
    }`,
  m_erf: wgsl`
    fn m_erf(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      let a = m_abs(x);
      if (a <= 0.46875) { return m_erf_small(x); }
      return m_copysign(1.0 - m_erfc(a), x);
    }`,
  m_erfcx: wgsl`
    fn m_erfcx(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (m_abs(x) <= 0.46875) { return m_exp(x * x) * (1.0 - m_erf_small(x)); }
      if (x > 0.0) { return m_erfcx_large(x); }
      if (x < -9.5) { return m_inf(); }
      return 2.0 * m_exp_square(x, 1.0) - m_erfcx_large(-x);
    }`,
  // The y > 0 with erfc(y) = q, q in (0, ½]: Newton's method on ln erfc from Abramowitz and Stegun 26.2.23.
  m_erfc_inverse: wgsl`
    fn m_erfc_inverse(q: f32) -> f32 {
      let t = sqrt(-2.0 * m_log(0.5 * q));
      var y = (t - ${poly("t", [0.010328, 0.802853, 2.515517])} / ${
    poly("t", [0.001308, 0.189269, 1.432788, 1])
  }) * 0.707106781187;
      for (var k = 0; k < 2; k++) {
        let scaled = m_erfcx(y);
        y += (m_log(scaled) - y * y - m_log(q)) * scaled * 0.886226925453;
      }
      return y;
    }`,
  m_erfinv: wgsl`
    fn m_erfinv(x: f32) -> f32 {
      let a = m_abs(x);
      if (m_isnan(x) || a > 1.0) { return m_nan(); }
      if (a == 1.0) { return m_copysign(m_inf(), x); }
      if (a > 0.5) { return m_copysign(m_erfc_inverse(1.0 - a), x); }
      let z = 3.14159265359 * x * x;
      var y = 0.886226925453 * x * ${poly("z", [127 / 40320, 7 / 480, 1 / 12, 1])};
      for (var k = 0; k < 2; k++) {
        let s = (m_erf(y) - x) / (1.1283791671 * m_exp(-y * y));
        y -= s / (1.0 + y * s);
      }
      return y;
    }`,
  m_ndtri: wgsl`
    fn m_ndtri(p: f32) -> f32 {
      if (m_isnan(p) || p < 0.0 || p > 1.0) { return m_nan(); }
      if (p == 0.0) { return -m_inf(); }
      if (p == 1.0) { return m_inf(); }
      if (p < 0.25) { return -1.41421356237 * m_erfc_inverse(2.0 * p); }
      if (p > 0.75) { return 1.41421356237 * m_erfc_inverse(2.0 * (1.0 - p)); }
      return 1.41421356237 * m_erfinv(2.0 * p - 1.0);
    }`,
  m_log_ndtr: wgsl`
    fn m_log_ndtr(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (x < -1e19) { return -m_inf(); }
      if (x < -1.0) { return m_log(0.5 * m_erfcx(-x * 0.707106781187)) - 0.5 * x * x; }
      return m_log1p(-0.5 * m_erfc(x * 0.707106781187));
    }`,
  m_lgamma2: wgsl`
    fn m_lgamma2(w: f32) -> f32 {
      return w * (${float(1 - EULER)} + w * ${poly("w", [...LGAMMA_SERIES].reverse())});
    }`,
  m_lgamma1p: `fn m_lgamma1p(z: f32) -> f32 { return m_lgamma2(z) - m_log1p(z); }`,
  // What Stirling's formula leaves: DLMF 5.11.1, for x ≥ 5.
  m_stirling_rest: wgsl`
    fn m_stirling_rest(x: f32) -> f32 {
      let z = 1.0 / (x * x);
      return ${poly("z", BERNOULLI.slice(0, 4).map((b, k) => b / ((2 * k + 2) * (2 * k + 1))).reverse())} / x;
    }`,
  m_lgamma_positive: wgsl`
    fn m_lgamma_positive(x: f32) -> f32 {
      if (m_isinf(x)) { return x; }
      if (x >= 8.0) {
        let l = m_log(x);
        if (x > 1e30) { return x * (l - 1.0); }
        return ((x - 0.5) * l - x) + (0.918938533205 + m_stirling_rest(x));
      }
      if (x < 0.5) { return m_lgamma1p(x) - m_log(x); }
      if (x < 1.5) { return m_lgamma1p(x - 1.0); }
      var product = 1.0;
      var rest = x;
      while (rest > 2.5) {
        rest -= 1.0;
        product *= rest;
      }
      return m_log(product) + m_lgamma2(rest - 2.0);
    }`,
  m_sin_pi: wgsl`
    fn m_sin_pi(x: f32) -> f32 {
      let r = x - 2.0 * round(0.5 * x);
      let near = select(r, m_copysign(1.0, r) - r, abs(r) > 0.5);
      return select(m_sin(3.14159265359 * near), 0.0, near == 0.0);
    }`,
  m_lgamma: wgsl`
    fn m_lgamma(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (m_isinf(x)) { return m_inf(); }
      // Denormals may count as 0 in comparisons.
      let bits = bitcast<u32>(x) & 0x7fffffffu;
      if (bits > 0u && bits < 0x00800000u) { return -m_log(m_abs(x)); }
      if (x > 0.0) { return m_lgamma_positive(x); }
      let s = m_sin_pi(x);
      if (s == 0.0) { return m_inf(); }
      return m_log(3.14159265359 / abs(s)) - m_lgamma_positive(1.0 - x);
    }`,
  m_digamma_positive: wgsl`
    fn m_digamma_positive(x: f32) -> f32 {
      if (m_isinf(x)) { return x; }
      var shift = 0.0;
      var r = x;
      while (r < 6.0) {
        shift += 1.0 / r;
        r += 1.0;
      }
      let z = 1.0 / (r * r);
      return m_log(r) - 0.5 / r - z * ${
    poly("z", BERNOULLI.slice(0, 5).map((b, k) => b / (2 * k + 2)).reverse())
  } - shift;
    }`,
  m_digamma: wgsl`
    fn m_digamma(x: f32) -> f32 {
      if (m_isnan(x)) { return x; }
      if (x == 0.0) { return m_copysign(m_inf(), m_neg(x)); }
      if (x > 0.0) { return m_digamma_positive(x); }
      if (m_isinf(x) || x == floor(x)) { return m_nan(); }
      return m_digamma_positive(1.0 - x) - 3.14159265359 / m_tan(3.14159265359 * (x - round(x)));
    }`,
  // Abramowitz and Stegun 9.6.10; all terms have one sign.
  m_bessel_series: wgsl`
    fn m_bessel_series(order: f32, x: f32) -> f32 {
      let quarter = 0.25 * x * x;
      var sum = 1.0;
      var term = 1.0;
      for (var k = 1.0; k < 60.0 && term > 1e-8 * sum; k += 1.0) {
        term *= quarter / (k * (k + order));
        sum += term;
      }
      return select(sum, 0.5 * sum * x, order == 1.0);
    }`,
  // e^−x times the function, for large x: Abramowitz and Stegun 9.7.1.
  m_bessel_far: wgsl`
    fn m_bessel_far(order: f32, x: f32) -> f32 {
      if (m_isinf(x)) { return 0.0; }
      let mu = 4.0 * order * order;
      var sum = 1.0;
      var term = 1.0;
      for (var k = 1.0; k < 20.0 && abs(term) > 1e-8; k += 1.0) {
        let odd = 2.0 * k - 1.0;
        term *= (odd * odd - mu) / (8.0 * k * x);
        sum += term;
      }
      return sum * 0.398942280401 / sqrt(x);
    }`,
  m_bessel: wgsl`
    fn m_bessel(order: f32, x: f32, scaled: bool) -> f32 {
      if (m_isnan(x)) { return x; }
      let a = m_abs(x);
      if (a < 16.0) {
        let v = m_bessel_series(order, x);
        return select(v, m_exp(-a) * v, scaled);
      }
      if (m_isinf(a) && !scaled) { return select(a, x, order == 1.0); }
      var v = m_bessel_far(order, a);
      if (!scaled) {
        let half = m_exp(0.5 * a);
        v = half * (half * v);
      }
      return select(v, m_copysign(v, x), order == 1.0);
    }`,
  m_log1p_minus: wgsl`
    fn m_log1p_minus(x: f32) -> f32 {
      if (abs(x) > 0.4) { return m_log1p(x) - x; }
      let t = x / (2.0 + x);
      let z = t * t;
      return t * (2.0 * z * ${poly("z", [1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3])} - x);
    }`,
  m_gamma_factor: wgsl`
    fn m_gamma_factor(a: f32, x: f32) -> f32 {
      if (a < 8.0) { return m_exp(a * m_log(x) - x - m_lgamma_positive(a + 1.0)); }
      return m_exp(a * m_log1p_minus((x - a) / a) - m_stirling_rest(a)) / sqrt(6.28318530718 * a);
    }`,
  // DLMF 8.7.1.
  m_gamma_lower: wgsl`
    fn m_gamma_lower(a: f32, x: f32) -> f32 {
      var sum = 1.0;
      var term = 1.0;
      for (var n = 1.0; n < 2000.0 && term > 1e-8 * sum; n += 1.0) {
        term *= x / (a + n);
        sum += term;
      }
      return m_gamma_factor(a, x) * sum;
    }`,
  // The series with alternating signs, for small x.
  m_gamma_upper_small: wgsl`
    fn m_gamma_upper_small(a: f32, x: f32) -> f32 {
      var sum = 0.0;
      var power = 1.0;
      for (var n = 1.0; n < 200.0 && abs(power) > 1e-9; n += 1.0) {
        power *= -x / n;
        sum += power / (a + n);
      }
      let gamma = select(m_lgamma_positive(1.0 + a), m_lgamma1p(a), a <= 0.5);
      let exponent = a * m_log(x) - gamma;
      return -m_expm1(exponent) - m_exp(exponent) * a * sum;
    }`,
  // DLMF 8.9.2, by Lentz's method.
  m_gamma_upper: wgsl`
    fn m_gamma_upper(a: f32, x: f32) -> f32 {
      var b = x + 1.0 - a;
      var d = 1.0 / b;
      var c = 1e30;
      var fraction = d;
      for (var n = 1.0; n < 2000.0; n += 1.0) {
        let numerator = n * (a - n);
        b += 2.0;
        d = 1.0 / (b + numerator * d);
        c = b + numerator / c;
        let factor = c * d;
        fraction *= factor;
        if (abs(factor - 1.0) < 1e-7) { break; }
      }
      return m_gamma_factor(a, x) * a * fraction;
    }`,
  // For large a: DLMF 8.12.3, 8.12.4 and 8.12.8, with ½ η² = x/a − 1 − ln(x/a).
  m_igamma_far: wgsl`
    fn m_igamma_far(a: f32, x: f32, side: f32) -> f32 {
      let mu = (x - a) / a;
      let exponent = -a * m_log1p_minus(mu);
      let eta = m_sign(mu) * sqrt(max(2.0 * exponent / a, 0.0));
      var rest = 0.0;
      if (exponent < 100.0) {
        let series = -1.0 / 3.0 + eta * (1.0 / 12.0 + eta * (-2.0 / 135.0 + eta * (1.0 / 864.0))) - 1.0 / (540.0 * a);
        rest = m_exp(-exponent) * 0.398942280401 / sqrt(a) * series;
      }
      return 0.5 * m_erfc(side * m_sign(mu) * sqrt(max(exponent, 0.0))) + side * rest;
    }`,
  // P for upper false, Q = 1 − P for upper true.
  m_igamma: wgsl`
    fn m_igamma(a: f32, x: f32, upper: bool) -> f32 {
      if ((a < 0.0 && !m_isnan(a)) || (x < 0.0 && !m_isnan(x))) { return m_nan(); }
      var p = -1.0;
      if (a == 0.0) {
        if (x == 0.0 || m_isnan(x)) { return m_nan(); }
        p = 1.0;
      } else if (x == 0.0) { p = 0.0; }
      else if (m_isinf(a)) {
        if (m_isinf(x)) { return m_nan(); }
        p = 0.0;
      } else if (m_isinf(x)) { p = 1.0; }
      if (p >= 0.0) { return select(p, 1.0 - p, upper); }
      if (m_isnan(a) || m_isnan(x)) { return m_nan(); }
      if (a >= 1000.0) { return m_igamma_far(a, x, select(-1.0, 1.0, upper)); }
      if (upper) {
        if (x > 1.1) {
          if (x > a) { return m_gamma_upper(a, x); }
          return 1.0 - m_gamma_lower(a, x);
        }
        let small = select(a < 1.1 * x, -a * m_log(x) < 0.4, x <= 0.5);
        if (small) { return m_gamma_upper_small(a, x); }
        return 1.0 - m_gamma_lower(a, x);
      }
      if (x > 1.0 && x > a) { return 1.0 - m_gamma_upper(a, x); }
      return m_gamma_lower(a, x);
    }`,
  // DLMF 25.11.5: the first terms, then the Euler–Maclaurin formula.
  m_zeta: wgsl`
    fn m_zeta(s: f32, q: f32) -> f32 {
      if (s == 1.0) { return m_inf(); }
      if (m_isnan(s) || m_isnan(q) || s < 1.0 || (m_isinf(q) && q > 0.0 && !m_isinf(s))) { return m_nan(); }
      if (q <= 0.0) {
        if (q == floor(q)) { return m_inf(); }
        if (s != floor(s)) { return m_nan(); }
      }
      if (m_isinf(s)) { return select(select(m_inf(), 0.0, q > 1.0), 1.0, q == 1.0); }
      var sum = 0.0;
      var rest = 0.0; // what the sum has lost: terms of negative q cancel
      var a = q;
      for (var k = 0; k < 1000 && a < 10.0 + 0.5 * s; k++) {
        let term = m_pow(a, -s);
        let next = sum + term;
        if (abs(next) < 1e30) {
          rest += select((term - next) + sum, (sum - next) + term, abs(sum) >= abs(term));
        }
        sum = next;
        if (a > 0.0 && term * (1.0 + a / (s - 1.0)) <= 1e-8 * sum) { return sum + rest; }
        a += 1.0;
      }
      sum += rest;
      let power = m_pow(a, -s);
      if (power < 1e-30) { return sum + m_pow(a, 1.0 - s) / (s - 1.0); } // a · power would vanish
      sum += a / (s - 1.0) * power + 0.5 * power;
      var factor = power * s / a;
      var b = array<f32, 6>(${BERNOULLI.map(float).join(", ")});
      for (var j = 1; j <= 6; j++) {
        let m = f32(2 * j);
        factor /= m;
        if (j > 1) { factor /= m - 1.0; }
        sum += b[j - 1] * factor;
        factor *= (s + m - 1.0) * (s + m) / (a * a);
      }
      return sum;
    }`,
  m_head: `fn m_head(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }`,
  // |x|^y for finite positive x: log₂ x as a sum of two numbers, whose products with the halves of y are exact.
  m_pow_positive: wgsl`
    fn m_pow_positive(x: f32, y: f32) -> f32 {
      let split = m_split(x);
      let e = split.x;
      let f = split.y;
      let d = 2.0 + f;
      let s = f / d;
      let sh = m_head(s);
      let dh = m_head(d);
      let dl = (2.0 - dh) + f;
      let sl = ((f - sh * dh) - sh * dl) / d;
      let z = s * s;
      let tail = 2.0 * sl + s * z * ${poly("z", [2 / 13, 2 / 11, 2 / 9, 2 / 7, 2 / 5, 2 / 3])};
      let lead = 2.0 * sh;
      let a = lead * ${float(1.4423828125)};
      // Cutting the bits keeps compilers from taking (e + a) - e for a.
      let th = m_head(e + a);
      let tl = ((e - th) + a) + (lead * ${float(Math.LOG2E - 1.4423828125)} + tail * 1.44269504);
      let total = th + tl;
      if (total * y > 128.5) { return m_inf(); }
      if (total * y < -151.0) { return 0.0; }
      let yh = m_head(y);
      let p = yh * th;
      let q = (y - yh) * th + y * tl;
      let n = round(p + q);
      return m_scale(1.0 + m_exp_tail(((p - n) + q) * 0.69314718), i32(n));
    }`,
  m_pow: wgsl`
    fn m_pow(x: f32, y: f32) -> f32 {
      if (y == 0.0 || x == 1.0) { return 1.0; }
      if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
      let a = m_abs(x);
      if (m_isinf(y)) {
        if (a == 1.0) { return 1.0; }
        return select(0.0, m_inf(), (a > 1.0) == (y > 0.0));
      }
      let whole = y == floor(y);
      let odd = whole && abs(y) < 16777216.0 && (i32(abs(y)) & 1) == 1;
      let sign = select(1.0, -1.0, odd && m_signbit(x));
      if (a == 0.0) { return sign * select(0.0, m_inf(), y < 0.0); }
      if (m_isinf(a)) { return sign * select(0.0, m_inf(), y > 0.0); }
      if (x < 0.0 && !whole) { return m_nan(); }
      if (y == 1.0) { return x; }
      if (y == 2.0) { return x * x; }
      return sign * m_pow_positive(a, y);
    }`,
  // Exact: the mantissa is divided as an integer, eight bits of the exponents' distance at a time.
  m_fmod: wgsl`
    fn m_fmod(x: f32, y: f32) -> f32 {
      if (m_isnan(x) || m_isnan(y) || m_isinf(x) || y == 0.0) { return m_nan(); }
      let ax = bitcast<u32>(x) & 0x7fffffffu;
      let ay = bitcast<u32>(y) & 0x7fffffffu;
      if (ax < ay) { return x; }
      let ex = max(ax >> 23u, 1u);
      let ey = max(ay >> 23u, 1u);
      var mx = select(ax & 0x7fffffu, (ax & 0x7fffffu) | 0x800000u, ax >= 0x800000u);
      let my = select(ay & 0x7fffffu, (ay & 0x7fffffu) | 0x800000u, ay >= 0x800000u);
      mx %= my;
      var d = ex - ey;
      while (d > 0u) {
        let by = min(d, 8u);
        mx = (mx << by) % my;
        d -= by;
      }
      return m_copysign(m_scale(f32(mx), i32(ey) - 150), x);
    }`,
  m_remainder: wgsl`
    fn m_remainder(x: f32, y: f32) -> f32 {
      let r = m_fmod(x, y);
      return select(r, r + y, r != 0.0 && (y < 0.0) != (r < 0.0));
    }`,
  m_floor_divide: wgsl`
    fn m_floor_divide(x: f32, y: f32) -> f32 {
      if (y == 0.0 || m_isnan(x) || m_isnan(y)) { return m_div(x, y); }
      let r = m_fmod(x, y);
      if (m_isnan(r)) { return r; }
      var q = m_div(x - r, y);
      if (r != 0.0 && (y < 0.0) != (r < 0.0)) { q -= 1.0; }
      if (q == 0.0) { return m_copysign(0.0, m_div(x, y)); }
      let whole = floor(q);
      return select(whole, whole + 1.0, q - whole > 0.5);
    }`,
  m_hypot: wgsl`
    fn m_hypot(x: f32, y: f32) -> f32 {
      let ax = m_abs(x);
      let ay = m_abs(y);
      if (m_isinf(ax) || m_isinf(ay)) { return m_inf(); }
      if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
      let high = max(ax, ay);
      if (high == 0.0) { return 0.0; }
      let r = min(ax, ay) / high;
      return high * sqrt(1.0 + r * r);
    }`,
  m_nextafter: wgsl`
    fn m_nextafter(x: f32, y: f32) -> f32 {
      if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
      if (x == y) { return y; }
      let bits = bitcast<u32>(x);
      if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(1u | (bitcast<u32>(y) & 0x80000000u)); }
      return bitcast<f32>(select(bits - 1u, bits + 1u, (y > x) == (x > 0.0)));
    }`,
  m_ipow: wgsl`
    fn m_ipow(x: i32, y: i32) -> i32 {
      if (y < 0) { return select(select(0, select(-1, 1, (y & 1) == 0), x == -1), 1, x == 1); }
      var result = 1;
      var base = x;
      var rest = y;
      while (rest > 0) {
        if ((rest & 1) == 1) { result *= base; }
        base *= base;
        rest = rest >> 1u;
      }
      return result;
    }`,
  m_ifloor_divide: wgsl`
    fn m_ifloor_divide(x: i32, y: i32) -> i32 {
      let q = m_idiv(x, y);
      return select(q, q - 1, q * y != x && (x < 0) != (y < 0));
    }`,
  m_idiv: wgsl`
    fn m_idiv(x: i32, y: i32) -> i32 {
      if (y == 0) {
        report(0);
        return 0;
      }
      if (y == -1) { return 0 - x; }
      return x / y;
    }`,
  m_ifmod: `fn m_ifmod(x: i32, y: i32) -> i32 { return x - m_idiv(x, y) * y; }`,
  m_iremainder: `fn m_iremainder(x: i32, y: i32) -> i32 { return x - m_ifloor_divide(x, y) * y; }`,
  m_gcd: wgsl`
    fn m_gcd(x: i32, y: i32) -> i32 {
      var a = bitcast<u32>(abs(x));
      var b = bitcast<u32>(abs(y));
      while (b != 0u) {
        let r = a % b;
        a = b;
        b = r;
      }
      return bitcast<i32>(a);
    }`,
  m_logaddexp: wgsl`
    fn m_logaddexp(x: f32, y: f32) -> f32 {
      if (m_isnan(x) || m_isnan(y)) { return m_nan(); }
      if (m_isinf(x) && x == y) { return x; }
      let high = max(x, y);
      if (m_isinf(high)) { return high; }
      return high + m_log1p(m_exp(-abs(x - y)));
    }`,
  // The slope of the tanh form at x, of which s is the sigmoid.
  m_gelu_tanh_slope: wgsl`
    fn m_gelu_tanh_slope(x: f32, s: f32) -> f32 {
      return s + x * 2.0 * s * (1.0 - s) * (0.7978845608 * (1.0 + 0.134145 * x * x));
    }`,
  m_gelu: wgsl`
    fn m_gelu(x: f32) -> f32 {
      if (m_isinf(x)) { return select(x, m_nan(), x < 0.0); }
      return 0.5 * x * m_erfc(-0.707106781187 * x);
    }`,
};

/** `text` with the functions that it calls, directly or not, behind it. */
export function withFunctions(text: string): string {
  const found = new Set<string>();
  const visit = (part: string): void => {
    for (const [name] of part.matchAll(/\bm_\w+/g)) {
      if (found.has(name)) continue;
      found.add(name);
      visit(FUNCTIONS[name]!);
    }
  };
  visit(text);
  return `${text}\n${
    Object.keys(FUNCTIONS).filter((name) => found.has(name)).map((name) => `${FUNCTIONS[name]}\n`).join("\n")
  }`;
}
