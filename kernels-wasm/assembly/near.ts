/**
 * Kernels of 3 × 3 for one channel, depthwise ones above all, that move by 1 or 2 with a border of at most 1 beside rows of the
 * image: it is read where it lies. Nothing is copied to where it has a border, which would take a third of the time with steps
 * of 1 and half of it with steps of 2.
 *
 * Blocks of four columns go down the plane, so that each row of the image is read once for all rows of pixels that need it: what
 * lies above and below is left out. Those at the left and at the right side of all rows go first and last, with zeros shifted in.
 * Steps of 2 load eight elements and shuffle them into those of even and of odd number.
 */

import { mad } from "./fused";
import { n as number, One, Two, Zero } from "./numbers";

/** Blocks of four pixels at the left side of a plane, in the middle, at the right side. */
type Left = Zero;
export type Middle = One;
export type Right = Two;

/** Lanes that are all ones from the first of the last `n` on. */
// @ts-ignore: decorator
@inline
export function lastLanes(n: i32): v128 {
  const numbers = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3);
  return i32x4.gt_s(numbers, i32x4.splat(3 - n));
}

// @ts-ignore: decorator
@inline
function isLeft<Side>(): bool {
  return number<Side>() === number<Left>();
}

// @ts-ignore: decorator
@inline
export function isRight<Side>(): bool {
  return number<Side>() === number<Right>();
}

/** What the right column multiplies with steps of 1, where the middle one multiplies `u`. */
// @ts-ignore: decorator
@inline
function right<Side>(p: usize, u: v128): v128 {
  return isRight<Side>() ? i32x4.shuffle(u, f32x4.splat(0), 1, 2, 3, 4) : v128.load(p, 8);
}

/** What the left column multiplies. */
// @ts-ignore: decorator
@inline
function left<Side>(p: usize, u: v128): v128 {
  return isLeft<Side>() ? i32x4.shuffle(f32x4.splat(0), u, 3, 4, 5, 6) : v128.load(p);
}

/**
 * Pixels `from` to `end` (in bytes) of all rows of a plane, `h` × `n`, for a kernel of 3 × 3 that moves by 1, straight from the
 * image: `high` rows, `row` bytes apart. The window of the first pixel begins `top` rows (at most 1) above it, and in its rows at
 * `x`. Going down a block, each row of the image is read once for three rows of pixels, which come and go one after another.
 */
function down<Side>(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  row: usize,
  top: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  const next = <usize>n << 2;
  const last = end - 16;
  // Windows of the rows after these end below the image.
  const whole = min(h, high + top - 2);
  const first = top < 0 ? x - <usize>top * row : x;
  for (let j = from; j < end; j += 16) {
    if (!isLeft<Side>() && !isRight<Side>() && j > last) j = last;
    let p = first + j;
    let q = o + j;
    let a = f32x4.splat(0);
    if (top <= 0) {
      const u = v128.load(p, 4);
      const d = right<Side>(p, u);
      a = mad(w2, d, mad(w1, u, f32x4.mul(w0, left<Side>(p, u))));
      p += row;
    }
    let u = v128.load(p, 4);
    let d = right<Side>(p, u);
    let c = left<Side>(p, u);
    a = mad(w5, d, mad(w4, u, mad(w3, c, a)));
    let b = mad(w2, d, mad(w1, u, f32x4.mul(w0, c)));
    for (let y = 0; y < whole; y++) {
      p += row;
      u = v128.load(p, 4);
      d = right<Side>(p, u);
      c = left<Side>(p, u);
      v128.store(q, mad(w8, d, mad(w7, u, mad(w6, c, a))));
      a = mad(w5, d, mad(w4, u, mad(w3, c, b)));
      b = mad(w2, d, mad(w1, u, f32x4.mul(w0, c)));
      q += next;
    }
    if (whole < h) v128.store(q, a);
  }
}

