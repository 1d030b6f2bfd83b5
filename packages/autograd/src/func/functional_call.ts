/**
 * Modules as functions of their parameters: `functionalCall`, `stackModuleState`.
 *
 * Modules are known by what they can do, not by their class: this package does not know `nn`.
 *
 * @module
 */

import { ArgumentTypeError, formatType, IndexError, ValueError } from "@flambeau/core";
import { stack, type Tensor } from "@flambeau/tensor";
import { isTensor } from "./tree.ts";

/** What is needed of a module: `nn.Module` has it. */
export interface ModuleLike {
  /** True between `train()` and `eval()`. */
  training: boolean;
  /** Parameters and persistent buffers, shared ones under each of their names. */
  stateDict(options: { readonly keepVars: boolean }): ReadonlyMap<string, Tensor>;
  /** Parameters by name. */
  namedParameters(options?: { readonly removeDuplicate?: boolean }): [name: string, parameter: Tensor][];
  /** Buffers by name, those that are not in the state dict too. */
  namedBuffers(options?: { readonly removeDuplicate?: boolean }): [name: string, buffer: Tensor][];
  /** The submodule at a dotted path. */
  getSubmodule(target: string): unknown;
}

/** Tensors by name. */
export type NamedTensors = { readonly [name: string]: Tensor } | ReadonlyMap<string, Tensor>;

/** Several of them, such as parameters and buffers. */
export type NamedTensorsList = readonly NamedTensors[];

/** Options of {@linkcode functionalCall}. */
export interface FunctionalCallOptions {
  /** Whether parameters that are shared in the module stay so: one name serves for all of them. Default true. */
  readonly tieWeights?: boolean;
  /** Whether every parameter and buffer of the module must be given. Default false. */
  readonly strict?: boolean;
}

/** A field of a module, or of one of its submodules. */
interface Place {
  readonly owner: Record<string, unknown>;
  readonly field: string;
  readonly value: Tensor;
}

function entriesOf(given: NamedTensors | NamedTensorsList): Map<string, Tensor> {
  const all = new Map<string, Tensor>();
  for (const dict of Array.isArray(given) ? given as NamedTensorsList : [given as NamedTensors]) {
    for (
      const [name, tensor] of dict instanceof Map ? dict : Object.entries(dict as Record<string, Tensor>)
    ) {
      if (!isTensor(tensor)) {
        throw new ArgumentTypeError(
          `Cannot functionalCall with ${name}: it must be a Tensor, got ${typeof tensor}`,
        );
      }
      if (all.has(name)) throw new ValueError(`Cannot functionalCall: ${name} was given by two of the dicts`);
      all.set(name, tensor);
    }
  }
  return all;
}

/** All tensors of a module by all of their names. */
function known(module: ModuleLike): Map<string, Tensor> {
  return new Map([
    ...module.stateDict({ keepVars: true }),
    ...module.namedBuffers({ removeDuplicate: false }),
  ]);
}

/** The tensors to put in, shared ones under all of their names. */
function tied(given: Map<string, Tensor>, present: Map<string, Tensor>): Map<string, Tensor> {
  const byTensor = new Map<Tensor, string[]>();
  for (const [name, tensor] of present) byTensor.set(tensor, [...byTensor.get(tensor) ?? [], name]);
  const all = new Map(given);
  for (const [name, tensor] of given) {
    for (const other of byTensor.get(present.get(name)!) ?? []) {
      if (given.has(other) && given.get(other) !== tensor) {
        throw new ValueError(
          `Cannot functionalCall: got multiple values for ${name} and ${other}, which are tied; give one of them, or set ` +
            "{ tieWeights: false }",
        );
      }
      all.set(other, tensor);
    }
  }
  return all;
}

function placeOf(module: ModuleLike, name: string, value: Tensor): Place {
  const dot = name.lastIndexOf(".");
  const owner = module.getSubmodule(name.slice(0, Math.max(dot, 0))) as Record<string, unknown>;
  return { owner, field: name.slice(dot + 1), value };
}

/**
 * `value` such that a module takes it in place of `old`: where that is of a class of its own (a Parameter), another handle
 * of that class on the same tensor.
 */
function asIn(old: unknown, value: Tensor): Tensor {
  const type = Object.getPrototypeOf(old);
  if (type === Object.getPrototypeOf(value)) return value;
  return Object.assign(Object.create(type), value);
}

