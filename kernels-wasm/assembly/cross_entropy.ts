/**
 * Cross entropy of scores with classes, and its gradient.
 *
 * Scores are [outer, n, inner] with classes in the middle, targets [outer, inner]; a call takes `cols` of inner. The probability of class c is
 * p = e^((x − largest) − logs), with the largest score of the row and logs = ln Σ e^(x − largest).
 */

import * as c from "./constants";
import { k } from "./constants";
import { scratch } from "./memory";
import { CHUNK, columnMaxima, loadColumns, rowLargest, rowLogs, rowPowers, storeColumns, sumLanes } from "./rows";
import { expNegative, expNegativeBy, log } from "./vector_math";

// Of the targets so far: the sum of their losses and of their weights.
let lossSum: f64 = 0;
let weightSum: f64 = 0;

// @ts-ignore: decorator
@inline
function classAt(target: usize, at: usize, wide: i32): i64 {
  return wide ? load<i64>(target + (at << 3)) : <i64>load<i32>(target + (at << 2));
}

// @ts-ignore: decorator
@inline
function weightOf(weight: usize, t: i64): f32 {
  return weight ? load<f32>(weight + (<usize>t << 2)) : 1;
}

/**
 * Adds the loss of target number `at`, whose scores begin at `x`, and writes it to `losses` unless that is 0. `below` is
 * Σ (x − largest). False when the target is no class.
 */
// @ts-ignore: decorator
@inline
function addLoss(
  x: usize,
  step: usize,
  at: usize,
  target: usize,
  weight: usize,
  losses: usize,
  n: i32,
  wide: i32,
  skip: i64,
  largest: f32,
  logs: f32,
  below: f64,
  smoothing: f64,
): bool {
  const t = classAt(target, at, wide);
  let loss: f64 = 0;
  if (t !== skip) {
    if (<u64>t >= <u64>n) return false;
    const w = <f64>weightOf(weight, t);
    loss = w * <f64>(logs - (load<f32>(x + <usize>t * step) - largest));
    if (smoothing > 0) loss = (1 - smoothing) * loss + smoothing * (<f64>logs - below / <f64>n);
    lossSum += loss;
    weightSum += w;
  }
  if (losses) store<f32>(losses + (at << 2), <f32>loss);
  return true;
}

/** Σ (x − m) of a row. */
function sumBelow(x: usize, n: i32, m: f32): f64 {
  let total: f64 = 0;
  const by = f32x4.splat(m);
  while (n >= 8) {
    const block = min(n & ~7, 1024);
    const end = x + (<usize>block << 2);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    for (; x < end; x += 32) {
      s0 = f32x4.add(s0, f32x4.sub(v128.load(x), by));
      s1 = f32x4.add(s1, f32x4.sub(v128.load(x, 16), by));
    }
    total += <f64>f32x4.extract_lane(sumLanes(f32x4.add(s0, s1)), 0);
    n -= block;
  }
  for (; n > 0; n--, x += 4) total += <f64>(load<f32>(x) - m);
  return total;
}

/** The largest of n scores `step` bytes apart, NaN if one is: what loops over lanes pass over. */
function largestOf(x: usize, n: i32, step: usize): f32 {
  let m: f32 = -Infinity;
  for (; n > 0; n--, x += step) m = max(m, load<f32>(x));
  return m;
}