/** With steps of 2, the four elements behind those at `p` + 4. */
// @ts-ignore: decorator
@inline
function far<Side>(p: usize): v128 {
  return isRight<Side>() ? v128.load(p, 16) : v128.load(p, 20);
}

/** What the middle column multiplies with steps of 2. */
// @ts-ignore: decorator
@inline
function even<Side>(u: v128, v: v128): v128 {
  return isRight<Side>() ? i32x4.shuffle(u, v, 0, 2, 5, 7) : i32x4.shuffle(u, v, 0, 2, 4, 6);
}

/** What the right column multiplies with steps of 2. */
// @ts-ignore: decorator
@inline
function odd<Side>(u: v128, v: v128): v128 {
  if (!isRight<Side>()) return i32x4.shuffle(u, v, 1, 3, 5, 7);
  return i32x4.shuffle(i32x4.shuffle(u, v, 1, 3, 6, 7), f32x4.splat(0), 0, 1, 2, 7);
}

/** What the left column multiplies with steps of 2, where the right one multiplies `d`: its first element lies at `l`. */
// @ts-ignore: decorator
@inline
function before(l: usize, d: v128): v128 {
  return i32x4.shuffle(v128.load32_splat(l), d, 3, 4, 5, 6);
}

/**
 * {@linkcode down} with steps of 2, which shuffles eight elements of each row into those of even and of odd number. Where there
 * is a border `beside` the image, what the first window of a row begins with is read at `zeros`.
 */
function byTwo<Side>(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  row: usize,
  top: i32,
  beside: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  const next = <usize>n << 2;
  // Windows of the rows after these end below the image.
  const whole = <usize>min(h, high + top - 1 >> 1);
  const first = top < 0 ? x - <usize>top * row : x;
  const last = end - 16;
  for (let j = from; j < end; j += 16) {
    if (j > last) j = last;
    let p = first + 2 * j;
    let q = o + j;
    const isZero = j === 0 && beside > 0;
    let l = isZero ? zeros : p;
    const left = isZero ? 0 : row;
    let a = f32x4.splat(0);
    if (top <= 0) {
      const u = v128.load(p, 4);
      const v = far<Side>(p);
      const d = odd<Side>(u, v);
      a = mad(w2, d, mad(w1, even<Side>(u, v), f32x4.mul(w0, before(l, d))));
      p += row;
      l += left;
    }
    for (const stop = q + whole * next; q !== stop; q += next) {
      let u = v128.load(p, 4);
      let v = far<Side>(p);
      let d = odd<Side>(u, v);
      a = mad(w5, d, mad(w4, even<Side>(u, v), mad(w3, before(l, d), a)));
      p += row;
      l += left;
      u = v128.load(p, 4);
      v = far<Side>(p);
      d = odd<Side>(u, v);
      const c = before(l, d);
      u = even<Side>(u, v);
      v128.store(q, mad(w8, d, mad(w7, u, mad(w6, c, a))));
      a = mad(w2, d, mad(w1, u, f32x4.mul(w0, c)));
      p += row;
      l += left;
    }
    if (<i32>whole < h) {
      const u = v128.load(p, 4);
      const v = far<Side>(p);
      const d = odd<Side>(u, v);
      v128.store(q, mad(w5, d, mad(w4, even<Side>(u, v), mad(w3, before(l, d), a))));
    }
  }
}

/** Whether the window of the last pixel in a row ends beside the image. */
// @ts-ignore: decorator
@inline
function isPast(by: i32, wide: i32, beside: i32, n: i32): bool {
  return (n - 1) * by + 2 - beside === wide;
}

/**
 * A plane, `h` × `n` (n at least 5), for a kernel of 3 × 3 that moves by 1 or 2, straight from an image of `high` × `wide` with
 * `top` rows above it and `beside` columns (1 or less) at its left side; at most one is needed at its right side. With steps of
 * 2 n may be 4, and a zero lies at `zeros`.
 */
