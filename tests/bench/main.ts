/**
 * Measures the kernels of the CPU device as a share of what the machine can do.
 *
 * Products and convolutions are compared with multiply-adds on registers, the rest with the copying of memory: the bytes
 * that an operation must at least read and write, against `memory.copy` of as much: out of the second cache up to half a
 * MiB, out of the last one up to 24 MiB, else out of DRAM. An operation that reads more than it writes may be above that.
 * Times are the least and the median of many runs; other work on the machine only ever adds.
 *
 * Operations that do little but read, and additions and relu, are compared with bare loops too: WebAssembly without a
 * library around it, over the same buffers, in turns with the kernel. The fastest of several forms counts. With several
 * threads there are none: a bare loop has one. Rows like `a.add(b)` are whole calls, each of which makes a new tensor.
 *
 * Run: `deno task bench [--json] [--threads=1] [--build=simd] [--match=conv,pool] [--budget=200]`.
 *
 * @module
 */

import process from "node:process";
import {
  bfloat16,
  bool,
  type Buffer,
  type DType,
  float16,
  float32,
  float64,
  int32,
  type KernelName,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { bestBuild, createWasmBackend, type WasmBuild } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { ones, registerBackend, type Tensor } from "@flambeau/tensor";
import { bareLoops, type BareName, fastest, measureLimits, race, type Times } from "./limits.ts";

const options = new Map(
  process.argv.slice(2).map((argument) => {
    const [, name, value] = /^--(\w+)(?:=(.*))?$/.exec(argument) ?? [];
    return [name ?? "", value ?? ""] as const;
  }),
);
const build = (options.get("build") ?? bestBuild()) as WasmBuild;
const threads = Number(options.get("threads") ?? 1);
const budget = Number(options.get("budget") ?? 200);

/** What `make` makes, and the first memory that is made meanwhile: devices do not show theirs. */
function withMemory<T>(make: () => T): [T, WebAssembly.Memory] {
  const { Memory } = WebAssembly;
  let memory: WebAssembly.Memory | undefined;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args: [WebAssembly.MemoryDescriptor]) {
      const made = new target(...args);
      memory ??= made;
      return made;
    },
  });
  const made = make();
  WebAssembly.Memory = Memory;
  return [made, memory!];
}

const [device, memory] = withMemory(() => createWasmBackend({ fallback: hostKernels, build, threads }));

interface Spec {
  readonly shape: Shape;
  readonly dtype?: DType;
  /** The last two dimensions lie exchanged in memory. */
  readonly turned?: boolean;
  /** So many elements lie between neighbours, and after each row: a part of a larger matrix. Default 1 and 0. */
  readonly step?: number;
  readonly gap?: number;
  /** Steps, where they are not those of dense rows. */
  readonly strides?: Shape;
  /** No element is below 0. */
  readonly positive?: boolean;
  /** Every int32 is below this. */
  readonly below?: number;
  /** Value of every int32; 0 by default. */
  readonly fill?: (i: number) => number;
}
/** One measurement: a primitive, its operands, and what it must at least do. */
interface Row {
  readonly name: string;
  readonly primitive: KernelName;
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly attrs?: unknown;
  /** Floating-point operations; bytes of the operands count where there are none. */
  readonly flops?: number;
  /** Bytes that are read and written, where these are not all of the operands. */
  readonly bytes?: number;
  /** Inputs that are the outputs. */
  readonly inPlace?: readonly number[];
  /** The bare loop that does the same: over all bytes of the first input. */
  readonly bare?: BareName;
  /** The row before that this one belongs to: `--match` takes both. */
  readonly of?: string;
}

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

