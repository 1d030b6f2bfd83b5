/**
 * Derivatives of dense linear algebra.
 *
 * Formulas: Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation";
 * Walter and Lehmann 2018 for QR; Seeger et al. 2017, https://arxiv.org/abs/1710.08717.
 *
 * @module
 */

import { bool, GradError, int32, type LinalgPrimitives } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, fromData, onPlain } from "@flambeau/tensor/internal";
import {
  add,
  cast,
  div,
  expand,
  full,
  matmul,
  mul,
  neg,
  reshape,
  rsub,
  square,
  sub,
  transpose,
  zeros,
} from "../math.ts";
import { crossRow, type Derivative, FIRST, type Geometry, NOTHING, OUTPUT, row } from "../row.ts";

/** A 0/1 mask over the last two dimensions of `like`. */
function mask(like: Tensor, keep: (i: number, j: number) => boolean, rows: number, columns: number): Tensor {
  const data = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) if (keep(i, j)) data[i * columns + j] = 1;
  return cast(fromData(data, [rows, columns], bool, like.device), like.dtype);
}

function masked(x: Tensor, keep: (i: number, j: number) => boolean): Tensor {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  return mul(x, mask(x, keep, rows, columns));
}

const lower = (x: Tensor): Tensor => masked(x, (i, j) => i >= j);
const strictLower = (x: Tensor): Tensor => masked(x, (i, j) => i > j);
const upper = (x: Tensor): Tensor => masked(x, (i, j) => i <= j);

/** Lower triangle with the diagonal halved. */
function halfLower(x: Tensor): Tensor {
  return sub(lower(x), mul(masked(x, (i, j) => i === j), 0.5));
}

function solve(a: Tensor, b: Tensor, isUpper: boolean, unitriangular = false): Tensor {
  return bind("solveTriangular", [a, b], { upper: isUpper, unitriangular });
}

/** A vector of scales as columns or rows of a matrix. */
function column(x: Tensor): Tensor {
  return reshape(x, [...x.shape, 1]);
}
function rowOf(x: Tensor): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), 1, x.shape.at(-1)!]);
}

/** 1 / (b_j − a_i) off the diagonal, 0 on it. */
function gaps(values: Tensor): Tensor {
  const n = values.shape.at(-1)!;
  const difference = sub(rowOf(values), column(values));
  const diagonal = mask(values, (i, j) => i === j, n, n);
  return mul(div(full(difference, difference.shape, 1), add(difference, diagonal)), rsub(diagonal, 1));
}

/**
 * x y, laid out in memory as `like`: the gradient of a transposed weight is the transpose of one that lies as the weight,
 * and becomes its `grad` without a copy.
 */
function productLike({ strides }: Geometry, x: Tensor, y: Tensor): Tensor {
  const isTurned = strides.at(-2) === 1 && strides.at(-1)! > 1;
  return isTurned ? transpose(matmul(transpose(y), transpose(x))) : matmul(x, y);
}

/** Rows of linear algebra. */
export const linalgDerivatives: { readonly [P in keyof LinalgPrimitives<unknown>]: Derivative<P> | null } = {
  matmul: crossRow((g, { inputs: [x, y], avals, needs }) => [
    needs[0] ? productLike(avals[0], g, transpose(y)) : null,
    needs[1] ? productLike(avals[1], transpose(x), g) : null,
  ]),

  // Φ = ½-lower(Lᵀ Ḡ);  Ā = sym(L⁻ᵀ Φ L⁻¹)
  cholesky: row(OUTPUT, ([g], { output: [l] }) => {
    if (g === null) return [null];
    const phi = halfLower(matmul(transpose(l), lower(g)));
    const inner = solve(transpose(l), phi, true);
    const s = transpose(solve(transpose(l), transpose(inner), true));
    return [mul(add(s, transpose(s)), 0.5)];
  }),

  // A = P L U: Ā = P [L⁻ᵀ (tril(Lᵀ L̄, −1) + triu(Ū Uᵀ)) U⁻ᵀ] for square A
  luFactor: row(OUTPUT | (OUTPUT << 1), ([g], { output: [lu, pivots] }) => {
    if (g === null) return [null];
    const [m, n] = lu.shape.slice(-2) as [number, number];
    return [
      m === n ? permuteRows(squareLuGrad(g, lu), pivots) : permuteRows(oblongLuGrad(g, lu, m, n), pivots),
    ];
  }),

  qr: row(OUTPUT | (OUTPUT << 1), ([gq, gr], { output: [q, r] }) => {
    const [m, k] = q.shape.slice(-2) as [number, number];
    const n = r.shape.at(-1)!;
    if (m >= n && k === n) return [tallQrGrad(gq, gr, q, r)];
    if (m <= n && k === m) return [wideQrGrad(gq, gr, q, r, m, n)];
    throw new GradError(
      `Cannot differentiate qr with mode 'complete': the matrix must have at least as many columns as rows, ` +
        `got ${m} rows and ${n} columns`,
    );
  }),

  // Ā = V (diag(w̄) + (Vᵀ V̄) ∘ 1/(w_j − w_i)) Vᵀ
  eigh: row(OUTPUT | (OUTPUT << 1), ([gw, gv], { output: [w, v] }) => {
    let inner: Tensor | null = gv === null ? null : mul(matmul(transpose(v), gv), gaps(w));
    if (gw !== null) {
      const n = w.shape.at(-1)!;
      const diagonal = mul(column(gw), mask(w, (i, j) => i === j, n, n));
      inner = inner === null ? diagonal : add(inner, diagonal);
    }
    return [inner === null ? null : matmul(matmul(v, inner), transpose(v))];
  }),

  svd: row(OUTPUT | (OUTPUT << 1) | (OUTPUT << 2), ([gu, gs, gvh], { output: [u, s, vh] }) => [
    svdGrad(gu, gs, gvh, u, s, vh),
  ]),

  // X = A⁻¹ B: B̄ = A⁻ᵀ X̄, Ā = −B̄ Xᵀ on the triangle
  solveTriangular: row(FIRST | OUTPUT, (g, { inputs: [a], output: x, needs, attrs }) => {
    const gb = solve(transpose(a), g, !attrs.upper, attrs.unitriangular);
    if (!needs[0]) return [null, gb];
    const full = neg(matmul(gb, transpose(x)));
    const ga = attrs.upper ? upper(full) : lower(full);
    return [attrs.unitriangular ? masked(ga, (i, j) => i !== j) : ga, gb];
  }),

  // The transform is linear and symmetric: its transpose on pairs is the inverse transform.
  fft: row(NOTHING, (g, { attrs }) => [bind("fft", [g], { dim: attrs.dim, inverse: !attrs.inverse })]),
};

