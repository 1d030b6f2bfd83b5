/**
 * Derivatives of views and of primitives that move, choose or make elements.
 *
 * @module
 */

import {
  contiguousStrides,
  type DataPrimitives,
  int32,
  numelOf,
  type ScatterReduce,
  type Shape,
  type ViewPrimitives,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, bindOver, fromData } from "@flambeau/tensor/internal";
import { cast, compare, div, full, keepWhere, mul, narrow, reshape, sub, where, zeros } from "../math.ts";
import { type Derivative, FIRST, type Geometry, INPUTS, NOTHING, OUTPUT, row, SECOND } from "../row.ts";

/** Rows of views. */
export const viewDerivatives: { readonly [P in keyof ViewPrimitives<unknown>]: Derivative<P> } = {
  alias: row(NOTHING, (g) => [g]),
  view: row(NOTHING, (g, { avals: [x] }) => [reshape(g, x.shape)]),
  permute: row(NOTHING, (g, { attrs: { dims } }) => [
    bind("permute", [g], { dims: dims.map((_, d) => dims.indexOf(d)) }),
  ]),
  expand: row(NOTHING, (g) => [g]), // the tape sums repeated dimensions
  slice: row(NOTHING, (g, { avals: [x], attrs: { starts, steps } }) => [
    steps.every((step) => step === 1)
      ? bind("pad", [g], { low: starts, high: x.shape.map((n, d) => n - starts[d]! - g.shape[d]!), value: 0 })
      : spreadSlice(g, x.shape, starts, steps),
  ]),
  diagonal: row(NOTHING, (g, { avals: [x], attrs: { offset, dim1, dim2 } }) => {
    const strides = contiguousStrides(x.shape);
    const rest = strides.filter((_, d) => d !== dim1 && d !== dim2);
    const start = Math.max(-offset, 0) * strides[dim1]! + Math.max(offset, 0) * strides[dim2]!;
    const places = placesOf({
      shape: g.shape,
      strides: [...rest, strides[dim1]! + strides[dim2]!],
      offset: start,
    });
    return [scatterPlaces(g, x.shape, places)];
  }),
  asStrided: row(NOTHING, (g, { avals: [x], attrs }) => [asStridedGrad(g, x, attrs)]),
};

