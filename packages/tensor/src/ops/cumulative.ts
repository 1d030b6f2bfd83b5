/**
 * Running sums and extremes along a dimension, differences, integrals.
 *
 * @module
 */

import {
  bool,
  type DType,
  formatType,
  normalizeDim,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, isOptions, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import {
  accumulationDType,
  castTo,
  constant,
  dtypeOption,
  isScalar,
  promote,
  requireInteger,
  requireNumber,
  requireTensor,
  toFloat,
} from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import { type ValuesIndices, valuesIndices } from "../named_tuple.ts";
import { binary } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { promoteAll, selectDim, sliceDim } from "./building.ts";
import { asInput, fold, like, lineOf } from "./reducing.ts";

/** Options of {@linkcode cumsum} and {@linkcode cumprod}. */
export interface CumulativeOptions {
  /** The dimension. */
  readonly dim?: number;
  /** Convert to this dtype first. Default: int32 for bools and small integers, else that of the input. */
  readonly dtype?: DType | string | null;
}

type RunningName = "cumsum" | "cumprod" | "logcumsumexp";

/** Applies a running primitive along a dimension; a scalar is a line of one. */
function running(name: RunningName, x: Tensor, dim: number): Tensor {
  const { line, dim: at } = lineOf(name, x, dim);
  return asInput(x, bind(name, [line], { dim: at }));
}

function cumulative(
  op: string,
  name: "cumsum" | "cumprod",
  x: Tensor,
  args: readonly unknown[],
  own: boolean,
): Tensor {
  requireTensor(op, "input", x);
  const options = named<CumulativeOptions>(op, args, ["dim"], ["dtype"]);
  const dim = requireInteger(op, "dim", options.dim);
  const dtype = dtypeOption(options.dtype) ?? (own ? x.dtype : accumulationDType(x.dtype));
  return temporaries(() => running(name, castTo(x, dtype), dim));
}

/**
 * Running sum along `dim`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cumsum.html
 */
export function cumsum(x: Tensor, ...args: Args<CumulativeOptions, ["dim"]>): Tensor {
  return cumulative("cumsum", "cumsum", x, args, false);
}

/** In-place {@linkcode cumsum}. */
export function cumsum_(x: Tensor, ...args: Args<CumulativeOptions, ["dim"]>): Tensor {
  requireTensor("cumsum_", "input", x);
  return replaceValue("cumsum_", x, (before) => cumulative("cumsum_", "cumsum", before, args, true));
}

/**
 * Running product along `dim`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cumprod.html
 */
export function cumprod(x: Tensor, ...args: Args<CumulativeOptions, ["dim"]>): Tensor {
  return cumulative("cumprod", "cumprod", x, args, false);
}

/** In-place {@linkcode cumprod}. */
export function cumprod_(x: Tensor, ...args: Args<CumulativeOptions, ["dim"]>): Tensor {
  requireTensor("cumprod_", "input", x);
  return replaceValue("cumprod_", x, (before) => cumulative("cumprod_", "cumprod", before, args, true));
}

/**
 * ln of the running sum of exponentials along `dim`, without overflow.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logcumsumexp.html
 */
export function logcumsumexp(x: Tensor, dim: number | { readonly dim: number }): Tensor {
  requireTensor("logcumsumexp", "input", x);
  return temporaries(() => running("logcumsumexp", toFloat(x), dimOf("logcumsumexp", dim)));
}

function dimOf(op: string, dim: number | { readonly dim: number }): number {
  return requireInteger(op, "dim", isOptions(dim) ? dim.dim : dim);
}

function runningExtreme(name: "cummax" | "cummin", x: Tensor, dim: number): ValuesIndices {
  return temporaries(() => {
    const { line, dim: at } = lineOf(name, x, dim);
    const [values, indices] = bind(name, [line], { dim: at });
    return valuesIndices(asInput(x, values), asInput(x, indices));
  });
}

/**
 * Running maximum along `dim` and its place, the last among equals.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cummax.html
 */
export function cummax(x: Tensor, dim: number | { readonly dim: number }): ValuesIndices {
  return runningExtreme("cummax", x, dimOf("cummax", dim));
}

/**
 * Running minimum along `dim` and its place, the last among equals.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cummin.html
 */
export function cummin(x: Tensor, dim: number | { readonly dim: number }): ValuesIndices {
  return runningExtreme("cummin", x, dimOf("cummin", dim));
}

/** Options of {@linkcode diff}. */
export interface DiffOptions {
  /** How often. Default 1. */
  readonly n?: number;
  /** The dimension. Default -1. */
  readonly dim?: number;
  /** What stands before `x` along `dim`. */
  readonly prepend?: Tensor | null;
  /** What stands after `x` along `dim`. */
  readonly append?: Tensor | null;
}

/**
 * Differences of neighbours along `dim`, `n` times; of bools whether they differ.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.diff.html
 */
export function diff(x: Tensor, ...args: Args<DiffOptions, ["n", "dim", "prepend", "append"]>): Tensor {
  requireTensor("diff", "input", x);
  const options = named<DiffOptions>("diff", args, ["n", "dim", "prepend", "append"]);
  if (x.shape.length === 0) {
    throw new ShapeError(`Cannot diff ${formatType(x)}: it must have rank 1 or more, got rank 0`);
  }
  const dim = normalizeDim("diff", options.dim ?? -1, x.shape.length);
  const n = requireInteger("diff", "n", options.n ?? 1);
  if (n < 0) throw new ValueError(`Cannot diff ${formatType(x)}: n must be >= 0, got ${n}`);
  if (n === 0) return bind("copy", [x], null);
  return temporaries(() => {
    const parts = promoteAll(
      [options.prepend, x, options.append].filter((part) => part !== null && part !== undefined),
    );
    let y = parts.length === 1 ? x : bind("concat", parts, { dim });
    const name = y.dtype === bool ? "bitwiseXor" : "sub";
    for (let i = 0; i < n; i++) {
      const size = y.shape[dim]!;
      const [later, earlier] = [
        sliceDim(y, dim, Math.min(1, size), size),
        sliceDim(y, dim, 0, Math.max(size - 1, 0)),
      ];
      y = bind(name, [later, earlier], null);
    }
    return y;
  });
}

/** Options of {@linkcode trapezoid}. */
export interface TrapezoidOptions {
  /** Places of the values: of rank 1, or of the shape of `y`. */
  readonly x?: Tensor | null;
  /** Distance of the values where `x` is not given. Default 1. */
  readonly dx?: number;
  /** The dimension. Default -1. */
  readonly dim?: number;
}

/** Areas between neighbours. */
function areas(op: string, y: Tensor, args: readonly unknown[]): { area: Tensor; dim: number } {
  requireTensor(op, "y", y);
  const options = named<TrapezoidOptions>(op, args, ["x"], ["dx", "dim"]);
  const dim = normalizeDim(op, options.dim ?? -1, y.shape.length);
  const values = toFloat(y);
  const size = values.shape[dim]!;
  const pairs = bind("add", [
    sliceDim(values, dim, Math.min(1, size), size),
    sliceDim(values, dim, 0, Math.max(size - 1, 0)),
  ], null);
  if (options.x === undefined || options.x === null) {
    const half = requireNumber(op, "dx", options.dx ?? 1) / 2;
    return { area: bind("mul", [pairs, like(pairs, half)], null), dim };
  }
  const steps = widths(op, toFloat(options.x), y, dim);
  const [a, b] = promote(op, pairs, steps);
  return { area: bind("mul", [bind("mul", [a, b], null), like(a, 0.5)], null), dim };
}

/** As PyTorch does it for one distance `dx`: (Σ y − (first + last) / 2) dx. Null where there are places, or no values. */
function evenArea(y: Tensor, args: readonly unknown[]): Tensor | null {
  requireTensor("trapezoid", "y", y);
  const options = named<TrapezoidOptions>("trapezoid", args, ["x"], ["dx", "dim"]);
  const dim = normalizeDim("trapezoid", options.dim ?? -1, y.shape.length);
  const size = y.shape[dim] ?? 0;
  if ((options.x !== undefined && options.x !== null) || size === 0) return null;
  const dx = requireNumber("trapezoid", "dx", options.dx ?? 1);
  const values = toFloat(y);
  const ends = bind("add", [selectDim(values, dim, 0), selectDim(values, dim, size - 1)], null);
  const whole = fold("sum", values, { dims: [dim], keepdim: false });
  const area = bind("sub", [whole, bind("mul", [ends, like(ends, 0.5)], null)], null);
  return bind("mul", [area, like(area, dx)], null);
}

/** Distances of neighbours, in a shape that broadcasts to that of the areas. */
function widths(op: string, x: Tensor, y: Tensor, dim: number): Tensor {
  if (x.shape.length === 1) {
    if (x.shape[0] !== y.shape[dim]) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(y)} over ${
          formatType(x)
        }: there must be one x value for each y value, got ${x.shape[0]} and ${y.shape[dim]}`,
      );
    }
    const steps = diff(x);
    return bind("view", [steps], { shape: y.shape.map((_, d) => d === dim ? steps.shape[0]! : 1) });
  }
  return diff(x, { dim: dim - y.shape.length });
}

/**
 * Integral along `dim` by the trapezoidal rule.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.trapezoid.html
 */
export function trapezoid(y: Tensor, ...args: Args<TrapezoidOptions, ["x"]>): Tensor {
  return temporaries(() => {
    const even = evenArea(y, args);
    if (even !== null) return even;
    const { area, dim } = areas("trapezoid", y, args);
    return fold("sum", area, { dims: [dim], keepdim: false });
  });
}

/** Another name of {@linkcode trapezoid}. */
export const trapz: typeof trapezoid = trapezoid;

/**
 * Running integral along `dim` by the trapezoidal rule; one element less than `y`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cumulative_trapezoid.html
 */
export function cumulativeTrapezoid(y: Tensor, ...args: Args<TrapezoidOptions, ["x"]>): Tensor {
  return temporaries(() => {
    const { area, dim } = areas("cumulativeTrapezoid", y, args);
    return running("cumsum", area, dim);
  });
}

/** Options of {@linkcode gradient}. */
export interface GradientOptions {
  /** Distance of neighbours: a number for all dimensions, one for each, or their coordinates as tensors of rank 1. Default 1. */
  readonly spacing?: number | readonly number[] | readonly Tensor[] | null;
  /** The dimensions. Default: all. */
  readonly dim?: number | Shape | null;
  /** 1 or 2: the order of the estimate at both ends. Default 1. */
  readonly edgeOrder?: number;
}

/**
 * Estimates of the derivative along each dimension by central differences.
 *
 * @throws {ValueError} If a dimension has too few elements, or the number of spacings is not that of the dimensions.
 * @see https://pytorch.org/docs/stable/generated/torch.gradient.html
 */
export function gradient(x: Tensor, options: GradientOptions = {}): Tensor[] {
  requireTensor("gradient", "input", x);
  const { dim = null, edgeOrder = 1 } = options;
  const spacing = options.spacing ?? 1;
  const list = dim === null ? x.shape.map((_, d) => d) : typeof dim === "number" ? [dim] : dim;
  const dims = list.map((d) => normalizeDim("gradient", d, x.shape.length));
  const wrong = (must: string, got: unknown) =>
    new ValueError(`Cannot gradient ${formatType(x)}: ${must}, got ${got}`);
  if (edgeOrder !== 1 && edgeOrder !== 2) throw wrong("edgeOrder must be 1 or 2", edgeOrder);
  if (!isScalar(spacing) && spacing.length !== dims.length) {
    throw wrong(`spacing must be a number or ${dims.length} of them`, spacing.length);
  }
  return dims.map((d, i) => {
    const size = x.shape[d]!;
    if (size < edgeOrder + 1) throw wrong(`dimension ${d} must have ${edgeOrder + 1} elements or more`, size);
    const step = isScalar(spacing) ? spacing : spacing[i]!;
    return temporaries(() => slope(x, d, step, edgeOrder));
  });
}

/** Derivative along `dim`: in the middle by both neighbours, at the ends by what is inside. */
function slope(input: Tensor, dim: number, step: number | Tensor, edgeOrder: number): Tensor {
  const x = toFloat(input);
  const size = x.shape[dim]!;
  const part = (start: number, stop: number) => sliceDim(x, dim, start, stop);
  const upright = x.shape.map((_, d) => d === dim ? size - 1 : 1);
  const h = step instanceof TensorHandle
    ? bind("view", [diff(castTo(step as Tensor, x.dtype))], { shape: upright })
    : bind("expand", [constant(step as number, x.dtype, x.backend)], { shape: upright });
  const width = (start: number, stop: number) => sliceDim(h, dim, start, stop);
  const rise = binary("div", binary("sub", part(1, size), part(0, size - 1)), h); // between neighbours
  const between = (start: number, stop: number) => sliceDim(rise, dim, start, stop);
  const [before, after] = [width(0, size - 2), width(1, size - 1)];
  const span = binary("add", before, after);
  // The parabola through three points: each side weighs as the distance of the other.
  const middle = binary(
    "div",
    binary("add", binary("mul", between(0, size - 2), after), binary("mul", between(1, size - 1), before)),
    span,
  );
  let first = between(0, 1);
  let last = between(size - 2, size - 1);
  if (edgeOrder === 2) {
    const bend = binary("div", binary("sub", between(1, size - 1), between(0, size - 2)), span); // second difference
    first = binary("sub", first, binary("mul", sliceDim(bend, dim, 0, 1), width(0, 1)));
    last = binary(
      "add",
      last,
      binary("mul", sliceDim(bend, dim, size - 3, size - 2), width(size - 2, size - 1)),
    );
  }
  return relabel(bind("concat", [first, middle, last], { dim }), "CatBackward0");
}
