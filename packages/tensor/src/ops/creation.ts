/**
 * New tensors of one value, in steps, or like another tensor.
 *
 * Sizes are given as an array or as numbers, then options: `zeros([2, 3], { dtype: "int32" })`, `zeros(2, 3)`.
 *
 * @module
 */

import {
  ArgumentTypeError,
  bool,
  checkShape,
  type DType,
  int32,
  scalarDType,
  type Shape,
  ValueError,
} from "@flambeau/core";
import { type Args, named, requireKnown } from "../args.ts";
import { bind } from "../bind.ts";
import {
  defaults,
  describe,
  dtypeOption,
  isScalar,
  requireInteger,
  requireNumber,
  requireTensor,
  type Scalar,
} from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { makeEmpty } from "../handle.ts";
import { executeOn } from "../immediate.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { transforms } from "../transform.ts";
import { owned, viewAsShape } from "./building.ts";
import { clone, fill_ } from "./data.ts";
import {
  CREATION,
  type CreationOptions,
  deviceWith,
  finished,
  fromNumbers,
  type LikeOptions,
  type SizeArgs,
  sizesOf,
} from "./making.ts";

function filled(shape: Shape, value: Scalar, dtype: DType, options: CreationOptions, like?: Tensor): Tensor {
  const backend = deviceWith(options, shape, dtype, like?.backend);
  return finished(alike(executeOn(backend, "full", { shape, value, dtype }), like), options);
}

/** Inside `vmap` what is made after a batch is a batch, so that it can be written. */
function alike(made: Tensor, like: Tensor | undefined): Tensor {
  return like === undefined || transforms.active === null ? made : transforms.active.alike(made, like);
}

/**
 * Zeros.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.zeros.html
 */
export function zeros(...args: SizeArgs<CreationOptions>): Tensor {
  const [shape, options] = sizesOf<CreationOptions>("zeros", args);
  return filled(shape, 0, dtypeOption(options.dtype) ?? defaults.dtype, options);
}

/**
 * Ones.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ones.html
 */
export function ones(...args: SizeArgs<CreationOptions>): Tensor {
  const [shape, options] = sizesOf<CreationOptions>("ones", args);
  return filled(shape, 1, dtypeOption(options.dtype) ?? defaults.dtype, options);
}

/**
 * A tensor whose contents are not defined.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.empty.html
 */
export function empty(...args: SizeArgs<LikeOptions>): Tensor {
  const [shape, options] = sizesOf<LikeOptions>("empty", args);
  const dtype = dtypeOption(options.dtype) ?? defaults.dtype;
  return finished(makeEmpty(deviceWith(options, shape, dtype), shape, dtype), options);
}

/**
 * One value everywhere. The dtype is that of the value: bool, int64 for bigints, the default float for numbers.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.full.html
 */
export function full(size: Shape | number, fillValue: Scalar, options: CreationOptions = {}): Tensor {
  const [shape] = sizesOf("full", [size]);
  requireKnown("make full", options, CREATION);
  const value = requireScalar("full", fillValue);
  return filled(shape, value, dtypeOption(options.dtype) ?? fillDType(value), options);
}

/** Numbers fill with the default float, bigints with int64, booleans with bool. */
function fillDType(value: Scalar): DType {
  return typeof value === "number" ? defaults.dtype : scalarDType(value, defaults.dtype);
}

function requireScalar(op: string, value: unknown): Scalar {
  if (isScalar(value)) return value;
  throw new ArgumentTypeError(
    `Cannot ${op}: argument fillValue must be a number or a boolean, got ${describe(value)}`,
  );
}

/**
 * A tensor of rank 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.scalar_tensor.html
 */
export function scalarTensor(value: Scalar, options: CreationOptions = {}): Tensor {
  return filled(
    [],
    requireScalar("scalarTensor", value),
    dtypeOption(options.dtype) ?? defaults.dtype,
    options,
  );
}

function filledLike(op: string, x: Tensor, value: Scalar, options: LikeOptions): Tensor {
  requireTensor(op, "input", x);
  return filled(x.shape, value, dtypeOption(options.dtype) ?? x.dtype, options, x);
}

/**
 * Zeros in the shape, dtype and device of `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.zeros_like.html
 */
export function zerosLike(x: Tensor, options: LikeOptions = {}): Tensor {
  return filledLike("zerosLike", x, 0, options);
}

/**
 * Ones in the shape, dtype and device of `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ones_like.html
 */
