/**
 * Convolutions as products with a matrix that is never stored: its element [k, p] is image[tap k + pixel p].
 *
 * The image of a group lies zero-padded in working memory (or where it is, when nothing has to be added), so a table of
 * offsets for the taps and one for the pixels say where every element is, for one to three dimensions, any stride and
 * dilation, without a comparison. Panels of the matrix are gathered block by block and multiplied by the kernels of gemm.
 * Where pixels are n apart, rows of the padded image are split into n parts, so that four pixels are neighbours again. With few
 * taps panels are not gathered: tiles read the image tap by tap. With kernels of 1 × 1 the matrix is the image.
 *
 * The gradient for the weight is the product of the gradient with the transposed matrix. The gradient for the input is the
 * matrix of its own, weights times gradient, added up row by row where the tables say; where that costs less, it is the
 * convolution with flipped weights over the gradient, spread by the stride. Few planes of 3 × 3 kernels read the image in place.
 */

import { backPlane, setBack } from "./back";
import {
  copyFloats,
  correlatePlane,
  correlatePlaneGrad,
  correlatePlanesGrad,
  correlateSteps,
  correlateStepsGrad,
} from "./depthwise";
import { planeBesideGrad } from "./beside";
import { biasAt, finishes, finishRows } from "./finish";
import { mad } from "./fused";
import { gemm_scratch, gemmPacked, KC, MC, multiplyRows, multiplyWhole, packedA, packedRows, packWhole, padded, rowsOfBlock } from "./gemm";
import { addProducts, setLanes, storeSums, takeImage as takeLanes } from "./lanes";
import { scratch } from "./memory";
import { nearPlane, nearPlaneGrad } from "./near";
import { hasSums3x3, sums3x3 } from "./planes";
import { correlateTaps } from "./taps";
import { IS_BESIDE, setWindow, windowPlane } from "./window";

/** What the host writes at META, in this order. */
const META: usize = 16384;

// @ts-ignore: decorator
@inline
function meta(i: usize): i32 {
  return load<i32>(META + (i << 2));
}

// @ts-ignore: decorator
@inline
const GROUPS: usize = 1;
/** Rows of a group's product: output channels of the convolution that is computed. */
// @ts-ignore: decorator
@inline
const ROWS: usize = 2;
/** Channels of a group's image. */
// @ts-ignore: decorator
@inline
const CHANNELS: usize = 3;
/** Sizes of the image: depth, height, width. */
// @ts-ignore: decorator
@inline
const SIZE: usize = 4;
/** Where the image begins in the padded one; negative cuts. */
// @ts-ignore: decorator
@inline
const LOW: usize = 7;
/** Distance of the image's elements in the padded one: more than 1 puts zeros between. */
// @ts-ignore: decorator
@inline
const SPREAD: usize = 10;
/** Sizes of the padded image. */
// @ts-ignore: decorator
@inline
const PADDED: usize = 13;
/** Sizes of the kernel. */
// @ts-ignore: decorator
@inline
const KERNEL: usize = 16;
// @ts-ignore: decorator
@inline
const DILATION: usize = 19;
/** Sizes of the output. */
// @ts-ignore: decorator
@inline
const OUT: usize = 22;
// @ts-ignore: decorator
@inline
const STRIDE: usize = 25;
/** 1 when the image is used where it is; PADDED then holds its own sizes. */
// @ts-ignore: decorator
@inline
const DIRECT: usize = 28;
/**
 * Into how many parts rows of the padded image are split: with n parts, each nth element lies beside the next. Where pixels
 * are n apart, four of them are then neighbours. The padded width is a multiple of it.
 */
// @ts-ignore: decorator
@inline
const SPLIT: usize = 29;
/** Most taps of convolutions that read the image tap by tap. */
// @ts-ignore: decorator
@inline
const FEW_TAPS: i32 = 32;

/** Where column `x` of the padded image lies in its row. */
// @ts-ignore: decorator
@inline
function columnOf(x: i32): i32 {
  const split = meta(SPLIT);
  return split === 1 ? x : x % split * (meta(PADDED + 2) / split) + x / split;
}

/** Columns of a block of the gathered matrix. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 512;

/** Elements of all packed weights, every block of steps padded; or of a vector of sums for each tap of one row. */
// @ts-ignore: decorator
@inline
function packedWeights(rows: i32, k: i32): i32 {
  return max(4, packedRows(rows)) * (k + 4 * (k / KC + 1));
}

/** Bytes of working memory: products, tables, weights, packed weights, the padded image. */
export function conv_scratch(rows: i32, k: i32, p: i32, image: i32): i32 {
  return gemm_scratch(4) + ((k + p + 32 + rows * k + packedWeights(rows, k) + image + 32) << 2) + (k << 4);
}

// @ts-ignore: decorator
@inline
function taps(): usize {
  return scratch + <usize>gemm_scratch(4);
}

// @ts-ignore: decorator
@inline
function pixels(k: i32): usize {
  return taps() + (<usize>(k + 16) << 2);
}

// @ts-ignore: decorator
@inline
function ownWeights(k: i32, p: i32): usize {
  return pixels(k) + (<usize>(p + 16) << 2);
}

// @ts-ignore: decorator
@inline
function packs(k: i32, p: i32, rows: i32): usize {
  return ownWeights(k, p) + (<usize>(rows * k) << 2);
}

// @ts-ignore: decorator
@inline
function image(k: i32, p: i32, rows: i32): usize {
  return packs(k, p, rows) + (<usize>packedWeights(rows, k) << 2);
}

/** Writes the offsets of taps and pixels in bytes. Pixels are repeated to a multiple of 8. */
function makeTables(k: i32, p: i32): void {
  const width = meta(PADDED + 2);
  const plane = meta(PADDED + 1) * width;
  const volume = meta(PADDED) * plane;
  let q = taps();
  for (let c = 0; c < meta(CHANNELS); c++) {
    for (let z = 0; z < meta(KERNEL); z++) {
      for (let y = 0; y < meta(KERNEL + 1); y++) {
        for (let x = 0; x < meta(KERNEL + 2); x++) {
          const at = c * volume + z * meta(DILATION) * plane + y * meta(DILATION + 1) * width +
            columnOf(x * meta(DILATION + 2));
          store<i32>(q, at << 2);
          q += 4;
        }
      }
    }
  }
  q = pixels(k);
  let last = 0;
  for (let z = 0; z < meta(OUT); z++) {
    for (let y = 0; y < meta(OUT + 1); y++) {
      for (let x = 0; x < meta(OUT + 2); x++) {
        last = (z * meta(STRIDE) * plane + y * meta(STRIDE + 1) * width + columnOf(x * meta(STRIDE + 2))) << 2;
        store<i32>(q, last);
        q += 4;
      }
    }
  }
  for (let i = 0; i < 16; i++) {
    store<i32>(q, last);
    q += 4;
  }
}

/** First and one past the last of `n` elements, `spread` apart from `low` on, that fall into `size`. */
// @ts-ignore: decorator
@inline
function firstInside(low: i32, spread: i32): i32 {
  return low >= 0 ? 0 : (-low + spread - 1) / spread;
}

// @ts-ignore: decorator
@inline
function endInside(low: i32, spread: i32, n: i32, size: i32): i32 {
  const end = size - low;
  return end <= 0 ? 0 : min(n, (end + spread - 1) / spread);
}

