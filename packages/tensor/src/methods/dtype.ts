/**
 * Methods about element types.
 *
 * @module
 */

import type { DType } from "@flambeau/core";
import * as ops from "../ops/dtype.ts";
import type { Tensor } from "../tensor.ts";
import { DataMethods } from "./data.ts";

/** `float`, `int`, `bool` … and questions about the dtype. */
export class DTypeMethods extends DataMethods {
  /** See {@linkcode ops.toFloat}. */
  float(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toFloat(this, options);
  }
  /** See {@linkcode ops.toDouble}. */
  double(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toDouble(this, options);
  }
  /** See {@linkcode ops.toHalf}. */
  half(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toHalf(this, options);
  }
  /** See {@linkcode ops.toBfloat16}. */
  bfloat16(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toBfloat16(this, options);
  }
  /** See {@linkcode ops.toInt}. */
  int(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toInt(this, options);
  }
  /** See {@linkcode ops.toLong}. */
  long(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toLong(this, options);
  }
  /** See {@linkcode ops.toShort}. */
  short(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toShort(this, options);
  }
  /** See {@linkcode ops.toChar}. */
  char(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toChar(this, options);
  }
  /** See {@linkcode ops.toByte}. */
  byte(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toByte(this, options);
  }
  /** See {@linkcode ops.toBool}. */
  bool(this: Tensor, options?: ops.ConversionOptions): Tensor {
    return ops.toBool(this, options);
  }
  /** See {@linkcode ops.typeAs}. */
  typeAs(this: Tensor, other: Tensor): Tensor {
    return ops.typeAs(this, other);
  }
  /** See {@linkcode ops.typeOf}. */
  type(this: Tensor): string;
  /** See {@linkcode ops.typeOf}: the form that converts. */
  type(this: Tensor, dtype: DType | string): Tensor;
  /** Implementation of both forms. */
  type(this: Tensor, dtype?: DType | string): Tensor | string {
    return dtype === undefined ? ops.typeOf(this) : ops.typeOf(this, dtype);
  }
  /** See {@linkcode ops.isFloatingPoint}. */
  isFloatingPoint(this: Tensor): boolean {
    return ops.isFloatingPoint(this);
  }
  /** See {@linkcode ops.isComplex}. */
  isComplex(this: Tensor): boolean {
    return ops.isComplex(this);
  }
  /** See {@linkcode ops.isSigned}. */
  isSigned(this: Tensor): boolean {
    return ops.isSigned(this);
  }
  /** Number of elements. */
  nelement(this: Tensor): number {
    return ops.numel(this);
  }
  /** Number of dimensions. */
  ndimension(this: Tensor): number {
    return this.shape.length;
  }
  /** Bytes of one element. */
  elementSize(this: Tensor): number {
    return this.dtype.itemsize;
  }
  /** Bytes of one element, as a property. */
  get itemsize(): number {
    return this.dtype.itemsize;
  }
  /** Bytes of all elements. */
  get nbytes(): number {
    return this.numel() * this.dtype.itemsize;
  }
}
