/**
 * `torch.load`: model files of every kind that this package reads, told apart by their first bytes.
 *
 * @module
 */

import type { Tensor } from "@flambeau/tensor";
import { backendOf } from "@flambeau/tensor";
import { type LoadSource, openSource, type Source } from "./files.ts";
import { isNpy, readNpy } from "./numpy/npy.ts";
import { readNpz } from "./numpy/npz.ts";
import { refuse } from "./refuse.ts";
import { type LoadOptions, readSafetensors } from "./safetensors/read.ts";
import { isLegacyTorch, readArchive, readTorch } from "./torch_file/load.ts";
import { isZip, Zip } from "./zip.ts";

const SNIFFED_BYTES = 64;

/**
 * Loads a model file: safetensors, PyTorch's `.pt` (zip or older), NumPy's `.npy` and `.npz`. No code in a file is run.
 *
 * A safetensors or npz file gives a map from names to tensors; a `.pt` file gives what was saved, with dicts as maps and
 * tuples as arrays; a `.npy` file gives a tensor. Files are opened only here: in Node and Deno through `node:fs`, elsewhere
 * a path is an address to fetch.
 *
 * @typeParam T What the file holds. Default: a map from names to tensors.
 * @param source A path, an address, bytes, or a `Blob` such as a file that a user chose.
 * @param options `mapLocation`: the device to load to.
 * @throws {FormatError} If the file is damaged, hostile or of no known kind. Errors of the file system pass through.
 *
 * @example
 * ```ts
 * net.loadStateDict(await load("net.safetensors"));
 * const checkpoint = await load<Map<string, unknown>>("checkpoint.pt", { mapLocation: "cpu" });
 * ```
 */
export async function load<T = Map<string, Tensor>>(
  source: LoadSource,
  options: LoadOptions = {},
): Promise<T> {
  const backend = backendOf(options.mapLocation);
  const opened = await openSource(source);
  try {
    const start = await opened.read(0, Math.min(SNIFFED_BYTES, opened.size));
    if (start[8] === 0x7b && !isZip(start)) return await readSafetensors(opened, backend) as T;
    const bytes = await whole(opened, start);
    const file = opened.name;
    if (isNpy(bytes)) return readNpy(file, bytes, backend) as T;
    if (isLegacyTorch(bytes)) return await readTorch(file, bytes, backend) as T;
    const zip = new Zip(file, bytes);
    const names = [...zip.entries.keys()];
    return (names.every((name) => name.endsWith(".npy"))
      ? await readNpz(file, zip, backend)
      : await readArchive(file, zip, backend)) as T;
  } finally {
    await opened.close();
  }
}

/** All bytes of a file of a kind that is read as a whole. */
function whole(source: Source, start: Uint8Array): Promise<Uint8Array> {
  if (isZip(start) || isNpy(start) || isLegacyTorch(start)) return source.read(0, source.size);
  refuse(source.name, `it must be a safetensors, .pt, .npy or .npz file, got ${kindOf(start)}`);
}

/** What a file of no known kind may be, for those who got the wrong one. */
function kindOf(start: Uint8Array): string {
  if (start.length === 0) return "an empty file";
  const text = new TextDecoder().decode(start);
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer: download the file itself";
  if (/^\s*<(?:!doctype|html)/i.test(text)) return "a web page: download the file itself";
  const bytes = Array.from(start.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `one that begins with the bytes ${bytes}`;
}
