/**
 * The deferred interpreter: primitives that a backend can fuse are noted as expressions, and run when somebody needs the
 * memory of a result.
 *
 * What a user sees is what the immediate interpreter gives: errors of shape and dtype come at the call, results are the
 * same numbers, and a value does not change when one of its inputs is overwritten or disposed of later.
 *
 * @module
 */

import {
  type Aval,
  type Backend,
  contiguousStrides,
  type KernelName,
  type Name,
  numelOf,
  shapesEqual,
} from "@flambeau/core";
import { makeTensor } from "../handle.ts";
import { type Allocation, type Expression, revalue, type Source } from "../memory.ts";
import { Storage } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import { computeInto, materialize, settleReaders } from "./materialize.ts";
import { foldNames, largestOf, productNames } from "./plan.ts";

/** Dimensions that a single kernel takes in every geometry. */
const MOST_DIMS = 8;

/** Memory that a value may keep alive while it waits: at most that many times its own bytes, or this many bytes. */
const KEEPS_TIMES = 4;
const KEEPS_BYTES = 2 ** 20;

/** Reductions that wait at a time: each keeps its whole input, for a small result. */
const WAITING_FOLDS = 2;
const folds: Allocation[] = [];

/** Products that wait at a time, for steps that follow: each keeps its operands, at most so many bytes of one storage. */
const WAITING_PRODUCTS = 2;
const PRODUCT_KEEPS_BYTES = 2 ** 27;
const products: Allocation[] = [];

/** The result of a primitive as a tensor that waits for its memory; null when it has to run now. */
export function postpone(
  backend: Backend,
  name: Name,
  inputs: readonly Tensor[],
  aval: Aval,
  attrs: unknown,
): Tensor | null {
  if (!mayWait(backend, name, inputs, aval, attrs)) return null;
  if (productNames.has(name)) return postponeProduct(backend, name as KernelName, inputs, aval, attrs);
  const isFold = foldNames.has(name);
  if (!isFold && keepsMuch(inputs, aval)) return null;
  const expression = expressionOf(backend, name as KernelName, inputs.map(sourceOf), attrs);
  const storage = new Storage(backend, aval.shape, aval.dtype, expression);
  if (isFold) note(folds, WAITING_FOLDS, storage.allocation);
  return makeTensor(storage, aval.shape, contiguousStrides(aval.shape), 0, aval.dtype);
}

/** As {@linkcode postpone}, for a product: what it multiplies gets its memory now. */
function postponeProduct(
  backend: Backend,
  name: KernelName,
  inputs: readonly Tensor[],
  aval: Aval,
  attrs: unknown,
): Tensor | null {
  if (inputs.some((x) => numelOf(x.shape) === 0 || x.storage.bytes > PRODUCT_KEEPS_BYTES)) return null;
  const sources = inputs.map((x): Source => {
    void x.buffer;
    const { allocation } = x.storage;
    const { dtype, shape, strides, offset } = x;
    return { allocation, scalar: 0, dtype, shape, strides, offset };
  });
  const expression = { name, attrs, sources, size: 1, buffers: sources.length, inlined: false };
  const storage = new Storage(backend, aval.shape, aval.dtype, expression);
  note(products, WAITING_PRODUCTS, storage.allocation);
  return makeTensor(storage, aval.shape, contiguousStrides(aval.shape), 0, aval.dtype);
}

/**
 * Writes the result of a primitive over `target`, which may be one of the inputs: as one kernel with what the inputs wait
 * for, or by giving a target that waits a new value. False when this is no step for an expression.
 */
export function overwrite(
  target: Tensor,
  name: Name,
  inputs: readonly Tensor[],
  attrs: unknown,
): boolean {
  const { backend } = target;
  const { allocation } = target.storage;
  const mayBe = name === "full" ? numelOf(target.shape) > 0 : mayWait(backend, name, inputs, target, attrs);
  if (!mayBe || foldNames.has(name) || productNames.has(name)) return false;
  if (allocation.expression !== null && isWhole(target, allocation) && !keepsMuch(inputs, target)) {
    const sources = inputs.map(sourceOf);
    const expression = expressionOf(backend, name as KernelName, sources, attrs);
    if (allocation.expression !== null) {
      revalue(allocation, (old) => {
        for (const source of sources) if (source.allocation === allocation) source.allocation = old;
        return expression;
      });
      return true;
    }
  }
  const { buffer } = target;
  settleReaders(allocation);
  const sources = inputs.map(sourceOf);
  if (sources.every((source) => source.allocation !== null && source.allocation.expression === null)) {
    return false;
  }
  const { shape, strides, offset, dtype } = target;
  const expression = expressionOf(backend, name as KernelName, sources, attrs);
  computeInto({ buffer, shape, strides, offset, dtype }, backend, expression);
  return true;
}

