/**
 * Facts of the views.
 *
 * @module
 */

import {
  type Attrs,
  contiguousStrides,
  type Inputs,
  type Name,
  numelOf,
  type Shape,
  type ViewPrimitives,
} from "@flambeau/core";
import type { HostTensor } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import { tolerances } from "../tolerance.ts";
import { badIndex, badShape, badValue, type InfosOf, type OpInfo } from "./facts.ts";

type ViewName = keyof ViewPrimitives<unknown> & Name;

/** A view: the same bits, and a function from the place of an output element to the place of its input element. */
function view<P extends ViewName>(
  calls: readonly (readonly [title: string, shape: Shape, attrs: Attrs<P>])[],
  errors: OpInfo<P>["errors"],
  source: (index: readonly number[], x: HostTensor, attrs: Attrs<P>) => number,
): OpInfo<P> {
  return {
    samples: (make: Make) =>
      calls.map(([title, shape, attrs]) => ({
        title,
        inputs: [make.values(shape, -3, 3)] as unknown as Inputs<P, HostTensor>,
        attrs,
        smooth: numelOf(shape) > 0,
      })),
    tolerance: tolerances.exact,
    differentiable: [0],
    errors,
    check([x], [y], attrs) {
      const host = x as unknown as HostTensor;
      eachIndex(y!.shape, (index, i) => {
        const at = source(index, host, attrs);
        if (y!.data[i] !== host.data[at]) {
          throw new Error(`element [${index}] is ${y!.data[i]}, must be ${host.data[at]} from place ${at}`);
        }
      });
    },
  };
}

function eachIndex(shape: Shape, visit: (index: readonly number[], i: number) => void): void {
  for (let i = 0; i < numelOf(shape); i++) visit(unravel(i, shape), i);
}

function unravel(place: number, shape: Shape): number[] {
  const index = shape.map(() => 0);
  for (let d = shape.length - 1, rest = place; d >= 0; d--) {
    index[d] = rest % shape[d]!;
    rest = Math.floor(rest / shape[d]!);
  }
  return index;
}

/** The row-major place of an index in `shape`. */
function ravel(index: readonly number[], shape: Shape): number {
  const strides = contiguousStrides(shape);
  return index.reduce((sum, i, d) => sum + i * strides[d]!, 0);
}

const f2x3 = ["float32[2, 3]"];

