/**
 * Parameters seen as one vector. Results live until they are disposed of, outside of all scopes.
 *
 * @module
 */

import { keep, type Tensor } from "@flambeau/tensor";
import { bind, bindInto, executeOn, temporaries } from "@flambeau/tensor/internal";
import { add_ } from "./update.ts";

/** A result that outlives the scopes around, without what was made on the way. */
export function made(body: () => Tensor): Tensor {
  return keep(temporaries(body));
}

/** The gradients of `params` behind one another; zeros for those that have none. */
export function flatGrad(params: readonly Tensor[]): Tensor {
  return made(() => {
    const parts = params.map((param) => {
      const { grad } = param;
      const shape = [param.numel()];
      if (grad === null) return executeOn(param.backend, "full", { shape, value: 0, dtype: param.dtype });
      return bind("view", [grad.isContiguous() ? grad : bind("copy", [grad], null)], { shape });
    });
    return bind("concat", parts, { dim: 0 });
  });
}

/** params ← params + factor · direction, with `direction` of all their elements. */
export function addFlat(params: readonly Tensor[], direction: Tensor, factor: number): void {
  let start = 0;
  for (const param of params) {
    const stop = start + param.numel();
    const part = bind("slice", [direction], { starts: [start], stops: [stop], steps: [1] });
    add_(param, bind("view", [part], { shape: param.shape }), factor);
    start = stop;
  }
}

/** Sets `params` back to copies of them. */
export function restore(params: readonly Tensor[], copies: readonly Tensor[]): void {
  params.forEach((param, i) => bindInto([param], "copy", [copies[i]!], null));
}

/** Σ x · y of vectors, as a scalar. */
export function dot(x: Tensor, y: Tensor): Tensor {
  return made(() => bind("sum", [bind("mul", [x, y], null)], { dims: [0], keepdim: false }));
}

/** max |x| of a vector, as a scalar. */
export function largest(x: Tensor): Tensor {
  return made(() => bind("amax", [bind("abs", [x], null)], { dims: [0], keepdim: false }));
}

/** Σ |x| of a vector, as a scalar. */
export function absoluteSum(x: Tensor): Tensor {
  return made(() => bind("sum", [bind("abs", [x], null)], { dims: [0], keepdim: false }));
}
