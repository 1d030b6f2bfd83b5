/**
 * Pointwise kernels: tables of expressions of one and two values.
 *
 * Floats are computed in float32. Integers and bools are computed as 32-bit integers, of which the dtype keeps the low bits.
 *
 * @module
 */

import {
  type Attrs,
  type BinaryPrimitives,
  bool,
  type DType,
  formatType,
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

/** A primitive as an expression of its inputs, which have the names of {@linkcode inputNames}. */
export interface PointwiseText {
  /** The expression; uniforms are `P.<name>`. */
  readonly value: string;
  /** What the text depends on beside dtypes. */
  readonly key: string;
  /** Uniforms with their bits. */
  readonly uniforms: readonly (readonly [name: string, bits: number])[];
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  geluBackward: ["g", "x"],
  reluBackward: ["g", "x"],
  where: ["cond", "x", "y"],
};

/** The names of the inputs in the text of a primitive. */
export function inputNames(op: string): readonly string[] {
  return NAMES[op] ?? ["x", "y"];
}

const plain = (value: string, key = ""): PointwiseText => ({ value, key, uniforms: [] });

const GELU_TANH = "0.7978845608 * x * (1.0 + 0.044715 * x * x)";

/** Primitives with attributes, and those of more than a table entry. */
const otherTexts: Readonly<
  Record<string, (x: DType, attrs: unknown, o: DType) => PointwiseText | null>
> = {
  gelu: (_, attrs) => {
    const { approximate } = attrs as Attrs<"gelu">;
    return plain(approximate === "none" ? "m_gelu(x)" : `x * m_sigmoid(2.0 * ${GELU_TANH})`, approximate);
  },
  geluBackward: (_, attrs) => {
    const { approximate } = attrs as Attrs<"geluBackward">;
    const value = approximate === "none"
      ? "g * (0.5 * m_erfc(-0.707106781187 * x) + x * 0.398942280401 * m_exp(-0.5 * x * x))"
      : `g * m_gelu_tanh_slope(x, m_sigmoid(2.0 * ${GELU_TANH}))`;
    return plain(value, approximate);
  },
  silu: () => plain("x * m_sigmoid(x)"),
  reluBackward: () => plain("select(g, 0.0, x <= 0.0 && !m_isnan(x))"),
  clamp: (x, attrs) => {
    const { min, max } = attrs as Attrs<"clamp">;
    const isFloat = x.kind === "float";
    if (!isFloat && ![min, max].every((limit) => limit === null || Number.isInteger(limit))) return null;
    const bits = (value: number): number =>
      isFloat ? floatBits(value) : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
    const limit = (name: string): string => `bitcast<${isFloat ? "f32" : "i32"}>(P.${name})`;
    const [larger, smaller] = isFloat ? ["m_max", "m_min"] : ["max", "min"];
    const low = min === null ? "x" : `${larger}(x, ${limit("min")})`;
    const uniforms: [string, number][] = [];
    if (min !== null) uniforms.push(["min", bits(min)]);
    if (max !== null) uniforms.push(["max", bits(max)]);
    return {
      value: max === null ? low : `${smaller}(${low}, ${limit("max")})`,
      key: `${min !== null}${max !== null}`,
      uniforms,
    };
  },
  addScaled: (x, attrs) => {
    const { alpha } = attrs as Attrs<"addScaled">;
    const isFloat = x.kind === "float";
    if (!isFloat && !Number.isInteger(alpha)) return null;
    return {
      value: `x + bitcast<${isFloat ? "f32" : "i32"}>(P.alpha) * y`,
      key: "",
      uniforms: [["alpha", isFloat ? floatBits(alpha) : alpha]],
    };
  },
  where: () => plain("select(y, x, cond != 0)"),
  copy: () => plain("x"),
  cast: (x, _, o) => plain(converted(x, o), `${x.name}>${o.name}`),
};

/**
 * The text of a pointwise primitive; null where it is none, or not defined for this dtype.
 *
 * @param x Dtype of the first input.
 * @param o Dtype of the result.
 */
export function pointwiseText(op: string, x: DType, o: DType, attrs: unknown): PointwiseText | null {
  const row = (unaryRows as Readonly<Record<string, Row>>)[op] ??
    (binaryRows as Readonly<Record<string, Row>>)[op];
  if (row === undefined) return otherTexts[op]?.(x, attrs, o) ?? null;
  const value = expression(row, x);
  // The text of a row may differ for bool, which is stored as uint8 is.
  return value === undefined ? null : plain(value, x === bool ? "bool" : "");
}

/** True when a step may find a value that it cannot take, and reports it. */
export function mayReport(op: string, x: DType): boolean {
  return x.kind !== "float" && DIVIDES.has(op);
}

/** The expression that converts `x`. */
export function converted(from: DType, to: DType): string {
  if (to.kind === "bool") {
    return from.kind === "float" ? "select(0, 1, x != 0.0 || m_isnan(x))" : "select(0, 1, x != 0)";
  }
  if (to.kind === "float") return from.kind === "float" ? "x" : "f32(x)";
  if (from.kind !== "float") return "x";
  return to.name === "uint8" ? "m_to_byte(x)" : "m_to_int(x)";
}

type AnyKernel = (inputs: readonly Operand[], output: Operand, attrs: unknown) => GpuDispatch | null;

function kernelOf(limits: GpuLimits, op: string): AnyKernel {
  const names = inputNames(op);
  return (inputs, output, attrs) => {
    const x = inputs[0]!;
    const text = pointwiseText(op, x.dtype, output.dtype, attrs);
    if (text === null) return null;
    return elementwise(limits, {
      op,
      key: text.key,
      inputs: Object.fromEntries(inputs.map((input, i) => [names[i]!, input])),
      outputs: { o: output },
      body: `let o = ${text.value};`,
      uniforms: (draft) => {
        for (const [name, bits] of text.uniforms) draft.u32(name, bits);
        if (mayReport(op, x.dtype)) {
          draft.reports(() => new ValueError(`Cannot divide ${formatType(x)} by zero`));
        }
      },
    });
  };
}

const OWN: readonly FusedName[] = ["gelu", "geluBackward", "silu", "reluBackward", "clamp", "addScaled"];

/** The pointwise kernels. */
export function pointwiseKernels(
  limits: GpuLimits,
): Pick<KernelTable<GpuDispatch>, UnaryName | BinaryName | FusedName> {
  const names = [...Object.keys(unaryRows), ...Object.keys(binaryRows), ...OWN];
  return Object.fromEntries(names.map((op) => [op, kernelOf(limits, op)])) as unknown as Pick<
    KernelTable<GpuDispatch>,
    UnaryName | BinaryName | FusedName
  >;
}
