/**
 * Convolutions with few output channels in a group, depthwise ones above all, and gradients of few weights: rows of the image
 * times weights in registers, four pixels at a time, without a gathered matrix.
 *
 * Types S stand for the step of pixels along a row: f32 for 1 element, f64 for 2, i8 for what `step` says.
 */

// @ts-ignore: decorator
@inline
function mad(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

/** Four elements, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function four<S>(p: usize, step: usize): v128 {
  if (sizeof<S>() === 4) return v128.load(p);
  if (sizeof<S>() === 8) return i32x4.shuffle(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
  let v = v128.load32_zero(p);
  v = v128.load32_lane(p + step, v, 1);
  v = v128.load32_lane(p + 2 * step, v, 2);
  return v128.load32_lane(p + 3 * step, v, 3);
}

/** Lanes that are all ones from the first of the last `n` on. */
// @ts-ignore: decorator
@inline
function lastLanes(n: i32): v128 {
  const numbers = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3);
  return i32x4.gt_s(numbers, i32x4.splat(3 - n));
}

/** Two rows of a plane whose kernel of 3 × 3 moves by 1: four rows of the image are read for both. */
function pairOfRows(w: usize, x: usize, o: usize, n: i32, row: usize): void {
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
  for (let j: usize = 0; j < next; j += 16) {
    if (j > last) j = last;
    let p = x + j;
    let v = v128.load(p);
    let a = f32x4.mul(w0, v);
    v = v128.load(p, 4);
    a = mad(w1, v, a);
    v = v128.load(p, 8);
    a = mad(w2, v, a);
    p += row;
    v = v128.load(p);
    a = mad(w3, v, a);
    let b = f32x4.mul(w0, v);
    v = v128.load(p, 4);
    a = mad(w4, v, a);
    b = mad(w1, v, b);
    v = v128.load(p, 8);
    a = mad(w5, v, a);
    b = mad(w2, v, b);
    p += row;
    v = v128.load(p);
    a = mad(w6, v, a);
    b = mad(w3, v, b);
    v = v128.load(p, 4);
    a = mad(w7, v, a);
    b = mad(w4, v, b);
    v = v128.load(p, 8);
    a = mad(w8, v, a);
    b = mad(w5, v, b);
    p += row;
    v = v128.load(p);
    b = mad(w6, v, b);
    v = v128.load(p, 4);
    b = mad(w7, v, b);
    v = v128.load(p, 8);
    b = mad(w8, v, b);
    v128.store(o + j, a);
    v128.store(o + next + j, b);
  }
}

/** A row of a plane with a kernel of 3 × 3: its rows lie `apart`, its columns `tap` bytes apart in the image. */
function rowOf3x3<S>(w: usize, x: usize, o: usize, n: i32, step: usize, apart: usize, tap: usize): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  for (let j = 0; j < n; j += 4) {
    if (j + 4 > n) j = n - 4;
    let p = x + <usize>j * step;
    let a = f32x4.mul(w0, four<S>(p, step));
    a = mad(w1, four<S>(p + tap, step), a);
    a = mad(w2, four<S>(p + 2 * tap, step), a);
    p += apart;
    a = mad(w3, four<S>(p, step), a);
    a = mad(w4, four<S>(p + tap, step), a);
    a = mad(w5, four<S>(p + 2 * tap, step), a);
    p += apart;
    a = mad(w6, four<S>(p, step), a);
    a = mad(w7, four<S>(p + tap, step), a);
    a = mad(w8, four<S>(p + 2 * tap, step), a);
    v128.store(o + (<usize>j << 2), a);
  }
}

/** A row of the image times `taps` (1, 3 or 5) of the weights, stored or added. */
// @ts-ignore: decorator
@inline
function rowTimes<S>(
  w: usize,
  x: usize,
  o: usize,
  n: i32,
  step: usize,
  tap: usize,
  taps: i32,
  add: bool,
): void {
  const w0 = v128.load32_splat(w);
  const w1 = taps > 1 ? v128.load32_splat(w, 4) : w0;
  const w2 = taps > 1 ? v128.load32_splat(w, 8) : w0;
  const w3 = taps > 3 ? v128.load32_splat(w, 12) : w0;
  const w4 = taps > 3 ? v128.load32_splat(w, 16) : w0;
  // The last four overlap those before: what they add to is read before it is written.
  const last = v128.load(o + (<usize>(n - 4) << 2));
  for (let j = 0; j < n; j += 4) {
    let q = o + (<usize>j << 2);
    let a = add ? v128.load(q) : f32x4.splat(0);
    if (j + 4 > n) {
      j = n - 4;
      q = o + (<usize>j << 2);
      if (add) a = last;
    }
    const p = x + <usize>j * step;
    a = mad(w0, four<S>(p, step), a);
    if (taps > 1) {
      a = mad(w1, four<S>(p + tap, step), a);
      a = mad(w2, four<S>(p + 2 * tap, step), a);
    }
    if (taps > 3) {
      a = mad(w3, four<S>(p + 3 * tap, step), a);
      a = mad(w4, four<S>(p + 4 * tap, step), a);
    }
    v128.store(q, a);
  }
}

