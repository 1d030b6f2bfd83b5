/**
 * RAdam: Adam that waits with its scaling until the running squares are worth something.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireBetas, requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, average_, averageSquare_, bent, quotientInto, root, scale_, stateLike } from "./update.ts";

/** Options of {@linkcode RAdam}. */
export interface RAdamOptions {
  /** Learning rate. Default `1e-3`. */
  lr: number;
  /** Decay of the running mean and of the running square of gradients. Default `[0.9, 0.999]`. */
  betas: readonly [beta1: number, beta2: number];
  /** Added to the root of the running square. Default `1e-8`. */
  eps: number;
  /** L2 penalty, or decay of the weights themselves. Default 0. */
  weightDecay: number;
  /** Decay the weights themselves, not through the gradient. Default false. */
  decoupledWeightDecay: boolean;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode RAdam} remembers of a parameter. */
export interface RAdamState {
  /** Steps that this parameter took. */
  step: number;
  /** Running mean of the gradient. */
  expAvg: Tensor;
  /** Running mean of its square. */
  expAvgSq: Tensor;
}

const POSITIONAL = ["lr", "betas", "eps", "weightDecay", "decoupledWeightDecay"] as const;

/**
 * RAdam: steps of plain momentum until the variance of the running square is bounded (ρ > 5), then steps of Adam times the
 * rectification `r = √((ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ))`.
 *
 * @throws {ValueError} If lr, eps or weightDecay is negative, or a beta is outside of [0, 1).
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html
 * @see Liu et al. 2020, https://arxiv.org/abs/1908.03265
 */
export class RAdam extends Optimizer<RAdamOptions, RAdamState> {
  /** An optimizer of `params`; options go in the order of {@linkcode RAdamOptions}, or by name. */
  constructor(
    params: ParamsInput<RAdamOptions>,
    ...args: Args<RAdamOptions, ["lr", "betas", "eps", "weightDecay", "decoupledWeightDecay"]>
  ) {
    super(params, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      decoupledWeightDecay: false,
      maximize: false,
      ...named<RAdamOptions>("create RAdam", args, POSITIONAL, ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: RAdamOptions): void {
    requireNonNegative("RAdam", options, ["lr", "eps", "weightDecay"]);
    requireBetas("RAdam", options.betas);
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<RAdamOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, expAvg: stateLike(param), expAvgSq: stateLike(param) });
    }
    const { lr, betas: [beta1, beta2], eps, weightDecay, decoupledWeightDecay, maximize } = group;
    const { expAvg, expAvgSq } = state;
    const step = ++state.step;
    const g = bent(param, grad, { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay });
    if (decoupledWeightDecay) scale_(param, 1 - lr * weightDecay);
    average_(expAvg, g, beta1);
    averageSquare_(expAvgSq, g, beta2);

    const rate = lr / (1 - beta1 ** step);
    const correction2 = 1 - beta2 ** step;
    const longest = 2 / (1 - beta2) - 1; // ρ∞
    const length = longest - 2 * step * beta2 ** step / correction2; // ρ
    if (length <= 5) return add_(param, expAvg, -rate);
    const rectification = Math.sqrt(
      (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length),
    );
    const ratio = quotientInto(expAvg, root(expAvgSq, 1, eps));
    add_(param, ratio, -rate * Math.sqrt(correction2) * rectification);
  }
}
