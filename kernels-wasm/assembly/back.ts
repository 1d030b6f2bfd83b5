/**
 * Gradients of planes of the input, for square kernels of at most 7 × 7 that move by 1, 2 or 3, straight from planes of the
 * gradient, whatever the border. Here is what the bodies are told, and which runs where. Most bodies are generated
 * (`build_backs.ts`). Those of 3 × 3 by 2, whose weights stay in registers, are here and in near_back.ts; those of windows that
 * lie side by side are in beside_back.ts.
 */

import { besidePlaneBack } from "./beside_back";
import { mad } from "./fused";
import {
  back1_by2_edge,
  back4_by2_edge,
  back4_by2_odd_edge,
  back5_by1_edge,
  back5_by2_edge,
  back5_by2_odd_edge,
  back7_by2_edge,
  back7_by2_odd_edge,
} from "./generated/backs";
import { insideBack, nearPlaneBack } from "./near_back";
import { n as number, One, Zero } from "./numbers";

/** Rows of the gradient, columns, bytes of a row. */
export let HIGH: i32 = 0;
export let WIDE: i32 = 0;
export let LINE: usize = 0;
/** Rows and columns of the result, bytes of a row. */
export let OUT_Y: i32 = 0;
export let OUT_X: i32 = 0;
export let NEXT: usize = 0;
/** Rows above the input where the first window begins, and which column of the gradient the first (pair of) columns begins with. */
export let TOP: i32 = 0;
export let SHIFT: i32 = 0;
/** Which column of a window the first column of the result is. */
export let PHASE: i32 = 0;
let SIZE: i32 = 0;
let BY: i32 = 0;
let ODD: bool = false;
/** Whether the gradient is half as wide, of a kernel of 3 × 3 with a border of 1. */
let IS_HALF: bool = false;

/** Lanes that are all ones where four columns from `first` on lie in the gradient. */
// @ts-ignore: decorator
@inline
export function columnsInside(first: i32): v128 {
  const steps = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 1), 2, 2), 3, 3);
  return i32x4.lt_u(i32x4.add(i32x4.splat(first), steps), i32x4.splat(WIDE));
}

/** Says what the next calls of {@linkcode backPlane} work on: kernels of `size` × `size` that move by `by`. */
export function setBack(
  high: i32,
  wide: i32,
  h: i32,
  n: i32,
  size: i32,
  by: i32,
  top: i32,
  left: i32,
): void {
  HIGH = high;
  WIDE = wide;
  LINE = <usize>wide << 2;
  OUT_Y = h;
  OUT_X = n;
  NEXT = <usize>n << 2;
  TOP = top;
  SHIFT = left / by;
  PHASE = left % by;
  SIZE = size;
  BY = by;
  ODD = by === 2 && PHASE !== 0;
  IS_HALF = size === 3 && by === 2 && top === 1 && left === 1 && 2 * wide === n;
}

/** At the edge only what is under `mask` is of the gradient. */
// @ts-ignore: decorator
@inline
function some<Edge>(v: v128, mask: v128): v128 {
  return number<Edge>() === 1 ? v128.and(v, mask) : v;
}

/**
 * Columns `from` to `end` for kernels of 3 × 3 that move by 1: down the plane, each row of the gradient is read once for three
 * rows of the input. Rows above the input go to `spare`.
 */
function byOne<Edge>(w: usize, g: usize, o: usize, from: i32, end: i32, spare: usize): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  // Products are added to 0, so that no sum is −0.
  const zero = f32x4.splat(0);
  const high = HIGH;
  const line = LINE;
  const next = NEXT;
  const last = end - 4;
  for (let j = from; j < end; j += 4) {
    j = min(j, last);
    const left = j + SHIFT - 2;
    const ma = columnsInside(left);
    const mb = columnsInside(left + 1);
    const mc = columnsInside(left + 2);
    let p = g + (<usize>left << 2);
    let q = o + (<usize>j << 2);
    let y = -TOP;
    let s = zero;
    let t = zero;
    for (let i = high; i > 0; i--) {
      const a = some<Edge>(v128.load(p), ma);
      const b = some<Edge>(v128.load(p, 4), mb);
      const c = some<Edge>(v128.load(p, 8), mc);
      v128.store(y < 0 ? spare : q, mad(w0, c, mad(w1, b, mad(w2, a, s))));
      s = mad(w3, c, mad(w4, b, mad(w5, a, t)));
      t = mad(w6, c, mad(w7, b, mad(w8, a, zero)));
      p += line;
      if (y >= 0) q += next;
      y++;
    }
    for (; y < OUT_Y; y++) {
      if (y >= 0) {
        v128.store(q, s);
        q += next;
      }
      s = t;
      t = zero;
    }
  }
}

