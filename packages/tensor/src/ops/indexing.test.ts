import { createReferenceBackend } from "@flambeau/reference";
import { type Backend, DeviceError, DTypeError, IndexError, ShapeError, ValueError } from "@flambeau/core";
import "@flambeau/autograd";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

const backend = createReferenceBackend();
torch.registerBackend(backend);

/** The same backend, which cannot be read at once: what GPUs are like. */
const remote = new Proxy(createReferenceBackend(), {
  get(target, key) {
    if (key === "name") return "remote";
    if (key === "canReadSync") return false;
    if (key === "readSync") throw new DeviceError("Cannot read at once");
    const value = Reflect.get(target, key, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
}) as Backend;
torch.registerBackend(remote);

const values = (x: Tensor) => x.toArraySync();
const counting = (...shape: number[]) =>
  torch.arange(shape.reduce((n, s) => n * s, 1)).to("float32").reshape(shape);
const ints = (data: number[] | number[][], dtype = "int32") => torch.tensor(data, { dtype });
const mask = (data: boolean[] | boolean[][]) => torch.tensor(data);

describe("index", () => {
  const x = counting(3, 4);
  it("reads as NumPy does", () => {
    expect(values(x.index(1))).toEqual([4, 5, 6, 7]);
    expect(values(x.index("1:", -1))).toEqual([7, 11]);
    expect(values(x.index(":", "::2"))).toEqual([[0, 2], [4, 6], [8, 10]]);
    expect(values(x.index([2, 0]))).toEqual([[8, 9, 10, 11], [0, 1, 2, 3]]);
    expect(values(x.index([0, -1], [1, -1]))).toEqual([1, 11]);
    expect(values(x.index(ints([[0], [2]]), ints([1, 3])))).toEqual([[1, 3], [9, 11]]);
    expect(values(x.index(mask([true, false, true])))).toEqual([[0, 1, 2, 3], [8, 9, 10, 11]]);
    expect(values(x.index(x.gt(8)))).toEqual([9, 10, 11]);
    expect(values(x.index(":", mask([false, true, false, true])))).toEqual([[1, 3], [5, 7], [9, 11]]);
    expect(values(x.index(torch.tensor(1, { dtype: "int64" })))).toEqual([4, 5, 6, 7]);
    expect(x.index(true).shape).toEqual([1, 3, 4]);
    expect(x.index([]).shape).toEqual([0, 4]);
  });

  it("puts the dimensions of separated indices first", () => {
    const y = counting(2, 3, 4).index([0, 1], ":", [1, 2]);
    expect(values(y)).toEqual([[1, 5, 9], [14, 18, 22]]);
  });

  it.each([
    [[3], "index 3 is out of bounds for dimension 0 with size 3"],
    [[":", -5], "index -5 is out of bounds for dimension 1 with size 4"],
    [[[0, 3]], "index 3 is out of bounds for dimension 0 with size 3"],
    [[ints([0, -4])], "index -4 is out of bounds for dimension 0 with size 3"],
    [[ints([0, 9], "int64")], "index 9 is out of bounds for dimension 0 with size 3"],
    [[":", ints([4]), 0], "too many indices"],
    [[mask([true])], "the shape of the mask [1]"],
  ])("throws at the call: %o", (items, message) => {
    expect(() => x.index(...items as torch.IndexItem<Tensor>[])).toThrow(IndexError);
    expect(() => x.index(...items as torch.IndexItem<Tensor>[])).toThrow(message as string);
  });

  it("has the gradient of a gather: repeated elements add up", () => {
    const w = counting(3).requiresGrad_();
    w.index([0, 0, 2]).backward(torch.tensor([1, 2, 4]));
    expect(values(w.grad!)).toEqual([3, 0, 4]);
  });
});

describe("setIndex", () => {
  it("writes numbers and tensors, which broadcast and convert", () => {
    const x = torch.zeros([2, 3]);
    expect(x.setIndex([0], 1)).toBe(x);
    x.setIndex(["...", 2], torch.tensor([5, 6], { dtype: "int32" }));
    expect(values(x)).toEqual([[1, 1, 5], [0, 0, 6]]);
    x.setIndex([1, "0:2"], torch.tensor([[[7, 8]]]));
    expect(values(x)).toEqual([[1, 1, 5], [7, 8, 6]]);
    x.index_([x.gt(5)], -1);
    expect(values(x)).toEqual([[1, 1, 5], [-1, -1, -1]]);
    x.setIndex([[0, 1], [2, 0]], torch.tensor([9, 10]));
    expect(values(x)).toEqual([[1, 1, 9], [10, -1, -1]]);
    x.setIndex([x.lt(0)], torch.tensor([3, 4]));
    expect(values(x)).toEqual([[1, 1, 9], [10, 3, 4]]);
  });

  it("writes through views", () => {
    const x = torch.zeros([3, 3]);
    x.t().setIndex([0], torch.tensor([1, 2, 3]));
    x.diagonal().setIndex(["1:"], 7);
    expect(values(x)).toEqual([[1, 0, 0], [2, 7, 0], [3, 0, 7]]);
    x.t().setIndex([[0, 2], [1, 1]], 5); // x[1, 0] and x[1, 2]
    expect(values(x)).toEqual([[1, 0, 0], [5, 7, 5], [3, 0, 7]]);
  });

  it("cuts fractions for integers", () => {
    const x = torch.zeros([2], { dtype: "int32" });
    expect(values(x.setIndex([0], 2.7))).toEqual([2, 0]);
  });

  it("changes nothing when it throws", () => {
    const x = torch.zeros([2, 2]);
    expect(() => x.setIndex([0], torch.ones([3]))).toThrow("the value must broadcast to [2], got [3]");
    expect(() => x.setIndex([[0, 5]], 1)).toThrow(IndexError);
    expect(() => x.setIndex([ints([-3])], 1)).toThrow(IndexError);
    expect(() => x.setIndex([0], "a" as unknown as number)).toThrow(/must be a Tensor or a number/);
    expect(values(x)).toEqual([[0, 0], [0, 0]]);
  });

  it("has gradients for both sides", () => {
    const [x, v] = [counting(4).requiresGrad_(), torch.tensor([1, 1]).requiresGrad_()];
    const y = x.mul(1);
    y.setIndex([[1, 3]], v);
    y.backward(torch.tensor([1, 2, 3, 4]));
    expect(values(x.grad!)).toEqual([1, 0, 3, 0]);
    expect(values(v.grad!)).toEqual([2, 4]);
  });
});

describe("indexPut", () => {
  it("accumulates repeated places", () => {
    const x = torch.zeros([3]);
    expect(values(x.indexPut([ints([0, 0, 2])], torch.tensor([1, 2, 3]), true))).toEqual([3, 0, 3]);
    expect(values(x.indexPut([ints([0, 0, 2])], torch.tensor([1, 2, 3])))).toEqual([2, 0, 3]);
    expect(values(x.indexPut_([ints([1])], torch.tensor(4), { accumulate: true }))).toEqual([0, 4, 0]);
    expect(() => x.indexPut([ints([0])], torch.tensor([1], { dtype: "int32" }))).toThrow(DTypeError);
  });
});

describe("on a device that cannot be read at once", () => {
  const x = counting(3, 4).to(remote);
  const index = (data: number[]) => ints(data).to(remote).add(0); // computed there: the host does not know it
  const known = (data: number[]) => ints(data).to(remote);
  const read = async (y: Tensor) => await y.toArray();

  it("index tensors work, negative ones too", async () => {
    expect(await read(x.index(index([2, -3])))).toEqual([[8, 9, 10, 11], [0, 1, 2, 3]]);
    expect(await read(x.index(index([0, -1]), index([1, -1])))).toEqual([1, 11]);
    expect(await read(x.index([0, 2], index([-1, 0])))).toEqual([3, 8]);
  });

  it("indices from the host are checked at the call", async () => {
    expect(await read(x.index(known([2, -3])))).toEqual([[8, 9, 10, 11], [0, 1, 2, 3]]);
    expect(() => x.index(known([3]))).toThrow("index 3 is out of bounds for dimension 0 with size 3");
    expect(() => x.indexSelect(0, known([0, 3, 1]).narrow(0, 1, 1))).toThrow("index 3 is out of bounds");
    expect(await read(x.indexSelect(0, known([0, 3, 1]).index("::2")))).toEqual([[0, 1, 2, 3], [4, 5, 6, 7]]);
    const written = known([3]);
    written.fill_(1);
    expect(await read(x.index(written))).toEqual([[4, 5, 6, 7]]);
  });

  it("masks from the host are known", async () => {
    expect(await read(x.index(mask([true, false, true]).to(remote), 1))).toEqual([1, 9]);
  });

  it("a mask takes one value without being read", async () => {
    const y = x.clone();
    y.setIndex([y.gt(8)], -1);
    expect(await read(y)).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, -1, -1, -1]]);
  });

  it("a mask that decides a size throws and names the way out", () => {
    expect(() => x.index(x.gt(8))).toThrow(/use where\(\) or maskedFill\(\)/);
  });
});

