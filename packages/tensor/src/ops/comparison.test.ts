import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const floats = (...values: number[]) => torch.tensor(values);
const values = (x: torch.Tensor) => x.toArraySync();

describe("comparisons", () => {
  it("broadcast, promote and give bools", () => {
    const x = torch.tensor([[1, 2], [3, 4]]);
    const y = x.ge(torch.tensor([2, 4], { dtype: "int32" }));
    expect(y.dtype.name).toBe("bool");
    expect(values(y)).toEqual([[false, false], [true, true]]);
    expect(values(torch.lt(2, x))).toEqual([[false, false], [true, true]]);
  });

  it("go by PyTorch's other names", () => {
    expect(torch.greater).toBe(torch.gt);
    expect(torch.lessEqual).toBe(torch.le);
    expect(values(floats(1, 2).notEqual(1))).toEqual([false, true]);
  });
});

describe("isclose", () => {
  it("allows a share of the second operand", () => {
    expect(values(torch.isclose(floats(100, 100), floats(101, 102), { rtol: 0.01 }))).toEqual([true, false]);
    expect(values(torch.isclose(floats(0), floats(0.5), 0, 0.5))).toEqual([true]);
  });

  it("takes infinities as equal to themselves only, NaN by request", () => {
    const [x, y] = [floats(Infinity, Infinity, NaN), floats(Infinity, 1e30, NaN)];
    expect(values(torch.isclose(x, y))).toEqual([true, false, false]);
    expect(values(torch.isclose(x, y, { equalNan: true }))).toEqual([true, false, true]);
  });

  it("compares integers and bools", () => {
    const x = torch.tensor([1000000, 7], { dtype: "int32" });
    expect(values(torch.isclose(x, x.add(1)))).toEqual([true, false]);
    expect(values(torch.isclose(torch.tensor([true]), torch.tensor([true])))).toEqual([true]);
  });

  it("refuses negative tolerances and different dtypes", () => {
    expect(() => torch.isclose(floats(1), floats(1), { rtol: -0.4 })).toThrow(ValueError);
    expect(() => torch.isclose(floats(1), torch.ones([1], { dtype: "int32" }))).toThrow(DTypeError);
  });
});

describe("allclose and equal", () => {
  it("give booleans", () => {
    expect(torch.allclose(floats(1, 2), floats(1, 2 + 1e-6))).toBe(true);
    expect(torch.allclose(floats(1, 2), floats(1, 2.1))).toBe(false);
    expect(floats(1, 2).equal(floats(1, 2))).toBe(true);
    expect(floats(1, 2).equal(torch.tensor([[1, 2]]))).toBe(false);
    expect(torch.equal(torch.zeros(0), torch.zeros(0))).toBe(true);
    expect(floats(NaN).equal(floats(NaN))).toBe(false);
  });
});

describe("isin", () => {
  it("finds elements in any order, on both sides numbers", () => {
    const x = torch.tensor([[5, 1], [2, 9]]);
    expect(values(torch.isin(x, floats(9, 1, 1)))).toEqual([[false, true], [false, true]]);
    expect(values(torch.isin(x, 2))).toEqual([[false, false], [true, false]]);
    expect(values(torch.isin(5, x))).toBe(true);
    expect(values(torch.isin(x, floats(9), { invert: true }))).toEqual([[true, true], [true, false]]);
  });

  it("finds many integers, in a table where the list is dense and by search where it is not", () => {
    const many = Array.from({ length: 2000 }, (_, i) => (i * 37) % 251);
    const lists: [dtype: "int64" | "int32" | "uint8", list: number[]][] = [
      ["uint8", [0, 250, 7, 7, 255]],
      ["int32", [-5, 3, 600, 250]],
      ["int32", [-(2 ** 31), 3]],
      ["int32", [2 ** 31 - 1]],
      ["int64", [-1, 12, 250]],
      ["int64", [2 ** 40, 12]],
      ["int64", [2 ** 40, 2 ** 40 + 2]],
    ];
    for (const [dtype, list] of lists) {
      const found = torch.isin(torch.tensor(many, { dtype }), torch.tensor(list, { dtype }));
      expect(values(found)).toEqual(many.map((v) => list.includes(v)));
    }
    const wide = torch.tensor(many.map((v) => v - 100 + (v % 2) * 2 ** 40), { dtype: "int64" });
    const far = torch.isin(wide, torch.tensor([-100, 0, 2 ** 40 + 1 - 100], { dtype: "int64" }));
    expect(values(far)).toEqual(many.map((v) => v === 0 || v === 100 || v === 1));
  });

  it("finds nothing among nothing, and no NaN", () => {
    expect(values(torch.isin(floats(1, NaN), torch.zeros(0)))).toEqual([false, false]);
    expect(values(torch.isin(floats(1, NaN), floats(NaN, 1)))).toEqual([true, false]);
    expect(values(torch.isin(torch.tensor([true, false]), torch.tensor([true])))).toEqual([true, false]);
  });
});

