/**
 * Losses as modules.
 *
 * @module
 */

import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { reductionOf } from "../functional/loss/reduction.ts";
import type { Reduction, ReductionOptions } from "../functional/loss/reduction.ts";
import { Module } from "../module.ts";
import { PairwiseDistance } from "./distance.ts";

/** Options of all losses. */
export type LossOptions = ReductionOptions;

/**
 * Absolute differences.
 *
 * See {@linkcode F.l1Loss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<LossOptions, ["sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<LossOptions>("make L1Loss", args, ["sizeAverage", "reduce", "reduction"]);
    this.reduction = reductionOf("make L1Loss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.l1Loss(input, target, { reduction: this.reduction });
  }
}

/**
 * Squared differences.
 *
 * See {@linkcode F.mseLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<LossOptions, ["sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<LossOptions>("make MSELoss", args, ["sizeAverage", "reduce", "reduction"]);
    this.reduction = reductionOf("make MSELoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.mseLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of {@linkcode SmoothL1Loss}. */
export interface SmoothL1LossOptions extends LossOptions {
  /** Where the square becomes a line. Default 1. */
  readonly beta?: number;
}

/**
 * Squares near 0, absolute differences elsewhere.
 *
 * See {@linkcode F.smoothL1Loss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html
 */
export class SmoothL1Loss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction;
  /** Where the square becomes a line. */
  beta: number;

  /** Makes the module. */
  constructor(...args: Args<SmoothL1LossOptions, ["sizeAverage", "reduce", "reduction", "beta"]>) {
    super();
    const options = named<SmoothL1LossOptions>("make SmoothL1Loss", args, [
      "sizeAverage",
      "reduce",
      "reduction",
      "beta",
    ]);
    const { beta = 1 } = options;
    this.reduction = reductionOf("make SmoothL1Loss", options);
    this.beta = beta;
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.smoothL1Loss(input, target, { reduction: this.reduction, beta: this.beta });
  }
}

/** Options of {@linkcode HuberLoss}. */
export interface HuberLossOptions {
  /** How the losses become one number. Default "mean". */
  readonly reduction?: Reduction;
  /** Where the square becomes a line. Default 1. */
  readonly delta?: number;
}

/**
 * Squares near 0, lines of slope `delta` elsewhere.
 *
 * See {@linkcode F.huberLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
 */
export class HuberLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction;
  /** Where the square becomes a line. */
  delta: number;

  /** Makes the module. */
  constructor(...args: Args<HuberLossOptions, ["reduction", "delta"]>) {
    super();
    const options = named<HuberLossOptions>("make HuberLoss", args, ["reduction", "delta"]);
    const { delta = 1 } = options;
    this.reduction = reductionOf("make HuberLoss", options as LossOptions);
    this.delta = delta;
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.huberLoss(input, target, { reduction: this.reduction, delta: this.delta });
  }
}

/** Options of {@linkcode PoissonNLLLoss}. */
export interface PoissonNLLLossOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** Whether Stirling's term is added. Default false. */
  readonly full?: boolean;
  /** Keeps logarithms finite. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Negative log likelihood of counts.
 *
 * See {@linkcode F.poissonNllLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html
 */
export class PoissonNLLLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** Whether the input is the logarithm of the rate. */
  logInput: boolean;
  /** Whether Stirling's term is added. */
  full: boolean;
  /** Keeps logarithms finite. */
  eps: number;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(
    ...args: Args<PoissonNLLLossOptions, ["logInput", "full", "sizeAverage", "eps", "reduce", "reduction"]>
  ) {
    super();
    const options = named<PoissonNLLLossOptions>("make PoissonNLLLoss", args, [
      "logInput",
      "full",
      "sizeAverage",
      "eps",
      "reduce",
      "reduction",
    ]);
    const { logInput = true, full = false, eps = 1e-8 } = options;
    this.logInput = logInput;
    this.full = full;
    this.eps = eps;
    this.reduction = reductionOf("make PoissonNLLLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    const { logInput, full, eps, reduction } = this;
    return F.poissonNllLoss(input, target, { logInput, full, eps, reduction });
  }
}

