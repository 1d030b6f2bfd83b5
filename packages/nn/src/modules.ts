/**
 * The modules.
 *
 * @module
 */

export * from "./modules/activation.ts";
export * from "./modules/conv.ts";
export * from "./modules/dropout.ts";
export type { FactoryOptions, SizePerDim } from "./modules/factory.ts";
export { Bilinear, Identity, Linear, type LinearOptions } from "./modules/linear.ts";
export * from "./modules/norm.ts";
export * from "./modules/pool.ts";
export * from "./modules/shape.ts";
