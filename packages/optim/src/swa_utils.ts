/**
 * Averages of weights: PyTorch's `torch.optim.swa_utils`.
 *
 * @module
 */

export {
  AveragedModel,
  type AveragedModelOptions,
  type AverageInput,
  type AvgFn,
  getEmaAvgFn,
  getSwaAvgFn,
  type ModuleLike,
} from "./swa_utils/averaged_model.ts";
export { SWALR, type SWALROptions } from "./swa_utils/swalr.ts";
export { type Batches, type NormalizedModel, updateBn } from "./swa_utils/update_bn.ts";
