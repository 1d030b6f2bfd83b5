/**
 * Elements in another order: `flip`, `roll`, `rot90`.
 *
 * @module
 */

import { formatType, IndexError, normalizeDim, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { requireInteger, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { distinctDims, integers, type ListArgs, listOf, required } from "./lists.ts";
import { transpose } from "./transpose.ts";
import { ravel } from "./view.ts";
import { sliceDim, viewAsShape } from "./building.ts";

function flipped(x: Tensor, dims: readonly number[], name: string): Tensor {
  return relabel(bind("flip", [x], { dims: [...dims].sort((a, b) => a - b) }), name);
}

/**
 * A copy with the elements in reverse order along `dims`.
 *
 * @throws {IndexError} If a dimension is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.flip.html
 */
export function flip(x: Tensor, ...dims: ListArgs<"dims">): Tensor {
  requireTensor("flip", "input", x);
  const rank = x.shape.length;
  const list = distinctDims("flip", listOf("flip", "dims", dims), rank);
  return flipped(x, rank === 0 ? [] : list, "FlipBackward0");
}

function flippedAlong(op: string, x: Tensor, dim: number): Tensor {
  requireTensor(op, "input", x);
  if (x.shape.length <= dim) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: it must be >= ${dim + 1}-d, got rank ${x.shape.length}`,
    );
  }
  return flipped(x, [dim], "FlipBackward0");
}

/** A copy with the columns in reverse order: {@linkcode flip} along dimension 1. */
export function fliplr(x: Tensor): Tensor {
  return flippedAlong("fliplr", x, 1);
}

/** A copy with the rows in reverse order: {@linkcode flip} along dimension 0. */
export function flipud(x: Tensor): Tensor {
  return flippedAlong("flipud", x, 0);
}

/** Options of {@linkcode roll}. */
export interface RollOptions {
  /** By how many places, for each dimension. */
  readonly shifts: number | Shape;
  /** Along which dimensions; none for the flattened tensor. */
  readonly dims: number | Shape;
}

/**
 * A copy with the elements moved by `shifts` along `dims`; those that leave at the end come in at the start. Without
 * `dims` the flattened tensor is rolled.
 *
 * @throws {ValueError} If there are not as many shifts as dimensions.
 * @see https://pytorch.org/docs/stable/generated/torch.roll.html
 */
export function roll(x: Tensor, ...args: Args<RollOptions, ["shifts", "dims"]>): Tensor {
  requireTensor("roll", "input", x);
  const options = named<RollOptions>("roll", args, ["shifts", "dims"]);
  const shifts = integers("roll", "shifts", required("roll", "shifts", options.shifts));
  const dims = integers("roll", "dims", options.dims ?? []);
  if (shifts.length === 0 || (dims.length === 0 ? shifts.length !== 1 : dims.length !== shifts.length)) {
    throw new ValueError(
      `Cannot roll ${
        formatType(x)
      }: shifts and dims must have as many entries, got ${shifts.length} and ${dims.length}`,
    );
  }
  if (dims.length > 0 && x.shape.length === 0) {
    throw new IndexError(`Cannot roll ${formatType(x)} along dimension ${dims[0]}: it has no dimensions`);
  }
  return temporaries(() => {
    if (dims.length === 0) {
      const out = viewAsShape(rolled(ravel(x), 0, shifts[0]!), x.shape, "RollBackward0");
      out.base = null;
      return out;
    }
    const out = dims.reduce(
      (y, dim, i) => rolled(y, normalizeDim("roll", dim, x.shape.length), shifts[i]!),
      x,
    );
    return relabel(out, "RollBackward0");
  });
}

function rolled(x: Tensor, dim: number, shift: number): Tensor {
  const size = x.shape[dim] ?? 1;
  const cut = size === 0 ? 0 : (size - shift % size) % size; // what stood here comes first
  if (cut === 0) return bind("copy", [x], null);
  return bind("concat", [sliceDim(x, dim, cut, size), sliceDim(x, dim, 0, cut)], { dim });
}

/** Options of {@linkcode rot90}. */
export interface Rot90Options {
  /** By how many quarter turns from the first dimension toward the second. Default 1. */
  readonly k: number;
  /** The plane. Default `[0, 1]`. */
  readonly dims: Shape;
}

/**
 * A copy turned by `k` · 90° in the plane of two dimensions.
 *
 * @throws {ShapeError} If there are not two different dimensions.
 * @see https://pytorch.org/docs/stable/generated/torch.rot90.html
 */
export function rot90(x: Tensor, ...args: Args<Rot90Options, ["k", "dims"]>): Tensor {
  requireTensor("rot90", "input", x);
  const { k = 1, dims = [0, 1] } = named<Rot90Options>("rot90", args, ["k", "dims"]);
  const turns = ((requireInteger("rot90", "k", k) % 4) + 4) % 4;
  if (dims.length !== 2 || x.shape.length < 2) {
    throw new ShapeError(
      `Cannot rot90 ${formatType(x)}: it must have 2 dimensions or more and dims name two, got dims [${
        dims.join(", ")
      }]`,
    );
  }
  const [a, b] = distinctDims("rot90", dims, x.shape.length) as [number, number];
  if (turns === 0) return relabel(bind("copy", [x], null), "Rot90Backward0");
  if (turns === 2) return flipped(x, [a, b], "Rot90Backward0");
  return flipped(transpose(x, a, b), [turns === 1 ? a : b], "Rot90Backward0");
}
