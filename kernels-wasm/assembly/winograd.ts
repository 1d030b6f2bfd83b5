/**
 * Convolutions with kernels of 3 × 3 by Winograd's minimal filtering F(4 × 4, 3 × 3) (Lavin and Gray 2016,
 * https://arxiv.org/abs/1509.09308): a tile of 4 × 4 outputs needs 36 products for each pair of channels instead of 144.
 * Where the kernels move by 2 it needs 81, whose tiles are in winograd_strided.ts. Larger kernels that move by 1 are sums of
 * kernels of 3 × 3, each for the image shifted by as many elements: a channel then counts as one for each of these blocks.
 * Dilated kernels meet every so manieth element: the image is cut into parts of these, and the tiles of all are tiles of one.
 *
 * Tiles of 6 × 6 inputs, and weights, are transformed; the products are 36 products of matrices, channels by tiles, by the
 * kernels of gemm; outputs are transformed back. The points of the transforms are 0, ±5/8, ±3/2 and ∞, at which float32
 * loses less than at the integers. The gradient for the input is the convolution with flipped weights, or where that has
 * more tiles, the same products transposed, whose tiles of 6 × 6 are added up. The gradient for the weight has the same
 * products, transposed for weights.
 *
 * A tile's outputs are sums over all of the tile: a NaN, an infinity or a very large number in it would reach outputs whose
 * window does not cover it. So a part answers {@linkcode UNFIT} when it met an input above {@linkcode LARGEST} or an output
 * that is not finite, and the host computes the convolution in another way.
 *
 * Four tiles at a time, or the same tile of four channels, lie in the lanes of vectors.
 */

import { biasOf, finishes, least, toNext } from "./finish";
import { mad, nmad } from "./fused";
import { gemm_scratch, micro, padded } from "./gemm";
import { MR_F32, NR_F32 } from "./gemm_micro";
import {
  backTileStrided,
  between,
  constants,
  gradTileStrided,
  HEAD,
  inputTileStrided,
  kernelTileStrided,
  outputTileStrided,
  PARTS,
  partsOf,
  sumOf,
  SUMS,
  weightTileStrided,
  writeOffsets,
  writeStridedConstants,
} from "./winograd_strided";

/** What the host writes at META, in this order. */
const META: usize = 16384;

// @ts-ignore: decorator
@inline
function meta(i: usize): i32 {
  return load<i32>(META + (i << 2));
}

/** Output channels, or those of the gradient. */
// @ts-ignore: decorator
@inline
const ROWS: usize = 0;
// @ts-ignore: decorator
@inline
const CHANNELS: usize = 1;
// @ts-ignore: decorator
@inline
const HEIGHT: usize = 2;
// @ts-ignore: decorator
@inline
const WIDTH: usize = 3;
/** Rows and columns of zeros before the image. */
// @ts-ignore: decorator
@inline
const ABOVE: usize = 4;
// @ts-ignore: decorator
@inline
const BEFORE: usize = 5;
// @ts-ignore: decorator
@inline
const OUT_HEIGHT: usize = 6;
// @ts-ignore: decorator
@inline
const OUT_WIDTH: usize = 7;
/** Elements from image to image, and from output to output. */
// @ts-ignore: decorator
@inline
const IMAGE_STEP: usize = 8;
// @ts-ignore: decorator
@inline
const OUT_STEP: usize = 9;
/** 1 or 2. */
// @ts-ignore: decorator
@inline
const STRIDE: usize = 10;
/** Height and width of the kernel: 3, or more where it moves by 1. */
// @ts-ignore: decorator
@inline
const KERNEL: usize = 11;
/** Elements from tap to tap, downwards and across: more than 1 only where kernels move by 1. */
// @ts-ignore: decorator
@inline
const DILATION: usize = 13;

/** Status of a part that ran. */
const FIT: i32 = -1;
/** Status of a part whose results must not be used. */
const UNFIT: i32 = 0;
/** Inputs above this are for other kernels: beside them, a tile's small outputs would lose their digits. */
const LARGEST: f32 = 65536;

/** Products of a tile. */
// @ts-ignore: decorator
@inline
const XI: i32 = 36;
/** Rows that are packed together: a multiple of the heights of tiles of gemm. */
// @ts-ignore: decorator
@inline
const TALL: i32 = 20;

// The points ±A, ±B, and what the transforms are made of.
// @ts-ignore: decorator
@inline
const A: f32 = 0.625;
// @ts-ignore: decorator
@inline
const B: f32 = 1.5;
// @ts-ignore: decorator
@inline
const A2: f32 = A * A;
// @ts-ignore: decorator
@inline
const B2: f32 = B * B;
// @ts-ignore: decorator
@inline
const N0: f32 = 1 / (A2 * B2);
// @ts-ignore: decorator
@inline
const NA: f32 = 1 / (2 * A2 * (A2 - B2));
// @ts-ignore: decorator
@inline
const NB: f32 = 1 / (2 * B2 * (B2 - A2));

/** Bytes from one of the matrices of `floats` elements to the next: no two at the same place of a page of the cache. */
// @ts-ignore: decorator
@inline
function stepOf(floats: i32): i32 {
  return ((floats * 4 + 4095) & ~4095) + 192;
}

// @ts-ignore: decorator
@inline
function tall(rows: i32): i32 {
  return (rows + TALL - 1) / TALL * TALL;
}

/** Tiles along an axis of `n` outputs, every `dilation`th of which is a result of its own. */
// @ts-ignore: decorator
@inline
function tilesAlong(n: i32, dilation: i32): i32 {
  return ((n + dilation - 1) / dilation + 3) >> 2;
}

/** How many results of its own the output consists of. */
// @ts-ignore: decorator
@inline
function phases(): i32 {
  return meta(DILATION) * meta(DILATION + 1);
}

/** Tiles across of each of these. */
// @ts-ignore: decorator
@inline
function tilesAcross(): i32 {
  return tilesAlong(meta(OUT_WIDTH), meta(DILATION + 1));
}

// @ts-ignore: decorator
@inline
function tilesDown(): i32 {
  return tilesAlong(meta(OUT_HEIGHT), meta(DILATION));
}

/** Blocks of 3 along an axis of a kernel. */
// @ts-ignore: decorator
@inline
function blocksOf(kernel: i32): i32 {
  return (kernel + 2) / 3;
}

