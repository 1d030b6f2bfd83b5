/**
 * Schedules that go up and down, and momentum against them.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import type { Args } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireOption } from "../checks.ts";
import type { ParamGroup } from "../groups.ts";
import { camelCase, fieldsOf, renameKeys, snakeCase } from "../names.ts";
import type { Optimizer } from "../optimizer.ts";
import { type EpochOptions, LRScheduler } from "./epochs.ts";
import { perGroup } from "./scheduler.ts";

/** Options of {@linkcode CyclicLR}. */
export interface CyclicLROptions extends EpochOptions {
  /** The least rate, or one for each group. */
  baseLr: number | readonly number[];
  /** The largest rate of the first cycle, or one for each group. */
  maxLr: number | readonly number[];
  /** Steps of a rise. Default 2000. */
  stepSizeUp: number;
  /** Steps of a fall. Default: `stepSizeUp`. */
  stepSizeDown: number | null;
  /** Cycles of one height, of half the height each time, or of `gamma ** step` times it. Default `"triangular"`. */
  mode: "triangular" | "triangular2" | "exp_range";
  /** See `mode`. Default 1. */
  gamma: number;
  /** A height of one's own instead of `mode`, by cycle or by step. */
  scaleFn: ((x: number) => number) | null;
  /** What `scaleFn` takes. Default `"cycle"`. */
  scaleMode: "cycle" | "iterations";
  /** Whether momentum falls where the rate rises. Default true. */
  cycleMomentum: boolean;
  /** The least momentum, or one for each group. Default 0.8. */
  baseMomentum: number | readonly number[];
  /** The largest momentum, or one for each group. Default 0.9. */
  maxMomentum: number | readonly number[];
}

const CYCLIC_NAMES = [
  "baseLr",
  "maxLr",
  "stepSizeUp",
  "stepSizeDown",
  "mode",
  "gamma",
  "scaleFn",
  "scaleMode",
  "cycleMomentum",
  "baseMomentum",
  "maxMomentum",
  "lastEpoch",
] as const;

/**
 * Rates that go up and down between two bounds, once a batch.
 *
 * @throws {ValueError} If mode is unknown, bounds are missing or too many, or cycleMomentum is set and the optimizer has no
 * momentum.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html
 * @see Smith 2017, https://arxiv.org/abs/1506.01186
 */
export class CyclicLR extends LRScheduler {
  /** The largest rates of the first cycle. */
  protected maxLrs: number[];
  /** Steps of a cycle. */
  protected totalSize: number;
  /** Share of the rise in it. */
  protected stepRatio: number;
  /** See {@linkcode CyclicLROptions}. */
  protected mode: string;
  /** See {@linkcode CyclicLROptions}. */
  protected gamma: number;
  /** See {@linkcode CyclicLROptions}. */
  protected scaleMode: string;
  /** Whether momentum falls where the rate rises. */
  protected cycleMomentum: boolean;
  /** The least momenta. */
  protected baseMomentums: number[] = [];
  /** The largest momenta. */
  protected maxMomentums: number[] = [];
  readonly #scaleFn: ((x: number) => number) | null;

