/**
 * Kernels that need a whole line of elements at once: softmax, normalization, likelihood, and their gradients.
 *
 * Softmax runs over the middle of [outer, n, inner].
 */

import * as c from "./constants";
import { k } from "./constants";
import { mad, nmad } from "./fused";
import { expNegative, expNegativeBy, log } from "./vector_math";
import { scratch } from "./memory";

/** Four columns at `p`, or the first `cols` of them and zeros. */
// @ts-ignore: decorator
@inline
export function loadColumns(p: usize, cols: i32): v128 {
  if (cols >= 4) return v128.load(p);
  let v = v128.load32_zero(p);
  if (cols > 1) v = v128.load32_lane(p, v, 1, 4);
  if (cols > 2) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

// @ts-ignore: decorator
@inline
export function storeColumns(p: usize, v: v128, cols: i32): void {
  if (cols >= 4) {
    v128.store(p, v);
    return;
  }
  v128.store32_lane(p, v, 0);
  if (cols > 1) v128.store32_lane(p, v, 1, 4);
  if (cols > 2) v128.store32_lane(p, v, 2, 8);
}

/** Largest lane in all lanes. */
// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): v128 {
  v = f32x4.pmax(v, i64x2.shuffle(v, v, 1, 0));
  return f32x4.pmax(v, i32x4.shuffle(v, v, 1, 0, 3, 2));
}

/** Sum of the lanes in all lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): v128 {
  v = f32x4.add(v, i64x2.shuffle(v, v, 1, 0));
  return f32x4.add(v, i32x4.shuffle(v, v, 1, 0, 3, 2));
}

/** The last vector of a row, with `fill` behind its end. */
// @ts-ignore: decorator
@inline
function tail(p: usize, left: i32, fill: v128): v128 {
  let v = fill;
  v = v128.load32_lane(p, v, 0);
  if (left > 1) v = v128.load32_lane(p, v, 1, 4);
  if (left > 2) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

/** max of a row in all lanes. A NaN is passed over: it comes back in the sum of the exponentials. */
// @ts-ignore: decorator
@inline
function rowMax(x: usize, n: i32): v128 {
  const none = f32x4.splat(-Infinity);
  let m0 = none;
  let m1 = none;
  let m2 = none;
  let m3 = none;
  const end = x + (<usize>n << 2);
  while (x + 64 <= end) {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    m2 = f32x4.pmax(m2, v128.load(x, 32));
    m3 = f32x4.pmax(m3, v128.load(x, 48));
    x += 64;
  }
  while (x + 16 <= end) {
    m0 = f32x4.pmax(m0, v128.load(x));
    x += 16;
  }
  if (x < end) m1 = f32x4.pmax(m1, tail(x, <i32>((end - x) >> 2), none));
  return maxLanes(f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3)));
}

/** What {@linkcode rowPowers} found of a row for its logarithm: the largest element m, and ln Σ e^(x − m). */
export let rowLargest: f32 = 0;
export let rowLogs: f32 = 0;

/** Elements at the start of a row whose largest gives the scale of all. */
// @ts-ignore: decorator
@inline
const LEAD: i32 = 64;

/**
 * A long row without a pass for its maximum: eˣ 2⁻ᵏ, with 2ᵏ near the power of the largest of the first elements. Scaling by
 * 2⁻ᵏ is exact. False, when there is no such k or a later element is so far above that the sum may overflow; what was
 * written counts for nothing then, so the output must not be the input.
 */