export function nearPlane(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  wide: i32,
  top: i32,
  beside: i32,
  h: i32,
  n: i32,
  by: i32,
  zeros: usize,
): void {
  const row = <usize>wide << 2;
  const end = <usize>n << 2;
  const past = isPast(by, wide, beside, n);
  x -= <usize>(beside << 2);
  // Blocks of the middle may overlap those at the right, but end where their windows do.
  const to = past ? end - 1 & ~15 : end;
  if (by === 1) {
    const from: usize = beside > 0 ? 16 : 0;
    if (beside > 0) down<Left>(w, x, o, high, row, top, h, n, 0, 16);
    if (to > from) down<Middle>(w, x, o, high, row, top, h, n, from, to);
    if (past) down<Right>(w, x, o, high, row, top, h, n, end - 16, end);
  } else {
    if (to > 0) byTwo<Middle>(w, x, o, high, row, top, beside, h, n, 0, to, zeros);
    if (past) byTwo<Right>(w, x, o, high, row, top, beside, h, n, end - 16, end, zeros);
  }
}

/**
 * The gradient of {@linkcode down} for the weights, added to nine vectors of sums: each row of the image is read once for three
 * rows of the gradient. The last block may begin before `end`.
 */
function downGrads<Side>(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  row: usize,
  top: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
): void {
  let s0 = v128.load(s);
  let s1 = v128.load(s, 16);
  let s2 = v128.load(s, 32);
  let s3 = v128.load(s, 48);
  let s4 = v128.load(s, 64);
  let s5 = v128.load(s, 80);
  let s6 = v128.load(s, 96);
  let s7 = v128.load(s, 112);
  let s8 = v128.load(s, 128);
  const next = <usize>n << 2;
  const last = end - 16;
  // The last four pixels overlap those before.
  const some = lastLanes(((n - 1) & 3) + 1);
  const first = top < 0 ? x - <usize>top * row : x;
  for (let j = from; j < end; j += 16) {
    let q = g + (isLeft<Side>() ? j : min(j, last));
    let mask = i32x4.splat(-1);
    if (!isLeft<Side>() && j > last) {
      mask = some;
      j = last;
    }
    let p = first + j;
    let a = v128.and(v128.load(q), mask);
    let u = v128.load(p, 4);
    let d = right<Side>(p, u);
    let c = left<Side>(p, u);
    if (top <= 0) {
      s0 = mad(a, c, s0);
      s1 = mad(a, u, s1);
      s2 = mad(a, d, s2);
      p += row;
      u = v128.load(p, 4);
      d = right<Side>(p, u);
      c = left<Side>(p, u);
    }
    s3 = mad(a, c, s3);
    s4 = mad(a, u, s4);
    s5 = mad(a, d, s5);
    for (let y = 1; y < h; y++) {
      q += next;
      const b = v128.and(v128.load(q), mask);
      s0 = mad(b, c, s0);
      s1 = mad(b, u, s1);
      s2 = mad(b, d, s2);
      p += row;
      u = v128.load(p, 4);
      d = right<Side>(p, u);
      c = left<Side>(p, u);
      s6 = mad(a, c, s6);
      s7 = mad(a, u, s7);
      s8 = mad(a, d, s8);
      s3 = mad(b, c, s3);
      s4 = mad(b, u, s4);
      s5 = mad(b, d, s5);
      a = b;
    }
    // The last window ends in the row that follows, or below the image.
    if (high + top - 2 >= h) {
      p += row;
      u = v128.load(p, 4);
      d = right<Side>(p, u);
      c = left<Side>(p, u);
      s6 = mad(a, c, s6);
      s7 = mad(a, u, s7);
      s8 = mad(a, d, s8);
    }
  }
  v128.store(s, s0);
  v128.store(s, s1, 16);
  v128.store(s, s2, 32);
  v128.store(s, s3, 48);
  v128.store(s, s4, 64);
  v128.store(s, s5, 80);
  v128.store(s, s6, 96);
  v128.store(s, s7, 112);
  v128.store(s, s8, 128);
}

