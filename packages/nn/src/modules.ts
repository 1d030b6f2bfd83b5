/**
 * The modules.
 *
 * @module
 */

export * from "./modules/activation.ts";
export * from "./modules/adaptive_softmax.ts";
export * from "./modules/attention.ts";
export * from "./modules/conv.ts";
export * from "./modules/distance.ts";
export * from "./modules/dropout.ts";
export * from "./modules/embedding.ts";
export type { FactoryOptions, ModuleArgs, SizePerDim } from "./modules/factory.ts";
export * from "./modules/lazy.ts";
export {
  Bilinear,
  type BilinearSizes,
  Identity,
  Linear,
  type LinearOptions,
  type LinearSizes,
} from "./modules/linear.ts";
export * from "./modules/loss.ts";
export * from "./modules/norm.ts";
export * from "./modules/padding.ts";
export * from "./modules/pool.ts";
export * from "./modules/shape.ts";
export * from "./modules/transformer.ts";
export * from "./modules/upsample.ts";
export * from "./modules/recurrent.ts";
export {
  type CellArgs,
  type CellOptions,
  GRUCell,
  LSTMCell,
  type Nonlinearity,
  type RecurrentMode,
  type RecurrentSizes,
  RNNCell,
  RNNCellBase,
  type RNNCellOptions,
} from "./modules/recurrent_cell.ts";
