/**
 * Kernels that need a whole line of elements at once: softmax, normalization, likelihood, and their gradients.
 *
 * Softmax runs over the middle of [outer, n, inner].
 */

import * as c from "./constants";
import { k } from "./constants";
import { expNegative, expNegativeBy, log } from "./vector_math";
import { sumRow } from "./reduce";
import { scratch } from "./memory";

/** Four columns at `p`, or the first `cols` of them and zeros. */
// @ts-ignore: decorator
@inline
function loadColumns(p: usize, cols: i32): v128 {
  if (cols >= 4) return v128.load(p);
  let v = v128.load32_zero(p);
  if (cols > 1) v = v128.load32_lane(p, v, 1, 4);
  if (cols > 2) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

// @ts-ignore: decorator
@inline
function storeColumns(p: usize, v: v128, cols: i32): void {
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

function softmaxRow(x: usize, y: usize, n: i32, logarithm: bool): void {
  const m = rowMax(x, n);
  const none = f32x4.splat(-Infinity);
  const all = <usize>n << 2;
  const pairs = all & ~31;
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
  t = 0;
  if (logarithm) {
    const l = log(s);
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
  } else {
    const r = f32x4.div(f32x4.splat(1), s);
    for (; t < pairs; t += 32) {
      const a = f32x4.mul(v128.load(y + t), r);
      const b = f32x4.mul(v128.load(y + t, 16), r);
      v128.store(y + t, a);
      v128.store(y + t, b, 16);
    }
    for (; t < all; t += 16) {
      const left = <i32>((all - t) >> 2);
      storeColumns(y + t, f32x4.mul(loadColumns(y + t, left), r), left);
    }
  }
}

/** Columns whose maxima and sums are kept in working memory at a time. */
// @ts-ignore: decorator
@inline
const CHUNK: i32 = 512;

/** Bytes of working memory for softmax along a dimension that is not the last. */
export function softmax_scratch(): i32 {
  return CHUNK * 8;
}

/** maxima[…] = max of four columns down `n` rows, four rows at a time. */
// @ts-ignore: decorator
@inline
function columnMaxima(p: usize, maxima: usize, n: i32, step: usize, all: usize): void {
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
function softmaxColumns(x: usize, y: usize, n: i32, inner: i32, logarithm: bool): void {
  const step = <usize>inner << 2;
  const maxima = scratch;
  const sums = scratch + (CHUNK << 2);
  for (let j = 0; j < inner; j += CHUNK) {
    const all = <usize>min(CHUNK, inner - j) << 2;
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

/** softmax, or its logarithm, over n of [outer, n, inner]. */
export function softmax_f32(x: usize, y: usize, outer: i32, n: i32, inner: i32, logarithm: i32): void {
  const by = <usize>(n * inner) << 2;
  for (; outer > 0; outer--) {
    if (inner === 1) softmaxRow(x, y, n, logarithm !== 0);
    else softmaxColumns(x, y, n, inner, logarithm !== 0);
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

/** Gradient of softmax: y · (g − Σ g y); of its logarithm: g − eʸ · Σ g. */
export function softmax_backward_f32(
  g: usize,
  y: usize,
  o: usize,
  outer: i32,
  n: i32,
  inner: i32,
  logarithm: i32,
): void {
  const by = <usize>(n * inner) << 2;
  for (; outer > 0; outer--) {
    if (inner === 1) {
      softmaxRowBackward(g, y, o, n, logarithm);
    } else {
      const step = <usize>inner << 2;
      for (let j = 0; j < inner; j += CHUNK) {
        const all = <usize>min(CHUNK, inner - j) << 2;
        memory.fill(scratch, 0, CHUNK << 2);
        let at = <usize>j << 2;
        for (let i = 0; i < n; i++, at += step) {
          for (let t: usize = 0; t < all; t += 16) {
            const cols = <i32>((all - t) >> 2);
            let v = loadColumns(g + at + t, cols);
            if (!logarithm) v = f32x4.mul(v, loadColumns(y + at + t, cols));
            v128.store(scratch + t, f32x4.add(v128.load(scratch + t), v));
          }
        }
        at = <usize>j << 2;
        for (let i = 0; i < n; i++, at += step) {
          for (let t: usize = 0; t < all; t += 16) {
            const cols = <i32>((all - t) >> 2);
            const v = loadColumns(g + at + t, cols);
            storeColumns(o + at + t, slope(v, loadColumns(y + at + t, cols), v128.load(scratch + t), logarithm), cols);
          }
        }
      }
    }
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

/** Σ (x − mean)² of a row. */
function deviation(x: usize, n: i32, mean: f32): f64 {
  let total: f64 = 0;
  const m = f32x4.splat(mean);
  while (n >= 16) {
    const block = min(n & ~15, 1024);
    const end = x + (<usize>block << 2);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (; x < end; x += 64) {
      const a = f32x4.sub(v128.load(x), m);
      const b = f32x4.sub(v128.load(x, 16), m);
      const c = f32x4.sub(v128.load(x, 32), m);
      const d = f32x4.sub(v128.load(x, 48), m);
      s0 = f32x4.add(s0, f32x4.mul(a, a));
      s1 = f32x4.add(s1, f32x4.mul(b, b));
      s2 = f32x4.add(s2, f32x4.mul(c, c));
      s3 = f32x4.add(s3, f32x4.mul(d, d));
    }
    total += <f64>f32x4.extract_lane(sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))), 0);
    n -= block;
  }
  for (; n > 0; n--) {
    const d = load<f32>(x) - mean;
    total += <f64>(d * d);
    x += 4;
  }
  return total;
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
  const vectors = all & ~15;
  for (; rows > 0; rows--) {
    const mu = <f32>(sumRow(x, n) / <f64>n);
    const r = <f32>(1 / sqrt<f64>(deviation(x, n, mu) / <f64>n + eps));
    store<f32>(mean, mu);
    store<f32>(rstd, r);
    const m = f32x4.splat(mu);
    const s = f32x4.splat(r);
    let t: usize = 0;
    for (; t < vectors; t += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(x + t), m), s);
      v128.store(y + t, f32x4.add(f32x4.mul(h, v128.load(weight + t)), v128.load(bias + t)));
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
  const vectors = all & ~15;
  const pw = scratch;
  const pb = scratch + all;
  memory.fill(gweight, 0, all);
  memory.fill(gbias, 0, all);
  memory.fill(pw, 0, 2 * all);
  for (let row = 0; row < rows; row++) {
    const mu = load<f32>(mean);
    const r = load<f32>(rstd);
    const m = f32x4.splat(mu);
    const s = f32x4.splat(r);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let t: usize = 0;
    for (; t < vectors; t += 16) {
      const v = v128.load(g + t);
      const h = f32x4.mul(f32x4.sub(v128.load(x + t), m), s);
      const u = f32x4.mul(v, v128.load(weight + t));
      s1 = f32x4.add(s1, u);
      s2 = f32x4.add(s2, f32x4.mul(u, h));
      v128.store(pw + t, f32x4.add(v128.load(pw + t), f32x4.mul(v, h)));
      v128.store(pb + t, f32x4.add(v128.load(pb + t), v));
    }
    let c1 = f32x4.extract_lane(sumLanes(s1), 0);
    let c2 = f32x4.extract_lane(sumLanes(s2), 0);
    for (; t < all; t += 4) {
      const v = load<f32>(g + t);
      const h = (load<f32>(x + t) - mu) * r;
      const u = v * load<f32>(weight + t);
      c1 += u;
      c2 += u * h;
      store<f32>(pw + t, load<f32>(pw + t) + v * h);
      store<f32>(pb + t, load<f32>(pb + t) + v);
    }
    c1 /= <f32>n;
    c2 /= <f32>n;
    const d1 = f32x4.splat(c1);
    const d2 = f32x4.splat(c2);
    for (t = 0; t < vectors; t += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(x + t), m), s);
      const u = f32x4.mul(v128.load(g + t), v128.load(weight + t));
      v128.store(gx + t, f32x4.mul(s, f32x4.sub(f32x4.sub(u, d1), f32x4.mul(h, d2))));
    }
    for (; t < all; t += 4) {
      const h = (load<f32>(x + t) - mu) * r;
      store<f32>(gx + t, r * (load<f32>(g + t) * load<f32>(weight + t) - c1 - h * c2));
    }
    if ((row & 63) === 63 || row === rows - 1) {
      flush(gweight, pw, n);
      flush(gbias, pb, n);
    }
    g += all;
    x += all;
    gx += all;
    mean += 4;
    rstd += 4;
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
  for (let c = 0; c < channels; c++) {
    let sum: f64 = 0;
    for (let b: usize = 0; b < <usize>batch; b++) sum += sumRow(x + b * step, n);
    const mu = <f32>(sum / size);
    sum = 0;
    for (let b: usize = 0; b < <usize>batch; b++) sum += deviation(x + b * step, n, mu);
    const r = <f32>(1 / sqrt<f64>(sum / size + eps));
    store<f32>(mean, mu);
    store<f32>(rstd, r);
    const a = r * load<f32>(weight);
    const d = load<f32>(bias);
    const vm = f32x4.splat(mu);
    const va = f32x4.splat(a);
    const vd = f32x4.splat(d);
    for (let b: usize = 0; b < <usize>batch; b++) {
      const p = x + b * step;
      const q = y + b * step;
      let t: usize = 0;
      for (; t + 16 <= plane; t += 16) {
        v128.store(q + t, f32x4.add(f32x4.mul(f32x4.sub(v128.load(p + t), vm), va), vd));
      }
      for (; t < plane; t += 4) store<f32>(q + t, (load<f32>(p + t) - mu) * a + d);
    }
    x += plane;
    y += plane;
    weight += 4;
    bias += 4;
    mean += 4;
    rstd += 4;
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
  for (let c = 0; c < channels; c++) {
    const mu = load<f32>(mean);
    const r = load<f32>(rstd);
    const vm = f32x4.splat(mu);
    let sum: f64 = 0;
    let along: f64 = 0;
    for (let b: usize = 0; b < <usize>batch; b++) {
      const p = g + b * step;
      const q = x + b * step;
      sum += sumRow(p, n);
      let t: usize = 0;
      while (t + 16 <= plane) {
        const end = min(plane & ~15, t + 4096);
        let s0 = f32x4.splat(0);
        let s1 = f32x4.splat(0);
        for (; t + 32 <= end; t += 32) {
          s0 = f32x4.add(s0, f32x4.mul(v128.load(p + t), f32x4.sub(v128.load(q + t), vm)));
          s1 = f32x4.add(s1, f32x4.mul(v128.load(p + t, 16), f32x4.sub(v128.load(q + t, 16), vm)));
        }
        for (; t < end; t += 16) {
          s0 = f32x4.add(s0, f32x4.mul(v128.load(p + t), f32x4.sub(v128.load(q + t), vm)));
        }
        along += <f64>f32x4.extract_lane(sumLanes(f32x4.add(s0, s1)), 0);
      }
      for (; t < plane; t += 4) along += <f64>(load<f32>(p + t) * (load<f32>(q + t) - mu));
    }
    along *= <f64>r;
    store<f32>(gbias, <f32>sum);
    store<f32>(gweight, <f32>along);
    const a = r * load<f32>(weight);
    const d1 = <f32>(sum / size);
    const d2 = <f32>(along / size) * r;
    const va = f32x4.splat(a);
    const v1 = f32x4.splat(d1);
    const v2 = f32x4.splat(d2);
    for (let b: usize = 0; b < <usize>batch; b++) {
      const p = g + b * step;
      const q = x + b * step;
      const o = gx + b * step;
      let t: usize = 0;
      for (; t + 16 <= plane; t += 16) {
        const h = f32x4.mul(f32x4.sub(v128.load(q + t), vm), v2);
        v128.store(o + t, f32x4.mul(va, f32x4.sub(f32x4.sub(v128.load(p + t), v1), h)));
      }
      for (; t < plane; t += 4) {
        store<f32>(o + t, a * (load<f32>(p + t) - d1 - (load<f32>(q + t) - mu) * d2));
      }
    }
    g += plane;
    x += plane;
    gx += plane;
    weight += 4;
    mean += 4;
    rstd += 4;
    gweight += 4;
    gbias += 4;
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
