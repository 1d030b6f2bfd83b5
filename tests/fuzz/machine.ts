/**
 * Runs a program in Flambeau and says where it differs from PyTorch.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import { isClose, Mismatch } from "../parity/compare.ts";
import { camelCase, camelKeys, invoke, member, resolve } from "../parity/names.ts";
import type { End, Facts, Full, Json, Program, Step } from "./program.ts";

type Tensor = torch.Tensor;
type Variables = Map<string, Tensor>;

/** By dtype: what two right results may differ by, as a part of the largest value of the tensor, and beside it. */
const TOLERANCE: Readonly<Record<string, readonly [relative: number, absolute: number]>> = {
  float64: [1e-9, 1e-10],
  float32: [1e-4, 1e-5],
  float16: [4e-3, 1e-3],
  bfloat16: [3e-2, 1e-2],
};

/** What is compared beside values, flags and errors. */
export const checks: { names: boolean } = { names: true };

/** A number as the programs write it. */
export function numberOf(value: number | string): number {
  if (value === "-inf") return -Infinity;
  return value === "inf" ? Infinity : Number(value);
}

/** Runs all steps and checks, with all tensors on the default device. Throws at the first difference. */
export async function runProgram(program: Program): Promise<void> {
  const variables: Variables = new Map();
  for (const [i, step] of program.steps.entries()) {
    try {
      runStep(step, variables, program.category);
    } catch (error) {
      throw at(`step ${i} (${step.do} ${step.f ?? step.of ?? ""})`, error);
    }
  }
  for (const [name, end] of Object.entries(program.end)) {
    try {
      await checkEnd(end, variables.get(name), program.category);
    } catch (error) {
      throw at(name, error);
    }
  }
}

function at(where: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  const name = error instanceof Mismatch
    ? ""
    : `threw ${error instanceof Error ? error.name : typeof error}: `;
  return new Mismatch(`${where}: ${name}${text}`, { cause: error });
}

function runStep(step: Step, variables: Variables, category: string): void {
  let result: unknown;
  try {
    result = execute(step, variables, category);
  } catch (error) {
    if (!(error instanceof torch.TorchError)) throw error;
    if (step.error === undefined) throw error;
    return;
  }
  if (step.error !== undefined) throw new Mismatch(`must throw ${step.error} (${step.message}), did not`);
  const parts = partsOf(result);
  step.out?.forEach((name, i) => {
    if (name !== null && parts[i] != null) variables.set(name, parts[i]!);
  });
  const seen = step.out === undefined ? [lookUp(variables, targetOf(step))] : parts;
  step.facts?.forEach((want, i) => {
    if (want === false) {
      if (seen[i] != null) throw new Mismatch(`part ${i} must be none, got ${seen[i]!.shape}`);
      return;
    }
    if (seen[i] == null) throw new Mismatch(`part ${i} must be a tensor, got ${seen[i]}`);
    checkFacts(seen[i]!, want, category);
  });
}

/** What a step without results writes to. */
function targetOf(step: Step): string {
  if (step.of !== undefined) return step.of;
  const self = step.args?.[0] as { readonly v: string } | undefined;
  return self?.v ?? "";
}

function lookUp(variables: Variables, name: string): Tensor {
  return variables.get(name) as Tensor;
}

function partsOf(result: unknown): (Tensor | null)[] {
  return Array.isArray(result) ? result as Tensor[] : [result as Tensor];
}

