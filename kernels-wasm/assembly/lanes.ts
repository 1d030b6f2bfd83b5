/**
 * Gradients of the weights of depthwise convolutions for four planes of the image at a time: they are copied so that a vector holds
 * one element of each, with columns of zeros between rows. Then every border, step and distance of columns costs the same, and sums
 * take neither masks nor additions of lanes. To copy an element takes as long as three or four products.
 *
 * The inner loops are generated (`build_lanes.ts`).
 */

import { row5_by0, row5_by1, row5_by2, row7_by0 } from "./generated/lanes";

/** The image: rows, columns, columns with the zeros behind them; where the first window begins above and beside it. */
let SIZE_Y: i32 = 0;
let SIZE_X: i32 = 0;
let WIDE: i32 = 0;
let TOP: i32 = 0;
let LEFT: i32 = 0;
/** Rows and columns of the weights, how far apart they are, and by how much windows move. */
let HIGH: i32 = 0;
let WIDTH: i32 = 0;
let APART_Y: i32 = 0;
let APART_X: i32 = 0;
let BY_Y: i32 = 0;
let BY_X: i32 = 0;
/** Rows and columns of the gradient. */
let OUT_Y: i32 = 0;
let OUT_X: i32 = 0;
/** Where sums, four planes of the image and four of the gradient lie. */
let SUMS: usize = 0;
let IMAGE: usize = 0;
let GRADIENT: usize = 0;

/**
 * Says what the next calls work on, with `count` sets of sums, which are zeros then. False where there is no kernel for so many
 * `columns` of weights, or the `room` at `at` is too small.
 */
export function setLanes(
  at: usize,
  room: usize,
  count: i32,
  high: i32,
  wide: i32,
  top: i32,
  left: i32,
  rows: i32,
  columns: i32,
  apartY: i32,
  apartX: i32,
  byY: i32,
  byX: i32,
  h: i32,
  n: i32,
): bool {
  if (columns !== 5 && columns !== 7) return false;
  SIZE_Y = high;
  SIZE_X = wide;
  TOP = top;
  LEFT = left;
  HIGH = rows;
  WIDTH = columns;
  APART_Y = apartY;
  APART_X = apartX;
  BY_Y = byY;
  BY_X = byX;
  OUT_Y = h;
  OUT_X = n;
  // What lies behind a row lies before the next one.
  WIDE = wide + max(left, (n - 1) * byX + (columns - 1) * apartX + 1 - left - wide);
  SUMS = at;
  IMAGE = at + (<usize>(count * rows * columns + left) << 4);
  GRADIENT = IMAGE + (<usize>(high * WIDE) << 4);
  if (GRADIENT - at + (<usize>max(4, h * n) << 4) > room) return false;
  memory.fill(at, 0, GRADIENT - at);
  return true;
}

/** Stores the transpose of four vectors, one after another. */
// @ts-ignore: decorator
@inline
function turn(a: v128, b: v128, c: v128, d: v128, o: usize): void {
  const r = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const s = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const t = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const u = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(o, i64x2.shuffle(r, s, 0, 2));
  v128.store(o, i64x2.shuffle(r, s, 1, 3), 16);
  v128.store(o, i64x2.shuffle(t, u, 0, 2), 32);
  v128.store(o, i64x2.shuffle(t, u, 1, 3), 48);
}

/** Copies `n` elements of each of four planes. */
function toLanes(o: usize, x: usize, y: usize, z: usize, w: usize, n: i32): void {
  const end = <usize>n << 2;
  if (n < 4) {
    for (let i: usize = 0; i < end; i += 4) {
      store<f32>(o, load<f32>(x + i));
      store<f32>(o, load<f32>(y + i), 4);
      store<f32>(o, load<f32>(z + i), 8);
      store<f32>(o, load<f32>(w + i), 12);
      o += 16;
    }
    return;
  }
  for (let i: usize = 0; i < end; i += 16) {
    // The last four overlap those before.
    i = min(i, end - 16);
    turn(v128.load(x + i), v128.load(y + i), v128.load(z + i), v128.load(w + i), o + 4 * i);
  }
}

/** Takes four planes of an image. */
export function takeImage(a: usize, b: usize, c: usize, d: usize): void {
  if (WIDE === SIZE_X) {
    toLanes(IMAGE, a, b, c, d, SIZE_Y * SIZE_X);
    return;
  }
  const row = <usize>SIZE_X << 2;
  let o = IMAGE;
  for (let y = SIZE_Y; y > 0; y--) {
    toLanes(o, a, b, c, d, SIZE_X);
    a += row;
    b += row;
    c += row;
    d += row;
    o += <usize>WIDE << 4;
  }
}

/** Adds the products of the image that was taken with four planes of the gradient to set `at` of the sums. */
export function addProducts(a: usize, b: usize, c: usize, d: usize, at: i32): void {
  toLanes(GRADIENT, a, b, c, d, OUT_Y * OUT_X);
  const next = <usize>(BY_Y * WIDE) << 4;
  const step = <usize>BY_X << 4;
  const between = <usize>APART_X << 4;
  let s = SUMS + (<usize>(at * HIGH * WIDTH) << 4);
  for (let k = 0; k < HIGH; k++) {
    // Rows of the gradient whose windows have this row of weights inside the image.
    const above = TOP - k * APART_Y;
    const below = SIZE_Y - 1 + above;
    const from = above > 0 ? (above + BY_Y - 1) / BY_Y : 0;
    const h = below < 0 ? 0 : min(OUT_Y, below / BY_Y + 1) - from;
    const x = IMAGE + <usize>((from * BY_Y - above) * WIDE - LEFT << 4);
    const g = GRADIENT + (<usize>(from * OUT_X) << 4);
    if (WIDTH === 7) row7_by0(s, x, g, h, OUT_X, next, step, between);
    else if (APART_X > 1 || BY_X > 2) row5_by0(s, x, g, h, OUT_X, next, step, between);
    else if (BY_X === 1) row5_by1(s, x, g, h, OUT_X, next, step, between);
    else row5_by2(s, x, g, h, OUT_X, next, step, between);
    s += <usize>WIDTH << 4;
  }
}

/** Stores set `at` of the sums, those of each plane one after another, to four places, and makes them zeros. */
export function storeSums(a: usize, b: usize, c: usize, d: usize, at: i32): void {
  const n = HIGH * WIDTH;
  const s = SUMS + (<usize>(at * n) << 4);
  const end = <usize>n << 2;
  for (let i: usize = 0; i < end; i += 16) {
    i = min(i, end - 16);
    const from = s + 4 * i;
    turn(v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), GRADIENT);
    v128.store(a + i, v128.load(GRADIENT));
    v128.store(b + i, v128.load(GRADIENT, 16));
    v128.store(c + i, v128.load(GRADIENT, 32));
    v128.store(d + i, v128.load(GRADIENT, 48));
  }
  memory.fill(s, 0, 4 * end);
}
