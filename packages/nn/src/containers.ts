/**
 * Modules that hold modules: Sequential, ModuleList, ModuleDict.
 *
 * @module
 */

import { ArgumentTypeError, IndexError, ValueError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { type AnyModule, Module } from "./module.ts";
import { classNameOf, formatModule } from "./print.ts";
import { isModule, ownModules, unregister } from "./registry.ts";

/** The modules of a container in order. */
function modulesOf(container: AnyModule): AnyModule[] {
  return ownModules(container).map(([, module]) => module);
}

/** The name of the module at `index`, which may count from the end. */
function nameAt(container: AnyModule, index: number): string {
  const names = ownModules(container).map(([name]) => name);
  const name = Number.isInteger(index) ? names[index < 0 ? index + names.length : index] : undefined;
  if (name === undefined) {
    throw new IndexError(
      `Cannot get module ${index} of ${classNameOf(container)}: it must be in [${-names
        .length}, ${names.length}), ` +
        `got ${index}`,
    );
  }
  return name;
}

function moduleAt(container: AnyModule, index: number): AnyModule {
  const name = nameAt(container, index);
  return container.getSubmodule(name);
}

function requireModule(container: AnyModule, value: unknown): AnyModule {
  if (isModule(value)) return value;
  const hint = Array.isArray(value) ? "; pass the modules one by one" : "";
  throw new ArgumentTypeError(
    `Cannot put ${Array.isArray(value) ? "an array" : typeof value} into ${classNameOf(container)}: ` +
      `it must be an nn.Module${hint}`,
  );
}

/** Takes all modules out and puts these in, named by their numbers. */
function renumber(container: AnyModule, modules: readonly AnyModule[]): void {
  for (const [name] of ownModules(container)) unregister(container, name);
  modules.forEach((module, i) => container.registerModule(String(i), module));
}

/** Puts a module in front of `index`, and renumbers. */
function insertAt(container: AnyModule, index: number, module: AnyModule): void {
  const modules = modulesOf(container);
  const at = index < 0 ? index + modules.length : index;
  if (!(at >= 0 && at <= modules.length)) {
    throw new IndexError(
      `Cannot insert at ${index} of ${classNameOf(container)}: the index must be in ` +
        `[${-modules.length}, ${modules.length}]`,
    );
  }
  modules.splice(at, 0, requireModule(container, module));
  renumber(container, modules);
}

/** Takes the module at `index` out, renumbers, and gives it. */
function popAt(container: AnyModule, index: number): AnyModule {
  const modules = modulesOf(container);
  const taken = moduleAt(container, index);
  modules.splice(index < 0 ? index + modules.length : index, 1);
  renumber(container, modules);
  return taken;
}

/** Modules by name: what `OrderedDict` is to PyTorch. */
export type NamedModules = ReadonlyMap<string, AnyModule> | { readonly [name: string]: AnyModule };

function isNamed(value: unknown): value is NamedModules {
  return value instanceof Map ||
    typeof value === "object" && value !== null && !Array.isArray(value) && !(Symbol.iterator in value);
}

function pairs<T>(
  from: ReadonlyMap<string, T> | { readonly [name: string]: T },
): Iterable<readonly [string, T]> {
  return from instanceof Map ? from : Object.entries(from);
}

/**
 * Modules one after another: each gets what the one before gives.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 *
 * @example
 * ```ts
 * const net = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
 * const named = new nn.Sequential({ hidden: new nn.Linear(784, 128), act: new nn.ReLU() });
 * ```
 */
export class Sequential<A extends readonly unknown[] = [x: Tensor], R = Tensor> extends Module<A, R> {
  /** The modules by number, as in `net[0]`. */
  [index: number]: AnyModule;

  /**
   * Makes a chain of modules.
   *
   * @param modules The modules in order; or one object or Map that names them.
   * @throws {ArgumentTypeError} If one is no module.
   */
  constructor(...modules: readonly AnyModule[] | readonly [NamedModules]) {
    super();
    const [first] = modules;
    if (modules.length === 1 && isNamed(first)) {
      for (const [name, module] of pairs(first)) this.registerModule(name, requireModule(this, module));
    } else this.extend(modules as readonly AnyModule[]);
  }

  /** Number of modules. */
  override get length(): number {
    return modulesOf(this).length;
  }

  /**
   * The module at `index`, which may count from the end.
   *
   * @throws {IndexError} If there is none.
   */
  at(index: number): AnyModule {
    return moduleAt(this, index);
  }

  /** The modules from `start` up to but without `end`, in a new container of this class. */
  slice(start?: number, end?: number): Sequential {
    const { constructor } = this as unknown as { constructor: new (modules: NamedModules) => Sequential };
    return new constructor(new Map(ownModules(this).slice(start, end)));
  }

  /** Adds a module at the end. Gives this Sequential. */
  append(module: AnyModule): this {
    this.registerModule(String(this.length), requireModule(this, module));
    return this;
  }

  /** Adds modules at the end. Gives this Sequential. */
  extend(modules: Iterable<AnyModule>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  /** Puts a module in front of the one at `index`; the modules are named by their numbers then. Gives this Sequential. */
  insert(index: number, module: AnyModule): this {
    insertAt(this, index, module);
    return this;
  }

  /** Takes the module at `index` out and gives it; the modules are named by their numbers then. */
  pop(index: number = -1): AnyModule {
    return popAt(this, index);
  }

  /** Calls the modules one after another. */
  override forward(...args: A): R {
    const modules = modulesOf(this);
    if (modules.length === 0) return args[0] as R;
    let x: unknown = modules[0]!(...args);
    for (let i = 1; i < modules.length; i++) x = modules[i]!(x);
    return x as R;
  }

  /** The modules in order. */
  [Symbol.iterator](): Iterator<AnyModule> {
    return modulesOf(this)[Symbol.iterator]();
  }
}

/**
 * A list of modules. It is not called itself.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
 *
 * @example
 * ```ts
 * class Stack extends nn.Module {
 *   layers = new nn.ModuleList([new nn.Linear(8, 8), new nn.Linear(8, 8)]);
 *   override forward(x: torch.Tensor): torch.Tensor {
 *     for (const layer of this.layers) x = layer(x).relu();
 *     return x;
 *   }
 * }
 * ```
 */
export class ModuleList<M extends AnyModule = AnyModule> extends Module<never, never> {
  /** The modules by number, as in `layers[0]`. */
  [index: number]: M;

  /**
   * Makes a list of modules.
   *
   * @param modules The modules in order.
   * @throws {ArgumentTypeError} If one is no module.
   */
  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  /** Number of modules. */
  override get length(): number {
    return modulesOf(this).length;
  }

  /**
   * The module at `index`, which may count from the end.
   *
   * @throws {IndexError} If there is none.
   */
  at(index: number): M {
    return moduleAt(this, index) as M;
  }

  /** The modules from `start` up to but without `end`, in a new list of this class. */
  slice(start?: number, end?: number): ModuleList<M> {
    const { constructor } = this as unknown as { constructor: new (modules: readonly M[]) => ModuleList<M> };
    return new constructor((modulesOf(this) as M[]).slice(start, end));
  }

  /** Adds a module at the end. Gives this list. */
  append(module: M): this {
    this.registerModule(String(this.length), requireModule(this, module));
    return this;
  }

  /** Adds modules at the end. Gives this list. */
  extend(modules: Iterable<M>): this {
    if (typeof modules !== "object" && typeof modules !== "function" || !(Symbol.iterator in modules)) {
      throw new ArgumentTypeError(
        "Cannot extend ModuleList: the modules must come in an array or another iterable",
      );
    }
    for (const module of modules) this.append(module);
    return this;
  }

  /** Puts a module in front of the one at `index`. Gives this list. */
  insert(index: number, module: M): this {
    insertAt(this, index, module);
    return this;
  }

  /** Takes the module at `index` out and gives it. */
  pop(index: number = -1): M {
    return popAt(this, index) as M;
  }

  /** The modules in order. */
  [Symbol.iterator](): Iterator<M> {
    return (modulesOf(this) as M[])[Symbol.iterator]();
  }

  /** As PyTorch prints it: equal neighbours once. */
  override toString(): string {
    return formatModule(this, true);
  }
}

/**
 * Modules by name. It is not called itself.
 *
 * `M` are the modules; `N` are those that it is made with by name, so that `get` knows the class of each.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
 *
 * @example
 * ```ts
 * const parts = new nn.ModuleDict({ embed: new nn.Embedding(10, 4), head: new nn.Linear(4, 10, { bias: false }) });
 * parts.get("head").weight = parts.get("embed").weight;
 * ```
 */
export class ModuleDict<
  M extends AnyModule = AnyModule,
  N extends { readonly [name: string]: M } = { readonly [name: string]: M },
> extends Module<never, never> {
  /**
   * Makes a dict of modules.
   *
   * @param modules The modules by name.
   * @throws {ArgumentTypeError} If one is no module.
   */
  constructor(modules: ReadonlyMap<string, M> | N & { readonly [name: string]: M } = new Map<string, M>()) {
    super();
    this.update(modules);
  }

  /** Number of modules. */
  get size(): number {
    return ownModules(this).length;
  }

  /**
   * The module called `name`.
   *
   * @throws {IndexError} If there is none.
   */
  get<K extends keyof N & string>(name: K): N[K];
  /** The module called `name`. */
  get(name: string): M;
  get(name: string): AnyModule {
    const found = ownModules(this).find(([key]) => key === name);
    if (found === undefined) {
      throw new IndexError(
        `Cannot get module ${JSON.stringify(name)} of ModuleDict: it must be one of ${
          this.keys().map((key) => JSON.stringify(key)).join(", ") || "none"
        }`,
      );
    }
    return found[1];
  }

  /** True when there is a module called `name`. */
  has(name: string): boolean {
    return this.keys().includes(name);
  }

  /** Sets the module called `name`. Gives this dict. */
  set(name: string, module: M): this {
    this.registerModule(name, requireModule(this, module));
    return this;
  }

  /** Sets modules by name. Gives this dict. */
  update(modules: ReadonlyMap<string, M> | { readonly [name: string]: M }): this {
    if (!isNamed(modules)) {
      throw new ValueError(
        "Cannot update ModuleDict: the modules must come in a Map or an object that names them",
      );
    }
    for (const [name, module] of pairs(modules)) this.set(name, module);
    return this;
  }

  /** Takes the module called `name` out and gives it. */
  pop(name: string): M {
    const taken: M = this.get(name);
    unregister(this, name);
    return taken;
  }

  /** Takes the module called `name` out. True when there was one. */
  delete(name: string): boolean {
    const there = this.has(name);
    if (there) unregister(this, name);
    return there;
  }

  /** Takes all modules out. */
  clear(): void {
    for (const name of this.keys()) unregister(this, name);
  }

  /** The names in order. */
  keys(): string[] {
    return ownModules(this).map(([name]) => name);
  }

  /** The modules in order. */
  values(): M[] {
    return modulesOf(this) as M[];
  }

  /** Names and modules in order. */
  entries(): [name: string, module: M][] {
    return ownModules(this) as [string, M][];
  }

  /** As {@linkcode entries}, PyTorch's name. */
  items(): [name: string, module: M][] {
    return this.entries();
  }

  /** Names and modules in order. */
  [Symbol.iterator](): Iterator<[name: string, module: M]> {
    return this.entries()[Symbol.iterator]();
  }
}
