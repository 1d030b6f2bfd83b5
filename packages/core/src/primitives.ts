/**
 * The closed set of primitives: one documented row each, carried by a type parameter.
 *
 * A row is `[inputs, attrs]`, or `[inputs, attrs, outputs]` when there are several results. By choosing what flows
 * through it (`Tensor`, `Aval`, `Operand`, `GraphValue` …) the same rows type every table: shape rules, derivatives,
 * decompositions, kernels, facts for tests. The compiler then finds a missing or a short row.
 *
 * Conventions: `dims` are sorted, non-negative and without repeats; `dim` is non-negative and below the rank (the public
 * operation views a scalar as `[1]` first); `keepdim` leaves size 1.
 * Broadcasting happens inside pointwise primitives. Dtypes of the inputs of a pointwise primitive are equal: the
 * public operation casts first. Index inputs are int32 or int64. Which dtypes each primitive takes, says `inputDTypes`.
 *
 * @module
 */

import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";

/** How `scatter` combines a value with what is there. */
export type ScatterReduce = "set" | "sum" | "prod" | "amax" | "amin";

/** Geometry of a convolution or its gradients, one entry per spatial dimension. */
export interface ConvAttrs {
  /** Step of the window. */
  readonly stride: Shape;
  /** Zeros added before and after each spatial dimension. */
  readonly padding: Shape;
  /** Distance between the taps of the kernel. */
  readonly dilation: Shape;
  /** Number of independent groups of channels. */
  readonly groups: number;
}

/** Geometry of a pooling window, one entry per spatial dimension. */
export interface PoolAttrs {
  /** Size of the window. */
  readonly kernelSize: Shape;
  /** Step of the window. */
  readonly stride: Shape;
  /** Elements added before and after: minus infinity for max, zeros for average. */
  readonly padding: Shape;
  /** Distance between the taps of the window. */
  readonly dilation: Shape;
  /** Round the output size up instead of down. */
  readonly ceilMode: boolean;
}

/** How the losses of rows become one. */
export interface CrossEntropyAttrs {
  /** All losses, their sum, or that divided by the total weight. */
  readonly reduction: "none" | "mean" | "sum";
  /** The class that does not count. */
  readonly ignoreIndex: number;
  /** Share of each target that is spread evenly over all classes, in [0, 1]. */
  readonly smoothing: number;
}

/** How a recurrent layer runs over the rows of a packed sequence. */
export interface RecurrentAttrs {
  /** Samples of each step, never growing: the rows of step t lie behind those of the steps before it. */
  readonly sizes: Shape;
  /** From the last step to the first: samples begin where they have their last step. */
  readonly reverse: boolean;
}

/** Where the numbers of a random primitive come from: Philox 4x32-10 with this key, from this counter on. */
export interface RandomAttrs {
  /** Sizes of the result. */
  readonly shape: Shape;
  /** A float dtype; for `randomInt` also an integer dtype. */
  readonly dtype: DType;
  /** The 64-bit key: low and high word, each an unsigned 32-bit integer. */
  readonly key: readonly [low: number, high: number];
  /** The first 128-bit block to use, counted in blocks of four words; below 2^53. */
  readonly counter: number;
}

/** Attributes of dropout: a place in a stream of random numbers, and what happens at each. */
export interface DropoutAttrs extends Pick<RandomAttrs, "key" | "counter"> {
  /** Elements go where the number is below this. */
  readonly p: number;
  /** The factor of those that stay. */
  readonly scale: number;
}

/** Primitives that only change how memory is looked at: they alias their input and run no kernel. */
export interface ViewPrimitives<T> {
  /** The same tensor under another name: `detach`, `view_as`. */
  alias: [inputs: [x: T], attrs: null];
  /** Another shape over the same elements in the same order; the strides must allow it. */
  view: [inputs: [x: T], attrs: { readonly shape: Shape }];
  /** Dimensions in another order: output dimension `i` is input dimension `dims[i]`. */
  permute: [inputs: [x: T], attrs: { readonly dims: Shape }];
  /** Dimensions of size 1 repeated by stride 0; new dimensions may stand in front. `shape` has no -1. */
  expand: [inputs: [x: T], attrs: { readonly shape: Shape }];
  /** Elements `starts[d], starts[d] + steps[d], …` up to but without `stops[d]`; one entry per dimension, steps >= 1. */
  slice: [
    inputs: [x: T],
    attrs: { readonly starts: Shape; readonly stops: Shape; readonly steps: Shape },
  ];
  /** The diagonal of two dimensions, as a new last dimension. `offset` > 0 is above the main diagonal. */
  diagonal: [
    inputs: [x: T],
    attrs: { readonly offset: number; readonly dim1: number; readonly dim2: number },
  ];
  /** Any geometry over the storage of `x`; `offset` is absolute, in elements. */
  asStrided: [
    inputs: [x: T],
    attrs: { readonly shape: Shape; readonly strides: Shape; readonly offset: number },
  ];
}

