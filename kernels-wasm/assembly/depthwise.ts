/**
 * Convolutions with few output channels in a group, depthwise ones above all, and gradients of few weights: rows of the image
 * times weights in registers, four pixels at a time, without a gathered matrix.
 *
 * Pixels of a row are neighbours: where the kernel moves by more than 1, rows of the image are split, as conv.ts says. So a
 * table, `columns`, says where the columns of the kernel begin in a row, in bytes. Only where windows hardly overlap are pixels
 * taken with steps between, from an image that is not split.
 */

import { mad } from "./fused";

/** Where column `i` of the kernel begins. */
// @ts-ignore: decorator
@inline
function column(columns: usize, i: i32): usize {
  return <usize>load<i32>(columns + (<usize>i << 2));
}

/** Copies short rows, where `memory.copy` costs more than it moves. */
export function copyFloats(to: usize, from: usize, n: i32): void {
  const all = <usize>n << 2;
  let t: usize = 0;
  if (n >= 4) {
    for (; t + 16 <= all; t += 16) v128.store(to + t, v128.load(from + t));
    if (t < all) v128.store(to + all - 16, v128.load(from + all - 16));
    return;
  }
  for (; t < all; t += 4) store<f32>(to + t, load<f32>(from + t));
}

/** By how many rows of the kernel the window of the next row of pixels lies lower: 1 or 2; 0 stands for anything else. */
// @ts-ignore: decorator
@inline
function rowsBetween(down: usize, apart: usize): i32 {
  return down === apart ? 1 : down === 2 * apart ? 2 : 0;
}

/** Lanes that are all ones from the first of the last `n` on. */
// @ts-ignore: decorator
@inline
export function lastLanes(n: i32): v128 {
  const numbers = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3);
  return i32x4.gt_s(numbers, i32x4.splat(3 - n));
}

/** Four pixels of the row at `p` for column 1 or 2 of a kernel, which begins at `t`: beside the column before, if `tight`. */
// @ts-ignore: decorator
@inline
function second(p: usize, t: usize, tight: bool): v128 {
  return tight ? v128.load(p, 4) : v128.load(p + t);
}

// @ts-ignore: decorator
@inline
function third(p: usize, t: usize, tight: bool): v128 {
  return tight ? v128.load(p, 8) : v128.load(p + t);
}

/**
 * Rows of a plane with a kernel of 3 × 3, one at a time; or where the kernel is `tight`, undilated and moves by 1, two at a time:
 * rows of the image are read once for both.
 */
// @ts-ignore: decorator
@inline
function times3x3(
  w: usize,
  x: usize,
  o: usize,
  times: i32,
  n: i32,
  down: usize,
  row: usize,
  t1: usize,
  t2: usize,
  tight: bool,
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
  const last = next - 16;
  for (; times > 0; times--) {
    for (let j: usize = 0; j < next; j += 16) {
      if (j > last) j = last;
      let p = x + j;
      let v = v128.load(p);
      let a = f32x4.mul(w0, v);
      let b = a;
      v = second(p, t1, tight);
      a = mad(w1, v, a);
      v = third(p, t2, tight);
      a = mad(w2, v, a);
      p += row;
      v = v128.load(p);
      a = mad(w3, v, a);
      if (tight) b = f32x4.mul(w0, v);
      v = second(p, t1, tight);
      a = mad(w4, v, a);
      if (tight) b = mad(w1, v, b);
      v = third(p, t2, tight);
      a = mad(w5, v, a);
      if (tight) b = mad(w2, v, b);
      p += row;
      v = v128.load(p);
      a = mad(w6, v, a);
      if (tight) b = mad(w3, v, b);
      v = second(p, t1, tight);
      a = mad(w7, v, a);
      if (tight) b = mad(w4, v, b);
      v = third(p, t2, tight);
      a = mad(w8, v, a);
      v128.store(o + j, a);
      if (!tight) continue;
      b = mad(w5, v, b);
      p += row;
      b = mad(w6, v128.load(p), b);
      b = mad(w7, second(p, t1, tight), b);
      b = mad(w8, third(p, t2, tight), b);
      v128.store(o + next + j, b);
    }
    x += tight ? 2 * down : down;
    o += tight ? 2 * next : next;
  }
}

