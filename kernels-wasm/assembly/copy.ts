/** Kernels that move elements by their size in bytes: rows, planes, transposes, fills. */

import { scratch } from "./memory";
import { moveFew } from "./move";
import { move as moveBy, start, turn } from "./nd";

/** Bytes of a piece in which much memory is moved: what is copied by more at once is read before it is written. */
// @ts-ignore: decorator
@inline
const PIECE: usize = 65536;

/** Moves `n` bytes, which may overlap. */
function move(a: usize, o: usize, n: usize): void {
  if (o <= a || o >= a + n) {
    for (; n > PIECE; n -= PIECE) {
      memory.copy(o, a, PIECE);
      a += PIECE;
      o += PIECE;
    }
  }
  memory.copy(o, a, n);
}

/** The elements of a vector in reverse order. */
// @ts-ignore: decorator
@inline
function reverse<T>(v: v128): v128 {
  if (sizeof<T>() === 8) return i64x2.shuffle(v, v, 1, 0);
  if (sizeof<T>() === 4) return i32x4.shuffle(v, v, 3, 2, 1, 0);
  if (sizeof<T>() === 2) return i16x8.shuffle(v, v, 7, 6, 5, 4, 3, 2, 1, 0);
  return i8x16.shuffle(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/** `n` elements that end at `a`, from there on backwards. */
// @ts-ignore: decorator
@inline
function reverseRow<T>(a: usize, o: usize, n: i32): void {
  const lanes = <i32>(16 / sizeof<T>());
  a += sizeof<T>();
  for (; n >= 4 * lanes; n -= 4 * lanes) {
    a -= 64;
    const v0 = v128.load(a, 48);
    const v1 = v128.load(a, 32);
    const v2 = v128.load(a, 16);
    v128.store(o, reverse<T>(v0));
    v128.store(o, reverse<T>(v1), 16);
    v128.store(o, reverse<T>(v2), 32);
    v128.store(o, reverse<T>(v128.load(a)), 48);
    o += 64;
  }
  for (; n >= lanes; n -= lanes) {
    a -= 16;
    v128.store(o, reverse<T>(v128.load(a)));
    o += 16;
  }
  for (; n > 0; n--) {
    a -= sizeof<T>();
    store<T>(o, load<T>(a));
    o += sizeof<T>();
  }
}

/** A row of a copy. */
// @ts-ignore: decorator
@inline
function copyRow<T>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  if (sa === 1 && so === 1) {
    move(a, o, <usize>n * sizeof<T>());
    return;
  }
  if (sa === 0 && so === 1) {
    fillRow<T>(o, load<T>(a), n);
    return;
  }
  if (sa === -1 && so === 1) {
    reverseRow<T>(a, o, n);
    return;
  }
  const da = <usize>sa * sizeof<T>();
  const dq = <usize>so * sizeof<T>();
  for (; n > 0; n--) {
    store<T>(o, load<T>(a));
    a += da;
    o += dq;
  }
}

/** `n` bytes of a repeated vector: a piece that stays in a cache is copied, because stores read memory before they write. */
function fillMuch(o: usize, v: v128, n: usize): void {
  const byte = i8x16.extract_lane_u(v, 0);
  if (i8x16.all_true(i8x16.eq(v, i8x16.splat(byte)))) {
    memory.fill(o, byte, n);
    return;
  }
  const first = o;
  const end = o + n;
  for (; o < first + PIECE; o += 16) v128.store(o, v);
  for (; o + PIECE <= end; o += PIECE) memory.copy(o, first, PIECE);
  memory.copy(o, first, end - o);
}

// @ts-ignore: decorator
@inline
function fillRow<T>(o: usize, x: T, n: i32): void {
  const v = v128.splat<T>(x);
  const lanes = 16 / sizeof<T>();
  if (<usize>n * sizeof<T>() >= 4 * PIECE) {
    fillMuch(o, v, <usize>n * sizeof<T>());
    return;
  }
  const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
  while (o + 64 <= end) {
    v128.store(o, v);
    v128.store(o, v, 16);
    v128.store(o, v, 32);
    v128.store(o, v, 48);
    o += 64;
  }
  while (o < end) {
    v128.store(o, v);
    o += 16;
  }
  for (let i = n & (lanes - 1); i > 0; i--) {
    store<T>(o, x);
    o += sizeof<T>();
  }
}

export function copy_8(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u8>(a, o, n, sa, so);
}
export function copy_16(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u16>(a, o, n, sa, so);
}
export function copy_32(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u32>(a, o, n, sa, so);
}
export function copy_64(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u64>(a, o, n, sa, so);
}

/** `m` runs of `n` bytes, `am` and `om` bytes from one another. */
function moveRuns(a: usize, o: usize, m: i32, n: usize, am: i32, om: i32): void {
  if (n === 16) {
    for (; m > 0; m--) {
      v128.store(o, v128.load(a));
      a += <usize>am;
      o += <usize>om;
    }
  } else if (n === 8) {
    for (; m > 0; m--) {
      store<u64>(o, load<u64>(a));
      a += <usize>am;
      o += <usize>om;
    }
  }
  for (; m > 0; m--) {
    moveFew(a, o, n);
    a += <usize>am;
    o += <usize>om;
  }
}

// @ts-ignore: decorator
@inline
function copyOf<T>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  if (sizeof<T>() === 1) copy_8(a, o, n, sa, so);
  else if (sizeof<T>() === 2) copy_16(a, o, n, sa, so);
  else if (sizeof<T>() === 4) copy_32(a, o, n, sa, so);
  else copy_64(a, o, n, sa, so);
}

