/**
 * Convolutions with few output channels in a group, depthwise ones above all, and gradients of few weights: rows of the image
 * times weights in registers, four pixels at a time, without a gathered matrix.
 *
 * Pixels of a row are neighbours: where the kernel moves by more than 1, rows of the image are split, as conv.ts says. So a
 * table, `columns`, says where the columns of the kernel begin in a row, in bytes. Only where windows hardly overlap are pixels
 * taken with steps between, from an image that is not split.
 */

import { mad } from "./fused";
import { lastLanes, nearPlane, nearPlaneGrad } from "./near";
import { Five, Four, n as number, One, Seven, Three, Two, Zero } from "./numbers";

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

/** `h` rows of a plane with a kernel of 3 × 3, whose columns begin at 0, `t1` and `t2` and rows lie `row` bytes apart. */
function rows3x3(w: usize, x: usize, o: usize, h: i32, n: i32, down: usize, row: usize, t1: usize, t2: usize): void {
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
  for (; h > 0; h--) {
    for (let j: usize = 0; j < next; j += 16) {
      if (j > last) j = last;
      let p = x + j;
      let a = f32x4.mul(w0, v128.load(p));
      a = mad(w1, v128.load(p + t1), a);
      a = mad(w2, v128.load(p + t2), a);
      p += row;
      a = mad(w3, v128.load(p), a);
      a = mad(w4, v128.load(p + t1), a);
      a = mad(w5, v128.load(p + t2), a);
      p += row;
      a = mad(w6, v128.load(p), a);
      a = mad(w7, v128.load(p + t1), a);
      a = mad(w8, v128.load(p + t2), a);
      v128.store(o + j, a);
    }
    x += down;
    o += next;
  }
}

/**
 * `vectors` (1, 2 or 4) times four pixels of a row, and where `pair` is set those of the row below, whose windows begin `by`
 * rows of the kernel lower: it reads the same rows of the image. Sums stay in registers.
 */