export function onesLike(x: Tensor, options: LikeOptions = {}): Tensor {
  return filledLike("onesLike", x, 1, options);
}

/**
 * One value in the shape, dtype and device of `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.full_like.html
 */
export function fullLike(x: Tensor, fillValue: Scalar, options: LikeOptions = {}): Tensor {
  return filledLike("fullLike", x, requireScalar("fullLike", fillValue), options);
}

/**
 * A tensor in the shape, dtype and device of `x` whose contents are not defined.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.empty_like.html
 */
export function emptyLike(x: Tensor, options: LikeOptions = {}): Tensor {
  requireTensor("emptyLike", "input", x);
  const dtype = dtypeOption(options.dtype) ?? x.dtype;
  return finished(
    alike(makeEmpty(deviceWith(options, x.shape, dtype, x.backend), x.shape, dtype), x),
    options,
  );
}

/**
 * A copy of `x` with one value everywhere, in its own dtype.
 *
 * @param value A number, or a tensor of rank 0, which gets the gradient.
 */
export function fill(x: Tensor, value: Scalar | Tensor): Tensor {
  return fill_(clone(requireTensor("fill", "input", x)), value);
}

/** Zeros in the dtype and device of `x`. */
export function newZeros(x: Tensor, ...args: SizeArgs<CreationOptions>): Tensor {
  const [shape, options] = sizesOf<CreationOptions>("newZeros", args);
  return filled(shape, 0, dtypeOption(options.dtype) ?? x.dtype, options, x);
}

/** Ones in the dtype and device of `x`. */
export function newOnes(x: Tensor, ...args: SizeArgs<CreationOptions>): Tensor {
  const [shape, options] = sizesOf<CreationOptions>("newOnes", args);
  return filled(shape, 1, dtypeOption(options.dtype) ?? x.dtype, options, x);
}

/** A tensor in the dtype and device of `x` whose contents are not defined. */
export function newEmpty(x: Tensor, ...args: SizeArgs<CreationOptions>): Tensor {
  const [shape, options] = sizesOf<CreationOptions>("newEmpty", args);
  const dtype = dtypeOption(options.dtype) ?? x.dtype;
  return finished(alike(makeEmpty(deviceWith(options, shape, dtype, x.backend), shape, dtype), x), options);
}

/** One value in the dtype and device of `x`. */
export function newFull(
  x: Tensor,
  size: Shape | number,
  fillValue: Scalar,
  options: CreationOptions = {},
): Tensor {
  const [shape] = sizesOf("newFull", [size]);
  const value = requireScalar("newFull", fillValue);
  return filled(shape, value, dtypeOption(options.dtype) ?? x.dtype, options, x);
}

/** The steps of {@linkcode arange}. */
export interface RangeOptions extends CreationOptions {
  /** The first value. Default 0. */
  readonly start?: Scalar;
  /** Where it ends; this value is not reached. */
  readonly end?: Scalar;
  /** The difference of neighbours. Default 1. */
  readonly step?: Scalar;
}

/**
 * `start, start + step, …` up to but without `end`: `arange(3)`, `arange(1, 3)`, `arange(3, 1, -0.5)`.
 *
 * int32 when all are whole numbers, int64 when one is a bigint, else the default float.
 *
 * @throws {ValueError} If the step is 0 or leads away from `end`, or a bound is not finite.
 * @see https://pytorch.org/docs/stable/generated/torch.arange.html
 */
export function arange(...args: Args<RangeOptions, ["start", "end", "step"]>): Tensor {
  const options = named<RangeOptions>("arange", args, ["start", "end", "step"], [
    "dtype",
    "device",
    "requiresGrad",
  ]);
  const only = options.end === undefined;
  const bounds: Scalar[] = [
    only ? 0 : options.start ?? 0,
    (only ? options.start : options.end)!,
    options.step ?? 1,
  ];
  let [start, end, step] = bounds.map((value, i) =>
    requireNumber("arange", ["start", "end", "step"][i]!, value)
  );
  const wrong = (why: string) => new ValueError(`Cannot arange from ${start} to ${end} by ${step}: ${why}`);
  if (step === 0) throw wrong("step must not be 0, got 0");
  const span = end! - start!;
  if (!Number.isFinite(span)) throw wrong("bounds must be finite, got an unsupported range");
  if (span !== 0 && (span > 0) !== (step! > 0)) {
    throw wrong("the step must lead from start to end, got the other sign");
  }
  const dtype = dtypeOption(options.dtype) ?? rangeDType(bounds);
  const size = Math.ceil(span / step!);
  if (dtype.kind !== "float") [start, step] = [Math.trunc(start!), Math.trunc(step!)];
  const backend = deviceWith(options, [size], dtype);
  return finished(executeOn(backend, "iota", { start: start!, step: step!, size, dtype }), options);
}

