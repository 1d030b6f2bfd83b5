/**
 * Distances between points: `cdist`, `pdist`.
 *
 * Where steps run at once, differences are made and combined a block at a time, in a cache. Gradients make them again.
 *
 * @module
 */

import { formatShape, formatType, int32, numelOf, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindOver, needsGrad } from "../bind.ts";
import { castTo, constant, requireNumber, requireTensor } from "../coerce.ts";
import { gradMode } from "../grad_mode.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { transforms } from "../transform.ts";
import { withGradient } from "../with_gradient.ts";
import { expandTo, permuteTo, reshapeTo, sliceDim, viewAsShape } from "./building.ts";
import { fromData } from "./data.ts";
import { root } from "./reducing.ts";

/** Options of {@linkcode cdist}. */
export interface CdistOptions {
  /** Which norm, from 0 to infinity. Default 2. */
  readonly p: number;
  /** When to use a matrix product for p = 2: faster, less accurate for near points. */
  readonly computeMode:
    | "use_mm_for_euclid_dist_if_necessary"
    | "use_mm_for_euclid_dist"
    | "donot_use_mm_for_euclid_dist";
}

/** Rows beyond which the matrix product is used for p = 2, as in PyTorch. */
const DIRECT_ROWS = 25;

/**
 * The distances between rows of two batches of points.
 *
 * Shapes: x1 `[…, P, M]`, x2 `[…, R, M]` → `[…, P, R]`; batches broadcast.
 *
 * @throws {ShapeError} If the points have different sizes.
 * @throws {ValueError} If `p` is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.cdist.html
 */
export function cdist(x1: Tensor, x2: Tensor, ...args: Args<CdistOptions, ["p", "computeMode"]>): Tensor {
  requireTensor("cdist", "x1", x1);
  requireTensor("cdist", "x2", x2);
  const { p = 2, computeMode = "use_mm_for_euclid_dist_if_necessary" } = named<CdistOptions>("cdist", args, [
    "p",
    "computeMode",
  ]);
  if (!(requireNumber("cdist", "p", p) >= 0)) throw new ValueError(`Cannot cdist: p must be >= 0, got ${p}`);
  const [rankA, rankB] = [x1.shape.length, x2.shape.length];
  if (rankA < 2 || rankB < 2 || x1.shape[rankA - 1] !== x2.shape[rankB - 1]) {
    throw new ShapeError(
      `Cannot cdist ${formatType(x1)} and ${
        formatType(x2)
      }: both must have two or more dimensions and points of one size, ` +
        `got ${formatShape(x1.shape)} and ${formatShape(x2.shape)}`,
    );
  }
  const many = x1.shape[rankA - 2]! > DIRECT_ROWS || x2.shape[rankB - 2]! > DIRECT_ROWS;
  const byProduct = p === 2 &&
    (computeMode === "use_mm_for_euclid_dist" ||
      (computeMode === "use_mm_for_euclid_dist_if_necessary" && many));
  return temporaries(() => {
    const formula = () => byProduct ? euclidean(x1, x2) : direct(x1, x2, p);
    if (p !== 1 && p !== 2) return relabel(formula(), LABEL);
    return withGradient(LABEL, [x1, x2], formula, (g, [a, b], needs) => {
      const weights = p === 1 ? g : divided(g, byProduct ? euclidean(a!, b!) : direct(a!, b!, p));
      const pull = byProduct ? pullByProduct : pullDirect;
      return [
        needs[0] ? pull(a!, b!, weights, p) : null,
        needs[1] ? pull(b!, a!, swapped(weights), p) : null,
      ];
    });
  });
}

/** What PyTorch calls the step. */
const LABEL = "CdistBackward0";

/** Rows and columns exchanged. */
function swapped(x: Tensor): Tensor {
  const rank = x.shape.length;
  return permuteTo(x, x.shape.map((_, d) => d < rank - 2 ? d : 2 * rank - 3 - d));
}

function number(x: Tensor, value: number): Tensor {
  return constant(value, x.dtype, x.backend);
}

/** √(|a|² − 2 a·b + |b|²), without its infinite slope at 0: one product of rows (−2 a, |a|², 1) with columns (b, 1, |b|²). */
function euclidean(x1: Tensor, x2: Tensor): Tensor {
  const ones = (x: Tensor) => expandTo("cdist", number(x, 1), [...x.shape.slice(0, -1), 1]);
  const squares = (x: Tensor) =>
    bind("sum", [bind("mul", [x, x], null)], { dims: [x.shape.length - 1], keepdim: true });
  const rows = bind("concat", [bind("mul", [x1, number(x1, -2)], null), squares(x1), ones(x1)], {
    dim: x1.shape.length - 1,
  });
  const columns = bind("concat", [x2, ones(x2), squares(x2)], { dim: x2.shape.length - 1 });
  const squared = bind("relu", [bind("matmul", [rows, swapped(columns)], null)], null);
  return runsAtOnce(x1, x2) ? bindOver("sqrt", [squared], null) : root(squared);
}

