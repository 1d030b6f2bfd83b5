/**
 * Putting rows in order, and finding their first elements in order, with the places these had.
 *
 * An element becomes a key of 32 bits whose order as an unsigned integer is its own: −0 and 0 have one key, and all NaN
 * the largest. Key and place together are one word of 64 bits, so equal elements keep their order.
 */

import { scratch } from "./memory";

/** Rows of up to so many elements, and up to so many first elements, are put in order by insertion. */
// @ts-ignore: decorator
@inline
const FEW: i32 = 48;

/** Bytes of the counts: three digits of 11 bits. */
// @ts-ignore: decorator
@inline
const COUNTS: usize = 3 * 2048 * 4;

// @ts-ignore: decorator
@inline
function isFew(n: i32, kept: i32): bool {
  return n <= FEW || (kept <= FEW && kept * 8 <= n);
}

/** Bytes of working memory to put the first `kept` of `n` elements in order, `inner` apart. */
export function sort_scratch(n: i32, inner: i32, kept: i32): f64 {
  const words = isFew(n, kept) ? FEW << 3 : <f64>COUNTS + 16 * <f64>n;
  return words + (inner > 1 ? 4 * <f64>n : 0);
}

// @ts-ignore: decorator
@inline
function keyOf<T>(p: usize): u32 {
  if (isFloat<T>()) {
    const v = load<f32>(p);
    if (v !== v) return 0xffffffff;
    const bits = v === 0 ? 0 : reinterpret<u32>(v);
    return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
  }
  return load<u32>(p) ^ 0x80000000;
}

// @ts-ignore: decorator
@inline
function wordOf<T>(x: usize, i: i32, flip: u32): u64 {
  return (<u64>(keyOf<T>(x + (<usize>i << 2)) ^ flip) << 32) | <u64>i;
}

/** The bits of the element of a word: from its key, but for those that share one. */
// @ts-ignore: decorator
@inline
function bitsOf<T>(x: usize, word: u64, flip: u32): u32 {
  const key = <u32>(word >> 32) ^ flip;
  if (isFloat<T>()) {
    if (key === 0x80000000 || key === 0xffffffff) return load<u32>(x + (<usize><u32>word << 2));
    return key ^ (~<u32>(<i32>key >> 31) | 0x80000000);
  }
  return key ^ 0x80000000;
}

/** True when any of four elements may come before `worst`; true too where NaN is among them. */
// @ts-ignore: decorator
@inline
function anyBefore<T>(p: usize, worst: v128, flip: u32): bool {
  const v = v128.load(p);
  if (isFloat<T>()) {
    return !i32x4.all_true(flip ? f32x4.le(v, worst) : f32x4.ge(v, worst));
  }
  return v128.any_true(flip ? i32x4.gt_s(v, worst) : i32x4.lt_s(v, worst));
}

/** The first `kept` words of a row in order, at the start of working memory, by insertion. */
function fewWords<T>(x: usize, n: i32, kept: i32, flip: u32): usize {
  const list = scratch;
  let size = 0;
  let worst = i32x4.splat(0);
  for (let i = 0; i < n; i++) {
    if (size === kept) {
      while (i + 4 <= n && !anyBefore<T>(x + (<usize>i << 2), worst, flip)) i += 4;
      if (i >= n) break;
    }
    const word = wordOf<T>(x, i, flip);
    if (size < kept) size++;
    else if (word >= load<u64>(list + (<usize>(kept - 1) << 3))) continue;
    let at = list + (<usize>(size - 1) << 3);
    while (at > list) {
      const before = load<u64>(at - 8);
      if (before < word) break;
      store<u64>(at, before);
      at -= 8;
    }
    store<u64>(at, word);
    if (size === kept) {
      const last = <usize>load<u32>(list + (<usize>(kept - 1) << 3));
      worst = i32x4.splat(load<i32>(x + (last << 2)));
    }
  }
  return list;
}