function block<Vectors, Rows>(
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
  const vectors = number<Vectors>();
  const pair = number<Rows>() === 2;
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
      if (by) block<Four, Two>(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      else block<Four, One>(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      j += 16;
    } else if (j + 8 <= n) {
      if (by) block<Two, Two>(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      else block<Two, One>(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      j += 8;
    } else {
      if (by) block<One, Two>(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
      else block<One, One>(w, x + at, o + at, next, channels, kh, kw, plane, apart, columns, by);
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
    if (by === 1 && t1 === 4 && t2 === 8) nearPlane(w, x, o, h + 2, <i32>(apart >> 2), 0, 0, h, n, 1, 0);
    else rows3x3(w, x, o, h, n, down, apart, t1, t2);
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

/** `h` rows of the gradient times rows of the image, whose 3 × 3 products are added to nine vectors of sums. */
function rowGrads3x3(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, row: usize, t1: usize, t2: usize): void {
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
  for (; h > 0; h--) {
    for (let j: usize = 0; j < next; j += 16) {
      let a = v128.load(g + min(j, last));
      if (j > last) {
        a = v128.and(a, some);
        j = last;
      }
      let p = x + j;
      s0 = mad(a, v128.load(p), s0);
      s1 = mad(a, v128.load(p + t1), s1);
      s2 = mad(a, v128.load(p + t2), s2);
      p += row;
      s3 = mad(a, v128.load(p), s3);
      s4 = mad(a, v128.load(p + t1), s4);
      s5 = mad(a, v128.load(p + t2), s5);
      p += row;
      s6 = mad(a, v128.load(p), s6);
      s7 = mad(a, v128.load(p + t1), s7);
      s8 = mad(a, v128.load(p + t2), s8);
    }
    x += down;
    g += next;
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

/** `h` rows of the gradient times rows of the image for `taps` (1, 3, 5 or 7) of the weights, added to vectors of sums. */
function rowGrad<Taps>(
  g: usize,
  x: usize,
  s: usize,
  h: i32,
  n: i32,
  down: usize,
  columns: usize,
): void {
  const taps = number<Taps>();
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
    if (down === apart && t1 === 4 && t2 === 8) nearPlaneGrad(g, x, s, h + 2, <i32>(apart >> 2), 0, 0, h, n, 1, 0);
    else rowGrads3x3(g, x, s, h, n, down, apart, t1, t2);
    return;
  }
  const end = columns + (<usize>kw << 2);
  for (let c = 0; c < channels; c++) {
    let p = x;
    for (let a = 0; a < kh; a++) {
      let t = columns;
      for (; t + 28 <= end; t += 28, s += 112) rowGrad<Seven>(g, p, s, h, n, down, t);
      for (; t + 20 <= end; t += 20, s += 80) rowGrad<Five>(g, p, s, h, n, down, t);
      for (; t + 12 <= end; t += 12, s += 48) rowGrad<Three>(g, p, s, h, n, down, t);
      for (; t < end; t += 4, s += 16) rowGrad<One>(g, p, s, h, n, down, t);
      p += apart;
    }
    x += plane;
  }
}

/**
 * Two planes of the gradient, `other` bytes apart, times rows of the image for `taps` (1, 3 or 5) of the weights, added to
 * vectors of sums: those of the second plane lie at `t`. Columns of the kernel that are neighbours are `tight`.
 */
function pairOfPlanes<Taps, Tight>(
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
  const taps = number<Taps>();
  const tight = number<Tight>() === 1;
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
        if (tight) pairOfPlanes<Five, One>(g, other, p, s, s + next, h, n, down, t);
        else pairOfPlanes<Five, Zero>(g, other, p, s, s + next, h, n, down, t);
      }
      for (; t + 12 <= end; t += 12, s += 48) pairOfPlanes<Three, Zero>(g, other, p, s, s + next, h, n, down, t);
      for (; t < end; t += 4, s += 16) pairOfPlanes<One, One>(g, other, p, s, s + next, h, n, down, t);
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

function stepped<By>(
  w: usize,
  x: usize,
  o: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  taps: usize,
  end: usize,
): void {
  const two = number<By>() === 2;
  for (; h > 0; h--) {
    // Eight pixels, or twice the last four.
    for (let j = 0; j < n; j += 8) {
      j = min(j, n - 4);
      const i = min(j + 4, n - 4);
      const p = x + <usize>j * step;
      const q = x + <usize>i * step;
      let a = f32x4.splat(0);
      let b = a;
      for (let t = taps, u = w; t < end; t += 4, u += 4) {
        const at = <usize>load<i32>(t);
        const v = v128.load32_splat(u);
        a = mad(v, four(p + at, step, two), a);
        b = mad(v, four(q + at, step, two), b);
      }
      v128.store(o + (<usize>j << 2), a);
      v128.store(o + (<usize>i << 2), b);
    }
    x += down;
    o += <usize>n << 2;
  }
}

/**
 * {@linkcode correlatePlane} of an image whose pixels are `step` bytes apart, all channels with `k` weights: where these lie in
 * the image, in bytes, is a table, `taps`.
 */
export function correlateSteps(
  w: usize,
  x: usize,
  o: usize,
  h: i32,
  n: i32,
  k: i32,
  down: usize,
  step: usize,
  taps: usize,
): void {
  const end = taps + (<usize>k << 2);
  if (step === 8) stepped<Two>(w, x, o, h, n, down, step, taps, end);
  else stepped<Zero>(w, x, o, h, n, down, step, taps, end);
}

/** `h` rows of the gradient times rows of the image for `taps` (1, 2 or 3) columns of the kernel, added to vectors of sums. */
function steppedGrad<By, Taps>(
  g: usize,
  x: usize,
  s: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
): void {
  const two = number<By>() === 2;
  const taps = number<Taps>();
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
          if (some === 3) steppedGrad<Two, Three>(g, p, s, h, n, down, step, tap);
          else if (some === 2) steppedGrad<Two, Two>(g, p, s, h, n, down, step, tap);
          else steppedGrad<Two, One>(g, p, s, h, n, down, step, tap);
        } else if (some === 3) steppedGrad<Zero, Three>(g, p, s, h, n, down, step, tap);
        else if (some === 2) steppedGrad<Zero, Two>(g, p, s, h, n, down, step, tap);
        else steppedGrad<Zero, One>(g, p, s, h, n, down, step, tap);
        p += <usize>some * tap;
        s += <usize>some << 4;
        b -= some;
      }
      q += apart;
    }
    x += plane;
  }
}
