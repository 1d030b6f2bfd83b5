import { Generator, type Tensor } from "@flambeau/tensor";
import type { Storage } from "@flambeau/tensor/internal";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  BatchSampler,
  DataLoader,
  type DataLoaderOptions,
  Dataset,
  IterableDataset,
  SequentialSampler,
  Subset,
  TensorDataset,
} from "../mod.ts";
import { plain, rows, tens } from "./test_support.ts";

const seeded = () => new Generator().manualSeed(0);

async function all<B>(loader: AsyncIterable<B>): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const batch of loader) out.push(plain(batch));
  return out;
}

/** Numbers that come after a while, the later ones sooner. */
class Slow extends Dataset<number> {
  override readonly length = 6;
  running = 0;
  mostRunning = 0;
  override async get(i: number): Promise<number> {
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    await new Promise((resolve) => setTimeout(resolve, 10 - i));
    this.running--;
    return i;
  }
}

class Count extends IterableDataset<number> {
  override *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < 5; i++) yield i;
  }
}

class CountLater extends IterableDataset<number> {
  closed = 0;
  override async *[Symbol.asyncIterator](): AsyncIterator<number> {
    try {
      for (let i = 0; i < 5; i++) yield await Promise.resolve(i);
    } finally {
      this.closed++;
    }
  }
}

