/**
 * How Winograd's method reads images and writes results, tile by tile; see winograd.ts.
 */

import { least, toNext } from "./finish";
import { mad } from "./fused";
import {
  ABOVE,
  BEFORE,
  between,
  DILATION,
  frames,
  HEIGHT,
  KERNEL,
  meta,
  OUT_HEIGHT,
  OUT_WIDTH,
  phases,
  seen,
  table,
  tilesAcross,
  tilesDown,
  WIDTH,
} from "./winograd_layout";

/** Status of a part that ran. */
// @ts-ignore: decorator
@inline
export const FIT: i32 = -1;
/** Status of a part whose results must not be used. */
const UNFIT: i32 = 0;
/** Inputs above this are for other kernels: beside them, a tile's small outputs would lose their digits. */
const LARGEST: f32 = 65536;

/** Nothing has been met yet. */
export function forget(): void {
  v128.store(seen(), f32x4.splat(0));
  v128.store(seen(), f32x4.splat(0), 16);
}

/** {@linkcode FIT}, unless an input was too large or an output not finite. */
export function status(): i32 {
  const fits = v128.and(
    f32x4.le(v128.load(seen()), f32x4.splat(LARGEST)),
    f32x4.eq(v128.load(seen(), 16), f32x4.splat(0)),
  );
  return i32x4.all_true(fits) ? FIT : UNFIT;
}

/** What inputs are at most, with those in v. */
// @ts-ignore: decorator
@inline
function most(largest: v128, v: v128): v128 {
  return f32x4.pmax(largest, f32x4.abs(v));
}

/** Notes outputs that are not finite. */
// @ts-ignore: decorator
@inline
function judge(v: v128): void {
  v128.store(seen(), mad(v, f32x4.splat(0), v128.load(seen(), 16)), 16);
}

/** {@linkcode FIT} when all `n` numbers at p are finite. */
export function all_finite_f32(p: usize, n: i32): i32 {
  const zero = f32x4.splat(0);
  let bad = zero;
  const end = p + (<usize>n << 2);
  for (; p + 16 <= end; p += 16) bad = mad(v128.load(p), zero, bad);
  for (; p < end; p += 4) bad = mad(v128.load32_zero(p), zero, bad);
  return i32x4.all_true(f32x4.eq(bad, zero)) ? FIT : UNFIT;
}

/** A channel of an image or of a result, and the padded one that tiles cover whole. */
// @ts-ignore: decorator
@unmanaged
export class Frame {
  height: i32;
  width: i32;
  /** Zeros above and before it. */
  above: i32;
  before: i32;
  /** Elements from tile to tile of the padded one, and how many rows the last one has more. */
  by: i32;
  more: i32;
  /** Elements of a row of the padded one, and of all of it, which there are {@linkcode phases} of. */
  wide: i32;
  plane: i32;
  /** Tiles of a row of the padded one, and of all of it. */
  across: i32;
  tiles: i32;
  /** 1 where both are the same, so that tiles are read where they are. */
  direct: i32;
  /** Tiles that are read, and where these are direct: their first element, and how many. */
  first: i32;
  end: i32;
  from: i32;
  count: i32;

  /** Chooses tiles `first` to `end` for {@linkcode cover}. */
  choose(first: i32, end: i32): void {
    this.first = first;
    this.end = end;
    const top = this.by * (first / this.across);
    const bottom = this.by * ((end - 1) / this.across + 1) + this.more;
    this.from = top * this.width;
    this.count = bottom * this.width - this.from;
  }

  /** Bytes of the padded one; what reads beyond its end finds memory there. */
  get bytes(): usize {
    return <usize>(phases() * this.plane + 16) << 2;
  }

  /** Bytes to where block `at` of a kernel meets what its first element meets at 0. */
  // @ts-ignore: decorator
  @inline
  shift(at: i32): usize {
    return <usize>((at >> 16) * this.wide + (at & 65535)) << 2;
  }

  /** Bytes to the tile in row `y` and column `x` of a part. */
  // @ts-ignore: decorator
  @inline
  offset(part: i32, y: i32, x: i32): i32 {
    return (part * this.plane + this.by * (y * this.wide + x)) << 2;
  }
}

/** The image, padded to `wide` × `high`. */
export function imageFrame(by: i32, more: i32, wide: i32, high: i32): Frame {
  return frame(frames(), meta(HEIGHT), meta(WIDTH), meta(ABOVE), meta(BEFORE), by, more, wide, high);
}