function mayWait(
  backend: Backend,
  name: Name,
  inputs: readonly Tensor[],
  aval: Aval,
  attrs: unknown,
): boolean {
  if (!backend.fusion!.accepts(name, inputs, aval, attrs)) return false;
  if (numelOf(aval.shape) === 0 || aval.shape.length > MOST_DIMS) return false;
  if (name === "copy") return inputs[0]!.storage.allocation.expression !== null;
  return !foldNames.has(name) || numelOf(inputs[0]!.shape) > 0 && inputs[0]!.ndim <= MOST_DIMS;
}

/** True when a small result would keep large memory alive that may be needed otherwise. */
function keepsMuch(inputs: readonly Tensor[], aval: Aval): boolean {
  const bytes = numelOf(aval.shape) * aval.dtype.itemsize;
  return inputs.some(({ storage }) => storage.bytes > KEEPS_BYTES && storage.bytes > KEEPS_TIMES * bytes);
}

function sourceOf(x: Tensor): Source {
  const { allocation } = x.storage;
  const { dtype, shape, strides, offset } = x;
  if (allocation.scalar !== null && dtype === allocation.dtype) {
    return { allocation: null, scalar: allocation.scalar, dtype, shape, strides, offset };
  }
  return { allocation, scalar: 0, dtype, shape, strides, offset };
}

/** An expression that is small enough for one kernel: sources that would make it too large get their memory now. */
function expressionOf(
  backend: Backend,
  name: KernelName,
  sources: readonly Source[],
  attrs: unknown,
): Expression {
  const { maxValues, maxBuffers } = backend.fusion!;
  let { size, buffers } = bound(sources);
  if (size > maxValues || buffers >= maxBuffers) {
    ({ size, buffers } = exact(sources));
    while (size > maxValues || buffers >= maxBuffers) {
      const largest = largestOf(sources);
      if (largest === null) break;
      materialize(largest);
      ({ size, buffers } = exact(sources));
    }
  }
  return { name, attrs, sources, size, buffers, inlined: false };
}

/** Values and buffers of an expression, at most: what is shared counts more than once. */
function bound(sources: readonly Source[]): { size: number; buffers: number } {
  let [size, buffers] = [1, 0];
  for (const { allocation } of sources) {
    size += allocation?.expression?.size ?? 1;
    buffers += allocation === null ? 0 : allocation.expression?.buffers ?? 1;
  }
  return { size, buffers };
}

function exact(sources: readonly Source[]): { size: number; buffers: number } {
  const seen = new Set<Allocation>();
  let [size, buffers] = [1, 0];
  const visit = ({ allocation }: Source): void => {
    if (allocation === null) size++;
    if (allocation === null || seen.has(allocation)) return;
    seen.add(allocation);
    size++;
    if (allocation.expression === null) buffers++;
    else allocation.expression.sources.forEach(visit);
  };
  sources.forEach(visit);
  return { size, buffers };
}

/** True when a tensor is all of its storage, as that was made. */
function isWhole(x: Tensor, { shape, dtype }: Allocation): boolean {
  return x.offset === 0 && x.dtype === dtype && shapesEqual(x.shape, shape) && x.isContiguous();
}

/** Keeps the number of reductions or products that wait small: the oldest runs, with what reads it. */
function note(list: Allocation[], most: number, x: Allocation): void {
  list.push(x);
  while (list.length > most) {
    let oldest = list.shift()!;
    while (oldest.expression !== null && oldest.readers?.size === 1) oldest = [...oldest.readers][0]!;
    if (oldest.expression !== null) materialize(oldest);
  }
}
