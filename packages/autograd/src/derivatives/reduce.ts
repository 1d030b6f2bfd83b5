/**
 * Derivatives of reductions, scans and sorts.
 *
 * @module
 */

import { bool, numelOf, type ReductionPrimitives, type ScanPrimitives, type Shape } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, bindOver, canRead, fromData, gradMode } from "@flambeau/tensor/internal";
import {
  add,
  cast,
  compare,
  div,
  expand,
  flip,
  full,
  keepWhere,
  mul,
  narrow,
  reshape,
  restore,
  sub,
  unary,
  where,
  zeros,
} from "../math.ts";
import { type Derivative, FIRST, NOTHING, OUTPUT, row } from "../row.ts";

/** Rows of reductions. */
export const reductionDerivatives: {
  readonly [P in keyof ReductionPrimitives<unknown>]: Derivative<P> | null;
} = {
  sum: row(NOTHING, (g, { avals: [x], attrs }) => [
    expand(restore(g, x.shape, attrs.dims, attrs.keepdim), x.shape),
  ]),
  prod: row(FIRST, (g, { inputs: [x], attrs }) => [
    mul(
      restore(g, x.shape, attrs.dims, attrs.keepdim),
      gradMode.enabled ? productOfOthers(x, attrs.dims) : quotientOfProduct(x, attrs.dims),
    ),
  ]),
  amax: row(FIRST | OUTPUT, (g, { inputs: [x], output, attrs }) => [extremum(g, x, output, attrs)]),
  amin: row(FIRST | OUTPUT, (g, { inputs: [x], output, attrs }) => [extremum(g, x, output, attrs)]),
  any: null,
  all: null,
  argmax: null,
  argmin: null,
};

/** The gradient shared evenly among the elements that are the extremum. */
export function extremum(
  g: Tensor,
  x: Tensor,
  output: Tensor,
  attrs: { dims: Shape; keepdim: boolean },
): Tensor {
  const best = restore(output, x.shape, attrs.dims, attrs.keepdim);
  // NaN is its own extremum.
  const hit = bind("bitwiseOr", [
    compare("eq", x, best),
    bind("bitwiseAnd", [unary("isnan", x), unary("isnan", best)], null),
  ], null);
  const mask = cast(hit, x.dtype);
  const count = bind("sum", [mask], { dims: attrs.dims, keepdim: true });
  return mul(mask, div(restore(g, x.shape, attrs.dims, attrs.keepdim), count));
}

/**
 * For each element the product of the others along `dims`, by division: zeros are left out of the product and counted. Its
 * own derivative is not that of the product where elements are 0.
 */
function quotientOfProduct(x: Tensor, dims: Shape): Tensor {
  const attrs = { dims, keepdim: true };
  const zero = compare("eq", x, 0);
  const divisor = where(zero, full(x, x.shape, 1), x);
  const product = bind("prod", [divisor], attrs);
  const zeros = bind("sum", [cast(zero, x.dtype)], attrs);
  const besides = sub(zeros, cast(zero, x.dtype));
  return where(compare("eq", besides, 0), div(product, divisor), 0);
}

/** For each element the product of the others along `dims`: without division, so that zeros are right. */
function productOfOthers(x: Tensor, dims: Shape): Tensor {
  if (dims.length === 0) return full(x, x.shape, 1);
  const rest = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const order = [...rest, ...dims];
  const moved = bind("permute", [x], { dims: order });
  const size = numelOf(dims.map((d) => x.shape[d]!));
  const flat = reshape(moved, [...rest.map((d) => x.shape[d]!), size]);
  const last = flat.shape.length - 1;
  const ones = full(flat, [...flat.shape.slice(0, -1), 1], 1);
  const before = bind("concat", [ones, narrow(flat, last, 0, Math.max(size - 1, 0))], { dim: last });
  const after = bind("concat", [ones, narrow(flip(flat, last), last, 0, Math.max(size - 1, 0))], {
    dim: last,
  });
  const left = bind("cumprod", [before], { dim: last });
  const right = flip(bind("cumprod", [after], { dim: last }), last);
  const product = reshape(size === 0 ? flat : mul(left, right), moved.shape);
  const inverse = order.map((_, d) => order.indexOf(d));
  return bind("permute", [product], { dims: inverse });
}

/** Running sum from the end. */
function reverseCumsum(x: Tensor, dim: number): Tensor {
  return flip(bind("cumsum", [flip(x, dim)], { dim }), dim);
}

/** Rows of scans and sorts. */
export const scanDerivatives: { readonly [P in keyof ScanPrimitives<unknown>]: Derivative<P> | null } = {
  cumsum: row(NOTHING, (g, { attrs }) => [reverseCumsum(g, attrs.dim)]),
  cumprod: row(FIRST | OUTPUT, (g, { inputs: [x], output, attrs }) => [cumprodGrad(g, x, output, attrs.dim)]),
  cummax: row(
    OUTPUT << 1,
    (grads, { output, avals: [x], attrs }) => [scatterBack(grads[0], output[1], x.shape, attrs.dim)],
  ),
  cummin: row(
    OUTPUT << 1,
    (grads, { output, avals: [x], attrs }) => [scatterBack(grads[0], output[1], x.shape, attrs.dim)],
  ),
  // dx = exp(x) · Σ_{j>=i} g_j exp(−out_j), computed from the end in log space by sign
  logcumsumexp: row(FIRST | OUTPUT, (g, { inputs: [x], output, attrs }) => {
    if (gradMode.enabled) return [logcumsumexpGradByPairs(g, x, output, attrs.dim)];
    const logs = (sign: 1 | -1): Tensor => {
      const part = unary("relu", mul(g, sign));
      const log = sub(unary("log", part), output);
      return unary("exp", add(flip(bind("logcumsumexp", [flip(log, attrs.dim)], attrs), attrs.dim), x));
    };
    return [sub(logs(1), logs(-1))];
  }),
  sort: row(
    OUTPUT << 1,
    (grads, { output, avals: [x], attrs }) => [scatterBack(grads[0], output[1], x.shape, attrs.dim)],
  ),
  topk: row(
    OUTPUT << 1,
    (grads, { output, avals: [x], attrs }) => [scatterBack(grads[0], output[1], x.shape, attrs.dim)],
  ),
};

