/**
 * Pooling over windows and its gradients, for any number of spatial dimensions: x [N, C, …] → [N, C, …].
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  contiguousStrides,
  type DType,
  int32,
  type PoolAttrs,
  poolOutputSize,
  type Shape,
} from "@flambeau/core";
import { type Decomposition, Formula, product } from "./formula.ts";
import { gradientWindows, tapDims, type WindowGeometry, windows } from "./windows.ts";

/**
 * Largest value of each window and its row-major place in the spatial dimensions of x: the first among equals; NaN wins.
 */
export const maxPool: Decomposition<"maxPool"> = (bind, [x], attrs) => {
  const f = new Formula(bind);
  const [n, c, ...size] = x.shape as [number, number, ...number[]];
  const { kernelSize, stride, padding, dilation } = attrs;
  const outSize = pooledSize(size, attrs);
  const seen = windows(f, x, attrs, outSize, -Infinity);
  const flat = f.reshape(seen, [n, c, product(kernelSize), ...outSize]);
  const values = f.amax(flat, [2], false);
  const tap = bind("argmax", [flat], { dim: 2, keepdim: false });

  // The place of a tap is the place of its window plus its place within the window.
  const along = contiguousStrides(size);
  const tapPlaces = outerSum(
    f,
    kernelSize.map((taps, i) => f.iota(0, dilation[i]! * along[i]!, taps, int32)),
  );
  const within = bind("indexSelect", [
    f.view(tapPlaces, [product(kernelSize)]),
    f.view(tap, [n * c * product(outSize)]),
  ], { dim: 0 });
  const windowPlaces = outSize.map((count, i) =>
    f.iota(-padding[i]! * along[i]!, stride[i]! * along[i]!, count, int32)
  );
  const places = f.add(f.view(within, values.shape), outerSum(f, windowPlaces));
  if (padding.every((p) => p === 0)) return [values, places];

  // Where all is −∞ the padding wins as well; the first tap inside the input is meant.
  const firstInside = outSize.map((count, i) => {
    const start = f.iota(-padding[i]!, stride[i]!, count, int32);
    const outside = f.add(f.maximum(f.neg(start), 0), dilation[i]! - 1);
    const skipped = bind("floorDivide", [outside, f.scalar(dilation[i]!, int32)], null);
    return f.mul(f.add(start, f.mul(skipped, dilation[i]!)), along[i]!);
  });
  return [values, f.where(f.eq(values, -Infinity), outerSum(f, firstInside), places)];
};

/** Largest value of each window; NaN wins. */
export const maxPoolValues: Decomposition<"maxPoolValues"> = (bind, [x], attrs) => {
  const f = new Formula(bind);
  const seen = windows(f, x, attrs, pooledSize(x.shape.slice(2), attrs), -Infinity);
  return f.amax(seen, tapDims(x), false);
};

/** g [N, C, …] summed into the places `indices` of zeros [N, C, …inputSize]. */
export const maxPoolBackward: Decomposition<"maxPoolBackward"> = (bind, [g, indices], { inputSize }) => {
  const f = new Formula(bind);
  const [n, c, ...outSize] = g.shape as [number, number, ...number[]];
  const zeros = f.full([n, c, product(inputSize)], 0, g.dtype);
  const rows = [n, c, product(outSize)];
  const inputs = [zeros, f.reshape(indices, rows), f.reshape(g, rows)] as const;
  return f.view(bind("scatter", inputs, { dim: 2, reduce: "sum" }), [n, c, ...inputSize]);
};

/** Mean of each window. */
export const avgPool: Decomposition<"avgPool"> = (bind, [x], attrs) => {
  const f = new Formula(bind);
  const size = x.shape.slice(2);
  const outSize = pooledSize(size, attrs);
  const total = f.sum(windows(f, x, attrs, outSize, 0), tapDims(x), false);
  return f.div(total, divisors(f, attrs, size, outSize, x.dtype));
};

/** Gradient of avgPool for x. */
export const avgPoolBackward: Decomposition<"avgPoolBackward"> = (bind, [g], attrs) => {
  const f = new Formula(bind);
  const shares = f.div(g, divisors(f, attrs, attrs.inputSize, g.shape.slice(2), g.dtype));
  return f.sum(gradientWindows(f, shares, attrs, attrs.inputSize), tapDims(g), false);
};

/**
 * What each window's sum is divided by: `divisor`, the size of all windows, or the places of each window that count:
 * those of the input and, with `countIncludePad`, of the padding, but never of what hangs over in `ceilMode`.
 */
function divisors<T extends Aval>(
  f: Formula<T>,
  attrs: WindowGeometry & Pick<Attrs<"avgPool">, "countIncludePad" | "divisor">,
  size: Shape,
  outSize: Shape,
  dtype: DType,
): T | number {
  const { kernelSize, stride, padding, countIncludePad, divisor } = attrs;
  if (divisor !== null) return divisor;
  const counts = outSize.map((count, i) => {
    const pad = countIncludePad ? padding[i]! : 0;
    const [low, high] = [-pad, size[i]! + pad];
    const first = -padding[i]!;
    const last = first + (count - 1) * stride[i]! + kernelSize[i]!;
    return first >= low && last <= high ? null : { low, high };
  });
  if (counts.every((cut) => cut === null)) return product(kernelSize);
  const lengths = counts.map((cut, i) => {
    const start = f.iota(-padding[i]!, stride[i]!, outSize[i]!, dtype);
    if (cut === null) return f.full([outSize[i]!], kernelSize[i]!, dtype);
    return f.sub(f.minimum(f.add(start, kernelSize[i]!), cut.high), f.maximum(start, cut.low));
  });
  return outer(lengths, f, (x, y) => f.mul(x, y));
}

function pooledSize(size: Shape, attrs: PoolAttrs): number[] {
  const { kernelSize, stride, padding, dilation, ceilMode } = attrs;
  return size.map((s, i) =>
    poolOutputSize(s, kernelSize[i]!, stride[i]!, padding[i]!, dilation[i]!, ceilMode)
  );
}

/** Σ of vectors, each along its own dimension. */
function outerSum<T extends Aval>(f: Formula<T>, vectors: readonly T[]): T {
  return outer(vectors, f, (x, y) => f.add(x, y));
}

/** Vectors [a], [b], … combined to [a, b, …]. */
function outer<T extends Aval>(vectors: readonly T[], f: Formula<T>, combine: (x: T, y: T) => T): T {
  return vectors
    .map((vector, i) => f.view(vector, [vector.shape[0]!, ...vectors.slice(i + 1).map(() => 1)]))
    .reduce(combine);
}
