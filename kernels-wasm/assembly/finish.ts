/**
 * What finishes products and convolutions, block by block while their results are in a cache: a bias for each channel, added
 * to whole sums, and relu. Every element gets what the kernels of these ops would give it.
 */

/** What the host writes here, in this order, and clears when the product has run; see `src/finish.ts`. */
const FINISH: usize = 24512;

// @ts-ignore: decorator
@inline
function word(i: usize): i32 {
  return load<i32>(FINISH + (i << 2));
}

/** Where the whole result begins. */
// @ts-ignore: decorator
@inline
const BASE: usize = 0;
/** Address of an element for each channel, or 0. */
// @ts-ignore: decorator
@inline
const BIAS: usize = 1;
// @ts-ignore: decorator
@inline
const CHANNELS: usize = 2;
/** 1 where relu follows. */
// @ts-ignore: decorator
@inline
const RELU: usize = 3;
/** Bytes from a result to where its relu goes, when both are kept; else 0. */
// @ts-ignore: decorator
@inline
const NEXT: usize = 4;

/** True where something is to be done. */
// @ts-ignore: decorator
@inline
export function finishes(): bool {
  return (word(BIAS) | word(RELU)) !== 0;
}

/** Address of the bias of the channel in which `o` lies, whose channels have `plane` elements; 0 where there is none. */
export function biasAt(o: usize, plane: i32): usize {
  const bias = <usize>word(BIAS);
  if (!bias || !plane) return bias;
  return bias + (<usize>(((<u32>(o - <usize>word(BASE)) >> 2) / <u32>plane) % <u32>word(CHANNELS)) << 2);
}

/** What is added to the results from `o` on, in a channel of `plane` elements; −0 changes nothing. */
export function biasOf(o: usize, plane: i32): v128 {
  const at = biasAt(o, plane);
  return f32x4.splat(at ? load<f32>(at) : -0.0);
}

/** The least that results may be: 0 for relu. */
// @ts-ignore: decorator
@inline
export function least(): v128 {
  return f32x4.splat(word(RELU) ? 0 : -Infinity);
}

/** Bytes from a result to where its relu goes, when both are kept; else 0. */
// @ts-ignore: decorator
@inline
export function toNext(): usize {
  return <usize>word(NEXT);
}

/**
 * Finishes `rows` by `cols` elements, rows `ld` bytes apart, from `x` to `o`; the bias of the first row is at `bias`, that of
 * the next behind it. Nothing is what −0 adds, and what is below −∞.
 */
export function finishRows(x: usize, o: usize, ld: usize, rows: i32, cols: i32, bias: usize): void {
  const zero: f32 = word(RELU) ? 0 : -Infinity;
  const low = f32x4.splat(zero);
  const next = <usize>word(NEXT);
  const wide = <usize>(cols & ~7) << 2;
  const all = <usize>cols << 2;
  for (; rows > 0; rows--) {
    const b: f32 = bias ? load<f32>(bias) : -0.0;
    const v = f32x4.splat(b);
    let at: usize = 0;
    if (next) {
      for (; at < wide; at += 32) {
        const p = f32x4.add(v128.load(x + at), v);
        const q = f32x4.add(v128.load(x + at, 16), v);
        v128.store(o + at, p);
        v128.store(o + at, q, 16);
        v128.store(o + at + next, f32x4.pmax(p, low));
        v128.store(o + at + next, f32x4.pmax(q, low), 16);
      }
    } else {
      for (; at < wide; at += 32) {
        v128.store(o + at, f32x4.pmax(f32x4.add(v128.load(x + at), v), low));
        v128.store(o + at, f32x4.pmax(f32x4.add(v128.load(x + at, 16), v), low), 16);
      }
    }
    for (; at < all; at += 4) {
      const sum = load<f32>(x + at) + b;
      if (next) store<f32>(o + at, sum);
      store<f32>(o + at + next, sum < zero ? zero : sum);
    }
    x += ld;
    o += ld;
    if (bias) bias += 4;
  }
}

/** Finishes `rows` planes of `cols` elements from `x` to `o`; the first is number `first` of all. */
export function finish_f32(x: usize, o: usize, rows: i32, cols: i32, first: i32): void {
  const bias = <usize>word(BIAS);
  const channels = word(CHANNELS);
  const ld = <usize>cols << 2;
  while (rows > 0) {
    const channel = bias ? first % channels : 0;
    const some = bias ? min(rows, channels - channel) : rows;
    finishRows(x, o, ld, some, cols, bias ? bias + (<usize>channel << 2) : 0);
    x += <usize>some * ld;
    o += <usize>some * ld;
    first += some;
    rows -= some;
  }
}
