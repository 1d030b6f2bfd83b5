/**
 * The float32 functions of the CPU device whose accuracy is measured, with float64 formulas for what they should be.
 *
 * `Math` is within about one unit of the last place of float64, so it stands for the exact value. Where it has no such
 * function, there is a formula that keeps its digits.
 *
 * @module
 */

import type { KernelName } from "@flambeau/core";
// Not exported: the functions that the reference backend computes in float64 with.
import { erf, erfc } from "../../packages/reference/src/special/erf.ts";

/** A function of one float32. */
export interface MeasuredFunction {
  /** Its name in tables and options. */
  readonly name: string;
  /** The primitive that computes it. */
  readonly primitive: KernelName;
  /** Attributes of the primitive. */
  readonly attrs: unknown;
  /** What it should be, in float64. */
  readonly exact: (x: number) => number;
  /** Units of the last place that it must stay within. */
  readonly bound: number;
}

/** 1 / (1 + e⁻ˣ). */
function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** x / (1 + e⁻ʷ); NaN for −∞, as in PyTorch. */
function gated(x: number, w: number): number {
  return x / (1 + Math.exp(-w));
}

/** The nearest integer, halves to even. */
function nearest(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  const y = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : Math.ceil(x);
  // A zero has the sign of x.
  return y === 0 ? x * 0 : y;
}

const PLAIN: readonly (readonly [name: KernelName, exact: (x: number) => number, bound: number])[] = [
  ["exp", Math.exp, 2],
  ["exp2", (x) => 2 ** x, 2],
  ["expm1", Math.expm1, 2],
  ["log", Math.log, 2],
  ["log2", Math.log2, 2],
  ["log10", Math.log10, 2],
  ["log1p", Math.log1p, 2],
  ["sqrt", Math.sqrt, 0.5],
  ["rsqrt", (x) => 1 / Math.sqrt(x), 2],
  ["reciprocal", (x) => 1 / x, 0.5],
  ["sin", Math.sin, 2],
  ["cos", Math.cos, 2],
  ["tan", Math.tan, 2],
  ["asin", Math.asin, 2],
  ["acos", Math.acos, 2],
  ["atan", Math.atan, 2],
  ["sinh", Math.sinh, 2],
  ["cosh", Math.cosh, 2],
  ["tanh", Math.tanh, 2],
  ["asinh", Math.asinh, 2],
  ["acosh", Math.acosh, 2],
  ["atanh", Math.atanh, 2],
  ["sigmoid", sigmoid, 2],
  ["erf", erf, 2],
  ["erfc", erfc, 2],
  ["floor", Math.floor, 0],
  ["ceil", Math.ceil, 0],
  ["trunc", Math.trunc, 0],
  ["round", nearest, 0],
  ["abs", Math.abs, 0],
  ["neg", (x) => -x, 0],
  ["sign", (x) => x > 0 ? 1 : x < 0 ? -1 : 0, 0],
  ["relu", (x) => x < 0 ? 0 : x, 0],
];

/** √(2/π), and the cubic term of the tanh form of gelu. */
const [GELU_SCALE, GELU_CUBE] = [Math.sqrt(2 / Math.PI), 0.044715];

/** Every function, in the order of the table. */
export const functions: readonly MeasuredFunction[] = [
  ...PLAIN.map(([name, exact, bound]) => ({ name, primitive: name, attrs: null, exact, bound })),
  { name: "silu", primitive: "silu", attrs: null, exact: (x) => gated(x, x), bound: 2 },
  {
    name: "gelu",
    primitive: "gelu",
    attrs: { approximate: "none" },
    exact: (x) => x * erfc(-x * Math.SQRT1_2) / 2,
    bound: 2,
  },
  {
    name: "gelu (tanh)",
    primitive: "gelu",
    attrs: { approximate: "tanh" },
    exact: (x) => gated(x, 2 * GELU_SCALE * (x + GELU_CUBE * x * x * x)),
    bound: 2,
  },
];
