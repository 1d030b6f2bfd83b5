/**
 * Putting rows in order, and finding their first elements in order, with the places these had.
 *
 * An element becomes a key whose order as an unsigned integer is its own: −0 and 0 have one key, and all NaN the largest.
 * 32 bits of a key and the place together are one word of 64 bits, so equal elements keep their order.
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

/** Bytes of working memory to put the first `kept` of `n` elements of `bytes` bytes in order, `inner` apart. */
export function sort_scratch(n: i32, inner: i32, kept: i32, bytes: i32): f64 {
  const words = isFew(n, kept) ? FEW << 4 : <f64>COUNTS + 16 * <f64>n;
  return words + (inner > 1 ? <f64>bytes * <f64>n : 0);
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

/** Whether rows are so long that more counts pay by one pass less. */
// @ts-ignore: decorator
@inline
function isLong(n: i32): bool {
  return n >= 4096;
}

/** No digit is counted. */
function clear(long: bool): void {
  memory.fill(scratch, 0, long ? COUNTS : 4 * 256 * 4);
}

// @ts-ignore: decorator
@inline
function tallyDigit(digit: u64, counts: usize): void {
  const at = counts + (<usize>digit << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Counts the digits of a word. */
// @ts-ignore: decorator
@inline
function tally(word: u64, counts: usize, long: bool): void {
  if (long) {
    tallyDigit((word >> 32) & 2047, counts);
    tallyDigit((word >> 43) & 2047, counts + 8192);
    tallyDigit(word >> 54, counts + 16384);
  } else {
    tallyDigit((word >> 32) & 255, counts);
    tallyDigit((word >> 40) & 255, counts + 1024);
    tallyDigit((word >> 48) & 255, counts + 2048);
    tallyDigit(word >> 56, counts + 3072);
  }
}

/** Puts words at `from` whose digits are counted in order, from the lowest digit on. Digits that all share cost no pass. */
function spread(from: usize, to: usize, n: i32, long: bool): usize {
  const bits: u64 = long ? 11 : 8;
  const mask = (<u64>1 << bits) - 1;
  const table = <usize>4 << <usize>bits;
  let places = scratch;
  let shift: u64 = 32;
  for (let pass = long ? 3 : 4; pass > 0; pass--, shift += bits, places += table) {
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

/** The highest first digit of the first `kept` words of a row in order. */
function lastDigit<T>(x: usize, n: i32, kept: i32, flip: u32): u32 {
  memory.fill(scratch, 0, 2048 << 2);
  for (let i = 0; i < n; i++) {
    const at = scratch + (<usize>(wordOf<T>(x, i, flip) >> 53) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let digit: u32 = 0;
  let counted = load<i32>(scratch);
  while (counted < kept) counted += load<i32>(scratch + (<usize>++digit << 2));
  return digit;
}

/** Writes and counts the words of a row; answers their end. */
// @ts-ignore: decorator
@inline
function wordsOf<T>(x: usize, n: i32, flip: u32, to: usize, long: bool): usize {
  const counts = scratch;
  for (let i = 0; i < n; i++) {
    const word = wordOf<T>(x, i, flip);
    store<u64>(to, word);
    tally(word, counts, long);
    to += 8;
  }
  return to;
}

/** The first `kept` words of a row in order, with more behind them: where these are few, the others are left out. */
function allWords<T>(x: usize, n: i32, kept: i32, flip: u32): usize {
  const long = isLong(n);
  const from = scratch + COUNTS;
  const to = from + (<usize>n << 3);
  const last = kept < n >> 3 ? <u64>lastDigit<T>(x, n, kept, flip) : 2047;
  clear(long);
  const counts = scratch;
  let at = from;
  if (last < 2047) {
    for (let i = 0; i < n; i++) {
      const word = wordOf<T>(x, i, flip);
      if (word >> 53 > last) continue;
      store<u64>(at, word);
      tally(word, counts, long);
      at += 8;
    }
  } else if (long) at = wordsOf<T>(x, n, flip, from, true);
  else at = wordsOf<T>(x, n, flip, from, false);
  return spread(from, to, <i32>((at - from) >> 3), long);
}

// ---- elements of 64 bits: their keys have two halves, so their words are put in order twice ---------------------

// @ts-ignore: decorator
@inline
function wideKeyOf<T>(x: usize, i: i32, flip: u64): u64 {
  const p = x + (<usize>i << 3);
  const top: u64 = 0x8000000000000000;
  if (isFloat<T>()) {
    const v = load<f64>(p);
    if (v !== v) return ~flip;
    const bits = v === 0 ? 0 : reinterpret<u64>(v);
    return bits ^ (<u64>(<i64>bits >> 63) | top) ^ flip;
  }
  return load<u64>(p) ^ top ^ flip;
}

/** As {@linkcode fewWords}: places in order, and behind them their keys. */
function fewWideWords<T>(x: usize, n: i32, kept: i32, flip: u64): usize {
  const list = scratch;
  const keys = scratch + (<usize>FEW << 3);
  let size = 0;
  for (let i = 0; i < n; i++) {
    const key = wideKeyOf<T>(x, i, flip);
    if (size < kept) size++;
    else if (key >= load<u64>(keys + (<usize>(kept - 1) << 3))) continue;
    let at = <usize>(size - 1) << 3;
    while (at > 0) {
      const before = load<u64>(keys + at - 8);
      if (before <= key) break;
      store<u64>(keys + at, before);
      store<u64>(list + at, load<u64>(list + at - 8));
      at -= 8;
    }
    store<u64>(keys + at, key);
    store<u64>(list + at, <u64>i);
  }
  return list;
}

/** All words of a row in order: by the lower halves of the keys, then by the upper ones. */
function allWideWords<T>(x: usize, n: i32, flip: u64): usize {
  const long = isLong(n);
  const first = scratch + COUNTS;
  const second = first + (<usize>n << 3);
  const counts = scratch;
  const upper = wideKeyOf<T>(x, 0, flip) >> 32;
  let differs: u64 = 0;
  clear(long);
  for (let i = 0; i < n; i++) {
    const key = wideKeyOf<T>(x, i, flip);
    const word = (key << 32) | <u64>i;
    differs |= (key >> 32) ^ upper;
    store<u64>(first + (<usize>i << 3), word);
    tally(word, counts, long);
  }
  const words = spread(first, second, n, long);
  if (differs === 0) return words;
  clear(long);
  for (let at = words; at < words + (<usize>n << 3); at += 8) {
    const i = <i32>load<u32>(at);
    const word = (wideKeyOf<T>(x, i, flip) & 0xffffffff00000000) | <u64>i;
    store<u64>(at, word);
    tally(word, counts, long);
  }
  return spread(words, words === first ? second : first, n, long);
}

/** The first `kept` of each line of [outer, n, inner] in order → values and places, [outer, kept, inner]. */
// @ts-ignore: decorator
@inline
function sortLines<T, Bits>(
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
  const wideFlip: u64 = descending ? 0xffffffffffffffff : 0;
  const step = <usize>inner * sizeof<T>();
  const few = isFew(n, kept);
  const column = scratch + (few ? <usize>FEW << 4 : COUNTS + (<usize>n << 4));
  if (kept === 0) return;
  for (; outer > 0; outer--) {
    for (let j: usize = 0; j < <usize>inner; j++) {
      let line = x + j * sizeof<T>();
      if (inner > 1) {
        for (let i: usize = 0; i < <usize>n; i++) store<Bits>(column + i * sizeof<T>(), load<Bits>(line + i * step));
        line = column;
      }
      let words: usize;
      if (sizeof<T>() === 8) words = few ? fewWideWords<T>(line, n, kept, wideFlip) : allWideWords<T>(line, n, wideFlip);
      else words = few ? fewWords<T>(line, n, kept, flip) : allWords<T>(line, n, kept, flip);
      for (let i: usize = 0; i < <usize>kept; i++) {
        const word = load<u64>(words + (i << 3));
        const to = values + j * sizeof<T>() + i * step;
        if (sizeof<T>() === 8) store<u64>(to, load<u64>(line + (<usize><u32>word << 3)));
        else store<u32>(to, bitsOf<T>(line, word, flip));
        store<u32>(places + ((j + i * <usize>inner) << 2), <u32>word);
      }
    }
    x += step * <usize>n;
    values += step * <usize>kept;
    places += (<usize>inner << 2) * <usize>kept;
  }
}

/** Number of leading elements of a line that come before `v`, by halves: those below it, with `right` also those equal. */
// @ts-ignore: decorator
@inline
function placeIn<T>(line: usize, n: i32, v: T, right: bool): i32 {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = load<T>(line + <usize>middle * sizeof<T>());
    const stays = right ? at > v : at >= v;
    high = select<i32>(middle, high, stays);
    low = select<i32>(low, middle + 1, stays);
  }
  return low;
}

/** A step of four searches: `low` and `high` are lanes; where they are equal nothing changes. */
// @ts-ignore: decorator
@inline
function searchFour<T>(line: usize, n: i32, values: usize, o: usize, right: bool): void {
  let low = i32x4.splat(0);
  let high = i32x4.splat(n);
  const one = i32x4.splat(1);
  const v0 = load<T>(values);
  const v1 = load<T>(values + sizeof<T>());
  const v2 = load<T>(values + 2 * sizeof<T>());
  const v3 = load<T>(values + 3 * sizeof<T>());
  for (;;) {
    const open = i32x4.lt_u(low, high);
    if (!v128.any_true(open)) break;
    const middle = i32x4.shr_u(i32x4.add(low, high), 1);
    // A search that has ended at n looks at an element that is there.
    const safe = i32x4.min_u(middle, i32x4.splat(n - 1));
    const a0 = load<T>(line + <usize>i32x4.extract_lane(safe, 0) * sizeof<T>());
    const a1 = load<T>(line + <usize>i32x4.extract_lane(safe, 1) * sizeof<T>());
    const a2 = load<T>(line + <usize>i32x4.extract_lane(safe, 2) * sizeof<T>());
    const a3 = load<T>(line + <usize>i32x4.extract_lane(safe, 3) * sizeof<T>());
    let stays = i32x4.splat(-<i32>(right ? a0 > v0 : a0 >= v0));
    stays = i32x4.replace_lane(stays, 1, -<i32>(right ? a1 > v1 : a1 >= v1));
    stays = i32x4.replace_lane(stays, 2, -<i32>(right ? a2 > v2 : a2 >= v2));
    stays = i32x4.replace_lane(stays, 3, -<i32>(right ? a3 > v3 : a3 >= v3));
    high = v128.bitselect(middle, high, v128.and(stays, open));
    low = v128.bitselect(i32x4.add(middle, one), low, v128.andnot(open, stays));
  }
  v128.store(o, low);
}

// @ts-ignore: decorator
@inline
function search<T>(sorted: usize, values: usize, o: usize, lines: i32, k: i32, n: i32, step: i32, right: i32): void {
  for (; lines > 0; lines--) {
    let i = k;
    if (n > 0) {
      for (; i >= 4; i -= 4) {
        searchFour<T>(sorted, n, values, o, right !== 0);
        values += 4 * sizeof<T>();
        o += 16;
      }
    }
    for (; i > 0; i--) {
      store<i32>(o, placeIn<T>(sorted, n, load<T>(values), right !== 0));
      values += sizeof<T>();
      o += 4;
    }
    sorted += <usize>step * sizeof<T>();
  }
}

/**
 * Where `k` values fit into each of `lines` sorted lines of n elements, `step` apart. NaN fits behind all numbers.
 */
export function search_f32(sorted: usize, values: usize, o: usize, lines: i32, k: i32, n: i32, step: i32, right: i32): void {
  search<f32>(sorted, values, o, lines, k, n, step, right);
}
/** As {@linkcode search_f32}. */
export function search_f64(sorted: usize, values: usize, o: usize, lines: i32, k: i32, n: i32, step: i32, right: i32): void {
  search<f64>(sorted, values, o, lines, k, n, step, right);
}
/** As {@linkcode search_f32}. */
export function search_i32(sorted: usize, values: usize, o: usize, lines: i32, k: i32, n: i32, step: i32, right: i32): void {
  search<i32>(sorted, values, o, lines, k, n, step, right);
}
/** As {@linkcode search_f32}. */
export function search_i64(sorted: usize, values: usize, o: usize, lines: i32, k: i32, n: i32, step: i32, right: i32): void {
  search<i64>(sorted, values, o, lines, k, n, step, right);
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
  sortLines<f32, u32>(x, values, places, outer, n, inner, kept, descending);
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
  sortLines<i32, u32>(x, values, places, outer, n, inner, kept, descending);
}

/** As {@linkcode sort_f32}. */
export function sort_f64(
  x: usize,
  values: usize,
  places: usize,
  outer: i32,
  n: i32,
  inner: i32,
  kept: i32,
  descending: i32,
): void {
  sortLines<f64, u64>(x, values, places, outer, n, inner, kept, descending);
}

/** As {@linkcode sort_f32}. */
export function sort_i64(
  x: usize,
  values: usize,
  places: usize,
  outer: i32,
  n: i32,
  inner: i32,
  kept: i32,
  descending: i32,
): void {
  sortLines<i64, u64>(x, values, places, outer, n, inner, kept, descending);
}