/** The result. */
export function resultFrame(): Frame {
  const wide = 4 * tilesAcross();
  return frame(frames() + 64, meta(OUT_HEIGHT), meta(OUT_WIDTH), 0, 0, 4, 0, wide, 4 * tilesDown());
}

function frame(
  at: usize,
  height: i32,
  width: i32,
  above: i32,
  before: i32,
  by: i32,
  more: i32,
  wide: i32,
  high: i32,
): Frame {
  const f = changetype<Frame>(at);
  f.height = height;
  f.width = width;
  f.above = above;
  f.before = before;
  f.by = by;
  f.more = more;
  f.wide = wide;
  f.plane = wide * high;
  f.across = tilesAcross();
  f.tiles = f.across * tilesDown();
  f.direct = i32(phases() === 1 && (above | before) === 0 && wide === width && high === height);
  return f;
}

/**
 * Answers where the chosen tiles of the channel at `x` are: there, or at `pad`, where they are copied and the rest is 0
 * already. Notes the greatest magnitude.
 */
export function cover(f: Frame, x: usize, pad: usize): usize {
  if (f.direct) {
    look(x + (<usize>f.from << 2), f.count);
    return x;
  }
  const across = f.across;
  const tiles = f.tiles;
  const first = f.first;
  const end = f.end;
  const stepX = meta(DILATION + 1);
  for (let part = first / tiles; part * tiles < end; part++) {
    const top = max(0, first - part * tiles) / across;
    const last = (min(tiles, end - part * tiles) - 1) / across + 1;
    const y = part / stepX;
    const to = pad + (<usize>(part * f.plane) << 2);
    place(f, x, to, f.by * top, f.by * last + f.more, f.above - y, f.before - (part - y * stepX));
  }
  return pad;
}

/** Looks at `n` elements. */
function look(x: usize, n: i32): void {
  let largest = v128.load(seen());
  const last = x + (<usize>n << 2);
  for (; x + 16 <= last; x += 16) largest = most(largest, v128.load(x));
  for (; x < last; x += 4) largest = most(largest, v128.load32_zero(x));
  v128.store(seen(), largest);
}

/** The first element, `step` apart, of a padded image that is not before `before`. */
// @ts-ignore: decorator
@inline
function firstOf(before: i32, step: i32): i32 {
  return before > 0 ? (before + step - 1) / step : 0;
}

/**
 * Copies rows `from` to `end` of the padded image, or one of its parts, out of an image that begins at row `above` and column
 * `before`. With dilation these count single elements, and only every so manieth is copied.
 */
function place(f: Frame, x: usize, to: usize, from: i32, end: i32, above: i32, before: i32): void {
  const stepY = meta(DILATION);
  const stepX = meta(DILATION + 1);
  const y0 = max(from, firstOf(above, stepY));
  const y1 = min(end, firstOf(f.height + above, stepY));
  const x0 = firstOf(before, stepX);
  const columns = <usize>max(0, min(f.wide, firstOf(f.width + before, stepX)) - x0) << 2;
  const row = <usize>(stepY * f.width) << 2;
  const wide = <usize>f.wide << 2;
  const gap = <usize>stepX << 2;
  let largest = v128.load(seen());
  x += <usize>((y0 * stepY - above) * f.width + x0 * stepX - before) << 2;
  to += <usize>(y0 * f.wide + x0) << 2;
  for (let y = y0; y < y1; y++) {
    let t: usize = 0;
    if (stepX === 1) {
      for (; t + 16 <= columns; t += 16) {
        const v = v128.load(x + t);
        largest = most(largest, v);
        v128.store(to + t, v);
      }
    }
    for (let q = x + t * <usize>stepX; t < columns; t += 4) {
      const v = v128.load32_zero(q);
      largest = most(largest, v);
      v128.store32_lane(to + t, v, 0);
      q += gap;
    }
    x += row;
    to += wide;
  }
  v128.store(seen(), largest);
}

/** Copies the image out of the padded one, and notes what is not finite. */
export function uncover(f: Frame, pad: usize, o: usize): void {
  const row = <usize>f.width << 2;
  const whole = row & ~15;
  pad += <usize>(f.above * f.wide + f.before) << 2;
  const zero = f32x4.splat(0);
  let bad = zero;
  for (let y = 0; y < f.height; y++) {
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
    pad += <usize>f.wide << 2;
    o += row;
  }
  judge(bad);
}

