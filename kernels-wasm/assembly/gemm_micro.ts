/**
 * Micro-kernels of the product of matrices: one tile of C from a panel of A and a panel of B.
 *
 * A panel of A holds `MR` rows, a panel of B `NR` columns, one step of k after another; both are padded with zeros to a
 * multiple of 4 steps. The accumulators are named locals, because V8 keeps 15 vectors in registers and spills arrays:
 * 5 × 8 with fused multiply-add needs 10 + 2 of B + 1 of A, 4 × 8 without it needs one more for the product.
 */

/** Rows of a tile of float32. */
// @ts-ignore: decorator
@inline
export const MR_F32: i32 = ASC_FEATURE_RELAXED_SIMD ? 5 : 4;
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
function mad(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function madD(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  else return f64x2.add(f64x2.mul(a, b), c);
}

/** One row of a tile: stored, or added to what is there. */
// @ts-ignore: decorator
@inline
function put(c: usize, x: v128, y: v128, add: bool): void {
  if (add) {
    x = f32x4.add(v128.load(c), x);
    y = f32x4.add(v128.load(c, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

// @ts-ignore: decorator
@inline
function putD(c: usize, x: v128, y: v128, add: bool): void {
  if (add) {
    x = f64x2.add(v128.load(c), x);
    y = f64x2.add(v128.load(c, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

/** A tile of 5 × 8: A comes by vectors whose lanes are spread, half the loads of one load for each element. */
export function micro_5x8(a: usize, b: usize, c: usize, ldc: usize, k: i32, add: bool): void {
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
    let v = v128.load(a);
    let x = v;
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    v = v128.load(a, 16);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = i32x4.shuffle(v, v, 1, 1, 1, 1);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = i32x4.shuffle(v, v, 2, 2, 2, 2);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = i32x4.shuffle(v, v, 3, 3, 3, 3);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    v = v128.load(a, 32);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
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
    v = v128.load(a, 48);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
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
    v = v128.load(a, 64);
    x = i32x4.shuffle(v, v, 0, 0, 0, 0);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
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
  put(c, c00, c01, add);
  c += ldc;
  put(c, c10, c11, add);
  c += ldc;
  put(c, c20, c21, add);
  c += ldc;
  put(c, c30, c31, add);
  c += ldc;
  put(c, c40, c41, add);
}

/** A tile of 4 × 8. */
export function micro_4x8(a: usize, b: usize, c: usize, ldc: usize, k: i32, add: bool): void {
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
    x = v128.load32_splat(a, 32);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 36);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 40);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 44);
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
  put(c, c00, c01, add);
  c += ldc;
  put(c, c10, c11, add);
  c += ldc;
  put(c, c20, c21, add);
  c += ldc;
  put(c, c30, c31, add);
}

/** A tile of 4 × 4 of float64. */
export function micro_4x4_f64(a: usize, b: usize, c: usize, ldc: usize, k: i32, add: bool): void {
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
  putD(c, c00, c01, add);
  c += ldc;
  putD(c, c10, c11, add);
  c += ldc;
  putD(c, c20, c21, add);
  c += ldc;
  putD(c, c30, c31, add);
}
