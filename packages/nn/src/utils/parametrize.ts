/**
 * Parameters computed from others: `torch.nn.utils.parametrize`.
 *
 * A parametrized tensor is no parameter any more: reading the field runs the parametrizations on the original, which is
 * trained in its place under `parametrizations.<name>.original`.
 *
 * @module
 */

import { ArgumentTypeError, formatType, ShapeError, shapesEqual, ValueError } from "@flambeau/core";
import { noGrad, Tensor } from "@flambeau/tensor";
import { ModuleDict, ModuleList } from "../containers.ts";
import type { AnyModule } from "../module.ts";
import { Buffer, Parameter, setData } from "../parameter.ts";
import { classNameOf } from "../print.ts";
import { fieldOf, isModule, ownBuffers, ownParameters, register, unregister } from "../registry.ts";

/** A module that computes a tensor from others; `rightInverse(value)` gives what it computes `value` from. */
export type Parametrization = AnyModule & {
  /** Gives originals of which the parametrization makes `value`. */
  rightInverse?: (value: Tensor) => Tensor | readonly Tensor[];
};

/** The parametrizations of one tensor, in order, with its originals. */
export class ParametrizationList extends ModuleList<Parametrization> {
  /** Whether there is one original, called `original`; else `original0`, `original1`, … */
  declare isTensor: boolean;
  /** Number of originals. */
  declare ntensors: number;
  /** Whether results may differ in shape and dtype from what was there. */
  declare unsafe: boolean;

  /** Takes the first parametrizations and the tensor that they replace. */
  constructor(modules: readonly Parametrization[], original: Tensor, unsafe: boolean = false) {
    super(modules);
    const fields = { isTensor: true, ntensors: 1, unsafe };
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true });
    }
    const trained = original.requiresGrad;
    let value: Tensor | readonly Tensor[] = noGrad(() => original.detach());
    for (const module of [...modules].reverse()) value = noGrad(() => inverseOf(module, value));
    this.isTensor = value instanceof Tensor;
    const originals = this.isTensor ? [value as Tensor] : value as readonly Tensor[];
    this.ntensors = originals.length;
    originals.forEach((x, i) => {
      const wanted = trained && x.dtype.kind === "float";
      const isParameter = original instanceof Parameter;
      register(this, this.nameOf(i), isParameter ? new Parameter(x, wanted) : new Buffer(x));
    });
  }

  /** The name of original `index`. */
  nameOf(index: number): string {
    return this.isTensor ? "original" : `original${index}`;
  }

  /** The originals in order. */
  get originals(): Tensor[] {
    return Array.from({ length: this.ntensors }, (_, i) => fieldOf(this, this.nameOf(i)) as Tensor);
  }

  /** Gives the originals values of which the parametrizations make `value`. */
  rightInverse(value: Tensor): void {
    noGrad(() => {
      let at: Tensor | readonly Tensor[] = value.detach();
      for (const module of [...this].reverse()) at = inverseOf(module, at);
      const values = at instanceof Tensor ? [at as Tensor] : at as readonly Tensor[];
      values.forEach((x, i) => setData(this.originals[i]!, x.clone()));
    });
  }

  /** The parametrized tensor. */
  compute(): Tensor {
    const [first, ...rest] = [...this];
    let x: Tensor = first!(...this.originals);
    for (const module of rest) x = module(x);
    return x;
  }
}

function inverseOf(module: Parametrization, value: Tensor | readonly Tensor[]): Tensor | readonly Tensor[] {
  if (typeof module.rightInverse !== "function") return value;
  return module.rightInverse(value as Tensor);
}

interface Cache {
  depth: number;
  readonly values: Map<ParametrizationList, Tensor>;
}

const cache: Cache = { depth: 0, values: new Map() };

/**
 * Runs `body`, in which each parametrized tensor is computed once, at its first reading.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.cached.html
 */
export function cached<R>(body: () => R): R {
  cache.depth++;
  try {
    return body();
  } finally {
    if (--cache.depth === 0) cache.values.clear();
  }
}

function valueOf(list: ParametrizationList): Tensor {
  if (cache.depth === 0) return list.compute();
  let value = cache.values.get(list);
  if (value === undefined) cache.values.set(list, value = list.compute());
  return value;
}

/** Prototypes that were made for parametrized modules, with the one that they stand for. */
const madeFor = new WeakMap<object, object>();

function listOf(module: AnyModule, name: string): ParametrizationList | undefined {
  const lists = fieldOf(module, "parametrizations");
  if (!(lists instanceof ModuleDict) || !lists.has(name)) return undefined;
  return lists.get(name) as unknown as ParametrizationList;
}

/** True when a tensor of the module, or that called `name`, is parametrized. */
export function isParametrized(module: AnyModule, name: string | null = null): boolean {
  const lists = fieldOf(module, "parametrizations");
  if (!(lists instanceof ModuleDict)) return false;
  return name === null ? lists.size > 0 : lists.has(name);
}

/** Options of {@linkcode registerParametrization}. */
export interface ParametrizationOptions {
  /** Whether results may differ in shape and dtype from what was there, unchecked. Default false. */
  readonly unsafe?: boolean;
}

