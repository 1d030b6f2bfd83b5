/**
 * Loading safetensors files.
 *
 * @module
 */

import { ArgumentTypeError, type Backend } from "@flambeau/core";
import { backendOf, breathe, type DeviceLike, type Tensor } from "@flambeau/tensor";
import { tensorOf } from "../elements.ts";
import type { Source } from "../files.ts";
import { quote } from "../refuse.ts";
import { fileKinds } from "./dtypes.ts";
import { headerBytes, readHeader, type SafetensorsEntry } from "./header.ts";

/** Where loaded tensors go. */
export interface LoadOptions {
  /** The device; PyTorch's `map_location`. The default device when not given. */
  readonly mapLocation?: DeviceLike | null;
}

/**
 * The tensors of a safetensors file, by name in the order of its header.
 *
 * `U16` is read as int32 and `U32` as int64; all other types as they are. On a device without a dtype, the tensor gets a
 * dtype of the device that holds all of its values.
 *
 * @param bytes The whole file.
 * @throws {FormatError} If the file is not well formed, or a tensor cannot be held by the device. Nothing was loaded then.
 * @throws {ArgumentTypeError} If `bytes` are no bytes.
 *
 * @example
 * ```ts
 * const weights = loadSafetensors(await Deno.readFile("net.safetensors"));
 * net.loadStateDict(weights);
 * ```
 */
export function loadSafetensors(bytes: Uint8Array, options: LoadOptions = {}): Map<string, Tensor> {
  const file = "safetensors bytes";
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentTypeError(
      `Cannot load safetensors: the bytes must be a Uint8Array, got ${
        (bytes as unknown) instanceof Promise ? "a promise: await it" : typeof bytes
      }`,
    );
  }
  const backend = backendOf(options.mapLocation);
  const out = new Map<string, Tensor>();
  for (const [name, entry] of readHeader(file, bytes, bytes.length).tensors) {
    out.set(name, toTensor(file, name, entry, bytes.subarray(entry.begin, entry.end), backend));
  }
  return out;
}

/** As {@linkcode loadSafetensors}, one tensor at a time: the file is never in memory as a whole. */
export async function readSafetensors(source: Source, backend: Backend): Promise<Map<string, Tensor>> {
  const { name: file, size } = source;
  const length = headerBytes(file, await source.read(0, Math.min(8, size)), size);
  const { tensors } = readHeader(file, await source.read(0, length), size);
  const out = new Map<string, Tensor>();
  for (const [name, entry] of tensors) {
    await breathe();
    out.set(name, toTensor(file, name, entry, await source.read(entry.begin, entry.end), backend));
  }
  return out;
}

function toTensor(
  file: string,
  name: string,
  { dtype, shape }: SafetensorsEntry,
  bytes: Uint8Array,
  backend: Backend,
): Tensor {
  return tensorOf(file, `tensor ${quote(name)}`, { kind: fileKinds.get(dtype)!, bytes, shape }, backend);
}