/** Adds to the sums of powers, and to those of what is below the largest where that is wanted, what a row of columns has. */
// @ts-ignore: decorator
@inline
function addRow(p: usize, largest: usize, sums: usize, below: usize, all: usize, smooth: bool): void {
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
  const vectors = all & ~15;
  let t: usize = 0;
  for (; t < vectors; t += 16) {
    const v = f32x4.sub(v128.load(p + t), v128.load(largest + t));
    const e = expNegativeBy(v, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    v128.store(sums + t, f32x4.add(v128.load(sums + t), e));
    if (smooth) v128.store(below + t, f32x4.add(v128.load(below + t), v));
  }
  if (t < all) {
    const v = f32x4.sub(loadColumns(p + t, <i32>((all - t) >> 2)), v128.load(largest + t));
    v128.store(sums + t, f32x4.add(v128.load(sums + t), expNegative(v)));
    if (smooth) v128.store(below + t, f32x4.add(v128.load(below + t), v));
  }
}

/** Largest scores, logarithms and Σ (x − largest) of some columns: into `largest`, `logs` and working memory. */
function columns(x: usize, largest: usize, logs: usize, n: i32, step: usize, all: usize, smooth: bool): void {
  const maxima = scratch;
  const sums = scratch + (CHUNK << 2);
  const below = scratch + (CHUNK << 3);
  for (let t: usize = 0; t < all; t += 16) {
    v128.store(maxima + t, f32x4.splat(-Infinity));
    v128.store(sums + t, f32x4.splat(0));
    v128.store(below + t, f32x4.splat(0));
  }
  columnMaxima(x, maxima, n, step, all);
  for (let i = 0; i < n; i++, x += step) {
    if (smooth) addRow(x, maxima, sums, below, all, true);
    else addRow(x, maxima, sums, below, all, false);
  }
  for (let t: usize = 0; t < all; t += 16) {
    const left = <i32>((all - t) >> 2);
    storeColumns(largest + t, v128.load(maxima + t), left);
    storeColumns(logs + t, log(v128.load(sums + t)), left);
  }
}

/**
 * Losses of all targets but those that are `ignore`, one by one into `loss` (`each`), or their sum or mean into it and the
 * sum of their weights into `total`. A part of a job leaves two float64 sums at `sums` in place of these. Answers −1, or the
 * number of a target that is no class.
 */
export function cross_entropy_f32(
  x: usize,
  target: usize,
  weight: usize,
  loss: usize,
  total: usize,
  largest: usize,
  logs: usize,
  outer: i32,
  n: i32,
  inner: i32,
  cols: i32,
  wide: i32,
  ignore: f64,
  smoothing: f64,
  each: i32,
  mean: i32,
  sums: usize,
): i32 {
  const skip = <i64>ignore;
  const losses = each ? loss : 0;
  const step = <usize>inner << 2;
  lossSum = 0;
  weightSum = 0;
  for (let o = 0; o < outer; o++) {
    let at = <usize>(o * inner);
    if (inner === 1) {
      rowPowers(x, 0, n, true);
      const l = rowLogs;
      const m = l === l ? rowLargest : largestOf(x, n, 4);
      store<f32>(largest + (at << 2), m);
      store<f32>(logs + (at << 2), l);
      const below = smoothing > 0 ? sumBelow(x, n, m) : 0;
      if (!addLoss(x, 4, at, target, weight, losses, n, wide, skip, m, l, below, smoothing)) return <i32>at;
    } else {
      for (let j = 0; j < cols; j += CHUNK) {
        const some = min(CHUNK, cols - j);
        const p = x + (<usize>j << 2);
        const lm = largest + (at << 2);
        const ls = logs + (at << 2);
        columns(p, lm, ls, n, step, <usize>some << 2, smoothing > 0);
        for (let i: usize = 0; i < <usize>some; i++, at++) {
          const l = load<f32>(ls + (i << 2));
          if (l !== l) store<f32>(lm + (i << 2), largestOf(p + (i << 2), n, step));
          const m = load<f32>(lm + (i << 2));
          const below = <f64>load<f32>(scratch + (CHUNK << 3) + (i << 2));
          if (!addLoss(p + (i << 2), step, at, target, weight, losses, n, wide, skip, m, l, below, smoothing)) {
            return <i32>at;
          }
        }
      }
    }
    x += step * <usize>n;
  }
  if (each) {
    store<f32>(total, 0);
  } else if (sums) {
    store<f64>(sums, lossSum);
    store<f64>(sums, weightSum, 8);
  } else {
    store<f32>(loss, <f32>(mean ? lossSum / weightSum : lossSum));
    store<f32>(total, <f32>weightSum);
  }
  return -1;
}

/** The loss and the total weight of a job in `parts` parts. */
export function cross_entropy_total_f32(sums: usize, parts: i32, loss: usize, total: usize, mean: i32): void {
  let losses: f64 = 0;
  let weights: f64 = 0;
  for (; parts > 0; parts--, sums += 16) {
    losses += load<f64>(sums);
    weights += load<f64>(sums, 8);
  }
  store<f32>(loss, <f32>(mean ? losses / weights : losses));
  store<f32>(total, <f32>weights);
}

/** o = p · whole − spread of a row. */
// @ts-ignore: decorator
@inline
function rowSlope(x: usize, o: usize, n: i32, m: v128, l: v128, whole: v128, spread: v128): void {
  const all = <usize>n << 2;
  const pairs = all & ~31;
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
  let t: usize = 0;
  for (; t < pairs; t += 32) {
    const v = f32x4.sub(f32x4.sub(v128.load(x + t), m), l);
    const u = f32x4.sub(f32x4.sub(v128.load(x + t, 16), m), l);
    const p = expNegativeBy(v, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    const q = expNegativeBy(u, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    v128.store(o + t, f32x4.sub(f32x4.mul(p, whole), spread));
    v128.store(o + t, f32x4.sub(f32x4.mul(q, whole), spread), 16);
  }
  for (; t < all; t += 16) {
    const left = <i32>((all - t) >> 2);
    const p = expNegative(f32x4.sub(f32x4.sub(loadColumns(x + t, left), m), l));
    storeColumns(o + t, f32x4.sub(f32x4.mul(p, whole), spread), left);
  }
}

/** o = p · whole − spread of a row of columns. */
// @ts-ignore: decorator
@inline
function columnsSlope(x: usize, o: usize, m: usize, l: usize, whole: usize, spread: usize, all: usize): void {
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
  const vectors = all & ~15;
  let t: usize = 0;
  for (; t < vectors; t += 16) {
    const v = f32x4.sub(f32x4.sub(v128.load(x + t), v128.load(m + t)), v128.load(l + t));
    const p = expNegativeBy(v, zero, log2e, magic, high, low, p0, p1, p2, p3, p4);
    v128.store(o + t, f32x4.sub(f32x4.mul(p, v128.load(whole + t)), v128.load(spread + t)));
  }
  if (t < all) {
    const left = <i32>((all - t) >> 2);
    const v = f32x4.sub(loadColumns(x + t, left), loadColumns(m + t, left));
    const p = expNegative(f32x4.sub(v, loadColumns(l + t, left)));
    storeColumns(o + t, f32x4.sub(f32x4.mul(p, v128.load(whole + t)), v128.load(spread + t)), left);
  }
}

/**
 * Gradient of {@linkcode cross_entropy_f32} for x: p (a + n b) − b, less a at the target, with a = g (1 − smoothing) weight
 * and b = g smoothing / n. g is one number, divided by the total weight for a mean, or one for each target (`each`).
 */
export function cross_entropy_backward_f32(
  g: usize,
  x: usize,
  target: usize,
  total: usize,
  largest: usize,
  logs: usize,
  weight: usize,
  o: usize,
  outer: i32,
  n: i32,
  inner: i32,
  cols: i32,
  wide: i32,
  ignore: f64,
  smoothing: f64,
  each: i32,
  mean: i32,
): void {
  const skip = <i64>ignore;
  const step = <usize>inner << 2;
  const keep = <f32>(1 - smoothing);
  const part = <f32>(smoothing / <f64>n);
  const one: f32 = each ? 0 : mean ? load<f32>(g) / load<f32>(total) : load<f32>(g);
  for (let i = 0; i < outer; i++) {
    let at = <usize>(i * inner);
    if (inner === 1) {
      const t = classAt(target, at, wide);
      const counts = <u64>t < <u64>n && t !== skip;
      const share: f32 = counts ? each ? load<f32>(g + (at << 2)) : one : 0;
      const own: f32 = counts ? share * weightOf(weight, t) * keep : 0;
      const spread = share * part;
      const m = f32x4.splat(load<f32>(largest + (at << 2)));
      const l = f32x4.splat(load<f32>(logs + (at << 2)));
      rowSlope(x, o, n, m, l, f32x4.splat(own + spread * <f32>n), f32x4.splat(spread));
      if (counts) store<f32>(o + (<usize>t << 2), load<f32>(o + (<usize>t << 2)) - own);
    } else {
      const spreads = scratch + (CHUNK << 2);
      for (let j = 0; j < cols; j += CHUNK) {
        const all = <usize>min(CHUNK, cols - j) << 2;
        const p = x + (<usize>j << 2);
        const q = o + (<usize>j << 2);
        const lm = largest + (at << 2);
        const ls = logs + (at << 2);
        for (let f: usize = 0; f < all; f += 4) {
          const now = at + (f >> 2);
          const t = classAt(target, now, wide);
          const counts = <u64>t < <u64>n && t !== skip;
          const share: f32 = counts ? each ? load<f32>(g + (now << 2)) : one : 0;
          const own: f32 = counts ? share * weightOf(weight, t) * keep : 0;
          store<f32>(scratch + f, own + share * part * <f32>n);
          store<f32>(spreads + f, share * part);
        }
        let r: usize = 0;
        for (let d = 0; d < n; d++, r += step) columnsSlope(p + r, q + r, lm, ls, scratch, spreads, all);
        for (let f: usize = 0; f < all; f += 4, at++) {
          const t = classAt(target, at, wide);
          if (t === skip || <u64>t >= <u64>n) continue;
          const place = q + <usize>t * step + f;
          const share: f32 = each ? load<f32>(g + (at << 2)) : one;
          store<f32>(place, load<f32>(place) - share * weightOf(weight, t) * keep);
        }
      }
    }
    x += step * <usize>n;
    o += step * <usize>n;
  }
}
