/**
 * Indexing as a plan: what `x[…]` means, before anything is computed.
 *
 * Integers, slices, new axes and `...` become views: at most one `slice` and one `view`. Index arrays, index tensors and
 * masks become one gather over the result of these. The rules are PyTorch's, which are NumPy's with one difference:
 * an integer selects first, so it never counts as one of the index arrays. A mask takes as many dimensions as it has
 * wherever it stands, as in NumPy; PyTorch loses count of what follows a mask of rank 2 or more.
 *
 * @module
 * @see https://numpy.org/doc/stable/user/basics.indexing.html
 */

import {
  type Attrs,
  bool,
  type DType,
  formatShape,
  formatType,
  IndexError,
  int32,
  int64,
  numelOf,
  type Shape,
  shapesEqual,
  tryBroadcast,
  uint8,
} from "@flambeau/core";
import type { ElementValue } from "../elements.ts";
import { type NestedData, type NumericArray, parseNested } from "../nested.ts";
import { parseSlice, resolveSlice, Slice } from "./slice.ts";

/** What planning sees of an index tensor. */
export interface IndexTensor {
  /** Sizes. */
  readonly shape: Shape;
  /** `int32` or `int64` for indices, `bool` or `uint8` for a mask; of rank 0, any integer type for an index. */
  readonly dtype: DType;
}

/**
 * One index: an integer, a slice (`"1:3"`, `slice(1, 3)`), `"..."`, `null` for a new axis, `true` or `false` for a mask
 * without dimensions, an array of integers or booleans (nested or typed), or a tensor of these.
 */
export type IndexItem<T extends IndexTensor> =
  | number
  | bigint
  | string
  | null
  | boolean
  | Slice
  | NumericArray
  | readonly NestedData[]
  | T;

/** A view primitive with its attributes. */
export type IndexStep =
  | { readonly name: "slice"; readonly attrs: Attrs<"slice"> }
  | { readonly name: "view"; readonly attrs: Attrs<"view"> };

/** Where the indices of one dimension, or the places of a mask over several, come from. */
export type IndexSource<T> =
  /** Known indices, row-major, checked and not negative. Index one dimension. */
  | { readonly kind: "constant"; readonly shape: Shape; readonly values: Int32Array }
  /** A tensor of indices, unchecked and maybe negative. Indexes one dimension. */
  | { readonly kind: "tensor"; readonly shape: Shape; readonly tensor: T }
  /**
   * A mask over `shape.length` dimensions: stands for as many index vectors, the columns of its nonzero places. A tensor
   * of rank 0 counts as `[1]`.
   */
  | { readonly kind: "mask"; readonly shape: Shape; readonly tensor: T };

/**
 * A gather: with `y` the view permuted by `order`, `k` the number of `sizes`, and all indices broadcast together to `B`,
 * `out[a…, b…, c…] = y[a…, i₁[b…], …, i_k[b…], c…]`, where `a…` are `start` dimensions and `b…` those of `B`.
 */
export interface AdvancedIndex<T> {
  /** Permutation that brings the indexed dimensions together; null when they lie together. */
  readonly order: readonly number[] | null;
  /** Dimension of `y` where the indexed dimensions begin, and where those of `B` stand in the result. */
  readonly start: number;
  /** Sizes of the indexed dimensions, in the order of `y`. */
  readonly sizes: Shape;
  /** Their indices, in this order; a mask takes as many of `sizes` as it has dimensions. */
  readonly indices: readonly IndexSource<T>[];
}

/** What to do for an index expression. */
export interface IndexPlan<T> {
  /** Views to take, one of the other; none means the tensor as it is, under a new handle. */
  readonly steps: readonly IndexStep[];
  /** Shape after the views. */
  readonly shape: Shape;
  /** The gather from the views; null when the result is a view. */
  readonly advanced: AdvancedIndex<T> | null;
}

/** How {@linkcode planIndex} plans. */
export interface PlanOptions<T> {
  /**
   * Reads an integer tensor of rank 0. A number makes it an integer, so that it gives a view as in PyTorch; null leaves
   * it to the gather, which gives the same values and shape.
   */
  readonly readIndex?: ((tensor: T) => number | null) | undefined;
}

/** Shapes of a gather once it is known how many elements its masks choose. */
export interface AdvancedShape {
  /** What the indices broadcast to. */
  readonly broadcast: Shape;
  /** The shape of the result. */
  readonly shape: Shape;
}

