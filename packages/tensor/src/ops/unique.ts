/**
 * Distinct values, with where they came from and how often. How many there are is read on the host.
 *
 * @module
 */

import { bool, formatType, int32, int64, normalizeDim, numelOf, ShapeError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { castTo, requireTensor } from "../coerce.ts";
import { elementReader } from "../elements.ts";
import { noGrad } from "../grad_mode.ts";
import { executeOn } from "../immediate.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { areInside } from "./bounds.ts";
import { expandTo, owned, permuteTo, reshapeTo, sliceDim } from "./building.ts";
import { dataSync, itemSync } from "./data.ts";
import { fromNumbers } from "./making.ts";
import { nonzero } from "./nonzero.ts";
import { fold, like } from "./reducing.ts";

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

/** Distinct values, and what is computed when it is asked for: for each element the group that it belongs to, and sizes. */
interface Groups {
  readonly values: Tensor;
  readonly inverse: () => Tensor;
  readonly counts: () => Tensor;
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
      const { values, inverse, counts } = dim !== null
        ? slices(op, x, dim, sorting)
        : (sorting ? fewIntegers(x) : null) ?? elements(x, sorting);
      const results = [values];
      if (returnInverse) results.push(dim === null ? owned(reshapeTo(inverse(), x.shape)) : inverse());
      if (returnCounts) results.push(counts());
      return results;
    })
  );
  return results.length === 1 ? results[0]! : results;
}

/** Sizes of groups that begin at `starts`, among `size` elements. */
function sizesOf(starts: Tensor, size: number): Tensor {
  const end = executeOn(starts.backend, "full", { shape: [1], value: size, dtype: int32 });
  const ends = bind("concat", [sliceDim(starts, 0, 1, starts.shape[0]!), end], { dim: 0 });
  return bind("sub", [ends, starts], null);
}

/** Integers as int32, less the least of them, which is 0 or more places below the largest. */
interface Offsets {
  readonly least: number;
  readonly size: number;
  readonly offsets: Tensor;
}

/** The offsets of integers from the least of them; null where they lie further apart than they are many. */
function offsetsOf(x: Tensor): Offsets | null {
  const flat = reshapeTo(x, [numelOf(x.shape)]);
  const at = { dims: [0], keepdim: false };
  const narrow = x.dtype !== int64 || areInside(flat, 2 ** 31 - 1) ? castTo(flat, int32) : flat;
  const least = Number(itemSync(fold("amin", narrow, at)));
  const size = Number(itemSync(fold("amax", narrow, at))) - least + 1;
  if (size > numelOf(x.shape) || !Number.isSafeInteger(least)) return null;
  const offsets = least === 0 ? narrow : bind("sub", [narrow, like(narrow, least)], null);
  return { least, size, offsets: castTo(offsets, int32) };
}

/** Groups of many integers that lie close together: counted. */
function fewIntegers(x: Tensor): Groups | null {
  if (x.dtype.kind !== "int" || numelOf(x.shape) < 64) return null;
  const found = offsetsOf(x);
  if (found === null) return null;
  const { least, size, offsets } = found;
  const zeros = executeOn(x.backend, "full", { shape: [size], value: 0, dtype: int32 });
  const one = expandTo("unique", like(offsets, 1), offsets.shape);
  const counts = bind("indexReduce", [zeros, offsets, one], { dim: 0, reduce: "sum" });
  const present = bind("ne", [counts, like(counts, 0)], null);
  const list = nonzero(present);
  const places = reshapeTo(list, [list.shape[0]!]);
  const above = castTo(places, x.dtype);
  return {
    values: bind("add", [above, like(above, least)], null),
    inverse: () => {
      const running = bind("cumsum", [castTo(present, int32)], { dim: 0 });
      const numbers = bind("sub", [running, like(running, 1)], null);
      return bind("indexSelect", [numbers, offsets], { dim: 0 });
    },
    counts: () => bind("indexSelect", [counts, places], { dim: 0 }),
  };
}

/** Groups of equal elements: sorted, those that differ from the one before begin a group. */
function elements(x: Tensor, sorting: boolean): Groups {
  const size = numelOf(x.shape);
  const flat = reshapeTo(x, [size]);
  if (size === 0) {
    const none = () => executeOn(x.backend, "full", { shape: [0], value: 0, dtype: int32 });
    return { values: bind("copy", [flat], null), inverse: none, counts: none };
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
    counts: () => sizesOf(starts, size),
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
    counts: () => {
      const sizes = new Array<number>(starts.length).fill(0);
      for (const group of inverse) sizes[group]!++;
      return fromNumbers(sizes, [starts.length], int32, options);
    },
  };
}
