/**
 * Choosing elements by index and combining elements into places given by index.
 *
 * Indices are int32 or int64 (`wide`). What chooses answers the place in the list of the first index that is out of range,
 * −1 where there is none; nothing is read with an index before it was looked at. What combines expects that all of them
 * were looked at by {@linkcode index_outside}.
 */

import { moveFew } from "./move";

// @ts-ignore: decorator
@inline
function indexAt(index: usize, i: i32, wide: i32): i64 {
  return wide ? load<i64>(index + (<usize>i << 3)) : <i64>load<i32>(index + (<usize>i << 2));
}

/** Number `i` of a list of indices that are in range. */
// @ts-ignore: decorator
@inline
function placeAt(index: usize, i: i32, wide: i32): usize {
  return <usize>load<u32>(index + (<usize>i << (wide ? 3 : 2)));
}

/** −1, or the place of the first of `n` indices outside 0 … size − 1. */
export function index_outside(index: usize, n: i32, size: i32, wide: i32): i32 {
  let i = 0;
  // As unsigned numbers negative ones are the largest.
  const limit = i32x4.splat(size);
  if (wide) {
    for (; i + 8 <= n; i += 8) {
      const p = index + (<usize>i << 3);
      const a = v128.load(p);
      const b = v128.load(p, 16);
      const c = v128.load(p, 32);
      const d = v128.load(p, 48);
      const low = i32x4.max_u(i32x4.shuffle(a, b, 0, 2, 4, 6), i32x4.shuffle(c, d, 0, 2, 4, 6));
      const high = i32x4.shuffle(v128.or(a, c), v128.or(b, d), 1, 3, 5, 7);
      if (v128.any_true(v128.or(high, i32x4.ge_u(low, limit)))) break;
    }
  } else {
    for (; i + 8 <= n; i += 8) {
      const p = index + (<usize>i << 2);
      if (v128.any_true(i32x4.ge_u(i32x4.max_u(v128.load(p), v128.load(p, 16)), limit))) break;
    }
  }
  for (; i < n; i++) if (<u64>indexAt(index, i, wide) >= <u64>size) return i;
  return -1;
}

/** Indices that are looked at before the elements at them are read: a few, so that they are in the first cache then. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 512;

/** o[i] = x[index[i]] for `n` indices in range. */
// @ts-ignore: decorator
@inline
function chooseRow<T>(x: usize, index: usize, o: usize, n: i32, wide: i32): void {
  if (sizeof<T>() === 4) {
    if (wide) {
      for (; n >= 4; n -= 4) {
        let v = v128.load32_zero(x + (<usize>load<u32>(index) << 2));
        v = v128.load32_lane(x + (<usize>load<u32>(index, 8) << 2), v, 1);
        v = v128.load32_lane(x + (<usize>load<u32>(index, 16) << 2), v, 2);
        v128.store(o, v128.load32_lane(x + (<usize>load<u32>(index, 24) << 2), v, 3));
        index += 32;
        o += 16;
      }
    } else {
      for (; n >= 4; n -= 4) {
        let v = v128.load32_zero(x + (<usize>load<u32>(index) << 2));
        v = v128.load32_lane(x + (<usize>load<u32>(index, 4) << 2), v, 1);
        v = v128.load32_lane(x + (<usize>load<u32>(index, 8) << 2), v, 2);
        v128.store(o, v128.load32_lane(x + (<usize>load<u32>(index, 12) << 2), v, 3));
        index += 16;
        o += 16;
      }
    }
  }
  const step: usize = wide ? 8 : 4;
  for (; n > 0; n--) {
    store<T>(o, load<T>(x + <usize>load<u32>(index) * sizeof<T>()));
    index += step;
    o += sizeof<T>();
  }
}

/** Moves a run of bytes: of long ones, which mostly lie in no cache, a call moves more at once. */
// @ts-ignore: decorator
@inline
function moveRun(x: usize, o: usize, bytes: usize): void {
  if (bytes < 256) moveFew(x, o, bytes);
  else memory.copy(o, x, bytes);
}

/** o[a, i, :] = x[a, index[i], :] with runs of `bytes` bytes; `step` and `to` bytes from a to a in x and o. */
export function index_select(
  x: usize,
  index: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  bytes: i32,
  step: i32,
  to: i32,
  wide: i32,
): i32 {
  const bad = index_outside(index, n, size, wide);
  if (bad >= 0) return bad;
  for (; outer > 0; outer--) {
    if (bytes === 4) chooseRow<u32>(x, index, o, n, wide);
    else {
      let q = o;
      for (let i = 0; i < n; i++) {
        moveRun(x + placeAt(index, i, wide) * <usize>bytes, q, <usize>bytes);
        q += <usize>bytes;
      }
    }
    x += <usize>step;
    o += <usize>to;
  }
  return -1;
}