// @ts-ignore: decorator
@inline
function fillOf<T>(o: usize, x: T, n: i32): void {
  if (sizeof<T>() === 1) fill_8(o, <i32>x, n);
  else if (sizeof<T>() === 2) fill_16(o, <i32>x, n);
  else if (sizeof<T>() === 4) fill_32(o, <i32>x, n);
  else fill_64(o, <i32>x, <i32>(<u64>x >> 32), n);
}

/** Two rows of 32-bit elements, `am` bytes apart, element by element in turns. */
function mixRows(a: usize, am: i32, o: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    const x = v128.load(a);
    const y = v128.load(a + <usize>am);
    v128.store(o, i32x4.shuffle(x, y, 0, 4, 1, 5));
    v128.store(o, i32x4.shuffle(x, y, 2, 6, 3, 7), 16);
    a += 16;
    o += 32;
  }
  for (; n > 0; n--) {
    store<u32>(o, load<u32>(a));
    store<u32>(o, load<u32>(a + <usize>am), 4);
    a += 4;
    o += 8;
  }
}

/** Planes of m rows of n elements: `am` and `om` bytes from row to row, `sa` and `so` elements from element to element. */
// @ts-ignore: decorator
@inline
function copyPlanes<T>(
  meta: usize,
  a: usize,
  o: usize,
  m: i32,
  n: i32,
  am: i32,
  om: i32,
  sa: i32,
  so: i32,
  around: i32,
  at: i32,
  value: T,
): void {
  const d = load<i32>(meta);
  const count = start(meta, d, 2);
  for (;;) {
    if (around > 0) fillOf<T>(o, value, around);
    if (sa === 1 && so === 1) moveRuns(a, o + <usize>at, m, <usize>n * sizeof<T>(), am, om);
    else if (sizeof<T>() === 4 && m === 2 && sa === 1 && so === 2 && om === 4) mixRows(a, am, o + <usize>at, n);
    else {
      let p = a;
      let q = o + <usize>at;
      for (let i = m; i > 0; i--) {
        copyOf<T>(p, q, n, sa, so);
        p += <usize>am;
        q += <usize>om;
      }
    }
    const i = turn(meta, count, d);
    if (i < 0) return;
    a += moveBy(meta, d, i, 0);
    o += moveBy(meta, d, i, 1);
  }
}

