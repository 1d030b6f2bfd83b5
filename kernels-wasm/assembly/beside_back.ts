/**
 * Gradients of planes of the input for kernels with as many columns as they move by, 2 or 3: each element of the input belongs to one
 * window, or to none. Elements of the gradient are repeated as often as windows have columns, and multiplied by weights that repeat.
 */

import { columnsInside, HIGH, LINE, NEXT, OUT_X, OUT_Y, PHASE, SHIFT, TOP, WIDE } from "./back";
import { mad } from "./fused";
import { n as number, One, Three, Two, Zero } from "./numbers";

/** The weights of vector `i` of a row, whose first column is column `Phase` of a window. */
// @ts-ignore: decorator
@inline
function weights<By, Phase>(i: i32, v: v128): v128 {
  const first = (number<Phase>() + 4 * i) % number<By>();
  if (number<By>() === 2) return first === 0 ? i32x4.shuffle(v, v, 0, 1, 0, 1) : i32x4.shuffle(v, v, 1, 0, 1, 0);
  if (first === 0) return i32x4.shuffle(v, v, 0, 1, 2, 0);
  return first === 1 ? i32x4.shuffle(v, v, 1, 2, 0, 1) : i32x4.shuffle(v, v, 2, 0, 1, 2);
}

/** What vector `i` belongs to: of the gradient of four windows, `v`, and of those from the second on, `u`. */
// @ts-ignore: decorator
@inline
function repeated<By, Phase>(i: i32, v: v128, u: v128): v128 {
  const phase = number<Phase>();
  if (number<By>() === 2) {
    if (phase === 0) return i === 0 ? i32x4.shuffle(v, v, 0, 0, 1, 1) : i32x4.shuffle(v, v, 2, 2, 3, 3);
    return i === 0 ? i32x4.shuffle(v, v, 0, 1, 1, 2) : i32x4.shuffle(u, u, 1, 2, 2, 3);
  }
  if (phase === 0) {
    if (i === 0) return i32x4.shuffle(v, v, 0, 0, 0, 1);
    return i === 1 ? i32x4.shuffle(v, v, 1, 1, 2, 2) : i32x4.shuffle(v, v, 2, 3, 3, 3);
  }
  if (phase === 1) {
    if (i === 0) return i32x4.shuffle(v, v, 0, 0, 1, 1);
    return i === 1 ? i32x4.shuffle(v, v, 1, 2, 2, 2) : i32x4.shuffle(u, u, 2, 2, 2, 3);
  }
  if (i === 0) return i32x4.shuffle(v, v, 0, 1, 1, 1);
  return i === 1 ? i32x4.shuffle(v, v, 2, 2, 2, 3) : i32x4.shuffle(u, u, 2, 2, 3, 3);
}

/** What is of the gradient from column `i` on, at `p`. */
// @ts-ignore: decorator
@inline
function some<Edge>(p: usize, i: i32): v128 {
  const v = v128.load(p);
  return number<Edge>() === 1 ? v128.and(v, columnsInside(i)) : v;
}

/** Windows `from` to `end` of a row, all or some of which lie in the gradient. */
// @ts-ignore: decorator
@inline
function windows<By, Phase, Edge>(g: usize, o: usize, from: i32, end: i32, w0: v128, w1: v128, w2: v128): void {
  const by = number<By>();
  // Products are added to 0, so that no sum is −0.
  const zero = f32x4.splat(0);
  for (let k = from; k < end; k += 4) {
    const p = g + (<usize>k << 2);
    const q = o + (<usize>(k * by) << 2);
    const v = some<Edge>(p, SHIFT + k);
    const u = number<Phase>() === 0 ? v : some<Edge>(p + 4, SHIFT + k + 1);
    v128.store(q, mad(w0, repeated<By, Phase>(0, v, u), zero));
    v128.store(q, mad(w1, repeated<By, Phase>(1, v, u), zero), 16);
    if (by > 2) v128.store(q, mad(w2, repeated<By, Phase>(2, v, u), zero), 32);
  }
}

/** A plane whose rows begin with column `Phase` of a window; a row has room at `spare`. */
function plane<By, Phase>(w: usize, g: usize, o: usize, spare: usize): void {
  const by = number<By>();
  const n = OUT_X;
  const all = (n + by - 1) / by;
  const inside = max(0, min(all, WIDE - SHIFT - 1)) & -4;
  const next = NEXT;
  let row = TOP % by;
  let i = TOP / by;
  g += (<usize>i * LINE) + (<usize>SHIFT << 2);
  for (let left = OUT_Y - 1; left >= 0; left--) {
    if (i < HIGH) {
      const r = v128.load(w + <usize>(row * by << 2));
      const w0 = weights<By, Phase>(0, r);
      const w1 = weights<By, Phase>(1, r);
      const w2 = weights<By, Phase>(2, r);
      // What is behind the row is written later, or apart.
      const isLast = left * n < 4 * by;
      const to = isLast ? spare : o;
      windows<By, Phase, Zero>(g, to, 0, inside, w0, w1, w2);
      windows<By, Phase, One>(g, to, inside, all, w0, w1, w2);
      if (isLast) memory.copy(o, spare, next);
    } else memory.fill(o, 0, next);
    o += next;
    if (++row === by) {
      row = 0;
      i++;
      g += LINE;
    }
  }
}

/** A plane of the input's gradient at `o` for a kernel of `by` × `by`; a row has room at `spare`. */
export function besidePlaneBack(by: i32, w: usize, g: usize, o: usize, spare: usize): void {
  if (by === 2) {
    if (PHASE) plane<Two, One>(w, g, o, spare);
    else plane<Two, Zero>(w, g, o, spare);
  } else if (PHASE === 2) plane<Three, Two>(w, g, o, spare);
  else if (PHASE) plane<Three, One>(w, g, o, spare);
  else plane<Three, Zero>(w, g, o, spare);
}
