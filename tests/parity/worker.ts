/**
 * The process that runs cases: jobs come as lines on stdin, results go as marked lines to stdout.
 *
 * It says which case it begins before it begins it, so that whoever waits can name one that hangs or ends the process.
 *
 * @module
 */

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Context } from "./context.ts";
import { type Case, Fixture, type IndexRow, readIndex } from "./fixtures.ts";
import { RUNNERS } from "./kinds/all.ts";
import { Library } from "./library.ts";
import { runCase } from "./outcome.ts";
import type { CaseResult } from "./outcome.ts";

/** What to run: the cases of a file from number `from`, of these tiers and with this text in the id. */
export interface Job {
  readonly row: IndexRow;
  readonly from: number;
  readonly tiers: readonly string[] | null;
  readonly match: string | null;
}

/** What a case is, before its outcome. */
export type CaseLabel = Pick<CaseResult, "file" | "kind" | "id" | "tier" | "category">;

/** A line of the worker. */
export type Message =
  | { readonly type: "ready" }
  | { readonly type: "fatal"; readonly message: string }
  | { readonly type: "start"; readonly index: number; readonly label: CaseLabel }
  | { readonly type: "result"; readonly result: CaseResult }
  | { readonly type: "end" };

/** Marks the worker's own lines among whatever the library prints. */
export const MARK = "\u001e";

/** Factor on all tolerances, one number for a backend: WGSL leaves sin, exp and pow some freedom. */
const FACTORS: Readonly<Record<string, number>> = { cpu: 1, reference: 1, webgpu: 1 };

/** Cases between two turns of the event loop, in which the library may free what was dropped. */
const CASES_PER_TURN = 25;

function send(message: Message): void {
  writeSync(1, `${MARK}${JSON.stringify(message)}\n`);
}

/** What a case is called in reports. */
export function labelOf({ file, kind }: IndexRow, { id, tier, category }: Case): CaseLabel {
  return { file, kind, id, tier: tier ?? "-", category: category ?? kind };
}

async function runJob(
  root: string,
  base: Omit<Context, "fixture">,
  { row, from, tiers, match }: Job,
): Promise<void> {
  const context: Context = { ...base, fixture: new Fixture(root, row.file) };
  for (const [index, testCase] of context.fixture.cases.entries()) {
    const label = labelOf(row, testCase);
    if (index < from || (tiers !== null && !tiers.includes(label.tier))) continue;
    if (match !== null && !label.id.includes(match)) continue;
    send({ type: "start", index, label });
    const result = await runCase(RUNNERS[row.kind], context, testCase);
    send({ type: "result", result: { ...label, ...result } });
    if (index % CASES_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  send({ type: "end" });
}

async function main([root, backend, module]: readonly string[]): Promise<void> {
  const library = new Library(module === undefined ? await import("@flambeau/torch") : await import(module));
  // Before there is a library there are no devices; its cases are then reported as missing.
  if (typeof (library.torch as Record<string, unknown>)["setDefaultDevice"] === "function") {
    if (backend === "webgpu" && await library.call("enableWebGpu") !== true) {
      throw new Error("Cannot run on webgpu: this runtime has no WebGPU adapter");
    }
    await library.call("setDefaultDevice", backend);
  }
  const base = { library, tolerance: readIndex(root!).tolerance, factor: FACTORS[backend!] ?? 1 };
  send({ type: "ready" });
  for await (const line of createInterface({ input: process.stdin })) {
    await runJob(root!, base, JSON.parse(line) as Job);
  }
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    send({ type: "fatal", message: error instanceof Error ? error.stack ?? error.message : String(error) });
    process.exitCode = 1;
  }
}
