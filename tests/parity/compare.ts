/**
 * The fixtures' own rules of comparison, over plain arrays of numbers.
 *
 * @module
 */

import type { Entry, Tolerance } from "./fixtures.ts";
import { numel, type Raw } from "./safetensors.ts";

/** A difference between what the library gave and what PyTorch gives: the reason why a case failed. */
export class Mismatch extends Error {
  override name = "Mismatch";
}

/** Relative tolerance of Python floats that are no tensors (`item`, `allclose`). */
const SCALAR: Tolerance = { rtol: 1e-6, atol: 1e-12 };

/** The dtype under which two results count as equal: int64 results may be held as int32. */
export function comparableDType(name: string): string {
  return name === "int64" ? "int32" : name;
}

/** True when `got` equals `want` within `tolerance`: NaN matches NaN, infinities match with their sign. */
export function isClose(got: number, want: number, { rtol, atol }: Tolerance): boolean {
  if (got === want) return true;
  if (Number.isNaN(want)) return Number.isNaN(got);
  if (!Number.isFinite(want)) return false;
  return Math.abs(got - want) <= atol + rtol * Math.abs(want);
}

/** True when a Python number that is no tensor is met. */
export function isScalarClose(got: number, want: number): boolean {
  return isClose(got, want, SCALAR);
}

/** What {@linkcode compareTensor} needs to know. */
export interface ComparisonRules {
  /** Tolerance class → tolerance, from `index.json`. */
  readonly tolerance: Readonly<Record<string, Tolerance>>;
  /** One number for a backend, on every tolerance. */
  readonly factor: number;
  /** The tensor that an `index` result points into. */
  readonly indexed?: Raw | undefined;
}

/** A complex result may be held as a real tensor with a last axis of (re, im), as `view_as_real` gives it. */
function realView(want: Raw): Raw {
  if (want.dtype !== "complex64") return want;
  return { dtype: "float32", shape: [...want.shape, 2], data: want.data };
}

/**
 * Compares a tensor with the expected one by the rule of its table entry.
 *
 * @param name What the tensor is called in the message.
 * @throws {Mismatch} If they differ in dtype, shape or values.
 */
export function compareTensor(
  name: string,
  got: Raw,
  expected: Raw,
  entry: Entry,
  rules: ComparisonRules,
): void {
  const want = realView(expected);
  const dtype = comparableDType(got.dtype);
  if (dtype !== comparableDType(want.dtype)) {
    throw new Mismatch(`${name}: dtype must be ${want.dtype}, got ${got.dtype}`);
  }
  if (got.shape.join() !== want.shape.join()) {
    throw new Mismatch(`${name}: shape must be [${want.shape.join(", ")}], got [${got.shape.join(", ")}]`);
  }
  if (got.data.length !== numel(want.shape)) {
    throw new Mismatch(`${name}: ${numel(want.shape)} elements expected, ${got.data.length} read`);
  }
  switch (entry.compare ?? "exact") {
    case "meta":
      return;
    case "index":
      return compareIndex(name, got, want, entry.dim ?? -1, rules.indexed);
    case "abs":
      return compareValues(name, absolute(got.data), absolute(want.data), scaled(entry, rules));
    case "close":
      return compareValues(name, got.data, want.data, scaled(entry, rules));
    case "exact":
      return compareValues(name, got.data, want.data, { rtol: 0, atol: 0 });
  }
}

function scaled(entry: Entry, { tolerance, factor }: ComparisonRules): Tolerance {
  const row = tolerance[entry.tol ?? "exact"];
  if (row === undefined) throw new Error(`The fixtures have no tolerance class ${entry.tol}`);
  return { rtol: row.rtol * factor, atol: row.atol * factor };
}

function absolute(data: ArrayLike<number>): number[] {
  return Array.from(data, Math.abs);
}

function compareValues(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: Tolerance,
): void {
  let first = -1;
  let wrong = 0;
  for (let i = 0; i < want.length; i++) {
    if (isClose(got[i]!, want[i]!, tolerance)) continue;
    if (wrong++ === 0) first = i;
  }
  if (wrong === 0) return;
  const [g, w] = [got[first]!, want[first]!];
  throw new Mismatch(
    `${name}[${first}]: must be ${w}, got ${g}; ${wrong} of ${want.length} elements differ by more than ` +
      `${tolerance.atol} + ${tolerance.rtol}·|want|`,
  );
}

/** `gather(source, dim, got)` must equal `gather(source, dim, want)`: any of several equal elements may be named. */
function compareIndex(name: string, got: Raw, want: Raw, dim: number, source: Raw | undefined): void {
  if (source === undefined) throw new Error(`${name}: an index result needs the input that it points into`);
  const axis = dim < 0 ? dim + source.shape.length : dim;
  const shape = [...want.shape];
  if (shape.length < source.shape.length) shape.splice(axis, 0, 1);
  compareValues(`${name} (gathered)`, gather(source, axis, got, shape), gather(source, axis, want, shape), {
    rtol: 0,
    atol: 0,
  });
}

function gather(source: Raw, axis: number, index: Raw, shape: readonly number[]): number[] {
  const stride = contiguousStride(source.shape);
  return Array.from({ length: numel(shape) }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let d = shape.length - 1; d >= 0; d--) {
      const coordinate = d === axis ? index.data[flat]! : rest % shape[d]!;
      rest = Math.floor(rest / shape[d]!);
      at += coordinate * stride[d]!;
    }
    return source.data[at] ?? NaN;
  });
}

/** Row-major strides of a shape. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    stride[d] = step;
    step *= Math.max(shape[d]!, 1);
  }
  return stride;
}

/** The elements of a strided view of flat data, in row-major order. */
export function gatherStrided(
  data: ArrayLike<number>,
  shape: readonly number[],
  stride: readonly number[],
): number[] {
  return Array.from({ length: numel(shape) }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += (rest % shape[d]!) * stride[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    return data[at]!;
  });
}

/** True when two positions of a strided view may be the same memory. */
export function mayOverlap(shape: readonly number[], stride: readonly number[]): boolean {
  const dims = shape
    .map((size, d) => ({ size, stride: Math.abs(stride[d]!) }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
  let reach = 0;
  for (const { size, stride: step } of dims) {
    if (step <= reach) return true;
    reach += step * (size - 1);
  }
  return false;
}
