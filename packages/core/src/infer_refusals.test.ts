import { describe, expect, test } from "vitest";
import type { Aval } from "./backend.ts";
import { dtypeOf, float32, int32, uint8 } from "./dtype.ts";
import { DTypeError, IndexError, ShapeError, ValueError } from "./errors.ts";
import { inferenceRules } from "./infer.ts";
import type { Attrs, Name } from "./primitives.ts";

/** Reads `float32[2, 3]`. */
function aval(text: string): Aval {
  const [, dtype, shape] = /^(\w+)\[(.*)\]$/.exec(text)!;
  return { dtype: dtypeOf(dtype!), shape: shape === "" ? [] : shape!.split(", ").map(Number) };
}

/** Applies the rule to types in text. */
function run(name: Name, inputs: readonly string[], attrs: unknown): void {
  const rule = inferenceRules[name] as (inputs: readonly Aval[], attrs: unknown) => unknown;
  rule(inputs.map(aval), attrs);
}

const random = { key: [1, 2], counter: 0 } as const;
const mean = { countIncludePad: true, divisor: null };

type Refusal = [
  name: Name,
  inputs: string[],
  attrs: unknown,
  type: new (message: string) => Error,
  message: string,
];

/** A refusal of which the compiler checks the attributes. */
function no<P extends Name>(
  name: P,
  inputs: string[],
  attrs: Attrs<P>,
  type: new (message: string) => Error,
  message: string,
): Refusal {
  return [name, inputs, attrs, type, message];
}

const f2x3 = "float32[2, 3]";
const conv1 = { stride: [1], padding: [0], dilation: [1], groups: 1 };
const pool1 = { kernelSize: [3], stride: [1], padding: [0], dilation: [1], ceilMode: false };

