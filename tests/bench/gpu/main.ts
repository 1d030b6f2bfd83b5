/**
 * Measures Flambeau on the GPU of this machine, beside jax-js on WebGPU and PyTorch on CUDA where they are.
 *
 * Run: `deno task bench:gpu`. Prints a table: least and median time, what that is in 10⁹ operations or bytes each second, and
 * the share of what the adapter can do at most. Every workload ends in one number, which must agree between the libraries and
 * with Flambeau on the CPU.
 *
 * | option | meaning |
 * | --- | --- |
 * | `--small` | sizes for adapters that compute on the CPU: correctness, and no figures about hardware |
 * | `--groups=memory,products,networks`, `--match=TEXT` | only these |
 * | `--peers=flambeau,jax-js,torch-cuda` | only these libraries; `torch-cpu` is there, too, for comparing numbers |
 * | `--budget=1000` | milliseconds of samples for a workload and library |
 * | `--limit=120` | seconds without a result after which a library is stopped |
 * | `--peak-gflops=N`, `--peak-gbs=N` | what the adapter can do at most, where its name is not known |
 * | `--no-check` | does not compute the numbers to compare with on the CPU |
 * | `--json=FILE`, `--markdown=FILE` | where results go |
 *
 * Without a peak in memory speed, shares are those of what `copy` reached.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Order } from "./harness.ts";
import { peakOf } from "./peaks.ts";
import { type Workload, workloads } from "./workloads.ts";

const HERE = import.meta.dirname!;
const OTHERS = join(HERE, "../peers/others");
const NAMES = ["groups", "match", "peers", "budget", "limit", "peak-gflops", "peak-gbs", "json", "markdown"];

const options: Record<string, string> = { budget: "1000", limit: "120" };
const flags = new Set<string>();
for (const argument of process.argv.slice(2)) {
  const [, name, value] = /^--([\w-]+)(?:=(.*))?$/.exec(argument) ?? [];
  if (value !== undefined && NAMES.includes(name!)) options[name!] = value;
  else if (name === "small" || name === "no-check") flags.add(name);
  else {
    console.error(`Unknown option ${argument}; there are --small, --no-check, --${NAMES.join("=…, --")}=…`);
    process.exit(2);
  }
}
const small = flags.has("small");

interface Cell {
  readonly ms: readonly number[];
  readonly check: number | null;
  readonly note: string | null;
}
interface Peer {
  readonly name: string;
  readonly cmd: readonly string[];
  /** Whether it is here. */
  readonly isHere: () => boolean;
  readonly cells: Map<string, Cell>;
  about: Record<string, unknown>;
}

const deno = process.execPath;
const python = "/usr/bin/python3";
const hasJax = (): boolean => existsSync(join(OTHERS, "node_modules/@jax-js/jax/package.json"));
const peer = (name: string, cmd: readonly string[], isHere: () => boolean): Peer => ({
  name,
  cmd,
  isHere,
  cells: new Map(),
  about: {},
});
const optional = [
  peer("jax-js", [deno, "run", "-A", join(HERE, "jax.ts")], hasJax),
  peer("torch-cuda", [python, join(HERE, "torch_cuda.py"), "--device=cuda"], () => existsSync(python)),
];
const hidden = peer(
  "torch-cpu",
  [python, join(HERE, "torch_cuda.py"), "--device=cpu"],
  () => existsSync(python),
);
const own = peer("flambeau", [deno, "run", "-A", join(HERE, "flambeau.ts"), "--device=webgpu"], () => true);
const cpu = peer("flambeau-cpu", [deno, "run", "-A", join(HERE, "flambeau.ts"), "--device=cpu"], () => true);
const asked = options["peers"]?.split(",");
const peers = asked === undefined
  ? [own, ...optional.filter(({ isHere }) => isHere())]
  : [own, ...optional, hidden].filter(({ name }) => asked.includes(name));

const chosen = workloads(small).filter(({ id, group }) =>
  (options["groups"] === undefined || options["groups"].split(",").includes(group)) &&
  (options["match"] === undefined || id.includes(options["match"]))
);

