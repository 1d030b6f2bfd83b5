/**
 * Windows over spatial dimensions: what convolution and pooling, and their gradients, read.
 *
 * Spatial dimensions are all but the first two. With stride s, padding p and dilation d, tap k of window o stands at
 * place `o s − p + k d` of the input.
 *
 * @module
 */

import { type Aval, contiguousStrides, type Shape } from "@flambeau/core";
import { type Formula, range } from "./formula.ts";

/** Where windows stand, one entry per spatial dimension. */
export interface WindowGeometry {
  /** Taps of a window. */
  readonly kernelSize: Shape;
  /** Step from one window to the next. */
  readonly stride: Shape;
  /** Places before the input at which the first window starts. */
  readonly padding: Shape;
  /** Step from one tap to the next. */
  readonly dilation: Shape;
}

/**
 * All windows: x [A, B, I…] → [A, B, K…, O…], a view over a padded copy.
 *
 * @param geometry `padding` may be negative: then the first places are skipped.
 * @param outSize Windows in each dimension; they may reach beyond the input at the end.
 * @param value What stands outside the input.
 */
export function windows<T extends Aval>(
  f: Formula<T>,
  x: T,
  geometry: WindowGeometry,
  outSize: Shape,
  value: number,
): T {
  const { kernelSize, stride, padding, dilation } = geometry;
  const [a, b, ...size] = x.shape as [number, number, ...number[]];
  const shape = [a, b, ...kernelSize, ...outSize];
  if (shape.includes(0)) return f.full(shape, value, x.dtype);
  const high = size.map((have, i) => {
    const reach = (outSize[i]! - 1) * stride[i]! + (kernelSize[i]! - 1) * dilation[i]! + 1;
    return Math.max(reach - padding[i]! - have, 0);
  });
  const inside = [...padding, ...high].every((n) => n === 0);
  const base = inside
    ? f.copy(x)
    : f.bind("pad", [x], { low: [0, 0, ...padding], high: [0, 0, ...high], value });
  const [stepA, stepB, ...steps] = contiguousStrides(base.shape) as [number, number, ...number[]];
  const strides = [
    stepA,
    stepB,
    ...steps.map((step, i) => step * dilation[i]!),
    ...steps.map((step, i) => step * stride[i]!),
  ];
  return f.bind("asStrided", [base], { shape, strides, offset: 0 });
}

/**
 * What each place of an input receives from windows: g [A, B, O…] → [A, B, K…, I…], taps in reverse order.
 *
 * Place i takes from window o by tap k where `o s − p + k d = i`. So g is spread out with s − 1 zeros between its
 * elements; then those windows lie next to one another, with the taps reversed, from `i + p − d (K − 1)` on.
 */
export function gradientWindows<T extends Aval>(
  f: Formula<T>,
  g: T,
  { kernelSize, stride, padding, dilation }: WindowGeometry,
  inputSize: Shape,
): T {
  const back = {
    kernelSize,
    stride: stride.map(() => 1),
    padding: kernelSize.map((taps, i) => dilation[i]! * (taps - 1) - padding[i]!),
    dilation,
  };
  return windows(f, spread(f, g, stride), back, inputSize, 0);
}

/** The dimensions of the taps in what {@linkcode windows} gives for x. */
export function tapDims(x: Aval): number[] {
  return range(2, x.shape.length);
}

/** `steps[i] − 1` zeros after each element of spatial dimension i. */
function spread<T extends Aval>(f: Formula<T>, g: T, steps: Shape): T {
  if (steps.every((step) => step === 1)) return g;
  const [a, b, ...size] = g.shape as [number, number, ...number[]];
  const high = [0, 0, ...steps.flatMap((step) => [0, step - 1])];
  const apart = f.view(g, [a, b, ...size.flatMap((n) => [n, 1])]);
  const padded = f.bind("pad", [apart], { low: high.map(() => 0), high, value: 0 });
  return f.view(padded, [a, b, ...size.map((n, i) => n * steps[i]!)]);
}
