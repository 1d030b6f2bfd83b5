/**
 * Attention: scaledDotProductAttention, multiHeadAttentionForward.
 *
 * @module
 */

import {
  bool,
  DTypeError,
  formatShape,
  formatType,
  ShapeError,
  shapesEqual,
  ValueError,
} from "@flambeau/core";
import {
  add,
  type Args,
  cat,
  chunk,
  dropout,
  expand,
  full,
  linear,
  logicalOr,
  matmul,
  mean,
  mul,
  narrow,
  ones,
  pad,
  repeat,
  repeatInterleave,
  reshape,
  softmax,
  squeeze,
  type Tensor,
  transpose,
  tril,
  unsqueeze,
  where,
  zeros,
} from "@flambeau/tensor";
import { bind, castTo, named, relabel, requireTensor, temporaries } from "@flambeau/tensor/internal";

/** Options of {@linkcode scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Of bools: true where a key may be seen; of floats: added to the scores. Broadcasts to `[…, L, S]`. */
  readonly attnMask?: Tensor | null;
  /** Probability that a weight becomes 0. Default 0. */
  readonly dropoutP?: number;
  /** Whether query `i` sees keys up to `i` only. Default false. */
  readonly isCausal?: boolean;
  /** Factor of the scores. Default 1 / √E. */
  readonly scale?: number | null;
  /** Whether the heads of key and value are repeated for groups of heads of the query. Default false. */
  readonly enableGqa?: boolean;
}

/**
 * `softmax(query keyᵀ · scale + mask) value`. A query that sees no key gives 0.
 *
 * Shapes: query `[…, L, E]`, key `[…, S, E]`, value `[…, S, F]` → `[…, L, F]`; leading dimensions broadcast.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @throws {ValueError} If both a mask and `isCausal` are given, or heads are not divisible.
 * @throws {DTypeError} If the mask is neither of bools nor of floats.
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: Args<AttentionOptions, ["attnMask", "dropoutP", "isCausal"]>
): Tensor {
  const op = "scaledDotProductAttention";
  requireTensor(op, "query", query);
  requireTensor(op, "key", key);
  requireTensor(op, "value", value);
  const names = ["attnMask", "dropoutP", "isCausal"] as const;
  const options = named<AttentionOptions>(op, args, names, ["scale", "enableGqa"]);
  const { attnMask = null, dropoutP = 0, isCausal = false, enableGqa = false } = options;
  const what = `Cannot ${op} ${formatType(query)}, ${formatType(key)} and ${formatType(value)}`;
  if (query.ndim < 2 || key.ndim < 2 || value.ndim < 2) {
    throw new ShapeError(`${what}: all must have at least 2 dimensions`);
  }
  if (query.shape.at(-1) !== key.shape.at(-1)) {
    throw new ShapeError(
      `${what}: the last sizes of query and key must be equal, got ${query.shape.at(-1)} and ${
        key.shape.at(-1)
      }`,
    );
  }
  if (key.shape.at(-2) !== value.shape.at(-2)) {
    throw new ShapeError(
      `${what}: key and value must have the same number of rows, got ${key.shape.at(-2)} and ${
        value.shape.at(-2)
      }`,
    );
  }
  if (attnMask !== null && isCausal) {
    throw new ValueError(`${what}: attnMask must be left out where isCausal is true`);
  }
  const scale = options.scale ?? 1 / Math.sqrt(query.shape.at(-1)!);
  return temporaries(() => {
    const [k, v] = enableGqa ? grouped(what, query, key, value) : [key, value];
    const bias = attnMask === null ? null : biasOf(what, attnMask, query);
    const y = dropoutP > 0
      ? spelledOut(query, k, v, bias, scale, isCausal, dropoutP)
      : fused(query, k, v, bias, scale, isCausal);
    return relabel(y, "ScaledDotProductAttentionBackward0");
  });
}

/** Repeats the heads of key and value for the heads of the query. */
function grouped(what: string, query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor] {
  const each = (x: Tensor): Tensor => {
    const [heads, own] = [query.shape.at(-3), x.shape.at(-3)];
    if (heads === undefined || own === undefined || own === 0 || heads % own !== 0) {
      throw new ValueError(
        `${what}: the heads of the query must be a multiple of those of key and value, got ${heads} and ${own}`,
      );
    }
    return heads === own ? x : repeatInterleave(x, heads / own, -3);
  };
  return [each(key), each(value)];
}