describe("gather and its kin", () => {
  const x = counting(2, 3);
  it("take integers of any size", () => {
    for (const dtype of ["uint8", "int8", "int16", "int32", "int64"]) {
      expect(values(x.gather(1, ints([[2], [0]], dtype)))).toEqual([[2], [3]]);
      expect(values(x.indexSelect(1, ints([2, 0], dtype)))).toEqual([[2, 0], [5, 3]]);
      expect(values(x.take(ints([-1, 0], dtype === "uint8" ? "int32" : dtype)))).toEqual([5, 0]);
    }
    expect(() => x.gather(0, torch.zeros([1, 1]))).toThrow(/integer dtype/);
  });

  it("throw an IndexError at the call with the index and the size", () => {
    const message = "index 3 is out of bounds for dimension 1 with size 3";
    const bad = ints([[3], [0]]);
    expect(() => x.gather(1, bad)).toThrow(IndexError);
    expect(() => x.gather(1, bad)).toThrow(`Cannot gather float32[2, 3]: ${message}`);
    expect(() => x.scatter(1, bad, 1)).toThrow(message);
    expect(() => x.scatterAdd(1, bad, torch.ones([2, 1]))).toThrow(message);
    expect(() => x.scatterReduce(1, bad, torch.ones([2, 1]), "amax")).toThrow(message);
    expect(() => x.indexSelect(1, ints([0, 3]))).toThrow(message);
    expect(() => x.indexAdd(1, ints([3]), torch.ones([2, 1]))).toThrow(message);
    expect(() => x.indexCopy(1, ints([3]), torch.ones([2, 1]))).toThrow(message);
    expect(() => x.indexFill(1, ints([3]), 1)).toThrow(message);
    expect(() => x.takeAlongDim(bad, 1)).toThrow(message);
    expect(() => x.take(ints([6]))).toThrow("index 6 is out of bounds for dimension 0 with size 6");
    expect(() => x.gather(1, ints([[-1], [0]]))).toThrow("index -1 is out of bounds");
    expect(() => torch.embedding(ints([7]), x)).toThrow(
      "index 7 is out of bounds for dimension 0 with size 2",
    );
    expect(() => torch.oneHot(ints([2, 5]), 4)).toThrow("index 5 is out of bounds");
  });

  it("check sizes", () => {
    expect(() => x.gather(0, ints([0]))).toThrow(ShapeError);
    expect(() => x.gather(0, ints([[0, 0, 0, 0]]))).toThrow(/sizes at most \[2, 3\] but at dimension 0/);
    expect(() => x.scatter(0, ints([[0, 1]]), torch.ones([1, 1]))).toThrow(/src must have the rank of index/);
    expect(() => x.scatter(0, ints([[0]]), torch.ones([1, 1], { dtype: "int32" }))).toThrow(DTypeError);
    expect(() => x.indexAdd(0, ints([0]), torch.ones([2, 3]))).toThrow(
      "source must have shape [1, 3], got [2, 3]",
    );
  });

  it("take scalars", () => {
    const one = torch.tensor(5);
    expect(values(one.gather(0, torch.tensor(0, { dtype: "int32" })))).toBe(5);
    expect(values(one.indexSelect(0, torch.tensor(0, { dtype: "int32" })))).toBe(5);
    expect(values(one.scatter(0, torch.tensor(0, { dtype: "int32" }), 7))).toBe(7);
    expect(values(one.clone().scatter_(0, torch.tensor(0, { dtype: "int32" }), 7))).toBe(7);
    expect(values(one.indexFill(0, torch.tensor(0, { dtype: "int32" }), 8))).toBe(8);
  });
});

