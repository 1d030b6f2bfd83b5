/**
 * What the constructors of modules share: where parameters are made, and reading arguments.
 *
 * @module
 */

import { ArgumentTypeError, type DType, type Shape, ValueError } from "@flambeau/core";
import { type Args, type DeviceLike, empty, type Tensor } from "@flambeau/tensor";
import { named, requireInteger } from "@flambeau/tensor/internal";
import { Parameter } from "../parameter.ts";

/**
 * Arguments of a constructor: the required ones `P` in order and then options `O`, of which those named in `K` may stand in
 * that order; or all of them by name in one object.
 */
export type ModuleArgs<
  P extends readonly unknown[],
  Q extends object,
  O extends object,
  K extends readonly unknown[],
> = [...required: P, ...optional: Args<O, K>] | [settings: Q & Partial<O>];

/**
 * Reads arguments of the form {@linkcode ModuleArgs} into one object.
 *
 * @throws {ArgumentTypeError} If a required one is missing, or there are too many or unknown ones.
 */
export function settingsOf<Q extends object, O extends object>(
  module: string,
  args: readonly unknown[],
  required: readonly (keyof Q & string)[],
  optional: readonly (keyof O & string)[],
): Q & Partial<O> {
  const settings = named<Q & O>(`make ${module}`, args, [...required, ...optional]);
  for (const name of required) {
    if (settings[name] === undefined) {
      throw new ArgumentTypeError(`Cannot make ${module}: ${name} must be given`);
    }
  }
  return settings as Q & Partial<O>;
}

/** Where and of which dtype the parameters of a module are made. */
export interface FactoryOptions {
  /** The device. Default: the default device. */
  readonly device?: DeviceLike | null;
  /** A float dtype. Default: the default dtype. */
  readonly dtype?: DType | string | null;
}

/** The names of {@linkcode FactoryOptions}, which stand last in PyTorch's constructors. */
export const FACTORY_NAMES = ["device", "dtype"] as const;

/** A tensor whose contents are not defined. */
export function makeEmpty(shape: Shape, { device, dtype }: FactoryOptions): Tensor {
  return empty([...shape], {
    ...(device === null || device === undefined ? {} : { device }),
    ...(dtype === null || dtype === undefined ? {} : { dtype }),
  });
}

/** A parameter whose contents are not defined yet. */
export function makeParameter(shape: Shape, factory: FactoryOptions): Parameter {
  return new Parameter(makeEmpty(shape, factory));
}

/** Options without what is undefined, for passing on. */
export function factoryOf({ device, dtype }: FactoryOptions): FactoryOptions {
  return { device: device ?? null, dtype: dtype ?? null };
}

/**
 * An integer that is at least `least`.
 *
 * @throws {ValueError} If it is smaller.
 */
export function requireSize(module: string, name: string, value: number, least: number = 0): number {
  const size = requireInteger(`make ${module}`, name, value);
  if (size >= least) return size;
  throw new ValueError(`Cannot make ${module}: ${name} must be at least ${least}, got ${size}`);
}

/** A size for all spatial dimensions, or one for each. */
export type SizePerDim = number | Shape;

/**
 * One integer for each of `n` dimensions, from a number or a list.
 *
 * @throws {ValueError} If the list has another length, or a size is below `least`.
 */
export function repeated(
  module: string,
  name: string,
  value: SizePerDim,
  n: number,
  least: number = 0,
): readonly number[] {
  const list = typeof value === "number" ? new Array<number>(n).fill(value) : value;
  if (!Array.isArray(list)) {
    throw new ArgumentTypeError(
      `Cannot make ${module}: ${name} must be an integer or ${n} of them, got ${typeof value}`,
    );
  }
  if (list.length !== n) {
    throw new ValueError(
      `Cannot make ${module}: ${name} must be an integer or ${n} of them, got ${list.length}`,
    );
  }
  return list.map((size: number) => requireSize(module, name, size, least));
}
