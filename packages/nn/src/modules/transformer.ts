/**
 * Transformers: TransformerEncoderLayer, TransformerDecoderLayer, TransformerEncoder, TransformerDecoder, Transformer.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import { add, type Args, type DeviceLike, full, gelu, relu, type Tensor, triu } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { ModuleList } from "../containers.ts";
import { deepcopy } from "../copy.ts";
import { xavierUniform_ } from "../init.ts";
import { type AnyModule, Module } from "../module.ts";
import { MultiheadAttention } from "./attention.ts";
import { Dropout } from "./dropout.ts";
import { FACTORY_NAMES, type FactoryOptions, type ModuleArgs, requireSize, settingsOf } from "./factory.ts";
import { Linear } from "./linear.ts";
import { LayerNorm } from "./norm.ts";

/** The function between the two linear layers: by name, or any. */
export type TransformerActivation = "relu" | "gelu" | ((x: Tensor) => Tensor);

/** Sizes of {@linkcode TransformerEncoderLayer} and {@linkcode TransformerDecoderLayer}. */
export interface TransformerLayerSizes {
  /** Size of the inputs. */
  readonly dModel: number;
  /** Number of heads. */
  readonly nhead: number;
}

/** Options of {@linkcode TransformerEncoderLayer} and {@linkcode TransformerDecoderLayer}. */
export interface TransformerLayerOptions extends FactoryOptions {
  /** Size between the two linear layers. Default 2048. */
  readonly dimFeedforward?: number;
  /** Probability of dropout. Default 0.1. */
  readonly dropout?: number;
  /** Default `"relu"`. */
  readonly activation?: TransformerActivation;
  /** Added to the variance by the normalizations. Default 1e-5. */
  readonly layerNormEps?: number;
  /** Whether the batch is the first dimension, else the second. Default false. */
  readonly batchFirst?: boolean;
  /** Whether inputs are normalized before attention and linear layers, else their sums after. Default false. */
  readonly normFirst?: boolean;
  /** Whether linear layers and normalizations add learned vectors. Default true. */
  readonly bias?: boolean;
}

/** Positional options of {@linkcode TransformerEncoderLayer} and {@linkcode TransformerDecoderLayer}. */
export type TransformerLayerArgs = ModuleArgs<
  [dModel: number, nhead: number],
  TransformerLayerSizes,
  TransformerLayerOptions,
  [
    "dimFeedforward",
    "dropout",
    "activation",
    "layerNormEps",
    "batchFirst",
    "normFirst",
    "bias",
    "device",
    "dtype",
  ]
>;

const LAYER_NAMES = [
  "dimFeedforward",
  "dropout",
  "activation",
  "layerNormEps",
  "batchFirst",
  "normFirst",
  "bias",
  ...FACTORY_NAMES,
] as const;

function layerSettings(
  name: string,
  args: readonly unknown[],
): Required<TransformerLayerSizes & TransformerLayerOptions> {
  const settings = settingsOf<TransformerLayerSizes, TransformerLayerOptions>(
    name,
    args,
    ["dModel", "nhead"],
    LAYER_NAMES,
  );
  return {
    dimFeedforward: 2048,
    dropout: 0.1,
    activation: "relu",
    layerNormEps: 1e-5,
    batchFirst: false,
    normFirst: false,
    bias: true,
    device: null,
    dtype: null,
    ...settings,
  };
}

function activationOf(name: string, activation: TransformerActivation): (x: Tensor) => Tensor {
  if (activation === "relu") return (x) => relu(x);
  if (activation === "gelu") return (x) => gelu(x);
  if (typeof activation === "function") return activation;
  throw new ValueError(
    `Cannot make ${name} with activation ${
      JSON.stringify(activation)
    }: it must be "relu", "gelu" or a function`,
  );
}

/** Options of the call of {@linkcode TransformerEncoderLayer}. */
export interface EncoderLayerInputs {
  /** What queries may see: see {@linkcode MultiheadAttention}. */
  readonly srcMask?: Tensor | null;
  /** Which keys are padding. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that the mask is causal. Default false. */
  readonly isCausal?: boolean;
}

/** Positional options of the call of {@linkcode TransformerEncoderLayer}. */
export type EncoderLayerArgs = Args<EncoderLayerInputs, ["srcMask", "srcKeyPaddingMask", "isCausal"]>;

/**
 * Self-attention and two linear layers, each with dropout, a shortcut and normalization.
 *
 * Shapes: src `[L, N, dModel]`, or `[N, L, dModel]` with `batchFirst`, or `[L, dModel]` → the same.
 *
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
 */