describe("scatterReduce and indexReduce", () => {
  const x = torch.tensor([1, 2, 3]);
  const [index, source] = [ints([0, 0, 2]), torch.tensor([4, 6, 8])];
  it("include what is there, or not", () => {
    const both = (how: "sum" | "prod" | "mean" | "amax" | "amin", includeSelf: boolean) =>
      values(x.scatterReduce(0, index, source, how, { includeSelf }));
    expect(both("sum", true)).toEqual([11, 2, 11]);
    expect(both("sum", false)).toEqual([10, 2, 8]);
    expect(both("prod", false)).toEqual([24, 2, 8]);
    expect(both("mean", true)).toEqual([Math.fround(11 / 3), 2, 5.5]);
    expect(both("mean", false)).toEqual([5, 2, 8]);
    expect(both("amax", false)).toEqual([6, 2, 8]);
    expect(both("amin", true)).toEqual([1, 2, 3]);
    expect(both("amin", false)).toEqual([4, 2, 8]);
    expect(values(x.indexReduce(0, index, source, "mean", { includeSelf: false }))).toEqual([5, 2, 8]);
  });

  it("of integers round down", () => {
    const y = ints([1, 2, 3]);
    expect(values(y.scatterReduce(0, ints([0]), ints([-4]), "mean"))).toEqual([-2, 2, 3]);
    expect(values(y.scatterReduce(0, ints([0, 0]), ints([-4, -9]), "amax", { includeSelf: false }))).toEqual([
      -4,
      2,
      3,
    ]);
  });

  it("of truth values are or and and", () => {
    const y = mask([true, false]);
    expect(values(y.scatter(0, ints([1, 1]), mask([false, true]), { reduce: "add" }))).toEqual([true, true]);
    expect(values(y.scatter(0, ints([0]), mask([false]), { reduce: "multiply" }))).toEqual([false, false]);
  });

  it("refuse other names", () => {
    expect(() => x.scatterReduce(0, index, source, "max" as "amax")).toThrow(ValueError);
    expect(() => x.scatter(0, index, source, { reduce: "sum" as "add" })).toThrow(ValueError);
  });
});

