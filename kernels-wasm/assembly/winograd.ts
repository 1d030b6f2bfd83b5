/**
 * Convolutions with kernels of 3 × 3 by Winograd's minimal filtering F(4 × 4, 3 × 3) (Lavin and Gray 2016,
 * https://arxiv.org/abs/1509.09308): a tile of 4 × 4 outputs needs 36 products for each pair of channels instead of 144.
 * Where the kernels move by 2 they are sums of smaller ones over every second element, and a tile needs 81. Larger kernels
 * that move by 1 are sums of kernels of 3 × 3, each for the image shifted by as many elements: a channel then counts as one
 * for each of these blocks. Dilated kernels meet every so manieth element: the image is cut into parts of these, and the
 * tiles of all are tiles of one.
 *
 * Tiles of the image, and weights, are transformed; the products are products of matrices, channels by tiles, by the kernels
 * of gemm; outputs are transformed back. `winograd_matrices.ts` has the transforms, of which `build_winograd.ts` makes
 * `generated/winograd_tiles.ts`. The gradient for the input is the convolution with flipped weights, or where that has more
 * tiles, the same products transposed, whose tiles are added up. The gradient for the weight has the same products,
 * transposed for weights.
 *
 * A tile's outputs are sums over all of the tile: a NaN, an infinity or a very large number in it would reach outputs whose
 * window does not cover it. So a part answers whether it met any, and the host computes the convolution in another way.
 *
 * Four tiles at a time, or the same tile of four channels, lie in the lanes of vectors.
 */

import { biasOf, finishes } from "./finish";
import { gemm_scratch, micro, padded } from "./gemm";
import { MR_F32, NR_F32 } from "./gemm_micro";
import {
  backTile,
  kernelTile,
  loadWeights,
  outputTile,
  weightTile,
  writeNumbers,
} from "./generated/winograd_tiles";
import {
  FIT,
  forget,
  Frame,
  imageFrame,
  putBlock,
  resultFrame,
  status,
  uncover,
  writeTiles,
} from "./winograd_image";
import {
  ABOVE,
  BEFORE,
  between,
  blockAt,
  blocks,
  blocksOf,
  CHANNELS,
  depth,
  DILATION,
  endBlock,
  firstBlock,
  HEAD,
  HEIGHT,
  IMAGE_STEP,
  KERNEL,
  meta,
  OUT_HEIGHT,
  OUT_STEP,
  OUT_WIDTH,
  overlap,
  partsOf,
  partsOfTile,
  phases,
  ROWS,
  stepOf,
  STRIDE,
  sumOf,
  sumsOfTile,
  table,
  TALL,
  tall,
  tilesAcross,
  tilesAlong,
  tilesDown,
  tileStep,
  WIDTH,
  writeOffsets,
} from "./winograd_layout";
import {
  clearSteps,
  isFifth,
  loadBlock,
  packGrad,
  packImage,
  packResult,
  packTiles,
  placeOf,
  rowOf,
} from "./winograd_pack";

export { all_finite_f32 } from "./winograd_image";

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

/** Tiles of a block of the gradient for the weight. */
// @ts-ignore: decorator
@inline
function tilesOfGrad(rows: i32, channels: i32): i32 {
  return max(32, min(128, 6144 / (rows + channels) & ~3));
}

/** Elements of a part of an image, of `across` × `down` tiles, padded. */
// @ts-ignore: decorator
@inline
function imageOf(across: i32, down: i32, strided: bool, kernelHeight: i32, kernelWidth: i32): i32 {
  const by = tileStep(strided);
  const wide = by * across + overlap(strided) + 3 * (blocksOf(kernelWidth) - 1);
  return wide * (by * down + overlap(strided) + 3 * (blocksOf(kernelHeight) - 1)) + 16;
}

