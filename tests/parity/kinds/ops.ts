/**
 * Kind `ops`: one call in each of its forms, its result, what it does to its inputs, its gradients and its aliases.
 *
 * @module
 */

import { mayOverlap, Mismatch } from "../compare.ts";
import {
  backward,
  collectOutputs,
  type Context,
  entryOf,
  expectGrad,
  expectInputs,
  expectResult,
  Inputs,
  type Outputs,
} from "../context.ts";
import { callArguments, decode, indexItems, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import type { Library, TensorLike } from "../library.ts";
import { invoke, isMethod, member, memberName, Missing } from "../names.ts";

/** The ways to call an op. */
export type Form = "function" | "method" | "property" | "inplace" | "setitem";

/** A case of kind `ops`, as far as a call goes. */
export interface OpCase extends Case {
  readonly call: string;
  readonly forms: readonly Form[];
  readonly args: readonly Json[];
  readonly kwargs?: Readonly<Record<string, Json>>;
  readonly expect: Json;
  readonly mutates?: Readonly<Record<string, string>>;
  readonly grad?: Readonly<Record<string, string | null>>;
}

/** Runs every form of a case; the reason of a failure names the form. */
export async function runOp(context: Context, testCase: Case): Promise<void> {
  const op = testCase as OpCase;
  let missing: Missing | undefined;
  for (const form of op.forms) {
    try {
      await runForm(context, op, form);
    } catch (error) {
      if (error instanceof Missing) missing ??= error; // a wrong result of another form tells more
      else throw inForm(error, form, op.forms.length);
    }
  }
  if (missing !== undefined) throw missing;
}

function inForm(error: unknown, form: Form, forms: number): unknown {
  if (!(error instanceof Error) || forms === 1) return error;
  error.message = `${form} form: ${error.message}`;
  return error;
}

async function runForm(context: Context, op: OpCase, form: Form): Promise<void> {
  if (form === "function" && !isMethod(op.call)) context.library.function(op.call); // the first thing to be missing
  const inputs = new Inputs(context, op);
  for (const name of Object.keys(op.grad ?? {})) invoke(inputs.get(name), "requiresGrad_");
  const outputs = await expectResult(context, op, op.expect, await call(context.library, op, form, inputs));
  await expectInputs(context, op, inputs, op.mutates);
  if (op.grad !== undefined && await backward(context, op, outputs)) {
    for (const [name, grad] of Object.entries(op.grad)) {
      await expectGrad(context, op, grad, inputs.get(name).grad, name);
    }
  }
  if (form === "inplace" || form === "setitem" || op.call.endsWith("_")) return;
  expectCopies(context.library, op, inputs, outputs);
  for (const name of outputs.keys()) {
    if (entryOf(op, name).alias_of !== undefined) await expectAlias(context, op, form, name);
  }
}

/** Makes the call in one form. */
export async function call(library: Library, op: OpCase, form: Form, inputs: Inputs): Promise<unknown> {
  const sources: Sources = { library, tensor: (name) => inputs.get(name) };
  const name = memberName(op.call);
  if (op.call.endsWith("__setitem__") || form === "setitem") {
    const target = invoke(decode(op.args[0]!, sources), "clone");
    await invoke(target, "setIndex", indexItems(op.args[1]!, sources), decode(op.args[2]!, sources));
    return target;
  }
  if (op.call.endsWith("__getitem__")) {
    return await invoke(decode(op.args[0]!, sources), name, ...indexItems(op.args[1]!, sources));
  }
  // There is no complex dtype: pairs of numbers count as complex where an option says so.
  const pairs = inputsOf(op).some((input) => entryOf(op, input).dtype === "complex64");
  const args = callArguments(op.args, pairs ? { ...op.kwargs, complex: true } : op.kwargs, sources);
  if (form === "function" && !isMethod(op.call)) return await library.function(op.call)(...args);
  const [self, ...rest] = args;
  if (form === "inplace" || (isMethod(op.call) && op.call.endsWith("_"))) {
    return await callInPlace(self, name, rest);
  }
  const found = member(self, name);
  if (found === undefined) throw new Missing(`Tensor.${name}`);
  if (form === "property" && typeof found === "function") {
    throw new Mismatch(`${name} must be a property, got a method`);
  }
  return typeof found === "function" ? await found.apply(self, rest) : found;
}

function inputsOf(op: OpCase): string[] {
  return Object.keys(op.tensors ?? {}).filter((name) => name.startsWith("i"));
}

async function callInPlace(self: unknown, name: string, rest: readonly unknown[]): Promise<unknown> {
  const target = invoke(self, "clone");
  const result = await invoke(target, name.endsWith("_") ? name : `${name}_`, ...rest);
  if (result !== target) throw new Mismatch("the in-place call must return the tensor that it changed");
  return result;
}

/** Two values to write that differ from one another in every dtype. */
function marks(dtype: string): readonly [number | boolean, number | boolean] {
  return dtype === "bool" ? [true, false] : [3, 7];
}

/** A view shares memory with the input that PyTorch's result is a view of: a write to one shows in the other. */
async function expectAlias(
  { library, ...rest }: Context,
  op: OpCase,
  form: Form,
  name: string,
): Promise<void> {
  const inputs = new Inputs({ library, ...rest }, op);
  const outputs = collectOutputs(library, op.expect, await call(library, op, form, inputs));
  const source = entryOf(op, name).alias_of!;
  const { base } = inputs.built(source);
  const output = outputs.get(name)!;
  if (output.dtype.name !== base.dtype.name) return; // int64 was read as int32: this was a conversion
  if (!library.shareStorage(output, base)) throw new Mismatch(`${name}: must share memory with ${source}`);
  const [first, second] = marks(output.dtype.name);
  invoke(base, "fill_", first);
  await expectCount(library, output, first, Infinity, `${name}: a write to ${source} must show in it`);
  if (mayOverlap(output.shape, library.strides(output))) return;
  invoke(output, "fill_", second);
  const written = output.shape.reduce((product, size) => product * size, 1);
  await expectCount(library, base, second, written, `${source}: a write to ${name} must show in it`);
}

/** Throws unless `count` elements (or all, if there are fewer) equal `value`. */
async function expectCount(
  library: Library,
  tensor: TensorLike,
  value: number | boolean,
  count: number,
  what: string,
): Promise<void> {
  const data = Array.from((await library.read(tensor)).data);
  const equal = data.filter((x) => x === Number(value)).length;
  if (equal !== Math.min(count, data.length)) {
    throw new Mismatch(`${what}, ${equal} of ${data.length} elements do`);
  }
}

/** A result that is no view in PyTorch must not be one here: writing to it would change the input. */
function expectCopies(library: Library, op: OpCase, inputs: Inputs, outputs: Outputs): void {
  // PyTorch copies where it changes the order in memory; a library may take the format as the hint that it is.
  if (JSON.stringify(op.kwargs ?? {}).includes('"$memory_format"')) return;
  for (const [name, output] of outputs) {
    const { alias_of, dtype } = entryOf(op, name);
    if (alias_of !== undefined || output.shape.includes(0)) continue;
    for (const input of inputs.names) {
      if (!library.shareStorage(output, inputs.built(input).base)) continue;
      const converts = entryOf(op, input).dtype !== dtype; // between int64 and int32, which are the same here
      if (!converts) throw new Mismatch(`${name}: must be a copy, shares memory with ${input}`);
    }
  }
}
