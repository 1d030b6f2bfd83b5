import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IndexError, ShapeError, ValueError } from "./errors.ts";
import { contiguousStrides, numelOf, type Shape } from "./shape.ts";
import { type Layout, viewLayouts } from "./views.ts";

/** Where element `index` of a layout lies. */
function at({ strides, offset }: Layout, index: Shape): number {
  return index.reduce((place, i, dim) => place + i * strides[dim]!, offset);
}

/** All indices of a shape, in row-major order. */
function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

/** Checks that element `index` of `y` is element `from(index)` of `x`, for all of them. */
function expectSame(y: Layout, x: Layout, from: (index: number[]) => number[]): void {
  const got = indicesOf(y.shape).map((index) => at(y, index));
  expect(got).toEqual(indicesOf(y.shape).map((index) => at(x, from(index))));
}

function contiguous(shape: Shape): Layout {
  return { shape, strides: contiguousStrides(shape), offset: 0 };
}

/** Layouts of some rank with any strides. */
function layouts(minLength: number): fc.Arbitrary<Layout> {
  const dim = fc.record({ size: fc.integer({ min: 0, max: 4 }), stride: fc.nat(20) });
  return fc.record({ dims: fc.array(dim, { minLength, maxLength: 4 }), offset: fc.nat(9) }).map(
    ({ dims, offset }) => ({
      shape: dims.map(({ size }) => size),
      strides: dims.map(({ stride }) => stride),
      offset,
    }),
  );
}

const x = contiguous([2, 3, 4]);

describe("viewLayouts: elements", () => {
  test("alias: the same", () => {
    expect(viewLayouts.alias(x, null)).toBe(x);
  });

  test("view: the same order", () => {
    const permuted = { shape: [2, 4, 3], strides: [12, 1, 4], offset: 5 };
    const y = viewLayouts.view(permuted, { shape: [1, 2, 2, 2, 3] });
    expectSame(y, permuted, ([, a, b, c, d]) => [a!, b! * 2 + c!, d!]);
    expect(y).toEqual({ shape: [1, 2, 2, 2, 3], strides: [24, 12, 2, 1, 4], offset: 5 });
  });

  test("permute: dimension i is dimension dims[i]", () => {
    fc.assert(fc.property(layouts(0), fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), (layout, keys) => {
      const dims = layout.shape.map((_, i) => i).sort((a, b) => keys[a]! - keys[b]!);
      const y = viewLayouts.permute(layout, { dims });
      expect(y.shape).toEqual(dims.map((dim) => layout.shape[dim]));
      expectSame(y, layout, (index) => layout.shape.map((_, dim) => index[dims.indexOf(dim)]!));
    }));
  });

  test("expand: sizes 1 repeat, new dimensions stand in front", () => {
    fc.assert(fc.property(
      layouts(0),
      fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
      fc.integer({ min: 0, max: 3 }),
      (layout, front, size) => {
        const shape = [...front, ...layout.shape.map((old) => old === 1 ? size : old)];
        const y = viewLayouts.expand(layout, { shape });
        expect(y.shape).toEqual(shape);
        expectSame(
          y,
          layout,
          (index) => index.slice(front.length).map((i, dim) => layout.shape[dim] === 1 ? 0 : i),
        );
      },
    ));
  });

  test("slice: from start by step, before stop", () => {
    const range = fc.tuple(fc.nat(4), fc.nat(4), fc.integer({ min: 1, max: 3 }));
    fc.assert(fc.property(layouts(0), fc.array(range, { minLength: 4, maxLength: 4 }), (layout, ranges) => {
      const starts = layout.shape.map((size, dim) => Math.min(size, ranges[dim]![0]));
      const stops = layout.shape.map((size, dim) => Math.min(size, ranges[dim]![1]));
      const steps = layout.shape.map((_, dim) => ranges[dim]![2]);
      const y = viewLayouts.slice(layout, { starts, stops, steps });
      const kept = layout.shape.map((size, dim) =>
        Array.from({ length: size }, (_, i) => i).filter((i) =>
          i >= starts[dim]! && i < stops[dim]! && (i - starts[dim]!) % steps[dim]! === 0
        )
      );
      expect(y.shape).toEqual(kept.map(({ length }) => length));
      expectSame(y, layout, (index) => index.map((i, dim) => kept[dim]![i]!));
    }));
  });

  test("diagonal: elements [i, i + offset] of two dimensions, at the end", () => {
    fc.assert(
      fc.property(layouts(2), fc.nat(), fc.nat(), fc.integer({ min: -5, max: 5 }), (layout, a, b, offset) => {
        const rank = layout.shape.length;
        const dim1 = a % rank;
        const dim2 = (dim1 + 1 + b % (rank - 1)) % rank;
        const y = viewLayouts.diagonal(layout, { offset, dim1, dim2 });
        const length = Array.from({ length: layout.shape[dim1]! }, (_, i) => i + offset)
          .filter((j) => j >= 0 && j < layout.shape[dim2]!).length;
        expect(y.shape).toEqual([...layout.shape.filter((_, dim) => dim !== dim1 && dim !== dim2), length]);
        expectSame(y, layout, (index) => {
          const i = index.pop()!;
          return layout.shape.map((_, dim) => {
            if (dim === dim1) return i - Math.min(offset, 0);
            return dim === dim2 ? i + Math.max(offset, 0) : index.shift()!;
          });
        });
      }),
    );
  });

  test("asStrided: as told, whatever the input", () => {
    const attrs = { shape: [2, 2], strides: [1, 0], offset: 7 };
    expect(viewLayouts.asStrided(x, attrs)).toEqual(attrs);
  });
});

