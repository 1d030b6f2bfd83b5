/**
 * Modules that learn the size of their input from the first one: LazyLinear, LazyConv, LazyBatchNorm, LazyInstanceNorm.
 *
 * Their parameters are {@linkcode UninitializedParameter}s until then. At the first call they get their shapes and values,
 * in place, and the module becomes one of the ordinary class.
 *
 * @module
 */

import { type DType, formatType, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { type Args, empty, type Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import type { Module } from "../module.ts";
import { Parameter, setData } from "../parameter.ts";
import type { StateDict } from "../state_dict.ts";
import {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvModuleOptions,
  type ConvNd,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeModuleOptions,
} from "./conv.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeEmpty,
  type ModuleArgs,
  settingsOf,
  type SizePerDim,
} from "./factory.ts";
import { Linear, type LinearOptions } from "./linear.ts";
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type NormBase,
  type NormModuleOptions,
} from "./norm.ts";

/**
 * A parameter whose shape is not known yet. It becomes an ordinary {@linkcode Parameter} by `materialize`, and stays the same
 * object.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.UninitializedParameter.html
 */
export class UninitializedParameter extends Parameter {
  /** Makes a parameter without elements. */
  constructor(factory: FactoryOptions & { readonly requiresGrad?: boolean } = {}) {
    super(makeEmpty([0], factory), factory.requiresGrad ?? true);
  }

  /** Gives it a shape; its contents are not defined then. */
  materialize(shape: Shape, dtype?: DType): void {
    setData(this, empty([...shape], { dtype: dtype ?? this.dtype, device: this.device }));
    Object.setPrototypeOf(this, Parameter.prototype);
  }

  /** There are no elements to print. */
  override toString(): string {
    return "<UninitializedParameter>";
  }
}

/** A lazy module as the machinery sees it. */
export interface Lazy {
  /** Learns the sizes from the first arguments; gives the class that the module then belongs to. */
  learn(input: Tensor): object;
}

type AnyLazy = Module<[Tensor], unknown> & Lazy;

/** Makes the first call learn the sizes. */
function learnAtFirstCall(module: unknown): void {
  const lazy = module as AnyLazy;
  const handle = lazy.registerForwardPreHook((self, [input]) => {
    const learner = self as unknown as AnyLazy;
    // A state dict may have taught it already: then it is of the ordinary class.
    if ("learn" in learner) Object.setPrototypeOf(learner, learner.learn(input));
    handle.remove();
  });
}

/** True while the module does not know its sizes. */
function hasUninitialized(module: { parameters(recurse: boolean): Parameter[] }): boolean {
  return module.parameters(false).some((parameter) => parameter instanceof UninitializedParameter);
}

/** Gives parameters that are not initialized the shapes that a state dict has for them. */
function materializeFrom(module: unknown, state: StateDict, prefix: string): void {
  for (const [name, parameter] of (module as AnyLazy).namedParameters({ recurse: false })) {
    const given = state.get(prefix + name);
    if (parameter instanceof UninitializedParameter && given !== undefined) {
      parameter.materialize(given.shape);
    }
  }
}

function materialize(parameter: Parameter | null, shape: Shape): void {
  if (parameter instanceof UninitializedParameter) parameter.materialize(shape);
}

/** Required sizes of {@linkcode LazyLinear}. */
export interface LazyLinearSizes {
  /** Size of the last dimension of the output. */
  readonly outFeatures: number;
}

/**
 * {@linkcode Linear} that learns `inFeatures` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyLinear.html
 */
export class LazyLinear extends Linear implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(
    ...args: ModuleArgs<[outFeatures: number], LazyLinearSizes, LinearOptions, ["bias", "device", "dtype"]>
  ) {
    const names = ["bias", ...FACTORY_NAMES] as const;
    const settings = settingsOf<LazyLinearSizes, LinearOptions>("LazyLinear", args, ["outFeatures"], names);
    const { outFeatures, bias = true, device = null, dtype = null } = settings;
    super(0, outFeatures, { bias: false, device, dtype });
    this.weight = new UninitializedParameter({ device, dtype });
    this.bias = bias ? new UninitializedParameter({ device, dtype }) : null;
    learnAtFirstCall(this);
  }

  /** Learns the size of the input. */
  learn(input: Tensor): object {
    this.inFeatures = input.shape.at(-1)!;
    materialize(this.weight, [this.outFeatures, this.inFeatures]);
    materialize(this.bias, [this.outFeatures]);
    this.resetParameters();
    return Linear.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    materializeFrom(this, state, prefix);
    if (hasUninitialized(this)) return;
    this.inFeatures = this.weight.shape[1]!;
    Object.setPrototypeOf(this, Linear.prototype);
  }
}

