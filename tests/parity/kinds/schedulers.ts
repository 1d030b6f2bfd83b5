/**
 * Kind `schedulers`: the learning rates that a schedule gives, step by step.
 *
 * @module
 */

import { isClose, Mismatch } from "../compare.ts";
import type { Context } from "../context.ts";
import { decode, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import type { Library } from "../library.ts";
import { type AnyConstructor, camelKeys, invoke, member, resolve } from "../names.ts";
import { makeOptimizer } from "./optim.ts";

type Row = Readonly<Record<string, Json>>;

interface SchedulerCase extends Case {
  readonly scheduler: string;
  readonly kwargs: Row;
  readonly optimizer_kwargs: Row;
  readonly initial_lrs: readonly number[];
  readonly steps: number;
  readonly lrs: readonly (readonly number[])[];
  readonly momenta?: readonly (readonly number[])[];
  readonly metrics?: readonly number[];
  readonly rtol: number;
  readonly atol: number;
}

/** Schedulers whose first argument is the list of schedulers, not the optimizer. */
const OF_SCHEDULERS: ReadonlySet<string> = new Set(["ChainedScheduler"]);

/** Runs a case of kind `schedulers`. */
export async function runScheduler({ library }: Context, testCase: Case): Promise<void> {
  const c = testCase as SchedulerCase;
  const groups = c.initial_lrs.map((lr) => {
    const param = library.tensor({ dtype: "float32", shape: [1], data: [0] }).tensor;
    return { params: [invoke(param, "requiresGrad_")], lr };
  });
  const optimizer = makeOptimizer(library, "SGD", groups, { lr: c.initial_lrs[0]!, ...c.optimizer_kwargs });
  const scheduler = construct(library, c.scheduler, c.kwargs, optimizer);
  expectRates(c, 0, optimizer, scheduler);
  for (let step = 1; step < c.lrs.length; step++) {
    await invoke(optimizer, "step");
    await invoke(scheduler, "step", ...(c.metrics === undefined ? [] : [c.metrics[step - 1]]));
    expectRates(c, step, optimizer, scheduler);
  }
}

function construct(library: Library, name: string, kwargs: Row, optimizer: unknown): unknown {
  const Scheduler = resolve(library.torch, `torch.optim.lr_scheduler.${name}`) as AnyConstructor;
  const sources: Sources = {
    library,
    scheduler: (inner, settings) => construct(library, inner, settings, optimizer),
  };
  if (!OF_SCHEDULERS.has(name)) {
    return new Scheduler(
      optimizer,
      camelKeys(kwargs, (value) => decode(value, sources)),
    );
  }
  const { schedulers, ...rest } = kwargs;
  const options = camelKeys(rest, (value) => decode(value, sources));
  return new Scheduler(decode(schedulers!, sources), ...(Object.keys(rest).length > 0 ? [options] : []));
}

function expectRates(c: SchedulerCase, step: number, optimizer: unknown, scheduler: unknown): void {
  const groups = member(optimizer, "paramGroups") as readonly unknown[];
  expectNumbers(c, `lr of step ${step}`, groups.map((group) => member(group, "lr")), c.lrs[step]!);
  // PyTorch 1.13 has it on all schedulers but ReduceLROnPlateau; before the first step of that one it may be unset.
  if (typeof member(scheduler, "getLastLr") === "function" && c.metrics === undefined) {
    expectNumbers(
      c,
      `getLastLr of step ${step}`,
      invoke(scheduler, "getLastLr") as readonly unknown[],
      c.lrs[step]!,
    );
  }
  const momenta = c.momenta?.[step];
  if (momenta !== undefined) {
    expectNumbers(c, `momentum of step ${step}`, groups.map((group) => member(group, "momentum")), momenta);
  }
}

function expectNumbers(
  c: SchedulerCase,
  what: string,
  got: readonly unknown[],
  want: readonly number[],
): void {
  want.forEach((value, group) => {
    const x = got[group];
    if (typeof x === "number" && isClose(x, value, c)) return;
    throw new Mismatch(`${what}, group ${group}: must be ${value}, got ${String(x)}`);
  });
}
