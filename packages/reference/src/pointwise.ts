/**
 * Kernels of the pointwise primitives: tables of functions of one and two numbers, and the loop that applies them.
 *
 * Floats are computed in float64 and rounded once. Integers up to 32 bits are computed as numbers and keep the low bits
 * of the result; int64 is computed with bigint.
 *
 * @module
 */

import {
  bfloat16,
  bfloat16FromBits,
  bfloat16ToBits,
  type BinaryPrimitives,
  bool,
  type DType,
  float16,
  float16FromBits,
  float16ToBits,
  float32,
  formatType,
  int64,
  type Kernel,
  type KernelTable,
  type Operand,
  type UnaryPrimitives,
  ValueError,
} from "@flambeau/core";
import { BLOCK, eachBlock, type HostDispatch, type View, type Wide } from "./iterate.ts";
import { nextAfter } from "./nextafter.ts";
import * as special from "./special.ts";

type UnaryName = keyof UnaryPrimitives<unknown>;
type BinaryName = keyof BinaryPrimitives<unknown>;

type Unary = (x: number) => number;
type UnaryBig = (x: bigint) => bigint;
type Binary = (x: number, y: number) => number;
type BinaryBig = (x: bigint, y: bigint) => bigint;
/** Comparisons read the same for numbers and bigints. */
type Compare = (x: number | bigint, y: number | bigint) => boolean;

/** How to compute one output from one input; what is missing is not defined for these dtypes. */
interface UnaryRow {
  /** On floats; also on bool and integers up to 32 bits unless `int` says otherwise. */
  readonly number: Unary;
  /** On integers up to 32 bits. */
  readonly int?: Unary;
  /** On int64. */
  readonly big?: UnaryBig;
  /** On bool. */
  readonly bool?: Unary;
}

interface BinaryRow {
  /** On floats; also on bool and integers up to 32 bits unless `int` says otherwise. */
  readonly number: Binary;
  /** On integers up to 32 bits. */
  readonly int?: Binary;
  /** On floats, where it depends on their dtype. */
  readonly float?: (dtype: DType) => Binary;
  /** On int64. */
  readonly big?: BinaryBig;
  /** True when integers cannot have 0 for `y`. */
  readonly divides?: boolean;
}