export class TransformerEncoderLayer extends Module<[src: Tensor, ...rest: EncoderLayerArgs], Tensor> {
  /** The self-attention, under the name of the state dict. */
  self_attn: MultiheadAttention;
  /** The first linear layer. */
  linear1: Linear;
  /** Between the linear layers. */
  dropout: Dropout;
  /** The second linear layer. */
  linear2: Linear;
  /** Normalization of the attention. */
  norm1: LayerNorm;
  /** Normalization of the linear layers. */
  norm2: LayerNorm;
  /** After the attention. */
  dropout1: Dropout;
  /** After the linear layers. */
  dropout2: Dropout;
  /** Whether inputs are normalized, else sums. */
  normFirst: boolean;
  /** The function between the linear layers. */
  activation: (x: Tensor) => Tensor;

  /** Makes a layer with random parameters. */
  constructor(...args: TransformerLayerArgs) {
    super();
    const s = layerSettings("TransformerEncoderLayer", args);
    const factory = { device: s.device, dtype: s.dtype };
    const norm = () => new LayerNorm(s.dModel, { eps: s.layerNormEps, bias: s.bias, ...factory });
    this.self_attn = new MultiheadAttention(s.dModel, s.nhead, {
      dropout: s.dropout,
      bias: s.bias,
      batchFirst: s.batchFirst,
      ...factory,
    });
    this.linear1 = new Linear(s.dModel, s.dimFeedforward, { bias: s.bias, ...factory });
    this.dropout = new Dropout(s.dropout);
    this.linear2 = new Linear(s.dimFeedforward, s.dModel, { bias: s.bias, ...factory });
    this.norm1 = norm();
    this.norm2 = norm();
    this.dropout1 = new Dropout(s.dropout);
    this.dropout2 = new Dropout(s.dropout);
    this.normFirst = s.normFirst;
    this.activation = activationOf("TransformerEncoderLayer", s.activation);
  }

  /** The self-attention. */
  get selfAttn(): MultiheadAttention {
    return this.self_attn;
  }

  /** Runs the layer. */
  override forward(src: Tensor, ...rest: EncoderLayerArgs): Tensor {
    const names = ["srcMask", "srcKeyPaddingMask", "isCausal"] as const;
    const options = named<EncoderLayerInputs>("TransformerEncoderLayer", rest, names);
    const { srcMask = null, srcKeyPaddingMask = null, isCausal = false } = options;
    const attend = (x: Tensor) =>
      this.dropout1(
        this.self_attn(x, x, x, {
          attnMask: srcMask,
          keyPaddingMask: srcKeyPaddingMask,
          needWeights: false,
          isCausal,
        })[0],
      );
    const feed = (x: Tensor) => this.dropout2(this.linear2(this.dropout(this.activation(this.linear1(x)))));
    if (this.normFirst) {
      const x = add(src, attend(this.norm1(src)));
      return add(x, feed(this.norm2(x)));
    }
    const x = this.norm1(add(src, attend(src)));
    return this.norm2(add(x, feed(x)));
  }
}

/** Options of the call of {@linkcode TransformerDecoderLayer} and {@linkcode TransformerDecoder}. */
export interface DecoderLayerInputs {
  /** What the target may see of itself: see {@linkcode MultiheadAttention}. */
  readonly tgtMask?: Tensor | null;
  /** What the target may see of the memory. */
  readonly memoryMask?: Tensor | null;
  /** Which places of the target are padding. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** Which places of the memory are padding. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Says that `tgtMask` is causal. Default false. */
  readonly tgtIsCausal?: boolean | null;
  /** Says that `memoryMask` is causal. Default false. */
  readonly memoryIsCausal?: boolean;
}

/** Positional options of the call of {@linkcode TransformerDecoderLayer} and {@linkcode TransformerDecoder}. */
export type DecoderLayerArgs = Args<
  DecoderLayerInputs,
  ["tgtMask", "memoryMask", "tgtKeyPaddingMask", "memoryKeyPaddingMask", "tgtIsCausal", "memoryIsCausal"]
>;

const DECODER_NAMES = [
  "tgtMask",
  "memoryMask",
  "tgtKeyPaddingMask",
  "memoryKeyPaddingMask",
  "tgtIsCausal",
  "memoryIsCausal",
] as const;

/**
 * Self-attention, attention to a memory and two linear layers, each with dropout, a shortcut and normalization.
 *
 * Shapes: tgt `[L, N, dModel]` and memory `[S, N, dModel]`, with the batch first where `batchFirst`, or both without N →
 * the shape of tgt.
 *
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html
 */
