/**
 * The tables that a run prints.
 *
 * @module
 */

import { KINDS } from "./fixtures.ts";
import type { CaseResult, Outcome } from "./outcome.ts";

const OUTCOMES: readonly Outcome[] = ["passed", "failed", "missing", "different"];

/** Cases by outcome. */
export type Counts = Record<Outcome, number>;

/** Counts results by outcome. */
export function count(results: readonly CaseResult[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, missing: 0, different: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

/** Where a case counts: `ops/unary`, `modules/loss`, `optim`, … */
function groupOf({ kind, category }: CaseResult): string {
  return kind === "ops" || kind === "modules" ? `${kind}/${category}` : kind;
}

function byKey<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

function row(tier: string, group: string, results: readonly CaseResult[]): string[] {
  const counts = count(results);
  const share = results.length === 0 ? 0 : 100 * counts.passed / results.length;
  return [
    tier,
    group,
    ...OUTCOMES.map((outcome) => String(counts[outcome])),
    String(results.length),
    share.toFixed(1),
  ];
}

/** Rows of columns, the first two to the left and the numbers to the right. */
function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells.map((cell, i) => i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
    )
    .join("\n");
}

/** Passed, failed, missing and different cases per tier and category, with sums. */
export function table(results: readonly CaseResult[]): string {
  const rows = [["tier", "group", ...OUTCOMES, "total", "%"]];
  const order = (group: string) => KINDS.findIndex((kind) => group.split("/")[0] === kind);
  const tiers = [...byKey(results, ({ tier }) => tier)].toSorted(([a], [b]) => a.localeCompare(b));
  for (const [tier, inTier] of tiers) {
    const groups = [...byKey(inTier, groupOf)]
      .toSorted(([a], [b]) => order(a) - order(b) || a.localeCompare(b));
    for (const [group, cases] of groups) rows.push(row(tier, group, cases));
    rows.push(row(tier, "all", inTier));
  }
  rows.push(row("all", "all", results));
  return layOut(rows);
}

/** A reason without what differs from case to case: numbers, texts and shapes. */
export function pattern(reason: string): string {
  return reason
    .replace(/"[^"]*"/g, '"…"')
    .replace(/\[[^\]]*\]/g, "[…]")
    .replace(/\b[ogims]\d+\b/g, "·")
    .replace(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/g, "#")
    .slice(0, 160);
}

/** The most frequent reasons of failed or missing cases, each with a case that shows it. */
export function reasons(results: readonly CaseResult[], outcome: "failed" | "missing", most: number): string {
  const group = ({ reason }: CaseResult) => outcome === "failed" ? pattern(reason ?? "") : reason ?? "";
  const groups = [...byKey(results.filter((r) => r.outcome === outcome), group)]
    .toSorted(([, a], [, b]) => b.length - a.length);
  if (groups.length === 0) return "";
  const lines = groups.slice(0, most).map(([text, cases]) =>
    `${String(cases.length).padStart(6)}  ${text}  (${cases[0]!.id})`
  );
  const more = groups.length > most ? [`        and ${groups.length - most} more`] : [];
  return [`most frequent reasons, ${outcome}:`, ...lines, ...more].join("\n");
}

/** How much of PyTorch's messages the library's messages mention: a soft measure. */
export function mentions(results: readonly CaseResult[]): string {
  let [found, of] = [0, 0];
  for (const { notes } of results) {
    found += notes?.mentions?.[0] ?? 0;
    of += notes?.mentions?.[1] ?? 0;
  }
  return of === 0 ? "" : `error messages mention ${found} of ${of} numbers and shapes that PyTorch's mention`;
}
