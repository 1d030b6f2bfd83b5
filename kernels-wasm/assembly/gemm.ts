/**
 * Products of matrices: C = A B, or C = A B + D, for any row and column steps of A and B; rows of C and D are dense.
 *
 * Large ones are blocked and packed (Goto and van de Geijn 2008, https://doi.org/10.1145/1356052.1356053): blocks of A and
 * B are copied into panels, and a micro-kernel multiplies panels out of the cache. Rows of a block are shared evenly by its
 * tiles, which are 4 to 6 rows high, so nothing is computed in vain. B is packed panel by panel when the first tile needs
 * it; where its rows are dense, that tile reads it in place and leaves the panel behind.
 */

import { finishes, finishRows } from "./finish";
import { HIGHEST, MR_F32, MR_F64, NR_F32, NR_F64, rolled } from "./gemm_micro";
import { denseRows, fewDots, fewRows } from "./gemm_few";
import * as tiles from "./generated/tiles";
import { scratch } from "./memory";

/** Steps of k in a block of other kernels. */
// @ts-ignore: decorator
@inline
export const KC: i32 = 256;
/** Most steps of k in a block of a product. */
// @ts-ignore: decorator
@inline
const DEPTH: i32 = 384;
/** Rows of a block of A: a multiple of all heights of tiles. */
// @ts-ignore: decorator
@inline
export const MC: i32 = 120;
/** Columns of a block of B. */
// @ts-ignore: decorator
@inline
export const NC: i32 = 1024;

/** Columns that are finished at once: as many as stay in the nearest cache. */
// @ts-ignore: decorator
@inline
const AT_ONCE: i32 = 32;

// @ts-ignore: decorator
@inline
function heightOf<T>(): i32 {
  return sizeof<T>() === 4 ? MR_F32 : MR_F64;
}

// @ts-ignore: decorator
@inline
function highest<T>(): i32 {
  return sizeof<T>() === 4 ? HIGHEST : MR_F64;
}

// @ts-ignore: decorator
@inline
function widthOf<T>(): i32 {
  return sizeof<T>() === 4 ? NR_F32 : NR_F64;
}

/** Where the packed block of A begins; that of B is at `scratch`. */
// @ts-ignore: decorator
@inline
export function packedA<T>(): usize {
  return scratch + <usize>(DEPTH * NC) * sizeof<T>();
}

/** Where tiles at the edges go first. */
// @ts-ignore: decorator
@inline
function edgeTile<T>(): usize {
  return packedA<T>() + <usize>(DEPTH * (MC + 8)) * sizeof<T>();
}

/** Bytes of working memory that products of elements of `size` bytes need. */
export function gemm_scratch(size: i32): i32 {
  return (DEPTH * NC + DEPTH * (MC + 8) + 64) * size;
}

/** A tile of 4 to 6 rows from packed panels. */
// @ts-ignore: decorator
@inline
function tile<T>(rows: i32, a: usize, b: usize, c: usize, ldc: usize, k: i32, d: usize, ldd: usize): void {
  if (sizeof<T>() === 8) tiles.micro_4x4_f64(a, b, c, ldc, k, d, ldd);
  else if (rolled) {
    if (rows === 5) tiles.micro_5x8_rolled(a, b, c, ldc, k, d, ldd);
    else tiles.micro_4x8_rolled(a, b, c, ldc, k, d, ldd);
  } else if (rows === 6) tiles.micro_6x8(a, b, c, ldc, k, d, ldd);
  else if (rows === 5) tiles.micro_5x8(a, b, c, ldc, k, d, ldd);
  else tiles.micro_4x8(a, b, c, ldc, k, d, ldd);
}

/** A tile from panels of other families, stored or added. */
// @ts-ignore: decorator
@inline
export function micro<T>(a: usize, b: usize, c: usize, ldc: usize, k: i32, add: bool): void {
  tile<T>(heightOf<T>(), a, b, c, ldc, k, add ? c : 0, add ? ldc : 0);
}

