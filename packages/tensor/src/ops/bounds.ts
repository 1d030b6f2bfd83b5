/**
 * Index tensors on the host: their values, and the check that they lie inside.
 *
 * An index out of range throws at the call where the device can be read at once, or the indices came from the host.
 * Indices that such a device computed itself are not checked: kernels must not reach outside by themselves.
 *
 * @module
 */

import { type DataArray, DTypeError, formatType, IndexError, int32, int64, numelOf } from "@flambeau/core";
import { castTo } from "../coerce.ts";
import { hostCopy } from "../host_copy.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead, isReadable, plainOf, transforms } from "../transform.ts";
import { contiguousData, dataSync } from "./data.ts";

/** Values of an index tensor in row-major order. */
export type IndexValues = Int32Array | Float64Array;

/**
 * The elements of a tensor of integers or truth values; null where they cannot be had at once: on a device that cannot be
 * read, unless they came from the host.
 */
export function elementsNow(x: Tensor): DataArray | null {
  return canRead(x) ? dataSync(x) : hostCopy(x);
}

/** The values of an integer tensor in row-major order; null where they cannot be had at once. */
export function indexValues(index: Tensor): IndexValues | null {
  const data = elementsNow(index);
  if (data === null) return null;
  if (data instanceof Int32Array) return data;
  if (index.dtype !== int64) return Int32Array.from(data as ArrayLike<number>);
  // Halves of the 64-bit words: several times faster than bigints.
  const words = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  const values = new Float64Array(data.length);
  for (let i = 0; i < values.length; i++) values[i] = words[2 * i + 1]! * 2 ** 32 + (words[2 * i]! >>> 0);
  return values;
}

/** As {@linkcode indexValues}, of all batches inside `vmap`: for checks. */
export function allIndexValues(index: Tensor): IndexValues | null {
  return indexValues(plainOf(index));
}

/**
 * `index` in a dtype that primitives take as an index.
 *
 * @throws {DTypeError} If it does not have an integer dtype.
 */
export function indexTensor(op: string, index: Tensor): Tensor {
  if (index.dtype === int32 || index.dtype === int64) return index;
  if (index.dtype.kind === "int") return castTo(index, int32);
  throw new DTypeError(
    `Cannot ${op} by ${formatType(index)}: index must have an integer dtype, got ${index.dtype.name}`,
  );
}

/**
 * Whether the device itself finds that all of `index`, of all batches inside `vmap`, lie in `0 … size - 1`. False also
 * where it cannot look at them.
 */
export function areInside(index: Tensor, size: number): boolean {
  const plain = plainOf(index);
  const { backend, dtype } = plain;
  if (backend.areInside === undefined || (dtype !== int32 && dtype !== int64)) return false;
  if (plain.isContiguous()) return backend.areInside(plain, size);
  let inside = false;
  temporaries(() => {
    inside = backend.areInside!(contiguousData(plain), size);
    return null;
  });
  return inside;
}

/** Least and largest of some values. */
function extent(values: IndexValues): [least: number, largest: number] {
  let [least, largest] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (values[i]! < least) least = values[i]!;
    if (values[i]! > largest) largest = values[i]!;
  }
  return [least, largest];
}

/** The error about an index that is out of range. */
export function outOfBounds(op: string, x: Tensor, index: number, dim: number, size: number): IndexError {
  return new IndexError(
    `Cannot ${op} ${formatType(x)}: index ${index} is out of bounds for dimension ${dim} with size ${size}`,
  );
}

/**
 * Checks that all of `index` lie in `0 … size - 1`, where the device can be read at once.
 *
 * @param dim What the message calls the dimension.
 * @throws {IndexError} If one does not.
 */
export function checkBounds(op: string, x: Tensor, index: Tensor, dim: number, size: number): void {
  if (numelOf(index.shape) === 0 || areInside(index, size)) return;
  const values = allIndexValues(index);
  if (values === null) return;
  const [least, largest] = extent(values);
  if (least < 0) throw outOfBounds(op, x, least, dim, size);
  if (largest >= size) throw outOfBounds(op, x, largest, dim, size);
}

/**
 * What `step` gives, one primitive that uses `index`, which must lie in `0 … size - 1`. Where the device looks at indices while
 * it uses them, nothing is looked at before; elsewhere they are checked first.
 *
 * @param dim What the message calls the dimension.
 * @throws {IndexError} If one does not.
 */
export function withinBounds(
  op: string,
  x: Tensor,
  index: Tensor,
  dim: number,
  size: number,
  step: () => Tensor,
): Tensor {
  if (transforms.active !== null || x.backend.areInside === undefined) {
    checkBounds(op, x, index, dim, size);
    return step();
  }
  try {
    return step();
  } catch (error) {
    // In the words of the operation that was asked for.
    if (error instanceof IndexError) checkBounds(op, x, index, dim, size);
    throw error;
  }
}

/**
 * As {@linkcode checkBounds}, where negative indices count from the end.
 *
 * @returns The values with negative ones turned around; null when there are none, or they cannot be read. Inside `vmap`
 *   they are only checked.
 * @throws {IndexError} If one is outside `-size … size - 1`.
 */
export function wrapBounds(
  op: string,
  x: Tensor,
  index: Tensor,
  dim: number,
  size: number,
): IndexValues | null {
  if (numelOf(index.shape) === 0 || areInside(index, size)) return null;
  const values = allIndexValues(index);
  if (values === null) return null;
  const [least, largest] = extent(values);
  if (least < -size) throw outOfBounds(op, x, least, dim, size);
  if (largest >= size) throw outOfBounds(op, x, largest, dim, size);
  return least < 0 && isReadable(index) ? values.map((value) => value < 0 ? value + size : value) : null;
}
