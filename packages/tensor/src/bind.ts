/**
 * `bind`: the one place where an operation happens. It infers the result, hands the work to the current interpreter,
 * and records it for autograd.
 *
 * @module
 */

import {
  type Attrs,
  type Bind,
  canCast,
  DTypeError,
  formatType,
  GradError,
  type Inputs,
  type Name,
  ShapeError,
  shapesEqual,
  type SingleName,
} from "@flambeau/core";
import { gradMode } from "./grad_mode.ts";
import { execute, executeInto } from "./immediate.ts";
import { makeTensor } from "./handle.ts";
import { newGradMeta, tape } from "./tape.ts";
import { isContiguousStorage, temporaries } from "./temporaries.ts";
import type { Tensor } from "./tensor.ts";
import { transforms } from "./transform.ts";

/** Applies a primitive to tensors. */
export const bind: Bind<Tensor> =
  ((name: Name, inputs: readonly Tensor[], attrs: never): Tensor | readonly Tensor[] => {
    if (transforms.active !== null) return transforms.active.bind(name, inputs, attrs);
    return noted(name, inputs, attrs, execute(name, inputs, attrs));
  }) as Bind<Tensor>;

/**
 * As {@linkcode bind}, where the result has shape and dtype of the first input, which the caller has made and uses no more:
 * it takes its memory where nothing else holds that.
 */
export function bindOver<P extends SingleName>(name: P, inputs: Inputs<P, Tensor>, attrs: Attrs<P>): Tensor {
  const list = inputs as readonly Tensor[];
  const x = list[0]!;
  const isOwn = transforms.active === null && x.backend.fusion === undefined && x.lifted === null &&
    x.storage.holds === 0 && isContiguousStorage(x);
  if (!isOwn) return bind(name, inputs, attrs) as Tensor;
  // A tensor of its own: to autograd nothing was written over.
  const output = makeTensor(x.storage, x.shape, x.strides, x.offset, x.dtype);
  executeInto([output], name, list, attrs);
  return noted(name, list, attrs, output);
}

/** Records what was applied, if that is of use. */
function noted<R extends Tensor | readonly Tensor[]>(
  name: Name,
  inputs: readonly Tensor[],
  attrs: unknown,
  outputs: R,
): R {
  if (gradMode.enabled && tape.current !== null && needsGrad(inputs)) {
    tape.current.record(
      name as SingleName,
      inputs as Inputs<SingleName, Tensor>,
      attrs as Attrs<SingleName>,
      outputs,
    );
  } else if (volatility.used) spreadVolatile(inputs, outputs);
  return outputs;
}

/** Applies a primitive without recording it for these tensors. */
export function evaluate(name: Name, inputs: readonly Tensor[], attrs: unknown): Tensor | readonly Tensor[] {
  return transforms.active === null
    ? execute(name, inputs, attrs)
    : transforms.active.execute(name, inputs, attrs);
}

/**
 * Applies a primitive and writes its results into `targets`, each of which may be one of the inputs.
 *
 * Shapes must be those that inference gives; another dtype is converted on the way.
 *
 * @throws {GradError} If a target is a leaf that requires grad, or a view that cannot be written, while recording.
 */
export function bindInto<P extends Name>(
  targets: readonly Tensor[],
  name: P,
  inputs: Inputs<P, Tensor>,
  attrs: Attrs<P>,
): void {
  const list = inputs as readonly Tensor[];
  if (transforms.active !== null) return transforms.active.bindInto(targets, name, list, attrs);
  const write = () => {
    executeInto(targets, name, list, attrs as never);
    for (const target of targets) target.storage.version++;
  };
  if (tape.current !== null && gradMode.enabled && (needsGrad(list) || needsGrad(targets))) {
    tape.current.recordInto(name, inputs, attrs, targets, write);
  } else write();
}

/**
 * Replaces the value of `target`, in place, by what `compute` makes of the value before: the form for composite in-place
 * operations.
 *
 * @param op Name of the operation, for messages.
 * @throws {ShapeError} If the result does not have the shape of `target`.
 * @throws {DTypeError} If the result is of a higher kind than `target` (a float result for an integer tensor).
 * @throws {GradError} If `target` is a leaf that requires grad, while recording.
 */
export function replaceValue(op: string, target: Tensor, compute: (before: Tensor) => Tensor): Tensor {
  if (transforms.active !== null) {
    transforms.active.replace(target, compute, (value) => checkReplacement(op, target, value));
    return target;
  }
  const write = (value: Tensor) => {
    checkReplacement(op, target, value);
    const cast = value.dtype === target.dtype ? null : { dtype: target.dtype };
    executeInto([target], cast === null ? "copy" : "cast", [value], cast);
    target.storage.version++;
  };
  if (tape.current !== null && gradMode.enabled) tape.current.replace(target, compute, write);
  else {
    temporaries(() => {
      write(compute(target));
      return null;
    });
  }
  return target;
}

function checkReplacement(op: string, target: Tensor, value: Tensor): void {
  if (!shapesEqual(value.shape, target.shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(target)}: the result must have its shape, got ${formatType(value)}`,
    );
  }
  if (!canCast(value.dtype, target.dtype)) {
    throw new DTypeError(
      `Cannot ${op} ${
        formatType(target)
      }: result type ${value.dtype.name} can't be cast to ${target.dtype.name}`,
    );
  }
}

/** True when recording is of use: one of the tensors requires grad, and none is volatile. */
export function needsGrad(inputs: readonly Tensor[]): boolean {
  let needs = false;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]!;
    if (x.gradMeta === null && x.base === null && x.lifted === null) continue;
    if (x.gradMeta !== null && x.gradMeta.volatile) return false;
    needs ||= x.lifted === null ? x.requiresGrad : isTracked(x);
  }
  return needs;
}

/**
 * True when a transform, or autograd outside of it, differentiates with respect to `x`. What was differentiated inside a
 * transform is unknown outside of it.
 */
function isTracked(x: Tensor): boolean {
  const { level, parts } = x.lifted!;
  if (level.alive) return x.requiresGrad || (level.kind === "jvp" && parts.length > 1) || needsGrad(parts);
  if (!x.requiresGrad) return needsGrad(parts);
  throw new GradError(
    `Cannot use ${formatType(x)}, which comes from inside a ${
      x.lifted!.level.kind
    } that has ended: return it from the ` +
      "function that was transformed",
  );
}

/** What comes from a volatile tensor is volatile. */
function spreadVolatile(inputs: readonly Tensor[], outputs: Tensor | readonly Tensor[]): void {
  if (!inputs.some((x) => x.gradMeta !== null && x.gradMeta.volatile)) return;
  for (const output of Array.isArray(outputs) ? outputs as readonly Tensor[] : [outputs as Tensor]) {
    (output.gradMeta ??= newGradMeta()).volatile = true;
  }
}

/** Whether any tensor was ever made volatile: most programs have none, and need not look. */
export const volatility: { used: boolean } = { used: false };
