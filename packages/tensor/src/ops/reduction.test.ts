import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, IndexError, ShapeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const ints = (data: torch.TensorData) => torch.tensor(data, { dtype: "int32" });
const values = (x: torch.Tensor) => x.toArraySync();
const type = (x: torch.Tensor) => `${x.dtype.name}[${x.shape.join(", ")}]`;
const x = torch.tensor([[1, 2, 3], [4, -5, 6]]);

describe("dimensions", () => {
  it("are one, several or all, by position or by name", () => {
    expect(values(x.sum())).toBe(11);
    expect(values(x.sum(1))).toEqual([6, 5]);
    expect(values(x.sum(-2, true))).toEqual([[5, -3, 9]]);
    expect(values(x.sum({ dim: [0, 1] }))).toBe(11);
    expect(values(x.sum([]))).toBe(11);
    expect(values(x.sum(null, { keepdim: true }))).toEqual([[11]]);
    expect(values(torch.amax(x, { dim: 0, keepdim: true }))).toEqual([[4, 2, 6]]);
  });

  it("must be in range and named once", () => {
    expect(() => x.sum(2)).toThrow(
      "Cannot sum along dimension 2: it must be in the range [-2, 1] for a tensor of rank 2",
    );
    expect(() => x.sum([0, 0])).toThrow(ValueError);
    expect(() => x.argmax(-3)).toThrow(IndexError);
    expect(() => x.sum({ dims: 1 } as never)).toThrow(/must be one of dim, keepdim, dtype/);
  });

  it("of a scalar are 0 and -1", () => {
    const scalar = torch.tensor(3);
    expect(values(scalar.sum(0))).toBe(3);
    expect(values(scalar.mean(-1))).toBe(3);
    expect(scalar.max(0).map(values)).toEqual([3, 0]);
    expect(scalar.sort().map(values)).toEqual([3, 0]);
    expect(values(scalar.cumsum(0))).toBe(3);
    expect(scalar.topk(1).map(values)).toEqual([3, 0]);
    expect(scalar.median(0).map(type)).toEqual(["float32[]", "int32[]"]);
  });
});

describe("dtypes", () => {
  it("of integer sums and products are int32", () => {
    expect(type(torch.tensor([true, true]).sum())).toBe("int32[]");
    expect(values(torch.tensor([200, 100], { dtype: "uint8" }).sum())).toBe(300);
    expect(type(torch.tensor([1n]).sum())).toBe("int64[]");
    expect(values(torch.tensor([100, 100], { dtype: "int8" }).prod())).toBe(10000);
    expect(type(torch.tensor([true]).cumsum(0))).toBe("int32[1]");
  });

  it("can be asked for", () => {
    expect(type(ints([1, 2]).sum({ dtype: "float32" }))).toBe("float32[]");
    expect(values(ints([1, 2]).mean({ dtype: "float64" }))).toBe(1.5);
    expect(values(x.sum({ dtype: "bool" }))).toBe(true);
  });

  it("of means are floats", () => {
    expect(() => ints([1]).mean()).toThrow(DTypeError);
    expect(() => ints([1]).std()).toThrow(DTypeError);
    expect(() => ints([1]).norm()).toThrow(DTypeError);
  });

  it("half sums do not overflow on the way", () => {
    const big = torch.full([4], 60000, { dtype: "float16" });
    expect(values(big.mean())).toBe(60000);
    expect(values(big.std())).toBe(0);
    expect(type(big.mean())).toBe("float16[]");
    expect(values(big.norm())).toBe(Infinity); // 120000 is no float16
  });

  it("of truths are bool, of uint8 uint8", () => {
    expect(type(x.any(1))).toBe("bool[2]");
    expect(type(torch.ones([2], { dtype: "uint8" }).all())).toBe("uint8[]");
  });
});

describe("empty tensors", () => {
  it("have sums and products, and no extremes", () => {
    const empty = torch.zeros(0, 3);
    expect(values(empty.sum())).toBe(0);
    expect(values(empty.prod(0))).toEqual([1, 1, 1]);
    expect(values(empty.mean())).toBe(NaN);
    expect(values(empty.all())).toBe(true);
    expect(values(empty.logsumexp(0))).toEqual([-Infinity, -Infinity, -Infinity]);
    expect(values(empty.median())).toBe(NaN);
    expect(() => empty.max()).toThrow(
      "Cannot max float32[0, 3]: specify the reduction dim by dim, got 0 elements",
    );
    expect(() => empty.max(0)).toThrow(IndexError);
    expect(() => empty.amax(0)).toThrow(IndexError);
    expect(() => empty.argmin()).toThrow(IndexError);
    expect(type(empty.max(1)[0])).toBe("float32[0]");
  });
});

