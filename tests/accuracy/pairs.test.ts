/**
 * Functions of two float32, on pairs from everywhere and on pairs whose result is an ordinary number.
 *
 * @module
 */

import { type Backend, float32, type KernelName, type Operand } from "@flambeau/core";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { expect, test } from "vitest";

const COUNT = 100_000;

/** The functions, what they should be, and the units of the last place to stay within. */
const FUNCTIONS = [
  // Float64 rounded once, and what float64 itself is off by.
  { name: "pow", exact: power, bound: 0.501 },
  { name: "atan2", exact: Math.atan2, bound: 2 },
] as const;

/** C's pow: JavaScript has NaN where |x| is 1 and y is infinite or NaN. */
function power(x: number, y: number): number {
  const isOne = x === 1 || (x === -1 && Math.abs(y) === Infinity);
  return isOne ? 1 : x ** y;
}

/** Numbers in [0, 1), the same in every run. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Both operands: any bits, or such that |y ln x| is below 100, with x near 1 in every other pair. */
function pairs(isOrdinary: boolean): readonly [x: Float32Array, y: Float32Array] {
  const next = uniform(7);
  const [x, y] = [new Float32Array(COUNT), new Float32Array(COUNT)];
  const [xBits, yBits] = [new Uint32Array(x.buffer), new Uint32Array(y.buffer)];
  for (let i = 0; i < COUNT; i++) {
    if (!isOrdinary) {
      xBits[i] = next() * 2 ** 32;
      yBits[i] = next() * 2 ** 32;
      continue;
    }
    const side = 2 * next() - 1;
    x[i] = i % 2 === 0 ? Math.exp(40 * side) : 1 + side * 2 ** (-23 * next());
    y[i] = (2 * next() - 1) * 100 / Math.max(Math.abs(Math.log(x[i]!)), 1e-7);
  }
  return [x, y];
}

/** The results of a kernel. */
function compute(device: Backend, name: KernelName, inputs: readonly Float32Array[]): Float32Array {
  const buffers = [...inputs, null].map(() => device.allocate(COUNT * 4));
  inputs.forEach((data, i) => device.write(buffers[i]!, 0, new Uint8Array(data.buffer)));
  const [x, y, out] = buffers.map((buffer): Operand => ({
    ...{ buffer, dtype: float32, shape: [COUNT], strides: [1], offset: 0 },
  })) as [Operand, Operand, Operand];
  const kernel = device.kernels[name] as unknown as (
    inputs: readonly Operand[],
    output: Operand,
    attrs: null,
  ) => never;
  device.run(kernel([x, y], out, null));
  const bytes = device.readSync!(out.buffer, 0, COUNT * 4);
  return new Float32Array(bytes.slice().buffer);
}

/** The distance in units of the last place; ∞ where NaN, an infinity or the sign of a zero is wrong. */
function distance(got: number, want: number): number {
  const near = Math.fround(want);
  if (Object.is(got, near) && (got === 0 || !Number.isFinite(got))) return 0;
  if (!Number.isFinite(got) || !Number.isFinite(near) || (got === 0 && near === 0)) return Infinity;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(near))), -126);
  return Math.abs(got - want) / 2 ** (exponent - 23);
}

for (const build of ["relaxed", "simd"] as const) {
  const device = createWasmBackend({ fallback: hostKernels, build, threads: 0 });
  for (const { name, exact, bound } of FUNCTIONS) {
    for (const isOrdinary of [false, true]) {
      test(`${name}: a sample of ${isOrdinary ? "ordinary" : "all"} pairs is within ${bound} ulp of float64 (${build})`, () => {
        const [x, y] = pairs(isOrdinary);
        const results = compute(device, name, [x, y]);
        let [worst, at] = [0, 0];
        results.forEach((got, i) => {
          const off = distance(got, exact(x[i]!, y[i]!));
          if (off > worst) [worst, at] = [off, i];
        });
        expect(worst, `${name}(${x[at]}, ${y[at]}) = ${results[at]}`).toBeLessThanOrEqual(bound);
      });
    }
  }
}
