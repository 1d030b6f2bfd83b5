/**
 * Pooling over windows of one to three dimensions. The host writes the geometry at META, three numbers each: sizes of the
 * image, of the output, of the window, its stride, its padding, its dilation.
 *
 * Windows are pooled along rows of the image first, four at a time in the lanes of vectors, and what rows give is pooled
 * across them: a row serves all windows that it lies in. The rows that the next windows need stay in working memory.
 *
 * The type P says what is made of a window: its largest value with the place (i32), without (i8), or its sum (f32).
 * Comparisons of vectors lose NaN; a plane that has one is computed again, one window at a time.
 */

import { mad, pick } from "./fused";
import { scratch } from "./memory";

const META: usize = 16384;

// @ts-ignore: decorator
@inline
function meta(i: usize): i32 {
  return load<i32>(META + (i << 2));
}

// @ts-ignore: decorator
@inline
const SIZE: usize = 0;
// @ts-ignore: decorator
@inline
const OUT: usize = 3;
// @ts-ignore: decorator
@inline
const WINDOW: usize = 6;
// @ts-ignore: decorator
@inline
const STRIDE: usize = 9;
// @ts-ignore: decorator
@inline
const PADDING: usize = 12;
// @ts-ignore: decorator
@inline
const DILATION: usize = 15;

/** The column of the first window that begins inside the image, and the end of those that end there. */
// @ts-ignore: decorator
@inline
function firstColumn(): i32 {
  const stride = meta(STRIDE + 2);
  return min(meta(OUT + 2), (meta(PADDING + 2) + stride - 1) / stride);
}

// @ts-ignore: decorator
@inline
function endColumn(): i32 {
  const room = meta(SIZE + 2) - 1 - (meta(WINDOW + 2) - 1) * meta(DILATION + 2) + meta(PADDING + 2);
  return room < 0 ? 0 : min(meta(OUT + 2), room / meta(STRIDE + 2) + 1);
}

/** Four elements, `step` bytes apart: S has that size where it is 4 or 8, else 1. */
// @ts-ignore: decorator
@inline
function four<S>(p: usize, step: usize): v128 {
  if (sizeof<S>() === 4) return v128.load(p);
  if (sizeof<S>() === 8) return i32x4.shuffle(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
  let v = v128.load32_zero(p);
  v = v128.load32_lane(p + step, v, 1);
  v = v128.load32_lane(p + 2 * step, v, 2);
  return v128.load32_lane(p + 3 * step, v, 3);
}

/** First and end of the taps of a window that begins at `start` which lie in `size`. */
// @ts-ignore: decorator
@inline
function firstTap(start: i32, dilation: i32): i32 {
  if (start >= 0) return 0;
  return dilation === 1 ? -start : (-start + dilation - 1) / dilation;
}

// @ts-ignore: decorator
@inline
function endTap(start: i32, dilation: i32, window: i32, size: i32): i32 {
  if (start >= size) return 0;
  return min(window, dilation === 1 ? size - start : (size - 1 - start) / dilation + 1);
}

/** True where windows of 2 × 2 tile the image, up to a last row or column of it. */
// @ts-ignore: decorator
@inline
function isTiled(): bool {
  return meta(WINDOW) === 1 && meta(STRIDE) === 1 && meta(PADDING) === 0 && meta(PADDING + 1) === 0 &&
    meta(PADDING + 2) === 0 && meta(WINDOW + 1) === 2 && meta(WINDOW + 2) === 2 && meta(STRIDE + 1) === 2 &&
    meta(STRIDE + 2) === 2 && meta(DILATION + 1) === 1 && meta(DILATION + 2) === 1 &&
    2 * meta(OUT + 1) <= meta(SIZE + 1) && 2 * meta(OUT + 2) <= meta(SIZE + 2);
}

/**
 * Windows of 2 × 2 that tile an image of `width`, four at a time, as many as there are fours in `columns`. Answers `bad`
 * plus something, which is NaN where a number is.
 */
function tiles<P>(
  x: usize,
  o: usize,
  places: usize,
  at: i32,
  width: i32,
  rows: i32,
  columns: i32,
  bad: v128,
): v128 {
  const eight = i32x4.splat(8);
  const under = i32x4.splat(width);
  const row = <usize>columns << 2;
  const rest = (<usize>columns & 3) << 2;
  let start = i32x4.add(
    i32x4.splat(at),
    i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 2), 2, 4), 3, 6),
  );
  x += <usize>at << 2;
  let bad1 = f32x4.splat(0);
  for (; rows > 0; rows--) {
    const end = o + row - rest;
    const down = x + (<usize>width << 2);
    let p = x;
    let q = down;
    let place = start;
    while (o < end) {
      const a0 = v128.load(p);
      const a1 = v128.load(p, 16);
      const b0 = v128.load(q);
      const b1 = v128.load(q, 16);
      const e = i32x4.shuffle(a0, a1, 0, 2, 4, 6);
      const f = i32x4.shuffle(a0, a1, 1, 3, 5, 7);
      const g = i32x4.shuffle(b0, b1, 0, 2, 4, 6);
      const h = i32x4.shuffle(b0, b1, 1, 3, 5, 7);
      const top = f32x4.pmax(e, f);
      const bottom = f32x4.pmax(g, h);
      v128.store(o, f32x4.pmax(top, bottom));
      if (sizeof<P>() === 4) {
        // A comparison that holds is −1.
        v128.store(
          places,
          pick(
            i32x4.sub(i32x4.add(place, under), f32x4.gt(h, g)),
            i32x4.sub(place, f32x4.gt(f, e)),
            f32x4.gt(bottom, top),
          ),
        );
        place = i32x4.add(place, eight);
        places += 16;
      }
      // A NaN stays in a sum of products; an overflow that makes one costs a second look.
      bad = mad(a0, b0, bad);
      bad1 = mad(a1, b1, bad1);
      p += 32;
      q += 32;
      o += 16;
    }
    o += rest;
    if (sizeof<P>() === 4) places += rest;
    start = i32x4.add(start, i32x4.add(under, under));
    x = down + (<usize>width << 2);
  }
  return f32x4.add(bad, bad1);
}