/** Copies the channels of a group into the padded image, whose rest is 0 already. */
function place(x: usize, o: usize): void {
  const d = meta(SIZE);
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const width = meta(PADDED + 2);
  const plane = meta(PADDED + 1) * width;
  const volume = meta(PADDED) * plane;
  const z0 = firstInside(meta(LOW), meta(SPREAD));
  const z1 = endInside(meta(LOW), meta(SPREAD), d, meta(PADDED));
  const y0 = firstInside(meta(LOW + 1), meta(SPREAD + 1));
  const y1 = endInside(meta(LOW + 1), meta(SPREAD + 1), h, meta(PADDED + 1));
  const x0 = firstInside(meta(LOW + 2), meta(SPREAD + 2));
  const x1 = endInside(meta(LOW + 2), meta(SPREAD + 2), w, width);
  if (x1 <= x0) return;
  const step = <usize>meta(SPREAD + 2) << 2;
  const split = meta(SPLIT);
  const many = x1 - x0;
  const first = meta(LOW + 2) + x0 * meta(SPREAD + 2);
  const at = <usize>columnOf(first) << 2;
  const beside = split > 1 ? <usize>columnOf(first + 1) << 2 : 0;
  const down = <usize>(meta(SPREAD + 1) * width) << 2;
  for (let c = 0; c < meta(CHANNELS); c++) {
    for (let z = z0; z < z1; z++) {
      let from = x + (<usize>(((c * d + z) * h + y0) * w + x0) << 2);
      let row = o +
        (<usize>(c * volume + (meta(LOW) + z * meta(SPREAD)) * plane + (meta(LOW + 1) + y0 * meta(SPREAD + 1)) * width) << 2);
      for (let y = y0; y < y1; y++) {
        if (split === 2) {
          splitInTwo(row + at, row + beside, from, many);
        } else if (split > 2) {
          for (let i = 0; i < min(split, many); i++) {
            splitFloats(row + (<usize>columnOf(first + i) << 2), from + (<usize>i << 2), many - i, split);
          }
        } else if (step === 4) {
          copyFloats(row + at, from, many);
        } else {
          let q = row + at;
          for (let i: usize = 0; i < <usize>many << 2; i += 4) {
            store<f32>(q, load<f32>(from + i));
            q += step;
          }
        }
        from += <usize>w << 2;
        row += down;
      }
    }
  }
}

/** Copies every `split`th of `n` elements. */
function splitFloats(to: usize, from: usize, n: i32, split: i32): void {
  const end = from + (<usize>n << 2);
  const step = <usize>split << 2;
  for (; from + 3 * step < end; from += 4 * step) {
    let v = v128.load32_zero(from);
    v = v128.load32_lane(from + step, v, 1);
    v = v128.load32_lane(from + 2 * step, v, 2);
    v128.store(to, v128.load32_lane(from + 3 * step, v, 3));
    to += 16;
  }
  for (; from < end; from += step) {
    store<f32>(to, load<f32>(from));
    to += 4;
  }
}

// @ts-ignore: decorator
@inline
function halve(even: usize, odd: usize, from: usize): void {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  v128.store(even, i32x4.shuffle(a, b, 0, 2, 4, 6));
  v128.store(odd, i32x4.shuffle(a, b, 1, 3, 5, 7));
}

/** Copies elements of even and of odd number. */
function splitInTwo(even: usize, odd: usize, from: usize, n: i32): void {
  const half = <usize>(n >> 1) << 2;
  let t: usize = 0;
  if (n >= 8) {
    for (; t + 16 <= half; t += 16) halve(even + t, odd + t, from + 2 * t);
    if (t < half) halve(even + half - 16, odd + half - 16, from + 2 * half - 32);
    t = half;
  }
  for (; t < half; t += 4) {
    store<f32>(even + t, load<f32>(from + 2 * t));
    store<f32>(odd + t, load<f32>(from + 2 * t, 4));
  }
  if (n & 1) store<f32>(even + t, load<f32>(from + 2 * t));
}

/** Four elements at `p` + offsets, which lie `gap` bytes apart in all (12: neighbours, 24: every second). */
// @ts-ignore: decorator
@inline
function four(p: usize, q: usize, gap: i32): v128 {
  if (gap === 12) return v128.load(p + <usize>load<i32>(q));
  if (gap === 24) {
    const at = p + <usize>load<i32>(q);
    return i32x4.shuffle(v128.load(at), v128.load(at, 12), 0, 2, 5, 7);
  }
  let v = v128.load32_zero(p + <usize>load<i32>(q));
  v = v128.load32_lane(p + <usize>load<i32>(q, 4), v, 1);
  v = v128.load32_lane(p + <usize>load<i32>(q, 8), v, 2);
  return v128.load32_lane(p + <usize>load<i32>(q, 12), v, 3);
}

/** Distance of the first and the last of four offsets when they are evenly spread, else 0. */
// @ts-ignore: decorator
@inline
function gapOf(q: usize): i32 {
  const a = load<i32>(q);
  const b = load<i32>(q, 4);
  const c = load<i32>(q, 8);
  const d = load<i32>(q, 12);
  return b - a === c - b && c - b === d - c ? d - a : 0;
}

/** Gathers `kc` taps by `nc` pixels into panels of 8 pixels. */
function gather(o: usize, base: usize, tap: usize, pixel: usize, kc: i32, nc: i32): void {
  const kp = padded(kc);
  for (let j = 0; j < nc; j += 8) {
    const q = pixel + (<usize>j << 2);
    const g0 = gapOf(q);
    const g1 = gapOf(q + 16);
    const end = tap + (<usize>kc << 2);
    if (g0 === 12 && g1 === 12) {
      const at0 = base + <usize>load<i32>(q);
      const at1 = base + <usize>load<i32>(q, 16);
      for (let t = tap; t < end; t += 4) {
        const by = <usize>load<i32>(t);
        v128.store(o, v128.load(at0 + by));
        v128.store(o, v128.load(at1 + by), 16);
        o += 32;
      }
    } else {
      for (let t = tap; t < end; t += 4) {
        const p = base + <usize>load<i32>(t);
        v128.store(o, four(p, q, g0));
        v128.store(o, four(p, q + 16, g1), 16);
        o += 32;
      }
    }
    for (let i = kc; i < kp; i++) {
      v128.store(o, f32x4.splat(0));
      v128.store(o, f32x4.splat(0), 16);
      o += 32;
    }
  }
}

/** One row of a product: for the few rows of depthwise convolutions, gathering would cost more than the product. */
function oneRow(w: usize, o: usize, base: usize, pixel: usize, k: i32, p: i32): void {
  const tap = taps();
  const end = tap + (<usize>k << 2);
  let j = 0;
  for (; j + 4 <= p; j += 4) {
    const q = pixel + (<usize>j << 2);
    const gap = gapOf(q);
    let s = f32x4.splat(0);
    if (gap === 12 && j + 16 <= p && load<i32>(q, 60) - load<i32>(q) === 60) {
      let s1 = s;
      let s2 = s;
      let s3 = s;
      const at = base + <usize>load<i32>(q);
      for (let t = tap, u = w; t < end; t += 4, u += 4) {
        const x = at + <usize>load<i32>(t);
        const v = v128.load32_splat(u);
        s = mad(v, v128.load(x), s);
        s1 = mad(v, v128.load(x, 16), s1);
        s2 = mad(v, v128.load(x, 32), s2);
        s3 = mad(v, v128.load(x, 48), s3);
      }
      const to = o + (<usize>j << 2);
      v128.store(to, s);
      v128.store(to, s1, 16);
      v128.store(to, s2, 32);
      v128.store(to, s3, 48);
      j += 12;
      continue;
    }
    if (gap === 12 && j + 8 <= p && load<i32>(q, 28) - load<i32>(q) === 28) {
      let r = f32x4.splat(0);
      const at = base + <usize>load<i32>(q);
      for (let t = tap, u = w; t < end; t += 4, u += 4) {
        const x = at + <usize>load<i32>(t);
        const v = v128.load32_splat(u);
        s = mad(v, v128.load(x), s);
        r = mad(v, v128.load(x, 16), r);
      }
      v128.store(o + (<usize>j << 2), s);
      v128.store(o + (<usize>j << 2), r, 16);
      j += 4;
      continue;
    }
    for (let t = tap, u = w; t < end; t += 4, u += 4) {
      s = mad(v128.load32_splat(u), four(base + <usize>load<i32>(t), q, gap), s);
    }
    v128.store(o + (<usize>j << 2), s);
  }
  for (; j < p; j++) {
    const at = base + <usize>load<i32>(pixel + (<usize>j << 2));
    let s: f32 = 0;
    for (let t = tap, u = w; t < end; t += 4, u += 4) s += load<f32>(u) * load<f32>(at + <usize>load<i32>(t));
    store<f32>(o + (<usize>j << 2), s);
  }
}