/** Required sizes of {@linkcode LazyConv2d} and its kin. */
export interface LazyConvSizes {
  /** Channels of the output. */
  readonly outChannels: number;
  /** Size of the window: one for all dimensions, or one for each. */
  readonly kernelSize: SizePerDim;
}

/** Positional options of {@linkcode LazyConv2d} and its kin. */
export type LazyConvArgs = ModuleArgs<
  [outChannels: number, kernelSize: SizePerDim],
  LazyConvSizes,
  ConvModuleOptions,
  ["stride", "padding", "dilation", "groups", "bias", "paddingMode", "device", "dtype"]
>;

/** Positional options of {@linkcode LazyConvTranspose2d} and its kin. */
export type LazyConvTransposeArgs = ModuleArgs<
  [outChannels: number, kernelSize: SizePerDim],
  LazyConvSizes,
  ConvTransposeModuleOptions,
  ["stride", "padding", "outputPadding", "groups", "bias", "dilation", "paddingMode", "device", "dtype"]
>;

const CONV_SIZES = ["outChannels", "kernelSize"] as const;
const CONV_NAMES = [
  "stride",
  "padding",
  "dilation",
  "groups",
  "bias",
  "paddingMode",
  ...FACTORY_NAMES,
] as const;
const TRANSPOSE_NAMES = [
  "stride",
  "padding",
  "outputPadding",
  "groups",
  "bias",
  "dilation",
  "paddingMode",
  ...FACTORY_NAMES,
] as const;

function convSettings(name: string, args: readonly unknown[]): LazyConvSizes & ConvModuleOptions {
  return settingsOf<LazyConvSizes, ConvModuleOptions>(name, args, CONV_SIZES, CONV_NAMES);
}

function transposeSettings(
  name: string,
  args: readonly unknown[],
): LazyConvSizes & ConvTransposeModuleOptions {
  return settingsOf<LazyConvSizes, ConvTransposeModuleOptions>(name, args, CONV_SIZES, TRANSPOSE_NAMES);
}

type AnyConv = ConvNd<never>;

/** Puts uninitialized parameters in the place of those of a layer without input channels. */
function forgetConv(layer: unknown, settings: ConvModuleOptions): void {
  const conv = layer as AnyConv;
  const { device = null, dtype = null, bias = true } = settings;
  conv.weight = new UninitializedParameter({ device, dtype });
  conv.bias = bias ? new UninitializedParameter({ device, dtype }) : null;
  learnAtFirstCall(layer);
}

function learnConv(layer: unknown, input: Tensor): void {
  const conv = layer as AnyConv;
  const n = conv.kernelSize.length;
  if (input.ndim !== n + 1 && input.ndim !== n + 2) {
    throw new ShapeError(
      `Cannot convolve ${formatType(input)}: it must have ${n + 1} or ${n + 2} dimensions, got ${input.ndim}`,
    );
  }
  const channels = input.shape[input.ndim - n - 1]!;
  if (channels % conv.groups !== 0) {
    throw new ValueError(
      `Cannot convolve ${
        formatType(input)
      }: its channels must be divisible by groups ${conv.groups}, got ${channels}`,
    );
  }
  conv.inChannels = channels;
  const [first, second] = conv.transposed ? [channels, conv.outChannels] : [conv.outChannels, channels];
  materialize(conv.weight, [first, second / conv.groups, ...conv.kernelSize]);
  materialize(conv.bias, [conv.outChannels]);
  conv.resetParameters();
}

function loadConv(layer: unknown, state: StateDict, prefix: string, prototype: object): void {
  const conv = layer as AnyConv;
  materializeFrom(layer, state, prefix);
  if (hasUninitialized(conv)) return;
  conv.inChannels = conv.transposed ? conv.weight.shape[0]! : conv.weight.shape[1]! * conv.groups;
  Object.setPrototypeOf(conv, prototype);
}

