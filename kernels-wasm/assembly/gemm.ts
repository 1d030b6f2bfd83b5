/**
 * Products of matrices: C = A B, or C += A B, for any row and column steps of A and B; rows of C are dense.
 *
 * Large ones are blocked and packed (Goto and van de Geijn 2008, https://doi.org/10.1145/1356052.1356053): a block of B of
 * KC × NC and a block of A of MC × KC are copied into panels, and a micro-kernel multiplies panels out of the cache.
 * A matrix with few rows would pay more for packing B than for the product: it reads B where it is.
 */

import {
  micro_4x4_f64,
  micro_4x8,
  micro_5x8,
  MR_F32,
  MR_F64,
  NR_F32,
  NR_F64,
} from "./gemm_micro";
import { scratch } from "./memory";

/** Steps of k in a block. */
// @ts-ignore: decorator
@inline
export const KC: i32 = 256;
/** Rows of a block of A: a multiple of both heights of tiles. */
// @ts-ignore: decorator
@inline
export const MC: i32 = 160;
/** Columns of a block of B. */
// @ts-ignore: decorator
@inline
export const NC: i32 = 1024;

// @ts-ignore: decorator
@inline
function heightOf<T>(): i32 {
  return sizeof<T>() === 4 ? MR_F32 : MR_F64;
}

// @ts-ignore: decorator
@inline
function widthOf<T>(): i32 {
  return sizeof<T>() === 4 ? NR_F32 : NR_F64;
}

/** Where the packed block of B begins. */
// @ts-ignore: decorator
@inline
function packedB(): usize {
  return scratch;
}

/** Where the packed block of A begins. */
// @ts-ignore: decorator
@inline
export function packedA<T>(): usize {
  return scratch + <usize>(KC * NC) * sizeof<T>();
}

/** Where tiles at the edges go first. */
// @ts-ignore: decorator
@inline
function edgeTile<T>(): usize {
  return packedA<T>() + <usize>(KC * (MC + 8)) * sizeof<T>();
}

/** Bytes of working memory that products of elements of `size` bytes need. */
export function gemm_scratch(size: i32): i32 {
  return (KC * NC + KC * (MC + 8) + 64) * size;
}

// @ts-ignore: decorator
@inline
export function micro<T>(a: usize, b: usize, c: usize, ldc: usize, k: i32, add: bool): void {
  if (sizeof<T>() === 8) micro_4x4_f64(a, b, c, ldc, k, add);
  else if (ASC_FEATURE_RELAXED_SIMD) micro_5x8(a, b, c, ldc, k, add);
  else micro_4x8(a, b, c, ldc, k, add);
}

/** Steps of k with the zeros behind them. */
// @ts-ignore: decorator
@inline
export function padded(k: i32): i32 {
  return (k + 3) & ~3;
}

/** Copies `mc` rows by `kc` steps of A into panels. `rs`, `cs` are bytes from row to row and from step to step. */
export function packA<T>(o: usize, a: usize, mc: i32, kc: i32, rs: usize, cs: usize): void {
  const MR = heightOf<T>();
  const step = <usize>MR * sizeof<T>();
  const kp = padded(kc);
  for (let i = 0; i < mc; i += MR) {
    const rows = min(MR, mc - i);
    let p = a + <usize>i * rs;
    let q = o + <usize>(i * kp) * sizeof<T>();
    const end = q + <usize>kp * step;
    let k = 0;
    if (rows === MR && sizeof<T>() === 4) {
      if (cs === 4) {
        // Four steps of four rows at once are a 4 × 4 transpose.
        for (; k + 4 <= kc; k += 4) {
          const r0 = v128.load(p);
          const r1 = v128.load(p + rs);
          const r2 = v128.load(p + 2 * rs);
          const r3 = v128.load(p + 3 * rs);
          const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
          const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
          const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
          const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
          v128.store(q, i64x2.shuffle(t0, t1, 0, 2));
          v128.store(q + step, i64x2.shuffle(t0, t1, 1, 3));
          v128.store(q + 2 * step, i64x2.shuffle(t2, t3, 0, 2));
          v128.store(q + 3 * step, i64x2.shuffle(t2, t3, 1, 3));
          if (MR_F32 === 5) {
            const last = p + 4 * rs;
            store<f32>(q, load<f32>(last), 16);
            store<f32>(q + step, load<f32>(last, 4), 16);
            store<f32>(q + 2 * step, load<f32>(last, 8), 16);
            store<f32>(q + 3 * step, load<f32>(last, 12), 16);
          }
          p += 16;
          q += 4 * step;
        }
      } else if (rs === 4) {
        for (; k < kc; k++) {
          v128.store(q, v128.load(p));
          if (MR_F32 === 5) store<f32>(q, load<f32>(p, 16), 16);
          p += cs;
          q += step;
        }
      }
    }
    for (; k < kc; k++) {
      let r = 0;
      for (; r < rows; r++) store<T>(q + <usize>r * sizeof<T>(), load<T>(p + <usize>r * rs));
      for (; r < MR; r++) store<T>(q + <usize>r * sizeof<T>(), <T>0);
      p += cs;
      q += step;
    }
    if (q < end) memory.fill(q, 0, end - q);
  }
}