function pairs3x3(w: usize, x: usize, o: usize, times: i32, n: i32, row: usize): void {
  times3x3(w, x, o, times, n, row, row, 4, 8, true);
}

function rows3x3(
  w: usize,
  x: usize,
  o: usize,
  times: i32,
  n: i32,
  down: usize,
  row: usize,
  t1: usize,
  t2: usize,
): void {
  times3x3(w, x, o, times, n, down, row, t1, t2, false);
}

/**
 * `vectors` (1, 2 or 4) times four pixels of a row, and where `pair` is set those of the row below, whose windows begin `by`
 * rows of the kernel lower: it reads the same rows of the image. Sums stay in registers.
 */
// @ts-ignore: decorator
@inline
function block(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
  vectors: i32,
  pair: bool,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const row = <usize>kw << 2;
  const rows = pair ? kh + by : kh;
  for (let c = 0; c < channels; c++) {
    let p = x;
    let u = w;
    for (let y = 0; y < rows; y++) {
      if (!pair || y < by) {
        for (let i: usize = 0; i < row; i += 4) {
          const q = p + <usize>load<i32>(columns + i);
          const s = v128.load32_splat(w + i);
          a0 = mad(s, v128.load(q), a0);
          if (vectors > 1) a1 = mad(s, v128.load(q, 16), a1);
          if (vectors > 2) {
            a2 = mad(s, v128.load(q, 32), a2);
            a3 = mad(s, v128.load(q, 48), a3);
          }
        }
        w += row;
      } else if (y < kh) {
        for (let i: usize = 0; i < row; i += 4) {
          const q = p + <usize>load<i32>(columns + i);
          const s = v128.load32_splat(w + i);
          const t = v128.load32_splat(u + i);
          let v = v128.load(q);
          a0 = mad(s, v, a0);
          b0 = mad(t, v, b0);
          if (vectors > 1) {
            v = v128.load(q, 16);
            a1 = mad(s, v, a1);
            b1 = mad(t, v, b1);
          }
          if (vectors > 2) {
            v = v128.load(q, 32);
            a2 = mad(s, v, a2);
            b2 = mad(t, v, b2);
            v = v128.load(q, 48);
            a3 = mad(s, v, a3);
            b3 = mad(t, v, b3);
          }
        }
        w += row;
        u += row;
      } else {
        for (let i: usize = 0; i < row; i += 4) {
          const q = p + <usize>load<i32>(columns + i);
          const t = v128.load32_splat(u + i);
          b0 = mad(t, v128.load(q), b0);
          if (vectors > 1) b1 = mad(t, v128.load(q, 16), b1);
          if (vectors > 2) {
            b2 = mad(t, v128.load(q, 32), b2);
            b3 = mad(t, v128.load(q, 48), b3);
          }
        }
        u += row;
      }
      p += apart;
    }
    x += plane;
  }
  v128.store(o, a0);
  if (vectors > 1) v128.store(o, a1, 16);
  if (vectors > 2) {
    v128.store(o, a2, 32);
    v128.store(o, a3, 48);
  }
  if (pair) {
    o += next;
    v128.store(o, b0);
    if (vectors > 1) v128.store(o, b1, 16);
    if (vectors > 2) {
      v128.store(o, b2, 32);
      v128.store(o, b3, 48);
    }
  }
}

function pair4(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, columns, by, 4, true);
}

function pair2(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, columns, by, 2, true);
}

function pair1(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, columns, by, 1, true);
}

function row4(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, columns, by, 4, false);
}

function row2(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, columns, by, 2, false);
}

function row1(
  w: usize,
  x: usize,
  o: usize,
  next: usize,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, columns, by, 1, false);
}