/**
 * {@linkcode Conv1d} that learns `inChannels` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv1d.html
 */
export class LazyConv1d extends Conv1d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyConvArgs) {
    const settings = convSettings("LazyConv1d", args);
    super({ ...settings, inChannels: 0, bias: false });
    forgetConv(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnConv(this, input);
    return Conv1d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadConv(this, state, prefix, Conv1d.prototype);
  }
}

/**
 * {@linkcode Conv2d} that learns `inChannels` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv2d.html
 */
export class LazyConv2d extends Conv2d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyConvArgs) {
    const settings = convSettings("LazyConv2d", args);
    super({ ...settings, inChannels: 0, bias: false });
    forgetConv(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnConv(this, input);
    return Conv2d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadConv(this, state, prefix, Conv2d.prototype);
  }
}

/**
 * {@linkcode Conv3d} that learns `inChannels` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv3d.html
 */
export class LazyConv3d extends Conv3d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyConvArgs) {
    const settings = convSettings("LazyConv3d", args);
    super({ ...settings, inChannels: 0, bias: false });
    forgetConv(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnConv(this, input);
    return Conv3d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadConv(this, state, prefix, Conv3d.prototype);
  }
}

/**
 * {@linkcode ConvTranspose1d} that learns `inChannels` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose1d.html
 */
export class LazyConvTranspose1d extends ConvTranspose1d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyConvTransposeArgs) {
    const settings = transposeSettings("LazyConvTranspose1d", args);
    super({ ...settings, inChannels: 0, bias: false });
    forgetConv(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnConv(this, input);
    return ConvTranspose1d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadConv(this, state, prefix, ConvTranspose1d.prototype);
  }
}

/**
 * {@linkcode ConvTranspose2d} that learns `inChannels` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose2d.html
 */
export class LazyConvTranspose2d extends ConvTranspose2d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyConvTransposeArgs) {
    const settings = transposeSettings("LazyConvTranspose2d", args);
    super({ ...settings, inChannels: 0, bias: false });
    forgetConv(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnConv(this, input);
    return ConvTranspose2d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadConv(this, state, prefix, ConvTranspose2d.prototype);
  }
}

/**
 * {@linkcode ConvTranspose3d} that learns `inChannels` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose3d.html
 */
export class LazyConvTranspose3d extends ConvTranspose3d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyConvTransposeArgs) {
    const settings = transposeSettings("LazyConvTranspose3d", args);
    super({ ...settings, inChannels: 0, bias: false });
    forgetConv(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnConv(this, input);
    return ConvTranspose3d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadConv(this, state, prefix, ConvTranspose3d.prototype);
  }
}

/** Positional options of {@linkcode LazyBatchNorm2d} and {@linkcode LazyInstanceNorm2d} and their kin. */
export type LazyNormArgs = Args<
  NormModuleOptions,
  ["eps", "momentum", "affine", "trackRunningStats", "device", "dtype"]
>;

function normSettings(name: string, args: readonly unknown[]): NormModuleOptions {
  const names = ["eps", "momentum", "affine", "trackRunningStats", ...FACTORY_NAMES] as const;
  return named<NormModuleOptions>(`make ${name}`, args, names);
}

/** Puts uninitialized parameters in the place of those of a layer without channels. */
function forgetNorm(layer: NormBase, { device = null, dtype = null }: NormModuleOptions): void {
  if (layer.affine) {
    layer.weight = new UninitializedParameter({ device, dtype });
    layer.bias = new UninitializedParameter({ device, dtype });
  }
  if (layer.affine || layer.trackRunningStats) learnAtFirstCall(layer);
}

function sizeNorm(layer: NormBase, channels: number): void {
  layer.numFeatures = channels;
  materialize(layer.weight, [channels]);
  materialize(layer.bias, [channels]);
  for (const statistic of [layer.running_mean, layer.running_var]) {
    if (statistic !== null) {
      setData(statistic, empty([channels], { dtype: statistic.dtype, device: statistic.device }));
    }
  }
}

function learnNorm(layer: NormBase, input: Tensor, n: number | null): void {
  const channels = input.shape[n !== null && input.ndim === n + 1 ? 0 : 1];
  if (channels === undefined) {
    throw new ShapeError(`Cannot normalize ${formatType(input)}: it must have channels`);
  }
  sizeNorm(layer, channels);
  layer.resetParameters();
}

