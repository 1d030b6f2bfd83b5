/**
 * Values that are chosen along a dimension, with their places: extremes, medians, modes, the k-th smallest.
 *
 * Results with places are `[values, indices]`, also by these names; indices are int32. The gradient goes to the chosen element;
 * where all elements are reduced to one, equal ones share it.
 *
 * @module
 */

import { formatType, IndexError, int32, numelOf } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { castTo, requireInteger, requireTensor } from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { TensorHandle } from "../handle.ts";
import { executeOn } from "../immediate.ts";
import { relabel } from "../label.ts";
import type { ValuesIndices } from "../named_tuple.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { owned, reshapeTo, sliceDim } from "./building.ts";
import { maximum, minimum } from "./extremes.ts";
import { chosen, closeLine, dimsOf, fold, like, lineOf, type LineOptions, orderable } from "./reducing.ts";

type Extreme = "max" | "min";

function extreme(op: Extreme, x: Tensor, args: readonly unknown[]): Tensor | ValuesIndices {
  requireTensor(op, "input", x);
  const other = args[0] instanceof TensorHandle
    ? args[0]
    : (args[0] as { other?: unknown } | undefined)?.other;
  if (other instanceof TensorHandle) {
    return op === "max" ? maximum(x, other as Tensor) : minimum(x, other as Tensor);
  }
  const options = named<LineOptions>(op, args, ["dim", "keepdim"]);
  const [full, place] = op === "max" ? ["amax", "argmax"] as const : ["amin", "argmin"] as const;
  const label = op === "max" ? "MaxBackward" : "MinBackward";
  if (options.dim === undefined || options.dim === null) {
    checkSome(op, x);
    return relabel(fold(full, x, dimsOf(op, x, {})), `${label}1`);
  }
  const result = chosen(op, x, { dim: options.dim, keepdim: options.keepdim === true }, (line, dim) => {
    if (line.shape[dim] === 0) checkSome(op, x, dim);
    return bind(place, [orderable(line)], { dim, keepdim: true });
  });
  relabel(result[0], `${label}0`);
  return result;
}

function checkSome(op: string, x: Tensor, dim?: number): void {
  if (dim === undefined && numelOf(x.shape) > 0) return;
  const where = dim === undefined
    ? "specify the reduction dim by dim"
    : `the size of dimension ${dim} must not be 0`;
  throw new IndexError(
    `Cannot ${op} ${formatType(x)}: ${where}, got ${dim === undefined ? numelOf(x.shape) + " elements" : 0}`,
  );
}

/**
 * The largest value of all (NaN if any is NaN); with `dim` the largest along it and the first place of each; with a tensor
 * the larger of two, as {@linkcode maximum}.
 *
 * @throws {IndexError} If there is nothing to choose from.
 * @see https://pytorch.org/docs/stable/generated/torch.max.html
 */
export function max(x: Tensor): Tensor;
/** The larger of two. */
export function max(x: Tensor, other: Tensor): Tensor;
/** Values and places along `dim`. */
export function max(
  x: Tensor,
  dim: number,
  keepdim?: boolean | { readonly keepdim?: boolean },
): ValuesIndices;
/** Values and places along `dim`, by name. */
export function max(x: Tensor, options: { readonly dim: number; readonly keepdim?: boolean }): ValuesIndices;
/** Implementation of all forms. */
export function max(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return extreme("max", x, args);
}

/**
 * The smallest value of all (NaN if any is NaN); with `dim` the smallest along it and the first place of each; with a tensor
 * the smaller of two, as {@linkcode minimum}.
 *
 * @throws {IndexError} If there is nothing to choose from.
 * @see https://pytorch.org/docs/stable/generated/torch.min.html
 */
export function min(x: Tensor): Tensor;
/** The smaller of two. */
export function min(x: Tensor, other: Tensor): Tensor;
/** Values and places along `dim`. */
export function min(
  x: Tensor,
  dim: number,
  keepdim?: boolean | { readonly keepdim?: boolean },
): ValuesIndices;
/** Values and places along `dim`, by name. */
export function min(x: Tensor, options: { readonly dim: number; readonly keepdim?: boolean }): ValuesIndices;
/** Implementation of all forms. */
export function min(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return extreme("min", x, args);
}

