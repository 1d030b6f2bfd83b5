/**
 * Pointwise primitives as public functions call them: operands checked and promoted, in place or not.
 *
 * @module
 */

import {
  type BinaryPrimitives,
  DTypeError,
  formatType,
  scalarDType,
  shapesEqual,
  tryBroadcast,
  type UnaryPrimitives,
} from "@flambeau/core";
import { bind, bindInto, replaceValue } from "./bind.ts";
import {
  commonDType,
  constant,
  defaults,
  isScalar,
  promote,
  promoteFloat,
  requireTensor,
  type Scalar,
  toFloat,
} from "./coerce.ts";
import { defaultBackend } from "./device.ts";
import { TensorHandle } from "./handle.ts";
import { temporaries } from "./temporaries.ts";
import type { Tensor } from "./tensor.ts";

/** Name of a pointwise primitive of one input. */
export type UnaryName = keyof UnaryPrimitives<unknown>;
/** Name of a pointwise primitive of two inputs. */
export type BinaryName = keyof BinaryPrimitives<unknown>;

/** Applies a primitive of one input in the dtype of the input. */
export function unary(name: UnaryName, x: Tensor): Tensor {
  return bind(name, [requireTensor(name, "input", x)], null);
}

/** Applies a primitive that takes floats; integers and bools become the default float first. */
export function unaryFloat(name: UnaryName, x: Tensor): Tensor {
  requireTensor(name, "input", x);
  if (x.dtype.kind === "float") return bind(name, [x], null);
  return temporaries(() => bind(name, [toFloat(x)], null));
}

/** In-place {@linkcode unary}. */
export function unaryInPlace(name: UnaryName, x: Tensor): Tensor {
  bindInto([requireTensor(`${name}_`, "input", x)], name, [x], null);
  return x;
}

/**
 * In-place {@linkcode unaryFloat}.
 *
 * @throws {DTypeError} If `x` is no float tensor, which cannot hold the result.
 */
export function unaryFloatInPlace(name: UnaryName, x: Tensor): Tensor {
  requireFloatTarget(`${name}_`, x);
  return unaryInPlace(name, x);
}

/**
 * Checks that `x` can hold a float result.
 *
 * @throws {DTypeError} If it is of integers or bools.
 */
export function requireFloatTarget(op: string, x: Tensor): void {
  if (requireTensor(op, "input", x).dtype.kind !== "float") {
    throw new DTypeError(
      `Cannot ${op} ${formatType(x)}: result type ${defaults.dtype.name} can't be cast to ${x.dtype.name}`,
    );
  }
}

/** Applies a primitive of two inputs in their common dtype; one may be a number. */
export function binary(name: BinaryName, x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  if (x instanceof TensorHandle && y instanceof TensorHandle && x.dtype === y.dtype) {
    return bind(name, [x, y], null);
  }
  if (x instanceof TensorHandle && typeof y === "number" && x.dtype.kind === "float") {
    return bind(name, [x, constant(y, x.dtype, x.backend)], null);
  }
  if (isScalar(x) && isScalar(y)) return binary(name, scalar(x), y);
  if (!isOperand(x) || !isOperand(y)) return bind(name, promote(name, x, y), null); // promote says what is wrong
  if (isCommon(x, x, y) && isCommon(y, x, y)) return bind(name, promote(name, x, y), null);
  return temporaries(() => bind(name, promote(name, x, y), null));
}

/** As {@linkcode binary} for a primitive that takes floats: others become the default float. */
export function binaryFloat(name: BinaryName, x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  if (isFloatPair(x, y)) return binary(name, x, y);
  if (isScalar(x) && isScalar(y)) return binaryFloat(name, scalar(x), y);
  return temporaries(() => bind(name, promoteFloat(name, x, y), null));
}

/** A number as a tensor on the default device: of two numbers the first takes the place of a tensor. */
function scalar(value: Scalar): Tensor {
  return constant(value, scalarDType(value, defaults.dtype), defaultBackend());
}

function isOperand(value: unknown): boolean {
  return value instanceof TensorHandle || isScalar(value);
}

/** True when a value needs no cast to stand beside the other: a scalar, or a tensor of the common dtype. */
function isCommon(value: Tensor | Scalar, x: Tensor | Scalar, y: Tensor | Scalar): boolean {
  return !(value instanceof TensorHandle) || value.dtype === commonDType(x, y);
}

function isFloatPair(x: Tensor | Scalar, y: Tensor | Scalar): boolean {
  return (x instanceof TensorHandle && x.dtype.kind === "float") ||
    (y instanceof TensorHandle && y.dtype.kind === "float");
}

/**
 * In-place {@linkcode binary}: `x` takes the result, in its own dtype.
 *
 * @throws {ShapeError} If the result does not have the shape of `x`.
 * @throws {DTypeError} If the result cannot be converted to the dtype of `x`.
 */
export function binaryInPlace(name: BinaryName, x: Tensor, y: Tensor | Scalar): Tensor {
  const other = directOperand(requireTensor(`${name}_`, "input", x), y);
  if (other === null) return replaceValue(`${name}_`, x, (before) => binary(name, before, y));
  bindInto([x], name, [x, other], null);
  return x;
}

/** In-place {@linkcode binaryFloat}; throws as {@linkcode binaryInPlace}, also if `x` is no float tensor. */
export function binaryFloatInPlace(name: BinaryName, x: Tensor, y: Tensor | Scalar): Tensor {
  requireFloatTarget(`${name}_`, x);
  return binaryInPlace(name, x, y);
}

/** `y` as a primitive that writes into `x` can take it, or null when it must be cast or does not broadcast to `x`. */
export function directOperand(x: Tensor, y: Tensor | Scalar): Tensor | null {
  if (isScalar(y)) return commonDType(x, y) === x.dtype ? constant(y, x.dtype, x.backend) : null;
  if (!(y instanceof TensorHandle) || y.dtype !== x.dtype) return null;
  const shape = tryBroadcast(x.shape, y.shape);
  return shape !== null && shapesEqual(shape, x.shape) ? y : null;
}
