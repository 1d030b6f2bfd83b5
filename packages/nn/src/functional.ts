/**
 * The functions that modules are made of: `torch.nn.functional`.
 *
 * @module
 */

export * from "./functional/distance.ts";
export * from "./functional/loss.ts";
export {
  bilinear,
  embedding,
  embeddingBag,
  fold,
  linear,
  oneHot,
  pad,
  pixelShuffle,
  pixelUnshuffle,
  unfold,
} from "@flambeau/tensor";
