/**
 * Names of recorded steps: composites call themselves what PyTorch calls them.
 *
 * @module
 */

import { gradMode } from "./grad_mode.ts";
import type { Tensor } from "./tensor.ts";

/** Names the step that made `x`, if one was recorded: `relabel(y, "MeanBackward0")`. Gives `x`. */
export function relabel<T extends Tensor>(x: T, name: string): T {
  const node = x.gradMeta === null ? null : x.gradMeta.node;
  if (node !== null) node.name = name;
  return x;
}

/** Names the step that has just written `x` in place, if it was recorded. What wrote a view stays a `CopySlices`. */
export function relabelInto(x: Tensor, name: string): void {
  if (gradMode.enabled && x.base === null) relabel(x, name);
}