/** A mask in the form that is added to scores. */
function biasOf(what: string, mask: Tensor, like: Tensor): Tensor {
  requireTensor("scaledDotProductAttention", "attnMask", mask);
  if (mask.dtype === bool) {
    const hidden = full([], -Infinity, { dtype: like.dtype, device: like.device });
    return where(mask, zeros([], { dtype: like.dtype, device: like.device }), hidden);
  }
  if (mask.dtype.kind !== "float") {
    throw new DTypeError(`${what}: attnMask must be of bools or floats, got ${mask.dtype.name}`);
  }
  return castTo(mask, like.dtype);
}

/** By the primitive, which wants equal leading dimensions. */
function fused(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | null, scale: number, causal: boolean): Tensor {
  const rank = Math.max(q.ndim, k.ndim, v.ndim);
  const leads = [q, k, v].map((x) => [...new Array<number>(rank - x.ndim).fill(1), ...x.shape.slice(0, -2)]);
  const lead = leads[0]!.map((_, d) => {
    const sizes = leads.map((one) => one[d]!).filter((size) => size !== 1);
    return sizes[0] ?? 1;
  });
  const wide = ([q, k, v] as const).map((x) => {
    const shape = [...lead, ...x.shape.slice(-2)];
    return shapesEqual(shape, x.shape) ? x : expand(x, shape);
  }) as [Tensor, Tensor, Tensor];
  const attrs = { scale, causal };
  return (bias === null
    ? bind("attention", wide, attrs)
    : bind("attention", [...wide, bias] as [Tensor, Tensor, Tensor, Tensor], attrs))[0];
}

function spelledOut(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  bias: Tensor | null,
  scale: number,
  causal: boolean,
  dropoutP: number,
): Tensor {
  const products = mul(matmul(q, transpose(k, -2, -1)), scale);
  const biased = bias === null ? products : add(products, bias);
  const seen = causal ? tril(ones(biased.shape.slice(-2), { dtype: bool, device: q.device })) : null;
  const scores = seen === null ? biased : where(seen, biased, -Infinity);
  return matmul(dropout(softmax(scores, -1), { p: dropoutP, training: true }), v);
}

/** Parameters and options of {@linkcode multiHeadAttentionForward}. */
export interface MultiHeadAttentionOptions {
  /** Size that query must have, as a check. */
  readonly embedDimToCheck: number;
  /** Number of heads. */
  readonly numHeads: number;
  /** Weights of query, key and value behind one another, `[3 E, E]`; null with separate ones. */
  readonly inProjWeight: Tensor | null;
  /** Biases of query, key and value behind one another, `[3 E]`. */
  readonly inProjBias: Tensor | null;
  /** A learned key that is added to the keys, `[1, 1, E]`. */
  readonly biasK: Tensor | null;
  /** A learned value that is added to the values, `[1, 1, E]`. */
  readonly biasV: Tensor | null;
  /** Whether a key and a value of zeros are added. */
  readonly addZeroAttn: boolean;
  /** Probability that a weight becomes 0 in training. */
  readonly dropoutP: number;
  /** Weight of the output, `[E, E]`. */
  readonly outProjWeight: Tensor;
  /** Bias of the output, `[E]`. */
  readonly outProjBias: Tensor | null;
  /** Whether dropout acts. Default true. */
  readonly training: boolean;
  /** Of bools: true where a key is padding; of floats: added to the scores. `[N, S]` or `[S]`. */
  readonly keyPaddingMask: Tensor | null;
  /** Whether the weights are given too. Default true. */
  readonly needWeights: boolean;
  /** Of bools: true where a key must not be seen; of floats: added to the scores. `[L, S]` or `[N · heads, L, S]`. */
  readonly attnMask: Tensor | null;
  /** Whether the three weights are separate. Default false. */
  readonly useSeparateProjWeight: boolean;
  /** Weight of the query, `[E, E]`. */
  readonly qProjWeight: Tensor | null;
  /** Weight of the key, `[E, Ek]`. */
  readonly kProjWeight: Tensor | null;
  /** Weight of the value, `[E, Ev]`. */
  readonly vProjWeight: Tensor | null;
  /** Keys that take the place of projected ones, `[N · heads, S, E / heads]`. */
  readonly staticK: Tensor | null;
  /** Values that take the place of projected ones, `[N · heads, S, E / heads]`. */
  readonly staticV: Tensor | null;
  /** Whether the weights are means over the heads. Default true. */
  readonly averageAttnWeights: boolean;
  /** Whether the mask is causal: it is needed as a tensor, too, where weights are needed. Default false. */
  readonly isCausal: boolean;
}