/** Means of windows as those of {@linkcode tiles}, whose columns are fours. */
function meanTiles(x: usize, o: usize, width: i32, rows: i32, columns: i32, by: f32): void {
  const all = f32x4.splat(by);
  const row = <usize>columns << 2;
  for (; rows > 0; rows--) {
    const end = o + row;
    const down = x + (<usize>width << 2);
    let p = x;
    let q = down;
    while (o < end) {
      const a0 = v128.load(p);
      const a1 = v128.load(p, 16);
      const b0 = v128.load(q);
      const b1 = v128.load(q, 16);
      let v = f32x4.add(i32x4.shuffle(a0, a1, 0, 2, 4, 6), i32x4.shuffle(a0, a1, 1, 3, 5, 7));
      v = f32x4.add(f32x4.add(v, i32x4.shuffle(b0, b1, 0, 2, 4, 6)), i32x4.shuffle(b0, b1, 1, 3, 5, 7));
      v128.store(o, f32x4.div(v, all));
      p += 32;
      q += 32;
      o += 16;
    }
    x = down + (<usize>width << 2);
  }
}

/** Gradients of windows of 2 × 2 that tile the plane whole: each is written to four places. */
function spreadMeans(g: usize, o: usize, rows: i32, columns: i32, by: f32): void {
  const all = f32x4.splat(by);
  const row = <usize>columns << 2;
  const rest = (<usize>columns & 3) << 2;
  const wide = 2 * row;
  for (; rows > 0; rows--) {
    const end = g + row - rest;
    for (; g < end; g += 16) {
      const v = f32x4.div(v128.load(g), all);
      const low = i32x4.shuffle(v, v, 0, 0, 1, 1);
      const high = i32x4.shuffle(v, v, 2, 2, 3, 3);
      v128.store(o, low);
      v128.store(o, high, 16);
      v128.store(o + wide, low);
      v128.store(o + wide, high, 16);
      o += 32;
    }
    for (; g < end + rest; g += 4) {
      const v = load<f32>(g) / by;
      store<f32>(o, v);
      store<f32>(o, v, 4);
      store<f32>(o + wide, v);
      store<f32>(o + wide, v, 4);
      o += 8;
    }
    o += wide;
  }
}

/** What four windows give with one more element of each: `v` at places `q`. */
// @ts-ignore: decorator
@inline
function joined<P>(best: v128, v: v128): v128 {
  return isFloat<P>() ? f32x4.add(best, v) : f32x4.pmax(best, v);
}

/** What `n` windows of three elements that lie together give, which begin at every element (S of 4 bytes) or every second. */
// @ts-ignore: decorator
@inline
function threes<S, P>(x: usize, o: usize, n: i32, bad: v128): v128 {
  const last = o + (<usize>(n - 4) << 2);
  let bad1 = f32x4.splat(0);
  let third = bad1;
  while (true) {
    let first: v128;
    let second: v128;
    if (sizeof<S>() === 4) {
      first = v128.load(x);
      second = v128.load(x, 4);
      third = v128.load(x, 8);
    } else {
      const s = v128.load(x);
      const t = v128.load(x, 16);
      first = i32x4.shuffle(s, t, 0, 2, 4, 6);
      second = i32x4.shuffle(s, t, 1, 3, 5, 7);
      third = i32x4.shuffle(first, v128.load32_zero(x + 32), 1, 2, 3, 4);
    }
    if (!isFloat<P>()) {
      bad = mad(first, first, bad);
      // Those that begin at every element see the second and third again.
      if (sizeof<S>() === 8) bad1 = mad(second, second, bad1);
    }
    v128.store(o, joined<P>(joined<P>(first, second), third));
    if (o === last) {
      if (!isFloat<P>()) bad1 = mad(third, third, bad1);
      if (!isFloat<P>() && sizeof<S>() === 4) bad1 = mad(second, second, bad1);
      return f32x4.add(bad, bad1);
    }
    // The last four may overlap those before.
    const step = min<usize>(16, last - o);
    o += step;
    x += sizeof<S>() === 4 ? step : 2 * step;
  }
}

