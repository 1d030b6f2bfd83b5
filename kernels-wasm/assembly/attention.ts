/**
 * Attention, softmax(q kᵀ · scale + bias) v, and its gradients, without a matrix of all scores.
 *
 * Scores of eight queries at a time lie transposed, one row of eight for each key: that is how the micro-kernel of the
 * product of matrices writes its tiles and reads its second operand, so scores go from one product to the next without
 * being packed, maxima and sums run down the columns without crossing lanes, and a causal mask costs and leaves out all
 * but the last eight keys that a query sees. What is shared by all queries of a head is packed once.
 *
 * Dao et al. 2022, https://arxiv.org/abs/2205.14135 (recomputing in the backward pass); columns of scores are whole here,
 * so there is no running maximum.
 */

import { gemm_f32, gemm_scratch, micro, packA, packB, padded, transpose4 } from "./gemm";
import { MR_F32 } from "./gemm_micro";
import { scratch } from "./memory";
import { maxLanes, sumLanes } from "./rows";
import { expNegative, log } from "./vector_math";

/** What the host writes at META, in this order; steps are in elements. */
const META: usize = 16384;

// @ts-ignore: decorator
@inline
function meta(i: usize): i32 {
  return load<i32>(META + (i << 2));
}

/** Heads of the inner loop. */
// @ts-ignore: decorator
@inline
const INNER: usize = 0;
/** Rows of q. */
// @ts-ignore: decorator
@inline
const L: usize = 1;
/** Rows of k and v. */
// @ts-ignore: decorator
@inline
const S: usize = 2;
/** Columns of q and k. */
// @ts-ignore: decorator
@inline
const E: usize = 3;
/** Columns of v. */
// @ts-ignore: decorator
@inline
const F: usize = 4;
// @ts-ignore: decorator
@inline
const CAUSAL: usize = 5;
/** Steps of each operand from outer to outer, inner to inner, row to row. */
// @ts-ignore: decorator
@inline
const Q: usize = 6;
// @ts-ignore: decorator
@inline
const K: usize = 9;
// @ts-ignore: decorator
@inline
const V: usize = 12;
// @ts-ignore: decorator
@inline
const BIAS: usize = 15;
// @ts-ignore: decorator
@inline
const G: usize = 18;
/** Steps of what has rows of L without columns: sums, their logarithms. */
// @ts-ignore: decorator
@inline
const ROWS: usize = 21;
/** Steps of what is made: y or the gradient of q; the gradients of k and of v. */
// @ts-ignore: decorator
@inline
const OUT: usize = 24;
// @ts-ignore: decorator
@inline
const OUT_K: usize = 27;
// @ts-ignore: decorator
@inline
const OUT_V: usize = 30;

/** Queries whose scores lie side by side: columns of a tile. */
// @ts-ignore: decorator
@inline
const WIDE: i32 = 8;
/** Queries of which gradients of keys and values are summed at a time. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;
/** Up to so many queries, packing keys and values would cost more than the products. */
// @ts-ignore: decorator
@inline
const FEW: i32 = 3;
/** Keys whose weights are added one after another. */
// @ts-ignore: decorator
@inline
const RUN: i32 = 64;

/** `n` up to whole tiles. */
// @ts-ignore: decorator
@inline
function tall(n: i32): i32 {
  return (n + MR_F32 - 1) / MR_F32 * MR_F32;
}

// @ts-ignore: decorator
@inline
function wide(n: i32): i32 {
  return (n + WIDE - 1) & ~(WIDE - 1);
}

/** Bytes of `rows` packed rows with `steps` steps each. */
// @ts-ignore: decorator
@inline
function packedBytes(rows: i32, steps: i32): usize {
  return <usize>(tall(rows) * padded(steps)) << 2;
}

/** Bytes of `rows` rows of eight, with what whole tiles write behind them. */
// @ts-ignore: decorator
@inline
function columnBytes(rows: i32): usize {
  return <usize>(wide(rows) + 2 * WIDE) << 5;
}

/** Bytes of working memory of {@linkcode attention_f32}. */
export function attention_scratch(l: i32, s: i32, e: i32, f: i32): i32 {
  if (l <= FEW) return gemm_scratch(4) + ((FEW * (s + 4) + 16) << 2);
  return <i32>(packedBytes(s, e) + packedBytes(f, s) + columnBytes(e) + columnBytes(s) + columnBytes(f));
}

