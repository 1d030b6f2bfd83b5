/**
 * Rows of a table by index: `embedding`, `embeddingBag`, `oneHot`.
 *
 * @module
 */

import { DTypeError, formatType, int32, numelOf, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindInto, needsGrad } from "../bind.ts";
import { castTo, constant, requireInteger, requireNumber, requireTensor } from "../coerce.ts";
import { gradMode, noGrad } from "../grad_mode.ts";
import { executeOn } from "../immediate.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { checkBounds, indexTensor, indexValues } from "./bounds.ts";
import { expandTo, owned, reshapeTo, viewAsShape } from "./building.ts";
import { detach, fromData, itemSync } from "./data.ts";

/** Options of {@linkcode oneHot}. */
export interface OneHotOptions {
  /** Number of classes; -1 for one more than the largest. Default -1. */
  readonly numClasses: number;
}

/**
 * Each class number as a vector of 0s with a 1 at its place → int32 `[…, numClasses]`.
 *
 * @throws {IndexError} If a class number is negative or too large.
 * @throws {DeviceError} Without `numClasses`, on a device that cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
 */
export function oneHot(x: Tensor, ...args: Args<OneHotOptions, ["numClasses"]>): Tensor {
  requireTensor("oneHot", "input", x);
  const { numClasses = -1 } = named<OneHotOptions>("oneHot", args, ["numClasses"]);
  requireInteger("oneHot", "numClasses", numClasses);
  if (x.dtype.kind !== "int") {
    throw new DTypeError(
      `Cannot oneHot ${formatType(x)}: it must have an integer dtype, got ${x.dtype.name}`,
    );
  }
  if (numelOf(x.shape) === 0 && numClasses <= 0) {
    throw new ValueError(
      `Cannot oneHot ${formatType(x)}: numClasses must be given for no elements, got ${numClasses}`,
    );
  }
  if (numClasses === 0 || numClasses < -1) {
    throw new ValueError(
      `Cannot oneHot ${formatType(x)}: numClasses must be positive, or -1, got ${numClasses}`,
    );
  }
  return temporaries(() => {
    const classes = castTo(x, int32);
    let count = numClasses;
    if (count === -1) {
      const dims = x.shape.map((_, i) => i);
      count = itemSync(bind("amax", [classes], { dims, keepdim: false })) + 1;
    }
    checkBounds("oneHot", x, classes, x.shape.length, count);
    const filled = (shape: Shape, value: number) =>
      executeOn(x.backend, "full", { shape, value, dtype: int32 });
    const index = viewAsShape(classes, [...x.shape, 1]);
    const [zeros, ones] = [filled([...x.shape, count], 0), filled(index.shape, 1)];
    return bind("scatter", [zeros, index, ones], { dim: x.shape.length, reduce: "set" });
  });
}

/** Options of {@linkcode embedding}. */
export interface EmbeddingOptions {
  /** This row gets no gradient; negative numbers count from the end. */
  readonly paddingIdx: number | null;
  /** Rows of a larger norm are first scaled down to it, in the table itself. */
  readonly maxNorm: number | null;
  /** Which norm. Default 2. */
  readonly normType: number;
  /** Divide the gradient of a row by how often it was looked up. Default false. */
  readonly scaleGradByFreq: boolean;
  /** Accepted and ignored: there are no sparse gradients. */
  readonly sparse: boolean;
}

const embeddingNames = ["paddingIdx", "maxNorm", "normType", "scaleGradByFreq", "sparse"] as const;

