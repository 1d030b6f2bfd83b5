/** Kernels that move elements by their size in bytes: rows, planes, transposes, fills, halves. */

import { scratch } from "./memory";
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

/** Moves `n` bytes that do not overlap, without a call where they are few: the last vector may cover some of the one before. */
// @ts-ignore: decorator
@inline
function moveFew(a: usize, o: usize, n: usize): void {
  if (n > 512) memory.copy(o, a, n);
  else if (n >= 16) {
    const last = n - 16;
    for (let t: usize = 0; t < last; t += 16) v128.store(o + t, v128.load(a + t));
    v128.store(o + last, v128.load(a + last));
  } else if (n >= 8) {
    const tail = load<u64>(a + n - 8);
    store<u64>(o, load<u64>(a));
    store<u64>(o + n - 8, tail);
  } else if (n >= 4) {
    const tail = load<u32>(a + n - 4);
    store<u32>(o, load<u32>(a));
    store<u32>(o + n - 4, tail);
  } else {
    for (let t: usize = 0; t < n; t++) store<u8>(o + t, load<u8>(a + t));
  }
}

/** `m` runs of `n` bytes, `am` and `om` bytes from one another. */
function moveRuns(a: usize, o: usize, m: i32, n: usize, am: i32, om: i32): void {
  if (n === 16) {
    for (; m > 0; m--) {
      v128.store(o, v128.load(a));
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

/** Rows and columns of the source in a tile: what is read and written runs along a page for a while. */
// @ts-ignore: decorator
@inline
const HIGH: i32 = 64;
// @ts-ignore: decorator
@inline
const WIDE: i32 = 16;

/** Four rows of four elements at `a`, `sa` bytes apart, to four rows at `o`, `sq` apart, turned. */
// @ts-ignore: decorator
@inline
function turn4(a: usize, sa: usize, o: usize, sq: usize): void {
  const r0 = v128.load(a);
  const r1 = v128.load(a + sa);
  const r2 = v128.load(a + 2 * sa);
  const r3 = v128.load(a + 3 * sa);
  const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(o, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(o + sq, i64x2.shuffle(t0, t1, 1, 3));
  v128.store(o + 2 * sq, i64x2.shuffle(t2, t3, 0, 2));
  v128.store(o + 3 * sq, i64x2.shuffle(t2, t3, 1, 3));
}

/** Bytes of working memory for {@linkcode transpose_32}. */
export function transpose_scratch(): i32 {
  return HIGH * WIDE * 4;
}

/** Turns `high` rows (a multiple of 16) of 16 columns. */
// @ts-ignore: decorator
@inline
function turnTile(a: usize, sa: usize, o: usize, sq: usize, high: i32): void {
  const line = <usize>high << 2;
  for (let t = scratch; t < scratch + line; t += 16) {
    turn4(a, sa, t, line);
    turn4(a + 16, sa, t + 4 * line, line);
    turn4(a + 32, sa, t + 8 * line, line);
    turn4(a + 48, sa, t + 12 * line, line);
    a += 4 * sa;
  }
  for (let t = scratch; t < scratch + 16 * line;) {
    for (const end = t + line; t < end; t += 64) {
      v128.store(o, v128.load(t));
      v128.store(o, v128.load(t, 16), 16);
      v128.store(o, v128.load(t, 32), 32);
      v128.store(o, v128.load(t, 48), 48);
      o += 64;
    }
    o += sq - line;
  }
}

/**
 * The transpose of a matrix of 32-bit elements: o[j][i] = a[i][j], i < rows, j < cols; `la`, `lo` are elements from row to row.
 *
 * Tiles of 64 by 16 are turned into working memory and leave it by whole cache lines: rows of matrices whose sizes are
 * powers of two share few places of the first cache, so that a line that is written in four steps is lost between them.
 */
export function transpose_32(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  const sa = <usize>la << 2;
  const sq = <usize>lo << 2;
  let i = 0;
  while (i + WIDE <= rows) {
    const high = i + HIGH <= rows ? HIGH : WIDE;
    const from = a + <usize>i * sa;
    const to = o + (<usize>i << 2);
    let j = 0;
    for (; j + WIDE <= cols; j += WIDE) turnTile(from + (<usize>j << 2), sa, to + <usize>j * sq, sq, high);
    turnEdge(from + (<usize>j << 2), to + <usize>j * sq, high, cols - j, sa, sq);
    i += high;
  }
  turnEdge(a + <usize>i * sa, o + (<usize>i << 2), rows - i, cols, sa, sq);
}

/** As {@linkcode transpose_32} of 64-bit elements, by tiles whose rows and columns are cache lines. */
export function transpose_64(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  const sa = <usize>la << 3;
  const sq = <usize>lo << 3;
  for (let i0 = 0; i0 < rows; i0 += 8) {
    const i1 = min(i0 + 8, rows);
    for (let j0 = 0; j0 < cols; j0 += 8) {
      const j1 = min(j0 + 8, cols);
      let j = j0;
      for (; j + 2 <= j1; j += 2) {
        let p = a + <usize>i0 * sa + (<usize>j << 3);
        let q = o + <usize>j * sq + (<usize>i0 << 3);
        let i = i0;
        for (; i + 2 <= i1; i += 2) {
          const r0 = v128.load(p);
          const r1 = v128.load(p + sa);
          v128.store(q, i64x2.shuffle(r0, r1, 0, 2));
          v128.store(q + sq, i64x2.shuffle(r0, r1, 1, 3));
          p += 2 * sa;
          q += 16;
        }
        if (i < i1) {
          store<u64>(q, load<u64>(p));
          store<u64>(q + sq, load<u64>(p, 8));
        }
      }
      if (j < j1) {
        for (let i = i0; i < i1; i++) {
          store<u64>(o + <usize>j * sq + (<usize>i << 3), load<u64>(a + <usize>i * sa + (<usize>j << 3)));
        }
      }
    }
  }
}

/** The transpose of what is left beside the tiles. */
function turnEdge(a: usize, o: usize, rows: i32, cols: i32, sa: usize, sq: usize): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const p = a + <usize>i * sa;
    const q = o + (<usize>i << 2);
    let j = 0;
    for (; j + 4 <= cols; j += 4) turn4(p + (<usize>j << 2), sa, q + <usize>j * sq, sq);
    for (; j < cols; j++) {
      for (let r: usize = 0; r < 4; r++) {
        store<u32>(q + <usize>j * sq + (r << 2), load<u32>(p + r * sa + (<usize>j << 2)));
      }
    }
  }
  for (; i < rows; i++) {
    const p = a + <usize>i * sa;
    for (let j = 0; j < cols; j++) {
      store<u32>(o + <usize>j * sq + (<usize>i << 2), load<u32>(p + (<usize>j << 2)));
    }
  }
}

/** start + i · step for i < n, computed in float64. */
// @ts-ignore: decorator
@inline
function iota<T>(o: usize, n: i32, start: f64, step: f64): void {
  for (let i = 0; i < n; i++) {
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

// ---- halves ------------------------------------------------------------------------------------------------------

/** Four bfloat16 in the low halves of lanes to float32. */
// @ts-ignore: decorator
@inline
function fromBfloat(x: v128): v128 {
  return i32x4.shl(x, 16);
}

/** Four float16 in the low halves of lanes to float32: the exponent is corrected by a product, which takes denormals along. */
// @ts-ignore: decorator
@inline
function fromHalf(x: v128): v128 {
  const sign = i32x4.shl(v128.and(x, i32x4.splat(0x8000)), 16);
  const magnitude = i32x4.shl(v128.and(x, i32x4.splat(0x7fff)), 13);
  const top = i32x4.splat(0x0f800000);
  const open = v128.and(i32x4.ge_s(magnitude, top), i32x4.splat(0x7f800000));
  const y = f32x4.mul(magnitude, f32x4.splat(5.192296858534828e33));
  return v128.or(v128.or(y, open), sign);
}

/** Four float32 to bfloat16 in the low halves of lanes, to nearest with ties to even. */
// @ts-ignore: decorator
@inline
function toBfloat(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  const y = i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd), 16);
  return v128.bitselect(i32x4.splat(0x7fc0), y, f32x4.ne(x, x));
}

/** Four float32 to float16 in the low halves of lanes, to nearest with ties to even. */
// @ts-ignore: decorator
@inline
function toHalf(x: v128): v128 {
  const sign = i32x4.shr_u(v128.and(x, i32x4.splat(0x80000000)), 16);
  const m = v128.and(x, i32x4.splat(0x7fffffff));
  const odd = v128.and(i32x4.shr_u(m, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(m, i32x4.splat(0xfff - 0x38000000)), odd), 13);
  // One unit of a subnormal float16 is one of the float32 from 0.5 to 1: this sum rounds as needed.
  const small = i32x4.sub(f32x4.add(m, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  let y = v128.bitselect(small, normal, i32x4.lt_s(m, i32x4.splat(0x38800000)));
  y = v128.bitselect(i32x4.splat(0x7c00), y, i32x4.ge_s(m, i32x4.splat(0x47800000)));
  y = v128.bitselect(i32x4.splat(0x7e00), y, i32x4.gt_s(m, i32x4.splat(0x7f800000)));
  return v128.or(y, sign);
}

// @ts-ignore: decorator
@inline
function widen(a: usize, o: usize, n: i32, sa: i32, so: i32, brain: bool): void {
  if (sa === 1 && so === 1) {
    for (; n >= 8; n -= 8) {
      const x = v128.load(a);
      const low = i32x4.extend_low_i16x8_u(x);
      const high = i32x4.extend_high_i16x8_u(x);
      v128.store(o, brain ? fromBfloat(low) : fromHalf(low));
      v128.store(o, brain ? fromBfloat(high) : fromHalf(high), 16);
      a += 16;
      o += 32;
    }
  }
  for (; n > 0; n--) {
    const x = i32x4.splat(<i32>load<u16>(a));
    store<f32>(o, f32x4.extract_lane(brain ? fromBfloat(x) : fromHalf(x), 0));
    a += <usize>sa << 1;
    o += <usize>so << 2;
  }
}

// @ts-ignore: decorator
@inline
function narrow(a: usize, o: usize, n: i32, sa: i32, so: i32, brain: bool): void {
  if (sa === 1 && so === 1) {
    for (; n >= 8; n -= 8) {
      const x = v128.load(a);
      const y = v128.load(a, 16);
      v128.store(o, brain ? i16x8.narrow_i32x4_u(toBfloat(x), toBfloat(y)) : i16x8.narrow_i32x4_u(toHalf(x), toHalf(y)));
      a += 32;
      o += 16;
    }
  }
  for (; n > 0; n--) {
    const x = f32x4.splat(load<f32>(a));
    store<u16>(o, <u16>i32x4.extract_lane(brain ? toBfloat(x) : toHalf(x), 0));
    a += <usize>sa << 2;
    o += <usize>so << 1;
  }
}

export function cast_f16_f32(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  widen(a, o, n, sa, so, false);
}
export function cast_bf16_f32(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  widen(a, o, n, sa, so, true);
}
export function cast_f32_f16(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  narrow(a, o, n, sa, so, false);
}
export function cast_f32_bf16(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  narrow(a, o, n, sa, so, true);
}
