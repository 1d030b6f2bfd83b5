/**
 * Tensors behind one another: `cat`, `stack` and their kin.
 *
 * @module
 */

import { formatType, normalizeDim, type Shape, ShapeError, shapesEqual, ValueError } from "@flambeau/core";
import { bind } from "../bind.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { unsqueeze } from "./view.ts";
import {
  dimArgument,
  owned,
  promoteAll,
  tensorsOf,
  toRank1,
  toRank2,
  toRank3,
  viewAsShape,
} from "./building.ts";

/** True for the one shape that joins anything, as in PyTorch: no elements in one dimension. */
function isLegacyEmpty(x: Tensor): boolean {
  return x.shape.length === 1 && x.shape[0] === 0;
}

function joined(op: string, tensors: readonly Tensor[], dim: number, name: string): Tensor {
  if (tensors.length === 0) {
    throw new ValueError(`Cannot ${op} an empty list: there must be at least one tensor, got none`);
  }
  for (const x of tensors) {
    if (x.shape.length === 0) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(x)}: zero-dimensional tensors cannot be concatenated, got rank 0`,
      );
    }
  }
  const real = tensors.filter((x) => !isLegacyEmpty(x));
  const first = real[0] ?? tensors[0]!;
  const d = normalizeDim(op, dim, first.shape.length);
  for (const x of real) {
    const fits = x.shape.length === first.shape.length &&
      x.shape.every((size, i) => i === d || size === first.shape[i]);
    if (!fits) {
      throw new ShapeError(
        `Cannot ${op} ${formatType(first)} and ${
          formatType(x)
        }: sizes must match except in dimension ${d}, got ` +
          `[${first.shape.join(", ")}] and [${x.shape.join(", ")}]`,
      );
    }
  }
  return temporaries(() => {
    // Also the empty ones take part in promotion, and get an empty gradient.
    const nothing = first.shape.map((size, i) => i === d ? 0 : size);
    const list = promoteAll(tensors).map((x) => isLegacyEmpty(x) ? viewAsShape(x, nothing) : x);
    return relabel(bind("concat", list, { dim: d }), name);
  });
}

/**
 * The tensors behind one another along an existing dimension. Dtypes promote; tensors of shape `[0]` are left out.
 *
 * @param dim Default 0.
 * @throws {ShapeError} If sizes differ in another dimension, or one is a scalar.
 * @see https://pytorch.org/docs/stable/generated/torch.cat.html
 *
 * @example
 * ```ts
 * const y = cat([a, b], 1);
 * ```
 */
export function cat(tensors: readonly Tensor[], dim?: number | { readonly dim?: number }): Tensor {
  return joined("cat", tensorsOf("cat", [tensors]), dimArgument("cat", dim, 0), "CatBackward0");
}

/** Alias of {@linkcode cat}. */
export const concat: (tensors: readonly Tensor[], dim?: number | { readonly dim?: number }) => Tensor = cat;

/** Alias of {@linkcode cat}. */
export const concatenate: (tensors: readonly Tensor[], dim?: number | { readonly dim?: number }) => Tensor =
  cat;

/**
 * Tensors of one shape along a new dimension. Dtypes promote.
 *
 * @param dim Where the new dimension stands. Default 0.
 * @throws {ShapeError} If shapes differ.
 * @see https://pytorch.org/docs/stable/generated/torch.stack.html
 */
export function stack(tensors: readonly Tensor[], dim?: number | { readonly dim?: number }): Tensor {
  const list = tensorsOf("stack", [tensors]);
  const first: Shape = list[0]?.shape ?? [];
  const d = normalizeDim("stack", dimArgument("stack", dim, 0), first.length + 1);
  for (const x of list) {
    if (!shapesEqual(x.shape, first)) {
      throw new ShapeError(
        `Cannot stack ${formatType(list[0]!)} and ${formatType(x)}: each tensor must have equal size, got ` +
          `[${first.join(", ")}] and [${x.shape.join(", ")}]`,
      );
    }
  }
  if (d === first.length) return joined("stack", list.map((x) => unsqueeze(x, d)), d, "StackBackward0");
  // Behind one another along the dimension that follows is the same memory, without a view of each.
  return temporaries(() => {
    const shape = [...first.slice(0, d), list.length, ...first.slice(d)];
    return owned(relabel(viewAsShape(joined("stack", list, d, "CatBackward0"), shape), "StackBackward0"));
  });
}

/** Tensors beside one another: along dimension 1, or 0 for vectors; scalars count as vectors. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const list = tensorsOf("hstack", [tensors]).map(toRank1);
  return joined("hstack", list, list[0]?.shape.length === 1 ? 0 : 1, "CatBackward0");
}

/** Tensors under one another: along dimension 0; vectors count as rows. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  return joined("vstack", tensorsOf("vstack", [tensors]).map(toRank2), 0, "CatBackward0");
}

/** Alias of {@linkcode vstack}. */
export const rowStack: (tensors: readonly Tensor[]) => Tensor = vstack;

/** Tensors behind one another: along dimension 2; vectors count as `[1, N, 1]`, matrices as `[M, N, 1]`. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  return joined("dstack", tensorsOf("dstack", [tensors]).map(toRank3), 2, "CatBackward0");
}

/** Columns beside one another: vectors and scalars count as columns. */
export function columnStack(tensors: readonly Tensor[]): Tensor {
  const columns = tensorsOf("columnStack", [tensors]).map((x) =>
    x.shape.length === 0 ? toRank2(x) : x.shape.length === 1 ? unsqueeze(x, 1) : x
  );
  return joined("columnStack", columns, 1, "CatBackward0");
}
