/**
 * Element types of tensors: converting, promoting, asking.
 *
 * @module
 */

import {
  bfloat16,
  bool as boolType,
  canCast as canCastTypes,
  DeviceError,
  type DType,
  DTypeError,
  dtypeOf,
  float16,
  float32,
  float64,
  formatType,
  int16,
  int32,
  int64,
  int8,
  promoteTypes as promoteDTypes,
  uint8,
} from "@flambeau/core";
import { castTo, commonDType, defaults, requireTensor, type Scalar } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import type { Tensor } from "../tensor.ts";

/** Options of the conversions. */
export interface ConversionOptions {
  /** Taken for PyTorch's sake: results are always in row-major order. */
  readonly memoryFormat?: unknown;
}

/** `x` in `dtype`; itself when it has it already. */
function converted(x: Tensor, dtype: DType): Tensor {
  if (!x.backend.dtypes.has(dtype)) {
    throw new DeviceError(
      `Cannot convert ${formatType(x)} to ${dtype.name}: ${x.backend.name} has no ${dtype.name}`,
    );
  }
  return castTo(x, dtype);
}

/** `x` as float32; itself when it is. */
export function toFloat(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, float32);
}

/** `x` as float64; itself when it is. */
export function toDouble(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, float64);
}

/** `x` as float16; itself when it is. */
export function toHalf(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, float16);
}

/** `x` as bfloat16; itself when it is. */
export function toBfloat16(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, bfloat16);
}

/** `x` as int32; itself when it is. */
export function toInt(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, int32);
}

/** `x` as int16; itself when it is. */
export function toShort(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, int16);
}

/** `x` as int8; itself when it is. */
export function toChar(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, int8);
}

/** `x` as uint8; itself when it is. */
export function toByte(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, uint8);
}

/** `x` as bool; itself when it is. */
export function toBool(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, boolType);
}

/** `x` as int64; as int32 on devices without 64-bit integers. */
export function toLong(x: Tensor, _options?: ConversionOptions): Tensor {
  return converted(x, x.backend.dtypes.has(int64) ? int64 : int32);
}

/** `x` in the dtype of `other`. */
export function typeAs(x: Tensor, other: Tensor): Tensor {
  return converted(x, requireTensor("typeAs", "other", other).dtype);
}

/** PyTorch's names of the types of tensors. */
const typeNames: ReadonlyMap<DType, string> = new Map([
  [boolType, "BoolTensor"],
  [uint8, "ByteTensor"],
  [int8, "CharTensor"],
  [int16, "ShortTensor"],
  [int32, "IntTensor"],
  [int64, "LongTensor"],
  [float16, "HalfTensor"],
  [bfloat16, "BFloat16Tensor"],
  [float32, "FloatTensor"],
  [float64, "DoubleTensor"],
]);

/** The name of the type (`"torch.FloatTensor"`), or `x` converted to a dtype or to a type of that name. */
export function typeOf(x: Tensor): string;
/** The form that converts. */
export function typeOf(x: Tensor, dtype: DType | string): Tensor;
/** Implementation of both forms. */
export function typeOf(x: Tensor, dtype?: DType | string): Tensor | string {
  if (dtype === undefined) return `torch.${typeNames.get(x.dtype)!}`;
  const byName = [...typeNames].find(([, name]) => `torch.${name}` === dtype);
  return converted(x, byName?.[0] ?? dtypeOf(dtype));
}

/** True for tensors. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof TensorHandle;
}

/**
 * True for tensors of a float dtype.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.is_floating_point.html
 */
export function isFloatingPoint(x: Tensor): boolean {
  return requireTensor("isFloatingPoint", "input", x).dtype.kind === "float";
}

/** False: there are no complex tensors. */
export function isComplex(x: Tensor): boolean {
  requireTensor("isComplex", "input", x);
  return false;
}

/** True for tensors whose dtype has negative numbers. */
export function isSigned(x: Tensor): boolean {
  return requireTensor("isSigned", "input", x).dtype.isSigned;
}

/**
 * The number of elements.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.numel.html
 */
export function numel(x: Tensor): number {
  return requireTensor("numel", "input", x).numel();
}

/**
 * The dtype of an operation on both; numbers and scalars give way to tensors with dimensions.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.result_type.html
 */
export function resultType(x: Tensor | Scalar, y: Tensor | Scalar): DType {
  return commonDType(x, y);
}

