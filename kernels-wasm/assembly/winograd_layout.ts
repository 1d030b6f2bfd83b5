/**
 * How convolutions by Winograd's method fall into tiles and blocks, and where their working memory lies; see winograd.ts.
 */

import { gemm_scratch } from "./gemm";
import { scratch } from "./memory";

/** What the host writes at META, in this order. */
const META: usize = 16384;

// @ts-ignore: decorator
@inline
export function meta(i: usize): i32 {
  return load<i32>(META + (i << 2));
}

/** Output channels, or those of the gradient. */
// @ts-ignore: decorator
@inline
export const ROWS: usize = 0;
// @ts-ignore: decorator
@inline
export const CHANNELS: usize = 1;
// @ts-ignore: decorator
@inline
export const HEIGHT: usize = 2;
// @ts-ignore: decorator
@inline
export const WIDTH: usize = 3;
/** Rows and columns of zeros before the image. */
// @ts-ignore: decorator
@inline
export const ABOVE: usize = 4;
// @ts-ignore: decorator
@inline
export const BEFORE: usize = 5;
// @ts-ignore: decorator
@inline
export const OUT_HEIGHT: usize = 6;
// @ts-ignore: decorator
@inline
export const OUT_WIDTH: usize = 7;
/** Elements from image to image, and from output to output. */
// @ts-ignore: decorator
@inline
export const IMAGE_STEP: usize = 8;
// @ts-ignore: decorator
@inline
export const OUT_STEP: usize = 9;
/** 1 or 2. */
// @ts-ignore: decorator
@inline
export const STRIDE: usize = 10;
/** Height and width of the kernel: 3, or more where it moves by 1. */
// @ts-ignore: decorator
@inline
export const KERNEL: usize = 11;
/** Elements from tap to tap, downwards and across: more than 1 only where kernels move by 1. */
// @ts-ignore: decorator
@inline
export const DILATION: usize = 13;

/** Rows that are packed together: a multiple of the heights of tiles of gemm. */
// @ts-ignore: decorator
@inline
export const TALL: i32 = 20;

// @ts-ignore: decorator
@inline
export function tall(rows: i32): i32 {
  return (rows + TALL - 1) / TALL * TALL;
}

/** Bytes from one of the matrices of `floats` elements to the next: no two at the same place of a page of the cache. */
// @ts-ignore: decorator
@inline
export function stepOf(floats: i32): i32 {
  return ((floats * 4 + 4095) & ~4095) + 192;
}

/** Products of a tile. */
// @ts-ignore: decorator
@inline
export function partsOfTile(strided: bool): i32 {
  return strided ? 81 : 36;
}

/** Sums of these, which the transform of the output meets. */
// @ts-ignore: decorator
@inline
export function sumsOfTile(strided: bool): i32 {
  return strided ? 25 : 36;
}

/** Most products of a sum. */
// @ts-ignore: decorator
@inline
export function depth(strided: bool): i32 {
  return strided ? 4 : 1;
}

/** Which sum product number `i` is part of: along an axis, 9 products belong to 5. */
// @ts-ignore: decorator
@inline
export function sumOf(i: i32, strided: bool): i32 {
  if (!strided) return i;
  const y = i / 9;
  const x = i - 9 * y;
  return 5 * (y < 5 ? y : y - 5) + (x < 5 ? x : x - 5);
}

/** How many products sum number `i` has. */
// @ts-ignore: decorator
@inline
export function partsOf(i: i32, strided: bool): i32 {
  return strided ? (i < 20 ? 2 : 1) * (i % 5 < 4 ? 2 : 1) : 1;
}

/** Elements from tile to tile of the padded image, and what the last one has more. */
// @ts-ignore: decorator
@inline
export function tileStep(strided: bool): i32 {
  return strided ? 8 : 4;
}

// @ts-ignore: decorator
@inline
export function overlap(strided: bool): i32 {
  return strided ? 1 : 2;
}

/** Tiles along an axis of `n` outputs, every `dilation`th of which is a result of its own. */
// @ts-ignore: decorator
@inline
export function tilesAlong(n: i32, dilation: i32): i32 {
  return ((n + dilation - 1) / dilation + 3) >> 2;
}

/** How many results of its own the output consists of. */
// @ts-ignore: decorator
@inline
export function phases(): i32 {
  return meta(DILATION) * meta(DILATION + 1);
}