export class TransformerDecoderLayer
  extends Module<[tgt: Tensor, memory: Tensor, ...rest: DecoderLayerArgs], Tensor> {
  /** The self-attention, under the name of the state dict. */
  self_attn: MultiheadAttention;
  /** The attention to the memory, under the name of the state dict. */
  multihead_attn: MultiheadAttention;
  /** The first linear layer. */
  linear1: Linear;
  /** Between the linear layers. */
  dropout: Dropout;
  /** The second linear layer. */
  linear2: Linear;
  /** Normalization of the self-attention. */
  norm1: LayerNorm;
  /** Normalization of the attention to the memory. */
  norm2: LayerNorm;
  /** Normalization of the linear layers. */
  norm3: LayerNorm;
  /** After the self-attention. */
  dropout1: Dropout;
  /** After the attention to the memory. */
  dropout2: Dropout;
  /** After the linear layers. */
  dropout3: Dropout;
  /** Whether inputs are normalized, else sums. */
  normFirst: boolean;
  /** The function between the linear layers. */
  activation: (x: Tensor) => Tensor;

  /** Makes a layer with random parameters. */
  constructor(...args: TransformerLayerArgs) {
    super();
    const s = layerSettings("TransformerDecoderLayer", args);
    const factory = { device: s.device, dtype: s.dtype };
    const { dropout, bias, batchFirst } = s;
    const norm = () => new LayerNorm(s.dModel, { eps: s.layerNormEps, bias, ...factory });
    this.self_attn = new MultiheadAttention(s.dModel, s.nhead, { dropout, bias, batchFirst, ...factory });
    this.multihead_attn = new MultiheadAttention(s.dModel, s.nhead, {
      dropout,
      bias,
      batchFirst,
      ...factory,
    });
    this.linear1 = new Linear(s.dModel, s.dimFeedforward, { bias, ...factory });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(s.dimFeedforward, s.dModel, { bias, ...factory });
    this.norm1 = norm();
    this.norm2 = norm();
    this.norm3 = norm();
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.normFirst = s.normFirst;
    this.activation = activationOf("TransformerDecoderLayer", s.activation);
  }

  /** The self-attention. */
  get selfAttn(): MultiheadAttention {
    return this.self_attn;
  }

  /** The attention to the memory. */
  get multiheadAttn(): MultiheadAttention {
    return this.multihead_attn;
  }

  /** Runs the layer. */
  override forward(tgt: Tensor, memory: Tensor, ...rest: DecoderLayerArgs): Tensor {
    const options = named<DecoderLayerInputs>("TransformerDecoderLayer", rest, DECODER_NAMES);
    const self = (x: Tensor) =>
      this.dropout1(
        this.self_attn(x, x, x, {
          attnMask: options.tgtMask ?? null,
          keyPaddingMask: options.tgtKeyPaddingMask ?? null,
          needWeights: false,
          isCausal: options.tgtIsCausal ?? false,
        })[0],
      );
    const cross = (x: Tensor) =>
      this.dropout2(
        this.multihead_attn(x, memory, memory, {
          attnMask: options.memoryMask ?? null,
          keyPaddingMask: options.memoryKeyPaddingMask ?? null,
          needWeights: false,
          isCausal: options.memoryIsCausal ?? false,
        })[0],
      );
    const feed = (x: Tensor) => this.dropout3(this.linear2(this.dropout(this.activation(this.linear1(x)))));
    if (this.normFirst) {
      let x = add(tgt, self(this.norm1(tgt)));
      x = add(x, cross(this.norm2(x)));
      return add(x, feed(this.norm3(x)));
    }
    let x = this.norm1(add(tgt, self(tgt)));
    x = this.norm2(add(x, cross(x)));
    return this.norm3(add(x, feed(x)));
  }
}

/** Options of the call of {@linkcode TransformerEncoder}. */
export interface EncoderInputs {
  /** What queries may see: see {@linkcode MultiheadAttention}. */
  readonly mask?: Tensor | null;
  /** Which keys are padding. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that the mask is causal. */
  readonly isCausal?: boolean | null;
}

/** Positional options of the call of {@linkcode TransformerEncoder}. */
export type EncoderArgs = Args<EncoderInputs, ["mask", "srcKeyPaddingMask", "isCausal"]>;

