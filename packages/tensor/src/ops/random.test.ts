import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, fillUniform, float32, ShapeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const numbers = (x: torch.Tensor) => Array.from(x.dataSync() as Float32Array);
const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
const std = (list: readonly number[]) => Math.sqrt(mean(list.map((v) => (v - mean(list)) ** 2)));
const generator = (seed: number) => new torch.Generator(seed);
const COUNT = 20_000;

describe("Generator", () => {
  it("is no object of options: where it does not go by position it is refused, not passed over", () => {
    expect(() => torch.multinomial(torch.ones(3), 2, false, generator(0) as never)).toThrow(
      "Cannot multinomial: at most 1 optional arguments go by position, got 2",
    );
    expect(() => torch.ones(2).uniform_(0, 1, generator(0) as never)).toThrow("at most 2 optional arguments");
  });

  it("gives the same numbers for the same seed, and others for another one", () => {
    const draw = (seed: number) => numbers(torch.randn([10], { generator: generator(seed) }));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("follows the stream of core's Philox, draw after draw", () => {
    const g = generator(5);
    const [first, second] = [torch.rand([6], { generator: g }), torch.rand([3], { generator: g })];
    const want = (count: number, counter: number) => {
      const out = new Float64Array(count);
      fillUniform(out, { dtype: float32, key: [5, 0], counter });
      return Array.from(out);
    };
    expect(numbers(first)).toEqual(want(6, 0));
    expect(numbers(second)).toEqual(want(3, 2)); // six words take two blocks of four
  });

  it("seeds the default generator", () => {
    torch.manualSeed(7);
    const a = numbers(torch.rand(4));
    expect(torch.initialSeed()).toBe(7);
    torch.manualSeed(7);
    expect(numbers(torch.rand(4))).toEqual(a);
    expect(torch.seed()).toBe(torch.initialSeed());
  });

  it("takes 64-bit and negative seeds, not fractions", () => {
    expect(new torch.Generator().initialSeed()).toBe(67280421310721);
    expect(generator(0).manualSeed(2n ** 60n).initialSeed()).toBe(2n ** 60n);
    expect(generator(0).manualSeed(-1).initialSeed()).toBe(2n ** 64n - 1n);
    expect(() => generator(0).manualSeed(1.5)).toThrow(ValueError);
  });

  it("returns to a state", () => {
    const g = generator(3);
    torch.rand([5], { generator: g });
    const state = g.getState();
    const next = numbers(torch.rand([5], { generator: g }));
    expect(numbers(torch.rand([5], { generator: generator(0).setState(state) }))).toEqual(next);
    expect(() => g.setState(torch.zeros(3))).toThrow("Cannot setState: it must be uint8[16], got float32[3]");
    torch.manualSeed(1);
    const before = torch.getRngState();
    const a = numbers(torch.rand(2));
    torch.setRngState(before);
    expect(numbers(torch.rand(2))).toEqual(a);
  });

  it("forkRng leaves the default generator where it was", async () => {
    torch.manualSeed(1);
    const want = numbers(torch.rand(2));
    torch.manualSeed(1);
    torch.forkRng(() => torch.rand(100));
    await torch.forkRng(async () => await torch.rand(100).item().catch(() => 0));
    expect(numbers(torch.rand(2))).toEqual(want);
  });
});

describe("distributions", () => {
  const draws: Readonly<
    Record<string, [make: (x: torch.Tensor) => torch.Tensor, mean: number, std: number]>
  > = {
    "uniform_ on [-2, 3)": [(x) => x.uniform_(-2, 3), 0.5, 5 / Math.sqrt(12)],
    "normal_": [(x) => x.normal_({ mean: 1.5, std: 2 }), 1.5, 2],
    "exponential_": [(x) => x.exponential_(2), 0.5, 0.5],
    "geometric_": [(x) => x.geometric_(0.25), 4, Math.sqrt(0.75) / 0.25],
    "logNormal_": [
      (x) => x.logNormal_(0, 0.5),
      Math.exp(0.125),
      Math.sqrt((Math.exp(0.25) - 1) * Math.exp(0.25)),
    ],
    "bernoulli_": [(x) => x.bernoulli_(0.3), 0.3, Math.sqrt(0.21)],
    "random_": [(x) => x.random_(2, 6), 3.5, Math.sqrt(15 / 12)],
    "randint": [() => torch.randint(-5, 6, [COUNT]), 0, Math.sqrt(10)],
    "normal": [() => torch.normal(torch.full([COUNT], 2), 0.5), 2, 0.5],
  };
  for (const [name, [make, center, spread]] of Object.entries(draws)) {
    it(`${name} has its mean and standard deviation`, () => {
      torch.manualSeed(0);
      const list = numbers(make(torch.zeros(COUNT)));
      // Five standard errors of the mean; the spread within five percent.
      expect(Math.abs(mean(list) - center)).toBeLessThan(5 * spread / Math.sqrt(COUNT));
      expect(Math.abs(std(list) / spread - 1)).toBeLessThan(0.05);
    });
  }

  it("cauchy_ has its quartiles", () => {
    torch.manualSeed(0);
    const quartiles = torch.quantile(torch.zeros(COUNT).cauchy_(1, 2), torch.tensor([0.25, 0.5, 0.75]));
    numbers(quartiles).forEach((q, i) => expect(Math.abs(q - [-1, 1, 3][i]!)).toBeLessThan(0.2));
  });

  it("integers take every value up to but without the end", () => {
    torch.manualSeed(0);
    expect([...new Set(numbers(torch.randint(3, [200])))].sort()).toEqual([0, 1, 2]);
    expect([...new Set(numbers(torch.zeros([200], { dtype: "int32" }).random_(2)))].sort()).toEqual([0, 1]);
    expect(numbers(torch.zeros([200], { dtype: "bool" }).random_()).every((v) => v === 0 || v === 1)).toBe(
      true,
    );
    expect(torch.randint(3, [2]).dtype.name).toBe("int32");
    expect(torch.randintLike(torch.zeros(2), 3).dtype.name).toBe("float32");
    expect(() => torch.randint(5, 5, [2])).toThrow(
      "Cannot randint from 5 to 5: high must be above low, got 5 >= 5",
    );
  });

  it("randperm is a permutation", () => {
    torch.manualSeed(0);
    const list = numbers(torch.randperm(100));
    expect(list).not.toEqual([...list].sort((a, b) => a - b));
    expect([...list].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it("refuse what they cannot hold or draw", () => {
    const whole = torch.zeros([2], { dtype: "int32" });
    expect(() => whole.normal_()).toThrow(DTypeError);
    expect(() => torch.zeros(2).uniform_(3, 1)).toThrow(ValueError);
    expect(() => torch.zeros(2).exponential_(0)).toThrow(ValueError);
    expect(() => torch.bernoulli(whole)).toThrow(DTypeError);
    expect(() => torch.zeros(2).bernoulli_(1.5)).toThrow(/has to be between 0 and 1/);
    expect(() => torch.normal(0, -1, [2])).toThrow(ValueError);
  });
});

describe("multinomial", () => {
  const weights = torch.tensor([0.1, 0, 0.6, 0.3]);
  it("draws with the weights, never what weighs nothing", () => {
    torch.manualSeed(0);
    const list = numbers(torch.multinomial(weights, COUNT, true));
    const share = (k: number) => list.filter((v) => v === k).length / COUNT;
    expect(share(1)).toBe(0);
    [0.1, 0.6, 0.3].forEach((want, i) => expect(Math.abs(share([0, 2, 3][i]!) - want)).toBeLessThan(0.02));
  });

  it("without replacement draws each place once", () => {
    torch.manualSeed(0);
    const rows = torch.multinomial(weights.expand(50, 4), 3).toArraySync() as number[][];
    rows.forEach((row) => expect([...row].sort()).toEqual([0, 2, 3]));
  });

  it("refuses impossible draws", () => {
    expect(() => torch.multinomial(torch.zeros(3), 1)).toThrow(/the sum of weights must be > 0/);
    expect(() => torch.multinomial(torch.tensor([-1, 2]), 1)).toThrow(/weights must be finite and >= 0/);
    expect(() => torch.multinomial(weights, 5)).toThrow(/at most 4 without replacement, got 5/);
    expect(() => torch.multinomial(weights, 0)).toThrow(/numSamples must be > 0, got 0/);
  });
});

describe("dropout", () => {
  const ones = torch.ones(COUNT);
  it("keeps the mean, and does nothing outside of training", () => {
    torch.manualSeed(0);
    const list = numbers(torch.dropout(ones, 0.25));
    expect([...new Set(list)].sort()).toEqual([0, Math.fround(1 / 0.75)]);
    expect(Math.abs(mean(list) - 1)).toBeLessThan(0.02);
    expect(torch.dropout(ones, 0.5, false)).toBe(ones);
    expect(torch.alphaDropout(ones)).toBe(ones);
    expect(numbers(torch.dropout(ones, 1)).every((v) => v === 0)).toBe(true);
  });

  it("drops whole channels", () => {
    torch.manualSeed(0);
    const rows = torch.dropout2d(torch.ones(20, 10, 2, 2)).reshape(200, 4).toArraySync() as number[][];
    rows.forEach((row) => expect(new Set(row).size).toBe(1));
    expect(new Set(rows.map((row) => row[0]))).toEqual(new Set([0, 2]));
    expect(() => torch.dropout2d(torch.ones(3))).toThrow(ShapeError);
  });

  it("alphaDropout keeps mean and variance of normal numbers", () => {
    torch.manualSeed(0);
    const list = numbers(torch.alphaDropout(torch.randn(COUNT), 0.3, true));
    expect(Math.abs(mean(list))).toBeLessThan(0.05);
    expect(Math.abs(std(list) - 1)).toBeLessThan(0.05);
  });

  it("writes in place when told to", () => {
    const x = torch.ones(4);
    expect(torch.dropout(x, { p: 1, inplace: true })).toBe(x);
    expect(numbers(x)).toEqual([0, 0, 0, 0]);
    expect(() => torch.dropout(x, 1.5)).toThrow(
      "Cannot dropout with probability 1.5: it has to be between 0 and 1",
    );
  });
});
