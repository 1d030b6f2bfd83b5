/**
 * What creation functions are built of: sizes, options, devices, numbers computed on the host. Not for users, but for the
 * types.
 *
 * @module
 */

import {
  type Backend,
  checkShape,
  DeviceError,
  type DType,
  formatType,
  type Shape,
  ValueError,
} from "@flambeau/core";
import { isOptions, requireKnown } from "../args.ts";
import { requireInteger } from "../coerce.ts";
import { backendOf, type DeviceLike } from "../device.ts";
import { convertValues } from "../elements.ts";
import type { Tensor } from "../tensor.ts";
import { fromData } from "./data.ts";

/** What new tensors are like. */
export interface CreationOptions {
  /** Element type. Default: that of the values, else the default dtype. */
  readonly dtype?: DType | string | null;
  /** Where the tensor lives. Default: the default device. */
  readonly device?: DeviceLike | null;
  /** Whether operations on it are recorded. Default false. */
  readonly requiresGrad?: boolean;
}

/** What tensors made after another one are like. */
export interface LikeOptions extends CreationOptions {
  /** Taken for PyTorch's sake: results are always in row-major order. */
  readonly memoryFormat?: unknown;
}

/** The names of all options that creation functions take beside the arguments of their own. */
export const CREATION: readonly string[] = ["dtype", "device", "requiresGrad"];
const SIZED = ["size", ...CREATION, "memoryFormat", "generator"];

/** Sizes as one array or as numbers, then options `O`. */
export type SizeArgs<O> =
  | readonly [size: Shape, options?: O]
  | readonly number[]
  | readonly [...size: number[], options: O];

/**
 * Sizes and options of a call.
 *
 * @throws {ArgumentTypeError} If a size is no integer, or an option is not known.
 */
export function sizesOf<O extends object>(
  op: string,
  args: readonly unknown[],
): [shape: Shape, options: Partial<O>] {
  const last = args[args.length - 1];
  const options = isOptions(last) ? last : {};
  requireKnown(`make ${op}`, options, SIZED);
  const positional = isOptions(last) || last === undefined ? args.slice(0, -1) : args;
  const given = positional.length > 0 ? positional : [(options as { size?: unknown }).size ?? []];
  const list = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  const shape = list.map((size: unknown) => requireInteger(op, "size", size));
  checkShape(`make ${op} of`, shape);
  return [shape, options as Partial<O>];
}

/**
 * The device of options, which must have the dtype.
 *
 * @throws {DeviceError} If it has not.
 */
export function deviceWith(options: CreationOptions, shape: Shape, dtype: DType, near?: Backend): Backend {
  const backend = options.device === null || options.device === undefined
    ? near ?? backendOf(null)
    : backendOf(options.device);
  if (!backend.dtypes.has(dtype)) {
    throw new DeviceError(
      `Cannot make ${formatType({ shape, dtype })} on ${backend.name}: it has no ${dtype.name}`,
    );
  }
  return backend;
}

/** Sets `requiresGrad` as the options say. */
export function finished(x: Tensor, options: CreationOptions): Tensor {
  if (options.requiresGrad === true) x.requiresGrad = true;
  return x;
}

/** A tensor of numbers computed on the host in double precision. */
export function fromNumbers(
  values: ArrayLike<number>,
  shape: Shape,
  dtype: DType,
  options: CreationOptions,
): Tensor {
  const backend = deviceWith(options, shape, dtype);
  return finished(fromData(convertValues(values, dtype), shape, dtype, backend), options);
}

/**
 * Float64 values of the rule `f` at `i = 0 … length − 1`, for the functions that compute on the host.
 *
 * @throws {ValueError} If the length is negative.
 */
export function tabulate(op: string, length: number, f: (i: number) => number): Float64Array {
  if (requireInteger(op, "length", length) < 0) {
    throw new ValueError(`Cannot ${op} of length ${length}: it must be >= 0, got ${length}`);
  }
  return Float64Array.from({ length }, (_, i) => f(i));
}
