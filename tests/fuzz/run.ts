/**
 * Runs random programs on every device and lists where they differ from PyTorch.
 *
 * `deno run -A tests/fuzz/run.ts --seed N --count M` asks PyTorch (`/usr/bin/python3`) for new programs. README.md has the
 * other options.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import * as torch from "@flambeau/torch";
import { collectGarbage } from "../../packages/testing/src/leaks.ts";
import { liveAllocations } from "../../packages/tensor/src/memory.ts";
import { checks, runProgram } from "./machine.ts";
import { runNetwork } from "./network.ts";
import type { Program, Step } from "./program.ts";

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

function programs(): Program[] {
  const file = option("file");
  if (file !== undefined) return JSON.parse(readFileSync(file, "utf8"));
  const only = option("only");
  const text = execFileSync("/usr/bin/python3", [
    new URL("./generate.py", import.meta.url).pathname,
    ...["--seed", option("seed") ?? "0", "--count", option("count") ?? "100"],
    ...(only === undefined ? [] : ["--only", only]),
  ], { maxBuffer: 2 ** 30, encoding: "utf8" });
  return JSON.parse(text);
}

/** A step in a line. */
function line(step: Step): string {
  const { do: kind, facts: _, message, ...rest } = step;
  if (rest.steps !== undefined) {
    return `${kind}\n${rest.steps.map((inner) => `        ${line(inner)}`).join("\n")}`;
  }
  return `${kind} ${JSON.stringify(rest)}${message === undefined ? "" : `  # ${message}`}`;
}

/** The message of a program's failure, or null where it has none. */
async function failure(program: Program): Promise<string | null> {
  try {
    if (program.network === undefined) await runProgram(program);
    else await runNetwork(program.network);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Bytes of tensors that live after a collection. What has rank 0 is left out: the library keeps such constants. */
async function liveBytes(): Promise<number> {
  await collectGarbage();
  let bytes = 0;
  for (const allocation of liveAllocations()) if (allocation.shape.length > 0) bytes += allocation.bytes;
  return bytes;
}

/** Failures that differ only in names and numbers are taken for one. */
function kindOf(text: string): string {
  return text.replace(/step \d+|\bx\d+|-?\d+(\.\d+)?(e-?\d+)?|-?Infinity|NaN/g, "#").replace(/\(#.*/, "")
    .slice(0, 150);
}

/** The shortest program with the same failure that taking out steps leads to. */
async function shrink(program: Program): Promise<Program> {
  let best = program;
  const kind = kindOf((await failure(program))!);
  search: for (let width = Math.ceil(best.steps.length / 3);; width = Math.ceil(width / 2)) {
    const candidates = best.steps.map((_, i) => ({
      ...best,
      steps: best.steps.filter((_, k) => k < i || k >= i + width),
    })).reverse();
    const text = execFileSync("/usr/bin/python3", [
      new URL("./generate.py", import.meta.url).pathname,
      "--replay",
    ], { maxBuffer: 2 ** 30, encoding: "utf8", input: JSON.stringify(candidates) });
    for (const candidate of JSON.parse(text) as (Program | null)[]) {
      if (candidate === null || candidate.steps.length === best.steps.length) continue;
      const again = await failure(candidate);
      if (again !== null && kindOf(again) === kind) {
        best = candidate;
        width *= 2;
        continue search;
      }
    }
    if (width === 1) return best;
  }
}

const process = (globalThis as unknown as { process: { argv: string[]; exit(code: number): void } }).process;
const memory = process.argv.includes("--memory");
checks.names = !process.argv.includes("--no-names");
const all = programs();
const failures = new Map<string, { readonly program: Program; readonly text: string }[]>();
const bad = new Set<Program>();
let failed = 0;
for (const device of (option("device") ?? "cpu,reference").split(",")) {
  torch.setDefaultDevice(device);
  for (const program of all) {
    const before = memory ? await liveBytes() : 0;
    let text = await failure(program);
    if (text === null && memory) {
      const left = await liveBytes() - before;
      if (left > 0) text = `leaves ${left} bytes behind`;
    }
    if (text === null) continue;
    failed++;
    bad.add(program);
    const lines = failures.get(kindOf(text)) ?? [];
    failures.set(kindOf(text), lines);
    lines.push({ program, text: `${device} ${program.id}: ${text}` });
  }
}
for (const [, found] of [...failures].sort((a, b) => b[1].length - a[1].length)) {
  const shortest = found.reduce((a, b) => b.program.steps.length < a.program.steps.length ? b : a);
  console.log(`${found.length} × ${shortest.text.slice(0, 400)}`);
  if (!process.argv.includes("--show")) continue;
  const { network } = shortest.program;
  if (network !== undefined) {
    console.log(`      ${JSON.stringify([network.rows, network.optimizer, network.groups])}`);
    console.log(`      ${JSON.stringify(network.steps.map((step) => [step.event, step.train]))}`);
    continue;
  }
  const short = process.argv.includes("--shrink") ? await shrink(shortest.program) : shortest.program;
  short.steps.forEach((step, i) => console.log(`      ${i} ${line(step)}`));
}
const keep = option("keep");
if (keep !== undefined) {
  const lines = all.filter((program) => !bad.has(program)).map((program) => JSON.stringify(program));
  writeFileSync(keep, `[\n${lines.join(",\n")}\n]\n`);
}
console.log(`${all.length} programs, ${failed} failures`);
if (failed > 0) process.exit(1);
