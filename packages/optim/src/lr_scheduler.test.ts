/**
 * Schedules against PyTorch, in double precision: rates and momenta after each step, and state dicts.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import { describe, expect, test, vi } from "vitest";
import { Adam, lrScheduler, type Optimizer, SGD, swaUtils } from "../mod.ts";
import { expectClose, fixtures, leaf, type ScheduleCase, t } from "./test_support.ts";

type AnyScheduler = lrScheduler.Scheduler & { step(argument?: number): void };
type Constructor = new (optimizer: Optimizer, options: object) => AnyScheduler;

const constructors = { ...lrScheduler, SWALR: swaUtils.SWALR } as unknown as Record<string, Constructor>;

const functions: Record<string, lrScheduler.LrLambda> = {
  decay: (epoch) => 0.95 ** epoch,
  warmup: (epoch) => Math.min(1, (epoch + 1) / 5),
  flip: (epoch) => epoch % 2 === 1 ? 0.5 : 1.1,
};

/** The optimizer of a case: two groups. */
function makeOptimizer({ momentum, betas }: ScheduleCase): Optimizer {
  const groups = [0.5, 0.1].map((lr) => ({ params: [leaf([0])], lr }));
  return betas === undefined
    ? new SGD(groups, { lr: 0.5, momentum: momentum ?? 0 })
    : new Adam(groups, { lr: 0.5, betas });
}

function makeScheduler({ name, make }: ScheduleCase, optimizer: Optimizer): AnyScheduler {
  const { functions: names, schedulers, ...options } = make;
  if (names !== undefined) {
    return new constructors[name]!(optimizer, { lrLambda: (names as string[]).map((f) => functions[f]!) });
  }
  if (schedulers === undefined) return new constructors[name]!(optimizer, options);
  const inner = (schedulers as [string, object][]).map(([one, settings]) =>
    new constructors[one]!(optimizer, settings)
  );
  return name === "ChainedScheduler"
    ? new lrScheduler.ChainedScheduler(inner)
    : new constructors[name]!(optimizer, { schedulers: inner, ...options });
}

function expectRates(c: ScheduleCase, step: number, optimizer: Optimizer, scheduler: AnyScheduler): void {
  const [lrs, momenta] = c.rates[step]!;
  expectClose(optimizer.paramGroups.map(({ lr }) => lr), lrs);
  expectClose(scheduler.getLastLr(), lrs);
  const first = ({ betas, momentum }: Record<string, unknown>): number =>
    (betas as number[] | undefined)?.[0] ?? momentum as number;
  expectClose(optimizer.paramGroups.map(first), momenta);
}

describe.each(fixtures.schedules)("$name $make", (c) => {
  test("rates after each step are those of PyTorch", () => {
    const optimizer = makeOptimizer(c);
    const scheduler = makeScheduler(c, optimizer);
    expectRates(c, 0, optimizer, scheduler);
    for (let step = 1; step < c.rates.length; step++) {
      optimizer.step();
      scheduler.step(...(c.calls === undefined ? [] : [c.calls[step - 1]!]) as []);
      expectRates(c, step, optimizer, scheduler);
    }
  });

  test("a schedule goes on from state dicts, also after JSON", () => {
    const [first, second] = [makeOptimizer(c), makeOptimizer(c)];
    const before = makeScheduler(c, first);
    const after = makeScheduler(c, second);
    const half = Math.floor(c.rates.length / 2);
    const advance = (optimizer: Optimizer, scheduler: AnyScheduler, step: number): void => {
      optimizer.step();
      scheduler.step(...(c.calls === undefined ? [] : [c.calls[step - 1]!]) as []);
    };
    for (let step = 1; step <= half; step++) advance(first, before, step);
    second.loadStateDict(first.stateDict());
    after.loadStateDict(JSON.parse(JSON.stringify(before.stateDict(), mapsAsObjects), infinite));
    expectRates(c, half, second, after);
    for (let step = half + 1; step < c.rates.length; step++) {
      advance(second, after, step);
      expectRates(c, step, second, after);
    }
  });
});

function mapsAsObjects(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return value === Infinity || value === -Infinity ? String(value) : value;
}

function infinite(_key: string, value: unknown): unknown {
  return value === "Infinity" || value === "-Infinity" ? Number(value) : value;
}

const sgd = (momentum = 0): SGD => new SGD([leaf([0])], { lr: 1, momentum });
const rates = (scheduler: AnyScheduler, steps: number): number[] =>
  Array.from({ length: steps }, () => {
    scheduler.optimizer.step();
    scheduler.step();
    return scheduler.getLastLr()[0]!;
  });