/** Bytes of working memory of {@linkcode attention_backward_f32}. */
export function attention_backward_scratch(s: i32, e: i32, f: i32): i32 {
  const operands = packedBytes(s, e) + packedBytes(s, f) + packedBytes(e, s) + packedBytes(f, BLOCK) + packedBytes(e, BLOCK);
  const columns = 2 * columnBytes(e) + columnBytes(f) + 2 * columnBytes(s);
  const turned = <usize>(2 * wide(s) * BLOCK) << 2;
  const sums = <usize>(wide(s) * (tall(e) + tall(f))) << 2;
  return <i32>(operands + columns + turned + sums);
}

/** The operand with the steps at `i` for head `t`. */
// @ts-ignore: decorator
@inline
function at(p: usize, i: usize, t: i32): usize {
  const inner = meta(INNER);
  return p + (<usize>(t / inner * meta(i) + t % inner * meta(i + 1)) << 2);
}

/** Bytes from row to row of the operand with the steps at `i`. */
// @ts-ignore: decorator
@inline
function rowBytes(i: usize): usize {
  return <usize>meta(i + 2) << 2;
}

/** Columns that row `i` sees. */
// @ts-ignore: decorator
@inline
function seen(i: i32): i32 {
  return meta(CAUSAL) ? min(i + 1, meta(S)) : meta(S);
}

/** Eight columns of A B: `rows` rows of the packed A, whose panels are `panel` bytes apart, by the first `k` steps of B. */
// @ts-ignore: decorator
@inline
function multiply(a: usize, panel: usize, b: usize, c: usize, rows: i32, k: i32, add: bool): void {
  for (let i = 0; i < rows; i += MR_F32) {
    micro<f32>(a, b, c, 32, k, add);
    a += panel;
    c += <usize>MR_F32 << 5;
  }
}

/** `n` rows of eight to `count` ≤ 8 rows of n, `step` bytes apart, times `by` or as they are; they lie in one piece. */
function spread(p: usize, to: usize, step: usize, n: i32, count: i32): void {
  const all = <usize>n << 2;
  let t: usize = 0;
  for (; t + 16 <= all; t += 16) {
    const q = p + 8 * t;
    if (count === WIDE) {
      transpose4(q, 32, to + t, step);
      transpose4(q + 16, 32, to + 4 * step + t, step);
    } else {
      for (let r = 0; r < count; r++) {
        const x = q + (<usize>r << 2);
        const y = to + <usize>r * step + t;
        store<f32>(y, load<f32>(x));
        store<f32>(y, load<f32>(x, 32), 4);
        store<f32>(y, load<f32>(x, 64), 8);
        store<f32>(y, load<f32>(x, 96), 12);
      }
    }
  }
  for (; t < all; t += 4) {
    for (let r = 0; r < count; r++) store<f32>(to + <usize>r * step + t, load<f32>(p + 8 * t + (<usize>r << 2)));
  }
}

/** Scores of `n` keys and `count` queries, scaled, plus the bias of these queries, whose rows are `step` bytes apart. */
function addBias(p: usize, bias: usize, step: usize, n: i32, count: i32, scale: f32): void {
  for (let j: usize = 0; j < <usize>n; j++) {
    for (let r: usize = 0; r < <usize>count; r++) {
      const x = p + (j << 5) + (r << 2);
      store<f32>(x, load<f32>(x) * scale + load<f32>(bias + r * step + (j << 2)));
    }
  }
}

/** Lanes of queries `first` … `first + 3` that do not see key `j`. */
// @ts-ignore: decorator
@inline
function hidden(first: i32, j: i32): v128 {
  const place = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3);
  return i32x4.lt_s(place, i32x4.splat(j - first));
}

/** Four numbers, `step` bytes apart, of which `count` exist; others are `fill`. */
function column(p: usize, step: usize, count: i32, fill: f32): v128 {
  let v = f32x4.splat(fill);
  if (count > 0) v = f32x4.replace_lane(v, 0, load<f32>(p));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(p + step));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(p + 2 * step));
  if (count > 3) v = f32x4.replace_lane(v, 3, load<f32>(p + 3 * step));
  return v;
}

