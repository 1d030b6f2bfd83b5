/**
 * Kernels with as many columns as they move by, 2 or 3, for few output channels: their windows lie side by side, so that each
 * element of a row belongs to one. The image is read where it lies, whatever its border, and is not shuffled: vectors of a row are
 * multiplied by weights that repeat as windows do, and only sums over all rows of a window are put together. Gradients of weights
 * multiply the image by gradients that repeat.
 *
 * Four windows of `By` columns are so many vectors of a row. `window.ts` says what is worked on.
 */

import { mad } from "./fused";
import { lastLanes } from "./near";
import { n as number, One, Three, Two, Zero } from "./numbers";
import { BY, CHANNELS, columnsInside, HEIGHT, LEFT, LINE, OUT_X, OUT_Y, PLANE, SIZE_X, SIZE_Y, TOP } from "./window";

/** Rows of pixels whose windows lie in rows of the image; none where windows are not square. */
let FIRST: i32 = 0;
let LAST: i32 = 0;
/** Pixels behind the first four, if these begin beside the image, up to the last four, if those end beside it. */
let FROM: i32 = 0;
let END: i32 = 0;

/** Says what {@linkcode planeBeside} and {@linkcode planeBesideGrad} need to know of what `window.ts` was told. */
export function setBeside(): void {
  FIRST = (max(0, TOP) + BY - 1) / BY;
  LAST = min(OUT_Y, (SIZE_Y + TOP) / BY);
  FROM = LEFT > 0 ? 4 : 0;
  END = min(OUT_X, (SIZE_X + LEFT) / BY);
  const isSquare = HEIGHT === BY && CHANNELS === 1 && <u32>LEFT < <u32>BY && END >= OUT_X - 1;
  if (!isSquare || LAST <= FIRST) FIRST = LAST = OUT_Y;
  // The last four pixels are done anyway.
  if (END < OUT_X) END = min(END, FROM ? OUT_X - 4 : max(4, OUT_X - 4));
}

/** Whether there are pixels from {@linkcode FROM} to {@linkcode END}, with blocks of four that lie inside. */
// @ts-ignore: decorator
@inline
function hasMiddle(): bool {
  return END > FROM && END >= (FROM ? 5 : 4);
}

/** Column `i` of four windows: with steps of 3 lanes stand for windows 0, 3, 2, 1, then 1, 0, 3, 2, then 2, 1, 0, 3. */
// @ts-ignore: decorator
@inline
function column<By>(i: i32, a: v128, b: v128, c: v128): v128 {
  if (number<By>() === 2) return i === 0 ? i32x4.shuffle(a, b, 0, 2, 4, 6) : i32x4.shuffle(a, b, 1, 3, 5, 7);
  if (i === 0) return i32x4.shuffle(i32x4.shuffle(a, b, 0, 1, 6, 3), c, 0, 5, 2, 3);
  if (i === 1) return i32x4.shuffle(i32x4.shuffle(a, b, 4, 1, 2, 7), c, 0, 1, 6, 3);
  return i32x4.shuffle(i32x4.shuffle(a, b, 0, 5, 2, 3), c, 4, 1, 2, 7);
}

/** Sums of the columns of each window. */
// @ts-ignore: decorator
@inline
function windowSums<By>(a: v128, b: v128, c: v128): v128 {
  const p = column<By>(0, a, b, c);
  const q = column<By>(1, a, b, c);
  if (number<By>() === 2) return f32x4.add(p, q);
  const r = column<By>(2, a, b, c);
  const sum = f32x4.add(i32x4.shuffle(p, p, 0, 3, 2, 1), i32x4.shuffle(q, q, 1, 0, 3, 2));
  return f32x4.add(sum, i32x4.shuffle(r, r, 2, 1, 0, 3));
}