/** Blocks of the kernel; a channel counts once for each of them. */
// @ts-ignore: decorator
@inline
function blocks(): i32 {
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
function blockAt(s: i32): i32 {
  const first = narrow();
  const across = wholeAcross();
  if (s < first) return (3 * s) << 16 | 3 * across;
  s -= first;
  if (s < blocksOf(meta(KERNEL)) * across) return (3 * (s / across)) << 16 | 3 * (s % across);
  return (3 * wholeDown()) << 16 | 3 * across;
}

/**
 * The blocks that product number `i` of a tile has a part in, first and one past the last: at the point ∞, weights are those
 * of the third row or column of a block, where some have none.
 */
// @ts-ignore: decorator
@inline
function firstBlock(i: i32): i32 {
  return i % 6 === 5 ? narrow() : 0;
}

// @ts-ignore: decorator
@inline
function endBlock(i: i32): i32 {
  const across = wholeAcross();
  if (i >= 30) return narrow() + wholeDown() * across;
  return i % 6 === 5 ? narrow() + blocksOf(meta(KERNEL)) * across : blocks();
}

/** Elements from tile to tile of the padded image, and what the last one has more. */
// @ts-ignore: decorator
@inline
function tileStep(strided: bool): i32 {
  return strided ? 8 : 4;
}

// @ts-ignore: decorator
@inline
function overlap(strided: bool): i32 {
  return strided ? 1 : 2;
}

/** Products of a tile, and what they are added up to. */
// @ts-ignore: decorator
@inline
function partsOfTile(strided: bool): i32 {
  return strided ? PARTS : XI;
}

// @ts-ignore: decorator
@inline
function sumsOfTile(strided: bool): i32 {
  return strided ? SUMS : XI;
}

/** Most products that are added up. */
// @ts-ignore: decorator
@inline
function depth(strided: bool): i32 {
  return strided ? 4 : 1;
}

/** Tiles of a block of the convolution: what is transformed at once lies in a cache. */
// @ts-ignore: decorator
@inline
function tilesAtOnce(channels: i32, strided: bool): i32 {
  return max(32, min(64, (strided ? 1365 : 2730) / padded(channels) & ~7));
}

/** Rows of a block of the convolution. */
// @ts-ignore: decorator
@inline
function rowsAtOnce(rows: i32): i32 {
  return min(tall(rows), 80);
}

/** Tiles of a block of the gradient for the weight. */
// @ts-ignore: decorator
@inline
function tilesOfGrad(rows: i32, channels: i32): i32 {
  return max(32, min(128, 6144 / (rows + channels) & ~3));
}

// @ts-ignore: decorator
@inline
function table(): usize {
  return constants() + HEAD;
}

/** Writes the constants, each in four lanes. */
function writeConstants(): void {
  const at = constants();
  v128.store(at, f32x4.splat(-(A2 + B2)));
  v128.store(at, f32x4.splat(A2 * B2), 16);
  v128.store(at, f32x4.splat(A2), 32);
  v128.store(at, f32x4.splat(B2), 48);
  v128.store(at, f32x4.splat(A), 64);
  v128.store(at, f32x4.splat(B), 80);
  v128.store(at, f32x4.splat(A * A2), 96);
  v128.store(at, f32x4.splat(B * B2), 112);
  v128.store(at, f32x4.splat(N0), 128);
  v128.store(at, f32x4.splat(NA), 144);
  v128.store(at, f32x4.splat(NB), 160);
  writeStridedConstants();
}

/** How {@linkcode winograd_weights_f32} leaves weights: kernels as they are, or turned around. */
// @ts-ignore: decorator
@inline
const TURNED: i32 = 1;
/** For kernels that move by 2: products that are added up lie in one panel. */
// @ts-ignore: decorator
@inline
const DEEP: i32 = 2;
/** For kernels that move by 2: each product has a matrix. */
// @ts-ignore: decorator
@inline
const APART: i32 = 3;

/** Bytes of {@linkcode winograd_weights_f32}'s result. */
export function winograd_weights_size(rows: i32, channels: i32, mode: i32): f64 {
  const matrices: f64 = mode === DEEP ? 4 * SUMS : mode === APART ? PARTS : XI;
  return matrices * (<f64>(tall(rows) * padded(channels)) * 4 + 4096 + 192);
}

/** Elements of a part of an image, of `across` × `down` tiles, padded. */
// @ts-ignore: decorator
@inline
function imageOf(across: i32, down: i32, strided: bool, kernelHeight: i32, kernelWidth: i32): i32 {
  const by = tileStep(strided);
  const wide = by * across + overlap(strided) + 3 * (blocksOf(kernelWidth) - 1);
  return wide * (by * down + overlap(strided) + 3 * (blocksOf(kernelHeight) - 1)) + 16;
}

/** Bytes of working memory of {@linkcode winograd_f32}. */
export function winograd_scratch(
  rows: i32,
  channels: i32,
  height: i32,
  width: i32,
  stride: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  dilationDown: i32,
  dilationAcross: i32,
): i32 {
  const strided = stride === 2;
  const parts = dilationDown * dilationAcross;
  const across = tilesAlong(width, dilationAcross);
  const down = tilesAlong(height, dilationDown);
  const deep = blocksOf(kernelHeight) * blocksOf(kernelWidth) * padded(channels);
  const tiles = tilesAtOnce(deep, strided);
  const image = parts * imageOf(across, down, strided, kernelHeight, kernelWidth);
  return gemm_scratch(4) + HEAD + (parts * across * down + 4) * 16 + image * 4 +
    sumsOfTile(strided) * (stepOf(depth(strided) * tiles * deep) + stepOf(rowsAtOnce(rows) * tiles));
}

/** Bytes of working memory of {@linkcode winograd_weight_grad_f32}. */
export function winograd_weight_grad_scratch(
  rows: i32,
  channels: i32,
  height: i32,
  width: i32,
  stride: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  dilationDown: i32,
  dilationAcross: i32,
): i32 {
  const strided = stride === 2;
  const parts = dilationDown * dilationAcross;
  const across = tilesAlong(width, dilationAcross);
  const down = tilesAlong(height, dilationDown);
  const image = parts * imageOf(across, down, strided, kernelHeight, kernelWidth);
  const shifts = blocksOf(kernelHeight) * blocksOf(kernelWidth);
  const tiles = tilesOfGrad(rows, channels * shifts);
  const wide = shifts * ((channels + 7) & ~7);
  return gemm_scratch(4) + HEAD + (parts * across * down + 4) * 16 + 4 * image * 4 +
    partsOfTile(strided) * (stepOf(tiles * wide) + stepOf(tall(rows) * wide)) +
    sumsOfTile(strided) * stepOf(tiles * tall(rows)) +
    4 * (16 * parts * across * down + 16) * 4;
}

/** Stores lane `l` of v at p + l · by. */
// @ts-ignore: decorator
@inline
function scatter(p: usize, v: v128, by: usize): void {
  v128.store32_lane(p, v, 0);
  v128.store32_lane(p + by, v, 1);
  v128.store32_lane(p + 2 * by, v, 2);
  v128.store32_lane(p + 3 * by, v, 3);
}

/** Loads the 3 × 3 weights at four places into the lanes of nine vectors at `temp`. */
// @ts-ignore: decorator
@inline
function loadKernels(p0: usize, p1: usize, p2: usize, p3: usize, temp: usize): void {
  let r0 = v128.load(p0);
  let r1 = v128.load(p1);
  let r2 = v128.load(p2);
  let r3 = v128.load(p3);
  let t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  let t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  let t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  let t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(temp, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(temp, i64x2.shuffle(t0, t1, 1, 3), 16);
  v128.store(temp, i64x2.shuffle(t2, t3, 0, 2), 32);
  v128.store(temp, i64x2.shuffle(t2, t3, 1, 3), 48);
  r0 = v128.load(p0, 16);
  r1 = v128.load(p1, 16);
  r2 = v128.load(p2, 16);
  r3 = v128.load(p3, 16);
  t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(temp, i64x2.shuffle(t0, t1, 0, 2), 64);
  v128.store(temp, i64x2.shuffle(t0, t1, 1, 3), 80);
  v128.store(temp, i64x2.shuffle(t2, t3, 0, 2), 96);
  v128.store(temp, i64x2.shuffle(t2, t3, 1, 3), 112);
  let last = v128.load32_zero(p0, 32);
  last = v128.load32_lane(p1, last, 1, 32);
  last = v128.load32_lane(p2, last, 2, 32);
  v128.store(temp, v128.load32_lane(p3, last, 3, 32), 128);
}

/**
 * Transforms the nine weights in vectors at `temp`: vector number j of 36 goes to o + j · step, whole, or its lanes `apart`
 * bytes from one another where that is not 0.
 */
function weightTile(temp: usize, flip: bool, o: usize, step: usize, apart: usize): void {
  const k = constants();
  const a = v128.load(k, 64);
  const b = v128.load(k, 80);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const n0 = v128.load(k, 128);
  const na = v128.load(k, 144);
  const nb = v128.load(k, 160);
  // Rows of the kernel, three columns at a time, from the last on where it is flipped.
  const next: usize = flip ? <usize>-16 : 16;
  let from = flip ? temp + 128 : temp;
  let to = temp + 144;
  for (let i = 0; i < 3; i++) {
    const g0 = v128.load(from);
    const g1 = v128.load(from + next);
    const g2 = v128.load(from + 2 * next);
    v128.store(to, f32x4.mul(n0, g0));
    let e = f32x4.mul(na, mad(a2, g2, g0));
    let f = f32x4.mul(na, f32x4.mul(a, g1));
    v128.store(to, f32x4.add(e, f), 16);
    v128.store(to, f32x4.sub(e, f), 32);
    e = f32x4.mul(nb, mad(b2, g2, g0));
    f = f32x4.mul(nb, f32x4.mul(b, g1));
    v128.store(to, f32x4.add(e, f), 48);
    v128.store(to, f32x4.sub(e, f), 64);
    v128.store(to, g2, 80);
    from += 3 * next;
    to += 96;
  }
  for (from = temp + 144; from < temp + 240; from += 16) {
    const g0 = v128.load(from);
    const g1 = v128.load(from, 96);
    const g2 = v128.load(from, 192);
    let e = f32x4.mul(na, mad(a2, g2, g0));
    let f = f32x4.mul(na, f32x4.mul(a, g1));
    const u0 = f32x4.mul(n0, g0);
    const u1 = f32x4.add(e, f);
    const u2 = f32x4.sub(e, f);
    e = f32x4.mul(nb, mad(b2, g2, g0));
    f = f32x4.mul(nb, f32x4.mul(b, g1));
    const u3 = f32x4.add(e, f);
    const u4 = f32x4.sub(e, f);
    let q = o;
    if (apart === 0) {
      v128.store(q, u0);
      v128.store(q += 6 * step, u1);
      v128.store(q += 6 * step, u2);
      v128.store(q += 6 * step, u3);
      v128.store(q += 6 * step, u4);
      v128.store(q += 6 * step, g2);
    } else {
      scatter(q, u0, apart);
      scatter(q += 6 * step, u1, apart);
      scatter(q += 6 * step, u2, apart);
      scatter(q += 6 * step, u3, apart);
      scatter(q += 6 * step, u4, apart);
      scatter(q += 6 * step, g2, apart);
    }
    o += step;
  }
}

/** {@linkcode loadKernels} for the block at row `y` and column `x` of larger kernels: zeros where these have no weight. */
function loadBlock(p0: usize, p1: usize, p2: usize, p3: usize, y: i32, x: i32, temp: usize): void {
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
      v128.store(temp, v);
      temp += 16;
    }
  }
}

/**
 * Transforms `count` rows of weights from `first` on, a multiple of 20, into panels of rows by channels, as `mode` says.
 * Weight [r, c] begins at w + r · rowStep + c · channelStep elements.
 */
