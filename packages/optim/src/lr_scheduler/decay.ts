/**
 * Schedules that go one way: steps, ramps and powers.
 *
 * @module
 */

import type { Args } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireOption } from "../checks.ts";
import { fieldsOf } from "../names.ts";
import type { Optimizer } from "../optimizer.ts";
import { type EpochOptions, LRScheduler } from "./epochs.ts";

/** Options of {@linkcode StepLR}. */
export interface StepLROptions extends EpochOptions {
  /** Epochs between decays. */
  stepSize: number;
  /** Factor of a decay. Default 0.1. */
  gamma: number;
}

/**
 * Times `gamma` every `stepSize` epochs.
 *
 * @throws {ValueError} If stepSize is no positive integer.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
 */
export class StepLR extends LRScheduler {
  /** Epochs between decays. */
  protected stepSize: number;
  /** Factor of a decay. */
  protected gamma: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode StepLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<StepLROptions, ["stepSize", "gamma", "lastEpoch"]>) {
    const options = named<StepLROptions>("create StepLR", args, ["stepSize", "gamma", "lastEpoch"]);
    super(optimizer, options.lastEpoch);
    const { stepSize, gamma = 0.1 } = options;
    requireOption("StepLR", isPositiveInteger(stepSize), "stepSize", "a positive integer", stepSize);
    this.stepSize = stepSize!;
    this.gamma = gamma;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    const decays = this.lastEpoch !== 0 && this.lastEpoch % this.stepSize === 0;
    return decays ? this.rates().map((lr) => lr * this.gamma) : this.rates();
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    const factor = this.gamma ** Math.floor(this.lastEpoch / this.stepSize);
    return this.baseLrs.map((lr) => lr * factor);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["stepSize", "gamma"];
  }
}

/** Options of {@linkcode MultiStepLR}. */
export interface MultiStepLROptions extends EpochOptions {
  /** Epochs of decays; an epoch that is there twice decays twice. */
  milestones: readonly number[];
  /** Factor of a decay. Default 0.1. */
  gamma: number;
}

/**
 * Times `gamma` at each of the `milestones`.
 *
 * @throws {ValueError} If milestones is no list of numbers.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html
 */
export class MultiStepLR extends LRScheduler {
  /** How often the rate decays at an epoch. */
  protected milestones: Map<number, number>;
  /** Factor of a decay. */
  protected gamma: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode MultiStepLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<MultiStepLROptions, ["milestones", "gamma", "lastEpoch"]>) {
    const options = named<MultiStepLROptions>("create MultiStepLR", args, [
      "milestones",
      "gamma",
      "lastEpoch",
    ]);
    super(optimizer, options.lastEpoch);
    const { milestones, gamma = 0.1 } = options;
    const list = Array.isArray(milestones) && milestones.every((epoch) => typeof epoch === "number");
    requireOption("MultiStepLR", list, "milestones", "a list of epochs", milestones);
    this.milestones = new Map();
    for (const epoch of milestones!) this.milestones.set(epoch, (this.milestones.get(epoch) ?? 0) + 1);
    this.gamma = gamma;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    const factor = this.gamma ** (this.milestones.get(this.lastEpoch) ?? 0);
    return this.rates().map((lr) => lr * factor);
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    let decays = 0;
    for (const [epoch, count] of this.milestones) if (epoch <= this.lastEpoch) decays += count;
    return this.baseLrs.map((lr) => lr * this.gamma ** decays);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["milestones", "gamma"];
  }

  /** Takes over one field of a state dict; milestones may come as an object, whose keys are text. */
  protected override loadField(name: string, value: unknown): void {
    const counts = name === "milestones" && !(value instanceof Map);
    super.loadField(name, counts ? new Map(fieldsOf(value).map(([epoch, n]) => [Number(epoch), n])) : value);
  }
}

/** Options of {@linkcode ConstantLR}. */
export interface ConstantLROptions extends EpochOptions {
  /** Factor of the first epochs. Default 1/3. */
  factor: number;
  /** How many they are. Default 5. */
  totalIters: number;
}

/**
 * Times `factor` for the first `totalIters` epochs.
 *
 * @throws {ValueError} If factor is not between 0 and 1.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html
 */
export class ConstantLR extends LRScheduler {
  /** Factor of the first epochs. */
  protected factor: number;
  /** How many they are. */
  protected totalIters: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode ConstantLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<ConstantLROptions, ["factor", "totalIters", "lastEpoch"]>) {
    const options = named<ConstantLROptions>("create ConstantLR", args, [
      "factor",
      "totalIters",
      "lastEpoch",
    ]);
    super(optimizer, options.lastEpoch);
    const { factor = 1 / 3, totalIters = 5 } = options;
    requireOption("ConstantLR", factor >= 0 && factor <= 1, "factor", "between 0 and 1", factor);
    this.factor = factor;
    this.totalIters = totalIters;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    if (this.lastEpoch === 0) return this.rates().map((lr) => lr * this.factor);
    if (this.lastEpoch === this.totalIters) return this.rates().map((lr) => lr * (1 / this.factor));
    return this.rates();
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    const factor = this.lastEpoch >= this.totalIters ? this.factor + (1 - this.factor) : this.factor;
    return this.baseLrs.map((lr) => lr * factor);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["factor", "totalIters"];
  }
}

