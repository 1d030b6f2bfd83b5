/**
 * Facts of reductions, scans and sorts.
 *
 * @module
 */

import {
  type Attrs,
  contiguousStrides,
  type Inputs,
  type Name,
  numelOf,
  type ReductionPrimitives,
  type ScanPrimitives,
  type Shape,
} from "@flambeau/core";
import { type Element, elementOf, type HostTensor } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import { type Tolerance, tolerances } from "../tolerance.ts";
import { badIndex, badShape, type InfosOf, type OpInfo, type Refusal, type Sample } from "./facts.ts";

type Values = (make: Make, shape: Shape) => HostTensor;

const any: Values = (make, shape) => make.values(shape, -2, 2);
const distinct: Values = (make, shape) => make.distinct(shape);
/** Factors near 1, so that products of many stay in range. */
const factors: Values = (make, shape) =>
  make.dtype.kind === "float" ? make.signed(shape, 0.75, 1.25) : make.values(shape, -2, 3);

type FoldName = "sum" | "prod" | "amax" | "amin" | "any" | "all";

/** Facts of a primitive that folds the dimensions `dims`. */
function fold(
  values: Values,
  tolerance: Tolerance,
  { differentiable, neutral }: { differentiable: boolean; neutral: boolean },
): OpInfo<FoldName> {
  type Call = readonly [title: string, shape: Shape, dims: Shape, keepdim: boolean];
  const small: readonly Call[] = [
    ["rows", [2, 3], [1], false],
    ["columns", [2, 3], [0], true],
    ["all", [2, 3], [0, 1], false],
    ["outer and inner", [2, 2, 3], [0, 2], false],
    ["middle", [2, 3, 2], [1], true],
    ["rank 0", [], [], false],
    ["one element", [1], [0], false],
  ];
  const others: readonly Call[] = [
    ["three of four", [2, 3, 4, 2], [0, 1, 3], false],
    ["long rows", [3, 301], [1], false],
    ["long columns", [301, 3], [0], false],
    ["many", [1400], [0], true],
    ["kept dimension of size 0", [0, 3], [1], false],
    ...(neutral
      ? [
        ["nothing", [0], [0], false],
        ["empty rows", [2, 0], [1], false],
        ["empty rows kept", [2, 0], [1], true],
      ] as const
      : []),
  ];
  return {
    tolerance,
    differentiable: differentiable ? [0] : [],
    errors: [
      badShape(["float32[2, 3]"], { dims: [], keepdim: false }, "got rank 2"),
      badIndex(["float32[2, 3]"], { dims: [2], keepdim: false }, "got 2"),
      badIndex(["float32[2, 3]"], { dims: [-1], keepdim: false }, "got -1"),
      badIndex(["float32[2, 3]"], { dims: [1, 0], keepdim: false }, "got [1, 0]"),
      badIndex(["float32[2, 3]"], { dims: [1, 1], keepdim: true }, "got [1, 1]"),
      ...(neutral ? [] : [badIndex(["float32[2, 0]"], { dims: [1], keepdim: false }, "got 0")]),
    ],
    samples: (make) => {
      const edges = make.edges();
      const call = ([title, shape, dims, keepdim]: Call, smooth: boolean): Sample<FoldName> => ({
        title,
        inputs: [values(make, shape)],
        attrs: { dims, keepdim },
        smooth,
      });
      return [
        ...small.map((row) => call(row, true)),
        ...others.map((row) => call(row, false)),
        // Each edge value beside 1: extremes must choose, sums must carry NaN and infinities.
        {
          title: "edges",
          inputs: [make.of(edges.flatMap((value) => [1, value]), [edges.length, 2])],
          attrs: { dims: [1], keepdim: false },
          edge: true,
        },
        {
          title: "zeros and equals",
          inputs: [make.of([1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 1], [4, 3])],
          attrs: { dims: [1], keepdim: false },
        },
      ];
    },
  };
}

