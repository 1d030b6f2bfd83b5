/**
 * Norms: lengths of vectors, and distances.
 *
 * @module
 */

import {
  type DType,
  DTypeError,
  formatType,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import { castTo, dtypeOption, requireNumber, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { binary } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { pow } from "./arithmetic.ts";
import { permuteTo } from "./building.ts";
import { type Dims, dimsOf, fold, foldedCount, inWide, like, type ReduceOptions, root } from "./reducing.ts";

/** Options of {@linkcode norm}. */
export interface NormOptions extends ReduceOptions {
  /** The order: a number, `"fro"` (as 2) or `"nuc"` (sum of singular values). Default `"fro"`. */
  readonly p?: number | "fro" | "nuc" | null;
  /** Convert to this dtype first. */
  readonly dtype?: DType | string | null;
}

/**
 * `(Σ |x|ᵖ)^(1/p)`; the largest |x| for p = ∞, the smallest for −∞, how many are not 0 for p = 0. The gradient is 0 where
 * the norm is 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.norm.html
 */
export function norm(x: Tensor, ...args: Args<NormOptions, ["p", "dim", "keepdim"]>): Tensor {
  requireTensor("norm", "input", x);
  const options = named<NormOptions>("norm", args, ["p", "dim", "keepdim"], ["dtype"]);
  if (options.p === "nuc") return nuclear(x, options);
  const order = options.p === undefined || options.p === null || options.p === "fro" ? 2 : options.p;
  const dtype = dtypeOption(options.dtype) ?? x.dtype;
  return lengthOf(
    "norm",
    x,
    requireNumber("norm", "p", order),
    dimsOf("norm", x, options),
    dtype,
    "NormBackward1",
  );
}

/** Options of {@linkcode vectorNorm}. */
export interface VectorNormOptions extends ReduceOptions {
  /** The order. Default 2. */
  readonly ord?: number;
  /** Convert to this dtype first. */
  readonly dtype?: DType | string | null;
}

/**
 * As {@linkcode norm} for numbers, over all elements or some dimensions: `torch.linalg.vector_norm`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
 */
export function vectorNorm(x: Tensor, ...args: Args<VectorNormOptions, ["ord", "dim", "keepdim"]>): Tensor {
  requireTensor("vectorNorm", "x", x);
  const options = named<VectorNormOptions>("vectorNorm", args, ["ord", "dim", "keepdim"], ["dtype"]);
  const order = requireNumber("vectorNorm", "ord", options.ord ?? 2);
  const dtype = dtypeOption(options.dtype) ?? x.dtype;
  return lengthOf(
    "vectorNorm",
    x,
    order,
    dimsOf("vectorNorm", x, options),
    dtype,
    "LinalgVectorNormBackward0",
  );
}

function lengthOf(op: string, x: Tensor, order: number, at: Dims, dtype: DType, label: string): Tensor {
  if (dtype.kind !== "float") {
    throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must have a float dtype, got ${dtype.name}`);
  }
  if (foldedCount(x, at) === 0 && (order < 0 || order === Infinity)) {
    throw new ValueError(`Cannot ${op} ${formatType(x)} of order ${order}: there must be elements, got none`);
  }
  return temporaries(() => relabel(inWide(castTo(x, dtype), (wide) => length(wide, order, at)), label));
}

/** The norm of order `p` of floats. */
function length(x: Tensor, p: number, at: Dims): Tensor {
  if (p === 0) return fold("sum", castTo(bind("ne", [x, like(x, 0)], null), x.dtype), at);
  if (p === 2) return root(fold("sum", bind("mul", [x, x], null), at));
  const size = bind("abs", [x], null);
  if (p === Infinity) return fold("amax", size, at);
  if (p === -Infinity) return fold("amin", size, at);
  if (p === 1) return fold("sum", size, at);
  if (p > 1) return root(fold("sum", pow(size, p), at), p);
  // Below 1 the derivative of |x|ᵖ is infinite at 0: keep these elements out of it.
  const zero = bind("eq", [x, like(x, 0)], null);
  const safe = bind("where", [zero, like(x, 1), size], null);
  const atZero = like(x, p > 0 ? 0 : Infinity);
  const power = bind("where", [zero, atZero, bind("pow", [safe, like(x, p)], null)], null);
  const total = fold("sum", power, at);
  return p > 0 ? root(total, p) : bind("pow", [total, like(x, 1 / p)], null);
}

function nuclear(x: Tensor, options: NormOptions): Tensor {
  const rank = x.shape.length;
  const given: Shape = options.dim === undefined || options.dim === null
    ? Array.from({ length: rank }, (_, d) => d)
    : typeof options.dim === "number"
    ? [options.dim]
    : options.dim;
  if (given.length !== 2) {
    throw new ShapeError(
      `Cannot norm ${formatType(x)} with p "nuc": dim must name two dimensions, got ${given.length}`,
    );
  }
  const [a, b] = given.map((dim) => normalizeDim("norm", dim, rank)) as [number, number];
  const others = x.shape.map((_, d) => d).filter((d) => d !== a && d !== b);
  return temporaries(() => {
    const matrices = permuteTo(castTo(x, dtypeOption(options.dtype) ?? x.dtype), [...others, a, b]);
    const [, values] = bind("svd", [matrices], { full: false });
    const total = fold("sum", values, { dims: [rank - 2], keepdim: false });
    if (options.keepdim !== true) return total;
    const kept = x.shape.map((size, d) => d === a || d === b ? 1 : size);
    const shaped = bind("view", [total], { shape: kept });
    shaped.base = null;
    return shaped;
  });
}

/**
 * The norm of `x − other`, which broadcast.
 *
 * @param p The order. Default 2.
 * @see https://pytorch.org/docs/stable/generated/torch.dist.html
 */
export function dist(x: Tensor, other: Tensor, ...args: Args<{ p: number }, ["p"]>): Tensor {
  requireTensor("dist", "input", x);
  requireTensor("dist", "other", other);
  const { p = 2 } = named<{ p: number }>("dist", args, ["p"]);
  return temporaries(() => relabel(norm(binary("sub", x, other), p), "DistBackward0"));
}

/**
 * Slices along `dim` scaled down to norm `maxnorm` where theirs is larger.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.renorm.html
 */
export function renorm(x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  requireTensor("renorm", "input", x);
  const kept = normalizeDim("renorm", dim, x.shape.length);
  if (x.shape.length < 2) {
    throw new ShapeError(
      `Cannot renorm ${formatType(x)}: it must have rank 2 or more, got rank ${x.shape.length}`,
    );
  }
  return temporaries(() => {
    if (numelOf(x.shape) === 0) return bind("copy", [x], null);
    const dims = x.shape.map((_, d) => d).filter((d) => d !== kept);
    const size = length(x, p, { dims, keepdim: true });
    // PyTorch's 1e-7 keeps the result below the limit in spite of rounding.
    const factor = bind("div", [like(x, maxnorm), bind("add", [size, like(x, 1e-7)], null)], null);
    const large = bind("gt", [size, like(x, maxnorm)], null);
    return relabel(
      bind("mul", [x, bind("where", [large, factor, like(x, 1)], null)], null),
      "RenormBackward0",
    );
  });
}

/** In-place {@linkcode renorm}. */
export function renorm_(x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  requireTensor("renorm_", "input", x);
  return replaceValue("renorm_", x, (before) => renorm(before, p, dim, maxnorm));
}