/** A tile where B lies in dense rows `rsb` bytes apart, and is left as a panel at `o`. */
// @ts-ignore: decorator
@inline
function first(
  rows: i32,
  a: usize,
  b: usize,
  rsb: usize,
  o: usize,
  c: usize,
  ldc: usize,
  k: i32,
  d: usize,
  ldd: usize,
): void {
  if (rolled) {
    if (rows === 5) tiles.first_5x8_rolled(a, b, rsb, o, c, ldc, k, d, ldd);
    else tiles.first_4x8_rolled(a, b, rsb, o, c, ldc, k, d, ldd);
  } else if (rows === 6) tiles.first_6x8(a, b, rsb, o, c, ldc, k, d, ldd);
  else if (rows === 5) tiles.first_5x8(a, b, rsb, o, c, ldc, k, d, ldd);
  else tiles.first_4x8(a, b, rsb, o, c, ldc, k, d, ldd);
}

/** Steps of k with the zeros behind them. */
// @ts-ignore: decorator
@inline
export function padded(k: i32): i32 {
  return (k + 3) & ~3;
}

/** Copies `m` rows by `kc` steps of A into panels of other families, zeros after the last row. */
export function packA<T>(o: usize, a: usize, m: i32, kc: i32, rs: usize, cs: usize): void {
  packRows<T>(o, a, m, kc, rs, cs, false);
}

/**
 * The same where `even` is false; else into panels that share the rows evenly and are as high as that, at least 4 rows.
 * `rs`, `cs` are bytes from row to row and from step to step.
 */
function packRows<T>(o: usize, a: usize, m: i32, kc: i32, rs: usize, cs: usize, even: bool): void {
  const MR = even ? highest<T>() : heightOf<T>();
  const count = (m + MR - 1) / MR;
  const least = even ? m / count : MR;
  const higher = even ? m % count : 0;
  const kp = padded(kc);
  for (let t = 0; t < count; t++) {
    const rows = even ? least + i32(t < higher) : min(MR, m - t * MR);
    const all = even ? max(rows, 4) : MR;
    const step = <usize>all * sizeof<T>();
    let p = a;
    let q = o;
    const end = o + <usize>kp * step;
    let k = 0;
    if (rows >= 4 && rows === all && sizeof<T>() === 4) {
      const p4 = p + 4 * rs;
      const last = p + <usize>(rows - 1) * rs;
      if (cs === 4) {
        // Four steps of four rows at once are a 4 × 4 transpose; the fifth and the sixth row follow.
        for (; k + 4 <= kc; k += 4) {
          transpose4(p, rs, q, step);
          if (rows > 4) {
            const v = v128.load(p4 + (p - a));
            if (rows === 5) {
              v128.store32_lane(q, v, 0, 16);
              v128.store32_lane(q + step, v, 1, 16);
              v128.store32_lane(q + 2 * step, v, 2, 16);
              v128.store32_lane(q + 3 * step, v, 3, 16);
            } else {
              const w = v128.load(last + (p - a));
              const t0 = i32x4.shuffle(v, w, 0, 4, 1, 5);
              const t1 = i32x4.shuffle(v, w, 2, 6, 3, 7);
              v128.store64_lane(q, t0, 0, 16);
              v128.store64_lane(q + step, t0, 1, 16);
              v128.store64_lane(q + 2 * step, t1, 0, 16);
              v128.store64_lane(q + 3 * step, t1, 1, 16);
            }
          }
          p += 16;
          q += 4 * step;
        }
      } else {
        for (; k < kc; k++) {
          v128.store(q, rs === 4 ? v128.load(p) : gather4(p, rs));
          if (rows > 4) store<f32>(q, load<f32>(p4 + (p - a)), 16);
          if (rows > 5) store<f32>(q, load<f32>(last + (p - a)), 20);
          p += cs;
          q += step;
        }
      }
    }
    for (; k < kc; k++) {
      let r = 0;
      let from = p;
      for (; r < rows; r++) {
        store<T>(q + <usize>r * sizeof<T>(), load<T>(from));
        from += rs;
      }
      for (; r < all; r++) store<T>(q + <usize>r * sizeof<T>(), <T>0);
      p += cs;
      q += step;
    }
    if (q < end) memory.fill(q, 0, end - q);
    o = end;
    a += <usize>rows * rs;
  }
}

