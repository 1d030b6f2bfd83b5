/**
 * Sorting, and searching in what is sorted. NaN is larger than every number. Places are int32.
 *
 * @module
 */

import { formatType, IndexError, normalizeDim, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import {
  castTo,
  commonDType,
  constant,
  isScalar,
  requireInteger,
  requireTensor,
  type Scalar,
} from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { relabel } from "../label.ts";
import { type ValuesIndices, valuesIndices } from "../named_tuple.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { owned, reshapeTo } from "./building.ts";
import { asInput, lineOf, orderable } from "./reducing.ts";

/** Options of {@linkcode sort}. */
export interface SortOptions {
  /** The dimension. Default -1. */
  readonly dim?: number;
  /** Whether the largest comes first. Default false. */
  readonly descending?: boolean;
  /** Equal values keep their order; they always do. */
  readonly stable?: boolean;
}

/**
 * Values along `dim` in order, and the places where they were.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sort.html
 */
export function sort(x: Tensor, ...args: Args<SortOptions, ["dim", "descending", "stable"]>): ValuesIndices {
  requireTensor("sort", "input", x);
  const { dim = -1, descending = false } = named<SortOptions>("sort", args, ["dim", "descending", "stable"]);
  return temporaries(() => {
    const { line, dim: at } = lineOf("sort", x, dim);
    const [values, indices] = bind("sort", [line], { dim: at, descending });
    return valuesIndices(asInput(x, relabel(values, "SortBackward0")), asInput(x, indices));
  });
}

/**
 * The places that sort `x` along `dim`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.argsort.html
 */
export function argsort(x: Tensor, ...args: Args<SortOptions, ["dim", "descending", "stable"]>): Tensor {
  requireTensor("argsort", "input", x);
  const options = named<SortOptions>("argsort", args, ["dim", "descending", "stable"]);
  return temporaries(() => noGrad(() => sort(x, options)[1]));
}

/**
 * Values in order along the first dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.msort.html
 */
export function msort(x: Tensor): Tensor {
  return temporaries(() => sort(x, 0)[0]);
}

/** Options of {@linkcode topk}. */
export interface TopkOptions {
  /** The dimension. Default -1. */
  readonly dim?: number;
  /** The largest ones, else the smallest. Default true. */
  readonly largest?: boolean;
  /** The results are in order; they always are. */
  readonly sorted?: boolean;
}

/**
 * The `k` largest or smallest values along `dim` in order, and their places.
 *
 * @throws {IndexError} If `k` is negative or larger than the dimension.
 * @see https://pytorch.org/docs/stable/generated/torch.topk.html
 */
export function topk(
  x: Tensor,
  k: number,
  ...args: Args<TopkOptions, ["dim", "largest", "sorted"]>
): ValuesIndices {
  requireTensor("topk", "input", x);
  const { dim = -1, largest = true } = named<TopkOptions>("topk", args, ["dim", "largest", "sorted"]);
  requireInteger("topk", "k", k);
  return temporaries(() => {
    const { line, dim: at } = lineOf("topk", x, dim);
    if (k < 0 || k > line.shape[at]!) {
      throw new IndexError(
        `Cannot topk ${
          formatType(x)
        } along dimension ${dim}: selected index k out of range, it must be from 0 to ${
          line.shape[at]
        }, got ${k}`,
      );
    }
    const [values, indices] = bind("topk", [line], { dim: at, k, largest });
    relabel(values, "TopkBackward0");
    if (x.shape.length > 0 || k === 0) return valuesIndices(values, indices);
    return valuesIndices(asInput(x, values), asInput(x, indices));
  });
}

/** Options of {@linkcode bucketize}. */
export interface BucketizeOptions {
  /** Results are int32 in any case. */
  readonly outInt32?: boolean;
  /** Whether a boundary belongs to the bucket above it. Default false. */
  readonly right?: boolean;
}

/** Options of {@linkcode searchsorted}. */
export interface SearchsortedOptions extends BucketizeOptions {
  /** `"right"` is `right: true`, `"left"` its opposite. */
  readonly side?: "left" | "right" | null;
  /** Places that sort the sequence, if it is not sorted. */
  readonly sorter?: Tensor | null;
}

/**
 * The first places in a sorted last dimension where values fit: before equal elements, or after them with `right` → int32.
 *
 * Shapes: sorted `[n]`, values any; or sorted `[…, n]`, values `[…, k]` → that of values.
 *
 * @throws {ShapeError} If the leading sizes differ.
 * @see https://pytorch.org/docs/stable/generated/torch.searchsorted.html
 */
export function searchsorted(
  sortedSequence: Tensor,
  values: Tensor | Scalar,
  options: SearchsortedOptions = {},
): Tensor {
  requireTensor("searchsorted", "sortedSequence", sortedSequence);
  const { side = null, sorter = null } = options;
  if (side !== null && side !== "left" && side !== "right") {
    throw new ValueError(`Cannot searchsorted: side must be "left" or "right", got ${JSON.stringify(side)}`);
  }
  if (side === "left" && options.right === true) {
    throw new ValueError("Cannot searchsorted: side and right must agree, got left and right");
  }
  const right = side === null ? options.right === true : side === "right";
  return temporaries(() =>
    noGrad(() => {
      if (sorter === null) return place("searchsorted", sortedSequence, values, right);
      const dim = normalizeDim("searchsorted", -1, sortedSequence.shape.length);
      const ordered = bind("gather", [sortedSequence, requireTensor("searchsorted", "sorter", sorter)], {
        dim,
      });
      return place("searchsorted", ordered, values, right);
    })
  );
}

function place(op: string, sorted: Tensor, values: Tensor | Scalar, right: boolean): Tensor {
  if (sorted.shape.length === 0) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(sorted)}: boundaries must have rank 1 or more, got rank 0`,
    );
  }
  const dtype = commonDType(sorted, values);
  const list = orderable(castTo(sorted, dtype));
  const wanted = isScalar(values)
    ? constant(values, list.dtype, list.backend)
    : orderable(castTo(requireTensor(op, "input", values), dtype));
  if (wanted.shape.length > 0) return bind("searchsorted", [list, wanted], { right });
  const one = bind("searchsorted", [list, bind("view", [wanted], { shape: [1] })], { right });
  return owned(reshapeTo(one, []));
}

/**
 * The number of the bucket of each value: bucket `i` lies above boundary `i − 1` up to boundary `i`, which belongs to it, or
 * with `right` to the next one → int32.
 *
 * @param boundaries Ascending, `[n]`.
 * @see https://pytorch.org/docs/stable/generated/torch.bucketize.html
 */
export function bucketize(
  input: Tensor | Scalar,
  boundaries: Tensor,
  options: BucketizeOptions = {},
): Tensor {
  requireTensor("bucketize", "boundaries", boundaries);
  if (boundaries.shape.length !== 1) {
    throw new ShapeError(
      `Cannot bucketize by ${
        formatType(boundaries)
      }: boundaries must have rank 1, got rank ${boundaries.shape.length}`,
    );
  }
  return temporaries(() => noGrad(() => place("bucketize", boundaries, input, options.right === true)));
}