describe("embedding", () => {
  const table = () => torch.tensor([[1, 2], [3, 4], [6, 8]]).requiresGrad_();
  it("gives the padding row no gradient", () => {
    const weight = table();
    torch.embedding(ints([0, 2, 2]), weight, { paddingIdx: -1 }).sum().backward();
    expect(values(weight.grad!)).toEqual([[1, 1], [0, 0], [0, 0]]);
  });

  it("divides gradients by frequency", () => {
    const weight = table();
    const y = torch.embedding(ints([2, 0, 2]), weight, { scaleGradByFreq: true });
    expect(values(y)).toEqual([[6, 8], [1, 2], [6, 8]]);
    y.sum().backward();
    expect(values(weight.grad!)).toEqual([[1, 1], [0, 0], [1, 1]]);
  });

  it("scales long rows down in the table", () => {
    const weight = table();
    const y = torch.embedding(ints([2, 0]), weight, { maxNorm: 5 });
    expect(torch.allclose(y, torch.tensor([[3, 4], [1, 2]]))).toBe(true);
    expect(torch.allclose(weight, torch.tensor([[1, 2], [3, 4], [3, 4]]))).toBe(true);
  });

  it("bags: sum, mean and max, with empty bags and padding", () => {
    const weight = table();
    const [input, offsets] = [ints([0, 1, 2, 1]), ints([0, 3, 3])];
    const bag = (options: object) => values(torch.embeddingBag(input, weight, offsets, options));
    expect(bag({ mode: "sum" })).toEqual([[10, 14], [0, 0], [3, 4]]);
    expect(bag({ mode: "mean", paddingIdx: 1 })).toEqual([[3.5, 5], [0, 0], [0, 0]]);
    expect(bag({ mode: "max" })).toEqual([[6, 8], [0, 0], [3, 4]]);
    expect(bag({ mode: "sum", perSampleWeights: torch.tensor([1, 0, 2, 3]) })).toEqual([[13, 18], [0, 0], [
      9,
      12,
    ]]);
    expect(values(torch.embeddingBag(ints([[0, 1], [2, 2]]), weight, { mode: "mean" }))).toEqual([[2, 3], [
      6,
      8,
    ]]);
    const even = (options: object) => values(torch.embeddingBag(ints([[0, 1], [2, 2]]), weight, options));
    expect(even({ mode: "sum", perSampleWeights: torch.tensor([[1, 2], [0, 3]]) })).toEqual([[7, 10], [
      18,
      24,
    ]]);
    expect(even({ mode: "max" })).toEqual([[3, 4], [6, 8]]);
    expect(values(torch.embeddingBag(torch.zeros([2, 0], { dtype: "int32" }), weight))).toEqual([[0, 0], [
      0,
      0,
    ]]);
    expect(() => torch.embeddingBag(input, weight)).toThrow(/offsets must be given/);
    expect(() => torch.embeddingBag(input, weight, ints([1]))).toThrow(/begin with 0/);
  });
});

