import { expect, test } from "vitest";
import { importSites } from "./import_sites.ts";

function only(source: string): { specifier: string; typeOnly: boolean }[] {
  return importSites("a.ts", source).map(({ specifier, typeOnly }) => ({ specifier, typeOnly }));
}

test.each([
  [`import { a } from "./x.ts";`, false],
  [`import * as a from "./x.ts";`, false],
  [`import "./x.ts";`, false],
  [`export { a } from "./x.ts";`, false],
  [`export * from "./x.ts";`, false],
  [`const a = await import("./x.ts");`, false],
  [`import { type A } from "./x.ts";`, false],
  [`import type { A } from "./x.ts";`, true],
  [`export type { A } from "./x.ts";`, true],
  [`export type * from "./x.ts";`, true],
  [`let a: typeof import("./x.ts");`, true],
  [`let a: import("./x.ts").A;`, true],
])("importSites: %s", (source, typeOnly) => {
  expect(only(source)).toEqual([{ specifier: "./x.ts", typeOnly }]);
});

test("importSites: text that looks like an import is none", () => {
  expect(only('const a = `\nimport { b } from "./x.ts";\n`;\n// import "./y.ts"\n/* import("./z.ts") */'))
    .toEqual([]);
});

test("importSites: names the line", () => {
  expect(importSites("a.ts", `const a = "é😀";\n\nimport "./x.ts";`)[0]!.line).toBe(3);
});

test("importSites: refuses what does not parse", () => {
  expect(() => importSites("a.ts", "import {")).toThrow(/^Cannot parse a\.ts: /);
});
