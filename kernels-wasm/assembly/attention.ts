/**
 * Attention, softmax(q kᵀ · scale + bias) v, and its gradients, without a matrix of all scores: blocks of rows of scores
 * live in working memory, between products that run out of the cache.
 *
 * Dao et al. 2022, https://arxiv.org/abs/2205.14135 (recomputing in the backward pass); rows of scores are whole here, so
 * there is no running maximum.
 */

import { gemm_f32, gemm_scratch } from "./gemm";
import { scratch } from "./memory";
import { maxLanes, sumLanes } from "./rows";
import { transpose_32 } from "./copy";
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

/** Rows of scores in a block. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;
/** Elements up to which a transposed operand is copied first, for products that read it where it is. */
// @ts-ignore: decorator
@inline
const SMALL: i32 = 4096;

/** Bytes of working memory. */
export function attention_scratch(s: i32, e: i32, f: i32): i32 {
  const small = (s * e <= SMALL ? s * e : 0) + (s * f <= SMALL ? s * f : 0);
  return gemm_scratch(4) + ((2 * BLOCK * (s + 4) + small + 64) << 2);
}

// @ts-ignore: decorator
@inline
function scores(): usize {
  return scratch + <usize>gemm_scratch(4);
}

/** The operand with the steps at `i` for head `t`. */
// @ts-ignore: decorator
@inline
function at(p: usize, i: usize, t: i32): usize {
  const inner = meta(INNER);
  return p + (<usize>(t / inner * meta(i) + t % inner * meta(i + 1)) << 2);
}

/** Elements from row to row of a block of scores. */
// @ts-ignore: decorator
@inline
function pitch(): i32 {
  return (meta(S) + 3) & ~3;
}

/** o = a bᵀ of `m` rows; b has `n` of its rows, or lies transposed at `turned` when that is not 0. */
function timesTransposed(
  a: usize,
  b: usize,
  turned: usize,
  o: usize,
  m: i32,
  n: i32,
  k: i32,
  rowA: i32,
  rowB: i32,
): void {
  if (turned) gemm_f32(a, turned, o, m, n, k, rowA, 1, meta(S), 1, pitch(), 1, 0, 0, 0, 0);
  else gemm_f32(a, b, o, m, n, k, rowA, 1, 1, rowB, pitch(), 1, 0, 0, 0, 0);
}

/** The first `n` of four lanes at `p`, others −∞. */
// @ts-ignore: decorator
@inline
function lanesOf(v: v128, n: i32, fill: v128): v128 {
  const place = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3);
  return v128.bitselect(v, fill, i32x4.lt_s(place, i32x4.splat(n)));
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