/** Runs a process that prints `@@{…}`; calls `heard` for each line. Answers why it ended early, or null. */
function listen(
  cmd: readonly string[],
  input: string,
  heard: (line: Record<string, unknown>) => void,
): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(cmd[0]!, cmd.slice(1), {
      cwd: OTHERS,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [text, errors, slow] = ["", "", false];
    let timer = setTimeout(() => {}, 0);
    const arm = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        slow = true;
        child.kill("SIGKILL");
      }, Number(options["limit"]) * 1000);
    };
    arm();
    child.on("error", (error) => errors += String(error));
    child.stdin.on("error", () => {}); // a process may end before it reads
    child.stderr.on("data", (data) => errors = (errors + data).slice(-600));
    child.stdout.on("data", (data) => {
      text += data;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        if (!line.startsWith("@@")) continue;
        arm();
        heard(JSON.parse(line.slice(2)));
      }
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (slow) resolve(`over ${options["limit"]} s`);
      else if (code !== 0) resolve(errors.trim().split("\n").at(-1)?.slice(0, 200) || `exit code ${code}`);
      else resolve(null);
    });
    child.stdin.end(input);
  });
}

/** Libraries that did not start, and why. */
const absent: string[] = [];

/** Lets a library do `list`; goes on behind what stops it. */
async function turn(who: Peer, list: readonly Workload[], checkOnly: boolean): Promise<void> {
  let left = [...list];
  while (left.length > 0) {
    const order: Order = {
      workloads: left,
      budget: Number(options["budget"]),
      batch: small ? 20 : 200,
      checkOnly,
    };
    let started = false;
    const stopped = await listen(who.cmd, JSON.stringify(order), (line) => {
      started = true;
      if (line["about"] !== undefined) who.about = line["about"] as Record<string, unknown>;
      if (typeof line["id"] !== "string") return;
      left = left.filter(({ id }) => id !== line["id"]);
      who.cells.set(line["id"], {
        ms: (line["ms"] ?? []) as number[],
        check: (line["check"] ?? null) as number | null,
        note: (line["note"] ?? null) as string | null,
      });
    });
    if (left.length === 0) return;
    const note = stopped ?? "ended early";
    if (!started) {
      absent.push(`${who.name}: ${note}`);
      return;
    }
    who.cells.set(left[0]!.id, { ms: [], check: null, note: `stopped: ${note}` });
    left = left.slice(1);
  }
}

/** Training steps of jax-js, which has its own models beside the other measurements; at full size only. */
async function jaxTraining(who: Peer): Promise<void> {
  const names: Record<string, string> = { train_cnn: "train CNN", train_gpt: "train GPT" };
  const ids = Object.keys(names).filter((id) => chosen.some((workload) => workload.id === names[id]));
  if (small || ids.length === 0) return;
  const cmd = [deno, "run", "-A", join(OTHERS, "jax.mjs"), "--backend=webgpu", `--ids=${ids}`];
  await listen([...cmd, `--budget=${options["budget"]}`], "", (line) => {
    const id = names[line["id"] as string];
    if (id === undefined) return;
    const note = (line["unsupported"] ?? null) as string | null;
    who.cells.set(id, { ms: (line["ms"] ?? []) as number[], check: (line["check"] ?? null) as number, note });
  });
}

const least = (list: readonly number[]): number => Math.min(...list);
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const shown = (x: number): string =>
  x >= 1000 ? x.toFixed(0) : x >= 100 ? x.toFixed(1) : x >= 1 ? x.toFixed(2) : x.toFixed(4);

/** What a time is in the measure of its workload. */
function rate({ flops, bytes, unit }: Workload, ms: number): string {
  if (flops > 0) return `${shown(flops / ms / 1e6)} GFLOP/s`;
  if (bytes > 0) return `${shown(bytes / ms / 1e6)} GB/s`;
  return `${shown(1000 / ms)} ${unit}/s`;
}

for (const who of peers) {
  console.error(`${who.name} …`);
  await turn(who, chosen, false);
  if (who.name === "jax-js") await jaxTraining(who);
}
if (!flags.has("no-check")) {
  console.error("numbers to compare with, on the CPU …");
  await turn(cpu, chosen, true);
}

const adapter = String(own.about["adapter"] ?? "unknown");
const isSoftware = own.about["isFallback"] === true;
const known = isSoftware ? null : peakOf(adapter);
const copy = chosen.find(({ id }) => id === "copy");
const copied = copy === undefined ? undefined : own.cells.get("copy")?.ms;
const peakGflops = Number(options["peak-gflops"] ?? known?.gflops ?? NaN);
const peakGbs = Number(
  options["peak-gbs"] ?? known?.gbs ??
    (!isSoftware && copied?.length ? copy!.bytes / least(copied) / 1e6 : NaN),
);

/** The share of the peak, as text. */
function share({ flops, bytes }: Workload, ms: number): string {
  const of = flops > 0 ? flops / ms / 1e6 / peakGflops : bytes > 0 ? bytes / ms / 1e6 / peakGbs : NaN;
  return Number.isFinite(of) ? `${(of * 100).toFixed(0)} %` : "–";
}

