/**
 * Random tensors. All draws come from a generator: the default one, which `manualSeed` seeds, or the option `generator`.
 * The same seed gives the same numbers on every device (normal numbers up to rounding).
 *
 * @module
 */

import {
  type Backend,
  bool,
  type DType,
  DTypeError,
  float32,
  float64,
  formatType,
  int32,
  numelOf,
  type Shape,
  ValueError,
} from "@flambeau/core";
import { type Args, isOptions, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import {
  castTo,
  defaults,
  dtypeOption,
  isScalar,
  requireInteger,
  requireNumber,
  requireTensor,
} from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { TensorHandle } from "../handle.ts";
import { executeOn } from "../immediate.ts";
import { binary, requireFloatTarget } from "../pointwise.ts";
import { drawPlace, type GeneratorOption } from "../random.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead, transforms } from "../transform.ts";
import { itemSync } from "./data.ts";
import {
  type CreationOptions,
  deviceWith,
  finished,
  type LikeOptions,
  type SizeArgs,
  sizesOf,
} from "./making.ts";
import { iinfo } from "./dtype.ts";
import { fold, like } from "./reducing.ts";

/** Options of new random tensors. */
export interface RandomOptions extends CreationOptions, GeneratorOption {}

/** Options of random tensors after another one. */
export interface RandomLikeOptions extends LikeOptions, GeneratorOption {}

type FloatDraw = "randomUniform" | "randomNormal";

/** Draws by `make`, inside `vmap` as its `randomness` says. */
function transformed(shape: Shape, make: (shape: Shape) => Tensor): Tensor {
  return transforms.active === null ? make(shape) : transforms.active.draw(shape, make);
}

function draw(
  name: FloatDraw,
  backend: Backend,
  shape: Shape,
  dtype: DType,
  source: GeneratorOption,
): Tensor {
  return transformed(shape, (sizes) => {
    const place = drawPlace(sizes, dtype, source.generator);
    return executeOn(backend, name, { shape: sizes, dtype, ...place });
  });
}

function drawIntegers(
  backend: Backend,
  shape: Shape,
  dtype: DType,
  [low, high]: readonly [low: number, high: number],
  source: GeneratorOption,
): Tensor {
  return transformed(shape, (sizes) => {
    const place = drawPlace(sizes, dtype, source.generator, high - low);
    return executeOn(backend, "randomInt", { shape: sizes, dtype, low, high, ...place });
  });
}

/** Uniform numbers on [0, 1) after `x`. */
function uniformLike(
  x: Tensor,
  source: GeneratorOption,
  shape: Shape = x.shape,
  dtype: DType = x.dtype,
): Tensor {
  return draw("randomUniform", x.backend, shape, dtype, source);
}

function drawn(name: FloatDraw, shape: Shape, options: RandomOptions): Tensor {
  const dtype = dtypeOption(options.dtype) ?? defaults.dtype;
  return finished(draw(name, deviceWith(options, shape, dtype), shape, dtype, options), options);
}

/**
 * Uniform numbers on [0, 1).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.rand.html
 */
export function rand(...args: SizeArgs<RandomOptions>): Tensor {
  return drawn("randomUniform", ...sizesOf<RandomOptions>("rand", args));
}

/**
 * Standard normal numbers.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.randn.html
 */
export function randn(...args: SizeArgs<RandomOptions>): Tensor {
  return drawn("randomNormal", ...sizesOf<RandomOptions>("randn", args));
}

function drawnLike(op: string, name: FloatDraw, x: Tensor, options: RandomLikeOptions): Tensor {
  const dtype = dtypeOption(options.dtype) ?? requireTensor(op, "input", x).dtype;
  const backend = deviceWith(options, x.shape, dtype, x.backend);
  return finished(draw(name, backend, x.shape, dtype, options), options);
}

/**
 * Uniform numbers on [0, 1) in the shape, dtype and device of `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.rand_like.html
 */
export function randLike(x: Tensor, options: RandomLikeOptions = {}): Tensor {
  return drawnLike("randLike", "randomUniform", x, options);
}

/**
 * Standard normal numbers in the shape, dtype and device of `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.randn_like.html
 */
export function randnLike(x: Tensor, options: RandomLikeOptions = {}): Tensor {
  return drawnLike("randnLike", "randomNormal", x, options);
}

/** `[low, high)` from one or two bounds. */
function boundsOf(op: string, bounds: readonly unknown[]): readonly [low: number, high: number] {
  const [first, second] = bounds;
  const low = second === undefined ? 0 : requireInteger(op, "low", first);
  const high = requireInteger(op, "high", second === undefined ? first : second);
  if (low >= high) {
    throw new ValueError(
      `Cannot ${op} from ${low} to ${high}: high must be above low, got ${low} >= ${high}`,
    );
  }
  return [low, high];
}

/**
 * Uniform integers from `low` up to but without `high`, int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.randint.html
 */
export function randint(low: number, high: number, size: Shape, options?: RandomOptions): Tensor;
/** From 0 up to but without `high`. */
export function randint(high: number, size: Shape, options?: RandomOptions): Tensor;
/** Implementation of both forms. */
export function randint(...args: readonly unknown[]): Tensor {
  const numbers = args.filter((arg) => isScalar(arg));
  const [size, given] = args.slice(numbers.length);
  const options = (isOptions(size) ? size : given ?? {}) as RandomOptions & {
    size?: Shape;
    low?: number;
    high?: number;
  };
  const named = [options.low, options.high].filter((bound) => bound !== undefined);
  const bounds = boundsOf("randint", [...numbers, ...named]);
  const [shape] = sizesOf("randint", [isOptions(size) ? options.size : size]);
  const dtype = dtypeOption(options.dtype) ?? int32;
  return finished(drawIntegers(deviceWith(options, shape, dtype), shape, dtype, bounds, options), options);
}

/**
 * Uniform integers from `low` up to but without `high` in the shape, dtype and device of `x`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.randint_like.html
 */
export function randintLike(x: Tensor, low: number, high: number, options?: RandomLikeOptions): Tensor;
/** From 0 up to but without `high`. */
export function randintLike(x: Tensor, high: number, options?: RandomLikeOptions): Tensor;
/** Implementation of both forms. */
export function randintLike(x: Tensor, ...args: readonly unknown[]): Tensor {
  const last = args[args.length - 1];
  const options = (isOptions(last) ? last : {}) as RandomLikeOptions & { low?: number; high?: number };
  const named = [options.low, options.high].filter((bound) => bound !== undefined);
  const bounds = boundsOf("randintLike", [...args.filter((arg) => isScalar(arg)), ...named]);
  const dtype = dtypeOption(options.dtype) ?? requireTensor("randintLike", "input", x).dtype;
  const backend = deviceWith(options, x.shape, dtype, x.backend);
  return finished(drawIntegers(backend, x.shape, dtype, bounds, options), options);
}

const INT32_BOUNDS = [-(2 ** 31), 2 ** 31] as const;

/**
 * The numbers 0 … n − 1 in random order, int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.randperm.html
 */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  const shape = [requireInteger("randperm", "n", n)];
  if (n < 0) throw new ValueError(`Cannot randperm of ${n}: n must be >= 0, got ${n}`);
  const dtype = dtypeOption(options.dtype) ?? int32;
  const backend = deviceWith(options, shape, dtype);
  const made = temporaries(() => {
    const keys = drawIntegers(backend, shape, int32, INT32_BOUNDS, options);
    return castTo(bind("sort", [keys], { dim: 0, descending: false })[1], dtype);
  });
  return finished(made, options);
}