/** Stores four pairs, the last without its second where `half`. */
// @ts-ignore: decorator
@inline
function putPairs<Odd>(q: usize, a: v128, b: v128, half: bool): void {
  const odd = number<Odd>() === 1;
  v128.store(q, odd ? i32x4.shuffle(b, a, 0, 4, 1, 5) : i32x4.shuffle(a, b, 0, 4, 1, 5));
  const end = odd ? i32x4.shuffle(b, a, 2, 6, 3, 7) : i32x4.shuffle(a, b, 2, 6, 3, 7);
  if (half) {
    v128.store64_lane(q, end, 0, 16);
    v128.store32_lane(q, end, 2, 24);
  } else v128.store(q, end, 16);
}

/**
 * Four pairs of columns from `from` on, which may be at the edge, for kernels of 3 × 3 that move by 2. Of 2 × 2 elements of the
 * input one has one product, two have two, one has four, with 2 × 2 elements of the gradient; with odd borders at the left side
 * the first of two columns is that with fewer. Down the plane each row of the gradient is read once: products of its last row
 * of weights are carried to the rows of the input that follow. The row before the first one goes to `spare`.
 */
function downByTwo<Odd>(w: usize, g: usize, o: usize, from: i32, spare: usize): void {
  const odd = number<Odd>() === 1;
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  const zero = f32x4.splat(0);
  const left = from + SHIFT - (odd ? 0 : 1);
  const mv = columnsInside(left);
  const mu = columnsInside(left + 1);
  const half = 2 * from + 8 > OUT_X;
  const line = LINE;
  const next = NEXT;
  const h = OUT_Y;
  let p = g + (<usize>left << 2);
  let q = o + (<usize>from << 3);
  let y = -TOP;
  let a = zero;
  let b = zero;
  for (let i = HIGH; i > 0; i--) {
    const v = v128.and(v128.load(p), mv);
    const u = v128.and(v128.load(p, 4), mu);
    // The second column of weights reads what is at the right with even borders, else what is at the left.
    const m = odd ? v : u;
    a = mad(w0, u, mad(w2, v, a));
    b = mad(w1, m, b);
    const to = y < 0 ? spare : q;
    putPairs<Odd>(to, a, b, half);
    if (y >= 0) q += next;
    if (++y >= h) return;
    const below = y < 0 ? spare : q;
    putPairs<Odd>(below, mad(w3, u, mad(w5, v, zero)), mad(w4, m, zero), half);
    if (y >= 0) q += next;
    if (++y >= h) return;
    a = mad(w6, u, mad(w8, v, zero));
    b = mad(w7, m, zero);
    p += line;
  }
  for (; y < h; y++) {
    if (y >= 0) {
      putPairs<Odd>(q, a, b, half);
      q += next;
    }
    a = zero;
    b = zero;
  }
}

/**
 * {@linkcode downByTwo} of pairs `from` to `end`, whole blocks inside, row by row, where borders are even. Rows beside the
 * gradient lie at `zeros`; the second row that the last pair of rows may lack goes to `spare`.
 */