/**
 * Copies planes, over the outer dimensions that `meta` describes (as in nd.ts). Where `around` is not 0, so many elements
 * of each output plane become the pattern `low` (and `high`) before, and its rows begin `at` bytes in.
 */
export function planes_8(meta: usize, a: usize, o: usize, m: i32, n: i32, am: i32, om: i32, sa: i32, so: i32, around: i32, at: i32, low: i32, _high: i32): void {
  copyPlanes<u8>(meta, a, o, m, n, am, om, sa, so, around, at, <u8>low);
}
/** As {@linkcode planes_8}. */
export function planes_16(meta: usize, a: usize, o: usize, m: i32, n: i32, am: i32, om: i32, sa: i32, so: i32, around: i32, at: i32, low: i32, _high: i32): void {
  copyPlanes<u16>(meta, a, o, m, n, am, om, sa, so, around, at, <u16>low);
}
/** As {@linkcode planes_8}. */
export function planes_32(meta: usize, a: usize, o: usize, m: i32, n: i32, am: i32, om: i32, sa: i32, so: i32, around: i32, at: i32, low: i32, _high: i32): void {
  copyPlanes<u32>(meta, a, o, m, n, am, om, sa, so, around, at, <u32>low);
}
/** As {@linkcode planes_8}. */
export function planes_64(meta: usize, a: usize, o: usize, m: i32, n: i32, am: i32, om: i32, sa: i32, so: i32, around: i32, at: i32, low: i32, high: i32): void {
  copyPlanes<u64>(meta, a, o, m, n, am, om, sa, so, around, at, (<u64>high << 32) | <u64><u32>low);
}

/** Rows from many sources, one behind another: `list` holds the address and the bytes of a row of each. */
export function join_rows(list: usize, sources: i32, o: usize, outer: i32, row: i32): void {
  const end = list + (<usize>sources << 3);
  for (let r = 0; r < outer; r++) {
    let q = o;
    for (let p = list; p < end; p += 8) {
      const bytes = <usize>load<u32>(p, 4);
      moveFew(<usize>load<u32>(p) + <usize>r * bytes, q, bytes);
      q += bytes;
    }
    o += <usize>row;
  }
}

/** `n` times the 32-bit pattern `x`; narrower elements come repeated within it. */
export function fill_32(o: usize, x: i32, n: i32): void {
  fillRow<i32>(o, x, n);
}
/** `n` times the pattern of 64 bits whose halves are `low` and `high`. */
export function fill_64(o: usize, low: i32, high: i32, n: i32): void {
  fillRow<i64>(o, (<i64>high << 32) | <i64><u32>low, n);
}
export function fill_8(o: usize, x: i32, n: i32): void {
  memory.fill(o, <u8>x, <usize>n);
}
export function fill_16(o: usize, x: i32, n: i32): void {
  fillRow<i16>(o, <i16>x, n);
}

/** Rows of the source in a tile, and bytes of each, a cache line: what is read and written runs along a page for a while. */
// @ts-ignore: decorator
@inline
const HIGH: i32 = 64;
// @ts-ignore: decorator
@inline
const LINE: usize = 64;

