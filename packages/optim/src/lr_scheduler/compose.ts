/**
 * Schedulers made of schedulers: one after another, or all at once.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import type { Args } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { fieldOf } from "../names.ts";
import type { Optimizer } from "../optimizer.ts";
import { ReduceLROnPlateau } from "./plateau.ts";
import { Scheduler, type SchedulerStateDict, type SchedulerStateDictLike } from "./scheduler.ts";

function requireSchedulers(subject: string, schedulers: unknown, optimizer?: Optimizer): Scheduler[] {
  if (!Array.isArray(schedulers) || schedulers.length === 0) {
    throw new ValueError(`Cannot create ${subject}: schedulers must be a list of at least one, got none`);
  }
  schedulers.forEach((scheduler: unknown, i) => {
    if (!(scheduler instanceof Scheduler)) {
      throw new ArgumentTypeError(
        `Cannot create ${subject}: scheduler ${i} must be a scheduler, got ${typeof scheduler}`,
      );
    }
    if (scheduler instanceof ReduceLROnPlateau) {
      throw new ValueError(
        `Cannot create ${subject}: scheduler ${i} must need no metric, got ReduceLROnPlateau`,
      );
    }
    const expected = optimizer ?? (schedulers[0] as Scheduler).optimizer;
    if (scheduler.optimizer === expected) return;
    throw new ValueError(
      `Cannot create ${subject}: all schedulers must belong to the same optimizer, got another at index ${i}`,
    );
  });
  return [...schedulers as Scheduler[]];
}

/** A scheduler whose state holds the state of others. */
export abstract class ComposedScheduler extends Scheduler {
  /** The schedulers it is made of. */
  protected readonly schedulers: readonly Scheduler[];

  /** All of `schedulers`, which belong to `optimizer`. */
  constructor(optimizer: Optimizer, schedulers: readonly Scheduler[]) {
    super(optimizer);
    this.schedulers = schedulers;
  }

  /** What the scheduler and those it is made of know, under PyTorch's names. */
  override stateDict(): SchedulerStateDict {
    return { ...super.stateDict(), _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()) };
  }

  /**
   * Takes over a state dict.
   *
   * @throws {ValueError} If it is of another number of schedulers.
   */
  override loadStateDict(stateDict: SchedulerStateDictLike): void {
    const inner = fieldOf(stateDict, "_schedulers");
    if (!Array.isArray(inner) || inner.length !== this.schedulers.length) {
      throw new ValueError(
        `Cannot load the state dict of a scheduler: it must hold ${this.schedulers.length} schedulers, got ${
          Array.isArray(inner) ? inner.length : "none"
        }`,
      );
    }
    super.loadStateDict(stateDict);
    this.schedulers.forEach((scheduler, i) => scheduler.loadStateDict(inner[i]));
  }
}

/** Options of {@linkcode SequentialLR}. */
export interface SequentialLROptions {
  /** The schedulers, in order. */
  schedulers: readonly Scheduler[];
  /** The epochs at which the next one takes over, one less than there are schedulers. */
  milestones: readonly number[];
  /** The epoch to go on from; −1 starts anew. Default −1. */
  lastEpoch: number;
}

const SEQUENTIAL_NAMES = ["schedulers", "milestones", "lastEpoch"] as const;

/**
 * Schedulers one after another: each starts at its epoch 0 when its milestone comes.
 *
 * @throws {ValueError} If they belong to another optimizer, or the number of milestones does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html
 *
 * @example
 * ```ts
 * const warmup = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 5 });
 * const decay = new CosineAnnealingLR(optimizer, { TMax: 95 });
 * const scheduler = new SequentialLR(optimizer, [warmup, decay], [5]);
 * ```
 */
export class SequentialLR extends ComposedScheduler {
  /** Steps after the first. */
  lastEpoch: number;
  /** The epochs at which the next scheduler takes over. */
  protected milestones: number[];

