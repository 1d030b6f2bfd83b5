import { createWasmBackend } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { expect, test } from "vitest";
import { functions } from "./functions.ts";
import { measure } from "./measure.ts";

/** A prime: about 100,000 patterns, from everywhere. */
const STRIDE = 42_943;

for (const build of ["relaxed", "simd"] as const) {
  const device = createWasmBackend({ fallback: hostKernels, build, threads: 0 });
  for (const fn of functions) {
    test(`${fn.name}: a sample of all float32 is within ${fn.bound} ulp of float64 (${build})`, () => {
      const { worst, at, wrong, wrongAt } = measure(device, fn, STRIDE);
      expect(worst, `at ${at}`).toBeLessThanOrEqual(fn.bound);
      expect(wrong, `at ${wrongAt}`).toBe(0);
    });
  }
}
