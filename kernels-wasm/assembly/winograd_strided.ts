/**
 * Tiles of convolutions with kernels of 3 × 3 that move by 2, for winograd.ts.
 *
 * Along an axis the even elements of the image meet the first and the last weight, the odd ones the second: y = E ∗ (w₀, w₂)
 * + O ∗ w₁, two convolutions that move by 1. For 4 outputs these are F(4, 2) and F(4, 1), whose products share the transform
 * of the output: at the points ±1/2, ±3/2 and, for E alone, ∞. So a tile of 4 × 4 outputs needs 9 × 9 products for each pair of
 * channels instead of 144, which are added up to 5 × 5 numbers before the transform back.
 *
 * Numbers 0 … 8 of an axis are those of E at the five points, then those of O at four of them. Number [i, j] of 9 × 9 is added
 * to number [i mod 5, j mod 5] of 5 × 5.
 */

import { mad, nmad } from "./fused";
import { gemm_scratch } from "./gemm";
import { scratch } from "./memory";

/** Products of a tile before they are added up. */
// @ts-ignore: decorator
@inline
export const PARTS: i32 = 81;
/** Products of a tile when they are. */
// @ts-ignore: decorator
@inline
export const SUMS: i32 = 25;

// The points ±A, ±B, and what the transforms are made of.
// @ts-ignore: decorator
@inline
const A: f32 = 0.5;
// @ts-ignore: decorator
@inline
const B: f32 = 1.5;
// @ts-ignore: decorator
@inline
const A2: f32 = A * A;
// @ts-ignore: decorator
@inline
const B2: f32 = B * B;
// @ts-ignore: decorator
@inline
const NA: f32 = 1 / (2 * A * (A2 - B2));
// @ts-ignore: decorator
@inline
const NB: f32 = 1 / (2 * B * (B2 - A2));

/** Where constants lie, which are loaded once for a tile. */
// @ts-ignore: decorator
@inline
export function constants(): usize {
  return scratch + <usize>gemm_scratch(4);
}

/** Where the constants of this file lie. */
// @ts-ignore: decorator
@inline
function ownConstants(): usize {
  return constants() + 256;
}

/** What a transform holds between its two halves. */
// @ts-ignore: decorator
@inline
export function between(): usize {
  return constants() + 512;
}

/** Where the transforms of images and weights store their 81 vectors: offsets in bytes. */
// @ts-ignore: decorator
@inline
function offsets(): usize {
  return constants() + 2048;
}

/** Bytes of what lies at {@linkcode constants}. */
// @ts-ignore: decorator
@inline
export const HEAD: i32 = 2560;

/** Writes the constants, each in four lanes. */
export function writeStridedConstants(): void {
  const at = ownConstants();
  v128.store(at, f32x4.splat(A));
  v128.store(at, f32x4.splat(B), 16);
  v128.store(at, f32x4.splat(A2), 32);
  v128.store(at, f32x4.splat(B2), 48);
  v128.store(at, f32x4.splat(A * A2), 64);
  v128.store(at, f32x4.splat(B * B2), 80);
  v128.store(at, f32x4.splat(A2 + B2), 96);
  v128.store(at, f32x4.splat(A2 * B2), 112);
  v128.store(at, f32x4.splat(NA), 128);
  v128.store(at, f32x4.splat(NB), 144);
  v128.store(at, f32x4.splat(NA * A), 160);
  v128.store(at, f32x4.splat(NB * B), 176);
}

/** Which of the 25 sums number `i` of the 81 products is part of. */
// @ts-ignore: decorator
@inline
export function sumOf(i: i32): i32 {
  const y = i / 9;
  const x = i - 9 * y;
  return 5 * (y < 5 ? y : y - 5) + (x < 5 ? x : x - 5);
}

/** How many of the products are added up for sum number `i`. */
// @ts-ignore: decorator
@inline
export function partsOf(i: i32): i32 {
  return (i < 20 ? 2 : 1) * (i % 5 < 4 ? 2 : 1);
}

