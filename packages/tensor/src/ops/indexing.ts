/**
 * `x[…]` and `x[…] = value`: `index`, `setIndex`, `indexPut`.
 *
 * Integers, slices, new axes and `"..."` give views; index arrays, index tensors and masks gather along one dimension
 * that merges all indexed ones.
 *
 * @module
 */

import {
  ArgumentTypeError,
  bool,
  contiguousStrides,
  DTypeError,
  formatShape,
  formatType,
  IndexError,
  int32,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
  tryBroadcast,
  viewStrides,
} from "@flambeau/core";
import { bind, bindInto, replaceValue } from "../bind.ts";
import { castTo, constant, describe, isScalar, requireTensor, type Scalar } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { hasHostCopy } from "../host_copy.ts";
import {
  type AdvancedIndex,
  advancedShape,
  type IndexItem,
  type IndexPlan,
  type IndexSource,
  planIndex,
} from "../indexing/plan.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead, requireReadable, transforms } from "../transform.ts";
import {
  elementsNow,
  indexTensor,
  type IndexValues,
  indexValues,
  outOfBounds,
  wrapBounds,
} from "./bounds.ts";
import { expandTo, owned, permuteTo, reshapeTo, viewAsShape } from "./building.ts";
import { copy_, fromData } from "./data.ts";
import { truthCount } from "./truth_count.ts";

/** What stands between the brackets of `x[…]`. */
export type Index = IndexItem<Tensor>;

function planFor(x: Tensor, items: readonly Index[]): IndexPlan<Tensor> {
  return planIndex(x.shape, items, {
    readIndex: (tensor) => {
      const elements = elementsNow(tensor);
      return elements === null ? null : Number(elements[0]);
    },
  });
}

/** The views of a plan, one of the other. */
function applyViews(x: Tensor, plan: IndexPlan<Tensor>): Tensor {
  if (plan.steps.length === 0) return relabel(bind("alias", [x], null), "AliasBackward0");
  let y = x;
  for (const step of plan.steps) {
    y = step.name === "slice" ? bind("slice", [y], step.attrs) : bind("view", [y], step.attrs);
  }
  const rank = plan.shape.length - x.shape.length;
  const name = rank > 0 ? "UnsqueezeBackward0" : rank < 0 ? "SelectBackward0" : "SliceBackward0";
  return relabel(y, name);
}

/**
 * Elements and parts of `x`, as Python's `x[…]`: integers, slices (`"1:3"`, `slice(1, 3)`), `null` for a new axis,
 * `"..."`, booleans, arrays and tensors of integers, and masks. Aliases `x` exactly where PyTorch does: when there are
 * no arrays, tensors or masks among the items.
 *
 * @throws {IndexError} If an index is out of range, or there are too many.
 * @throws {DeviceError} For a mask on a device that cannot be read at once, because it decides the size of the result.
 *
 * @example
 * ```ts
 * index(x, 0, "1:3", "...", null);
 * index(x, mask);
 * ```
 */
export function index(x: Tensor, ...items: readonly Index[]): Tensor {
  requireTensor("index", "input", x);
  const plan = planFor(x, items);
  const advanced = plan.advanced;
  if (advanced === null) return applyViews(x, plan);
  return temporaries(() => {
    const gather = resolve("index", x, plan, advanced);
    const flat = mergeIndexed(applyViews(x, plan), advanced);
    const rows = bind("indexSelect", [flat, gather.places], { dim: advanced.start });
    return owned(viewAsShape(rows, gather.shape, "IndexBackward0"));
  });
}

/** The gather of a plan, with its places in the one dimension that merges all indexed ones. */
interface Gather {
  /** int32 or int64, of rank 1, not negative. */
  readonly places: Tensor;
  /** What the indices broadcast to. */
  readonly broadcast: Shape;
  /** The shape of the result. */
  readonly shape: Shape;
}

/** `y` with its indexed dimensions brought together and merged into one, at `start`. */
function mergeIndexed(y: Tensor, { order, start, sizes }: AdvancedIndex<Tensor>): Tensor {
  const together = order === null ? y : permuteTo(y, order);
  return sizes.length === 1 ? together : reshapeTo(together, mergedShape(together.shape, start, sizes));
}

function mergedShape(shape: Shape, start: number, sizes: Shape): number[] {
  return [...shape.slice(0, start), numelOf(sizes), ...shape.slice(start + sizes.length)];
}

