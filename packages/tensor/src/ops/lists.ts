/**
 * Lists of sizes and dimensions as PyTorch takes them: one array, each number as an argument, or by name.
 *
 * @module
 */

import { ArgumentTypeError, normalizeDim, type Shape, ValueError } from "@flambeau/core";
import { isOptions } from "../args.ts";
import { requireInteger } from "../coerce.ts";

/**
 * The arguments of a function that ends in a list called `K`: `f([2, 3])`, `f(2, 3)` and `f({ K: [2, 3] })`.
 */
export type ListArgs<K extends string> =
  | readonly [list: Shape]
  | readonly number[]
  | readonly [options: { readonly [P in K]: Shape | number }];

/**
 * Reads arguments of the form {@linkcode ListArgs}.
 *
 * @param op Name of the function, for messages.
 * @throws {ArgumentTypeError} If something in it is no integer.
 */
export function listOf(op: string, name: string, args: readonly unknown[]): number[] {
  let value: unknown = args;
  if (args.length === 1) {
    if (Array.isArray(args[0])) value = args[0];
    else if (isOptions(args[0])) value = args[0][name];
  }
  const list = Array.isArray(value) ? value : [value];
  return list.map((item) => requireInteger(op, name, item));
}

/**
 * One integer or a list of them, as a list.
 *
 * @throws {ArgumentTypeError} If something in it is no integer.
 */
export function integers(op: string, name: string, value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).map((item) => requireInteger(op, name, item));
}

/**
 * Dimension numbers made non-negative, in the order given.
 *
 * @throws {IndexError} If one is out of range.
 * @throws {ValueError} If one appears twice.
 */
export function distinctDims(op: string, dims: Shape, rank: number): number[] {
  const out = dims.map((dim) => normalizeDim(op, dim, rank));
  if (new Set(out).size !== out.length) {
    throw new ValueError(
      `Cannot ${op} along dimensions [${dims.join(", ")}]: each may appear once, got repeated dim`,
    );
  }
  return out;
}

/**
 * An argument that must be given.
 *
 * @throws {ArgumentTypeError} If it is undefined.
 */
export function required<T>(op: string, name: string, value: T | undefined): T {
  if (value === undefined) {
    throw new ArgumentTypeError(`Cannot ${op}: argument ${name} must be given, got nothing`);
  }
  return value;
}
