/**
 * From the bytes of a file to a tensor: byte order, element types that only files have, and devices that lack a dtype.
 *
 * @module
 */

import {
  type Backend,
  bfloat16,
  bool,
  type DataArray,
  type DType,
  dtypeOf,
  float16,
  float32,
  float64,
  formatType,
  int32,
  int64,
  type Shape,
  unpackHalf,
  viewData,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { makeEmpty } from "@flambeau/tensor/internal";
import { refuse } from "./refuse.ts";

/** What the elements of a file are: a dtype of the library, or an unsigned integer that becomes a larger signed one. */
export type ElementKind = DType | "uint16" | "uint32";

/** Elements as a file holds them. */
export interface FileElements {
  /** What they are. */
  readonly kind: ElementKind;
  /** The bytes, in row-major order, exactly as many as the shape needs. */
  readonly bytes: Uint8Array;
  /** Sizes. */
  readonly shape: Shape;
  /** True when the highest byte of a number comes first. Default false. */
  readonly bigEndian?: boolean;
}

/** Bytes of one element in a file. */
export function itemsizeOf(kind: ElementKind): number {
  return kind === "uint16" ? 2 : kind === "uint32" ? 4 : kind.itemsize;
}

/**
 * A contiguous tensor with these elements. Where `backend` lacks the dtype, it gets the one in {@linkcode SUBSTITUTES} if
 * that holds every value.
 *
 * @param file What is being loaded, for messages.
 * @param what Which part of it, for messages: `tensor "w"`.
 * @throws {FormatError} If a value does not survive; the message names both dtypes.
 */
export function tensorOf(file: string, what: string, elements: FileElements, backend: Backend): Tensor {
  const little = elements.bigEndian === true
    ? swapBytes(elements.bytes, itemsizeOf(elements.kind))
    : elements.bytes;
  const read = asLibraryType(elements.kind, little);
  const { dtype, bytes } = backend.dtypes.has(read.dtype)
    ? read
    : substitute(file, what, elements.shape, read, backend);
  const out = makeEmpty(backend, elements.shape, dtype);
  if (bytes.length > 0) backend.write(out.buffer, 0, bytes);
  return out;
}

interface Bytes {
  readonly dtype: DType;
  readonly bytes: Uint8Array;
}

function asLibraryType(kind: ElementKind, bytes: Uint8Array): Bytes {
  if (kind === "uint16") {
    return { dtype: int32, bytes: bytesOf(Int32Array.from(new Uint16Array(own(bytes)))) };
  }
  if (kind === "uint32") {
    return { dtype: int64, bytes: bytesOf(BigInt64Array.from(new Uint32Array(own(bytes)), BigInt)) };
  }
  // Kernels rely on bytes 0 and 1; a file may hold others, which PyTorch takes as true.
  if (kind === bool && bytes.some((byte) => byte > 1)) {
    return { dtype: bool, bytes: Uint8Array.from(bytes, (byte) => byte === 0 ? 0 : 1) };
  }
  return { dtype: kind, bytes };
}

/** The dtypes that stand in where a device lacks one: values that they cannot hold are refused. */
const SUBSTITUTES: ReadonlyMap<DType, DType> = new Map([
  [float64, float32],
  [float16, float32],
  [bfloat16, float32],
  [int64, int32],
  ...["int16", "int8", "uint8"].map((name) => [dtypeOf(name), int32] as const),
]);

function substitute(file: string, what: string, shape: Shape, from: Bytes, backend: Backend): Bytes {
  const dtype = SUBSTITUTES.get(from.dtype);
  const type = formatType({ shape, dtype: from.dtype });
  if (dtype === undefined || !backend.dtypes.has(dtype)) {
    refuse(file, `${what} is ${type}, and device ${backend.name} has no ${from.dtype.name}`);
  }
  const { itemsize } = from.dtype;
  const source = viewData(from.dtype, own(from.bytes), 0, from.bytes.length / itemsize);
  const target = dtype === float32
    ? toFloat32(from.dtype, source as Float64Array | Uint16Array)
    : toInt32(source);
  if (target === null) {
    refuse(
      file,
      `${what} is ${type}, device ${backend.name} has only ${dtype.name}, and that does not hold every value`,
    );
  }
  return { dtype, bytes: bytesOf(target) };
}

function toFloat32(dtype: DType, source: Float64Array | Uint16Array): Float32Array | null {
  if (source instanceof Uint16Array) return unpackHalf(dtype, source);
  const out = Float32Array.from(source);
  return source.every((value, i) => Object.is(value, out[i]) || value === out[i]) ? out : null;
}

function toInt32(source: DataArray): Int32Array | null {
  const out = new Int32Array(source.length);
  for (let i = 0; i < out.length; i++) {
    const value = Number(source[i]);
    out[i] = value;
    if (out[i] !== value) return null;
  }
  return out;
}

/** The bytes with those of each element in reverse order. */
function swapBytes(bytes: Uint8Array, itemsize: number): Uint8Array {
  const out = new Uint8Array(bytes);
  if (itemsize > 1) {
    for (let i = 0; i < out.length; i += itemsize) {
      out.subarray(i, i + itemsize).reverse();
    }
  }
  return out;
}

/**
 * A buffer of these bytes alone: typed arrays of larger elements cannot begin just anywhere.
 *
 * NOTE: `slice` would not do, that of Node's `Buffer` does not copy.
 */
function own(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