function resolve(op: string, x: Tensor, plan: IndexPlan<Tensor>, advanced: AdvancedIndex<Tensor>): Gather {
  const { indices, sizes } = advanced;
  const single = indices.length === 1 ? indices[0]! : null;
  if (single !== null && single.kind === "tensor" && isKnown(single.tensor)) {
    // One index tensor serves as it is, unless something in it counts from the end.
    const wrapped = wrapBounds(op, x, single.tensor, dimensionOf(advanced, 0), sizes[0]!);
    const { broadcast, shape } = advancedShape(plan);
    const count = [numelOf(broadcast)];
    const places = wrapped === null
      ? reshapeTo(indexTensor(op, single.tensor), count)
      : fromData(Int32Array.from(wrapped), count, int32, x.device);
    return { places: onDevice(places, x), broadcast, shape };
  }
  if (
    single !== null && single.kind === "mask" && canRead(single.tensor) && single.tensor.backend === x.backend
  ) {
    // The places of one mask, counted along all its dimensions at once.
    const list = reshapeTo(single.tensor, [numelOf(single.shape)]);
    const count = truthCount(list);
    const { broadcast, shape } = advancedShape(plan, [count]);
    const places = reshapeTo(bind("nonzero", [list], { count }), [count]);
    return { places, broadcast, shape };
  }
  const readable = indices.every((source) => source.kind === "constant" || isKnown(source.tensor));
  return readable && !isLong(x, indices)
    ? resolveOnHost(op, x, plan, advanced)
    : resolveOnDevice(op, x, plan, advanced);
}

/** True for tensors of indices that are too long to be read: the device itself looks whether they are inside. */
function isLong(x: Tensor, indices: readonly IndexSource<Tensor>[]): boolean {
  return x.backend.areInside !== undefined &&
    indices.every((source) => source.kind === "tensor" && source.tensor.backend === x.backend) &&
    indices.some((source) => numelOf(source.shape) >= 4096);
}

/** True when the elements of an index tensor can be had at once. */
function isKnown(index: Tensor): boolean {
  return canRead(index) || hasHostCopy(index);
}

function onDevice(places: Tensor, x: Tensor): Tensor {
  if (places.backend === x.backend) return places;
  throw new IndexError(
    `Cannot index ${formatType(x)} on ${x.device} by ${
      formatType(places)
    } on ${places.device}: indices must be on the ` +
      "same device",
  );
}

/** What a message calls the `k`-th indexed dimension: its place among the dimensions after the views. */
function dimensionOf({ order, start }: AdvancedIndex<Tensor>, k: number): number {
  return order === null ? start + k : order[start + k]!;
}

/** One list of places and its shape. */
interface Column {
  readonly shape: Shape;
  readonly values: IndexValues;
}

/** The places of a mask that are not 0, one column for each of its dimensions. */
function maskColumns(source: IndexSource<Tensor> & { readonly kind: "mask" }): Column[] {
  const values = elementsNow(source.tensor)!;
  const places: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) places.push(i);
  let inner = numelOf(source.shape);
  return source.shape.map((size) => {
    inner /= size;
    return {
      shape: [places.length],
      values: Int32Array.from(places, (place) => Math.floor(place / inner) % size),
    };
  });
}

function resolveOnHost(
  op: string,
  x: Tensor,
  plan: IndexPlan<Tensor>,
  advanced: AdvancedIndex<Tensor>,
): Gather {
  const { indices, sizes } = advanced;
  const columns: Column[] = [];
  const counts: number[] = [];
  for (const source of indices) {
    if (source.kind === "constant") columns.push(source);
    else if (source.kind === "mask") {
      const made = maskColumns(source);
      counts.push(made[0]!.values.length);
      columns.push(...made);
    } else {
      const k = columns.length;
      const wrapped = wrapBounds(op, x, source.tensor, dimensionOf(advanced, k), sizes[k]!);
      columns.push({ shape: source.shape, values: wrapped ?? indexValues(source.tensor)! });
    }
  }
  const { broadcast, shape } = advancedShape(plan, counts);
  const total = numelOf(broadcast);
  const places = new Int32Array(total);
  const strides = contiguousStrides(sizes);
  if (total > 0) {
    columns.forEach((column, k) => {
      if (sizes[k] === 0) throw outOfBounds(op, x, column.values[0] ?? 0, dimensionOf(advanced, k), 0);
      addColumn(places, broadcast, column, strides[k]!);
    });
  }
  return { places: fromData(places, [total], int32, x.device), broadcast, shape };
}

/** Adds `stride` times the values of `column`, broadcast, to `places`. */
function addColumn(places: Int32Array, broadcast: Shape, { shape, values }: Column, stride: number): void {
  if (values.length === places.length) {
    for (let i = 0; i < places.length; i++) places[i]! += values[i]! * stride;
    return;
  }
  const added = broadcast.length - shape.length;
  const own = contiguousStrides(shape);
  const steps = broadcast.map((_, d) => d < added || shape[d - added] === 1 ? 0 : own[d - added]!);
  const counter = new Array<number>(broadcast.length).fill(0);
  let at = 0;
  for (let i = 0; i < places.length; i++) {
    places[i]! += values[at]! * stride;
    for (let d = broadcast.length - 1; d >= 0; d--) {
      at += steps[d]!;
      if (++counter[d]! < broadcast[d]!) break;
      at -= steps[d]! * broadcast[d]!;
      counter[d] = 0;
    }
  }
}

