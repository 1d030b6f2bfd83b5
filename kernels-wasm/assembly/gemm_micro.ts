/**
 * Micro-kernels of the product of matrices: one tile of C from a panel of A and a panel of B.
 *
 * A panel of A holds the rows of a tile, a panel of B 8 columns, one step of k after another; both are padded with zeros
 * to a multiple of 4 steps. The accumulators are named locals, because V8 keeps 15 vectors in registers and spills arrays.
 * Where memory has no guard pages, V8 compares every address with the size of memory: a load takes 3 of the 8 slots of a
 * cycle, one that spreads an element 4, and a shuffle takes a place of a product. Which tile is best, and which elements of
 * A come as lanes of a vector, was measured: 6 × 8 reaches 95 % of what fused multiply-add can do.
 *
 * `micro_*` store A B, or A B + D where `d` is not 0: D is a matrix (C itself, say), or one row where `ldd` is 0.
 * `first_*` read B where it is, rows `rsb` bytes apart, and leave it as a panel at `o` for the tiles that follow.
 * `*_rolled` do one step of k at a time: engines before fused multiply-add move the loads of several steps to their
 * beginning and spill.
 */

/** Rows of panels that other families pack. */
// @ts-ignore: decorator
@inline
export const MR_F32: i32 = ASC_FEATURE_RELAXED_SIMD ? 5 : 4;
/** Most rows of a tile of a product. */
// @ts-ignore: decorator
@inline
export const HIGHEST: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
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

// @ts-ignore: decorator
@inline
function madD(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  else return f64x2.add(f64x2.mul(a, b), c);
}

/** One row of a tile, with the row of D where there is one. */
// @ts-ignore: decorator
@inline
function put(c: usize, x: v128, y: v128, d: usize): void {
  if (d) {
    x = f32x4.add(v128.load(d), x);
    y = f32x4.add(v128.load(d, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

// @ts-ignore: decorator
@inline
function putD(c: usize, x: v128, y: v128, d: usize): void {
  if (d) {
    x = f64x2.add(v128.load(d), x);
    y = f64x2.add(v128.load(d, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

/** Whether this engine shall run the kernels that are not unrolled. */
export let rolled: bool = false;

/** Chooses them. */
export function set_rolled(value: i32): void {
  rolled = value !== 0;
}

/** A tile of 6 × 8 with fused multiply-add. */
export function micro_6x8_fused(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0);
  let c51 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load32_splat(a, 24);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 28);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 32);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 36);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 40);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 44);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = v128.load32_splat(a, 48);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 52);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 56);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 60);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 64);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 68);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load32_splat(a, 72);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 76);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 80);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 84);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 88);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 92);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    a += 96;
    b += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
  c += ldc;
  d += ldd;
  put(c, c50, c51, d);
}

/** The same that packs B. */
export function first_6x8_fused(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0);
  let c51 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 32);
    v128.store(o, b1, 48);
    x = v128.load32_splat(a, 24);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 28);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 32);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 36);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 40);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 44);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 64);
    v128.store(o, b1, 80);
    x = v128.load32_splat(a, 48);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 52);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 56);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 60);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 64);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 68);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 96);
    v128.store(o, b1, 112);
    x = v128.load32_splat(a, 72);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 76);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 80);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 84);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 88);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load32_splat(a, 92);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    b += rsb;
    a += 96;
    o += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
  c += ldc;
  d += ldd;
  put(c, c50, c51, d);
}

/** A tile of 5 × 8 with fused multiply-add. */
export function micro_5x8_fused(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    let v = v128.load(a, 0);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    v = v128.load(a, 16);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 32);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    v = v128.load(a, 32);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 48);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    v = v128.load(a, 48);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 64);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    v = v128.load(a, 64);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    a += 80;
    b += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
}

/** The same that packs B. */
export function first_5x8_fused(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    let v = v128.load(a, 0);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 32);
    v128.store(o, b1, 48);
    v = v128.load(a, 16);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 32);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    v = v128.load(a, 32);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 64);
    v128.store(o, b1, 80);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 48);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    v = v128.load(a, 48);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 96);
    v128.store(o, b1, 112);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 64);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    v = v128.load(a, 64);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b += rsb;
    a += 80;
    o += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
}

/** A tile of 4 × 8 with fused multiply-add. */
export function micro_4x8_fused(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load32_splat(a, 16);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 20);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 24);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 28);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = v128.load32_splat(a, 32);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 36);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 40);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 44);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load32_splat(a, 48);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 52);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 56);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 60);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    a += 64;
    b += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
}

/** The same that packs B. */
export function first_4x8_fused(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 32);
    v128.store(o, b1, 48);
    x = v128.load32_splat(a, 16);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 20);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 24);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 28);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 64);
    v128.store(o, b1, 80);
    x = v128.load32_splat(a, 32);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 36);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 40);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 44);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 96);
    v128.store(o, b1, 112);
    x = v128.load32_splat(a, 48);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load32_splat(a, 52);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load32_splat(a, 56);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load32_splat(a, 60);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    b += rsb;
    a += 64;
    o += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
}