/** One zero, several zeros, none: where products of the others are delicate. */
function withZeros<P extends Name>(info: OpInfo<P>, attrs: Attrs<P>): OpInfo<P> {
  return {
    ...info,
    samples: (make) => [
      ...info.samples(make),
      {
        title: "zeros among the factors",
        inputs: [make.of([2, 0, 3, 0, 1, 0, 2, 1, 3], [3, 3])] as unknown as Inputs<P, HostTensor>,
        attrs,
        smooth: true,
      },
    ],
  };
}

/** Facts of the place of an extreme. */
function placeOfExtreme(beats: (x: Element, best: Element) => boolean): OpInfo<"argmax" | "argmin"> {
  return {
    tolerance: tolerances.exact,
    differentiable: [],
    errors: [
      badIndex(["float32[2, 3]"], { dim: 2, keepdim: false }, "got 2"),
      badIndex(["float32[]"], { dim: 0, keepdim: false }, "got 0"),
      badIndex(["float32[2, 0]"], { dim: 1, keepdim: false }, "got 0"),
    ],
    samples: (make) => {
      const edges = make.edges();
      return [
        { title: "rows", inputs: [make.distinct([2, 3])], attrs: { dim: 1, keepdim: false } },
        { title: "columns", inputs: [make.distinct([3, 2])], attrs: { dim: 0, keepdim: true } },
        { title: "middle", inputs: [any(make, [2, 5, 3])], attrs: { dim: 1, keepdim: false } },
        { title: "long", inputs: [any(make, [2, 301])], attrs: { dim: 1, keepdim: false } },
        { title: "all equal", inputs: [make.of([1, 1, 1])], attrs: { dim: 0, keepdim: false } },
        { title: "no elements", inputs: [any(make, [0, 3])], attrs: { dim: 1, keepdim: false } },
        {
          title: "edges",
          inputs: [make.of(edges.flatMap((value) => [1, value, value, 0]), [edges.length, 4])],
          attrs: { dim: 1, keepdim: false },
          edge: true,
        },
      ];
    },
    check([x], [places], { dim }) {
      eachLine(x, dim, (line, at) => {
        let best = 0;
        for (let i = 1; i < line.length && line[best] === line[best]; i++) {
          if (beats(line[i]!, line[best]!) || line[i] !== line[i]) best = i;
        }
        const got = Number(places!.data[at]);
        if (got !== best) throw new Error(`line ${at}, ${line}: got place ${got}, must be ${best}`);
      });
    },
  };
}

/** The lines of `x` along `dim`, in row-major order of the other dimensions. */
export function eachLine(
  x: HostTensor,
  dim: number,
  visit: (line: Element[], number: number) => void,
): void {
  const strides = contiguousStrides(x.shape);
  const [size, step] = [x.shape[dim]!, strides[dim]!];
  const count = size === 0 ? 0 : numelOf(x.shape) / size;
  for (let n = 0; n < count; n++) {
    const start = Math.floor(n / step) * step * size + n % step;
    visit(Array.from({ length: size }, (_, i) => elementOf(x, start + i * step)), n);
  }
}

const { accumulated, cancelling, exact } = tolerances;

/** Facts of the reductions. */
export const reductionInfos: InfosOf<ReductionPrimitives<unknown>> = {
  sum: fold(any, accumulated, { differentiable: true, neutral: true }),
  prod: withZeros(fold(factors, accumulated, { differentiable: true, neutral: true }), {
    dims: [1],
    keepdim: false,
  }),
  amax: fold(distinct, exact, { differentiable: true, neutral: false }),
  amin: fold(distinct, exact, { differentiable: true, neutral: false }),
  any: fold(any, exact, { differentiable: false, neutral: true }),
  all: fold(any, exact, { differentiable: false, neutral: true }),
  argmax: placeOfExtreme((x, best) => x > best),
  argmin: placeOfExtreme((x, best) => x < best),
};