describe("oneHot, masks and diagonals", () => {
  it("oneHot counts the classes", () => {
    expect(values(torch.oneHot(ints([0, 2])))).toEqual([[1, 0, 0], [0, 0, 1]]);
    expect(() => torch.oneHot(ints([-1]))).toThrow();
  });

  it("maskedScatter takes elements in order", () => {
    const m = mask([[true, false], [true, true]]);
    expect(values(torch.zeros([2, 2]).maskedScatter(m, counting(5)))).toEqual([[0, 0], [1, 2]]);
    expect(() => torch.zeros([2, 2]).maskedScatter(m, counting(2))).toThrow("got 2 elements for 3 places");
  });

  it("fillDiagonal_ wraps tall matrices when asked", () => {
    expect(values(torch.zeros([4, 2]).fillDiagonal_(1))).toEqual([[1, 0], [0, 1], [0, 0], [0, 0]]);
    expect(values(torch.zeros([4, 2]).fillDiagonal_(1, true))).toEqual([[1, 0], [0, 1], [0, 0], [1, 0]]);
    expect(values(torch.zeros([2, 2, 2]).fillDiagonal_(1))).toEqual([[[1, 0], [0, 0]], [[0, 0], [0, 1]]]);
  });

  it("diagonalScatter works on oblong batches", () => {
    const where = { offset: -1, dim1: 0, dim2: 2 };
    const y = torch.zeros([3, 2, 2]).diagonalScatter(counting(2, 2).add(1), where);
    expect(values(y)).toEqual([[[0, 0], [0, 0]], [[1, 0], [3, 0]], [[0, 2], [0, 4]]]);
    expect(values(y.diagonal(where))).toEqual([[1, 2], [3, 4]]);
  });
});