test("options go by position too", () => {
  const optimizer = sgd();
  const scheduler = new lrScheduler.StepLR(optimizer, 2, 0.5);
  expect(rates(scheduler, 4)).toEqual([1, 0.5, 0.5, 0.25]);
  const lambda = new lrScheduler.LambdaLR(sgd(), (epoch) => 1 / (epoch + 1));
  expect(rates(lambda, 2)).toEqual([1 / 2, 1 / 3]);
});

test("stateDict: has PyTorch's names", () => {
  const scheduler = new lrScheduler.CosineAnnealingWarmRestarts(sgd(), { T0: 3, TMult: 2 });
  rates(scheduler, 4);
  expect(scheduler.stateDict()).toEqual({
    T_0: 3,
    T_i: 6,
    T_mult: 2,
    eta_min: 0,
    T_cur: 1,
    base_lrs: [1],
    last_epoch: 4,
    _step_count: 5,
    _last_lr: scheduler.getLastLr(),
  });
  const cycle = new lrScheduler.OneCycleLR(sgd(0.9), { maxLr: 1, totalSteps: 10 });
  expect(cycle.stateDict()["_schedule_phases"]).toEqual([
    {
      end_step: 2,
      start_lr: "initial_lr",
      end_lr: "max_lr",
      start_momentum: "max_momentum",
      end_momentum: "base_momentum",
    },
    {
      end_step: 9,
      start_lr: "max_lr",
      end_lr: "min_lr",
      start_momentum: "base_momentum",
      end_momentum: "max_momentum",
    },
  ]);
});

test("loadStateDict: takes a state dict of PyTorch, as a map, and leaves out what it does not know", () => {
  const scheduler = new lrScheduler.MultiStepLR(sgd(), [1, 2], 0.5);
  const dict = new Map<string, unknown>([
    ["milestones", new Map([[12, 1], [14, 2]])],
    ["gamma", 0.1],
    ["base_lrs", [1]],
    ["last_epoch", 11],
    ["verbose", false],
    ["_step_count", 12],
    ["_get_lr_called_within_step", false],
    ["_last_lr", [1]],
  ]);
  scheduler.loadStateDict(dict);
  expectClose(rates(scheduler, 3), [0.1, 0.1, 0.001]);
  expect(() => scheduler.loadStateDict(1 as unknown as Record<string, unknown>)).toThrow(ArgumentTypeError);
});

test("a schedule goes on with lastEpoch where the optimizer knows its first rates", () => {
  const first = sgd();
  const before = new lrScheduler.ExponentialLR(first, 0.5);
  rates(before, 3);
  const second = sgd();
  expect(() => new lrScheduler.ExponentialLR(second, 0.5, 3)).toThrow(
    "Cannot create a scheduler at epoch 3: group 0 must have initialLr, as after loading the state dict of its optimizer, got none",
  );
  second.loadStateDict(first.stateDict());
  const after = new lrScheduler.ExponentialLR(second, 0.5, 3);
  expect(after.getLastLr()).toEqual([1 / 16]);
});

test("SequentialLR: takes schedules that are made of schedules", () => {
  const optimizer = sgd();
  const chain = new lrScheduler.ChainedScheduler([
    new lrScheduler.ConstantLR(optimizer, 0.5, 2),
    new lrScheduler.ExponentialLR(optimizer, 0.5),
  ]);
  const inner = new lrScheduler.SequentialLR(optimizer, [
    new lrScheduler.LinearLR(optimizer, { startFactor: 0.25, totalIters: 3 }),
    new lrScheduler.StepLR(optimizer, 1, 0.5),
  ], [2]);
  const scheduler = new lrScheduler.SequentialLR(optimizer, [inner, chain], [4]);
  expect(scheduler.getLastLr()).toEqual([0.25]);
  // A ramp for 2 epochs, halves for 2, then the chain from its epoch 0 on.
  expectClose(rates(scheduler, 8), [0.5, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.0625]);
});

test("ReduceLROnPlateau: takes a tensor, and refuses anything else", () => {
  const scheduler = new lrScheduler.ReduceLROnPlateau(sgd(), { patience: 0 });
  scheduler.step(t(2));
  expect(scheduler.best).toBe(2);
  scheduler.step(NaN);
  expect(scheduler.getLastLr()).toEqual([0.1]);
  expect(() => scheduler.step()).toThrow("the metric must be a number, got undefined");
});

test("a class of the user's follows getLr", () => {
  class HalfLR extends lrScheduler.LRScheduler {
    constructor(optimizer: Optimizer) {
      super(optimizer);
      this.initialStep();
    }
    override getLr(): number[] {
      return this.lastEpoch === 0 ? this.rates() : this.rates().map((lr) => lr / 2);
    }
  }
  const scheduler = new HalfLR(sgd());
  expect(rates(scheduler, 3)).toEqual([0.5, 0.25, 0.125]);
  scheduler.step(7); // no closed form: computed from the rates before
  expect(scheduler.getLastLr()).toEqual([0.0625]);
  expect(scheduler.lastEpoch).toBe(7);
});

