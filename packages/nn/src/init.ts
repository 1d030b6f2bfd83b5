/**
 * First values of parameters: `torch.nn.init`. All fill a tensor in place, unrecorded, and give it back.
 *
 * @module
 */

import { float32, float64, formatType, numelOf, ShapeError, ValueError } from "@flambeau/core";
import {
  type Args,
  argsort,
  clamp,
  diagonal,
  erfinv,
  type Generator,
  lt,
  mul,
  narrow,
  noGrad,
  normal_ as fillNormal,
  rand,
  randn,
  reshape,
  select,
  sign,
  type Tensor,
  to,
  transpose,
  uniform_ as fillUniform,
  where,
} from "@flambeau/tensor";
import { bind, named, requireTensor, temporaries } from "@flambeau/tensor/internal";

/** Where random numbers come from. */
export interface InitOptions {
  /** Source of random numbers. Default: the global one, which `manualSeed` seeds. */
  readonly generator?: Generator | null;
}

/** Functions through which the size of values needs no correction. */
const UNIT_GAIN = [
  "linear",
  "sigmoid",
  "conv1d",
  "conv2d",
  "conv3d",
  "convTranspose1d",
  "convTranspose2d",
  "convTranspose3d",
  "conv_transpose1d",
  "conv_transpose2d",
  "conv_transpose3d",
] as const;

/** Functions with a recommended gain, in camelCase or PyTorch's spelling. */
export type Nonlinearity =
  | typeof UNIT_GAIN[number]
  | "tanh"
  | "relu"
  | "leakyRelu"
  | "leaky_relu"
  | "selu";

/** What keeps its variance: values on their way forward, or gradients on their way back. */
export type FanMode = "fanIn" | "fanOut" | "fan_in" | "fan_out";

/** Runs `fill` unrecorded, frees what it makes, and gives `x`. */
function filled(op: string, x: Tensor, fill: () => void): Tensor {
  requireTensor(op, "tensor", x);
  noGrad(() =>
    temporaries(() => {
      fill();
      return null;
    })
  );
  return x;
}

/**
 * The factor that keeps the size of values through a nonlinearity.
 *
 * @param param Slope of `leakyRelu`. Default 0.01.
 * @throws {ValueError} If the nonlinearity is not known.
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain
 */
export function calculateGain(nonlinearity: Nonlinearity, param: number | null = null): number {
  if (nonlinearity === "tanh") return 5 / 3;
  if (nonlinearity === "relu") return Math.SQRT2;
  if (nonlinearity === "selu") return 3 / 4;
  if (nonlinearity === "leakyRelu" || nonlinearity === "leaky_relu") {
    const slope = param ?? 0.01;
    if (typeof slope !== "number") {
      throw new ValueError(`Cannot calculateGain: the slope must be a number, got ${slope}`);
    }
    return Math.sqrt(2 / (1 + slope ** 2));
  }
  if (!UNIT_GAIN.includes(nonlinearity)) {
    throw new ValueError(
      `Cannot calculateGain of ${JSON.stringify(nonlinearity)}: it must be a known nonlinearity`,
    );
  }
  return 1;
}

/**
 * Number of inputs and outputs of one unit of a layer with weight `x`: `[out, in, …kernel]`.
 *
 * @throws {ShapeError} If `x` has fewer than two dimensions.
 */
export function calculateFanInAndFanOut(x: Tensor): [fanIn: number, fanOut: number] {
  requireTensor("calculateFanInAndFanOut", "tensor", x);
  if (x.ndim < 2) {
    throw new ShapeError(
      `Cannot calculateFanInAndFanOut of ${formatType(x)}: it must have at least 2 dimensions, got ${x.ndim}`,
    );
  }
  const kernel = numelOf(x.shape.slice(2));
  return [x.shape[1]! * kernel, x.shape[0]! * kernel];
}

/** Ends of {@linkcode uniform_}. */
export interface UniformInitOptions extends InitOptions {
  /** Lower end. Default 0. */
  readonly a?: number;
  /** Upper end. Default 1. */
  readonly b?: number;
}