/** A tile of 5 × 8. */
export function micro_5x8(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 16);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load32_splat(a, 20);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 24);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 28);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 32);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 36);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = v128.load32_splat(a, 40);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 44);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 48);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 52);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 56);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load32_splat(a, 60);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 64);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 68);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 72);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 76);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    a += 80;
    b += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
}

/** The same that packs B. */
export function first_5x8(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 16);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 32);
    v128.store(o, b1, 48);
    x = v128.load32_splat(a, 20);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 24);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 28);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 32);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 36);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 64);
    v128.store(o, b1, 80);
    x = v128.load32_splat(a, 40);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 44);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 48);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 52);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 56);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 96);
    v128.store(o, b1, 112);
    x = v128.load32_splat(a, 60);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 64);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 68);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 72);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 76);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b += rsb;
    a += 80;
    o += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
}

/** A tile of 4 × 8. */
export function micro_4x8(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load32_splat(a, 16);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 20);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 24);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 28);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    let v = v128.load(a, 32);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load32_splat(a, 48);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 52);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 56);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 60);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    a += 64;
    b += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
}

/** The same that packs B. */
export function first_4x8(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; k > 0; k -= 4) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let x = v128.load32_splat(a, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 32);
    v128.store(o, b1, 48);
    x = v128.load32_splat(a, 16);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 20);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 24);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 28);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 64);
    v128.store(o, b1, 80);
    let v = v128.load(a, 32);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b += rsb;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    v128.store(o, b0, 96);
    v128.store(o, b1, 112);
    x = v128.load32_splat(a, 48);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 52);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 56);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 60);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b += rsb;
    a += 64;
    o += 128;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
}

/** A tile of 5 × 8, one step at a time. */
export function micro_5x8_rolled(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; k > 0; k -= 1) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let v = v128.load(a, 0);
    let x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 16);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    a += 20;
    b += 32;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
}

/** The same that packs B. */
export function first_5x8_rolled(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; k > 0; k -= 1) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let v = v128.load(a, 0);
    let x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 16);
    c40 = f32x4.add(c40, f32x4.mul(x, b0));
    c41 = f32x4.add(c41, f32x4.mul(x, b1));
    b += rsb;
    a += 20;
    o += 32;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
  c += ldc;
  d += ldd;
  put(c, c40, c41, d);
}

/** A tile of 4 × 8, one step at a time. */
export function micro_4x8_rolled(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; k > 0; k -= 1) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let v = v128.load(a, 0);
    let x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    a += 16;
    b += 32;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
}

/** The same that packs B. */
export function first_4x8_rolled(a: usize, b: usize, rsb: usize, o: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; k > 0; k -= 1) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    v128.store(o, b0, 0);
    v128.store(o, b1, 16);
    let v = v128.load(a, 0);
    let x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b += rsb;
    a += 16;
    o += 32;
  }
  put(c, c00, c01, d);
  c += ldc;
  d += ldd;
  put(c, c10, c11, d);
  c += ldc;
  d += ldd;
  put(c, c20, c21, d);
  c += ldc;
  d += ldd;
  put(c, c30, c31, d);
}

/** A tile of 4 × 4 of float64. */
export function micro_4x4_f64(a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  for (; k > 0; k -= 2) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load64_splat(a, 0);
    c00 = madD(x, b0, c00);
    c01 = madD(x, b1, c01);
    x = v128.load64_splat(a, 8);
    c10 = madD(x, b0, c10);
    c11 = madD(x, b1, c11);
    x = v128.load64_splat(a, 16);
    c20 = madD(x, b0, c20);
    c21 = madD(x, b1, c21);
    x = v128.load64_splat(a, 24);
    c30 = madD(x, b0, c30);
    c31 = madD(x, b1, c31);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load64_splat(a, 32);
    c00 = madD(x, b0, c00);
    c01 = madD(x, b1, c01);
    x = v128.load64_splat(a, 40);
    c10 = madD(x, b0, c10);
    c11 = madD(x, b1, c11);
    x = v128.load64_splat(a, 48);
    c20 = madD(x, b0, c20);
    c21 = madD(x, b1, c21);
    x = v128.load64_splat(a, 56);
    c30 = madD(x, b0, c30);
    c31 = madD(x, b1, c31);
    a += 64;
    b += 64;
  }
  putD(c, c00, c01, d);
  c += ldc;
  d += ldd;
  putD(c, c10, c11, d);
  c += ldc;
  d += ldd;
  putD(c, c20, c21, d);
  c += ldc;
  d += ldd;
  putD(c, c30, c31, d);
}
