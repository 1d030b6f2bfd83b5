/**
 * Dropout: elements or whole channels set to 0 (or to where a SELU saturates) at random while training.
 *
 * @module
 */

import { float32, formatType, type Shape, ShapeError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import { requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { requireFloatTarget } from "../pointwise.ts";
import { drawPlace } from "../random.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { transforms } from "../transform.ts";
import { rand, requireProbability } from "./random.ts";
import { like } from "./reducing.ts";

/** Options of the dropouts. */
export interface DropoutOptions {
  /** The probability of an element (or a channel) to go. Default 0.5. */
  readonly p?: number;
  /** Whether anything happens at all. Default true (false for `alphaDropout` and its kin). */
  readonly training?: boolean;
  /** Write into the input. Default false. */
  readonly inplace?: boolean;
}

/** Probability, mode and place of a dropout, by position or by name. */
export type DropoutArgs = Args<DropoutOptions, ["p", "training", "inplace"]>;

/** What becomes of kept elements, and of the others. */
interface Rule {
  readonly scale: number;
  readonly shift: number;
  readonly instead: number;
}

/** Kept elements grow so that the mean stays. */
function plainRule(p: number): Rule {
  return { scale: p === 1 ? 0 : 1 / (1 - p), shift: 0, instead: 0 };
}

/** −scale · alpha of SELU, where it saturates. */
const SATURATED = -1.7580993408473766;

/** Mean and variance stay: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515, section 4. */
function alphaRule(p: number): Rule {
  if (p === 1) return { scale: 0, shift: 0, instead: 0 };
  const scale = 1 / Math.sqrt((SATURATED * SATURATED * p + 1) * (1 - p));
  const shift = -SATURATED * scale * p;
  return { scale, shift, instead: SATURATED * scale + shift };
}

function drop(
  op: string,
  x: Tensor,
  args: readonly unknown[],
  training: boolean,
  ruleOf: (p: number) => Rule,
  noiseShape: (x: Tensor) => Shape,
): Tensor {
  requireTensor(op, "input", x);
  const options = named<DropoutOptions>(op, args, ["p", "training", "inplace"]);
  const p = requireProbability(op, options.p ?? 0.5);
  const shape = noiseShape(x);
  if (!(options.training ?? training) || p === 0 || x.numel() === 0) return x;
  requireFloatTarget(op, x);
  const compute = (input: Tensor) =>
    temporaries(() => relabel(masked(input, p, ruleOf(p), shape), "MulBackward0"));
  return options.inplace === true ? replaceValue(`${op}_`, x, compute) : compute(x);
}

function masked(x: Tensor, p: number, { scale, shift, instead }: Rule, shape: Shape): Tensor {
  // Where samples of a batch draw for themselves, the numbers are drawn on their own.
  if (shift === 0 && instead === 0 && shape === x.shape && transforms.active === null) {
    return bind("dropout", [x], { ...drawPlace(shape, float32, null), p, scale })[0];
  }
  const noise = rand(shape, { device: x.backend, dtype: "float32" });
  const kept = bind("ge", [noise, like(noise, p)], null);
  const either = (yes: number, no: number) => bind("where", [kept, like(x, yes), like(x, no)], null);
  if (shape !== x.shape) {
    // A factor for each channel, and what is added to it.
    const factored = bind("mul", [x, either(scale, 0)], null);
    return shift === 0 && instead === 0 ? factored : bind("add", [factored, either(shift, instead)], null);
  }
  const scaled = bind("mul", [x, like(x, scale)], null);
  const moved = shift === 0 ? scaled : bind("add", [scaled, like(x, shift)], null);
  return bind("where", [kept, moved, like(x, instead)], null);
}

const each = (x: Tensor): Shape => x.shape;

/** One number per channel of `[N, C, …]`. */
function channels(op: string, x: Tensor): Shape {
  if (x.shape.length < 2) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: it must have rank 2 or more, got rank ${x.shape.length}`,
    );
  }
  return x.shape.map((size, dim) => dim < 2 ? size : 1);
}

/** As {@linkcode channels}; one rank less is a sample without batch, `[C, …]`. */
function sampleChannels(op: string, x: Tensor, rank: number): Shape {
  if (x.shape.length === rank - 1) return x.shape.map((size, dim) => dim < 1 ? size : 1);
  return channels(op, x);
}

/**
 * Each element is 0 with probability `p`; the others grow by `1 / (1 − p)`. Gives `x` itself when not training.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
 */
export function dropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop("dropout", x, args, true, plainRule, each);
}

/** In-place {@linkcode dropout}. */
export function dropout_(x: Tensor, ...args: Args<DropoutOptions, ["p", "training"]>): Tensor {
  const options = named<DropoutOptions>("dropout_", args, ["p", "training"]);
  return dropout(x, { ...options, inplace: true });
}

/**
 * As {@linkcode dropout}, for whole channels of `[N, C, …]`.
 *
 * @throws {ShapeError} If the rank is below 2.
 */
export function featureDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop("featureDropout", x, args, true, plainRule, (input) => channels("featureDropout", input));
}

/** In-place {@linkcode featureDropout}. */
export function featureDropout_(x: Tensor, ...args: Args<DropoutOptions, ["p", "training"]>): Tensor {
  const options = named<DropoutOptions>("featureDropout_", args, ["p", "training"]);
  return featureDropout(x, { ...options, inplace: true });
}

/**
 * As {@linkcode dropout}, for whole channels of `[N, C, L]` or `[C, L]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout1d.html
 */
export function dropout1d(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop("dropout1d", x, args, true, plainRule, (input) => sampleChannels("dropout1d", input, 3));
}

/**
 * As {@linkcode dropout}, for whole channels of `[N, C, H, W]`. As in PyTorch, `[N, C, L]` is a batch too.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout2d.html
 */
export function dropout2d(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop("dropout2d", x, args, true, plainRule, (input) => channels("dropout2d", input));
}

/**
 * As {@linkcode dropout}, for whole channels of `[N, C, D, H, W]` or `[C, D, H, W]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout3d.html
 */
export function dropout3d(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop("dropout3d", x, args, true, plainRule, (input) => sampleChannels("dropout3d", input, 5));
}

/**
 * Dropout that keeps mean and variance of SELU's outputs: dropped elements take the value at which it saturates.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.alpha_dropout.html
 */
export function alphaDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop("alphaDropout", x, args, false, alphaRule, each);
}

/** In-place {@linkcode alphaDropout}. */
export function alphaDropout_(x: Tensor, ...args: Args<DropoutOptions, ["p", "training"]>): Tensor {
  const options = named<DropoutOptions>("alphaDropout_", args, ["p", "training"]);
  return alphaDropout(x, { ...options, inplace: true });
}

/**
 * As {@linkcode alphaDropout}, for whole channels of `[N, C, …]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.feature_alpha_dropout.html
 */
export function featureAlphaDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return drop(
    "featureAlphaDropout",
    x,
    args,
    false,
    alphaRule,
    (input) => channels("featureAlphaDropout", input),
  );
}

/** In-place {@linkcode featureAlphaDropout}. */
export function featureAlphaDropout_(x: Tensor, ...args: Args<DropoutOptions, ["p", "training"]>): Tensor {
  const options = named<DropoutOptions>("featureAlphaDropout_", args, ["p", "training"]);
  return featureAlphaDropout(x, { ...options, inplace: true });
}