/** The places in the storage that a geometry sees, in row-major order. */
export function placesOf(
  { shape, strides, offset }: { shape: Shape; strides: Shape; offset: number },
): Int32Array {
  const places = new Int32Array(numelOf(shape));
  const index = shape.map(() => 0);
  let place = offset;
  for (let i = 0; i < places.length; i++) {
    places[i] = place;
    for (let d = shape.length - 1; d >= 0; d--) {
      place += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      place -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
  return places;
}

function indexTensor(places: Int32Array, like: Tensor): Tensor {
  return fromData(places, [places.length], int32, like.device);
}

/** `g` added into the row-major places of zeros of `shape`. */
function scatterPlaces(g: Tensor, shape: Shape, places: Int32Array): Tensor {
  const source = reshape(g, [places.length]);
  const flat = bindOver("indexReduce", [zeros(g, [numelOf(shape)]), indexTensor(places, g), source], {
    dim: 0,
    reduce: "sum",
  });
  return reshape(flat, shape);
}

/** `g` placed at every `steps`-th element of zeros. */
function spreadSlice(g: Tensor, shape: Shape, starts: Shape, steps: Shape): Tensor {
  let out = g;
  for (let d = 0; d < shape.length; d++) {
    if (out.shape[d] === shape[d]) continue;
    const places = Int32Array.from({ length: out.shape[d]! }, (_, i) => starts[d]! + i * steps[d]!);
    const sizes = out.shape.map((n, k) => k === d ? shape[d]! : n);
    out = bindOver("indexReduce", [zeros(out, sizes), indexTensor(places, g), out], {
      dim: d,
      reduce: "sum",
    });
  }
  return out;
}

/**
 * Gradient of a geometry over the storage, for an input with another geometry over it: what falls on one element of
 * the storage is summed, every element of the input reads its own, and one that the input sees k times is shared by these.
 */
function asStridedGrad(
  g: Tensor,
  x: Geometry,
  output: { shape: Shape; strides: Shape; offset: number },
): Tensor {
  const written = placesOf(output);
  const seen = placesOf(x);
  let size = 1;
  for (const place of written) size = Math.max(size, place + 1);
  for (const place of seen) size = Math.max(size, place + 1);
  const storage = scatterPlaces(g, [size], written);
  const back = bind("indexSelect", [storage, indexTensor(seen, g)], { dim: 0 });
  const counts = new Int32Array(size);
  for (const place of seen) counts[place]! += 1;
  if (seen.every((place) => counts[place] === 1)) return reshape(back, x.shape);
  const share = indexTensor(Int32Array.from(seen, (place) => counts[place]!), g);
  return reshape(div(back, cast(share, g.dtype)), x.shape);
}

/**
 * Gradients of combining `source` into `x` at places: `spread` reads a tensor at the places, `fold` adds into zeros at them.
 */
function scatterGrads(
  reduce: ScatterReduce,
  g: Tensor,
  x: Tensor | undefined,
  source: Tensor | undefined,
  output: Tensor | undefined,
  sourceShape: Shape,
  needs: readonly boolean[],
  spread: Spread,
  combine: Combine,
): [Tensor | null, Tensor | null] {
  if (reduce === "sum") return [g, needs[2] ? spread(g) : null];
  if (reduce === "set") {
    const taken = needs[2] ? spread(g) : null;
    return [needs[0] ? combine(g, full(g, sourceShape, 0), "set") : null, taken];
  }
  return reduce === "prod"
    ? productGrads(g, x!, source!, output!, spread, combine)
    : extremumGrads(g, x!, source!, output!, spread, combine);
}

type Spread = (t: Tensor) => Tensor;
type Combine = (into: Tensor, t: Tensor, how: ScatterReduce) => Tensor;

/** Each factor sees the product of the others: by division, and where it is 0 by leaving zeros out. */
function productGrads(
  g: Tensor,
  x: Tensor,
  source: Tensor,
  output: Tensor,
  spread: Spread,
  combine: Combine,
): [Tensor, Tensor] {
  const zero = compare("eq", source, 0);
  const sumAt = (t: Tensor): Tensor => spread(combine(zeros(g, output.shape), t, "sum"));
  const zeroCount = sumAt(cast(zero, g.dtype));
  const divisor = where(zero, full(source, source.shape, 1), source);
  const withoutZeros = spread(mul(g, combine(x, divisor, "prod")));
  // Of two zeros each sees the other: the value is 0, and the derivative for the other one is not.
  const other = sub(sumAt(keepWhere(zero, source)), source);
  const atZero = where(
    compare("eq", zeroCount, 1),
    withoutZeros,
    keepWhere(compare("eq", zeroCount, 2), mul(withoutZeros, other)),
  );
  const factors = combine(bind("copy", [full(x, x.shape, 1)], null), source, "prod");
  return [mul(g, factors), where(zero, atZero, div(spread(mul(g, output)), divisor))];
}

/** The gradient shared evenly among all that equal the result. */
function extremumGrads(
  g: Tensor,
  x: Tensor,
  source: Tensor,
  output: Tensor,
  spread: Spread,
  combine: Combine,
): [Tensor, Tensor] {
  const fromX = cast(compare("eq", x, output), g.dtype);
  const fromSource = cast(compare("eq", source, spread(output)), g.dtype);
  const share = div(g, combine(fromX, fromSource, "sum"));
  return [mul(fromX, share), mul(fromSource, spread(share))];
}

/** Rows of data movement. */
export const dataDerivatives: { readonly [P in keyof DataPrimitives<unknown>]: Derivative<P> | null } = {
  copy: row(NOTHING, (g) => [g]),
  cast: row(NOTHING, (g) => [g]), // the tape casts to the dtype of the input
  where: row(FIRST, (g, { inputs: [cond], needs }) => [
    null,
    needs[1] ? keepWhere(cond, g) : null,
    needs[2] ? keepWhere(bind("logicalNot", [cond], null), g) : null,
  ]),
  concat: row(NOTHING, (g, { avals, attrs: { dim }, needs }) => {
    let start = 0;
    return avals.map((x, i) => {
      const stop = start + x.shape[dim]!;
      const piece = needs[i] ? narrow(g, dim, start, stop) : null;
      start = stop;
      return piece;
    });
  }),
  pad: row(NOTHING, (g, { attrs: { low, high } }) => [
    bind("pad", [g], { low: low.map((n) => -n), high: high.map((n) => -n), value: 0 }),
  ]),
  flip: row(NOTHING, (g, { attrs }) => [bind("flip", [g], attrs)]),
  indexSelect: row(SECOND, (g, { inputs: [, index], avals: [x], attrs: { dim } }) => [
    bindOver("indexReduce", [zeros(g, x.shape), index, g], { dim, reduce: "sum" }),
    null,
  ]),
  indexReduce: {
    saves: (_, attrs) => attrs.reduce === "set" || attrs.reduce === "sum" ? SECOND : INPUTS | OUTPUT,
    backward: (g, { inputs: [x, index, source], avals, output, needs, attrs: { dim, reduce } }) => {
      const [gx, gs] = scatterGrads(
        reduce,
        g,
        x,
        source,
        output,
        avals[2].shape,
        needs,
        (t) => bind("indexSelect", [t, index], { dim }),
        (into, t, how) => bind("indexReduce", [into, index, t], { dim, reduce: how }),
      );
      return [gx, null, gs];
    },
  },
  gather: row(SECOND, (g, { inputs: [, index], avals: [x], attrs: { dim } }) => [
    x.shape.length === 0 ? g : bindOver("scatter", [zeros(g, x.shape), index, g], { dim, reduce: "sum" }),
    null,
  ]),
  scatter: {
    saves: (_, attrs) => attrs.reduce === "set" || attrs.reduce === "sum" ? SECOND : INPUTS | OUTPUT,
    backward: (g, { inputs: [x, index, source], avals, output, needs, attrs: { dim, reduce } }) => {
      // The source may be larger than the index: what lies beyond is not used.
      const used = index.shape;
      const high = avals[2].shape.map((size, d) => size - used[d]!);
      const low = used.map(() => 0);
      const isLarger = high.some((n) => n !== 0);
      const piece = !isLarger || source === undefined
        ? source
        : bind("slice", [source], { starts: low, stops: used, steps: used.map(() => 1) });
      if (numelOf(used) === 0) return [g, null, full(g, avals[2].shape, 0)];
      const [gx, gs] = scatterGrads(
        reduce,
        g,
        x,
        piece,
        output,
        used,
        needs,
        (t) => bind("gather", [t, index], { dim }),
        (into, t, how) => bind("scatter", [into, index, t], { dim, reduce: how }),
      );
      return [gx, null, isLarger && gs !== null ? bind("pad", [gs], { low, high, value: 0 }) : gs];
    },
  },
  nonzero: null,
  searchsorted: null,
  full: null,
  iota: null,
  randomUniform: null,
  randomNormal: null,
  randomInt: null,
};