/** A square of vectors, as many as one has lanes, from rows at `a`, `sa` bytes apart, to rows at `o`, `sq` apart, turned. */
// @ts-ignore: decorator
@inline
export function turnBlock<T>(a: usize, sa: usize, o: usize, sq: usize): void {
  const r0 = v128.load(a);
  const r1 = v128.load(a + sa);
  if (sizeof<T>() === 8) {
    v128.store(o, i64x2.shuffle(r0, r1, 0, 2));
    v128.store(o + sq, i64x2.shuffle(r0, r1, 1, 3));
    return;
  }
  const r2 = v128.load(a + 2 * sa);
  const r3 = v128.load(a + 3 * sa);
  if (sizeof<T>() === 4) {
    const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    v128.store(o, i64x2.shuffle(t0, t1, 0, 2));
    v128.store(o + sq, i64x2.shuffle(t0, t1, 1, 3));
    v128.store(o + 2 * sq, i64x2.shuffle(t2, t3, 0, 2));
    v128.store(o + 3 * sq, i64x2.shuffle(t2, t3, 1, 3));
    return;
  }
  const r4 = v128.load(a + 4 * sa);
  const r5 = v128.load(a + 5 * sa);
  const r6 = v128.load(a + 6 * sa);
  const r7 = v128.load(a + 7 * sa);
  turnHalf(i16x8.shuffle(r0, r1, 0, 8, 1, 9, 2, 10, 3, 11), i16x8.shuffle(r2, r3, 0, 8, 1, 9, 2, 10, 3, 11), i16x8.shuffle(r4, r5, 0, 8, 1, 9, 2, 10, 3, 11), i16x8.shuffle(r6, r7, 0, 8, 1, 9, 2, 10, 3, 11), o, sq);
  turnHalf(i16x8.shuffle(r0, r1, 4, 12, 5, 13, 6, 14, 7, 15), i16x8.shuffle(r2, r3, 4, 12, 5, 13, 6, 14, 7, 15), i16x8.shuffle(r4, r5, 4, 12, 5, 13, 6, 14, 7, 15), i16x8.shuffle(r6, r7, 4, 12, 5, 13, 6, 14, 7, 15), o + 4 * sq, sq);
}

