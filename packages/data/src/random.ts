/**
 * Random order, made on the host: samplers need no device.
 *
 * The numbers come from torch's generators, so `manualSeed` repeats them.
 *
 * @module
 */

import { fillUniform, float64 } from "@flambeau/core";
import { defaultGenerator, type Generator } from "@flambeau/tensor";

/** Numbers drawn evenly from [0, 1), with 53 bits each. */
export function uniforms(count: number, generator: Generator | null | undefined): Float64Array {
  const out = new Float64Array(count);
  fillUniform(out, { dtype: float64, ...(generator ?? defaultGenerator).take(count, true) });
  return out;
}

/** Whole numbers drawn evenly from 0 to `bound - 1`. */
export function integersBelow(
  bound: number,
  count: number,
  generator: Generator | null | undefined,
): Int32Array {
  return Int32Array.from(uniforms(count, generator), (u) => u * bound);
}

/** The numbers from 0 to `count - 1` in random order, every order equally likely (Fisher and Yates). */
export function permutation(count: number, generator: Generator | null | undefined): Int32Array {
  const out = Int32Array.from({ length: count }, (_, i) => i);
  const draws = uniforms(count, generator);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draws[i]! * (i + 1));
    const moved = out[i]!;
    out[i] = out[j]!;
    out[j] = moved;
  }
  return out;
}
