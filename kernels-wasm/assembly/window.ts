/**
 * Windows over planes for few output channels, depthwise ones above all: kernels with five rows that move by 1 or 2, and those
 * as wide as their steps (beside.ts). The image is read where it lies, whatever its border. The bodies of five rows are generated
 * (`build_windows.ts`); here is what they are told, and which runs where.
 */

import { planeBeside, setBeside } from "./beside";
import { window_by1, window_by1_edge, window_by2_edge } from "./generated/windows";
import { scratch } from "./memory";

/** The image: planes that are added up, rows and columns of each, bytes of a row and of a plane. */
export let CHANNELS: i32 = 0;
export let SIZE_Y: i32 = 0;
export let SIZE_X: i32 = 0;
export let LINE: usize = 0;
export let PLANE: usize = 0;
/** Rows above it and columns at its left side where the first window begins. */
export let TOP: i32 = 0;
export let LEFT: i32 = 0;
/** Rows and columns of the weights. */
export let HEIGHT: i32 = 0;
export let WIDTH: i32 = 0;
export let DILATION_Y: i32 = 0;
export let DILATION_X: i32 = 0;
/** Rows and columns of the result. */
export let OUT_Y: i32 = 0;
export let OUT_X: i32 = 0;
export let BY: i32 = 0;
/** Whether windows lie side by side: then kernels may have any number of rows. */
export let IS_BESIDE: bool = false;
/** Where the blocks begin and end, in bytes of a row, whose windows lie inside the image. */
let FROM: i32 = 0;
let TO: i32 = 0;

/** Lanes that are all ones where columns `first`, `first` + `by`, … lie in the image. */
// @ts-ignore: decorator
@inline
export function columnsInside(first: i32, by: i32): v128 {
  const steps = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, by), 2, 2 * by), 3, 3 * by);
  return i32x4.lt_u(i32x4.add(i32x4.splat(first), steps), i32x4.splat(SIZE_X));
}

/** A bit for each of `n` rows, `apart` rows from one to the next and from row `y` on, that an image `high` rows high has. */
// @ts-ignore: decorator
@inline
export function rowsInside(y: i32, apart: i32, n: i32, high: i32): i32 {
  const above = max(0, -y);
  const below = max(0, high - y);
  const from = min(n, apart === 1 ? above : (above + apart - 1) / apart);
  const to = min(n, apart === 1 ? below : (below + apart - 1) / apart);
  return (1 << to) - 1 & -1 << from;
}

/**
 * Finds the blocks of pixels where `columns` columns of the image, the first of them `left` elements from where pixels are, lie
 * inside: whole blocks of `wide` bytes from {@linkcode FROM} to {@linkcode TO}, of which the last may begin before the end of
 * others. None if all are better done as edge.
 */
function findInside(left: i32, columns: i32, wide: i32): void {
  const end = OUT_X << 2;
  const half = BY - 1;
  const low = (max(0, -left) + half) >> half << 2;
  const high = min(OUT_X, (SIZE_X - columns - left >> half) + 1) << 2;
  FROM = low + 15 & ~15;
  // The last block at the right side begins four pixels before the end.
  TO = high < end ? min(high, FROM + ((max(0, end - 16 - FROM) + wide - 1) & -wide)) : end;
  if (TO - wide < low || FROM >= min(TO, end)) {
    FROM = end;
    TO = end;
  }
}

/** Says what the next calls of {@linkcode windowPlane} work on. */
export function setWindow(
  channels: i32,
  high: i32,
  wide: i32,
  top: i32,
  left: i32,
  height: i32,
  width: i32,
  dilationY: i32,
  dilationX: i32,
  h: i32,
  n: i32,
  by: i32,
): void {
  CHANNELS = channels;
  SIZE_Y = high;
  SIZE_X = wide;
  LINE = <usize>wide << 2;
  PLANE = <usize>high * LINE;
  TOP = top;
  LEFT = left;
  HEIGHT = height;
  WIDTH = width;
  DILATION_Y = dilationY;
  DILATION_X = dilationX;
  OUT_Y = h;
  OUT_X = n;
  BY = by;
  IS_BESIDE = by > 1 && width === by;
  if (IS_BESIDE) setBeside();
  else findInside(-left, (width - 1) * dilationX + 1, 32);
}

/** One output channel from an image of {@linkcode CHANNELS} planes. */
export function windowPlane(w: usize, x: usize, o: usize): void {
  if (IS_BESIDE) {
    planeBeside(w, x, o, scratch);
    return;
  }
  const end = OUT_X << 2;
  x -= <usize>(LEFT << 2);
  // Steps of 2 read so much that masks cost nothing beside it.
  if (BY === 2) {
    window_by2_edge(w, x, o, 0, end, -LEFT);
    return;
  }
  if (FROM > 0) window_by1_edge(w, x, o, 0, FROM, -LEFT);
  if (TO > FROM) window_by1(w, x, o, FROM, TO, -LEFT);
  if (TO < end) window_by1_edge(w, x, o, min(TO, end - 16), end, -LEFT);
}