/** Vector `i` of what belongs to four windows, `v`, repeated for each of their columns. */
// @ts-ignore: decorator
@inline
function repeated<By>(i: i32, v: v128): v128 {
  if (number<By>() === 2) return i === 0 ? i32x4.shuffle(v, v, 0, 0, 1, 1) : i32x4.shuffle(v, v, 2, 2, 3, 3);
  if (i === 0) return i32x4.shuffle(v, v, 0, 0, 0, 1);
  return i === 1 ? i32x4.shuffle(v, v, 1, 1, 2, 2) : i32x4.shuffle(v, v, 2, 3, 3, 3);
}

/** Vectors of the repeated weights of a row: with steps of 2 one for all. */
// @ts-ignore: decorator
@inline
function vectors<By>(): usize {
  return number<By>() === 3 ? 3 : 1;
}

/** Vector `i` of the repeated weights of a row. */
// @ts-ignore: decorator
@inline
function weights<By>(u: usize, i: usize): v128 {
  return v128.load(number<By>() === 3 ? u + (i << 4) : u);
}

/** Writes the weights of `n` rows as they repeat in four windows. */
function repeatWeights<By>(to: usize, w: usize, n: i32): void {
  for (; n > 0; n--) {
    const v = v128.load(w);
    if (number<By>() === 2) v128.store(to, i32x4.shuffle(v, v, 0, 1, 0, 1));
    else {
      v128.store(to, i32x4.shuffle(v, v, 0, 1, 2, 0));
      v128.store(to, i32x4.shuffle(v, v, 1, 2, 0, 1), 16);
      v128.store(to, i32x4.shuffle(v, v, 2, 0, 1, 2), 32);
    }
    w += <usize>number<By>() << 2;
    to += vectors<By>() << 4;
  }
}

/** Lanes that are all ones where vector `i` of four windows from pixel `j` on lies in the image. */
// @ts-ignore: decorator
@inline
function inside<By>(j: i32, i: i32): v128 {
  return columnsInside(j * number<By>() - LEFT + 4 * i, 1);
}

/** Vector `i` of four windows, whose first and last may lie in part beside the image where there is a `Side`. */
// @ts-ignore: decorator
@inline
function vector<By, Side>(i: i32, p: usize, left: v128, right: v128): v128 {
  const v = v128.load(p + (<usize>i << 4));
  if (number<Side>() === 0 || (i > 0 && i < number<By>() - 1)) return v;
  return v128.and(v, i === 0 ? left : right);
}

/** Pixels `from` to `end` of rows from {@linkcode FIRST} to {@linkcode LAST}. Weights stay in registers. */
function inner<By, Side>(u: usize, x: usize, o: usize, from: i32, end: i32): void {
  const by = number<By>();
  const last = end - 4;
  const left = number<Side>() === 1 ? inside<By>(last, 0) : f32x4.splat(0);
  const right = number<Side>() === 1 ? inside<By>(last, by - 1) : left;
  const a0 = weights<By>(u, 0);
  const a1 = weights<By>(u, 1);
  const a2 = weights<By>(u, 2);
  u += vectors<By>() << 4;
  const b0 = weights<By>(u, 0);
  const b1 = weights<By>(u, 1);
  const b2 = weights<By>(u, 2);
  u += vectors<By>() << 4;
  const c0 = weights<By>(u, 0);
  const c1 = weights<By>(u, 1);
  const c2 = weights<By>(u, 2);
  const line = LINE;
  x += (FIRST * by - TOP) * <i32>line - (LEFT << 2);
  o += <usize>(FIRST * OUT_X) << 2;
  for (let y = LAST - FIRST; y > 0; y--) {
    for (let j = from; j < end; j += 4) {
      j = min(j, last);
      let p = x + (<usize>(j * by) << 2);
      let s = f32x4.mul(a0, vector<By, Side>(0, p, left, right));
      let t = f32x4.mul(a1, vector<By, Side>(1, p, left, right));
      let v = by > 2 ? f32x4.mul(a2, vector<By, Side>(2, p, left, right)) : s;
      p += line;
      s = mad(b0, vector<By, Side>(0, p, left, right), s);
      t = mad(b1, vector<By, Side>(1, p, left, right), t);
      if (by > 2) {
        v = mad(b2, vector<By, Side>(2, p, left, right), v);
        p += line;
        s = mad(c0, vector<By, Side>(0, p, left, right), s);
        t = mad(c1, vector<By, Side>(1, p, left, right), t);
        v = mad(c2, vector<By, Side>(2, p, left, right), v);
      }
      v128.store(o + (<usize>j << 2), windowSums<By>(s, t, v));
    }
    x += by * line;
    o += <usize>OUT_X << 2;
  }
}

