/**
 * Every file of the conformance set: written by PyTorch and NumPy, damaged, and made to attack.
 *
 * @module
 */

import { FormatError, viewData } from "@flambeau/core";
import { data, Tensor } from "@flambeau/tensor";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { load, loadNpy, loadNpz, loadSafetensors, loadTorch } from "../mod.ts";
import { parseSafetensors } from "../../../tests/parity/safetensors.ts";
import "./test_support.ts";

const FOLDER = join(import.meta.dirname!, "../../../tests/fixtures/torch/serialization");
const EXPECTED = parseSafetensors(new Uint8Array(readFileSync(join(FOLDER, "expected.safetensors"))));
const LIMIT_MS = 2000;

interface Entry {
  readonly data: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly requires_grad?: boolean;
  readonly storage_id?: number;
}

interface FileCase {
  readonly file: string;
  readonly format: string;
  readonly expect: "load" | "reject" | "load-or-reject";
  readonly error?: string;
  readonly value?: unknown;
  readonly tensors?: Readonly<Record<string, Entry>>;
}

const { cases } = JSON.parse(readFileSync(join(FOLDER, "serialization.json"), "utf8")) as {
  cases: FileCase[];
};
const LOADERS: Readonly<Record<string, ((bytes: Uint8Array) => unknown)[]>> = {
  "torch-zip": [loadTorch, load],
  "torch-legacy": [loadTorch, load],
  safetensors: [loadSafetensors, load],
  npy: [loadNpy, load],
  npz: [loadNpz, load],
};

/** Files that may be refused and are, with what the message must say. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "files/complex64.pt": /complex64/,
  "files/storage_numel_huge.pt": /number of elements/,
  "files/zip_bomb.pt": /must have 24 bytes/,
  "files/zip_crc.pt": /checksum/,
  "files/st_leading_space.safetensors": /begins with "\{"/,
  "files/st_shape_unsafe.safetensors": /9007199254740992/,
  "files/st_duplicate.safetensors": /"a" is repeated/,
  "files/st_metadata_type.safetensors": /"n" in __metadata__/,
  "files/st_many_dims.safetensors": /64 dimensions/,
  "files/complex.npy": /<c8/,
  "files/np_other_entry.npz": /readme\.txt/,
};

/** A value as the fixtures describe it, in this library's terms; tensors become functions that check. */
function matches(c: FileCase, want: unknown, got: unknown, seen: Map<number, Tensor>): Promise<void> | void {
  if (want === null || typeof want !== "object") return void expect(got).toBe(want);
  if (Array.isArray(want)) return all(want, got);
  const row = want as Record<string, unknown>;
  if ("$tensor" in row) return matchesTensor(c.tensors![row["$tensor"] as string]!, got, seen);
  if ("$tuple" in row || "$size" in row) return all((row["$tuple"] ?? row["$size"]) as unknown[], got);
  if ("$float" in row) return void expect(got).toBe(Number(String(row["$float"]).replace("inf", "Infinity")));
  if ("$bigint" in row) return void expect(String(got)).toBe(row["$bigint"]);
  if ("$dtype" in row) return void expect(String(got)).toBe(`torch.${row["$dtype"]}`);
  if ("$device" in row) return void expect(got).toBe(row["$device"]);
  const pairs = row["$map"] as [string | number, unknown][];
  expect(got).toBeInstanceOf(Map);
  const map = got as Map<unknown, unknown>;
  // The header of a safetensors file is in no particular order.
  const order = (keys: unknown[]) => c.format === "safetensors" ? keys.map(String).sort() : keys;
  expect(order([...map.keys()])).toEqual(order(pairs.map(([key]) => key)));
  return sequence(pairs, ([key, value]) => matches(c, value, map.get(key), seen));

  function all(items: unknown[], list: unknown): Promise<void> {
    expect(list).toHaveLength(items.length);
    return sequence(items.entries(), ([i, item]) => matches(c, item, (list as unknown[])[i], seen));
  }
}

async function sequence<T>(items: Iterable<T>, step: (item: T) => Promise<void> | void): Promise<void> {
  for (const item of items) await step(item);
}

async function matchesTensor(entry: Entry, got: unknown, seen: Map<number, Tensor>): Promise<void> {
  expect(got).toBeInstanceOf(Tensor);
  const x = got as Tensor;
  expect(x.dtype.name).toBe(entry.dtype);
  expect(x.shape).toEqual(entry.shape);
  expect(x.requiresGrad).toBe(entry.requires_grad ?? false);
  const stored = EXPECTED.get(entry.data)!;
  expect(await data(x)).toEqual(viewData(x.dtype, stored.bytes.slice().buffer, 0, x.numel()));
  if (entry.storage_id === undefined) return;
  const other = seen.get(entry.storage_id);
  if (other === undefined) seen.set(entry.storage_id, x);
  else expect(x.storage).toBe(other.storage);
}

describe.each(cases)("$file", (c) => {
  it.each(LOADERS[c.format]!.map((loader) => ({ name: loader.name, loader })))(
    `$name: ${c.expect}`,
    async ({ name, loader }) => {
      const bytes = new Uint8Array(readFileSync(join(FOLDER, c.file)));
      const before = bytes.slice();
      const start = performance.now();
      let got: unknown;
      let error: unknown = null;
      try {
        got = await loader(bytes);
      } catch (thrown) {
        error = thrown;
      }
      expect(performance.now() - start).toBeLessThan(LIMIT_MS);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
      expect(bytes).toEqual(before);
      const mayLoad = c.expect !== "reject" && !(c.file in REFUSED);
      if (mayLoad) {
        if (error !== null) throw error;
        if (c.value !== undefined) await matches(c, c.value, got, new Map());
      } else {
        expect(error).toBeInstanceOf(FormatError);
        const { message } = error as FormatError;
        expect(message).toMatch(/^Cannot load /);
        if (name !== "load") expect(message).toMatch(REFUSED[c.file] ?? wording(c));
      }
    },
  );
});

/** What a message must say where the fixture names a key, a dtype or a function. */
function wording({ error = "" }: FileCase): RegExp {
  const named = /[a-z]+\.[a-zA-Z.]+|data\/0|<[ucU][0-9]|F31|data\.pkl/.exec(error)?.[0];
  return new RegExp((named ?? "").replaceAll(".", "\\."));
}
