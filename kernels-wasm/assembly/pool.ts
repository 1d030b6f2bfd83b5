/**
 * Pooling over windows of one to three dimensions. The host writes the geometry at META, three numbers each: sizes of the
 * image, of the output, of the window, its stride, its padding, its dilation.
 */

const META: usize = 16384;

// @ts-ignore: decorator
@inline
function meta(i: usize): i32 {
  return load<i32>(META + (i << 2));
}

// @ts-ignore: decorator
@inline
const SIZE: usize = 0;
// @ts-ignore: decorator
@inline
const OUT: usize = 3;
// @ts-ignore: decorator
@inline
const WINDOW: usize = 6;
// @ts-ignore: decorator
@inline
const STRIDE: usize = 9;
// @ts-ignore: decorator
@inline
const PADDING: usize = 12;
// @ts-ignore: decorator
@inline
const DILATION: usize = 15;

/** Windows of 2 × 2 that tile the image: four at a time. Answers the first column that is left. */
function tiles(x: usize, o: usize, places: usize, at: i32, width: i32, columns: i32): i32 {
  const down = <usize>width << 2;
  const first = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, 2), 2, 4), 3, 6);
  let j = 0;
  for (; j + 4 <= columns; j += 4) {
    const p = x + (<usize>j << 3);
    const a0 = v128.load(p);
    const a1 = v128.load(p, 16);
    const b0 = v128.load(p + down);
    const b1 = v128.load(p + down, 16);
    let best = i32x4.shuffle(a0, a1, 0, 2, 4, 6);
    const place0 = i32x4.add(i32x4.splat(at + 2 * j), first);
    let place = place0;
    let y = i32x4.shuffle(a0, a1, 1, 3, 5, 7);
    let m = v128.not(f32x4.le(y, best));
    m = v128.and(m, v128.or(f32x4.eq(best, best), f32x4.ne(y, y)));
    best = v128.bitselect(y, best, m);
    place = v128.bitselect(i32x4.add(place0, i32x4.splat(1)), place, m);
    y = i32x4.shuffle(b0, b1, 0, 2, 4, 6);
    m = v128.not(f32x4.le(y, best));
    m = v128.and(m, v128.or(f32x4.eq(best, best), f32x4.ne(y, y)));
    best = v128.bitselect(y, best, m);
    place = v128.bitselect(i32x4.add(place0, i32x4.splat(width)), place, m);
    y = i32x4.shuffle(b0, b1, 1, 3, 5, 7);
    m = v128.not(f32x4.le(y, best));
    m = v128.and(m, v128.or(f32x4.eq(best, best), f32x4.ne(y, y)));
    best = v128.bitselect(y, best, m);
    place = v128.bitselect(i32x4.add(place0, i32x4.splat(width + 1)), place, m);
    v128.store(o + (<usize>j << 2), best);
    v128.store(places + (<usize>j << 2), place);
  }
  return j;
}

/** Largest value of each window and its place in the image; a NaN wins, the last one, as in PyTorch. */
export function max_pool_f32(x: usize, o: usize, places: usize, planes: i32): void {
  const d = meta(SIZE);
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  const tiled = meta(WINDOW) === 1 && meta(STRIDE) === 1 && meta(PADDING) === 0 && meta(PADDING + 1) === 0 &&
    meta(PADDING + 2) === 0 && meta(WINDOW + 1) === 2 && meta(WINDOW + 2) === 2 && meta(STRIDE + 1) === 2 &&
    meta(STRIDE + 2) === 2 && meta(DILATION + 1) === 1 && meta(DILATION + 2) === 1 && 2 * meta(OUT + 1) <= h &&
    2 * meta(OUT + 2) <= w;
  for (; planes > 0; planes--) {
    for (let z = 0; z < meta(OUT); z++) {
      const z0 = z * meta(STRIDE) - meta(PADDING);
      for (let y = 0; y < meta(OUT + 1); y++) {
        const y0 = y * meta(STRIDE + 1) - meta(PADDING + 1);
        let j = 0;
        if (tiled) {
          const at = (z0 * h + y0) * w;
          j = tiles(x + (<usize>at << 2), o, places, at, w, meta(OUT + 2));
        }
        for (; j < meta(OUT + 2); j++) {
          const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
          let best: f32 = -Infinity;
          let place = -1;
          for (let a = 0; a < meta(WINDOW); a++) {
            const zz = z0 + a * meta(DILATION);
            if (<u32>zz >= <u32>d) continue;
            for (let b = 0; b < meta(WINDOW + 1); b++) {
              const yy = y0 + b * meta(DILATION + 1);
              if (<u32>yy >= <u32>h) continue;
              for (let c = 0; c < meta(WINDOW + 2); c++) {
                const xx = x0 + c * meta(DILATION + 2);
                if (<u32>xx >= <u32>w) continue;
                const at = (zz * h + yy) * w + xx;
                const v = load<f32>(x + (<usize>at << 2));
                if (v > best || v != v || place < 0) {
                  best = v;
                  place = at;
                }
              }
            }
          }
          store<f32>(o + (<usize>j << 2), best);
          store<i32>(places + (<usize>j << 2), place);
        }
        o += <usize>meta(OUT + 2) << 2;
        places += <usize>meta(OUT + 2) << 2;
      }
    }
    x += <usize>(d * h * w) << 2;
  }
}

