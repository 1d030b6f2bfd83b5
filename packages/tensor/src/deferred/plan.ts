/**
 * Plans: what waits for one value, as an expression for a backend that fuses.
 *
 * The loops of a plan run over the elements of the value. A part that is seen through a view (transposed, repeated, cut,
 * reshaped) is computed at the places that the view names, where these are steps along its dimensions. What cannot be a
 * part, or should not be computed twice, is named instead: it has to get its memory first.
 *
 * @module
 */

import {
  type Buffer,
  contiguousStrides,
  type DType,
  type FoldName,
  type FusedExpression,
  type FusedValue,
  type Fusion,
  numelOf,
  type Operand,
  type ProductName,
  type Shape,
  shapesEqual,
} from "@flambeau/core";
import type { Allocation, Expression, Source } from "../memory.ts";

/** The reductions that can be a part of an expression. */
export const foldNames: ReadonlySet<string> = new Set<FoldName>([
  "sum",
  "prod",
  "amax",
  "amin",
  "any",
  "all",
]);

/** The products that can be a part of an expression: they read memory, not values that wait. */
export const productNames: ReadonlySet<string> = new Set<ProductName>([
  "matmul",
  "linear",
  "conv",
  "convInputGrad",
  "convWeightGrad",
]);

/** What a fold has as attributes. */
interface FoldAttrs {
  readonly dims: Shape;
  readonly keepdim: boolean;
}

/** An expression with what it is made of. */
export interface Plan {
  /** What to compute: its last value is the result. */
  readonly expression: FusedExpression;
  /** The values that wait and are computed element by element of the result: they could be written beside it. */
  readonly parts: ReadonlyMap<Allocation, number>;
  /** All values that wait and are computed. */
  readonly computed: ReadonlySet<Allocation>;
  /** The memory that is read. */
  readonly buffers: ReadonlySet<Buffer>;
  /** The values that must be written unless nobody can ask for them: to compute them again would need all of a product. */
  readonly tied: ReadonlySet<Allocation>;
}

/** Values that repeat along the loops are computed again for each element, when they are at most that many. */
const REPEATED = 4;

/**
 * The plan of an expression over `shape`, or the value that needs its memory first.
 *
 * @param owner The value of the expression, when that is what waits.
 * @param target Memory that the result goes to, when there is one.
 */
export function planOf(
  fusion: Fusion<unknown>,
  root: Expression,
  shape: Shape,
  dtype: DType,
  owner: Allocation | null,
  target: Buffer | null,
): Plan | Allocation {
  const planner = new Planner(fusion, root, target);
  if (owner !== null) {
    planner.near.add(owner);
    planner.computed.add(owner);
  }
  const loops = new Loops(planner, shape, true);
  if (productNames.has(root.name)) loops.product(root, shape, dtype);
  else loops.applyHere(root, dtype);
  if (planner.blocker !== null) return planner.blocker;
  const tied = tiedTo(planner.product, loops.parts.keys());
  if (planner.buffers.size + tied.size + (target === null ? 1 : 0) > fusion.maxBuffers) {
    const largest = planner.product ?? largestOf(root.sources);
    if (largest !== null) return largest;
  }
  return {
    expression: { shape, values: loops.values },
    parts: loops.parts,
    computed: planner.computed,
    buffers: planner.buffers,
    tied,
  };
}

/**
 * The values, of those that are computed from a product without any other such value between, that somebody may ask for.
 *
 * @param parts What is computed, each value after those that it needs.
 */
function tiedTo(product: Allocation | null, parts: Iterable<Allocation>): ReadonlySet<Allocation> {
  const tied = new Set<Allocation>();
  if (product === null) return tied;
  const passed = new Set<Allocation>();
  for (const part of parts) {
    const isTied = part === product ||
      part.expression!.sources.some(({ allocation }) => allocation !== null && passed.has(allocation));
    if (isTied) (part.released ? passed : tied).add(part);
  }
  return tied;
}

/** The source that waits and reads the most buffers. */
export function largestOf(sources: readonly Source[]): Allocation | null {
  let largest: Allocation | null = null;
  for (const { allocation } of sources) {
    if (allocation === null || allocation.expression === null || allocation.expression.name === "full") {
      continue;
    }
    if (largest === null || allocation.expression.buffers > largest.expression!.buffers) largest = allocation;
  }
  return largest;
}

/** True when a value should get memory as soon as it is computed: somebody that is not `here` will ask for it. */
export function isWanted(x: Allocation, here: ReadonlySet<Allocation>): boolean {
  if (!x.released && (x.holds > 0 || x.expression!.inlined)) return true;
  for (const reader of x.readers ?? []) if (!here.has(reader)) return true;
  return false;
}