/**
 * Writes what is known of every tile of an image: offsets of its input and of its output, rows and columns of that. Three
 * tiles more, at the place of the last one, have no rows. Gradients read outputs from their frame.
 *
 * Kernels with `dilation` taps' distance meet every `dilation`th element of the image only: the image is cut into parts of
 * these, whose tiles follow one another.
 */
export function writeTiles(image: Frame, result: Frame | null): void {
  const across = image.across;
  const down = image.tiles / across;
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
        store<i32>(q, image.offset(part, y, x));
        store<i32>(q, result ? result.offset(part, y, x) : (top * width + left) << 2, 4);
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

/** True where four tiles lie inside the image whole. */
// @ts-ignore: decorator
@inline
export function areWhole(tiles: usize): bool {
  return load<i32>(tiles, 12) + load<i32>(tiles, 28) + load<i32>(tiles, 44) + load<i32>(tiles, 60) === 16 &&
    load<i32>(tiles, 8) + load<i32>(tiles, 24) + load<i32>(tiles, 40) + load<i32>(tiles, 56) === 16;
}

/** Stores row `i` of four tiles, whose columns are in the lanes of y0 … y3, finished with `bias` where `ends`. */
// @ts-ignore: decorator
@inline
export function putRows(
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
  judge(f32x4.add(f32x4.add(y0, y1), f32x4.add(y2, y3)));
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

/** Stores what row `i` of a tile has inside the image. */
// @ts-ignore: decorator
@inline
function putPart(p: usize, v: v128, tile: usize, i: i32, gap: usize): void {
  if (i >= load<i32>(tile, 8)) return;
  const columns = load<i32>(tile, 12);
  if (columns === 4 && gap === 4) v128.store(p, v);
  else putSome(p, v, columns, gap);
}

/** Stores the first `n` lanes, one to four, `gap` bytes apart. */
// @ts-ignore: decorator
@inline
function putSome(p: usize, v: v128, n: i32, gap: usize): void {
  v128.store32_lane(p, v, 0);
  if (n > 1) v128.store32_lane(p + gap, v, 1);
  if (n > 2) v128.store32_lane(p + 2 * gap, v, 2);
  if (n > 3) v128.store32_lane(p + 3 * gap, v, 3);
}

/** Stores all lanes, `gap` bytes apart. */
// @ts-ignore: decorator
@inline
export function scatter(p: usize, v: v128, gap: usize): void {
  v128.store32_lane(p, v, 0);
  v128.store32_lane(p + gap, v, 1);
  v128.store32_lane(p + 2 * gap, v, 2);
  v128.store32_lane(p + 3 * gap, v, 3);
}

/** Adds v to four elements at p. */
// @ts-ignore: decorator
@inline
export function addTo(p: usize, v: v128): void {
  v128.store(p, f32x4.add(v128.load(p), v));
}

/** Adds the first two lanes of v to two elements at p. */
// @ts-ignore: decorator
@inline
export function addPair(p: usize, v: v128): void {
  v128.store64_lane(p, f32x4.add(v128.load64_zero(p), v), 0);
}

/** Adds a number to an element at p. */
// @ts-ignore: decorator
@inline
export function addOne(p: usize, v: f32): void {
  store<f32>(p, load<f32>(p) + v);
}

/**
 * Stores the nine vectors at {@linkcode between}, whose lanes are the block at row `y` and column `x` of `n` up to four
 * kernels, the first of which is at `o`.
 */
export function putBlock(o: usize, y: i32, x: i32, n: i32): void {
  const width = meta(KERNEL + 1);
  const apart = <usize>(meta(KERNEL) * width) << 2;
  const rows = min(3, meta(KERNEL) - y);
  const columns = min(3, width - x);
  let from = between();
  o += <usize>(y * width + x) << 2;
  for (let i = 0; i < rows; i++) {
    if (n === 4 && columns === 3) {
      scatter(o, v128.load(from), apart);
      scatter(o + 4, v128.load(from, 16), apart);
      scatter(o + 8, v128.load(from, 32), apart);
    } else {
      for (let j = 0; j < columns; j++) {
        putSome(o + (<usize>j << 2), v128.load(from + (<usize>j << 4)), n, apart);
      }
    }
    o += <usize>width << 2;
    from += 48;
  }
}
