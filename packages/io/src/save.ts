/**
 * `torch.save`: state dicts as safetensors files, checkpoints as PyTorch's own.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import { writeFile } from "./files.ts";
import { quote } from "./refuse.ts";
import { type Metadata, type NamedTensors, safetensorsPieces, saveSafetensors } from "./safetensors/write.ts";
import { torchPieces } from "./torch_file/save.ts";

/** What {@linkcode save} writes beside the value. */
export interface SaveOptions {
  /** Free text to store in a safetensors file. Default `{ format: "pt" }`, as PyTorch's tools write it. */
  readonly metadata?: Metadata;
}

/**
 * Saves to a file. Named tensors, such as a state dict, make a safetensors file; a path that ends in `.pt`, `.pth`, `.ckpt`
 * or `.bin` makes a file that PyTorch's `torch.load` reads, which may hold other values too (see `saveTorch`).
 *
 * The file appears under its name only when it is complete. Tensors are read one after the other: await the promise
 * before you change them.
 *
 * @param value For safetensors a map or a plain object from names to tensors, on any device.
 * @param path Where to write: a path or a `file:` address.
 * @throws {ArgumentTypeError} If a part of the value cannot be saved in this format; the message names it.
 * @throws {ValueError} If `path` has the extension of a format that is not written.
 * @throws {NotImplementedError} If the runtime has no file system. Errors of the file system pass through.
 *
 * @example
 * ```ts
 * await save(net.stateDict(), "net.safetensors");
 * await save({ epoch, model: net.stateDict(), optimizer: optimizer.stateDict() }, "checkpoint.pt");
 * ```
 */
export function save(value: unknown, path: string | URL, options?: SaveOptions): Promise<void>;
/** Gives the bytes of a safetensors file. */
export function save(value: NamedTensors, path?: undefined, options?: SaveOptions): Promise<Uint8Array>;
/** Implementation of both forms. */
export async function save(
  value: unknown,
  path?: string | URL,
  { metadata }: SaveOptions = {},
): Promise<void | Uint8Array> {
  if (path === undefined) return await saveSafetensors(value as NamedTensors, metadata);
  const extension = /\.[a-z]+$/.exec(String(path))?.[0] ?? "";
  if (REFUSED.has(extension)) {
    throw new ValueError(
      `Cannot save ${quote(String(path))}: the formats written are .safetensors and .pt, got ${extension}`,
    );
  }
  if (!TORCH.has(extension)) return await writeFile(path, safetensorsPieces(value as NamedTensors, metadata));
  if (metadata !== undefined) {
    throw new ArgumentTypeError(
      `Cannot save metadata to ${quote(String(path))}: only safetensors files have some`,
    );
  }
  await writeFile(path, torchPieces(value));
}

const TORCH: ReadonlySet<string> = new Set([".pt", ".pth", ".ckpt", ".bin"]);
/** Extensions of formats that are read and not written: a file of another kind must not have them. */
const REFUSED: ReadonlySet<string> = new Set([".npy", ".npz", ".pkl"]);
