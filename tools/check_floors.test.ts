import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkFloors, type MemberSources, readMembers } from "./check_floors.ts";

/** A made-up workspace: file path → text. The member is told from the path. */
function tree(files: Record<string, string>): MemberSources[] {
  const members = new Map<string, Map<string, string>>();
  for (const [path, text] of Object.entries(files)) {
    const dir = /^packages\/[^/]+|^[^/]+/.exec(path)![0];
    if (!members.has(dir)) members.set(dir, new Map());
    members.get(dir)!.set(path, text);
  }
  return [...members].map(([dir, own]) => ({
    name: `@flambeau/${dir.replace("packages/", "")}`,
    dir,
    files: own,
  }));
}

/** The one complaint about a tree of one importing file. */
function complaint(file: string, text: string): string {
  const errors = checkFloors(tree({ [file]: text }));
  expect(errors).toHaveLength(1);
  return errors[0]!;
}

describe("checkFloors between packages", () => {
  test("arrows that point down are fine", () => {
    expect(checkFloors(tree({
      "packages/core/mod.ts": `export const a = 1;`,
      "kernels-wasm/mod.ts": `import { a } from "@flambeau/core";\nexport { a };`,
      "packages/tensor/mod.ts":
        `export { compile } from "@flambeau/compiler";\nimport "@flambeau/core/infer";`,
      "packages/nn/mod.ts": `import { Tensor } from "@flambeau/tensor";\nimport fs from "node:fs";`,
      "packages/torch/mod.ts": `export * from "@flambeau/nn";\nimport "@flambeau/kernels-wasm";`,
      "packages/testing/mod.ts": `import "@flambeau/torch";`,
    }))).toEqual([]);
  });

  test("an upward import is refused, with file, line, import and rule", () => {
    expect(complaint("packages/core/src/a.ts", `\nimport { Tensor } from "@flambeau/tensor";`)).toBe(
      `Cannot import "@flambeau/tensor" in packages/core/src/a.ts:2: ` +
        `a package imports lower floors only, got core (floor 0) → tensor (floor 2)`,
    );
  });

  test("a type-only import upward is refused too", () => {
    expect(complaint("packages/core/a.ts", `import type { Tensor } from "@flambeau/tensor";`))
      .toContain("lower floors only, got core (floor 0) → tensor (floor 2)");
  });

  test.each(["export * from", "export { a } from", "await import(", "let a: typeof import("])(
    "%s counts like an import",
    (form) => {
      const text = `${form} "@flambeau/torch"${form.endsWith("(") ? ")" : ""};`;
      expect(complaint("packages/tensor/a.ts", text)).toContain("tensor (floor 2) → torch (floor 4)");
    },
  );

  test("a subpath counts as its package", () => {
    expect(complaint("packages/tensor/a.ts", `import "@flambeau/torch/sub";`)).toContain("lower floors only");
  });

  test.each([["compiler", "runtime"], ["nn", "data"], ["autograd", "optim"]])(
    "the same floor is refused: %s → %s",
    (from, to) => {
      expect(complaint(`packages/${from}/a.ts`, `import "@flambeau/${to}";`)).toContain("lower floors only");
    },
  );

  test.each(["nn", "optim", "io", "data"])("%s does not import autograd", (from) => {
    expect(complaint(`packages/${from}/a.ts`, `import "@flambeau/autograd";`)).toContain("without autograd");
  });

  test.each([
    ["packages/tensor", "reference"],
    ["packages/compiler", "reference"],
    ["packages/nn", "kernels-wasm"],
    ["packages/testing", "kernels-webgpu"],
    ["kernels-webgpu", "kernels-wasm"],
  ])("only torch imports a backend: %s → %s", (dir, backend) => {
    expect(complaint(`${dir}/a.ts`, `import "@flambeau/${backend}";`)).toContain(
      "only torch imports a backend",
    );
  });

  test("kernels-wasm imports core only", () => {
    expect(complaint("kernels-wasm/a.ts", `import "@flambeau/compiler";`)).toContain(
      "kernels-wasm imports core only",
    );
  });

  test.each(["packages/torch", "packages/core"])("testing is for tests only: %s", (dir) => {
    expect(complaint(`${dir}/a.ts`, `import "@flambeau/testing";`)).toContain("testing is for tests only");
  });

  test("a package without a floor is refused, as importer and as imported", () => {
    expect(complaint("packages/extra/mod.ts", "")).toContain(
      "packages/extra: every package stands on a floor",
    );
    expect(complaint("packages/torch/mod.ts", `import "@flambeau/extra";`)).toContain(
      "got the unknown extra",
    );
  });

  test("a relative path into another package is refused", () => {
    expect(complaint("packages/nn/src/a.ts", `import "../../autograd/mod.ts";`)).toContain(
      "out of packages/nn",
    );
    expect(complaint("packages/nn/a.ts", `import "../nn-more/mod.ts";`)).toContain("out of packages/nn");
  });

  test("a package does not import itself by name", () => {
    expect(complaint("packages/nn/src/a.ts", `import "@flambeau/nn";`)).toContain("by relative path");
  });
});

