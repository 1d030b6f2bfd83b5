/**
 * The slot between tensors and autograd: this floor calls it, the autograd package fills it.
 *
 * @module
 */

import { type Attrs, GradError, type Inputs, type Name } from "@flambeau/core";
import type { Tensor } from "./tensor.ts";

/** A step of the recorded graph, as `tensor.gradFn` shows it. */
export interface GradNode {
  /** Its name as PyTorch prints it: `AddBackward0`. Composite operations set it after the fact. */
  name: string;
  /** The nodes that receive this node's gradients, with the number of the output they belong to; null where none does. */
  readonly nextFunctions: readonly (readonly [node: GradNode, outputNr: number] | null)[];
  /** Hooks of its outputs, by number. Not for users: see `registerHook`. */
  hooks: Map<number, Map<number, GradHook>> | null;
  /** Outputs that keep their gradient, by number. Not for users: see `retainGrad`. */
  retained: Map<number, Tensor> | null;
}

/** A function that sees a gradient on its way, and may return another in its place. */
export type GradHook = (grad: Tensor) => Tensor | void;

/** What autograd knows of one tensor. Null on tensors that never had to do with gradients. */
export interface GradMeta {
  /** Set by the user on a leaf. */
  requiresGrad: boolean;
  /** The accumulated gradient. */
  grad: Tensor | null;
  /** Whether somebody beside the tape may have a handle on `grad`. */
  gradShown: boolean;
  /** The step that made the tensor; null for leaves. */
  node: GradNode | null;
  /** Which output of that step it is. */
  outputNr: number;
  /** Keep `.grad` although it is no leaf. */
  retainsGrad: boolean;
  /** Functions that see its gradient. */
  hooks: Map<number, GradHook> | null;
  /** The node that accumulates into `grad`, made on first use. */
  accumulator: GradNode | null;
  /** For views: how often the base was written in place when `node` was made. For bases: how often they were. */
  rebases: number;
  /** Nothing that is made from the tensor is recorded. */
  volatile: boolean;
}

/** Options of {@linkcode Tensor.backward}. */
export interface BackwardOptions {
  /** Keep the graph for another pass. Default: `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the pass itself, for higher derivatives. Default false. */
  readonly createGraph?: boolean;
  /** Accumulate only into these leaves. Default: all that are reached. */
  readonly inputs?: readonly Tensor[];
}

/** What the autograd package offers to this floor. */
export interface Tape {
  /** Notes an operation whose inputs may need gradients. Does nothing when none does. */
  record<P extends Name>(
    name: P,
    inputs: Inputs<P, Tensor>,
    attrs: Attrs<P>,
    outputs: Tensor | readonly Tensor[],
  ): void;
  /** Notes a formula of tensors as one step, with the gradient that goes back through it. */
  recordFormula(
    label: string,
    inputs: readonly Tensor[],
    output: Tensor,
    gradient: (
      g: Tensor,
      inputs: readonly Tensor[],
      needs: readonly boolean[],
    ) => readonly (Tensor | null)[],
  ): void;
  /**
   * Checks that the targets may be written in place, then writes by `write`, then notes the operation: the targets become
   * its outputs.
   */
  recordInto<P extends Name>(
    name: P,
    inputs: Inputs<P, Tensor>,
    attrs: Attrs<P>,
    targets: readonly Tensor[],
    write: () => void,
  ): void;
  /**
   * Replaces the value of `target` by what `compute` makes of it, in place, with its history.
   */
  replace(target: Tensor, compute: (before: Tensor) => Tensor, write: (value: Tensor) => void): void;
  /** The step that made `x`, made anew when its base was written through another view. */
  gradFn(x: Tensor): GradNode | null;
  /** Runs the backward pass from `x`. */
  backward(x: Tensor, gradient: Tensor | null, options: BackwardOptions): void;
  /** Storages that the graph behind `x` needs. */
  heldStorages(x: Tensor): Iterable<object>;
}

/** The installed tape; null until the autograd package is imported. */
export const tape: { current: Tape | null } = { current: null };

/**
 * The installed tape.
 *
 * @throws {GradError} If autograd was not imported.
 */
export function requireTape(op: string): Tape {
  if (tape.current === null) {
    throw new GradError(
      `Cannot ${op}: autograd is not installed; import @flambeau/autograd or @flambeau/torch`,
    );
  }
  return tape.current;
}

/** A fresh record for a tensor. */
export function newGradMeta(): GradMeta {
  return {
    requiresGrad: false,
    grad: null,
    gradShown: false,
    node: null,
    outputNr: 0,
    retainsGrad: false,
    hooks: null,
    accumulator: null,
    rebases: 0,
    volatile: false,
  };
}

/** The gradient of `x`, for a reader that keeps no handle on it; null when there is none. */
export function peekGrad(x: Tensor): Tensor | null {
  return x.gradMeta === null ? null : x.gradMeta.grad;
}

/** Gives `x` a gradient that nobody else has a handle on. */
export function putGrad(x: Tensor, grad: Tensor): void {
  const meta = x.gradMeta ??= newGradMeta();
  meta.grad = grad;
  meta.gradShown = false;
}

/** Forgets the gradient of `x`. Its memory goes back at once when nobody else has seen it. */
export function forgetGrad(x: Tensor): void {
  const meta = x.gradMeta;
  if (meta === null || meta.grad === null) return;
  const { storage, lifted } = meta.grad;
  meta.grad = null;
  if (meta.gradShown || lifted !== null) return;
  if (storage.holds > 0) storage.leaveToHolders();
  else storage.dispose();
}
