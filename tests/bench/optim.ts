/**
 * Measures optimizer steps over a million parameters on the CPU device, in bytes of parameters, gradients and state that a
 * step must at least read and write, per second.
 *
 * The limit is a copy of a tensor of the same size. Times are the least of many runs: other work on the machine only ever
 * adds.
 *
 * Run: `deno run -A tests/bench/optim.ts`.
 *
 * @module
 */

import { float32 } from "@flambeau/core";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import * as optim from "@flambeau/optim";
import { hostKernels } from "@flambeau/reference";
import { registerBackend, setDefaultDevice, type Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";

const SIZE = 1 << 20;

const device = createWasmBackend({ fallback: hostKernels });
registerBackend(device);
setDefaultDevice(device);

/** A tensor of `SIZE` elements around 0. */
function noise(seed: number): Tensor {
  return fromData(Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed + i)), [SIZE], float32);
}

/** Least milliseconds of one call, over about `budget` ms. */
function least(call: () => void, budget = 500): number {
  call();
  let best = Infinity;
  const end = performance.now() + budget;
  do {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return best;
}

function report(name: string, passes: number, call: () => void): void {
  device.resetPeak();
  const before = device.memory().liveBytes;
  const ms = least(call);
  const { liveBytes, peakBytes } = device.memory();
  const rate = passes * SIZE * 4 / ms / 1e6;
  const temporaries = (peakBytes - liveBytes) / SIZE / 4;
  console.log(
    `${name.padEnd(24)}${ms.toFixed(2).padStart(8)} ms${rate.toFixed(2).padStart(8)} GB/s` +
      `${temporaries.toFixed(1).padStart(7)} temporaries${liveBytes === before ? "" : "  (state was made)"}`,
  );
}

const [source, target] = [noise(1), noise(2)];
report("copy (2 passes)", 2, () => target.copy_(source));

/** What a step reads and writes at least, in tensors: parameter and gradient, and twice each state. */
const cases: [name: string, passes: number, make: (params: Tensor[]) => optim.Optimizer][] = [
  ["SGD", 3, (params) => new optim.SGD(params, { lr: 0.1 })],
  ["SGD, momentum", 5, (params) => new optim.SGD(params, { lr: 0.1, momentum: 0.9 })],
  ["Adam", 7, (params) => new optim.Adam(params)],
  ["AdamW", 7, (params) => new optim.AdamW(params)],
  ["RMSprop", 5, (params) => new optim.RMSprop(params)],
  ["Lion", 5, (params) => new optim.Lion(params)],
];
for (const [name, passes, make] of cases) {
  const param = noise(3);
  param.requiresGrad = true;
  param.grad = noise(4);
  const optimizer = make([param]);
  optimizer.step();
  report(name, passes, () => optimizer.step());
}