/**
 * Makes reading `module[name]` run `parametrization` on the tensor that is there. Gives the module, whose class is then
 * called `Parametrized…`.
 *
 * @throws {ValueError} If the module has no such parameter or buffer.
 * @throws {ShapeError} If the result differs in shape or dtype, unless `unsafe`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html
 *
 * @example
 * ```ts
 * class Symmetric extends nn.Module {
 *   override forward(x: torch.Tensor): torch.Tensor {
 *     return x.triu().add(x.triu(1).mT);
 *   }
 * }
 * nn.utils.parametrize.registerParametrization(layer, "weight", new Symmetric());
 * ```
 */
export function registerParametrization<M extends AnyModule>(
  module: M,
  name: string,
  parametrization: Parametrization,
  { unsafe = false }: ParametrizationOptions = {},
): M {
  if (!isModule(parametrization)) {
    throw new ArgumentTypeError("Cannot registerParametrization: the parametrization must be an nn.Module");
  }
  const there = listOf(module, name);
  if (there !== undefined) {
    const before = noGrad(() => there.compute());
    if (!unsafe) checkSame(module, name, before, noGrad(() => parametrization(before)));
    there.append(parametrization);
    return module;
  }
  const own = [...ownParameters(module), ...ownBuffers(module)].find(([key]) => key === name);
  if (own === undefined) {
    throw new ValueError(
      `Cannot registerParametrization: ${classNameOf(module)} must have a parameter or buffer ${
        JSON.stringify(name)
      }`,
    );
  }
  const original = own[1];
  const list = new ParametrizationList([parametrization], original, unsafe);
  if (!unsafe) checkSame(module, name, original, noGrad(() => list.compute()));
  unregister(module, name);
  if (!isParametrized(module)) injectClass(module);
  if (!(fieldOf(module, "parametrizations") instanceof ModuleDict)) {
    register(module, "parametrizations", new ModuleDict());
  }
  (fieldOf(module, "parametrizations") as ModuleDict).set(name, list as unknown as AnyModule);
  // On the prototype made for this module: it sees its own list, also in copies.
  Object.defineProperty(Object.getPrototypeOf(module), name, {
    get(this: AnyModule): Tensor {
      return valueOf(listOf(this, name)!);
    },
    set(this: AnyModule, value: Tensor) {
      listOf(this, name)!.rightInverse(value);
    },
    configurable: true,
  });
  return module;
}

function checkSame(module: AnyModule, name: string, before: Tensor, after: unknown): void {
  if (
    after instanceof Tensor && after.dtype === before.dtype && shapesEqual(after.shape, before.shape)
  ) return;
  throw new ShapeError(
    `Cannot registerParametrization of ${JSON.stringify(name)} of ${
      classNameOf(module)
    }: the result must be ` +
      `${formatType(before)}, got ${
        after instanceof Tensor ? formatType(after) : typeof after
      }; pass unsafe: true ` +
      "where that is meant",
  );
}

/** Puts a prototype for this module alone in front of that of its class. */
function injectClass(module: AnyModule): void {
  const base = Object.getPrototypeOf(module);
  const prototype = Object.create(base);
  const named = { [`Parametrized${classNameOf(module)}`]: class {} };
  Object.defineProperty(prototype, "constructor", { value: Object.values(named)[0] });
  madeFor.set(prototype, base);
  Object.setPrototypeOf(module, prototype);
}

/**
 * Takes the parametrizations of a tensor off. Gives the module.
 *
 * @param leaveParametrized Whether the tensor keeps its parametrized value, else that of the original. Default true.
 * @throws {ValueError} If the tensor is not parametrized, or has several originals and shall get their value.
 */
export function removeParametrizations<M extends AnyModule>(
  module: M,
  name: string,
  leaveParametrized: boolean | { readonly leaveParametrized?: boolean } = true,
): M {
  const keepValue = typeof leaveParametrized === "boolean"
    ? leaveParametrized
    : leaveParametrized.leaveParametrized ?? true;
  const list = listOf(module, name);
  if (list === undefined) {
    throw new ValueError(
      `Cannot removeParametrizations: ${JSON.stringify(name)} of ${classNameOf(module)} has none`,
    );
  }
  if (!keepValue && !list.isTensor) {
    throw new ValueError(
      `Cannot removeParametrizations: ${JSON.stringify(name)} has ${list.ntensors} originals`,
    );
  }
  const [original] = list.originals as [Tensor];
  const value = keepValue ? noGrad(() => list.compute().clone()) : original;
  const isParameter = original instanceof Parameter;
  const lists = fieldOf(module, "parametrizations") as ModuleDict;
  lists.delete(name);
  const prototype = Object.getPrototypeOf(module);
  delete prototype[name];
  if (lists.size === 0) {
    unregister(module, "parametrizations");
    Object.setPrototypeOf(module, madeFor.get(prototype)!);
  }
  if (!isParameter) module.registerBuffer(name, value);
  else {register(
      module,
      name,
      value instanceof Parameter ? value : new Parameter(value, original.requiresGrad),
    );}
  return module;
}
