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

// @ts-ignore: decorator
@inline
function mad(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/**
 * Few rows of A and dense rows of B. Six rows of B at a time, a sixth of all apart, are added to two rows of C: memory then
 * comes as a few long streams, which is faster than one, and than many short ones. Four at a time for a single row.
 */
function fewRows(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csa: usize,
  rsb: usize,
  rsc: usize,
  d: usize,
  ldd: usize,
): void {
  const streams = m > 1 ? 6 : 4;
  const part = k / streams;
  const gapA = <usize>part * csa;
  const gapB = <usize>part * rsb;
  for (let i = 0; i < m; i++) {
    const y = c + <usize>i * rsc;
    if (!d) memory.fill(y, 0, <usize>n << 2);
    else if (d !== c) memory.copy(y, d + <usize>i * ldd, <usize>n << 2);
  }
  for (let j = 0; j < n; j += 8192) {
    const bytes = <usize>min(8192, n - j) << 2;
    const to = c + (<usize>j << 2);
    let x = a;
    let from = b + (<usize>j << 2);
    for (let p = 0; p < part; p++) {
      if (m === 1) addFour(x, gapA, from, gapB, to, bytes);
      else {
        let i = 0;
        for (; i + 2 <= m; i += 2) {
          addSixToTwo(x + <usize>i * rsa, rsa, gapA, from, gapB, to + <usize>i * rsc, rsc, bytes);
        }
        if (i < m) addSix(x + <usize>i * rsa, gapA, from, gapB, to + <usize>i * rsc, bytes);
      }
      x += csa;
      from += rsb;
    }
    const done = part * streams;
    if (done < k) {
      x = a + <usize>done * csa;
      from = b + (<usize>j << 2) + <usize>done * rsb;
      for (let i = 0; i < m; i++) addOne(x + <usize>i * rsa, csa, k - done, from, rsb, to + <usize>i * rsc, bytes);
    }
  }
}

/** Adds `count` rows of B times elements of A to one row of C, one after another. */
function addOne(x: usize, csa: usize, count: i32, b: usize, rsb: usize, y: usize, bytes: usize): void {
  const end = y + bytes;
  for (; count > 0; count--) {
    const s = load<f32>(x);
    const v = f32x4.splat(s);
    let p = b;
    let q = y;
    for (; q + 16 <= end; q += 16) {
      v128.store(q, mad(v, v128.load(p), v128.load(q)));
      p += 16;
    }
    for (; q < end; q += 4) {
      store<f32>(q, load<f32>(q) + s * load<f32>(p));
      p += 4;
    }
    x += csa;
    b += rsb;
  }
}

/** Adds four rows of B to one row of C. */
function addFour(x: usize, gapA: usize, b: usize, gapB: usize, y: usize, bytes: usize): void {
  const end = y + bytes;
  const s0 = v128.load32_splat(x);
  const s1 = v128.load32_splat(x + gapA);
  const s2 = v128.load32_splat(x + 2 * gapA);
  const s3 = v128.load32_splat(x + 3 * gapA);
  let b0 = b;
  let b1 = b0 + gapB;
  let b2 = b1 + gapB;
  let b3 = b2 + gapB;
  for (; y + 32 <= end; y += 32) {
    let v = v128.load(y);
    let w = v128.load(y, 16);
    v = mad(s0, v128.load(b0), v);
    w = mad(s0, v128.load(b0, 16), w);
    v = mad(s1, v128.load(b1), v);
    w = mad(s1, v128.load(b1, 16), w);
    v = mad(s2, v128.load(b2), v);
    w = mad(s2, v128.load(b2, 16), w);
    v = mad(s3, v128.load(b3), v);
    w = mad(s3, v128.load(b3, 16), w);
    v128.store(y, v);
    v128.store(y, w, 16);
    b0 += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
  }
  if (y < end) addOne(x, gapA, 4, b0, gapB, y, end - y);
}

/** Adds six rows of B to one row of C. */
function addSix(x: usize, gapA: usize, b: usize, gapB: usize, y: usize, bytes: usize): void {
  const end = y + bytes;
  let at = x;
  const s0 = v128.load32_splat(at);
  at += gapA;
  const s1 = v128.load32_splat(at);
  at += gapA;
  const s2 = v128.load32_splat(at);
  at += gapA;
  const s3 = v128.load32_splat(at);
  at += gapA;
  const s4 = v128.load32_splat(at);
  at += gapA;
  const s5 = v128.load32_splat(at);
  let b0 = b;
  let b1 = b0 + gapB;
  let b2 = b1 + gapB;
  let b3 = b2 + gapB;
  let b4 = b3 + gapB;
  let b5 = b4 + gapB;
  for (; y + 32 <= end; y += 32) {
    let v = v128.load(y);
    let w = v128.load(y, 16);
    v = mad(s0, v128.load(b0), v);
    w = mad(s0, v128.load(b0, 16), w);
    v = mad(s1, v128.load(b1), v);
    w = mad(s1, v128.load(b1, 16), w);
    v = mad(s2, v128.load(b2), v);
    w = mad(s2, v128.load(b2, 16), w);
    v = mad(s3, v128.load(b3), v);
    w = mad(s3, v128.load(b3, 16), w);
    v = mad(s4, v128.load(b4), v);
    w = mad(s4, v128.load(b4, 16), w);
    v = mad(s5, v128.load(b5), v);
    w = mad(s5, v128.load(b5, 16), w);
    v128.store(y, v);
    v128.store(y, w, 16);
    b0 += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
    b4 += 32;
    b5 += 32;
  }
  if (y < end) addOne(x, gapA, 6, b0, gapB, y, end - y);
}

/** Adds six rows of B to two rows of C. */
function addSixToTwo(
  x: usize,
  rsa: usize,
  gapA: usize,
  b: usize,
  gapB: usize,
  y: usize,
  rsc: usize,
  bytes: usize,
): void {
  const end = y + (bytes & ~15);
  let x1 = x + rsa;
  let z = y + rsc;
  let at = x;
  const s0 = v128.load32_splat(at);
  at += gapA;
  const s1 = v128.load32_splat(at);
  at += gapA;
  const s2 = v128.load32_splat(at);
  at += gapA;
  const s3 = v128.load32_splat(at);
  at += gapA;
  const s4 = v128.load32_splat(at);
  at += gapA;
  const s5 = v128.load32_splat(at);
  at = x1;
  const r0 = v128.load32_splat(at);
  at += gapA;
  const r1 = v128.load32_splat(at);
  at += gapA;
  const r2 = v128.load32_splat(at);
  at += gapA;
  const r3 = v128.load32_splat(at);
  at += gapA;
  const r4 = v128.load32_splat(at);
  at += gapA;
  const r5 = v128.load32_splat(at);
  let b0 = b;
  let b1 = b0 + gapB;
  let b2 = b1 + gapB;
  let b3 = b2 + gapB;
  let b4 = b3 + gapB;
  let b5 = b4 + gapB;
  while (y < end) {
    let v = v128.load(y);
    let w = v128.load(z);
    let u = v128.load(b0);
    v = mad(s0, u, v);
    w = mad(r0, u, w);
    u = v128.load(b1);
    v = mad(s1, u, v);
    w = mad(r1, u, w);
    u = v128.load(b2);
    v = mad(s2, u, v);
    w = mad(r2, u, w);
    u = v128.load(b3);
    v = mad(s3, u, v);
    w = mad(r3, u, w);
    u = v128.load(b4);
    v = mad(s4, u, v);
    w = mad(r4, u, w);
    u = v128.load(b5);
    v = mad(s5, u, v);
    w = mad(r5, u, w);
    v128.store(y, v);
    v128.store(z, w);
    y += 16;
    z += 16;
    b0 += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
    b4 += 16;
    b5 += 16;
  }
  const left = bytes & 15;
  if (left) {
    addOne(x, gapA, 6, b0, gapB, y, left);
    addOne(x1, gapA, 6, b0, gapB, z, left);
  }
}

/** Sum of the lanes. */
// @ts-ignore: decorator
@inline
function lanes(v: v128): f32 {
  const w = f32x4.add(v, i64x2.shuffle(v, v, 1, 0));
  return f32x4.extract_lane(w, 0) + f32x4.extract_lane(w, 1);
}

/** One element of C, with D's where there is one. */
// @ts-ignore: decorator
@inline
function putOne(c: usize, y: f32, d: usize): void {
  store<f32>(c, d ? load<f32>(d) + y : y);
}

/**
 * Few rows of A, dense, and dense columns of B (x Wᵀ): scalar products along k, six columns with two rows at a time, and
 * four with a row alone. The columns are a part of all apart, so that memory comes as a few long streams. What an element is
 * the sum of, in which order, does not depend on its column: threads may share the columns.
 */
function fewDots(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  rsa: usize,
  csb: usize,
  rsc: usize,
  d: usize,
  ldd: usize,
): void {
  const streams = m > 1 ? 6 : 4;
  const part = n / streams;
  const gap = <usize>part * csb;
  const gapC = <usize>part << 2;
  const bytes = <usize>(k & ~3) << 2;
  const first = b;
  for (let j = 0; j < n; j++) {
    const many = j < part;
    if (j === part) {
      // Columns behind the streams, one by one.
      j = streams * part;
      if (j === n) break;
      b += <usize>(streams - 1) * gap;
    }
    const at = <usize>j << 2;
    let i = 0;
    let x = a;
    let y = c + at;
    let e = d ? d + at : 0;
    for (; i + 2 <= m; i += 2) {
      if (many) dotSixByTwo(x, rsa, b, gap, y, rsc, gapC, bytes, e, ldd);
      else {
        dotOfPair(x, b, y, bytes, e);
        dotOfPair(x + rsa, b, y + rsc, bytes, e + ldd);
      }
      x += 2 * rsa;
      y += 2 * rsc;
      e += 2 * ldd;
    }
    if (i < m) {
      if (!many) dotOne(x, b, y, bytes, e);
      else {
        dotFour(x, b, gap, y, gapC, bytes, e);
        for (let r: usize = 4; r < <usize>streams; r++) {
          dotOne(x, b + r * gap, y + r * gapC, bytes, e ? e + r * gapC : 0);
        }
      }
    }
    b += csb;
  }
  if (k & 3) addLast(a + bytes, first + bytes, c, m, n, k & 3, rsa, csb, rsc);
}

/** Adds the last `steps` < 4 products to every element of C. */
function addLast(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  steps: i32,
  rsa: usize,
  csb: usize,
  rsc: usize,
): void {
  for (let i = 0; i < m; i++) {
    let p = b;
    for (let y = c; y < c + (<usize>n << 2); y += 4) {
      let sum = load<f32>(y);
      for (let t: usize = 0; t < <usize>steps << 2; t += 4) sum += load<f32>(a + t) * load<f32>(p + t);
      store<f32>(y, sum);
      p += csb;
    }
    a += rsa;
    c += rsc;
  }
}

/** A scalar product of `bytes` in the order of {@linkcode dotSixByTwo}. */
function dotOfPair(x: usize, b: usize, y: usize, bytes: usize, d: usize): void {
  let s = f32x4.splat(0);
  for (const end = x + bytes; x < end; x += 16) {
    s = mad(v128.load(x), v128.load(b), s);
    b += 16;
  }
  putOne(y, lanes(s), d);
}

/** A scalar product in the order of {@linkcode dotFour}. */
function dotOne(x: usize, b: usize, y: usize, bytes: usize, d: usize): void {
  const end = x + bytes;
  let s = f32x4.splat(0);
  let r = f32x4.splat(0);
  for (; x + 32 <= end; x += 32) {
    s = mad(v128.load(x), v128.load(b), s);
    r = mad(v128.load(x, 16), v128.load(b, 16), r);
    b += 32;
  }
  if (x < end) s = mad(v128.load(x), v128.load(b), s);
  putOne(y, lanes(f32x4.add(s, r)), d);
}

/** Scalar products of a row with four columns. */
function dotFour(x: usize, b: usize, gap: usize, y: usize, gapC: usize, bytes: usize, d: usize): void {
  const end = x + bytes;
  let b0 = b;
  let b1 = b0 + gap;
  let b2 = b1 + gap;
  let b3 = b2 + gap;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let r0 = f32x4.splat(0);
  let r1 = f32x4.splat(0);
  let r2 = f32x4.splat(0);
  let r3 = f32x4.splat(0);
  for (; x + 32 <= end; x += 32) {
    let v = v128.load(x);
    s0 = mad(v, v128.load(b0), s0);
    s1 = mad(v, v128.load(b1), s1);
    s2 = mad(v, v128.load(b2), s2);
    s3 = mad(v, v128.load(b3), s3);
    v = v128.load(x, 16);
    r0 = mad(v, v128.load(b0, 16), r0);
    r1 = mad(v, v128.load(b1, 16), r1);
    r2 = mad(v, v128.load(b2, 16), r2);
    r3 = mad(v, v128.load(b3, 16), r3);
    b0 += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
  }
  if (x < end) {
    const v = v128.load(x);
    s0 = mad(v, v128.load(b0), s0);
    s1 = mad(v, v128.load(b1), s1);
    s2 = mad(v, v128.load(b2), s2);
    s3 = mad(v, v128.load(b3), s3);
  }
  const step = d ? gapC : 0;
  putOne(y, lanes(f32x4.add(s0, r0)), d);
  putOne(y + gapC, lanes(f32x4.add(s1, r1)), d + step);
  putOne(y + 2 * gapC, lanes(f32x4.add(s2, r2)), d + 2 * step);
  putOne(y + 3 * gapC, lanes(f32x4.add(s3, r3)), d + 3 * step);
}

/** Scalar products of two rows with six columns. */
function dotSixByTwo(
  x: usize,
  rsa: usize,
  b: usize,
  gap: usize,
  y: usize,
  rsc: usize,
  gapC: usize,
  bytes: usize,
  d: usize,
  ldd: usize,
): void {
  const end = x + bytes;
  let z = x + rsa;
  let b0 = b;
  let b1 = b0 + gap;
  let b2 = b1 + gap;
  let b3 = b2 + gap;
  let b4 = b3 + gap;
  let b5 = b4 + gap;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let r0 = f32x4.splat(0);
  let r1 = f32x4.splat(0);
  let r2 = f32x4.splat(0);
  let r3 = f32x4.splat(0);
  let r4 = f32x4.splat(0);
  let r5 = f32x4.splat(0);
  while (x < end) {
    const v = v128.load(x);
    const w = v128.load(z);
    let u = v128.load(b0);
    s0 = mad(v, u, s0);
    r0 = mad(w, u, r0);
    u = v128.load(b1);
    s1 = mad(v, u, s1);
    r1 = mad(w, u, r1);
    u = v128.load(b2);
    s2 = mad(v, u, s2);
    r2 = mad(w, u, r2);
    u = v128.load(b3);
    s3 = mad(v, u, s3);
    r3 = mad(w, u, r3);
    u = v128.load(b4);
    s4 = mad(v, u, s4);
    r4 = mad(w, u, r4);
    u = v128.load(b5);
    s5 = mad(v, u, s5);
    r5 = mad(w, u, r5);
    x += 16;
    z += 16;
    b0 += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
    b4 += 16;
    b5 += 16;
  }
  const step = d ? gapC : 0;
  putOne(y, lanes(s0), d);
  putOne(y + gapC, lanes(s1), d + step);
  putOne(y + 2 * gapC, lanes(s2), d + 2 * step);
  putOne(y + 3 * gapC, lanes(s3), d + 3 * step);
  putOne(y + 4 * gapC, lanes(s4), d + 4 * step);
  putOne(y + 5 * gapC, lanes(s5), d + 5 * step);
  y += rsc;
  d += ldd;
  putOne(y, lanes(r0), d);
  putOne(y + gapC, lanes(r1), d + step);
  putOne(y + 2 * gapC, lanes(r2), d + 2 * step);
  putOne(y + 3 * gapC, lanes(r3), d + 3 * step);
  putOne(y + 4 * gapC, lanes(r4), d + 4 * step);
  putOne(y + 5 * gapC, lanes(r5), d + 5 * step);
}

/** A copy of `m` rows by `k` steps of A with dense rows. */
function denseRows(o: usize, a: usize, m: i32, k: i32, rsa: usize, csa: usize): void {
  for (let i = 0; i < m; i++) {
    let p = a + <usize>i * rsa;
    for (let t = 0; t < k; t++) {
      store<f32>(o, load<f32>(p));
      o += 4;
      p += csa;
    }
  }
}

/**
 * How a product of float32 is computed: 0 packed, 1 by rows of B, 2 by scalar products. What an element is the sum of, in
 * which order, depends on this and on m > 1 only: parts of a product shall be computed in the same way.
 */
export function gemm_way(m: i32, n: i32, k: i32, csa: i32, rsb: i32, csb: i32): i32 {
  const size = <f64>k * <f64>n;
  // The larger B, the more rows of A it takes to pay for its packing.
  if (k === 0 || (csb === 1 && m <= (size < 32768 ? 3 : size < 200000 ? 8 : 22))) return 1;
  if (rsb !== 1 || (csa !== 1 && <f64>m * <f64>k > <f64>(DEPTH * NC))) return 0;
  return m <= 4 || (m <= 16 && k >= 128) || (m <= 32 && k >= 256) ? 2 : 0;
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
  if (way === 0) gemm_packed_f32(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
  else if (way === 1) gemm_rows_f32(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
  else gemm_dots_f32(a, b, c, m, n, k, rsa, csa, rsb, csb, rsc, batch, sa, sb, sc, add);
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
  const ra = <usize>rsa << 2;
  const ca = <usize>csa << 2;
  const rb = <usize>rsb << 2;
  const cb = <usize>csb << 2;
  const rc = <usize>rsc << 2;
  const ldd: usize = add === 1 ? rc : 0;
  for (; batch > 0; batch--) {
    const d: usize = add === 1 ? c : add;
    gemmPacked<f32>(a, b, c, m, n, k, ra, ca, rb, cb, rc, d, ldd, finishes());
    a += <usize>sa << 2;
    b += <usize>sb << 2;
    c += <usize>sc << 2;
  }
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
  const ra = <usize>rsa << 2;
  const ca = <usize>csa << 2;
  const rb = <usize>rsb << 2;
  const cb = <usize>csb << 2;
  const rc = <usize>rsc << 2;
  const ldd: usize = add === 1 ? rc : 0;
  for (; batch > 0; batch--) {
    const d: usize = add === 1 ? c : add;
    fewRows(a, b, c, m, n, k, ra, ca, rb, rc, d, ldd);
    if (finishes()) finishRows(c, c, rc, m, n, 0);
    a += <usize>sa << 2;
    b += <usize>sb << 2;
    c += <usize>sc << 2;
  }
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
  const ra = <usize>rsa << 2;
  const ca = <usize>csa << 2;
  const rb = <usize>rsb << 2;
  const cb = <usize>csb << 2;
  const rc = <usize>rsc << 2;
  const ldd: usize = add === 1 ? rc : 0;
  for (; batch > 0; batch--) {
    const d: usize = add === 1 ? c : add;
    if (csa === 1) fewDots(a, b, c, m, n, k, ra, cb, rc, d, ldd);
    else {
      denseRows(scratch, a, m, k, ra, ca);
      fewDots(scratch, b, c, m, n, k, <usize>k << 2, cb, rc, d, ldd);
    }
    if (finishes()) finishRows(c, c, rc, m, n, 0);
    a += <usize>sa << 2;
    b += <usize>sb << 2;
    c += <usize>sc << 2;
  }
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
