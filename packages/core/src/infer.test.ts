import { describe, expect, test } from "vitest";
import type { Aval } from "./backend.ts";
import { bool, dtypeOf, dtypes, float32, float64, int8, uint8 } from "./dtype.ts";
import { DTypeError } from "./errors.ts";
import { infer, inferenceRules, inputDTypes } from "./infer.ts";
import type { Attrs, Name } from "./primitives.ts";
import { formatType } from "./shape.ts";

/** Reads `float32[2, 3]`. */
function aval(text: string): Aval {
  const [, dtype, shape] = /^(\w+)\[(.*)\]$/.exec(text)!;
  return { dtype: dtypeOf(dtype!), shape: shape === "" ? [] : shape!.split(", ").map(Number) };
}

/** Applies the rule to types in text; answers types in text. */
function run(name: Name, inputs: readonly (string | Aval)[], attrs: unknown): string {
  const rule = inferenceRules[name] as (inputs: readonly Aval[], attrs: unknown) => Aval | readonly Aval[];
  const out = rule(inputs.map((x) => typeof x === "string" ? aval(x) : x), attrs);
  return (Array.isArray(out) ? out : [out]).map(formatType).join(" ");
}

type Case = [inputs: string[], attrs: unknown, outputs: string];

/** A case of which the compiler checks the attributes. */
function of<P extends Name>(_: P, inputs: string[], attrs: Attrs<P>, outputs: string): Case {
  return [inputs, attrs, outputs];
}

const unary = (out = "float32"): Case[] => [
  [["float32[2, 3]"], null, `${out}[2, 3]`],
  [["float32[]"], null, `${out}[]`],
  [["float32[0, 3]"], null, `${out}[0, 3]`],
];
const unaryOfIntegers: Case[] = [[["int32[2, 3]"], null, "int32[2, 3]"]];
const binary = (dtype = "float32", out = dtype): Case[] => [
  [[`${dtype}[2, 3]`, `${dtype}[2, 3]`], null, `${out}[2, 3]`],
  [[`${dtype}[2, 3]`, `${dtype}[3]`], null, `${out}[2, 3]`],
  [[`${dtype}[]`, `${dtype}[2, 3]`], null, `${out}[2, 3]`],
  [[`${dtype}[2, 1]`, `${dtype}[4, 1, 3]`], null, `${out}[4, 2, 3]`],
  [[`${dtype}[1, 3]`, `${dtype}[0, 1]`], null, `${out}[0, 3]`],
];
const reduction = (name: "sum" | "prod" | "amax" | "amin" | "any" | "all", out = "float32"): Case[] => [
  of(name, ["float32[2, 3, 4]"], { dims: [0, 2], keepdim: false }, `${out}[3]`),
  of(name, ["float32[2, 3, 4]"], { dims: [0, 2], keepdim: true }, `${out}[1, 3, 1]`),
  of(name, ["float32[2]"], { dims: [0], keepdim: false }, `${out}[]`),
  of(name, ["float32[]"], { dims: [], keepdim: true }, `${out}[]`),
  of(name, ["float32[0, 3]"], { dims: [1], keepdim: false }, `${out}[0]`),
];
const place = (name: "argmax" | "argmin"): Case[] => [
  of(name, ["float32[2, 3]"], { dim: 1, keepdim: false }, "int32[2]"),
  of(name, ["float32[2, 3]"], { dim: 0, keepdim: true }, "int32[1, 3]"),
];
const scan = (name: "cumsum" | "cumprod" | "logcumsumexp"): Case[] => [
  of(name, ["float32[2, 3]"], { dim: 1 }, "float32[2, 3]"),
];
const scanWithPlaces = (name: "cummax" | "cummin"): Case[] => [
  of(name, ["float32[2, 3]"], { dim: 1 }, "float32[2, 3] int32[2, 3]"),
];
const gradient: Case[] = [[["float32[2, 3]", "float32[2, 3]"], { dim: 1 }, "float32[2, 3]"]];
const random = { key: [1, 2], counter: 0 } as const;
const conv2 = { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 };
const pool2 = { kernelSize: [3, 2], stride: [2, 2], padding: [1, 0], dilation: [1, 1], ceilMode: false };
const mean = { countIncludePad: true, divisor: null };