/**
 * What the windows along a row of the image give, to `o` and `places`: `x` is the plane, `at` the place in it where the row
 * begins. Windows of columns `j0` to `j1` lie inside. Answers `bad` plus something, which is NaN where a number is.
 */
function along<S, P>(x: usize, at: i32, o: usize, places: usize, j0: i32, j1: i32, bad: v128): v128 {
  const columns = meta(OUT + 2);
  const taps = meta(WINDOW + 2);
  const stride = meta(STRIDE + 2);
  const padding = meta(PADDING + 2);
  const apart = meta(DILATION + 2);
  const row = x + (<usize>at << 2);
  const many = j1 - j0 >= 4;
  for (let j = 0; j < columns; j++) {
    if (many && j === j0) {
      j = j1 - 1;
      continue;
    }
    const x0 = j * stride - padding;
    const end = endTap(x0, apart, taps, meta(SIZE + 2));
    let best: f32 = isFloat<P>() ? 0 : -Infinity;
    let place = -1;
    let squares: f32 = 0;
    for (let c = firstTap(x0, apart); c < end; c++) {
      const v = load<f32>(row + (<usize>(x0 + c * apart) << 2));
      if (isFloat<P>()) best += v;
      else {
        squares += v * v;
        if (v > best || place < 0) {
          best = v;
          place = at + x0 + c * apart;
        }
      }
    }
    store<f32>(o + (<usize>j << 2), best);
    if (!isFloat<P>()) bad = f32x4.add(bad, f32x4.splat(squares));
    if (sizeof<P>() === 4 && !isFloat<P>()) store<i32>(places + (<usize>j << 2), place);
  }
  if (!many) return bad;
  const step = <usize>stride << 2;
  const far = <usize>apart << 2;
  const next = i32x4.splat(apart);
  const lanes = i32x4.mul(
    i32x4.splat(stride),
    i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3),
  );
  if (taps === 3 && apart === 1 && sizeof<S>() !== 1 && (isFloat<P>() || sizeof<P>() !== 4)) {
    bad = threes<S, P>(row + (<usize>(j0 * stride - padding) << 2), o + (<usize>j0 << 2), j1 - j0, bad);
    return bad;
  }
  // Two neighbours of four windows that begin at every second element are eight elements that lie together.
  const pairs = sizeof<S>() === 8 && apart === 1;
  let bad1 = f32x4.splat(0);
  for (let j = j0; j < j1; j += 4) {
    // The last four may overlap those before.
    if (j + 4 > j1) j = j1 - 4;
    const x0 = j * stride - padding;
    let p = row + (<usize>x0 << 2);
    let best: v128;
    let c = 1;
    let place = i32x4.add(i32x4.splat(at + x0), lanes);
    let q = i32x4.add(place, next);
    if (pairs && taps > 1) {
      const s = v128.load(p);
      const t = v128.load(p, 16);
      best = i32x4.shuffle(s, t, 0, 2, 4, 6);
      const v = i32x4.shuffle(s, t, 1, 3, 5, 7);
      if (!isFloat<P>()) {
        bad = mad(s, s, bad);
        bad1 = mad(t, t, bad1);
      }
      if (sizeof<P>() === 4 && !isFloat<P>()) place = pick(q, place, f32x4.gt(v, best));
      best = joined<P>(best, v);
      p += 8;
      c = 2;
      q = i32x4.add(q, next);
    } else {
      best = four<S>(p, step);
      if (!isFloat<P>()) bad = mad(best, best, bad);
      p += far;
    }
    for (; c < taps; c++) {
      const v = four<S>(p, step);
      if (!isFloat<P>()) bad1 = mad(v, v, bad1);
      if (sizeof<P>() === 4 && !isFloat<P>()) {
        place = pick(q, place, f32x4.gt(v, best));
        q = i32x4.add(q, next);
      }
      best = joined<P>(best, v);
      p += far;
    }
    v128.store(o + (<usize>j << 2), best);
    if (sizeof<P>() === 4 && !isFloat<P>()) v128.store(places + (<usize>j << 2), place);
  }
  return f32x4.add(bad, bad1);
}