function place(op: "argmax" | "argmin", x: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  const { dim, keepdim = false } = named<LineOptions>(op, args, ["dim", "keepdim"]);
  return temporaries(() => {
    if (dim === undefined || dim === null) {
      checkSome(op, x);
      const flat = reshapeTo(orderable(x), [numelOf(x.shape)]);
      const found = bind(op, [flat], { dim: 0, keepdim: false });
      return keepdim ? owned(reshapeTo(found, x.shape.map(() => 1))) : found;
    }
    const { line, dim: at } = lineOf(op, x, dim);
    if (line.shape[at] === 0) checkSome(op, x, at);
    return closeLine(x, bind(op, [orderable(line)], { dim: at, keepdim: true }), at, keepdim);
  });
}

/**
 * Place of the largest value, in row-major order or along `dim`: the first of equals, and the first NaN → int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.argmax.html
 */
export function argmax(x: Tensor, ...args: Args<LineOptions, ["dim", "keepdim"]>): Tensor {
  return place("argmax", x, args);
}

/**
 * Place of the smallest value, in row-major order or along `dim`: the first of equals, and the first NaN → int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.argmin.html
 */
export function argmin(x: Tensor, ...args: Args<LineOptions, ["dim", "keepdim"]>): Tensor {
  return place("argmin", x, args);
}

/** Options of {@linkcode kthvalue}. */
export interface KthOptions {
  /** The dimension. Default -1. */
  readonly dim?: number;
  /** Whether it stays, with size 1. Default false. */
  readonly keepdim?: boolean;
}

/**
 * The k-th smallest value along `dim`, counted from 1, and its place.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.kthvalue.html
 */
export function kthvalue(x: Tensor, k: number, ...args: Args<KthOptions, ["dim", "keepdim"]>): ValuesIndices {
  const { dim = -1, keepdim = false } = named<KthOptions>("kthvalue", args, ["dim", "keepdim"]);
  requireInteger("kthvalue", "k", k);
  return chosen("kthvalue", x, { dim, keepdim }, (line, at) => {
    if (k < 1 || k > line.shape[at]!) {
      throw new IndexError(
        `Cannot kthvalue ${formatType(x)}: k must be from 1 to ${line.shape[at]}, got ${k}`,
      );
    }
    return noGrad(() => sliceDim(bind("sort", [line], { dim: at, descending: false })[1], at, k - 1, k));
  });
}

/** Place of the lower median of each line: of all its values, or of those that are not NaN. */
function medianPlace(line: Tensor, dim: number, skipNaN: boolean): Tensor {
  const order = bind("sort", [line], { dim, descending: false })[1];
  const middle = Math.max(Math.ceil(line.shape[dim]! / 2) - 1, 0);
  if (line.dtype.kind !== "float") return sliceDim(order, dim, middle, middle + 1);
  const missing = bind("isnan", [line], null);
  if (!skipNaN) {
    const usual = sliceDim(order, dim, middle, middle + 1);
    const firstNaN = bind("argmax", [line], { dim, keepdim: true });
    return bind("where", [fold("any", missing, { dims: [dim], keepdim: true }), firstNaN, usual], null);
  }
  const present = castTo(bind("logicalNot", [missing], null), int32);
  const count = fold("sum", present, { dims: [dim], keepdim: true });
  const above = bind("maximum", [bind("sub", [count, like(count, 1)], null), like(count, 0)], null);
  return bind("gather", [order, bind("rightShift", [above, like(above, 1)], null)], { dim });
}