/** Options of {@linkcode LinearLR}. */
export interface LinearLROptions extends EpochOptions {
  /** Factor of the first epoch. Default 1/3. */
  startFactor: number;
  /** Factor at the end of the ramp. Default 1. */
  endFactor: number;
  /** Epochs of the ramp. Default 5. */
  totalIters: number;
}

/**
 * A ramp from `startFactor` to `endFactor` over `totalIters` epochs.
 *
 * @throws {ValueError} If startFactor is not above 0 and at most 1, or endFactor not between 0 and 1.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html
 */
export class LinearLR extends LRScheduler {
  /** Factor of the first epoch. */
  protected startFactor: number;
  /** Factor at the end of the ramp. */
  protected endFactor: number;
  /** Epochs of the ramp. */
  protected totalIters: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode LinearLROptions}, or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<LinearLROptions, ["startFactor", "endFactor", "totalIters", "lastEpoch"]>
  ) {
    const names = ["startFactor", "endFactor", "totalIters", "lastEpoch"] as const;
    const options = named<LinearLROptions>("create LinearLR", args, names);
    super(optimizer, options.lastEpoch);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    const starts = startFactor > 0 && startFactor <= 1;
    requireOption("LinearLR", starts, "startFactor", "above 0 and at most 1", startFactor);
    requireOption("LinearLR", endFactor >= 0 && endFactor <= 1, "endFactor", "between 0 and 1", endFactor);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    const rates = this.rates();
    const { lastEpoch, startFactor, totalIters } = this;
    if (lastEpoch === 0) return rates.map((lr) => lr * startFactor);
    if (lastEpoch > totalIters) return rates;
    const rise = this.endFactor - startFactor;
    const growth = 1 + rise / (totalIters * startFactor + (lastEpoch - 1) * rise);
    return rates.map((lr) => lr * growth);
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    const { lastEpoch, startFactor, endFactor, totalIters } = this;
    const factor = startFactor + (endFactor - startFactor) * Math.min(totalIters, lastEpoch) / totalIters;
    return this.baseLrs.map((lr) => lr * factor);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["startFactor", "endFactor", "totalIters"];
  }
}

/** Options of {@linkcode ExponentialLR}. */
export interface ExponentialLROptions extends EpochOptions {
  /** Factor of an epoch. */
  gamma: number;
}

/**
 * Times `gamma` every epoch.
 *
 * @throws {ValueError} If gamma is not given.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
 */
export class ExponentialLR extends LRScheduler {
  /** Factor of an epoch. */
  protected gamma: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode ExponentialLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<ExponentialLROptions, ["gamma", "lastEpoch"]>) {
    const options = named<ExponentialLROptions>("create ExponentialLR", args, ["gamma", "lastEpoch"]);
    super(optimizer, options.lastEpoch);
    requireOption("ExponentialLR", typeof options.gamma === "number", "gamma", "a number", options.gamma);
    this.gamma = options.gamma!;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    return this.lastEpoch === 0 ? this.rates() : this.rates().map((lr) => lr * this.gamma);
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["gamma"];
  }
}

/** Options of {@linkcode PolynomialLR}. */
export interface PolynomialLROptions extends EpochOptions {
  /** Epochs until the rate is 0. Default 5. */
  totalIters: number;
  /** Power of the polynomial. Default 1. */
  power: number;
}

/**
 * `(1 − epoch / totalIters) ^ power`, then 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html
 */
export class PolynomialLR extends LRScheduler {
  /** Epochs until the rate is 0. */
  protected totalIters: number;
  /** Power of the polynomial. */
  protected power: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode PolynomialLROptions}, or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<PolynomialLROptions, ["totalIters", "power", "lastEpoch"]>
  ) {
    const options = named<PolynomialLROptions>("create PolynomialLR", args, [
      "totalIters",
      "power",
      "lastEpoch",
    ]);
    super(optimizer, options.lastEpoch);
    this.totalIters = options.totalIters ?? 5;
    this.power = options.power ?? 1;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    const { lastEpoch, totalIters, power } = this;
    if (lastEpoch === 0 || lastEpoch > totalIters) return this.rates();
    const factor = ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power;
    return this.rates().map((lr) => lr * factor);
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    const { lastEpoch, totalIters, power } = this;
    return this.baseLrs.map((lr) => lr * (1 - Math.min(totalIters, lastEpoch) / totalIters) ** power);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["totalIters", "power"];
  }
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}
