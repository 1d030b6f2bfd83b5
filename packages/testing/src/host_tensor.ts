/**
 * Tensors on the host: what samples are made of and what results are compared as.
 *
 * @module
 */

import {
  allocateData,
  type Aval,
  bfloat16FromBits,
  bool,
  contiguousStrides,
  type DataArray,
  type DType,
  float16,
  float16FromBits,
  numelOf,
  packHalf,
  type Shape,
} from "@flambeau/core";

/** A tensor without a device. */
export interface HostTensor extends Aval {
  /** The elements in row-major order, in the storage form of the dtype. */
  readonly data: DataArray;
}

/** An element: a bigint of int64, else a number (0 or 1 of bool). */
export type Element = number | bigint;

/**
 * A tensor that holds `values` in row-major order. Floats round to the dtype, integers keep their low bits, bool is `≠ 0`.
 *
 * @throws {RangeError} If there are more or fewer values than places.
 */
export function hostTensor(
  values: ArrayLike<Element | boolean>,
  shape: Shape,
  dtype: DType,
): HostTensor {
  if (values.length !== numelOf(shape)) {
    throw new RangeError(`Cannot make ${dtype.name}[${shape.join(", ")}] of ${values.length} values`);
  }
  const data = allocateData(dtype, values.length);
  if (data instanceof BigInt64Array) {
    for (let i = 0; i < data.length; i++) data[i] = BigInt(values[i]!);
  } else if (dtype === bool) {
    for (let i = 0; i < data.length; i++) data[i] = Number(values[i]) !== 0 ? 1 : 0;
  } else if (data instanceof Uint16Array) {
    packHalf(dtype, Array.from(values, Number), data);
  } else {
    const wraps = dtype.kind === "int";
    for (let i = 0; i < data.length; i++) {
      const value = values[i]!;
      data[i] = Number(wraps && typeof value === "bigint" ? BigInt.asIntN(32, value) : value);
    }
  }
  return { shape, dtype, data };
}

/** Element `i` in row-major order. */
export function elementOf({ dtype, data }: HostTensor, i: number): Element {
  const stored = data[i]!;
  if (!(data instanceof Uint16Array)) return stored;
  return dtype === float16 ? float16FromBits(stored as number) : bfloat16FromBits(stored as number);
}

/** All elements in row-major order as numbers; int64 rounds to the nearest. */
export function numbersOf(x: HostTensor): number[] {
  return Array.from({ length: x.data.length }, (_, i) => Number(elementOf(x, i)));
}

/** All elements in row-major order. */
export function elementsOf(x: HostTensor): Element[] {
  return Array.from({ length: x.data.length }, (_, i) => elementOf(x, i));
}

/** How an operand lies in its memory. */
export interface Geometry {
  /** Elements to step, by dimension. */
  readonly strides: Shape;
  /** Elements before the first one. */
  readonly offset: number;
}

/** Calls `visit` with the place of every element of `shape`, in row-major order. */
export function eachPlace(shape: Shape, { strides, offset }: Geometry, visit: (place: number) => void): void {
  const index = shape.map(() => 0);
  let place = offset;
  for (let left = numelOf(shape); left > 0; left--) {
    visit(place);
    for (let d = shape.length - 1; d >= 0; d--) {
      place += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      place -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
}

/** The elements that a geometry sees over the elements of `x`, as a tensor of `shape`. */
export function seenBy(x: HostTensor, shape: Shape, geometry: Geometry): HostTensor {
  const data = allocateData(x.dtype, numelOf(shape));
  let i = 0;
  eachPlace(shape, geometry, (place) => data[i++] = x.data[place]!);
  return { shape, dtype: x.dtype, data };
}

/** The geometry of `x` in row-major order. */
export function denseGeometry({ shape }: Aval): Geometry {
  return { strides: contiguousStrides(shape), offset: 0 };
}
