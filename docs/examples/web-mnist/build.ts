/**
 * Builds the page: bundles its two programs and writes the digits beside them, ready for any web server.
 *
 * @module
 */

import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import "@flambeau/torch";
import { MNIST } from "@flambeau/data/mnist";
import { build as bundle } from "esbuild";
import { workspaceAliases } from "../../../tests/workspace_alias.ts";
import { type Digits, packDigits } from "./digits.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Where the page is built unless told otherwise. */
export const DIST: string = join(HERE, "dist");

/**
 * Writes the page into a folder, and removes what was there.
 *
 * @throws {Error} If a program cannot be bundled.
 */
export async function build(folder: string = DIST): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([bundlePrograms(folder), writeDigits(folder), copyTexts(folder)]);
}

async function bundlePrograms(folder: string): Promise<void> {
  const aliases = workspaceAliases(ROOT);
  await bundle({
    entryPoints: { page: join(HERE, "page.ts"), worker: join(HERE, "worker.ts") },
    outdir: folder,
    bundle: true,
    minify: true,
    // What is only needed for the GPU becomes a file of its own.
    splitting: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    plugins: [{
      name: "workspace",
      setup({ onResolve }) {
        onResolve({ filter: /^@flambeau\// }, ({ path }) => {
          const alias = aliases.find(({ find }) => find.test(path));
          return alias === undefined ? undefined : { path: alias.replacement };
        });
      },
    }],
  });
}

/** Compressed here, because servers do not compress files that they do not know. */
async function writeDigits(folder: string): Promise<void> {
  const packed = packDigits({ train: await loadDigits(true), test: await loadDigits(false) });
  await writeFile(join(folder, "digits.bin"), gzipSync(packed, { level: 9 }));
}

async function loadDigits(train: boolean): Promise<Digits> {
  const { data, targets } = await MNIST.load({ train });
  const values = await data.data() as Float32Array;
  return {
    images: Uint8Array.from(values, (value) => Math.round(255 * value)),
    labels: Uint8Array.from(await targets.data() as Int32Array),
  };
}

async function copyTexts(folder: string): Promise<void> {
  await Promise.all(
    ["index.html", "style.css"].map((name) => copyFile(join(HERE, name), join(folder, name))),
  );
}
