/**
 * What became of a case, and how an accepted difference changes it.
 *
 * @module
 */

import { Mismatch } from "./compare.ts";
import type { CaseRunner, Context, Notes } from "./context.ts";
import type { Difference } from "./differences.ts";
import type { Case, Kind } from "./fixtures.ts";
import { Missing } from "./names.ts";

/** `different`: it failed, and the list of accepted differences says why. */
export type Outcome = "passed" | "failed" | "missing" | "different";

/** One case with its outcome. */
export interface CaseResult {
  readonly file: string;
  readonly kind: Kind;
  readonly id: string;
  readonly tier: string;
  readonly category: string;
  readonly outcome: Outcome;
  /** Why it did not pass. */
  readonly reason?: string;
  readonly ms: number;
  readonly notes?: Notes;
}

/** Runs one case and never throws. */
export async function runCase(
  runner: CaseRunner,
  context: Context,
  testCase: Case,
): Promise<Pick<CaseResult, "outcome" | "reason" | "ms" | "notes">> {
  const start = performance.now();
  try {
    const notes = await runner(context, testCase);
    return { outcome: "passed", ms: performance.now() - start, ...(notes && { notes }) };
  } catch (error) {
    const outcome = error instanceof Missing ? "missing" : "failed";
    return { outcome, reason: reasonOf(error), ms: performance.now() - start };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Mismatch || error instanceof Missing) return error.message;
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  return `threw ${error.name}: ${error.message.split("\n")[0]}`;
}

/** True when a difference's pattern, in which `*` stands for any text, fits an id. */
export function fits(pattern: string, id: string): boolean {
  const text = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${text}$`).test(id);
}

/**
 * The outcome of a case in view of the accepted differences: a failure that one of them describes is `different`; a case
 * that one of them lists and that passes has failed, because then the list is wrong.
 */
export function settle(result: CaseResult, differences: readonly Difference[]): CaseResult {
  const listed = differences.find(({ kind, id }) =>
    kind === result.kind && id.some((pattern) => fits(pattern, result.id))
  );
  if (listed === undefined) return result;
  if (result.outcome === "passed") {
    return { ...result, outcome: "failed", reason: "it passes, but is listed as an accepted difference" };
  }
  return listed.shows.test(result.reason ?? "") ? { ...result, outcome: "different" } : result;
}