describe("max and min", () => {
  it("have PyTorch's overloads", () => {
    expect(values(x.max())).toBe(6);
    expect(values(torch.max(x, torch.zeros(3)))).toEqual([[1, 2, 3], [4, 0, 6]]);
    const { values: largest, indices } = x.max(1);
    expect([values(largest), values(indices)]).toEqual([[3, 6], [2, 2]]);
    expect(torch.min(x, { dim: 0, keepdim: true }).map(values)).toEqual([[[1, -5, 3]], [[0, 1, 0]]]);
    expect(x.min(1, true).map(type)).toEqual(["float32[2, 1]", "int32[2, 1]"]);
  });

  it("give the first place among equals, and NaN", () => {
    expect(torch.tensor([1, 3, 3]).max(0).map(values)).toEqual([3, 1]);
    expect(torch.tensor([1, NaN, 3, NaN]).max(0).map(values)).toEqual([NaN, 1]);
    expect(torch.tensor([true, false]).min(0).map(values)).toEqual([false, 1]);
  });

  it("aminmax gives both", () => {
    const { min, max } = x.aminmax({ dim: 1 });
    expect([values(min), values(max)]).toEqual([[1, -5], [3, 6]]);
  });

  it("argmax counts in row-major order without dim", () => {
    expect(values(x.argmax())).toBe(5);
    expect(values(x.argmin({ keepdim: true }))).toEqual([[4]]);
    expect(values(x.argmax(1))).toEqual([2, 2]);
  });
});

describe("median, mode, kthvalue", () => {
  it("median is the lower one, and NaN where one is", () => {
    expect(values(torch.tensor([4, 1, 3, 2]).median())).toBe(2);
    const y = torch.tensor([[3, 1, 2], [1, NaN, 0]]);
    expect(y.median(1).map(values)).toEqual([[2, NaN], [2, 1]]);
    expect(y.nanmedian(1).map(values)).toEqual([[2, 0], [2, 2]]);
    expect(values(y.nanmedian())).toBe(1);
    expect(values(torch.tensor([NaN, NaN]).nanmedian())).toBe(NaN);
    expect(values(ints([3, 1, 2]).median())).toBe(2);
  });

  it("mode is the smallest of the most frequent", () => {
    const { values: found, indices } = torch.tensor([[3, 1, 3, 1], [2, 5, 5, 0]]).mode();
    expect(values(found)).toEqual([1, 5]);
    expect([1, 3]).toContain((values(indices) as number[])[0]);
    expect([1, 2]).toContain((values(indices) as number[])[1]);
  });

  it("kthvalue counts from 1", () => {
    expect(x.kthvalue(1).map(values)).toEqual([[1, -5], [0, 1]]);
    expect(() => x.kthvalue(4)).toThrow("Cannot kthvalue float32[2, 3]: k must be from 1 to 3, got 4");
    expect(() => x.kthvalue(0)).toThrow(IndexError);
  });
});

describe("spread", () => {
  it("var and std take PyTorch's arguments", () => {
    const y = torch.tensor([1, 2, 3, 4]);
    expect(values(y.var())).toBeCloseTo(5 / 3, 6);
    expect(values(y.var(false))).toBe(1.25);
    expect(values(y.var(0, false, true))).toEqual([1.25]);
    expect(values(y.var({ correction: 2 }))).toBe(2.5);
    expect(values(torch.std(y, { unbiased: false }))).toBeCloseTo(Math.sqrt(1.25), 6);
    expect(torch.varMean(y, 0).map(values)).toEqual([Math.fround(5 / 3), 2.5]);
    expect(torch.stdMean(y, { correction: 0 }).map(type)).toEqual(["float32[]", "float32[]"]);
    expect(values(torch.tensor([1]).var())).toBe(NaN);
  });

  it("quantile interpolates", () => {
    const y = torch.tensor([0, 10, 20, 30]);
    const at = (interpolation: torch.Interpolation) => values(y.quantile(0.4, { interpolation }));
    expect(["linear", "lower", "higher", "midpoint", "nearest"].map((how) => at(how as torch.Interpolation)))
      .toEqual([12, 10, 20, 15, 10]);
    expect(values(x.quantile(torch.tensor([0, 1]), 1, true))).toEqual([[[1], [-5]], [[3], [6]]]);
    expect(values(torch.tensor([1, NaN]).quantile(0.5))).toBe(NaN);
    expect(values(torch.tensor([1, NaN, 2]).nanquantile(0.5))).toBe(1.5);
    expect(() => y.quantile(1.5)).toThrow("Cannot quantile float32[4]: q must be from 0 to 1, got 1.5");
    expect(() => y.quantile(0.5, { interpolation: "cubic" as never })).toThrow(ValueError);
  });

  it("cov takes weights, corrcoef is limited to 1", () => {
    const y = torch.tensor([[1, 2, 4], [2, 4, 8]]);
    expect(values(torch.tensor([1, 2, 4]).cov())).toBeCloseTo(7 / 3, 5);
    expect(values(torch.tensor([1, 2, 4]).cov({ correction: 0, fweights: ints([1, 0, 1]) }))).toBeCloseTo(
      2.25,
      5,
    );
    expect(torch.allclose(y.corrcoef(), torch.ones(2, 2))).toBe(true);
    expect(() => torch.zeros(1, 1, 1).cov()).toThrow(ShapeError);
  });
});

