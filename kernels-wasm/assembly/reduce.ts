/**
 * Reductions over up to two loops (r, n), kept over up to two others (outer, inner); every loop has a step in elements.
 *
 * The result is dense [outer, inner]. When n runs along memory, rows are reduced by vectors; when inner does, whole rows
 * are combined. Float32 sums add blocks of up to 1024 in float32 and the blocks in float64: as accurate as pairwise. No
 * number takes part in more than 40 roundings.
 */

import { pick } from "./fused";
import { scratch } from "./memory";
import { Add, Maximum, Minimum, Mul } from "./ops";

/** All lanes in one. */
// @ts-ignore: decorator
@inline
function fold<T, Op>(v: v128): T {
  const op = changetype<Op>(0);
  if (sizeof<T>() === 8) return op.s<T>(v128.extract_lane<T>(v, 0), v128.extract_lane<T>(v, 1));
  v = op.v<T>(v, i64x2.shuffle(v, v, 1, 0));
  v = op.v<T>(v, i32x4.shuffle(v, v, 1, 0, 3, 2));
  if (sizeof<T>() <= 2) v = op.v<T>(v, i16x8.shuffle(v, v, 1, 0, 3, 2, 5, 4, 7, 6));
  if (sizeof<T>() === 1) v = op.v<T>(v, i8x16.shuffle(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
  return v128.extract_lane<T>(v, 0);
}

// @ts-ignore: decorator
@inline
function mad<T>(a: v128, b: v128, c: v128): v128 {
  if (sizeof<T>() === 4) return f32x4.relaxed_madd(a, b, c);
  else return v128.add<T>(v128.mul<T>(a, b), c);
}

/** All lanes in one by the form that does not keep NaN. */
// @ts-ignore: decorator
@inline
function quickFold<T, Op>(v: v128): T {
  const op = changetype<Op>(0);
  v = op.quick<T>(v, i64x2.shuffle(v, v, 1, 0));
  if (sizeof<T>() === 4) v = op.quick<T>(v, i32x4.shuffle(v, v, 1, 0, 3, 2));
  return v128.extract_lane<T>(v, 0);
}

/**
 * The extreme of `n` floats in a row that fill a vector; NaN where one of them is NaN, or perhaps where they are large.
 *
 * The extremes of WebAssembly that keep NaN cost several times those that do not. A NaN stays in a sum of products; an
 * overflow that makes one costs a second look.
 */
// @ts-ignore: decorator
@inline
function extremeOrNan<T, Op>(x: usize, n: i32): T {
  const op = changetype<Op>(0);
  let s0 = v128.splat<T>(op.identity<T>());
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let bad0 = v128.splat<T>(<T>0);
  let bad1 = bad0;
  let bad2 = bad0;
  let bad3 = bad0;
  const end = x + <usize>n * sizeof<T>();
  for (; x + 128 <= end; x += 128) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    s0 = op.quick<T>(s0, op.quick<T>(x0, x1));
    bad0 = mad<T>(x0, x1, bad0);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    s1 = op.quick<T>(s1, op.quick<T>(x2, x3));
    bad1 = mad<T>(x2, x3, bad1);
    const x4 = v128.load(x, 64);
    const x5 = v128.load(x, 80);
    s2 = op.quick<T>(s2, op.quick<T>(x4, x5));
    bad2 = mad<T>(x4, x5, bad2);
    const x6 = v128.load(x, 96);
    const x7 = v128.load(x, 112);
    s3 = op.quick<T>(s3, op.quick<T>(x6, x7));
    bad3 = mad<T>(x6, x7, bad3);
  }
  for (; x + 16 <= end; x += 16) {
    const x0 = v128.load(x);
    s0 = op.quick<T>(s0, x0);
    bad0 = v128.add<T>(bad0, x0);
  }
  if (x < end) {
    // Some of these a second time.
    const x0 = v128.load(end - 16);
    s1 = op.quick<T>(s1, x0);
    bad1 = v128.add<T>(bad1, x0);
  }
  const bad = v128.add<T>(v128.add<T>(bad0, bad1), v128.add<T>(bad2, bad3));
  let s = op.quick<T>(op.quick<T>(s0, s1), op.quick<T>(s2, s3));
  s = op.quick<T>(s, i64x2.shuffle(s, s, 1, 0));
  if (sizeof<T>() === 4) s = op.quick<T>(s, i32x4.shuffle(s, s, 1, 0, 3, 2));
  return v128.any_true(v128.ne<T>(bad, bad)) ? <T>NaN : v128.extract_lane<T>(s, 0);
}

/** `n` elements in a row. */
function row<T, Op>(x: usize, n: i32): T {
  const op = changetype<Op>(0);
  let y = op.identity<T>();
  const lanes = 16 / <i32>sizeof<T>();
  if (op.has<T>() && (sizeof<T>() >= 4 || op.isExtreme()) && n >= 4 * lanes) {
    if (isFloat<T>() && op.isExtreme()) {
      const quick = extremeOrNan<T, Op>(x, n);
      if (quick == quick) return quick;
    }
    let s0 = v128.splat<T>(y);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (const end = x + (<usize>n & ~(4 * <usize>lanes - 1)) * sizeof<T>(); x < end; x += 64) {
      s0 = op.v<T>(s0, v128.load(x));
      s1 = op.v<T>(s1, v128.load(x, 16));
      s2 = op.v<T>(s2, v128.load(x, 32));
      s3 = op.v<T>(s3, v128.load(x, 48));
    }
    y = fold<T, Op>(op.v<T>(op.v<T>(s0, s1), op.v<T>(s2, s3)));
    n &= 4 * lanes - 1;
  }
  for (; n > 0; n--) {
    y = op.s<T>(y, load<T>(x));
    x += sizeof<T>();
  }
  return y;
}

/** The lanes of a sum in float64, by halves. */
// @ts-ignore: decorator
@inline
function halves(c: v128): v128 {
  return f64x2.add(f64x2.promote_low_f32x4(c), f64x2.promote_low_f32x4(i64x2.shuffle(c, c, 1, 1)));
}

/** The lanes of a sum as one. */
// @ts-ignore: decorator
@inline
function total(c: v128): f64 {
  const d = halves(c);
  return f64x2.extract_lane(d, 0) + f64x2.extract_lane(d, 1);
}

/** The lanes of two sums, each as {@linkcode total} adds them: two float32. */
// @ts-ignore: decorator
@inline
function totals(a: v128, b: v128): v128 {
  const low = halves(a);
  const high = halves(b);
  return f32x4.demote_f64x2_zero(f64x2.add(i64x2.shuffle(low, high, 0, 2), i64x2.shuffle(low, high, 1, 3)));
}

/** A mask of the last `n` modulo four lanes. */
// @ts-ignore: decorator
@inline
function lastLanes(n: i32): v128 {
  return i32x4.gt_s(i32x4(0, 1, 2, 3), i32x4.splat(3 - (n & 3)));
}

/** Those of `n` float32 at x that fill no vector, beside zeros. What lies before x may be read too. */
// @ts-ignore: decorator
@inline
function rest(x: usize, n: i32, mask: v128): v128 {
  return v128.and(v128.load(x + (<usize>n << 2) - 16), mask);
}

/** Sum of `n` float32 in a row: blocks of up to 1024 in float32, then what multiples of 32 leave; `mask` of its last lanes. */
// @ts-ignore: decorator
@inline
function sumOf(x: usize, n: i32, mask: v128): f64 {
  let sum: f64 = 0;
  while (n >= 32) {
    const block = min(n & ~31, 1024);
    const end = x + (<usize>block << 2);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let s7 = s0;
    for (; x < end; x += 128) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x, 16));
      s2 = f32x4.add(s2, v128.load(x, 32));
      s3 = f32x4.add(s3, v128.load(x, 48));
      s4 = f32x4.add(s4, v128.load(x, 64));
      s5 = f32x4.add(s5, v128.load(x, 80));
      s6 = f32x4.add(s6, v128.load(x, 96));
      s7 = f32x4.add(s7, v128.load(x, 112));
    }
    const a = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    const b = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
    sum += total(f32x4.add(a, b));
    n -= block;
  }
  if (n > 0) {
    let s = rest(x, n, mask);
    for (const end = x + (<usize>(n >> 2) << 4); x < end; x += 16) s = f32x4.add(s, v128.load(x));
    sum += total(s);
  }
  return sum;
}