/** o[a, index[i], :] = source[a, i, :] with runs of `bytes` bytes of `row` bytes. */
export function index_set(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  bytes: i32,
  row: i32,
  wide: i32,
): void {
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      const q = o + placeAt(index, i, wide) * <usize>row;
      if (bytes === 4) store<u32>(q, load<u32>(source));
      else moveRun(source, q, <usize>bytes);
      source += <usize>row;
    }
    o += <usize>size * <usize>row;
  }
}

// @ts-ignore: decorator
@inline
function addRun<T>(o: usize, x: usize, n: i32): void {
  const all = <usize>n * sizeof<T>();
  let t: usize = 0;
  for (; t + 16 <= all; t += 16) v128.store(o + t, v128.add<T>(v128.load(o + t), v128.load(x + t)));
  for (; t < all; t += sizeof<T>()) store<T>(o + t, <T>(load<T>(o + t) + load<T>(x + t)));
}

/** o[a, index[i], :] += source[a, i, :] with runs of `inner` elements of `row`. */
// @ts-ignore: decorator
@inline
function indexAdd<T>(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  inner: i32,
  row: i32,
  wide: i32,
): void {
  const step = <usize>row * sizeof<T>();
  if (row === 1) {
    // Four rows at a time: what is added to one place of a row waits for what was added before.
    const line = <usize>n * sizeof<T>();
    const to = <usize>size * sizeof<T>();
    for (; outer >= 4; outer -= 4) {
      for (let i = 0; i < n; i++) {
        let q = o + placeAt(index, i, wide) * sizeof<T>();
        store<T>(q, <T>(load<T>(q) + load<T>(source)));
        q += to;
        store<T>(q, <T>(load<T>(q) + load<T>(source + line)));
        q += to;
        store<T>(q, <T>(load<T>(q) + load<T>(source + 2 * line)));
        q += to;
        store<T>(q, <T>(load<T>(q) + load<T>(source + 3 * line)));
        source += sizeof<T>();
      }
      source += 3 * line;
      o += 4 * to;
    }
  }
  for (; outer > 0; outer--) {
    if (row === 1) {
      for (let i = 0; i < n; i++) {
        const q = o + placeAt(index, i, wide) * sizeof<T>();
        store<T>(q, <T>(load<T>(q) + load<T>(source)));
        source += sizeof<T>();
      }
    } else for (let i = 0; i < n; i++) {
      addRun<T>(o + placeAt(index, i, wide) * step, source, inner);
      source += step;
    }
    o += <usize>size * step;
  }
}

/** o[a, i, b] = x[a, index[a, i, b], b]. */
// @ts-ignore: decorator
@inline
function gather<T>(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  const shift: usize = wide ? 3 : 2;
  const row = <usize>inner * sizeof<T>();
  // Rows of indices that are looked at together.
  const some = inner === 1 ? BLOCK : max(1, BLOCK / inner);
  let at = 0;
  for (; outer > 0; outer--) {
    for (let i = 0; i < n;) {
      const rows = min(some, n - i);
      const bad = index_outside(index, rows * inner, size, wide);
      if (bad >= 0) return at + bad;
      const many = <usize>(rows * inner);
      if (inner === 1) chooseRow<T>(x, index, o, rows, wide);
      else {
        let p = index;
        let q = o;
        for (let r = rows; r > 0; r--) {
          for (let from = x; from < x + row; from += sizeof<T>()) {
            store<T>(q, load<T>(from + <usize>load<u32>(p) * row));
            p += <usize>1 << shift;
            q += sizeof<T>();
          }
        }
      }
      index += many << shift;
      o += many * sizeof<T>();
      at += rows * inner;
      i += rows;
    }
    x += <usize>size * row;
  }
  return -1;
}

/** o[a, index[a, i, b], b] = source[a, i, b], or += where `add` holds, for `inner` numbers b of `row`. */
// @ts-ignore: decorator
@inline
function scatter<T>(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  inner: i32,
  row: i32,
  wide: i32,
  add: bool,
): void {
  const step: usize = wide ? 8 : 4;
  if (row === 1) {
    for (; outer > 0; outer--) {
      for (const end = source + <usize>n * sizeof<T>(); source < end; source += sizeof<T>()) {
        const q = o + <usize>load<u32>(index) * sizeof<T>();
        store<T>(q, add ? <T>(load<T>(q) + load<T>(source)) : load<T>(source));
        index += step;
      }
      o += <usize>size * sizeof<T>();
    }
    return;
  }
  const line = <usize>row * sizeof<T>();
  const rest = <usize>(row - inner);
  for (; outer > 0; outer--) {
    for (let i = 0; i < n; i++) {
      for (let to = o; to < o + <usize>inner * sizeof<T>(); to += sizeof<T>()) {
        const q = to + <usize>load<u32>(index) * line;
        store<T>(q, add ? <T>(load<T>(q) + load<T>(source)) : load<T>(source));
        index += step;
        source += sizeof<T>();
      }
      index += rest * step;
      source += rest * sizeof<T>();
    }
    o += <usize>size * line;
  }
}

