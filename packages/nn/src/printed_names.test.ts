import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Sources of this package, tests left out. */
function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [path] : [];
  });
}

// Bundlers rename a class whose body names it, and modules print the names of their classes.
test("no module names itself in its body", () => {
  const found: string[] = [];
  for (const path of sources(import.meta.dirname!)) {
    const text = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"/g, "");
    for (const [, name, body] of text.matchAll(/^(?:export )?(?:abstract )?class (\w+)([\s\S]*?)\n\}/gm)) {
      if (
        / extends \w*(Module|Base|Nd|Linear|List)\b/.test(body!) &&
        new RegExp(`\\bnew ${name}\\b|\\b${name}\\.`).test(body!)
      ) {
        found.push(name!);
      }
    }
  }
  expect(found).toEqual([]);
});