/** Sum of `n` float32 in a row. */
function sumRow(x: usize, n: i32): f64 {
  return sumOf(x, n, lastLanes(n));
}

/**
 * Rows of fewer elements are summed four at a time: from here on that is not faster, and 16 lanes that are added one after
 * another round more often than 32.
 */
// @ts-ignore: decorator
@inline
const SHORT: i32 = 160;

/** 16 float32 in a row, by lanes. */
// @ts-ignore: decorator
@inline
function sum16(x: usize): v128 {
  return f32x4.add(f32x4.add(v128.load(x), v128.load(x, 16)), f32x4.add(v128.load(x, 32), v128.load(x, 48)));
}

/** Sums of `rows` rows of `n` float32, `step` bytes apart. The lanes of four short ones are added together. */
function sumRows(x: usize, o: usize, rows: i32, n: i32, step: usize): void {
  const mask = lastLanes(n);
  if (n >= SHORT) {
    for (; rows > 0; rows--) {
      store<f32>(o, <f32>sumOf(x, n, mask));
      x += step;
      o += 4;
    }
    return;
  }
  let x1 = x + step;
  let x2 = x1 + step;
  let x3 = x2 + step;
  const next = (step << 2) - (<usize>(n & ~3) << 2);
  for (; rows > 0; rows -= 4) {
    if (rows < 4) {
      if (rows < 2) x1 = x;
      if (rows < 3) x2 = x;
      x3 = x;
    }
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    if (n & 3) {
      s0 = rest(x, n, mask);
      s1 = rest(x1, n, mask);
      s2 = rest(x2, n, mask);
      s3 = rest(x3, n, mask);
    }
    let left = n;
    for (; left >= 16; left -= 16) {
      s0 = f32x4.add(s0, sum16(x));
      s1 = f32x4.add(s1, sum16(x1));
      s2 = f32x4.add(s2, sum16(x2));
      s3 = f32x4.add(s3, sum16(x3));
      x += 64;
      x1 += 64;
      x2 += 64;
      x3 += 64;
    }
    for (; left >= 4; left -= 4) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x1));
      s2 = f32x4.add(s2, v128.load(x2));
      s3 = f32x4.add(s3, v128.load(x3));
      x += 16;
      x1 += 16;
      x2 += 16;
      x3 += 16;
    }
    const sums = i64x2.shuffle(totals(s0, s1), totals(s2, s3), 0, 2);
    if (rows >= 4) v128.store(o, sums);
    else {
      store<f32>(o, f32x4.extract_lane(sums, 0));
      if (rows > 1) store<f32>(o, f32x4.extract_lane(sums, 1), 4);
      if (rows > 2) store<f32>(o, f32x4.extract_lane(sums, 2), 8);
    }
    x += next;
    x1 += next;
    x2 += next;
    x3 += next;
    o += 16;
  }
}

