/**
 * Every call of an operation in the fixtures, inside function transforms: `vmap` against a loop, forward mode against double
 * backward, `vjp` against autograd, and gradients of batches against those of one element.
 *
 * @module
 */

import { join } from "node:path";
import * as torch from "@flambeau/torch";
import { func, type Tensor, vmap } from "@flambeau/torch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entryOf } from "../parity/context.ts";
import { callArguments, decode, indexItems, type Sources } from "../parity/decode.ts";
import { Fixture, readIndex } from "../parity/fixtures.ts";
import type { Form, OpCase } from "../parity/kinds/ops.ts";
import { Library } from "../parity/library.ts";
import { invoke, isMethod, member, memberName } from "../parity/names.ts";

const root = join(import.meta.dirname!, "../fixtures/torch");
const library = new Library(torch as never);

/** Ops whose result, or the size of it, is found on the host from the values: `vmap` refuses them. */
const DATA_DEPENDENT: ReadonlySet<string> = new Set([
  "__getitem__", // by masks
  "argwhere",
  "bincount",
  "histc",
  "histogram",
  "histogramdd",
  "index_put", // by masks
  "linalg.ldl_factor",
  "linalg.ldl_factor_ex",
  "linalg.ldl_solve",
  "masked_select",
  "narrow", // from a tensor
  "nn.functional.ctc_loss", // lengths
  "nn.functional.one_hot", // without a number of classes
  "nonzero",
  "repeat_interleave", // by a tensor
  "tensor_split", // at a tensor
  "unique",
  "unique_consecutive",
]);

/** What the words of the refusal say. */
const REFUSED = /inside vmap: it has other elements for each element|Cannot nonzero inside vmap/;

/** Cases where double backward is no oracle. */
const WITHOUT_ORACLE: readonly RegExp[] = [
  /^pow\/float32\/012/, // 0 to powers: double backward gives NaN
  /^nn\.functional\.max_unpool/, // places that are written twice have a gradient each, as in PyTorch
];

type Function = (...inputs: Tensor[]) => Tensor[];

interface Problem {
  readonly id: string;
  readonly op: string;
  readonly inputs: Tensor[];
  readonly f: Function;
}

function tensorsOf(value: unknown): Tensor[] {
  if (library.isTensor(value)) return [value as unknown as Tensor];
  return Array.isArray(value) ? value.flatMap(tensorsOf) : [];
}

/** Makes a call in one form, at once. */
function called(op: OpCase, form: Form, tensor: (name: string) => unknown): unknown {
  const sources: Sources = { library, tensor };
  const name = memberName(op.call);
  if (op.call.endsWith("__setitem__") || form === "setitem") {
    const target = invoke(decode(op.args[0]!, sources), "clone");
    invoke(target, "setIndex", indexItems(op.args[1]!, sources), decode(op.args[2]!, sources));
    return target;
  }
  if (op.call.endsWith("__getitem__")) {
    return invoke(decode(op.args[0]!, sources), name, ...indexItems(op.args[1]!, sources));
  }
  const isComplex = inputsOf(op).some((input) => entryOf(op, input).dtype === "complex64");
  const args = callArguments(op.args, isComplex ? { ...op.kwargs, complex: true } : op.kwargs, sources);
  if (form === "function" && !isMethod(op.call)) return library.function(op.call)(...args);
  const [self, ...rest] = args;
  const inPlace = form === "inplace" || (isMethod(op.call) && op.call.endsWith("_"));
  if (inPlace) return invoke(invoke(self, "clone"), name.endsWith("_") ? name : `${name}_`, ...rest);
  const found = member(self, name);
  return typeof found === "function" ? found.apply(self, rest) : found;
}

function inputsOf(op: OpCase): string[] {
  return Object.keys(op.tensors ?? {}).filter((name) => name.startsWith("i"));
}

/** All calls of a file that give tensors from tensors. */
function problemsOf(file: string): Problem[] {
  const fixture = new Fixture(root, file);
  const found: Problem[] = [];
  for (const testCase of fixture.cases) {
    const op = testCase as OpCase;
    const names = inputsOf(op);
    if (names.length === 0) continue;
    for (const form of op.forms) {
      if (form === "property") continue;
      const inputs = names.map((name) => {
        const entry = entryOf(op, name);
        return library.tensor(fixture.raw(entry), entry.shape, entry.stride).tensor as unknown as Tensor;
      });
      const f: Function = (...tensors) => {
        torch.manualSeed(0); // random operations draw the same in every run
        return tensorsOf(called(op, form, (name) => tensors[names.indexOf(name)]));
      };
      const problem = { id: `${op.id} as ${form}`, op: op.id.slice(0, op.id.indexOf("/")), inputs, f };
      if (attempt(() => f(...inputs.map((x) => x.clone())).length > 0) === true) found.push(problem);
    }
  }
  return found;
}

/** What `body` gives, or null if it throws: such cases are held to their errors elsewhere. */
function attempt<R>(body: () => R): R | null {
  try {
    return body();
  } catch {
    return null;
  }
}

