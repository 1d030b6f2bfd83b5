/**
 * Tells Vite where the workspace's own packages live.
 *
 * Deno resolves `@flambeau/core` from the member's `deno.json`; Vite does not know these names, so the same
 * `exports` maps are turned into exact aliases. The `deno.json` files must be plain JSON, without comments.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What of a member's `deno.json` matters here. */
interface MemberConfig {
  readonly name: string;
  readonly exports: string | Readonly<Record<string, string>>;
}

/** One member of the workspace. */
export interface Member {
  /** The package's name, such as `@flambeau/core`. */
  readonly name: string;
  /** Its folder relative to the root, with forward slashes, such as `packages/core`. */
  readonly dir: string;
  /** Its entry points: subpath (`.`, `./io`) → file relative to {@linkcode Member.dir}. */
  readonly exports: Readonly<Record<string, string>>;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

function expand(root: string, pattern: string): string[] {
  if (!pattern.endsWith("/*")) return [pattern];
  const parent = pattern.slice(0, -2);
  return readdirSync(join(root, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${parent}/${entry.name}`)
    .sort();
}

/**
 * Lists the members of the workspace in `root/deno.json`, in its order (`x/*` expands alphabetically).
 *
 * Folders without a `deno.json` are not members and are left out.
 *
 * @param root The folder that holds the workspace's `deno.json`.
 */
export function workspaceMembers(root: string): Member[] {
  const { workspace } = readJson<{ workspace: string[] }>(join(root, "deno.json"));
  return workspace
    .flatMap((pattern) => expand(root, pattern.replace(/^\.\//, "").replace(/\/$/, "")))
    .filter((dir) => existsSync(join(root, dir, "deno.json")))
    .map((dir) => {
      const { name, exports } = readJson<MemberConfig>(join(root, dir, "deno.json"));
      return { name, dir, exports: typeof exports === "string" ? { ".": exports } : exports };
    });
}

/**
 * Makes Vite's `resolve.alias` entries for every entry point of every member.
 *
 * @param root The folder that holds the workspace's `deno.json`.
 */
export function workspaceAliases(root: string): { find: RegExp; replacement: string }[] {
  return workspaceMembers(root).flatMap(({ name, dir, exports }) =>
    Object.entries(exports).map(([subpath, file]) => ({
      find: new RegExp(`^${(name + subpath.slice(1)).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`),
      replacement: join(root, dir, file),
    }))
  );
}
