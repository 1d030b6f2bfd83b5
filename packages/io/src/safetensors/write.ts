/**
 * Writing safetensors files.
 *
 * @module
 */

import { ArgumentTypeError } from "@flambeau/core";
import { data, type Tensor } from "@flambeau/tensor";
import { TensorHandle } from "@flambeau/tensor/internal";
import { bytesOf } from "../elements.ts";
import { collect } from "../files.ts";
import { quote } from "../refuse.ts";
import { fileNames } from "./dtypes.ts";

/** Named tensors: a state dict, as a map or as a plain object. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Free text to store in a file. */
export type Metadata = Readonly<Record<string, string>>;

/** What files get when nothing else is asked for: libraries that read PyTorch weights look for it. */
const DEFAULT_METADATA: Metadata = { format: "pt" };

/**
 * A safetensors file with these tensors, in the order given.
 *
 * Tensors may be on any device, of any dtype, and need not be contiguous. Those that share memory are written one by one.
 *
 * @param metadata Free text, stored under `__metadata__`. Default `{ format: "pt" }`, as PyTorch's tools write it.
 * @throws {ArgumentTypeError} If a value is not a tensor, or a name is `__metadata__`.
 *
 * @example
 * ```ts
 * const bytes = await saveSafetensors(net.stateDict());
 * ```
 */
export function saveSafetensors(
  tensors: NamedTensors,
  metadata: Metadata = DEFAULT_METADATA,
): Promise<Uint8Array> {
  return collect(safetensorsPieces(tensors, metadata));
}

/** The file of {@linkcode saveSafetensors} piece by piece: the header, then each tensor. Arguments are checked at the call. */
export function safetensorsPieces(
  tensors: NamedTensors,
  metadata: Metadata = DEFAULT_METADATA,
): AsyncIterable<Uint8Array> {
  const named = entriesOf(tensors);
  // Larger elements first: every tensor then begins at a multiple of its element size, with no gap.
  const stored = [...named].sort(([, a], [, b]) => b.dtype.itemsize - a.dtype.itemsize);
  return pieces(headerOf(named, stored, metadata), stored);
}

async function* pieces(
  header: Uint8Array,
  stored: readonly (readonly [string, Tensor])[],
): AsyncGenerator<Uint8Array> {
  yield header;
  for (const [, tensor] of stored) yield bytesOf(await data(tensor));
}

function headerOf(
  named: readonly (readonly [string, Tensor])[],
  stored: readonly (readonly [string, Tensor])[],
  metadata: Metadata,
): Uint8Array {
  const offsets = new Map<string, [number, number]>();
  let at = 0;
  for (const [name, x] of stored) offsets.set(name, [at, at += x.numel() * x.dtype.itemsize]);
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) {
    fields.push(`"__metadata__":${JSON.stringify(checkMetadata(metadata))}`);
  }
  for (const [name, { dtype, shape }] of named) {
    const entry = { dtype: fileNames.get(dtype), shape, data_offsets: offsets.get(name) };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(json, 8);
  return out;
}

function checkMetadata(metadata: Metadata): Metadata {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw new ArgumentTypeError(
        `Cannot save metadata ${quote(key)}: it must be a string, got ${typeof value} ${String(value)}`,
      );
    }
  }
  return metadata;
}

function entriesOf(tensors: NamedTensors): [string, Tensor][] {
  if (typeof (tensors as { stateDict?: unknown } | null)?.stateDict === "function") {
    throw new ArgumentTypeError("Cannot save a Module: pass its stateDict()");
  }
  if (
    typeof tensors !== "object" || tensors === null || tensors instanceof TensorHandle ||
    Array.isArray(tensors)
  ) {
    throw new ArgumentTypeError(
      `Cannot save as safetensors: it must be a map or an object of named tensors, got ${kindOf(tensors)}`,
    );
  }
  const entries = [
    ...(tensors instanceof Map ? tensors as ReadonlyMap<string, Tensor> : Object.entries(tensors)),
  ];
  for (const [name, value] of entries as [unknown, unknown][]) {
    if (typeof name !== "string") {
      throw new ArgumentTypeError(`Cannot save as safetensors: names must be strings, got ${kindOf(name)}`);
    }
    if (name === "__metadata__") {
      throw new ArgumentTypeError('Cannot save tensor "__metadata__": the name is taken by the format');
    }
    if (!(value instanceof TensorHandle)) {
      throw new ArgumentTypeError(
        `Cannot save ${quote(name)} as safetensors: every value must be a Tensor, got ${
          kindOf(value)
        }; a .pt file ` +
          "may hold other values",
      );
    }
  }
  return entries as [string, Tensor][];
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value instanceof TensorHandle) return "a Tensor";
  return typeof value === "object"
    ? `an object of class ${value.constructor?.name}`
    : `${typeof value} ${String(value)}`;
}
