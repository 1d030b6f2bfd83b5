/**
 * LRScheduler: schedules that follow a count of epochs (or of batches, if that is when they are stepped).
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { Optimizer } from "../optimizer.ts";
import { Scheduler } from "./scheduler.ts";

/** Options of every schedule of epochs. */
export interface EpochOptions {
  /** The epoch to go on from; −1 starts anew. Default −1. */
  lastEpoch: number;
}

const EPOCH_FIELDS = ["baseLrs", "lastEpoch", "stepCount", "lastLr"] as const;

/**
 * Base class of schedules, and of those that users write: a class that extends it defines `getLr` and calls
 * `initialStep()` at the end of its constructor.
 *
 * @see https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
 *
 * @example
 * ```ts
 * class HalfLR extends optim.lrScheduler.LRScheduler {
 *   constructor(optimizer: optim.Optimizer) {
 *     super(optimizer);
 *     this.initialStep();
 *   }
 *   override getLr(): number[] {
 *     return this.lastEpoch === 0 ? this.rates() : this.rates().map((lr) => lr / 2);
 *   }
 * }
 * ```
 */
export abstract class LRScheduler extends Scheduler {
  /** The rates that the schedule starts from, one a group. */
  baseLrs: number[];
  /** Steps after the first. */
  lastEpoch: number;
  /** Calls of `step`, the first included. */
  protected stepCount = 0;
  #stepsAtStart = 0;

  /**
   * A schedule for `optimizer`, without its first step.
   *
   * @param optimizer The optimizer whose rates are set.
   * @param lastEpoch The epoch to go on from; −1 starts anew.
   * @throws {ArgumentTypeError} If `optimizer` is none.
   * @throws {ValueError} If it goes on with an optimizer whose groups do not know their first rates.
   */
  constructor(optimizer: Optimizer, lastEpoch = -1) {
    super(optimizer);
    this.lastEpoch = lastEpoch;
    this.baseLrs = optimizer.paramGroups.map((group, i) => {
      if (lastEpoch === -1) group["initialLr"] ??= group.lr;
      else if (typeof group["initialLr"] !== "number") {
        throw new ValueError(
          `Cannot create a scheduler at epoch ${lastEpoch}: group ${i} must have initialLr, as after loading the state ` +
            "dict of its optimizer, got none",
        );
      }
      return group["initialLr"] as number;
    });
  }

  /** The rates of `lastEpoch`, one a group, computed from those before. */
  abstract getLr(): number[];

  /** The rates of `lastEpoch` from the first rates alone; null where a schedule has no such form. */
  protected closedForm(): number[] | null {
    return null;
  }

  /** The rates now, one a group. */
  protected rates(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Sets the first rates. */
  override initialStep(): void {
    this.#stepsAtStart = this.optimizer.stepsTaken;
    this.stepCount = 0;
    this.step();
  }

  /** Takes the first step back, without changing rates. */
  override undoStep(): void {
    this.lastEpoch--;
  }

  /**
   * Goes on to the next epoch, or to `epoch`. To be called after `optimizer.step()`.
   *
   * @param epoch The epoch to go to. Default: the next.
   */
  override step(epoch?: number): void {
    if (this.stepCount === 1) this.#warnOfOrder();
    this.stepCount++;
    this.lastEpoch = epoch ?? this.lastEpoch + 1;
    this.setRates((epoch === undefined ? null : this.closedForm()) ?? this.getLr());
  }

  #warnOfOrder(): void {
    const { optimizer } = this;
    // An optimizer with a step of its own does not count its steps.
    if (optimizer.stepsTaken > this.#stepsAtStart || optimizer.step !== Optimizer.prototype.step) return;
    console.warn(
      "A scheduler was stepped before its optimizer: call optimizer.step() first, or the first learning rate is skipped",
    );
  }

  /** Names of the fields that make the state. */
  protected override stateFields(): readonly string[] {
    return [...this.ownFields(), ...EPOCH_FIELDS];
  }

  /** Names of the fields that make the state, beside those of every schedule. Classes define it. */
  protected ownFields(): readonly string[] {
    return [];
  }
}
