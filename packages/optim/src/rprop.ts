/**
 * Rprop: steps that heed only the signs of gradients.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named } from "@flambeau/tensor/internal";
import { requireNonNegative, requireOption } from "./checks.ts";
import type { ParamGroup, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, scalar, stateLike } from "./update.ts";

/** Options of {@linkcode Rprop}. */
export interface RpropOptions {
  /** Size of the first step. Default `1e-2`. */
  lr: number;
  /** Factor of the step where the sign has changed, and where it has not. Default `[0.5, 1.2]`. */
  etas: readonly [etaMinus: number, etaPlus: number];
  /** Smallest and largest step. Default `[1e-6, 50]`. */
  stepSizes: readonly [min: number, max: number];
  /** Climb instead of descending. Default false. */
  maximize: boolean;
}

/** What {@linkcode Rprop} remembers of a parameter. */
export interface RpropState {
  /** Steps that this parameter took. */
  step: number;
  /** The gradient before, 0 where its sign had changed. */
  prev: Tensor;
  /** Step of each element. */
  stepSize: Tensor;
}

/**
 * Resilient backpropagation, for whole batches: each element steps by a size of its own, which grows while the sign of its
 * gradient stays, and shrinks, without a step, when it changes.
 *
 * @throws {ValueError} If lr is negative, or etas are not on both sides of 1.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Rprop.html
 * @see Riedmiller and Braun 1993, https://doi.org/10.1109/ICNN.1993.298623
 */
export class Rprop extends Optimizer<RpropOptions, RpropState> {
  /** An optimizer of `params`; options go in the order of {@linkcode RpropOptions}, or by name. */
  constructor(
    params: ParamsInput<RpropOptions>,
    ...args: Args<RpropOptions, ["lr", "etas", "stepSizes"]>
  ) {
    super(params, {
      lr: 1e-2,
      etas: [0.5, 1.2],
      stepSizes: [1e-6, 50],
      maximize: false,
      ...named<RpropOptions>("create Rprop", args, ["lr", "etas", "stepSizes"], ["maximize"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: RpropOptions): void {
    requireNonNegative("Rprop", options, ["lr"]);
    const [minus, plus] = options.etas;
    requireOption("Rprop", 0 < minus && minus < 1 && 1 < plus, "etas", "in (0, 1) and above 1", options.etas);
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<RpropOptions>): void {
    const { lr, etas: [minus, plus], stepSizes: [min, max], maximize } = group;
    let state = this.state.get(param);
    if (state === undefined) {
      this.state.set(param, state = { step: 0, prev: stateLike(param), stepSize: stateLike(param, lr) });
    }
    state.step++;
    const { prev, stepSize } = state;
    const g = maximize ? bind("neg", [grad], null) : grad;
    const product = bind("mul", [g, prev], null);
    const zero = scalar(0, g);
    const changed = bind("lt", [product, zero], null);
    const same = bind("gt", [product, zero], null);
    const factor = bind("where", [same, scalar(plus, g), scalar(1, g)], null);
    bindInto([factor], "where", [changed, scalar(minus, g), factor], null);
    bindInto([stepSize], "mul", [stepSize, factor], null);
    bindInto([stepSize], "clamp", [stepSize], { min, max });
    bindInto([prev], "where", [changed, zero, g], null);
    bindInto([factor], "sign", [prev], null);
    bindInto([factor], "mul", [factor, stepSize], null);
    add_(param, factor, -1);
  }
}