/** Copies `kc` steps by `nc` columns of B into panels. `rs`, `cs` are bytes from step to step and from column to column. */
export function packB<T>(o: usize, b: usize, kc: i32, nc: i32, rs: usize, cs: usize): void {
  const NR = widthOf<T>();
  const step = <usize>NR * sizeof<T>();
  const kp = padded(kc);
  for (let j = 0; j < nc; j += NR) {
    const cols = min(NR, nc - j);
    let p = b + <usize>j * cs;
    let q = o + <usize>(j * kp) * sizeof<T>();
    const end = q + <usize>kp * step;
    let k = 0;
    if (cols === NR) {
      if (cs === sizeof<T>()) {
        for (; k < kc; k++) {
          v128.store(q, v128.load(p));
          v128.store(q, v128.load(p, 16), 16);
          p += rs;
          q += step;
        }
      } else if (rs === 4 && sizeof<T>() === 4) {
        for (; k + 4 <= kc; k += 4) {
          transpose4(p, cs, q, step);
          transpose4(p + 4 * cs, cs, q + 16, step);
          p += 16;
          q += 4 * step;
        }
      }
    }
    for (; k < kc; k++) {
      let r = 0;
      for (; r < cols; r++) store<T>(q + <usize>r * sizeof<T>(), load<T>(p + <usize>r * cs));
      for (; r < NR; r++) store<T>(q + <usize>r * sizeof<T>(), <T>0);
      p += rs;
      q += step;
    }
    if (q < end) memory.fill(q, 0, end - q);
  }
}

