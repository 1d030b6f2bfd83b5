/**
 * Samplers: in which order the samples of a dataset are taken.
 *
 * A sampler is an iterable of sample numbers, or of lists of them, that begins anew at each iteration. Order that is random
 * comes from a generator, so that `manualSeed` repeats it.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import type { Args, Generator } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { integersBelow, permutation, uniforms } from "./random.ts";

/** Sample numbers, or lists of them; `length` is how many one iteration gives. */
export interface Sampler<T = number> extends Iterable<T> {
  /** How many one iteration gives. */
  readonly length: number;
}

/** Anything that has a number of samples. */
export type Sized = { readonly length: number };

/** Every sample once, in order. */
export class SequentialSampler implements Sampler {
  /** What is sampled. */
  readonly dataSource: Sized;

  /**
   * Makes a sampler in order.
   *
   * @param dataSource What is sampled; only its length is used.
   */
  constructor(dataSource: Sized) {
    this.dataSource = dataSource;
  }

  /** Number of samples. */
  get length(): number {
    return this.dataSource.length;
  }

  /** 0, 1, 2, … */
  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

/** Options of {@linkcode RandomSampler}. */
export interface RandomSamplerOptions {
  /** Draw each sample from all. Default false: every sample once. */
  readonly replacement?: boolean;
  /** How many to draw. Default: the number of samples. Without replacement, more than that begins another permutation. */
  readonly numSamples?: number | null;
  /** Where the order comes from. Default: the default generator. */
  readonly generator?: Generator | null;
}

/** Samples in random order, another in each iteration. */
export class RandomSampler implements Sampler {
  /** What is sampled. */
  readonly dataSource: Sized;
  /** True when each sample is drawn from all. */
  readonly replacement: boolean;
  /** Where the order comes from; null is the default generator. */
  readonly generator: Generator | null;
  #numSamples: number | null;

  /**
   * Makes a sampler in random order.
   *
   * @param dataSource What is sampled; only its length is used.
   * @param args `replacement`, `numSamples` and `generator`, by position or by name.
   * @throws {ValueError} If `numSamples` is not a positive whole number.
   */
  constructor(
    dataSource: Sized,
    ...args: Args<RandomSamplerOptions, ["replacement", "numSamples", "generator"]>
  ) {
    const { replacement = false, numSamples = null, generator = null } = named<RandomSamplerOptions>(
      "make a RandomSampler",
      args,
      ["replacement", "numSamples", "generator"],
    );
    if (numSamples !== null) requireCount("RandomSampler", "numSamples", numSamples);
    this.dataSource = dataSource;
    this.replacement = replacement;
    this.generator = generator;
    this.#numSamples = numSamples;
  }

  /** How many are drawn. */
  get numSamples(): number {
    return this.#numSamples ?? this.dataSource.length;
  }

  /** How many are drawn. */
  get length(): number {
    return this.numSamples;
  }

  /** Draws at the call of the iterator, so that what else uses the generator during the iteration does not matter. */
  *[Symbol.iterator](): Iterator<number> {
    const n = this.dataSource.length;
    if (this.replacement) {
      if (n > 0) yield* integersBelow(n, this.numSamples, this.generator);
      return;
    }
    for (let left = n === 0 ? 0 : this.numSamples; left > 0; left -= n) {
      yield* permutation(n, this.generator).subarray(0, left);
    }
  }
}

/** Options with a generator alone. */
export interface GeneratorOption {
  /** Where the order comes from. Default: the default generator. */
  readonly generator?: Generator | null;
}

/** Given sample numbers, each once, in random order. */
export class SubsetRandomSampler implements Sampler {
  /** The sample numbers. */
  readonly indices: readonly number[];
  /** Where the order comes from; null is the default generator. */
  readonly generator: Generator | null;

  /**
   * Makes a sampler of some numbers in random order.
   *
   * @param indices The sample numbers.
   * @param args `generator`, by position or by name.
   */
  constructor(indices: Iterable<number>, ...args: Args<GeneratorOption, ["generator"]>) {
    const { generator = null } = named<GeneratorOption>("make a SubsetRandomSampler", args, ["generator"]);
    this.indices = [...indices];
    this.generator = generator;
  }

  /** Number of indices. */
  get length(): number {
    return this.indices.length;
  }

