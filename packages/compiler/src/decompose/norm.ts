/**
 * Group, layer and batch normalization and their gradients: y = (x − mean) · rstd · weight + bias.
 *
 * The variance is the mean of squared deviations, taken after the mean is known: the difference of the mean square and
 * the squared mean would cancel.
 *
 * @module
 */

import type { Aval, Shape } from "@flambeau/core";
import { type Decomposition, Formula, product, range } from "./formula.ts";

/** x [N, G, C, L] over each [C, L], by layerNorm, with a factor and a term for each of [G, C] → y, mean and 1/σ. */
export const groupNorm: Decomposition<"groupNorm"> = (bind, [x, weight, bias], { eps }) => {
  const f = new Formula(bind);
  const [normal, mean, rstd] = f.bind("layerNorm", [x, constant(f, 1, x), constant(f, 0, x)], { eps });
  return [f.add(f.mul(normal, inGroups(f, weight)), inGroups(f, bias)), mean, rstd];
};

/** Gradients of groupNorm for x, weight and bias. */
export const groupNormBackward: Decomposition<"groupNormBackward"> = (bind, [g, x, weight, mean, rstd]) => {
  const f = new Formula(bind);
  const h = f.mul(g, inGroups(f, weight));
  const [gx] = f.bind("layerNormBackward", [h, x, constant(f, 1, x), mean, rstd], null);
  const normal = f.mul(f.sub(x, mean), rstd);
  return [gx, f.sum(f.mul(g, normal), [0, 3], false), f.sum(g, [0, 3], false)];
};

/** Over the last `weight.rank` dimensions → y, mean and 1/σ with sizes 1 there. */
export const layerNorm: Decomposition<"layerNorm"> = (bind, [x, weight, bias], { eps }) => {
  const f = new Formula(bind);
  const { mean, rstd, normal } = normalize(f, x, lastDims(x, weight), eps);
  return [f.add(f.mul(normal, weight), bias), mean, rstd];
};

/** Gradients of layerNorm for x, weight and bias. */
export const layerNormBackward: Decomposition<"layerNormBackward"> = (bind, [g, x, weight, mean, rstd]) => {
  const f = new Formula(bind);
  const normal = f.mul(f.sub(x, mean), rstd);
  const leading = range(0, x.shape.length - weight.shape.length);
  return [
    normalizeBackward(f, f.mul(g, weight), normal, rstd, lastDims(x, weight)),
    f.sum(f.mul(g, normal), leading, false),
    f.sum(g, leading, false),
  ];
};

/** x [N, C, …] by the mean and biased variance of each channel → y, mean [C], 1/σ [C]. */
export const batchNorm: Decomposition<"batchNorm"> = (bind, [x, weight, bias], { eps }) => {
  const f = new Formula(bind);
  const { mean, rstd, normal } = normalize(f, x, allButChannels(x), eps);
  const y = f.add(f.mul(normal, perChannel(f, weight, x)), perChannel(f, bias, x));
  return [y, f.view(mean, weight.shape), f.view(rstd, weight.shape)];
};

/** Gradients of batchNorm for x, weight and bias. */
export const batchNormBackward: Decomposition<"batchNormBackward"> = (bind, [g, x, weight, mean, rstd]) => {
  const f = new Formula(bind);
  const dims = allButChannels(x);
  const inverse = perChannel(f, rstd, x);
  const normal = f.mul(f.sub(x, perChannel(f, mean, x)), inverse);
  return [
    normalizeBackward(f, f.mul(g, perChannel(f, weight, x)), normal, inverse, dims),
    f.sum(f.mul(g, normal), dims, false),
    f.sum(g, dims, false),
  ];
};

/** Mean, 1/σ and the normalized x over `dims`. */
function normalize<T extends Aval>(
  f: Formula<T>,
  x: T,
  dims: Shape,
  eps: number,
): { mean: T; rstd: T; normal: T } {
  const mean = meanOver(f, x, dims);
  const centered = f.sub(x, mean);
  const variance = meanOver(f, f.mul(centered, centered), dims);
  const rstd = f.bind("rsqrt", [f.add(variance, eps)], null);
  return { mean, rstd, normal: f.mul(centered, rstd) };
}

/** rstd · (h − mean h − normal · mean(h · normal)), where h is the gradient of the normalized x. */
function normalizeBackward<T extends Aval>(f: Formula<T>, h: T, normal: T, rstd: T, dims: Shape): T {
  const along = meanOver(f, f.mul(h, normal), dims);
  return f.mul(f.sub(f.sub(h, meanOver(f, h, dims)), f.mul(normal, along)), rstd);
}

function meanOver<T extends Aval>(f: Formula<T>, x: T, dims: Shape): T {
  return f.div(f.sum(x, dims), product(dims.map((dim) => x.shape[dim]!)));
}

/** `value` for each of the last two dimensions of x. */
function constant<T extends Aval>(f: Formula<T>, value: number, x: T): T {
  return f.bind("expand", [f.scalar(value, x.dtype)], { shape: x.shape.slice(2) });
}

/** [G, C] as [G, C, 1], which broadcasts to [N, G, C, L]. */
function inGroups<T extends Aval>(f: Formula<T>, x: T): T {
  return f.reshape(x, [...x.shape, 1]);
}

function lastDims(x: Aval, weight: Aval): number[] {
  return range(x.shape.length - weight.shape.length, x.shape.length);
}

function allButChannels(x: Aval): number[] {
  return range(0, x.shape.length).filter((dim) => dim !== 1);
}

/** A vector [C] as [C, 1, …], which broadcasts to x [N, C, …]. */
function perChannel<T extends Aval>(f: Formula<T>, vector: T, x: T): T {
  return f.view(vector, [x.shape[1]!, ...x.shape.slice(2).map(() => 1)]);
}