function rowTimes5<S>(w: usize, x: usize, o: usize, n: i32, step: usize, tap: usize, add: bool): void {
  rowTimes<S>(w, x, o, n, step, tap, 5, add);
}

function rowTimes3<S>(w: usize, x: usize, o: usize, n: i32, step: usize, tap: usize, add: bool): void {
  rowTimes<S>(w, x, o, n, step, tap, 3, add);
}

function rowTimes1<S>(w: usize, x: usize, o: usize, n: i32, step: usize, tap: usize, add: bool): void {
  rowTimes<S>(w, x, o, n, step, tap, 1, add);
}

/**
 * `vectors` (1, 2 or 4) times four pixels of a row, and where `pair` is set those of the row below, whose windows begin one
 * row of the kernel later: it reads the same rows of the image. Sums stay in registers.
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
  tap: usize,
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
  const rows = pair ? kh + 1 : kh;
  for (let c = 0; c < channels; c++) {
    let p = x;
    for (let y = 0; y < rows; y++) {
      let q = p;
      const end = w + row;
      if (!pair || y === 0) {
        for (; w < end; w += 4) {
          const s = v128.load32_splat(w);
          a0 = mad(s, v128.load(q), a0);
          if (vectors > 1) a1 = mad(s, v128.load(q, 16), a1);
          if (vectors > 2) {
            a2 = mad(s, v128.load(q, 32), a2);
            a3 = mad(s, v128.load(q, 48), a3);
          }
          q += tap;
        }
      } else if (y < kh) {
        for (; w < end; w += 4) {
          const s = v128.load32_splat(w);
          const t = v128.load32_splat(w - row);
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
          q += tap;
        }
      } else {
        for (let u = w - row; u < w; u += 4) {
          const t = v128.load32_splat(u);
          b0 = mad(t, v128.load(q), b0);
          if (vectors > 1) b1 = mad(t, v128.load(q, 16), b1);
          if (vectors > 2) {
            b2 = mad(t, v128.load(q, 32), b2);
            b3 = mad(t, v128.load(q, 48), b3);
          }
          q += tap;
        }
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
  tap: usize,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, tap, 4, true);
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
  tap: usize,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, tap, 2, true);
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
  tap: usize,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, tap, 1, true);
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
  tap: usize,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, tap, 4, false);
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
  tap: usize,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, tap, 2, false);
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
  tap: usize,
): void {
  block(w, x, o, next, channels, kh, kw, plane, apart, tap, 1, false);
}

/** One row of the result, or two, where pixels are neighbours in the image. */
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
  tap: usize,
  pair: bool,
): void {
  const next = <usize>n << 2;
  for (let j = 0; j < n;) {
    if (j + 4 > n) j = n - 4;
    const by = <usize>j << 2;
    if (j + 16 <= n) {
      if (pair) pair4(w, x + by, o + by, next, channels, kh, kw, plane, apart, tap);
      else row4(w, x + by, o + by, next, channels, kh, kw, plane, apart, tap);
      j += 16;
    } else if (j + 8 <= n) {
      if (pair) pair2(w, x + by, o + by, next, channels, kh, kw, plane, apart, tap);
      else row2(w, x + by, o + by, next, channels, kh, kw, plane, apart, tap);
      j += 8;
    } else {
      if (pair) pair1(w, x + by, o + by, next, channels, kh, kw, plane, apart, tap);
      else row1(w, x + by, o + by, next, channels, kh, kw, plane, apart, tap);
      j += 4;
    }
  }
}

/**
 * One output channel of `h` × `n` (n at least 4) from `channels` planes of the image and weights [channels, kh, kw]. In bytes:
 * planes lie `plane` apart, rows of pixels `down`, pixels `step`, rows of the kernel `apart`, its columns `tap`.
 */
