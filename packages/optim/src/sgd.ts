/**
 * SGD: stochastic gradient descent, optionally with momentum.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bindInto, named } from "@flambeau/tensor/internal";
import { requireNonNegative, requireOption } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, bent, stateLike } from "./update.ts";

/** Options of {@linkcode SGD}. */
export interface SGDOptions {
  /** Learning rate. Default `1e-3`. */
  lr: number;
  /** Part of the last step that goes on. Default 0. */
  momentum: number;
  /** Part of the gradient that momentum leaves out, after the first step. Default 0. */
  dampening: number;
  /** L2 penalty. Default 0. */
  weightDecay: number;
  /** Look ahead along the momentum. Default false. */
  nesterov: boolean;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode SGD} remembers of a parameter, when there is momentum. */
export interface SGDState {
  /** Running sum of gradients. */
  momentumBuffer?: Tensor;
}

/**
 * Stochastic gradient descent: `b = momentum · b + (1 − dampening) · g`, `p = p − lr · b`, with `b = g` on the first step.
 *
 * @throws {ValueError} If lr, momentum or weightDecay is negative, or nesterov goes with dampening or without momentum.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 * @see Sutskever et al. 2013, http://proceedings.mlr.press/v28/sutskever13.html (momentum)
 *
 * @example
 * ```ts
 * const optimizer = new optim.SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
 * optimizer.zeroGrad();
 * loss.backward();
 * optimizer.step();
 * ```
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  /** An optimizer of `params`; options go in the order of {@linkcode SGDOptions}, or by name. */
  constructor(
    params: ParamsInput<SGDOptions>,
    ...args: Args<SGDOptions, ["lr", "momentum", "dampening", "weightDecay", "nesterov"]>
  ) {
    super(params, {
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
      ...named<SGDOptions>("create SGD", args, ["lr", "momentum", "dampening", "weightDecay", "nesterov"], [
        "maximize",
      ]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: SGDOptions): void {
    requireNonNegative("SGD", options, ["lr", "momentum", "weightDecay"]);
    const { nesterov, momentum, dampening } = options;
    requireOption(
      "SGD",
      !nesterov || momentum > 0 && dampening === 0,
      "nesterov",
      "with a momentum and without dampening",
      `momentum ${momentum}, dampening ${dampening}`,
    );
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<SGDOptions>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    if (momentum === 0) return add_(param, bent(param, grad, group), -lr);
    let state = this.state.get(param);
    if (state === undefined) this.state.set(param, state = {});
    // The first buffer is the gradient itself, undamped: a step from zeros without dampening.
    const first = state.momentumBuffer === undefined;
    const buffer = state.momentumBuffer ??= stateLike(param);
    const attrs = { lr, momentum, dampening: first ? 0 : dampening, weightDecay, nesterov, maximize };
    bindInto([param, buffer], "sgdStep", [param, grad, buffer], attrs);
  }
}
