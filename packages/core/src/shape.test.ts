import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IndexError, ShapeError, ValueError } from "./errors.ts";
import { float32, int64 } from "./dtype.ts";
import {
  broadcastShapes,
  checkShape,
  contiguousStrides,
  formatShape,
  formatType,
  isContiguous,
  normalizeDim,
  normalizeDims,
  numelOf,
  reducedShape,
  type Shape,
  shapesEqual,
  tryBroadcast,
  viewStrides,
} from "./shape.ts";

/** Where the elements of a layout lie, in row-major order of its indices. */
function placesOf(shape: Shape, strides: Shape): number[] {
  let places = [0];
  shape.forEach((size, dim) => {
    places = places.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[dim]!));
  });
  return places;
}

const sizes = fc.integer({ min: 0, max: 4 });
const shapes = fc.array(sizes, { maxLength: 4 });

/** A shape with strides as views make them: a slice with steps of a permuted, partly expanded contiguous tensor. */
const layouts = fc.array(
  fc.record({
    size: sizes,
    step: fc.integer({ min: 1, max: 2 }),
    more: fc.integer({ min: 0, max: 1 }),
    expanded: fc.integer({ min: 0, max: 5 }),
    order: fc.integer(),
  }),
  { maxLength: 4 },
).map((dims) => {
  const base = contiguousStrides(dims.map(({ size, step, more }) => size * step + more));
  return dims
    .map(({ size, step, expanded, order }, i) => ({
      size,
      stride: expanded === 0 ? 0 : base[i]! * step,
      order,
    }))
    .sort((a, b) => a.order % 3 - b.order % 3);
}).map((dims) => ({ shape: dims.map(({ size }) => size), strides: dims.map(({ stride }) => stride) }));

/** All shapes with `numel` elements and few dimensions. */
function factorizations(numel: number, rank: number): number[][] {
  if (rank === 0) return numel === 1 ? [[]] : [];
  const divisors = Array.from({ length: numel }, (_, i) => i + 1).filter((d) => numel % d === 0);
  return divisors.flatMap((d) => factorizations(numel / d, rank - 1).map((rest) => [d, ...rest]));
}

/**
 * Strides that show `places` as `shape`, or null, found by looking: a dimension of size 2 or more fixes its stride by
 * where its second element lies, and then all elements must lie where these strides say.
 */
function stridesByLooking(places: readonly number[], shape: Shape): number[] | null {
  const steps = contiguousStrides(shape);
  const strides = shape.map((size, dim) => size > 1 ? places[steps[dim]!]! - places[0]! : 0);
  return shapesEqual(placesOf(shape, strides), places) ? strides : null;
}

describe("strides", () => {
  test("contiguousStrides: elements lie at 0, 1, 2, …", () => {
    fc.assert(fc.property(shapes, (shape) => {
      expect(placesOf(shape, contiguousStrides(shape))).toEqual(
        Array.from({ length: numelOf(shape) }, (_, i) => i),
      );
    }));
    expect(contiguousStrides([2, 0, 3])).toEqual([3, 3, 1]);
    expect(contiguousStrides([])).toEqual([]);
  });

  test("isContiguous: says whether elements lie at 0, 1, 2, …", () => {
    fc.assert(
      fc.property(layouts, ({ shape, strides }) => {
        expect(isContiguous(shape, strides)).toBe(placesOf(shape, strides).every((at, i) => at === i));
      }),
      { numRuns: 500 },
    );
    expect(isContiguous([1, 3], [99, 1])).toBe(true);
    expect(isContiguous([3, 2], [1, 3])).toBe(false);
    expect(isContiguous([3, 0], [7, 5])).toBe(true);
  });

  test("viewStrides: shows the same elements in the same order", () => {
    fc.assert(
      fc.property(layouts, fc.nat(), ({ shape, strides }, pick) => {
        const numel = numelOf(shape);
        if (numel === 0) return;
        const targets = [0, 1, 2, 3, 4].flatMap((rank) => factorizations(numel, rank));
        const target = targets[pick % targets.length]!;
        const got = viewStrides(shape, strides, target);
        if (got !== null) expect(placesOf(target, got)).toEqual(placesOf(shape, strides));
      }),
      { numRuns: 1000 },
    );
  });

  test("viewStrides: finds strides exactly when there are some", () => {
    let [found, refused] = [0, 0];
    fc.assert(
      fc.property(layouts, ({ shape, strides }) => {
        const numel = numelOf(shape);
        if (numel === 0) return;
        const places = placesOf(shape, strides);
        for (const target of [0, 1, 2, 3].flatMap((rank) => factorizations(numel, rank))) {
          const got = viewStrides(shape, strides, target);
          expect(got === null, `${shape} by ${strides} as ${target}`).toBe(
            stridesByLooking(places, target) === null,
          );
          if (got === null) refused++;
          else found++;
        }
      }),
      { numRuns: 500 },
    );
    expect(Math.min(found, refused)).toBeGreaterThan(100);
  });

  test("viewStrides: as PyTorch for scalars, ones and empty tensors", () => {
    expect(viewStrides([], [], [1, 1])).toEqual([1, 1]);
    expect(viewStrides([1, 1], [5, 7], [])).toEqual([]);
    expect(viewStrides([1, 4, 6], [6, 6, 1], [1, 2, 2, 3, 2])).toEqual([24, 12, 6, 2, 1]);
    expect(viewStrides([0, 3], [3, 1], [3, 0, 2])).toEqual([2, 2, 1]);
    expect(viewStrides([0, 3], [1, 7], [0, 3])).toEqual([1, 7]);
  });
});