/** Pointwise primitives of one input. */
export interface UnaryPrimitives<T> {
  /** −x. */
  neg: [inputs: [x: T], attrs: null];
  /** |x|. */
  abs: [inputs: [x: T], attrs: null];
  /** −1, 0 or 1, and 0 for NaN. */
  sign: [inputs: [x: T], attrs: null];
  /** eˣ. */
  exp: [inputs: [x: T], attrs: null];
  /** 2ˣ. */
  exp2: [inputs: [x: T], attrs: null];
  /** eˣ − 1, accurate near 0. */
  expm1: [inputs: [x: T], attrs: null];
  /** Natural logarithm. */
  log: [inputs: [x: T], attrs: null];
  /** Base-2 logarithm. */
  log2: [inputs: [x: T], attrs: null];
  /** Base-10 logarithm. */
  log10: [inputs: [x: T], attrs: null];
  /** ln(1 + x), accurate near 0. */
  log1p: [inputs: [x: T], attrs: null];
  /** √x. */
  sqrt: [inputs: [x: T], attrs: null];
  /** 1 / √x. */
  rsqrt: [inputs: [x: T], attrs: null];
  /** 1 / x. */
  reciprocal: [inputs: [x: T], attrs: null];
  /** Sine of x in radians. */
  sin: [inputs: [x: T], attrs: null];
  /** Cosine of x in radians. */
  cos: [inputs: [x: T], attrs: null];
  /** Tangent of x in radians. */
  tan: [inputs: [x: T], attrs: null];
  /** Arc sine, in radians. */
  asin: [inputs: [x: T], attrs: null];
  /** Arc cosine, in radians. */
  acos: [inputs: [x: T], attrs: null];
  /** Arc tangent, in radians. */
  atan: [inputs: [x: T], attrs: null];
  /** Hyperbolic sine. */
  sinh: [inputs: [x: T], attrs: null];
  /** Hyperbolic cosine. */
  cosh: [inputs: [x: T], attrs: null];
  /** Hyperbolic tangent. */
  tanh: [inputs: [x: T], attrs: null];
  /** Inverse hyperbolic sine. */
  asinh: [inputs: [x: T], attrs: null];
  /** Inverse hyperbolic cosine. */
  acosh: [inputs: [x: T], attrs: null];
  /** Inverse hyperbolic tangent. */
  atanh: [inputs: [x: T], attrs: null];
  /** Error function. */
  erf: [inputs: [x: T], attrs: null];
  /** 1 − erf(x), accurate for large x. */
  erfc: [inputs: [x: T], attrs: null];
  /** Inverse of erf on (−1, 1). */
  erfinv: [inputs: [x: T], attrs: null];
  /** exp(x²) · erfc(x). */
  erfcx: [inputs: [x: T], attrs: null];
  /** ln |Γ(x)|. */
  lgamma: [inputs: [x: T], attrs: null];
  /** ψ(x), the derivative of lgamma. */
  digamma: [inputs: [x: T], attrs: null];
  /** Modified Bessel function of the first kind, order 0. */
  i0: [inputs: [x: T], attrs: null];
  /** exp(−|x|) · i0(x). */
  i0e: [inputs: [x: T], attrs: null];
  /** Modified Bessel function of the first kind, order 1. */
  i1: [inputs: [x: T], attrs: null];
  /** exp(−|x|) · i1(x). */
  i1e: [inputs: [x: T], attrs: null];
  /** Quantile of the standard normal distribution. */
  ndtri: [inputs: [x: T], attrs: null];
  /** ln of the standard normal distribution function. */
  logNdtr: [inputs: [x: T], attrs: null];
  /** Largest integer not above x. */
  floor: [inputs: [x: T], attrs: null];
  /** Smallest integer not below x. */
  ceil: [inputs: [x: T], attrs: null];
  /** Nearest integer, halves to even. */
  round: [inputs: [x: T], attrs: null];
  /** Integer part. */
  trunc: [inputs: [x: T], attrs: null];
  /** 1 / (1 + e⁻ˣ). */
  sigmoid: [inputs: [x: T], attrs: null];
  /** max(x, 0); NaN passes. */
  relu: [inputs: [x: T], attrs: null];
  /** True where x is 0 (any dtype) → bool. */
  logicalNot: [inputs: [x: T], attrs: null];
  /** Bits inverted (integers), truth inverted (bool). */
  bitwiseNot: [inputs: [x: T], attrs: null];
  /** True where x is NaN → bool. */
  isnan: [inputs: [x: T], attrs: null];
  /** True where x is +∞ or −∞ → bool. */
  isinf: [inputs: [x: T], attrs: null];
  /** True where the sign bit is set, −0 included → bool. */
  signbit: [inputs: [x: T], attrs: null];
}

