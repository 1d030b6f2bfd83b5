/**
 * Compares Flambeau with the libraries that a user would pick instead, on one fixed set of workloads.
 *
 * Every library is a process of its own that takes turns with the others on each group of workloads; the order rotates
 * from round to round, so that other work on the machine hits all alike. Cells are the least and the median of all samples.
 * Every workload ends in one number that must agree between the libraries.
 *
 * Run: `npm install --ignore-scripts` in `tests/bench/peers/others` once, then `deno task bench:peers`.
 *
 * | option | meaning |
 * | --- | --- |
 * | `--groups=matmul,train`, `--ids=mm_512`, `--peers=flambeau-1t,torch-1t` | only these |
 * | `--rounds=3`, `--budget=300` | turns of each library, and ms of samples for a workload and turn |
 * | `--limit=60` | seconds without a result after which a library is stopped; the workload is noted |
 * | `--json=FILE`, `--markdown=FILE` | where results go |
 * | `--from=FILE` | nothing is run: the page is made of the JSON of an earlier run |
 * | `--profile=FILE` | Markdown of `tests/bench/profile.ts`, put at the end of the page |
 *
 * @module
 */

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";

interface Peer {
  readonly name: string;
  readonly cmd: readonly string[];
}
interface Workload {
  readonly id: string;
  readonly kind: string;
  readonly [size: string]: string | number;
}
interface Cell {
  ms: number[];
  check: number | null;
  note: string | null;
}

const HERE = import.meta.dirname!;
const OTHERS = join(HERE, "others");
const options: Record<string, string> = {
  ...{
    rounds: "3",
    budget: "300",
    limit: "60",
    groups: "",
    ids: "",
    peers: "",
    json: "",
    markdown: "",
    from: "",
    profile: "",
  },
};
for (const argument of process.argv.slice(2)) {
  const match = /^--(\w+)=(.*)$/.exec(argument);
  if (match === null || !(match[1]! in options)) {
    console.error(`Unknown option ${argument}; there are ${Object.keys(options).join(", ")}`);
    process.exit(2);
  }
  options[match[1]!] = match[2]!;
}
const listed = (name: string): string[] => options[name] === "" ? [] : options[name]!.split(",");

const groups = (JSON.parse(readFileSync(join(OTHERS, "workloads.json"), "utf8")) as {
  groups: Record<string, Workload[]>;
}).groups;
const peers = (JSON.parse(readFileSync(join(OTHERS, "peers.json"), "utf8")) as Peer[])
  .filter((peer) => options.peers === "" || listed("peers").includes(peer.name));
const chosen = Object.entries(groups)
  .filter(([name]) => options.groups === "" || listed("groups").includes(name))
  .map(([name, list]) =>
    [name, list.filter(({ id }) => options.ids === "" || listed("ids").includes(id))] as const
  )
  .filter(([, list]) => list.length > 0);

const cells = new Map<string, Cell>();
function cellOf(peer: Peer, id: string): Cell {
  const key = `${peer.name} ${id}`;
  let cell = cells.get(key);
  if (cell === undefined) cells.set(key, cell = { ms: [], check: null, note: null });
  return cell;
}