/** Elements of a row that stays in working memory. */
// @ts-ignore: decorator
@inline
function room(): usize {
  return <usize>((meta(OUT + 2) + 3) & ~3) << 2;
}

/** Rows that the windows of a row of the output span. */
// @ts-ignore: decorator
@inline
function span(): i32 {
  return (meta(WINDOW + 1) - 1) * meta(DILATION + 1) + 1;
}

/** Address of row `i` of those in the list at the beginning of working memory. */
// @ts-ignore: decorator
@inline
function listed(i: i32): usize {
  return <usize>load<u32>(scratch + (<usize>i << 2));
}

/**
 * What `n` rows of the list give across them in columns `j0` to `j1`, at least 4; `apart` bytes after a row lie its places.
 * Sums are divided by `by`. Rows are read as they were written: what is on its way to memory comes back from there only so.
 */
function across<P>(n: i32, apart: usize, o: usize, places: usize, j0: i32, j1: i32, by: f32): void {
  const all = f32x4.splat(by);
  const p = listed(0);
  const end = <usize>j1 << 2;
  if (n === 3 && (isFloat<P>() || sizeof<P>() !== 4)) {
    const q = listed(1);
    const r = listed(2);
    for (let t = <usize>j0 << 2; t < end; t += 16) {
      // The last four may overlap those before.
      if (t + 16 > end) t = end - 16;
      const v = joined<P>(joined<P>(v128.load(p + t), v128.load(q + t)), v128.load(r + t));
      v128.store(o + t, isFloat<P>() ? f32x4.div(v, all) : v);
    }
    return;
  }
  for (let t = <usize>j0 << 2; t < end; t += 16) {
    if (t + 16 > end) t = end - 16;
    let best: v128 = v128.load(p + t);
    let place: v128 = best;
    if (sizeof<P>() === 4 && !isFloat<P>()) place = v128.load(p + apart + t);
    for (let i = 1; i < n; i++) {
      const from = listed(i) + t;
      const v = v128.load(from);
      if (sizeof<P>() === 4 && !isFloat<P>()) {
        place = pick(v128.load(from + apart), place, f32x4.gt(v, best));
      }
      best = joined<P>(best, v);
    }
    v128.store(o + t, isFloat<P>() ? f32x4.div(best, all) : best);
    if (sizeof<P>() === 4 && !isFloat<P>()) v128.store(places + t, place);
  }
}

/** As {@linkcode across}, in column `j` alone. */
function acrossOne<P>(n: i32, apart: usize, o: usize, places: usize, j: i32, by: f32): void {
  const t = <usize>j << 2;
  let best: f32 = isFloat<P>() ? 0 : -Infinity;
  let place = -1;
  for (let i = 0; i < n; i++) {
    const v = load<f32>(listed(i) + t);
    if (isFloat<P>()) best += v;
    else if (v > best || i === 0) {
      best = v;
      if (sizeof<P>() === 4) place = load<i32>(listed(i) + apart + t);
    }
  }
  store<f32>(o + t, isFloat<P>() ? best / by : best);
  if (sizeof<P>() === 4 && !isFloat<P>()) store<i32>(places + t, place);
}

/** Sum down `n` rows of `width` elements at `p` to working memory. */
// @ts-ignore: decorator
@inline
function sumDown(p: usize, n: i32, width: i32): void {
  const row = <usize>width << 2;
  const end = p + <usize>n * row;
  let t: usize = 0;
  for (; t + 32 <= row; t += 32) {
    let v = f32x4.splat(0);
    let w = v;
    for (let q = p; q < end; q += row) {
      v = f32x4.add(v, v128.load(q + t));
      w = f32x4.add(w, v128.load(q + t, 16));
    }
    v128.store(scratch + t, v);
    v128.store(scratch + t, w, 16);
  }
  for (; t < row; t += 4) {
    let sum: f32 = 0;
    for (let q = p; q < end; q += row) sum += load<f32>(q + t);
    store<f32>(scratch + t, sum);
  }
}

/** Means of windows of a plane without depth that do not share rows: down their columns first, then along what that gives. */
function meansApart(x: usize, o: usize, includePad: i32, divisor: f32): void {
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const columns = meta(OUT + 2);
  for (let y = 0; y < meta(OUT + 1); y++) {
    const y0 = y * meta(STRIDE + 1) - meta(PADDING + 1);
    const ya = max(y0, 0);
    sumDown(x + (<usize>(ya * w) << 2), min(y0 + meta(WINDOW + 1), h) - ya, w);
    for (let j = 0; j < columns; j++) {
      const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
      const xa = max(x0, 0);
      const sum = sumRow(scratch + (<usize>xa << 2), min(x0 + meta(WINDOW + 2), w) - xa);
      store<f32>(o + (<usize>j << 2), sum / divisorOf(0, y0, j, includePad, divisor));
    }
    o += <usize>columns << 2;
  }
}