/** What the loops of one plan share. */
class Planner {
  readonly fusion: Fusion<unknown>;
  readonly buffers: Set<Buffer> = new Set();
  readonly computed: Set<Allocation> = new Set();
  /** All that waits for the sake of the result. */
  readonly near: Set<Allocation> = new Set();
  /** What needs its memory first. */
  blocker: Allocation | null = null;
  /** True when there is a fold or a product: a kernel has one. */
  hasNest = false;
  /** The product that is a part. */
  product: Allocation | null = null;

  constructor(fusion: Fusion<unknown>, root: Expression, target: Buffer | null) {
    this.fusion = fusion;
    if (target !== null) this.buffers.add(target);
    this.#visit(root);
  }

  #visit({ sources }: Expression): void {
    for (const { allocation } of sources) {
      if (allocation === null || allocation.expression === null || this.near.has(allocation)) continue;
      this.near.add(allocation);
      this.#visit(allocation.expression);
    }
  }

  block(x: Allocation): number {
    this.blocker ??= x;
    return -1;
  }
}

/** Values over the elements of one shape. */
class Loops {
  readonly values: FusedValue[] = [];
  readonly parts: Map<Allocation, number> = new Map();
  readonly #planner: Planner;
  readonly #shape: Shape;
  readonly #count: number;
  readonly #outer: boolean;
  readonly #known: Map<Allocation, { strides: Shape; offset: number; value: number }[]> = new Map();

  /** @param outer True for the loops of the result, false for those of a fold. */
  constructor(planner: Planner, shape: Shape, outer: boolean) {
    this.#planner = planner;
    this.#shape = shape;
    this.#count = numelOf(shape);
    this.#outer = outer;
  }

