/**
 * Choosing elements by index and combining elements into places given by index.
 *
 * Indices are int32 or int64 (`wide`). What chooses answers the place in the list of the first index that is out of range,
 * −1 where there is none; nothing is read with an index before it was looked at. So does what combines by an index for each
 * element; what combines runs by one list of indices expects that all of them were looked at by {@linkcode index_outside}.
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
    if (bytes === 8) chooseRow<u64>(x, index, o, n, wide);
    else if (bytes === 4 && n >= 4) chooseRow<u32>(x, index, o, n, wide);
    else if (bytes === 4) {
      for (let i = 0; i < n; i++) {
        store<u32>(o + (<usize>i << 2), load<u32>(x + (placeAt(index, i, wide) << 2)));
      }
    } else {
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

/** How a value joins what is there. */
// @ts-ignore: decorator
@inline
const SET: i32 = 0;
// @ts-ignore: decorator
@inline
const SUM: i32 = 1;
// @ts-ignore: decorator
@inline
const PROD: i32 = 2;
// @ts-ignore: decorator
@inline
const AMAX: i32 = 3;

/** `v` joined to what is there; the last way is the least. Extremes of floats are NaN where either is. */
// @ts-ignore: decorator
@inline
function join<T>(there: T, v: T, way: i32): T {
  if (way === SET) return v;
  if (way === SUM) return <T>(there + v);
  if (way === PROD) return <T>(there * v);
  // Extremes of vectors, unlike those of numbers, have no branches.
  if (isFloat<T>()) {
    const both = joinLanes<T>(v128.splat<T>(there), v128.splat<T>(v), way);
    return v128.extract_lane<T>(both, 0);
  }
  return way === AMAX ? max<T>(there, v) : min<T>(there, v);
}

/** As {@linkcode join} for the elements of a vector. */
// @ts-ignore: decorator
@inline
function joinLanes<T>(there: v128, v: v128, way: i32): v128 {
  if (way === SUM) return v128.add<T>(there, v);
  if (sizeof<T>() === 8 && isInteger<T>()) return there;
  if (way === PROD) return v128.mul<T>(there, v);
  return way === AMAX ? v128.max<T>(there, v) : v128.min<T>(there, v);
}

// @ts-ignore: decorator
@inline
function joinRun<T>(o: usize, x: usize, n: i32, way: i32): void {
  const all = <usize>n * sizeof<T>();
  let t: usize = 0;
  // Of integers of 64 bits only sums have instructions for vectors.
  if (sizeof<T>() === 4 || isFloat<T>() || way === SUM) {
    for (; t + 16 <= all; t += 16) v128.store(o + t, joinLanes<T>(v128.load(o + t), v128.load(x + t), way));
  }
  for (; t < all; t += sizeof<T>()) store<T>(o + t, join<T>(load<T>(o + t), load<T>(x + t), way));
}

/**
 * source[a, i, :] joins o[a, index[i], :] with runs of `inner` elements of `row`. Where runs have one element, `unit` is
 * how many bytes lie from one of source to the next: 0 for a single one.
 */
// @ts-ignore: decorator
@inline
function indexJoin<T>(
  index: usize,
  source: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  inner: i32,
  row: i32,
  wide: i32,
  unit: usize,
  way: i32,
): void {
  const step = <usize>row * sizeof<T>();
  if (row === 1) {
    // Four rows at a time: what joins one place of a row waits for what joined it before.
    const line = <usize>n * unit;
    const to = <usize>size * sizeof<T>();
    for (; outer >= 4; outer -= 4) {
      for (let i = 0; i < n; i++) {
        let q = o + placeAt(index, i, wide) * sizeof<T>();
        store<T>(q, join<T>(load<T>(q), load<T>(source), way));
        q += to;
        store<T>(q, join<T>(load<T>(q), load<T>(source + line), way));
        q += to;
        store<T>(q, join<T>(load<T>(q), load<T>(source + 2 * line), way));
        q += to;
        store<T>(q, join<T>(load<T>(q), load<T>(source + 3 * line), way));
        source += unit;
      }
      source += 3 * line;
      o += 4 * to;
    }
  }
  for (; outer > 0; outer--) {
    if (row === 1) {
      for (let i = 0; i < n; i++) {
        const q = o + placeAt(index, i, wide) * sizeof<T>();
        store<T>(q, join<T>(load<T>(q), load<T>(source), way));
        source += unit;
      }
    } else for (let i = 0; i < n; i++) {
      joinRun<T>(o + placeAt(index, i, wide) * step, source, inner, way);
      source += step;
    }
    o += <usize>size * step;
  }
}