const NAMES = [
  "embedDimToCheck",
  "numHeads",
  "inProjWeight",
  "inProjBias",
  "biasK",
  "biasV",
  "addZeroAttn",
  "dropoutP",
  "outProjWeight",
  "outProjBias",
  "training",
  "keyPaddingMask",
  "needWeights",
  "attnMask",
  "useSeparateProjWeight",
  "qProjWeight",
  "kProjWeight",
  "vProjWeight",
  "staticK",
  "staticV",
  "averageAttnWeights",
  "isCausal",
] as const;

/** Positional arguments of {@linkcode multiHeadAttentionForward} after the three tensors. */
export type MultiHeadAttentionArgs = Args<
  MultiHeadAttentionOptions,
  [
    "embedDimToCheck",
    "numHeads",
    "inProjWeight",
    "inProjBias",
    "biasK",
    "biasV",
    "addZeroAttn",
    "dropoutP",
    "outProjWeight",
    "outProjBias",
    "training",
    "keyPaddingMask",
    "needWeights",
    "attnMask",
    "useSeparateProjWeight",
    "qProjWeight",
    "kProjWeight",
    "vProjWeight",
    "staticK",
    "staticV",
    "averageAttnWeights",
    "isCausal",
  ]
>;

/**
 * Attention of several heads: projections, attention of each head, projection of all.
 *
 * Shapes: query `[L, N, E]`, key `[S, N, Ek]`, value `[S, N, Ev]` (or all without N) → `[L, N, E]` and the weights
 * `[N, L, S]` (or for each head), or null.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: MultiHeadAttentionArgs
): [output: Tensor, weights: Tensor | null] {
  requireTensor("multiHeadAttentionForward", "query", query);
  requireTensor("multiHeadAttentionForward", "key", key);
  requireTensor("multiHeadAttentionForward", "value", value);
  const options = named<MultiHeadAttentionOptions>("multiHeadAttentionForward", args, NAMES);
  checkInputs(query, key, value, options);
  const results = temporaries(() => attend(query, key, value, options));
  return [results[0]!, results[1] ?? null];
}

type Options = Partial<MultiHeadAttentionOptions>;

function describeCall(query: Tensor, key: Tensor, value: Tensor): string {
  return `Cannot multiHeadAttentionForward ${formatType(query)}, ${formatType(key)} and ${formatType(value)}`;
}

function checkInputs(query: Tensor, key: Tensor, value: Tensor, options: Options): void {
  const what = describeCall(query, key, value);
  if (query.ndim !== 2 && query.ndim !== 3 || key.ndim !== query.ndim || value.ndim !== query.ndim) {
    throw new ShapeError(`${what}: all must have 3 dimensions, or 2 without a batch`);
  }
  const { embedDimToCheck, numHeads = 1 } = options;
  const embed = query.shape.at(-1)!;
  if (embedDimToCheck !== undefined && embed !== embedDimToCheck) {
    throw new ShapeError(`${what}: the last size of query must be ${embedDimToCheck}, got ${embed}`);
  }
  if (embed % numHeads !== 0) {
    throw new ValueError(`${what}: ${embed} must be divisible by numHeads ${numHeads}`);
  }
  if (!shapesEqual(key.shape.slice(0, -1), value.shape.slice(0, -1))) {
    throw new ShapeError(`${what}: key and value must have the same length and batch`);
  }
  if (query.ndim === 3 && query.shape[1] !== key.shape[1]) {
    throw new ShapeError(`${what}: query and key must have the same batch`);
  }
}

/** Query, key and value after their projections. */
function project(query: Tensor, key: Tensor, value: Tensor, options: Options): [Tensor, Tensor, Tensor] {
  const { inProjWeight = null, inProjBias = null, useSeparateProjWeight = false } = options;
  const embed = query.shape.at(-1)!;
  if (!useSeparateProjWeight && query === key && key === value) {
    return chunk(linear(query, inProjWeight!, inProjBias), 3, -1) as [Tensor, Tensor, Tensor];
  }
  const { qProjWeight, kProjWeight, vProjWeight } = options;
  const weights = useSeparateProjWeight
    ? [qProjWeight!, kProjWeight!, vProjWeight!]
    : [0, 1, 2].map((i) => narrow(inProjWeight!, 0, i * embed, embed));
  const biases = [0, 1, 2].map((i) => inProjBias === null ? null : narrow(inProjBias, 0, i * embed, embed));
  return [query, key, value].map((x, i) => linear(x, weights[i]!, biases[i]!)) as [Tensor, Tensor, Tensor];
}

