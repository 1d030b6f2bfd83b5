/**
 * Writes a small folder of fixtures, for tests of the runner.
 *
 * @module
 */

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kind } from "../fixtures.ts";

/** A safetensors file with float32 and int32 tensors of one dimension. */
export function safetensors(tensors: Readonly<Record<string, Float32Array | Int32Array>>): Uint8Array {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, data] of Object.entries(tensors)) {
    const dtype = data instanceof Float32Array ? "F32" : "I32";
    header[name] = { dtype, shape: [data.length], data_offsets: [end, end += data.byteLength] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let at = 8 + json.length;
  for (const data of Object.values(tensors)) {
    file.set(new Uint8Array(data.buffer), at);
    at += data.byteLength;
  }
  return file;
}

/** One file of the folder. */
export interface FolderFile {
  readonly kind: Kind;
  readonly cases: readonly Readonly<Record<string, unknown>>[];
  readonly tensors?: Readonly<Record<string, Float32Array | Int32Array>>;
}

/** Writes the files with an index and gives the folder. */
export function writeFolder(files: Readonly<Record<string, FolderFile>>): string {
  const folder = mkdtempSync(join(tmpdir(), "parity-"));
  for (const [name, { kind, cases, tensors }] of Object.entries(files)) {
    const json = { format: "torch-conformance/1", kind, cases, ...(tensors && { tensors: `${name}.safetensors` }) };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(json));
    if (tensors) writeFileSync(join(folder, `${name}.safetensors`), safetensors(tensors));
  }
  const index = {
    format: "torch-conformance/1",
    tolerance: { exact: { rtol: 0, atol: 0 }, func: { rtol: 2e-5, atol: 2e-6 } },
    files: Object.entries(files).map(([name, { kind, cases }]) => ({ file: `${name}.json`, kind, cases: cases.length })),
  };
  writeFileSync(join(folder, "index.json"), JSON.stringify(index));
  return folder;
}
