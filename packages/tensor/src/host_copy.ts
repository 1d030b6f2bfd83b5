/**
 * Copies of integers and truth values that came from the host, beside tensors of devices that cannot be read at once.
 *
 * Indices and masks mostly come from the host. With their copy they can be checked, and masks applied, at the call on
 * such a device too. A copy counts as long as nothing was written to the storage.
 *
 * @module
 */

import { allocateData, type DataArray, type DType, numelOf, viewData } from "@flambeau/core";
import type { Storage } from "./storage.ts";
import type { Tensor } from "./tensor.ts";

/** Elements beyond which no copy is kept: 4 MiB of int32. */
const MOST_ELEMENTS = 2 ** 20;

/** Elements of a whole storage, as they were at `version`. */
interface Copy {
  readonly version: number;
  readonly dtype: DType;
  readonly data: DataArray;
}

const copies = new WeakMap<Storage, Copy>();

/** Notes what was just written to a whole storage, if it is worth it. `bytes` are in storage form. */
export function noteHostCopy(storage: Storage, dtype: DType, bytes: Uint8Array): void {
  if (storage.backend.canReadSync || dtype.kind === "float") return;
  const count = bytes.byteLength / dtype.itemsize;
  if (count > MOST_ELEMENTS) return;
  const own = bytes.slice();
  copies.set(storage, { version: storage.version, dtype, data: viewData(dtype, own.buffer, 0, count) });
}

/** True when a copy of the elements of `x` is kept. */
export function hasHostCopy(x: Tensor): boolean {
  const copy = copies.get(x.storage);
  return copy !== undefined && copy.version === x.storage.version && copy.dtype === x.dtype;
}

/** The elements of `x` in row-major order, if a copy of them is kept. */
export function hostCopy(x: Tensor): DataArray | null {
  if (!hasHostCopy(x)) return null;
  const { data } = copies.get(x.storage)!;
  const count = numelOf(x.shape);
  if (x.isContiguous()) return data.slice(x.offset, x.offset + count);
  const elements = allocateData(x.dtype, count);
  const counter = x.shape.map(() => 0);
  let at = x.offset;
  for (let i = 0; i < count; i++) {
    elements[i] = data[at]!;
    for (let d = x.shape.length - 1; d >= 0; d--) {
      at += x.strides[d]!;
      if (++counter[d]! < x.shape[d]!) break;
      at -= x.strides[d]! * x.shape[d]!;
      counter[d] = 0;
    }
  }
  return elements;
}
