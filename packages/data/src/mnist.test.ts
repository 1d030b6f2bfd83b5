import { float32, int32 } from "@flambeau/core";
import { dataSync } from "@flambeau/tensor";
import { describe, expect, it } from "vitest";
import { MNIST, MNIST_MEAN, MNIST_STD } from "../mnist.ts";
import "./test_support.ts";

/** Five images of each digit, of one grey level that tells digit and number: 25 · digit + number. */
const source = (digit: number) =>
  Float64Array.from(
    { length: 5 * 784 },
    (_, k) => Math.round((25 * digit + Math.floor(k / 784)) / 255 * 1000) / 1000,
  );

describe("MNIST", () => {
  it("the last fifth of each digit is for tests; digits are mixed evenly", async () => {
    const test = await MNIST.load({ train: false, source });
    expect([...dataSync(test.targets)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const levels = (set: MNIST) =>
      [...dataSync(set.data)].filter((_, k) => k % 784 === 0).map((v) => Math.round(v as number * 255));
    expect(levels(test)).toEqual([4, 29, 54, 79, 104, 129, 154, 179, 204, 229]);
    const train = await MNIST.load({ source });
    expect(train.length).toBe(40);
    expect([...dataSync(train.targets)]).toEqual(Array.from({ length: 40 }, (_, i) => i % 10));
    expect(levels(train).slice(0, 11)).toEqual([0, 25, 50, 75, 100, 125, 150, 175, 200, 225, 1]);
  });

  it("images are float32[N, 1, 28, 28] of exact grey levels, normalized on request", async () => {
    const plain = await MNIST.load({ source, limit: 3 });
    expect([plain.data.dtype, plain.data.shape]).toEqual([float32, [3, 1, 28, 28]]);
    expect([plain.targets.dtype, plain.targets.shape]).toEqual([int32, [3]]);
    expect(dataSync(plain.data)[784]).toBe(Math.fround(25 / 255));
    const normal = await MNIST.load({ source, limit: 3, normalize: true });
    expect(dataSync(normal.data)[784]).toBe(Math.fround((25 / 255 - MNIST_MEAN) / MNIST_STD));
    expect(plain.get(1)[0].shape).toEqual([1, 28, 28]);
  });

  it("refuses a source that gives no images, and a limit that is no count", async () => {
    await expect(MNIST.load({ source: () => [0.5] })).rejects.toThrow(
      "must have 784 values each, got 1 in all",
    );
    await expect(MNIST.load({ source, limit: 0 })).rejects.toThrow(
      "limit must be a positive whole number, got 0",
    );
  });

  it("the installed package: 8,000 and 2,000 real digits", async () => {
    const [train, test] = [await MNIST.load(), await MNIST.load({ train: false })];
    expect([train.length, test.length]).toEqual([8000, 2000]);
    const counts = new Array<number>(10).fill(0);
    for (const digit of dataSync(test.targets)) counts[digit as number]!++;
    expect(counts).toEqual([200, 225, 198, 206, 196, 173, 203, 214, 189, 196]);
    const values = dataSync(train.data) as Float32Array;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean - MNIST_MEAN)).toBeLessThan(0.01);
  });
});
