/**
 * The immediate interpreter: every primitive runs at once, but for those that wait on devices that fuse (`deferred/`).
 *
 * Views change the geometry. Kernels are chosen by name; one that does not take the operands as they are is asked again
 * with contiguous copies; a fused primitive without a kernel is decomposed.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Backend,
  type Bind,
  DeviceError,
  formatType,
  type FusedName,
  inferenceRules,
  type KernelName,
  type Name,
  NotImplementedError,
  numelOf,
  shapesEqual,
  viewLayouts,
  type ViewName,
  viewNames,
} from "@flambeau/core";
import { decompositions } from "@flambeau/compiler";
import { defaultBackend } from "./device.ts";
import { settleReaders } from "./deferred/materialize.ts";
import { overwrite, postpone } from "./deferred/postpone.ts";
import { makeEmpty, makeTensor } from "./handle.ts";
import { runSoon } from "./soon.ts";
import { newGradMeta } from "./tape.ts";
import { temporaries } from "./temporaries.ts";
import type { Tensor } from "./tensor.ts";

type Rule = (inputs: readonly Aval[], attrs: unknown) => Aval | readonly Aval[];
type AnyKernel = (inputs: readonly Tensor[], outputs: Tensor | readonly Tensor[], attrs: unknown) => unknown;
type Layout = (
  x: Tensor,
  attrs: unknown,
) => { shape: readonly number[]; strides: readonly number[]; offset: number };
type Decomposition = (bind: unknown, inputs: readonly Tensor[], attrs: unknown) => Tensor | readonly Tensor[];

/** Runs a primitive and gives its results, without recording. */
export function execute(name: Name, inputs: readonly Tensor[], attrs: unknown): Tensor | readonly Tensor[] {
  if (viewNames.has(name as ViewName)) return view(name as ViewName, inputs[0]!, attrs);
  const avals = (inferenceRules[name] as unknown as Rule)(inputs, attrs);
  const backend = commonBackend(name, inputs);
  if (backend.fusion !== undefined && !Array.isArray(avals)) {
    const waiting = postpone(backend, name, inputs, avals as Aval, attrs);
    if (waiting !== null) return waiting;
  }
  const outputs = Array.isArray(avals)
    ? (avals as Aval[]).map((aval) => makeEmpty(backend, aval.shape, aval.dtype))
    : makeEmpty(backend, (avals as Aval).shape, (avals as Aval).dtype);
  if (isEmpty(outputs) || runKernel(backend, name as KernelName, inputs, outputs, attrs)) return outputs;
  for (const output of Array.isArray(outputs) ? outputs : [outputs]) output.storage.dispose();
  return decompose(backend, name as KernelName, inputs, attrs);
}

/** Runs a primitive without inputs on `backend`. */
export function executeOn<P extends "full" | "iota" | "randomUniform" | "randomNormal" | "randomInt">(
  backend: Backend,
  name: P,
  attrs: Attrs<P>,
): Tensor {
  return creatingOn(backend, () => execute(name, [], attrs) as Tensor);
}

/** Runs `body` with primitives without inputs on `backend`: for formulas that make constants, such as decompositions. */
export function creatingOn<R>(backend: Backend, body: () => R): R {
  const outer = creationBackend;
  creationBackend = backend;
  try {
    return body();
  } finally {
    creationBackend = outer;
  }
}

/** Runs a primitive and writes its results into `targets`, without recording. */
export function executeInto(
  targets: readonly Tensor[],
  name: Name,
  inputs: readonly Tensor[],
  attrs: unknown,
): void {
  const inferred = (inferenceRules[name] as unknown as Rule)(inputs, attrs);
  const avals = (Array.isArray(inferred) ? inferred : [inferred]) as readonly Aval[];
  const backend = inputs.length === 0 ? targets[0]!.backend : commonBackend(name, inputs);
  const direct = targets.every((target, i) =>
    target.dtype === avals[i]!.dtype && shapesEqual(target.shape, avals[i]!.shape) &&
    target.backend === backend &&
    mayWrite(target, inputs)
  );
  if (backend.fusion !== undefined) {
    if (direct && targets.length === 1 && overwrite(targets[0]!, name, inputs, attrs)) return;
    if (direct) { for (const target of targets) settleReaders(target.storage.allocation); }
  }
  if (direct) {
    const outputs = Array.isArray(inferred) ? targets : targets[0]!;
    if (isEmpty(outputs) || runKernel(backend, name as KernelName, inputs, outputs, attrs)) return;
  }
  temporaries(() => {
    const made = inputs.length === 0
      ? executeOn(backend, name as "full", attrs as Attrs<"full">)
      : execute(name, inputs, attrs);
    (Array.isArray(made) ? made as Tensor[] : [made as Tensor]).forEach((value, i) =>
      write(targets[i]!, value)
    );
    return null;
  });
}

/** Copies `value`, broadcast and converted, over the elements of `target`. */
function write(target: Tensor, value: Tensor): void {
  const source = shapesEqual(value.shape, target.shape)
    ? value
    : view("expand", value, { shape: target.shape });
  if (numelOf(target.shape) === 0) return;
  if (source.backend !== target.backend) {
    throw new DeviceError(
      `Cannot copy ${formatType(value)} on ${value.device} into ${
        formatType(target)
      } on ${target.device}: move it by to() first`,
    );
  }
  const overlapping = !mayWrite(target, [source]);
  temporaries(() => {
    const safe = overlapping ? execute("copy", [source], null) as Tensor : source;
    const [name, attrs] = safe.dtype === target.dtype
      ? ["copy" as const, null]
      : ["cast" as const, { dtype: target.dtype }];
    if (target.backend.fusion !== undefined) {
      if (overwrite(target, name, [safe], attrs)) return null;
      settleReaders(target.storage.allocation);
    }
    if (!runKernel(target.backend, name, [safe], target, attrs)) {
      throw new NotImplementedError(
        `Cannot copy ${formatType(safe)} into ${
          formatType(target)
        }: ${target.backend.name} has no kernel for it`,
      );
    }
    return null;
  });
}