/** True where rows of pixels are long enough to be multiplied by weights whole, in two dimensions. */
// @ts-ignore: decorator
@inline
function isFlat(): bool {
  return meta(PADDED) === 1 && meta(KERNEL) === 1 && meta(OUT) === 1 && meta(OUT + 2) >= 4;
}

/** {@linkcode isFlat} where pixels of a row are neighbours in the padded image too. */
// @ts-ignore: decorator
@inline
function hasRows(): bool {
  return isFlat() && meta(STRIDE + 2) === meta(SPLIT);
}

/**
 * 1 or 2 where a kernel of 3 × 3 for one channel moves by so many elements, with a border of at most 1 beside rows of the image;
 * else 0. Then the image is read where it lies, though it has no border.
 */
function isNear(): i32 {
  const by = meta(STRIDE + 2);
  const n = meta(OUT + 2);
  const plain = isFlat() && meta(CHANNELS) === 1 && meta(KERNEL + 1) === 3 && meta(KERNEL + 2) === 3 &&
    meta(SPREAD + 1) === 1 && meta(SPREAD + 2) === 1 && meta(DILATION + 1) === 1 && meta(DILATION + 2) === 1 &&
    meta(STRIDE + 1) === by && by <= 2 && n + by > 5 && meta(LOW + 2) <= 1 &&
    meta(LOW + 1) <= 1 && (meta(OUT + 1) - 1) * by + 2 - meta(LOW + 1) <= meta(SIZE + 1) &&
    (n - 1) * by + 2 - meta(LOW + 2) <= meta(SIZE + 2) && 4 * (SUMS + meta(OUT + 1) + 1) << 2 <= gemm_scratch(4);
  return plain ? by : 0;
}

/** True where few planes are sums over planes of the image times kernels of 3 × 3 that move by 1, for whole rows of pixels. */
function isSum(rows: i32, first: i32, count: i32): bool {
  const n = meta(OUT + 2);
  const low = meta(LOW + 2);
  return rows < 4 && meta(CHANNELS) > 1 && isFlat() && meta(KERNEL + 1) === 3 && meta(KERNEL + 2) === 3 &&
    meta(STRIDE + 1) === 1 && meta(STRIDE + 2) === 1 && meta(SPREAD + 1) === 1 && meta(SPREAD + 2) === 1 &&
    meta(DILATION + 1) === 1 && meta(DILATION + 2) === 1 && n + 2 - 2 * low === meta(SIZE + 2) && hasSums3x3(n, meta(LOW + 1), low) &&
    first % n === 0 && count % n === 0;
}

/**
 * True where window.ts reads the image where it lies: few output channels, whole rows of pixels, kernels of five rows, or windows
 * side by side. What it works on is said then.
 */
function hasWindow(rows: i32, first: i32, count: i32): bool {
  const by = meta(STRIDE + 2);
  const n = meta(OUT + 2);
  const high = meta(KERNEL + 1);
  const wide = meta(KERNEL + 2);
  const isNear = meta(DILATION + 1) === 1 && meta(DILATION + 2) === 1;
  const isBeside = (by === 2 || by === 3) && wide === by && isNear && meta(CHANNELS) * high * wide <= SUMS;
  const fits = isFlat() && rows < 4 && meta(SPREAD + 1) === 1 && meta(SPREAD + 2) === 1 && meta(STRIDE + 1) === by &&
    (isBeside || (high === 5 && (by === 1 || (by === 2 && meta(DILATION + 1) === 1)))) && first % n + count % n === 0;
  if (!fits) return false;
  setWindow(
    meta(CHANNELS),
    meta(SIZE + 1),
    meta(SIZE + 2),
    meta(LOW + 1) - first / n * by,
    meta(LOW + 2),
    high,
    wide,
    meta(DILATION + 1),
    meta(DILATION + 2),
    count / n,
    n,
    by,
  );
  return true;
}

/** Makes the zero that near.ts reads where the image has none, at the end of gemm's working memory. */
function zeroBeside(): usize {
  const at = taps() - 16;
  store<f32>(at, 0);
  return at;
}

/** True where the gathered matrix is the image: kernels of 1 × 1 that move by 1. */
// @ts-ignore: decorator
@inline
function isPlain(): bool {
  return meta(DIRECT) !== 0 && meta(KERNEL) * meta(KERNEL + 1) * meta(KERNEL + 2) === 1 &&
    meta(STRIDE) * meta(STRIDE + 1) * meta(STRIDE + 2) === 1;
}

/** {@linkcode convolve} where the gathered matrix is the image; weights lie `rs` and `cs` bytes apart. */
function convolvePlain(
  x: usize,
  w: usize,
  o: usize,
  batch: i32,
  rows: i32,
  first: i32,
  count: i32,
  group: i32,
  p: i32,
  rs: usize,
  cs: usize,
): void {
  const groups = meta(GROUPS);
  const channels = meta(CHANNELS);
  const row = <usize>p << 2;
  const ends = finishes();
  const bias = biasAt(o + (<usize>(group * meta(ROWS) * p) << 2), p);
  for (let n = 0; n < batch; n++) {
    const from = x + (<usize>((n * groups + group) * channels * p + first) << 2);
    const to = o + (<usize>((n * groups + group) * meta(ROWS) * p) << 2);
    gemmPacked<f32>(w, from, to, rows, count, channels, rs, cs, row, 4, row, 0, 0, ends, bias);
  }
}

/** True where four pixels of a row are neighbours in the padded image, and taps are few. */
// @ts-ignore: decorator
@inline
function hasTaps(k: i32): bool {
  return k <= FEW_TAPS && meta(STRIDE + 2) === meta(SPLIT) && meta(OUT + 2) >= 4;
}

/** Pixels of whole rows that tiles are finished after, while they are in the nearest cache. */
// @ts-ignore: decorator
@inline
const AT_ONCE: i32 = 96;

/**
 * Pixels `first` to `end` of all rows of one image, `base`, to `o`, by packed weights. Four pixels at a time: where a row of
 * pixels is no multiple of that, the last four overlap those before. Rows of pixels are finished where `ends`.
 */