/** The extreme of 16 float32 in a row and {@linkcode y}, by lanes. */
// @ts-ignore: decorator
@inline
function quick16<Op>(x: usize, y: v128): v128 {
  const op = changetype<Op>(0);
  const low = op.quick<f32>(v128.load(x), v128.load(x, 16));
  return op.quick<f32>(y, op.quick<f32>(low, op.quick<f32>(v128.load(x, 32), v128.load(x, 48))));
}

/** Adds products of 16 float32 in a row to {@linkcode y}: NaN stays in it. */
// @ts-ignore: decorator
@inline
function bad16(x: usize, y: v128): v128 {
  return mad<f32>(v128.load(x), v128.load(x, 16), mad<f32>(v128.load(x, 32), v128.load(x, 48), y));
}

/** Extremes of `rows` rows of `n` float32, `step` bytes apart. The lanes of four short ones are compared together. */
function extremeRows<Op>(x: usize, o: usize, rows: i32, n: i32, step: usize): void {
  const op = changetype<Op>(0);
  if (n < SHORT) {
    const mask = lastLanes(n);
    const none = f32x4.splat(op.identity<f32>());
    const full = <usize>(n & ~3) << 2;
    for (; rows >= 4; rows -= 4) {
      let x0 = x;
      let x1 = x + step;
      let x2 = x1 + step;
      let x3 = x2 + step;
      let s0 = none;
      let s1 = none;
      let s2 = none;
      let s3 = none;
      let bad0 = f32x4.splat(0);
      let bad1 = bad0;
      let bad2 = bad0;
      let bad3 = bad0;
      if (n & 3) {
        bad0 = rest(x0, n, mask);
        bad1 = rest(x1, n, mask);
        bad2 = rest(x2, n, mask);
        bad3 = rest(x3, n, mask);
        s0 = pick(bad0, s0, mask);
        s1 = pick(bad1, s1, mask);
        s2 = pick(bad2, s2, mask);
        s3 = pick(bad3, s3, mask);
      }
      let left = n;
      for (; left >= 16; left -= 16) {
        s0 = quick16<Op>(x0, s0);
        bad0 = bad16(x0, bad0);
        s1 = quick16<Op>(x1, s1);
        bad1 = bad16(x1, bad1);
        s2 = quick16<Op>(x2, s2);
        bad2 = bad16(x2, bad2);
        s3 = quick16<Op>(x3, s3);
        bad3 = bad16(x3, bad3);
        x0 += 64;
        x1 += 64;
        x2 += 64;
        x3 += 64;
      }
      for (; left >= 4; left -= 4) {
        const v0 = v128.load(x0);
        const v1 = v128.load(x1);
        const v2 = v128.load(x2);
        const v3 = v128.load(x3);
        s0 = op.quick<f32>(s0, v0);
        s1 = op.quick<f32>(s1, v1);
        s2 = op.quick<f32>(s2, v2);
        s3 = op.quick<f32>(s3, v3);
        bad0 = f32x4.add(bad0, v0);
        bad1 = f32x4.add(bad1, v1);
        bad2 = f32x4.add(bad2, v2);
        bad3 = f32x4.add(bad3, v3);
        x0 += 16;
        x1 += 16;
        x2 += 16;
        x3 += 16;
      }
      const bad = f32x4.add(f32x4.add(bad0, bad1), f32x4.add(bad2, bad3));
      if (v128.any_true(f32x4.ne(bad, bad))) {
        for (let i: usize = 0; i < 4; i++) store<f32>(o + (i << 2), row<f32, Op>(x + i * step, n));
      } else {
        const low = op.quick<f32>(i32x4.shuffle(s0, s1, 0, 4, 1, 5), i32x4.shuffle(s0, s1, 2, 6, 3, 7));
        const high = op.quick<f32>(i32x4.shuffle(s2, s3, 0, 4, 1, 5), i32x4.shuffle(s2, s3, 2, 6, 3, 7));
        v128.store(o, op.quick<f32>(i64x2.shuffle(low, high, 0, 2), i64x2.shuffle(low, high, 1, 3)));
      }
      x = x3 + step - full;
      o += 16;
    }
  }
  for (; rows > 0; rows--) {
    let y = n >= SHORT ? extremeOrNan<f32, Op>(x, n) : <f32>NaN;
    if (y != y) y = row<f32, Op>(x, n);
    store<f32>(o, y);
    x += step;
    o += 4;
  }
}

