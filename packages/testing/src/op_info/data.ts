/**
 * Facts of the primitives that move, choose or make elements.
 *
 * @module
 */

import {
  type Attrs,
  bool,
  type DataPrimitives,
  type DType,
  dtypes,
  int32,
  int64,
  numelOf,
  type RandomAttrs,
  type ScatterReduce,
  type Shape,
} from "@flambeau/core";
import { type Element, elementOf, elementsOf, type HostTensor, numbersOf } from "../host_tensor.ts";
import { integerLimits, type Make } from "../make.ts";
import { tolerances } from "../tolerance.ts";
import {
  badDType,
  badIndex,
  badShape,
  badValue,
  type InfosOf,
  type RefusalOf,
  type Sample,
} from "./facts.ts";

const { exact, rounded, accumulated, cancelling } = tolerances;
const f2x3 = "float32[2, 3]";

/** How values may be combined in a dtype: bool only replaces. */
function reduces(dtype: DType): readonly ScatterReduce[] {
  return dtype === bool ? ["set"] : ["set", "sum", "prod", "amax", "amin"];
}

/**
 * Values for combining: all different and not 0, so that extremes are clear and products are smooth.
 *
 * @param part Another fraction for another operand, so that the two have no value in common.
 */
function pieces(make: Make, shape: Shape, part: number = 0.125): HostTensor {
  if (make.dtype.kind !== "float") return make.values(shape, -3, 4);
  const x = make.distinct(shape, 0.25);
  return make.of(elementsOf(x).map((value) => Number(value) + part), shape);
}

/** A shape's worth of places that do not repeat along `dim`. */
function differentPlaces(make: Make, shape: Shape, size: number): HostTensor {
  return make.of(
    Array.from({ length: numelOf(shape) }, (_, i) => (5 * i + 2) % size),
    shape,
    int32,
  );
}

/** What a random primitive gives: numbers on [low, high) that are not all one, the same for the same key and counter. */
function checkRange(
  outputs: readonly HostTensor[],
  low: number,
  high: number,
  { shape }: Pick<RandomAttrs, "shape">,
): void {
  const values = numbersOf(outputs[0]!);
  const outside = values.find((value) => !(value >= low && value < high));
  if (outside !== undefined) throw new Error(`${outside} is not on [${low}, ${high})`);
  if (numelOf(shape) > 16 && new Set(values).size < 2) throw new Error(`all are ${values[0]}`);
}

const randomShapes:
  readonly (readonly [title: string, shape: Shape, key: readonly [number, number], counter: number])[] = [
    ["matrix", [2, 3], [1, 2], 0],
    ["rank 0", [], [7, 0], 5],
    ["odd length", [37], [0xffffffff, 0x80000000], 1],
    ["late counter", [9], [3, 4], 2 ** 40],
    ["many", [30, 35], [11, 12], 0],
    ["no elements", [0, 3], [1, 2], 0],
  ];

function randomRefusals<A>(complete: (attrs: RandomAttrs) => A, dtype: DType, wrong: DType): RefusalOf<A>[] {
  const base: RandomAttrs = { shape: [2], dtype, key: [1, 2], counter: 0 };
  return [
    badValue([], complete({ ...base, shape: [-1] }), "got -1"),
    badValue([], complete({ ...base, key: [-1, 0] }), "got [-1, 0]"),
    badValue([], complete({ ...base, counter: 0.5 }), "got 0.5"),
    badDType([], complete({ ...base, dtype: wrong }), `got ${wrong.name}`),
  ];
}

/** A float dtype for the attributes of refusals. */
const float = dtypes[8]!;

