import { expect, test } from "vitest";
import type { CaseResult } from "./outcome.ts";
import { count, mentions, pattern, reasons, table } from "./report.ts";

const of = (outcome: CaseResult["outcome"], more: Partial<CaseResult> = {}): CaseResult => (
  { file: "f.json", kind: "ops", id: "x", tier: "1", category: "unary", outcome, ms: 1, ...more }
);
const results = [
  of("passed"),
  of("passed", { category: "binary" }),
  of("failed", { reason: "o0[3]: must be 1.5, got 2", id: "a" }),
  of("failed", { reason: "o1[7]: must be -3e-7, got NaN", id: "b" }),
  of("missing", { tier: "2", reason: "torch.x1 is not offered" }),
  of("different", { kind: "modules", category: "loss" }),
];

test("count: by outcome", () => {
  expect(count(results)).toEqual({ passed: 2, failed: 2, missing: 1, different: 1 });
});

test("table: a row per tier and group, sums, shares", () => {
  expect(table(results).split("\n").map((line) => line.trim().split(/\s+/).join(" "))).toEqual([
    "tier group passed failed missing different total %",
    "1 ops/binary 1 0 0 0 1 100.0",
    "1 ops/unary 1 2 0 0 3 33.3",
    "1 modules/loss 0 0 0 1 1 0.0",
    "1 all 2 2 0 1 5 40.0",
    "2 ops/unary 0 0 1 0 1 0.0",
    "2 all 0 0 1 0 1 0.0",
    "all all 2 2 1 1 6 33.3",
  ]);
});

test("pattern: leaves out what differs from case to case", () => {
  expect(pattern('o0[3]: must be 1.5, got "x" of float32[2, 3]')).toBe(
    '·[…]: must be #, got "…" of float#[…]',
  );
});

test("reasons: the most frequent first, with a case that shows it", () => {
  expect(reasons(results, "failed", 1)).toContain("1  ·[…]: must be #, got #  (a)");
  expect(reasons(results, "failed", 1)).toContain("and 1 more");
  expect(reasons(results, "missing", 9)).toContain("1  torch.x1 is not offered  (x)");
  expect(reasons([], "failed", 9)).toBe("");
});

test("mentions: sums over the cases that have the measure", () => {
  const noted = [
    of("passed", { notes: { mentions: [1, 2] } }),
    of("passed", { notes: { mentions: [2, 2] } }),
    ...results,
  ];
  expect(mentions(noted)).toContain("3 of 4");
});
