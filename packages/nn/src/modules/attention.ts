/**
 * Attention of several heads: MultiheadAttention.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import { type Args, type Tensor, transpose } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { constant_, xavierNormal_, xavierUniform_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";
import { Linear } from "./linear.ts";

/** A {@linkcode Linear} under the name that PyTorch prints. */
export class NonDynamicallyQuantizableLinear extends Linear {}

/** Sizes of {@linkcode MultiheadAttention}. */
export interface AttentionSizes {
  /** Size of query and output. */
  readonly embedDim: number;
  /** Number of heads; divides `embedDim`. */
  readonly numHeads: number;
}

/** Options of {@linkcode MultiheadAttention}. */
export interface MultiheadAttentionModuleOptions extends FactoryOptions {
  /** Probability that a weight becomes 0. Default 0. */
  readonly dropout?: number;
  /** Whether the projections add learned vectors. Default true. */
  readonly bias?: boolean;
  /** Whether a learned key and value are added. Default false. */
  readonly addBiasKv?: boolean;
  /** Whether a key and a value of zeros are added. Default false. */
  readonly addZeroAttn?: boolean;
  /** Size of the keys. Default `embedDim`. */
  readonly kdim?: number | null;
  /** Size of the values. Default `embedDim`. */
  readonly vdim?: number | null;
  /** Whether the batch is the first dimension, else the second. Default false. */
  readonly batchFirst?: boolean;
}

/** Options of the call of {@linkcode MultiheadAttention}. */
export interface MultiheadAttentionInputs {
  /** Of bools: true where a key is padding; of floats: added to the scores. `[N, S]` or `[S]`. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether the weights are given too. Default true. */
  readonly needWeights?: boolean;
  /** Of bools: true where a key must not be seen; of floats: added to the scores. `[L, S]` or `[N · heads, L, S]`. */
  readonly attnMask?: Tensor | null;
  /** Whether the weights are means over the heads. Default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that the mask is causal. Default false. */
  readonly isCausal?: boolean;
}

/** Positional options of the call of {@linkcode MultiheadAttention}. */
export type MultiheadAttentionArgs = Args<
  MultiheadAttentionInputs,
  ["keyPaddingMask", "needWeights", "attnMask", "averageAttnWeights", "isCausal"]
>;

const CALL_NAMES = ["keyPaddingMask", "needWeights", "attnMask", "averageAttnWeights", "isCausal"] as const;

const NAMES = [
  "dropout",
  "bias",
  "addBiasKv",
  "addZeroAttn",
  "kdim",
  "vdim",
  "batchFirst",
  ...FACTORY_NAMES,
] as const;

