/**
 * A level of reverse mode: its tensors are other handles on tensors of further out, with a tape of their own.
 *
 * When the function that is transformed has returned, the level ends, and the backward pass through its tape runs
 * further out, on the values. So the pass is recorded exactly where something around it differentiates.
 *
 * @module
 */

import { formatType, GradError, type Name, viewNames } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bindInto, gradMode, makeTensor, newGradMeta } from "@flambeau/tensor/internal";
import { apply, at, eachResult, Level, type Results, sameHandle } from "./level.ts";

/** One reverse-mode transform in force. */
export class GradLevel extends Level {
  /** Which transform it is. */
  override readonly kind = "grad";

  /** A tensor of this level that stands for `value`. `viewOf` is the tensor of this level that it is a view of. */
  wrap(value: Tensor, viewOf: Tensor | null): Tensor {
    const x = makeTensor(value.storage, value.shape, value.strides, value.offset, value.dtype);
    this.#lift(x, value);
    if (viewOf !== null) x.base = viewOf.base ?? viewOf;
    return x;
  }

  /** A leaf of this level's tape, for a value. It requires grad if it has a float dtype. */
  leaf(value: Tensor): Tensor {
    const x = this.wrap(value, null);
    if (value.dtype.kind === "float") (x.gradMeta = newGradMeta()).requiresGrad = true;
    return x;
  }

  #lift(x: Tensor, value: Tensor): void {
    x.lifted = {
      level: this,
      value,
      parts: [value],
      readable: value.lifted === null || value.lifted.readable,
    };
  }

  /** Applies a primitive to the values. */
  override execute(name: Name, inputs: readonly Tensor[], attrs: unknown): Results {
    const values = inputs.map((x) => this.outside(x));
    const results = at(this.parent, () => apply(name, values, attrs));
    const isView = viewNames.has(name as "alias");
    return eachResult(results, (value) => this.wrap(value, isView ? inputs[0]! : null));
  }

  /** Writes the values. */
  override executeInto(
    targets: readonly Tensor[],
    name: Name,
    inputs: readonly Tensor[],
    attrs: unknown,
  ): void {
    const into = targets.map((x) => this.outside(x));
    const values = inputs.map((x) => this.outside(x));
    at(this.parent, () => writeInto(into, name, values, attrs));
  }

  /** Targets join the tape when something is written that it knows. */
  override admit(targets: readonly Tensor[], name: Name, inputs: readonly Tensor[]): void {
    if (!gradMode.enabled || this.paused) return;
    if (inputs.some((x) => this.has(x) && x.requiresGrad)) join(this, targets, name);
  }

  /** Makes `x` a tensor of this level, and its base too. */
  override promote(x: Tensor): void {
    if (this.has(x)) return;
    const { base } = x;
    if (base !== null) this.promote(base);
    const value = sameHandle(x, base === null ? null : base.lifted!.value);
    x.gradMeta = null;
    this.#lift(x, value);
  }

  /** The tensor of this level whose value is what `f` makes of that of `x`. */
  override mapped(x: Tensor, f: (part: Tensor) => Tensor): Tensor {
    return this.wrap(f(this.outside(x)), null);
  }
}

/** Writes the results of a primitive into targets. */
export const writeInto: (
  targets: readonly Tensor[],
  name: Name,
  inputs: readonly Tensor[],
  attrs: unknown,
) => void = bindInto as never;

/**
 * Promotes targets that were made inside a transform.
 *
 * @throws {GradError} If one was made outside of it.
 */
export function join(level: Level, targets: readonly Tensor[], name: Name): void {
  for (const target of targets) {
    if (level.has(target)) continue;
    if (!level.isFresh(target)) {
      throw new GradError(
        `Cannot ${name} into ${
          formatType(target)
        } inside ${level.kind}: the function that is transformed would mutate ` +
          "a captured tensor; rewrite it to take the tensor as an argument, got one from outside",
      );
    }
    level.promote(target);
  }
}
