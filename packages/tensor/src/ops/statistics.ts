/**
 * Spread, quantiles, covariance.
 *
 * @module
 */

import { DTypeError, formatType, int32, normalizeDim, numelOf, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { castTo, constant, describe, requireNumber, requireTensor, toFloat } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { matrixTranspose, owned, permuteTo, reshapeTo } from "./building.ts";
import {
  type Dims,
  dimsOf,
  fold,
  foldedCount,
  inWide,
  like,
  meanOf,
  type ReduceOptions,
  root,
} from "./reducing.ts";
import { lerp } from "./arithmetic.ts";
import { clamp } from "./extremes.ts";

/** Options of {@linkcode std}, `var` and their kin. */
export interface SpreadOptions extends ReduceOptions {
  /** `false` divides by n instead of n − 1. Default true. */
  readonly unbiased?: boolean;
  /** What is taken from n before dividing, instead of `unbiased`. Default 1. */
  readonly correction?: number | null;
}

/** `(dim, unbiased, keepdim)`, or `(unbiased)` alone, or by name. */
export type SpreadArgs =
  | Args<SpreadOptions, ["dim", "unbiased", "keepdim"]>
  | readonly [unbiased: boolean, options?: SpreadOptions];

/** Variance and mean of floats, with dimensions kept as asked. */
function moments(op: string, x: Tensor, args: readonly unknown[]): { spread: Tensor; center: Tensor } {
  requireTensor(op, "input", x);
  const names = typeof args[0] === "boolean"
    ? ["unbiased"] as const
    : ["dim", "unbiased", "keepdim"] as const;
  const options = named<SpreadOptions>(op, args, names, ["dim", "unbiased", "keepdim", "correction"]);
  if (x.dtype.kind !== "float") {
    throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must have a float dtype, got ${x.dtype.name}`);
  }
  const at = dimsOf(op, x, options);
  const correction = requireNumber(
    op,
    "correction",
    options.correction ?? (options.unbiased === false ? 0 : 1),
  );
  const kept = meanOf(x, { dims: at.dims, keepdim: true });
  const difference = bind("sub", [x, kept], null);
  const square = bind("mul", [difference, difference], null);
  const freedom = Math.max(foldedCount(x, at) - correction, 0);
  const spread = inWide(square, (wide) => bind("div", [fold("sum", wide, at), like(wide, freedom)], null));
  return { spread, center: owned(reshapeTo(kept, spread.shape)) };
}

/**
 * Variance: the mean square distance from the mean, with n − `correction` in place of n.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.var.html
 */
function variance(x: Tensor, ...args: SpreadArgs): Tensor {
  return temporaries(() => relabel(moments("var", x, args).spread, "VarBackward0"));
}

export { variance as var };

/**
 * Standard deviation: the root of the variance. Its gradient is 0 where it is 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.std.html
 */
export function std(x: Tensor, ...args: SpreadArgs): Tensor {
  return temporaries(() => relabel(root(moments("std", x, args).spread), "StdBackward0"));
}

/**
 * Variance and mean.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.var_mean.html
 */
export function varMean(x: Tensor, ...args: SpreadArgs): [variance: Tensor, mean: Tensor] {
  return temporaries(() => {
    const { spread, center } = moments("varMean", x, args);
    return [relabel(spread, "VarMeanBackward0"), relabel(center, "VarMeanBackward0")];
  });
}

/**
 * Standard deviation and mean.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.std_mean.html
 */
export function stdMean(x: Tensor, ...args: SpreadArgs): [std: Tensor, mean: Tensor] {
  return temporaries(() => {
    const { spread, center } = moments("stdMean", x, args);
    return [relabel(root(spread), "StdMeanBackward0"), relabel(center, "StdMeanBackward0")];
  });
}

/** How a quantile between two elements is found. */
export type Interpolation = "linear" | "lower" | "higher" | "midpoint" | "nearest";

/** Options of {@linkcode quantile}. */
export interface QuantileOptions {
  /** The dimension; null or none: all elements. */
  readonly dim?: number | null;
  /** Whether the dimension stays, with size 1. Default false. */
  readonly keepdim?: boolean;
  /** What to do between two elements. Default `"linear"`. */
  readonly interpolation?: Interpolation;
}

const INTERPOLATIONS: readonly string[] = ["linear", "lower", "higher", "midpoint", "nearest"];

/**
 * The values below which the share `q` of the elements lies; NaN where one is NaN.
 *
 * Shapes: x reduced as by `mean`; a tensor `q` of rank 1 puts its size in front.
 *
 * @param q From 0 to 1: a number, or a tensor of rank 0 or 1 of the dtype of `x`.
 * @see https://pytorch.org/docs/stable/generated/torch.quantile.html
 */
export function quantile(
  x: Tensor,
  q: number | Tensor,
  ...args: Args<QuantileOptions, ["dim", "keepdim"]>
): Tensor {
  return quantileOf("quantile", x, q, args);
}

/**
 * As {@linkcode quantile}, of what is not NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nanquantile.html
 */
export function nanquantile(
  x: Tensor,
  q: number | Tensor,
  ...args: Args<QuantileOptions, ["dim", "keepdim"]>
): Tensor {
  return quantileOf("nanquantile", x, q, args);
}

function quantileOf(
  op: "quantile" | "nanquantile",
  x: Tensor,
  q: number | Tensor,
  args: readonly unknown[],
): Tensor {
  requireTensor(op, "input", x);
  const options = named<QuantileOptions>(op, args, ["dim", "keepdim"], ["interpolation"]);
  const interpolation = options.interpolation ?? "linear";
  const wrong = (must: string, got: string) =>
    new ValueError(`Cannot ${op} ${formatType(x)}: ${must}, got ${got}`);
  if (x.dtype.kind !== "float") throw wrong("it must have a float dtype", x.dtype.name);
  if (numelOf(x.shape) === 0) throw wrong("it must have elements", "none");
  if (!INTERPOLATIONS.includes(interpolation)) {
    throw wrong(`interpolation must be one of ${INTERPOLATIONS.join(", ")}`, String(interpolation));
  }
  const shares = sharesOf(op, q, wrong, x);
  const whole = options.dim === undefined || options.dim === null;
  const rank = x.shape.length;
  const dim = whole ? -1 : normalizeDim(op, options.dim!, rank);
  const rest = whole ? [] : x.shape.filter((_, d) => d !== dim);
  const kept = whole ? x.shape.map(() => 1) : x.shape.map((size, d) => d === dim ? 1 : size);
  return temporaries(() => {
    const line = whole || rank === 0 ? reshapeTo(x, [numelOf(x.shape)]) : lastDim(x, dim);
    const ranks = ranksOf(line, shares.values, op === "nanquantile");
    const values = between(
      bind("sort", [line], { dim: line.shape.length - 1, descending: false })[0],
      ranks,
      interpolation,
    );
    // (…, Q) → (Q, …)
    const last = values.shape.length - 1;
    const front = permuteTo(values, [last, ...Array.from({ length: last }, (_, d) => d)]);
    const reduced = options.keepdim === true ? kept : rest;
    const shape = shares.scalar ? reduced : [shares.values.shape[0]!, ...reduced];
    return relabel(
      bind("copy", [reshapeTo(front, shape)], null),
      op === "quantile" ? "QuantileBackward0" : "NanquantileBackward0",
    );
  });
}

/** `x` with dimension `dim` at the end. */
function lastDim(x: Tensor, dim: number): Tensor {
  const others = x.shape.map((_, d) => d).filter((d) => d !== dim);
  return permuteTo(x, [...others, dim]);
}

interface Shares {
  readonly scalar: boolean;
  /** Rank 1. */
  readonly values: Tensor;
}

function sharesOf(
  op: string,
  q: number | Tensor,
  wrong: (must: string, got: string) => Error,
  x: Tensor,
): Shares {
  if (!(q instanceof TensorHandle)) {
    const share = requireNumber(op, "q", q);
    if (!(share >= 0 && share <= 1)) throw wrong("q must be from 0 to 1", String(share));
    return { scalar: true, values: bind("view", [constant(share, x.dtype, x.backend)], { shape: [1] }) };
  }
  const values = q as Tensor;
  if (values.shape.length > 1 || values.dtype !== x.dtype) {
    throw wrong(`q must be a number or ${x.dtype.name} of rank 0 or 1`, describe(q));
  }
  return { scalar: values.shape.length === 0, values: reshapeTo(values, [numelOf(values.shape)]) };
}

/** Places between sorted elements, (…, Q), as floats. A line with NaN asks for its last element, which is NaN. */
function ranksOf(line: Tensor, shares: Tensor, skipNaN: boolean): Tensor {
  const dim = line.shape.length - 1;
  const at: Dims = { dims: [dim], keepdim: true };
  const missing = bind("isnan", [line], null);
  const last = like(line, line.shape[dim]! - 1);
  if (!skipNaN) {
    const broken = fold("any", missing, at);
    return bind("where", [broken, last, bind("mul", [shares, last], null)], null);
  }
  const present = castTo(bind("logicalNot", [missing], null), line.dtype);
  const highest = bind("sub", [fold("sum", present, at), like(line, 1)], null);
  return bind("mul", [shares, bind("maximum", [highest, like(line, 0)], null)], null);
}

/** Elements of the sorted last dimension at fractional places. */
function between(sorted: Tensor, ranks: Tensor, how: Interpolation): Tensor {
  const dim = sorted.shape.length - 1;
  const take = (places: Tensor) => bind("gather", [sorted, castTo(places, int32)], { dim });
  if (how === "lower") return take(bind("floor", [ranks], null));
  if (how === "higher") return take(bind("ceil", [ranks], null));
  if (how === "nearest") return take(bind("round", [ranks], null));
  const below = bind("floor", [ranks], null);
  const weight = how === "midpoint" ? like(ranks, 0.5) : bind("sub", [ranks, below], null);
  return lerp(take(below), take(bind("ceil", [ranks], null)), weight);
}

/** Options of {@linkcode cov}. */
export interface CovOptions {
  /** What is taken from the number of observations before dividing. Default 1. */
  readonly correction?: number;
  /** How often each observation counts: integers `[N]`. */
  readonly fweights?: Tensor | null;
  /** How much each observation counts: floats `[N]`. */
  readonly aweights?: Tensor | null;
}

/**
 * Covariance of variables in rows: `[V, N]` → `[V, V]`; a scalar for one variable, which may be a vector.
 *
 * @throws {ShapeError} If the rank is above 2, or weights are not `[N]`.
 * @see https://pytorch.org/docs/stable/generated/torch.cov.html
 */
export function cov(x: Tensor, options: CovOptions = {}): Tensor {
  requireTensor("cov", "input", x);
  if (x.shape.length > 2) {
    throw new ShapeError(
      `Cannot cov ${formatType(x)}: it must have rank 2 or less, got rank ${x.shape.length}`,
    );
  }
  const observations = x.shape[x.shape.length - 1] ?? 1;
  const weights = [options.fweights, options.aweights].filter((w) => w !== null && w !== undefined);
  for (const w of weights) {
    if (w.shape.length !== 1 || w.shape[0] !== observations) {
      throw new ShapeError(
        `Cannot cov ${formatType(x)}: weights must be [${observations}], got ${formatType(w)}`,
      );
    }
  }
  return temporaries(() => {
    const rows = toFloat(reshapeTo(x, [x.shape.length === 2 ? x.shape[0]! : 1, observations]));
    const matrix = covariance(rows, options);
    return rows.shape[0] === 1 ? owned(reshapeTo(matrix, [])) : matrix;
  });
}

function covariance(rows: Tensor, { correction = 1, fweights, aweights }: CovOptions): Tensor {
  const along: Dims = { dims: [1], keepdim: true };
  const total = (w: Tensor) => fold("sum", w, { dims: [0], keepdim: false });
  const counts = fweights ? castTo(fweights, rows.dtype) : null;
  const shares = aweights ? castTo(aweights, rows.dtype) : null;
  const w = counts !== null && shares !== null ? bind("mul", [counts, shares], null) : counts ?? shares;
  const sum = w === null ? like(rows, rows.shape[1]!) : total(w);
  const mean = bind("div", [fold("sum", w === null ? rows : bind("mul", [rows, w], null), along), sum], null);
  const centered = bind("sub", [rows, mean], null);
  const weighted = w === null ? centered : bind("mul", [centered, w], null);
  const product = bind("matmul", [weighted, matrixTranspose(centered)], null);
  // With importance weights the correction counts in their mean weight.
  const share = w !== null && shares !== null && correction !== 0
    ? bind(
      "div",
      [bind("mul", [like(rows, correction), total(bind("mul", [w, shares], null))], null), sum],
      null,
    )
    : like(rows, correction);
  const freedom = bind("maximum", [bind("sub", [sum, share], null), like(rows, 0)], null);
  return bind("div", [product, freedom], null);
}

/**
 * Correlation coefficients of variables in rows: `[V, N]` → `[V, V]`; the scalar 1 for one variable.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.corrcoef.html
 */
export function corrcoef(x: Tensor): Tensor {
  return temporaries(() => {
    const c = cov(requireTensor("corrcoef", "input", x));
    if (c.shape.length === 0) return bind("div", [c, c], null);
    const deviations = bind("sqrt", [bind("diagonal", [c], { offset: 0, dim1: 0, dim2: 1 })], null);
    const upright = bind("view", [deviations], { shape: [c.shape[0]!, 1] });
    return clamp(bind("div", [bind("div", [c, upright], null), deviations], null), -1, 1);
  });
}
