/**
 * Ends a test run with `N passed, N failed, N skipped`, alone on the last line.
 *
 * @module
 */

import type { Reporter, TestModule } from "vitest/node";

/** Counts tests; a file that did not load and an error outside any test each count as one failure. */
export default class ClosingLine implements Reporter {
  /** Called by vitest when everything has run. */
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "failed") failed++;
        else if (state === "passed" || state === "skipped") count[state]++;
      }
      // A module that failed although no test of it did: it did not load, or a hook outside the tests threw.
      count.failed += failed === 0 && module.state() === "failed" ? 1 : failed;
    }
    const line = `\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    // The default reporter prints its summary in the same hook, perhaps after this one.
    setTimeout(() => console.log(line), 0);
  }
}
