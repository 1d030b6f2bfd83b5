/**
 * How a library is measured: turns are recorded in batches with one wait at the end, results stay until then, so that nothing
 * may be left out; the result of the first turns is one number that says what was computed.
 *
 * A library is a process that gets workloads as JSON on its standard input and prints a line `@@{…}` for each.
 *
 * @module
 */

import process from "node:process";
import type { Workload } from "./workloads.ts";

/** A workload made ready by a library. */
export interface Case {
  /** Records one turn; keeps its result. */
  run(): void | Promise<void>;
  /** Waits until all that was recorded is done. */
  sync(): Promise<void>;
  /** One number that says what was computed. May run turns of its own. */
  check(): number | Promise<number>;
  /** Drops the results of a batch. */
  drop?(): void;
  /** Drops all. */
  end?(): void;
}

/** What a library gets. */
export interface Order {
  readonly workloads: readonly Workload[];
  /** Milliseconds of samples of a workload. */
  readonly budget: number;
  /** Milliseconds that a batch should take at least: long beside a wait, for which some runtimes sleep 10 ms. */
  readonly batch: number;
  /** True: only the number that says what was computed. */
  readonly checkOnly: boolean;
}

/** Bytes of results that a batch may hold, and turns of it. */
const HELD = 2 ** 30;
const TURNS = 8192;

async function batch(it: Case, turns: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < turns; i++) await it.run();
  await it.sync();
  const ms = (performance.now() - start) / turns;
  it.drop?.();
  return ms;
}

async function measure(it: Case, { result }: Workload, order: Order): Promise<number[]> {
  const most = Math.max(1, Math.min(TURNS, Math.floor(HELD / result)));
  let turns = 1;
  let ms = await batch(it, 1);
  ms = await batch(it, 1);
  while (turns < most && ms * turns < order.batch) {
    turns = Math.min(most, Math.ceil(turns * Math.min(8, Math.max(2, 1.2 * order.batch / (ms * turns)))));
    ms = await batch(it, turns);
  }
  const samples = [ms];
  const end = performance.now() + order.budget;
  while (performance.now() < end && samples.length < 50) samples.push(await batch(it, turns));
  return samples;
}

async function readOrder(): Promise<Order> {
  let text = "";
  for await (const part of process.stdin) text += part;
  return JSON.parse(text);
}

/** Measures what was ordered, and ends the process. */
export async function serve(
  about: () => Record<string, unknown>,
  make: (workload: Workload) => Case | null | Promise<Case | null>,
): Promise<never> {
  const order = await readOrder();
  const { workloads, checkOnly } = order;
  const say = (line: object): void => void process.stdout.write(`@@${JSON.stringify(line)}\n`);
  say({ about: about() });
  for (const workload of workloads) {
    const { id } = workload;
    let it: Case | null = null;
    try {
      it = await make(workload);
      if (it === null) {
        say({ id, note: "not offered" });
        continue;
      }
      const check = await it.check();
      it.drop?.();
      const ms = checkOnly ? [] : await measure(it, workload, order);
      say({ id, check, ms: ms.map((value) => Number(value.toPrecision(5))) });
    } catch (error) {
      say({ id, note: String(error instanceof Error ? error.message : error).slice(0, 300) });
    }
    try {
      it?.end?.();
    } catch { /* the next workload starts anew */ }
  }
  await new Promise((resolve) => process.stdout.write("", resolve));
  process.exit(0);
}
