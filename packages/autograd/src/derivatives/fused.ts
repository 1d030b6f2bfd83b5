/**
 * Derivatives of fused primitives that are better than those of their decompositions.
 *
 * @module
 */

import {
  type Attrs,
  type ConvAttrs,
  type FusedName,
  int32,
  numelOf,
  type PoolAttrs,
  type Shape,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import {
  bind,
  bindInto,
  bindOver,
  executeOn,
  gradMode,
  makeEmpty,
  transforms,
} from "@flambeau/tensor/internal";
import {
  add,
  compare,
  div,
  expand,
  full,
  keepWhere,
  matmul,
  mul,
  neg,
  over,
  reshape,
  sub,
  sum,
  transpose,
  unary,
  where,
  zeros,
} from "../math.ts";
import { recurrentDerivatives } from "./recurrent.ts";
import { extremum } from "./reduce.ts";
import { crossRow, type Derivative, FIRST, INPUTS, NOTHING, OUTPUT, row, SECOND } from "../row.ts";

const THIRD = 4;

/** Batch dimensions in one: `[…, K]` → `[N, K]`. */
function rows(x: Tensor): Tensor {
  if (x.shape.length === 2) return x;
  const last = x.shape.at(-1)!;
  return reshape(x, [numelOf(x.shape.slice(0, -1)), last]);
}

function convAttrs(attrs: ConvAttrs): ConvAttrs {
  return { stride: attrs.stride, padding: attrs.padding, dilation: attrs.dilation, groups: attrs.groups };
}

function poolAttrs<A extends PoolAttrs & { countIncludePad: boolean; divisor: number | null }>(attrs: A) {
  return {
    kernelSize: attrs.kernelSize,
    stride: attrs.stride,
    padding: attrs.padding,
    dilation: attrs.dilation,
    ceilMode: attrs.ceilMode,
    countIncludePad: attrs.countIncludePad,
    divisor: attrs.divisor,
  };
}

const spatial = (shape: Shape): Shape => shape.slice(2);

/** The sum of two gradients, each of which may be none. */
function plus(x: Tensor | null, y: Tensor | null): Tensor | null {
  return x === null ? y : y === null ? x : add(x, y);
}

/**
 * What reaches x through the mean and 1/σ = (variance + eps)^(−1/2) of n elements, which have sizes 1 where they were taken:
 * ∂mean/∂x = 1/n and ∂(1/σ)/∂x = −(x − mean) / (n σ³).
 */
function statisticsGrad(
  x: Tensor,
  mean: Tensor,
  rstd: Tensor,
  gMean: Tensor | null,
  gRstd: Tensor | null,
): Tensor | null {
  const n = numelOf(x.shape) / numelOf(mean.shape);
  const viaMean = gMean === null ? null : expand(div(gMean, n), x.shape);
  const viaRstd = gRstd === null
    ? null
    : mul(sub(x, mean), mul(gRstd, mul(mul(mul(rstd, rstd), rstd), -1 / n)));
  return plus(viaMean, viaRstd);
}

/**
 * What reaches scores through their largest and the logarithm ln Σ e^(x − largest): e^(x − largest − logs) of the gradient of
 * the logarithm, and at the largest what that leaves of its own.
 */
function scoreStatisticsGrad(
  x: Tensor,
  largest: Tensor,
  logs: Tensor,
  gLargest: Tensor | null,
  gLogs: Tensor | null,
): Tensor | null {
  const [n, ...rest] = largest.shape as [number, ...number[]];
  const column = (y: Tensor): Tensor => reshape(y, [n, 1, ...rest]);
  const most = column(largest);
  const p = gLogs && unary("exp", sub(sub(x, most), column(logs)));
  const viaLogs = gLogs && mul(p!, column(gLogs));
  const left = plus(gLargest, gLogs && neg(gLogs));
  return plus(viaLogs, left && extremum(column(left), x, most, { dims: [1], keepdim: true }));
}

/**
 * Gradients of attention. Where nothing is recorded they lie in memory as the operands do: heads that were split off a
 * projection are joined again without a copy.
 */
function attentionGrads(
  inputs: readonly [g: Tensor, q: Tensor, k: Tensor, v: Tensor, logs: Tensor, delta: Tensor],
  bias: Tensor | undefined,
  attrs: Attrs<"attention">,
): readonly [gq: Tensor, gk: Tensor, gv: Tensor] {
  const list = bias === undefined ? inputs : [...inputs, bias] as const;
  const plain = !gradMode.enabled && transforms.active === null && inputs.every((x) => x.lifted === null);
  if (!plain) return bind("attentionBackward", list, attrs);
  const grads = [emptyLike(inputs[1]), emptyLike(inputs[2]), emptyLike(inputs[3])] as const;
  bindInto(grads, "attentionBackward", list, attrs);
  return grads;
}

/** Memory like that of `x`, whose dimensions have the same order, without gaps. */
function emptyLike(x: Tensor): Tensor {
  const order = x.shape.map((_, d) => d).sort((a, b) => x.strides[b]! - x.strides[a]! || a - b);
  // Rows stay dense: that is what kernels ask for.
  const last = order.indexOf(order.length - 1);
  order.push(...order.splice(last, 1));
  const packed = makeEmpty(x.backend, order.map((d) => x.shape[d]!), x.dtype);
  return bind("permute", [packed], { dims: order.map((_, d) => order.indexOf(d)) });
}

/** The gradient of the bias of attention: the slope of scores, p · (g vᵀ − delta) with p = exp(scores − logs). */
function biasGrad(
  g: Tensor,
  [q, k, v, bias]: readonly [q: Tensor, k: Tensor, v: Tensor, bias: Tensor],
  logs: Tensor,
  delta: Tensor,
  { scale, causal }: { readonly scale: number; readonly causal: boolean },
): Tensor {
  const scores = add(mul(matmul(q, transpose(k)), scale), bias);
  const hidden = compare("eq", logs, -Infinity);
  const p = unary("exp", sub(scores, where(hidden, zeros(logs, logs.shape), logs)));
  const slope = mul(p, sub(matmul(g, transpose(v)), delta));
  if (!causal) return slope;
  const [l, s] = slope.shape.slice(-2) as [number, number];
  const place = (size: number): Tensor =>
    executeOn(slope.backend, "iota", { start: 0, step: 1, size, dtype: int32 });
  const seen = bind("ge", [reshape(place(l), [l, 1]), place(s)], null);
  return keepWhere(seen, slope);
}

/**
 * Rows of fused primitives. One that is missing takes the derivative of its decomposition; null is not differentiable.
 */
export const fusedDerivatives: { readonly [P in FusedName]?: Derivative<P> | null } = {
  softmax: row(
    OUTPUT,
    (g, { output, attrs, spends }) => [over(g, spends, "softmaxBackward", [g, output], attrs)],
  ),
  logSoftmax: row(
    OUTPUT,
    (g, { output, attrs, spends }) => [over(g, spends, "logSoftmaxBackward", [g, output], attrs)],
  ),
  gelu: row(FIRST, (g, { inputs: [x], attrs, spends }) => [over(g, spends, "geluBackward", [g, x], attrs)]),
  reluBackward: row(SECOND, (g, { inputs: [, x] }) => [bind("reluBackward", [g, x], null), null]),
  clamp: row(FIRST, (g, { inputs: [x], attrs: { min, max } }) => {
    const above = min === null ? null : compare("ge", x, min);
    const below = max === null ? null : compare("le", x, max);
    if (above === null || below === null) return [above ?? below ? keepWhere((above ?? below)!, g) : g];
    return [keepWhere(bind("bitwiseAnd", [above, below], null), g)];
  }),
  dropout: row(OUTPUT << 1, ([g], { output: [, kept], attrs: { scale } }) => [
    g === null ? null : mul(keepWhere(kept, g), scale),
  ]),
  addScaled: row(NOTHING, (g, { attrs, needs }) => [g, needs[1] ? mul(g, attrs.alpha) : null]),
  linear: crossRow((g, { inputs: [x, weight], needs }) =>
    [
      needs[0] ? matmul(g.shape.length < 2 ? reshape(g, [1, g.shape[0]!]) : g, weight) : null,
      needs[1] ? matmul(transpose(rows(g)), rows(x)) : null,
      g, // the tape sums over the batch
    ].map((grad, i) =>
      i === 0 && grad !== null && g.shape.length < 2 ? reshape(grad, [grad.shape[1]!]) : grad
    )
  ),
  groupNorm: row(
    FIRST | SECOND | (OUTPUT << 1) | (OUTPUT << 2),
    ([g, gMean, gRstd], { inputs: [x, weight], output: [, mean, rstd] }) => {
      const [gx, gWeight, gBias] = g === null
        ? [null, null, null]
        : bind("groupNormBackward", [g, x, weight, mean, rstd], null);
      return [plus(gx, statisticsGrad(x, mean, rstd, gMean, gRstd)), gWeight, gBias];
    },
  ),
  layerNorm: row(
    FIRST | SECOND | (OUTPUT << 1) | (OUTPUT << 2),
    ([g, gMean, gRstd], { inputs: [x, weight], output: [, mean, rstd] }) => {
      const [gx, gWeight, gBias] = g === null
        ? [null, null, null]
        : bind("layerNormBackward", [g, x, weight, mean, rstd], null);
      return [plus(gx, statisticsGrad(x, mean, rstd, gMean, gRstd)), gWeight, gBias];
    },
  ),
  batchNorm: row(
    FIRST | SECOND | (OUTPUT << 1) | (OUTPUT << 2),
    ([g, gMean, gRstd], { inputs: [x, weight], output: [, mean, rstd] }) => {
      const [gx, gWeight, gBias] = g === null
        ? [null, null, null]
        : bind("batchNormBackward", [g, x, weight, mean, rstd], null);
      const perChannel = <T extends Tensor | null>(y: T): T =>
        y === null ? y : reshape(y, [1, x.shape[1]!, ...spatial(x.shape).map(() => 1)]) as T;
      const [m, r, gm, gr] = [perChannel(mean), perChannel(rstd), perChannel(gMean), perChannel(gRstd)];
      return [plus(gx, statisticsGrad(x, m, r, gm, gr)), gWeight, gBias];
    },
  ),
  conv: crossRow((g, { inputs: [x, weight], avals, attrs, needs }) => [
    needs[0]
      ? bind("convInputGrad", [g, weight], { ...convAttrs(attrs), inputSize: spatial(avals[0].shape) })
      : null,
    needs[1]
      ? bind("convWeightGrad", [g, x], { ...convAttrs(attrs), kernelSize: spatial(avals[1].shape) })
      : null,
  ]),
  convInputGrad: crossRow((gg, { inputs: [g, weight], avals, attrs, needs }) => [
    needs[0] ? bind("conv", [gg, weight], convAttrs(attrs)) : null,
    needs[1]
      ? bind("convWeightGrad", [g, gg], { ...convAttrs(attrs), kernelSize: spatial(avals[1].shape) })
      : null,
  ]),
  convWeightGrad: crossRow((gw, { inputs: [g, x], avals, attrs, needs }) => [
    needs[0] ? bind("conv", [x, gw], convAttrs(attrs)) : null,
    needs[1]
      ? bind("convInputGrad", [g, gw], { ...convAttrs(attrs), inputSize: spatial(avals[1].shape) })
      : null,
  ]),
  maxPool: row(OUTPUT << 1, ([g], { output: [, indices], avals: [x], attrs }) => [
    g === null ? null : bind("maxPoolBackward", [g, indices], { ...attrs, inputSize: spatial(x.shape) }),
  ]),
  // Whoever records takes maxPool, which keeps the places; here they are looked for again.
  maxPoolValues: row(INPUTS, (g, { inputs: [x], attrs }) => [
    bind("maxPoolBackward", [g, bind("maxPool", [x], attrs)[1]], { ...attrs, inputSize: spatial(x.shape) }),
  ]),
  maxPoolBackward: row(SECOND, (gg, { inputs: [, indices] }) => {
    const [n, c] = gg.shape as [number, number];
    const flat = reshape(gg, [n, c, numelOf(spatial(gg.shape))]);
    const places = reshape(indices, [n, c, numelOf(spatial(indices.shape))]);
    return [reshape(bind("gather", [flat, places], { dim: 2 }), indices.shape), null];
  }),
  avgPool: row(NOTHING, (g, { avals: [x], attrs }) => [
    bind("avgPoolBackward", [g], { ...poolAttrs(attrs), inputSize: spatial(x.shape) }),
  ]),
  avgPoolBackward: row(NOTHING, (gg, { attrs }) => [bind("avgPool", [gg], poolAttrs(attrs))]),
  resample: row(SECOND | THIRD, (g, { inputs: [, index, weight], avals: [x], attrs: { dim, size } }) => [
    bind("resample", [g, index, weight], { dim, size: size === null ? x.shape[dim]! : null }),
    null,
    null,
  ]),
  attention: row(
    INPUTS | OUTPUT | (OUTPUT << 1),
    ([g, gLogs], { inputs: [q, k, v, bias], output: [y, logs], attrs, needs }) => {
      const slope = g ?? zeros(y, y.shape);
      const sums = sum(mul(slope, y), [y.shape.length - 1], true);
      const delta = gLogs === null ? sums : sub(sums, gLogs);
      const [gq, gk, gv] = attentionGrads([slope, q, k, v, logs, delta], bias, attrs);
      if (bias === undefined) return [gq, gk, gv];
      return [gq, gk, gv, needs[3] ? biasGrad(slope, [q, k, v, bias], logs, delta, attrs) : null];
    },
  ),
  nllLoss: row(
    SECOND | THIRD | (OUTPUT << 1),
    ([g], { inputs: [, target, weight], output: [, total], avals: [logp], attrs }) => {
      if (g === null) return [null, null, null];
      const n = target.shape[0]!;
      const ignored = compare("eq", target, attrs.ignoreIndex);
      const index = where(ignored, full(target, [n], 0), target);
      const share = attrs.reduction === "mean" ? div(g, total) : g;
      const each = neg(mul(bind("indexSelect", [weight, index], { dim: 0 }), share));
      const kept = reshape(where(ignored, full(each, [n], 0), each), [n, 1]);
      const places = reshape(index, [n, 1]);
      const gx = bindOver("scatter", [zeros(g, logp.shape), places, kept], { dim: 1, reduce: "set" });
      return [gx, null, null];
    },
  ),
  crossEntropy: row(
    INPUTS | (OUTPUT << 1) | (OUTPUT << 2) | (OUTPUT << 3),
    ([g, gLargest, gLogs], { inputs: [x, target, weight], output: [, largest, logs, total], attrs }) => {
      let gx: Tensor | null = null;
      if (g !== null) {
        const list = [g, x, target, largest, logs, total] as const;
        gx = bind("crossEntropyBackward", weight === undefined ? list : [...list, weight], attrs);
      }
      const stats = scoreStatisticsGrad(x, largest, logs, gLargest, gLogs);
      return [plus(gx, stats), null, null]; // the weights of classes are constants, as in PyTorch
    },
  ),
  ...recurrentDerivatives,
  sgdStep: null,
  adamStep: null,
};
