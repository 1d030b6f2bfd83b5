import { readFileSync } from "node:fs";
import { NotImplementedError, ValueError } from "@flambeau/core";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import * as torch from "../mod.ts";

const { Bernoulli, Categorical, Exponential, Independent, klDivergence, Laplace, Normal, Uniform } =
  torch.distributions;
type Distribution = torch.distributions.Distribution;

// Made by testdata/make_distributions.py with PyTorch, in float64.
const made = JSON.parse(
  readFileSync(new URL("./testdata/distributions.json", import.meta.url), "utf8"),
) as {
  cases: Record<string, Record<string, unknown>>;
  kl: Record<string, unknown>;
};

beforeAll(() => torch.setDefaultDtype(torch.float64));
afterAll(() => torch.setDefaultDtype(torch.float32));

const t = (list: torch.TensorData): torch.Tensor => torch.tensor(list, { dtype: "float64" });
const i = (list: torch.TensorData): torch.Tensor => torch.tensor(list, { dtype: "int32" });

function expectClose(got: torch.Tensor, want: unknown): void {
  const numbers = [want].flat(9).map(Number);
  expect(got.shape.length === 0 ? 1 : got.numel()).toBe(numbers.length);
  const values = [got.toArraySync()].flat(9) as number[];
  numbers.forEach((number, at) => {
    if (Number.isFinite(number)) expect(values[at]).toBeCloseTo(number, 12);
    else expect(values[at]).toBe(number);
  });
}