/** All words of a row in order, digit by digit from the lowest. Digits that all keys share cost no pass. */
function allWords<T>(x: usize, n: i32, flip: u32): usize {
  // Long rows pay for more counts by one pass less.
  const long = n >= 4096;
  const bits: u64 = long ? 11 : 8;
  const passes = long ? 3 : 4;
  const mask = (<u64>1 << bits) - 1;
  const table = <usize>4 << <usize>bits;
  const counts = scratch;
  let from = scratch + COUNTS;
  let to = from + (<usize>n << 3);
  memory.fill(counts, 0, table * <usize>passes);
  for (let i = 0; i < n; i++) {
    const word = wordOf<T>(x, i, flip);
    store<u64>(from + (<usize>i << 3), word);
    let digits = word >> 32;
    let count = counts;
    for (let pass = 0; pass < passes; pass++) {
      const at = count + (<usize>(digits & mask) << 2);
      store<u32>(at, load<u32>(at) + 1);
      digits >>= bits;
      count += table;
    }
  }
  let shift: u64 = 32;
  let places = counts;
  for (let pass = 0; pass < passes; pass++, shift += bits, places += table) {
    const one = <usize>((load<u64>(from) >> shift) & mask) << 2;
    if (load<u32>(places + one) === <u32>n) continue;
    let sum: u32 = 0;
    for (let at = places; at < places + table; at += 4) {
      const count = load<u32>(at);
      store<u32>(at, sum);
      sum += count;
    }
    for (let at = from; at < from + (<usize>n << 3); at += 8) {
      const word = load<u64>(at);
      const place = places + (<usize>((word >> shift) & mask) << 2);
      const next = load<u32>(place);
      store<u32>(place, next + 1);
      store<u64>(to + (<usize>next << 3), word);
    }
    const other = from;
    from = to;
    to = other;
  }
  return from;
}

/** The first `kept` of each line of [outer, n, inner] in order → values and places, [outer, kept, inner]. */
// @ts-ignore: decorator
@inline
function sortLines<T>(
  x: usize,
  values: usize,
  places: usize,
  outer: i32,
  n: i32,
  inner: i32,
  kept: i32,
  descending: i32,
): void {
  const flip: u32 = descending ? 0xffffffff : 0;
  const step = <usize>inner << 2;
  const few = isFew(n, kept);
  const column = scratch + (few ? <usize>FEW << 3 : COUNTS + (<usize>n << 4));
  if (kept === 0) return;
  for (; outer > 0; outer--) {
    for (let j: usize = 0; j < step; j += 4) {
      let line = x + j;
      if (inner > 1) {
        for (let i: usize = 0; i < <usize>n; i++) store<u32>(column + (i << 2), load<u32>(line + i * step));
        line = column;
      }
      const words = few ? fewWords<T>(line, n, kept, flip) : allWords<T>(line, n, flip);
      for (let i: usize = 0; i < <usize>kept; i++) {
        const word = load<u64>(words + (i << 3));
        store<u32>(values + j + i * step, bitsOf<T>(line, word, flip));
        store<u32>(places + j + i * step, <u32>word);
      }
    }
    x += step * <usize>n;
    values += step * <usize>kept;
    places += step * <usize>kept;
  }
}

/** Sorts float32; NaN is the largest. Needs {@linkcode sort_scratch} bytes of working memory. */
export function sort_f32(
  x: usize,
  values: usize,
  places: usize,
  outer: i32,
  n: i32,
  inner: i32,
  kept: i32,
  descending: i32,
): void {
  sortLines<f32>(x, values, places, outer, n, inner, kept, descending);
}

/** As {@linkcode sort_f32}. */
export function sort_i32(
  x: usize,
  values: usize,
  places: usize,
  outer: i32,
  n: i32,
  inner: i32,
  kept: i32,
  descending: i32,
): void {
  sortLines<i32>(x, values, places, outer, n, inner, kept, descending);
}