function make(spec: Spec, seed: number): Operand {
  const { shape, dtype = float32, turned = false, step = 1, gap = 0, fill } = spec;
  const last = turned ? shape.at(-2) : shape.at(-1);
  const run = (last ?? 1) * step + gap;
  const n = step === 1 && gap === 0 ? sizeOf(shape) : sizeOf(shape) / last! * run;
  const bytes = new Uint8Array(n * dtype.itemsize);
  if (dtype === float32) {
    const view = new Float32Array(bytes.buffer);
    const from = spec.positive ? 0.0005 : -1;
    for (let i = 0; i < n; i++) view[i] = (((i + seed) * 7919) % 2003) / 1000 + from;
  } else if (dtype === int32 && spec.below !== undefined) {
    const view = new Int32Array(bytes.buffer);
    for (let i = 0; i < n; i++) view[i] = ((i + seed) * 7919) % spec.below;
  }
  if (fill !== undefined) new Int32Array(bytes.buffer).forEach((_, i, view) => view[i] = fill(i));
  const buffer = device.allocate(bytes.length);
  device.write(buffer, 0, bytes);
  const strides = shape.map((_, d) => sizeOf(shape.slice(d + 1)));
  if (turned) strides.splice(-2, 2, step, run);
  else if (gap > 0 || step > 1) strides.splice(-2, 2, run, step);
  return { buffer, shape, strides: spec.strides ?? strides, offset: 0, dtype };
}

/** Where a buffer of the device begins in its memory. */
function addressOf(buffer: Buffer): number {
  return (buffer as unknown as { readonly ptr: number }).ptr;
}

const f = (...shape: number[]): Spec => ({ shape });
const M = 1 << 20;

/** How the operands of a product lie. */
interface Lie {
  readonly x?: Omit<Spec, "shape">;
  readonly w?: Omit<Spec, "shape">;
}
const turned = { turned: true };
const lies: Readonly<Record<string, Lie>> = {
  "": {},
  ", x Wᵀ": { w: turned },
  ", xᵀ W": { x: turned },
  ", xᵀ Wᵀ": { x: turned, w: turned },
  ", rows of wider matrices": { x: { gap: 13 }, w: { gap: 13 } },
  ", every second column": { x: { step: 2 }, w: { step: 2 } },
};

function product(m: number, k: number, n: number, lie = ""): Row {
  const { x, w } = lies[lie]!;
  return {
    name: `matmul ${m} × ${k} × ${n}${lie}`,
    primitive: "matmul",
    inputs: [{ shape: [m, k], ...x }, { shape: [k, n], ...w }],
    outputs: [f(m, n)],
    attrs: null,
    flops: 2 * m * k * n,
  };
}

/** x Wᵀ + b. */
function linear(m: number, k: number, n: number): Row {
  return {
    name: `matmul ${m} × ${k} × ${n}, x Wᵀ + b`,
    primitive: "linear",
    inputs: [f(m, k), f(n, k), f(n)],
    outputs: [f(m, n)],
    attrs: null,
    flops: 2 * m * k * n,
  };
}

/** A convolution and its gradients. */
function convolutions(
  name: string,
  [n, c, size]: readonly [n: number, c: number, size: number],
  [o, kernel]: readonly [o: number, kernel: number],
  { stride = 1, padding = 0, groups = 1, dilation = 1, rank = 2 } = {},
): Row[] {
  const out = Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const pair = (x: number): number[] => new Array(rank).fill(x);
  const attrs = { stride: pair(stride), padding: pair(padding), dilation: pair(dilation), groups };
  const [x, w, y] = [f(n, c, ...pair(size)), f(o, c / groups, ...pair(kernel)), f(n, o, ...pair(out))];
  const flops = 2 * sizeOf(y.shape) * sizeOf(w.shape.slice(1));
  return [
    { name: `conv ${name}`, primitive: "conv", inputs: [x, w], outputs: [y], attrs, flops },
    {
      name: `… gradient of the input`,
      of: `conv ${name}`,
      primitive: "convInputGrad",
      inputs: [y, w],
      outputs: [x],
      attrs: { ...attrs, inputSize: pair(size) },
      flops,
    },
    {
      name: `… gradient of the weight`,
      of: `conv ${name}`,
      primitive: "convWeightGrad",
      inputs: [y, x],
      outputs: [w],
      attrs: { ...attrs, kernelSize: pair(kernel) },
      flops,
    },
  ];
}

const row = (
  name: string,
  primitive: KernelName,
  inputs: readonly Spec[],
  outputs: readonly Spec[],
  attrs: unknown = null,
): Row => ({ name, primitive, inputs, outputs, attrs });