/** Pointwise primitives of two inputs of one dtype; shapes broadcast. */
export interface BinaryPrimitives<T> {
  /** x + y; `or` on bool. */
  add: [inputs: [x: T, y: T], attrs: null];
  /** x − y. */
  sub: [inputs: [x: T, y: T], attrs: null];
  /** x · y; `and` on bool. */
  mul: [inputs: [x: T, y: T], attrs: null];
  /** x / y of floats. */
  div: [inputs: [x: T, y: T], attrs: null];
  /** Quotient rounded down. Integers divided by zero throw a ValueError, here and in the next three rows. */
  floorDivide: [inputs: [x: T, y: T], attrs: null];
  /** Quotient rounded toward zero. */
  truncDivide: [inputs: [x: T, y: T], attrs: null];
  /** x − y · floor(x / y): the sign of y. */
  remainder: [inputs: [x: T, y: T], attrs: null];
  /** x − y · trunc(x / y): the sign of x. */
  fmod: [inputs: [x: T, y: T], attrs: null];
  /** xʸ. Integers with a negative exponent give 0, but 1 and −1. */
  pow: [inputs: [x: T, y: T], attrs: null];
  /** The larger; NaN if either is NaN. */
  maximum: [inputs: [x: T, y: T], attrs: null];
  /** The smaller; NaN if either is NaN. */
  minimum: [inputs: [x: T, y: T], attrs: null];
  /** Angle of the point (y: second input, x: first is the ordinate), in radians: atan2(x, y). */
  atan2: [inputs: [x: T, y: T], attrs: null];
  /** √(x² + y²) without overflow. */
  hypot: [inputs: [x: T, y: T], attrs: null];
  /** Magnitude of x with the sign of y. */
  copysign: [inputs: [x: T, y: T], attrs: null];
  /** The next value after x toward y. */
  nextafter: [inputs: [x: T, y: T], attrs: null];
  /** Regularized lower incomplete gamma function P(x, y). */
  igamma: [inputs: [x: T, y: T], attrs: null];
  /** Regularized upper incomplete gamma function Q(x, y). */
  igammac: [inputs: [x: T, y: T], attrs: null];
  /** Hurwitz zeta function ζ(x, y). */
  zeta: [inputs: [x: T, y: T], attrs: null];
  /** Greatest common divisor of integers. */
  gcd: [inputs: [x: T, y: T], attrs: null];
  /** x = y → bool. */
  eq: [inputs: [x: T, y: T], attrs: null];
  /** x ≠ y → bool. */
  ne: [inputs: [x: T, y: T], attrs: null];
  /** x < y → bool. */
  lt: [inputs: [x: T, y: T], attrs: null];
  /** x ≤ y → bool. */
  le: [inputs: [x: T, y: T], attrs: null];
  /** x > y → bool. */
  gt: [inputs: [x: T, y: T], attrs: null];
  /** x ≥ y → bool. */
  ge: [inputs: [x: T, y: T], attrs: null];
  /** Bitwise and of integers or bools. */
  bitwiseAnd: [inputs: [x: T, y: T], attrs: null];
  /** Bitwise or of integers or bools. */
  bitwiseOr: [inputs: [x: T, y: T], attrs: null];
  /** Bitwise exclusive or of integers or bools. */
  bitwiseXor: [inputs: [x: T, y: T], attrs: null];
  /** x · 2ʸ on integers; shifts of the width or more give 0. */
  leftShift: [inputs: [x: T, y: T], attrs: null];
  /** Arithmetic shift right. */
  rightShift: [inputs: [x: T, y: T], attrs: null];
}

/** Primitives that reduce dimensions. `dims` may be empty only for a scalar. */
export interface ReductionPrimitives<T> {
  /** Sum; of bools and small integers in int32 (the public operation casts first). */
  sum: [inputs: [x: T], attrs: { readonly dims: Shape; readonly keepdim: boolean }];
  /** Product. */
  prod: [inputs: [x: T], attrs: { readonly dims: Shape; readonly keepdim: boolean }];
  /** Largest value; NaN if any is NaN. */
  amax: [inputs: [x: T], attrs: { readonly dims: Shape; readonly keepdim: boolean }];
  /** Smallest value; NaN if any is NaN. */
  amin: [inputs: [x: T], attrs: { readonly dims: Shape; readonly keepdim: boolean }];
  /** True if any element is not 0 → bool. */
  any: [inputs: [x: T], attrs: { readonly dims: Shape; readonly keepdim: boolean }];
  /** True if all elements are not 0 → bool. */
  all: [inputs: [x: T], attrs: { readonly dims: Shape; readonly keepdim: boolean }];
  /** Place of the largest value along `dim`, the first among equals and the first NaN → int32. */
  argmax: [inputs: [x: T], attrs: { readonly dim: number; readonly keepdim: boolean }];
  /** Place of the smallest value along `dim`, the first among equals and the first NaN → int32. */
  argmin: [inputs: [x: T], attrs: { readonly dim: number; readonly keepdim: boolean }];
}

