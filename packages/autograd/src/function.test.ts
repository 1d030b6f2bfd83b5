import { describe, expect, test } from "vitest";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { detectAnomaly } from "./anomaly.ts";
import { grad } from "./engine.ts";
import { Function, type FunctionContext } from "./function.ts";
import { gradcheck, gradgradcheck } from "./gradcheck.ts";
import { leaf, t, values } from "./test_support.ts";
import { Variable } from "./variable.ts";

const total = (x: Tensor): Tensor => bind("sum", [x], { dims: x.shape.map((_, d) => d), keepdim: false });

class Exp extends Function {
  static override forward(ctx: FunctionContext, x: Tensor): Tensor {
    const y = bind("exp", [x], null);
    ctx.saveForBackward(y);
    return y;
  }
  static override backward(ctx: FunctionContext, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0]!);
  }
}

class Wrong extends Function {
  static override forward(ctx: FunctionContext, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.mul(x);
  }
  static override backward(ctx: FunctionContext, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0]!); // the factor 2 is missing
  }
}

describe("Function", () => {
  test("its backward is used, once and twice", () => {
    const x = leaf([0.5, -1]);
    expect(gradcheck((a) => Exp.apply(a), x)).toBe(true);
    expect(gradgradcheck((a) => Exp.apply(a), x)).toBe(true);
  });

  test("its node has its name", () => {
    expect(String(Exp.apply(leaf([1])).gradFn)).toBe("<ExpBackward>");
  });

  test("saved tensors are freed after the pass", () => {
    const y = total(Exp.apply(leaf([1])));
    y.backward();
    expect(() => y.backward()).toThrow(/second time/);
  });

  test("an input that comes back has a history of its own", () => {
    class Same extends Function {
      static override forward(_: FunctionContext, x: Tensor): Tensor {
        return x;
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g.mul(7);
      }
    }
    const x = leaf([1]);
    total(Same.apply(x)).backward();
    expect(values(x.grad)).toEqual([7]);
    expect(x.isLeaf).toBe(true);
  });

  test("too few gradients are an error", () => {
    class Few extends Function {
      static override forward(_: FunctionContext, x: Tensor, y: Tensor): Tensor {
        return x.add(y);
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g;
      }
    }
    expect(() => total(Few.apply(leaf([1]), leaf([1]))).backward()).toThrow(/expected 2, got 1/);
  });
});

describe("gradcheck", () => {
  test("finds a wrong derivative and says where", () => {
    const x = leaf([3]);
    expect(() => gradcheck((a) => Wrong.apply(a), x)).toThrow(
      /is 3, finite differences give 6|is 3, finite differences give 5\.99/,
    );
    expect(gradcheck((a) => Wrong.apply(a), x, { raiseException: false })).toBe(false);
  });

  test("checks every output, although moving an input overwrites what all have saved", () => {
    const x = leaf([3, 4]);
    expect(gradcheck((a) => [a.mul(a), bind("exp", [a], null), a.mul(a).mul(a)], x)).toBe(true);
    expect(gradgradcheck((a) => [a.mul(a), a.mul(a).mul(a)], x)).toBe(true);
    expect(gradcheck((a) => [a.mul(a), Wrong.apply(a)], x, { raiseException: false })).toBe(false);
  });

  test("leaves the inputs as they were", () => {
    const x = leaf([3, 4]);
    gradcheck((a) => a.mul(a), x);
    expect(values(x)).toEqual([3, 4]);
  });
});

describe("detectAnomaly", () => {
  test("names the forward call behind a NaN gradient", () => {
    const x = leaf([0]);
    expect(() =>
      detectAnomaly(() => {
        const y = bind("sqrt", [x], null).mul(0);
        total(y.mul(bind("reciprocal", [x], null))).backward();
      })
    ).toThrow(/ReciprocalBackward0 returned nan values[\s\S]*function\.test/);
  });
});

describe("Variable", () => {
  test("shares memory with its data", () => {
    const data = t([1, 2]);
    const x = Variable(data, { requiresGrad: true });
    expect(x.requiresGrad).toBe(true);
    expect(data.requiresGrad).toBe(false);
    data.add_(1);
    expect(values(x)).toEqual([2, 3]);
  });

  test("volatile turns recording off for all that is made from it", () => {
    const x = Variable(t([1]), { volatile: true });
    const w = leaf([2]);
    const y = w.mul(x).add(w);
    expect(y.requiresGrad).toBe(false);
    expect(grad(total(w.mul(2)), w).length).toBe(1);
    expect(() => Variable(t([1]), { volatile: true, requiresGrad: true })).toThrow(
      /volatile and require grad/,
    );
  });
});
