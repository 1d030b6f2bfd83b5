/**
 * Copies of a tensor along its dimensions: `repeat`, `tile`, `repeatInterleave`.
 *
 * @module
 */

import {
  formatShape,
  formatType,
  int32,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { requireInteger, requireTensor } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { dataSync, fromData } from "./data.ts";
import { type ListArgs, listOf } from "./lists.ts";
import { ravel } from "./view.ts";

/**
 * `repeats[i]` copies of `x` behind one another along each dimension; new dimensions may stand in front.
 *
 * @throws {ShapeError} If there are fewer entries than dimensions, or one is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.repeat.html
 */
export function repeat(x: Tensor, ...repeats: ListArgs<"repeats">): Tensor {
  requireTensor("repeat", "input", x);
  return repeated("repeat", x, listOf("repeat", "repeats", repeats));
}

function repeated(op: string, x: Tensor, repeats: readonly number[]): Tensor {
  const added = repeats.length - x.shape.length;
  if (added < 0 || repeats.some((n) => n < 0)) {
    throw new ShapeError(
      `Cannot ${op} ${
        formatType(x)
      }: there must be at least ${x.shape.length} numbers of copies, none negative, got ` +
        formatShape(repeats),
    );
  }
  // [s0, s1] → [1, s0, 1, s1] → [r0, s0, r1, s1] → [r0·s0, r1·s1]
  const apart: number[] = [];
  const wide: number[] = [];
  const shape: number[] = [];
  repeats.forEach((n, i) => {
    const size = i < added ? 1 : x.shape[i - added]!;
    apart.push(1, size);
    wide.push(n, size);
    shape.push(n * size);
  });
  return temporaries(() => {
    const spread = bind("expand", [bind("view", [x], { shape: apart })], { shape: wide });
    return unshared(bind("view", [bind("copy", [spread], null)], { shape }), "RepeatBackward0");
  });
}

/** A view of a copy that nobody else can hold. */
function unshared(x: Tensor, name: string): Tensor {
  x.base = null;
  return relabel(x, name);
}

/** {@linkcode repeat} where missing numbers of copies in front are 1. */
export function tile(x: Tensor, ...dims: ListArgs<"dims">): Tensor {
  requireTensor("tile", "input", x);
  const list = listOf("tile", "dims", dims);
  const missing = Math.max(x.shape.length - list.length, 0);
  return repeated("tile", x, [...new Array<number>(missing).fill(1), ...list]);
}

/** Options of {@linkcode repeatInterleave}. */
export interface RepeatInterleaveOptions {
  /** How often each element is repeated: one number, or one for each element of the dimension. */
  readonly repeats: number | Tensor;
  /** Along which dimension; null for the flattened tensor. Default null. */
  readonly dim: number | null;
  /** Size of the result along `dim`; must be right. */
  readonly outputSize: number | null;
}

/**
 * Each element of dimension `dim` repeated; without `dim`, of the flattened tensor. With nothing but a vector of counts:
 * the indices `0, 0, …, 1, …`.
 *
 * Counts in a tensor are read on the host, because they decide the size of the result.
 *
 * @throws {ValueError} If a count is negative, or there is not one for each element.
 * @throws {DeviceError} If counts in a tensor live on a device that cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.repeat_interleave.html
 */
export function repeatInterleave(
  x: Tensor,
  ...args: Args<RepeatInterleaveOptions, ["repeats", "dim"]>
): Tensor {
  requireTensor("repeatInterleave", "input", x);
  const { repeats, dim = null, outputSize = null } = named<RepeatInterleaveOptions>(
    "repeatInterleave",
    args,
    ["repeats", "dim"],
    ["outputSize"],
  );
  if (repeats === undefined) {
    if (x.shape.length !== 1) {
      throw new ShapeError(
        `Cannot repeatInterleave ${formatType(x)}: repeats must be 1-dimensional, got rank ${x.shape.length}`,
      );
    }
    return placesOf(x, countsOf(x, x.shape[0]!, outputSize));
  }
  return temporaries(() => {
    const source = dim === null ? ravel(x) : x;
    const d = normalizeDim("repeatInterleave", dim ?? 0, source.shape.length);
    if (!(repeats instanceof TensorHandle)) {
      return eachRepeated(source, d, requireInteger("repeatInterleave", "repeats", repeats));
    }
    const index = placesOf(x, countsOf(repeats as Tensor, source.shape[d] ?? 1, outputSize));
    const rows = source.shape.length === 0 ? ravel(source) : source;
    return relabel(bind("indexSelect", [rows, index], { dim: d }), "IndexSelectBackward0");
  });
}

function eachRepeated(x: Tensor, dim: number, count: number): Tensor {
  if (count < 0) {
    throw new ValueError(
      `Cannot repeatInterleave ${formatType(x)}: repeats must not be negative, got ${count}`,
    );
  }
  const shape: Shape = x.shape.length === 0 ? [1] : x.shape;
  const [before, after] = [shape.slice(0, dim + 1), shape.slice(dim + 1)];
  const spread = bind("expand", [bind("view", [x], { shape: [...before, 1, ...after] })], {
    shape: [...before, count, ...after],
  });
  const out = shape.map((size, i) => i === dim ? size * count : size);
  return unshared(bind("view", [bind("copy", [spread], null)], { shape: out }), "IndexSelectBackward0");
}

/** The counts, one for each of `size` elements. */
function countsOf(repeats: Tensor, size: number, outputSize: number | null): number[] {
  const wrong = (must: string, got: string) =>
    new ValueError(`Cannot repeatInterleave with repeats ${formatType(repeats)}: ${must}, got ${got}`);
  if (repeats.dtype.kind !== "int") throw wrong("they must be integers", repeats.dtype.name);
  if (repeats.shape.length > 1) {
    throw wrong("they must be a scalar or a vector", `rank ${repeats.shape.length}`);
  }
  if (numelOf(repeats.shape) !== size && numelOf(repeats.shape) !== 1) {
    throw wrong(`there must be one for each of ${size} elements`, `${numelOf(repeats.shape)}`);
  }
  const given = Array.from(dataSync(repeats) as ArrayLike<number | bigint>, Number);
  const counts = given.length === size ? given : new Array<number>(size).fill(given[0]!);
  const negative = counts.find((n) => n < 0);
  if (negative !== undefined) throw wrong("repeats can not be negative", `${negative}`);
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (outputSize !== null && outputSize !== total) {
    throw wrong(`they must sum to outputSize ${outputSize}`, `${total}`);
  }
  return counts;
}

/** `0` as often as `counts[0]`, then `1` …, on the device of `like`. */
function placesOf(like: Tensor, counts: readonly number[]): Tensor {
  const places = new Int32Array(counts.reduce((sum, n) => sum + n, 0));
  let at = 0;
  counts.forEach((n, i) => {
    places.fill(i, at, at + n);
    at += n;
  });
  return fromData(places, [places.length], int32, like.device);
}