/**
 * The smallest dtype that both convert to.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.promote_types.html
 */
export function promoteTypes(type1: DType | string, type2: DType | string): DType {
  return promoteDTypes(dtypeOf(type1), dtypeOf(type2));
}

/**
 * True when values of `from` may be written in place into a tensor of `to`: floats never into integers, integers never into
 * bools.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.can_cast.html
 */
export function canCast(from: DType | string, to: DType | string): boolean {
  return canCastTypes(dtypeOf(from), dtypeOf(to));
}

/**
 * Chooses the dtype of new float tensors.
 *
 * @throws {DTypeError} If it is no float dtype.
 * @see https://pytorch.org/docs/stable/generated/torch.set_default_dtype.html
 */
export function setDefaultDtype(dtype: DType | string): void {
  const chosen = dtypeOf(dtype);
  if (chosen.kind !== "float") {
    throw new DTypeError(
      `Cannot set the default dtype to ${chosen.name}: it must be a float dtype, got ${chosen.name}`,
    );
  }
  defaults.dtype = chosen;
}

/** The dtype of new float tensors. */
export function getDefaultDtype(): DType {
  return defaults.dtype;
}

/** What a float dtype can hold. */
export interface FloatInfo {
  /** Bits of one element. */
  readonly bits: number;
  /** Distance from 1 to the next larger number. */
  readonly eps: number;
  /** The largest finite number. */
  readonly max: number;
  /** The smallest finite number: −max. */
  readonly min: number;
  /** The smallest positive number with all its digits. */
  readonly tiny: number;
  /** The same as `tiny`. */
  readonly smallestNormal: number;
  /** Decimal digits that survive, as a power of ten. */
  readonly resolution: number;
  /** Name of the dtype. */
  readonly dtype: string;
}

/** Bits of the significand (with the hidden one) and largest exponent of each float type. */
const floatForms: ReadonlyMap<DType, readonly [digits: number, exponent: number]> = new Map([
  [float16, [11, 15]],
  [bfloat16, [8, 127]],
  [float32, [24, 127]],
  [float64, [53, 1023]],
]);

/**
 * What a float dtype can hold.
 *
 * @param dtype Default: the default dtype.
 * @throws {DTypeError} If it is no float dtype.
 * @see https://pytorch.org/docs/stable/type_info.html
 */
export function finfo(dtype: DType | string = defaults.dtype): FloatInfo {
  const chosen = dtypeOf(dtype);
  const form = floatForms.get(chosen);
  if (form === undefined) {
    throw new DTypeError(
      `Cannot finfo ${chosen.name}: it must be a float dtype, got ${chosen.name}; use iinfo`,
    );
  }
  const [digits, exponent] = form;
  const max = (2 - 2 ** (1 - digits)) * 2 ** exponent;
  const tiny = 2 ** (1 - exponent);
  return {
    bits: chosen.itemsize * 8,
    eps: 2 ** (1 - digits),
    max,
    min: -max,
    tiny,
    smallestNormal: tiny,
    resolution: Number(`1e-${Math.floor((digits - 1) * Math.log10(2))}`),
    dtype: chosen.name,
  };
}

/** What an integer dtype can hold. */
export interface IntegerInfo {
  /** Bits of one element. */
  readonly bits: number;
  /** The largest value; a bigint for int64. */
  readonly max: number | bigint;
  /** The smallest value; a bigint for int64. */
  readonly min: number | bigint;
  /** Name of the dtype. */
  readonly dtype: string;
}

/**
 * What an integer dtype can hold.
 *
 * @throws {DTypeError} If it is no integer dtype.
 * @see https://pytorch.org/docs/stable/type_info.html
 */
export function iinfo(dtype: DType | string): IntegerInfo {
  const chosen = dtypeOf(dtype);
  if (chosen.kind !== "int") {
    throw new DTypeError(
      `Cannot iinfo ${chosen.name}: it must be an integer dtype, got ${chosen.name}; use finfo`,
    );
  }
  const bits = chosen.itemsize * 8;
  const values = chosen.isSigned ? bits - 1 : bits;
  const [max, min] = bits === 64
    ? [2n ** 63n - 1n, -(2n ** 63n)]
    : [2 ** values - 1, chosen.isSigned ? -(2 ** values) : 0];
  return { bits, max, min, dtype: chosen.name };
}
