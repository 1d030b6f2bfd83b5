/**
 * `torch.save`: state dicts as safetensors files.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { writeFile } from "./files.ts";
import { quote } from "./refuse.ts";
import { type Metadata, type NamedTensors, safetensorsPieces, saveSafetensors } from "./safetensors/write.ts";

/** What {@linkcode save} writes beside the tensors. */
export interface SaveOptions {
  /** Free text to store in the file. Default `{ format: "pt" }`, as PyTorch's tools write it. */
  readonly metadata?: Metadata;
}

/**
 * Saves named tensors, such as a state dict, as a safetensors file, and gives its bytes or writes it to `path`.
 *
 * A written file appears under its name only when it is complete. Tensors are read one after the other: await the promise
 * before you change them.
 *
 * @param tensors A map or a plain object from names to tensors, on any device.
 * @param path Where to write; a path or a `file:` address, not ending in an extension of another format.
 * @throws {ArgumentTypeError} If a value is not a tensor; the message names the key.
 * @throws {ValueError} If `path` has the extension of a format that is not written.
 * @throws {NotImplementedError} If the runtime has no file system. Errors of the file system pass through.
 *
 * @example
 * ```ts
 * await save(net.stateDict(), "net.safetensors");
 * ```
 */
export function save(tensors: NamedTensors, path: string | URL, options?: SaveOptions): Promise<void>;
/** As above; gives the bytes of the file. */
export function save(tensors: NamedTensors, path?: undefined, options?: SaveOptions): Promise<Uint8Array>;
/** Implementation of both forms. */
export async function save(
  tensors: NamedTensors,
  path?: string | URL,
  { metadata }: SaveOptions = {},
): Promise<void | Uint8Array> {
  if (path === undefined) return await saveSafetensors(tensors, metadata);
  const extension = /\.(?:pt|pth|bin|pkl|ckpt|npy|npz)$/.exec(String(path))?.[0];
  if (extension !== undefined) {
    throw new ValueError(
      `Cannot save ${
        quote(String(path))
      }: the format written is safetensors, which a name that ends in ${extension} hides; ` +
        `use ${quote(String(path).slice(0, -extension.length) + ".safetensors")}`,
    );
  }
  await writeFile(path, safetensorsPieces(tensors, metadata));
}