/** Tiles across of each of these. */
// @ts-ignore: decorator
@inline
export function tilesAcross(): i32 {
  return tilesAlong(meta(OUT_WIDTH), meta(DILATION + 1));
}

// @ts-ignore: decorator
@inline
export function tilesDown(): i32 {
  return tilesAlong(meta(OUT_HEIGHT), meta(DILATION));
}

/** Blocks of 3 along an axis of a kernel. */
// @ts-ignore: decorator
@inline
export function blocksOf(kernel: i32): i32 {
  return (kernel + 2) / 3;
}

/** Blocks of the kernel; a channel counts once for each of them. */
// @ts-ignore: decorator
@inline
export function blocks(): i32 {
  return blocksOf(meta(KERNEL)) * blocksOf(meta(KERNEL + 1));
}

/** Whole blocks along an axis: the last of the others has zeros. */
// @ts-ignore: decorator
@inline
function wholeDown(): i32 {
  return meta(KERNEL) / 3;
}

// @ts-ignore: decorator
@inline
function wholeAcross(): i32 {
  return meta(KERNEL + 1) / 3;
}

/** Blocks that lack columns, but no rows. */
// @ts-ignore: decorator
@inline
function narrow(): i32 {
  return blocksOf(meta(KERNEL + 1)) > wholeAcross() ? wholeDown() : 0;
}

/**
 * Where block number `s` begins in the kernel: row · 65536 + column. Those that lack columns come first, then whole ones,
 * then those that lack rows, then the one that lacks both.
 */
export function blockAt(s: i32): i32 {
  const first = narrow();
  const across = wholeAcross();
  if (s < first) return (3 * s) << 16 | 3 * across;
  s -= first;
  if (s < blocksOf(meta(KERNEL)) * across) return (3 * (s / across)) << 16 | 3 * (s % across);
  return (3 * wholeDown()) << 16 | 3 * across;
}

/**
 * The blocks that product number `i` of a tile has a part in, first and one past the last: at the point ∞, weights are those
 * of the third row or column of a block, where some have none. Only kernels that move by 1 have more than one block.
 */
// @ts-ignore: decorator
@inline
export function firstBlock(i: i32): i32 {
  return i % 6 === 5 ? narrow() : 0;
}

// @ts-ignore: decorator
@inline
export function endBlock(i: i32): i32 {
  const across = wholeAcross();
  if (i >= 30) return narrow() + wholeDown() * across;
  return i % 6 === 5 ? narrow() + blocksOf(meta(KERNEL)) * across : blocks();
}

/** Where the numbers of the transforms lie, which are loaded once for a tile. */
// @ts-ignore: decorator
@inline
export function numbers(): usize {
  return scratch + <usize>gemm_scratch(4);
}

/** What a part has met: the greatest magnitude of inputs, and 0 or NaN, where an output was not finite. */
// @ts-ignore: decorator
@inline
export function seen(): usize {
  return numbers() + 448;
}

/** Nine vectors of weights, and behind them what a transform holds between its two passes. */
// @ts-ignore: decorator
@inline
export function between(): usize {
  return numbers() + 512;
}

/** Where the transforms of images and weights store the products of kernels that move by 2: offsets in bytes. */
// @ts-ignore: decorator
@inline
export function offsets(): usize {
  return numbers() + 2048;
}

/** How the image and the result lie. */
// @ts-ignore: decorator
@inline
export function frames(): usize {
  return numbers() + 2432;
}

/** Bytes of all of these. */
// @ts-ignore: decorator
@inline
export const HEAD: i32 = 2560;

/** The table of tiles: see {@linkcode writeTiles}. */
// @ts-ignore: decorator
@inline
export function table(): usize {
  return numbers() + HEAD;
}

/**
 * Says where the 81 products go: to matrices `step` bytes apart; or where `part` is not 0, to the matrix of their sum, `part`
 * bytes after the one before.
 */
export function writeOffsets(step: i32, part: i32): void {
  let q = offsets();
  for (let y = 0; y < 9; y++) {
    for (let x = 0; x < 9; x++) {
      const odd = x > 4 ? 1 : 0;
      const before = y > 4 ? odd + (x === 4 ? 1 : 2) : odd;
      store<i32>(q, part === 0 ? (9 * y + x) * step : sumOf(9 * y + x, true) * step + before * part);
      q += 4;
    }
  }
}