/** What the windows of a plane give. Sums become means. Answers as {@linkcode tiles}. */
function slide<S, P>(x: usize, o: usize, places: usize, includePad: i32, divisor: f32): v128 {
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const columns = meta(OUT + 2);
  const deep = meta(WINDOW);
  const high = meta(WINDOW + 1);
  const j0 = firstColumn();
  const j1 = max(j0, endColumn());
  const wide = room();
  const rows = span();
  const apart = <usize>(deep * rows) * wide;
  const held = scratch + (<usize>(deep * high + 3 & ~3) << 2);
  let bad = f32x4.splat(0);
  for (let z = 0; z < meta(OUT); z++) {
    const z0 = z * meta(STRIDE) - meta(PADDING);
    const za = firstTap(z0, meta(DILATION));
    const zb = endTap(z0, meta(DILATION), deep, meta(SIZE));
    // The row after those that were pooled.
    let done = 0;
    for (let y = 0; y < meta(OUT + 1); y++) {
      const y0 = y * meta(STRIDE + 1) - meta(PADDING + 1);
      const ya = firstTap(y0, meta(DILATION + 1));
      const yb = endTap(y0, meta(DILATION + 1), high, h);
      if (!isFloat<P>() && deep === 1 && high === 1 && za < zb && ya < yb) {
        bad = along<S, P>(x, (z0 * h + y0) * w, o, places, j0, j1, bad);
      } else {
        const last = y0 + (yb - 1) * meta(DILATION + 1);
        // Those between the taps of one window are in others.
        done = max(done, y0);
        for (; ya < yb && done <= last; done++) {
          for (let a = za; a < zb; a++) {
            const to = held + <usize>(a * rows + done % rows) * wide;
            bad = along<S, P>(x, ((z0 + a * meta(DILATION)) * h + done) * w, to, to + apart, j0, j1, bad);
          }
        }
        let n = 0;
        for (let a = za; a < zb; a++) {
          for (let b = ya; b < yb; b++) {
            const at = a * rows + (y0 + b * meta(DILATION + 1)) % rows;
            store<u32>(scratch + (<usize>n << 2), <u32>(held + <usize>at * wide));
            n++;
          }
        }
        const many = n > 0 && j1 - j0 >= 4;
        if (many) {
          const by = isFloat<P>() ? divisorOf(z0, y0, j0, includePad, divisor) : <f32>1;
          across<P>(n, apart, o, places, j0, j1, by);
        }
        for (let j = 0; j < columns; j++) {
          if (many && j === j0) {
            j = j1 - 1;
            continue;
          }
          const by = isFloat<P>() ? divisorOf(z0, y0, j, includePad, divisor) : <f32>1;
          acrossOne<P>(n, apart, o, places, j, by);
        }
      }
      o += <usize>columns << 2;
      if (sizeof<P>() === 4) places += <usize>columns << 2;
    }
  }
  return bad;
}

// @ts-ignore: decorator
@inline
function slideBy<P>(x: usize, o: usize, places: usize, includePad: i32, divisor: f32): v128 {
  const stride = meta(STRIDE + 2);
  if (stride === 1) return slide<f32, P>(x, o, places, includePad, divisor);
  if (stride === 2) return slide<f64, P>(x, o, places, includePad, divisor);
  return slide<i8, P>(x, o, places, includePad, divisor);
}

/** Window `j` of a row: its largest value and the place of that; a NaN wins, the last one. */
function window<P>(x: usize, o: usize, places: usize, z0: i32, y0: i32, j: i32): void {
  const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const za = firstTap(z0, meta(DILATION));
  const zb = endTap(z0, meta(DILATION), meta(WINDOW), meta(SIZE));
  const ya = firstTap(y0, meta(DILATION + 1));
  const yb = endTap(y0, meta(DILATION + 1), meta(WINDOW + 1), h);
  const xa = firstTap(x0, meta(DILATION + 2));
  const xb = endTap(x0, meta(DILATION + 2), meta(WINDOW + 2), w);
  let best: f32 = -Infinity;
  let place = -1;
  for (let a = za; a < zb; a++) {
    for (let b = ya; b < yb; b++) {
      let at = ((z0 + a * meta(DILATION)) * h + y0 + b * meta(DILATION + 1)) * w + x0 + xa * meta(DILATION + 2);
      for (let c = xa; c < xb; c++) {
        const v = load<f32>(x + (<usize>at << 2));
        if (v > best || v != v || place < 0) {
          best = v;
          place = at;
        }
        at += meta(DILATION + 2);
      }
    }
  }
  store<f32>(o + (<usize>j << 2), best);
  if (sizeof<P>() === 4) store<i32>(places + (<usize>j << 2), place);
}

