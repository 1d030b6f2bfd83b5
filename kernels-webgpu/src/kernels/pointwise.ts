/**
 * Pointwise kernels: tables of expressions of one and two values.
 *
 * Floats are computed in float32. Integers and bools are computed as 32-bit integers, of which the dtype keeps the low bits.
 *
 * @module
 */

import {
  type BinaryPrimitives,
  bool,
  type DType,
  formatType,
  type Kernel,
  type KernelTable,
  type Operand,
  type UnaryPrimitives,
  ValueError,
} from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import { floatBits, type GpuLimits } from "../draft.ts";
import { elementwise } from "../elementwise.ts";

type UnaryName = keyof UnaryPrimitives<unknown>;
type BinaryName = keyof BinaryPrimitives<unknown>;
type FusedName = "gelu" | "geluBackward" | "silu" | "reluBackward" | "clamp" | "addScaled";

/** Expressions of `x` (and `y`) by what they are computed in; what is missing is not defined for these dtypes. */
interface Row {
  readonly float?: string;
  readonly int?: string;
  /** On bool, where it differs from `int`. */
  readonly bool?: string;
}

const truth = (condition: string): string => `select(0, 1, ${condition})`;
/** A function of the shader library under the row's name. */
const own = (name: string): Row => ({ float: `m_${name}(x)` });
const bessel = (order: 0 | 1, scaled: boolean): Row => ({ float: `m_bessel(${order}.0, x, ${scaled})` });

const unaryRows: { readonly [P in UnaryName]: Row } = {
  neg: { float: "m_neg(x)", int: "0 - x" },
  abs: { float: "m_abs(x)", int: "select(x, 0 - x, x < 0)" },
  sign: { float: "m_sign(x)", int: "sign(x)" },
  exp: own("exp"),
  exp2: own("exp2"),
  expm1: own("expm1"),
  log: own("log"),
  log2: own("log2"),
  log10: own("log10"),
  log1p: own("log1p"),
  sqrt: own("sqrt"),
  rsqrt: own("rsqrt"),
  reciprocal: { float: "m_div(1.0, x)" },
  sin: own("sin"),
  cos: own("cos"),
  tan: own("tan"),
  asin: own("asin"),
  acos: own("acos"),
  atan: own("atan"),
  sinh: own("sinh"),
  cosh: own("cosh"),
  tanh: own("tanh"),
  asinh: own("asinh"),
  acosh: own("acosh"),
  atanh: own("atanh"),
  erf: own("erf"),
  erfc: own("erfc"),
  erfinv: own("erfinv"),
  erfcx: own("erfcx"),
  lgamma: own("lgamma"),
  digamma: own("digamma"),
  i0: bessel(0, false),
  i0e: bessel(0, true),
  i1: bessel(1, false),
  i1e: bessel(1, true),
  ndtri: own("ndtri"),
  logNdtr: { float: "m_log_ndtr(x)" },
  floor: { float: "select(floor(x), x, m_isnan(x) || x == 0.0)" },
  ceil: { float: "select(m_copysign(ceil(x), x), x, m_isnan(x) || x == 0.0)" },
  round: { float: "select(m_copysign(round(x), x), x, m_isnan(x) || x == 0.0)" },
  trunc: { float: "select(m_copysign(trunc(x), x), x, m_isnan(x) || x == 0.0)" },
  sigmoid: own("sigmoid"),
  relu: { float: "select(x, 0.0, x < 0.0)", int: "max(x, 0)" },
  logicalNot: { float: truth("x == 0.0 && !m_isnan(x)"), int: truth("x == 0") },
  bitwiseNot: { int: "~x", bool: "1 - x" },
  isnan: { float: truth("m_isnan(x)") },
  isinf: { float: truth("m_isinf(x)") },
  signbit: { float: truth("m_signbit(x)"), int: truth("x < 0") },
};

const binaryRows: { readonly [P in BinaryName]: Row } = {
  add: { float: "x + y", int: "x + y", bool: "x | y" },
  sub: { float: "x - y", int: "x - y" },
  mul: { float: "x * y", int: "x * y" },
  div: { float: "m_div(x, y)" },
  floorDivide: { float: "m_floor_divide(x, y)", int: "m_ifloor_divide(x, y)" },
  truncDivide: { float: "trunc(m_div(x, y))", int: "m_idiv(x, y)" },
  remainder: { float: "m_remainder(x, y)", int: "m_iremainder(x, y)" },
  fmod: { float: "m_fmod(x, y)", int: "m_ifmod(x, y)" },
  pow: { float: "m_pow(x, y)", int: "m_ipow(x, y)" },
  maximum: { float: "m_max(x, y)", int: "max(x, y)" },
  minimum: { float: "m_min(x, y)", int: "min(x, y)" },
  atan2: { float: "m_atan2(x, y)" },
  hypot: { float: "m_hypot(x, y)" },
  copysign: { float: "m_copysign(x, y)" },
  nextafter: { float: "m_nextafter(x, y)" },
  igamma: { float: "m_igamma(x, y, false)" },
  igammac: { float: "m_igamma(x, y, true)" },
  zeta: { float: "m_zeta(x, y)" },
  gcd: { int: "m_gcd(x, y)" },
  eq: { float: truth("m_eq(x, y)"), int: truth("x == y") },
  ne: { float: truth("!m_eq(x, y)"), int: truth("x != y") },
  lt: { float: truth("m_lt(x, y)"), int: truth("x < y") },
  le: { float: truth("m_le(x, y)"), int: truth("x <= y") },
  gt: { float: truth("m_lt(y, x)"), int: truth("x > y") },
  ge: { float: truth("m_le(y, x)"), int: truth("x >= y") },
  bitwiseAnd: { int: "x & y" },
  bitwiseOr: { int: "x | y" },
  bitwiseXor: { int: "x ^ y" },
  leftShift: { int: "select(x << u32(y & 31), 0, y < 0 || y > 31)" },
  rightShift: { int: "x >> u32(select(y, 31, y < 0 || y > 31))" },
};

