import { float64, int32 } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";

/** The sum in float64, one product after another. */
function sums(
  x: readonly number[],
  [outer, from, inner]: readonly [number, number, number],
  index: readonly (readonly number[])[],
  weight: readonly (readonly number[])[],
  size: number | null,
): number[] {
  const n = index[0]!.length;
  const to = size ?? n;
  const out = new Array<number>(outer * to * inner).fill(0);
  for (let a = 0; a < outer; a++) {
    index.forEach((row, k) =>
      row.forEach((place, i) => {
        const [p, q] = size === null ? [place, i] : [i, place];
        for (let c = 0; c < inner; c++) {
          out[(a * to + q) * inner + c]! += weight[k]![i]! * x[(a * from + p) * inner + c]!;
        }
      })
    );
  }
  return out;
}

test("resample: rows and turned rows of every size, sums and additions", () => {
  for (const outer of [1, 7, 8, 9, 16, 19]) {
    for (const [from, n] of [[1, 3], [3, 9], [4, 4], [5, 8], [9, 6], [23, 50]] as const) {
      for (const inner of outer > 9 ? [1] : [1, 2, 8, 13]) {
        for (const taps of [1, 2, 5]) {
          for (const size of [null, 7]) {
            const length = size === null ? from : n;
            const range = size ?? from;
            const x = [...noise(outer * length * inner, 3)].map(Math.fround);
            const index = Array.from(
              { length: taps },
              (_, k) => Array.from({ length: n }, (_, i) => (3 * i + 5 * k) % range),
            );
            const weight = Array.from({ length: taps }, (_, k) => [...noise(n, k)].map(Math.fround));
            const want = sums(x, [outer, length, inner], index, weight, size);
            for (const [build, device] of devices) {
              const out = empty(device, [outer, size ?? n, inner]);
              const inputs = [
                operand(device, x, [outer, length, inner]),
                operand(device, index.flat(), [taps, n], int32),
                operand(device, weight.flat(), [taps, n]),
              ] as const;
              expect(run(device, "resample", inputs, out, { dim: 1, size }), build).toBe(true);
              values(device, out).forEach((got, i) => expect(got).toBeCloseTo(want[i]!, 4));
            }
          }
        }
      }
    }
  }
});

test("resample: an index out of range throws, and nothing is written", () => {
  for (const [, device] of devices) {
    const out = empty(device, [2, 2]);
    const x = operand(device, [1, 2, 3, 4, 5, 6], [2, 3]);
    const weight = operand(device, [1, 1], [1, 2]);
    for (const bad of [3, -1]) {
      const index = operand(device, [0, bad], [1, 2], int32);
      expect(() => run(device, "resample", [x, index, weight], out, { dim: 1, size: null })).toThrow(
        `index ${bad} is out of bounds for dimension 1 with size 3`,
      );
    }
    expect(values(device, out)).toEqual([77, 77, 77, 77]);
  }
});

test("resample: NaN and infinity stay where no index goes; float64 is left to the formula", () => {
  for (const [, device] of devices) {
    const x = operand(device, [1, NaN, 3, Infinity], [4, 1]);
    const index = operand(device, [0, 2, 2, 0], [2, 2], int32);
    const out = empty(device, [2, 1]);
    run(device, "resample", [x, index, operand(device, [1, 1, 2, 2], [2, 2])], out, { dim: 0, size: null });
    expect(values(device, out)).toEqual([7, 5]);
    const wide = operand(device, [1], [1, 1], float64);
    expect(
      run(
        device,
        "resample",
        [wide, operand(device, [0], [1, 1], int32), wide],
        empty(device, [1, 1], float64),
        {
          dim: 0,
          size: null,
        },
      ),
    ).toBe(false);
  }
});