function largest<P>(x: usize, o: usize, places: usize, planes: i32): void {
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const rows = meta(OUT + 1);
  const columns = meta(OUT + 2);
  const tiled = isTiled() && columns >= 4;
  const windows = <usize>(meta(OUT) * rows * columns) << 2;
  for (; planes > 0; planes--) {
    let bad = f32x4.splat(0);
    if (!tiled) bad = slideBy<P>(x, o, places, 0, 0);
    else for (let z = 0; z < meta(OUT); z++) {
      const plane = <usize>(z * rows * columns) << 2;
      bad = tiles<P>(x, o + plane, places + plane, z * h * w, w, rows, columns, bad);
    }
    const exact = !i32x4.all_true(f32x4.eq(bad, bad));
    if (exact || (tiled && (columns & 3) !== 0)) {
      let to = o;
      let at = places;
      for (let z = 0; z < meta(OUT); z++) {
        const z0 = z * meta(STRIDE) - meta(PADDING);
        for (let y = 0; y < rows; y++) {
          const y0 = y * meta(STRIDE + 1) - meta(PADDING + 1);
          for (let j = exact ? 0 : columns & ~3; j < columns; j++) window<P>(x, to, at, z0, y0, j);
          to += <usize>columns << 2;
          at += <usize>columns << 2;
        }
      }
    }
    o += windows;
    places += windows;
    x += <usize>(meta(SIZE) * h * w) << 2;
  }
}

/** Largest value of each window and its place in the image; a NaN wins, the last one, as in PyTorch. */
export function max_pool_f32(x: usize, o: usize, places: usize, planes: i32): void {
  largest<i32>(x, o, places, planes);
}

/** The values of {@linkcode max_pool_f32}. */
export function max_pool_values_f32(x: usize, o: usize, planes: i32): void {
  largest<i8>(x, o, 0, planes);
}

/**
 * A plane whose windows of 2 × 2 tile it, where every place lies in its own window: what is written is written once.
 * Answers whether that was so.
 */
function spreadTiles(g: usize, places: usize, o: usize, rows: i32, columns: i32): bool {
  const width = 2 * columns;
  const lanes = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 2), 2, 4), 3, 6);
  const one = i32x4.splat(1);
  const under = i32x4.splat(width);
  const zero = i32x4.splat(0);
  let inside = i32x4.splat(-1);
  for (let y = 0; y < rows; y++) {
    const start = i32x4.add(i32x4.splat(2 * y * width), lanes);
    const down = o + (<usize>width << 2);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      // −0 is added to 0.
      const v = f32x4.add(v128.load(g + (<usize>j << 2)), zero);
      // Where in its window each place is: 0, 1, or as much after a row.
      const p = i32x4.sub(i32x4.sub(v128.load(places + (<usize>j << 2)), start), i32x4.splat(2 * j));
      const q = i32x4.sub(p, under);
      const m0 = i32x4.eq(p, zero);
      const m1 = i32x4.eq(p, one);
      const m2 = i32x4.eq(q, zero);
      const m3 = i32x4.eq(q, one);
      inside = v128.and(inside, v128.or(v128.or(m0, m1), v128.or(m2, m3)));
      const a = v128.and(v, m0);
      const b = v128.and(v, m1);
      const c = v128.and(v, m2);
      const d = v128.and(v, m3);
      const by = <usize>j << 3;
      v128.store(o + by, i32x4.shuffle(a, b, 0, 4, 1, 5));
      v128.store(o + by, i32x4.shuffle(a, b, 2, 6, 3, 7), 16);
      v128.store(down + by, i32x4.shuffle(c, d, 0, 4, 1, 5));
      v128.store(down + by, i32x4.shuffle(c, d, 2, 6, 3, 7), 16);
    }
    for (; j < columns; j++) {
      const p = load<i32>(places + (<usize>j << 2)) - 2 * (y * width + j);
      const below = p >= width;
      const right = below ? p - width : p;
      if (<u32>right > 1) return false;
      const v = load<f32>(g + (<usize>j << 2)) + <f32>0;
      const to = o + (<usize>j << 3);
      store<i64>(to, 0);
      store<i64>(down + (<usize>j << 3), 0);
      store<f32>((below ? down + (<usize>j << 3) : to) + (<usize>right << 2), v);
    }
    g += <usize>columns << 2;
    places += <usize>columns << 2;
    o = down + (<usize>width << 2);
  }
  return v128.any_true(v128.not(inside)) === false;
}

/**
 * g summed into the places of zeros. Answers −1, or which place lies outside.
 *
 * `columns` is the width of g where windows of 2 × 2 may tile the image, which is then twice as wide and high; else 0.
 */