/** `g / distance`, 0 where the distance is 0. */
function divided(g: Tensor, distance: Tensor): Tensor {
  const zero = bind("eq", [distance, number(g, 0)], null);
  const safe = bind("where", [zero, number(g, 1), distance], null);
  return bind("where", [zero, number(g, 0), bind("div", [g, safe], null)], null);
}

/** Σⱼ wᵢⱼ (aᵢ − bⱼ) = (Σⱼ wᵢⱼ) aᵢ − Σⱼ wᵢⱼ bⱼ. */
function pullByProduct(a: Tensor, b: Tensor, weights: Tensor): Tensor {
  const total = bind("sum", [weights], { dims: [weights.shape.length - 1], keepdim: true });
  return bind("sub", [bind("mul", [total, a], null), bind("matmul", [weights, b], null)], null);
}

/** Elements of differences that are made together where steps run at once: so few that they stay in a cache. */
const BLOCK = 2 ** 18;

/** Whether steps on these run at once and are not recorded, so that their results may be written over. */
function runsAtOnce(...inputs: readonly Tensor[]): boolean {
  return transforms.active === null && inputs[0]!.backend.fusion === undefined &&
    !(gradMode.enabled && needsGrad(inputs));
}

/** Parts of the rows of `a` whose differences from all `columns` rows of M elements are one block. */
function blocksOf(a: Tensor, columns: number): [start: number, stop: number][] {
  const rank = a.shape.length;
  const [rows, width] = [a.shape[rank - 2]!, a.shape[rank - 1]!];
  const each = numelOf(a.shape.slice(0, -2)) * columns * width;
  const step = Math.max(1, Math.floor(BLOCK / Math.max(each, 1)));
  const blocks: [number, number][] = [];
  for (let start = 0; start < rows; start += step) blocks.push([start, Math.min(rows, start + step)]);
  return blocks;
}

/** Points to take differences from: `[…, R, M]`, or `[…, M, R]` in memory where that makes the longer rows. */
interface Columns {
  readonly points: Tensor;
  readonly isTurned: boolean;
}

/** The points `b` for {@linkcode differences}. */
function columnsOf(b: Tensor, isBlock: boolean): Columns {
  const [count, width] = b.shape.slice(-2) as [number, number];
  const isTurned = isBlock && count > width;
  return { points: isTurned ? bind("copy", [swapped(b)], null) : b, isTurned };
}

/** aᵢ − bⱼ, `[…, P, R, M]`, or `[…, P, M, R]` where the columns are turned. */
function differences(a: Tensor, { points, isTurned }: Columns): Tensor {
  const width = a.shape[a.shape.length - 1]!;
  const rows = viewAsShape(a, [...a.shape.slice(0, -1), ...(isTurned ? [width, 1] : [1, width])]);
  const columns = viewAsShape(points, [...points.shape.slice(0, -2), 1, ...points.shape.slice(-2)]);
  return bind("sub", [rows, columns], null);
}

/** Lengths of all differences of rows. */
function direct(x1: Tensor, x2: Tensor, p: number): Tensor {
  const [rank, count] = [x1.shape.length, x2.shape[x2.shape.length - 2]!];
  const blocks = runsAtOnce(x1, x2) ? blocksOf(x1, count) : [];
  const columns = columnsOf(x2, blocks.length > 1);
  if (blocks.length < 2) return lengths(differences(x1, columns), p);
  const parts = blocks.map(([start, stop]) => within(sliceDim(x1, rank - 2, start, stop), columns, p));
  return bind("concat", parts, { dim: parts[0]!.shape.length - 2 });
}

/** Lengths of the differences of one block. */
function within(a: Tensor, columns: Columns, p: number): Tensor {
  return temporaries(() => lengths(differences(a, columns), p, columns.isTurned ? 2 : 1, bindOver));
}

/** Σⱼ wᵢⱼ f(aᵢ − bⱼ), where f is the sign for p = 1 and nothing for p = 2. */
function pullDirect(a: Tensor, b: Tensor, weights: Tensor, p: number): Tensor {
  const [rank, count] = [a.shape.length, b.shape[b.shape.length - 2]!];
  const wide = weights.shape.length;
  const blocks = runsAtOnce(a, b, weights) ? blocksOf(a, count) : [];
  const columns = columnsOf(b, blocks.length > 1);
  const part = (from: Tensor, w: Tensor, over: typeof bindOver): Tensor => {
    const all = differences(from, columns);
    const slopes = p === 1 ? over("sign", [all], null) : all;
    const leading = w.shape.slice(0, -1);
    const sum = columns.isTurned
      ? bind("matmul", [slopes, viewAsShape(w, [...leading, count, 1])], null)
      : bind("matmul", [viewAsShape(w, [...leading, 1, count]), slopes], null);
    return viewAsShape(sum, [...sum.shape.slice(0, -2), numelOf(sum.shape.slice(-2))]);
  };
  const dense = bind("copy", [weights], null);
  if (blocks.length < 2) return part(a, dense, bind as typeof bindOver);
  const parts = blocks.map(([start, stop]) =>
    temporaries(() =>
      part(sliceDim(a, rank - 2, start, stop), sliceDim(dense, wide - 2, start, stop), bindOver)
    )
  );
  return bind("concat", parts, { dim: parts[0]!.shape.length - 2 });
}

