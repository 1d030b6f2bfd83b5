/**
 * The geometry of views: which elements of its input's memory each view primitive shows.
 *
 * A layout is a shape with strides and an offset, all in elements. The rules check the attributes in full, so an
 * interpreter that settles a view here needs no inference rule besides.
 *
 * @module
 */

import { IndexError, ShapeError, ValueError } from "./errors.ts";
import type { Attrs, ViewName } from "./primitives.ts";
import { checkShape, formatShape, numelOf, type Shape, shapesEqual, viewStrides } from "./shape.ts";

/** A geometry over some memory: element `[i, j, …]` lies at `offset + i · strides[0] + j · strides[1] + …`. */
export interface Layout {
  /** Sizes. */
  readonly shape: Shape;
  /** Elements to step for each dimension; 0 where expanded. */
  readonly strides: Shape;
  /** Elements before the first one. */
  readonly offset: number;
}

/** The geometry of a view of `x`; throws when there is none. */
export type ViewLayout<P extends ViewName> = (x: Layout, attrs: Attrs<P>) => Layout;

/**
 * The geometry rule of each view primitive.
 *
 * All throw a {@linkcode ShapeError}, {@linkcode IndexError} or {@linkcode ValueError} when the attributes do not fit
 * the input. `view` also throws a ShapeError when the strides do not allow it, so that a copy is needed;
 * `asStrided` cannot know how large the storage is and leaves that check to its caller.
 */
export const viewLayouts: { readonly [P in ViewName]: ViewLayout<P> } = {
  alias: (x) => x,

  view(x, { shape }) {
    const sizes = viewedShape(x.shape, shape);
    const strides = viewStrides(x.shape, x.strides, sizes);
    if (strides === null) {
      throw new ShapeError(
        `Cannot view ${formatShape(x.shape)} with strides ${formatShape(x.strides)} as ${
          formatShape(shape)
        }: ` +
          "view size is not compatible with input tensor's size and stride (at least one dimension spans across " +
          "two contiguous subspaces). Use .reshape(...) instead",
      );
    }
    return { shape: sizes, strides, offset: x.offset };
  },

  permute(x, { dims }) {
    const shape = permutedShape(x.shape, dims);
    return { shape, strides: dims.map((dim) => x.strides[dim]!), offset: x.offset };
  },

  expand(x, { shape }) {
    const sizes = expandedShape(x.shape, shape);
    const strides = new Array<number>(shape.length);
    const added = shape.length - x.shape.length;
    for (let i = shape.length - 1; i >= 0; i--) {
      const size = i >= added ? x.shape[i - added]! : 1;
      if (size !== shape[i]) strides[i] = 0;
      else if (i >= added) strides[i] = x.strides[i - added]!;
      else strides[i] = i + 1 < shape.length ? shape[i + 1]! * strides[i + 1]! : 1; // as PyTorch fills new sizes 1
    }
    return { shape: sizes, strides, offset: x.offset };
  },

  slice(x, attrs) {
    const shape = slicedShape(x.shape, attrs);
    let offset = x.offset;
    const strides = new Array<number>(shape.length);
    for (let i = 0; i < shape.length; i++) {
      offset += attrs.starts[i]! * x.strides[i]!;
      strides[i] = attrs.steps[i]! * x.strides[i]!;
    }
    return { shape, strides, offset };
  },

  diagonal(x, attrs) {
    const { offset, dim1, dim2 } = attrs;
    const shape = diagonalShape(x.shape, attrs);
    const strides = x.strides.filter((_, i) => i !== dim1 && i !== dim2);
    strides.push(x.strides[dim1]! + x.strides[dim2]!);
    const empty = shape[shape.length - 1] === 0;
    const skipped = offset >= 0 ? offset * x.strides[dim2]! : -offset * x.strides[dim1]!;
    return { shape, strides, offset: empty ? x.offset : x.offset + skipped };
  },

  asStrided: (_, attrs) => ({ shape: stridedShape(attrs), strides: attrs.strides, offset: attrs.offset }),
};

/**
 * The shape of `view`: the one asked for.
 *
 * @throws {ShapeError} If it does not hold as many elements.
 * @throws {ValueError} If it is no shape.
 */
export function viewedShape(shape: Shape, target: Shape): Shape {
  checkShape("view as", target);
  if (numelOf(shape) !== numelOf(target)) {
    throw new ShapeError(
      `Cannot view ${formatShape(shape)} as ${formatShape(target)}: the number of elements must match, got ${
        numelOf(shape)
      } and ${numelOf(target)}`,
    );
  }
  return shapesEqual(shape, target) ? shape : target;
}

/**
 * The shape of `permute`.
 *
 * @throws {ShapeError} If `dims` is not a permutation of the dimensions of `shape`.
 */
