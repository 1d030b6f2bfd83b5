/**
 * Spectral normalization by a hook: spectralNorm, removeSpectralNorm.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { type Args, div, noGrad, type Tensor } from "@flambeau/tensor";
import { named, temporaries } from "@flambeau/tensor/internal";
import type { HookHandle } from "../hooks.ts";
import type { AnyModule } from "../module.ts";
import { ConvNd } from "../modules/conv.ts";
import { Parameter } from "../parameter.ts";
import { fieldOf, register, setField, unregister } from "../registry.ts";
import { asMatrix, firstVectors, iterate, sigmaOf } from "./reparametrize.ts";

/** Options of {@linkcode spectralNorm}. */
export interface SpectralNormOptions {
  /** Name of the parameter. Default `"weight"`. */
  readonly name?: string;
  /** Steps of the power method in each call while training. Default 1. */
  readonly nPowerIterations?: number;
  /** Least length that is divided by. Default 1e-12. */
  readonly eps?: number;
  /** The dimension of the rows. Default 0, 1 for transposed convolutions. */
  readonly dim?: number | null;
}

interface Applied {
  readonly compute: (module: AnyModule, training: boolean) => Tensor;
  readonly handle: HookHandle;
}

const applied = new WeakMap<AnyModule, Map<string, Applied>>();

/** The dimension of the rows of a weight. */
export function rowDimension(module: AnyModule, dim: number | null): number {
  return dim ?? (module instanceof ConvNd && module.transposed ? 1 : 0);
}

/**
 * Divides a weight by its largest singular value, which is followed by the power method. The weight that is trained is
 * `weight_orig`. Gives the module.
 *
 * The newer form is `utils.parametrizations.spectralNorm`.
 *
 * @throws {ValueError} If the module has no such parameter, or `nPowerIterations` is not positive.
 * @see Miyato et al. 2018, https://arxiv.org/abs/1802.05957
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.spectral_norm.html
 */
export function spectralNorm<M extends AnyModule>(
  module: M,
  ...args: Args<SpectralNormOptions, ["name", "nPowerIterations", "eps", "dim"]>
): M {
  const names = ["name", "nPowerIterations", "eps", "dim"] as const;
  const options = named<SpectralNormOptions>("spectralNorm", args, names);
  const { name = "weight", nPowerIterations = 1, eps = 1e-12 } = options;
  if (!(nPowerIterations > 0)) {
    throw new ValueError(`Cannot spectralNorm: nPowerIterations must be positive, got ${nPowerIterations}`);
  }
  const weight = fieldOf(module, name);
  if (!(weight instanceof Parameter)) {
    throw new ValueError(`Cannot spectralNorm: ${JSON.stringify(name)} must be a parameter of the module`);
  }
  const dim = rowDimension(module, options.dim ?? null);
  unregister(module, name);
  register(module, `${name}_orig`, weight);
  setField(module, name, weight.detach());
  const [u, v] = noGrad(() => firstVectors(asMatrix(weight, dim), eps));
  module.registerBuffer(`${name}_u`, u);
  module.registerBuffer(`${name}_v`, v);
  const compute = (self: AnyModule, training: boolean): Tensor => {
    const original = fieldOf(self, `${name}_orig`) as Tensor;
    const [left, right] = [fieldOf(self, `${name}_u`), fieldOf(self, `${name}_v`)] as [Tensor, Tensor];
    return temporaries(() => {
      const matrix = asMatrix(original, dim);
      if (training) iterate(matrix, left, right, nPowerIterations, eps);
      return div(original, sigmaOf(matrix, left, right));
    });
  };
  const handle = module.registerForwardPreHook((self: AnyModule) => {
    setField(self, name, compute(self, self.training));
  });
  const known = applied.get(module) ?? new Map<string, Applied>();
  applied.set(module, known.set(name, { compute, handle }));
  return module;
}

/**
 * Makes the normalized weight a parameter again. Gives the module.
 *
 * @throws {ValueError} If the weight is not normalized.
 */
export function removeSpectralNorm<M extends AnyModule>(module: M, name: string = "weight"): M {
  const found = applied.get(module)?.get(name);
  if (found === undefined) {
    throw new ValueError(
      `Cannot removeSpectralNorm: spectralNorm of ${JSON.stringify(name)} was not applied`,
    );
  }
  found.handle.remove();
  applied.get(module)!.delete(name);
  const weight = new Parameter(noGrad(() => found.compute(module, false)));
  for (const key of [name, `${name}_orig`, `${name}_u`, `${name}_v`]) unregister(module, key);
  register(module, name, weight);
  return module;
}
