/**
 * The data loader: batches of a dataset, in an order, one after the other.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import { breathe, type Generator } from "@flambeau/tensor";
import { type Collated, defaultCollate } from "./collate.ts";
import { type DatasetLike, isMapStyle, type IterableDatasetLike, sampleOf } from "./dataset.ts";
import { batchOf, samplesOf } from "./datasets.ts";
import { BatchSampler, RandomSampler, requireCount, SequentialSampler, type Sized } from "./samplers.ts";

/** Options of {@linkcode DataLoader}. */
export interface DataLoaderOptions<T, B> {
  /** Samples in a batch; null gives the samples themselves. Default 1. */
  readonly batchSize?: number | null;
  /** Another random order in each iteration. Default false. */
  readonly shuffle?: boolean;
  /** The order of the samples, instead of `shuffle`. */
  readonly sampler?: Iterable<number> | null;
  /** The samples of each batch, instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: Iterable<readonly number[]> | null;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
  /**
   * Makes a batch from its samples (with `batchSize: null`, from one sample). Default: {@linkcode defaultCollate}, or the
   * dataset's own `getBatch`.
   */
  readonly collateFn?: ((samples: T[]) => B | Promise<B>) | null;
  /** Batches to begin before they are asked for, when iterated with `for await`. Default 0. */
  readonly prefetch?: number;
  /** Where the order comes from. Default: the default generator. */
  readonly generator?: Generator | null;
}

const OPTIONS: readonly string[] = [
  "batchSize",
  "shuffle",
  "sampler",
  "batchSampler",
  "dropLast",
  "collateFn",
  "prefetch",
  "generator",
];

/**
 * Gives the batches of a dataset. Each iteration begins anew, with a new order where it is random.
 *
 * `for await` takes every dataset, prepares batches ahead when asked to, and lets the event loop turn when much memory
 * was allocated, so that dropped tensors are freed: use it in training loops. `for … of` takes datasets and `collateFn`s
 * that answer without promises. The samples of one batch are fetched at the same time; batches come in order.
 *
 * @typeParam T One sample.
 * @typeParam B One batch.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 *
 * @example
 * ```ts
 * const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 64, shuffle: true });
 * for await (const [images, labels] of loader) {
 *   // images: float32[64, …], labels: int32[64]
 * }
 * ```
 */
export class DataLoader<T, B = Collated<T>> implements Iterable<B>, AsyncIterable<B> {
  /** Where the samples come from. */
  readonly dataset: DatasetLike<T> | IterableDatasetLike<T>;
  /** Samples in a batch; null without batches, or with a `batchSampler`. */
  readonly batchSize: number | null;
  /** True when a last batch that is not full is left out. */
  readonly dropLast: boolean;
  /** The order of the samples; null for iterable datasets. */
  readonly sampler: Iterable<number> | null;
  /** The samples of each batch; null without batches and for iterable datasets. */
  readonly batchSampler: Iterable<readonly number[]> | null;
  /** Makes a batch from its samples; null is the default way. */
  readonly collateFn: ((samples: T[]) => B | Promise<B>) | null;
  /** Batches to begin before they are asked for. */
  readonly prefetch: number;
  /** Where the order comes from; null is the default generator. */
  readonly generator: Generator | null;

  /**
   * Makes a loader; nothing is fetched before it is iterated.
   *
   * @param dataset Samples by number or in a row.
   * @param batchSize Samples in a batch, unless the options come here. Default 1.
   * @param rest The options after a batch size.
   * @throws {ValueError} If options exclude each other or are out of range.
   * @throws {ArgumentTypeError} If `dataset` is none, or an option is unknown.
   */
  constructor(
    dataset: DatasetLike<T> | IterableDatasetLike<T>,
    batchSize: number | DataLoaderOptions<T, B> = {},
    rest: DataLoaderOptions<T, B> = {},
  ) {
    const options = typeof batchSize === "number" ? { ...rest, batchSize } : batchSize;
    checkOptions(dataset, options);
    const { batchSampler = null, sampler = null, shuffle = false, dropLast = false, generator = null } =
      options;
    const size = batchSampler === null ? options.batchSize === undefined ? 1 : options.batchSize : null;
    this.dataset = dataset;
    this.batchSize = size;
    this.dropLast = dropLast;
    this.generator = generator;
    this.collateFn = options.collateFn ?? null;
    this.prefetch = options.prefetch ?? 0;
    this.sampler = !isMapStyle(dataset)
      ? null
      : sampler ?? (shuffle ? new RandomSampler(dataset, { generator }) : new SequentialSampler(dataset));
    this.batchSampler = batchSampler ??
      (this.sampler === null || size === null ? null : new BatchSampler(this.sampler, size, dropLast));
  }

  /**
   * Number of batches in one iteration.
   *
   * @throws {ArgumentTypeError} If the dataset or the sampler has no length.
   */
  get length(): number {
    const source = this.batchSampler ?? this.sampler ?? this.dataset;
    const { length } = source as Partial<Sized>;
    if (length === undefined) {
      throw new ArgumentTypeError(
        "Cannot count the batches of a DataLoader: its dataset or sampler has no length",
      );
    }
    if (this.sampler !== null || this.batchSampler !== null || this.batchSize === null) return length;
    return (this.dropLast ? Math.floor : Math.ceil)(length / this.batchSize);
  }

  /**
   * The batches, one after the other.
   *
   * @throws {ArgumentTypeError} If the dataset or `collateFn` answers with promises.
   */
  *[Symbol.iterator](): Iterator<B> {
    if (isAsyncOnly(this.dataset)) refuseSync();
    for (const task of this.#tasks()) {
      const batch = task();
      if (batch instanceof Promise) {
        batch.catch(() => {}); // refused below, whatever comes of it
        refuseSync();
      }
      yield batch;
    }
  }

