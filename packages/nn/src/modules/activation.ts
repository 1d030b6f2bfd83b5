/**
 * Activation functions as modules.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { constant_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { pythonFloat, pythonRepr } from "../python.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";

/** PyTorch says `inplace=True`, or nothing. */
function inplaceRepr(inplace: boolean): string {
  return inplace ? "inplace=True" : "";
}

/** {@linkcode inplaceRepr} after other settings. */
function alsoInplace(inplace: boolean): string {
  return inplace ? ", inplace=True" : "";
}

/** Options of {@linkcode ReLU}. */
export interface ReLUModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * `max(input, 0)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 */
export class ReLU extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<ReLUModuleOptions, ["inplace"]>) {
    super();
    const options = named<ReLUModuleOptions>("make ReLU", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.relu(input, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return inplaceRepr(this.inplace);
  }
}

/** Options of {@linkcode ReLU6}. */
export interface ReLU6ModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * `min(max(input, 0), 6)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
 */
export class ReLU6 extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<ReLU6ModuleOptions, ["inplace"]>) {
    super();
    const options = named<ReLU6ModuleOptions>("make ReLU6", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.relu6(input, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return inplaceRepr(this.inplace);
  }
}

/**
 * `1 / (1 + exp(-input))`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends Module {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.sigmoid(input);
  }
}

/**
 * Hyperbolic tangent.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
 */
export class Tanh extends Module {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.tanh(input);
  }
}

/**
 * `ln(sigmoid(input))`, without overflow.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
 */
export class LogSigmoid extends Module {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.logsigmoid(input);
  }
}

/**
 * `input / (1 + |input|)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softsign.html
 */
export class Softsign extends Module {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.softsign(input);
  }
}

/**
 * `input - tanh(input)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html
 */
export class Tanhshrink extends Module {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.tanhshrink(input);
  }
}