describe("norms", () => {
  const y = torch.tensor([3, -4, 0]);
  it("of every order", () => {
    expect([2, 1, 0, Infinity, -Infinity, "fro"].map((p) => values(y.norm(p as number)))).toEqual([
      5,
      7,
      2,
      4,
      0,
      5,
    ]);
    expect(values(y.norm(3))).toBeCloseTo(Math.cbrt(91), 5);
    expect(values(torch.tensor([[3, 0], [0, 4]]).norm("nuc"))).toBeCloseTo(7, 5);
    expect(values(x.norm({ dim: 1, p: 1 }))).toEqual([6, 15]);
    expect(values(torch.dist(y, torch.zeros(3), 1))).toBe(7);
    expect(values(torch.renorm(torch.tensor([[3, 4], [0.3, 0.4]]), 2, 0, 1))).toEqual(
      [[Math.fround(0.6), Math.fround(0.8)], [Math.fround(0.3), Math.fround(0.4)]],
    );
  });

  it("of nothing exist unless they ask for an extreme", () => {
    expect(values(torch.zeros(0).norm())).toBe(0);
    expect(() => torch.zeros(0).norm(Infinity)).toThrow(ValueError);
  });
});

describe("running and neighbours", () => {
  it("cumulative functions keep the shape", () => {
    expect(values(x.cumsum(1))).toEqual([[1, 3, 6], [4, -1, 5]]);
    expect(values(x.clone().cumprod_(0))).toEqual([[1, 2, 3], [4, -10, 18]]);
    expect(x.cummin(1).map(values)).toEqual([[[1, 1, 1], [4, -5, -5]], [[0, 0, 0], [0, 1, 1]]]);
    expect(values(torch.logcumsumexp(torch.tensor([1000, 1000]), 0))).toEqual([
      1000,
      Math.fround(1000 + Math.LN2),
    ]);
    expect(values(ints([1, 2]).cumsum_(0))).toEqual([1, 3]);
  });

  it("diff of several orders, with ends, of bools", () => {
    expect(values(torch.tensor([1, 4, 9, 16]).diff(2))).toEqual([2, 2]);
    expect(values(torch.tensor([1, 4]).diff({ prepend: torch.zeros(1), append: torch.zeros(1) }))).toEqual([
      1,
      3,
      -4,
    ]);
    expect(values(torch.tensor([true, false, false]).diff())).toEqual([true, false]);
    expect(() => torch.tensor(1).diff()).toThrow(ShapeError);
  });

  it("integrals and slopes", () => {
    const y = torch.tensor([1, 2, 4]);
    expect(values(torch.trapezoid(y))).toBe(4.5);
    expect(values(torch.trapezoid(y, { dx: 2 }))).toBe(9);
    expect(values(torch.trapezoid(torch.tensor([[1, 2], [4, 8], [2, 0]]), { dim: 0, dx: 0.5 }))).toEqual([
      2.75,
      4.5,
    ]);
    expect(values(torch.trapezoid(torch.tensor([1, Infinity, 2])))).toBe(Infinity);
    expect(values(torch.trapezoid(torch.tensor([3])))).toBe(0);
    expect(values(torch.trapezoid(torch.zeros(2, 0)))).toEqual([0, 0]);
    expect(values(torch.trapezoid(y, torch.tensor([0, 1, 3])))).toBe(7.5);
    expect(values(torch.cumulativeTrapezoid(y))).toEqual([1.5, 4.5]);
    expect(torch.gradient(torch.tensor([1, 4, 9, 16])).map(values)).toEqual([[3, 4, 6, 7]]);
    expect(torch.gradient(torch.tensor([1, 4, 9, 16]), { spacing: 2, edgeOrder: 2 }).map(values)).toEqual([[
      1,
      2,
      3,
      4,
    ]]);
    expect(() => torch.gradient(torch.tensor([1]))).toThrow(ValueError);
  });
});

describe("sumToSize", () => {
  it("undoes broadcasting", () => {
    expect(values(x.sumToSize(1, 3))).toEqual([[5, -3, 9]]);
    expect(values(x.sumToSize([3]))).toEqual([5, -3, 9]);
    expect(() => x.sumToSize(2)).toThrow(
      "Cannot sumToSize float32[2, 3]: size must broadcast to its shape, got [2]",
    );
  });
});
