/**
 * Where the time of the training steps goes: primitive by primitive, as a share of the step and of what one core can do;
 * and the most memory that lives during a step.
 *
 * Run: `deno run -A tests/bench/profile.ts [--threads=1,2] [--budget=3000] [--only=GPT]`. Prints Markdown.
 *
 * @module
 */

import process from "node:process";
import type { Operand } from "@flambeau/core";
import { bestBuild } from "@flambeau/kernels-wasm";
import { defaultBackend } from "@flambeau/tensor";
import { tape } from "@flambeau/tensor/internal";
import * as torch from "@flambeau/torch";
import { measureLimits } from "./limits.ts";
import { Cnn, Gpt, Mlp } from "./models.ts";
// @ts-types="./peers/others/harness.d.ts"
import { fill, labels10, tokens } from "./peers/others/harness.mjs";

const option = (name: string, otherwise: string): string => {
  const found = process.argv.find((argument) => argument.startsWith(`--${name}=`));
  return found === undefined ? otherwise : found.split("=")[1]!;
};
const F = torch.nn.functional;

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const T = (shape: readonly number[], seed: number, scale: number): torch.Tensor =>
  torch.tensor(fill(count(shape), seed, scale)).view(shape);

/** What a step needs in bytes. */
interface Needs {
  /** Parameters, their gradients, state of the optimizer. */
  readonly fixed: number;
  /** The batch, and what the backward pass has saved. */
  saved: number;
}

/** One step; and what the last one needed. */
interface Trainer {
  (): Promise<void>;
  readonly needs: Needs;
  readonly net: torch.nn.Module;
}

/** A training step of `net`: the batch from typed arrays, forward, loss, backward, optimizer, the loss read. */
function trainer(
  net: torch.nn.Module,
  optimizer: torch.optim.Optimizer,
  classes: number,
  batch: () => readonly [torch.Tensor, torch.Tensor],
): Trainer {
  const parameters = new Set<object>([...net.parameters()].map((p) => p.storage));
  const fixed = 4 * [...net.parameters()].reduce((sum, p) => sum + p.storage.bytes, 0);
  const needs: Needs = { fixed, saved: 0 };
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    const [x, y] = batch();
    const loss = torch.scope(() => F.crossEntropy(net(x).view(-1, classes), y));
    if (needs.saved === 0) {
      const held = new Set([x.storage, y.storage, ...tape.current!.heldStorages(loss)]) as Set<
        typeof x.storage
      >;
      for (const storage of held) if (!parameters.has(storage)) needs.saved += storage.bytes;
    }
    loss.backward();
    optimizer.step();
    await loss.item();
    for (const value of [x, y, loss]) value.dispose();
  };
  return Object.assign(step, { needs, net });
}

const images = fill(64 * 784, 1);
const labels = labels10(64);
const gpt = { layers: 4, d: 128, heads: 4, ctx: 64, vocab: 65 };
const [ids, next] = [tokens(1024, 5, 65), tokens(1024, 6, 65)];
const makers: readonly (readonly [name: string, make: () => Trainer])[] = [
  ["MLP 784-256-128-10, batch 64, Adam", () => {
    const net = new Mlp([784, 256, 128, 10], T);
    const optimizer = new torch.optim.Adam(net.parameters(), { lr: 1e-3 });
    return trainer(net, optimizer, 10, () => [torch.tensor(images).view(-1, 784), torch.tensor(labels)]);
  }],
  ["CNN 1 → 32 → 64 (3×3), pool, 9216 → 128 → 10, batch 64, Adam", () => {
    const net = new Cnn(T);
    const optimizer = new torch.optim.Adam(net.parameters(), { lr: 1e-3 });
    return trainer(
      net,
      optimizer,
      10,
      () => [torch.tensor(images).view(-1, 1, 28, 28), torch.tensor(labels)],
    );
  }],
  ["GPT, 4 layers, d 128, 4 heads, ctx 64, batch 16, AdamW", () => {
    const net = new Gpt(gpt, T);
    const optimizer = new torch.optim.AdamW(net.parameters(), { lr: 1e-3, weightDecay: 0.01 });
    return trainer(net, optimizer, 65, () => [torch.tensor(ids).view(16, 64), torch.tensor(next)]);
  }],
];

interface Entry {
  calls: number;
  /** Least ms of all calls of a step together. */
  ms: number;
  flops: number;
}

/** Multiplications and additions of products; 0 for what is bound by memory. */
function flopsOf(name: string, inputs: readonly Operand[], output: Operand, attrs: unknown): number {
  if (name === "matmul") return 2 * count(output.shape) * inputs[0]!.shape.at(-1)!;
  if (name === "linear") return 2 * count(output.shape) * inputs[1]!.shape[1]!;
  const [a, b] = inputs;
  if (name === "conv") return 2 * count(output.shape) * count(b!.shape.slice(1));
  if (name === "convInputGrad") return 2 * count(a!.shape) * count(b!.shape.slice(1));
  if (name === "convWeightGrad") return 2 * count(a!.shape) * count(output.shape.slice(1));
  const square = count(a?.shape.slice(0, -1) ?? []) * (b?.shape.at(-2) ?? 0) * (a?.shape.at(-1) ?? 0);
  if (name !== "attention" && name !== "attentionBackward") return 0;
  const length = b!.shape.at(-2)!;
  const seen = (attrs as { causal: boolean }).causal ? (length + 1) / (2 * length) : 1;
  return (name === "attention" ? 4 : 10) * square * seen;
}

