/**
 * Copies of modules and of what holds them.
 *
 * @module
 */

import { formatType, GradError } from "@flambeau/core";
import { noGrad, Tensor } from "@flambeau/tensor";
import { type AnyModule, callable } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";
import { isModule, stateOf } from "./registry.ts";

/**
 * A copy of a module with parameters, buffers and submodules of its own, as `copy.deepcopy` in Python; also of a tensor that
 * is a leaf, and of arrays, maps and plain objects of these. What is shared inside the value is shared inside the copy; hooks
 * are taken along. Private `#fields` of a class cannot be copied.
 *
 * @throws {GradError} If a tensor in it is no leaf: only tensors made by the user can be copied with their gradient.
 *
 * @example
 * ```ts
 * const teacher = nn.deepcopy(student).eval().requiresGrad_(false);
 * ```
 */
export function deepcopy<T>(value: T): T {
  return noGrad(() => copyValue(value, new Map())) as T;
}

function copyValue(value: unknown, done: Map<unknown, unknown>): unknown {
  if (typeof value !== "object" && !isModule(value) || value === null) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  if (isModule(value)) return copyModule(value, done);
  if (value instanceof Tensor) return remember(value, copyTensor(value), done);
  if (Array.isArray(value)) {
    const out: unknown[] = remember(value, [], done);
    for (const item of value) out.push(copyValue(item, done));
    return out;
  }
  if (value instanceof Map) {
    const out = remember(value, new Map<unknown, unknown>(), done);
    for (const [key, item] of value) out.set(key, copyValue(item, done));
    return out;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const out: Record<string, unknown> = remember(value, Object.create(prototype), done);
  for (const [key, item] of Object.entries(value)) out[key] = copyValue(item, done);
  return out;
}

function remember<T>(from: unknown, to: T, done: Map<unknown, unknown>): T {
  done.set(from, to);
  return to;
}

function copyTensor(x: Tensor): Tensor {
  if (!x.isLeaf) {
    throw new GradError(
      `Cannot deepcopy ${formatType(x)} made by ${
        x.gradFn!.name
      }: only Tensors created explicitly by the user (graph leaves) ` +
        "support deepcopy; detach() it first",
    );
  }
  const copy = x instanceof Parameter
    ? new Parameter(x.clone(), x.requiresGrad)
    : x instanceof Buffer
    ? new Buffer(x.clone(), x.persistent)
    : x.clone().keep();
  copy.requiresGrad = x.requiresGrad;
  if (x.grad !== null) copy.grad = x.grad.clone().keep();
  return copy;
}

function copyModule(module: AnyModule, done: Map<unknown, unknown>): AnyModule {
  const copy = remember(module, callable<readonly unknown[], unknown>(Object.getPrototypeOf(module)), done);
  for (const name of Object.getOwnPropertyNames(module)) {
    const property = Object.getOwnPropertyDescriptor(module, name)!;
    if ("value" in property) property.value = copyValue(property.value, done);
    Object.defineProperty(copy, name, property);
  }
  const [from, to] = [stateOf(module), stateOf(copy as unknown as AnyModule)];
  for (const [name, persistent] of from.buffers) to.buffers.set(name, persistent);
  for (const table of ["forwardPre", "forward", "backward", "loadPre"] as const) {
    for (const [id, hook] of from[table]) to[table].set(id, hook as never);
  }
  to.hooked = from.hooked;
  to.order = from.order === null ? null : new Set(from.order);
  return copy as unknown as AnyModule;
}