/** A row that a bare loop is measured beside. */
const beside = (bare: BareName, of: Row): Row => ({ ...of, bare });

/** A reduction of `n` rows of `columns`. */
const along = (name: "sum" | "amax", n: number, columns: number): Row =>
  beside(
    "read",
    row(`${name} axis 1, ${n === columns ? `${n}²` : `${n} × ${columns}`}`, name, [f(n, columns)], [f(n)], {
      dims: [1],
      keepdim: false,
    }),
  );

/** A reduction of all rows of a square to one. */
const across = (name: "sum" | "amax"): Row =>
  beside("read", row(`${name} axis 0, 1024²`, name, [square], [line], { dims: [0], keepdim: false }));

/** Pooling of images to `out` × `out`, and its gradients. */
function pools(name: string, x: Shape, out: number, attrs: typeof pool): Row[] {
  const y = f(x[0]!, x[1]!, out, out);
  const inputSize = x.slice(2);
  const [width, step] = [inputSize[1]!, attrs.stride[0]!];
  const place = (i: number): number => (Math.floor(i / out) % out) * step * width + (i % out) * step;
  const places: Spec = { shape: y.shape, dtype: int32, fill: place };
  const mean = { ...attrs, countIncludePad: true, divisor: null };
  return [
    row(`max-pool ${name}`, "maxPool", [f(...x)], [y, places], attrs),
    row(`max-pool values ${name}`, "maxPoolValues", [f(...x)], [y], attrs),
    row("… gradient", "maxPoolBackward", [y, places], [f(...x)], { inputSize }),
    row(`average pool ${name}`, "avgPool", [f(...x)], [y], mean),
    row("… gradient", "avgPoolBackward", [y], [f(...x)], { ...mean, inputSize }),
  ];
}

