/**
 * Gradients of planes of the input of kernels of 3 × 3 that move by 2 with a border of 1, straight from planes of the gradient.
 */

import { mad } from "./fused";
import { isRight, Middle, Right } from "./near";

/**
 * The gradient of a plane of the input for a kernel of 3 × 3 that moves by 2, from a plane of the gradient with `high` rows and
 * zeros below. Of 2 × 2 elements of the input the first has one product, two have two, the last has four, with 2 × 2 elements of
 * the gradient that all share. Elements of the gradient are taken from `from` to `end` (in bytes). Rows of the input are `next`
 * bytes long; where the last pair of its `h` rows lacks the second, that goes to `edge`.
 */
function back<Side>(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  row: usize,
  next: usize,
  from: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  const w4 = v128.load32_splat(w, 16);
  const w5 = v128.load32_splat(w, 20);
  const w6 = v128.load32_splat(w, 24);
  const w7 = v128.load32_splat(w, 28);
  const w8 = v128.load32_splat(w, 32);
  // Products are added to 0, so that no sum is −0, as where gradients are spread.
  const zero = f32x4.splat(0);
  for (let y = 0; y < h; y += 2) {
    high--;
    const below = high > 0 ? g + row : zeros;
    const p = y + 1 < h ? o + next : edge;
    for (let j = from; j < end; j += 16) {
      const g0 = v128.load(g + j);
      const g1 = isRight<Side>() ? i32x4.shuffle(g0, zero, 1, 2, 3, 4) : v128.load(g + j, 4);
      const g2 = v128.load(below + j);
      const g3 = isRight<Side>() ? i32x4.shuffle(g2, zero, 1, 2, 3, 4) : v128.load(below + j, 4);
      let to = o + 2 * j;
      let a = mad(w4, g0, zero);
      let b = mad(w5, g0, mad(w3, g1, zero));
      v128.store(to, i32x4.shuffle(a, b, 0, 4, 1, 5));
      v128.store(to, i32x4.shuffle(a, b, 2, 6, 3, 7), 16);
      to = p + 2 * j;
      a = mad(w7, g0, mad(w1, g2, zero));
      b = mad(w8, g0, mad(w6, g1, mad(w2, g2, mad(w0, g3, zero))));
      v128.store(to, i32x4.shuffle(a, b, 0, 4, 1, 5));
      v128.store(to, i32x4.shuffle(a, b, 2, 6, 3, 7), 16);
    }
    g += row;
    o += 2 * next;
  }
}

/**
 * {@linkcode back} of a plane, `high` × `n` (n at least 4), with nothing but zeros around, to one of `h` rows of 2 n elements: a
 * row of zeros lies at `zeros`, a row has room at `edge`.
 */
export function nearPlaneBack(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  n: i32,
  zeros: usize,
  edge: usize,
): void {
  const row = <usize>n << 2;
  if (n > 4) back<Middle>(w, g, o, high, h, row, 2 * row, 0, row - 19, zeros, edge);
  back<Right>(w, g, o, high, h, row, 2 * row, row - 16, row, zeros, edge);
}

/** {@linkcode back} of the elements of the gradient before `end` (in bytes), whole vectors, with others behind them. */
export function insideBack(
  w: usize,
  g: usize,
  o: usize,
  high: i32,
  h: i32,
  row: usize,
  next: usize,
  end: usize,
  zeros: usize,
  edge: usize,
): void {
  back<Middle>(w, g, o, high, h, row, next, 0, end, zeros, edge);
}
