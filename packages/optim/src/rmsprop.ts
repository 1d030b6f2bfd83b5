/**
 * RMSprop: gradients divided by the root of their running mean square.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named } from "@flambeau/tensor/internal";
import { requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import {
  add_,
  average_,
  averageSquare_,
  bent,
  quotientInto,
  root,
  scale_,
  shift_,
  stateLike,
} from "./update.ts";

/** Options of {@linkcode RMSprop}. */
export interface RMSpropOptions {
  /** Learning rate. Default `1e-2`. */
  lr: number;
  /** Decay of the running mean square. Default 0.99. */
  alpha: number;
  /** Added to the root. Default `1e-8`. */
  eps: number;
  /** L2 penalty. Default 0. */
  weightDecay: number;
  /** Part of the last step that goes on. Default 0. */
  momentum: number;
  /** Divide by the running standard deviation instead. Default false. */
  centered: boolean;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode RMSprop} remembers of a parameter. */
export interface RMSpropState {
  /** Steps that this parameter took. */
  step: number;
  /** Running mean of the squared gradient. */
  squareAvg: Tensor;
  /** Running sum of steps, when there is momentum. */
  momentumBuffer?: Tensor;
  /** Running mean of the gradient, when centered. */
  gradAvg?: Tensor;
}

const POSITIONAL = ["lr", "alpha", "eps", "weightDecay", "momentum", "centered"] as const;

/**
 * RMSprop: `v = alpha · v + (1 − alpha) · g²`, `p = p − lr · g / (√v + eps)`. The eps stands outside of the root, as in
 * PyTorch.
 *
 * @throws {ValueError} If an option is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
 * @see Hinton 2012, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 * @see Graves 2013, https://arxiv.org/abs/1308.0850 (centered)
 */
export class RMSprop extends Optimizer<RMSpropOptions, RMSpropState> {
  /** An optimizer of `params`; options go in the order of {@linkcode RMSpropOptions}, or by name. */
  constructor(
    params: ParamsInput<RMSpropOptions>,
    ...args: Args<RMSpropOptions, ["lr", "alpha", "eps", "weightDecay", "momentum", "centered"]>
  ) {
    super(params, {
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      maximize: false,
      ...named<RMSpropOptions>("create RMSprop", args, POSITIONAL, ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: RMSpropOptions): void {
    requireNonNegative("RMSprop", options, ["lr", "alpha", "eps", "weightDecay", "momentum"]);
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<RMSpropOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) this.state.set(param, state = { step: 0, squareAvg: stateLike(param) });
    state.step++;
    const { lr, alpha, eps, momentum, centered } = group;
    const g = bent(param, grad, group);
    averageSquare_(state.squareAvg, g, alpha);
    const step = quotientInto(g, centered ? deviation(state, g, group) : root(state.squareAvg, 1, eps));
    if (momentum === 0) return add_(param, step, -lr);
    const buffer = state.momentumBuffer ??= stateLike(param);
    scale_(buffer, momentum);
    add_(buffer, step);
    add_(param, buffer, -lr);
  }
}

/** √(v − m²) + eps with m the running mean of the gradient, which takes up `g`. */
function deviation(state: RMSpropState, g: Tensor, { alpha, eps }: RMSpropOptions): Tensor {
  const mean = state.gradAvg ??= stateLike(g);
  average_(mean, g, alpha);
  const out = bind("mul", [mean, mean], null);
  bindInto([out], "sub", [state.squareAvg, out], null);
  bindInto([out], "sqrt", [out], null);
  shift_(out, eps);
  return out;
}