/**
 * o[a, i, b] = x[a, index[a, i, b], b] for numbers b below `inner`, of `row` in x; `step` bytes of x from a to a.
 */
// @ts-ignore: decorator
@inline
function gather<T>(
  x: usize,
  index: usize,
  o: usize,
  outer: i32,
  size: i32,
  n: i32,
  inner: i32,
  row: i32,
  step: i32,
  wide: i32,
): i32 {
  const shift: usize = wide ? 3 : 2;
  const line = <usize>row * sizeof<T>();
  const width = <usize>inner * sizeof<T>();
  // Indices that are looked at together: those of several a, or some rows of one.
  const each = n * inner;
  const many = each <= BLOCK ? BLOCK / max(each, 1) : 1;
  const some = each <= BLOCK ? n : max(1, BLOCK / inner);
  let at = 0;
  while (outer > 0) {
    const whole = min(many, outer);
    for (let i = 0; i < n;) {
      const rows = min(some, n - i);
      const bad = index_outside(index, whole * rows * inner, size, wide);
      if (bad >= 0) return at + bad;
      const to = o + <usize>whole * <usize>rows * width;
      let from = x;
      if (row === 1 && rows === 1) {
        for (; o < to; o += sizeof<T>()) {
          store<T>(o, load<T>(from + <usize>load<u32>(index) * sizeof<T>()));
          index += <usize>1 << shift;
          from += <usize>step;
        }
      } else if (row === 1) {
        for (; o < to; o += <usize>rows * sizeof<T>()) {
          chooseRow<T>(from, index, o, rows, wide);
          index += <usize>rows << shift;
          from += <usize>step;
        }
      } else {
        for (let w = whole; w > 0; w--) {
          for (let r = rows; r > 0; r--) {
            for (let p = from; p < from + width; p += sizeof<T>()) {
              store<T>(o, load<T>(p + <usize>load<u32>(index) * line));
              index += <usize>1 << shift;
              o += sizeof<T>();
            }
          }
          from += <usize>step;
        }
      }
      at += whole * rows * inner;
      i += rows;
    }
    x += <usize>whole * <usize>step;
    outer -= whole;
  }
  return -1;
}

