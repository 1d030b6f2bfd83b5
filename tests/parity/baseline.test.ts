import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readBaseline, regressions, updateBaseline } from "./baseline.ts";
import type { CaseResult } from "./outcome.ts";
import { writeFolder } from "./testdata/folder.ts";

const folder = writeFolder({
  a: { kind: "ops", cases: ["p", "q", "r"].map((id) => ({ id })) },
  b: { kind: "ops", cases: [{ id: "p" }] },
});
const of = (file: string, id: string, outcome: CaseResult["outcome"]): CaseResult => (
  { file, kind: "ops", id, tier: "1", category: "unary", outcome, ms: 1 }
);

test("baseline: writes the shorter list, keeps what did not run, and finds what stopped passing", () => {
  const path = join(folder, "passed.txt");
  expect(readBaseline(path, folder).size).toBe(0);

  updateBaseline(path, folder, [
    of("a.json", "p", "passed"),
    of("a.json", "q", "passed"),
    of("a.json", "r", "failed"),
  ]);
  expect(readFileSync(path, "utf8")).toBe("a.json\texcept\tr\nb.json\tpassed\n");

  updateBaseline(path, folder, [of("a.json", "p", "failed"), of("b.json", "p", "passed")]);
  const passed = readBaseline(path, folder);
  expect(readFileSync(path, "utf8")).toBe("a.json\tpassed\tq\nb.json\texcept\n");
  expect(passed).toEqual(new Map([["a.json", new Set(["q"])], ["b.json", new Set(["p"])]]));

  const now = [of("a.json", "q", "missing"), of("a.json", "p", "failed"), of("b.json", "p", "passed")];
  expect(regressions(passed, now).map(({ file, id }) => `${file} ${id}`)).toEqual(["a.json q"]);
});