  /**
   * Adds the value of an expression.
   *
   * @param steps For each source, the steps in the dimensions of the loops.
   * @param offsets For each source, the element at which they start; null for its own.
   */
  apply(
    { name, attrs, sources }: Expression,
    dtype: DType,
    steps: readonly Shape[],
    offsets: readonly number[] | null,
  ): number {
    if (foldNames.has(name)) return this.#fold(name as FoldName, attrs as FoldAttrs, sources[0]!, dtype);
    const inputs: number[] = [];
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i]!;
      const value = source.allocation === null
        ? this.#push({ kind: "scalar", value: source.scalar, dtype: source.dtype })
        : this.value(source.allocation, source.dtype, steps[i]!, offsets?.[i] ?? source.offset);
      if (value < 0) return -1;
      inputs.push(value);
    }
    return this.#push({ kind: "step", name, inputs, attrs, dtype });
  }

  /** Adds the value of an expression whose elements are those of the loops. */
  applyHere(expression: Expression, dtype: DType): number {
    const steps = foldNames.has(expression.name)
      ? []
      : expression.sources.map((source) => stepsIn(source.shape, source.strides, this.#shape));
    return this.apply(expression, dtype, steps, null);
  }

  /** The number of a value that is seen with these steps; −1 when the plan is blocked. */
  value(x: Allocation, dtype: DType, strides: Shape, offset: number): number {
    if (x.scalar !== null && dtype === x.dtype) return this.#push({ kind: "scalar", value: x.scalar, dtype });
    for (const known of this.#known.get(x) ?? []) {
      if (known.offset === offset && this.#sameSteps(known.strides, strides)) return known.value;
    }
    const value = x.expression === null
      ? this.#operand(x.buffer!, dtype, strides, offset)
      : this.#part(x, x.expression, dtype, strides, offset);
    if (value < 0) return -1;
    const list = this.#known.get(x);
    if (list === undefined) this.#known.set(x, [{ strides, offset, value }]);
    else list.push({ strides, offset, value });
    return value;
  }

  #operand(buffer: Buffer, dtype: DType, strides: Shape, offset: number): number {
    this.#planner.buffers.add(buffer);
    return this.#push({ kind: "operand", operand: { buffer, dtype, shape: this.#shape, strides, offset } });
  }

  #part(x: Allocation, expression: Expression, dtype: DType, strides: Shape, offset: number): number {
    const planner = this.#planner;
    const isProduct = productNames.has(expression.name);
    const isNest = isProduct || foldNames.has(expression.name);
    const whole = offset === 0 && numelOf(x.shape) === this.#count &&
      this.#sameSteps(strides, contiguousStrides(this.#shape));
    const refused = dtype !== x.dtype || this.values.length >= 2 * planner.fusion.maxValues ||
      !(whole && this.#outer) && isWanted(x, planner.near) && expression.size > 1 ||
      !whole && expression.size > REPEATED && numelOf(x.shape) < this.#count ||
      isNest && (planner.hasNest || !whole) || isProduct && !this.#outer;
    if (refused) return planner.block(x);
    planner.computed.add(x);
    let value: number;
    // A fold or a product under another shape has the same elements in the same order.
    if (isProduct) {
      planner.product = x;
      value = this.product(expression, x.shape, x.dtype);
    } else if (whole && (isNest || shapesEqual(x.shape, this.#shape))) {
      value = this.applyHere(expression, x.dtype);
    } else {
      const moved = through(x.shape, expression.sources, this.#shape, strides, offset);
      if (moved === null) return planner.block(x);
      value = this.apply(expression, x.dtype, moved.steps, moved.offsets);
    }
    if (value >= 0 && whole && this.#outer) this.parts.set(x, value);
    return value;
  }

  /** Adds a product, whose operands have memory. */
  product({ name, attrs, sources }: Expression, shape: Shape, dtype: DType): number {
    this.#planner.hasNest = true;
    const inputs = sources.map((source): Operand => {
      const { dtype, shape, strides, offset } = source;
      const buffer = source.allocation!.buffer!;
      this.#planner.buffers.add(buffer);
      return { buffer, dtype, shape, strides, offset };
    });
    return this.#push({ kind: "product", name: name as ProductName, inputs, attrs, shape, dtype });
  }

  #fold(name: FoldName, { dims }: FoldAttrs, source: Source, dtype: DType): number {
    const planner = this.#planner;
    planner.hasNest = true;
    const inner = new Loops(planner, source.shape, false);
    const value = source.allocation === null
      ? inner.#push({ kind: "scalar", value: source.scalar, dtype: source.dtype })
      : inner.value(source.allocation, source.dtype, source.strides, source.offset);
    if (value < 0) return -1;
    const input = { shape: source.shape, values: inner.values };
    return this.#push({ kind: "fold", name, dims, input, strides: source.strides, dtype });
  }

  #push(value: FusedValue): number {
    return this.values.push(value) - 1;
  }

  /** Steps of dimensions of size 1 do not count. */
  #sameSteps(a: Shape, b: Shape): boolean {
    for (let d = 0; d < this.#shape.length; d++) {
      if (a[d] !== b[d] && this.#shape[d] !== 1) return false;
    }
    return true;
  }
}

/** The steps of an operand in the dimensions of `shape`, to which it broadcasts. */
function stepsIn(shape: Shape, strides: Shape, to: Shape): Shape {
  if (shape === to) return strides;
  const lead = to.length - shape.length;
  return to.map((_, d) => d < lead || shape[d - lead] === 1 ? 0 : strides[d - lead]!);
}

/**
 * The steps of sources when the contiguous result of an expression over `shape` is seen by `strides` and `offset` in the
 * dimensions of `seen`; null when these are not steps along the dimensions.
 */
function through(
  shape: Shape,
  sources: readonly Source[],
  seen: Shape,
  strides: Shape,
  offset: number,
): { steps: Shape[]; offsets: number[] } | null {
  const melted = melt(shape, sources.map((s) => stepsIn(s.shape, s.strides, shape)));
  const lengths = contiguousStrides(melted.sizes);
  const starts = lengths.map((length, d) => Math.floor(offset / length) % melted.sizes[d]!);
  const ends = [...starts];
  const moves = seen.map((size, k) => {
    const stride = strides[k]!;
    if (size === 1 || stride === 0) return { d: -1, by: 0 };
    const d = lengths.findIndex((length) => length <= stride && stride % length === 0);
    const by = stride / lengths[d]!;
    if (d >= 0) ends[d]! += (size - 1) * by;
    return { d, by };
  });
  const outside = ends.some((end, d) => end >= melted.sizes[d]!) ||
    moves.some(({ d }, k) => d < 0 && seen[k] !== 1 && strides[k] !== 0);
  if (outside) return null;
  return {
    steps: melted.steps.map((list) => moves.map(({ d, by }) => d < 0 ? 0 : by * list[d]!)),
    offsets: melted.steps.map((list, q) =>
      starts.reduce((sum, start, d) => sum + start * list[d]!, sources[q]!.offset)
    ),
  };
}

/** Dimensions that run on in all lists of steps become one; those of size 1 go. */
function melt(shape: Shape, lists: readonly Shape[]): { sizes: number[]; steps: number[][] } {
  const sizes: number[] = [];
  const steps: number[][] = lists.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && lists.every((list, q) => steps[q]![last] === list[d]! * size)) {
      sizes[last]! *= size;
      lists.forEach((list, q) => steps[q]![last] = list[d]!);
    } else {
      sizes.push(size);
      lists.forEach((list, q) => steps[q]!.push(list[d]!));
    }
  }
  return { sizes, steps };
}
