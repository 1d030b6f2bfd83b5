/**
 * Adamax: Adam by the largest gradient instead of the root of a mean square.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named } from "@flambeau/tensor/internal";
import { requireBetas, requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, average_, bent, scale_, shift_, stateLike } from "./update.ts";

/** Options of {@linkcode Adamax}. */
export interface AdamaxOptions {
  /** Learning rate. Default `2e-3`. */
  lr: number;
  /** Decay of the running mean and of the largest gradient. Default `[0.9, 0.999]`. */
  betas: readonly [beta1: number, beta2: number];
  /** Added to the size of each gradient. Default `1e-8`. */
  eps: number;
  /** L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode Adamax} remembers of a parameter. */
export interface AdamaxState {
  /** Steps that this parameter took. */
  step: number;
  /** Running mean of the gradient. */
  expAvg: Tensor;
  /** Largest gradient so far, decaying. */
  expInf: Tensor;
}

/**
 * Adamax: `u = max(β₂ · u, |g| + eps)`, `p = p − lr / (1 − β₁ᵗ) · m / u` with `m` the running mean of the gradient.
 *
 * @throws {ValueError} If lr, eps or weightDecay is negative, or a beta is outside of [0, 1).
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adamax.html
 * @see Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, section 7
 */
export class Adamax extends Optimizer<AdamaxOptions, AdamaxState> {
  /** An optimizer of `params`; options go in the order of {@linkcode AdamaxOptions}, or by name. */
  constructor(
    params: ParamsInput<AdamaxOptions>,
    ...args: Args<AdamaxOptions, ["lr", "betas", "eps", "weightDecay"]>
  ) {
    super(params, {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      maximize: false,
      ...named<AdamaxOptions>("create Adamax", args, ["lr", "betas", "eps", "weightDecay"], ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: AdamaxOptions): void {
    requireNonNegative("Adamax", options, ["lr", "eps", "weightDecay"]);
    requireBetas("Adamax", options.betas);
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<AdamaxOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, expAvg: stateLike(param), expInf: stateLike(param) });
    }
    const { expAvg, expInf } = state;
    const { lr, betas: [beta1, beta2], eps } = group;
    const g = bent(param, grad, group);
    average_(expAvg, g, beta1);
    const size = bind("abs", [g], null);
    shift_(size, eps);
    scale_(expInf, beta2);
    bindInto([expInf], "maximum", [expInf, size], null);
    bindInto([size], "div", [expAvg, expInf], null);
    add_(param, size, -lr / (1 - beta1 ** ++state.step));
  }
}
