/**
 * Lion: steps of one size, by the sign of an interpolated momentum.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bindInto, named } from "@flambeau/tensor/internal";
import { requireBetas, requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, average_, bent, plus, scale_, stateLike } from "./update.ts";

/** Options of {@linkcode Lion}. */
export interface LionOptions {
  /** Learning rate, 3 to 10 times below that of AdamW. Default `1e-4`. */
  lr: number;
  /** Share of the momentum in the step, and decay of the momentum. Default `[0.9, 0.99]`. */
  betas: readonly [beta1: number, beta2: number];
  /** Decay of the weights themselves. Default 0. */
  weightDecay: number;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode Lion} remembers of a parameter. */
export interface LionState {
  /** Running mean of the gradient. */
  expAvg: Tensor;
}

/**
 * Lion (evolved sign momentum): `p = p (1 − lr · weightDecay) − lr · sign(β₁ m + (1 − β₁) g)`, then
 * `m = β₂ m + (1 − β₂) g`.
 *
 * @throws {ValueError} If lr or weightDecay is negative, or a beta is outside of [0, 1).
 * @see Chen et al. 2023, https://arxiv.org/abs/2302.06675, algorithm 2
 */
export class Lion extends Optimizer<LionOptions, LionState> {
  /** An optimizer of `params`; options go in the order of {@linkcode LionOptions}, or by name. */
  constructor(
    params: ParamsInput<LionOptions>,
    ...args: Args<LionOptions, ["lr", "betas", "weightDecay"]>
  ) {
    super(params, {
      lr: 1e-4,
      betas: [0.9, 0.99],
      weightDecay: 0,
      maximize: false,
      ...named<LionOptions>("create Lion", args, ["lr", "betas", "weightDecay"], ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: LionOptions): void {
    requireNonNegative("Lion", options, ["lr", "weightDecay"]);
    requireBetas("Lion", options.betas);
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<LionOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) this.state.set(param, state = { expAvg: stateLike(param) });
    const { lr, betas: [beta1, beta2], weightDecay, maximize } = group;
    const g = bent(param, grad, { maximize, weightDecay: 0 });
    // The sign of β₁ m + (1 − β₁) g is that of g + β₁ / (1 − β₁) m.
    const step = plus(g, state.expAvg, beta1 / (1 - beta1));
    bindInto([step], "sign", [step], null);
    scale_(param, 1 - lr * weightDecay);
    add_(param, step, -lr);
    average_(state.expAvg, g, beta2);
  }
}