/**
 * The result of a module with other parameters and buffers in place of its own, which are put back afterwards, also when it
 * throws.
 *
 * @param parametersAndBuffers Tensors under the names of the state dict, or a list of such dicts; names that are left out keep
 *   what the module has.
 * @param args The arguments as a list, or the only one.
 * @throws {IndexError} If the module has nothing of a name, or, when strict, a name is left out.
 * @throws {ValueError} If parameters that are tied are given twice and differ.
 * @see https://pytorch.org/docs/stable/generated/torch.func.functional_call.html
 *
 * @example
 * ```ts
 * const params = Object.fromEntries(net.namedParameters());
 * const loss = (p: typeof params, x: Tensor, y: Tensor) => F.mseLoss(torch.func.functionalCall(net, p, [x]), y);
 * const grads = torch.func.grad(loss)(params, x, y);
 * ```
 */
export function functionalCall<A extends readonly unknown[], R>(
  module: ModuleLike & ((...args: A) => R),
  parametersAndBuffers: NamedTensors | NamedTensorsList,
  args: A | A[0],
  options: FunctionalCallOptions = {},
): R {
  const { tieWeights = true, strict = false } = options;
  const given = entriesOf(parametersAndBuffers);
  const present = known(module);
  const unknown = [...given.keys()].filter((name) => !present.has(name));
  if (unknown.length > 0) {
    throw new IndexError(
      `Cannot functionalCall: the module must have a parameter or a buffer of each name, got ${
        unknown.join(", ")
      }`,
    );
  }
  const all = tieWeights ? tied(given, present) : given;
  const missing = strict ? [...present.keys()].filter((name) => !all.has(name)) : [];
  if (missing.length > 0) {
    throw new IndexError(
      `Cannot functionalCall strictly: every name must be given, missing ${missing.join(", ")}`,
    );
  }
  const places = [...all].map(([name, value]) => placeOf(module, name, value));
  const before = places.map(({ owner, field }) => owner[field]);
  const restore = () => places.forEach(({ owner, field }, i) => owner[field] = before[i]);
  const handles = new Map<Tensor, Tensor>();
  let result: R;
  try {
    places.forEach(({ owner, field, value }, i) => {
      if (!handles.has(value)) handles.set(value, asIn(before[i], value));
      owner[field] = handles.get(value)!;
    });
    result = module(...(Array.isArray(args) ? args as unknown as A : [args] as unknown as A));
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as R;
  restore();
  return result;
}

/**
 * Parameters and buffers of models of one kind, each stacked in a new first dimension: what `vmap` over an ensemble takes.
 *
 * Parameters are leaves of their own, and require grad as those of the first model do.
 *
 * @throws {ValueError} If there is no model, or the models differ in class, mode or parameters.
 * @see https://pytorch.org/docs/stable/generated/torch.func.stack_module_state.html
 *
 * @example
 * ```ts
 * const [params, buffers] = torch.func.stackModuleState(models);
 * const call = (p, b, x) => torch.func.functionalCall(models[0], [p, b], [x]);
 * const outputs = torch.vmap(call, { inDims: [0, 0, null] })(params, buffers, x);
 * ```
 */
export function stackModuleState(
  models: readonly ModuleLike[],
): [parameters: Record<string, Tensor>, buffers: Record<string, Tensor>] {
  const [first] = models;
  if (first === undefined) throw new ValueError("Cannot stackModuleState: there must be a model, got none");
  for (const model of models) {
    if (model.training !== first.training) {
      throw new ValueError(
        "Cannot stackModuleState: all models must be in the same training or evaluation mode",
      );
    }
    if (Object.getPrototypeOf(model) !== Object.getPrototypeOf(first)) {
      throw new ValueError("Cannot stackModuleState: all models must be of the same class");
    }
  }
  const leaf = (tensors: readonly Tensor[]) => {
    const made = stack(tensors).detach();
    if (tensors[0]!.requiresGrad) made.requiresGrad = true;
    return made;
  };
  return [
    stacked(models.map((model) => model.namedParameters()), leaf),
    stacked(models.map((model) => model.namedBuffers()), leaf),
  ];
}

function stacked(
  lists: readonly (readonly (readonly [name: string, tensor: Tensor])[])[],
  combine: (tensors: readonly Tensor[]) => Tensor,
): Record<string, Tensor> {
  const columns = lists[0]!.map(([name, tensor], k) => {
    const tensors = lists.map((list) => {
      const other = list[k];
      if (other !== undefined && other[0] === name && formatType(other[1]) === formatType(tensor)) {
        return other[1];
      }
      throw new ValueError(
        `Cannot stackModuleState: all models must have ${name} of ${formatType(tensor)}, got ${
          other === undefined ? "nothing" : `${other[0]} of ${formatType(other[1])}`
        }`,
      );
    });
    return [name, combine(tensors)] as const;
  });
  return Object.fromEntries(columns);
}
