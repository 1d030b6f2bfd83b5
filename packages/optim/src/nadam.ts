/**
 * NAdam: Adam with Nesterov's momentum.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, named } from "@flambeau/tensor/internal";
import { requireBetas, requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, average_, averageSquare_, bent, quotientInto, root, scale_, stateLike } from "./update.ts";

/** Options of {@linkcode NAdam}. */
export interface NAdamOptions {
  /** Learning rate. Default `2e-3`. */
  lr: number;
  /** Decay of the running mean and of the running square of gradients. Default `[0.9, 0.999]`. */
  betas: readonly [beta1: number, beta2: number];
  /** Added to the root of the running square. Default `1e-8`. */
  eps: number;
  /** L2 penalty, or decay of the weights themselves. Default 0. */
  weightDecay: number;
  /** How fast the momentum grows to `β₁`. Default `4e-3`. */
  momentumDecay: number;
  /** Decay the weights themselves, not through the gradient. Default false. */
  decoupledWeightDecay: boolean;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode NAdam} remembers of a parameter. */
export interface NAdamState {
  /** Steps that this parameter took. */
  step: number;
  /** Product of the momenta so far. */
  muProduct: number;
  /** Running mean of the gradient. */
  expAvg: Tensor;
  /** Running mean of its square. */
  expAvgSq: Tensor;
}

const POSITIONAL = ["lr", "betas", "eps", "weightDecay", "momentumDecay", "decoupledWeightDecay"] as const;
const SCALARS: ReadonlySet<string> = new Set(["step", "muProduct"]);

/**
 * NAdam: the momentum of the next step is applied already, `m̂ = μ' m / (1 − Πμ μ') + (1 − μ) g / (1 − Πμ)` with the
 * schedule `μ = β₁ (1 − 0.96^(t · momentumDecay) / 2)`.
 *
 * The product for the next step holds `μ` twice, as in PyTorch 1.13; the paper and PyTorch 2 have it once. The difference
 * fades as the product does, within some ten steps.
 *
 * @throws {ValueError} If lr, eps, weightDecay or momentumDecay is negative, or a beta is outside of [0, 1).
 * @see https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html
 * @see Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
 */
export class NAdam extends Optimizer<NAdamOptions, NAdamState> {
  /** An optimizer of `params`; options go in the order of {@linkcode NAdamOptions}, or by name. */
  constructor(
    params: ParamsInput<NAdamOptions>,
    ...args: Args<
      NAdamOptions,
      ["lr", "betas", "eps", "weightDecay", "momentumDecay", "decoupledWeightDecay"]
    >
  ) {
    super(params, {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      decoupledWeightDecay: false,
      maximize: false,
      ...named<NAdamOptions>("create NAdam", args, POSITIONAL, ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: NAdamOptions): void {
    requireNonNegative("NAdam", options, ["lr", "eps", "weightDecay", "momentumDecay"]);
    requireBetas("NAdam", options.betas);
  }

  /** Names of state that is a number here and may be a tensor in a file. */
  protected override scalarState(): ReadonlySet<string> {
    return SCALARS;
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<NAdamOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) {
      state = { step: 0, muProduct: 1, expAvg: stateLike(param), expAvgSq: stateLike(param) };
      this.state.set(param, state);
    }
    const { lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay, decoupledWeightDecay, maximize } =
      group;
    const { expAvg, expAvgSq } = state;
    const step = ++state.step;
    const mu = beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
    state.muProduct *= mu;

    const g = bent(param, grad, { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay });
    if (decoupledWeightDecay) scale_(param, 1 - lr * weightDecay);
    average_(expAvg, g, beta1);
    averageSquare_(expAvgSq, g, beta2);
    const divisor = root(expAvgSq, Math.sqrt(1 - beta2 ** step), eps);
    add_(param, bind("div", [g, divisor], null), -lr * (1 - mu) / (1 - state.muProduct));
    add_(param, quotientInto(expAvg, divisor), -lr * next / (1 - state.muProduct * mu * next));
  }
}