/** The other way: the first `count` lanes to places `step` bytes apart. */
function putColumn(p: usize, step: usize, count: i32, v: v128): void {
  if (count > 0) store<f32>(p, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(p + step, f32x4.extract_lane(v, 1));
  if (count > 2) store<f32>(p + 2 * step, f32x4.extract_lane(v, 2));
  if (count > 3) store<f32>(p + 3 * step, f32x4.extract_lane(v, 3));
}

/** 0 where a query saw nothing: −∞ − (−∞) would be NaN. */
// @ts-ignore: decorator
@inline
function finite(v: v128): v128 {
  return v128.andnot(v, f32x4.eq(v, f32x4.splat(-Infinity)));
}

/** y and the logarithms of row sums of `count` heads from `first` on; `bias` 0 when there is none. */
export function attention_f32(
  q: usize,
  k: usize,
  v: usize,
  bias: usize,
  y: usize,
  logs: usize,
  first: i32,
  count: i32,
  scale: f32,
): void {
  const l = meta(L);
  const s = meta(S);
  const e = meta(E);
  const f = meta(F);
  const keys = scratch;
  const values = keys + packedBytes(s, e);
  const query = values + packedBytes(f, s);
  const p = query + columnBytes(e);
  const out = p + columnBytes(s);
  const keyPanel = <usize>(MR_F32 * padded(e)) << 2;
  const valuePanel = <usize>(MR_F32 * padded(s)) << 2;
  const stepL = rowBytes(ROWS);
  const by = f32x4.splat(bias ? <f32>1 : scale);
  for (let t = first; t < first + count; t++) {
    const qt = at(q, Q, t);
    const kt = at(k, K, t);
    const vt = at(v, V, t);
    const bt = at(bias, BIAS, t);
    const yt = at(y, OUT, t);
    const lt = at(logs, ROWS, t);
    if (l <= FEW) {
      few(qt, kt, vt, bias ? bt : 0, yt, lt, scale);
      continue;
    }
    packA<f32>(keys, kt, s, e, rowBytes(K), 4);
    packA<f32>(values, vt, f, s, 4, rowBytes(V));
    for (let i = 0; i < l; i += WIDE) {
      const m = min(WIDE, l - i);
      const n = seen(i + m - 1);
      packB<f32>(query, qt + <usize>i * rowBytes(Q), e, m, 4, rowBytes(Q));
      multiply(keys, keyPanel, query, p, n, padded(e), false);
      if (bias) addBias(p, bt + <usize>i * rowBytes(BIAS), rowBytes(BIAS), n, m, scale);
      let top0 = f32x4.splat(-Infinity);
      let top1 = top0;
      const whole = meta(CAUSAL) ? min(n, i + 1) : n;
      let x = p;
      for (let j = 0; j < whole; j++) {
        const v0 = f32x4.mul(v128.load(x), by);
        const v1 = f32x4.mul(v128.load(x, 16), by);
        v128.store(x, v0);
        v128.store(x, v1, 16);
        top0 = f32x4.pmax(top0, v0);
        top1 = f32x4.pmax(top1, v1);
        x += 32;
      }
      for (let j = whole; j < n; j++) {
        const none = f32x4.splat(-Infinity);
        const v0 = v128.bitselect(none, f32x4.mul(v128.load(x), by), hidden(i, j));
        const v1 = v128.bitselect(none, f32x4.mul(v128.load(x, 16), by), hidden(i + 4, j));
        v128.store(x, v0);
        v128.store(x, v1, 16);
        top0 = f32x4.pmax(top0, v0);
        top1 = f32x4.pmax(top1, v1);
        x += 32;
      }
      top0 = finite(top0);
      top1 = finite(top1);
      let sum0 = f32x4.splat(0);
      let sum1 = sum0;
      x = p;
      for (let j = 0; j < n; j += RUN) {
        let run0 = f32x4.splat(0);
        let run1 = run0;
        for (const end = x + (<usize>min(RUN, n - j) << 5); x < end; x += 32) {
          const e0 = expNegative(f32x4.sub(v128.load(x), top0));
          const e1 = expNegative(f32x4.sub(v128.load(x, 16), top1));
          v128.store(x, e0);
          v128.store(x, e1, 16);
          run0 = f32x4.add(run0, e0);
          run1 = f32x4.add(run1, e1);
        }
        sum0 = f32x4.add(sum0, run0);
        sum1 = f32x4.add(sum1, run1);
      }
      memory.fill(x, 0, <usize>(padded(n) - n) << 5);
      multiply(values, valuePanel, p, out, f, padded(n), false);
      const li = lt + <usize>i * stepL;
      putColumn(li, stepL, m, f32x4.add(top0, log(sum0)));
      putColumn(li + 4 * stepL, stepL, m - 4, f32x4.add(top1, log(sum1)));
      const zero = f32x4.splat(0);
      const one = f32x4.splat(1);
      const by0 = f32x4.div(one, v128.bitselect(one, sum0, f32x4.eq(sum0, zero)));
      const by1 = f32x4.div(one, v128.bitselect(one, sum1, f32x4.eq(sum1, zero)));
      for (x = out; x < out + (<usize>f << 5); x += 32) {
        v128.store(x, f32x4.mul(v128.load(x), by0));
        v128.store(x, f32x4.mul(v128.load(x, 16), by1), 16);
      }
      spread(out, yt + <usize>i * rowBytes(OUT), rowBytes(OUT), f, m);
    }
  }
}

/** {@linkcode attention_f32} of one head with few queries: keys and values are read where they are. */
function few(q: usize, k: usize, v: usize, bias: usize, y: usize, logs: usize, scale: f32): void {
  const l = meta(L);
  const s = meta(S);
  const f = meta(F);
  const ld = (s + 3) & ~3;
  const p = scratch + <usize>gemm_scratch(4);
  const by = f32x4.splat(scale);
  const sums = p + (<usize>(FEW * ld) << 2);
  gemm_f32(q, k, p, l, s, meta(E), meta(Q + 2), 1, 1, meta(K + 2), ld, 1, 0, 0, 0, 0);
  for (let i = 0; i < l; i++) {
    const row = p + (<usize>(i * ld) << 2);
    const own = seen(i);
    const top = prepare(row, bias ? bias + <usize>i * rowBytes(BIAS) : 0, own, by);
    const least = finite(top);
    const sum = exponentials(row, least, own, s);
    const one = f32x4.extract_lane(sum, 0);
    store<f32>(logs + <usize>i * rowBytes(ROWS), f32x4.extract_lane(f32x4.add(least, log(sum)), 0));
    store<f32>(sums + (<usize>i << 2), one == 0 ? <f32>1 : one);
  }
  gemm_f32(p, v, y, l, f, seen(l - 1), ld, 1, meta(V + 2), 1, meta(OUT + 2), 1, 0, 0, 0, 0);
  for (let i = 0; i < l; i++) {
    const row = y + <usize>i * rowBytes(OUT);
    const sum = load<f32>(sums + (<usize>i << 2));
    const all = <usize>f << 2;
    let j: usize = 0;
    for (; j + 16 <= all; j += 16) v128.store(row + j, f32x4.div(v128.load(row + j), f32x4.splat(sum)));
    for (; j < all; j += 4) store<f32>(row + j, load<f32>(row + j) / sum);
  }
}

/** The first `n` of four lanes of `v`, others `fill`. */
// @ts-ignore: decorator
@inline
function lanesOf(v: v128, n: i32, fill: v128): v128 {
  return v128.bitselect(v, fill, hidden(0, n));
}

/** One row of scores, scaled and biased, where the row sees `n` columns: −∞ behind them up to a whole vector. Answers the maximum. */
// @ts-ignore: decorator
@inline
function prepare(p: usize, bias: usize, n: i32, scale: v128): v128 {
  const none = f32x4.splat(-Infinity);
  let m = none;
  const end = <usize>n << 2;
  for (let t: usize = 0; t < end; t += 16) {
    const left = <i32>((end - t) >> 2);
    let v = f32x4.mul(v128.load(p + t), scale);
    if (bias) {
      if (left >= 4) v = f32x4.add(v, v128.load(bias + t));
      else {
        let b = v128.load32_zero(bias + t);
        if (left > 1) b = v128.load32_lane(bias + t, b, 1, 4);
        if (left > 2) b = v128.load32_lane(bias + t, b, 2, 8);
        v = f32x4.add(v, b);
      }
    }
    if (left < 4) v = lanesOf(v, left, none);
    v128.store(p + t, v);
    m = f32x4.pmax(m, v);
  }
  return maxLanes(m);
}

/** exp(x − m) of a row that `n` columns were prepared of, 0 behind them up to `all` columns. Answers the sum. */
// @ts-ignore: decorator
@inline
function exponentials(p: usize, m: v128, n: i32, all: i32): v128 {
  let s = f32x4.splat(0);
  const end = <usize>n << 2;
  let t: usize = 0;
  for (; t < end; t += 16) {
    const e = expNegative(f32x4.sub(v128.load(p + t), m));
    s = f32x4.add(s, e);
    v128.store(p + t, e);
  }
  for (; t < <usize>all << 2; t += 16) v128.store(p + t, f32x4.splat(0));
  return sumLanes(s);
}

/**
 * Gradients of {@linkcode attention_f32} for q, k and v. `delta` holds what every row of scores gives back: Σ g y, less the
 * gradient of the logarithm.
 */
export function attention_backward_f32(
  g: usize,
  q: usize,
  k: usize,
  v: usize,
  logs: usize,
  delta: usize,
  bias: usize,
  gq: usize,
  gk: usize,
  gv: usize,
  first: i32,
  count: i32,
  scale: f32,
): void {
  const l = meta(L);
  const s = meta(S);
  const e = meta(E);
  const f = meta(F);
  // By key, by value, by feature of keys; by feature of a block of g and q.
  const keys = scratch;
  const values = keys + packedBytes(s, e);
  const features = values + packedBytes(s, f);
  const blockG = features + packedBytes(e, s);
  const blockQ = blockG + packedBytes(f, BLOCK);
  // Columns of eight queries.
  const query = blockQ + packedBytes(e, BLOCK);
  const slope = query + columnBytes(e);
  const p = slope + columnBytes(f);
  const d = p + columnBytes(s);
  const out = d + columnBytes(s);
  // Columns of eight keys: weights and slopes of a block of queries, sums of gradients.
  const turnedP = out + columnBytes(e);
  const turnedD = turnedP + (<usize>(wide(s) * BLOCK) << 2);
  const sumK = turnedD + (<usize>(wide(s) * BLOCK) << 2);
  const sumV = sumK + (<usize>(wide(s) * tall(e)) << 2);
  const panelE = <usize>(MR_F32 * padded(e)) << 2;
  const panelF = <usize>(MR_F32 * padded(f)) << 2;
  const panelS = <usize>(MR_F32 * padded(s)) << 2;
  const stepL = rowBytes(ROWS);
  const by = f32x4.splat(scale);
  const inner = f32x4.splat(bias ? <f32>1 : scale);
  for (let t = first; t < first + count; t++) {
    const qt = at(q, Q, t);
    const kt = at(k, K, t);
    const vt = at(v, V, t);
    const gt = at(g, G, t);
    const bt = at(bias, BIAS, t);
    packA<f32>(keys, kt, s, e, rowBytes(K), 4);
    packA<f32>(values, vt, s, f, rowBytes(V), 4);
    packA<f32>(features, kt, e, s, 4, rowBytes(K));
    memory.fill(sumK, 0, <usize>(wide(s) * (tall(e) + tall(f))) << 2);
    for (let start = 0; start < l; start += BLOCK) {
      const size = min(BLOCK, l - start);
      const steps = padded(size);
      packA<f32>(blockG, gt + <usize>start * rowBytes(G), f, size, 4, rowBytes(G));
      packA<f32>(blockQ, qt + <usize>start * rowBytes(Q), e, size, 4, rowBytes(Q));
      for (let i = start; i < start + size; i += WIDE) {
        const m = min(WIDE, l - i);
        const n = seen(i + m - 1);
        packB<f32>(query, qt + <usize>i * rowBytes(Q), e, m, 4, rowBytes(Q));
        packB<f32>(slope, gt + <usize>i * rowBytes(G), f, m, 4, rowBytes(G));
        multiply(keys, panelE, query, p, n, padded(e), false);
        multiply(values, panelF, slope, d, n, padded(f), false);
        if (bias) addBias(p, bt + <usize>i * rowBytes(BIAS), rowBytes(BIAS), n, m, scale);
        const rows = at(logs, ROWS, t) + <usize>i * stepL;
        const deltas = at(delta, ROWS, t) + <usize>i * stepL;
        // Queries that are none have weights of exp(−∞).
        const log0 = finite(column(rows, stepL, m, Infinity));
        const log1 = finite(column(rows + 4 * stepL, stepL, m - 4, Infinity));
        const less0 = column(deltas, stepL, m, 0);
        const less1 = column(deltas + 4 * stepL, stepL, m - 4, 0);
        const whole = meta(CAUSAL) ? min(n, i + 1) : n;
        let x = p;
        let z = d;
        for (let j = 0; j < n; j++) {
          let p0 = expNegative(f32x4.sub(f32x4.mul(v128.load(x), inner), log0));
          let p1 = expNegative(f32x4.sub(f32x4.mul(v128.load(x, 16), inner), log1));
          let d0 = f32x4.mul(f32x4.mul(p0, f32x4.sub(v128.load(z), less0)), by);
          let d1 = f32x4.mul(f32x4.mul(p1, f32x4.sub(v128.load(z, 16), less1)), by);
          if (j >= whole) {
            const none0 = hidden(i, j);
            const none1 = hidden(i + 4, j);
            p0 = v128.andnot(p0, none0);
            p1 = v128.andnot(p1, none1);
            d0 = v128.andnot(d0, none0);
            d1 = v128.andnot(d1, none1);
          }
          v128.store(x, p0);
          v128.store(x, p1, 16);
          v128.store(z, d0);
          v128.store(z, d1, 16);
          x += 32;
          z += 32;
        }
        memory.fill(x, 0, <usize>(wide(n) - n) << 5);
        memory.fill(z, 0, <usize>(wide(n) - n) << 5);
        multiply(features, panelS, d, out, e, padded(n), false);
        spread(out, at(gq, OUT, t) + <usize>i * rowBytes(OUT), rowBytes(OUT), e, m);
        const place = <usize>(i - start) << 5;
        for (let j = 0; j < n; j += WIDE) {
          turn(p + (<usize>j << 5), turnedP + (<usize>(j * BLOCK) << 2) + place);
          turn(d + (<usize>j << 5), turnedD + (<usize>(j * BLOCK) << 2) + place);
        }
      }
      const last = seen(start + size - 1);
      for (let j = 0; j < last; j += WIDE) {
        // Queries before these keys do not see them.
        const from = meta(CAUSAL) ? max(0, j - start) : 0;
        const skip = <usize>from << 5;
        const skipA = <usize>(from * MR_F32) << 2;
        const panel = <usize>(MR_F32 * steps) << 2;
        const columns = <usize>(j * BLOCK) << 2;
        multiply(blockG + skipA, panel, turnedP + columns + skip, sumV + (<usize>(j * tall(f)) << 2), f, steps - from, true);
        multiply(blockQ + skipA, panel, turnedD + columns + skip, sumK + (<usize>(j * tall(e)) << 2), e, steps - from, true);
      }
    }
    for (let j = 0; j < s; j += WIDE) {
      const m = min(WIDE, s - j);
      spread(sumK + (<usize>(j * tall(e)) << 2), at(gk, OUT_K, t) + <usize>j * rowBytes(OUT_K), rowBytes(OUT_K), e, m);
      spread(sumV + (<usize>(j * tall(f)) << 2), at(gv, OUT_V, t) + <usize>j * rowBytes(OUT_V), rowBytes(OUT_V), f, m);
    }
  }
}

/** Eight rows of eight to their transpose. */
// @ts-ignore: decorator
@inline
function turn(p: usize, to: usize): void {
  transpose4(p, 32, to, 32);
  transpose4(p + 16, 32, to + 128, 32);
  transpose4(p + 128, 32, to + 16, 32);
  transpose4(p + 144, 32, to + 144, 32);
}