  /** A schedule for `optimizer`; options go in the order of {@linkcode CyclicLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<CyclicLROptions, [...typeof CYCLIC_NAMES]>) {
    const options = named<CyclicLROptions>("create CyclicLR", args, CYCLIC_NAMES);
    const { lastEpoch = -1, stepSizeUp = 2000, mode = "triangular", scaleFn = null, cycleMomentum = true } =
      options;
    const stepSizeDown = options.stepSizeDown ?? stepSizeUp;
    const baseLrs = requireRates("CyclicLR", "baseLr", optimizer, options.baseLr);
    if (lastEpoch === -1) optimizer.paramGroups.forEach((group, i) => group.lr = baseLrs[i]!);
    super(optimizer, lastEpoch);
    const known = ["triangular", "triangular2", "exp_range"].includes(mode) || scaleFn !== null;
    requireOption("CyclicLR", known, "mode", '"triangular", "triangular2" or "exp_range"', mode);
    this.maxLrs = requireRates("CyclicLR", "maxLr", optimizer, options.maxLr);
    this.totalSize = stepSizeUp + stepSizeDown;
    this.stepRatio = stepSizeUp / this.totalSize;
    this.mode = mode;
    this.gamma = options.gamma ?? 1;
    this.#scaleFn = scaleFn;
    const own = mode === "exp_range" ? "iterations" : "cycle";
    this.scaleMode = scaleFn === null ? own : options.scaleMode ?? "cycle";
    this.cycleMomentum = cycleMomentum;
    if (cycleMomentum) {
      requireMomentum("CyclicLR", "momentum" in optimizer.defaults);
      const base = perGroup("CyclicLR", "baseMomentum", optimizer, options.baseMomentum ?? 0.8);
      if (lastEpoch === -1) optimizer.paramGroups.forEach((group, i) => group["momentum"] = base[i]!);
      this.baseMomentums = optimizer.paramGroups.map((group) => group["momentum"] as number);
      this.maxMomentums = perGroup("CyclicLR", "maxMomentum", optimizer, options.maxMomentum ?? 0.9);
    }
    this.baseLrs = baseLrs;
    this.initialStep();
  }

  /** The rates of `lastEpoch`; sets momenta on the way. */
  override getLr(): number[] {
    const turns = this.lastEpoch / this.totalSize;
    const cycle = Math.floor(1 + turns);
    const x = 1 + turns - cycle;
    const height = x <= this.stepRatio ? x / this.stepRatio : (x - 1) / (this.stepRatio - 1);
    const scale = this.#scale(this.scaleMode === "cycle" ? cycle : this.lastEpoch);
    if (this.cycleMomentum) {
      this.optimizer.paramGroups.forEach((group, i) => {
        const [base, max] = [this.baseMomentums[i]!, this.maxMomentums[i]!];
        group["momentum"] = max - (max - base) * height * scale;
      });
    }
    return this.baseLrs.map((base, i) => base + (this.maxLrs[i]! - base) * height * scale);
  }

  #scale(x: number): number {
    if (this.#scaleFn !== null) return this.#scaleFn(x);
    if (this.mode === "triangular2") return 1 / 2 ** (x - 1);
    return this.mode === "exp_range" ? this.gamma ** x : 1;
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return [
      "maxLrs",
      "totalSize",
      "stepRatio",
      "mode",
      "gamma",
      "scaleMode",
      "cycleMomentum",
      ...this.cycleMomentum ? ["baseMomentums", "maxMomentums"] : [],
    ];
  }
}

/** Options of {@linkcode OneCycleLR}. */
export interface OneCycleLROptions extends EpochOptions {
  /** The largest rate, or one for each group. */
  maxLr: number | readonly number[];
  /** Steps of the cycle. Default: `epochs · stepsPerEpoch`. */
  totalSteps: number | null;
  /** See `totalSteps`. */
  epochs: number | null;
  /** See `totalSteps`. */
  stepsPerEpoch: number | null;
  /** Share of the rise. Default 0.3. */
  pctStart: number;
  /** Along a cosine or a line. Default `"cos"`. */
  annealStrategy: "cos" | "linear";
  /** Whether momentum (or β₁) falls where the rate rises. Default true. */
  cycleMomentum: boolean;
  /** The least momentum, or one for each group. Default 0.85. */
  baseMomentum: number | readonly number[];
  /** The largest momentum, or one for each group. Default 0.95. */
  maxMomentum: number | readonly number[];
  /** The first rate is `maxLr / divFactor`. Default 25. */
  divFactor: number;
  /** The last rate is the first over `finalDivFactor`. Default `1e4`. */
  finalDivFactor: number;
  /** Fall to the first rate as fast as it rose, then to the last. Default false. */
  threePhase: boolean;
}

