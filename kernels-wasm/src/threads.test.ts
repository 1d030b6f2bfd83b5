/**
 * The pool: every family gives the same numbers on several threads as on one, in any runtime that shares memory.
 */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  bool,
  contiguousStrides,
  type DType,
  float32,
  float64,
  int32,
  type KernelName,
  numelOf,
  type Operand,
  type Shape,
  viewData,
} from "@flambeau/core";
import { hostKernels } from "@flambeau/reference";
import { afterAll, expect, test, vi } from "vitest";
import { createWasmBackend, type WasmBackend } from "./backend.ts";
import { cutting } from "./module.ts";
import { Pool, starting } from "./threads.ts";
import { canShareMemory } from "./worker_source.ts";

const device = createWasmBackend({ fallback: hostKernels, threads: 3 });
const least = cutting.least;
const after = starting.after;
cutting.least = 500;
starting.after = 0;
afterAll(() => {
  cutting.least = least;
  starting.after = after;
});

interface Spec {
  readonly shape: Shape;
  readonly dtype?: DType;
  readonly strides?: Shape;
  /** Integers below this. */
  readonly below?: number;
}

function make(spec: Spec, seed: number): Operand {
  const { shape, dtype = float32, strides = contiguousStrides(shape) } = spec;
  const n = numelOf(shape);
  const bytes = new Uint8Array(n * dtype.itemsize);
  const data = viewData(dtype, bytes.buffer, 0, n) as Float32Array;
  for (let i = 0; i < n; i++) {
    const word = Math.imul((i + 1) * 2654435761 + seed * 40503, 2246822519) >>> 8;
    data[i] = spec.below === undefined ? word / 2 ** 23 - 1 : word % spec.below;
  }
  const buffer = device.allocate(bytes.length);
  device.write(buffer, 0, bytes);
  return { buffer, shape, strides, offset: 0, dtype };
}

type AnyKernel = (inputs: readonly Operand[], outputs: unknown, attrs: unknown) => { run(): void } | null;

/** Results of a primitive on so many threads, and whether it was cut. */
function results(
  threads: number,
  name: KernelName,
  inputs: readonly Operand[],
  outputs: readonly Spec[],
  attrs: unknown,
): { bytes: Uint8Array[]; cut: boolean } {
  device.numThreads = threads;
  const made = outputs.map((spec, i) => make(spec, 99 + i));
  const kernel = device.kernels[name] as unknown as AnyKernel;
  const dispatch = kernel(inputs, made.length === 1 ? made[0] : made, attrs)!;
  const shared = vi.spyOn(Pool.prototype, "run");
  dispatch.run();
  const cut = shared.mock.calls.length > 0;
  shared.mockRestore();
  const bytes = made.map((x) => device.readSync(x.buffer, 0, x.buffer.bytes));
  for (const x of made) device.free(x.buffer);
  return { bytes, cut };
}

