/**
 * Counting into bins.
 *
 * @module
 */

import {
  bool,
  type DType,
  DTypeError,
  formatType,
  int32,
  int64,
  numelOf,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindOver } from "../bind.ts";
import { castTo, constant, defaults, requireInteger, requireTensor, toFloat } from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { TensorHandle } from "../handle.ts";
import { executeOn } from "../immediate.ts";
import { type NamedTuple, namedTuple } from "../named_tuple.ts";
import { requireFloatTarget } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { areInside } from "./bounds.ts";
import { expandTo, reshapeTo, selectDim, sliceDim } from "./building.ts";
import { linspace } from "./creation.ts";
import { itemSync } from "./data.ts";
import { fold, like } from "./reducing.ts";

/** `weights` (or ones of `dtype`) summed into `count` bins. Indices are in range. */
function into(bins: Tensor, count: number, weights: Tensor | null, dtype: DType): Tensor {
  const backend = bins.backend;
  const zeros = executeOn(backend, "full", { shape: [count], value: 0, dtype });
  const source = weights ?? expandTo("bincount", constant(1, dtype, backend), bins.shape);
  return bindOver("indexReduce", [zeros, bins, source], { dim: 0, reduce: "sum" });
}

/** Options of {@linkcode bincount}. */
export interface BincountOptions {
  /** What each element counts. Default: 1, and counts are int32. */
  readonly weights?: Tensor | null;
  /** The least size of the result. Default 0. */
  readonly minlength?: number;
}

/**
 * How often each of 0, 1, 2 … occurs. The size of the result is read on the host.
 *
 * @param x Integers >= 0, `[n]`.
 * @throws {ValueError} If an element is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.bincount.html
 */
export function bincount(x: Tensor, ...args: Args<BincountOptions, ["weights", "minlength"]>): Tensor {
  requireTensor("bincount", "input", x);
  const { weights = null, minlength = 0 } = named<BincountOptions>("bincount", args, [
    "weights",
    "minlength",
  ]);
  if (x.dtype.kind !== "int") {
    throw new DTypeError(
      `Cannot bincount ${formatType(x)}: it must have an integer dtype, got ${x.dtype.name}`,
    );
  }
  if (x.shape.length !== 1) {
    throw new ShapeError(`Cannot bincount ${formatType(x)}: it must have rank 1, got rank ${x.shape.length}`);
  }
  if (requireInteger("bincount", "minlength", minlength) < 0) {
    throw new ValueError(`Cannot bincount ${formatType(x)}: minlength must be >= 0, got ${minlength}`);
  }
  if (weights !== null && (weights.shape.length !== 1 || weights.shape[0] !== x.shape[0])) {
    throw new ShapeError(
      `Cannot bincount ${formatType(x)}: weights must be [${x.shape[0]}], got ${formatType(weights)}`,
    );
  }
  return temporaries(() =>
    noGrad(() => {
      const stays = x.dtype === int64 && !areInside(x, 2 ** 31 - 1);
      const places = stays ? x : castTo(x, int32);
      let count = minlength;
      if (x.shape[0]! > 0) {
        const at = { dims: [0], keepdim: false };
        const size = Number(itemSync(fold("amax", places, at))) + 1;
        const least = areInside(places, size) ? 0 : Number(itemSync(fold("amin", places, at)));
        if (least < 0) {
          throw new ValueError(`Cannot bincount ${formatType(x)}: elements must be >= 0, got ${least}`);
        }
        count = Math.max(count, size);
      }
      const dtype = weights === null
        ? int32
        : weights.dtype.kind === "float"
        ? weights.dtype
        : defaults.dtype;
      return into(places, count, weights === null ? null : castTo(weights, dtype), dtype);
    })
  );
}

/** Options of {@linkcode histc}. */
export interface HistcOptions {
  /** Number of bins. Default 100. */
  readonly bins?: number;
  /** Lower end. When both ends are equal (0 by default) they are those of the data. */
  readonly min?: number;
  /** Upper end, which belongs to the last bin. */
  readonly max?: number;
}

/**
 * How many elements fall in each of `bins` equal bins between `min` and `max`, in the dtype of `x`; others do not count.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.histc.html
 */
export function histc(x: Tensor, ...args: Args<HistcOptions, ["bins", "min", "max"]>): Tensor {
  requireTensor("histc", "input", x);
  const { bins = 100, min = 0, max = 0 } = named<HistcOptions>("histc", args, ["bins", "min", "max"]);
  return temporaries(() =>
    noGrad(() => {
      const rows = reshapeTo(toFloat(x), [numelOf(x.shape), 1]);
      const range = min === max ? null : [min, max] as const;
      const [edges] = allEdges("histc", rows, bins, range === null ? null : [...range], 1);
      return castTo(counted(rows, [edges!], null, evenBinOf), x.dtype);
    })
  );
}

