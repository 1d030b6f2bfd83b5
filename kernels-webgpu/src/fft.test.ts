import type { Backend } from "@flambeau/core";
import { expect, test } from "vitest";
import { describeGpu, expectSame, noise, results, type Spec } from "./test_support.ts";
import { textsToTry, tuned } from "./tuned_support.ts";

function lines(shape: number[], seed = 1): Spec & { readonly values: number[] } {
  return { values: noise(shape.reduce((a, b) => a * b, 2), seed), shape: [...shape, 2] };
}

/** Rounding errors grow with the root of the energy of a line, hardly with its length. */
const around = (length: number): { rtol: number; atol: number } => ({
  rtol: 1e-5,
  atol: 2e-6 * Math.sqrt(length),
});

for (const brief of textsToTry) {
  describeGpu(`fft, ${brief ? "short texts" : "texts for hardware"}`, () => fftTests(brief));
}

function fftTests(brief: boolean): void {
  const on = tuned({}, { brief });
  const within = (length: number): ReturnType<typeof around> & { on: Backend } => ({ on, ...around(length) });
  test("every dim, both ways, many lines and few, back again", async () => {
    for (const inverse of [false, true]) {
      for (const dim of [0, 1, 2]) await expectSame("fft", [lines([3, 8, 5])], { dim, inverse }, within(8));
      await expectSame("fft", [lines([600, 4])], { dim: 1, inverse }, within(4));
      await expectSame("fft", [lines([4, 600])], { dim: 0, inverse }, within(4));
      await expectSame("fft", [lines([3, 16, 40])], { dim: 1, inverse }, within(16));
    }
    const there = await results(on, "fft", [lines([30])], { dim: 0, inverse: false });
    const back = await results(on, "fft", [{ values: there.values[0]!, shape: [30, 2] }], {
      dim: 0,
      inverse: true,
    });
    back.values[0]!.forEach((value, i) => expect(value / 30).toBeCloseTo(noise(60)[i]!, 5));
  });
  test("lengths of every factor, in workgroup memory", async () => {
    for (const length of [1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 16, 60, 77, 169, 512, 1000, 1024]) {
      await expectSame("fft", [lines([2, length])], { dim: 1, inverse: length % 2 === 0 }, within(length));
    }
  });
  test("long lines: as matrices, once and twice", async () => {
    for (const length of [2048, 1500, 4096, 3 * 5 * 7 * 13]) {
      await expectSame("fft", [lines([2, length])], { dim: 1, inverse: length === 4096 }, within(length));
    }
    await expectSame("fft", [lines([2048, 3])], { dim: 0, inverse: false }, within(2048));
    await expectSame("fft", [lines([2 ** 21])], { dim: 0, inverse: false }, within(2 ** 21));
  });
  test("large prime factors: short lines by the definition, others as convolutions", async () => {
    for (const length of [17, 61, 34, 67, 101, 1009, 2 * 521, 2053]) {
      for (const inverse of [false, true]) {
        await expectSame("fft", [lines([2, length])], { dim: 1, inverse }, within(4 * length));
      }
    }
    await expectSame("fft", [lines([97, 3])], { dim: 0, inverse: false }, within(4 * 97));
  });
  test("strides on both sides; parts apart from one another", async () => {
    const x = { ...lines([4, 30]), strides: [1, 4, 130], offset: 3 };
    await expectSame("fft", [x], { dim: 1, inverse: false }, {
      ...within(30),
      layouts: [{ strides: [61, 2, 1], offset: 5 }],
    });
    const long = { ...lines([2, 1200]), strides: [1, 2, 2400] };
    await expectSame("fft", [long], { dim: 1, inverse: true }, {
      ...within(1200),
      layouts: [{ strides: [1, 4, 2], offset: 1 }],
    });
    const shared = { values: [1, 2, 1, 2, 1, 2], shape: [3, 2], strides: [0, 1] };
    await expectSame("fft", [shared], { dim: 0, inverse: false }, within(3));
  });
  test("NaN and infinities reach every number of their line, and no other", async () => {
    for (const length of [8, 67]) {
      const x = lines([2, length]);
      const values = x.values.map((v, i) => i === 3 ? NaN : v);
      const { values: [got] } = await results(on, "fft", [{ values, shape: x.shape }], {
        dim: 1,
        inverse: false,
      });
      expect(got!.slice(0, 2 * length).every(Number.isNaN)).toBe(true);
      expect(got!.slice(2 * length).every(Number.isFinite)).toBe(true);
    }
  });
}