/**
 * The sum of many float32 in a row as float64. Both halves are read at once: two streams get more of the memory's bandwidth
 * than one. Blocks of 512 are added in float32.
 */
export function sum_part_f32(x: usize, n: i32, o: usize): void {
  const half = (n >> 1) & ~511;
  const far = <usize>half << 2;
  let sum: f64 = 0;
  let p = x;
  for (const last = x + far; p < last;) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let t0 = s0;
    let t1 = s0;
    let t2 = s0;
    let t3 = s0;
    for (const end = p + 2048; p < end; p += 64) {
      const q = p + far;
      s0 = f32x4.add(s0, v128.load(p));
      s1 = f32x4.add(s1, v128.load(p, 16));
      s2 = f32x4.add(s2, v128.load(p, 32));
      s3 = f32x4.add(s3, v128.load(p, 48));
      t0 = f32x4.add(t0, v128.load(q));
      t1 = f32x4.add(t1, v128.load(q, 16));
      t2 = f32x4.add(t2, v128.load(q, 32));
      t3 = f32x4.add(t3, v128.load(q, 48));
    }
    const s = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    const t = f32x4.add(f32x4.add(t0, t1), f32x4.add(t2, t3));
    sum += total(s) + total(t);
  }
  store<f64>(o, sum + sumRow(p + far, n - 2 * half));
}

/** The sum of `n` float64 in a row, as float32. */
export function sum_parts_f32(x: usize, o: usize, n: i32): void {
  let total: f64 = 0;
  for (; n > 0; n--) {
    total += load<f64>(x);
    x += 8;
  }
  store<f32>(o, <f32>total);
}

/** Columns that are worked on at a time. */
// @ts-ignore: decorator
@inline
const CHUNK: i32 = 2048;