describe("broadcasting", () => {
  /** By the definition: lined up at the right, missing sizes are 1. */
  function byDefinition(a: Shape, b: Shape): number[] | null {
    const rank = Math.max(a.length, b.length);
    const lined = [a, b].map((shape) => [...new Array<number>(rank - shape.length).fill(1), ...shape]);
    const pairs = lined[0]!.map((size, i) => [size, lined[1]![i]!] as const);
    if (pairs.some(([x, y]) => x !== y && x !== 1 && y !== 1)) return null;
    return pairs.map(([x, y]) => x === 1 ? y : x);
  }

  test("tryBroadcast: as defined, whichever comes first", () => {
    fc.assert(
      fc.property(shapes, shapes, (a, b) => {
        expect(tryBroadcast(a, b)).toEqual(byDefinition(a, b));
        expect(tryBroadcast(b, a)).toEqual(byDefinition(a, b));
      }),
      { numRuns: 1000 },
    );
  });

  test("tryBroadcast: is one of its arguments where it can be", () => {
    const [a, b] = [[2, 3], [3]];
    expect(tryBroadcast(a, [...a])).toBe(a);
    expect(tryBroadcast(a, b)).toBe(a);
    expect(tryBroadcast(b, a)).toBe(a);
    expect(tryBroadcast([], a)).toBe(a);
    expect(tryBroadcast(a, [])).toBe(a);
  });

  test("broadcastShapes: of several, and a message with the dimension", () => {
    expect(broadcastShapes("add")).toEqual([]);
    expect(broadcastShapes("add", [2, 1], [3], [1, 1, 1])).toEqual([1, 2, 3]);
    expect(() => broadcastShapes("add", [2, 3], [4, 1, 2])).toThrow(ShapeError);
    expect(() => broadcastShapes("add", [2, 3], [4, 1, 2])).toThrow(
      "Cannot add shapes [2, 3] and [4, 1, 2]: sizes must match or be 1, got 3 and 2 at dimension 2",
    );
  });
});

describe("dimension numbers", () => {
  test("normalizeDim: counts negative ones from the end", () => {
    for (let dim = -3; dim < 3; dim++) expect(normalizeDim("sum", dim, 3)).toBe((dim + 3) % 3);
    expect([normalizeDim("sum", 0, 0), normalizeDim("sum", -1, 0)]).toEqual([0, 0]);
    for (const dim of [3, -4, 0.5, NaN]) expect(() => normalizeDim("sum", dim, 3)).toThrow(IndexError);
    expect(() => normalizeDim("sum", 3, 3)).toThrow(
      "Cannot sum along dimension 3: it must be in the range [-3, 2] for a tensor of rank 3",
    );
  });

  test("normalizeDims: sorted, without repeats, none means all", () => {
    expect(normalizeDims("sum", [-1, 0], 3)).toEqual([0, 2]);
    expect(normalizeDims("sum", 1, 3)).toEqual([1]);
    expect(normalizeDims("sum", null, 3)).toEqual([0, 1, 2]);
    expect(normalizeDims("sum", [], 2)).toEqual([0, 1]);
    expect(normalizeDims("sum", 0, 0)).toEqual([]);
    expect(() => normalizeDims("sum", [1, -2], 3)).toThrow(ValueError);
    expect(() => normalizeDims("sum", [1, -2], 3)).toThrow("dim 1 appears multiple times");
  });

  test("reducedShape: drops dimensions or leaves 1", () => {
    expect(reducedShape([2, 3, 4], [0, 2], false)).toEqual([3]);
    expect(reducedShape([2, 3, 4], [0, 2], true)).toEqual([1, 3, 1]);
    expect(reducedShape([2, 3], [], false)).toEqual([2, 3]);
    expect(reducedShape([], [], true)).toEqual([]);
  });
});

describe("checks and words", () => {
  test("checkShape: refuses what is no shape", () => {
    checkShape("make", [0, 3]);
    for (const shape of [[-1], [1.5], [NaN], [2 ** 30, 2 ** 30]]) {
      expect(() => checkShape("make", shape)).toThrow(ValueError);
    }
    expect(() => checkShape("make", [2, -1])).toThrow(
      "Cannot make shape [2, -1]: sizes must be integers >= 0, got -1",
    );
  });

  test("shapesEqual, formatShape, formatType", () => {
    expect([shapesEqual([2], [2]), shapesEqual([2], [2, 1]), shapesEqual([2], [3])]).toEqual([
      true,
      false,
      false,
    ]);
    expect([formatShape([]), formatShape([2, 3])]).toEqual(["[]", "[2, 3]"]);
    expect(formatType({ dtype: float32, shape: [2, 3] })).toBe("float32[2, 3]");
    expect(formatType({ dtype: int64, shape: [] })).toBe("int64[]");
  });
});
