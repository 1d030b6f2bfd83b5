import { expect, test } from "vitest";
import { Mismatch } from "./compare.ts";
import type { Context } from "./context.ts";
import type { Difference } from "./differences.ts";
import { Missing } from "./names.ts";
import { type CaseResult, fits, runCase, settle } from "./outcome.ts";

const result = (
  outcome: CaseResult["outcome"],
  reason = "o0: dtype must be float32, got int32",
): CaseResult => (
  { file: "f.json", kind: "ops", id: "add/int32/h03", tier: "1", category: "binary", outcome, reason, ms: 1 }
);
const listed: Difference = {
  see: "numbers",
  kind: "ops",
  id: ["add/int32/*"],
  shows: /dtype must be float32/,
};
const run = (f: () => never) => runCase(f, {} as Context, { id: "x" });

test("runCase: a case passes, fails, or is missing", async () => {
  expect((await runCase(() => Promise.resolve(), {} as Context, { id: "x" })).outcome).toBe("passed");
  expect(
    await run(() => {
      throw new Mismatch("o0: no");
    }),
  ).toMatchObject({ outcome: "failed", reason: "o0: no" });
  expect(
    await run(() => {
      throw new TypeError("x is not a function\nmore");
    }),
  ).toMatchObject({ outcome: "failed", reason: "threw TypeError: x is not a function" });
  expect(
    await run(() => {
      throw new Missing("torch.add");
    }),
  ).toMatchObject({ outcome: "missing", reason: "torch.add is not offered" });
});

test("fits: a star stands for any text, everything else for itself", () => {
  expect(fits("add/*/h03", "add/int32/h03")).toBe(true);
  expect(fits("add/*", "xadd/int32")).toBe(false);
  expect(fits("a.b", "aXb")).toBe(false);
});

test("settle: an accepted difference that shows itself is different", () => {
  expect(settle(result("failed"), [listed]).outcome).toBe("different");
});

test("settle: another failure of a listed case stays a failure", () => {
  expect(settle(result("failed", "threw TypeError: x"), [listed]).outcome).toBe("failed");
});

test("settle: a listed case that passes has failed", () => {
  expect(settle(result("passed"), [listed])).toMatchObject({
    outcome: "failed",
    reason: "it passes, but is listed as an accepted difference",
  });
});

test("settle: what is not listed stays as it is", () => {
  for (const outcome of ["passed", "failed", "missing"] as const) {
    expect(settle(result(outcome), [{ ...listed, id: ["sub/*"] }]).outcome).toBe(outcome);
    expect(settle(result(outcome), [{ ...listed, kind: "errors" }]).outcome).toBe(outcome);
  }
});