/** Options of {@linkcode SiLU}. */
export interface SiLUModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * `input · sigmoid(input)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SiLU.html
 */
export class SiLU extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<SiLUModuleOptions, ["inplace"]>) {
    super();
    const options = named<SiLUModuleOptions>("make SiLU", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.silu(input, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return inplaceRepr(this.inplace);
  }
}

/** Options of {@linkcode Mish}. */
export interface MishModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * `input · tanh(softplus(input))`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Mish.html
 */
export class Mish extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<MishModuleOptions, ["inplace"]>) {
    super();
    const options = named<MishModuleOptions>("make Mish", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.mish(input, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return inplaceRepr(this.inplace);
  }
}

/** Options of {@linkcode Hardsigmoid}. */
export interface HardsigmoidModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * `relu6(input + 3) / 6`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
 */
export class Hardsigmoid extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<HardsigmoidModuleOptions, ["inplace"]>) {
    super();
    const options = named<HardsigmoidModuleOptions>("make Hardsigmoid", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.hardsigmoid(input, this.inplace);
  }
}

/** Options of {@linkcode Hardswish}. */
export interface HardswishModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * `input · relu6(input + 3) / 6`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
 */
export class Hardswish extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<HardswishModuleOptions, ["inplace"]>) {
    super();
    const options = named<HardswishModuleOptions>("make Hardswish", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.hardswish(input, this.inplace);
  }
}

/** Options of {@linkcode SELU}. */
export interface SELUModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * Scaled {@linkcode ELU} whose outputs tend to mean 0 and variance 1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SELU.html
 */
export class SELU extends Module {
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<SELUModuleOptions, ["inplace"]>) {
    super();
    const options = named<SELUModuleOptions>("make SELU", args, ["inplace"]);
    const { inplace = false } = options;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.selu(input, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return inplaceRepr(this.inplace);
  }
}

/** Options of {@linkcode LeakyReLU}. */
export interface LeakyReLUModuleOptions {
  /** Slope below 0. Default 0.01. */
  readonly negativeSlope?: number;
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * The input above 0, times a slope below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Module {
  /** Slope below 0. */
  negativeSlope: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<LeakyReLUModuleOptions, ["negativeSlope", "inplace"]>) {
    super();
    const options = named<LeakyReLUModuleOptions>("make LeakyReLU", args, ["negativeSlope", "inplace"]);
    const { negativeSlope = 0.01, inplace = false } = options;
    this.negativeSlope = negativeSlope;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.leakyRelu(input, this.negativeSlope, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `negative_slope=${pythonFloat(this.negativeSlope)}${alsoInplace(this.inplace)}`;
  }
}

/** Options of {@linkcode ELU}. */
export interface ELUModuleOptions {
  /** Minus the limit at minus infinity. Default 1. */
  readonly alpha?: number;
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * The input above 0, `alpha · (exp(input) - 1)` below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ELU.html
 */
export class ELU extends Module {
  /** Minus the limit at minus infinity. */
  alpha: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<ELUModuleOptions, ["alpha", "inplace"]>) {
    super();
    const options = named<ELUModuleOptions>("make ELU", args, ["alpha", "inplace"]);
    const { alpha = 1, inplace = false } = options;
    this.alpha = alpha;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.elu(input, this.alpha, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `alpha=${pythonFloat(this.alpha)}${alsoInplace(this.inplace)}`;
  }
}

/** Options of {@linkcode CELU}. */
export interface CELUModuleOptions {
  /** Minus the limit at minus infinity. Default 1. */
  readonly alpha?: number;
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * The input above 0, `alpha · (exp(input / alpha) - 1)` below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CELU.html
 */
export class CELU extends Module {
  /** Minus the limit at minus infinity. */
  alpha: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<CELUModuleOptions, ["alpha", "inplace"]>) {
    super();
    const options = named<CELUModuleOptions>("make CELU", args, ["alpha", "inplace"]);
    const { alpha = 1, inplace = false } = options;
    this.alpha = alpha;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.celu(input, this.alpha, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `alpha=${pythonFloat(this.alpha)}${alsoInplace(this.inplace)}`;
  }
}

/** Options of {@linkcode GELU}. */
export interface GELUModuleOptions {
  /** How Φ is computed. Default "none". */
  readonly approximate?: "none" | "tanh";
}

/**
 * `input · Φ(input)` with the normal distribution function, or its approximation by tanh.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GELU.html
 */
export class GELU extends Module {
  /** How Φ is computed. */
  approximate: "none" | "tanh";

  /** Makes the module. */
  constructor(...args: Args<GELUModuleOptions, ["approximate"]>) {
    super();
    const options = named<GELUModuleOptions>("make GELU", args, ["approximate"]);
    const { approximate = "none" } = options;
    this.approximate = approximate;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.gelu(input, { approximate: this.approximate });
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `approximate=${pythonRepr(this.approximate)}`;
  }
}

/** Options of {@linkcode Softplus}. */
export interface SoftplusModuleOptions {
  /** Sharpness. Default 1. */
  readonly beta?: number;
  /** Above it the function is linear. Default 20. */
  readonly threshold?: number;
}

/**
 * `ln(1 + exp(beta · input)) / beta`, and the input itself where `beta · input` is above the threshold.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
 */
export class Softplus extends Module {
  /** Sharpness. */
  beta: number;
  /** Above it the function is linear. */
  threshold: number;

  /** Makes the module. */
  constructor(...args: Args<SoftplusModuleOptions, ["beta", "threshold"]>) {
    super();
    const options = named<SoftplusModuleOptions>("make Softplus", args, ["beta", "threshold"]);
    const { beta = 1, threshold = 20 } = options;
    this.beta = beta;
    this.threshold = threshold;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.softplus(input, this.beta, this.threshold);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `beta=${pythonRepr(this.beta)}, threshold=${pythonRepr(this.threshold)}`;
  }
}

/** Options of {@linkcode Hardshrink}. */
export interface HardshrinkModuleOptions {
  /** Half of the width that becomes 0. Default 0.5. */
  readonly lambd?: number;
}

/**
 * The input outside of [-lambd, lambd], 0 inside.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
 */
export class Hardshrink extends Module {
  /** Half of the width that becomes 0. */
  lambd: number;

  /** Makes the module. */
  constructor(...args: Args<HardshrinkModuleOptions, ["lambd"]>) {
    super();
    const options = named<HardshrinkModuleOptions>("make Hardshrink", args, ["lambd"]);
    const { lambd = 0.5 } = options;
    this.lambd = lambd;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.hardshrink(input, this.lambd);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return pythonFloat(this.lambd);
  }
}

/** Options of {@linkcode Softshrink}. */
export interface SoftshrinkModuleOptions {
  /** Half of the width that becomes 0. Default 0.5. */
  readonly lambd?: number;
}

/**
 * The input moved toward 0 by lambd, 0 inside of [-lambd, lambd].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
 */
export class Softshrink extends Module {
  /** Half of the width that becomes 0. */
  lambd: number;

  /** Makes the module. */
  constructor(...args: Args<SoftshrinkModuleOptions, ["lambd"]>) {
    super();
    const options = named<SoftshrinkModuleOptions>("make Softshrink", args, ["lambd"]);
    const { lambd = 0.5 } = options;
    this.lambd = lambd;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.softshrink(input, this.lambd);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return pythonFloat(this.lambd);
  }
}

/** Options of {@linkcode Hardtanh}. */
export interface HardtanhModuleOptions {
  /** Least value. Default -1. */
  readonly minVal?: number;
  /** Largest value. Default 1. */
  readonly maxVal?: number;
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * The input limited to [minVal, maxVal].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
 */
export class Hardtanh extends Module {
  /** Least value. */
  minVal: number;
  /** Largest value. */
  maxVal: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<HardtanhModuleOptions, ["minVal", "maxVal", "inplace"]>) {
    super();
    const options = named<HardtanhModuleOptions>("make Hardtanh", args, ["minVal", "maxVal", "inplace"]);
    const { minVal = -1, maxVal = 1, inplace = false } = options;
    this.minVal = minVal;
    this.maxVal = maxVal;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.hardtanh(input, this.minVal, this.maxVal, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `min_val=${pythonFloat(this.minVal)}, max_val=${pythonFloat(this.maxVal)}${
      alsoInplace(this.inplace)
    }`;
  }
}

/** Options of {@linkcode RReLU}. */
export interface RReLUModuleOptions {
  /** Least slope. Default 1/8. */
  readonly lower?: number;
  /** Largest slope. Default 1/3. */
  readonly upper?: number;
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * The input above 0, times a slope below: random for each element while training, else their middle.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RReLU.html
 */
export class RReLU extends Module {
  /** Least slope. */
  lower: number;
  /** Largest slope. */
  upper: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(...args: Args<RReLUModuleOptions, ["lower", "upper", "inplace"]>) {
    super();
    const options = named<RReLUModuleOptions>("make RReLU", args, ["lower", "upper", "inplace"]);
    const { lower = 1 / 8, upper = 1 / 3, inplace = false } = options;
    this.lower = lower;
    this.upper = upper;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.rrelu(input, this.lower, this.upper, this.training, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `lower=${pythonFloat(this.lower)}, upper=${pythonFloat(this.upper)}${alsoInplace(this.inplace)}`;
  }
}

/** Options of {@linkcode GLU}. */
export interface GLUModuleOptions {
  /** The dimension to halve. Default -1. */
  readonly dim?: number;
}

/**
 * The first half along `dim` times the sigmoid of the second.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GLU.html
 */
export class GLU extends Module {
  /** The dimension to halve. */
  dim: number;

  /** Makes the module. */
  constructor(...args: Args<GLUModuleOptions, ["dim"]>) {
    super();
    const options = named<GLUModuleOptions>("make GLU", args, ["dim"]);
    const { dim = -1 } = options;
    this.dim = dim;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.glu(input, this.dim);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Numbers of {@linkcode Threshold}. */
export interface ThresholdNumbers {
  /** What the input must exceed. */
  readonly threshold: number;
  /** What stands where it does not. */
  readonly value: number;
}

/** Options of {@linkcode Threshold}. */
export interface ThresholdModuleOptions {
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/**
 * The input above `threshold`, `value` elsewhere.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Threshold.html
 */
export class Threshold extends Module {
  /** What the input must exceed. */
  threshold: number;
  /** What stands where it does not. */
  value: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Makes the module. */
  constructor(
    ...args: ModuleArgs<
      [threshold: number, value: number],
      ThresholdNumbers,
      ThresholdModuleOptions,
      ["inplace"]
    >
  ) {
    super();
    const required = ["threshold", "value"] as const;
    const settings = settingsOf<ThresholdNumbers, ThresholdModuleOptions>("Threshold", args, required, [
      "inplace",
    ]);
    const { threshold, value, inplace = false } = settings;
    this.threshold = threshold;
    this.value = value;
    this.inplace = inplace;
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.threshold(input, this.threshold, this.value, this.inplace);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `threshold=${pythonRepr(this.threshold)}, value=${pythonRepr(this.value)}${
      alsoInplace(this.inplace)
    }`;
  }
}

/** Options of {@linkcode PReLU}. */
export interface PReLUModuleOptions extends FactoryOptions {
  /** One slope for all, or one for each channel. Default 1. */
  readonly numParameters?: number;
  /** First value of the slopes. Default 0.25. */
  readonly init?: number;
}

/**
 * The input above 0, times a learned slope below.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
 */
export class PReLU extends Module {
  /** Number of slopes. */
  numParameters: number;
  /** First value of the slopes. */
  init: number;
  /** The slopes. */
  weight: Parameter;

  /** Makes the module. */
  constructor(...args: Args<PReLUModuleOptions, ["numParameters", "init", "device", "dtype"]>) {
    super();
    const names = ["numParameters", "init", ...FACTORY_NAMES] as const;
    const { numParameters = 1, init = 0.25, ...factory } = named<PReLUModuleOptions>(
      "make PReLU",
      args,
      names,
    );
    this.numParameters = requireSize("PReLU", "numParameters", numParameters, 1);
    this.init = init;
    this.weight = makeParameter([numParameters], factory);
    this.resetParameters();
  }

  /** Sets the slopes to their first value. */
  resetParameters(): void {
    constant_(this.weight, this.init);
  }

  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

/** Options of {@linkcode Softmax} and its kin. */
export interface SoftmaxModuleOptions {
  /** The dimension along which the result sums to 1. */
  readonly dim?: number | null;
}

/** What the softmaxes are: a dimension. */
export abstract class SoftmaxBase extends Module {
  /** The dimension; null chooses 0 for ranks 0, 1 and 3, else 1, as PyTorch does. */
  dim: number | null;

  /** Makes the module. */
  constructor(dim: number | null | SoftmaxModuleOptions = null) {
    super();
    this.dim = typeof dim === "object" && dim !== null ? dim.dim ?? null : dim;
    if (this.dim !== null && !Number.isInteger(this.dim)) {
      throw new ValueError(`Cannot make ${this.constructor.name}: dim must be an integer, got ${this.dim}`);
    }
  }
}

function softmaxDim(layer: SoftmaxBase, input: Tensor): number {
  return layer.dim ?? ([0, 1, 3].includes(input.ndim) ? 0 : 1);
}

/**
 * `exp(input)` over its sum along `dim`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 */
export class Softmax extends SoftmaxBase {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.softmax(input, softmaxDim(this, input));
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `dim=${pythonRepr(this.dim)}`;
  }
}

/**
 * {@linkcode Softmax} of `-input`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmin.html
 */
export class Softmin extends SoftmaxBase {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.softmin(input, softmaxDim(this, input));
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `dim=${pythonRepr(this.dim)}`;
  }
}

/**
 * Logarithm of {@linkcode Softmax}, without overflow.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 */
export class LogSoftmax extends SoftmaxBase {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    return F.logSoftmax(input, softmaxDim(this, input));
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `dim=${pythonRepr(this.dim)}`;
  }
}

/**
 * {@linkcode Softmax} over the channels of `[N, C, H, W]` or `[C, H, W]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html
 */
export class Softmax2d extends Module {
  /** Applies the function. */
  override forward(input: Tensor): Tensor {
    if (input.ndim !== 3 && input.ndim !== 4) {
      throw new ShapeError(
        `Cannot Softmax2d ${formatType(input)}: it must have 3 or 4 dimensions, got ${input.ndim}`,
      );
    }
    return F.softmax(input, -3);
  }
}
