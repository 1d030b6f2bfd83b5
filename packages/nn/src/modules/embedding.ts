/**
 * Tables of vectors: Embedding, EmbeddingBag.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import { type Args, noGrad, select, type Tensor } from "@flambeau/tensor";
import { named, requireTensor } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { normal_ } from "../init.ts";
import { Module } from "../module.ts";
import { Parameter } from "../parameter.ts";
import { pythonRepr } from "../python.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";

/** Sizes of {@linkcode Embedding} and {@linkcode EmbeddingBag}. */
export interface EmbeddingSizes {
  /** Number of rows. */
  readonly numEmbeddings: number;
  /** Size of a row. */
  readonly embeddingDim: number;
}

/** Options of {@linkcode Embedding}. */
export interface EmbeddingModuleOptions extends FactoryOptions {
  /** A row that is 0 at first and gets no gradient. */
  readonly paddingIdx?: number | null;
  /** Rows that are looked up are scaled down to this norm, in place. */
  readonly maxNorm?: number | null;
  /** Degree of that norm. Default 2. */
  readonly normType?: number;
  /** Whether the gradient of a row is divided by how often it was looked up. Default false. */
  readonly scaleGradByFreq?: boolean;
  /** Accepted and ignored: there are no sparse gradients. */
  readonly sparse?: boolean;
  /** The table to start with. Default: normal numbers. */
  readonly _weight?: Tensor | null;
}

const SIZES = ["numEmbeddings", "embeddingDim"] as const;
const EMBEDDING_NAMES = [
  "paddingIdx",
  "maxNorm",
  "normType",
  "scaleGradByFreq",
  "sparse",
  "_weight",
  ...FACTORY_NAMES,
] as const;

/** The row that is padding, counted from the front. */
function paddingOf(module: string, index: number | null, rows: number): number | null {
  if (index === null) return null;
  if (!(Number.isInteger(index) && index >= -rows && index < rows)) {
    throw new ValueError(`Cannot make ${module}: paddingIdx must be in [${-rows}, ${rows}), got ${index}`);
  }
  return index < 0 ? index + rows : index;
}

function tableOf(
  module: string,
  given: Tensor | null,
  rows: number,
  size: number,
  factory: FactoryOptions,
): Parameter {
  if (given === null) return makeParameter([rows, size], factory);
  requireTensor(`make ${module}`, "_weight", given);
  if (given.ndim !== 2 || given.shape[0] !== rows || given.shape[1] !== size) {
    throw new ShapeError(
      `Cannot make ${module} of ${formatType(given)}: its shape must be [${rows}, ${size}]`,
    );
  }
  return new Parameter(given);
}

/** Options of {@linkcode Embedding.fromPretrained}. */
export interface FromPretrainedOptions extends Omit<EmbeddingModuleOptions, "_weight" | "device" | "dtype"> {
  /** Whether the table is not trained. Default true. */
  readonly freeze?: boolean;
}

/**
 * A table of vectors that is looked up by row number.
 *
 * Shapes: input of integers `[…]` → `[…, embeddingDim]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
 */
export class Embedding extends Module {
  /** Number of rows. */
  numEmbeddings: number;
  /** Size of a row. */
  embeddingDim: number;
  /** The row that gets no gradient. */
  paddingIdx: number | null;
  /** Rows that are looked up are scaled down to this norm. */
  maxNorm: number | null;
  /** Degree of that norm. */
  normType: number;
  /** Whether the gradient of a row is divided by how often it was looked up. */
  scaleGradByFreq: boolean;
  /** Accepted and ignored. */
  sparse: boolean;
  /** The table, `[numEmbeddings, embeddingDim]`. */
  weight: Parameter;

  /** Makes a table of normal numbers. */
  constructor(
    ...args: ModuleArgs<
      [numEmbeddings: number, embeddingDim: number],
      EmbeddingSizes,
      EmbeddingModuleOptions,
      ["paddingIdx", "maxNorm", "normType", "scaleGradByFreq", "sparse", "_weight", "device", "dtype"]
    >
  ) {
    super();
    const settings = settingsOf<EmbeddingSizes, EmbeddingModuleOptions>(
      "Embedding",
      args,
      SIZES,
      EMBEDDING_NAMES,
    );
    const { numEmbeddings, embeddingDim, paddingIdx = null, maxNorm = null, normType = 2 } = settings;
    const { scaleGradByFreq = false, sparse = false, _weight: given = null } = settings;
    this.numEmbeddings = requireSize("Embedding", "numEmbeddings", numEmbeddings);
    this.embeddingDim = requireSize("Embedding", "embeddingDim", embeddingDim);
    this.paddingIdx = paddingOf("Embedding", paddingIdx, numEmbeddings);
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    this.sparse = sparse;
    const { device = null, dtype = null } = settings;
    this.weight = tableOf("Embedding", given, numEmbeddings, embeddingDim, { device, dtype });
    if (given === null) this.resetParameters();
  }