function scaledPowers(x: usize, y: usize, n: i32, logarithm: bool): bool {
  const lead = f32x4.extract_lane(rowMax(x, LEAD), 0);
  if (!(abs(lead) < 1000)) return false;
  const none = f32x4.splat(-Infinity);
  const all = <usize>n << 2;
  const vectors = all & ~15;
  const log2e = k(c.EXP_LOG2E);
  const scale = f32x4.nearest(f32x4.mul(f32x4.splat(lead), log2e));
  const high = k(c.EXP_LN2_HI);
  const low = k(c.EXP_LN2_LO);
  const magic = f32x4.sub(k(c.EXP_MAGIC), scale);
  // From here down the power is 0.
  const zero = f32x4.mul(f32x4.sub(scale, f32x4.splat(127)), f32x4.splat(0.6931471805599453));
  const p0 = k(c.EXP_P0);
  const p1 = k(c.EXP_P1);
  const p2 = k(c.EXP_P2);
  const p3 = k(c.EXP_P3);
  const p4 = k(c.EXP_P4);
  let s = f32x4.splat(0);
  let m = none;
  let t: usize = 0;
  for (; t < vectors; t += 16) {
    const v = v128.load(x + t);
    const e = expNegativeBy(v, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    m = f32x4.pmax(m, v);
    s = f32x4.add(s, e);
    if (!logarithm) v128.store(y + t, e);
  }
  if (t < all) {
    const left = <i32>((all - t) >> 2);
    const v = tail(x + t, left, none);
    const e = expNegativeBy(v, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    m = f32x4.pmax(m, v);
    s = f32x4.add(s, e);
    if (!logarithm) storeColumns(y + t, e, left);
  }
  m = maxLanes(m);
  const above = f32x4.sub(f32x4.mul(m, log2e), scale);
  if (!(f32x4.extract_lane(above, 0) <= 96)) return false;
  s = sumLanes(s);
  if (logarithm) {
    // The power of the largest element as it was added: where no other counts, the logarithm is 0.
    const largest = expNegativeBy(m, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    rowLargest = f32x4.extract_lane(m, 0);
    rowLogs = f32x4.extract_lane(log(f32x4.div(s, largest)), 0);
  } else {
    products(y, all, f32x4.div(f32x4.splat(1), s));
  }
  return true;
}

/** y = x − m − l. */
// @ts-ignore: decorator
@inline
function differences(x: usize, y: usize, all: usize, m: v128, l: v128): void {
  const pairs = all & ~31;
  let t: usize = 0;
  for (; t < pairs; t += 32) {
    const a = f32x4.sub(f32x4.sub(v128.load(x + t), m), l);
    const b = f32x4.sub(f32x4.sub(v128.load(x + t, 16), m), l);
    v128.store(y + t, a);
    v128.store(y + t, b, 16);
  }
  for (; t < all; t += 16) {
    const left = <i32>((all - t) >> 2);
    storeColumns(y + t, f32x4.sub(f32x4.sub(loadColumns(x + t, left), m), l), left);
  }
}

/** y = y · r. */
// @ts-ignore: decorator
@inline
function products(y: usize, all: usize, r: v128): void {
  const fours = all & ~63;
  let t: usize = 0;
  for (; t < fours; t += 64) {
    const a = f32x4.mul(v128.load(y + t), r);
    const b = f32x4.mul(v128.load(y + t, 16), r);
    const d = f32x4.mul(v128.load(y + t, 32), r);
    const e = f32x4.mul(v128.load(y + t, 48), r);
    v128.store(y + t, a);
    v128.store(y + t, b, 16);
    v128.store(y + t, d, 32);
    v128.store(y + t, e, 48);
  }
  for (; t < all; t += 16) {
    const left = <i32>((all - t) >> 2);
    storeColumns(y + t, f32x4.mul(loadColumns(y + t, left), r), left);
  }
}

/** The softmax of a row, or only what its logarithm needs. */
export function rowPowers(x: usize, y: usize, n: i32, logarithm: bool): void {
  if (n > 2 * LEAD && (logarithm || x !== y) && scaledPowers(x, y, n, logarithm)) return;
  const m = rowMax(x, n);
  const none = f32x4.splat(-Infinity);
  const all = <usize>n << 2;
  const vectors = all & ~15;
  let s = f32x4.splat(0);
  let t: usize = 0;
  const zero = k(c.EXP_ZERO);
  const log2e = k(c.EXP_LOG2E);
  const magic = k(c.EXP_MAGIC);
  const high = k(c.EXP_LN2_HI);
  const low = k(c.EXP_LN2_LO);
  const p0 = k(c.EXP_P0);
  const p1 = k(c.EXP_P1);
  const p2 = k(c.EXP_P2);
  const p3 = k(c.EXP_P3);
  const p4 = k(c.EXP_P4);
  for (; t < vectors; t += 16) {
    const e = expNegativeBy(f32x4.sub(v128.load(x + t), m), zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    s = f32x4.add(s, e);
    if (!logarithm) v128.store(y + t, e);
  }
  for (; t < all; t += 16) {
    // Behind the end −∞ − m is −∞ (0), but NaN when all is −∞: then the sum is NaN anyway.
    const left = <i32>((all - t) >> 2);
    const e = expNegative(f32x4.sub(tail(x + t, left, none), m));
    s = f32x4.add(s, e);
    if (!logarithm) storeColumns(y + t, e, left);
  }
  s = sumLanes(s);
  if (logarithm) {
    rowLargest = f32x4.extract_lane(m, 0);
    rowLogs = f32x4.extract_lane(log(s), 0);
  } else {
    products(y, all, f32x4.div(f32x4.splat(1), s));
  }
}

function softmaxRow(x: usize, y: usize, n: i32, logarithm: bool): void {
  rowPowers(x, y, n, logarithm);
  if (logarithm) differences(x, y, <usize>n << 2, f32x4.splat(rowLargest), f32x4.splat(rowLogs));
}

/** Columns whose maxima and sums are kept in working memory at a time. */
// @ts-ignore: decorator
@inline
export const CHUNK: i32 = 512;

/** Bytes of working memory for softmax along a dimension that is not the last, and for normalization of columns. */
export function rows_scratch(): i32 {
  return CHUNK * 12;
}

/** maxima[…] = max of four columns down `n` rows, four rows at a time. */
// @ts-ignore: decorator
@inline
export function columnMaxima(p: usize, maxima: usize, n: i32, step: usize, all: usize): void {
  const vectors = all & ~15;
  for (; n >= 4; n -= 4) {
    const p1 = p + step;
    const p2 = p1 + step;
    const p3 = p2 + step;
    for (let t: usize = 0; t < vectors; t += 16) {
      const a = f32x4.pmax(v128.load(p + t), v128.load(p1 + t));
      const b = f32x4.pmax(v128.load(p2 + t), v128.load(p3 + t));
      v128.store(maxima + t, f32x4.pmax(v128.load(maxima + t), f32x4.pmax(a, b)));
    }
    if (vectors < all) {
      const cols = <i32>((all - vectors) >> 2);
      const a = f32x4.pmax(loadColumns(p + vectors, cols), loadColumns(p1 + vectors, cols));
      const b = f32x4.pmax(loadColumns(p2 + vectors, cols), loadColumns(p3 + vectors, cols));
      v128.store(maxima + vectors, f32x4.pmax(v128.load(maxima + vectors), f32x4.pmax(a, b)));
    }
    p = p3 + step;
  }
  for (; n > 0; n--) {
    for (let t: usize = 0; t < all; t += 16) {
      v128.store(maxima + t, f32x4.pmax(v128.load(maxima + t), loadColumns(p + t, <i32>((all - t) >> 2))));
    }
    p += step;
  }
}

/** Column after column would touch a page for every element: a chunk of columns goes down the rows together. */
function softmaxColumns(x: usize, y: usize, n: i32, inner: i32, columns: i32, logarithm: bool): void {
  const step = <usize>inner << 2;
  const maxima = scratch;
  const sums = scratch + (CHUNK << 2);
  for (let j = 0; j < columns; j += CHUNK) {
    const all = <usize>min(CHUNK, columns - j) << 2;
    const vectors = all & ~15;
    const cols = <i32>((all - vectors) >> 2);
    for (let t: usize = 0; t < all; t += 16) {
      v128.store(maxima + t, f32x4.splat(-Infinity));
      v128.store(sums + t, f32x4.splat(0));
    }
    columnMaxima(x, maxima, n, step, all);
    let p = x;
    let q = y;
    for (let i = 0; i < n; i++, p += step, q += step) {
      let t: usize = 0;
      for (; t < vectors; t += 16) {
        const e = expNegative(f32x4.sub(v128.load(p + t), v128.load(maxima + t)));
        v128.store(sums + t, f32x4.add(v128.load(sums + t), e));
        if (!logarithm) v128.store(q + t, e);
      }
      if (cols > 0) {
        const e = expNegative(f32x4.sub(loadColumns(p + t, cols), v128.load(maxima + t)));
        v128.store(sums + t, f32x4.add(v128.load(sums + t), e));
        if (!logarithm) storeColumns(q + t, e, cols);
      }
    }
    for (let t: usize = 0; t < all; t += 16) {
      const s = v128.load(sums + t);
      v128.store(sums + t, logarithm ? log(s) : f32x4.div(f32x4.splat(1), s));
    }
    p = x;
    q = y;
    for (let i = 0; i < n; i++, p += step, q += step) {
      let t: usize = 0;
      if (logarithm) {
        for (; t < vectors; t += 16) {
          v128.store(q + t, f32x4.sub(f32x4.sub(v128.load(p + t), v128.load(maxima + t)), v128.load(sums + t)));
        }
      } else {
        for (; t < vectors; t += 16) v128.store(q + t, f32x4.mul(v128.load(q + t), v128.load(sums + t)));
      }
      if (cols > 0) {
        const s = v128.load(sums + t);
        const v = logarithm
          ? f32x4.sub(f32x4.sub(loadColumns(p + t, cols), v128.load(maxima + t)), s)
          : f32x4.mul(loadColumns(q + t, cols), s);
        storeColumns(q + t, v, cols);
      }
    }
    x += all;
    y += all;
  }
}

/** softmax, or its logarithm, over n of the first `columns` columns of [outer, n, inner]. */
export function softmax_f32(
  x: usize,
  y: usize,
  outer: i32,
  n: i32,
  inner: i32,
  logarithm: i32,
  columns: i32,
): void {
  const by = <usize>(n * inner) << 2;
  for (; outer > 0; outer--) {
    if (inner === 1) softmaxRow(x, y, n, logarithm !== 0);
    else softmaxColumns(x, y, n, inner, columns, logarithm !== 0);
    x += by;
    y += by;
  }
}

function softmaxRowBackward(g: usize, y: usize, o: usize, n: i32, logarithm: i32): void {
  const all = <usize>n << 2;
  const pairs = all & ~31;
  let s = f32x4.splat(0);
  let s1 = s;
  let t: usize = 0;
  if (logarithm) {
    for (; t < pairs; t += 32) {
      s = f32x4.add(s, v128.load(g + t));
      s1 = f32x4.add(s1, v128.load(g + t, 16));
    }
  } else {
    for (; t < pairs; t += 32) {
      s = f32x4.add(s, f32x4.mul(v128.load(g + t), v128.load(y + t)));
      s1 = f32x4.add(s1, f32x4.mul(v128.load(g + t, 16), v128.load(y + t, 16)));
    }
  }
  for (; t < all; t += 16) {
    const left = <i32>((all - t) >> 2);
    const v = loadColumns(g + t, left);
    s = f32x4.add(s, logarithm ? v : f32x4.mul(v, loadColumns(y + t, left)));
  }
  s = sumLanes(f32x4.add(s, s1));
  t = 0;
  if (logarithm) {
    for (; t < pairs; t += 32) {
      const a = slope(v128.load(g + t), v128.load(y + t), s, 1);
      const b = slope(v128.load(g + t, 16), v128.load(y + t, 16), s, 1);
      v128.store(o + t, a);
      v128.store(o + t, b, 16);
    }
  } else {
    for (; t < pairs; t += 32) {
      const a = slope(v128.load(g + t), v128.load(y + t), s, 0);
      const b = slope(v128.load(g + t, 16), v128.load(y + t, 16), s, 0);
      v128.store(o + t, a);
      v128.store(o + t, b, 16);
    }
  }
  for (; t < all; t += 16) {
    const left = <i32>((all - t) >> 2);
    storeColumns(o + t, slope(loadColumns(g + t, left), loadColumns(y + t, left), s, logarithm), left);
  }
}

/** `cols` columns of the gradient, four or less; the sums of the chunk lie in working memory. */
// @ts-ignore: decorator
@inline
function addSlope(g: usize, y: usize, sum: usize, cols: i32, logarithm: i32): void {
  let v = loadColumns(g, cols);
  if (!logarithm) v = f32x4.mul(v, loadColumns(y, cols));
  v128.store(sum, f32x4.add(v128.load(sum), v));
}

// @ts-ignore: decorator
@inline
function storeSlope(g: usize, y: usize, o: usize, sum: usize, cols: i32, logarithm: i32): void {
  storeColumns(o, slope(loadColumns(g, cols), loadColumns(y, cols), v128.load(sum), logarithm), cols);
}

// @ts-ignore: decorator
@inline
function softmaxColumnsBackward(
  g: usize,
  y: usize,
  o: usize,
  n: i32,
  inner: i32,
  columns: i32,
  logarithm: i32,
): void {
  const step = <usize>inner << 2;
  for (let j = 0; j < columns; j += CHUNK) {
    const all = <usize>min(CHUNK, columns - j) << 2;
    const vectors = all & ~15;
    const left = <i32>((all - vectors) >> 2);
    memory.fill(scratch, 0, CHUNK << 2);
    let at = <usize>j << 2;
    for (let i = 0; i < n; i++, at += step) {
      for (let t: usize = 0; t < vectors; t += 16) addSlope(g + at + t, y + at + t, scratch + t, 4, logarithm);
      if (left) addSlope(g + at + vectors, y + at + vectors, scratch + vectors, left, logarithm);
    }
    at = <usize>j << 2;
    for (let i = 0; i < n; i++, at += step) {
      for (let t: usize = 0; t < vectors; t += 16) {
        storeSlope(g + at + t, y + at + t, o + at + t, scratch + t, 4, logarithm);
      }
      if (left) storeSlope(g + at + vectors, y + at + vectors, o + at + vectors, scratch + vectors, left, logarithm);
    }
  }
}

/** Gradient of softmax: y · (g − Σ g y); of its logarithm: g − eʸ · Σ g; of the first `columns` columns. */
export function softmax_backward_f32(
  g: usize,
  y: usize,
  o: usize,
  outer: i32,
  n: i32,
  inner: i32,
  logarithm: i32,
  columns: i32,
): void {
  const by = <usize>(n * inner) << 2;
  for (; outer > 0; outer--) {
    if (inner === 1) softmaxRowBackward(g, y, o, n, logarithm);
    else if (logarithm) softmaxColumnsBackward(g, y, o, n, inner, columns, 1);
    else softmaxColumnsBackward(g, y, o, n, inner, columns, 0);
    g += by;
    y += by;
    o += by;
  }
}

// @ts-ignore: decorator
@inline
function slope(g: v128, y: v128, s: v128, logarithm: i32): v128 {
  return logarithm ? f32x4.sub(g, f32x4.mul(expNegative(y), s)) : f32x4.mul(y, f32x4.sub(g, s));
}

/** Sums over what {@linkcode addMoments} or {@linkcode addSlopes} has seen: of x − c and its squares, or of g and g · (x − c). */
let first: f64 = 0;
let second: f64 = 0;

/** Adds the lanes of both to the sums. */
// @ts-ignore: decorator
@inline
function addLanes(a: v128, b: v128): void {
  first += <f64>f32x4.extract_lane(sumLanes(a), 0);
  second += <f64>f32x4.extract_lane(sumLanes(b), 0);
}

/** Adds Σ (x − c) and Σ (x − c)² of a row, blocks of 1024 in float32 and the blocks in float64. */
function addMoments(x: usize, n: i32, at: f32): void {
  const shift = f32x4.splat(at);
  while (n >= 4) {
    const block = min(n & ~3, 1024);
    const end = x + (<usize>block << 2);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let q0 = s0;
    let q1 = s0;
    let q2 = s0;
    let q3 = s0;
    for (; x + 64 <= end; x += 64) {
      const d0 = f32x4.sub(v128.load(x), shift);
      const d1 = f32x4.sub(v128.load(x, 16), shift);
      const d2 = f32x4.sub(v128.load(x, 32), shift);
      const d3 = f32x4.sub(v128.load(x, 48), shift);
      s0 = f32x4.add(s0, d0);
      s1 = f32x4.add(s1, d1);
      s2 = f32x4.add(s2, d2);
      s3 = f32x4.add(s3, d3);
      q0 = mad(d0, d0, q0);
      q1 = mad(d1, d1, q1);
      q2 = mad(d2, d2, q2);
      q3 = mad(d3, d3, q3);
    }
    for (; x < end; x += 16) {
      const d0 = f32x4.sub(v128.load(x), shift);
      s0 = f32x4.add(s0, d0);
      q0 = mad(d0, d0, q0);
    }
    addLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(q0, q1), f32x4.add(q2, q3)));
    n -= block;
  }
  for (; n > 0; n--) {
    const d = load<f32>(x) - at;
    first += <f64>d;
    second += <f64>(d * d);
    x += 4;
  }
}

/** Adds Σ g and Σ g · (x − c) of a row. */
function addSlopes(g: usize, x: usize, n: i32, at: f32): void {
  const shift = f32x4.splat(at);
  while (n >= 4) {
    const block = min(n & ~3, 1024);
    const end = x + (<usize>block << 2);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let q0 = s0;
    let q1 = s0;
    let q2 = s0;
    let q3 = s0;
    for (; x + 64 <= end; x += 64) {
      const g0 = v128.load(g);
      const g1 = v128.load(g, 16);
      const g2 = v128.load(g, 32);
      const g3 = v128.load(g, 48);
      s0 = f32x4.add(s0, g0);
      s1 = f32x4.add(s1, g1);
      s2 = f32x4.add(s2, g2);
      s3 = f32x4.add(s3, g3);
      q0 = mad(g0, f32x4.sub(v128.load(x), shift), q0);
      q1 = mad(g1, f32x4.sub(v128.load(x, 16), shift), q1);
      q2 = mad(g2, f32x4.sub(v128.load(x, 32), shift), q2);
      q3 = mad(g3, f32x4.sub(v128.load(x, 48), shift), q3);
      g += 64;
    }
    for (; x < end; x += 16) {
      const g0 = v128.load(g);
      s0 = f32x4.add(s0, g0);
      q0 = mad(g0, f32x4.sub(v128.load(x), shift), q0);
      g += 16;
    }
    addLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(q0, q1), f32x4.add(q2, q3)));
    n -= block;
  }
  for (; n > 0; n--) {
    const v = load<f32>(g);
    first += <f64>v;
    second += <f64>(v * (load<f32>(x) - at));
    g += 4;
    x += 4;
  }
}

