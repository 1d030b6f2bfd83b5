/**
 * Learning-rate schedules: PyTorch's `torch.optim.lr_scheduler`.
 *
 * @example
 * ```ts
 * const { lrScheduler } = optim;
 * const warmup = new lrScheduler.LinearLR(optimizer, { startFactor: 0.1, totalIters: 5 });
 * const decay = new lrScheduler.CosineAnnealingLR(optimizer, { TMax: 95 });
 * const scheduler = new lrScheduler.SequentialLR(optimizer, [warmup, decay], [5]);
 * for (let epoch = 0; epoch < 100; epoch++) {
 *   trainOneEpoch();
 *   scheduler.step();
 * }
 * ```
 *
 * @module
 */

export {
  ChainedScheduler,
  type ChainedSchedulerOptions,
  ComposedScheduler,
  SequentialLR,
  type SequentialLROptions,
} from "./lr_scheduler/compose.ts";
export {
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from "./lr_scheduler/cosine.ts";
export { CyclicLR, type CyclicLROptions, OneCycleLR, type OneCycleLROptions } from "./lr_scheduler/cycle.ts";
export {
  ConstantLR,
  type ConstantLROptions,
  ExponentialLR,
  type ExponentialLROptions,
  LinearLR,
  type LinearLROptions,
  MultiStepLR,
  type MultiStepLROptions,
  PolynomialLR,
  type PolynomialLROptions,
  StepLR,
  type StepLROptions,
} from "./lr_scheduler/decay.ts";
export { type EpochOptions, LRScheduler } from "./lr_scheduler/epochs.ts";
export {
  FunctionLR,
  LambdaLR,
  type LambdaLROptions,
  type LrLambda,
  MultiplicativeLR,
} from "./lr_scheduler/lambda.ts";
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from "./lr_scheduler/plateau.ts";
export { Scheduler, type SchedulerStateDict, type SchedulerStateDictLike } from "./lr_scheduler/scheduler.ts";