function rangeDType(values: readonly Scalar[]): DType {
  const dtypes = values.map((value) =>
    scalarDType(Number.isInteger(value) ? value : typeof value === "boolean" ? 0 : value, defaults.dtype)
  );
  return dtypes.find((dtype) => dtype.kind === "float") ?? dtypes.find((dtype) => dtype.name === "int64") ??
    dtypes[0]!;
}

/**
 * As {@linkcode arange}, with the end included and the default float.
 *
 * @deprecated PyTorch deprecates it too: use {@linkcode arange}.
 */
export function range(start: number, end: number, step: number = 1, options: CreationOptions = {}): Tensor {
  const size = Math.floor((end - start) / step) + 1;
  return arange(start, start + size * step, step, { ...options, dtype: options.dtype ?? defaults.dtype });
}

/** `steps` values evenly from `start` to `end`, in double precision, as exact at the end as at the start. */
function evenly(op: string, start: unknown, end: unknown, steps: unknown): Float64Array {
  const [from, to] = [requireNumber(op, "start", start), requireNumber(op, "end", end)];
  const count = requireInteger(op, "steps", steps);
  if (count < 0) throw new ValueError(`Cannot ${op} from ${from} to ${to}: steps must be >= 0, got ${count}`);
  const step = (to - from) / (count - 1);
  const values = new Float64Array(count);
  const half = count / 2;
  for (let i = 0; i < count; i++) values[i] = i < half ? from + i * step : to - (count - 1 - i) * step;
  return values;
}

/**
 * `steps` values from `start` to `end` at equal distances, both included.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linspace.html
 */
export function linspace(start: number, end: number, steps: number, options: CreationOptions = {}): Tensor {
  const values = evenly("linspace", start, end, steps);
  if (values.length === 1) values[0] = Number(start);
  return fromNumbers(values, [values.length], dtypeOption(options.dtype) ?? defaults.dtype, options);
}

/** Options of {@linkcode logspace}. */
export interface LogspaceOptions extends CreationOptions {
  /** The number that is raised. Default 10. */
  readonly base?: number;
}

/**
 * `base` raised to `steps` exponents from `start` to `end` at equal distances, both included.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logspace.html
 */
export function logspace(
  start: number,
  end: number,
  steps: number,
  ...args: Args<LogspaceOptions, ["base"]>
): Tensor {
  const options = named<LogspaceOptions>("logspace", args, ["base"], ["dtype", "device", "requiresGrad"]);
  const exponents = evenly("logspace", start, end, steps);
  if (exponents.length === 1) exponents[0] = Number(start);
  const base = requireNumber("logspace", "base", options.base ?? 10);
  const values = exponents.map((exponent) => base ** exponent);
  return fromNumbers(values, [values.length], dtypeOption(options.dtype) ?? defaults.dtype, options);
}

/** Options of {@linkcode eye}. */
export interface EyeOptions extends CreationOptions {
  /** Number of columns. Default: as many as rows. */
  readonly m?: number;
}

/**
 * Ones on the main diagonal, zeros elsewhere: `[n, m]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.eye.html
 */
export function eye(n: number, ...args: Args<EyeOptions, ["m"]>): Tensor {
  const options = named<EyeOptions>("eye", args, ["m"], ["dtype", "device", "requiresGrad"]);
  const shape = [requireInteger("eye", "n", n), requireInteger("eye", "m", options.m ?? n)];
  checkShape("make eye of", shape);
  const dtype = dtypeOption(options.dtype) ?? defaults.dtype;
  const backend = deviceWith(options, shape, dtype);
  const made = temporaries(() =>
    noGrad(() => {
      const [rows, columns] = shape as [number, number];
      const size = Math.min(rows, columns);
      const value = dtype === bool ? false : 0;
      const zeros = executeOn(backend, "full", { shape: [rows * columns], value, dtype });
      const ones = executeOn(backend, "full", { shape: [size], value: dtype === bool ? true : 1, dtype });
      const places = executeOn(backend, "iota", { start: 0, step: columns + 1, size, dtype: int32 });
      return owned(viewAsShape(bind("indexReduce", [zeros, places, ones], { dim: 0, reduce: "set" }), shape));
    })
  );
  return finished(made, options);
}
