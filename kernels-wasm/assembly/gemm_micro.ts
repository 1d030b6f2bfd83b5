/**
 * What the micro-kernels of the product of matrices have in common: one tile of C from a panel of A and a panel of B.
 * `build_tiles.ts` writes the kernels themselves, `generated/tiles.ts`.
 *
 * A panel of A holds the rows of a tile, a panel of B 8 columns, one step of k after another; both are padded with zeros
 * to a multiple of 4 steps.
 *
 * `micro_*` store A B, or A B + D where `d` is not 0: D is a matrix (C itself, say), or one row where `ldd` is 0.
 * `first_*` read B where it is, rows `rsb` bytes apart, and leave it as a panel at `o` for the tiles that follow.
 */

import { mad } from "./fused";

/** Rows of panels that other families pack. */
// @ts-ignore: decorator
@inline
export const MR_F32: i32 = 5;
/** Most rows of a tile of a product: one less where a product and a sum take a register more than both in one do. */
export let HIGHEST: i32 = 6;
/** Columns of a tile of float32. */
// @ts-ignore: decorator
@inline
export const NR_F32: i32 = 8;
/** Rows and columns of a tile of float64. */
// @ts-ignore: decorator
@inline
export const MR_F64: i32 = 4;
/** Columns of a tile of float64. */
// @ts-ignore: decorator
@inline
export const NR_F64: i32 = 4;

/** One row of a tile, with the row of D where there is one. */
// @ts-ignore: decorator
@inline
export function put(c: usize, x: v128, y: v128, d: usize): void {
  if (d) {
    x = f32x4.add(v128.load(d), x);
    y = f32x4.add(v128.load(d, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

// @ts-ignore: decorator
@inline
export function putD(c: usize, x: v128, y: v128, d: usize): void {
  if (d) {
    x = f64x2.add(v128.load(d), x);
    y = f64x2.add(v128.load(d, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

/** Whether this engine shall run the kernels that are not unrolled, of at most 5 rows. */
export let rolled: bool = false;

/** Chooses them, and how high tiles are. */
export function set_rolled(value: i32): void {
  rolled = value !== 0;
  HIGHEST = rolled || !fuses(<f32>(1 + 1.0 / 4096)) ? 5 : 6;
}

/** Whether this build and engine multiply and add with one rounding: x² − (x² rounded) is 0 otherwise. */
function fuses(x: f32): bool {
  const v = f32x4.splat(x);
  const square = f32x4.mul(v, v);
  return f32x4.extract_lane(mad(v, v, f32x4.neg(square)), 0) !== 0;
}
