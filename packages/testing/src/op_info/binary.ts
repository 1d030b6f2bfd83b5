/**
 * Facts of the pointwise primitives of two inputs.
 *
 * @module
 */

import type { BinaryPrimitives, Shape } from "@flambeau/core";
import { type Element, elementsOf, type HostTensor, numbersOf } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import { type Tolerance, tolerances } from "../tolerance.ts";
import { badShape, type InfosOf, type OpInfo, type Sample } from "./facts.ts";

type BinaryName = keyof BinaryPrimitives<unknown>;
type Values = (make: Make, shape: Shape) => HostTensor;

/** What a function of two numbers takes. */
interface Domain {
  /** First operands. */
  readonly x: Values;
  /** Second operands. */
  readonly y: Values;
  /** Pairs of floats that the ranges do not reach, where the function is smooth. */
  readonly points?: readonly (readonly [x: number, y: number])[];
  /** Pairs at which only the first operand can be moved. */
  readonly firstOnly?: readonly (readonly [x: number, y: number])[];
  /** Pairs of floats that are not smooth: ties, poles. */
  readonly others?: readonly (readonly [x: number, y: number])[];
  /** True when an integer 0 is refused as the second operand. */
  readonly divides?: boolean;
}

const any: Values = (make, shape) => make.values(shape, -3, 3);
const awayFrom0: Values = (make, shape) => make.signed(shape, 0.5, 3);
const range = (low: number, high: number): Values => (make, shape) => make.values(shape, low, high);

const plain: Domain = { x: any, y: any };
/** Operands of which neither sums to a tie with the other: multiples of 1/4 against odd multiples of 1/8. */
const apart: Domain = {
  x: (make, shape) => make.distinct(shape, 0.5),
  y: (make, shape) => shifted(make, make.distinct(shape, 0.5), 0.125),
  others: [[1, 1], [-2, -2], [0, 0]],
};
/** Quotients that are away from whole numbers, of both signs. */
const quotients: Domain = {
  x: (make, shape) => make.values(shape, 0.25, 0.75),
  y: (make, shape) => make.values(shape, 1, 2),
  points: [[5.5, 2], [-5.5, 2], [5.5, -2], [-5.5, -2], [7.25, 3], [-0.5, 3], [0.5, -3]],
  others: [[6, 2], [-6, 2], [6, -2], [0, 3], [-7, 7]],
  divides: true,
};

function shifted(make: Make, x: HostTensor, by: number): HostTensor {
  if (make.dtype.kind !== "float") return x;
  return make.of(numbersOf(x).map((value) => value + by), x.shape);
}

/** Facts of a function with derivatives for the inputs in `differentiable`. */
function smooth(domain: Domain, tolerance: Tolerance, differentiable: readonly number[] = [0, 1]) {
  return binary(domain, tolerance, differentiable);
}

/** Facts of a function whose result is not differentiable. */
function discrete(domain: Domain = plain): OpInfo<BinaryName> {
  return binary(domain, tolerances.exact, []);
}

function binary(domain: Domain, tolerance: Tolerance, differentiable: readonly number[]): OpInfo<BinaryName> {
  const { x, y, points = [], firstOnly = [], others = [], divides = false } = domain;
  const samples = (make: Make): Sample<BinaryName>[] => {
    const call = (
      title: string,
      inputs: readonly [HostTensor, HostTensor],
      flags: { smooth?: boolean | readonly number[]; edge?: boolean } = {},
    ): Sample<BinaryName> => ({ title, inputs, attrs: null, ...flags });
    const pair = (a: Shape, b: Shape) => [x(make, a), divisors(make, y(make, b), divides)] as const;
    const listed = (
      title: string,
      list: readonly (readonly [x: number, y: number])[],
      smooth: boolean | readonly number[],
    ) =>
      list.length > 0 && make.dtype.kind === "float"
        ? [call(title, [make.of(list.map(([a]) => a)), make.of(list.map(([, b]) => b))], { smooth })]
        : [];
    return [
      call("matrices", pair([2, 3], [2, 3]), { smooth: true }),
      call("row broadcasts", pair([2, 3], [3]), { smooth: true }),
      call("both broadcast", pair([2, 1], [1, 3]), { smooth: true }),
      call("rank 0 with a vector", pair([], [3]), { smooth: true }),
      call("rank 0", pair([], []), { smooth: true }),
      ...listed("chosen points", points, true),
      ...listed("points for the first operand", firstOnly, [0]),
      ...listed("ties and poles", others, false),
      call("odd length", pair([37], [37])),
      call("long rows with rank 0", pair([3, 19], [])),
      call("middle broadcasts", pair([2, 3, 4], [2, 1, 4])),
      call("no elements", pair([0], [0])),
      call("no elements from a broadcast", pair([0, 3], [1, 3])),
      call("edges", edgePairs(make, divides), { edge: true }),
    ];
  };
  return {
    samples,
    tolerance,
    differentiable,
    errors: [
      badShape(["float32[2, 3]", "float32[4]"], null, "got 3 and 4 at dimension 1"),
      badShape(["float32[2, 3]", "float32[4, 5, 1]"], null, "got 2 and 5 at dimension 1"),
    ],
  };
}

