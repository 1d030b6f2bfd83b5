/**
 * Parts of a tensor along one dimension: `narrow`, `select`, `split`, `chunk`, `unbind` and their kin. All alias.
 *
 * @module
 */

import {
  formatShape,
  formatType,
  IndexError,
  normalizeDim,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { requireInteger, requireTensor } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import type { Tensor } from "../tensor.ts";
import { itemSync, toArraySync } from "./data.ts";
import { integers } from "./lists.ts";
import { dimArgument, selectDim, sliceDim } from "./building.ts";

/** Dimension `dim` of a tensor that has dimensions. */
function dimOf(op: string, x: Tensor, dim: number): number {
  if (x.shape.length === 0) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: it must have at least one dimension, got a 0-dim tensor`,
    );
  }
  return normalizeDim(op, dim, x.shape.length);
}

/** An integer, or an integer tensor with one element. */
function integerOf(op: string, name: string, value: number | Tensor): number {
  return requireInteger(op, name, value instanceof TensorHandle ? itemSync(value) : value);
}

/**
 * `length` elements of dimension `dim` from `start` on; aliases `x`.
 *
 * @param start Negative numbers count from the end.
 * @throws {IndexError} If the part does not lie inside.
 */
export function narrow(x: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  requireTensor("narrow", "input", x);
  const d = dimOf("narrow", x, dim);
  const size = x.shape[d]!;
  const given = integerOf("narrow", "start", start);
  requireInteger("narrow", "length", length);
  const first = given < 0 ? given + size : given;
  if (first < 0 || first > size) {
    throw new IndexError(
      `Cannot narrow ${
        formatType(x)
      } along dimension ${dim}: start must be from ${-size} to ${size}, got ${given}`,
    );
  }
  if (length < 0 || first + length > size) {
    throw new IndexError(
      `Cannot narrow ${
        formatType(x)
      } along dimension ${dim}: start + length must not exceed ${size} and length not be ` +
        `negative, got start ${given} and length ${length}`,
    );
  }
  return sliceDim(x, d, first, first + length);
}

/** A copy of {@linkcode narrow}. */
export function narrowCopy(x: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  return relabel(bind("copy", [narrow(x, dim, start, length)], null), "NarrowCopyBackward0");
}

/**
 * Element `index` of dimension `dim`, without that dimension; aliases `x`.
 *
 * @throws {IndexError} If the index is out of range.
 */
export function select(x: Tensor, dim: number, index: number | Tensor): Tensor {
  requireTensor("select", "input", x);
  const d = dimOf("select", x, dim);
  const size = x.shape[d]!;
  const given = integerOf("select", "index", index);
  if (given < -size || given >= size) {
    throw new IndexError(
      `Cannot select from ${formatType(x)} along dimension ${dim}: index must be from ${-size} to ${
        size - 1
      }, got ${given}`,
    );
  }
  return selectDim(x, d, given < 0 ? given + size : given);
}

/** The parts between `bounds[i]` and `bounds[i + 1]` of dimension `dim`. */
function parts(x: Tensor, dim: number, bounds: readonly number[], name: string): Tensor[] {
  const out: Tensor[] = [];
  for (let i = 0; i + 1 < bounds.length; i++) out.push(sliceDim(x, dim, bounds[i]!, bounds[i + 1]!, 1, name));
  return out;
}

/** Bounds of parts of `step` elements, the last maybe smaller; one empty part of nothing. */
function evenly(size: number, step: number): number[] {
  const bounds = [0];
  for (let at = step; at < size; at += step) bounds.push(at);
  bounds.push(size);
  return bounds;
}

/**
 * Parts of `splitSize` elements each along `dim` (the last maybe smaller), or parts of the sizes given. They alias `x`.
 *
 * @throws {ValueError} If the size is not positive, or the sizes do not add up.
 * @see https://pytorch.org/docs/stable/generated/torch.split.html
 */
export function split(
  x: Tensor,
  splitSize: number | Shape,
  dim?: number | { readonly dim?: number },
): Tensor[] {
  requireTensor("split", "input", x);
  if (Array.isArray(splitSize)) return splitWithSizes(x, splitSize, dim);
  const step = requireInteger("split", "splitSize", splitSize);
  const d = dimOf("split", x, dimArgument("split", dim, 0));
  const size = x.shape[d]!;
  if (step < 0 || (step === 0 && size !== 0)) {
    throw new ValueError(
      `Cannot split ${
        formatType(x)
      }: splitSize must be positive (0 only for a dimension of size 0), got ${step}`,
    );
  }
  return parts(x, d, evenly(size, Math.max(step, 1)), "SplitBackward0");
}

/**
 * Parts of the sizes given along `dim`; they alias `x`.
 *
 * @throws {ValueError} If the sizes are negative or do not add up to the size of the dimension.
 */
export function splitWithSizes(
  x: Tensor,
  splitSizes: Shape,
  dim?: number | { readonly dim?: number },
): Tensor[] {
  requireTensor("splitWithSizes", "input", x);
  const sizes = integers("splitWithSizes", "splitSizes", splitSizes);
  const d = dimOf("split", x, dimArgument("splitWithSizes", dim, 0));
  const bounds = [0];
  for (const size of sizes) bounds.push(bounds[bounds.length - 1]! + size);
  if (sizes.some((size) => size < 0) || bounds[bounds.length - 1] !== x.shape[d]) {
    throw new ValueError(
      `Cannot split ${formatType(x)} along dimension ${d}: splitSizes must be >= 0 and sum exactly to ${
        x.shape[d]
      }, ` +
        `got ${formatShape(sizes)}`,
    );
  }
  return parts(x, d, bounds, "SplitWithSizesBackward0");
}

/**
 * At most `chunks` parts of equal size along `dim` (the last maybe smaller); they alias `x`.
 *
 * @throws {ValueError} If `chunks` is not positive.
 * @see https://pytorch.org/docs/stable/generated/torch.chunk.html
 */
export function chunk(x: Tensor, chunks: number, dim?: number | { readonly dim?: number }): Tensor[] {
  requireTensor("chunk", "input", x);
  requireInteger("chunk", "chunks", chunks);
  if (chunks < 1) {
    throw new ValueError(`Cannot chunk ${formatType(x)}: chunks must be greater than 0, got ${chunks}`);
  }
  const d = dimOf("chunk", x, dimArgument("chunk", dim, 0));
  const size = x.shape[d]!;
  // As PyTorch: nothing is divided into as many parts as asked for.
  if (size === 0) return Array.from({ length: chunks }, () => sliceDim(x, d, 0, 0, 1, "SplitBackward0"));
  return parts(x, d, evenly(size, Math.ceil(size / chunks)), "SplitBackward0");
}

/** Options of {@linkcode tensorSplit}. */
export interface TensorSplitOptions {
  /** Number of parts. */
  readonly sections: number | Tensor;
  /** Where parts begin but the first. */
  readonly indices: Shape | Tensor;
  /** Along which dimension. Default 0. */
  readonly dim: number;
}

/**
 * `sections` parts along `dim`, the first ones larger by one where they cannot be equal; or parts that begin at
 * `indices`. They alias `x`.
 *
 * @throws {ValueError} If the number of parts is not positive.
 * @see https://pytorch.org/docs/stable/generated/torch.tensor_split.html
 */
export function tensorSplit(
  x: Tensor,
  indicesOrSections: number | Shape | Tensor | Pick<Partial<TensorSplitOptions>, keyof TensorSplitOptions>,
  ...args: Args<Pick<TensorSplitOptions, "dim">, ["dim"]>
): Tensor[] {
  requireTensor("tensorSplit", "input", x);
  let { dim } = named<Pick<TensorSplitOptions, "dim">>("tensorSplit", args, ["dim"]);
  let how = indicesOrSections;
  if (typeof how === "object" && !Array.isArray(how) && !(how instanceof TensorHandle)) {
    const options = how as Partial<TensorSplitOptions>;
    dim ??= options.dim;
    how = options.sections ?? options.indices!;
  }
  const value = how instanceof TensorHandle
    ? toArraySync(how as Tensor) as number | number[]
    : how as number | Shape;
  const d = dimOf("tensorSplit", x, dim ?? 0);
  return Array.isArray(value) ? splitAt(x, d, value) : splitInto("tensorSplit", x, d, value as number);
}

function splitInto(op: string, x: Tensor, dim: number, sections: number): Tensor[] {
  requireInteger(op, "sections", sections);
  if (sections < 1) {
    throw new ValueError(`Cannot ${op} ${formatType(x)}: sections must be larger than 0, got ${sections}`);
  }
  const size = x.shape[dim]!;
  const [least, larger] = [Math.floor(size / sections), size % sections];
  const bounds = Array.from({ length: sections + 1 }, (_, i) => i * least + Math.min(i, larger));
  return parts(x, dim, bounds, "SliceBackward0");
}

function splitAt(x: Tensor, dim: number, indices: readonly number[]): Tensor[] {
  const size = x.shape[dim]!;
  const place = (index: number) =>
    Math.min(Math.max(Number(index) < 0 ? Number(index) + size : Number(index), 0), size);
  const starts = [0, ...indices.map(place)];
  return starts.map((start, i) => {
    const stop = i + 1 < starts.length ? starts[i + 1]! : size;
    return sliceDim(x, dim, start, Math.max(stop, start), 1, "SliceBackward0");
  });
}

function splitAlong(
  op: string,
  x: Tensor,
  least: number,
  dim: number,
  how: number | Shape | { readonly sections?: number; readonly indices?: Shape },
): Tensor[] {
  requireTensor(op, "input", x);
  if (x.shape.length < least) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: it must have at least ${least} dimension${
        least > 1 ? "s" : ""
      }, got ${x.shape.length}`,
    );
  }
  const value = typeof how === "object" && !Array.isArray(how)
    ? (how as { sections?: number }).sections ?? (how as { indices?: Shape }).indices!
    : how as number | Shape;
  if (Array.isArray(value)) return splitAt(x, dim, integers(op, "indices", value));
  const sections = requireInteger(op, "sections", value);
  if (sections < 1 || x.shape[dim]! % sections !== 0) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: dimension ${dim} of size ${
        x.shape[dim]
      } must be divisible by the number of ` +
        `sections, got ${sections}`,
    );
  }
  return splitInto(op, x, dim, sections);
}

/** How {@linkcode hsplit} and its kin divide: into equal parts, or at indices. */
export type SplitHow = number | Shape | { readonly sections?: number; readonly indices?: Shape };

/**
 * {@linkcode tensorSplit} into equal parts, or at indices, of columns: dimension 1, or 0 of a vector.
 *
 * @throws {ValueError} If the size is not divisible by the number of parts.
 */
export function hsplit(x: Tensor, how: SplitHow): Tensor[] {
  return splitAlong("hsplit", x, 1, requireTensor("hsplit", "input", x).shape.length === 1 ? 0 : 1, how);
}

/**
 * {@linkcode tensorSplit} into equal parts, or at indices, of rows: dimension 0.
 *
 * @throws {ValueError} If the size is not divisible by the number of parts.
 */
export function vsplit(x: Tensor, how: SplitHow): Tensor[] {
  return splitAlong("vsplit", x, 2, 0, how);
}

/**
 * {@linkcode tensorSplit} into equal parts, or at indices, of dimension 2.
 *
 * @throws {ValueError} If the size is not divisible by the number of parts.
 */
export function dsplit(x: Tensor, how: SplitHow): Tensor[] {
  return splitAlong("dsplit", x, 3, 2, how);
}

/** All elements of dimension `dim`, each without that dimension; they alias `x`. */
export function unbind(x: Tensor, dim?: number | { readonly dim?: number }): Tensor[] {
  requireTensor("unbind", "input", x);
  const d = dimOf("unbind", x, dimArgument("unbind", dim, 0));
  return Array.from({ length: x.shape[d]! }, (_, i) => selectDim(x, d, i, "UnbindBackward0"));
}
