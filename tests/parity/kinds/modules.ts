/**
 * Kind `modules`: an `nn` module's state dict, outputs, gradients and running statistics.
 *
 * @module
 */

import { Mismatch } from "../compare.ts";
import {
  backward,
  type Context,
  expectGrad,
  expectInputs,
  expectResult,
  expectTensor,
  Inputs,
} from "../context.ts";
import { callArguments, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import type { Library, TensorLike } from "../library.ts";
import { type AnyConstructor, type AnyFunction, invoke, resolve } from "../names.ts";

interface ModuleCase extends Case {
  readonly module: string;
  readonly init_args: readonly Json[];
  readonly init_kwargs?: Readonly<Record<string, Json>>;
  readonly training: boolean;
  readonly state_dict: Readonly<Record<string, string>>;
  readonly inputs: readonly Json[];
  readonly input_kwargs?: Readonly<Record<string, Json>>;
  readonly forward_calls?: number;
  readonly expect: Json;
  readonly param_grads?: Readonly<Record<string, string | null>>;
  readonly grad?: Readonly<Record<string, string | null>>;
  readonly state_after?: Readonly<Record<string, string>>;
}

/** Runs a case of kind `modules`. */
export async function runModule(context: Context, testCase: Case): Promise<void> {
  const { library } = context;
  const c = testCase as ModuleCase;
  const inputs = new Inputs(context, testCase);
  const sources: Sources = { library, tensor: (name) => inputs.get(name) };
  const module = construct(library, c.module, callArguments(c.init_args, c.init_kwargs, sources));
  loadState(context, testCase, module, c.state_dict);
  invoke(module, c.training ? "train" : "eval");
  for (const name of Object.keys(c.grad ?? {})) invoke(inputs.get(name), "requiresGrad_");

  // What PyTorch calls `input` is the essential argument of a forward: it goes by position.
  const { input, ...kwargs } = c.input_kwargs ?? {};
  const args = callArguments(input === undefined ? c.inputs : [input, ...c.inputs], kwargs, sources);
  let result: unknown;
  for (let i = c.forward_calls ?? 1; i > 0; i--) result = await (module as AnyFunction)(...args);
  const outputs = await expectResult(context, testCase, c.expect, result);
  await expectInputs(context, testCase, inputs);
  if (await backward(context, testCase, outputs)) {
    const parameters = new Map(entries(invoke(module, "namedParameters")));
    for (const [name, grad] of Object.entries(c.param_grads ?? {})) {
      await expectGrad(context, testCase, grad, (parameters.get(name) as TensorLike | undefined)?.grad, name);
    }
    for (const [name, grad] of Object.entries(c.grad ?? {})) {
      await expectGrad(context, testCase, grad, inputs.get(name).grad, name);
    }
  }
  const after = new Map(entries(invoke(module, "stateDict")));
  for (const [name, tensor] of Object.entries(c.state_after ?? {})) {
    await expectTensor(context, testCase, tensor, after.get(name), `${name} after the call`);
  }
}

/** Makes `nn.<name>`. */
export function construct(library: Library, name: string, args: readonly unknown[]): unknown {
  return new (resolve(library.torch, `torch.nn.${name}`) as AnyConstructor)(...args);
}

/** Names and values of a map, of an iterator over pairs, or of a plain object. */
export function entries(from: unknown): [string, unknown][] {
  const iterable = typeof from === "object" && from !== null && Symbol.iterator in from;
  return iterable ? [...from as Iterable<[string, unknown]>] : Object.entries(from as object);
}

/** Checks names, order, shapes and dtypes of a state dict against PyTorch's, and loads the values. */
function loadState(
  context: Context,
  testCase: Case,
  module: unknown,
  want: Readonly<Record<string, string>>,
): void {
  const state = invoke(module, "stateDict");
  const names = entries(state).map(([name]) => name);
  if (names.join() !== Object.keys(want).join()) {
    throw new Mismatch(
      `state dict: the names must be ${Object.keys(want).join(", ")}, got ${names.join(", ")}`,
    );
  }
  const values = new Inputs(context, testCase);
  const given = Object.entries(want).map(([name, tensor]) => [name, values.get(tensor)] as const);
  invoke(module, "loadStateDict", state instanceof Map ? new Map(given) : Object.fromEntries(given));
}
