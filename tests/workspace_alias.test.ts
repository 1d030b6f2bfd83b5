import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { workspaceAliases, workspaceMembers } from "./workspace_alias.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "workspace-"));
  const members: Record<string, unknown> = {
    "packages/b": { name: "@x/b", exports: { ".": "./mod.ts", "./io": "./src/io.ts" } },
    "packages/a": { name: "@x/a", exports: "./mod.ts" },
    "kernels": { name: "@x/kernels", exports: { ".": "./mod.ts" } },
  };
  for (const [dir, config] of Object.entries(members)) {
    mkdirSync(join(root, dir), { recursive: true });
    writeFileSync(join(root, dir, "deno.json"), JSON.stringify(config));
  }
  mkdirSync(join(root, "packages/not_a_member"));
  writeFileSync(join(root, "deno.json"), JSON.stringify({ workspace: ["./packages/*", "kernels/"] }));
});

afterEach(() => rmSync(root, { recursive: true }));

test("workspaceMembers: expands patterns and leaves out folders without deno.json", () => {
  expect(workspaceMembers(root)).toEqual([
    { name: "@x/a", dir: "packages/a", exports: { ".": "./mod.ts" } },
    { name: "@x/b", dir: "packages/b", exports: { ".": "./mod.ts", "./io": "./src/io.ts" } },
    { name: "@x/kernels", dir: "kernels", exports: { ".": "./mod.ts" } },
  ]);
});

test("workspaceAliases: every name finds its own file and nothing else", () => {
  const resolve = (name: string) =>
    workspaceAliases(root).filter(({ find }) => find.test(name)).map(({ replacement }) => replacement);
  expect(resolve("@x/b")).toEqual([join(root, "packages/b/mod.ts")]);
  expect(resolve("@x/b/io")).toEqual([join(root, "packages/b/src/io.ts")]);
  expect(resolve("@x/kernels")).toEqual([join(root, "kernels/mod.ts")]);
  for (const stranger of ["@x/bb", "y@x/b", "@x/b/src/io.ts", "@x/c", "@x/b/"]) {
    expect(resolve(stranger), stranger).toEqual([]);
  }
});