describe("logical functions", () => {
  it("take what is not 0 as true", () => {
    const [x, y] = [floats(0, 2, NaN), floats(1, 1, 0)];
    expect(values(torch.logicalAnd(x, y))).toEqual([false, true, false]);
    expect(values(torch.logicalOr(x, y))).toEqual([true, true, true]);
    expect(values(torch.logicalXor(x, y))).toEqual([true, false, true]);
    expect(values(x.logicalNot())).toEqual([true, false, false]);
    expect(values(x.logicalNot_())).toEqual([1, 0, 0]);
  });
});

describe("where", () => {
  it("chooses between tensors and numbers", () => {
    const cond = torch.tensor([true, false]);
    expect(values(torch.where(cond, floats(1, 2), 0))).toEqual([1, 0]);
    expect(torch.where(cond, torch.ones([2], { dtype: "int32" }), 0.5).dtype.name).toBe("float32");
    expect(values(floats(1, 2).where(cond, floats(8, 9)))).toEqual([1, 9]);
  });

  it("gives places for a condition alone, one tensor per dimension", () => {
    const found = torch.where(torch.tensor([[0, 1], [2, 0]]));
    expect(found.map(values)).toEqual([[0, 1], [1, 0]]);
    expect(torch.where(torch.tensor(5)).map(values)).toEqual([[0]]);
  });

  it("wants a condition of bools", () => {
    expect(() => torch.where(floats(1), 1, 0)).toThrow("condition must have dtype bool, got float32");
  });
});

describe("tests of values", () => {
  it("tell NaN, infinite and finite apart, for every dtype", () => {
    const x = floats(NaN, Infinity, -Infinity, -0, 1);
    expect(values(x.isnan())).toEqual([true, false, false, false, false]);
    expect(values(x.isinf())).toEqual([false, true, true, false, false]);
    expect(values(x.isfinite())).toEqual([false, false, false, true, true]);
    expect(values(x.isposinf())).toEqual([false, true, false, false, false]);
    expect(values(x.isneginf())).toEqual([false, false, true, false, false]);
    expect(values(floats(-0, 0, -1).signbit())).toEqual([true, false, true]);
    const whole = torch.ones([1], { dtype: "int32" });
    expect([whole.isnan(), whole.isinf(), whole.isfinite()].map(values)).toEqual([[false], [false], [true]]);
  });

  it("isNonzero reads one element", () => {
    expect(torch.isNonzero(torch.tensor(0.5))).toBe(true);
    expect(() => torch.isNonzero(floats(1, 2))).toThrow(/2 elements/);
  });
});

describe("rounding", () => {
  it("takes halves to even, at any digit", () => {
    expect(values(floats(0.5, 1.5, -2.5).round())).toEqual([0, 2, -2]);
    expect(values(floats(1.25, -1.375).round({ decimals: 2 }))).toEqual([1.25, Math.fround(-1.38)]);
    expect(values(floats(1234, 5678).round({ decimals: -2 }))).toEqual([1200, 5700]);
  });

  it("copies integers and refuses bools", () => {
    const x = torch.tensor([1, 2], { dtype: "int32" });
    const y = x.floor();
    expect(y.storage).not.toBe(x.storage);
    expect(values(y)).toEqual([1, 2]);
    expect(() => torch.tensor([true]).ceil()).toThrow(DTypeError);
    expect(() => x.frac()).toThrow(DTypeError);
  });

  it("frac has the sign of its input", () => {
    expect(values(floats(1.75, -1.75).frac())).toEqual([0.75, -0.75]);
  });
});
