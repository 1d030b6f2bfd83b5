/**
 * The ops of pointwise kernels, as classes of size zero.
 *
 * `has` says for which element types there is a vector form `v`; `s` is the form for one element. Where `near` is a faster
 * form of `v` for ordinary values, `stray` says whether eight values are not all ordinary.
 */

import * as d from "./division";
import * as m from "./vector_math";

/** One element through the vector form. */
// @ts-ignore: decorator
@inline
function lane<T>(v: v128): T {
  return v128.extract_lane<T>(v, 0);
}

@unmanaged export class Neg {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.neg<T>(x); }
  @inline s<T>(x: T): T { return <T>-x; }
}
@unmanaged export class Abs {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.abs<T>(x); }
  @inline s<T>(x: T): T { return isFloat<T>() ? abs<T>(x) : <T>(x < <T>0 ? -x : x); }
}
/** −1, 0 or 1; 0 for NaN and for −0. */
@unmanaged export class Sign {
  @inline has<T>(): bool { return sizeof<T>() < 8 || isFloat<T>(); }
  @inline v<T>(x: v128): v128 {
    if (isInteger<T>() && sizeof<T>() === 8) return x;
    else {
      const zero = v128.splat<T>(<T>0);
      const above = v128.and(v128.gt<T>(x, zero), v128.splat<T>(<T>1));
      return v128.or(above, v128.and(v128.lt<T>(x, zero), v128.splat<T>(<T>-1)));
    }
  }
  @inline s<T>(x: T): T { return <T>(<i32>(x > <T>0) - <i32>(x < <T>0)); }
}
@unmanaged export class Sqrt {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.sqrt<T>(x); }
  @inline s<T>(x: T): T { return sqrt<T>(x); }
}
@unmanaged export class Rsqrt {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.div<T>(v128.splat<T>(<T>1), v128.sqrt<T>(x)); }
  @inline s<T>(x: T): T { return <T>(<T>1 / sqrt<T>(x)); }
}
@unmanaged export class Reciprocal {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.div<T>(v128.splat<T>(<T>1), x); }
  @inline s<T>(x: T): T { return <T>(<T>1 / x); }
}
@unmanaged export class Floor {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.floor<T>(x); }
  @inline s<T>(x: T): T { return floor<T>(x); }
}
@unmanaged export class Ceil {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.ceil<T>(x); }
  @inline s<T>(x: T): T { return ceil<T>(x); }
}
@unmanaged export class Round {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.nearest<T>(x); }
  @inline s<T>(x: T): T { return nearest<T>(x); }
}
@unmanaged export class Trunc {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.trunc<T>(x); }
  @inline s<T>(x: T): T { return trunc<T>(x); }
}
/** max(x, 0): the operand order of pmax lets NaN pass. */
@unmanaged export class Relu {
  @inline has<T>(): bool { return sizeof<T>() >= 4 && isFloat<T>(); }
  @inline v<T>(x: v128): v128 {
    if (isInteger<T>()) return x;
    else return v128.pmax<T>(x, v128.splat<T>(<T>0));
  }
  @inline s<T>(x: T): T { return x < <T>0 ? <T>0 : x; }
}
@unmanaged export class BitwiseNot {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return v128.not(x); }
  @inline s<T>(x: T): T { return <T>~x; }
}

