/**
 * No case that passed before may fail now: tiers 1 and 2 on the backends that this machine has.
 *
 * After a change that makes more cases pass: `deno task parity --backend NAME --update`.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isWebGpuAvailable } from "@flambeau/kernels-webgpu";
import { describe, expect, test } from "vitest";
import { baselinePath, readBaseline, regressions } from "./baseline.ts";
import { differences } from "./differences.ts";
import { Fixture, readIndex } from "./fixtures.ts";
import { fits } from "./outcome.ts";
import { runParity } from "./run.ts";

const root = join(import.meta.dirname!, "../..");
const fixtures = join(root, "tests/fixtures/torch");

const backends = ["cpu", "reference", ...(await isWebGpuAvailable() ? ["webgpu"] : [])];

describe.each(backends)("parity on %s", (backend) => {
  test.runIf(existsSync(baselinePath(backend)))(
    "no case that passed before fails",
    { timeout: 600_000 },
    async () => {
      const results = await runParity({
        fixtures,
        backend,
        tiers: ["1", "2"],
        kinds: null,
        match: null,
        jobs: 2,
        seconds: 30,
      });
      const lost = regressions(readBaseline(baselinePath(backend), fixtures), results);
      expect(lost.map(({ file, id, reason }) => `${file} ${id}: ${reason}`)).toEqual([]);
    },
  );
});

test("accepted differences: each is explained, and every pattern fits a case", () => {
  const headings = readFileSync(join(root, "docs/differences.md"), "utf8").matchAll(/^#+ (.+)$/gm);
  const anchors = [...headings].map(([, text]) =>
    text!.toLowerCase().replace(/[^\w\s-]/g, "").replace(/\s/g, "-")
  );
  const cases = readIndex(fixtures).files.flatMap(({ file, kind }) =>
    new Fixture(fixtures, file).cases.map(({ id }) => ({ kind, id }))
  );
  for (const { see, kind, id } of differences) {
    expect(anchors).toContain(see);
    for (const pattern of id) {
      expect(cases.some((c) => c.kind === kind && fits(pattern, c.id)), pattern).toBe(true);
    }
  }
});