  /** A schedule for `optimizer`; options go in the order of {@linkcode SequentialLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<SequentialLROptions, [...typeof SEQUENTIAL_NAMES]>) {
    const options = named<SequentialLROptions>("create SequentialLR", args, SEQUENTIAL_NAMES);
    super(optimizer, requireSchedulers("SequentialLR", options.schedulers, optimizer));
    const { milestones = [], lastEpoch = -1 } = options;
    if (milestones.length !== this.schedulers.length - 1) {
      throw new ValueError(
        `Cannot create SequentialLR: there must be one milestone less than schedulers, got ${milestones.length} for ` +
          `${this.schedulers.length} schedulers`,
      );
    }
    this.milestones = [...milestones];
    this.lastEpoch = lastEpoch;
    for (const scheduler of this.schedulers) scheduler.undoStep();
    this.initialStep();
  }

  /** Sets the first rates of the first scheduler. */
  override initialStep(): void {
    for (const group of this.optimizer.paramGroups) group.lr = (group["initialLr"] ?? group.lr) as number;
    this.lastEpoch++;
    this.schedulers[0]!.initialStep();
    this.noteRates();
  }

  /** Takes the first step back, without changing rates. */
  override undoStep(): void {
    this.lastEpoch--;
    this.schedulers[0]!.undoStep();
  }

  /** Goes on to the next epoch, or to `epoch`. */
  override step(epoch?: number): void {
    this.lastEpoch = epoch ?? this.lastEpoch + 1;
    const passed = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    const start = passed === 0 ? 0 : this.milestones[passed - 1]!;
    const scheduler = this.schedulers[passed]!;
    if (epoch !== undefined || (passed > 0 && start === this.lastEpoch)) {
      scheduler.step(this.lastEpoch - start);
    } else scheduler.step();
    this.noteRates();
  }

  /** Names of the fields that make the state. */
  protected override stateFields(): readonly string[] {
    return ["lastEpoch", "lastLr"];
  }

  /** What the scheduler and those it is made of know, under PyTorch's names. */
  override stateDict(): SchedulerStateDict {
    return { _milestones: [...this.milestones], ...super.stateDict() };
  }

  /** Takes over a state dict, with its milestones. */
  override loadStateDict(stateDict: SchedulerStateDictLike): void {
    super.loadStateDict(stateDict);
    const milestones = fieldOf(stateDict, "_milestones");
    if (Array.isArray(milestones)) this.milestones = milestones.map(Number);
  }
}

/** Options of {@linkcode ChainedScheduler}. */
export interface ChainedSchedulerOptions {
  /** The optimizer. Default: that of the first scheduler. */
  optimizer: Optimizer;
}

/**
 * Schedulers all at once: every step is a step of each, so that their factors multiply.
 *
 * @throws {ValueError} If there are none, or they belong to different optimizers.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ChainedScheduler.html
 */
export class ChainedScheduler extends ComposedScheduler {
  /** All of `schedulers`, in the order in which they are stepped. */
  constructor(schedulers: readonly Scheduler[], ...args: Args<ChainedSchedulerOptions, ["optimizer"]>) {
    const { optimizer } = named<ChainedSchedulerOptions>("create ChainedScheduler", args, ["optimizer"]);
    const list = requireSchedulers("ChainedScheduler", schedulers, optimizer);
    super(list[0]!.optimizer, list);
    this.noteRates();
  }

  /** Sets the first rates anew, by each scheduler in turn. */
  override initialStep(): void {
    for (const scheduler of this.schedulers) scheduler.initialStep();
    this.noteRates();
  }

  /** Takes the first step back, without changing rates. */
  override undoStep(): void {
    for (const scheduler of this.schedulers) scheduler.undoStep();
  }

  /** Steps each scheduler, on to the next epoch or to `epoch`. */
  override step(epoch?: number): void {
    if (epoch === undefined) {
      for (const scheduler of this.schedulers) scheduler.step();
      this.noteRates();
    } else this.setRates(this.#ratesAt(epoch));
  }

  /** The first rates times the factors that the schedulers have at `epoch`. */
  #ratesAt(epoch: number): number[] {
    const groups = this.optimizer.paramGroups;
    const first = groups.map((group) => (group["initialLr"] ?? group.lr) as number);
    const rates = [...first];
    for (const scheduler of this.schedulers) {
      groups.forEach((group, i) => group.lr = first[i]!);
      scheduler.step(epoch);
      groups.forEach((group, i) => rates[i]! *= group.lr / first[i]!);
    }
    return rates;
  }

  /** Names of the fields that make the state. */
  protected override stateFields(): readonly string[] {
    return ["lastLr"];
  }
}
