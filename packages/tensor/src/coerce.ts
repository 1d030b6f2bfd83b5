/**
 * From what a user passes to tensors of one dtype: checks, scalars and promotion.
 *
 * @module
 */

import {
  ArgumentTypeError,
  type Backend,
  type DType,
  dtypeOf,
  float32,
  formatType,
  int32,
  type PromotionOperand,
  resultType,
} from "@flambeau/core";
import { bind } from "./bind.ts";
import { gradMode } from "./grad_mode.ts";
import { TensorHandle } from "./handle.ts";
import { executeOn } from "./immediate.ts";
import { keep } from "./temporaries.ts";
import type { Tensor } from "./tensor.ts";

/** A JavaScript value that stands for a tensor of rank 0 whose dtype gives way to that of tensors. */
export type Scalar = number | bigint | boolean;

/** True for numbers, bigints and booleans. */
export function isScalar(value: unknown): value is Scalar {
  return typeof value === "number" || typeof value === "boolean" || typeof value === "bigint";
}

/** What a value is, for messages. */
export function describe(value: unknown): string {
  if (value instanceof TensorHandle) return formatType(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return `an object of class ${value.constructor?.name ?? "null"}`;
  return `${typeof value} ${String(value)}`;
}

/**
 * Checks that `value` is a tensor.
 *
 * @throws {ArgumentTypeError} If it is not.
 */
export function requireTensor(op: string, argument: string, value: unknown): Tensor {
  if (value instanceof TensorHandle) return value as Tensor;
  throw new ArgumentTypeError(`Cannot ${op}: argument ${argument} must be a Tensor, got ${describe(value)}`);
}

/**
 * Checks that `value` is a finite or infinite number, not NaN by accident of a wrong type.
 *
 * @throws {ArgumentTypeError} If it is not a number.
 */
export function requireNumber(op: string, argument: string, value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean" || typeof value === "bigint") return Number(value);
  throw new ArgumentTypeError(`Cannot ${op}: argument ${argument} must be a number, got ${describe(value)}`);
}

/**
 * Checks that `value` is an integer.
 *
 * @throws {ArgumentTypeError} If it is not.
 */
export function requireInteger(op: string, argument: string, value: unknown): number {
  const n = requireNumber(op, argument, value);
  if (Number.isInteger(n)) return n;
  throw new ArgumentTypeError(`Cannot ${op}: argument ${argument} must be an integer, got ${n}`);
}

/** The dtype of new float tensors; `torch.set_default_dtype` changes it. */
export const defaults: { dtype: DType } = { dtype: float32 };

const constants = new WeakMap<Backend, Map<string | Scalar, Map<DType, Tensor>>>();
const CONSTANTS_KEPT = 512;

/**
 * A tensor of rank 0 that holds `value`. It is shared between callers and must not be written.
 */
export function constant(value: Scalar, dtype: DType, backend: Backend): Tensor {
  let byValue = constants.get(backend);
  if (byValue === undefined || byValue.size > CONSTANTS_KEPT) constants.set(backend, byValue = new Map());
  const key = Object.is(value, -0) ? "-0" : value;
  let byDType = byValue.get(key);
  if (byDType === undefined) byValue.set(key, byDType = new Map());
  let made = byDType.get(dtype);
  if (made === undefined || made.storage.isDisposed) {
    // Whatever mode it is made in, it serves in all of them.
    const { inference } = gradMode;
    gradMode.inference = false;
    try {
      made = keep(executeOn(backend, "full", { shape: [], value, dtype }));
    } finally {
      gradMode.inference = inference;
    }
    byDType.set(dtype, made);
  }
  return made;
}

/** The dtype that operands have together, as `torch.result_type`. */
export function commonDType(...operands: readonly (Tensor | Scalar)[]): DType {
  return resultType(operands as readonly PromotionOperand[], defaults.dtype);
}

/** `x` in `dtype`; itself when it has it already. Recorded for autograd. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : bind("cast", [x], { dtype });
}

/**
 * Both operands as tensors of their common dtype.
 *
 * @param op Name of the operation, for messages.
 * @throws {ArgumentTypeError} If one is neither a tensor nor a scalar.
 */
export function promote(op: string, x: Tensor | Scalar, y: Tensor | Scalar): [Tensor, Tensor] {
  if (x instanceof TensorHandle) {
    if (y instanceof TensorHandle) {
      if (x.dtype === y.dtype) return [x, y];
      const dtype = commonDType(x, y);
      return [castTo(x, dtype), castTo(y, dtype)];
    }
    if (isScalar(y)) {
      const dtype = commonDType(x, y);
      return [castTo(x, dtype), constant(y, dtype, x.backend)];
    }
    throw new ArgumentTypeError(
      `Cannot ${op} ${formatType(x)} and ${describe(y)}: it must be a Tensor or a number`,
    );
  }
  if (y instanceof TensorHandle && isScalar(x)) {
    const dtype = commonDType(x, y);
    return [constant(x, dtype, y.backend), castTo(y, dtype)];
  }
  throw new ArgumentTypeError(`Cannot ${op} ${describe(x)} and ${describe(y)}: one must be a Tensor`);
}

/** As {@linkcode promote}, and integers become the default float: for division and transcendental functions. */
export function promoteFloat(op: string, x: Tensor | Scalar, y: Tensor | Scalar): [Tensor, Tensor] {
  const [a, b] = promote(op, x, y);
  return [toFloat(a), toFloat(b)];
}

/** `x` itself when it is of a float dtype, else in the default one. */
export function toFloat(x: Tensor): Tensor {
  return x.dtype.kind === "float" ? x : castTo(x, defaults.dtype);
}

/** The dtype that sums and products of `dtype` have: int32 for bools and integers narrower than that. */
export function accumulationDType(dtype: DType): DType {
  return dtype.kind === "float" || dtype.name === "int64" ? dtype : int32;
}

/** A dtype option: a dtype, its name, or nothing. */
export function dtypeOption(value: DType | string | null | undefined): DType | null {
  return value === null || value === undefined ? null : dtypeOf(value);
}
