/**
 * How many elements are true: what sizes of results depend on.
 *
 * @module
 */

import { bool, int32, numelOf, type Shape } from "@flambeau/core";
import { bind } from "../bind.ts";
import { castTo } from "../coerce.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { itemSync } from "./data.ts";

/** How many elements are not 0, read on the host. */
export function truthCount(x: Tensor): number {
  if (numelOf(x.shape) === 0) return 0;
  let total = 0;
  temporaries(() => {
    const dims: Shape = x.shape.map((_, dim) => dim);
    const ones = castTo(castTo(x, bool), int32);
    total = itemSync(bind("sum", [ones], { dims, keepdim: false }));
    return null;
  });
  return total;
}
