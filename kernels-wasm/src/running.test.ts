import { type DType, float32, float64, int32, int64, type Shape } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, oracle, run, values } from "./test_support.ts";

const CASES: readonly (readonly [shape: Shape, dim: number])[] = [
  [[1], 0],
  [[37], 0],
  [[2, 30], 1],
  [[9, 30], 1],
  [[30, 4], 0],
  [[30, 9], 0],
  [[3, 8, 7], 1],
  [[3, 1, 5], 1],
  [[2, 3, 2, 6], 1],
];

/** Numbers with many that are equal, with a NaN here and there where `dtype` has one. */
function data(shape: Shape, dtype: DType, step: number): number[] {
  const n = shape.reduce((a, b) => a * b, 1);
  return Array.from(noise(n, 4), (v, i) => {
    if (!dtype.isFloatingPoint) return Math.round(v * 4) || 3;
    return i % step === 7 ? NaN : Math.round(v * 6) / 4;
  });
}

test.each([float32, float64, int32, int64])(
  "cumprod, cummax, cummin: every dim, the last among equals, NaN, %s",
  (dtype) => {
    for (const [shape, dim] of CASES) {
      for (const step of [1000, 19, 5]) {
        const x = data(shape, dtype, step);
        const product = empty(oracle, shape, dtype);
        run(oracle, "cumprod", [operand(oracle, x, shape, dtype)], product, { dim });
        for (const [, device] of devices) {
          const y = empty(device, shape, dtype);
          expect(run(device, "cumprod", [operand(device, x, shape, dtype)], y, { dim })).toBe(true);
          expect(values(device, y)).toEqual(values(oracle, product));
        }
        for (const name of ["cummax", "cummin"] as const) {
          const results = [oracle, ...devices.map(([, device]) => device)].map((device) => {
            const outputs = [empty(device, shape, dtype), empty(device, shape, int32)] as const;
            expect(run(device, name, [operand(device, x, shape, dtype)], outputs, { dim })).toBe(true);
            return outputs.map((z) => values(device, z));
          });
          for (const got of results.slice(1)) {
            expect(got, `${name} ${shape} along ${dim}`).toEqual(results[0]);
          }
        }
      }
    }
  },
);