@unmanaged export class Exp {
  @inline stray(x: v128, y: v128): bool { return m.isBeyond2(x, y); }
  @inline near(x: v128): v128 { return m.expNear(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.exp(x); }
  @inline s<T>(x: T): T { return lane<T>(m.exp(v128.splat<T>(x))); }
}
@unmanaged export class Log {
  @inline stray(x: v128, y: v128): bool { return m.isSpecial2(x, y); }
  @inline near(x: v128): v128 { return m.logNear(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.log(x); }
  @inline s<T>(x: T): T { return lane<T>(m.log(v128.splat<T>(x))); }
}
@unmanaged export class Tanh {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.tanh(x); }
  @inline s<T>(x: T): T { return lane<T>(m.tanh(v128.splat<T>(x))); }
}
@unmanaged export class Sigmoid {
  @inline stray(x: v128, y: v128): bool { return m.isBeyond2(x, y); }
  @inline near(x: v128): v128 { return m.sigmoidNear(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.sigmoid(x); }
  @inline s<T>(x: T): T { return lane<T>(m.sigmoid(v128.splat<T>(x))); }
}
@unmanaged export class Silu {
  @inline stray(x: v128, y: v128): bool { return m.isBeyond2(x, y); }
  @inline near(x: v128): v128 { return m.siluNear(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.silu(x); }
  @inline s<T>(x: T): T { return lane<T>(m.silu(v128.splat<T>(x))); }
}
@unmanaged export class Erf {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.erf(x); }
  @inline s<T>(x: T): T { return lane<T>(m.erf(v128.splat<T>(x))); }
}
@unmanaged export class Gelu {
  @inline stray(x: v128, y: v128): bool { return m.isGeluFar2(x, y); }
  @inline near(x: v128): v128 { return m.geluNear(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.gelu(x); }
  @inline s<T>(x: T): T { return lane<T>(m.gelu(v128.splat<T>(x))); }
}
@unmanaged export class GeluTanh {
  @inline stray(x: v128, y: v128): bool { return m.isGeluTanhFar2(x, y); }
  @inline near(x: v128): v128 { return m.geluTanhNear(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.geluTanh(x); }
  @inline s<T>(x: T): T { return lane<T>(m.geluTanh(v128.splat<T>(x))); }
}

/** The functions that go by way of float64 share one call each instead of being copied into every loop. */
function tan(x: v128): v128 { return m.tan(x); }
function asin(x: v128): v128 { return m.asin(x); }
function acos(x: v128): v128 { return m.acos(x); }
function atan(x: v128): v128 { return m.atan(x); }
function sinh(x: v128): v128 { return m.sinh(x); }
function cosh(x: v128): v128 { return m.cosh(x); }
function asinh(x: v128): v128 { return m.asinh(x); }
function acosh(x: v128): v128 { return m.acosh(x); }
function atanh(x: v128): v128 { return m.atanh(x); }
function erfc(x: v128): v128 { return m.erfc(x); }

@unmanaged export class Exp2 {
  @inline stray(x: v128, y: v128): bool { return m.isBeyond2(x, y); }
  @inline near(x: v128): v128 { return m.exp2Near(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.exp2(x); }
  @inline s<T>(x: T): T { return lane<T>(m.exp2(v128.splat<T>(x))); }
}
@unmanaged export class Expm1 {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.expm1(x); }
  @inline s<T>(x: T): T { return lane<T>(m.expm1(v128.splat<T>(x))); }
}
@unmanaged export class Log2 {
  @inline stray(x: v128, y: v128): bool { return m.isSpecial2(x, y); }
  @inline near(x: v128): v128 { return m.log2Near(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.log2(x); }
  @inline s<T>(x: T): T { return lane<T>(m.log2(v128.splat<T>(x))); }
}
@unmanaged export class Log10 {
  @inline stray(x: v128, y: v128): bool { return m.isSpecial2(x, y); }
  @inline near(x: v128): v128 { return m.log10Near(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.log10(x); }
  @inline s<T>(x: T): T { return lane<T>(m.log10(v128.splat<T>(x))); }
}
@unmanaged export class Log1p {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.log1p(x); }
  @inline s<T>(x: T): T { return lane<T>(m.log1p(v128.splat<T>(x))); }
}
@unmanaged export class Sin {
  @inline stray(x: v128, y: v128): bool { return m.isWideOrMinusZero2(x, y); }
  @inline near(x: v128): v128 { return m.sinNear4(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.sin(x); }
  @inline s<T>(x: T): T { return lane<T>(m.sin(v128.splat<T>(x))); }
}
@unmanaged export class Cos {
  @inline stray(x: v128, y: v128): bool { return m.isWide2(x, y); }
  @inline near(x: v128): v128 { return m.cosNear4(x); }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return m.cos(x); }
  @inline s<T>(x: T): T { return lane<T>(m.cos(v128.splat<T>(x))); }
}
@unmanaged export class Tan {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return tan(x); }
  @inline s<T>(x: T): T { return lane<T>(tan(v128.splat<T>(x))); }
}
@unmanaged export class Asin {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return asin(x); }
  @inline s<T>(x: T): T { return lane<T>(asin(v128.splat<T>(x))); }
}
@unmanaged export class Acos {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return acos(x); }
  @inline s<T>(x: T): T { return lane<T>(acos(v128.splat<T>(x))); }
}
@unmanaged export class Atan {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return atan(x); }
  @inline s<T>(x: T): T { return lane<T>(atan(v128.splat<T>(x))); }
}
@unmanaged export class Sinh {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return sinh(x); }
  @inline s<T>(x: T): T { return lane<T>(sinh(v128.splat<T>(x))); }
}
@unmanaged export class Cosh {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return cosh(x); }
  @inline s<T>(x: T): T { return lane<T>(cosh(v128.splat<T>(x))); }
}
@unmanaged export class Asinh {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return asinh(x); }
  @inline s<T>(x: T): T { return lane<T>(asinh(v128.splat<T>(x))); }
}
@unmanaged export class Acosh {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return acosh(x); }
  @inline s<T>(x: T): T { return lane<T>(acosh(v128.splat<T>(x))); }
}
@unmanaged export class Atanh {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return atanh(x); }
  @inline s<T>(x: T): T { return lane<T>(atanh(v128.splat<T>(x))); }
}
@unmanaged export class Erfc {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128): v128 { return erfc(x); }
  @inline s<T>(x: T): T { return lane<T>(erfc(v128.splat<T>(x))); }
}