/** Options of {@linkcode GaussianNLLLoss}. */
export interface GaussianNLLLossOptions {
  /** Whether the constant term is added. Default false. */
  readonly full?: boolean;
  /** Least variance. Default 1e-6. */
  readonly eps?: number;
  /** How the losses become one number. Default "mean". */
  readonly reduction?: Reduction;
}

/**
 * Negative log likelihood of normally distributed numbers.
 *
 * See {@linkcode F.gaussianNllLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html
 */
export class GaussianNLLLoss extends Module<[input: Tensor, target: Tensor, variance: Tensor], Tensor> {
  /** Whether the constant term is added. */
  full: boolean;
  /** Least variance. */
  eps: number;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<GaussianNLLLossOptions, ["full", "eps", "reduction"]>) {
    super();
    const options = named<GaussianNLLLossOptions>("make GaussianNLLLoss", args, ["full", "eps", "reduction"]);
    const { full = false, eps = 1e-6 } = options;
    this.full = full;
    this.eps = eps;
    this.reduction = reductionOf("make GaussianNLLLoss", options as LossOptions);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this;
    return F.gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}

/** Options of {@linkcode NLLLoss}. */
export interface NLLLossOptions extends LossOptions {
  /** A factor for each class. */
  readonly weight?: Tensor | null;
  /** The class that does not count. Default -100. */
  readonly ignoreIndex?: number;
}

/**
 * Negative log likelihood of classes, given log probabilities.
 *
 * See {@linkcode F.nllLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
 */
export class NLLLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** A factor for each class. */
  declare weight: Tensor | null;
  /** The class that does not count. */
  ignoreIndex: number;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(
    ...args: Args<NLLLossOptions, ["weight", "sizeAverage", "ignoreIndex", "reduce", "reduction"]>
  ) {
    super();
    const options = named<NLLLossOptions>("make NLLLoss", args, [
      "weight",
      "sizeAverage",
      "ignoreIndex",
      "reduce",
      "reduction",
    ]);
    const { weight = null, ignoreIndex = -100 } = options;
    this.registerBuffer("weight", weight);
    this.ignoreIndex = ignoreIndex;
    this.reduction = reductionOf("make NLLLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return F.nllLoss(input, target, { weight, ignoreIndex, reduction });
  }
}

/** Options of {@linkcode CrossEntropyLoss}. */
export interface CrossEntropyLossOptions extends LossOptions {
  /** A factor for each class. */
  readonly weight?: Tensor | null;
  /** The class that does not count. Default -100. */
  readonly ignoreIndex?: number;
  /** Share of each target that is spread over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * Cross entropy of class scores.
 *
 * See {@linkcode F.crossEntropy}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
 */
export class CrossEntropyLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** A factor for each class. */
  declare weight: Tensor | null;
  /** The class that does not count. */
  ignoreIndex: number;
  /** How the losses become one number. */
  reduction: Reduction;
  /** Share of each target that is spread over all classes. */
  labelSmoothing: number;

  /** Makes the module. */
  constructor(
    ...args: Args<
      CrossEntropyLossOptions,
      ["weight", "sizeAverage", "ignoreIndex", "reduce", "reduction", "labelSmoothing"]
    >
  ) {
    super();
    const options = named<CrossEntropyLossOptions>("make CrossEntropyLoss", args, [
      "weight",
      "sizeAverage",
      "ignoreIndex",
      "reduce",
      "reduction",
      "labelSmoothing",
    ]);
    const { weight = null, ignoreIndex = -100, labelSmoothing = 0 } = options;
    this.registerBuffer("weight", weight);
    this.ignoreIndex = ignoreIndex;
    this.reduction = reductionOf("make CrossEntropyLoss", options);
    this.labelSmoothing = labelSmoothing;
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    return F.crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing });
  }
}

/** Options of {@linkcode BCELoss}. */
export interface BCELossOptions extends LossOptions {
  /** A factor for each element. */
  readonly weight?: Tensor | null;
}

/**
 * Cross entropy of probabilities.
 *
 * See {@linkcode F.binaryCrossEntropy}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
 */