describe("checkFloors inside a package", () => {
  test("a shared dependency is no circle", () => {
    expect(checkFloors(tree({
      "packages/core/mod.ts": `export * from "./src/a.ts";\nexport * from "./src/b.ts";`,
      "packages/core/src/a.ts": `import "./c.ts";`,
      "packages/core/src/b.ts": `import "./c.ts";\nimport "./a.ts";`,
      "packages/core/src/c.ts": ``,
    }))).toEqual([]);
  });

  test("a circle is reported once, with its path", () => {
    expect(checkFloors(tree({
      "packages/core/mod.ts": `export * from "./src/a.ts";`,
      "packages/core/src/a.ts": `import "./b.ts";`,
      "packages/core/src/b.ts": `import "./deep/c.ts";`,
      "packages/core/src/deep/c.ts": `export { a } from "../a.ts";`,
    }))).toEqual([
      "Cannot order packages/core: imports form no circle, got packages/core/src/a.ts → packages/core/src/b.ts" +
      " → packages/core/src/deep/c.ts → packages/core/src/a.ts",
    ]);
  });

  test("circles that do not touch are reported each", () => {
    expect(checkFloors(tree({
      "packages/core/a.ts": `import "./b.ts";\nimport "./c.ts";`,
      "packages/core/b.ts": `import "./a.ts";`,
      "packages/core/c.ts": `import "./d.ts";`,
      "packages/core/d.ts": `import "./c.ts";`,
    }))).toHaveLength(2);
  });

  test("a file that imports itself is a circle", () => {
    expect(complaint("packages/core/a.ts", `import "./a.ts";`)).toContain(
      "packages/core/a.ts → packages/core/a.ts",
    );
  });

  test("a circle of types is fine, one of inline types is not", () => {
    const files = { "packages/tensor/a.ts": `import { f } from "./b.ts";` };
    expect(checkFloors(tree({ ...files, "packages/tensor/b.ts": `import type { A } from "./a.ts";` })))
      .toEqual([]);
    expect(checkFloors(tree({ ...files, "packages/tensor/b.ts": `import { type A } from "./a.ts";` })))
      .toHaveLength(1);
  });
});

test("readMembers: reads the sources of members, without tests, AssemblyScript and built files", () => {
  const root = mkdtempSync(join(tmpdir(), "floors-"));
  try {
    const files: Record<string, string> = {
      "deno.json": `{ "workspace": ["packages/*", "kernels-wasm"] }`,
      "packages/core/deno.json": `{ "name": "@flambeau/core", "exports": "./mod.ts" }`,
      "packages/core/mod.ts": "1",
      "packages/core/mod.test.ts": "2",
      "packages/core/src/deep/a.ts": "3",
      "packages/core/a.bench.ts": "4",
      "packages/core/dist/a.ts": "5",
      "packages/not_a_member/a.ts": "6",
      "kernels-wasm/deno.json": `{ "name": "@flambeau/kernels-wasm", "exports": { ".": "./mod.ts" } }`,
      "kernels-wasm/assembly/index.ts": "7",
      "kernels-wasm/mod.ts": "8",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    expect(readMembers(root)).toEqual([
      {
        name: "@flambeau/core",
        dir: "packages/core",
        files: new Map([["packages/core/mod.ts", "1"], ["packages/core/src/deep/a.ts", "3"]]),
      },
      { name: "@flambeau/kernels-wasm", dir: "kernels-wasm", files: new Map([["kernels-wasm/mod.ts", "8"]]) },
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