/** Bytes of {@linkcode winograd_weights_f32}'s result. */
export function winograd_weights_size(rows: i32, channels: i32, mode: i32): f64 {
  const strided = mode >= DEEP;
  const matrices: f64 = mode === APART ? partsOfTile(true) : depth(strided) * sumsOfTile(strided);
  return matrices * (<f64>(tall(rows) * padded(channels)) * 4 + 4096 + 192);
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
  writeNumbers();
  const strided = mode >= DEEP;
  const shifts = blocks();
  const deep = depth(mode === DEEP);
  const kp = shifts * padded(channels);
  const step = <usize>stepOf(tall(rows) * kp * deep);
  const matrices = mode === APART ? partsOfTile(true) : sumsOfTile(strided);
  const part = <usize>(MR_F32 * kp) << 2;
  const panel = <usize>deep * part;
  if (strided) writeOffsets(<i32>step, mode === DEEP ? <i32>part : 0);
  const begin = between() + (mode === TURNED ? 128 : 0);
  const next: usize = mode === TURNED ? <usize>-16 : 16;
  const end = min(rows, first + count);
  for (let r = first; r < end; r += TALL) {
    const top = u + (<usize>(r * kp * deep) << 2);
    for (let v = 0; v < 5; v++) {
      const q0 = w + (<usize>min(r + rowOf(v, 0), rows - 1) * <usize>rowStep << 2);
      const q1 = w + (<usize>min(r + rowOf(v, 1), rows - 1) * <usize>rowStep << 2);
      const q2 = w + (<usize>min(r + rowOf(v, 2), rows - 1) * <usize>rowStep << 2);
      const q3 = w + (<usize>min(r + rowOf(v, 3), rows - 1) * <usize>rowStep << 2);
      const apart: usize = isFifth(v) ? panel : 0;
      for (let s = 0; s < shifts; s++) {
        // Turned around, the last block of the kernel comes first.
        const y = mode === TURNED ? meta(KERNEL) - 3 - (blockAt(s) >> 16) : blockAt(s) >> 16;
        const x = mode === TURNED ? meta(KERNEL + 1) - 3 - (blockAt(s) & 65535) : blockAt(s) & 65535;
        let to = top + placeOf(v, panel) + (<usize>(s * padded(channels) * MR_F32) << 2);
        for (let c = 0; c < channels; c++) {
          const by = <usize>(c * channelStep) << 2;
          if (shifts > 1) loadBlock(q0 + by, q1 + by, q2 + by, q3 + by, y, x, begin, next);
          else loadWeights(q0 + by, q1 + by, q2 + by, q3 + by, begin, next);
          weightTile(strided, to, step, apart);
          to += <usize>MR_F32 << 2;
        }
      }
    }
    clearSteps(top, MR_F32, TALL * deep * shifts, channels, padded(channels), matrices, step);
  }
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

/** The padded image of the convolution and of the gradient for the weight. */
function paddedFrame(strided: bool): Frame {
  const by = tileStep(strided);
  const more = overlap(strided) + 3 * (blocksOf(meta(KERNEL)) - 1);
  const wide = by * tilesAcross() + overlap(strided) + 3 * (blocksOf(meta(KERNEL + 1)) - 1);
  return imageFrame(by, more, wide, by * tilesDown() + more);
}

/**
 * x [N, C, H, W] with the weights that {@linkcode winograd_weights_f32} made → o [N, O, H′, W′].
 *
 * A part of it: `rows` of the output channels (weights and outputs begin at the first of them, a multiple of 20), and
 * `count` groups of four tiles from number `first` on of all images, which count whole groups each.
 */
export function winograd_f32(x: usize, u: usize, o: usize, rows: i32, first: i32, count: i32): i32 {
  writeNumbers();
  forget();
  const strided = meta(STRIDE) === 2;
  const image = paddedFrame(strided);
  const shifts = blocks();
  const matrices = <usize>sumsOfTile(strided);
  const channels = meta(CHANNELS);
  const kp = padded(channels);
  const deep = depth(strided) * shifts * kp;
  const tiles = phases() * image.tiles;
  const groups = (tiles + 3) >> 2;
  const result = meta(OUT_HEIGHT) * meta(OUT_WIDTH);
  const row = <usize>(meta(DILATION) * meta(OUT_WIDTH)) << 2;
  const gap = <usize>meta(DILATION + 1) << 2;
  const most = tilesAtOnce(shifts * kp, strided) >> 2;
  const some = rowsAtOnce(rows);
  const stepU = <usize>stepOf(tall(meta(ROWS)) * deep);
  const stepV = <usize>stepOf(4 * most * deep);
  const stepM = <usize>stepOf(some * 4 * most);
  const pad = table() + (<usize>(tiles + 4) << 4);
  const v = pad + image.bytes;
  const m = v + matrices * stepV;
  writeTiles(image, null);
  if (strided) writeOffsets(<i32>stepV, kp << 5);
  if (!image.direct) memory.fill(pad, 0, image.bytes);
  const ends = finishes();
  let bias = f32x4.splat(0);
  // Blocks of equal size, of whole panels of eight tiles.
  const times = (count + most - 1) / most;
  const block = ((count + times - 1) / times + 1) & ~1;
  const last = first + count;
  for (let b0 = first; b0 < last; b0 += block) {
    const b1 = min(last, b0 + block);
    const columns = ((b1 - b0 + 1) & ~1) << 2;
    for (let at = b0; at < b1;) {
      const n = at / groups;
      const g0 = at - n * groups;
      const g1 = min(groups, g0 + b1 - at);
      image.choose(4 * g0, min(tiles, 4 * g1));
      packTiles(image, x + (<usize>(n * meta(IMAGE_STEP)) << 2), pad, v, stepV, deep, at - b0);
      at += g1 - g0;
    }
    // Steps of k beyond the channels meet weights of 0, and must be finite.
    clearSteps(v, NR_F32, columns * (deep / kp), channels, kp, <i32>matrices, stepV);
    for (let r = 0; r < rows; r += some) {
      const mc = min(some, rows - r);
      const full = (mc + MR_F32 - 1) / MR_F32 * MR_F32;
      const ldm = <usize>columns << 2;
      for (let i: usize = 0; i < matrices; i++) {
        const before = kp * firstBlock(<i32>i);
        const a = u + i * stepU + (<usize>(r * deep + before * MR_F32) << 2);
        const b = v + i * stepV + (<usize>(before * NR_F32) << 2);
        const k = (strided ? partsOf(<i32>i, true) : endBlock(<i32>i)) * kp - before;
        multiply(a, b, m + i * stepM, ldm, full, columns, k, deep, false);
      }
      for (let j = 0; j < mc; j++) {
        let from = m + <usize>j * ldm;
        for (let g = b0; g < b1; g++) {
          const n = g / groups;
          const to = o + (<usize>(n * meta(OUT_STEP) + (r + j) * result) << 2);
          const tile = table() + (<usize>(g - n * groups) << 6);
          if (ends && (g === b0 || g === n * groups)) bias = biasOf(to, result);
          outputTile(strided, from, stepM, to, row, gap, tile, ends, bias);
          from += 16;
        }
      }
    }
  }
  return status();
}

/**
 * The gradient g [N, O, H′, W′] with the weights that {@linkcode winograd_weights_f32} made, O being their channels → the
 * gradient for the input, o [N, C, H, W], C being the rows: of `batch` images and `rows` as those of {@linkcode winograd_f32}.
 * At META are the numbers of the convolution itself, but for rows and channels.
 */
export function winograd_back_f32(x: usize, u: usize, o: usize, rows: i32, batch: i32): i32 {
  writeNumbers();
  forget();
  const strided = meta(STRIDE) === 2;
  const by = tileStep(strided);
  const more = overlap(strided);
  const wide = max(by * tilesAcross() + more, meta(BEFORE) + meta(WIDTH));
  const image = imageFrame(by, more, wide, max(by * tilesDown() + more, meta(ABOVE) + meta(HEIGHT)));
  const result = resultFrame();
  const sums = <usize>sumsOfTile(strided);
  const parts = <usize>partsOfTile(strided);
  const channels = meta(CHANNELS);
  const kp = padded(channels);
  const tiles = image.tiles;
  const groups = (tiles + 3) >> 2;
  const size = meta(HEIGHT) * meta(WIDTH);
  const some = rowsOfBack(rows, strided);
  const most = imagesAtOnce(groups, channels);
  const all = 4 * groups * most + 4;
  const stepU = <usize>stepOf(tall(meta(ROWS)) * kp);
  const stepV = <usize>stepOf(all * kp);
  const stepM = <usize>stepOf(some * all);
  const pad = table() + (<usize>(tiles + 4) << 4);
  const added = pad + result.bytes;
  const v = added + image.bytes;
  const m = v + sums * stepV;
  writeTiles(image, result);
  result.choose(0, tiles);
  if (!result.direct) memory.fill(pad, 0, result.bytes);
  for (let b = 0; b < batch; b += most) {
    const images = min(most, batch - b);
    const columns = ((images * groups + 1) & ~1) << 2;
    for (let n = 0; n < images; n++) {
      packResult(result, x + (<usize>((b + n) * meta(OUT_STEP)) << 2), pad, v, stepV, n * groups);
    }
    clearSteps(v, NR_F32, columns, channels, kp, <i32>sums, stepV);
    for (let r = 0; r < rows; r += some) {
      const mc = min(some, rows - r);
      const full = (mc + MR_F32 - 1) / MR_F32 * MR_F32;
      const ldm = <usize>columns << 2;
      for (let i: usize = 0; i < parts; i++) {
        const a = u + i * stepU + (<usize>(r * kp) << 2);
        multiply(a, v + <usize>sumOf(<i32>i, strided) * stepV, m + i * stepM, ldm, full, columns, kp, kp, false);
      }
      for (let j = 0; j < mc; j++) {
        let from = m + <usize>j * ldm;
        for (let n = 0; n < images; n++) {
          memory.fill(added, 0, image.bytes);
          for (let g = 0; g < groups; g++) {
            backTile(strided, from, stepM, added, <usize>wide << 2, table() + (<usize>g << 6));
            from += 16;
          }
          uncover(image, added, o + (<usize>((b + n) * meta(IMAGE_STEP) + (r + j) * size) << 2));
        }
      }
    }
  }
  return status();
}

/** Transforms a block of all kernels of `channels` back and stores it at its place in them; rows are `columns` elements. */
function putBlocks(d: usize, step: usize, columns: i32, o: usize, block: i32, channels: i32): void {
  const strided = meta(STRIDE) === 2;
  const taps = meta(KERNEL) * meta(KERNEL + 1);
  for (let r = 0; r < meta(ROWS); r++) {
    for (let c = 0; c < channels; c += 4) {
      kernelTile(strided, d + (<usize>(r * columns + c) << 2), step);
      putBlock(o + (<usize>((r * meta(CHANNELS) + c) * taps) << 2), block >> 16, block & 65535, min(4, channels - c));
    }
  }
}

/**
 * g [N, O, H′, W′] and x [N, C, H, W] → o [O, C, 3, 3], of `batch` images and `channels` of C.
 *
 * Where an input was too large, the first number of the result is NaN; where one was not finite, some are not.
 */
export function winograd_weight_grad_f32(g: usize, x: usize, o: usize, batch: i32, channels: i32): void {
  writeNumbers();
  forget();
  const strided = meta(STRIDE) === 2;
  const image = paddedFrame(strided);
  const result = resultFrame();
  const shifts = blocks();
  const parts = <usize>partsOfTile(strided);
  const sums = <usize>sumsOfTile(strided);
  const rows = meta(ROWS);
  const tiles = phases() * image.tiles;
  const most = tilesOfGrad(rows, meta(CHANNELS) * shifts);
  const some = (channels + 7) & ~7;
  const columns = shifts * some;
  const full = (rows + MR_F32 - 1) / MR_F32 * MR_F32;
  const stepV = <usize>stepOf(most * columns);
  const stepZ = <usize>stepOf(most * tall(rows));
  const stepD = <usize>stepOf(tall(rows) * columns);
  const pad = table() + (<usize>(tiles + 4) << 4);
  const padGrad = pad + 4 * image.bytes;
  const v = padGrad + 4 * result.bytes;
  const z = v + parts * stepV;
  const d = z + sums * stepZ;
  writeTiles(image, result);
  if (strided) writeOffsets(<i32>stepV, 0);
  if (!image.direct) memory.fill(pad, 0, 4 * image.bytes);
  if (!result.direct) memory.fill(padGrad, 0, 4 * result.bytes);
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
      image.choose(t0, t1);
      result.choose(t0, t1);
      packImage(image, x + (<usize>(n * meta(IMAGE_STEP)) << 2), pad, v + (<usize>(at - b0) << 5), stepV, channels, kp);
      const to = z + (<usize>((at - b0) * MR_F32) << 2);
      packGrad(result, g + (<usize>(n * meta(OUT_STEP)) << 2), padGrad, to, stepZ, kp);
      at += t1 - t0;
    }
    clearSteps(v, NR_F32, columns, b1 - b0, kp, <i32>parts, stepV);
    clearSteps(z, MR_F32, full, b1 - b0, kp, <i32>sums, stepZ);
    for (let i: usize = 0; i < parts; i++) {
      const before = some * firstBlock(<i32>i);
      const n = some * endBlock(<i32>i) - before;
      const b = v + i * stepV + (<usize>(before * kp) << 2);
      const to = d + i * stepD + (<usize>before << 2);
      multiply(z + <usize>sumOf(<i32>i, strided) * stepZ, b, to, <usize>columns << 2, full, n, kp, kp, b0 > 0);
    }
  }
  for (let s = 0; s < shifts; s++) putBlocks(d + (<usize>(s * some) << 2), stepD, columns, o, blockAt(s), channels);
  if (status() !== FIT) store<f32>(o, NaN);
}