/** `n` rows of `cols` elements combined into the row at `o`. */
function columns<T, Op>(x: usize, o: usize, n: i32, cols: i32, step: usize): void {
  const op = changetype<Op>(0);
  const all = <usize>cols * sizeof<T>();
  const vectors: usize = op.has<T>() ? all & ~15 : 0;
  for (; n > 0; n--) {
    let t: usize = 0;
    for (; t < vectors; t += 16) v128.store(o + t, op.v<T>(v128.load(o + t), v128.load(x + t)));
    for (; t < all; t += sizeof<T>()) store<T>(o + t, op.s<T>(load<T>(o + t), load<T>(x + t)));
    x += step;
  }
}

/**
 * As {@linkcode columns} for extremes of float32 in whole vectors. False when a NaN may be among them, as in
 * {@linkcode quickPlaces}.
 */
function quickColumns<Op>(x: usize, o: usize, n: i32, cols: i32, step: usize): bool {
  const op = changetype<Op>(0);
  const all = <usize>cols << 2;
  let bad0 = f32x4.splat(0);
  let bad1 = bad0;
  for (; n >= 4; n -= 4) {
    const x1 = x + step;
    const x2 = x1 + step;
    const x3 = x2 + step;
    for (let t: usize = 0; t < all; t += 16) {
      const z0 = v128.load(x + t);
      const z1 = v128.load(x1 + t);
      const z2 = v128.load(x2 + t);
      const z3 = v128.load(x3 + t);
      bad0 = mad<f32>(z0, z1, bad0);
      bad1 = mad<f32>(z2, z3, bad1);
      const best = op.quick<f32>(op.quick<f32>(z0, z1), op.quick<f32>(z2, z3));
      v128.store(o + t, op.quick<f32>(v128.load(o + t), best));
    }
    x = x3 + step;
  }
  for (; n > 0; n--) {
    for (let t: usize = 0; t < all; t += 16) {
      const z = v128.load(x + t);
      bad0 = f32x4.add(bad0, z);
      v128.store(o + t, op.quick<f32>(v128.load(o + t), z));
    }
    x += step;
  }
  const bad = f32x4.add(bad0, bad1);
  return !v128.any_true(f32x4.ne(bad, bad));
}

/** `n` rows of `cols` float32 added to the row of float64 at `o`, blocks of 64 rows in float32 first. */
function sumColumns(x: usize, o: usize, n: i32, cols: i32, step: usize): void {
  const part = o + (CHUNK << 3);
  const all = <usize>cols << 2;
  const vectors = all & ~15;
  while (n > 0) {
    const block = min(n, 64);
    memory.fill(part, 0, all);
    let i = 0;
    for (; i + 4 <= block; i += 4) {
      const x1 = x + step;
      const x2 = x1 + step;
      const x3 = x2 + step;
      let t: usize = 0;
      for (; t < vectors; t += 16) {
        const a = f32x4.add(v128.load(x + t), v128.load(x1 + t));
        const b = f32x4.add(v128.load(x2 + t), v128.load(x3 + t));
        v128.store(part + t, f32x4.add(v128.load(part + t), f32x4.add(a, b)));
      }
      for (; t < all; t += 4) {
        const a = load<f32>(x + t) + load<f32>(x1 + t);
        const b = load<f32>(x2 + t) + load<f32>(x3 + t);
        store<f32>(part + t, load<f32>(part + t) + (a + b));
      }
      x += 4 * step;
    }
    for (; i < block; i++) {
      let t: usize = 0;
      for (; t < vectors; t += 16) v128.store(part + t, f32x4.add(v128.load(part + t), v128.load(x + t)));
      for (; t < all; t += 4) store<f32>(part + t, load<f32>(part + t) + load<f32>(x + t));
      x += step;
    }
    let t: usize = 0;
    for (let q = o; t < vectors; t += 16) {
      const v = v128.load(part + t);
      v128.store(q, f64x2.add(v128.load(q), f64x2.promote_low_f32x4(v)));
      v128.store(q, f64x2.add(v128.load(q, 16), f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1))), 16);
      q += 32;
    }
    for (; t < all; t += 4) store<f64>(o + 2 * t, load<f64>(o + 2 * t) + <f64>load<f32>(part + t));
    n -= block;
  }
}

/** Bytes of working memory that reductions need. */
export function reduce_scratch(): i32 {
  return CHUNK * 12;
}

