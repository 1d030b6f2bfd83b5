/**
 * Kind `optim`: the values of parameters after every step of an optimizer, and its state.
 *
 * @module
 */

import { compareTensor, isClose, Mismatch } from "../compare.ts";
import { type Context, describe, entryOf, expectTensor, Inputs } from "../context.ts";
import { decode, float, type Sources } from "../decode.ts";
import type { Case, Json, Tolerance } from "../fixtures.ts";
import { evaluate } from "../formula.ts";
import type { Library, TensorLike } from "../library.ts";
import { type AnyConstructor, camelKeys, invoke, member, resolve } from "../names.ts";
import { numel, type Raw } from "../safetensors.ts";

type Row = Readonly<Record<string, Json>>;

interface OptimCase extends Case {
  readonly optimizer: string;
  readonly mode: "gradients" | "closure";
  readonly steps: number;
  readonly kwargs: Row;
  readonly groups: readonly { readonly params: readonly string[]; readonly kwargs: Row }[];
  readonly params: Readonly<Record<string, string>>;
  readonly gradients?: Readonly<Record<string, string>>;
  readonly formula?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly trajectory: Readonly<Record<string, string>>;
  readonly losses?: readonly Json[];
  readonly loss_tol?: string;
  readonly state_after?: Readonly<Record<string, Row>>;
  readonly group_keys?: readonly string[];
}

/** Runs a case of kind `optim`. */
export async function runOptim(context: Context, testCase: Case): Promise<void> {
  const { library } = context;
  const c = testCase as OptimCase;
  const params = new Map<string, TensorLike>();
  for (const [name, tensor] of Object.entries(c.params)) {
    params.set(name, invoke(new Inputs(context, testCase).get(tensor), "requiresGrad_") as TensorLike);
  }
  const sources: Sources = { library };
  const groups = c.groups.map(({ params: names, kwargs }) => ({
    params: names.map((name) => params.get(name)!),
    ...camelKeys(kwargs, (value) => decode(value, sources)),
  }));
  const optimizer = makeOptimizer(library, c.optimizer, groups, c.kwargs);

  const seen = new Map<string, Raw[]>([...params.keys()].map((name) => [name, []]));
  for (let step = 0; step < c.steps; step++) {
    if (c.mode === "closure") await closureStep(context, c, optimizer, params, step);
    else await gradientStep(context, c, optimizer, params, step);
    for (const [name, param] of params) seen.get(name)!.push(await snapshot(library, param));
  }
  for (const [name, expected] of Object.entries(c.trajectory)) {
    expectTrajectory(context, testCase, name, expected, seen.get(name)!);
  }
  await expectState(context, c, optimizer);
}

/** Makes `optim.<name>` over groups of parameters. */
export function makeOptimizer(
  library: Library,
  name: string,
  groups: readonly Record<string, unknown>[],
  kwargs: Row,
): unknown {
  const Optimizer = resolve(library.torch, `torch.optim.${name}`) as AnyConstructor;
  // One group without settings of its own is the plain list of parameters, as a user gives it.
  const [first] = groups;
  const plain = groups.length === 1 && Object.keys(first!).length === 1;
  return new Optimizer(
    plain ? first!["params"] : groups,
    camelKeys(kwargs, (value) => decode(value, { library })),
  );
}

async function snapshot(library: Library, param: TensorLike): Promise<Raw> {
  const { dtype, shape, data } = await library.read(param);
  return { dtype, shape, data: Array.from(data) };
}

async function gradientStep(
  context: Context,
  c: OptimCase,
  optimizer: unknown,
  params: Map<string, TensorLike>,
  step: number,
): Promise<void> {
  for (const [name, tensor] of Object.entries(c.gradients!)) {
    const { dtype, shape: [, ...shape], data } = context.fixture.raw(entryOf(c, tensor));
    const size = numel(shape);
    const values = Array.from(data).slice(step * size, (step + 1) * size);
    params.get(name)!.grad = context.library.tensor({ dtype, shape, data: values }).tensor;
  }
  await invoke(optimizer, "step");
}