/** Four float32 elements, `by` bytes apart. */
// @ts-ignore: decorator
@inline
function gather4(p: usize, by: usize): v128 {
  let v = v128.load32_zero(p);
  p += by;
  v = v128.load32_lane(p, v, 1);
  p += by;
  v = v128.load32_lane(p, v, 2);
  p += by;
  return v128.load32_lane(p, v, 3);
}

/** Copies `kc` steps by `nc` columns of B into panels. `rs`, `cs` are bytes from step to step and from column to column. */
export function packB<T>(o: usize, b: usize, kc: i32, nc: i32, rs: usize, cs: usize): void {
  for (let j = 0; j < nc; j += widthOf<T>()) {
    packPanel<T>(o, b + <usize>j * cs, kc, min(widthOf<T>(), nc - j), rs, cs);
    o += <usize>(widthOf<T>() * padded(kc)) * sizeof<T>();
  }
}

/** One panel of B: `kc` steps by `cols` columns, the rest zeros. */
function packPanel<T>(o: usize, b: usize, kc: i32, cols: i32, rs: usize, cs: usize): void {
  const NR = widthOf<T>();
  const step = <usize>NR * sizeof<T>();
  const end = o + <usize>padded(kc) * step;
  let k = 0;
  if (cols === NR) {
    if (cs === sizeof<T>()) {
      for (; k < kc; k++) {
        v128.store(o, v128.load(b));
        v128.store(o, v128.load(b, 16), 16);
        b += rs;
        o += step;
      }
    } else if (rs === 4 && sizeof<T>() === 4) {
      for (; k + 4 <= kc; k += 4) {
        transpose4(b, cs, o, 32);
        transpose4(b + 4 * cs, cs, o + 16, 32);
        b += 16;
        o += 128;
      }
    } else if (sizeof<T>() === 4) {
      for (; k < kc; k++) {
        v128.store(o, gather4(b, cs));
        v128.store(o, gather4(b + 4 * cs, cs), 16);
        b += rs;
        o += step;
      }
    }
  }
  for (; k < kc; k++) {
    let r = 0;
    let from = b;
    for (; r < cols; r++) {
      store<T>(o + <usize>r * sizeof<T>(), load<T>(from));
      from += cs;
    }
    for (; r < NR; r++) store<T>(o + <usize>r * sizeof<T>(), <T>0);
    b += rs;
    o += step;
  }
  if (o < end) memory.fill(o, 0, end - o);
}