/**
 * Says where the 81 vectors go: to matrices `step` bytes apart; or where `part` is not 0, to the matrix of their sum, `part`
 * bytes after the vector before.
 */
export function writeOffsets(step: i32, part: i32): void {
  let q = offsets();
  for (let y = 0; y < 9; y++) {
    for (let x = 0; x < 9; x++) {
      const odd = x > 4 ? 1 : 0;
      const before = y > 4 ? odd + (x === 4 ? 1 : 2) : odd;
      store<i32>(q, part === 0 ? (9 * y + x) * step : sumOf(9 * y + x) * step + before * part);
      q += 4;
    }
  }
}

/** Where the vector whose offset is at `q` goes. */
// @ts-ignore: decorator
@inline
function to(o: usize, q: usize, y: usize): usize {
  return o + <usize>load<i32>(q + 36 * y);
}

/** Transforms the tiles of 9 × 9 at four places, rows `row` bytes apart: 81 vectors to o and the offsets. */
export function inputTileStrided(p0: usize, p1: usize, p2: usize, p3: usize, row: usize, o: usize): void {
  const k = ownConstants();
  const temp = between();
  const a = v128.load(k);
  const b = v128.load(k, 16);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const sum = v128.load(k, 96);
  const product = v128.load(k, 112);
  for (let q = temp; q < temp + 1296; q += 144) {
    let r0 = v128.load(p0);
    let r1 = v128.load(p1);
    let r2 = v128.load(p2);
    let r3 = v128.load(p3);
    let t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    let t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    let t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    let t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    const d0 = i64x2.shuffle(t0, t1, 0, 2);
    const d1 = i64x2.shuffle(t0, t1, 1, 3);
    const d2 = i64x2.shuffle(t2, t3, 0, 2);
    const d3 = i64x2.shuffle(t2, t3, 1, 3);
    r0 = v128.load(p0, 16);
    r1 = v128.load(p1, 16);
    r2 = v128.load(p2, 16);
    r3 = v128.load(p3, 16);
    t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    const d4 = i64x2.shuffle(t0, t1, 0, 2);
    const d5 = i64x2.shuffle(t0, t1, 1, 3);
    const d6 = i64x2.shuffle(t2, t3, 0, 2);
    const d7 = i64x2.shuffle(t2, t3, 1, 3);
    let d8 = v128.load32_zero(p0, 32);
    d8 = v128.load32_lane(p1, d8, 1, 32);
    d8 = v128.load32_lane(p2, d8, 2, 32);
    d8 = v128.load32_lane(p3, d8, 3, 32);
    let e = nmad(b2, d2, d6);
    let f = nmad(b2, d0, d4);
    v128.store(q, mad(a, f, e));
    v128.store(q, nmad(a, f, e), 16);
    e = nmad(a2, d2, d6);
    f = nmad(a2, d0, d4);
    v128.store(q, mad(b, f, e), 32);
    v128.store(q, nmad(b, f, e), 48);
    v128.store(q, nmad(sum, d4, mad(product, d0, d8)), 64);
    e = nmad(b2, d3, d7);
    f = nmad(b2, d1, d5);
    v128.store(q, mad(a, f, e), 80);
    v128.store(q, nmad(a, f, e), 96);
    e = nmad(a2, d3, d7);
    f = nmad(a2, d1, d5);
    v128.store(q, mad(b, f, e), 112);
    v128.store(q, nmad(b, f, e), 128);
    p0 += row;
    p1 += row;
    p2 += row;
    p3 += row;
  }
  let q = offsets();
  for (let from = temp; from < temp + 144; from += 16) {
    const d0 = v128.load(from);
    const d1 = v128.load(from, 144);
    const d2 = v128.load(from, 288);
    const d3 = v128.load(from, 432);
    const d4 = v128.load(from, 576);
    const d5 = v128.load(from, 720);
    const d6 = v128.load(from, 864);
    const d7 = v128.load(from, 1008);
    let e = nmad(b2, d2, d6);
    let f = nmad(b2, d0, d4);
    v128.store(to(o, q, 0), mad(a, f, e));
    v128.store(to(o, q, 1), nmad(a, f, e));
    e = nmad(a2, d2, d6);
    f = nmad(a2, d0, d4);
    v128.store(to(o, q, 2), mad(b, f, e));
    v128.store(to(o, q, 3), nmad(b, f, e));
    v128.store(to(o, q, 4), nmad(sum, d4, mad(product, d0, v128.load(from, 1152))));
    e = nmad(b2, d3, d7);
    f = nmad(b2, d1, d5);
    v128.store(to(o, q, 5), mad(a, f, e));
    v128.store(to(o, q, 6), nmad(a, f, e));
    e = nmad(a2, d3, d7);
    f = nmad(a2, d1, d5);
    v128.store(to(o, q, 7), mad(b, f, e));
    v128.store(to(o, q, 8), nmad(b, f, e));
    q += 4;
  }
}