/** Primitives along one dimension that keep its size. */
export interface ScanPrimitives<T> {
  /** Running sum. */
  cumsum: [inputs: [x: T], attrs: { readonly dim: number }];
  /** Running product. */
  cumprod: [inputs: [x: T], attrs: { readonly dim: number }];
  /** Running maximum and its place (the last among equals, as in PyTorch) → x, int32. */
  cummax: [inputs: [x: T], attrs: { readonly dim: number }, outputs: [values: T, indices: T]];
  /** Running minimum and its place (the last among equals, as in PyTorch) → x, int32. */
  cummin: [inputs: [x: T], attrs: { readonly dim: number }, outputs: [values: T, indices: T]];
  /** ln of the running sum of exponentials. */
  logcumsumexp: [inputs: [x: T], attrs: { readonly dim: number }];
  /** Sorts; always stable; NaN is largest → x, int32. */
  sort: [
    inputs: [x: T],
    attrs: { readonly dim: number; readonly descending: boolean },
    outputs: [values: T, indices: T],
  ];
  /** The `k` largest or smallest in order; NaN is largest → x, int32. Size of `dim` becomes `k`. */
  topk: [
    inputs: [x: T],
    attrs: { readonly dim: number; readonly k: number; readonly largest: boolean },
    outputs: [values: T, indices: T],
  ];
}

/** Primitives that move, choose or make elements. */
export interface DataPrimitives<T> {
  /** A contiguous copy. */
  copy: [inputs: [x: T], attrs: null];
  /** Values in another dtype: floats to integers toward zero, anything to bool as `≠ 0`. */
  cast: [inputs: [x: T], attrs: { readonly dtype: DType }];
  /** `x` where `cond` (bool), else `y`; broadcasts. */
  where: [inputs: [cond: T, x: T, y: T], attrs: null];
  /** Inputs behind one another along `dim`; all of one dtype, other sizes equal; at least one input. */
  concat: [inputs: T[], attrs: { readonly dim: number }];
  /** `value` around `x`: `low[d]` elements before and `high[d]` after; negative numbers cut. One entry per dimension. */
  pad: [
    inputs: [x: T],
    attrs: { readonly low: Shape; readonly high: Shape; readonly value: number },
  ];
  /** Elements in reverse order along `dims`. */
  flip: [inputs: [x: T], attrs: { readonly dims: Shape }];
  /** `out[…, i, …] = x[…, index[i], …]` along `dim`; `index` has rank 1. */
  indexSelect: [inputs: [x: T, index: T], attrs: { readonly dim: number }];
  /** `x` with `source[…, i, …]` combined into place `index[i]` of `dim`; `index` has rank 1. Repeats combine in order. */
  indexReduce: [
    inputs: [x: T, index: T, source: T],
    attrs: { readonly dim: number; readonly reduce: ScatterReduce },
  ];
  /** `out[i][j] = x[index[i][j]][j]` for dim 0, and so on; `index` has the rank of `x`, sizes at most those of `x` but at `dim`. */
  gather: [inputs: [x: T, index: T], attrs: { readonly dim: number }];
  /** `x` with `source[i][j]` combined into `[index[i][j]][j]` for dim 0, and so on. Repeats combine in order. */
  scatter: [
    inputs: [x: T, index: T, source: T],
    attrs: { readonly dim: number; readonly reduce: ScatterReduce },
  ];
  /** Row-major places of the elements that are not 0, `count` of them → int32[count, rank]. */
  nonzero: [inputs: [x: T], attrs: { readonly count: number }];
  /** First place in the sorted last dimension where each of `values` fits; `right`: after equals → int32. */
  searchsorted: [inputs: [sorted: T, values: T], attrs: { readonly right: boolean }];
  /** A tensor of one value; integers beyond 2^53 come as `bigint`. */
  full: [
    inputs: [],
    attrs: { readonly shape: Shape; readonly value: number | bigint | boolean; readonly dtype: DType },
  ];
  /** `start + i · step`, for i = 0 … size − 1, computed in float64 and rounded once. */
  iota: [
    inputs: [],
    attrs: { readonly start: number; readonly step: number; readonly size: number; readonly dtype: DType },
  ];
  /** Uniform on [0, 1). Element `i` is made of word `i % 4` of block `counter + ⌊i / 4⌋` (float64: two words each). */
  randomUniform: [inputs: [], attrs: RandomAttrs];
  /** Standard normal by Box–Muller on pairs of words: element `2k` is the cosine, `2k + 1` the sine. See `philox.ts`. */
  randomNormal: [inputs: [], attrs: RandomAttrs];
  /** Uniform integers on [low, high): `low + word mod (high − low)` (two words where the span is over 2^32). */
  randomInt: [inputs: [], attrs: RandomAttrs & { readonly low: number; readonly high: number }];
}

