import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, ShapeError, TorchError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const ints = (...values: number[]) => torch.tensor(values, { dtype: "int32" });
const floats = (...values: number[]) => torch.tensor(values);
const values = (x: torch.Tensor) => x.toArraySync();
const dtype = (x: torch.Tensor) => x.dtype.name;

describe("promotion", () => {
  it("a number keeps the dtype of the tensor where its kind allows", () => {
    expect(dtype(ints(1).add(2))).toBe("int32");
    expect(dtype(ints(1).add(2.5))).toBe("float32");
    expect(dtype(torch.tensor([true]).add(1))).toBe("int32");
    expect(dtype(torch.ones([2], { dtype: "float16" }).mul(2.5))).toBe("float16");
  });

  it("tensors take their common dtype", () => {
    expect(dtype(ints(1).mul(floats(0.5)))).toBe("float32");
    expect(values(ints(3).mul(floats(0.5)))).toEqual([1.5]);
  });

  it("two numbers make a tensor", () => {
    expect(values(torch.add(-2, 1))).toBe(-1);
    expect(dtype(torch.add(-2, 1))).toBe("int32");
    expect(values(torch.div(1, 2))).toBe(0.5);
  });

  it("division makes floats of integers, rounding keeps them", () => {
    expect(values(ints(-7, 7).div(2))).toEqual([-3.5, 3.5]);
    expect(values(ints(-7, 7).div(2, { roundingMode: "floor" }))).toEqual([-4, 3]);
    expect(values(ints(-7, 7).div(2, { roundingMode: "trunc" }))).toEqual([-3, 3]);
    expect(dtype(ints(-7, 7).floorDivide(2))).toBe("int32");
    expect(() => ints(1).div(2, { roundingMode: "up" as never })).toThrow(ValueError);
  });
});