/** The p-norms of the last dimension, or number `back` from the end, with slope 0 at 0; `over` may write over the differences. */
function lengths(
  difference: Tensor,
  p: number,
  back: number = 1,
  over: typeof bindOver = bind as typeof bindOver,
): Tensor {
  const last = difference.shape.length - back;
  const along = { dims: [last], keepdim: false };
  if (p === 0) {
    // A step function: its gradient is 0, as that of the sign.
    const differs = castTo(bind("ne", [difference, number(difference, 0)], null), difference.dtype);
    const flat = bind("mul", [bind("sign", [difference], null), number(difference, 0)], null);
    return bind("sum", [bind("add", [differs, flat], null)], along);
  }
  if (p === 2) return root(bind("sum", [over("mul", [difference, difference], null)], along), 2);
  const sizes = over("abs", [difference], null);
  if (p === 1) return bind("sum", [sizes], along);
  if (p === Infinity) {
    if (difference.shape[last] === 0) return bind("sum", [sizes], along);
    return bind("amax", [sizes], along);
  }
  return root(bind("sum", [safePower(sizes, p)], along), p);
}

/**
 * The distances between all pairs of rows: those of {@linkcode cdist} above the diagonal, row by row.
 *
 * Shapes: `[N, M]` → `[N (N − 1) / 2]`.
 *
 * @throws {ShapeError} If `x` is no matrix.
 * @throws {ValueError} If `p` is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pdist.html
 */
export function pdist(x: Tensor, p: number | { readonly p?: number } = 2): Tensor {
  requireTensor("pdist", "input", x);
  const order = requireNumber("pdist", "p", typeof p === "object" ? p.p ?? 2 : p);
  if (!(order >= 0)) throw new ValueError(`Cannot pdist: p must be >= 0, got ${order}`);
  if (x.shape.length !== 2) {
    throw new ShapeError(`Cannot pdist ${formatType(x)}: it must be a matrix, got rank ${x.shape.length}`);
  }
  return temporaries(() => {
    const formula = () => pairs(x, order);
    if (order !== 1 && order !== 2) return relabel(formula(), "PdistBackward0");
    return withGradient("PdistBackward0", [x], formula, (g, [a]) => {
      const weights = order === 1 ? g : divided(g, pairs(a!, order));
      // As a matrix: that of i and k above the diagonal, mirrored.
      const n = a!.shape[0]!;
      const places = fromData(pairPlaces(n, [[0, n]]), [weights.shape[0]!], int32, a!.device);
      const zeros = expandTo("pdist", number(g, 0), [n * Math.max(n - 1, 0)]);
      const upper = bind("indexReduce", [zeros, places, weights], { dim: 0, reduce: "set" });
      const matrix = bind("pad", [reshapeTo(upper, [n, Math.max(n - 1, 0)])], {
        low: [0, 1],
        high: [0, 0],
        value: 0,
      });
      return [pullDirect(a!, a!, bind("add", [matrix, swapped(matrix)], null), order)];
    });
  });
}

/**
 * Places of the pairs i < k, row by row, among the differences of blocks of rows from all rows behind the first of the
 * block.
 */
function pairPlaces(n: number, blocks: readonly (readonly [start: number, stop: number])[]): Int32Array {
  const places = new Int32Array(n * (n - 1) / 2);
  let [at, base] = [0, 0];
  for (const [start, stop] of blocks) {
    const width = n - 1 - start;
    for (let i = start; i < stop; i++, base += width) {
      for (let k = i + 1; k < n; k++) places[at++] = base + k - 1 - start;
    }
  }
  return places;
}

/** The lengths of the differences of all pairs of rows. */
function pairs(x: Tensor, p: number): Tensor {
  const n = x.shape[0]!;
  const blocks: readonly (readonly [number, number])[] = runsAtOnce(x) && n > 1 ? blocksOf(x, n) : [[0, n]];
  const columns = columnsOf(x, blocks.length > 1);
  const along = columns.isTurned ? 1 : 0;
  const parts = blocks.map(([start, stop]) => {
    const rows = sliceDim(x, 0, start, stop);
    const points = sliceDim(columns.points, along, Math.min(start + 1, n), n);
    const others = { ...columns, points };
    const made = blocks.length > 1 ? within(rows, others, p) : lengths(differences(rows, others), p);
    return reshapeTo(made, [numelOf(made.shape)]);
  });
  const all = parts.length === 1 ? parts[0]! : bind("concat", parts, { dim: 0 });
  const index = pairPlaces(n, blocks);
  return bind("indexSelect", [all, fromData(index, [index.length], int32, x.device)], { dim: 0 });
}

/** xᵖ of numbers >= 0, with slope 0 at 0. */
function safePower(x: Tensor, p: number): Tensor {
  const zero = bind("eq", [x, number(x, 0)], null);
  const inside = bind("where", [zero, number(x, 1), x], null);
  return bind("where", [zero, number(x, 0), bind("pow", [inside, number(x, p)], null)], null);
}
