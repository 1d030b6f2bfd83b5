/**
 * Dimensions in another order: `permute`, `transpose`, `t`, `movedim` and their aliases. All results alias their input.
 *
 * @module
 */

import { formatType, normalizeDim, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { requireTensor } from "../coerce.ts";
import type { Tensor } from "../tensor.ts";
import { distinctDims, integers, type ListArgs, listOf } from "./lists.ts";
import { matrixTranspose, permuteTo } from "./building.ts";

/**
 * Dimensions in another order: dimension `i` of the result is dimension `dims[i]` of `x`; aliases `x`.
 *
 * @throws {ShapeError} If `dims` does not name each dimension once.
 * @see https://pytorch.org/docs/stable/generated/torch.permute.html
 */
export function permute(x: Tensor, ...dims: ListArgs<"dims">): Tensor {
  requireTensor("permute", "input", x);
  const list = listOf("permute", "dims", dims);
  const rank = x.shape.length;
  if (list.length !== rank) {
    throw new ShapeError(
      `Cannot permute ${formatType(x)} to dimensions [${
        list.join(", ")
      }]: they must name each of ${rank} dimensions ` +
        `once, got ${list.length}`,
    );
  }
  return permuteTo(x, rank === 0 ? [] : distinctDims("permute", list, rank), "PermuteBackward0");
}

/** The order of dimensions that swaps two. */
function swapping(op: string, rank: number, dim0: number, dim1: number): number[] {
  const a = normalizeDim(op, dim0, rank);
  const b = normalizeDim(op, dim1, rank);
  const dims = Array.from({ length: rank }, (_, i) => i);
  if (rank > 0) [dims[a], dims[b]] = [b, a];
  return dims;
}

/**
 * `x` with dimensions `dim0` and `dim1` swapped; aliases `x`.
 *
 * @throws {IndexError} If a dimension is out of range.
 */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  requireTensor("transpose", "input", x);
  return permuteTo(x, swapping("transpose", x.shape.length, dim0, dim1), "TransposeBackward0");
}

/** Alias of {@linkcode transpose}. */
export const swapaxes: (x: Tensor, axis0: number, axis1: number) => Tensor = transpose;

/** Alias of {@linkcode transpose}. */
export const swapdims: (x: Tensor, dim0: number, dim1: number) => Tensor = transpose;

/**
 * The transpose of a matrix; vectors and scalars as they are. Aliases `x`.
 *
 * @throws {ShapeError} If the rank is above 2.
 */
export function t(x: Tensor): Tensor {
  requireTensor("t", "input", x);
  const rank = x.shape.length;
  if (rank > 2) {
    throw new ShapeError(`Cannot t ${formatType(x)}: it must have at most 2 dimensions, got ${rank}`);
  }
  return permuteTo(x, rank === 2 ? [1, 0] : rank === 1 ? [0] : [], "TBackward0");
}

/** `x` with its last two dimensions swapped; aliases `x`. Alias of the property `mT`. */
export function adjoint(x: Tensor): Tensor {
  return matrixTranspose(requireTensor("adjoint", "input", x));
}

/**
 * `x` with dimensions `source` moved to the places `destination`, the others in their order; aliases `x`.
 *
 * @throws {ValueError} If there are not as many destinations as sources, or one repeats.
 * @see https://pytorch.org/docs/stable/generated/torch.movedim.html
 */
export function movedim(x: Tensor, source: number | Shape, destination: number | Shape): Tensor {
  requireTensor("movedim", "input", x);
  const rank = x.shape.length;
  const from = integers("movedim", "source", source);
  const to = integers("movedim", "destination", destination);
  if (from.length !== to.length) {
    throw new ValueError(
      `Cannot movedim ${
        formatType(x)
      }: source and destination must have as many entries, got ${from.length} and ${to.length}`,
    );
  }
  const sources = distinctDims("movedim", from, rank);
  const places = distinctDims("movedim", to, rank);
  if (rank === 0) return permuteTo(x, [], "PermuteBackward0");
  const rest = x.shape.map((_, i) => i).filter((i) => !sources.includes(i));
  const dims = x.shape.map((_, i) => {
    const moved = places.indexOf(i);
    return moved < 0 ? rest.shift()! : sources[moved]!;
  });
  return permuteTo(x, dims, "PermuteBackward0");
}

/** Alias of {@linkcode movedim}. */
export const moveaxis: (x: Tensor, source: number | Shape, destination: number | Shape) => Tensor = movedim;