@unmanaged export class Add {
  /** What nothing adds up to. */
  @inline identity<T>(): T { return <T>0; }
  @inline isSum(): bool { return true; }
  @inline isExtreme(): bool { return false; }
  @inline quick<T>(x: v128, y: v128): v128 { return x; }
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.add<T>(x, y); }
  @inline s<T>(x: T, y: T): T { return <T>(x + y); }
}
@unmanaged export class Sub {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.sub<T>(x, y); }
  @inline s<T>(x: T, y: T): T { return <T>(x - y); }
}
@unmanaged export class Mul {
  /** What nothing multiplies to. */
  @inline identity<T>(): T { return <T>1; }
  @inline isSum(): bool { return false; }
  @inline isExtreme(): bool { return false; }
  @inline quick<T>(x: v128, y: v128): v128 { return x; }
  @inline has<T>(): bool { return sizeof<T>() > 1; }
  @inline v<T>(x: v128, y: v128): v128 {
    if (sizeof<T>() === 1) return x;
    else return v128.mul<T>(x, y);
  }
  @inline s<T>(x: T, y: T): T { return <T>(x * y); }
}
@unmanaged export class Div {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.div<T>(x, y); }
  @inline s<T>(x: T, y: T): T { return <T>(x / y); }
}
/** NaN if either is NaN, as the `max` of WebAssembly. */
@unmanaged export class Maximum {
  /** The least value. */
  @inline identity<T>(): T {
    if (isFloat<T>()) return <T>-Infinity;
    else if (!isSigned<T>()) return <T>0;
    else return <T>(<i64>-1 << (<i64>sizeof<T>() * 8 - 1));
  }
  @inline isSum(): bool { return false; }
  @inline beyond<T>(x: T, y: T): bool { return x > y; }
  @inline beyondV(x: v128, y: v128): v128 { return f32x4.gt(x, y); }
  @inline isExtreme(): bool { return true; }
  /** The larger where neither is NaN. */
  @inline quick<T>(x: v128, y: v128): v128 {
    if (isFloat<T>()) return v128.pmax<T>(x, y);
    else return x;
  }
  @inline has<T>(): bool { return sizeof<T>() < 8 || isFloat<T>(); }
  @inline v<T>(x: v128, y: v128): v128 {
    if (isInteger<T>() && sizeof<T>() === 8) return x;
    else return v128.max<T>(x, y);
  }
  @inline s<T>(x: T, y: T): T {
    if (isFloat<T>()) return max<T>(x, y);
    else return x > y ? x : y;
  }
}
@unmanaged export class Minimum {
  /** The greatest value. */
  @inline identity<T>(): T {
    if (isFloat<T>()) return <T>Infinity;
    else if (!isSigned<T>()) return <T>~0;
    else return <T>~(<i64>-1 << (<i64>sizeof<T>() * 8 - 1));
  }
  @inline isSum(): bool { return false; }
  @inline beyond<T>(x: T, y: T): bool { return x < y; }
  @inline beyondV(x: v128, y: v128): v128 { return f32x4.lt(x, y); }
  @inline isExtreme(): bool { return true; }
  /** The smaller where neither is NaN. */
  @inline quick<T>(x: v128, y: v128): v128 {
    if (isFloat<T>()) return v128.pmin<T>(x, y);
    else return x;
  }
  @inline has<T>(): bool { return sizeof<T>() < 8 || isFloat<T>(); }
  @inline v<T>(x: v128, y: v128): v128 {
    if (isInteger<T>() && sizeof<T>() === 8) return x;
    else return v128.min<T>(x, y);
  }
  @inline s<T>(x: T, y: T): T {
    if (isFloat<T>()) return min<T>(x, y);
    else return x < y ? x : y;
  }
}
@unmanaged export class BitwiseAnd {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.and(x, y); }
  @inline s<T>(x: T, y: T): T { return <T>(x & y); }
}
@unmanaged export class BitwiseOr {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.or(x, y); }
  @inline s<T>(x: T, y: T): T { return <T>(x | y); }
}
@unmanaged export class BitwiseXor {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.xor(x, y); }
  @inline s<T>(x: T, y: T): T { return <T>(x ^ y); }
}
/** Shifts of integers: by the width and more, or by less than nothing, no bit is left. */
@unmanaged export class LeftShift {
  @inline has<T>(): bool { return false; }
  @inline v<T>(x: v128, y: v128): v128 { return x; }
  @inline s<T>(x: T, y: T): T {
    if (sizeof<T>() === 8) return <u64>y > 63 ? <T>0 : <T>(x << y);
    else return <u32>y > 31 ? <T>0 : <T>(<i32>x << <i32>y);
  }
}
/** As {@linkcode LeftShift}, where the sign is left. */
@unmanaged export class RightShift {
  @inline has<T>(): bool { return false; }
  @inline v<T>(x: v128, y: v128): v128 { return x; }
  @inline s<T>(x: T, y: T): T {
    if (sizeof<T>() === 8) return <T>(x >> (<u64>y > 63 ? <T>63 : y));
    else return <T>(<i32>x >> (<u32>y > 31 ? 31 : <i32>y));
  }
}
/** Quotients and remainders: float32 by vectors, integers by their own instructions, which divisors of 0 must not reach. */
@unmanaged export class Remainder {
  @inline has<T>(): bool { return sizeof<T>() === 4 && isFloat<T>(); }
  @inline v<T>(x: v128, y: v128): v128 { return d.remainders(x, y); }
  @inline s<T>(x: T, y: T): T {
    if (isFloat<T>()) return <T>d.remainder(<f64>x, <f64>y);
    else {
      const rest = <T>(x % y);
      return rest != <T>0 && (rest ^ y) < <T>0 ? <T>(rest + y) : rest;
    }
  }
}
@unmanaged export class Fmod {
  @inline has<T>(): bool { return sizeof<T>() === 4 && isFloat<T>(); }
  @inline v<T>(x: v128, y: v128): v128 { return d.rests(x, y); }
  @inline s<T>(x: T, y: T): T {
    if (isFloat<T>()) return <T>d.rest(<f64>x, <f64>y);
    else return <T>(x % y);
  }
}
@unmanaged export class FloorDivide {
  @inline has<T>(): bool { return sizeof<T>() === 4 && isFloat<T>(); }
  @inline v<T>(x: v128, y: v128): v128 { return d.floors(x, y); }
  @inline s<T>(x: T, y: T): T {
    if (isFloat<T>()) return <T>d.floorDivide(<f64>x, <f64>y);
    else {
      // The least integer has no opposite: division by −1 would trap.
      if (y == <T>-1) return <T>-x;
      const quotient = <T>(x / y);
      return x != <T>(quotient * y) && (x ^ y) < <T>0 ? <T>(quotient - <T>1) : quotient;
    }
  }
}
@unmanaged export class TruncDivide {
  @inline has<T>(): bool { return isFloat<T>(); }
  @inline v<T>(x: v128, y: v128): v128 {
    if (isFloat<T>()) return v128.trunc<T>(v128.div<T>(x, y));
    else return x;
  }
  @inline s<T>(x: T, y: T): T {
    if (isFloat<T>()) return <T>trunc<T>(x / y);
    else return y == <T>-1 ? <T>-x : <T>(x / y);
  }
}
@unmanaged export class Atan2 {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return angles(x, y); }
  @inline s<T>(x: T, y: T): T { return lane<T>(angles(v128.splat<T>(x), v128.splat<T>(y))); }
}
/** The angle whose tangent is x / y, in the half plane of y. Where the quotient is not known, zeros or infinities meet. */
function angles(x: v128, y: v128): v128 {
  const negative = f32x4.splat(-0.0);
  let q = f32x4.div(x, y);
  const numbers = v128.and(f32x4.eq(x, x), f32x4.eq(y, y));
  const known = v128.bitselect(f32x4.splat(0), f32x4.splat(1), f32x4.eq(x, f32x4.splat(0)));
  const signs = v128.and(v128.xor(x, y), negative);
  q = v128.bitselect(v128.or(known, signs), q, v128.and(numbers, f32x4.ne(q, q)));
  const half = v128.or(f32x4.splat(3.1415927410125732), v128.and(x, negative));
  const angle = m.atan(q);
  return v128.bitselect(f32x4.add(angle, half), angle, i32x4.shr_s(y, 31));
}
/** √(x² + y²) by way of float64, where no square overflows; ∞ beside NaN too. */
@unmanaged export class Hypot {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return lengths(x, y); }
  @inline s<T>(x: T, y: T): T { return lane<T>(lengths(v128.splat<T>(x), v128.splat<T>(y))); }
}
function lengths(x: v128, y: v128): v128 {
  const low = length2(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y));
  const high = length2(
    f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1)),
    f64x2.promote_low_f32x4(i64x2.shuffle(y, y, 1, 1)),
  );
  const z = i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
  const infinity = f32x4.splat(Infinity);
  const far = v128.or(f32x4.eq(f32x4.abs(x), infinity), f32x4.eq(f32x4.abs(y), infinity));
  return v128.bitselect(infinity, z, far);
}
// @ts-ignore: decorator
@inline
function length2(x: v128, y: v128): v128 {
  return f64x2.sqrt(f64x2.add(f64x2.mul(x, x), f64x2.mul(y, y)));
}
/** The magnitude of x with the sign of y. */
@unmanaged export class Copysign {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return v128.bitselect(y, x, v128.splat<T>(<T>-0.0)); }
  @inline s<T>(x: T, y: T): T { return copysign<T>(x, y); }
}
/** g where x > 0, else 0. */
@unmanaged export class ReluBackward {
  @inline has<T>(): bool { return true; }
  @inline v<T>(g: v128, x: v128): v128 { return v128.andnot(g, v128.le<T>(x, v128.splat<T>(<T>0))); }
  @inline s<T>(g: T, x: T): T { return x <= <T>0 ? <T>0 : g; }
}
@unmanaged export class GeluBackward {
  @inline has<T>(): bool { return true; }
  @inline v<T>(g: v128, x: v128): v128 { return v128.mul<T>(g, m.geluSlope(x)); }
  @inline s<T>(g: T, x: T): T { return <T>(g * lane<T>(m.geluSlope(v128.splat<T>(x)))); }
}
@unmanaged export class GeluTanhBackward {
  @inline has<T>(): bool { return true; }
  @inline v<T>(g: v128, x: v128): v128 { return v128.mul<T>(g, m.geluTanhSlope(x)); }
  @inline s<T>(g: T, x: T): T { return <T>(g * lane<T>(m.geluTanhSlope(v128.splat<T>(x)))); }
}

