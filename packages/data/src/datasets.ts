/**
 * Datasets made of tensors or of other datasets.
 *
 * @module
 */

import { ArgumentTypeError, formatType, int32, ShapeError, ValueError } from "@flambeau/core";
import { Generator, indexSelect, select, type Tensor } from "@flambeau/tensor";
import { fromData, requireTensor, temporaries } from "@flambeau/tensor/internal";
import { type Collated, defaultCollate } from "./collate.ts";
import { Dataset, type DatasetLike, requireIndex, sampleOf } from "./dataset.ts";
import { permutation } from "./random.ts";

/**
 * Tensors side by side, sample by sample along dimension 0.
 *
 * A sample holds views of the tensors. A batch of a loader is one `indexSelect` per tensor.
 *
 * @typeParam T The tensors, as a tuple such as `[Tensor, Tensor]`.
 *
 * @example
 * ```ts
 * const dataset = new TensorDataset(images, labels); // float32[N, 1, 28, 28] and int32[N]
 * const [image, label] = dataset.get(0); // float32[1, 28, 28] and int32[]
 * ```
 */
export class TensorDataset<T extends readonly Tensor[]> extends Dataset<{ [K in keyof T]: Tensor }> {
  /** The tensors. */
  readonly tensors: T;

  /**
   * Puts tensors side by side.
   *
   * @param tensors At least one, all with the same size of dimension 0.
   * @throws {ShapeError} If sizes differ or a tensor has no dimension.
   */
  constructor(...tensors: T) {
    super();
    const [first] = tensors;
    if (first === undefined) {
      throw new ArgumentTypeError("Cannot make a TensorDataset: it must have tensors, got none");
    }
    for (const x of tensors) {
      requireTensor("make a TensorDataset", "tensors", x);
      if (x.shape.length > 0 && x.shape[0] === first.shape[0]) continue;
      throw new ShapeError(
        `Cannot make a TensorDataset of ${
          tensors.map((tensor) => formatType(tensor)).join(", ")
        }: dimension 0 must have the same size in all`,
      );
    }
    this.tensors = tensors;
  }

  /** Number of samples: the size of dimension 0. */
  override get length(): number {
    return this.tensors[0]!.shape[0]!;
  }

  /**
   * The sample with number `index`: a view of each tensor.
   *
   * @throws {IndexError} If `index` is out of range.
   */
  override get(index: number): { [K in keyof T]: Tensor } {
    const i = requireIndex(index, this.length);
    return this.tensors.map((x) => select(x, 0, i)) as { [K in keyof T]: Tensor };
  }

  /** Samples by their numbers, put together: a copy of the rows of each tensor. */
  override getBatch(indices: readonly number[]): { [K in keyof T]: Tensor } {
    const rows = Int32Array.from(indices, (index) => requireIndex(index, this.length));
    return this.tensors.map((x) =>
      temporaries(() => indexSelect(x, 0, fromData(rows, [rows.length], int32, x.device)))
    ) as { [K in keyof T]: Tensor };
  }
}

/**
 * Some samples of another dataset.
 *
 * @typeParam T One sample.
 */
export class Subset<T> extends Dataset<T> {
  /** The dataset behind. */
  readonly dataset: DatasetLike<T>;
  /** Numbers of samples in the dataset behind. */
  readonly indices: readonly number[];

  /**
   * Chooses samples of a dataset.
   *
   * @param dataset Where the samples are.
   * @param indices Their numbers there, in the order they have here.
   */
  constructor(dataset: DatasetLike<T>, indices: Iterable<number>) {
    super();
    this.dataset = dataset;
    this.indices = [...indices];
  }

  /** Number of samples. */
  override get length(): number {
    return this.indices.length;
  }

  /**
   * The sample with number `index` of the subset.
   *
   * @throws {IndexError} If `index` is out of range.
   */
  override get(index: number): T | Promise<T> {
    return sampleOf(this.dataset, this.indices[requireIndex(index, this.length)]!);
  }

  /** Samples by their numbers in the subset, put together as the dataset behind does it. */
  override getBatch(indices: readonly number[]): unknown {
    return batchOf(this.dataset, indices.map((index) => this.indices[requireIndex(index, this.length)]!));
  }
}