test("stepping before the optimizer warns, once", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const scheduler = new lrScheduler.ExponentialLR(sgd(), 0.5);
  scheduler.step();
  scheduler.step();
  expect(warn).toHaveBeenCalledTimes(1);
  const right = sgd();
  const other = new lrScheduler.ExponentialLR(right, 0.5);
  right.step();
  other.step();
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
});

test("errors", () => {
  const s = lrScheduler;
  const optimizer = sgd();
  const refused: [() => unknown, string][] = [
    [() => new s.StepLR({} as Optimizer, 1), "Cannot create a scheduler: it needs an Optimizer, got object"],
    [
      () => new s.StepLR(optimizer),
      "Cannot create StepLR: stepSize must be a positive integer, got undefined",
    ],
    [() => new s.MultiStepLR(optimizer), "milestones must be a list of epochs, got undefined"],
    [() => new s.ConstantLR(optimizer, 1.5), "factor must be between 0 and 1, got 1.5"],
    [() => new s.LinearLR(optimizer, 0), "startFactor must be above 0 and at most 1, got 0"],
    [() => new s.LinearLR(optimizer, 0.5, -1), "endFactor must be between 0 and 1, got -1"],
    [() => new s.ExponentialLR(optimizer), "gamma must be a number, got undefined"],
    [() => new s.CosineAnnealingLR(optimizer), "TMax must be a positive number, got undefined"],
    [() => new s.CosineAnnealingWarmRestarts(optimizer, 1.5), "T0 must be a positive integer, got 1.5"],
    [
      () => new s.CosineAnnealingWarmRestarts(optimizer, 1, 0),
      "TMult must be an integer of at least 1, got 0",
    ],
    [() => new s.CosineAnnealingWarmRestarts(optimizer, 1).step(-1), "epoch must be at least 0, got -1"],
    [() => new s.LambdaLR(optimizer), "lrLambda must be a function, or a list of functions, got undefined"],
    [
      () => new s.LambdaLR(optimizer, [(x) => x, (x) => x]),
      "Cannot create LambdaLR: lrLambda must have one value for each of 1 groups, got 2",
    ],
    [
      () => new s.CyclicLR(optimizer, { maxLr: 1 }),
      "baseLr must be a number, or one for each group, got undefined",
    ],
    [() => new s.CyclicLR(optimizer, 0.1, 1, { mode: "square" as "triangular" }), "mode must be"],
    [
      () => new s.CyclicLR(new Adam([leaf([0])]), 0.1, 1),
      "the optimizer must support momentum with cycleMomentum, got one without",
    ],
    [() => new s.OneCycleLR(optimizer, 1), "it needs totalSteps, or epochs and stepsPerEpoch, got none"],
    [() => new s.OneCycleLR(optimizer, 1, 0), "totalSteps must be a positive integer, got 0"],
    [
      () => new s.OneCycleLR(optimizer, 1, { epochs: 2 }),
      "stepsPerEpoch must be a positive integer, got undefined",
    ],
    [() => new s.OneCycleLR(optimizer, 1, 5, { pctStart: 2 }), "pctStart must be between 0 and 1, got 2"],
    [() => new s.ReduceLROnPlateau(optimizer, { factor: 1 }), "factor must be below 1, got 1"],
    [() => new s.ReduceLROnPlateau(optimizer, "least" as "min"), 'mode must be "min" or "max", got least'],
    [() => new s.ChainedScheduler([]), "schedulers must be a list of at least one, got none"],
    [
      () => new s.ChainedScheduler([new s.StepLR(optimizer, 1), new s.StepLR(sgd(), 1)]),
      "all schedulers must belong to the same optimizer, got another at index 1",
    ],
    [
      () => new s.SequentialLR(optimizer, [new s.StepLR(optimizer, 1)], [1]),
      "there must be one milestone less than schedulers, got 1 for 1 schedulers",
    ],
    [
      () => new s.SequentialLR(optimizer, [new s.ReduceLROnPlateau(optimizer)], []),
      "scheduler 0 must need no metric, got ReduceLROnPlateau",
    ],
    [
      () => new s.ChainedScheduler([new s.StepLR(optimizer, 1)]).loadStateDict({ _schedulers: [] }),
      "it must hold 1 schedulers, got 0",
    ],
    [() => new swaUtils.SWALR(optimizer), "swaLr must be a number, or one for each group, got undefined"],
  ];
  for (const [make, message] of refused) expect(make).toThrow(message);
  const cycle = new s.OneCycleLR(sgd(0.9), 1, 3);
  rates(cycle, 3);
  expect(() => cycle.step()).toThrow(ValueError);
});