export class BCELoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** A factor for each element. */
  declare weight: Tensor | null;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<BCELossOptions, ["weight", "sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<BCELossOptions>("make BCELoss", args, [
      "weight",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { weight = null } = options;
    this.registerBuffer("weight", weight);
    this.reduction = reductionOf("make BCELoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** Options of {@linkcode BCEWithLogitsLoss}. */
export interface BCEWithLogitsLossOptions extends LossOptions {
  /** A factor for each element. */
  readonly weight?: Tensor | null;
  /** A factor for the positive class. */
  readonly posWeight?: Tensor | null;
}

/**
 * Cross entropy of `sigmoid(input)`, without overflow.
 *
 * See {@linkcode F.binaryCrossEntropyWithLogits}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** A factor for each element. */
  declare weight: Tensor | null;
  /** How the losses become one number. */
  reduction: Reduction;
  /** A factor for the positive class. */
  declare pos_weight: Tensor | null;

  /** Makes the module. */
  constructor(
    ...args: Args<BCEWithLogitsLossOptions, ["weight", "sizeAverage", "reduce", "reduction", "posWeight"]>
  ) {
    super();
    const options = named<BCEWithLogitsLossOptions>("make BCEWithLogitsLoss", args, [
      "weight",
      "sizeAverage",
      "reduce",
      "reduction",
      "posWeight",
    ]);
    const { weight = null, posWeight = null } = options;
    this.registerBuffer("weight", weight);
    this.reduction = reductionOf("make BCEWithLogitsLoss", options);
    this.registerBuffer("pos_weight", posWeight);
  }

  /** As the field of the state dict's name. */
  get posWeight(): Tensor | null {
    return this.pos_weight;
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return F.binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/** Options of {@linkcode HingeEmbeddingLoss}. */
export interface HingeEmbeddingLossOptions extends LossOptions {
  /** The margin. Default 1. */
  readonly margin?: number;
}

/**
 * Pulls pairs with target 1 together and others apart, up to a margin.
 *
 * See {@linkcode F.hingeEmbeddingLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html
 */
export class HingeEmbeddingLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** The margin. */
  margin: number;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<HingeEmbeddingLossOptions, ["margin", "sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<HingeEmbeddingLossOptions>("make HingeEmbeddingLoss", args, [
      "margin",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { margin = 1 } = options;
    this.margin = margin;
    this.reduction = reductionOf("make HingeEmbeddingLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.hingeEmbeddingLoss(input, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** Options of {@linkcode MarginRankingLoss}. */
export interface MarginRankingLossOptions extends LossOptions {
  /** The margin. Default 0. */
  readonly margin?: number;
}

/**
 * Ranks one input above the other.
 *
 * See {@linkcode F.marginRankingLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html
 */
export class MarginRankingLoss extends Module<[input1: Tensor, input2: Tensor, target: Tensor], Tensor> {
  /** The margin. */
  margin: number;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<MarginRankingLossOptions, ["margin", "sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<MarginRankingLossOptions>("make MarginRankingLoss", args, [
      "margin",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { margin = 0 } = options;
    this.margin = margin;
    this.reduction = reductionOf("make MarginRankingLoss", options);
  }

  /** Computes the loss. */
  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return F.marginRankingLoss(input1, input2, target, { margin: this.margin, reduction: this.reduction });
  }
}

/**
 * Logistic loss of targets 1 and -1.
 *
 * See {@linkcode F.softMarginLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html
 */
export class SoftMarginLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<LossOptions, ["sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<LossOptions>("make SoftMarginLoss", args, ["sizeAverage", "reduce", "reduction"]);
    this.reduction = reductionOf("make SoftMarginLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.softMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of {@linkcode MultiMarginLoss}. */
export interface MultiMarginLossOptions extends LossOptions {
  /** Power of the violations, 1 or 2. Default 1. */
  readonly p?: number;
  /** The margin. Default 1. */
  readonly margin?: number;
  /** A factor for each class. */
  readonly weight?: Tensor | null;
}

/**
 * Hinge loss of classes.
 *
 * See {@linkcode F.multiMarginLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html
 */
export class MultiMarginLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** Power of the violations, 1 or 2. */
  p: number;
  /** The margin. */
  margin: number;
  /** A factor for each class. */
  declare weight: Tensor | null;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(
    ...args: Args<MultiMarginLossOptions, ["p", "margin", "weight", "sizeAverage", "reduce", "reduction"]>
  ) {
    super();
    const options = named<MultiMarginLossOptions>("make MultiMarginLoss", args, [
      "p",
      "margin",
      "weight",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { p = 1, margin = 1, weight = null } = options;
    this.p = p;
    this.margin = margin;
    this.registerBuffer("weight", weight);
    this.reduction = reductionOf("make MultiMarginLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this;
    return F.multiMarginLoss(input, target, { p, margin, weight, reduction });
  }
}

/**
 * Hinge loss of several classes at once.
 *
 * See {@linkcode F.multilabelMarginLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html
 */
export class MultiLabelMarginLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<LossOptions, ["sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<LossOptions>("make MultiLabelMarginLoss", args, [
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    this.reduction = reductionOf("make MultiLabelMarginLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.multilabelMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of {@linkcode MultiLabelSoftMarginLoss}. */
export interface MultiLabelSoftMarginLossOptions extends LossOptions {
  /** A factor for each class. */
  readonly weight?: Tensor | null;
}

/**
 * Logistic loss of several classes at once.
 *
 * See {@linkcode F.multilabelSoftMarginLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html
 */
export class MultiLabelSoftMarginLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** A factor for each class. */
  declare weight: Tensor | null;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(
    ...args: Args<MultiLabelSoftMarginLossOptions, ["weight", "sizeAverage", "reduce", "reduction"]>
  ) {
    super();
    const options = named<MultiLabelSoftMarginLossOptions>("make MultiLabelSoftMarginLoss", args, [
      "weight",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { weight = null } = options;
    this.registerBuffer("weight", weight);
    this.reduction = reductionOf("make MultiLabelSoftMarginLoss", options);
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.multilabelSoftMarginLoss(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** Options of {@linkcode CosineEmbeddingLoss}. */
export interface CosineEmbeddingLossOptions extends LossOptions {
  /** The margin. Default 0. */
  readonly margin?: number;
}

/**
 * Pulls the directions of pairs together or apart.
 *
 * See {@linkcode F.cosineEmbeddingLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
 */
export class CosineEmbeddingLoss extends Module<[input1: Tensor, input2: Tensor, target: Tensor], Tensor> {
  /** The margin. */
  margin: number;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(...args: Args<CosineEmbeddingLossOptions, ["margin", "sizeAverage", "reduce", "reduction"]>) {
    super();
    const options = named<CosineEmbeddingLossOptions>("make CosineEmbeddingLoss", args, [
      "margin",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { margin = 0 } = options;
    this.margin = margin;
    this.reduction = reductionOf("make CosineEmbeddingLoss", options);
  }

  /** Computes the loss. */
  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return F.cosineEmbeddingLoss(input1, input2, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** Options of {@linkcode TripletMarginLoss}. */
export interface TripletMarginLossOptions extends LossOptions {
  /** The margin. Default 1. */
  readonly margin?: number;
  /** Degree of the norm. Default 2. */
  readonly p?: number;
  /** Added to the differences. Default 1e-6. */
  readonly eps?: number;
  /** Whether the negative's distance is that to the nearer of anchor and positive. Default false. */
  readonly swap?: boolean;
}

/**
 * Keeps the anchor nearer to the positive than to the negative.
 *
 * See {@linkcode F.tripletMarginLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html
 */
export class TripletMarginLoss extends Module<[anchor: Tensor, positive: Tensor, negative: Tensor], Tensor> {
  /** The margin. */
  margin: number;
  /** Degree of the norm. */
  p: number;
  /** Added to the differences. */
  eps: number;
  /** Whether the negative's distance is that to the nearer of anchor and positive. */
  swap: boolean;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(
    ...args: Args<
      TripletMarginLossOptions,
      ["margin", "p", "eps", "swap", "sizeAverage", "reduce", "reduction"]
    >
  ) {
    super();
    const options = named<TripletMarginLossOptions>("make TripletMarginLoss", args, [
      "margin",
      "p",
      "eps",
      "swap",
      "sizeAverage",
      "reduce",
      "reduction",
    ]);
    const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
    this.margin = margin;
    this.p = p;
    this.eps = eps;
    this.swap = swap;
    this.reduction = reductionOf("make TripletMarginLoss", options);
  }

  /** Computes the loss. */
  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return F.tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}

/** Options of {@linkcode KLDivLoss}. */
export interface KLDivLossOptions extends Omit<LossOptions, "reduction"> {
  /** Default `"mean"`, over all elements; `"batchmean"` is the mathematical mean over the batch. */
  readonly reduction?: Reduction | "batchmean";
  /** Whether the target comes as logarithms. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback–Leibler divergence of log probabilities from a target distribution.
 *
 * See {@linkcode F.klDiv}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html
 */
export class KLDivLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  /** How the losses become one number. */
  reduction: Reduction | "batchmean";
  /** Whether the target comes as logarithms. */
  logTarget: boolean;

  /** Makes the module. */
  constructor(...args: Args<KLDivLossOptions, ["sizeAverage", "reduce", "reduction", "logTarget"]>) {
    super();
    const names = ["sizeAverage", "reduce", "reduction", "logTarget"] as const;
    const { reduction, logTarget = false, ...old } = named<KLDivLossOptions>("make KLDivLoss", args, names);
    this.reduction = reduction === "batchmean"
      ? reduction
      : reductionOf("make KLDivLoss", reduction === undefined ? old : { ...old, reduction });
    this.logTarget = logTarget;
  }

  /** Computes the loss. */
  override forward(input: Tensor, target: Tensor): Tensor {
    return F.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}

/**
 * {@linkcode TripletMarginLoss} with any distance.
 *
 * See {@linkcode F.tripletMarginWithDistanceLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginWithDistanceLoss.html
 */
export class TripletMarginWithDistanceLoss
  extends Module<[anchor: Tensor, positive: Tensor, negative: Tensor], Tensor> {
  /** The distance of two batches, under PyTorch's name. */
  distance_function: (x: Tensor, y: Tensor) => Tensor;
  /** The margin. */
  margin: number;
  /** Whether the negative's distance is that to the nearer of anchor and positive. */
  swap: boolean;
  /** How the losses become one number. */
  reduction: Reduction;

  /** Makes the module. */
  constructor(options: F.TripletMarginWithDistanceLossOptions = {}) {
    super();
    const names = ["distanceFunction", "margin", "swap", "reduction"] as const;
    const { distanceFunction, margin = 1, swap = false, reduction = "mean" } = named<
      F.TripletMarginWithDistanceLossOptions
    >("make TripletMarginWithDistanceLoss", [options], [], names);
    this.distance_function = distanceFunction ?? new PairwiseDistance();
    this.margin = margin;
    this.swap = swap;
    this.reduction = reductionOf("make TripletMarginWithDistanceLoss", { reduction });
  }

  /** The distance of two batches. */
  get distanceFunction(): (x: Tensor, y: Tensor) => Tensor {
    return this.distance_function;
  }

  /** Computes the loss. */
  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction, margin, swap, reduction } = this;
    return F.tripletMarginWithDistanceLoss(anchor, positive, negative, {
      distanceFunction,
      margin,
      swap,
      reduction,
    });
  }
}

/** Lengths of the samples of a batch: a tensor of integers, numbers, or one number. */
export type Lengths = Tensor | number | readonly number[];

/**
 * Connectionist temporal classification.
 *
 * See {@linkcode F.ctcLoss}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
 */
export class CTCLoss
  extends Module<[logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths], Tensor> {
  /** The class of nothing. */
  blank: number;
  /** How the losses become one number. */
  reduction: Reduction;
  /** Whether infinite losses and their gradients are 0. */
  zeroInfinity: boolean;

  /** Makes the module. */
  constructor(...args: Args<F.CtcLossOptions, ["blank", "reduction", "zeroInfinity"]>) {
    super();
    const names = ["blank", "reduction", "zeroInfinity"] as const;
    const options = named<F.CtcLossOptions>("make CTCLoss", args, names);
    const { blank = 0, reduction = "mean", zeroInfinity = false } = options;
    this.blank = blank;
    this.reduction = reductionOf("make CTCLoss", { reduction });
    this.zeroInfinity = zeroInfinity;
  }

  /** Computes the loss. */
  override forward(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths): Tensor {
    const { blank, reduction, zeroInfinity } = this;
    return F.ctcLoss(logProbs, targets, inputLengths, targetLengths, { blank, reduction, zeroInfinity });
  }
}
