/**
 * What the tests of this package share.
 *
 * @module
 */

import {
  type Backend,
  type DataArray,
  type DType,
  dtypeOf,
  packHalf,
  type Shape,
  viewData,
} from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { registerBackend, type Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";

/** The backend of the tests. */
export const reference: Backend = createReferenceBackend();
registerBackend(reference);

/** A reference backend under another name and with fewer dtypes. */
export function poorBackend(...names: string[]): Backend {
  return Object.defineProperties(createReferenceBackend(), {
    name: { value: "poor" },
    dtypes: { value: new Set(names.map(dtypeOf)) },
  });
}

/** A tensor on the reference backend from numbers. */
export function make(values: readonly number[], shape: Shape, dtype: DType): Tensor {
  return fromData(encode(values, dtype), shape, dtype);
}

/** Numbers in the storage form of `dtype`. */
export function encode(values: readonly number[], dtype: DType): DataArray {
  if (dtype.name === "int64") return BigInt64Array.from(values, BigInt);
  if (dtype.name === "float16" || dtype.name === "bfloat16") return packHalf(dtype, values);
  const out = viewData(dtype, new ArrayBuffer(values.length * dtype.itemsize), 0, values.length);
  (out as Float64Array).set(values);
  return out;
}
