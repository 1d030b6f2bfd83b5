/**
 * Compares Flambeau with values made by PyTorch: `deno task parity --help`.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { baselinePath, updateBaseline } from "./baseline.ts";
import { type Kind, KINDS } from "./fixtures.ts";
import { count, mentions, reasons, table } from "./report.ts";
import { runParity } from "./run.ts";

const HELP = `Runs cases made by PyTorch and compares.

deno task parity [options]

  --fixtures DIR     folder of fixtures (default: tests/fixtures/torch); any folder of that format
  --backend NAME     cpu, reference or webgpu (default: cpu)
  --library MODULE   the module to test instead of the workspace's @flambeau/torch
  --tier LIST        1,2,3 (default: all)
  --kind LIST        ${KINDS.join(",")} (default: all)
  --match TEXT       only cases with this text in their id
  --json FILE        write every case with its outcome
  --reasons N        reasons to print (default: 12)
  --jobs N           processes at a time (default: 2)
  --limit SECONDS    time for one case (default: 20)
  --update           write the cases that passed to the baseline of the backend
  --help             this text

Every form of a case is run. Outcomes: passed, failed (with the first reason), missing (a name that is not offered),
different (listed in tests/parity/differences.ts and explained in docs/differences.md). Exit code 0 when every case
passed or is different.`;

const { values } = parseArgs({
  options: {
    fixtures: { type: "string", default: join(import.meta.dirname!, "../fixtures/torch") },
    backend: { type: "string", default: "cpu" },
    library: { type: "string" },
    tier: { type: "string" },
    kind: { type: "string" },
    match: { type: "string" },
    json: { type: "string" },
    reasons: { type: "string", default: "12" },
    jobs: { type: "string", default: "2" },
    limit: { type: "string", default: "20" },
    update: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** The kinds in a list; `errors` means the programs that must throw, too. */
function kindsOf(list: string): Kind[] {
  return list.split(",").flatMap((name) => {
    if (!(KINDS as readonly string[]).includes(name)) {
      throw new Error(`Cannot select the kind ${name}: it must be one of ${KINDS.join(", ")}`);
    }
    return name === "errors" ? ["errors", "error-programs"] as const : [name as Kind];
  });
}

/** A package as it is, a file as a URL. */
function moduleOf(specifier: string): string {
  return /^[./]/.test(specifier) ? pathToFileURL(resolve(specifier)).href : specifier;
}

async function main(): Promise<number> {
  const fixtures = resolve(values.fixtures);
  const results = await runParity({
    fixtures,
    backend: values.backend,
    ...(values.library !== undefined && { library: moduleOf(values.library) }),
    tiers: values.tier?.split(",") ?? null,
    kinds: values.kind === undefined ? null : kindsOf(values.kind),
    match: values.match ?? null,
    jobs: Number(values.jobs),
    seconds: Number(values.limit),
  });
  const most = Number(values.reasons);
  const parts = [
    table(results),
    reasons(results, "failed", most),
    reasons(results, "missing", most),
    mentions(results),
  ];
  console.log(parts.filter((part) => part !== "").join("\n\n"));
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ backend: values.backend, fixtures, cases: results }, null, 1)}\n`,
    );
  }
  if (values.update) updateBaseline(baselinePath(values.backend), fixtures, results);
  const { failed, missing } = count(results);
  return failed + missing === 0 ? 0 : 1;
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