/** Stores v at p, or its lanes `apart` bytes from one another where that is not 0. */
// @ts-ignore: decorator
@inline
function put(p: usize, v: v128, apart: usize): void {
  if (apart === 0) {
    v128.store(p, v);
    return;
  }
  v128.store32_lane(p, v, 0);
  v128.store32_lane(p + apart, v, 1);
  v128.store32_lane(p + 2 * apart, v, 2);
  v128.store32_lane(p + 3 * apart, v, 3);
}

/** Transforms the nine weights in vectors at `from`: 81 vectors to o and the offsets, or their lanes `apart` bytes apart. */
export function weightTileStrided(from: usize, o: usize, apart: usize): void {
  const k = ownConstants();
  const temp = from + 144;
  const na = v128.load(k, 128);
  const nb = v128.load(k, 144);
  const naa = v128.load(k, 160);
  const nbb = v128.load(k, 176);
  for (let q = temp; q < temp + 432; q += 144) {
    const g0 = v128.load(from);
    const g1 = v128.load(from, 16);
    const g2 = v128.load(from, 32);
    let e = f32x4.mul(na, g0);
    v128.store(q, mad(naa, g2, e));
    v128.store(q, f32x4.sub(f32x4.mul(naa, g2), e), 16);
    e = f32x4.mul(nb, g0);
    v128.store(q, mad(nbb, g2, e), 32);
    v128.store(q, f32x4.sub(f32x4.mul(nbb, g2), e), 48);
    v128.store(q, g2, 64);
    e = f32x4.mul(na, g1);
    v128.store(q, e, 80);
    v128.store(q, f32x4.neg(e), 96);
    e = f32x4.mul(nb, g1);
    v128.store(q, e, 112);
    v128.store(q, f32x4.neg(e), 128);
    from += 48;
  }
  let q = offsets();
  for (from = temp; from < temp + 144; from += 16) {
    const g0 = v128.load(from);
    const g1 = v128.load(from, 144);
    const g2 = v128.load(from, 288);
    let e = f32x4.mul(na, g0);
    put(to(o, q, 0), mad(naa, g2, e), apart);
    put(to(o, q, 1), f32x4.sub(f32x4.mul(naa, g2), e), apart);
    e = f32x4.mul(nb, g0);
    put(to(o, q, 2), mad(nbb, g2, e), apart);
    put(to(o, q, 3), f32x4.sub(f32x4.mul(nbb, g2), e), apart);
    put(to(o, q, 4), g2, apart);
    e = f32x4.mul(na, g1);
    put(to(o, q, 5), e, apart);
    put(to(o, q, 6), f32x4.neg(e), apart);
    e = f32x4.mul(nb, g1);
    put(to(o, q, 7), e, apart);
    put(to(o, q, 8), f32x4.neg(e), apart);
    q += 4;
  }
}

