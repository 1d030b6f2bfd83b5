/**
 * Small pieces of text that the kernels of products share.
 *
 * @module
 */

/** Names of the components of a vector of four. */
export const AXES: readonly ["x", "y", "z", "w"] = ["x", "y", "z", "w"];

/** 0 … n − 1. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** `text` plus a constant. */
export function plus(text: string, by: number): string {
  return by === 0 ? text : `${text} + ${by}u`;
}