/** Facts of the data primitives. */
export const dataInfos: InfosOf<DataPrimitives<unknown>> = {
  copy: {
    tolerance: exact,
    differentiable: [0],
    errors: [],
    samples: (make) => [
      { title: "matrix", inputs: [make.values([2, 3])], attrs: null, smooth: true },
      { title: "rank 0", inputs: [make.values([])], attrs: null, smooth: true },
      { title: "four dimensions", inputs: [make.values([2, 3, 4, 5])], attrs: null },
      { title: "odd length", inputs: [make.values([37])], attrs: null },
      { title: "no elements", inputs: [make.values([2, 0])], attrs: null },
      { title: "edges", inputs: [make.of(make.edges())], attrs: null, edge: true },
    ],
  },

  cast: {
    tolerance: exact,
    differentiable: [0],
    errors: [],
    samples: (make) =>
      dtypes.flatMap((dtype): Sample<"cast">[] => [
        {
          title: `to ${dtype.name}`,
          inputs: [make.values([2, 3], dtype.isSigned ? -5 : 0, 5)],
          attrs: { dtype },
          smooth: dtype.kind === "float" && dtype.itemsize === 8, // others round: finite differences see steps
        },
        { title: `rank 0 to ${dtype.name}`, inputs: [make.values([], 0, 5)], attrs: { dtype } },
        { title: `odd length to ${dtype.name}`, inputs: [make.values([37], 0, 100)], attrs: { dtype } },
        { title: `no elements to ${dtype.name}`, inputs: [make.values([0, 2])], attrs: { dtype } },
        {
          title: `edges to ${dtype.name}`,
          inputs: [make.of(castable(make, dtype))],
          attrs: { dtype },
          edge: true,
        },
      ]),
  },

  where: {
    tolerance: exact,
    differentiable: [1, 2],
    errors: [
      badDType(["float32[2]", "float32[2]", "float32[2]"], null, "got float32"),
      badShape(["bool[2]", "float32[2]", "float32[3]"], null, "got 2 and 3 at dimension 0"),
      badShape(["bool[4]", "float32[3]", "float32[3]"], null, "at dimension 0"),
    ],
    samples: (make) => [
      {
        title: "matrices",
        inputs: [make.truths([2, 3]), make.values([2, 3]), make.values([2, 3])],
        attrs: null,
        smooth: true,
      },
      {
        title: "all broadcast",
        inputs: [make.truths([2, 1]), make.values([3]), make.values([])],
        attrs: null,
        smooth: true,
      },
      {
        title: "rank 0",
        inputs: [make.of([1], [], bool), make.values([]), make.values([])],
        attrs: null,
        smooth: true,
      },
      { title: "odd length", inputs: [make.truths([37]), make.values([37]), make.values([37])], attrs: null },
      {
        title: "no elements",
        inputs: [make.truths([0, 1]), make.values([3]), make.values([1, 3])],
        attrs: null,
      },
      {
        title: "edges that are not chosen",
        inputs: [make.of([1, 0], [2, 1], bool), make.of(make.edges()), make.of([...make.edges()].reverse())],
        attrs: null,
        edge: true,
      },
    ],
  },

  concat: {
    tolerance: exact,
    differentiable: [0, 1, 2],
    errors: [
      badValue([], { dim: 0 }, "got none"),
      badShape([f2x3, "float32[3, 3]"], { dim: 1 }, "got [2, 3] and [3, 3]"),
      badShape([f2x3, "float32[3]"], { dim: 0 }, "got [2, 3] and [3]"),
      badIndex([f2x3, f2x3], { dim: 2 }, "got 2"),
      badIndex(["float32[]", "float32[]"], { dim: 0 }, "got 0"),
    ],
    samples: (make) => [
      { title: "rows", inputs: [make.values([1, 3]), make.values([2, 3])], attrs: { dim: 0 }, smooth: true },
      {
        title: "columns of three",
        inputs: [make.values([2, 1]), make.values([2, 3]), make.values([2, 2])],
        attrs: { dim: 1 },
        smooth: true,
      },
      { title: "middle", inputs: [make.values([2, 1, 3]), make.values([2, 4, 3])], attrs: { dim: 1 } },
      { title: "one", inputs: [make.values([2, 3])], attrs: { dim: 1 }, smooth: true },
      {
        title: "an empty one between",
        inputs: [make.values([2, 2]), make.values([2, 0]), make.values([2, 1])],
        attrs: { dim: 1 },
        smooth: true,
      },
      { title: "no elements", inputs: [make.values([0, 2]), make.values([0, 1])], attrs: { dim: 1 } },
    ],
  },

  pad: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badShape([f2x3], { low: [0], high: [0, 0], value: 0 }, "got low [0] and high [0, 0]"),
      badShape([f2x3], { low: [0, 0.5], high: [0, 0], value: 0 }, "got low [0, 0.5]"),
      badShape([f2x3], { low: [0, -2], high: [0, -2], value: 0 }, "got low [0, -2]"),
      badShape([f2x3], { low: [0, -4], high: [0, 4], value: 0 }, "got low [0, -4]"),
    ],
    samples: (make) => [
      {
        title: "around",
        inputs: [make.values([2, 3])],
        attrs: { low: [1, 0], high: [2, 1], value: 1 },
        smooth: true,
      },
      {
        title: "cuts",
        inputs: [make.values([3, 4])],
        attrs: { low: [-1, 0], high: [0, -2], value: 0 },
        smooth: true,
      },
      {
        title: "cuts and pads",
        inputs: [make.values([3, 4])],
        attrs: { low: [-1, 2], high: [1, -1], value: 5 },
        smooth: true,
      },
      { title: "cuts all", inputs: [make.values([3])], attrs: { low: [-1], high: [-2], value: 0 } },
      { title: "cuts all and pads", inputs: [make.values([3])], attrs: { low: [-3], high: [2], value: 1 } },
      { title: "rank 0", inputs: [make.values([])], attrs: { low: [], high: [], value: 0 }, smooth: true },
      { title: "no elements", inputs: [make.values([0, 2])], attrs: { low: [1, 0], high: [1, 0], value: 3 } },
      {
        title: "nothing to do",
        inputs: [make.values([2, 2])],
        attrs: { low: [0, 0], high: [0, 0], value: 9 },
        smooth: true,
      },
      {
        title: "images",
        inputs: [make.values([2, 1, 3, 5])],
        attrs: { low: [0, 0, 1, 2], high: [0, 0, 1, 2], value: 0 },
      },
    ],
  },

  flip: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badIndex([f2x3], { dims: [0, 2] }, "got 2"),
      badIndex([f2x3], { dims: [1, 0] }, "got [1, 0]"),
    ],
    samples: (make) => [
      { title: "rows", inputs: [make.values([2, 3])], attrs: { dims: [1] }, smooth: true },
      { title: "both", inputs: [make.values([2, 3])], attrs: { dims: [0, 1] }, smooth: true },
      { title: "outer and inner", inputs: [make.values([2, 3, 4])], attrs: { dims: [0, 2] } },
      { title: "none", inputs: [make.values([2, 3])], attrs: { dims: [] }, smooth: true },
      { title: "odd length", inputs: [make.values([37])], attrs: { dims: [0] } },
      { title: "rank 0", inputs: [make.values([])], attrs: { dims: [] }, smooth: true },
      { title: "no elements", inputs: [make.values([2, 0])], attrs: { dims: [0, 1] } },
    ],
  },

  indexSelect: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badDType([f2x3, "float32[2]"], { dim: 0 }, "got float32"),
      badShape([f2x3, "int32[1, 2]"], { dim: 0 }, "got rank 2"),
      badShape([f2x3, "int32[]"], { dim: 0 }, "got rank 0"),
      badIndex([f2x3, "int32[2]"], { dim: 2 }, "got 2"),
      badIndex(["float32[]", "int32[1]"], { dim: 0 }, "got 0"),
    ],
    samples: (make) => [
      {
        title: "rows, with repeats",
        inputs: [make.values([3, 2]), make.of([2, 0, 2, 2], [4], int32)],
        attrs: { dim: 0 },
        smooth: true,
      },
      {
        title: "columns by int64",
        inputs: [make.values([2, 3]), make.of([1, 0], [2], int64)],
        attrs: { dim: 1 },
        smooth: true,
      },
      { title: "middle", inputs: [make.values([2, 5, 3]), make.places([7], 5)], attrs: { dim: 1 } },
      { title: "nothing", inputs: [make.values([2, 3]), make.of([], [0], int32)], attrs: { dim: 0 } },
      {
        title: "no other elements",
        inputs: [make.values([3, 0]), make.of([1, 2], [2], int32)],
        attrs: { dim: 0 },
      },
    ],
  },

  indexReduce: {
    tolerance: accumulated,
    differentiable: [0, 2],
    errors: [
      badShape([f2x3, "int32[2]", "float32[3, 3]"], { dim: 0, reduce: "sum" }, "got [3, 3]"),
      badDType([f2x3, "float32[2]", f2x3], { dim: 0, reduce: "set" }, "got float32"),
      badDType(["bool[2]", "int32[2]", "bool[2]"], { dim: 0, reduce: "sum" }, "got bool"),
      badShape([f2x3, "int32[2, 1]", f2x3], { dim: 0, reduce: "set" }, "got rank 2"),
      badIndex([f2x3, "int32[2]", f2x3], { dim: 2, reduce: "set" }, "got 2"),
    ],
    samples: (make) =>
      reduces(make.dtype).flatMap((reduce): Sample<"indexReduce">[] => [
        {
          title: `${reduce} rows`,
          inputs: [pieces(make, [3, 2]), make.of([2, 0], [2], int32), pieces(make, [2, 2], 0.1875)],
          attrs: { dim: 0, reduce },
          smooth: true,
        },
        {
          title: `${reduce} columns by int64`,
          inputs: [make.values([2, 4], 0.5, 1.5), make.of([1], [1], int64), make.values([2, 1], 2, 3)],
          attrs: { dim: 1, reduce },
          smooth: true,
        },
        {
          title: `${reduce} repeats`,
          inputs: [make.values([2, 2], 0.5, 1), make.of([1, 1, 0, 1], [4], int32), pieces(make, [4, 2])],
          attrs: { dim: 0, reduce },
          smooth: reduce === "sum" || reduce === "prod",
        },
        {
          title: `${reduce} zeros`,
          inputs: [make.of([0, 1, 2], [3]), make.of([0, 1, 1], [3], int32), make.of([3, 0, 0], [3])],
          attrs: { dim: 0, reduce },
          smooth: reduce === "sum" || reduce === "prod",
        },
        {
          title: `${reduce} nothing`,
          inputs: [make.values([2, 3]), make.of([], [0], int32), make.values([0, 3])],
          attrs: { dim: 0, reduce },
          smooth: true,
        },
      ]),
  },

  gather: {
    tolerance: exact,
    differentiable: [0],
    errors: [
      badDType([f2x3, "float32[2, 3]"], { dim: 0 }, "got float32"),
      badShape([f2x3, "int32[2]"], { dim: 0 }, "got [2]"),
      badShape([f2x3, "int32[3, 3]"], { dim: 1 }, "got [3, 3]"),
      badIndex([f2x3, "int32[2, 3]"], { dim: 2 }, "got 2"),
    ],
    samples: (make) => [
      {
        title: "rows, with repeats",
        inputs: [make.values([2, 3]), make.of([2, 2, 0, 1, 1, 1], [2, 3], int32)],
        attrs: { dim: 1 },
        smooth: true,
      },
      {
        title: "fewer columns by int64",
        inputs: [make.values([3, 3]), make.places([2, 2], 3, int64)],
        attrs: { dim: 0 },
        smooth: true,
      },
      {
        title: "more than there are",
        inputs: [make.values([2, 2]), make.places([2, 5], 2)],
        attrs: { dim: 1 },
        smooth: true,
      },
      { title: "middle", inputs: [make.values([2, 5, 3]), make.places([2, 4, 3], 5)], attrs: { dim: 1 } },
      { title: "nothing", inputs: [make.values([2, 3]), make.of([], [0, 3], int32)], attrs: { dim: 1 } },
      {
        title: "nothing from nothing",
        inputs: [make.values([0, 3]), make.of([], [0, 3], int32)],
        attrs: { dim: 0 },
      },
    ],
  },

  scatter: {
    tolerance: accumulated,
    differentiable: [0, 2],
    errors: [
      badDType([f2x3, "float32[2, 3]", f2x3], { dim: 0, reduce: "set" }, "got float32"),
      badDType(["bool[2]", "int32[2]", "bool[2]"], { dim: 0, reduce: "prod" }, "got bool"),
      badShape([f2x3, "int32[3, 3]", "float32[3, 3]"], { dim: 1, reduce: "set" }, "got [3, 3]"),
      badShape([f2x3, "int32[2, 3]", "float32[2, 2]"], { dim: 1, reduce: "set" }, "got [2, 3]"),
      badShape([f2x3, "int32[2]", "float32[2]"], { dim: 1, reduce: "set" }, "got [2]"),
      badIndex([f2x3, "int32[2, 3]", f2x3], { dim: -1, reduce: "set" }, "got -1"),
    ],
    samples: (make) =>
      reduces(make.dtype).flatMap((reduce): Sample<"scatter">[] => [
        {
          title: `${reduce} into rows`,
          inputs: [pieces(make, [2, 4]), make.of([1, 3, 0, 2], [2, 2], int32), pieces(make, [2, 2], 0.1875)],
          attrs: { dim: 1, reduce },
          smooth: true,
        },
        {
          title: `${reduce} into columns by int64, of a larger source`,
          inputs: [
            make.values([3, 2], 0.5, 1.5),
            make.of([1, 2], [1, 2], int64),
            make.values([2, 3], 2, 3),
          ],
          attrs: { dim: 0, reduce },
          smooth: true,
        },
        {
          title: `${reduce} repeats`,
          inputs: [
            make.values([2, 2], 0.5, 1),
            make.of([0, 0, 1, 1, 1, 1], [2, 3], int32),
            pieces(make, [2, 3]),
          ],
          attrs: { dim: 1, reduce },
          smooth: reduce === "sum" || reduce === "prod",
        },
        {
          title: `${reduce} zeros`,
          inputs: [make.of([0, 1, 2], [3]), make.of([0, 1, 1], [3], int32), make.of([3, 0, 0], [3])],
          attrs: { dim: 0, reduce },
          smooth: reduce === "sum" || reduce === "prod",
        },
        {
          title: `${reduce} middle`,
          inputs: [pieces(make, [2, 5, 3]), differentPlaces(make, [2, 1, 3], 5), pieces(make, [2, 1, 3])],
          attrs: { dim: 1, reduce },
        },
        {
          title: `${reduce} nothing`,
          inputs: [make.values([2, 3]), make.of([], [0, 3], int32), make.values([0, 3])],
          attrs: { dim: 0, reduce },
          smooth: true,
        },
      ]),
  },

  nonzero: {
    tolerance: exact,
    differentiable: [],
    expand: null, // the count is that of these values
    errors: [
      badValue([f2x3], { count: 7 }, "got 7"),
      badValue([f2x3], { count: -1 }, "got -1"),
      badValue([f2x3], { count: 1.5 }, "got 1.5"),
    ],
    samples: (make) => [
      { title: "matrix", inputs: [make.of([0, 1, 2, 0, 0, 3], [2, 3])], attrs: { count: 3 } },
      { title: "all", inputs: [make.of([1, 1, 1, 1], [2, 1, 2])], attrs: { count: 4 } },
      { title: "none", inputs: [make.of([0, 0], [2])], attrs: { count: 0 } },
      { title: "rank 0", inputs: [make.of([1], [])], attrs: { count: 1 } },
      { title: "no elements", inputs: [make.of([], [0, 2])], attrs: { count: 0 } },
      {
        title: "edges",
        inputs: [make.of(make.edges())],
        attrs: { count: make.edges().filter((value) => value != 0).length },
        edge: true,
      },
    ],
  },

  searchsorted: {
    tolerance: exact,
    differentiable: [],
    expand: null, // a line of equal values is sorted, but each has lines of its own
    errors: [
      badShape(["float32[]", "float32[2]"], { right: false }, "got rank 0"),
      badShape(["float32[2, 3]", "float32[3, 4]"], { right: false }, "got [2, 3] and [3, 4]"),
    ],
    samples: (make) =>
      [false, true].flatMap((right): Sample<"searchsorted">[] => [
        {
          title: `one line, right ${right}`,
          inputs: [make.of([0, 1, 1, 3, 6]), make.of([1, 0, 7, 2, 6, 3], [2, 3])],
          attrs: { right },
        },
        {
          title: `lines, right ${right}`,
          inputs: [make.of([0, 2, 4, 1, 1, 5], [2, 3]), make.of([2, 9, 1, 1], [2, 2])],
          attrs: { right },
        },
        { title: `rank 0, right ${right}`, inputs: [make.of([1, 2, 3]), make.of([2], [])], attrs: { right } },
        {
          title: `an empty line, right ${right}`,
          inputs: [make.of([], [0]), make.of([2, 3])],
          attrs: { right },
        },
        { title: `no values, right ${right}`, inputs: [make.of([1, 2]), make.of([], [0])], attrs: { right } },
      ]),
    check([sorted, values], [places], { right }) {
      const size = sorted.shape[sorted.shape.length - 1]!;
      const perLine = sorted.shape.length === 1 ? Infinity : values.shape[values.shape.length - 1]!;
      elementsOf(values).forEach((value, i) => {
        const line = Number.isFinite(perLine) ? Math.floor(i / perLine) : 0;
        let want = 0;
        for (let k = 0; k < size; k++) {
          const at = elementOf(sorted, line * size + k);
          if (right ? at <= value : at < value) want++;
        }
        if (Number(places!.data[i]) !== want) {
          throw new Error(`${value}: got place ${places!.data[i]}, not ${want}`);
        }
      });
    },
  },

  full: {
    tolerance: exact,
    differentiable: [],
    errors: [
      badValue([], { shape: [-1], value: 0, dtype: float }, "got -1"),
      badValue([], { shape: [2, 1.5], value: 0, dtype: float }, "got 1.5"),
      badValue([], { shape: [2], value: 2 ** 31, dtype: int32 }, `got ${2 ** 31}`),
      badValue([], { shape: [2], value: NaN, dtype: int32 }, "got NaN"),
    ],
    samples: (make) => {
      const { dtype } = make;
      const values: [string, Attrs<"full">["value"]][] = [["zero", 0], ["one", 1], ["true", true], [
        "a fraction",
        2.75,
      ]];
      if (dtype.isSigned) values.push(["negative", -3]);
      if (dtype === int64) values.push(["beyond 2^53", 2n ** 60n + 1n], ["least", integerLimits(int64)[0]]);
      if (dtype.kind === "float") values.push(["infinite", -Infinity], ["NaN", NaN]);
      return [
        ...values.map(([title, value]): Sample<"full"> => ({
          title,
          inputs: [],
          attrs: { shape: [2, 3], value, dtype },
          edge: typeof value === "number" && !Number.isFinite(value),
        })),
        { title: "rank 0", inputs: [], attrs: { shape: [], value: 1, dtype } },
        { title: "odd length", inputs: [], attrs: { shape: [37], value: 1, dtype } },
        { title: "no elements", inputs: [], attrs: { shape: [2, 0], value: 1, dtype } },
      ];
    },
    check(_, [y], { value, dtype }) {
      const want: Element = dtype === bool
        ? Number(Boolean(value))
        : dtype === int64
        ? BigInt(typeof value === "number" ? Math.trunc(value) : value)
        : dtype.kind === "int"
        ? Math.trunc(Number(value))
        : Number(value);
      const bad = elementsOf(y!).find((got) => !Object.is(got, want));
      if (bad !== undefined) throw new Error(`got ${bad}, not ${want}`);
    },
  },

  iota: {
    tolerance: exact,
    differentiable: [],
    errors: [
      badValue([], { start: 0, step: 1, size: -1, dtype: float }, "got -1"),
      badValue([], { start: NaN, step: 1, size: 2, dtype: float }, "got NaN and 1"),
      badValue([], { start: 0, step: Infinity, size: 2, dtype: float }, "got 0 and Infinity"),
      badDType([], { start: 0, step: 1, size: 2, dtype: bool }, "got bool"),
    ],
    samples: ({ dtype }) => [
      { title: "counts", inputs: [], attrs: { start: 0, step: 1, size: 7, dtype } },
      { title: "steps", inputs: [], attrs: { start: 3, step: 2, size: 5, dtype } },
      { title: "odd length", inputs: [], attrs: { start: 1, step: 3, size: 37, dtype } },
      { title: "one", inputs: [], attrs: { start: 5, step: 0, size: 1, dtype } },
      { title: "no elements", inputs: [], attrs: { start: 0, step: 1, size: 0, dtype } },
      ...(dtype.isSigned
        ? [{ title: "down", inputs: [] as const, attrs: { start: 4, step: -3, size: 5, dtype } }]
        : []),
      ...(dtype.kind === "float"
        ? [{ title: "fractions", inputs: [] as const, attrs: { start: -0.3, step: 0.1, size: 9, dtype } }]
        : []),
    ],
    check(_, [y], { start, step, dtype }) {
      if (dtype.itemsize === 2 && dtype.kind === "float") return; // rounding is checked against the reference
      elementsOf(y!).forEach((got, i) => {
        const exactly = start + i * step;
        const want = dtype.itemsize === 4 && dtype.kind === "float" ? Math.fround(exactly) : exactly;
        if (Number(got) !== want) throw new Error(`element ${i} is ${got}, not ${want}`);
      });
    },
  },

  randomUniform: {
    tolerance: exact,
    differentiable: [],
    errors: randomRefusals((attrs) => attrs, float, int32),
    samples: ({ dtype }) =>
      randomShapes.map(([title, shape, key, counter]) => ({
        title,
        inputs: [],
        attrs: { shape, dtype, key, counter },
      })),
    check: (_, outputs, attrs) => checkRange(outputs, 0, 1, attrs),
  },

  randomNormal: {
    tolerance: cancelling,
    differentiable: [],
    errors: randomRefusals((attrs) => attrs, float, int32),
    samples: ({ dtype }) =>
      randomShapes.map(([title, shape, key, counter]) => ({
        title,
        inputs: [],
        attrs: { shape, dtype, key, counter },
      })),
    check(_, [y]) {
      const values = numbersOf(y!);
      if (values.length < 1000) return;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      // Five standard deviations of the mean and of the variance.
      if (Math.abs(mean) > 5 / Math.sqrt(values.length)) throw new Error(`the mean is ${mean}`);
      if (Math.abs(variance - 1) > 5 * Math.sqrt(2 / values.length)) {
        throw new Error(`the variance is ${variance}`);
      }
    },
  },

  randomInt: {
    tolerance: rounded,
    differentiable: [],
    errors: [
      ...randomRefusals((attrs) => ({ ...attrs, low: 0, high: 5 }), int32, bool),
      badValue([], { shape: [2], dtype: int32, key: [1, 2], counter: 0, low: 5, high: 5 }, "got 5 and 5"),
      badValue(
        [],
        { shape: [2], dtype: int32, key: [1, 2], counter: 0, low: 0, high: 2 ** 40 },
        `${2 ** 40}`,
      ),
      badValue([], { shape: [2], dtype: int32, key: [1, 2], counter: 0, low: 0.5, high: 3 }, "got 0.5 and 3"),
    ],
    samples: ({ dtype }) => [
      ...randomShapes.map(([title, shape, key, counter]): Sample<"randomInt"> => ({
        title,
        inputs: [],
        attrs: { shape, dtype, key, counter, low: 0, high: 7 },
      })),
      ...(dtype.isSigned
        ? [{
          title: "negative",
          inputs: [] as const,
          attrs: { shape: [20], dtype, key: [5, 6] as const, counter: 3, low: -9, high: -2 },
        }]
        : []),
      ...(dtype === int64
        ? [{
          title: "a span over 2^32",
          inputs: [] as const,
          attrs: { shape: [20], dtype, key: [5, 6] as const, counter: 3, low: -(2 ** 50), high: 2 ** 50 },
        }]
        : []),
    ],
    check: (_, outputs, attrs) => checkRange(outputs, attrs.low, attrs.high, attrs),
  },
};

/** Edge values that the target holds, or whose conversion is defined: fractions are cut, floats overflow to infinity. */
function castable(make: Make, to: DType): Element[] {
  if (to.kind !== "int" || make.dtype.kind !== "float") return make.edges();
  const [least, largest] = integerLimits(to);
  return make.edges().filter((value) => {
    const number = Number(value);
    return Number.isFinite(number) && number > Number(least) - 1 && number < Number(largest) + 1;
  });
}