export function winograd_weights_f32(
  w: usize,
  u: usize,
  rows: i32,
  channels: i32,
  rowStep: i32,
  channelStep: i32,
  mode: i32,
  first: i32,
  count: i32,
): void {
  writeConstants();
  const temp = between();
  const shifts = blocks();
  const kp = shifts * padded(channels);
  const deep = depth(mode === DEEP);
  const step = <usize>stepOf(tall(rows) * kp * deep);
  const all = <usize>(mode === DEEP ? SUMS : mode === APART ? PARTS : XI) * step;
  const panel = <usize>(MR_F32 * kp * deep) << 2;
  const part = <usize>(MR_F32 * kp) << 2;
  if (mode >= DEEP) writeOffsets(<i32>step, mode === DEEP ? <i32>part : 0);
  const end = min(rows, first + count);
  for (let r = first; r < end; r += TALL) {
    const top = u + (<usize>(r * kp * deep) << 2);
    for (let v = 0; v < 5; v++) {
      // The fifth rows of four panels go into lanes together; panels of four rows have none.
      const fifth = MR_F32 === 5 && v === 4;
      const at = fifth ? r + 4 : r + v * MR_F32;
      const gap = fifth ? 5 : 1;
      const q0 = w + (<usize>min(at, rows - 1) * <usize>rowStep << 2);
      const q1 = w + (<usize>min(at + gap, rows - 1) * <usize>rowStep << 2);
      const q2 = w + (<usize>min(at + 2 * gap, rows - 1) * <usize>rowStep << 2);
      const q3 = w + (<usize>min(at + 3 * gap, rows - 1) * <usize>rowStep << 2);
      let to = fifth ? top + 16 : top + <usize>v * panel;
      const apart: usize = fifth ? panel : 0;
      for (let s = 0; s < shifts; s++) {
        // Turned around, the last block of the kernel comes first.
        const y = mode === TURNED ? meta(KERNEL) - 3 - (blockAt(s) >> 16) : blockAt(s) >> 16;
        const x = mode === TURNED ? meta(KERNEL + 1) - 3 - (blockAt(s) & 65535) : blockAt(s) & 65535;
        for (let c = 0; c < channels; c++) {
          const by = <usize>(c * channelStep) << 2;
          if (shifts > 1) loadBlock(q0 + by, q1 + by, q2 + by, q3 + by, y, x, temp);
          else loadKernels(q0 + by, q1 + by, q2 + by, q3 + by, temp);
          if (mode >= DEEP) weightTileStrided(temp, to, apart);
          else weightTile(temp, mode === TURNED, to, step, apart);
          to += <usize>MR_F32 << 2;
        }
        for (let c = channels; c < padded(channels); c++) {
          if (!fifth) {
            for (let i: usize = 0; i < all; i += step) {
              for (let d: usize = 0; d < <usize>deep * part; d += part) {
                v128.store(to + i + d, f32x4.splat(0));
                if (MR_F32 === 5) store<f32>(to + i + d, 0, 16);
              }
            }
          }
          to += <usize>MR_F32 << 2;
        }
      }
    }
  }
}

/** Transforms the tiles of 6 × 6 at four places, rows `row` bytes apart: vector number j of 36 goes to o + j · step. */
function inputTile(p0: usize, p1: usize, p2: usize, p3: usize, row: usize, o: usize, step: usize): void {
  const k = constants();
  const temp = between();
  const sum = v128.load(k);
  const product = v128.load(k, 16);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const a = v128.load(k, 64);
  const b = v128.load(k, 80);
  for (let to = temp; to < temp + 576; to += 96) {
    const r0 = v128.load(p0);
    const r1 = v128.load(p1);
    const r2 = v128.load(p2);
    const r3 = v128.load(p3);
    const q0 = v128.load64_lane(p1, v128.load64_zero(p0, 16), 1, 16);
    const q1 = v128.load64_lane(p3, v128.load64_zero(p2, 16), 1, 16);
    const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    const d1 = i64x2.shuffle(t0, t1, 1, 3);
    const d2 = i64x2.shuffle(t2, t3, 0, 2);
    const d3 = i64x2.shuffle(t2, t3, 1, 3);
    const d4 = i32x4.shuffle(q0, q1, 0, 2, 4, 6);
    v128.store(to, mad(sum, d2, mad(product, i64x2.shuffle(t0, t1, 0, 2), d4)));
    v128.store(to, mad(sum, d3, mad(product, d1, i32x4.shuffle(q0, q1, 1, 3, 5, 7))), 80);
    let e = nmad(b2, d2, d4);
    let f = nmad(b2, d1, d3);
    v128.store(to, mad(a, f, e), 16);
    v128.store(to, nmad(a, f, e), 32);
    e = nmad(a2, d2, d4);
    f = nmad(a2, d1, d3);
    v128.store(to, mad(b, f, e), 48);
    v128.store(to, nmad(b, f, e), 64);
    p0 += row;
    p1 += row;
    p2 += row;
    p3 += row;
  }
  for (let from = temp; from < temp + 96; from += 16) {
    const d1 = v128.load(from, 96);
    const d2 = v128.load(from, 192);
    const d3 = v128.load(from, 288);
    const d4 = v128.load(from, 384);
    let q = o;
    v128.store(q, mad(sum, d2, mad(product, v128.load(from), d4)));
    let e = nmad(b2, d2, d4);
    let f = nmad(b2, d1, d3);
    v128.store(q += 6 * step, mad(a, f, e));
    v128.store(q += 6 * step, nmad(a, f, e));
    e = nmad(a2, d2, d4);
    f = nmad(a2, d1, d3);
    v128.store(q += 6 * step, mad(b, f, e));
    v128.store(q += 6 * step, nmad(b, f, e));
    v128.store(q += 6 * step, mad(sum, d3, mad(product, d1, v128.load(from, 480))));
    o += step;
  }
}

/** The transform of gradients: 4 × 4 at four places to 36 vectors, stored as {@linkcode weightTile} does. */
function gradTile(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  row: usize,
  o: usize,
  step: usize,
  apart: usize,
): void {
  const k = constants();
  const temp = between();
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const a = v128.load(k, 64);
  const b = v128.load(k, 80);
  for (let to = temp; to < temp + 384; to += 96) {
    const r0 = v128.load(p0);
    const r1 = v128.load(p1);
    const r2 = v128.load(p2);
    const r3 = v128.load(p3);
    const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
    const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
    const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
    const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
    const g0 = i64x2.shuffle(t0, t1, 0, 2);
    const g1 = i64x2.shuffle(t0, t1, 1, 3);
    const g2 = i64x2.shuffle(t2, t3, 0, 2);
    const g3 = i64x2.shuffle(t2, t3, 1, 3);
    v128.store(to, g0);
    let e = mad(a2, g2, g0);
    let f = mad(a2, g3, g1);
    v128.store(to, mad(a, f, e), 16);
    v128.store(to, nmad(a, f, e), 32);
    e = mad(b2, g2, g0);
    f = mad(b2, g3, g1);
    v128.store(to, mad(b, f, e), 48);
    v128.store(to, nmad(b, f, e), 64);
    v128.store(to, g3, 80);
    p0 += row;
    p1 += row;
    p2 += row;
    p3 += row;
  }
  for (let from = temp; from < temp + 96; from += 16) {
    const g0 = v128.load(from);
    const g1 = v128.load(from, 96);
    const g2 = v128.load(from, 192);
    const g3 = v128.load(from, 288);
    let e = mad(a2, g2, g0);
    let f = mad(a2, g3, g1);
    const z1 = mad(a, f, e);
    const z2 = nmad(a, f, e);
    e = mad(b2, g2, g0);
    f = mad(b2, g3, g1);
    const z3 = mad(b, f, e);
    const z4 = nmad(b, f, e);
    let q = o;
    if (apart === 0) {
      v128.store(q, g0);
      v128.store(q += 6 * step, z1);
      v128.store(q += 6 * step, z2);
      v128.store(q += 6 * step, z3);
      v128.store(q += 6 * step, z4);
      v128.store(q += 6 * step, g3);
    } else {
      scatter(q, g0, apart);
      scatter(q += 6 * step, z1, apart);
      scatter(q += 6 * step, z2, apart);
      scatter(q += 6 * step, z3, apart);
      scatter(q += 6 * step, z4, apart);
      scatter(q += 6 * step, g3, apart);
    }
    o += step;
  }
}

/** Stores the first `n` lanes, one to three, `gap` bytes apart. */
// @ts-ignore: decorator
@inline
function putSome(p: usize, v: v128, n: i32, gap: usize): void {
  v128.store32_lane(p, v, 0);
  if (n > 1) v128.store32_lane(p + gap, v, 1);
  if (n > 2) v128.store32_lane(p + 2 * gap, v, 2);
}

/**
 * Transforms 36 vectors, `step` bytes apart, back to four tiles of 4 × 4 and stores those where the table of tiles says,
 * rows `row` bytes apart and elements `gap`, finished with `bias` where `ends`. Answers `bad` plus 0, or plus NaN where an
 * output is not finite.
 */
