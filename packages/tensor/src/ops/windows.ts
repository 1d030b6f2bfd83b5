/**
 * Windows for signals: weights that fall off toward both ends.
 *
 * A periodic window (the default) is one longer, without its last value: right for Fourier transforms. A symmetric one is
 * for filters.
 *
 * @module
 */

import { type DType, DTypeError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { constant, defaults, dtypeOption, requireNumber } from "../coerce.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { type CreationOptions, finished, fromNumbers, tabulate } from "./making.ts";

/** Options of all windows. */
export interface WindowOptions extends CreationOptions {
  /** Whether the window continues at its end as it began. Default true. */
  readonly periodic?: boolean;
}

/** Options of {@linkcode hammingWindow}. */
export interface HammingOptions extends WindowOptions {
  /** Weight of the constant. Default 0.54. */
  readonly alpha?: number;
  /** Weight of the cosine. Default 0.46. */
  readonly beta?: number;
}

/** Options of {@linkcode kaiserWindow}. */
export interface KaiserOptions extends WindowOptions {
  /** How narrow the window is. Default 12. */
  readonly beta?: number;
}

const CREATION = ["dtype", "device", "requiresGrad"] as const;

function dtypeOf(op: string, options: CreationOptions): DType {
  const dtype = dtypeOption(options.dtype) ?? defaults.dtype;
  if (dtype.kind === "float") return dtype;
  throw new DTypeError(`Cannot ${op} of ${dtype.name}: it must have a float dtype, got ${dtype.name}`);
}

/** A window by its values at the places `x` from 0 to 1. */
function window(op: string, length: number, options: WindowOptions, f: (x: number) => number): Tensor {
  const span = options.periodic === false ? length - 1 : length;
  const values = length === 1 ? Float64Array.of(1) : tabulate(op, length, (i) => f(i / span));
  return fromNumbers(values, [values.length], dtypeOf(op, options), options);
}

/** `Σ (−1)ᵏ · weights[k] · cos(2π k x)`. */
function cosines(weights: readonly number[]): (x: number) => number {
  return (x) =>
    weights.reduce(
      (sum, weight, k) => sum + (k % 2 === 0 ? weight : -weight) * Math.cos(2 * Math.PI * k * x),
      0,
    );
}

/**
 * `½ − ½ cos(2π n / N)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.hann_window.html
 */
export function hannWindow(windowLength: number, ...args: Args<WindowOptions, ["periodic"]>): Tensor {
  const options = named<WindowOptions>("hannWindow", args, ["periodic"], CREATION);
  return window("hannWindow", windowLength, options, cosines([0.5, 0.5]));
}

/**
 * `alpha − beta · cos(2π n / N)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.hamming_window.html
 */
export function hammingWindow(
  windowLength: number,
  ...args: Args<HammingOptions, ["periodic", "alpha", "beta"]>
): Tensor {
  const options = named<HammingOptions>("hammingWindow", args, ["periodic", "alpha", "beta"], CREATION);
  return window(
    "hammingWindow",
    windowLength,
    options,
    cosines([options.alpha ?? 0.54, options.beta ?? 0.46]),
  );
}

/**
 * `0.42 − 0.5 cos(2π n / N) + 0.08 cos(4π n / N)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.blackman_window.html
 */
export function blackmanWindow(windowLength: number, ...args: Args<WindowOptions, ["periodic"]>): Tensor {
  const options = named<WindowOptions>("blackmanWindow", args, ["periodic"], CREATION);
  return window("blackmanWindow", windowLength, options, cosines([0.42, 0.5, 0.08]));
}

/**
 * A triangle from 0 to 1 and back.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.bartlett_window.html
 */
export function bartlettWindow(windowLength: number, ...args: Args<WindowOptions, ["periodic"]>): Tensor {
  const options = named<WindowOptions>("bartlettWindow", args, ["periodic"], CREATION);
  return window("bartlettWindow", windowLength, options, (x) => 1 - Math.abs(2 * x - 1));
}

/**
 * `I₀(beta · √(1 − (2n / N − 1)²)) / I₀(beta)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.kaiser_window.html
 */
export function kaiserWindow(
  windowLength: number,
  ...args: Args<KaiserOptions, ["periodic", "beta"]>
): Tensor {
  const options = named<KaiserOptions>("kaiserWindow", args, ["periodic", "beta"], CREATION);
  const beta = requireNumber("kaiserWindow", "beta", options.beta ?? 12);
  const made = temporaries(() => {
    const place = (x: number) => beta * Math.sqrt(Math.max(1 - (2 * x - 1) ** 2, 0));
    const { requiresGrad: _, ...plain } = options;
    const arguments_ = window("kaiserWindow", windowLength, plain, place);
    if (windowLength === 1) return arguments_;
    const scale = bind("i0", [constant(beta, arguments_.dtype, arguments_.backend)], null);
    return bind("div", [bind("i0", [arguments_], null), scale], null);
  });
  return finished(made, options);
}