/** Runs a peer over `ids`; answers those that are left when it stopped. */
function turn(peer: Peer, ids: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const names: Record<string, string> = { $DENO: process.execPath, $PYTHON: "/usr/bin/python3" };
    const [file, ...args] = [...peer.cmd, `--ids=${ids.join(",")}`, `--budget=${options.budget}`]
      .map((part) => names[part] ?? part);
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(file!, args, { cwd: OTHERS, env, stdio: ["ignore", "pipe", "pipe"] });
    let [text, errors, left, slow] = ["", "", [...ids], false];
    let timer = setTimeout(() => {}, 0);
    const arm = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        slow = true;
        child.kill("SIGKILL");
      }, Number(options.limit) * 1000);
    };
    arm();
    child.on("error", (error) => errors += String(error));
    child.stderr.on("data", (data) => errors = (errors + data).slice(-400));
    child.stdout.on("data", (data) => {
      text += data;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        if (!line.startsWith("@@")) continue;
        const result = JSON.parse(line.slice(2)) as {
          id?: string;
          ms: number[];
          check: number;
          unsupported?: string;
          library?: string;
        };
        if (result.library !== undefined && !facts.libraries.includes(result.library)) {
          facts.libraries.push(result.library);
        }
        if (result.id === undefined) continue;
        arm();
        left = left.filter((id) => id !== result.id);
        const cell = cellOf(peer, result.id);
        if (result.unsupported !== undefined) cell.note = result.unsupported;
        else {
          cell.ms.push(...result.ms);
          cell.check = result.check;
        }
      }
    });
    child.on("close", () => {
      clearTimeout(timer);
      if (left.length > 0) {
        const reason = errors.trim().split("\n").at(-1)?.slice(0, 160) ?? "";
        cellOf(peer, left[0]!).note = slow ? `over ${options.limit} s` : `stopped: ${reason}`;
      }
      resolve(left.slice(1));
    });
  });
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const shown = (ms: number): string =>
  ms >= 1000
    ? ms.toFixed(0)
    : ms >= 100
    ? ms.toFixed(1)
    : ms >= 1
    ? ms.toFixed(2)
    : ms >= 0.01
    ? ms.toFixed(3)
    : ms.toFixed(5);
const isOwn = (peer: Peer): boolean => peer.name.startsWith("flambeau");
const isJs = (peer: Peer): boolean => !peer.name.startsWith("torch");
const threadsOf = (peer: Peer): string => /-(\d)t$/.exec(peer.name)?.[1] ?? "1";
const leastOf = (peer: Peer, id: string): number => Math.min(...cellOf(peer, id).ms);

/** The fastest other JavaScript library with so many threads or fewer. */
function rival(id: string, threads: string): { name: string; ms: number } | null {
  let best: { name: string; ms: number } | null = null;
  for (const peer of peers) {
    if (isOwn(peer) || !isJs(peer) || threadsOf(peer) > threads || cellOf(peer, id).ms.length === 0) continue;
    const ms = leastOf(peer, id);
    if (best === null || ms < best.ms) best = { name: peer.name, ms };
  }
  return best;
}

/** How Flambeau with so many threads stands against its rival. */
function verdict(id: string, threads: string): string {
  const own = peers.find((peer) => isOwn(peer) && threadsOf(peer) === threads);
  if (own === undefined || cellOf(own, id).ms.length === 0) return "–";
  const best = rival(id, threads);
  if (best === null) return "alone";
  const ratio = best.ms / leastOf(own, id);
  return `${ratio >= 1 ? "wins" : "**loses**"} ${ratio.toFixed(2)}×`;
}