/**
 * Normal numbers of the given means and standard deviations: tensors, which broadcast, or numbers.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.normal.html
 */
export function normal(mean: Tensor | number, std?: Tensor | number, options?: GeneratorOption): Tensor;
/** Of two numbers, with a size. */
export function normal(mean: number, std: number, size: Shape, options?: RandomOptions): Tensor;
/** Implementation of both forms. */
export function normal(
  mean: Tensor | number,
  std: Tensor | number = 1,
  ...args: readonly (Shape | RandomOptions | undefined)[]
): Tensor {
  if (!(std instanceof TensorHandle) && requireNumber("normal", "std", std) < 0) {
    throw new ValueError(`Cannot normal with standard deviation ${std}: it must be >= 0, got ${std}`);
  }
  if (!(mean instanceof TensorHandle) && !(std instanceof TensorHandle)) {
    const [shape, options] = sizesOf<RandomOptions>("normal", args);
    const { requiresGrad: _, ...plain } = options;
    return finished(temporaries(() => scaled(drawn("randomNormal", shape, plain), std, mean)), options);
  }
  const source = (isOptions(args[0]) ? args[0] : {}) as GeneratorOption;
  return temporaries(() =>
    noGrad(() => {
      const model = binary("add", binary("mul", std, 0), mean); // has the shape and the dtype of both
      return scaled(draw("randomNormal", model.backend, model.shape, model.dtype, source), std, mean);
    })
  );
}