const big = [96, 1024];
const image = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
const dilated = { ...image, padding: [2, 2], dilation: [2, 2] };
const wide = { ...image, padding: [3, 3] };
const pool = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceilMode: false };
const random = { shape: [100_000], dtype: float32, key: [1, 2], counter: 5 };
const adam = {
  ...{ lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
  ...{ decoupled: false, maximize: false, step: 1 },
};
const attention = { scale: 0.3, causal: true };
const heads = (rows: number, columns: number): Spec => ({ shape: [2, 3, rows, columns] });
const x = { shape: big };
const row = { shape: [1024] };
const spots = { shape: big, dtype: int32, below: 96 };

/** Whether sums of parts are added: then numbers agree in the last bits only. */
const cases: readonly (readonly [KernelName, readonly Spec[], readonly Spec[], unknown, sums?: true])[] = [
  ["exp", [x], [x], null],
  ["add", [x, x], [x], null],
  ["add", [x, row], [x], null],
  ["add", [x, { shape: [96, 1] }], [x], null],
  ["gt", [x, x], [{ shape: big, dtype: bool }], null],
  ["clamp", [x], [x], { min: -0.5, max: 0.5 }],
  ["addScaled", [x, x], [x], { alpha: 0.5 }],
  ["where", [{ shape: big, dtype: bool, below: 2 }, x, x], [x], null],
  ["copy", [x], [x], null],
  ["copy", [{ shape: big, strides: [1, 96] }], [x], null],
  ["copy", [{ shape: [8, 64, 12, 16], strides: [12288, 16, 1024, 1] }], [{ shape: [8, 64, 12, 16] }], null],
  ["copy", [{ shape: [6, 128, 128], strides: [16384, 1, 128] }], [{ shape: [6, 128, 128] }], null],
  ["copy", [{ shape: [64, 32, 64, 4], strides: [4, 16384, 256, 1] }], [{ shape: [64, 32, 64, 4] }], null],
  ["flip", [x], [x], { dims: [1] }],
  ["pad", [{ shape: [64, 32, 32] }], [{ shape: [64, 34, 34] }], {
    low: [0, 1, 1],
    high: [0, 1, 1],
    value: 2,
  }],
  ["searchsorted", [row, x], [{ shape: big, dtype: int32 }], { right: true }],
  ["cast", [{ shape: big, dtype: int32, below: 1000 }], [x], { dtype: float32 }],
  ["cumsum", [x], [x], { dim: 1 }],
  ["cumprod", [x], [x], { dim: 1 }],
  ["cummax", [x], [x, { shape: big, dtype: int32 }], { dim: 1 }],
  ["gather", [x, { shape: big, dtype: int32, below: 1024 }], [x], { dim: 1 }],
  ["gather", [x, spots], [x], { dim: 0 }],
  ["indexSelect", [x, { shape: [999], dtype: int32, below: 96 }], [{ shape: [999, 1024] }], { dim: 0 }],
  ["indexSelect", [x, { shape: [999], dtype: int32, below: 96 }], [{ shape: [96, 999] }], { dim: 1 }],
  ["scatter", [x, spots, x], [x], { dim: 0, reduce: "set" }],
  ["scatter", [x, spots, x], [x], { dim: 0, reduce: "sum" }],
  ["scatter", [x, spots, x], [x], { dim: 1, reduce: "sum" }],
  ["indexReduce", [x, { shape: [96], dtype: int32, below: 96 }, x], [x], { dim: 0, reduce: "set" }],
  ["indexReduce", [x, { shape: [96], dtype: int32, below: 96 }, x], [x], { dim: 0, reduce: "sum" }],
  ["indexReduce", [x, { shape: [1024], dtype: int32, below: 96 }, x], [x], { dim: 1, reduce: "sum" }],
  ["matmul", [{ shape: [128, 100] }, { shape: [100, 300] }], [{ shape: [128, 300] }], null],
  ["matmul", [{ shape: [300, 100] }, { shape: [100, 30] }], [{ shape: [300, 30] }], null],
  ["matmul", [{ shape: [64, 100] }, { shape: [100, 300], strides: [1, 100] }], [{ shape: [64, 300] }], null],
  ["matmul", [{ shape: [1, 512] }, { shape: [512, 700] }], [{ shape: [1, 700] }], null, true],
  ["matmul", [{ shape: [3, 400] }, { shape: [400, 451] }], [{ shape: [3, 451] }], null],
  ["matmul", [{ shape: [12, 40, 50] }, { shape: [12, 50, 30] }], [{ shape: [12, 40, 30] }], null],
  [
    "matmul",
    [{ shape: [64, 50], dtype: float64 }, { shape: [50, 90], dtype: float64 }],
    [{ shape: [64, 90], dtype: float64 }],
    null,
  ],
  ["linear", [{ shape: [64, 100] }, { shape: [200, 100] }, { shape: [200] }], [{ shape: [64, 200] }], null],
  ["linear", [{ shape: [300, 64] }, { shape: [90, 64] }, { shape: [90] }], [{ shape: [300, 90] }], null],
  ["linear", [{ shape: [1, 511] }, { shape: [703, 511] }, { shape: [703] }], [{ shape: [1, 703] }], null],
  ["linear", [{ shape: [3, 513] }, { shape: [701, 513] }, { shape: [701] }], [{ shape: [3, 701] }], null],
  ["matmul", [{ shape: [3, 512] }, { shape: [512, 701] }], [{ shape: [3, 701] }], null, true],
  ["matmul", [{ shape: [20, 500] }, { shape: [500, 451] }], [{ shape: [20, 451] }], null, true],
  ["matmul", [{ shape: [31, 258] }, { shape: [258, 333], strides: [1, 258] }], [{ shape: [31, 333] }], null],
  ["conv", [{ shape: [5, 3, 20, 20] }, { shape: [16, 3, 3, 3] }], [{ shape: [5, 16, 20, 20] }], image],
  ["conv", [{ shape: [1, 3, 40, 40] }, { shape: [16, 3, 3, 3] }], [{ shape: [1, 16, 40, 40] }], image],
  ["conv", [{ shape: [1, 32, 6, 6] }, { shape: [96, 32, 3, 3] }], [{ shape: [1, 96, 6, 6] }], image],
  ["conv", [{ shape: [2, 12, 20, 20] }, { shape: [12, 1, 3, 3] }], [{ shape: [2, 12, 20, 20] }], {
    ...image,
    groups: 12,
  }],
  ["convInputGrad", [{ shape: [5, 16, 20, 20] }, { shape: [16, 3, 3, 3] }], [{ shape: [5, 3, 20, 20] }], {
    ...image,
    inputSize: [20, 20],
  }],
  ["convInputGrad", [{ shape: [5, 32, 12, 12] }, { shape: [32, 16, 3, 3] }], [{ shape: [5, 16, 12, 12] }], {
    ...image,
    inputSize: [12, 12],
  }],
  ["convInputGrad", [{ shape: [1, 96, 6, 6] }, { shape: [96, 64, 3, 3] }], [{ shape: [1, 64, 6, 6] }], {
    ...image,
    inputSize: [6, 6],
  }],
  ["conv", [{ shape: [3, 16, 22, 22] }, { shape: [24, 16, 3, 3] }], [{ shape: [3, 24, 22, 22] }], image],
  ["conv", [{ shape: [2, 24, 30, 25] }, { shape: [40, 24, 3, 3] }], [{ shape: [2, 40, 30, 25] }], dilated],
  ["conv", [{ shape: [1, 24, 16, 16] }, { shape: [44, 24, 7, 7] }], [{ shape: [1, 44, 16, 16] }], wide],
  ["convInputGrad", [{ shape: [1, 40, 30, 25] }, { shape: [40, 24, 3, 3] }], [{ shape: [1, 24, 30, 25] }], {
    ...{ ...dilated, inputSize: [30, 25] },
  }],
  ["convInputGrad", [{ shape: [1, 24, 16, 16] }, { shape: [24, 44, 7, 7] }], [{ shape: [1, 44, 16, 16] }], {
    ...{ ...wide, inputSize: [16, 16] },
  }],
  ["convWeightGrad", [{ shape: [1, 40, 30, 25] }, { shape: [1, 24, 30, 25] }], [{ shape: [40, 24, 3, 3] }], {
    ...{ ...dilated, kernelSize: [3, 3] },
  }],
  ["convWeightGrad", [{ shape: [4, 20, 16, 16] }, { shape: [4, 24, 16, 16] }], [{ shape: [20, 24, 7, 7] }], {
    ...{ ...wide, kernelSize: [7, 7] },
  }, true],
  ["convInputGrad", [{ shape: [5, 32, 24, 24] }, { shape: [32, 1, 5, 5] }], [{ shape: [5, 1, 28, 28] }], {
    ...{ ...image, padding: [0, 0], inputSize: [28, 28] },
  }],
  ["convInputGrad", [{ shape: [1, 6, 40, 31] }, { shape: [6, 1, 5, 5] }], [{ shape: [1, 1, 40, 31] }], {
    ...{ ...image, padding: [2, 2], inputSize: [40, 31] },
  }],
  ["convInputGrad", [{ shape: [1, 6, 40, 31] }, { shape: [6, 1, 3, 3] }], [{ shape: [1, 1, 40, 31] }], {
    ...{ ...image, inputSize: [40, 31] },
  }],
  ["conv", [{ shape: [1, 6, 41, 30] }, { shape: [3, 6, 3, 3] }], [{ shape: [1, 3, 41, 30] }], image],
  ["conv", [{ shape: [1, 5, 40, 31] }, { shape: [2, 5, 5, 5] }], [{ shape: [1, 2, 38, 29] }], image],
  ["conv", [{ shape: [1, 9, 61, 61] }, { shape: [2, 9, 3, 3] }], [{ shape: [1, 2, 21, 21] }], {
    ...{ ...image, stride: [3, 3] },
  }],
  ["convInputGrad", [{ shape: [1, 72, 8, 8] }, { shape: [72, 72, 3, 3] }], [{ shape: [1, 72, 8, 8] }], {
    ...image,
    inputSize: [8, 8],
  }],
  ["convInputGrad", [{ shape: [4, 16, 12, 12] }, { shape: [16, 24, 3, 3] }], [{ shape: [4, 24, 14, 14] }], {
    ...image,
    padding: [0, 0],
    inputSize: [14, 14],
  }],
  ["convWeightGrad", [{ shape: [6, 16, 20, 20] }, { shape: [6, 16, 20, 20] }], [{ shape: [16, 16, 3, 3] }], {
    ...image,
    kernelSize: [3, 3],
  }, true],
  ["convWeightGrad", [{ shape: [6, 16, 20, 20] }, { shape: [6, 3, 20, 20] }], [{ shape: [16, 3, 3, 3] }], {
    ...image,
    kernelSize: [3, 3],
  }, true],
  ["convWeightGrad", [{ shape: [1, 16, 20, 20] }, { shape: [1, 7, 20, 20] }], [{ shape: [16, 7, 5, 5] }], {
    ...image,
    padding: [2, 2],
    kernelSize: [5, 5],
  }],
  ["convInputGrad", [{ shape: [1, 16, 20, 20] }, { shape: [16, 6, 4, 4] }], [{ shape: [1, 6, 40, 40] }], {
    ...image,
    stride: [2, 2],
    inputSize: [40, 40],
  }],
  ["convWeightGrad", [{ shape: [1, 16, 40, 40] }, { shape: [1, 2, 40, 40] }], [{ shape: [16, 2, 3, 3] }], {
    ...image,
    kernelSize: [3, 3],
  }, true],
  ["maxPool", [{ shape: [4, 8, 30, 30] }], [{ shape: [4, 8, 15, 15] }, {
    shape: [4, 8, 15, 15],
    dtype: int32,
  }], pool],
  ["maxPoolValues", [{ shape: [4, 8, 30, 30] }], [{ shape: [4, 8, 15, 15] }], pool],
  [
    "maxPoolBackward",
    [{ shape: [4, 8, 15, 15] }, { shape: [4, 8, 15, 15], dtype: int32, below: 900 }],
    [{ shape: [4, 8, 30, 30] }],
    { inputSize: [30, 30] },
  ],
  ["avgPool", [{ shape: [4, 8, 30, 30] }], [{ shape: [4, 8, 15, 15] }], {
    ...pool,
    countIncludePad: true,
    divisor: null,
  }],
  ["softmax", [x], [x], { dim: 1 }],
  ["logSoftmax", [{ shape: [8, 50, 64] }], [{ shape: [8, 50, 64] }], { dim: 1 }],
  ["softmaxBackward", [x, x], [x], { dim: 1 }],
  ["softmax", [x], [x], { dim: 0 }],
  ["logSoftmaxBackward", [x, x], [x], { dim: 0 }],
  [
    "groupNorm",
    [{ shape: [8, 6, 4, 100] }, { shape: [6, 4] }, { shape: [6, 4] }],
    [{ shape: [8, 6, 4, 100] }, { shape: [8, 6, 1, 1] }, { shape: [8, 6, 1, 1] }],
    { eps: 1e-5 },
  ],
  [
    "groupNormBackward",
    [
      { shape: [8, 6, 4, 100] },
      { shape: [8, 6, 4, 100] },
      { shape: [6, 4] },
      ...[0, 1].map(() => ({ shape: [8, 6, 1, 1] })),
    ],
    [{ shape: [8, 6, 4, 100] }, { shape: [6, 4] }, { shape: [6, 4] }],
    null,
    true,
  ],
  ["batchNorm", [x, row, row], [x, row, row], { eps: 1e-5 }],
  ["batchNormBackward", [x, x, row, row, row], [x, row, row], null],
  ["layerNorm", [x, row, row], [x, { shape: [96, 1] }, { shape: [96, 1] }], { eps: 1e-5 }],
  ["layerNormBackward", [x, x, row, { shape: [96, 1] }, { shape: [96, 1] }], [x, row, row], null, true],
  [
    "batchNorm",
    [{ shape: [8, 12, 200] }, { shape: [12] }, { shape: [12] }],
    [{ shape: [8, 12, 200] }, { shape: [12] }, { shape: [12] }],
    { eps: 1e-5 },
  ],
  [
    "batchNormBackward",
    [{ shape: [8, 12, 200] }, { shape: [8, 12, 200] }, { shape: [12] }, { shape: [12] }, { shape: [12] }],
    [{ shape: [8, 12, 200] }, { shape: [12] }, { shape: [12] }],
    null,
  ],
  ...(["mean", "none"] as const).flatMap((reduction): typeof cases =>
    [[60, 101], [2, 9, 20, 33]].flatMap((shape): typeof cases => {
      const each = { shape: [shape[0]!, ...shape.slice(2)] };
      const loss = reduction === "none" ? each : { shape: [] };
      const target = { ...each, dtype: int32, below: shape[1]! };
      const attrs = { reduction, ignoreIndex: 3, smoothing: 0.1 };
      const call = ["crossEntropy", [{ shape }, target], [loss, each, each, { shape: [] }], attrs] as const;
      return [
        reduction === "mean" ? [...call, true] : call,
        ["crossEntropyBackward", [loss, { shape }, target, each, each, { shape: [] }], [{ shape }], attrs],
      ];
    })
  ),
  ["attention", [heads(20, 16), heads(24, 16), heads(24, 8)], [heads(20, 8), heads(20, 1)], attention],
  [
    "attentionBackward",
    [heads(20, 8), heads(20, 16), heads(24, 16), heads(24, 8), heads(20, 1), heads(20, 1)],
    [heads(20, 16), heads(24, 16), heads(24, 8)],
    attention,
  ],
  ["sum", [x], [row], { dims: [0], keepdim: false }],
  ["sum", [x], [{ shape: [96] }], { dims: [1], keepdim: false }],
  ["amax", [x], [row], { dims: [0], keepdim: false }],
  ["argmax", [x], [{ shape: [96], dtype: int32 }], { dim: 1, keepdim: false }],
  ["argmax", [x], [{ shape: [1024], dtype: int32 }], { dim: 0, keepdim: false }],
  [
    "dropout",
    [{ shape: [100_000] }],
    [{ shape: [100_000] }, { shape: [100_000], dtype: bool }],
    { key: [1, 2], counter: 7, p: 0.3, scale: 2 },
  ],
  ["cumsum", [x], [x], { dim: 0 }],
  ["cumsum", [x], [x], { dim: 1 }],
  ["randomUniform", [], [{ shape: [100_000] }], random],
  ["randomNormal", [], [{ shape: [100_000] }], random],
  ["randomInt", [], [{ shape: [100_000], dtype: int32 }], { ...random, dtype: int32, low: -5, high: 1000 }],
  ["adamStep", [x, x, x, x], [x, x, x], adam],
];

test.skipIf(!canShareMemory())("threads: every family gives what one thread gives", async () => {
  expect(device.numThreads).toBe(3);
  for (let round = 0; round < 2; round++) {
    for (const [name, inputs, outputs, attrs, sums] of cases) {
      const operands = inputs.map(make);
      const label = `${name} ${inputs.map((spec) => `[${spec.shape}]`).join(" ")}, round ${round}`;
      const one = results(1, name, operands, outputs, attrs);
      const three = results(3, name, operands, outputs, attrs);
      expect([one.cut, three.cut], label).toEqual([false, true]);
      if (sums === undefined) expect(three.bytes.map(Buffer.from), label).toEqual(one.bytes.map(Buffer.from));
      else {
        one.bytes.forEach((bytes, i) => {
          const a = new Float32Array(bytes.buffer);
          const b = new Float32Array(three.bytes[i]!.buffer);
          const far = a.findIndex((value, at) => Math.abs(value - b[at]!) > 1e-4 * (1 + Math.abs(value)));
          expect(far, label).toBe(-1);
        });
        const again = results(3, name, operands, outputs, attrs);
        expect(again.bytes.map(Buffer.from), label).toEqual(three.bytes.map(Buffer.from));
      }
      for (const operand of operands) device.free(operand.buffer);
    }
    // Workers start while the event loop turns; the second round runs with them.
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
});

/** Products that take less than waking a thread. */
const quick: readonly (readonly [KernelName, readonly Spec[], Spec])[] = [
  ["linear", [{ shape: [1, 784] }, { shape: [256, 784] }, { shape: [256] }], { shape: [1, 256] }],
  ["linear", [{ shape: [2, 301] }, { shape: [299, 301] }, { shape: [299] }], { shape: [2, 299] }],
  ["matmul", [{ shape: [1, 300] }, { shape: [300, 301] }], { shape: [1, 301] }],
  ["matmul", [{ shape: [4, 200] }, { shape: [200, 224] }], { shape: [4, 224] }],
  ["matmul", [{ shape: [64, 64] }, { shape: [64, 64] }], { shape: [64, 64] }],
];

test.skipIf(!canShareMemory())("threads: quick products, too, give what one thread gives", () => {
  cutting.least = least;
  try {
    for (const [name, inputs, output] of quick) {
      const operands = inputs.map(make);
      const label = `${name} ${inputs.map((spec) => `[${spec.shape}]`).join(" ")}`;
      const one = results(1, name, operands, [output], null);
      expect(one.cut, label).toBe(false);
      for (let i = 0; i < 40; i++) {
        const three = results(3, name, operands, [output], null);
        expect(three.cut, label).toBe(true);
        expect(three.bytes.map(Buffer.from), label).toEqual(one.bytes.map(Buffer.from));
      }
      for (const operand of operands) device.free(operand.buffer);
    }
  } finally {
    cutting.least = 500;
  }
});

test.skipIf(!canShareMemory())("threads: an index out of range is found by any part", () => {
  device.numThreads = 3;
  const g = make({ shape: [4, 8, 15, 15] }, 1);
  const places = make({ shape: [4, 8, 15, 15], dtype: int32, below: 900 }, 2);
  const bad = new Int32Array([900]);
  device.write(places.buffer, (4 * 8 * 15 * 15 - 7) * 4, new Uint8Array(bad.buffer));
  const out = make({ shape: [4, 8, 30, 30] }, 3);
  const dispatch = device.kernels.maxPoolBackward!([g, places], out, { inputSize: [30, 30] })!;
  expect(() => device.run(dispatch)).toThrow("places must be in the range [0, 900), got 900");

  const from = make(x, 4);
  for (const dim of [0, 1]) {
    const index = make(spots, 5);
    device.write(index.buffer, (70 * 1024 + 1000) * 4, new Uint8Array(new Int32Array([5000]).buffer));
    const words = `index 5000 is out of bounds for dimension ${dim} with size ${big[dim]}`;
    const gather = device.kernels.gather!([from, index], make(x, 6), { dim })!;
    expect(() => device.run(gather)).toThrow(words);
    const before = device.readSync(from.buffer, 0, from.buffer.bytes);
    const scatter = device.kernels.scatter!([from, index, make(x, 7)], from, { dim, reduce: "sum" })!;
    expect(() => device.run(scatter)).toThrow(words);
    expect(Buffer.from(device.readSync(from.buffer, 0, from.buffer.bytes))).toEqual(Buffer.from(before));
    expect(device.areInside!(index, 5000)).toBe(false);
    expect(device.areInside!(index, 5001)).toBe(true);
  }
});

test.skipIf(!canShareMemory())(
  "threads: memory that grows is seen by workers, reads and writes are plain bytes",
  () => {
    device.numThreads = 3;
    const held = device.allocate(64 * 2 ** 20);
    const x = make({ shape: [300_000] }, 5);
    const y = make({ shape: [300_000] }, 6);
    device.run(device.kernels.neg!([x], y, null)!);
    const bytes = device.readSync(y.buffer, 0, 1_200_000);
    expect(bytes.buffer).toBeInstanceOf(ArrayBuffer);
    const values = new Float32Array(bytes.buffer);
    const source = new Float32Array(device.readSync(x.buffer, 0, 1_200_000).buffer);
    expect(values.findIndex((value, i) => value !== -source[i]!)).toBe(-1);
    expect(new TextDecoder().decode(device.readSync(held, 0, 0))).toBe("");
    for (const buffer of [held, x.buffer, y.buffer]) device.free(buffer);
  },
);

test("threads: numbers that make no sense are brought into range; 0 shares nothing", () => {
  const alone: WasmBackend = createWasmBackend({ fallback: hostKernels, threads: 0 });
  alone.numThreads = 4;
  expect(alone.numThreads).toBe(1);
  if (!canShareMemory()) return;
  const many = createWasmBackend({ fallback: hostKernels, threads: 1000 });
  expect(many.numThreads).toBe(64);
  many.numThreads = 0;
  expect(many.numThreads).toBe(1);
});

test.skipIf(!canShareMemory())(
  "threads: a worker that cannot start costs its share and one warning",
  () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const host = globalThis as { process: { getBuiltinModule: unknown } };
    const before = host.process.getBuiltinModule;
    host.process.getBuiltinModule = () => ({
      Worker: class {
        constructor() {
          throw new Error("no threads left");
        }
      },
    });
    try {
      const lone = createWasmBackend({ fallback: hostKernels, threads: 3 });
      const buffers = [1, 2].map(() => lone.allocate(400_000));
      const [a, o] = buffers.map((buffer): Operand => ({
        buffer,
        shape: [100_000],
        strides: [1],
        offset: 0,
        dtype: float32,
      })) as [Operand, Operand];
      for (let i = 0; i < 3; i++) lone.run(lone.kernels.exp([a], o, null)!);
      expect(new Float32Array(lone.readSync(o.buffer, 0, 4).buffer)[0]).toBe(1);
      expect(lone.numThreads).toBe(1);
      expect(warn).toHaveBeenCalledTimes(1);
      expect(String(warn.mock.calls[0])).toContain("no threads left");
    } finally {
      host.process.getBuiltinModule = before;
      warn.mockRestore();
    }
  },
);

test.skipIf(!("Deno" in globalThis))(
  "threads: a program with workers needs no permission and ends by itself",
  () => {
    const program = fileURLToPath(new URL("./testdata/threads_program.ts", import.meta.url));
    const out = execFileSync(process.execPath, ["run", "--no-prompt", program], { timeout: 30_000 });
    expect(out.toString().trim()).toBe("done 2");
  },
);
