/**
 * Measures single kernels of the CPU device: the eager road of a tiny operation, and large ones of every family.
 *
 * Run: `deno run -A tests/bench/cpu_kernels.ts [simd|relaxed]`.
 *
 * @module
 */

import { argv } from "node:process";
import { bool, type DType, float32, int32, type KernelName, type Operand, type Shape } from "@flambeau/core";
import { bestBuild, createWasmBackend, type WasmBuild } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";

const build = (argv[2] ?? bestBuild()) as WasmBuild;
const device = createWasmBackend({ fallback: hostKernels, build });

/** Least milliseconds of one call, over about `budget` ms. */
function least(call: () => void, budget = 250): number {
  let best = Infinity;
  const end = performance.now() + budget;
  do {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return best;
}

function make(shape: Shape, dtype: DType = float32, strides?: Shape): Operand {
  const n = shape.reduce((a, b) => a * b, 1);
  const buffer = device.allocate(n * dtype.itemsize);
  const bytes = new Uint8Array(n * dtype.itemsize);
  if (dtype === float32) {
    const view = new Float32Array(bytes.buffer);
    for (let i = 0; i < n; i++) view[i] = ((i * 7919) % 2003) / 1000 - 1;
  }
  device.write(buffer, 0, bytes);
  const rowMajor = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  return { buffer, shape, strides: strides ?? rowMajor, offset: 0, dtype };
}

type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => unknown;

function time(
  label: string,
  name: KernelName,
  inputs: Operand[],
  outputs: Operand | Operand[],
  attrs: unknown,
): void {
  const kernel = device.kernels[name] as unknown as AnyKernel;
  const dispatch = kernel(inputs, outputs, attrs) as { run(): void } | null;
  if (dispatch === null) throw new Error(`${label}: no kernel`);
  console.log(`${label}: ${least(() => device.run(dispatch)).toFixed(3)} ms`);
  for (const x of [...inputs, ...[outputs].flat()]) device.free(x.buffer);
}

const four = [make([4]), make([4]), make([4])] as const;
const rounds = 200_000;
const eager = least(() => {
  for (let i = 0; i < rounds; i++) device.run(device.kernels.add([four[0], four[1]], four[2], null)!);
});
console.log(`add of 4 elements, kernel and run: ${(eager / rounds * 1e6).toFixed(0)} ns`);
const memory = least(() => {
  for (let i = 0; i < rounds; i++) device.free(device.allocate(16));
});
console.log(`allocate and free 16 bytes: ${(memory / rounds * 1e6).toFixed(0)} ns`);
const many = least(() => {
  const held = [];
  for (let i = 0; i < 1000; i++) held.push(device.allocate(16));
  for (const buffer of held) device.free(buffer);
});
console.log(`the same, a thousand held: ${(many / 1000 * 1e6).toFixed(0)} ns`);

const M = 1 << 20;
const K = 1024;
for (const name of ["add", "mul", "maximum"] as const) {
  time(`${name} 1 M`, name, [make([M]), make([M])], make([M]), null);
}
time("add row [1024, 1024] + [1024]", "add", [make([K, K]), make([K])], make([K, K]), null);
time("add column [1024, 1024] + [1024, 1]", "add", [make([K, K]), make([K, 1])], make([K, K]), null);
for (
  const name of [
    "neg",
    "relu",
    "sqrt",
    "exp",
    "log",
    "tanh",
    "sigmoid",
    "erf",
    "sin",
    "log1p",
    "atan",
  ] as const
) time(`${name} 1 M`, name, [make([M])], make([M]), null);
time("gelu 1 M", "gelu", [make([M])], make([M]), { approximate: "none" });
time("gelu (tanh) 1 M", "gelu", [make([M])], make([M]), { approximate: "tanh" });
time("silu 1 M", "silu", [make([M])], make([M]), null);
time("gt 1 M", "gt", [make([M]), make([M])], make([M], bool), null);
time("sum 1 M", "sum", [make([M])], make([]), { dims: [0], keepdim: false });
time("sum axis 0, 1024²", "sum", [make([K, K])], make([K]), { dims: [0], keepdim: false });
time("sum axis 1, 1024²", "sum", [make([K, K])], make([K]), { dims: [1], keepdim: false });
time("amax axis 1, 1024²", "amax", [make([K, K])], make([K]), { dims: [1], keepdim: false });
time("amax axis 0, 1024²", "amax", [make([K, K])], make([K]), { dims: [0], keepdim: false });
time("argmax axis 1, 1024²", "argmax", [make([K, K])], make([K], int32), { dim: 1, keepdim: false });
time("argmax axis 0, 1024²", "argmax", [make([K, K])], make([K], int32), { dim: 0, keepdim: false });
time("softmax 1024²", "softmax", [make([K, K])], make([K, K]), { dim: 1 });
time("logSoftmax 1024²", "logSoftmax", [make([K, K])], make([K, K]), { dim: 1 });
time("softmax axis 0, 1024²", "softmax", [make([K, K])], make([K, K]), { dim: 0 });
const norm = (): Operand[] => [make([K, 768]), make([768]), make([768])];
time("layer norm 1024×768", "layerNorm", norm(), [make([K, 768]), make([K, 1]), make([K, 1])], { eps: 1e-5 });
time("layer norm gradient", "layerNormBackward", [
  make([K, 768]),
  ...norm().slice(0, 2),
  make([K, 1]),
  make([K, 1]),
], [
  ...norm(),
], null);
time("batch norm 32×64×28²", "batchNorm", [make([32, 64, 784]), make([64]), make([64])], [
  make([32, 64, 784]),
  make([64]),
  make([64]),
], { eps: 1e-5 });
time("copy 4 M", "copy", [make([4 * M])], make([4 * M]), null);
time("transpose copy 2048²", "copy", [make([2048, 2048], float32, [1, 2048])], make([2048, 2048]), null);
time(
  "permute copy 16×64×4×32",
  "copy",
  [make([16, 4, 64, 32], float32, [8192, 32, 128, 1])],
  make([16, 4, 64, 32]),
  null,
);
time("embedding 1024 of 50000×768", "indexSelect", [make([50000, 768]), make([K], int32)], make([K, 768]), {
  dim: 0,
});
time(
  "embedding gradient",
  "indexReduce",
  [make([50000, 768]), make([K], int32), make([K, 768])],
  make([50000, 768]),
  {
    dim: 0,
    reduce: "sum",
  },
);
const random = { shape: [M], dtype: float32, key: [1, 2], counter: 0 };
time("uniform 1 M", "randomUniform", [], make([M]), random);
time("normal 1 M", "randomNormal", [], make([M]), random);
const adam = {
  ...{ lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
  ...{ decoupled: false, maximize: false, step: 1 },
};
time(
  "Adam 1 M",
  "adamStep",
  [make([M]), make([M]), make([M]), make([M])],
  [make([M]), make([M]), make([M])],
  adam,
);
time("cast int32 → float32 1 M", "cast", [make([M], int32)], make([M]), { dtype: float32 });
time(
  "32 × (128×64 @ 64×128)",
  "matmul",
  [make([32, 128, 64]), make([32, 64, 128])],
  make([32, 128, 128]),
  null,
);