/** All pixels of rows `first` to `last` from all planes, for windows of any height, which may lie beside the image. */
function outer<By>(u: usize, x: usize, o: usize, first: i32, last: i32): void {
  const by = number<By>();
  const row = vectors<By>() << 4;
  const line = LINE;
  for (let j = 0; j < OUT_X; j += 4) {
    j = min(j, OUT_X - 4);
    const in0 = inside<By>(j, 0);
    const in1 = inside<By>(j, 1);
    const in2 = by > 2 ? inside<By>(j, 2) : in1;
    for (let y = first; y < last; y++) {
      const top = y * by - TOP;
      const skipped = max(0, -top);
      const rows = max(0, min(HEIGHT, SIZE_Y - top) - skipped);
      let a = f32x4.splat(0);
      let b = a;
      let c = a;
      let p = x + (top + skipped) * <i32>line + (j * by - LEFT << 2);
      let v = u + skipped * row;
      for (let k = CHANNELS; k > 0; k--) {
        for (let r = rows; r > 0; r--) {
          a = mad(weights<By>(v, 0), v128.and(v128.load(p), in0), a);
          b = mad(weights<By>(v, 1), v128.and(v128.load(p, 16), in1), b);
          if (by > 2) c = mad(weights<By>(v, 2), v128.and(v128.load(p, 32), in2), c);
          p += line;
          v += row;
        }
        p += PLANE - rows * line;
        v += (HEIGHT - rows) * row;
      }
      v128.store(o + (<usize>(y * OUT_X + j) << 2), windowSums<By>(a, b, c));
    }
  }
}

function planeBy<By>(w: usize, x: usize, o: usize, u: usize): void {
  repeatWeights<By>(u, w, CHANNELS * HEIGHT);
  if (FIRST > 0) outer<By>(u, x, o, 0, FIRST);
  if (LAST > FIRST) {
    if (FROM) inner<By, One>(u, x, o, 0, 4);
    if (hasMiddle()) inner<By, Zero>(u, x, o, FROM, END);
    if (END < OUT_X) inner<By, One>(u, x, o, OUT_X - 4, OUT_X);
  }
  if (LAST < OUT_Y) outer<By>(u, x, o, LAST, OUT_Y);
}

/** One output channel from an image of {@linkcode CHANNELS} planes; there is room for four times the weights at `room`. */
export function planeBeside(w: usize, x: usize, o: usize, room: usize): void {
  if (BY === 2) planeBy<Two>(w, x, o, room);
  else planeBy<Three>(w, x, o, room);
}

/** Adds what four windows of products have for each column to vectors of sums at `s`. */
// @ts-ignore: decorator
@inline
function addColumns<By>(s: usize, a: v128, b: v128, c: v128): void {
  for (let i = 0; i < number<By>(); i++, s += 16) {
    const v = i === 0 ? column<By>(0, a, b, c) : i === 1 ? column<By>(1, a, b, c) : column<By>(2, a, b, c);
    v128.store(s, f32x4.add(v128.load(s), v));
  }
}

