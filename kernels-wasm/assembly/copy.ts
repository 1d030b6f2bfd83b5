/** Kernels that move elements by their size in bytes: rows, transposes, fills. */

/** A row of a copy. */
// @ts-ignore: decorator
@inline
function copyRow<T>(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  if (sa === 1 && so === 1) {
    memory.copy(o, a, <usize>n * sizeof<T>());
    return;
  }
  if (sa === 0 && so === 1) {
    fillRow<T>(o, load<T>(a), n);
    return;
  }
  const da = <usize>sa * sizeof<T>();
  const dq = <usize>so * sizeof<T>();
  for (; n > 0; n--) {
    store<T>(o, load<T>(a));
    a += da;
    o += dq;
  }
}

// @ts-ignore: decorator
@inline
function fillRow<T>(o: usize, x: T, n: i32): void {
  const v = v128.splat<T>(x);
  const lanes = 16 / sizeof<T>();
  const end = o + (<usize>n & ~(lanes - 1)) * sizeof<T>();
  while (o < end) {
    v128.store(o, v);
    o += 16;
  }
  for (let i = n & (lanes - 1); i > 0; i--) {
    store<T>(o, x);
    o += sizeof<T>();
  }
}

export function copy_8(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u8>(a, o, n, sa, so);
}
export function copy_16(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u16>(a, o, n, sa, so);
}
export function copy_32(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u32>(a, o, n, sa, so);
}
export function copy_64(a: usize, o: usize, n: i32, sa: i32, so: i32): void {
  copyRow<u64>(a, o, n, sa, so);
}

/** `n` times the 32-bit pattern `x`; narrower elements come repeated within it. */
export function fill_32(o: usize, x: i32, n: i32): void {
  fillRow<i32>(o, x, n);
}
/** `n` times the pattern of 64 bits whose halves are `low` and `high`. */
export function fill_64(o: usize, low: i32, high: i32, n: i32): void {
  fillRow<i64>(o, (<i64>high << 32) | <i64><u32>low, n);
}
export function fill_8(o: usize, x: i32, n: i32): void {
  memory.fill(o, <u8>x, <usize>n);
}
export function fill_16(o: usize, x: i32, n: i32): void {
  fillRow<i16>(o, <i16>x, n);
}

/**
 * The transpose of a matrix of 32-bit elements: o[j][i] = a[i][j], i < rows, j < cols; `la`, `lo` are elements from row to row.
 *
 * Blocks of 16 columns by 4 rows: every line of `a` that is read is used whole, every line of `o` is written four rows at once.
 */
export function transpose_32(a: usize, o: usize, rows: i32, cols: i32, la: i32, lo: i32): void {
  const sa = <usize>la << 2;
  const sq = <usize>lo << 2;
  for (let j0 = 0; j0 < cols; j0 += 16) {
    const j1 = min(j0 + 16, cols);
    let i = 0;
    for (; i + 4 <= rows; i += 4) {
      const p0 = a + <usize>i * sa;
      const p1 = p0 + sa;
      const p2 = p1 + sa;
      const p3 = p2 + sa;
      let j = j0;
      for (; j + 4 <= j1; j += 4) {
        const by = <usize>j << 2;
        const r0 = v128.load(p0 + by);
        const r1 = v128.load(p1 + by);
        const r2 = v128.load(p2 + by);
        const r3 = v128.load(p3 + by);
        const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
        const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
        const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
        const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
        const q = o + <usize>j * sq + (<usize>i << 2);
        v128.store(q, i64x2.shuffle(t0, t1, 0, 2));
        v128.store(q + sq, i64x2.shuffle(t0, t1, 1, 3));
        v128.store(q + 2 * sq, i64x2.shuffle(t2, t3, 0, 2));
        v128.store(q + 3 * sq, i64x2.shuffle(t2, t3, 1, 3));
      }
      for (; j < j1; j++) {
        const by = <usize>j << 2;
        const q = o + <usize>j * sq + (<usize>i << 2);
        store<u32>(q, load<u32>(p0 + by));
        store<u32>(q, load<u32>(p1 + by), 4);
        store<u32>(q, load<u32>(p2 + by), 8);
        store<u32>(q, load<u32>(p3 + by), 12);
      }
    }
    for (; i < rows; i++) {
      const p = a + <usize>i * sa;
      for (let j = j0; j < j1; j++) {
        store<u32>(o + <usize>j * sq + (<usize>i << 2), load<u32>(p + (<usize>j << 2)));
      }
    }
  }
}

/** start + i · step for i < n, computed in float64. */
// @ts-ignore: decorator
@inline
function iota<T>(o: usize, n: i32, start: f64, step: f64): void {
  for (let i = 0; i < n; i++) {
    store<T>(o, <T>(start + <f64>i * step));
    o += sizeof<T>();
  }
}

export function iota_f32(o: usize, n: i32, start: f64, step: f64): void {
  iota<f32>(o, n, start, step);
}
export function iota_f64(o: usize, n: i32, start: f64, step: f64): void {
  iota<f64>(o, n, start, step);
}
export function iota_i32(o: usize, n: i32, start: f64, step: f64): void {
  iota<i32>(o, n, start, step);
}
export function iota_i64(o: usize, n: i32, start: f64, step: f64): void {
  iota<i64>(o, n, start, step);
}
