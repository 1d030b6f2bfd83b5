import { Generator, manualSeed } from "@flambeau/tensor";
import { describe, expect, it } from "vitest";
import {
  BatchSampler,
  RandomSampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from "../mod.ts";
import { integersBelow, permutation, uniforms } from "./random.ts";

const seeded = (seed = 0) => ({ generator: new Generator().manualSeed(seed) });
const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);
const count = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("random", () => {
  it("permutation: every order comes equally often", () => {
    const { generator } = seeded();
    const found = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = permutation(3, generator).join("");
      found.set(order, (found.get(order) ?? 0) + 1);
    }
    expect(sorted(found.values()).length).toBe(6);
    // 5 standard deviations of a binomial with p = 1/6
    for (const times of found.values()) {
      expect(Math.abs(times - 1000)).toBeLessThan(5 * Math.sqrt(6000 * 5 / 36));
    }
  });

  it("draws move the generator on, and manualSeed repeats them", () => {
    const { generator } = seeded();
    const [first, second] = [uniforms(5, generator), uniforms(5, generator)];
    expect(second).not.toEqual(first);
    expect(uniforms(5, generator.manualSeed(0))).toEqual(first);
    manualSeed(7);
    const byDefault = permutation(50, null);
    manualSeed(7);
    expect(permutation(50, null)).toEqual(byDefault);
    expect(permutation(50, null)).not.toEqual(byDefault);
  });

  it("integersBelow: all values occur, none is out of range", () => {
    const draws = integersBelow(4, 1000, seeded().generator);
    expect(new Set(draws)).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe("SequentialSampler", () => {
  it("gives the numbers in order, each time", () => {
    const sampler = new SequentialSampler({ length: 3 });
    expect([...sampler]).toEqual([0, 1, 2]);
    expect([...sampler]).toEqual([0, 1, 2]);
    expect(sampler.length).toBe(3);
  });
});

describe("RandomSampler", () => {
  it("gives every number once, in another order each time", () => {
    const sampler = new RandomSampler({ length: 100 }, seeded());
    const [first, second] = [[...sampler], [...sampler]];
    expect(sorted(first)).toEqual(count(100));
    expect(sorted(second)).toEqual(count(100));
    expect(second).not.toEqual(first);
    expect([...new RandomSampler({ length: 100 }, seeded())]).toEqual(first);
  });

  it("numSamples without replacement begins other permutations", () => {
    const sampler = new RandomSampler({ length: 4 }, { numSamples: 10, ...seeded() });
    const drawn = [...sampler];
    expect(drawn.length).toBe(sampler.length);
    expect(sorted(drawn.slice(0, 4))).toEqual(count(4));
    expect(sorted(drawn.slice(4, 8))).toEqual(count(4));
    expect(new Set(drawn.slice(8)).size).toBe(2);
  });

  it("with replacement numbers repeat", () => {
    const drawn = [...new RandomSampler({ length: 10 }, { replacement: true, numSamples: 50, ...seeded() })];
    expect(drawn.length).toBe(50);
    expect(new Set(drawn).size).toBeLessThanOrEqual(10);
  });

  it("of nothing is nothing; numSamples must be a count", () => {
    expect([...new RandomSampler({ length: 0 })]).toEqual([]);
    expect([...new RandomSampler({ length: 0 }, { replacement: true, numSamples: 3 })]).toEqual([]);
    expect(() => new RandomSampler([1], { numSamples: 0 })).toThrow(
      "Cannot make a RandomSampler: numSamples must be a positive whole number, got 0",
    );
  });

  it("the order is drawn at once: another use of the generator meanwhile does not change it", () => {
    const options = seeded();
    const iterator = new RandomSampler({ length: 20 }, options)[Symbol.iterator]();
    const drawn = [iterator.next().value as number];
    uniforms(3, options.generator);
    for (let step = iterator.next(); !step.done; step = iterator.next()) drawn.push(step.value);
    expect(drawn).toEqual([...new RandomSampler({ length: 20 }, seeded())]);
  });
});

describe("arguments of samplers", () => {
  it("go by position, as in PyTorch", () => {
    const { generator } = seeded();
    const random = new RandomSampler({ length: 3 }, true, 5, generator);
    expect([random.replacement, random.numSamples, random.generator]).toEqual([true, 5, generator]);
    const weighted = new WeightedRandomSampler([1, 2], 2, false, generator);
    expect([weighted.replacement, weighted.generator]).toEqual([false, generator]);
    expect(sorted([...weighted])).toEqual([0, 1]);
    expect(new SubsetRandomSampler([1, 2], generator).generator).toBe(generator);
  });

  it("have names that are known", () => {
    expect(() => new RandomSampler({ length: 3 }, { replacment: true } as never)).toThrow(
      'Cannot make a RandomSampler with option "replacment": it must be one of replacement, numSamples, generator',
    );
  });
});

describe("SubsetRandomSampler", () => {
  it("gives the indices once, in random order", () => {
    const indices = count(50).map((i) => 3 * i);
    const drawn = [...new SubsetRandomSampler(indices, seeded())];
    expect(sorted(drawn)).toEqual(indices);
    expect(drawn).not.toEqual(indices);
  });
});

describe("WeightedRandomSampler", () => {
  it("with replacement draws by weight, and never what weighs 0", () => {
    const drawn = [...new WeightedRandomSampler([0, 1, 3, 0], 8000, seeded())];
    const share = drawn.filter((i) => i === 2).length / drawn.length;
    expect(Math.abs(share - 0.75)).toBeLessThan(5 * Math.sqrt(0.75 * 0.25 / 8000));
    expect(new Set(drawn)).toEqual(new Set([1, 2]));
  });

  it("without replacement draws each once, the heavy ones first more often", () => {
    let heavyFirst = 0;
    const { generator } = seeded();
    for (let i = 0; i < 4000; i++) {
      const drawn = [...new WeightedRandomSampler([1, 0, 3], 2, { replacement: false, generator })];
      expect(sorted(drawn)).toEqual([0, 2]);
      if (drawn[0] === 2) heavyFirst++;
    }
    expect(Math.abs(heavyFirst / 4000 - 0.75)).toBeLessThan(5 * Math.sqrt(0.75 * 0.25 / 4000));
  });

  it("refuses weights that cannot be drawn from", () => {
    const make = (weights: number[], n: number, replacement = true) => () =>
      new WeightedRandomSampler(weights, n, { replacement });
    expect(make([1, -1], 1)).toThrow("weights must be finite and not negative, got -1 for sample 1");
    expect(make([NaN], 1)).toThrow("got NaN for sample 0");
    expect(make([0, 0], 1)).toThrow("it must have enough weights that are not 0, got 0");
    expect(make([1, 0, 2], 3, false)).toThrow("of 3 samples without replacement");
    expect(make([1], 1.5)).toThrow("numSamples must be a positive whole number, got 1.5");
  });
});

describe("BatchSampler", () => {
  it("groups numbers, with or without a last list that is not full", () => {
    const sampler = new SequentialSampler({ length: 5 });
    expect([...new BatchSampler(sampler, 2)]).toEqual([[0, 1], [2, 3], [4]]);
    expect([...new BatchSampler(sampler, 2, true)]).toEqual([[0, 1], [2, 3]]);
    expect(new BatchSampler(sampler, 2).length).toBe(3);
    expect(new BatchSampler(sampler, 2, true).length).toBe(2);
    expect([...new BatchSampler(new Set([7, 8]), 2)]).toEqual([[7, 8]]);
  });

  it("refuses a size of 0, and a count where there is none", () => {
    expect(() => new BatchSampler([1], 0)).toThrow("batchSize must be a positive whole number, got 0");
    expect(() => new BatchSampler(new Set([1]), 1).length).toThrow("the sampler must have a length");
  });
});