function convolveTaps(
  a: usize,
  base: usize,
  o: usize,
  rows: i32,
  first: i32,
  end: i32,
  k: i32,
  p: i32,
  ends: bool,
  bias: usize,
): void {
  const n = meta(OUT + 2);
  const next = <usize>p << 2;
  const pixel = pixels(k);
  const last = taps() + (<usize>k << 2);
  const block = rowsOfBlock(rows);
  let done = first;
  let j = first;
  while (j < end) {
    const j0 = min(j, (j / n + 1) * n - 4);
    j = j0 + 4;
    const j1 = j < end ? min(j, (j / n + 1) * n - 4) : j0;
    j = j1 + 4;
    const at0 = <usize>j0 << 2;
    const at1 = <usize>j1 << 2;
    const x = base + <usize>load<i32>(pixel + at0);
    const y = base + <usize>load<i32>(pixel + at1);
    correlateTaps(a, rows, block, padded(k), taps(), last, x, y, o + at0, o + at1, next, scratch);
    if (!ends) continue;
    const whole = j < end ? j / n * n : end;
    if (whole - done < AT_ONCE && whole < end) continue;
    const at = o + (<usize>done << 2);
    finishRows(at, at, next, rows, whole - done, bias);
    done = whole;
  }
}

/** The `n` weights of a kernel in the opposite order. */
// @ts-ignore: decorator
@inline
function turn(to: usize, from: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<f32>(to + (<usize>i << 2), load<f32>(from + (<usize>(n - 1 - i) << 2)));
}

/** {@linkcode convolve} of all groups where {@linkcode isNear} is `by`; weights are turned where there is room for them. */
function convolveNear(
  x: usize,
  w: usize,
  o: usize,
  batch: i32,
  rows: i32,
  groups: i32,
  by: i32,
  turned: usize,
): void {
  const all = meta(GROUPS);
  const many = meta(ROWS);
  const high = meta(SIZE + 1);
  const wide = meta(SIZE + 2);
  const top = meta(LOW + 1);
  const beside = meta(LOW + 2);
  const h = meta(OUT + 1);
  const n = meta(OUT + 2);
  const volume = <usize>(high * wide) << 2;
  const plane = <usize>(h * n) << 2;
  const zeros = zeroBeside();
  const ends = finishes();
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < groups; i++) {
      const at = b * all + i;
      for (let r = 0; r < rows; r++) {
        const to = o + <usize>(at * many + r) * plane;
        let u = w + <usize>((i * many + r) * 36);
        if (turned) {
          turn(turned, u, 9);
          u = turned;
        }
        nearPlane(u, x + <usize>at * volume, to, high, wide, top, beside, h, n, by, zeros);
        if (ends) finishRows(to, to, plane, 1, h * n, biasAt(to, h * n));
      }
    }
  }
}

/** {@linkcode convolve} of one group where {@linkcode hasWindow}. */
function convolveWindow(
  x: usize,
  w: usize,
  o: usize,
  batch: i32,
  rows: i32,
  count: i32,
  group: i32,
  k: i32,
  p: i32,
): void {
  const groups = meta(GROUPS);
  const volume = <usize>(meta(CHANNELS) * meta(SIZE + 1) * meta(SIZE + 2)) << 2;
  const plane = <usize>p << 2;
  const ends = finishes();
  for (let b = 0; b < batch; b++) {
    const at = b * groups + group;
    for (let r = 0; r < rows; r++) {
      const to = o + <usize>(at * meta(ROWS) + r) * plane;
      windowPlane(w + (<usize>(r * k) << 2), x + <usize>at * volume, to);
      if (ends) finishRows(to, to, plane, 1, count, biasAt(to, p));
    }
  }
}

/** The group's convolution of `batch` images with dense weights [rows, k], for the `count` pixels from `first` on of all p. */
function convolve(
  x: usize,
  w: usize,
  o: usize,
  batch: i32,
  rows: i32,
  first: i32,
  count: i32,
  group: i32,
  k: i32,
  p: i32,
): void {
  const groups = meta(GROUPS);
  const direct = meta(DIRECT) !== 0;
  const volume = meta(CHANNELS) * meta(SIZE) * meta(SIZE + 1) * meta(SIZE + 2);
  const pad = image(k, p, meta(ROWS));
  const pack = packs(k, p, meta(ROWS));
  const wide = meta(OUT + 2);
  const high = count / wide;
  const isWhole = isFlat() && first % wide + count % wide === 0;
  const byRows = isWhole && hasRows();
  const bySteps = isWhole && !byRows;
  // Weights of 3 × 3 for one channel stay in registers.
  const few = rows < 4 || (byRows && count === p && k === 9 && meta(CHANNELS) === 1 && meta(KERNEL + 1) === 3);
  const byTaps = !few && hasTaps(k);
  const bySums = isSum(rows, first, count);
  const pixel = pixels(k) + (<usize>first << 2);
  const next = <usize>p << 2;
  const ends = finishes();
  const bias = biasAt(o + (<usize>(group * meta(ROWS) * p) << 2), p);
  if (!few) {
    let q = pack;
    for (let i = 0; i < k; i += KC) {
      const kc = min(KC, k - i);
      packWhole(q, w + (<usize>i << 2), rows, kc, <usize>k << 2, 4);
      q += <usize>(packedRows(rows) * padded(kc)) << 2;
    }
  }
  for (let n = 0; n < batch; n++) {
    const from = x + (<usize>((n * groups + group) * volume) << 2);
    const to = o + (<usize>((n * groups + group) * meta(ROWS) * p) << 2);
    if (bySums) {
      const y = first / wide;
      const h = meta(SIZE + 1);
      sums3x3(w, from, to, rows, next, meta(CHANNELS), h, wide, y, y + high, meta(LOW + 1), meta(LOW + 2), scratch);
      if (ends) finishRows(to, to, next, rows, count, bias);
      continue;
    }
    if (!direct) place(from, pad);
    const base = direct ? from : pad;
    if (byTaps) {
      convolveTaps(pack, base, to - (<usize>first << 2), rows, first, first + count, k, p, ends, bias);
      continue;
    }
    if (few) {
      for (let r = 0; r < rows; r++) {
        const row = to + <usize>r * next;
        if (byRows) {
          correlatePlane(
            w + (<usize>(r * k) << 2),
            base + <usize>load<i32>(pixel),
            row,
            meta(CHANNELS),
            high,
            wide,
            meta(KERNEL + 1),
            meta(KERNEL + 2),
            <usize>(meta(PADDED + 1) * meta(PADDED + 2)) << 2,
            <usize>(meta(STRIDE + 1) * meta(PADDED + 2)) << 2,
            <usize>(meta(DILATION + 1) * meta(PADDED + 2)) << 2,
            taps(),
          );
        } else if (bySteps) {
          const down = <usize>(meta(STRIDE + 1) * meta(PADDED + 2)) << 2;
          const step = <usize>meta(STRIDE + 2) << 2;
          correlateSteps(w + (<usize>(r * k) << 2), base + <usize>load<i32>(pixel), row, high, wide, k, down, step, taps());
        } else oneRow(w + (<usize>(r * k) << 2), row, base, pixel, k, count);
        if (ends) finishRows(row, row, next, 1, count, bias ? bias + (<usize>r << 2) : 0);
      }
      continue;
    }
    for (let j = 0; j < count; j += BLOCK) {
      const nc = min(BLOCK, count - j);
      let a = pack;
      for (let i = 0; i < k; i += KC) {
        const kc = min(KC, k - i);
        const kp = padded(kc);
        gather(scratch, base, taps() + (<usize>i << 2), pixel + (<usize>j << 2), kc, nc);
        multiplyWhole(a, scratch, to + (<usize>j << 2), next, rows, nc, kp, i > 0);
        a += <usize>(packedRows(rows) * kp) << 2;
      }
      if (ends) finishRows(to + (<usize>j << 2), to + (<usize>j << 2), next, rows, nc, bias);
    }
  }
}