export function permutedShape(shape: Shape, dims: Shape): Shape {
  const rank = shape.length;
  let ok = dims.length === rank;
  for (let i = 0; ok && i < rank; i++) {
    const dim = dims[i]!;
    ok = Number.isInteger(dim) && dim >= 0 && dim < rank && dims.indexOf(dim) === i;
  }
  if (!ok) {
    throw new ShapeError(
      `Cannot permute ${formatShape(shape)} to dimensions ${formatShape(dims)}: ` +
        `they must name each of ${rank} dimensions once, got ${formatShape(dims)}`,
    );
  }
  return dims.map((dim) => shape[dim]!);
}

/**
 * The shape of `expand`: the one asked for.
 *
 * @throws {ShapeError} If a size that is not 1 would change, or the rank would shrink.
 * @throws {ValueError} If it is no shape.
 */
export function expandedShape(shape: Shape, target: Shape): Shape {
  checkShape("expand to", target);
  const added = target.length - shape.length;
  if (added < 0) {
    throw new ShapeError(
      `Cannot expand ${formatShape(shape)} to ${formatShape(target)}: ` +
        `the rank must be at least ${shape.length}, got ${target.length}`,
    );
  }
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] !== 1 && shape[i] !== target[i + added]) {
      throw new ShapeError(
        `Cannot expand ${formatShape(shape)} to ${formatShape(target)}: sizes other than 1 must stay, ` +
          `got ${target[i + added]} for ${shape[i]} at dimension ${i + added}`,
      );
    }
  }
  return target;
}

/**
 * The shape of `slice`. A stop before its start gives size 0.
 *
 * @throws {ShapeError} If the attributes do not have one entry per dimension.
 * @throws {IndexError} If a start or stop is outside `0 … size`.
 * @throws {ValueError} If a step is not an integer >= 1.
 */
export function slicedShape(shape: Shape, { starts, stops, steps }: Attrs<"slice">): Shape {
  const rank = shape.length;
  if (starts.length !== rank || stops.length !== rank || steps.length !== rank) {
    throw new ShapeError(
      `Cannot slice ${formatShape(shape)}: starts, stops and steps must have ${rank} entries, ` +
        `got ${starts.length}, ${stops.length} and ${steps.length}`,
    );
  }
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const size = shape[i]!;
    const [start, stop, step] = [starts[i]!, stops[i]!, steps[i]!];
    if (!Number.isInteger(step) || step < 1) {
      throw new ValueError(
        `Cannot slice ${formatShape(shape)}: steps must be integers >= 1, got ${step} at dimension ${i}`,
      );
    }
    if (!isPlace(start, size) || !isPlace(stop, size)) {
      throw new IndexError(
        `Cannot slice ${formatShape(shape)}: starts and stops must be integers from 0 to ${size} ` +
          `at dimension ${i}, got ${start} and ${stop}`,
      );
    }
    out[i] = stop > start ? Math.ceil((stop - start) / step) : 0;
  }
  return out;
}

/**
 * The shape of `diagonal`: without the two dimensions, with the length of the diagonal at the end.
 *
 * @throws {IndexError} If a dimension is out of range, or the offset is not an integer.
 * @throws {ValueError} If the two dimensions are one.
 */
export function diagonalShape(shape: Shape, { offset, dim1, dim2 }: Attrs<"diagonal">): Shape {
  const rank = shape.length;
  if (!isPlace(dim1, rank - 1) || !isPlace(dim2, rank - 1) || !Number.isInteger(offset)) {
    throw new IndexError(
      `Cannot take the diagonal of ${formatShape(shape)}: dimensions must be integers from 0 to ${
        rank - 1
      } ` +
        `and the offset an integer, got dimensions ${dim1} and ${dim2} and offset ${offset}`,
    );
  }
  if (dim1 === dim2) {
    throw new ValueError(
      `Cannot take the diagonal of ${formatShape(shape)}: ` +
        `diagonal dimensions must not be identical, got ${dim1} and ${dim2}`,
    );
  }
  const out = shape.filter((_, i) => i !== dim1 && i !== dim2);
  const rows = shape[dim1]! + Math.min(offset, 0);
  const columns = shape[dim2]! - Math.max(offset, 0);
  out.push(Math.max(Math.min(rows, columns), 0));
  return out;
}

/**
 * The shape of `asStrided`: the one asked for.
 *
 * @throws {ShapeError} If there is not one stride per size.
 * @throws {ValueError} If a size, a stride or the offset is negative or not an integer.
 */
export function stridedShape({ shape, strides, offset }: Attrs<"asStrided">): Shape {
  checkShape("view as strided", shape);
  if (strides.length !== shape.length) {
    throw new ShapeError(
      `Cannot view as strided ${formatShape(shape)}: strides must have ${shape.length} entries, ` +
        `got ${formatShape(strides)}`,
    );
  }
  if (!strides.every((stride) => isPlace(stride, Infinity)) || !isPlace(offset, Infinity)) {
    throw new ValueError(
      `Cannot view as strided ${formatShape(shape)}: strides and offset must be integers >= 0, ` +
        `got ${formatShape(strides)} and ${offset}`,
    );
  }
  return shape;
}

function isPlace(value: number, last: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= last;
}
