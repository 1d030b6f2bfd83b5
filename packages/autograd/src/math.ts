/**
 * The few operations that derivative rows are written with: primitives under short names, numbers as scalars.
 *
 * @module
 */

import {
  type Attrs,
  type DType,
  type Inputs,
  normalizeDims,
  type Shape,
  type SingleName,
  type UnaryPrimitives,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, bindInto, constant } from "@flambeau/tensor/internal";

type Operand = Tensor | number;

function like(x: Tensor, y: Operand): Tensor {
  return typeof y === "number" ? constant(y, x.dtype, x.backend) : y;
}

/** A primitive over a gradient `g`: written over it where the row may spend it. */
export function over<P extends SingleName>(
  g: Tensor,
  spends: boolean,
  name: P,
  inputs: Inputs<P, Tensor>,
  attrs: Attrs<P>,
): Tensor {
  if (!spends) return bind(name, inputs, attrs) as Tensor;
  bindInto([g], name, inputs, attrs);
  return g;
}

/** x + y. */
export function add(x: Tensor, y: Operand): Tensor {
  return bind("add", [x, like(x, y)], null);
}
/** x − y. */
export function sub(x: Tensor, y: Operand): Tensor {
  return bind("sub", [x, like(x, y)], null);
}
/** y − x, for a number y. */
export function rsub(x: Tensor, y: number): Tensor {
  return bind("sub", [like(x, y), x], null);
}
/** x · y. */
export function mul(x: Tensor, y: Operand): Tensor {
  return bind("mul", [x, like(x, y)], null);
}
/** x / y. */
export function div(x: Tensor, y: Operand): Tensor {
  return bind("div", [x, like(x, y)], null);
}
/** xʸ. */
export function pow(x: Tensor, y: Operand): Tensor {
  return bind("pow", [x, like(x, y)], null);
}
/** A pointwise primitive of one input. */
export function unary(name: keyof UnaryPrimitives<unknown>, x: Tensor): Tensor {
  return bind(name as SingleName, [x] as never, null as never);
}
/** −x. */
export function neg(x: Tensor): Tensor {
  return bind("neg", [x], null);
}
/** x². */
export function square(x: Tensor): Tensor {
  return mul(x, x);
}
/** A comparison with a tensor or a number → bool. */
export function compare(name: "eq" | "ne" | "lt" | "le" | "gt" | "ge", x: Tensor, y: Operand): Tensor {
  return bind(name, [x, like(x, y)], null);
}
/** `x` where `cond`, else `y`. */
export function where(cond: Tensor, x: Tensor, y: Operand): Tensor {
  return bind("where", [cond, x, like(x, y)], null);
}
/** `x` where `cond`, else 0. */
export function keepWhere(cond: Tensor, x: Tensor): Tensor {
  return where(cond, x, 0);
}
/** A bool tensor in a float dtype. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : bind("cast", [x], { dtype });
}
/** Sum over `dims`, which may be negative. */
export function sum(x: Tensor, dims: Shape | null, keepdim = false): Tensor {
  const all = normalizeDims("sum", dims, x.shape.length);
  return bind("sum", [x], { dims: all, keepdim });
}
/** Another shape; copies when the strides do not allow it. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return bind("view", [x.isContiguous() ? x : bind("copy", [x], null)], { shape });
}
/** `x` repeated to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return bind("expand", [x], { shape });
}
/** A tensor of one value, like `x` in dtype and device. */
export function full(x: Tensor, shape: Shape, value: number): Tensor {
  const scalar = constant(value, x.dtype, x.backend);
  return bind("expand", [scalar], { shape });
}
/** Zeros with memory of their own. */
export function zeros(x: Tensor, shape: Shape): Tensor {
  return bind("copy", [full(x, shape, 0)], null);
}
/** The last two dimensions exchanged. */
export function transpose(x: Tensor): Tensor {
  const n = x.shape.length;
  const dims = x.shape.map((_, i) => i);
  dims[n - 1] = n - 2;
  dims[n - 2] = n - 1;
  return bind("permute", [x], { dims });
}
/** Batched matrix product. */
export function matmul(x: Tensor, y: Tensor): Tensor {
  return bind("matmul", [x, y], null);
}
/** The piece `[start, stop)` of dimension `dim`. */
export function narrow(x: Tensor, dim: number, start: number, stop: number): Tensor {
  return bind("slice", [x], {
    starts: x.shape.map((_, d) => d === dim ? start : 0),
    stops: x.shape.map((n, d) => d === dim ? stop : n),
    steps: x.shape.map(() => 1),
  });
}
/** Elements in reverse order along `dim`. */
export function flip(x: Tensor, dim: number): Tensor {
  return bind("flip", [x], { dims: [dim] });
}
/** A reduced tensor with its lost dimensions put back as size 1. */
export function restore(x: Tensor, shape: Shape, dims: Shape, keepdim: boolean): Tensor {
  if (keepdim) return x;
  return reshape(x, shape.map((n, d) => dims.includes(d) ? 1 : n));
}
