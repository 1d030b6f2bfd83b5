/**
 * Derivatives of pointwise primitives.
 *
 * @module
 */

import type { BinaryPrimitives, UnaryPrimitives } from "@flambeau/core";
import {
  add,
  compare,
  div,
  expand,
  full,
  mul,
  neg,
  over,
  pow,
  rsub,
  square,
  sub,
  unary,
  where,
} from "../math.ts";
import { bind, constant } from "@flambeau/tensor/internal";
import { crossRow, type Derivative, FIRST, INPUTS, NOTHING, OUTPUT, row, SECOND } from "../row.ts";

const SQRT_PI = Math.sqrt(Math.PI);

/** Rows of the primitives with one input; null where the result is not differentiable. */
export const unaryDerivatives: { readonly [P in keyof UnaryPrimitives<unknown>]: Derivative<P> | null } = {
  neg: row(NOTHING, (g) => [neg(g)]),
  abs: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("sign", x))]),
  sign: row(NOTHING, (g) => [full(g, g.shape, 0)]),
  exp: row(OUTPUT, (g, { output }) => [mul(g, output)]),
  exp2: row(OUTPUT, (g, { output }) => [mul(g, mul(output, Math.LN2))]),
  expm1: row(OUTPUT, (g, { output }) => [mul(g, add(output, 1))]),
  log: row(FIRST, (g, { inputs: [x] }) => [div(g, x)]),
  log2: row(FIRST, (g, { inputs: [x] }) => [div(g, mul(x, Math.LN2))]),
  log10: row(FIRST, (g, { inputs: [x] }) => [div(g, mul(x, Math.LN10))]),
  log1p: row(FIRST, (g, { inputs: [x] }) => [div(g, add(x, 1))]),
  sqrt: row(OUTPUT, (g, { output }) => [div(g, mul(output, 2))]),
  rsqrt: row(OUTPUT, (g, { output }) => [mul(mul(g, -0.5), mul(square(output), output))]),
  reciprocal: row(OUTPUT, (g, { output }) => [mul(neg(g), square(output))]),
  sin: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("cos", x))]),
  cos: row(FIRST, (g, { inputs: [x] }) => [mul(g, neg(unary("sin", x)))]),
  tan: row(OUTPUT, (g, { output }) => [mul(g, add(square(output), 1))]),
  asin: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("rsqrt", rsub(square(x), 1)))]),
  acos: row(FIRST, (g, { inputs: [x] }) => [neg(mul(g, unary("rsqrt", rsub(square(x), 1))))]),
  atan: row(FIRST, (g, { inputs: [x] }) => [div(g, add(square(x), 1))]),
  sinh: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("cosh", x))]),
  cosh: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("sinh", x))]),
  tanh: row(OUTPUT, (g, { output }) => [mul(g, rsub(square(output), 1))]),
  asinh: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("rsqrt", add(square(x), 1)))]),
  acosh: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("rsqrt", sub(square(x), 1)))]),
  atanh: row(FIRST, (g, { inputs: [x] }) => [div(g, rsub(square(x), 1))]),
  erf: row(FIRST, (g, { inputs: [x] }) => [mul(g, mul(unary("exp", neg(square(x))), 2 / SQRT_PI))]),
  erfc: row(FIRST, (g, { inputs: [x] }) => [mul(g, mul(unary("exp", neg(square(x))), -2 / SQRT_PI))]),
  erfinv: row(OUTPUT, (g, { output }) => [mul(g, mul(unary("exp", square(output)), SQRT_PI / 2))]),
  erfcx: row(FIRST | OUTPUT, (g, { inputs: [x], output }) => [
    mul(g, sub(mul(mul(x, 2), output), 2 / SQRT_PI)),
  ]),
  lgamma: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("digamma", x))]),
  // ψ'(x) = ζ(2, x), 0 at ∞, and without a limit at −∞
  digamma: row(FIRST, (g, { inputs: [x] }) => {
    const series = bind("zeta", [expand(constant(2, x.dtype, x.backend), x.shape), x], null);
    const below = where(compare("eq", x, -Infinity), full(x, x.shape, NaN), series);
    return [mul(g, where(compare("eq", x, Infinity), full(x, x.shape, 0), below))];
  }),
  i0: row(FIRST, (g, { inputs: [x] }) => [mul(g, unary("i1", x))]),
  i0e: row(FIRST | OUTPUT, (g, { inputs: [x], output }) => [
    mul(g, sub(unary("i1e", x), mul(unary("sign", x), output))),
  ]),
  // I₁' = I₀ − I₁/x, and 1/2 at 0
  i1: row(FIRST | OUTPUT, (g, { inputs: [x], output }) => {
    const zero = compare("eq", x, 0);
    const safe = where(zero, full(x, x.shape, 1), x);
    return [mul(g, where(zero, full(x, x.shape, 0.5), sub(unary("i0", safe), div(output, safe))))];
  }),
  i1e: row(FIRST | OUTPUT, (g, { inputs: [x], output }) => {
    const zero = compare("eq", x, 0);
    const safe = where(zero, full(x, x.shape, 1), x);
    const slope = sub(unary("i0e", safe), mul(output, add(unary("sign", safe), unary("reciprocal", safe))));
    return [mul(g, where(zero, full(x, x.shape, 0.5), slope))];
  }),
  ndtri: row(OUTPUT, (g, { output }) => [
    mul(g, mul(unary("exp", mul(square(output), 0.5)), Math.sqrt(2 * Math.PI))),
  ]),
  // d/dx ln Φ(x) = φ(x) / Φ(x) = √(2/π) / erfcx(−x/√2); PyTorch has none at −∞
  logNdtr: row(FIRST, (g, { inputs: [x] }) => {
    const slope = mul(div(g, unary("erfcx", mul(x, -Math.SQRT1_2))), Math.sqrt(2 / Math.PI));
    return [where(compare("eq", x, -Infinity), full(x, x.shape, NaN), slope)];
  }),
  floor: row(NOTHING, (g) => [full(g, g.shape, 0)]),
  ceil: row(NOTHING, (g) => [full(g, g.shape, 0)]),
  round: row(NOTHING, (g) => [full(g, g.shape, 0)]),
  trunc: row(NOTHING, (g) => [full(g, g.shape, 0)]),
  sigmoid: row(OUTPUT, (g, { output }) => [mul(g, mul(output, rsub(output, 1)))]),
  relu: row(OUTPUT, (g, { output, spends }) => [over(g, spends, "reluBackward", [g, output], null)]),
  logicalNot: null,
  bitwiseNot: null,
  isnan: null,
  isinf: null,
  signbit: null,
};

