/**
 * Which cases passed when the baseline was last written, so that one that stops passing is noticed.
 *
 * A baseline has a line for each fixture file, its fields apart by tabs: the name of the file, then the shorter of two
 * lists: `passed` and the ids that did, or `except` and the ids that did not.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fixture, readIndex } from "./fixtures.ts";
import type { CaseResult } from "./outcome.ts";

/** Fixture file → ids of the cases that passed. */
export type Passed = Map<string, Set<string>>;

/** Where the baseline of a backend is. */
export function baselinePath(backend: string): string {
  return join(import.meta.dirname!, `passed.${backend}.txt`);
}

function idsOf(fixtures: string): Map<string, string[]> {
  return new Map(
    readIndex(fixtures).files.map((
      { file },
    ) => [file, new Fixture(fixtures, file).cases.map(({ id }) => id)]),
  );
}

/** Reads a baseline; without a file nothing has passed yet. */
export function readBaseline(path: string, fixtures: string): Passed {
  if (!existsSync(path)) return new Map();
  const ids = idsOf(fixtures);
  const lines = readFileSync(path, "utf8").split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => {
    const [file, list, ...listed] = line.split("\t") as [string, string, ...string[]];
    const named = new Set(listed);
    return [file, list === "passed" ? named : new Set((ids.get(file) ?? []).filter((id) => !named.has(id)))];
  }));
}

/** Writes the baseline: the cases in `results` by their outcome, all others as they were. */
export function updateBaseline(path: string, fixtures: string, results: readonly CaseResult[]): void {
  const passed = readBaseline(path, fixtures);
  for (const { file, id, outcome } of results) {
    const set = passed.get(file) ?? new Set();
    if (outcome === "passed") set.add(id);
    else set.delete(id);
    passed.set(file, set);
  }
  const lines = [...idsOf(fixtures)].map(([file, ids]) => {
    const set = passed.get(file) ?? new Set();
    const inside = ids.filter((id) => set.has(id));
    const outside = ids.filter((id) => !set.has(id));
    return [file, ...inside.length < outside.length ? ["passed", ...inside] : ["except", ...outside]].join(
      "\t",
    );
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
}

/** The cases that passed before and do not now. */
export function regressions(passed: Passed, results: readonly CaseResult[]): CaseResult[] {
  return results.filter(({ file, id, outcome }) =>
    outcome !== "passed" && passed.get(file)?.has(id) === true
  );
}
