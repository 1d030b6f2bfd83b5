/**
 * ReduceLROnPlateau: rates that follow a measure of the training.
 *
 * @module
 */

import { ArgumentTypeError } from "@flambeau/core";
import { type Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireOption } from "../checks.ts";
import type { Optimizer } from "../optimizer.ts";
import { perGroup, Scheduler } from "./scheduler.ts";

/** Options of {@linkcode ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  /** Whether small or large measures are good. Default `"min"`. */
  mode: "min" | "max";
  /** Factor of a reduction, below 1. Default 0.1. */
  factor: number;
  /** Bad epochs that are let pass. Default 10. */
  patience: number;
  /** Least improvement that counts. Default `1e-4`. */
  threshold: number;
  /** Whether the threshold is a share of the best measure or a difference. Default `"rel"`. */
  thresholdMode: "rel" | "abs";
  /** Epochs after a reduction that do not count. Default 0. */
  cooldown: number;
  /** The least rate, or one for each group. Default 0. */
  minLr: number | readonly number[];
  /** Least change of a rate that is made. Default `1e-8`. */
  eps: number;
}

const NAMES = [
  "mode",
  "factor",
  "patience",
  "threshold",
  "thresholdMode",
  "cooldown",
  "minLr",
  "eps",
] as const;

const FIELDS = [
  "factor",
  "minLrs",
  "patience",
  "cooldown",
  "cooldownCounter",
  "mode",
  "threshold",
  "thresholdMode",
  "best",
  "numBadEpochs",
  "eps",
  "lastEpoch",
  "lastLr",
] as const;

/**
 * Reduces the rates when a measure, such as the loss of the validation set, has stopped to improve.
 *
 * @throws {ValueError} If factor is not below 1, a mode is unknown, or minLr has not one value for each group.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
 *
 * @example
 * ```ts
 * const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { patience: 5 });
 * scheduler.step(await validationLoss.item());
 * ```
 */
export class ReduceLROnPlateau extends Scheduler {
  /** The best measure so far. */
  best: number;
  /** Epochs without improvement. */
  numBadEpochs = 0;
  /** Epochs until bad ones count again. */
  cooldownCounter = 0;
  /** Steps so far. */
  lastEpoch = 0;
  /** Factor of a reduction. */
  protected factor: number;
  /** The least rates. */
  protected minLrs: number[];
  /** Bad epochs that are let pass. */
  protected patience: number;
  /** Epochs after a reduction that do not count. */
  protected cooldown: number;
  /** Whether small or large measures are good. */
  protected mode: "min" | "max";
  /** Least improvement that counts. */
  protected threshold: number;
  /** Whether it is a share or a difference. */
  protected thresholdMode: "rel" | "abs";
  /** Least change of a rate that is made. */
  protected eps: number;

  /** A schedule for `optimizer`; options go in the order of {@linkcode ReduceLROnPlateauOptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<ReduceLROnPlateauOptions, [...typeof NAMES]>) {
    super(optimizer);
    const options = named<ReduceLROnPlateauOptions>("create ReduceLROnPlateau", args, NAMES);
    const { mode = "min", factor = 0.1, thresholdMode = "rel" } = options;
    const check = (holds: boolean, name: string, rule: string, value: unknown): void =>
      requireOption("ReduceLROnPlateau", holds, name, rule, value);
    check(factor < 1, "factor", "below 1", factor);
    check(mode === "min" || mode === "max", "mode", '"min" or "max"', mode);
    check(
      thresholdMode === "rel" || thresholdMode === "abs",
      "thresholdMode",
      '"rel" or "abs"',
      thresholdMode,
    );
    this.factor = factor;
    this.minLrs = perGroup("ReduceLROnPlateau", "minLr", optimizer, options.minLr ?? 0);
    this.patience = options.patience ?? 10;
    this.cooldown = options.cooldown ?? 0;
    this.mode = mode;
    this.threshold = options.threshold ?? 1e-4;
    this.thresholdMode = thresholdMode;
    this.eps = options.eps ?? 1e-8;
    this.best = mode === "min" ? Infinity : -Infinity;
    this.noteRates();
  }

  /** True while bad epochs do not count. */
  get inCooldown(): boolean {
    return this.cooldownCounter > 0;
  }

  /**
   * Looks at the measure of an epoch.
   *
   * @param metric The measure. A tensor of one element is read at once.
   * @throws {ArgumentTypeError} If it is no number.
   * @throws {DeviceError} If the tensor is on a device that cannot be read at once: pass `await metric.item()`.
   */
  override step(metric?: number | Tensor): void {
    const value = metric instanceof Tensor ? Number(metric.itemSync()) : metric;
    if (typeof value !== "number") {
      throw new ArgumentTypeError(
        `Cannot step ReduceLROnPlateau: the metric must be a number, got ${typeof metric}`,
      );
    }
    this.lastEpoch++;
    if (this.isBetter(value, this.best)) {
      this.best = value;
      this.numBadEpochs = 0;
    } else this.numBadEpochs++;
    if (this.inCooldown) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.#reduce();
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this.noteRates();
  }

  /** True when `value` is so much better than `best` that it counts. */
  isBetter(value: number, best: number): boolean {
    const { threshold, thresholdMode, mode } = this;
    if (mode === "min") return value < (thresholdMode === "rel" ? best * (1 - threshold) : best - threshold);
    return value > (thresholdMode === "rel" ? best * (threshold + 1) : best + threshold);
  }

  #reduce(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      const reduced = Math.max(group.lr * this.factor, this.minLrs[i]!);
      if (group.lr - reduced > this.eps) group.lr = reduced;
    });
  }

  /** Does nothing: the first rates are those of the optimizer. */
  override initialStep(): void {}

  /** Does nothing: there is no first step. */
  override undoStep(): void {}

  /** Names of the fields that make the state. */
  protected override stateFields(): readonly string[] {
    return FIELDS;
  }
}