function outputTile(
  m: usize,
  step: usize,
  o: usize,
  row: usize,
  gap: usize,
  tiles: usize,
  bad: v128,
  ends: bool,
  bias: v128,
): v128 {
  const k = constants();
  const temp = between();
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const a = v128.load(k, 64);
  const b = v128.load(k, 80);
  const a3 = v128.load(k, 96);
  const b3 = v128.load(k, 112);
  for (let to = temp; to < temp + 96; to += 16) {
    let q = m;
    const m0 = v128.load(q);
    const m1 = v128.load(q += 6 * step);
    const m2 = v128.load(q += 6 * step);
    const m3 = v128.load(q += 6 * step);
    const m4 = v128.load(q += 6 * step);
    const m5 = v128.load(q += 6 * step);
    const sa = f32x4.add(m1, m2);
    const da = f32x4.sub(m1, m2);
    const sb = f32x4.add(m3, m4);
    const db = f32x4.sub(m3, m4);
    v128.store(to, f32x4.add(f32x4.add(m0, sa), sb));
    v128.store(to, mad(b, db, f32x4.mul(a, da)), 96);
    v128.store(to, mad(b2, sb, f32x4.mul(a2, sa)), 192);
    v128.store(to, mad(b3, db, mad(a3, da, m5)), 288);
    m += step;
  }
  const zero = f32x4.splat(0);
  const o0 = o + <usize>load<i32>(tiles, 4);
  const o1 = o + <usize>load<i32>(tiles, 20);
  const o2 = o + <usize>load<i32>(tiles, 36);
  const o3 = o + <usize>load<i32>(tiles, 52);
  const whole = gap === 4 && areWhole(tiles);
  let by: usize = 0;
  for (let i = 0; i < 4; i++) {
    const from = temp + <usize>(i * 96);
    const m1 = v128.load(from, 16);
    const m2 = v128.load(from, 32);
    const m3 = v128.load(from, 48);
    const m4 = v128.load(from, 64);
    const sa = f32x4.add(m1, m2);
    const da = f32x4.sub(m1, m2);
    const sb = f32x4.add(m3, m4);
    const db = f32x4.sub(m3, m4);
    const y0 = f32x4.add(f32x4.add(v128.load(from), sa), sb);
    const y1 = mad(b, db, f32x4.mul(a, da));
    const y2 = mad(b2, sb, f32x4.mul(a2, sa));
    const y3 = mad(b3, db, mad(a3, da, v128.load(from, 80)));
    bad = mad(y0, zero, bad);
    bad = mad(y1, zero, bad);
    bad = mad(y2, zero, bad);
    bad = mad(y3, zero, bad);
    putRows(o0 + by, o1 + by, o2 + by, o3 + by, y0, y1, y2, y3, whole, tiles, i, gap, ends, bias);
    by += row;
  }
  return bad;
}

/** True where four tiles lie inside the image whole. */
// @ts-ignore: decorator
@inline
function areWhole(tiles: usize): bool {
  return load<i32>(tiles, 12) + load<i32>(tiles, 28) + load<i32>(tiles, 44) + load<i32>(tiles, 60) === 16 &&
    load<i32>(tiles, 8) + load<i32>(tiles, 24) + load<i32>(tiles, 40) + load<i32>(tiles, 56) === 16;
}