function loadNorm(layer: NormBase, state: StateDict, prefix: string, prototype: object): void {
  const given = state.get(`${prefix}weight`) ?? state.get(`${prefix}running_mean`);
  if (given === undefined || layer.numFeatures !== 0) return;
  sizeNorm(layer, given.shape[0]!);
  Object.setPrototypeOf(layer, prototype);
}

/**
 * {@linkcode BatchNorm1d} that learns `numFeatures` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm1d.html
 */
export class LazyBatchNorm1d extends BatchNorm1d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyNormArgs) {
    const settings = normSettings("LazyBatchNorm1d", args);
    super({ ...settings, numFeatures: 0 });
    forgetNorm(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnNorm(this, input, null);
    return BatchNorm1d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadNorm(this, state, prefix, BatchNorm1d.prototype);
    super.upgradeStateDict(state, prefix);
  }
}

/**
 * {@linkcode BatchNorm2d} that learns `numFeatures` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm2d.html
 */
export class LazyBatchNorm2d extends BatchNorm2d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyNormArgs) {
    const settings = normSettings("LazyBatchNorm2d", args);
    super({ ...settings, numFeatures: 0 });
    forgetNorm(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnNorm(this, input, null);
    return BatchNorm2d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadNorm(this, state, prefix, BatchNorm2d.prototype);
    super.upgradeStateDict(state, prefix);
  }
}

/**
 * {@linkcode BatchNorm3d} that learns `numFeatures` from the first input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm3d.html
 */
export class LazyBatchNorm3d extends BatchNorm3d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyNormArgs) {
    const settings = normSettings("LazyBatchNorm3d", args);
    super({ ...settings, numFeatures: 0 });
    forgetNorm(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnNorm(this, input, null);
    return BatchNorm3d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadNorm(this, state, prefix, BatchNorm3d.prototype);
    super.upgradeStateDict(state, prefix);
  }
}

/**
 * {@linkcode InstanceNorm1d} that learns `numFeatures` from the first input, by default with parameters and running statistics.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyInstanceNorm1d.html
 */
export class LazyInstanceNorm1d extends InstanceNorm1d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyNormArgs) {
    const settings = { affine: true, trackRunningStats: true, ...normSettings("LazyInstanceNorm1d", args) };
    super({ ...settings, numFeatures: 0 });
    forgetNorm(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnNorm(this, input, 1);
    return InstanceNorm1d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadNorm(this, state, prefix, InstanceNorm1d.prototype);
    super.upgradeStateDict(state, prefix);
  }
}

/**
 * {@linkcode InstanceNorm2d} that learns `numFeatures` from the first input, by default with parameters and running statistics.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyInstanceNorm2d.html
 */
export class LazyInstanceNorm2d extends InstanceNorm2d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyNormArgs) {
    const settings = { affine: true, trackRunningStats: true, ...normSettings("LazyInstanceNorm2d", args) };
    super({ ...settings, numFeatures: 0 });
    forgetNorm(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnNorm(this, input, 2);
    return InstanceNorm2d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadNorm(this, state, prefix, InstanceNorm2d.prototype);
    super.upgradeStateDict(state, prefix);
  }
}

/**
 * {@linkcode InstanceNorm3d} that learns `numFeatures` from the first input, by default with parameters and running statistics.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyInstanceNorm3d.html
 */
export class LazyInstanceNorm3d extends InstanceNorm3d implements Lazy {
  /** Makes a layer without parameters yet. */
  constructor(...args: LazyNormArgs) {
    const settings = { affine: true, trackRunningStats: true, ...normSettings("LazyInstanceNorm3d", args) };
    super({ ...settings, numFeatures: 0 });
    forgetNorm(this, settings);
  }

  /** Learns the channels of the input. */
  learn(input: Tensor): object {
    learnNorm(this, input, 3);
    return InstanceNorm3d.prototype;
  }

  /** Takes the sizes of a state dict. */
  override upgradeStateDict(state: StateDict, prefix: string): void {
    loadNorm(this, state, prefix, InstanceNorm3d.prototype);
    super.upgradeStateDict(state, prefix);
  }
}