const refused: Refusal[] = [
  no(
    "view",
    [f2x3],
    { shape: [7] },
    ShapeError,
    "Cannot view [2, 3] as [7]: the number of elements must match, got 6 and 7",
  ),
  no("permute", [f2x3], { dims: [0, 0] }, ShapeError, "they must name each of 2 dimensions once, got [0, 0]"),
  no(
    "expand",
    [f2x3],
    { shape: [2, 4] },
    ShapeError,
    "sizes other than 1 must stay, got 4 for 3 at dimension 1",
  ),

  no("exp", ["int32[2]"], null, DTypeError, "Cannot exp int32[2]: it must have a float dtype, got int32"),
  no(
    "neg",
    ["bool[]"],
    null,
    DTypeError,
    "Cannot neg bool[]: it must have an integer or float dtype, got bool",
  ),
  no(
    "add",
    [f2x3, "float32[4]"],
    null,
    ShapeError,
    "Cannot add float32[2, 3] and float32[4]: sizes must match or be 1, got 3 and 4 at dimension 1",
  ),
  no(
    "add",
    [f2x3, "float32[4, 5, 1]"],
    null,
    ShapeError,
    "sizes must match or be 1, got 2 and 5 at dimension 1",
  ),
  no(
    "add",
    [f2x3, "int32[3]"],
    null,
    DTypeError,
    "Cannot add float32[2, 3] and int32[3]: dtypes must match, got float32 and int32",
  ),
  no("gcd", ["float32[2]", "float32[2]"], null, DTypeError, "it must have an integer dtype, got float32"),

  no(
    "sum",
    [f2x3],
    { dims: [], keepdim: false },
    ShapeError,
    "Cannot sum float32[2, 3]: dims may be empty only for a scalar, got rank 2",
  ),
  no(
    "sum",
    [f2x3],
    { dims: [2], keepdim: false },
    IndexError,
    "Cannot sum float32[2, 3]: dim must be an integer from 0 to below its rank 2, got 2",
  ),
  no(
    "sum",
    [f2x3],
    { dims: [1, 0], keepdim: false },
    IndexError,
    "dims must ascend without repeats, got [1, 0]",
  ),
  no(
    "sum",
    [f2x3],
    { dims: [1, 1], keepdim: false },
    IndexError,
    "dims must ascend without repeats, got [1, 1]",
  ),
  no(
    "amax",
    ["float32[2, 0]"],
    { dims: [1], keepdim: false },
    IndexError,
    "Cannot amax float32[2, 0] along dimension 1: its size must not be 0, got 0",
  ),
  no("argmin", ["float32[2, 0]"], { dim: 1, keepdim: false }, IndexError, "its size must not be 0, got 0"),
  no(
    "argmax",
    ["float32[]"],
    { dim: 0, keepdim: false },
    IndexError,
    "dim must be an integer from 0 to below its rank 0, got 0",
  ),
  no("cumsum", [f2x3], { dim: -1 }, IndexError, "got -1"),
  no("sort", [f2x3], { dim: 2, descending: false }, IndexError, "got 2"),
  no(
    "topk",
    [f2x3],
    { dim: 1, k: 4, largest: true },
    IndexError,
    "Cannot topk float32[2, 3] along dimension 1: k must be an integer from 0 to 3, got 4",
  ),
  no("topk", [f2x3], { dim: 1, k: -1, largest: true }, IndexError, "got -1"),

  no(
    "where",
    ["float32[2]", "float32[2]", "float32[2]"],
    null,
    DTypeError,
    "Cannot where float32[2]: cond must have dtype bool, got float32",
  ),
  no(
    "where",
    ["bool[2]", "float32[2]", "float32[3]"],
    null,
    ShapeError,
    "Cannot where float32[2] and float32[3]: sizes must match or be 1, got 2 and 3 at dimension 0",
  ),
  no("concat", [], { dim: 0 }, ValueError, "Cannot concat nothing: there must be an input, got none"),
  no(
    "concat",
    [f2x3, "float32[3, 3]"],
    { dim: 1 },
    ShapeError,
    "Cannot concat float32[2, 3] and float32[3, 3]: ranks must match, and sizes but at dimension 1, got [2, 3] and [3, 3]",
  ),
  no("concat", [f2x3, "float32[3]"], { dim: 0 }, ShapeError, "got [2, 3] and [3]"),
  no("concat", ["float32[]", "float32[]"], { dim: 0 }, IndexError, "below its rank 0"),
  no(
    "pad",
    [f2x3],
    { low: [0], high: [0, 0], value: 0 },
    ShapeError,
    "Cannot pad float32[2, 3]: low and high must have 2 entries, got low [0] and high [0, 0]",
  ),
  no(
    "pad",
    [f2x3],
    { low: [0, -2], high: [0, -2], value: 0 },
    ShapeError,
    "no more than its 3 elements can be cut at dimension 1, got low [0, -2] and high [0, -2]",
  ),
  no(
    "pad",
    [f2x3],
    { low: [0, -4], high: [0, 4], value: 0 },
    ShapeError,
    "no more than its 3 elements can be cut at dimension 1",
  ),
  no("pad", [f2x3], { low: [0, 0.5], high: [0, 0], value: 0 }, ShapeError, "low and high must be integers"),
  no("flip", [f2x3], { dims: [0, 2] }, IndexError, "got 2"),
  no(
    "indexSelect",
    [f2x3, "float32[2]"],
    { dim: 0 },
    DTypeError,
    "Cannot indexSelect float32[2]: index must have dtype int32 or int64, got float32",
  ),
  no("indexSelect", [f2x3, "int32[1, 2]"], { dim: 0 }, ShapeError, "index must have rank 1, got rank 2"),
  no("indexSelect", ["float32[]", "int32[1]"], { dim: 0 }, IndexError, "below its rank 0"),
  no(
    "indexReduce",
    [f2x3, "int32[2]", "float32[3, 3]"],
    { dim: 0, reduce: "sum" },
    ShapeError,
    "source must have shape [2, 3], got [3, 3]",
  ),
  no(
    "indexReduce",
    ["bool[2]", "int32[2]", "bool[2]"],
    { dim: 0, reduce: "sum" },
    DTypeError,
    'Cannot indexReduce with "sum" bool[2]: it must have an integer or float dtype, got bool',
  ),
  no(
    "gather",
    [f2x3, "int32[3, 1]"],
    { dim: 1 },
    ShapeError,
    "Cannot gather float32[2, 3] and int32[3, 1]: index must have rank 2 and sizes at most [2, 3] but at dimension 1, got [3, 1]",
  ),
  no("gather", [f2x3, "int32[3]"], { dim: 1 }, ShapeError, "index must have rank 2"),
  no(
    "gather",
    [f2x3, "int16[2, 3]"],
    { dim: 1 },
    DTypeError,
    "index must have dtype int32 or int64, got int16",
  ),
  no(
    "scatter",
    [f2x3, "int32[2, 2]", "float32[2, 1]"],
    { dim: 1, reduce: "set" },
    ShapeError,
    "index must have rank 2 and sizes at most [2, 1], got [2, 2]",
  ),
  no(
    "scatter",
    [f2x3, "int32[3, 2]", "float32[3, 2]"],
    { dim: 1, reduce: "set" },
    ShapeError,
    "sizes at most [2, 3] but at dimension 1, got [3, 2]",
  ),
  no(
    "scatter",
    ["bool[2]", "int32[2]", "bool[2]"],
    { dim: 0, reduce: "amax" },
    DTypeError,
    'Cannot scatter with "amax" bool[2]',
  ),
  no(
    "nonzero",
    [f2x3],
    { count: 7 },
    ValueError,
    "Cannot nonzero float32[2, 3]: count must be an integer from 0 to 6, got 7",
  ),
  no(
    "searchsorted",
    ["float32[2, 3]", "float32[3, 3]"],
    { right: false },
    ShapeError,
    "sorted must have rank 1 or the leading sizes of values, got [2, 3] and [3, 3]",
  ),
  no(
    "searchsorted",
    ["float32[]", "float32[3]"],
    { right: false },
    ShapeError,
    "Cannot searchsorted float32[]: it must have rank 1 or more, got rank 0",
  ),
  no(
    "full",
    [],
    { shape: [-1], value: 0, dtype: float32 },
    ValueError,
    "Cannot fill shape [-1]: sizes must be integers >= 0, got -1",
  ),
  no(
    "full",
    [],
    { shape: [], value: 300, dtype: uint8 },
    ValueError,
    "Cannot fill uint8: the value must be at least -255 and below 256, got 300",
  ),
  no("full", [], { shape: [], value: NaN, dtype: int32 }, ValueError, "got NaN"),
  no(
    "full",
    [],
    { shape: [], value: 2 ** 63, dtype: dtypeOf("int64") },
    ValueError,
    "Cannot fill int64: the value must be at least -9223372036854775808 and below 9223372036854775808, got 92233720368547",
  ),
  no(
    "full",
    [],
    { shape: [], value: 2n ** 63n, dtype: dtypeOf("int64") },
    ValueError,
    "Cannot fill int64: the value must be at least -9223372036854775808 and below 9223372036854775808, got 92233720368547",
  ),
  no("iota", [], { start: 0, step: 1, size: -1, dtype: int32 }, ValueError, "got -1"),
  no(
    "iota",
    [],
    { start: 0, step: Infinity, size: 1, dtype: int32 },
    ValueError,
    "Cannot iota: start and step must be finite, got 0 and Infinity",
  ),
  no(
    "randomUniform",
    [],
    { shape: [2], dtype: float32, key: [-1, 0], counter: 0 },
    ValueError,
    "Cannot randomUniform: the key must be two unsigned 32-bit integers, got [-1, 0]",
  ),
  no(
    "randomNormal",
    [],
    { shape: [2], dtype: float32, key: [0, 0], counter: 2 ** 53 },
    ValueError,
    "the counter must be an integer from 0 to below 2^53, got 9007199254740992",
  ),
  no(
    "randomInt",
    [],
    { ...random, shape: [2], dtype: int32, low: 2, high: 2 },
    ValueError,
    "Cannot randomInt: low must be below high, got 2 and 2",
  ),
  no(
    "randomInt",
    [],
    { ...random, shape: [2], dtype: uint8, low: 0, high: 257 },
    ValueError,
    "Cannot randomInt uint8: low must be at least 0 and high at most 256, got 0 and 257",
  ),
  no(
    "randomInt",
    [],
    { ...random, shape: [2], dtype: int32, low: 0.5, high: 2 },
    ValueError,
    "must be integers below 2^53, got 0.5 and 2",
  ),
  no(
    "randomUniform",
    [],
    { ...random, shape: [2], dtype: int32 },
    DTypeError,
    "Cannot randomUniform int32: the result must have a float dtype, got int32",
  ),

  no(
    "matmul",
    [f2x3, "float32[4, 5]"],
    null,
    ShapeError,
    "Cannot matmul float32[2, 3] and float32[4, 5]: inner sizes must match, got 3 and 4",
  ),
  no(
    "matmul",
    [f2x3, "float32[3]"],
    null,
    ShapeError,
    "Cannot matmul float32[3]: it must have rank 2 or more, got rank 1",
  ),
  no(
    "matmul",
    ["float32[4, 2, 3]", "float32[5, 3, 2]"],
    null,
    ShapeError,
    "batch sizes must match or be 1, got [4] and [5]",
  ),
  no(
    "cholesky",
    [f2x3],
    null,
    ShapeError,
    "Cannot cholesky float32[2, 3]: the matrix must be square, got 2 by 3",
  ),
  no("eigh", [f2x3], null, ShapeError, "the matrix must be square, got 2 by 3"),
  no("luFactor", ["float32[2]"], null, ShapeError, "it must have rank 2 or more, got rank 1"),
  no("qr", ["float32[2]"], { complete: true }, ShapeError, "it must have rank 2 or more, got rank 1"),
  no("svd", ["float32[]"], { full: true }, ShapeError, "it must have rank 2 or more, got rank 0"),
  no(
    "solveTriangular",
    ["float32[3, 3]", f2x3],
    { upper: true, unitriangular: false },
    ShapeError,
    "rows must match, got 3 and 2",
  ),
  no(
    "solveTriangular",
    ["float32[1, 2, 2]", f2x3],
    { upper: true, unitriangular: false },
    ShapeError,
    "batch sizes must match, got [1] and []",
  ),
  no(
    "fft",
    [f2x3],
    { dim: 0, inverse: false },
    ShapeError,
    "the last size must be 2, for complex pairs, got 3",
  ),
  no(
    "fft",
    ["float32[2, 2]"],
    { dim: 1, inverse: false },
    ShapeError,
    "dim must not be the last dimension, which holds complex pairs, got 1",
  ),
  no(
    "fft",
    ["float32[0, 2]"],
    { dim: 0, inverse: false },
    ShapeError,
    "the size at dimension 0 must be 1 or more, got 0",
  ),

  no("softmax", ["float32[]"], { dim: 0 }, IndexError, "below its rank 0"),
  no(
    "softmaxBackward",
    [f2x3, "float32[3]"],
    { dim: 0 },
    ShapeError,
    "shapes must match, got [2, 3] and [3]",
  ),
  no(
    "geluBackward",
    [f2x3, "float32[3]"],
    { approximate: "none" },
    ShapeError,
    "shapes must match, got [2, 3] and [3]",
  ),
  no(
    "clamp",
    ["int32[2]"],
    { min: 0.5, max: null },
    ValueError,
    "Cannot clamp int32[2]: limits must be integers for an integer dtype, got 0.5 and 0",
  ),
  no(
    "addScaled",
    ["int32[2]", "int32[2]"],
    { alpha: 0.5 },
    ValueError,
    "alpha must be an integer for an integer dtype, got 0.5",
  ),
  no(
    "linear",
    [f2x3, "float32[4, 2]", "float32[4]"],
    null,
    ShapeError,
    "inner sizes must match, got 3 and 2",
  ),
  no("linear", [f2x3, "float32[3]", "float32[4]"], null, ShapeError, "weight must have rank 2, got rank 1"),
  no(
    "linear",
    [f2x3, "float32[4, 3]", "float32[1]"],
    null,
    ShapeError,
    "Cannot linear float32[2, 3], float32[4, 3] and float32[1]: bias must have shape [4], got [1]",
  ),
  no(
    "linear",
    ["float32[]", "float32[4, 3]", "float32[4]"],
    null,
    ShapeError,
    "it must have rank 1 or more, got rank 0",
  ),
  no(
    "layerNorm",
    [f2x3, "float32[2]", "float32[2]"],
    { eps: 0 },
    ShapeError,
    "x must end in the sizes of weight, got [2, 3]",
  ),
  no(
    "layerNorm",
    [f2x3, "float32[3]", "float32[2]"],
    { eps: 0 },
    ShapeError,
    "bias must have shape [3], got [2]",
  ),
  no(
    "layerNorm",
    [f2x3, "float32[]", "float32[]"],
    { eps: 0 },
    ShapeError,
    "weight must have rank 1 or more, got rank 0",
  ),
  no(
    "layerNorm",
    ["float32[3]", f2x3, f2x3],
    { eps: 0 },
    ShapeError,
    "x must end in the sizes of weight, got [3]",
  ),
  no(
    "layerNormBackward",
    [f2x3, f2x3, "float32[3]", "float32[2]", "float32[2, 1]"],
    null,
    ShapeError,
    "mean must have shape [2, 1], got [2]",
  ),
  no(
    "batchNorm",
    ["float32[2]", "float32[2]", "float32[2]"],
    { eps: 0 },
    ShapeError,
    "x must be [N, C, …], got [2]",
  ),
  no(
    "batchNorm",
    [f2x3, "float32[2]", "float32[2]"],
    { eps: 0 },
    ShapeError,
    "weight must have shape [3], got [2]",
  ),
  no(
    "batchNormBackward",
    ["float32[3]", f2x3, "float32[3]", "float32[3]", "float32[3]"],
    null,
    ShapeError,
    "g must have shape [2, 3], got [3]",
  ),

  no(
    "conv",
    [f2x3, "float32[2, 3]"],
    conv1,
    ShapeError,
    "shapes must be [N, C, …] with 1 to 3 spatial sizes, got [2, 3]",
  ),
  no(
    "conv",
    ["float32[1, 1, 2, 2, 2, 2]", "float32[1, 1, 1]"],
    conv1,
    ShapeError,
    "with 1 to 3 spatial sizes",
  ),
  no(
    "conv",
    ["float32[1, 4, 5]", "float32[2, 3, 3]"],
    conv1,
    ShapeError,
    "Cannot conv float32[1, 4, 5] and float32[2, 3, 3]: x must have 3 channels, got 4",
  ),
  no(
    "conv",
    ["float32[1, 4, 5]", "float32[3, 2, 3]"],
    { ...conv1, groups: 2 },
    ShapeError,
    "the output channels must be divisible by 2 groups, got 3",
  ),
  no(
    "conv",
    ["float32[1, 4, 5]", "float32[3, 4, 3]"],
    { ...conv1, groups: 0 },
    ValueError,
    "Cannot conv: groups must be an integer >= 1, got 0",
  ),
  no(
    "conv",
    ["float32[1, 1, 5]", "float32[1, 1, 3]"],
    { ...conv1, dilation: [3] },
    ShapeError,
    "the kernel must have sizes >= 1 that fit into the padded input, got 7 over 5 at spatial dimension 0",
  ),
  no("conv", ["float32[1, 1, 5]", "float32[1, 1, 0]"], conv1, ShapeError, "the kernel must have sizes >= 1"),
  no(
    "conv",
    ["float32[1, 1, 5]", "float32[1, 1, 3]"],
    { ...conv1, stride: [0] },
    ValueError,
    "stride must be integers >= 1, got [0]",
  ),
  no(
    "conv",
    ["float32[1, 1, 5]", "float32[1, 1, 3]"],
    { ...conv1, padding: [0, 0] },
    ShapeError,
    "padding must have 1 entries, got [0, 0]",
  ),
  no(
    "conv",
    ["float32[1, 1, 5]", "float32[1, 1, 3, 3]"],
    conv1,
    ShapeError,
    "weight must have rank 3, got rank 4",
  ),
  no(
    "convInputGrad",
    ["float32[1, 2, 3]", "float32[2, 1, 3]"],
    { ...conv1, inputSize: [6] },
    ShapeError,
    "g must have shape [1, 2, 4], got [1, 2, 3]",
  ),
  no(
    "convInputGrad",
    ["float32[1, 3, 3]", "float32[2, 1, 3]"],
    { ...conv1, inputSize: [5] },
    ShapeError,
    "g must have shape [1, 2, 3], got [1, 3, 3]",
  ),
  no(
    "convWeightGrad",
    ["float32[1, 2, 3]", "float32[1, 4, 6]"],
    { ...conv1, kernelSize: [3] },
    ShapeError,
    "g must have shape [1, 2, 4], got [1, 2, 3]",
  ),
  no(
    "convWeightGrad",
    ["float32[1, 2, 4]", "float32[1, 3, 6]"],
    { ...conv1, groups: 2, kernelSize: [3] },
    ShapeError,
    "channels must be divisible by 2 groups, got 2 and 3",
  ),
  no(
    "maxPool",
    ["float32[1, 1, 2]"],
    pool1,
    ShapeError,
    "Cannot maxPool float32[1, 1, 2]: the window [3] must fit into the padded input, got output size [0]",
  ),
  no(
    "maxPool",
    ["float32[1, 1, 5]"],
    { ...pool1, padding: [2] },
    ValueError,
    "Cannot maxPool with kernel size [3]: the padding must be at most half of the kernel size, got [2]",
  ),
  no("maxPool", ["float32[1, 5]"], pool1, ShapeError, "with 1 to 3 spatial sizes, got [1, 5]"),
  no(
    "maxPool",
    ["float32[1, 1, 5]"],
    { ...pool1, kernelSize: [3, 3] },
    ShapeError,
    "kernelSize must have 1 entries, got [3, 3]",
  ),
  no(
    "maxPoolBackward",
    ["float32[1, 1, 4]", "int32[1, 1, 3]"],
    { inputSize: [8] },
    ShapeError,
    "indices must have shape [1, 1, 4], got [1, 1, 3]",
  ),
  no(
    "avgPool",
    ["float32[1, 1, 5]"],
    { ...pool1, ...mean, dilation: [2] },
    ShapeError,
    "Cannot avgPool: the dilation must be 1, got [2]",
  ),
  no(
    "avgPool",
    ["float32[1, 1, 5]"],
    { ...pool1, ...mean, divisor: 0 },
    ValueError,
    "Cannot avgPool: the divisor must not be zero, got 0",
  ),
  no(
    "avgPoolBackward",
    ["float32[1, 1, 3]"],
    { ...pool1, ...mean, inputSize: [6] },
    ShapeError,
    "g must have shape [1, 1, 4], got [1, 1, 3]",
  ),

  no(
    "attention",
    ["float32[5, 8]", "float32[6, 7]", "float32[6, 8]"],
    { scale: 1, causal: false },
    ShapeError,
    "q, k and v must be […, L, E], […, S, E] and […, S, F] with equal leading sizes, got [5, 8], [6, 7] and [6, 8]",
  ),
  no(
    "attention",
    ["float32[2, 5, 8]", "float32[6, 8]", "float32[6, 8]"],
    { scale: 1, causal: false },
    ShapeError,
    "with equal leading sizes",
  ),
  no(
    "attention",
    ["float32[5, 8]", "float32[6, 8]", "float32[6, 8]", "float32[2, 5, 6]"],
    { scale: 1, causal: false },
    ShapeError,
    "bias must broadcast to [5, 6], got [2, 5, 6]",
  ),
  no(
    "attention",
    ["float32[8]", "float32[6, 8]", "float32[6, 8]"],
    { scale: 1, causal: false },
    ShapeError,
    "it must have rank 2 or more, got rank 1",
  ),
  no(
    "rnnLayer",
    ["float32[3, 4]", "float32[4, 3]", "float32[2, 4]"],
    { sizes: [2, 1], reverse: false, nonlinearity: "tanh" },
    ShapeError,
    "weight must be [H, H], got [4, 3]",
  ),
  no(
    "lstmLayer",
    ["float32[3, 8]", "float32[6, 2]", "float32[2, 2]", "float32[2, 2]"],
    { sizes: [2, 1], reverse: false },
    ShapeError,
    "weight must be [4 H, H], got [6, 2]",
  ),
  no(
    "lstmLayer",
    ["float32[3, 8]", "float32[8, 2]", "float32[2, 2]", "float32[3, 2]"],
    { sizes: [2, 1], reverse: false },
    ShapeError,
    "c must have shape [2, 2], got [3, 2]",
  ),
  no(
    "gruLayer",
    ["float32[3, 6]", "float32[6, 2]", "float32[6]", "float32[1, 2]"],
    { sizes: [1, 2], reverse: false },
    ValueError,
    "sizes must be integers >= 1 that never grow, got [1, 2]",
  ),
  no(
    "gruLayer",
    ["float32[0, 6]", "float32[6, 2]", "float32[6]", "float32[0, 2]"],
    { sizes: [], reverse: false },
    ValueError,
    "there must be one step or more, got 0",
  ),
  no(
    "nllLoss",
    ["float32[5, 3]", "float32[5]", "float32[3]"],
    { reduction: "sum", ignoreIndex: 0 },
    DTypeError,
    "target must have dtype int32 or int64, got float32",
  ),
  no(
    "nllLoss",
    ["float32[5, 3]", "int32[4]", "float32[3]"],
    { reduction: "sum", ignoreIndex: 0 },
    ShapeError,
    "target must have shape [5], got [4]",
  ),
  no(
    "nllLoss",
    ["float32[5, 3]", "int32[5]", "float32[5]"],
    { reduction: "sum", ignoreIndex: 0 },
    ShapeError,
    "weight must have shape [3], got [5]",
  ),
  no(
    "nllLoss",
    ["float32[5]", "int32[5]", "float32[5]"],
    { reduction: "sum", ignoreIndex: 0 },
    ShapeError,
    "logp must be [N, C], got [5]",
  ),
  no(
    "sgdStep",
    ["float32[2]", "float32[2]", "float32[3]"],
    { lr: 1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false },
    ShapeError,
    "Cannot sgdStep float32[2], float32[2] and float32[3]: shapes must match, got [2] and [3]",
  ),
  no(
    "adamStep",
    ["float32[2]", "float32[2]", "float32[2]", "float32[2]"],
    { lr: 1, beta1: 0, beta2: 0, eps: 0, weightDecay: 0, decoupled: false, maximize: false, step: 0 },
    ValueError,
    "step must be an integer >= 1, got 0",
  ),
];

describe("inferenceRules: refusals", () => {
  test.each(refused)("%s of %j", (name, inputs, attrs, type, message) => {
    expect(() => run(name, inputs, attrs)).toThrow(type);
    expect(() => run(name, inputs, attrs)).toThrow(message);
  });

  test("messages have one form", () => {
    for (const [name, inputs, attrs] of refused) {
      try {
        run(name, inputs, attrs);
      } catch (error) {
        expect((error as Error).message).toMatch(/^Cannot .+: .+, got .*[^.]$/);
      }
    }
  });
});
