/**
 * Ready parametrizations: `torch.nn.utils.parametrizations`.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { type Args, div, noGrad, type Tensor } from "@flambeau/tensor";
import { named, temporaries } from "@flambeau/tensor/internal";
import { type AnyModule, Module } from "../module.ts";
import { fieldOf } from "../registry.ts";
import { type Parametrization, registerParametrization } from "./parametrize.ts";
import { asMatrix, firstVectors, iterate, normExcept, sigmaOf, weightOf } from "./reparametrize.ts";
import { rowDimension, type SpectralNormOptions } from "./spectral_norm.ts";
import type { WeightNormOptions } from "./weight_norm.ts";

/** Length and direction to weight. */
class WeightNorm extends Module<[g: Tensor, v: Tensor], Tensor> {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  override forward(g: Tensor, v: Tensor): Tensor {
    return weightOf(v, g, this.dim);
  }

  rightInverse(weight: Tensor): [g: Tensor, v: Tensor] {
    return [normExcept(weight, this.dim), weight.clone()];
  }

  override extraRepr(): string {
    return "";
  }
}

Object.defineProperty(WeightNorm, "name", { value: "_WeightNorm" });

/**
 * Splits a weight into length `original0` and direction `original1`, which are trained in its place. Gives the module.
 *
 * @throws {ValueError} If the module has no such parameter.
 * @see Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html
 */
export function weightNorm<M extends AnyModule>(
  module: M,
  name: string | WeightNormOptions = "weight",
  dim: number | null = 0,
): M {
  const options = typeof name === "string" ? { name, dim } : { name: "weight", dim: 0, ...name };
  const weight = fieldOf(module, options.name) as Tensor | undefined;
  const rank = weight?.ndim ?? 0;
  const axis = options.dim === null ? -1 : options.dim < 0 ? options.dim + rank : options.dim;
  const parametrization = new WeightNorm(axis) as unknown as Parametrization;
  return registerParametrization(module, options.name, parametrization, { unsafe: true });
}

/** A weight over its largest singular value. */
class SpectralNorm extends Module<[weight: Tensor], Tensor> {
  readonly dim: number;
  readonly nPowerIterations: number;
  readonly eps: number;
  declare _u: Tensor;
  declare _v: Tensor;

  constructor(weight: Tensor, dim: number, nPowerIterations: number, eps: number) {
    super();
    this.dim = dim;
    this.nPowerIterations = nPowerIterations;
    this.eps = eps;
    if (weight.ndim < 2) return;
    const matrix = noGrad(() => asMatrix(weight, dim));
    const [u, v] = firstVectors(matrix, eps);
    this.registerBuffer("_u", u);
    this.registerBuffer("_v", v);
    iterate(matrix, u, v, 15, eps);
  }

  override forward(weight: Tensor): Tensor {
    return temporaries(() => {
      if (weight.ndim < 2) return div(weight, weight.norm().clamp({ min: this.eps }));
      const matrix = asMatrix(weight, this.dim);
      if (this.training) iterate(matrix, this._u, this._v, this.nPowerIterations, this.eps);
      return div(weight, sigmaOf(matrix, this._u, this._v));
    });
  }

  rightInverse(value: Tensor): Tensor {
    return value;
  }
}

Object.defineProperty(SpectralNorm, "name", { value: "_SpectralNorm" });

/**
 * Divides a weight by its largest singular value, which is followed by the power method. Gives the module.
 *
 * @throws {ValueError} If the module has no such parameter, or `nPowerIterations` is not positive.
 * @see Miyato et al. 2018, https://arxiv.org/abs/1802.05957
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.spectral_norm.html
 */
export function spectralNorm<M extends AnyModule>(
  module: M,
  ...args: Args<SpectralNormOptions, ["name", "nPowerIterations", "eps", "dim"]>
): M {
  const names = ["name", "nPowerIterations", "eps", "dim"] as const;
  const options = named<SpectralNormOptions>("spectralNorm", args, names);
  const { name = "weight", nPowerIterations = 1, eps = 1e-12, dim = null } = options;
  if (!(nPowerIterations > 0)) {
    throw new ValueError(`Cannot spectralNorm: nPowerIterations must be positive, got ${nPowerIterations}`);
  }
  const weight = fieldOf(module, name) as Tensor | undefined;
  if (weight === undefined || weight === null) {
    throw new ValueError(`Cannot spectralNorm: ${JSON.stringify(name)} must be a parameter of the module`);
  }
  const rows = rowDimension(module, dim);
  const parametrization = new SpectralNorm(weight, rows, nPowerIterations, eps) as unknown as Parametrization;
  return registerParametrization(module, name, parametrization);
}
