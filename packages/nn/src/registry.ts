/**
 * What a module consists of: the parameters, buffers and submodules among its fields.
 *
 * Nothing is noted when a field is assigned. The fields are looked through when somebody asks, so that reassigned and
 * deleted ones are seen as they are.
 *
 * @module
 */

import { Tensor } from "@flambeau/tensor";
import type { AnyModule } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";
import type { BackwardHook, ForwardHook, ForwardPreHook, LoadPreHook } from "./hooks.ts";

/** The key under which a module keeps what is not a field. */
export const STATE: unique symbol = Symbol("flambeau.nn.state");

/** What a module knows of itself beside its fields. */
export interface ModuleState {
  /** Names of buffers, with whether they are in the state dict. */
  readonly buffers: Map<string, boolean>;
  /** Names in the order of registration, once that may differ from the order of fields; see {@linkcode namesOf}. */
  order: Set<string> | null;
  /** True when a call has more to do than `forward`. */
  hooked: boolean;
  /** Hooks that see the arguments. */
  readonly forwardPre: Map<number, ForwardPreHook>;
  /** Hooks that see arguments and result. */
  readonly forward: Map<number, ForwardHook>;
  /** Hooks that see gradients. */
  readonly backward: Map<number, BackwardHook>;
  /** Hooks that see a state dict before it is loaded. */
  readonly loadPre: Map<number, LoadPreHook>;
}

/** The state of a module that has nothing yet. */
export function newState(): ModuleState {
  return {
    buffers: new Map(),
    order: null,
    hooked: false,
    forwardPre: new Map(),
    forward: new Map(),
    backward: new Map(),
    loadPre: new Map(),
  };
}

/** The state of a module. */
export function stateOf(module: AnyModule): ModuleState {
  return (module as unknown as { readonly [STATE]: ModuleState })[STATE];
}

/** True for modules. */
export function isModule(value: unknown): value is AnyModule {
  return typeof value === "function" && STATE in value;
}

/** The field `name` of a module, whatever it is. */
export function fieldOf(module: AnyModule, name: string): unknown {
  return (module as unknown as Record<string, unknown>)[name];
}

/** Sets the field `name` of a module. */
export function setField(module: AnyModule, name: string, value: unknown): void {
  (module as unknown as Record<string, unknown>)[name] = value;
}

/**
 * The names of the fields in the order in which they were first assigned.
 *
 * JavaScript lists fields named by whole numbers first. Where such fields were registered, their order is kept apart.
 */
function namesOf(module: AnyModule): Iterable<string> {
  const own = Object.keys(module);
  const { order } = stateOf(module);
  if (order === null) return own;
  const present = new Set(own);
  return [...[...order].filter((name) => present.has(name)), ...own.filter((name) => !order.has(name))];
}

/** Sets a field under a name that was registered, and keeps the order of registration. */
export function register(module: AnyModule, name: string, value: unknown): void {
  const state = stateOf(module);
  const ordered = state.order !== null || /^\d+$/.test(name);
  if (ordered) state.order = new Set(namesOf(module));
  setField(module, name, value);
  state.order?.add(name);
}

/** Removes a field, and its place in the order. */
export function unregister(module: AnyModule, name: string): void {
  const state = stateOf(module);
  state.order?.delete(name);
  state.buffers.delete(name);
  delete (module as unknown as Record<string, unknown>)[name];
}

/** The parameters among the fields of one module. */
export function ownParameters(module: AnyModule): [name: string, parameter: Parameter][] {
  const out: [string, Parameter][] = [];
  for (const name of namesOf(module)) {
    const value = fieldOf(module, name);
    if (value instanceof Parameter) out.push([name, value]);
  }
  return out;
}

/** The buffers among the fields of one module. */
export function ownBuffers(module: AnyModule): [name: string, buffer: Tensor, persistent: boolean][] {
  const out: [string, Tensor, boolean][] = [];
  const { buffers } = stateOf(module);
  for (const name of namesOf(module)) {
    const value = fieldOf(module, name);
    if (!(value instanceof Tensor) || value instanceof Parameter) continue;
    const persistent = buffers.get(name) ?? (value instanceof Buffer ? value.persistent : undefined);
    if (persistent !== undefined) out.push([name, value as Tensor, persistent]);
  }
  return out;
}

/** The submodules among the fields of one module. */
export function ownModules(module: AnyModule): [name: string, module: AnyModule][] {
  const out: [string, AnyModule][] = [];
  for (const name of namesOf(module)) {
    const value = fieldOf(module, name);
    if (isModule(value)) out.push([name, value]);
  }
  return out;
}

/** All modules below and including `module`, each once, parents first, with their dotted names. */
export function walk(
  module: AnyModule,
  prefix: string = "",
  seen: Set<AnyModule> = new Set(),
): [name: string, module: AnyModule][] {
  if (seen.has(module)) return [];
  seen.add(module);
  const out: [string, AnyModule][] = [[prefix, module]];
  for (const [name, child] of ownModules(module)) {
    out.push(...walk(child, prefix === "" ? name : `${prefix}.${name}`, seen));
  }
  return out;
}