/** The transform of gradients: 4 × 4 at four places to 25 vectors `step` bytes apart, or their lanes `apart`. */
export function gradTileStrided(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  row: usize,
  o: usize,
  step: usize,
  apart: usize,
): void {
  const k = ownConstants();
  const temp = between();
  const a = v128.load(k);
  const b = v128.load(k, 16);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  for (let q = temp; q < temp + 320; q += 80) {
    const r0 = v128.load(p0);
    const r1 = v128.load(p1);
    const r2 = v128.load(p2);
    const r3 = v128.load(p3);
    const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    const g0 = i64x2.shuffle(t0, t1, 0, 2);
    const g1 = i64x2.shuffle(t0, t1, 1, 3);
    const g2 = i64x2.shuffle(t2, t3, 0, 2);
    const g3 = i64x2.shuffle(t2, t3, 1, 3);
    let e = mad(a2, g2, g0);
    let f = mad(a2, g3, g1);
    v128.store(q, mad(a, f, e));
    v128.store(q, nmad(a, f, e), 16);
    e = mad(b2, g2, g0);
    f = mad(b2, g3, g1);
    v128.store(q, mad(b, f, e), 32);
    v128.store(q, nmad(b, f, e), 48);
    v128.store(q, g3, 64);
    p0 += row;
    p1 += row;
    p2 += row;
    p3 += row;
  }
  for (let from = temp; from < temp + 80; from += 16) {
    const g0 = v128.load(from);
    const g1 = v128.load(from, 80);
    const g2 = v128.load(from, 160);
    const g3 = v128.load(from, 240);
    let q = o;
    let e = mad(a2, g2, g0);
    let f = mad(a2, g3, g1);
    put(q, mad(a, f, e), apart);
    put(q += 5 * step, nmad(a, f, e), apart);
    e = mad(b2, g2, g0);
    f = mad(b2, g3, g1);
    put(q += 5 * step, mad(b, f, e), apart);
    put(q += 5 * step, nmad(b, f, e), apart);
    put(q += 5 * step, g3, apart);
    o += step;
  }
}

/** Transforms 25 vectors, `step` bytes apart, to 4 × 4 outputs of four tiles: 16 vectors at {@linkcode between}. */
export function outputTileStrided(m: usize, step: usize): void {
  const k = ownConstants();
  const temp = between() + 256;
  const a = v128.load(k);
  const b = v128.load(k, 16);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const a3 = v128.load(k, 64);
  const b3 = v128.load(k, 80);
  for (let to = temp; to < temp + 80; to += 16) {
    let q = m;
    const m0 = v128.load(q);
    const m1 = v128.load(q += 5 * step);
    const m2 = v128.load(q += 5 * step);
    const m3 = v128.load(q += 5 * step);
    const m4 = v128.load(q += 5 * step);
    const sa = f32x4.add(m0, m1);
    const da = f32x4.sub(m0, m1);
    const sb = f32x4.add(m2, m3);
    const db = f32x4.sub(m2, m3);
    v128.store(to, f32x4.add(sa, sb));
    v128.store(to, mad(b, db, f32x4.mul(a, da)), 80);
    v128.store(to, mad(b2, sb, f32x4.mul(a2, sa)), 160);
    v128.store(to, mad(b3, db, mad(a3, da, m4)), 240);
    m += step;
  }
  let to = between();
  for (let from = temp; from < temp + 320; from += 80) {
    const m0 = v128.load(from);
    const m1 = v128.load(from, 16);
    const m2 = v128.load(from, 32);
    const m3 = v128.load(from, 48);
    const sa = f32x4.add(m0, m1);
    const da = f32x4.sub(m0, m1);
    const sb = f32x4.add(m2, m3);
    const db = f32x4.sub(m2, m3);
    v128.store(to, f32x4.add(sa, sb));
    v128.store(to, mad(b, db, f32x4.mul(a, da)), 16);
    v128.store(to, mad(b2, sb, f32x4.mul(a2, sa)), 32);
    v128.store(to, mad(b3, db, mad(a3, da, v128.load(from, 64))), 48);
    to += 64;
  }
}

/** Adds v to four elements at p. */
// @ts-ignore: decorator
@inline
function addTo(p: usize, v: v128): void {
  v128.store(p, f32x4.add(v128.load(p), v));
}

