/**
 * Operations with a backward pass written by hand: `torch.autograd.Function`.
 *
 * @module
 */

import { GradError, NotImplementedError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { transforms } from "@flambeau/tensor/internal";
import { applyTransformed } from "./func/custom_function.ts";
import {
  type AnyFunctionClass,
  applyPlain,
  type FunctionClass,
  type FunctionContext,
} from "./function_call.ts";

export { FunctionContext } from "./function_call.ts";

/**
 * An operation with its own backward pass: extend it with static `forward` and `backward`, call it by `apply`.
 *
 * `forward` runs without recording. `backward` gets one gradient for each output and answers one for each argument of
 * `forward`, null where there is none; it is recorded when the pass is made with `createGraph`.
 *
 * @see https://pytorch.org/docs/stable/notes/extending.html
 *
 * @example
 * ```ts
 * class Exp extends Function {
 *   static override forward(ctx: FunctionContext, x: Tensor): Tensor {
 *     const y = x.exp();
 *     ctx.saveForBackward(y);
 *     return y;
 *   }
 *   static override backward(ctx: FunctionContext, g: Tensor): Tensor {
 *     const [y] = ctx.savedTensors;
 *     return g.mul(y!);
 *   }
 * }
 * const y = Exp.apply(x);
 * ```
 */
export abstract class Function {
  /** Computes the result. Override it. */
  // deno-lint-ignore no-explicit-any
  static forward(_context: FunctionContext, ..._args: any[]): Tensor | readonly Tensor[] {
    throw new GradError(`Cannot apply ${this.name}: you must implement a static forward function`);
  }

  /** Computes gradients of the arguments. Override it. */
  // deno-lint-ignore no-explicit-any
  static backward(_context: FunctionContext, ..._grads: any[]): Tensor | null | readonly (Tensor | null)[] {
    throw new GradError(`Cannot run backward of ${this.name}: you must implement a static backward function`);
  }

  /**
   * Computes the derivative of the results along tangents of the arguments, null where those are 0, for forward mode. Override
   * it where `jvp` is used.
   */
  // deno-lint-ignore no-explicit-any
  static jvp(_context: FunctionContext, ..._tangents: any[]): Tensor | null | readonly (Tensor | null)[] {
    throw new NotImplementedError(
      `Cannot run ${this.name} in forward mode: it must have a static jvp function; use vjp or jacrev without it`,
    );
  }

  /** Runs `forward` and records it with `backward` as its derivative. */
  static apply<A extends unknown[], R extends Tensor | readonly Tensor[]>(
    this: FunctionClass<A, R>,
    ...args: A
  ): R {
    const type = this as unknown as AnyFunctionClass;
    const { outputs, isList } = transforms.active === null
      ? applyPlain(type, args)
      : applyTransformed(type, args);
    return (isList ? outputs : outputs[0]) as R;
  }
}