/**
 * Plans `x[items…]` for a tensor `x` of `shape`.
 *
 * @throws {IndexError} If there are too many indices, one is out of range, a mask does not have the sizes that it masks,
 *   index arrays do not broadcast together, or an item is no index.
 * @throws {ValueError} If the step of a slice is not positive.
 */
export function planIndex<T extends IndexTensor>(
  shape: Shape,
  items: readonly IndexItem<T>[],
  options: PlanOptions<T> = {},
): IndexPlan<T> {
  const parsed = items.map((item, i) => parseItem(shape, item, i, options.readIndex));
  const planner = new Planner<T>(shape, checkedCount(shape, parsed));
  for (const item of parsed) planner.add(item);
  return planner.finish();
}

/**
 * The shapes that a plan's gather gives.
 *
 * @param counts Number of elements that each mask chooses, in the order of `advanced.indices`.
 * @throws {IndexError} If the indices do not broadcast together.
 */
export function advancedShape<T>(plan: IndexPlan<T>, counts: readonly number[] = []): AdvancedShape {
  if (plan.advanced === null) return { broadcast: [], shape: plan.shape };
  const { order, start, sizes, indices } = plan.advanced;
  let mask = 0;
  const shapes = indices.flatMap(({ kind, shape }): Shape[] => {
    if (kind !== "mask") return [shape];
    const count = counts[mask++]!;
    return shape.map(() => [count]);
  });
  const broadcast = broadcastIndices(shapes);
  const permuted = order === null ? plan.shape : order.map((axis) => plan.shape[axis]!);
  return {
    broadcast,
    shape: [...permuted.slice(0, start), ...broadcast, ...permuted.slice(start + sizes.length)],
  };
}

/** An index, understood but not yet applied to a dimension. */
type ParsedItem<T> =
  | { readonly kind: "ellipsis" | "newAxis" }
  | { readonly kind: "int"; readonly index: number }
  | { readonly kind: "slice"; readonly slice: Slice }
  | { readonly kind: "ints"; readonly shape: Shape; readonly values: ArrayLike<ElementValue> }
  | { readonly kind: "bools"; readonly shape: Shape; readonly values: ArrayLike<ElementValue> }
  | { readonly kind: "tensor" | "mask"; readonly shape: Shape; readonly tensor: T };

function parseItem<T extends IndexTensor>(
  shape: Shape,
  item: IndexItem<T>,
  position: number,
  readIndex?: (tensor: T) => number | null,
): ParsedItem<T> {
  if (item === null) return { kind: "newAxis" };
  if (typeof item === "boolean") return { kind: "bools", shape: [], values: [item] };
  if (typeof item === "bigint" || (typeof item === "number" && Number.isInteger(item))) {
    return { kind: "int", index: Number(item) || 0 }; // 0 for −0
  }
  if (item instanceof Slice) return { kind: "slice", slice: item };
  if (typeof item === "string") {
    if (item.trim() === "...") return { kind: "ellipsis" };
    const slice = parseSlice(item);
    if (slice !== null) return { kind: "slice", slice };
  } else if (Array.isArray(item) || ArrayBuffer.isView(item)) {
    return parseArray(shape, item as readonly NestedData[] | NumericArray);
  } else if (isIndexTensor(item)) {
    return parseTensor(shape, item as T, readIndex);
  }
  throw failure(
    shape,
    `indices must be integers, slices such as "1:3", "...", null, booleans, arrays or tensors of integers or booleans, got ` +
      `${typeof item === "string" ? JSON.stringify(item) : String(item)} at position ${position}`,
  );
}

function parseArray<T>(shape: Shape, item: readonly NestedData[] | NumericArray): ParsedItem<T> {
  const { dtype, ...data } = parseNested(item);
  if (isMask(dtype)) return { kind: "bools", ...data };
  if (dtype.kind === "int" || data.values.length === 0) return { kind: "ints", ...data };
  throw failure(
    shape,
    `arrays used as indices must hold integers or booleans, got ${formatType({ dtype, ...data })}`,
  );
}