// Every primitive, by a first case that all its dtypes pass, and by corner cases.
const accepted: { readonly [P in Name]: Case[] } = {
  alias: unary(),
  view: [
    of("view", ["float32[2, 3]"], { shape: [3, 2] }, "float32[3, 2]"),
    of("view", ["float32[]"], { shape: [1, 1] }, "float32[1, 1]"),
  ],
  permute: [of("permute", ["float32[2, 3, 4]"], { dims: [2, 0, 1] }, "float32[4, 2, 3]")],
  expand: [of("expand", ["float32[3, 1]"], { shape: [2, 3, 4] }, "float32[2, 3, 4]")],
  slice: [of("slice", ["float32[5, 3]"], { starts: [1, 0], stops: [5, 0], steps: [3, 1] }, "float32[2, 0]")],
  diagonal: [of("diagonal", ["float32[2, 3, 4]"], { offset: 2, dim1: 1, dim2: 2 }, "float32[2, 2]")],
  asStrided: [
    of("asStrided", ["float32[9]"], { shape: [2, 2], strides: [1, 1], offset: 3 }, "float32[2, 2]"),
  ],

  neg: unary(),
  abs: unary(),
  sign: unary(),
  exp: unary(),
  exp2: unary(),
  expm1: unary(),
  log: unary(),
  log2: unary(),
  log10: unary(),
  log1p: unary(),
  sqrt: unary(),
  rsqrt: unary(),
  reciprocal: unary(),
  sin: unary(),
  cos: unary(),
  tan: unary(),
  asin: unary(),
  acos: unary(),
  atan: unary(),
  sinh: unary(),
  cosh: unary(),
  tanh: unary(),
  asinh: unary(),
  acosh: unary(),
  atanh: unary(),
  erf: unary(),
  erfc: unary(),
  erfinv: unary(),
  erfcx: unary(),
  lgamma: unary(),
  digamma: unary(),
  i0: unary(),
  i0e: unary(),
  i1: unary(),
  i1e: unary(),
  ndtri: unary(),
  logNdtr: unary(),
  floor: unary(),
  ceil: unary(),
  round: unary(),
  trunc: unary(),
  sigmoid: unary(),
  relu: unary(),
  logicalNot: unary("bool"),
  bitwiseNot: unaryOfIntegers,
  isnan: unary("bool"),
  isinf: unary("bool"),
  signbit: unary("bool"),

  add: binary(),
  sub: binary(),
  mul: binary(),
  div: binary(),
  floorDivide: binary(),
  truncDivide: binary(),
  remainder: binary(),
  fmod: binary(),
  pow: binary(),
  maximum: binary(),
  minimum: binary(),
  atan2: binary(),
  hypot: binary(),
  copysign: binary(),
  nextafter: binary(),
  igamma: binary(),
  igammac: binary(),
  zeta: binary(),
  gcd: binary("int32"),
  eq: binary("float32", "bool"),
  ne: binary("float32", "bool"),
  lt: binary("float32", "bool"),
  le: binary("float32", "bool"),
  gt: binary("float32", "bool"),
  ge: binary("float32", "bool"),
  bitwiseAnd: binary("int32"),
  bitwiseOr: binary("int32"),
  bitwiseXor: binary("int32"),
  leftShift: binary("int32"),
  rightShift: binary("int32"),

  sum: [...reduction("sum"), of("sum", ["float32[0, 3]"], { dims: [0], keepdim: false }, "float32[3]")],
  prod: reduction("prod"),
  amax: reduction("amax"),
  amin: reduction("amin"),
  any: [...reduction("any", "bool"), of("any", ["float32[0]"], { dims: [0], keepdim: false }, "bool[]")],
  all: reduction("all", "bool"),
  argmax: place("argmax"),
  argmin: place("argmin"),

  cumsum: scan("cumsum"),
  cumprod: scan("cumprod"),
  cummax: scanWithPlaces("cummax"),
  cummin: scanWithPlaces("cummin"),
  logcumsumexp: scan("logcumsumexp"),
  sort: [of("sort", ["float32[2, 3]"], { dim: 0, descending: true }, "float32[2, 3] int32[2, 3]")],
  topk: [
    of("topk", ["float32[2, 3]"], { dim: 1, k: 2, largest: true }, "float32[2, 2] int32[2, 2]"),
    of("topk", ["float32[2, 3]"], { dim: 1, k: 3, largest: true }, "float32[2, 3] int32[2, 3]"),
    of("topk", ["float32[2, 3]"], { dim: 0, k: 0, largest: true }, "float32[0, 3] int32[0, 3]"),
  ],

  copy: unary(),
  cast: [
    of("cast", ["float32[2, 3]"], { dtype: int8 }, "int8[2, 3]"),
    of("cast", ["float32[2]"], { dtype: float32 }, "float32[2]"),
  ],
  where: [
    of("where", ["bool[2, 3]", "float32[2, 3]", "float32[2, 3]"], null, "float32[2, 3]"),
    of("where", ["bool[2, 1]", "float32[]", "float32[4, 1, 3]"], null, "float32[4, 2, 3]"),
    of("where", ["bool[2]", "float32[2]", "float32[]"], null, "float32[2]"),
  ],
  concat: [
    of("concat", ["float32[2, 3]", "float32[2, 0]", "float32[2, 4]"], { dim: 1 }, "float32[2, 7]"),
    of("concat", ["float32[2]"], { dim: 0 }, "float32[2]"),
  ],
  pad: [
    of("pad", ["float32[2, 3]"], { low: [1, -1], high: [0, 4], value: 0 }, "float32[3, 6]"),
    of("pad", ["float32[2]"], { low: [-1], high: [-1], value: 0 }, "float32[0]"),
    of("pad", ["float32[2]"], { low: [-1], high: [1], value: 0 }, "float32[2]"),
  ],
  flip: [of("flip", ["float32[2, 3]"], { dims: [0, 1] }, "float32[2, 3]")],
  indexSelect: [of("indexSelect", ["float32[2, 3]", "int64[5]"], { dim: 1 }, "float32[2, 5]")],
  indexReduce: [
    of(
      "indexReduce",
      ["float32[2, 3]", "int64[5]", "float32[2, 5]"],
      { dim: 1, reduce: "set" },
      "float32[2, 3]",
    ),
  ],
  gather: [
    of("gather", ["float32[2, 3]", "int64[1, 7]"], { dim: 1 }, "float32[1, 7]"),
    of("gather", ["float32[2, 3]", "int32[0, 9]"], { dim: 0 }, "float32[0, 9]"),
  ],
  scatter: [
    of(
      "scatter",
      ["float32[2, 3]", "int64[1, 7]", "float32[2, 8]"],
      { dim: 1, reduce: "set" },
      "float32[2, 3]",
    ),
  ],
  nonzero: [
    of("nonzero", ["float32[2, 3]"], { count: 6 }, "int32[6, 2]"),
    of("nonzero", ["float32[]"], { count: 1 }, "int32[1, 0]"),
  ],
  searchsorted: [
    of("searchsorted", ["float32[2, 3]", "float32[2, 7]"], { right: false }, "int32[2, 7]"),
    of("searchsorted", ["float32[3]", "float32[2, 7]"], { right: false }, "int32[2, 7]"),
    of("searchsorted", ["float32[3]", "float32[]"], { right: false }, "int32[]"),
  ],
  full: [
    of("full", [], { shape: [2], value: 1, dtype: float32 }, "float32[2]"),
    of("full", [], { shape: [], value: -255, dtype: uint8 }, "uint8[]"),
    of("full", [], { shape: [], value: 127.9, dtype: int8 }, "int8[]"),
    of("full", [], { shape: [], value: 2n ** 63n - 1n, dtype: dtypeOf("int64") }, "int64[]"),
    of("full", [], { shape: [], value: NaN, dtype: float32 }, "float32[]"),
  ],
  iota: [of("iota", [], { start: 0, step: 0.5, size: 4, dtype: float32 }, "float32[4]")],
  randomUniform: [of("randomUniform", [], { ...random, shape: [2, 3], dtype: float32 }, "float32[2, 3]")],
  randomNormal: [of("randomNormal", [], { ...random, shape: [], dtype: float32 }, "float32[]")],
  randomInt: [of("randomInt", [], { ...random, shape: [2], dtype: float32, low: 0, high: 9 }, "float32[2]")],

  matmul: [
    of("matmul", ["float32[2, 3]", "float32[3, 4]"], null, "float32[2, 4]"),
    of("matmul", ["float32[5, 1, 2, 3]", "float32[6, 3, 4]"], null, "float32[5, 6, 2, 4]"),
    of("matmul", ["float32[2, 0]", "float32[0, 4]"], null, "float32[2, 4]"),
  ],
  cholesky: [of("cholesky", ["float32[5, 3, 3]"], null, "float32[5, 3, 3] int32[5]")],
  luFactor: [of("luFactor", ["float32[5, 2, 3]"], null, "float32[5, 2, 3] int32[5, 2] int32[5]")],
  qr: [
    of("qr", ["float32[5, 4, 3]"], { complete: false }, "float32[5, 4, 3] float32[5, 3, 3]"),
    of("qr", ["float32[4, 3]"], { complete: true }, "float32[4, 4] float32[4, 3]"),
    of("qr", ["float32[2, 3]"], { complete: false }, "float32[2, 2] float32[2, 3]"),
  ],
  eigh: [of("eigh", ["float32[5, 3, 3]"], null, "float32[5, 3] float32[5, 3, 3]")],
  svd: [
    of("svd", ["float32[5, 4, 3]"], { full: false }, "float32[5, 4, 3] float32[5, 3] float32[5, 3, 3]"),
    of("svd", ["float32[2, 3]"], { full: true }, "float32[2, 2] float32[2] float32[3, 3]"),
  ],
  solveTriangular: [
    of(
      "solveTriangular",
      ["float32[5, 3, 3]", "float32[5, 3, 2]"],
      { upper: true, unitriangular: false },
      "float32[5, 3, 2]",
    ),
  ],
  fft: [of("fft", ["float32[4, 8, 2]"], { dim: 1, inverse: false }, "float32[4, 8, 2]")],

  softmax: [of("softmax", ["float32[2, 3]"], { dim: 1 }, "float32[2, 3]")],
  logSoftmax: [of("logSoftmax", ["float32[2, 3]"], { dim: 0 }, "float32[2, 3]")],
  softmaxBackward: gradient,
  logSoftmaxBackward: gradient,
  gelu: [of("gelu", ["float32[2]"], { approximate: "tanh" }, "float32[2]")],
  geluBackward: [of("geluBackward", ["float32[2]", "float32[2]"], { approximate: "none" }, "float32[2]")],
  silu: unary(),
  reluBackward: [of("reluBackward", ["float32[2]", "float32[2]"], null, "float32[2]")],
  dropout: [
    of("dropout", ["float32[2, 3]"], { ...random, p: 0.5, scale: 2 }, "float32[2, 3] bool[2, 3]"),
  ],
  clamp: [
    of("clamp", ["float32[2]"], { min: 0, max: null }, "float32[2]"),
    of("clamp", ["float32[2]"], { min: -0.5, max: Infinity }, "float32[2]"),
  ],
  addScaled: [
    of("addScaled", ["float32[2, 1]", "float32[3]"], { alpha: 2 }, "float32[2, 3]"),
    of("addScaled", ["float32[3]", "float32[3]"], { alpha: 0.5 }, "float32[3]"),
  ],
  linear: [
    of("linear", ["float32[5, 2, 3]", "float32[4, 3]", "float32[4]"], null, "float32[5, 2, 4]"),
    of("linear", ["float32[3]", "float32[3, 3]", "float32[3]"], null, "float32[3]"),
  ],
  groupNorm: [
    of(
      "groupNorm",
      ["float32[2, 3, 4, 5]", "float32[3, 4]", "float32[3, 4]"],
      { eps: 1e-5 },
      "float32[2, 3, 4, 5] float32[2, 3, 1, 1] float32[2, 3, 1, 1]",
    ),
  ],
  groupNormBackward: [
    of(
      "groupNormBackward",
      [
        "float32[2, 3, 4, 5]",
        "float32[2, 3, 4, 5]",
        "float32[3, 4]",
        "float32[2, 3, 1, 1]",
        "float32[2, 3, 1, 1]",
      ],
      null,
      "float32[2, 3, 4, 5] float32[3, 4] float32[3, 4]",
    ),
  ],
  layerNorm: [
    of(
      "layerNorm",
      ["float32[2, 3, 4]", "float32[3, 4]", "float32[3, 4]"],
      { eps: 1e-5 },
      "float32[2, 3, 4] float32[2, 1, 1] float32[2, 1, 1]",
    ),
  ],
  layerNormBackward: [
    of(
      "layerNormBackward",
      ["float32[2, 3, 4]", "float32[2, 3, 4]", "float32[4]", "float32[2, 3, 1]", "float32[2, 3, 1]"],
      null,
      "float32[2, 3, 4] float32[4] float32[4]",
    ),
  ],
  batchNorm: [
    of(
      "batchNorm",
      ["float32[2, 3, 4, 5]", "float32[3]", "float32[3]"],
      { eps: 1e-5 },
      "float32[2, 3, 4, 5] float32[3] float32[3]",
    ),
    of(
      "batchNorm",
      ["float32[2, 3]", "float32[3]", "float32[3]"],
      { eps: 0 },
      "float32[2, 3] float32[3] float32[3]",
    ),
  ],
  batchNormBackward: [
    of(
      "batchNormBackward",
      ["float32[2, 3, 4]", "float32[2, 3, 4]", "float32[3]", "float32[3]", "float32[3]"],
      null,
      "float32[2, 3, 4] float32[3] float32[3]",
    ),
  ],
  conv: [
    of("conv", ["float32[5, 4, 7, 8]", "float32[6, 2, 3, 3]"], conv2, "float32[5, 6, 4, 4]"),
    of(
      "conv",
      ["float32[0, 1, 3]", "float32[2, 1, 3]"],
      { stride: [1], padding: [0], dilation: [1], groups: 1 },
      "float32[0, 2, 1]",
    ),
    of(
      "conv",
      ["float32[1, 2, 4, 4, 4]", "float32[2, 1, 2, 2, 2]"],
      { stride: [2, 2, 2], padding: [0, 0, 0], dilation: [1, 1, 1], groups: 2 },
      "float32[1, 2, 2, 2, 2]",
    ),
  ],
  convInputGrad: [
    of(
      "convInputGrad",
      ["float32[5, 6, 4, 4]", "float32[6, 2, 3, 3]"],
      { ...conv2, inputSize: [7, 8] },
      "float32[5, 4, 7, 8]",
    ),
    of(
      "convInputGrad",
      ["float32[5, 6, 4, 4]", "float32[6, 2, 3, 3]"],
      { ...conv2, inputSize: [8, 8] },
      "float32[5, 4, 8, 8]",
    ),
  ],
  convWeightGrad: [
    of(
      "convWeightGrad",
      ["float32[5, 6, 4, 4]", "float32[5, 4, 7, 8]"],
      { ...conv2, kernelSize: [3, 3] },
      "float32[6, 2, 3, 3]",
    ),
  ],
  maxPool: [
    of("maxPool", ["float32[2, 3, 7, 6]"], pool2, "float32[2, 3, 4, 3] int32[2, 3, 4, 3]"),
  ],
  maxPoolValues: [of("maxPoolValues", ["float32[2, 3, 7, 6]"], pool2, "float32[2, 3, 4, 3]")],
  maxPoolBackward: [
    of("maxPoolBackward", ["float32[2, 3, 4]", "int64[2, 3, 4]"], { inputSize: [8] }, "float32[2, 3, 8]"),
  ],
  avgPool: [of("avgPool", ["float32[2, 3, 7, 6]"], { ...pool2, ...mean }, "float32[2, 3, 4, 3]")],
  avgPoolBackward: [
    of(
      "avgPoolBackward",
      ["float32[2, 3, 4, 3]"],
      { ...pool2, ...mean, inputSize: [7, 6] },
      "float32[2, 3, 7, 6]",
    ),
  ],
  resample: [
    of(
      "resample",
      ["float32[2, 3, 4]", "int64[2, 7]", "float32[2, 7]"],
      { dim: 1, size: null },
      "float32[2, 7, 4]",
    ),
    of(
      "resample",
      ["float64[2, 3, 4]", "int32[5, 4]", "float64[5, 4]"],
      { dim: 2, size: 9 },
      "float64[2, 3, 9]",
    ),
  ],
  attention: [
    of(
      "attention",
      ["float32[2, 4, 5, 8]", "float32[2, 4, 6, 8]", "float32[2, 4, 6, 9]"],
      { scale: 1, causal: false },
      "float32[2, 4, 5, 9] float32[2, 4, 5, 1]",
    ),
    of(
      "attention",
      ["float32[5, 8]", "float32[6, 8]", "float32[6, 8]", "float32[6]"],
      { scale: 1, causal: true },
      "float32[5, 8] float32[5, 1]",
    ),
  ],
  attentionBackward: [
    of(
      "attentionBackward",
      [
        ...["float32[2, 4, 5, 9]", "float32[2, 4, 5, 8]", "float32[2, 4, 6, 8]", "float32[2, 4, 6, 9]"],
        ...["float32[2, 4, 5, 1]", "float32[2, 4, 5, 1]"],
      ],
      { scale: 1, causal: false },
      "float32[2, 4, 5, 8] float32[2, 4, 6, 8] float32[2, 4, 6, 9]",
    ),
  ],
  rnnLayer: [
    of(
      "rnnLayer",
      ["float32[5, 4]", "float32[4, 4]", "float32[3, 4]"],
      { sizes: [3, 2], reverse: false, nonlinearity: "tanh" },
      "float32[5, 4] float32[3, 4] float32[5, 4]",
    ),
  ],
  rnnLayerBackward: [
    of(
      "rnnLayerBackward",
      ["float32[5, 4]", "float32[3, 4]", "float32[4, 4]", "float32[5, 4]", "float32[5, 4]"],
      { sizes: [3, 2], reverse: false, nonlinearity: "relu" },
      "float32[5, 4] float32[3, 4]",
    ),
  ],
  lstmLayer: [
    of(
      "lstmLayer",
      ["float32[5, 16]", "float32[16, 4]", "float32[3, 4]", "float32[3, 4]"],
      { sizes: [3, 2], reverse: true },
      "float32[5, 4] float32[3, 4] float32[3, 4] float32[5, 16] float32[5, 4] float32[5, 4]",
    ),
  ],
  lstmLayerBackward: [
    of(
      "lstmLayerBackward",
      [
        ...["float32[5, 4]", "float32[3, 4]", "float32[3, 4]", "float32[16, 4]", "float32[5, 16]"],
        "float32[5, 4]",
      ],
      { sizes: [3, 2], reverse: true },
      "float32[5, 16] float32[3, 4] float32[3, 4]",
    ),
  ],
  gruLayer: [
    of(
      "gruLayer",
      ["float16[5, 12]", "float16[12, 4]", "float16[12]", "float16[3, 4]"],
      { sizes: [3, 2], reverse: false },
      "float16[5, 4] float16[3, 4] float16[5, 16] float16[5, 4]",
    ),
  ],
  gruLayerBackward: [
    of(
      "gruLayerBackward",
      ["float32[5, 4]", "float32[3, 4]", "float32[12, 4]", "float32[5, 16]", "float32[5, 4]"],
      { sizes: [3, 2], reverse: false },
      "float32[5, 12] float32[5, 12] float32[3, 4]",
    ),
  ],
  nllLoss: [
    of(
      "nllLoss",
      ["float32[5, 3]", "int64[5]", "float32[3]"],
      { reduction: "mean", ignoreIndex: -100 },
      "float32[] float32[]",
    ),
  ],
  crossEntropy: [
    of(
      "crossEntropy",
      ["float32[5, 3]", "int64[5]"],
      { reduction: "mean", ignoreIndex: -100, smoothing: 0.1 },
      "float32[] float32[5] float32[5] float32[]",
    ),
    of(
      "crossEntropy",
      ["float16[5, 3, 2]", "int32[5, 2]", "float16[3]"],
      { reduction: "none", ignoreIndex: 0, smoothing: 0 },
      "float16[5, 2] float16[5, 2] float16[5, 2] float16[]",
    ),
  ],
  crossEntropyBackward: [
    of(
      "crossEntropyBackward",
      ["float32[]", "float32[5, 3]", "int64[5]", "float32[5]", "float32[5]", "float32[]"],
      { reduction: "sum", ignoreIndex: -100, smoothing: 0 },
      "float32[5, 3]",
    ),
    of(
      "crossEntropyBackward",
      [
        "float32[5, 2]",
        "float32[5, 3, 2]",
        "int32[5, 2]",
        "float32[5, 2]",
        "float32[5, 2]",
        "float32[]",
        "float32[3]",
      ],
      { reduction: "none", ignoreIndex: -100, smoothing: 0 },
      "float32[5, 3, 2]",
    ),
  ],
  sgdStep: [
    of(
      "sgdStep",
      ["float32[2]", "float32[2]", "float32[2]"],
      { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false, maximize: false },
      "float32[2] float32[2]",
    ),
  ],
  adamStep: [
    of(
      "adamStep",
      ["float32[2]", "float32[2]", "float32[2]", "float32[2]"],
      {
        lr: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weightDecay: 0,
        decoupled: true,
        maximize: false,
        step: 1,
      },
      "float32[2] float32[2] float32[2]",
    ),
  ],
};

