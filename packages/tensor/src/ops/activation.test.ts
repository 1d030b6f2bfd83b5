import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, ShapeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const values = (x: torch.Tensor) => x.toArraySync();
const floats = (...list: number[]) => torch.tensor(list);
const close = (x: torch.Tensor, want: number[]) =>
  expect(torch.allclose(x, torch.tensor(want), 1e-5, 1e-6)).toBe(true);
const x = floats(-4, -1, 0, 1, 4);

describe("piecewise activations", () => {
  it("have their kinks in place", () => {
    expect(values(torch.relu(x))).toEqual([0, 0, 0, 1, 4]);
    expect(values(torch.relu6(floats(-1, 3, 7)))).toEqual([0, 3, 6]);
    expect(values(torch.hardtanh(x, -2, 3))).toEqual([-2, -1, 0, 1, 3]);
    expect(values(torch.threshold(x, 0.5, 9))).toEqual([9, 9, 9, 1, 4]);
    expect(values(torch.hardshrink(x, { lambd: 2 }))).toEqual([-4, 0, 0, 0, 4]);
    expect(values(torch.softshrink(x, 2))).toEqual([-2, 0, 0, 0, 2]);
    expect(values(torch.leakyRelu(x, 0.5))).toEqual([-2, -0.5, 0, 1, 4]);
    close(torch.hardswish(x), [0, -1 / 3, 0, 2 / 3, 4]);
    close(torch.hardsigmoid(x), [0, 1 / 3, 0.5, 2 / 3, 1]);
  });

  it("prelu has a weight for all or per channel", () => {
    const y = torch.tensor([[-1, -1], [2, -2]]);
    expect(values(torch.prelu(y, floats(0.5)))).toEqual([[-0.5, -0.5], [2, -1]]);
    expect(values(y.prelu(floats(0.5, 0.25)))).toEqual([[-0.5, -0.25], [2, -0.5]]);
    expect(() => torch.prelu(y, floats(1, 2, 3))).toThrow(
      /weight must have 1 or 2 elements, one per channel, got 3/,
    );
  });

  it("rrelu uses the middle slope outside of training", () => {
    expect(values(torch.rrelu(floats(-4, 2), 0.25, 0.75))).toEqual([-2, 2]);
    torch.manualSeed(0);
    const slopes = values(torch.rrelu(torch.full([100], -1), 0.25, 0.75, true)) as number[];
    expect(slopes.every((s) => s <= -0.25 && s >= -0.75)).toBe(true);
    expect(new Set(slopes).size).toBeGreaterThan(50);
  });
});

describe("smooth activations", () => {
  // Values of torch.nn.functional at [-4, -1, 0, 1, 4].
  it("agree with PyTorch", () => {
    close(torch.gelu(x), [-0.00012668497, -0.15865525, 0.0, 0.84134475, 3.9998733]);
    close(torch.gelu(x, { approximate: "tanh" }), [-7.0245948e-05, -0.15880801, 0.0, 0.84119199, 3.9999298]);
    close(torch.silu(x), [-0.07194484, -0.26894142, 0.0, 0.73105858, 3.9280552]);
    close(torch.mish(x), [-0.072591741, -0.30340146, 0.0, 0.86509839, 3.9974128]);
    close(torch.elu(x, 2), [-1.9633687, -1.2642411, 0.0, 1.0, 4.0]);
    close(torch.celu(x, 2), [-1.7293294, -0.78693868, 0.0, 1.0, 4.0]);
    close(torch.selu(x), [-1.7258986, -1.1113307, 0.0, 1.050701, 4.2028039]);
    close(torch.softplus(x, { beta: 2 }), [0.00016770319, 0.063464006, 0.34657359, 1.063464, 4.0001677]);
    close(torch.logsigmoid(x), [-4.0181499, -1.3132617, -0.69314718, -0.31326169, -0.018149928]);
    close(torch.softsign(x), [-0.8, -0.5, 0, 0.5, 0.8]);
    close(torch.tanhshrink(x), [-3.0006707, -0.23840584, 0.0, 0.23840584, 3.0006707]);
  });

  it("do not overflow", () => {
    const far = floats(-1e4, 1e4);
    expect(values(torch.softplus(far))).toEqual([0, 1e4]);
    expect(values(torch.elu(far))).toEqual([-1, 1e4]);
    expect(values(torch.mish(far))).toEqual([-0, 1e4]);
    expect(values(torch.logsigmoid(far))).toEqual([-1e4, 0]);
  });
});

describe("softmax", () => {
  it("sums to 1 along a dimension", () => {
    const y = torch.softmax(torch.tensor([[1000, 1000], [0, Math.log(3)]]), 1);
    close(y.flatten(), [0.5, 0.5, 0.25, 0.75]);
    close(torch.logSoftmax(floats(0, Math.log(3)), -1).exp(), [0.25, 0.75]);
    close(torch.softmin(floats(0, -Math.log(3)), 0), [0.25, 0.75]);
    expect(values(torch.softmax(torch.tensor(3), 0))).toBe(1);
  });

  it("converts first when told to, and refuses integers otherwise", () => {
    const whole = torch.zeros([2], { dtype: "int32" });
    expect(torch.softmax(whole, 0, { dtype: "float32" }).dtype.name).toBe("float32");
    expect(() => whole.softmax(0)).toThrow("Cannot softmax int32[2]: it must have a float dtype, got int32");
  });

  it("gumbelSoftmax samples, hard ones are one-hot", () => {
    torch.manualSeed(0);
    const logits = torch.log(floats(0.1, 0.2, 0.7)).expand(5000, 3);
    const hard = torch.gumbelSoftmax(logits, { hard: true });
    expect(values(hard.sum(1).eq(1).all())).toBe(true);
    const shares = values(hard.mean(0)) as number[];
    [0.1, 0.2, 0.7].forEach((want, i) => expect(Math.abs(shares[i]! - want)).toBeLessThan(0.03));
  });
});

describe("glu", () => {
  it("gates one half by the other", () => {
    close(torch.glu(floats(2, 4, 0, 0)), [1, 2]);
    expect(() => torch.glu(floats(1, 2, 3))).toThrow(
      "Cannot glu float32[3]: the size of dimension -1 must be even, got 3",
    );
    expect(() => torch.glu(torch.tensor(1))).toThrow(ShapeError);
  });
});

describe("in place", () => {
  it("by the option or by the name", () => {
    const y = floats(-1, 2);
    expect(torch.relu(y, true)).toBe(y);
    expect(values(y)).toEqual([0, 2]);
    const z = floats(-4, 2);
    expect(torch.leakyRelu_(z, 0.5)).toBe(z);
    expect(torch.hardtanh(z, { minVal: -1, inplace: true })).toBe(z);
    expect(values(z)).toEqual([-1, 1]);
    expect(values(torch.silu(torch.zeros(2), { inplace: true }))).toEqual([0, 0]);
  });
});

describe("errors", () => {
  it("name the dtype and the argument", () => {
    expect(() => torch.elu(torch.ones([1], { dtype: "int32" }))).toThrow(DTypeError);
    expect(() => torch.gelu(x, { approximate: "asdf" as never })).toThrow(ValueError);
    expect(() => torch.softshrink(x, -0.5)).toThrow(
      "Cannot softshrink float32[5]: lambd must be >= 0, got -0.5",
    );
  });
});
