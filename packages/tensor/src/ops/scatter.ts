/**
 * Writing to places: `scatter`, `scatterAdd`, `scatterReduce`, `put`.
 *
 * @module
 */

import {
  bool,
  DTypeError,
  formatShape,
  formatType,
  normalizeDim,
  numelOf,
  type ScatterReduce,
  ShapeError,
  uint8,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindInto, replaceValue } from "../bind.ts";
import { castTo, constant, isScalar, requireTensor, type Scalar } from "../coerce.ts";
import { relabel, relabelInto } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { expandTo, owned, reshapeTo, toRank1, viewAsShape } from "./building.ts";
import { indexTensor, withinBounds } from "./bounds.ts";
import { flatPlaces, requireIndex } from "./gather.ts";
import { averaged, neutral, type ReduceName, requireReduce, truthReduce } from "./reduce_names.ts";

/** Options of {@linkcode scatter}. */
export interface ScatterOptions {
  /** Combine with what is there, instead of replacing it. */
  readonly reduce?: "add" | "multiply";
}

/** Named operands of {@linkcode scatter}. */
export interface ScatterOperands extends ScatterOptions {
  /** Values to write, one for each index. */
  readonly src?: Tensor;
  /** The number to write. */
  readonly value?: Scalar;
}

/** The operands of a scatter, checked but for the values of the index. */
interface Scatter {
  readonly op: string;
  readonly dim: number;
  readonly index: Tensor;
  readonly source: Tensor;
}

function prepare(op: string, x: Tensor, dim: number, places: Tensor, source: Tensor | Scalar): Scatter {
  requireTensor(op, "input", x);
  const index = indexTensor(op, requireTensor(op, "index", places));
  const d = normalizeDim(op, dim, x.shape.length);
  requireIndex(op, x, d, index);
  if (isScalar(source)) {
    return { op, dim: d, index, source: expandTo(op, constant(source, x.dtype, x.backend), index.shape) };
  }
  requireTensor(op, "src", source);
  if (source.dtype !== x.dtype) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(source)} into ${
        formatType(x)
      }: dtypes must match, got ${source.dtype.name} and ${x.dtype.name}`,
    );
  }
  const sizes = index.shape.length === 0 ? [1] : index.shape;
  const given = source.shape.length === 0 ? [1] : source.shape;
  if (numelOf(sizes) > 0 && (given.length !== sizes.length || sizes.some((size, i) => size > given[i]!))) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(source)} by ${
        formatType(index)
      }: src must have the rank of index and sizes at least ` +
        `${formatShape(sizes)}, got ${formatShape(given)}`,
    );
  }
  return { op, dim: d, index, source };
}

function scattered(x: Tensor, operands: Scatter, reduce: ScatterReduce, name: string): Tensor {
  const { op, dim, index, source } = operands;
  if (x.dtype === bool && reduce !== "set") {
    // Truth values add by or and multiply by and.
    const numbers = { op, dim, index, source: castTo(source, uint8) };
    return castTo(scattered(castTo(x, uint8), numbers, truthReduce(reduce), name), bool);
  }
  if (numelOf(index.shape) === 0) return relabel(bind("copy", [x], null), name);
  const inputs = [toRank1(x), toRank1(index), toRank1(source)] as const;
  const y = withinBounds(
    op,
    x,
    index,
    dim,
    x.shape[dim] ?? 1,
    () => bind("scatter", inputs, { dim, reduce }),
  );
  return x.shape.length > 0 ? relabel(y, name) : owned(viewAsShape(y, [], name));
}

function scatteredInto(
  x: Tensor,
  operands: Scatter,
  reduce: ScatterReduce,
  name: string,
): Tensor {
  const { op, dim, index, source } = operands;
  if (x.shape.length === 0 || (x.dtype === bool && reduce !== "set")) {
    return replaceValue(op, x, (before) => scattered(before, operands, reduce, name));
  }
  if (numelOf(index.shape) > 0) {
    const inputs = [x, toRank1(index), toRank1(source)] as const;
    withinBounds(op, x, index, dim, x.shape[dim]!, () => {
      bindInto([x], "scatter", inputs, { dim, reduce });
      return x;
    });
    relabelInto(x, name);
  }
  return x;
}

const reduceOf = { add: "sum", multiply: "prod" } as const;

function scatterArguments(
  x: Tensor,
  dim: number,
  index: Tensor,
  given: Tensor | Scalar | ScatterOperands,
  options: ScatterOptions | undefined,
): { operands: Scatter; reduce: ScatterReduce; name: string } {
  const byName = !isScalar(given) && given !== null && typeof given === "object" && !("storage" in given);
  const source = byName
    ? (given as ScatterOperands).src ?? (given as ScatterOperands).value!
    : given as Tensor | Scalar;
  const how = options?.reduce ?? (byName ? (given as ScatterOperands).reduce : undefined);
  if (how !== undefined && !(how in reduceOf)) {
    throw new ValueError(`Cannot scatter: reduce must be "add" or "multiply", got ${JSON.stringify(how)}`);
  }
  return {
    operands: prepare("scatter", x, dim, index, source),
    reduce: how === undefined ? "set" : reduceOf[how],
    name: isScalar(source) ? "ScatterBackward1" : "ScatterBackward0",
  };
}