const names = Object.keys(accepted) as Name[];

describe("inferenceRules: results", () => {
  test.each(names)("%s", (name) => {
    for (const [inputs, attrs, outputs] of accepted[name]) expect(run(name, inputs, attrs)).toBe(outputs);
  });

  test("the tables are complete", () => {
    expect(Object.keys(inferenceRules).sort()).toEqual([...names].sort());
    expect(Object.keys(inputDTypes).sort()).toEqual([...names].sort());
  });

  test("infer applies the rule", () => {
    expect(infer("neg", [aval("float32[2]")], null)).toEqual(aval("float32[2]"));
    expect(infer("topk", [aval("float32[2]")], { dim: 0, k: 1, largest: true })[1]).toEqual(aval("int32[1]"));
  });

  test("pointwise rules answer with an input when they can", () => {
    const [x, row, scalar] = ["float32[2, 3]", "float32[3]", "float32[]"].map(aval) as [Aval, Aval, Aval];
    expect(infer("exp", [x], null)).toBe(x);
    expect(infer("add", [x, row], null)).toBe(x);
    expect(infer("add", [scalar, x], null)).toBe(x);
    expect(infer("add", [x, aval("float32[2, 3]")], null)).toBe(x);
    expect(infer("eq", [row, x], null).shape).toBe(x.shape);
    expect(infer("where", [aval("bool[3]"), x, scalar], null)).toBe(x);
  });
});

