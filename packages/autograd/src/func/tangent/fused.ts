/**
 * Forward-mode rules of fused primitives.
 *
 * @module
 */

import { type FusedPrimitives, numelOf } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { full, mul, reshape, sub, sum, unary } from "../../math.ts";
import { diagonal, linearIn, sumOf, type TangentContext, type TangentRulesOf, transposed } from "./rule.ts";

/** The rule of a primitive that is linear in each of its two inputs. */
function bilinear<P extends "conv" | "convInputGrad" | "convWeightGrad">(name: P) {
  const apply = (x: Tensor, y: Tensor, { attrs }: TangentContext<P>) =>
    bind(name as "conv", [x, y], attrs as TangentContext<"conv">["attrs"]);
  return (context: TangentContext<P>): Tensor | null => {
    const [x, y] = context.inputs as unknown as readonly [Tensor, Tensor];
    const [tx, ty] = context.tangents;
    return sumOf(tx ? apply(tx, y, context) : null, ty ? apply(x, ty, context) : null);
  };
}

/** Elements of `t` [N, C, …] at `places` of the spatial dimensions. */
function atPlaces(t: Tensor, places: Tensor): Tensor {
  const [n, c, ...size] = t.shape as [number, number, ...number[]];
  const flat = reshape(t, [n, c, numelOf(size)]);
  const index = reshape(places, [n, c, numelOf(places.shape.slice(2))]);
  return reshape(bind("gather", [flat, index], { dim: 2 }), places.shape);
}

/** Rules of fused primitives. */
export const fusedTangents: TangentRulesOf<FusedPrimitives<unknown>> = {
  // The Jacobian of softmax is symmetric.
  softmax: ({ tangents: [t], output, attrs }) => bind("softmaxBackward", [t!, output], attrs),
  logSoftmax: ({ tangents: [t], output, attrs: { dim } }) =>
    sub(t!, sum(mul(unary("exp", output), t!), [dim], true)),
  softmaxBackward: "decompose",
  logSoftmaxBackward: "decompose",
  gelu: diagonal("gelu"),
  geluBackward: "decompose",
  silu: "decompose",
  reluBackward: ({ inputs: [, x], tangents: [t] }) => t ? bind("reluBackward", [t, x], null) : null,
  clamp: diagonal("clamp"),
  dropout: "decompose",
  addScaled: diagonal("addScaled"),
  linear: ({ inputs: [x, weight, bias], tangents: [tx, tweight, tbias] }) => {
    const none = full(bias, bias.shape, 0);
    return sumOf(
      tx ? bind("linear", [tx, weight, none], null) : null,
      tweight ? bind("linear", [x, tweight, tbias ?? none], null) : tbias ?? null,
    );
  },
  groupNorm: "decompose",
  groupNormBackward: "decompose",
  layerNorm: "decompose",
  layerNormBackward: "decompose",
  batchNorm: "decompose",
  batchNormBackward: "decompose",
  conv: bilinear("conv"),
  convInputGrad: bilinear("convInputGrad"),
  convWeightGrad: bilinear("convWeightGrad"),
  maxPool: ({ tangents: [t], output: [, places] }) => [atPlaces(t!, places), null],
  maxPoolValues: ({ inputs: [x], tangents: [t], attrs }) => atPlaces(t!, bind("maxPool", [x], attrs)[1]),
  maxPoolBackward: ({ inputs: [, places], tangents: [t], attrs }) =>
    bind("maxPoolBackward", [t!, places], attrs),
  avgPool: linearIn("avgPool"),
  avgPoolBackward: linearIn("avgPoolBackward"),
  resample: ({ inputs: [, index, weight], tangents: [t], attrs }) =>
    t ? bind("resample", [t, index, weight], attrs) : null,
  attention: "decompose",
  attentionBackward: "decompose",
  nllLoss: transposed("nllLoss"), // as in reverse mode, the weights of classes are constants
  crossEntropy: transposed("crossEntropy"),
  crossEntropyBackward: "decompose",
  rnnLayer: "decompose",
  rnnLayerBackward: "decompose",
  lstmLayer: "decompose",
  lstmLayerBackward: "decompose",
  gruLayer: "decompose",
  gruLayerBackward: "decompose",
  sgdStep: "decompose",
  adamStep: "decompose",
};