/** `x · factor + offset`. */
function scaled(x: Tensor, factor: Tensor | number, offset: Tensor | number): Tensor {
  return binary("add", binary("mul", x, factor), offset);
}

/**
 * 1 with the probability that `x` holds, else 0, in the dtype of `x`. The probability may also be a number.
 *
 * @throws {DTypeError} If `x` is not of floats, unless a number is given.
 * @see https://pytorch.org/docs/stable/generated/torch.bernoulli.html
 */
export function bernoulli(x: Tensor, ...args: Args<GeneratorOption & { p?: number | null }, ["p"]>): Tensor {
  requireTensor("bernoulli", "input", x);
  const options = named<GeneratorOption & { p?: number | null }>("bernoulli", args, ["p"], ["generator"]);
  return temporaries(() => noGrad(() => hits("bernoulli", x, options.p ?? x, options)));
}

/** 1 and 0 in the shape and dtype of `x`, 1 with probability `p`. */
function hits(op: string, x: Tensor, p: Tensor | number, source: GeneratorOption): Tensor {
  if (p instanceof TensorHandle) {
    if (p.dtype.kind !== "float") {
      throw new DTypeError(
        `Cannot ${op} ${formatType(p)}: probabilities must have a float dtype, got ${p.dtype.name}`,
      );
    }
    return castTo(bind("lt", [uniformLike(x, source, x.shape, p.dtype), p as Tensor], null), x.dtype);
  }
  requireProbability(op, p as number);
  const uniform = uniformLike(x, source, x.shape, x.dtype === float64 ? float64 : float32);
  return castTo(bind("lt", [uniform, like(uniform, p as number)], null), x.dtype);
}

/**
 * Checks that `p` is from 0 to 1.
 *
 * @throws {ValueError} If it is not.
 */
export function requireProbability(op: string, p: number): number {
  if (requireNumber(op, "p", p) >= 0 && p <= 1) return p;
  throw new ValueError(`Cannot ${op} with probability ${p}: it has to be between 0 and 1, got ${p}`);
}

/** Options of {@linkcode multinomial}. */
export interface MultinomialOptions extends GeneratorOption {
  /** Whether a place may be drawn again. Default false. */
  readonly replacement?: boolean;
}

/**
 * Places drawn with the weights in each row, int32. A place of weight 0 is never drawn while others are left.
 *
 * Shapes: weights `[n]` or `[rows, n]` → `[numSamples]` or `[rows, numSamples]`. Weights need not sum to 1.
 *
 * @throws {ValueError} If more places are asked for than there are, or weights are negative, not finite or all 0 (checked
 *   where the device can be read at once).
 * @see https://pytorch.org/docs/stable/generated/torch.multinomial.html
 */
export function multinomial(
  x: Tensor,
  numSamples: number,
  ...args: Args<MultinomialOptions, ["replacement"]>
): Tensor {
  requireTensor("multinomial", "input", x);
  const options = named<MultinomialOptions>("multinomial", args, ["replacement"], ["generator"]);
  const wrong = (must: string, got: unknown) =>
    new ValueError(`Cannot multinomial ${formatType(x)}: ${must}, got ${got}`);
  const rank = x.shape.length;
  if (x.dtype.kind !== "float") throw wrong("weights must have a float dtype", x.dtype.name);
  if (rank < 1 || rank > 2) throw wrong("weights must have rank 1 or 2", `rank ${rank}`);
  const count = requireInteger("multinomial", "numSamples", numSamples);
  const categories = x.shape[rank - 1]!;
  if (count <= 0) throw wrong("numSamples must be > 0", count);
  if (options.replacement !== true && count > categories) {
    throw wrong(`numSamples must be at most ${categories} without replacement`, count);
  }
  return temporaries(() =>
    noGrad(() => {
      const weights = castTo(x, x.dtype === float64 ? float64 : float32);
      if (canRead(x) && numelOf(x.shape) > 0) checkWeights(weights, wrong);
      return options.replacement === true
        ? withReplacement(weights, count, options)
        : withoutReplacement(weights, count, options);
    })
  );
}

function checkWeights(weights: Tensor, wrong: (must: string, got: unknown) => Error): void {
  const rank = weights.shape.length;
  const every = { dims: weights.shape.map((_, d) => d), keepdim: false };
  const fine = bind("bitwiseAnd", [
    bind("ge", [weights, like(weights, 0)], null),
    bind("lt", [weights, like(weights, Infinity)], null),
  ], null);
  if (!itemSync(fold("all", fine, every))) throw wrong("weights must be finite and >= 0", "others");
  const sums = fold("sum", weights, { dims: [rank - 1], keepdim: true });
  const positive = bind("gt", [sums, like(sums, 0)], null);
  if (!itemSync(fold("all", positive, every))) throw wrong("the sum of weights must be > 0", 0);
}

