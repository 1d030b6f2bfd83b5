/**
 * Activation functions: pointwise ones, softmax and gates. PyTorch's `torch.nn.functional`, and what of it is in `torch`.
 *
 * At kinks the gradient is PyTorch's. With `inplace: true`, or a name ending in `_`, the input takes the result.
 *
 * @module
 */

import { type DType, DTypeError, formatType, normalizeDim, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindInto, needsGrad, replaceValue } from "../bind.ts";
import { castTo, dtypeOption, requireInteger, requireNumber, requireTensor, toFloat } from "../coerce.ts";
import { gradMode, noGrad } from "../grad_mode.ts";
import { relabel } from "../label.ts";
import { binary, unaryFloat } from "../pointwise.ts";
import type { GeneratorOption } from "../random.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { withGradient } from "../with_gradient.ts";
import { owned, reshapeTo, sliceDim } from "./building.ts";
import { detach } from "./data.ts";
import { rand } from "./random.ts";
import { like, lineOf } from "./reducing.ts";

/** Options of activations without parameters. */
export interface InplaceOptions {
  /** Write into the input. Default false. */
  readonly inplace?: boolean;
}

/** The gradient of `x` from that of the result. */
type Slope = (g: Tensor, x: Tensor) => Tensor;

/** Runs a formula on `x`, which may have a gradient of its own. */
function shaped(label: string, x: Tensor, formula: (x: Tensor) => Tensor, slope: Slope | null): Tensor {
  return temporaries(() =>
    slope === null
      ? relabel(formula(x), label)
      : withGradient(label, [x], () => formula(x), (g, [input]) => [slope(g, input!)])
  );
}

/** As {@linkcode shaped}, or in place. */
function applied(
  op: string,
  label: string,
  x: Tensor,
  { inplace }: InplaceOptions,
  formula: (x: Tensor) => Tensor,
  slope: Slope | null = null,
): Tensor {
  const compute = (input: Tensor) => shaped(label, input, formula, slope);
  return inplace === true ? replaceValue(`${op}_`, x, compute) : compute(x);
}

/**
 * Checks that `x` is of floats.
 *
 * @throws {DTypeError} If it is not.
 */
