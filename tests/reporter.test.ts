import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TestModule } from "vitest/node";
import ClosingLine from "./reporter.ts";

type State = "passed" | "failed" | "skipped";

function file(state: State, tests: readonly State[]): TestModule {
  const allTests = () => tests.map((each) => ({ result: () => ({ state: each }) }));
  return { state: () => state, children: { allTests } } as unknown as TestModule;
}

function closingLine(modules: readonly TestModule[], errors: readonly unknown[] = []): string {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  new ClosingLine().onTestRunEnd(modules, errors);
  vi.runAllTimers();
  expect(log).toHaveBeenCalledTimes(1);
  return String(log.mock.calls[0]![0]);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("ClosingLine: counts the tests of all files", () => {
  expect(closingLine([file("failed", ["passed", "failed", "skipped"]), file("passed", ["passed"])]))
    .toBe("\n2 passed, 1 failed, 1 skipped");
});

test("ClosingLine: a file that did not load is a failure", () => {
  expect(closingLine([file("failed", [])])).toBe("\n0 passed, 1 failed, 0 skipped");
});

test("ClosingLine: a file that failed outside its tests is a failure", () => {
  expect(closingLine([file("failed", ["passed"])])).toBe("\n1 passed, 1 failed, 0 skipped");
});

test("ClosingLine: an error outside any file is a failure", () => {
  expect(closingLine([file("passed", ["passed"])], [new Error("late")])).toBe(
    "\n1 passed, 1 failed, 0 skipped",
  );
});
