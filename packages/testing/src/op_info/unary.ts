/**
 * Facts of the pointwise primitives of one input.
 *
 * @module
 */

import type { UnaryPrimitives } from "@flambeau/core";
import type { HostTensor } from "../host_tensor.ts";
import { type Tolerance, tolerances } from "../tolerance.ts";
import type { InfosOf, OpInfo } from "./facts.ts";

type UnaryName = keyof UnaryPrimitives<unknown>;

/** Where a function of one number is smooth. */
interface Domain {
  /** Least value of the samples. */
  readonly low: number;
  /** Largest value. */
  readonly high: number;
  /** Values are at least this far from 0: for functions with a kink or a pole there. Default 0. */
  readonly gap?: number;
  /** Smooth points that the range does not reach, or must hold. */
  readonly points?: readonly number[];
}

const line: Domain = { low: -2, high: 2 };
const awayFrom0: Domain = { low: -2, high: 2, gap: 0.25 };
const positive: Domain = { low: 0.25, high: 4 };
const inner: Domain = { low: -0.875, high: 0.875 };
/** Away from whole numbers and halves, where roundings jump. */
const betweenSteps: Domain = { low: 0.125, high: 0.375, points: [-2.75, -1.25, -0.25, 0.75, 1.25, 3.625] };

/** Facts of a function with a derivative. */
function smooth(domain: Domain, tolerance: Tolerance): OpInfo<UnaryName> {
  return { ...unary(domain, tolerance), differentiable: [0] };
}

/** Facts of a function whose result is not differentiable. */
function discrete(domain: Domain = awayFrom0): OpInfo<UnaryName> {
  return { ...unary(domain, tolerances.exact), differentiable: [] };
}

function unary(
  domain: Domain,
  tolerance: Tolerance,
): Pick<OpInfo<UnaryName>, "samples" | "tolerance" | "errors"> {
  const { low, high, gap = 0, points = [] } = domain;
  return {
    tolerance,
    errors: [],
    samples: (make) => {
      const values = (shape: readonly number[]): HostTensor =>
        gap > 0 ? make.signed(shape, gap, high) : make.values(shape, low, high);
      const call = (title: string, x: HostTensor, flags: { smooth?: boolean; edge?: boolean } = {}) => ({
        title,
        inputs: [x] as const,
        attrs: null,
        ...flags,
      });
      const isFloat = make.dtype.kind === "float";
      return [
        call("matrix", values([2, 3]), { smooth: true }),
        call("rank 0", values([]), { smooth: true }),
        ...(low < 0 && isFloat
          ? [call("negative", make.values([2, 2], low, Math.min(high, -gap)), { smooth: true })]
          : []),
        ...(points.length > 0 && isFloat ? [call("chosen points", make.of(points), { smooth: true })] : []),
        call("odd length", values([37])),
        call("four dimensions", values([2, 1, 3, 2])),
        call("no elements", values([0])),
        call("no elements in a row", values([2, 0])),
        call("edges", make.of(make.edges()), { edge: true }),
      ];
    },
  };
}

const { rounded, elementary, cancelling, exact } = tolerances;

/** Facts of the pointwise primitives of one input. */
export const unaryInfos: InfosOf<UnaryPrimitives<unknown>> = {
  neg: smooth(line, exact),
  abs: smooth(awayFrom0, exact),
  sign: smooth(awayFrom0, exact),
  exp: smooth(line, elementary),
  exp2: smooth(line, elementary),
  expm1: smooth(line, elementary),
  log: smooth(positive, elementary),
  log2: smooth(positive, elementary),
  log10: smooth(positive, elementary),
  log1p: smooth({ low: -0.75, high: 3 }, elementary),
  sqrt: smooth(positive, rounded),
  rsqrt: smooth(positive, elementary),
  reciprocal: smooth(awayFrom0, rounded),
  sin: smooth({ low: -4, high: 4 }, cancelling),
  cos: smooth({ low: -4, high: 4 }, cancelling),
  tan: smooth({ low: -1.25, high: 1.25 }, elementary),
  asin: smooth(inner, elementary),
  acos: smooth(inner, elementary),
  atan: smooth({ low: -3, high: 3 }, elementary),
  sinh: smooth(line, elementary),
  cosh: smooth(line, elementary),
  tanh: smooth(line, elementary),
  asinh: smooth({ low: -3, high: 3 }, elementary),
  acosh: smooth({ low: 1.25, high: 4 }, elementary),
  atanh: smooth(inner, elementary),
  erf: smooth(line, elementary),
  erfc: smooth(line, elementary),
  erfinv: smooth(inner, elementary),
  erfcx: smooth({ low: -1.5, high: 3 }, elementary),
  lgamma: smooth({ low: 0.375, high: 5, points: [-0.5, -1.25, -2.625, 0.125] }, cancelling),
  digamma: smooth({ low: 0.375, high: 5, points: [-0.5, -1.25, -2.625, 0.125] }, cancelling),
  i0: smooth({ low: -4, high: 4, points: [0, 9] }, elementary),
  i0e: smooth({ low: -4, high: 4, gap: 0.25, points: [9, -9] }, elementary),
  i1: smooth({ low: -4, high: 4, points: [9] }, elementary),
  i1e: smooth({ low: -4, high: 4, gap: 0.25, points: [9, -9] }, elementary),
  ndtri: smooth({ low: 0.125, high: 0.875 }, cancelling),
  logNdtr: smooth({ low: -3, high: 3, points: [-9, 4] }, cancelling),
  floor: smooth(betweenSteps, exact),
  ceil: smooth(betweenSteps, exact),
  round: smooth(betweenSteps, exact),
  trunc: smooth(betweenSteps, exact),
  sigmoid: smooth(line, elementary),
  relu: smooth(awayFrom0, exact),
  logicalNot: discrete(),
  bitwiseNot: discrete(),
  isnan: discrete(),
  isinf: discrete(),
  signbit: discrete(),
};
