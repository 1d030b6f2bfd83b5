/**
 * State dicts of optimizers, in PyTorch's layout: state by the number of the parameter, groups with PyTorch's names.
 *
 * @module
 */

import { ArgumentTypeError, DeviceError, formatType, ValueError } from "@flambeau/core";
import { keep, noGrad, Tensor } from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";
import type { ParamGroup } from "./groups.ts";
import { camelCase, fieldOf, fieldsOf, renameKeys, snakeCase } from "./names.ts";

/** What an optimizer knows, as PyTorch's `optimizer.state_dict()`. */
export interface OptimizerStateDict {
  /** State of each parameter by its number, counted through all groups. Tensors are those in use, not copies. */
  readonly state: Map<number, Record<string, unknown>>;
  /** Options of each group under PyTorch's names; `params` are numbers. */
  readonly param_groups: Record<string, unknown>[];
}

/** What `loadStateDict` takes: plain objects or maps at every level, in either spelling. */
export type OptimizerStateDictLike =
  | OptimizerStateDict
  | ReadonlyMap<string, unknown>
  | { readonly [name: string]: unknown };

/** State and groups as an optimizer holds them. */
interface Contents {
  readonly state: Map<Tensor, object>;
  readonly groups: ParamGroup<object>[];
}

/** Writes state and groups in PyTorch's layout. */
export function packStateDict(
  state: ReadonlyMap<Tensor, object>,
  groups: readonly ParamGroup<object>[],
): OptimizerStateDict {
  const numbers = new Map<Tensor, number>();
  for (const { params } of groups) {
    for (const param of params) if (!numbers.has(param)) numbers.set(param, numbers.size);
  }
  const packed = new Map<number, Record<string, unknown>>();
  for (const [param, number] of numbers) {
    const entry = state.get(param);
    if (entry !== undefined) packed.set(number, renameKeys(Object.entries(entry), snakeCase));
  }
  return {
    state: packed,
    param_groups: groups.map(({ params, ...options }) => ({
      ...renameKeys(Object.entries(options), snakeCase),
      params: params.map((param) => numbers.get(param)!),
    })),
  };
}

/**
 * Reads a state dict for the parameters of `groups`. Tensors are copied to the dtype and device of their parameter.
 *
 * @param scalars State that is a number here, and may be a tensor of one element in the file.
 * @param defaults Options for groups that lack them, as files of older versions do.
 * @throws {ArgumentTypeError} If it is no state dict.
 * @throws {ValueError} If groups or numbers of parameters differ.
 * @throws {DeviceError} If a number is on a device that cannot be read at once.
 */
export function unpackStateDict(
  dict: OptimizerStateDictLike,
  groups: readonly ParamGroup<object>[],
  scalars: ReadonlySet<string>,
  defaults: object,
): Contents {
  const savedGroups = fieldOf(dict, "paramGroups");
  const savedState = fieldOf(dict, "state");
  if (!Array.isArray(savedGroups) || typeof savedState !== "object" || savedState === null) {
    throw new ArgumentTypeError(
      "Cannot load the state dict of an optimizer: it must have state and param_groups, got " +
        (fieldsOf(dict).map(([name]) => name).join(", ") || typeof dict),
    );
  }
  const params = matchParams(savedGroups, groups);
  const state = new Map<Tensor, object>();
  for (const [key, entry] of fieldsOf(savedState)) {
    const param = params.get(Number(key));
    if (param !== undefined) state.set(param, readState(entry, param, scalars, key));
  }
  return {
    state,
    groups: savedGroups.map((saved: unknown, i) => {
      const options = fieldsOf(saved).filter(([name]) => name !== "params")
        .map(([name, value]) => [name, readNumber(value, name)] as const);
      return { ...defaults, ...renameKeys(options, camelCase), params: groups[i]!.params };
    }),
  };
}

/** The parameter that each number of a state dict stands for. */
function matchParams(
  saved: readonly unknown[],
  groups: readonly ParamGroup<object>[],
): Map<number, Tensor> {
  if (saved.length !== groups.length) {
    throw new ValueError(
      `Cannot load the state dict of an optimizer: it must have ${groups.length} parameter groups, got ${saved.length}`,
    );
  }
  const params = new Map<number, Tensor>();
  groups.forEach((group, i) => {
    const numbers = fieldOf(saved[i], "params");
    if (!Array.isArray(numbers) || numbers.length !== group.params.length) {
      throw new ValueError(
        `Cannot load the state dict of an optimizer: group ${i} must have ${group.params.length} parameters, got ${
          Array.isArray(numbers) ? numbers.length : "none"
        }`,
      );
    }
    numbers.forEach((number, k) => params.set(Number(number), group.params[k]!));
  });
  return params;
}

function readState(
  entry: unknown,
  param: Tensor,
  scalars: ReadonlySet<string>,
  number: string,
): Record<string, unknown> {
  const fields = fieldsOf(entry).map(([key, value]) => {
    const name = camelCase(key);
    if (value === null || value === undefined) return null;
    if (!scalars.has(name)) return [name, copyTensors(value, param)] as const;
    const what = `${key} of parameter ${number}`;
    return [
      name,
      Array.isArray(value) ? value.map((x) => readNumber(x, what)) : readNumber(value, what),
    ] as const;
  });
  return Object.fromEntries(fields.filter((field) => field !== null));
}

/** A value with copies of its tensors, as PyTorch casts them: floats to the dtype of the parameter. */
function copyTensors(value: unknown, param: Tensor): unknown {
  if (Array.isArray(value)) return value.map((item) => copyTensors(item, param));
  if (!(value instanceof Tensor)) return value;
  return noGrad(() =>
    keep(temporaries(() => {
      const target = {
        dtype: param.dtype.kind === "float" ? param.dtype : value.dtype,
        device: param.device,
      };
      return value.to({ ...target, copy: true });
    }))
  );
}

/** A number that may be held as a tensor of one element, or as a bigint; anything else as it is. */
export function readNumber(value: unknown, what: string): unknown {
  if (typeof value === "bigint") return Number(value);
  if (!(value instanceof Tensor)) return value;
  if (!value.backend.canReadSync) {
    throw new DeviceError(
      `Cannot load a state dict: ${what} must be a number or on a device that can be read at once, ` +
        `got ${formatType(value)} on ${value.device}; load the file to the cpu`,
    );
  }
  return Number(value.itemSync());
}
