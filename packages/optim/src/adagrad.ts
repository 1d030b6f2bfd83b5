/**
 * Adagrad: steps shrink by all the gradients so far.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, named } from "@flambeau/tensor/internal";
import { requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamGroupInput, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, bent, quotientInto, root, stateLike } from "./update.ts";

/** Options of {@linkcode Adagrad}. */
export interface AdagradOptions {
  /** Learning rate. Default `1e-2`. */
  lr: number;
  /** The learning rate of step `t` is divided by `1 + (t − 1) · lrDecay`. Default 0. */
  lrDecay: number;
  /** L2 penalty. Default 0. */
  weightDecay: number;
  /** What the sums of squares start with. Default 0. */
  initialAccumulatorValue: number;
  /** Added to the root of the sum. Default `1e-10`. */
  eps: number;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode Adagrad} remembers of a parameter, from the start on. */
export interface AdagradState {
  /** Steps that this parameter took. */
  step: number;
  /** Sum of squared gradients. */
  sum: Tensor;
}

/**
 * Adagrad: `s = s + g²`, `p = p − lr · g / (√s + eps)`.
 *
 * @throws {ValueError} If an option is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
 * @see Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html
 */
export class Adagrad extends Optimizer<AdagradOptions, AdagradState> {
  /** An optimizer of `params`; options go in the order of {@linkcode AdagradOptions}, or by name. */
  constructor(
    params: ParamsInput<AdagradOptions>,
    ...args: Args<AdagradOptions, ["lr", "lrDecay", "weightDecay", "initialAccumulatorValue", "eps"]>
  ) {
    const positional = ["lr", "lrDecay", "weightDecay", "initialAccumulatorValue", "eps"] as const;
    super(params, {
      lr: 1e-2,
      lrDecay: 0,
      weightDecay: 0,
      initialAccumulatorValue: 0,
      eps: 1e-10,
      maximize: false,
      ...named<AdagradOptions>("create Adagrad", args, positional, ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: AdagradOptions): void {
    const names = ["lr", "lrDecay", "weightDecay", "initialAccumulatorValue", "eps"] as const;
    requireNonNegative("Adagrad", options, names);
  }

  /** Adds a group of parameters, with their state. */
  override addParamGroup(group: ParamGroupInput<AdagradOptions>): void {
    super.addParamGroup(group);
    const { params, initialAccumulatorValue } = this.paramGroups.at(-1)!;
    for (const param of params) {
      this.state.set(param, { step: 0, sum: stateLike(param, initialAccumulatorValue) });
    }
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<AdagradOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, sum: stateLike(param, group.initialAccumulatorValue) });
    }
    const g = bent(param, grad, group);
    const lr = group.lr / (1 + state.step++ * group.lrDecay);
    add_(state.sum, bind("mul", [g, g], null));
    add_(param, quotientInto(g, root(state.sum, 1, group.eps)), -lr);
  }
}
