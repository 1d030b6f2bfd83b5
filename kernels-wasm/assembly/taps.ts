/**
 * Tiles of convolutions whose gathered matrix is not made: 4 to 6 output channels by two times 4 pixels, which are read where
 * the image has them, tap by tap. For few taps, where gathering would cost as much as it saves.
 */

import { mad } from "./fused";
import { HIGHEST } from "./gemm_micro";

// @ts-ignore: decorator
@inline
function put(o: usize, p: usize, x: v128, y: v128): void {
  v128.store(o, x);
  v128.store(p, y);
}

/** A tile of `rows` (4, 5 or 6) output channels. */
// @ts-ignore: decorator
@inline
function tile(
  rows: i32,
  a: usize,
  tap: usize,
  end: usize,
  x: usize,
  y: usize,
  o: usize,
  p: usize,
  next: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  let c40 = c00;
  let c41 = c00;
  let c50 = c00;
  let c51 = c00;
  for (; tap < end; tap += 4) {
    const by = <usize>load<i32>(tap);
    const b0 = v128.load(x + by);
    const b1 = v128.load(y + by);
    let v = v128.load32_splat(a);
    c00 = mad(v, b0, c00);
    c01 = mad(v, b1, c01);
    v = v128.load32_splat(a, 4);
    c10 = mad(v, b0, c10);
    c11 = mad(v, b1, c11);
    v = v128.load32_splat(a, 8);
    c20 = mad(v, b0, c20);
    c21 = mad(v, b1, c21);
    v = v128.load32_splat(a, 12);
    c30 = mad(v, b0, c30);
    c31 = mad(v, b1, c31);
    if (rows > 4) {
      v = v128.load32_splat(a, 16);
      c40 = mad(v, b0, c40);
      c41 = mad(v, b1, c41);
    }
    if (rows > 5) {
      v = v128.load32_splat(a, 20);
      c50 = mad(v, b0, c50);
      c51 = mad(v, b1, c51);
    }
    a += <usize>rows << 2;
  }
  put(o, p, c00, c01);
  o += next;
  p += next;
  put(o, p, c10, c11);
  o += next;
  p += next;
  put(o, p, c20, c21);
  o += next;
  p += next;
  put(o, p, c30, c31);
  if (rows > 4) {
    o += next;
    p += next;
    put(o, p, c40, c41);
  }
  if (rows > 5) {
    o += next;
    p += next;
    put(o, p, c50, c51);
  }
}

function tile4(a: usize, tap: usize, end: usize, x: usize, y: usize, o: usize, p: usize, next: usize): void {
  tile(4, a, tap, end, x, y, o, p, next);
}

function tile5(a: usize, tap: usize, end: usize, x: usize, y: usize, o: usize, p: usize, next: usize): void {
  tile(5, a, tap, end, x, y, o, p, next);
}

function tile6(a: usize, tap: usize, end: usize, x: usize, y: usize, o: usize, p: usize, next: usize): void {
  tile(6, a, tap, end, x, y, o, p, next);
}

/**
 * All `rows` of at least 4 output channels for 4 pixels at `x` and 4 at `y` of the image, to `o` and `p`. Weights are in panels
 * of 4 to 6 rows, `kp` steps each, as packWhole makes them; the offsets of taps, in bytes, lie from `tap` to `end`; outputs of
 * a channel are `next` bytes apart from those of the channel before, and three rows of the edge have room at `edge`.
 */
export function correlateTaps(
  a: usize,
  rows: i32,
  block: i32,
  kp: i32,
  tap: usize,
  end: usize,
  x: usize,
  y: usize,
  o: usize,
  p: usize,
  next: usize,
  edge: usize,
): void {
  for (let i = 0; i < rows; i += block) {
    const some = min(block, rows - i);
    const count = (some + HIGHEST - 1) / HIGHEST;
    const least = some / count;
    const higher = some % count;
    for (let t = 0; t < count; t++) {
      const high = least + i32(t < higher);
      if (high === 6) tile6(a, tap, end, x, y, o, p, next);
      else if (high === 5) tile5(a, tap, end, x, y, o, p, next);
      else if (high === 4) tile4(a, tap, end, x, y, o, p, next);
      else {
        tile4(a, tap, end, x, y, edge, edge + 16, 32);
        for (let r = 0; r < high; r++) {
          const from = edge + (<usize>r << 5);
          put(o + <usize>r * next, p + <usize>r * next, v128.load(from), v128.load(from, 16));
        }
      }
      a += <usize>(max(high, 4) * kp) << 2;
      o += <usize>high * next;
      p += <usize>high * next;
    }
  }
}