/** Dense linear algebra. Leading dimensions are batches. */
export interface LinalgPrimitives<T> {
  /** `[…, M, K] @ […, K, N] → […, M, N]`; batch dimensions broadcast. Both have rank >= 2. */
  matmul: [inputs: [x: T, y: T], attrs: null];
  /** Lower factor L of A = L Lᵀ, and 0 or the order of the first minor that is not positive definite → A, int32 batch. */
  cholesky: [inputs: [x: T], attrs: null, outputs: [factor: T, info: T]];
  /** L and U packed in one matrix, row swaps (1-based, as LAPACK) int32 […, K], info int32 batch. */
  luFactor: [inputs: [x: T], attrs: null, outputs: [lu: T, pivots: T, info: T]];
  /** Householder QR. `complete`: Q is square, else […, M, K] and R […, K, N]. */
  qr: [inputs: [x: T], attrs: { readonly complete: boolean }, outputs: [q: T, r: T]];
  /** Eigenvalues ascending […, N] and vectors in columns of a symmetric matrix (its lower triangle is read). */
  eigh: [inputs: [x: T], attrs: null, outputs: [values: T, vectors: T]];
  /** Singular values descending; `full`: U and Vh are square. */
  svd: [inputs: [x: T], attrs: { readonly full: boolean }, outputs: [u: T, s: T, vh: T]];
  /** X of A X = B with A triangular […, N, N], B […, N, K]; batches are equal. */
  solveTriangular: [
    inputs: [a: T, b: T],
    attrs: { readonly upper: boolean; readonly unitriangular: boolean },
  ];
  /** Discrete Fourier transform of dimension `dim` of complex pairs in the last dimension; unscaled; `inverse`: e^{+i…}. */
  fft: [inputs: [x: T], attrs: { readonly dim: number; readonly inverse: boolean }];
}

/** Primitives that every backend must run. */
export interface CorePrimitives<T>
  extends
    UnaryPrimitives<T>,
    BinaryPrimitives<T>,
    ReductionPrimitives<T>,
    ScanPrimitives<T>,
    DataPrimitives<T>,
    LinalgPrimitives<T> {}