/** The nearest integer; of two equally near ones the even. */
function roundHalfEven(x: number): number {
  return Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

const unaryRows: { readonly [P in Exclude<UnaryName, UnaryTestName>]: UnaryRow } = {
  neg: { number: (x) => -x, big: (x) => -x },
  abs: { number: Math.abs, big: (x) => x < 0n ? -x : x },
  sign: {
    number: (x) => x > 0 ? 1 : x < 0 ? -1 : 0,
    big: (x) => x > 0n ? 1n : x < 0n ? -1n : 0n,
  },
  exp: { number: Math.exp },
  exp2: { number: (x) => Math.pow(2, x) },
  expm1: { number: Math.expm1 },
  log: { number: Math.log },
  log2: { number: Math.log2 },
  log10: { number: Math.log10 },
  log1p: { number: Math.log1p },
  sqrt: { number: Math.sqrt },
  rsqrt: { number: (x) => 1 / Math.sqrt(x) },
  reciprocal: { number: (x) => 1 / x },
  sin: { number: Math.sin },
  cos: { number: Math.cos },
  tan: { number: Math.tan },
  asin: { number: Math.asin },
  acos: { number: Math.acos },
  atan: { number: Math.atan },
  sinh: { number: Math.sinh },
  cosh: { number: Math.cosh },
  tanh: { number: Math.tanh },
  asinh: { number: Math.asinh },
  acosh: { number: Math.acosh },
  atanh: { number: Math.atanh },
  erf: { number: special.erf },
  erfc: { number: special.erfc },
  erfinv: { number: special.erfinv },
  erfcx: { number: special.erfcx },
  lgamma: { number: special.lgamma },
  digamma: { number: special.digamma },
  i0: { number: special.i0 },
  i0e: { number: special.i0e },
  i1: { number: special.i1 },
  i1e: { number: special.i1e },
  ndtri: { number: special.ndtri },
  logNdtr: { number: special.logNdtr },
  floor: { number: Math.floor },
  ceil: { number: Math.ceil },
  round: { number: roundHalfEven },
  trunc: { number: Math.trunc },
  sigmoid: { number: (x) => 1 / (1 + Math.exp(-x)) },
  relu: { number: (x) => x < 0 ? 0 : x, big: (x) => x > 0n ? x : 0n },
  bitwiseNot: { number: (x) => ~x, big: (x) => ~x, bool: (x) => 1 - x },
};

type UnaryTestName = "logicalNot" | "isnan" | "isinf" | "signbit";

/** Tests of one value → bool. int64 comes as the nearest number, which keeps its sign and whether it is 0. */
const unaryTests: { readonly [P in UnaryTestName]: (x: number) => boolean } = {
  logicalNot: (x) => x === 0,
  isnan: (x) => Number.isNaN(x),
  isinf: (x) => x === Infinity || x === -Infinity,
  signbit: (x) => x < 0 || Object.is(x, -0),
};

/** Remainder with the sign of `y`. Infinite `y` of the other sign gives `y`, as in C's fmod followed by one addition. */
function remainder(x: number, y: number): number {
  const rest = x % y;
  return rest !== 0 && (y < 0) !== (rest < 0) ? rest + y : rest;
}

/** Quotient rounded down, from the exact remainder: `x / y` may round up to the next integer, this does not. */
function floorDivide(x: number, y: number): number {
  if (y === 0) return x / y;
  const rest = x % y;
  let quotient = (x - rest) / y;
  if (rest !== 0 && (y < 0) !== (rest < 0)) quotient -= 1;
  if (quotient === 0) return x / y < 0 || Object.is(x / y, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** Rounds to what a dtype of floats holds. */
function rounding(dtype: DType): Unary {
  if (dtype === float32) return Math.fround;
  if (dtype === float16) return (x) => float16FromBits(float16ToBits(x));
  if (dtype === bfloat16) return (x) => bfloat16FromBits(bfloat16ToBits(x));
  return (x) => x;
}

/** The quotient as its dtype holds it, cut toward 0: 1 / 0.1 is 10 in float32, though it holds a little more than 0.1. */
function truncDivide(dtype: DType): Binary {
  const round = rounding(dtype);
  return (x, y) => Math.trunc(round(x / y));
}

/** C's pow: JavaScript's has NaN where |x| is 1 and y is infinite, and where x is 1 and y is NaN. */
function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return Math.pow(x, y);
}

/** Integer power modulo 2^32, by repeated squaring. */
function powerInt(x: number, y: number): number {
  if (y < 0) return x === 1 ? 1 : x === -1 ? (y % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let base = x, rest = y; rest > 0; rest = Math.floor(rest / 2), base = Math.imul(base, base)) {
    if (rest % 2 === 1) result = Math.imul(result, base);
  }
  return result;
}

/** Integer power modulo 2^64. */
function powerBig(x: bigint, y: bigint): bigint {
  if (y < 0n) return x === 1n ? 1n : x === -1n ? (y % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let base = x, rest = y; rest > 0n; rest >>= 1n, base = BigInt.asIntN(64, base * base)) {
    if (rest & 1n) result = BigInt.asIntN(64, result * base);
  }
  return result;
}

function remainderBig(x: bigint, y: bigint): bigint {
  const rest = x % y;
  return rest !== 0n && (y < 0n) !== (rest < 0n) ? rest + y : rest;
}

function gcd(x: number, y: number): number {
  let [a, b] = [Math.abs(x), Math.abs(y)];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

function gcdBig(x: bigint, y: bigint): bigint {
  let [a, b] = [x < 0n ? -x : x, y < 0n ? -y : y];
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

const negative = (x: number): boolean => x < 0 || Object.is(x, -0);

const binaryRows: { readonly [P in Exclude<BinaryName, BinaryTestName | "nextafter">]: BinaryRow } = {
  add: { number: (x, y) => x + y, big: (x, y) => x + y },
  sub: { number: (x, y) => x - y, big: (x, y) => x - y },
  mul: { number: (x, y) => x * y, int: Math.imul, big: (x, y) => x * y },
  div: { number: (x, y) => x / y },
  floorDivide: {
    number: floorDivide,
    int: (x, y) => Math.floor(x / y), // exact: quotients of 32-bit integers are at least 2^-32 from the next integer
    big: (x, y) => (x - remainderBig(x, y)) / y,
    divides: true,
  },
  truncDivide: {
    number: (x, y) => Math.trunc(x / y),
    float: truncDivide,
    big: (x, y) => x / y,
    divides: true,
  },
  remainder: { number: remainder, big: remainderBig, divides: true },
  fmod: { number: (x, y) => x % y, big: (x, y) => x % y, divides: true },
  pow: { number: power, int: powerInt, big: powerBig },
  maximum: { number: Math.max, big: (x, y) => x > y ? x : y },
  minimum: { number: Math.min, big: (x, y) => x < y ? x : y },
  atan2: { number: Math.atan2 },
  hypot: { number: Math.hypot },
  copysign: { number: (x, y) => negative(x) === negative(y) ? x : -x },
  igamma: { number: special.igamma },
  igammac: { number: special.igammac },
  zeta: { number: special.zeta },
  gcd: { number: gcd, big: gcdBig },
  bitwiseAnd: { number: (x, y) => x & y, big: (x, y) => x & y },
  bitwiseOr: { number: (x, y) => x | y, big: (x, y) => x | y },
  bitwiseXor: { number: (x, y) => x ^ y, big: (x, y) => x ^ y },
  leftShift: {
    number: (x, y) => y < 0 || y > 31 ? 0 : x << y,
    big: (x, y) => y < 0n || y > 63n ? 0n : x << y,
  },
  rightShift: {
    number: (x, y) => x >> (y < 0 || y > 31 ? 31 : y),
    big: (x, y) => x >> (y < 0n || y > 63n ? 63n : y),
  },
};

type BinaryTestName = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

/** Comparisons → bool. */
const binaryTests: { readonly [P in BinaryTestName]: Compare } = {
  eq: (x, y) => x === y,
  ne: (x, y) => x !== y,
  lt: (x, y) => x < y,
  le: (x, y) => x <= y,
  gt: (x, y) => x > y,
  ge: (x, y) => x >= y,
};

// Kernels do not run inside one another, so all share these blocks.
const xNumbers = new Float64Array(BLOCK);
const yNumbers = new Float64Array(BLOCK);
const xBigs = new BigInt64Array(BLOCK);
const yBigs = new BigInt64Array(BLOCK);

function unaryKernel(view: View, row: UnaryRow): Kernel<UnaryName, HostDispatch> {
  return ([x], output) => {
    if (x.dtype === int64) {
      const compute = row.big;
      if (compute === undefined) return null;
      return () =>
        eachBlock(view, [x], output, [xBigs], xBigs, (count) => {
          for (let k = 0; k < count; k++) xBigs[k] = compute(xBigs[k]!);
        });
    }
    const compute = (x.dtype === bool ? row.bool : undefined) ?? row.number;
    return () =>
      eachBlock(view, [x], output, [xNumbers], xNumbers, (count) => {
        for (let k = 0; k < count; k++) xNumbers[k] = compute(xNumbers[k]!);
      });
  };
}

function unaryTestKernel(view: View, test: (x: number) => boolean): Kernel<UnaryTestName, HostDispatch> {
  return ([x], output) => () =>
    eachBlock(view, [x], output, [xNumbers], xNumbers, (count) => {
      for (let k = 0; k < count; k++) xNumbers[k] = test(xNumbers[k]!) ? 1 : 0;
    });
}

function binaryKernel(view: View, row: BinaryRow): Kernel<BinaryName, HostDispatch> {
  return ([x, y], output) => {
    const checked = row.divides === true && x.dtype.kind !== "float";
    if (x.dtype === int64) {
      const compute = row.big;
      if (compute === undefined) return null;
      return () =>
        eachBlock(view, [x, y], output, [xBigs, yBigs], xBigs, (count) => {
          if (checked) checkDivisors(x, yBigs, count);
          for (let k = 0; k < count; k++) xBigs[k] = compute(xBigs[k]!, yBigs[k]!);
        });
    }
    const { kind } = x.dtype;
    const own = kind === "int" ? row.int : kind === "float" ? row.float?.(x.dtype) : undefined;
    const compute = own ?? row.number;
    return () =>
      eachBlock(view, [x, y], output, [xNumbers, yNumbers], xNumbers, (count) => {
        if (checked) checkDivisors(x, yNumbers, count);
        for (let k = 0; k < count; k++) xNumbers[k] = compute(xNumbers[k]!, yNumbers[k]!);
      });
  };
}

/** Throws when one of the first `count` divisors is 0. */
function checkDivisors(x: Operand, divisors: Wide, count: number): void {
  for (let k = 0; k < count; k++) {
    if (Number(divisors[k]) === 0) throw new ValueError(`Cannot divide ${formatType(x)} by zero`);
  }
}

function binaryTestKernel(view: View, test: Compare): Kernel<BinaryTestName, HostDispatch> {
  return ([x, y], output) => {
    const [xs, ys] = x.dtype === int64 ? [xBigs, yBigs] : [xNumbers, yNumbers];
    return () =>
      eachBlock(view, [x, y], output, [xs, ys], xNumbers, (count) => {
        for (let k = 0; k < count; k++) xNumbers[k] = test(xs[k]!, ys[k]!) ? 1 : 0;
      });
  };
}

function nextafterKernel(view: View): Kernel<"nextafter", HostDispatch> {
  return ([x, y], output) => {
    const next = nextAfter(x.dtype);
    return () =>
      eachBlock(view, [x, y], output, [xNumbers, yNumbers], xNumbers, (count) => {
        for (let k = 0; k < count; k++) xNumbers[k] = next(xNumbers[k]!, yNumbers[k]!);
      });
  };
}

function mapRows<N extends string, R, K>(
  rows: Readonly<Record<N, R>>,
  kernelOf: (row: R) => K,
): Record<N, K> {
  const entries = Object.entries(rows) as [N, R][];
  return Object.fromEntries(entries.map(([name, row]) => [name, kernelOf(row)])) as Record<N, K>;
}

/** Kernels of the pointwise primitives over the memory that `view` shows. */
export function pointwiseKernels(view: View): Pick<KernelTable<HostDispatch>, UnaryName | BinaryName> {
  return {
    ...mapRows(unaryRows, (row) => unaryKernel(view, row)),
    ...mapRows(unaryTests, (test) => unaryTestKernel(view, test)),
    ...mapRows(binaryRows, (row) => binaryKernel(view, row)),
    ...mapRows(binaryTests, (test) => binaryTestKernel(view, test)),
    nextafter: nextafterKernel(view),
  };
}
