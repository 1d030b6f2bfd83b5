/**
 * Methods of differentiation: they keep the record that the tape reads, and call it through its slot.
 *
 * @module
 */

import { ArgumentTypeError, formatType, GradError } from "@flambeau/core";
import { isOptions } from "../args.ts";
import { TensorHandle } from "../handle.ts";
import { type BackwardOptions, type GradHook, newGradMeta, requireTape } from "../tape.ts";
import type { Tensor } from "../tensor.ts";

/** Takes a hook away again. */
export interface HookHandle {
  /** The hook is not called any more. */
  remove(): void;
}

let nextHook = 0;

/** `backward`, hooks, and which gradients are kept. */
export class AutogradMethods extends TensorHandle {
  /**
   * Computes the gradients of the leaves that this tensor was made from, and adds them to their `grad`.
   *
   * @param gradient Gradient of this tensor, of its shape. May be left out for a single element: then it is 1. The options may
   * stand in its place.
   * @throws {GradError} If the tensor has no graph, has several elements and no gradient was given, the graph was
   * freed by an earlier pass, or a value that it needs was overwritten.
   * @see https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html
   */
  backward(this: Tensor, gradient?: Tensor | null | BackwardOptions, options: BackwardOptions = {}): void {
    const tape = requireTape("run backward");
    if (isOptions(gradient)) tape.backward(this, null, gradient);
    else tape.backward(this, (gradient ?? null) as Tensor | null, options);
  }

  /**
   * Turns recording for this leaf on or off, in place. Gives the tensor.
   *
   * @throws {GradError} If it is no leaf, or not of a float dtype.
   */
  requiresGrad_(this: Tensor, requiresGrad = true): Tensor {
    this.requiresGrad = requiresGrad;
    return this;
  }

  /** Takes the tensor out of its graph, in place. Gives the tensor. */
  detach_(this: Tensor): Tensor {
    if (this.base !== null) {
      throw new GradError(
        `Cannot detach_ ${formatType(this)}: it is a view, which cannot be detached in place; use detach()`,
      );
    }
    if (this.lifted !== null) this.lifted = this.detach().lifted;
    this.gradMeta = null;
    return this;
  }

  /**
   * Keeps `.grad` of a tensor that is no leaf.
   *
   * @throws {GradError} If it does not require grad.
   */
  retainGrad(this: Tensor): void {
    const node = this.gradFn;
    if (!this.requiresGrad) {
      throw new GradError(
        `Cannot retainGrad of ${formatType(this)}: can't retain_grad on Tensor that has requiresGrad false`,
      );
    }
    if (node === null) return;
    const meta = this.gradMeta!;
    meta.retainsGrad = true;
    (node.retained ??= new Map()).set(meta.outputNr, this);
  }

  /**
   * Calls `hook` with the gradient of this tensor each time it is computed; what it returns takes the gradient's place.
   *
   * @throws {GradError} If the tensor does not require grad.
   */
  registerHook(this: Tensor, hook: GradHook): HookHandle {
    if (typeof hook !== "function") {
      throw new ArgumentTypeError("Cannot registerHook: the hook must be a function");
    }
    const node = this.gradFn;
    if (!this.requiresGrad) {
      throw new GradError(`Cannot registerHook on ${formatType(this)}: it does not require grad`);
    }
    const meta = this.gradMeta ??= newGradMeta();
    const hooks = meta.hooks ??= new Map<number, GradHook>();
    if (node !== null) (node.hooks ??= new Map()).set(meta.outputNr, hooks);
    const id = nextHook++;
    hooks.set(id, hook);
    return { remove: () => void hooks.delete(id) };
  }
}