function squareLuGrad(g: Tensor, lu: Tensor): Tensor {
  const left = strictLower(matmul(transpose(unitLower(lu)), strictLower(g)));
  const right = upper(matmul(upper(g), transpose(upper(lu))));
  const inner = add(left, right);
  const byL = solve(transpose(lu), inner, true, true); // L⁻ᵀ
  return transpose(solve(lu, transpose(byL), true)); // · U⁻ᵀ
}

function unitLower(lu: Tensor): Tensor {
  const [m, n] = lu.shape.slice(-2) as [number, number];
  return add(strictLower(lu), mask(lu, (i, j) => i === j, m, n));
}

function piece(x: Tensor, rows: [number, number], columns: [number, number]): Tensor {
  const n = x.shape.length;
  return bind("slice", [x], {
    starts: x.shape.map((_, d) => d === n - 2 ? rows[0] : d === n - 1 ? columns[0] : 0),
    stops: x.shape.map((size, d) => d === n - 2 ? rows[1] : d === n - 1 ? columns[1] : size),
    steps: x.shape.map(() => 1),
  });
}

/**
 * LU of a matrix that is not square, through its leading square block. Wide: A = P L [U₁ U₂], so Ā₂ = P L⁻ᵀ Ū₂ and the
 * square part sees L̄ − (L⁻ᵀ Ū₂ U₂ᵀ) below the diagonal. Tall is the mirror image.
 */
function oblongLuGrad(g: Tensor, lu: Tensor, m: number, n: number): Tensor {
  const k = Math.min(m, n);
  const square1 = piece(lu, [0, k], [0, k]);
  const g1 = piece(g, [0, k], [0, k]);
  if (n > m) {
    const u2 = piece(lu, [0, m], [m, n]);
    const g2 = piece(g, [0, m], [m, n]);
    const a2 = solve(transpose(square1), g2, true, true); // L⁻ᵀ Ū₂
    const inner = add(
      strictLower(sub(matmul(transpose(unitLower(square1)), strictLower(g1)), matmul(g2, transpose(u2)))),
      upper(matmul(upper(g1), transpose(upper(square1)))),
    );
    const byL = solve(transpose(square1), inner, true, true);
    const a1 = transpose(solve(square1, transpose(byL), true));
    return bind("concat", [a1, a2], { dim: g.shape.length - 1 });
  }
  const l2 = piece(lu, [n, m], [0, n]);
  const g2 = piece(g, [n, m], [0, n]);
  const a2 = transpose(solve(square1, transpose(g2), true)); // L̄₂ U⁻ᵀ
  const inner = add(
    strictLower(matmul(transpose(unitLower(square1)), strictLower(g1))),
    upper(sub(matmul(upper(g1), transpose(upper(square1))), matmul(transpose(l2), g2))),
  );
  const byL = solve(transpose(square1), inner, true, true);
  const a1 = transpose(solve(square1, transpose(byL), true));
  return bind("concat", [a1, a2], { dim: g.shape.length - 2 });
}