/** Fills `x` with uniform numbers on [a, b). */
export function uniform_(x: Tensor, ...args: Args<UniformInitOptions, ["a", "b"]>): Tensor {
  const { a = 0, b = 1, generator = null } = named<UniformInitOptions>("uniform_", args, ["a", "b"], [
    "generator",
  ]);
  return filled("uniform_", x, () => fillUniform(x, { from: a, to: b, ...source(generator) }));
}

function source(generator: Generator | null): { generator?: Generator } {
  return generator === null ? {} : { generator };
}

/** Settings of {@linkcode normal_}. */
export interface NormalInitOptions extends InitOptions {
  /** The mean. Default 0. */
  readonly mean?: number;
  /** The standard deviation. Default 1. */
  readonly std?: number;
}

/** Fills `x` with normal numbers. */
export function normal_(x: Tensor, ...args: Args<NormalInitOptions, ["mean", "std"]>): Tensor {
  const options = named<NormalInitOptions>("normal_", args, ["mean", "std"], ["generator"]);
  const { mean = 0, std = 1, generator = null } = options;
  return filled("normal_", x, () => fillNormal(x, { mean, std, ...source(generator) }));
}

/** Settings of {@linkcode truncNormal_}. */
export interface TruncNormalInitOptions extends NormalInitOptions {
  /** Least value. Default -2. */
  readonly a?: number;
  /** Largest value. Default 2. */
  readonly b?: number;
}

/**
 * Fills `x` with normal numbers that lie in [a, b], by the inverse of the distribution function.
 *
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.trunc_normal_
 */
export function truncNormal_(
  x: Tensor,
  ...args: Args<TruncNormalInitOptions, ["mean", "std", "a", "b"]>
): Tensor {
  const names = ["mean", "std", "a", "b"] as const;
  const options = named<TruncNormalInitOptions>("truncNormal_", args, names, ["generator"]);
  const { mean = 0, std = 1, a = -2, b = 2, generator = null } = options;
  if (!(a <= b)) throw new ValueError(`Cannot truncNormal_: a must not be above b, got ${a} and ${b}`);
  return filled("truncNormal_", x, () => {
    // Uniform between erf((a − μ) / σ√2) and erf((b − μ) / σ√2), then erf⁻¹.
    const end = (value: number) => errorFunction((value - mean) / (std * Math.SQRT2));
    const spread = rand(x.shape, { dtype: float32, device: x.device, ...source(generator) });
    const [low, high] = [end(a), end(b)];
    const values = mul(
      erfinv(clamp(mul(spread, high - low).add(low), -1 + 6e-8, 1 - 6e-8)),
      std * Math.SQRT2,
    );
    x.copy_(clamp(values.add(mean), a, b));
  });
}

/** erf to seven digits: Abramowitz and Stegun 7.1.26 is too coarse, so the series and the continued fraction. */
function errorFunction(z: number): number {
  const x = Math.abs(z);
  if (x > 6) return Math.sign(z);
  if (x < 2.5) {
    let [term, total] = [x, x];
    for (let n = 1; n < 60; n++) {
      term *= -x * x / n;
      total += term / (2 * n + 1);
    }
    return Math.sign(z) * 2 / Math.sqrt(Math.PI) * total;
  }
  let fraction = x;
  for (let n = 40; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.sign(z) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction);
}

/** Fills `x` with one value. */
export function constant_(x: Tensor, val: number | { readonly val: number }): Tensor {
  return filled("constant_", x, () => x.fill_(typeof val === "object" ? val.val : val));
}

/** Fills `x` with ones. */
export function ones_(x: Tensor): Tensor {
  return filled("ones_", x, () => x.fill_(1));
}

/** Fills `x` with zeros. */
export function zeros_(x: Tensor): Tensor {
  return filled("zeros_", x, () => x.fill_(0));
}