describe("in place", () => {
  it("writes in the dtype of the target and gives the target back", () => {
    const x = floats(1, 2);
    expect(x.add_(ints(1, 1))).toBe(x);
    expect(values(x)).toEqual([2, 3]);
    expect(dtype(x)).toBe("float32");
    expect(values(x.mul_(2).sub_(1).div_(2))).toEqual([1.5, 2.5]);
  });

  it("refuses floats into integers", () => {
    expect(() => ints(1).add_(0.5)).toThrow(/result type float32 can't be cast to int32/);
    expect(() => ints(1).div_(2)).toThrow(DTypeError);
    expect(() => ints(1).exp_()).toThrow(DTypeError);
  });

  it("refuses results of another shape, before anything changes", () => {
    const x = floats(1, 2);
    expect(() => x.add_(torch.ones(3, 2))).toThrow(ShapeError);
    expect(values(x)).toEqual([1, 2]);
  });

  it("writes through views", () => {
    const x = torch.zeros(2, 2);
    x.t().add_(torch.tensor([[1, 2], [3, 4]]));
    expect(values(x)).toEqual([[1, 3], [2, 4]]);
  });

  it("compares into the dtype of the target", () => {
    const x = floats(1, 5);
    expect(values(x.gt_(3))).toEqual([0, 1]);
    expect(dtype(x)).toBe("float32");
  });
});

describe("add and sub with alpha", () => {
  it("scale the second operand", () => {
    expect(values(floats(1, 2).add(floats(3, 4), { alpha: 0.5 }))).toEqual([2.5, 4]);
    expect(values(floats(1, 2).sub(floats(3, 4), { alpha: 2 }))).toEqual([-5, -6]);
    expect(values(ints(1).add(ints(3), { alpha: 2 }))).toEqual([7]);
    expect(values(floats(1).add_(floats(2), { alpha: 3 }))).toEqual([7]);
    expect(values(torch.rsub(floats(1), 5, { alpha: 2 }))).toEqual([3]);
  });

  it("want integers for integers", () => {
    expect(() => ints(1).add(ints(1), { alpha: 0.5 })).toThrow(/alpha must be an integer, got 0.5/);
  });

  it("take booleans for bools", () => {
    const [x, y] = [torch.tensor([true, false]), torch.tensor([false, true])];
    expect(values(x.add(y, { alpha: true }))).toEqual([true, true]);
    expect(values(x.add(y, { alpha: false }))).toEqual([true, false]);
  });
});

describe("sub", () => {
  it("refuses bools", () => {
    expect(() => torch.tensor([true]).sub(torch.tensor([true]))).toThrow(DTypeError);
    expect(() => torch.ones([1]).sub(torch.tensor([true]))).toThrow(/bool\[1\]; to invert a mask/);
    expect(() => torch.ones([1]).sub_(torch.tensor([true]))).toThrow(DTypeError);
    expect(() => torch.tensor([true]).sub(1)).toThrow(DTypeError);
    expect(() => torch.ones([1]).sub(true)).toThrow(DTypeError);
  });
});

describe("pow", () => {
  it("gives integers for integers, and takes a number as base", () => {
    expect(values(ints(2, 3).pow(3))).toEqual([8, 27]);
    expect(dtype(ints(2).pow(3))).toBe("int32");
    expect(values(torch.pow(2, ints(0, 5)))).toEqual([1, 32]);
  });

  it("refuses negative powers of integers", () => {
    expect(() => ints(2).pow(-1)).toThrow(/integers to negative integer powers are not allowed/);
  });

  it("agrees with its short forms", () => {
    const x = floats(0.25, 4);
    expect(values(x.pow(0.5))).toEqual([0.5, 2]);
    expect(values(x.pow(-0.5))).toEqual([2, 0.5]);
    expect(values(x.pow(-1))).toEqual([4, 0.25]);
    expect(values(x.pow(2))).toEqual([0.0625, 16]);
  });

  it("floatPower is double", () => {
    expect(dtype(torch.floatPower(ints(2), 0.5))).toBe("float64");
    expect(values(torch.floatPower(ints(2), 0.5))).toEqual([Math.SQRT2]);
  });
});

describe("remainder and fmod", () => {
  it("have the sign of the divisor and of the dividend", () => {
    expect(values(ints(-3, 3).remainder(2))).toEqual([1, 1]);
    expect(values(ints(-3, 3).fmod(2))).toEqual([-1, 1]);
    expect(values(torch.remainder(7, ints(-4)))).toEqual([-1]);
  });
});

describe("lerp", () => {
  it("is exact at both ends", () => {
    const [start, end] = [floats(1e8, 0.1), floats(1, 0.7)];
    expect(values(start.lerp(end, 0))).toEqual(values(start));
    expect(values(start.lerp(end, 1))).toEqual(values(end));
    expect(values(start.lerp(end, floats(0, 1)))).toEqual([1e8, Math.fround(0.7)]);
  });
});

describe("addcmul and addcdiv", () => {
  it("broadcast and scale", () => {
    expect(values(floats(1, 2).addcmul(torch.tensor(3), floats(1, 2), { value: 2 }))).toEqual([7, 14]);
    expect(values(floats(1, 2).addcdiv(floats(3, 4), floats(2, 2), { value: 2 }))).toEqual([4, 6]);
    expect(values(ints(2).addcmul(ints(-9), ints(-7), { value: 3.14 }))).toEqual([191]);
    expect(() => ints(2).addcdiv(ints(9), ints(3))).toThrow(DTypeError);
  });
});

describe("limits", () => {
  const x = () => floats(-2, 0.5, 3);

  it("clamp takes positions, names and tensors", () => {
    expect(values(x().clamp(-1, 1))).toEqual([-1, 0.5, 1]);
    expect(values(x().clamp({ max: 1 }))).toEqual([-2, 0.5, 1]);
    expect(values(x().clamp(null, 1))).toEqual([-2, 0.5, 1]);
    expect(values(x().clamp(floats(0, 1, 4)))).toEqual([0, 1, 4]);
    expect(values(x().clip_(0))).toEqual([0, 0.5, 3]);
    expect(values(torch.clampMin(x(), 0))).toEqual([0, 0.5, 3]);
    expect(values(torch.clampMax(x(), 0))).toEqual([-2, 0, 0]);
  });

  it("the upper limit wins where they cross", () => {
    expect(values(x().clamp(1, -1))).toEqual([-1, -1, -1]);
    expect(values(x().clamp(torch.tensor(1), torch.tensor(-1)))).toEqual([-1, -1, -1]);
  });

  it("a fractional limit makes floats of integers", () => {
    expect(values(ints(0, 3).clamp(0.5))).toEqual([0.5, 3]);
    expect(values(ints(0, 3).clamp(1))).toEqual([1, 3]);
    expect(dtype(ints(0, 3).clamp(1))).toBe("int32");
  });

  it("a NaN limit makes NaN", () => {
    expect(values(x().clamp(NaN))).toEqual([NaN, NaN, NaN]);
  });

  it("want a limit", () => {
    expect(() => x().clamp()).toThrow(/at least one of min or max must be given/);
  });

  it("fmax and fmin pass over NaN, maximum and minimum do not", () => {
    const [a, b] = [floats(1, NaN, NaN), floats(NaN, 2, NaN)];
    expect(values(torch.fmax(a, b))).toEqual([1, 2, NaN]);
    expect(values(torch.fmin(a, b))).toEqual([1, 2, NaN]);
    expect(values(torch.maximum(a, b))).toEqual([NaN, NaN, NaN]);
  });
});

describe("frexp", () => {
  it("takes numbers apart exactly, also the smallest and those next to a power of two", () => {
    const x = floats(1, 1 - 2 ** -24, -3, 0, 2 ** -149, 3e38, Infinity, NaN);
    const { mantissa, exponent } = torch.frexp(x);
    expect(values(mantissa)).toEqual([
      0.5,
      1 - 2 ** -24,
      -0.75,
      0,
      0.5,
      Math.fround(3e38) / 2 ** 128,
      Infinity,
      NaN,
    ]);
    expect(values(exponent)).toEqual([1, 0, 2, 0, -148, 128, 0, 0]);
    expect(dtype(exponent)).toBe("int32");
  });
});

describe("functions of two tensors", () => {
  it("logaddexp has no overflow", () => {
    const [x, y] = [floats(1000, -Infinity, Infinity), floats(1000, -Infinity, Infinity)];
    expect(values(torch.logaddexp(x, y))).toEqual([Math.fround(1000 + Math.LN2), -Infinity, Infinity]);
    expect(values(torch.logaddexp2(x, y))).toEqual([1001, -Infinity, Infinity]);
  });

  it("gcd and lcm", () => {
    expect(values(torch.gcd(ints(12, 0, -4), ints(18, 0, 6)))).toEqual([6, 0, 2]);
    expect(values(torch.lcm(ints(4, 0, -4), ints(6, 0, 6)))).toEqual([12, 0, 12]);
    expect(() => torch.gcd(floats(1), floats(2))).toThrow(DTypeError);
  });

  it("heaviside takes the value at 0", () => {
    expect(values(torch.heaviside(floats(-1, 0, 2, NaN), torch.tensor(0.5)))).toEqual([0, 0.5, 1, 0]);
    expect(() => torch.heaviside(floats(1), ints(1))).toThrow(/dtypes must match/);
  });

  it("ldexp and bitwise shifts", () => {
    expect(values(torch.ldexp(floats(1.5), ints(4)))).toEqual([24]);
    expect(values(ints(3, -8).bitwiseLeftShift(2))).toEqual([12, -32]);
    expect(values(ints(12, -8).bitwiseRightShift(2))).toEqual([3, -2]);
    expect(values(torch.bitwiseXor(torch.tensor([true, false]), true))).toEqual([false, true]);
  });
});

describe("errors", () => {
  it("name both operands", () => {
    expect(() => floats(1, 2).add(floats(1, 2, 3))).toThrow(
      "Cannot add float32[2] and float32[3]: sizes must match or be 1, got 2 and 3 at dimension 0",
    );
    expect(() => torch.add(floats(1), "x" as never)).toThrow(/must be a Tensor or a number/);
    expect(() => torch.exp([1] as never)).toThrow(
      "Cannot exp: argument input must be a Tensor, got an array",
    );
  });

  it.each([{}, undefined, null, "a", [1], { shape: [1], dtype: "float32" }])(
    "refuse the foreign operand %j",
    (bad) => {
      for (
        const op of [
          "add",
          "sub",
          "mul",
          "div",
          "pow",
          "eq",
          "lt",
          "maximum",
          "remainder",
          "atan2",
          "add_",
          "mul_",
        ] as const
      ) {
        expect(() => (floats(1)[op] as (other: unknown) => unknown)(bad), op).toThrow(TorchError);
      }
    },
  );
});
