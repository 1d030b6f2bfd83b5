/** Kernels that move elements by their size in bytes: rows, transposes, fills. */

import { scratch } from "./memory";

/** A row of a copy. */
// @ts-ignore: decorator
@inline
function copyRow<T>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  if (sa === 1 && so === 1) {
    memory.copy(o, a, <usize>n * sizeof<T>());
    return;
  }
  if (sa === 0 && so === 1) {
    fillRow<T>(o, load<T>(a), n);
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

// @ts-ignore: decorator
@inline
function fillRow<T>(o: usize, x: T, n: i32): void {
  const v = v128.splat<T>(x);
  const lanes = 16 / sizeof<T>();
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

/** Rows and columns of a tile. */
// @ts-ignore: decorator
@inline
const EDGE: i32 = 16;

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
  return EDGE * EDGE * 4;
}

/**
 * The transpose of a matrix of 32-bit elements: o[j][i] = a[i][j], i < rows, j < cols; `la`, `lo` are elements from row to row.
 *
 * Tiles of 16 by 16 are turned into working memory and leave it by whole cache lines: rows of matrices whose sizes are
 * powers of two share few places of the first cache, so that a line that is written in four steps is lost between them.
 */
export function transpose_32(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  const sa = <usize>la << 2;
  const sq = <usize>lo << 2;
  const tile = scratch;
  let i = 0;
  for (; i + EDGE <= rows; i += EDGE) {
    const from = a + <usize>i * sa;
    const to = o + (<usize>i << 2);
    let j = 0;
    for (; j + EDGE <= cols; j += EDGE) {
      let p = from + (<usize>j << 2);
      for (let t: usize = 0; t < 64; t += 16) {
        turn4(p, sa, tile + t, 64);
        turn4(p + 16, sa, tile + t + 256, 64);
        turn4(p + 32, sa, tile + t + 512, 64);
        turn4(p + 48, sa, tile + t + 768, 64);
        p += 4 * sa;
      }
      let q = to + <usize>j * sq;
      for (let t = tile; t < tile + 1024; t += 64) {
        v128.store(q, v128.load(t));
        v128.store(q, v128.load(t, 16), 16);
        v128.store(q, v128.load(t, 32), 32);
        v128.store(q, v128.load(t, 48), 48);
        q += sq;
      }
    }
    turnEdge(from + (<usize>j << 2), to + <usize>j * sq, EDGE, cols - j, sa, sq);
  }
  turnEdge(a + <usize>i * sa, o + (<usize>i << 2), rows - i, cols, sa, sq);
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