/** The mean of the first elements of a row: near enough to the mean of all that squares of distances to it cancel little. */
// @ts-ignore: decorator
@inline
function guess(x: usize, n: i32): f32 {
  if (n < 16) {
    let total: f32 = 0;
    for (let i: usize = 0; i < <usize>n; i++) total += load<f32>(x + (i << 2));
    return total / <f32>n;
  }
  const a = f32x4.add(v128.load(x), v128.load(x, 16));
  const b = f32x4.add(v128.load(x, 32), v128.load(x, 48));
  return f32x4.extract_lane(sumLanes(f32x4.add(a, b)), 0) / 16;
}

/**
 * Mean of `planes` rows of `n` elements, `step` bytes apart, and the sum of squared distances from it, left in
 * {@linkcode second}. The sums around a guess are taken in one pass; where the guess was further from the mean than the
 * elements are, they would cancel, and a second pass goes around the mean.
 */
function moments(x: usize, planes: i32, n: i32, step: usize): f32 {
  const size = <f64>planes * <f64>n;
  const at = guess(x, n);
  first = 0;
  second = 0;
  let p = x;
  for (let i = 0; i < planes; i++, p += step) addMoments(p, n, at);
  const off = first / size;
  const mean = <f32>(<f64>at + off);
  const lost = off * first;
  if (lost <= second * 0.5) {
    second -= lost;
    return mean;
  }
  first = 0;
  second = 0;
  p = x;
  for (let i = 0; i < planes; i++, p += step) addMoments(p, n, mean);
  return mean;
}