/** Facts of the views. */
export const viewInfos: InfosOf<ViewPrimitives<unknown>> = {
  alias: view(
    [["matrix", [2, 3], null], ["rank 0", [], null], ["no elements", [2, 0], null]],
    [],
    (index, x) => ravel(index, x.shape),
  ),

  view: view(
    [
      ["joins dimensions", [2, 3], { shape: [6] }],
      ["splits a dimension", [6], { shape: [2, 1, 3] }],
      ["regroups", [2, 6], { shape: [4, 3] }],
      ["drops sizes 1", [1, 4, 1], { shape: [4] }],
      ["to rank 0", [1, 1], { shape: [] }],
      ["from rank 0", [], { shape: [1, 1] }],
      ["no elements", [2, 0, 3], { shape: [0, 5] }],
    ],
    [
      badShape(f2x3, { shape: [7] }, "got 6 and 7"),
      badShape(f2x3, { shape: [] }, "got 6 and 1"),
      badValue(f2x3, { shape: [-1, 6] }, "got -1"),
    ],
    // the place of an element stays: its index in the output's shape is that in the input's
    (index, _, { shape }) => ravel(index, shape),
  ),

  permute: view(
    [
      ["transpose", [2, 3], { dims: [1, 0] }],
      ["rotates", [2, 3, 4], { dims: [2, 0, 1] }],
      ["identity", [2, 3], { dims: [0, 1] }],
      ["rank 0", [], { dims: [] }],
      ["no elements", [0, 3], { dims: [1, 0] }],
    ],
    [
      badShape(f2x3, { dims: [0, 0] }, "got [0, 0]"),
      badShape(f2x3, { dims: [0] }, "got [0]"),
      badShape(f2x3, { dims: [0, 2] }, "got [0, 2]"),
    ],
    (index, x, { dims }) => ravel(x.shape.map((_, d) => index[dims.indexOf(d)]!), x.shape),
  ),

  expand: view(
    [
      ["repeats rows", [1, 3], { shape: [2, 3] }],
      ["repeats columns", [2, 1], { shape: [2, 3] }],
      ["new dimensions", [3], { shape: [2, 1, 3] }],
      ["from rank 0", [], { shape: [2, 2] }],
      ["to no elements", [1, 3], { shape: [0, 3] }],
      ["of no elements", [0, 3], { shape: [2, 0, 3] }],
      ["nothing to do", [2, 3], { shape: [2, 3] }],
    ],
    [
      badShape(f2x3, { shape: [2, 4] }, "got 4 for 3"),
      badShape(f2x3, { shape: [3] }, "got 1"),
      badValue(f2x3, { shape: [-1, 2, 3] }, "got -1"),
    ],
    (index, x) => {
      const tail = index.slice(index.length - x.shape.length);
      return ravel(tail.map((i, d) => x.shape[d] === 1 ? 0 : i), x.shape);
    },
  ),

  slice: view(
    [
      ["a range", [5], { starts: [1], stops: [4], steps: [1] }],
      ["with a step", [7], { starts: [1], stops: [7], steps: [3] }],
      ["of several dimensions", [3, 4], { starts: [1, 0], stops: [3, 4], steps: [1, 2] }],
      ["nothing", [4], { starts: [3], stops: [1], steps: [1] }],
      ["all", [2, 3], { starts: [0, 0], stops: [2, 3], steps: [1, 1] }],
      ["rank 0", [], { starts: [], stops: [], steps: [] }],
      ["no elements", [2, 0], { starts: [1, 0], stops: [2, 0], steps: [1, 1] }],
    ],
    [
      badShape(f2x3, { starts: [0], stops: [2], steps: [1] }, "got 1, 1 and 1"),
      badIndex(f2x3, { starts: [0, 0], stops: [2, 4], steps: [1, 1] }, "got 0 and 4"),
      badIndex(f2x3, { starts: [-1, 0], stops: [2, 3], steps: [1, 1] }, "got -1 and 2"),
      badValue(f2x3, { starts: [0, 0], stops: [2, 3], steps: [0, 1] }, "got 0"),
    ],
    (index, x, { starts, steps }) => ravel(index.map((i, d) => starts[d]! + i * steps[d]!), x.shape),
  ),

  diagonal: view(
    [
      ["main", [3, 3], { offset: 0, dim1: 0, dim2: 1 }],
      ["above", [3, 4], { offset: 2, dim1: 0, dim2: 1 }],
      ["below", [4, 3], { offset: -1, dim1: 0, dim2: 1 }],
      ["of swapped dimensions", [2, 4], { offset: 1, dim1: 1, dim2: 0 }],
      ["of a batch", [2, 3, 2], { offset: 0, dim1: 0, dim2: 2 }],
      ["beyond the matrix", [2, 3], { offset: 4, dim1: 0, dim2: 1 }],
      ["no elements", [0, 3], { offset: 0, dim1: 0, dim2: 1 }],
    ],
    [
      badIndex(f2x3, { offset: 0, dim1: 0, dim2: 2 }, "dimensions 0 and 2"),
      badValue(f2x3, { offset: 0, dim1: 1, dim2: 1 }, "got 1 and 1"),
      badIndex(["float32[]"], { offset: 0, dim1: 0, dim2: 0 }, "dimensions 0 and 0"),
    ],
    (index, x, { offset, dim1, dim2 }) => {
      const i = index[index.length - 1]!;
      const rest = index.slice(0, -1);
      const full = x.shape.map((_, d) =>
        d === dim1 ? i + Math.max(-offset, 0) : d === dim2 ? i + Math.max(offset, 0) : rest.shift()!
      );
      return ravel(full, x.shape);
    },
  ),

  asStrided: {
    ...view<"asStrided">(
      [
        ["windows that overlap", [6], { shape: [4, 3], strides: [1, 1], offset: 0 }],
        ["a transpose from an offset", [3, 3], { shape: [2, 3], strides: [1, 3], offset: 1 }],
        ["a repeated element", [4], { shape: [3], strides: [0], offset: 2 }],
        ["rank 0", [2, 3], { shape: [], strides: [], offset: 4 }],
        ["no elements", [2, 3], { shape: [0, 2], strides: [2, 1], offset: 0 }],
      ],
      [
        badShape(f2x3, { shape: [2, 2], strides: [1], offset: 0 }, "got [1]"),
        badValue(f2x3, { shape: [2], strides: [-1], offset: 1 }, "got [-1] and 1"),
        badValue(f2x3, { shape: [-2], strides: [1], offset: 0 }, "got -2"),
      ],
      (index, _, { strides, offset }) => index.reduce((sum, i, d) => sum + i * strides[d]!, offset),
    ),
    anyLayout: false,
  },
};