/** Options of {@linkcode TransformerEncoder}. */
export interface TransformerEncoderOptions {
  /** A normalization at the end. Default none. */
  readonly norm?: AnyModule | null;
  /** Accepted and ignored: there are no nested tensors. */
  readonly enableNestedTensor?: boolean;
  /** Accepted and ignored. */
  readonly maskCheck?: boolean;
}

/**
 * Layers one after another, all copies of one.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html
 */
export class TransformerEncoder extends Module<[src: Tensor, ...rest: EncoderArgs], Tensor> {
  /** The layers. */
  layers: ModuleList;
  /** Number of layers. */
  numLayers: number;
  /** The normalization at the end. */
  norm: AnyModule | null;

  /** Copies `encoderLayer` as often as there are layers. */
  constructor(
    encoderLayer: AnyModule,
    numLayers: number,
    ...args: Args<TransformerEncoderOptions, ["norm", "enableNestedTensor", "maskCheck"]>
  ) {
    super();
    const names = ["norm", "enableNestedTensor", "maskCheck"] as const;
    const { norm = null } = named<TransformerEncoderOptions>("make TransformerEncoder", args, names);
    this.layers = copies(encoderLayer, requireSize("TransformerEncoder", "numLayers", numLayers));
    this.numLayers = numLayers;
    this.norm = norm;
  }

  /** Runs the layers. */
  override forward(src: Tensor, ...rest: EncoderArgs): Tensor {
    const names = ["mask", "srcKeyPaddingMask", "isCausal"] as const;
    const options = named<EncoderInputs>("TransformerEncoder", rest, names);
    const { mask = null, srcKeyPaddingMask = null, isCausal } = options;
    let x = src;
    for (const layer of this.layers) {
      x = layer(x, { srcMask: mask, srcKeyPaddingMask, isCausal: isCausal ?? false });
    }
    return this.norm === null ? x : this.norm(x);
  }
}

function copies(layer: AnyModule, count: number): ModuleList {
  return new ModuleList(Array.from({ length: count }, () => deepcopy(layer)));
}

/**
 * Layers one after another, all copies of one.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html
 */
export class TransformerDecoder
  extends Module<[tgt: Tensor, memory: Tensor, ...rest: DecoderLayerArgs], Tensor> {
  /** The layers. */
  layers: ModuleList;
  /** Number of layers. */
  numLayers: number;
  /** The normalization at the end. */
  norm: AnyModule | null;

  /** Copies `decoderLayer` as often as there are layers. */
  constructor(
    decoderLayer: AnyModule,
    numLayers: number,
    norm: AnyModule | null | { readonly norm?: AnyModule | null } = null,
  ) {
    super();
    this.layers = copies(decoderLayer, requireSize("TransformerDecoder", "numLayers", numLayers));
    this.numLayers = numLayers;
    this.norm = typeof norm === "object" && norm !== null ? norm.norm ?? null : norm;
  }

  /** Runs the layers. */
  override forward(tgt: Tensor, memory: Tensor, ...rest: DecoderLayerArgs): Tensor {
    const options = named<DecoderLayerInputs>("TransformerDecoder", rest, DECODER_NAMES);
    let x = tgt;
    for (const layer of this.layers) x = layer(x, memory, options);
    return this.norm === null ? x : this.norm(x);
  }
}

/** Options of {@linkcode Transformer}. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Size of the inputs. Default 512. */
  readonly dModel?: number;
  /** Number of heads. Default 8. */
  readonly nhead?: number;
  /** Layers of the encoder. Default 6. */
  readonly numEncoderLayers?: number;
  /** Layers of the decoder. Default 6. */
  readonly numDecoderLayers?: number;
  /** Another encoder. */
  readonly customEncoder?: AnyModule | null;
  /** Another decoder. */
  readonly customDecoder?: AnyModule | null;
}

/** Positional options of {@linkcode Transformer}. */
export type TransformerArgs = Args<
  TransformerOptions,
  [
    "dModel",
    "nhead",
    "numEncoderLayers",
    "numDecoderLayers",
    "dimFeedforward",
    "dropout",
    "activation",
    "customEncoder",
    "customDecoder",
    "layerNormEps",
    "batchFirst",
    "normFirst",
    "bias",
    "device",
    "dtype",
  ]
>;

/** Options of the call of {@linkcode Transformer}. */
export interface TransformerInputs {
  /** What the source may see of itself. */
  readonly srcMask?: Tensor | null;
  /** What the target may see of itself. */
  readonly tgtMask?: Tensor | null;
  /** What the target may see of the encoded source. */
  readonly memoryMask?: Tensor | null;
  /** Which places of the source are padding. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Which places of the target are padding. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** Which places of the encoded source are padding. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Says that `srcMask` is causal. */
  readonly srcIsCausal?: boolean | null;
  /** Says that `tgtMask` is causal. */
  readonly tgtIsCausal?: boolean | null;
  /** Says that `memoryMask` is causal. Default false. */
  readonly memoryIsCausal?: boolean;
}

