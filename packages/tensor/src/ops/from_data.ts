/**
 * Tensors from what JavaScript has: numbers, nested arrays, typed arrays, bytes, other tensors.
 *
 * @module
 */

import {
  allocateData,
  bfloat16,
  bool,
  checkShape,
  type DataArray,
  type DType,
  dtypes,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  numelOf,
  type Shape,
  ShapeError,
  uint8,
  ValueError,
  viewData,
} from "@flambeau/core";
import { requireKnown } from "../args.ts";
import { defaults, dtypeOption, requireInteger } from "../coerce.ts";
import { convertValues, elementReader } from "../elements.ts";
import { TensorHandle } from "../handle.ts";
import { type NestedData, type NumericArray, parseNested } from "../nested.ts";
import type { Tensor } from "../tensor.ts";
import { zeros } from "./creation.ts";
import { CREATION, type CreationOptions, deviceWith, finished, type SizeArgs, sizesOf } from "./making.ts";
import { clone, dataSync, detach, fromData, to } from "./data.ts";

/** A number, a typed array, a tensor, or arrays of these, nested as deep as the tensor has dimensions. */
export type TensorData = NestedData<Tensor>;

/**
 * A new tensor of these values: `tensor(3)`, `tensor([[1, 2], [3, 4]])`, `tensor(new Float32Array(8))`.
 *
 * The dtype is that of the values: bool for booleans, int64 for bigints, the default float for numbers; typed arrays and
 * tensors keep theirs. Values are copied, and a tensor's history is left behind.
 *
 * @throws {ValueError} If nested arrays differ in length, or a value does not fit the dtype.
 * @see https://pytorch.org/docs/stable/generated/torch.tensor.html
 */
export function tensor(data: TensorData, options: CreationOptions = {}): Tensor {
  requireKnown("make a tensor", options, CREATION);
  if (data instanceof TensorHandle) return finished(converted(data as Tensor, options, true), options);
  return made(data, options);
}

/**
 * As {@linkcode tensor}, but a tensor that needs no conversion is given back as it is, with its history.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.as_tensor.html
 */
export function asTensor(data: TensorData, options: CreationOptions = {}): Tensor {
  return data instanceof TensorHandle ? converted(data as Tensor, options, false) : made(data, options);
}

/** Another name of {@linkcode asTensor}. */
export const asarray: typeof asTensor = asTensor;

function converted(x: Tensor, { dtype, device }: CreationOptions, copy: boolean): Tensor {
  const from = copy ? detach(x) : x;
  const target = { ...(dtype ? { dtype } : {}), ...(device ? { device } : {}) };
  const out = to(from, target);
  return copy && out.storage === x.storage ? clone(out) : out;
}

function made(data: TensorData, options: CreationOptions): Tensor {
  const { shape, dtype: found, values } = parseNested<Tensor>(data, {
    defaultDtype: defaults.dtype,
    wholeNumbersAreIntegers: false, // `2` and `2.0` are one number in JavaScript, and data is rarely meant to be integers
    readTensor,
  });
  const dtype = dtypeOption(options.dtype) ?? found;
  const backend = deviceWith(options, shape, dtype);
  const stored = ArrayBuffer.isView(values) && isStored(values as unknown as NumericArray, dtype)
    ? values as unknown as DataArray
    : convertValues(values, dtype);
  return finished(fromData(stored, shape, dtype, backend), options);
}

/** The contents of a tensor that stands among nested arrays. */
function readTensor(value: object): ReturnType<typeof parseNested> | null {
  if (!(value instanceof TensorHandle)) return null;
  const x = value as Tensor;
  const read = elementReader(dataSync(x), x.dtype);
  return {
    shape: x.shape,
    dtype: x.dtype,
    values: Array.from({ length: numelOf(x.shape) }, (_, i) => read(i)),
  };
}

/**
 * A new tensor of the elements of a typed array, which is copied.
 *
 * The dtype is that of the array (`Float32Array` → float32, `Uint8Array` → uint8, `BigInt64Array` → int64 …) unless one
 * is given. A `Uint16Array` given for float16 or bfloat16 holds their bit patterns, as `data()` reads them.
 *
 * @param shape Sizes. Default: one dimension.
 * @throws {ShapeError} If the number of elements is not that of the shape.
 */
export function fromTypedArray(array: NumericArray, shape?: Shape, options: CreationOptions = {}): Tensor {
  const wanted = dtypeOption(options.dtype);
  const bits = array instanceof Uint16Array && (wanted === float16 || wanted === bfloat16);
  const dtype = wanted ?? parseNested(array).dtype;
  const sizes = shape ?? [array.length];
  checkShape("make a tensor of", sizes);
  if (numelOf(sizes) !== array.length) {
    throw new ShapeError(
      `Cannot make ${dtype.name}[${sizes.join(", ")}] from an array: it must have ${
        numelOf(sizes)
      } elements, got ${array.length}`,
    );
  }
  const backend = deviceWith(options, sizes, dtype);
  const stored = bits || isStored(array, dtype) ? array as DataArray : convertValues(array, dtype);
  return finished(fromData(stored, sizes, dtype, backend), options);
}