/** Four vectors, `from` bytes apart, to their transpose, `to` bytes apart. */
// @ts-ignore: decorator
@inline
export function transpose4(p: usize, from: usize, q: usize, to: usize): void {
  const r0 = v128.load(p);
  const r1 = v128.load(p + from);
  const r2 = v128.load(p + 2 * from);
  const r3 = v128.load(p + 3 * from);
  const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(q, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(q + to, i64x2.shuffle(t0, t1, 1, 3));
  v128.store(q + 2 * to, i64x2.shuffle(t2, t3, 0, 2));
  v128.store(q + 3 * to, i64x2.shuffle(t2, t3, 1, 3));
}

/** Panels of A times panels of B into `mc` × `nc` elements of C. `ldc` is bytes from row to row. */
export function multiplyPanels<T>(
  pa: usize,
  pb: usize,
  c: usize,
  ldc: usize,
  mc: i32,
  nc: i32,
  kp: i32,
  add: bool,
): void {
  const MR = heightOf<T>();
  const NR = widthOf<T>();
  const tile = edgeTile<T>();
  const stepA = <usize>(MR * kp) * sizeof<T>();
  const stepB = <usize>(NR * kp) * sizeof<T>();
  for (let j = 0; j < nc; j += NR) {
    const cols = min(NR, nc - j);
    let a = pa;
    let q = c + <usize>j * sizeof<T>();
    for (let i = 0; i < mc; i += MR) {
      const rows = min(MR, mc - i);
      if (rows === MR && cols === NR) {
        micro<T>(a, pb, q, ldc, kp, add);
      } else {
        micro<T>(a, pb, tile, <usize>NR * sizeof<T>(), kp, false);
        for (let r = 0; r < rows; r++) {
          const to = q + <usize>r * ldc;
          const from = tile + <usize>(r * NR) * sizeof<T>();
          for (let s: usize = 0; s < <usize>cols * sizeof<T>(); s += sizeof<T>()) {
            store<T>(to + s, add ? <T>(load<T>(to + s) + load<T>(from + s)) : load<T>(from + s));
          }
        }
      }
      a += stepA;
      q += <usize>MR * ldc;
    }
    pb += stepB;
  }
}

/** One product, blocked and packed. Steps are in bytes. */
function gemmPacked<T>(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csa: usize,
  rsb: usize,
  csb: usize,
  rsc: usize,
  add: bool,
): void {
  const pa = packedA<T>();
  const pb = packedB();
  if (k === 0 && !add) for (let i = 0; i < m; i++) memory.fill(c + <usize>i * rsc, 0, <usize>n * sizeof<T>());
  for (let j = 0; j < n; j += NC) {
    const nc = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      packB<T>(pb, b + <usize>p * rsb + <usize>j * csb, kc, nc, rsb, csb);
      for (let i = 0; i < m; i += MC) {
        const mc = min(MC, m - i);
        packA<T>(pa, a + <usize>i * rsa + <usize>p * csa, mc, kc, rsa, csa);
        const at = c + <usize>i * rsc + <usize>j * sizeof<T>();
        multiplyPanels<T>(pa, pb, at, rsc, mc, nc, padded(kc), add || p > 0);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function mad(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * Few rows of A and dense rows of B: four rows of B at a time are added to the rows of C, so B streams through once.
 */
function gemmFewRows(
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
  add: bool,
): void {
  if (!add) for (let i = 0; i < m; i++) memory.fill(c + <usize>i * rsc, 0, <usize>n << 2);
  for (let j = 0; j < n; j += 4096) {
    const nc = min(4096, n - j);
    const vectors = (<usize>nc & ~3) << 2;
    const all = <usize>nc << 2;
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      const b0 = b + <usize>p * rsb + (<usize>j << 2);
      const b1 = b0 + rsb;
      const b2 = b1 + rsb;
      const b3 = b2 + rsb;
      for (let i = 0; i < m; i++) {
        const x = a + <usize>i * rsa + <usize>p * csa;
        const s0 = load<f32>(x);
        const s1 = load<f32>(x + csa);
        const s2 = load<f32>(x + 2 * csa);
        const s3 = load<f32>(x + 3 * csa);
        const x0 = f32x4.splat(s0);
        const x1 = f32x4.splat(s1);
        const x2 = f32x4.splat(s2);
        const x3 = f32x4.splat(s3);
        const y = c + <usize>i * rsc + (<usize>j << 2);
        let t: usize = 0;
        for (; t < vectors; t += 16) {
          let v = v128.load(y + t);
          v = mad(x0, v128.load(b0 + t), v);
          v = mad(x1, v128.load(b1 + t), v);
          v = mad(x2, v128.load(b2 + t), v);
          v = mad(x3, v128.load(b3 + t), v);
          v128.store(y + t, v);
        }
        for (; t < all; t += 4) {
          store<f32>(
            y + t,
            load<f32>(y + t) + s0 * load<f32>(b0 + t) + s1 * load<f32>(b1 + t) + s2 * load<f32>(b2 + t) +
              s3 * load<f32>(b3 + t),
          );
        }
      }
    }
    for (; p < k; p++) {
      const b0 = b + <usize>p * rsb + (<usize>j << 2);
      for (let i = 0; i < m; i++) {
        const s0 = load<f32>(a + <usize>i * rsa + <usize>p * csa);
        const x0 = f32x4.splat(s0);
        const y = c + <usize>i * rsc + (<usize>j << 2);
        let t: usize = 0;
        for (; t < vectors; t += 16) v128.store(y + t, mad(x0, v128.load(b0 + t), v128.load(y + t)));
        for (; t < all; t += 4) store<f32>(y + t, load<f32>(y + t) + s0 * load<f32>(b0 + t));
      }
    }
  }
}

/** Sum of the lanes. */
// @ts-ignore: decorator
@inline
function lanes(v: v128): f32 {
  const w = f32x4.add(v, i64x2.shuffle(v, v, 1, 0));
  return f32x4.extract_lane(w, 0) + f32x4.extract_lane(w, 1);
}

/** Few rows of A and dense columns of B (x Wᵀ): four scalar products at a time along k. */
function gemmFewDots(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csb: usize,
  rsc: usize,
  add: bool,
): void {
  const vectors = (<usize>k & ~3) << 2;
  const pairs = (<usize>k & ~7) << 2;
  const all = <usize>k << 2;
  let j = 0;
  for (; j < n; j += 4) {
    // Past the end the last column is read again, and its result dropped.
    const left = min(4, n - j);
    const b0 = b + <usize>j * csb;
    const b1 = left > 1 ? b0 + csb : b0;
    const b2 = left > 2 ? b1 + csb : b1;
    const b3 = left > 3 ? b2 + csb : b2;
    for (let i = 0; i < m; i++) {
      const x = a + <usize>i * rsa;
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      let r0 = f32x4.splat(0);
      let r1 = f32x4.splat(0);
      let r2 = f32x4.splat(0);
      let r3 = f32x4.splat(0);
      let t: usize = 0;
      for (; t < pairs; t += 32) {
        const v = v128.load(x + t);
        const w = v128.load(x + t, 16);
        s0 = mad(v, v128.load(b0 + t), s0);
        s1 = mad(v, v128.load(b1 + t), s1);
        s2 = mad(v, v128.load(b2 + t), s2);
        s3 = mad(v, v128.load(b3 + t), s3);
        r0 = mad(w, v128.load(b0 + t, 16), r0);
        r1 = mad(w, v128.load(b1 + t, 16), r1);
        r2 = mad(w, v128.load(b2 + t, 16), r2);
        r3 = mad(w, v128.load(b3 + t, 16), r3);
      }
      for (; t < vectors; t += 16) {
        const v = v128.load(x + t);
        s0 = mad(v, v128.load(b0 + t), s0);
        s1 = mad(v, v128.load(b1 + t), s1);
        s2 = mad(v, v128.load(b2 + t), s2);
        s3 = mad(v, v128.load(b3 + t), s3);
      }
      let y0 = lanes(f32x4.add(s0, r0));
      let y1 = lanes(f32x4.add(s1, r1));
      let y2 = lanes(f32x4.add(s2, r2));
      let y3 = lanes(f32x4.add(s3, r3));
      for (; t < all; t += 4) {
        const v = load<f32>(x + t);
        y0 += v * load<f32>(b0 + t);
        y1 += v * load<f32>(b1 + t);
        y2 += v * load<f32>(b2 + t);
        y3 += v * load<f32>(b3 + t);
      }
      const y = c + <usize>i * rsc + (<usize>j << 2);
      if (add) {
        y0 += load<f32>(y);
        if (left > 1) y1 += load<f32>(y, 4);
        if (left > 2) y2 += load<f32>(y, 8);
        if (left > 3) y3 += load<f32>(y, 12);
      }
      store<f32>(y, y0);
      if (left > 1) store<f32>(y, y1, 4);
      if (left > 2) store<f32>(y, y2, 8);
      if (left > 3) store<f32>(y, y3, 12);
    }
  }
}

/**
 * One row of A and dense columns of B that no cache holds: one column after another, so that memory is read as one stream.
 */
function gemvDots(a: usize, b: usize, c: usize, n: i32, k: i32, csb: usize, add: bool): void {
  const vectors = (<usize>k & ~3) << 2;
  const blocks = (<usize>k & ~31) << 2;
  const all = <usize>k << 2;
  for (let j = 0; j < n; j++) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let s7 = s0;
    let t: usize = 0;
    for (; t < blocks; t += 128) {
      s0 = mad(v128.load(a + t), v128.load(b + t), s0);
      s1 = mad(v128.load(a + t, 16), v128.load(b + t, 16), s1);
      s2 = mad(v128.load(a + t, 32), v128.load(b + t, 32), s2);
      s3 = mad(v128.load(a + t, 48), v128.load(b + t, 48), s3);
      s4 = mad(v128.load(a + t, 64), v128.load(b + t, 64), s4);
      s5 = mad(v128.load(a + t, 80), v128.load(b + t, 80), s5);
      s6 = mad(v128.load(a + t, 96), v128.load(b + t, 96), s6);
      s7 = mad(v128.load(a + t, 112), v128.load(b + t, 112), s7);
    }
    for (; t < vectors; t += 16) s0 = mad(v128.load(a + t), v128.load(b + t), s0);
    s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    s4 = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
    let y = lanes(f32x4.add(s0, s4));
    for (; t < all; t += 4) y += load<f32>(a + t) * load<f32>(b + t);
    store<f32>(c, add ? load<f32>(c) + y : y);
    b += csb;
    c += 4;
  }
}

/** A small product with dense rows of B, straight from where the matrices are: tiles of 4 × 8, then what is left. */
function gemmSmall(
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
  add: bool,
): void {
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    const a0 = a + <usize>i * rsa;
    const c0 = c + <usize>i * rsc;
    const c1 = c0 + rsc;
    const c2 = c1 + rsc;
    const c3 = c2 + rsc;
    let j: usize = 0;
    for (; j + 32 <= <usize>n << 2; j += 32) {
      let s0 = add ? v128.load(c0 + j) : f32x4.splat(0);
      let s1 = add ? v128.load(c1 + j) : f32x4.splat(0);
      let s2 = add ? v128.load(c2 + j) : f32x4.splat(0);
      let s3 = add ? v128.load(c3 + j) : f32x4.splat(0);
      let r0 = add ? v128.load(c0 + j, 16) : f32x4.splat(0);
      let r1 = add ? v128.load(c1 + j, 16) : f32x4.splat(0);
      let r2 = add ? v128.load(c2 + j, 16) : f32x4.splat(0);
      let r3 = add ? v128.load(c3 + j, 16) : f32x4.splat(0);
      let x = a0;
      let p = b + j;
      for (let t = 0; t < k; t++) {
        const y = v128.load(p);
        const z = v128.load(p, 16);
        let v = v128.load32_splat(x);
        s0 = mad(v, y, s0);
        r0 = mad(v, z, r0);
        v = v128.load32_splat(x + rsa);
        s1 = mad(v, y, s1);
        r1 = mad(v, z, r1);
        v = v128.load32_splat(x + 2 * rsa);
        s2 = mad(v, y, s2);
        r2 = mad(v, z, r2);
        v = v128.load32_splat(x + 3 * rsa);
        s3 = mad(v, y, s3);
        r3 = mad(v, z, r3);
        x += csa;
        p += rsb;
      }
      v128.store(c0 + j, s0);
      v128.store(c1 + j, s1);
      v128.store(c2 + j, s2);
      v128.store(c3 + j, s3);
      v128.store(c0 + j, r0, 16);
      v128.store(c1 + j, r1, 16);
      v128.store(c2 + j, r2, 16);
      v128.store(c3 + j, r3, 16);
    }
    for (let r = 0; r < 4; r++) rest(a0 + <usize>r * rsa, b, c0 + <usize>r * rsc, j, n, k, csa, rsb, add);
  }
  for (; i < m; i++) rest(a + <usize>i * rsa, b, c + <usize>i * rsc, 0, n, k, csa, rsb, add);
}

/** One row of a small product from byte `j` on. */
function rest(a: usize, b: usize, c: usize, j: usize, n: i32, k: i32, csa: usize, rsb: usize, add: bool): void {
  const end = <usize>n << 2;
  for (; j + 16 <= end; j += 16) {
    let s = add ? v128.load(c + j) : f32x4.splat(0);
    let x = a;
    let p = b + j;
    for (let t = 0; t < k; t++) {
      s = mad(v128.load32_splat(x), v128.load(p), s);
      x += csa;
      p += rsb;
    }
    v128.store(c + j, s);
  }
  for (; j < end; j += 4) {
    let s = add ? load<f32>(c + j) : <f32>0;
    let x = a;
    let p = b + j;
    for (let t = 0; t < k; t++) {
      s += load<f32>(x) * load<f32>(p);
      x += csa;
      p += rsb;
    }
    store<f32>(c + j, s);
  }
}

/** A copy of `m` rows by `k` steps of A with dense rows. */
function denseRows(o: usize, a: usize, m: i32, k: i32, rsa: usize, csa: usize): void {
  for (let i = 0; i < m; i++) {
    let p = a + <usize>i * rsa;
    for (let t = 0; t < k; t++) {
      store<f32>(o, load<f32>(p));
      o += 4;
      p += csa;
    }
  }
}

/**
 * `batch` products of float32: C = A B, or C += A B where `add` is not 0.
 *
 * A is m × k, B is k × n, C is m × n with dense rows; all steps are in elements.
 */
export function gemm_f32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  const ra = <usize>rsa << 2;
  const ca = <usize>csa << 2;
  const rb = <usize>rsb << 2;
  const cb = <usize>csb << 2;
  const rc = <usize>rsc << 2;
  const few = m <= 4;
  const small = <f64>k * <f64>n <= 4096;
  const cached = <f64>k * <f64>n <= 131072;
  for (; batch > 0; batch--) {
    if (csb === 1 && small && m > 1) gemmSmall(a, b, c, m, n, k, ra, ca, rb, rc, add !== 0);
    else if (csb === 1 && few) gemmFewRows(a, b, c, m, n, k, ra, ca, rb, rc, add !== 0);
    else if (rsb === 1 && m === 1 && csa === 1 && !cached) gemvDots(a, b, c, n, k, cb, add !== 0);
    else if (rsb === 1 && few && csa === 1) gemmFewDots(a, b, c, m, n, k, ra, cb, rc, add !== 0);
    else if (rsb === 1 && few && m * k <= KC * NC) {
      denseRows(scratch, a, m, k, ra, ca);
      gemmFewDots(scratch, b, c, m, n, k, <usize>k << 2, cb, rc, add !== 0);
    } else gemmPacked<f32>(a, b, c, m, n, k, ra, ca, rb, cb, rc, add !== 0);
    a += <usize>sa << 2;
    b += <usize>sb << 2;
    c += <usize>sc << 2;
  }
}

/** As {@linkcode gemm_f32} on float64. */
export function gemm_f64(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  for (; batch > 0; batch--) {
    gemmPacked<f64>(
      a,
      b,
      c,
      m,
      n,
      k,
      <usize>rsa << 3,
      <usize>csa << 3,
      <usize>rsb << 3,
      <usize>csb << 3,
      <usize>rsc << 3,
      add !== 0,
    );
    a += <usize>sa << 3;
    b += <usize>sb << 3;
    c += <usize>sc << 3;
  }
}

/** As {@linkcode gemm_f32} on integers, which wrap: row of C after row. */
// @ts-ignore: decorator
@inline
function gemmPlain<T>(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  const size = <i32>sizeof<T>();
  for (; batch > 0; batch--) {
    for (let i = 0; i < m; i++) {
      const y = c + <usize>(i * rsc * size);
      if (!add) memory.fill(y, 0, <usize>(n * size));
      for (let p = 0; p < k; p++) {
        const x = load<T>(a + <usize>((i * rsa + p * csa) * size));
        let q = b + <usize>(p * rsb * size);
        for (let j: usize = 0; j < <usize>(n * size); j += sizeof<T>()) {
          store<T>(y + j, <T>(load<T>(y + j) + <T>(x * load<T>(q))));
          q += <usize>(csb * size);
        }
      }
    }
    a += <usize>(sa * size);
    b += <usize>(sb * size);
    c += <usize>(sc * size);
  }
}

export function gemm_i32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  gemmPlain<i32>(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}

export function gemm_i64(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  gemmPlain<i64>(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}
