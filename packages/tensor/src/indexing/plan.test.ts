import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  bool,
  contiguousStrides,
  type DType,
  dtypeOf,
  float32,
  IndexError,
  int16,
  int32,
  numelOf,
  type Shape,
  uint8,
  ValueError,
  viewLayouts,
} from "@flambeau/core";
import { parseNested } from "../nested.ts";
import { advancedShape, type IndexItem, type IndexPlan, type IndexTensor, planIndex } from "./plan.ts";
import { slice } from "./slice.ts";

/** Stands for a tensor. */
class Box implements IndexTensor {
  constructor(readonly shape: Shape, readonly dtype: DType, readonly values: readonly number[]) {}
}

type FixtureItem =
  | number
  | string
  | boolean
  | null
  | FixtureItem[]
  | { slice: (number | null)[] }
  | { tensor: never; dtype: string; shape: number[] };

/** One index expression with what PyTorch gives for it, over elements that count from 0. */
interface IndexCase {
  readonly shape: number[];
  readonly items: FixtureItem[];
  readonly expect?: { shape: number[]; flat: number[]; view: boolean };
  readonly error?: { type: "IndexError" | "ValueError"; message: string };
}

const { cases } = JSON.parse(
  readFileSync(new URL("../testdata/indexing.json", import.meta.url), "utf8"),
) as { cases: IndexCase[] };

function decode(item: FixtureItem): IndexItem<Box> {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return item as IndexItem<Box>;
  if ("slice" in item) return slice(...item.slice as []);
  return new Box(item.shape, dtypeOf(item.dtype), Array.from(parseNested(item.tensor).values, Number));
}

const readIndex = (tensor: Box): number => tensor.values[0]!;

