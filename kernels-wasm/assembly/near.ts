/**
 * Kernels of 3 × 3 for one channel, depthwise ones above all, that move by 1 or 2 with a border of 1 around the image: the image
 * is read where it lies. Nothing is copied to where it has a border, which would take a third of the time with steps of 1 and
 * half of it with steps of 2.
 *
 * Blocks at the left and at the right side of all rows go first and last, with zeros shifted in; rows above and below are zeros.
 * Steps of 2 load eight elements and shuffle them into those of even and of odd number.
 */

import { lastLanes } from "./depthwise";
import { mad } from "./fused";

/** Where column `i` of the kernel begins. */
// @ts-ignore: decorator
@inline
function column(columns: usize, i: i32): usize {
  return <usize>load<i32>(columns + (<usize>i << 2));
}

/** Blocks of four pixels at the left side of a plane, in the middle, at the right side. */
// @ts-ignore: decorator
@inline
const LEFT: i32 = 0;
// @ts-ignore: decorator
@inline
const MIDDLE: i32 = 1;
// @ts-ignore: decorator
@inline
const RIGHT: i32 = 2;

/** Of the eight elements in `a` and `b`, or of the four in `a`, what the middle column of a kernel of 3 × 3 multiplies. */
// @ts-ignore: decorator
@inline
function center(a: v128, b: v128, by: i32): v128 {
  return by === 1 ? a : i32x4.shuffle(a, b, 0, 2, 4, 6);
}

/** What its right column multiplies. */
// @ts-ignore: decorator
@inline
function right(r: usize, a: v128, b: v128, by: i32, side: i32): v128 {
  if (by === 2) return i32x4.shuffle(a, b, 1, 3, 5, 7);
  return side === RIGHT ? i32x4.shuffle(a, f32x4.splat(0), 1, 2, 3, 4) : v128.load(r, 4);
}

/** What its left column multiplies, where the right one multiplies `d`. */
// @ts-ignore: decorator
@inline
function left(r: usize, a: v128, d: v128, by: i32, side: i32): v128 {
  if (by === 1) return side === LEFT ? i32x4.shuffle(f32x4.splat(0), a, 3, 4, 5, 6) : v128.load(r - 4);
  return i32x4.shuffle(side === LEFT ? f32x4.splat(0) : v128.load32_splat(r - 4), d, 3, 4, 5, 6);
}

/** Row `y` of an image, or of zeros where it has none. */
// @ts-ignore: decorator
@inline
function rowOrZeros(x: usize, y: i32, high: i32, row: usize, zeros: usize): usize {
  return <u32>y < <u32>high ? x + <usize>y * row : zeros;
}

/**
 * Pixels `from` to `end` (in bytes) of all rows of a plane, `h` × `n`, for a kernel of 3 × 3 that moves by 1 or 2 with a border
 * of 1 around it, straight from the image: its `high` rows are `by` times as wide. Rows go in pairs; where the last lacks its
 * second, that goes to `edge`.
 */
