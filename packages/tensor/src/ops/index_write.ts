/**
 * Writing whole parts along one dimension: `indexAdd`, `indexCopy`, `indexFill`, `indexReduce`.
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
  shapesEqual,
  uint8,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindInto, replaceValue } from "../bind.ts";
import { castTo, constant, isScalar, requireNumber, requireTensor, type Scalar } from "../coerce.ts";
import { relabel, relabelInto } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { checkBounds, indexTensor } from "./bounds.ts";
import { expandTo, owned, toRank1, viewAsShape } from "./building.ts";
import { averaged, neutral, type ReduceName, requireReduce, truthReduce } from "./reduce_names.ts";
import type { IncludeSelfOptions } from "./scatter.ts";

/** The checked operands of a write; scalars as one element of rank 1. */
interface Write {
  readonly dim: number;
  readonly index: Tensor;
  readonly source: Tensor;
}

function requireVector(op: string, x: Tensor, dim: number, index: Tensor): number {
  requireTensor(op, "input", x);
  requireTensor(op, "index", index);
  const d = normalizeDim(op, dim, x.shape.length);
  if (index.shape.length > 1) {
    throw new ShapeError(
      `Cannot ${op} into ${formatType(x)} by ${
        formatType(index)
      }: index must be a vector or a scalar, got rank ${index.shape.length}`,
    );
  }
  checkBounds(op, x, index, d, x.shape[d] ?? 1);
  return d;
}

function prepare(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor): Write {
  const d = requireVector(op, x, dim, index);
  requireTensor(op, "source", source);
  if (source.dtype !== x.dtype) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(source)} into ${
        formatType(x)
      }: dtypes must match, got ${source.dtype.name} and ${x.dtype.name}`,
    );
  }
  const count = numelOf(index.shape);
  const shape = x.shape.length === 0 ? [count] : x.shape.map((size, i) => i === d ? count : size);
  // A part without the dimension of size 1 stands for itself: scalars into vectors.
  const given = source.shape.length === 0 ? [1] : source.shape;
  if (!shapesEqual(given, shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(source)} into ${formatType(x)}: source must have shape ${
        formatShape(shape)
      }, got ` +
        formatShape(source.shape),
    );
  }
  return { dim: d, index: toRank1(indexTensor(op, index)), source: toRank1(source) };
}

function written(x: Tensor, { dim, index, source }: Write, reduce: ScatterReduce, name: string): Tensor {
  if (x.dtype === bool && reduce !== "set") {
    const numbers = { dim, index, source: castTo(source, uint8) };
    return castTo(written(castTo(x, uint8), numbers, truthReduce(reduce), name), bool);
  }
  const y = bind("indexReduce", [toRank1(x), index, source], { dim, reduce });
  return x.shape.length === 0 ? owned(viewAsShape(y, [], name)) : relabel(y, name);
}

function writtenInto(op: string, x: Tensor, write: Write, reduce: ScatterReduce, name: string): void {
  const { dim, index, source } = write;
  const direct = x.shape.length > 0 && (x.dtype !== bool || reduce === "set");
  if (!direct) replaceValue(op, x, (before) => written(before, write, reduce, name));
  else if (numelOf(index.shape) > 0) {
    bindInto([x], "indexReduce", [x, index, source], { dim, reduce });
    relabelInto(x, name);
  }
}

/** Options of {@linkcode indexAdd}. */
export interface IndexAddOptions {
  /** Factor of `source`. Default 1. */
  readonly alpha?: number;
}

function scaledBy(source: Tensor, options: IndexAddOptions | undefined): Tensor {
  const alpha = requireNumber("indexAdd", "alpha", options?.alpha ?? 1);
  if (alpha === 1 || source.dtype === bool) return source;
  if (source.dtype.kind !== "float" && !Number.isInteger(alpha)) {
    throw new DTypeError(
      `Cannot indexAdd ${formatType(source)}: for integers alpha must be an integer, got ${alpha}`,
    );
  }
  return bind("mul", [source, constant(alpha, source.dtype, source.backend)], null);
}

/**
 * `x` with `alpha · source[…, i, …]` added to part `index[i]` of dimension `dim`; repeated places add up.
 *
 * @throws {ShapeError} If `source` does not have the shape of `x` with the size of `index` at `dim`.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
 */
export function indexAdd(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options?: IndexAddOptions,
): Tensor {
  return temporaries(() => {
    const write = prepare("indexAdd", x, dim, index, source);
    return written(x, { ...write, source: scaledBy(write.source, options) }, "sum", "IndexAddBackward0");
  });
}

/** In-place {@linkcode indexAdd}. */
export function indexAdd_(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options?: IndexAddOptions,
): Tensor {
  temporaries(() => {
    const write = prepare("indexAdd_", x, dim, index, source);
    writtenInto(
      "indexAdd_",
      x,
      { ...write, source: scaledBy(write.source, options) },
      "sum",
      "IndexAddBackward0",
    );
    return null;
  });
  return x;
}