/**
 * {@linkcode downGrads} of a plane of five to eight columns inside a border: its left and its right block, which overlap where
 * `mask` leaves out, one after the other, so that the sums stay in registers.
 */
function narrowGrads(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  row: usize,
  top: i32,
  h: i32,
  n: i32,
): void {
  let s0 = v128.load(s);
  let s1 = v128.load(s, 16);
  let s2 = v128.load(s, 32);
  let s3 = v128.load(s, 48);
  let s4 = v128.load(s, 64);
  let s5 = v128.load(s, 80);
  let s6 = v128.load(s, 96);
  let s7 = v128.load(s, 112);
  let s8 = v128.load(s, 128);
  const next = <usize>n << 2;
  const last = next - 16;
  let mask = i32x4.splat(-1);
  const first = top < 0 ? x - <usize>top * row : x;
  for (let j: usize = 0;; j = last) {
    const isLeft = j === 0;
    let q = g + j;
    let p = first + j;
    let a = v128.and(v128.load(q), mask);
    let u = v128.load(p, 4);
    let d: v128;
    let c: v128;
    if (isLeft) {
      d = right<Left>(p, u);
      c = left<Left>(p, u);
    } else {
      d = right<Right>(p, u);
      c = left<Right>(p, u);
    }
    if (top <= 0) {
      s0 = mad(a, c, s0);
      s1 = mad(a, u, s1);
      s2 = mad(a, d, s2);
      p += row;
      u = v128.load(p, 4);
      if (isLeft) {
        d = right<Left>(p, u);
        c = left<Left>(p, u);
      } else {
        d = right<Right>(p, u);
        c = left<Right>(p, u);
      }
    }
    s3 = mad(a, c, s3);
    s4 = mad(a, u, s4);
    s5 = mad(a, d, s5);
    for (let y = 1; y < h; y++) {
      q += next;
      const b = v128.and(v128.load(q), mask);
      s0 = mad(b, c, s0);
      s1 = mad(b, u, s1);
      s2 = mad(b, d, s2);
      p += row;
      u = v128.load(p, 4);
      if (isLeft) {
        d = right<Left>(p, u);
        c = left<Left>(p, u);
      } else {
        d = right<Right>(p, u);
        c = left<Right>(p, u);
      }
      s6 = mad(a, c, s6);
      s7 = mad(a, u, s7);
      s8 = mad(a, d, s8);
      s3 = mad(b, c, s3);
      s4 = mad(b, u, s4);
      s5 = mad(b, d, s5);
      a = b;
    }
    // The last window ends in the row that follows, or below the image.
    if (high + top - 2 >= h) {
      p += row;
      u = v128.load(p, 4);
      if (isLeft) {
        d = right<Left>(p, u);
        c = left<Left>(p, u);
      } else {
        d = right<Right>(p, u);
        c = left<Right>(p, u);
      }
      s6 = mad(a, c, s6);
      s7 = mad(a, u, s7);
      s8 = mad(a, d, s8);
    }
    if (!isLeft) break;
    mask = lastLanes(n - 4);
  }
  v128.store(s, s0);
  v128.store(s, s1, 16);
  v128.store(s, s2, 32);
  v128.store(s, s3, 48);
  v128.store(s, s4, 64);
  v128.store(s, s5, 80);
  v128.store(s, s6, 96);
  v128.store(s, s7, 112);
  v128.store(s, s8, 128);
}

