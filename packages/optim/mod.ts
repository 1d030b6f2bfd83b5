/**
 * Floor 3 of Flambeau: optimizers, learning-rate schedules and averages of weights, under PyTorch's names.
 *
 * @example
 * ```ts
 * const optimizer = new optim.AdamW(net.parameters(), { lr: 1e-3 });
 * const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, { TMax: 100 });
 * ```
 *
 * @module
 */

export { Adadelta, type AdadeltaOptions, type AdadeltaState } from "./src/adadelta.ts";
export { Adagrad, type AdagradOptions, type AdagradState } from "./src/adagrad.ts";
export { Adam, type AdamOptions, type AdamState, AdamW } from "./src/adam.ts";
export { Adamax, type AdamaxOptions, type AdamaxState } from "./src/adamax.ts";
export { ASGD, type ASGDOptions, type ASGDState } from "./src/asgd.ts";
export type { OptimizerOptions, ParamGroup, ParamGroupInput, Params, ParamsInput } from "./src/groups.ts";
export type { HookHandle } from "./src/hooks.ts";
export { LBFGS, type LBFGSOptions, type LBFGSState } from "./src/lbfgs.ts";
export { Lion, type LionOptions, type LionState } from "./src/lion.ts";
export * as lrScheduler from "./src/lr_scheduler.ts";
export { Muon, type MuonOptions, type MuonState } from "./src/muon.ts";
export { NAdam, type NAdamOptions, type NAdamState } from "./src/nadam.ts";
export { Optimizer, type StepPostHook, type StepPreHook, type ZeroGradOptions } from "./src/optimizer.ts";
export { RAdam, type RAdamOptions, type RAdamState } from "./src/radam.ts";
export { RMSprop, type RMSpropOptions, type RMSpropState } from "./src/rmsprop.ts";
export { Rprop, type RpropOptions, type RpropState } from "./src/rprop.ts";
export { SGD, type SGDOptions, type SGDState } from "./src/sgd.ts";
export type { OptimizerStateDict, OptimizerStateDictLike } from "./src/state_dict.ts";
export * as swaUtils from "./src/swa_utils.ts";