/** A mask whose true elements hide, as what is added to scores. */
function hiding(mask: Tensor, like: Tensor): Tensor {
  if (mask.dtype !== bool) return castTo(mask, like.dtype);
  const hidden = full([], -Infinity, { dtype: like.dtype, device: like.device });
  return where(mask, hidden, zeros([], { dtype: like.dtype, device: like.device }));
}

/** One more column that is seen. */
function widen(mask: Tensor | null): Tensor | null {
  return mask === null
    ? null
    : mask.dtype === bool
    ? cat([mask, zeros([...mask.shape.slice(0, -1), 1], { dtype: bool, device: mask.device })], -1)
    : pad(mask, [0, 1]);
}

function attend(givenQuery: Tensor, givenKey: Tensor, givenValue: Tensor, options: Options): Tensor[] {
  const what = describeCall(givenQuery, givenKey, givenValue);
  const { numHeads = 1, biasK = null, biasV = null, addZeroAttn = false } = options;
  const { training = true, needWeights = true, averageAttnWeights = true, isCausal = false } = options;
  const dropoutP = training ? options.dropoutP ?? 0 : 0;
  const batched = givenQuery.ndim === 3;
  const lift = (x: Tensor) => batched ? x : unsqueeze(x, 1);
  const query = lift(givenQuery);
  const key = givenKey === givenQuery ? query : lift(givenKey);
  const value = givenValue === givenKey ? key : lift(givenValue);
  const [length, batch, embed] = query.shape as [number, number, number];
  let padding = options.keyPaddingMask ?? null;
  if (padding !== null && !batched) padding = unsqueeze(padding, 0);
  let mask = maskOf(what, options.attnMask ?? null, batch * numHeads, length, key.shape[0]!);
  checkPadding(what, padding, batch, key.shape[0]!);

  let [q, k, v] = project(query, key, value, options);
  if (biasK !== null && biasV !== null) {
    k = cat([k, repeat(biasK, 1, batch, 1)], 0);
    v = cat([v, repeat(biasV, 1, batch, 1)], 0);
    mask = widen(mask);
    padding = widen(padding);
  }
  // (S, N, E) → (N · heads, S, E / heads)
  const split = (x: Tensor) => transpose(reshape(x, [x.shape[0]!, batch * numHeads, embed / numHeads]), 0, 1);
  q = split(q);
  k = options.staticK ?? split(k);
  v = options.staticV ?? split(v);
  if (addZeroAttn) {
    const nothing = zeros([batch * numHeads, 1, embed / numHeads], { dtype: k.dtype, device: k.device });
    k = cat([k, nothing], 1);
    v = cat([v, nothing], 1);
    mask = widen(mask);
    padding = widen(padding);
  }
  const bias = combined(mask, padding, batch, numHeads, q);
  const scale = 1 / Math.sqrt(embed / numHeads);
  // (N · heads, L, E / heads) → (L, N, E)
  const join = (x: Tensor) => reshape(transpose(x, 0, 1), [length, batch, embed]);
  const finish = (x: Tensor) => {
    const out = linear(join(x), options.outProjWeight!, options.outProjBias ?? null);
    return batched ? out : squeeze(out, 1);
  };
  if (!needWeights) {
    const causal = isCausal && bias === null;
    const heads = (x: Tensor) => reshape(x, [batch, numHeads, x.shape[1]!, x.shape[2]!]);
    const shaped = bias === null || bias.shape[0] === 1
      ? bias
      : reshape(bias, [batch, numHeads, bias.shape[1]!, bias.shape[2]!]);
    const out = scaledDotProductAttention(heads(q), heads(k), heads(v), shaped, dropoutP, causal);
    return [finish(reshape(out, [batch * numHeads, length, embed / numHeads]))];
  }
  const products = matmul(mul(q, scale), transpose(k, -2, -1));
  const weights = dropout(softmax(bias === null ? products : add(products, bias), -1), {
    p: dropoutP,
    training: true,
  });
  const perHead = reshape(weights, [batch, numHeads, length, k.shape[1]!]);
  const shown = averageAttnWeights ? mean(perHead, 1) : perHead;
  return [finish(matmul(weights, v)), batched ? shown : squeeze(shown, 0)];
}