type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => object | null;
const backend = defaultBackend() as unknown as {
  kernels: Record<string, AnyKernel>;
  run: (dispatch: object) => void;
  runSoon: undefined;
};
backend.runSoon = undefined; // every step is timed alone
const origin = new WeakMap<object, string>();
let step = new Map<string, Entry>();
for (const [name, kernel] of Object.entries(backend.kernels)) {
  backend.kernels[name] = (inputs, outputs, attrs) => {
    const dispatch = kernel(inputs, outputs, attrs);
    if (dispatch === null) return null;
    origin.set(dispatch, name);
    let entry = step.get(name);
    if (entry === undefined) step.set(name, entry = { calls: 0, ms: 0, flops: 0 });
    entry.calls++;
    entry.flops += flopsOf(name, inputs, (Array.isArray(outputs) ? outputs[0] : outputs) as Operand, attrs);
    return dispatch;
  };
}
const run = backend.run.bind(backend);
backend.run = (dispatch) => {
  const start = performance.now();
  run(dispatch);
  const entry = step.get(origin.get(dispatch)!)!;
  entry.ms += performance.now() - start;
};

const limits = await measureLimits(bestBuild()!);
const memory: string[] = [];

/** Measures steps on so many threads, and prints where their time goes. */
async function profile(name: string, train: Trainer, threads: number): Promise<void> {
  torch.setNumThreads(threads);
  for (let i = 0; i < 20; i++) await train();
  const best = new Map<string, Entry>();
  let whole = Infinity;
  const end = performance.now() + Number(option("budget", "3000"));
  while (performance.now() < end) {
    step = new Map();
    const start = performance.now();
    await train();
    whole = Math.min(whole, performance.now() - start);
    for (const [key, entry] of step) {
      const known = best.get(key);
      if (known === undefined || entry.ms < known.ms) best.set(key, entry);
    }
  }
  const rows = [...best].sort((a, b) => b[1].ms - a[1].ms);
  const kernels = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  const products = ["matmul", "linear"].reduce((sum, key) => sum + (best.get(key)?.flops ?? 0), 0);
  const least = products / limits.flops / threads / 1e6;
  console.log(`\n### ${name}, ${threads === 1 ? "1 thread" : `${threads} threads`}\n`);
  console.log(
    `A step takes at least ${whole.toFixed(2)} ms; its kernels, each at its best, ` +
      `${kernels.toFixed(2)} ms. One core does ${
        limits.flops.toFixed(0)
      } GFLOP/s: at that limit matmul and linear alone ` +
      `take ${least.toFixed(2)} ms.\n`,
  );
  console.log(
    "| primitive | calls | ms | share | GFLOP/s | of the limit |\n| --- | --- | --- | --- | --- | --- |",
  );
  for (const [key, { calls, ms, flops }] of rows.slice(0, 12)) {
    const rate = flops === 0 ? null : flops / ms / 1e6;
    console.log(
      `| ${key} | ${calls} | ${ms.toFixed(3)} | ${(100 * ms / kernels).toFixed(1)} % | ${
        rate === null ? "" : rate.toFixed(1)
      } | ${rate === null ? "" : `${(100 * rate / limits.flops / threads).toFixed(0)} %`} |`,
    );
  }
  const [calls, ms] = rows.slice(12).reduce((sum, [, x]) => [sum[0]! + x.calls, sum[1]! + x.ms], [0, 0]);
  console.log(`| others | ${calls} | ${ms!.toFixed(3)} | ${(100 * ms! / kernels).toFixed(1)} % | | |`);
}

/** The line of a table that compares the most memory that lives during a step with what it needs. */
async function footprint(name: string, train: Trainer, others: number): Promise<string> {
  const { resetPeak, memory } = defaultBackend();
  resetPeak.call(defaultBackend());
  await train();
  const peak = memory.call(defaultBackend()).peakBytes - others;
  const { fixed, saved } = train.needs;
  const MiB = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const cells = [name, MiB(fixed), MiB(saved), MiB(peak), `${(peak / (fixed + saved)).toFixed(2)} ×`];
  return `| ${cells.join(" | ")} |`;
}

for (const [name, make] of makers) {
  if (!name.includes(option("only", ""))) continue;
  const others = defaultBackend().memory().liveBytes;
  // Weights are copied from values that go with the scope.
  const train = torch.scope(make);
  for (const threads of option("threads", "1").split(",")) await profile(name, train, Number(threads));
  memory.push(await footprint(name, train, others));
}
console.log("\n### Memory of a step, in MiB\n");
console.log(
  "The most bytes that live during a step, against what it cannot do without.\n\n" +
    "| step | parameters, gradients, optimizer | batch, saved for backward | peak | of what is needed |\n" +
    "| --- | --- | --- | --- | --- |",
);
console.log(memory.join("\n"));
process.exit(0);
