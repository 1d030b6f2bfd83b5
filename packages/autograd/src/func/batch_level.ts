/**
 * A level of `vmap`: each of its tensors stands for a batch of tensors, which lies in the first dimension of its value.
 *
 * The tensor itself has the shape of one element of the batch, and the strides and the offset of the first one. Its
 * memory cannot be reached through it, so nothing can take it for that first element by mistake.
 *
 * @module
 */

import {
  type Aval,
  formatType,
  inferenceRules,
  type Name,
  type Shape,
  TorchError,
  viewNames,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, bindInto, makeEmpty, makeTensor, temporaries } from "@flambeau/tensor/internal";
import { batchRules } from "./batch_rules.ts";
import { batchedStorage } from "./batch/storage.ts";
import type { AnyBatchRule, Lowered } from "./batch/lowered.ts";
import { decomposed } from "./decomposed.ts";
import { at, type Draw, drawAt, eachResult, Level, type Results, savable } from "./level.ts";

/** What random operations do inside `vmap`. */
export type Randomness = "error" | "same" | "different";

/** One `vmap` in force. */
export class BatchLevel extends Level {
  /** Which transform it is. */
  override readonly kind = "vmap";
  /** How many elements the batch has. */
  readonly size: number;
  /** What random operations do. */
  readonly randomness: Randomness;

  /** A level for batches of `size` elements. */
  constructor(size: number, randomness: Randomness) {
    super();
    this.size = size;
    this.randomness = randomness;
  }

  /** The tensor that stands for the batch in the first dimension of `value`. `viewOf` is what it is a view of. */
  wrap(value: Tensor, viewOf: Tensor | null): Tensor {
    const shape = value.shape.slice(1);
    const strides = value.strides.slice(1);
    const x = makeTensor(batchedStorage(value.storage), shape, strides, value.offset, value.dtype);
    x.lifted = { level: this, value, parts: [value], readable: false };
    if (viewOf !== null) x.base = viewOf.base ?? viewOf;
    return x;
  }

  /** The batch in which every element is `x`, with memory of its own. */
  spread(x: Tensor): Tensor {
    const shape = [this.size, ...x.shape];
    const value = at(this.parent, () => bind("copy", [bind("expand", [x], { shape })], null));
    return this.wrap(value, null);
  }

  #lower(x: Tensor): Lowered {
    return { x: this.outside(x), batched: this.has(x), rank: x.shape.length };
  }

  /** Applies the batching rule of a primitive. */
  override execute(name: Name, inputs: readonly Tensor[], attrs: unknown): Results {
    const rule = batchRules[name] as unknown as AnyBatchRule | null;
    const isView = viewNames.has(name as "alias");
    if (this.size === 0 && !isView) return this.#empty(name, inputs, attrs);
    if (rule === null) return decomposed(this, name, inputs, attrs, (x) => this.has(x) ? x : this.spread(x));
    const lowered = inputs.map((x) => this.#lower(x));
    const results = at(this.parent, () => {
      if (isView) return rule(lowered, attrs, this.size);
      return temporaries(() => rule(lowered, attrs, this.size));
    });
    return eachResult(results, (value) => this.wrap(value, isView ? inputs[0]! : null));
  }

  /** Results for a batch without elements. */
  #empty(name: Name, inputs: readonly Tensor[], attrs: unknown): Results {
    const avals = (inferenceRules[name] as unknown as (
      inputs: readonly Aval[],
      attrs: unknown,
    ) => Aval | readonly Aval[])(
      inputs,
      attrs,
    );
    const { backend } = inputs[0]!;
    const make = ({ shape, dtype }: Aval) => this.wrap(makeEmpty(backend, [0, ...shape], dtype), null);
    return Array.isArray(avals) ? (avals as Aval[]).map(make) : make(avals as Aval);
  }

  /** Computes the results and copies them over the elements of all batches. */
  override executeInto(
    targets: readonly Tensor[],
    name: Name,
    inputs: readonly Tensor[],
    attrs: unknown,
  ): void {
    temporaries(() => {
      const made = this.execute(name, savable(this, targets, inputs), attrs);
      const results = (Array.isArray(made) ? made : [made]) as readonly Tensor[];
      at(this.parent, () =>
        results.forEach((result, i) => {
          const [target, value] = [this.outside(targets[i]!), this.outside(result)];
          if (value.dtype === target.dtype) bindInto([target], "copy", [value], null);
          else bindInto([target], "cast", [value], { dtype: target.dtype });
        }));
      return null;
    });
  }

  /**
   * Checks that each element of the batch has a target of its own.
   *
   * @throws {TorchError} If one target is for all.
   */
  override admit(targets: readonly Tensor[], name: Name, inputs: readonly Tensor[]): void {
    for (const target of targets) {
      if (this.has(target)) continue;
      const other = inputs.find((x) => this.has(x)) ?? target;
      throw new TorchError(
        `Cannot ${name} into ${
          formatType(target)
        } inside vmap: in-place arithmetic is not possible because there ` +
          `exists a Tensor, ${
            formatType(other)
          }, that has more elements than it: that one is being vmapped over but the ` +
          `target is not being vmapped over at level ${this.depth}; use out-of-place operators, or make the target after ` +
          "a batched tensor, as by x.newZeros()",
      );
    }
  }

  /** Only what is written becomes part of a level, and a batch refuses that. */
  override promote(x: Tensor): void {
    throw new TorchError(`Cannot make ${formatType(x)} a batch: it must be vmapped over`);
  }

  /** The batch that `f` makes of the whole batch `x`. */
  override mapped(x: Tensor, f: (part: Tensor) => Tensor): Tensor {
    return this.wrap(f(this.outside(x)), null);
  }

  /**
   * Random numbers: one draw for all elements of the batch, or one for each.
   *
   * @throws {TorchError} Unless `vmap` was told which.
   */
  override draw(shape: Shape, make: Draw): Tensor {
    switch (this.randomness) {
      case "error":
        throw new TorchError(
          "Cannot draw random numbers inside vmap: it called a random operation while in randomness error mode; use " +
            '{ randomness: "same" } or { randomness: "different" } on vmap, or draw outside of it',
        );
      case "same":
        return drawAt(this.parent, shape, make);
      case "different":
        return this.wrap(drawAt(this.parent, [this.size, ...shape], make), null);
      default:
        return this.randomness satisfies never;
    }
  }
}