/** Searches uniform numbers in the running sums of the weights. */
function withReplacement(weights: Tensor, count: number, source: GeneratorOption): Tensor {
  const dim = weights.shape.length - 1;
  const sums = bind("cumsum", [weights], { dim });
  const shape = [...weights.shape.slice(0, dim), count];
  const total = fold("amax", sums, { dims: [dim], keepdim: true });
  const wanted = bind("mul", [uniformLike(weights, source, shape), total], null);
  return bind("searchsorted", [sums, wanted], { right: true });
}

/**
 * Takes the largest of weights over exponential numbers: the order in which a race of exponential clocks ends (Efraimidis and
 * Spirakis 2006, https://doi.org/10.1016/j.ipl.2005.11.003).
 */
function withoutReplacement(weights: Tensor, count: number, source: GeneratorOption): Tensor {
  const dim = weights.shape.length - 1;
  const waiting = bind(
    "maximum",
    [exponentials(uniformLike(weights, source)), like(weights, 2 ** -60)],
    null,
  );
  const speed = bind("div", [weights, waiting], null);
  const never = bind("eq", [weights, like(weights, 0)], null);
  const score = bind("where", [never, like(weights, -1), speed], null);
  return bind("topk", [score], { dim, k: count, largest: true })[1];
}

/** Exponential numbers of rate 1 from uniform ones on [0, 1). */
function exponentials(uniform: Tensor): Tensor {
  return bind("neg", [bind("log1p", [bind("neg", [uniform], null)], null)], null);
}

/** Replaces the values of `x` by drawn ones. */
function redraw(op: string, x: Tensor, make: (x: Tensor) => Tensor): Tensor {
  return replaceValue(op, requireTensor(op, "input", x), (before) => noGrad(() => make(before)));
}

/** As {@linkcode redraw}, for values that only floats can hold. */
function redrawFloat(op: string, x: Tensor, make: (x: Tensor) => Tensor): Tensor {
  requireFloatTarget(op, x);
  return redraw(op, x, make);
}

/** Options of {@linkcode uniform_}. */
export interface UniformOptions extends GeneratorOption {
  /** Lower end. Default 0. */
  readonly from?: number;
  /** Upper end. Default 1. */
  readonly to?: number;
}

/** Fills `x` with uniform numbers on [from, to). */
export function uniform_(x: Tensor, ...args: Args<UniformOptions, ["from", "to"]>): Tensor {
  const { from = 0, to = 1, generator } = named<UniformOptions>("uniform_", args, ["from", "to"], [
    "generator",
  ]);
  requireNumber("uniform_", "from", from);
  requireNumber("uniform_", "to", to);
  if (!(from <= to)) {
    throw new ValueError(`Cannot uniform_ from ${from} to ${to}: to must be >= from, got ${from} and ${to}`);
  }
  return redrawFloat(
    "uniform_",
    x,
    (before) => scaled(uniformLike(before, { generator: generator ?? null }), to - from, from),
  );
}

/** Options of {@linkcode normal_}. */
export interface NormalOptions extends GeneratorOption {
  /** The mean. Default 0. */
  readonly mean?: number;
  /** The standard deviation. Default 1. */
  readonly std?: number;
}

function normalLike(op: string, x: Tensor, options: NormalOptions): Tensor {
  const { mean = 0, std = 1 } = options;
  if (!(requireNumber(op, "std", std) >= 0)) {
    throw new ValueError(`Cannot ${op} with standard deviation ${std}: it must be >= 0, got ${std}`);
  }
  return scaled(
    draw("randomNormal", x.backend, x.shape, x.dtype, options),
    std,
    requireNumber(op, "mean", mean),
  );
}

/** Fills `x` with normal numbers. */
export function normal_(x: Tensor, ...args: Args<NormalOptions, ["mean", "std"]>): Tensor {
  const options = named<NormalOptions>("normal_", args, ["mean", "std"], ["generator"]);
  return redrawFloat("normal_", x, (before) => normalLike("normal_", before, options));
}

/** Fills `x` with numbers whose logarithm is normal, by default of mean 1 and standard deviation 2. */
export function logNormal_(x: Tensor, ...args: Args<NormalOptions, ["mean", "std"]>): Tensor {
  const { mean = 1, std = 2, ...rest } = named<NormalOptions>("logNormal_", args, ["mean", "std"], [
    "generator",
  ]);
  return redrawFloat(
    "logNormal_",
    x,
    (before) => bind("exp", [normalLike("logNormal_", before, { mean, std, ...rest })], null),
  );
}