function decode(value: Json, variables: Variables, category: string): unknown {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((item) => decode(item, variables, category));
  const [tag, of] = Object.entries(value)[0]!;
  switch (tag) {
    case "v":
      return lookUp(variables, of as string);
    case "f":
      return numberOf(of as string);
    case "d":
      return dtypeOf(of as string, category);
    case "s": {
      const [start, stop, step] = of as readonly (number | null)[];
      return `${start ?? ""}:${stop ?? ""}${step == null ? "" : `:${step}`}`;
    }
    case "t":
      return (of as readonly Json[]).map((item) => decode(item, variables, category));
    case "e":
      return "...";
    default:
      throw new Error(`The runner does not know values of the form ${tag}`);
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Where dtypes are not what a program is about, PyTorch's int64 is the default integer here, int32. */
function dtypeOf(name: string, category: string): torch.DType {
  return member(torch, name === "int64" && category !== "dtypes" ? "int32" : name) as torch.DType;
}

function leaf(step: Step, category: string): Tensor {
  const values = step.data!.map(numberOf);
  const made = torch.fromTypedArray(Float64Array.from(values), [...step.shape!], { dtype: torch.float64 })
    .to(dtypeOf(step.dtype!, category));
  return step.rg ? made.requiresGrad_() : made;
}

function execute(step: Step, variables: Variables, category: string): unknown {
  const value = (json: Json): unknown => decode(json, variables, category);
  const of = step.of === undefined ? undefined : lookUp(variables, step.of);
  switch (step.do) {
    case "leaf":
      return leaf(step, category);
    case "call":
      return call(step, value);
    case "get":
      return invoke(of, "index", ...step.items!.map(value));
    case "set":
      invoke(of, "setIndex", step.items!.map(value), value(step.value!));
      return;
    case "no_grad":
      return torch.noGrad(() => step.steps!.forEach((inner) => runStep(inner, variables, category)));
    case "backward":
      return of!.backward(step.gradient === undefined ? null : value(step.gradient) as Tensor, {
        ...options(step),
        ...(step.inputs !== undefined && { inputs: value(step.inputs) as Tensor[] }),
      });
    case "grad":
      return torch.autograd.grad(
        value(step.outputs!) as Tensor[],
        value(step.inputs!) as Tensor[],
        options(step),
      );
    case "get_grad":
      return of!.grad;
    case "clear_grad":
      of!.grad = null;
      return;
    case "retain_grad":
      return of!.retainGrad();
    case "requires_grad":
      return of!.requiresGrad_(step.value as boolean);
    case "hook": {
      const scale = step.scale!;
      return of!.registerHook((grad) => grad.mul(scale));
    }
    case "deepcopy":
      return torch.deepcopy(of!);
    case "print": {
      const text = step.text!.replace("dtype=torch.int64", "dtype=torch.int32"); // the default integer
      if (String(of) !== text) throw new Mismatch(`prints\n${of}\nand not\n${text}`);
      return;
    }
    default:
      throw new Error(`The runner does not know the step ${step.do}`);
  }
}

function options(step: Step): Record<string, boolean> {
  return {
    ...(step.retain !== undefined && { retainGraph: step.retain }),
    ...(step.create !== undefined && { createGraph: step.create }),
    ...(step.unused !== undefined && { allowUnused: step.unused }),
  };
}

function call(step: Step, value: (json: Json) => unknown): unknown {
  const args = step.args!.map(value);
  if (step.kw !== undefined) args.push(camelKeys(step.kw, value));
  if (step.f!.includes(".")) return (resolve(torch, step.f!) as (...args: unknown[]) => unknown)(...args);
  const [self, ...rest] = args;
  const name = camelCase(step.f!);
  const found = member(self, name);
  return typeof found === "function" || found === undefined ? invoke(self, name, ...rest) : found;
}

function sameDType(got: string, want: string, category: string): boolean {
  return got === want || (want === "int64" && got === "int32" && category !== "dtypes");
}

function checkFacts(
  got: Tensor,
  [dtype, shape, requiresGrad, isLeaf, gradFn]: Facts,
  category: string,
): void {
  if (!sameDType(got.dtype.name, dtype, category)) {
    throw new Mismatch(`dtype must be ${dtype}, got ${got.dtype.name}`);
  }
  if (got.shape.join() !== shape.join()) throw new Mismatch(`shape must be [${shape}], got [${got.shape}]`);
  if (got.requiresGrad !== requiresGrad) {
    throw new Mismatch(`requiresGrad must be ${requiresGrad}, got ${got.requiresGrad}`);
  }
  if (got.isLeaf !== isLeaf) throw new Mismatch(`isLeaf must be ${isLeaf}, got ${got.isLeaf}`);
  const name = got.gradFn?.name ?? null;
  if (checks.names && name !== gradFn) throw new Mismatch(`gradFn must be ${gradFn}, got ${name}`);
}

async function checkEnd(want: End, got: Tensor | undefined, category: string): Promise<void> {
  if (got === undefined) throw new Mismatch("must be there at the end, is not");
  checkFacts(got, want.facts, category);
  await checkValues(want, got, "value", category);
  if (want.grad === undefined) return;
  if (want.grad === false) {
    if (got.grad !== null) throw new Mismatch("grad must be null, got a tensor");
    return;
  }
  if (got.grad === null) throw new Mismatch("grad must be a tensor, got null");
  await checkValues(want.grad, got.grad, "grad", category);
}

/** Compares shape, dtype and values. */
export async function checkValues(want: Full, got: Tensor, what: string, category: string): Promise<void> {
  if (!sameDType(got.dtype.name, want.dtype, category)) {
    throw new Mismatch(`${what}: dtype must be ${want.dtype}, got ${got.dtype.name}`);
  }
  if (got.shape.join() !== want.shape.join()) {
    throw new Mismatch(`${what}: shape must be [${want.shape}], got [${got.shape}]`);
  }
  const wide = got.dtype.kind === "float" ? got.detach().to(torch.float64) : got.detach();
  const data = Array.from(await wide.data() as ArrayLike<number | bigint>, Number);
  const wanted = want.data.map(numberOf);
  const [relative, absolute] = TOLERANCE[want.dtype] ?? [0, 0];
  const largest = wanted.reduce((m, v) => Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m, 0);
  const tolerance = { rtol: 0, atol: absolute + relative * largest };
  for (const [i, w] of wanted.entries()) {
    if (!isClose(data[i]!, w, tolerance)) {
      throw new Mismatch(
        `${what}: [${i}] must be ${w}, got ${data[i]} (${data.slice(0, 12)} for ${wanted.slice(0, 12)})`,
      );
    }
    // The sign of zero is exact where a value is no result of rounding.
    if (category === "inputs" && w === 0 && data[i] === 0 && Object.is(w, -0) !== Object.is(data[i], -0)) {
      throw new Mismatch(`${what}: [${i}] must be ${Object.is(w, -0) ? "-0" : "0"}, got the other zero`);
    }
  }
}
