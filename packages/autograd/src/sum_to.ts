/**
 * Undoing broadcasts: gradients return to the shape of the input.
 *
 * @module
 */

import { type Aval, shapesEqual } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, castTo } from "@flambeau/tensor/internal";

/** `g` summed over the dimensions along which the input was repeated, in the input's dtype. */
export function sumTo(g: Tensor, input: Aval): Tensor {
  let out = g;
  if (!shapesEqual(g.shape, input.shape)) {
    const extra = g.shape.length - input.shape.length;
    const dims: number[] = [];
    for (let d = 0; d < g.shape.length; d++) {
      if (d < extra || (input.shape[d - extra] === 1 && g.shape[d] !== 1)) dims.push(d);
    }
    const keepdim = dims.length > extra;
    if (dims.length > 0) out = bind("sum", [out], { dims, keepdim });
    // A gradient smaller than the input is the same for all elements.
    if (extra > 0 && keepdim) out = bind("view", [out], { shape: out.shape.slice(extra) });
    if (!shapesEqual(out.shape, input.shape)) out = bind("expand", [out], { shape: input.shape });
  }
  return castTo(out, input.dtype);
}