@unmanaged export class Eq {
  @inline v<T>(x: v128, y: v128): v128 { return v128.eq<T>(x, y); }
  @inline s<T>(x: T, y: T): bool { return x == y; }
}
@unmanaged export class Ne {
  @inline v<T>(x: v128, y: v128): v128 { return v128.ne<T>(x, y); }
  @inline s<T>(x: T, y: T): bool { return x != y; }
}
@unmanaged export class Lt {
  @inline v<T>(x: v128, y: v128): v128 { if (sizeof<T>() === 4) return v128.lt<T>(x, y); else return x; }
  @inline s<T>(x: T, y: T): bool { return x < y; }
}
@unmanaged export class Le {
  @inline v<T>(x: v128, y: v128): v128 { if (sizeof<T>() === 4) return v128.le<T>(x, y); else return x; }
  @inline s<T>(x: T, y: T): bool { return x <= y; }
}
@unmanaged export class Gt {
  @inline v<T>(x: v128, y: v128): v128 { if (sizeof<T>() === 4) return v128.gt<T>(x, y); else return x; }
  @inline s<T>(x: T, y: T): bool { return x > y; }
}
@unmanaged export class Ge {
  @inline v<T>(x: v128, y: v128): v128 { if (sizeof<T>() === 4) return v128.ge<T>(x, y); else return x; }
  @inline s<T>(x: T, y: T): bool { return x >= y; }
}