function parseTensor<T extends IndexTensor>(
  shape: Shape,
  tensor: T,
  readIndex: (tensor: T) => number | null = () => null,
): ParsedItem<T> {
  const { dtype, shape: sizes } = tensor;
  if (isMask(dtype)) return { kind: "mask", shape: sizes, tensor };
  if (dtype !== int32 && dtype !== int64 && (dtype.kind !== "int" || sizes.length > 0)) {
    throw failure(
      shape,
      `tensors used as indices must be int32, int64, bool or uint8, got ${formatType(tensor)}`,
    );
  }
  const index = sizes.length === 0 ? readIndex(tensor) : null;
  return index === null ? { kind: "tensor", shape: sizes, tensor } : { kind: "int", index };
}

function isIndexTensor(item: unknown): item is IndexTensor {
  return typeof item === "object" && item !== null && "shape" in item && "dtype" in item;
}

function isMask(dtype: DType): boolean {
  return dtype === bool || dtype === uint8;
}

/** Number of dimensions that an item takes from the tensor. */
function taken<T>(item: ParsedItem<T>): number {
  if (item.kind === "ellipsis" || item.kind === "newAxis") return 0;
  return item.kind === "bools" || item.kind === "mask" ? item.shape.length : 1;
}

/** Number of dimensions that all items take. */
function checkedCount<T>(shape: Shape, items: readonly ParsedItem<T>[]): number {
  const count = items.reduce((sum, item) => sum + taken(item), 0);
  const ellipses = items.filter((item) => item.kind === "ellipsis").length;
  if (ellipses > 1) throw failure(shape, `an index can only have a single "...", got ${ellipses}`);
  if (count > shape.length) {
    const why = shape.length === 0 && items.length === 1 && items[0]!.kind === "int"
      ? "invalid index of a 0-dim tensor, use item() to read its value"
      : `too many indices for tensor of dimension ${shape.length}, got ${count}`;
    throw failure(shape, why);
  }
  return count;
}

/** An index source at the axes of the view from `axis` on. */
interface Placed<T> {
  readonly axis: number;
  readonly source: IndexSource<T>;
  /** An integer in a tensor: gathers with the others, but does not say where their dimensions go. */
  readonly selects: boolean;
}

class Planner<T> {
  readonly #input: Shape;
  /** Dimensions that `...` stands for. */
  readonly #hidden: number;
  readonly #starts: number[] = [];
  readonly #stops: number[] = [];
  readonly #steps: number[] = [];
  /** Sizes after `slice`, one for each dimension of the input so far. */
  readonly #sliced: number[] = [];
  /** Sizes after `view`. */
  readonly #axes: number[] = [];
  readonly #placed: Placed<T>[] = [];

  constructor(input: Shape, count: number) {
    this.#input = input;
    this.#hidden = input.length - count;
  }

  add(item: ParsedItem<T>): void {
    switch (item.kind) {
      case "ellipsis":
        return this.#keep(this.#hidden);
      case "newAxis":
        this.#axes.push(1);
        return;
      case "int":
        return this.#select(item.index);
      case "slice":
        return this.#slice(item.slice);
      case "ints":
        this.#place({ kind: "constant", shape: item.shape, values: this.#indices(item.values) });
        return this.#keep(1);
      case "bools":
        return this.#addMask(item.shape, item.values);
      case "tensor":
        this.#place({ kind: "tensor", shape: item.shape, tensor: item.tensor }, item.shape.length === 0);
        return this.#keep(1);
      case "mask":
        this.#checkMask(item.shape);
        this.#place({ kind: "mask", shape: item.shape.length === 0 ? [1] : item.shape, tensor: item.tensor });
        if (item.shape.length === 0) this.#axes.push(1);
        return this.#keep(item.shape.length);
      default:
        return item satisfies never;
    }
  }

