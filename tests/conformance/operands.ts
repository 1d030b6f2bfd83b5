/**
 * Between tensors on the host and tensors of a device: what the conformance tests put in and read out.
 *
 * @module
 */

import { type Backend, contiguousStrides, isContiguous, numelOf, type Shape, viewData } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { execute, makeTensor, Storage } from "@flambeau/tensor/internal";
import type { DType } from "@flambeau/core";
import type { Geometry, HostTensor, Placed } from "@flambeau/testing";

/** A tensor of `backend` over memory of its own, which holds what `placed` says. */
export function put(backend: Backend, placed: Placed): Tensor {
  const { tensor: { shape, dtype }, memory, strides, offset } = placed;
  const storage = new Storage(backend, [memory.length], dtype);
  if (memory.length > 0) backend.write(storage.buffer, 0, bytesOf(memory));
  return makeTensor(storage, shape, strides, offset, dtype);
}

/** A contiguous tensor of `backend`. */
export function putDense(backend: Backend, tensor: HostTensor): Tensor {
  const { shape, data } = tensor;
  return put(backend, { tensor, memory: data, strides: contiguousStrides(shape), offset: 0 });
}

/** A tensor over `length` elements of new memory, each byte of which is `fill`. */
export function blank(
  backend: Backend,
  shape: Shape,
  dtype: DType,
  { strides, offset }: Geometry,
  length: number,
  fill: number,
): Tensor {
  const storage = new Storage(backend, [length], dtype);
  if (length > 0) backend.write(storage.buffer, 0, new Uint8Array(length * dtype.itemsize).fill(fill));
  return makeTensor(storage, shape, strides, offset, dtype);
}

/** The elements of `x` in row-major order. */
export async function get(x: Tensor): Promise<HostTensor> {
  const { shape, dtype } = x;
  const size = numelOf(shape);
  if (size === 0) return { shape, dtype, data: viewData(dtype, new ArrayBuffer(0), 0, 0) };
  const packed = isContiguous(shape, x.strides) ? x : execute("copy", [x], null) as Tensor;
  const { itemsize } = dtype;
  const bytes = await x.backend.read(packed.buffer, packed.offset * itemsize, size * itemsize);
  if (packed !== x) packed.storage.dispose();
  return { shape, dtype, data: viewData(dtype, bytes.slice().buffer, 0, size) };
}

/** All bytes of the memory behind `x`. */
export function memoryOf(x: Tensor): Promise<Uint8Array> {
  const { bytes } = x.storage;
  return bytes === 0 ? Promise.resolve(new Uint8Array(0)) : x.backend.read(x.buffer, 0, bytes);
}

/** The bytes of a typed array. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** True when both hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