type ScanName = "cumsum" | "cumprod" | "cummax" | "cummin" | "logcumsumexp";

const scanErrors: readonly Refusal<ScanName>[] = [
  badIndex(["float32[2, 3]"], { dim: 2 }, "got 2"),
  badIndex(["float32[2, 3]"], { dim: -1 }, "got -1"),
  badIndex(["float32[]"], { dim: 0 }, "got 0"),
];

/** Facts of a running fold. */
function scan(
  values: Values,
  tolerance: Tolerance,
  check?: OpInfo<"cummax">["check"],
): OpInfo<ScanName> {
  const calls: readonly (readonly [title: string, shape: Shape, dim: number, smooth: boolean])[] = [
    ["rows", [2, 3], 1, true],
    ["columns", [3, 2], 0, true],
    ["middle", [2, 3, 2], 1, true],
    ["one element", [1], 0, true],
    ["long rows", [2, 130], 1, false],
    ["long columns", [130, 2], 0, false],
    ["no lines", [0, 3], 1, false],
    ["empty lines", [2, 0], 1, false],
  ];
  return {
    tolerance,
    differentiable: [0],
    errors: scanErrors,
    ...(check === undefined ? {} : { check: check as NonNullable<OpInfo<ScanName>["check"]> }),
    samples: (make) => [
      ...calls.map(([title, shape, dim, smooth]) => ({
        title,
        inputs: [values(make, shape)] as const,
        attrs: { dim },
        smooth,
      })),
      {
        title: "edges",
        inputs: [make.of(make.edges().flatMap((value) => [1, value, 0]), [make.edges().length, 3])],
        attrs: { dim: 1 },
        edge: true,
      },
    ],
  };
}

/** Values are what the input holds at the places, and the places are those of the last extreme so far. */
function runningExtreme(reaches: (x: Element, best: Element) => boolean): OpInfo<"cummax">["check"] {
  return ([x], [, places], { dim }) => {
    const found = linesOf(places!, dim);
    eachLine(x, dim, (line, n) => {
      let best = 0;
      line.forEach((value, i) => {
        if (i > 0 && (value !== value || reaches(value, line[best]!))) best = i;
        if (found[n]![i] !== best) {
          throw new Error(`line ${n}, ${line}: place ${i} is ${found[n]![i]}, not ${best}`);
        }
      });
    });
  };
}

function linesOf(x: HostTensor, dim: number): Element[][] {
  const lines: Element[][] = [];
  eachLine(x, dim, (line) => lines.push(line));
  return lines;
}

/** The values of `x` at the places, and all places different: what sort and topk must hold whatever the ties. */
function takesFrom(x: HostTensor, values: HostTensor, places: HostTensor, dim: number): void {
  const [all, taken] = [linesOf(x, dim), linesOf(values, dim)];
  linesOf(places, dim).forEach((line, n) => {
    if (new Set(line).size !== line.length) throw new Error(`line ${n}: places ${line} repeat`);
    line.forEach((at, i) => {
      const [got, want] = [taken[n]![i]!, all[n]![Number(at)]!];
      if (got !== want && got === got) {
        throw new Error(`line ${n}: value ${i} is ${got}, at its place is ${want}`);
      }
    });
  });
}

/** Throws unless each line of `values` is in order; NaN is largest. */
function inOrder(values: HostTensor, dim: number, descending: boolean): void {
  eachLine(values, dim, (line, n) => {
    for (let i = 1; i < line.length; i++) {
      const [a, b] = descending ? [line[i]!, line[i - 1]!] : [line[i - 1]!, line[i]!];
      if (!(a <= b || b !== b)) throw new Error(`line ${n}, ${line}: not in order at ${i}`);
    }
  });
}