  /** The indices in an order drawn anew. */
  *[Symbol.iterator](): Iterator<number> {
    for (const i of permutation(this.length, this.generator)) yield this.indices[i]!;
  }
}

/** Options of {@linkcode WeightedRandomSampler}. */
export interface WeightedRandomSamplerOptions extends GeneratorOption {
  /** Draw each sample from all. Default true; without, every sample at most once. */
  readonly replacement?: boolean;
}

/**
 * Samples drawn by weight: number i with probability `weights[i] / Σ weights`.
 *
 * @see Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir",
 * https://doi.org/10.1016/j.ipl.2005.11.003, for drawing without replacement
 */
export class WeightedRandomSampler implements Sampler {
  /** A weight for each sample; they need not sum to 1. */
  readonly weights: Float64Array;
  /** How many are drawn. */
  readonly numSamples: number;
  /** True when each sample is drawn from all. */
  readonly replacement: boolean;
  /** Where the draws come from; null is the default generator. */
  readonly generator: Generator | null;

  /**
   * Makes a sampler by weight.
   *
   * @param weights A weight for each sample, not negative.
   * @param numSamples How many to draw.
   * @param args `replacement` and `generator`, by position or by name.
   * @throws {ValueError} If a weight is negative or not finite, all are 0, or there are fewer than `numSamples` that are
   * not 0 to draw from without replacement.
   */
  constructor(
    weights: Iterable<number>,
    numSamples: number,
    ...args: Args<WeightedRandomSamplerOptions, ["replacement", "generator"]>
  ) {
    const { replacement = true, generator = null } = named<WeightedRandomSamplerOptions>(
      "make a WeightedRandomSampler",
      args,
      ["replacement", "generator"],
    );
    const kept = Float64Array.from(weights);
    const wrong = kept.findIndex((weight) => !(weight >= 0 && weight < Infinity));
    if (wrong >= 0) {
      throw new ValueError(
        `Cannot make a WeightedRandomSampler: weights must be finite and not negative, got ${
          kept[wrong]
        } for sample ${wrong}`,
      );
    }
    requireCount("WeightedRandomSampler", "numSamples", numSamples);
    const drawable = kept.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
    if (drawable < (replacement ? 1 : numSamples)) {
      throw new ValueError(
        `Cannot make a WeightedRandomSampler of ${numSamples} samples ${
          replacement ? "with" : "without"
        } replacement: ` +
          `it must have enough weights that are not 0, got ${drawable}`,
      );
    }
    this.weights = kept;
    this.numSamples = numSamples;
    this.replacement = replacement;
    this.generator = generator;
  }

  /** How many are drawn. */
  get length(): number {
    return this.numSamples;
  }

  /** The draws, made at once. */
  *[Symbol.iterator](): Iterator<number> {
    yield* this.replacement ? this.#withReplacement() : this.#withoutReplacement();
  }

  #withReplacement(): number[] {
    let sum = 0;
    const cumulative = this.weights.map((weight) => sum += weight);
    return Array.from(uniforms(this.numSamples, this.generator), (u) => firstAbove(cumulative, u * sum));
  }

  /** The largest of `u^(1 / weight)`, compared as logarithms. */
  #withoutReplacement(): number[] {
    const keys = uniforms(this.weights.length, this.generator).map((u, i) =>
      Math.log1p(-u) / this.weights[i]!
    );
    return Array.from(keys.keys())
      .filter((i) => this.weights[i]! > 0)
      .sort((a, b) => keys[b]! - keys[a]!)
      .slice(0, this.numSamples);
  }
}

/** The first place whose value is above `x`; values do not decrease. */
function firstAbove(values: Float64Array, x: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Lists of the numbers that another sampler gives. */
export class BatchSampler implements Sampler<number[]> {
  /** Where the numbers come from. */
  readonly sampler: Iterable<number>;
  /** Numbers in a list. */
  readonly batchSize: number;
  /** True when a last list that is not full is left out. */
  readonly dropLast: boolean;

  /**
   * Groups the numbers of a sampler.
   *
   * @param sampler Where the numbers come from.
   * @param batchSize Numbers in a list.
   * @param dropLast Leave out a last list that is not full. Default false.
   * @throws {ValueError} If `batchSize` is not a positive whole number.
   */
  constructor(sampler: Iterable<number>, batchSize: number, dropLast: boolean = false) {
    requireCount("BatchSampler", "batchSize", batchSize);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }

  /**
   * Number of lists.
   *
   * @throws {ValueError} If the sampler has no length.
   */
  get length(): number {
    const { length } = this.sampler as Partial<Sized>;
    if (length === undefined) {
      throw new ValueError("Cannot count batches: the sampler must have a length, got none");
    }
    return (this.dropLast ? Math.floor : Math.ceil)(length / this.batchSize);
  }

  /** The lists in order. */
  *[Symbol.iterator](): Iterator<number[]> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}

/**
 * Checks a number of things.
 *
 * @throws {ValueError} If it is not a positive whole number.
 */
export function requireCount(what: string, name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new ValueError(
    `Cannot make a ${what}: ${name} must be a positive whole number, got ${String(value)}`,
  );
}