// Made by PyTorch 1.13.
test("viewLayouts: strides and offsets as PyTorch has them", () => {
  const layout = (shape: Shape, strides: Shape, offset: number): Layout => ({ shape, strides, offset });
  const sliced = viewLayouts.slice(x, { starts: [0, 0, 0], stops: [2, 1, 4], steps: [1, 1, 1] });
  const { expand, diagonal, slice, view } = viewLayouts;
  expect(expand(contiguous([3, 1]), { shape: [2, 3, 4] })).toEqual(layout([2, 3, 4], [0, 1, 0], 0));
  expect(expand(contiguous([3, 1]), { shape: [1, 1, 3, 1] })).toEqual(layout([1, 1, 3, 1], [3, 3, 1, 1], 0));
  expect(expand(sliced, { shape: [2, 5, 4] })).toEqual(layout([2, 5, 4], [12, 0, 1], 0));
  expect(diagonal(x, { offset: 1, dim1: 1, dim2: 2 })).toEqual(layout([2, 3], [12, 5], 1));
  expect(diagonal(x, { offset: -1, dim1: 2, dim2: 0 })).toEqual(layout([3, 2], [4, 13], 1));
  expect(diagonal(x, { offset: 9, dim1: 0, dim2: 1 })).toEqual(layout([4, 0], [1, 16], 0));
  expect(slice(x, { starts: [1, 0, 1], stops: [2, 3, 3], steps: [1, 2, 1] }))
    .toEqual(layout([1, 2, 2], [12, 8, 1], 13));
  expect(view(contiguous([]), { shape: [1, 1] })).toEqual(layout([1, 1], [1, 1], 0));
  expect(view(contiguous([0, 3]), { shape: [3, 0, 2] })).toEqual(layout([3, 0, 2], [2, 2, 1], 0));
});

