/**
 * Adam and AdamW: steps scaled by running moments of the gradient.
 *
 * @module
 */

import type { Attrs } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { bindInto, named, peekGrad } from "@flambeau/tensor/internal";
import { requireBetas, requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import type { OptimizerStateDictLike } from "./state_dict.ts";
import { add_, average_, averageSquare_, bent, quotientInto, root, scale_, stateLike } from "./update.ts";

/** Options of {@linkcode Adam} and {@linkcode AdamW}. */
export interface AdamOptions {
  /** Learning rate. Default `1e-3`. */
  lr: number;
  /** Decay of the running mean and of the running square of gradients. Default `[0.9, 0.999]`. */
  betas: readonly [beta1: number, beta2: number];
  /** Added to the root of the running square. Default `1e-8`. */
  eps: number;
  /** L2 penalty of Adam (default 0), decay of the weights themselves of AdamW (default `1e-2`). */
  weightDecay: number;
  /** Divide by the largest running square so far. Default false. */
  amsgrad: boolean;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
  /** Decay the weights themselves, not through the gradient. Default false; AdamW always does. */
  decoupledWeightDecay: boolean;
}

/** What {@linkcode Adam} remembers of a parameter. */
export interface AdamState {
  /** Steps that this parameter took. */
  step: number;
  /** Running mean of the gradient. */
  expAvg: Tensor;
  /** Running mean of its square. */
  expAvgSq: Tensor;
  /** Largest `expAvgSq` so far, for amsgrad. */
  maxExpAvgSq?: Tensor;
}

/** The positional arguments of both. */
type AdamArgs<Names extends keyof AdamOptions> = Args<
  Pick<AdamOptions, Names>,
  ["lr", "betas", "eps", "weightDecay", "amsgrad"]
>;

const POSITIONAL = ["lr", "betas", "eps", "weightDecay", "amsgrad"] as const;
const DEFAULTS: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
  decoupledWeightDecay: false,
};

/**
 * Adam: `p = p − lr · m̂ / (√v̂ + eps)` with `m̂`, `v̂` the running mean of the gradient and of its square, corrected for
 * their start at 0.
 *
 * @throws {ValueError} If lr, eps or weightDecay is negative, or a beta is outside of [0, 1).
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
 * @see Kingma and Ba 2015, https://arxiv.org/abs/1412.6980
 * @see Reddi et al. 2018, https://openreview.net/forum?id=ryQu7f-RZ (amsgrad)
 */
export class Adam extends Optimizer<AdamOptions, AdamState> {
  /** An optimizer of `params`; options go in the order of {@linkcode AdamOptions}, or by name. */
  constructor(params: ParamsInput<AdamOptions>, ...args: AdamArgs<keyof AdamOptions>) {
    const others = ["maximize", "decoupledWeightDecay"] as const;
    super(params, { ...DEFAULTS, ...named<AdamOptions>("create Adam", args, POSITIONAL, others) });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: AdamOptions): void {
    requireNonNegative(this.constructor.name, options, ["lr", "eps", "weightDecay"]);
    requireBetas(this.constructor.name, options.betas);
  }

  /** As {@linkcode Optimizer.updateGroup}: parameters of one age share the numbers of their step. */
  protected override updateGroup(group: ParamGroup<AdamOptions>): void {
    if (group.amsgrad || this.updateParameter !== Adam.prototype.updateParameter) {
      return super.updateGroup(group);
    }
    let attrs: Attrs<"adamStep"> | null = null;
    for (const param of group.params) {
      const grad = peekGrad(param);
      if (grad === null) continue;
      const state = this.#stateOf(param);
      state.step++;
      if (attrs === null || attrs.step !== state.step) attrs = stepAttrs(group, state.step);
      const { expAvg, expAvgSq } = state;
      bindInto([param, expAvg, expAvgSq], "adamStep", [param, grad, expAvg, expAvgSq], attrs);
    }
  }

  #stateOf(param: Tensor): AdamState {
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, expAvg: stateLike(param), expAvgSq: stateLike(param) });
    }
    return state;
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<AdamOptions>): void {
    const state = this.#stateOf(param);
    state.step++;
    if (group.amsgrad) updateAmsgrad(param, grad, group, state);
    else adamStep(param, grad, group, state);
  }
}

/** One step of Adam by the fused primitive; `state.step` counts it already. */
export function adamStep(
  param: Tensor,
  grad: Tensor,
  options: Omit<AdamOptions, "amsgrad">,
  { step, expAvg, expAvgSq }: AdamState,
): void {
  const attrs = stepAttrs(options, step);
  bindInto([param, expAvg, expAvgSq], "adamStep", [param, grad, expAvg, expAvgSq], attrs);
}

function stepAttrs(options: Omit<AdamOptions, "amsgrad">, step: number): Attrs<"adamStep"> {
  const { lr, betas: [beta1, beta2], eps, weightDecay, maximize, decoupledWeightDecay: decoupled } = options;
  return { lr, beta1, beta2, eps, weightDecay, decoupled, maximize, step };
}

/** As Adam, but the root is of the largest running square so far. */
function updateAmsgrad(param: Tensor, grad: Tensor, group: AdamOptions, state: AdamState): void {
  const { lr, betas: [beta1, beta2], eps, weightDecay, maximize, decoupledWeightDecay: decoupled } = group;
  const { step, expAvg, expAvgSq } = state;
  const largest = state.maxExpAvgSq ??= stateLike(param);
  const g = bent(param, grad, { maximize, weightDecay: decoupled ? 0 : weightDecay });
  if (decoupled) scale_(param, 1 - lr * weightDecay);
  average_(expAvg, g, beta1);
  averageSquare_(expAvgSq, g, beta2);
  bindInto([largest], "maximum", [largest, expAvgSq], null);
  const divisor = root(largest, Math.sqrt(1 - beta2 ** step), eps);
  add_(param, quotientInto(expAvg, divisor), -lr / (1 - beta1 ** step));
}

/**
 * AdamW: Adam whose weight decay shrinks the weights themselves, `p = p · (1 − lr · weightDecay)`, instead of going
 * through the gradient.
 *
 * @throws {ValueError} If lr, eps or weightDecay is negative, or a beta is outside of [0, 1).
 * @see https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
 * @see Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101
 */
export class AdamW extends Adam {
  /** An optimizer of `params`; options go in the order of {@linkcode AdamOptions}, or by name. */
  constructor(
    params: ParamsInput<AdamOptions>,
    ...args: AdamArgs<Exclude<keyof AdamOptions, "decoupledWeightDecay">>
  ) {
    const options = named<AdamOptions>("create AdamW", args, POSITIONAL, ["maximize"]);
    super(params, { weightDecay: 1e-2, ...options, decoupledWeightDecay: true });
  }

  /** As {@linkcode Optimizer.loadStateDict}; the decay stays decoupled, which older files do not say. */
  override loadStateDict(stateDict: OptimizerStateDictLike): void {
    super.loadStateDict(stateDict);
    for (const group of this.paramGroups) group.decoupledWeightDecay = true;
  }
}
