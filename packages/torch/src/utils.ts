/**
 * `torch.utils`: activation checkpointing.
 *
 * @module
 */

export {
  checkpoint,
  type CheckpointOptions,
  checkpointSequential,
  type FunctionSequence,
} from "@flambeau/autograd";
