import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, ShapeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const values = (x: Tensor) => x.toArraySync();
const counting = (...shape: number[]) =>
  torch.arange(shape.reduce((n, s) => n * s, 1)).to("float32").reshape(shape);
const shape = (x: Tensor) => [...x.shape];

describe("matmul", () => {
  it.each([
    [[3], [3], []],
    [[2, 3], [3], [2]],
    [[3], [3, 4], [4]],
    [[2, 3], [3, 4], [2, 4]],
    [[5, 2, 3], [3], [5, 2]],
    [[3], [5, 3, 4], [5, 4]],
    [[5, 2, 3], [3, 4], [5, 2, 4]],
    [[2, 3], [5, 3, 4], [5, 2, 4]],
    [[1, 2, 3], [5, 3, 4], [5, 2, 4]],
    [[6, 1, 2, 3], [5, 3, 4], [6, 5, 2, 4]],
    [[2, 0], [0, 3], [2, 3]],
  ])("%o @ %o → %o", (a, b, out) => expect(shape(torch.matmul(torch.ones(a), torch.ones(b)))).toEqual(out));

  it("of no inner elements is 0", () => {
    expect(values(torch.matmul(torch.ones([2, 0]), torch.ones([0, 2])))).toEqual([[0, 0], [0, 0]]);
  });

  it("says what does not fit", () => {
    expect(() => torch.matmul(counting(2, 3), counting(4, 5))).toThrow(
      "Cannot matmul float32[2, 3] and float32[4, 5]: inner sizes must match, got 3 and 4",
    );
    expect(() => torch.matmul(torch.tensor(1), counting(2))).toThrow(ShapeError);
    expect(() => torch.mm(counting(2), counting(2))).toThrow("ranks must be 2 and 2, got 1 and 1");
    expect(() => torch.bmm(counting(2, 2, 2), counting(3, 2, 2))).toThrow(
      "batch sizes must match, got 2 and 3",
    );
    expect(() => torch.dot(counting(2), counting(3))).toThrow(/inner sizes/);
    expect(() => torch.mm(counting(2, 2), torch.ones([2, 2], { dtype: "int32" }))).toThrow(DTypeError);
  });
});

describe("addmm", () => {
  const [a, b] = [counting(2, 2), torch.eye(2)];
  it("scales both terms", () => {
    expect(values(torch.addmm(torch.ones([2]), a, b, { beta: 2, alpha: 3 }))).toEqual([[2, 5], [8, 11]]);
  });

  it("does not look at an input of factor 0", () => {
    expect(values(torch.addmm(torch.full([2, 2], NaN), a, b, { beta: 0 }))).toEqual([[0, 1], [2, 3]]);
  });

  it("refuses an input that does not broadcast", () => {
    expect(() => torch.addmm(torch.ones([3]), a, b)).toThrow("input must broadcast to [2, 2], got [3]");
    expect(() => torch.ones([2]).addmm_(a, b)).toThrow(ShapeError);
  });
});

describe("linear and bilinear", () => {
  it("take any leading dimensions, and no bias", () => {
    const [w, b] = [counting(2, 3), torch.tensor([10, 20])];
    expect(values(torch.linear(torch.ones([3]), w, b))).toEqual([13, 32]);
    expect(shape(torch.linear(torch.ones([4, 5, 3]), w))).toEqual([4, 5, 2]);
    expect(values(torch.linear(torch.ones([2, 3]), torch.tensor([1, 2, 3]), torch.tensor(1)))).toEqual([
      7,
      7,
    ]);
    expect(() => torch.linear(torch.ones([4]), w)).toThrow(/inner sizes must match, got 4 and 3/);
    expect(values(torch.bilinear(torch.ones([2]), torch.tensor([1, 2]), counting(1, 2, 2)))).toEqual([10]);
    expect(() => torch.bilinear(torch.ones([2]), torch.ones([3]), counting(1, 2, 2))).toThrow(ShapeError);
  });
});