@unmanaged export class LogicalNot {
  @inline v<T>(x: v128): v128 { return v128.eq<T>(x, v128.splat<T>(<T>0)); }
  @inline s<T>(x: T): bool { return x == <T>0; }
}
/** True where x is not 0: what a conversion to bool is. NaN is true. */
@unmanaged export class Truth {
  @inline v<T>(x: v128): v128 { return v128.ne<T>(x, v128.splat<T>(<T>0)); }
  @inline s<T>(x: T): bool { return x != <T>0; }
}
@unmanaged export class Isnan {
  @inline v<T>(x: v128): v128 { return v128.ne<T>(x, x); }
  @inline s<T>(x: T): bool { return x != x; }
}
@unmanaged export class Isinf {
  @inline v<T>(x: v128): v128 { return v128.eq<T>(v128.abs<T>(x), v128.splat<T>(<T>Infinity)); }
  @inline s<T>(x: T): bool { return abs<T>(x) == <T>Infinity; }
}
@unmanaged export class Signbit {
  @inline v<T>(x: v128): v128 { return sizeof<T>() === 8 ? i64x2.shr_s(x, 63) : i32x4.shr_s(x, 31); }
  @inline s<T>(x: T): bool {
    if (isFloat<T>()) return copysign<T>(<T>1, x) < <T>0;
    else return x < <T>0;
  }
}
@unmanaged export class Pow {
  @inline has<T>(): bool { return true; }
  @inline v<T>(x: v128, y: v128): v128 { return m.pow(x, y); }
  @inline s<T>(x: T, y: T): T { return lane<T>(m.pow(v128.splat<T>(x), v128.splat<T>(y))); }
}
