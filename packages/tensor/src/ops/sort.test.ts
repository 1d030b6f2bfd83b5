import { createReferenceBackend } from "@flambeau/reference";
import { IndexError, ShapeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const ints = (data: torch.TensorData) => torch.tensor(data, { dtype: "int32" });
const values = (x: torch.Tensor) => x.toArraySync();

describe("sort", () => {
  it("keeps the order of equals, NaN last", () => {
    const { values: sorted, indices } = torch.tensor([2, NaN, 1, 2]).sort();
    expect(values(sorted)).toEqual([1, 2, 2, NaN]);
    expect(values(indices)).toEqual([2, 0, 3, 1]);
    expect(values(torch.tensor([2, 1, 2]).argsort({ descending: true }))).toEqual([0, 2, 1]);
    expect(values(torch.msort(torch.tensor([[2, 1], [1, 3]])))).toEqual([[1, 1], [2, 3]]);
    expect(values(torch.tensor([true, false]).sort()[0])).toEqual([false, true]);
  });

  it("topk gives the largest or the smallest", () => {
    const x = torch.tensor([[1, 3, 2], [9, 7, 8]]);
    expect(x.topk(2).map(values)).toEqual([[[3, 2], [9, 8]], [[1, 2], [0, 2]]]);
    expect(x.topk(1, { dim: 0, largest: false }).map(values)).toEqual([[[1, 3, 2]], [[0, 0, 0]]]);
    expect(() => x.topk(4)).toThrow(/selected index k out of range, it must be from 0 to 3, got 4/);
    expect(() => x.topk(-1)).toThrow(IndexError);
  });
});

describe("searchsorted and bucketize", () => {
  const edges = torch.tensor([1, 3, 5]);
  it("place values before equals, or after them", () => {
    expect(values(torch.searchsorted(edges, torch.tensor([0, 3, 9])))).toEqual([0, 1, 3]);
    expect(values(torch.searchsorted(edges, torch.tensor([0, 3, 9]), { right: true }))).toEqual([0, 2, 3]);
    expect(values(torch.searchsorted(edges, 3, { side: "right" }))).toBe(2);
    expect(values(torch.bucketize(torch.tensor([[3, 4]]), edges))).toEqual([[1, 2]]);
    expect(values(torch.bucketize(3, edges, { right: true }))).toBe(2);
  });

  it("sort by a given order first", () => {
    const mixed = torch.tensor([5, 1, 3]);
    expect(values(torch.searchsorted(mixed, 4, { sorter: mixed.argsort() }))).toBe(2);
  });

  it("refuse contradictions and wrong ranks", () => {
    expect(() => torch.searchsorted(edges, 1, { side: "left", right: true })).toThrow(ValueError);
    expect(() => torch.bucketize(1, torch.zeros(2, 2))).toThrow(ShapeError);
    expect(() => torch.searchsorted(torch.zeros(2, 3), torch.zeros(3, 1))).toThrow(ShapeError);
  });
});

describe("unique", () => {
  it("gives values, or a list with places and counts", () => {
    const x = ints([[3, 1], [3, 2]]);
    expect(values(x.unique())).toEqual([1, 2, 3]);
    expect(x.unique(true, true, true).map(values)).toEqual([[1, 2, 3], [[2, 0], [2, 1]], [1, 1, 2]]);
    expect(x.unique({ returnCounts: true }).map(values)).toEqual([[1, 2, 3], [1, 1, 2]]);
    expect(values(torch.zeros(0).unique())).toEqual([]);
    expect(() => torch.zeros(2, 0, 3).unique({ dim: 0 })).toThrow(/its slices must have elements/);
    expect(torch.zeros(2, 0, 3).unique({ dim: 1 }).shape).toEqual([2, 0, 3]);
    expect(values(torch.tensor([NaN, 1, NaN]).unique())).toEqual([1, NaN, NaN]);
  });

  it("counts many integers that lie close together, and sorts others", () => {
    const at = Array.from({ length: 300 }, (_, i) => (i * 7) % 31);
    const groups = Array.from({ length: 31 }, (_, i) => at.filter((v) => v === i).length);
    for (
      const [dtype, first, step] of [["int32", -9, 2], ["int64", -(2 ** 40), 1], ["int64", 5, 1000], [
        "uint8",
        3,
        8,
      ]] as const
    ) {
      const x = torch.tensor(at.map((v) => first + v * step), { dtype });
      const [distinct, inverse, counts] = x.unique(true, true, true);
      expect(distinct!.dtype).toBe(x.dtype);
      expect(distinct!.toArraySync()).toEqual(
        groups.map((_, i) => dtype === "int64" ? BigInt(first + i * step) : first + i * step),
      );
      expect(values(inverse!)).toEqual(at);
      expect(values(counts!)).toEqual(groups);
      expect(values(x.sort()[0]!.uniqueConsecutive({ returnCounts: true })[1]!)).toEqual(groups);
    }
  });

  it("compares slices along a dimension", () => {
    const x = ints([[1, 0, 1], [2, 5, 2]]);
    expect(x.unique({ dim: 1, returnInverse: true, returnCounts: true }).map(values)).toEqual([
      [[0, 1], [5, 2]],
      [1, 0, 1],
      [1, 2],
    ]);
  });

  it("consecutive leaves out repeats only", () => {
    const x = ints([1, 1, 2, 1]);
    expect(values(x.uniqueConsecutive())).toEqual([1, 2, 1]);
    expect(x.uniqueConsecutive({ returnInverse: true, returnCounts: true }).map(values)).toEqual([
      [1, 2, 1],
      [0, 0, 1, 2],
      [2, 1, 1],
    ]);
    expect(values(torch.uniqueConsecutive(ints([[1, 2], [1, 2], [0, 2]]), { dim: 0 }))).toEqual([[1, 2], [
      0,
      2,
    ]]);
  });
});

describe("counting", () => {
  it("bincount", () => {
    expect(values(ints([1, 2, 2]).bincount())).toEqual([0, 1, 2]);
    expect(values(ints([0]).bincount({ minlength: 3 }))).toEqual([1, 0, 0]);
    expect(values(ints([1, 1]).bincount(torch.tensor([0.5, 2])))).toEqual([0, 2.5]);
    expect(values(torch.zeros([0], { dtype: "int32" }).bincount())).toEqual([]);
    expect(() => ints([-1]).bincount()).toThrow("Cannot bincount int32[1]: elements must be >= 0, got -1");
  });

  it("histc takes the range of the data by default, the upper end included", () => {
    const x = torch.tensor([1, 2, 2.5, 3]);
    expect(values(x.histc(2))).toEqual([1, 3]);
    expect(values(x.histc(2, 0, 2))).toEqual([0, 2]);
    expect(values(torch.tensor([2, 2]).histc(4))).toEqual([0, 0, 2, 0]);
    expect(() => torch.tensor([NaN]).histc(4)).toThrow(/range must be finite/);
  });

  it("histogram has limits, weights and densities", () => {
    const x = torch.tensor([1, 2, 3]);
    const { hist, binEdges } = x.histogram(2, { range: [0, 4], weight: torch.tensor([1, 2, 4]) });
    expect([values(hist), values(binEdges)]).toEqual([[1, 6], [0, 2, 4]]);
    expect(values(x.histogram(torch.tensor([0, 1, 10]), { density: true }).hist)).toEqual([
      0,
      Math.fround(1 / 9),
    ]);
  });

  it("histogramdd counts in a grid", () => {
    const { hist, binEdges } = torch.histogramdd(torch.tensor([[0, 0], [1, 1], [1, 0]]), [2, 2]);
    expect(values(hist)).toEqual([[1, 0], [1, 1]]);
    expect(binEdges.map(values)).toEqual([[0, 0.5, 1], [0, 0.5, 1]]);
  });
});
