/**
 * Products beyond matrices: `tensordot`, `kron`, `cross`, `trace`, `multiDot`.
 *
 * @module
 */

import {
  broadcastShapes,
  formatShape,
  formatType,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { bind } from "../bind.ts";
import { accumulationDType, castTo, commonDType, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { expandTo, owned, permuteTo, reshapeTo, sliceDim, tensorsOf, viewAsShape } from "./building.ts";
import { matmul } from "./matmul.ts";

/** How {@linkcode tensordot} pairs dimensions: the last and first `n`, or two lists. */
export type DotDims = number | readonly [a: Shape, b: Shape];

/**
 * Sums of products over pairs of dimensions; the others of `a` stand before those of `b`.
 *
 * @param dims How many of the last dimensions of `a` go with the first of `b`, or which with which. Default 2.
 * @throws {ShapeError} If paired sizes differ.
 * @see https://pytorch.org/docs/stable/generated/torch.tensordot.html
 */
export function tensordot(a: Tensor, b: Tensor, dims: DotDims | { readonly dims?: DotDims } = 2): Tensor {
  requireTensor("tensordot", "a", a);
  requireTensor("tensordot", "b", b);
  const given = typeof dims === "object" && !Array.isArray(dims)
    ? (dims as { dims?: DotDims }).dims ?? 2
    : dims as DotDims;
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  if (typeof given === "number" && (given < 0 || given > rankA || given > rankB)) {
    throw new ValueError(
      `Cannot tensordot ${formatType(a)} and ${formatType(b)}: dims must be from 0 to ${
        Math.min(rankA, rankB)
      }, got ${given}`,
    );
  }
  const [left, right] = typeof given === "number"
    ? [Array.from({ length: given }, (_, i) => rankA - given + i), Array.from({ length: given }, (_, i) => i)]
    : [
      given[0].map((dim) => normalizeDim("tensordot", dim, rankA)),
      given[1].map((dim) => normalizeDim("tensordot", dim, rankB)),
    ];
  if (left.length !== right.length) {
    throw new ShapeError(
      `Cannot tensordot ${formatType(a)} and ${
        formatType(b)
      }: both lists of dims must have one length, got ${left.length} and ${right.length}`,
    );
  }
  left.forEach((dim, i) => {
    if (a.shape[dim] !== b.shape[right[i]!]) {
      throw new ShapeError(
        `Cannot tensordot ${formatType(a)} and ${formatType(b)}: contracted sizes must match, got ${
          a.shape[dim]
        } and ${b.shape[right[i]!]}`,
      );
    }
  });
  return temporaries(() => {
    const restA = a.shape.map((_, i) => i).filter((i) => !left.includes(i));
    const restB = b.shape.map((_, i) => i).filter((i) => !right.includes(i));
    const [rows, columns] = [restA.map((i) => a.shape[i]!), restB.map((i) => b.shape[i]!)];
    const k = numelOf(left.map((i) => a.shape[i]!));
    const x = reshapeTo(permuteTo(a, [...restA, ...left]), [numelOf(rows), k]);
    const y = reshapeTo(permuteTo(b, [...right, ...restB]), [k, numelOf(columns)]);
    return owned(viewAsShape(bind("matmul", [x, y], null), [...rows, ...columns]));
  });
}

/** Elements of a row of a block that are multiplied where they lie. */
const SHORT = 64;

/**
 * The Kronecker product: each element of `x` times all of `other`, as blocks. Ranks are made equal by dimensions of size
 * 1 in front.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.kron.html
 */
export function kron(x: Tensor, other: Tensor): Tensor {
  requireTensor("kron", "input", x);
  requireTensor("kron", "other", other);
  return temporaries(() => {
    const dtype = commonDType(x, other);
    const rank = Math.max(x.shape.length, other.shape.length);
    const sizes = (y: Tensor) => [...new Array<number>(rank - y.shape.length).fill(1), ...y.shape];
    const [a, b] = [sizes(x), sizes(other)];
    let outer = reshapeTo(castTo(x, dtype), a.flatMap((size) => [size, 1]));
    let inner = reshapeTo(castTo(other, dtype), b.flatMap((size) => [1, size]));
    const [n, q] = [a[rank - 1] ?? 1, b[rank - 1] ?? 1];
    if (n > 1 && q < SHORT) {
      // Rows of a block are short: both are written out along the last dimension, so that rows of the result run on.
      const wide = (y: Tensor) => {
        const shape = [...y.shape.slice(0, -2), n, q];
        const spread = bind("copy", [expandTo("kron", y, shape)], null);
        return viewAsShape(spread, [...shape.slice(0, -2), 1, n * q]);
      };
      [outer, inner] = [wide(outer), wide(inner)];
    }
    const product = bind("mul", [outer, inner], null);
    return owned(viewAsShape(product, a.map((size, i) => size * b[i]!), "UnsafeViewBackward0"));
  });
}

/**
 * The sum of the main diagonal of a matrix.
 *
 * @throws {ShapeError} If `x` is no matrix.
 */
export function trace(x: Tensor): Tensor {
  requireTensor("trace", "input", x);
  if (x.shape.length !== 2) {
    throw new ShapeError(`Cannot trace ${formatType(x)}: it must be a matrix, got rank ${x.shape.length}`);
  }
  return temporaries(() => {
    const diagonal = bind("diagonal", [x], { offset: 0, dim1: 0, dim2: 1 });
    const terms = castTo(diagonal, accumulationDType(x.dtype));
    return relabel(bind("sum", [terms], { dims: [0], keepdim: false }), "TraceBackward0");
  });
}

/** The cross product along dimension `dim` of size 3, of operands that broadcast. */
export function crossAlong(op: string, x: Tensor, other: Tensor, dim: number): Tensor {
  if (x.shape.length !== other.shape.length) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)} and ${
        formatType(other)
      }: ranks must match, got ${x.shape.length} and ${other.shape.length}`,
    );
  }
  return temporaries(() => {
    const dtype = commonDType(x, other);
    const shape = broadcastShapes(op, x.shape, other.shape);
    const d = normalizeDim(op, dim, shape.length);
    if (shape[d] !== 3) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(x)} and ${formatType(other)}: dimension ${dim} must have length 3, got ${
          shape[d] ?? 1
        }`,
      );
    }
    const [a, b] = [expandTo(op, castTo(x, dtype), shape), expandTo(op, castTo(other, dtype), shape)];
    // (a × b)ᵢ = aᵢ₊₁ bᵢ₊₂ − aᵢ₊₂ bᵢ₊₁, places modulo 3.
    const turned = (y: Tensor, by: number) =>
      bind("concat", [sliceDim(y, d, by, 3), sliceDim(y, d, 0, by)], { dim: d });
    const first = bind("mul", [turned(a, 1), turned(b, 2)], null);
    const second = bind("mul", [turned(a, 2), turned(b, 1)], null);
    return relabel(bind("sub", [first, second], null), "LinalgCrossBackward0");
  });
}

