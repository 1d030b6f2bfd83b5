/**
 * Adadelta: steps in the units of the parameter, without a learning rate to choose.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named } from "@flambeau/tensor/internal";
import { requireNonNegative, requireOption } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, averageSquare_, bent, quotientInto, scalar, stateLike } from "./update.ts";

/** Options of {@linkcode Adadelta}. */
export interface AdadeltaOptions {
  /** Factor of the step. Default 1. */
  lr: number;
  /** Decay of the running squares. Default 0.9. */
  rho: number;
  /** Added under the roots. Default `1e-6`. */
  eps: number;
  /** L2 penalty. Default 0. */
  weightDecay: number;
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode Adadelta} remembers of a parameter. */
export interface AdadeltaState {
  /** Steps that this parameter took. */
  step: number;
  /** Running mean of the squared gradient. */
  squareAvg: Tensor;
  /** Running mean of the squared step. */
  accDelta: Tensor;
}

/**
 * Adadelta: `Δ = √(u + eps) / √(v + eps) · g` with `v`, `u` running means of the squares of `g` and of `Δ`.
 *
 * @throws {ValueError} If an option is negative, or rho above 1.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
 * @see Zeiler 2012, https://arxiv.org/abs/1212.5701
 */
export class Adadelta extends Optimizer<AdadeltaOptions, AdadeltaState> {
  /** An optimizer of `params`; options go in the order of {@linkcode AdadeltaOptions}, or by name. */
  constructor(
    params: ParamsInput<AdadeltaOptions>,
    ...args: Args<AdadeltaOptions, ["lr", "rho", "eps", "weightDecay"]>
  ) {
    super(params, {
      lr: 1,
      rho: 0.9,
      eps: 1e-6,
      weightDecay: 0,
      maximize: false,
      ...named<AdadeltaOptions>("create Adadelta", args, ["lr", "rho", "eps", "weightDecay"], ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: AdadeltaOptions): void {
    requireNonNegative("Adadelta", options, ["lr", "rho", "eps", "weightDecay"]);
    requireOption("Adadelta", options.rho <= 1, "rho", "at most 1", options.rho);
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<AdadeltaOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, squareAvg: stateLike(param), accDelta: stateLike(param) });
    }
    state.step++;
    const { rho, eps, lr } = group;
    const g = bent(param, grad, group);
    averageSquare_(state.squareAvg, g, rho);
    const delta = quotientInto(rootOfSum(state.accDelta, eps), rootOfSum(state.squareAvg, eps));
    bindInto([delta], "mul", [delta, g], null);
    averageSquare_(state.accDelta, delta, rho);
    add_(param, delta, -lr);
  }
}

/** √(x + eps), in new memory. */
function rootOfSum(x: Tensor, eps: number): Tensor {
  const out = bind("add", [x, scalar(eps, x)], null);
  bindInto([out], "sqrt", [out], null);
  return out;
}