/** True when an array holds elements exactly as the dtype stores them. */
function isStored(array: NumericArray, dtype: DType): boolean {
  return (dtype.kind === "int" || dtype === float32 || dtype === float64) &&
    array.constructor === storedIn[dtype.code];
}

/** The class of the arrays that hold elements of each dtype, by its code. */
const storedIn: readonly unknown[] = dtypes.map((dtype) => allocateData(dtype, 0).constructor);

/** Options of {@linkcode frombuffer}. */
export interface BufferOptions extends CreationOptions {
  /** Elements to read; -1: all that follow. Default -1. */
  readonly count?: number;
  /** Bytes to skip. Default 0. */
  readonly offset?: number;
}

/**
 * A new tensor of the elements that lie in `buffer` in the storage form of `dtype`, little-endian. They are copied.
 *
 * @throws {ValueError} If the buffer is too short, or not a whole number of elements long.
 * @see https://pytorch.org/docs/stable/generated/torch.frombuffer.html
 */
export function frombuffer(buffer: ArrayBufferLike | ArrayBufferView, options: BufferOptions = {}): Tensor {
  const bytes = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  const dtype = dtypeOption(options.dtype) ?? defaults.dtype;
  const offset = requireInteger("frombuffer", "offset", options.offset ?? 0);
  const available = (bytes.length - offset) / dtype.itemsize;
  const asked = requireInteger("frombuffer", "count", options.count ?? -1);
  const count = asked < 0 ? available : asked;
  if (offset < 0 || !Number.isInteger(count) || count > available) {
    throw new ValueError(
      `Cannot make ${dtype.name}[${count}] from ${bytes.length} bytes from byte ${offset} on: they must hold whole ` +
        `elements of ${dtype.itemsize} bytes, got ${available} of them`,
    );
  }
  const aligned = bytes.slice(offset, offset + count * dtype.itemsize);
  const backend = deviceWith(options, [count], dtype);
  return finished(fromData(viewData(dtype, aligned.buffer, 0, count), [count], dtype, backend), options);
}

/** As {@linkcode tensor}, in the dtype and device of `x` unless others are given. */
export function newTensor(x: Tensor, data: TensorData, options: CreationOptions = {}): Tensor {
  return tensor(data, { ...options, dtype: options.dtype ?? x.dtype, device: options.device ?? x.backend });
}

/** PyTorch's old constructors: of sizes (filled with zeros), or of data. */
export interface TensorConstructor {
  /** Of values in nested arrays or a typed array, converted to the dtype. */
  (data: Exclude<TensorData, number | bigint | boolean>): Tensor;
  /** Of these sizes; without sizes, of no elements. */
  (...size: readonly number[]): Tensor;
}

function constructorOf(dtype: DType): TensorConstructor {
  return ((...args: readonly unknown[]): Tensor => {
    if (args.length === 0) return zeros([0], { dtype });
    if (typeof args[0] !== "number") return tensor(args[0] as TensorData, { dtype });
    const [shape] = sizesOf("a tensor", args as SizeArgs<CreationOptions>);
    return zeros(shape, { dtype });
  }) as TensorConstructor;
}

/** float32 tensors: `FloatTensor(2, 3)`, `FloatTensor([[1, 2], [3, 4]])`. */
export const FloatTensor: TensorConstructor = constructorOf(float32);
/** float64 tensors, as {@linkcode FloatTensor}. */
export const DoubleTensor: TensorConstructor = constructorOf(float64);
/** float16 tensors, as {@linkcode FloatTensor}. */
export const HalfTensor: TensorConstructor = constructorOf(float16);
/** bfloat16 tensors, as {@linkcode FloatTensor}. */
export const BFloat16Tensor: TensorConstructor = constructorOf(bfloat16);
/** int32 tensors, as {@linkcode FloatTensor}. */
export const IntTensor: TensorConstructor = constructorOf(int32);
/** int64 tensors, as {@linkcode FloatTensor}. */
export const LongTensor: TensorConstructor = constructorOf(int64);
/** int16 tensors, as {@linkcode FloatTensor}. */
export const ShortTensor: TensorConstructor = constructorOf(int16);
/** int8 tensors, as {@linkcode FloatTensor}. */
export const CharTensor: TensorConstructor = constructorOf(int8);
/** uint8 tensors, as {@linkcode FloatTensor}. */
export const ByteTensor: TensorConstructor = constructorOf(uint8);
/** bool tensors, as {@linkcode FloatTensor}. */
export const BoolTensor: TensorConstructor = constructorOf(bool);