  /** Makes a layer of a table that exists, whose memory it shares. */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Args<
      FromPretrainedOptions,
      ["freeze", "paddingIdx", "maxNorm", "normType", "scaleGradByFreq", "sparse"]
    >
  ): Embedding {
    const names = ["freeze", "paddingIdx", "maxNorm", "normType", "scaleGradByFreq", "sparse"] as const;
    const { freeze = true, ...options } = named<FromPretrainedOptions>(
      "Embedding.fromPretrained",
      args,
      names,
    );
    const [rows, size] = pretrainedSizes("Embedding", embeddings);
    const layer = new this(rows, size, { ...options, _weight: embeddings });
    layer.weight.requiresGrad = !freeze;
    return layer;
  }

  /** Fills the table with normal numbers, and the padding with 0. */
  resetParameters(): void {
    normal_(this.weight);
    clearRow(this.weight, this.paddingIdx);
  }

  /** Looks up the rows. */
  override forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return F.embedding(input, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const parts = [`${this.numEmbeddings}, ${this.embeddingDim}`];
    if (this.paddingIdx !== null) parts.push(`padding_idx=${this.paddingIdx}`);
    if (this.maxNorm !== null) parts.push(`max_norm=${pythonRepr(this.maxNorm)}`);
    if (this.normType !== 2) parts.push(`norm_type=${pythonRepr(this.normType)}`);
    if (this.scaleGradByFreq) parts.push("scale_grad_by_freq=True");
    if (this.sparse) parts.push("sparse=True");
    return parts.join(", ");
  }
}

function pretrainedSizes(module: string, embeddings: Tensor): [rows: number, size: number] {
  requireTensor(`make ${module}`, "embeddings", embeddings);
  if (embeddings.ndim !== 2) {
    throw new ShapeError(`Cannot make ${module} of ${formatType(embeddings)}: it must have 2 dimensions`);
  }
  return [embeddings.shape[0]!, embeddings.shape[1]!];
}

function clearRow(table: Tensor, row: number | null): void {
  if (row !== null) noGrad(() => select(table, 0, row).fill_(0));
}

/** Options of {@linkcode EmbeddingBag}. */
export interface EmbeddingBagModuleOptions extends FactoryOptions {
  /** Rows that are looked up are scaled down to this norm, in place. */
  readonly maxNorm?: number | null;
  /** Degree of that norm. Default 2. */
  readonly normType?: number;
  /** Whether the gradient of a row is divided by how often it was looked up. Default false. */
  readonly scaleGradByFreq?: boolean;
  /** How the rows of a bag are combined. Default `"mean"`. */
  readonly mode?: "sum" | "mean" | "max";
  /** Accepted and ignored: there are no sparse gradients. */
  readonly sparse?: boolean;
  /** The table to start with. Default: normal numbers. */
  readonly _weight?: Tensor | null;
  /** Whether the last offset is the end of the last bag. Default false. */
  readonly includeLastOffset?: boolean;
  /** A row that is left out of the bags. */
  readonly paddingIdx?: number | null;
}

const BAG_NAMES = [
  "maxNorm",
  "normType",
  "scaleGradByFreq",
  "mode",
  "sparse",
  "_weight",
  "includeLastOffset",
  "paddingIdx",
  ...FACTORY_NAMES,
] as const;

/** Options of the call of {@linkcode EmbeddingBag}. */
export interface EmbeddingBagInputs {
  /** Where the bags start, for inputs of one dimension. */
  readonly offsets?: Tensor | null;
  /** Factors of the rows. */
  readonly perSampleWeights?: Tensor | null;
}

/**
 * Sums, means or maxima of bags of rows of a table.
 *
 * Shapes: input of integers `[B, N]`, or `[M]` with offsets `[B]` → `[B, embeddingDim]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
 */