/** The gradient of {@linkcode inner} for the weights, added at `s`; of the last four pixels only the last `many` count. */
function innerGrad<By>(g: usize, x: usize, s: usize, from: i32, end: i32, many: i32): void {
  const by = number<By>();
  const last = end - 4;
  const left = inside<By>(last, 0);
  const right = inside<By>(last, by - 1);
  const some = lastLanes(many);
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let c0 = a0;
  let c1 = a0;
  let c2 = a0;
  const line = LINE;
  x += (FIRST * by - TOP) * <i32>line - (LEFT << 2);
  g += <usize>(FIRST * OUT_X) << 2;
  for (let y = LAST - FIRST; y > 0; y--) {
    for (let j = from; j < end; j += 4) {
      let v = v128.load(g + (<usize>min(j, last) << 2));
      if (j >= last) {
        v = v128.and(v, some);
        j = last;
      }
      let p = x + (<usize>(j * by) << 2);
      const u0 = repeated<By>(0, v);
      const u1 = repeated<By>(1, v);
      const u2 = repeated<By>(2, v);
      a0 = mad(u0, vector<By, One>(0, p, left, right), a0);
      a1 = mad(u1, vector<By, One>(1, p, left, right), a1);
      if (by > 2) a2 = mad(u2, vector<By, One>(2, p, left, right), a2);
      p += line;
      b0 = mad(u0, vector<By, One>(0, p, left, right), b0);
      b1 = mad(u1, vector<By, One>(1, p, left, right), b1);
      if (by > 2) {
        b2 = mad(u2, vector<By, One>(2, p, left, right), b2);
        p += line;
        c0 = mad(u0, vector<By, One>(0, p, left, right), c0);
        c1 = mad(u1, vector<By, One>(1, p, left, right), c1);
        c2 = mad(u2, vector<By, One>(2, p, left, right), c2);
      }
    }
    x += by * line;
    g += <usize>OUT_X << 2;
  }
  addColumns<By>(s, a0, a1, a2);
  addColumns<By>(s + (by << 4), b0, b1, b2);
  if (by > 2) addColumns<By>(s + (2 * by << 4), c0, c1, c2);
}

/** The gradient of {@linkcode outer} for the weights from one plane, added at `s`. */
function outerGrad<By>(g: usize, x: usize, s: usize, first: i32, last: i32): void {
  const by = number<By>();
  const n = OUT_X;
  for (let r = 0; r < HEIGHT; r++) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    for (let i = 0; i < n; i += 4) {
      const j = min(i, n - 4);
      // The last four pixels overlap those before.
      const own = lastLanes(min(4, n - i));
      const in0 = inside<By>(j, 0);
      const in1 = inside<By>(j, 1);
      const in2 = by > 2 ? inside<By>(j, 2) : in1;
      for (let y = first; y < last; y++) {
        const row = y * by + r - TOP;
        if (<u32>row >= <u32>SIZE_Y) continue;
        const v = v128.and(v128.load(g + (<usize>(y * n + j) << 2)), own);
        const p = x + row * <i32>LINE + (j * by - LEFT << 2);
        a = mad(repeated<By>(0, v), v128.and(v128.load(p), in0), a);
        b = mad(repeated<By>(1, v), v128.and(v128.load(p, 16), in1), b);
        if (by > 2) c = mad(repeated<By>(2, v), v128.and(v128.load(p, 32), in2), c);
      }
    }
    addColumns<By>(s, a, b, c);
    s += <usize>by << 4;
  }
}

function gradBy<By>(g: usize, x: usize, s: usize): void {
  const middle = hasMiddle();
  const rest = END < OUT_X ? OUT_X - (middle ? END : FROM) : 0;
  for (let c = CHANNELS; c > 0; c--) {
    if (FIRST > 0) outerGrad<By>(g, x, s, 0, FIRST);
    if (LAST > FIRST) {
      if (FROM) innerGrad<By>(g, x, s, 0, 4, 4);
      if (middle) innerGrad<By>(g, x, s, FROM, END, (END - FROM - 1 & 3) + 1);
      if (rest > 0) innerGrad<By>(g, x, s, OUT_X - 4, OUT_X, rest);
    }
    if (LAST < OUT_Y) outerGrad<By>(g, x, s, LAST, OUT_Y);
    x += PLANE;
    s += <usize>(HEIGHT * number<By>()) << 4;
  }
}

/** The gradient of {@linkcode planeBeside} for the weights, added to a vector of sums for each of them at `s`. */
export function planeBesideGrad(g: usize, x: usize, s: usize): void {
  if (BY === 2) gradBy<Two>(g, x, s);
  else gradBy<Three>(g, x, s);
}