/**
 * Datasets one behind the other.
 *
 * @typeParam T One sample.
 */
export class ConcatDataset<T> extends Dataset<T> {
  /** The datasets, in order. */
  readonly datasets: readonly DatasetLike<T>[];
  /** Number of samples up to and with each dataset. */
  readonly cumulativeSizes: readonly number[];

  /**
   * Puts datasets one behind the other.
   *
   * @param datasets At least one.
   * @throws {ValueError} If there is none.
   */
  constructor(datasets: Iterable<DatasetLike<T>>) {
    super();
    this.datasets = [...datasets];
    if (this.datasets.length === 0) {
      throw new ValueError("Cannot make a ConcatDataset: it must have datasets, got none");
    }
    let sum = 0;
    this.cumulativeSizes = this.datasets.map(({ length }) => sum += length);
  }

  /** Number of samples of all. */
  override get length(): number {
    return this.cumulativeSizes.at(-1)!;
  }

  /**
   * The sample with number `index`, counted through all.
   *
   * @throws {IndexError} If `index` is out of range.
   */
  override get(index: number): T | Promise<T> {
    const i = requireIndex(index, this.length);
    const d = this.cumulativeSizes.findIndex((end) => i < end);
    return sampleOf(this.datasets[d]!, d === 0 ? i : i - this.cumulativeSizes[d - 1]!);
  }
}

/**
 * Splits a dataset at random into parts that do not overlap.
 *
 * @param lengths Numbers of samples that sum to the length of the dataset; or fractions that sum to 1, where what
 * rounding down leaves goes to the first parts, one each.
 * @param options `generator`, or the generator itself: where the order comes from; the default generator when not given.
 * @throws {ValueError} If the lengths do not sum to the length of the dataset.
 *
 * @example
 * ```ts
 * const [train, valid] = randomSplit(dataset, [0.9, 0.1], { generator: new Generator().manualSeed(0) });
 * ```
 */
export function randomSplit<T, const L extends readonly number[] = readonly number[]>(
  dataset: DatasetLike<T>,
  lengths: L,
  options: Generator | { readonly generator?: Generator | null } = {},
): { -readonly [K in keyof L]: Subset<T> } {
  const counts = partSizes(dataset.length, lengths);
  const order = permutation(dataset.length, options instanceof Generator ? options : options.generator);
  let at = 0;
  const parts = counts.map((count) => new Subset(dataset, order.subarray(at, at += count)));
  return parts as { -readonly [K in keyof L]: Subset<T> };
}

function partSizes(length: number, lengths: readonly number[]): number[] {
  const sum = lengths.reduce((total, part) => total + part, 0);
  const valid = lengths.every((part) => part >= 0);
  if (valid && lengths.every(Number.isInteger) && sum === length) return [...lengths];
  if (!valid || Math.abs(sum - 1) > 1e-6) {
    throw new ValueError(
      `Cannot split a dataset into parts of [${
        lengths.join(", ")
      }]: they must sum to ${length} samples or, as fractions, ` +
        `to 1, got ${sum}`,
    );
  }
  const counts = lengths.map((fraction) => Math.floor(length * fraction + 1e-9));
  const left = length - counts.reduce((total, count) => total + count, 0);
  return counts.map((count, i) =>
    count + Math.floor(left / counts.length) + (i < left % counts.length ? 1 : 0)
  );
}

/** Samples by their numbers, put together: by the dataset itself where it can, else by {@linkcode defaultCollate}. */
export function batchOf<T>(dataset: DatasetLike<T>, indices: readonly number[]): unknown {
  if ("getBatch" in dataset && dataset.getBatch !== undefined) return dataset.getBatch(indices);
  const samples = samplesOf(dataset, indices);
  return samples instanceof Promise
    ? samples.then(defaultCollate<T>)
    : defaultCollate(samples) as Collated<T>;
}

/** Samples by their numbers; a promise when one of them is. */
export function samplesOf<T>(dataset: DatasetLike<T>, indices: readonly number[]): T[] | Promise<T[]> {
  const samples = indices.map((index) => sampleOf(dataset, index));
  return samples.some((sample) => sample instanceof Promise) ? Promise.all(samples) : samples as T[];
}
