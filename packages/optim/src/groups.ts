/**
 * Parameter groups: what is optimized, with the options that hold for it.
 *
 * @module
 */

import { ArgumentTypeError, formatType, ValueError } from "@flambeau/core";
import { Tensor } from "@flambeau/tensor";

/** What every optimizer has. */
export interface OptimizerOptions {
  /** The learning rate. */
  lr: number;
}

/** A parameter group: its parameters, the options of the optimizer, and what schedulers note. */
export type ParamGroup<O extends object = OptimizerOptions> =
  & O
  & {
    /** The parameters. */
    params: Tensor[];
  }
  & { [option: string]: unknown };

/** Parameters: one, several, or several with names as `module.namedParameters()` gives them. */
export type Params = Tensor | Iterable<Tensor> | Iterable<readonly [name: string, param: Tensor]>;

/** A parameter group as a user writes it: options that it leaves out are those of the optimizer. */
export type ParamGroupInput<O extends object = OptimizerOptions> = Partial<O> & {
  /** The parameters. */
  readonly params: Params;
  readonly [option: string]: unknown;
};

/** What an optimizer is made over: parameters, or groups of them. */
export type ParamsInput<O extends object = OptimizerOptions> =
  | Iterable<Tensor>
  | Iterable<readonly [name: string, param: Tensor]>
  | Iterable<ParamGroupInput<O>>;

/**
 * The groups that a user asked for; a plain list of parameters is one group.
 *
 * @throws {ArgumentTypeError} If `params` is a tensor, or nothing that can be iterated over.
 * @throws {ValueError} If there are none.
 */
export function readGroups<O extends object>(params: ParamsInput<O>): ParamGroupInput<O>[] {
  const iterable = typeof params === "object" && params !== null && Symbol.iterator in params;
  if (!iterable || params instanceof Tensor) {
    throw new ArgumentTypeError(
      `Cannot create an optimizer: params must be an iterable of Tensors or of groups, got ${
        describe(params)
      }${typeof params === "function" ? "; for a module, pass its parameters()" : ""}`,
    );
  }
  const items = Array.from<unknown>(params as Iterable<unknown>);
  if (items.length === 0) throw new ValueError("Cannot create an optimizer: it got an empty parameter list");
  const grouped = typeof items[0] === "object" && items[0] !== null && "params" in items[0];
  return (grouped ? items : [{ params: items }]) as ParamGroupInput<O>[];
}

/**
 * A group with its options complete.
 *
 * @param taken The parameters of the groups before.
 * @throws {ArgumentTypeError} If something in it is no tensor.
 * @throws {ValueError} If a parameter is no leaf, or is in a group before.
 */
export function makeGroup<O extends object>(
  given: ParamGroupInput<O>,
  defaults: O,
  taken: ReadonlySet<Tensor>,
): ParamGroup<O> {
  if (typeof given !== "object" || given === null || !("params" in given)) {
    throw new ArgumentTypeError(
      `Cannot add a parameter group: it must be an object with params, got ${describe(given)}`,
    );
  }
  const { params: list, ...options } = given;
  const pairs = readParams(list);
  const params = pairs.map(([, param]) => param);
  for (const param of params) {
    if (param.isLeaf || param.retainsGrad) continue;
    throw new ValueError(
      `Cannot optimize ${formatType(param)}: can't optimize a non-leaf Tensor, got the result of ${
        param.gradFn!.name
      }`,
    );
  }
  if (params.some((param) => taken.has(param))) {
    throw new ValueError(
      "Cannot add a parameter group: some parameters appear in more than one parameter group",
    );
  }
  if (new Set(params).size < params.length) {
    console.warn("An optimizer's group has the same parameter more than once: it is updated that many times");
  }
  const paramNames = pairs.some(([name]) => name === null) ? {} : { paramNames: pairs.map(([name]) => name) };
  return { ...defaults, ...defined(options), ...paramNames, params } as ParamGroup<O>;
}

/** The parameters of a group, with their names where they have any. */
function readParams(params: unknown): [name: string | null, param: Tensor][] {
  if (params instanceof Tensor) return [[null, params]];
  if (typeof params !== "object" || params === null || !(Symbol.iterator in params)) {
    throw new ArgumentTypeError(
      `Cannot add a parameter group: params must be a Tensor or an iterable of Tensors, got ${
        describe(params)
      }`,
    );
  }
  return Array.from(params as Iterable<unknown>, (item) => {
    const [name, param] = Array.isArray(item) && item.length === 2 ? item as [string, unknown] : [null, item];
    if (param instanceof Tensor) return [name, param];
    throw new ArgumentTypeError(`Cannot optimize ${describe(param)}: it must be a Tensor`);
  });
}

/** Options without those that are undefined, which would hide a default. */
function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return formatType(value);
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return `an object of class ${value.constructor?.name ?? "null"}`;
  return typeof value === "function" ? "a function" : `${typeof value} ${String(value)}`;
}