function byTwo(w: usize, g: usize, o: usize, from: i32, end: i32, zeros: usize, spare: usize): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  const zero = f32x4.splat(0);
  const line = LINE;
  const next = NEXT;
  const high = HIGH;
  const h = OUT_Y;
  const start = <usize>from << 2;
  const stop = <usize>end << 2;
  const left = <usize>(SHIFT - 1) << 2;
  zeros += left;
  let i = TOP >> 1;
  let row = g + left + <usize>i * line;
  for (let y = 0; y < h; y += 2) {
    const r = i < high ? row : zeros;
    const above = i > 0 ? row - line : zeros;
    const p = y + 1 < h ? o + next : spare;
    for (let j = start; j < stop; j += 16) {
      const v = v128.load(r + j);
      const u = v128.load(r + j, 4);
      const d = v128.load(above + j);
      const c = v128.load(above + j, 4);
      putPairs<Zero>(p + 2 * j, mad(w3, u, mad(w5, v, zero)), mad(w4, u, zero), false);
      const a = mad(w0, u, mad(w2, v, mad(w6, c, mad(w8, d, zero))));
      putPairs<Zero>(o + 2 * j, a, mad(w1, u, mad(w7, c, zero)), false);
    }
    o += 2 * next;
    row += line;
    i++;
  }
}

/** A block at the edge, for kernels of 3 × 3. */
function edge(w: usize, g: usize, o: usize, from: i32, spare: usize): void {
  if (BY === 1) byOne<One>(w, g, o, from, from + 4, spare);
  else if (ODD) downByTwo<One>(w, g, o, from, spare);
  else downByTwo<Zero>(w, g, o, from, spare);
}

/** A plane for kernels of 3 × 3: blocks of four columns or of four pairs of them. */
function plane(w: usize, g: usize, o: usize, zeros: usize, spare: usize): void {
  const all = BY === 1 ? OUT_X : OUT_X + 1 >> 1;
  // How many columns to the left, and to the right, a block inside reads beside those where it lies.
  const low = BY === 1 ? 2 : ODD ? 0 : 1;
  const high = ODD ? 1 : 0;
  const begin = max(0, low - SHIFT) + 3 & -4;
  const most = min(WIDE - SHIFT - high, BY === 1 ? OUT_X : OUT_X >> 1);
  let end = BY === 1 && most >= all ? all : most & -4;
  // Other odd borders than 1 are rare.
  if (BY === 2 && (ODD ? TOP !== 1 || SHIFT !== 0 : TOP & 1)) end = 0;
  for (let j = 0; j < begin && j < all; j += 4) edge(w, g, o, min(j, all - 4), spare);
  if (end >= begin + 4) {
    if (BY === 1) byOne<Zero>(w, g, o, begin, end, spare);
    else if (ODD) insideBack(w, g, o, HIGH, OUT_Y, LINE, NEXT, <usize>end << 2, zeros, spare);
    else byTwo(w, g, o, begin, end, zeros, spare);
  }
  for (let j = max(begin, end); j < all; j += 4) edge(w, g, o, min(j, all - 4), spare);
}

/**
 * A plane of the input's gradient at `o`, of at least 7 columns (8 by 1) where windows do not lie side by side. With kernels of 3 × 3 a row of zeros lies at `zeros`,
 * with zeros before and behind it, and a row has room at `spare`, and with windows side by side, too.
 */
// @ts-ignore: decorator
@inline
export function backPlane(w: usize, g: usize, o: usize, zeros: usize, spare: usize): void {
  if (IS_HALF) {
    nearPlaneBack(w, g, o, HIGH, OUT_Y, WIDE, zeros, spare);
    return;
  }
  if (SIZE === 3 && BY < 3) {
    plane(w, g, o, zeros, spare);
    return;
  }
  if (SIZE === BY) {
    besidePlaneBack(BY, w, g, o, spare);
    return;
  }
  const all = BY === 1 ? OUT_X : OUT_X + 1 >> 1;
  if (BY === 1) back5_by1_edge(w, g, o, 0, all);
  else if (SIZE === 4) {
    if (ODD) back4_by2_odd_edge(w, g, o, 0, all);
    else back4_by2_edge(w, g, o, 0, all);
  } else if (SIZE === 5) {
    if (ODD) back5_by2_odd_edge(w, g, o, 0, all);
    else back5_by2_edge(w, g, o, 0, all);
  } else if (SIZE === 7) {
    if (ODD) back7_by2_odd_edge(w, g, o, 0, all);
    else back7_by2_edge(w, g, o, 0, all);
  } else back1_by2_edge(w, g, o, 0, all);
}
