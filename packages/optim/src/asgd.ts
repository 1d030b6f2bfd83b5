/**
 * ASGD: stochastic gradient descent that also averages where it has been.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named } from "@flambeau/tensor/internal";
import { requireNonNegative } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, bent, scale_, stateLike } from "./update.ts";

/** Options of {@linkcode ASGD}. */
export interface ASGDOptions {
  /** Learning rate. Default `1e-2`. */
  lr: number;
  /** Decay of the weights, and of the learning rate. Default `1e-4`. */
  lambd: number;
  /** Power of the decay of the learning rate. Default 0.75. */
  alpha: number;
  /** Step at which the average starts. Default `1e6`. */
  t0: number;
  /** L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode ASGD} remembers of a parameter. */
export interface ASGDState {
  /** Steps that this parameter took. */
  step: number;
  /** The current learning rate. */
  eta: number;
  /** Weight of the current value in the average. */
  mu: number;
  /** The average of the parameter. */
  ax: Tensor;
}

const POSITIONAL = ["lr", "lambd", "alpha", "t0", "weightDecay"] as const;
const SCALARS: ReadonlySet<string> = new Set(["step", "eta", "mu"]);

/**
 * Averaged stochastic gradient descent: `p = p (1 − λ η) − η g`, and `state.get(p).ax` averages the parameter from step `t0`
 * on, with `η = lr / (1 + λ · lr · t)^alpha`.
 *
 * @throws {ValueError} If lr or weightDecay is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.ASGD.html
 * @see Polyak and Juditsky 1992, https://doi.org/10.1137/0330046
 */
export class ASGD extends Optimizer<ASGDOptions, ASGDState> {
  /** An optimizer of `params`; options go in the order of {@linkcode ASGDOptions}, or by name. */
  constructor(
    params: ParamsInput<ASGDOptions>,
    ...args: Args<ASGDOptions, ["lr", "lambd", "alpha", "t0", "weightDecay"]>
  ) {
    super(params, {
      lr: 1e-2,
      lambd: 1e-4,
      alpha: 0.75,
      t0: 1e6,
      weightDecay: 0,
      maximize: false,
      ...named<ASGDOptions>("create ASGD", args, POSITIONAL, ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: ASGDOptions): void {
    requireNonNegative("ASGD", options, ["lr", "weightDecay"]);
  }

  /** Names of state that is a number here and may be a tensor in a file. */
  protected override scalarState(): ReadonlySet<string> {
    return SCALARS;
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<ASGDOptions>): void {
    const { lr, lambd, alpha, t0 } = group;
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, eta: lr, mu: 1, ax: stateLike(param) });
    }
    const { eta, mu, ax } = state;
    const step = ++state.step;
    const g = bent(param, grad, group);
    scale_(param, 1 - lambd * eta);
    add_(param, g, -eta);
    if (mu === 1) bindInto([ax], "copy", [param], null);
    else add_(ax, bind("sub", [param, ax], null), mu);
    state.eta = lr / (1 + lambd * lr * step) ** alpha;
    state.mu = 1 / Math.max(1, step - t0);
  }
}
