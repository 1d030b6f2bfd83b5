/**
 * What the inference rules have in common: their types, their checks, the words of their errors.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { DTypeError, IndexError, ShapeError, ValueError } from "../errors.ts";
import type { Attrs, Inputs, Name, Outputs } from "../primitives.ts";
import { formatShape, formatType, type Shape, shapesEqual, tryBroadcast } from "../shape.ts";
import { type DTypeClass, indexDTypes, inputDTypes } from "./dtypes.ts";

/** Says what `P` yields: shape and dtype of its outputs from those of its inputs. */
export type InferenceRule<P extends Name> = (inputs: Inputs<P, Aval>, attrs: Attrs<P>) => Outputs<P, Aval>;

/** The rules of a family of primitives: one per row of `Family`. */
export type RulesOf<Family> = { readonly [P in keyof Family & Name]: InferenceRule<P> };

/** Several types in words: `float32[2], int32[] and bool[3]`. */
export function formatTypes(inputs: readonly Aval[]): string {
  const types = inputs.map(formatType);
  return types.length < 2
    ? types.join("")
    : `${types.slice(0, -1).join(", ")} and ${types[types.length - 1]}`;
}

/** A ShapeError in the form of all messages. */
export function shapeError(op: string, inputs: readonly Aval[], must: string, got: string): ShapeError {
  return new ShapeError(`Cannot ${op} ${formatTypes(inputs)}: ${must}, got ${got}`);
}

/** A ValueError in the form of all messages. */
export function valueError(op: string, inputs: readonly Aval[], must: string, got: string): ValueError {
  return new ValueError(`Cannot ${op} ${formatTypes(inputs)}: ${must}, got ${got}`);
}

/**
 * Checks that `x` has a dtype of `accepted`.
 *
 * @param role What the message calls it: `"it"`, `"index"`.
 * @throws {DTypeError} If it has not.
 */
export function checkDType(op: string, x: Aval, accepted: DTypeClass, role: string = "it"): void {
  if (!accepted.dtypes.includes(x.dtype)) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(x)}: ${role} must have ${accepted.label}, got ${x.dtype.name}`,
    );
  }
}

/**
 * Checks that all inputs have one dtype, and one that `op` takes.
 *
 * @throws {DTypeError} If not.
 */
export function checkValues(op: Name, inputs: readonly Aval[]): void {
  for (let i = 1; i < inputs.length; i++) {
    if (inputs[i]!.dtype !== inputs[0]!.dtype) {
      throw new DTypeError(
        `Cannot ${op} ${formatTypes(inputs)}: dtypes must match, got ${inputs[0]!.dtype.name} and ${
          inputs[i]!.dtype.name
        }`,
      );
    }
  }
  checkDType(op, inputs[0]!, inputDTypes[op]);
}

/**
 * Checks that `index` has an index dtype.
 *
 * @throws {DTypeError} If not.
 */
export function checkIndex(op: Name, index: Aval, role: string = "index"): void {
  checkDType(op, index, indexDTypes, role);
}

/**
 * Checks that the rank of `x` is at least `least`.
 *
 * @throws {ShapeError} If not.
 */
export function checkRank(op: string, x: Aval, least: number, role: string = "it"): void {
  if (x.shape.length < least) {
    throw shapeError(op, [x], `${role} must have rank ${least} or more`, `rank ${x.shape.length}`);
  }
}

/**
 * Checks that `x` has exactly `shape`.
 *
 * @param inputs What the message names.
 * @throws {ShapeError} If not.
 */
export function checkShapeIs(
  op: string,
  inputs: readonly Aval[],
  role: string,
  x: Aval,
  shape: Shape,
): void {
  if (!shapesEqual(x.shape, shape)) {
    throw shapeError(op, inputs, `${role} must have shape ${formatShape(shape)}`, formatShape(x.shape));
  }
}

/**
 * Checks that `dim` is a dimension of `x`.
 *
 * @throws {IndexError} If it is negative, too large or not an integer. A scalar has no dimensions.
 */
export function checkDim(op: string, x: Aval, dim: number): void {
  if (!Number.isInteger(dim) || dim < 0 || dim >= x.shape.length) {
    throw new IndexError(
      `Cannot ${op} ${
        formatType(x)
      }: dim must be an integer from 0 to below its rank ${x.shape.length}, got ${dim}`,
    );
  }
}

/**
 * Checks that `dims` are dimensions of `x`, ascending and without repeats.
 *
 * @throws {IndexError} If not.
 */
export function checkDims(op: string, x: Aval, dims: Shape): void {
  for (let i = 0; i < dims.length; i++) {
    checkDim(op, x, dims[i]!);
    if (i > 0 && dims[i]! <= dims[i - 1]!) {
      throw new IndexError(
        `Cannot ${op} ${formatType(x)}: dims must ascend without repeats, got ${formatShape(dims)}`,
      );
    }
  }
}

/**
 * Checks that `values` are `count` integers of at least `least`.
 *
 * @throws {ShapeError} If there are more or fewer.
 * @throws {ValueError} If one is too small or no integer.
 */
export function checkSizes(
  op: string,
  inputs: readonly Aval[],
  role: string,
  values: Shape,
  count: number,
  least: number,
): void {
  if (values.length !== count) {
    throw shapeError(op, inputs, `${role} must have ${count} entries`, formatShape(values));
  }
  for (let i = 0; i < count; i++) {
    if (!Number.isInteger(values[i]) || values[i]! < least) {
      throw valueError(op, inputs, `${role} must be integers >= ${least}`, formatShape(values));
    }
  }
}

/**
 * The shape that `x` and `y` broadcast to; the shape object of one of them when it is theirs.
 *
 * @throws {ShapeError} If sizes differ at a dimension and neither is 1.
 */
export function broadcastTypes(op: string, x: Aval, y: Aval): Shape {
  const shape = tryBroadcast(x.shape, y.shape);
  if (shape !== null) return shape;
  const rank = Math.max(x.shape.length, y.shape.length);
  let dim = rank - 1;
  for (;; dim--) {
    const [a, b] = [x.shape[dim - rank + x.shape.length]!, y.shape[dim - rank + y.shape.length]!];
    if (a !== b && a !== 1 && b !== 1) {
      throw shapeError(op, [x, y], "sizes must match or be 1", `${a} and ${b} at dimension ${dim}`);
    }
  }
}

/** `shape` with another size at `dim`; the same object when nothing changes. */
export function withSize(shape: Shape, dim: number, size: number): Shape {
  if (shape[dim] === size) return shape;
  const out = shape.slice();
  out[dim] = size;
  return out;
}