/** Stores row `i` of four tiles, whose columns are in the lanes of y0 … y3, finished with `bias` where `ends`. */
// @ts-ignore: decorator
@inline
function putRows(
  o0: usize,
  o1: usize,
  o2: usize,
  o3: usize,
  y0: v128,
  y1: v128,
  y2: v128,
  y3: v128,
  whole: bool,
  tiles: usize,
  i: i32,
  gap: usize,
  ends: bool,
  bias: v128,
): void {
  const t0 = i32x4.shuffle(y0, y1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(y2, y3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(y0, y1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(y2, y3, 2, 6, 3, 7);
  let v0 = i64x2.shuffle(t0, t1, 0, 2);
  let v1 = i64x2.shuffle(t0, t1, 1, 3);
  let v2 = i64x2.shuffle(t2, t3, 0, 2);
  let v3 = i64x2.shuffle(t2, t3, 1, 3);
  if (ends) {
    const low = least();
    const next = toNext();
    v0 = f32x4.add(v0, bias);
    v1 = f32x4.add(v1, bias);
    v2 = f32x4.add(v2, bias);
    v3 = f32x4.add(v3, bias);
    if (next) {
      putFour(o0, o1, o2, o3, v0, v1, v2, v3, whole, tiles, i, gap);
      o0 += next;
      o1 += next;
      o2 += next;
      o3 += next;
    }
    v0 = f32x4.pmax(v0, low);
    v1 = f32x4.pmax(v1, low);
    v2 = f32x4.pmax(v2, low);
    v3 = f32x4.pmax(v3, low);
  }
  putFour(o0, o1, o2, o3, v0, v1, v2, v3, whole, tiles, i, gap);
}

/** Stores row `i` of four tiles as far as it lies inside the image. */
// @ts-ignore: decorator
@inline
function putFour(
  o0: usize,
  o1: usize,
  o2: usize,
  o3: usize,
  v0: v128,
  v1: v128,
  v2: v128,
  v3: v128,
  whole: bool,
  tiles: usize,
  i: i32,
  gap: usize,
): void {
  if (whole) {
    v128.store(o0, v0);
    v128.store(o1, v1);
    v128.store(o2, v2);
    v128.store(o3, v3);
  } else {
    putPart(o0, v0, tiles, i, gap);
    putPart(o1, v1, tiles + 16, i, gap);
    putPart(o2, v2, tiles + 32, i, gap);
    putPart(o3, v3, tiles + 48, i, gap);
  }
}


/** Stores the outputs that {@linkcode outputTileStrided} left, as {@linkcode outputTile} does. */
function putTiles(o: usize, row: usize, tiles: usize, bad: v128, ends: bool, bias: v128): v128 {
  const temp = between();
  const zero = f32x4.splat(0);
  let o0 = o + <usize>load<i32>(tiles, 4);
  let o1 = o + <usize>load<i32>(tiles, 20);
  let o2 = o + <usize>load<i32>(tiles, 36);
  let o3 = o + <usize>load<i32>(tiles, 52);
  const whole = areWhole(tiles);
  for (let i = 0; i < 4; i++) {
    const from = temp + <usize>(i << 6);
    const y0 = v128.load(from);
    const y1 = v128.load(from, 16);
    const y2 = v128.load(from, 32);
    const y3 = v128.load(from, 48);
    bad = mad(y0, zero, bad);
    bad = mad(y1, zero, bad);
    bad = mad(y2, zero, bad);
    bad = mad(y3, zero, bad);
    putRows(o0, o1, o2, o3, y0, y1, y2, y3, whole, tiles, i, 4, ends, bias);
    o0 += row;
    o1 += row;
    o2 += row;
    o3 += row;
  }
  return bad;
}

/** Stores what row `i` of a tile has inside the image. */
// @ts-ignore: decorator
@inline
function putPart(p: usize, v: v128, tile: usize, i: i32, gap: usize): void {
  if (i >= load<i32>(tile, 8)) return;
  const columns = load<i32>(tile, 12);
  if (columns === 4) {
    if (gap === 4) v128.store(p, v);
    else scatter(p, v, gap);
  } else putSome(p, v, columns, gap);
}

/** Adds v to four elements at p. */
// @ts-ignore: decorator
@inline
function addTo(p: usize, v: v128): void {
  v128.store(p, f32x4.add(v128.load(p), v));
}

/** Adds two lanes of v, from number 2 · `half` on, to two elements at p. */
// @ts-ignore: decorator
@inline
function addPair(p: usize, v: v128, half: u8): void {
  const sum = f32x4.add(v128.load64_zero(p), half === 0 ? v : i64x2.shuffle(v, v, 1, 1));
  v128.store64_lane(p, sum, 0);
}

/**
 * Transforms 36 vectors, `step` bytes apart, to tiles of 6 × 6 of the gradient for the input, and adds these to the padded
 * image, rows `row` bytes apart, where the table of tiles says.
 */
function backTile(m: usize, step: usize, o: usize, row: usize, tiles: usize): void {
  const k = constants();
  const temp = between();
  const sum = v128.load(k);
  const product = v128.load(k, 16);
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const a = v128.load(k, 64);
  const b = v128.load(k, 80);
  for (let to = temp; to < temp + 96; to += 16) {
    let q = m;
    const m0 = v128.load(q);
    const m1 = v128.load(q += 6 * step);
    const m2 = v128.load(q += 6 * step);
    const m3 = v128.load(q += 6 * step);
    const m4 = v128.load(q += 6 * step);
    const m5 = v128.load(q += 6 * step);
    const sa = f32x4.add(m1, m2);
    const da = f32x4.mul(a, f32x4.sub(m1, m2));
    const sb = f32x4.add(m3, m4);
    const db = f32x4.mul(b, f32x4.sub(m3, m4));
    v128.store(to, f32x4.mul(product, m0));
    v128.store(to, nmad(a2, db, nmad(b2, da, f32x4.mul(product, m5))), 96);
    v128.store(to, nmad(a2, sb, nmad(b2, sa, f32x4.mul(sum, m0))), 192);
    v128.store(to, mad(sum, m5, f32x4.add(da, db)), 288);
    v128.store(to, f32x4.add(f32x4.add(m0, sa), sb), 384);
    v128.store(to, m5, 480);
    m += step;
  }
  let p0 = o + <usize>load<i32>(tiles);
  let p1 = o + <usize>load<i32>(tiles, 16);
  let p2 = o + <usize>load<i32>(tiles, 32);
  let p3 = o + <usize>load<i32>(tiles, 48);
  for (let from = temp; from < temp + 576; from += 96) {
    const m0 = v128.load(from);
    const m1 = v128.load(from, 16);
    const m2 = v128.load(from, 32);
    const m3 = v128.load(from, 48);
    const m4 = v128.load(from, 64);
    const m5 = v128.load(from, 80);
    const sa = f32x4.add(m1, m2);
    const da = f32x4.mul(a, f32x4.sub(m1, m2));
    const sb = f32x4.add(m3, m4);
    const db = f32x4.mul(b, f32x4.sub(m3, m4));
    const y0 = f32x4.mul(product, m0);
    const y1 = nmad(a2, db, nmad(b2, da, f32x4.mul(product, m5)));
    const y2 = nmad(a2, sb, nmad(b2, sa, f32x4.mul(sum, m0)));
    const y3 = mad(sum, m5, f32x4.add(da, db));
    const y4 = f32x4.add(f32x4.add(m0, sa), sb);
    const t0 = i32x4.shuffle(y0, y1, 0, 4, 1, 5);
    const t1 = i32x4.shuffle(y2, y3, 0, 4, 1, 5);
    const t2 = i32x4.shuffle(y0, y1, 2, 6, 3, 7);
    const t3 = i32x4.shuffle(y2, y3, 2, 6, 3, 7);
    const low = i32x4.shuffle(y4, m5, 0, 4, 1, 5);
    const high = i32x4.shuffle(y4, m5, 2, 6, 3, 7);
    addTo(p0, i64x2.shuffle(t0, t1, 0, 2));
    addTo(p1, i64x2.shuffle(t0, t1, 1, 3));
    addTo(p2, i64x2.shuffle(t2, t3, 0, 2));
    addTo(p3, i64x2.shuffle(t2, t3, 1, 3));
    addPair(p0 + 16, low, 0);
    addPair(p1 + 16, low, 1);
    addPair(p2 + 16, high, 0);
    addPair(p3 + 16, high, 1);
    p0 += row;
    p1 += row;
    p2 += row;
    p3 += row;
  }
}

/**
 * Writes what is known of every tile of an image: offset of its input, offset of its output, rows and columns of that.
 * Three tiles more, at the place of the last one, have no rows.
 *
 * Kernels with `dilation` taps' distance meet every `dilation`th element of the image only: the image is cut into parts of
 * these, `plane` elements from one to the next, whose tiles follow one another.
 */
function writeTiles(wide: i32, plane: i32, by: i32): void {
  const across = tilesAcross();
  const down = tilesDown();
  const width = meta(OUT_WIDTH);
  const stepY = meta(DILATION);
  const stepX = meta(DILATION + 1);
  let q = table();
  for (let part = 0; part < stepY * stepX; part++) {
    const y0 = part / stepX;
    const x0 = part - y0 * stepX;
    for (let y = 0; y < down; y++) {
      const top = y0 + 4 * y * stepY;
      for (let x = 0; x < across; x++) {
        const left = x0 + 4 * x * stepX;
        store<i32>(q, (part * plane + by * y * wide + by * x) << 2);
        store<i32>(q, (top * width + left) << 2, 4);
        store<i32>(q, left < width ? min(4, (meta(OUT_HEIGHT) - top + stepY - 1) / stepY) : 0, 8);
        store<i32>(q, min(4, (width - left + stepX - 1) / stepX), 12);
        q += 16;
      }
    }
  }
  for (let i = 0; i < 3; i++) {
    store<i64>(q, load<i64>(q - 16));
    store<i32>(q, 0, 8);
    store<i32>(q, 4, 12);
    q += 16;
  }
}

/** The first element, `step` apart, of a padded image that is not before `before`. */
// @ts-ignore: decorator
@inline
function firstOf(before: i32, step: i32): i32 {
  return before > 0 ? (before + step - 1) / step : 0;
}

/**
 * Copies rows `from` to `end` of the padded image, `wide` elements each, out of an image of `height` × `width` that begins
 * at row `above` and column `before` of it; the rest is 0 already. With dilation these count single elements, and only every
 * so manieth is copied. Answers the greatest magnitude, or `most` if that is more.
 */
function place(
  x: usize,
  to: usize,
  wide: i32,
  from: i32,
  end: i32,
  height: i32,
  width: i32,
  above: i32,
  before: i32,
  most: v128,
): v128 {
  const stepY = meta(DILATION);
  const stepX = meta(DILATION + 1);
  const y0 = max(from, firstOf(above, stepY));
  const y1 = min(end, firstOf(height + above, stepY));
  const x0 = firstOf(before, stepX);
  const columns = <usize>max(0, min(wide, firstOf(width + before, stepX)) - x0) << 2;
  x += <usize>((y0 * stepY - above) * width + x0 * stepX - before) << 2;
  to += <usize>(y0 * wide + x0) << 2;
  const gap = <usize>stepX << 2;
  for (let y = y0; y < y1; y++) {
    let t: usize = 0;
    if (stepX === 1) {
      for (; t + 16 <= columns; t += 16) {
        const v = v128.load(x + t);
        most = f32x4.pmax(most, f32x4.abs(v));
        v128.store(to + t, v);
      }
    }
    for (let q = x + t * <usize>stepX; t < columns; t += 4) {
      const v = v128.load32_zero(q);
      most = f32x4.pmax(most, f32x4.abs(v));
      v128.store32_lane(to + t, v, 0);
      q += gap;
    }
    x += <usize>(stepY * width) << 2;
    to += <usize>wide << 2;
  }
  return most;
}

/**
 * {@linkcode place} for tiles `first` to `end`, of all parts of an image: `by` rows to each row of tiles and `more` for the
 * last, parts `plane` elements apart.
 */
function placeTiles(
  x: usize,
  to: usize,
  wide: i32,
  plane: i32,
  first: i32,
  end: i32,
  by: i32,
  more: i32,
  height: i32,
  width: i32,
  above: i32,
  before: i32,
  most: v128,
): v128 {
  const across = tilesAcross();
  const tiles = across * tilesDown();
  const stepX = meta(DILATION + 1);
  for (let part = first / tiles; part * tiles < end; part++) {
    const top = max(0, first - part * tiles) / across;
    const last = (min(tiles, end - part * tiles) - 1) / across + 1;
    const y0 = part / stepX;
    const x0 = part - y0 * stepX;
    const at = to + (<usize>(part * plane) << 2);
    most = place(x, at, wide, by * top, by * last + more, height, width, above - y0, before - x0, most);
  }
  return most;
}

/** The greatest magnitude of rows `from` to `end` of an image where it is, or `most` if that is more. */
function look(x: usize, width: i32, from: i32, end: i32, most: v128): v128 {
  let p = x + (<usize>(from * width) << 2);
  const last = x + (<usize>(end * width) << 2);
  for (; p + 16 <= last; p += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(p)));
  for (; p < last; p += 4) most = f32x4.pmax(most, f32x4.abs(v128.load32_zero(p)));
  return most;
}

/** {@linkcode FIT}, unless an input was too large or `bad` is not 0. */
function statusOf(most: v128, bad: v128): i32 {
  const fits = v128.and(f32x4.le(most, f32x4.splat(LARGEST)), f32x4.eq(bad, f32x4.splat(0)));
  return i32x4.all_true(fits) ? FIT : UNFIT;
}

/** Most steps of k that are summed one after another: few for exactness, many for speed. */
// @ts-ignore: decorator
@inline
const STEPS: i32 = 64;

/** `k` steps of panels, whose beginnings lie `deep` steps apart, into `mc` × `nc` elements of C, or added: whole tiles. */
function multiply(
  pa: usize,
  pb: usize,
  c: usize,
  ldc: usize,
  mc: i32,
  nc: i32,
  k: i32,
  deep: i32,
  add: bool,
): void {
  for (let i = 0; i < k; i += STEPS) {
    const steps = min(STEPS, k - i);
    let b = pb + (<usize>(NR_F32 * i) << 2);
    for (let j = 0; j < nc; j += NR_F32) {
      let a = pa + (<usize>(MR_F32 * i) << 2);
      let to = c + (<usize>j << 2);
      for (let r = 0; r < mc; r += MR_F32) {
        micro<f32>(a, b, to, ldc, steps, add || i > 0);
        a += <usize>(MR_F32 * deep) << 2;
        to += <usize>MR_F32 * ldc;
      }
      b += <usize>(NR_F32 * deep) << 2;
    }
  }
}

/**
 * x [N, C, H, W] with the weights that {@linkcode winograd_weights_f32} made → o [N, O, H′, W′].
 *
 * A part of it: `rows` of the output channels (weights and outputs begin at the first of them, a multiple of 20), and
 * `count` groups of four tiles from number `first` on of all images, which count whole groups each.
 */
export function winograd_f32(x: usize, u: usize, o: usize, rows: i32, first: i32, count: i32): i32 {
  writeConstants();
  const strided = meta(STRIDE) === 2;
  const by = tileStep(strided);
  const shifts = blocks();
  const more = overlap(strided) + 3 * (blocksOf(meta(KERNEL)) - 1);
  const matrices = <usize>sumsOfTile(strided);
  const channels = meta(CHANNELS);
  const kp = padded(channels);
  const deep = depth(strided) * shifts * kp;
  const across = tilesAcross();
  const tiles = phases() * across * tilesDown();
  const groups = (tiles + 3) >> 2;
  const wide = by * across + overlap(strided) + 3 * (blocksOf(meta(KERNEL + 1)) - 1);
  const high = by * tilesDown() + more;
  const height = meta(HEIGHT);
  const width = meta(WIDTH);
  const outWidth = meta(OUT_WIDTH);
  const plane = wide * high;
  const direct = phases() === 1 && meta(ABOVE) === 0 && meta(BEFORE) === 0 && wide === width && high === height;
  const most = tilesAtOnce(shifts * kp, strided) >> 2;
  const stepU = <usize>stepOf(tall(meta(ROWS)) * deep);
  const stepV = <usize>stepOf(4 * most * deep);
  const some = rowsAtOnce(rows);
  const stepM = <usize>stepOf(some * 4 * most);
  const pad = table() + (<usize>(tiles + 4) << 4);
  const v = pad + (<usize>(phases() * plane + 16) << 2);
  const m = v + matrices * stepV;
  writeTiles(wide, plane, by);
  if (strided) writeOffsets(<i32>stepV, kp << 5);
  if (!direct) memory.fill(pad, 0, <usize>(phases() * plane) << 2);
  let largest = f32x4.splat(0);
  let bad = largest;
  const ends = finishes();
  let bias = largest;
  const result = meta(OUT_HEIGHT) * outWidth;
  // Blocks of equal size, of whole panels of eight tiles.
  const times = (count + most - 1) / most;
  const block = ((count + times - 1) / times + 1) & ~1;
  const last = first + count;
  const row = <usize>(meta(DILATION) * outWidth) << 2;
  const gap = <usize>meta(DILATION + 1) << 2;
  for (let b0 = first; b0 < last; b0 += block) {
    const b1 = min(last, b0 + block);
    const columns = ((b1 - b0 + 1) & ~1) << 2;
    for (let at = b0; at < b1;) {
      const n = at / groups;
      const g0 = at - n * groups;
      const g1 = min(groups, g0 + b1 - at);
      const top = 4 * g0 / across;
      const t1 = min(tiles, 4 * g1);
      const end = (t1 - 1) / across + 1;
      for (let c = 0; c < channels; c++) {
        const from = x + (<usize>(n * meta(IMAGE_STEP) + c * height * width) << 2);
        if (direct) largest = look(from, width, by * top, by * end + more, largest);
        else {
          largest = placeTiles(
            from,
            pad,
            wide,
            plane,
            4 * g0,
            t1,
            by,
            more,
            height,
            width,
            meta(ABOVE),
            meta(BEFORE),
            largest,
          );
        }
        for (let s = 0; s < shifts; s++) {
          const shift = (blockAt(s) >> 16) * wide + (blockAt(s) & 65535);
          const base = (direct ? from : pad) + (<usize>shift << 2);
          let tile = table() + (<usize>g0 << 6);
          for (let g = at - b0; g < at - b0 + g1 - g0; g++) {
            const p0 = base + <usize>load<i32>(tile);
            const p1 = base + <usize>load<i32>(tile, 16);
            const p2 = base + <usize>load<i32>(tile, 32);
            const p3 = base + <usize>load<i32>(tile, 48);
            const to = v + (<usize>((g >> 1) * deep + s * kp + c) << 5) + (<usize>(g & 1) << 4);
            if (strided) inputTileStrided(p0, p1, p2, p3, <usize>wide << 2, to);
            else inputTile(p0, p1, p2, p3, <usize>wide << 2, to, stepV);
            tile += 64;
          }
        }
      }
      at += g1 - g0;
    }
    // Steps of k beyond the channels meet weights of 0, and must be finite.
    for (let c = channels; c < deep; c++) {
      if (c % kp < channels) continue;
      for (let g = 0; g < columns >> 3; g++) {
        for (let i = v + (<usize>(g * deep + c) << 5); i < v + matrices * stepV; i += stepV) {
          v128.store(i, f32x4.splat(0));
          v128.store(i, f32x4.splat(0), 16);
        }
      }
    }
    for (let r = 0; r < rows; r += some) {
      const mc = min(some, rows - r);
      const full = (mc + MR_F32 - 1) / MR_F32 * MR_F32;
      const ldm = <usize>columns << 2;
      for (let i: usize = 0; i < matrices; i++) {
        const before = kp * firstBlock(<i32>i);
        const a = u + i * stepU + (<usize>(r * deep + before * MR_F32) << 2);
        const b = v + i * stepV + (<usize>(before * NR_F32) << 2);
        const k = (strided ? partsOf(<i32>i) : endBlock(<i32>i)) * kp - before;
        multiply(a, b, m + i * stepM, ldm, full, columns, k, deep, false);
      }
      for (let j = 0; j < mc; j++) {
        let from = m + <usize>j * ldm;
        for (let g = b0; g < b1; g++) {
          const n = g / groups;
          const to = o + (<usize>(n * meta(OUT_STEP) + (r + j) * result) << 2);
          const tile = table() + (<usize>(g - n * groups) << 6);
          if (ends && (g === b0 || g === n * groups)) bias = biasOf(to, result);
          if (strided) {
            outputTileStrided(from, stepM);
            bad = putTiles(to, <usize>outWidth << 2, tile, bad, ends, bias);
          } else bad = outputTile(from, stepM, to, row, gap, tile, bad, ends, bias);
          from += 16;
        }
      }
    }
  }
  return statusOf(largest, bad);
}

/** Copies the image out of the padded one; answers `bad` plus 0, or plus NaN where an element is not finite. */
function take(pad: usize, wide: i32, o: usize, bad: v128): v128 {
  const zero = f32x4.splat(0);
  const height = meta(HEIGHT);
  const row = <usize>meta(WIDTH) << 2;
  const whole = row & ~15;
  pad += <usize>(meta(ABOVE) * wide + meta(BEFORE)) << 2;
  for (let y = 0; y < height; y++) {
    let t: usize = 0;
    for (; t < whole; t += 16) {
      const v = v128.load(pad + t);
      bad = mad(v, zero, bad);
      v128.store(o + t, v);
    }
    for (; t < row; t += 4) {
      const v = v128.load32_zero(pad + t);
      bad = mad(v, zero, bad);
      v128.store32_lane(o + t, v, 0);
    }
    pad += <usize>wide << 2;
    o += row;
  }
  return bad;
}

/** Images of a block of {@linkcode winograd_back_f32}. */
// @ts-ignore: decorator
@inline
function imagesAtOnce(groups: i32, channels: i32): i32 {
  return max(1, tilesAtOnce(channels, false) / 4 / groups);
}

/** Rows of a block of {@linkcode winograd_back_f32}. */
// @ts-ignore: decorator
@inline
function rowsOfBack(rows: i32, strided: bool): i32 {
  return min(tall(rows), strided ? 20 : 80);
}

/** Bytes of working memory of {@linkcode winograd_back_f32} for `rows` of `size` elements of an image, padded. */
export function winograd_back_scratch(
  rows: i32,
  channels: i32,
  height: i32,
  width: i32,
  size: i32,
  stride: i32,
): i32 {
  const strided = stride === 2;
  const across = (width + 3) >> 2;
  const down = (height + 3) >> 2;
  const groups = (across * down + 3) >> 2;
  const tiles = 4 * groups * imagesAtOnce(groups, channels) + 4;
  return gemm_scratch(4) + HEAD + (across * down + 4) * 16 + (16 * across * down + size + 32) * 4 +
    sumsOfTile(strided) * stepOf(tiles * padded(channels)) +
    partsOfTile(strided) * stepOf(rowsOfBack(rows, strided) * tiles);
}

/**
 * The gradient g [N, O, H′, W′] with the weights that {@linkcode winograd_weights_f32} made, O being their channels → the
 * gradient for the input, o [N, C, H, W], C being the rows: of `batch` images and `rows` as those of {@linkcode winograd_f32}.
 * At META are the numbers of the convolution itself, but for rows and channels.
 */
export function winograd_back_f32(x: usize, u: usize, o: usize, rows: i32, batch: i32): i32 {
  writeConstants();
  const strided = meta(STRIDE) === 2;
  const by = tileStep(strided);
  const more = overlap(strided);
  const sums = <usize>sumsOfTile(strided);
  const parts = <usize>partsOfTile(strided);
  const channels = meta(CHANNELS);
  const kp = padded(channels);
  const across = tilesAcross();
  const tiles = across * tilesDown();
  const groups = (tiles + 3) >> 2;
  const outHeight = meta(OUT_HEIGHT);
  const outWidth = meta(OUT_WIDTH);
  const plane = outHeight * outWidth;
  const wide = max(by * across + more, meta(BEFORE) + meta(WIDTH));
  const high = max(by * tilesDown() + more, meta(ABOVE) + meta(HEIGHT));
  const some = rowsOfBack(rows, strided);
  const most = imagesAtOnce(groups, channels);
  const all = 4 * groups * most + 4;
  const stepU = <usize>stepOf(tall(meta(ROWS)) * kp);
  const stepV = <usize>stepOf(all * kp);
  const stepM = <usize>stepOf(some * all);
  const pad = table() + (<usize>(tiles + 4) << 4);
  const image = pad + (<usize>(16 * tiles + 16) << 2);
  const v = image + (<usize>(wide * high + 16) << 2);
  const m = v + sums * stepV;
  const direct = 4 * across === outWidth && 4 * tilesDown() === outHeight;
  writeTiles(wide, 0, by);
  if (!direct) memory.fill(pad, 0, <usize>(16 * tiles) << 2);
  let largest = f32x4.splat(0);
  let bad = largest;
  for (let b = 0; b < batch; b += most) {
    const images = min(most, batch - b);
    const columns = ((images * groups + 1) & ~1) << 2;
    for (let n = 0; n < images; n++) {
      for (let c = 0; c < channels; c++) {
        const from = x + (<usize>((b + n) * meta(OUT_STEP) + c * plane) << 2);
        if (direct) largest = look(from, outWidth, 0, outHeight, largest);
        else largest = place(from, pad, 4 * across, 0, outHeight, outHeight, outWidth, 0, 0, largest);
        const base = direct ? from : pad;
        for (let t = 0; t < tiles; t += 4) {
          // Past the last tile there are none: their gradients are 0.
          const g = n * groups + (t >> 2);
          const to = v + (<usize>((g >> 1) * kp + c) << 5) + (<usize>(g & 1) << 4);
          const p0 = base + gradOf(t, tiles, across);
          const p1 = base + gradOf(t + 1, tiles, across);
          const p2 = base + gradOf(t + 2, tiles, across);
          const p3 = base + gradOf(t + 3, tiles, across);
          if (strided) gradTileStrided(p0, p1, p2, p3, <usize>across << 4, to, stepV, 0);
          else gradTile(p0, p1, p2, p3, <usize>across << 4, to, stepV, 0);
          if (t + 4 > tiles) clearLanes(to, stepV, tiles - t, sumsOfTile(strided));
        }
      }
    }
    for (let c = channels; c < kp; c++) {
      for (let g = 0; g < columns >> 3; g++) {
        for (let i = v + (<usize>(g * kp + c) << 5); i < v + sums * stepV; i += stepV) {
          v128.store(i, f32x4.splat(0));
          v128.store(i, f32x4.splat(0), 16);
        }
      }
    }
    for (let r = 0; r < rows; r += some) {
      const mc = min(some, rows - r);
      const full = (mc + MR_F32 - 1) / MR_F32 * MR_F32;
      const ldm = <usize>columns << 2;
      for (let i: usize = 0; i < parts; i++) {
        const a = u + i * stepU + (<usize>(r * kp) << 2);
        const b = v + (strided ? <usize>sumOf(<i32>i) : i) * stepV;
        multiply(a, b, m + i * stepM, ldm, full, columns, kp, kp, false);
      }
      for (let j = 0; j < mc; j++) {
        let from = m + <usize>j * ldm;
        for (let n = 0; n < images; n++) {
          memory.fill(image, 0, <usize>(wide * high) << 2);
          for (let g = 0; g < groups; g++) {
            const tile = table() + (<usize>g << 6);
            if (strided) backTileStrided(from, stepM, image, <usize>wide << 2, tile);
            else backTile(from, stepM, image, <usize>wide << 2, tile);
            from += 16;
          }
          const to = (b + n) * meta(IMAGE_STEP) + (r + j) * meta(HEIGHT) * meta(WIDTH);
          bad = take(image, wide, o + (<usize>to << 2), bad);
        }
      }
    }
  }
  return statusOf(largest, bad);
}

/** Offset of tile `t` of a gradient of whole tiles, or of the last one. */
// @ts-ignore: decorator
@inline
function gradOf(t: i32, tiles: i32, across: i32): usize {
  const u = min(t, tiles - 1);
  const y = u / across;
  return <usize>(16 * y * across + 4 * (u - y * across)) << 2;
}

/** Writes 0 to the lanes from number `n` on of `count` vectors. */
function clearLanes(p: usize, step: usize, n: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    for (let l = n; l < 4; l++) store<f32>(p + (<usize>l << 2), 0);
    p += step;
  }
}

/**
 * g [N, O, H′, W′] and x [N, C, H, W] → o [O, C, 3, 3], of `batch` images and `channels` of C.
 *
 * Where an input was too large, the first number of the result is NaN; where one was not finite, some are not.
 */
export function winograd_weight_grad_f32(g: usize, x: usize, o: usize, batch: i32, channels: i32): void {
  writeConstants();
  const strided = meta(STRIDE) === 2;
  const by = tileStep(strided);
  const shifts = blocks();
  const more = overlap(strided) + 3 * (blocksOf(meta(KERNEL)) - 1);
  const parts = <usize>partsOfTile(strided);
  const sums = <usize>sumsOfTile(strided);
  const rows = meta(ROWS);
  const across = tilesAcross();
  const down = tilesDown();
  const perPart = across * down;
  const tiles = phases() * perPart;
  const wide = by * across + overlap(strided) + 3 * (blocksOf(meta(KERNEL + 1)) - 1);
  const high = by * down + more;
  const height = meta(HEIGHT);
  const width = meta(WIDTH);
  const outHeight = meta(OUT_HEIGHT);
  const outWidth = meta(OUT_WIDTH);
  const plane = wide * high;
  const direct = phases() === 1 && meta(ABOVE) === 0 && meta(BEFORE) === 0 && wide === width && high === height;
  const directGrad = phases() === 1 && 4 * across === outWidth && 4 * down === outHeight;
  const most = tilesOfGrad(rows, meta(CHANNELS) * shifts);
  const some = (channels + 7) & ~7;
  const columns = shifts * some;
  const full = (rows + MR_F32 - 1) / MR_F32 * MR_F32;
  const stepV = <usize>stepOf(most * columns);
  const stepZ = <usize>stepOf(most * tall(rows));
  const stepD = <usize>stepOf(tall(rows) * columns);
  const size = <usize>(phases() * plane + 16) << 2;
  const gradSize = <usize>(16 * tiles + 16) << 2;
  const pad = table() + (<usize>(tiles + 4) << 4);
  const padGrad = pad + 4 * size;
  const v = padGrad + 4 * gradSize;
  const z = v + parts * stepV;
  const d = z + sums * stepZ;
  if (strided) writeOffsets(<i32>stepV, 0);
  if (!direct) memory.fill(pad, 0, 4 * size);
  if (!directGrad) memory.fill(padGrad, 0, 4 * gradSize);
  let largest = f32x4.splat(0);
  const all = batch * tiles;
  const times = (all + most - 1) / most;
  const block = ((all + times - 1) / times + 3) & ~3;
  for (let b0 = 0; b0 < all; b0 += block) {
    const b1 = min(all, b0 + block);
    const kp = padded(b1 - b0);
    for (let at = b0; at < b1;) {
      const n = at / tiles;
      const t0 = at - n * tiles;
      const t1 = min(tiles, t0 + b1 - at);
      const top = t0 / across;
      const end = (t1 - 1) / across + 1;
      for (let c = 0; c < some; c += 4) {
        // Past the last channel it is read again.
        const c0 = min(c, channels - 1);
        const from = x + (<usize>(n * meta(IMAGE_STEP)) << 2);
        let p0 = from + (<usize>(c0 * height * width) << 2);
        let p1 = from + (<usize>(min(c + 1, channels - 1) * height * width) << 2);
        let p2 = from + (<usize>(min(c + 2, channels - 1) * height * width) << 2);
        let p3 = from + (<usize>(min(c + 3, channels - 1) * height * width) << 2);
        if (direct) {
          largest = look(p0, width, by * top, by * end + more, largest);
          largest = look(p1, width, by * top, by * end + more, largest);
          largest = look(p2, width, by * top, by * end + more, largest);
          largest = look(p3, width, by * top, by * end + more, largest);
        } else {
          largest = placeFour(
            p0,
            p1,
            p2,
            p3,
            pad,
            size,
            wide,
            plane,
            t0,
            t1,
            by,
            more,
            height,
            width,
            meta(ABOVE),
            meta(BEFORE),
            largest,
          );
          p0 = pad;
          p1 = pad + size;
          p2 = pad + 2 * size;
          p3 = pad + 3 * size;
        }
        for (let s = 0; s < shifts; s++) {
          const shift = (blockAt(s) >> 16) * wide + (blockAt(s) & 65535);
          const column = s * some + c;
          let to = v + (<usize>((column >> 3) * kp + at - b0) << 5) + (<usize>(c & 4) << 2);
          for (let t = t0; t < t1; t++) {
            const part = t / perPart;
            const u = t - part * perPart;
            const y = u / across;
            const at = <usize>(part * plane + by * (y * wide + u - y * across) + shift) << 2;
            if (strided) inputTileStrided(p0 + at, p1 + at, p2 + at, p3 + at, <usize>wide << 2, to);
            else inputTile(p0 + at, p1 + at, p2 + at, p3 + at, <usize>wide << 2, to, stepV);
            to += 32;
          }
        }
      }
      for (let r = 0; r < rows; r += TALL) {
        for (let j = 0; j < 5; j++) {
          const fifth = MR_F32 === 5 && j === 4;
          const row = fifth ? r + 4 : r + j * MR_F32;
          const gap = fifth ? 5 : 1;
          if (row >= rows) continue;
          const from = g + (<usize>(n * meta(OUT_STEP)) << 2);
          const plane = outHeight * outWidth;
          let p0 = from + (<usize>(row * plane) << 2);
          let p1 = from + (<usize>(min(row + gap, rows - 1) * plane) << 2);
          let p2 = from + (<usize>(min(row + 2 * gap, rows - 1) * plane) << 2);
          let p3 = from + (<usize>(min(row + 3 * gap, rows - 1) * plane) << 2);
          if (directGrad) {
            largest = look(p0, outWidth, 4 * top, 4 * end, largest);
            largest = look(p1, outWidth, 4 * top, 4 * end, largest);
            largest = look(p2, outWidth, 4 * top, 4 * end, largest);
            largest = look(p3, outWidth, 4 * top, 4 * end, largest);
          } else {
            largest = placeFour(
              p0,
              p1,
              p2,
              p3,
              padGrad,
              gradSize,
              4 * across,
              16 * perPart,
              t0,
              t1,
              4,
              0,
              outHeight,
              outWidth,
              0,
              0,
              largest,
            );
            p0 = padGrad;
            p1 = padGrad + gradSize;
            p2 = padGrad + 2 * gradSize;
            p3 = padGrad + 3 * gradSize;
          }
          const panel = <usize>(MR_F32 * kp) << 2;
          let to = z + (<usize>(r * kp) << 2) + (fifth ? 16 : <usize>j * panel) + (<usize>((at - b0) * MR_F32) << 2);
          for (let t = t0; t < t1; t++) {
            const y = t / across;
            const q = <usize>(16 * (y * across) + 4 * (t - y * across)) << 2;
            const apart: usize = fifth ? panel : 0;
            if (strided) gradTileStrided(p0 + q, p1 + q, p2 + q, p3 + q, <usize>across << 4, to, stepZ, apart);
            else gradTile(p0 + q, p1 + q, p2 + q, p3 + q, <usize>across << 4, to, stepZ, apart);
            to += <usize>MR_F32 << 2;
          }
        }
      }
      at += t1 - t0;
    }
    for (let i: usize = 0; i < sums; i++) clearSteps(z + i * stepZ, MR_F32, full, b1 - b0, kp);
    for (let i: usize = 0; i < parts; i++) {
      const a = z + (strided ? <usize>sumOf(<i32>i) : i) * stepZ;
      const before = some * firstBlock(<i32>i);
      const b = v + i * stepV + (<usize>(before * kp) << 2);
      const n = some * endBlock(<i32>i) - before;
      clearSteps(b, 8, n, b1 - b0, kp);
      multiply(a, b, d + i * stepD + (<usize>before << 2), <usize>columns << 2, full, n, kp, kp, b0 > 0);
    }
  }
  const taps = meta(KERNEL) * meta(KERNEL + 1);
  for (let s = 0; s < shifts; s++) {
    const y = blockAt(s) >> 16;
    const x = blockAt(s) & 65535;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < channels; c += 4) {
        const from = d + (<usize>(r * columns + s * some + c) << 2);
        if (strided) kernelTileStrided(from, stepD);
        else kernelTile(from, stepD);
        putBlock(o + (<usize>((r * meta(CHANNELS) + c) * taps) << 2), y, x, min(4, channels - c));
      }
    }
  }
  if (statusOf(largest, f32x4.splat(0)) !== FIT) store<f32>(o, NaN);
}