// @ts-ignore: decorator
@inline
function clearImage(k: i32, p: i32): void {
  if (meta(DIRECT)) return;
  const size = meta(CHANNELS) * meta(PADDED) * meta(PADDED + 1) * meta(PADDED + 2);
  memory.fill(image(k, p, meta(ROWS)), 0, <usize>size << 2);
}

/**
 * x [N, C, …] with w [O, C / groups, …] → o [N, O, …].
 *
 * A part of it: `batch` images, `groups` groups, `rows` of the output channels of each group, `count` pixels from `first`
 * on. Operands begin at the part's first image, group, row and pixel; META holds the sizes of the whole.
 */
export function conv_f32(
  x: usize,
  w: usize,
  o: usize,
  batch: i32,
  groups: i32,
  rows: i32,
  first: i32,
  count: i32,
): void {
  const k = meta(CHANNELS) * meta(KERNEL) * meta(KERNEL + 1) * meta(KERNEL + 2);
  const p = meta(OUT) * meta(OUT + 1) * meta(OUT + 2);
  if (isPlain() && rows >= 4) {
    for (let group = 0; group < groups; group++) {
      const u = w + (<usize>(group * meta(ROWS) * k) << 2);
      convolvePlain(x, u, o, batch, rows, first, count, group, p, <usize>k << 2, 4);
    }
    return;
  }
  const by = count === p ? isNear() : 0;
  if (by) {
    convolveNear(x, w, o, batch, rows, groups, by, 0);
    return;
  }
  if (hasWindow(rows, first, count)) {
    for (let group = 0; group < groups; group++) {
      convolveWindow(x, w + (<usize>(group * meta(ROWS) * k) << 2), o, batch, rows, count, group, k, p);
    }
    return;
  }
  if (!isSum(rows, first, count)) clearImage(k, p);
  makeTables(k, p);
  for (let group = 0; group < groups; group++) {
    convolve(x, w + (<usize>(group * meta(ROWS) * k) << 2), o, batch, rows, first, count, group, k, p);
  }
}

/**
 * g [N, O, …] with w [O, C / groups, …] → o [N, C, …]: the group's weights are turned to [C / groups, O / groups, flipped].
 * A part of it, as {@linkcode conv_f32}.
 */
export function conv_input_grad_turned_f32(
  g: usize,
  w: usize,
  o: usize,
  batch: i32,
  groups: i32,
  rows: i32,
  first: i32,
  count: i32,
): void {
  const t = meta(KERNEL) * meta(KERNEL + 1) * meta(KERNEL + 2);
  const channels = meta(CHANNELS);
  const k = channels * t;
  const p = meta(OUT) * meta(OUT + 1) * meta(OUT + 2);
  if (isPlain() && rows >= 4) {
    for (let group = 0; group < groups; group++) {
      const u = w + (<usize>(group * channels * meta(ROWS)) << 2);
      convolvePlain(g, u, o, batch, rows, first, count, group, p, 4, <usize>meta(ROWS) << 2);
    }
    return;
  }
  const by = count === p ? isNear() : 0;
  const turned = ownWeights(k, p);
  if (by) {
    convolveNear(g, w, o, batch, rows, groups, by, turned);
    return;
  }
  const slides = hasWindow(rows, first, count);
  if (!slides) {
    if (!isSum(rows, first, count)) clearImage(k, p);
    makeTables(k, p);
  }
  for (let group = 0; group < groups; group++) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < channels; c++) {
        const from = w + (<usize>(((group * channels + c) * meta(ROWS) + r) * t) << 2);
        const to = turned + (<usize>((r * channels + c) * t) << 2);
        turn(to, from, t);
      }
    }
    if (slides) convolveWindow(g, turned, o, batch, rows, count, group, k, p);
    else convolve(g, turned, o, batch, rows, first, count, group, k, p);
  }
}

/**
 * {@linkcode conv_input_grad_f32} of square kernels that move by 1, 2 or 3, without tables: back.ts reads the gradient where it
 * lies. Where planes are sums, or have fewer than the 7 columns that it makes by 2, there is room for one of at least 8 columns
 * behind gemm's working memory.
 */
export function conv_input_grad_back_f32(g: usize, w: usize, o: usize, batch: i32, count: i32, channels: i32): void {
  const rows = meta(ROWS);
  const groups = meta(GROUPS);
  const all = meta(CHANNELS);
  const size = meta(KERNEL + 1);
  const plane = <usize>(meta(OUT + 1) * meta(OUT + 2)) << 2;
  const h = meta(SIZE + 1);
  const n = meta(SIZE + 2);
  const p = h * n;
  const isNarrow = n < 7 && size !== meta(STRIDE + 1);
  const weights = <usize>(size * size) << 2;
  const ends = finishes();
  // The row of zeros lies at the end of gemm's working memory, at whose begin a row has room.
  const more = taps();
  const row = <usize>(meta(OUT + 2) + 32) << 2;
  const zeros = more - row + 64;
  memory.fill(more - row, 0, row);
  setBack(
    meta(OUT + 1),
    meta(OUT + 2),
    h,
    isNarrow ? 8 : n,
    size,
    meta(STRIDE + 1),
    meta(LOW + 1),
    meta(LOW + 2),
  );
  for (let b = 0; b < batch; b++) {
    for (let group = 0; group < count; group++) {
      const at = b * groups + group;
      for (let c = 0; c < channels; c++) {
        const to = o + (<usize>((at * all + c) * p) << 2);
        let u = w + <usize>(group * rows * all + c) * weights;
        let from = g + <usize>(at * rows) * plane;
        for (let r = 0; r < rows; r++) {
          backPlane(u, from, isNarrow || r ? more : to, zeros, scratch);
          if (isNarrow) {
            for (let y = 0; y < h; y++) {
              const at = to + (<usize>(y * n) << 2);
              if (r) addFloats(at, more + (<usize>y << 5), n);
              else copyFloats(at, more + (<usize>y << 5), n);
            }
          } else if (r) addFloats(to, more, p);
          u += <usize>all * weights;
          from += plane;
        }
        if (ends) finishRows(to, to, 0, 1, p, biasAt(to, p));
      }
    }
  }
}

/** Columns of the matrix of input gradients that are made before they are added up: as many as a cache holds. */
// @ts-ignore: decorator
@inline
function columnsAtOnce(k: i32): i32 {
  return max(16, min(BLOCK, (131072 / k) & ~7));
}

/** Bytes of working memory of {@linkcode conv_input_grad_f32}. */
export function conv_input_grad_scratch(rows: i32, k: i32, p: i32, image: i32): i32 {
  return gemm_scratch(4) + ((k + p + 32 + packedWeights(k, rows) + k * columnsAtOnce(k) + image + 32) << 2);
}

// @ts-ignore: decorator
@inline
function addTo(p: usize, v: v128): void {
  v128.store(p, f32x4.add(v128.load(p), v));
}

/** Adds four elements at `p` + offsets. */
// @ts-ignore: decorator
@inline
function addFour(p: usize, q: usize, gap: i32, v: v128): void {
  if (gap === 12) {
    addTo(p + <usize>load<i32>(q), v);
    return;
  }
  let at = p + <usize>load<i32>(q);
  store<f32>(at, load<f32>(at) + f32x4.extract_lane(v, 0));
  at = p + <usize>load<i32>(q, 4);
  store<f32>(at, load<f32>(at) + f32x4.extract_lane(v, 1));
  at = p + <usize>load<i32>(q, 8);
  store<f32>(at, load<f32>(at) + f32x4.extract_lane(v, 2));
  at = p + <usize>load<i32>(q, 12);
  store<f32>(at, load<f32>(at) + f32x4.extract_lane(v, 3));
}