/**
 * Attention of several heads.
 *
 * Shapes: query `[L, N, embedDim]`, key `[S, N, kdim]`, value `[S, N, vdim]`, with the batch first where `batchFirst`, or
 * all without N → the output in the shape of query, and the weights `[N, L, S]` or null.
 *
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, ...rest: MultiheadAttentionArgs],
  [output: Tensor, weights: Tensor | null]
> {
  /** Size of query and output. */
  embedDim: number;
  /** Size of the keys. */
  kdim: number;
  /** Size of the values. */
  vdim: number;
  /** Number of heads. */
  numHeads: number;
  /** Probability that a weight becomes 0. */
  dropout: number;
  /** Whether the batch is the first dimension. */
  batchFirst: boolean;
  /** Size of a head. */
  headDim: number;
  /** Whether a key and a value of zeros are added. */
  addZeroAttn: boolean;
  /** Weight of the query, where sizes differ. */
  q_proj_weight: Parameter | null;
  /** Weight of the key, where sizes differ. */
  k_proj_weight: Parameter | null;
  /** Weight of the value, where sizes differ. */
  v_proj_weight: Parameter | null;
  /** Weights of query, key and value behind one another, where sizes are equal. */
  in_proj_weight: Parameter | null;
  /** Biases of query, key and value behind one another. */
  in_proj_bias: Parameter | null;
  /** The projection of the output. */
  out_proj: NonDynamicallyQuantizableLinear;
  /** The learned key. */
  bias_k: Parameter | null;
  /** The learned value. */
  bias_v: Parameter | null;

  /** Makes a layer with random parameters. */
  constructor(
    ...args: ModuleArgs<
      [embedDim: number, numHeads: number],
      AttentionSizes,
      MultiheadAttentionModuleOptions,
      ["dropout", "bias", "addBiasKv", "addZeroAttn", "kdim", "vdim", "batchFirst", "device", "dtype"]
    >
  ) {
    super();
    const settings = settingsOf<AttentionSizes, MultiheadAttentionModuleOptions>(
      "MultiheadAttention",
      args,
      ["embedDim", "numHeads"],
      NAMES,
    );
    const { embedDim, numHeads, dropout = 0, bias = true, addBiasKv = false, addZeroAttn = false } = settings;
    const { kdim = null, vdim = null, batchFirst = false, device = null, dtype = null } = settings;
    this.embedDim = requireSize("MultiheadAttention", "embedDim", embedDim, 1);
    this.numHeads = requireSize("MultiheadAttention", "numHeads", numHeads, 1);
    if (embedDim % numHeads !== 0) {
      throw new ValueError(
        `Cannot make MultiheadAttention: embedDim must be divisible by numHeads, got ${embedDim} and ${numHeads}`,
      );
    }
    this.kdim = kdim ?? embedDim;
    this.vdim = vdim ?? embedDim;
    this.dropout = dropout;
    this.batchFirst = batchFirst;
    this.headDim = embedDim / numHeads;
    this.addZeroAttn = addZeroAttn;
    const factory = { device, dtype };
    const same = this.kdim === embedDim && this.vdim === embedDim;
    this.q_proj_weight = same ? null : makeParameter([embedDim, embedDim], factory);
    this.k_proj_weight = same ? null : makeParameter([embedDim, this.kdim], factory);
    this.v_proj_weight = same ? null : makeParameter([embedDim, this.vdim], factory);
    this.in_proj_weight = same ? makeParameter([3 * embedDim, embedDim], factory) : null;
    this.in_proj_bias = bias ? makeParameter([3 * embedDim], factory) : null;
    this.out_proj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias, ...factory });
    this.bias_k = addBiasKv ? makeParameter([1, 1, embedDim], factory) : null;
    this.bias_v = addBiasKv ? makeParameter([1, 1, embedDim], factory) : null;
    this.resetParameters();
  }

  /** The projection of the output. */
  get outProj(): Linear {
    return this.out_proj;
  }

  /** Weights of query, key and value behind one another. */
  get inProjWeight(): Parameter | null {
    return this.in_proj_weight;
  }

  /** Biases of query, key and value behind one another. */
  get inProjBias(): Parameter | null {
    return this.in_proj_bias;
  }

  /** Weight of the query, where sizes differ. */
  get qProjWeight(): Parameter | null {
    return this.q_proj_weight;
  }

  /** Weight of the key, where sizes differ. */
  get kProjWeight(): Parameter | null {
    return this.k_proj_weight;
  }

  /** Weight of the value, where sizes differ. */
  get vProjWeight(): Parameter | null {
    return this.v_proj_weight;
  }

  /** The learned key. */
  get biasK(): Parameter | null {
    return this.bias_k;
  }

  /** The learned value. */
  get biasV(): Parameter | null {
    return this.bias_v;
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    for (const weight of [this.in_proj_weight, this.q_proj_weight, this.k_proj_weight, this.v_proj_weight]) {
      if (weight !== null) xavierUniform_(weight);
    }
    if (this.in_proj_bias !== null) {
      constant_(this.in_proj_bias, 0);
      constant_(this.out_proj.bias!, 0);
    }
    if (this.bias_k !== null) xavierNormal_(this.bias_k);
    if (this.bias_v !== null) xavierNormal_(this.bias_v);
  }

  /** Attends; gives the output and, where `needWeights`, the weights. */
  override forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ...rest: MultiheadAttentionArgs
  ): [output: Tensor, weights: Tensor | null] {
    const options = named<MultiheadAttentionInputs>("MultiheadAttention", rest, CALL_NAMES);
    if (key.shape.at(-1) !== this.kdim || value.shape.at(-1) !== this.vdim) {
      throw new ShapeError(
        `Cannot MultiheadAttention ${formatType(key)} and ${
          formatType(value)
        }: the last sizes of key and value must be ` +
          `${this.kdim} and ${this.vdim}`,
      );
    }
    const swap = this.batchFirst && query.ndim === 3;
    const turned = (x: Tensor) => swap ? transpose(x, 0, 1) : x;
    const q = turned(query);
    const k = key === query ? q : turned(key);
    const v = value === key ? k : turned(value);
    const [output, weights] = F.multiHeadAttentionForward(q, k, v, {
      embedDimToCheck: this.embedDim,
      numHeads: this.numHeads,
      inProjWeight: this.in_proj_weight,
      inProjBias: this.in_proj_bias,
      biasK: this.bias_k,
      biasV: this.bias_v,
      addZeroAttn: this.addZeroAttn,
      dropoutP: this.dropout,
      outProjWeight: this.out_proj.weight,
      outProjBias: this.out_proj.bias,
      training: this.training,
      useSeparateProjWeight: this.in_proj_weight === null,
      qProjWeight: this.q_proj_weight,
      kProjWeight: this.k_proj_weight,
      vProjWeight: this.v_proj_weight,
      ...options,
    });
    return [turned(output), weights];
  }
}