/** Undoes the row exchanges of LAPACK pivots: row i was exchanged with row pivots[i] (1-based), in order. */
function permuteRows(x: Tensor, pivots: Tensor): Tensor {
  const m = x.shape.at(-2)!;
  const rows = onPlain(pivots, (plain) => rowOfEach(plain, m));
  const places = expand(reshape(rows, [...rows.shape, 1]), x.shape);
  return bind("gather", [x, bind("copy", [places], null)], { dim: x.shape.length - 2 });
}

/** Which row of the factors each of the `m` rows of A is, by pivots `[…, k]`: `[…, m]`. Read on the host. */
function rowOfEach(pivots: Tensor, m: number): Tensor {
  const batch = pivots.shape.slice(0, -1);
  const k = pivots.shape.at(-1)!;
  const list = pivots.dataSync();
  const count = batch.reduce((a, b) => a * b, 1);
  const index = new Int32Array(count * m);
  for (let b = 0; b < count; b++) {
    const order = Array.from({ length: m }, (_, i) => i);
    for (let i = 0; i < k; i++) {
      const j = Number(list[b * k + i]) - 1;
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    // Row i of the factors is row order[i] of A.
    order.forEach((row, i) => index[b * m + row] = i);
  }
  return fromData(index, [...batch, m], int32, pivots.device);
}

/** Ā = (Q̄ + Q copyltu(M)) R⁻ᵀ with M = R R̄ᵀ − Q̄ᵀ Q. */
function tallQrGrad(gq: Tensor | null, gr: Tensor | null, q: Tensor, r: Tensor): Tensor {
  let m: Tensor | null = gr === null ? null : matmul(r, transpose(gr));
  if (gq !== null) {
    const part = neg(matmul(transpose(gq), q));
    m = m === null ? part : add(m, part);
  }
  const low = strictLower(m!);
  const symmetric = add(add(low, transpose(low)), masked(m!, (i, j) => i === j));
  const inner = gq === null ? matmul(q, symmetric) : add(gq, matmul(q, symmetric));
  return transpose(solve(r, transpose(inner), true));
}

/** A = [X Y], R = [U V]: Q R of X, and V = Qᵀ Y. */
function wideQrGrad(
  gq: Tensor | null,
  gr: Tensor | null,
  q: Tensor,
  r: Tensor,
  m: number,
  n: number,
): Tensor {
  const u = piece(r, [0, m], [0, m]);
  if (n === m) return tallQrGrad(gq, gr, q, u);
  const v = piece(r, [0, m], [m, n]);
  const gu = gr === null ? null : piece(gr, [0, m], [0, m]);
  const gv = gr === null ? null : piece(gr, [0, m], [m, n]);
  const y = matmul(q, v);
  const viaY = gv === null ? null : matmul(y, transpose(gv));
  const total = viaY === null ? gq : gq === null ? viaY : add(gq, viaY);
  const gx = tallQrGrad(total, gu, q, u);
  const gy = gv === null ? zeros(q, v.shape) : matmul(q, gv);
  return bind("concat", [gx, gy], { dim: q.shape.length - 1 });
}

/** Gradient of the thin SVD; with `full` matrices only the leading columns count. */
function svdGrad(
  gu: Tensor | null,
  gs: Tensor | null,
  gvh: Tensor | null,
  uFull: Tensor,
  s: Tensor,
  vhFull: Tensor,
): Tensor | null {
  const k = s.shape.at(-1)!;
  const m = uFull.shape.at(-2)!;
  const n = vhFull.shape.at(-1)!;
  const u = piece(uFull, [0, m], [0, k]);
  const vh = piece(vhFull, [0, k], [0, n]);
  const gUThin = gu === null ? null : piece(gu, [0, m], [0, k]);
  const gVh = gvh === null ? null : piece(gvh, [0, k], [0, n]);
  let inner: Tensor | null = null;
  if (gs !== null) inner = mul(column(gs), mask(s, (i, j) => i === j, k, k));
  // 1/(s_j² − s_i²) off the diagonal
  const f = gaps(square(s));
  const skew = (x: Tensor): Tensor => sub(x, transpose(x));
  if (gUThin !== null) {
    const part = mul(mul(skew(matmul(transpose(u), gUThin)), f), rowOf(s));
    inner = inner === null ? part : add(inner, part);
  }
  if (gVh !== null) {
    const part = mul(mul(skew(matmul(vh, transpose(gVh))), f), column(s));
    inner = inner === null ? part : add(inner, part);
  }
  if (inner === null) return null;
  let out = matmul(matmul(u, inner), vh);
  if (gUThin !== null && m > k) {
    const outside = sub(gUThin, matmul(u, matmul(transpose(u), gUThin)));
    out = add(out, matmul(div(outside, rowOf(s)), vh));
  }
  if (gVh !== null && n > k) {
    const outside = sub(gVh, matmul(matmul(gVh, transpose(vh)), vh));
    out = add(out, matmul(u, div(outside, column(s))));
  }
  return out;
}
