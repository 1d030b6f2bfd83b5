/**
 * Methods that move values: copies, dtypes, devices, reading.
 *
 * @module
 */

import { type DataArray, type DType, float64, int64 } from "@flambeau/core";
import type { Scalar } from "../coerce.ts";
import type { DeviceLike } from "../device.ts";
import { AutogradMethods } from "./autograd.ts";
import * as ops from "../ops/data.ts";
import type { Tensor } from "../tensor.ts";

/** Copies, dtypes, devices, reading. */
export class DataMethods extends AutogradMethods {
  /** See {@linkcode ops.clone}. */
  clone(this: Tensor): Tensor {
    return ops.clone(this);
  }
  /** See {@linkcode ops.contiguous}. */
  contiguous(this: Tensor): Tensor {
    return ops.contiguous(this);
  }
  /** See {@linkcode ops.detach}. */
  detach(this: Tensor): Tensor {
    return ops.detach(this);
  }
  /** See {@linkcode ops.copy_}. */
  copy_(this: Tensor, source: Tensor | Scalar): Tensor {
    return ops.copy_(this, source);
  }
  /** See {@linkcode ops.fill_}. */
  fill_(this: Tensor, value: Scalar | Tensor): Tensor {
    return ops.fill_(this, value);
  }
  /** See {@linkcode ops.zero_}. */
  zero_(this: Tensor): Tensor {
    return ops.zero_(this);
  }
  /** See {@linkcode ops.to}. */
  to(
    this: Tensor,
    target: DType | DeviceLike | Tensor | ops.ToOptions,
    ...rest: [(DType | ops.ToOptions)?, ops.ToOptions?]
  ): Tensor {
    return ops.to(this, target, ...rest);
  }
  /** The tensor on the device called `"cpu"`: itself when it is there. */
  cpu(this: Tensor): Tensor {
    return ops.to(this, "cpu");
  }
  /** See {@linkcode ops.data}. */
  data(this: Tensor): Promise<DataArray> {
    return ops.data(this);
  }
  /** See {@linkcode ops.dataSync}. */
  dataSync(this: Tensor): DataArray {
    return ops.dataSync(this);
  }
  /** See {@linkcode ops.numpy}. */
  numpy(this: Tensor): DataArray {
    return ops.numpy(this);
  }
  /** See {@linkcode ops.item}. */
  item(this: Tensor): Promise<number> {
    return ops.item(this);
  }
  /** See {@linkcode ops.itemSync}. */
  itemSync(this: Tensor): number {
    return ops.itemSync(this);
  }
  /** See {@linkcode ops.toArray}. */
  toArray(this: Tensor): Promise<ops.Nested> {
    return ops.toArray(this);
  }
  /** See {@linkcode ops.toArraySync}. */
  toArraySync(this: Tensor): ops.Nested {
    return ops.toArraySync(this);
  }
  /** See {@linkcode ops.toArraySync}. */
  tolist(this: Tensor): ops.Nested {
    return ops.toArraySync(this);
  }
  /**
   * What `JSON.stringify` writes: nested arrays of numbers. JSON has no NaN and no infinity: they become null.
   *
   * @throws {DeviceError} If the device cannot be read at once: give `JSON.stringify` what `await x.toArray()` gives.
   */
  toJSON(this: Tensor): ops.Nested {
    return ops.toArraySync(this.dtype === int64 ? ops.to(this, float64) : this);
  }
}