/** The gradient of {@linkcode byTwo} for the weights, as {@linkcode downGrads}. */
function byTwoGrads<Side>(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  row: usize,
  top: i32,
  beside: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  let s0 = v128.load(s);
  let s1 = v128.load(s, 16);
  let s2 = v128.load(s, 32);
  let s3 = v128.load(s, 48);
  let s4 = v128.load(s, 64);
  let s5 = v128.load(s, 80);
  let s6 = v128.load(s, 96);
  let s7 = v128.load(s, 112);
  let s8 = v128.load(s, 128);
  let next = <usize>n << 2;
  const last = end - 16;
  // Whether the last window ends in the image, not below.
  const whole = high + top - 1 >> 1 >= h;
  const first = top < 0 ? x - <usize>top * row : x;
  for (let j = from; j < end; j += 16) {
    let q = g + j;
    if (j > last) {
      // The last four pixels overlap those before, whose gradients are left out of a copy: sums take all registers.
      j = last;
      q = zeros - (<usize>h << 4);
      const some = lastLanes(n & 3);
      for (let y = 0; y < h; y++) v128.store(q + (y << 4), v128.and(v128.load(g + j + y * next), some));
      next = 16;
    }
    let p = first + 2 * j;
    const isZero = j === 0 && beside > 0;
    let l = isZero ? zeros : p;
    const left = isZero ? 0 : row;
    let a = v128.load(q);
    if (top <= 0) {
      const u = v128.load(p, 4);
      const v = far<Side>(p);
      const d = odd<Side>(u, v);
      s0 = mad(a, before(l, d), s0);
      s1 = mad(a, even<Side>(u, v), s1);
      s2 = mad(a, d, s2);
      p += row;
      l += left;
    }
    const stop = q + <usize>(h - 1) * next;
    while (true) {
      let u = v128.load(p, 4);
      let v = far<Side>(p);
      let d = odd<Side>(u, v);
      s3 = mad(a, before(l, d), s3);
      s4 = mad(a, even<Side>(u, v), s4);
      s5 = mad(a, d, s5);
      if (q === stop) break;
      p += row;
      l += left;
      q += next;
      u = v128.load(p, 4);
      v = far<Side>(p);
      d = odd<Side>(u, v);
      const c = before(l, d);
      u = even<Side>(u, v);
      s6 = mad(a, c, s6);
      s7 = mad(a, u, s7);
      s8 = mad(a, d, s8);
      a = v128.load(q);
      s0 = mad(a, c, s0);
      s1 = mad(a, u, s1);
      s2 = mad(a, d, s2);
      p += row;
      l += left;
    }
    if (whole) {
      p += row;
      l += left;
      const u = v128.load(p, 4);
      const v = far<Side>(p);
      const d = odd<Side>(u, v);
      s6 = mad(a, before(l, d), s6);
      s7 = mad(a, even<Side>(u, v), s7);
      s8 = mad(a, d, s8);
    }
  }
  v128.store(s, s0);
  v128.store(s, s1, 16);
  v128.store(s, s2, 32);
  v128.store(s, s3, 48);
  v128.store(s, s4, 64);
  v128.store(s, s5, 80);
  v128.store(s, s6, 96);
  v128.store(s, s7, 112);
  v128.store(s, s8, 128);
}

/** The gradient of {@linkcode nearPlane} for the weights, added to nine vectors of sums at `s`; there is room for `h` before `zeros`. */
export function nearPlaneGrad(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  wide: i32,
  top: i32,
  beside: i32,
  h: i32,
  n: i32,
  by: i32,
  zeros: usize,
): void {
  const row = <usize>wide << 2;
  const end = <usize>n << 2;
  const past = isPast(by, wide, beside, n);
  x -= <usize>(beside << 2);
  const to = past ? end - 1 & ~15 : end;
  if (by === 1 && n <= 8 && beside > 0 && past) {
    narrowGrads(g, x, s, high, row, top, h, n);
  } else if (by === 1) {
    const from: usize = beside > 0 ? 16 : 0;
    if (beside > 0) downGrads<Left>(g, x, s, high, row, top, h, n, 0, 16);
    if (to > from) downGrads<Middle>(g, x, s, high, row, top, h, n, from, to);
    if (past) downGrads<Right>(g, x, s, high, row, top, h, n, to, end);
  } else {
    if (to > 0) byTwoGrads<Middle>(g, x, s, high, row, top, beside, h, n, 0, to, zeros);
    if (past) byTwoGrads<Right>(g, x, s, high, row, top, beside, h, n, to, end, zeros);
  }
}
