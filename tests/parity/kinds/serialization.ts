/**
 * Kind `serialization`: files written by PyTorch and NumPy, and files that are broken or made to attack.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareTensor, isScalarClose, Mismatch } from "../compare.ts";
import { asList, type Context, describe, entryOf, type Notes } from "../context.ts";
import { float } from "../decode.ts";
import type { Case, Entry, Json } from "../fixtures.ts";
import type { Library } from "../library.ts";
import { invoke, member, Missing } from "../names.ts";

type Row = Readonly<Record<string, Json>>;

interface FileCase extends Case {
  readonly file: string;
  readonly format: string;
  readonly expect: "load" | "reject" | "load-or-reject";
  readonly error?: string;
  readonly value?: Json;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Milliseconds that no file may take longer than. */
const LIMIT_MS = 2000;

/** The functions that load a format: `load` tells formats apart by itself, the others are for one of them. */
const LOADERS: Readonly<Record<string, readonly string[]>> = {
  "torch-zip": ["load", "loadTorch"],
  "torch-legacy": ["load", "loadTorch"],
  safetensors: ["load", "loadSafetensors"],
  npy: ["load", "loadNpy"],
  npz: ["load", "loadNpz"],
};

/** Runs a case of kind `serialization` through every function that loads its format. */
export async function runSerialization(context: Context, testCase: Case): Promise<Notes | void> {
  const c = testCase as FileCase;
  const bytes = new Uint8Array(readFileSync(join(context.fixture.folder, c.file)));
  const offered = (LOADERS[c.format] ?? []).filter((name) =>
    member(context.library.torch, name) !== undefined
  );
  if (offered.length === 0) throw new Missing(`torch.load of ${c.format}`);
  let notes: Notes | void = undefined;
  for (const name of offered) {
    try {
      notes = await runLoader(context, c, () => context.library.call(name, bytes.slice()));
    } catch (error) {
      if (error instanceof Error) error.message = `${name}: ${error.message}`;
      throw error;
    }
  }
  expectMetadata(context.library, c, bytes);
  return notes;
}

async function runLoader(context: Context, c: FileCase, load: () => unknown): Promise<Notes | void> {
  const start = performance.now();
  let value: unknown;
  let error: unknown;
  try {
    value = await load();
  } catch (thrown) {
    error = thrown;
  }
  const ms = performance.now() - start;
  if (ms > LIMIT_MS) throw new Mismatch(`must end within ${LIMIT_MS} ms, took ${Math.round(ms)}`);
  if (({} as Record<string, unknown>)["polluted"] !== undefined) {
    throw new Mismatch("Object.prototype must stay clean");
  }
  if (error !== undefined) return judgeError(context, c, error);
  if (c.expect === "reject") throw new Mismatch(`must be rejected (${c.error}), gave ${describe(value)}`);
  if (c.value !== undefined) await matchValue(context, c, c.value, value, "value");
}

/** Compares the free text of a safetensors file, which the functions above leave out. */
function expectMetadata({ torch }: Library, c: FileCase, bytes: Uint8Array): void {
  if (c.metadata === undefined || member(torch, "parseSafetensorsHeader") === undefined) return;
  const got = member(invoke(torch, "parseSafetensorsHeader", bytes), "metadata");
  for (const [key, want] of Object.entries(c.metadata)) {
    const text = got instanceof Map ? got.get(key) : member(got, key);
    if (text !== want) throw new Mismatch(`metadata ${key}: must be ${want}, got ${describe(text)}`);
  }
}

function judgeError({ library }: Context, c: FileCase, error: unknown): Notes {
  const TorchError = member(library.torch, "TorchError");
  const isClear = typeof TorchError === "function" && error instanceof TorchError;
  if (!isClear) throw error;
  const { message } = error as Error;
  // A dtype that the library does not have may be rejected, with the dtype in the message.
  const unsupported = Object.values(c.tensors ?? {}).some(({ dtype }) => message.includes(dtype));
  if (c.expect === "load" && !unsupported) {
    throw new Mismatch(`must load, threw ${(error as Error).name}: ${message}`);
  }
  return { message };
}

