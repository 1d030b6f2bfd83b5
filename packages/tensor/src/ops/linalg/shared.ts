/**
 * What linear algebra is built of: checks, batches, identities, triangles.
 *
 * @module
 */

import {
  bool,
  DTypeError,
  float64,
  formatShape,
  formatType,
  int32,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
  tryBroadcast,
  ValueError,
} from "@flambeau/core";
import { bind } from "../../bind.ts";
import { castTo, constant, requireTensor } from "../../coerce.ts";
import { executeOn } from "../../immediate.ts";
import type { Tensor } from "../../tensor.ts";
import { allIndexValues } from "../bounds.ts";
import { permuteTo, viewAsShape } from "../building.ts";

/** The words "is a matrix or a batch of matrices" as a check. */
export function requireMatrix(op: string, x: Tensor, role: string = "input"): Tensor {
  requireTensor(op, role, x);
  if (x.dtype.kind !== "float") {
    throw new DTypeError(
      `Cannot ${op} ${formatType(x)}: ${role} must have a float dtype, got ${x.dtype.name}`,
    );
  }
  if (x.shape.length < 2) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: ${role} must have at least 2 dimensions, got ${x.shape.length}`,
    );
  }
  return x;
}

/** As {@linkcode requireMatrix}, for square matrices. */
export function requireSquare(op: string, x: Tensor, role: string = "input"): Tensor {
  requireMatrix(op, x, role);
  const [rows, columns] = x.shape.slice(-2);
  if (rows !== columns) {
    throw new ShapeError(
      `Cannot ${op} ${
        formatType(x)
      }: ${role} must be square matrices or batches of them, got ${rows} by ${columns}`,
    );
  }
  return x;
}

/** Leading sizes. */
export function batchOf(x: Tensor): Shape {
  return x.shape.slice(0, -2);
}

/** The last two dimensions swapped. */
export function flipped(x: Tensor): Tensor {
  const n = x.shape.length;
  return permuteTo(x, x.shape.map((_, d) => d < n - 2 ? d : 2 * n - 3 - d), "TransposeBackward0");
}

/** The identity, `[…batch, rows, columns]`, in the dtype of `like`. */
export function identity(like: Tensor, batch: Shape, rows: number, columns: number = rows): Tensor {
  const ramp = (size: number, shape: Shape) =>
    viewAsShape(executeOn(like.backend, "iota", { start: 0, step: 1, size, dtype: int32 }), shape);
  const same = bind("eq", [ramp(rows, [rows, 1]), ramp(columns, [1, columns])], null);
  const one = castTo(same, like.dtype);
  return batch.length === 0 ? one : bind("expand", [one], { shape: [...batch, rows, columns] });
}

/** Both with the leading sizes that they broadcast to. */
export function sameBatches(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = tryBroadcast(batchOf(a), batchOf(b));
  if (batch === null) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(a)} and ${formatType(b)}: batch sizes must match or be 1, got ${
        formatShape(batchOf(a))
      } and ` +
        formatShape(batchOf(b)),
    );
  }
  const wide = (x: Tensor) =>
    shapesEqual(batchOf(x), batch) ? x : bind("expand", [x], { shape: [...batch, ...x.shape.slice(-2)] });
  return [wide(a), wide(b)];
}

/** X of A X = B with triangular A; batches broadcast. */
export function triangularSolve(
  op: string,
  a: Tensor,
  b: Tensor,
  upper: boolean,
  unitriangular: boolean = false,
): Tensor {
  const [x, y] = sameBatches(op, a, b);
  return bind("solveTriangular", [x, y], { upper, unitriangular });
}

/** A part of the last two dimensions. */
export function corner(x: Tensor, rows: number, columns: number): Tensor {
  const n = x.shape.length;
  if (x.shape[n - 2] === rows && x.shape[n - 1] === columns) return x;
  return bind("slice", [x], {
    starts: x.shape.map(() => 0),
    stops: x.shape.map((size, d) => d === n - 2 ? rows : d === n - 1 ? columns : size),
    steps: x.shape.map(() => 1),
  });
}

/** Number of elements of a scalar tensor of the dtype and device of `x`. */
export function scalar(x: Tensor, value: number): Tensor {
  return constant(value, x.dtype, x.backend);
}

/** A fresh tensor of zeros. */
export function zeros(x: Tensor, shape: Shape, dtype: Tensor["dtype"] = x.dtype): Tensor {
  return executeOn(x.backend, "full", { shape, value: dtype === bool ? false : 0, dtype });
}

/** The distance from 1 to the next larger number of the dtype. */
export function epsilon(x: Tensor): number {
  return x.dtype === float64 ? 2 ** -52 : 2 ** -23;
}

/**
 * Throws for the first batch element whose `info` is not 0, where the device can be read at once.
 *
 * @param explain Says what a code means.
 * @throws {ValueError} If there is one.
 */
export function checkInfo(op: string, x: Tensor, info: Tensor, explain: (code: number) => string): void {
  if (numelOf(info.shape) === 0) return;
  const codes = allIndexValues(info);
  const at = codes?.findIndex((code) => code !== 0) ?? -1;
  if (at < 0) return;
  const where = info.shape.length === 0 ? "" : ` (batch element ${at})`;
  throw new ValueError(`Cannot ${op} ${formatType(x)}${where}: ${explain(codes![at]!)}`);
}

/** A right-hand side: matrices, or vectors as matrices of one column. */
export interface RightSide {
  readonly matrix: Tensor;
  readonly isVector: boolean;
}

/** `b` as matrices: it holds vectors when it has one dimension, or the shape of `a` without its last size. */
export function rightSide(op: string, a: Tensor, b: Tensor): RightSide {
  requireTensor(op, "B", b);
  const isVector = b.shape.length === 1 ||
    (b.shape.length === a.shape.length - 1 && shapesEqual(b.shape, a.shape.slice(0, -1)));
  return { matrix: isVector ? viewAsShape(b, [...b.shape, 1], "UnsqueezeBackward0") : b, isVector };
}