export class EmbeddingBag extends Module<
  [input: Tensor, ...rest: Args<EmbeddingBagInputs, ["offsets", "perSampleWeights"]>],
  Tensor
> {
  /** Number of rows. */
  numEmbeddings: number;
  /** Size of a row. */
  embeddingDim: number;
  /** Rows that are looked up are scaled down to this norm. */
  maxNorm: number | null;
  /** Degree of that norm. */
  normType: number;
  /** Whether the gradient of a row is divided by how often it was looked up. */
  scaleGradByFreq: boolean;
  /** How the rows of a bag are combined. */
  mode: "sum" | "mean" | "max";
  /** Accepted and ignored. */
  sparse: boolean;
  /** Whether the last offset is the end of the last bag. */
  includeLastOffset: boolean;
  /** The row that is left out. */
  paddingIdx: number | null;
  /** The table, `[numEmbeddings, embeddingDim]`. */
  weight: Parameter;

  /** Makes a table of normal numbers. */
  constructor(
    ...args: ModuleArgs<
      [numEmbeddings: number, embeddingDim: number],
      EmbeddingSizes,
      EmbeddingBagModuleOptions,
      [
        "maxNorm",
        "normType",
        "scaleGradByFreq",
        "mode",
        "sparse",
        "_weight",
        "includeLastOffset",
        "paddingIdx",
        "device",
        "dtype",
      ]
    >
  ) {
    super();
    const settings = settingsOf<EmbeddingSizes, EmbeddingBagModuleOptions>(
      "EmbeddingBag",
      args,
      SIZES,
      BAG_NAMES,
    );
    const { numEmbeddings, embeddingDim, paddingIdx = null, maxNorm = null, normType = 2 } = settings;
    const { scaleGradByFreq = false, mode = "mean", sparse = false, includeLastOffset = false } = settings;
    this.numEmbeddings = requireSize("EmbeddingBag", "numEmbeddings", numEmbeddings);
    this.embeddingDim = requireSize("EmbeddingBag", "embeddingDim", embeddingDim);
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    this.mode = mode;
    this.sparse = sparse;
    this.includeLastOffset = includeLastOffset;
    this.paddingIdx = paddingOf("EmbeddingBag", paddingIdx, numEmbeddings);
    const { device = null, dtype = null, _weight: given = null } = settings;
    this.weight = tableOf("EmbeddingBag", given, numEmbeddings, embeddingDim, { device, dtype });
    if (given === null) this.resetParameters();
  }

  /** Makes a layer of a table that exists, whose memory it shares. */
  static fromPretrained(
    embeddings: Tensor,
    options: Omit<EmbeddingBagModuleOptions, "_weight" | "device" | "dtype"> & { readonly freeze?: boolean } =
      {},
  ): EmbeddingBag {
    const { freeze = true, ...rest } = options;
    const [rows, size] = pretrainedSizes("EmbeddingBag", embeddings);
    const layer = new this(rows, size, { ...rest, _weight: embeddings });
    layer.weight.requiresGrad = !freeze;
    return layer;
  }

  /** Fills the table with normal numbers, and the padding with 0. */
  resetParameters(): void {
    normal_(this.weight);
    clearRow(this.weight, this.paddingIdx);
  }

  /** Combines the rows of each bag. */
  override forward(
    input: Tensor,
    ...rest: Args<EmbeddingBagInputs, ["offsets", "perSampleWeights"]>
  ): Tensor {
    const { offsets = null, perSampleWeights = null } = named<EmbeddingBagInputs>("EmbeddingBag", rest, [
      "offsets",
      "perSampleWeights",
    ]);
    const { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx } = this;
    return F.embeddingBag(input, this.weight, {
      offsets,
      maxNorm,
      normType,
      scaleGradByFreq,
      mode,
      perSampleWeights,
      includeLastOffset,
      paddingIdx,
    });
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const parts = [`${this.numEmbeddings}, ${this.embeddingDim}`];
    if (this.maxNorm !== null) parts.push(`max_norm=${pythonRepr(this.maxNorm)}`);
    if (this.normType !== 2) parts.push(`norm_type=${pythonRepr(this.normType)}`);
    if (this.scaleGradByFreq) parts.push("scale_grad_by_freq=True");
    parts.push(`mode=${this.mode}`);
    if (this.paddingIdx !== null) parts.push(`padding_idx=${this.paddingIdx}`);
    return parts.join(", ");
  }
}