/** `g` added into the places it came from. */
function scatterBack(g: Tensor | null, indices: Tensor, shape: Shape, dim: number): Tensor | null {
  if (g === null) return null;
  if (shape.length === 0) return g;
  return bindOver("scatter", [zeros(g, shape), indices, g], { dim, reduce: "sum" });
}

/** True when `x` holds a 0, or its device cannot tell at once. */
function mayHoldZero(x: Tensor): boolean {
  if (!canRead(x)) return true;
  const dims = x.shape.map((_, d) => d);
  return bind("any", [compare("eq", x, 0)], { dims, keepdim: false }).dataSync()[0] !== 0;
}

/** bool[n, n]: true where `holds(row, column)`. */
function pairs(like: Tensor, n: number, holds: (i: number, j: number) => boolean): Tensor {
  const data = Uint8Array.from({ length: n * n }, (_, k) => holds(Math.floor(k / n), k % n) ? 1 : 0);
  return fromData(data, [n, n], bool, like.device);
}

/** `x` with `dim` exchanged for the last dimension; the same call undoes it. */
function exchangeLast(x: Tensor, dim: number): Tensor {
  const dims = x.shape.map((_, d) => d);
  const last = dims.length - 1;
  [dims[dim], dims[last]] = [last, dim];
  return bind("permute", [x], { dims });
}

/** A tensor of lines `[…, n]` as rows `[…, 1, n]` or columns `[…, n, 1]`. */
function asRows(x: Tensor): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), 1, x.shape.at(-1)!]);
}
function asColumns(x: Tensor): Tensor {
  return reshape(x, [...x.shape, 1]);
}

/**
 * Gradient of the running product without division, which has derivatives where elements are 0 too:
 * dx_k = Σ_{i>=k} g_i Π_{j<=i, j≠k} x_j. It takes n² elements for lines of n.
 */
function cumprodGradByProducts(g: Tensor, x: Tensor, dim: number): Tensor {
  const n = x.shape[dim]!;
  const [lines, grads] = [exchangeLast(x, dim), exchangeLast(g, dim)];
  const without = where(pairs(x, n, (k, i) => i === k), full(x, [1, 1], 1), asRows(lines)); // […, k, i]
  const last = without.shape.length - 1;
  const products = bind("cumprod", [without], { dim: last });
  const terms = keepWhere(pairs(x, n, (k, i) => i >= k), mul(products, asRows(grads)));
  return exchangeLast(bind("sum", [terms], { dims: [last], keepdim: false }), dim);
}

/**
 * Gradient of logcumsumexp by all pairs, dx_i = Σ_{j>=i} g_j exp(x_i − y_j), which has derivatives for every g, where
 * logarithms have none at 0. No exponent is above 0. It takes n² elements for lines of n.
 */
function logcumsumexpGradByPairs(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const n = x.shape[dim]!;
  const [rises, falls, grads] = [x, y, g].map((t) => exchangeLast(t, dim)) as [Tensor, Tensor, Tensor];
  const differences = sub(asColumns(rises), asRows(falls)); // […, i, j]
  const exponents = where(pairs(x, n, (i, j) => j >= i), differences, -Infinity);
  const terms = mul(asRows(grads), unary("exp", exponents));
  return exchangeLast(bind("sum", [terms], { dims: [terms.shape.length - 1], keepdim: false }), dim);
}

/**
 * Gradient of the running product. Where nothing is zero it is `reverseCumsum(g · y) / x`. With zeros, in each line the
 * elements before the first zero see only products that end before it; the zero itself sees the products that pass
 * through it with its factor left out; what follows gets none.
 */
function cumprodGrad(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  if (gradMode.enabled && mayHoldZero(x)) return cumprodGradByProducts(g, x, dim);
  const zero = compare("eq", x, 0);
  const seen = bind("cumsum", [cast(zero, x.dtype)], { dim });
  const before = compare("eq", seen, 0);
  const first = bind("bitwiseAnd", [zero, compare("eq", seen, 1)], null);
  const nonzero = where(zero, full(x, x.shape, 1), x);
  const plain = div(reverseCumsum(mul(g, y), dim), nonzero);
  // Products of the line with its first zero replaced by 1: their sum from the zero on is the zero's slope.
  const bridged = bind("cumprod", [where(first, full(x, x.shape, 1), x)], { dim });
  const from = where(compare("ge", seen, 1), mul(g, bridged), 0);
  const atZero = reverseCumsum(from, dim);
  return where(before, plain, where(first, atZero, 0));
}