/** `paddingIdx` counted from the front, or null. */
function paddingRow(op: string, weight: Tensor, paddingIdx: number | null | undefined): number | null {
  if (paddingIdx === null || paddingIdx === undefined) return null;
  const rows = weight.shape[0]!;
  requireInteger(op, "paddingIdx", paddingIdx);
  if (paddingIdx < -rows || paddingIdx >= rows) {
    throw new ValueError(
      `Cannot ${op} ${formatType(weight)}: paddingIdx must be within the table, got ${paddingIdx}`,
    );
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

function requireTable(op: string, input: Tensor, weight: Tensor): void {
  requireTensor(op, "input", input);
  requireTensor(op, "weight", weight);
  if (weight.shape.length !== 2) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(weight)}: weight must be a matrix, got rank ${weight.shape.length}`,
    );
  }
  if (input.dtype.kind !== "int") {
    throw new DTypeError(
      `Cannot ${op} ${formatType(input)}: input must have an integer dtype, got ${input.dtype.name}; ` +
        "make it with { dtype: torch.int32 }, or convert it by x.int()",
    );
  }
  checkBounds(op, weight, input, 0, weight.shape[0]!);
}

/**
 * Rows of `weight` by index.
 *
 * Shapes: input `[…]`, weight `[V, D]` → `[…, D]`.
 *
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
 */
export function embedding(
  input: Tensor,
  weight: Tensor,
  ...args: Args<EmbeddingOptions, ["paddingIdx", "maxNorm", "normType", "scaleGradByFreq", "sparse"]>
): Tensor {
  const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq = false } = named<EmbeddingOptions>(
    "embedding",
    args,
    embeddingNames,
  );
  requireTable("embedding", input, weight);
  const padding = paddingRow("embedding", weight, paddingIdx);
  return temporaries(() => {
    const places = placesIn(input);
    if (maxNorm !== null && maxNorm !== undefined) limitNorms(weight, places, maxNorm, normType);
    const rows = lookUp(weight, places, padding, scaleGradByFreq);
    return owned(viewAsShape(rows, [...input.shape, weight.shape[1]!], "EmbeddingBackward0"));
  });
}

/** Indices as a vector of an index dtype. */
function placesIn(input: Tensor): Tensor {
  return reshapeTo(indexTensor("embedding", input), [numelOf(input.shape)]);
}

/** Rows of `weight`, with the gradient of each scaled as asked. */
function lookUp(weight: Tensor, places: Tensor, padding: number | null, scaleGradByFreq: boolean): Tensor {
  const rows = bind("indexSelect", [weight, places], { dim: 0 });
  if (padding === null && !scaleGradByFreq) return rows;
  if (!gradMode.enabled || !needsGrad([weight])) return rows;
  // y = rows + (s·rows − s·rows) has the value of rows, and s times their gradient where the last product is detached.
  const scaled = bind("mul", [rows, gradientScale(weight, places, padding, scaleGradByFreq)], null);
  return bind("add", [detach(rows), bind("sub", [scaled, detach(scaled)], null)], null);
}

/** Factors of the gradients, `[N, 1]`: 0 for the padding row, 1 / frequency of the others. */
function gradientScale(weight: Tensor, places: Tensor, padding: number | null, byFrequency: boolean): Tensor {
  const { dtype, backend } = weight;
  const number = (value: number) => constant(value, dtype, backend);
  const count = places.shape[0]!;
  let scale = expandTo("embedding", number(1), [count]);
  if (byFrequency) {
    const zeros = expandTo("embedding", number(0), [weight.shape[0]!]);
    const counts = bind("indexReduce", [zeros, places, scale], { dim: 0, reduce: "sum" });
    scale = bind("reciprocal", [bind("indexSelect", [counts, places], { dim: 0 })], null);
  }
  if (padding !== null) {
    const isPadding = bind("eq", [places, constant(padding, places.dtype, backend)], null);
    scale = bind("where", [isPadding, number(0), scale], null);
  }
  return viewAsShape(scale, [count, 1]);
}

/** Scales rows of `weight` with a norm above `maxNorm` down to it, in place and unrecorded. */
function limitNorms(weight: Tensor, places: Tensor, maxNorm: number, normType: number): void {
  requireNumber("embedding", "maxNorm", maxNorm);
  requireNumber("embedding", "normType", normType);
  if (places.shape[0] === 0) return;
  noGrad(() => {
    const number = (value: number) => constant(value, weight.dtype, weight.backend);
    const rows = bind("indexSelect", [weight, places], { dim: 0 });
    const norms = rowNorms(rows, normType);
    const factor = bind("div", [number(maxNorm), bind("add", [norms, number(1e-7)], null)], null);
    const large = bind("gt", [norms, number(maxNorm)], null);
    const limited = bind("mul", [rows, bind("where", [large, factor, number(1)], null)], null);
    bindInto([weight], "indexReduce", [weight, places, limited], { dim: 0, reduce: "set" });
  });
}

/** The norm of each row, `[N, 1]`. */
function rowNorms(rows: Tensor, p: number): Tensor {
  const size = bind("abs", [rows], null);
  const along = { dims: [1], keepdim: true };
  if (p === Infinity) return bind("amax", [size], along);
  const number = (value: number) => constant(value, rows.dtype, rows.backend);
  if (p === 2) return bind("sqrt", [bind("sum", [bind("mul", [rows, rows], null)], along)], null);
  if (p === 1) return bind("sum", [size], along);
  return bind("pow", [bind("sum", [bind("pow", [size, number(p)], null)], along), number(1 / p)], null);
}

/** Options of {@linkcode embeddingBag}. */
export interface EmbeddingBagOptions {
  /** Where each bag begins in a vector of indices. */
  readonly offsets: Tensor | null;
  /** Rows of a larger norm are first scaled down to it, in the table itself. */
  readonly maxNorm: number | null;
  /** Which norm. Default 2. */
  readonly normType: number;
  /** Divide the gradient of a row by how often it was looked up. Default false. */
  readonly scaleGradByFreq: boolean;
  /** What a bag gives of its rows. Default `"mean"`. */
  readonly mode: "sum" | "mean" | "max";
  /** Accepted and ignored: there are no sparse gradients. */
  readonly sparse: boolean;
  /** Factors of the rows, in the shape of `input`; only with `mode: "sum"`. */
  readonly perSampleWeights: Tensor | null;
  /** The last offset is the end of the last bag. Default false. */
  readonly includeLastOffset: boolean;
  /** This row is left out of the bags. */
  readonly paddingIdx: number | null;
}

/** Positional options of {@linkcode embeddingBag}. */
export type EmbeddingBagArgs = Args<
  EmbeddingBagOptions,
  [
    "offsets",
    "maxNorm",
    "normType",
    "scaleGradByFreq",
    "mode",
    "sparse",
    "perSampleWeights",
    "includeLastOffset",
    "paddingIdx",
  ]
>;

const bagNames = [
  "offsets",
  "maxNorm",
  "normType",
  "scaleGradByFreq",
  "mode",
  "sparse",
  "perSampleWeights",
  "includeLastOffset",
  "paddingIdx",
] as const;

/**
 * The sum, mean or maximum of the rows of each bag of indices; 0 for an empty bag.
 *
 * Shapes: input `[B, N]`, or `[M]` with offsets `[B]`; weight `[V, D]` → `[B, D]`.
 *
 * @throws {IndexError} If an index is out of range.
 * @throws {ValueError} If offsets are missing, superfluous or do not ascend from 0, or weights go with another mode than sum.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
 */
export function embeddingBag(
  input: Tensor,
  weight: Tensor,
  ...args: EmbeddingBagArgs
): Tensor {
  const options = named<EmbeddingBagOptions>("embeddingBag", args, bagNames);
  const { maxNorm, normType = 2, scaleGradByFreq = false, mode = "mean", perSampleWeights = null } = options;
  requireTable("embeddingBag", input, weight);
  if (!["sum", "mean", "max"].includes(mode)) {
    throw new ValueError(`Cannot embeddingBag: mode must be sum, mean or max, got ${JSON.stringify(mode)}`);
  }
  if (perSampleWeights !== null && mode !== "sum") {
    throw new ValueError(`Cannot embeddingBag: perSampleWeights go with mode sum, got ${mode}`);
  }
  if (perSampleWeights !== null && String(perSampleWeights.shape) !== String(input.shape)) {
    throw new ShapeError(
      `Cannot embeddingBag ${formatType(input)}: perSampleWeights must have its shape, got ${
        formatType(perSampleWeights)
      }`,
    );
  }
  const padding = paddingRow("embeddingBag", weight, options.paddingIdx);
  return temporaries(() => {
    const places = placesIn(input);
    if (maxNorm !== null && maxNorm !== undefined) limitNorms(weight, places, maxNorm, normType);
    let rows = lookUp(weight, places, null, scaleGradByFreq);
    const count = places.shape[0]!;
    const weights = perSampleWeights === null ? null : castTo(perSampleWeights, weight.dtype);
    if (input.shape.length === 2 && !options.offsets && padding === null && count > 0) {
      return relabel(evenBags(rows, input.shape, mode, weights), "EmbeddingBagBackward0");
    }
    if (weights !== null) rows = bind("mul", [rows, reshapeTo(weights, [count, 1])], null);
    const { bags, bagOf } = bagsOf(input, options);
    const kept = padding === null
      ? null
      : viewAsShape(bind("ne", [places, constant(padding, places.dtype, weight.backend)], null), [count, 1]);
    const y = mode === "max"
      ? bagMaxima(rows, bags, bagOf, kept)
      : bagSums(rows, bags, bagOf, kept, mode === "mean");
    return relabel(y, "EmbeddingBagBackward0");
  });
}

/** What bags of one size, none of them empty, give of their rows. */
function evenBags(
  rows: Tensor,
  [bags, size]: Shape,
  mode: EmbeddingBagOptions["mode"],
  weights: Tensor | null,
): Tensor {
  const width = rows.shape[1]!;
  const each = viewAsShape(rows, [bags!, size!, width]);
  if (weights !== null) {
    const factors = reshapeTo(weights, [bags!, 1, size!]);
    return owned(reshapeTo(bind("matmul", [factors, each], null), [bags!, width]));
  }
  const along = { dims: [1], keepdim: false };
  if (mode === "max") return bind("amax", [each], along);
  const sums = bind("sum", [each], along);
  return mode === "sum" ? sums : bind("div", [sums, constant(size!, rows.dtype, rows.backend)], null);
}

/** The number of bags, and the bag of each index as an int32 vector. */
function bagsOf(input: Tensor, options: Partial<EmbeddingBagOptions>): { bags: number; bagOf: Tensor } {
  const { offsets = null, includeLastOffset = false } = options;
  const iota = (size: number) => executeOn(input.backend, "iota", { start: 0, step: 1, size, dtype: int32 });
  const wrong = (must: string, got: string) =>
    new ValueError(`Cannot embeddingBag ${formatType(input)}: ${must}, got ${got}`);
  if (input.shape.length === 2) {
    if (offsets !== null) throw wrong("offsets go with a vector only", formatType(offsets));
    const [bags, size] = input.shape as readonly [number, number];
    const each = expandTo("embeddingBag", viewAsShape(iota(bags), [bags, 1]), [bags, size]);
    return { bags, bagOf: reshapeTo(each, [bags * size]) };
  }
  if (input.shape.length !== 1) throw wrong("input must have rank 1 or 2", `rank ${input.shape.length}`);
  if (offsets === null) throw wrong("offsets must be given for a vector", "nothing");
  if (offsets.shape.length !== 1) throw wrong("offsets must be a vector", formatType(offsets));
  const values = indexValues(offsets);
  const count = input.shape[0]!;
  if (values !== null && values.length > 0) {
    if (values[0] !== 0) throw wrong("offsets must begin with 0", `${values[0]}`);
    if (values.some((value, i) => value > count || (i > 0 && value < values[i - 1]!))) {
      throw wrong(`offsets must ascend, up to ${count}`, `[${values.join(", ")}]`);
    }
  }
  const bags = offsets.shape[0]! - (includeLastOffset ? 1 : 0);
  if (bags < 0) throw wrong("with includeLastOffset there must be an offset", "none");
  if (values !== null && bags > 0) {
    const bagOf = new Int32Array(count);
    for (let bag = 1; bag < bags; bag++) {
      bagOf.fill(bag, values[bag], bag + 1 < bags ? values[bag + 1] : count);
    }
    return { bags, bagOf: fromData(bagOf, [count], int32, input.device) };
  }
  const starts = bind("slice", [castTo(offsets, int32)], { starts: [0], stops: [bags], steps: [1] });
  // The bag of place i is the last one that begins at or before i.
  const after = bind("searchsorted", [starts, iota(count)], { right: true });
  return { bags, bagOf: bind("sub", [after, constant(1, int32, input.backend)], null) };
}

function bagSums(rows: Tensor, bags: number, bagOf: Tensor, kept: Tensor | null, mean: boolean): Tensor {
  const number = (value: number) => constant(value, rows.dtype, rows.backend);
  const shown = kept === null ? rows : bind("where", [kept, rows, number(0)], null);
  const into = (width: number): Tensor => expandTo("embeddingBag", number(0), [bags, width]);
  const sums = bind("indexReduce", [into(rows.shape[1]!), bagOf, shown], { dim: 0, reduce: "sum" });
  if (!mean) return sums;
  const shape: Shape = [rows.shape[0]!, 1];
  const ones = kept === null ? expandTo("embeddingBag", number(1), shape) : castTo(kept, rows.dtype);
  const counts = bind("indexReduce", [into(1), bagOf, ones], { dim: 0, reduce: "sum" });
  return bind("div", [sums, bind("maximum", [counts, number(1)], null)], null);
}

function bagMaxima(rows: Tensor, bags: number, bagOf: Tensor, kept: Tensor | null): Tensor {
  const number = (value: number) => constant(value, rows.dtype, rows.backend);
  const shown = kept === null ? rows : bind("where", [kept, rows, number(-Infinity)], null);
  const start = expandTo("embeddingBag", number(-Infinity), [bags, rows.shape[1]!]);
  const maxima = bind("indexReduce", [start, bagOf, shown], { dim: 0, reduce: "amax" });
  const empty = bind("eq", [maxima, number(-Infinity)], null);
  return bind("where", [empty, number(0), maxima], null);
}
