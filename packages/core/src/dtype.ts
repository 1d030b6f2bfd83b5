/**
 * Element types: what they are called, how they are stored, and how they promote.
 *
 * A dtype is one frozen object, compared by identity: `x.dtype === float32`. Promotion follows PyTorch
 * (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc) with one deliberate difference:
 * JavaScript has one kind of number, so the default integer is `int32`, which is also the dtype of indices.
 *
 * @module
 */

import { DTypeError } from "./errors.ts";

/** Name of an element type, as written in `torch.<name>` and in type strings such as `float32[2, 3]`. */
export type DTypeName =
  | "bool"
  | "uint8"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64";

/** The family of an element type; promotion never goes down this list. */
export type DTypeKind = "bool" | "int" | "float";

/** The typed arrays that back tensors. `float16` and `bfloat16` are stored as their 16 bits, `bool` as bytes 0 and 1. */
export type DataArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** An element type: `float32`, `int32`, … One object per type, so `===` compares. */
export class DType {
  /** `"float32"`, `"bool"`, … */
  readonly name: DTypeName;
  /** `"bool"`, `"int"` or `"float"`. */
  readonly kind: DTypeKind;
  /** Bytes of one element. */
  readonly itemsize: number;
  /** A small number, unique to the type: its place in {@linkcode dtypes}. */
  readonly code: number;

  /** Not for users: the ten types are the exported constants. */
  constructor(name: DTypeName, kind: DTypeKind, itemsize: number, code: number) {
    this.name = name;
    this.kind = kind;
    this.itemsize = itemsize;
    this.code = code;
    Object.freeze(this);
  }

  /** True for `float16`, `bfloat16`, `float32` and `float64`. */
  get isFloatingPoint(): boolean {
    return this.kind === "float";
  }

  /** False for `bool` and `uint8`. */
  get isSigned(): boolean {
    return this.kind === "float" || (this.kind === "int" && this.name !== "uint8");
  }

  /** As PyTorch prints it: `torch.float32`. */
  toString(): string {
    return `torch.${this.name}`;
  }
}

/** Truth values, one byte each. */
export const bool: DType = new DType("bool", "bool", 1, 0);
/** Unsigned 8-bit integers. */
export const uint8: DType = new DType("uint8", "int", 1, 1);
/** Signed 8-bit integers. */
export const int8: DType = new DType("int8", "int", 1, 2);
/** Signed 16-bit integers. */
export const int16: DType = new DType("int16", "int", 2, 3);
/** Signed 32-bit integers: the default integer and the dtype of indices. */
export const int32: DType = new DType("int32", "int", 4, 4);
/** Signed 64-bit integers, held as `bigint` in JavaScript. */
export const int64: DType = new DType("int64", "int", 8, 5);
/** IEEE 754 binary16. A storage type: arithmetic runs in float32 and rounds. */
export const float16: DType = new DType("float16", "float", 2, 6);
/** The upper half of a float32. A storage type: arithmetic runs in float32 and rounds. */
export const bfloat16: DType = new DType("bfloat16", "float", 2, 7);
/** IEEE 754 binary32: the default dtype. */
export const float32: DType = new DType("float32", "float", 4, 8);
/** IEEE 754 binary64, a JavaScript number. */
export const float64: DType = new DType("float64", "float", 8, 9);

/** All element types, by {@linkcode DType.code}. */
export const dtypes: readonly DType[] = [
  bool,
  uint8,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
];

const byName: ReadonlyMap<string, DType> = new Map(dtypes.map((dtype) => [dtype.name, dtype]));

/**
 * The dtype called `name`, with or without PyTorch's prefix (`"float32"`, `"torch.float32"`), or the dtype itself.
 *
 * @throws {DTypeError} If there is no such dtype.
 */
export function dtypeOf(name: DType | string): DType {
  if (name instanceof DType) return name;
  const found = byName.get(String(name).replace(/^torch\./, ""));
  if (found === undefined) {
    throw new DTypeError(
      `Cannot use ${JSON.stringify(String(name))} as a dtype: it must be one of ${
        [...byName.keys()].join(", ")
      }`,
    );
  }
  return found;
}

