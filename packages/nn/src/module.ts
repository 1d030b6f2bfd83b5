/**
 * Module: a function with parameters. Networks and their parts are modules.
 *
 * The base constructor returns an arrow function whose prototype is that of the class, so that `net(x)` works and the
 * fields of the class are fields of that function.
 *
 * @module
 */

import {
  ArgumentTypeError,
  bfloat16,
  DType,
  DTypeError,
  dtypes,
  float16,
  float32,
  float64,
  IndexError,
  NotImplementedError,
  ValueError,
} from "@flambeau/core";
import { Device, type DeviceLike, keep, noGrad, Tensor } from "@flambeau/tensor";
import { forgetGrad } from "@flambeau/tensor/internal";
import { callHooked } from "./call.ts";
import {
  addHook,
  type BackwardHook,
  type ForwardHook,
  type ForwardPreHook,
  type HookHandle,
  type LoadPreHook,
} from "./hooks.ts";
import { type BufferOptions, Parameter, setData } from "./parameter.ts";
import { classNameOf, formatModule } from "./print.ts";
import {
  fieldOf,
  isModule,
  type ModuleState,
  newState,
  ownBuffers,
  ownModules,
  ownParameters,
  register,
  STATE,
  stateOf,
  walk,
} from "./registry.ts";
import {
  type LoadResult,
  loadStateDict,
  type LoadStateDictOptions,
  type StateDict,
  stateDict,
  type StateDictLike,
  type StateDictOptions,
} from "./state_dict.ts";

/**
 * A module: an object with parameters that is called like a function.
 *
 * `A` are the arguments of `forward`, `R` is its result.
 */
export type Module<A extends readonly unknown[] = [x: Tensor], R = Tensor> =
  & ModuleBase<A, R>
  & ((...args: A) => R);

/** A module, whatever it takes and gives. */
// deno-lint-ignore no-explicit-any -- only `any` stands for the arguments of every function
export type AnyModule = Module<any, any>;

/** Which parameters or buffers are listed, and how they are called. */
export interface NamedOptions {
  /** Put before every name, with a dot. Default `""`. */
  readonly prefix?: string;
  /** Look into submodules. Default true. */
  readonly recurse?: boolean;
  /** List what is shared once. Default true. */
  readonly removeDuplicate?: boolean;
}

/** Which modules are listed, and how they are called. */
export interface NamedModulesOptions {
  /** Put before every name, with a dot. Default `""`. */
  readonly prefix?: string;
}

/** Where {@linkcode ModuleBase.to} moves a module and what it converts. */
export interface ModuleToOptions {
  /** A float dtype. */
  readonly dtype?: DType | string;
  /** A registered device. */
  readonly device?: DeviceLike;
}

/**
 * A module without fields: a function that calls `forward`, with this prototype. Not for users.
 *
 * It is an arrow function: these have no `prototype`, `caller` and `arguments` of their own.
 */
export function callable<A extends readonly unknown[], R>(prototype: object): Module<A, R> {
  const state = newState();
  const self =
    ((...args: A): R => state.hooked ? callHooked(self, args) as R : self.forward(...args)) as Module<A, R>;
  const fields = self as unknown as Record<string, unknown>;
  // Free for submodules and parameters.
  delete fields["name"];
  delete fields["length"];
  // Not enumerable: no field of the user.
  Object.defineProperty(self, STATE, { value: state });
  Object.defineProperty(self, "training", { value: true, writable: true, configurable: true });
  return Object.setPrototypeOf(self, prototype);
}

/** The instance side of {@linkcode Module}, without the call. */
export class ModuleBase<A extends readonly unknown[], R> {
  /** True between `train()` and `eval()`: Dropout and BatchNorm heed it. */
  declare training: boolean;

  /** Makes a module. A class that extends this calls `super()` without arguments. */
  constructor() {
    return callable<A, R>(new.target.prototype) as unknown as this;
  }

  /**
   * Computes the result. Classes define it; users call the module itself, so that hooks run.
   *
   * @throws {NotImplementedError} If the class does not define it.
   */
  forward(..._args: A): R {
    throw new NotImplementedError(`Cannot call ${classNameOf(asModule(this))}: it must define forward()`);
  }

  /** What the printed form says between the brackets, in PyTorch's (Python's) spelling. Classes override it. */
  extraRepr(): string {
    return "";
  }

