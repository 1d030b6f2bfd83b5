/**
 * Floor 3 of Flambeau: differentiation, in reverse mode and as function transforms. Importing it installs the tape: operations on tensors that require
 * grad are then recorded, and `backward()` works.
 *
 * @module
 */

export { type AnomalyOptions, detectAnomaly, setDetectAnomaly } from "./src/anomaly.ts";
export {
  checkpoint,
  type CheckpointOptions,
  checkpointSequential,
  type FunctionSequence,
} from "./src/checkpoint.ts";
export { backward, type BackwardArguments, grad, type GradOptions, type GradsOf } from "./src/engine.ts";
export * as func from "./src/func.ts";
export * as functional from "./src/functional.ts";
export { Function, FunctionContext } from "./src/function.ts";
export type { FunctionSettings } from "./src/function_call.ts";
export { gradcheck, type GradcheckOptions, gradgradcheck } from "./src/gradcheck.ts";
export { installAutograd } from "./src/install.ts";
export type { Randomness } from "./src/func/batch_level.ts";
export { type InDims, vmap, type VmapArgs, type VmapOptions } from "./src/func/vmap.ts";
export { Variable, type VariableOptions } from "./src/variable.ts";
export { enableGrad, inferenceMode, noGrad, setGradEnabled } from "@flambeau/tensor";
