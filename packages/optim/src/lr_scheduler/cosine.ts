/**
 * Schedules along half a period of the cosine.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import type { Args } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireOption } from "../checks.ts";
import type { Optimizer } from "../optimizer.ts";
import { type EpochOptions, LRScheduler } from "./epochs.ts";

/** Options of {@linkcode CosineAnnealingLR}. */
export interface CosineAnnealingLROptions extends EpochOptions {
  /** Epochs of half a period. */
  TMax: number;
  /** The least rate. Default 0. */
  etaMin: number;
}

/**
 * From the first rate to `etaMin` over `TMax` epochs along a cosine, then back up.
 *
 * @throws {ValueError} If TMax is not given.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export class CosineAnnealingLR extends LRScheduler {
  /** Epochs of half a period. */
  protected TMax: number;
  /** The least rate. */
  protected etaMin: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode CosineAnnealingLROptions}, or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<CosineAnnealingLROptions, ["TMax", "etaMin", "lastEpoch"]>
  ) {
    const names = ["TMax", "etaMin", "lastEpoch"] as const;
    const options = named<CosineAnnealingLROptions>("create CosineAnnealingLR", args, names);
    super(optimizer, options.lastEpoch);
    const { TMax, etaMin = 0 } = options;
    requireOption(
      "CosineAnnealingLR",
      typeof TMax === "number" && TMax > 0,
      "TMax",
      "a positive number",
      TMax,
    );
    this.TMax = TMax!;
    this.etaMin = etaMin;
    this.initialStep();
  }

  /** The rates of `lastEpoch`: relative to those before, so that it may be chained. */
  override getLr(): number[] {
    const { lastEpoch, TMax, etaMin } = this;
    const rates = this.rates();
    if (lastEpoch === 0) return rates;
    if (this.stepCount === 1) return this.closedForm();
    const cosine = (epoch: number): number => 1 + Math.cos(Math.PI * epoch / TMax);
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) {
      // The rate before was the least, from which no factor leads upwards.
      return rates.map((lr, i) => lr + (this.baseLrs[i]! - etaMin) * (1 - Math.cos(Math.PI / TMax)) / 2);
    }
    return rates.map((lr) => cosine(lastEpoch) / cosine(lastEpoch - 1) * (lr - etaMin) + etaMin);
  }

  /** The rates of `lastEpoch` from the first rates alone. */
  protected override closedForm(): number[] {
    const { lastEpoch, TMax, etaMin } = this;
    const height = (1 + Math.cos(Math.PI * lastEpoch / TMax)) / 2;
    return this.baseLrs.map((lr) => etaMin + (lr - etaMin) * height);
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["TMax", "etaMin"];
  }
}

/** Options of {@linkcode CosineAnnealingWarmRestarts}. */
export interface CosineAnnealingWarmRestartsOptions extends EpochOptions {
  /** Epochs until the first restart. */
  T0: number;
  /** Each run is this many times as long as the one before. Default 1. */
  TMult: number;
  /** The least rate. Default 0. */
  etaMin: number;
}

/**
 * From the first rate to `etaMin` along a cosine, again and again, in runs that grow by `TMult`. Epochs may be fractions:
 * `step(epoch + batch / batches)`.
 *
 * @throws {ValueError} If T0 is no positive integer, or TMult no integer of at least 1.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  /** Epochs until the first restart. */
  protected T0: number;
  /** Epochs of this run. */
  protected TI: number;
  /** Each run is this many times as long as the one before. */
  protected TMult: number;
  /** The least rate. */
  protected etaMin: number;
  /** Epochs since the last restart. */
  protected TCur: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode CosineAnnealingWarmRestartsOptions}, or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<CosineAnnealingWarmRestartsOptions, ["T0", "TMult", "etaMin", "lastEpoch"]>
  ) {
    const subject = "CosineAnnealingWarmRestarts";
    const names = ["T0", "TMult", "etaMin", "lastEpoch"] as const;
    const options = named<CosineAnnealingWarmRestartsOptions>(`create ${subject}`, args, names);
    super(optimizer, options.lastEpoch);
    const { T0, TMult = 1, etaMin = 0 } = options;
    requireOption(subject, Number.isInteger(T0) && T0! > 0, "T0", "a positive integer", T0);
    requireOption(subject, Number.isInteger(TMult) && TMult >= 1, "TMult", "an integer of at least 1", TMult);
    this.T0 = T0!;
    this.TI = T0!;
    this.TMult = TMult;
    this.etaMin = etaMin;
    this.TCur = this.lastEpoch;
    this.initialStep();
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    const height = (1 + Math.cos(Math.PI * this.TCur / this.TI)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * height);
  }

  /**
   * Goes on to the next epoch, or to `epoch`.
   *
   * @throws {ValueError} If `epoch` is negative.
   */
  override step(epoch?: number): void {
    const target = epoch ?? (this.lastEpoch < 0 ? 0 : undefined);
    if (target === undefined) {
      this.TCur++;
      if (this.TCur >= this.TI) {
        this.TCur -= this.TI;
        this.TI *= this.TMult;
      }
    } else this.#goTo(target);
    super.step(Math.floor(target ?? this.lastEpoch + 1));
  }

  #goTo(epoch: number): void {
    if (!(epoch >= 0)) {
      throw new ValueError(`Cannot step CosineAnnealingWarmRestarts: epoch must be at least 0, got ${epoch}`);
    }
    let start = 0;
    this.TI = this.T0;
    if (this.TMult === 1) start = Math.floor(epoch / this.T0) * this.T0;
    else {
      for (; epoch >= start + this.TI; this.TI *= this.TMult) start += this.TI;
    }
    this.TCur = epoch - start;
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["T0", "TI", "TMult", "etaMin", "TCur"];
  }
}