/** Makes a zero-filled typed array of `length` elements in the storage form of `dtype`. */
export function allocateData(dtype: DType, length: number): DataArray {
  return viewData(dtype, new ArrayBuffer(length * dtype.itemsize), 0, length);
}

/**
 * A typed array over `buffer`, in the storage form of `dtype`.
 *
 * @param byteOffset Where it starts, in bytes; a multiple of `dtype.itemsize`.
 * @param length Number of elements.
 */
export function viewData(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): DataArray {
  switch (dtype.name) {
    case "bool":
    case "uint8":
      return new Uint8Array(buffer, byteOffset, length);
    case "int8":
      return new Int8Array(buffer, byteOffset, length);
    case "int16":
      return new Int16Array(buffer, byteOffset, length);
    case "int32":
      return new Int32Array(buffer, byteOffset, length);
    case "int64":
      return new BigInt64Array(buffer, byteOffset, length);
    case "float16":
    case "bfloat16":
      return new Uint16Array(buffer, byteOffset, length);
    case "float32":
      return new Float32Array(buffer, byteOffset, length);
    case "float64":
      return new Float64Array(buffer, byteOffset, length);
    default:
      return dtype.name satisfies never;
  }
}

/**
 * The smallest dtype that both operands convert to, as `torch.promote_types`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.promote_types.html
 */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  const [low, high] = a.code < b.code ? [a, b] : [b, a];
  if (high.kind === "float") {
    return low.kind === "float" && high === bfloat16 ? float32 : high; // float16 with bfloat16 fits neither
  }
  if (low === uint8 && high === int8) return int16;
  return high;
}

/** An operand of promotion: a tensor's dtype with its rank, or a JavaScript scalar. */
export type PromotionOperand =
  | { readonly dtype: DType; readonly shape: readonly number[] }
  | number
  | bigint
  | boolean;

/**
 * The dtype of a JavaScript scalar that meets no tensor: `bool`, `int32` for whole numbers, the default float otherwise.
 * A `bigint` is `int64`.
 */
export function scalarDType(value: number | bigint | boolean, defaultFloat: DType): DType {
  if (typeof value === "boolean") return bool;
  if (typeof value === "bigint") return int64;
  return Number.isInteger(value) ? int32 : defaultFloat;
}

/**
 * The dtype of an operation on `operands`, as `torch.result_type`: tensors with dimensions decide; a tensor of rank 0
 * and then a JavaScript number only count when their kind is higher (`int32[3] + 2.5` is float, `int32[3] + 2` is int32).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.result_type.html
 */
export function resultType(operands: readonly PromotionOperand[], defaultFloat: DType = float32): DType {
  let dims: DType | null = null;
  let zero: DType | null = null;
  let scalar: DType | null = null;
  for (const operand of operands) {
    if (typeof operand === "object") {
      if (operand.shape.length > 0) dims = dims === null ? operand.dtype : promoteTypes(dims, operand.dtype);
      else zero = zero === null ? operand.dtype : promoteTypes(zero, operand.dtype);
    } else {
      const dtype = scalarDType(operand, defaultFloat);
      scalar = scalar === null ? dtype : promoteTypes(scalar, dtype);
    }
  }
  return combineKinds(combineKinds(dims, zero), scalar) ?? defaultFloat;
}

const kindRank = { bool: 0, int: 1, float: 2 } as const;

function combineKinds(high: DType | null, low: DType | null): DType | null {
  if (high === null) return low;
  if (low === null) return high;
  return kindRank[low.kind] > kindRank[high.kind] ? low : high;
}

/** True when values of `from` may be written into a tensor of `to` in place, as `torch.can_cast`: kinds never go down. */
export function canCast(from: DType, to: DType): boolean {
  return kindRank[from.kind] <= kindRank[to.kind];
}