/**
 * Fills `x` with the identity matrix.
 *
 * @throws {ShapeError} If `x` does not have two dimensions.
 */
export function eye_(x: Tensor): Tensor {
  requireRank("eye_", x, 2, 2);
  return filled("eye_", x, () => {
    x.fill_(0);
    diagonal(x).fill_(1);
  });
}

/**
 * Fills the weight of a convolution so that it copies as many channels as it can.
 *
 * @param groups Groups of the convolution. Default 1.
 * @throws {ShapeError} If `x` does not have three to five dimensions.
 * @throws {ValueError} If its first size is not divisible by `groups`.
 */
export function dirac_(x: Tensor, groups: number | { readonly groups?: number } = 1): Tensor {
  requireRank("dirac_", x, 3, 5);
  const count = typeof groups === "number" ? groups : groups.groups ?? 1;
  const [rows, columns, ...kernel] = x.shape as [number, number, ...number[]];
  if (rows % count !== 0) {
    throw new ValueError(
      `Cannot dirac_ ${formatType(x)}: its first size must be divisible by groups, got ${count}`,
    );
  }
  return filled("dirac_", x, () => {
    x.fill_(0);
    let centre = x;
    for (const size of kernel) centre = select(centre, 2, Math.floor(size / 2));
    const each = rows / count;
    const copied = Math.min(each, columns);
    for (let group = 0; group < count; group++) {
      diagonal(narrow(centre, 0, group * each, copied)).fill_(1);
    }
  });
}

/** Settings of {@linkcode xavierUniform_} and {@linkcode xavierNormal_}. */
export interface XavierOptions extends InitOptions {
  /** A factor, as from {@linkcode calculateGain}. Default 1. */
  readonly gain?: number;
}

/**
 * Fills `x` with uniform numbers of variance `gain² · 2 / (fanIn + fanOut)`.
 *
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierUniform_(x: Tensor, ...args: Args<XavierOptions, ["gain"]>): Tensor {
  const { gain = 1, generator = null } = named<XavierOptions>("xavierUniform_", args, ["gain"], [
    "generator",
  ]);
  const [fanIn, fanOut] = calculateFanInAndFanOut(x);
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(x, { a: -bound, b: bound, generator });
}

/**
 * Fills `x` with normal numbers of variance `gain² · 2 / (fanIn + fanOut)`.
 *
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierNormal_(x: Tensor, ...args: Args<XavierOptions, ["gain"]>): Tensor {
  const { gain = 1, generator = null } = named<XavierOptions>("xavierNormal_", args, ["gain"], ["generator"]);
  const [fanIn, fanOut] = calculateFanInAndFanOut(x);
  return normal_(x, { std: gain * Math.sqrt(2 / (fanIn + fanOut)), generator });
}

/** Settings of {@linkcode kaimingUniform_} and {@linkcode kaimingNormal_}. */
export interface KaimingOptions extends InitOptions {
  /** Slope of `leakyRelu`. Default 0. */
  readonly a?: number;
  /** Default `"fanIn"`. */
  readonly mode?: FanMode;
  /** Default `"leakyRelu"`. */
  readonly nonlinearity?: Nonlinearity;
}

/** The standard deviation that He et al. recommend, and where the numbers come from. */
function kaiming(
  op: string,
  x: Tensor,
  args: readonly unknown[],
): { std: number; generator: Generator | null } {
  const options = named<KaimingOptions>(op, args, ["a", "mode", "nonlinearity"], ["generator"]);
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu", generator = null } = options;
  const fan = (["fanIn", "fan_in", "fanOut", "fan_out"] as const).indexOf(mode);
  if (fan < 0) {
    throw new ValueError(`Cannot ${op} with mode ${JSON.stringify(mode)}: it must be "fanIn" or "fanOut"`);
  }
  const fans = calculateFanInAndFanOut(x);
  return { std: calculateGain(nonlinearity, a) / Math.sqrt(fans[fan < 2 ? 0 : 1]), generator };
}

