/**
 * State dicts: what a module knows, by name, and loading it back.
 *
 * @module
 */

import { shapesEqual, TorchError } from "@flambeau/core";
import { detach, noGrad, select, type Tensor } from "@flambeau/tensor";
import { requireTensor } from "@flambeau/tensor/internal";
import type { AnyModule } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";
import { classNameOf } from "./print.ts";
import { pythonRepr } from "./python.ts";
import { fieldOf, ownBuffers, ownModules, ownParameters, setField, stateOf } from "./registry.ts";

/** Tensors by their dotted names, in PyTorch's order. */
export type StateDict = Map<string, Tensor>;

/** What {@linkcode loadStateDict} takes: a map, a plain object, or pairs. */
export type StateDictLike =
  | ReadonlyMap<string, Tensor>
  | Iterable<readonly [string, Tensor]>
  | { readonly [name: string]: Tensor };

/** Options of {@linkcode stateDict}. */
export interface StateDictOptions {
  /** Put before every name. Default `""`. */
  readonly prefix?: string;
  /** Give the parameters themselves instead of detached tensors over their memory. Default false. */
  readonly keepVars?: boolean;
}

/** Options of {@linkcode loadStateDict}. */
export interface LoadStateDictOptions {
  /** Refuse names that are missing or unknown. Default true. */
  readonly strict?: boolean;
  /** Take the tensors themselves, with their dtype and device, instead of copying their values. Default false. */
  readonly assign?: boolean;
}

/** Names that did not match. */
export interface LoadResult {
  /** Names of the module that the state dict does not have. */
  readonly missingKeys: string[];
  /** Names of the state dict that the module does not have. */
  readonly unexpectedKeys: string[];
  /** As PyTorch prints it: `<All keys matched successfully>`, or the names. */
  toString(): string;
}

/** The result of a load. Its text is no field of its own, so that results are equal when their names are. */
function loadResult(missingKeys: string[], unexpectedKeys: string[]): LoadResult {
  const list = (names: string[]) => `[${names.map(pythonRepr).join(", ")}]`;
  return Object.defineProperty({ missingKeys, unexpectedKeys }, "toString", {
    value: () =>
      missingKeys.length + unexpectedKeys.length === 0
        ? "<All keys matched successfully>"
        : `_IncompatibleKeys(missing_keys=${list(missingKeys)}, unexpected_keys=${list(unexpectedKeys)})`,
  });
}

/** Parameters and persistent buffers of a module and all below it: detached, over the same memory. */
export function stateDict(module: AnyModule, { prefix = "", keepVars = false }: StateDictOptions): StateDict {
  const out: StateDict = new Map();
  for (const { name, tensor } of slots(module, prefix)) out.set(name, keepVars ? tensor : detach(tensor));
  return out;
}

/** A place for a tensor in a module. */
interface Slot {
  readonly name: string;
  readonly module: AnyModule;
  readonly field: string;
  readonly tensor: Tensor;
}

/** The places of a module in the order of its state dict. Shared modules appear under each of their names. */
function slots(module: AnyModule, prefix: string, path: ReadonlySet<AnyModule> = new Set()): Slot[] {
  if (path.has(module)) return []; // a module that holds itself
  const out: Slot[] = [];
  const add = (field: string, tensor: Tensor) => out.push({ name: prefix + field, module, field, tensor });
  for (const [field, parameter] of ownParameters(module)) add(field, parameter);
  for (const [field, buffer, persistent] of ownBuffers(module)) if (persistent) add(field, buffer);
  const inner = new Set(path).add(module);
  for (const [field, child] of ownModules(module)) out.push(...slots(child, `${prefix}${field}.`, inner));
  return out;
}

/** A state dict as a map. */
function toMap(state: StateDictLike): StateDict {
  if (typeof state !== "object" || state === null) {
    throw new TorchError(`Cannot load a state dict: it must be a Map or an object, got ${typeof state}`);
  }
  return new Map(Symbol.iterator in state ? state : Object.entries(state));
}

/**
 * Copies the tensors of `state` into the parameters and buffers of the same names. Nothing is changed when it throws.
 *
 * @throws {TorchError} If shapes differ or, when strict, names: with PyTorch's text, which lists them all.
 */
export function loadStateDict(
  module: AnyModule,
  state: StateDictLike,
  { strict = true, assign = false }: LoadStateDictOptions,
): LoadResult {
  const given = toMap(state);
  runPreHooks(module, given, "", new Set());
  const places = slots(module, "");
  const known = new Set(places.map(({ name }) => name));
  const missingKeys = [...known].filter((name) => !given.has(name));
  const unexpectedKeys = [...given.keys()].filter((name) => !known.has(name));

  const problems: string[] = [];
  if (strict && missingKeys.length > 0) {
    problems.push(`Missing key(s) in state_dict: ${quoted(missingKeys)}. `);
  }
  if (strict && unexpectedKeys.length > 0) {
    problems.push(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}. `);
  }
  const found = places.filter(({ name }) => given.has(name)).map((slot) => {
    const value = requireTensor("load a state dict", slot.name, given.get(slot.name));
    // Scalars were once stored as one element.
    const unpacked = slot.tensor.shape.length === 0 && shapesEqual(value.shape, [1])
      ? select(value, 0, 0)
      : value;
    return { ...slot, value: unpacked };
  });
  for (const { name, tensor, value } of found) {
    if (shapesEqual(value.shape, tensor.shape)) continue;
    problems.push(
      `size mismatch for ${name}: copying a param with shape ${
        size(value)
      } from checkpoint, the shape in current model ` +
        `is ${size(tensor)}.`,
    );
  }
  if (problems.length > 0) {
    throw new TorchError(
      `Error(s) in loading state_dict for ${classNameOf(module)}:\n\t${problems.join("\n\t")}`,
    );
  }

  noGrad(() => {
    for (const slot of found) {
      if (assign) assignTo(slot, slot.value);
      else slot.tensor.copy_(slot.value);
    }
  });
  return loadResult(missingKeys, unexpectedKeys);
}

/** Lets the modules that know older forms of their state rewrite it, children after parents. */
function runPreHooks(
  module: AnyModule,
  state: StateDict,
  prefix: string,
  path: ReadonlySet<AnyModule>,
): void {
  if (path.has(module)) return;
  for (const hook of stateOf(module).loadPre.values()) hook(module, state, prefix);
  module.upgradeStateDict(state, prefix);
  const inner = new Set(path).add(module);
  for (const [field, child] of ownModules(module)) runPreHooks(child, state, `${prefix}${field}.`, inner);
}

function assignTo({ module, field }: Slot, value: Tensor): void {
  const old = fieldOf(module, field) as Tensor;
  if (old instanceof Buffer) return setField(module, field, new Buffer(value, old.persistent));
  if (!(old instanceof Parameter)) return setField(module, field, detach(value).keep());
  setField(module, field, value instanceof Parameter ? value : new Parameter(value, old.requiresGrad));
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function size(x: Tensor): string {
  return `torch.Size([${x.shape.join(", ")}])`;
}