  finish(): IndexPlan<T> {
    this.#keep(this.#input.length - this.#sliced.length);
    const [shape, sliced] = [this.#axes, this.#sliced];
    const steps: IndexStep[] = [];
    if (!shapesEqual(sliced, this.#input)) {
      steps.push({ name: "slice", attrs: { starts: this.#starts, stops: this.#stops, steps: this.#steps } });
    }
    if (!shapesEqual(shape, sliced)) steps.push({ name: "view", attrs: { shape } });
    const advanced = this.#placed.length === 0 ? null : this.#gather();
    return { steps, shape, advanced };
  }

  #gather(): AdvancedIndex<T> {
    const indexed = this.#placed.flatMap(({ axis, source, selects }) =>
      Array.from(
        { length: source.kind === "mask" ? source.shape.length : 1 },
        (_, i) => ({ axis: axis + i, selects }),
      )
    );
    const all = this.#axes.map((_, axis) => axis);
    const kept = all.filter((axis) => !indexed.some((entry) => entry.axis === axis));
    // Broadcast dimensions stand where the indices stand when these are neighbours, else in front.
    const placing = indexed.filter(({ selects }) => !selects).map(({ axis }) => axis);
    const between = kept.filter((axis) => axis > placing[0]! && axis < placing.at(-1)!);
    const start = placing.length === 0 || between.length > 0
      ? 0
      : kept.filter((axis) => axis < placing[0]!).length;
    const order = [...kept.slice(0, start), ...indexed.map(({ axis }) => axis), ...kept.slice(start)];
    const indices = this.#placed.map(({ source }) => source);
    broadcastIndices(indices.flatMap(({ kind, shape }) => kind === "mask" ? [] : [shape]));
    return {
      order: shapesEqual(order, all) ? null : order,
      start,
      sizes: indexed.map(({ axis }) => this.#axes[axis]!),
      indices,
    };
  }

  #place(source: IndexSource<T>, selects: boolean = false): void {
    this.#placed.push({ axis: this.#axes.length, source, selects });
  }

  #range(start: number, stop: number, step: number, length: number): void {
    this.#starts.push(start);
    this.#stops.push(stop);
    this.#steps.push(step);
    this.#sliced.push(length);
  }

  #keep(count: number): void {
    for (let i = 0; i < count; i++) {
      const size = this.#input[this.#sliced.length]!;
      this.#range(0, size, 1, size);
      this.#axes.push(size);
    }
  }

  #slice(slice: Slice): void {
    const { start, stop, step, length } = resolveSlice(slice, this.#input[this.#sliced.length]!);
    this.#range(start, stop, step, length);
    this.#axes.push(length);
  }

  #select(index: number): void {
    const place = this.#checkIndex(index);
    this.#range(place, place + 1, 1, 1);
  }

  #indices(values: ArrayLike<ElementValue>): Int32Array {
    const out = new Int32Array(values.length);
    for (let i = 0; i < out.length; i++) out[i] = this.#checkIndex(Number(values[i]));
    return out;
  }

  /** An index into the next dimension, counted from its front. */
  #checkIndex(index: number): number {
    const dim = this.#sliced.length;
    const size = this.#input[dim]!;
    if (index < -size || index >= size) {
      throw failure(this.#input, `index ${index} is out of bounds for dimension ${dim} with size ${size}`);
    }
    return index < 0 ? index + size : index;
  }

  #checkMask(mask: Shape): void {
    const dim = this.#sliced.length;
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] === this.#input[dim + i]) continue;
      throw failure(
        this.#input,
        `the shape of the mask ${
          formatShape(mask)
        } at index ${i} does not match the shape of the indexed tensor ` +
          `${formatShape(this.#input)} at index ${dim + i}`,
      );
    }
  }

  /** A known mask is the index vectors of its nonzero places, one for each of its dimensions. */
  #addMask(mask: Shape, values: ArrayLike<ElementValue>): void {
    this.#checkMask(mask);
    const places = Array.from({ length: numelOf(mask) }, (_, i) => i).filter((i) => Boolean(values[i]));
    if (mask.length === 0) { // indexes a new axis of size 1
      this.#place({ kind: "constant", shape: [places.length], values: Int32Array.from(places) });
      this.#axes.push(1);
      return;
    }
    let inner = numelOf(mask);
    for (const size of mask) {
      inner /= size;
      const column = Int32Array.from(places, (place) => Math.floor(place / inner) % size);
      this.#place({ kind: "constant", shape: [places.length], values: column });
      this.#keep(1);
    }
  }
}

function broadcastIndices(shapes: readonly Shape[]): Shape {
  let out: Shape = [];
  for (const shape of shapes) {
    const next = tryBroadcast(out, shape);
    if (next === null) {
      const listed = shapes.filter((other) => other.length > 0).map(formatShape).join(", ");
      throw new IndexError(
        `Cannot index: shape mismatch: indexing tensors could not be broadcast together with shapes ${listed}`,
      );
    }
    out = next;
  }
  return out;
}

function failure(shape: Shape, why: string): IndexError {
  return new IndexError(`Cannot index a tensor of shape ${formatShape(shape)}: ${why}`);
}