const i32 = (...shape: number[]): Spec => ({ shape, dtype: int32, below: 1000 });
const words: Spec = { shape: [1024], dtype: int32, below: 50000 };
const indices: Spec = { shape: [1024], dtype: int32, below: 1024 };
const square = f(1024, 1024);
const line = f(1024);
const pool = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceilMode: false };
const random = { shape: [M], dtype: float32, key: [1, 2], counter: 0 };
const adam = {
  ...{ lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
  ...{ decoupled: false, maximize: false, step: 1 },
};

/** Attention and its gradients; with a causal mask only what is seen counts. */
function attentions(name: string, sizes: readonly [number, number, number, number], causal: boolean): Row[] {
  const [b, h, t, d] = sizes;
  const [x, sums] = [f(...sizes), f(b, h, t, 1)];
  const attrs = { scale: 1 / Math.sqrt(d), causal };
  const flops = 2 * b * h * d * (causal ? t * (t + 1) / 2 : t * t);
  return [
    {
      name: `attention ${name}`,
      primitive: "attention",
      inputs: [x, x, x],
      outputs: [x, sums],
      attrs,
      flops: 2 * flops,
    },
    {
      name: "… its gradients",
      primitive: "attentionBackward",
      inputs: [x, x, x, x, sums, sums],
      outputs: [x, x, x],
      attrs,
      flops: 5 * flops,
    },
  ];
}

const rows: readonly Row[] = [
  ...[16, 32, 64, 128, 256, 512, 1024, 2048].map((n) => product(n, n, n)),
  ...Object.keys(lies).slice(1).map((lie) => product(512, 512, 512, lie)),
  product(2048, 2048, 2048, ", x Wᵀ"),
  // What the layers of training steps multiply, and their gradients.
  product(64, 784, 512),
  product(64, 784, 512, ", x Wᵀ"),
  linear(64, 784, 256),
  linear(64, 256, 128),
  linear(64, 128, 10),
  product(64, 128, 256),
  product(256, 64, 784, ", xᵀ W"),
  product(1024, 128, 512, ", x Wᵀ"),
  product(1024, 512, 128),
  product(128, 1024, 512, ", xᵀ W"),
  product(1, 4096, 4096),
  product(1, 4096, 4096, ", x Wᵀ"),
  product(4, 1024, 1024),
  product(4, 1024, 1024, ", x Wᵀ"),
  product(16, 1024, 1024),
  product(16, 1024, 1024, ", x Wᵀ"),
  {
    name: "matmul 32 × (128 × 64 × 128)",
    primitive: "matmul",
    inputs: [f(32, 128, 64), f(32, 64, 128)],
    outputs: [f(32, 128, 128)],
    attrs: null,
    flops: 2 * 32 * 128 * 64 * 128,
  },
  ...convolutions("64 → 64, 56², 3×3", [1, 64, 56], [64, 3], { padding: 1 }),
  ...convolutions("256 → 256, 14², 3×3", [1, 256, 14], [256, 3], { padding: 1 }),
  ...convolutions("3 → 64, 224², 7×7 by 2", [1, 3, 224], [64, 7], { padding: 3, stride: 2 }),
  ...convolutions("256 → 64, 56², 1×1", [1, 256, 56], [64, 1]),
  ...convolutions("depthwise 128, 56², 3×3", [1, 128, 56], [128, 3], { padding: 1, groups: 128 }),
  ...convolutions("64 × (1 → 32, 28², 5×5)", [64, 1, 28], [32, 5]),
  ...convolutions("64 × (32 → 64, 26², 3×3)", [64, 32, 26], [64, 3]),
  ...convolutions("64 × (1 → 32, 28², 3×3)", [64, 1, 28], [32, 3]),
  ...convolutions("64 → 128, 56², 3×3 by 2", [1, 64, 56], [128, 3], { padding: 1, stride: 2 }),
  ...convolutions("64 → 64, 56², 3×3, dilated by 2", [1, 64, 56], [64, 3], { padding: 2, dilation: 2 }),
  ...convolutions("64 → 64, 56², 3×3, 4 groups", [1, 64, 56], [64, 3], { padding: 1, groups: 4 }),
  ...convolutions("128 → 128, 28², 3×3, 4 groups", [1, 128, 28], [128, 3], { padding: 1, groups: 4 }),
  ...convolutions("64 → 64, 28², 5×5", [1, 64, 28], [64, 5], { padding: 2 }),
  ...convolutions("64 → 64, 28², 7×7", [1, 64, 28], [64, 7], { padding: 3 }),
  ...convolutions("32 → 32, 56², 9×9", [1, 32, 56], [32, 9], { padding: 4 }),
  ...convolutions("64 → 64, 33², 3×3, dilated by 6", [1, 64, 33], [64, 3], { padding: 6, dilation: 6 }),
  ...convolutions("3 → 32, 224², 3×3 by 2", [1, 3, 224], [32, 3], { padding: 1, stride: 2 }),
  ...convolutions("256 → 512, 56², 1×1 by 2", [1, 256, 56], [512, 1], { stride: 2 }),
  ...convolutions("8 × (64 → 64, 1024, 3)", [8, 64, 1024], [64, 3], { padding: 1, rank: 1 }),
  ...convolutions("128 ← 64, 28², 4×4 by 2, transposed", [1, 64, 56], [128, 4], { padding: 1, stride: 2 }),
  ...convolutions("depthwise 128, 56², 3×3 by 2", [1, 128, 56], [128, 3], {
    ...{ padding: 1, groups: 128, stride: 2 },
  }),
  ...convolutions("depthwise 128, 28², 5×5", [1, 128, 28], [128, 5], { padding: 2, groups: 128 }),
  // The first, the middle and the last of MobileNet's.
  ...convolutions("depthwise 32, 112², 3×3", [1, 32, 112], [32, 3], { padding: 1, groups: 32 }),
  ...convolutions("depthwise 144, 56², 3×3 by 2", [1, 144, 56], [144, 3], {
    ...{ padding: 1, groups: 144, stride: 2 },
  }),
  ...convolutions("depthwise 576, 14², 3×3 by 2", [1, 576, 14], [576, 3], {
    ...{ padding: 1, groups: 576, stride: 2 },
  }),
  ...convolutions("depthwise 960, 7², 3×3", [1, 960, 7], [960, 3], { padding: 1, groups: 960 }),
  ...convolutions("8 × depthwise 960, 7², 3×3", [8, 960, 7], [960, 3], { padding: 1, groups: 960 }),
  // EfficientNet's.
  ...convolutions("depthwise 144, 56², 5×5 by 2", [1, 144, 56], [144, 5], {
    ...{ padding: 2, groups: 144, stride: 2 },
  }),
  ...convolutions("depthwise 672, 14², 5×5 by 2", [1, 672, 14], [672, 5], {
    ...{ padding: 2, groups: 672, stride: 2 },
  }),
  ...convolutions("depthwise 1152, 7², 5×5", [1, 1152, 7], [1152, 5], { padding: 2, groups: 1152 }),
  ...convolutions("depthwise 128, 56², 3×3 by 3", [1, 128, 56], [128, 3], { groups: 128, stride: 3 }),
  ...attentions("8 × 8 × 256 × 64", [8, 8, 256, 64], false),
  ...attentions("16 × 4 × 64 × 32", [16, 4, 64, 32], false),
  ...attentions("16 × 4 × 64 × 32, causal", [16, 4, 64, 32], true),
  ...[M, 16 * M].flatMap((n) => [
    beside("add", row(`add ${n / M} M`, "add", [f(n), f(n)], [f(n)])),
    beside("relu", row(`relu ${n / M} M`, "relu", [f(n)], [f(n)])),
  ]),
  row("add a row, 1024²", "add", [square, line], [square]),
  row("add a column, 1024²", "add", [square, f(1024, 1)], [square]),
  ...(["exp", "tanh", "sigmoid", "silu", "erf", "sin", "cos", "exp2", "expm1"] as const).map((name) =>
    row(`${name} 1 M`, name, [f(M)], [f(M)])
  ),
  ...(["log", "log2", "log1p", "sqrt", "rsqrt"] as const).map((name) =>
    row(`${name} 1 M`, name, [{ shape: [M], positive: true }], [f(M)])
  ),
  row("pow 1 M", "pow", [{ shape: [M], positive: true }, f(M)], [f(M)]),
  row("clamp 1 M", "clamp", [f(M)], [f(M)], { min: -0.5, max: 0.5 }),
  row("where 1 M", "where", [{ shape: [M], dtype: bool }, f(M), f(M)], [f(M)]),
  row("add int32 1 M", "add", [i32(M), i32(M)], [i32(M)]),
  ...([
    [float32, float16],
    [float16, float32],
    [float32, bfloat16],
    [bfloat16, float32],
    [int32, float32],
    [
      float32,
      int32,
    ],
    [bool, float32],
    [float32, float64],
    [float64, float32],
  ] as const).map(([from, to]) =>
    row(`${from.name} → ${to.name} 1 M`, "cast", [{ shape: [M], dtype: from }], [{ shape: [M], dtype: to }])
  ),
  row("gelu 1 M", "gelu", [f(M)], [f(M)], { approximate: "none" }),
  row("gelu (tanh) 1 M", "gelu", [f(M)], [f(M)], { approximate: "tanh" }),
  row("gelu (tanh) gradient 1 M", "geluBackward", [f(M), f(M)], [f(M)], { approximate: "tanh" }),
  row("gt 1 M", "gt", [f(M), f(M)], [{ shape: [M], dtype: bool }]),
  ...(["sum", "amax"] as const).flatMap((name) => [
    beside("read", row(`${name} 1 M`, name, [f(M)], [f()], { dims: [0], keepdim: false })),
    across(name),
    ...[1024, 768, 100, 64, 16].map((columns) =>
      along(name, M / 2 ** Math.ceil(Math.log2(columns)), columns)
    ),
  ]),
  row("argmax axis 0, 1024²", "argmax", [square], [{ shape: [1024], dtype: int32 }], {
    dim: 0,
    keepdim: false,
  }),
  row("argmax axis 1, 1024²", "argmax", [square], [{ shape: [1024], dtype: int32 }], {
    dim: 1,
    keepdim: false,
  }),
  row("softmax 1024²", "softmax", [square], [square], { dim: 1 }),
  row("softmax axis 0, 1024²", "softmax", [square], [square], { dim: 0 }),
  row("logSoftmax 1024²", "logSoftmax", [square], [square], { dim: 1 }),
  row("log-softmax 1024²", "logSoftmax", [square], [square], { dim: 1 }),
  row("softmax gradient 1024²", "softmaxBackward", [square, square], [square], { dim: 1 }),
  row("softmax gradient axis 0, 1024²", "softmaxBackward", [square, square], [square], { dim: 0 }),
  row("logSoftmax gradient 1024²", "logSoftmaxBackward", [square, square], [square], { dim: 1 }),
  row("logSoftmax 1024 × 10000", "logSoftmax", [f(1024, 10000)], [f(1024, 10000)], { dim: 1 }),
  row("logSoftmax 64 × 10", "logSoftmax", [f(64, 10)], [f(64, 10)], { dim: 1 }),
  row("cumsum 1024²", "cumsum", [square], [square], { dim: 1 }),
  row("sort 1024²", "sort", [square], [square, { ...square, dtype: int32 }], { dim: 1, descending: false }),
  row("sort 1 M", "sort", [f(M)], [f(M), { shape: [M], dtype: int32 }], { dim: 0, descending: false }),
  row("topk 10 of 1024²", "topk", [square], [f(1024, 10), { shape: [1024, 10], dtype: int32 }], {
    ...{ k: 10, dim: 1, largest: true, sorted: true },
  }),
  row("layer norm 1024 × 768", "layerNorm", [f(1024, 768), f(768), f(768)], [
    ...[f(1024, 768), f(1024, 1), f(1024, 1)],
  ], { eps: 1e-5 }),
  row("layer norm gradient", "layerNormBackward", [
    ...[f(1024, 768), f(1024, 768), f(768), f(1024, 1), f(1024, 1)],
  ], [f(1024, 768), f(768), f(768)]),
  row("batch norm 32 × 64 × 28²", "batchNorm", [f(32, 64, 784), f(64), f(64)], [
    ...[f(32, 64, 784), f(64), f(64)],
  ], { eps: 1e-5 }),
  row("batch norm gradient", "batchNormBackward", [
    ...[f(32, 64, 784), f(32, 64, 784), f(64), f(64), f(64)],
  ], [f(32, 64, 784), f(64), f(64)]),
  row("batch norm 256 × 512", "batchNorm", [f(256, 512), f(512), f(512)], [
    ...[f(256, 512), f(512), f(512)],
  ], { eps: 1e-5 }),
  row("batch norm gradient 256 × 512", "batchNormBackward", [
    ...[f(256, 512), f(256, 512), f(512), f(512), f(512)],
  ], [f(256, 512), f(512), f(512)]),
  row("group norm 32 × 64 × 28² in 8 groups", "groupNorm", [f(32, 8, 8, 784), f(8, 8), f(8, 8)], [
    ...[f(32, 8, 8, 784), f(32, 8, 1, 1), f(32, 8, 1, 1)],
  ], { eps: 1e-5 }),
  row("group norm gradient", "groupNormBackward", [
    ...[f(32, 8, 8, 784), f(32, 8, 8, 784), f(8, 8), f(32, 8, 1, 1), f(32, 8, 1, 1)],
  ], [f(32, 8, 8, 784), f(8, 8), f(8, 8)]),
  row("logSoftmax gradient 1024 × 10000", "logSoftmaxBackward", [f(1024, 10000), f(1024, 10000)], [
    f(1024, 10000),
  ], { dim: 1 }),
  ...pools("2×2, 64 × 32 × 24²", [64, 32, 24, 24], 12, pool),
  ...pools("3×3 by 2, 64 × 112²", [1, 64, 112, 112], 56, { ...pool, kernelSize: [3, 3], padding: [1, 1] }),
  row("copy 4 M", "copy", [f(4 * M)], [f(4 * M)]),
  row("transpose 2048²", "copy", [{ shape: [2048, 2048], turned: true }], [f(2048, 2048)]),
  row("permute 16 × 128 × 12 × 64 → 16 × 12 × 128 × 64", "copy", [
    { shape: [16, 12, 128, 64], strides: [128 * 768, 64, 768, 1] },
  ], [f(16, 12, 128, 64)]),
  row("permute 32 × 64 × 28² → 32 × 28² × 64", "copy", [{ shape: [32, 784, 64], turned: true }], [
    f(32, 784, 64),
  ]),
  row("copy each second column", "copy", [{ shape: [1024, 512], strides: [1024, 2] }], [f(1024, 512)]),
  row("concat 2 × 1024², axis 1", "concat", [square, square], [f(1024, 2048)], { dim: 1 }),
  row("pad 1 around 64 × 32 × 56²", "pad", [f(64, 32, 56, 56)], [f(64, 32, 58, 58)], {
    ...{ low: [0, 0, 1, 1], high: [0, 0, 1, 1], value: 0 },
  }),
  {
    ...row("embedding 1024 of 50000 × 768", "indexSelect", [f(50000, 768), words], [f(1024, 768)], {
      dim: 0,
    }),
    bytes: 2 * 1024 * 768 * 4,
  },
  {
    ...row("index add 1024 to 50000 × 768", "indexReduce", [f(50000, 768), words, f(1024, 768)], [
      f(50000, 768),
    ], { dim: 0, reduce: "sum" }),
    bytes: 2 * 50000 * 768 * 4 + 3 * 1024 * 768 * 4,
  },
  row("gather 1024²", "gather", [square, { ...indices, shape: [1024, 1024] }], [square], { dim: 1 }),
  row("scatter add 1024²", "scatter", [square, { ...indices, shape: [1024, 1024] }, square], [square], {
    ...{ dim: 1, reduce: "sum" },
  }),
  row("dropout 1 M", "dropout", [f(M)], [f(M), { shape: [M], dtype: bool }], {
    ...{ key: [1, 2], counter: 0, p: 0.5, scale: 2 },
  }),
  row("uniform 1 M", "randomUniform", [], [f(M)], random),
  row("normal 1 M", "randomNormal", [], [f(M)], random),
  ...[M, 16 * M].map((n) => ({
    ...row(`Adam ${n / M} M`, "adamStep", [f(n), f(n), f(n), f(n)], [f(n), f(n), f(n)], adam),
    ...{ inPlace: [0, 2, 3], bytes: 28 * n },
  })),
];

/** Calls as users write them: a name, the bare loop that does the same, the number of elements, and the call. */
const userCalls: readonly (readonly [string, BareName, number, (a: Tensor, b: Tensor) => Tensor])[] = [
  M,
  16 * M,
].flatMap((n) => [
  [`a.add(b) ${n / M} M`, "add", n, (a: Tensor, b: Tensor) => a.add(b)],
  [`a.relu() ${n / M} M`, "relu", n, (a: Tensor) => a.relu()],
]);

type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => { run(): void } | null;

const matches = (options.get("match") ?? "").split(",");
const limits = await measureLimits(build);
const loops = threads === 1 ? await bareLoops(memory) : null;
const results: Record<string, unknown>[] = [];
const isJson = options.has("json");
const ms = (times: Times): string => times.map((t) => t.toPrecision(3)).join(" / ");
if (!isJson) {
  console.log(`${build}, ${device.numThreads} threads. What one core can do:
multiply-adds ${limits.flops.toFixed(1)} GFLOP/s
reading ${limits.read.toFixed(1)} GB/s, ${limits.readShared.toFixed(0)} GB/s in the last cache
copying ${limits.copy.toFixed(1)} GB/s, ${limits.shared.toFixed(0)} GB/s in the last cache, ${
    limits.cached.toFixed(0)
  } GB/s in the second
bare loops: ${Object.entries(limits.bare).map(([name, times]) => `${name} ${ms(times)} ms`).join(", ")}
`);
}

/** One result: `share` of the limit, which is that of copying at a `level` of memory where there is one. */
interface Result {
  readonly name: string;
  readonly times: Times;
  readonly rate: string;
  readonly share: number;
  readonly level?: string;
  /** The fastest bare loop, and its times. */
  readonly bare?: readonly [form: string, times: Times] | undefined;
}

function report({ name, times: [least, median], rate, share, level, bare }: Result): void {
  results.push({ name, least, median, rate, share, form: bare?.[0], bare: bare?.[1] });
  if (isJson) return;
  const percent = (x: number): string => (100 * x).toFixed(0);
  const beside = bare === undefined
    ? ""
    : `, ${percent(bare[1][0] / least)} / ${percent(bare[1][1] / median)} % of a bare loop: ${
      ms(bare[1])
    } ms (${bare[0]})`;
  console.log(
    `${name.padEnd(36)}${least.toFixed(3).padStart(9)} / ${median.toFixed(3).padStart(8)} ms${
      rate.padStart(17)
    }${percent(share).padStart(5)} % of the limit${level === undefined ? "" : ` (${level})`}${beside}`,
  );
}

/** Times of `call`, and of the fastest of the bare loops that do the same: `bytes` of each operand, the result last. */
function besideBare(
  call: () => void,
  bare: BareName | undefined,
  addresses: () => readonly number[],
  bytes: number,
): Pick<Result, "times" | "bare"> {
  const forms = bare === undefined || loops === null ? {} : loops[bare];
  const calls = Object.values(forms).map((loop) => () => {
    const at = addresses();
    loop(at[0]!, at[1]!, at.at(-1)!, bytes & ~511);
  });
  const [times, ...others] = race([call, ...calls], budget);
  return { times: times!, bare: others.length === 0 ? undefined : fastest(Object.keys(forms), others) };
}

/** The limit of moving so many bytes: by what memory they go, and GB/s of copying there. */
function copying(bytes: number): [level: string, speed: number] {
  if (bytes > 24 * M) return ["DRAM", limits.copy];
  return bytes > M / 2 ? ["last cache", limits.shared] : ["cache", limits.cached];
}

const isWanted = (name: string): boolean => matches.some((part) => name.includes(part));

for (
  const { name, primitive, inputs, outputs, attrs = null, flops, bytes: moved, inPlace, bare, of = "" }
    of rows
) {
  if (!isWanted(`${name} ${of} ${primitive}`)) continue;
  const operands = inputs.map(make);
  const made = inPlace === undefined ? outputs.map(make) : inPlace.map((i) => operands[i]!);
  const kernel = device.kernels[primitive] as unknown as AnyKernel;
  const dispatch = kernel(operands, made.length === 1 ? made[0]! : made, attrs);
  if (dispatch === null) throw new Error(`${name}: no kernel`);
  const at = [...operands, ...made].map(({ buffer }) => addressOf(buffer));
  const found = besideBare(() => device.run(dispatch), bare, () => at, operands[0]?.buffer.bytes ?? 0);
  const [least] = found.times;
  const bytes = moved ?? [...operands, ...made].reduce((sum, x) => sum + x.buffer.bytes, 0);
  for (const x of new Set([...operands, ...made])) device.free(x.buffer);
  const [level, speed] = copying(bytes);
  if (flops === undefined) {
    const rate = `${(bytes / least / 1e6).toFixed(1)} GB/s`;
    report({ name, ...found, rate, share: bytes / speed / 1e6 / least, level });
    continue;
  }
  // A product with few rows reads memory and does little else: the nearer limit counts.
  const byBytes = bytes > 16 * M ? bytes / (level === "DRAM" ? limits.read : speed) : 0;
  const share = Math.max(flops / limits.flops, byBytes) / 1e6 / least;
  report({ name, ...found, rate: `${(flops / least / 1e6).toFixed(1)} GFLOP/s`, share });
}
registerBackend(device);
for (const [name, bare, n, call] of userCalls) {
  if (!isWanted(name)) continue;
  const [a, b] = [ones([n]), ones([n])];
  let y = call(a, b);
  const again = (): void => {
    y.dispose();
    y = call(a, b);
  };
  const tensors = (): Tensor[] => bare === "add" ? [a, b, y] : [a, y];
  const found = besideBare(again, bare, () => tensors().map((x) => addressOf(x.storage.buffer)), 4 * n);
  const bytes = 4 * n * tensors().length;
  const [level, speed] = copying(bytes);
  const [least] = found.times;
  report({
    ...{ name, ...found, level, rate: `${(bytes / least / 1e6).toFixed(1)} GB/s` },
    share: bytes / speed / 1e6 / least,
  });
  for (const x of [a, b, y]) x.dispose();
}
if (isJson) {
  console.log(JSON.stringify({ build, threads: device.numThreads, limits, results }, null, 1));
}
process.exit(0);