/**
 * source[a, i, b] joins o[a, index[a, i, b], b] for numbers b below `inner`, of `across` in index and of `row` in o; `step`
 * bytes of o from a to a. In source `unit` bytes lie from b to b, `sourceRow` from i to i and `sourceStep` from a to a.
 */
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
  across: i32,
  row: i32,
  step: i32,
  unit: i32,
  sourceRow: i32,
  sourceStep: i32,
  wide: i32,
  way: i32,
): i32 {
  const shift: usize = wide ? 3 : 2;
  const line = <usize>row * sizeof<T>();
  const width = <usize>inner * sizeof<T>();
  const rest = <usize>(across - inner) << shift;
  // As in gather; of a part of each row one row is looked at.
  const each = n * across;
  const many = rest === 0 && each <= BLOCK ? BLOCK / max(each, 1) : 1;
  const some = rest > 0 ? 1 : each <= BLOCK ? n : max(1, BLOCK / inner);
  let at = 0;
  while (outer > 0) {
    const whole = min(many, outer);
    for (let i = 0; i < n;) {
      const rows = min(some, n - i);
      const bad = index_outside(index, whole * rows * inner, size, wide);
      if (bad >= 0) return at + bad;
      let to = o;
      let from = source + <usize>i * <usize>sourceRow;
      for (let w = whole; w > 0; w--) {
        let s = from;
        if (row === 1) {
          for (const end = index + (<usize>rows << shift); index < end; index += <usize>1 << shift) {
            const q = to + <usize>load<u32>(index) * sizeof<T>();
            store<T>(q, join<T>(load<T>(q), load<T>(s), way));
            s += <usize>sourceRow;
          }
        } else {
          for (let r = rows; r > 0; r--) {
            let v = s;
            for (let p = to; p < to + width; p += sizeof<T>()) {
              const q = p + <usize>load<u32>(index) * line;
              store<T>(q, join<T>(load<T>(q), load<T>(v), way));
              index += <usize>1 << shift;
              v += <usize>unit;
            }
            index += rest;
            s += <usize>sourceRow;
          }
        }
        to += <usize>step;
        from += <usize>sourceStep;
      }
      at += whole * rows * across;
      i += rows;
    }
    o += <usize>whole * <usize>step;
    source += <usize>whole * <usize>sourceStep;
    outer -= whole;
  }
  return -1;
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
      let bits = truths<T>(x + <usize>i * sizeof<T>());
      if (bits === 0) continue;
      // Where all are, and there is room for their places, these are known.
      if (bits === (1 << lanes) - 1 && rank === 1 && o + (<usize>lanes << 2) <= end) {
        let places = i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3));
        if (lanes >= 4) {
          for (let t = 0; t < lanes; t += 4) {
            v128.store(o + (<usize>t << 2), places);
            places = i32x4.add(places, i32x4.splat(4));
          }
        } else v128.store64_lane(o, places, 0);
        o += <usize>lanes << 2;
        continue;
      }
      for (; bits !== 0; bits &= bits - 1) {
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

export function index_add_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32): void {
  indexJoin<f32>(index, source, o, outer, size, n, inner, row, wide, unit, SUM);
}
export function index_join_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32, way: i32): void {
  indexJoin<f32>(index, source, o, outer, size, n, inner, row, wide, unit, way);
}
export function scatter_add_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<f32>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SUM);
}
export function scatter_join_f32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32, way: i32): i32 {
  return scatter<f32>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, way);
}

export function index_add_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32): void {
  indexJoin<f64>(index, source, o, outer, size, n, inner, row, wide, unit, SUM);
}
export function index_join_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32, way: i32): void {
  indexJoin<f64>(index, source, o, outer, size, n, inner, row, wide, unit, way);
}
export function scatter_add_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<f64>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SUM);
}
export function scatter_join_f64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32, way: i32): i32 {
  return scatter<f64>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, way);
}

export function index_add_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32): void {
  indexJoin<i32>(index, source, o, outer, size, n, inner, row, wide, unit, SUM);
}
export function index_join_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32, way: i32): void {
  indexJoin<i32>(index, source, o, outer, size, n, inner, row, wide, unit, way);
}
export function scatter_add_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<i32>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SUM);
}
export function scatter_join_i32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32, way: i32): i32 {
  return scatter<i32>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, way);
}

export function index_add_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32): void {
  indexJoin<i64>(index, source, o, outer, size, n, inner, row, wide, unit, SUM);
}
export function index_join_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, wide: i32, unit: i32, way: i32): void {
  indexJoin<i64>(index, source, o, outer, size, n, inner, row, wide, unit, way);
}
export function scatter_add_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<i64>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SUM);
}
export function scatter_join_i64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32, way: i32): i32 {
  return scatter<i64>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, way);
}

export function gather_8(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, step: i32, wide: i32): i32 {
  return gather<u8>(x, index, o, outer, size, n, inner, row, step, wide);
}
export function scatter_set_8(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<u8>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SET);
}

export function gather_16(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, step: i32, wide: i32): i32 {
  return gather<u16>(x, index, o, outer, size, n, inner, row, step, wide);
}
export function scatter_set_16(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<u16>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SET);
}

export function gather_32(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, step: i32, wide: i32): i32 {
  return gather<u32>(x, index, o, outer, size, n, inner, row, step, wide);
}
export function scatter_set_32(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<u32>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SET);
}

export function gather_64(x: usize, index: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, row: i32, step: i32, wide: i32): i32 {
  return gather<u64>(x, index, o, outer, size, n, inner, row, step, wide);
}
export function scatter_set_64(index: usize, source: usize, o: usize, outer: i32, size: i32, n: i32, inner: i32, across: i32, row: i32, step: i32, unit: i32, sourceRow: i32, sourceStep: i32, wide: i32): i32 {
  return scatter<u64>(index, source, o, outer, size, n, inner, across, row, step, unit, sourceRow, sourceStep, wide, SET);
}