/**
 * Stores the nine vectors at {@linkcode between}, whose lanes are the block at row `y` and column `x` of `n` up to four
 * kernels, the first of which is at `o`.
 */
function putBlock(o: usize, y: i32, x: i32, n: i32): void {
  const width = meta(KERNEL + 1);
  const apart = <usize>(meta(KERNEL) * width) << 2;
  const rows = min(3, meta(KERNEL) - y);
  const columns = min(3, width - x);
  const row = <usize>width << 2;
  let from = between();
  o += <usize>(y * width + x) << 2;
  if (n === 4 && rows === 3 && columns === 3) {
    for (let i = 0; i < 3; i++) {
      scatter(o, v128.load(from), apart);
      scatter(o + 4, v128.load(from, 16), apart);
      scatter(o + 8, v128.load(from, 32), apart);
      o += row;
      from += 48;
    }
    return;
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const v = v128.load(from + (<usize>j << 4));
      if (n === 4) scatter(o + (<usize>j << 2), v, apart);
      else putSome(o + (<usize>j << 2), v, n, apart);
    }
    o += row;
    from += 48;
  }
}

/** Four planes by {@linkcode placeTiles}, `size` bytes apart. */
function placeFour(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  to: usize,
  size: usize,
  wide: i32,
  plane: i32,
  first: i32,
  end: i32,
  by: i32,
  more: i32,
  height: i32,
  width: i32,
  above: i32,
  before: i32,
  most: v128,
): v128 {
  most = placeTiles(p0, to, wide, plane, first, end, by, more, height, width, above, before, most);
  most = placeTiles(p1, to + size, wide, plane, first, end, by, more, height, width, above, before, most);
  most = placeTiles(p2, to + 2 * size, wide, plane, first, end, by, more, height, width, above, before, most);
  return placeTiles(p3, to + 3 * size, wide, plane, first, end, by, more, height, width, above, before, most);
}

