/**
 * `torch.utils`: activation checkpointing, and `torch.data` under the name that it has in PyTorch.
 *
 * @module
 */

export {
  checkpoint,
  type CheckpointOptions,
  checkpointSequential,
  type FunctionSequence,
} from "@flambeau/autograd";

export * as data from "@flambeau/data";