/** Adds a number to an element at p. */
// @ts-ignore: decorator
@inline
function addOne(p: usize, v: f32): void {
  store<f32>(p, load<f32>(p) + v);
}

/**
 * Transforms 81 vectors, `step` bytes apart, to tiles of 9 × 9 of the gradient for the input, and adds these to the padded
 * image, rows `row` bytes apart, where the table of tiles says.
 */
export function backTileStrided(m: usize, step: usize, o: usize, row: usize, tiles: usize): void {
  const k = ownConstants();
  const temp = between();
  const a = v128.load(k);
  const b = v128.load(k, 16);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const sum = v128.load(k, 96);
  const product = v128.load(k, 112);
  const zero = f32x4.splat(0);
  for (let to = temp; to < temp + 144; to += 16) {
    let q = m;
    let m0 = v128.load(q);
    let m1 = v128.load(q += 9 * step);
    let m2 = v128.load(q += 9 * step);
    let m3 = v128.load(q += 9 * step);
    const m4 = v128.load(q += 9 * step);
    let sa = f32x4.add(m0, m1);
    let da = f32x4.mul(a, f32x4.sub(m0, m1));
    let sb = f32x4.add(m2, m3);
    let db = f32x4.mul(b, f32x4.sub(m2, m3));
    v128.store(to, nmad(a2, db, nmad(b2, da, f32x4.mul(product, m4))));
    v128.store(to, nmad(a2, sb, nmad(b2, sa, zero)), 288);
    v128.store(to, nmad(sum, m4, f32x4.add(da, db)), 576);
    v128.store(to, f32x4.add(sa, sb), 864);
    v128.store(to, m4, 1152);
    m0 = v128.load(q += 9 * step);
    m1 = v128.load(q += 9 * step);
    m2 = v128.load(q += 9 * step);
    m3 = v128.load(q += 9 * step);
    sa = f32x4.add(m0, m1);
    da = f32x4.mul(a, f32x4.sub(m0, m1));
    sb = f32x4.add(m2, m3);
    db = f32x4.mul(b, f32x4.sub(m2, m3));
    v128.store(to, nmad(a2, db, nmad(b2, da, zero)), 144);
    v128.store(to, nmad(a2, sb, nmad(b2, sa, zero)), 432);
    v128.store(to, f32x4.add(da, db), 720);
    v128.store(to, f32x4.add(sa, sb), 1008);
    m += step;
  }
  let p0 = o + <usize>load<i32>(tiles);
  let p1 = o + <usize>load<i32>(tiles, 16);
  let p2 = o + <usize>load<i32>(tiles, 32);
  let p3 = o + <usize>load<i32>(tiles, 48);
  for (let from = temp; from < temp + 1296; from += 144) {
    let m0 = v128.load(from);
    let m1 = v128.load(from, 16);
    let m2 = v128.load(from, 32);
    let m3 = v128.load(from, 48);
    const m4 = v128.load(from, 64);
    let sa = f32x4.add(m0, m1);
    let da = f32x4.mul(a, f32x4.sub(m0, m1));
    let sb = f32x4.add(m2, m3);
    let db = f32x4.mul(b, f32x4.sub(m2, m3));
    const y0 = nmad(a2, db, nmad(b2, da, f32x4.mul(product, m4)));
    const y2 = nmad(a2, sb, nmad(b2, sa, zero));
    const y4 = nmad(sum, m4, f32x4.add(da, db));
    const y6 = f32x4.add(sa, sb);
    m0 = v128.load(from, 80);
    m1 = v128.load(from, 96);
    m2 = v128.load(from, 112);
    m3 = v128.load(from, 128);
    sa = f32x4.add(m0, m1);
    da = f32x4.mul(a, f32x4.sub(m0, m1));
    sb = f32x4.add(m2, m3);
    db = f32x4.mul(b, f32x4.sub(m2, m3));
    const y1 = nmad(a2, db, nmad(b2, da, zero));
    const y3 = nmad(a2, sb, nmad(b2, sa, zero));
    const y5 = f32x4.add(da, db);
    const y7 = f32x4.add(sa, sb);
    let t0 = i32x4.shuffle(y0, y1, 0, 4, 1, 5);
    let t1 = i32x4.shuffle(y2, y3, 0, 4, 1, 5);
    let t2 = i32x4.shuffle(y0, y1, 2, 6, 3, 7);
    let t3 = i32x4.shuffle(y2, y3, 2, 6, 3, 7);
    addTo(p0, i64x2.shuffle(t0, t1, 0, 2));
    addTo(p1, i64x2.shuffle(t0, t1, 1, 3));
    addTo(p2, i64x2.shuffle(t2, t3, 0, 2));
    addTo(p3, i64x2.shuffle(t2, t3, 1, 3));
    t0 = i32x4.shuffle(y4, y5, 0, 4, 1, 5);
    t1 = i32x4.shuffle(y6, y7, 0, 4, 1, 5);
    t2 = i32x4.shuffle(y4, y5, 2, 6, 3, 7);
    t3 = i32x4.shuffle(y6, y7, 2, 6, 3, 7);
    addTo(p0 + 16, i64x2.shuffle(t0, t1, 0, 2));
    addTo(p1 + 16, i64x2.shuffle(t0, t1, 1, 3));
    addTo(p2 + 16, i64x2.shuffle(t2, t3, 0, 2));
    addTo(p3 + 16, i64x2.shuffle(t2, t3, 1, 3));
    addOne(p0 + 32, f32x4.extract_lane(m4, 0));
    addOne(p1 + 32, f32x4.extract_lane(m4, 1));
    addOne(p2 + 32, f32x4.extract_lane(m4, 2));
    addOne(p3 + 32, f32x4.extract_lane(m4, 3));
    p0 += row;
    p1 += row;
    p2 += row;
    p3 += row;
  }
}