async function closureStep(
  context: Context,
  c: OptimCase,
  optimizer: unknown,
  params: Map<string, TensorLike>,
  step: number,
): Promise<void> {
  const inputs = new Inputs(context, c);
  const variables: Record<string, unknown> = Object.fromEntries(params);
  for (const [name, tensor] of Object.entries(c.data ?? {})) variables[name] = inputs.get(tensor);
  const loss = await invoke(optimizer, "step", () => {
    invoke(optimizer, "zeroGrad");
    const value = evaluate(context.library, c.formula!, variables);
    invoke(value, "backward");
    return value;
  });
  if (c.losses === undefined) return;
  const got = context.library.isTensor(loss) ? (await context.library.read(loss)).data[0]! : loss;
  const want = float((c.losses[step] as { $float: Json }).$float);
  const tolerance = context.tolerance[c.loss_tol ?? "accum"]!;
  if (typeof got !== "number" || !isClose(got, want, scale(tolerance, context.factor))) {
    throw new Mismatch(`loss of step ${step + 1}: must be ${want}, got ${describe(got)}`);
  }
}

function scale({ rtol, atol }: Tolerance, factor: number): Tolerance {
  return { rtol: rtol * factor, atol: atol * factor };
}

/** Compares the values after every step, stacked on the first axis. */
function expectTrajectory(
  context: Context,
  c: Case,
  name: string,
  expected: string,
  steps: readonly Raw[],
): void {
  const entry = entryOf(c, expected);
  const [{ dtype, shape }] = steps as [Raw, ...Raw[]];
  const data = steps.flatMap((step) => Array.from(step.data));
  compareTensor(
    `${name} after each step`,
    { dtype, shape: [steps.length, ...shape], data },
    context.fixture.raw(entry),
    entry,
    context,
  );
}

/** Compares the state dict: PyTorch's names, parameters numbered through all groups. */
async function expectState(context: Context, c: OptimCase, optimizer: unknown): Promise<void> {
  if (c.state_after === undefined && c.group_keys === undefined) return;
  const dict = invoke(optimizer, "stateDict");
  const order = c.groups.flatMap(({ params }) => params);
  for (const [name, want] of Object.entries(c.state_after ?? {})) {
    const state = get(get(dict, "state"), String(order.indexOf(name)));
    for (const [key, value] of Object.entries(want)) {
      await expectStateValue(context, c, `state ${key} of ${name}`, value, get(state, key));
    }
  }
  const [group] = (get(dict, "param_groups") ?? []) as readonly unknown[];
  const absent = (c.group_keys ?? []).filter((key) => get(group, key) === undefined);
  if (absent.length > 0) throw new Mismatch(`a group of the state dict must have ${absent.join(", ")}`);
}

async function expectStateValue(
  context: Context,
  c: Case,
  what: string,
  want: Json,
  got: unknown,
): Promise<void> {
  const row = want as Row;
  if (want === null || typeof want !== "object") {
    if (got !== want) throw new Mismatch(`${what}: must be ${want}, got ${describe(got)}`);
  } else if ("$tensor" in row) {
    await expectTensor(context, c, row["$tensor"] as string, got, what);
  } else {
    const value = context.library.isTensor(got) ? (await context.library.read(got)).data[0] : got;
    const number = float(row["$float"]!);
    if (typeof value !== "number" || !isClose(value, number, context.tolerance["accum"]!)) {
      throw new Mismatch(`${what}: must be ${number}, got ${describe(got)}`);
    }
  }
}

/** A value of a map or of a plain object, whose keys may be numbers. */
function get(from: unknown, key: string): unknown {
  if (from instanceof Map) return from.get(key) ?? from.get(Number(key));
  return member(from, key);
}