/** Columns that row `i` sees. */
// @ts-ignore: decorator
@inline
function seen(i: i32): i32 {
  return meta(CAUSAL) ? min(i + 1, meta(S)) : meta(S);
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
  const ld = pitch();
  const p = scores();
  const turned: usize = s * e <= SMALL ? p + (<usize>(BLOCK * (s + 4)) << 2) : 0;
  const by = f32x4.splat(scale);
  for (let t = first; t < first + count; t++) {
    const qt = at(q, Q, t);
    const kt = at(k, K, t);
    const vt = at(v, V, t);
    const bt = at(bias, BIAS, t);
    const yt = at(y, OUT, t);
    const lt = at(logs, ROWS, t);
    if (turned) transpose_32(kt, turned, s, e, meta(K + 2), s);
    for (let i = 0; i < l; i += BLOCK) {
      const m = min(BLOCK, l - i);
      const n = seen(i + m - 1);
      const to = yt + (<usize>(i * meta(OUT + 2)) << 2);
      timesTransposed(qt + (<usize>(i * meta(Q + 2)) << 2), kt, turned, p, m, n, e, meta(Q + 2), meta(K + 2));
      const sums = p + (<usize>(BLOCK * ld) << 2);
      for (let r = 0; r < m; r++) {
        const row = p + (<usize>(r * ld) << 2);
        const own = seen(i + r);
        const top = prepare(row, bias ? bt + (<usize>((i + r) * meta(BIAS + 2)) << 2) : 0, own, by);
        // Nothing seen: −∞ − (−∞) would be NaN.
        const finite = f32x4.extract_lane(top, 0) == -Infinity ? f32x4.splat(0) : top;
        const sum = exponentials(row, finite, own, n);
        const one = f32x4.extract_lane(sum, 0);
        store<f32>(
          lt + (<usize>((i + r) * meta(ROWS + 2)) << 2),
          f32x4.extract_lane(f32x4.add(finite, log(sum)), 0),
        );
        store<f32>(sums + (<usize>r << 2), one == 0 ? <f32>1 : one);
      }
      gemm_f32(p, vt, to, m, f, n, ld, 1, meta(V + 2), 1, meta(OUT + 2), 1, 0, 0, 0, 0);
      for (let r = 0; r < m; r++) {
        const row = to + (<usize>(r * meta(OUT + 2)) << 2);
        const sum = load<f32>(sums + (<usize>r << 2));
        const all = <usize>f << 2;
        let j: usize = 0;
        for (; j + 16 <= all; j += 16) v128.store(row + j, f32x4.div(v128.load(row + j), f32x4.splat(sum)));
        for (; j < all; j += 4) store<f32>(row + j, load<f32>(row + j) / sum);
      }
    }
  }
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
  const ld = pitch();
  const p = scores();
  const d = p + (<usize>(BLOCK * (s + 4)) << 2);
  const rest = d + (<usize>(BLOCK * (s + 4)) << 2);
  const turnedK: usize = s * e <= SMALL ? rest : 0;
  const turnedV: usize = s * f <= SMALL ? rest + (turnedK ? <usize>(s * e) << 2 : 0) : 0;
  const by = f32x4.splat(scale);
  for (let t = first; t < first + count; t++) {
    const qt = at(q, Q, t);
    const kt = at(k, K, t);
    const vt = at(v, V, t);
    const gt = at(g, G, t);
    const bt = at(bias, BIAS, t);
    const ok = at(gk, OUT_K, t);
    const ov = at(gv, OUT_V, t);
    if (turnedK) transpose_32(kt, turnedK, s, e, meta(K + 2), s);
    if (turnedV) transpose_32(vt, turnedV, s, f, meta(V + 2), s);
    for (let r = 0; r < s; r++) {
      memory.fill(ok + (<usize>(r * meta(OUT_K + 2)) << 2), 0, <usize>e << 2);
      memory.fill(ov + (<usize>(r * meta(OUT_V + 2)) << 2), 0, <usize>f << 2);
    }
    for (let i = 0; i < l; i += BLOCK) {
      const m = min(BLOCK, l - i);
      const n = seen(i + m - 1);
      const qi = qt + (<usize>(i * meta(Q + 2)) << 2);
      const gi = gt + (<usize>(i * meta(G + 2)) << 2);
      timesTransposed(qi, kt, turnedK, p, m, n, e, meta(Q + 2), meta(K + 2));
      timesTransposed(gi, vt, turnedV, d, m, n, f, meta(G + 2), meta(V + 2));
      for (let r = 0; r < m; r++) {
        const row = p + (<usize>(r * ld) << 2);
        const slope = d + (<usize>(r * ld) << 2);
        const own = seen(i + r);
        const place = t / meta(INNER) * meta(ROWS) + t % meta(INNER) * meta(ROWS + 1) + (i + r) * meta(ROWS + 2);
        const logarithm = load<f32>(logs + (<usize>place << 2));
        prepare(row, bias ? bt + (<usize>((i + r) * meta(BIAS + 2)) << 2) : 0, own, by);
        // A row that sees nothing has weights of 0: exp(−∞ − 0).
        exponentials(row, f32x4.splat(logarithm == -Infinity ? 0 : logarithm), own, n);
        const less = f32x4.splat(load<f32>(delta + (<usize>place << 2)));
        for (let j: usize = 0; j < <usize>n << 2; j += 16) {
          const w = f32x4.mul(v128.load(row + j), f32x4.sub(v128.load(slope + j), less));
          v128.store(slope + j, f32x4.mul(w, by));
        }
        // Where nothing is seen, a slope of ±∞ or NaN must not come through.
        for (let j = own; j < n; j++) store<f32>(slope + (<usize>j << 2), 0);
      }
      const to = at(gq, OUT, t) + (<usize>(i * meta(OUT + 2)) << 2);
      gemm_f32(d, kt, to, m, e, n, ld, 1, meta(K + 2), 1, meta(OUT + 2), 1, 0, 0, 0, 0);
      gemm_f32(d, qi, ok, n, e, m, 1, ld, meta(Q + 2), 1, meta(OUT_K + 2), 1, 0, 0, 0, 1);
      gemm_f32(p, gi, ov, n, f, m, 1, ld, meta(G + 2), 1, meta(OUT_V + 2), 1, 0, 0, 0, 1);
    }
  }
}
