/**
 * Gives values that wait their memory: one kernel for an expression with all that it needs, where the backend has one.
 *
 * What is computed on the way is written too when somebody else will ask for it: a graph that holds it, another
 * expression that reads it, or because it was computed before. The rest never gets memory, unless a user asks for it later.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  contiguousStrides,
  type DType,
  type FusedOutput,
  type FusedValue,
  NotImplementedError,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { type Allocation, dismiss, type Expression, type Source, takeBuffer } from "../memory.ts";
import { isWanted, type Plan, planOf } from "./plan.ts";

type AnyKernel = (inputs: readonly Operand[], output: Operand, attrs: unknown) => unknown;

/** The memory of a value, which is computed first if it waits. */
export function materialize(x: Allocation): Buffer {
  if (x.buffer !== null) return x.buffer;
  const { backend, shape, dtype } = x;
  const expression = x.expression!;
  const plan = planFor(backend, expression, shape, dtype, x, null);
  const target = { ...packed(x), buffer: takeBuffer(backend, x.bytes) };
  try {
    run(backend, expression, plan, target);
  } catch (error) {
    backend.free(target.buffer);
    throw error;
  }
  x.buffer = target.buffer;
  dismiss(x);
  return target.buffer;
}

/** Computes an expression into memory that is there; nothing that waits may read it. */
export function computeInto(target: Operand, backend: Backend, expression: Expression): void {
  const plan = planFor(backend, expression, target.shape, target.dtype, null, target.buffer);
  run(backend, expression, plan, target);
}

/** Gives memory to all values that wait and read `x`, which is about to be written; what was known of it is forgotten. */
export function settleReaders(x: Allocation): void {
  x.scalar = null;
  if (x.readers === null || x.readers.size === 0) return;
  for (const reader of [...x.readers]) {
    if (!x.readers.has(reader)) continue;
    // Nobody can ask for a value without an owner, but for those who read it.
    if (reader.released) settleReaders(reader);
    else materialize(reader);
  }
}

function planFor(
  backend: Backend,
  expression: Expression,
  shape: Shape,
  dtype: DType,
  owner: Allocation | null,
  target: Buffer | null,
): Plan {
  for (;;) {
    const plan = planOf(backend.fusion!, expression, shape, dtype, owner, target);
    if ("expression" in plan && "parts" in plan) return plan;
    materialize(plan as Allocation);
  }
}

/** Runs a plan: as one fused kernel, or step by step where the backend has none for it. */
function run(backend: Backend, expression: Expression, plan: Plan, target: Operand): void {
  if (isSingle(plan.expression.values)) return apply(backend, expression, target);
  const beside = partsToWrite(backend, plan);
  const outputs: FusedOutput[] = [{ value: plan.expression.values.length - 1, target }];
  const made: [part: Allocation, buffer: Buffer][] = [];
  try {
    for (const [part, value] of beside) {
      const buffer = takeBuffer(backend, part.bytes);
      made.push([part, buffer]);
      const { shape } = plan.expression;
      outputs.push({
        value,
        target: { buffer, dtype: part.dtype, shape, strides: contiguousStrides(shape), offset: 0 },
      });
    }
    const dispatch = backend.fusion!.fuse(plan.expression, outputs);
    if (dispatch !== null) {
      backend.run(dispatch);
      for (const part of plan.computed) if (part.expression !== null) part.expression.inlined = true;
      for (const [part, buffer] of made.splice(0)) {
        part.buffer = buffer;
        dismiss(part);
      }
      return;
    }
  } finally {
    for (const [, buffer] of made) backend.free(buffer);
  }
  for (const { allocation } of expression.sources) if (allocation !== null) materialize(allocation);
  apply(backend, expression, target);
}

/** True for one primitive over memory alone: its own kernel does it. */
function isSingle(values: readonly FusedValue[]): boolean {
  const last = values.at(-1)!;
  if (values.length > 1 && values.some(({ kind }) => kind === "product")) return false;
  if (last.kind === "fold") {
    return values.length === 1 && last.input.values.every(({ kind }) => kind === "operand");
  }
  return values.every((value) => value === last || value.kind === "operand");
}

/**
 * The values of a plan that get memory beside the result. With a fold these are all that a user may have: they are small,
 * and to compute them again would need all that is folded. With a product these are the first ones that a user may have.
 */
function partsToWrite(
  backend: Backend,
  { expression, parts, computed, buffers, tied }: Plan,
): [Allocation, number][] {
  let room = backend.fusion!.maxBuffers - buffers.size - 1 - tied.size;
  const all = expression.values.some(({ kind }) => kind === "fold");
  return [...parts].filter(([part]) =>
    tied.has(part) || (all && !part.released || isWanted(part, computed)) && room-- > 0
  );
}

/** Runs one primitive over sources that have their memory. */
function apply(backend: Backend, { name, attrs, sources }: Expression, target: Operand): void {
  const constants: Buffer[] = [];
  try {
    const operands = sources.map((source) => operandOf(backend, source, constants));
    const kernel = backend.kernels[name] as unknown as AnyKernel;
    const dispatch = kernel(operands, target, attrs);
    if (dispatch === null) {
      throw new NotImplementedError(`Cannot ${name} on ${backend.name}: it has no kernel for these operands`);
    }
    backend.run(dispatch);
  } finally {
    for (const buffer of constants) backend.free(buffer);
  }
}

function operandOf(backend: Backend, source: Source, constants: Buffer[]): Operand {
  const { allocation, dtype, shape, strides, offset } = source;
  if (allocation !== null) return { buffer: materialize(allocation), dtype, shape, strides, offset };
  const buffer = backend.allocate(dtype.itemsize);
  constants.push(buffer);
  const operand = { buffer, dtype, shape: [], strides: [], offset: 0 };
  const dispatch = backend.kernels.full([], operand, { shape: [], value: source.scalar, dtype });
  if (dispatch !== null) backend.run(dispatch);
  return { buffer, dtype, shape, strides: shape.map(() => 0), offset: 0 };
}

function packed({ shape, dtype }: Allocation): Omit<Operand, "buffer"> {
  return { dtype, shape, strides: contiguousStrides(shape), offset: 0 };
}