/** Four rows of eight 16-bit elements, from pairs of rows that are mixed already. */
// @ts-ignore: decorator
@inline
function turnHalf(p: v128, q: v128, r: v128, s: v128, o: usize, sq: usize): void {
  const t0 = i32x4.shuffle(p, q, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(r, s, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(p, q, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(r, s, 2, 6, 3, 7);
  v128.store(o, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(o + sq, i64x2.shuffle(t0, t1, 1, 3));
  v128.store(o + 2 * sq, i64x2.shuffle(t2, t3, 0, 2));
  v128.store(o + 3 * sq, i64x2.shuffle(t2, t3, 1, 3));
}

/** Bytes of working memory for transposes. */
export function transpose_scratch(): i32 {
  return HIGH * <i32>LINE;
}

/** Moves the turned tile in working memory out, by whole cache lines: `rows` rows of `line` bytes. */
function moveTile(o: usize, sq: usize, rows: i32, line: usize): void {
  let t = scratch;
  for (; rows > 0; rows--) {
    for (const end = t + line; t < end; t += LINE) {
      v128.store(o, v128.load(t));
      v128.store(o, v128.load(t, 16), 16);
      v128.store(o, v128.load(t, 32), 32);
      v128.store(o, v128.load(t, 48), 48);
      o += LINE;
    }
    o += sq - line;
  }
}

/**
 * The transpose of a matrix: o[j][i] = a[i][j], i < rows, j < cols; `la`, `lo` are elements from row to row.
 *
 * Tiles of 64 rows by a cache line are turned into working memory and leave it by whole lines: rows of matrices whose sizes
 * are powers of two share few places of the first cache, so that a line that is written in steps is lost between them.
 */
// @ts-ignore: decorator
@inline
function transpose<T>(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  const sa = <usize>la * sizeof<T>();
  const sq = <usize>lo * sizeof<T>();
  const lanes = 16 / sizeof<T>();
  const wide = <i32>(LINE / sizeof<T>());
  let i = 0;
  while (i + wide <= rows) {
    const high = i + HIGH <= rows ? HIGH : wide;
    const line = <usize>high * sizeof<T>();
    const from = a + <usize>i * sa;
    const to = o + <usize>i * sizeof<T>();
    let j = 0;
    for (; j + wide <= cols; j += wide) {
      let p = from + <usize>j * sizeof<T>();
      for (let t = scratch; t < scratch + line; t += 16) {
        turnBlock<T>(p, sa, t, line);
        turnBlock<T>(p + 16, sa, t + lanes * line, line);
        turnBlock<T>(p + 32, sa, t + 2 * lanes * line, line);
        turnBlock<T>(p + 48, sa, t + 3 * lanes * line, line);
        p += lanes * sa;
      }
      moveTile(to + <usize>j * sq, sq, wide, line);
    }
    turnEdge<T>(from + <usize>j * sizeof<T>(), to + <usize>j * sq, high, cols - j, sa, sq);
    i += high;
  }
  turnEdge<T>(a + <usize>i * sa, o + <usize>i * sizeof<T>(), rows - i, cols, sa, sq);
}

/** The transpose of what is left beside the tiles. */
function turnEdge<T>(a: usize, o: usize, rows: i32, cols: i32, sa: usize, sq: usize): void {
  const lanes = <i32>(16 / sizeof<T>());
  let i = 0;
  for (; i + lanes <= rows; i += lanes) {
    const p = a + <usize>i * sa;
    const q = o + <usize>i * sizeof<T>();
    let j = 0;
    for (; j + lanes <= cols; j += lanes) turnBlock<T>(p + <usize>j * sizeof<T>(), sa, q + <usize>j * sq, sq);
    for (; j < cols; j++) {
      for (let r: usize = 0; r < <usize>lanes; r++) {
        store<T>(q + <usize>j * sq + r * sizeof<T>(), load<T>(p + r * sa + <usize>j * sizeof<T>()));
      }
    }
  }
  for (; i < rows; i++) {
    const p = a + <usize>i * sa;
    for (let j = 0; j < cols; j++) {
      store<T>(o + <usize>j * sq + <usize>i * sizeof<T>(), load<T>(p + <usize>j * sizeof<T>()));
    }
  }
}

export function transpose_16(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  transpose<u16>(a, o, rows, cols, la, lo);
}
export function transpose_32(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  transpose<u32>(a, o, rows, cols, la, lo);
}
export function transpose_64(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  transpose<u64>(a, o, rows, cols, la, lo);
}

/** start + i · step for i < n, computed in float64. */
// @ts-ignore: decorator
@inline
function iota<T>(o: usize, n: i32, start: f64, step: f64): void {
  let i = 0;
  if (isFloat<T>() && sizeof<T>() === 4) {
    const first = f64x2.splat(start);
    const by = f64x2.splat(step);
    const two = f64x2.splat(2);
    let low = f64x2.replace_lane(f64x2.splat(0), 1, 1);
    for (; i + 4 <= n; i += 4) {
      const high = f64x2.add(low, two);
      const a = f32x4.demote_f64x2_zero(f64x2.add(first, f64x2.mul(low, by)));
      const b = f32x4.demote_f64x2_zero(f64x2.add(first, f64x2.mul(high, by)));
      v128.store(o, i64x2.shuffle(a, b, 0, 2));
      low = f64x2.add(high, two);
      o += 16;
    }
  }
  if (isInteger<T>() && sizeof<T>() === 4) {
    // Whole numbers that stay in range are added exactly.
    const last = start + <f64>(n - 1) * step;
    if (floor(start) === start && floor(step) === step && abs(start) < 2147483648 && abs(last) < 2147483648) {
      let v = i32x4.add(i32x4.splat(<i32>start), i32x4.mul(i32x4.splat(<i32>step), i32x4(0, 1, 2, 3)));
      const by = i32x4.splat(4 * <i32>step);
      for (; i + 4 <= n; i += 4) {
        v128.store(o, v);
        v = i32x4.add(v, by);
        o += 16;
      }
    }
  }
  for (; i < n; i++) {
    store<T>(o, <T>(start + <f64>i * step));
    o += sizeof<T>();
  }
}

export function iota_f32(o: usize, n: i32, start: f64, step: f64): void {
  iota<f32>(o, n, start, step);
}
export function iota_f64(o: usize, n: i32, start: f64, step: f64): void {
  iota<f64>(o, n, start, step);
}
export function iota_i32(o: usize, n: i32, start: f64, step: f64): void {
  iota<i32>(o, n, start, step);
}
export function iota_i64(o: usize, n: i32, start: f64, step: f64): void {
  iota<i64>(o, n, start, step);
}
