/**
 * Distinct values, with where they came from and how often. How many there are is read on the host.
 *
 * @module
 */

import { bool, formatType, int32, normalizeDim, numelOf, ShapeError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { castTo, requireTensor } from "../coerce.ts";
import { elementReader } from "../elements.ts";
import { noGrad } from "../grad_mode.ts";
import { executeOn } from "../immediate.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { owned, permuteTo, reshapeTo, sliceDim } from "./building.ts";
import { dataSync } from "./data.ts";
import { fromNumbers } from "./making.ts";
import { nonzero } from "./nonzero.ts";
import { like } from "./reducing.ts";

/** Options of {@linkcode uniqueConsecutive}. */
export interface ConsecutiveOptions {
  /** Also give, for each element, the place of its value in the result. Default false. */
  readonly returnInverse?: boolean;
  /** Also give how often each value occurs. Default false. */
  readonly returnCounts?: boolean;
  /** Compare whole slices along this dimension; null or none: elements. */
  readonly dim?: number | null;
}

/** Options of {@linkcode unique}. */
export interface UniqueOptions extends ConsecutiveOptions {
  /** Results are in ascending order; they always are. */
  readonly sorted?: boolean;
}

/** Distinct values, and for each element the group that it belongs to, computed when it is asked for. */
interface Groups {
  readonly values: Tensor;
  readonly inverse: () => Tensor;
}

/**
 * The distinct values in ascending order; or `[values, inverse?, counts?]` when more is asked for. Every NaN is distinct.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.unique.html
 */
export function unique(
  x: Tensor,
  ...args: Args<UniqueOptions & { returnInverse?: false; returnCounts?: false }, ["sorted"]>
): Tensor;
/** The form that gives a list. */
export function unique(
  x: Tensor,
  ...args: Args<UniqueOptions, ["sorted", "returnInverse", "returnCounts", "dim"]>
): Tensor[];
/** Implementation of both forms. */
export function unique(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  requireTensor("unique", "input", x);
  const options = named<UniqueOptions>("unique", args, ["sorted", "returnInverse", "returnCounts", "dim"]);
  return grouped("unique", x, options, true);
}

/**
 * The values without those that equal the one before; or `[values, inverse?, counts?]` when more is asked for.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.unique_consecutive.html
 */
export function uniqueConsecutive(
  x: Tensor,
  ...args: Args<ConsecutiveOptions & { returnInverse?: false; returnCounts?: false }, []>
): Tensor;
/** The form that gives a list. */
export function uniqueConsecutive(
  x: Tensor,
  ...args: Args<ConsecutiveOptions, ["returnInverse", "returnCounts", "dim"]>
): Tensor[];
/** Implementation of both forms. */
export function uniqueConsecutive(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  requireTensor("uniqueConsecutive", "input", x);
  const names = ["returnInverse", "returnCounts", "dim"] as const;
  return grouped("uniqueConsecutive", x, named<ConsecutiveOptions>("uniqueConsecutive", args, names), false);
}

function grouped(op: string, x: Tensor, options: ConsecutiveOptions, sorting: boolean): Tensor | Tensor[] {
  const { dim = null, returnInverse = false, returnCounts = false } = options;
  const results = temporaries(() =>
    noGrad(() => {
      const { values, inverse } = dim === null ? elements(x, sorting) : slices(op, x, dim, sorting);
      if (!returnInverse && !returnCounts) return [values];
      const count = values.shape[dim === null ? 0 : normalizeDim(op, dim, x.shape.length)]!;
      const groups = inverse();
      return [
        values,
        ...(returnInverse ? [dim === null ? owned(reshapeTo(groups, x.shape)) : groups] : []),
        ...(returnCounts ? [countsOf(reshapeTo(groups, [numelOf(groups.shape)]), count)] : []),
      ];
    })
  );
  return results.length === 1 ? results[0]! : results;
}

/** How often each of `count` groups occurs. */
function countsOf(inverse: Tensor, count: number): Tensor {
  const zeros = executeOn(inverse.backend, "full", { shape: [count], value: 0, dtype: int32 });
  const ones = executeOn(inverse.backend, "full", { shape: inverse.shape, value: 1, dtype: int32 });
  return bind("indexReduce", [zeros, inverse, ones], { dim: 0, reduce: "sum" });
}

/** Groups of equal elements: sorted, those that differ from the one before begin a group. */
function elements(x: Tensor, sorting: boolean): Groups {
  const size = numelOf(x.shape);
  const flat = reshapeTo(x, [size]);
  if (size === 0) {
    return {
      values: bind("copy", [flat], null),
      inverse: () => executeOn(x.backend, "full", { shape: [0], value: 0, dtype: int32 }),
    };
  }
  const [sorted, order] = sorting ? bind("sort", [flat], { dim: 0, descending: false }) : [flat, null];
  const differs = bind("ne", [sliceDim(sorted, 0, 1, size), sliceDim(sorted, 0, 0, size - 1)], null);
  const first = executeOn(x.backend, "full", { shape: [1], value: true, dtype: bool });
  const begins = bind("concat", [first, differs], { dim: 0 });
  const places = nonzero(begins);
  const starts = reshapeTo(places, [places.shape[0]!]);
  return {
    values: bind("indexSelect", [sorted, starts], { dim: 0 }),
    inverse: () => {
      const running = bind("cumsum", [castTo(begins, int32)], { dim: 0 });
      const group = bind("sub", [running, like(running, 1)], null);
      return order === null ? group : bind("indexReduce", [group, order, group], { dim: 0, reduce: "set" });
    },
  };
}

/** Groups of equal slices along `dim`, compared element by element on the host. */
function slices(op: string, x: Tensor, dimension: number, sorting: boolean): Groups {
  const dim = normalizeDim(op, dimension, x.shape.length);
  const count = x.shape[dim] ?? 1;
  if (count > 0 && numelOf(x.shape) === 0) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)} along dimension ${dim}: its slices must have elements, got none`,
    );
  }
  const width = count === 0 ? 0 : numelOf(x.shape) / count;
  // PyTorch compares the elements of a slice in the order that exchanging the dimension with the first one leaves.
  const front = x.shape.length === 0
    ? x
    : permuteTo(x, x.shape.map((_, d) => d === 0 ? dim : d === dim ? 0 : d));
  const at = elementReader(dataSync(front), x.dtype);
  const compare = (a: number, b: number): number => {
    for (let i = 0; i < width; i++) {
      const [p, q] = [at(a * width + i), at(b * width + i)];
      if (p !== q) return p < q ? -1 : 1;
    }
    return 0;
  };
  const order = Array.from({ length: count }, (_, i) => i);
  if (sorting) order.sort((a, b) => compare(a, b) || a - b);
  const inverse = new Array<number>(count);
  const starts: number[] = [];
  order.forEach((slice, i) => {
    if (i === 0 || compare(order[i - 1]!, slice) !== 0) starts.push(slice);
    inverse[slice] = starts.length - 1;
  });
  const options = { device: x.backend };
  const chosen = fromNumbers(starts, [starts.length], int32, options);
  return {
    values: x.shape.length === 0 ? bind("copy", [x], null) : bind("indexSelect", [x, chosen], { dim }),
    inverse: () => fromNumbers(inverse, [count], int32, options),
  };
}
