/**
 * Measures forward and backward of LSTM and GRU, 2 layers of 256 over 100 steps of 32 samples, against PyTorch.
 *
 * PyTorch runs in a child process and both take turns, step by step, so that other work on the machine meets both. Each
 * has one thread unless `--threads N` says otherwise. Without PyTorch only the own times are shown. A PyTorch over the
 * reference BLAS (some 5 GFLOP/s) is no measure: it needs OpenBLAS or MKL.
 *
 * Run: `deno run -A tests/bench/recurrent.ts [--threads N] [--rounds N] [--only LSTM] [--peer no]`. `FLAMBEAU_BENCH_PYTHON` names
 * another Python than `/usr/bin/python3`.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import * as torch from "@flambeau/torch";

const [LENGTH, BATCH, SIZE, LAYERS] = [100, 32, 256, 2] as const;

const PYTHON = `
import sys, time, torch
threads, length, batch, size, layers = map(int, sys.argv[1:])
torch.set_num_threads(threads)
nets = {name: getattr(torch.nn, name)(size, size, layers) for name in ("LSTM", "GRU")}
x = torch.randn(length, batch, size, requires_grad=True)
a = torch.randn(1024, 1024)
def product():
    start = time.perf_counter()
    a @ a
    return 2 * 1024**3 / (time.perf_counter() - start) / 1e9
print("ready", torch.__version__, round(max(product() for _ in range(5))), flush=True)
for line in sys.stdin:
    net = nets[line.strip()]
    net.zero_grad()
    x.grad = None
    start = time.perf_counter()
    y, _ = net(x)
    middle = time.perf_counter()
    y.sum().backward()
    end = time.perf_counter()
    print((middle - start) * 1e3, (end - middle) * 1e3, flush=True)
`;

/** Milliseconds of the forward and the backward pass. */
type Times = readonly [forward: number, backward: number];

function option(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1]!;
}

/** A PyTorch that answers one line for each line. */
class Peer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts PyTorch; null where there is none. */
  static async start(threads: number): Promise<Peer | null> {
    const { OPENBLAS_CORETYPE: _, ...env } = process.env; // it would pin PyTorch to slower kernels
    const sizes = [threads, LENGTH, BATCH, SIZE, LAYERS].map(String);
    const child = spawn(process.env.FLAMBEAU_BENCH_PYTHON ?? "/usr/bin/python3", ["-c", PYTHON, ...sizes], {
      env: { ...env, OMP_NUM_THREADS: String(threads) },
    });
    child.on("error", () => {});
    const peer = new Peer(child);
    const { value, done } = await peer.#lines.next();
    if (done) return null;
    const [, version, speed] = value.split(" ");
    console.log(`PyTorch ${version}, whose matrix products reach ${speed} GFLOP/s`);
    return peer;
  }

  async run(name: string): Promise<Times> {
    this.#child.stdin.write(`${name}\n`);
    const { value } = await this.#lines.next();
    return (value as string).split(" ").map(Number) as unknown as Times;
  }

  stop(): void {
    this.#child.stdin.end();
  }
}

/** Makes what runs forward and backward once. */
function ownRun(name: "LSTM" | "GRU", x: torch.Tensor): () => Times {
  const net = name === "LSTM" ? new torch.nn.LSTM(SIZE, SIZE, LAYERS) : new torch.nn.GRU(SIZE, SIZE, LAYERS);
  const forward = net.forward.bind(net) as (x: torch.Tensor) => readonly [y: torch.Tensor, state: unknown];
  return () => {
    net.zeroGrad();
    x.grad = null;
    const start = performance.now();
    let middle = start;
    torch.scope(() => {
      const [y] = forward(x);
      middle = performance.now();
      y.sum().backward();
    });
    return [middle - start, performance.now() - middle];
  };
}

function leastAndMedian(values: readonly number[]): readonly [least: number, median: number] {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[0]!, sorted[sorted.length >> 1]!];
}

/** Prints one row; answers least and median of the sums. */
function report(name: string, times: readonly Times[]): readonly [least: number, median: number] {
  const cells = [
    times.map(([forward]) => forward),
    times.map(([, backward]) => backward),
    times.map(([forward, backward]) => forward + backward),
  ].map(leastAndMedian);
  const text = cells.map((pair) => pair.map((ms) => ms.toFixed(1).padStart(8)).join(""));
  console.log(name.padEnd(16) + text.join("  "));
  return cells[2]!;
}

const threads = Number(option("threads", "1"));
const rounds = Number(option("rounds", "15"));
torch.setNumThreads(threads);
const peer = option("peer", "yes") === "yes" ? await Peer.start(threads) : null;
const x = torch.randn([LENGTH, BATCH, SIZE], { requiresGrad: true });
console.log(`${"".padEnd(16)}${["forward", "backward", "both"].map((s) => s.padStart(16)).join("  ")}`);
console.log(`${"ms".padEnd(16)}${"   least  median".repeat(3).replaceAll("median ", "median   ")}`);
for (const name of ["LSTM", "GRU"] as const) {
  if (!name.startsWith(option("only", ""))) continue;
  const run = ownRun(name, x);
  const [own, other]: [Times[], Times[]] = [[], []];
  for (let i = -3; i < rounds; i++) {
    const times = run();
    const peerTimes = peer === null ? null : await peer.run(name);
    if (i < 0) continue; // compilers and caches warm up
    own.push(times);
    if (peerTimes !== null) other.push(peerTimes);
  }
  const [least, median] = report(name, own);
  if (peer === null) continue;
  const [peerLeast, peerMedian] = report(`${name}, PyTorch`, other);
  console.log(
    `${"ratio".padEnd(16)}${(least / peerLeast).toFixed(2)} of the least, ` +
      `${(median / peerMedian).toFixed(2)} of the medians`,
  );
}
peer?.stop();
