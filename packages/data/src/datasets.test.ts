import { Generator } from "@flambeau/tensor";
import { describe, expect, it } from "vitest";
import { ConcatDataset, Dataset, randomSplit, Subset, TensorDataset } from "../mod.ts";
import { batchOf } from "./datasets.ts";
import { plain, rows, tens } from "./test_support.ts";

class Squares extends Dataset<[number, number]> {
  override readonly length = 5;
  override get(i: number): [number, number] {
    return [i, i * i];
  }
}

describe("TensorDataset", () => {
  it("a sample is a view of each tensor", () => {
    const x = rows(3);
    const dataset = new TensorDataset(x, tens(3));
    expect(dataset.length).toBe(3);
    expect(plain(dataset.get(1))).toEqual([[1, 0.5], 10]);
    expect(plain(dataset.get(-1))).toEqual([[2, 1], 20]);
    expect(dataset.get(0)[0].storage).toBe(x.storage);
  });

  it("a batch is a copy of the rows, in any order and repeated", () => {
    const x = rows(4);
    const [batch, labels] = new TensorDataset(x, tens(4)).getBatch([3, 0, -1]);
    expect(plain([batch, labels])).toEqual([[[3, 1.5], [0, 0], [3, 1.5]], [30, 0, 30]]);
    expect(batch.storage).not.toBe(x.storage);
  });

  it("refuses tensors of different sizes, none, and indices out of range", () => {
    expect(() => new TensorDataset(rows(3), tens(4))).toThrow(
      "Cannot make a TensorDataset of float32[3, 2], int32[4]: dimension 0 must have the same size in all",
    );
    expect(() => new TensorDataset()).toThrow("got none");
    expect(() => new TensorDataset(3 as never)).toThrow("must be a Tensor, got number 3");
    const dataset = new TensorDataset(tens(3));
    expect(() => dataset.get(3)).toThrow("the index must be a whole number in [-3, 3), got 3");
    expect(() => dataset.get(0.5)).toThrow("got 0.5");
    expect(() => dataset.getBatch([0, -4])).toThrow("got -4");
  });
});

describe("Subset", () => {
  it("renumbers samples, through subsets of subsets", () => {
    const inner = new Subset(new TensorDataset(rows(6), tens(6)), [5, 3, 1]);
    const outer = new Subset(inner, [2, 0]);
    expect(outer.length).toBe(2);
    expect(plain(outer.get(0))).toEqual([[1, 0.5], 10]);
    expect(plain(outer.getBatch([0, 1]))).toEqual([[[1, 0.5], [5, 2.5]], [10, 50]]);
  });

  it("puts samples together when the dataset behind cannot", async () => {
    expect(plain(new Subset(new Squares(), [4, 2]).getBatch([0, 1]))).toEqual([[4, 2], [16, 4]]);
    const slow = { length: 2, get: (i: number) => Promise.resolve(i / 4) };
    expect(plain(await new Subset(slow, [1]).getBatch([0]))).toEqual([0.25]);
    expect(new Subset(["a", "b"], [1]).get(0)).toBe("b");
  });

  it("refuses indices out of range", () => {
    expect(() => new Subset(new Squares(), [1]).get(1)).toThrow("[-1, 1)");
    expect(() => new Subset(["a"], [7]).get(0)).toThrow("[-1, 1), got 7");
  });
});

describe("ConcatDataset", () => {
  it("counts through all datasets, empty ones too", () => {
    const all = new ConcatDataset<unknown>([new Squares(), [], ["a", "b"], new Squares()]);
    expect(all.length).toBe(12);
    expect(all.cumulativeSizes).toEqual([5, 5, 7, 12]);
    expect([4, 5, 6, 7, -1].map((i) => all.get(i))).toEqual([[4, 16], "a", "b", [0, 0], [4, 16]]);
    expect(() => all.get(12)).toThrow("[-12, 12)");
    expect(() => new ConcatDataset([])).toThrow("must have datasets");
  });
});

describe("randomSplit", () => {
  const generator = () => new Generator().manualSeed(1);

  it("parts hold every sample once, in an order that the seed repeats", () => {
    const [a, b] = randomSplit(new Squares(), [3, 2], { generator: generator() });
    expect([...a.indices, ...b.indices].sort()).toEqual([0, 1, 2, 3, 4]);
    const again = randomSplit(new Squares(), [3, 2], { generator: generator() });
    expect(again[0].indices).toEqual(a.indices);
    expect(randomSplit(new Squares(), [3, 2], generator())[0].indices).toEqual(a.indices);
    const many = Array.from({ length: 100 }, (_, i) => i);
    expect(randomSplit(many, [100])[0].indices).not.toEqual(many);
  });

  it("fractions round down, and the rest goes to the first parts (values by PyTorch 2)", () => {
    const sizes = (count: number, fractions: number[]) =>
      randomSplit(Array.from({ length: count }), fractions).map(({ length }) => length);
    expect(sizes(10, [0.3, 0.3, 0.4])).toEqual([3, 3, 4]);
    expect(sizes(10, [1 / 3, 1 / 3, 1 / 3])).toEqual([4, 3, 3]);
    expect(sizes(11, [0.5, 0.5])).toEqual([6, 5]);
    expect(sizes(1, [1])).toEqual([1]);
  });

  it("refuses lengths that do not add up", () => {
    expect(() => randomSplit(new Squares(), [3, 3])).toThrow(
      "must sum to 5 samples or, as fractions, to 1, got 6",
    );
    expect(() => randomSplit(new Squares(), [0.5, 0.6])).toThrow("got 1.1");
    expect(() => randomSplit(new Squares(), [6, -1])).toThrow("[6, -1]");
  });
});

it("batchOf: uses the dataset's own way, else collates", async () => {
  expect(batchOf({ length: 2, get: () => 0, getBatch: (indices) => indices.join("-") }, [1, 0])).toBe("1-0");
  expect(plain(batchOf([5, 6], [1, 0]))).toEqual([6, 5]);
  expect(plain(await batchOf({ length: 1, get: (i) => Promise.resolve(i) }, [0]))).toEqual([0]);
});
