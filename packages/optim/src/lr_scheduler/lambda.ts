/**
 * Schedules by functions of the user.
 *
 * @module
 */

import type { Args } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { requireOption } from "../checks.ts";
import type { Optimizer } from "../optimizer.ts";
import { type EpochOptions, LRScheduler } from "./epochs.ts";
import { perGroup } from "./scheduler.ts";

/** A factor by epoch. */
export type LrLambda = (epoch: number) => number;

/** Options of {@linkcode LambdaLR} and {@linkcode MultiplicativeLR}. */
export interface LambdaLROptions extends EpochOptions {
  /** A factor by epoch, or one function for each group. */
  lrLambda: LrLambda | readonly LrLambda[];
}

function lambdas(
  subject: string,
  optimizer: Optimizer,
  args: Args<LambdaLROptions, ["lrLambda", "lastEpoch"]>,
): { functions: LrLambda[]; lastEpoch: number } {
  const { lrLambda, lastEpoch = -1 } = named<LambdaLROptions>(`create ${subject}`, args, [
    "lrLambda",
    "lastEpoch",
  ]);
  const functions = perGroup(subject, "lrLambda", optimizer, lrLambda as LrLambda);
  const all = functions.every((f) => typeof f === "function");
  requireOption(subject, all, "lrLambda", "a function, or a list of functions", lrLambda);
  return { functions, lastEpoch };
}

/** A schedule that is made of functions, which state dicts do not hold. */
export abstract class FunctionLR extends LRScheduler {
  /** The functions, one a group. */
  protected lrLambdas: readonly LrLambda[];

  /** What both classes share; `subject` is the name of the class, for messages. */
  constructor(
    subject: string,
    optimizer: Optimizer,
    args: Args<LambdaLROptions, ["lrLambda", "lastEpoch"]>,
  ) {
    const { functions, lastEpoch } = lambdas(subject, optimizer, args);
    super(optimizer, lastEpoch);
    this.lrLambdas = functions;
    this.initialStep();
  }

  /** What the scheduler knows, under PyTorch's names; `lr_lambdas` holds null for each function. */
  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), lr_lambdas: this.lrLambdas.map(() => null) };
  }
}

/**
 * The first rate times a function of the epoch.
 *
 * @throws {ValueError} If there is not one function for each group.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
 */
export class LambdaLR extends FunctionLR {
  /** A schedule for `optimizer`; options go in the order of {@linkcode LambdaLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<LambdaLROptions, ["lrLambda", "lastEpoch"]>) {
    super("LambdaLR", optimizer, args);
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    return this.baseLrs.map((lr, i) => lr * this.lrLambdas[i]!(this.lastEpoch));
  }
}

/**
 * The rate before times a function of the epoch.
 *
 * @throws {ValueError} If there is not one function for each group.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiplicativeLR.html
 */
export class MultiplicativeLR extends FunctionLR {
  /** A schedule for `optimizer`; options go in the order of {@linkcode LambdaLROptions}, or by name. */
  constructor(optimizer: Optimizer, ...args: Args<LambdaLROptions, ["lrLambda", "lastEpoch"]>) {
    super("MultiplicativeLR", optimizer, args);
  }

  /** The rates of `lastEpoch`. */
  override getLr(): number[] {
    const rates = this.rates();
    return this.lastEpoch > 0 ? rates.map((lr, i) => lr * this.lrLambdas[i]!(this.lastEpoch)) : rates;
  }
}
