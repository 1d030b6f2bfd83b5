/**
 * SWALR: from whatever rates there are to a constant one, for the averaging of weights.
 *
 * @module
 */

import type { Args } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireOption } from "../checks.ts";
import { type EpochOptions, LRScheduler } from "../lr_scheduler/epochs.ts";
import { perGroup } from "../lr_scheduler/scheduler.ts";
import type { Optimizer } from "../optimizer.ts";

/** Options of {@linkcode SWALR}. */
export interface SWALROptions extends EpochOptions {
  /** The rate to end at, or one for each group. */
  swaLr: number | readonly number[];
  /** Epochs to get there. Default 10. */
  annealEpochs: number;
  /** Along a cosine or a line. Default `"cos"`. */
  annealStrategy: "cos" | "linear";
}

const NAMES = ["swaLr", "annealEpochs", "annealStrategy", "lastEpoch"] as const;

/**
 * Anneals the rate of each group to `swaLr` and keeps it there.
 *
 * @throws {ValueError} If swaLr is missing or has not one value for each group, or an option has no sense.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.swa_utils.SWALR.html
 * @see Izmailov et al. 2018, https://arxiv.org/abs/1803.05407
 */
export class SWALR extends LRScheduler {
  /** Epochs to get there. */
  protected annealEpochs: number;
  readonly #part: (t: number) => number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode SWALROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<SWALROptions, [...typeof NAMES]>) {
    const options = named<SWALROptions>("create SWALR", args, NAMES);
    const { annealEpochs = 10, annealStrategy = "cos" } = options;
    const rates = perGroup<number | undefined>("SWALR", "swaLr", optimizer, options.swaLr);
    const numbers = rates.every((rate) => typeof rate === "number");
    requireOption("SWALR", numbers, "swaLr", "a number, or one for each group", options.swaLr);
    const known = annealStrategy === "cos" || annealStrategy === "linear";
    requireOption("SWALR", known, "annealStrategy", '"cos" or "linear"', annealStrategy);
    const whole = Number.isInteger(annealEpochs) && annealEpochs >= 0;
    requireOption("SWALR", whole, "annealEpochs", "an integer of at least 0", annealEpochs);
    super(optimizer, options.lastEpoch);
    optimizer.paramGroups.forEach((group, i) => group["swaLr"] = rates[i]!);
    this.annealEpochs = annealEpochs;
    this.#part = annealStrategy === "cos" ? (t) => (1 - Math.cos(Math.PI * t)) / 2 : (t) => t;
    this.initialStep();
  }

  /** The rates of this step. */
  override getLr(): number[] {
    const epochs = Math.max(1, this.annealEpochs);
    const step = Math.max(this.annealEpochs === 0 ? 1 : 0, this.stepCount - 1);
    const at = (epoch: number): number => this.#part(Math.max(0, Math.min(1, epoch / epochs)));
    const [before, now] = [at(step - 1), at(step)];
    return this.optimizer.paramGroups.map((group) => {
      const end = group["swaLr"] as number;
      // The rate that the way started from, of the rate that it has led to so far.
      const start = before === 1 ? end : (group.lr - before * end) / (1 - before);
      return end * now + start * (1 - now);
    });
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["annealEpochs"];
  }
}