/** Facts of the scans and sorts. */
export const scanInfos: InfosOf<ScanPrimitives<unknown>> = {
  cumsum: scan(any, accumulated),
  cumprod: withZeros(scan(factors, accumulated), { dim: 1 }),
  cummax: scan(distinct, exact, runningExtreme((x, best) => x >= best)),
  cummin: scan(distinct, exact, runningExtreme((x, best) => x <= best)),
  logcumsumexp: scan(any, cancelling),

  sort: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badIndex(["float32[2, 3]"], { dim: 2, descending: false }, "got 2"),
      badIndex(["float32[]"], { dim: 0, descending: true }, "got 0"),
    ],
    samples: (make) => [
      ...[false, true].flatMap((descending): Sample<"sort">[] => {
        const order = descending ? "descending" : "ascending";
        return [
          {
            title: `rows ${order}`,
            inputs: [make.distinct([2, 4])],
            attrs: { dim: 1, descending },
            smooth: true,
          },
          {
            title: `columns ${order}`,
            inputs: [make.distinct([4, 2])],
            attrs: { dim: 0, descending },
            smooth: true,
          },
          {
            title: `equals keep their order, ${order}`,
            inputs: [make.of([2, 1, 2, 0, 1, 2, 0, 0])],
            attrs: { dim: 0, descending },
          },
          { title: `long ${order}`, inputs: [any(make, [2, 130])], attrs: { dim: 1, descending } },
          {
            title: `edges ${order}`,
            inputs: [make.of(make.edges())],
            attrs: { dim: 0, descending },
            edge: true,
          },
        ];
      }),
      { title: "no lines", inputs: [any(make, [0, 3])], attrs: { dim: 1, descending: false } },
      { title: "empty lines", inputs: [any(make, [2, 0])], attrs: { dim: 1, descending: false } },
    ],
    check([x], [values, places], { dim, descending }) {
      takesFrom(x, values!, places!, dim);
      inOrder(values!, dim, descending);
    },
  },

  topk: {
    tolerance: exact,
    differentiable: [0],
    free: [1],
    errors: [
      badIndex(["float32[2, 3]"], { dim: 1, k: 4, largest: true }, "got 4"),
      badIndex(["float32[2, 3]"], { dim: 1, k: -1, largest: true }, "got -1"),
      badIndex(["float32[2, 3]"], { dim: 1, k: 1.5, largest: true }, "got 1.5"),
      badIndex(["float32[2, 3]"], { dim: 2, k: 1, largest: true }, "got 2"),
    ],
    samples: (make) => [
      ...[false, true].flatMap((largest): Sample<"topk">[] => [
        {
          title: `rows, largest ${largest}`,
          inputs: [make.distinct([2, 4])],
          attrs: { dim: 1, k: 2, largest },
          smooth: true,
        },
        {
          title: `columns, largest ${largest}`,
          inputs: [make.distinct([4, 2])],
          attrs: { dim: 0, k: 3, largest },
          smooth: true,
        },
        {
          title: `ties, largest ${largest}`,
          inputs: [make.of([1, 2, 2, 1, 2])],
          attrs: { dim: 0, k: 2, largest },
        },
        {
          title: `long, largest ${largest}`,
          inputs: [any(make, [2, 130])],
          attrs: { dim: 1, k: 7, largest },
        },
        {
          title: `edges, largest ${largest}`,
          inputs: [make.of(make.edges())],
          attrs: { dim: 0, k: 4, largest },
          edge: true,
        },
      ]),
      { title: "all of them", inputs: [make.distinct([5])], attrs: { dim: 0, k: 5, largest: true } },
      { title: "none of them", inputs: [make.distinct([2, 3])], attrs: { dim: 1, k: 0, largest: true } },
      { title: "no lines", inputs: [any(make, [0, 3])], attrs: { dim: 1, k: 2, largest: true } },
    ],
    check([x], [values, places], { dim, largest }) {
      takesFrom(x, values!, places!, dim);
      inOrder(values!, dim, largest);
    },
  },
};