/**
 * The cross product of vectors of three elements.
 *
 * @param dim The dimension of the vectors. Default: the first of size 3.
 * @throws {ShapeError} If there is no dimension of size 3.
 * @see https://pytorch.org/docs/stable/generated/torch.cross.html
 */
export function cross(
  x: Tensor,
  other: Tensor,
  dim?: number | null | { readonly dim?: number | null },
): Tensor {
  requireTensor("cross", "input", x);
  requireTensor("cross", "other", other);
  const given = typeof dim === "object" && dim !== null ? dim.dim : dim;
  const found = given ?? x.shape.indexOf(3);
  if (given === undefined || given === null) {
    if (found < 0) {
      throw new ShapeError(
        `Cannot cross ${formatType(x)}: it must have a dimension of size 3, got ${formatShape(x.shape)}`,
      );
    }
  }
  return crossAlong("cross", x, other, found);
}

/**
 * The product of several matrices in the cheapest order. The first may be a row vector and the last a column vector.
 *
 * @throws {ShapeError} If neighbours do not multiply.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.multi_dot.html
 */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  return chained("multiDot", tensorsOf("multiDot", [tensors]));
}

/**
 * The product of several matrices in the cheapest order.
 *
 * @throws {ShapeError} If one is no matrix, or neighbours do not multiply.
 */
export function chainMatmul(...matrices: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor {
  const list = tensorsOf("chainMatmul", matrices);
  if (list.length === 1) return list[0]!;
  return chained("chainMatmul", list);
}

function chained(op: string, tensors: readonly Tensor[]): Tensor {
  if (tensors.length < 2) {
    throw new ValueError(`Cannot ${op}: there must be at least 2 tensors, got ${tensors.length}`);
  }
  const last = tensors.length - 1;
  const [row, column] = [tensors[0]!.shape.length === 1, tensors[last]!.shape.length === 1];
  const matrices = tensors.map((x, i) => {
    if (i === 0 && row) return viewAsShape(x, [1, x.shape[0]!]);
    if (i === last && column) return viewAsShape(x, [x.shape[0]!, 1]);
    if (x.shape.length !== 2) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(x)}: tensor ${i} must be a matrix, got rank ${x.shape.length}`,
      );
    }
    return x;
  });
  for (let i = 0; i < last; i++) {
    const [k, inner] = [matrices[i]!.shape[1]!, matrices[i + 1]!.shape[0]!];
    if (k !== inner) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(tensors[i]!)} and ${
          formatType(tensors[i + 1]!)
        }: inner sizes must match, got ${k} and ${inner}`,
      );
    }
  }
  return temporaries(() => {
    const y = multiplyRange(matrices, cheapestSplits(matrices.map((x) => x.shape)), 0, last);
    const shape = [...(row ? [] : [y.shape[0]!]), ...(column ? [] : [y.shape[1]!])];
    return shape.length === 2 ? y : owned(viewAsShape(y, shape));
  });
}

/** Where to split each range of matrices so that the multiplications are fewest: the matrix chain order. */
function cheapestSplits(shapes: readonly Shape[]): number[][] {
  const n = shapes.length;
  const cost = shapes.map(() => new Array<number>(n).fill(0));
  const splits = shapes.map(() => new Array<number>(n).fill(0));
  for (let length = 1; length < n; length++) {
    for (let i = 0; i + length < n; i++) {
      const k = i + length;
      cost[i]![k] = Infinity;
      for (let s = i; s < k; s++) {
        const total = cost[i]![s]! + cost[s + 1]![k]! + shapes[i]![0]! * shapes[s]![1]! * shapes[k]![1]!;
        if (total < cost[i]![k]!) {
          cost[i]![k] = total;
          splits[i]![k] = s;
        }
      }
    }
  }
  return splits;
}

function multiplyRange(
  matrices: readonly Tensor[],
  splits: readonly (readonly number[])[],
  i: number,
  k: number,
): Tensor {
  if (i === k) return matrices[i]!;
  const s = splits[i]![k]!;
  return matmul(multiplyRange(matrices, splits, i, s), multiplyRange(matrices, splits, s + 1, k));
}