/** Libraries that started. */
const shownPeers = peers.filter(({ cells }) => cells.size > 0);
const notes: string[] = [...absent];
let wrong = 0;
const rows = chosen.map((workload) => {
  const { id } = workload;
  const row = [id];
  const checks: [string, number][] = [];
  const mine = own.cells.get(id)?.ms ?? [];
  for (const who of [...shownPeers, cpu]) {
    const cell = who.cells.get(id);
    if (cell?.check != null) checks.push([who.name, cell.check]);
    if (who === cpu) {
      if (cell?.note != null) notes.push(`${id}, ${who.name}: ${cell.note}`);
      continue;
    }
    const { ms = [], note = null } = cell ?? {};
    row.push(ms.length === 0 ? "–" : `${shown(least(ms))} / ${shown(median(ms))}`);
    row.push(ms.length === 0 ? "–" : rate(workload, least(ms)));
    row.push(ms.length === 0 ? "–" : share(workload, least(ms)));
    if (who !== own) {
      row.push(ms.length === 0 || mine.length === 0 ? "–" : `${(least(ms) / least(mine)).toFixed(2)}×`);
    }
    if (note !== null && note !== "not offered") notes.push(`${id}, ${who.name}: ${note}`);
  }
  const base = checks.find(([name]) => name === "flambeau-cpu")?.[1] ??
    median(checks.map(([, value]) => value));
  for (const [name, value] of checks) {
    if (Math.abs(value - base) <= 2e-3 * Math.abs(base) + 1e-6) continue;
    wrong++;
    notes.push(`${id}: **${name} computes ${value}, where ${base} is expected**`);
  }
  if (checks.length < 2 && mine.length > 0) notes.push(`${id}: nothing to compare with`);
  return row;
});

const head = ["workload"];
for (const who of shownPeers) {
  head.push(`${who.name}: ms`, "rate", "of peak");
  if (who !== own) head.push("flambeau is");
}
const engine = (globalThis as { Deno?: { version: { deno: string } } }).Deno?.version.deno;
const packages = JSON.parse(readFileSync(join(OTHERS, "package.json"), "utf8")).dependencies;
const versions = shownPeers.map(({ name, about }) =>
  name === "jax-js"
    ? `jax-js ${packages["@jax-js/jax"]}`
    : about["version"] === undefined
    ? name
    : `${name} ${about["version"]}`
).join(", ");
const peakText = [
  Number.isFinite(peakGflops) ? `${peakGflops} GFLOP/s (float32, no tensor cores)` : "operations: not known",
  Number.isFinite(peakGbs)
    ? `${shown(peakGbs)} GB/s${
      options["peak-gbs"] === undefined && known === null ? " (what copy reached)" : ""
    }`
    : "memory: not known",
].join(", ");
const lines = [
  `Measured ${
    new Date().toISOString().slice(0, 10)
  } on ${adapter}, Deno ${engine}: ${versions}. Peak: ${peakText}.`,
  "",
  ...(isSoftware
    ? [
      "**This adapter computes on the CPU: the times say nothing about hardware, only that everything runs.**",
      "",
    ]
    : []),
  "Least / median time of one turn in ms, over batches of turns with one wait each. Gradients of convolutions are those for " +
  "the input and for the weight. Decoding computes the whole window for each token and reads it. `–`: not offered or failed.",
  "",
  `| ${head.join(" | ")} |`,
  `| ${head.map(() => "---").join(" | ")} |`,
  ...rows.map((row) => `| ${row.join(" | ")} |`),
  "",
  ...notes.map((note) => `- ${note}`),
  ...(notes.length > 0 ? [""] : []),
  wrong === 0 ? "All numbers agree." : `${wrong} numbers do not agree.`,
];
console.log(lines.join("\n"));
if (options["markdown"] !== undefined) {
  writeFileSync(
    options["markdown"],
    ["# GPU benchmarks", "", "Made by `deno task bench:gpu`.", "", ...lines, ""].join("\n"),
  );
}
if (options["json"] !== undefined) {
  const results = Object.fromEntries([...peers, cpu].map(({ name, cells }) => [
    name,
    Object.fromEntries([...cells].map(([id, { ms, check, note }]) => [id, {
      least: ms.length === 0 ? null : least(ms),
      median: ms.length === 0 ? null : median(ms),
      samples: ms.length,
      check,
      note,
    }])),
  ]));
  const facts = { when: new Date().toISOString(), adapter, isSoftware, small, peakGflops, peakGbs };
  writeFileSync(options["json"], JSON.stringify({ ...facts, workloads: chosen, results }, null, 1));
}
process.exit(wrong === 0 ? 0 : 1);
