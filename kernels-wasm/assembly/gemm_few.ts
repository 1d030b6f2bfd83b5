/**
 * Products of few rows of A, which are read from memory rather than packed: the rows of B are added up, or scalar products are
 * taken with its columns. The inner loops are generated (`build_few.ts`).
 */

import { mad } from "./fused";
import { add_1x4, add_1x6, add_2x6, dot_1x4, dot_2x6 } from "./generated/few";

/**
 * Few rows of A and dense rows of B. Six rows of B at a time, a sixth of all apart, are added to two rows of C: memory then
 * comes as a few long streams, which is faster than one, and than many short ones. Four at a time for a single row.
 */
export function fewRows(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csa: usize,
  rsb: usize,
  rsc: usize,
  d: usize,
  ldd: usize,
): void {
  const streams = m > 1 ? 6 : 4;
  const part = k / streams;
  const gapA = <usize>part * csa;
  const gapB = <usize>part * rsb;
  for (let i = 0; i < m; i++) {
    const y = c + <usize>i * rsc;
    if (!d) memory.fill(y, 0, <usize>n << 2);
    else if (d !== c) memory.copy(y, d + <usize>i * ldd, <usize>n << 2);
  }
  for (let j = 0; j < n; j += 8192) {
    const bytes = <usize>min(8192, n - j) << 2;
    const to = c + (<usize>j << 2);
    let x = a;
    let from = b + (<usize>j << 2);
    for (let p = 0; p < part; p++) {
      if (m === 1) add_1x4(x, gapA, from, gapB, to, bytes);
      else {
        let i = 0;
        for (; i + 2 <= m; i += 2) {
          add_2x6(x + <usize>i * rsa, rsa, gapA, from, gapB, to + <usize>i * rsc, rsc, bytes);
        }
        if (i < m) add_1x6(x + <usize>i * rsa, gapA, from, gapB, to + <usize>i * rsc, bytes);
      }
      x += csa;
      from += rsb;
    }
    const done = part * streams;
    if (done < k) {
      x = a + <usize>done * csa;
      from = b + (<usize>j << 2) + <usize>done * rsb;
      for (let i = 0; i < m; i++) addOne(x + <usize>i * rsa, csa, k - done, from, rsb, to + <usize>i * rsc, bytes);
    }
  }
}

/** Adds `count` rows of B times elements of A to one row of C, one after another. */
export function addOne(x: usize, csa: usize, count: i32, b: usize, rsb: usize, y: usize, bytes: usize): void {
  const end = y + bytes;
  for (; count > 0; count--) {
    const s = load<f32>(x);
    const v = f32x4.splat(s);
    let p = b;
    let q = y;
    for (; q + 16 <= end; q += 16) {
      v128.store(q, mad(v, v128.load(p), v128.load(q)));
      p += 16;
    }
    for (; q < end; q += 4) {
      store<f32>(q, load<f32>(q) + s * load<f32>(p));
      p += 4;
    }
    x += csa;
    b += rsb;
  }
}

/** Sum of the lanes. */
// @ts-ignore: decorator
@inline
export function lanes(v: v128): f32 {
  const w = f32x4.add(v, i64x2.shuffle(v, v, 1, 0));
  return f32x4.extract_lane(w, 0) + f32x4.extract_lane(w, 1);
}

/** One element of C, with D's where there is one. */
// @ts-ignore: decorator
@inline
export function putOne(c: usize, y: f32, d: usize): void {
  store<f32>(c, d ? load<f32>(d) + y : y);
}

/**
 * Few rows of A, dense, and dense columns of B (x Wᵀ): scalar products along k, six columns with two rows at a time, and
 * four with a row alone. The columns are a part of all apart, so that memory comes as a few long streams. What an element is
 * the sum of, in which order, does not depend on its column: threads may share the columns.
 */
export function fewDots(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csb: usize,
  rsc: usize,
  d: usize,
  ldd: usize,
): void {
  const streams = m > 1 ? 6 : 4;
  const part = n / streams;
  const gap = <usize>part * csb;
  const gapC = <usize>part << 2;
  const bytes = <usize>(k & ~3) << 2;
  const first = b;
  for (let j = 0; j < n; j++) {
    const many = j < part;
    if (j === part) {
      // Columns behind the streams, one by one.
      j = streams * part;
      if (j === n) break;
      b += <usize>(streams - 1) * gap;
    }
    const at = <usize>j << 2;
    let i = 0;
    let x = a;
    let y = c + at;
    let e = d ? d + at : 0;
    for (; i + 2 <= m; i += 2) {
      if (many) dot_2x6(x, rsa, b, gap, y, rsc, gapC, bytes, e, ldd);
      else {
        dotOfPair(x, b, y, bytes, e);
        dotOfPair(x + rsa, b, y + rsc, bytes, e + ldd);
      }
      x += 2 * rsa;
      y += 2 * rsc;
      e += 2 * ldd;
    }
    if (i < m) {
      if (!many) dotOne(x, b, y, bytes, e);
      else {
        dot_1x4(x, b, gap, y, gapC, bytes, e);
        for (let r: usize = 4; r < <usize>streams; r++) {
          dotOne(x, b + r * gap, y + r * gapC, bytes, e ? e + r * gapC : 0);
        }
      }
    }
    b += csb;
  }
  if (k & 3) addLast(a + bytes, first + bytes, c, m, n, k & 3, rsa, csb, rsc);
}

/** Adds the last `steps` < 4 products to every element of C. */
function addLast(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  steps: i32,
  rsa: usize,
  csb: usize,
  rsc: usize,
): void {
  for (let i = 0; i < m; i++) {
    let p = b;
    for (let y = c; y < c + (<usize>n << 2); y += 4) {
      let sum = load<f32>(y);
      for (let t: usize = 0; t < <usize>steps << 2; t += 4) sum += load<f32>(a + t) * load<f32>(p + t);
      store<f32>(y, sum);
      p += csb;
    }
    a += rsa;
    c += rsc;
  }
}

/** A scalar product of `bytes` in the order of {@linkcode dot_2x6}. */
function dotOfPair(x: usize, b: usize, y: usize, bytes: usize, d: usize): void {
  let s = f32x4.splat(0);
  for (const end = x + bytes; x < end; x += 16) {
    s = mad(v128.load(x), v128.load(b), s);
    b += 16;
  }
  putOne(y, lanes(s), d);
}

/** A scalar product in the order of {@linkcode dot_1x4}. */
function dotOne(x: usize, b: usize, y: usize, bytes: usize, d: usize): void {
  const end = x + bytes;
  let s = f32x4.splat(0);
  let r = f32x4.splat(0);
  for (; x + 32 <= end; x += 32) {
    s = mad(v128.load(x), v128.load(b), s);
    r = mad(v128.load(x, 16), v128.load(b, 16), r);
    b += 32;
  }
  if (x < end) s = mad(v128.load(x), v128.load(b), s);
  putOne(y, lanes(f32x4.add(s, r)), d);
}

/** A copy of `m` rows by `k` steps of A with dense rows. */
export function denseRows(o: usize, a: usize, m: i32, k: i32, rsa: usize, csa: usize): void {
  for (let i = 0; i < m; i++) {
    let p = a + <usize>i * rsa;
    for (let t = 0; t < k; t++) {
      store<f32>(o, load<f32>(p));
      o += 4;
      p += csa;
    }
  }
}
