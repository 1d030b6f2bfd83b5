/**
 * Functions of float16 and bfloat16: all 65,536 inputs.
 *
 * @module
 */

import {
  bfloat16,
  bfloat16FromBits,
  bfloat16ToBits,
  float16,
  float16FromBits,
  float16ToBits,
  type Operand,
} from "@flambeau/core";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { expect, test } from "vitest";
import { functions } from "./functions.ts";

const COUNT = 65536;
const HALVES = [
  { dtype: float16, from: float16FromBits, to: float16ToBits },
  { dtype: bfloat16, from: bfloat16FromBits, to: bfloat16ToBits },
] as const;

/** Put together from others for halves. */
const COMPOSED: ReadonlySet<string> = new Set(["silu", "gelu"]);

const device = createWasmBackend({ fallback: hostKernels, threads: 0 });
for (const { dtype, from, to } of HALVES) {
  test(`every ${dtype.name} gives what float64 gives, rounded`, () => {
    const [x, y] = [0, 1].map((): Operand => ({
      ...{ buffer: device.allocate(COUNT * 2), dtype, shape: [COUNT], strides: [1], offset: 0 },
    })) as [Operand, Operand];
    device.write(x.buffer, 0, new Uint8Array(Uint16Array.from({ length: COUNT }, (_, i) => i).buffer));
    for (const { name, primitive, attrs, exact } of functions) {
      if (COMPOSED.has(primitive)) continue;
      const kernel = device.kernels[primitive] as unknown as (
        inputs: readonly Operand[],
        output: Operand,
        attrs: unknown,
      ) => never;
      device.run(kernel([x], y, attrs));
      const bytes = device.readSync!(y.buffer, 0, COUNT * 2);
      const got = new Uint16Array(bytes.slice().buffer);
      const wrong = got.findIndex((bits, i) => {
        const want = to(exact(from(i)));
        return bits !== want && !(Number.isNaN(from(bits)) && Number.isNaN(from(want)));
      });
      expect(wrong, `${name} of pattern ${wrong}`).toBe(-1);
    }
  });
}
