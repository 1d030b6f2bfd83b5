/**
 * Turns a graph into a program: decomposition, fusion and the memory plan.
 *
 * @module
 */

export {};
