/**
 * Loading NumPy's `.npz` files: zip archives of `.npy` files.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import { backendOf, type Tensor } from "@flambeau/tensor";
import { quote, refuse } from "../refuse.ts";
import type { LoadOptions } from "../safetensors/read.ts";
import { Zip } from "../zip.ts";
import { readNpy } from "./npy.ts";

/**
 * The arrays in a `.npz` file by name, without the suffix `.npy`; compressed or not.
 *
 * @param bytes The whole file.
 * @throws {FormatError} If the archive or an array in it is damaged, or a record is no array.
 * @see {@linkcode loadNpy} for what the arrays become.
 */
export async function loadNpz(bytes: Uint8Array, options: LoadOptions = {}): Promise<Map<string, Tensor>> {
  const file = "npz bytes";
  return await readNpz(file, new Zip(file, bytes), backendOf(options.mapLocation));
}

/** As {@linkcode loadNpz}, with a name for messages. */
export async function readNpz(file: string, zip: Zip, backend: Backend): Promise<Map<string, Tensor>> {
  const out = new Map<string, Tensor>();
  for (const entry of zip.entries.values()) {
    if (!entry.name.endsWith(".npy")) {
      refuse(file, `every record must be an array *.npy, got ${quote(entry.name)}`);
    }
    const content = await zip.read(entry);
    out.set(entry.name.slice(0, -4), readNpy(`${file}, record ${quote(entry.name)}`, content, backend));
  }
  return out;
}
