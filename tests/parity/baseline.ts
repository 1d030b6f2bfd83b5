/**
 * Which cases passed when the baseline was last written, so that one that stops passing is noticed.
 *
 * A file holds, for each fixture file, the shorter of two lists: the ids that passed, or those that did not.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fixture, readIndex } from "./fixtures.ts";
import type { CaseResult } from "./outcome.ts";

/** Fixture file → ids of the cases that passed. */
export type Passed = Map<string, Set<string>>;

/** One fixture file's row. */
type Row = { readonly passed: readonly string[] } | { readonly except: readonly string[] };

/** Where the baseline of a backend is. */
export function baselinePath(backend: string): string {
  return join(import.meta.dirname!, `passed.${backend}.json`);
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
  const rows = JSON.parse(readFileSync(path, "utf8")) as Record<string, Row>;
  const ids = idsOf(fixtures);
  return new Map(
    Object.entries(rows).map(([file, row]) => {
      if ("passed" in row) return [file, new Set(row.passed)];
      const except = new Set(row.except);
      return [file, new Set((ids.get(file) ?? []).filter((id) => !except.has(id)))];
    }),
  );
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
    const row: Row = inside.length < outside.length ? { passed: inside } : { except: outside };
    return `${JSON.stringify(file)}: ${JSON.stringify(row)}`;
  });
  writeFileSync(path, `{\n${lines.join(",\n")}\n}\n`);
}

/** The cases that passed before and do not now. */
export function regressions(passed: Passed, results: readonly CaseResult[]): CaseResult[] {
  return results.filter(({ file, id, outcome }) =>
    outcome !== "passed" && passed.get(file)?.has(id) === true
  );
}