/** Transforms 81 vectors, `step` bytes apart, back to 3 × 3 weights: nine vectors at {@linkcode between}. */
export function kernelTileStrided(m: usize, step: usize): void {
  const k = ownConstants();
  const temp = between() + 144;
  const na = v128.load(k, 128);
  const nb = v128.load(k, 144);
  const naa = v128.load(k, 160);
  const nbb = v128.load(k, 176);
  for (let to = temp; to < temp + 144; to += 16) {
    let q = m;
    let m0 = v128.load(q);
    let m1 = v128.load(q += 9 * step);
    let m2 = v128.load(q += 9 * step);
    let m3 = v128.load(q += 9 * step);
    const m4 = v128.load(q += 9 * step);
    v128.store(to, mad(nb, f32x4.sub(m2, m3), f32x4.mul(na, f32x4.sub(m0, m1))));
    v128.store(to, mad(nbb, f32x4.add(m2, m3), mad(naa, f32x4.add(m0, m1), m4)), 288);
    m0 = v128.load(q += 9 * step);
    m1 = v128.load(q += 9 * step);
    m2 = v128.load(q += 9 * step);
    m3 = v128.load(q += 9 * step);
    v128.store(to, mad(nb, f32x4.sub(m2, m3), f32x4.mul(na, f32x4.sub(m0, m1))), 144);
    m += step;
  }
  let to = between();
  for (let from = temp; from < temp + 432; from += 144) {
    let m0 = v128.load(from);
    let m1 = v128.load(from, 16);
    let m2 = v128.load(from, 32);
    let m3 = v128.load(from, 48);
    v128.store(to, mad(nb, f32x4.sub(m2, m3), f32x4.mul(na, f32x4.sub(m0, m1))));
    v128.store(to, mad(nbb, f32x4.add(m2, m3), mad(naa, f32x4.add(m0, m1), v128.load(from, 64))), 32);
    m0 = v128.load(from, 80);
    m1 = v128.load(from, 96);
    m2 = v128.load(from, 112);
    m3 = v128.load(from, 128);
    v128.store(to, mad(nb, f32x4.sub(m2, m3), f32x4.mul(na, f32x4.sub(m0, m1))), 16);
    to += 48;
  }
}
