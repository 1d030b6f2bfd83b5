/**
 * How Winograd's method packs what its products multiply into the panels of gemm; see winograd.ts.
 *
 * Panels hold, step by step, a few rows of the one matrix or 8 columns of the other. Each of the products of a tile has
 * matrices of its own, so the transforms store a vector in each.
 */

import { padded } from "./gemm";
import { MR_F32 } from "./gemm_micro";
import { gradTile, inputTile } from "./generated/winograd_tiles";
import { cover, Frame } from "./winograd_image";
import {
  blockAt,
  blocks,
  CHANNELS,
  HEIGHT,
  KERNEL,
  meta,
  OUT_HEIGHT,
  OUT_WIDTH,
  ROWS,
  STRIDE,
  sumsOfTile,
  table,
  TALL,
  WIDTH,
} from "./winograd_layout";

// Twenty rows are packed as five vectors of four. Panels of five rows have the fifth ones of four panels in the last vector,
// whose lanes go to these panels; there is none where panels have four.

/** True for the vector of fifth rows. */
// @ts-ignore: decorator
@inline
export function isFifth(vector: i32): bool {
  return MR_F32 === 5 && vector === 4;
}

/** Which of the twenty rows is in lane `l` of a vector. */
// @ts-ignore: decorator
@inline
export function rowOf(vector: i32, l: i32): i32 {
  return isFifth(vector) ? 4 + 5 * l : vector * MR_F32 + l;
}

/** Bytes from the first of panels of `panel` bytes to where a vector goes. */
// @ts-ignore: decorator
@inline
export function placeOf(vector: i32, panel: usize): usize {
  return isFifth(vector) ? 16 : <usize>vector * panel;
}

/** Writes 0 to the steps from `k` to `kp` of panels that have `wide` of `all` elements for each step, in `n` matrices. */
export function clearSteps(p: usize, wide: i32, all: i32, k: i32, kp: i32, n: i32, step: usize): void {
  if (k === kp) return;
  const panel = <usize>(wide * kp) << 2;
  for (; n > 0; n--) {
    let q = p + (<usize>(wide * k) << 2);
    for (let i = 0; i < all; i += wide) {
      memory.fill(q, 0, <usize>(wide * (kp - k)) << 2);
      q += panel;
    }
    p += step;
  }
}

/** Writes 0 to the lanes from number `n` on of `count` vectors. */
function clearLanes(p: usize, step: usize, n: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    for (let l = n; l < 4; l++) store<f32>(p + (<usize>l << 2), 0);
    p += step;
  }
}

/** {@linkcode loadWeights} for the block at row `y` and column `x` of larger kernels: zeros where these have no weight. */
export function loadBlock(p0: usize, p1: usize, p2: usize, p3: usize, y: i32, x: i32, w: usize, step: usize): void {
  const height = meta(KERNEL);
  const width = meta(KERNEL + 1);
  for (let i = y; i < y + 3; i++) {
    for (let j = x; j < x + 3; j++) {
      let v = f32x4.splat(0);
      if (i >= 0 && i < height && j >= 0 && j < width) {
        const at = <usize>(i * width + j) << 2;
        v = v128.load32_lane(p0 + at, v, 0);
        v = v128.load32_lane(p1 + at, v, 1);
        v = v128.load32_lane(p2 + at, v, 2);
        v = v128.load32_lane(p3 + at, v, 3);
      }
      v128.store(w, v);
      w += step;
    }
  }
}

/**
 * Packs the chosen tiles of an image, whole groups of four, into panels of eight tiles by `deep` steps: the first of them is
 * group number `group` there.
 */
export function packTiles(image: Frame, x: usize, pad: usize, v: usize, step: usize, deep: i32, group: i32): void {
  const strided = meta(STRIDE) === 2;
  const channels = meta(CHANNELS);
  const kp = padded(channels);
  const shifts = blocks();
  const size = <usize>(meta(HEIGHT) * meta(WIDTH)) << 2;
  const row = <usize>image.wide << 2;
  const first = table() + (<usize>image.first << 4);
  const end = table() + (<usize>image.end << 4);
  for (let c = 0; c < channels; c++) {
    const base = cover(image, x + <usize>c * size, pad);
    for (let s = 0; s < shifts; s++) {
      const p = base + image.shift(blockAt(s));
      let g = group;
      for (let tile = first; tile < end; tile += 64) {
        const p0 = p + <usize>load<i32>(tile);
        const p1 = p + <usize>load<i32>(tile, 16);
        const p2 = p + <usize>load<i32>(tile, 32);
        const p3 = p + <usize>load<i32>(tile, 48);
        const to = v + (<usize>((g >> 1) * deep + s * kp + c) << 5) + (<usize>(g & 1) << 4);
        inputTile(strided, p0, p1, p2, p3, row, to, step);
        g++;
      }
    }
  }
}