describe("inferenceRules: dtypes", () => {
  test.each(names.filter((name) => accepted[name][0]![0].length > 0))("%s takes its dtypes only", (name) => {
    const [inputs, attrs] = accepted[name][0]!;
    const isValue = (x: string, i: number): boolean => !x.startsWith("int64") && (name !== "where" || i > 0);
    for (const dtype of dtypes) {
      const recast = inputs.map((x, i) => isValue(x, i) ? x.replace(/^\w+/, dtype.name) : x);
      if (inputDTypes[name].dtypes.includes(dtype)) run(name, recast, attrs);
      else expect(() => run(name, recast, attrs), dtype.name).toThrow(DTypeError);
    }
  });

  test.each(names.filter((name) => accepted[name][0]![0].length === 0))(
    "%s makes its dtypes only",
    (name) => {
      const attrs = accepted[name][0]![1] as object;
      for (const dtype of dtypes) {
        if (inputDTypes[name].dtypes.includes(dtype)) run(name, [], { ...attrs, dtype });
        else expect(() => run(name, [], { ...attrs, dtype }), dtype.name).toThrow(DTypeError);
      }
    },
  );

  test.each(names.filter((name) => accepted[name][0]![0].length > 1))(
    "%s takes one dtype at a time",
    (name) => {
      const [inputs, attrs] = accepted[name][0]!;
      const first = name === "where" ? 1 : 0;
      for (let i = first + 1; i < inputs.length; i++) {
        const mixed = inputs.with(i, inputs[i]!.replace(/^\w+/, "float64"));
        expect(() => run(name, mixed, attrs), `input ${i}`).toThrow(DTypeError);
      }
    },
  );
});

test("results keep the dtype of the input", () => {
  expect(run("sum", ["float64[2]"], { dims: [0], keepdim: false })).toBe("float64[]");
  expect(run("any", ["uint8[2]"], { dims: [0], keepdim: false })).toBe("bool[]");
  expect(infer("logicalNot", [aval("bool[2]")], null).dtype).toBe(bool);
  expect(infer("matmul", [aval("float64[2, 2]"), aval("float64[2, 2]")], null).dtype).toBe(float64);
});