/**
 * `x` with `source[…, i, …]` in place of part `index[i]` of dimension `dim`.
 *
 * @throws {ShapeError} If `source` does not have the shape of `x` with the size of `index` at `dim`.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_copy_.html
 */
export function indexCopy(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  return temporaries(() =>
    written(x, prepare("indexCopy", x, dim, index, source), "set", "IndexCopyBackward0")
  );
}

/** In-place {@linkcode indexCopy}. */
export function indexCopy_(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  temporaries(() => {
    writtenInto("indexCopy_", x, prepare("indexCopy_", x, dim, index, source), "set", "IndexCopyBackward0");
    return null;
  });
  return x;
}

function filling(op: string, x: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Write {
  const d = requireVector(op, x, dim, index);
  if (!isScalar(value) && requireTensor(op, "value", value).shape.length > 0) {
    throw new ShapeError(`Cannot ${op} ${formatType(x)}: value must be a scalar, got ${formatType(value)}`);
  }
  const count = numelOf(index.shape);
  const shape = x.shape.length === 0 ? [count] : x.shape.map((size, i) => i === d ? count : size);
  const one = isScalar(value) ? constant(value, x.dtype, x.backend) : castTo(value, x.dtype);
  return { dim: d, index: toRank1(indexTensor(op, index)), source: expandTo(op, one, shape) };
}

/** The operands of `where` that fill by a tensor: its gradient counts each part once, however often `index` names it. */
function fillingByTensor(op: string, x: Tensor, write: Write, value: Tensor): [Tensor, Tensor, Tensor] {
  const size = x.shape[write.dim] ?? 1;
  const no = expandTo(op, constant(false, bool, x.backend), [size]);
  const yes = expandTo(op, constant(true, bool, x.backend), [numelOf(write.index.shape)]);
  const chosen = bind("indexReduce", [no, write.index, yes], { dim: 0, reduce: "set" });
  const shape = x.shape.map((_, i) => i === write.dim ? size : 1);
  return [owned(viewAsShape(chosen, shape)), castTo(value, x.dtype), x];
}

/**
 * `x` with `value` at the parts `index` of dimension `dim`.
 *
 * @throws {ShapeError} If `value` is a tensor that is no scalar.
 * @throws {IndexError} If an index is out of range.
 */
export function indexFill(x: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Tensor {
  return temporaries(() => {
    const write = filling("indexFill", x, dim, index, value);
    if (isScalar(value)) return written(x, write, "set", "IndexFillBackward0");
    return relabel(bind("where", fillingByTensor("indexFill", x, write, value), null), "IndexFillBackward1");
  });
}

/** In-place {@linkcode indexFill}. */
export function indexFill_(x: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Tensor {
  temporaries(() => {
    const write = filling("indexFill_", x, dim, index, value);
    if (isScalar(value)) writtenInto("indexFill_", x, write, "set", "IndexFillBackward0");
    else {
      bindInto([x], "where", fillingByTensor("indexFill_", x, write, value), null);
      relabelInto(x, "IndexFillBackward1");
    }
    return null;
  });
  return x;
}

/**
 * `x` where all of `source[…, i, …]` that go to one part of dimension `dim` are combined with it: their `prod`, `mean`,
 * `amax` or `amin`.
 *
 * @throws {ShapeError} If `source` does not have the shape of `x` with the size of `index` at `dim`.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_reduce_.html
 */
export function indexReduce(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  reduce: Exclude<ReduceName, "sum">,
  ...args: Args<IncludeSelfOptions, []>
): Tensor {
  const { includeSelf = true } = named<IncludeSelfOptions>("indexReduce", args, [], ["includeSelf"]);
  requireReduce("indexReduce", reduce, ["prod", "mean", "amax", "amin"]);
  return temporaries(() => {
    const write = prepare("indexReduce", x, dim, index, source);
    const name = "IndexReduceBackward0";
    const like = (of: Tensor, one: Tensor) => expandTo("indexReduce", one, of.shape);
    const number = (value: number) => constant(value, x.dtype, x.backend);
    const start = includeSelf
      ? x
      : written(x, { ...write, source: like(write.source, neutral(reduce, x)) }, "set", name);
    if (reduce !== "mean") return written(start, write, reduce, name);
    const ones = { ...write, source: like(write.source, number(1)) };
    const counts = written(like(x, number(includeSelf ? 1 : 0)), ones, "sum", name);
    return relabel(averaged(written(start, write, "sum", name), counts), name);
  });
}

/** In-place {@linkcode indexReduce}. */
export function indexReduce_(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  reduce: Exclude<ReduceName, "sum">,
  ...args: Args<IncludeSelfOptions, []>
): Tensor {
  return replaceValue(
    "indexReduce_",
    x,
    (before) => indexReduce(before, dim, index, source, reduce, ...args),
  );
}