// @ts-ignore: decorator
@inline
function near(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
  by: i32,
  side: i32,
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
  const row = next * <usize>by;
  for (let y = 0; y < h; y += 2) {
    const top = y * by - 1;
    const r0 = rowOrZeros(x, top, high, row, zeros);
    const r1 = x + <usize>(y * by) * row;
    const r2 = rowOrZeros(x, top + 2, high, row, zeros);
    const r3 = rowOrZeros(x, top + 3, high, row, zeros);
    const r4 = by === 2 ? rowOrZeros(x, top + 4, high, row, zeros) : 0;
    const second = y + 1 < h ? o + next : edge;
    for (let j = from; j < end; j += 16) {
      const at = j * <usize>by;
      let u = v128.load(r0 + at);
      let v = by === 2 ? v128.load(r0 + at, 16) : u;
      let d = right(r0 + at, u, v, by, side);
      let a = f32x4.mul(w0, left(r0 + at, u, d, by, side));
      a = mad(w1, center(u, v, by), a);
      a = mad(w2, d, a);
      u = v128.load(r1 + at);
      v = by === 2 ? v128.load(r1 + at, 16) : u;
      d = right(r1 + at, u, v, by, side);
      let c = left(r1 + at, u, d, by, side);
      a = mad(w3, c, a);
      let b = by === 1 ? f32x4.mul(w0, c) : c;
      c = center(u, v, by);
      a = mad(w4, c, a);
      if (by === 1) b = mad(w1, c, b);
      a = mad(w5, d, a);
      if (by === 1) b = mad(w2, d, b);
      u = v128.load(r2 + at);
      v = by === 2 ? v128.load(r2 + at, 16) : u;
      d = right(r2 + at, u, v, by, side);
      c = left(r2 + at, u, d, by, side);
      a = mad(w6, c, a);
      b = by === 1 ? mad(w3, c, b) : f32x4.mul(w0, c);
      c = center(u, v, by);
      a = mad(w7, c, a);
      b = mad(by === 1 ? w4 : w1, c, b);
      a = mad(w8, d, a);
      b = mad(by === 1 ? w5 : w2, d, b);
      v128.store(o + j, a);
      u = v128.load(r3 + at);
      v = by === 2 ? v128.load(r3 + at, 16) : u;
      d = right(r3 + at, u, v, by, side);
      c = left(r3 + at, u, d, by, side);
      b = mad(by === 1 ? w6 : w3, c, b);
      b = mad(by === 1 ? w7 : w4, center(u, v, by), b);
      b = mad(by === 1 ? w8 : w5, d, b);
      if (by === 2) {
        u = v128.load(r4 + at);
        v = v128.load(r4 + at, 16);
        d = right(r4 + at, u, v, by, side);
        b = mad(w6, left(r4 + at, u, d, by, side), b);
        b = mad(w7, center(u, v, by), b);
        b = mad(w8, d, b);
      }
      v128.store(second + j, b);
    }
    o += 2 * next;
  }
}

function nearLeft(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  near(w, x, o, high, h, n, from, end, zeros, edge, 1, LEFT);
}

function nearMiddle(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  near(w, x, o, high, h, n, from, end, zeros, edge, 1, MIDDLE);
}

function nearRight(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  near(w, x, o, high, h, n, from, end, zeros, edge, 1, RIGHT);
}

function nearLeftBy2(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  near(w, x, o, high, h, n, from, end, zeros, edge, 2, LEFT);
}

function nearMiddleBy2(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  near(w, x, o, high, h, n, from, end, zeros, edge, 2, MIDDLE);
}

/**
 * A plane, `h` × `n` (n at least 5), for a kernel of 3 × 3 that moves by 1 or 2, with a border of 1, straight from an image
 * whose `high` rows are `by` times as wide. A row of zeros lies at `zeros`, a row has room at `edge`.
 */
export function nearPlane(
  w: usize,
  x: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  by: i32,
  zeros: usize,
  edge: usize,
): void {
  const end = <usize>n << 2;
  if (by === 1) {
    nearLeft(w, x, o, high, h, n, 0, 16, zeros, edge);
    if (n > 8) nearMiddle(w, x, o, high, h, n, 16, end - 19, zeros, edge);
    nearRight(w, x, o, high, h, n, end - 16, end, zeros, edge);
  } else {
    nearLeftBy2(w, x, o, high, h, n, 0, 16, zeros, edge);
    if (n > 7) nearMiddleBy2(w, x, o, high, h, n, 16, end - 15, zeros, edge);
    if (n & 3) nearMiddleBy2(w, x, o, high, h, n, end - 16, end, zeros, edge);
  }
}