/** Adds `n` elements to others. */
// @ts-ignore: decorator
@inline
function addFloats(to: usize, from: usize, n: i32): void {
  const all = <usize>n << 2;
  let t: usize = 0;
  for (; t + 32 <= all; t += 32) {
    const u = f32x4.add(v128.load(to + t), v128.load(from + t));
    const v = f32x4.add(v128.load(to + t, 16), v128.load(from + t, 16));
    v128.store(to + t, u);
    v128.store(to + t, v, 16);
  }
  if (n & 4) {
    addTo(to + t, v128.load(from + t));
    t += 16;
  }
  if (n & 2) {
    v128.store64_lane(to + t, f32x4.add(v128.load64_zero(to + t), v128.load64_zero(from + t)), 0);
    t += 8;
  }
  if (n & 1) store<f32>(to + t, load<f32>(to + t) + load<f32>(from + t));
}

/**
 * {@linkcode spread} where pixels of a row are neighbours in the padded image: row by row, all of one tap before the next, so
 * that nothing is read soon after it was written. The first pixel is number `first` of its image.
 */
function spreadRows(from: usize, base: usize, pixel: usize, first: i32, k: i32, nc: i32): void {
  const tap = taps();
  const end = tap + (<usize>k << 2);
  const n = meta(OUT + 2);
  const start = min(nc, n - first % n);
  for (let t = tap; t < end; t += 4) {
    const p = base + <usize>load<i32>(t);
    let some = start;
    for (let j = 0; j < nc;) {
      addFloats(p + <usize>load<i32>(pixel + (<usize>j << 2)), from + (<usize>j << 2), some);
      j += some;
      some = min(n, nc - j);
    }
    from += <usize>nc << 2;
  }
}

/** Adds `k` taps by `nc` pixels, in dense rows, to their places: the reverse of {@linkcode gather}. */
function spread(from: usize, base: usize, pixel: usize, k: i32, nc: i32): void {
  const tap = taps();
  const end = tap + (<usize>k << 2);
  const row = <usize>nc << 2;
  let j = 0;
  for (; j + 8 <= nc; j += 8) {
    const q = pixel + (<usize>j << 2);
    const g0 = gapOf(q);
    const g1 = gapOf(q + 16);
    let x = from + (<usize>j << 2);
    if (g0 === 12 && g1 === 12) {
      const at0 = base + <usize>load<i32>(q);
      const at1 = base + <usize>load<i32>(q, 16);
      for (let t = tap; t < end; t += 4) {
        const by = <usize>load<i32>(t);
        addTo(at0 + by, v128.load(x));
        addTo(at1 + by, v128.load(x, 16));
        x += row;
      }
    } else {
      for (let t = tap; t < end; t += 4) {
        const p = base + <usize>load<i32>(t);
        addFour(p, q, g0, v128.load(x));
        addFour(p, q + 16, g1, v128.load(x, 16));
        x += row;
      }
    }
  }
  for (; j < nc; j++) {
    const at = base + <usize>load<i32>(pixel + (<usize>j << 2));
    let x = from + (<usize>j << 2);
    for (let t = tap; t < end; t += 4) {
      const z = at + <usize>load<i32>(t);
      store<f32>(z, load<f32>(z) + load<f32>(x));
      x += row;
    }
  }
}

/** Copies `n` elements of a row that is split, from where the image begins. */
function joinFloats(o: usize, row: usize, n: i32): void {
  const split = meta(SPLIT);
  const next = <usize>split << 2;
  const end = o + (<usize>n << 2);
  for (let i = 0; i < split; i++) {
    let from = row + (<usize>columnOf(meta(LOW + 2) + i) << 2);
    for (let q = o + (<usize>i << 2); q < end; q += next) {
      store<f32>(q, load<f32>(from));
      from += 4;
    }
  }
}

/** Copies `channels` of the image out of the padded one. */
function takeImage(pad: usize, o: usize, channels: i32): void {
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const width = meta(PADDED + 2);
  const plane = meta(PADDED + 1) * width;
  for (let c = 0; c < channels; c++) {
    for (let z = 0; z < meta(SIZE); z++) {
      for (let y = 0; y < h; y++) {
        const at = (c * meta(PADDED) + meta(LOW) + z) * plane + (meta(LOW + 1) + y) * width;
        if (meta(SPLIT) === 1) copyFloats(o, pad + (<usize>(at + meta(LOW + 2)) << 2), w);
        else joinFloats(o, pad + (<usize>at << 2), w);
        o += <usize>w << 2;
      }
    }
  }
}

/**
 * g [N, O, …] with w [O, C / groups, …] → o [N, C, …], of `batch` images, `count` groups and `channels` of those of a group:
 * weights and results begin at the first of them.
 */
export function conv_input_grad_f32(g: usize, w: usize, o: usize, batch: i32, count: i32, channels: i32): void {
  const rows = meta(ROWS);
  const groups = meta(GROUPS);
  const taps = meta(KERNEL) * meta(KERNEL + 1) * meta(KERNEL + 2);
  const all = meta(CHANNELS) * taps;
  const k = channels * taps;
  const p = meta(OUT) * meta(OUT + 1) * meta(OUT + 2);
  const size = meta(SIZE) * meta(SIZE + 1) * meta(SIZE + 2);
  const volume = meta(CHANNELS) * size;
  const direct = meta(DIRECT) !== 0;
  const whole = channels * (direct ? size : meta(PADDED) * meta(PADDED + 1) * meta(PADDED + 2));
  const pack = ownWeights(all, p);
  const columns = pack + (<usize>packedWeights(all, rows) << 2);
  const block = columnsAtOnce(all);
  const pad = columns + (<usize>(all * block) << 2);
  makeTables(all, p);
  for (let group = 0; group < count; group++) {
    let q = pack;
    for (let i = 0; i < rows; i += KC) {
      const kc = min(KC, rows - i);
      packWhole(q, w + (<usize>((group * rows + i) * all) << 2), k, kc, 4, <usize>all << 2);
      q += <usize>(packedRows(k) * padded(kc)) << 2;
    }
    for (let n = 0; n < batch; n++) {
      const from = g + (<usize>((n * groups + group) * rows * p) << 2);
      const to = o + (<usize>((n * groups + group) * volume) << 2);
      const base = direct ? to : pad;
      memory.fill(base, 0, <usize>whole << 2);
      for (let j = 0; j < p; j += block) {
        const nc = min(block, p - j);
        q = pack;
        for (let i = 0; i < rows; i += KC) {
          const kc = min(KC, rows - i);
          const kp = padded(kc);
          const b = from + (<usize>(i * p + j) << 2);
          multiplyRows(q, scratch, b, <usize>p << 2, columns, <usize>nc << 2, k, nc, kc, i > 0);
          q += <usize>(packedRows(k) * kp) << 2;
        }
        const pixel = pixels(all) + (<usize>j << 2);
        if (meta(STRIDE + 2) === meta(SPLIT)) spreadRows(columns, base, pixel, j, k, nc);
        else spread(columns, base, pixel, k, nc);
      }
      if (!direct) takeImage(pad, to, channels);
      if (finishes()) finishRows(to, to, <usize>size << 2, channels, size, biasAt(to, size));
    }
  }
}