/** o = (x − mean) · a + b of `n` elements. */
// @ts-ignore: decorator
@inline
function affine(x: usize, o: usize, n: i32, mean: f32, a: f32, b: f32): void {
  const all = <usize>n << 2;
  const pairs = all & ~31;
  const vm = f32x4.splat(mean);
  const va = f32x4.splat(a);
  const vb = f32x4.splat(b);
  let t: usize = 0;
  for (; t < pairs; t += 32) {
    const v = mad(f32x4.sub(v128.load(x + t), vm), va, vb);
    const w = mad(f32x4.sub(v128.load(x + t, 16), vm), va, vb);
    v128.store(o + t, v);
    v128.store(o + t, w, 16);
  }
  for (; t < all; t += 4) store<f32>(o + t, (load<f32>(x + t) - mean) * a + b);
}

/** o = g · a − shift − (x − mean) · along of `n` elements. */
// @ts-ignore: decorator
@inline
function affineBackward(
  g: usize,
  x: usize,
  o: usize,
  n: i32,
  mean: f32,
  a: f32,
  shift: f32,
  along: f32,
): void {
  const all = <usize>n << 2;
  const pairs = all & ~31;
  const vm = f32x4.splat(mean);
  const va = f32x4.splat(a);
  const vs = f32x4.splat(shift);
  const vl = f32x4.splat(along);
  let t: usize = 0;
  for (; t < pairs; t += 32) {
    const h = f32x4.sub(v128.load(x + t), vm);
    const i = f32x4.sub(v128.load(x + t, 16), vm);
    const v = nmad(h, vl, f32x4.sub(f32x4.mul(v128.load(g + t), va), vs));
    const w = nmad(i, vl, f32x4.sub(f32x4.mul(v128.load(g + t, 16), va), vs));
    v128.store(o + t, v);
    v128.store(o + t, w, 16);
  }
  for (; t < all; t += 4) {
    store<f32>(o + t, load<f32>(g + t) * a - shift - (load<f32>(x + t) - mean) * along);
  }
}

