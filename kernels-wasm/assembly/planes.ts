/**
 * Few planes, each a sum over many planes of an image times kernels of 3 × 3 that move by 1, such as the gradient of a
 * convolution's input with one channel. The image is read where it lies: nothing is gathered, nor copied to where it has a
 * border. The weights for one plane of the image stay in registers, and what it adds to a band of rows goes to sums in the
 * nearest cache.
 *
 * Blocks of four sums at the left and at the right side of all rows go apart, with zeros shifted in. The last block of a row has
 * a place of its own, also where it overlaps the one before.
 */

import { copyFloats } from "./depthwise";
import { mad } from "./fused";

/** Bytes of the sums of a band. */
// @ts-ignore: decorator
@inline
const BAND: usize = 32768;
/** Most columns of a plane: two rows of it are a band, with two more above and below. */
// @ts-ignore: decorator
@inline
export const WIDEST: i32 = 16384;

/** Blocks of four sums at the left side of a row, in the middle, at the right side. */
// @ts-ignore: decorator
@inline
const LEFT: i32 = 0;
// @ts-ignore: decorator
@inline
const MIDDLE: i32 = 1;
// @ts-ignore: decorator
@inline
const RIGHT: i32 = 2;

/**
 * What column `t` of the kernel multiplies. In the middle the row begins at `p` for column 0; at the left side it is the
 * image's first element that lies at `p`, `low` columns into the window, and at the right its last four.
 */
// @ts-ignore: decorator
@inline
function column(p: usize, t: i32, low: i32, side: i32): v128 {
  if (side === MIDDLE) return t === 0 ? v128.load(p) : t === 1 ? v128.load(p, 4) : v128.load(p, 8);
  const zero = f32x4.splat(0);
  const v = v128.load(p);
  if (side === LEFT) {
    if (t === low) return v;
    if (t > low) return v128.load(p, 4);
    return t + 1 === low ? i32x4.shuffle(zero, v, 3, 4, 5, 6) : i32x4.shuffle(zero, v, 2, 3, 4, 5);
  }
  if (t + low === 2) return v;
  if (t + low < 2) return v128.load(p - 4);
  return t + low === 3 ? i32x4.shuffle(v, zero, 1, 2, 3, 4) : i32x4.shuffle(v, zero, 2, 3, 4, 5);
}

/**
 * Adds `h` rows of a plane of the image, `row` bytes apart, to blocks `from` to `end` (in bytes) of h + 2 rows of sums: going
 * down a block, each row of the image is read once for three rows of sums, which come and go one after another.
 */
// @ts-ignore: decorator
@inline
function add(
  w: usize,
  x: usize,
  s: usize,
  h: i32,
  row: usize,
  next: usize,
  from: usize,
  end: usize,
  low: i32,
  side: i32,
): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  for (let j = from; j < end; j += 16) {
    let p = x + j;
    let q = s + j;
    let a = v128.load(q);
    let b = v128.load(q + next);
    for (let y = 0; y < h; y++) {
      let c = v128.load(q + 2 * next);
      let v = column(p, 0, low, side);
      a = mad(w6, v, a);
      b = mad(w3, v, b);
      c = mad(w0, v, c);
      v = column(p, 1, low, side);
      a = mad(w7, v, a);
      b = mad(w4, v, b);
      c = mad(w1, v, c);
      v = column(p, 2, low, side);
      v128.store(q, mad(w8, v, a));
      a = mad(w5, v, b);
      b = mad(w2, v, c);
      p += row;
      q += next;
    }
    v128.store(q, a);
    v128.store(q + next, b);
  }
}

function addLeft1(w: usize, x: usize, s: usize, h: i32, row: usize, next: usize): void {
  add(w, x, s, h, row, next, 0, 16, 1, LEFT);
}

function addLeft2(w: usize, x: usize, s: usize, h: i32, row: usize, next: usize): void {
  add(w, x, s, h, row, next, 0, 16, 2, LEFT);
}

function addRight1(w: usize, x: usize, s: usize, h: i32, row: usize, next: usize): void {
  add(w, x, s, h, row, next, 0, 16, 1, RIGHT);
}

function addRight2(w: usize, x: usize, s: usize, h: i32, row: usize, next: usize): void {
  add(w, x, s, h, row, next, 0, 16, 2, RIGHT);
}

function addMiddle(w: usize, x: usize, s: usize, h: i32, row: usize, next: usize, from: usize, end: usize): void {
  add(w, x, s, h, row, next, from, end, 0, MIDDLE);
}

/**
 * Whether {@linkcode sums3x3} computes planes of `n` columns where windows begin `above` rows and `low` columns before the
 * image: where a row has one column more than whole blocks and two of the border, two blocks would reach beyond its end.
 */
export function hasSums3x3(n: i32, above: i32, low: i32): bool {
  return n >= 8 && n <= WIDEST && <u32>above <= 2 && <u32>low <= 2 && (low < 2 || (n & 3) !== 1);
}

/** Adds `h` rows of a plane of the image to h + 2 rows of sums, `next` bytes long. */
function addPlane(w: usize, x: usize, s: usize, h: i32, row: usize, next: usize, low: i32): void {
  const last = next - 16;
  const right = x + row - 16;
  addMiddle(w, x - (<usize>low << 2), s, h, row, next, low ? 16 : 0, last);
  if (low === 1) {
    addLeft1(w, x, s, h, row, next);
    addRight1(w, right, s + last, h, row, next);
  } else if (low === 2) {
    addLeft2(w, x, s, h, row, next);
    addRight2(w, right, s + last, h, row, next);
  } else {
    addMiddle(w, right - 8, s + last, h, row, next, 0, 16);
  }
}

/**
 * Rows `first` to `end` of `planes` of `n` columns, `ld` bytes apart, to `o`: sums over `channels` planes of the image, `h` rows
 * by n + 2 − 2 `low` columns, times weights [planes, channels, 3, 3]. Windows begin `above` rows and `low` columns before the
 * image. Sums have room at `s`.
 */
export function sums3x3(
  w: usize,
  x: usize,
  o: usize,
  planes: i32,
  ld: usize,
  channels: i32,
  h: i32,
  n: i32,
  first: i32,
  end: i32,
  above: i32,
  low: i32,
  s: usize,
): void {
  const row = <usize>(n + 2 - 2 * low) << 2;
  const next = <usize>((n + 3) & ~3) << 2;
  const band = max(2, <i32>(BAND / next));
  const kernels = <usize>(36 * channels);
  for (let y = first; y < end; y += band) {
    const count = min(band, end - y);
    const from = max(0, y - above);
    const high = min(h, y + count + 2 - above) - from;
    const all = <usize>(high + 2) * next;
    memory.fill(s, 0, <usize>planes * all);
    let p = x + <usize>from * row;
    for (let c = 0; c < channels; c++) {
      let u = w + <usize>(36 * c);
      let q = s;
      for (let i = 0; i < planes; i++) {
        addPlane(u, p, q, high, row, next, low);
        u += kernels;
        q += all;
      }
      p += <usize>h * row;
    }
    let sums = s + <usize>(y + 2 - above - from) * next;
    for (let i = 0; i < planes; i++) {
      let to = o + <usize>i * ld;
      let q = sums;
      for (let k = 0; k < count; k++) {
        copyFloats(to, q, n & ~3);
        to += <usize>n << 2;
        v128.store(to - 16, v128.load(q + next - 16));
        q += next;
      }
      sums += all;
    }
    o += <usize>(count * n) << 2;
  }
}
