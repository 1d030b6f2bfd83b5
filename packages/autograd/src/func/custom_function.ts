/**
 * `torch.autograd.Function` inside function transforms: `forward` runs once, outside of all of them, and every level has the
 * backward pass that was written by hand.
 *
 * @module
 */

import type { Tensor } from "@flambeau/tensor";
import { bind, gradMode } from "@flambeau/tensor/internal";
import {
  type AnyFunctionClass,
  type Applied,
  applyPlain,
  type FunctionContext,
  recordCall,
  runForward,
} from "../function_call.ts";
import { sum } from "../math.ts";
import { BatchLevel } from "./batch_level.ts";
import { full } from "./batch/lowered.ts";
import type { GradLevel } from "./grad_level.ts";
import { JvpLevel } from "./jvp_level.ts";
import { at, deepest, inside, type Level, resolve, run } from "./level.ts";
import { isTensor } from "./tree.ts";

/** Calls a function while transforms are in force. */
export function applyTransformed(type: AnyFunctionClass, given: readonly unknown[]): Applied {
  const args = given.map((x) => isTensor(x) ? resolve(x) : x);
  const level = deepest(args.filter(isTensor));
  return at(level, () => {
    if (level === null) return applyPlain(type, args);
    if (level instanceof BatchLevel) return applyAt(level, type, args, batched(level, type, args));
    if (level instanceof JvpLevel) return applyForward(level, type, args);
    return applyAt(level as GradLevel, type, args, type);
  });
}

function outside(level: Level, args: readonly unknown[]): unknown[] {
  return args.map((x) => isTensor(x) ? level.outside(x) : x);
}

/** Calls `below` one level further out, and records the call of `type` at this one. */
function applyAt(
  level: BatchLevel | GradLevel,
  type: AnyFunctionClass,
  args: readonly unknown[],
  below: AnyFunctionClass,
): Applied {
  const values = outside(level, args);
  const called = at(level.parent, () => applyTransformed(below, values));
  const handles = new Map<Tensor, Tensor>();
  values.forEach((value, i) => isTensor(value) && handles.set(value, args[i] as Tensor));
  const handleOf = (x: Tensor): Tensor => {
    let handle = handles.get(x);
    if (handle === undefined) handles.set(x, handle = level.wrap(x, null));
    return handle;
  };
  const outputs = called.outputs.map(handleOf);
  const recording = gradMode.enabled && !level.paused;
  const needs = args.map((x) => recording && isTensor(x) && level.has(x) && x.requiresGrad);
  const context = called.context.at(handleOf, called.saved, needs);
  const saved = called.saved.map((x) => x === null ? null : handleOf(x));
  if (!needs.includes(true)) return { outputs, isList: called.isList, context, saved };
  return { outputs: recordCall(type, context, args, outputs), isList: called.isList, context, saved };
}

/** Calls a function on the values, and its own rule on the tangents. */
function applyForward(level: JvpLevel, type: AnyFunctionClass, args: readonly unknown[]): Applied {
  const values = outside(level, args);
  const tangents = args.map((x) => isTensor(x) ? level.tangentOf(x) : null);
  const called = at(level.parent, () => applyTransformed(type, values));
  const live = gradMode.enabled && tangents.some((t) => t !== null);
  const slopes = live
    ? at(level.parent, () => type.jvp(called.context.at((x) => x, called.saved, []), ...tangents))
    : null;
  const list = (Array.isArray(slopes) ? slopes : [slopes]) as readonly (Tensor | null | undefined)[];
  const outputs = called.outputs.map((y, i) => level.wrap(y, list[i] ?? null, null));
  return { ...called, outputs };
}

/** A function of the batches of a level whose elements go through `type`. */
function batched(level: BatchLevel, type: AnyFunctionClass, args: readonly unknown[]): AnyFunctionClass {
  const hasBatch = args.map((x) => isTensor(x) && level.has(x));
  let savedBatch: readonly boolean[] = [];

  /** Runs the part of `type` on elements of batches: of what was saved, and of what comes with the call. */
  const onElements = (
    context: FunctionContext,
    given: readonly (Tensor | null)[],
    part: (context: FunctionContext, given: (Tensor | null)[]) => Tensor | null | readonly (Tensor | null)[],
    finish: (level: BatchLevel, results: readonly (Tensor | null | undefined)[]) => (Tensor | null)[],
  ): (Tensor | null)[] => {
    const own = new BatchLevel(level.size, level.randomness);
    const { savedTensors } = context;
    const isSaved = new Map(savedTensors.map((x, i) => [x, savedBatch[i]!]));
    const lift = (x: Tensor): Tensor => isSaved.get(x) === true ? own.wrap(x, null) : x;
    const elements = context.at(lift, savedTensors, context.needsInputGrad);
    return run(own, () => {
      const made = part(elements, given.map((x) => x === null ? null : own.wrap(x, null)));
      return finish(own, (Array.isArray(made) ? made : [made]) as readonly (Tensor | null)[]);
    });
  };

  return {
    name: type.name,
    forward(context, ...values): Tensor | readonly Tensor[] {
      const handles = values.map((x, i) => hasBatch[i] ? level.wrap(x as Tensor, null) : x);
      const called = inside(level, () => runForward(type, handles, context.needsInputGrad));
      const whole = new Map(
        called.outputs.map((y) => [y, level.has(y) ? level.outside(y) : repeated(level, y)]),
      );
      const output = (x: Tensor): Tensor => whole.get(x) ?? level.outside(x);
      const { dirty, constant, materialize } = called.context.settings;
      savedBatch = called.saved.map((x) => x !== null && (level.has(x) || whole.has(x)));
      context.saveForBackward(...called.saved.map((x) => x === null ? null : output(x)));
      context.markDirty(...dirty.map(output));
      context.markNonDifferentiable(...constant.map(output));
      context.setMaterializeGrads(materialize);
      Object.assign(context.state, called.context.state);
      const outputs = called.outputs.map(output);
      return called.isList ? outputs : outputs[0]!;
    },
    backward: (context, ...grads) =>
      onElements(
        context,
        grads,
        (elements, given) => type.backward(elements, ...given as Tensor[]),
        (own, results) => hasBatch.map((has, i) => gathered(own, results[i] ?? null, has)),
      ),
    jvp: (context, ...tangents) => {
      const wide = tangents.map((t, i) => t === null || hasBatch[i] ? t : repeated(level, t));
      return onElements(
        context,
        wide,
        (elements, given) => type.jvp(elements, ...given),
        (own, results) => results.map((t) => t === null || t === undefined ? null : gathered(own, t, true)),
      );
    },
  };
}

/** A tensor that is the same for the whole batch, as a batch. */
function repeated(level: BatchLevel, x: Tensor): Tensor {
  return bind("expand", [x], { shape: [level.size, ...x.shape] });
}

/** The gradient of an input of the whole batch: its elements, or their sum where the input is one for all. */
function gathered(level: BatchLevel, grad: Tensor | null, hasBatch: boolean): Tensor | null {
  if (grad === null) return null;
  const x = resolve(grad);
  const each = full({ x: level.outside(x), batched: level.has(x), rank: x.shape.length }, level.size);
  return hasBatch ? each : at(level.parent, () => sum(each, [0]));
}
