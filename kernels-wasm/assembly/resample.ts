/**
 * Weighted sums of rows at given places, and the adjoint: rows added to given places by weight.
 *
 * Single elements go eight rows of the operand at a time: turned, they are rows of eight.
 */

import { turnBlock } from "./copy";
import { mad } from "./fused";
import { index_outside } from "./gather";
import { scratch } from "./memory";

/** Bytes of a row of eight. */
// @ts-ignore: decorator
@inline
const EIGHT: usize = 32;

/** o[i, :] = Σ over k of weight[k, i] x[index[k, i], :], with rows of `row` bytes. */
function selectRows(x: usize, index: usize, weight: usize, o: usize, n: i32, taps: i32, row: usize): void {
  const next = <usize>n << 2;
  const behind = <usize>taps * next;
  for (; n > 0; n--) {
    const last = index + behind;
    let c: usize = 0;
    for (; c + 32 <= row; c += 32) {
      let p = x + <usize>load<u32>(index) * row + c;
      let w = v128.load32_splat(weight);
      let s0 = f32x4.mul(w, v128.load(p));
      let s1 = f32x4.mul(w, v128.load(p, 16));
      let v = weight;
      for (let i = index + next; i < last; i += next) {
        v += next;
        p = x + <usize>load<u32>(i) * row + c;
        w = v128.load32_splat(v);
        s0 = mad(w, v128.load(p), s0);
        s1 = mad(w, v128.load(p, 16), s1);
      }
      v128.store(o + c, s0);
      v128.store(o + c, s1, 16);
    }
    for (; c < row; c += 4) {
      let s: f32 = load<f32>(weight) * load<f32>(x + <usize>load<u32>(index) * row + c);
      let v = weight;
      for (let i = index + next; i < last; i += next) {
        v += next;
        s += load<f32>(v) * load<f32>(x + <usize>load<u32>(i) * row + c);
      }
      store<f32>(o + c, s);
    }
    index += 4;
    weight += 4;
    o += row;
  }
}

/** o[index[k, i], :] += weight[k, i] x[i, :], with rows of `row` bytes. */
function spreadRows(x: usize, index: usize, weight: usize, o: usize, n: i32, taps: i32, row: usize): void {
  const next = <usize>n << 2;
  const behind = <usize>taps * next;
  for (; n > 0; n--) {
    let v = weight;
    for (let i = index; i < index + behind; i += next) {
      const q = o + <usize>load<u32>(i) * row;
      const w = v128.load32_splat(v);
      let c: usize = 0;
      for (; c + 32 <= row; c += 32) {
        v128.store(q + c, mad(w, v128.load(x + c), v128.load(q + c)));
        v128.store(q + c, mad(w, v128.load(x + c, 16), v128.load(q + c, 16)), 16);
      }
      for (; c < row; c += 4) store<f32>(q + c, load<f32>(q + c) + load<f32>(v) * load<f32>(x + c));
      v += next;
    }
    index += 4;
    weight += 4;
    x += row;
  }
}

/** One of both, over `from` rows to `to`. */
// @ts-ignore: decorator
@inline
function resampleRows(x: usize, index: usize, weight: usize, o: usize, from: i32, to: i32, taps: i32, row: usize, spread: bool): void {
  if (spread) {
    memory.fill(o, 0, <usize>to * row);
    spreadRows(x, index, weight, o, from, taps, row);
  } else selectRows(x, index, weight, o, to, taps, row);
}

/**
 * o[a, i, :] = Σ over k of weight[k, i] x[a, index[k, i], :], or where `spread`, o[a, index[k, i], :] += weight[k, i] x[a, i, :]
 * into zeros, with `inner` elements in a row. Answers the place of the first index that is out of range, or −1. Where
 * `turned`, there is working memory for `from` + `to` rows of eight.
 */
export function resample_f32(
  x: usize,
  index: usize,
  weight: usize,
  o: usize,
  outer: i32,
  from: i32,
  to: i32,
  taps: i32,
  inner: i32,
  spread: bool,
  turned: bool,
): i32 {
  const bad = index_outside(index, taps * (spread ? from : to), spread ? to : from, 0);
  if (bad >= 0) return bad;
  const row = <usize>inner << 2;
  const sx = <usize>from * row;
  const so = <usize>to * row;
  if (inner === 1 && turned && outer >= 8 && from >= 4 && to >= 4) {
    const sums = scratch + <usize>from * EIGHT;
    for (let r = 0; r < outer; r += 8) {
      if (r > outer - 8) r = outer - 8;
      const a = x + <usize>r * sx;
      const b = o + <usize>r * so;
      for (let j = 0; j < from; j += 4) {
        if (j > from - 4) j = from - 4;
        const p = a + (<usize>j << 2);
        const t = scratch + <usize>j * EIGHT;
        turnBlock<u32>(p, sx, t, EIGHT);
        turnBlock<u32>(p + 4 * sx, sx, t + 16, EIGHT);
      }
      resampleRows(scratch, index, weight, sums, from, to, taps, EIGHT, spread);
      for (let j = 0; j < to; j += 4) {
        if (j > to - 4) j = to - 4;
        const q = b + (<usize>j << 2);
        const t = sums + <usize>j * EIGHT;
        turnBlock<u32>(t, EIGHT, q, so);
        turnBlock<u32>(t + 16, EIGHT, q + 4 * so, so);
      }
    }
    return -1;
  }
  for (; outer > 0; outer--) {
    resampleRows(x, index, weight, o, from, to, taps, row, spread);
    x += sx;
    o += so;
  }
  return -1;
}