/** The places by primitives: for devices that cannot be read at once. Their bounds cannot be checked. */
function resolveOnDevice(
  op: string,
  x: Tensor,
  plan: IndexPlan<Tensor>,
  advanced: AdvancedIndex<Tensor>,
): Gather {
  const { indices, sizes } = advanced;
  const { broadcast, shape } = advancedShape(
    plan,
    indices.flatMap((source) => source.kind === "mask" ? [refuse(op, x, source.tensor)] : []),
  );
  const strides = contiguousStrides(sizes);
  const number = (value: number) => constant(value, int32, x.backend);
  let places: Tensor | null = null;
  indices.forEach((source, k) => {
    // Inside vmap the places of all batches are checked.
    const wrapped = source.kind === "tensor"
      ? wrapBounds(op, x, source.tensor, dimensionOf(advanced, k), sizes[k]!)
      : null;
    const known = source.kind === "constant" ? source.values : wrapped;
    const given = known === null
      ? castTo((source as { tensor: Tensor }).tensor, int32)
      : fromData(Int32Array.from(known), source.shape, int32, x.device);
    const isTurned = known !== null || canRead((source as { tensor: Tensor }).tensor);
    const turned = isTurned ? given : bind(
      "where",
      [bind("lt", [given, number(0)], null), bind("add", [given, number(sizes[k]!)], null), given],
      null,
    );
    const term = strides[k] === 1 ? turned : bind("mul", [turned, number(strides[k]!)], null);
    places = places === null ? term : bind("add", [places, term], null);
  });
  const wide = expandTo("index", places!, broadcast);
  return { places: reshapeTo(wide, [numelOf(broadcast)]), broadcast, shape };
}

function refuse(op: string, x: Tensor, mask: Tensor): never {
  requireReadable(op, mask);
  throw new IndexError(
    `Cannot ${op} ${
      formatType(x)
    } by a mask on ${x.device} at once: the number of elements that it chooses must be read ` +
      "first; use where() or maskedFill(), or move the mask to the host",
  );
}

/** `value` as a tensor of the dtype and on the device of `x`. */
function valueFor(op: string, x: Tensor, value: Tensor | Scalar): Tensor {
  if (isScalar(value)) return constant(value, x.dtype, x.backend);
  if (!(value instanceof TensorHandle)) {
    throw new ArgumentTypeError(
      `Cannot ${op} ${formatType(x)}: the value must be a Tensor or a number, got ${describe(value)}`,
    );
  }
  return castTo(value as Tensor, x.dtype);
}

/** `value` without leading dimensions of size 1 beyond `rank`, as PyTorch takes them off. */
function withoutLeadingOnes(value: Tensor, rank: number): Tensor {
  let extra = 0;
  while (value.shape.length - extra > rank && value.shape[extra] === 1) extra++;
  return extra === 0 ? value : viewAsShape(value, value.shape.slice(extra));
}

