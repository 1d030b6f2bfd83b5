/**
 * What every kind of case needs: the library, the tolerances, the tensors of the case, and comparisons with them.
 *
 * @module
 */

import { compareTensor, isScalarClose, Mismatch } from "./compare.ts";
import { float } from "./decode.ts";
import type { Case, Entry, Fixture, Json, Tolerance } from "./fixtures.ts";
import { type Built, contiguous, type Library, type TensorLike } from "./library.ts";
import { camelCase, member } from "./names.ts";
import type { Raw } from "./safetensors.ts";

/** What is the same for all cases of a file. */
export interface Context {
  readonly library: Library;
  readonly fixture: Fixture;
  readonly tolerance: Readonly<Record<string, Tolerance>>;
  /** One number for the backend, on every tolerance. */
  readonly factor: number;
}

/** Soft measures that a case may leave beside its outcome. */
export interface Notes {
  /** How many of the numbers and shapes in PyTorch's message the library's message has. */
  readonly mentions?: readonly [found: number, of: number];
  /** The library's message. */
  readonly message?: string;
}

/** Runs one case. It throws {@linkcode Mismatch}, `Missing`, or whatever the library throws. */
export type CaseRunner = (context: Context, testCase: Case) => Promise<Notes | void>;

/** The table entry called `name`. */
export function entryOf(testCase: Case, name: string): Entry {
  const entry = testCase.tensors?.[name];
  if (entry === undefined) throw new Error(`The case has no tensor ${name}`);
  return entry;
}

/** The contiguous values of a table entry. */
export function rawOf({ fixture }: Context, testCase: Case, name: string): Raw {
  const entry = entryOf(testCase, name);
  return contiguous(fixture.raw(entry), entry.shape, entry.stride);
}

/** The tensors that one call gets: each name is built once, so the same name is the same object. */
export class Inputs {
  readonly #context: Context;
  readonly #case: Case;
  readonly #built: Map<string, Built> = new Map();

  /** Builds nothing yet. */
  constructor(context: Context, testCase: Case) {
    this.#context = context;
    this.#case = testCase;
  }

