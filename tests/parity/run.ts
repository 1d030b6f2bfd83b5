/**
 * Runs fixtures in processes of their own, so that a case that hangs or ends the process costs only itself.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Difference, differences } from "./differences.ts";
import { type IndexRow, type Kind, readIndex } from "./fixtures.ts";
import { type CaseResult, settle } from "./outcome.ts";
import { type CaseLabel, type Job, MARK, type Message } from "./worker.ts";

/** What to run and how. */
export interface RunOptions {
  readonly fixtures: string;
  readonly backend: string;
  /** The module under test; by default `@flambeau/torch`. */
  readonly library?: string;
  /** The accepted differences; by default those of `differences.ts`. */
  readonly differences?: readonly Difference[];
  /** Null: all. */
  readonly tiers: readonly string[] | null;
  /** Null: all. */
  readonly kinds: readonly Kind[] | null;
  /** Text that ids must have; null: any. */
  readonly match: string | null;
  /** Processes at a time. */
  readonly jobs: number;
  /** Seconds that a case may take. */
  readonly seconds: number;
  /** Called with every result. */
  readonly onResult?: (result: CaseResult) => void;
}

/** Seconds that a process may take before its first case: starting, and compiling kernels. */
const STARTING_SECONDS = 60;

/** Runs all cases that the options select, in any order, and gives their results in the order of the index. */
export async function runParity(options: RunOptions): Promise<CaseResult[]> {
  const { kinds } = options;
  const rows = readIndex(options.fixtures).files.filter(({ kind }) => kinds === null || kinds.includes(kind));
  const queue = rows.map((row, order) => ({ row, order }));
  const results: CaseResult[][] = rows.map(() => []);
  const workers = Array.from({ length: Math.min(options.jobs, Math.max(rows.length, 1)) }, async () => {
    const worker = new CaseProcess(options);
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        results[next.order] = await worker.run(next.row);
      }
    } finally {
      worker.stop();
    }
  });
  await Promise.all(workers);
  return results.flat();
}

/** One process at a time, started again when a case ended it. */
class CaseProcess {
  readonly #options: RunOptions;
  #process: ChildProcess | null = null;
  /** Messages that arrived and were not yet read; null says that the process ended. */
  #messages: (Message | null)[] = [];
  #wake: () => void = () => {};
  #errors = "";

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** Runs the selected cases of a file. */
  async run(row: IndexRow): Promise<CaseResult[]> {
    const results: CaseResult[] = [];
    let from = 0;
    while (from >= 0) from = await this.#runFrom(row, from, results);
    return results;
  }

  /** Runs a file from a case on. Gives the case to go on with in a new process, or -1 at the end. */
  async #runFrom(row: IndexRow, from: number, results: CaseResult[]): Promise<number> {
    await this.#start();
    const { tiers, match, seconds } = this.#options;
    const job: Job = { row, from, tiers, match };
    this.#process!.stdin!.write(`${JSON.stringify(job)}\n`);
    let current: { index: number; label: CaseLabel } | null = null;
    let next = from;
    for (;;) {
      const message = await this.#next(seconds);
      if (message === "late" || message === null) {
        this.stop();
        const reason = message === "late"
          ? `gave no result within ${seconds} s`
          : `ended the process: ${this.#lastError()}`;
        if (current === null && next === from) {
          throw new Error(`Cannot run ${row.file}: the runner ${reason}`);
        }
        if (current === null) return next;
        this.#add(results, { ...current.label, outcome: "failed", reason, ms: seconds * 1000 });
        return current.index + 1;
      }
      switch (message.type) {
        case "end":
          return -1;
        case "fatal":
          throw new Error(`Cannot run ${row.file}: ${message.message}`);
        case "start":
          current = message;
          break;
        case "result":
          this.#add(results, message.result);
          next = current!.index + 1;
          current = null;
      }
    }
  }

  #add(results: CaseResult[], result: CaseResult): void {
    const settled = settle(result, this.#options.differences ?? differences);
    results.push(settled);
    this.#options.onResult?.(settled);
  }

  async #start(): Promise<void> {
    if (this.#process !== null) return;
    const { fixtures, backend, library } = this.#options;
    const deno = "Deno" in globalThis ? process.execPath : "deno";
    const worker = join(import.meta.dirname!, "worker.ts");
    const child = spawn(deno, [
      "run",
      "-A",
      worker,
      fixtures,
      backend,
      ...(library === undefined ? [] : [library]),
    ], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#process = child;
    this.#messages = [];
    this.#errors = "";
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const at = line.indexOf(MARK);
      if (at >= 0) this.#push(child, JSON.parse(line.slice(at + 1)) as Message);
    });
    child.stdin!.on("error", () => {}); // it ended: "close" tells
    child.stderr!.on("data", (data) => {
      this.#errors = (this.#errors + String(data)).slice(-4000);
    });
    child.on("close", () => this.#push(child, null));
    const first = await this.#next(STARTING_SECONDS);
    if (first !== "late" && first?.type === "ready") return;
    this.stop();
    const reason = first !== "late" && first?.type === "fatal" ? first.message : this.#lastError();
    throw new Error(`Cannot start the process that runs the cases: ${reason}`);
  }

  #push(child: ChildProcess, message: Message | null): void {
    if (child !== this.#process) return; // a process that was ended because a case hung
    this.#messages.push(message);
    this.#wake();
  }

  async #next(seconds: number): Promise<Message | null | "late"> {
    if (this.#messages.length === 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, seconds * 1000);
      });
      clearTimeout(timer);
    }
    return this.#messages.length === 0 ? "late" : this.#messages.shift()!;
  }

  #lastError(): string {
    return this.#errors.trim().split("\n").slice(-3).join(" ") || "no message";
  }

  /** Ends the process. */
  stop(): void {
    this.#process?.kill("SIGKILL");
    this.#process = null;
  }
}
