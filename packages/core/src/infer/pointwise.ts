/**
 * Shape rules of pointwise primitives: the hot path of eager execution.
 *
 * When the result has the type of an input, that input is the answer and nothing is allocated.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { bool, type DType } from "../dtype.ts";
import type { BinaryPrimitives, Name, UnaryPrimitives } from "../primitives.ts";
import { tryBroadcast } from "../shape.ts";
import { broadcastTypes, checkDType, checkValues, type RulesOf } from "./checks.ts";
import { inputDTypes } from "./dtypes.ts";

/** Rules of the pointwise primitives of one input. */
export const unaryRules: RulesOf<UnaryPrimitives<unknown>> = {
  neg: unary("neg"),
  abs: unary("abs"),
  sign: unary("sign"),
  exp: unary("exp"),
  exp2: unary("exp2"),
  expm1: unary("expm1"),
  log: unary("log"),
  log2: unary("log2"),
  log10: unary("log10"),
  log1p: unary("log1p"),
  sqrt: unary("sqrt"),
  rsqrt: unary("rsqrt"),
  reciprocal: unary("reciprocal"),
  sin: unary("sin"),
  cos: unary("cos"),
  tan: unary("tan"),
  asin: unary("asin"),
  acos: unary("acos"),
  atan: unary("atan"),
  sinh: unary("sinh"),
  cosh: unary("cosh"),
  tanh: unary("tanh"),
  asinh: unary("asinh"),
  acosh: unary("acosh"),
  atanh: unary("atanh"),
  erf: unary("erf"),
  erfc: unary("erfc"),
  erfinv: unary("erfinv"),
  erfcx: unary("erfcx"),
  lgamma: unary("lgamma"),
  digamma: unary("digamma"),
  i0: unary("i0"),
  i0e: unary("i0e"),
  i1: unary("i1"),
  i1e: unary("i1e"),
  ndtri: unary("ndtri"),
  logNdtr: unary("logNdtr"),
  floor: unary("floor"),
  ceil: unary("ceil"),
  round: unary("round"),
  trunc: unary("trunc"),
  sigmoid: unary("sigmoid"),
  relu: unary("relu"),
  logicalNot: unary("logicalNot", bool),
  bitwiseNot: unary("bitwiseNot"),
  isnan: unary("isnan", bool),
  isinf: unary("isinf", bool),
  signbit: unary("signbit", bool),
};

/** Rules of the pointwise primitives of two inputs. */
export const binaryRules: RulesOf<BinaryPrimitives<unknown>> = {
  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),
  floorDivide: binary("floorDivide"),
  truncDivide: binary("truncDivide"),
  remainder: binary("remainder"),
  fmod: binary("fmod"),
  pow: binary("pow"),
  maximum: binary("maximum"),
  minimum: binary("minimum"),
  atan2: binary("atan2"),
  hypot: binary("hypot"),
  copysign: binary("copysign"),
  nextafter: binary("nextafter"),
  igamma: binary("igamma"),
  igammac: binary("igammac"),
  zeta: binary("zeta"),
  gcd: binary("gcd"),
  eq: binary("eq", bool),
  ne: binary("ne", bool),
  lt: binary("lt", bool),
  le: binary("le", bool),
  gt: binary("gt", bool),
  ge: binary("ge", bool),
  bitwiseAnd: binary("bitwiseAnd"),
  bitwiseOr: binary("bitwiseOr"),
  bitwiseXor: binary("bitwiseXor"),
  leftShift: binary("leftShift"),
  rightShift: binary("rightShift"),
};

/**
 * The rule of a pointwise primitive of one input.
 *
 * @param result Dtype of the result; that of the input when not given.
 */
export function unary(op: Name, result?: DType): (inputs: readonly [x: Aval]) => Aval {
  const accepted = inputDTypes[op];
  return (inputs) => {
    const x = inputs[0];
    if (!accepted.dtypes.includes(x.dtype)) checkDType(op, x, accepted);
    return result === undefined || x.dtype === result ? x : { shape: x.shape, dtype: result };
  };
}

/**
 * The rule of a pointwise primitive of two inputs that broadcast.
 *
 * @param result Dtype of the result; that of the inputs when not given.
 */
export function binary(op: Name, result?: DType): (inputs: readonly [x: Aval, y: Aval]) => Aval {
  const accepted = inputDTypes[op];
  return (inputs) => {
    const x = inputs[0];
    const y = inputs[1];
    const dtype = x.dtype;
    if (dtype !== y.dtype || !accepted.dtypes.includes(dtype)) checkValues(op, inputs);
    const shape = tryBroadcast(x.shape, y.shape) ?? broadcastTypes(op, x, y);
    if (result !== undefined && result !== dtype) return { shape, dtype: result };
    if (shape === x.shape) return x;
    return shape === y.shape ? y : { shape, dtype };
  };
}