/** Writes 0 to the steps from `k` to `kp` of panels that are `wide` elements a step. */
function clearSteps(p: usize, wide: i32, all: i32, k: i32, kp: i32): void {
  if (k === kp) return;
  const panel = <usize>(wide * kp) << 2;
  for (let i = 0; i < all; i += wide) {
    memory.fill(p + (<usize>(wide * k) << 2), 0, <usize>(wide * (kp - k)) << 2);
    p += panel;
  }
}

/** Transforms 36 vectors, `step` bytes apart, back to 3 × 3 weights: nine vectors at {@linkcode between}. */
function kernelTile(m: usize, step: usize): void {
  const k = constants();
  const temp = between() + 144;
  const a2 = v128.load(k, 32);
  const b2 = v128.load(k, 48);
  const a = v128.load(k, 64);
  const b = v128.load(k, 80);
  const n0 = v128.load(k, 128);
  const na = v128.load(k, 144);
  const nb = v128.load(k, 160);
  for (let to = temp; to < temp + 96; to += 16) {
    let q = m;
    const m0 = v128.load(q);
    const m1 = v128.load(q += 6 * step);
    const m2 = v128.load(q += 6 * step);
    const m3 = v128.load(q += 6 * step);
    const m4 = v128.load(q += 6 * step);
    const m5 = v128.load(q += 6 * step);
    const sa = f32x4.mul(na, f32x4.add(m1, m2));
    const da = f32x4.mul(na, f32x4.sub(m1, m2));
    const sb = f32x4.mul(nb, f32x4.add(m3, m4));
    const db = f32x4.mul(nb, f32x4.sub(m3, m4));
    v128.store(to, mad(n0, m0, f32x4.add(sa, sb)));
    v128.store(to, mad(b, db, f32x4.mul(a, da)), 96);
    v128.store(to, mad(b2, sb, mad(a2, sa, m5)), 192);
    m += step;
  }
  let to = between();
  for (let from = temp; from < temp + 288; from += 96) {
    const m1 = v128.load(from, 16);
    const m2 = v128.load(from, 32);
    const m3 = v128.load(from, 48);
    const m4 = v128.load(from, 64);
    const sa = f32x4.mul(na, f32x4.add(m1, m2));
    const da = f32x4.mul(na, f32x4.sub(m1, m2));
    const sb = f32x4.mul(nb, f32x4.add(m3, m4));
    const db = f32x4.mul(nb, f32x4.sub(m3, m4));
    v128.store(to, mad(n0, v128.load(from), f32x4.add(sa, sb)));
    v128.store(to, mad(b, db, f32x4.mul(a, da)), 16);
    v128.store(to, mad(b2, sb, mad(a2, sa, v128.load(from, 80))), 32);
    to += 48;
  }
}

/** {@linkcode FIT} when all `n` numbers at p are finite. */
export function all_finite_f32(p: usize, n: i32): i32 {
  const zero = f32x4.splat(0);
  let bad = zero;
  const end = p + (<usize>n << 2);
  for (; p + 16 <= end; p += 16) bad = mad(v128.load(p), zero, bad);
  for (; p < end; p += 4) bad = mad(v128.load32_zero(p), zero, bad);
  return statusOf(zero, bad);
}
