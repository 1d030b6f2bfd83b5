/**
 * A folder of fixtures: its index, its files, and the tensors of a case.
 *
 * The format is described in `tests/fixtures/torch/README.md`. Nothing here knows what the cases hold.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { decode, parseSafetensors, type Raw, type StoredTensor } from "./safetensors.ts";

/** A value as JSON holds it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The kinds of case, in the order of the report. */
export const KINDS = [
  "ops",
  "programs",
  "errors",
  "error-programs",
  "random",
  "modules",
  "init",
  "optim",
  "schedulers",
  "clip",
  "serialization",
] as const;

/** What a file holds. */
export type Kind = (typeof KINDS)[number];

/** A row of a case's tensor table. */
export interface Entry {
  readonly data?: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
  readonly compare?: "exact" | "close" | "abs" | "index" | "meta";
  readonly tol?: string;
  readonly cotangent?: string;
  readonly alias_of?: string;
  readonly dim?: number;
  readonly storage_offset?: number;
  readonly storage_id?: number;
}

/** A case: its id, where it counts, its tensors, and what its kind defines. */
export interface Case {
  readonly id: string;
  readonly tier?: string;
  readonly category?: string;
  readonly tensors?: Readonly<Record<string, Entry>>;
  readonly [key: string]: unknown;
}

/** A row of `files` in `index.json`. */
export interface IndexRow {
  readonly file: string;
  readonly kind: Kind;
  readonly cases: number;
}

/** Relative and absolute tolerance. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** `index.json`. */
export interface Index {
  readonly format: string;
  readonly tolerance: Readonly<Record<string, Tolerance>>;
  readonly files: readonly IndexRow[];
}

const FORMAT = "torch-conformance/1";

/**
 * Reads `index.json` of a folder.
 *
 * @throws If there is none or its format is another one.
 */
export function readIndex(folder: string): Index {
  const path = join(folder, "index.json");
  if (!existsSync(path)) throw new Error(`Cannot read fixtures in ${folder}: it has no index.json`);
  const index = JSON.parse(readFileSync(path, "utf8")) as Index;
  if (index.format !== FORMAT) {
    throw new Error(`Cannot read fixtures in ${folder}: the format must be ${FORMAT}, got ${index.format}`);
  }
  return index;
}

/** One file with its cases and its tensors. */
export class Fixture {
  /** The folder that holds the file; `serialization` names further files relative to it. */
  readonly folder: string;
  readonly kind: Kind;
  readonly cases: readonly Case[];
  #stored: Map<string, StoredTensor> = new Map();
  #decoded: Map<string, Raw> = new Map();

  /** Reads `file` of the folder `root`. */
  constructor(root: string, file: string) {
    const path = join(root, file);
    const json = JSON.parse(readFileSync(path, "utf8")) as { kind: Kind; tensors?: string; cases: Case[] };
    this.folder = dirname(path);
    this.kind = json.kind;
    this.cases = json.cases;
    if (json.tensors !== undefined) {
      this.#stored = parseSafetensors(readFileSync(join(this.folder, json.tensors)));
    }
  }

  /** The flat values behind a table entry, in the entry's dtype. */
  raw(entry: Entry): Raw {
    const key = entry.data;
    if (key === undefined) return { dtype: entry.dtype, shape: entry.shape, data: [] };
    let raw = this.#decoded.get(key);
    if (raw === undefined) {
      const stored = this.#stored.get(key);
      if (stored === undefined) throw new Error(`The fixture has no tensor ${key}`);
      raw = decode(stored);
      this.#decoded.set(key, raw);
    }
    // A strided input is stored flat: its values have the shape of the storage, not of the tensor.
    const shape = entry.stride === undefined || entry.storage_id !== undefined ? entry.shape : raw.shape;
    return { dtype: entry.dtype, shape, data: raw.data };
  }
}
