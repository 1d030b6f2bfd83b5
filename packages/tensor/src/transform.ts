/**
 * The slot between tensors and function transforms (`vmap`, `grad`, `jvp`): this floor calls it while a transform is in
 * force, the autograd package fills it.
 *
 * Inside a transform a tensor may stand for more than its elements: for a batch of tensors, or for a value with a tangent.
 * Such a tensor carries a {@linkcode Lifted} that says what it is made of, one level further out.
 *
 * @module
 */

import { formatType, type Name, type Shape, TorchError } from "@flambeau/core";
import type { Storage } from "./storage.ts";
import type { Tensor } from "./tensor.ts";

/** One transform in force. */
export interface TransformLevel {
  /** Which transform it is. */
  readonly kind: "vmap" | "grad" | "jvp";
  /** How many transforms are in force around its body, itself included. */
  readonly depth: number;
  /** False once its body has returned. */
  readonly alive: boolean;
  /** True while a backward pass through its tensors runs that is not recorded itself. */
  paused: boolean;
}

/** What a tensor inside a transform is made of. */
export interface Lifted {
  /** The transform that it belongs to. */
  readonly level: TransformLevel;
  /** The tensor that it stands for outside of the transform: the whole batch, or the value without its tangent. */
  readonly value: Tensor;
  /** All tensors outside of the transform that it needs. */
  readonly parts: readonly Tensor[];
  /** False when its elements are not numbers but batches of numbers. */
  readonly readable: boolean;
}

/** What operations do while a transform is in force. */
export interface Transforms {
  /** Applies a primitive, and records it. */
  bind(name: Name, inputs: readonly Tensor[], attrs: unknown): Tensor | readonly Tensor[];
  /** Applies a primitive without recording it for the tensors given. */
  execute(name: Name, inputs: readonly Tensor[], attrs: unknown): Tensor | readonly Tensor[];
  /** Applies a primitive and writes its results into `targets`. */
  bindInto(targets: readonly Tensor[], name: Name, inputs: readonly Tensor[], attrs: unknown): void;
  /** Replaces the value of `target` by what `compute` makes of it; `check` throws if it cannot be written. */
  replace(target: Tensor, compute: (before: Tensor) => Tensor, check: (value: Tensor) => void): void;
  /** Random numbers of `shape`, as the transforms want them; `make` draws any shape. */
  draw(shape: Shape, make: (shape: Shape) => Tensor): Tensor;
  /** `made`, with an element for each element of the batch wherever `like` has one. */
  alike(made: Tensor, like: Tensor): Tensor;
  /** What `f` makes of the plain tensor behind `x`, as a tensor that stands for a batch where `x` does. */
  onPlain(x: Tensor, f: (plain: Tensor) => Tensor): Tensor;
  /** `x` moved by `move`, which copies the elements of a plain tensor to another device. */
  move(x: Tensor, move: (x: Tensor) => Tensor): Tensor;
}

/** The transforms in force; null while there are none, which is all that operations look at then. */
export const transforms: { active: Transforms | null } = { active: null };

/** Calls `visit` with every storage that `x` needs. */
export function eachStorage(x: Tensor, visit: (storage: Storage) => void): void {
  if (x.lifted === null) visit(x.storage);
  else for (const part of x.lifted.parts) eachStorage(part, visit);
}

/** False when there is no one value for each element of `x`, because it stands for a batch. */
export function isReadable(x: Tensor): boolean {
  return x.lifted === null || x.lifted.readable;
}

/** True when the elements of `x` can be read at once: by its device, and because there is one value for each. */
export function canRead(x: Tensor): boolean {
  return x.backend.canReadSync && isReadable(x);
}

/** The plain tensor that `x` is made of: with the elements of all batches. */
export function plainOf(x: Tensor): Tensor {
  let plain = x;
  while (plain.lifted !== null) plain = plain.lifted.value;
  return plain;
}

/**
 * What `f` makes of all batches of `x` at once, for what is computed on the host.
 *
 * @param f Takes and gives tensors with the same dimensions in front.
 */
export function onPlain(x: Tensor, f: (plain: Tensor) => Tensor): Tensor {
  return x.lifted === null || transforms.active === null ? f(x) : transforms.active.onPlain(x, f);
}

/**
 * Checks that the elements of `x` are numbers.
 *
 * @throws {TorchError} If they are batches of numbers, inside `vmap`.
 */
export function requireReadable(op: string, x: Tensor): void {
  if (isReadable(x)) return;
  throw new TorchError(
    `Cannot ${op} ${
      formatType(x)
    } inside vmap: it has other elements for each element of the batch, so nothing may ` +
      "depend on their values on the host (item(), data(), nonzero(), masks as indices, control flow); use operations " +
      "such as where() in its place",
  );
}
