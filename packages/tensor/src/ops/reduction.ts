/**
 * Sums, products, means, extremes and tests over dimensions.
 *
 * `dim` is one dimension, a list, or nothing for all; `keepdim` keeps reduced dimensions with size 1. Sums and products of
 * bools and integers are int32 (int64 stays int64).
 *
 * @module
 */

import {
  bool,
  type DType,
  DTypeError,
  formatType,
  int32,
  type Shape,
  ShapeError,
  uint8,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { accumulationDType, castTo, dtypeOption, requireTensor, toFloat } from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { relabel } from "../label.ts";
import { type NamedTuple, namedTuple } from "../named_tuple.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { owned, reshapeTo } from "./building.ts";
import { type ListArgs, listOf } from "./lists.ts";
import {
  type Dims,
  dimsOf,
  fold,
  foldedCount,
  inWide,
  like,
  type LineOptions,
  meanOf,
  type ReduceOptions,
} from "./reducing.ts";

/** Options of {@linkcode sum}, {@linkcode mean} and their kin. */
export interface SumOptions extends ReduceOptions {
  /** Convert to this dtype first. */
  readonly dtype?: DType | string | null;
}

function sumOptions(op: string, x: Tensor, args: readonly unknown[]): SumOptions {
  requireTensor(op, "input", x);
  return named<SumOptions>(op, args, ["dim", "keepdim"], ["dtype"]);
}

/** The name of a step with and without `dim`. */
function labelOf(name: string, { dim }: ReduceOptions): string {
  return `${name}Backward${dim === undefined || dim === null ? 0 : 1}`;
}

/**
 * Sum.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sum.html
 */
export function sum(x: Tensor, ...args: Args<SumOptions, ["dim", "keepdim"]>): Tensor {
  const options = sumOptions("sum", x, args);
  const at = dimsOf("sum", x, options);
  const dtype = dtypeOption(options.dtype) ?? accumulationDType(x.dtype);
  if (dtype === x.dtype) return relabel(fold("sum", x, at), labelOf("Sum", options));
  return temporaries(() => relabel(totalIn(x, at, dtype), labelOf("Sum", options)));
}

/** Sum in `dtype`; of bool as `any`, which has no sums. */
function totalIn(x: Tensor, at: Dims, dtype: DType): Tensor {
  return dtype === bool ? fold("any", castTo(x, bool), at) : fold("sum", castTo(x, dtype), at);
}

/**
 * Sum with NaN counting as 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nansum.html
 */
export function nansum(x: Tensor, ...args: Args<SumOptions, ["dim", "keepdim"]>): Tensor {
  const options = sumOptions("nansum", x, args);
  const dtype = dtypeOption(options.dtype) ?? accumulationDType(x.dtype);
  const at = dimsOf("nansum", x, options);
  return temporaries(() => relabel(totalIn(withoutNaN(x), at, dtype), "NansumBackward0"));
}

function withoutNaN(x: Tensor): Tensor {
  if (x.dtype.kind !== "float") return x;
  return bind("where", [bind("isnan", [x], null), like(x, 0), x], null);
}

/**
 * Mean. Floats only, unless a dtype is given; the mean of nothing is NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.mean.html
 */
export function mean(x: Tensor, ...args: Args<SumOptions, ["dim", "keepdim"]>): Tensor {
  const options = sumOptions("mean", x, args);
  const dtype = floatOf("mean", x, options);
  const at = dimsOf("mean", x, options);
  return temporaries(() => relabel(meanOf(castTo(x, dtype), at), labelOf("Mean", options)));
}

/** The dtype of a result that must be of floats. */
function floatOf(op: string, x: Tensor, options: SumOptions): DType {
  const dtype = dtypeOption(options.dtype) ?? x.dtype;
  if (dtype.kind === "float") return dtype;
  throw new DTypeError(
    `Cannot ${op} ${
      formatType(x)
    }: it must have a float dtype, got ${dtype.name}; give one as in { dtype: "float32" }`,
  );
}

/**
 * Mean of what is not NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nanmean.html
 */
export function nanmean(x: Tensor, ...args: Args<SumOptions, ["dim", "keepdim"]>): Tensor {
  const options = sumOptions("nanmean", x, args);
  const dtype = floatOf("nanmean", x, options);
  const at = dimsOf("nanmean", x, options);
  return temporaries(() =>
    inWide(castTo(x, dtype), (wide) => {
      const count = noGrad(() => {
        const present = bind("logicalNot", [bind("isnan", [wide], null)], null);
        return fold("sum", castTo(present, wide.dtype), at);
      });
      return relabel(bind("div", [fold("sum", withoutNaN(wide), at), count], null), "DivBackward0");
    })
  );
}

/** Options of {@linkcode prod}. */
export interface ProdOptions extends LineOptions {
  /** Convert to this dtype first. */
  readonly dtype?: DType | string | null;
}

/**
 * Product of all elements, or along one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.prod.html
 */
export function prod(x: Tensor, ...args: Args<ProdOptions, ["dim", "keepdim"]>): Tensor {
  requireTensor("prod", "input", x);
  const options = named<ProdOptions>("prod", args, ["dim", "keepdim"], ["dtype"]);
  const at = dimsOf("prod", x, options);
  const dtype = dtypeOption(options.dtype) ?? accumulationDType(x.dtype);
  return temporaries(() => {
    const product = dtype === bool ? fold("all", castTo(x, bool), at) : fold("prod", castTo(x, dtype), at);
    return relabel(product, labelOf("Prod", options));
  });
}

/**
 * Largest value; NaN if any is NaN. Equal largest values share the gradient evenly.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.amax.html
 */
export function amax(x: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
  requireTensor("amax", "input", x);
  return fold("amax", x, dimsOf("amax", x, named<ReduceOptions>("amax", args, ["dim", "keepdim"])));
}

/**
 * Smallest value; NaN if any is NaN. Equal smallest values share the gradient evenly.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.amin.html
 */
export function amin(x: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
  requireTensor("amin", "input", x);
  return fold("amin", x, dimsOf("amin", x, named<ReduceOptions>("amin", args, ["dim", "keepdim"])));
}

/** The smallest and the largest values. */
export type MinMax = NamedTuple<["min", "max"], readonly [min: Tensor, max: Tensor]>;

/**
 * Smallest and largest value, of all or along one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.aminmax.html
 */
export function aminmax(x: Tensor, options: LineOptions = {}): MinMax {
  requireTensor("aminmax", "input", x);
  const at = dimsOf("aminmax", x, options);
  return namedTuple(["min", "max"], [fold("amin", x, at), fold("amax", x, at)]);
}

/**
 * True if any element is not 0 → bool (uint8 for uint8).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.any.html
 */
export function any(x: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
  return truth("any", x, args);
}

/**
 * True if no element is 0 → bool (uint8 for uint8).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.all.html
 */
export function all(x: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
  return truth("all", x, args);
}

function truth(op: "any" | "all", x: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  const at = dimsOf(op, x, named<ReduceOptions>(op, args, ["dim", "keepdim"]));
  return x.dtype === uint8 ? temporaries(() => castTo(fold(op, x, at), uint8)) : fold(op, x, at);
}

/**
 * How many elements are not 0 → int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.count_nonzero.html
 */
export function countNonzero(x: Tensor, ...args: Args<{ dim: number | Shape | null }, ["dim"]>): Tensor {
  requireTensor("countNonzero", "input", x);
  const at = dimsOf("countNonzero", x, named<ReduceOptions>("countNonzero", args, ["dim"]));
  return temporaries(() => fold("sum", castTo(castTo(x, bool), int32), at));
}

/**
 * `ln Σ eˣ` without overflow. Integers become the default float.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logsumexp.html
 */
export function logsumexp(x: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
  requireTensor("logsumexp", "input", x);
  const at = dimsOf("logsumexp", x, named<ReduceOptions>("logsumexp", args, ["dim", "keepdim"]));
  return temporaries(() => {
    const values = toFloat(x);
    if (foldedCount(x, at) === 0) {
      return relabel(bind("log", [fold("sum", bind("exp", [values], null), at)], null), "LogsumexpBackward0");
    }
    const largest = noGrad(() => {
      const top = fold("amax", values, { dims: at.dims, keepdim: true });
      return bind("where", [bind("isinf", [top], null), like(top, 0), top], null); // ∞ − ∞ has no value
    });
    const scaled = bind("exp", [bind("sub", [values, largest], null)], null);
    const log = bind("log", [fold("sum", scaled, at)], null);
    const shift = owned(reshapeTo(largest, log.shape));
    return relabel(bind("add", [log, shift], null), "LogsumexpBackward0");
  });
}

/**
 * `x` summed to a shape that broadcasts to its own: the way back from broadcasting.
 *
 * @throws {ShapeError} If the shape does not broadcast to that of `x`.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.sum_to_size.html
 */
export function sumToSize(x: Tensor, ...size: ListArgs<"size">): Tensor {
  const shape = listOf("sumToSize", "size", size);
  const added = x.shape.length - shape.length;
  const fits = added >= 0 && shape.every((n, i) => n === 1 || n === x.shape[added + i]);
  if (!fits) {
    throw new ShapeError(
      `Cannot sumToSize ${formatType(x)}: size must broadcast to its shape, got [${shape.join(", ")}]`,
    );
  }
  const dims = x.shape.map((_, d) => d).filter((d) =>
    d < added || (shape[d - added] === 1 && x.shape[d] !== 1)
  );
  if (dims.length === 0) return bind("copy", [x], null);
  return temporaries(() => {
    const total = fold("sum", castTo(x, accumulationDType(x.dtype)), { dims, keepdim: true });
    return owned(reshapeTo(total, shape));
  });
}
