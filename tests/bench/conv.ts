/**
 * Measures convolutions, their gradients and pooling of the CPU device, and what they make of a CNN's training step.
 *
 * Run: `deno run -A tests/bench/conv.ts [simd|relaxed]`.
 *
 * @module
 */

import { argv } from "node:process";
import { float32, int32, type Operand, type Shape } from "@flambeau/core";
import { bestBuild, createWasmBackend, type WasmBuild } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";

const build = (argv[2] ?? bestBuild()) as WasmBuild;
const device = createWasmBackend({ fallback: hostKernels, build });

/** Least milliseconds of one call, over about `budget` ms. */
function least(call: () => void, budget = 300): number {
  let best = Infinity;
  const end = performance.now() + budget;
  do {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return best;
}

function make(shape: Shape, dtype = float32): Operand {
  const n = shape.reduce((a, b) => a * b, 1);
  const buffer = device.allocate(n * 4);
  device.write(buffer, 0, new Uint8Array(new Float32Array(n).fill(dtype === float32 ? 0.5 : 0).buffer));
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  return { buffer, shape, strides, offset: 0, dtype };
}

interface Case {
  readonly name: string;
  readonly x: readonly [n: number, c: number, h: number, w: number];
  readonly w: readonly [o: number, c: number, h: number, w: number];
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
}

const CASES: readonly Case[] = [
  { name: "64 → 64, 56², 3×3", x: [1, 64, 56, 56], w: [64, 64, 3, 3], padding: 1 },
  { name: "256 → 256, 14², 3×3", x: [1, 256, 14, 14], w: [256, 256, 3, 3], padding: 1 },
  { name: "3 → 64, 224², 7×7 by 2", x: [1, 3, 224, 224], w: [64, 3, 7, 7], padding: 3, stride: 2 },
  { name: "256 → 64, 56², 1×1", x: [1, 256, 56, 56], w: [64, 256, 1, 1] },
  { name: "depthwise 128, 56², 3×3", x: [1, 128, 56, 56], w: [128, 1, 3, 3], padding: 1, groups: 128 },
  { name: "batch 64, 1 → 32, 28², 5×5", x: [64, 1, 28, 28], w: [32, 1, 5, 5] },
  { name: "CNN: batch 64, 1 → 32, 28², 3×3", x: [64, 1, 28, 28], w: [32, 1, 3, 3] },
  { name: "CNN: batch 64, 32 → 64, 26², 3×3", x: [64, 32, 26, 26], w: [64, 32, 3, 3] },
];

for (const c of CASES) {
  const [stride, padding] = [c.stride ?? 1, c.padding ?? 0];
  const attrs = {
    stride: [stride, stride],
    padding: [padding, padding],
    dilation: [1, 1],
    groups: c.groups ?? 1,
  };
  const out = [2, 3].map((d) => Math.floor((c.x[d]! + 2 * padding - c.w[d]!) / stride) + 1);
  const [x, w, g] = [make(c.x), make(c.w), make([c.x[0], c.w[0], ...out])];
  const flops = 2 * g.shape.reduce((a, b) => a * b, 1) * c.w[1] * c.w[2] * c.w[3];
  const steps = [
    ["forward", device.kernels.conv!([x, w], g, attrs)!],
    ["input", device.kernels.convInputGrad!([g, w], make(c.x), { ...attrs, inputSize: c.x.slice(2) })!],
    ["weight", device.kernels.convWeightGrad!([g, x], make(c.w), { ...attrs, kernelSize: c.w.slice(2) })!],
  ] as const;
  const texts = steps.map(([name, dispatch]) => {
    const ms = least(() => device.run(dispatch));
    return `${name} ${ms.toFixed(2)} ms (${(flops / ms / 1e6).toFixed(0)} GFLOP/s)`;
  });
  console.log(`${c.name}: ${texts.join(", ")}`);
}

const x = make([64, 64, 24, 24]);
const [y, places] = [make([64, 64, 12, 12]), make([64, 64, 12, 12], int32)];
const two = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceilMode: false };
const forward = device.kernels.maxPool!([x], [y, places], two)!;
const backward = device.kernels.maxPoolBackward!([y, places], x, { inputSize: [24, 24] })!;
console.log(
  `max-pool 2×2, 64×64×24²: ${least(() => device.run(forward)).toFixed(2)} ms, backward ${
    least(() => device.run(backward)).toFixed(2)
  } ms`,
);