function requireBroadcast(op: string, x: Tensor, value: Tensor, shape: Shape): void {
  const wide = tryBroadcast(value.shape, shape);
  if (wide === null || !shapesEqual(wide, shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: the value must broadcast to ${formatShape(shape)}, got ${
        formatShape(value.shape)
      }`,
    );
  }
}

/**
 * Writes `value` to a part of `x`, as Python's `x[…] = value`. Gives `x`. The value broadcasts and is converted to the
 * dtype of `x`; where places repeat, the last value stays.
 *
 * A mask with a single value needs no reading of the mask, so it works at once on every device.
 *
 * @throws {IndexError} As {@linkcode index}.
 * @throws {ShapeError} If the value does not broadcast to the part.
 *
 * @example
 * ```ts
 * setIndex(x, [0, "1:3"], 1);
 * setIndex(x, [mask], 0);
 * ```
 */
export function setIndex(x: Tensor, items: readonly Index[] | Index, value: Tensor | Scalar): Tensor {
  requireTensor("setIndex", "input", x);
  const plan = planFor(x, itemsOf(items));
  temporaries(() => {
    const part = plan.steps.length === 0 ? x : applyViews(x, plan);
    if (plan.advanced === null) {
      const source = valueFor("setIndex", x, value);
      const near = withoutLeadingOnes(source, part.shape.length);
      requireBroadcast("setIndex", x, near, part.shape);
      copy_(part, near);
    } else putInto("setIndex", x, part, plan, plan.advanced, value, false);
    return null;
  });
  return x;
}

/** Alias of {@linkcode setIndex}. */
export function index_(x: Tensor, items: readonly Index[] | Index, value: Tensor | Scalar): Tensor {
  return setIndex(x, items, value);
}

/** A list of items; one item that is no list counts as a list of one. */
function itemsOf(items: readonly Index[] | Index): readonly Index[] {
  return Array.isArray(items) ? items as readonly Index[] : [items as Index];
}

/** Writes to the elements of `part`, a view of `x`, that an advanced index chooses. */
function putInto(
  op: string,
  x: Tensor,
  part: Tensor,
  plan: IndexPlan<Tensor>,
  advanced: AdvancedIndex<Tensor>,
  value: Tensor | Scalar,
  accumulate: boolean,
): void {
  const mask = advanced.indices.length === 1 && advanced.indices[0]!.kind === "mask"
    ? advanced.indices[0]!
    : null;
  const single = isScalar(value) || numelOf(value.shape) === 1;
  if (mask !== null && single && !accumulate && advanced.order === null) {
    const wide = [...mask.shape, ...part.shape.slice(advanced.start + mask.shape.length).map(() => 1)];
    const chosen = castTo(viewAsShape(mask.tensor, wide), bool);
    const one = valueFor(op, x, value);
    const scalar = one.shape.length === 0 ? one : reshapeTo(one, []);
    bindInto([part], "where", [chosen, scalar, part], null);
    return;
  }
  const gather = resolve(op, x, plan, advanced);
  const source = withoutLeadingOnes(valueFor(op, x, value), gather.shape.length);
  requireBroadcast(op, x, source, gather.shape);
  const { order, start, sizes } = advanced;
  const rows = reshapeTo(
    expandTo(op, source, gather.shape),
    [
      ...gather.shape.slice(0, start),
      numelOf(gather.broadcast),
      ...gather.shape.slice(start + gather.broadcast.length),
    ],
  );
  const attrs = { dim: start, reduce: accumulate ? "sum" as const : "set" as const };
  const together = order === null ? part : permuteTo(part, order);
  const merged = mergedShape(together.shape, start, sizes);
  if (viewStrides(together.shape, together.strides, merged) !== null) {
    const flat = viewAsShape(together, merged);
    bindInto([flat], "indexReduce", [flat, gather.places, rows], attrs);
    return;
  }
  replaceValue(op, together, (before) => {
    const flat = reshapeTo(before, merged);
    return viewAsShape(bind("indexReduce", [flat, gather.places, rows], attrs), together.shape);
  });
}

/** A copy of `x` that can be written with values that depend on `others`. */
function ownCopy(x: Tensor, others: readonly unknown[]): Tensor {
  let copy = bind("copy", [x], null);
  for (const other of others) {
    if (transforms.active !== null && other instanceof TensorHandle) {
      copy = transforms.active.alike(copy, other as Tensor);
    }
  }
  return copy;
}

/** Options of {@linkcode indexPut}. */
export interface IndexPutOptions {
  /** Add to what is there, instead of replacing it; repeated places add up. Default false. */
  readonly accumulate?: boolean;
}

function accumulateOf(value: boolean | IndexPutOptions | undefined): boolean {
  return typeof value === "object" ? value.accumulate ?? false : value ?? false;
}

/**
 * In-place {@linkcode indexPut}.
 *
 * @throws {DTypeError} If the dtypes differ, as in PyTorch.
 */
export function indexPut_(
  x: Tensor,
  indices: readonly (Index | null)[],
  values: Tensor,
  accumulate?: boolean | IndexPutOptions,
): Tensor {
  requireTensor("indexPut", "input", x);
  requireTensor("indexPut", "values", values);
  if (values.dtype !== x.dtype) {
    throw new DTypeError(
      `Cannot indexPut ${formatType(values)} into ${
        formatType(x)
      }: dtypes must match, got ${values.dtype.name} and ${x.dtype.name}`,
    );
  }
  const plan = planFor(x, indices.map((item) => item === null ? ":" : item));
  temporaries(() => {
    if (plan.advanced === null) {
      throw new IndexError(`Cannot indexPut ${formatType(x)}: there must be an index tensor, got none`);
    }
    putInto(
      "indexPut",
      x,
      plan.steps.length === 0 ? x : applyViews(x, plan),
      plan,
      plan.advanced,
      values,
      accumulateOf(accumulate),
    );
    return null;
  });
  return x;
}

/**
 * `x` with `values`, which broadcast, at the places that index tensors choose together; `null` among them leaves a
 * dimension whole.
 *
 * @param accumulate Add to what is there, instead of replacing it.
 * @throws {IndexError} If an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html
 */
export function indexPut(
  x: Tensor,
  indices: readonly (Index | null)[],
  values: Tensor,
  accumulate?: boolean | IndexPutOptions,
): Tensor {
  requireTensor("indexPut", "input", x);
  const copy = ownCopy(x, [values, ...indices]);
  return relabel(indexPut_(copy, indices, values, accumulate), "IndexPutBackward0");
}