function correlate<S>(
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
  if (channels === 1 && kh === 3 && kw === 3) {
    let y = 0;
    if (sizeof<S>() === 4 && down === apart && tap === 4) {
      for (; y + 2 <= h; y += 2) {
        pairOfRows(w, x, o, n, down);
        x += 2 * down;
        o += <usize>n << 3;
      }
    }
    for (; y < h; y++) {
      rowOf3x3<S>(w, x, o, n, step, apart, tap);
      x += down;
      o += <usize>n << 2;
    }
    return;
  }
  if (sizeof<S>() === 4) {
    let y = 0;
    if (down === apart) {
      for (; y + 2 <= h; y += 2) {
        rowsInBlocks(w, x, o, n, channels, kh, kw, plane, apart, tap, true);
        x += 2 * down;
        o += <usize>n << 3;
      }
    }
    for (; y < h; y++) {
      rowsInBlocks(w, x, o, n, channels, kh, kw, plane, apart, tap, false);
      x += down;
      o += <usize>n << 2;
    }
    return;
  }
  for (let y = 0; y < h; y++) {
    let u = w;
    for (let c = 0; c < channels; c++) {
      let p = x + <usize>c * plane;
      for (let a = 0; a < kh; a++) {
        let b = 0;
        const add = c + a > 0;
        for (; b + 5 <= kw; b += 5) rowTimes5<S>(u + (<usize>b << 2), p + <usize>b * tap, o, n, step, tap, add || b > 0);
        for (; b + 3 <= kw; b += 3) rowTimes3<S>(u + (<usize>b << 2), p + <usize>b * tap, o, n, step, tap, add || b > 0);
        for (; b < kw; b++) rowTimes1<S>(u + (<usize>b << 2), p + <usize>b * tap, o, n, step, tap, add || b > 0);
        u += <usize>kw << 2;
        p += apart;
      }
    }
    x += down;
    o += <usize>n << 2;
  }
}

/** {@linkcode correlate} for any step. */
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
  step: usize,
  apart: usize,
  tap: usize,
): void {
  if (step === 4) correlate<f32>(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap);
  else if (step === 8) correlate<f64>(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap);
  else correlate<i8>(w, x, o, channels, h, n, kh, kw, plane, down, step, apart, tap);
}