/** Gathers `kc` pixels by `nc` taps into panels of 8 taps: the transpose of {@linkcode gather}. */
function gatherTransposed(o: usize, base: usize, tap: usize, pixel: usize, kc: i32, nc: i32): void {
  const kp = padded(kc);
  for (let j = 0; j < nc; j += 8) {
    const t = tap + (<usize>j << 2);
    const left = min(8, nc - j);
    const end = o + (<usize>kp << 5);
    let i = 0;
    if (left === 8) {
      const p0 = base + <usize>load<i32>(t);
      const p1 = base + <usize>load<i32>(t, 4);
      const p2 = base + <usize>load<i32>(t, 8);
      const p3 = base + <usize>load<i32>(t, 12);
      const p4 = base + <usize>load<i32>(t, 16);
      const p5 = base + <usize>load<i32>(t, 20);
      const p6 = base + <usize>load<i32>(t, 24);
      const p7 = base + <usize>load<i32>(t, 28);
      for (; i + 4 <= kc; i += 4) {
        const q = pixel + (<usize>i << 2);
        const gap = gapOf(q);
        turn4(four(p0, q, gap), four(p1, q, gap), four(p2, q, gap), four(p3, q, gap), o);
        turn4(four(p4, q, gap), four(p5, q, gap), four(p6, q, gap), four(p7, q, gap), o + 16);
        o += 128;
      }
    }
    for (; i < kc; i++) {
      const p = base + <usize>load<i32>(pixel + (<usize>i << 2));
      for (let s = 0; s < 8; s++) {
        const by: usize = <usize>s << 2;
        store<f32>(o + by, s < left ? load<f32>(p + <usize>load<i32>(t + by)) : <f32>0);
      }
      o += 32;
    }
    if (o < end) memory.fill(o, 0, end - o);
    o = end;
  }
}

