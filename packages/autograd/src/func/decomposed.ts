/**
 * Fused primitives inside transforms, by what they are made of.
 *
 * @module
 */

import { decompositions } from "@flambeau/compiler";
import { formatType, type FusedName, type Name, NotImplementedError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, creatingOn, temporaries } from "@flambeau/tensor/internal";
import { eachResult, type Level, type Results } from "./level.ts";

/**
 * Applies a fused primitive at `level` by its decomposition, whose steps are not recorded there.
 *
 * @param lift Makes a result that does not depend on the tensors of the level one of them.
 */
export function decomposed(
  level: Level,
  name: Name,
  inputs: readonly Tensor[],
  attrs: unknown,
  lift: (x: Tensor) => Tensor,
): Results {
  const rule = decompositions[name as FusedName] as unknown as
    | ((apply: typeof bind, inputs: readonly Tensor[], attrs: unknown) => Results)
    | undefined;
  if (rule === undefined) {
    throw new NotImplementedError(
      `Cannot ${name} ${inputs.map(formatType).join(", ")} inside ${level.kind}: it has no rule`,
    );
  }
  const { paused } = level;
  level.paused = true;
  try {
    return creatingOn(
      inputs[0]!.backend,
      () =>
        temporaries(() =>
          eachResult(rule(bind, inputs, attrs), (x) => {
            if (inputs.some((input) => input.storage === x.storage)) return lift(bind("copy", [x], null));
            x.base = null;
            return lift(x);
          })
        ),
    );
  } finally {
    level.paused = paused;
  }
}