/** Bit i says whether element i of the 16 bytes at `x` is not 0. */
// @ts-ignore: decorator
@inline
function truths<T>(x: usize): i32 {
  const v = v128.ne<T>(v128.load(x), v128.splat<T>(<T>0));
  if (sizeof<T>() === 1) return i8x16.bitmask(v);
  if (sizeof<T>() === 2) return i16x8.bitmask(v);
  if (sizeof<T>() === 4) return i32x4.bitmask(v);
  return i64x2.bitmask(v);
}

/** Writes the place of element `last` of row `row`, one number for each dimension, to `o`. */
// @ts-ignore: decorator
@inline
function putPlace(o: usize, sizes: usize, rank: i32, row: i32, last: i32): void {
  for (let d = rank - 2; d >= 0; d--) {
    const size = load<i32>(sizes + (<usize>d << 2));
    const above = row / size;
    store<i32>(o + (<usize>d << 2), row - above * size);
    row = above;
  }
  store<i32>(o + (<usize>(rank - 1) << 2), last);
}

/** The places of the first `count` elements that are not 0, of `rows` by `n`; all sizes lie at `sizes`. */
// @ts-ignore: decorator
@inline
function nonzero<T>(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  const lanes = <i32>(16 / sizeof<T>());
  const end = o + (<usize>count * <usize>rank << 2);
  for (let row = 0; row < rows; row++) {
    let i = 0;
    for (; i + lanes <= n; i += lanes) {
      for (let bits = truths<T>(x + <usize>i * sizeof<T>()); bits !== 0; bits &= bits - 1) {
        if (o >= end) return;
        const last = i + ctz(bits);
        if (rank === 1) store<i32>(o, last);
        else if (rank === 2) {
          store<i32>(o, row);
          store<i32>(o, last, 4);
        } else putPlace(o, sizes, rank, row, last);
        o += <usize>rank << 2;
      }
    }
    for (; i < n; i++) {
      if (load<T>(x + <usize>i * sizeof<T>()) === <T>0) continue;
      if (o >= end) return;
      putPlace(o, sizes, rank, row, i);
      o += <usize>rank << 2;
    }
    x += <usize>n * sizeof<T>();
  }
}

export function nonzero_u8(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  nonzero<u8>(sizes, x, o, count, rows, n, rank);
}
export function nonzero_i16(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  nonzero<i16>(sizes, x, o, count, rows, n, rank);
}
export function nonzero_i32(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  nonzero<i32>(sizes, x, o, count, rows, n, rank);
}
export function nonzero_i64(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  nonzero<i64>(sizes, x, o, count, rows, n, rank);
}
export function nonzero_f32(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  nonzero<f32>(sizes, x, o, count, rows, n, rank);
}
export function nonzero_f64(sizes: usize, x: usize, o: usize, count: i32, rows: i32, n: i32, rank: i32): void {
  nonzero<f64>(sizes, x, o, count, rows, n, rank);
}

export function index_add_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  indexAdd<f32>(index, source, o, outer, size, n, inner, row, wide);
}
export function scatter_add_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<f32>(index, source, o, outer, size, n, inner, row, wide, true);
}

export function index_add_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  indexAdd<f64>(index, source, o, outer, size, n, inner, row, wide);
}
export function scatter_add_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<f64>(index, source, o, outer, size, n, inner, row, wide, true);
}

export function index_add_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  indexAdd<i32>(index, source, o, outer, size, n, inner, row, wide);
}
export function scatter_add_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<i32>(index, source, o, outer, size, n, inner, row, wide, true);
}

export function index_add_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  indexAdd<i64>(index, source, o, outer, size, n, inner, row, wide);
}
export function scatter_add_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<i64>(index, source, o, outer, size, n, inner, row, wide, true);
}

export function gather_8(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u8>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_8(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<u8>(index, source, o, outer, size, n, inner, row, wide, false);
}

export function gather_16(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u16>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_16(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<u16>(index, source, o, outer, size, n, inner, row, wide, false);
}

export function gather_32(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u32>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<u32>(index, source, o, outer, size, n, inner, row, wide, false);
}

export function gather_64(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, wide: i32): i32 {
  return gather<u64>(x, index, o, outer, size, n, inner, wide);
}
export function scatter_set_64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32): void {
  scatter<u64>(index, source, o, outer, size, n, inner, row, wide, false);
}