/** Two rows of the gradient times four of the image, whose 3 × 3 products are added to nine vectors of sums. */
function pairOfGrads(g: usize, x: usize, s: usize, n: i32, row: usize): void {
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
  for (let j: usize = 0; j < next; j += 16) {
    let a = v128.load(g + min(j, last));
    let b = v128.load(g + next + min(j, last));
    if (j > last) {
      const some = lastLanes(n & 3);
      a = v128.and(a, some);
      b = v128.and(b, some);
      j = last;
    }
    let p = x + j;
    let v = v128.load(p);
    s0 = mad(a, v, s0);
    v = v128.load(p, 4);
    s1 = mad(a, v, s1);
    v = v128.load(p, 8);
    s2 = mad(a, v, s2);
    p += row;
    v = v128.load(p);
    s3 = mad(a, v, s3);
    s0 = mad(b, v, s0);
    v = v128.load(p, 4);
    s4 = mad(a, v, s4);
    s1 = mad(b, v, s1);
    v = v128.load(p, 8);
    s5 = mad(a, v, s5);
    s2 = mad(b, v, s2);
    p += row;
    v = v128.load(p);
    s6 = mad(a, v, s6);
    s3 = mad(b, v, s3);
    v = v128.load(p, 4);
    s7 = mad(a, v, s7);
    s4 = mad(b, v, s4);
    v = v128.load(p, 8);
    s8 = mad(a, v, s8);
    s5 = mad(b, v, s5);
    p += row;
    v = v128.load(p);
    s6 = mad(b, v, s6);
    v = v128.load(p, 4);
    s7 = mad(b, v, s7);
    v = v128.load(p, 8);
    s8 = mad(b, v, s8);
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
// @ts-ignore: decorator
@inline
function rowGrad<S>(
  g: usize,
  x: usize,
  s: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
  taps: i32,
): void {
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
      const p = x + <usize>j * step;
      s0 = mad(v, four<S>(p, step), s0);
      if (taps > 1) {
        s1 = mad(v, four<S>(p + tap, step), s1);
        s2 = mad(v, four<S>(p + 2 * tap, step), s2);
      }
      if (taps > 3) {
        s3 = mad(v, four<S>(p + 3 * tap, step), s3);
        s4 = mad(v, four<S>(p + 4 * tap, step), s4);
      }
      if (taps > 5) {
        s5 = mad(v, four<S>(p + 5 * tap, step), s5);
        s6 = mad(v, four<S>(p + 6 * tap, step), s6);
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

function rowGrad7<S>(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  rowGrad<S>(g, x, s, h, n, down, step, tap, 7);
}

function rowGrad5<S>(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  rowGrad<S>(g, x, s, h, n, down, step, tap, 5);
}

function rowGrad3<S>(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  rowGrad<S>(g, x, s, h, n, down, step, tap, 3);
}

function rowGrad1<S>(g: usize, x: usize, s: usize, h: i32, n: i32, down: usize, step: usize, tap: usize): void {
  rowGrad<S>(g, x, s, h, n, down, step, tap, 1);
}

/** The gradient of {@linkcode correlate} for the weights, added to a vector of sums for each of them at `s`. */
function correlateGrad<S>(
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
  let y = 0;
  if (sizeof<S>() === 4 && channels === 1 && kh === 3 && kw === 3 && down === apart && tap === 4) {
    for (; y + 2 <= h; y += 2) {
      pairOfGrads(g, x, s, n, down);
      x += 2 * down;
      g += <usize>n << 3;
    }
  }
  h -= y;
  let u = s;
  for (let c = 0; c < channels; c++) {
    let p = x + <usize>c * plane;
    for (let a = 0; a < kh; a++) {
      let b = 0;
      for (; b + 7 <= kw; b += 7) rowGrad7<S>(g, p + <usize>b * tap, u + (<usize>b << 4), h, n, down, step, tap);
      for (; b + 5 <= kw; b += 5) rowGrad5<S>(g, p + <usize>b * tap, u + (<usize>b << 4), h, n, down, step, tap);
      for (; b + 3 <= kw; b += 3) rowGrad3<S>(g, p + <usize>b * tap, u + (<usize>b << 4), h, n, down, step, tap);
      for (; b < kw; b++) rowGrad1<S>(g, p + <usize>b * tap, u + (<usize>b << 4), h, n, down, step, tap);
      u += <usize>kw << 4;
      p += apart;
    }
  }
}

/** {@linkcode correlateGrad} for any step. */
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
  step: usize,
  apart: usize,
  tap: usize,
): void {
  if (step === 4) correlateGrad<f32>(g, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
  else if (step === 8) correlateGrad<f64>(g, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
  else correlateGrad<i8>(g, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
}

/**
 * Two planes of the gradient, `other` bytes apart, times rows of the image for `taps` (1, 3 or 5) of the weights, added to
 * vectors of sums: those of the second plane lie at `t`.
 */
// @ts-ignore: decorator
@inline
function pairOfPlanes<S>(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
  taps: i32,
): void {
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
      let p = x + <usize>j * step;
      let v = four<S>(p, step);
      s0 = mad(a, v, s0);
      t0 = mad(b, v, t0);
      if (taps > 1) {
        p += tap;
        v = four<S>(p, step);
        s1 = mad(a, v, s1);
        t1 = mad(b, v, t1);
        p += tap;
        v = four<S>(p, step);
        s2 = mad(a, v, s2);
        t2 = mad(b, v, t2);
      }
      if (taps > 3) {
        p += tap;
        v = four<S>(p, step);
        s3 = mad(a, v, s3);
        t3 = mad(b, v, t3);
        p += tap;
        v = four<S>(p, step);
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

function pairOfPlanes5<S>(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
): void {
  pairOfPlanes<S>(g, other, x, s, t, h, n, down, step, tap, 5);
}

function pairOfPlanes3<S>(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
): void {
  pairOfPlanes<S>(g, other, x, s, t, h, n, down, step, tap, 3);
}

function pairOfPlanes1<S>(
  g: usize,
  other: usize,
  x: usize,
  s: usize,
  t: usize,
  h: i32,
  n: i32,
  down: usize,
  step: usize,
  tap: usize,
): void {
  pairOfPlanes<S>(g, other, x, s, t, h, n, down, step, tap, 1);
}

/** {@linkcode correlateGrad} for two planes of the gradient. */
function correlateGrads<S>(
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
  step: usize,
  apart: usize,
  tap: usize,
): void {
  const next = <usize>(channels * kh * kw) << 4;
  for (let c = 0; c < channels; c++) {
    let p = x + <usize>c * plane;
    for (let a = 0; a < kh; a++) {
      let b = 0;
      for (; b + 5 <= kw; b += 5) {
        const u = s + (<usize>b << 4);
        pairOfPlanes5<S>(g, other, p + <usize>b * tap, u, u + next, h, n, down, step, tap);
      }
      for (; b + 3 <= kw; b += 3) {
        const u = s + (<usize>b << 4);
        pairOfPlanes3<S>(g, other, p + <usize>b * tap, u, u + next, h, n, down, step, tap);
      }
      for (; b < kw; b++) {
        const u = s + (<usize>b << 4);
        pairOfPlanes1<S>(g, other, p + <usize>b * tap, u, u + next, h, n, down, step, tap);
      }
      s += <usize>kw << 4;
      p += apart;
    }
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
  step: usize,
  apart: usize,
  tap: usize,
): void {
  const other = <usize>(h * n) << 2;
  const next = <usize>(channels * kh * kw) << 4;
  let r = 0;
  for (; r + 2 <= rows; r += 2) {
    if (step === 4) correlateGrads<f32>(g, other, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
    else if (step === 8) correlateGrads<f64>(g, other, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
    else correlateGrads<i8>(g, other, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
    g += 2 * other;
    s += 2 * next;
  }
  if (r < rows) correlatePlaneGrad(g, x, s, channels, h, n, kh, kw, plane, down, step, apart, tap);
}