async function matchValue(
  context: Context,
  c: FileCase,
  want: Json,
  got: unknown,
  path: string,
): Promise<void> {
  if (want === null || typeof want !== "object") {
    const value = typeof got === "bigint" ? Number(got) : got;
    if (want === null ? value !== null && value !== undefined : value !== want) fail(path, want, got);
    return;
  }
  if (Array.isArray(want)) return await matchItems(want);
  const row = want as Row;
  if ("$tensor" in row) return await matchTensor(context, c, row["$tensor"] as string, got, path);
  if ("$map" in row) return await matchMap(row["$map"] as readonly (readonly [Json, Json])[]);
  if ("$tuple" in row || "$size" in row) {
    return await matchItems((row["$tuple"] ?? row["$size"]) as readonly Json[]);
  }
  if ("$float" in row) {
    const number = float(row["$float"]!);
    if (typeof got !== "number" || !isScalarClose(got, number)) fail(path, number, got);
  } else if ("$bigint" in row) {
    if (String(got) !== row["$bigint"]) fail(path, row["$bigint"], got);
  } else if ("$dtype" in row) {
    if (String(got).replace(/^torch\./, "") !== row["$dtype"]) fail(path, row["$dtype"], got);
  } else if ("$device" in row) {
    if (String(got) !== row["$device"]) fail(path, row["$device"], got);
  } else {
    throw new Error(`The runner does not know a value of the form ${Object.keys(row).join()}`);
  }

  async function matchItems(items: readonly Json[]): Promise<void> {
    const list = asList(got);
    if (list === undefined || list.length !== items.length) fail(path, `a list of ${items.length}`, got);
    for (const [i, item] of items.entries()) await matchValue(context, c, item, list[i], `${path}[${i}]`);
  }

  async function matchMap(pairs: readonly (readonly [Json, Json])[]): Promise<void> {
    if (got === null || typeof got !== "object") fail(path, "a map or an object", got);
    const keys = got instanceof Map ? [...got.keys()].map(String) : Object.keys(got);
    const wanted = pairs.map(([key]) => String(key));
    // Only pickled dicts have an order: writers of safetensors sort, and an object puts whole numbers first.
    const ordered = got instanceof Map && c.format.startsWith("torch");
    const inOrder = (list: readonly string[]) => ordered ? list : list.toSorted();
    if (inOrder(keys).join() !== inOrder(wanted).join()) {
      fail(path, `an object with the keys ${wanted.join(", ")}`, `keys ${keys.join(", ")}`);
    }
    for (const [key, value] of pairs) {
      const item = got instanceof Map ? got.get(key) ?? got.get(String(key)) : member(got, String(key));
      await matchValue(context, c, value, item, `${path}.${key}`);
    }
  }
}

/** Compares a tensor; a dtype that was converted on the way must have kept every value. */
async function matchTensor(
  context: Context,
  c: FileCase,
  name: string,
  got: unknown,
  path: string,
): Promise<void> {
  if (!context.library.isTensor(got)) fail(path, "a tensor", got);
  const entry = entryOf(c, name);
  const raw = await context.library.read(got);
  const values = context.fixture.raw(entry); // stored contiguous, whatever the strides in the file
  const exact: Entry = { dtype: raw.dtype, shape: entry.shape, compare: "exact" };
  compareTensor(
    path,
    raw,
    { ...values, dtype: allows(entry.dtype, raw.dtype) ? raw.dtype : entry.dtype },
    exact,
    context,
  );
}

/** The dtypes that a file's dtype may be read as; that the values survive is then compared. */
const WIDENED: Readonly<Record<string, readonly string[]>> = {
  float64: ["float32"],
  float16: ["float32"],
  bfloat16: ["float32"],
  int64: ["int32"],
  int16: ["int32"],
  int8: ["int32"],
};

function allows(from: string, to: string): boolean {
  return from === to || (WIDENED[from] ?? []).includes(to);
}

function fail(path: string, want: unknown, got: unknown): never {
  throw new Mismatch(`${path}: must be ${want}, got ${typeof got === "string" ? got : describe(got)}`);
}