/** Primitives in which an integer `y` of 0 is reported. */
const DIVIDES: ReadonlySet<string> = new Set(["floorDivide", "truncDivide", "remainder", "fmod"]);

function expression(row: Row, dtype: DType): string | undefined {
  if (dtype.kind === "float") return row.float;
  return (dtype === bool ? row.bool : undefined) ?? row.int;
}

function unary(limits: GpuLimits, op: UnaryName, row: Row): Kernel<UnaryName, GpuDispatch> {
  return ([x], output) => {
    const value = expression(row, x.dtype);
    if (value === undefined) return null;
    return elementwise(limits, {
      op,
      inputs: { x },
      outputs: { o: output },
      body: `let o = ${value};`,
      key: boolKey(x),
    });
  };
}

/** The text of a row may differ for bool, which is stored as uint8 is. */
function boolKey(x: Operand): string {
  return x.dtype === bool ? "bool" : "";
}

function binary(limits: GpuLimits, op: BinaryName, row: Row): Kernel<BinaryName, GpuDispatch> {
  return ([x, y], output) => {
    const value = expression(row, x.dtype);
    if (value === undefined) return null;
    const checked = x.dtype.kind !== "float" && DIVIDES.has(op);
    return elementwise(limits, {
      op,
      key: boolKey(x),
      inputs: { x, y },
      outputs: { o: output },
      body: `let o = ${value};`,
      ...(checked && {
        uniforms: (draft) =>
          void draft.reports(() => new ValueError(`Cannot divide ${formatType(x)} by zero`)),
      }),
    });
  };
}

const GELU_TANH = "0.7978845608 * x * (1.0 + 0.044715 * x * x)";

function fusedKernels(limits: GpuLimits): Pick<KernelTable<GpuDispatch>, FusedName> {
  return {
    gelu: ([x], o, { approximate }) =>
      elementwise(limits, {
        op: "gelu",
        key: approximate,
        inputs: { x },
        outputs: { o },
        body: approximate === "none" ? "let o = m_gelu(x);" : `let o = x * m_sigmoid(2.0 * ${GELU_TANH});`,
      }),
    geluBackward: ([g, x], o, { approximate }) =>
      elementwise(limits, {
        op: "geluBackward",
        key: approximate,
        inputs: { g, x },
        outputs: { o },
        body: approximate === "none"
          ? "let o = g * (0.5 * m_erfc(-0.707106781187 * x) + x * 0.398942280401 * m_exp(-0.5 * x * x));"
          : `let s = m_sigmoid(2.0 * ${GELU_TANH});
             let o = g * (s + x * 2.0 * s * (1.0 - s) * (0.7978845608 * (1.0 + 0.134145 * x * x)));`,
      }),
    silu: ([x], o) =>
      elementwise(limits, { op: "silu", inputs: { x }, outputs: { o }, body: "let o = x * m_sigmoid(x);" }),
    reluBackward: ([g, x], o) =>
      elementwise(limits, {
        op: "reluBackward",
        inputs: { g, x },
        outputs: { o },
        body: "let o = select(g, 0.0, x <= 0.0 && !m_isnan(x));",
      }),
    clamp: ([x], o, { min, max }) => {
      const isFloat = x.dtype.kind === "float";
      if (!isFloat && ![min, max].every((limit) => limit === null || Number.isInteger(limit))) return null;
      const bits = (value: number): number =>
        isFloat ? floatBits(value) : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
      const limit = (name: string): string => `bitcast<${isFloat ? "f32" : "i32"}>(P.${name})`;
      const low = min === null ? "x" : isFloat ? `m_max(x, ${limit("min")})` : `max(x, ${limit("min")})`;
      const high = max === null
        ? low
        : isFloat
        ? `m_min(${low}, ${limit("max")})`
        : `min(${low}, ${limit("max")})`;
      return elementwise(limits, {
        op: "clamp",
        key: `${min !== null}${max !== null}`,
        inputs: { x },
        outputs: { o },
        body: `let o = ${high};`,
        uniforms: (draft) => {
          if (min !== null) draft.u32("min", bits(min));
          if (max !== null) draft.u32("max", bits(max));
        },
      });
    },
    addScaled: ([x, y], o, { alpha }) => {
      const isFloat = x.dtype.kind === "float";
      if (!isFloat && !Number.isInteger(alpha)) return null;
      return elementwise(limits, {
        op: "addScaled",
        inputs: { x, y },
        outputs: { o },
        body: `let o = x + bitcast<${isFloat ? "f32" : "i32"}>(P.alpha) * y;`,
        uniforms: (draft) => void draft.u32("alpha", isFloat ? floatBits(alpha) : alpha),
      });
    },
  };
}

function mapRows<N extends string, K>(
  rows: Readonly<Record<N, Row>>,
  kernelOf: (name: N, row: Row) => K,
): Record<N, K> {
  const entries = Object.entries(rows) as [N, Row][];
  return Object.fromEntries(entries.map(([name, row]) => [name, kernelOf(name, row)])) as Record<N, K>;
}

/** The pointwise kernels. */
export function pointwiseKernels(
  limits: GpuLimits,
): Pick<KernelTable<GpuDispatch>, UnaryName | BinaryName | FusedName> {
  return {
    ...mapRows(unaryRows, (op, row) => unary(limits, op, row)),
    ...mapRows(binaryRows, (op, row) => binary(limits, op, row)),
    ...fusedKernels(limits),
  };
}