/** Prints the table of what is known so far, and writes the files that were asked for. */
function report(rounds: number): void {
  const head = ["workload", ...peers.map(({ name }) => name), "1 thread", "2 threads"];
  const table: string[][] = [];
  const notes: string[] = [];
  for (const [, list] of chosen) {
    for (const { id } of list) {
      const row = [id];
      const checks: [string, number][] = [];
      for (const peer of peers) {
        const { ms, check, note } = cellOf(peer, id);
        row.push(ms.length === 0 ? "–" : `${shown(Math.min(...ms))} / ${shown(median(ms))}`);
        if (ms.length === 0 && note !== null && !note.startsWith("no adapter")) {
          notes.push(`${id}, ${peer.name}: ${note}`);
        }
        if (ms.length > 0 && check !== null) checks.push([peer.name, check]);
      }
      const middle = median(checks.map(([, check]) => check));
      for (const [name, check] of checks) {
        if (Math.abs(check - middle) > 2e-3 * Math.abs(middle) + 1e-6) {
          notes.push(`${id}: ${name} computes ${check}, others ${middle}`);
        }
      }
      table.push([...row, verdict(id, "1"), verdict(id, "2")]);
    }
  }

  const packages = JSON.parse(readFileSync(join(OTHERS, "package.json"), "utf8")).dependencies as Record<
    string,
    string
  >;
  const lines = [
    `Measured ${facts.when.slice(0, 10)} on ${facts.machine}, ${facts.engine}, ${
      [...Object.entries(packages).map(([name, version]) => `${name} ${version}`), ...facts.libraries].join(
        ", ",
      )
    }; rounds: ${rounds}, of ${facts.budget} ms for each workload and library, interleaved. ${facts.load}`,
    "",
    "Least / median of all samples in ms (the `op_` rows: ms for one operation). The last two columns compare least times " +
    "with the fastest other JavaScript library that has as many threads or fewer; PyTorch is native code, and no rival in " +
    "them. `–`: not offered, failed or too slow; the notes below say which.",
    "",
    `| ${head.join(" | ")} |`,
    `| ${head.map(() => "---").join(" | ")} |`,
    ...table.map((row) => `| ${row.join(" | ")} |`),
    "",
    ...notes.map((note) => `- ${note}`),
  ];
  const lost = table.filter((row) => row.slice(-2).some((cell) => cell.includes("loses")));
  lines.push(
    "",
    `${table.length} rows, ${lost.length} lost: ${lost.map(([id]) => id).join(", ") || "none"}.`,
  );
  console.log(lines.join("\n"));
  if (options.markdown !== "") {
    const profile = options.profile === ""
      ? []
      : ["", "## Where the time of a training step goes", "", readFileSync(options.profile!, "utf8").trim()];
    writeFileSync(options.markdown!, [...INTRODUCTION, ...lines, ...profile, ""].join("\n"));
  }
  if (options.json !== "") {
    const results = Object.fromEntries([...cells].map(([key, cell]) => [key, {
      least: cell.ms.length === 0 ? null : Math.min(...cell.ms),
      median: cell.ms.length === 0 ? null : median(cell.ms),
      samples: cell.ms.length,
      check: cell.check,
      note: cell.note,
    }]));
    writeFileSync(options.json!, JSON.stringify({ ...facts, rounds, results }, null, 1));
  }
}

/** How the page begins. */
const INTRODUCTION = [
  "# Benchmarks",
  "",
  "Made by `deno task bench:peers`; `tests/bench/peers/README.md` says what is measured and how to run it again. Compare " +
  "columns, not absolute times between machines. No row is left out because it loses.",
  "",
  "The GPU has a bench of its own, `deno task bench:gpu`. It has run on software adapters only, where its results are right; " +
  "how fast the GPU device is on hardware is unproven.",
  "",
];

interface Facts {
  readonly when: string;
  readonly machine: string;
  readonly engine: string;
  readonly budget: string;
  /** What else the machine did. */
  readonly load: string;
  /** Libraries that are no npm packages, with what they are built on, as they name themselves. */
  readonly libraries: string[];
}

function factsNow(): Facts {
  const deno = (globalThis as { Deno?: { version: { deno: string; v8: string } } }).Deno;
  const load = loadavg()[0]!;
  return {
    when: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]!.model.trim()}`,
    engine: deno === undefined
      ? `Node ${process.version}`
      : `Deno ${deno.version.deno} (V8 ${deno.version.v8})`,
    budget: options.budget!,
    load: load < 0.5 ? "" : `The machine had other work (load ${load.toFixed(1)} before the start): ` +
      "long rows are slowed more than short ones, and medians more than least times.",
    libraries: [],
  };
}

let facts = factsNow();
if (options.from !== "") {
  const stored = JSON.parse(readFileSync(options.from!, "utf8")) as Facts & {
    rounds: number;
    results: Record<
      string,
      { least: number | null; median: number | null; check: number | null; note: string | null }
    >;
  };
  facts = stored;
  for (const [key, { least, median, check, note }] of Object.entries(stored.results)) {
    // Three samples with the least and the median that were stored.
    cells.set(key, { ms: least === null ? [] : [least, median!, median!], check, note });
  }
  report(stored.rounds);
  process.exit(0);
}

const started = Date.now();
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, list] of chosen) {
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(i + round) % peers.length]!;
      let todo = list.map(({ id }) => id).filter((id) => cellOf(peer, id).note === null);
      while (todo.length > 0) todo = await turn(peer, todo);
      console.error(
        `round ${round + 1} ${name} ${peer.name} ${((Date.now() - started) / 1000).toFixed(0)} s`,
      );
    }
  }
  // What is known is written after every round: a long run may be cut short.
  report(round + 1);
}