/** The loops of a reduction by `Op`, T → T. */
// @ts-ignore: decorator
@inline
function reduce<T, Op>(
  x: usize,
  o: usize,
  outer: i32,
  r: i32,
  n: i32,
  inner: i32,
  so: i32,
  sr: i32,
  sn: i32,
  si: i32,
): void {
  const op = changetype<Op>(0);
  const dr = <usize>sr * sizeof<T>();
  const dn = <usize>sn * sizeof<T>();
  const di = <usize>si * sizeof<T>();
  const isSum = sizeof<T>() === 4 && isFloat<T>() && op.isSum();
  if (isSum && sn === 1 && r === 1 && inner === 1) {
    sumRows(x, o, outer, n, <usize>so << 2);
    return;
  }
  if (sizeof<T>() === 4 && isFloat<T>() && op.isExtreme() && sn === 1 && r === 1 && inner === 1) {
    extremeRows<Op>(x, o, outer, n, <usize>so << 2);
    return;
  }
  for (; outer > 0; outer--) {
    if (sn === 1 || inner === 1 || si !== 1) {
      let p = x;
      for (let i = 0; i < inner; i++) {
        let y = op.identity<T>();
        let total: f64 = 0;
        for (let j = 0; j < r; j++) {
          const q = p + <usize>j * dr;
          if (isSum) {
            if (sn === 1) total += sumRow(q, n);
            else {
              let z = q;
              for (let k = 0; k < n; k++) {
                total += <f64>load<f32>(z);
                z += dn;
              }
            }
          } else if (sn === 1) {
            y = op.s<T>(y, row<T, Op>(q, n));
          } else {
            let z = q;
            for (let k = 0; k < n; k++) {
              y = op.s<T>(y, load<T>(z));
              z += dn;
            }
          }
        }
        store<T>(o, isSum ? <T>total : y);
        p += di;
        o += sizeof<T>();
      }
    } else {
      for (let i = 0; i < inner; i += CHUNK) {
        const cols = min(CHUNK, inner - i);
        const p = x + <usize>i * sizeof<T>();
        if (isSum) {
          memory.fill(scratch, 0, <usize>cols << 3);
          for (let j = 0; j < r; j++) sumColumns(p + <usize>j * dr, scratch, n, cols, dn);
          for (let t: usize = 0; t < <usize>cols; t++) {
            store<f32>(o + (t << 2), <f32>load<f64>(scratch + (t << 3)));
          }
        } else {
          let done = 0;
          if (sizeof<T>() === 4 && isFloat<T>() && op.isExtreme()) {
            done = cols & ~3;
            for (let t: usize = 0; t < <usize>done; t++) store<T>(o + t * sizeof<T>(), op.identity<T>());
            for (let j = 0; j < r; j++) {
              if (!quickColumns<Op>(p + <usize>j * dr, o, n, done, dn)) done = 0;
            }
          }
          const left = <usize>done * sizeof<T>();
          for (let t = left; t < <usize>cols * sizeof<T>(); t += sizeof<T>()) store<T>(o + t, op.identity<T>());
          for (let j = 0; j < r; j++) columns<T, Op>(p + left + <usize>j * dr, o + left, n, cols - done, dn);
        }
        o += <usize>cols * sizeof<T>();
      }
    }
    x += <usize>so * sizeof<T>();
  }
}

// @ts-ignore: decorator
@inline
function isNan<T>(x: T): bool {
  return isFloat<T>() ? x != x : false;
}

/** True when x takes the place of y: it is beyond, or the first NaN. */
// @ts-ignore: decorator
@inline
function beats<T, Op>(x: T, y: T): bool {
  return changetype<Op>(0).beyond<T>(x, y) || (isNan<T>(x) && !isNan<T>(y));
}

/** The place of the first extreme of `n` float32 in a row, by vectors: find the value, then its place. */
function placeInRow<Op>(x: usize, n: i32): i32 {
  const y = row<f32, Op>(x, n);
  const v = f32x4.splat(y);
  const nan = y != y;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const z = v128.load(x + (<usize>i << 2));
    const m = i32x4.bitmask(nan ? f32x4.ne(z, z) : f32x4.eq(z, v));
    if (m) return i + <i32>ctz(m);
  }
  for (; i < n; i++) {
    const z = load<f32>(x + (<usize>i << 2));
    if (nan ? z != z : z === y) break;
  }
  return i;
}

/** True where z takes the place of best: it is beyond, or the first NaN. */
// @ts-ignore: decorator
@inline
function beatsV<Op>(z: v128, best: v128): v128 {
  return v128.or(changetype<Op>(0).beyondV(z, best), v128.and(f32x4.ne(z, z), f32x4.eq(best, best)));
}

