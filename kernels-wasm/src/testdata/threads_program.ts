/**
 * A program that uses the pool and ends: run by `threads.test.ts` without permissions.
 *
 * @module
 */

import { float32, type Operand } from "@flambeau/core";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";

const device = createWasmBackend({ fallback: hostKernels, threads: 2 });
const n = 1 << 20;
const [x, y] = [1, 2].map((): Operand => ({
  buffer: device.allocate(n * 4),
  shape: [n],
  strides: [1],
  offset: 0,
  dtype: float32,
})) as [Operand, Operand];
// Long enough for workers to start, and sometimes idle so that they fall asleep.
for (let i = 0; i < 400; i++) {
  device.run(device.kernels.exp([x], y, null));
  if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log(`done ${device.numThreads}`);