/** Primitives with a decomposition into core ones; a backend runs those for which its own kernel pays. */
export interface FusedPrimitives<T> {
  /** `softmax` along `dim`. */
  softmax: [inputs: [x: T], attrs: { readonly dim: number }];
  /** ln of `softmax` along `dim`, without overflow. */
  logSoftmax: [inputs: [x: T], attrs: { readonly dim: number }];
  /** Gradient of softmax: `y · (g − Σ g·y)`, with `y` its output. */
  softmaxBackward: [inputs: [g: T, y: T], attrs: { readonly dim: number }];
  /** Gradient of logSoftmax: `g − eʸ · Σ g`, with `y` its output. */
  logSoftmaxBackward: [inputs: [g: T, y: T], attrs: { readonly dim: number }];
  /** x · Φ(x), or its tanh form. */
  gelu: [inputs: [x: T], attrs: { readonly approximate: "none" | "tanh" }];
  /** Gradient of gelu at x times g. */
  geluBackward: [inputs: [g: T, x: T], attrs: { readonly approximate: "none" | "tanh" }];
  /** x · sigmoid(x). */
  silu: [inputs: [x: T], attrs: null];
  /** 0 where x <= 0, else g: the gradient of relu, with x its input or output; NaN lets g pass. */
  reluBackward: [inputs: [g: T, x: T], attrs: null];
  /** Values limited to [min, max]; null is no limit; NaN passes. */
  clamp: [inputs: [x: T], attrs: { readonly min: number | null; readonly max: number | null }];
  /** x · scale where the float32 number that randomUniform gives there is `p` or above, else 0 → y, and where: bool. */
  dropout: [inputs: [x: T], attrs: DropoutAttrs, outputs: [y: T, kept: T]];
  /** x + alpha · y, of one dtype; broadcasts. */
  addScaled: [inputs: [x: T, y: T], attrs: { readonly alpha: number }];
  /** `x @ weightᵀ + bias`: x […, K], weight [N, K], bias [N] → […, N]. */
  linear: [inputs: [x: T, weight: T, bias: T], attrs: null];
  /**
   * Group normalization of x [N, G, C, L] over each [C, L], with weight and bias [G, C] → y, mean and 1/σ [N, G, 1, 1].
   */
  groupNorm: [
    inputs: [x: T, weight: T, bias: T],
    attrs: { readonly eps: number },
    outputs: [y: T, mean: T, rstd: T],
  ];
  /** Gradients of groupNorm for x, weight and bias. */
  groupNormBackward: [
    inputs: [g: T, x: T, weight: T, mean: T, rstd: T],
    attrs: null,
    outputs: [gx: T, gweight: T, gbias: T],
  ];
  /**
   * Layer normalization over the last `weight.rank` dimensions → y, mean and 1/σ (sizes 1 at the normalized dimensions).
   */
  layerNorm: [
    inputs: [x: T, weight: T, bias: T],
    attrs: { readonly eps: number },
    outputs: [y: T, mean: T, rstd: T],
  ];
  /** Gradients of layerNorm for x, weight and bias. */
  layerNormBackward: [
    inputs: [g: T, x: T, weight: T, mean: T, rstd: T],
    attrs: null,
    outputs: [gx: T, gweight: T, gbias: T],
  ];
  /**
   * Batch normalization by the statistics of this batch, x [N, C, …], weight and bias [C] → y, mean [C], 1/σ [C]
   * (biased variance, eps inside the root).
   */
  batchNorm: [
    inputs: [x: T, weight: T, bias: T],
    attrs: { readonly eps: number },
    outputs: [y: T, mean: T, rstd: T],
  ];
  /** Gradients of batchNorm for x, weight and bias. */
  batchNormBackward: [
    inputs: [g: T, x: T, weight: T, mean: T, rstd: T],
    attrs: null,
    outputs: [gx: T, gweight: T, gbias: T],
  ];
  /** Cross-correlation: x [N, C, …], weight [O, C / groups, …] → [N, O, …]; 1 to 3 spatial dimensions. */
  conv: [inputs: [x: T, weight: T], attrs: ConvAttrs];
  /**
   * Gradient of conv for its input, g [N, O, …] → [N, C, …]; `inputSize` are the spatial sizes of x, from which conv
   * gives exactly the sizes of g. Also the transposed convolution.
   */
  convInputGrad: [inputs: [g: T, weight: T], attrs: ConvAttrs & { readonly inputSize: Shape }];
  /** Gradient of conv for its weight → [O, C / groups, …]; `kernelSize` are its spatial sizes. */
  convWeightGrad: [inputs: [g: T, x: T], attrs: ConvAttrs & { readonly kernelSize: Shape }];
  /** Largest value of each window and its row-major place in the spatial dimensions of x → x, int32. x [N, C, …]. */
  maxPool: [inputs: [x: T], attrs: PoolAttrs, outputs: [values: T, indices: T]];
  /** The values of maxPool, where nobody asks for the places. */
  maxPoolValues: [inputs: [x: T], attrs: PoolAttrs];
  /**
   * g [N, C, …] summed into the places `indices` of zeros [N, C, …inputSize]. With the attributes of maxPool, each place lies
   * in the window of its element, as maxPool gives them: kernels may look for a place there alone.
   */
  maxPoolBackward: [
    inputs: [g: T, indices: T],
    attrs: { readonly inputSize: Shape } | (PoolAttrs & { readonly inputSize: Shape }),
  ];
  /** Mean of each window (dilation 1). Divides by `divisor` when given, else by the window with or without its padding. */
  avgPool: [
    inputs: [x: T],
    attrs: PoolAttrs & { readonly countIncludePad: boolean; readonly divisor: number | null },
  ];
  /** Gradient of avgPool for x. */
  avgPoolBackward: [
    inputs: [g: T],
    attrs: PoolAttrs & {
      readonly countIncludePad: boolean;
      readonly divisor: number | null;
      readonly inputSize: Shape;
    },
  ];
  /**
   * Sums by weight of elements at places, index and weight [K, n]: `out[…, i, …] = Σₖ weight[k][i] · x[…, index[k][i], …]`
   * along `dim`. With a `size` the adjoint: x, with n elements along `dim`, is added by weight into the places `index` of
   * `size` zeros. Weights are constants: they have no gradient.
   */
  resample: [
    inputs: [x: T, index: T, weight: T],
    attrs: { readonly dim: number; readonly size: number | null },
  ];
  /**
   * Attention: softmax(q kᵀ · scale + bias) v. q […, L, E], k […, S, E], v […, S, F] → y […, L, F] and the
   * logarithm of the row sums […, L, 1]; equal leading dimensions. `causal`: row i sees columns up to i (+ offset 0).
   * The optional fourth input is added to the scores and broadcasts to […, L, S].
   */
  attention: [
    inputs: [q: T, k: T, v: T] | [q: T, k: T, v: T, bias: T],
    attrs: { readonly scale: number; readonly causal: boolean },
    outputs: [y: T, logsumexp: T],
  ];
  /**
   * Gradients of attention for q, k and v, from g […, L, F] and the logarithm of the row sums. `delta` […, L, 1] is what
   * every row of scores gives back: Σ g y over the columns, less the gradient of the logarithm.
   */
  attentionBackward: [
    inputs:
      | [g: T, q: T, k: T, v: T, logsumexp: T, delta: T]
      | [g: T, q: T, k: T, v: T, logsumexp: T, delta: T, bias: T],
    attrs: { readonly scale: number; readonly causal: boolean },
    outputs: [gq: T, gk: T, gv: T],
  ];
  /**
   * One direction of one layer of an RNN over all steps: h ← f(gates + h weightᵀ), with gates [R, H] of the R = Σ sizes
   * rows, weight [H, H] and the first state h [N, H], N = sizes[0] → the states after each row y [R, H], the last states
   * hn [N, H], and what the gradient needs, the states before each row [R, H].
   */
  rnnLayer: [
    inputs: [gates: T, weight: T, h: T],
    attrs: RecurrentAttrs & { readonly nonlinearity: "tanh" | "relu" },
    outputs: [y: T, hn: T, hiddens: T],
  ];
  /** Gradients of rnnLayer for gates and h from those of its outputs; the last may be left out and counts as zeros. */
  rnnLayerBackward: [
    inputs: [gy: T, ghn: T, weight: T, y: T] | [gy: T, ghn: T, weight: T, y: T, ghiddens: T],
    attrs: RecurrentAttrs & { readonly nonlinearity: "tanh" | "relu" },
    outputs: [ggates: T, gh: T],
  ];
  /**
   * One direction of one layer of an LSTM over all steps. With i, f, o = σ and g = tanh of the four parts of
   * gates + h weightᵀ: c ← f c + i g, h ← o tanh(c). Gates [R, 4H] of the R = Σ sizes rows, weight [4H, H], first states
   * [N, H], N = sizes[0] → the states after each row y [R, H], the last states hn and cn [N, H], and what the gradient
   * needs: i, f, g, o as activations [R, 4H], the states before each row [R, H].
   */
  lstmLayer: [
    inputs: [gates: T, weight: T, h: T, c: T],
    attrs: RecurrentAttrs,
    outputs: [y: T, hn: T, cn: T, activations: T, hiddens: T, cells: T],
  ];
  /** Gradients of lstmLayer for gates, h and c from those of its outputs; the last three may be left out and count as zeros. */
  lstmLayerBackward: [
    inputs:
      | [gy: T, ghn: T, gcn: T, weight: T, activations: T, cells: T]
      | [
        gy: T,
        ghn: T,
        gcn: T,
        weight: T,
        activations: T,
        cells: T,
        gactivations: T,
        ghiddens: T,
        gcells: T,
      ],
    attrs: RecurrentAttrs,
    outputs: [ggates: T, gh: T, gc: T],
  ];
  /**
   * One direction of one layer of a GRU over all steps. With a = gates and b = h weightᵀ + bias in three parts:
   * r, z = σ(a + b), n = tanh(a + r b), h ← n + z (h − n). Gates [R, 3H] of the R = Σ sizes rows, weight [3H, H], bias [3H],
   * first state [N, H], N = sizes[0] → the states after each row y [R, H], the last states hn [N, H], and what the
   * gradient needs: r, z, the third part of b, and n as activations [R, 4H], the states before each row [R, H].
   */
  gruLayer: [
    inputs: [gates: T, weight: T, bias: T, h: T],
    attrs: RecurrentAttrs,
    outputs: [y: T, hn: T, activations: T, hiddens: T],
  ];
  /**
   * Gradients of gruLayer for a, b (both [R, 3H]) and h from those of its outputs; the last two may be left out and count
   * as zeros.
   */
  gruLayerBackward: [
    inputs:
      | [gy: T, ghn: T, weight: T, activations: T, hiddens: T]
      | [gy: T, ghn: T, weight: T, activations: T, hiddens: T, gactivations: T, ghiddens: T],
    attrs: RecurrentAttrs,
    outputs: [ga: T, gb: T, gh: T],
  ];
  /**
   * Mean or sum of −weight[target] · logp[i, target] over rows whose target is not `ignoreIndex`.
   * logp [N, C], target [N], weight [C] → scalar and the total weight (scalar).
   */
  nllLoss: [
    inputs: [logp: T, target: T, weight: T],
    attrs: { readonly reduction: "mean" | "sum"; readonly ignoreIndex: number },
    outputs: [loss: T, totalWeight: T],
  ];
  /**
   * Cross entropy of scores with classes along dimension 1, beside what its gradient needs. With p = softmax(x) and
   * s = `smoothing`, the loss of a row is (1 − s) · weight[target] · −ln p[target] + s / C · Σ −ln p, or 0 where target is
   * `ignoreIndex`; the mean divides by the total weight of the targets that count. x [N, C, …], target [N, …], weight [C]
   * (ones when left out) → loss (scalar; like target for `"none"`), the largest score of each row and ln Σ e^(x − largest),
   * both like target, and the total weight (scalar; 0 for `"none"`).
   */
  crossEntropy: [
    inputs: [x: T, target: T] | [x: T, target: T, weight: T],
    attrs: CrossEntropyAttrs,
    outputs: [loss: T, largest: T, logs: T, totalWeight: T],
  ];
  /** Gradient of crossEntropy for x, from g, which is like loss, and from what crossEntropy gave beside it. */
  crossEntropyBackward: [
    inputs:
      | [g: T, x: T, target: T, largest: T, logs: T, totalWeight: T]
      | [g: T, x: T, target: T, largest: T, logs: T, totalWeight: T, weight: T],
    attrs: CrossEntropyAttrs,
  ];
  /** One SGD step with momentum; all of one shape → the new parameter and momentum buffer. */
  sgdStep: [
    inputs: [param: T, grad: T, buffer: T],
    attrs: {
      readonly lr: number;
      readonly momentum: number;
      readonly dampening: number;
      readonly weightDecay: number;
      readonly nesterov: boolean;
      readonly maximize: boolean;
    },
    outputs: [param: T, buffer: T],
  ];
  /** One Adam or AdamW step (`decoupled`); all of one shape → parameter, first and second moment. `step` counts from 1. */
  adamStep: [
    inputs: [param: T, grad: T, expAvg: T, expAvgSq: T],
    attrs: {
      readonly lr: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly eps: number;
      readonly weightDecay: number;
      readonly decoupled: boolean;
      readonly maximize: boolean;
      readonly step: number;
    },
    outputs: [param: T, expAvg: T, expAvgSq: T],
  ];
}

