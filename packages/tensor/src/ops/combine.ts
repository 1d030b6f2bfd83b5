/**
 * Choices of elements: `combinations`, `cartesianProd`.
 *
 * @module
 */

import { formatType, int32, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { requireInteger, requireTensor } from "../coerce.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { expandTo, owned, promoteAll, reshapeTo, tensorsOf, viewAsShape } from "./building.ts";
import { fromData } from "./data.ts";
import { stack } from "./join.ts";

/** Options of {@linkcode combinations}. */
export interface CombinationsOptions {
  /** How many elements are chosen. Default 2. */
  readonly r: number;
  /** Whether an element may be chosen again. Default false. */
  readonly withReplacement: boolean;
}

/**
 * All ways to choose `r` elements of a vector, in order, one a row.
 *
 * @throws {ShapeError} If `x` is no vector.
 * @throws {ValueError} If `r` is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.combinations.html
 */
export function combinations(
  x: Tensor,
  ...args: Args<CombinationsOptions, ["r", "withReplacement"]>
): Tensor {
  requireTensor("combinations", "input", x);
  const { r = 2, withReplacement = false } = named<CombinationsOptions>("combinations", args, [
    "r",
    "withReplacement",
  ]);
  if (x.shape.length !== 1) {
    throw new ShapeError(
      `Cannot take combinations of ${formatType(x)}: it must be a vector, got rank ${x.shape.length}`,
    );
  }
  if (requireInteger("combinations", "r", r) < 0) {
    throw new ValueError(`Cannot take combinations: r must be >= 0, got ${r}`);
  }
  return temporaries(() => {
    if (r === 0) return bind("slice", [x], { starts: [0], stops: [0], steps: [1] });
    const places = choices(x.shape[0]!, r, withReplacement);
    const index = fromData(Int32Array.from(places), [places.length], int32, x.device);
    const chosen = bind("indexSelect", [x, index], { dim: 0 });
    return owned(viewAsShape(chosen, [places.length / r, r], "StackBackward0"));
  });
}

/** All ascending choices of `r` numbers below `n`, one behind the other. */
function choices(n: number, r: number, withReplacement: boolean): number[] {
  const out: number[] = [];
  const chosen: number[] = [];
  const extend = (least: number) => {
    if (chosen.length === r) {
      out.push(...chosen);
      return;
    }
    for (let i = least; i < n; i++) {
      chosen.push(i);
      extend(withReplacement ? i : i + 1);
      chosen.pop();
    }
  };
  extend(0);
  return out;
}

/**
 * All ways to choose one element of each vector, one a row; of one vector, its elements.
 *
 * @throws {ShapeError} If one is no vector.
 * @see https://pytorch.org/docs/stable/generated/torch.cartesian_prod.html
 */
export function cartesianProd(...tensors: readonly Tensor[]): Tensor {
  const list = tensorsOf("cartesianProd", tensors);
  for (const x of list) {
    if (x.shape.length !== 1) {
      throw new ShapeError(
        `Cannot cartesianProd ${formatType(x)}: it must be a vector, got rank ${x.shape.length}`,
      );
    }
  }
  if (list.length === 0) {
    throw new ValueError("Cannot cartesianProd nothing: there must be a tensor, got none");
  }
  if (list.length === 1) return list[0]!;
  return temporaries(() => {
    const shape = list.map((x) => x.shape[0]!);
    const columns = promoteAll(list).map((x, i) => {
      const apart = viewAsShape(x, shape.map((size, k) => k === i ? size : 1));
      return reshapeTo(expandTo("cartesianProd", apart, shape), [shape.reduce((n, size) => n * size, 1)]);
    });
    return stack(columns, 1);
  });
}