describe("viewLayouts: errors", () => {
  const cases: [name: string, run: () => Layout, type: new (message: string) => Error, message: string][] = [
    [
      "view: another number of elements",
      () => viewLayouts.view(x, { shape: [5, 5] }),
      ShapeError,
      "Cannot view [2, 3, 4] as [5, 5]: the number of elements must match, got 24 and 25",
    ],
    [
      "view: strides that need a copy",
      () => viewLayouts.view({ shape: [2, 3], strides: [1, 2], offset: 0 }, { shape: [6] }),
      ShapeError,
      "Cannot view [2, 3] with strides [1, 2] as [6]: view size is not compatible with input tensor's size and " +
      "stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead",
    ],
    [
      "view: no shape",
      () => viewLayouts.view(x, { shape: [-1, 24] }),
      ValueError,
      "Cannot view as shape [-1, 24]: sizes must be integers >= 0, got -1",
    ],
    [
      "permute: too few dimensions",
      () => viewLayouts.permute(x, { dims: [1, 0] }),
      ShapeError,
      "Cannot permute [2, 3, 4] to dimensions [1, 0]: they must name each of 3 dimensions once, got [1, 0]",
    ],
    [
      "permute: a repeated dimension",
      () => viewLayouts.permute(x, { dims: [1, 0, 1] }),
      ShapeError,
      "they must name each of 3 dimensions once, got [1, 0, 1]",
    ],
    [
      "permute: a dimension out of range",
      () => viewLayouts.permute(x, { dims: [1, 0, 3] }),
      ShapeError,
      "they must name each of 3 dimensions once, got [1, 0, 3]",
    ],
    [
      "expand: a size that is not 1",
      () => viewLayouts.expand(x, { shape: [2, 2, 6, 4] }),
      ShapeError,
      "Cannot expand [2, 3, 4] to [2, 2, 6, 4]: sizes other than 1 must stay, got 6 for 3 at dimension 2",
    ],
    [
      "expand: a smaller rank",
      () => viewLayouts.expand(x, { shape: [3, 4] }),
      ShapeError,
      "Cannot expand [2, 3, 4] to [3, 4]: the rank must be at least 3, got 2",
    ],
    [
      "slice: missing entries",
      () => viewLayouts.slice(x, { starts: [0, 0], stops: [1, 1, 1], steps: [1, 1, 1] }),
      ShapeError,
      "Cannot slice [2, 3, 4]: starts, stops and steps must have 3 entries, got 2, 3 and 3",
    ],
    [
      "slice: a step of 0",
      () => viewLayouts.slice(x, { starts: [0, 0, 0], stops: [1, 1, 1], steps: [1, 0, 1] }),
      ValueError,
      "Cannot slice [2, 3, 4]: steps must be integers >= 1, got 0 at dimension 1",
    ],
    [
      "slice: a stop behind the end",
      () => viewLayouts.slice(x, { starts: [0, 0, 0], stops: [1, 4, 1], steps: [1, 1, 1] }),
      IndexError,
      "Cannot slice [2, 3, 4]: starts and stops must be integers from 0 to 3 at dimension 1, got 0 and 4",
    ],
    [
      "slice: a negative start",
      () => viewLayouts.slice(x, { starts: [-1, 0, 0], stops: [1, 1, 1], steps: [1, 1, 1] }),
      IndexError,
      "got -1 and 1",
    ],
    [
      "diagonal: a dimension out of range",
      () => viewLayouts.diagonal(x, { offset: 0, dim1: 0, dim2: 3 }),
      IndexError,
      "Cannot take the diagonal of [2, 3, 4]: dimensions must be integers from 0 to 2 and the offset an integer, " +
      "got dimensions 0 and 3 and offset 0",
    ],
    [
      "diagonal: one dimension twice",
      () => viewLayouts.diagonal(x, { offset: 0, dim1: 1, dim2: 1 }),
      ValueError,
      "diagonal dimensions must not be identical, got 1 and 1",
    ],
    [
      "asStrided: a stride for each size",
      () => viewLayouts.asStrided(x, { shape: [2, 2], strides: [1], offset: 0 }),
      ShapeError,
      "Cannot view as strided [2, 2]: strides must have 2 entries, got [1]",
    ],
    [
      "asStrided: a negative stride",
      () => viewLayouts.asStrided(x, { shape: [2], strides: [-1], offset: 1 }),
      ValueError,
      "Cannot view as strided [2]: strides and offset must be integers >= 0, got [-1] and 1",
    ],
  ];

  test.each(cases)("%s", (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });

  test("view: a tensor without elements can be viewed as any other", () => {
    const empty = { shape: [0, 4], strides: [9, 9], offset: 3 };
    expect(numelOf(viewLayouts.view(empty, { shape: [5, 0] }).shape)).toBe(0);
  });
});