/** Stores the transpose of four vectors, 32 bytes apart. */
// @ts-ignore: decorator
@inline
function turn4(r0: v128, r1: v128, r2: v128, r3: v128, o: usize): void {
  const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(o, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(o, i64x2.shuffle(t0, t1, 1, 3), 32);
  v128.store(o, i64x2.shuffle(t2, t3, 0, 2), 64);
  v128.store(o, i64x2.shuffle(t2, t3, 1, 3), 96);
}

/** The scalar products of one row of the gradient with every tap, added to vectors of sums at `sums`. */
function oneRowGrad(g: usize, sums: usize, base: usize, k: i32, p: i32): void {
  const tap = taps();
  const pixel = pixels(k);
  const end = tap + (<usize>k << 2);
  let j = 0;
  for (; j + 4 <= p; j += 4) {
    const q = pixel + (<usize>j << 2);
    const gap = gapOf(q);
    const v = v128.load(g + (<usize>j << 2));
    if (gap === 12 && j + 16 <= p && load<i32>(q, 60) - load<i32>(q) === 60) {
      const v1 = v128.load(g + (<usize>j << 2), 16);
      const v2 = v128.load(g + (<usize>j << 2), 32);
      const v3 = v128.load(g + (<usize>j << 2), 48);
      const at = base + <usize>load<i32>(q);
      for (let t = tap, s = sums; t < end; t += 4, s += 16) {
        const x = at + <usize>load<i32>(t);
        const left = mad(v, v128.load(x), v128.load(s));
        const right = f32x4.mul(v1, v128.load(x, 16));
        v128.store(s, f32x4.add(mad(v2, v128.load(x, 32), left), mad(v3, v128.load(x, 48), right)));
      }
      j += 12;
      continue;
    }
    for (let t = tap, s = sums; t < end; t += 4, s += 16) {
      v128.store(s, mad(v, four(base + <usize>load<i32>(t), q, gap), v128.load(s)));
    }
  }
  for (; j < p; j++) {
    const at = base + <usize>load<i32>(pixel + (<usize>j << 2));
    const v = load<f32>(g + (<usize>j << 2));
    for (let t = tap, s = sums; t < end; t += 4, s += 16) {
      store<f32>(s, load<f32>(s) + v * load<f32>(at + <usize>load<i32>(t)));
    }
  }
}

/** Vectors of sums that the working memory of gemm holds. */
// @ts-ignore: decorator
@inline
const SUMS: i32 = KC * MC / 4;

/** Adds up the lanes of `n` vectors. */
function addLanes(sums: usize, o: usize, n: i32): void {
  const end = o + (<usize>n << 2);
  for (; o + 16 <= end; o += 16) {
    const a = v128.load(sums);
    const b = v128.load(sums, 16);
    const c = v128.load(sums, 32);
    const d = v128.load(sums, 48);
    // Lanes 0 and 2, and 1 and 3, of each.
    const ab = f32x4.add(i32x4.shuffle(a, b, 0, 1, 4, 5), i32x4.shuffle(a, b, 2, 3, 6, 7));
    const cd = f32x4.add(i32x4.shuffle(c, d, 0, 1, 4, 5), i32x4.shuffle(c, d, 2, 3, 6, 7));
    v128.store(o, f32x4.add(i32x4.shuffle(ab, cd, 0, 2, 4, 6), i32x4.shuffle(ab, cd, 1, 3, 5, 7)));
    sums += 64;
  }
  for (; o < end; o += 4) {
    const v = v128.load(sums);
    const w = f32x4.add(v, i64x2.shuffle(v, v, 1, 0));
    store<f32>(o, f32x4.extract_lane(w, 0) + f32x4.extract_lane(w, 1));
    sums += 16;
  }
}

/**
 * The gradient of the weights of one output channel from one image at `x`, or at `base` where it is padded, added to vectors of
 * sums: as {@linkcode isNear} (`by`) says, where windows lie side by side (`slides`), or four pixels are neighbours, or not.
 */
function addGrad(g: usize, x: usize, base: usize, sums: usize, k: i32, p: i32, by: i32, slides: bool, zeros: usize): void {
  const h = meta(OUT + 1);
  const n = meta(OUT + 2);
  if (slides) {
    planeBesideGrad(g, x, sums);
    return;
  }
  if (by) {
    nearPlaneGrad(g, x, sums, meta(SIZE + 1), meta(SIZE + 2), meta(LOW + 1), meta(LOW + 2), h, n, by, zeros);
    return;
  }
  const plane = <usize>(meta(PADDED + 1) * meta(PADDED + 2)) << 2;
  const down = <usize>(meta(STRIDE + 1) * meta(PADDED + 2)) << 2;
  const apart = <usize>(meta(DILATION + 1) * meta(PADDED + 2)) << 2;
  const channels = meta(CHANNELS);
  const high = meta(KERNEL + 1);
  const wide = meta(KERNEL + 2);
  if (hasRows()) {
    correlatePlaneGrad(g, base, sums, channels, h, n, high, wide, plane, down, apart, taps());
  } else if (isFlat()) {
    const step = <usize>meta(STRIDE + 2) << 2;
    correlateStepsGrad(g, base, sums, channels, h, n, high, wide, plane, down, step, apart, <usize>meta(DILATION + 2) << 2);
  } else oneRowGrad(g, sums, base, k, p);
}

/**
 * True where the gradients of the weights of few output channels are made by four planes of the image at a time (`lanes.ts`): of
 * groups with one channel, or of the channels of a group. What it works on is said then.
 */
function hasLanes(): bool {
  const planes = meta(CHANNELS) > 1 ? meta(CHANNELS) : meta(GROUPS);
  const fits = meta(ROWS) < 4 && planes > 1 && meta(SIZE) === 1 && meta(KERNEL) === 1 && meta(OUT) === 1;
  return fits && setLanes(
    scratch,
    <usize>gemm_scratch(4),
    meta(ROWS),
    meta(SIZE + 1),
    meta(SIZE + 2),
    meta(LOW + 1),
    meta(LOW + 2),
    meta(KERNEL + 1),
    meta(KERNEL + 2),
    meta(DILATION + 1),
    meta(DILATION + 2),
    meta(STRIDE + 1),
    meta(STRIDE + 2),
    meta(OUT + 1),
    meta(OUT + 2),
  );
}

/** The gradient of the weights of `count` groups where {@linkcode hasLanes}: of all pixels, `p`. */
function lanesGrad(g: usize, x: usize, o: usize, batch: i32, count: i32, p: i32): void {
  const rows = meta(ROWS);
  const groups = meta(GROUPS);
  const channels = meta(CHANNELS);
  const kernel = meta(KERNEL + 1) * meta(KERNEL + 2);
  const volume = <usize>(meta(SIZE + 1) * meta(SIZE + 2)) << 2;
  // Channels of a group share a plane of the gradient.
  const shares = channels > 1;
  const planes = shares ? channels : count;
  const apart = shares ? 0 : <usize>(rows * p) << 2;
  const next = <usize>(shares ? kernel : rows * kernel) << 2;
  for (let group = 0; group < count; group += shares ? 1 : count) {
    for (let c = 0; c < planes; c += 4) {
      // The last plane stands for those that lack.
      const many = planes - c;
      const u: usize = many > 1 ? 1 : 0;
      const v: usize = many > 2 ? 2 : u;
      const w: usize = many > 3 ? 3 : v;
      const first = shares ? group : c;
      const channel = shares ? c : 0;
      for (let n = 0; n < batch; n++) {
        const at = n * groups + first;
        const a = x + <usize>(at * channels + channel) * volume;
        takeLanes(a, a + u * volume, a + v * volume, a + w * volume);
        for (let r = 0; r < rows; r++) {
          const b = g + (<usize>((at * rows + r) * p) << 2);
          addProducts(b, b + u * apart, b + v * apart, b + w * apart, r);
        }
      }
      for (let r = 0; r < rows; r++) {
        const to = o + (<usize>(((first * rows + r) * channels + channel) * kernel) << 2);
        storeSums(to, to + u * next, to + v * next, to + w * next, r);
      }
    }
  }
}

/**
 * g [N, O, …] and x [N, C, …] → o [O, C / groups, kernel], of `batch` images, `count` groups, `many` taps from `first` on and
 * `part` of the pixels of the gradient from `pixel` on.
 */
export function conv_weight_grad_f32(
  g: usize,
  x: usize,
  o: usize,
  batch: i32,
  count: i32,
  first: i32,
  many: i32,
  pixel: i32,
  part: i32,
): void {
  const rows = meta(ROWS);
  const groups = meta(GROUPS);
  const k = meta(CHANNELS) * meta(KERNEL) * meta(KERNEL + 1) * meta(KERNEL + 2);
  const p = meta(OUT) * meta(OUT + 1) * meta(OUT + 2);
  const volume = meta(CHANNELS) * meta(SIZE) * meta(SIZE + 1) * meta(SIZE + 2);
  const direct = meta(DIRECT) !== 0;
  const pad = image(k, p, rows);
  const sums = packs(k, p, rows);
  if (isPlain() && rows >= 4) {
    const row = <usize>p << 2;
    const next = <usize>k << 2;
    for (let group = 0; group < count; group++) {
      const to = o + (<usize>(group * rows * k + first) << 2);
      for (let n = 0; n < batch; n++) {
        const at = n * groups + group;
        const a = g + (<usize>(at * rows * p + pixel) << 2);
        const b = x + (<usize>((at * k + first) * p + pixel) << 2);
        gemmPacked<f32>(a, b, to, rows, many, part, row, 4, 4, row, next, n > 0 ? to : 0, n > 0 ? next : 0);
      }
    }
    return;
  }
  const by = isNear();
  const zeros = by ? zeroBeside() : 0;
  const slides = hasWindow(rows, 0, p) && IS_BESIDE;
  if (hasLanes()) {
    lanesGrad(g, x, o, batch, count, p);
    return;
  }
  if (rows > 3 || (!by && !slides)) {
    makeTables(k, p);
    clearImage(k, p);
  }
  const inPlace = direct || by > 0 || slides;
  const blocks = (part + KC - 1) / KC;
  const step = padded((part + blocks - 1) / blocks);
  const end = pixel + part;
  for (let group = 0; group < count; group++) {
    const to = o + (<usize>(group * rows * k) << 2);
    if (rows < 4) {
      for (let r = 0; r < rows; r++) {
        for (let i: usize = 0, end = <usize>k << 4; i < end; i += 16) v128.store(sums + i, f32x4.splat(0));
        for (let n = 0; n < batch; n++) {
          const from = x + (<usize>((n * groups + group) * volume) << 2);
          const at = g + (<usize>(((n * groups + group) * rows + r) * p) << 2);
          if (!inPlace) place(from, pad);
          addGrad(at, from, inPlace ? from : pad, sums, k, p, by, slides, zeros);
        }
        addLanes(sums, to + (<usize>(r * k) << 2), k);
      }
      continue;
    }
    // Few weights: panels would be mostly padding. The block of gemm holds the sums.
    if (k < 27 && rows * k <= SUMS && many === k && part === p && hasRows()) {
      memory.fill(scratch, 0, <usize>(rows * k) << 4);
      for (let n = 0; n < batch; n++) {
        const from = x + (<usize>((n * groups + group) * volume) << 2);
        const grads = g + (<usize>((n * groups + group) * rows * p) << 2);
        if (by) {
          for (let r = 0; r < rows; r++) {
            addGrad(grads + (<usize>(r * p) << 2), from, from, scratch + <usize>(r * 144), k, p, by, false, zeros);
          }
          continue;
        }
        if (!direct) place(from, pad);
        correlatePlanesGrad(
          grads,
          rows,
          direct ? from : pad,
          scratch,
          meta(CHANNELS),
          meta(OUT + 1),
          meta(OUT + 2),
          meta(KERNEL + 1),
          meta(KERNEL + 2),
          <usize>(meta(PADDED + 1) * meta(PADDED + 2)) << 2,
          <usize>(meta(STRIDE + 1) * meta(PADDED + 2)) << 2,
          <usize>(meta(DILATION + 1) * meta(PADDED + 2)) << 2,
          taps(),
        );
      }
      addLanes(scratch, to, rows * k);
      continue;
    }
    for (let n = 0; n < batch; n++) {
      const from = x + (<usize>((n * groups + group) * volume) << 2);
      const grad = g + (<usize>((n * groups + group) * rows * p) << 2);
      if (!direct) place(from, pad);
      const base = direct ? from : pad;
      for (let i = pixel; i < end; i += step) {
        const kc = min(step, end - i);
        const kp = padded(kc);
        for (let j = 0; j < many; j += BLOCK) {
          const nc = min(BLOCK, many - j);
          gatherTransposed(scratch, base, taps() + (<usize>(first + j) << 2), pixels(k) + (<usize>i << 2), kc, nc);
          for (let r = 0; r < rows; r += MC) {
            const mc = min(MC, rows - r);
            packWhole(packedA<f32>(), grad + (<usize>(r * p + i) << 2), mc, kc, <usize>p << 2, 4);
            const at = to + (<usize>(r * k + j) << 2);
            multiplyWhole(packedA<f32>(), scratch, at, <usize>k << 2, mc, nc, kp, n > 0 || i > pixel);
          }
        }
      }
    }
  }
}