/** Packs all tiles of the gradient of a result as {@linkcode packTiles} does those of an image. */
export function packResult(result: Frame, x: usize, pad: usize, v: usize, step: usize, group: i32): void {
  const strided = meta(STRIDE) === 2;
  const channels = meta(CHANNELS);
  const kp = padded(channels);
  const plane = <usize>(meta(OUT_HEIGHT) * meta(OUT_WIDTH)) << 2;
  const row = <usize>result.wide << 2;
  for (let c = 0; c < channels; c++) {
    const p = cover(result, x + <usize>c * plane, pad);
    let tile = table();
    for (let t = 0; t < result.tiles; t += 4) {
      const p0 = p + <usize>load<i32>(tile, 4);
      const p1 = p + <usize>load<i32>(tile, 20);
      const p2 = p + <usize>load<i32>(tile, 36);
      const p3 = p + <usize>load<i32>(tile, 52);
      const g = group + (t >> 2);
      const to = v + (<usize>((g >> 1) * kp + c) << 5) + (<usize>(g & 1) << 4);
      gradTile(strided, p0, p1, p2, p3, row, to, step, 0);
      // Past the last tile there are none: their gradients are 0.
      if (t + 4 > result.tiles) clearLanes(to, step, result.tiles - t, sumsOfTile(strided));
      tile += 64;
    }
  }
}

/** Packs the chosen tiles of an image into panels of eight channels by `kp` steps. */
export function packImage(image: Frame, x: usize, pad: usize, v: usize, step: usize, channels: i32, kp: i32): void {
  const strided = meta(STRIDE) === 2;
  const shifts = blocks();
  const some = (channels + 7) & ~7;
  const last = channels - 1;
  const size = <usize>(meta(HEIGHT) * meta(WIDTH)) << 2;
  const row = <usize>image.wide << 2;
  const first = table() + (<usize>image.first << 4);
  const end = table() + (<usize>image.end << 4);
  for (let c = 0; c < some; c += 4) {
    // Past the last channel it is read again.
    const p0 = cover(image, x + <usize>min(c, last) * size, pad);
    const p1 = cover(image, x + <usize>min(c + 1, last) * size, pad + image.bytes);
    const p2 = cover(image, x + <usize>min(c + 2, last) * size, pad + 2 * image.bytes);
    const p3 = cover(image, x + <usize>min(c + 3, last) * size, pad + 3 * image.bytes);
    for (let s = 0; s < shifts; s++) {
      const shift = image.shift(blockAt(s));
      const column = s * some + c;
      let to = v + (<usize>((column >> 3) * kp) << 5) + (<usize>(c & 4) << 2);
      for (let tile = first; tile < end; tile += 16) {
        const at = shift + <usize>load<i32>(tile);
        inputTile(strided, p0 + at, p1 + at, p2 + at, p3 + at, row, to, step);
        to += 32;
      }
    }
  }
}

/** Packs the chosen tiles of the gradient of a result into panels of rows by `kp` steps. */
export function packGrad(result: Frame, g: usize, pad: usize, z: usize, step: usize, kp: i32): void {
  const strided = meta(STRIDE) === 2;
  const rows = meta(ROWS);
  const last = rows - 1;
  const size = <usize>(meta(OUT_HEIGHT) * meta(OUT_WIDTH)) << 2;
  const row = <usize>result.wide << 2;
  const panel = <usize>(MR_F32 * kp) << 2;
  const first = table() + (<usize>result.first << 4);
  const end = table() + (<usize>result.end << 4);
  for (let r = 0; r < rows; r += TALL) {
    for (let v = 0; v < 5; v++) {
      if (r + rowOf(v, 0) >= rows) continue;
      const p0 = cover(result, g + <usize>(r + rowOf(v, 0)) * size, pad);
      const p1 = cover(result, g + <usize>min(r + rowOf(v, 1), last) * size, pad + result.bytes);
      const p2 = cover(result, g + <usize>min(r + rowOf(v, 2), last) * size, pad + 2 * result.bytes);
      const p3 = cover(result, g + <usize>min(r + rowOf(v, 3), last) * size, pad + 3 * result.bytes);
      const apart: usize = isFifth(v) ? panel : 0;
      let to = z + (<usize>(r * kp) << 2) + placeOf(v, panel);
      for (let tile = first; tile < end; tile += 16) {
        const at = <usize>load<i32>(tile, 4);
        gradTile(strided, p0 + at, p1 + at, p2 + at, p3 + at, row, to, step, apart);
        to += <usize>MR_F32 << 2;
      }
    }
  }
}