/** One row of {@linkcode quickPlaces}: number `k`, whose elements lie at `p`. */
// @ts-ignore: decorator
@inline
function quickRow<Op>(p: usize, o: usize, k: i32, all: usize, sum: v128): v128 {
  const op = changetype<Op>(0);
  const place = i32x4.splat(k);
  for (let t: usize = 0; t < all; t += 16) {
    const z = v128.load(p + t);
    const best = v128.load(scratch + t);
    v128.store(o + t, pick(place, v128.load(o + t), op.beyondV(z, best)));
    v128.store(scratch + t, op.quick<f32>(best, z));
    sum = f32x4.add(sum, z);
  }
  return sum;
}

/**
 * Places of the extremes of `cols` columns, a multiple of four, of `n` rows, `dn` bytes apart. The best so far lie in
 * working memory, so that whole rows are read. False when a NaN may be among them: a sum that meets one stays NaN; so does
 * one of both infinities, which only costs time.
 */
function quickPlaces<Op>(p: usize, o: usize, n: i32, cols: i32, dn: usize): bool {
  const op = changetype<Op>(0);
  const all = <usize>cols << 2;
  memory.copy(scratch, p, all);
  memory.fill(o, 0, all);
  let sum = f32x4.splat(0);
  for (let t: usize = 0; t < all; t += 16) sum = f32x4.add(sum, v128.load(p + t));
  p += dn;
  let k = 1;
  for (; k + 4 <= n; k += 4) {
    const p1 = p + dn;
    const p2 = p1 + dn;
    const p3 = p2 + dn;
    for (let t: usize = 0; t < all; t += 16) {
      let best = v128.load(scratch + t);
      let at = v128.load(o + t);
      const z0 = v128.load(p + t);
      const z1 = v128.load(p1 + t);
      const z2 = v128.load(p2 + t);
      const z3 = v128.load(p3 + t);
      // The extreme of the four first: what is beyond the best is rare.
      const last = op.quick<f32>(op.quick<f32>(z0, z1), op.quick<f32>(z2, z3));
      sum = f32x4.add(sum, f32x4.add(f32x4.add(z0, z1), f32x4.add(z2, z3)));
      if (!v128.any_true(op.beyondV(last, best))) continue;
      at = pick(i32x4.splat(k), at, op.beyondV(z0, best));
      best = op.quick<f32>(best, z0);
      at = pick(i32x4.splat(k + 1), at, op.beyondV(z1, best));
      best = op.quick<f32>(best, z1);
      at = pick(i32x4.splat(k + 2), at, op.beyondV(z2, best));
      best = op.quick<f32>(best, z2);
      at = pick(i32x4.splat(k + 3), at, op.beyondV(z3, best));
      best = op.quick<f32>(best, z3);
      v128.store(scratch + t, best);
      v128.store(o + t, at);
    }
    p = p3 + dn;
  }
  for (; k < n; k++) {
    sum = quickRow<Op>(p, o, k, all, sum);
    p += dn;
  }
  return !v128.any_true(f32x4.ne(sum, sum));
}

/** Places of the extremes of four columns of `n` rows, `dn` bytes apart. */
function places4<Op>(p: usize, o: usize, n: i32, dn: usize): void {
  let best = v128.load(p);
  let at = i32x4.splat(0);
  for (let k = 1; k < n; k++) {
    p += dn;
    const z = v128.load(p);
    const m = beatsV<Op>(z, best);
    best = pick(z, best, m);
    at = pick(i32x4.splat(k), at, m);
  }
  v128.store(o, at);
}

/** Places of extremes along n, [outer, n, inner] → int32 [outer, inner]. */
// @ts-ignore: decorator
@inline
function place<T, Op>(
  x: usize,
  o: usize,
  outer: i32,
  n: i32,
  inner: i32,
  so: i32,
  sn: i32,
  si: i32,
): void {
  const dn = <usize>sn * sizeof<T>();
  for (; outer > 0; outer--) {
    let p = x;
    let i = 0;
    if (sizeof<T>() === 4 && isFloat<T>() && si === 1 && sn !== 1) {
      while (i + 4 <= inner) {
        const cols = min(CHUNK, (inner - i) & ~3);
        if (!quickPlaces<Op>(p, o, n, cols, dn)) {
          for (let t: usize = 0; t < <usize>cols << 2; t += 16) places4<Op>(p + t, o + t, n, dn);
        }
        i += cols;
        o += <usize>cols << 2;
        p += <usize>cols << 2;
      }
    }
    for (; i < inner; i++) {
      if (sizeof<T>() === 4 && isFloat<T>() && sn === 1) {
        store<i32>(o, placeInRow<Op>(p, n));
      } else {
        let q = p;
        let best = load<T>(q);
        let at = 0;
        for (let k = 1; k < n; k++) {
          q += dn;
          const z = load<T>(q);
          if (beats<T, Op>(z, best)) {
            best = z;
            at = k;
          }
        }
        store<i32>(o, at);
      }
      o += 4;
      p += <usize>si * sizeof<T>();
    }
    x += <usize>so * sizeof<T>();
  }
}

