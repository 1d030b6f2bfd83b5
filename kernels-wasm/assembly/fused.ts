/**
 * Instructions that an engine may compute in its own way: with one rounding or two, or by what a mask's lanes begin with.
 * The builds for other engines have their plain forms instead (`unpack.ts`).
 */

/** a b + c. */
// @ts-ignore: decorator
@inline
export function mad(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/** c − a b. */
// @ts-ignore: decorator
@inline
export function nmad(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_nmadd(a, b, c);
}

/** a b + c of float64. */
// @ts-ignore: decorator
@inline
export function madD(a: v128, b: v128, c: v128): v128 {
  return f64x2.relaxed_madd(a, b, c);
}

/** c − a b of float64. */
// @ts-ignore: decorator
@inline
export function nmadD(a: v128, b: v128, c: v128): v128 {
  return f64x2.relaxed_nmadd(a, b, c);
}

/** Lanes of `a` where those of `mask` are all ones, of `b` where they are 0. */
// @ts-ignore: decorator
@inline
export function pick(a: v128, b: v128, mask: v128): v128 {
  return i32x4.relaxed_laneselect(a, b, mask);
}
