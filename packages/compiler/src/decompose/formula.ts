/**
 * What decompositions are written with: arithmetic on values that takes plain numbers, reshapes, reductions.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Bind,
  bool,
  type DType,
  type FusedName,
  type Inputs,
  type Outputs,
  type Shape,
} from "@flambeau/core";

/**
 * What a fused primitive means: the same result by core and view primitives, or by fused ones further down.
 *
 * Outputs have the shapes and dtypes of the primitive's shape rule, are contiguous, and never alias an input.
 */
export type Decomposition<P extends FusedName> = <T extends Aval>(
  bind: Bind<T>,
  inputs: Inputs<P, T>,
  attrs: Attrs<P>,
) => Outputs<P, T>;

/** A value, or a number that takes the dtype of the value it meets. */
export type Term<T> = T | number;

/** The primitives that formulas use, over one `bind`. Numbers become scalars of the other operand's dtype. */
export class Formula<T extends Aval> {
  /** Where the primitives go. */
  readonly bind: Bind<T>;

  /** @param bind Where the primitives go. */
  constructor(bind: Bind<T>) {
    this.bind = bind;
  }

  /** A scalar of `dtype`. */
  scalar(value: number | bigint | boolean, dtype: DType): T {
    return this.full([], value, dtype);
  }

  /** A tensor of one value. */
  full(shape: Shape, value: number | bigint | boolean, dtype: DType): T {
    return this.bind("full", [], { shape, value, dtype });
  }

  /** `start, start + step, …`, `size` of them. */
  iota(start: number, step: number, size: number, dtype: DType): T {
    return this.bind("iota", [], { start, step, size, dtype });
  }

  /** x + y. */
  add(x: T, y: Term<T>): T {
    return this.bind("add", [x, this.#like(y, x)], null);
  }

  /** x − y. */
  sub(x: T, y: Term<T>): T {
    return this.bind("sub", [x, this.#like(y, x)], null);
  }

  /** x · y. */
  mul(x: T, y: Term<T>): T {
    return this.bind("mul", [x, this.#like(y, x)], null);
  }

  /** x / y. */
  div(x: T, y: Term<T>): T {
    return this.bind("div", [x, this.#like(y, x)], null);
  }

  /** The larger; NaN if either is. */
  maximum(x: T, y: Term<T>): T {
    return this.bind("maximum", [x, this.#like(y, x)], null);
  }

  /** The smaller; NaN if either is. */
  minimum(x: T, y: Term<T>): T {
    return this.bind("minimum", [x, this.#like(y, x)], null);
  }

  /** x = y. */
  eq(x: T, y: Term<T>): T {
    return this.bind("eq", [x, this.#like(y, x)], null);
  }

  /** x <= y. */
  le(x: T, y: Term<T>): T {
    return this.bind("le", [x, this.#like(y, x)], null);
  }

  /** `x` where `cond`, else `y`; one of both is a value. */
  where(cond: T, x: Term<T>, y: Term<T>): T {
    const dtype = typeof x !== "number" ? x.dtype : typeof y !== "number" ? y.dtype : bool;
    return this.bind("where", [cond, this.#of(x, dtype), this.#of(y, dtype)], null);
  }

  /** −x. */
  neg(x: T): T {
    return this.bind("neg", [x], null);
  }

  /** eˣ. */
  exp(x: T): T {
    return this.bind("exp", [x], null);
  }

  /** Natural logarithm. */
  log(x: T): T {
    return this.bind("log", [x], null);
  }

  /** A contiguous copy. */
  copy(x: T): T {
    return this.bind("copy", [x], null);
  }

  /** x in another dtype; x itself when it has it. */
  cast(x: T, dtype: DType): T {
    return x.dtype === dtype ? x : this.bind("cast", [x], { dtype });
  }

  /** Another shape over a value known to be contiguous, such as a fresh result. */
  view(x: T, shape: Shape): T {
    return this.bind("view", [x], { shape });
  }

  /** Another shape over a value of any strides: a copy, then a view of it. */
  reshape(x: T, shape: Shape): T {
    return this.view(this.copy(x), shape);
  }

  /** Dimensions in another order. */
  permute(x: T, dims: Shape): T {
    return this.bind("permute", [x], { dims });
  }

  /** The last two dimensions exchanged. */
  transpose(x: T): T {
    const dims = range(0, x.shape.length);
    dims.push(dims.pop()!, dims.pop()!);
    return this.permute(x, dims);
  }

  /** Sum over `dims`, kept with size 1 unless `keepdim` is false. A copy when there are none. */
  sum(x: T, dims: Shape, keepdim = true): T {
    return dims.length === 0 ? this.copy(x) : this.bind("sum", [x], { dims, keepdim });
  }

  /** Largest value over `dims`, kept with size 1 unless `keepdim` is false. */
  amax(x: T, dims: Shape, keepdim = true): T {
    return this.bind("amax", [x], { dims, keepdim });
  }

  /** Matrix product. */
  matmul(x: T, y: T): T {
    return this.bind("matmul", [x, y], null);
  }

  #like(y: Term<T>, x: T): T {
    return this.#of(y, x.dtype);
  }

  #of(y: Term<T>, dtype: DType): T {
    return typeof y === "number" ? this.scalar(y, dtype) : y;
  }
}

/** `start, …, stop − 1`. */
export function range(start: number, stop: number): number[] {
  return Array.from({ length: Math.max(stop - start, 0) }, (_, i) => start + i);
}

/** Product of `sizes`; 1 of none. */
export function product(sizes: Shape): number {
  return sizes.reduce((a, b) => a * b, 1);
}