/** (x − mean) · rstd · weight + bias of every row → y, mean, rstd. */
export function layer_norm_f32(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  mean: usize,
  rstd: usize,
  rows: i32,
  n: i32,
  eps: f64,
): void {
  const all = <usize>n << 2;
  const pairs = all & ~31;
  for (; rows > 0; rows--) {
    const mu = moments(x, 1, n, 0);
    const r = <f32>(1 / sqrt<f64>(second / <f64>n + eps));
    store<f32>(mean, mu);
    store<f32>(rstd, r);
    const m = f32x4.splat(mu);
    const s = f32x4.splat(r);
    let t: usize = 0;
    for (; t < pairs; t += 32) {
      const h = f32x4.mul(f32x4.sub(v128.load(x + t), m), s);
      const i = f32x4.mul(f32x4.sub(v128.load(x + t, 16), m), s);
      const v = mad(h, v128.load(weight + t), v128.load(bias + t));
      const w = mad(i, v128.load(weight + t, 16), v128.load(bias + t, 16));
      v128.store(y + t, v);
      v128.store(y + t, w, 16);
    }
    for (; t < all; t += 4) {
      const h = (load<f32>(x + t) - mu) * r;
      store<f32>(y + t, h * load<f32>(weight + t) + load<f32>(bias + t));
    }
    x += all;
    y += all;
    mean += 4;
    rstd += 4;
  }
}

/** Adds the `n` float32 at `p` to those at `o` and clears them. */
// @ts-ignore: decorator
@inline
function flush(o: usize, p: usize, n: i32): void {
  const all = <usize>n << 2;
  for (let t: usize = 0; t < all; t += 4) store<f32>(o + t, load<f32>(o + t) + load<f32>(p + t));
  memory.fill(p, 0, all);
}

/**
 * One row of the gradients of {@linkcode layer_norm_f32}, or, `all` bytes further, a second one with it: what is added for
 * weight and bias is loaded and stored once for both.
 */