describe("einsum", () => {
  const x = counting(2, 3);
  it.each<[string, Tensor[], unknown]>([
    ["ij->ji", [x], [[0, 3], [1, 4], [2, 5]]],
    ["ba", [x], [[0, 3], [1, 4], [2, 5]]],
    ["ij->", [x], 15],
    ["i...->...", [x], [3, 5, 7]],
    ["...", [x], [[0, 1, 2], [3, 4, 5]]],
    ["ii", [counting(2, 2)], 3],
    ["ii->i", [counting(2, 2)], [0, 3]],
    ["ij,kj->ik", [x, x], [[5, 14], [14, 50]]],
    ["i,j", [torch.tensor([1, 2]), torch.tensor([3, 4])], [[3, 4], [6, 8]]],
    ["ij,jk", [torch.ones([2, 1]), counting(3, 1)], [[3], [3]]],
    ["bn,anm,bm->ba", [torch.ones([1, 2]), counting(1, 2, 2), torch.ones([1, 2])], [[6]]],
  ])("%s", (equation, operands, expected) => {
    expect(values(torch.einsum(equation, ...operands))).toEqual(expected);
    expect(values(torch.einsum(equation, operands))).toEqual(expected);
  });

  it.each<[string, Tensor[], RegExp]>([
    ["ij,jk", [x], /one list of labels for each operand/],
    ["ij->ijk", [x], /output label k must appear/],
    ["ij->ii", [x], /must not appear more than once/],
    ["i", [x], /number of labels must match its dimensions, got 1 for 2/],
    ["i1", [x], /labels must be letters/],
    ["ii", [x], /label i must have size 2 or 1, got 3/],
    ["ij,jk", [x, counting(2, 2)], /label j must have size 3 or 1, got 2/],
    ["i->j->k", [x], /at most one/],
  ])("refuses %s", (equation, operands, message) => {
    expect(() => torch.einsum(equation, ...operands)).toThrow(message);
  });

  it("contracts the cheapest pair first", () => {
    // 100 · 100 · 100 · 100 elements would not be made for this chain.
    const wide = torch.ones([100, 2]);
    const y = torch.einsum("ai,bi,bk,ck->ac", wide, wide, wide, wide);
    expect(shape(y)).toEqual([100, 100]);
    expect(y.index(0, 0).itemSync()).toBe(400);
  });
});

describe("other products", () => {
  it("tensordot, kron, trace and cross", () => {
    const x = counting(2, 2);
    expect(values(torch.tensordot(x, x, 1))).toEqual([[2, 3], [6, 11]]);
    expect(values(torch.tensordot(x, x, [[0], [0]]))).toEqual([[4, 6], [6, 10]]);
    expect(values(torch.kron(torch.tensor([1, 2]), torch.tensor([3, 4])))).toEqual([3, 4, 6, 8]);
    expect(values(torch.kron(x, torch.tensor([[1, 10], [100, 1000]])))).toEqual([
      [0, 0, 1, 10],
      [0, 0, 100, 1000],
      [2, 20, 3, 30],
      [200, 2000, 300, 3000],
    ]);
    expect(values(torch.kron(torch.tensor([1, 2]), x))).toEqual([[0, 1, 0, 2], [2, 3, 4, 6]]);
    expect(values(torch.trace(torch.ones([3, 2], { dtype: "uint8" })))).toBe(2);
    expect(values(torch.cross(torch.tensor([[1, 2, 3]]), torch.tensor([[4, 5, 6]])))).toEqual([[-3, 6, -3]]);
    expect(() => torch.cross(counting(2), counting(2))).toThrow(/dimension of size 3/);
    expect(() => torch.tensordot(x, counting(3, 3), 1)).toThrow("contracted sizes must match, got 2 and 3");
  });

  it("multiDot takes vectors at the ends", () => {
    const [v, m] = [torch.ones([2]), counting(2, 2)];
    expect(values(torch.linalg.multiDot([v, m, v]))).toBe(6);
    expect(values(torch.linalg.multiDot([v, m]))).toEqual([2, 4]);
    expect(values(torch.chainMatmul(m, m, m))).toEqual([[6, 11], [22, 39]]);
    expect(() => torch.linalg.multiDot([m])).toThrow(ValueError);
    expect(() => torch.linalg.multiDot([m, counting(3, 3)])).toThrow(/inner sizes must match, got 2 and 3/);
  });

  it("cdist has slope 0 between equal points", () => {
    const x = torch.tensor([[0, 0], [3, 4]]);
    expect(values(torch.cdist(x, x))).toEqual([[0, 5], [5, 0]]);
    expect(values(torch.cdist(x, x, Infinity))).toEqual([[0, 4], [4, 0]]);
    expect(() => torch.cdist(x, x, -1)).toThrow(ValueError);
  });
});
