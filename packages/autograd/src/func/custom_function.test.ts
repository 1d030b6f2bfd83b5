import type { Tensor } from "@flambeau/tensor";
import { describe, expect, it } from "vitest";
import { Function, type FunctionContext } from "../function.ts";
import { leaf, t, values } from "../test_support.ts";
import { jvp } from "./forward.ts";
import { jacrev } from "./jacobian.ts";
import { grad, vjp } from "./reverse.ts";
import { vmap } from "./vmap.ts";

/** The sign of x, with the slope 1 as its own: no rule of a primitive has it. */
class StraightThrough extends Function {
  static override forward(_: FunctionContext, x: Tensor): Tensor {
    return x.sign();
  }
  static override backward(_: FunctionContext, g: Tensor): Tensor {
    return g;
  }
  static override jvp(_: FunctionContext, tangent: Tensor): Tensor {
    return tangent;
  }
}

let forwards = 0;

/** w · x³, with what it needs saved: inputs, an output and a value between. */
class ScaledCube extends Function {
  static override forward(context: FunctionContext, w: Tensor, x: Tensor, times: number): Tensor[] {
    forwards++;
    const square = x.mul(x);
    const y = w.mul(square).mul(x).mul(times);
    context.saveForBackward(w, x, square);
    context.state["times"] = times;
    return [y, x.neg()];
  }
  static override backward(context: FunctionContext, g: Tensor, h: Tensor): (Tensor | null)[] {
    const [w, x] = context.savedTensors as [Tensor, Tensor];
    const times = context.state["times"] as number;
    const cube = x.mul(x).mul(x);
    return [g.mul(cube).mul(times), g.mul(w).mul(x.mul(x)).mul(3 * times).sub(h), null];
  }
}

const ste = (x: Tensor): Tensor => StraightThrough.apply(x) as Tensor;
const cube = (w: Tensor, x: Tensor): Tensor => (ScaledCube.apply(w, x, 2) as Tensor[])[0]!;
const both = (w: Tensor, x: Tensor): Tensor[] => ScaledCube.apply(w, x, 2) as Tensor[];

/** The same function without a backward pass of its own. */
const plain = (w: Tensor, x: Tensor): Tensor[] => [w.mul(x).mul(x).mul(x).mul(2), x.neg()];

describe("a Function with its own backward inside transforms", () => {
  const x = t([-2, 0.5, 3]);

  it("is used by grad, at every level", () => {
    expect(values(grad((x: Tensor) => ste(x).mul(x).sum())(x))).toEqual([-3, 1.5, 4]);
    // d/dx (sign x + x) is 1 by the backward pass and 1 by the product.
    const twice = grad((x: Tensor) => grad((x: Tensor) => ste(x).mul(x).sum())(x).sum());
    expect(values(twice(x))).toEqual([2, 2, 2]);
  });

  it("is used behind a plain leaf that a transform sees", () => {
    const y = leaf([-2, 0.5, 3]);
    grad((s: Tensor) => ste(y).mul(s).sum())(t([1, 2, 3])).sum().backward();
    expect(values(y.grad)).toEqual([1, 1, 1]);
  });

  it("is used for every element of a batch, in any order of transforms", () => {
    const rows = t([-2, 0.5, 3, -1, 2, -4], [2, 3]);
    const perRow = vmap(grad((x: Tensor) => ste(x).mul(x).sum()))(rows);
    expect(values(perRow)).toEqual([-3, 1.5, 4, -2, 3, -5]);
    const whole = grad((rows: Tensor) => vmap((x: Tensor) => ste(x).mul(x))(rows).sum())(rows);
    expect(values(whole)).toEqual([-3, 1.5, 4, -2, 3, -5]);
    expect(values(jacrev(ste)(x))).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it("gives shared inputs the sum of the gradients of the batch, and saves what it must", () => {
    const w = t([1, 2, 3]);
    const rows = t([-2, 0.5, 3, -1, 2, -4], [2, 3]);
    for (const inDims of [[null, 0], [0, null], [0, 0]] as const) {
      const args: [Tensor, Tensor] = [inDims[0] === null ? w : rows.add(1), inDims[1] === null ? w : rows];
      const loss = (f: (w: Tensor, x: Tensor) => Tensor[]) => (w: Tensor, x: Tensor) => {
        const [y, z] = vmap(f, { inDims })(w, x) as [Tensor, Tensor];
        return y.mul(y).sum().add(z.exp().sum());
      };
      const got = grad(loss(both), { argnums: [0, 1] })(...args);
      const want = grad(loss(plain), { argnums: [0, 1] })(...args);
      got.forEach((g, i) => {
        const expected = values(want[i]!);
        values(g).forEach((v, k) => expect(v).toBeCloseTo(expected[k]!, 9));
      });
    }
  });

  it("runs forward once however many transforms there are", () => {
    forwards = 0;
    vmap(grad((x: Tensor) => grad((x: Tensor) => cube(x, x).sum())(x).sum()))(t([1, 2, 3, 4], [2, 2]));
    expect(forwards).toBe(1);
  });

  it("differentiates its backward pass", () => {
    const [w, at] = [t([1, 2, 3]), t([-2, 0.5, 3])];
    const second = (f: (w: Tensor, x: Tensor) => Tensor) =>
      values(grad((x: Tensor) => grad((x: Tensor) => f(w, x).sum())(x).pow(2).sum())(at));
    const want = second((w, x) => plain(w, x)[0]!);
    second(cube).forEach((v, i) => expect(v).toBeCloseTo(want[i]!, 9));
  });

  it("goes forward by its own jvp, alone and in batches", () => {
    const v = t([1, 2, 3]);
    const [y, slope] = jvp(ste, [x], [v]);
    expect(values(y)).toEqual([-1, 1, 1]);
    expect(values(slope)).toEqual([1, 2, 3]);
    const rows = t([1, 2, 3, 4, 5, 6], [2, 3]);
    expect(values(vmap((v: Tensor) => jvp(ste, [x], [v])[1])(rows))).toEqual([1, 2, 3, 4, 5, 6]);
    const batch = jvp((rows: Tensor) => vmap(ste)(rows), [rows], [rows])[1];
    expect(values(batch)).toEqual([1, 2, 3, 4, 5, 6]);
    // Forward over reverse: g = sign x + x has the tangent v + v.
    const slopes = jvp(grad((x: Tensor) => ste(x).mul(x).sum()), [x], [v])[1];
    expect(values(slopes)).toEqual([2, 4, 6]);
  });

  it("says that it has no jvp", () => {
    expect(() => jvp(cube, [x, x], [x, x])).toThrow(
      "Cannot run ScaledCube in forward mode: it must have a static jvp function",
    );
    // Without tangents there is nothing to run.
    expect(values(jvp((x: Tensor) => cube(x.detach(), x.detach()), [x], [x])[1])).toEqual([0, 0, 0]);
  });

  it("pulls back through vjp many times", () => {
    const [y, pullback] = vjp(ste, x);
    expect(values(y)).toEqual([-1, 1, 1]);
    expect(values(pullback(t([1, 2, 3]))[0])).toEqual([1, 2, 3]);
    expect(values(pullback(t([4, 5, 6]))[0])).toEqual([4, 5, 6]);
  });
});