/** Options of {@linkcode histogram}. */
export interface HistogramOptions {
  /** Lower and upper end, for each dimension. Default: those of the data. */
  readonly range?: readonly number[] | null;
  /** What each element counts, in the shape of `x` (without its last dimension for `histogramdd`). */
  readonly weight?: Tensor | null;
  /** Whether the histogram is scaled to an integral of 1. Default false. */
  readonly density?: boolean;
}

/** Counts and the limits of the bins. */
export type Histogram = NamedTuple<["hist", "binEdges"], readonly [hist: Tensor, binEdges: Tensor]>;

/**
 * How many elements fall in each bin, and the limits of the bins, one more than bins. The upper end belongs to the last bin.
 *
 * @param bins How many equal ones, or their limits in ascending order, `[n + 1]`.
 * @see https://pytorch.org/docs/stable/generated/torch.histogram.html
 */
export function histogram(x: Tensor, bins: number | Tensor, options: HistogramOptions = {}): Histogram {
  requireTensor("histogram", "input", x);
  requireFloatTarget("histogram", x);
  const made = temporaries(() =>
    noGrad(() => {
      const rows = reshapeTo(x, [numelOf(x.shape), 1]);
      const edges = allEdges(
        "histogram",
        rows,
        bins instanceof TensorHandle ? [bins as Tensor] : bins,
        options.range,
        0.5,
      );
      return [histogramOf("histogram", rows, edges, options), bind("copy", [edges[0]!], null)];
    })
  );
  return namedTuple(["hist", "binEdges"], [made[0]!, made[1]!]);
}

/** Counts and the limits of the bins of each dimension. */
export type HistogramDD = NamedTuple<
  ["hist", "binEdges"],
  readonly [hist: Tensor, binEdges: readonly Tensor[]]
>;

/**
 * How many points fall in each cell of a grid, and the limits of the bins of each dimension.
 *
 * Shapes: x `[…, D]`, a list of points → hist `[bins₀, …, bins_{D−1}]`.
 *
 * @param bins How many equal ones: for all dimensions or for each; or their limits for each.
 * @see https://pytorch.org/docs/stable/generated/torch.histogramdd.html
 */
export function histogramdd(
  x: Tensor,
  bins: number | readonly number[] | readonly Tensor[],
  options: HistogramOptions = {},
): HistogramDD {
  requireTensor("histogramdd", "input", x);
  requireFloatTarget("histogramdd", x);
  if (x.shape.length < 2) {
    throw new ShapeError(
      `Cannot histogramdd ${formatType(x)}: it must have rank 2 or more, got rank ${x.shape.length}`,
    );
  }
  const made = temporaries(() =>
    noGrad(() => {
      const width = x.shape[x.shape.length - 1]!;
      const rows = reshapeTo(x, [numelOf(x.shape.slice(0, -1)), width]);
      const edges = allEdges("histogramdd", rows, bins, options.range, 0.5);
      return [histogramOf("histogramdd", rows, edges, options), ...edges];
    })
  );
  return namedTuple(["hist", "binEdges"], [made[0]!, made.slice(1)]);
}

/** The limits of the bins of each column. */
function allEdges(
  op: string,
  rows: Tensor,
  bins: number | readonly number[] | readonly Tensor[],
  range: readonly number[] | null | undefined,
  widening: number,
): Tensor[] {
  const width = rows.shape[1]!;
  const list = typeof bins === "number" ? new Array<number>(width).fill(bins) : bins;
  const wrong = (must: string, got: unknown) =>
    new ValueError(`Cannot ${op} ${formatType(rows)}: ${must}, got ${got}`);
  if (list.length !== width) {
    throw wrong(`bins must be a number or a list of ${width}`, `a list of ${list.length}`);
  }
  if (range !== null && range !== undefined && range.length !== 2 * width) {
    throw wrong(`range must have ${2 * width} numbers`, range.length);
  }
  return list.map((bin, column) => {
    if (bin instanceof TensorHandle) {
      const edges = bin as Tensor;
      if (edges.shape.length !== 1 || edges.shape[0]! < 1) {
        throw wrong("limits of bins must have rank 1", formatType(edges));
      }
      return castTo(edges, rows.dtype);
    }
    const count = requireInteger(op, "bins", bin);
    if (count < 1) throw wrong("bins must be > 0", count);
    const [low, high] = range ? [range[2 * column]!, range[2 * column + 1]!] : rangeOf(rows, column);
    if (!Number.isFinite(low) || !Number.isFinite(high)) {
      throw wrong("the range must be finite", `[${low}, ${high}]`);
    }
    if (low > high) throw wrong("min must not exceed max", `${low} and ${high}`);
    const wide = low === high ? widening : 0;
    return linspace(low - wide, high + wide, count + 1, { dtype: rows.dtype, device: rows.backend });
  });
}

