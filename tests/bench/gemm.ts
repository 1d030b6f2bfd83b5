/**
 * Measures the matrix product of the CPU device against what one core can do.
 *
 * The limit is a loop of independent multiply-adds on registers, compiled here for the same build. Times are the least
 * of many runs: other work on the machine only ever adds.
 *
 * Run: `deno run -A tests/bench/gemm.ts [simd|relaxed]`.
 *
 * @module
 */

import { argv } from "node:process";
import asc from "assemblyscript/asc";
import { type Backend, float32, type Operand } from "@flambeau/core";
import { bestBuild, createWasmBackend, type WasmBuild } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";

const build = (argv[2] ?? bestBuild()) as WasmBuild;
const device = createWasmBackend({ fallback: hostKernels, build });

/** Least milliseconds of one call, over about `budget` ms. */
function least(call: () => void, budget = 400): number {
  let best = Infinity;
  const end = performance.now() + budget;
  do {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return best;
}

/** GFLOP/s of multiply-adds on registers. */
async function limit(): Promise<number> {
  const names = Array.from({ length: 12 }, (_, i) => `c${i}`);
  const step = (c: string): string =>
    build === "relaxed" ? `f32x4.relaxed_madd(${c}, x, y)` : `f32x4.add(f32x4.mul(${c}, x), y)`;
  const text = `export function spin(n: i32, p: usize): void {
    const x = v128.load(p); const y = v128.load(p, 16);
    ${names.map((c, i) => `let ${c} = f32x4.splat(${i});`).join("\n")}
    for (; n > 0; n--) { ${names.map((c) => `${c} = ${step(c)};`).join("\n")} }
    ${names.map((c, i) => `v128.store(p, ${c}, ${i * 16});`).join("\n")}
  }`;
  let binary: Uint8Array<ArrayBuffer> | null = null;
  await asc.main(
    [
      "spin.ts",
      "-o",
      "spin.wasm",
      "--initialMemory",
      "1",
      "--runtime",
      "stub",
      "--optimizeLevel",
      "2",
      "--enable",
      "simd",
      "--enable",
      "relaxed-simd",
    ],
    {
      readFile: (name) => name === "spin.ts" ? text : null,
      writeFile: (_, data) => {
        if (typeof data !== "string") binary = new Uint8Array(data);
      },
    },
  );
  const spin = new WebAssembly.Instance(new WebAssembly.Module(binary!)).exports.spin as (
    n: number,
    p: number,
  ) => void;
  const loops = 1_000_000;
  return loops * 12 * 8 / least(() => spin(loops, 4096)) / 1e6;
}

function matrix(rows: number, columns: number, transposed = false): Operand {
  const buffer = (device as Backend).allocate(rows * columns * 4);
  device.write(buffer, 0, new Uint8Array(new Float32Array(rows * columns).fill(0.5).buffer));
  const strides = transposed ? [1, rows] : [columns, 1];
  return { buffer, shape: [rows, columns], strides, offset: 0, dtype: float32 };
}

const ceiling = await limit();
console.log(`${build}: multiply-adds on registers ${ceiling.toFixed(1)} GFLOP/s`);
const cases: [m: number, k: number, n: number, transposed?: boolean][] = [
  [32, 32, 32],
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512, true],
  [1024, 1024, 1024],
  [2048, 2048, 2048],
  [64, 784, 512],
  [1, 4096, 4096],
  [1, 4096, 4096, true],
];
for (const [m, k, n, transposed] of cases) {
  const [a, b, c] = [matrix(m, k), matrix(k, n, transposed), matrix(m, n)];
  const dispatch = device.kernels.matmul([a, b], c, null)!;
  const ms = least(() => device.run(dispatch));
  const rate = 2 * m * k * n / ms / 1e6;
  console.log(
    `${m} × ${k} × ${n}${transposed ? " (B transposed)" : ""}: ${ms.toFixed(3)} ms, ${
      rate.toFixed(1)
    } GFLOP/s, ${(100 * rate / ceiling).toFixed(0)} % of the limit`,
  );
  for (const x of [a, b, c]) device.free(x.buffer);
}