/**
 * `x` with `out[index[i][j]][j] = src[i][j]` for dim 0, `out[i][index[i][j]] = src[i][j]` for dim 1, and so on. `src` may
 * be a number. Where places repeat, the last value stays.
 *
 * @throws {ShapeError} If ranks differ, or `index` is larger than `src`, or than `x` but along `dim`.
 * @throws {IndexError} If an index is out of range.
 * @throws {DTypeError} If `x` and `src` have different dtypes.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html
 */
export function scatter(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | Scalar | ScatterOperands,
  options?: ScatterOptions,
): Tensor {
  return temporaries(() => {
    const { operands, reduce, name } = scatterArguments(x, dim, index, src, options);
    return scattered(x, operands, reduce, name);
  });
}

/** In-place {@linkcode scatter}. */
export function scatter_(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | Scalar | ScatterOperands,
  options?: ScatterOptions,
): Tensor {
  temporaries(() => {
    const { operands, reduce, name } = scatterArguments(x, dim, index, src, options);
    scatteredInto(x, operands, reduce, name);
    return null;
  });
  return x;
}

/**
 * {@linkcode scatter} where values are added to what is there; repeated places add up.
 *
 * @throws {ShapeError} As scatter.
 * @throws {IndexError} If an index is out of range.
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  return temporaries(() =>
    scattered(x, prepare("scatterAdd", x, dim, index, src), "sum", "ScatterAddBackward0")
  );
}

/** In-place {@linkcode scatterAdd}. */
export function scatterAdd_(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  temporaries(() => {
    scatteredInto(x, prepare("scatterAdd_", x, dim, index, src), "sum", "ScatterAddBackward0");
    return null;
  });
  return x;
}

/** Options of {@linkcode scatterReduce}. */
export interface IncludeSelfOptions {
  /** Whether the values of `x` at the places take part. Default true. */
  readonly includeSelf: boolean;
}

/**
 * {@linkcode scatter} where all values of a place are combined: their `sum`, `prod`, `mean`, `amax` or `amin`.
 *
 * @throws {ShapeError} As scatter.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_reduce_.html
 */
export function scatterReduce(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ReduceName,
  ...args: Args<IncludeSelfOptions, []>
): Tensor {
  const { includeSelf = true } = named<IncludeSelfOptions>("scatterReduce", args, [], ["includeSelf"]);
  requireReduce("scatterReduce", reduce, ["sum", "prod", "mean", "amax", "amin"]);
  return temporaries(() => {
    const operands = prepare("scatterReduce", x, dim, index, src);
    const name = "ScatterReduceBackward0";
    const start = includeSelf ? x : scattered(
      x,
      { ...operands, source: expandTo("scatterReduce", neutral(reduce, x), index.shape) },
      "set",
      name,
    );
    if (reduce !== "mean") return scattered(start, operands, reduce, name);
    const like = (of: Tensor, value: number) =>
      expandTo("scatterReduce", constant(value, x.dtype, x.backend), of.shape);
    const ones = { ...operands, source: like(index, 1) };
    const counts = scattered(includeSelf ? like(x, 1) : like(x, 0), ones, "sum", name);
    return relabel(averaged(scattered(start, operands, "sum", name), counts), name);
  });
}

/** In-place {@linkcode scatterReduce}. */
export function scatterReduce_(
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ReduceName,
  ...args: Args<IncludeSelfOptions, []>
): Tensor {
  return replaceValue(
    "scatterReduce_",
    x,
    (before) => scatterReduce(before, dim, index, src, reduce, ...args),
  );
}

/** Options of {@linkcode put}. */
export interface PutOptions {
  /** Add to what is there, instead of replacing it. Default false. */
  readonly accumulate: boolean;
}

/**
 * `x` with `source` at the places `index` of the flattened tensor. Negative places count from the end.
 *
 * @throws {ShapeError} If `index` and `source` do not have as many elements.
 * @throws {IndexError} If a place is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.put_.html
 */
export function put(
  x: Tensor,
  index: Tensor,
  source: Tensor,
  ...args: Args<PutOptions, ["accumulate"]>
): Tensor {
  requireTensor("put", "input", x);
  requireTensor("put", "index", index);
  requireTensor("put", "source", source);
  const { accumulate = false } = named<PutOptions>("put", args, ["accumulate"]);
  if (source.dtype !== x.dtype) {
    throw new DTypeError(
      `Cannot put ${formatType(source)} into ${
        formatType(x)
      }: dtypes must match, got ${source.dtype.name} and ${x.dtype.name}`,
    );
  }
  const count = numelOf(index.shape);
  if (count !== numelOf(source.shape)) {
    throw new ShapeError(
      `Cannot put ${formatType(source)} into ${
        formatType(x)
      }: there must be as many elements as places, got ` +
        `${numelOf(source.shape)} and ${count}`,
    );
  }
  return temporaries(() => {
    const flat = reshapeTo(x, [numelOf(x.shape)]);
    const inputs = [flat, flatPlaces("put", x, index), reshapeTo(source, [count])] as const;
    const y = bind("indexReduce", inputs, { dim: 0, reduce: accumulate ? "sum" : "set" });
    return owned(viewAsShape(y, x.shape, "PutBackward0"));
  });
}

/** In-place {@linkcode put}. */
export function put_(
  x: Tensor,
  index: Tensor,
  source: Tensor,
  ...args: Args<PutOptions, ["accumulate"]>
): Tensor {
  return replaceValue("put_", x, (before) => put(before, index, source, ...args));
}