export function sum_f32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f32, Add>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function sum_f64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f64, Add>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function sum_i32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i32, Add>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function sum_i64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i64, Add>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function prod_f32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f32, Mul>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function prod_f64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f64, Mul>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function prod_i32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i32, Mul>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function prod_i64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i64, Mul>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_f32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f32, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_f64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f64, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_i32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i32, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_i64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i64, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_i16(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i16, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_i8(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i8, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amax_u8(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<u8, Maximum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_f32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f32, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_f64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<f64, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_i32(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i32, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_i64(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i64, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_i16(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i16, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_i8(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<i8, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function amin_u8(x: usize, o: usize, outer: i32, r: i32, n: i32, inner: i32, so: i32, sr: i32, sn: i32, si: i32): void {
  reduce<u8, Minimum>(x, o, outer, r, n, inner, so, sr, sn, si);
}

export function argmax_f32(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<f32, Maximum>(x, o, outer, n, inner, so, sn, si);
}

export function argmax_f64(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<f64, Maximum>(x, o, outer, n, inner, so, sn, si);
}

export function argmax_i32(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<i32, Maximum>(x, o, outer, n, inner, so, sn, si);
}

export function argmax_i64(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<i64, Maximum>(x, o, outer, n, inner, so, sn, si);
}

export function argmin_f32(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<f32, Minimum>(x, o, outer, n, inner, so, sn, si);
}

export function argmin_f64(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<f64, Minimum>(x, o, outer, n, inner, so, sn, si);
}

export function argmin_i32(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<i32, Minimum>(x, o, outer, n, inner, so, sn, si);
}

export function argmin_i64(x: usize, o: usize, outer: i32, n: i32, inner: i32, so: i32, sn: i32, si: i32): void {
  place<i64, Minimum>(x, o, outer, n, inner, so, sn, si);
}

/** Running sums along n of the first `columns` of [outer, n, inner], in accumulators of type A. The output may be the input. */
// @ts-ignore: decorator
@inline
function scan<T, A>(x: usize, o: usize, outer: i32, n: i32, inner: i32, columns: i32): void {
  const size = <usize>n * <usize>inner * sizeof<T>();
  for (; outer > 0; outer--) {
    if (inner === 1) {
      let total: A = 0;
      for (let t: usize = 0; t < size; t += sizeof<T>()) {
        total += <A>load<T>(x + t);
        store<T>(o + t, <T>total);
      }
    } else {
      const step = <usize>inner * sizeof<T>();
      for (let i = 0; i < columns; i += CHUNK) {
        const cols = <usize>min(CHUNK, columns - i);
        memory.fill(scratch, 0, cols * sizeof<A>());
        for (let at = <usize>i * sizeof<T>(); at < size; at += step) {
          for (let c: usize = 0; c < cols; c++) {
            const total = load<A>(scratch + c * sizeof<A>()) + <A>load<T>(x + at + c * sizeof<T>());
            store<A>(scratch + c * sizeof<A>(), total);
            store<T>(o + at + c * sizeof<T>(), <T>total);
          }
        }
      }
    }
    x += size;
    o += size;
  }
}

/** float32 is added up in float64, as in PyTorch. */
export function cumsum_f32(x: usize, o: usize, outer: i32, n: i32, inner: i32, columns: i32): void {
  scan<f32, f64>(x, o, outer, n, inner, columns);
}
export function cumsum_f64(x: usize, o: usize, outer: i32, n: i32, inner: i32, columns: i32): void {
  scan<f64, f64>(x, o, outer, n, inner, columns);
}
export function cumsum_i32(x: usize, o: usize, outer: i32, n: i32, inner: i32, columns: i32): void {
  scan<i32, i32>(x, o, outer, n, inner, columns);
}
export function cumsum_i64(x: usize, o: usize, outer: i32, n: i32, inner: i32, columns: i32): void {
  scan<i64, i64>(x, o, outer, n, inner, columns);
}
