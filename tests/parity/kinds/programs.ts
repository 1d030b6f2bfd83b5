/**
 * Kind `programs`: several calls in a row and then gradients.
 *
 * @module
 */

import { Mismatch } from "../compare.ts";
import { type Context, describe, expectTensor, Inputs } from "../context.ts";
import { callArguments, decode, indexItems, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import type { Library, TensorLike } from "../library.ts";
import { invoke, isMethod, member, memberName, Missing } from "../names.ts";

/** One step: a call, or something to do. */
interface Step {
  readonly call?: string;
  readonly args?: readonly Json[];
  readonly kwargs?: Readonly<Record<string, Json>>;
  readonly out?: string | readonly string[] | null;
  readonly do?: string;
  readonly of?: string;
  readonly gradient?: Json;
  readonly scale?: number | { readonly $float: number };
  readonly steps?: readonly Step[];
  readonly outputs?: readonly string[];
  readonly inputs?: readonly string[];
  readonly cotangents?: readonly Json[];
  readonly retain_graph?: boolean;
  readonly create_graph?: boolean;
  readonly allow_unused?: boolean;
}

/** One check at the end. */
interface Check {
  readonly check: string;
  readonly of: string;
  readonly with?: string;
  readonly tensor?: string;
  readonly value?: boolean;
}

interface ProgramCase extends Case {
  readonly inputs: Readonly<Record<string, { readonly tensor: string; readonly requires_grad: boolean }>>;
  readonly steps: readonly Step[];
  readonly expect: readonly Check[];
}

type Variables = Map<string, unknown>;

/** Runs the steps and then the checks. */
export async function runProgram(context: Context, testCase: Case): Promise<void> {
  const program = testCase as ProgramCase;
  const variables: Variables = new Map();
  for (const [name, { tensor, requires_grad }] of Object.entries(program.inputs)) {
    const input = new Inputs(context, testCase).get(tensor); // a variable of its own: programs change leaves
    if (requires_grad) invoke(input, "requiresGrad_");
    variables.set(name, input);
  }
  for (const step of program.steps) await runStep(context.library, step, variables);
  for (const check of program.expect) await runCheck(context, testCase, check, variables);
}

/** Runs one step. It stays synchronous where the library does, so that modes such as noGrad hold around it. */
function runStep(library: Library, step: Step, variables: Variables): void | Promise<void> {
  const sources: Sources = { library, variable: (name) => lookUp(variables, name) };
  const result = step.call === undefined
    ? act(library, step, variables, sources)
    : makeCall(library, step, sources);
  if (result instanceof Promise) return result.then((value) => assign(step.out, value, variables));
  assign(step.out, result, variables);
}

function lookUp(variables: Variables, name: string): unknown {
  if (!variables.has(name)) throw new Error(`The program has no variable ${name} at this step`);
  return variables.get(name);
}

function assign(out: Step["out"], value: unknown, variables: Variables): void {
  if (out === null || out === undefined) return;
  if (typeof out === "string") {
    variables.set(out, value);
    return;
  }
  const parts = Array.isArray(value) ? value : Object.values(value as object);
  out.forEach((name, i) => variables.set(name, parts[i]));
}

function makeCall(library: Library, step: Step, sources: Sources): unknown {
  const name = memberName(step.call!);
  const args = step.args!;
  if (step.call!.endsWith("__getitem__")) {
    return invoke(decode(args[0]!, sources), name, ...indexItems(args[1]!, sources));
  }
  if (step.call!.endsWith("__setitem__")) {
    return invoke(decode(args[0]!, sources), name, indexItems(args[1]!, sources), decode(args[2]!, sources));
  }
  const positional = callArguments(args, step.kwargs, sources);
  if (!isMethod(step.call!)) return library.function(step.call!)(...positional);
  const [self, ...rest] = positional;
  const found = member(self, name);
  if (found === undefined) throw new Missing(`Tensor.${name}`);
  return typeof found === "function" ? found.apply(self, rest) : found;
}

function act(library: Library, step: Step, variables: Variables, sources: Sources): unknown {
  const of = step.of === undefined ? undefined : lookUp(variables, step.of) as TensorLike;
  switch (step.do) {
    case "backward":
      return invoke(of, "backward", ...backwardArguments(step, sources));
    case "no_grad":
      return library.noGrad(() => runSteps(library, step.steps!, variables));
    case "requires_grad_":
      return void invoke(of, "requiresGrad_");
    case "retain_grad":
      return void invoke(of, "retainGrad");
    case "clear_grad":
      of!.grad = null;
      return;
    case "get_grad":
      return of!.grad;
    case "hook_scale": {
      const scale = typeof step.scale === "object" ? step.scale.$float : step.scale;
      return void invoke(of, "registerHook", (grad: unknown) => invoke(grad, "mul", scale));
    }
    case "grad":
      return autogradGrad(library, step, variables, sources);
    default:
      throw new Error(`The runner does not know the step ${step.do}`);
  }
}

/** Runs steps in one synchronous go as long as none of them is asynchronous. */
function runSteps(library: Library, steps: readonly Step[], variables: Variables): void | Promise<void> {
  for (const [i, step] of steps.entries()) {
    const pending = runStep(library, step, variables);
    if (pending !== undefined) return pending.then(() => runSteps(library, steps.slice(i + 1), variables));
  }
}

function backwardArguments(step: Step, sources: Sources): unknown[] {
  const options = step.retain_graph === undefined ? [] : [{ retainGraph: step.retain_graph }];
  return step.gradient === undefined ? options : [decode(step.gradient, sources), ...options];
}

function autogradGrad(library: Library, step: Step, variables: Variables, sources: Sources): unknown {
  const tensors = (names: readonly string[]) => names.map((name) => lookUp(variables, name));
  const options: Record<string, unknown> = {};
  if (step.cotangents !== undefined) {
    options.gradOutputs = step.cotangents.map((c) => cotangent(c, sources, variables));
  }
  if (step.retain_graph !== undefined) options.retainGraph = step.retain_graph;
  if (step.create_graph !== undefined) options.createGraph = step.create_graph;
  if (step.allow_unused !== undefined) options.allowUnused = step.allow_unused;
  return library.function("torch.autograd.grad")(tensors(step.outputs!), tensors(step.inputs!), options);
}

function cotangent(value: Json, sources: Sources, variables: Variables): unknown {
  return typeof value === "string" ? lookUp(variables, value) : decode(value, sources);
}

async function runCheck(context: Context, testCase: Case, check: Check, variables: Variables): Promise<void> {
  const of = lookUp(variables, check.of) as TensorLike | null;
  if (check.check === "value") return await expectTensor(context, testCase, check.tensor!, of, check.of);
  if (check.check === "grad") {
    return await expectTensor(context, testCase, check.tensor!, of?.grad, `grad of ${check.of}`);
  }
  const got = property(context.library, check, of, variables);
  if (got !== check.value) {
    throw new Mismatch(`${check.check} of ${check.of} must be ${check.value}, got ${describe(got)}`);
  }
}

function property(library: Library, check: Check, of: TensorLike | null, variables: Variables): unknown {
  switch (check.check) {
    case "grad_is_null":
      return of?.grad === null || of?.grad === undefined;
    case "is_null":
      return of === null || of === undefined;
    case "requires_grad":
      return of?.requiresGrad;
    case "is_leaf":
      return of?.isLeaf;
    case "shares_memory":
      return library.shareStorage(of!, lookUp(variables, check.with!) as TensorLike);
    default:
      throw new Error(`The runner does not know the check ${check.check}`);
  }
}