/** Four vectors, `from` bytes apart, to their transpose, `to` bytes apart. */
// @ts-ignore: decorator
@inline
export function transpose4(p: usize, from: usize, q: usize, to: usize): void {
  const r0 = v128.load(p);
  const r1 = v128.load(p + from);
  const r2 = v128.load(p + 2 * from);
  const r3 = v128.load(p + 3 * from);
  const t0 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(q, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(q + to, i64x2.shuffle(t0, t1, 1, 3));
  v128.store(q + 2 * to, i64x2.shuffle(t2, t3, 0, 2));
  v128.store(q + 3 * to, i64x2.shuffle(t2, t3, 1, 3));
}


/** Panels that {@linkcode packA} made times panels of B into `mc` × `nc` elements of C, or added to them. `ldc` is bytes from row to row. */
export function multiplyPanels<T>(
  pa: usize,
  pb: usize,
  c: usize,
  ldc: usize,
  mc: i32,
  nc: i32,
  kp: i32,
  add: bool,
): void {
  const step = <usize>(widthOf<T>() * kp) * sizeof<T>();
  multiplyBlock<T>(false, pa, pb, step, 0, 0, 0, c, ldc, mc, nc, kp, add ? c : 0, add ? ldc : 0);
}

/**
 * Panels of A, made for `even` or not, times panels of B, `stepB` bytes apart, plus D where `d` is not 0, into
 * `mc` × `nc` elements of C, which are then finished where `ends`, with the bias of the first row at `bias`. Where `b` is not
 * 0, it is B, and its panels are packed first.
 */
function multiplyBlock<T>(
  even: bool,
  pa: usize,
  pb: usize,
  stepB: usize,
  b: usize,
  rsb: usize,
  csb: usize,
  c: usize,
  ldc: usize,
  mc: i32,
  nc: i32,
  kc: i32,
  d: usize,
  ldd: usize,
  ends: bool = false,
  bias: usize = 0,
): void {
  const NR = widthOf<T>();
  const kp = padded(kc);
  const edge = edgeTile<T>();
  const MR = even ? highest<T>() : heightOf<T>();
  const count = (mc + MR - 1) / MR;
  const least = even ? mc / count : MR;
  const higher = even ? mc % count : 0;
  const inPlace = b !== 0 && csb === 4 && kc === kp && least >= 4 && sizeof<T>() === 4;
  for (let j = 0; j < nc; j += NR) {
    const cols = min(NR, nc - j);
    let a = pa;
    let q = c + <usize>j * sizeof<T>();
    let e = d ? d + <usize>j * sizeof<T>() : 0;
    let t = 0;
    if (inPlace && cols === NR) {
      const rows = least + i32(higher > 0);
      first(rows, a, b + <usize>j * sizeof<T>(), rsb, pb, q, ldc, kp, e, ldd);
      a += <usize>(rows * kp) * sizeof<T>();
      q += <usize>rows * ldc;
      e += <usize>rows * ldd;
      t = 1;
    } else if (b) {
      packPanel<T>(pb, b + <usize>j * csb, kc, cols, rsb, csb);
    }
    for (; t < count; t++) {
      const rows = even ? least + i32(t < higher) : min(MR, mc - t * MR);
      const high = even ? max(rows, 4) : MR;
      if (rows === high && cols === NR) {
        tile<T>(rows, a, pb, q, ldc, kp, e, ldd);
      } else {
        tile<T>(high, a, pb, edge, <usize>NR * sizeof<T>(), kp, 0, 0);
        copyTile<T>(edge, q, ldc, rows, cols, e, ldd);
      }
      a += <usize>(high * kp) * sizeof<T>();
      q += <usize>rows * ldc;
      e += <usize>rows * ldd;
    }
    if (ends && (j + NR >= nc || (j + NR) % AT_ONCE === 0)) {
      const start = j / AT_ONCE * AT_ONCE;
      const from = c + (<usize>start << 2);
      finishRows(from, from, ldc, mc, j + cols - start, bias);
    }
    pb += stepB;
  }
}

/** The part of a tile that belongs to C, with D added. */
function copyTile<T>(tile: usize, c: usize, ldc: usize, rows: i32, cols: i32, d: usize, ldd: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let s: usize = 0; s < <usize>cols * sizeof<T>(); s += sizeof<T>()) {
      store<T>(c + s, d ? <T>(load<T>(d + s) + load<T>(tile + s)) : load<T>(tile + s));
    }
    tile += <usize>widthOf<T>() * sizeof<T>();
    c += ldc;
    d += ldd;
  }
}

/** One product, blocked and packed. Steps are in bytes. It is finished where `ends`, rows having a bias each where `bias` is not 0. */
export function gemmPacked<T>(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csa: usize,
  rsb: usize,
  csb: usize,
  rsc: usize,
  d: usize,
  ldd: usize,
  ends: bool = false,
  bias: usize = 0,
): void {
  if (k === 0 && !d) for (let i = 0; i < m; i++) memory.fill(c + <usize>i * rsc, 0, <usize>n * sizeof<T>());
  const pa = packedA<T>();
  const kc = evenly(k, DEPTH, 4);
  const mc = evenly(m, MC, highest<T>());
  // A panel of B that only one block of A meets is used up at once.
  const once = mc >= m;
  const nc = once ? n : NC;
  for (let j = 0; j < n; j += nc) {
    const columns = min(nc, n - j);
    let e = d ? d + <usize>j * sizeof<T>() : 0;
    let lde = ldd;
    for (let p = 0; p < k; p += kc) {
      const steps = min(kc, k - p);
      const stepB = once ? <usize>0 : <usize>(widthOf<T>() * padded(steps)) * sizeof<T>();
      for (let i = 0; i < m; i += mc) {
        const rows = min(mc, m - i);
        packRows<T>(pa, a + <usize>i * rsa + <usize>p * csa, rows, steps, rsa, csa, true);
        multiplyBlock<T>(
          true,
          pa,
          scratch,
          stepB,
          i === 0 ? b + <usize>p * rsb + <usize>j * csb : 0,
          rsb,
          csb,
          c + <usize>i * rsc + <usize>j * sizeof<T>(),
          rsc,
          rows,
          columns,
          steps,
          e + <usize>i * lde,
          lde,
          ends && p + kc >= k,
          bias ? bias + (<usize>i << 2) : 0,
        );
      }
      e = c + <usize>j * sizeof<T>();
      lde = rsc;
    }
  }
}