const ONE_CYCLE_NAMES = [
  "maxLr",
  "totalSteps",
  "epochs",
  "stepsPerEpoch",
  "pctStart",
  "annealStrategy",
  "cycleMomentum",
  "baseMomentum",
  "maxMomentum",
  "divFactor",
  "finalDivFactor",
  "threePhase",
  "lastEpoch",
] as const;

/** A part of the cycle, from one rate and momentum of a group to others, by PyTorch's names of them. */
interface Phase {
  readonly endStep: number;
  readonly startLr: string;
  readonly endLr: string;
  readonly startMomentum: string;
  readonly endMomentum: string;
}

function phase(
  endStep: number,
  startLr: string,
  endLr: string,
  startMomentum: string,
  endMomentum: string,
): Phase {
  return { endStep, startLr, endLr, startMomentum, endMomentum };
}

function phases(totalSteps: number, pctStart: number, threePhase: boolean): Phase[] {
  const [rise, last] = [pctStart * totalSteps - 1, totalSteps - 1];
  const up = phase(rise, "initial_lr", "max_lr", "max_momentum", "base_momentum");
  if (!threePhase) return [up, phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")];
  return [
    up,
    phase(2 * pctStart * totalSteps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
    phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
  ];
}

/**
 * One cycle: up to the largest rate, then down far below the first, over a known number of batches.
 *
 * @throws {ValueError} If there is no number of steps, an option has no sense, or cycleMomentum is set and the optimizer has
 * no momentum.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
 * @see Smith and Topin 2018, https://arxiv.org/abs/1708.07120
 */
export class OneCycleLR extends LRScheduler {
  /** Steps of the cycle. */
  protected totalSteps: number;
  /** Parts of the cycle. */
  protected schedulePhases: readonly Phase[];
  /** Whether momentum falls where the rate rises. */
  protected cycleMomentum: boolean;
  /** Whether momentum is the first of `betas`. */
  protected useBeta1: boolean;
  readonly #annealStrategy: "cos" | "linear";

  /** A schedule for `optimizer`; options go in the order of {@linkcode OneCycleLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<OneCycleLROptions, [...typeof ONE_CYCLE_NAMES]>) {
    const options = named<OneCycleLROptions>("create OneCycleLR", args, ONE_CYCLE_NAMES);
    const { lastEpoch = -1, divFactor = 25, finalDivFactor = 1e4 } = options;
    const maxLrs = requireRates("OneCycleLR", "maxLr", optimizer, options.maxLr);
    const totalSteps = countSteps(options);
    const { pctStart = 0.3, annealStrategy = "cos", cycleMomentum = true } = options;
    requireOption("OneCycleLR", pctStart >= 0 && pctStart <= 1, "pctStart", "between 0 and 1", pctStart);
    const known = annealStrategy === "cos" || annealStrategy === "linear";
    requireOption("OneCycleLR", known, "annealStrategy", '"cos" or "linear"', annealStrategy);
    if (lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        const initialLr = maxLrs[i]! / divFactor;
        Object.assign(group, { initialLr, maxLr: maxLrs[i]!, minLr: initialLr / finalDivFactor });
      });
    }
    super(optimizer, lastEpoch);
    this.totalSteps = totalSteps;
    this.#annealStrategy = annealStrategy;
    this.schedulePhases = phases(totalSteps, pctStart, options.threePhase ?? false);
    this.cycleMomentum = cycleMomentum;
    this.useBeta1 = "betas" in optimizer.defaults;
    if (cycleMomentum) {
      requireMomentum("OneCycleLR", this.useBeta1 || "momentum" in optimizer.defaults);
      const max = perGroup("OneCycleLR", "maxMomentum", optimizer, options.maxMomentum ?? 0.95);
      const base = perGroup("OneCycleLR", "baseMomentum", optimizer, options.baseMomentum ?? 0.85);
      if (lastEpoch === -1) {
        optimizer.paramGroups.forEach((group, i) => {
          this.#setMomentum(group, max[i]!);
          Object.assign(group, { maxMomentum: max[i]!, baseMomentum: base[i]! });
        });
      }
    }
    this.initialStep();
  }

  /** The rates of `lastEpoch`; sets momenta on the way. */
  override getLr(): number[] {
    const step = this.lastEpoch;
    if (step > this.totalSteps) {
      throw new ValueError(
        `Cannot step OneCycleLR for the time ${
          step + 1
        }: there must be at most ${this.totalSteps} steps in total`,
      );
    }
    const found = this.schedulePhases.findIndex(({ endStep }) => step <= endStep);
    const index = found < 0 ? this.schedulePhases.length - 1 : found;
    const now = this.schedulePhases[index]!;
    const start = index === 0 ? 0 : this.schedulePhases[index - 1]!.endStep;
    const part = (step - start) / (now.endStep - start);
    return this.optimizer.paramGroups.map((group) => {
      const between = (from: string, to: string): number =>
        anneal(this.#annealStrategy, group[camelCase(from)] as number, group[camelCase(to)] as number, part);
      if (this.cycleMomentum) this.#setMomentum(group, between(now.startMomentum, now.endMomentum));
      return between(now.startLr, now.endLr);
    });
  }

  #setMomentum(group: ParamGroup, value: number): void {
    if (this.useBeta1) group["betas"] = [value, ...(group["betas"] as readonly number[]).slice(1)];
    else group["momentum"] = value;
  }

  /** Names of the fields that make the state. */
  protected override ownFields(): readonly string[] {
    return ["totalSteps", "schedulePhases", "cycleMomentum", "useBeta1"];
  }

  /** What the scheduler knows, under PyTorch's names. */
  override stateDict(): Record<string, unknown> {
    const phases = this.schedulePhases.map((phase) => renameKeys(Object.entries(phase), snakeCase));
    return { ...super.stateDict(), _schedule_phases: phases };
  }

  /** Takes over one field of a state dict. */
  protected override loadField(name: string, value: unknown): void {
    const list = name === "schedulePhases" && Array.isArray(value);
    super.loadField(name, list ? value.map((phase) => renameKeys(fieldsOf(phase), camelCase)) : value);
  }
}

/** Steps of the cycle. */
function countSteps({ totalSteps, epochs, stepsPerEpoch }: Partial<OneCycleLROptions>): number {
  const count = (name: string, value: number | null | undefined): number => {
    const whole = Number.isInteger(value) && value! > 0;
    requireOption("OneCycleLR", whole, name, "a positive integer", value);
    return value!;
  };
  if ((totalSteps ?? null) !== null) return count("totalSteps", totalSteps);
  if ((epochs ?? null) === null && (stepsPerEpoch ?? null) === null) {
    throw new ValueError(
      "Cannot create OneCycleLR: it needs totalSteps, or epochs and stepsPerEpoch, got none",
    );
  }
  return count("epochs", epochs) * count("stepsPerEpoch", stepsPerEpoch);
}

function anneal(strategy: "cos" | "linear", start: number, end: number, part: number): number {
  return strategy === "cos"
    ? end + (start - end) / 2 * (Math.cos(Math.PI * part) + 1)
    : (end - start) * part + start;
}

/** One rate for each group. */
function requireRates(
  subject: string,
  name: string,
  optimizer: Optimizer,
  value: number | readonly number[] | undefined,
): number[] {
  const rates = perGroup<number | undefined>(subject, name, optimizer, value);
  const numbers = rates.every((rate) => typeof rate === "number");
  requireOption(subject, numbers, name, "a number, or one for each group", value);
  return rates as number[];
}

function requireMomentum(subject: string, has: boolean): void {
  if (has) return;
  throw new ValueError(
    `Cannot create ${subject}: the optimizer must support momentum with cycleMomentum, got one without; pass ` +
      "cycleMomentum: false",
  );
}
