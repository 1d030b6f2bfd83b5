/**
 * Scopes over memory: what is made inside is given back at the end, but for what is returned.
 *
 * {@linkcode temporaries} is for the library's own compositions, whose intermediates no user can hold: they are freed
 * at the end, or when the graph that saved them is done. `scope` is for users.
 *
 * @module
 */

import { scopes, type Storage, StorageScope } from "./storage.ts";
import { peekGrad, tape } from "./tape.ts";
import { settleAfter } from "./soon.ts";
import { TensorHandle } from "./handle.ts";
import type { Tensor } from "./tensor.ts";
import { eachStorage } from "./transform.ts";

/**
 * Runs `body` and frees the memory of all tensors made inside, except those it returns. What an autograd graph has
 * saved stays until the graph is walked or dropped.
 */
export function temporaries<R extends Tensor | readonly Tensor[] | null>(body: () => R): R {
  const inner = new StorageScope(scopes.top);
  scopes.top = inner;
  let result: R | null = null;
  try {
    result = body();
    return result;
  } finally {
    scopes.top = inner.parent;
    for (const storage of inner.storages) {
      if (returns(result, storage)) inner.handOn(storage);
      else if (storage.holds > 0) storage.leaveToHolders();
      else storage.dispose();
    }
    settleAfter(inner);
  }
}

function returns(result: Tensor | readonly Tensor[] | null, storage: Storage): boolean {
  if (result === null) return false;
  if (result instanceof TensorHandle) return needs(result as Tensor, storage);
  return (result as readonly Tensor[]).some((tensor) => tensor && needs(tensor, storage));
}

function needs(x: Tensor, storage: Storage): boolean {
  return x.lifted === null ? x.storage === storage : x.lifted.parts.some((part) => needs(part, storage));
}

/** Takes the memory of `x` out of all scopes: it lives until it is disposed of or dropped. Gives `x` back. */
export function keep<T extends Tensor>(x: T): T {
  eachStorage(x, (storage) => {
    for (let s = scopes.top; s !== null; s = s.parent) s.remove(storage);
    storage.orphan = false;
    storage.watch();
  });
  return x;
}

/**
 * Runs `body` and frees the memory of all tensors made inside, except those found in its result (in arrays, maps, sets
 * and plain objects too), those passed to {@linkcode keep}, gradients of leaves and the state of optimizers and modules.
 * A returned tensor with a graph keeps what its backward pass needs, until that has used it. A promise that `body` returns
 * is awaited in the scope.
 *
 * @example
 * ```ts
 * const loss = scope(() => net(x).square().mean()); // the activations are freed
 * ```
 */
export function scope<R>(body: () => R): R {
  const inner = new StorageScope(scopes.top);
  scopes.top = inner;
  let result: R;
  try {
    result = body();
  } catch (error) {
    close(inner, null);
    throw error;
  }
  if (result instanceof Promise) {
    inner.loosen();
    settleAfter(inner);
    return result.then(
      (value) => {
        close(inner, value);
        return value;
      },
      (error) => {
        close(inner, null);
        throw error;
      },
    ) as R;
  }
  close(inner, result);
  return result;
}

/** The storages of all tensors that are found in a value, those that their graphs need included. */
export function storagesIn(value: unknown): Set<object> {
  const found = new Set<object>();
  collect(value, found, found, new Set());
  return found;
}

function close(inner: StorageScope, result: unknown): void {
  // Asynchronous scopes may end out of order: unlink this one wherever it stands.
  if (scopes.top === inner) scopes.top = inner.parent;
  const shown = new Set<object>();
  const saved = new Set<object>();
  collect(result, shown, saved, new Set());
  for (const storage of inner.storages) {
    if (shown.has(storage)) inner.handOn(storage);
    else if (saved.has(storage)) {
      // Only the graph needs it: it goes when the pass has walked by, or with the scope around.
      storage.orphan = storage.holds > 0;
      inner.handOn(storage);
    } else storage.dispose();
  }
  settleAfter(inner);
}

/** Puts storages of tensors in `value` into `kept`, those that only their graphs need into `saved`. */
function collect(value: unknown, kept: Set<object>, saved: Set<object>, seen: Set<object>): void {
  if (typeof value !== "object" && typeof value !== "function" || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return; // numbers only
  if (value instanceof TensorHandle) {
    const add = (storage: Storage) => void kept.add(storage);
    eachStorage(value as Tensor, add);
    const grad = peekGrad(value as Tensor);
    if (grad !== null) eachStorage(grad, add);
    if (tape.current !== null) {
      for (const held of tape.current.heldStorages(value as Tensor)) saved.add(held);
    }
    return;
  }
  if (value instanceof Map) {
    for (const [key, item] of value) {
      collect(key, kept, saved, seen);
      collect(item, kept, saved, seen);
    }
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) collect(item, kept, saved, seen);
  } else {
    for (const key of Object.keys(value)) collect((value as Record<string, unknown>)[key], kept, saved, seen);
  }
}

/** True when `x` is contiguous and is all of its storage. */
export function isContiguousStorage(x: Tensor): boolean {
  return x.offset === 0 && x.isContiguous() && x.numel() * x.dtype.itemsize === x.storage.bytes;
}