function firstDifference(got: readonly Tensor[], want: readonly Tensor[], tolerance: number): string | null {
  for (const [i, x] of want.entries()) {
    const y = got[i];
    if (y === undefined || String(y.shape) !== String(x.shape) || y.dtype !== x.dtype) {
      return `output ${i} is ${y?.dtype}[${y?.shape}], expected ${x.dtype}[${x.shape}]`;
    }
    const [a, b] = [y.to("float64").dataSync(), x.to("float64").dataSync()] as [Float64Array, Float64Array];
    const at = a.findIndex((v, k) => {
      const w = b[k]!;
      return !(v === w || (v !== v && w !== w) || Math.abs(v - w) <= tolerance * (1 + Math.abs(w)));
    });
    if (at >= 0) return `output ${i}: element ${at} is ${a[at]}, expected ${b[at]}`;
  }
  return null;
}

/** The inputs in double precision: what is compared is rounded in another order. */
function wide({ inputs }: Problem): Tensor[] {
  return inputs.map((x) => x.dtype.name === "float32" ? x.to("float64") : x);
}

/** The function of the float inputs with its float results. */
function smooth(problem: Problem): { g: Function; x: Tensor[] } {
  const inputs = wide(problem);
  const moved = inputs.map((_, i) => i).filter((i) => inputs[i]!.dtype.kind === "float");
  const g: Function = (...chosen) => {
    const all = inputs.map((x) => x.clone());
    moved.forEach((i, k) => all[i] = chosen[k]!);
    return problem.f(...all).filter(({ dtype }) => dtype.kind === "float");
  };
  return { g, x: moved.map((i) => inputs[i]!.clone()) };
}

function directions(like: readonly Tensor[]): Tensor[] {
  torch.manualSeed(1);
  return like.map((x) => torch.randn([...x.shape], { dtype: "float64" }).to(x.dtype));
}

/** Counts what was compared, so that a file cannot pass by comparing nothing. */
const compared = { vmap: 0, jvp: 0, vjp: 0, batches: 0 };

function check(problem: Problem, what: keyof typeof compared, body: () => string | null): string[] {
  const found = body();
  compared[what]++;
  return found === null ? [] : [`${problem.id}: ${found}`];
}

/** Runs `body`; a refusal of an op that is known to need the host counts as right. */
function orRefused({ op }: Problem, body: () => string | null): string | null {
  try {
    return body();
  } catch (error) {
    if (DATA_DEPENDENT.has(op) && REFUSED.test((error as Error).message)) return null;
    return (error as Error).message;
  }
}

const files = readIndex(root).files.filter(({ file, kind }) => kind === "ops" && !file.includes("large"));
let device: torch.Device;

beforeAll(() => {
  device = torch.getDefaultDevice();
  torch.setDefaultDevice("reference");
});

afterAll(() => torch.setDefaultDevice(device));

describe.each(files.map(({ file }) => file))("%s", (file) => {
  test("vmap gives what a loop gives", () => {
    const failures = problemsOf(file).flatMap((problem) => {
      const elements = [0, 1].map((k) =>
        wide(problem).map((x) => x.dtype.kind === "float" ? x.mul(1 + k / 8) : x.clone())
      );
      const loop = attempt(() => elements.map((inputs) => problem.f(...inputs.map((x) => x.clone()))));
      const batch = problem.inputs.map((_, i) => torch.stack(elements.map((inputs) => inputs[i]!)));
      if (loop === null || loop[0]!.some((y, i) => String(y.shape) !== String(loop[1]![i]!.shape))) return [];
      return check(problem, "vmap", () =>
        orRefused(problem, () => {
          const got = vmap(problem.f, { randomness: "same" })(...batch);
          return firstDifference(got, loop[0]!.map((_, i) => torch.stack(loop.map((row) => row[i]!))), 1e-6);
        }));
    });
    expect(failures).toEqual([]);
  });

  test("jvp gives what double backward gives", () => {
    const failures = problemsOf(file).flatMap((problem) => {
      const { g, x } = smooth(problem);
      if (x.length === 0 || WITHOUT_ORACLE.some((pattern) => pattern.test(problem.id))) return [];
      const v = directions(x);
      const want = attempt(() => torch.autograd.functional.jvp(g, x, v)[1] as Tensor[]);
      if (want === null || want.length === 0) return [];
      return check(problem, "jvp", () => firstDifference(func.jvp(g, x, v)[1], want, 1e-6));
    });
    expect(failures).toEqual([]);
  });

  test("vjp gives what autograd gives, for batches too", () => {
    const failures = problemsOf(file).flatMap((problem) => {
      const { g, x } = smooth(problem);
      if (x.length === 0) return [];
      const cotangents = attempt(() => directions(g(...x)));
      if (cotangents === null || cotangents.length === 0) return [];
      const want = attempt(() => torch.autograd.functional.vjp(g, x, cotangents)[1]);
      if (want === null) return [];
      const pulled = (...at: Tensor[]) => [...func.vjp(g, ...at)[1](cotangents)] as Tensor[];
      const alone = check(problem, "vjp", () => firstDifference(pulled(...x), want, 1e-6));
      const batch = x.map((value) => torch.stack([value, value]));
      const inBatches = check(problem, "batches", () =>
        orRefused(problem, () => {
          const got = vmap(pulled, { randomness: "same" })(...batch);
          return firstDifference(got.map((y) => torch.select(y, 0, 1)), want, 1e-6);
        }));
      return [...alone, ...inBatches];
    });
    expect(failures).toEqual([]);
  });
});

test("most of the fixtures were compared", () => {
  expect(compared.vmap).toBeGreaterThan(9500);
  expect(compared.jvp).toBeGreaterThan(5500);
  expect(compared.vjp).toBeGreaterThan(5500);
  expect(compared.batches).toBe(compared.vjp);
});
