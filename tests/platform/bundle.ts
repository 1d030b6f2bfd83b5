/**
 * Bundles the library as an application would, with esbuild.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { workspaceAliases } from "../workspace_alias.ts";
import { ROOT } from "./processes.ts";

/** Lets esbuild find the workspace's own packages. */
export function workspacePlugin(): Plugin {
  const aliases = workspaceAliases(ROOT);
  return {
    name: "workspace",
    setup({ onResolve }) {
      onResolve({ filter: /^@flambeau\// }, ({ path }) => {
        const alias = aliases.find(({ find }) => find.test(path));
        return alias === undefined ? undefined : { path: alias.replacement };
      });
    },
  };
}

/** What becomes one file. */
export interface BundleOptions {
  /** The entry: a module's text. Relative imports start at `tests/platform`. */
  readonly source: string;
  /** Oldest engine that must run it. Default: `es2022`. */
  readonly target?: string | readonly string[];
  /** Default false. */
  readonly minify?: boolean;
  /** Modules that the runtime itself has. Default: none, so an import of `node:fs` is an error. */
  readonly external?: readonly string[];
}

/**
 * One ECMAScript module that imports nothing.
 *
 * @throws {Error} If esbuild fails or warns.
 */
export async function bundle(options: BundleOptions): Promise<string> {
  const { source, target = "es2022", minify = false, external = [] } = options;
  const { outputFiles, warnings } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: typeof target === "string" ? target : [...target],
    minify,
    external: [...external],
    legalComments: "none",
    logLevel: "silent",
    plugins: [workspacePlugin()],
    write: false,
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join("\n"));
  return outputFiles[0]!.text;
}