function medianOf(op: "median" | "nanmedian", x: Tensor, args: readonly unknown[]): Tensor | ValuesIndices {
  requireTensor(op, "input", x);
  const { dim, keepdim = false } = named<LineOptions>(op, args, ["dim", "keepdim"]);
  const label = op === "median" ? "MedianBackward" : "NanmedianBackward";
  const skipNaN = op === "nanmedian";
  if (dim !== undefined && dim !== null) {
    const result = chosen(op, x, { dim, keepdim }, (line, at) => {
      if (line.shape[at] === 0) checkSome(op, x, at);
      return noGrad(() => medianPlace(line, at, skipNaN));
    });
    relabel(result[0], `${label}1`);
    return result;
  }
  if (numelOf(x.shape) === 0) return executeOn(x.backend, "full", { shape: [], value: NaN, dtype: x.dtype });
  return temporaries(() => {
    const flat = reshapeTo(x, [numelOf(x.shape)]);
    const median = noGrad(() => {
      const at = medianPlace(flat, 0, skipNaN);
      return owned(reshapeTo(bind("gather", [flat, at], { dim: 0 }), []));
    });
    return relabel(shared(flat, median), `${label}0`);
  });
}

/** The scalar `value`, which stands among the elements of `x`: equal elements share its gradient. */
function shared(x: Tensor, value: Tensor): Tensor {
  if (x.dtype.kind !== "float") return value;
  const among = noGrad(() => {
    const bothNaN = bind("bitwiseAnd", [bind("isnan", [x], null), bind("isnan", [value], null)], null);
    return bind("bitwiseOr", [bind("eq", [x, value], null), bothNaN], null);
  });
  return fold("amax", bind("where", [among, x, like(x, -Infinity)], null), { dims: [0], keepdim: false });
}

/**
 * The lower median of all (NaN if any is NaN); with `dim` the median along it and its place.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.median.html
 */
export function median(x: Tensor): Tensor;
/** Values and places along `dim`. */
export function median(
  x: Tensor,
  dim: number,
  keepdim?: boolean | { readonly keepdim?: boolean },
): ValuesIndices;
/** Values and places along `dim`, by name. */
export function median(
  x: Tensor,
  options: { readonly dim: number; readonly keepdim?: boolean },
): ValuesIndices;
/** Implementation of all forms. */
export function median(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return medianOf("median", x, args);
}

/**
 * As {@linkcode median}, of what is not NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nanmedian.html
 */
export function nanmedian(x: Tensor): Tensor;
/** Values and places along `dim`. */
export function nanmedian(
  x: Tensor,
  dim: number,
  keepdim?: boolean | { readonly keepdim?: boolean },
): ValuesIndices;
/** Values and places along `dim`, by name. */
export function nanmedian(
  x: Tensor,
  options: { readonly dim: number; readonly keepdim?: boolean },
): ValuesIndices;
/** Implementation of all forms. */
export function nanmedian(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return medianOf("nanmedian", x, args);
}

/**
 * The most frequent value along `dim`, the smallest of equally frequent ones, and a place of it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.mode.html
 */
export function mode(x: Tensor, ...args: Args<KthOptions, ["dim", "keepdim"]>): ValuesIndices {
  const { dim = -1, keepdim = false } = named<KthOptions>("mode", args, ["dim", "keepdim"]);
  const result = chosen("mode", x, { dim, keepdim }, (line, at) => {
    if (line.shape[at] === 0) checkSome("mode", x, at);
    return noGrad(() => modePlace(line, at));
  });
  relabel(result[0], "ModeBackward0");
  return result;
}

/** In the sorted line, the end of the first among the longest runs of equal values. */
function modePlace(line: Tensor, dim: number): Tensor {
  const size = line.shape[dim]!;
  const [sorted, order] = bind("sort", [line], { dim, descending: false });
  if (size === 1) return order;
  const steps = executeOn(line.backend, "iota", { start: 0, step: 1, size, dtype: int32 });
  const upright = line.shape.map((_, d) => d === dim ? size : 1);
  const places = bind("expand", [bind("view", [steps], { shape: upright })], { shape: line.shape });
  const differs = bind("ne", [sliceDim(sorted, dim, 1, size), sliceDim(sorted, dim, 0, size - 1)], null);
  const later = sliceDim(places, dim, 1, size);
  const starts = bind("where", [differs, later, like(later, 0)], null);
  const begun = bind("concat", [sliceDim(places, dim, 0, 1), starts], { dim });
  const runStart = bind("cummax", [begun], { dim })[0];
  const length = bind("sub", [places, runStart], null);
  return bind("gather", [order, bind("argmax", [length], { dim, keepdim: true })], { dim });
}
