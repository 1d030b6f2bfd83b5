/**
 * Names of recorded steps: composites call themselves what PyTorch calls them.
 *
 * @module
 */

import type { Tensor } from "./tensor.ts";

/** Names the step that made `x`, if one was recorded: `relabel(y, "MeanBackward0")`. Gives `x`. */
export function relabel<T extends Tensor>(x: T, name: string): T {
  const node = x.gradMeta === null ? null : x.gradMeta.node;
  if (node !== null) node.name = name;
  return x;
}