/** Rows of A that {@linkcode packWhole} shares among tiles at once. */
// @ts-ignore: decorator
@inline
export function rowsOfBlock(m: i32): i32 {
  return evenly(m, MC, highest<f32>());
}

/** Rows of {@linkcode packWhole}'s result: those of A, and what the last tile may have more. */
// @ts-ignore: decorator
@inline
export function packedRows(m: i32): i32 {
  return m + 2;
}

/**
 * Copies all `m` rows by `kc` steps of A into panels that share the rows evenly, {@linkcode packedRows} by the padded steps
 * in all: for {@linkcode multiplyWhole}.
 */
export function packWhole(o: usize, a: usize, m: i32, kc: i32, rs: usize, cs: usize): void {
  const block = rowsOfBlock(m);
  for (let i = 0; i < m; i += block) {
    const to = o + (<usize>(i * padded(kc)) << 2);
    packRows<f32>(to, a + <usize>i * rs, min(block, m - i), kc, rs, cs, true);
  }
}

/** The panels of all `m` rows that {@linkcode packWhole} made times panels of B into `m` × `nc` elements of C, or added. */
export function multiplyWhole(pa: usize, pb: usize, c: usize, ldc: usize, m: i32, nc: i32, kp: i32, add: bool): void {
  multiplyRows(pa, pb, 0, 0, c, ldc, m, nc, kp, add);
}

/** The same where `b` is not 0 and is B, `kc` dense rows `rsb` bytes apart, whose panels are left at `pb`. */
export function multiplyRows(
  pa: usize,
  pb: usize,
  b: usize,
  rsb: usize,
  c: usize,
  ldc: usize,
  m: i32,
  nc: i32,
  kc: i32,
  add: bool,
): void {
  const kp = padded(kc);
  const step = <usize>(NR_F32 * kp) << 2;
  const block = rowsOfBlock(m);
  for (let i = 0; i < m; i += block) {
    const to = c + <usize>i * ldc;
    const a = pa + (<usize>(i * kp) << 2);
    const rows = min(block, m - i);
    multiplyBlock<f32>(true, a, pb, step, i === 0 ? b : 0, rsb, 4, to, ldc, rows, nc, kc, add ? to : 0, add ? ldc : 0);
  }
}

/** The size of blocks, at most `most` and a multiple of `unit`, that share `n` evenly. */
// @ts-ignore: decorator
@inline
function evenly(n: i32, most: i32, unit: i32): i32 {
  const blocks = max(1, (n + most - 1) / most);
  return max(unit, ((n + blocks - 1) / blocks + unit - 1) / unit * unit);
}

/** How a product of float32 is computed. */
// @ts-ignore: decorator
@inline
const PACKED: i32 = 0;
// @ts-ignore: decorator
@inline
const BY_ROWS: i32 = 1;
// @ts-ignore: decorator
@inline
const BY_DOTS: i32 = 2;

/**
 * How a product of float32 is computed: packed, by rows of B, or by scalar products. What an element is the sum of, in
 * which order, depends on this and on m > 1 only: parts of a product shall be computed in the same way.
 */
export function gemm_way(m: i32, n: i32, k: i32, csa: i32, rsb: i32, csb: i32): i32 {
  const size = <f64>k * <f64>n;
  // The larger B, the more rows of A it takes to pay for its packing.
  if (k === 0 || (csb === 1 && m <= (size < 32768 ? 3 : size < 200000 ? 8 : 22))) return BY_ROWS;
  if (rsb !== 1 || (csa !== 1 && <f64>m * <f64>k > <f64>(DEPTH * NC))) return PACKED;
  return m <= 4 || (m <= 16 && k >= 128) || (m <= 32 && k >= 256) ? BY_DOTS : PACKED;
}