function view(name: ViewName, x: Tensor, attrs: unknown): Tensor {
  const { shape, strides, offset } = (viewLayouts[name] as unknown as Layout)(x, attrs);
  void x.storage.allocation; // a disposed tensor has no views
  const out = makeTensor(x.storage, shape, strides, offset, x.dtype);
  const base = x.base ?? x;
  out.base = base;
  // A view is as old as what was written into its base so far.
  if (base.gradMeta !== null && base.gradMeta.rebases > 0) {
    out.gradMeta = newGradMeta();
    out.gradMeta.rebases = base.gradMeta.rebases;
  }
  return out;
}

/** Runs the kernel of `name`, with contiguous copies if it asks for them; false if there is none for these operands. */
function runKernel(
  backend: Backend,
  name: KernelName,
  inputs: readonly Tensor[],
  outputs: Tensor | readonly Tensor[],
  attrs: unknown,
): boolean {
  const kernel = backend.kernels[name] as AnyKernel | undefined;
  if (kernel === undefined) return false;
  const dispatch = kernel(inputs, outputs, attrs);
  if (dispatch === null) return runContiguous(backend, kernel, inputs, outputs, attrs);
  runSoon(backend, dispatch);
  return true;
}

function decompose(
  backend: Backend,
  name: KernelName,
  inputs: readonly Tensor[],
  attrs: unknown,
): Tensor | readonly Tensor[] {
  const rule = decompositions[name as FusedName] as unknown as Decomposition | undefined;
  if (rule === undefined) {
    throw new NotImplementedError(
      `Cannot ${name} ${
        inputs.map(formatType).join(", ")
      } on ${backend.name}: it has no kernel for these dtypes`,
    );
  }
  return creatingOn(backend, () =>
    temporaries(() => {
      const made = rule(execute as unknown as Bind<Tensor>, inputs, attrs);
      return Array.isArray(made)
        ? (made as Tensor[]).map((x) => fresh(x, inputs))
        : fresh(made as Tensor, inputs);
    }));
}

/** A result of a kernel never shares memory with its inputs and is contiguous. */
function fresh(x: Tensor, inputs: readonly Tensor[]): Tensor {
  const shared = x.base !== null && !x.isContiguous() || inputs.some((input) => input.storage === x.storage);
  if (shared) return execute("copy", [x], null) as Tensor;
  x.base = null;
  return x;
}

function runContiguous(
  backend: Backend,
  kernel: AnyKernel,
  inputs: readonly Tensor[],
  outputs: Tensor | readonly Tensor[],
  attrs: unknown,
): boolean {
  if (inputs.every((x) => x.isContiguous()) && isAllContiguous(outputs)) return false;
  return temporaries(() => repack(backend, kernel, inputs, outputs, attrs)) !== null;
}

function isAllContiguous(outputs: Tensor | readonly Tensor[]): boolean {
  return Array.isArray(outputs)
    ? (outputs as Tensor[]).every((x) => x.isContiguous())
    : (outputs as Tensor).isContiguous();
}

/** Runs a kernel over contiguous copies; null if it does not take these either. */
function repack(
  backend: Backend,
  kernel: AnyKernel,
  inputs: readonly Tensor[],
  outputs: Tensor | readonly Tensor[],
  attrs: unknown,
): readonly Tensor[] | null {
  const packed = inputs.map((x) => x.isContiguous() ? x : execute("copy", [x], null) as Tensor);
  const targets = (Array.isArray(outputs) ? outputs : [outputs]) as readonly Tensor[];
  const strided = targets.some((target) => !target.isContiguous());
  const results = strided ? targets.map((t) => makeEmpty(backend, t.shape, t.dtype)) : targets;
  const dispatch = kernel(packed, Array.isArray(outputs) ? results : results[0]!, attrs);
  if (dispatch === null) return null;
  runSoon(backend, dispatch);
  if (strided) results.forEach((result, i) => write(targets[i]!, result));
  return [];
}

function isEmpty(outputs: Tensor | readonly Tensor[]): boolean {
  return Array.isArray(outputs)
    ? (outputs as Tensor[]).every((output) => numelOf(output.shape) === 0)
    : numelOf((outputs as Tensor).shape) === 0;
}

/** True when `target` shares no memory with the inputs, or is exactly one of them. */
function mayWrite(target: Tensor, inputs: readonly Tensor[]): boolean {
  for (const x of inputs) {
    if (x.storage !== target.storage) continue;
    const same = x.offset === target.offset && shapesEqual(x.shape, target.shape) &&
      shapesEqual(x.strides, target.strides);
    if (!same) return false;
  }
  return true;
}

/** The device of primitives without inputs, while one is set. */
let creationBackend: Backend | null = null;

function commonBackend(name: Name, inputs: readonly Tensor[]): Backend {
  if (inputs.length === 0) return creationBackend ?? defaultBackend();
  const backend = inputs[0]!.backend;
  for (let i = 1; i < inputs.length; i++) {
    if (inputs[i]!.backend !== backend) {
      throw new DeviceError(
        `Cannot ${name} ${inputs.map(formatType).join(" and ")}: all tensors must be on one device, got ${
          inputs.map((x) => x.backend.name).join(" and ")
        }`,
      );
    }
  }
  return backend;
}