/** The attention mask as `[1 or N · heads, L, S]`. */
function maskOf(
  what: string,
  mask: Tensor | null,
  heads: number,
  length: number,
  keys: number,
): Tensor | null {
  if (mask === null) return null;
  const lifted = mask.ndim === 2 ? unsqueeze(mask, 0) : mask;
  const leading = mask.ndim === 2 ? 1 : heads;
  if (!shapesEqual(lifted.shape, [leading, length, keys])) {
    throw new ShapeError(
      `${what}: attnMask must be [${length}, ${keys}] or [${heads}, ${length}, ${keys}], got ${
        formatShape(mask.shape)
      }`,
    );
  }
  return lifted;
}

function checkPadding(what: string, padding: Tensor | null, batch: number, keys: number): void {
  if (padding !== null && !shapesEqual(padding.shape, [batch, keys])) {
    throw new ShapeError(
      `${what}: keyPaddingMask must be [${batch}, ${keys}], got ${formatShape(padding.shape)}`,
    );
  }
}

/** Both masks as what is added to the scores `[1 or N · heads, L, S]`. */
function combined(
  mask: Tensor | null,
  padding: Tensor | null,
  batch: number,
  heads: number,
  like: Tensor,
): Tensor | null {
  if (padding === null) return mask === null ? null : hiding(mask, like);
  const keys = padding.shape[1]!;
  const rows = reshape(expand(reshape(padding, [batch, 1, 1, keys]), [batch, heads, 1, keys]), [
    batch * heads,
    1,
    keys,
  ]);
  if (mask === null) return hiding(rows, like);
  if (mask.dtype === bool && rows.dtype === bool) return hiding(logicalOr(mask, rows), like);
  return add(hiding(mask, like), hiding(rows, like));
}