function requireFloat(op: string, x: Tensor): void {
  if (requireTensor(op, "input", x).dtype.kind !== "float") {
    throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must have a float dtype, got ${x.dtype.name}`);
  }
}

/** True where a formula needs only its values: gradients at kinks take more steps. */
function isPlain(x: Tensor): boolean {
  return !gradMode.enabled || !needsGrad([x]);
}

function test(name: "gt" | "ge" | "lt" | "le", x: Tensor, value: number): Tensor {
  return bind(name, [x, like(x, value)], null);
}

/** One of two, where numbers stand for tensors of the dtype of the other. */
function either(cond: Tensor, x: Tensor | number, y: Tensor | number): Tensor {
  const model = typeof x === "number" ? y as Tensor : x;
  const tensor = (value: Tensor | number) => typeof value === "number" ? like(model, value) : value;
  return bind("where", [cond, tensor(x), tensor(y)], null);
}

function add(x: Tensor, y: Tensor | number): Tensor {
  return bind("add", [x, typeof y === "number" ? like(x, y) : y], null);
}

function mul(x: Tensor, y: Tensor | number): Tensor {
  return bind("mul", [x, typeof y === "number" ? like(x, y) : y], null);
}

/**
 * max(x, 0); NaN passes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
 */
export function relu(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireTensor("relu", "input", x);
  if (args.length > 0 && named<InplaceOptions>("relu", args, ["inplace"]).inplace === true) return relu_(x);
  return bind("relu", [x], null);
}

/** In-place {@linkcode relu}. */
export function relu_(x: Tensor): Tensor {
  bindInto([requireTensor("relu_", "input", x)], "relu", [x], null);
  return x;
}

/** Options of {@linkcode threshold}. */
export interface ThresholdOptions extends InplaceOptions {
  /** Values above this pass. */
  readonly threshold?: number;
  /** What the others become. */
  readonly value?: number;
}

/**
 * `x` where `x > threshold`, else `value`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.threshold.html
 */
export function threshold(
  x: Tensor,
  ...args: Args<ThresholdOptions, ["threshold", "value", "inplace"]>
): Tensor {
  requireTensor("threshold", "input", x);
  const options = named<ThresholdOptions>("threshold", args, ["threshold", "value", "inplace"]);
  const limit = requireNumber("threshold", "threshold", options.threshold);
  const value = requireNumber("threshold", "value", options.value);
  return applied(
    "threshold",
    "ThresholdBackward0",
    x,
    options,
    (input) => either(test("le", input, limit), value, input),
    (g, input) => either(test("le", input, limit), 0, g),
  );
}

/** In-place {@linkcode threshold}. */
export function threshold_(x: Tensor, limit: number, value: number): Tensor {
  return threshold(x, limit, value, true);
}

/** Options of {@linkcode hardtanh}. */
export interface HardtanhOptions extends InplaceOptions {
  /** Lower limit. Default -1. */
  readonly minVal?: number;
  /** Upper limit. Default 1. */
  readonly maxVal?: number;
}

/**
 * Values limited to `minVal … maxVal`. At the limits the gradient is 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh.html
 */
export function hardtanh(x: Tensor, ...args: Args<HardtanhOptions, ["minVal", "maxVal", "inplace"]>): Tensor {
  requireTensor("hardtanh", "input", x);
  const options = named<HardtanhOptions>("hardtanh", args, ["minVal", "maxVal", "inplace"]);
  const low = requireNumber("hardtanh", "minVal", options.minVal ?? -1);
  const high = requireNumber("hardtanh", "maxVal", options.maxVal ?? 1);
  return applied(
    "hardtanh",
    "HardtanhBackward0",
    x,
    options,
    (input) => within(input, low, high),
    inside(low, high),
  );
}

/** In-place {@linkcode hardtanh}. */
export function hardtanh_(x: Tensor, ...args: Args<HardtanhOptions, ["minVal", "maxVal"]>): Tensor {
  return hardtanh(x, { ...named<HardtanhOptions>("hardtanh_", args, ["minVal", "maxVal"]), inplace: true });
}

/** The gradient of {@linkcode within}. */
function inside(low: number, high: number): Slope {
  return (g, x) => either(bind("bitwiseOr", [test("le", x, low), test("ge", x, high)], null), 0, g);
}

/** `x` where it is inside the limits, else the limit without a gradient; the upper one where they are crossed. */
function within(x: Tensor, low: number, high: number): Tensor {
  const whole = x.dtype.kind === "int";
  const [min, max] = whole ? [Math.trunc(low), Math.trunc(high)] : [low, high];
  const limited = noGrad(() => bind("clamp", [x], { min, max }));
  if (isPlain(x)) return limited;
  const outside = bind("bitwiseOr", [test("le", x, min), test("ge", x, max)], null);
  return either(outside, limited, x);
}

/**
 * min(max(x, 0), 6).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu6.html
 */
export function relu6(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireTensor("relu6", "input", x);
  const options = named<InplaceOptions>("relu6", args, ["inplace"]);
  return applied("relu6", "HardtanhBackward0", x, options, (input) => within(input, 0, 6), inside(0, 6));
}

/**
 * x · relu6(x + 3) / 6.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html
 */
export function hardswish(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireFloat("hardswish", x);
  const options = named<InplaceOptions>("hardswish", args, ["inplace"]);
  return applied("hardswish", "HardswishBackward0", x, options, (input) => {
    const gated = (part: Tensor, max: number | null) =>
      bind("div", [mul(part, bind("clamp", [add(part, 3)], { min: 0, max })), like(part, 6)], null);
    if (isPlain(input)) return gated(input, 6);
    // Above 3, and at NaN, the slope is 1.
    const below = test("le", input, 3);
    return either(below, gated(either(below, input, 0), null), input);
  }, (g, input) => {
    const part = bind("clamp", [input], { min: null, max: 3 }); // no ∞ where it is not used
    const curve = mul(add(mul(part, 1 / 3), 0.5), g);
    return either(test("lt", input, -3), 0, either(test("le", input, 3), curve, g));
  });
}

/**
 * relu6(x + 3) / 6.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html
 */
export function hardsigmoid(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireFloat("hardsigmoid", x);
  const options = named<InplaceOptions>("hardsigmoid", args, ["inplace"]);
  return applied("hardsigmoid", "HardsigmoidBackward0", x, options, (input) => {
    const slope = mul(add(input, 3), 1 / 6);
    if (isPlain(input)) return bind("clamp", [slope], { min: 0, max: 1 });
    const inside = bind("bitwiseAnd", [test("gt", input, -3), test("lt", input, 3)], null);
    return either(inside, slope, noGrad(() => bind("clamp", [slope], { min: 0, max: 1 })));
  }, (g, input) => {
    const inside = bind("bitwiseAnd", [test("gt", input, -3), test("lt", input, 3)], null);
    return either(inside, mul(g, 1 / 6), 0);
  });
}

/** Options of {@linkcode elu} and {@linkcode celu}. */
export interface AlphaActivationOptions extends InplaceOptions {
  /** Size of the negative limit. Default 1. */
  readonly alpha?: number;
}

/** `scale · x` above 0, `scale · alpha · (e^(x / stretch) − 1)` below. */
function exponentialUnit(x: Tensor, alpha: number, scale: number, stretch: number): Tensor {
  if (isPlain(x) && Number.isFinite(alpha)) {
    const part = bind("clamp", [x], { min: null, max: 0 });
    const low = bind("expm1", [stretch === 1 ? part : mul(part, 1 / stretch)], null);
    const high = bind("relu", [x], null);
    return add(scale === 1 ? high : mul(high, scale), mul(low, alpha * scale));
  }
  const below = test("le", x, 0);
  const negative = either(below, x, 0); // keeps eˣ from overflowing where it is not used
  const curve = mul(
    bind("expm1", [stretch === 1 ? negative : mul(negative, 1 / stretch)], null),
    alpha * scale,
  );
  return either(below, curve, scale === 1 ? x : mul(x, scale));
}

/** The gradient of {@linkcode exponentialUnit}. */
function exponentialSlope(alpha: number, scale: number, stretch: number): Slope {
  return (g, x) => {
    const below = test("le", x, 0);
    const part = either(below, x, 0); // no NaN where it is not used: it would have a part in further gradients
    const power = bind("exp", [stretch === 1 ? part : mul(part, 1 / stretch)], null);
    const factor = alpha * scale / stretch;
    const curve = mul(factor === 1 ? power : mul(power, factor), g);
    return either(below, curve, scale === 1 ? g : mul(g, scale));
  };
}

/**
 * x above 0, alpha · (eˣ − 1) below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu.html
 */
export function elu(x: Tensor, ...args: Args<AlphaActivationOptions, ["alpha", "inplace"]>): Tensor {
  requireFloat("elu", x);
  const options = named<AlphaActivationOptions>("elu", args, ["alpha", "inplace"]);
  const alpha = requireNumber("elu", "alpha", options.alpha ?? 1);
  return applied(
    "elu",
    "EluBackward0",
    x,
    options,
    (input) => exponentialUnit(input, alpha, 1, 1),
    exponentialSlope(alpha, 1, 1),
  );
}

/** In-place {@linkcode elu}. */
export function elu_(x: Tensor, ...args: Args<AlphaActivationOptions, ["alpha"]>): Tensor {
  return elu(x, { ...named<AlphaActivationOptions>("elu_", args, ["alpha"]), inplace: true });
}

/**
 * x above 0, alpha · (e^(x / alpha) − 1) below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.celu.html
 */
export function celu(x: Tensor, ...args: Args<AlphaActivationOptions, ["alpha", "inplace"]>): Tensor {
  requireFloat("celu", x);
  const options = named<AlphaActivationOptions>("celu", args, ["alpha", "inplace"]);
  const alpha = requireNumber("celu", "alpha", options.alpha ?? 1);
  if (alpha === 0) throw new ValueError(`Cannot celu ${formatType(x)}: alpha must not be 0, got 0`);
  return applied(
    "celu",
    "CeluBackward0",
    x,
    options,
    (input) => exponentialUnit(input, alpha, 1, alpha),
    exponentialSlope(alpha, 1, alpha),
  );
}

/** In-place {@linkcode celu}. */
export function celu_(x: Tensor, ...args: Args<AlphaActivationOptions, ["alpha"]>): Tensor {
  return celu(x, { ...named<AlphaActivationOptions>("celu_", args, ["alpha"]), inplace: true });
}

// Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
const SELU_ALPHA = 1.6732632423543772848170429916717;
const SELU_SCALE = 1.0507009873554804934193349852946;

/**
 * The self-normalizing {@linkcode elu}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.selu.html
 */
export function selu(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireFloat("selu", x);
  const options = named<InplaceOptions>("selu", args, ["inplace"]);
  return applied(
    "selu",
    "EluBackward0",
    x,
    options,
    (input) => exponentialUnit(input, SELU_ALPHA, SELU_SCALE, 1),
    exponentialSlope(SELU_ALPHA, SELU_SCALE, 1),
  );
}

/** In-place {@linkcode selu}. */
export function selu_(x: Tensor): Tensor {
  return selu(x, true);
}

/** Options of {@linkcode leakyRelu}. */
export interface LeakyReluOptions extends InplaceOptions {
  /** Slope below 0. Default 0.01. */
  readonly negativeSlope?: number;
}

/**
 * x above 0, negativeSlope · x below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html
 */
export function leakyRelu(x: Tensor, ...args: Args<LeakyReluOptions, ["negativeSlope", "inplace"]>): Tensor {
  requireFloat("leakyRelu", x);
  const options = named<LeakyReluOptions>("leakyRelu", args, ["negativeSlope", "inplace"]);
  const slope = requireNumber("leakyRelu", "negativeSlope", options.negativeSlope ?? 0.01);
  return applied("leakyRelu", "LeakyReluBackward0", x, options, leak(slope), leakGradient(slope));
}

/** x above 0, slope · x below. */
function leak(slope: number): (x: Tensor) => Tensor {
  return (x) => {
    // The larger of both, where neither slope is 0: 0 · ∞ would be NaN.
    if (slope > 0 && slope <= 1 && isPlain(x)) return bind("maximum", [mul(x, slope), x], null);
    return either(test("gt", x, 0), x, mul(x, slope));
  };
}

/** The gradient of {@linkcode leak}. */
function leakGradient(slope: number): Slope {
  return (g, x) => either(test("gt", x, 0), g, mul(g, slope));
}

/** In-place {@linkcode leakyRelu}. */
export function leakyRelu_(x: Tensor, ...args: Args<LeakyReluOptions, ["negativeSlope"]>): Tensor {
  return leakyRelu(x, { ...named<LeakyReluOptions>("leakyRelu_", args, ["negativeSlope"]), inplace: true });
}

/**
 * x above 0, weight · x below, with one weight for all or one per channel (dimension 1).
 *
 * @throws {ShapeError} If the number of weights is neither 1 nor that of the channels.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.prelu.html
 */
export function prelu(x: Tensor, weight: Tensor | { readonly weight: Tensor }): Tensor {
  requireFloat("prelu", x);
  const w = requireTensor("prelu", "weight", weight !== null && "weight" in weight ? weight.weight : weight);
  const channels = x.shape.length > 1 ? x.shape[1]! : 1;
  const count = w.numel();
  const wrong = (must: string, got: unknown) =>
    new ShapeError(`Cannot prelu ${formatType(x)} with ${formatType(w)}: ${must}, got ${got}`);
  if (w.shape.length > 1) throw wrong("weight must have rank 0 or 1", `rank ${w.shape.length}`);
  if (count !== 1 && x.shape.length === 0) throw wrong("a scalar input must have one weight", count);
  if (count !== 1 && count !== channels) {
    throw wrong(`weight must have 1 or ${channels} elements, one per channel`, count);
  }
  return temporaries(() => {
    const shaped = count === 1
      ? reshapeTo(w, [])
      : reshapeTo(w, x.shape.slice(1).map((size, d) => d === 0 ? size : 1));
    const above = test("gt", x, 0);
    // What is not below has no part in the weight's gradient, where 0 · ∞ would be NaN.
    const below = gradMode.enabled && needsGrad([w]) ? either(above, 0, x) : x;
    return relabel(either(above, x, binary("mul", below, shaped)), "PreluKernelBackward0");
  });
}

/** Options of {@linkcode rrelu}. */
export interface RreluOptions extends InplaceOptions, GeneratorOption {
  /** The least slope. Default 1/8. */
  readonly lower?: number;
  /** The largest slope. Default 1/3. */
  readonly upper?: number;
  /** Whether slopes are random; else their middle is used. Default false. */
  readonly training?: boolean;
}

/**
 * x above 0, x times a slope below: uniform on [lower, upper) for each element while training.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rrelu.html
 */
export function rrelu(
  x: Tensor,
  ...args: Args<RreluOptions, ["lower", "upper", "training", "inplace"]>
): Tensor {
  requireFloat("rrelu", x);
  const options = named<RreluOptions>("rrelu", args, ["lower", "upper", "training", "inplace"], [
    "generator",
  ]);
  const lower = requireNumber("rrelu", "lower", options.lower ?? 1 / 8);
  const upper = requireNumber("rrelu", "upper", options.upper ?? 1 / 3);
  if (lower > upper) {
    throw new ValueError(
      `Cannot rrelu ${formatType(x)}: lower must not exceed upper, got ${lower} and ${upper}`,
    );
  }
  const label = "RreluWithNoiseBackward0";
  if (options.training !== true) {
    const slope = (lower + upper) / 2;
    return applied("rrelu", label, x, options, leak(slope), leakGradient(slope));
  }
  return applied("rrelu", label, x, options, (input) => {
    const uniform = rand(input.shape, {
      device: input.backend,
      dtype: input.dtype,
      generator: options.generator ?? null,
    });
    const slopes = temporaries(() => add(mul(uniform, upper - lower), lower));
    return withGradient(
      label,
      [input, slopes],
      () => either(test("gt", input, 0), input, mul(input, slopes)),
      (g, [values, factors]) => [either(test("gt", values!, 0), g, mul(g, factors!)), null],
    );
  });
}

/** In-place {@linkcode rrelu}. */
export function rrelu_(x: Tensor, ...args: Args<RreluOptions, ["lower", "upper", "training"]>): Tensor {
  const options = named<RreluOptions>("rrelu_", args, ["lower", "upper", "training"], ["generator"]);
  return rrelu(x, { ...options, inplace: true });
}

/**
 * Half of `x` along `dim`, times the sigmoid of the other half.
 *
 * @throws {ShapeError} If the size of `dim` is odd.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.glu.html
 */
export function glu(x: Tensor, ...args: Args<{ dim: number }, ["dim"]>): Tensor {
  requireFloat("glu", x);
  const { dim = -1 } = named<{ dim: number }>("glu", args, ["dim"]);
  if (x.shape.length === 0) {
    throw new ShapeError(`Cannot glu ${formatType(x)}: it must have rank 1 or more, got rank 0`);
  }
  const at = normalizeDim("glu", dim, x.shape.length);
  const size = x.shape[at]!;
  if (size % 2 !== 0) {
    throw new ShapeError(
      `Cannot glu ${formatType(x)}: the size of dimension ${dim} must be even, got ${size}`,
    );
  }
  return temporaries(() => {
    const gate = bind("sigmoid", [sliceDim(x, at, size / 2, size)], null);
    return relabel(mul(sliceDim(x, at, 0, size / 2), gate), "GluBackward0");
  });
}

/** Options of {@linkcode gelu}. */
export interface GeluOptions {
  /** `"tanh"` for the approximation by tanh. Default `"none"`. */
  readonly approximate?: "none" | "tanh";
}

/**
 * x · Φ(x), with the distribution function Φ of the standard normal distribution.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  requireFloat("gelu", x);
  const approximate = options.approximate ?? "none";
  if (approximate !== "none" && approximate !== "tanh") {
    throw new ValueError(
      `Cannot gelu ${formatType(x)}: approximate must be "none" or "tanh", got ${
        JSON.stringify(approximate)
      }`,
    );
  }
  return bind("gelu", [x], { approximate });
}

/**
 * x · sigmoid(x).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.silu.html
 */
export function silu(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireFloat("silu", x);
  const { inplace = false } = named<InplaceOptions>("silu", args, ["inplace"]);
  if (!inplace) return bind("silu", [x], null);
  bindInto([x], "silu", [x], null);
  return x;
}

/** ln(1 + eˣ) without overflow: max(x, 0) + ln(1 + e^−|x|). */
function logOnePlusExp(x: Tensor): Tensor {
  const decay = bind("exp", [bind("neg", [bind("abs", [x], null)], null)], null);
  return add(bind("maximum", [x, like(x, 0)], null), bind("log1p", [decay], null));
}

/**
 * x · tanh(ln(1 + eˣ)).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mish.html
 */
export function mish(x: Tensor, ...args: Args<InplaceOptions, ["inplace"]>): Tensor {
  requireFloat("mish", x);
  const options = named<InplaceOptions>("mish", args, ["inplace"]);
  return applied(
    "mish",
    "MishBackward0",
    x,
    options,
    (input) => mul(input, bind("tanh", [logOnePlusExp(input)], null)),
  );
}

/** Options of {@linkcode softplus}. */
export interface SoftplusOptions {
  /** Steepness. Default 1. */
  readonly beta?: number;
  /** Where beta · x is above this the result is x. Default 20. */
  readonly threshold?: number;
}

/**
 * ln(1 + e^(beta · x)) / beta.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html
 */
export function softplus(x: Tensor, ...args: Args<SoftplusOptions, ["beta", "threshold"]>): Tensor {
  requireFloat("softplus", x);
  const options = named<SoftplusOptions>("softplus", args, ["beta", "threshold"]);
  const beta = requireNumber("softplus", "beta", options.beta ?? 1);
  const limit = requireNumber("softplus", "threshold", options.threshold ?? 20);
  const steepOf = (input: Tensor) => beta === 1 ? input : mul(input, beta);
  return shaped("SoftplusBackward0", x, (input) => {
    const steep = steepOf(input);
    const over = test("gt", steep, limit);
    const curve = bind("log1p", [bind("exp", [either(over, 0, steep)], null)], null);
    return either(over, input, beta === 1 ? curve : mul(curve, 1 / beta));
  }, (g, input) => {
    const steep = steepOf(input);
    return either(test("gt", steep, limit), g, mul(bind("sigmoid", [steep], null), g));
  });
}

/**
 * ln(sigmoid(x)), without overflow.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html
 */
export function logsigmoid(x: Tensor): Tensor {
  requireFloat("logsigmoid", x);
  return shaped("LogSigmoidBackward0", x, (input) => {
    const decay = bind("exp", [bind("neg", [bind("abs", [input], null)], null)], null);
    const low = bind("minimum", [input, like(input, 0)], null);
    return bind("sub", [low, bind("log1p", [decay], null)], null);
  }, (g, input) => mul(bind("sigmoid", [bind("neg", [input], null)], null), g));
}

/** The parameter of {@linkcode hardshrink} and {@linkcode softshrink}. */
export interface ShrinkOptions {
  /** Values up to this size become 0. Default 0.5. */
  readonly lambd?: number;
}

/** True where |x| <= limit. */
function isSmall(x: Tensor, limit: number): Tensor {
  return test("le", bind("abs", [x], null), limit);
}

/**
 * 0 where |x| <= lambd, else x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardshrink.html
 */
export function hardshrink(x: Tensor, ...args: Args<ShrinkOptions, ["lambd"]>): Tensor {
  requireFloat("hardshrink", x);
  const lambd = requireNumber(
    "hardshrink",
    "lambd",
    named<ShrinkOptions>("hardshrink", args, ["lambd"]).lambd ?? 0.5,
  );
  return shaped(
    "HardshrinkBackward0",
    x,
    (input) => either(isSmall(input, lambd), 0, input),
    (g, input) => either(isSmall(input, lambd), 0, g),
  );
}

/**
 * x moved toward 0 by lambd, and 0 where |x| <= lambd.
 *
 * @throws {ValueError} If lambd is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softshrink.html
 */
export function softshrink(x: Tensor, ...args: Args<ShrinkOptions, ["lambd"]>): Tensor {
  requireFloat("softshrink", x);
  const lambd = requireNumber(
    "softshrink",
    "lambd",
    named<ShrinkOptions>("softshrink", args, ["lambd"]).lambd ?? 0.5,
  );
  if (!(lambd >= 0)) {
    throw new ValueError(`Cannot softshrink ${formatType(x)}: lambd must be >= 0, got ${lambd}`);
  }
  return shaped("SoftshrinkBackward0", x, (input) => {
    if (isPlain(input)) {
      const rest = bind("sub", [input, bind("clamp", [input], { min: -lambd, max: lambd })], null);
      return either(test("gt", bind("abs", [rest], null), 0), rest, 0); // NaN becomes 0
    }
    const below = either(test("lt", input, -lambd), add(input, lambd), 0);
    return either(test("gt", input, lambd), add(input, -lambd), below);
  }, (g, input) => either(test("gt", bind("abs", [input], null), lambd), g, 0));
}

/**
 * x − tanh(x).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.tanhshrink.html
 */
export function tanhshrink(x: Tensor): Tensor {
  requireTensor("tanhshrink", "input", x);
  return temporaries(() => relabel(binary("sub", x, unaryFloat("tanh", x)), "SubBackward0"));
}

/**
 * x / (1 + |x|).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softsign.html
 */
export function softsign(x: Tensor): Tensor {
  requireTensor("softsign", "input", x);
  return temporaries(() =>
    relabel(binary("div", toFloat(x), add(toFloat(bind("abs", [x], null)), 1)), "DivBackward0")
  );
}

/** Options of {@linkcode softmax} and its kin. */
export interface SoftmaxOptions {
  /** The dimension that sums to 1. Default as in old PyTorch: 0 for ranks 0, 1 and 3, else 1. */
  readonly dim?: number | null;
  /** Convert to this dtype first. */
  readonly dtype?: DType | string | null;
}

function soft(
  op: string,
  name: "softmax" | "logSoftmax",
  x: Tensor,
  args: readonly unknown[],
  negate = false,
): Tensor {
  requireTensor(op, "input", x);
  const options = named<SoftmaxOptions>(op, args, ["dim", "dtype"]);
  const dtype = dtypeOption(options.dtype) ?? x.dtype;
  if (dtype.kind !== "float") {
    throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must have a float dtype, got ${dtype.name}`);
  }
  const rank = x.shape.length;
  const dim = requireInteger(op, "dim", options.dim ?? (rank === 0 || rank === 1 || rank === 3 ? 0 : 1));
  if (rank > 0 && dtype === x.dtype && !negate) return bind(name, [x], { dim: normalizeDim(op, dim, rank) });
  return temporaries(() => {
    const values = castTo(x, dtype);
    const { line, dim: at } = lineOf(op, negate ? bind("neg", [values], null) : values, dim);
    const y = bind(name, [line], { dim: at });
    return rank > 0 ? y : owned(reshapeTo(y, []));
  });
}