/** Divisors of integers have no 0. */
function divisors(make: Make, x: HostTensor, divides: boolean): HostTensor {
  if (!divides || make.dtype.kind !== "int") return x;
  return make.of(elementsOf(x).map((value) => value == 0 ? 1 : value), x.shape);
}

/** Every edge value with every other: a column against a row. Divisors of integers leave out 0, and −1 for the least value. */
function edgePairs(make: Make, divides: boolean): readonly [HostTensor, HostTensor] {
  const edges = make.edges();
  const isDivisor = (value: Element): boolean =>
    !divides || make.dtype.kind !== "int" || (value !== 0n && value !== -1n);
  const row = edges.filter(isDivisor);
  return [make.of(edges, [edges.length, 1]), make.of(row, [1, row.length])];
}

/** The same facts with the errors of a primitive that only takes integers. */
function ofIntegers(info: OpInfo<BinaryName>): OpInfo<BinaryName> {
  return { ...info, errors: [badShape(["int32[2, 3]", "int32[4]"], null, "got 3 and 4 at dimension 1")] };
}

const { rounded, elementary, cancelling, exact } = tolerances;
const whole = range(-4, 5);
const shifts: Domain = { x: whole, y: range(0, 6) };

/** Facts of the pointwise primitives of two inputs. */
export const binaryInfos: InfosOf<BinaryPrimitives<unknown>> = {
  add: smooth(plain, rounded),
  sub: smooth(plain, rounded),
  mul: smooth(plain, rounded),
  div: smooth({ x: any, y: awayFrom0 }, rounded),
  floorDivide: smooth(quotients, exact),
  truncDivide: smooth(quotients, exact),
  remainder: smooth(quotients, rounded),
  fmod: smooth(quotients, rounded),
  pow: smooth({
    x: range(0.5, 3),
    y: any,
    points: [[2, 0], [0.5, -2]],
    // A negative base has real powers at whole exponents only.
    firstOnly: [[-2, 3], [-2, -2], [0, 3], [-1.5, 2], [-2, 0]],
    others: [[0, 0], [0, 0.5], [0, -1]],
  }, elementary),
  maximum: smooth(apart, exact),
  minimum: smooth(apart, exact),
  atan2: smooth({ x: awayFrom0, y: awayFrom0 }, elementary),
  hypot: smooth({ x: awayFrom0, y: awayFrom0 }, elementary),
  copysign: smooth({ x: awayFrom0, y: awayFrom0 }, exact),
  nextafter: discrete(),
  igamma: smooth({ x: range(0.5, 4), y: range(0.5, 4), points: [[2, 9], [9, 2]] }, cancelling, [1]),
  igammac: smooth({ x: range(0.5, 4), y: range(0.5, 4), points: [[2, 9], [9, 2]] }, cancelling, [1]),
  zeta: smooth({ x: range(1.5, 4), y: range(0.5, 4) }, elementary, [1]),
  gcd: ofIntegers(discrete({ x: range(-24, 25), y: range(-24, 25) })),
  eq: discrete(),
  ne: discrete(),
  lt: discrete(),
  le: discrete(),
  gt: discrete(),
  ge: discrete(),
  bitwiseAnd: ofIntegers(discrete()),
  bitwiseOr: ofIntegers(discrete()),
  bitwiseXor: ofIntegers(discrete()),
  leftShift: ofIntegers(discrete(shifts)),
  rightShift: ofIntegers(discrete(shifts)),
};
