/**
 * How much a user downloads, for programs of different needs.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundle } from "../platform/bundle.ts";

/** Bytes of one minified file. */
export interface Size {
  readonly minified: number;
  readonly gzip: number;
}

/** Sizes by what is in the file. */
export type Sizes = Readonly<Record<string, Size>>;

/** Where the sizes are written down. */
export const SIZES_FILE: string = fileURLToPath(new URL("./sizes.json", import.meta.url));

/** Growth that needs no explanation. */
export const ROOM = 1.05;

/** What is bundled: modules as text, with imports relative to `tests/platform`. */
const SOURCES: Readonly<Record<string, string>> = {
  "everything": `import * as torch from "@flambeau/torch"; globalThis.torch = torch;`,
  "tensors, nn.Linear and SGD": `import "../size/app.ts";`,
  "the kernels of the cpu device": `export { createWasmBackend } from "@flambeau/kernels-wasm";`,
};

/** Bundles, minifies and compresses all of them. */
export async function measureSizes(): Promise<Sizes> {
  const sizes: Record<string, Size> = {};
  for (const [name, source] of Object.entries(SOURCES)) {
    const text = await bundle({ source, minify: true });
    sizes[name] = {
      minified: new TextEncoder().encode(text).length,
      gzip: gzipSync(text, { level: 9 }).length,
    };
  }
  return sizes;
}

/** The sizes that were written down. */
export function knownSizes(): Sizes {
  return JSON.parse(readFileSync(SIZES_FILE, "utf8")) as Sizes;
}
