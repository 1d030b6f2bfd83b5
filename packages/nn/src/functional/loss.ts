/**
 * The losses.
 *
 * @module
 */

export * from "./loss/binary.ts";
export * from "./loss/classes.ts";
export * from "./loss/ctc.ts";
export * from "./loss/distance.ts";
export * from "./loss/margin.ts";
export type { Reduction, ReductionNames, ReductionOptions } from "./loss/reduction.ts";
export * from "./loss/regression.ts";
