/**
 * The stack of function transforms in force.
 *
 * A tensor of level `n` is made of tensors of lower levels. An operation happens at the deepest level among its inputs:
 * the level's rule turns it into operations one level further out, until plain tensors are left. Each level has its own
 * tape: what is recorded for tensors of one level does not touch those of another.
 *
 * @module
 */

import { formatType, type Name, type Shape, TorchError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import {
  bind,
  gradMode,
  makeTensor,
  needsGrad,
  storageCount,
  type TransformLevel,
  type Transforms,
  transforms,
} from "@flambeau/tensor/internal";

/** The innermost transform in force, and what operations do while there is one. */
export const stack: { top: Level | null; dispatcher: Transforms | null } = { top: null, dispatcher: null };

/** Results of a primitive. */
export type Results = Tensor | readonly Tensor[];

/** Draws random numbers of any shape. */
export type Draw = (shape: Shape) => Tensor;

/** One transform in force, and how primitives act on its tensors. */
export abstract class Level implements TransformLevel {
  /** Which transform it is. */
  abstract readonly kind: "vmap" | "grad" | "jvp";
  /** The transform around it. */
  readonly parent: Level | null = stack.top;
  /** How many transforms are in force, this one included. */
  readonly depth: number = this.parent === null ? 1 : this.parent.depth + 1;
  /** False once the function that is transformed has returned. */
  alive = true;
  /** True while a backward pass through its tensors runs that is not recorded itself. */
  paused = false;
  /** The first storage that can have been made inside. */
  readonly #since = storageCount.next;
  /** Whether operations outside of it are recorded. */
  readonly #enabled: boolean = gradMode.enabled;
  readonly #inference: boolean = gradMode.inference;

  /** Applies a primitive to tensors of which the deepest are of this level. Runs at this level. */
  abstract execute(name: Name, inputs: readonly Tensor[], attrs: unknown): Results;

  /** As {@linkcode execute}, into targets that were admitted. */
  abstract executeInto(
    targets: readonly Tensor[],
    name: Name,
    inputs: readonly Tensor[],
    attrs: unknown,
  ): void;

  /** Makes tensors of further out part of this level where they are about to be written with values of this level. */
  abstract admit(targets: readonly Tensor[], name: Name, inputs: readonly Tensor[]): void;

  /** Makes `x`, a tensor of further out, part of this level: a view whose base has become so, say. */
  abstract promote(x: Tensor): void;

  /** The tensor of this level whose parts are what `f` makes of the parts of `x`. */
  abstract mapped(x: Tensor, f: (part: Tensor) => Tensor): Tensor;

  /** Random numbers as this transform wants them. */
  draw(shape: Shape, make: Draw): Tensor {
    return drawAt(this.parent, shape, make);
  }

  /** The gradient mode of what happens outside, while that inside is what it is now. */
  outerMode(): { enabled: boolean; inference: boolean } {
    return this.kind === "vmap"
      ? { ...gradMode }
      : { enabled: gradMode.enabled && this.#enabled, inference: this.#inference };
  }

  /** True for tensors of this level. */
  has(x: Tensor): boolean {
    return x.lifted !== null && x.lifted.level === this;
  }

  /** What `x` is one level further out: its value, or itself. */
  outside(x: Tensor): Tensor {
    return this.has(x) ? x.lifted!.value : x;
  }

  /** True when the memory of `x` was allocated inside the function that is transformed. */
  isFresh(x: Tensor): boolean {
    return (x.base ?? x).storage.serial >= this.#since;
  }
}

/** Random numbers as `level` and those around it want them. */
export function drawAt(level: Level | null, shape: Shape, make: Draw): Tensor {
  return level === null ? at(null, () => make(shape)) : level.draw(shape, make);
}

/**
 * Runs the function that is transformed inside a new level. A level that differentiates records, whatever the mode
 * around it.
 *
 * @throws {TorchError} If the body returns a promise: the level ends before it does.
 */
export function run<R>(level: Level, body: () => R): R {
  const outer = { ...gradMode };
  const { active } = transforms;
  stack.top = level;
  transforms.active = stack.dispatcher;
  if (level.kind !== "vmap") Object.assign(gradMode, { enabled: true, inference: false });
  try {
    const result = body();
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new TorchError(`Cannot ${level.kind} an async function: it must return its results at once`);
    }
    return result;
  } finally {
    level.alive = false;
    stack.top = level.parent;
    transforms.active = active;
    Object.assign(gradMode, outer);
  }
}

/** Runs `body` as if the transforms inside `level` were not in force; null is outside of all. */
export function at<R>(level: Level | null, body: () => R): R {
  const { top } = stack;
  if (top === level) return body();
  const { active } = transforms;
  const { enabled, inference } = gradMode;
  try {
    for (let inner: Level | null = top; inner !== level; inner = inner.parent) {
      if (inner === null) throw new Error("The level is not in force");
      Object.assign(gradMode, inner.outerMode());
    }
    stack.top = level;
    transforms.active = level === null ? null : stack.dispatcher;
    return body();
  } finally {
    stack.top = top;
    transforms.active = active;
    gradMode.enabled = enabled;
    gradMode.inference = inference;
  }
}

/** Runs `body` inside `level` again, from further out. */
export function inside<R>(level: Level, body: () => R): R {
  const { top } = stack;
  const { active } = transforms;
  stack.top = level;
  transforms.active = stack.dispatcher;
  try {
    return body();
  } finally {
    stack.top = top;
    transforms.active = active;
  }
}

/** The deepest level among tensors; null if they are all plain. */
export function deepest(tensors: readonly Tensor[], level: Level | null = null): Level | null {
  let found = level;
  for (const { lifted } of tensors) {
    if (lifted !== null && (found === null || lifted.level.depth > found.depth)) {
      found = lifted.level as Level;
    }
  }
  return found;
}

/**
 * `x` as operations see it now: values of transforms that have ended without what they knew of it, views of tensors that
 * have become part of a transform as part of it.
 *
 * @throws {TorchError} If `x` is a batch that has escaped from its `vmap`.
 */
export function resolve(x: Tensor): Tensor {
  let seen = x;
  while (seen.lifted !== null && !seen.lifted.level.alive) {
    if (seen.lifted.level.kind === "vmap") throw escaped(x);
    seen = seen.lifted.value;
  }
  const base = seen.base;
  if (base !== null && base.lifted !== null && base.lifted.level.alive && depthOf(base) > depthOf(seen)) {
    (base.lifted.level as Level).promote(seen);
  }
  return seen;
}

/** The number of the level that `x` belongs to; 0 for plain tensors. */
export function depthOf(x: Tensor): number {
  return x.lifted === null ? 0 : x.lifted.level.depth;
}

/** The error about a tensor that outlived its `vmap`. */
export function escaped(x: Tensor): TorchError {
  return new TorchError(
    `Cannot use ${
      formatType(x)
    }, which comes from inside a vmap that has ended: return it from the function that was ` +
      "transformed",
  );
}

/** Another handle on what `x` is, as it is further out. `base` is that of its base. */
export function sameHandle(x: Tensor, base: Tensor | null): Tensor {
  const handle = makeTensor(x.storage, x.shape, x.strides, x.offset, x.dtype);
  handle.gradMeta = x.gradMeta;
  handle.lifted = x.lifted;
  handle.base = base;
  return handle;
}

/** `inputs` such that what is saved of them, further out, is not written over with `targets`. */
export function savable(
  level: Level,
  targets: readonly Tensor[],
  inputs: readonly Tensor[],
): readonly Tensor[] {
  if (!gradMode.enabled) return inputs;
  const copy = (x: Tensor): Tensor => bind("copy", [x], null);
  return inputs.map((x) => {
    if (!targets.some(({ storage }) => storage === x.storage)) return x;
    if (!needsGrad(level.has(x) ? x.lifted!.parts : [x])) return x;
    return level.has(x) ? level.mapped(x, (part) => at(level.parent, () => copy(part))) : copy(x);
  });
}

/** Applies `f` to one result or to each of several. */
export function eachResult(results: Results, f: (x: Tensor, i: number) => Tensor): Results {
  return Array.isArray(results) ? (results as readonly Tensor[]).map(f) : f(results as Tensor, 0);
}

/** Applies a primitive whose name is not known. */
export const apply: (name: Name, inputs: readonly Tensor[], attrs: unknown) => Results = bind as never;