// @ts-ignore: decorator
@inline
function normRowsBackward(
  g: usize,
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  gx: usize,
  pw: usize,
  pb: usize,
  n: i32,
  two: bool,
): void {
  const all = <usize>n << 2;
  const vectors = all & ~15;
  const g2 = g + all;
  const x2 = x + all;
  const mu = load<f32>(mean);
  const r = load<f32>(rstd);
  const mu2: f32 = two ? load<f32>(mean, 4) : 0;
  const r2: f32 = two ? load<f32>(rstd, 4) : 0;
  const m = f32x4.splat(mu);
  const s = f32x4.splat(r);
  const m2 = f32x4.splat(mu2);
  const s2 = f32x4.splat(r2);
  let flat = f32x4.splat(0);
  let along = flat;
  let flat2 = flat;
  let along2 = flat;
  let t: usize = 0;
  for (; t < vectors; t += 16) {
    const w = v128.load(weight + t);
    const v = v128.load(g + t);
    const h = f32x4.mul(f32x4.sub(v128.load(x + t), m), s);
    const u = f32x4.mul(v, w);
    flat = f32x4.add(flat, u);
    along = mad(u, h, along);
    let forWeight = f32x4.mul(v, h);
    let forBias = v;
    if (two) {
      const v2 = v128.load(g2 + t);
      const h2 = f32x4.mul(f32x4.sub(v128.load(x2 + t), m2), s2);
      const u2 = f32x4.mul(v2, w);
      flat2 = f32x4.add(flat2, u2);
      along2 = mad(u2, h2, along2);
      forWeight = mad(v2, h2, forWeight);
      forBias = f32x4.add(v, v2);
    }
    v128.store(pw + t, f32x4.add(v128.load(pw + t), forWeight));
    v128.store(pb + t, f32x4.add(v128.load(pb + t), forBias));
  }
  let c1 = f32x4.extract_lane(sumLanes(flat), 0);
  let c2 = f32x4.extract_lane(sumLanes(along), 0);
  let d1 = f32x4.extract_lane(sumLanes(flat2), 0);
  let d2 = f32x4.extract_lane(sumLanes(along2), 0);
  for (; t < all; t += 4) {
    const w = load<f32>(weight + t);
    const v = load<f32>(g + t);
    const h = (load<f32>(x + t) - mu) * r;
    c1 += v * w;
    c2 += v * w * h;
    let forWeight = v * h;
    let forBias = v;
    if (two) {
      const v2 = load<f32>(g2 + t);
      const h2 = (load<f32>(x2 + t) - mu2) * r2;
      d1 += v2 * w;
      d2 += v2 * w * h2;
      forWeight += v2 * h2;
      forBias += v2;
    }
    store<f32>(pw + t, load<f32>(pw + t) + forWeight);
    store<f32>(pb + t, load<f32>(pb + t) + forBias);
  }
  normRowBackward(g, x, weight, gx, n, mu, r, c1, c2);
  if (two) normRowBackward(g2, x2, weight, gx + all, n, mu2, r2, d1, d2);
}

/** gx of a row, given the sums of g · weight and of that times the normalized x. */
function normRowBackward(
  g: usize,
  x: usize,
  weight: usize,
  gx: usize,
  n: i32,
  mu: f32,
  r: f32,
  flat: f32,
  along: f32,
): void {
  const all = <usize>n << 2;
  const vectors = all & ~15;
  // r · (g w − flat / n − h · along / n), with h = (x − mean) · r.
  const c1 = r * (flat / <f32>n);
  const c2 = r * r * (along / <f32>n);
  const m = f32x4.splat(mu);
  const s = f32x4.splat(r);
  const v1 = f32x4.splat(c1);
  const v2 = f32x4.splat(c2);
  let t: usize = 0;
  for (; t < vectors; t += 16) {
    const u = f32x4.mul(v128.load(g + t), v128.load(weight + t));
    v128.store(gx + t, nmad(f32x4.sub(v128.load(x + t), m), v2, f32x4.sub(f32x4.mul(u, s), v1)));
  }
  for (; t < all; t += 4) {
    const u = load<f32>(g + t) * load<f32>(weight + t);
    store<f32>(gx + t, u * r - c1 - (load<f32>(x + t) - mu) * c2);
  }
}

/**
 * Gradients of {@linkcode layer_norm_f32} for x, weight and bias. Sums over rows go block by block through working
 * memory, 8 n bytes of it.
 */
export function layer_norm_backward_f32(
  g: usize,
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  gx: usize,
  gweight: usize,
  gbias: usize,
  rows: i32,
  n: i32,
): void {
  const all = <usize>n << 2;
  const pw = scratch;
  const pb = scratch + all;
  memory.fill(gweight, 0, all);
  memory.fill(gbias, 0, all);
  memory.fill(pw, 0, 2 * all);
  let row = 0;
  while (row < rows) {
    const some: i32 = rows - row > 1 ? 2 : 1;
    if (some === 2) normRowsBackward(g, x, weight, mean, rstd, gx, pw, pb, n, true);
    else normRowsBackward(g, x, weight, mean, rstd, gx, pw, pb, n, false);
    row += some;
    if ((row & 63) === 0 || row === rows) {
      flush(gweight, pw, n);
      flush(gbias, pb, n);
    }
    const by = <usize>some;
    g += by * all;
    x += by * all;
    gx += by * all;
    mean += by << 2;
    rstd += by << 2;
  }
}

/** What a row of columns adds to their sums: 0 x, 1 (x − mean)², 2 g, 3 g · (x − mean). */
// @ts-ignore: decorator
@inline
function term(kind: i32, g: usize, x: usize, m: v128, cols: i32): v128 {
  if (kind === 0) return loadColumns(x, cols);
  if (kind === 2) return loadColumns(g, cols);
  const d = f32x4.sub(loadColumns(x, cols), m);
  return f32x4.mul(kind === 1 ? d : loadColumns(g, cols), d);
}

/**
 * Sums of {@linkcode term} down `rows` rows of columns, four at a time (`cols` is 4) or the last few, into float64 at
 * the beginning of working memory: blocks of 64 rows in float32, the blocks in float64.
 */
// @ts-ignore: decorator
@inline
function addColumns(kind: i32, g: usize, x: usize, mean: usize, rows: i32, all: usize, step: usize, cols: i32): void {
  const part = scratch + (CHUNK << 3);
  memory.fill(scratch, 0, all << 1);
  while (rows > 0) {
    const block = min(rows, 64);
    memory.fill(part, 0, all);
    let i = 0;
    for (; i + 4 <= block; i += 4) {
      for (let t: usize = 0; t < all; t += 16) {
        const m = kind & 1 ? loadColumns(mean + t, cols) : f32x4.splat(0);
        const a = f32x4.add(term(kind, g + t, x + t, m, cols), term(kind, g + step + t, x + step + t, m, cols));
        const b = f32x4.add(
          term(kind, g + 2 * step + t, x + 2 * step + t, m, cols),
          term(kind, g + 3 * step + t, x + 3 * step + t, m, cols),
        );
        v128.store(part + t, f32x4.add(v128.load(part + t), f32x4.add(a, b)));
      }
      g += 4 * step;
      x += 4 * step;
    }
    for (; i < block; i++) {
      for (let t: usize = 0; t < all; t += 16) {
        const m = kind & 1 ? loadColumns(mean + t, cols) : f32x4.splat(0);
        v128.store(part + t, f32x4.add(v128.load(part + t), term(kind, g + t, x + t, m, cols)));
      }
      g += step;
      x += step;
    }
    for (let t: usize = 0; t < all; t += 8) {
      const o = scratch + 2 * t;
      v128.store(o, f64x2.add(v128.load(o), f64x2.promote_low_f32x4(v128.load64_zero(part + t))));
    }
    rows -= block;
  }
}