  /** The tensor called `name` with the flat tensor whose memory it views. */
  built(name: string): Built {
    let built = this.#built.get(name);
    if (built === undefined) {
      const entry = entryOf(this.#case, name);
      const raw = this.#context.fixture.raw(entry);
      built = this.#context.library.tensor(raw, entry.shape, entry.stride);
      this.#built.set(name, built);
    }
    return built;
  }

  /** The tensor called `name`. */
  get(name: string): TensorLike {
    return this.built(name).tensor;
  }

  /** Names that were built. */
  get names(): string[] {
    return [...this.#built.keys()];
  }
}

/** Compares a tensor of the library with the entry called `name`. */
export async function expectTensor(
  context: Context,
  testCase: Case,
  name: string,
  got: unknown,
  what: string = name,
): Promise<void> {
  if (!context.library.isTensor(got)) throw new Mismatch(`${what}: must be a tensor, got ${describe(got)}`);
  const entry = entryOf(testCase, name);
  const indexed = entry.compare === "index" ? rawOf(context, testCase, "i0") : undefined;
  compareTensor(what, await context.library.read(got), rawOf(context, testCase, name), entry, {
    ...context,
    indexed,
  });
}

/** The tensors of a result by the name of their expected value. */
export type Outputs = Map<string, TensorLike>;

/** Compares a result, whatever its structure, with what is expected; gives its tensors by name. */
export async function expectResult(
  context: Context,
  testCase: Case,
  expect: Json,
  got: unknown,
): Promise<Outputs> {
  const outputs = collectOutputs(context.library, expect, got);
  for (const [name, tensor] of outputs) await expectTensor(context, testCase, name, tensor);
  return outputs;
}

/** The tensors of a result by name, after checking its structure and whatever in it is no tensor. */
export function collectOutputs(library: Library, expect: Json, got: unknown): Outputs {
  const outputs: Outputs = new Map();
  matchValue(expect, got, "result");
  return outputs;

  function matchValue(expect: Json, got: unknown, path: string): void {
    if (expect === null || typeof expect !== "object") return matchScalar(expect, got, path);
    if (Array.isArray(expect)) return matchItems(expect, got, path);
    const row = expect as Readonly<Record<string, Json>>;
    if ("$tensor" in row) {
      if (!library.isTensor(got)) fail(path, "a tensor", got);
      outputs.set(row["$tensor"] as string, got);
    } else if ("$float" in row) {
      const want = float(row["$float"]!);
      if (typeof got !== "number" || !isScalarClose(got, want)) fail(path, want, got);
    } else if ("$tuple" in row) {
      matchItems(row["$tuple"] as readonly Json[], got, path, row["$names"] as readonly string[] | undefined);
    } else {
      throw new Error(`The runner does not know an expected value of the form ${Object.keys(row).join()}`);
    }
  }

  function matchItems(items: readonly Json[], got: unknown, path: string, names?: readonly string[]): void {
    const list = asList(got, names);
    if (list === undefined || list.length !== items.length) fail(path, `a list of ${items.length}`, got);
    items.forEach((item, i) => matchValue(item, list[i], `${path}[${i}]`));
  }
}

/** A result with several parts: an array, or an object with PyTorch's field names in camelCase. */
export function asList(got: unknown, names?: readonly string[]): readonly unknown[] | undefined {
  if (Array.isArray(got)) return got;
  if (ArrayBuffer.isView(got)) return Array.from(got as unknown as ArrayLike<unknown>);
  if (names === undefined || got === null || typeof got !== "object") return undefined;
  return names.map((name) => member(got, camelCase(name)));
}

function matchScalar(want: null | boolean | number | string, got: unknown, path: string): void {
  const value = typeof got === "bigint" ? Number(got) : got;
  if (want === null ? value !== null && value !== undefined : value !== want) fail(path, want, got);
}

function fail(path: string, want: unknown, got: unknown): never {
  throw new Mismatch(`${path}: must be ${want}, got ${describe(got)}`);
}

/** A value in a few words, for messages. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value === null || typeof value !== "object") return `${typeof value} ${String(value)}`;
  const { dtype, shape } = value as { dtype?: { name?: string }; shape?: readonly number[] };
  if (dtype?.name !== undefined && shape !== undefined) return `${dtype.name}[${shape.join(", ")}]`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}

/** Compares a gradient; where none is expected, none and zeros are both right. */
export async function expectGrad(
  context: Context,
  testCase: Case,
  name: string | null,
  got: TensorLike | null | undefined,
  what: string,
): Promise<void> {
  if (name !== null) {
    if (got === null || got === undefined) throw new Mismatch(`grad of ${what}: expected, got none`);
    return await expectTensor(context, testCase, name, got, `grad of ${what}`);
  }
  if (got === null || got === undefined) return;
  const { data } = await context.library.read(got);
  if (Array.from(data).some((value) => value !== 0)) {
    throw new Mismatch(`grad of ${what}: none expected, got some`);
  }
}

/**
 * Calls backward with all cotangents that the outputs' entries name, together.
 *
 * @returns False if no output has one.
 */
export async function backward(context: Context, testCase: Case, outputs: Outputs): Promise<boolean> {
  const with_ = [...outputs].filter(([name]) => entryOf(testCase, name).cotangent !== undefined);
  if (with_.length === 0) return false;
  const cotangents = new Inputs(context, testCase);
  await context.library.function("torch.autograd.backward")(
    with_.map(([, tensor]) => tensor),
    with_.map(([name]) => cotangents.get(entryOf(testCase, name).cotangent!)),
  );
  return true;
}

/** Throws unless every input still holds what the fixture gave it, or what `mutates` says. */
export async function expectInputs(
  context: Context,
  testCase: Case,
  inputs: Inputs,
  mutates: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const name of inputs.names) {
    const changed = mutates[name];
    if (changed !== undefined) {
      await expectTensor(context, testCase, changed, inputs.get(name), `${name} after the call`);
      continue;
    }
    const entry: Entry = {
      dtype: entryOf(testCase, name).dtype,
      shape: entryOf(testCase, name).shape,
      compare: "exact",
    };
    const got = await context.library.read(inputs.get(name));
    compareTensor(`${name} after the call`, got, rawOf(context, testCase, name), entry, context);
  }
}