/** Fills `x` with exponential numbers of rate `lambd`, by default 1. */
export function exponential_(
  x: Tensor,
  ...args: Args<GeneratorOption & { lambd?: number }, ["lambd"]>
): Tensor {
  const options = named<GeneratorOption & { lambd?: number }>("exponential_", args, ["lambd"], ["generator"]);
  const rate = requireNumber("exponential_", "lambd", options.lambd ?? 1);
  if (!(rate > 0)) {
    throw new ValueError(`Cannot exponential_ with rate ${rate}: lambd must be > 0, got ${rate}`);
  }
  return redrawFloat(
    "exponential_",
    x,
    (before) => binary("div", exponentials(uniformLike(before, options)), rate),
  );
}

/** Fills `x` with the number of trials to the first success of probability `p`: 1, 2, …. */
export function geometric_(x: Tensor, p: number, options: GeneratorOption = {}): Tensor {
  if (!(requireNumber("geometric_", "p", p) > 0 && p < 1)) {
    throw new ValueError(`Cannot geometric_ with probability ${p}: p must be between 0 and 1, got ${p}`);
  }
  return redraw("geometric_", x, (before) => {
    const uniform = uniformLike(
      before,
      options,
      before.shape,
      before.dtype.kind === "float" ? before.dtype : float32,
    );
    const trials = binary("div", exponentials(uniform), -Math.log1p(-p));
    return castTo(binary("add", bind("floor", [trials], null), 1), before.dtype);
  });
}

/** Options of {@linkcode cauchy_}. */
export interface CauchyOptions extends GeneratorOption {
  /** The middle. Default 0. */
  readonly median?: number;
  /** Half of the width at half of the height. Default 1. */
  readonly sigma?: number;
}

/** Fills `x` with numbers of a Cauchy distribution. */
export function cauchy_(x: Tensor, ...args: Args<CauchyOptions, ["median", "sigma"]>): Tensor {
  const options = named<CauchyOptions>("cauchy_", args, ["median", "sigma"], ["generator"]);
  const { median = 0, sigma = 1 } = options;
  return redrawFloat("cauchy_", x, (before) => {
    const angle = scaled(uniformLike(before, options), Math.PI, -Math.PI / 2);
    return scaled(bind("tan", [angle], null), sigma, median);
  });
}

/** Fills `x` with 1 of probability `p` (a number, or a tensor that broadcasts) and 0, by default half of each. */
export function bernoulli_(
  x: Tensor,
  ...args: Args<GeneratorOption & { p?: number | Tensor }, ["p"]>
): Tensor {
  const options = named<GeneratorOption & { p?: number | Tensor }>("bernoulli_", args, ["p"], ["generator"]);
  return redraw("bernoulli_", x, (before) => hits("bernoulli_", before, options.p ?? 0.5, options));
}

/** Options of {@linkcode random_}. */
export interface RandomBounds extends GeneratorOption {
  /** The least. Default 0. */
  readonly from?: number;
  /** Above the largest. Default: as far as the dtype holds every integer. */
  readonly to?: number | null;
}

/** Largest integer up to which a float dtype holds all of them. */
const exactIntegers: Readonly<Record<string, number>> = {
  float16: 2 ** 11,
  bfloat16: 2 ** 8,
  float32: 2 ** 24,
  float64: 2 ** 53 - 1,
};

/**
 * Fills `x` with uniform integers: `random_()` on all that the dtype holds from 0 on, `random_(to)` on [0, to),
 * `random_(from, to)` on [from, to).
 */
export function random_(x: Tensor, ...args: Args<RandomBounds, ["from", "to"]>): Tensor {
  const options = named<RandomBounds>("random_", args, ["from", "to"], ["generator"]);
  const { from, to = null } = options;
  return redraw("random_", x, (before) => {
    const largest = exactIntegers[before.dtype.name] ??
      (before.dtype === bool ? 1 : Math.min(Number(iinfo(before.dtype).max), 2 ** 53 - 2));
    const only = to === null && args.length > 0 && !isOptions(args[0]);
    const bounds = only ? [0, from!] : [from ?? 0, to ?? largest + 1];
    const dtype = before.dtype === bool ? int32 : before.dtype;
    return castTo(
      drawIntegers(before.backend, before.shape, dtype, boundsOf("random_", bounds), options),
      before.dtype,
    );
  });
}