/**
 * eˣ / Σ eˣ along `dim`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
 */
export function softmax(x: Tensor, ...args: Args<SoftmaxOptions, ["dim", "dtype"]>): Tensor {
  return soft("softmax", "softmax", x, args);
}

/**
 * ln of {@linkcode softmax}, without overflow.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html
 */
export function logSoftmax(x: Tensor, ...args: Args<SoftmaxOptions, ["dim", "dtype"]>): Tensor {
  return soft("logSoftmax", "logSoftmax", x, args);
}

/**
 * {@linkcode softmax} of −x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmin.html
 */
export function softmin(x: Tensor, ...args: Args<SoftmaxOptions, ["dim", "dtype"]>): Tensor {
  return soft("softmin", "softmax", x, args, true);
}

/** Options of {@linkcode gumbelSoftmax}. */
export interface GumbelOptions extends GeneratorOption {
  /** Temperature: low ones come near to one-hot. Default 1. */
  readonly tau?: number;
  /** One-hot results, with the gradient of the soft ones. Default false. */
  readonly hard?: boolean;
  /** Taken for PyTorch's sake; not used. */
  readonly eps?: number;
  /** The dimension that sums to 1. Default -1. */
  readonly dim?: number;
}

/**
 * Samples of the Gumbel-Softmax distribution: softmax of logits with Gumbel noise.
 *
 * @see Jang et al. 2016, https://arxiv.org/abs/1611.01144
 */
