/**
 * Measures the float32 functions of the CPU device on all bit patterns, or every n-th, against float64.
 *
 * Run: `deno task accuracy [--functions=exp,log] [--stride=61] [--build=simd] [--processes=2] [--write]`. All 2³² inputs of
 * one function take two to four minutes. `--write` puts what was measured into the table of docs/internals/accuracy.md.
 * It fails when a bound is exceeded.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join as joinPath } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createWasmBackend, type WasmBuild } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { functions, type MeasuredFunction } from "./functions.ts";
import { type Accuracy, join, measure } from "./measure.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const PAGE = joinPath(HERE, "../../docs/internals/accuracy.md");
const options = new Map(
  process.argv.slice(2).map((argument) => {
    const [, name, value] = /^--(\w+)(?:=(.*))?$/.exec(argument) ?? [];
    return [name ?? "", value ?? ""] as const;
  }),
);
const stride = Number(options.get("stride") ?? 61);
const processes = Number(options.get("processes") ?? 2);
const builds = (options.get("build")?.split(",") ?? ["relaxed", "simd"]) as WasmBuild[];
const wanted = options.get("functions")?.split(",");
const chosen = functions.filter(({ name }) => wanted === undefined || wanted.includes(name));

/** A sweep shared among processes. */
async function sweep(build: WasmBuild, { name }: MeasuredFunction): Promise<Accuracy> {
  const parts = await Promise.all(
    Array.from({ length: processes }, (_, part) =>
      promisify(execFile)(process.execPath, [
        ...["run", "-A", fileURLToPath(import.meta.url), `--functions=${name}`, `--stride=${stride}`],
        ...[`--build=${build}`, `--part=${part}`, `--processes=${processes}`],
      ])),
  );
  return parts.map(({ stdout }) => JSON.parse(stdout, revive) as Accuracy).reduce(join);
}

/** JSON has no infinities. */
function revive(_: string, value: unknown): unknown {
  return value === "Infinity" || value === "-Infinity" || value === "NaN" ? Number(value) : value;
}

if (options.has("part")) {
  const device = createWasmBackend({ fallback: hostKernels, build: builds[0]!, threads: 0 });
  const found = measure(device, chosen[0]!, stride, Number(options.get("part")), processes);
  console.log(
    JSON.stringify(
      found,
      (_, value) => typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    ),
  );
  process.exit(0);
}

const HEAD = [
  "| function | build | inputs | largest error, ulp | at | nearest float32 | wrong NaN, ∞, −0 |",
  "| --- | --- | --- | --- | --- | --- | --- |",
];
for (const line of HEAD) console.log(line);
/** Rows of the table by function and build. */
const measured = new Map<string, string>();
let failed = false;
for (const fn of chosen) {
  for (const build of builds) {
    const { worst, at, count, nearest, wrong, wrongAt } = await sweep(build, fn);
    const share = Math.floor(1000 * nearest / count) / 10;
    const row = `| ${fn.name} | ${build} | ${count} | ${worst.toFixed(3)} | ${
      worst === 0 ? "" : at
    } | ${share} % | ${wrong === 0 ? "none" : `${wrong}, such as ${wrongAt}`} |`;
    console.log(row);
    measured.set(`${fn.name} ${build}`, row);
    if (worst > fn.bound || wrong > 0) failed = true;
  }
}
if (options.has("write")) write();

/** Puts what was measured into the page, and leaves the other rows of its table. */
function write(): void {
  const MARK = "<!-- measured -->";
  const [head, table] = readFileSync(PAGE, "utf8").split(MARK) as [string, string];
  const rows = new Map<string, string>(
    table.split("\n").filter((line) => /^\|.*\b(relaxed|simd)\b/.test(line)).map((line) => {
      const [, name, build] = line.split("|").map((cell) => cell.trim());
      return [`${name} ${build}`, line] as const;
    }),
  );
  for (const [key, row] of measured) rows.set(key, row);
  const ordered = functions.flatMap(({ name }) =>
    ["relaxed", "simd"].map((build) => rows.get(`${name} ${build}`))
  )
    .filter((row) => row !== undefined);
  writeFileSync(PAGE, `${head}${MARK}\n\n${[...HEAD, ...ordered].join("\n")}\n`);
}
process.exit(failed ? 1 : 0);
