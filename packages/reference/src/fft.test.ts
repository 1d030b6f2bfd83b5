import { float32, float64, type Operand } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { operand, run, valuesOf } from "./test_support.ts";

/** Σ x[j] e^{∓2πi jk/n} as written, with angles reduced to one turn. */
function definition(values: readonly number[], inverse: boolean): number[] {
  const n = values.length / 2;
  return Array.from({ length: n }, (_, k) => {
    let [re, im] = [0, 0];
    for (let j = 0; j < n; j++) {
      const angle = (inverse ? 2 : -2) * Math.PI * (j * k % n) / n;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      re += values[2 * j]! * c - values[2 * j + 1]! * s;
      im += values[2 * j]! * s + values[2 * j + 1]! * c;
    }
    return [re, im];
  }).flat();
}

const signal = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 0.6180339887498949) % 1 - 0.5);

describe.each([1, 2, 3, 4, 5, 8, 12, 30, 61, 64, 67, 97, 128, 134, 243, 1001])("fft: size %i", (n) => {
  test.each([false, true])("is the sum that defines it, inverse %s", (inverse) => {
    const values = signal(2 * n);
    const [out] = run("fft", [operand(values, float64, [n, 2])], { dim: 0, inverse }) as [Operand];
    const want = definition(values, inverse);
    const scale = Math.max(...want.map(Math.abs));
    (valuesOf(out) as number[]).forEach((x, i) => expect(Math.abs(x - want[i]!) / scale).toBeLessThan(2e-13));
  });
});

test("fft: there and back gives the signal times its size", () => {
  for (const n of [360, 509]) {
    const values = signal(2 * n);
    const [there] = run("fft", [operand(values, float64, [n, 2])], { dim: 0, inverse: false }) as [Operand];
    const [back] = run("fft", [there], { dim: 0, inverse: true }) as [Operand];
    (valuesOf(back) as number[]).forEach((x, i) => expect(Math.abs(x / n - values[i]!)).toBeLessThan(1e-14));
  }
});

test.each(["contiguous", "strided"] as const)("fft: any dimension of a batch, %s", (layout) => {
  const values = signal(2 * 3 * 4 * 2);
  const x = operand(values, float32, [2, 3, 4, 2], layout);
  const [out] = run("fft", [x], { dim: 1, inverse: false }, layout) as [Operand];
  const [held, got] = [valuesOf(x) as number[], valuesOf(out) as number[]];
  const place = (b: number, j: number, c: number) => ((b * 3 + j) * 4 + c) * 2;
  for (let b = 0; b < 2; b++) {
    for (let c = 0; c < 4; c++) {
      const line = [0, 1, 2].flatMap((j) => [held[place(b, j, c)]!, held[place(b, j, c) + 1]!]);
      definition(line, false).forEach((want, i) => {
        expect(Math.abs(got[place(b, i >> 1, c) + (i & 1)]! - want)).toBeLessThan(2e-7);
      });
    }
  }
});