/** Rows of the primitives with two inputs; null where the result is not differentiable. */
export const binaryDerivatives: { readonly [P in keyof BinaryPrimitives<unknown>]: Derivative<P> | null } = {
  add: row(NOTHING, (g) => [g, g]),
  sub: row(NOTHING, (g, { needs }) => [g, needs[1] ? neg(g) : null]),
  mul: crossRow((g, { inputs: [x, y], needs, spends }) => [
    needs[0] ? over(g, spends && !needs[1], "mul", [g, y], null) : null,
    needs[1] ? over(g, spends && !needs[0], "mul", [g, x], null) : null,
  ]),
  div: {
    saves: (needs) => SECOND | (needs[1] ? FIRST : 0),
    backward: (g, { inputs: [x, y], needs }) => [
      needs[0] ? div(g, y) : null,
      needs[1] ? mul(neg(g), div(div(x, y), y)) : null,
    ],
  },
  floorDivide: row(NOTHING, (g) => [full(g, g.shape, 0), full(g, g.shape, 0)]),
  truncDivide: row(NOTHING, (g) => [full(g, g.shape, 0), full(g, g.shape, 0)]),
  remainder: {
    saves: (needs) => needs[1] ? INPUTS : 0,
    backward: (
      g,
      { inputs: [x, y], needs },
    ) => [g, needs[1] ? neg(mul(g, bind("floorDivide", [x, y], null))) : null],
  },
  fmod: {
    saves: (needs) => needs[1] ? INPUTS : 0,
    backward: (
      g,
      { inputs: [x, y], needs },
    ) => [g, needs[1] ? neg(mul(g, bind("truncDivide", [x, y], null))) : null],
  },
  pow: {
    saves: (needs) => INPUTS | (needs[1] ? OUTPUT : 0),
    backward: (g, { inputs: [x, y], output, needs }) => {
      // y · x^(y−1), and 0 where y is 0
      const gx = needs[0]
        ? where(constantPower(x, y, needs[1]!), full(g, g.shape, 0), mul(g, mul(y, pow(x, sub(y, 1)))))
        : null;
      // x^y · ln x, and 0 where x is 0 and y >= 0
      const gy = needs[1]
        ? where(
          bind("bitwiseAnd", [compare("eq", x, 0), compare("ge", y, 0)], null),
          full(g, g.shape, 0),
          mul(g, mul(output, unary("log", x))),
        )
        : null;
      return [gx, gy];
    },
  },
  maximum: row(INPUTS, (g, { inputs: [x, y] }) => shared(g, x, y, "lt", "gt")),
  minimum: row(INPUTS, (g, { inputs: [x, y] }) => shared(g, x, y, "gt", "lt")),
  atan2: row(INPUTS, (g, { inputs: [x, y], needs }) => {
    const scaled = div(g, add(square(x), square(y)));
    return [needs[0] ? mul(scaled, y) : null, needs[1] ? neg(mul(scaled, x)) : null];
  }),
  hypot: row(INPUTS | OUTPUT, (g, { inputs: [x, y], output, needs }) => [
    needs[0] ? mul(g, div(x, output)) : null,
    needs[1] ? mul(g, div(y, output)) : null,
  ]),
  copysign: row(FIRST | OUTPUT, (g, { inputs: [x], output }) => {
    const zero = compare("eq", x, 0);
    const ratio = div(output, where(zero, full(x, x.shape, 1), x));
    return [where(zero, full(g, g.shape, 0), mul(g, ratio)), full(g, g.shape, 0)];
  }),
  nextafter: null,
  // dP/dy = y^(x−1) e^(−y) / Γ(x); PyTorch has no gradient for x either
  igamma: row(INPUTS, (g, { inputs: [x, y] }) => [null, mul(g, gammaDensity(x, y))]),
  igammac: row(INPUTS, (g, { inputs: [x, y] }) => [null, neg(mul(g, gammaDensity(x, y)))]),
  // dζ(s, q)/dq = −s ζ(s+1, q)
  zeta: row(
    INPUTS,
    (g, { inputs: [x, y] }) => [null, mul(g, neg(mul(x, bind("zeta", [add(x, 1), y], null))))],
  ),
  gcd: null,
  eq: null,
  ne: null,
  lt: null,
  le: null,
  gt: null,
  ge: null,
  bitwiseAnd: null,
  bitwiseOr: null,
  bitwiseXor: null,
  leftShift: null,
  rightShift: null,
};

type T = Parameters<typeof neg>[0];

/** The gradient to the winner, half to each on a tie, all to both where NaN leaves no winner. */
function shared(g: T, x: T, y: T, xLoses: "lt" | "gt", yLoses: "lt" | "gt"): [T, T] {
  const tie = compare("eq", x, y);
  const half = mul(g, 0.5);
  const none = full(g, g.shape, 0);
  return [
    where(tie, half, where(compare(xLoses, x, y), none, g)),
    where(tie, half, where(compare(yLoses, x, y), none, g)),
  ];
}

/**
 * Where x^y is 1 whatever x is. If y may move, only where the formula of the gradient fails, at 0 and NaN: elsewhere that is
 * 0 for y = 0 as well, and has a derivative for y.
 */
function constantPower(x: T, y: T, moves: boolean): T {
  const zero = compare("eq", y, 0);
  if (!moves) return zero;
  const regular = compare("gt", unary("abs", x), 0);
  return bind("bitwiseAnd", [zero, unary("logicalNot", regular)], null);
}

function gammaDensity(x: T, y: T): T {
  const log = sub(sub(mul(sub(x, 1), unary("log", y)), y), unary("lgamma", x));
  return unary("exp", log);
}
