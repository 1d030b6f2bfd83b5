/**
 * Arithmetic on shapes and strides: sizes, broadcasting, dimension numbers, contiguity.
 *
 * Shapes are arrays of element counts, strides arrays of element steps; both are never mutated.
 *
 * @module
 */

import type { DType } from "./dtype.ts";
import { IndexError, ShapeError, ValueError } from "./errors.ts";

/** Sizes by dimension. `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of `shape`; 1 for a scalar. */
export function numelOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i]!;
  return n;
}

/** Row-major strides of `shape`, in elements. A dimension of size 0 counts as 1, as in PyTorch. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i]!, 1);
  }
  return strides;
}

/** True when elements lie in row-major order without gaps. Dimensions of size 1 may have any stride. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!;
    if (size !== 1 && strides[i] !== step) return shape.includes(0);
    step *= size;
  }
  return true;
}

/** True when both shapes have the same rank and sizes. */
export function shapesEqual(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `[2, 3]`, as messages write it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** `float32[2, 3]`, as messages write it. */
export function formatType(value: { readonly dtype: DType; readonly shape: Shape }): string {
  return `${value.dtype.name}[${value.shape.join(", ")}]`;
}

/**
 * The shape that both operands broadcast to, or null when they do not. It is the array `a` or `b` itself where that
 * has the sizes of the result.
 *
 * @see https://pytorch.org/docs/stable/notes/broadcasting.html
 */
export function tryBroadcast(a: Shape, b: Shape): Shape | null {
  if (shapesEqual(a, b) || b.length === 0) return a;
  if (a.length === 0) return b;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? a[a.length - i]! : 1;
    const y = i <= b.length ? b[b.length - i]! : 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    out[rank - i] = x === 1 ? y : x;
  }
  return shapesEqual(out, a) ? a : shapesEqual(out, b) ? b : out;
}

/**
 * The shape that all operands broadcast to.
 *
 * @param op Name of the operation, for the message.
 * @throws {ShapeError} If sizes differ at a dimension and neither is 1.
 */
export function broadcastShapes(op: string, ...shapes: Shape[]): Shape {
  let out: Shape = shapes[0] ?? [];
  for (let k = 1; k < shapes.length; k++) {
    const next = tryBroadcast(out, shapes[k]!);
    if (next === null) {
      const [a, b] = [out, shapes[k]!];
      const rank = Math.max(a.length, b.length);
      let dim = rank - 1;
      for (let i = 1; i <= Math.min(a.length, b.length); i++) {
        const [x, y] = [a[a.length - i]!, b[b.length - i]!];
        if (x !== y && x !== 1 && y !== 1) {
          dim = rank - i;
          break;
        }
      }
      throw new ShapeError(
        `Cannot ${op} shapes ${shapes.map(formatShape).join(" and ")}: sizes must match or be 1, got ${
          a[dim - rank + a.length]
        } and ${b[dim - rank + b.length]} at dimension ${dim}`,
      );
    }
    out = next;
  }
  return out;
}

/**
 * Turns a dimension number, maybe negative, into `0 … rank - 1`. A scalar accepts 0 and -1, as in PyTorch.
 *
 * @param op Name of the operation, for the message.
 * @throws {IndexError} If it is out of range or not an integer.
 */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const n = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -n || dim >= n) {
    throw new IndexError(
      `Cannot ${op} along dimension ${dim}: it must be in the range [${-n}, ${
        n - 1
      }] for a tensor of rank ${rank}`,
    );
  }
  return dim < 0 ? dim + n : dim;
}

/**
 * Normalizes one, several or no dimension numbers to a sorted list without repeats; none means all.
 *
 * @param op Name of the operation, for the message.
 * @throws {IndexError} If one is out of range.
 * @throws {ValueError} If one appears twice.
 */
export function normalizeDims(op: string, dims: number | Shape | null | undefined, rank: number): number[] {
  if (dims === null || dims === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof dims === "number" ? [dims] : dims;
  if (list.length === 0) return Array.from({ length: rank }, (_, i) => i);
  const out = list.map((dim) => normalizeDim(op, dim, rank)).sort((a, b) => a - b);
  for (let i = 1; i < out.length; i++) {
    if (out[i] === out[i - 1]) {
      throw new ValueError(
        `Cannot ${op} along dimensions ${formatShape(list)}: dim ${out[i]} appears multiple times`,
      );
    }
  }
  return rank === 0 ? [] : out;
}

/**
 * Checks that `shape` holds only non-negative integers, and not more elements than a number can count.
 *
 * @param op Name of the operation, for the message.
 * @throws {ValueError} If a size is negative or not an integer.
 */
export function checkShape(op: string, shape: Shape): void {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new ValueError(
        `Cannot ${op} shape ${formatShape(shape)}: sizes must be integers >= 0, got ${size}`,
      );
    }
  }
  if (!Number.isSafeInteger(numelOf(shape))) {
    throw new ValueError(`Cannot ${op} shape ${formatShape(shape)}: it has more than 2^53 elements`);
  }
}

/** `shape` without `dims`, or with size 1 there. `dims` are sorted and without repeats. */
export function reducedShape(shape: Shape, dims: Shape, keepdim: boolean): number[] {
  const out: number[] = [];
  let next = 0;
  for (let i = 0; i < shape.length; i++) {
    if (dims[next] !== i) out.push(shape[i]!);
    else {
      next++;
      if (keepdim) out.push(1);
    }
  }
  return out;
}

/**
 * Strides that show a tensor of `shape` and `strides` as `target` without copying, or null when a copy is needed.
 * Both shapes have the same number of elements.
 *
 * Neighbouring dimensions that lie behind one another in memory form one run; a new shape is possible when each
 * of its dimensions divides within a run.
 */
export function viewStrides(shape: Shape, strides: Shape, target: Shape): number[] | null {
  if (numelOf(shape) === 0) return shapesEqual(shape, target) ? [...strides] : contiguousStrides(target);
  const out = new Array<number>(target.length);
  let t = target.length - 1;
  let step = strides.length > 0 ? strides[strides.length - 1]! : 1;
  let runOld = 1;
  let runNew = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    runOld *= shape[i]!;
    if (i === 0 || (shape[i - 1] !== 1 && strides[i - 1] !== runOld * step)) {
      while (t >= 0 && (runNew < runOld || target[t] === 1)) {
        out[t] = runNew * step;
        runNew *= target[t]!;
        t--;
      }
      if (runNew !== runOld) return null;
      if (i > 0) {
        step = strides[i - 1]!;
        runOld = 1;
        runNew = 1;
      }
    }
  }
  while (t >= 0) out[t--] = runNew * step; // a scalar seen as [1, 1, …]
  return out;
}