/**
 * Fills `x` with uniform numbers of variance `gain² / fan`.
 *
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export function kaimingUniform_(
  x: Tensor,
  ...args: Args<KaimingOptions, ["a", "mode", "nonlinearity"]>
): Tensor {
  const { std, generator } = kaiming("kaimingUniform_", x, args);
  if (numelOf(x.shape) === 0) return x;
  const bound = Math.sqrt(3) * std;
  return uniform_(x, { a: -bound, b: bound, generator });
}

/**
 * Fills `x` with normal numbers of variance `gain² / fan`.
 *
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export function kaimingNormal_(
  x: Tensor,
  ...args: Args<KaimingOptions, ["a", "mode", "nonlinearity"]>
): Tensor {
  const { std, generator } = kaiming("kaimingNormal_", x, args);
  return numelOf(x.shape) === 0 ? x : normal_(x, { std, generator });
}

/**
 * Fills `x`, flattened from dimension 1 on, with a random orthogonal matrix times `gain`.
 *
 * @throws {ShapeError} If `x` has fewer than two dimensions.
 * @see Saxe et al. 2013, https://arxiv.org/abs/1312.6120
 */
export function orthogonal_(x: Tensor, ...args: Args<XavierOptions, ["gain"]>): Tensor {
  requireRank("orthogonal_", x, 2, Infinity);
  const { gain = 1, generator = null } = named<XavierOptions>("orthogonal_", args, ["gain"], ["generator"]);
  if (numelOf(x.shape) === 0) return x;
  return filled("orthogonal_", x, () => {
    const rows = x.shape[0]!;
    const columns = numelOf(x.shape) / rows;
    const dtype = x.dtype === float64 ? float64 : float32;
    const tall = [Math.max(rows, columns), Math.min(rows, columns)];
    const [q, r] = bind("qr", [randn(tall, { dtype, device: x.device, ...source(generator) })], {
      complete: false,
    });
    // The signs make the distribution uniform.
    const unique = mul(q, mul(sign(diagonal(r)), gain));
    x.copy_(reshape(to(rows < columns ? transpose(unique, 0, 1) : unique, x.dtype), x.shape));
  });
}

/** Settings of {@linkcode sparse_}. */
export interface SparseOptions extends InitOptions {
  /** Standard deviation of what is not 0. Default 0.01. */
  readonly std?: number;
}

/**
 * Fills `x` with normal numbers, of which a share of each column is 0.
 *
 * @param sparsity The share, in [0, 1].
 * @throws {ShapeError} If `x` does not have two dimensions.
 * @see Martens 2010, https://www.cs.toronto.edu/~jmartens/docs/Deep_HessianFree.pdf
 */
export function sparse_(
  x: Tensor,
  sparsity: number | { readonly sparsity: number } & SparseOptions,
  ...args: Args<SparseOptions, ["std"]>
): Tensor {
  requireRank("sparse_", x, 2, 2);
  const { sparsity: share, ...rest } = typeof sparsity === "number" ? { sparsity } : sparsity;
  const options = typeof sparsity === "number" ? args : [rest];
  const { std = 0.01, generator = null } = named<SparseOptions>("sparse_", options, ["std"], ["generator"]);
  return filled("sparse_", x, () => {
    const zeros = Math.ceil(share * x.shape[0]!);
    fillNormal(x, { mean: 0, std, ...source(generator) });
    // Each column of the order is a random permutation of the rows.
    const order = argsort(rand(x.shape, { device: x.device, ...source(generator) }), 0);
    x.copy_(where(lt(order, zeros), 0, x));
  });
}

function requireRank(op: string, x: Tensor, least: number, most: number): void {
  requireTensor(op, "tensor", x);
  if (x.ndim >= least && x.ndim <= most) return;
  const ranks = least === most ? `${least}` : most === Infinity ? `${least} or more` : `${least} to ${most}`;
  throw new ShapeError(`Cannot ${op} ${formatType(x)}: it must have ${ranks} dimensions, got ${x.ndim}`);
}
