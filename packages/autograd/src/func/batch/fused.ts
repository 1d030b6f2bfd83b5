/**
 * Batching rules of fused primitives. Those with a dimension for samples or channels take the batch into it.
 *
 * @module
 */

import type { ConvAttrs, FusedPrimitives } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { matmul, transpose } from "../../math.ts";
import {
  type BatchRule,
  type BatchRulesOf,
  fold,
  full,
  type Lowered,
  merge,
  move,
  ranked,
  reshape,
  split,
  unfold,
} from "./lowered.ts";
import { alike, broadcasting } from "./pointwise.ts";
import { along } from "./reduce.ts";

/** `x @ weightᵀ + bias` with weights of their own for each element of the batch. */
const linear: BatchRule<"linear"> = ([x, weight, bias], _, size) => {
  if (!weight.batched && !bias.batched) return bind("linear", [x.x, weight.x, bias.x], null);
  const k = x.x.shape.at(-1)!;
  const lead = x.x.shape.slice(x.batched ? 1 : 0, -1);
  const rows = lead.reduce((count, n) => count * n, 1);
  const flat = reshape(x.x, x.batched ? [size, rows, k] : [rows, k]);
  const products = matmul(flat, transpose(weight.x)); // (B, rows, K) · (B, K, N)
  const out = bind("add", [products, ranked(bias, 2)], null);
  return reshape(out, [size, ...lead, out.shape.at(-1)!]);
};

/** Every channel of every element of the batch is a channel of one larger normalization. */
const batchNorm: BatchRule<"batchNorm"> = ([x, weight, bias], attrs, size) => {
  const [y, mean, rstd] = bind(
    "batchNorm",
    [fold(x, 1, size), fold(weight, 0, size), fold(bias, 0, size)],
    attrs,
  );
  return [unfold(y, 1, size), split(mean, 0, size), split(rstd, 0, size)];
};

const batchNormBackward: BatchRule<"batchNormBackward"> = ([g, x, weight, mean, rstd], _, size) => {
  const [gx, gweight, gbias] = bind("batchNormBackward", [
    fold(g, 1, size),
    fold(x, 1, size),
    fold(weight, 0, size),
    fold(mean, 0, size),
    fold(rstd, 0, size),
  ], null);
  return [unfold(gx, 1, size), split(gweight, 0, size), split(gbias, 0, size)];
};

/** Channels in groups with the batch between group and channel: `(B, O, …)`, O = g·o → `(g·B·o, …)` at `dim`. */
function foldInGroups(input: Lowered, dim: number, groups: number, size: number): Tensor {
  const parted = split(full(input, size), dim + 1, groups); // (B, …, g, o, …)
  return merge(merge(move(parted, 0, dim + 1), dim), dim);
}

/** Undoes {@linkcode foldInGroups}. */
function unfoldInGroups(x: Tensor, dim: number, groups: number, size: number): Tensor {
  const parted = split(split(x, dim, groups), dim + 1, size); // (…, g, B, o, …)
  return merge(move(parted, dim + 1, 0), dim + 1);
}

function grouped<A extends ConvAttrs>(attrs: A, size: number): A {
  return { ...attrs, groups: attrs.groups * size };
}

const conv: BatchRule<"conv"> = ([x, weight], attrs, size) => {
  if (!weight.batched) return split(bind("conv", [fold(x, 0, size), weight.x], attrs), 0, size);
  if (!x.batched) {
    const y = bind("conv", [x.x, foldInGroups(weight, 0, attrs.groups, size)], attrs);
    return unfoldInGroups(y, 1, attrs.groups, size);
  }
  const y = bind("conv", [fold(x, 1, size), fold(weight, 0, size)], grouped(attrs, size));
  return unfold(y, 1, size);
};

const convInputGrad: BatchRule<"convInputGrad"> = ([g, weight], attrs, size) => {
  if (!weight.batched) return split(bind("convInputGrad", [fold(g, 0, size), weight.x], attrs), 0, size);
  const gx = bind("convInputGrad", [fold(g, 1, size), fold(weight, 0, size)], grouped(attrs, size));
  return unfold(gx, 1, size);
};

