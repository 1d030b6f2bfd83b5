import { describe, expect, test } from "vitest";
import { bind } from "@flambeau/tensor/internal";
import type { Tensor } from "@flambeau/tensor";
import { grad } from "./engine.ts";
import { hessian, hvp, jacobian, jvp, vhp, vjp } from "./functional.ts";
import { leaf, t, values } from "./test_support.ts";

const total = (x: Tensor): Tensor => bind("sum", [x], { dims: x.shape.map((_, d) => d), keepdim: false });
// f(x) = x³ element by element; its Jacobian is diag(3x²)
const cube = (x: Tensor): Tensor => x.mul(x).mul(x);

describe("vjp and jvp", () => {
  test("multiply the Jacobian from the left and from the right", () => {
    const x = t([1, 2]);
    const y = t([3, 5]);
    // f(x, y) = (x₀ y₁, x₁ y₀)
    const f = (a: Tensor, b: Tensor): Tensor => a.mul(bind("flip", [b], { dims: [0] }));
    const [out, products] = vjp(f, [x, y], t([10, 100]));
    expect(values(out as Tensor)).toEqual([5, 6]);
    expect(products.map(values)).toEqual([[50, 300], [200, 10]]);
    const [, forward] = jvp(f, [x, y], [t([1, 0]), t([0, 1])]);
    expect(values(forward as Tensor)).toEqual([6, 0]);
  });

  test("leave the point alone, and give results without history", () => {
    const x = t([2]);
    const [out, product] = vjp(cube, x, t([1]));
    expect([x.requiresGrad, (out as Tensor).requiresGrad, product.requiresGrad]).toEqual([
      false,
      false,
      false,
    ]);
    expect(values(product)).toEqual([12]);
  });

  test("createGraph connects the result to the point", () => {
    const x = leaf([2]);
    const [, product] = vjp(cube, x, t([1]), { createGraph: true });
    expect(values(grad(total(product), x)[0]!)).toEqual([12]);
  });

  test("refuse vectors of other shapes", () => {
    expect(() => vjp(cube, t([1, 2]), t([1]))).toThrow(/v must be float64\[2\], got float64\[1\]/);
    expect(() => jvp(cube, t([1, 2]), t([1]))).toThrow(/v must be float64\[2\]/);
    expect(() => vjp(cube, t([1, 2]))).toThrow(/may only be left out/);
  });

  test("strict refuses inputs that do not matter", () => {
    const constant = (): Tensor => t([1]);
    expect(values(vjp(constant, t([5]), t([1]))[1])).toEqual([0]);
    expect(() => vjp(constant, t([5]), t([1]), { strict: true })).toThrow(/does not depend on input 0/);
  });
});

describe("jacobian and hessian", () => {
  test("have the output's dimensions first", () => {
    const j = jacobian((x) => bind("matmul", [x, t([1, 2, 3, 4, 5, 6], [3, 2])], null), t([1, 1, 1], [1, 3]));
    expect(j.shape).toEqual([1, 2, 1, 3]);
    expect(values(j)).toEqual([1, 3, 5, 2, 4, 6]);
  });

  test("of several inputs give one each", () => {
    const j = jacobian((x, y) => x.mul(y), [t([1, 2]), t([3, 4])]);
    expect(j.map(values)).toEqual([[3, 0, 0, 4], [1, 0, 0, 2]]);
  });

  test("hessian of a sum of cubes is diagonal", () => {
    expect(values(hessian((x) => total(cube(x)), t([1, 2])))).toEqual([6, 0, 0, 12]);
  });

  test("hessian of two inputs has mixed blocks", () => {
    const h = hessian((x, y) => total(x.mul(x).mul(y)), [t([2]), t([3])]);
    expect(h.map((row) => row.map(values))).toEqual([[[6], [4]], [[4], [0]]]);
  });

  test("hessian needs a single element", () => {
    expect(() => hessian(cube, t([1, 2]))).toThrow(/must give a single element/);
  });

  test("vhp and hvp multiply without forming it", () => {
    const [y, product] = vhp((x) => total(cube(x)), t([1, 2]), t([10, 100]));
    expect([values(y), values(product)]).toEqual([[9], [60, 1200]]);
    expect(values(hvp((x) => total(cube(x)), t([1, 2]), t([1, 1]))[1])).toEqual([6, 12]);
  });
});