/** Positional options of the call of {@linkcode Transformer}. */
export type TransformerCallArgs = Args<
  TransformerInputs,
  [
    "srcMask",
    "tgtMask",
    "memoryMask",
    "srcKeyPaddingMask",
    "tgtKeyPaddingMask",
    "memoryKeyPaddingMask",
    "srcIsCausal",
    "tgtIsCausal",
    "memoryIsCausal",
  ]
>;

/**
 * An encoder and a decoder.
 *
 * Shapes: src `[S, N, dModel]` and tgt `[L, N, dModel]`, with the batch first where `batchFirst`, or both without N → the
 * shape of tgt.
 *
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Transformer.html
 */
export class Transformer extends Module<[src: Tensor, tgt: Tensor, ...rest: TransformerCallArgs], Tensor> {
  /** The encoder. */
  encoder: AnyModule;
  /** The decoder. */
  decoder: AnyModule;
  /** Size of the inputs. */
  dModel: number;
  /** Number of heads. */
  nhead: number;
  /** Whether the batch is the first dimension. */
  batchFirst: boolean;

  /** Makes a network with random parameters. */
  constructor(...args: TransformerArgs) {
    super();
    const options = named<TransformerOptions>("make Transformer", args, [
      "dModel",
      "nhead",
      "numEncoderLayers",
      "numDecoderLayers",
      "dimFeedforward",
      "dropout",
      "activation",
      "customEncoder",
      "customDecoder",
      "layerNormEps",
      "batchFirst",
      "normFirst",
      "bias",
      ...FACTORY_NAMES,
    ]);
    const { numEncoderLayers = 6, numDecoderLayers = 6, customEncoder, customDecoder, ...rest } = options;
    const layer = { dModel: 512, nhead: 8, ...rest };
    const { device = null, dtype = null, bias = true, layerNormEps = 1e-5 } = options;
    const norm = () => new LayerNorm(layer.dModel, { eps: layerNormEps, bias, device, dtype });
    this.encoder = customEncoder ??
      new TransformerEncoder(new TransformerEncoderLayer(layer), numEncoderLayers, norm());
    this.decoder = customDecoder ??
      new TransformerDecoder(new TransformerDecoderLayer(layer), numDecoderLayers, norm());
    this.dModel = layer.dModel;
    this.nhead = layer.nhead;
    this.batchFirst = options.batchFirst ?? false;
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter);
  }

  /** A mask of floats that hides the future: 0 up to the diagonal, minus infinity above. */
  static generateSquareSubsequentMask(size: number, options: { readonly device?: DeviceLike } = {}): Tensor {
    return triu(full([size, size], -Infinity, { dtype: "float32", ...options }), 1);
  }

  /** Encodes the source, and decodes it to the target. */
  override forward(src: Tensor, tgt: Tensor, ...rest: TransformerCallArgs): Tensor {
    const options = named<TransformerInputs>("Transformer", rest, [
      "srcMask",
      "tgtMask",
      "memoryMask",
      "srcKeyPaddingMask",
      "tgtKeyPaddingMask",
      "memoryKeyPaddingMask",
      "srcIsCausal",
      "tgtIsCausal",
      "memoryIsCausal",
    ]);
    const what = `Cannot Transformer ${formatType(src)} and ${formatType(tgt)}`;
    const batch = this.batchFirst ? 0 : 1;
    if (src.ndim === 3 && src.shape[batch] !== tgt.shape[batch]) {
      throw new ShapeError(
        `${what}: both must have the same batch, got ${src.shape[batch]} and ${tgt.shape[batch]}`,
      );
    }
    if (src.shape.at(-1) !== this.dModel || tgt.shape.at(-1) !== this.dModel) {
      throw new ShapeError(`${what}: the last size of both must be dModel ${this.dModel}`);
    }
    const { srcMask, srcKeyPaddingMask, srcIsCausal, ...forDecoder } = options;
    const memory: Tensor = this.encoder(src, {
      mask: srcMask ?? null,
      srcKeyPaddingMask: srcKeyPaddingMask ?? null,
      isCausal: srcIsCausal ?? null,
    });
    return this.decoder(tgt, memory, forDecoder);
  }
}
