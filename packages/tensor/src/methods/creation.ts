/**
 * Methods that make tensors after this one, and diagonals of it.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import type { Scalar } from "../coerce.ts";
import * as creation from "../ops/creation.ts";
import * as fromData from "../ops/from_data.ts";
import type { CreationOptions, SizeArgs } from "../ops/making.ts";
import * as structured from "../ops/structured.ts";
import type { Tensor } from "../tensor.ts";
import { DTypeMethods } from "./dtype.ts";

/** `newZeros`, `newFull`, `newTensor` …, `diag`. */
export class CreationMethods extends DTypeMethods {
  /** See {@linkcode creation.newZeros}. */
  newZeros(this: Tensor, ...args: SizeArgs<CreationOptions>): Tensor {
    return creation.newZeros(this, ...args);
  }
  /** See {@linkcode creation.newOnes}. */
  newOnes(this: Tensor, ...args: SizeArgs<CreationOptions>): Tensor {
    return creation.newOnes(this, ...args);
  }
  /** See {@linkcode creation.newEmpty}. */
  newEmpty(this: Tensor, ...args: SizeArgs<CreationOptions>): Tensor {
    return creation.newEmpty(this, ...args);
  }
  /** See {@linkcode creation.newFull}. */
  newFull(
    this: Tensor,
    size: Shape | number,
    fillValue: Scalar,
    options?: CreationOptions,
  ): Tensor {
    return creation.newFull(this, size, fillValue, options);
  }
  /** See {@linkcode fromData.newTensor}. */
  newTensor(this: Tensor, data: fromData.TensorData, options?: CreationOptions): Tensor {
    return fromData.newTensor(this, data, options);
  }
  /** See {@linkcode structured.diag}. */
  diag(this: Tensor, diagonal?: number | { readonly diagonal?: number }): Tensor {
    return structured.diag(this, diagonal);
  }
  /** See {@linkcode structured.diagflat}. */
  diagflat(this: Tensor, offset?: number | { readonly offset?: number }): Tensor {
    return structured.diagflat(this, offset);
  }
}