describe("values of PyTorch", () => {
  const chance = (): torch.Tensor => t([0.1, 0.5, 0.9]);
  const cases: Record<string, () => [Distribution, value: torch.Tensor]> = {
    normal: () => [new Normal(t([0, 1, -2]), t([1, 0.5, 3])), t([0.5, 1.5, -4])],
    standard: () => [new Normal(0, 1), t([-1, 0, 2])],
    laplace: () => [new Laplace(t([0, 1, -2]), t([1, 0.5, 3])), t([0.5, 1, -4])],
    uniform: () => [new Uniform(t([0, -1, 2]), 3), t([0.5, 3, 2])],
    exponential: () => [new Exponential(t([0.5, 1, 4])), t([0, 1, 2])],
    bernoulli: () => [new Bernoulli(t([0, 0.3, 0.5, 1])), t([0, 1, 0, 1])],
    bernoulliLogits: () => [new Bernoulli({ logits: t([-2, 0, 3]) }), t([1, 1, 0])],
    categorical: () => [new Categorical(t([[1, 2, 1], [0, 0.5, 0.5]])), i([1, 2])],
    categoricalLogits: () => [new Categorical({ logits: t([0.1, -1, 2]) }), i([[0, 1], [2, 0]])],
    independent: () => [
      new Independent(new Normal(torch.zeros([2, 3]), t([1, 0.5, 3])), 1),
      torch.ones([2, 3]),
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(name, () => {
      const want = made.cases[name]!;
      const [d, value] = make();
      expect(d.batchShape).toEqual(want.batchShape);
      expect(d.eventShape).toEqual(want.eventShape);
      expect(String(d)).toBe(want.text);
      expectClose(d.logProb(value), want.logProb);
      for (const key of ["entropy", "perplexity"] as const) expectClose(d[key](), want[key]);
      for (const key of ["mean", "variance", "stddev", "mode"] as const) expectClose(d[key], want[key]);
      if ("cdf" in want) {
        expectClose(d.cdf(value), want.cdf);
        expectClose(d.icdf(chance()), want.icdf);
      } else {
        expect(() => d.cdf(value)).toThrow(NotImplementedError);
        expect(() => d.icdf(value)).toThrow(NotImplementedError);
      }
    });
  }

  const pairs: Record<string, () => [p: Distribution, q: Distribution]> = {
    normal: () => [new Normal(t([0, 1]), 1), new Normal(0.5, t([2, 0.1]))],
    laplace: () => [new Laplace(t([0, 1]), 1), new Laplace(0.5, t([2, 0.1]))],
    uniform: () => [new Uniform(0, t([1, 2])), new Uniform(-1, 1.5)],
    exponential: () => [new Exponential(t([0.5, 3])), new Exponential(2)],
    bernoulli: () => [new Bernoulli(t([0, 0.3, 1, 0.5])), new Bernoulli(t([0.5, 0.9, 1, 0]))],
    categorical: () => [
      new Categorical(t([[0.2, 0.3, 0.5], [0, 1, 0]])),
      new Categorical(t([0, 0.5, 0.5])),
    ],
    independent: () => [
      new Independent(new Normal(t([0, 1]), 1), 1),
      new Independent(new Normal(t([0.5, 0.5]), 2), 1),
    ],
  };
  for (const [name, make] of Object.entries(pairs)) {
    it(`klDivergence of ${name}`, () => expectClose(klDivergence(...make()), made.kl[name]));
  }
});

describe("samples", () => {
  it("have the sizes of the sample, of the batch and of the outcome, and the mean and variance that they should", () => {
    torch.manualSeed(0);
    const n = 20_000;
    const list: Distribution[] = [
      new Normal(t([0, 3]), 2),
      new Laplace(t([0, 3]), 0.5),
      new Uniform(t([0, -3]), 1),
      new Exponential(t([1, 4])),
      new Bernoulli(t([0.2, 0.7])),
      new Independent(new Normal(t([0, 3]), 2), 1),
    ];
    for (const d of list) {
      const x = d.sample([n]);
      expect(x.shape).toEqual([n, 2]);
      expect(x.requiresGrad).toBe(false);
      // Five standard errors of the mean; the variance of all of them is known less well.
      const error = d.stddev.mul(5 / Math.sqrt(n));
      expect(x.mean(0).sub(d.mean).abs().lt(error).all().itemSync()).toBe(true);
      expect(x.var(0).div(d.variance).sub(1).abs().lt(0.1).all().itemSync()).toBe(true);
    }
    expect(new Normal(0, 1).sample().shape).toEqual([]);
  });

  it("Categorical: numbers of outcomes, as often as they are likely", () => {
    torch.manualSeed(1);
    const d = new Categorical(t([[0.1, 0.2, 0.7], [1, 0, 0]]));
    const x = d.sample([4000, 2]);
    expect(x.shape).toEqual([4000, 2, 2]);
    expect(x.dtype).toBe(torch.int32);
    const counts = x.select(-1, 0).flatten().bincount().div(8000);
    expect(counts.sub(t([0.1, 0.2, 0.7])).abs().max().itemSync()).toBeLessThan(0.03);
    expect(x.select(-1, 1).eq(0).all().itemSync()).toBe(true);
    expect(d.enumerateSupport().toArraySync()).toEqual([[0, 0], [1, 1], [2, 2]]);
    expect(new Categorical(t([0, 1])).sample().itemSync()).toBe(1);
  });

  it("rsample carries gradients to the parameters, sample does not; integers have no rsample", () => {
    const loc = t([1, 2]).requiresGrad_();
    const scale = t([1, 1]).requiresGrad_();
    const d = new Normal(loc, scale);
    const x = d.rsample();
    x.sum().backward();
    expect(loc.grad!.toArraySync()).toEqual([1, 1]);
    expectClose(scale.grad!, x.sub(loc).toArraySync());
    expect(d.sample().requiresGrad).toBe(false);
    expect(() => new Bernoulli(0.5).rsample()).toThrow(NotImplementedError);
    expect(() => new Categorical(t([1])).rsample()).toThrow("use sample() and logProb()");
  });

  it("the gradient of a policy: likelier what was rewarded", () => {
    const logits = torch.zeros([3]).requiresGrad_();
    const d = new Categorical({ logits });
    d.logProb(i(2)).neg().backward();
    expectClose(logits.grad!, [1 / 3, 1 / 3, -2 / 3]);
  });
});

describe("refusals", () => {
  const cases: [string, () => unknown, string][] = [
    ["a scale of 0", () => new Normal(0, 0), "Cannot make Normal: scale must be positive"],
    ["NaN", () => new Normal(NaN, 1), "loc must be a number"],
    ["an empty interval", () => new Uniform(1, 1), "high must be above low"],
    ["a negative rate", () => new Exponential(t([1, -1])), "rate must be positive"],
    ["a probability of 2", () => new Bernoulli(2), "probs must be in [0, 1]"],
    ["no probability", () => new Bernoulli({}), "one of probs and logits must be given, got neither or both"],
    ["both", () => new Bernoulli({ probs: 0.5, logits: 0 }), "got neither or both"],
    ["a negative weight", () => new Categorical(t([1, -1])), "at least 0 with a sum above 0"],
    ["a number of weights", () => new Categorical(1 as never), "a tensor with at least one dimension"],
    [
      "an outcome of 2 choices that is 2",
      () => new Categorical(t([1, 1])).logProb(i(2)),
      "must be a whole number in [0, 2)",
    ],
    ["a coin between", () => new Bernoulli(0.5).logProb(t(0.5)), "must be 0 or 1"],
    ["a time before", () => new Exponential(1).logProb(t(-1)), "must be at least 0"],
    ["sizes", () => new Normal(t([0, 0]), 1).logProb(t([1, 2, 3])), "it must broadcast with [2]"],
    ["dimensions", () => new Independent(new Normal(0, 1), 1), "must be an integer from 0 to 0, got 1"],
  ];
  for (const [name, make, message] of cases) {
    it(name, () => {
      expect(make).toThrow(ValueError);
      expect(make).toThrow(message);
    });
  }

  test("validateArgs: false leaves them unchecked", () => {
    const d = new Uniform(0, 1, { validateArgs: false });
    expect(d.logProb(t(2)).itemSync()).toBe(-Infinity);
    expect(new Normal(0, -1, { validateArgs: false }).scale.itemSync()).toBe(-1);
  });

  test("klDivergence of two kinds", () => {
    expect(() => klDivergence(new Normal(0, 1), new Laplace(0, 1))).toThrow(NotImplementedError);
  });
});
