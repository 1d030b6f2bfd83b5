/**
 * Datasets: samples by number, or one after the other.
 *
 * @module
 */

import { IndexError } from "@flambeau/core";

/**
 * Samples by number: PyTorch's map-style dataset. Extend it, or pass any object of this form, or an array.
 *
 * @typeParam T One sample, such as `[image, label]`.
 *
 * @example
 * ```ts
 * class Squares extends Dataset<[number, number]> {
 *   override readonly length = 100;
 *   override get(i: number): [number, number] {
 *     return [i, i * i];
 *   }
 * }
 * ```
 */
export abstract class Dataset<T> {
  /** Number of samples. */
  abstract readonly length: number;

  /** The sample with number `index`, from 0 to `length - 1`, or a promise of it. */
  abstract get(index: number): T | Promise<T>;

  /**
   * Many samples at once, collated into a batch. A dataset that can do better than one by one has this method; the
   * loader uses it when it has no `collateFn` of its own.
   */
  getBatch?(indices: readonly number[]): unknown;
}

/** What can stand where a dataset is expected: a {@linkcode Dataset}, an object of its form, or an array of samples. */
export type DatasetLike<T> = Pick<Dataset<T>, "length" | "get" | "getBatch"> | readonly T[];

/**
 * Samples one after the other, when they have no numbers: a stream, a log, a generator. Extend it with a
 * `[Symbol.iterator]` or a `[Symbol.asyncIterator]` that begins anew at each call.
 *
 * @typeParam T One sample.
 */
export abstract class IterableDataset<T> {
  /** Begins anew. Have this one or the asynchronous one. */
  [Symbol.iterator]?(): Iterator<T>;

  /** Begins anew. Have this one or the synchronous one. */
  [Symbol.asyncIterator]?(): AsyncIterator<T>;
}

/** What can stand where an iterable dataset is expected. */
export type IterableDatasetLike<T> = IterableDataset<T> | Iterable<T> | AsyncIterable<T>;

/** True for what has numbered samples. */
export function isMapStyle<T>(dataset: DatasetLike<T> | IterableDatasetLike<T>): dataset is DatasetLike<T> {
  return Array.isArray(dataset) ||
    typeof dataset === "object" && dataset !== null && "get" in dataset &&
      typeof dataset.get === "function" &&
      typeof (dataset as { length?: unknown }).length === "number";
}

/** One sample of a dataset or of an array. */
export function sampleOf<T>(dataset: DatasetLike<T>, index: number): T | Promise<T> {
  if ("get" in dataset) return dataset.get(index);
  return dataset[requireIndex(index, dataset.length)]!;
}

/**
 * A number of a sample, with negative ones counted from the end.
 *
 * @throws {IndexError} If it is out of range.
 */
export function requireIndex(index: number, length: number): number {
  const from0 = index < 0 ? index + length : index;
  if (Number.isInteger(index) && from0 >= 0 && from0 < length) return from0;
  throw new IndexError(
    `Cannot get sample ${index}: the index must be a whole number in [${-length}, ${length}), got ${index}`,
  );
}
