import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

/** What vitest's report says of a file. */
interface FileResult {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

const folder = import.meta.dirname!;
const temporary = mkdtempSync(join(tmpdir(), "leaks-"));
afterAll(() => rmSync(temporary, { recursive: true }));

/** Runs vitest over the fixtures of this folder. */
async function runFixtures(): Promise<readonly FileResult[]> {
  const output = join(temporary, "report.json");
  const config = join(folder, "vitest.config.ts");
  const child = spawn(
    process.execPath,
    ["run", "-A", "npm:vitest", "run", "--config", config, "--outputFile", output],
    { cwd: join(folder, "..", ".."), stdio: "ignore" },
  );
  await new Promise((resolve) => child.on("close", resolve));
  return (JSON.parse(readFileSync(output, "utf8")) as { testResults: FileResult[] }).testResults;
}

test(
  "a file that holds on to tensors fails although its tests pass, one that drops them does not",
  async () => {
    const files = await runFixtures();
    const leaky = files.find(({ name }) => name.endsWith("leaky.fixture.ts"))!;
    const clean = files.find(({ name }) => name.endsWith("clean.fixture.ts"))!;
    expect(leaky.assertionResults).toMatchObject([{ status: "passed" }]);
    expect(leaky.status).toBe("failed");
    expect(leaky.message).toContain("got 120000 in 3 tensors: 3 × float32[100, 100] (117.2 KiB)");
    expect(clean).toMatchObject({ status: "passed", assertionResults: [{ status: "passed" }] });
  },
  60_000,
);