  /**
   * Called before a state dict is loaded: rewrites forms of older files, or adds what they did not have. Classes
   * override it. Names under `prefix` belong to this module.
   */
  upgradeStateDict(_state: StateDict, _prefix: string): void {}

  /** The parameters, those of submodules included, each once. */
  parameters(recurse: boolean | { readonly recurse?: boolean } = true): Parameter[] {
    return this.namedParameters({ recurse: flag(recurse, "recurse") }).map(([, parameter]) => parameter);
  }

  /** The parameters with their dotted names, in the order of the fields, a module's own before those of its children. */
  namedParameters(options: string | NamedOptions = {}): [name: string, parameter: Parameter][] {
    return named(this, options, ownParameters);
  }

  /** The buffers, those of submodules included, each once. */
  buffers(recurse: boolean | { readonly recurse?: boolean } = true): Tensor[] {
    return this.namedBuffers({ recurse: flag(recurse, "recurse") }).map(([, buffer]) => buffer);
  }

  /** The buffers with their dotted names. */
  namedBuffers(options: string | NamedOptions = {}): [name: string, buffer: Tensor][] {
    return named(this, options, ownBuffers);
  }

  /** The direct submodules, each once. */
  children(): AnyModule[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** The direct submodules with their names, each once. */
  namedChildren(): [name: string, child: AnyModule][] {
    const seen = new Set<AnyModule>();
    return ownModules(asModule(this)).filter(([, child]) => !seen.has(child) && seen.add(child));
  }

  /** This module and all below it, each once, parents first. */
  modules(): AnyModule[] {
    return walk(asModule(this)).map(([, module]) => module);
  }

  /** This module (its name is `""`) and all below it with their dotted names, each once, parents first. */
  namedModules(options: string | NamedModulesOptions = {}): [name: string, module: AnyModule][] {
    return walk(asModule(this), typeof options === "string" ? options : options.prefix);
  }

  /**
   * Calls `fn` on every module, children first, this one last. Gives this module.
   *
   * @example
   * ```ts
   * net.apply((m) => {
   *   if (m instanceof nn.Linear) nn.init.zeros_(m.weight);
   * });
   * ```
   */
  apply(fn: (module: AnyModule) => void): this {
    const seen = new Set<AnyModule>();
    const visit = (module: AnyModule): void => {
      if (seen.has(module)) return;
      seen.add(module);
      for (const [, child] of ownModules(module)) visit(child);
      fn(module);
    };
    visit(asModule(this));
    return this;
  }

  /**
   * Switches this module and all below it to training, or with false to evaluation. Gives this module.
   *
   * @throws {ValueError} If `mode` is not a boolean.
   */
  train(mode: boolean = true): this {
    if (typeof mode !== "boolean") {
      throw new ValueError(`Cannot train: the training mode must be a boolean, got ${typeof mode}`);
    }
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Switches this module and all below it to evaluation. Gives this module. */
  eval(): this {
    return this.train(false);
  }

  /** Turns gradients of all parameters on or off. Gives this module. */
  requiresGrad_(requiresGrad: boolean = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad;
    return this;
  }

  /** Forgets the gradients of all parameters; with `setToNone: false` it fills them with zeros. */
  zeroGrad(setToNone: boolean | { readonly setToNone?: boolean } = true): void {
    for (const parameter of this.parameters()) {
      if (flag(setToNone, "setToNone")) {
        forgetGrad(parameter);
        continue;
      }
      const { grad } = parameter;
      if (grad !== null) {
        parameter.grad = grad.detach();
        noGrad(() => parameter.grad!.zero_());
      }
    }
  }

  /**
   * Moves parameters and buffers to a device, converts those of a float dtype, or both; in place. Gives this module.
   *
   * @param target A float dtype, a device, a tensor to be like, or an object of options.
   * @throws {DTypeError} If the dtype is not a float dtype.
   * @throws {DeviceError} If the device is not registered or does not have the dtype.
   */
  to(target: DType | DeviceLike | Tensor | ModuleToOptions, dtype?: DType | string): this {
    const wanted = targetOf(target);
    if (dtype !== undefined) wanted.dtype = dtypeNamed(dtype);
    if (wanted.dtype !== undefined && wanted.dtype.kind !== "float") {
      throw new DTypeError(
        `Cannot move ${classNameOf(asModule(this))} to ${wanted.dtype.name}: the dtype must be of floats`,
      );
    }
    return this.convert((x) => {
      const at = wanted.device === undefined ? x : x.to(wanted.device);
      return wanted.dtype === undefined || at.dtype.kind !== "float" ? at : at.to(wanted.dtype);
    });
  }

  /** {@linkcode to} float32. */
  float(): this {
    return this.to(float32);
  }

  /** {@linkcode to} float64. */
  double(): this {
    return this.to(float64);
  }

  /** {@linkcode to} float16. */
  half(): this {
    return this.to(float16);
  }

  /** {@linkcode to} bfloat16. */
  bfloat16(): this {
    return this.to(bfloat16);
  }

  /** {@linkcode to} the device called `"cpu"`. */
  cpu(): this {
    return this.to({ device: "cpu" });
  }

  /**
   * Replaces the values of parameters and buffers, and of gradients, in place: each tensor stays the same object.
   *
   * @param change Gives the new value; called once for each tensor.
   */
  convert(change: (x: Tensor) => Tensor): this {
    const replace = (x: Tensor) => {
      const value = noGrad(() => change(x.detach()));
      if (value.storage !== x.storage || value.dtype !== x.dtype) setData(x, value);
    };
    for (const parameter of this.parameters()) {
      replace(parameter);
      if (parameter.grad !== null) replace(parameter.grad);
    }
    for (const buffer of this.buffers()) replace(buffer);
    return this;
  }

  /**
   * All parameters and persistent buffers by their dotted names, in PyTorch's order: detached, over the same memory.
   *
   * @example
   * ```ts
   * await torch.save(net.stateDict(), "net.safetensors");
   * ```
   */
  stateDict(options: StateDictOptions = {}): StateDict {
    return stateDict(asModule(this), options);
  }

  /**
   * Copies the tensors of a state dict into the parameters and buffers of the same names.
   *
   * @param options `strict` (default true) refuses names that are missing or unknown; also as a boolean.
   * @throws {TorchError} If names or shapes differ: one message that lists all; nothing is changed then.
   */
  loadStateDict(state: StateDictLike, options: boolean | LoadStateDictOptions = {}): LoadResult {
    return loadStateDict(asModule(this), state, typeof options === "boolean" ? { strict: options } : options);
  }

  /**
   * Sets a parameter under a name that no field could have, or null for none. Gives it.
   *
   * @throws {ArgumentTypeError} If it is neither a Parameter nor null.
   * @throws {ValueError} If the name is empty, has a dot, or is taken.
   */
  registerParameter<P extends Parameter | null>(name: string, parameter: P): P {
    checkName(this, "parameter", name, (x) => x instanceof Parameter);
    if (parameter !== null && !(parameter instanceof Parameter)) {
      throw new ArgumentTypeError(
        `Cannot register parameter ${JSON.stringify(name)}: it must be an nn.Parameter or null, got ${
          kindOf(parameter)
        }`,
      );
    }
    register(asModule(this), name, parameter);
    return parameter;
  }

  /**
   * Sets a tensor that belongs to the module and is not trained, or null for none. Gives it.
   *
   * @param persistent Whether it is part of the state dict. Default true.
   * @throws {ArgumentTypeError} If it is neither a Tensor nor null.
   * @throws {ValueError} If the name is empty, has a dot, or is taken.
   */
  registerBuffer<T extends Tensor | null>(
    name: string,
    tensor: T,
    persistent: boolean | BufferOptions = true,
  ): T {
    checkName(
      this,
      "buffer",
      name,
      (x) => x instanceof Tensor && stateOf(asModule(this)).buffers.has(name),
    );
    if (tensor !== null && !(tensor instanceof Tensor)) {
      throw new ArgumentTypeError(
        `Cannot register buffer ${JSON.stringify(name)}: it must be a Tensor or null, got ${kindOf(tensor)}`,
      );
    }
    if (tensor !== null) keep<Tensor>(tensor);
    register(asModule(this), name, tensor);
    stateOf(asModule(this)).buffers.set(name, flag(persistent, "persistent"));
    return tensor;
  }

  /**
   * Sets a submodule under a name that no field could have, or null for none. Gives it.
   *
   * @throws {ArgumentTypeError} If it is neither a Module nor null.
   * @throws {ValueError} If the name is empty, has a dot, or is taken.
   */
  registerModule<M extends AnyModule | null>(name: string, module: M): M {
    checkName(this, "module", name, isModule);
    if (module !== null && !isModule(module)) {
      throw new ArgumentTypeError(
        `Cannot register module ${JSON.stringify(name)}: it must be an nn.Module or null, got ${
          kindOf(module)
        }`,
      );
    }
    register(asModule(this), name, module);
    return module;
  }

  /** As {@linkcode registerModule}. */
  addModule<M extends AnyModule | null>(name: string, module: M): M {
    return this.registerModule(name, module);
  }

  /**
   * The submodule at a dotted path; `""` is this module.
   *
   * @throws {IndexError} If there is none.
   */
  getSubmodule(target: string): AnyModule {
    let at = asModule(this);
    for (const part of target === "" ? [] : target.split(".")) {
      const next = fieldOf(at, part);
      if (!isModule(next)) {
        throw new IndexError(
          `Cannot get submodule ${JSON.stringify(target)}: ${classNameOf(at)} must have a module ${
            JSON.stringify(part)
          }, ` +
            `got ${kindOf(next)}`,
        );
      }
      at = next;
    }
    return at;
  }

  /**
   * The parameter at a dotted path.
   *
   * @throws {IndexError} If there is none.
   */
  getParameter(target: string): Parameter {
    return leafAt(this, target, "parameter", ownParameters);
  }

  /**
   * The buffer at a dotted path.
   *
   * @throws {IndexError} If there is none.
   */
  getBuffer(target: string): Tensor {
    return leafAt(this, target, "buffer", ownBuffers);
  }

  /**
   * Calls `hook(module, args)` before each `forward`. What it returns takes the place of the arguments: a list of them,
   * or the only one.
   */
  registerForwardPreHook(hook: ForwardPreHook<this, A>): HookHandle {
    return hookInto(this, "forwardPre", hook as unknown as ForwardPreHook);
  }

  /** Calls `hook(module, args, output)` after each `forward`. What it returns takes the place of the output. */
  registerForwardHook(hook: ForwardHook<this, A, R>): HookHandle {
    return hookInto(this, "forward", hook as unknown as ForwardHook);
  }

  /**
   * Calls `hook(module, gradInput, gradOutput)` when the gradients of the tensors that went into `forward` are known.
   * What it returns takes the place of `gradInput`.
   */
  registerFullBackwardHook(hook: BackwardHook<this>): HookHandle {
    return hookInto(this, "backward", hook as unknown as BackwardHook);
  }

  /** Calls `hook(module, state, prefix)` before a state dict is loaded; it may change the names under `prefix`. */
  registerLoadStateDictPreHook(hook: LoadPreHook<this>): HookHandle {
    return addHook(stateOf(asModule(this)).loadPre, hook as unknown as LoadPreHook);
  }

  /** The text that PyTorch prints. */
  toString(): string {
    return formatModule(asModule(this));
  }
}

// What the consoles of Deno and Node show.
for (const inspect of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
  Object.defineProperty(ModuleBase.prototype, Symbol.for(inspect), {
    value: function (this: AnyModule): string {
      return String(this);
    },
  });
}

// The name that an instance of the base class itself prints.
Object.defineProperty(ModuleBase, "name", { value: "Module" });

/** The static side of {@linkcode Module}. */
export interface ModuleConstructor {
  /** Makes a module. */
  new <A extends readonly unknown[] = [x: Tensor], R = Tensor>(): Module<A, R>;
  /** What all modules inherit from. */
  readonly prototype: AnyModule;
}

/**
 * Base class of all networks and their parts.
 *
 * Parameters, buffers and submodules are the fields that hold a {@linkcode Parameter}, a {@linkcode Buffer} or a
 * module, under the name of the field. Plain tensors and what lies in arrays is not registered, as in PyTorch: see
 * `registerBuffer`, `ModuleList` and `ParameterList`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html
 *
 * @example
 * ```ts
 * class Net extends nn.Module {
 *   fc1 = new nn.Linear(784, 128);
 *   fc2 = new nn.Linear(128, 10);
 *   override forward(x: torch.Tensor): torch.Tensor {
 *     return this.fc2(this.fc1(x).relu());
 *   }
 * }
 * const net = new Net();
 * const y = net(torch.randn([1, 784]));
 * ```
 */
export const Module: ModuleConstructor = ModuleBase as unknown as ModuleConstructor;

/** A module as its own type: the base class is never instantiated without the call. */
function asModule(module: unknown): AnyModule {
  return module as AnyModule;
}

/** A boolean that may also come in an object. */
function flag<K extends string>(value: boolean | { readonly [P in K]?: boolean }, name: K): boolean {
  return typeof value === "boolean" ? value : value[name] ?? true;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object" && typeof value !== "function") return `${typeof value} ${String(value)}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}

/** Lists what `own` finds in the modules, with dotted names. */
function named<T extends Tensor>(
  module: unknown,
  options: string | NamedOptions,
  own: (module: AnyModule) => readonly (readonly [string, T, ...unknown[]])[],
): [string, T][] {
  const { prefix = "", recurse = true, removeDuplicate = true } = typeof options === "string"
    ? { prefix: options }
    : options;
  const owners = recurse ? walk(asModule(module), prefix) : [[prefix, asModule(module)] as const];
  const seen = new Set<Tensor>();
  const out: [string, T][] = [];
  for (const [path, owner] of owners) {
    for (const [name, tensor] of own(owner)) {
      if (removeDuplicate && seen.has(tensor)) continue;
      seen.add(tensor);
      out.push([path === "" ? name : `${path}.${name}`, tensor]);
    }
  }
  return out;
}

function leafAt<T extends Tensor>(
  module: { getSubmodule(target: string): AnyModule },
  target: string,
  what: string,
  own: (module: AnyModule) => readonly (readonly [string, T, ...unknown[]])[],
): T {
  const dot = target.lastIndexOf(".");
  const owner = module.getSubmodule(target.slice(0, Math.max(dot, 0)));
  const field = target.slice(dot + 1);
  const found = own(owner).find(([name]) => name === field);
  if (found === undefined) {
    throw new IndexError(
      `Cannot get ${what} ${JSON.stringify(target)}: ${classNameOf(owner)} must have a ${what} ${
        JSON.stringify(field)
      }, ` +
        `got ${kindOf(fieldOf(owner, field))}`,
    );
  }
  return found[1];
}

function checkName(module: unknown, what: string, name: string, isSame: (value: unknown) => boolean): void {
  const refuse = (must: string) => {
    throw new ValueError(`Cannot register ${what} ${JSON.stringify(name)}: ${must}`);
  };
  if (typeof name !== "string") {
    throw new ArgumentTypeError(`Cannot register a ${what}: its name must be a string, got ${kindOf(name)}`);
  }
  if (name === "") refuse('the name must not be empty, got ""');
  if (name.includes(".")) refuse(`the name must not have a dot, got ${JSON.stringify(name)}`);
  const there = fieldOf(asModule(module), name);
  if (there !== undefined && there !== null && !isSame(there)) {
    refuse(`the attribute must not exist already, got ${kindOf(there)}`);
  }
}

function hookInto<K extends "forwardPre" | "forward" | "backward">(
  module: unknown,
  table: K,
  hook: ModuleState[K] extends Map<number, infer H> ? H : never,
): HookHandle {
  if (typeof hook !== "function") {
    throw new ArgumentTypeError(`Cannot register a hook: it must be a function, got ${kindOf(hook)}`);
  }
  const state = stateOf(asModule(module));
  return addHook(state[table] as Map<number, typeof hook>, hook, () => {
    state.hooked = state.forwardPre.size + state.forward.size + state.backward.size > 0;
  });
}

function dtypeNamed(name: DType | string): DType {
  const found = dtypes.find((dtype) => dtype === name || dtype.name === name);
  if (found === undefined) {
    throw new DTypeError(
      `Cannot move a module to dtype ${JSON.stringify(String(name))}: there is no such dtype`,
    );
  }
  return found;
}

function targetOf(target: unknown): { dtype?: DType; device?: DeviceLike } {
  if (target instanceof DType) return { dtype: target };
  if (typeof target === "string") {
    const dtype = dtypes.find((candidate) => candidate.name === target);
    return dtype === undefined ? { device: target } : { dtype };
  }
  if (target instanceof Tensor) return { dtype: target.dtype, device: target.device };
  if (target instanceof Device) return { device: target };
  if (typeof target === "object" && target !== null) {
    if ("kernels" in target) return { device: target as DeviceLike };
    const { dtype, device } = target as ModuleToOptions;
    return {
      ...(dtype === undefined ? {} : { dtype: dtypeNamed(dtype) }),
      ...(device === undefined ? {} : { device }),
    };
  }
  throw new ArgumentTypeError(
    `Cannot move a module to ${kindOf(target)}: it must be a float dtype, a device or a Tensor`,
  );
}