  /** The batches, one after the other, with turns of the event loop in between. */
  async *[Symbol.asyncIterator](): AsyncIterator<B> {
    const begun: Promise<B>[] = [];
    const next = async (): Promise<B> => {
      await breathe();
      return await begun.shift()!;
    };
    for await (const task of isAsyncOnly(this.dataset) ? this.#streamTasks(this.dataset) : this.#tasks()) {
      const batch = (async () => await task())();
      batch.catch(() => {}); // thrown when its turn comes, or never when the loop ends before
      begun.push(batch);
      if (begun.length > this.prefetch) yield await next();
    }
    while (begun.length > 0) yield await next();
  }

  /** What makes each batch. */
  *#tasks(): Iterable<() => B | Promise<B>> {
    const { dataset } = this;
    if (!isMapStyle(dataset)) {
      const samples = dataset as Iterable<T>;
      if (this.batchSize === null) { for (const sample of samples) yield () => this.#single(sample); }
      else {for (const batch of grouped(samples, this.batchSize, this.dropLast)) {
          yield () => this.#collate(batch);
        }}
    } else if (this.batchSampler !== null) {
      for (const indices of this.batchSampler) yield () => this.#batch(dataset, indices);
    } else {
      for (const index of this.sampler!) yield () => this.#single(sampleOf(dataset, index));
    }
  }

  /** What makes each batch of an asynchronous dataset. */
  async *#streamTasks(samples: AsyncIterable<T>): AsyncIterable<() => B | Promise<B>> {
    let batch: T[] = [];
    for await (const sample of samples) {
      if (this.batchSize === null) {
        yield () => this.#single(sample);
        continue;
      }
      batch.push(sample);
      if (batch.length < this.batchSize) continue;
      const full = batch;
      batch = [];
      yield () => this.#collate(full);
    }
    if (batch.length > 0 && !this.dropLast) yield () => this.#collate(batch);
  }

  #batch(dataset: DatasetLike<T>, indices: readonly number[]): B | Promise<B> {
    if (this.collateFn === null) return batchOf(dataset, indices) as B | Promise<B>;
    const samples = samplesOf(dataset, indices);
    return samples instanceof Promise
      ? samples.then((ready) => this.#collate(ready))
      : this.#collate(samples);
  }

  /** A sample as it is, or as a batch of one for `collateFn`. */
  #single(sample: T | Promise<T>): B | Promise<B> {
    if (this.collateFn === null) return sample as B | Promise<B>;
    return sample instanceof Promise
      ? sample.then((ready) => this.#collate([ready]))
      : this.#collate([sample]);
  }

  #collate(samples: T[]): B | Promise<B> {
    return this.collateFn === null ? defaultCollate(samples) as B : this.collateFn(samples);
  }
}

function* grouped<T>(samples: Iterable<T>, size: number, dropLast: boolean): Iterable<T[]> {
  let batch: T[] = [];
  for (const sample of samples) {
    batch.push(sample);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0 && !dropLast) yield batch;
}

function isAsyncOnly<T>(dataset: DatasetLike<T> | IterableDatasetLike<T>): dataset is AsyncIterable<T> {
  return !isMapStyle(dataset) && (dataset as Iterable<T>)[Symbol.iterator] === undefined;
}

function refuseSync(): never {
  throw new ArgumentTypeError(
    "Cannot iterate a DataLoader with for … of: its dataset or collateFn answers with promises, use for await",
  );
}

function checkOptions<T, B>(
  dataset: DatasetLike<T> | IterableDatasetLike<T>,
  options: DataLoaderOptions<T, B>,
): void {
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) {
    throw new ArgumentTypeError(
      `Cannot make a DataLoader with option ${JSON.stringify(unknown)}: it must be one of ${
        OPTIONS.join(", ")
      }${unknown === "numWorkers" ? "; there are no worker processes, prefetch prepares batches ahead" : ""}`,
    );
  }
  const { batchSize, prefetch } = options;
  if (batchSize !== undefined && batchSize !== null) requireCount("DataLoader", "batchSize", batchSize);
  if (prefetch !== undefined && !(Number.isInteger(prefetch) && prefetch >= 0)) {
    throw new ValueError(
      `Cannot make a DataLoader: prefetch must be a whole number that is not negative, got ${
        String(prefetch)
      }`,
    );
  }
  const given = (key: keyof DataLoaderOptions<T, B>): boolean =>
    options[key] !== undefined && options[key] !== null && options[key] !== false;
  const exclude = (key: string, others: readonly (keyof DataLoaderOptions<T, B>)[]): void => {
    const other = others.find(given);
    if (other === undefined) return;
    throw new ValueError(`Cannot make a DataLoader: ${key} excludes ${other}, got both`);
  };
  if (given("batchSampler")) exclude("batchSampler", ["batchSize", "shuffle", "sampler", "dropLast"]);
  if (given("sampler")) exclude("sampler", ["shuffle"]);
  if (batchSize === null) exclude("batchSize: null", ["dropLast"]);
  if (isMapStyle(dataset)) return;
  const streams = typeof dataset === "object" && dataset !== null &&
    (Symbol.iterator in dataset || Symbol.asyncIterator in dataset);
  if (!streams) {
    throw new ArgumentTypeError(
      "Cannot make a DataLoader: the dataset must have length and get(index), or be an array or an iterable",
    );
  }
  exclude("an iterable dataset", ["shuffle", "sampler", "batchSampler"]);
}