/** {@linkcode batch_norm_f32} of columns with one element for each row, four at a time or the last few. */
// @ts-ignore: decorator
@inline
function normColumns(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  mean: usize,
  rstd: usize,
  rows: i32,
  count: i32,
  step: usize,
  eps: f64,
  cols: i32,
): void {
  const all = ((<usize>count << 2) + 15) & ~15;
  const size = <f64>rows;
  addColumns(0, x, x, mean, rows, all, step, cols);
  for (let i: usize = 0; i < <usize>count; i++) {
    store<f32>(mean + (i << 2), <f32>(load<f64>(scratch + (i << 3)) / size));
  }
  addColumns(1, x, x, mean, rows, all, step, cols);
  for (let i: usize = 0; i < <usize>count; i++) {
    store<f32>(rstd + (i << 2), <f32>(1 / sqrt<f64>(load<f64>(scratch + (i << 3)) / size + eps)));
  }
  for (let i = 0; i < rows; i++) {
    for (let t: usize = 0; t < all; t += 16) {
      const a = f32x4.mul(loadColumns(rstd + t, cols), loadColumns(weight + t, cols));
      const h = f32x4.sub(loadColumns(x + t, cols), loadColumns(mean + t, cols));
      storeColumns(y + t, mad(h, a, loadColumns(bias + t, cols)), cols);
    }
    x += step;
    y += step;
  }
}

/** The gradients of {@linkcode normColumns}. Factors of the last step lie in working memory. */
// @ts-ignore: decorator
@inline
function normColumnsBackward(
  g: usize,
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  gx: usize,
  gweight: usize,
  gbias: usize,
  rows: i32,
  count: i32,
  step: usize,
  cols: i32,
): void {
  const all = ((<usize>count << 2) + 15) & ~15;
  const size = <f64>rows;
  addColumns(2, g, x, mean, rows, all, step, cols);
  for (let i: usize = 0; i < <usize>count; i++) {
    store<f32>(gbias + (i << 2), <f32>load<f64>(scratch + (i << 3)));
  }
  addColumns(3, g, x, mean, rows, all, step, cols);
  const shifts = scratch;
  const alongs = scratch + (CHUNK << 2);
  const scales = scratch + (CHUNK << 3);
  for (let i: usize = 0; i < <usize>count; i++) {
    const r = load<f32>(rstd + (i << 2));
    const a = r * load<f32>(weight + (i << 2));
    const along = load<f64>(scratch + (i << 3)) * <f64>r;
    store<f32>(gweight + (i << 2), <f32>along);
    // The sum that stands here has been read: the factors of half the size follow behind.
    store<f32>(shifts + (i << 2), a * <f32>(<f64>load<f32>(gbias + (i << 2)) / size));
    store<f32>(scales + (i << 2), a);
  }
  for (let i: usize = 0; i < <usize>count; i++) {
    const r = load<f32>(rstd + (i << 2));
    store<f32>(alongs + (i << 2), load<f32>(scales + (i << 2)) * r * <f32>(<f64>load<f32>(gweight + (i << 2)) / size));
  }
  for (let i = 0; i < rows; i++) {
    for (let t: usize = 0; t < all; t += 16) {
      const h = f32x4.sub(loadColumns(x + t, cols), loadColumns(mean + t, cols));
      const v = f32x4.sub(f32x4.mul(loadColumns(g + t, cols), v128.load(scales + t)), v128.load(shifts + t));
      storeColumns(gx + t, nmad(h, v128.load(alongs + t), v), cols);
    }
    g += step;
    x += step;
    gx += step;
  }
}

/** (x − mean) · rstd · weight + bias by `channels` channels of [batch, all, n] → y, mean, rstd. */
export function batch_norm_f32(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  mean: usize,
  rstd: usize,
  batch: i32,
  channels: i32,
  n: i32,
  all: i32,
  eps: f64,
): void {
  const plane = <usize>n << 2;
  const step = plane * <usize>all;
  const size = <f64>batch * <f64>n;
  while (channels > 0) {
    let done = 1;
    if (n === 1 && channels >= 4) {
      done = min(channels & ~3, CHUNK);
      normColumns(x, weight, bias, y, mean, rstd, batch, done, step, eps, 4);
    } else if (n === 1) {
      done = channels;
      normColumns(x, weight, bias, y, mean, rstd, batch, done, step, eps, done);
    } else {
      const mu = moments(x, batch, n, step);
      const r = <f32>(1 / sqrt<f64>(second / size + eps));
      store<f32>(mean, mu);
      store<f32>(rstd, r);
      const a = r * load<f32>(weight);
      const b = load<f32>(bias);
      for (let i: usize = 0; i < <usize>batch; i++) affine(x + i * step, y + i * step, n, mu, a, b);
    }
    channels -= done;
    const bytes = <usize>done << 2;
    x += plane * done;
    y += plane * done;
    weight += bytes;
    bias += bytes;
    mean += bytes;
    rstd += bytes;
  }
}

