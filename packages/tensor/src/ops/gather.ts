/**
 * Elements by their places: `gather`, `indexSelect`, `take`, `takeAlongDim`.
 *
 * @module
 */

import {
  broadcastShapes,
  formatShape,
  formatType,
  int32,
  int64,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
} from "@flambeau/core";
import { bind } from "../bind.ts";
import { constant, requireTensor } from "../coerce.ts";
import { makeEmpty } from "../handle.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead } from "../transform.ts";
import { indexTensor, withinBounds, wrapBounds } from "./bounds.ts";
import { expandTo, owned, reshapeTo, toRank1, viewAsShape } from "./building.ts";
import { fromData } from "./data.ts";

/**
 * Checks the shape of an index of `gather` or `scatter` against the tensor it indexes. Scalars count as one element of
 * rank 1.
 *
 * @throws {ShapeError} If ranks differ, or the index is larger than `x` but along `dim`.
 */
export function requireIndex(op: string, x: Tensor, dim: number, index: Tensor): void {
  if (numelOf(index.shape) === 0) return;
  const shape: Shape = x.shape.length === 0 ? [1] : x.shape;
  const sizes: Shape = index.shape.length === 0 ? [1] : index.shape;
  if (sizes.length !== shape.length || sizes.some((size, d) => d !== dim && size > shape[d]!)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)} by ${
        formatType(index)
      }: index must have rank ${shape.length} and sizes at most ` +
        `${formatShape(shape)} but at dimension ${dim}, got ${formatShape(sizes)}`,
    );
  }
}

/** Options of {@linkcode gather}. */
export interface GatherOptions {
  /** Accepted and ignored: there are no sparse gradients. */
  readonly sparseGrad?: boolean;
}

/**
 * `out[i][j] = x[index[i][j]][j]` for dim 0, `x[i][index[i][j]]` for dim 1, and so on; the shape of `index`.
 *
 * @throws {ShapeError} If ranks differ, or `index` is larger than `x` but along `dim`.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.gather.html
 */
export function gather(x: Tensor, dim: number, index: Tensor, _options?: GatherOptions): Tensor {
  requireTensor("gather", "input", x);
  requireTensor("gather", "index", index);
  if (index.dtype !== int32 && index.dtype !== int64) {
    return temporaries(() => gather(x, dim, indexTensor("gather", index)));
  }
  const d = normalizeDim("gather", dim, x.shape.length);
  requireIndex("gather", x, d, index);
  if (numelOf(index.shape) === 0 && index.shape.length !== x.shape.length) {
    return makeEmpty(x.backend, index.shape, x.dtype);
  }
  if (x.shape.length > 0 && index.shape.length > 0) {
    return temporaries(() =>
      relabel(
        withinBounds("gather", x, index, d, x.shape[d]!, () => bind("gather", [x, index], { dim: d })),
        "GatherBackward0",
      )
    );
  }
  return temporaries(() => {
    const lines = [toRank1(x), toRank1(index)] as const;
    const y = withinBounds("gather", x, index, 0, x.shape[0] ?? 1, () => bind("gather", lines, { dim: 0 }));
    return owned(viewAsShape(y, index.shape, "GatherBackward0"));
  });
}

/**
 * The parts of `x` at the places `index` of dimension `dim`, in that order.
 *
 * Shapes: `index` `[N]` or a scalar → `x.shape` with N at `dim`.
 *
 * @throws {ShapeError} If `index` has rank 2 or more.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.index_select.html
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  requireTensor("indexSelect", "input", x);
  requireTensor("indexSelect", "index", index);
  const d = normalizeDim("indexSelect", dim, x.shape.length);
  if (index.shape.length > 1) {
    throw new ShapeError(
      `Cannot indexSelect from ${formatType(x)} by ${
        formatType(index)
      }: index must be a vector, got rank ${index.shape.length}`,
    );
  }
  return temporaries(() => {
    const places = toRank1(indexTensor("indexSelect", index));
    const list = toRank1(x);
    const y = withinBounds(
      "indexSelect",
      x,
      places,
      d,
      list.shape[d]!,
      () => bind("indexSelect", [list, places], { dim: d }),
    );
    if (x.shape.length > 0) return relabel(y, "IndexSelectBackward0");
    if (numelOf(index.shape) !== 1) {
      throw new ShapeError(
        `Cannot indexSelect from ${formatType(x)}: a scalar has one element, got ${formatType(index)}`,
      );
    }
    return owned(viewAsShape(y, [], "IndexSelectBackward0"));
  });
}

/** `index` with `size` added where it is negative. */
function turned(index: Tensor, size: number): Tensor {
  const number = (value: number) => constant(value, index.dtype, index.backend);
  const negative = bind("lt", [index, number(0)], null);
  return bind("where", [negative, bind("add", [index, number(size)], null), index], null);
}

/** `index` flattened, with places that count from the end turned around. */
export function flatPlaces(op: string, x: Tensor, index: Tensor): Tensor {
  const places = indexTensor(op, index);
  const wrapped = wrapBounds(op, x, places, 0, numelOf(x.shape));
  const count = [numelOf(index.shape)];
  if (wrapped !== null) return fromData(Int32Array.from(wrapped), count, int32, index.device);
  const list = reshapeTo(places, count);
  return canRead(index) ? list : turned(list, numelOf(x.shape));
}

/**
 * Elements of the flattened `x` at the places `index`; the shape of `index`. Negative places count from the end.
 *
 * @throws {IndexError} If a place is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.take.html
 */
export function take(x: Tensor, index: Tensor): Tensor {
  requireTensor("take", "input", x);
  requireTensor("take", "index", index);
  return temporaries(() => {
    const flat = reshapeTo(x, [numelOf(x.shape)]);
    const y = bind("indexSelect", [flat, flatPlaces("take", x, index)], { dim: 0 });
    return owned(viewAsShape(y, index.shape, "TakeBackward0"));
  });
}

/**
 * {@linkcode gather} with `x` and `indices` broadcast against one another but along `dim`; without `dim` both are
 * flattened.
 *
 * @throws {ShapeError} If they do not broadcast.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.take_along_dim.html
 */
export function takeAlongDim(
  x: Tensor,
  indices: Tensor,
  dim?: number | null | { readonly dim?: number | null },
): Tensor {
  requireTensor("takeAlongDim", "input", x);
  requireTensor("takeAlongDim", "indices", indices);
  const along = typeof dim === "object" && dim !== null ? dim.dim : dim;
  return temporaries(() => {
    if (along === undefined || along === null) {
      return gather(reshapeTo(x, [numelOf(x.shape)]), 0, reshapeTo(indices, [numelOf(indices.shape)]));
    }
    if (x.shape.length !== indices.shape.length) {
      throw new ShapeError(
        `Cannot takeAlongDim ${formatType(x)} by ${
          formatType(indices)
        }: ranks must match, got ${x.shape.length} and ` +
          `${indices.shape.length}`,
      );
    }
    const d = normalizeDim("takeAlongDim", along, x.shape.length);
    const others = broadcastShapes(
      "takeAlongDim",
      x.shape.map((size, i) => i === d ? 1 : size),
      indices.shape.map((size, i) => i === d ? 1 : size),
    );
    const shaped = (y: Tensor) =>
      expandTo("takeAlongDim", y, others.map((size, i) => i === d ? y.shape[i]! : size));
    return gather(shaped(x), d, shaped(indices));
  });
}