/** Every primitive. */
export interface Primitives<T> extends ViewPrimitives<T>, CorePrimitives<T>, FusedPrimitives<T> {}

/** Name of a primitive. */
export type Name = keyof Primitives<unknown>;
/** Name of a primitive that only aliases. */
export type ViewName = keyof ViewPrimitives<unknown>;
/** Name of a primitive that every backend runs. */
export type CoreName = keyof CorePrimitives<unknown>;
/** Name of a primitive with a decomposition. */
export type FusedName = keyof FusedPrimitives<unknown>;
/** Name of a primitive that runs a kernel. */
export type KernelName = CoreName | FusedName;

/** Inputs of primitive `P`, made of `T`. */
export type Inputs<P extends Name, T> = Readonly<Primitives<T>[P][0]>;
/** Attributes of primitive `P`. */
export type Attrs<P extends Name> = Primitives<unknown>[P][1];
/** Result of primitive `P`, made of `T`: one `T`, or a tuple when the row names several outputs. */
export type Outputs<P extends Name, T> = Primitives<T>[P] extends [unknown, unknown, infer O] ? Readonly<O>
  : T;

/** Names of primitives with several outputs. */
export type MultiName = {
  [P in Name]: Primitives<unknown>[P] extends [unknown, unknown, unknown] ? P : never;
}[Name];
/** Names of primitives with one output. */
export type SingleName = Exclude<Name, MultiName>;

/** The names of the view primitives. */
export const viewNames: ReadonlySet<ViewName> = new Set<ViewName>([
  "alias",
  "view",
  "permute",
  "expand",
  "slice",
  "diagonal",
  "asStrided",
]);

/** Something that applies primitives to values of type `T`: an interpreter, a graph builder. */
export interface Bind<T> {
  /** Applies a primitive with one output. */
  <P extends SingleName>(name: P, inputs: Inputs<P, T>, attrs: Attrs<P>): T;
  /** Applies a primitive with several outputs. */
  <P extends MultiName>(name: P, inputs: Inputs<P, T>, attrs: Attrs<P>): Outputs<P, T>;
}