/** Gradients of {@linkcode batch_norm_f32} for x, weight and bias. */
export function batch_norm_backward_f32(
  g: usize,
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  gx: usize,
  gweight: usize,
  gbias: usize,
  batch: i32,
  channels: i32,
  n: i32,
  all: i32,
): void {
  const plane = <usize>n << 2;
  const step = plane * <usize>all;
  const size = <f64>batch * <f64>n;
  while (channels > 0) {
    let done = 1;
    if (n === 1 && channels >= 4) {
      done = min(channels & ~3, CHUNK);
      normColumnsBackward(g, x, weight, mean, rstd, gx, gweight, gbias, batch, done, step, 4);
    } else if (n === 1) {
      done = channels;
      normColumnsBackward(g, x, weight, mean, rstd, gx, gweight, gbias, batch, done, step, done);
    } else {
      const mu = load<f32>(mean);
      const r = load<f32>(rstd);
      first = 0;
      second = 0;
      for (let i: usize = 0; i < <usize>batch; i++) addSlopes(g + i * step, x + i * step, n, mu);
      const along = second * <f64>r;
      store<f32>(gbias, <f32>first);
      store<f32>(gweight, <f32>along);
      const a = r * load<f32>(weight);
      const shift = a * <f32>(first / size);
      const slant = a * r * <f32>(along / size);
      for (let i: usize = 0; i < <usize>batch; i++) {
        affineBackward(g + i * step, x + i * step, gx + i * step, n, mu, a, shift, slant);
      }
    }
    channels -= done;
    const bytes = <usize>done << 2;
    g += plane * done;
    x += plane * done;
    gx += plane * done;
    weight += bytes;
    mean += bytes;
    rstd += bytes;
    gweight += bytes;
    gbias += bytes;
  }
}

/** Bytes of working memory for the gradients of group normalization of `channels` channels. */
export function group_norm_scratch(channels: i32): i32 {
  return channels * 16;
}

/**
 * (x − mean) · rstd · weight + bias by rows of `deep` channels of `n` elements, row `start` + i of [batch, groups] →
 * y, mean, rstd. Weight and bias are those of all channels.
 */
export function group_norm_f32(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  mean: usize,
  rstd: usize,
  rows: i32,
  start: i32,
  groups: i32,
  deep: i32,
  n: i32,
  eps: f64,
): void {
  const plane = <usize>n << 2;
  const size = deep * n;
  for (let row = start; row < start + rows; row++) {
    const mu = moments(x, 1, size, 0);
    const r = <f32>(1 / sqrt<f64>(second / <f64>size + eps));
    store<f32>(mean, mu);
    store<f32>(rstd, r);
    const from = <usize>(row % groups * deep) << 2;
    const w = weight + from;
    const b = bias + from;
    if (n === 1) {
      const m = f32x4.splat(mu);
      const s = f32x4.splat(r);
      const all = <usize>deep << 2;
      for (let t: usize = 0; t < all; t += 16) {
        const cols = <i32>((all - t) >> 2);
        const h = f32x4.mul(f32x4.sub(loadColumns(x + t, cols), m), s);
        storeColumns(y + t, mad(h, loadColumns(w + t, cols), loadColumns(b + t, cols)), cols);
      }
      x += all;
      y += all;
    } else {
      for (let i: usize = 0; i < <usize>deep; i++) {
        affine(x, y, n, mu, r * load<f32>(w + (i << 2)), load<f32>(b + (i << 2)));
        x += plane;
        y += plane;
      }
    }
    mean += 4;
    rstd += 4;
  }
}

/**
 * Gradients of {@linkcode group_norm_f32} for x, and the sums over these rows for weight and bias, which are added up in
 * float64 in working memory.
 */
export function group_norm_backward_f32(
  g: usize,
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  gx: usize,
  gweight: usize,
  gbias: usize,
  rows: i32,
  start: i32,
  groups: i32,
  deep: i32,
  n: i32,
): void {
  const plane = <usize>n << 2;
  const size = <f64>deep * <f64>n;
  const channels = groups * deep;
  memory.fill(scratch, 0, <usize>channels << 4);
  for (let row = start; row < start + rows; row++) {
    const mu = load<f32>(mean);
    const r = load<f32>(rstd);
    const from = <usize>(row % groups * deep);
    let flat: f64 = 0;
    let along: f64 = 0;
    let p = g;
    let q = x;
    for (let i: usize = 0; i < <usize>deep; i++) {
      first = 0;
      second = 0;
      addSlopes(p, q, n, mu);
      const slope = second * <f64>r;
      const w = <f64>load<f32>(weight + ((from + i) << 2));
      flat += w * first;
      along += w * slope;
      const o = scratch + ((from + i) << 4);
      v128.store(o, f64x2.add(v128.load(o), f64x2.replace_lane(f64x2.splat(slope), 1, first)));
      p += plane;
      q += plane;
    }
    const shift = r * <f32>(flat / size);
    const slant = r * r * <f32>(along / size);
    for (let i: usize = 0; i < <usize>deep; i++) {
      affineBackward(g, x, gx, n, mu, r * load<f32>(weight + ((from + i) << 2)), shift, slant);
      g += plane;
      x += plane;
      gx += plane;
    }
    mean += 4;
    rstd += 4;
  }
  for (let i: usize = 0; i < <usize>channels; i++) {
    store<f32>(gweight + (i << 2), <f32>load<f64>(scratch + (i << 4)));
    store<f32>(gbias + (i << 2), <f32>load<f64>(scratch + (i << 4), 8));
  }
}

/**
 * −Σ weight[target] · logp[i, target] over rows whose target is not `ignore`, as a sum or a mean → loss, total weight.
 * Answers −1, or the row whose target is no class.
 */
export function nll_loss_f32(
  logp: usize,
  target: usize,
  weight: usize,
  loss: usize,
  total: usize,
  rows: i32,
  classes: i32,
  wide: i32,
  ignore: f64,
  mean: i32,
): i32 {
  let sum: f64 = 0;
  let weights: f64 = 0;
  const skip = <i64>ignore;
  for (let i = 0; i < rows; i++) {
    const t = wide ? load<i64>(target + (<usize>i << 3)) : <i64>load<i32>(target + (<usize>i << 2));
    if (t === skip) continue;
    if (<u64>t >= <u64>classes) return i;
    const w = load<f32>(weight + (<usize>t << 2));
    weights += <f64>w;
    sum -= <f64>w * <f64>load<f32>(logp + (<usize>(i * classes + <i32>t) << 2));
  }
  store<f32>(total, <f32>weights);
  store<f32>(loss, <f32>(mean ? sum / weights : sum));
  return -1;
}