/**
 * `batch` products of float32: C = A B where `add` is 0, C += A B where it is 1; else it is the address of a dense row that
 * is added to every row of A B.
 *
 * A is m × k, B is k × n, C is m × n with dense rows; all steps are in elements.
 */
export function gemm_f32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  const way = gemm_way(m, n, k, csa, rsb, csb);
  if (way === PACKED) gemm_packed_f32(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
  else if (way === BY_ROWS) gemm_rows_f32(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
  else gemm_dots_f32(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}

/** {@linkcode gemm_f32} in one of the three ways. */
// @ts-ignore: decorator
@inline
function products(
  way: i32,
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  const ra = <usize>rsa << 2;
  const ca = <usize>csa << 2;
  const rb = <usize>rsb << 2;
  const cb = <usize>csb << 2;
  const rc = <usize>rsc << 2;
  const ldd: usize = add === 1 ? rc : 0;
  for (; batch > 0; batch--) {
    const d: usize = add === 1 ? c : add;
    if (way === PACKED) gemmPacked<f32>(a, b, c, m, n, k, ra, ca, rb, cb, rc, d, ldd, finishes());
    else {
      if (way === BY_ROWS) fewRows(a, b, c, m, n, k, ra, ca, rb, rc, d, ldd);
      else if (csa === 1) fewDots(a, b, c, m, n, k, ra, cb, rc, d, ldd);
      else {
        denseRows(scratch, a, m, k, ra, ca);
        fewDots(scratch, b, c, m, n, k, <usize>k << 2, cb, rc, d, ldd);
      }
      if (finishes()) finishRows(c, c, rc, m, n, 0);
    }
    a += <usize>sa << 2;
    b += <usize>sb << 2;
    c += <usize>sc << 2;
  }
}

/** {@linkcode gemm_f32} for matrices with many rows. */
export function gemm_packed_f32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  products(PACKED, a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}

/** {@linkcode gemm_f32} for few rows of A and dense rows of B. */
export function gemm_rows_f32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  products(BY_ROWS, a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}

/** {@linkcode gemm_f32} for few rows of A and dense columns of B. */
export function gemm_dots_f32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  products(BY_DOTS, a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}

/** As {@linkcode gemm_f32} on float64; `add` is 0 or 1. */
export function gemm_f64(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  const rc = <usize>rsc << 3;
  for (; batch > 0; batch--) {
    gemmPacked<f64>(
      a,
      b,
      c,
      m,
      n,
      k,
      <usize>rsa << 3,
      <usize>csa << 3,
      <usize>rsb << 3,
      <usize>csb << 3,
      rc,
      add ? c : 0,
      add ? rc : 0,
    );
    a += <usize>sa << 3;
    b += <usize>sb << 3;
    c += <usize>sc << 3;
  }
}

/** As {@linkcode gemm_f64} on integers, which wrap: row of C after row. */
// @ts-ignore: decorator
@inline
function gemmPlain<T>(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  const size = <i32>sizeof<T>();
  for (; batch > 0; batch--) {
    for (let i = 0; i < m; i++) {
      const y = c + <usize>(i * rsc * size);
      if (!add) memory.fill(y, 0, <usize>(n * size));
      for (let p = 0; p < k; p++) {
        const x = load<T>(a + <usize>((i * rsa + p * csa) * size));
        let q = b + <usize>(p * rsb * size);
        for (let j: usize = 0; j < <usize>(n * size); j += sizeof<T>()) {
          store<T>(y + j, <T>(load<T>(y + j) + <T>(x * load<T>(q))));
          q += <usize>(csb * size);
        }
      }
    }
    a += <usize>(sa * size);
    b += <usize>(sb * size);
    c += <usize>(sc * size);
  }
}

export function gemm_i32(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  gemmPlain<i32>(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}

export function gemm_i64(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: i32,
  csa: i32,
  rsb: i32,
  csb: i32,
  rsc: i32,
  batch: i32,
  sa: i32,
  sb: i32,
  sc: i32,
  add: i32,
): void {
  gemmPlain<i64>(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
}