/** One row of the result, or two, where `by` is not 0. */
function rowsInBlocks(
  w: usize,
  x: usize,
  o: usize,
  n: i32,
  channels: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  apart: usize,
  columns: usize,
  by: i32,
): void {
  const next = <usize>n << 2;
  for (let j = 0; j < n;) {
    // Many pixels at a time, also where the last overlap those before.
    const left = n - j;
    if (left > 8 && left < 16 && n >= 16) j = n - 16;
    else if (left > 4 && left < 8 && n >= 8) j = n - 8;
    else if (left < 4) j = n - 4;
    const at = <usize>j << 2;
    if (j + 16 <= n) {
      if (by) pair4(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      else row4(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      j += 16;
    } else if (j + 8 <= n) {
      if (by) pair2(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      else row2(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      j += 8;
    } else {
      if (by) pair1(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      else row1(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      j += 4;
    }
  }
}

/**
 * One output channel of `h` × `n` (n at least 4) from `channels` planes of the image and weights [channels, kh, kw]. In bytes:
 * planes lie `plane` apart, rows of pixels `down`, rows of the kernel `apart`.
 */
export function correlatePlane(
  w: usize,
  x: usize,
  o: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  apart: usize,
  columns: usize,
): void {
  let by = rowsBetween(down, apart);
  const next = <usize>n << 2;
  if (channels === 1 && kh === 3 && kw === 3) {
    const t1 = column(columns, 1);
    const t2 = column(columns, 2);
    if (by === 1 && t1 === 4 && t2 === 8) {
      pairs3x3(w, x, o, h >> 1, n, apart);
      x += <usize>(h & ~1) * down;
      o += <usize>(h & ~1) * next;
      h &= 1;
    }
    rows3x3(w, x, o, h, n, down, apart, t1, t2);
    return;
  }
  if (by >= kh) by = 0;
  if (by) {
    for (; h > 1; h -= 2) {
      rowsInBlocks(w, x, o, n, channels, kh, kw, plane, apart, columns, by);
      x += 2 * down;
      o += 2 * next;
    }
  }
  for (; h > 0; h--) {
    rowsInBlocks(w, x, o, n, channels, kh, kw, plane, apart, columns, 0);
    x += down;
    o += next;
  }
}

/**
 * Rows of the gradient times rows of the image, whose 3 × 3 products are added to nine vectors of sums: one row at a time, or
 * two, as {@linkcode times3x3}.
 */
// @ts-ignore: decorator
@inline
function grads3x3(
  g: usize,
  x: usize,
  s: usize,
  times: i32,
  n: i32,
  down: usize,
  row: usize,
  t1: usize,
  t2: usize,
  tight: bool,
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
  const some = lastLanes(n & 3);
  for (; times > 0; times--) {
    for (let j: usize = 0; j < next; j += 16) {
      let a = v128.load(g + min(j, last));
      let b = tight ? v128.load(g + next + min(j, last)) : a;
      if (j > last) {
        a = v128.and(a, some);
        if (tight) b = v128.and(b, some);
        j = last;
      }
      let p = x + j;
      let v = v128.load(p);
      s0 = mad(a, v, s0);
      v = second(p, t1, tight);
      s1 = mad(a, v, s1);
      v = third(p, t2, tight);
      s2 = mad(a, v, s2);
      p += row;
      v = v128.load(p);
      s3 = mad(a, v, s3);
      if (tight) s0 = mad(b, v, s0);
      v = second(p, t1, tight);
      s4 = mad(a, v, s4);
      if (tight) s1 = mad(b, v, s1);
      v = third(p, t2, tight);
      s5 = mad(a, v, s5);
      if (tight) s2 = mad(b, v, s2);
      p += row;
      v = v128.load(p);
      s6 = mad(a, v, s6);
      if (tight) s3 = mad(b, v, s3);
      v = second(p, t1, tight);
      s7 = mad(a, v, s7);
      if (tight) s4 = mad(b, v, s4);
      v = third(p, t2, tight);
      s8 = mad(a, v, s8);
      if (tight) s5 = mad(b, v, s5);
      if (!tight) continue;
      p += row;
      s6 = mad(b, v128.load(p), s6);
      s7 = mad(b, second(p, t1, tight), s7);
      s8 = mad(b, third(p, t2, tight), s8);
    }
    x += tight ? 2 * down : down;
    g += tight ? 2 * next : next;
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

function pairGrads3x3(g: usize, x: usize, s: usize, times: i32, n: i32, row: usize): void {
  grads3x3(g, x, s, times, n, row, row, 4, 8, true);
}

function rowGrads3x3(
  g: usize,
  x: usize,
  s: usize,
  times: i32,
  n: i32,
  down: usize,
  row: usize,
  t1: usize,
  t2: usize,
): void {
  grads3x3(g, x, s, times, n, down, row, t1, t2, false);
}

/** `h` rows of the gradient times rows of the image for `taps` (1, 3, 5 or 7) of the weights, added to vectors of sums. */
// @ts-ignore: decorator
@inline
function rowGrad(
  g: usize,
  x: usize,
  s: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
  taps: i32,
): void {
  const from = column(columns, 0);
  x += from;
  const t1 = taps > 1 ? column(columns, 1) - from : 0;
  const t2 = taps > 1 ? column(columns, 2) - from : 0;
  const t3 = taps > 3 ? column(columns, 3) - from : 0;
  const t4 = taps > 3 ? column(columns, 4) - from : 0;
  const t5 = taps > 5 ? column(columns, 5) - from : 0;
  const t6 = taps > 5 ? column(columns, 6) - from : 0;
  let s0 = v128.load(s);
  let s1 = taps > 1 ? v128.load(s, 16) : s0;
  let s2 = taps > 1 ? v128.load(s, 32) : s0;
  let s3 = taps > 3 ? v128.load(s, 48) : s0;
  let s4 = taps > 3 ? v128.load(s, 64) : s0;
  let s5 = taps > 5 ? v128.load(s, 80) : s0;
  let s6 = taps > 5 ? v128.load(s, 96) : s0;
  for (; h > 0; h--) {
    for (let j = 0; j < n; j += 4) {
      let v = v128.load(g + (<usize>min(j, n - 4) << 2));
      if (j + 4 > n) {
        v = v128.and(v, lastLanes(n & 3));
        j = n - 4;
      }
      const p = x + (<usize>j << 2);
      s0 = mad(v, v128.load(p), s0);
      if (taps > 1) {
        s1 = mad(v, v128.load(p + t1), s1);
        s2 = mad(v, v128.load(p + t2), s2);
      }
      if (taps > 3) {
        s3 = mad(v, v128.load(p + t3), s3);
        s4 = mad(v, v128.load(p + t4), s4);
      }
      if (taps > 5) {
        s5 = mad(v, v128.load(p + t5), s5);
        s6 = mad(v, v128.load(p + t6), s6);
      }
    }
    g += <usize>n << 2;
    x += down;
  }
  v128.store(s, s0);
  if (taps > 1) {
    v128.store(s, s1, 16);
    v128.store(s, s2, 32);
  }
  if (taps > 3) {
    v128.store(s, s3, 48);
    v128.store(s, s4, 64);
  }
  if (taps > 5) {
    v128.store(s, s5, 80);
    v128.store(s, s6, 96);
  }
}

function rowGrad7(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, columns: usize): void {
  rowGrad(g, x, s, h, n, down, columns, 7);
}

function rowGrad5(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, columns: usize): void {
  rowGrad(g, x, s, h, n, down, columns, 5);
}

function rowGrad3(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, columns: usize): void {
  rowGrad(g, x, s, h, n, down, columns, 3);
}

function rowGrad1(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, columns: usize): void {
  rowGrad(g, x, s, h, n, down, columns, 1);
}

/**
 * The gradient of {@linkcode correlatePlane} for the weights, added to a vector of sums for each of them at `s`.
 */
export function correlatePlaneGrad(
  g: usize,
  x: usize,
  s: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  apart: usize,
  columns: usize,
): void {
  if (channels === 1 && kh === 3 && kw === 3) {
    const t1 = column(columns, 1);
    const t2 = column(columns, 2);
    if (down === apart && t1 === 4 && t2 === 8) {
      pairGrads3x3(g, x, s, h >> 1, n, apart);
      x += <usize>(h & ~1) * down;
      g += <usize>((h & ~1) * n) << 2;
      h &= 1;
    }
    rowGrads3x3(g, x, s, h, n, down, apart, t1, t2);
    return;
  }
  const end = columns + (<usize>kw << 2);
  for (let c = 0; c < channels; c++) {
    let p = x;
    for (let a = 0; a < kh; a++) {
      let t = columns;
      for (; t + 28 <= end; t += 28, s += 112) rowGrad7(g, p, s, h, n, down, t);
      for (; t + 20 <= end; t += 20, s += 80) rowGrad5(g, p, s, h, n, down, t);
      for (; t + 12 <= end; t += 12, s += 48) rowGrad3(g, p, s, h, n, down, t);
      for (; t < end; t += 4, s += 16) rowGrad1(g, p, s, h, n, down, t);
      p += apart;
    }
    x += plane;
  }
}

/**
 * Two planes of the gradient, `other` bytes apart, times rows of the image for `taps` (1, 3 or 5) of the weights, added to
 * vectors of sums: those of the second plane lie at `t`. Columns of the kernel that are neighbours are `tight`.
 */
// @ts-ignore: decorator
@inline
function pairOfPlanes(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
  taps: i32,
  tight: bool,
): void {
  const from = column(columns, 0);
  x += from;
  const c1 = taps > 1 ? column(columns, 1) - from : 0;
  const c2 = taps > 1 ? column(columns, 2) - from : 0;
  const c3 = taps > 3 ? column(columns, 3) - from : 0;
  const c4 = taps > 3 ? column(columns, 4) - from : 0;
  let s0 = v128.load(s);
  let s1 = taps > 1 ? v128.load(s, 16) : s0;
  let s2 = taps > 1 ? v128.load(s, 32) : s0;
  let s3 = taps > 3 ? v128.load(s, 48) : s0;
  let s4 = taps > 3 ? v128.load(s, 64) : s0;
  let t0 = v128.load(t);
  let t1 = taps > 1 ? v128.load(t, 16) : t0;
  let t2 = taps > 1 ? v128.load(t, 32) : t0;
  let t3 = taps > 3 ? v128.load(t, 48) : t0;
  let t4 = taps > 3 ? v128.load(t, 64) : t0;
  for (; h > 0; h--) {
    for (let j = 0; j < n; j += 4) {
      const q = g + (<usize>min(j, n - 4) << 2);
      let a = v128.load(q);
      let b = v128.load(q + other);
      if (j + 4 > n) {
        const some = lastLanes(n & 3);
        a = v128.and(a, some);
        b = v128.and(b, some);
        j = n - 4;
      }
      const p = x + (<usize>j << 2);
      let v = v128.load(p);
      s0 = mad(a, v, s0);
      t0 = mad(b, v, t0);
      if (taps > 1) {
        v = tight ? v128.load(p, 4) : v128.load(p + c1);
        s1 = mad(a, v, s1);
        t1 = mad(b, v, t1);
        v = tight ? v128.load(p, 8) : v128.load(p + c2);
        s2 = mad(a, v, s2);
        t2 = mad(b, v, t2);
      }
      if (taps > 3) {
        v = tight ? v128.load(p, 12) : v128.load(p + c3);
        s3 = mad(a, v, s3);
        t3 = mad(b, v, t3);
        v = tight ? v128.load(p, 16) : v128.load(p + c4);
        s4 = mad(a, v, s4);
        t4 = mad(b, v, t4);
      }
    }
    g += <usize>n << 2;
    x += down;
  }
  v128.store(s, s0);
  v128.store(t, t0);
  if (taps > 1) {
    v128.store(s, s1, 16);
    v128.store(s, s2, 32);
    v128.store(t, t1, 16);
    v128.store(t, t2, 32);
  }
  if (taps > 3) {
    v128.store(s, s3, 48);
    v128.store(s, s4, 64);
    v128.store(t, t3, 48);
    v128.store(t, t4, 64);
  }
}

function tightPlanes5(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
): void {
  pairOfPlanes(g, other, x, s, t, h, n, down, columns, 5, true);
}

function pairOfPlanes5(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
): void {
  pairOfPlanes(g, other, x, s, t, h, n, down, columns, 5, false);
}

function pairOfPlanes3(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
): void {
  pairOfPlanes(g, other, x, s, t, h, n, down, columns, 3, false);
}

function pairOfPlanes1(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
): void {
  pairOfPlanes(g, other, x, s, t, h, n, down, columns, 1, true);
}

/** {@linkcode correlatePlaneGrad} for two planes of the gradient. */
function correlateGrads(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  apart: usize,
  columns: usize,
): void {
  const next = <usize>(channels * kh * kw) << 4;
  const end = columns + (<usize>kw << 2);
  const tight = kw > 4 && column(columns, 1) === 4 && column(columns, 2) === 8;
  for (let c = 0; c < channels; c++) {
    let p = x;
    for (let a = 0; a < kh; a++) {
      let t = columns;
      for (; t + 20 <= end; t += 20, s += 80) {
        if (tight) tightPlanes5(g, other, p, s, s + next, h, n, down, t);
        else pairOfPlanes5(g, other, p, s, s + next, h, n, down, t);
      }
      for (; t + 12 <= end; t += 12, s += 48) pairOfPlanes3(g, other, p, s, s + next, h, n, down, t);
      for (; t < end; t += 4, s += 16) pairOfPlanes1(g, other, p, s, s + next, h, n, down, t);
      p += apart;
    }
    x += plane;
  }
}

/** {@linkcode correlatePlaneGrad} of `rows` planes of the gradient, one after another, with as many sums. */
export function correlatePlanesGrad(
  g: usize,
  rows: i32,
  x: usize,
  s: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  apart: usize,
  columns: usize,
): void {
  const other = <usize>(h * n) << 2;
  const next = <usize>(channels * kh * kw) << 4;
  // Nine sums of a plane keep the adders busy, else those of two planes do.
  const alone = channels === 1 && kh === 3 && kw === 3;
  while (rows > 0) {
    const some = rows > 1 && !alone ? 2 : 1;
    if (some === 2) correlateGrads(g, other, x, s, channels, h, n, kh, kw, plane, down, apart, columns);
    else correlatePlaneGrad(g, x, s, channels, h, n, kh, kw, plane, down, apart, columns);
    g += <usize>some * other;
    s += <usize>some * next;
    rows -= some;
  }
}

/** Four elements, `step` bytes apart: 8 where `two` is set. */
// @ts-ignore: decorator
@inline
function four(p: usize, step: usize, two: bool): v128 {
  if (two) return i32x4.shuffle(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
  let v = v128.load32_zero(p);
  v = v128.load32_lane(p + step, v, 1);
  v = v128.load32_lane(p + 2 * step, v, 2);
  return v128.load32_lane(p + 3 * step, v, 3);
}

// @ts-ignore: decorator
@inline
function stepped(
  w: usize,
  x: usize,
  o: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  step: usize,
  apart: usize,
  tap: usize,
  two: bool,
): void {
  const row = <usize>kw << 2;
  for (; h > 0; h--) {
    // Eight pixels, or twice the last four.
    for (let j = 0; j < n; j += 8) {
      j = min(j, n - 4);
      const i = min(j + 4, n - 4);
      const next = <usize>(i - j) * step;
      let a = f32x4.splat(0);
      let b = a;
      let u = w;
      let p = x + <usize>j * step;
      for (let c = 0; c < channels; c++) {
        let q = p;
        for (let y = 0; y < kh; y++) {
          let at = q;
          for (const end = u + row; u < end; u += 4) {
            const v = v128.load32_splat(u);
            a = mad(v, four(at, step, two), a);
            b = mad(v, four(at + next, step, two), b);
            at += tap;
          }
          q += apart;
        }
        p += plane;
      }
      v128.store(o + (<usize>j << 2), a);
      v128.store(o + (<usize>i << 2), b);
    }
    x += down;
    o += <usize>n << 2;
  }
}

function steppedByTwo(
  w: usize,
  x: usize,
  o: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  step: usize,
  apart: usize,
  tap: usize,
): void {
  stepped(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap, true);
}

function steppedByMore(
  w: usize,
  x: usize,
  o: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  step: usize,
  apart: usize,
  tap: usize,
): void {
  stepped(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap, false);
}

/** {@linkcode correlatePlane} of an image whose pixels are `step` bytes apart and columns of the kernel `tap`. */
export function correlateSteps(
  w: usize,
  x: usize,
  o: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  step: usize,
  apart: usize,
  tap: usize,
): void {
  if (step === 8) steppedByTwo(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap);
  else steppedByMore(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap);
}

/** `h` rows of the gradient times rows of the image for `taps` (1, 2 or 3) columns of the kernel, added to vectors of sums. */
// @ts-ignore: decorator
@inline
function steppedGrad(
  g: usize,
  x: usize,
  s: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
  two: bool,
  taps: i32,
): void {
  let s0 = v128.load(s);
  let s1 = taps > 1 ? v128.load(s, 16) : s0;
  let s2 = taps > 2 ? v128.load(s, 32) : s0;
  const some = lastLanes(n & 3);
  for (; h > 0; h--) {
    for (let j = 0; j < n; j += 4) {
      let v = v128.load(g + (<usize>min(j, n - 4) << 2));
      if (j + 4 > n) {
        v = v128.and(v, some);
        j = n - 4;
      }
      const p = x + <usize>j * step;
      s0 = mad(v, four(p, step, two), s0);
      if (taps > 1) s1 = mad(v, four(p + tap, step, two), s1);
      if (taps > 2) s2 = mad(v, four(p + 2 * tap, step, two), s2);
    }
    g += <usize>n << 2;
    x += down;
  }
  v128.store(s, s0);
  if (taps > 1) v128.store(s, s1, 16);
  if (taps > 2) v128.store(s, s2, 32);
}

function steppedGrad1ByTwo(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  steppedGrad(g, x, s, h, n, down, step, tap, true, 1);
}

function steppedGrad1(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  steppedGrad(g, x, s, h, n, down, step, tap, false, 1);
}

function steppedGrad2ByTwo(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  steppedGrad(g, x, s, h, n, down, step, tap, true, 2);
}

function steppedGrad2(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  steppedGrad(g, x, s, h, n, down, step, tap, false, 2);
}

function steppedGrad3ByTwo(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  steppedGrad(g, x, s, h, n, down, step, tap, true, 3);
}

function steppedGrad3(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  steppedGrad(g, x, s, h, n, down, step, tap, false, 3);
}

/** The gradient of {@linkcode correlateSteps} for the weights, added to a vector of sums for each of them at `s`. */
export function correlateStepsGrad(
  g: usize,
  x: usize,
  s: usize,
  channels: i32,
  h: i32,
  n: i32,
  kh: i32,
  kw: i32,
  plane: usize,
  down: usize,
  step: usize,
  apart: usize,
  tap: usize,
): void {
  for (let c = 0; c < channels; c++) {
    let q = x;
    for (let a = 0; a < kh; a++) {
      let p = q;
      for (let b = kw; b > 0;) {
        const some = min(b, 3);
        if (step === 8) {
          if (some === 3) steppedGrad3ByTwo(g, p, s, h, n, down, step, tap);
          else if (some === 2) steppedGrad2ByTwo(g, p, s, h, n, down, step, tap);
          else steppedGrad1ByTwo(g, p, s, h, n, down, step, tap);
        } else if (some === 3) steppedGrad3(g, p, s, h, n, down, step, tap);
        else if (some === 2) steppedGrad2(g, p, s, h, n, down, step, tap);
        else steppedGrad1(g, p, s, h, n, down, step, tap);
        p += <usize>some * tap;
        s += <usize>some << 4;
        b -= some;
      }
      q += apart;
    }
    x += plane;
  }
}