export function max_pool_backward_f32(
  g: usize,
  places: usize,
  o: usize,
  planes: i32,
  windows: i32,
  size: i32,
  columns: i32,
): i32 {
  for (let i = 0; i < planes; i++) {
    if (columns === 0 || !spreadTiles(g, places, o, windows / columns, columns)) {
      memory.fill(o, 0, <usize>size << 2);
      for (let j = 0; j < windows; j++) {
        const at = load<i32>(places + (<usize>j << 2));
        if (<u32>at >= <u32>size) return i * windows + j;
        const q = o + (<usize>at << 2);
        store<f32>(q, load<f32>(q) + load<f32>(g + (<usize>j << 2)));
      }
    }
    g += <usize>windows << 2;
    places += <usize>windows << 2;
    o += <usize>size << 2;
  }
  return -1;
}

/** What the window at `start` divides by along one dimension when padding counts: it ends at the padded size. */
// @ts-ignore: decorator
@inline
function extent(start: i32, i: usize): i32 {
  return min(start + meta(WINDOW + i), meta(SIZE + i) + meta(PADDING + i)) - start;
}

/** Elements of the window at `start` along one dimension. */
// @ts-ignore: decorator
@inline
function inside(start: i32, i: usize): i32 {
  return min(start + meta(WINDOW + i), meta(SIZE + i)) - max(start, 0);
}

/** Sum of `n` elements. */
// @ts-ignore: decorator
@inline
function sumRow(p: usize, n: i32): f32 {
  let sum: f32 = 0;
  const end = p + (<usize>n << 2);
  if (n >= 8) {
    let v = f32x4.splat(0);
    let w = v;
    for (; p + 32 <= end; p += 32) {
      v = f32x4.add(v, v128.load(p));
      w = f32x4.add(w, v128.load(p, 16));
    }
    v = f32x4.add(v, w);
    v = f32x4.add(v, i64x2.shuffle(v, v, 1, 0));
    sum = f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1);
  }
  for (; p < end; p += 4) sum += load<f32>(p);
  return sum;
}

/** Adds v to a row of `n` elements. */
// @ts-ignore: decorator
@inline
function addRow(p: usize, n: i32, v: f32): void {
  const end = p + (<usize>n << 2);
  if (n >= 4) for (const all = f32x4.splat(v); p + 16 <= end; p += 16) v128.store(p, f32x4.add(v128.load(p), all));
  for (; p < end; p += 4) store<f32>(p, load<f32>(p) + v);
}

/** Adds `v` to the elements of four windows of `taps` along a row, which begin `step` bytes apart. */
// @ts-ignore: decorator
@inline
function addFour<S>(p: usize, v: v128, taps: i32, step: usize): void {
  if (sizeof<S>() === 8) {
    // Two neighbours of every window at once.
    const low = i32x4.shuffle(v, v, 0, 0, 1, 1);
    const high = i32x4.shuffle(v, v, 2, 2, 3, 3);
    for (; taps > 1; taps -= 2) {
      v128.store(p, f32x4.add(v128.load(p), low));
      v128.store(p, f32x4.add(v128.load(p, 16), high), 16);
      p += 8;
    }
  }
  for (; taps > 0; taps--) {
    if (sizeof<S>() === 4) v128.store(p, f32x4.add(v128.load(p), v));
    else {
      store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 0));
      let q = p + step;
      store<f32>(q, load<f32>(q) + f32x4.extract_lane(v, 1));
      q += step;
      store<f32>(q, load<f32>(q) + f32x4.extract_lane(v, 2));
      q += step;
      store<f32>(q, load<f32>(q) + f32x4.extract_lane(v, 3));
    }
    p += 4;
  }
}

/** Adds the gradients of windows from column `j` to `end`, whole fours that lie inside along the row, to their elements. */
function spreadFours<S>(x: usize, g: usize, z0: i32, y0: i32, j: i32, end: i32, by: f32): void {
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const za = max(z0, 0);
  const zb = min(z0 + meta(WINDOW), meta(SIZE));
  const ya = max(y0, 0);
  const yb = min(y0 + meta(WINDOW + 1), h);
  const taps = meta(WINDOW + 2);
  const step = <usize>meta(STRIDE + 2) << 2;
  const all = f32x4.splat(by);
  for (; j < end; j += 4) {
    const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
    const v = f32x4.div(v128.load(g + (<usize>j << 2)), all);
    for (let a = za; a < zb; a++) {
      let p = x + (<usize>((a * h + ya) * w + x0) << 2);
      for (let b = ya; b < yb; b++) {
        addFour<S>(p, v, taps, step);
        p += <usize>w << 2;
      }
    }
  }
}

/** Adds the gradient of window `j` of a row to its elements. */
function spreadOne(x: usize, g: usize, z0: i32, y0: i32, j: i32, by: f32): void {
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const za = max(z0, 0);
  const zb = min(z0 + meta(WINDOW), meta(SIZE));
  const ya = max(y0, 0);
  const yb = min(y0 + meta(WINDOW + 1), h);
  const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
  const xa = max(x0, 0);
  const xb = min(x0 + meta(WINDOW + 2), w);
  const share = load<f32>(g + (<usize>j << 2)) / by;
  for (let a = za; a < zb; a++) {
    for (let b = ya; b < yb; b++) addRow(x + (<usize>((a * h + b) * w + xa) << 2), xb - xa, share);
  }
}