describe("DataLoader", () => {
  it("batches of a TensorDataset, the last one shorter", async () => {
    const loader = new DataLoader(new TensorDataset(rows(5), tens(5)), { batchSize: 2 });
    expect(loader.length).toBe(3);
    const batches = await all(loader);
    expect(batches).toEqual([
      [[[0, 0], [1, 0.5]], [0, 10]],
      [[[2, 1], [3, 1.5]], [20, 30]],
      [[[4, 2]], [40]],
    ]);
    expect([...loader].map(plain)).toEqual(batches);
    for (const batch of loader) expectTypeOf(batch).toEqualTypeOf<[Tensor, Tensor]>();
  });

  it("one batch of a TensorDataset, or of a Subset of one, makes one tensor for each of its own", () => {
    const dataset = new TensorDataset(rows(100), tens(100));
    const subset = new Subset(dataset, Array.from({ length: 80 }, (_, i) => i));
    for (const source of [dataset, subset]) {
      let live = 0;
      const made: Storage[] = [];
      for (const [x, y] of new DataLoader(source, { batchSize: 40, dropLast: true })) {
        made.push(x.storage, y.storage);
        live++;
      }
      expect(live).toBe(2);
      expect(new Set(made).size).toBe(4);
      expect(made.every(({ isDisposed }) => !isDisposed)).toBe(true);
    }
  });

  it("dropLast leaves out a last batch that is not full", async () => {
    const loader = new DataLoader([1, 2, 3], { batchSize: 2, dropLast: true });
    expect(loader.length).toBe(1);
    expect(await all(loader)).toEqual([[1, 2]]);
  });

  it("shuffle: every sample once, another order each epoch, repeated by the seed", async () => {
    const dataset = Array.from({ length: 40 }, (_, i) => i);
    const loader = () => new DataLoader(dataset, { batchSize: 40, shuffle: true, generator: seeded() });
    const first = loader();
    const [one] = await all(first) as number[][];
    const [two] = await all(first) as number[][];
    expect([...one!].sort((a, b) => a - b)).toEqual(dataset);
    expect(two).not.toEqual(one);
    expect((await all(loader()))[0]).toEqual(one);
  });

  it("sampler and batchSampler set the order", async () => {
    const dataset = ["a", "b", "c", "d"];
    expect(await all(new DataLoader(dataset, { sampler: [3, 1], batchSize: 2 }))).toEqual([["d", "b"]]);
    const batchSampler = new BatchSampler(new SequentialSampler(dataset), 3);
    const loader = new DataLoader(dataset, { batchSampler });
    expect(loader.length).toBe(2);
    expect(await all(loader)).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("batchSize null gives the samples themselves", async () => {
    const loader = new DataLoader<string, string>(["a", "b"], { batchSize: null });
    expect(loader.length).toBe(2);
    expect(await all(loader)).toEqual(["a", "b"]);
    expect([...new DataLoader(["a"], { batchSize: null, collateFn: (samples) => samples.length })]).toEqual([
      1,
    ]);
  });

  it("collateFn makes the batch, and takes the place of the dataset's own way", async () => {
    const dataset = new TensorDataset(tens(3));
    const loader = new DataLoader(dataset, { batchSize: 2, collateFn: (samples) => samples.length });
    expectTypeOf(loader).toExtend<AsyncIterable<number>>();
    expect(await all(loader)).toEqual([2, 1]);
    const later = new DataLoader([1, 2], {
      batchSize: 2,
      collateFn: (samples) => Promise.resolve(samples.join()),
    });
    expect(await all(later)).toEqual(["1,2"]);
  });

  it("an asynchronous dataset: the samples of a batch at the same time, batches in order", async () => {
    const dataset = new Slow();
    expect(await all(new DataLoader(dataset, { batchSize: 3 }))).toEqual([[0, 1, 2], [3, 4, 5]]);
    expect(dataset.mostRunning).toBe(3);
    const ahead = new Slow();
    expect(await all(new DataLoader(ahead, { batchSize: 2, prefetch: 1 }))).toEqual([[0, 1], [2, 3], [4, 5]]);
    expect(ahead.mostRunning).toBe(4);
    expect(await all(new DataLoader(new Slow(), { batchSize: 2, prefetch: 99 }))).toEqual([[0, 1], [2, 3], [
      4,
      5,
    ]]);
    expect(() => [...new DataLoader(new Slow())]).toThrow(
      "its dataset or collateFn answers with promises, use for await",
    );
  });

  it("an error of the dataset comes at its batch, and prefetched ones are not lost or thrown elsewhere", async () => {
    const dataset = {
      length: 4,
      get: (i: number) => i === 2 ? Promise.reject(new Error("sample 2 is broken")) : Promise.resolve(i),
    };
    const seen: unknown[] = [];
    const run = async () => {
      for await (const batch of new DataLoader(dataset, { prefetch: 3 })) seen.push(plain(batch));
    };
    await expect(run()).rejects.toThrow("sample 2 is broken");
    expect(seen).toEqual([[0], [1]]);
    for await (const batch of new DataLoader(dataset, { prefetch: 3 })) {
      expect(plain(batch)).toEqual([0]);
      break; // the rejection of the third batch must not become an unhandled one
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("iterable datasets, in turn and later", async () => {
    const expected = [[0, 1], [2, 3], [4]];
    const loader = new DataLoader(new Count(), { batchSize: 2 });
    expect(await all(loader)).toEqual(expected);
    expect([...loader].map(plain)).toEqual(expected);
    expect(() => loader.length).toThrow("Cannot count the batches");
    const stream = new CountLater();
    expect(await all(new DataLoader(stream, { batchSize: 2 }))).toEqual(expected);
    expect(await all(new DataLoader(stream, { batchSize: 2, dropLast: true, prefetch: 2 }))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(() => [...new DataLoader(stream)]).toThrow("use for await");
    expect(await all(new DataLoader<number, number>(stream, { batchSize: null }))).toEqual([0, 1, 2, 3, 4]);
    expect(stream.closed).toBe(3);
    for await (const _ of new DataLoader(stream, { batchSize: 1 })) break;
    expect(stream.closed).toBe(4);
  });

  it("counts the batches of an iterable dataset that has a length", () => {
    const dataset = { length: 5, [Symbol.iterator]: () => new Count()[Symbol.iterator]() };
    expect(new DataLoader(dataset, { batchSize: 2 }).length).toBe(3);
  });

  it("lets the event loop turn while much is allocated", async () => {
    const large = { length: 8, get: () => rows(1 << 21) }; // 16 MiB each
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    for await (const batch of new DataLoader(large, { collateFn: ([x]) => x!, batchSize: 1 })) {
      batch.dispose();
    }
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it.each<[string, DataLoaderOptions<number, unknown>, string]>([
    ["batchSize 0", { batchSize: 0 }, "batchSize must be a positive whole number, got 0"],
    ["batchSize 1.5", { batchSize: 1.5 }, "got 1.5"],
    ["sampler and shuffle", { sampler: [0], shuffle: true }, "sampler excludes shuffle, got both"],
    ["batchSampler and batchSize", { batchSampler: [[0]], batchSize: 2 }, "batchSampler excludes batchSize"],
    ["batchSampler and dropLast", { batchSampler: [[0]], dropLast: true }, "batchSampler excludes dropLast"],
    ["no batches and dropLast", { batchSize: null, dropLast: true }, "batchSize: null excludes dropLast"],
    ["negative prefetch", { prefetch: -1 }, "prefetch must be a whole number that is not negative, got -1"],
    [
      "an unknown option",
      { numWorkers: 2 } as never,
      "there are no worker processes, prefetch prepares batches ahead",
    ],
  ])("refuses %s", (_, options, message) => {
    expect(() => new DataLoader([1, 2, 3], options)).toThrow(message);
  });

  it("takes the batch size by position, and options after it", () => {
    expect([...new DataLoader([1, 2, 3], 2, { collateFn: (list) => list.join("+") })]).toEqual(["1+2", "3"]);
    expect([...new DataLoader([1, 2, 3], 2, { dropLast: true })].length).toBe(1);
    expect(() => new DataLoader([1, 2, 3], 0)).toThrow("batchSize must be a positive whole number, got 0");
  });

  it("refuses what is no dataset, and an order for a stream", () => {
    expect(() => new DataLoader(3 as never)).toThrow("the dataset must have length and get(index)");
    expect(() => new DataLoader({} as never)).toThrow("the dataset must have length and get(index)");
    expect(() => new DataLoader(new Count(), { shuffle: true })).toThrow(
      "an iterable dataset excludes shuffle",
    );
    expect(() => [...new DataLoader(["a"], { sampler: [5] })]).toThrow("[-1, 1), got 5");
  });
});
