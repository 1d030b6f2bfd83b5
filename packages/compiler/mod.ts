/**
 * Turns a graph into a program: decomposition, fusion and the memory plan.
 *
 * @module
 */

export { type Decomposition, type Decompositions, decompositions } from "./src/decompose.ts";