/** The least and the largest value of a column, read on the host; 0 and 1 of nothing. */
function rangeOf(rows: Tensor, column: number): [number, number] {
  if (rows.shape[0] === 0) return [0, 1];
  const values = selectDim(rows, 1, column);
  const at = { dims: [0], keepdim: false };
  return [itemSync(fold("amin", values, at)), itemSync(fold("amax", values, at))];
}

function histogramOf(op: string, rows: Tensor, edges: readonly Tensor[], options: HistogramOptions): Tensor {
  const { weight = null, density = false } = options;
  if (weight !== null && numelOf(requireTensor(op, "weight", weight).shape) !== rows.shape[0]) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(rows)}: there must be ${rows.shape[0]} weights, got ${formatType(weight)}`,
    );
  }
  const counts = counted(
    rows,
    edges,
    weight === null ? null : reshapeTo(castTo(weight, rows.dtype), [rows.shape[0]!]),
  );
  if (!density) return counts;
  const total = fold("sum", counts, { dims: counts.shape.map((_, d) => d), keepdim: false });
  let share = bind("div", [counts, total], null);
  edges.forEach((limits, d) => {
    const size = limits.shape[0]!;
    const widths = bind("sub", [sliceDim(limits, 0, 1, size), sliceDim(limits, 0, 0, size - 1)], null);
    const upright = counts.shape.map((_, k) => k === d ? size - 1 : 1);
    share = bind("div", [share, bind("view", [widths], { shape: upright })], null);
  });
  return share;
}

/** The bin of each value, and whether it lies in one at all. */
type BinOf = (values: Tensor, limits: Tensor) => { bin: Tensor; inside: Tensor };

/** The sum of weights (or the number) of the rows in each cell. */
function counted(
  rows: Tensor,
  edges: readonly Tensor[],
  weights: Tensor | null,
  find: BinOf = binOf,
): Tensor {
  const shape = edges.map((limits) => limits.shape[0]! - 1);
  const points = rows.shape[0]!;
  let cell: Tensor = executeOn(rows.backend, "full", { shape: [points], value: 0, dtype: int32 });
  let inside: Tensor = executeOn(rows.backend, "full", { shape: [points], value: true, dtype: bool });
  edges.forEach((limits, column) => {
    const found = find(bind("copy", [selectDim(rows, 1, column)], null), limits);
    inside = bind("bitwiseAnd", [inside, found.inside], null);
    cell = bind("add", [bind("mul", [cell, like(cell, shape[column]!)], null), found.bin], null);
  });
  const one = weights ?? like(rows, 1);
  const source = bind("where", [inside, one, like(rows, 0)], null);
  const place = bind("where", [inside, cell, like(cell, 0)], null);
  return reshapeTo(into(place, numelOf(shape), source, rows.dtype), shape);
}

/** True for the values from the first limit to the last. */
function isInside(values: Tensor, limits: Tensor): Tensor {
  const [low, high] = [selectDim(limits, 0, 0), selectDim(limits, 0, limits.shape[0]! - 1)];
  return bind("bitwiseAnd", [bind("ge", [values, low], null), bind("le", [values, high], null)], null);
}

/** Bins between limits, by search. */
function binOf(values: Tensor, limits: Tensor): { bin: Tensor; inside: Tensor } {
  const above = bind("searchsorted", [limits, values], { right: true });
  const bin = bind("sub", [above, like(above, 1)], null);
  const last = like(bin, limits.shape[0]! - 2);
  return { bin: bind("minimum", [bin, last], null), inside: isInside(values, limits) };
}

/** Bins of one size, by division, rounded as PyTorch's `histc` does. */
function evenBinOf(values: Tensor, limits: Tensor): { bin: Tensor; inside: Tensor } {
  const bins = limits.shape[0]! - 1;
  const [low, high] = [selectDim(limits, 0, 0), selectDim(limits, 0, bins)];
  const inside = isInside(values, limits);
  const scaled = bind("mul", [bind("sub", [values, low], null), like(values, bins)], null);
  const place = bind("div", [scaled, bind("sub", [high, low], null)], null);
  const bin = castTo(bind("where", [inside, place, like(place, 0)], null), int32);
  return { bin: bind("minimum", [bin, like(bin, bins - 1)], null), inside };
}