/** Calls `visit` with every index into `shape`, in row-major order. */
function eachIndex(shape: Shape, visit: (index: number[]) => void): void {
  const strides = contiguousStrides(shape);
  for (let i = 0; i < numelOf(shape); i++) visit(shape.map((size, d) => Math.floor(i / strides[d]!) % size));
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** Applies a plan to elements that count from 0, straight from the definition. */
function apply(input: Shape, plan: IndexPlan<Box>): { shape: Shape; flat: number[] } {
  let view = { shape: input, strides: contiguousStrides(input) as Shape, offset: 0 };
  for (const step of plan.steps) {
    view = step.name === "slice" ? viewLayouts.slice(view, step.attrs) : viewLayouts.view(view, step.attrs);
  }
  expect(view.shape).toEqual(plan.shape);
  const flat: number[] = [];
  if (plan.advanced === null) {
    eachIndex(view.shape, (index) => flat.push(view.offset + dot(index, view.strides)));
    return { shape: view.shape, flat };
  }
  const { order, start, sizes, indices } = plan.advanced;
  if (order !== null) view = viewLayouts.permute(view, { dims: order });
  expect(view.shape.slice(start, start + sizes.length)).toEqual(sizes);

  // One list of places and its shape for each indexed dimension; counts for the masks.
  const columns: { shape: Shape; values: readonly number[] }[] = [];
  const counts: number[] = [];
  for (const source of indices) {
    if (source.kind === "constant") columns.push({ shape: source.shape, values: [...source.values] });
    else if (source.kind === "tensor") columns.push({ shape: source.shape, values: source.tensor.values });
    else {
      const places: number[][] = [];
      const strides = contiguousStrides(source.shape);
      eachIndex(
        source.shape,
        (index) => source.tensor.values[dot(index, strides)] !== 0 && places.push(index),
      );
      counts.push(places.length);
      source.shape.forEach((_, d) =>
        columns.push({ shape: [places.length], values: places.map((place) => place[d]!) })
      );
    }
  }
  expect(columns.length).toBe(sizes.length);
  const { broadcast, shape } = advancedShape(plan, counts);
  eachIndex(shape, (index) => {
    const at = index.slice(start, start + broadcast.length);
    const chosen = columns.map((column, k) => {
      const own = at.slice(at.length - column.shape.length).map((i, d) => column.shape[d] === 1 ? 0 : i);
      const place = column.values[dot(own, contiguousStrides(column.shape))]!;
      return place < 0 ? place + sizes[k]! : place;
    });
    const full = [...index.slice(0, start), ...chosen, ...index.slice(start + broadcast.length)];
    flat.push(view.offset + dot(full, view.strides));
  });
  return { shape, flat };
}

/** Some of PyTorch's words. Where it counts dimensions of an intermediate tensor, the count is left out: ours are the input's. */
function words({ shape, items, error }: IndexCase): string {
  const { message } = error!;
  if (shape.length === 0 && items.length === 1 && items[0] === 0) return "invalid index of a 0-dim tensor";
  if (message.startsWith("The shape of the mask")) {
    return "the shape of the mask " + message.match(/\[.*?\]/)![0];
  }
  if (message.startsWith("tensors used as indices")) return "tensors used as indices must be";
  return items.some((item) => item === null || item === ":")
    ? message.replace(/ dimension \d.*/, "")
    : message;
}

describe("planIndex: the elements of PyTorch", () => {
  test("the fixture is as large as it should be", () => expect(cases.length).toBeGreaterThan(450));
  for (const [i, item] of cases.entries()) {
    const title = `${i}: ${JSON.stringify(item.shape)} at ${JSON.stringify(item.items)}`;
    if (item.error) {
      test(`${title} is an error`, () => {
        const run = () => apply(item.shape, planIndex(item.shape, item.items.map(decode), { readIndex }));
        expect(run).toThrow(item.error!.type === "ValueError" ? ValueError : IndexError);
        expect(run).toThrow(words(item));
      });
    } else {
      test(title, () => {
        const { view, ...expected } = item.expect!;
        const items = item.items.map(decode);
        const plan = planIndex(item.shape, items, { readIndex });
        expect(apply(item.shape, plan)).toEqual(expected);
        expect(plan.advanced === null).toBe(view);
        expect(apply(item.shape, planIndex(item.shape, items))).toEqual(expected); // integers in tensors unread
      });
    }
  }
});

describe("planIndex: the plan", () => {
  test("the whole tensor needs no step", () => {
    for (const items of [[], ["..."], [":", ":"], [":", "..."], ["0:2", "-9:"]]) {
      expect(planIndex([2, 3], items)).toEqual({ steps: [], shape: [2, 3], advanced: null });
    }
  });

  test("integers, slices and new axes take one slice and one view", () => {
    expect(planIndex([4, 5, 6], [-1, "1:4:2", null])).toEqual({
      steps: [
        { name: "slice", attrs: { starts: [3, 1, 0], stops: [4, 4, 6], steps: [1, 2, 1] } },
        { name: "view", attrs: { shape: [2, 1, 6] } },
      ],
      shape: [2, 1, 6],
      advanced: null,
    });
    // A new axis takes the place of the integer beside it.
    expect(planIndex([4, 5], [0, null]).steps.map((step) => step.name)).toEqual(["slice"]);
    expect(planIndex([4], [2n])).toEqual(planIndex([4], [2]));
    expect(planIndex([4], [-0])).toEqual(planIndex([4], [0]));
  });

  test("index arrays that are neighbours stay in place, others go in front", () => {
    const near = planIndex([2, 3, 4], [":", [0, 1], [-1, 3]]).advanced!;
    expect(near).toMatchObject({ order: null, start: 1, sizes: [3, 4] });
    expect(near.indices[1]).toEqual({ kind: "constant", shape: [2], values: Int32Array.of(3, 3) });
    const apart = planIndex([2, 3, 4], [[0, 1], ":", [0, 1]]).advanced!;
    expect(apart).toMatchObject({ order: [0, 2, 1], start: 0, sizes: [2, 4] });
  });

  test("a mask in a tensor stands for as many indices as it has dimensions", () => {
    const mask = new Box([2, 3], bool, [1, 0, 0, 1, 1, 0]);
    const plan = planIndex([4, 2, 3], [":", mask]);
    expect(plan.advanced).toEqual({
      order: null,
      start: 1,
      sizes: [2, 3],
      indices: [{ kind: "mask", shape: [2, 3], tensor: mask }],
    });
    expect(advancedShape(plan, [3])).toEqual({ broadcast: [3], shape: [4, 3] });
  });

  test("a mask without dimensions indexes a new axis", () => {
    const mask = new Box([], uint8, [1]);
    const plan = planIndex([4], [mask]);
    expect(plan.shape).toEqual([1, 4]);
    expect(plan.advanced!.indices).toEqual([{ kind: "mask", shape: [1], tensor: mask }]);
  });

  test("an integer in a tensor is a view where it can be read, else joins the gather", () => {
    const one = new Box([], int16, [1]);
    expect(planIndex([2, 3], [one], { readIndex })).toEqual(planIndex([2, 3], [1]));
    const plan = planIndex([2, 3], [one]);
    expect(plan.advanced!.indices).toEqual([{ kind: "tensor", shape: [], tensor: one }]);
    expect(advancedShape(plan)).toEqual({ broadcast: [], shape: [3] });
  });

  test("typed arrays are index arrays, bytes are masks", () => {
    expect(planIndex([4], [Int32Array.of(1, -1)])).toEqual(planIndex([4], [[1, 3]]));
    expect(planIndex([4], [BigInt64Array.of(1n)])).toEqual(planIndex([4], [[1]]));
    expect(planIndex([4], [Uint8Array.of(0, 1, 0, 1)])).toEqual(planIndex([4], [[1, 3]]));
  });
});

describe("planIndex: refuses what is no index", () => {
  test.each<[unknown, string]>([
    [1.5, "got 1.5 at position 0"],
    [NaN, "got NaN at position 0"],
    [undefined, "got undefined at position 0"],
    ["a", 'got "a" at position 0'],
    ["1", 'got "1" at position 0'],
    ["1:2:3:4", 'got "1:2:3:4" at position 0'],
    ["1.5:", 'got "1.5:" at position 0'],
    [{}, "got [object Object] at position 0"],
    [[1.5], "arrays used as indices must hold integers or booleans, got float32[1]"],
    [new Float32Array(2), "got float32[2]"],
    [
      new Box([1], float32, [0]),
      "tensors used as indices must be int32, int64, bool or uint8, got float32[1]",
    ],
    [new Box([1], int16, [0]), "got int16[1]"],
  ])("%o", (item, message) => {
    expect(() => planIndex([3], [item as IndexItem<Box>])).toThrow(IndexError);
    expect(() => planIndex([3], [item as IndexItem<Box>])).toThrow(message);
  });

  test("two ellipses", () => {
    expect(() => planIndex([3], ["...", "..."])).toThrow('an index can only have a single "...", got 2');
  });

  test("a wrong item behind good ones", () => {
    expect(() => planIndex([3, 3], [0, "x"])).toThrow("at position 1");
    expect(() => planIndex([3, 3], [0, new Box([], int32, [7])], { readIndex })).toThrow(
      "Cannot index a tensor of shape [3, 3]: index 7 is out of bounds for dimension 1 with size 3",
    );
  });
});
