/**
 * Which element types each primitive takes.
 *
 * @module
 */

import {
  bfloat16,
  bool,
  type DType,
  dtypes,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "../dtype.ts";
import type { Name } from "../primitives.ts";

/** A set of element types with the words that a message has for it. */
export interface DTypeClass {
  /** Ends the sentence "it must have …". */
  readonly label: string;
  /** The members. */
  readonly dtypes: readonly DType[];
}

const any: DTypeClass = { label: "any dtype", dtypes };
const numeric: DTypeClass = {
  label: "an integer or float dtype",
  dtypes: dtypes.filter((dtype) => dtype !== bool),
};
const discrete: DTypeClass = {
  label: "an integer dtype or bool",
  dtypes: [bool, uint8, int8, int16, int32, int64],
};
const integer: DTypeClass = { label: "an integer dtype", dtypes: [uint8, int8, int16, int32, int64] };
const float: DTypeClass = { label: "a float dtype", dtypes: [float16, bfloat16, float32, float64] };
const wide: DTypeClass = { label: "dtype float32 or float64", dtypes: [float32, float64] };

/** The dtypes of indices: what a primitive takes wherever its row says `index`, `indices` or `target`. */
export const indexDTypes: DTypeClass = { label: "dtype int32 or int64", dtypes: [int32, int64] };

/** The dtypes of the source of `indexReduce` and `scatter` with a `reduce` other than `set`. */
export const reduceDTypes: DTypeClass = numeric;

/** The dtype of conditions. */
export const conditionDTypes: DTypeClass = { label: "dtype bool", dtypes: [bool] };

/**
 * The element types of each primitive: of its value inputs, which all have one dtype, or of its result when it has no
 * inputs. Kernels must take these, and these only.
 *
 * Indices take {@linkcode indexDTypes} and the condition of `where` is bool. `indexReduce` and `scatter` take bool
 * only with `reduce: "set"`.
 */
export const inputDTypes: { readonly [P in Name]: DTypeClass } = {
  alias: any,
  view: any,
  permute: any,
  expand: any,
  slice: any,
  diagonal: any,
  asStrided: any,

  neg: numeric,
  abs: numeric,
  sign: any,
  exp: float,
  exp2: float,
  expm1: float,
  log: float,
  log2: float,
  log10: float,
  log1p: float,
  sqrt: float,
  rsqrt: float,
  reciprocal: float,
  sin: float,
  cos: float,
  tan: float,
  asin: float,
  acos: float,
  atan: float,
  sinh: float,
  cosh: float,
  tanh: float,
  asinh: float,
  acosh: float,
  atanh: float,
  erf: float,
  erfc: float,
  erfinv: float,
  erfcx: float,
  lgamma: float,
  digamma: float,
  i0: float,
  i0e: float,
  i1: float,
  i1e: float,
  ndtri: float,
  logNdtr: float,
  floor: float,
  ceil: float,
  round: float,
  trunc: float,
  sigmoid: float,
  relu: numeric,
  logicalNot: any,
  bitwiseNot: discrete,
  isnan: float,
  isinf: float,
  signbit: numeric,

  add: any,
  sub: numeric,
  mul: any,
  div: float,
  floorDivide: numeric,
  truncDivide: numeric,
  remainder: numeric,
  fmod: numeric,
  pow: numeric,
  maximum: any,
  minimum: any,
  atan2: float,
  hypot: float,
  copysign: float,
  nextafter: wide, // the neighbour of a half is not the neighbour of its float32
  igamma: float,
  igammac: float,
  zeta: float,
  gcd: integer,
  eq: any,
  ne: any,
  lt: any,
  le: any,
  gt: any,
  ge: any,
  bitwiseAnd: discrete,
  bitwiseOr: discrete,
  bitwiseXor: discrete,
  leftShift: integer,
  rightShift: integer,

  sum: numeric,
  prod: numeric,
  amax: any,
  amin: any,
  any: any,
  all: any,
  argmax: numeric,
  argmin: numeric,

  cumsum: numeric,
  cumprod: numeric,
  cummax: any,
  cummin: any,
  logcumsumexp: float,
  sort: any,
  topk: numeric,

  copy: any,
  cast: any,
  where: any,
  concat: any,
  pad: any,
  flip: any,
  indexSelect: any,
  indexReduce: any,
  gather: any,
  scatter: any,
  nonzero: any,
  searchsorted: numeric,
  full: any,
  iota: numeric,
  randomUniform: float,
  randomNormal: float,
  randomInt: numeric,

  matmul: numeric,
  cholesky: wide,
  luFactor: wide,
  qr: wide,
  eigh: wide,
  svd: wide,
  solveTriangular: wide,
  fft: wide,

  softmax: float,
  logSoftmax: float,
  softmaxBackward: float,
  logSoftmaxBackward: float,
  gelu: float,
  geluBackward: float,
  silu: float,
  reluBackward: float,
  clamp: numeric,
  dropout: float,
  addScaled: numeric,
  linear: numeric,
  groupNorm: float,
  groupNormBackward: float,
  layerNorm: float,
  layerNormBackward: float,
  batchNorm: float,
  batchNormBackward: float,
  conv: float,
  convInputGrad: float,
  convWeightGrad: float,
  maxPool: float,
  maxPoolValues: float,
  maxPoolBackward: float,
  avgPool: float,
  avgPoolBackward: float,
  resample: float,
  attention: float,
  attentionBackward: float,
  rnnLayer: float,
  rnnLayerBackward: float,
  lstmLayer: float,
  lstmLayerBackward: float,
  gruLayer: float,
  gruLayerBackward: float,
  nllLoss: float,
  crossEntropy: float,
  crossEntropyBackward: float,
  sgdStep: float,
  adamStep: float,
};