const convWeightGrad: BatchRule<"convWeightGrad"> = ([g, x], attrs, size) => {
  if (!x.batched) {
    const gw = bind("convWeightGrad", [foldInGroups(g, 1, attrs.groups, size), x.x], attrs);
    return unfoldInGroups(gw, 0, attrs.groups, size);
  }
  if (!g.batched) {
    const gw = bind("convWeightGrad", [g.x, foldInGroups(x, 1, attrs.groups, size)], attrs);
    return move(split(gw, 1, size), 1, 0); // (O, B·c, …)
  }
  const gw = bind("convWeightGrad", [fold(g, 1, size), fold(x, 1, size)], grouped(attrs, size));
  return split(gw, 0, size);
};

/** Rules of fused primitives; null where the steps of the decomposition are batched in their place. */
export const fusedBatchRules: BatchRulesOf<FusedPrimitives<unknown>> = {
  softmax: along("softmax") as unknown as BatchRule<"softmax">,
  logSoftmax: along("logSoftmax") as unknown as BatchRule<"logSoftmax">,
  softmaxBackward: ([g, y], { dim }, size) =>
    bind("softmaxBackward", [full(g, size), full(y, size)], { dim: dim + 1 }),
  logSoftmaxBackward: ([g, y], { dim }, size) =>
    bind("logSoftmaxBackward", [full(g, size), full(y, size)], { dim: dim + 1 }),
  gelu: ([{ x }], attrs) => bind("gelu", [x], attrs),
  geluBackward: alike("geluBackward") as BatchRule<"geluBackward">,
  silu: ([{ x }]) => bind("silu", [x], null),
  reluBackward: alike("reluBackward") as BatchRule<"reluBackward">,
  clamp: ([{ x }], attrs) => bind("clamp", [x], attrs),
  dropout: null, // every sample drops the same places: who draws for each draws beside it
  addScaled: broadcasting("addScaled") as BatchRule<"addScaled">,
  linear,
  groupNorm: null,
  groupNormBackward: null,
  layerNorm: null,
  layerNormBackward: null,
  batchNorm,
  batchNormBackward,
  conv,
  convInputGrad,
  convWeightGrad,
  maxPool: ([x], attrs, size) => {
    const [values, places] = bind("maxPool", [fold(x, 0, size)], attrs);
    return [split(values, 0, size), split(places, 0, size)];
  },
  maxPoolValues: ([x], attrs, size) => split(bind("maxPoolValues", [fold(x, 0, size)], attrs), 0, size),
  maxPoolBackward: ([g, places], attrs, size) =>
    split(bind("maxPoolBackward", [fold(g, 0, size), fold(places, 0, size)], attrs), 0, size),
  avgPool: ([x], attrs, size) => split(bind("avgPool", [fold(x, 0, size)], attrs), 0, size),
  avgPoolBackward: ([g], attrs, size) => split(bind("avgPoolBackward", [fold(g, 0, size)], attrs), 0, size),
  resample: null,
  attention: ([q, k, v, bias], attrs, size) => {
    const rows = [full(q, size), full(k, size), full(v, size)] as const;
    return bind("attention", bias === undefined ? rows : [...rows, ranked(bias, q.rank)], attrs);
  },
  attentionBackward: ([g, q, k, v, logsumexp, delta, bias], attrs, size) => {
    const rows = [
      full(g, size),
      full(q, size),
      full(k, size),
      full(v, size),
      full(logsumexp, size),
      full(delta, size),
    ] as const;
    return bind("attentionBackward", bias === undefined ? rows : [...rows, ranked(bias, q.rank)], attrs);
  },
  nllLoss: null,
  crossEntropy: null,
  crossEntropyBackward: null,
  rnnLayer: null,
  rnnLayerBackward: null,
  lstmLayer: null,
  lstmLayerBackward: null,
  gruLayer: null,
  gruLayerBackward: null,
  sgdStep: alike("sgdStep") as unknown as BatchRule<"sgdStep">,
  adamStep: alike("adamStep") as unknown as BatchRule<"adamStep">,
};