/** What window `j` of a row divides by. */
// @ts-ignore: decorator
@inline
function divisorOf(z0: i32, y0: i32, j: i32, includePad: i32, divisor: f32): f32 {
  if (divisor !== 0) return divisor;
  const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
  return includePad
    ? <f32>(extent(z0, 0) * extent(y0, 1) * extent(x0, 2))
    : <f32>(inside(z0, 0) * inside(y0, 1) * inside(x0, 2));
}

/** Elements of a plane where one window is all of it, else 0. */
// @ts-ignore: decorator
@inline
function wholePlane(): i32 {
  for (let i = 0; i < 3; i++) {
    if (meta(OUT + i) !== 1 || meta(WINDOW + i) !== meta(SIZE + i) || meta(PADDING + i) !== 0) return 0;
  }
  return meta(SIZE) * meta(SIZE + 1) * meta(SIZE + 2);
}

/** Mean of each window; `divisor` 0 means the window, with its padding where `includePad` is not 0. */
export function avg_pool_f32(x: usize, o: usize, planes: i32, includePad: i32, divisor: f32): void {
  const rows = meta(OUT + 1);
  const columns = meta(OUT + 2);
  const width = meta(SIZE + 2);
  const tiled = isTiled() && (columns & 3) === 0;
  const slice = <usize>(meta(SIZE + 1) * width) << 2;
  const all = wholePlane();
  if (all > 0) {
    const by = divisorOf(0, 0, 0, includePad, divisor);
    for (; planes > 0; planes--) {
      store<f32>(o, sumRow(x, all) / by);
      x += <usize>all << 2;
      o += 4;
    }
    return;
  }
  const apart = meta(SIZE) === 1 && meta(WINDOW) === 1 && meta(STRIDE + 1) >= meta(WINDOW + 1) &&
    meta(STRIDE + 2) > 2;
  for (; planes > 0; planes--) {
    if (apart) meansApart(x, o, includePad, divisor);
    else if (!tiled) slideBy<f32>(x, o, 0, includePad, divisor);
    else for (let z = 0; z < meta(OUT); z++) {
      const by = divisorOf(z * meta(STRIDE), 0, 0, includePad, divisor);
      meanTiles(x + <usize>z * slice, o + (<usize>(z * rows * columns) << 2), width, rows, columns, by);
    }
    o += <usize>(meta(OUT) * rows * columns) << 2;
    x += <usize>meta(SIZE) * slice;
  }
}

/** Gradient of {@linkcode avg_pool_f32}: g [planes, out] → o [planes, size]. */
export function avg_pool_backward_f32(g: usize, o: usize, planes: i32, includePad: i32, divisor: f32): void {
  const stride = meta(STRIDE + 2);
  const columns = meta(OUT + 2);
  const j0 = firstColumn();
  const j1 = j0 + (max(0, endColumn() - j0) & ~3);
  const rows = meta(OUT + 1);
  const width = meta(SIZE + 2);
  const whole = isTiled() && 2 * rows === meta(SIZE + 1) && 2 * columns === width;
  const plane = <usize>(meta(SIZE) * meta(SIZE + 1) * width) << 2;
  if (!whole) memory.fill(o, 0, <usize>planes * plane);
  for (; planes > 0; planes--) {
    for (let z = 0; z < meta(OUT); z++) {
      const z0 = z * meta(STRIDE) - meta(PADDING);
      if (whole) {
        const by = divisorOf(z0, 0, 0, includePad, divisor);
        spreadMeans(g, o + (<usize>(z * meta(SIZE + 1) * width) << 2), rows, columns, by);
        g += <usize>(rows * columns) << 2;
        continue;
      }
      for (let y = 0; y < rows; y++) {
        const y0 = y * meta(STRIDE + 1) - meta(PADDING + 1);
        // Windows that lie inside along the row divide by the same.
        const by = divisorOf(z0, y0, j0, includePad, divisor);
        if (stride === 1) spreadFours<f32>(o, g, z0, y0, j0, j1, by);
        else if (stride === 2) spreadFours<f64>(o, g, z0, y0, j0, j1, by);
        else spreadFours<i8>(o, g, z0, y0, j0, j1, by);
        for (let j = 0; j < columns; j++) {
          if (j === j0) j = j1;
          if (j < columns) spreadOne(o, g, z0, y0, j, divisorOf(z0, y0, j, includePad, divisor));
        }
        g += <usize>columns << 2;
      }
    }
    o += plane;
  }
}