/** g summed into the places of zeros. Answers −1, or which place lies outside. */
export function max_pool_backward_f32(
  g: usize,
  places: usize,
  o: usize,
  planes: i32,
  windows: i32,
  size: i32,
): i32 {
  memory.fill(o, 0, <usize>(planes * size) << 2);
  for (let i = 0; i < planes; i++) {
    for (let j = 0; j < windows; j++) {
      const at = load<i32>(places + (<usize>j << 2));
      if (<u32>at >= <u32>size) return i * windows + j;
      const q = o + (<usize>at << 2);
      store<f32>(q, load<f32>(q) + load<f32>(g + (<usize>j << 2)));
    }
    g += <usize>windows << 2;
    places += <usize>windows << 2;
    o += <usize>size << 2;
  }
  return -1;
}

/** What the window at `start` divides by along one dimension when padding counts: it ends at the padded size. */
// @ts-ignore: decorator
@inline
function extent(start: i32, i: usize): i32 {
  return min(start + meta(WINDOW + i), meta(SIZE + i) + meta(PADDING + i)) - start;
}

/** Mean of each window (forward), or the gradient of that spread over it (backward). */
// @ts-ignore: decorator
@inline
function average(x: usize, o: usize, planes: i32, includePad: i32, divisor: f32, backward: bool): void {
  const d = meta(SIZE);
  const h = meta(SIZE + 1);
  const w = meta(SIZE + 2);
  for (; planes > 0; planes--) {
    for (let z = 0; z < meta(OUT); z++) {
      const z0 = z * meta(STRIDE) - meta(PADDING);
      const za = max(z0, 0);
      const zb = min(z0 + meta(WINDOW), d);
      for (let y = 0; y < meta(OUT + 1); y++) {
        const y0 = y * meta(STRIDE + 1) - meta(PADDING + 1);
        const ya = max(y0, 0);
        const yb = min(y0 + meta(WINDOW + 1), h);
        for (let j = 0; j < meta(OUT + 2); j++) {
          const x0 = j * meta(STRIDE + 2) - meta(PADDING + 2);
          const xa = max(x0, 0);
          const xb = min(x0 + meta(WINDOW + 2), w);
          let by = divisor;
          if (by === 0) {
            by = includePad
              ? <f32>(extent(z0, 0) * extent(y0, 1) * extent(x0, 2))
              : <f32>((zb - za) * (yb - ya) * (xb - xa));
          }
          if (backward) {
            const share = load<f32>(o) / by;
            for (let a = za; a < zb; a++) {
              for (let b = ya; b < yb; b++) {
                for (let c = xa; c < xb; c++) {
                  const q = x + (<usize>((a * h + b) * w + c) << 2);
                  store<f32>(q, load<f32>(q) + share);
                }
              }
            }
          } else {
            let sum: f32 = 0;
            for (let a = za; a < zb; a++) {
              for (let b = ya; b < yb; b++) {
                for (let c = xa; c < xb; c++) sum += load<f32>(x + (<usize>((a * h + b) * w + c) << 2));
              }
            }
            store<f32>(o, sum / by);
          }
          o += 4;
        }
      }
    }
    x += <usize>(d * h * w) << 2;
  }
}

/** Mean of each window; `divisor` 0 means the window, with its padding where `includePad` is not 0. */
export function avg_pool_f32(x: usize, o: usize, planes: i32, includePad: i32, divisor: f32): void {
  average(x, o, planes, includePad, divisor, false);
}

/** Gradient of {@linkcode avg_pool_f32}: g [planes, out] → o [planes, size]. */
export function avg_pool_backward_f32(g: usize, o: usize, planes: i32, includePad: i32, divisor: f32): void {
  memory.fill(o, 0, <usize>(planes * meta(SIZE) * meta(SIZE + 1) * meta(SIZE + 2)) << 2);
  average(o, g, planes, includePad, divisor, true);
}
