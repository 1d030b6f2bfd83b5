/**
 * Weight normalization by a hook: weightNorm, removeWeightNorm.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { noGrad } from "@flambeau/tensor";
import type { AnyModule } from "../module.ts";
import type { HookHandle } from "../hooks.ts";
import { Parameter } from "../parameter.ts";
import { fieldOf, register, setField, unregister } from "../registry.ts";
import { normExcept, weightOf } from "./reparametrize.ts";

/** Options of {@linkcode weightNorm}. */
export interface WeightNormOptions {
  /** Name of the parameter. Default `"weight"`. */
  readonly name?: string;
  /** The dimension that keeps norms of its own; null for one norm of all. Default 0. */
  readonly dim?: number | null;
}

interface Applied {
  readonly dim: number;
  readonly handle: HookHandle;
}

const applied = new WeakMap<AnyModule, Map<string, Applied>>();

function weightParameter(op: string, module: AnyModule, name: string): Parameter {
  const weight = fieldOf(module, name);
  if (weight instanceof Parameter) return weight;
  throw new ValueError(`Cannot ${op}: ${JSON.stringify(name)} must be a parameter of the module`);
}

/**
 * Splits a weight into length `weight_g` and direction `weight_v`, which are trained in its place. Gives the module.
 *
 * The newer form is `utils.parametrizations.weightNorm`.
 *
 * @throws {ValueError} If the module has no such parameter, or it is normalized already.
 * @see Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
 */
export function weightNorm<M extends AnyModule>(
  module: M,
  name: string | WeightNormOptions = "weight",
  dim: number | null = 0,
): M {
  const options = typeof name === "string" ? { name, dim } : { name: "weight", dim: 0, ...name };
  const key = options.name;
  const weight = weightParameter("weightNorm", module, key);
  const axis = options.dim === null ? -1 : options.dim < 0 ? options.dim + weight.ndim : options.dim;
  unregister(module, key);
  register(module, `${key}_g`, new Parameter(noGrad(() => normExcept(weight, axis).clone())));
  register(module, `${key}_v`, new Parameter(weight));
  const compute = () =>
    weightOf(fieldOf(module, `${key}_v`) as Parameter, fieldOf(module, `${key}_g`) as Parameter, axis);
  setField(module, key, compute());
  const handle = module.registerForwardPreHook((self: AnyModule) => {
    const [v, g] = [fieldOf(self, `${key}_v`), fieldOf(self, `${key}_g`)] as [Parameter, Parameter];
    setField(self, key, weightOf(v, g, axis));
  });
  const known = applied.get(module) ?? new Map<string, Applied>();
  applied.set(module, known.set(key, { dim: axis, handle }));
  return module;
}

/**
 * Makes one parameter of length and direction again. Gives the module.
 *
 * @throws {ValueError} If the weight is not normalized.
 */
export function removeWeightNorm<M extends AnyModule>(module: M, name: string = "weight"): M {
  const found = applied.get(module)?.get(name);
  if (found === undefined) {
    throw new ValueError(`Cannot removeWeightNorm: weightNorm of ${JSON.stringify(name)} was not applied`);
  }
  found.handle.remove();
  applied.get(module)!.delete(name);
  const [v, g] = [fieldOf(module, `${name}_v`), fieldOf(module, `${name}_g`)] as [Parameter, Parameter];
  const weight = new Parameter(noGrad(() => weightOf(v, g, found.dim)));
  for (const key of [name, `${name}_g`, `${name}_v`]) unregister(module, key);
  register(module, name, weight);
  return module;
}
