import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readSnippets } from "./snippets.ts";

const root = join(import.meta.dirname!, "..", "..");
// Programs must stand inside the workspace to import it by name.
const folder = join(import.meta.dirname!, `run_${process.pid}`);
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = [
  "README.md",
  ...readdirSync(join(root, "docs", "guide")).filter((name) => name.endsWith(".md")).sort()
    .map((name) => `docs/guide/${name}`),
];
const pages = names.map((name) => {
  const page = readSnippets(readFileSync(join(root, name), "utf8"));
  const file = join(folder, `${name.replaceAll(/\W/g, "_")}.ts`);
  writeFileSync(file, page.code);
  return { name, file, ...page };
});

/** Runs this runtime's binary. */
function deno(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => stdout += chunk);
    child.stderr.on("data", (chunk) => stderr += chunk);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

describe("readSnippets", () => {
  test("joins the ts blocks and reads what they print", () => {
    const page = readSnippets(
      "a\n```ts\nconsole.log(1); // → 1\n```\n```sh\nls\n```\n```ts\nf();\n// → x\n//   y\n//other\n```\n",
    );
    expect(page.prints).toEqual(["1", "x", "y"]);
    expect(page.code).toContain("f();");
    expect(page.code).not.toContain("ls");
  });
});

describe("snippets", () => {
  test("type-check", async () => {
    const result = await deno("check", ...pages.map((page) => page.file));
    expect(result.code, result.stderr).toBe(0);
  }, 120_000);

  test.each(pages)(
    "of $name run as written, without permissions, and print what they say",
    async ({ file, code, prints }) => {
      expect(code.length, "the page has snippets").toBeGreaterThan(0);
      const result = await deno("run", "--no-prompt", file);
      expect(result.stderr).toBe("");
      expect(result.code).toBe(0);
      const printed = result.stdout.split("\n").map((line) => line.trimEnd());
      if (printed.at(-1) === "") printed.pop();
      expect(printed).toEqual(prints);
    },
    60_000,
  );
});
