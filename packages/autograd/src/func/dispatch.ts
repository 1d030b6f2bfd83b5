/**
 * What operations do while function transforms are in force: each goes to the deepest level among its inputs, and is
 * recorded there.
 *
 * @module
 */

import { bool, type Inputs, type Name, type Shape, type SingleName } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import {
  bind,
  bindInto,
  execute,
  executeOn,
  gradMode,
  moveHook,
  needsGrad,
  tape,
  temporaries,
  type Transforms,
} from "@flambeau/tensor/internal";
import { apply, at, deepest, drawAt, type Level, resolve, type Results, stack } from "./level.ts";
import type { BatchLevel } from "./batch_level.ts";

/** True when an operation at `level` on `tensors` is recorded. */
function records(level: Level, tensors: readonly Tensor[]): boolean {
  return gradMode.enabled && !level.paused && tape.current !== null &&
    tensors.some((x) => level.has(x) && x.requiresGrad);
}

function bindTransformed(name: Name, given: readonly Tensor[], attrs: unknown): Results {
  const inputs = given.map(resolve);
  const level = deepest(inputs);
  return at(level, () => {
    if (level === null) return apply(name, inputs, attrs);
    const outputs = level.execute(name, inputs, attrs);
    if (records(level, inputs)) {
      tape.current!.record(name as SingleName, inputs as Inputs<SingleName, Tensor>, attrs as never, outputs);
    }
    return outputs;
  });
}

function executeTransformed(name: Name, given: readonly Tensor[], attrs: unknown): Results {
  const inputs = given.map(resolve);
  const level = deepest(inputs);
  return at(
    level,
    () => level === null ? execute(name, inputs, attrs) : level.execute(name, inputs, attrs),
  );
}

function bindIntoTransformed(
  given: readonly Tensor[],
  name: Name,
  givenInputs: readonly Tensor[],
  attrs: unknown,
): void {
  const targets = given.map(resolve);
  const inputs = givenInputs.map(resolve);
  const level = deepest(inputs, deepest(targets));
  at(level, () => {
    if (level === null) return bindInto(targets, name as "exp", inputs as [Tensor], attrs as null);
    level.admit(targets, name, inputs);
    const write = () => level.executeInto(targets, name, inputs, attrs);
    if (records(level, inputs) || records(level, targets)) {
      tape.current!.recordInto(name as "exp", inputs as [Tensor], attrs as null, targets, write);
    } else write();
  });
}

function replaceTransformed(
  target: Tensor,
  compute: (before: Tensor) => Tensor,
  check: (value: Tensor) => void,
): void {
  temporaries(() => {
    // What is computed may save the value before, which is written over then.
    const before = gradMode.enabled && needsGrad([target]) ? bind("copy", [target], null) : target;
    const value = compute(before);
    check(value);
    if (value.dtype === target.dtype) bindInto([target], "copy", [value], null);
    else bindInto([target], "cast", [value], { dtype: target.dtype });
    return null;
  });
}

function moveTransformed(given: Tensor, move: (x: Tensor) => Tensor): Tensor {
  const x = resolve(given);
  const level = deepest([x]);
  return at(level, () => {
    if (level === null) return move(x);
    const moved = level.mapped(x, (part) => at(level.parent, () => moveTransformed(part, move)));
    if (records(level, [x])) moveHook.record?.(x, moved);
    return moved;
  });
}

/** The batches that `x` stands for, the outermost first. */
function batchesOf(x: Tensor): BatchLevel[] {
  const found: BatchLevel[] = [];
  for (let part = resolve(x); part.lifted !== null; part = resolve(part.lifted.value)) {
    if (part.lifted.level.kind === "vmap") found.unshift(part.lifted.level as BatchLevel);
  }
  return found;
}

/** `x` with an element for each of the batch of `level`, and with its history. */
function spread(x: Tensor, level: BatchLevel): Tensor {
  if (batchesOf(x).includes(level)) return x;
  if (x.lifted === null) return level.spread(x);
  const yes = level.spread(
    at(null, () => executeOn(x.backend, "full", { shape: [], value: true, dtype: bool })),
  );
  return bind("where", [yes, x, x], null);
}

function plainTransformed(given: Tensor, f: (plain: Tensor) => Tensor): Tensor {
  const x = resolve(given);
  if (x.lifted === null) return at(null, () => f(x));
  const made = plainTransformed(x.lifted.value, f);
  return x.lifted.level.kind === "vmap" ? (x.lifted.level as BatchLevel).wrap(made, null) : made;
}

/** What goes into the slot that the tensor floor keeps. */
export const dispatcher: Transforms = {
  bind: bindTransformed,
  execute: executeTransformed,
  bindInto: bindIntoTransformed,
  replace: replaceTransformed,
  draw: (shape: Shape, make: (shape: Shape) => Tensor): Tensor => drawAt(stack.top, shape, make),
  alike: (made: Tensor, like: Tensor): Tensor => batchesOf(like).reduce(spread, resolve(made)),
  move: moveTransformed,
  onPlain: plainTransformed,
};