export function gumbelSoftmax(
  logits: Tensor,
  ...args: Args<GumbelOptions, ["tau", "hard", "eps", "dim"]>
): Tensor {
  requireFloat("gumbelSoftmax", logits);
  const options = named<GumbelOptions>("gumbelSoftmax", args, ["tau", "hard", "eps", "dim"], ["generator"]);
  const { dim = -1, tau = 1 } = options;
  return temporaries(() => {
    const place = { device: logits.backend, dtype: logits.dtype, generator: options.generator ?? null };
    const uniform = add(mul(rand(logits.shape, place), -1), 1); // on (0, 1]
    const wait = bind(
      "maximum",
      [bind("neg", [bind("log", [uniform], null)], null), like(uniform, 2 ** -60)],
      null,
    );
    const noisy = bind("sub", [logits, bind("log", [wait], null)], null);
    const { line, dim: at } = lineOf(
      "gumbelSoftmax",
      mul(noisy, 1 / requireNumber("gumbelSoftmax", "tau", tau)),
      dim,
    );
    const flat = bind("softmax", [line], { dim: at });
    const soft = logits.shape.length > 0 ? flat : owned(reshapeTo(flat, []));
    return options.hard === true ? straightThrough(soft, at) : soft;
  });
}

/** One-hot in value, `soft` in gradient. */
function straightThrough(soft: Tensor, dim: number): Tensor {
  const residue = noGrad(() => {
    if (soft.shape.length === 0) return bind("sub", [like(soft, 1), detach(soft)], null);
    const places = bind("argmax", [soft], { dim, keepdim: true });
    const zeros = bind("sub", [soft, soft], null);
    const ones = bind("expand", [like(soft, 1)], { shape: places.shape });
    return bind("sub", [bind("scatter", [zeros, places, ones], { dim, reduce: "set" }), soft], null);
  });
  return add(soft, residue);
}