/** The gradient of {@linkcode near} for the weights, added to nine vectors of sums. */
// @ts-ignore: decorator
@inline
function nearGrads(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
  by: i32,
  side: i32,
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
  const row = next * <usize>by;
  // The last four pixels overlap those before.
  const some = lastLanes(((n - 1) & 3) + 1);
  for (let y = 0; y < h; y += 2) {
    const top = y * by - 1;
    const r0 = rowOrZeros(x, top, high, row, zeros);
    const r1 = x + <usize>(y * by) * row;
    const r2 = rowOrZeros(x, top + 2, high, row, zeros);
    const r3 = rowOrZeros(x, top + 3, high, row, zeros);
    const r4 = by === 2 ? rowOrZeros(x, top + 4, high, row, zeros) : 0;
    const second = y + 1 < h ? g + next : zeros;
    for (let j = from; j < end; j += 16) {
      const at = j * <usize>by;
      let a = v128.load(g + j);
      let b = v128.load(second + j);
      if (side === RIGHT) {
        a = v128.and(a, some);
        b = v128.and(b, some);
      }
      let u = v128.load(r0 + at);
      let v = by === 2 ? v128.load(r0 + at, 16) : u;
      let d = right(r0 + at, u, v, by, side);
      s0 = mad(a, left(r0 + at, u, d, by, side), s0);
      s1 = mad(a, center(u, v, by), s1);
      s2 = mad(a, d, s2);
      u = v128.load(r1 + at);
      v = by === 2 ? v128.load(r1 + at, 16) : u;
      d = right(r1 + at, u, v, by, side);
      let c = left(r1 + at, u, d, by, side);
      s3 = mad(a, c, s3);
      if (by === 1) s0 = mad(b, c, s0);
      c = center(u, v, by);
      s4 = mad(a, c, s4);
      if (by === 1) s1 = mad(b, c, s1);
      s5 = mad(a, d, s5);
      if (by === 1) s2 = mad(b, d, s2);
      u = v128.load(r2 + at);
      v = by === 2 ? v128.load(r2 + at, 16) : u;
      d = right(r2 + at, u, v, by, side);
      c = left(r2 + at, u, d, by, side);
      s6 = mad(a, c, s6);
      if (by === 1) s3 = mad(b, c, s3);
      else s0 = mad(b, c, s0);
      c = center(u, v, by);
      s7 = mad(a, c, s7);
      if (by === 1) s4 = mad(b, c, s4);
      else s1 = mad(b, c, s1);
      s8 = mad(a, d, s8);
      if (by === 1) s5 = mad(b, d, s5);
      else s2 = mad(b, d, s2);
      u = v128.load(r3 + at);
      v = by === 2 ? v128.load(r3 + at, 16) : u;
      d = right(r3 + at, u, v, by, side);
      c = left(r3 + at, u, d, by, side);
      if (by === 1) {
        s6 = mad(b, c, s6);
        s7 = mad(b, center(u, v, by), s7);
        s8 = mad(b, d, s8);
      } else {
        s3 = mad(b, c, s3);
        s4 = mad(b, center(u, v, by), s4);
        s5 = mad(b, d, s5);
        u = v128.load(r4 + at);
        v = v128.load(r4 + at, 16);
        d = right(r4 + at, u, v, by, side);
        s6 = mad(b, left(r4 + at, u, d, by, side), s6);
        s7 = mad(b, center(u, v, by), s7);
        s8 = mad(b, d, s8);
      }
    }
    g += 2 * next;
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

function gradsLeft(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  nearGrads(g, x, s, high, h, n, from, end, zeros, 1, LEFT);
}

function gradsMiddle(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  nearGrads(g, x, s, high, h, n, from, end, zeros, 1, MIDDLE);
}

function gradsRight(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  nearGrads(g, x, s, high, h, n, from, end, zeros, 1, RIGHT);
}

function gradsLeftBy2(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  nearGrads(g, x, s, high, h, n, from, end, zeros, 2, LEFT);
}

function gradsMiddleBy2(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  nearGrads(g, x, s, high, h, n, from, end, zeros, 2, MIDDLE);
}

function gradsRightBy2(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  from: usize,
  end: usize,
  zeros: usize,
): void {
  nearGrads(g, x, s, high, h, n, from, end, zeros, 2, RIGHT);
}

/** The gradient of {@linkcode nearPlane} for the weights, added to nine vectors of sums at `s`. */
export function nearPlaneGrad(
  g: usize,
  x: usize,
  s: usize,
  high: i32,
  h: i32,
  n: i32,
  by: i32,
  zeros: usize,
): void {
  const end = <usize>n << 2;
  if (by === 1) {
    gradsLeft(g, x, s, high, h, n, 0, 16, zeros);
    if (n > 8) gradsMiddle(g, x, s, high, h, n, 16, end - 19, zeros);
    gradsRight(g, x, s, high, h, n, end - 16, end, zeros);
  } else {
    gradsLeftBy2(g, x, s, high, h, n, 0, 16, zeros);
    if (n > 8) gradsMiddleBy2(g, x, s, high, h, n, 16, end - 19, zeros);
    gradsRightBy2(g, x, s, high, h, n, end - 16, end, zeros);
  }
}

/**
 * The gradient of a plane of the input for a kernel of 3 × 3 that moves by 2, from a plane of the gradient with `high` rows and
 * zeros below. Of 2 × 2 elements of the input the first has one product, two have two, the last has four, with 2 × 2 elements of
 * the gradient that all share. Elements of the gradient are taken from `from` to `end` (in bytes). Rows of the input are `next`
 * bytes long; where the last pair of its `h` rows lacks the second, that goes to `edge`.
 */
// @ts-ignore: decorator
@inline
function back(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  row: usize,
  next: usize,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
  side: i32,
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
  // Products are added to 0, so that no sum is −0, as where gradients are spread.
  const zero = f32x4.splat(0);
  for (let y = 0; y < h; y += 2) {
    high--;
    const below = high > 0 ? g + row : zeros;
    const p = y + 1 < h ? o + next : edge;
    for (let j = from; j < end; j += 16) {
      const g0 = v128.load(g + j);
      const g1 = side === RIGHT ? i32x4.shuffle(g0, zero, 1, 2, 3, 4) : v128.load(g + j, 4);
      const g2 = v128.load(below + j);
      const g3 = side === RIGHT ? i32x4.shuffle(g2, zero, 1, 2, 3, 4) : v128.load(below + j, 4);
      let to = o + 2 * j;
      let a = mad(w4, g0, zero);
      let b = mad(w5, g0, mad(w3, g1, zero));
      v128.store(to, i32x4.shuffle(a, b, 0, 4, 1, 5));
      v128.store(to, i32x4.shuffle(a, b, 2, 6, 3, 7), 16);
      to = p + 2 * j;
      a = mad(w7, g0, mad(w1, g2, zero));
      b = mad(w8, g0, mad(w6, g1, mad(w2, g2, mad(w0, g3, zero))));
      v128.store(to, i32x4.shuffle(a, b, 0, 4, 1, 5));
      v128.store(to, i32x4.shuffle(a, b, 2, 6, 3, 7), 16);
    }
    g += row;
    o += 2 * next;
  }
}

function backMiddle(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  row: usize,
  next: usize,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  back(w, g, o, high, h, row, next, from, end, zeros, edge, MIDDLE);
}

function backRight(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  row: usize,
  next: usize,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  back(w, g, o, high, h, row, next, from, end, zeros, edge, RIGHT);
}

/**
 * {@linkcode back} of a plane, `high` × `n` (n at least 4), with nothing but zeros around, to one of `h` rows of 2 n elements: a
 * row of zeros lies at `zeros`, a row has room at `edge`.
 */
export function nearPlaneBack(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  zeros: usize,
  edge: usize,
): void {
  const row = <usize>n << 2;
  if (n > 4) backMiddle(w, g, o, high, h, row, 2 * row, 0, row - 19, zeros, edge);
  backRight(w, g, o, high, h, row, 2 * row, row - 16, row, zeros, edge);
}

/**
 * {@linkcode back} of a padded plane, `high` × `n` (n of the form 4 i + 1), to one of 2 (high - 1) × 2 (n - 1) elements.
 */
export function paddedPlaneBack(w: usize, g: usize, o: usize, high: i32, n: i32): void {
  const row = <usize>n << 2;
  backMiddle(w, g, o, high, 2 * high - 2, row, 2 * row - 8, 0, row - 4, 0, 0);
}
